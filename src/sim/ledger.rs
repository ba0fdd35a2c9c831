//! What became of each record: acknowledged, failed, lost, duplicated, reordered.
//!
//! An observer that sees everything and on which nothing depends. It keeps, per partition, the history that the current
//! leader's log tells ("the journal") and, per producer, sets of record numbers. A record counts as lost when its
//! producer was told that it is written and the journal does not hold it.
//!
//! Old journal entries are joined: runs of one producer stay exact, scattered numbers become a count.

use std::fmt;
use std::sync::Arc;

use super::chunks::Chunks;
use super::event::{LossReason, What};
use super::message::{Batch, Message, Records};
use super::node::{Names, PartitionId};
use super::ranges::Ranges;
use super::types::{BrokerId, LeaderEpoch, Offset};

/// How many entries of a partition's journal stay as they were written.
const RECENT: usize = 256;
/// How many records a joined entry may hold when their numbers are scattered.
const SUMMARY_RECORDS: u32 = 4096;

/// One producer's records by what became of them. A record's number is the order in which the producer made it.
#[derive(Debug, Clone, Default)]
pub struct Fates {
    /// How many it made.
    pub made: u64,
    /// Those that it was told are written.
    pub acknowledged: Ranges,
    /// Those that it was told have failed.
    pub failed: Ranges,
    /// Those that the current leaders' logs hold.
    pub in_log: Ranges,
    /// Those acknowledged that no current leader's log holds.
    pub lost: Ranges,
    /// Those that a log holds more than once.
    pub duplicated: Ranges,
    /// Those that a log holds after a later one.
    pub reordered: Ranges,
    /// The `acks` of the last records that it was told are written.
    pub acks: i64,
    /// The last error that the producer got.
    pub last_error: Option<super::types::ErrorCode>,
}

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// What its producer was told.
    pub told: Told,
    /// Whether the current leader's log holds it.
    pub in_log: bool,
    /// Whether it was acknowledged and is not there.
    pub lost: bool,
    /// Whether it is there more than once.
    pub duplicated: bool,
    /// Whether it stands after a later one.
    pub reordered: bool,
}

