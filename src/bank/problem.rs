//! What is wrong with a bank, and where: the one shape in which every check reports.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// It loads and works, but could be better; `check` still succeeds.
    Warning,
    /// Wrong: what it concerns is left out, or leads nowhere. In the built-in bank it stops the build.
    Error,
}

impl Severity {
    /// The word used in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Which rule a problem breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// The file cannot be read, or not as what it should be.
    Format,
    /// Readable, but not as the bank is written.
    Style,
    /// A name that is taken.
    Duplicate,
    /// A link that leads nowhere.
    Link,
    /// A card without chapter, a chapter without card.
    Coverage,
}

impl Rule {
    /// The word used in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Style => "style",
            Self::Duplicate => "duplicate",
            Self::Link => "link",
            Self::Coverage => "coverage",
        }
    }
}

/// One mistake: its place, what was found and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file as the reader knows it.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// How much it matters.
    pub severity: Severity,
    /// Which rule it breaks.
    pub rule: Rule,
    /// What was found and what was expected.
    pub message: String,
}

impl Problem {
    /// An error that concerns a file as a whole.
    pub fn whole_file(file: &Arc<str>, message: impl Into<String>) -> Self {
        Self {
            file: Arc::clone(file),
            line: 1,
            column: 1,
            severity: Severity::Error,
            rule: Rule::Format,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}: {}",
            self.file,
            self.line,
            self.column,
            self.severity.word(),
            self.message
        )
    }
}

/// The known word nearest to `word`, if one is near enough to be meant.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let allowed = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// More than so many names are not listed in a message.
const LISTED_MAX: usize = 40;

/// What can be named instead of a name that is not known: `; did you mean `…`?` with the nearest, or with
/// the shortest that holds the word, or else all of them under the heading `plural`, if they are few.
pub fn instead<'k>(
    word: &str,
    known: impl IntoIterator<Item = &'k str> + Clone,
    plural: &str,
) -> String {
    let holds = |name: &&str| word.chars().count() >= 3 && name.contains(word);
    let holding = known.clone().into_iter().filter(holds);
    let near = nearest(word, known.clone()).or_else(|| holding.min_by_key(|name| name.len()));
    if let Some(near) = near {
        return format!("; did you mean `{near}`?");
    }
    let all: Vec<&str> = known.into_iter().collect();
    if all.is_empty() || all.len() > LISTED_MAX {
        return String::new();
    }
    format!("; {plural}: {}", all.join(" "))
}

/// `; did you mean …?`, or nothing.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_comes_with_what_there_is() {
        let decks = ["kafka-producers", "kafka-groups", "redis"];
        let told = |word| instead(word, decks, "decks");
        assert_eq!(told("kafka-group"), "; did you mean `kafka-groups`?");
        assert_eq!(told("producer"), "; did you mean `kafka-producers`?");
        assert_eq!(told("zzz"), "; decks: kafka-producers kafka-groups redis");
        let many: Vec<String> = (0..99).map(|n| format!("tag-{n}")).collect();
        assert_eq!(instead("zzz", many.iter().map(String::as_str), "tags"), "");
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["level", "tags", "say"];
        assert_eq!(nearest("leval", known), Some("level"));
        assert_eq!(nearest("lable", known), None);
        assert_eq!(nearest("sya", known), Some("say"));
        assert_eq!(nearest("explain", known), None);
    }
}
