//! The bank: everything that is asked and taught, and how it is read.
//!
//! The bank knows nothing of any reader: no history, no schedule, no screen. `load` reads files
//! strictly and keeps what is sound, `check` holds the whole against rules that need more than one
//! file, `pack` turns a bank into bytes at build time and back at start.

pub mod built_in;
pub mod cache;
pub mod card;
pub mod check;
pub mod clean;
pub mod collection;
pub mod content;
pub mod id;
pub mod identity;
pub mod load;
pub mod markdown;
pub mod node;
pub mod pack;
pub mod problem;
pub mod report;
pub mod search;
pub mod stories;
pub mod user;
pub mod yaml;

pub use built_in::built_in;
pub use card::{
    Answer, Card, ChapterLink, Check, Choice, Code, FollowUp, Kind, Level, Origin, See,
};
pub use collection::Bank;
pub use content::{
    Area, Chapter, Deck, Drill, Entry, Heading, OwnStory, Prompt, ScenarioSource, Section, Skill,
    Stage, StageKind, StoryPart, StoryTemplate, Target, Track,
};
pub use id::{
    AreaId, CardId, ChapterId, DeckId, DrillId, PromptId, ScenarioId, SkillId, StoryId, TrackId,
};
pub use problem::{Problem, Severity};
