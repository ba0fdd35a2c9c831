//! What happened, why, and how to say it.
//!
//! Every change of state that a person would want to know of is an [`Event`]: typed, with the event that led to it.
//! [`What`]'s `Display` is the only place where the sentences are made. Steady work (a batch, a fetch) makes no event.

mod names;
mod words;

use std::fmt;
use std::sync::Arc;

use super::node::{NodeName, Tp};
use super::time::Time;
use super::types::{BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, Offset};

pub use words::Set;

/// The number of an event; they grow by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u64);

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number.
    pub id: EventId,
    /// When.
    pub time: Time,
    /// The event that led to it.
    pub cause: Option<EventId>,
    /// What happened.
    pub what: What,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.time, self.what)
    }
}

/// Why an ISR shrinks.
#[derive(Debug, Clone, PartialEq)]
pub enum ShrinkReason {
    /// Members were not caught up for too long.
    Lagging {
        /// Who, and for how long.
        members: Vec<(BrokerId, Time)>,
        /// `replica.lag.time.max.ms` in milliseconds.
        lag_max_ms: i64,
    },
    /// The controller fenced a member.
    Fenced(BrokerId),
    /// A member shuts down in a controlled way.
    ShuttingDown(BrokerId),
    /// A member's broker came back after an unclean shutdown (KIP-966).
    UncleanShutdown(BrokerId),
    /// An election made the leader the only member.
    Election,
    /// A reassignment removed members.
    Reassigned,
}

/// Why a leader was elected or lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElectionReason {
    /// The partition was created.
    Created,
    /// The leader's broker was fenced.
    Fenced(BrokerId),
    /// The leader's broker shuts down in a controlled way.
    ShuttingDown(BrokerId),
    /// A broker that may lead came back.
    Unfenced(BrokerId),
    /// The preferred leader got its place back.
    Preferred,
    /// Unclean election was asked for or allowed.
    UncleanAllowed,
    /// It led last, and neither the ISR nor the ELR names anybody (KIP-966).
    LastKnownLeader,
    /// A reassignment removed the leader.
    Reassigned,
    /// The leader's broker registered again after an unclean shutdown.
    UncleanShutdown(BrokerId),
}

/// Why a record is known to be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LossReason {
    /// The new leader's log ends before it, or holds something else there.
    NotOnNewLeader {
        /// The new leader.
        leader: BrokerId,
        /// Its log end when it took over.
        log_end: Offset,
    },
    /// It was acknowledged by a leader that had already been replaced.
    StaleLeader,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    missing_docs,
    reason = "the fields are what the sentence in `Display` says of them"
)]
pub enum What {
    // Faults and commands.
    Commanded {
        command: String,
    },
    BrokerCrashed {
        broker: BrokerId,
        lost_cache: bool,
        lost_disk: bool,
    },
    PageCacheLost {
        broker: BrokerId,
        tp: Tp,
        from: Offset,
        records: u64,
    },
    BrokerStarted {
        broker: BrokerId,
        clean: bool,
    },
    BrokerStopped {
        broker: BrokerId,
    },
    Cut {
        from: NodeName,
        to: NodeName,
    },
    Healed {
        from: NodeName,
        to: NodeName,
    },
    HealedAll,
    LinkSlowed {
        from: NodeName,
        to: NodeName,
        extra: Time,
    },
    DiskSlowed {
        broker: BrokerId,
        factor: u32,
    },
    MessageDropped {
        from: NodeName,
        to: NodeName,
        kind: &'static str,
        asked: bool,
    },

