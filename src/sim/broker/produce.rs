//! The produce path: checks, append, and waiting until enough replicas have it.
//!
//! Source: `KafkaApis.handleProduceRequest`, `ReplicaManager.appendRecords`, `Partition.appendRecordsToLeader`,
//! `DelayedProduce`.

use std::hint::cold_path;

use super::Broker;
use super::producer_state::{ProducerBatch, Verdict};
use super::replica::{Role, Waiting};
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::message::{Batch, Message, ProduceResult, ProducedBatch, Records};
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::settings::Setting;
use crate::sim::spare::Pool;
use crate::sim::time::Time;
use crate::sim::types::{ErrorCode, LeaderEpoch, NO_LEADER_EPOCH, Offset};

/// Who waits for an append to be replicated.
#[derive(Debug, Clone)]
pub(super) enum Waiter {
    /// A producer.
    Client {
        /// Which.
        node: NodeId,
        /// Its number of the request.
        correlation: u32,
    },
    /// A group coordinator of this broker, by its partition and its own number of the write.
    Coordinator(PartitionId, u64),
}

#[derive(Debug, Clone)]
struct Pending {
    waiter: Waiter,
    results: Vec<ProduceResult>,
    /// How many of the results are not known yet.
    open: u32,
    deadline: Time,
    written: Time,
}

/// Requests that wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Purgatory {
    slots: Vec<Option<Pending>>,
    free: Vec<u32>,
    /// Lists of what a request waits for, to be used again.
    required: Pool<Vec<(usize, Offset)>>,
    /// When the timer for all that waits is set.
    pub(super) timer: Option<Time>,
}

impl Purgatory {
    fn insert(&mut self, pending: Pending) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            cold_path();
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        // A free slot holds nothing to drop.
        std::mem::forget(self.slots[slot as usize].replace(pending));
        slot
    }

    /// The earliest time at which a waiting produce request must be answered.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.slots
            .iter()
            .flatten()
            .map(|pending| pending.deadline)
            .min()
    }
}

/// A batch that is in the leader's log.
struct Appended {
    /// Of the replica, among the broker's.
    place: usize,
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
    /// The offset that the high watermark must reach.
    required: Offset,
    /// Bytes written; 0 for a duplicate.
    bytes: u32,
}

impl Broker {
    pub(super) fn on_produce(
        &mut self,
        from: NodeId,
        correlation: u32,
        acks: i8,
        timeout: Time,
        mut batches: Vec<ProducedBatch>,
        ctx: &mut Context,
    ) {
        let now = ctx.now();
        let mut results = ctx.world.spare.results.list();
        let mut required = self.purgatory.required.list();
        let (mut written, mut bytes) = (0, 0);
        for ProducedBatch { partition, batch } in batches.drain(..) {
            let appended = self.append_as_leader(partition, batch, acks, ctx);
            let mut result = ProduceResult {
                partition,
                error: None,
                base_offset: 0,
                leader_epoch: NO_LEADER_EPOCH,
                leader_hint: None,
            };
            match appended {
                Ok(appended) => {
                    (result.base_offset, result.leader_epoch) =
                        (appended.base_offset, appended.leader_epoch);
                    if appended.bytes > 0 {
                        written += 1;
                        bytes += u64::from(appended.bytes);
                    }
                    required.push((appended.place, appended.required));
                }
                Err(error) => {
                    cold_path();
                    result.error = Some(error);
                    if error == ErrorCode::NotLeaderOrFollower {
                        result.leader_hint = self.leader_hint(partition);
                    }
                }
            }
            results.push(result);
        }
        ctx.world.spare.batches.give(batches);
        let done = if written > 0 {
            self.disk.write(now, written, bytes)
        } else {
            now
        };
        match acks {
            // No answer is expected: the connection is closed, so that the producer notices and asks for metadata.
            0 if results.iter().any(|result| result.error.is_some()) => {
                ctx.send(from, 0, Message::Disconnected);
            }
            0 => {}
            -1 if !required.is_empty() => {
                let waiter = Waiter::Client {
                    node: from,
                    correlation,
                };
                self.wait_for_replicas(waiter, results, &required, now + timeout, done, ctx);
            }
            _ => ctx.send_at(
                done,
                from,
                correlation,
                Message::ProduceResponse { results },
            ),
        }
        for (place, _) in &required {
            self.settle_append(*place, ctx);
        }
        self.purgatory.required.done(required);
    }

