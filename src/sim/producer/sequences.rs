//! What an idempotent producer remembers to keep its order: its id, the next sequence of each partition, and which
//! batches are under way (`TransactionManager`, without transactions; KIP-98, KIP-360).

use std::collections::VecDeque;
use std::sync::Arc;

use super::accumulator::ClientBatch;
use super::{Lane, Producer};
use crate::sim::broker::producer_state::advance_sequence;
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::message::Message;
use crate::sim::node::NodeId;
use crate::sim::settings::Setting;
use crate::sim::time::Time;
use crate::sim::types::{BrokerId, ErrorCode, ProducerEpoch, ProducerId, Sequence};

/// Who the producer is to brokers.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity {
    known: Option<(ProducerId, ProducerEpoch)>,
    /// The request under way, to whom, and when it is given up.
    asked: Option<(u32, BrokerId, Time)>,
    not_before: Time,
    attempts: u32,
    /// The epoch is to grow before anything else is sent.
    bump: bool,
}

impl Identity {
    pub(super) fn next_look(&self) -> Option<Time> {
        match (&self.known, &self.asked) {
            (Some(_), _) => None,
            (None, Some((.., deadline))) => Some(*deadline),
            (None, None) => Some(self.not_before),
        }
    }

    /// A broker that was asked is gone.
    pub(super) fn disconnected(&mut self, broker: BrokerId, now: Time, backoff: Time) {
        if self.asked.is_some_and(|(_, asked, _)| asked == broker) {
            self.asked = None;
            self.not_before = now + backoff;
        }
    }
}

/// Sequences of one partition.
#[derive(Debug, Clone, Default)]
pub(super) struct PartitionSequences {
    /// Under which id they count.
    identity: Option<(ProducerId, ProducerEpoch)>,
    next: Sequence,
    last_acknowledged: Option<Sequence>,
    /// First sequences of batches that were sent and are not settled, in order; those waiting for another try are among
    /// them.
    unsettled: VecDeque<Sequence>,
    /// A batch was given up without an answer: whether it was written is not known.
    unresolved: bool,
    /// To be numbered anew, under the next epoch.
    rewrite: bool,
}

impl Producer {
    /// An idempotent producer needs an id before it sends; and a new epoch after a gap in the sequences.
    pub(super) fn settle_identity(&mut self, ctx: &mut Context) {
        if !self.idempotent {
            return;
        }
        self.resolve(ctx);
        if std::mem::take(&mut self.identity.bump) {
            self.bump_epoch(ctx);
        }
        let now = ctx.now();
        if self.identity.known.is_some() || now < self.identity.not_before {
            return;
        }
        if self
            .identity
            .asked
            .is_some_and(|(.., deadline)| now < deadline)
        {
            return;
        }
        let Some(&broker) = ctx.world.rng.pick(&self.brokers) else {
            return;
        };
        let correlation = self.correlation();
        let deadline = now + self.settings.time(Setting::RequestTimeout);
        self.identity.asked = Some((correlation, broker, deadline));
        ctx.send(
            NodeId::Broker(broker),
            correlation,
            Message::InitProducerIdRequest { known: None },
        );
    }

    pub(super) fn on_producer_id(
        &mut self,
        correlation: u32,
        error: Option<ErrorCode>,
        identity: (ProducerId, ProducerEpoch),
        ctx: &mut Context,
    ) {
        if self
            .identity
            .asked
            .is_none_or(|(asked, ..)| asked != correlation)
        {
            return;
        }
        self.identity.asked = None;
        if error.is_some() {
            self.identity.attempts += 1;
            self.identity.not_before = ctx.now() + self.backoff(self.identity.attempts, ctx);
            return;
        }
        self.identity.known = Some(identity);
        self.tell_identity(ctx);
    }

    fn tell_identity(&self, ctx: &mut Context) {
        if let Some((producer_id, epoch)) = self.identity.known {
            ctx.emit(What::ProducerIdAssigned {
                producer: Arc::clone(&self.name),
                producer_id,
                epoch,
            });
        }
    }

    /// Whether an idempotent producer may send the first batch of a partition now
    /// (`shouldStopDrainBatchesForPartition`).
    pub(super) fn may_send(&self, lane: &Lane) -> bool {
        if !self.idempotent {
            return true;
        }
        let (Some(identity), Some(first)) = (self.identity.known, lane.queue.front()) else {
            return false;
        };
        let sequences = &lane.sequences;
        match first.sequence {
            // A batch on its second try goes only when nothing before it is open.
            Some((_, _, sequence)) => sequences
                .unsettled
                .front()
                .is_none_or(|open| *open == sequence),
            None => {
                let other_epoch = sequences.identity.is_some_and(|of| of != identity);
                !(sequences.unresolved || other_epoch && !sequences.unsettled.is_empty())
            }
        }
    }

