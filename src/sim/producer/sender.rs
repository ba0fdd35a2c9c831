//! Requests to brokers and what becomes of the batches in them (`Sender`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::accumulator::ClientBatch;
use super::{Failing, Producer};
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::message::{Batch, Message, ProduceResult, ProducedBatch};
use crate::sim::node::NodeId;
use crate::sim::settings::Setting;
use crate::sim::time::Time;
use crate::sim::types::{BrokerId, ErrorCode, NO_LEADER_EPOCH};

/// A connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Link {
    /// Requests that wait for an answer.
    open: BTreeSet<u32>,
}

/// A produce request that waits for its answer.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    broker: BrokerId,
    /// Partition (by its number in the topic) and batch.
    batches: Vec<(usize, ClientBatch)>,
    /// When it is given up (`request.timeout.ms`).
    pub(super) deadline: Time,
}

impl InFlight {
    pub(super) fn records(&self) -> u64 {
        self.batches
            .iter()
            .map(|(_, batch)| u64::from(batch.count()))
            .sum()
    }

    pub(super) fn lanes(&self) -> impl Iterator<Item = usize> + '_ {
        self.batches.iter().map(|(lane, _)| *lane)
    }
}

/// How an attempt ended.
struct Attempt {
    broker: BrokerId,
    error: ErrorCode,
    /// Goes on in the event's sentence.
    detail: String,
}

impl Producer {
    /// Sends what is ready: a request a broker, with at most one batch a partition.
    pub(super) fn send_ready(&mut self, ctx: &mut Context) {
        let brokers: BTreeSet<BrokerId> =
            self.lanes.iter().filter_map(|lane| lane.leader).collect();
        for broker in brokers {
            while self.has_room(broker) {
                let batches = self.drain(broker, ctx.now());
                if batches.is_empty() {
                    break;
                }
                self.send_request(broker, batches, ctx);
            }
        }
        let stranded = |lane: &super::Lane| lane.leader.is_none() && lane.queue.front().is_some();
        if self.lanes.iter().any(stranded) {
            self.want_metadata();
        }
    }

    fn has_room(&self, broker: BrokerId) -> bool {
        let max = self.settings.get(Setting::MaxInFlight).max(1) as usize;
        self.links
            .get(&broker)
            .is_none_or(|link| link.open.len() < max)
    }

    /// Takes the first batch of each partition that this broker leads and that is ready.
    fn drain(&mut self, broker: BrokerId, now: Time) -> Vec<(usize, ClientBatch)> {
        let max = self.settings.get(Setting::MaxRequestSize).max(1) as u64;
        // Without sequences, one request at a time is the only way to keep order.
        let mutes = self.settings.get(Setting::MaxInFlight) == 1;
        let muted: Vec<usize> = if mutes {
            self.in_flight.values().flat_map(InFlight::lanes).collect()
        } else {
            Vec::new()
        };
        let mut taken = Vec::new();
        let mut bytes = 0;
        for index in 0..self.lanes.len() {
            let lane = &self.lanes[index];
            let ready = self.ready_at(lane, now).is_some_and(|at| at <= now);
            if lane.leader != Some(broker)
                || !ready
                || muted.contains(&index)
                || !self.may_send(lane)
            {
                continue;
            }
            let size = lane.queue.front().map_or(0, |batch| u64::from(batch.bytes));
            if !taken.is_empty() && bytes + size > max {
                break;
            }
            bytes += size;
            let Some(mut batch) = self.lanes[index].queue.pop() else {
                continue;
            };
            self.number(index, &mut batch);
            batch.attempts += 1;
            taken.push((index, batch));
        }
        taken
    }

