//! The whole bank at a glance: what is due, what is new and how ready each deck is.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    day::Moment,
    queue::due_by_deck,
    readiness::{Readiness, readiness},
    scheduler::Scheduler,
    state::{CardState, States},
};
use crate::bank::{Bank, Card, DeckId, Level};

/// How far the cards of one level are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelCount {
    /// The level.
    pub level: Level,
    /// Mean recall now over its cards, never seen ones counting 0; none when the deck has no card
    /// of the level.
    pub share: Option<f64>,
}

/// One deck.
#[derive(Clone, Debug, PartialEq)]
pub struct DeckOverview {
    /// Which deck.
    pub deck: DeckId,
    /// Its title.
    pub title: String,
    /// Cards to be shown today.
    pub due: usize,
    /// Cards never rated and not left out.
    pub new: usize,
    /// Readiness at the date asked for.
    pub ready: Readiness,
    /// By level, easiest first.
    pub levels: [LevelCount; 4],
}

/// All decks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// In the order of the bank; decks without cards are left out.
    pub decks: Vec<DeckOverview>,
    /// Cards to be shown today, limits not counted.
    pub due: usize,
    /// Cards never rated and not left out.
    pub new: usize,
    /// Readiness over all cards at the date asked for, if nothing is learnt until then.
    pub ready: Readiness,
}

/// Sums up the bank now, with readiness `at` a date.
pub fn overview(
    bank: &Bank,
    states: &States,
    scheduler: &Scheduler,
    now: Moment,
    at: Timestamp,
) -> Overview {
    let due = due_by_deck(bank, states, now);
    let mut by_deck: BTreeMap<&DeckId, Vec<(&Card, Option<&CardState>)>> = BTreeMap::new();
    for card in &bank.cards {
        by_deck
            .entry(&card.deck)
            .or_default()
            .push((card, states.get(&card.id)));
    }
    let is_new = |state: Option<&CardState>| {
        state.is_none_or(|s| s.is_new() && !s.is_out(now.day) && s.due.is_none())
    };
    let decks: Vec<DeckOverview> = bank
        .decks
        .iter()
        .filter_map(|deck| {
            let cards = by_deck.get(&deck.id)?;
            Some(DeckOverview {
                deck: deck.id.clone(),
                title: deck.title.clone(),
                due: due.get(&deck.id).copied().unwrap_or(0),
                new: cards.iter().filter(|(_, state)| is_new(*state)).count(),
                ready: readiness(scheduler, cards.iter().map(|(_, state)| *state), at),
                levels: Level::ALL.map(|level| {
                    let of_level = cards
                        .iter()
                        .filter(|(card, _)| card.level == level)
                        .map(|(_, state)| *state);
                    let now = readiness(scheduler, of_level, now.at);
                    LevelCount {
                        level,
                        share: (now.cards > 0).then_some(now.share),
                    }
                }),
            })
        })
        .collect();
    let all = bank.cards.iter().map(|card| states.get(&card.id));
    Overview {
        due: decks.iter().map(|deck| deck.due).sum(),
        new: decks.iter().map(|deck| deck.new).sum(),
        ready: readiness(scheduler, all, at),
        decks,
    }
}
