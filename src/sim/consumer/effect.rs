//! What goes into a consumer besides messages, and what comes out of it.

use crate::sim::group::GroupEvent;
use crate::sim::message::Message;
use crate::sim::node::{Names, NodeId, PartitionId};
use crate::sim::rng::Rng;
use crate::sim::spare::Spare;
use crate::sim::time::Time;
use crate::sim::types::Offset;

/// What a consumer asked to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerTimer {
    /// The heartbeat thread's turn.
    Heartbeat,
    /// Look after requests without an answer and old metadata.
    Tick,
    /// Try again what did not work.
    Retry,
    /// The work on records is finished, or its next step.
    Work {
        /// Which work; older ones are void.
        serial: u64,
    },
}

/// What a consumer wants done.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Send a request to a broker.
    Send {
        /// Which broker.
        to: NodeId,
        /// The request's number.
        correlation: u32,
        /// The request.
        message: Message,
    },
    /// Call [`super::Consumer::wake`] then.
    Wake {
        /// When.
        at: Time,
        /// With what.
        timer: ConsumerTimer,
    },
    /// Tell what happened.
    Tell(GroupEvent),
    /// Note for the group's progress.
    Note(Note),
}

/// What a group's observer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// It has the partition now.
    Owned {
        /// Which.
        partition: PartitionId,
        /// In which generation.
        generation: i32,
    },
    /// It keeps the partition in another generation.
    Kept {
        /// Which.
        partition: PartitionId,
        /// In which generation.
        generation: i32,
    },
    /// It no longer has the partition.
    Released {
        /// Which.
        partition: PartitionId,
    },
    /// It finished records.
    Processed {
        /// Of which partition.
        partition: PartitionId,
        /// From this offset.
        first: Offset,
        /// So many.
        count: u64,
    },
    /// It gives a record up that it could not process.
    GaveUp {
        /// Of which partition.
        partition: PartitionId,
        /// Which record.
        offset: Offset,
    },
    /// It begins to read a partition.
    Started {
        /// Which.
        partition: PartitionId,
        /// At this offset.
        offset: Offset,
        /// Because the group had committed it.
        committed: bool,
    },
    /// It learns that the log ended before what it had read.
    Truncated {
        /// Of which partition.
        partition: PartitionId,
        /// Where the log parts from what it had read.
        end: Offset,
    },
}

/// What the consumer works with at one moment.
pub struct Env<'a> {
    /// The time.
    pub now: Time,
    /// Names of topics and partitions.
    pub names: &'a Names,
    /// Chance.
    pub rng: &'a mut Rng,
    /// Emptied fetches, for the next ones.
    pub spare: &'a mut Spare,
    /// What it wants done.
    pub out: &'a mut Vec<Effect>,
}

impl Env<'_> {
    pub(super) fn tell(&mut self, event: GroupEvent) {
        self.out.push(Effect::Tell(event));
    }

    pub(super) fn note(&mut self, note: Note) {
        self.out.push(Effect::Note(note));
    }

    pub(super) fn wake(&mut self, at: Time, timer: ConsumerTimer) {
        self.out.push(Effect::Wake { at, timer });
    }

    pub(super) fn show(&self, partitions: impl Iterator<Item = PartitionId>) -> Vec<String> {
        partitions.map(|id| self.names.tp(id).to_string()).collect()
    }
}
