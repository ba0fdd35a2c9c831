//! The group coordinator of one `__consumer_offsets` partition: it answers
//! members' requests, runs rebalances and keeps what the groups commit.
//!
//! A pure state machine: requests, timers and finished writes go in, answers,
//! writes and timers come out as [`Effect`]s. The broker that leads the
//! partition owns it, carries the effects out, and drops it when it no longer
//! leads; the next leader loads it from the partition's records.
//!
//! Source: `GroupMetadataManager` (classic groups), `ClassicGroup`,
//! `OffsetMetadataManager`; KIP-62, KIP-134, KIP-345, KIP-394, KIP-814.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sim::message::{JoinGroupResponse, MemberIdentity, Message};
use crate::sim::node::PartitionId;
use crate::sim::time::Time;
use crate::sim::types::{BrokerId, ErrorCode, LeaderEpoch, Offset};

use super::event::{Departure, GroupEvent, RebalanceReason};
use super::record::GroupRecord;
use super::state::{Committed, Group, GroupState, Member, Peer};

mod join;
mod rebalance;

/// The broker settings a coordinator follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoordinatorConfig {
    /// `group.initial.rebalance.delay.ms`
    pub initial_rebalance_delay: Time,
    /// `group.min.session.timeout.ms`
    pub min_session_timeout: Time,
    /// `group.max.session.timeout.ms`
    pub max_session_timeout: Time,
}

/// What a coordinator asked to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupTimer {
    /// The group's number.
    group: u32,
    kind: TimerKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimerKind {
    /// The first members' wait for others; with what is left of the cap.
    InitialDelay { number: u64, remaining: Time },
    /// The members' time to join is over.
    JoinPhase { number: u64 },
    /// The members' time to fetch their assignment is over.
    SyncPhase { generation: i32 },
    /// A member's session may be over.
    Session { serial: u32 },
    /// Ids given out may have been forgotten by their clients.
    PendingIds,
}

/// What a coordinator wants done.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Answer a client.
    Reply {
        /// Whom.
        to: Peer,
        /// With what.
        message: Message,
    },
    /// Append to the partition with acks=all, then call
    /// [`Coordinator::written`].
    Write {
        /// The write's number.
        ticket: u64,
        /// What to write.
        record: Arc<GroupRecord>,
    },
    /// Call [`Coordinator::wake`] then.
    Wake {
        /// When.
        at: Time,
        /// With what.
        timer: GroupTimer,
    },
    /// Tell what happened.
    Tell(GroupEvent),
    /// Tell that a group is stable (the caller knows the partitions' names).
    TellStable {
        /// Which group.
        group: Arc<str>,
        /// In which generation.
        generation: i32,
        /// Who has what.
        assignment: Vec<(Arc<str>, Arc<[PartitionId]>)>,
    },
}

/// What waits for a write.
#[derive(Debug, Clone)]
enum Pending {
    /// A commit: apply it and answer.
    Commit {
        group: u32,
        peer: Peer,
        offsets: Vec<(PartitionId, Offset, LeaderEpoch)>,
        at: Time,
    },
    /// An assignment: hand it out.
    Assignment {
        group: u32,
        generation: i32,
        assignments: BTreeMap<Arc<str>, Arc<[PartitionId]>>,
    },
    /// A static member's new id in a group that stays as it is: answer, or give the old id its place back.
    StaticReturn(Box<StaticReturn>),
    /// Nothing but the record itself.
    Note,
}

/// A static member that came back and waits until its new id is written.
#[derive(Debug, Clone)]
struct StaticReturn {
    group: u32,
    instance: Arc<str>,
    old: Arc<str>,
    new: Arc<str>,
    /// The member as it was.
    before: Member,
    peer: Peer,
    answer: Message,
}

/// The coordinator of the groups of one `__consumer_offsets` partition.
#[derive(Debug, Clone)]
pub struct Coordinator {
    config: CoordinatorConfig,
    numbers: BTreeMap<Arc<str>, u32>,
    groups: Vec<Group>,
    pending: BTreeMap<u64, Pending>,
    next_ticket: u64,
    next_timer: u64,
    next_id: u64,
}

type Out = Vec<Effect>;

impl Coordinator {
    /// Knows no groups.
    pub fn new(config: CoordinatorConfig) -> Self {
        Self {
            config,
            numbers: BTreeMap::new(),
            groups: Vec::new(),
            pending: BTreeMap::new(),
            next_ticket: 0,
            next_timer: 0,
            next_id: 0,
        }
    }

