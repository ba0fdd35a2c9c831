//! A rebalance: the join phase, the sync phase, and the timers that end them.
//!
//! Source: `GroupMetadataManager` (`prepareRebalance`,
//! `completeClassicGroupJoin`, `classicGroupSync`,
//! `expireClassicGroupMemberHeartbeat`); KIP-62, KIP-134.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Coordinator, Effect, GroupTimer, Out, Pending, TimerKind, answer_commit, client_of,
    coordinator_error, join_answer, join_error, refuse_waiting, reply, session_timer, sync_error,
    tell_gone,
};
use crate::sim::group::event::{Departure, GroupEvent, RebalanceReason};
use crate::sim::group::record::GroupRecord;
use crate::sim::group::state::{GroupState, Peer};
use crate::sim::message::{MemberIdentity, Message};
use crate::sim::node::PartitionId;
use crate::sim::time::Time;
use crate::sim::types::ErrorCode;

impl Coordinator {
    pub(super) fn rebalance_or_complete(
        &mut self,
        now: Time,
        number: u32,
        reason: RebalanceReason,
        out: &mut Out,
    ) {
        let group = &self.groups[number as usize];
        match group.state {
            GroupState::Empty | GroupState::Stable | GroupState::CompletingRebalance => {
                self.prepare(now, number, reason, out);
            }
            GroupState::PreparingRebalance if !group.first_rebalance && group.all_joined() => {
                self.complete_join(now, number, out);
            }
            GroupState::PreparingRebalance | GroupState::Dead => {}
        }
    }

    fn prepare(&mut self, now: Time, number: u32, reason: RebalanceReason, out: &mut Out) {
        self.next_timer += 1;
        let timer = self.next_timer;
        let delay = self.config.initial_rebalance_delay;
        let group = &mut self.groups[number as usize];
        for member in group.members.values_mut() {
            if let Some(waiting) = member.syncing.take() {
                reply(out, waiting, sync_error(ErrorCode::RebalanceInProgress));
            }
            member.assignment = Arc::from([]);
        }
        group.unsynced.clear();
        group.first_rebalance = group.state == GroupState::Empty;
        group.newcomer = false;
        group.state = GroupState::PreparingRebalance;
        group.phase_timer = timer;
        let timeout = group.rebalance_timeout();
        let wait = if group.first_rebalance {
            delay
        } else {
            timeout
        };
        out.push(Effect::Tell(GroupEvent::RebalanceStarted {
            group: Arc::clone(&group.name),
            generation: group.generation,
            reason,
            members: group.members.len() as u32,
            wait,
        }));
        if group.first_rebalance {
            let kind = TimerKind::InitialDelay {
                number: timer,
                remaining: timeout - delay,
            };
            out.push(Effect::Wake {
                at: now + delay,
                timer: GroupTimer {
                    group: number,
                    kind,
                },
            });
        } else if group.all_joined() {
            self.complete_join(now, number, out);
        } else {
            let kind = TimerKind::JoinPhase { number: timer };
            out.push(Effect::Wake {
                at: now + timeout,
                timer: GroupTimer {
                    group: number,
                    kind,
                },
            });
        }
    }

    /// The wait of the first members is over, unless others came meanwhile:
    /// then as long again, but never longer than the rebalance timeout in all.
    fn initial_delay_over(&mut self, now: Time, number: u32, remaining: Time, out: &mut Out) {
        let delay = self.config.initial_rebalance_delay;
        let group = &mut self.groups[number as usize];
        if group.newcomer && remaining > Time::ZERO {
            group.newcomer = false;
            self.next_timer += 1;
            group.phase_timer = self.next_timer;
            let next = delay.min(remaining);
            let kind = TimerKind::InitialDelay {
                number: self.next_timer,
                remaining: remaining - delay,
            };
            out.push(Effect::Wake {
                at: now + next,
                timer: GroupTimer {
                    group: number,
                    kind,
                },
            });
        } else {
            self.complete_join(now, number, out);
        }
    }

