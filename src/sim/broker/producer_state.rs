//! What one partition remembers of idempotent producers, so that a retried
//! batch is recognised and a gap refused.
//!
//! The broker asks [`ProducerStates::check`] before it appends a client's
//! batch and calls [`ProducerStates::record`] after; followers only record.
//! Snapshots let a replica rebuild the memory after a truncation without
//! reading its whole log. Transactions are not modelled here.
//!
//! Source: `ProducerStateManager`, `ProducerStateEntry`, `ProducerAppendInfo`;
//! KIP-98, KIP-360.

use std::collections::{BTreeMap, VecDeque};
use std::hint::cold_path;
use std::sync::Arc;

use thiserror::Error;

use crate::sim::types::{ErrorCode, Micros, Offset, ProducerEpoch, ProducerId, Sequence};

/// How many batches of a producer are remembered
/// (`ProducerStateEntry.NUM_BATCHES_TO_RETAIN`).
pub const BATCHES_TO_RETAIN: usize = 5;

/// `producer.id.expiration.ms`, the default.
pub const PRODUCER_ID_EXPIRATION: Micros = 86_400_000_000;

/// The producer's side of a batch: who sent it and which sequence it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerBatch {
    /// The producer session.
    pub producer_id: ProducerId,
    /// Its epoch.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of the first record.
    pub first_sequence: Sequence,
    /// Sequence of the last record (the count wraps from 2^31-1 to 0).
    pub last_sequence: Sequence,
}

impl ProducerBatch {
    /// The batch of `count` records that starts at `first_sequence`.
    pub fn of(
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        first_sequence: Sequence,
        count: u32,
    ) -> Self {
        Self {
            producer_id,
            producer_epoch,
            first_sequence,
            last_sequence: advance_sequence(first_sequence, count.saturating_sub(1)),
        }
    }
}

/// `sequence + by`, wrapping from 2^31-1 to 0
/// (`DefaultRecordBatch.incrementSequence`).
pub fn advance_sequence(sequence: Sequence, by: u32) -> Sequence {
    let wrapped = (i64::from(sequence) + i64::from(by)) % (i64::from(i32::MAX) + 1);
    Sequence::try_from(wrapped).unwrap_or(0)
}

/// A batch that was appended: its sequences and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendedBatch {
    /// Sequence of the first record.
    pub first_sequence: Sequence,
    /// Sequence of the last record.
    pub last_sequence: Sequence,
    /// Offset of the first record.
    pub first_offset: Offset,
    /// Offset of the last record.
    pub last_offset: Offset,
}

/// What is remembered of one producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerEntry {
    epoch: ProducerEpoch,
    batches: VecDeque<AppendedBatch>,
    last_append: Micros,
}

impl ProducerEntry {
    /// The epoch of the newest batch.
    pub fn epoch(&self) -> ProducerEpoch {
        self.epoch
    }

    /// The last sequence appended in that epoch.
    pub fn last_sequence(&self) -> Option<Sequence> {
        self.batches.back().map(|batch| batch.last_sequence)
    }

    /// The remembered batches, oldest first, at most [`BATCHES_TO_RETAIN`].
    pub fn batches(&self) -> impl ExactSizeIterator<Item = &AppendedBatch> {
        self.batches.iter()
    }
}

/// What to do with a client's batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Append it.
    Append,
    /// It lies in the log already: answer success with these offsets.
    Duplicate(AppendedBatch),
}

/// Why a client's batch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SequenceError {
    /// The producer was superseded by one with a newer epoch.
    #[error(
        "producer {producer_id} sent epoch {found}, but epoch {known} has written here since: \
         this producer instance is fenced"
    )]
    InvalidProducerEpoch {
        /// The producer session.
        producer_id: ProducerId,
        /// The batch's epoch.
        found: ProducerEpoch,
        /// The epoch on record.
        known: ProducerEpoch,
    },
    /// The batch does not continue where the last one ended.
    #[error(
        "producer {producer_id} sent sequence {found}, but {expected} comes next: \
         a batch before it is missing, or it is older than the last {BATCHES_TO_RETAIN} batches"
    )]
    OutOfOrderSequence {
        /// The producer session.
        producer_id: ProducerId,
        /// The batch's first sequence.
        found: Sequence,
        /// The sequence that would have been accepted.
        expected: Sequence,
    },
}

impl SequenceError {
    /// The code a client gets.
    pub fn code(&self) -> ErrorCode {
        match self {
            SequenceError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            SequenceError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
        }
    }
}

/// The producers one partition knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProducerStates {
    producers: BTreeMap<ProducerId, ProducerEntry>,
    /// Shared by clones of the cluster.
    snapshots: BTreeMap<Offset, Arc<BTreeMap<ProducerId, ProducerEntry>>>,
    /// The offset up to which batches have been taken into account.
    end_offset: Offset,
}

