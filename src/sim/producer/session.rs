//! What a producer asks brokers besides taking its records: metadata, a producer id.
//!
//! Source: `Metadata`, `TransactionManager`; KIP-98, KIP-320, KIP-360, KIP-899, KIP-951.

use std::sync::Arc;

use super::Producer;
use super::accumulator::Queue;
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
                Some(queue) => {
                    // A new leader is worth a try at once (KIP-951).
                    if queue.leader.is_none_or(|(_, epoch)| epoch < found.epoch) {
                        for draft in &mut queue.drafts {
                            draft.not_before = Time::ZERO;
                        }
                    }
                    queue.leader = leader;
                }
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
            self.pace.renumber(self.made);
        }
    }

    /// Raises the epoch: without transactions the client does that by itself, and at once (KIP-360). Only the partitions
    /// whose sequences have a gap begin anew; others take the new epoch when nothing of theirs is under way.
    pub(super) fn raise_epoch(&mut self, ctx: &mut Context) {
        match self.session {
            Some((id, epoch)) if epoch < ProducerEpoch::MAX => {
                self.begin_session(id, epoch + 1, ctx);
            }
            _ => self.session = None,
        }
    }

    /// Gets a producer id. Returns when to look again.
    pub(super) fn renew_session(&mut self, ctx: &mut Context) -> Time {
        let now = ctx.now();
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
        ctx.send(
            NodeId::Broker(broker),
            correlation,
            Message::InitProducerIdRequest,
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

    #[cold]
    fn begin_session(&mut self, id: ProducerId, epoch: ProducerEpoch, ctx: &mut Context) {
        self.session = Some((id, epoch));
        self.bump = false;
        for queue in self.queues.iter_mut().filter(|queue| queue.bump) {
            queue.bump = false;
            queue.in_doubt = false;
            queue.begin_session((id, epoch));
        }
        // Batches under way are given new sequences too; their copies on the wire keep the old ones.
        for queue in &mut self.queues {
            let mut drafts = std::mem::take(&mut queue.drafts);
            drafts.iter_mut().for_each(|draft| queue.rewrite(draft));
            queue.drafts = drafts;
        }
        for request in &mut self.in_flight {
            for (place, draft) in &mut request.drafts {
                self.queues[*place].rewrite(draft);
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
