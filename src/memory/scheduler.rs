//! FSRS behind guards: what a rating does to a card and when the card comes back.
//!
//! The model is the `fsrs` crate's (FSRS-6, <https://github.com/open-spaced-repetition/fsrs-rs>); it
//! takes nonsense silently (a rating of 0, a retention of 1, NaN), so that everything passes through
//! checked types here. Ours are the steps within a day, the bounds of intervals, their order and
//! their fuzz. Which card is shown next is `queue`'s business.

use std::fmt;

use fsrs::{DEFAULT_PARAMETERS, FSRS, current_retrievability};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    day::{Day, Moment},
    rating::Rating,
    state::{CardState, Due, Memory, Phase},
};
use crate::bank::CardId;

/// Minutes until a card that was not remembered comes back.
const AGAIN_MINUTES: u32 = 5;
/// Minutes until a card still being learnt comes back when it was hard.
const HARD_MINUTES: u32 = 10;
/// No interval is longer: what is asked in interviews changes faster.
pub const MAX_INTERVAL_DAYS: u32 = 365;
/// Intervals from here on are fuzzed.
const FUZZ_FROM_DAYS: u32 = 3;
/// The part of an interval by which fuzz moves it at most, and by at least one day.
const FUZZ_SHARE: f32 = 0.05;

/// Bounds of the model's own numbers.
const STABILITY: (f32, f32) = (0.001, 36_500.0);
const DIFFICULTY: (f32, f32) = (1.0, 10.0);
const SECONDS_A_DAY: f32 = 86_400.0;

/// The chance of recall at which a card is to come back: 0.7 to 0.99.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Retention(f32);

/// Not a retention that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the desired retention lies between 0.7 and 0.99, found {found}")]
pub struct RetentionError {
    found: f64,
}

impl Retention {
    /// # Errors
    /// Outside 0.7 to 0.99, or not a number.
    pub fn new(share: f64) -> Result<Self, RetentionError> {
        if (0.7..=0.99).contains(&share) {
            Ok(Self(share as f32))
        } else {
            Err(RetentionError { found: share })
        }
    }

    /// The share, 0.7 to 0.99.
    pub fn share(self) -> f64 {
        // By way of the decimal, so that 0.9 does not become 0.8999999762.
        (f64::from(self.0) * 1e4).round() / 1e4
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self(0.9)
    }
}

impl TryFrom<f64> for Retention {
    type Error = RetentionError;

    fn try_from(share: f64) -> Result<Self, RetentionError> {
        Self::new(share)
    }
}

impl From<Retention> for f64 {
    fn from(retention: Retention) -> Self {
        retention.share()
    }
}

/// The 21 weights of FSRS-6.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f32>", into = "Vec<f32>")]
pub struct Parameters([f32; 21]);

/// Not weights that FSRS-6 can use.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParametersError {
    /// Another count.
    #[error("FSRS-6 has 21 parameters, found {0}")]
    Count(usize),
    /// Not a number.
    #[error("parameter {place} is {found}, which is no finite number")]
    NotFinite {
        /// From 0.
        place: usize,
        /// What stands there.
        found: f32,
    },
}

impl Default for Parameters {
    fn default() -> Self {
        Self(DEFAULT_PARAMETERS)
    }
}

impl TryFrom<Vec<f32>> for Parameters {
    type Error = ParametersError;

    fn try_from(weights: Vec<f32>) -> Result<Self, ParametersError> {
        if let Some((place, &found)) = weights.iter().enumerate().find(|(_, w)| !w.is_finite()) {
            return Err(ParametersError::NotFinite { place, found });
        }
        let count = weights.len();
        let weights = weights
            .try_into()
            .map_err(|_| ParametersError::Count(count))?;
        Ok(Self(weights))
    }
}

impl From<Parameters> for Vec<f32> {
    fn from(parameters: Parameters) -> Self {
        parameters.0.to_vec()
    }
}

impl Parameters {
    /// The weights.
    pub fn weights(&self) -> &[f32; 21] {
        &self.0
    }
}

/// How long until a card comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interval {
    /// Within the session.
    Minutes(u32),
    /// In so many study days, at least one.
    Days(u32),
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Self::Minutes(minutes) => format!("{minutes} min"),
            Self::Days(days @ 0..=30) => format!("{days} d"),
            Self::Days(days @ 31..=364) => format!("{:.1} mo", days as f32 / 30.4),
            Self::Days(days) => format!("{:.1} y", days as f32 / 365.0),
        };
        f.pad(&text)
    }
}

/// What a rating would do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preview {
    /// The rating.
    pub rating: Rating,
    /// How long until the card would come back.
    pub interval: Interval,
}

/// FSRS with one set of parameters and one desired retention.
#[derive(Clone, Debug)]
pub struct Scheduler {
    fsrs: FSRS,
    parameters: Parameters,
    retention: Retention,
}

impl Scheduler {
    /// A scheduler. Weights outside the model's bounds are brought to the nearest bound by it.
    pub fn new(parameters: &Parameters, retention: Retention) -> Self {
        Self {
            // 21 finite weights are never refused, which the type has made sure of.
            fsrs: FSRS::new(parameters.weights()).unwrap_or_default(),
            parameters: parameters.clone(),
            retention,
        }
    }

    /// The parameters in use.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What each of the four ratings would do now, worst first.
    pub fn previews(&self, card: &CardId, state: &CardState, now: Moment) -> [Preview; 4] {
        let intervals = self.intervals(card, state, now.day);
        Rating::ALL.map(|rating| Preview {
            rating,
            interval: intervals[usize::from(rating.number()) - 1],
        })
    }

