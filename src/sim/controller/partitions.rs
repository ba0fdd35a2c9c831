//! Changes of partitions: every one is built by [`super::election`], written to the metadata log and told of here.
//!
//! Source: `ReplicationControlManager`; KIP-497, KIP-841, KIP-966.

use super::alter_partition::{BrokerRegistration, Proposal, validate};
use super::election::{
    Changed, ElectedFrom, Election, ElectionConfig, PartitionChange, PartitionRegistration,
    RecoveryState,
};
use super::{Controller, to_record};
use crate::sim::context::Context;
use crate::sim::event::{ElectionReason, ShrinkReason, What};
use crate::sim::message::{AlterPartition, AlterReason, Message, MetadataRecord};
use crate::sim::node::{NodeId, PartitionId, TopicId};
use crate::sim::settings::Setting;
use crate::sim::types::{BrokerId, ErrorCode};

/// Why a partition changes, for the events.
#[derive(Debug, Clone)]
pub(super) struct Reasons {
    pub(super) shrink: ShrinkReason,
    pub(super) election: ElectionReason,
    /// Who joins, the log end and the high watermark, when a leader asked for the change.
    pub(super) expand: Option<(BrokerId, u64, u64)>,
}

impl Reasons {
    pub(super) fn new(shrink: ShrinkReason, election: ElectionReason) -> Reasons {
        Reasons {
            shrink,
            election,
            expand: None,
        }
    }
}

/// A change under construction, with the test of who may lead.
type Change<'a> = PartitionChange<'a, &'a dyn Fn(BrokerId) -> bool>;

impl Controller {
    /// Whether eligible leader replicas are kept (KIP-966).
    pub fn elr_enabled(&self) -> bool {
        self.setting(Setting::EligibleLeaderReplicas) != 0
    }

    pub(super) fn topic_of(partition: PartitionId, ctx: &Context) -> TopicId {
        ctx.world
            .names
            .partitions
            .get(partition.0 as usize)
            .map_or(TopicId(0), |(topic, _)| *topic)
    }

    fn election_config(&self, topic: TopicId, replicas: usize) -> ElectionConfig {
        let min_isr = self.topic_setting(topic, Setting::MinInsyncReplicas) as u32;
        ElectionConfig {
            effective_min_isr: crate::sim::broker::partition_state::effective_min_isr(
                min_isr, replicas,
            ),
            elr_enabled: self.elr_enabled(),
            keep_last_known_leader: true,
        }
    }

