//! Brokers as the controller sees them: registration, heartbeats, fencing, controlled shutdown.
//!
//! Source: `ClusterControlManager.registerBroker`, `BrokerHeartbeatManager`; KIP-631, KIP-841, KIP-966, KAFKA-16952.

use super::Controller;
use crate::sim::context::Context;
use crate::sim::event::{ElectionReason, ShrinkReason, What};
use crate::sim::message::{BrokerRecord, Message, MetadataRecord};
use crate::sim::node::NodeId;
use crate::sim::settings::Setting;
use crate::sim::time::Time;
use crate::sim::types::{BrokerEpoch, BrokerId, ErrorCode};

/// A registered broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerState {
    /// Its registration.
    pub epoch: BrokerEpoch,
    /// The process that registered.
    incarnation: u32,
    /// Held for dead.
    pub fenced: bool,
    /// It has asked to shut down.
    pub in_controlled_shutdown: bool,
    /// Its last heartbeat.
    pub last_contact: Time,
    /// How far it has replayed the metadata log.
    pub metadata_offset: u64,
    /// The metadata offset of its registration; it is unfenced when it has replayed that far.
    registered_at: u64,
    /// The metadata offset at which its leaderships had been moved away.
    shutdown_offset: u64,
    /// It starts for the first time, and topics that a cluster begins with count on it already. Kafka makes no topic on
    /// brokers that have not started.
    counted_on: bool,
}

/// A process that registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process {
    pub(super) broker: BrokerId,
    /// Tells it from the broker's earlier and later processes.
    pub(super) incarnation: u32,
    /// The broker epoch of the life that closed its logs in a controlled way, else -1.
    pub(super) previous_epoch: BrokerEpoch,
}

/// A heartbeat.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heartbeat {
    pub(super) broker: BrokerId,
    pub(super) epoch: BrokerEpoch,
    pub(super) metadata_offset: u64,
    pub(super) want_shut_down: bool,
}

impl Controller {
    /// Whether a broker may lead: unfenced and not shutting down.
    pub fn is_acceptable(&self, broker: BrokerId) -> bool {
        self.brokers
            .get(&broker)
            .is_some_and(|state| !state.fenced && !state.in_controlled_shutdown)
    }

    fn write_broker(&mut self, broker: BrokerId) {
        if let Some(state) = self.brokers.get(&broker) {
            let record = BrokerRecord {
                broker,
                epoch: state.epoch,
                fenced: state.fenced,
                in_controlled_shutdown: state.in_controlled_shutdown,
            };
            self.write(MetadataRecord::Broker(record));
        }
    }

    pub(super) fn on_registration(
        &mut self,
        from: NodeId,
        correlation: u32,
        process: Process,
        ctx: &mut Context,
    ) {
        let now = ctx.now();
        let Process {
            broker,
            incarnation,
            previous_epoch,
        } = process;
        let session = Time::from_setting_ms(self.setting(Setting::BrokerSessionTimeout));
        let known = self.brokers.get(&broker).copied();
        if let Some(known) = known
            && known.incarnation == incarnation
        {
            self.amend_registration(from, correlation, broker, ctx);
            return;
        }
        if let Some(known) = known
            && (known.incarnation > incarnation
                || !known.fenced
                    && !known.in_controlled_shutdown
                    && now - known.last_contact < session)
        {
            // The earlier life of this broker still has a session, or this is the earlier one and comes late.
            let error = Some(ErrorCode::DuplicateBrokerRegistration);
            ctx.send(
                from,
                correlation,
                Message::BrokerRegistrationResponse { error, epoch: -1 },
            );
            return;
        }
        let epoch = self.next_broker_epoch;
        self.next_broker_epoch += 1;
        // The epoch says whether that shutdown was the last that this broker came to.
        let clean = known.is_none_or(|known| known.epoch == previous_epoch);
        let state = BrokerState {
            epoch,
            incarnation,
            fenced: true,
            in_controlled_shutdown: false,
            last_contact: now,
            metadata_offset: 0,
            registered_at: self.metadata_end() + 1,
            shutdown_offset: 0,
            counted_on: known.is_none(),
        };
        ctx.emit_and_follow(What::BrokerRegistered {
            broker,
            epoch,
            clean,
        });
        let was_unfenced = known.is_some_and(|known| !known.fenced);
        self.brokers.insert(broker, state);
        self.write_broker(broker);
        if known.is_some() && was_unfenced {
            self.remove_from_isrs(
                broker,
                &ShrinkReason::Fenced(broker),
                &ElectionReason::Fenced(broker),
                false,
                ctx,
            );
        }
        if known.is_some() && !clean && self.elr_enabled() {
            let (shrink, election) = (
                ShrinkReason::UncleanShutdown(broker),
                ElectionReason::UncleanShutdown(broker),
            );
            self.remove_from_isrs(broker, &shrink, &election, true, ctx);
        }
        let answer = Message::BrokerRegistrationResponse { error: None, epoch };
        ctx.send_at(self.committed(ctx), from, correlation, answer);
    }

