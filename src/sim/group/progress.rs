//! What a group has really done: which records its members finished, how often
//! more than once, who owned which partition and for how long nobody did.
//!
//! An observer for people, tests and invariants; no member reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sim::node::PartitionId;
use crate::sim::ranges::Ranges;
use crate::sim::time::Time;
use crate::sim::types::Offset;

/// The member that has a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The consumer's name.
    pub consumer: Arc<str>,
    /// Its `group.instance.id`, if it has one.
    pub instance: Option<Arc<str>>,
    /// The newest generation in which it has the partition.
    pub generation: i32,
}

/// One partition's story in a group.
#[derive(Debug, Clone, Default)]
pub struct PartitionProgress {
    /// Offsets whose processing was finished at least once.
    pub processed: Ranges,
    /// The first record any member began at.
    pub begun: Option<Offset>,
    /// Records that nobody will process and that was told of.
    given_up: Ranges,
    /// How many times a record was processed again.
    pub reprocessed: u64,
    /// Who has it.
    pub owner: Option<Owner>,
    /// Since when nobody has it.
    idle_since: Option<Time>,
    /// How long nobody had it, up to the last assignment.
    idle: Time,
}

impl PartitionProgress {
    /// How long nobody had the partition, since it had its first owner.
    pub fn idle(&self, now: Time) -> Time {
        self.idle + self.idle_since.map_or(Time::ZERO, |since| now.since(since))
    }
}

/// A group's story.
#[derive(Debug, Clone, Default)]
pub struct GroupProgress {
    partitions: BTreeMap<PartitionId, PartitionProgress>,
    /// A partition that two members had in one generation, if ever.
    pub broken: Option<String>,
}

impl GroupProgress {
    /// One partition's story.
    pub fn partition(&self, partition: PartitionId) -> Option<&PartitionProgress> {
        self.partitions.get(&partition)
    }

    /// All partitions any member ever had.
    pub fn partitions(&self) -> impl Iterator<Item = (PartitionId, &PartitionProgress)> {
        self.partitions.iter().map(|(id, progress)| (*id, progress))
    }

    /// A member takes a partition. That two have it in one generation must not
    /// be, unless one takes over the other's static place: the old instance
    /// notices only when it is fenced.
    pub fn owned(
        &mut self,
        partition: PartitionId,
        consumer: &Arc<str>,
        instance: Option<Arc<str>>,
        generation: i32,
        now: Time,
    ) {
        let progress = self.partitions.entry(partition).or_default();
        if let Some(other) = &progress.owner
            && other.consumer != *consumer
            && other.generation == generation
            && (instance.is_none() || other.instance != instance)
        {
            self.broken = Some(format!(
                "partition #{} belongs to {} and {consumer} in generation {generation}",
                partition.0, other.consumer
            ));
        }
        if let Some(since) = progress.idle_since.take() {
            progress.idle += now.since(since);
        }
        let consumer = Arc::clone(consumer);
        progress.owner = Some(Owner {
            consumer,
            instance,
            generation,
        });
    }

    /// A member gives a partition up, loses it or dies.
    pub fn released(&mut self, partition: PartitionId, consumer: &Arc<str>, now: Time) {
        if let Some(progress) = self.partitions.get_mut(&partition)
            && progress
                .owner
                .as_ref()
                .is_some_and(|owner| owner.consumer == *consumer)
        {
            progress.owner = None;
            progress.idle_since = Some(now);
        }
    }

    /// A member keeps a partition into another generation.
    pub fn kept(&mut self, partition: PartitionId, consumer: &Arc<str>, generation: i32) {
        if let Some(progress) = self.partitions.get_mut(&partition)
            && let Some(owner) = &mut progress.owner
            && owner.consumer == *consumer
        {
            owner.generation = generation;
        }
    }

    /// A member finished `first..first + count`. Gives back the first record
    /// that had been finished before and how many there are.
    pub fn processed(
        &mut self,
        partition: PartitionId,
        first: Offset,
        count: u64,
    ) -> Option<(Offset, u64)> {
        let progress = self.partitions.entry(partition).or_default();
        let mut again = progress.processed.parts_in(first, first + count);
        let start = again.next();
        let total = start.map_or(0, |(from, to)| to - from)
            + again.map(|(from, to)| to - from).sum::<u64>();
        progress.reprocessed += total;
        progress.processed.insert(first, first + count);
        start.map(|(from, _)| (from, total))
    }

    /// A member gives a record up that it cannot process.
    pub fn gave_up(&mut self, partition: PartitionId, offset: Offset) {
        let progress = self.partitions.entry(partition).or_default();
        progress.given_up.insert(offset, offset + 1);
    }

