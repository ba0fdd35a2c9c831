//! A replica's log: batches in order, their leader epochs, and where it ends.
//!
//! Full segments are shared, so that a snapshot of the cluster shares them. Old batches below the high watermark are
//! joined: runs of one producer stay exact, others become a count; offsets, sizes and epochs stay what they were.
//!
//! Source: `UnifiedLog`, `LeaderEpochFileCache`.

use std::hint::cold_path;
use std::sync::Arc;

use super::epoch_cache::EpochCache;
use crate::sim::message::{Batch, Records};
use crate::sim::types::{LeaderEpoch, NO_LEADER_EPOCH, Offset};

/// Batches in a segment. (A matter of memory: nothing that Kafka's segments decide depends on it.)
const SEGMENT: usize = 64;
/// Full segments that stay as they were written.
const EXACT_SEGMENTS: usize = 4;
/// How many records a joined batch may hold.
const JOINED_RECORDS: u32 = 4096;

/// A log.
#[derive(Debug, Clone, Default)]
pub struct Log {
    sealed: Vec<Arc<Vec<Batch>>>,
    /// How many of `sealed`, from the front, are joined.
    joined: usize,
    active: Vec<Batch>,
    end: Offset,
    epochs: EpochCache,
}

impl Log {
    /// The offset of the next record.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// The offset of the first record.
    pub fn start(&self) -> Offset {
        0
    }

    /// The epochs and where they begin.
    pub fn epochs(&self) -> &EpochCache {
        &self.epochs
    }

    /// The epoch of the last batch, or −1.
    pub fn last_epoch(&self) -> LeaderEpoch {
        self.epochs.latest_epoch().unwrap_or(NO_LEADER_EPOCH)
    }

    /// A leader takes over: its epoch begins here, even without data.
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        self.epochs.assign(epoch, self.end);
    }

    /// Appends a batch at the end. `settled` is an offset below which batches may be joined. Returns whether a segment
    /// became full.
    pub fn append(&mut self, batch: Batch, settled: Offset) -> bool {
        let base = self.end;
        if self.epochs.latest_epoch() != Some(batch.leader_epoch) {
            cold_path();
            self.epochs.assign(batch.leader_epoch, self.end);
        }
        self.end = base + Offset::from(batch.count);
        self.active.push(batch);
        // Not before it is moved: a processor waits long to read in one piece what was written in several.
        if let Some(batch) = self.active.last_mut() {
            batch.base_offset = base;
        }
        if self.active.len() < SEGMENT {
            return false;
        }
        self.seal(settled);
        true
    }

    /// The active segment is full: the next begins.
    #[cold]
    fn seal(&mut self, settled: Offset) {
        let full = std::mem::replace(&mut self.active, Vec::with_capacity(SEGMENT));
        self.sealed.push(Arc::new(full));
        if self.sealed.len() > self.joined + EXACT_SEGMENTS {
            self.join_oldest(settled);
        }
    }

    fn join_oldest(&mut self, settled: Offset) {
        let segment = &self.sealed[self.joined];
        if segment
            .last()
            .is_none_or(|batch| batch.next_offset() > settled)
        {
            return;
        }
        let segment = self.sealed.remove(self.joined);
        // The last joined segment takes more while it is short.
        let last = self.joined.checked_sub(1);
        let into = last.filter(|last| self.sealed[*last].len() < SEGMENT);
        let into = into.unwrap_or_else(|| {
            self.sealed.insert(self.joined, Arc::default());
            self.joined += 1;
            self.joined - 1
        });
        let joined = Arc::make_mut(&mut self.sealed[into]);
        for batch in segment.iter() {
            if !joined.last_mut().is_some_and(|last| join(last, batch)) {
                joined.push(batch.clone());
            }
        }
    }

    /// All batches that hold or follow `from`, in order.
    pub fn batches_from(&self, from: Offset) -> impl Iterator<Item = &Batch> {
        let sealed = if self
            .active
            .first()
            .is_some_and(|first| first.base_offset <= from)
        {
            self.sealed.len()
        } else {
            self.sealed.partition_point(|segment| {
                segment.last().is_none_or(|last| last.next_offset() <= from)
            })
        };
        let first = self
            .sealed
            .get(sealed)
            .map_or(&self.active[..], |segment| &segment[..]);
        let skip = match first.last() {
            // Most reads are of the newest batch.
            Some(last) if last.base_offset <= from => {
                if last.next_offset() <= from {
                    first.len()
                } else {
                    first.len() - 1
                }
            }
            _ => first.partition_point(|batch| batch.next_offset() <= from),
        };
        let rest = self
            .sealed
            .get(sealed + 1..)
            .unwrap_or(&[])
            .iter()
            .flat_map(|segment| segment.iter());
        let tail = if sealed < self.sealed.len() {
            &self.active[..]
        } else {
            &[]
        };
        first[skip..].iter().chain(rest).chain(tail)
    }

    /// The first batch that holds or follows `from`. Most reads are of the newest batch.
    pub fn first_from(&self, from: Offset) -> Option<&Batch> {
        match self.active.last() {
            Some(last) if last.base_offset <= from => Some(last).filter(|_| from < self.end),
            _ => self.batches_from(from).next(),
        }
    }

    /// Reads from an offset up to `bound`, at most `max_bytes` but at least one batch. Returns the bytes read.
    pub fn read(&self, from: Offset, bound: Offset, max_bytes: u32, into: &mut Vec<Batch>) -> u32 {
        if from >= bound {
            return 0;
        }
        if let Some(last) = self.active.last().filter(|last| last.base_offset == from)
            && self.end <= bound
        {
            into.push(last.clone());
            return last.bytes.max(1);
        }
        let mut bytes = 0;
        for batch in self.batches_from(from) {
            if batch.next_offset() > bound || (bytes > 0 && bytes + batch.bytes > max_bytes) {
                break;
            }
            bytes += batch.bytes.max(1);
            into.push(if batch.base_offset < from {
                batch.starting_at(from)
            } else {
                batch.clone()
            });
        }
        bytes
    }

    /// Cuts the log so that it ends at `end`. Returns how many records went.
    pub fn truncate(&mut self, end: Offset) -> u64 {
        let before = self.end;
        if end >= before {
            // An epoch that this broker began to lead and wrote nothing in must go all the same, or the next leader's
            // log parts from this one for ever (`UnifiedLog.truncateTo`).
            self.epochs.truncate_from_end(before);
            return 0;
        }
        while self
            .active
            .first()
            .is_none_or(|first| first.base_offset >= end)
        {
            self.active.clear();
            let Some(segment) = self.sealed.pop() else {
                break;
            };
            self.active = Arc::try_unwrap(segment).unwrap_or_else(|shared| shared.to_vec());
        }
        self.joined = self.joined.min(self.sealed.len());
        self.active.retain(|batch| batch.base_offset < end);
        if let Some(last) = self
            .active
            .last_mut()
            .filter(|last| last.next_offset() > end)
        {
            *last = last.ending_at(end);
        }
        self.end = end;
        self.epochs.truncate_from_end(end);
        before - end
    }

    /// The leader epoch of the record at an offset.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        if offset >= self.end {
            None
        } else {
            self.epochs.epoch_for_offset(offset)
        }
    }

    /// How many batches it holds as it stores them.
    pub fn stored_batches(&self) -> usize {
        self.active.len()
            + self
                .sealed
                .iter()
                .map(|segment| segment.len())
                .sum::<usize>()
    }
}

