//! The group coordinators that a broker hosts: one for each partition of `__consumer_offsets` that it leads.
//!
//! The coordinator itself is a pure state machine ([`crate::sim::group::coordinator`]); this carries out what it asks
//! for. What it writes is an `acks=all` write to the partition's log, and a broker that takes over reads it all again.
//!
//! Source: `GroupCoordinatorService`, `CoordinatorRuntime`, `KafkaApis`.

use std::sync::Arc;

use super::{Broker, BrokerTimer, Role};
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::group::coordinator::{Coordinator, CoordinatorConfig, Effect, GroupTimer};
use crate::sim::group::state::Peer;
use crate::sim::group::{GroupEvent, GroupRecord};
use crate::sim::message::{JoinGroupResponse, Message, Records};
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::partitioner::coordinator_partition;
use crate::sim::settings::Setting;
use crate::sim::types::ErrorCode;

/// The topic that holds what coordinators write.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";
/// Bytes of a record that a coordinator writes; near enough for the disk's account.
const RECORD_BYTES: u32 = 200;

impl Broker {
    /// The coordinator of a group, if this broker hosts it.
    pub fn coordinator_of(
        &self,
        group: &str,
        ctx_names: &crate::sim::node::Names,
    ) -> Option<&Coordinator> {
        let partition = group_partition(group, ctx_names)?;
        self.coordinators.get(partition)
    }

    fn coordinator_config(&self) -> CoordinatorConfig {
        CoordinatorConfig {
            initial_rebalance_delay: self.settings.time(Setting::GroupInitialRebalanceDelay),
            min_session_timeout: self.settings.time(Setting::GroupMinSessionTimeout),
            max_session_timeout: self.settings.time(Setting::GroupMaxSessionTimeout),
        }
    }

    /// This broker starts to lead a partition: if it is one of `__consumer_offsets`, it coordinates its groups.
    pub(super) fn load_coordinator(&mut self, partition: PartitionId, ctx: &mut Context) {
        if &*ctx.world.names.tp(partition).topic != OFFSETS_TOPIC {
            return;
        }
        let Some(replica) = self.replicas.get(partition) else {
            return;
        };
        let records = replica
            .log
            .batches_from(0)
            .filter_map(|batch| match &batch.records {
                Records::Group(record) => Some(&**record),
                _ => None,
            });
        let mut out = Vec::new();
        let coordinator = Coordinator::load(
            self.coordinator_config(),
            records,
            self.id,
            ctx.now(),
            &mut out,
        );
        self.coordinators.insert(partition, coordinator);
        self.carry_out(partition, out, ctx);
    }

    /// This broker no longer leads a partition.
    pub(super) fn unload_coordinator(&mut self, partition: PartitionId, ctx: &mut Context) {
        if let Some(mut coordinator) = self.coordinators.remove(partition) {
            let mut out = Vec::new();
            coordinator.resign(&mut out);
            self.carry_out(partition, out, ctx);
        }
    }

    pub(super) fn on_find_coordinator(
        &mut self,
        from: NodeId,
        correlation: u32,
        group: Arc<str>,
        ctx: &mut Context,
    ) {
        let partition = group_partition(&group, &ctx.world.names);
        let known = partition
            .and_then(|partition| self.image.partition(partition))
            .cloned();
        if known.is_none() && self.image.brokers.values().any(|broker| !broker.fenced) {
            let topic = OFFSETS_TOPIC.into();
            let number = self.next_correlation();
            let controller = NodeId::Controller(self.controller);
            ctx.send(
                controller,
                number,
                Message::CreateInternalTopicRequest { topic },
            );
        }
        let leader = known.and_then(|record| record.leader);
        let error = leader
            .is_none()
            .then_some(ErrorCode::CoordinatorNotAvailable);
        let coordinator = leader.unwrap_or(0);
        ctx.send(
            from,
            correlation,
            Message::FindCoordinatorResponse {
                group,
                error,
                coordinator,
            },
        );
    }

    /// A request of a group's member.
    #[cold]
    pub(super) fn on_group_request(
        &mut self,
        from: NodeId,
        correlation: u32,
        request: &Message,
        ctx: &mut Context,
    ) {
        let Some(group) = group_of(request) else {
            return;
        };
        let partition = group_partition(group, &ctx.world.names);
        let coordinator = partition.and_then(|partition| self.coordinators.get_mut(partition));
        let (Some(partition), Some(coordinator)) = (partition, coordinator) else {
            if let Some(answer) = refusal(request, ErrorCode::NotCoordinator) {
                ctx.send(from, correlation, answer);
            }
            return;
        };
        let client: Arc<str> = match from {
            NodeId::Consumer(index) => ctx
                .world
                .names
                .consumers
                .get(index as usize)
                .cloned()
                .unwrap_or_default(),
            _ => Arc::default(),
        };
        let mut out = Vec::new();
        coordinator.handle(
            ctx.now(),
            &client,
            Peer {
                node: from,
                correlation,
            },
            request,
            &mut out,
        );
        self.carry_out(partition, out, ctx);
    }

    pub(super) fn on_group_timer(
        &mut self,
        partition: PartitionId,
        timer: GroupTimer,
        ctx: &mut Context,
    ) {
        let Some(coordinator) = self.coordinators.get_mut(partition) else {
            return;
        };
        let mut out = Vec::new();
        coordinator.wake(ctx.now(), timer, &mut out);
        self.carry_out(partition, out, ctx);
    }