    /// The log was cut at `end`: what stands there from now on are other records.
    pub fn truncated(&mut self, partition: PartitionId, end: Offset) {
        if let Some(progress) = self.partitions.get_mut(&partition) {
            progress.processed.remove(end, Offset::MAX);
            progress.given_up.remove(end, Offset::MAX);
            progress.begun = progress.begun.map(|begun| begun.min(end));
        }
    }

    /// A member begins to read at `offset`; `held` is what members still have in hand. Gives back the first record before
    /// that, and how many there are, that the group committed, nobody finished and nobody has in hand, unless that was
    /// told before.
    pub fn started(
        &mut self,
        partition: PartitionId,
        offset: Offset,
        committed: bool,
        held: impl Iterator<Item = (Offset, Offset)>,
    ) -> Option<(Offset, u64)> {
        let progress = self.partitions.entry(partition).or_default();
        let begun = *progress.begun.get_or_insert(offset);
        if offset < begun {
            progress.begun = Some(offset);
        }
        if !committed || offset <= begun {
            return None;
        }
        let mut gap = Ranges::default();
        gap.insert(begun, offset);
        let known = progress.processed.parts_in(begun, offset);
        let known = known.chain(progress.given_up.parts_in(begun, offset));
        known
            .chain(held)
            .for_each(|(from, to)| gap.remove(from, to));
        let first = gap.ranges().first()?.0;
        for (from, to) in gap.ranges() {
            progress.given_up.insert(*from, *to);
        }
        Some((first, gap.len()))
    }

    /// Records below `committed` that nobody finished: if nobody works on them
    /// any more, the group has lost them.
    pub fn skipped_below(&self, partition: PartitionId, from: Offset, committed: Offset) -> u64 {
        let span = committed.saturating_sub(from);
        let done = self
            .partitions
            .get(&partition)
            .map_or(0, |progress| progress.processed.count_in(from, committed));
        span - done
    }

    /// How long partitions were without an owner, added up.
    pub fn idle_partition_time(&self, now: Time) -> Time {
        self.partitions
            .values()
            .fold(Time::ZERO, |sum, progress| sum + progress.idle(now))
    }

    /// How many records were processed more than once, counting each time.
    pub fn reprocessed(&self) -> u64 {
        self.partitions
            .values()
            .map(|progress| progress.reprocessed)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_counts_only_between_owners() {
        let (mut progress, id) = (GroupProgress::default(), PartitionId(1));
        let consumer: Arc<str> = "c1".into();
        progress.owned(id, &consumer, None, 1, Time::secs(5));
        progress.released(id, &consumer, Time::secs(10));
        assert_eq!(progress.idle_partition_time(Time::secs(12)), Time::secs(2));
        progress.owned(id, &"c2".into(), None, 2, Time::secs(13));
        assert_eq!(progress.idle_partition_time(Time::secs(60)), Time::secs(3));
    }

    #[test]
    fn reprocessing_is_counted_record_by_record() {
        let (mut progress, id) = (GroupProgress::default(), PartitionId(1));
        assert_eq!(progress.processed(id, 0, 10), None);
        assert_eq!(progress.processed(id, 6, 8), Some((6, 4)));
        assert_eq!(progress.reprocessed(), 4);
        assert_eq!(progress.skipped_below(id, 0, 20), 6);
    }

    #[test]
    fn what_was_committed_and_never_finished_is_told_once() {
        let (mut progress, id) = (GroupProgress::default(), PartitionId(1));
        let nobody = || std::iter::empty();
        assert_eq!(progress.started(id, 100, false, nobody()), None);
        progress.processed(id, 100, 10);
        progress.gave_up(id, 110);
        // 115 to 119 are still in somebody's hand.
        let held = [(115, 120)].into_iter();
        assert_eq!(progress.started(id, 120, true, held), Some((111, 4)));
        assert_eq!(progress.started(id, 120, true, nobody()), Some((115, 5)));
        assert_eq!(progress.started(id, 120, true, nobody()), None);
        // A log that was cut holds other records from there on.
        progress.processed(id, 120, 30);
        progress.truncated(id, 130);
        assert_eq!(progress.processed(id, 130, 20), None);
    }

    #[test]
    fn two_owners_in_one_generation_are_noticed() {
        let (mut progress, id) = (GroupProgress::default(), PartitionId(1));
        progress.owned(id, &"c1".into(), None, 1, Time::ZERO);
        progress.owned(id, &"c2".into(), None, 2, Time::ZERO);
        assert_eq!(progress.broken, None);
        progress.owned(id, &"c3".into(), None, 2, Time::ZERO);
        assert!(progress.broken.is_some());
    }
}
