//! What coordinators write to `__consumer_offsets`.
//!
//! Every record is an acks=all write: a coordinator that takes over reads them
//! all again and knows commits, generations and members.
//!
//! Source: `GroupCoordinatorRecordHelpers`.

use std::sync::Arc;

use crate::sim::message::Subscription;
use crate::sim::node::PartitionId;
use crate::sim::time::Time;
use crate::sim::types::{LeaderEpoch, Offset};

/// A record of `__consumer_offsets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupRecord {
    /// A group committed offsets.
    Commit {
        /// Which group.
        group: Arc<str>,
        /// For each partition the next offset to read and the leader epoch of the last record read.
        offsets: Vec<(PartitionId, Offset, LeaderEpoch)>,
        /// When.
        at: Time,
    },
    /// A group reached a generation (or emptied).
    Metadata {
        /// Which group.
        group: Arc<str>,
        /// The generation.
        generation: i32,
        /// The assignor, while there are members.
        protocol: Option<Arc<str>>,
        /// The member that computes assignments.
        leader: Option<Arc<str>>,
        /// The members with what they were assigned.
        members: Vec<GroupMemberRecord>,
    },
}

/// A member in [`GroupRecord::Metadata`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMemberRecord {
    /// The member's id.
    pub member_id: Arc<str>,
    /// The client's name (`client.id`).
    pub client: Arc<str>,
    /// `group.instance.id`
    pub instance_id: Option<Arc<str>>,
    /// `session.timeout.ms`
    pub session_timeout: Time,
    /// `max.poll.interval.ms`
    pub rebalance_timeout: Time,
    /// What it subscribes to, by assignor.
    pub protocols: Arc<[(Arc<str>, Arc<Subscription>)]>,
    /// What it was assigned.
    pub assignment: Arc<[PartitionId]>,
}
