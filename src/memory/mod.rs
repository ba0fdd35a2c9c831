//! When a card comes back, and how likely it is to be remembered until then.
//!
//! `scheduler` wraps the FSRS model behind guards, `state` is what is known of one card, `day` turns
//! points in time into study days, `queue` puts today's cards in order, `readiness` predicts recall
//! on a date, `overview` sums it up by deck. Nothing here reads a clock or a file: what happened to a
//! card is the business of `progress`, showing it that of `session` and the screens.

mod day;
#[cfg(test)]
pub(crate) mod fixtures;
mod overview;
mod queue;
mod rating;
mod readiness;
mod scheduler;
mod state;
mod training;

pub use day::{Day, DayError, Moment, StudyDays};
pub use overview::{DeckOverview, LevelCount, Overview, overview};
pub use queue::{Filter, FilterError, Limits, Queue, Today, build, related};
pub use rating::Rating;
pub use readiness::{Forecast, Plan, Readiness, forecast, readiness};
pub use scheduler::{
    Interval, MAX_INTERVAL_DAYS, Parameters, ParametersError, Preview, Retention, RetentionError,
    Scheduler,
};
pub use state::{CardState, Due, Memory, Phase, States};
pub use training::{PastReview, Training, TrainingError, train};
