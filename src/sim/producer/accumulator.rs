//! Making records and gathering them into batches, within the buffer's memory.
//!
//! Source: `RecordAccumulator`, `BufferPool`, `BuiltInPartitioner`.

use std::collections::VecDeque;
use std::hint::cold_path;
use std::sync::Arc;

use super::{Activity, Producer};
use crate::sim::broker::producer_state::advance_sequence;
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::message::{Batch, Records};
use crate::sim::node::PartitionId;
use crate::sim::partitioner::{LoadTable, PartitionLoad};
use crate::sim::time::Time;
use crate::sim::types::{
    BrokerId, ErrorCode, LeaderEpoch, NO_LEADER_EPOCH, ProducerEpoch, ProducerId, Sequence,
};

/// A batch on its way.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    first: u64,
    /// The numbers, if they do not run on from the first.
    numbers: Vec<u64>,
    /// The same, to share, once it has been sent and takes no more records.
    shared: Option<Arc<Vec<u64>>>,
    pub(super) count: u32,
    bytes: u64,
    pub(super) created: Time,
    pub(super) full: bool,
    pub(super) attempts: u32,
    /// How many of these reached no process at all; they do not count for `retries`.
    pub(super) untaken: u32,
    pub(super) not_before: Time,
    /// Epoch and first sequence, once it has been sent by an idempotent producer.
    pub(super) sequence: Option<(ProducerId, ProducerEpoch, Sequence)>,
    /// Which batch of its partition it is, counted in the order in which they first went out.
    pub(super) place: u64,
    /// It has failed already; an answer to it changes nothing.
    pub(super) done: bool,
    /// Its sequence was given anew while it was under way with another.
    pub(super) rewritten: bool,
}

/// A batch with a sequence whose fate is open: under way, or waiting to be sent again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unresolved {
    pub(super) sequence: Sequence,
    /// Which batch of its partition it is.
    pub(super) place: u64,
    pub(super) count: u32,
}

impl Draft {
    fn new(first: u64, created: Time) -> Draft {
        Draft {
            first,
            numbers: Vec::new(),
            shared: None,
            count: 0,
            bytes: 0,
            created,
            full: false,
            attempts: 0,
            untaken: 0,
            not_before: Time::ZERO,
            sequence: None,
            place: 0,
            done: false,
            rewritten: false,
        }
    }

    /// Whether it has not been sent and takes more records.
    fn is_open(&self) -> bool {
        self.sequence.is_none() && self.attempts == 0 && !self.full
    }

    /// Adds so many records, numbered on from the first of them, of so many bytes each.
    fn add(&mut self, number: u64, records: u64, bytes: u64) {
        if !self.numbers.is_empty() || number != self.first + u64::from(self.count) {
            self.list(number, records);
        }
        self.count += records as u32;
        self.bytes += records * bytes;
    }

    /// Its records have no longer numbers in a row.
    #[cold]
    fn list(&mut self, number: u64, records: u64) {
        if self.numbers.is_empty() {
            self.numbers = (self.first..self.first + u64::from(self.count)).collect();
        }
        self.numbers.extend(number..number + records);
    }

    /// The number of its first record.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// What it takes of the buffer: at least a whole `batch.size`.
    pub(super) fn memory(&self, batch_size: u64) -> u64 {
        self.bytes.max(batch_size)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// It is sent, so it takes no more records.
    pub(super) fn close(&mut self) {
        if !self.numbers.is_empty() {
            self.shared = Some(Arc::new(std::mem::take(&mut self.numbers)));
        }
    }

    /// The batch as it goes over the wire.
    pub(super) fn to_batch(&self, producer: u32) -> Batch {
        let numbers = match &self.shared {
            Some(shared) => Some(Arc::clone(shared)),
            None if self.numbers.is_empty() => None,
            None => Some(Arc::new(self.numbers.clone())),
        };
        let records = match numbers {
            Some(numbers) => Records::List { producer, numbers },
            None => Records::Run {
                producer,
                first: self.first,
            },
        };
        let (producer_id, producer_epoch, first_sequence) = self.sequence.unwrap_or((-1, -1, -1));
        Batch {
            base_offset: 0,
            count: self.count,
            bytes: self.bytes.min(u64::from(u32::MAX)) as u32,
            leader_epoch: NO_LEADER_EPOCH,
            producer_id,
            producer_epoch,
            first_sequence,
            created: self.created,
            records,
        }
    }
}

/// What waits for one partition.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) id: PartitionId,
    pub(super) leader: Option<(BrokerId, LeaderEpoch)>,
    pub(super) drafts: VecDeque<Draft>,
    /// The producer id and epoch that its sequences belong to; the producer's own may have moved on.
    pub(super) session: Option<(ProducerId, ProducerEpoch)>,
    pub(super) next_sequence: Sequence,
    /// The last sequence that was acknowledged in this session.
    pub(super) last_acked: Option<Sequence>,
    /// A batch was given up of which nobody knows whether it was written: no new one goes out until those before it
    /// are decided (`TransactionManager.markSequenceUnresolved`).
    pub(super) in_doubt: bool,
    /// Its sequences have a gap and begin anew with the next epoch.
    pub(super) bump: bool,
    /// How many batches have gone out, not counting repetitions.
    pub(super) sent: u64,
    /// Batches with a sequence that are not decided, in the order of their sequences
    /// (`TxnPartitionEntry.inflightBatchesBySequence`).
    pub(super) flying: Vec<Unresolved>,
    pub(super) in_flight: u32,
    /// Since when sending fails, and how it did last.
    pub(super) failing: Option<(Time, ErrorCode)>,
}

