//! The only reader of wall time.
//!
//! Everything else takes time as an argument, so that it can be tested and replayed.

use std::time::Instant;

use jiff::{Timestamp, Zoned};

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
