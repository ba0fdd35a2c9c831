//! Sending: which batches go to which broker when, and what an answer means.
//!
//! Source: `Sender`, `RecordAccumulator.ready/drain`, `NetworkClient`; KIP-91, KIP-580, KIP-951.

use std::hint::cold_path;
use std::sync::Arc;

use super::Producer;
use super::accumulator::{Draft, Queue, Unresolved};
use crate::sim::broker::producer_state::advance_sequence;
use crate::sim::context::Context;
use crate::sim::event::{LossReason, What};
use crate::sim::message::{Message, ProduceResult, ProducedBatch};
use crate::sim::node::NodeId;
use crate::sim::time::Time;
use crate::sim::types::{BrokerId, ErrorCode, ProducerEpoch, ProducerId, Sequence};

/// A produce request without an answer.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    correlation: u32,
    broker: BrokerId,
    /// Which request on its connection it is.
    place: u64,
    deadline: Time,
    /// With the place of their queue.
    pub(super) drafts: Vec<(usize, Draft)>,
}

impl InFlight {
    /// How many records are under way.
    pub(super) fn records(&self) -> u64 {
        self.drafts
            .iter()
            .map(|(_, draft)| u64::from(draft.count))
            .sum()
    }
}

/// Why a batch was not acknowledged.
#[derive(Debug, Clone, Copy)]
struct Failure {
    error: ErrorCode,
    /// Whether the broker said so. Else no answer came.
    answered: bool,
    broker: BrokerId,
}

/// How much of a backoff is left to chance (KIP-580).
const JITTER: f64 = 0.2;

impl Producer {
    /// Sends what can be sent. Returns when there may be more to do.
    pub(super) fn run_sender(&mut self, ctx: &mut Context) -> Time {
        let now = ctx.now();
        let mut next = self.refresh_metadata(ctx);
        if self.queues.is_empty() || (self.filled.is_empty() && self.in_flight.is_empty()) {
            return next;
        }
        if self.config.idempotent {
            self.resolve_sequences();
            if self.bump {
                self.raise_epoch(ctx);
            }
            if self.session.is_none() {
                return next.min(self.renew_session(ctx));
            }
        }
        let mut ready = self.ready.list();
        for place in 0..self.filled.len() {
            let queue = &self.queues[self.filled[place]];
            // A producer that closes flushes: nothing lingers any more.
            let hurry = self.blocked.is_some() || self.finished();
            let Some(at) = ready_at(queue, self.config.linger, hurry) else {
                continue;
            };
            let Some((leader, _)) = queue.leader else {
                cold_path();
                self.metadata_wanted = true;
                continue;
            };
            if at > now {
                next = next.min(at);
            } else if !ready.contains(&leader) {
                ready.push(leader);
            }
        }
        if self.metadata_wanted {
            next = next.min(self.refresh_metadata(ctx));
        }
        ready.sort_unstable();
        for broker in &ready {
            self.drain(*broker, ctx);
        }
        self.ready.done(ready);
        next
    }

