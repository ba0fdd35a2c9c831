//! Fetch sessions: what the broker remembers of each reader, so that a request carries only what changed.
//!
//! Data and the small questions about it; what is answered when is decided in `serve`.
//!
//! Source: `FetchSession`, `FetchManager`; KIP-227.

use std::hint::cold_path;
use std::sync::Arc;

use crate::sim::event::EventId;
use crate::sim::message::{FetchPosition, FetchRequest};
use crate::sim::node::{NodeId, PartitionId, PartitionMap};
use crate::sim::time::Time;
use crate::sim::types::{BrokerEpoch, BrokerId, Offset};

/// The place of a session that there is none of.
const NOWHERE: u32 = u32::MAX;

/// Where a reader stands in a partition.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) position: FetchPosition,
    /// The high watermark last sent; `Offset::MAX` before the first answer.
    pub(super) sent_high_watermark: Offset,
    /// Whether it stands in the session's list of partitions to look at.
    pub(super) listed: bool,
}

impl Reading {
    /// Puts its partition on the session's list, unless it is there.
    #[inline]
    fn put_on(&mut self, list: &mut Vec<PartitionId>) {
        if !std::mem::replace(&mut self.listed, true) {
            list.push(self.position.partition);
        }
    }
}

/// A request that waits for data.
#[derive(Debug, Clone)]
pub(super) struct Parked {
    pub(super) correlation: u32,
    pub(super) deadline: Time,
    pub(super) cause: Option<EventId>,
}

/// A reader's session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) epoch: u32,
    pub(super) replica: Option<(BrokerId, BrokerEpoch)>,
    pub(super) min_bytes: u32,
    pub(super) partition_max_bytes: u32,
    pub(super) max_bytes: u32,
    pub(super) rack: Option<Arc<str>>,
    pub(super) partitions: PartitionMap<Reading>,
    /// Partitions that may have news for the reader.
    pub(super) list: Vec<PartitionId>,
    pub(super) parked: Option<Parked>,
    pub(super) last_fetch: Time,
}

/// How much a fetch waits for, and how much it takes of one partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) min_bytes: u32,
    pub(super) partition_max_bytes: u32,
}

/// All readers' sessions, in order of the readers.
#[derive(Debug, Clone, Default)]
pub(super) struct Sessions {
    pub(super) all: Vec<(NodeId, Session)>,
    /// Where in `all` each broker's session is, by the broker's id.
    of_brokers: Vec<u32>,
    /// Where in `all` each consumer's session is, by the consumer's number.
    of_consumers: Vec<u32>,
}

impl Sessions {
    pub(super) fn place(&self, node: NodeId) -> Option<usize> {
        let (places, number) = match node {
            NodeId::Broker(id) => (&self.of_brokers, id),
            NodeId::Consumer(index) => (&self.of_consumers, index),
            NodeId::Controller(_) | NodeId::Producer(_) => return None,
        };
        let place = *places.get(number as usize)?;
        (place != NOWHERE).then_some(place as usize)
    }
    pub(super) fn get(&self, node: NodeId) -> Option<&Session> {
        let (_, session) = self.all.get(self.place(node)?)?;
        Some(session)
    }
    pub(super) fn get_mut(&mut self, node: NodeId) -> Option<&mut Session> {
        let place = self.place(node)?;
        let (_, session) = self.all.get_mut(place)?;
        Some(session)
    }
    /// The reader's position in a partition matters again: it is looked at with its next fetch.
    pub(super) fn look_at(&mut self, node: NodeId, partition: PartitionId) {
        if let Some(session) = self.get_mut(node) {
            session.list(partition);
        }
    }
    /// The reader begins anew; what it had before is forgotten.
    pub(super) fn open(&mut self, node: NodeId, request: &FetchRequest) {
        if let Some(session) = self.get_mut(node) {
            session.reopen(request);
            return;
        }
        self.insert(node, request);
    }
    /// A reader comes that had no session yet.
    #[cold]
    fn insert(&mut self, node: NodeId, request: &FetchRequest) {
        let place = self.all.partition_point(|(known, _)| *known < node);
        self.all.insert(place, (node, Session::new(request)));
        self.number();
    }
    /// The reader is gone.
    #[cold]
    pub(super) fn remove(&mut self, node: NodeId) {
        if let Some(place) = self.place(node) {
            self.all.remove(place);
            self.number();
        }
    }
    /// Notes anew where each session is.
    #[cold]
    fn number(&mut self) {
        self.of_brokers.clear();
        self.of_consumers.clear();
        for (place, (node, _)) in (0u32..).zip(&self.all) {
            let (places, number) = match node {
                NodeId::Broker(id) => (&mut self.of_brokers, *id as usize),
                NodeId::Consumer(index) => (&mut self.of_consumers, *index as usize),
                NodeId::Controller(_) | NodeId::Producer(_) => continue,
            };
            places.resize(places.len().max(number + 1), NOWHERE);
            places[number] = place;
        }
    }
    /// The earliest time at which a waiting fetch must be answered.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.all
            .iter()
            .filter_map(|(_, session)| session.parked.as_ref().map(|parked| parked.deadline))
            .min()
    }
}

impl Session {
    fn new(request: &FetchRequest) -> Session {
        Session {
            epoch: 0,
            replica: request.replica,
            min_bytes: request.min_bytes,
            partition_max_bytes: request.partition_max_bytes,
            max_bytes: request.max_bytes,
            rack: request.rack.clone(),
            partitions: PartitionMap::default(),
            list: Vec::new(),
            parked: None,
            last_fetch: Time::ZERO,
        }
    }

    /// Becomes a new session. (A consumer opens one with each request, so its memory is kept.)
    fn reopen(&mut self, request: &FetchRequest) {
        self.list.clear();
        // It nearly always names the same partitions again.
        let named = request.changed.iter().map(|position| position.partition);
        if named.eq(self.partitions.keys().iter().copied()) {
            for (_, reading) in self.partitions.iter_mut() {
                reading.listed = false;
                reading.sent_high_watermark = Offset::MAX;
            }
        } else {
            self.partitions.clear();
        }
        self.epoch = 0;
        self.replica = request.replica;
        self.min_bytes = request.min_bytes;
        self.partition_max_bytes = request.partition_max_bytes;
        self.max_bytes = request.max_bytes;
        if self.rack != request.rack {
            cold_path();
            self.rack.clone_from(&request.rack);
        }
        self.parked = None;
        self.last_fetch = Time::ZERO;
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            min_bytes: self.min_bytes,
            partition_max_bytes: self.partition_max_bytes,
        }
    }

    /// The reader follows these no longer.
    #[cold]
    pub(super) fn forget(&mut self, partitions: &[PartitionId]) {
        for partition in partitions {
            self.partitions.remove(*partition);
            self.list.retain(|known| known != partition);
        }
    }

    /// The reader stands here now; the partition is looked at with its next answer.
    #[inline]
    pub(super) fn stand(&mut self, position: FetchPosition) {
        let fresh = || Reading {
            position,
            sent_high_watermark: Offset::MAX,
            listed: false,
        };
        let reading = self.partitions.entry(position.partition, fresh);
        reading.position = position;
        reading.put_on(&mut self.list);
    }

    /// Puts a partition on the list. Returns its place in the session.
    #[inline]
    pub(super) fn list(&mut self, partition: PartitionId) -> Option<usize> {
        let place = self.partitions.place(partition)?;
        let reading = self.partitions.at_mut(place)?;
        reading.put_on(&mut self.list);
        Some(place)
    }
}