    // Controller and brokers.
    ControllerFailed {
        controller: u32,
    },
    ControllerRestarted {
        controller: u32,
    },
    ControllerElected {
        controller: u32,
        epoch: i32,
        after: Time,
    },
    QuorumLost {
        reachable: u32,
        voters: u32,
    },
    BrokerRegistered {
        broker: BrokerId,
        epoch: BrokerEpoch,
        clean: bool,
    },
    BrokerFenced {
        broker: BrokerId,
        silent: Time,
        session_timeout_ms: i64,
    },
    BrokerUnfenced {
        broker: BrokerId,
        epoch: BrokerEpoch,
    },
    ControlledShutdownStarted {
        broker: BrokerId,
    },
    ControlledShutdownGranted {
        broker: BrokerId,
    },
    ControlledShutdownTimedOut {
        broker: BrokerId,
        after: Time,
    },
    TopicCreated {
        topic: Arc<str>,
        partitions: u32,
        replication: u32,
    },
    PartitionsAdded {
        topic: Arc<str>,
        from: u32,
        to: u32,
    },
    SettingChanged {
        owner: String,
        setting: &'static str,
        from: String,
        to: String,
    },
    LeaderElected {
        tp: Tp,
        from: Option<BrokerId>,
        to: BrokerId,
        epoch: LeaderEpoch,
        isr: Vec<BrokerId>,
        clean: bool,
        from_elr: bool,
        reason: ElectionReason,
    },
    LeaderLost {
        tp: Tp,
        from: BrokerId,
        epoch: LeaderEpoch,
        isr: Vec<BrokerId>,
        elr: Vec<BrokerId>,
        reason: ElectionReason,
    },
    IsrShrunk {
        tp: Tp,
        from: Vec<BrokerId>,
        to: Vec<BrokerId>,
        reason: ShrinkReason,
        min_isr: u32,
    },
    IsrExpanded {
        tp: Tp,
        from: Vec<BrokerId>,
        to: Vec<BrokerId>,
        joined: Vec<BrokerId>,
        log_end: Offset,
        high_watermark: Offset,
    },
    ElrChanged {
        tp: Tp,
        from: Vec<BrokerId>,
        to: Vec<BrokerId>,
    },
    ReassignmentStarted {
        tp: Tp,
        from: Vec<BrokerId>,
        to: Vec<BrokerId>,
    },
    ReassignmentCompleted {
        tp: Tp,
        replicas: Vec<BrokerId>,
    },
    AlterPartitionRefused {
        tp: Tp,
        leader: BrokerId,
        isr: Vec<BrokerId>,
        error: ErrorCode,
    },

    // Replicas.
    BecameLeader {
        tp: Tp,
        broker: BrokerId,
        epoch: LeaderEpoch,
        log_end: Offset,
        high_watermark: Offset,
    },
    BecameFollower {
        tp: Tp,
        broker: BrokerId,
        leader: Option<BrokerId>,
        epoch: LeaderEpoch,
        log_end: Offset,
    },
    Truncated {
        tp: Tp,
        broker: BrokerId,
        from: Offset,
        to: Offset,
        epoch: LeaderEpoch,
        leader_epoch_end: Offset,
    },
    HighWatermarkFrozen {
        tp: Tp,
        leader: BrokerId,
        high_watermark: Offset,
        log_end: Offset,
        isr: Vec<BrokerId>,
        min_isr: u32,
    },
    HighWatermarkMoves {
        tp: Tp,
        leader: BrokerId,
        high_watermark: Offset,
        isr: Vec<BrokerId>,
        min_isr: u32,
    },

    // Producers.
    ProducerStarted {
        producer: Arc<str>,
        settings: String,
    },
    ProducerStopped {
        producer: Arc<str>,
        made: u64,
    },
    ProducerCrashed {
        producer: Arc<str>,
        unfinished: u64,
    },
    ProducerIdAssigned {
        producer: Arc<str>,
        producer_id: i64,
        epoch: i16,
    },
    ProduceFailing {
        producer: Arc<str>,
        tp: Tp,
        error: ErrorCode,
        broker: BrokerId,
        retry_after: Option<Time>,
        detail: String,
    },
    ProduceRecovered {
        producer: Arc<str>,
        tp: Tp,
        after: Time,
    },
    RecordsFailed {
        producer: Arc<str>,
        tp: Tp,
        first: u64,
        count: u64,
        error: String,
    },
    ProducerBlocked {
        producer: Arc<str>,
        used: u64,
        buffer_memory: i64,
    },
    ProducerUnblocked {
        producer: Arc<str>,
        after: Time,
    },
    RecordsRefused {
        producer: Arc<str>,
        first: u64,
        count: u64,
        error: String,
    },
    DuplicateDropped {
        tp: Tp,
        broker: BrokerId,
        producer: Arc<str>,
        first: u64,
        count: u64,
        offset: Offset,
    },
    SequenceRefused {
        tp: Tp,
        broker: BrokerId,
        producer: Arc<str>,
        error: ErrorCode,
        expected: String,
        found: i32,
    },

    // Fates.
    RecordsLost {
        tp: Tp,
        producer: Arc<str>,
        count: u64,
        first: u64,
        last: u64,
        offset: Offset,
        acks: &'static str,
        reason: LossReason,
    },
    RecordsReturned {
        tp: Tp,
        producer: Arc<str>,
        count: u64,
        first: u64,
        last: u64,
    },
    RecordsDuplicated {
        tp: Tp,
        producer: Arc<str>,
        count: u64,
        first: u64,
        last: u64,
        offset: Offset,
    },
    RecordsReordered {
        tp: Tp,
        producer: Arc<str>,
        first: u64,
        last: u64,
        after: u64,
        offset: Offset,
    },

    // Groups and consumers: see the group module for the sentences.
    Group(super::group::GroupEvent),

    // The watch.
    InvariantBroken {
        invariant: &'static str,
        detail: String,
    },
}