impl ProducerStates {
    /// Knows nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is remembered of a producer.
    pub fn producer(&self, id: ProducerId) -> Option<&ProducerEntry> {
        self.producers.get(&id)
    }

    /// How many producers are remembered.
    pub fn len(&self) -> usize {
        self.producers.len()
    }

    /// Whether no producer is remembered.
    pub fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }

    /// Judges a client's batch.
    ///
    /// A batch equal in epoch and sequences to one of the last five is a
    /// duplicate. Else the epoch must not be older than the known one; a newer
    /// epoch starts at 0; the same epoch continues at the last sequence + 1.
    /// Of an unknown producer any sequence is accepted: its state may have
    /// expired.
    ///
    /// # Errors
    /// [`SequenceError`] when the batch is fenced or out of order.
    pub fn check(&self, batch: &ProducerBatch) -> Result<Verdict, SequenceError> {
        let Some(entry) = self.producers.get(&batch.producer_id) else {
            return Ok(Verdict::Append);
        };
        let next = |last| advance_sequence(last, 1);
        let expected = entry.last_sequence().map_or(0, next);
        // What follows the newest batch repeats none of those that are remembered: they are far fewer than the sequences.
        if entry.epoch == batch.producer_epoch && batch.first_sequence == expected {
            return Ok(Verdict::Append);
        }
        cold_path();
        if entry.epoch == batch.producer_epoch
            && let Some(found) = entry.batches.iter().find(|known| {
                known.first_sequence == batch.first_sequence
                    && known.last_sequence == batch.last_sequence
            })
        {
            return Ok(Verdict::Duplicate(*found));
        }
        if batch.producer_epoch < entry.epoch {
            return Err(SequenceError::InvalidProducerEpoch {
                producer_id: batch.producer_id,
                found: batch.producer_epoch,
                known: entry.epoch,
            });
        }
        let expected = if batch.producer_epoch > entry.epoch {
            0
        } else {
            expected
        };
        if batch.first_sequence == expected {
            Ok(Verdict::Append)
        } else {
            Err(SequenceError::OutOfOrderSequence {
                producer_id: batch.producer_id,
                found: batch.first_sequence,
                expected,
            })
        }
    }

    /// Remembers a batch that now lies at `first_offset..=last_offset`. Called
    /// on leaders after [`Self::check`], on followers and at log recovery
    /// without it: the leader has checked already.
    pub fn record(
        &mut self,
        batch: &ProducerBatch,
        first_offset: Offset,
        last_offset: Offset,
        now: Micros,
    ) {
        let fresh = || ProducerEntry {
            epoch: batch.producer_epoch,
            batches: VecDeque::with_capacity(BATCHES_TO_RETAIN),
            last_append: now,
        };
        // Nearly every batch is of a known producer, and `get_mut` takes half of what `entry` does.
        let entry = match self.producers.get_mut(&batch.producer_id) {
            Some(known) => known,
            None => {
                cold_path();
                self.producers
                    .entry(batch.producer_id)
                    .or_insert_with(fresh)
            }
        };
        if entry.epoch != batch.producer_epoch {
            cold_path();
            entry.epoch = batch.producer_epoch;
            entry.batches.clear();
        }
        if entry.batches.len() == BATCHES_TO_RETAIN {
            entry.batches.pop_front();
        }
        entry.batches.push_back(AppendedBatch {
            first_sequence: batch.first_sequence,
            last_sequence: batch.last_sequence,
            first_offset,
            last_offset,
        });
        entry.last_append = now;
        self.end_offset = last_offset + 1;
    }

    /// Says that the log now ends at `offset` (batches without a producer
    /// carry nothing to remember, but move the end).
    pub fn advance_to(&mut self, offset: Offset) {
        self.end_offset = self.end_offset.max(offset);
    }

    /// Forgets producers that have not written for `expiration`
    /// (`producer.id.expiration.ms`), and returns how many.
    pub fn expire(&mut self, now: Micros, expiration: Micros) -> usize {
        let before = self.producers.len();
        self.producers
            .retain(|_, entry| now.saturating_sub(entry.last_append) < expiration);
        before - self.producers.len()
    }

    /// Takes a snapshot at the current end of the log (at a segment roll and
    /// at a clean shutdown).
    pub fn take_snapshot(&mut self) {
        self.snapshots
            .insert(self.end_offset, Arc::new(self.producers.clone()));
    }

    /// Forgets all but the newest `count` snapshots, as old segments take theirs
    /// along.
    pub fn keep_snapshots(&mut self, count: usize) {
        while self.snapshots.len() > count {
            self.snapshots.pop_first();
        }
    }

    /// The oldest and the newest snapshot's offset.
    pub fn snapshot_range(&self) -> Option<(Offset, Offset)> {
        let (oldest, _) = self.snapshots.first_key_value()?;
        let (newest, _) = self.snapshots.last_key_value()?;
        Some((*oldest, *newest))
    }

    /// Prepares for a log that now reaches from `log_start` to `log_end`:
    /// snapshots outside `log_start+1..=log_end` are dropped and the newest
    /// remaining one is loaded. Returns the offset from which the caller must
    /// [`Self::record`] the log's batches again.
    ///
    /// Source: `ProducerStateManager.truncateAndReload`.
    pub fn truncate_and_reload(
        &mut self,
        log_start: Offset,
        log_end: Offset,
        now: Micros,
        expiration: Micros,
    ) -> Offset {
        self.snapshots
            .retain(|&offset, _| offset > log_start && offset <= log_end);
        if self.end_offset == log_end {
            return log_end;
        }
        if let Some((&offset, snapshot)) = self.snapshots.last_key_value() {
            self.producers = BTreeMap::clone(snapshot);
            self.end_offset = offset;
        } else {
            self.producers.clear();
            self.end_offset = log_start;
        }
        self.expire(now, expiration);
        self.end_offset
    }

    /// Forgets everything, as an empty log at `start` knows nobody.
    pub fn clear(&mut self, start: Offset) {
        self.producers.clear();
        self.snapshots.clear();
        self.end_offset = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(
        states: &mut ProducerStates,
        epoch: ProducerEpoch,
        first: Sequence,
        count: u32,
    ) -> Result<Verdict, SequenceError> {
        let batch = ProducerBatch::of(1, epoch, first, count);
        let verdict = states.check(&batch)?;
        if verdict == Verdict::Append {
            let at = states.end_offset;
            states.record(&batch, at, at + u64::from(count) - 1, 0);
        }
        Ok(verdict)
    }

    #[test]
    fn only_the_last_five_batches_are_known_as_duplicates() {
        let mut states = ProducerStates::new();
        for sequence in 0..6 {
            assert_eq!(append(&mut states, 0, sequence, 1), Ok(Verdict::Append));
        }
        assert!(matches!(
            append(&mut states, 0, 1, 1),
            Ok(Verdict::Duplicate(batch)) if batch.first_offset == 1
        ));
        assert_eq!(
            append(&mut states, 0, 0, 1).map_err(|error| error.code()),
            Err(ErrorCode::OutOfOrderSequenceNumber)
        );
    }

    #[test]
    fn a_batch_of_another_length_is_not_a_duplicate() {
        let mut states = ProducerStates::new();
        assert_eq!(append(&mut states, 0, 0, 3), Ok(Verdict::Append));
        assert!(append(&mut states, 0, 0, 2).is_err());
        assert_eq!(append(&mut states, 0, 3, 1), Ok(Verdict::Append));
    }

    #[test]
    fn a_new_epoch_starts_at_zero_and_fences_the_old_one() {
        let mut states = ProducerStates::new();
        assert_eq!(append(&mut states, 0, 0, 1), Ok(Verdict::Append));
        assert!(append(&mut states, 1, 1, 1).is_err());
        assert_eq!(append(&mut states, 1, 0, 1), Ok(Verdict::Append));
        assert_eq!(
            append(&mut states, 0, 1, 1).map_err(|error| error.code()),
            Err(ErrorCode::InvalidProducerEpoch)
        );
    }

    #[test]
    fn an_unknown_producer_may_start_anywhere_and_sequences_wrap() {
        let mut states = ProducerStates::new();
        assert_eq!(append(&mut states, 0, i32::MAX - 1, 3), Ok(Verdict::Append));
        assert_eq!(
            states.producer(1).and_then(ProducerEntry::last_sequence),
            Some(0)
        );
        assert_eq!(append(&mut states, 0, 1, 1), Ok(Verdict::Append));
    }

    #[test]
    fn a_producer_is_forgotten_after_a_day() {
        let mut states = ProducerStates::new();
        assert_eq!(append(&mut states, 0, 0, 1), Ok(Verdict::Append));
        assert_eq!(
            states.expire(PRODUCER_ID_EXPIRATION - 1, PRODUCER_ID_EXPIRATION),
            0
        );
        assert_eq!(
            states.expire(PRODUCER_ID_EXPIRATION, PRODUCER_ID_EXPIRATION),
            1
        );
        assert_eq!(append(&mut states, 0, 7, 1), Ok(Verdict::Append));
    }

    #[test]
    fn truncation_reloads_the_newest_snapshot_within_the_log() {
        let mut states = ProducerStates::new();
        for sequence in 0..5 {
            assert_eq!(append(&mut states, 0, sequence, 1), Ok(Verdict::Append));
            states.take_snapshot();
        }
        let replay_from = states.truncate_and_reload(1, 3, 0, PRODUCER_ID_EXPIRATION);
        assert_eq!(states.snapshot_range(), Some((2, 3)));
        assert_eq!(replay_from, 3);
        assert_eq!(
            states.producer(1).and_then(ProducerEntry::last_sequence),
            Some(2)
        );
    }
}
