//! Joining a group: newcomers, members that come again, static members that
//! return.
//!
//! Source: `GroupMetadataManager.classicGroupJoin*`; KIP-345, KIP-394, KIP-814.

use std::sync::Arc;

use super::{
    Coordinator, Effect, GroupTimer, Out, Pending, StaticReturn, TimerKind, join_answer,
    join_error, refuse_waiting, reply, session_timer,
};
use crate::sim::group::event::{GroupEvent, RebalanceReason};
use crate::sim::group::state::{GroupState, Member, Peer};
use crate::sim::message::JoinGroupRequest;
use crate::sim::time::Time;
use crate::sim::types::ErrorCode;

impl Coordinator {
    pub(super) fn join(
        &mut self,
        now: Time,
        client: &Arc<str>,
        from: Peer,
        join: &JoinGroupRequest,
        out: &mut Out,
    ) {
        if let Err(error) = self.try_join(now, client, from, join, out) {
            let member_id = Arc::clone(&join.member_id);
            reply(out, from, join_error(error, member_id));
        }
    }

    fn try_join(
        &mut self,
        now: Time,
        client: &Arc<str>,
        from: Peer,
        join: &JoinGroupRequest,
        out: &mut Out,
    ) -> Result<(), ErrorCode> {
        let bounds = self.config.min_session_timeout..=self.config.max_session_timeout;
        if !bounds.contains(&join.session_timeout) {
            return Err(ErrorCode::InvalidSessionTimeout);
        }
        let unknown = join.member_id.is_empty();
        if !unknown && !self.numbers.contains_key(&join.group) {
            return Err(ErrorCode::UnknownMemberId);
        }
        let number = self.number_of(&join.group);
        if !self.groups[number as usize].supports(&join.protocols) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        if unknown {
            self.join_newcomer(now, number, client, from, join, out);
            Ok(())
        } else {
            self.join_known(now, number, client, from, join, out)
        }
    }

    /// A client without a member id. A dynamic one gets its id first and comes
    /// again (KIP-394); a static one joins at once or takes its old place.
    fn join_newcomer(
        &mut self,
        now: Time,
        number: u32,
        client: &Arc<str>,
        from: Peer,
        join: &JoinGroupRequest,
        out: &mut Out,
    ) {
        self.next_id += 1;
        let stem = join.instance_id.as_ref().unwrap_or(client);
        let member_id: Arc<str> = format!("{stem}-{:x}-{:x}", now.0, self.next_id).into();
        let group = &mut self.groups[number as usize];
        if let Some(instance) = &join.instance_id {
            if let Some(old) = group.instances.get(instance).cloned() {
                self.replace_static(now, number, client, &old, &member_id, from, join, out);
            } else {
                self.add_member(now, number, client, member_id, from, join, out);
            }
            return;
        }
        let patience = now + join.session_timeout;
        group.pending_ids.insert(Arc::clone(&member_id), patience);
        out.push(Effect::Wake {
            at: patience,
            timer: GroupTimer {
                group: number,
                kind: TimerKind::PendingIds,
            },
        });
        reply(
            out,
            from,
            join_error(ErrorCode::MemberIdRequired, member_id),
        );
    }