    /// Sends one batch per partition to a broker, as often as its connection takes another request.
    fn drain(&mut self, broker: BrokerId, ctx: &mut Context) {
        let now = ctx.now();
        if self.outstanding(broker) >= self.config.max_in_flight as u64 {
            return;
        }
        let mut drafts = self.drafts.list();
        let mut size = 0;
        for index in 0..self.filled.len() {
            let place = self.filled[index];
            let queue = &mut self.queues[place];
            if queue.leader.is_none_or(|(leader, _)| leader != broker) {
                continue;
            }
            let Some(front) = queue.drafts.front() else {
                continue;
            };
            if front.attempts > 0 && front.not_before > now {
                continue;
            }
            // With one request at a time nothing overtakes; with sequences a retry waits for those before it.
            if self.config.max_in_flight == 1 && queue.in_flight > 0 {
                continue;
            }
            if !may_drain(queue, front, self.session, self.config.max_in_flight as u64) {
                continue;
            }
            if size > 0 && size + front.bytes() > self.config.max_request_size {
                break;
            }
            size += front.bytes();
            let sessions = self.session.filter(|_| self.config.idempotent);
            let numbered = sessions.filter(|_| front.sequence.is_none());
            let count = front.count;
            let given = numbered.map(|session| number(queue, count, session));
            queue.in_flight += 1;
            let Some(front) = queue.drafts.front_mut() else {
                continue;
            };
            front.attempts += 1;
            front.close();
            front.rewritten = false;
            if let Some((sequence, place)) = given {
                front.sequence = Some(sequence);
                front.place = place;
            }
            drafts.extend(queue.drafts.pop_front().map(|draft| (place, draft)));
        }
        if drafts.is_empty() {
            return self.drafts.give(drafts);
        }
        let queues = &self.queues;
        self.filled
            .retain(|place| !queues[*place].drafts.is_empty());
        self.send(broker, drafts, ctx);
    }

    /// How many requests were sent on a connection from the first unanswered one on. A connection answers in order, so a
    /// request never goes out more than `max.in.flight.requests.per.connection` behind one without an answer. That is
    /// why a broker can recognise every repetition by remembering five batches.
    fn outstanding(&self, broker: BrokerId) -> u64 {
        let own = self.in_flight.iter();
        let oldest = own
            .filter(|request| request.broker == broker)
            .map(|request| request.place)
            .min();
        oldest.map_or(0, |oldest| self.sent[broker as usize] - oldest)
    }

    fn send(&mut self, broker: BrokerId, drafts: Vec<(usize, Draft)>, ctx: &mut Context) {
        let correlation = self.next_correlation();
        let produced = |(place, draft): &(usize, Draft)| ProducedBatch {
            partition: self.queues[*place].id,
            batch: draft.to_batch(self.index),
        };
        let mut batches = ctx.world.spare.batches.list();
        batches.extend(drafts.iter().map(produced));
        let (acks, timeout) = (self.config.acks as i8, self.config.request_timeout);
        if acks == 0 {
            cold_path();
            // Success is when the bytes are handed to the socket.
            for (place, draft) in &drafts {
                self.queues[*place].in_flight -= 1;
                self.buffered = self
                    .buffered
                    .saturating_sub(draft.memory(self.config.batch_size));
                ctx.world.ledger.acknowledged(
                    self.index,
                    self.queues[*place].id,
                    &draft.to_batch(self.index),
                    0,
                );
            }
            self.drafts.done(drafts);
            ctx.send(
                NodeId::Broker(broker),
                correlation,
                Message::ProduceRequest {
                    acks,
                    timeout,
                    batches,
                },
            );
            return;
        }
        let deadline = ctx.now() + timeout;
        self.quiet_until = self.quiet_until.min(deadline);
        let place = self.sent[broker as usize];
        self.sent[broker as usize] += 1;
        self.in_flight.push(InFlight {
            correlation,
            broker,
            place,
            deadline,
            drafts,
        });
        ctx.send(
            NodeId::Broker(broker),
            correlation,
            Message::ProduceRequest {
                acks,
                timeout,
                batches,
            },
        );
    }

    pub(super) fn on_produce_answer(
        &mut self,
        correlation: u32,
        results: &[ProduceResult],
        ctx: &mut Context,
    ) {
        let Some(place) = self
            .in_flight
            .iter()
            .position(|request| request.correlation == correlation)
        else {
            return;
        };
        let mut request = self.in_flight.remove(place);
        for (place, draft) in request.drafts.drain(..) {
            let id = self.queues[place].id;
            let Some(result) = results.iter().find(|result| result.partition == id) else {
                cold_path();
                continue;
            };
            self.settle(place);
            if let Some((leader, epoch)) = result.leader_hint
                && self.queues[place]
                    .leader
                    .is_none_or(|(_, known)| known < epoch)
            {
                cold_path();
                self.queues[place].leader = Some((leader, epoch));
            }
            match result.error {
                None => self.succeeded(place, &draft, result, ctx),
                Some(error) => {
                    let failure = Failure {
                        error,
                        answered: true,
                        broker: request.broker,
                    };
                    self.failed(place, draft, failure, ctx);
                }
            }
        }
        self.drafts.give(request.drafts);
    }

