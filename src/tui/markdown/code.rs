//! Colours of code: syntect's grammars, the theme's styles.
//!
//! Grammars are loaded when the first listing is shown, not at start, and what was parsed is kept: a
//! listing is parsed once whatever the width or theme. Diagrams and unknown languages stay plain.

use std::{collections::HashMap, sync::OnceLock};

use ratatui::{
    style::Style,
    text::{Line, Span},
};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};
use xxhash_rust::xxh3::Xxh3;

use crate::tui::theme::Theme;

/// What a run of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Plain,
    Comment,
    String,
    Number,
    Keyword,
    Kind,
    Call,
}

impl Class {
    fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Comment => theme.comment,
            Self::String => theme.string,
            Self::Number => theme.number,
            Self::Keyword => theme.keyword,
            Self::Kind => theme.kind,
            Self::Call => theme.call,
        }
    }
}

/// Runs of a line: class and bytes.
type Runs = Vec<(Class, usize)>;

/// Parses listings and keeps what it parsed.
#[derive(Debug, Default)]
pub struct Highlighter {
    known: HashMap<u64, Vec<Runs>>,
}

/// Listings kept before all are forgotten.
const KEPT: usize = 500;

impl Highlighter {
    /// The lines of a listing in the theme's colours.
    pub fn lines(&mut self, lang: &str, lines: &[String], theme: &Theme) -> Vec<Line<'static>> {
        let Some(token) = token(lang) else {
            return lines.iter().map(|line| Line::raw(line.clone())).collect();
        };
        let mut hasher = Xxh3::new();
        hasher.update(token.as_bytes());
        for line in lines {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        }
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        let parsed = self
            .known
            .entry(hasher.digest())
            .or_insert_with(|| parse(token, lines));
        lines
            .iter()
            .zip(parsed.iter())
            .map(|(line, runs)| {
                let mut at = 0;
                let mut spans = Vec::with_capacity(runs.len());
                for (class, bytes) in runs {
                    let end = (at + bytes).min(line.len());
                    spans.push(Span::styled(line[at..end].to_owned(), class.style(theme)));
                    at = end;
                }
                Line::from(spans)
            })
            .collect()
    }
}

/// The name under which syntect knows a language of the bank.
fn token(lang: &str) -> Option<&'static str> {
    Some(match lang {
        "java" => "java",
        "go" => "go",
        "rust" => "rs",
        "sql" => "sql",
        "yaml" => "yaml",
        "properties" => "properties",
        "json" => "json",
        "bash" | "sh" => "sh",
        "lua" => "lua",
        "xml" => "xml",
        "python" => "py",
        _ => return None,
    })
}

fn grammars() -> &'static SyntaxSet {
    static GRAMMARS: OnceLock<SyntaxSet> = OnceLock::new();
    GRAMMARS.get_or_init(SyntaxSet::load_defaults_newlines)
}

/// Scopes and their classes, by prefix; the innermost scope that has one decides.
fn classes() -> &'static [(Scope, Class)] {
    static CLASSES: OnceLock<Vec<(Scope, Class)>> = OnceLock::new();
    CLASSES.get_or_init(|| {
        [
            ("comment", Class::Comment),
            ("meta.mapping.key", Class::Kind),
            ("meta.structure.dictionary.key", Class::Kind),
            ("string", Class::String),
            ("constant", Class::Number),
            ("keyword.operator", Class::Plain),
            ("keyword.other.java-props", Class::Kind),
            ("keyword", Class::Keyword),
            ("storage.type.java", Class::Kind),
            ("storage", Class::Keyword),
            ("entity.name.function", Class::Call),
            ("support.function", Class::Call),
            ("variable.function", Class::Call),
            ("entity.name.tag", Class::Kind),
            ("entity.name", Class::Kind),
            ("entity.other.attribute-name", Class::Kind),
            ("support", Class::Kind),
        ]
        .into_iter()
        .filter_map(|(name, class)| Some((Scope::new(name).ok()?, class)))
        .collect()
    })
}