    fn send_request(
        &mut self,
        broker: BrokerId,
        batches: Vec<(usize, ClientBatch)>,
        ctx: &mut Context,
    ) {
        let now = ctx.now();
        let correlation = self.correlation();
        let acks = self.settings.get(Setting::Acks) as i8;
        let timeout = self.settings.time(Setting::RequestTimeout);
        let produced = batches.iter().filter_map(|(lane, batch)| {
            let partition = self.lanes.get(*lane)?.id?;
            Some(ProducedBatch {
                partition,
                batch: self.wire(batch),
            })
        });
        let batches_on_wire: Vec<ProducedBatch> = produced.collect();
        let message = Message::ProduceRequest {
            acks,
            timeout,
            batches: batches_on_wire,
        };
        ctx.send(NodeId::Broker(broker), correlation, message);
        if acks == 0 {
            // Nobody answers: written to the socket counts as success.
            for (lane, batch) in batches {
                self.complete(lane, &batch, 0, NO_LEADER_EPOCH, ctx);
            }
            return;
        }
        self.links
            .entry(broker)
            .or_default()
            .open
            .insert(correlation);
        let deadline = now + timeout;
        self.in_flight.insert(
            correlation,
            InFlight {
                broker,
                batches,
                deadline,
            },
        );
    }

    fn wire(&self, batch: &ClientBatch) -> Batch {
        let (producer_id, producer_epoch, first_sequence) = batch.sequence.unwrap_or((-1, -1, -1));
        Batch {
            base_offset: 0,
            count: batch.count(),
            bytes: batch.bytes,
            leader_epoch: NO_LEADER_EPOCH,
            producer_id,
            producer_epoch,
            first_sequence,
            created: batch.created,
            records: batch.records(self.place),
        }
    }

    fn take_request(&mut self, correlation: u32) -> Option<InFlight> {
        let request = self.in_flight.remove(&correlation)?;
        if let Some(link) = self.links.get_mut(&request.broker) {
            link.open.remove(&correlation);
        }
        Some(request)
    }

    pub(super) fn on_produce_response(
        &mut self,
        correlation: u32,
        results: &[ProduceResult],
        ctx: &mut Context,
    ) {
        let Some(request) = self.take_request(correlation) else {
            return;
        };
        for (index, batch) in request.batches {
            let id = self.lanes.get(index).and_then(|lane| lane.id);
            let Some(result) = results.iter().find(|result| Some(result.partition) == id) else {
                continue;
            };
            match result.error {
                None => self.complete(index, &batch, result.base_offset, result.leader_epoch, ctx),
                Some(error) => {
                    self.take_hint(index, result);
                    let attempt = Attempt {
                        broker: request.broker,
                        error,
                        detail: String::new(),
                    };
                    self.failed_attempt(index, batch, &attempt, ctx);
                }
            }
        }
    }

    /// A broker that no longer leads says who does (KIP-951): no need to ask for metadata first.
    fn take_hint(&mut self, index: usize, result: &ProduceResult) {
        let Some(error) = result.error.filter(|error| error.is_stale_metadata()) else {
            return;
        };
        debug_assert!(error.is_retriable());
        let lane = &mut self.lanes[index];
        match result.leader_hint {
            Some((leader, epoch)) if epoch > lane.epoch => {
                (lane.leader, lane.epoch) = (Some(leader), epoch)
            }
            _ => self.want_metadata(),
        }
    }

    /// The peer's sockets are closed: nothing that was asked of it gets an answer.
    pub(super) fn on_disconnect(&mut self, broker: BrokerId, ctx: &mut Context) {
        let backoff = self.settings.time(Setting::RetryBackoff);
        if self
            .metadata
            .asked
            .is_some_and(|(_, asked, _)| asked == broker)
        {
            self.metadata.asked = None;
            self.metadata.not_before = ctx.now() + backoff;
        }
        self.identity.disconnected(broker, ctx.now(), backoff);
        let open: Vec<u32> = self
            .links
            .get(&broker)
            .map_or(Vec::new(), |link| link.open.iter().copied().collect());
        for correlation in open {
            self.fail_request(
                correlation,
                ErrorCode::NetworkException,
                " (the connection closed)",
                ctx,
            );
        }
    }

