//! Sticky assignment when members subscribe to different topics: keep what can
//! be kept, hand out the rest, then move single partitions from members with
//! more to members with fewer until no move helps.
//!
//! Source: `AbstractStickyAssignor.GeneralAssignmentBuilder` and its
//! `PartitionMovements`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::sticky::{NO_GENERATION, Ownership};
use super::{Assignment, PartitionCounts, Subscriptions, TopicPartition};

type MemberId = Arc<str>;

pub(super) fn assign(
    counts: &PartitionCounts,
    subscriptions: &Subscriptions,
    ownership: Ownership,
) -> Assignment {
    let previous = previous_owners(subscriptions, ownership.max_generation);
    let mut general = General::new(counts, subscriptions, ownership.owned);
    general.balance(&previous);
    general.current
}

/// Who owned a partition in the newest generation before the current one.
fn previous_owners(
    subscriptions: &Subscriptions,
    max_generation: i32,
) -> BTreeMap<TopicPartition, MemberId> {
    let mut newest: BTreeMap<TopicPartition, (i32, MemberId)> = BTreeMap::new();
    for (member, subscription) in subscriptions {
        let generation = subscription.generation.unwrap_or(NO_GENERATION);
        if generation >= max_generation {
            continue;
        }
        for partition in &subscription.owned {
            let known = newest.get(partition).map(|(generation, _)| *generation);
            if known.is_none_or(|known| generation > known) {
                newest.insert(partition.clone(), (generation, Arc::clone(member)));
            }
        }
    }
    newest
        .into_iter()
        .map(|(partition, (_, member))| (partition, member))
        .collect()
}

struct General<'a> {
    counts: &'a PartitionCounts,
    /// Subscribers of each topic, in order of `member.id`.
    consumers_of: BTreeMap<&'a Arc<str>, Vec<MemberId>>,
    /// Existing topics each member subscribes to.
    topics_of: BTreeMap<MemberId, BTreeSet<Arc<str>>>,
    current: Assignment,
    owner_of: BTreeMap<TopicPartition, MemberId>,
    /// Members by (number of partitions, id): the emptiest first.
    by_load: BTreeSet<(usize, MemberId)>,
    movements: Movements,
    /// A member had to give something up because it no longer subscribes.
    revocation_required: bool,
}

impl<'a> General<'a> {
    fn new(counts: &'a PartitionCounts, subscriptions: &Subscriptions, owned: Assignment) -> Self {
        let mut consumers_of: BTreeMap<&Arc<str>, Vec<MemberId>> =
            counts.keys().map(|topic| (topic, Vec::new())).collect();
        let mut topics_of = BTreeMap::new();
        for (member, subscription) in subscriptions {
            let mut topics = BTreeSet::new();
            for topic in &subscription.topics {
                if let Some(consumers) = consumers_of.get_mut(topic)
                    && topics.insert(Arc::clone(topic))
                {
                    consumers.push(Arc::clone(member));
                }
            }
            topics_of.insert(Arc::clone(member), topics);
        }
        let mut general = Self {
            counts,
            consumers_of,
            topics_of,
            current: owned,
            owner_of: BTreeMap::new(),
            by_load: BTreeSet::new(),
            movements: Movements::default(),
            revocation_required: false,
        };
        general.drop_unsubscribed();
        general
    }

    fn drop_unsubscribed(&mut self) {
        for (member, owned) in &mut self.current {
            let before = owned.len();
            let topics = self.topics_of.get(member);
            owned.retain(|held| topics.is_some_and(|topics| topics.contains(&held.topic)));
            self.revocation_required |= owned.len() < before;
            for partition in owned.iter() {
                self.owner_of.insert(partition.clone(), Arc::clone(member));
            }
            self.by_load.insert((owned.len(), Arc::clone(member)));
        }
    }

    /// All partitions, those with the fewest possible owners first.
    fn sorted_partitions(&self) -> Vec<TopicPartition> {
        let mut topics: Vec<(usize, &Arc<str>)> = self
            .consumers_of
            .iter()
            .map(|(topic, consumers)| (consumers.len(), *topic))
            .collect();
        topics.sort();
        topics
            .into_iter()
            .flat_map(|(_, topic)| {
                let count = self.counts.get(topic).copied().unwrap_or(0);
                (0..count).map(|number| TopicPartition::new(topic, number))
            })
            .collect()
    }