impl Queue {
    pub(super) fn new(id: PartitionId, leader: Option<(BrokerId, LeaderEpoch)>) -> Queue {
        Queue {
            id,
            leader,
            drafts: VecDeque::new(),
            session: None,
            next_sequence: 0,
            last_acked: None,
            in_doubt: false,
            bump: false,
            sent: 0,
            flying: Vec::new(),
            in_flight: 0,
            failing: None,
        }
    }

    /// The sequence that follows the last one acknowledged.
    pub(super) fn after_acked(&self) -> Sequence {
        self.last_acked.map_or(0, |last| advance_sequence(last, 1))
    }

    /// Begins its sequences anew in a session; batches that are not decided keep their order. What became of their
    /// sequences, by place (`TxnPartitionMap.startSequencesAtBeginning`).
    #[cold]
    pub(super) fn begin_session(&mut self, session: (ProducerId, ProducerEpoch)) {
        self.session = Some(session);
        self.last_acked = None;
        self.next_sequence = 0;
        for batch in &mut self.flying {
            batch.sequence = self.next_sequence;
            self.next_sequence = advance_sequence(self.next_sequence, batch.count);
        }
    }

    /// Gives a batch the sequence that it has by now.
    pub(super) fn rewrite(&self, draft: &mut Draft) {
        let own = self.flying.iter().find(|batch| batch.place == draft.place);
        let (Some((id, epoch)), Some(own)) = (self.session, own) else {
            return;
        };
        let sequence = Some((id, epoch, own.sequence));
        if draft.sequence.is_some() && draft.sequence != sequence {
            draft.sequence = sequence;
            draft.rewritten = true;
        }
    }

    /// How many records wait.
    pub(super) fn records(&self) -> u64 {
        self.drafts.iter().map(|draft| u64::from(draft.count)).sum()
    }
}

impl Producer {
    /// Whether it makes no more records.
    pub(super) fn finished(&self) -> bool {
        self.activity != Activity::Making || self.limit.is_some_and(|limit| self.made >= limit)
    }

    /// Makes the records that are due.
    pub(super) fn make(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        if self.finished() || self.queues.is_empty() {
            self.check_block(ctx);
            return;
        }
        let before = self.made;
        while !self.finished() && self.pace.is_due(self.made, now) {
            if self.add_run(ctx) > 0 {
                continue;
            }
            let due = self.pace.due(self.made);
            let at = due.max(self.blocked.map_or(Time::ZERO, |_| now));
            if !self.add_record(at, ctx) {
                break;
            }
        }
        if self.made != before {
            ctx.world.ledger.made(self.index, self.made);
            if self.limit.is_some_and(|limit| self.made >= limit) {
                cold_path();
                ctx.emit(What::ProducerStopped {
                    producer: Arc::clone(&self.name),
                    made: self.made,
                });
            }
        }
        self.check_block(ctx);
    }

