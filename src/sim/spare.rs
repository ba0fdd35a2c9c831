//! Emptied messages and lists, whose memory the next ones take: nearly all messages are fetches, batches for a leader, or
//! the answers to them.
//!
//! What a message says never depends on whether its memory is new. A clone of the cluster begins without spares.

use std::fmt;
use std::hint::cold_path;

use super::context::Alarm;
use super::message::{
    Envelope, FetchRequest, FetchResponse, Message, ProduceResult, ProducedBatch,
};
use super::node::{NodeId, PartitionId};
use super::time::Time;

/// How many of a kind are kept; more are seldom under way at once.
const KEPT: usize = 32;

/// Emptied things of one kind.
pub struct Pool<T>(Vec<T>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool(Vec::new())
    }
}

/// Which spares there are is no part of a cluster's state, so it does not show.
impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Pool::default()
    }
}

impl<T> Pool<T> {
    /// Takes one out, if there is one.
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        self.0.pop()
    }

    /// Puts one back that is as good as new.
    #[inline]
    pub fn give(&mut self, emptied: T) {
        if self.0.len() < self.0.capacity() {
            self.0.push(emptied);
        } else {
            self.keep(emptied);
        }
    }

    /// Makes room for more, up to a limit.
    #[cold]
    fn keep(&mut self, emptied: T) {
        if self.0.len() < KEPT {
            self.0.push(emptied);
        }
    }
}

impl<T: Default> Pool<T> {
    /// Takes one out, or makes a new one.
    #[inline]
    fn take_or_make(&mut self) -> T {
        self.take().unwrap_or_else(|| {
            cold_path();
            T::default()
        })
    }
}

impl<T> Pool<Vec<T>> {
    /// An empty list.
    pub fn list(&mut self) -> Vec<T> {
        self.take_or_make()
    }

    /// Takes a list whose items matter no more.
    pub fn done(&mut self, mut list: Vec<T>) {
        list.clear();
        self.give(list);
    }
}

#[cold]
#[allow(
    clippy::unnecessary_box_returns,
    reason = "boxes are what the pool holds"
)]
fn new_envelope() -> Box<Envelope> {
    Box::new(Envelope {
        from: NodeId::Broker(0),
        to: NodeId::Broker(0),
        place: 0,
        incarnation: 0,
        sent: Time::ZERO,
        correlation: 0,
        cause: None,
        message: Message::Disconnected,
    })
}

#[cold]
#[allow(clippy::unnecessary_box_returns, reason = "as above")]
fn new_alarm(alarm: Alarm) -> Box<Alarm> {
    Box::new(alarm)
}

/// The spares that all nodes share.
#[derive(Debug, Clone, Default)]
pub struct Spare {
    requests: Pool<Box<FetchRequest>>,
    answers: Pool<Box<FetchResponse>>,
    /// Empty: they say [`Message::Disconnected`].
    pub envelopes: Pool<Box<Envelope>>,
    /// Of timers that fired.
    pub alarms: Pool<Box<Alarm>>,
    /// Of produce requests.
    pub batches: Pool<Vec<ProducedBatch>>,
    /// Of answers to them.
    pub results: Pool<Vec<ProduceResult>>,
    /// Of what a consumer asked for in a fetch.
    pub partitions: Pool<Vec<PartitionId>>,
}

#[allow(
    clippy::unnecessary_box_returns,
    reason = "the boxes are what is spared: they are handed on as they are"
)]
impl Spare {
    /// An empty envelope.
    #[inline]
    pub fn envelope(&mut self) -> Box<Envelope> {
        self.envelopes.take().unwrap_or_else(new_envelope)
    }

    /// A timer in a box.
    #[inline]
    pub fn alarm(&mut self, alarm: Alarm) -> Box<Alarm> {
        match self.alarms.take() {
            Some(mut spare) => {
                *spare = alarm;
                spare
            }
            None => new_alarm(alarm),
        }
    }

    /// A request that opens a session and asks for nothing yet.
    pub fn request(&mut self) -> Box<FetchRequest> {
        self.requests.take_or_make()
    }

    /// Takes a request that was handled.
    pub fn handled(&mut self, mut request: Box<FetchRequest>) {
        request.replica = None;
        request.session_epoch = 0;
        request.changed.clear();
        request.forgotten.clear();
        if request.rack.is_some() {
            cold_path();
            request.rack = None;
        }
        self.requests.give(request);
    }

    /// An answer without error that says nothing yet.
    pub fn answer(&mut self) -> Box<FetchResponse> {
        self.answers.take_or_make()
    }

    /// Takes an answer that was read.
    pub fn read(&mut self, mut answer: Box<FetchResponse>) {
        answer.error = None;
        answer.partitions.clear();
        answer.batches.clear();
        self.answers.give(answer);
    }
}