    /// Requests without an answer for `request.timeout.ms`; the client closes the connection, and with it all others
    /// that wait on it.
    pub(super) fn expire_requests(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        let late = |(_, request): &(&u32, &InFlight)| request.deadline <= now;
        let brokers: BTreeSet<BrokerId> = self
            .in_flight
            .iter()
            .filter(late)
            .map(|(_, request)| request.broker)
            .collect();
        for broker in brokers {
            let open: Vec<u32> = self
                .links
                .get(&broker)
                .map_or(Vec::new(), |link| link.open.iter().copied().collect());
            let timeout = self.settings.get(Setting::RequestTimeout);
            let detail = format!(" (no answer in request.timeout.ms = {timeout})");
            for correlation in open {
                self.fail_request(correlation, ErrorCode::NetworkException, &detail, ctx);
            }
        }
    }

    fn fail_request(
        &mut self,
        correlation: u32,
        error: ErrorCode,
        detail: &str,
        ctx: &mut Context,
    ) {
        let Some(request) = self.take_request(correlation) else {
            return;
        };
        self.want_metadata();
        for (index, batch) in request.batches {
            let attempt = Attempt {
                broker: request.broker,
                error,
                detail: detail.to_owned(),
            };
            self.failed_attempt(index, batch, &attempt, ctx);
        }
    }

    /// An attempt failed: the batch waits for another, or fails for good.
    fn failed_attempt(
        &mut self,
        index: usize,
        mut batch: ClientBatch,
        attempt: &Attempt,
        ctx: &mut Context,
    ) {
        let now = ctx.now();
        ctx.world.ledger.told_error(self.place, attempt.error);
        let out_of_order = self.idempotent && attempt.error == ErrorCode::OutOfOrderSequenceNumber;
        if out_of_order {
            self.out_of_order(index, &batch);
        }
        let retries = self.settings.get(Setting::Retries);
        let again = (attempt.error.is_retriable() || out_of_order)
            && i64::from(batch.attempts) <= retries
            && now < batch.created + self.settings.time(Setting::DeliveryTimeout);
        let backoff = self.backoff(batch.attempts, ctx);
        let moved = self.lanes[index]
            .leader
            .is_some_and(|leader| leader != attempt.broker);
        // A batch whose partition has a new leader need not wait (KIP-951).
        let backoff = if moved && attempt.error.is_stale_metadata() {
            Time::ZERO
        } else {
            backoff
        };
        self.tell_failing(index, attempt, again.then_some(backoff), ctx);
        if again {
            batch.not_before = now + backoff;
            self.lanes[index].queue.put_back(batch);
            return;
        }
        // A timeout or a broken connection leaves open whether it was written.
        let may_be_written = matches!(
            attempt.error,
            ErrorCode::NetworkException
                | ErrorCode::RequestTimedOut
                | ErrorCode::NotEnoughReplicasAfterAppend
        );
        let error = attempt.error.to_string();
        self.fail(index, &batch, &error, may_be_written, ctx);
    }

    /// Tells of the first failure to write to a partition, and when its error changes; not of every attempt.
    fn tell_failing(
        &mut self,
        index: usize,
        attempt: &Attempt,
        retry_after: Option<Time>,
        ctx: &mut Context,
    ) {
        let known = self.lanes[index].failing;
        if known.is_some_and(|known| known.error == attempt.error) && retry_after.is_some() {
            return;
        }
        let Some(id) = self.lanes[index].id else {
            return;
        };
        let event = ctx.emit(What::ProduceFailing {
            producer: Arc::clone(&self.name),
            tp: ctx.world.names.tp(id),
            error: attempt.error,
            broker: attempt.broker,
            retry_after,
            detail: attempt.detail.clone(),
        });
        let since = known.map_or(ctx.now(), |known| known.since);
        self.lanes[index].failing = Some(Failing {
            since,
            error: attempt.error,
            event,
        });
    }