    pub(super) fn complete_join(&mut self, now: Time, number: u32, out: &mut Out) {
        let group = &mut self.groups[number as usize];
        let timeout = group.rebalance_timeout();
        let missing: Vec<Arc<str>> = group
            .members
            .iter()
            .filter(|(_, member)| member.joining.is_none() && member.instance_id.is_none())
            .map(|(id, _)| Arc::clone(id))
            .collect();
        for id in missing {
            let why = Departure::DidNotRejoin {
                rebalance_timeout_ms: timeout.as_millis(),
            };
            tell_gone(group, &id, why, out);
        }
        if !group.elect_leader() && !group.members.is_empty() {
            // Only static members that are away are left: wait for them, or
            // for the end of their sessions.
            self.next_timer += 1;
            group.phase_timer = self.next_timer;
            let kind = TimerKind::JoinPhase {
                number: self.next_timer,
            };
            out.push(Effect::Wake {
                at: now + timeout,
                timer: GroupTimer {
                    group: number,
                    kind,
                },
            });
            return;
        }
        group.generation += 1;
        group.first_rebalance = false;
        group.phase_timer = 0;
        if group.members.is_empty() {
            self.empty(number, out);
            return;
        }
        group.protocol = group.select_protocol();
        group.state = GroupState::CompletingRebalance;
        group.unsynced = group.members.keys().cloned().collect();
        out.push(Effect::Tell(GroupEvent::GenerationBegan {
            group: Arc::clone(&group.name),
            generation: group.generation,
            members: group.members.len() as u32,
            leader: group
                .leader
                .as_ref()
                .map_or_else(Arc::default, |id| client_of(group, id)),
            assignor: group.protocol.clone().unwrap_or_default(),
        }));
        let ids: Vec<Arc<str>> = group.members.keys().cloned().collect();
        for id in ids {
            let answer = join_answer(group, &id, false);
            if let Some(member) = group.members.get_mut(&id) {
                // Everybody's session begins anew, that of a static member that is away too.
                member.last_heard = now;
                if let Some(waiting) = member.joining.take() {
                    reply(out, waiting, answer);
                }
            }
        }
        let kind = TimerKind::SyncPhase {
            generation: group.generation,
        };
        out.push(Effect::Wake {
            at: now + timeout,
            timer: GroupTimer {
                group: number,
                kind,
            },
        });
    }

    fn empty(&mut self, number: u32, out: &mut Out) {
        let group = &mut self.groups[number as usize];
        group.state = GroupState::Empty;
        group.protocol = None;
        group.leader = None;
        out.push(Effect::Tell(GroupEvent::Emptied {
            group: Arc::clone(&group.name),
            generation: group.generation,
        }));
        let record = Arc::new(group.record());
        self.write(Pending::Note, record, out);
    }

    pub(super) fn sync(
        &mut self,
        now: Time,
        from: Peer,
        identity: &MemberIdentity,
        assignments: &[(Arc<str>, Arc<[PartitionId]>)],
        out: &mut Out,
    ) {
        let refuse = |out: &mut Out, error| reply(out, from, sync_error(error));
        let number = match self.check(identity) {
            Ok(number) => number,
            Err(error) => return refuse(out, error),
        };
        let group = &mut self.groups[number as usize];
        let id = &identity.member_id;
        group.unsynced.remove(id);
        match group.state {
            GroupState::Empty | GroupState::Dead => refuse(out, ErrorCode::UnknownMemberId),
            GroupState::PreparingRebalance => refuse(out, ErrorCode::RebalanceInProgress),
            GroupState::Stable => {
                let mut assignment: Arc<[PartitionId]> = Arc::from([]);
                if let Some(member) = group.members.get_mut(id) {
                    member.last_heard = now;
                    assignment = Arc::clone(&member.assignment);
                }
                reply(
                    out,
                    from,
                    Message::SyncGroupResponse {
                        error: None,
                        assignment,
                    },
                );
            }
            GroupState::CompletingRebalance => {
                if let Some(member) = group.members.get_mut(id) {
                    member.syncing = Some(from);
                    member.last_heard = now;
                }
                if group.leader.as_ref() == Some(id) {
                    self.take_assignment(number, assignments, out);
                }
            }
        }
    }

    /// The leader's assignment is written first and handed out when it is
    /// replicated.
    fn take_assignment(
        &mut self,
        number: u32,
        assignments: &[(Arc<str>, Arc<[PartitionId]>)],
        out: &mut Out,
    ) {
        let group = &self.groups[number as usize];
        let assignments: BTreeMap<Arc<str>, Arc<[PartitionId]>> = group
            .members
            .keys()
            .map(|id| {
                let given = assignments.iter().find(|(member, _)| member == id);
                let partitions = given.map_or_else(|| Arc::from([]), |(_, list)| Arc::clone(list));
                (Arc::clone(id), partitions)
            })
            .collect();
        let mut record = group.record();
        if let GroupRecord::Metadata { members, .. } = &mut record {
            for member in members {
                if let Some(partitions) = assignments.get(&member.member_id) {
                    member.assignment = Arc::clone(partitions);
                }
            }
        }
        let generation = group.generation;
        let pending = Pending::Assignment {
            group: number,
            generation,
            assignments,
        };
        self.write(pending, Arc::new(record), out);
    }

