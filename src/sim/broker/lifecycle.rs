//! A broker's life and its talk with the controller: registration, heartbeats, shutdown, ISR proposals.
//!
//! Source: `BrokerLifecycleManager`, `BrokerServer.shutdown`, `AlterPartitionManager`; KIP-631, KIP-497.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::partition_state::{
    AlterPartition, AnswerOutcome, CommittedIsr, IsrChange, LeaderMoment,
};
use super::{Broker, BrokerTimer, Role, Stage};
use crate::sim::context::Context;
use crate::sim::event::{ShrinkReason, What};
use crate::sim::message::{self, AlterReason, Message, PartitionRecord};
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::settings::Setting;
use crate::sim::time::Time;
use crate::sim::types::{BrokerEpoch, ErrorCode, Offset};

/// How long a broker waits before it asks the controller again.
const RETRY: Time = Time::millis(500);

/// How long a broker waits for leave to shut down (`KafkaBroker.shutdown`: five minutes).
const WAIT_FOR_LEAVE: Time = Time::secs(300);

/// Proposals to the controller that are not answered.
#[derive(Debug, Clone, Default)]
pub(super) struct AlterQueue {
    unanswered: BTreeMap<PartitionId, message::AlterPartition>,
    timer_set: bool,
}

/// What a heartbeat's answer says of a broker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) fenced: bool,
    pub(super) should_shut_down: bool,
}

/// How a broker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// In a controlled way.
    pub clean: bool,
    /// The page cache goes: what is not flushed is lost.
    pub loses_cache: bool,
}

impl Broker {
    /// The process starts.
    pub fn start(&mut self, ctx: &mut Context) {
        self.stage = Stage::Registering;
        self.earlier = self.correlation;
        let now = ctx.now();
        let lag = self.settings.time(Setting::ReplicaLagTimeMax);
        Self::timer(ctx, now + Time(lag.0 / 2), BrokerTimer::ShrinkIsr);
        Self::timer(
            ctx,
            now + self.settings.time(Setting::HighWatermarkCheckpoint),
            BrokerTimer::Checkpoint,
        );
        Self::timer(ctx, now + self.disk.spec.flush, BrokerTimer::Flush);
        Self::timer(
            ctx,
            now + super::PRODUCER_EXPIRATION_CHECK,
            BrokerTimer::ExpireProducers,
        );
        self.fetch_metadata(ctx);
        self.heartbeat(ctx);
    }

    /// The process ends. Returns what the end cost: partition, new log end, records.
    pub fn end(&mut self, how: Ending, now: Time) -> Vec<(PartitionId, Offset, u64)> {
        // A process that ends before it is registered has not opened its logs: they stay as they were closed
        // (`LogManager.startup` follows the catch-up with the metadata).
        if self.stage != Stage::Registering {
            self.clean_shutdown = how.clean;
        }
        self.stage = Stage::Down;
        self.fetchers.clear();
        self.sessions = super::Sessions::default();
        self.purgatory = super::Purgatory::default();
        self.alter = AlterQueue::default();
        self.coordinators.clear();
        self.coordinator_appends.clear();
        self.disk.busy_until = Time::ZERO;
        let expiration = self.settings.time(Setting::ProducerIdExpiration);
        let mut lost = Vec::new();
        for (id, replica) in self.replicas.iter_mut() {
            if how.clean {
                replica.checkpoint = replica.high_watermark();
                replica.flushed = replica.log.end();
            }
            replica.role = Role::Follower(None);
            replica.follower_high_watermark = replica.checkpoint;
            if how.loses_cache {
                let end = replica.flushed;
                let records = replica.truncate(end, now, expiration);
                if records > 0 {
                    lost.push((id, end, records));
                }
            }
        }
        self.metadata_timer = None;
        self.metadata_correlation = 0;
        self.image = super::Image::default();
        self.published = false;
        lost
    }

    fn controller_node(&self) -> NodeId {
        NodeId::Controller(self.controller)
    }

    /// Tries the next voter, unless another one than `failed` was found meanwhile.
    fn rotate_controller(&mut self, failed: NodeId) {
        if failed == self.controller_node() {
            self.controller = self.controller % self.controllers + 1;
        }
    }