    /// A batch is no longer in flight.
    fn settle(&mut self, place: usize) {
        let queue = &mut self.queues[place];
        queue.in_flight = queue.in_flight.saturating_sub(1);
    }

    /// It is known what became of a batch.
    fn decided(&mut self, place: usize, draft: &Draft) {
        if draft.sequence.is_some() {
            self.queues[place]
                .flying
                .retain(|batch| batch.place != draft.place);
        }
    }

    /// The partition's sequences have a gap (`TransactionManager.requestIdempotentEpochBumpForPartition`).
    fn request_bump(&mut self, place: usize) {
        self.queues[place].bump = true;
        self.bump = true;
    }

    /// A partition with a batch in doubt is empty by now: if what followed it was acknowledged, the batch was written;
    /// else there is a gap (`TransactionManager.maybeResolveSequences`).
    fn resolve_sequences(&mut self) {
        if !std::mem::take(&mut self.in_doubt) {
            return;
        }
        for place in 0..self.queues.len() {
            let queue = &mut self.queues[place];
            if !queue.in_doubt {
                continue;
            }
            if !queue.flying.is_empty() {
                self.in_doubt = true;
                continue;
            }
            queue.in_doubt = false;
            if queue.after_acked() != queue.next_sequence {
                self.request_bump(place);
            }
        }
    }

    fn succeeded(
        &mut self,
        place: usize,
        draft: &Draft,
        result: &ProduceResult,
        ctx: &mut Context,
    ) {
        if let Some((id, epoch, first)) = draft.sequence
            && self.queues[place].session == Some((id, epoch))
        {
            let last = advance_sequence(first, draft.count.saturating_sub(1));
            let queue = &mut self.queues[place];
            queue.last_acked = queue.last_acked.max(Some(last));
        }
        self.decided(place, draft);
        if draft.done {
            return;
        }
        self.release(draft);
        if let Some((since, _)) = self.queues[place].failing.take() {
            cold_path();
            let (producer, tp) = (Arc::clone(&self.name), ctx.world.names.tp(result.partition));
            ctx.emit(What::ProduceRecovered {
                producer,
                tp,
                after: ctx.now() - since,
            });
        }
        let mut batch = draft.to_batch(self.index);
        batch.base_offset = result.base_offset;
        let lost =
            ctx.world
                .ledger
                .acknowledged(self.index, result.partition, &batch, self.config.acks);
        for (start, end) in lost {
            cold_path();
            let (producer, tp) = (Arc::clone(&self.name), ctx.world.names.tp(result.partition));
            let acks = if self.config.acks == -1 { "all" } else { "1" };
            ctx.emit(What::RecordsLost {
                tp,
                producer,
                count: end - start,
                first: start,
                last: end - 1,
                offset: result.base_offset,
                acks,
                reason: LossReason::StaleLeader,
            });
        }
    }

    fn release(&mut self, draft: &Draft) {
        self.buffered = self
            .buffered
            .saturating_sub(draft.memory(self.config.batch_size));
    }

    /// The pause before the next try: exponential, with some chance, and never above the most (`ExponentialBackoff`).
    pub(super) fn backoff(&self, attempts: u32, ctx: &mut Context) -> Time {
        let doubled = self
            .config
            .backoff
            .saturating_mul(1 << attempts.saturating_sub(1).min(20));
        let jitter = 1.0 - JITTER + 2.0 * JITTER * ctx.world.rng.unit();
        let most = Time::millis(self.config.backoff_max);
        if self.config.backoff_max <= self.config.backoff {
            return most; // no room to grow in
        }
        let millis = doubled.min(self.config.backoff_max) as f64;
        Time((millis * 1000.0 * jitter) as u64).min(most)
    }