    /// Puts the next record into a batch. `false`: there is no memory for it.
    fn add_record(&mut self, at: Time, ctx: &mut Context) -> bool {
        let bytes = u64::from(self.record_size);
        if bytes > self.config.max_request_size {
            cold_path();
            let limit = self.config.max_request_size;
            let error = format!("RecordTooLargeException: larger than max.request.size = {limit}");
            self.refuse_record(&error, ctx);
            return true;
        }
        let place = self.choose_partition(ctx);
        let queue = &mut self.queues[place];
        let fits =
            |draft: &&mut Draft| draft.is_open() && draft.bytes + bytes <= self.config.batch_size;
        if let Some(draft) = queue.drafts.back_mut().filter(fits) {
            draft.add(self.made, 1, bytes);
            draft.full = draft.bytes + bytes > self.config.batch_size;
        } else {
            let memory = bytes.max(self.config.batch_size);
            if self.buffered + memory > self.config.buffer_memory && self.buffered > 0 {
                cold_path();
                self.pending_partition = Some(place);
                self.block(ctx);
                return false;
            }
            self.buffered += memory;
            if let Some(last) = queue.drafts.back_mut() {
                last.full = true;
            }
            self.quiet_until = self.quiet_until.min(at + self.config.delivery_timeout);
            let mut draft = Draft::new(self.made, at);
            draft.add(self.made, 1, bytes);
            draft.full = draft.bytes + bytes > self.config.batch_size;
            queue.drafts.push_back(draft);
            if let Err(slot) = self.filled.binary_search(&place) {
                self.filled.insert(slot, place);
            }
        }
        if self.partition.is_none() && self.drawn_unkeyed {
            let full = self.queues[place]
                .drafts
                .back()
                .is_some_and(|draft| draft.full);
            self.stick(bytes, full, ctx);
        }
        self.pending_partition = None;
        self.made += 1;
        true
    }

    /// Puts the next records that are due into an open batch, all at once, as long as nothing is decided between them:
    /// they have no keys, the batch does not fill, the partitioner stays. Each draws the chance that it would draw alone.
    /// Returns how many.
    fn add_run(&mut self, ctx: &mut Context) -> u64 {
        let bytes = u64::from(self.record_size);
        let place = match (self.partition, self.sticky_now) {
            (Some(partition), _) => (partition as usize).min(self.queues.len() - 1),
            (None, Some(place)) if !self.draws_keys() => place,
            _ => return 0,
        };
        let queue = self.queues.get(place);
        let Some(draft) = queue.and_then(|queue| queue.drafts.back()) else {
            return 0;
        };
        let waits = self.pending_partition.is_some();
        if waits || !draft.is_open() || bytes == 0 || bytes > self.config.max_request_size {
            return 0;
        }
        let batch_size = self.config.batch_size;
        // All but the last record that fits.
        let mut room = batch_size.saturating_sub(draft.bytes + bytes);
        if self.partition.is_none() {
            let until_reset = (2 * batch_size).saturating_sub(self.sticky_bytes + 1);
            let until_switch = self.sticky.stays_for(place as u32, self.uncounted);
            room = room.min(until_reset).min(until_switch);
        }
        let mut most = room / bytes;
        if let Some(limit) = self.limit {
            most = most.min(limit.saturating_sub(self.made));
        }
        let records = self.pace.count_due(self.made, most, ctx.now());
        if records == 0 {
            return 0;
        }
        if let Some(draft) = self.queues[place].drafts.back_mut() {
            draft.add(self.made, records, bytes);
        }
        if self.partition.is_none() {
            let early = batch_size.saturating_sub(self.sticky_bytes + 1);
            self.sticky_bytes += records * bytes;
            self.uncounted += records * bytes;
            if records * bytes > early {
                self.sticky.stayed(std::mem::take(&mut self.uncounted));
                ctx.world.rng.pass_over(records - early / bytes);
            }
        }
        self.made += records;
        records
    }

    fn draws_keys(&self) -> bool {
        self.key_source.has_keys() && !self.config.ignore_keys
    }

    /// Which partition the next record goes to.
    fn choose_partition(&mut self, ctx: &mut Context) -> usize {
        if let Some(place) = self
            .pending_partition
            .filter(|place| *place < self.queues.len())
        {
            return place; // it waited for memory
        }
        self.drawn_unkeyed = false;
        let count = self.queues.len();
        if let Some(partition) = self.partition {
            return (partition as usize).min(count - 1);
        }
        let key = if self.config.ignore_keys {
            None
        } else {
            self.key_source.draw(&mut ctx.world.rng)
        };
        if let Some(hash) = key {
            return hash as usize % count;
        }
        self.drawn_unkeyed = true;
        if let Some(current) = self.sticky_now.filter(|place| *place < count) {
            return current;
        }
        let available = self.available();
        let random = ctx.world.rng.bits() as u32;
        let place = self.sticky.current(&available, count as u32, random) as usize;
        self.sticky_now = Some(place.min(count - 1));
        place.min(count - 1)
    }

    fn available(&self) -> Vec<u32> {
        (0u32..)
            .zip(&self.queues)
            .filter(|(_, queue)| queue.leader.is_some())
            .map(|(place, _)| place)
            .collect()
    }