fn class(stack: &ScopeStack) -> Class {
    stack
        .as_slice()
        .iter()
        .rev()
        .find_map(|scope| {
            classes()
                .iter()
                .find(|(prefix, _)| prefix.is_prefix_of(*scope))
                .map(|(_, class)| *class)
        })
        .unwrap_or(Class::Plain)
}

fn parse(token: &str, lines: &[String]) -> Vec<Runs> {
    let plain = |line: &String| vec![(Class::Plain, line.len())];
    let set = grammars();
    let Some(syntax) = set.find_syntax_by_token(token) else {
        return lines.iter().map(plain).collect();
    };
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    lines
        .iter()
        .map(|line| {
            let fed = format!("{line}\n");
            let Ok(changes) = state.parse_line(&fed, set) else {
                return plain(line);
            };
            let mut runs: Runs = Vec::new();
            let mut at = 0;
            for (place, change) in &changes {
                push(
                    &mut runs,
                    class(&stack),
                    place.min(&line.len()) - at.min(line.len()),
                );
                at = *place;
                if stack.apply(change).is_err() {
                    return plain(line);
                }
            }
            push(&mut runs, class(&stack), line.len() - at.min(line.len()));
            runs
        })
        .collect()
}

fn push(runs: &mut Runs, class: Class, bytes: usize) {
    if bytes == 0 {
        return;
    }
    match runs.last_mut() {
        Some(last) if last.0 == class => last.1 += bytes,
        _ => runs.push((class, bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{depth::Depth, theme::Name};

    fn styled(lang: &str, code: &str) -> Vec<(String, Style)> {
        let theme = Theme::new(Name::Dark, Depth::True);
        let lines: Vec<String> = code.lines().map(str::to_owned).collect();
        Highlighter::default()
            .lines(lang, &lines, &theme)
            .into_iter()
            .flat_map(|line| line.spans)
            .map(|span| (span.content.trim().to_owned(), span.style))
            .collect()
    }

    #[test]
    fn every_language_of_the_bank_gets_its_colours() {
        let theme = Theme::new(Name::Dark, Depth::True);
        for (lang, code, word, style) in [
            ("java", "return \"x\"; // why", "return", theme.keyword),
            ("go", "func main() {}", "main", theme.call),
            ("rust", "let x = 42;", "42", theme.number),
            ("sql", "SELECT 1 -- one", "SELECT", theme.keyword),
            ("yaml", "acks: all", "acks", theme.kind),
            ("properties", "# note", "# note", theme.comment),
            ("json", "{\"acks\": \"all\"}", "\"all\"", theme.string),
            ("bash", "echo \"hi\"", "\"hi\"", theme.string),
            ("lua", "local x = 1", "local", theme.keyword),
            ("xml", "<a b=\"c\"/>", "\"c\"", theme.string),
            ("python", "def f(): pass", "f", theme.call),
        ] {
            let found = styled(lang, code);
            assert!(
                found
                    .iter()
                    .any(|(text, s)| text.contains(word) && *s == style),
                "{lang}: {found:?}"
            );
        }
    }

    #[test]
    fn text_stays_plain_and_no_letter_is_lost() {
        assert_eq!(
            styled("text", "return 42"),
            [("return 42".to_owned(), Style::new())]
        );
        let code = "if (x) {\n    /* über\n mehr */ run(\"日本\");\n}";
        let theme = Theme::new(Name::Dark, Depth::True);
        let lines: Vec<String> = code.lines().map(str::to_owned).collect();
        let out = Highlighter::default().lines("java", &lines, &theme);
        let back: Vec<String> = out
            .iter()
            .map(|line| line.spans.iter().map(|s| s.content.as_ref()).collect())
            .collect();
        assert_eq!(back, lines);
    }
}