    fn join_known(
        &mut self,
        now: Time,
        number: u32,
        client: &Arc<str>,
        from: Peer,
        join: &JoinGroupRequest,
        out: &mut Out,
    ) -> Result<(), ErrorCode> {
        let group = &mut self.groups[number as usize];
        let member_id = &join.member_id;
        if group.pending_ids.remove(member_id).is_some() {
            self.add_member(now, number, client, Arc::clone(member_id), from, join, out);
            return Ok(());
        }
        group.check_member(member_id, join.instance_id.as_ref())?;
        let matches = group
            .members
            .get(member_id)
            .is_some_and(|member| member.protocols == join.protocols);
        let is_leader = group.leader.as_ref() == Some(member_id);
        let reason = match group.state {
            GroupState::Empty | GroupState::Dead => return Err(ErrorCode::UnknownMemberId),
            GroupState::CompletingRebalance if matches => {
                // It lost the answer; it gets it again.
                let answer = join_answer(group, member_id, false);
                reply(out, from, answer);
                return Ok(());
            }
            GroupState::Stable if !is_leader && matches => {
                let answer = join_answer(group, member_id, false);
                reply(out, from, answer);
                return Ok(());
            }
            GroupState::Stable if is_leader => RebalanceReason::LeaderRejoined(Arc::clone(client)),
            _ => RebalanceReason::Rejoined(Arc::clone(client)),
        };
        if let Some(member) = group.members.get_mut(member_id) {
            member.protocols = Arc::clone(&join.protocols);
            member.session_timeout = join.session_timeout;
            member.rebalance_timeout = join.rebalance_timeout;
            member.joining = Some(from);
            member.last_heard = now;
        }
        self.rebalance_or_complete(now, number, reason, out);
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "what a new member consists of")]
    fn add_member(
        &mut self,
        now: Time,
        number: u32,
        client: &Arc<str>,
        member_id: Arc<str>,
        from: Peer,
        join: &JoinGroupRequest,
        out: &mut Out,
    ) {
        let group = &mut self.groups[number as usize];
        group.next_serial += 1;
        let member = Member {
            serial: group.next_serial,
            client: Arc::clone(client),
            instance_id: join.instance_id.clone(),
            session_timeout: join.session_timeout,
            rebalance_timeout: join.rebalance_timeout,
            protocols: Arc::clone(&join.protocols),
            assignment: Arc::from([]),
            joining: Some(from),
            syncing: None,
            last_heard: now,
        };
        out.push(session_timer(number, &member));
        if let Some(instance) = &join.instance_id {
            group
                .instances
                .insert(Arc::clone(instance), Arc::clone(&member_id));
        }
        if group.leader.is_none() {
            group.leader = Some(Arc::clone(&member_id));
        }
        if group.state == GroupState::PreparingRebalance && group.first_rebalance {
            group.newcomer = true;
        }
        group.joined.push(Arc::clone(&member_id));
        group.members.insert(member_id, member);
        let reason = if group.state == GroupState::Empty {
            RebalanceReason::FirstMember(Arc::clone(client))
        } else {
            RebalanceReason::Joined(Arc::clone(client))
        };
        self.rebalance_or_complete(now, number, reason, out);
    }

    /// The new id of a static member is written, or is not: then the old one has its place again
    /// (`GroupMetadataManager.updateStaticMemberThenRebalanceOrCompleteJoin`).
    pub(super) fn static_returned(
        &mut self,
        waiting: StaticReturn,
        error: Option<ErrorCode>,
        out: &mut Out,
    ) {
        let StaticReturn { old, new, .. } = waiting;
        let group = &mut self.groups[waiting.group as usize];
        let Some(error) = error else {
            out.push(Effect::Tell(GroupEvent::StaticReplaced {
                group: Arc::clone(&group.name),
                instance: waiting.instance,
                from: old,
                to: new,
                rebalance: false,
            }));
            reply(out, waiting.peer, waiting.answer);
            return;
        };
        if group.instances.get(&waiting.instance) == Some(&new)
            && group.members.remove(&new).is_some()
        {
            group.members.insert(Arc::clone(&old), waiting.before);
            group.instances.insert(waiting.instance, Arc::clone(&old));
            for id in &mut group.joined {
                if *id == new {
                    *id = Arc::clone(&old);
                }
            }
            if group.leader.as_ref() == Some(&new) {
                group.leader = Some(Arc::clone(&old));
            }
        }
        reply(out, waiting.peer, join_error(error, new));
    }

    /// A static member is back under a new id. In a stable group whose assignor
    /// stays the same nothing else happens: it gets its old assignment.
    #[allow(clippy::too_many_arguments, reason = "the old and the new member")]
    fn replace_static(
        &mut self,
        now: Time,
        number: u32,
        client: &Arc<str>,
        old: &Arc<str>,
        new: &Arc<str>,
        from: Peer,
        join: &JoinGroupRequest,
        out: &mut Out,
    ) {
        let group = &mut self.groups[number as usize];
        let Some(mut member) = group.members.remove(old) else {
            return;
        };
        refuse_waiting(&mut member, old, ErrorCode::FencedInstanceId, out);
        let before = member.clone();
        let instance = join.instance_id.clone().unwrap_or_default();
        member.client = Arc::clone(client);
        member.protocols = Arc::clone(&join.protocols);
        member.session_timeout = join.session_timeout;
        member.rebalance_timeout = join.rebalance_timeout;
        member.joining = Some(from);
        member.last_heard = now;
        group.members.insert(Arc::clone(new), member);
        group
            .instances
            .insert(Arc::clone(&instance), Arc::clone(new));
        for id in &mut group.joined {
            if id == old {
                *id = Arc::clone(new);
            }
        }
        if group.leader.as_ref() == Some(old) {
            group.leader = Some(Arc::clone(new));
        }
        if group.unsynced.remove(old) {
            group.unsynced.insert(Arc::clone(new));
        }
        let same = group.state == GroupState::Stable && group.select_protocol() == group.protocol;
        if same {
            if let Some(member) = group.members.get_mut(new) {
                member.joining = None;
            }
            // It is answered when its new id is written: else a new coordinator would hold it for an impostor.
            let waiting = StaticReturn {
                group: number,
                instance,
                old: Arc::clone(old),
                new: Arc::clone(new),
                before,
                peer: from,
                answer: join_answer(group, new, true),
            };
            let record = Arc::new(group.record());
            self.write(Pending::StaticReturn(Box::new(waiting)), record, out);
        } else {
            out.push(Effect::Tell(GroupEvent::StaticReplaced {
                group: Arc::clone(&group.name),
                instance,
                from: Arc::clone(old),
                to: Arc::clone(new),
                rebalance: true,
            }));
            let reason = RebalanceReason::StaticReturned(Arc::clone(client));
            self.rebalance_or_complete(now, number, reason, out);
        }
    }
}