    #[cold]
    fn failed(&mut self, place: usize, mut draft: Draft, failure: Failure, ctx: &mut Context) {
        let now = ctx.now();
        let Failure {
            error,
            answered,
            broker,
        } = failure;
        ctx.world.ledger.told_error(self.index, error);
        let exhausted = i64::from(draft.attempts - draft.untaken) > self.config.retries;
        let out_of_order = error == ErrorCode::OutOfOrderSequenceNumber && draft.sequence.is_some();
        // What was given up without an answer is a gap now.
        if draft.done {
            if draft.sequence.is_some() && (!exhausted || out_of_order) {
                self.request_bump(place);
            }
            return;
        }
        if exhausted || !(error.is_retriable() || out_of_order) {
            self.give_up(place, &draft, &error.to_string(), ctx);
            if draft.sequence.is_some() && (!exhausted || out_of_order) {
                self.request_bump(place);
            }
            return;
        }
        if out_of_order && !self.waits_for_earlier(place, &draft) {
            self.request_bump(place);
        }
        if error.is_stale_metadata() {
            self.metadata_wanted = true;
        }
        let moved = self.queues[place]
            .leader
            .is_some_and(|(leader, _)| leader != broker);
        let backoff = if moved && (error.is_stale_metadata() || !answered) {
            Time::ZERO
        } else {
            self.backoff(draft.attempts, ctx)
        };
        draft.not_before = now + backoff;
        let queue = &mut self.queues[place];
        if queue.failing.is_none_or(|(_, before)| before != error) {
            let since = queue.failing.map_or(now, |(since, _)| since);
            queue.failing = Some((since, error));
            let (producer, tp) = (Arc::clone(&self.name), ctx.world.names.tp(queue.id));
            let detail = explain(error, answered).to_owned();
            let retry_after = Some(backoff);
            ctx.emit(What::ProduceFailing {
                producer,
                tp,
                error,
                broker,
                retry_after,
                detail,
            });
        }
        self.requeue(place, draft);
    }

    /// Whether a batch is out of order because one before it is not decided: it is sent again when that one is
    /// (`TransactionManager.canRetry`).
    fn waits_for_earlier(&self, place: usize, draft: &Draft) -> bool {
        let queue = &self.queues[place];
        let next = draft
            .sequence
            .is_some_and(|(_, _, sequence)| sequence == queue.after_acked());
        !queue.in_doubt && (draft.rewritten || !next)
    }

    /// Puts a batch back in front; with sequences, in their order.
    fn requeue(&mut self, place: usize, draft: Draft) {
        let queue = &mut self.queues[place];
        let slot = match draft.sequence {
            Some((_, _, mine)) => queue.drafts.iter().position(|other| {
                other
                    .sequence
                    .is_none_or(|(_, _, sequence)| sequence > mine)
            }),
            None => Some(0),
        };
        queue
            .drafts
            .insert(slot.unwrap_or(queue.drafts.len()), draft);
        if let Err(slot) = self.filled.binary_search(&place) {
            self.filled.insert(slot, place);
        }
    }

    #[cold]
    fn give_up(&mut self, place: usize, draft: &Draft, error: &str, ctx: &mut Context) {
        self.release(draft);
        let batch = draft.to_batch(self.index);
        ctx.world
            .ledger
            .failed(self.index, &batch.records, batch.count);
        let (producer, tp) = (
            Arc::clone(&self.name),
            ctx.world.names.tp(self.queues[place].id),
        );
        let (first, count) = (draft.first(), u64::from(draft.count));
        ctx.emit(What::RecordsFailed {
            producer,
            tp,
            first,
            count,
            error: error.to_owned(),
        });
        self.decided(place, draft);
    }

