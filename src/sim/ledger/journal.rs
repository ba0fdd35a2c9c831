//! The history of a partition that its current leader's log tells.
//!
//! Old entries are joined: runs of one producer stay exact, scattered numbers become a count.

use std::hint::cold_path;
use std::sync::Arc;

use crate::sim::chunks::Chunks;
use crate::sim::message::{Batch, Records};
use crate::sim::types::{LeaderEpoch, Offset};

/// How many entries of a partition's journal stay as they were written.
const RECENT: usize = 256;
/// How many records a joined entry may hold when their numbers are scattered.
const SUMMARY_RECORDS: u32 = 4096;

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) base: Offset,
    pub(super) count: u32,
    pub(super) epoch: LeaderEpoch,
    pub(super) records: Records,
    /// A copy of records that stand earlier in the journal.
    pub(super) copy: bool,
}

impl Entry {
    pub(super) fn end(&self) -> Offset {
        self.base + Offset::from(self.count)
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Journal {
    /// Old entries, joined where nothing is lost by it. (Shared as a whole and in parts: it changes seldom.)
    joined: Arc<Chunks<Entry>>,
    /// The entries after them, as they were written.
    recent: Chunks<Entry>,
    /// The greatest record number of each producer.
    greatest: Vec<(u32, u64)>,
    pub(super) epoch: LeaderEpoch,
    /// Records of which only the count was known were cut: whether a record is still there cannot be told any more.
    pub(super) blurred: bool,
}

/// The ranges of record numbers in a batch.
pub(super) fn runs(records: &Records, count: u32, mut each: impl FnMut(u32, u64, u64)) {
    match records {
        Records::Run { producer, first } => each(*producer, *first, first + u64::from(count)),
        Records::List { producer, numbers } => numbers
            .iter()
            .for_each(|number| each(*producer, *number, number + 1)),
        Records::Summary | Records::Group(_) => {}
    }
}

impl Journal {
    /// Of a partition that nobody has led yet.
    pub(super) fn unled() -> Journal {
        Journal {
            epoch: -1,
            ..Journal::default()
        }
    }

    pub(super) fn greatest_of(&self, producer: u32) -> Option<u64> {
        self.greatest
            .iter()
            .find(|(known, _)| *known == producer)
            .map(|(_, greatest)| *greatest)
    }

    pub(super) fn raise(&mut self, producer: u32, number: u64) {
        match self
            .greatest
            .iter_mut()
            .find(|(known, _)| *known == producer)
        {
            Some((_, greatest)) => *greatest = number.max(*greatest),
            None => self.greatest.push((producer, number)),
        }
    }

    pub(super) fn push(&mut self, batch: &Batch, copy: bool) {
        let (base, count, epoch) = (batch.base_offset, batch.count, batch.leader_epoch);
        self.recent.push(Entry {
            base,
            count,
            epoch,
            records: batch.records.clone(),
            copy,
        });
        if self.recent.len() > 2 * RECENT {
            cold_path();
            self.join();
        }
    }

    /// The last entry.
    pub(super) fn last(&self) -> Option<&Entry> {
        self.recent.last().or_else(|| self.joined.last())
    }

    /// Joins all but the most recent entries.
    fn join(&mut self) {
        let recent = std::mem::take(&mut self.recent);
        let keep = recent.len() - RECENT;
        let joined = Arc::make_mut(&mut self.joined);
        for entry in recent.since(0).take(keep) {
            match joined.pop() {
                Some(mut last) => {
                    let fits = last.absorb(entry);
                    joined.push(last);
                    if !fits {
                        joined.push(entry.clone());
                    }
                }
                None => joined.push(entry.clone()),
            }
        }
        self.recent.extend(recent.since(keep).cloned());
    }

    /// Takes all but the first `kept` records of the last entry out.
    pub(super) fn cut_last(&mut self, kept: u32) -> Option<Entry> {
        let is_recent = !self.recent.is_empty();
        let mut entry = if is_recent {
            self.recent.pop()?
        } else {
            Arc::make_mut(&mut self.joined).pop()?
        };
        if kept > 0 {
            let front = Entry {
                count: kept,
                records: entry.records.part(0, kept),
                ..entry
            };
            let cut = entry.count - kept;
            entry = Entry {
                base: front.end(),
                count: cut,
                records: entry.records.part(kept, cut),
                ..entry
            };
            if is_recent {
                self.recent.push(front);
            } else {
                Arc::make_mut(&mut self.joined).push(front);
            }
        }
        if let Records::Run { producer, .. } | Records::List { producer, .. } = entry.records {
            let mut greatest = None;
            let before = self.recent.since(0).rev().chain(self.joined.since(0).rev());
            for entry in before.take(RECENT) {
                runs(&entry.records, entry.count, |found, _, end| {
                    if found == producer {
                        greatest = greatest.max(Some(end - 1));
                    }
                });
            }
            self.greatest.retain(|(known, _)| *known != producer);
            self.greatest
                .extend(greatest.map(|greatest| (producer, greatest)));
        }
        Some(entry)
    }
}

impl Entry {
    /// Takes the next entry into this one, if nothing is lost by that or both hold scattered numbers.
    fn absorb(&mut self, next: &Entry) -> bool {
        if self.epoch != next.epoch || self.end() != next.base || self.copy != next.copy {
            return false;
        }
        match (&self.records, &next.records) {
            (
                Records::Run { producer, first },
                Records::Run {
                    producer: other,
                    first: then,
                },
            ) if producer == other && first + u64::from(self.count) == *then => {}
            (Records::Summary | Records::List { .. }, Records::Summary | Records::List { .. })
                if self.count + next.count <= SUMMARY_RECORDS =>
            {
                self.records = Records::Summary;
            }
            _ => return false,
        }
        self.count += next.count;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, RECENT};
    use crate::sim::message::{Batch, Records};
    use crate::sim::time::Time;

    const EACH: u32 = 3;

    fn batch(place: u64, records: Records) -> Batch {
        Batch {
            base_offset: place * u64::from(EACH),
            count: EACH,
            bytes: 100,
            leader_epoch: 0,
            producer_id: -1,
            producer_epoch: -1,
            first_sequence: -1,
            created: Time::ZERO,
            records,
        }
    }

    /// A journal of so many batches of one producer.
    fn journal(batches: u64, scattered: bool) -> Journal {
        let mut journal = Journal::unled();
        for place in 0..batches {
            let first = place * u64::from(EACH);
            let records = if scattered {
                let numbers = vec![first, first + 1, first + 2].into();
                Records::List {
                    producer: 0,
                    numbers,
                }
            } else {
                Records::Run { producer: 0, first }
            };
            journal.push(&batch(place, records), false);
            journal.raise(0, first + u64::from(EACH) - 1);
        }
        journal
    }

    #[test]
    fn what_is_cut_is_all_that_was_pushed_however_it_was_joined() {
        let batches = 5 * RECENT as u64;
        for scattered in [false, true] {
            let mut journal = journal(batches, scattered);
            assert!(
                journal.joined.len() < RECENT / 2,
                "{}",
                journal.joined.len()
            );
            let mut end = batches * u64::from(EACH);
            while let Some(entry) = journal.last() {
                assert_eq!(entry.end(), end);
                let base = entry.base;
                assert_eq!(journal.cut_last(0).map(|cut| cut.base), Some(base));
                end = base;
            }
            assert_eq!(end, 0);
        }
    }

    #[test]
    fn a_cut_within_an_entry_keeps_its_front() {
        for scattered in [false, true] {
            let mut journal = journal(4, scattered);
            let cut = journal.cut_last(1).unwrap();
            assert_eq!((cut.base, cut.count), (10, 2));
            let last = journal.last().unwrap();
            assert_eq!((last.base, last.count), (9, 1));
            assert_eq!(journal.greatest_of(0), Some(9));
            let expected = if scattered {
                vec![(0, 10, 11), (0, 11, 12)]
            } else {
                vec![(0, 10, 12)]
            };
            let mut told = Vec::new();
            super::runs(&cut.records, cut.count, |producer, start, end| {
                told.push((producer, start, end));
            });
            assert_eq!(told, expected);
        }
    }
}