    /// Registers, or tells the controller that it lives.
    pub(super) fn heartbeat(&mut self, ctx: &mut Context) {
        if let Some(silent) = self.heartbeat_unanswered {
            self.rotate_controller(NodeId::Controller(silent));
        }
        self.heartbeat_unanswered = Some(self.controller);
        let to = self.controller_node();
        let correlation = self.next_correlation();
        let next = if self.stage == Stage::Registering {
            let request = Message::BrokerRegistrationRequest {
                broker: self.id,
                incarnation: ctx.incarnation(),
                previous_epoch: if self.clean_shutdown { self.epoch } else { -1 },
            };
            ctx.send(to, correlation, request);
            RETRY
        } else {
            self.send_heartbeat(ctx);
            self.settings.time(Setting::BrokerHeartbeatInterval)
        };
        Self::timer(ctx, ctx.now() + next, BrokerTimer::Heartbeat);
    }

    pub(super) fn send_heartbeat(&mut self, ctx: &mut Context) {
        let correlation = self.next_correlation();
        let want_shut_down = self.stage == Stage::ShuttingDown;
        let (broker, epoch, metadata_offset) = (self.id, self.epoch, self.image.offset);
        let request = Message::BrokerHeartbeatRequest {
            broker,
            epoch,
            metadata_offset,
            want_shut_down,
        };
        ctx.send(self.controller_node(), correlation, request);
    }

    /// Asks the controller for leave to shut down. With every heartbeat it asks again.
    pub fn begin_shutdown(&mut self, ctx: &mut Context) {
        self.stage = Stage::ShuttingDown;
        Self::timer(ctx, ctx.now() + WAIT_FOR_LEAVE, BrokerTimer::GiveUpLeave);
        self.send_heartbeat(ctx);
    }

    /// It has waited long enough and closes its logs all the same (`BrokerServer.shutdown`).
    pub(super) fn give_up_leave(&mut self, ctx: &mut Context) {
        ctx.emit_and_follow(What::ControlledShutdownTimedOut {
            broker: self.id,
            after: WAIT_FOR_LEAVE,
        });
        ctx.world.ready_to_stop.push(self.id);
    }

    pub(super) fn on_registered(
        &mut self,
        from: NodeId,
        error: Option<ErrorCode>,
        epoch: BrokerEpoch,
        ctx: &mut Context,
    ) {
        self.heartbeat_unanswered = None;
        match error {
            None if self.stage == Stage::Registering => {
                self.note_controller(from);
                self.stage = Stage::Starting;
                self.epoch = epoch;
                self.clean_shutdown = false;
                self.publish(ctx);
                self.fetch_metadata(ctx);
                self.send_heartbeat(ctx);
            }
            Some(ErrorCode::NotController) => self.rotate_controller(from),
            _ => {}
        }
    }

    fn note_controller(&mut self, from: NodeId) {
        if let NodeId::Controller(controller) = from {
            self.controller = controller;
        }
    }

    pub(super) fn on_heartbeat_answer(
        &mut self,
        from: NodeId,
        error: Option<ErrorCode>,
        standing: Standing,
        ctx: &mut Context,
    ) {
        self.heartbeat_unanswered = None;
        match error {
            None => self.note_controller(from),
            Some(ErrorCode::NotController) => {
                self.rotate_controller(from);
                return;
            }
            // It only asks again after broker.heartbeat.interval.ms.
            Some(_) => return,
        }
        match self.stage {
            Stage::Starting if !standing.fenced => self.stage = Stage::Running,
            Stage::ShuttingDown if standing.should_shut_down => {
                ctx.world.ready_to_stop.push(self.id);
            }
            _ => {}
        }
    }

    /// Looks for ISR members that are not caught up and proposes an ISR without them.
    pub(super) fn shrink_isrs(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        let mut proposals = Vec::new();
        for place in 0..self.replicas.len() {
            let id = self.replicas.keys()[place];
            if self
                .replicas
                .at(place)
                .and_then(super::Replica::leading)
                .is_none()
            {
                continue;
            }
            self.settle_idle_followers(place, now);
            let Some(replica) = self.replicas.at_mut(place) else {
                continue;
            };
            let (log_end, config) = (replica.log.end(), replica.isr_config);
            let Some(leading) = replica.leading_mut() else {
                continue;
            };
            let Some(proposal) = leading.state.shrink_check(log_end, now.0, &config) else {
                continue;
            };
            if let IsrChange::Shrink { removed } = &proposal.change {
                let ago = |broker: &u32| {
                    let since = leading
                        .state
                        .follower(*broker)
                        .and_then(|state| state.last_caught_up);
                    (*broker, now.since(Time(since.unwrap_or(0))))
                };
                let members = removed.iter().map(ago).collect();
                let lag_max_ms = (config.replica_lag_time_max / 1000) as i64;
                let reason = AlterReason::Shrink(ShrinkReason::Lagging {
                    members,
                    lag_max_ms,
                });
                proposals.push((id, proposal, reason));
            }
        }
        for (id, proposal, reason) in proposals {
            self.propose(id, &proposal, reason, ctx);
        }
    }