    fn load(&self, member: &MemberId) -> Option<usize> {
        self.current.get(member).map(Vec::len)
    }

    fn balance(&mut self, previous: &BTreeMap<TopicPartition, MemberId>) {
        let all = self.sorted_partitions();
        let unassigned: Vec<TopicPartition> = all
            .iter()
            .filter(|partition| !self.owner_of.contains_key(partition))
            .cloned()
            .collect();
        let initializing = self.by_load.last().is_none_or(|(load, _)| *load == 0);
        for partition in &unassigned {
            if let Some(member) = self.emptiest_subscriber(&partition.topic) {
                self.give(partition, &member);
            }
        }
        let movable = |partitions: Vec<TopicPartition>, general: &Self| -> Vec<TopicPartition> {
            partitions
                .into_iter()
                .filter(|partition| general.is_shared(&partition.topic))
                .collect()
        };
        let unassigned = movable(unassigned, self);
        let all = movable(all, self);
        let fixed = self.set_fixed_members_aside();

        let before = self.current.clone();
        if !self.revocation_required {
            self.reassign(&unassigned, previous);
        }
        let moved = self.reassign(&all, previous);
        if !initializing && moved && score(&self.current) >= score(&before) {
            self.current = before;
        }
        self.current.extend(fixed);
    }

    fn is_shared(&self, topic: &Arc<str>) -> bool {
        self.consumers_of
            .get(topic)
            .is_some_and(|consumers| consumers.len() >= 2)
    }

    /// Members that can neither get nor lose anything take no part in moves.
    fn set_fixed_members_aside(&mut self) -> Assignment {
        let fixed: Vec<MemberId> = self
            .current
            .iter()
            .filter(|(member, held)| {
                let full = held.len() >= self.most_it_can_hold(member);
                full && !held
                    .iter()
                    .any(|partition| self.is_shared(&partition.topic))
            })
            .map(|(member, _)| Arc::clone(member))
            .collect();
        let mut aside = Assignment::new();
        for member in fixed {
            if let Some(held) = self.current.remove(&member) {
                self.by_load.remove(&(held.len(), Arc::clone(&member)));
                aside.insert(member, held);
            }
        }
        aside
    }

    fn most_it_can_hold(&self, member: &MemberId) -> usize {
        self.topics_of.get(member).map_or(0, |topics| {
            topics
                .iter()
                .filter_map(|topic| self.counts.get(topic))
                .map(|&count| count as usize)
                .sum()
        })
    }

    /// The member with the fewest partitions that subscribes to the topic.
    fn emptiest_subscriber(&self, topic: &Arc<str>) -> Option<MemberId> {
        self.by_load
            .iter()
            .map(|(_, member)| member)
            .find(|member| self.subscribes(member, topic))
            .cloned()
    }

    fn subscribes(&self, member: &MemberId, topic: &Arc<str>) -> bool {
        self.topics_of
            .get(member)
            .is_some_and(|topics| topics.contains(topic))
    }

    fn give(&mut self, partition: &TopicPartition, member: &MemberId) {
        if let Some(mine) = self.current.get_mut(member) {
            self.by_load.remove(&(mine.len(), Arc::clone(member)));
            mine.push(partition.clone());
            self.by_load.insert((mine.len(), Arc::clone(member)));
            self.owner_of.insert(partition.clone(), Arc::clone(member));
        }
    }

    fn take(&mut self, partition: &TopicPartition, member: &MemberId) {
        if let Some(mine) = self.current.get_mut(member) {
            self.by_load.remove(&(mine.len(), Arc::clone(member)));
            mine.retain(|held| held != partition);
            self.by_load.insert((mine.len(), Arc::clone(member)));
        }
    }

    /// Balanced: loads differ by one at most, or no member could take a
    /// partition from one that has at least two more.
    fn is_balanced(&self) -> bool {
        let (Some((min, _)), Some((max, _))) = (self.by_load.first(), self.by_load.last()) else {
            return true;
        };
        if min + 1 >= *max {
            return true;
        }
        // Only what other members hold can be taken; walking the loads from
        // the emptiest keeps this short.
        !self.by_load.iter().any(|(load, member)| {
            *load < self.most_it_can_hold(member)
                && self.topics_of.get(member).is_some_and(|topics| {
                    topics.iter().any(|topic| {
                        self.consumers_of.get(topic).is_some_and(|consumers| {
                            consumers.iter().any(|other| {
                                other != member
                                    && self.current.get(other).is_some_and(|held| {
                                        held.len() > load + 1
                                            && held
                                                .iter()
                                                .any(|partition| partition.topic == *topic)
                                    })
                            })
                        })
                    })
                })
        })
    }