    /// Reads a partition's records, as a new leader does, and gives members
    /// new sessions.
    pub fn load<'r>(
        config: CoordinatorConfig,
        records: impl Iterator<Item = &'r GroupRecord>,
        broker: BrokerId,
        now: Time,
        out: &mut Out,
    ) -> Self {
        let mut coordinator = Self::new(config);
        for record in records {
            coordinator.replay(record, now);
        }
        for number in 0..coordinator.groups.len() {
            let group = &coordinator.groups[number];
            out.push(Effect::Tell(GroupEvent::CoordinatorLoaded {
                group: Arc::clone(&group.name),
                broker,
                generation: group.generation,
                members: group.members.len() as u32,
            }));
            for member in group.members.values() {
                out.push(session_timer(number as u32, member));
            }
        }
        coordinator
    }

    fn replay(&mut self, record: &GroupRecord, now: Time) {
        match record {
            GroupRecord::Commit { group, offsets, at } => {
                let number = self.number_of(group);
                apply_commit(&mut self.groups[number as usize], offsets, *at);
            }
            GroupRecord::Metadata {
                group,
                generation,
                protocol,
                leader,
                members,
            } => {
                let number = self.number_of(group);
                self.groups[number as usize].load(
                    *generation,
                    protocol.clone(),
                    leader.clone(),
                    members,
                    now,
                );
            }
        }
    }

    /// The groups, in order of creation.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// A group by name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.numbers
            .get(name)
            .and_then(|&number| self.groups.get(number as usize))
    }

    fn number_of(&mut self, name: &Arc<str>) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.groups.len() as u32;
        self.numbers.insert(Arc::clone(name), number);
        self.groups.push(Group::new(Arc::clone(name)));
        number
    }

    /// Handles a member's request. `client` names the client for ids and
    /// events. Other messages are not for a coordinator and are left alone.
    pub fn handle(
        &mut self,
        now: Time,
        client: &Arc<str>,
        from: Peer,
        request: &Message,
        out: &mut Out,
    ) {
        match request {
            Message::JoinGroupRequest(join) => self.join(now, client, from, join, out),
            Message::SyncGroupRequest {
                member,
                assignments,
            } => {
                self.sync(now, from, member, assignments, out);
            }
            Message::HeartbeatRequest(member) => {
                let error = self.heartbeat(now, member).err();
                reply(out, from, Message::HeartbeatResponse { error });
            }
            Message::LeaveGroupRequest(member) => {
                let error = self.leave(now, member, out).err();
                reply(out, from, Message::LeaveGroupResponse { error });
            }
            Message::OffsetCommitRequest { member, offsets } => {
                self.commit(now, from, member, offsets, out);
            }
            Message::OffsetFetchRequest { group, partitions } => {
                let known = self.group(group);
                let offsets = partitions
                    .iter()
                    .map(|&partition| {
                        let committed = known.and_then(|group| group.offsets.get(&partition));
                        (partition, committed.map(|c| (c.offset, c.leader_epoch)))
                    })
                    .collect();
                reply(
                    out,
                    from,
                    Message::OffsetFetchResponse {
                        error: None,
                        offsets,
                    },
                );
            }
            _ => {}
        }
    }

    // Staying and going.

    /// Checks group, member and generation of a request.
    fn check(&self, identity: &MemberIdentity) -> Result<u32, ErrorCode> {
        let &number = self
            .numbers
            .get(&identity.group)
            .ok_or(ErrorCode::UnknownMemberId)?;
        let group = &self.groups[number as usize];
        group.check_member(&identity.member_id, identity.instance_id.as_ref())?;
        if identity.generation != group.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        Ok(number)
    }

    fn heartbeat(&mut self, now: Time, identity: &MemberIdentity) -> Result<(), ErrorCode> {
        let number = self.check(identity)?;
        let group = &mut self.groups[number as usize];
        if let Some(member) = group.members.get_mut(&identity.member_id) {
            member.last_heard = now;
        }
        match group.state {
            GroupState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            GroupState::CompletingRebalance | GroupState::Stable => Ok(()),
            GroupState::Empty | GroupState::Dead => Err(ErrorCode::UnknownMemberId),
        }
    }

    fn leave(
        &mut self,
        now: Time,
        identity: &MemberIdentity,
        out: &mut Out,
    ) -> Result<(), ErrorCode> {
        let &number = self
            .numbers
            .get(&identity.group)
            .ok_or(ErrorCode::UnknownMemberId)?;
        let group = &mut self.groups[number as usize];
        if group.pending_ids.remove(&identity.member_id).is_some() {
            if group.state == GroupState::PreparingRebalance
                && !group.first_rebalance
                && group.all_joined()
            {
                self.complete_join(now, number, out);
            }
            return Ok(());
        }
        group.check_member(&identity.member_id, identity.instance_id.as_ref())?;
        self.drop_member(now, number, &identity.member_id, Departure::Left, out);
        Ok(())
    }

    fn drop_member(
        &mut self,
        now: Time,
        number: u32,
        id: &Arc<str>,
        why: Departure,
        out: &mut Out,
    ) {
        let group = &mut self.groups[number as usize];
        let client = tell_gone(group, id, why, out);
        self.rebalance_or_complete(now, number, RebalanceReason::Gone(client), out);
    }

    // Offsets.

    fn commit(
        &mut self,
        now: Time,
        from: Peer,
        identity: &MemberIdentity,
        offsets: &[(PartitionId, Offset, LeaderEpoch)],
        out: &mut Out,
    ) {
        match self.check_commit(now, identity) {
            Ok(group) => {
                let record = GroupRecord::Commit {
                    group: Arc::clone(&identity.group),
                    offsets: offsets.to_vec(),
                    at: now,
                };
                let offsets = offsets.to_vec();
                let pending = Pending::Commit {
                    group,
                    peer: from,
                    offsets,
                    at: now,
                };
                self.write(pending, Arc::new(record), out);
            }
            Err(error) => {
                let current = self
                    .group(&identity.group)
                    .map_or(-1, |group| group.generation);
                out.push(Effect::Tell(GroupEvent::CommitRefused {
                    group: Arc::clone(&identity.group),
                    member: Arc::clone(&identity.member_id),
                    error,
                    generation: identity.generation,
                    current,
                }));
                answer_commit(out, from, offsets, Some(error));
            }
        }
    }

    /// Members commit in their generation; while the group prepares a
    /// rebalance that is still the previous one. Whoever is no member may
    /// commit only for an empty group.
    fn check_commit(&mut self, now: Time, identity: &MemberIdentity) -> Result<u32, ErrorCode> {
        let outsider = identity.generation < 0;
        if outsider && identity.member_id.is_empty() {
            let number = self.number_of(&identity.group);
            let empty = self.groups[number as usize].state == GroupState::Empty;
            return if empty {
                Ok(number)
            } else {
                Err(ErrorCode::UnknownMemberId)
            };
        }
        if !self.numbers.contains_key(&identity.group) {
            return Err(ErrorCode::IllegalGeneration);
        }
        let number = self.check(identity)?;
        let group = &mut self.groups[number as usize];
        if group.state == GroupState::CompletingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        if let Some(member) = group.members.get_mut(&identity.member_id) {
            member.last_heard = now;
        }
        Ok(number)
    }

    fn write(&mut self, pending: Pending, record: Arc<GroupRecord>, out: &mut Out) {
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        self.pending.insert(ticket, pending);
        out.push(Effect::Write { ticket, record });
    }

    /// Sets offsets as an administrator asks, whose record this is.
    pub fn set_offsets(&mut self, now: Time, record: &Arc<GroupRecord>, out: &mut Out) {
        self.replay(record, now);
        self.write(Pending::Note, Arc::clone(record), out);
    }

    /// A write is replicated, or failed.
    pub fn written(
        &mut self,
        now: Time,
        ticket: u64,
        result: Result<(), ErrorCode>,
        out: &mut Out,
    ) {
        match self.pending.remove(&ticket) {
            None | Some(Pending::Note) => {}
            Some(Pending::Commit {
                group,
                peer,
                offsets,
                at,
            }) => {
                if result.is_ok() {
                    apply_commit(&mut self.groups[group as usize], &offsets, at);
                }
                answer_commit(out, peer, &offsets, result.err().map(coordinator_error));
            }
            Some(Pending::Assignment {
                group,
                generation,
                assignments,
            }) => {
                self.assigned(now, group, generation, assignments, result, out);
            }
            Some(Pending::StaticReturn(waiting)) => {
                self.static_returned(*waiting, result.err().map(coordinator_error), out);
            }
        }
    }
}