/// What a producer was told of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It made no such record yet.
    Unknown,
    /// Nothing yet.
    Nothing,
    /// That it is written.
    Acknowledged,
    /// That it failed.
    Failed,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.told {
            Told::Unknown => return f.write_str("not made yet"),
            Told::Nothing => "not answered yet",
            Told::Acknowledged => "acknowledged",
            Told::Failed => "failed",
        })?;
        match (self.told, self.lost, self.in_log) {
            (_, true, _) => f.write_str(", lost")?,
            (Told::Failed, _, true) => f.write_str(", yet in the log")?,
            (_, _, true) => f.write_str(", in the log")?,
            _ => {}
        }
        if self.duplicated {
            f.write_str(", duplicated")?;
        }
        if self.reordered {
            f.write_str(", reordered")?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
struct Entry {
    base: Offset,
    count: u32,
    epoch: LeaderEpoch,
    records: Records,
    /// A copy of records that stand earlier in the journal.
    copy: bool,
}

impl Entry {
    fn end(&self) -> Offset {
        self.base + Offset::from(self.count)
    }
}

#[derive(Debug, Clone, Default)]
struct Journal {
    /// Old entries, joined where nothing is lost by it. (Shared as a whole and in parts: it changes seldom.)
    joined: Arc<Chunks<Entry>>,
    /// The entries after them, as they were written.
    recent: Chunks<Entry>,
    /// The greatest record number of each producer.
    greatest: Vec<(u32, u64)>,
    epoch: LeaderEpoch,
}

/// A replica that starts to lead.
#[derive(Debug, Clone, Copy)]
pub struct NewLeader {
    /// Of which partition.
    pub partition: PartitionId,
    /// Who.
    pub leader: BrokerId,
    /// In which leader epoch.
    pub epoch: LeaderEpoch,
    /// Where its log ends.
    pub log_end: Offset,
}

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

/// The ranges of record numbers in a batch.
fn runs(records: &Records, count: u32, mut each: impl FnMut(u32, u64, u64)) {
    match records {
        Records::Run { producer, first } => each(*producer, *first, first + u64::from(count)),
        Records::List { producer, numbers } => numbers
            .iter()
            .for_each(|number| each(*producer, *number, number + 1)),
        Records::Summary | Records::Group(_) => {}
    }
}

/// The number of a batch's first record.
fn first_number(records: &Records) -> u64 {
    match records {
        Records::Run { first, .. } => *first,
        Records::List { numbers, .. } => numbers.first().copied().unwrap_or(0),
        Records::Summary | Records::Group(_) => 0,
    }
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
            self.producers.resize(index + 1, Fates::default());
        }
        &mut self.producers[index]
    }

    fn journal(&mut self, partition: PartitionId) -> &mut Journal {
        let index = partition.0 as usize;
        if self.journals.len() <= index {
            self.journals.resize(
                index + 1,
                Journal {
                    epoch: -1,
                    ..Journal::default()
                },
            );
        }
        &mut self.journals[index]
    }

    /// A producer made records: it has made `made` in all.
    pub fn made(&mut self, producer: u32, made: u64) {
        self.fates(producer).made = made;
    }

    /// A producer was told an error.
    pub fn told_error(&mut self, producer: u32, error: super::types::ErrorCode) {
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
            if acks != 0 && fates.in_log.count_in(start, end) != end - start {
                missing.insert(start, end);
                for (from, to) in fates.in_log.parts_in(start, end) {
                    missing.remove(from, to);
                }
            }
        });
        fates.acks = acks;
        let gone = missing.ranges().to_vec();
        for (start, end) in &gone {
            fates.lost.insert(*start, *end);
        }
        for (start, end) in gone.iter().copied() {
            let offset = batch.base_offset + (start - first_number(&batch.records).min(start));
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
        let mut told = Vec::new();
        if matches!(batch.records, Records::Group(_)) {
            return told;
        }
        if batch.leader_epoch < self.journal(partition).epoch {
            // Its producer has been told already, and the log of today's leader will not hold it.
            if acks == 0 {
                self.never_written(batch);
            }
            return told;
        }
        let mut copy = false;
        let mut all = (u32::MAX, u64::MAX, 0);
        runs(&batch.records, batch.count, |producer, start, end| {
            all = (producer, all.1.min(start), all.2.max(end));
            let index = producer as usize;
            if self.producers.len() <= index {
                self.producers.resize(index + 1, Fates::default());
            }
            let fates = &mut self.producers[index];
            if fates.in_log.count_in(start, end) > 0 {
                copy = true;
                let parts: Vec<_> = fates.in_log.parts_in(start, end).collect();
                parts
                    .iter()
                    .for_each(|(from, to)| fates.duplicated.insert(*from, *to));
            }
            fates.in_log.insert(start, end);
        });
        let (producer, first, end) = all;
        if producer != u32::MAX {
            let greatest = self.journal(partition).greatest_of(producer);
            let reordered = !copy && greatest.is_some_and(|greatest| first < greatest);
            if reordered {
                self.fates(producer).reordered.insert(first, end);
            }
            self.journal(partition).raise(producer, end - 1);
            let name = || {
                names
                    .producers
                    .get(producer as usize)
                    .cloned()
                    .unwrap_or_else(|| "?".into())
            };
            let (tp, offset, last) = (|| names.tp(partition), batch.base_offset, end - 1);
            if copy {
                let count = u64::from(batch.count);
                told.push(What::RecordsDuplicated {
                    tp: tp(),
                    producer: name(),
                    count,
                    first,
                    last,
                    offset,
                });
            }
            if reordered {
                let after = greatest.unwrap_or_default();
                told.push(What::RecordsReordered {
                    tp: tp(),
                    producer: name(),
                    first,
                    last,
                    after,
                    offset,
                });
            }
        }
        self.journal(partition).push(batch, copy);
        told
    }

    /// A replica starts to lead: the journal becomes what its log tells. `epoch_at` gives the leader epoch of an
    /// offset in that log, `tail` its batches from an offset on. Tells of what is thereby lost or back.
    pub fn new_leader(
        &mut self,
        change: NewLeader,
        epoch_at: impl Fn(Offset) -> Option<LeaderEpoch>,
        tail: impl FnOnce(Offset) -> Vec<Batch>,
        names: &Names,
    ) -> Vec<What> {
        let NewLeader {
            partition,
            leader,
            epoch,
            log_end,
        } = change;
        if epoch < self.journal(partition).epoch {
            return Vec::new();
        }
        self.journal(partition).epoch = epoch;
        let mut gone = Vec::new();
        while let Some(entry) = self.journal(partition).last() {
            let present = |offset| offset < log_end && epoch_at(offset) == Some(entry.epoch);
            if present(entry.end() - 1) {
                break;
            }
            let kept = first_false(entry.count, |records| {
                present(entry.base + Offset::from(records))
            });
            gone.extend(self.journal(partition).cut_last(kept));
        }
        let mut told = Vec::new();
        let reason = LossReason::NotOnNewLeader { leader, log_end };
        for entry in gone.into_iter().rev() {
            self.take_out(partition, &entry, &reason, names, &mut told);
        }
        let end = self.journal(partition).last().map_or(0, Entry::end);
        if end < log_end {
            for batch in tail(end) {
                self.put_back(partition, &batch, names, &mut told);
            }
        }
        join_losses(&mut told);
        told
    }

    fn take_out(
        &mut self,
        partition: PartitionId,
        entry: &Entry,
        reason: &LossReason,
        names: &Names,
        told: &mut Vec<What>,
    ) {
        if matches!(entry.records, Records::Summary) {
            self.unnamed += u64::from(entry.count);
            return;
        }
        let mut pieces = Vec::new();
        let mut at = entry.base;
        runs(&entry.records, entry.count, |producer, start, end| {
            pieces.push((producer, start, end, at));
            at += end - start;
        });
        let mut losses = Vec::new();
        for (producer, start, end, at) in pieces {
            let name = names
                .producers
                .get(producer as usize)
                .cloned()
                .unwrap_or_else(|| "?".into());
            let fates = self.fates(producer);
            fates.duplicated.remove(start, end);
            if entry.copy {
                continue;
            }
            fates.reordered.remove(start, end);
            fates.in_log.remove(start, end);
            let acknowledged: Vec<_> = fates.acknowledged.parts_in(start, end).collect();
            for (from, to) in acknowledged {
                fates.lost.insert(from, to);
                let acks = match fates.acks {
                    -1 => "all",
                    0 => "0",
                    _ => "1",
                };
                let offset = at + (from - start);
                losses.push((producer, from, to, partition, offset));
                told.push(What::RecordsLost {
                    tp: names.tp(partition),
                    producer: name.clone(),
                    count: to - from,
                    first: from,
                    last: to - 1,
                    offset,
                    acks,
                    reason: reason.clone(),
                });
            }
        }
        self.losses.extend(losses);
    }

    fn put_back(
        &mut self,
        partition: PartitionId,
        batch: &Batch,
        names: &Names,
        told: &mut Vec<What>,
    ) {
        let mut pieces = Vec::new();
        runs(&batch.records, batch.count, |producer, start, end| {
            pieces.push((producer, start, end));
        });
        for (producer, start, end) in pieces {
            let name = names
                .producers
                .get(producer as usize)
                .cloned()
                .unwrap_or_else(|| "?".into());
            let fates = self.fates(producer);
            fates.in_log.insert(start, end);
            let back: Vec<_> = fates.lost.parts_in(start, end).collect();
            for (from, to) in back {
                fates.lost.remove(from, to);
                let tp = names.tp(partition);
                told.push(What::RecordsReturned {
                    tp,
                    producer: name.clone(),
                    count: to - from,
                    first: from,
                    last: to - 1,
                });
            }
            self.journal(partition).raise(producer, end - 1);
        }
        self.journal(partition).push(batch, false);
    }
}

