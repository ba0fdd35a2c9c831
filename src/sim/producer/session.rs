//! What a producer asks brokers besides taking its records: metadata, a producer id.
//!
//! Source: `Metadata`, `TransactionManager`; KIP-98, KIP-320, KIP-360, KIP-899.

use std::sync::Arc;

use super::Producer;
use super::accumulator::Queue;
use crate::sim::broker::producer_state::advance_sequence;
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::message::{Message, MetadataResponse};
use crate::sim::node::NodeId;
use crate::sim::time::Time;
use crate::sim::types::{ProducerEpoch, ProducerId};

impl Producer {
    /// Asks for metadata when it is wanted or old. Returns when to look again.
    pub(super) fn refresh_metadata(&mut self, ctx: &mut Context) -> Time {
        let now = ctx.now();
        if let Some((_, asked)) = self.metadata_asked {
            if now < asked + self.config.request_timeout {
                return asked + self.config.request_timeout;
            }
            self.metadata_asked = None;
        }
        let old = self.metadata_at + self.config.metadata_max_age;
        if !self.metadata_wanted && now < old {
            return old;
        }
        if now < self.metadata_not_before {
            return self.metadata_not_before;
        }
        let known = if self.metadata_tries > 2 {
            &self.bootstrap
        } else {
            &self.brokers
        };
        let Some(broker) = ctx.world.rng.pick(known).copied() else {
            return Time::MAX;
        };
        let correlation = self.next_correlation();
        self.metadata_asked = Some((correlation, now));
        self.metadata_tries += 1;
        let pause = self.backoff(self.metadata_tries, ctx);
        self.metadata_not_before = now + pause;
        ctx.send(
            NodeId::Broker(broker),
            correlation,
            Message::MetadataRequest {
                topics: vec![self.topic],
            },
        );
        now + self.config.request_timeout
    }

    pub(super) fn on_metadata(
        &mut self,
        correlation: u32,
        answer: MetadataResponse,
        ctx: &mut Context,
    ) {
        if self
            .metadata_asked
            .is_none_or(|(asked, _)| asked != correlation)
        {
            return;
        }
        self.metadata_asked = None;
        self.metadata_at = ctx.now();
        if !answer.brokers.is_empty() {
            self.brokers = answer.brokers;
        }
        let fresh = self.queues.is_empty();
        for (place, found) in answer.partitions.iter().enumerate() {
            let leader = found.leader.map(|leader| (leader, found.epoch));
            match self.queues.get_mut(place) {
                // Metadata older than what an error told is ignored (KIP-320).
                Some(queue) if queue.leader.is_some_and(|(_, epoch)| epoch > found.epoch) => {}
                Some(queue) => queue.leader = leader,
                None => self.queues.push(Queue::new(found.partition, leader)),
            }
        }
        self.metadata_wanted =
            self.queues.is_empty() || self.queues.iter().any(|queue| queue.leader.is_none());
        if !self.metadata_wanted {
            self.metadata_tries = 0;
        }
        if fresh && !self.queues.is_empty() {
            // send() was waiting for metadata: the records that were due come now.
            self.base = (self.made, self.base.1);
        }
    }

    /// Gets a producer id, or the next epoch when nothing is in flight. Returns when to look again.
    pub(super) fn renew_session(&mut self, ctx: &mut Context) -> Time {
        let now = ctx.now();
        if self.bump && !self.in_flight.is_empty() {
            return Time::MAX; // their answers, or deadlines, come first
        }
        if let Some((id, epoch)) = self
            .session
            .filter(|(_, epoch)| *epoch < ProducerEpoch::MAX)
        {
            // Without transactions the client raises its epoch by itself (KIP-360).
            self.begin_session(id, epoch + 1, ctx);
            return now;
        }
        if let Some((_, asked)) = self.session_asked {
            if now < asked + self.config.request_timeout {
                return asked + self.config.request_timeout;
            }
            self.session_asked = None;
        }
        if now < self.session_not_before {
            return self.session_not_before;
        }
        let Some(broker) = ctx.world.rng.pick(&self.bootstrap).copied() else {
            return Time::MAX;
        };
        let correlation = self.next_correlation();
        self.session_asked = Some((correlation, now));
        let known = self.session.filter(|_| self.bump);
        ctx.send(
            NodeId::Broker(broker),
            correlation,
            Message::InitProducerIdRequest { known },
        );
        now + self.config.request_timeout
    }

    pub(super) fn on_session(
        &mut self,
        correlation: u32,
        id: ProducerId,
        epoch: ProducerEpoch,
        ctx: &mut Context,
    ) {
        if self
            .session_asked
            .is_none_or(|(asked, _)| asked != correlation)
        {
            return;
        }
        self.session_asked = None;
        self.begin_session(id, epoch, ctx);
    }

    fn begin_session(&mut self, id: ProducerId, epoch: ProducerEpoch, ctx: &mut Context) {
        self.session = Some((id, epoch));
        self.bump = false;
        // Everything that waits gets new sequences, from 0 on.
        for queue in &mut self.queues {
            queue.next_sequence = 0;
            queue.flying.clear();
            for draft in &mut queue.drafts {
                if draft.sequence.is_some() {
                    draft.sequence = Some((id, epoch, queue.next_sequence));
                    queue.next_sequence = advance_sequence(queue.next_sequence, draft.count);
                }
            }
        }
        let producer = Arc::clone(&self.name);
        ctx.emit(What::ProducerIdAssigned {
            producer,
            producer_id: id,
            epoch,
        });
    }
}