    /// Gives a batch up whose time is over. If it had failed before, nobody knows whether it was written.
    fn expired(&mut self, place: usize, draft: &Draft, retried: bool, ctx: &mut Context) {
        let lifetime = self.config.delivery_timeout.as_millis();
        let error = format!("TimeoutException: delivery.timeout.ms = {lifetime} is over");
        self.give_up(place, draft, &error, ctx);
        if draft.sequence.is_some() && retried {
            self.queues[place].in_doubt = true;
            self.in_doubt = true;
        }
    }

    /// Gives up on requests that nobody answers and on batches that are too old. Returns when to look again.
    pub(super) fn expire(&mut self, ctx: &mut Context) -> Time {
        let now = ctx.now();
        let mut next = Time::MAX;
        let late = |request: &&InFlight| request.deadline <= now;
        while let Some(broker) = self.in_flight.iter().find(late).map(|late| late.broker) {
            // It closes the connection; the requests behind the late one go with it.
            self.connection_lost(broker, ErrorCode::RequestTimedOut, ctx);
        }
        if let Some(deadline) = self.in_flight.iter().map(|request| request.deadline).min() {
            next = deadline;
        }
        let lifetime = self.config.delivery_timeout;
        for index in (0..self.filled.len()).rev() {
            let place = self.filled[index];
            while let Some(front) = self.queues[place].drafts.front() {
                let at = front.created + lifetime;
                if at > now {
                    next = next.min(at);
                    break;
                }
                let Some(draft) = self.queues[place].drafts.pop_front() else {
                    break;
                };
                self.expired(place, &draft, draft.attempts > 0, ctx);
            }
            if self.queues[place].drafts.is_empty() {
                self.filled.remove(index);
            }
        }
        for request in 0..self.in_flight.len() {
            for draft in 0..self.in_flight[request].drafts.len() {
                let (place, found) = &self.in_flight[request].drafts[draft];
                let at = found.created + lifetime;
                if found.done || at > now {
                    next = if found.done { next } else { next.min(at) };
                    continue;
                }
                let (place, found) = (*place, found.clone());
                self.in_flight[request].drafts[draft].1.done = true;
                self.expired(place, &found, found.attempts > 1, ctx);
            }
        }
        self.quiet_until = self.first_end();
        next
    }

    /// When the first of all requests and batches is over, those included that stand behind others in their queue.
    fn first_end(&self) -> Time {
        let lifetime = self.config.delivery_timeout;
        let requests = self.in_flight.iter();
        let flying = requests.clone().flat_map(|request| &request.drafts);
        let flying = flying.map(|(_, draft)| draft).filter(|draft| !draft.done);
        let waiting = self.queues.iter().flat_map(|queue| &queue.drafts);
        let drafts = flying.chain(waiting).map(|draft| draft.created + lifetime);
        let deadlines = requests.map(|request| request.deadline);
        drafts.chain(deadlines).min().unwrap_or(Time::MAX)
    }

    fn lost_request(&mut self, request: InFlight, error: ErrorCode, ctx: &mut Context) {
        self.metadata_wanted = true;
        for (place, draft) in request.drafts {
            self.settle(place);
            let failure = Failure {
                error,
                answered: false,
                broker: request.broker,
            };
            self.failed(place, draft, failure, ctx);
        }
    }

    pub(super) fn on_disconnected(&mut self, from: NodeId, correlation: u32, ctx: &mut Context) {
        let NodeId::Broker(broker) = from else { return };
        self.metadata_wanted = true;
        if self
            .metadata_asked
            .is_some_and(|(asked, _)| asked == correlation || correlation == 0)
        {
            self.metadata_asked = None;
        }
        if self
            .session_asked
            .is_some_and(|(asked, _)| asked == correlation || correlation == 0)
        {
            self.session_asked = None;
            self.session_not_before = ctx.now() + Time::millis(self.config.backoff);
        }
        // Nobody listens there. The Java client would have no connection then and send nothing, so this was no try.
        // Nor were those sent behind it.
        let mut flying = self.in_flight.iter();
        let bounced = flying.find(|request| request.correlation == correlation);
        if let Some(first) = bounced.map(|request| request.place) {
            let behind = self.in_flight.iter_mut();
            let behind =
                behind.filter(|request| request.broker == broker && request.place >= first);
            for (_, draft) in behind.flat_map(|request| &mut request.drafts) {
                draft.untaken += 1;
            }
        }
        self.connection_lost(broker, ErrorCode::NetworkException, ctx);
    }