    /// Sends a proposal to the controller.
    #[cold]
    pub(super) fn propose(
        &mut self,
        partition: PartitionId,
        proposal: &AlterPartition,
        reason: AlterReason,
        ctx: &mut Context,
    ) {
        let mut new_isr = proposal.new_isr.clone();
        if let Some(own) = new_isr.iter_mut().find(|(id, _)| *id == self.id) {
            own.1 = self.epoch;
        }
        let request = message::AlterPartition {
            partition,
            broker: self.id,
            broker_epoch: self.epoch,
            leader_epoch: proposal.leader_epoch,
            partition_epoch: proposal.partition_epoch,
            new_isr,
            proposal: proposal.id,
            reason,
        };
        self.alter.unanswered.insert(partition, request.clone());
        let correlation = self.next_correlation();
        ctx.send(
            self.controller_node(),
            correlation,
            Message::AlterPartitionRequest(Box::new(request)),
        );
        if !self.alter.timer_set {
            self.alter.timer_set = true;
            Self::timer(ctx, ctx.now() + RETRY, BrokerTimer::AlterPartition);
        }
    }

    pub(super) fn resend_alters(&mut self, ctx: &mut Context) {
        self.alter.timer_set = false;
        let requests: Vec<_> = self.alter.unanswered.values().cloned().collect();
        if requests.is_empty() {
            return;
        }
        for mut request in requests {
            request.broker_epoch = self.epoch;
            if let Some(own) = request.new_isr.iter_mut().find(|(id, _)| *id == self.id) {
                own.1 = self.epoch;
            }
            let correlation = self.next_correlation();
            ctx.send(
                self.controller_node(),
                correlation,
                Message::AlterPartitionRequest(Box::new(request)),
            );
        }
        self.alter.timer_set = true;
        Self::timer(ctx, ctx.now() + RETRY, BrokerTimer::AlterPartition);
    }

    pub(super) fn on_alter_answer(
        &mut self,
        from: NodeId,
        partition: PartitionId,
        proposal: u64,
        result: Result<Arc<PartitionRecord>, ErrorCode>,
        ctx: &mut Context,
    ) {
        if matches!(result, Err(ErrorCode::NotController)) {
            self.rotate_controller(from);
            return; // the timer sends it again
        }
        if self
            .alter
            .unanswered
            .get(&partition)
            .is_none_or(|known| known.proposal != proposal)
        {
            return;
        }
        let now = ctx.now();
        let Broker {
            replicas, image, ..
        } = self;
        let Some(replica) = replicas.get_mut(partition) else {
            return;
        };
        let (at, config) = (
            LeaderMoment {
                log_end: replica.log.end(),
                now: now.0,
            },
            replica.isr_config,
        );
        let Role::Leader(leading) = &mut replica.role else {
            self.alter.unanswered.remove(&partition);
            return;
        };
        let answer = result.map(|record| CommittedIsr {
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
            isr: record.isr.clone(),
        });
        let refused = answer.as_ref().err().copied();
        let outcome = leading
            .state
            .alter_answered(proposal, answer, at, image, &config);
        let request = match outcome {
            AnswerOutcome::Retry(_) => None,
            AnswerOutcome::Ignored => {
                self.alter.unanswered.remove(&partition);
                None
            }
            _ => self.alter.unanswered.remove(&partition),
        };
        if let (Some(error), Some(request)) = (refused, request) {
            let isr = request.new_isr.iter().map(|(id, _)| *id).collect();
            let tp = ctx.world.names.tp(partition);
            ctx.emit(What::AlterPartitionRefused {
                tp,
                leader: self.id,
                isr,
                error,
            });
        }
        if let AnswerOutcome::Committed(moved) = outcome
            && let Some(place) = self.replicas.place(partition)
        {
            self.after_isr_change(place, ctx);
            if moved.is_some() {
                self.high_watermark_moved(place, ctx);
            }
        }
    }

    /// Nobody waits for an answer about this partition any more.
    pub(super) fn forget_proposal(&mut self, partition: PartitionId) {
        self.alter.unanswered.remove(&partition);
    }
}
