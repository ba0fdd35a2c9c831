//! A replica starts to lead: what its log does not hold is lost, what it holds again is back.

use super::Ledger;
use super::journal::{Entry, runs};
use crate::sim::event::{LossReason, What};
use crate::sim::message::{Batch, Records};
use crate::sim::node::{Names, PartitionId};
use crate::sim::types::{BrokerId, LeaderEpoch, Offset};

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

impl Ledger {
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
            self.journal(partition).blurred = true;
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
            let name = names.producer(producer);
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
            let name = names.producer(producer);
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
