//! What became of each record: acknowledged, failed, lost, duplicated, reordered.
//!
//! An observer that sees everything and on which nothing depends. It keeps, per partition, the history that the current
//! leader's log tells (`journal`) and, per producer, sets of record numbers (`fate`). A record counts as lost when its
//! producer was told that it is written and the journal does not hold it; who leads next decides that (`succession`).

mod fate;
mod journal;
mod succession;

use std::hint::cold_path;

pub use fate::{Fate, Fates, Told};
use journal::{Journal, runs};
pub use succession::NewLeader;

use super::event::What;
use super::message::{Batch, Message, Records};
use super::node::{Names, PartitionId};
use super::ranges::Ranges;
use super::types::{ErrorCode, Offset};

/// What became of all records.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    producers: Vec<Fates>,
    journals: Vec<Journal>,
    /// Where lost records stood: producer, first number and the one after the last, partition, offset.
    losses: Vec<(u32, u64, u64, PartitionId, Offset)>,
    /// Lost records of which only the count is known.
    unnamed: u64,
}

impl Ledger {
    /// One producer's records, by its place in the names.
    pub fn producer(&self, producer: u32) -> Option<&Fates> {
        self.producers.get(producer as usize)
    }

    /// Lost records whose numbers are no longer known.
    pub fn lost_unnamed(&self) -> u64 {
        self.unnamed
    }

    /// Where a lost record stood, if it ever stood in a leader's log.
    pub fn place_of_loss(&self, producer: u32, number: u64) -> Option<(PartitionId, Offset)> {
        let holds = |(of, start, end, ..): &&(u32, u64, u64, PartitionId, Offset)| {
            *of == producer && (*start..*end).contains(&number)
        };
        let (_, start, _, partition, offset) = self.losses.iter().rev().find(holds)?;
        Some((*partition, offset + (number - start)))
    }

    /// What became of one record of a producer.
    pub fn fate(&self, producer: u32, number: u64) -> Option<Fate> {
        let fates = self.producer(producer)?;
        let told = match () {
            () if number >= fates.made => Told::Unknown,
            () if fates.acknowledged.contains(number) => Told::Acknowledged,
            () if fates.failed.contains(number) => Told::Failed,
            () => Told::Nothing,
        };
        Some(Fate {
            told,
            in_log: fates.in_log.contains(number),
            lost: fates.lost.contains(number),
            duplicated: fates.duplicated.contains(number),
            reordered: fates.reordered.contains(number),
        })
    }

    fn fates(&mut self, producer: u32) -> &mut Fates {
        let index = producer as usize;
        if self.producers.len() <= index {
            self.begin_fates(index);
        }
        &mut self.producers[index]
    }

    #[cold]
    fn begin_fates(&mut self, last: usize) {
        self.producers.resize(last + 1, Fates::default());
    }

    #[inline]
    fn journal(&mut self, partition: PartitionId) -> &mut Journal {
        let index = partition.0 as usize;
        if self.journals.len() <= index {
            self.begin_journals(index);
        }
        &mut self.journals[index]
    }

    #[cold]
    fn begin_journals(&mut self, last: usize) {
        self.journals.resize(last + 1, Journal::unled());
    }

    /// A producer made records: it has made `made` in all.
    pub fn made(&mut self, producer: u32, made: u64) {
        self.fates(producer).made = made;
    }

    /// A producer was told an error.
    pub fn told_error(&mut self, producer: u32, error: ErrorCode) {
        self.fates(producer).last_error = Some(error);
    }

    /// A producer was told that records failed.
    pub fn failed(&mut self, producer: u32, records: &Records, count: u32) {
        let fates = self.fates(producer);
        runs(records, count, |_, start, end| {
            fates.failed.insert(start, end);
        });
    }