    /// None of the requests on a connection gets an answer any more. The Java client goes through them from the oldest on
    /// and puts each batch back in front; without sequences to go by, the last comes to stand first.
    #[cold]
    fn connection_lost(&mut self, broker: BrokerId, error: ErrorCode, ctx: &mut Context) {
        let mut lost = Vec::new();
        let mut index = 0;
        while index < self.in_flight.len() {
            if self.in_flight[index].broker == broker {
                lost.push(self.in_flight.remove(index));
            } else {
                index += 1;
            }
        }
        for request in lost {
            self.lost_request(request, error, ctx);
        }
    }
}

/// Whether the first batch of a queue may go out (`RecordAccumulator.shouldStopDrainBatchesForPartition`). A retry waits
/// for those before it; a new batch waits while others of an older epoch are not decided or one is in doubt.
fn may_drain(
    queue: &Queue,
    front: &Draft,
    session: Option<(ProducerId, ProducerEpoch)>,
    max_in_flight: u64,
) -> bool {
    let Some(first) = queue.flying.first() else {
        return front.sequence.is_some() || !queue.in_doubt;
    };
    if let Some((_, _, sequence)) = front.sequence {
        return sequence == first.sequence;
    }
    // A broker recognises the last five batches: nothing new goes out further than that behind one that is not decided.
    queue.session == session && !queue.in_doubt && queue.sent - first.place < max_in_flight
}

/// Takes the sequence of a batch that goes out for the first time (`TransactionManager.maybeUpdateProducerIdAndEpoch`),
/// and its place among all that the partition got.
fn number(
    queue: &mut Queue,
    count: u32,
    session: (ProducerId, ProducerEpoch),
) -> ((ProducerId, ProducerEpoch, Sequence), u64) {
    if queue.session != Some(session) && queue.flying.is_empty() {
        queue.begin_session(session);
    }
    let (sequence, place) = (queue.next_sequence, queue.sent);
    queue.flying.push(Unresolved {
        sequence,
        place,
        count,
    });
    queue.next_sequence = advance_sequence(sequence, count);
    queue.sent += 1;
    ((session.0, session.1, sequence), place)
}

/// When the front of a queue can be sent: now if it is full, or others wait behind it, or memory is short, or the
/// producer closes; else when it has lingered, or its backoff is over.
fn ready_at(queue: &Queue, linger: Time, hurry: bool) -> Option<Time> {
    let front = queue.drafts.front()?;
    if front.attempts > 0 {
        return Some(front.not_before);
    }
    if front.full || queue.drafts.len() > 1 || hurry {
        return Some(Time::ZERO);
    }
    Some(front.created + linger)
}

/// What an error means, where that helps.
fn explain(error: ErrorCode, answered: bool) -> &'static str {
    match error {
        ErrorCode::RequestTimedOut if !answered => " (no answer came within request.timeout.ms)",
        ErrorCode::NotEnoughReplicas => {
            " (fewer in-sync replicas than min.insync.replicas; nothing was appended)"
        }
        ErrorCode::NotEnoughReplicasAfterAppend => {
            " (appended, but fewer in-sync replicas than min.insync.replicas have it)"
        }
        ErrorCode::RequestTimedOut => {
            " (the leader appended it, but the in-sync replicas did not get it in time)"
        }
        ErrorCode::NetworkException => " (the connection broke before an answer came)",
        ErrorCode::NotLeaderOrFollower => " (it does not lead the partition any more)",
        ErrorCode::OutOfOrderSequenceNumber => " (a batch before it has not arrived)",
        _ => "",
    }
}
