//! Everything in the bank beside cards: decks, tracks, chapters, drills, skills, stories, scenario sources.
//!
//! Plain data, as `docs/BANK.md` describes it. Loading and its rules live in `load`.

use serde::{Deserialize, Serialize};

use super::{
    card::{Level, Origin, See},
    id::{
        AreaId, CardId, ChapterId, DeckId, DrillId, PromptId, ScenarioId, SkillId, StoryId, TrackId,
    },
};

/// A topic and its cards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deck {
    /// Its name.
    pub id: DeckId,
    /// For people.
    pub title: String,
    /// One sentence about it.
    pub about: String,
    /// Its place among the decks of one source, the smallest first; those without one follow, as files are named.
    pub order: Option<u32>,
    /// Its cards, in the order of the file.
    pub cards: Vec<CardId>,
    /// Where it was read from.
    pub origin: Origin,
}

/// An ordered path through the bank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Its name.
    pub id: TrackId,
    /// For people.
    pub title: String,
    /// Whom it is for.
    pub about: String,
    /// In order.
    pub sections: Vec<Section>,
    /// Where it was read from.
    pub origin: Origin,
}

impl Track {
    /// The cards of the track, each once, in order.
    pub fn cards(&self) -> Vec<&CardId> {
        let mut seen = std::collections::HashSet::new();
        self.sections
            .iter()
            .flat_map(|section| &section.entries)
            .filter_map(|entry| match &entry.target {
                Target::Card(id) if seen.insert(id) => Some(id),
                _ => None,
            })
            .collect()
    }
}

/// A heading of a track and what stands under it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// For people.
    pub title: String,
    /// In order; the same target may stand more than once.
    pub entries: Vec<Entry>,
}

/// One stop of a track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it leads to.
    pub target: Target,
    /// Asked most in interviews.
    pub most_asked: bool,
}

/// What a track can lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A card.
    Card(CardId),
    /// A design drill.
    Drill(DrillId),
    /// A skill of the self-test.
    Skill(SkillId),
    /// A story template.
    Story(StoryId),
}

/// A chapter of the guide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// Its name: the path below `guide/`.
    pub id: ChapterId,
    /// For people.
    pub title: String,
    /// One line for the table of contents.
    pub about: String,
    /// The heading it stands under in the table of contents.
    pub part: String,
    /// Its place within the part.
    pub order: u32,
    /// Markdown, without the front matter.
    pub text: String,
    /// The line of the file on which the text starts, from 1.
    pub text_line: u32,
    /// Its headings, in order.
    pub headings: Vec<Heading>,
    /// Where it was read from.
    pub origin: Origin,
}

/// A heading that can be linked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// What links name.
    pub anchor: String,
    /// Its words.
    pub title: String,
    /// 2 for `##`, 3 for `###`, …
    pub depth: u8,
}

/// A system-design drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    /// Its name.
    pub id: DrillId,
    /// For people.
    pub title: String,
    /// How hard it is.
    pub level: Level,
    /// Free words to filter by.
    pub tags: Vec<String>,
    /// What the interviewer says (Markdown).
    pub ask: String,
    /// What both sides know before the clock starts (Markdown); may be empty.
    pub context: String,
    /// All eight stages, in order.
    pub stages: Vec<Stage>,
    /// Where to read or see more.
    pub see: See,
    /// Where the facts come from.
    pub sources: Vec<String>,
    /// The version the worked answer holds for.
    pub as_of: Option<String>,
    /// Where it was read from.
    pub origin: Origin,
}

impl Drill {
    /// Its whole length in minutes.
    pub fn minutes(&self) -> u32 {
        self.stages.iter().map(|stage| stage.minutes).sum()
    }
}

/// The stages of a design interview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StageKind {
    /// Ask before drawing.
    Clarify,
    /// Functional and other requirements, with numbers.
    Requirements,
    /// The interface.
    Api,
    /// What is stored, and its keys.
    DataModel,
    /// The boxes and arrows.
    Architecture,
    /// The hard part in detail.
    DeepDive,
    /// What breaks and what happens then.
    FailureModes,
    /// Ten times the load, and the way back.
    ScaleAndRollback,
}

impl StageKind {
    /// All stages, in the order of an interview.
    pub const ALL: [Self; 8] = [
        Self::Clarify,
        Self::Requirements,
        Self::Api,
        Self::DataModel,
        Self::Architecture,
        Self::DeepDive,
        Self::FailureModes,
        Self::ScaleAndRollback,
    ];

    /// The word used in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clarify => "clarify",
            Self::Requirements => "requirements",
            Self::Api => "api",
            Self::DataModel => "data-model",
            Self::Architecture => "architecture",
            Self::DeepDive => "deep-dive",
            Self::FailureModes => "failure-modes",
            Self::ScaleAndRollback => "scale-and-rollback",
        }
    }

    /// The heading for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Clarify => "Clarify",
            Self::Requirements => "Requirements",
            Self::Api => "API",
            Self::DataModel => "Data model",
            Self::Architecture => "Architecture",
            Self::DeepDive => "Deep dive",
            Self::FailureModes => "Failure modes",
            Self::ScaleAndRollback => "Scale and rollback",
        }
    }
}