/// Takes the next batch into this one, if nobody can tell the difference but by single records' numbers.
fn join(last: &mut Batch, next: &Batch) -> bool {
    let grown = last.count + next.count;
    if last.leader_epoch != next.leader_epoch
        || last.next_offset() != next.base_offset
        || grown > JOINED_RECORDS
    {
        return false;
    }
    match (&last.records, &next.records) {
        (
            Records::Run { producer, first },
            Records::Run {
                producer: other,
                first: then,
            },
        ) if producer == other
            && first + u64::from(last.count) == *then
            && (last.producer_id, last.producer_epoch)
                == (next.producer_id, next.producer_epoch) => {}
        (Records::List { .. } | Records::Summary, Records::List { .. } | Records::Summary) => {
            last.records = Records::Summary;
            (last.producer_id, last.producer_epoch, last.first_sequence) = (-1, -1, -1);
        }
        _ => return false,
    }
    last.count = grown;
    last.bytes = last.bytes.saturating_add(next.bytes);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::time::Time;

    fn batch(epoch: LeaderEpoch, first: u64, count: u32) -> Batch {
        Batch {
            base_offset: 0,
            count,
            bytes: count * 10,
            leader_epoch: epoch,
            producer_id: -1,
            producer_epoch: -1,
            first_sequence: -1,
            created: Time::ZERO,
            records: Records::Run { producer: 0, first },
        }
    }

    fn long_log() -> Log {
        let mut log = Log::default();
        for number in 0..2000 {
            let settled = log.end();
            log.append(
                batch(if number < 1000 { 1 } else { 2 }, number * 3, 3),
                settled,
            );
        }
        log
    }

    #[test]
    fn joins_what_is_old_and_reads_on() {
        let log = long_log();
        assert!(log.stored_batches() < 400, "{}", log.stored_batches());
        for from in [0, 1, 2999, 3000, 3001, 5990, 5999] {
            let mut read = Vec::new();
            log.read(from, 6000, u32::MAX, &mut read);
            assert_eq!(read[0].base_offset, from);
            assert!(
                read.windows(2)
                    .all(|pair| pair[0].next_offset() == pair[1].base_offset)
            );
            assert_eq!(read.last().map(Batch::next_offset), Some(6000));
            assert_eq!(
                read[0].records,
                Records::Run {
                    producer: 0,
                    first: from
                }
            );
        }
        assert_eq!(
            (log.epoch_at(2999), log.epoch_at(3000), log.epoch_at(6000)),
            (Some(1), Some(2), None)
        );
    }

    #[test]
    fn truncating_nothing_forgets_an_epoch_without_records() {
        let mut log = Log::default();
        log.append(batch(1, 0, 3), 0);
        log.begin_epoch(2);
        assert_eq!(log.last_epoch(), 2);
        assert_eq!(log.truncate(3), 0);
        assert_eq!((log.last_epoch(), log.end()), (1, 3));
    }

    #[test]
    fn truncates_inside_joined_batches() {
        for end in [0, 1, 100, 2999, 3001, 5000, 5999] {
            let mut log = long_log();
            assert_eq!(log.truncate(end), 6000 - end);
            let mut read = Vec::new();
            log.read(0, 6000, u32::MAX, &mut read);
            assert_eq!(
                read.iter().map(|batch| u64::from(batch.count)).sum::<u64>(),
                end
            );
            log.append(batch(3, 0, 2), 0);
            assert_eq!(log.end(), end + 2);
            assert_eq!(log.epoch_at(end), Some(3));
        }
    }
}