    /// Appends what the group coordinator writes, as `acks=all`; it hears by its token when that is replicated.
    ///
    /// # Errors
    /// As for a client's batch with `acks=all`; nothing is appended then.
    pub fn append_for_coordinator(
        &mut self,
        partition: PartitionId,
        record: std::sync::Arc<crate::sim::group::GroupRecord>,
        bytes: u32,
        token: u64,
        ctx: &mut Context,
    ) -> Result<Offset, ErrorCode> {
        let now = ctx.now();
        let batch = Batch {
            base_offset: 0,
            count: 1,
            bytes,
            leader_epoch: NO_LEADER_EPOCH,
            producer_id: -1,
            producer_epoch: -1,
            first_sequence: -1,
            created: now,
            records: Records::Group(record),
        };
        let appended = self.append_as_leader(partition, batch, -1, ctx)?;
        let done = self.disk.write(now, 1, u64::from(bytes));
        let result = ProduceResult {
            partition,
            error: None,
            base_offset: appended.base_offset,
            leader_epoch: appended.leader_epoch,
            leader_hint: None,
        };
        let required = [(appended.place, appended.required)];
        let deadline = now + Time::secs(5); // offsets.commit.timeout.ms
        self.wait_for_replicas(
            Waiter::Coordinator(partition, token),
            vec![result],
            &required,
            deadline,
            done,
            ctx,
        );
        self.settle_append(appended.place, ctx);
        Ok(appended.base_offset)
    }

    fn wait_for_replicas(
        &mut self,
        waiter: Waiter,
        results: Vec<ProduceResult>,
        required: &[(usize, Offset)],
        deadline: Time,
        written: Time,
        ctx: &mut Context,
    ) {
        let open = required.len() as u32;
        let request = self.purgatory.insert(Pending {
            waiter,
            results,
            open,
            deadline,
            written,
        });
        for (place, required) in required {
            if let Some(leading) = self
                .replicas
                .at_mut(*place)
                .and_then(super::Replica::leading_mut)
            {
                leading.waiting.push_back(Waiting {
                    required: *required,
                    request,
                });
            }
        }
        self.arm_purgatory(deadline, ctx);
    }

    /// After an append: the high watermark may follow at once, followers are woken, and duplicates that are long
    /// replicated are answered.
    fn settle_append(&mut self, place: usize, ctx: &mut Context) {
        self.try_advance(place, ctx);
        self.complete_produce(place, ctx);
        if let Some(replica) = self.replicas.at(place) {
            self.wake_followers(place, replica.partition(), ctx);
        }
        self.after_isr_change(place, ctx);
    }

    fn append_as_leader(
        &mut self,
        partition: PartitionId,
        mut batch: Batch,
        acks: i8,
        ctx: &mut Context,
    ) -> Result<Appended, ErrorCode> {
        let now = ctx.now();
        let max_bytes = self.settings.get(Setting::MessageMaxBytes);
        let found = self.replicas.place(partition);
        let found = found.ok_or(ErrorCode::NotLeaderOrFollower);
        let checked = found.and_then(|place| {
            let known = self.check_append(place, &batch, acks, max_bytes, ctx)?;
            Ok((place, known))
        });
        let (place, known) = match checked {
            Ok(known) => known,
            Err(error) => {
                cold_path();
                if acks == 0 {
                    ctx.world.ledger.never_written(&batch);
                }
                return Err(error);
            }
        };
        if let Some(known) = known {
            cold_path();
            return Ok(known);
        }
        self.settle_idle_followers(place, now);
        let Some(replica) = self.replicas.at_mut(place) else {
            cold_path();
            return Err(ErrorCode::NotLeaderOrFollower);
        };
        batch.base_offset = replica.log.end();
        batch.leader_epoch = replica.record.leader_epoch;
        let appended = Appended {
            place,
            base_offset: batch.base_offset,
            leader_epoch: batch.leader_epoch,
            required: batch.next_offset(),
            bytes: batch.bytes.max(1),
        };
        let names = &ctx.world.names;
        let told = ctx.world.ledger.appended(partition, &batch, acks, names);
        replica.append(batch, now);
        replica.note_append(&mut self.unflushed);
        if !told.is_empty() {
            cold_path();
            for what in told {
                ctx.emit(what);
            }
        }
        Ok(appended)
    }