    /// Counts what went to the sticky partition, which may switch (KIP-794).
    fn stick(&mut self, bytes: u64, full: bool, ctx: &mut Context) {
        self.sticky_bytes += bytes;
        if self.sticky_bytes < self.config.batch_size {
            self.uncounted += bytes;
            return; // too early to switch, so nothing to draw
        }
        let random = ctx.world.rng.bits() as u32;
        let count = self.queues.len() as u32;
        let bytes = bytes + std::mem::take(&mut self.uncounted);
        // What there is to choose from is gathered only for a choice.
        let available = if self.sticky.switches_after(bytes, full) {
            let available = self.available();
            self.weigh(&available);
            available
        } else {
            Vec::new()
        };
        let before = self.sticky.current(&available, count, random);
        self.sticky.appended(bytes, full, &available, count, random);
        let after = self.sticky.current(&available, count, random);
        if full || self.sticky_bytes >= 2 * self.config.batch_size || before != after {
            self.sticky_bytes = 0;
        }
        self.sticky_now = Some((after as usize).min(self.queues.len() - 1));
    }

    /// Weighs partitions by what waits for them (`partitioner.adaptive.partitioning.enable`).
    fn weigh(&mut self, available: &[u32]) {
        let load = |place: &u32| PartitionLoad {
            partition: *place,
            queue: self.queues[*place as usize].drafts.len() as u32,
        };
        let loads: Vec<_> = available.iter().map(load).collect();
        let all = self.queues.len() as u32;
        let table = LoadTable::new(&loads, all).filter(|_| self.config.adaptive);
        self.sticky.update_loads(table);
    }

    /// The next time at which making records matters. A record that opens a batch can be sent only after
    /// `linger.ms`, so nothing is missed by making it then, unless so many come that a batch fills before.
    pub(super) fn next_make(&mut self) -> Time {
        if self.finished() || self.queues.is_empty() {
            return self
                .blocked
                .map_or(Time::MAX, |since| since + self.config.max_block);
        }
        if let Some(since) = self.blocked {
            return since + self.config.max_block;
        }
        let lingered = self.pace.due(self.made) + self.config.linger;
        if !self.may_fill {
            return lingered;
        }
        let filled = self.pace.due(self.made + self.records_that_fill() - 1);
        lingered.min(filled)
    }

    fn records_that_fill(&self) -> u64 {
        (self.config.batch_size / u64::from(self.record_size.max(1))).max(1)
    }

    /// After a change of the pace.
    pub(super) fn look_at_pace(&mut self) {
        let (more, linger) = (self.records_that_fill() - 1, self.config.linger);
        self.may_fill = self.pace.may_come_within(more, linger);
    }

    fn block(&mut self, ctx: &mut Context) {
        if self.blocked.is_none() {
            self.blocked = Some(ctx.now());
            if !self.told_blocked {
                self.told_blocked = true;
                let (used, buffer_memory) = (self.buffered, self.config.buffer_memory as i64);
                ctx.emit(What::ProducerBlocked {
                    producer: Arc::clone(&self.name),
                    used,
                    buffer_memory,
                });
            }
        }
    }

    /// A blocked `send()` goes on when there is memory again, or gives up after `max.block.ms`.
    fn check_block(&mut self, ctx: &mut Context) {
        if let Some(since) = self.blocked {
            self.look_at_block(since, ctx);
        }
    }

    #[cold]
    fn look_at_block(&mut self, since: Time, ctx: &mut Context) {
        let now = ctx.now();
        let memory = self.config.batch_size.max(u64::from(self.record_size));
        if self.buffered + memory <= self.config.buffer_memory || self.buffered == 0 {
            self.blocked = None;
            self.pace.begin(self.made, now);
            if self.told_blocked {
                self.told_blocked = false;
                let producer = Arc::clone(&self.name);
                ctx.emit(What::ProducerUnblocked {
                    producer,
                    after: now - since,
                });
            }
        } else if now >= since + self.config.max_block {
            let limit = self.config.max_block.as_millis();
            let error =
                format!("BufferExhaustedException: no memory within max.block.ms = {limit}");
            self.refuse_record(&error, ctx);
            ctx.world.ledger.made(self.index, self.made);
            self.pace.begin(self.made, now);
            self.blocked = Some(now);
        }
    }

    #[cold]
    fn refuse_record(&mut self, error: &str, ctx: &mut Context) {
        let producer = Arc::clone(&self.name);
        ctx.emit(What::RecordsRefused {
            producer,
            first: self.made,
            count: 1,
            error: error.to_owned(),
        });
        let records = Records::Run {
            producer: self.index,
            first: self.made,
        };
        ctx.world.ledger.failed(self.index, &records, 1);
        self.made += 1;
    }
}