    /// A batch is written, as far as the producer can tell.
    fn complete(
        &mut self,
        index: usize,
        batch: &ClientBatch,
        base_offset: u64,
        epoch: i32,
        ctx: &mut Context,
    ) {
        self.settled(index, batch);
        self.free(batch, ctx);
        let acks = self.settings.get(Setting::Acks);
        let mut written = self.wire(batch);
        (written.base_offset, written.leader_epoch) = (base_offset, epoch);
        let missing = ctx.world.ledger.acknowledged(self.place, &written, acks);
        let Some(id) = self.lanes[index].id else {
            return;
        };
        let tp = ctx.world.names.tp(id);
        if let Some(failing) = self.lanes[index].failing.take() {
            let after = ctx.now().since(failing.since);
            let producer = Arc::clone(&self.name);
            ctx.world.emit(
                Some(failing.event),
                What::ProduceRecovered {
                    producer,
                    tp: tp.clone(),
                    after,
                },
            );
        }
        for (first, end) in missing {
            // The answer came from a leader whose log has been given up since.
            ctx.emit(What::RecordsLost {
                tp: tp.clone(),
                producer: Arc::clone(&self.name),
                count: end - first,
                first,
                last: end - 1,
                offset: base_offset,
                acks: match acks {
                    -1 => "all",
                    1 => "1",
                    _ => "0",
                },
                reason: crate::sim::event::LossReason::StaleLeader,
            });
        }
    }

    fn fail(
        &mut self,
        index: usize,
        batch: &ClientBatch,
        error: &str,
        may_be_written: bool,
        ctx: &mut Context,
    ) {
        self.given_up(index, batch, may_be_written);
        self.free(batch, ctx);
        ctx.world
            .ledger
            .failed(self.place, &batch.records(self.place), batch.count());
        let Some(id) = self.lanes[index].id else {
            return;
        };
        let what = What::RecordsFailed {
            producer: Arc::clone(&self.name),
            tp: ctx.world.names.tp(id),
            first: batch.first(),
            count: u64::from(batch.count()),
            error: error.to_owned(),
        };
        let cause = self.lanes[index]
            .failing
            .map(|failing| failing.event)
            .or(ctx.cause);
        ctx.world.emit(cause, what);
    }

    fn free(&mut self, batch: &ClientBatch, ctx: &mut Context) {
        self.memory = self.memory.saturating_sub(batch.memory);
        if self.is_blocked() {
            self.make(ctx);
        }
    }

    /// Batches older than `delivery.timeout.ms` fail, sent or not.
    pub(super) fn expire_batches(&mut self, ctx: &mut Context) {
        let timeout = self.settings.time(Setting::DeliveryTimeout);
        if let Some(limit) = ctx.now().0.checked_sub(timeout.0).map(Time) {
            let error = format!(
                "TimeoutException, delivery.timeout.ms = {} is over",
                timeout.as_millis()
            );
            for index in 0..self.lanes.len() {
                for batch in self.lanes[index].queue.expired(limit) {
                    let sent = batch.attempts > 0;
                    self.fail(index, &batch, &error, sent, ctx);
                }
            }
        }
        if self.is_blocked() {
            self.make(ctx);
        }
    }

    /// `retry.backoff.ms`, doubled with each attempt up to `retry.backoff.max.ms`, give or take a fifth (KIP-580).
    pub(super) fn backoff(&self, attempts: u32, ctx: &mut Context) -> Time {
        let first = self.settings.time(Setting::RetryBackoff).0 as f64;
        let most = self.settings.time(Setting::RetryBackoffMax).0 as f64;
        let exponent = attempts.saturating_sub(1).min(30);
        let base = (first * f64::from(1u32 << exponent)).min(most.max(first));
        Time((base * (0.8 + 0.4 * ctx.world.rng.unit())) as u64)
    }
}