/// The first of `0..count` for which `holds` is false, when it is true up to there and false from there on.
fn first_false(count: u32, holds: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Joins the losses of neighbouring runs into one event.
fn join_losses(told: &mut Vec<What>) {
    told.dedup_by(|next, before| match (before, next) {
        (
            What::RecordsLost {
                producer,
                count,
                last,
                ..
            },
            What::RecordsLost {
                producer: other,
                count: more,
                first,
                last: end,
                ..
            },
        ) if producer == other && *first == *last + 1 => {
            *count += *more;
            *last = *end;
            true
        }
        _ => false,
    });
}

impl Journal {
    fn greatest_of(&self, producer: u32) -> Option<u64> {
        self.greatest
            .iter()
            .find(|(known, _)| *known == producer)
            .map(|(_, greatest)| *greatest)
    }

    fn raise(&mut self, producer: u32, number: u64) {
        match self
            .greatest
            .iter_mut()
            .find(|(known, _)| *known == producer)
        {
            Some((_, greatest)) => *greatest = number.max(*greatest),
            None => self.greatest.push((producer, number)),
        }
    }

    fn push(&mut self, batch: &Batch, copy: bool) {
        let (base, count, epoch) = (batch.base_offset, batch.count, batch.leader_epoch);
        self.recent.push(Entry {
            base,
            count,
            epoch,
            records: batch.records.clone(),
            copy,
        });
        if self.recent.len() > 2 * RECENT {
            self.join();
        }
    }

    /// The last entry.
    fn last(&self) -> Option<&Entry> {
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
    fn cut_last(&mut self, kept: u32) -> Option<Entry> {
        let is_recent = !self.recent.is_empty();
        let mut entry = if is_recent {
            self.recent.pop()?
        } else {
            Arc::make_mut(&mut self.joined).pop()?
        };
        if kept > 0 {
            let mut front = entry.clone();
            front.count = kept;
            let records = match &entry.records {
                Records::Run { producer, first } => Records::Run {
                    producer: *producer,
                    first: first + u64::from(kept),
                },
                Records::List { producer, numbers } => {
                    let (front_numbers, rest) =
                        numbers.split_at((kept as usize).min(numbers.len()));
                    front.records = Records::List {
                        producer: *producer,
                        numbers: front_numbers.into(),
                    };
                    Records::List {
                        producer: *producer,
                        numbers: rest.into(),
                    }
                }
                other => other.clone(),
            };
            entry = Entry {
                base: front.end(),
                count: entry.count - kept,
                records,
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