    /// Whether a batch may be appended; `Some` if it is in the log already.
    fn check_append(
        &self,
        place: usize,
        batch: &Batch,
        acks: i8,
        max_bytes: i64,
        ctx: &mut Context,
    ) -> Result<Option<Appended>, ErrorCode> {
        let replica = self.replicas.at(place);
        let replica = replica.ok_or(ErrorCode::NotLeaderOrFollower)?;
        let partition = replica.partition();
        let Role::Leader(leading) = &replica.role else {
            return Err(ErrorCode::NotLeaderOrFollower);
        };
        if acks == -1 {
            leading.state.check_before_append_all(&replica.isr_config)?;
        }
        if i64::from(batch.bytes) > max_bytes {
            return Err(ErrorCode::MessageTooLarge);
        }
        if batch.producer_id < 0 {
            return Ok(None);
        }
        let known = ProducerBatch::of(
            batch.producer_id,
            batch.producer_epoch,
            batch.first_sequence,
            batch.count,
        );
        let (Records::Run { producer, .. } | Records::List { producer, .. }) = &batch.records
        else {
            return Ok(None);
        };
        let name = |ctx: &Context| ctx.world.names.producer(*producer);
        match replica.producers.check(&known) {
            Ok(Verdict::Append) => Ok(None),
            Ok(Verdict::Duplicate(found)) => {
                cold_path();
                let first = batch.records.first_number();
                let (tp, producer) = (ctx.world.names.tp(partition), name(ctx));
                let (count, offset) = (u64::from(batch.count), found.first_offset);
                ctx.emit(What::DuplicateDropped {
                    tp,
                    broker: self.id,
                    producer,
                    first,
                    count,
                    offset,
                });
                let leader_epoch = replica
                    .log
                    .epoch_at(found.first_offset)
                    .unwrap_or(NO_LEADER_EPOCH);
                let required = found.last_offset + 1;
                Ok(Some(Appended {
                    place,
                    base_offset: found.first_offset,
                    leader_epoch,
                    required,
                    bytes: 0,
                }))
            }
            Err(refusal) => {
                cold_path();
                let (tp, producer, error) =
                    (ctx.world.names.tp(partition), name(ctx), refusal.code());
                let expected = match refusal {
                    super::producer_state::SequenceError::OutOfOrderSequence {
                        expected, ..
                    } => {
                        format!("{expected} comes next")
                    }
                    super::producer_state::SequenceError::InvalidProducerEpoch {
                        known, ..
                    } => {
                        format!("epoch {known} has written since")
                    }
                };
                let found = batch.first_sequence;
                ctx.emit(What::SequenceRefused {
                    tp,
                    broker: self.id,
                    producer,
                    error,
                    expected,
                    found,
                });
                Err(error)
            }
        }
    }

    /// Answers the produce requests whose offset the high watermark at this place has reached.
    pub(super) fn complete_produce(&mut self, place: usize, ctx: &mut Context) {
        loop {
            let Some(replica) = self.replicas.at_mut(place) else {
                return;
            };
            let partition = replica.partition();
            let config = replica.isr_config;
            let Role::Leader(leading) = &mut replica.role else {
                return;
            };
            let Some(first) = leading.waiting.front().copied() else {
                return;
            };
            let Some(result) = leading.state.check_replicated(first.required, &config) else {
                return;
            };
            leading.waiting.pop_front();
            self.purgatory_result(first.request, partition, result, ctx);
        }
    }

    /// One partition of a waiting request is decided.
    pub(super) fn purgatory_result(
        &mut self,
        request: u32,
        partition: PartitionId,
        result: Result<(), ErrorCode>,
        ctx: &mut Context,
    ) {
        let hint = match result {
            Err(ErrorCode::NotLeaderOrFollower) => self.leader_hint(partition),
            _ => None,
        };
        let Some(Some(pending)) = self.purgatory.slots.get_mut(request as usize) else {
            return;
        };
        if let Some(known) = pending
            .results
            .iter_mut()
            .find(|known| known.partition == partition)
            && known.error.is_none()
        {
            known.error = result.err();
            if result == Err(ErrorCode::NotLeaderOrFollower) {
                known.leader_hint = hint;
            }
            pending.open = pending.open.saturating_sub(1);
        }
        if pending.open == 0 {
            self.answer_produce(request, ctx);
        }
    }

    fn answer_produce(&mut self, request: u32, ctx: &mut Context) {
        let Some(pending) = self
            .purgatory
            .slots
            .get_mut(request as usize)
            .and_then(Option::take)
        else {
            return;
        };
        self.purgatory.free.push(request);
        match pending.waiter {
            Waiter::Client { node, correlation } => {
                let results = pending.results;
                ctx.send_at(
                    pending.written,
                    node,
                    correlation,
                    Message::ProduceResponse { results },
                );
            }
            Waiter::Coordinator(partition, token) => {
                let error = pending.results.first().and_then(|result| result.error);
                self.coordinator_appends.push((partition, token, error));
            }
        }
    }

    /// Answers produce requests whose time is up: what is not replicated by now has timed out.
    pub(super) fn expire_produce(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        let due =
            |slot: &Option<Pending>| slot.as_ref().is_some_and(|pending| pending.deadline <= now);
        let expired: Vec<u32> = (0u32..)
            .zip(&self.purgatory.slots)
            .filter(|(_, slot)| due(slot))
            .map(|(index, _)| index)
            .collect();
        for request in expired {
            for (_, replica) in self.replicas.iter_mut() {
                let partition = replica.partition();
                let Role::Leader(leading) = &mut replica.role else {
                    continue;
                };
                let before = leading.waiting.len();
                leading.waiting.retain(|waiting| waiting.request != request);
                let Some(Some(pending)) = self.purgatory.slots.get_mut(request as usize) else {
                    continue;
                };
                if leading.waiting.len() < before
                    && let Some(result) = pending
                        .results
                        .iter_mut()
                        .find(|result| result.partition == partition)
                {
                    result.error = Some(ErrorCode::RequestTimedOut);
                }
            }
            self.answer_produce(request, ctx);
        }
    }
}