    fn reassign(
        &mut self,
        partitions: &[TopicPartition],
        previous: &BTreeMap<TopicPartition, MemberId>,
    ) -> bool {
        let mut performed = false;
        loop {
            let mut modified = false;
            for partition in partitions {
                if self.is_balanced() {
                    break;
                }
                if let Some(target) = self.better_owner(partition, previous) {
                    self.reassign_to(partition, &target);
                    modified = true;
                }
            }
            performed |= modified;
            if !modified {
                return performed;
            }
        }
    }

    /// A member with at least two partitions fewer than the owner: the
    /// previous owner if it is one, else the emptiest subscriber.
    fn better_owner(
        &self,
        partition: &TopicPartition,
        previous: &BTreeMap<TopicPartition, MemberId>,
    ) -> Option<MemberId> {
        let load = self.load(self.owner_of.get(partition)?)?;
        let lighter = |member: &MemberId| self.load(member).is_some_and(|other| load > other + 1);
        if let Some(before) = previous.get(partition)
            && lighter(before)
            && self.subscribes(before, &partition.topic)
        {
            return Some(Arc::clone(before));
        }
        self.consumers_of
            .get(&partition.topic)?
            .iter()
            .any(lighter)
            .then(|| self.emptiest_subscriber(&partition.topic))?
    }

    fn reassign_to(&mut self, partition: &TopicPartition, target: &MemberId) {
        let Some(owner) = self.owner_of.get(partition).cloned() else {
            return;
        };
        let moving = self.movements.partition_to_move(partition, &owner, target);
        let Some(from) = self.owner_of.get(&moving).cloned() else {
            return;
        };
        self.movements.record(&moving, &from, target);
        self.take(&moving, &from);
        self.give(&moving, target);
    }
}

/// The sum of load differences over all pairs: smaller is more even.
fn score(assignment: &Assignment) -> usize {
    let loads: Vec<usize> = assignment.values().map(Vec::len).collect();
    loads
        .iter()
        .enumerate()
        .map(|(index, load)| {
            loads
                .iter()
                .skip(index + 1)
                .map(|other| load.abs_diff(*other))
                .sum::<usize>()
        })
        .sum()
}

/// Moves made so far, so that instead of moving one partition from A to B
/// while another of the topic moved from B to A, the latter moves back.
#[derive(Default)]
struct Movements {
    by_partition: BTreeMap<TopicPartition, (MemberId, MemberId)>,
    by_topic: BTreeMap<(Arc<str>, MemberId, MemberId), BTreeSet<TopicPartition>>,
}

impl Movements {
    fn partition_to_move(
        &self,
        partition: &TopicPartition,
        owner: &MemberId,
        target: &MemberId,
    ) -> TopicPartition {
        let source = self
            .by_partition
            .get(partition)
            .map_or(owner, |(source, _)| source);
        let reverse = (
            Arc::clone(&partition.topic),
            Arc::clone(target),
            Arc::clone(source),
        );
        self.by_topic
            .get(&reverse)
            .and_then(|moved| moved.first())
            .unwrap_or(partition)
            .clone()
    }

    fn record(&mut self, partition: &TopicPartition, from: &MemberId, to: &MemberId) {
        let mut source = Arc::clone(from);
        if let Some((first, last)) = self.by_partition.remove(partition) {
            let key = (Arc::clone(&partition.topic), Arc::clone(&first), last);
            if let Some(moved) = self.by_topic.get_mut(&key) {
                moved.remove(partition);
                if moved.is_empty() {
                    self.by_topic.remove(&key);
                }
            }
            if first == *to {
                return;
            }
            source = first;
        }
        self.by_partition
            .insert(partition.clone(), (Arc::clone(&source), Arc::clone(to)));
        self.by_topic
            .entry((Arc::clone(&partition.topic), source, Arc::clone(to)))
            .or_default()
            .insert(partition.clone());
    }
}
