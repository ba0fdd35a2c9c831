//! What became of one record, and of all records of one producer.

use std::fmt;

use crate::sim::ranges::Ranges;
use crate::sim::types::ErrorCode;

/// One producer's records by what became of them. A record's number is the order in which the producer made it.
#[derive(Debug, Clone, Default)]
pub struct Fates {
    /// How many it made.
    pub made: u64,
    /// Those that it was told are written.
    pub acknowledged: Ranges,
    /// Those that it was told have failed.
    pub failed: Ranges,
    /// Those that the current leaders' logs hold.
    pub in_log: Ranges,
    /// Those acknowledged that no current leader's log holds.
    pub lost: Ranges,
    /// Those that a log holds more than once.
    pub duplicated: Ranges,
    /// Those that a log holds after a later one.
    pub reordered: Ranges,
    /// The `acks` of the last records that it was told are written.
    pub acks: i64,
    /// The last error that the producer got.
    pub last_error: Option<ErrorCode>,
}

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// What its producer was told.
    pub told: Told,
    /// Whether the current leader's log holds it.
    pub in_log: bool,
    /// Whether it was acknowledged and is not there.
    pub lost: bool,
    /// Whether it is there more than once.
    pub duplicated: bool,
    /// Whether it stands after a later one.
    pub reordered: bool,
}

/// What a producer was told of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It made no such record yet.
    Unknown,
    /// Nothing yet.
    Nothing,
    /// That it is written.
    Acknowledged,
    /// That it failed.
    Failed,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.told {
            Told::Unknown => return f.write_str("not made yet"),
            Told::Nothing => "not answered yet",
            Told::Acknowledged => "acknowledged",
            Told::Failed => "failed",
        })?;
        match (self.told, self.lost, self.in_log) {
            (_, true, _) => f.write_str(", lost")?,
            (Told::Failed, _, true) => f.write_str(", yet in the log")?,
            (_, _, true) => f.write_str(", in the log")?,
            _ => {}
        }
        if self.duplicated {
            f.write_str(", duplicated")?;
        }
        if self.reordered {
            f.write_str(", reordered")?;
        }
        Ok(())
    }
}