    /// Sets offsets of a group that has no members, as an administrator asks.
    ///
    /// # Errors
    /// `NOT_COORDINATOR` when this broker does not host the group's coordinator.
    pub fn commit_for_admin(
        &mut self,
        partition: PartitionId,
        record: &Arc<GroupRecord>,
        ctx: &mut Context,
    ) -> Result<(), ErrorCode> {
        let coordinator = self
            .coordinators
            .get_mut(partition)
            .ok_or(ErrorCode::NotCoordinator)?;
        let mut out = Vec::new();
        coordinator.set_offsets(ctx.now(), record, &mut out);
        self.carry_out(partition, out, ctx);
        self.settle_coordinators(ctx);
        Ok(())
    }

    /// Tells coordinators what became of their writes.
    #[cold]
    pub(super) fn settle_coordinators(&mut self, ctx: &mut Context) {
        while let Some((partition, ticket, error)) = self.coordinator_appends.pop() {
            let Some(coordinator) = self.coordinators.get_mut(partition) else {
                continue;
            };
            let mut out = Vec::new();
            coordinator.written(ctx.now(), ticket, error.map_or(Ok(()), Err), &mut out);
            self.carry_out(partition, out, ctx);
        }
    }

    fn carry_out(&mut self, partition: PartitionId, effects: Vec<Effect>, ctx: &mut Context) {
        for effect in effects {
            match effect {
                Effect::Reply { to, message } => ctx.send(to.node, to.correlation, message),
                Effect::Write { ticket, record } => {
                    let written =
                        self.append_for_coordinator(partition, record, RECORD_BYTES, ticket, ctx);
                    if let Err(error) = written {
                        self.coordinator_appends
                            .push((partition, ticket, Some(error)));
                    }
                }
                Effect::Wake { at, timer } => {
                    Self::timer(ctx, at, BrokerTimer::Group { partition, timer });
                }
                Effect::Tell(event) => self.tell(partition, event, ctx),
                Effect::TellStable {
                    group,
                    generation,
                    assignment,
                } => {
                    let names = &ctx.world.names;
                    let show = |ids: Arc<[PartitionId]>| {
                        ids.iter().map(|id| names.tp(*id).to_string()).collect()
                    };
                    let assignment = assignment
                        .into_iter()
                        .map(|(member, ids)| (member, show(ids)))
                        .collect();
                    let event = GroupEvent::Stable {
                        group,
                        generation,
                        assignment,
                    };
                    self.tell(partition, event, ctx);
                }
            }
        }
    }

    /// Tells what a coordinator did. One that was replaced and has not heard of it decides for itself alone.
    fn tell(&self, partition: PartitionId, event: GroupEvent, ctx: &mut Context) {
        let tp = ctx.world.names.tp(partition);
        let event = if ctx.is_replaced(self.id, tp) {
            GroupEvent::OldCoordinator {
                broker: self.id,
                says: Box::new(event),
            }
        } else {
            event
        };
        ctx.emit_and_follow(What::Group(event));
    }

    /// Whether this broker leads the partition as far as it knows.
    pub fn leads(&self, partition: PartitionId) -> bool {
        self.replicas
            .get(partition)
            .is_some_and(|replica| matches!(replica.role, Role::Leader(_)))
    }
}

/// The partition of `__consumer_offsets` whose leader coordinates a group.
pub fn group_partition(group: &str, names: &crate::sim::node::Names) -> Option<PartitionId> {
    let partitions = names.partitions_of(names.topic(OFFSETS_TOPIC)?);
    partitions
        .get(coordinator_partition(group, partitions.len() as u32) as usize)
        .copied()
}

fn group_of(request: &Message) -> Option<&Arc<str>> {
    match request {
        Message::JoinGroupRequest(join) => Some(&join.group),
        Message::SyncGroupRequest { member, .. } | Message::OffsetCommitRequest { member, .. } => {
            Some(&member.group)
        }
        Message::HeartbeatRequest(member) | Message::LeaveGroupRequest(member) => {
            Some(&member.group)
        }
        Message::OffsetFetchRequest { group, .. } => Some(group),
        _ => None,
    }
}

/// The answer that a broker gives that does not coordinate the group.
fn refusal(request: &Message, code: ErrorCode) -> Option<Message> {
    let error = Some(code);
    Some(match request {
        Message::JoinGroupRequest(join) => {
            Message::JoinGroupResponse(Box::new(JoinGroupResponse {
                error,
                generation: -1,
                protocol: Arc::default(),
                leader: Arc::default(),
                member_id: Arc::clone(&join.member_id),
                members: Vec::new(),
                skip_assignment: false,
            }))
        }
        Message::SyncGroupRequest { .. } => Message::SyncGroupResponse {
            error,
            assignment: Arc::from([]),
        },
        Message::HeartbeatRequest(_) => Message::HeartbeatResponse { error },
        Message::LeaveGroupRequest(_) => Message::LeaveGroupResponse { error },
        Message::OffsetCommitRequest { offsets, .. } => Message::OffsetCommitResponse {
            partitions: offsets.iter().map(|(id, ..)| (*id, error)).collect(),
        },
        Message::OffsetFetchRequest { .. } => Message::OffsetFetchResponse {
            error,
            offsets: Vec::new(),
        },
        _ => return None,
    })
}
