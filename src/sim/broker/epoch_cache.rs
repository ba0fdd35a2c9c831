//! Which leader epoch began at which offset of one replica's log, and the
//! questions answered from it: where an epoch ended, which epoch an offset
//! belongs to.
//!
//! The log keeps it in step with its batches; fetching followers and
//! consumers ask it where their history parts from the leader's. It decides
//! no truncation itself.
//!
//! Source: `LeaderEpochFileCache`; KIP-101, KIP-279, KIP-320, KIP-595.

use crate::sim::types::{LeaderEpoch, NO_LEADER_EPOCH, Offset};

/// The first offset written under one leader epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochEntry {
    /// The leader epoch.
    pub epoch: LeaderEpoch,
    /// The log end offset when that epoch's leader took over.
    pub start_offset: Offset,
}

/// Epochs and their start offsets, both strictly increasing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EpochCache {
    entries: Vec<EpochEntry>,
}

impl EpochCache {
    /// A cache without history.
    pub fn new() -> Self {
        Self::default()
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    /// Whether no epoch is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The newest known epoch.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|entry| entry.epoch)
    }

    /// The oldest known entry.
    pub fn earliest(&self) -> Option<EpochEntry> {
        self.entries.first().copied()
    }

    /// The epoch before the newest one.
    pub fn previous_epoch(&self) -> Option<LeaderEpoch> {
        self.entries
            .len()
            .checked_sub(2)
            .and_then(|index| self.entries.get(index))
            .map(|entry| entry.epoch)
    }

    /// Records that `epoch` began at `start_offset`. Newer or later entries
    /// that contradict it are dropped; an epoch that is the latest already
    /// keeps its earlier start. Negative epochs carry no history and are
    /// ignored.
    pub fn assign(&mut self, epoch: LeaderEpoch, start_offset: Offset) {
        if epoch < 0 {
            return;
        }
        if let Some(last) = self.entries.last()
            && last.epoch == epoch
            && start_offset >= last.start_offset
        {
            return;
        }
        while let Some(last) = self.entries.last()
            && (last.epoch >= epoch || last.start_offset >= start_offset)
        {
            self.entries.pop();
        }
        self.entries.push(EpochEntry {
            epoch,
            start_offset,
        });
    }

    /// The largest known epoch not above `requested`, and where it ended: the
    /// start of the next epoch, or `log_end` for the latest. `None` is Kafka's
    /// `(-1, -1)`: nothing is known about that epoch.
    pub fn end_offset_for(
        &self,
        requested: LeaderEpoch,
        log_end: Offset,
    ) -> Option<(LeaderEpoch, Offset)> {
        if requested == NO_LEADER_EPOCH {
            return None;
        }
        if self.latest_epoch() == Some(requested) {
            return Some((requested, log_end));
        }
        let next = self
            .entries
            .partition_point(|entry| entry.epoch <= requested);
        let higher = self.entries.get(next)?;
        // Below the first epoch: the data is gone, so the asker continues at
        // the first offset there is.
        let floor = next
            .checked_sub(1)
            .and_then(|index| self.entries.get(index))
            .map_or(requested, |entry| entry.epoch);
        Some((floor, higher.start_offset))
    }

    /// The epoch under which the record at `offset` was written, if the
    /// history reaches back that far.
    pub fn epoch_for_offset(&self, offset: Offset) -> Option<LeaderEpoch> {
        let next = self
            .entries
            .partition_point(|entry| entry.start_offset <= offset);
        next.checked_sub(1)
            .and_then(|index| self.entries.get(index))
            .map(|entry| entry.epoch)
    }

    /// Forgets epochs that begin at or after `end_offset` (the log was cut
    /// there).
    pub fn truncate_from_end(&mut self, end_offset: Offset) {
        while let Some(last) = self.entries.last()
            && last.start_offset >= end_offset
        {
            self.entries.pop();
        }
    }

    /// Forgets epochs that ended before `start_offset`; the epoch that covers
    /// it now begins there (the log start moved up).
    pub fn truncate_from_start(&mut self, start_offset: Offset) {
        let covered = self
            .entries
            .partition_point(|entry| entry.start_offset <= start_offset);
        if covered == 0 {
            return;
        }
        self.entries.drain(..covered - 1);
        if let Some(first) = self.entries.first_mut() {
            first.start_offset = start_offset;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(entries: &[(LeaderEpoch, Offset)]) -> EpochCache {
        let mut cache = EpochCache::new();
        for &(epoch, start) in entries {
            cache.assign(epoch, start);
        }
        cache
    }

    fn rows(cache: &EpochCache) -> Vec<(LeaderEpoch, Offset)> {
        cache
            .entries()
            .iter()
            .map(|entry| (entry.epoch, entry.start_offset))
            .collect()
    }

    #[test]
    fn a_leader_that_wrote_nothing_leaves_no_entry() {
        assert_eq!(rows(&cache(&[(0, 0), (1, 0), (2, 5)])), [(1, 0), (2, 5)]);
    }

    #[test]
    fn an_earlier_start_of_the_latest_epoch_replaces_it() {
        assert_eq!(rows(&cache(&[(1, 3), (2, 9), (2, 6)])), [(1, 3), (2, 6)]);
    }

    #[test]
    fn a_gap_in_epochs_answers_with_the_epoch_below() {
        let cache = cache(&[(0, 10), (2, 13), (4, 17)]);
        assert_eq!(cache.end_offset_for(1, 99), Some((0, 13)));
        assert_eq!(cache.end_offset_for(3, 99), Some((2, 17)));
        assert_eq!(cache.end_offset_for(4, 99), Some((4, 99)));
        assert_eq!(cache.end_offset_for(5, 99), None);
        assert_eq!(cache.end_offset_for(NO_LEADER_EPOCH, 99), None);
    }

    #[test]
    fn an_epoch_before_the_history_ends_where_it_begins() {
        assert_eq!(
            cache(&[(5, 11), (6, 12)]).end_offset_for(4, 0),
            Some((4, 11))
        );
    }

    #[test]
    fn truncation_from_the_start_keeps_the_covering_epoch() {
        let mut cut = cache(&[(2, 6), (3, 8), (4, 11)]);
        cut.truncate_from_start(9);
        assert_eq!(rows(&cut), [(3, 9), (4, 11)]);
        cut.truncate_from_start(15);
        assert_eq!(rows(&cut), [(4, 15)]);
        assert_eq!(cut.epoch_for_offset(14), None);
        assert_eq!(cut.epoch_for_offset(15), Some(4));
    }

    #[test]
    fn truncation_from_the_end_drops_epochs_on_the_boundary() {
        let mut cut = cache(&[(2, 6), (3, 8), (4, 11)]);
        cut.truncate_from_end(8);
        assert_eq!(rows(&cut), [(2, 6)]);
        assert_eq!(cut.previous_epoch(), None);
    }
}
