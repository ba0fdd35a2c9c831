//! What the bank has to know about Markdown: which extensions are on, where the headings are, which
//! links lead into the bank, and what is not allowed in prose. Drawing it is the business of `tui`.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::content::Heading;

/// Languages that a fence may name.
pub const LANGUAGES: [&str; 13] = [
    "java",
    "go",
    "rust",
    "sql",
    "yaml",
    "properties",
    "json",
    "bash",
    "lua",
    "xml",
    "http",
    "python",
    "text",
];

/// Widest line of a `text` fence: such blocks are never wrapped and must fit 80 columns.
pub const DIAGRAM_COLUMNS_MAX: usize = 76;

/// The Markdown of the bank: CommonMark, tables and heading anchors.
pub fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES
}

/// Something a text should not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Line within the text, from 0.
    pub line: u32,
    /// What was found and what would be right.
    pub message: String,
}

/// What a link names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Line within the text, from 0.
    pub line: u32,
    /// The whole target, such as `chapter:kafka/storage#disk`.
    pub target: String,
}

/// Everything in `text` that is not allowed in prose.
pub fn examine(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.is_ascii() {
        for (line, row) in (0..).zip(text.lines()) {
            if let Some(c) = row.chars().find(|c| is_emoji(*c)) {
                let message = format!(
                    "the emoji U+{:04X}; terminals disagree on its width, use a word",
                    u32::from(c)
                );
                findings.push(Finding { line, message });
            }
        }
    }
    let has = |byte: u8| text.as_bytes().contains(&byte);
    if (has(b'`') && text.contains("```")) || (has(b'~') && text.contains("~~~")) {
        fences(text, &mut findings);
    }
    if has(b'<') {
        for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
            if let Event::Html(html) | Event::InlineHtml(html) = event {
                let message = format!(
                    "raw HTML `{}`; put it in backquotes or a fence",
                    html.trim()
                );
                findings.push(Finding {
                    line: line_of(text, range.start),
                    message,
                });
            }
        }
    }
    findings
}

fn fences(text: &str, findings: &mut Vec<Finding>) {
    let mut open: Option<(u32, &str, &str)> = None;
    for (line, row) in (0..).zip(text.lines()) {
        let bare = row.trim_start();
        let fence = ["```", "~~~"]
            .into_iter()
            .find(|fence| bare.starts_with(fence));
        match (open, fence) {
            (None, Some(fence)) => {
                let language = bare.trim_start_matches(['`', '~']).trim();
                // a line such as ```code``` is inline code
                if language.contains('`') {
                    continue;
                }
                if !LANGUAGES.contains(&language) {
                    let found = if language.is_empty() {
                        "a fence without a language".to_owned()
                    } else {
                        format!("a fence in `{language}`")
                    };
                    let message = format!("{found}; expected one of {}", LANGUAGES.join(" "));
                    findings.push(Finding { line, message });
                }
                open = Some((line, fence, language));
            }
            (Some((_, opener, _)), Some(fence))
                if opener == fence && bare.trim_end().trim_start_matches(['`', '~']).is_empty() =>
            {
                open = None;
            }
            (Some((_, _, "text")), _) => {
                let width = row.chars().count();
                if width > DIAGRAM_COLUMNS_MAX {
                    let message = format!(
                        "a line of {width} columns in a `text` fence; at most {DIAGRAM_COLUMNS_MAX} fit"
                    );
                    findings.push(Finding { line, message });
                }
            }
            _ => {}
        }
    }
    if let Some((line, fence, _)) = open {
        let message = format!("a fence that is never closed; expected a line of `{fence}` below");
        findings.push(Finding { line, message });
    }
}

/// The links of `text` that lead into the bank, or try to.
pub fn links(text: &str) -> Vec<Link> {
    if !text.as_bytes().contains(&b']') || !(text.contains("](") || text.contains("]:")) {
        return Vec::new();
    }
    let mut links = Vec::new();
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        if let Event::Start(Tag::Link { dest_url, .. }) = event {
            links.push(Link {
                line: line_of(text, range.start),
                target: dest_url.into_string(),
            });
        }
    }
    links
}

