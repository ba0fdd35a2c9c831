//! Which cards are shown today, and in what order.
//!
//! What is still being learnt and what was missed elsewhere comes first; then due cards by how likely
//! they are to be forgotten by now, new ones in the order of the track or the deck, evenly mixed in
//! between. Daily limits count what was done earlier the same
//! study day. Related cards, of which one gives the other away, are kept apart. Showing them is the
//! business of `session`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    day::{Day, Moment},
    scheduler::Scheduler,
    state::{CardState, Due, States},
};
use crate::bank::{Bank, Card, CardId, DeckId, Level, TrackId, problem::instead};

/// How many other cards stand between two related ones, where there are enough.
const APART: usize = 4;
/// How far ahead a place is filled with a card that is not related to the last ones.
const LOOK_AHEAD: usize = 24;

/// Which cards are wanted; empty takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Of this deck.
    pub deck: Option<DeckId>,
    /// On this track, in its order.
    pub track: Option<TrackId>,
    /// With all of these tags.
    pub tags: Vec<String>,
    /// Of one of these levels, in the words of the bank.
    pub levels: Vec<Level>,
    /// Starred by the bank or the reader.
    pub starred: bool,
    /// Flagged by the reader.
    pub flagged: bool,
}

/// A filter names what the bank does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} `{found}`{instead}")]
pub struct FilterError {
    what: &'static str,
    found: String,
    /// What there is, or the nearest of it.
    instead: String,
}

impl Filter {
    /// Checks that what the filter names is in the bank.
    ///
    /// # Errors
    /// Names the first thing that is not, and the nearest one that is.
    pub fn check(&self, bank: &Bank) -> Result<(), FilterError> {
        let missing = |what: &'static str, found: &str, known: Vec<&str>| {
            if known.contains(&found) {
                return Ok(());
            }
            Err(FilterError {
                what,
                found: found.to_owned(),
                instead: instead(found, known, &format!("{what}s")),
            })
        };
        if let Some(deck) = &self.deck {
            let known = bank.decks.iter().map(|deck| deck.id.as_str()).collect();
            missing("deck", deck.as_str(), known)?;
        }
        if let Some(track) = &self.track {
            let known = bank.tracks.iter().map(|track| track.id.as_str()).collect();
            missing("track", track.as_str(), known)?;
        }
        for tag in &self.tags {
            let known: BTreeSet<&str> = bank
                .cards
                .iter()
                .flat_map(|card| card.tags.iter().map(String::as_str))
                .collect();
            missing("tag", tag, known.into_iter().collect())?;
        }
        Ok(())
    }

    /// The cards it lets through, in the order of the track or else of the bank.
    pub fn cards<'a>(&self, bank: &'a Bank, states: &States) -> Vec<&'a Card> {
        let passes = |card: &&Card| self.passes(card, states.get(&card.id));
        match self.track.as_ref().and_then(|track| bank.track(track)) {
            Some(track) => track
                .cards()
                .into_iter()
                .filter_map(|id| bank.card(id))
                .filter(passes)
                .collect(),
            None if self.track.is_some() => Vec::new(),
            None => bank.cards.iter().map(Arc::as_ref).filter(passes).collect(),
        }
    }

    /// The filter in words, with titles for ids; `everything` for none.
    pub fn words(&self, bank: &Bank) -> String {
        let deck = self.deck.as_ref().map(|id| {
            bank.deck(id)
                .map_or_else(|| id.to_string(), |deck| deck.title.clone())
        });
        let track = self.track.as_ref().map(|id| {
            bank.track(id)
                .map_or_else(|| id.to_string(), |track| track.title.clone())
        });
        let levels: Vec<&str> = self.levels.iter().map(|level| level.word()).collect();
        let words: Vec<String> = deck
            .into_iter()
            .chain(track)
            .chain(self.tags.iter().map(|tag| format!("#{tag}")))
            .chain((!levels.is_empty()).then(|| levels.join(", ")))
            .chain(self.starred.then(|| "starred".to_owned()))
            .chain(self.flagged.then(|| "flagged".to_owned()))
            .collect();
        if words.is_empty() {
            "everything".to_owned()
        } else {
            words.join(", ")
        }
    }

    fn passes(&self, card: &Card, state: Option<&CardState>) -> bool {
        self.deck.as_ref().is_none_or(|deck| card.deck == *deck)
            && self.tags.iter().all(|tag| card.tags.contains(tag))
            && (self.levels.is_empty() || self.levels.contains(&card.level))
            && (!self.starred || card.starred || state.is_some_and(|state| state.starred))
            && (!self.flagged || state.is_some_and(|state| state.flagged))
    }
}

/// How much a study day may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// New cards.
    pub new: u32,
    /// Cards that come back.
    pub due: u32,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self {
        new: u32::MAX,
        due: u32::MAX,
    };
}

/// What was done on one study day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Today {
    /// Cards met for the first time.
    pub new: u32,
    /// Other cards rated.
    pub due: u32,
}

impl Today {
    /// Counts what the states say was done on `day`.
    pub fn of(states: &States, day: Day) -> Self {
        let mut today = Self::default();
        for state in states.values() {
            if state.first_day == Some(day) {
                today.new += 1;
            } else if state.last_day == Some(day) {
                today.due += 1;
            }
        }
        today
    }
}

