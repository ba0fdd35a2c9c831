//! A classic group as its coordinator knows it: members, state, generation.
//!
//! Data and the small questions about it; what happens when is decided by
//! [`super::coordinator`].
//!
//! Source: `ClassicGroup`, `ClassicGroupMember`, `ClassicGroupState`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::sim::message::Subscription;
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::time::Time;
use crate::sim::types::{ErrorCode, LeaderEpoch, Offset};

use super::record::{GroupMemberRecord, GroupRecord};

/// Who waits for an answer: the client and its request's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The client.
    pub node: NodeId,
    /// Its request.
    pub correlation: u32,
}

/// Where a group stands in its rebalance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum GroupState {
    /// No members; offsets may be there.
    #[default]
    Empty,
    /// Members are called to join.
    PreparingRebalance,
    /// All have joined; the leader's assignment is awaited.
    CompletingRebalance,
    /// Every member has its assignment.
    Stable,
    /// The coordinator gave the group away.
    Dead,
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GroupState::Empty => "Empty",
            GroupState::PreparingRebalance => "PreparingRebalance",
            GroupState::CompletingRebalance => "CompletingRebalance",
            GroupState::Stable => "Stable",
            GroupState::Dead => "Dead",
        })
    }
}

/// Assignors by preference, each with the member's subscription.
pub type Protocols = Arc<[(Arc<str>, Arc<Subscription>)]>;

/// A member of a group.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its number within the group; never given twice by one coordinator.
    pub serial: u32,
    /// The client's name.
    pub client: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// `session.timeout.ms`
    pub session_timeout: Time,
    /// `max.poll.interval.ms`, which the coordinator takes as rebalance timeout.
    pub rebalance_timeout: Time,
    /// Assignors by preference, each with the member's subscription.
    pub protocols: Protocols,
    /// What it was assigned in this generation.
    pub assignment: Arc<[PartitionId]>,
    /// Its JoinGroup waits.
    pub joining: Option<Peer>,
    /// Its SyncGroup waits.
    pub syncing: Option<Peer>,
    /// When it was last heard of.
    pub last_heard: Time,
}

impl Member {
    /// When its session ends if nothing is heard of it.
    pub fn session_end(&self) -> Time {
        self.last_heard + self.session_timeout
    }

    /// What it subscribes to under an assignor.
    pub fn subscription(&self, protocol: &str) -> Option<&Arc<Subscription>> {
        self.protocols
            .iter()
            .find(|(name, _)| &**name == protocol)
            .map(|(_, subscription)| subscription)
    }
}

/// A committed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to read.
    pub offset: Offset,
    /// The leader epoch of the last record read, or −1.
    pub leader_epoch: LeaderEpoch,
    /// When it was committed.
    pub at: Time,
}

/// A group.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// `group.id`
    pub name: Arc<str>,
    /// Where it stands.
    pub state: GroupState,
    /// Whether the join phase under way began with an empty group.
    pub first_rebalance: bool,
    /// Somebody new came while the first rebalance waits.
    pub newcomer: bool,
    /// Grows by one with each completed join phase.
    pub generation: i32,
    /// The assignor of this generation.
    pub protocol: Option<Arc<str>>,
    /// The member that computes the assignment.
    pub leader: Option<Arc<str>>,
    /// Members by id.
    pub members: BTreeMap<Arc<str>, Member>,
    /// The current member id of each static instance.
    pub instances: BTreeMap<Arc<str>, Arc<str>>,
    /// Ids given out that have not joined yet, with the end of their patience.
    pub pending_ids: BTreeMap<Arc<str>, Time>,
    /// Members that have not asked for this generation's assignment yet.
    pub unsynced: BTreeSet<Arc<str>>,
    /// Order in which members joined; the first becomes leader.
    pub joined: Vec<Arc<str>>,
    /// What is committed and replicated.
    pub offsets: BTreeMap<PartitionId, Committed>,
    /// When the join or sync phase under way ends, and its timer's number.
    pub phase_timer: u64,
    /// The next member's number.
    pub next_serial: u32,
}

impl Group {
    /// A group nobody has joined yet.
    pub fn new(name: Arc<str>) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// The longest `max.poll.interval.ms` of its members.
    pub fn rebalance_timeout(&self) -> Time {
        self.members
            .values()
            .map(|member| member.rebalance_timeout)
            .max()
            .unwrap_or_default()
    }

    /// Whether every known member waits to join.
    pub fn all_joined(&self) -> bool {
        self.pending_ids.is_empty() && self.members.values().all(|member| member.joining.is_some())
    }

    /// Whether `protocols` share an assignor with every other member.
    pub fn supports(&self, protocols: &Protocols) -> bool {
        !protocols.is_empty()
            && (self.members.is_empty()
                || protocols.iter().any(|(name, _)| {
                    self.members
                        .values()
                        .all(|member| member.subscription(name).is_some())
                }))
    }