/// The headings of a chapter, each with its anchor.
pub fn headings(text: &str) -> Vec<(u32, Heading)> {
    let mut headings = Vec::new();
    let mut current: Option<(u32, Heading)> = None;
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, id, .. }) => {
                let heading = Heading {
                    anchor: id.map_or_else(String::new, pulldown_cmark::CowStr::into_string),
                    title: String::new(),
                    depth: level as u8,
                };
                current = Some((line_of(text, range.start), heading));
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some((_, heading)) = &mut current {
                    heading.title.push_str(&words);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((line, mut heading)) = current.take() {
                    if heading.anchor.is_empty() {
                        heading.anchor = slug(&heading.title);
                    }
                    headings.push((line, heading));
                }
            }
            _ => {}
        }
    }
    headings
}

/// The words of a heading in lower case, joined by hyphens.
pub fn slug(title: &str) -> String {
    title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join("-")
}

fn line_of(text: &str, at: usize) -> u32 {
    text[..at.min(text.len())].matches('\n').count() as u32
}

/// Characters that terminals draw as pictures, two cells wide or not, and the joiners between them.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{1f000}'..='\u{1faff}' | '\u{fe0f}' | '\u{200d}'
        | '\u{231a}'..='\u{231b}' | '\u{23e9}'..='\u{23ec}' | '\u{23f0}' | '\u{23f3}' | '\u{25fd}'..='\u{25fe}'
        | '\u{2614}'..='\u{2615}' | '\u{2648}'..='\u{2653}' | '\u{267f}' | '\u{2693}' | '\u{26a0}'..='\u{26a1}'
        | '\u{26aa}'..='\u{26ab}' | '\u{26bd}'..='\u{26be}' | '\u{26c4}'..='\u{26c5}' | '\u{26ce}' | '\u{26d4}'
        | '\u{26ea}' | '\u{26f2}'..='\u{26f3}' | '\u{26f5}' | '\u{26fa}' | '\u{26fd}' | '\u{2705}'
        | '\u{270a}'..='\u{270b}' | '\u{2728}' | '\u{274c}' | '\u{274e}' | '\u{2753}'..='\u{2755}' | '\u{2757}'
        | '\u{2795}'..='\u{2797}' | '\u{27b0}' | '\u{27bf}' | '\u{2b1b}'..='\u{2b1c}' | '\u{2b50}' | '\u{2b55}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<(u32, String)> {
        examine(text)
            .into_iter()
            .map(|f| (f.line, f.message))
            .collect()
    }

    #[test]
    fn fences_name_a_known_language_fit_and_close() {
        assert!(messages("```java\nint x;\n```\n\n```text\n+--+\n```\n").is_empty());
        assert_eq!(messages("a\n\n```\nx\n```\n")[0].0, 2);
        assert!(messages("```kotlin\nx\n```\n")[0].1.contains("kotlin"));
        let wide = format!("```text\nok\n{}\n```\n", "x".repeat(77));
        assert_eq!(messages(&wide)[0].0, 2);
        assert!(messages("```sql\nselect 1\n")[0].1.contains("never closed"));
    }

    #[test]
    fn pictures_and_html_are_found_outside_code() {
        assert_eq!(messages("fine\nnot \u{2705}")[0].0, 1);
        assert!(messages("a <b>bold</b> word").len() == 2);
        assert!(messages("`<topic>` and `a < b`, and 1 < 2 → fine ①").is_empty());
    }

    #[test]
    fn links_into_the_bank_are_found() {
        let text = "See [it](card:a-b)\nand [that](chapter:kafka/x#y), not `[x](card:no)`.";
        let targets: Vec<_> = links(text)
            .into_iter()
            .map(|l| (l.line, l.target))
            .collect();
        assert_eq!(
            targets,
            [(0, "card:a-b".into()), (1, "chapter:kafka/x#y".into())]
        );
    }

    #[test]
    fn headings_carry_their_anchor_or_get_one() {
        let found = headings("## Who is in sync {#isr}\n\ntext\n\n### The `acks` setting, again\n");
        let anchors: Vec<_> = found
            .iter()
            .map(|(line, h)| (*line, h.anchor.as_str(), h.depth))
            .collect();
        assert_eq!(anchors, [(0, "isr", 2), (4, "the-acks-setting-again", 3)]);
        assert_eq!(found[0].1.title, "Who is in sync");
    }
}