/// One stage of a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Which of the eight.
    pub kind: StageKind,
    /// Its share of the time.
    pub minutes: u32,
    /// What to do in it (Markdown).
    pub prompt: String,
    /// Shown one at a time on demand (Markdown each).
    pub hints: Vec<String>,
    /// What to ask or be asked, each with a sensible answer (Markdown).
    pub questions: Vec<super::card::FollowUp>,
    /// What a good answer contains, each tickable (Markdown).
    pub rubric: Vec<String>,
    /// The worked answer (Markdown).
    pub worked: String,
}

/// An area of the self-test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// Its name.
    pub id: AreaId,
    /// For people.
    pub title: String,
    /// Its place among the areas.
    pub order: u32,
    /// Its skills, in order.
    pub skills: Vec<Skill>,
    /// Where it was read from.
    pub origin: Origin,
}

/// Something a reader rates themselves on: 0 can't, 1 can stumble through, 2 can teach it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skill {
    /// Its name.
    pub id: SkillId,
    /// What to be able to do.
    pub ask: String,
    /// How hard it is.
    pub level: Level,
    /// What to drill when it is weak.
    pub cards: Vec<CardId>,
    /// Design drills that train it.
    pub drills: Vec<DrillId>,
    /// Where it is taught.
    pub chapter: Option<super::card::ChapterLink>,
}

/// The skeleton of a story that a reader fills from their own work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryTemplate {
    /// Its name.
    pub id: StoryId,
    /// For people.
    pub title: String,
    /// What the story proves about its teller.
    pub about: String,
    /// The skeleton, in order.
    pub parts: Vec<StoryPart>,
    /// Figures to bring.
    pub numbers: Vec<String>,
    /// What spoils it.
    pub pitfalls: Vec<String>,
    /// Where it was read from.
    pub origin: Origin,
}

/// One part of a story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryPart {
    /// Its name: situation, task, action, …
    pub part: String,
    /// What to tell in it.
    pub ask: String,
}

/// A question that a story answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// Its name.
    pub id: PromptId,
    /// The question.
    pub ask: String,
    /// The templates that serve it, best first.
    pub stories: Vec<StoryId>,
    /// What the interviewer listens for.
    pub looking_for: String,
    /// Where it was read from.
    pub origin: Origin,
}

/// A story of the reader's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnStory {
    /// Its name.
    pub id: String,
    /// For people.
    pub title: String,
    /// The template it fills.
    pub template: Option<StoryId>,
    /// Prompts that it serves beside those of its template.
    pub prompts: Vec<PromptId>,
    /// What is told, in order: the name of the part, and its words.
    pub parts: Vec<(String, String)>,
    /// What must not be left out.
    pub facts: Vec<String>,
    /// Figures.
    pub numbers: Vec<String>,
    /// The line it starts on, from 1.
    pub line: u32,
}

impl OwnStory {
    /// What stands in a first file until the reader writes their own words over it.
    pub const UNTOLD: &'static str = "to be told";

    /// Whether the reader has written any of its parts.
    pub fn is_told(&self) -> bool {
        self.parts.iter().any(|(_, text)| written(text))
    }

    /// Parts, and `facts` and `numbers`, that still say [`Self::UNTOLD`].
    pub fn untold(&self) -> Vec<&str> {
        let parts = self.parts.iter().filter(|(_, text)| !written(text));
        let lists = [("facts", &self.facts), ("numbers", &self.numbers)];
        let lists = lists
            .into_iter()
            .filter(|(_, list)| list.iter().any(|text| !written(text)));
        parts
            .map(|(part, _)| part.as_str())
            .chain(lists.map(|(name, _)| name))
            .collect()
    }

    /// Whether there is a figure in it.
    pub fn has_number(&self) -> bool {
        let digit = |text: &String| text.chars().any(|c| c.is_ascii_digit());
        self.numbers.iter().any(|text| written(text))
            || self.facts.iter().any(digit)
            || self.parts.iter().any(|(_, text)| digit(text))
    }

    /// What is ticked off when it is told: facts and figures; without any, its parts.
    pub fn to_tell(&self) -> Vec<String> {
        let listed = self.facts.iter().chain(&self.numbers);
        let listed: Vec<String> = listed.filter(|text| written(text)).cloned().collect();
        if !listed.is_empty() {
            return listed;
        }
        let parts = self.parts.iter().filter(|(_, text)| written(text));
        parts
            .map(|(part, text)| format!("{part}: {text}"))
            .collect()
    }
}

/// The reader's own words, not those of the file to begin with.
fn written(text: &str) -> bool {
    text.trim() != OwnStory::UNTOLD
}

/// A scenario file, unparsed: what it means is the business of `lab`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioSource {
    /// Its name, from the key `scenario`.
    pub id: ScenarioId,
    /// For people, from the key `title`.
    pub title: String,
    /// One sentence, from the key `about`.
    pub about: String,
    /// The whole YAML text.
    pub text: String,
    /// Where it was read from.
    pub origin: Origin,
}