    /// Numbers a batch when it is first sent.
    pub(super) fn number(&mut self, lane: usize, batch: &mut ClientBatch) {
        let (true, Some(identity)) = (self.idempotent, self.identity.known) else {
            return;
        };
        if batch.sequence.is_some() {
            return;
        }
        let sequences = &mut self.lanes[lane].sequences;
        if sequences.identity != Some(identity) {
            *sequences = PartitionSequences {
                identity: Some(identity),
                ..PartitionSequences::default()
            };
        }
        let first = sequences.next;
        sequences.next = advance_sequence(first, batch.count());
        sequences.unsettled.push_back(first);
        batch.sequence = Some((identity.0, identity.1, first));
    }

    /// A batch is written.
    pub(super) fn settled(&mut self, lane: usize, batch: &ClientBatch) {
        if let Some((_, _, first)) = batch.sequence {
            let sequences = &mut self.lanes[lane].sequences;
            sequences.unsettled.retain(|open| *open != first);
            let last = advance_sequence(first, batch.count().saturating_sub(1));
            sequences.last_acknowledged = sequences.last_acknowledged.max(Some(last));
        }
    }

    /// A batch is given up. If it may have been written, nothing new is sent to the partition until that is clear.
    pub(super) fn given_up(&mut self, lane: usize, batch: &ClientBatch, may_be_written: bool) {
        let Some((_, _, first)) = batch.sequence else {
            return;
        };
        let sequences = &mut self.lanes[lane].sequences;
        sequences.unsettled.retain(|open| *open != first);
        if may_be_written {
            sequences.unresolved = true;
        } else {
            // Its numbers are missing now; those behind it would be refused for ever.
            sequences.rewrite = true;
            self.identity.bump = true;
        }
    }

    /// Once nothing is under way, an unresolved gap either turns out to be none or costs an epoch
    /// (`maybeResolveSequences`).
    fn resolve(&mut self, _ctx: &mut Context) {
        for lane in &mut self.lanes {
            let sequences = &mut lane.sequences;
            if !sequences.unresolved || !sequences.unsettled.is_empty() {
                continue;
            }
            sequences.unresolved = false;
            let expected = sequences
                .last_acknowledged
                .map_or(0, |last| advance_sequence(last, 1));
            if sequences.next != expected {
                sequences.rewrite = true;
                self.identity.bump = true;
            }
        }
    }

    /// Whether a batch that was refused for its sequence is to be sent again: always for a merely idempotent producer.
    /// If nothing before it is open its numbers are wrong for good, and the epoch must grow.
    pub(super) fn out_of_order(&mut self, lane: usize, batch: &ClientBatch) {
        let Some((_, _, first)) = batch.sequence else {
            return;
        };
        let sequences = &mut self.lanes[lane].sequences;
        let next_in_line = sequences
            .last_acknowledged
            .map_or(0, |last| advance_sequence(last, 1))
            == first;
        if next_in_line || sequences.unresolved {
            sequences.rewrite = true;
            self.identity.bump = true;
        }
    }

    /// Takes the next epoch and numbers the batches of the partitions with a gap from 0 again (KIP-360). Partitions
    /// without one go on under the old epoch until nothing of theirs is under way.
    fn bump_epoch(&mut self, ctx: &mut Context) {
        let Some((producer_id, epoch)) = self.identity.known else {
            return;
        };
        let under_way: Vec<usize> = self
            .in_flight
            .values()
            .flat_map(super::InFlight::lanes)
            .collect();
        let waits =
            |index: usize, lane: &Lane| lane.sequences.rewrite && under_way.contains(&index);
        if self
            .lanes
            .iter()
            .enumerate()
            .any(|(index, lane)| waits(index, lane))
        {
            // Answers to the old numbers are still to come; they would be taken for answers to the new ones.
            self.identity.bump = true;
            return;
        }
        let Some(next) = epoch.checked_add(1) else {
            self.identity.known = None;
            return;
        };
        let identity = (producer_id, next);
        self.identity.known = Some(identity);
        for lane in &mut self.lanes {
            if !lane.sequences.rewrite {
                continue;
            }
            lane.sequences = PartitionSequences {
                identity: Some(identity),
                ..PartitionSequences::default()
            };
            let sequences = &mut lane.sequences;
            for batch in lane
                .queue
                .iter_mut()
                .filter(|batch| batch.sequence.is_some())
            {
                batch.sequence = Some((producer_id, next, sequences.next));
                sequences.unsettled.push_back(sequences.next);
                sequences.next = advance_sequence(sequences.next, batch.count());
            }
        }
        self.tell_identity(ctx);
    }
}