    /// A timer fired.
    pub fn wake(&mut self, now: Time, timer: GroupTimer, out: &mut Out) {
        let number = timer.group;
        let Some(group) = self.groups.get_mut(number as usize) else {
            return;
        };
        let preparing = group.state == GroupState::PreparingRebalance;
        match timer.kind {
            TimerKind::InitialDelay {
                number: stamp,
                remaining,
            } => {
                if preparing && group.phase_timer == stamp {
                    self.initial_delay_over(now, number, remaining, out);
                }
            }
            TimerKind::JoinPhase { number: stamp } => {
                if preparing && group.phase_timer == stamp {
                    self.complete_join(now, number, out);
                }
            }
            TimerKind::SyncPhase { generation } => {
                self.sync_phase_over(now, number, generation, out);
            }
            TimerKind::Session { serial } => self.session_over(now, number, serial, out),
            TimerKind::PendingIds => {
                group.pending_ids.retain(|_, patience| *patience > now);
                if preparing && !group.first_rebalance && group.all_joined() {
                    self.complete_join(now, number, out);
                }
            }
        }
    }

    fn sync_phase_over(&mut self, now: Time, number: u32, generation: i32, out: &mut Out) {
        let group = &mut self.groups[number as usize];
        let running = matches!(
            group.state,
            GroupState::CompletingRebalance | GroupState::Stable
        );
        if group.generation != generation || !running || group.unsynced.is_empty() {
            return;
        }
        let timeout = group.rebalance_timeout();
        for id in std::mem::take(&mut group.unsynced) {
            let why = Departure::DidNotSync {
                rebalance_timeout_ms: timeout.as_millis(),
            };
            tell_gone(group, &id, why, out);
        }
        self.prepare(now, number, RebalanceReason::NotSynced, out);
    }

    /// Whoever waits for an answer is alive; others must have been heard of.
    fn session_over(&mut self, now: Time, number: u32, serial: u32, out: &mut Out) {
        let group = &mut self.groups[number as usize];
        let Some((id, member)) = group
            .members
            .iter_mut()
            .find(|(_, member)| member.serial == serial)
        else {
            return;
        };
        if member.joining.is_some() || member.syncing.is_some() {
            member.last_heard = now;
        }
        if member.session_end() > now {
            out.push(session_timer(number, member));
            return;
        }
        let why = Departure::SessionTimeout {
            silent: now.since(member.last_heard),
            session_timeout_ms: member.session_timeout.as_millis(),
        };
        let id = Arc::clone(id);
        self.drop_member(now, number, &id, why, out);
    }

    /// The broker no longer leads the partition: whoever waits is told to look
    /// for the new coordinator.
    pub fn resign(&mut self, out: &mut Out) {
        let error = ErrorCode::NotCoordinator;
        for group in &mut self.groups {
            for (id, member) in &mut group.members {
                refuse_waiting(member, id, error, out);
            }
            group.state = GroupState::Dead;
        }
        for pending in std::mem::take(&mut self.pending).into_values() {
            match pending {
                Pending::Commit { peer, offsets, .. } => {
                    answer_commit(out, peer, &offsets, Some(error));
                }
                Pending::StaticReturn(waiting) => {
                    reply(out, waiting.peer, join_error(error, waiting.new));
                }
                Pending::Assignment { .. } | Pending::Note => {}
            }
        }
    }

    pub(super) fn assigned(
        &mut self,
        now: Time,
        number: u32,
        generation: i32,
        assignments: BTreeMap<Arc<str>, Arc<[PartitionId]>>,
        result: Result<(), ErrorCode>,
        out: &mut Out,
    ) {
        let group = &mut self.groups[number as usize];
        if group.generation != generation || group.state != GroupState::CompletingRebalance {
            return;
        }
        if let Err(error) = result {
            for member in group.members.values_mut() {
                if let Some(waiting) = member.syncing.take() {
                    reply(out, waiting, sync_error(coordinator_error(error)));
                }
            }
            self.prepare(now, number, RebalanceReason::NotSynced, out);
            return;
        }
        group.state = GroupState::Stable;
        for (id, assignment) in assignments {
            if let Some(member) = group.members.get_mut(&id) {
                member.assignment = Arc::clone(&assignment);
                if let Some(waiting) = member.syncing.take() {
                    member.last_heard = now;
                    reply(
                        out,
                        waiting,
                        Message::SyncGroupResponse {
                            error: None,
                            assignment,
                        },
                    );
                }
            }
        }
        out.push(Effect::TellStable {
            group: Arc::clone(&group.name),
            generation,
            assignment: group
                .members
                .values()
                .map(|member| (Arc::clone(&member.client), Arc::clone(&member.assignment)))
                .collect(),
        });
    }
}