    /// When a card rated `rating` now is to come back.
    pub fn due(&self, card: &CardId, state: &CardState, rating: Rating, now: Moment) -> Due {
        match self.intervals(card, state, now.day)[usize::from(rating.number()) - 1] {
            Interval::Minutes(minutes) => Due::At(
                now.at
                    .saturating_add(SignedDuration::from_mins(i64::from(minutes)))
                    .unwrap_or(now.at),
            ),
            Interval::Days(days) => Due::On(now.day.plus(days)),
        }
    }

    /// The state after a rating. `due` is [`Self::due`]'s answer, or what the log says it was.
    #[must_use]
    pub fn rated(&self, state: &CardState, rating: Rating, now: Moment, due: Due) -> CardState {
        let memory = self.next_memories(state, now.day)[usize::from(rating.number()) - 1];
        let lapsed = state.phase == Phase::Review && !rating.recalled();
        CardState {
            phase: match (due, state.phase) {
                (Due::On(_), _) => Phase::Review,
                (Due::At(_), Phase::New | Phase::Learning) => Phase::Learning,
                (Due::At(_), Phase::Review | Phase::Relearning) => Phase::Relearning,
            },
            memory: Some(memory),
            due: Some(due),
            missed: false,
            reviews: state.reviews.saturating_add(1),
            lapses: state.lapses.saturating_add(u32::from(lapsed)),
            first_day: state.first_day.or(Some(now.day)),
            last_day: Some(now.day),
            last_at: Some(now.at),
            ..state.clone()
        }
    }

    /// The chance, 0 to 1, that the card is remembered at a point in time. Never rated: 0. Before
    /// the last rating counts as at it.
    pub fn recall(&self, state: &CardState, at: Timestamp) -> f64 {
        let (Some(memory), Some(last)) = (state.memory, state.last_at) else {
            return 0.0;
        };
        self.recall_after(
            memory,
            at.duration_since(last).as_secs_f32() / SECONDS_A_DAY,
        )
    }

    /// The chance of recall `days` after a rating that led to `memory`.
    pub(super) fn recall_after(&self, memory: Memory, days: f32) -> f64 {
        // The weight that bends the forgetting curve, within the bounds that the crate gives it.
        let decay = self.parameters.weights()[20].clamp(0.1, 0.8);
        let recall = current_retrievability(guarded(memory), days.max(0.0), decay);
        f64::from(recall).clamp(0.0, 1.0)
    }

    /// The memory after each rating, worst first.
    pub(super) fn next_memories(&self, state: &CardState, day: Day) -> [Memory; 4] {
        let elapsed = state.last_day.map_or(0, |last| day.since(last));
        let before = state.memory.map(guarded);
        let Ok(next) = self
            .fsrs
            .next_states(before, self.retention.0, elapsed.min(36_500))
        else {
            // Only numbers that are not finite are refused, and `guarded` lets none through.
            return [state.memory.unwrap_or(Memory {
                stability: STABILITY.0,
                difficulty: DIFFICULTY.1,
            }); 4];
        };
        [next.again, next.hard, next.good, next.easy].map(|item| Memory {
            stability: item.memory.stability,
            difficulty: item.memory.difficulty,
        })
    }

    /// The interval after each rating: minutes while the card is being learnt, days in strictly
    /// rising order otherwise, so that a better rating never brings a card back sooner.
    fn intervals(&self, card: &CardId, state: &CardState, day: Day) -> [Interval; 4] {
        let [_, hard, good, easy] = self
            .next_memories(state, day)
            .map(|memory| self.days(memory, card, state.reviews));
        let learning = state.phase != Phase::Review;
        let hard_days = hard.min(MAX_INTERVAL_DAYS - 2);
        let good_days = if learning {
            good.min(MAX_INTERVAL_DAYS - 1)
        } else {
            good.clamp(hard_days + 1, MAX_INTERVAL_DAYS - 1)
        };
        [
            Interval::Minutes(AGAIN_MINUTES),
            if learning {
                Interval::Minutes(HARD_MINUTES)
            } else {
                Interval::Days(hard_days)
            },
            Interval::Days(good_days),
            Interval::Days(easy.clamp(good_days + 1, MAX_INTERVAL_DAYS)),
        ]
    }

    /// Whole days until recall falls to the desired retention, at least one, fuzzed.
    fn days(&self, memory: Memory, card: &CardId, reviews: u32) -> u32 {
        let exact = self
            .fsrs
            .next_interval(Some(memory.stability), self.retention.0, 3);
        // A cast from a float saturates, and of NaN gives 0.
        let days = (exact.round() as u32).clamp(1, MAX_INTERVAL_DAYS);
        fuzzed(days, card, reviews)
    }
}

/// Moves an interval a little, so that cards learnt together do not come back together for ever.
/// The same card at the same count of reviews always moves the same way: the preview on the key is
/// what happens.
fn fuzzed(days: u32, card: &CardId, reviews: u32) -> u32 {
    if days < FUZZ_FROM_DAYS {
        return days;
    }
    let reach = ((days as f32 * FUZZ_SHARE).round() as u32).max(1);
    let drawn = xxh3_64_with_seed(card.as_str().as_bytes(), u64::from(reviews));
    let offset = (drawn % u64::from(2 * reach + 1)) as u32;
    (days + offset - reach).min(MAX_INTERVAL_DAYS)
}

fn guarded(memory: Memory) -> fsrs::MemoryState {
    // `clamp` keeps NaN, `max` does not.
    fsrs::MemoryState {
        stability: memory.stability.max(STABILITY.0).min(STABILITY.1),
        difficulty: memory.difficulty.max(DIFFICULTY.0).min(DIFFICULTY.1),
    }
}

#[cfg(test)]
mod tests;
