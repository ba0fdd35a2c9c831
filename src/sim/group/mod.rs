//! Consumer groups of the classic protocol.

pub mod assignors;
pub mod lag;

use std::fmt;
use std::sync::Arc;

use super::node::PartitionId;
use super::time::Time;
use super::types::{LeaderEpoch, Offset};

/// A record of `__consumer_offsets`. A coordinator that takes over reads them all again.
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
    /// `group.instance.id`
    pub instance_id: Option<Arc<str>>,
    /// `session.timeout.ms`
    pub session_timeout: Time,
    /// `max.poll.interval.ms`
    pub rebalance_timeout: Time,
    /// What it subscribes to, by assignor.
    pub protocols: Arc<[(Arc<str>, Arc<super::message::Subscription>)]>,
    /// What it was assigned.
    pub assignment: Arc<[PartitionId]>,
}

/// What happened in a group, as part of [`super::event::What`].
#[derive(Debug, Clone, PartialEq)]
#[allow(
    missing_docs,
    reason = "the fields are what the sentence in `Display` says of them"
)]
pub enum GroupEvent {
    /// A broker took over a group's coordination and read its log.
    CoordinatorLoaded {
        group: Arc<str>,
        broker: u32,
        generation: i32,
        members: u32,
    },
}

impl fmt::Display for GroupEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupEvent::CoordinatorLoaded {
                group,
                broker,
                generation,
                members,
            } => write!(
                f,
                "broker {broker} coordinates group {group}: it read generation {generation} with {members} members \
                 from __consumer_offsets"
            ),
        }
    }
}
