//! The client-side assignors of the classic protocol: who in a group reads
//! which partition.
//!
//! The group's leader runs one of them on the subscriptions the coordinator
//! collected. Pure functions of their input; racks are not taken into account.
//!
//! Source: `RangeAssignor`, `RoundRobinAssignor`, `StickyAssignor`,
//! `CooperativeStickyAssignor`, `AbstractStickyAssignor`; KIP-54, KIP-341,
//! KIP-345, KIP-429.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

mod range;
mod roundrobin;
mod sticky;
mod sticky_general;

/// A partition by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Arc<str>,
    /// Its partition.
    pub partition: u32,
}

impl TopicPartition {
    /// `topic-partition`.
    pub fn new(topic: &Arc<str>, partition: u32) -> Self {
        Self {
            topic: Arc::clone(topic),
            partition,
        }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// What a member asks for and what it brings along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberSubscription {
    /// The topics it wants.
    pub topics: Vec<Arc<str>>,
    /// The partitions it owned before this rebalance (sticky assignors only).
    pub owned: Vec<TopicPartition>,
    /// The generation in which it owned them.
    pub generation: Option<i32>,
    /// `group.instance.id` of a static member.
    pub group_instance_id: Option<Arc<str>>,
}

/// Partitions per topic, as the group leader's metadata shows them.
pub type PartitionCounts = BTreeMap<Arc<str>, u32>;
/// Subscriptions by `member.id`.
pub type Subscriptions = BTreeMap<Arc<str>, MemberSubscription>;
/// Partitions by `member.id`; every member has an entry.
pub type Assignment = BTreeMap<Arc<str>, Vec<TopicPartition>>;

/// How members give partitions up in a rebalance (KIP-429).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebalanceProtocol {
    /// Everything is revoked before the member joins.
    Eager,
    /// Only what moves is revoked, and given out in a second round.
    Cooperative,
}

/// An assignor of `partition.assignment.strategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assignor {
    /// Each topic in contiguous ranges.
    Range,
    /// All partitions dealt in turn.
    RoundRobin,
    /// Balanced first, then as before; eager.
    Sticky,
    /// Like sticky, but moves partitions in two rounds.
    CooperativeSticky,
}

impl Assignor {
    /// All of them.
    pub const ALL: [Assignor; 4] = [
        Assignor::Range,
        Assignor::RoundRobin,
        Assignor::Sticky,
        Assignor::CooperativeSticky,
    ];

    /// The protocol name members announce.
    pub fn name(self) -> &'static str {
        match self {
            Assignor::Range => "range",
            Assignor::RoundRobin => "roundrobin",
            Assignor::Sticky => "sticky",
            Assignor::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// The assignor of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|assignor| assignor.name() == name)
    }

    /// How its members rebalance when they list only it.
    pub fn protocol(self) -> RebalanceProtocol {
        match self {
            Assignor::CooperativeSticky => RebalanceProtocol::Cooperative,
            _ => RebalanceProtocol::Eager,
        }
    }

    /// Assigns every partition of a subscribed topic. Under
    /// `cooperative-sticky` partitions that must first be revoked are left out
    /// of this round.
    pub fn assign(self, counts: &PartitionCounts, subscriptions: &Subscriptions) -> Assignment {
        match self {
            Assignor::Range => range::assign(counts, subscriptions),
            Assignor::RoundRobin => roundrobin::assign(counts, subscriptions),
            Assignor::Sticky => sticky::assign(counts, subscriptions).assignment,
            Assignor::CooperativeSticky => sticky::assign_cooperatively(counts, subscriptions),
        }
    }
}

/// The protocol a member follows that lists `assignors`: cooperative if all of
/// them support it (`ConsumerCoordinator`). `cooperative-sticky` supports
/// both, the others only eager.
pub fn member_protocol(assignors: &[Assignor]) -> RebalanceProtocol {
    let cooperative = !assignors.is_empty()
        && assignors
            .iter()
            .all(|assignor| assignor.protocol() == RebalanceProtocol::Cooperative);
    if cooperative {
        RebalanceProtocol::Cooperative
    } else {
        RebalanceProtocol::Eager
    }
}

/// Members in the order range and roundrobin deal to them: static members by
/// `group.instance.id`, then dynamic ones by `member.id`
/// (`MemberInfo.compareTo`).
fn dealing_order(subscriptions: &Subscriptions) -> Vec<(&Arc<str>, &MemberSubscription)> {
    let mut members: Vec<_> = subscriptions.iter().collect();
    members.sort_by(
        |(id_a, a), (id_b, b)| match (&a.group_instance_id, &b.group_instance_id) {
            (Some(a), Some(b)) => a.cmp(b),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => id_a.cmp(id_b),
        },
    );
    members
}

/// Topics that exist and that somebody wants, by name.
fn subscribed_topics<'a>(
    counts: &'a PartitionCounts,
    subscriptions: &Subscriptions,
) -> Vec<(&'a Arc<str>, u32)> {
    let wanted: BTreeSet<&Arc<str>> = subscriptions
        .values()
        .flat_map(|member| &member.topics)
        .collect();
    counts
        .iter()
        .filter(|(topic, _)| wanted.contains(topic))
        .map(|(topic, &count)| (topic, count))
        .collect()
}

fn empty_assignment(subscriptions: &Subscriptions) -> Assignment {
    subscriptions
        .keys()
        .map(|member| (Arc::clone(member), Vec::new()))
        .collect()
}

#[cfg(test)]
mod tests;
