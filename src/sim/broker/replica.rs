//! One replica of a partition on one broker: its log and the role it plays.

use std::collections::VecDeque;
use std::sync::Arc;

use super::log::Log;
use super::partition_state::{IsrConfig, LeaderPartition};
use super::producer_state::{ProducerBatch, ProducerStates};
use crate::sim::message::{Batch, PartitionRecord};
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::time::Time;
use crate::sim::types::{BrokerId, LeaderEpoch, NO_LEADER_EPOCH, Offset};

/// A produce request that waits for this partition: its number in the broker's purgatory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Answered when the high watermark reaches this.
    pub required: Offset,
    /// The request in the purgatory.
    pub request: u32,
}

/// What a leader has beside its log.
#[derive(Debug, Clone)]
pub struct Leading {
    /// ISR, followers, high watermark.
    pub state: LeaderPartition,
    /// Produce requests with `acks=all` that wait, by required offset.
    pub waiting: VecDeque<Waiting>,
    /// Consumers whose fetch sessions hold this partition.
    pub readers: Vec<NodeId>,
    /// Whether the standing high watermark has been told of.
    pub told_frozen: bool,
}

/// Which of the broker's lists a replica is on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unsaved {
    pub(super) checkpoint: bool,
    pub(super) flush: bool,
}

/// The role of a replica.
#[derive(Debug, Clone)]
pub enum Role {
    /// It leads.
    Leader(Box<Leading>),
    /// It follows this leader, if there is one.
    Follower(Option<BrokerId>),
}

/// A replica.
#[derive(Debug, Clone)]
pub struct Replica {
    /// The partition's state as this broker last replayed it.
    pub record: Arc<PartitionRecord>,
    /// The log.
    pub log: Log,
    /// A follower's high watermark; a leader's is in its state.
    pub follower_high_watermark: Offset,
    /// The high watermark on disk.
    pub checkpoint: Offset,
    /// The log end on disk; above it is the page cache.
    pub flushed: Offset,
    /// Whether the broker has it on its lists of what the next checkpoint and the next flush bring to disk.
    pub(super) unsaved: Unsaved,
    /// What is remembered of idempotent producers.
    pub producers: ProducerStates,
    /// Leader or follower.
    pub role: Role,
    /// The offset and the leader epoch that the last fetch for it asked with, which is what an answer must fit.
    pub asked: (Offset, LeaderEpoch),
    /// `min.insync.replicas` and `replica.lag.time.max.ms` as they apply here.
    pub isr_config: IsrConfig,
}

impl Replica {
    /// A new, empty replica.
    pub fn new(record: Arc<PartitionRecord>, isr_config: IsrConfig) -> Replica {
        Replica {
            record,
            log: Log::default(),
            follower_high_watermark: 0,
            checkpoint: 0,
            flushed: 0,
            unsaved: Unsaved::default(),
            producers: ProducerStates::new(),
            role: Role::Follower(None),
            asked: (0, NO_LEADER_EPOCH),
            isr_config,
        }
    }

    /// Which partition it is of.
    pub fn partition(&self) -> PartitionId {
        self.record.partition
    }

    /// The high watermark as this replica knows it.
    pub fn high_watermark(&self) -> Offset {
        match &self.role {
            Role::Leader(leading) => leading.state.high_watermark(),
            Role::Follower(_) => self.follower_high_watermark,
        }
    }

    /// What it has as a leader.
    pub fn leading(&self) -> Option<&Leading> {
        match &self.role {
            Role::Leader(leading) => Some(leading),
            Role::Follower(_) => None,
        }
    }

    /// What it has as a leader, to change.
    pub fn leading_mut(&mut self) -> Option<&mut Leading> {
        match &mut self.role {
            Role::Leader(leading) => Some(leading),
            Role::Follower(_) => None,
        }
    }

    /// Puts it on the list of what the next flush brings to disk, unless it is there.
    #[inline]
    pub(super) fn note_append(&mut self, unflushed: &mut Vec<PartitionId>) {
        if !std::mem::replace(&mut self.unsaved.flush, true) {
            unflushed.push(self.partition());
        }
    }

    /// Puts it on the list of what the next checkpoint brings to disk, unless it is there.
    #[inline]
    pub(super) fn note_high_watermark(&mut self, uncheckpointed: &mut Vec<PartitionId>) {
        if !std::mem::replace(&mut self.unsaved.checkpoint, true) {
            uncheckpointed.push(self.partition());
        }
    }

    /// Appends a batch and remembers its producer.
    pub fn append(&mut self, batch: Batch, now: Time) {
        let base = self.log.end();
        if batch.producer_id >= 0 {
            let known = ProducerBatch::of(
                batch.producer_id,
                batch.producer_epoch,
                batch.first_sequence,
                batch.count,
            );
            self.producers
                .record(&known, base, base + Offset::from(batch.count) - 1, now.0);
        }
        let settled = self.high_watermark().min(self.flushed);
        if self.log.append(batch, settled) {
            self.segment_rolled();
        }
    }

    /// A segment is full, with which a snapshot of the producers is taken.
    #[cold]
    fn segment_rolled(&mut self) {
        self.producers.advance_to(self.log.end());
        self.producers.take_snapshot();
        self.producers.keep_snapshots(8);
    }

    /// Cuts the log and forgets what producers wrote above.
    pub fn truncate(&mut self, end: Offset, now: Time, expiration: Time) -> u64 {
        let dropped = self.log.truncate(end);
        if dropped == 0 {
            return 0;
        }
        self.flushed = self.flushed.min(end);
        self.follower_high_watermark = self.follower_high_watermark.min(end);
        self.checkpoint = self.checkpoint.min(end);
        let from = self
            .producers
            .truncate_and_reload(self.log.start(), end, now.0, expiration.0);
        let mut read = Vec::new();
        self.log.read(from, end, u32::MAX, &mut read);
        for batch in read.iter().filter(|batch| batch.producer_id >= 0) {
            let known = ProducerBatch::of(
                batch.producer_id,
                batch.producer_epoch,
                batch.first_sequence,
                batch.count,
            );
            self.producers
                .record(&known, batch.base_offset, batch.next_offset() - 1, now.0);
        }
        self.producers.advance_to(end);
        dropped
    }
}
