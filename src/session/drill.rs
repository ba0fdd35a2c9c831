//! The drill: question, answer, points, follow-ups, rating.
//!
//! A pure state machine in two strokes. [`Drill::handle`] takes what the reader does and returns
//! what is to be recorded; only when the log has it, the caller says so ([`Drill::rated`],
//! [`Drill::marked`], [`Drill::undone`]) and the drill goes on. So a rating that could not be
//! written is still on screen, and the next card never appears before the last rating is safe.
//! `summary` sums up; which cards come is decided by `memory`, and nothing here is stored: an
//! interrupted drill is taken up from its first [`Snapshot`] and the ratings in the log.

mod summary;

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use summary::{Reading, Summary};

use crate::{
    bank::{Bank, CardId},
    memory::{CardState, Due, Moment, Rating, States},
};

/// More time on one card than this is time away from the desk.
pub const SPENT_MAX: Duration = Duration::from_mins(5);

/// What the reader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Show the answer.
    Reveal,
    /// Tick or untick the point at this place, from 0.
    Tick(usize),
    /// Show the next follow-up question, or the answer to the one shown.
    FollowUp,
    /// Rate the card; only once its answer is shown.
    Rate(Rating),
    /// Take the last thing back.
    Undo,
    /// Never show the card again until it is taken up.
    Suspend,
    /// Not again today.
    Bury,
    /// Mark or unmark it as one to look at.
    Flag,
    /// Mark or unmark it as one to learn first.
    Star,
    /// Leave it as it is; it stays due.
    Skip,
    /// End here.
    Finish,
}

/// What to do with a card beside rating it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Leave it out until it is taken up again.
    Suspend,
    /// Leave it out for today.
    Bury,
    /// Turn the flag over.
    Flag,
    /// Turn the star over.
    Star,
}

/// What is to be done outside. The drill waits where it is until it is told the outcome.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Record the rating, then call [`Drill::rated`].
    Rate {
        /// The card.
        card: CardId,
        /// The rating.
        rating: Rating,
        /// Time from question to rating, at most [`SPENT_MAX`].
        spent: Duration,
    },
    /// Record the mark, then call [`Drill::marked`].
    Mark {
        /// The card.
        card: CardId,
        /// What to do with it.
        mark: Mark,
    },
    /// Take the last record back, then call [`Drill::undone`].
    Undo,
    /// The drill is over; record it. [`Drill::summary`] has the rest.
    Finished,
}

/// What was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// A rating: the card is asked again.
    Rating,
    /// A card was left out: it is asked.
    LeftOut,
    /// A flag, star or something that changes no order.
    Other,
}

/// Where the open card stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The question is shown.
    Asking,
    /// The answer is shown too.
    Revealed,
}

/// The card on screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// Which card.
    pub card: CardId,
    /// How much of it is shown.
    pub phase: Phase,
    /// The points, as ticked off.
    pub ticked: Vec<bool>,
    /// Follow-up questions shown.
    pub follow_ups: usize,
    /// Answers to them shown.
    pub follow_up_answers: usize,
    /// It was rated in this drill already and comes back.
    pub again: bool,
    /// Since when it is on screen.
    since: Timestamp,
}

impl Open {
    /// What the ticks suggest.
    pub fn suggestion(&self) -> Option<Rating> {
        let ticked = self.ticked.iter().filter(|ticked| **ticked).count();
        Rating::suggested(ticked, self.ticked.len())
    }
}

/// One rating of the drill.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The card.
    pub card: CardId,
    /// The rating.
    pub rating: Rating,
    /// Time it took.
    pub spent: Duration,
    /// When it comes back, as of this rating.
    pub due: Option<Due>,
}

/// What a drill started with; with the ratings in the log it is enough to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What is drilled, in words.
    pub about: String,
    /// The cards, in order.
    pub cards: Vec<CardId>,
}

/// A running drill.
#[derive(Clone, Debug, PartialEq)]
pub struct Drill {
    about: String,
    /// To come, in order.
    queue: VecDeque<CardId>,
    /// To come back within the day, soonest first.
    learning: Vec<(Timestamp, CardId)>,
    open: Option<Open>,
    lines: Vec<Line>,
    skipped: Vec<CardId>,
}

impl Drill {
    /// Begins with the first of `cards`; those the bank does not have are left out.
    pub fn new(snapshot: &Snapshot, bank: &Bank, now: Timestamp) -> Self {
        let queue = snapshot.cards.iter();
        let mut drill = Self {
            about: snapshot.about.clone(),
            queue: queue
                .filter(|card| bank.card(card).is_some())
                .cloned()
                .collect(),
            learning: Vec::new(),
            open: None,
            lines: Vec::new(),
            skipped: Vec::new(),
        };
        drill.turn(bank, now);
        drill
    }