fn reply(out: &mut Out, to: Peer, message: Message) {
    out.push(Effect::Reply { to, message });
}

fn session_timer(group: u32, member: &Member) -> Effect {
    let kind = TimerKind::Session {
        serial: member.serial,
    };
    Effect::Wake {
        at: member.session_end(),
        timer: GroupTimer { group, kind },
    }
}

/// Removes a member and tells why; gives back its client's name.
fn tell_gone(group: &mut Group, id: &Arc<str>, why: Departure, out: &mut Out) -> Arc<str> {
    let Some(mut member) = group.remove(id) else {
        return Arc::clone(id);
    };
    refuse_waiting(&mut member, id, ErrorCode::UnknownMemberId, out);
    out.push(Effect::Tell(GroupEvent::MemberGone {
        group: Arc::clone(&group.name),
        member: Arc::clone(&member.client),
        why,
    }));
    member.client
}

/// Answers what a member waits for, a JoinGroup or a SyncGroup, with an error.
fn refuse_waiting(member: &mut Member, id: &Arc<str>, error: ErrorCode, out: &mut Out) {
    if let Some(waiting) = member.joining.take() {
        reply(out, waiting, join_error(error, Arc::clone(id)));
    }
    if let Some(waiting) = member.syncing.take() {
        reply(out, waiting, sync_error(error));
    }
}