    /// A producer was told that records are written. Tells of those that the leader's log does not hold.
    pub fn acknowledged(
        &mut self,
        producer: u32,
        partition: PartitionId,
        batch: &Batch,
        acks: i64,
    ) -> Vec<(u64, u64)> {
        let fates = self.fates(producer);
        let mut missing = Ranges::default();
        runs(&batch.records, batch.count, |_, start, end| {
            fates.acknowledged.insert(start, end);
            if acks != 0 && !fates.in_log.has_all(start, end) {
                cold_path();
                missing.insert(start, end);
                for (from, to) in fates.in_log.parts_in(start, end) {
                    missing.remove(from, to);
                }
            }
        });
        fates.acks = acks;
        if missing.is_empty() {
            return Vec::new();
        }
        cold_path();
        let gone = missing.ranges().to_vec();
        for (start, end) in &gone {
            fates.lost.insert(*start, *end);
        }
        for (start, end) in gone.iter().copied() {
            let offset = batch.base_offset + (start - batch.records.first_number().min(start));
            self.losses.push((producer, start, end, partition, offset));
        }
        gone
    }

    /// A message will never arrive. With `acks=0` nobody will ever send its records again.
    pub fn message_lost(&mut self, message: &Message) {
        if let Message::ProduceRequest {
            acks: 0, batches, ..
        } = message
        {
            for produced in batches {
                self.never_written(&produced.batch);
            }
        }
    }

    /// A batch sent with `acks=0` was not written.
    pub fn never_written(&mut self, batch: &Batch) {
        runs(&batch.records, batch.count, |producer, start, end| {
            self.fates(producer).lost.insert(start, end);
        });
    }

    /// A leader appended a batch. Tells of duplicates and of records that stand after later ones.
    pub fn appended(
        &mut self,
        partition: PartitionId,
        batch: &Batch,
        acks: i8,
        names: &Names,
    ) -> Vec<What> {
        if matches!(batch.records, Records::Group(_)) {
            cold_path();
            return Vec::new();
        }
        if batch.leader_epoch < self.journal(partition).epoch {
            cold_path();
            // Its producer has been told already, and the log of today's leader will not hold it.
            if acks == 0 {
                self.never_written(batch);
            }
            return Vec::new();
        }
        let blurred = self.journal(partition).blurred;
        let (copy, numbers) = self.take_in(batch, blurred);
        let mut told = Vec::new();
        if let Some((producer, first, end)) = numbers {
            let greatest = self.journal(partition).greatest_of(producer);
            let after = greatest.filter(|greatest| !copy && !blurred && first < *greatest);
            if after.is_some() {
                cold_path();
                self.fates(producer).reordered.insert(first, end);
            }
            self.journal(partition).raise(producer, end - 1);
            if copy || after.is_some() {
                cold_path();
                let numbers = (first, end - 1);
                told.push(told_of_order(
                    partition, batch, producer, numbers, after, names,
                ));
            }
        }
        self.journal(partition).push(batch, copy);
        told
    }

    /// Puts a batch's records down as held by the log. Says whether some were there already, and their producer, first
    /// number and the one after the last, where these are known.
    fn take_in(&mut self, batch: &Batch, blurred: bool) -> (bool, Option<(u32, u64, u64)>) {
        let mut copy = false;
        let mut all = (u32::MAX, u64::MAX, 0);
        runs(&batch.records, batch.count, |producer, start, end| {
            all = (producer, all.1.min(start), all.2.max(end));
            let fates = self.fates(producer);
            if !blurred && fates.in_log.has_any(start, end) {
                cold_path();
                copy = true;
                let parts: Vec<_> = fates.in_log.parts_in(start, end).collect();
                parts
                    .iter()
                    .for_each(|(from, to)| fates.duplicated.insert(*from, *to));
            }
            fates.in_log.insert(start, end);
        });
        (copy, (all.0 != u32::MAX).then_some(all))
    }
}

/// What there is to tell of records that stand `after` a later one or, if after none, that stand there again.
fn told_of_order(
    partition: PartitionId,
    batch: &Batch,
    producer: u32,
    (first, last): (u64, u64),
    after: Option<u64>,
    names: &Names,
) -> What {
    let (tp, producer) = (names.tp(partition), names.producer(producer));
    let offset = batch.base_offset;
    match after {
        Some(after) => What::RecordsReordered {
            tp,
            producer,
            first,
            last,
            after,
            offset,
        },
        None => What::RecordsDuplicated {
            tp,
            producer,
            count: u64::from(batch.count),
            first,
            last,
            offset,
        },
    }
}
