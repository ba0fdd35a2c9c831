//! The whole bank as one value, and how parts of it come together.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    card::Card,
    content::{Area, Chapter, Deck, Drill, Prompt, ScenarioSource, Skill, StoryTemplate, Track},
    id::{CardId, ChapterId, DeckId, DrillId, ScenarioId, SkillId, StoryId, TrackId},
};

/// Everything that is asked and taught. Collections keep the order of the files, built-in first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bank {
    /// All cards, deck by deck; shared, so that files are joined without a card being moved or copied.
    pub cards: Vec<Arc<Card>>,
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
    /// Place of each card in `cards`, by its id and by the ids it had before.
    #[serde(skip)]
    places: BTreeMap<CardId, usize>,
}

impl Bank {
    /// The card of that id, now or before.
    pub fn card(&self, id: &CardId) -> Option<&Card> {
        self.places.get(id).map(|&place| &*self.cards[place])
    }

    /// The card of that id today.
    pub(super) fn card_of_today(&self, id: &str) -> Option<&Card> {
        let card = &self.cards[*self.places.get(id)?];
        (card.id.as_str() == id).then_some(card)
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

    /// The skill of that id.
    pub fn skill(&self, id: &SkillId) -> Option<&Skill> {
        let mut skills = self.areas.iter().flat_map(|area| &area.skills);
        skills.find(|skill| skill.id == *id)
    }

    /// The story template of that id.
    pub fn story(&self, id: &StoryId) -> Option<&StoryTemplate> {
        self.stories.iter().find(|story| story.id == *id)
    }

    /// The scenario of that id.
    pub fn scenario(&self, id: &ScenarioId) -> Option<&ScenarioSource> {
        self.scenarios.iter().find(|scenario| scenario.id == *id)
    }

    /// The cards whose `see` points into a chapter, in order.
    pub fn cards_of_chapter<'b>(
        &'b self,
        id: &ChapterId,
    ) -> impl Iterator<Item = &'b Card> + use<'b> {
        let id = id.clone();
        self.cards.iter().map(Arc::as_ref).filter(move |card| {
            card.see
                .chapter
                .as_ref()
                .is_some_and(|link| link.chapter == id)
        })
    }

    /// Makes [`Self::card`] find what `cards` holds; called by whoever fills a bank.
    pub fn index(&mut self) {
        let before = |(place, card): (usize, &Arc<Card>)| {
            card.was
                .iter()
                .map(move |id| (id.clone(), place))
                .collect::<Vec<_>>()
        };
        self.places = self.cards.iter().enumerate().flat_map(before).collect();
        // an id of today outranks one of yesterday
        self.places.extend(
            self.cards
                .iter()
                .enumerate()
                .map(|(place, card)| (card.id.clone(), place)),
        );
    }

    /// Adds a card whose names no other has, where [`Self::card`] finds it.
    pub(super) fn add(&mut self, card: Arc<Card>) {
        let place = self.cards.len();
        for id in std::iter::once(&card.id).chain(&card.was) {
            self.places.insert(id.clone(), place);
        }
        self.cards.push(card);
    }

    /// Puts what stands in tables of contents into their order; ties keep the order of the files.
    pub fn sort(&mut self) {
        let mut parts: Vec<(u32, String)> = Vec::new();
        for chapter in &self.chapters {
            match parts.iter_mut().find(|(_, part)| *part == chapter.part) {
                Some((first, _)) => *first = chapter.order.min(*first),
                None => parts.push((chapter.order, chapter.part.clone())),
            }
        }
        parts.sort();
        let part = |name: &str| parts.iter().position(|(_, part)| part == name);
        self.chapters
            .sort_by_key(|chapter| (part(&chapter.part), chapter.order));
        self.areas.sort_by_key(|area| area.order);
    }

    /// Adds what another part of the bank holds, behind what is there.
    pub fn append(&mut self, mut other: Self) {
        self.cards.append(&mut other.cards);
        self.decks.append(&mut other.decks);
        self.tracks.append(&mut other.tracks);
        self.chapters.append(&mut other.chapters);
        self.drills.append(&mut other.drills);
        self.areas.append(&mut other.areas);
        self.stories.append(&mut other.stories);
        self.prompts.append(&mut other.prompts);
        self.scenarios.append(&mut other.scenarios);
    }
}