    /// Takes up an interrupted drill from what it started with and the ratings the log has of it.
    /// Cards that meanwhile were rated elsewhere or left out do not come.
    pub fn resume(
        snapshot: &Snapshot,
        ratings: impl IntoIterator<Item = (CardId, Rating, Duration)>,
        bank: &Bank,
        states: &States,
        now: Moment,
    ) -> Self {
        let lines: Vec<Line> = ratings
            .into_iter()
            .map(|(card, rating, spent)| Line {
                due: states.get(&card).and_then(|state| state.due),
                card,
                rating,
                spent,
            })
            .collect();
        let rated = |card: &CardId| lines.iter().any(|line| line.card == *card);
        let wanted = |card: &&CardId| {
            bank.card(card).is_some()
                && states.get(*card).is_none_or(|state| {
                    !state.is_out(now.day) && (state.is_new() || state.is_due_on(now.day))
                })
        };
        let cards = snapshot.cards.iter().filter(wanted);
        let (back, queue): (Vec<&CardId>, Vec<&CardId>) = cards.partition(|card| rated(card));
        let mut drill = Self {
            about: snapshot.about.clone(),
            queue: queue.into_iter().cloned().collect(),
            learning: Vec::new(),
            open: None,
            lines: Vec::new(),
            skipped: Vec::new(),
        };
        for card in back {
            if let Some(Due::At(at)) = states.get(card).and_then(|state| state.due) {
                drill.learn_later(at, card.clone());
            }
        }
        drill.lines = lines;
        drill.turn(bank, now.at);
        drill
    }

    /// Takes one input. What makes no sense where the drill stands is ignored.
    pub fn handle(&mut self, input: Input, bank: &Bank, now: Timestamp) -> Option<Effect> {
        match input {
            Input::Undo => return Some(Effect::Undo),
            Input::Finish => {
                self.put_back();
                return Some(Effect::Finished);
            }
            _ => {}
        }
        let open = self.open.as_mut()?;
        let card = open.card.clone();
        let revealed = open.phase == Phase::Revealed;
        match input {
            Input::Reveal if !revealed => open.phase = Phase::Revealed,
            Input::Tick(place) if revealed => {
                if let Some(ticked) = open.ticked.get_mut(place) {
                    *ticked = !*ticked;
                }
            }
            Input::FollowUp if revealed => {
                let all = bank.card(&card).map_or(0, |card| card.follow_ups.len());
                if open.follow_up_answers < open.follow_ups {
                    open.follow_up_answers += 1;
                } else if open.follow_ups < all {
                    open.follow_ups += 1;
                }
            }
            Input::Rate(rating) if revealed => {
                let spent = now.duration_since(open.since);
                let spent = Duration::try_from(spent).unwrap_or(Duration::ZERO);
                return Some(Effect::Rate {
                    card,
                    rating,
                    spent: spent.min(SPENT_MAX),
                });
            }
            Input::Suspend => return Some(mark(card, Mark::Suspend)),
            Input::Bury => return Some(mark(card, Mark::Bury)),
            Input::Flag => return Some(mark(card, Mark::Flag)),
            Input::Star => return Some(mark(card, Mark::Star)),
            Input::Skip => {
                self.skipped.push(card);
                self.open = None;
                return self.turn(bank, now);
            }
            _ => {}
        }
        None
    }

    /// The log has the rating, and the card is now in this state. Goes on to the next card.
    pub fn rated(
        &mut self,
        card: &CardId,
        rating: Rating,
        spent: Duration,
        state: &CardState,
        bank: &Bank,
        now: Timestamp,
    ) -> Option<Effect> {
        self.lines.push(Line {
            card: card.clone(),
            rating,
            spent,
            due: state.due,
        });
        self.forget(card);
        if let Some(Due::At(at)) = state.due {
            self.learn_later(at, card.clone());
        }
        self.turn(bank, now)
    }

    /// The log has the mark. A card that is left out makes way for the next.
    pub fn marked(
        &mut self,
        card: &CardId,
        mark: Mark,
        bank: &Bank,
        now: Timestamp,
    ) -> Option<Effect> {
        if matches!(mark, Mark::Flag | Mark::Star) {
            return None;
        }
        self.forget(card);
        self.turn(bank, now)
    }