/// Today's cards in the order they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// The cards.
    pub cards: Vec<CardId>,
    /// How many of them come back.
    pub due: usize,
    /// How many of them are new.
    pub new: usize,
    /// Due cards that the daily limit holds back.
    pub due_held_back: usize,
    /// New cards that the daily limit holds back.
    pub new_held_back: usize,
}

/// Puts today's cards in order.
pub fn build(
    bank: &Bank,
    states: &States,
    filter: &Filter,
    limits: Limits,
    scheduler: &Scheduler,
    now: Moment,
) -> Queue {
    let done = Today::of(states, now.day);
    let mut due: Vec<(Urgency, &Card)> = Vec::new();
    let mut new: Vec<&Card> = Vec::new();
    for card in filter.cards(bank, states) {
        match states.get(&card.id) {
            Some(state) if state.is_out(now.day) => {}
            Some(state) if state.is_due_on(now.day) => {
                due.push((urgency(state, scheduler, now), card));
            }
            Some(state) if !state.is_new() => {}
            _ => new.push(card),
        }
    }
    // A stable sort: cards of the same urgency keep the order of the track or the deck.
    due.sort_by(|(a, _), (b, _)| a.rank.cmp(&b.rank).then(a.recall.total_cmp(&b.recall)));
    let due_all = due.len();
    let new_all = new.len();
    // Cards in the middle of being learnt count as done already and are never held back.
    let learning = due
        .iter()
        .filter(|(key, _)| key.rank == Rank::Learning)
        .count();
    due.truncate(learning.saturating_add(left(limits.due, done.due)));
    new.truncate(left(limits.new, done.new));
    // What was missed elsewhere is done before anything new is met.
    let missed = due.iter().rposition(|(key, _)| key.rank == Rank::Missed);
    let mut first: Vec<&Card> = due.into_iter().map(|(_, card)| card).collect();
    let rest = first.split_off(missed.map_or(0, |place| place + 1));
    let (due, new_left) = (first.len() + rest.len(), new.len());
    let mut cards = first;
    cards.extend(mixed(rest, new));
    Queue {
        due,
        new: new_left,
        due_held_back: due_all - due,
        new_held_back: new_all - new_left,
        cards: spread(&cards),
    }
}

fn left(limit: u32, done: u32) -> usize {
    limit.saturating_sub(done) as usize
}

/// Why a card comes before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It is still being learnt.
    Learning,
    /// It was missed in a quiz, an interview or a scenario.
    Missed,
    /// It comes back.
    Due,
}

/// Lower is shown sooner; within a rank, what is least likely remembered.
#[derive(Clone, Copy, Debug)]
struct Urgency {
    rank: Rank,
    recall: f64,
}

fn urgency(state: &CardState, scheduler: &Scheduler, now: Moment) -> Urgency {
    let (rank, recall) = match state.due {
        Some(Due::At(_)) => (Rank::Learning, 0.0),
        _ if state.missed => (Rank::Missed, scheduler.recall(state, now.at)),
        _ => (Rank::Due, scheduler.recall(state, now.at)),
    };
    Urgency { rank, recall }
}

/// Deals the shorter row evenly into the longer one, beginning with what comes back.
fn mixed<'a>(due: Vec<&'a Card>, new: Vec<&'a Card>) -> Vec<&'a Card> {
    let total = due.len() + new.len();
    let (dues, news) = (due.len(), new.len());
    let (mut due, mut new) = (due.into_iter(), new.into_iter());
    let mut dealt = 0;
    (0..total)
        .filter_map(|place| {
            // New cards stand where the line of slope news/total crosses a whole number.
            let turn = (place + 1) * news / total.max(1) > dealt;
            if turn || place - dealt >= dues {
                dealt += 1;
                new.next()
            } else {
                due.next()
            }
        })
        .collect()
}

/// Whether one of two cards gives the other away: one names the other under `see`, or both point at
/// the same heading of the guide.
pub fn related(a: &Card, b: &Card) -> bool {
    let names = |one: &Card, other: &Card| one.see.cards.contains(&other.id);
    let heading = |card: &Card| {
        let link = card.see.chapter.as_ref()?;
        Some((link.chapter.clone(), link.anchor.clone()?))
    };
    names(a, b) || names(b, a) || heading(a).is_some_and(|place| heading(b) == Some(place))
}

/// Keeps related cards [`APART`], moving a later card forward into the gap; otherwise the order
/// stays. Where nothing within reach fits, the next card is taken as it comes.
fn spread(cards: &[&Card]) -> Vec<CardId> {
    let mut rest: std::collections::VecDeque<&Card> = cards.iter().copied().collect();
    let mut placed: Vec<&Card> = Vec::with_capacity(cards.len());
    while !rest.is_empty() {
        let last = &placed[placed.len().saturating_sub(APART)..];
        let fits = |card: &&Card| !last.iter().any(|other| related(card, other));
        let place = rest.iter().take(LOOK_AHEAD).position(fits).unwrap_or(0);
        placed.extend(rest.remove(place));
    }
    placed.into_iter().map(|card| card.id.clone()).collect()
}

/// How many cards are due, by deck; a help for lists that show every deck.
pub(super) fn due_by_deck(bank: &Bank, states: &States, now: Moment) -> BTreeMap<DeckId, usize> {
    let mut due = BTreeMap::new();
    for card in &bank.cards {
        let is_due = states
            .get(&card.id)
            .is_some_and(|state| state.is_due_on(now.day));
        *due.entry(card.deck.clone()).or_default() += usize::from(is_due);
    }
    due
}

#[cfg(test)]
mod tests;