    /// A process that did not hear the answer asks again: it keeps its broker epoch and stays as fenced as it is.
    fn amend_registration(
        &mut self,
        from: NodeId,
        correlation: u32,
        broker: BrokerId,
        ctx: &mut Context,
    ) {
        let registered_at = self.metadata_end() + 1;
        let Some(state) = self.brokers.get_mut(&broker) else {
            return;
        };
        state.last_contact = ctx.now();
        state.registered_at = registered_at;
        let epoch = state.epoch;
        self.write_broker(broker);
        let answer = Message::BrokerRegistrationResponse { error: None, epoch };
        ctx.send_at(self.committed(ctx), from, correlation, answer);
    }

    pub(super) fn on_heartbeat(
        &mut self,
        from: NodeId,
        correlation: u32,
        beat: Heartbeat,
        ctx: &mut Context,
    ) {
        let now = ctx.now();
        let answer = |error, fenced, should_shut_down| Message::BrokerHeartbeatResponse {
            error,
            fenced,
            should_shut_down,
        };
        let Some(state) = self
            .brokers
            .get_mut(&beat.broker)
            .filter(|state| state.epoch == beat.epoch)
        else {
            ctx.send(
                from,
                correlation,
                answer(Some(ErrorCode::StaleBrokerEpoch), true, false),
            );
            return;
        };
        state.last_contact = now;
        state.metadata_offset = state.metadata_offset.max(beat.metadata_offset);
        if state.fenced && !beat.want_shut_down && beat.metadata_offset >= state.registered_at {
            self.unfence(beat.broker, ctx);
        } else if beat.want_shut_down
            && !state.fenced
            && !state.in_controlled_shutdown
            && self.leads_any(beat.broker)
        {
            // Who leads nothing may stop at once.
            self.begin_shutdown(beat.broker, ctx);
        }
        let grant = beat.want_shut_down && self.may_stop(beat.broker);
        if grant {
            ctx.emit_and_follow(What::ControlledShutdownGranted {
                broker: beat.broker,
            });
            self.fence(
                beat.broker,
                &ShrinkReason::ShuttingDown(beat.broker),
                &ElectionReason::ShuttingDown(beat.broker),
                ctx,
            );
        }
        let fenced = self
            .brokers
            .get(&beat.broker)
            .is_none_or(|state| state.fenced);
        ctx.send_at(
            self.committed(ctx),
            from,
            correlation,
            answer(None, fenced, grant),
        );
    }

    fn unfence(&mut self, broker: BrokerId, ctx: &mut Context) {
        let Some(state) = self.brokers.get_mut(&broker) else {
            return;
        };
        state.fenced = false;
        state.counted_on = false;
        let epoch = state.epoch;
        ctx.emit_and_follow(What::BrokerUnfenced { broker, epoch });
        self.write_broker(broker);
        self.elect_for_returned(broker, ctx);
    }

    /// It leaves every ISR and leads nothing any more, also what only it has in sync: that has no leader then, or an
    /// unclean one where such are allowed (`handleBrokerInControlledShutdown`).
    fn begin_shutdown(&mut self, broker: BrokerId, ctx: &mut Context) {
        let Some(state) = self.brokers.get_mut(&broker) else {
            return;
        };
        state.in_controlled_shutdown = true;
        ctx.emit_and_follow(What::ControlledShutdownStarted { broker });
        self.write_broker(broker);
        let (shrink, election) = (
            ShrinkReason::ShuttingDown(broker),
            ElectionReason::ShuttingDown(broker),
        );
        self.remove_from_isrs(broker, &shrink, &election, false, ctx);
        let end = self.metadata_end();
        if let Some(state) = self.brokers.get_mut(&broker) {
            state.shutdown_offset = end;
        }
    }

    /// A broker may stop when it leads nothing, and the active brokers know of that.
    fn may_stop(&self, broker: BrokerId) -> bool {
        let Some(state) = self.brokers.get(&broker) else {
            return true;
        };
        if state.fenced {
            return true;
        }
        let known = |(id, other): (&BrokerId, &BrokerState)| {
            let active = !other.fenced && !other.in_controlled_shutdown;
            *id == broker || !active || other.metadata_offset >= state.shutdown_offset
        };
        self.brokers.iter().all(known)
    }

    fn fence(
        &mut self,
        broker: BrokerId,
        shrink: &ShrinkReason,
        election: &ElectionReason,
        ctx: &mut Context,
    ) {
        let Some(state) = self.brokers.get_mut(&broker) else {
            return;
        };
        state.fenced = true;
        state.counted_on = false;
        self.write_broker(broker);
        self.remove_from_isrs(broker, shrink, election, false, ctx);
    }

    /// Fences the brokers whose session ran out.
    pub(super) fn fence_silent(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        let session_timeout_ms = self.setting(Setting::BrokerSessionTimeout);
        let session = Time::from_setting_ms(session_timeout_ms);
        let silent: Vec<(BrokerId, Time)> = self
            .brokers
            .iter()
            .filter(|(_, state)| !state.fenced || state.counted_on)
            .filter(|(_, state)| now - state.last_contact >= session)
            .map(|(id, state)| (*id, now - state.last_contact))
            .collect();
        for (broker, silent) in silent {
            let before = ctx.cause;
            ctx.cause = ctx.fault_of(NodeId::Broker(broker)).or(before);
            ctx.emit_and_follow(What::BrokerFenced {
                broker,
                silent,
                session_timeout_ms,
            });
            self.fence(
                broker,
                &ShrinkReason::Fenced(broker),
                &ElectionReason::Fenced(broker),
                ctx,
            );
            ctx.cause = before;
        }
    }
}
