//! The only reader of wall time.
//!
//! Everything else takes time as an argument, so that it can be tested and replayed.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp, Zoned};

/// Now, as a point in time.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Now, in the system's time zone.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn local() -> Zoned {
    Zoned::now()
}

/// Now, for measuring how long something takes.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn instant() -> Instant {
    Instant::now()
}

/// What is told when the system's clock was set back while a session's clock runs.
pub const SET_BACK: &str =
    "the system's clock was set back; the session's own goes on from where it stood";

/// Whether the clock was set back since it was read before, by more than a correction of the drift.
pub fn was_set_back(before: Option<Timestamp>, now: Timestamp) -> bool {
    before.is_some_and(|before| before.duration_since(now) > SignedDuration::from_secs(2))
}
