//! How much will be remembered on the day.
//!
//! Readiness is the mean chance of recall over a set of cards at a point in time; a card never seen
//! counts as not known. [`readiness`] takes the cards as they are ("if you stop now"), [`forecast`]
//! plays the days until then through ("if you keep the plan").

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    day::{Day, Moment, StudyDays},
    queue::Limits,
    rating::Rating,
    scheduler::Scheduler,
    state::{CardState, Due},
};
use crate::bank::CardId;

/// The mean chance of recall over some cards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Readiness {
    /// 0 to 1; 0 when there is no card.
    pub share: f64,
    /// Cards counted; those the reader has suspended are left out.
    pub cards: usize,
    /// Cards rated at least once.
    pub seen: usize,
}

/// Readiness at a point in time if nothing is learnt until then.
pub fn readiness<'a>(
    scheduler: &Scheduler,
    cards: impl IntoIterator<Item = Option<&'a CardState>>,
    at: Timestamp,
) -> Readiness {
    let mut sum = 0.0;
    let mut result = Readiness::default();
    for state in cards {
        if state.is_some_and(|state| state.suspended) {
            continue;
        }
        result.cards += 1;
        if let Some(state) = state {
            result.seen += usize::from(state.reviews > 0);
            sum += scheduler.recall(state, at);
        }
    }
    if result.cards > 0 {
        result.share = sum / result.cards as f64;
    }
    result
}

/// What is to be done a day until a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The first day, and what was done of its share already is taken off by the caller.
    pub first: Day,
    /// The day of the interview; nothing is learnt on it.
    pub until: Day,
    /// Cards a day.
    pub limits: Limits,
    /// Ratings a day altogether, as the minutes allow.
    pub ratings: u32,
}

/// One day of a forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// The day.
    pub day: Day,
    /// New cards met.
    pub new: u32,
    /// Cards that came back.
    pub due: u32,
    /// Due cards that the day had no room for.
    pub left_over: u32,
    /// Readiness on the evening of the day.
    pub share: f64,
}

/// Plays a plan through: on each day the due cards least likely remembered come first, new ones in
/// the order given take the rest. Whether a card is remembered is drawn from its predicted recall by
/// a fixed hash of card and day, so that the same plan always gives the same forecast.
pub fn forecast<'a>(
    scheduler: &Scheduler,
    cards: impl IntoIterator<Item = (&'a CardId, Option<&'a CardState>)>,
    plan: &Plan,
    days: &StudyDays,
) -> Vec<Forecast> {
    let mut cards: Vec<(&CardId, CardState)> = cards
        .into_iter()
        .map(|(id, state)| (id, state.cloned().unwrap_or_default()))
        .filter(|(_, state)| !state.suspended)
        .collect();
    let count = plan.until.since(plan.first);
    (0..count)
        .map(|passed| {
            let day = plan.first.plus(passed);
            let now = Moment {
                at: days.start(day),
                day,
            };
            let mut line = play_day(scheduler, &mut cards, plan, now);
            let evening = days.start(day.plus(1));
            let states = cards.iter().map(|(_, state)| Some(state));
            line.share = readiness(scheduler, states, evening).share;
            line
        })
        .collect()
}

fn play_day(
    scheduler: &Scheduler,
    cards: &mut [(&CardId, CardState)],
    plan: &Plan,
    now: Moment,
) -> Forecast {
    let mut due: Vec<(f64, usize)> = cards
        .iter()
        .enumerate()
        .filter(|(_, (_, state))| state.is_due_on(now.day))
        .map(|(place, (_, state))| (scheduler.recall(state, now.at), place))
        .collect();
    due.sort_by(|a, b| a.0.total_cmp(&b.0));
    let room = plan.limits.due.min(plan.ratings) as usize;
    let left_over = due.len().saturating_sub(room) as u32;
    due.truncate(room);
    for &(recall, place) in &due {
        let (id, state) = &mut cards[place];
        let drawn = xxh3_64_with_seed(id.as_str().as_bytes(), now.day.number() as u64);
        let recalled = (drawn >> 11) as f64 / (1_u64 << 53) as f64 <= recall;
        if !recalled {
            *state = learnt(scheduler, id, state, Rating::Again, now);
        }
        *state = learnt(scheduler, id, state, Rating::Good, now);
    }
    let room = plan
        .limits
        .new
        .min(plan.ratings.saturating_sub(due.len() as u32));
    let mut new = 0;
    for (id, state) in cards.iter_mut() {
        if new == room {
            break;
        }
        if state.is_new() && !state.is_out(now.day) && state.due.is_none() {
            *state = learnt(scheduler, id, state, Rating::Good, now);
            new += 1;
        }
    }
    Forecast {
        day: now.day,
        new,
        due: due.len() as u32,
        left_over,
        share: 0.0,
    }
}

fn learnt(
    scheduler: &Scheduler,
    id: &CardId,
    state: &CardState,
    rating: Rating,
    now: Moment,
) -> CardState {
    let due: Due = scheduler.due(id, state, rating, now);
    scheduler.rated(state, rating, now, due)
}

#[cfg(test)]
mod tests;
