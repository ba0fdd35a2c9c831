//! The bank: everything that is asked and taught, and how it is read.
//!
//! The bank knows nothing of any reader: no history, no schedule, no screen. `load` reads files
//! strictly and keeps what is sound; `pack` turns a bank into bytes at build time and back at start.

pub mod card;
pub mod content;
pub mod id;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use card::{
    Answer, Card, ChapterLink, Check, Choice, Code, FollowUp, Kind, Level, Origin, See,
};
pub use content::{
    Area, Chapter, Deck, Drill, Entry, Heading, Prompt, ScenarioSource, Section, Skill, Stage,
    StageKind, StoryPart, StoryTemplate, Target, Track,
};
pub use id::{
    AreaId, CardId, ChapterId, DeckId, DrillId, PromptId, ScenarioId, SkillId, StoryId, TrackId,
};

/// Everything that is asked and taught. Collections keep the order of the files, built-in first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bank {
    /// All cards, deck by deck.
    pub cards: Vec<Card>,
    /// All decks.
    pub decks: Vec<Deck>,
    /// All tracks.
    pub tracks: Vec<Track>,
    /// All chapters, by part and order.
    pub chapters: Vec<Chapter>,
    /// All design drills.
    pub drills: Vec<Drill>,
    /// All areas of skills, by order.
    pub areas: Vec<Area>,
    /// All story templates.
    pub stories: Vec<StoryTemplate>,
    /// All interviewers' prompts.
    pub prompts: Vec<Prompt>,
    /// All scenarios, unparsed.
    pub scenarios: Vec<ScenarioSource>,
    /// Place of each card in `cards`.
    #[serde(skip)]
    places: BTreeMap<CardId, usize>,
}

impl Bank {
    /// The card of that id.
    pub fn card(&self, id: &CardId) -> Option<&Card> {
        self.places.get(id).map(|&place| &self.cards[place])
    }

    /// The deck of that id.
    pub fn deck(&self, id: &DeckId) -> Option<&Deck> {
        self.decks.iter().find(|deck| deck.id == *id)
    }

    /// The track of that id.
    pub fn track(&self, id: &TrackId) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == *id)
    }

    /// The chapter of that id.
    pub fn chapter(&self, id: &ChapterId) -> Option<&Chapter> {
        self.chapters.iter().find(|chapter| chapter.id == *id)
    }

    /// The design drill of that id.
    pub fn drill(&self, id: &DrillId) -> Option<&Drill> {
        self.drills.iter().find(|drill| drill.id == *id)
    }

    /// Makes [`Self::card`] find what `cards` holds; called by whoever fills a bank.
    pub fn index(&mut self) {
        self.places = self
            .cards
            .iter()
            .enumerate()
            .map(|(place, card)| (card.id.clone(), place))
            .collect();
    }
}
