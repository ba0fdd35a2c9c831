//! What a consumer has asked brokers and not heard of yet.
//!
//! Only the notes: the parts of the consumer beside this one send the requests and take the answers.

use super::super::node::PartitionId;
use super::super::time::Time;
use super::super::types::BrokerId;

/// A request without an answer yet.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) to: BrokerId,
    pub(super) sent: Time,
    pub(super) about: About,
}

/// What a request asks for, and what must be known of it when the answer comes or does not.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum About {
    Metadata,
    Coordinator,
    Join,
    Sync,
    Heartbeat,
    Leave,
    Commit { kind: CommitKind },
    Committed(Vec<PartitionId>),
    Offsets(Vec<PartitionId>),
    Epochs(Vec<PartitionId>),
    Fetch(Vec<PartitionId>),
    Produce,
}

/// Who waits for a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommitKind {
    /// Inside poll(); nobody waits.
    Auto,
    /// Before joining; the join waits.
    BeforeJoin,
    /// commitSync(); the application waits.
    Sync,
}