fn sync_error(error: ErrorCode) -> Message {
    Message::SyncGroupResponse {
        error: Some(error),
        assignment: Arc::from([]),
    }
}

fn client_of(group: &Group, id: &Arc<str>) -> Arc<str> {
    group
        .members
        .get(id)
        .map_or_else(|| Arc::clone(id), |member| Arc::clone(&member.client))
}

fn apply_commit(group: &mut Group, offsets: &[(PartitionId, Offset, LeaderEpoch)], at: Time) {
    for &(partition, offset, leader_epoch) in offsets {
        group.offsets.insert(
            partition,
            Committed {
                offset,
                leader_epoch,
                at,
            },
        );
    }
}

fn answer_commit(
    out: &mut Out,
    to: Peer,
    offsets: &[(PartitionId, Offset, LeaderEpoch)],
    error: Option<ErrorCode>,
) {
    let partitions = offsets
        .iter()
        .map(|&(partition, ..)| (partition, error))
        .collect();
    reply(out, to, Message::OffsetCommitResponse { partitions });
}

/// What a client is told when the coordinator's own write fails
/// (`CoordinatorOperationExceptionHelper`).
fn coordinator_error(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch => ErrorCode::NotCoordinator,
        ErrorCode::NotEnoughReplicas
        | ErrorCode::NotEnoughReplicasAfterAppend
        | ErrorCode::RequestTimedOut
        | ErrorCode::UnknownTopicOrPartition => ErrorCode::CoordinatorNotAvailable,
        other => other,
    }
}

pub(in crate::sim) fn join_error(error: ErrorCode, member_id: Arc<str>) -> Message {
    Message::JoinGroupResponse(Box::new(JoinGroupResponse {
        error: Some(error),
        generation: -1,
        protocol: Arc::default(),
        leader: Arc::default(),
        member_id,
        members: Vec::new(),
        skip_assignment: false,
    }))
}

/// The answer to a join in the current generation; the leader gets everybody's
/// subscription.
fn join_answer(group: &Group, member_id: &Arc<str>, skip_assignment: bool) -> Message {
    let is_leader = group.leader.as_ref() == Some(member_id);
    let protocol = group.protocol.clone().unwrap_or_default();
    let members = if is_leader {
        group
            .members
            .iter()
            .filter_map(|(id, member)| {
                let subscription = Arc::clone(member.subscription(&protocol)?);
                Some((Arc::clone(id), member.instance_id.clone(), subscription))
            })
            .collect()
    } else {
        Vec::new()
    };
    Message::JoinGroupResponse(Box::new(JoinGroupResponse {
        error: None,
        generation: group.generation,
        protocol,
        leader: group.leader.clone().unwrap_or_default(),
        member_id: Arc::clone(member_id),
        members,
        skip_assignment: skip_assignment && is_leader,
    }))
}
