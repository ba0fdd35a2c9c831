//! Sticky assignment: balanced first, then as close as possible to what
//! members owned before. With equal subscriptions by quota, see
//! [`assign_by_quota`]; otherwise by [`super::sticky_general`].
//!
//! Source: `AbstractStickyAssignor` (`allSubscriptionsEqual`,
//! `ConstrainedAssignmentBuilder`), `CooperativeStickyAssignor`; KIP-54,
//! KIP-429.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::{
    Assignment, PartitionCounts, Subscriptions, TopicPartition, empty_assignment, subscribed_topics,
};

/// The generation of a member that names none.
pub(super) const NO_GENERATION: i32 = -1;

/// What members rightfully owned before.
pub(super) struct Ownership {
    /// Per member, without partitions of vanished topics, and each partition
    /// with one owner at most.
    pub(super) owned: Assignment,
    /// Claimed by two members of the same generation: owned by neither.
    doubly_claimed: BTreeSet<TopicPartition>,
    /// The newest generation anybody named.
    pub(super) max_generation: i32,
    /// Whether all members subscribe to the same topics.
    equal_subscriptions: bool,
}

/// An assignment and, where the algorithm knows it, which partitions change
/// their owner.
pub(super) struct StickyResult {
    pub(super) assignment: Assignment,
    transferring: Option<BTreeMap<TopicPartition, Arc<str>>>,
}

pub(super) fn assign(counts: &PartitionCounts, subscriptions: &Subscriptions) -> StickyResult {
    let counts: PartitionCounts = subscribed_topics(counts, subscriptions)
        .into_iter()
        .map(|(topic, count)| (Arc::clone(topic), count))
        .collect();
    let ownership = settle_ownership(&counts, subscriptions);
    if subscriptions.is_empty() {
        StickyResult {
            assignment: Assignment::new(),
            transferring: None,
        }
    } else if ownership.equal_subscriptions {
        assign_by_quota(&counts, ownership)
    } else {
        StickyResult {
            assignment: super::sticky_general::assign(&counts, subscriptions, ownership),
            transferring: None,
        }
    }
}

/// The cooperative variant: a partition that another member still holds is
/// withheld; its owner learns that it lost it, revokes it and joins again.
pub(super) fn assign_cooperatively(
    counts: &PartitionCounts,
    subscriptions: &Subscriptions,
) -> Assignment {
    let StickyResult {
        mut assignment,
        transferring,
    } = assign(counts, subscriptions);
    let transferring =
        transferring.unwrap_or_else(|| find_transferring(subscriptions, &assignment));
    for (partition, member) in &transferring {
        if let Some(mine) = assignment.get_mut(member) {
            mine.retain(|held| held != partition);
        }
    }
    assignment
}

fn find_transferring(
    subscriptions: &Subscriptions,
    assignment: &Assignment,
) -> BTreeMap<TopicPartition, Arc<str>> {
    let mut added = BTreeMap::new();
    let mut revoked = BTreeSet::new();
    for (member, assigned) in assignment {
        let owned = subscriptions
            .get(member)
            .map_or(&[][..], |subscription| &subscription.owned);
        for partition in assigned
            .iter()
            .filter(|partition| !owned.contains(partition))
        {
            added.insert(partition.clone(), Arc::clone(member));
        }
        revoked.extend(
            owned
                .iter()
                .filter(|partition| !assigned.contains(partition)),
        );
    }
    added.retain(|partition, _| revoked.contains(partition));
    added
}

/// Sorts out who owned what: the claim of a newer generation beats an older
/// one; of two claims in one generation neither counts.
fn settle_ownership(counts: &PartitionCounts, subscriptions: &Subscriptions) -> Ownership {
    let mut owned = empty_assignment(subscriptions);
    let mut owner_of: BTreeMap<&TopicPartition, (&Arc<str>, i32)> = BTreeMap::new();
    let mut doubly_claimed = BTreeSet::new();
    let mut max_generation = NO_GENERATION;
    for (member, subscription) in subscriptions {
        let generation = subscription.generation.unwrap_or(NO_GENERATION);
        max_generation = max_generation.max(generation);
        for partition in &subscription.owned {
            let exists = counts
                .get(&partition.topic)
                .is_some_and(|&count| partition.partition < count);
            if !exists {
                continue;
            }
            let previous = owner_of.get(partition).copied();
            match previous {
                Some((other, _)) if other == member => continue,
                Some((_, claimed_in)) if claimed_in > generation => continue,
                Some((other, claimed_in)) => {
                    if let Some(others) = owned.get_mut(other) {
                        others.retain(|held| held != partition);
                    }
                    if claimed_in == generation {
                        doubly_claimed.insert(partition.clone());
                        owner_of.insert(partition, (member, generation));
                        continue;
                    }
                }
                None => {}
            }
            owner_of.insert(partition, (member, generation));
            if let Some(mine) = owned.get_mut(member) {
                mine.push(partition.clone());
            }
        }
    }
    Ownership {
        owned,
        doubly_claimed,
        max_generation,
        equal_subscriptions: equal_subscriptions(subscriptions),
    }
}