    /// The log has taken something back: the card it concerned is asked (again), whether it belongs
    /// to this drill or to an earlier one; the card on screen comes right after it.
    pub fn undone(&mut self, card: &CardId, what: Undone, bank: &Bank, now: Timestamp) {
        if what == Undone::Rating
            && let Some(place) = self.lines.iter().rposition(|line| line.card == *card)
        {
            self.lines.remove(place);
        }
        if what == Undone::Other || bank.card(card).is_none() {
            return;
        }
        self.put_back();
        self.forget(card);
        self.show(card.clone(), bank, now);
    }

    /// A card was edited and has another id now.
    pub fn renamed(&mut self, old: &CardId, new: &CardId, bank: &Bank) {
        let open = self.open.iter_mut().map(|open| &mut open.card);
        let lines = self.lines.iter_mut().map(|line| &mut line.card);
        let learning = self.learning.iter_mut().map(|(_, card)| card);
        for card in open
            .chain(lines)
            .chain(learning)
            .chain(&mut self.queue)
            .chain(&mut self.skipped)
        {
            if card == old {
                *card = new.clone();
            }
        }
        self.refresh(bank);
    }

    /// The bank was read again: the open card may have other points now.
    pub fn refresh(&mut self, bank: &Bank) {
        let known = |card: &CardId| bank.card(card).is_some();
        self.queue.retain(known);
        self.learning.retain(|(_, card)| known(card));
        if let Some(open) = &mut self.open {
            let card = bank.card(&open.card);
            let points = card.map_or(0, |card| card.points.len());
            open.ticked.resize(points, false);
            let follow_ups = card.map_or(0, |card| card.follow_ups.len());
            open.follow_ups = open.follow_ups.min(follow_ups);
            open.follow_up_answers = open.follow_up_answers.min(open.follow_ups);
        }
    }

    /// Opens the next card: one being learnt whose time has come, else the next of the queue, else
    /// one being learnt before its time.
    fn turn(&mut self, bank: &Bank, now: Timestamp) -> Option<Effect> {
        if self.open.is_some() {
            return None;
        }
        let has_come = self.learning.first().is_some_and(|(at, _)| *at <= now);
        let card = if has_come || self.queue.is_empty() {
            if self.learning.is_empty() {
                return Some(Effect::Finished);
            }
            self.learning.remove(0).1
        } else {
            self.queue.pop_front()?
        };
        self.show(card, bank, now);
        None
    }

    fn show(&mut self, card: CardId, bank: &Bank, now: Timestamp) {
        let points = bank.card(&card).map_or(0, |card| card.points.len());
        self.open = Some(Open {
            phase: Phase::Asking,
            ticked: vec![false; points],
            follow_ups: 0,
            follow_up_answers: 0,
            again: self.lines.iter().any(|line| line.card == card),
            since: now,
            card,
        });
    }

    /// Nothing could be seen for that long: the open card does not count it.
    pub fn stood(&mut self, passed: SignedDuration) {
        if let Some(open) = &mut self.open {
            open.since = open.since.saturating_add(passed).unwrap_or(open.since);
        }
    }

    /// Puts the open card back where it would come next.
    fn put_back(&mut self) {
        if let Some(open) = self.open.take() {
            self.queue.push_front(open.card);
        }
    }

    /// Takes a card out of all that is to come.
    fn forget(&mut self, card: &CardId) {
        self.open.take_if(|open| open.card == *card);
        self.queue.retain(|other| other != card);
        self.skipped.retain(|other| other != card);
        self.learning.retain(|(_, other)| other != card);
    }

    fn learn_later(&mut self, at: Timestamp, card: CardId) {
        let place = self.learning.partition_point(|(other, _)| *other <= at);
        self.learning.insert(place, (at, card));
    }

    /// What is drilled, in words.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The card on screen; none when the drill is over.
    pub fn open(&self) -> Option<&Open> {
        self.open.as_ref()
    }

    /// Cards still to come, the open one included.
    pub fn left(&self) -> usize {
        self.queue.len() + self.learning.len() + usize::from(self.open.is_some())
    }

    /// Cards that will come back within the day, the open one not included.
    pub fn learning(&self) -> usize {
        self.learning.len()
    }

    /// The ratings so far, in order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Cards left as they were.
    pub fn skipped(&self) -> &[CardId] {
        &self.skipped
    }

    /// What the drill came to so far.
    pub fn summary(&self, bank: &Bank, now: Moment) -> Summary {
        summary::sum_up(self, bank, now)
    }
}

fn mark(card: CardId, mark: Mark) -> Effect {
    Effect::Mark { card, mark }
}

#[cfg(test)]
mod tests;
