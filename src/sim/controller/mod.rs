//! What the active controller decides about partitions: who leads, who is in
//! sync, which proposals of leaders it accepts.

pub mod alter_partition;
pub mod broker_change;
pub mod election;

/// What the controller quorum asks to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerTimer {
    /// Look for brokers whose session ran out.
    Sessions,
    /// Look whether the active controller lives and reaches a majority.
    Quorum,
    /// Give preferred leaders their places back.
    Balance,
    /// Elect uncleanly where that is allowed and no leader is left.
    Unclean,
    /// Answer metadata fetches that have waited long enough.
    MetadataWait,
}