    /// Builds a change of one partition, writes it and tells of it. Returns whether anything changed.
    pub(super) fn change(
        &mut self,
        partition: PartitionId,
        reasons: &Reasons,
        unacceptable: Option<BrokerId>,
        ctx: &mut Context,
        wish: impl for<'a> FnOnce(Change<'a>) -> Change<'a>,
    ) -> bool {
        let topic = Self::topic_of(partition, ctx);
        let Some(before) = self.partitions.get(partition.0 as usize) else {
            return false;
        };
        let config = self.election_config(topic, before.replicas.len());
        let acceptable =
            |broker: BrokerId| Some(broker) != unacceptable && self.is_acceptable(broker);
        let acceptable: &dyn Fn(BrokerId) -> bool = &acceptable;
        let Some(changed) = wish(PartitionChange::new(before, config, acceptable)).build() else {
            return false;
        };
        let before = before.clone();
        self.commit(
            partition,
            &before,
            changed,
            reasons,
            config.effective_min_isr as u32,
            ctx,
        );
        true
    }

    fn commit(
        &mut self,
        partition: PartitionId,
        before: &PartitionRegistration,
        changed: Changed,
        reasons: &Reasons,
        min_isr: u32,
        ctx: &mut Context,
    ) {
        let after = changed.registration;
        let tp = ctx.world.names.tp(partition);
        let sorted = |isr: &[BrokerId]| {
            let mut isr = isr.to_vec();
            isr.sort_unstable();
            isr
        };
        let (from, to) = (sorted(&before.isr), sorted(&after.isr));
        let joined: Vec<BrokerId> = to.iter().copied().filter(|id| !from.contains(id)).collect();
        if from != to && joined.is_empty() {
            let reason = reasons.shrink.clone();
            ctx.emit(What::IsrShrunk {
                tp: tp.clone(),
                from,
                to,
                reason,
                min_isr,
            });
        } else if let (false, Some((joiner, log_end, high_watermark))) =
            (joined.is_empty(), reasons.expand)
        {
            let joined = if joined.contains(&joiner) {
                vec![joiner]
            } else {
                joined
            };
            ctx.emit(What::IsrExpanded {
                tp: tp.clone(),
                from,
                to,
                joined,
                log_end,
                high_watermark,
            });
        }
        if before.elr != after.elr {
            ctx.emit(What::ElrChanged {
                tp: tp.clone(),
                from: sorted(&before.elr),
                to: sorted(&after.elr),
            });
        }
        match (before.leader, after.leader) {
            (from, Some(to)) if from != Some(to) => {
                let clean = !matches!(
                    changed.elected,
                    ElectedFrom::Unclean | ElectedFrom::LastKnownLeader
                );
                let from_elr = changed.elected == ElectedFrom::EligibleLeaderReplicas;
                let (epoch, isr) = (after.leader_epoch, sorted(&after.isr));
                let reason = match changed.elected {
                    ElectedFrom::LastKnownLeader => ElectionReason::LastKnownLeader,
                    _ if clean => reasons.election.clone(),
                    _ => ElectionReason::UncleanAllowed,
                };
                ctx.emit(What::LeaderElected {
                    tp: tp.clone(),
                    from,
                    to,
                    epoch,
                    isr,
                    clean,
                    from_elr,
                    reason,
                });
            }
            (Some(from), None) => {
                let (epoch, isr, elr) =
                    (after.leader_epoch, sorted(&after.isr), sorted(&after.elr));
                let reason = reasons.election.clone();
                ctx.emit(What::LeaderLost {
                    tp: tp.clone(),
                    from,
                    epoch,
                    isr,
                    elr,
                    reason,
                });
            }
            _ => {}
        }
        if changed.reassignment_completed {
            ctx.emit(What::ReassignmentCompleted {
                tp,
                replicas: after.replicas.clone(),
            });
        }
        self.write(MetadataRecord::Partition(to_record(partition, &after)));
        if let Some(slot) = self.partitions.get_mut(partition.0 as usize) {
            *slot = after;
        }
    }

    fn all(&self) -> impl Iterator<Item = (PartitionId, &PartitionRegistration)> {
        (0u32..).map(PartitionId).zip(&self.partitions)
    }

    fn unclean_allowed(&self, partition: PartitionId, ctx: &Context) -> bool {
        self.topic_setting(Self::topic_of(partition, ctx), Setting::UncleanElection) != 0
    }

    /// Takes a broker out of every ISR and gives its leaderships to others.
    pub(super) fn remove_from_isrs(
        &mut self,
        broker: BrokerId,
        shrink: &ShrinkReason,
        election: &ElectionReason,
        lost_state: bool,
        ctx: &mut Context,
    ) {
        let touched = |registration: &PartitionRegistration| {
            registration.leader == Some(broker)
                || registration.isr.contains(&broker)
                || (lost_state && registration.elr.contains(&broker))
        };
        let affected: Vec<_> = self
            .all()
            .filter(|(_, found)| touched(found))
            .map(|(id, _)| id)
            .collect();
        let reasons = Reasons::new(shrink.clone(), election.clone());
        for partition in affected {
            let how = if self.unclean_allowed(partition, ctx) {
                Election::Unclean
            } else {
                Election::Online
            };
            let Some(registration) = self.partitions.get(partition.0 as usize) else {
                continue;
            };
            let isr = without(&registration.isr, broker);
            self.change(partition, &reasons, Some(broker), ctx, |change| {
                let change = change.election(how).isr(isr);
                if lost_state {
                    change.unclean_shutdown(vec![broker])
                } else {
                    change
                }
            });
        }
    }

    /// Whether a broker leads anything.
    pub(super) fn leads_any(&self, broker: BrokerId) -> bool {
        let mut partitions = self.partitions.iter();
        partitions.any(|registration| registration.leader == Some(broker))
    }

    /// A broker is back: it may lead what has no leader.
    pub(super) fn elect_for_returned(&mut self, broker: BrokerId, ctx: &mut Context) {
        let waits = |registration: &PartitionRegistration| {
            registration.leader.is_none() && registration.replicas.contains(&broker)
        };
        let affected: Vec<_> = self
            .all()
            .filter(|(_, found)| waits(found))
            .map(|(id, _)| id)
            .collect();
        let reasons = Reasons::new(ShrinkReason::Election, ElectionReason::Unfenced(broker));
        for partition in affected {
            let how = if self.unclean_allowed(partition, ctx) {
                Election::Unclean
            } else {
                Election::Online
            };
            self.change(partition, &reasons, None, ctx, |change| {
                change.election(how)
            });
        }
    }

    /// Gives preferred leaders their places back, wherever they can take them.
    pub(super) fn balance(&mut self, ctx: &mut Context) {
        let moved: Vec<_> = self
            .all()
            .filter(|(_, found)| !found.has_preferred_leader())
            .map(|(id, _)| id)
            .collect();
        let reasons = Reasons::new(ShrinkReason::Election, ElectionReason::Preferred);
        for partition in moved {
            self.change(partition, &reasons, None, ctx, |change| {
                change.election(Election::Preferred)
            });
        }
    }

    /// Elects uncleanly where that is allowed and no leader is left.
    pub(super) fn elect_unclean(&mut self, ctx: &mut Context) {
        let waits = |(id, found): &(PartitionId, &PartitionRegistration)| {
            found.leader.is_none() && self.unclean_allowed(*id, ctx)
        };
        let affected: Vec<_> = self.all().filter(waits).map(|(id, _)| id).collect();
        let reasons = Reasons::new(ShrinkReason::Election, ElectionReason::UncleanAllowed);
        for partition in affected {
            self.change(partition, &reasons, None, ctx, |change| {
                change.election(Election::Unclean)
            });
        }
    }

    pub(super) fn on_alter_partition(
        &mut self,
        from: NodeId,
        correlation: u32,
        request: &AlterPartition,
        ctx: &mut Context,
    ) {
        let partition = request.partition;
        let result = self
            .alter_partition(request, ctx)
            .map(|()| to_record(partition, &self.partitions[partition.0 as usize]));
        let answer = Message::AlterPartitionResponse {
            partition,
            proposal: request.proposal,
            result,
        };
        ctx.send_at(self.committed(ctx), from, correlation, answer);
    }

    fn alter_partition(
        &mut self,
        request: &AlterPartition,
        ctx: &mut Context,
    ) -> Result<(), ErrorCode> {
        let partition = request.partition;
        let registration = self
            .partitions
            .get(partition.0 as usize)
            .ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let proposal = Proposal {
            sender: request.broker,
            sender_epoch: request.broker_epoch,
            leader_epoch: request.leader_epoch,
            partition_epoch: request.partition_epoch,
            new_isr: request.new_isr.clone(),
            recovery: RecoveryState::Recovered,
        };
        validate(&proposal, registration, |broker| {
            self.brokers.get(&broker).map(|state| BrokerRegistration {
                epoch: state.epoch,
                fenced: state.fenced,
                in_controlled_shutdown: state.in_controlled_shutdown,
            })
        })?;
        let isr: Vec<BrokerId> = request.new_isr.iter().map(|(id, _)| *id).collect();
        let mut reasons = Reasons::new(ShrinkReason::Election, ElectionReason::Reassigned);
        match &request.reason {
            AlterReason::Shrink(reason) => {
                if let ShrinkReason::Lagging { members, .. } = reason
                    && let Some((broker, _)) = members.first()
                {
                    ctx.cause = ctx.fault_of(NodeId::Broker(*broker)).or(ctx.cause);
                }
                reasons.shrink = reason.clone();
            }
            AlterReason::Expand {
                joiner,
                log_end,
                high_watermark,
            } => {
                reasons.expand = Some((*joiner, *log_end, *high_watermark));
            }
        }
        self.change(partition, &reasons, None, ctx, |change| {
            change.isr(isr).recovery(RecoveryState::Recovered)
        });
        Ok(())
    }
}

fn without(isr: &[BrokerId], broker: BrokerId) -> Vec<BrokerId> {
    isr.iter().copied().filter(|id| *id != broker).collect()
}
