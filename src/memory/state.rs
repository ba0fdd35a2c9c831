//! What is known of one card: how well it sits, and when it is due.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::day::{Day, Moment};
use crate::bank::CardId;

/// The two numbers of FSRS.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Days after which recall has fallen to 90 %.
    pub stability: f32,
    /// From 1 (easy) to 10 (hard).
    pub difficulty: f32,
}

/// Where a card stands in being learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Never rated.
    #[default]
    New,
    /// Met, but not yet remembered for a day: comes back within minutes.
    Learning,
    /// Comes back after days.
    Review,
    /// Forgotten, and coming back within minutes.
    Relearning,
}

/// When a card is to be shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// Within the same study day, from this point on.
    At(Timestamp),
    /// Any time of this study day, or later.
    On(Day),
}

impl Due {
    /// Whether it is time.
    pub fn has_come(self, now: Moment) -> bool {
        match self {
            Self::At(at) => at <= now.at,
            Self::On(day) => day <= now.day,
        }
    }
}

/// Everything known of a card. A card without history has the default state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CardState {
    /// Where it stands.
    pub phase: Phase,
    /// How well it sits; none before the first rating.
    pub memory: Option<Memory>,
    /// When it is due; none for a card that never was.
    pub due: Option<Due>,
    /// Missed in a quiz, an interview or a scenario and not rated since: comes first.
    pub missed: bool,
    /// Ratings in force.
    pub reviews: u32,
    /// How often it was forgotten after having been remembered for a day or more.
    pub lapses: u32,
    /// The study day of the first rating.
    pub first_day: Option<Day>,
    /// The study day of the last rating.
    pub last_day: Option<Day>,
    /// When it was last rated.
    pub last_at: Option<Timestamp>,
    /// Left out until it is taken up again.
    pub suspended: bool,
    /// Left out until this study day begins.
    pub buried_until: Option<Day>,
    /// Marked by the reader as one to learn first; beside the bank's own star.
    pub starred: bool,
    /// Marked by the reader as one to look at: unclear, wrong, to be edited.
    pub flagged: bool,
}

impl CardState {
    /// Never rated.
    pub fn is_new(&self) -> bool {
        self.phase == Phase::New
    }

    /// Left out for now: suspended, or buried beyond `day`.
    pub fn is_out(&self, day: Day) -> bool {
        self.suspended || self.buried_until.is_some_and(|until| day < until)
    }

    /// To be shown now.
    pub fn is_due(&self, now: Moment) -> bool {
        !self.is_out(now.day) && self.due.is_some_and(|due| due.has_come(now))
    }

    /// To be shown some time during `day`, or overdue.
    pub fn is_due_on(&self, day: Day) -> bool {
        !self.is_out(day)
            && match self.due {
                Some(Due::On(due)) => due <= day,
                Some(Due::At(_)) => true,
                None => false,
            }
    }
}

/// The states of all cards that have one, by card.
pub type States = BTreeMap<CardId, CardState>;
