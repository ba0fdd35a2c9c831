//! Batches that wait to be sent, one queue a partition (`RecordAccumulator`).

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Lane, Producer};
use crate::sim::message::Records;
use crate::sim::settings::Setting;
use crate::sim::time::Time;
use crate::sim::types::{ProducerEpoch, ProducerId, Sequence};

/// A batch on the client.
#[derive(Debug, Clone)]
pub(super) struct ClientBatch {
    numbers: Vec<u64>,
    /// Bytes of its records.
    pub(super) bytes: u32,
    /// Bytes it takes of `buffer.memory`.
    pub(super) memory: u64,
    pub(super) created: Time,
    /// How often it was sent.
    pub(super) attempts: u32,
    /// After a failed attempt: not before this.
    pub(super) not_before: Time,
    /// Producer id, epoch and first sequence, given when it is first sent.
    pub(super) sequence: Option<(ProducerId, ProducerEpoch, Sequence)>,
}

impl ClientBatch {
    pub(super) fn count(&self) -> u32 {
        self.numbers.len() as u32
    }

    pub(super) fn first(&self) -> u64 {
        self.numbers.first().copied().unwrap_or(0)
    }

    /// What it holds, as short as that can be said.
    pub(super) fn records(&self, producer: u32) -> Records {
        let first = self.first();
        let run = self
            .numbers
            .last()
            .is_none_or(|last| last - first + 1 == self.numbers.len() as u64);
        if run {
            Records::Run { producer, first }
        } else {
            Records::List {
                producer,
                numbers: Arc::from(self.numbers.as_slice()),
            }
        }
    }
}

/// Where a record would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the batch that is being filled.
    InBatch,
    /// In a new one, which takes so much memory.
    NewBatch(u64),
}

/// The batches of one partition, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    batches: VecDeque<ClientBatch>,
    /// The last batch takes no more: it was looked at as full or is being sent again.
    closed: bool,
}

impl Queue {
    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn records(&self) -> u64 {
        self.batches
            .iter()
            .map(|batch| u64::from(batch.count()))
            .sum()
    }

    pub(super) fn front(&self) -> Option<&ClientBatch> {
        self.batches.front()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut ClientBatch> {
        self.batches.iter_mut()
    }

    /// Where a record of this size goes: a record above `batch.size` gets a batch of its own.
    pub(super) fn room_for(&self, size: u32, batch_size: u32) -> Place {
        let fits = |batch: &ClientBatch| {
            batch.attempts == 0 && batch.bytes.saturating_add(size) <= batch_size
        };
        match self.batches.back() {
            Some(last) if !self.closed && fits(last) => Place::InBatch,
            _ => Place::NewBatch(u64::from(size.max(batch_size))),
        }
    }

    /// Appends a record; `memory` is what [`Queue::room_for`] asked for. Tells whether the batch is full now.
    pub(super) fn append(
        &mut self,
        number: u64,
        size: u32,
        batch_size: u32,
        memory: u64,
        now: Time,
    ) -> Option<bool> {
        if memory > 0 {
            self.closed = false;
            self.batches.push_back(ClientBatch {
                numbers: Vec::new(),
                bytes: 0,
                memory,
                created: now,
                attempts: 0,
                not_before: Time::ZERO,
                sequence: None,
            });
        }
        let last = self.batches.back_mut()?;
        last.numbers.push(number);
        last.bytes = last.bytes.saturating_add(size);
        Some(last.bytes.saturating_add(size) > batch_size)
    }

    pub(super) fn pop(&mut self) -> Option<ClientBatch> {
        self.batches.pop_front()
    }

    /// Puts a batch back that is to be sent again: in front, or for an idempotent producer where its sequence belongs.
    pub(super) fn put_back(&mut self, batch: ClientBatch) {
        let place = match batch.sequence {
            None => 0,
            Some((_, _, sequence)) => self
                .batches
                .iter()
                .position(|other| other.sequence.is_none_or(|(_, _, of)| of > sequence))
                .unwrap_or(self.batches.len()),
        };
        self.batches.insert(place, batch);
    }

    /// Takes out what was made before `limit`.
    pub(super) fn expired(&mut self, limit: Time) -> Vec<ClientBatch> {
        let mut gone = Vec::new();
        while self
            .batches
            .front()
            .is_some_and(|batch| batch.created <= limit)
        {
            gone.extend(self.batches.pop_front());
        }
        gone
    }

    /// Whether its first batch is full: another waits behind it, or no record of this size fits any more.
    fn is_full(&self, size: u32, batch_size: u32) -> bool {
        self.batches.len() > 1
            || self
                .batches
                .front()
                .is_some_and(|batch| batch.bytes.saturating_add(size) > batch_size)
    }
}

impl Producer {
    /// When the first batch of a partition may be sent: now, or once its linger or backoff is over
    /// (`RecordAccumulator.batchReady`).
    pub(super) fn ready_at(&self, lane: &Lane, now: Time) -> Option<Time> {
        let first = lane.queue.front()?;
        if first.attempts > 0 {
            return Some(first.not_before);
        }
        let full = lane
            .queue
            .is_full(self.maker.record_size, self.batch_size());
        let pressed = self.is_blocked() || !self.maker.is_open();
        if full || pressed {
            return Some(now);
        }
        Some(first.created + self.settings.time(Setting::Linger))
    }

    /// When a partition needs a look: something becomes ready or runs out of time.
    pub(super) fn next_look(&self, lane: &Lane, now: Time) -> Option<Time> {
        let first = lane.queue.front()?;
        let expires = first.created + self.settings.time(Setting::DeliveryTimeout);
        let ready = self.ready_at(lane, now)?;
        // What is ready and yet unsent waits for a leader, an answer or its turn; that wakes the sender by itself.
        let ready = if ready > now { ready } else { Time::MAX };
        Some(ready.min(expires))
    }
}
