//! A card: one question, its model answer, and the closed questions that test it.
//!
//! Plain data. Loading and its rules live in `load`, packing in `pack`; how often a card is shown is
//! the business of `memory`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::id::{CardId, ChapterId, DeckId, DrillId, ScenarioId};

/// What shape a card's answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// An open question with a spoken answer, its mechanism and the points to make.
    Open,
    /// A rapid-fire question with a one-sentence answer.
    Flash,
    /// A piece of code with a mistake in it, and the fix.
    Bug,
}

/// How hard the question is, as interviewers use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Everybody is expected to know it.
    WarmUp,
    /// A working engineer knows it.
    Medium,
    /// A senior engineer knows it.
    Hard,
    /// Tells a staff engineer from a senior one.
    Staff,
}

impl Level {
    /// All levels, easiest first.
    pub const ALL: [Self; 4] = [Self::WarmUp, Self::Medium, Self::Hard, Self::Staff];

    /// The word used in files, on screen and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::WarmUp => "warm-up",
            Self::Medium => "medium",
            Self::Hard => "hard",
            Self::Staff => "staff",
        }
    }

    /// The level that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }
}

/// One question of the bank. Its texts are as long as they are, so that ten thousand cards take no more than they must.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Its name, unique over the whole bank.
    pub id: CardId,
    /// The file gives it no id; this one was made from the question (`identity`).
    pub derived_id: bool,
    /// Names it had before; their history is its own.
    pub was: Vec<CardId>,
    /// The deck it stands in.
    pub deck: DeckId,
    /// What shape the answer has.
    pub kind: Kind,
    /// The question (Markdown, usually one line).
    pub ask: Box<str>,
    /// How hard it is.
    pub level: Level,
    /// Asked most often.
    pub starred: bool,
    /// Free words to filter by.
    pub tags: Vec<String>,
    /// The sentence to say first (Markdown).
    pub say: Box<str>,
    /// The mechanism (Markdown); empty on a flash card.
    pub explain: Box<str>,
    /// What the interviewer ticks off (Markdown each); may be empty on a flash card.
    pub points: Vec<String>,
    /// What is asked next.
    pub follow_ups: Vec<FollowUp>,
    /// The wrong answer that sounds right (Markdown).
    pub trap: Option<Box<str>>,
    /// Cue for the reader's own story (Markdown).
    pub hook: Option<Box<str>>,
    /// Closed questions, for quizzes; at least one.
    pub checks: Vec<Check>,
    /// The code to find the mistake in; on bug cards only.
    pub code: Option<Box<Code>>,
    /// What was wrong and the mended code (Markdown); on bug cards only.
    pub fix: Option<Box<str>>,
    /// Where to read or see more.
    pub see: See,
    /// Where the facts come from.
    pub sources: Vec<String>,
    /// The version the answer holds for.
    pub as_of: Option<Box<str>>,
    /// Where it was read from.
    pub origin: Origin,
}

/// A question asked after the first, with its short answer (Markdown both).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    /// The question.
    pub ask: String,
    /// The answer.
    pub say: String,
}

/// A listing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// The language, as a Markdown fence names it.
    pub lang: String,
    /// The text.
    pub text: String,
}

/// A link into the guide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChapterLink {
    /// The chapter.
    pub chapter: ChapterId,
    /// A heading in it.
    pub anchor: Option<String>,
}

/// Where a card points to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct See {
    /// The chapter that teaches it.
    pub chapter: Option<ChapterLink>,
    /// Related cards.
    pub cards: Vec<CardId>,
    /// The scenario that shows it.
    pub scenario: Option<ScenarioId>,
    /// The design drill that uses it.
    pub drill: Option<DrillId>,
}

/// Where something was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file as the reader knows it: relative to the project for the built-in bank.
    pub file: Arc<str>,
    /// Line where it starts, from 1.
    pub line: u32,
    /// Its place in the list it stands in, from 0; 0 for what fills a whole file.
    pub item: u32,
    /// Part of the built-in bank.
    pub built_in: bool,
}

/// A closed question that belongs to a card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The question (Markdown).
    pub ask: String,
    /// How it is answered and what is right.
    pub answer: Answer,
}

/// The answer key of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Pick among choices; more than one may be right ("all that apply").
    Choose {
        /// In the order of the file; shuffled when shown.
        choices: Vec<Choice>,
    },
    /// Put the steps in order.
    Order {
        /// In the right order; at least three.
        steps: Vec<String>,
        /// Why this order.
        why: String,
    },
    /// Type a word or a setting.
    Type {
        /// Accepted spellings; the first is shown as the answer.
        accept: Vec<String>,
        /// Why it is the answer.
        why: String,
    },
    /// Type a number.
    Number {
        /// The right value.
        value: f64,
        /// Its unit, shown beside the field; may be empty.
        unit: String,
        /// How far off still counts as right, in the same unit.
        tolerance: f64,
        /// Why it is the answer.
        why: String,
    },
}

/// One choice of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What it says (Markdown).
    pub text: String,
    /// Whether it is right.
    pub right: bool,
    /// Why it is right or wrong (Markdown).
    pub why: String,
}

impl Answer {
    /// More than one choice is right.
    pub fn several(&self) -> bool {
        matches!(self, Self::Choose { choices } if choices.iter().filter(|c| c.right).count() > 1)
    }
}