    /// The assignor that most members prefer among those all support.
    pub fn select_protocol(&self) -> Option<Arc<str>> {
        let first = self.members.values().next()?;
        let candidates: Vec<&Arc<str>> = first
            .protocols
            .iter()
            .map(|(name, _)| name)
            .filter(|name| {
                self.members
                    .values()
                    .all(|member| member.subscription(name).is_some())
            })
            .collect();
        let votes = |candidate: &Arc<str>| {
            self.members
                .values()
                .filter(|member| {
                    let vote = member
                        .protocols
                        .iter()
                        .map(|(name, _)| name)
                        .find(|name| candidates.contains(name));
                    vote == Some(candidate)
                })
                .count()
        };
        // The first of equals, so that the preference of the members decides.
        let mut best: Option<(&Arc<str>, usize)> = None;
        for candidate in &candidates {
            let count = votes(candidate);
            if best.is_none_or(|(_, most)| count > most) {
                best = Some((candidate, count));
            }
        }
        best.map(|(name, _)| Arc::clone(name))
    }

    /// Checks that a request comes from a member of this group and, for a
    /// static one, from the instance's current holder.
    ///
    /// # Errors
    /// `FENCED_INSTANCE_ID` or `UNKNOWN_MEMBER_ID`.
    pub fn check_member(
        &self,
        member_id: &Arc<str>,
        instance_id: Option<&Arc<str>>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance) = instance_id {
            match self.instances.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(current) if current != member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) {
            Ok(())
        } else {
            Err(ErrorCode::UnknownMemberId)
        }
    }

    /// Removes a member; the leader's place goes to the one that joined next.
    pub fn remove(&mut self, member_id: &Arc<str>) -> Option<Member> {
        let member = self.members.remove(member_id)?;
        self.joined.retain(|id| id != member_id);
        self.unsynced.remove(member_id);
        if let Some(instance) = &member.instance_id
            && self.instances.get(instance) == Some(member_id)
        {
            self.instances.remove(instance);
        }
        if self.leader.as_ref() == Some(member_id) {
            self.leader = self.joined.first().cloned();
        }
        Some(member)
    }

    /// Keeps the leader if it waits to join, else takes the first that does.
    /// Whether there is one.
    pub fn elect_leader(&mut self) -> bool {
        let waits = |id: &Arc<str>| {
            self.members
                .get(id)
                .is_some_and(|member| member.joining.is_some())
        };
        if self.leader.as_ref().is_some_and(waits) {
            return true;
        }
        match self.joined.iter().find(|id| waits(id)).cloned() {
            Some(id) => {
                self.leader = Some(id);
                true
            }
            None => false,
        }
    }

    /// The record that lets another coordinator continue this generation.
    pub fn record(&self) -> GroupRecord {
        GroupRecord::Metadata {
            group: Arc::clone(&self.name),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: self
                .members
                .iter()
                .map(|(id, member)| GroupMemberRecord {
                    member_id: Arc::clone(id),
                    client: Arc::clone(&member.client),
                    instance_id: member.instance_id.clone(),
                    session_timeout: member.session_timeout,
                    rebalance_timeout: member.rebalance_timeout,
                    protocols: Arc::clone(&member.protocols),
                    assignment: Arc::clone(&member.assignment),
                })
                .collect(),
        }
    }

    /// Takes over what a record says of the group's members. They get a new
    /// session from `now`.
    pub fn load(
        &mut self,
        generation: i32,
        protocol: Option<Arc<str>>,
        leader: Option<Arc<str>>,
        members: &[GroupMemberRecord],
        now: Time,
    ) {
        self.generation = generation;
        self.protocol = protocol;
        self.members.clear();
        self.instances.clear();
        self.joined.clear();
        for record in members {
            self.next_serial += 1;
            let member = Member {
                serial: self.next_serial,
                client: Arc::clone(&record.client),
                instance_id: record.instance_id.clone(),
                session_timeout: record.session_timeout,
                rebalance_timeout: record.rebalance_timeout,
                protocols: Arc::clone(&record.protocols),
                assignment: Arc::clone(&record.assignment),
                joining: None,
                syncing: None,
                last_heard: now,
            };
            if let Some(instance) = &record.instance_id {
                self.instances
                    .insert(Arc::clone(instance), Arc::clone(&record.member_id));
            }
            self.joined.push(Arc::clone(&record.member_id));
            self.members.insert(Arc::clone(&record.member_id), member);
        }
        self.leader = leader;
        self.state = if self.members.is_empty() {
            GroupState::Empty
        } else {
            GroupState::Stable
        };
    }
}