fn equal_subscriptions(subscriptions: &Subscriptions) -> bool {
    let mut sets = subscriptions
        .values()
        .map(|member| member.topics.iter().collect::<BTreeSet<_>>());
    let Some(first) = sets.next() else {
        return true;
    };
    sets.all(|topics| topics == first)
}

/// Equal subscriptions: every member gets floor(n/k) or ceil(n/k) partitions.
/// Members keep what they owned up to that, the first ones with enough keep
/// the larger share; the rest is dealt in turn.
fn assign_by_quota(counts: &PartitionCounts, ownership: Ownership) -> StickyResult {
    let mut quota = Quota::new(counts, &ownership);
    for (member, owned) in ownership.owned {
        quota.keep(member, owned, &ownership.doubly_claimed);
    }
    quota.deal(counts, &ownership.doubly_claimed);
    StickyResult {
        assignment: quota.assignment,
        transferring: Some(quota.transferring),
    }
}

struct Quota {
    min: usize,
    max: usize,
    /// How many members get more than `min`.
    larger_shares: usize,
    larger_taken: usize,
    below_min: VecDeque<Arc<str>>,
    at_min: VecDeque<Arc<str>>,
    assignment: Assignment,
    assigned: BTreeSet<TopicPartition>,
    revoked: BTreeSet<TopicPartition>,
    transferring: BTreeMap<TopicPartition, Arc<str>>,
}

impl Quota {
    fn new(counts: &PartitionCounts, ownership: &Ownership) -> Self {
        let members = ownership.owned.len();
        let total: usize = counts.values().map(|&count| count as usize).sum();
        Self {
            min: total / members,
            max: total.div_ceil(members),
            larger_shares: total % members,
            larger_taken: 0,
            below_min: VecDeque::new(),
            at_min: VecDeque::new(),
            assignment: Assignment::new(),
            assigned: BTreeSet::new(),
            revoked: BTreeSet::new(),
            transferring: BTreeMap::new(),
        }
    }

    fn keep(
        &mut self,
        member: Arc<str>,
        mut owned: Vec<TopicPartition>,
        doubly_claimed: &BTreeSet<TopicPartition>,
    ) {
        owned.retain(|partition| !doubly_claimed.contains(partition));
        owned.sort_by(|a, b| (a.partition, &a.topic).cmp(&(b.partition, &b.topic)));
        let share = if owned.len() < self.min {
            self.below_min.push_back(Arc::clone(&member));
            owned.len()
        } else if owned.len() >= self.max && self.larger_taken < self.larger_shares {
            self.larger_taken += 1;
            if self.larger_taken == self.larger_shares {
                self.at_min.clear();
            }
            self.max
        } else {
            if self.larger_taken < self.larger_shares {
                self.at_min.push_back(Arc::clone(&member));
            }
            self.min
        };
        self.revoked.extend(owned.drain(share..));
        self.assigned.extend(owned.iter().cloned());
        self.assignment.insert(member, owned);
    }

    fn deal(&mut self, counts: &PartitionCounts, doubly_claimed: &BTreeSet<TopicPartition>) {
        let unassigned: Vec<TopicPartition> = counts
            .iter()
            .flat_map(|(topic, &count)| (0..count).map(|n| TopicPartition::new(topic, n)))
            .filter(|partition| !self.assigned.contains(partition))
            .collect();
        // Members below the minimum take turns; the queue rotates.
        let mut below = std::mem::take(&mut self.below_min);
        for partition in unassigned {
            let from_below = below.pop_front();
            let was_below = from_below.is_some();
            let Some(member) = from_below.or_else(|| self.at_min.pop_front()) else {
                break;
            };
            if self.revoked.contains(&partition) || doubly_claimed.contains(&partition) {
                self.transferring
                    .insert(partition.clone(), Arc::clone(&member));
            }
            let Some(mine) = self.assignment.get_mut(&member) else {
                continue;
            };
            mine.push(partition);
            if was_below {
                if mine.len() < self.min {
                    below.push_back(member);
                } else {
                    self.at_min.push_back(member);
                }
            }
        }
    }
}
