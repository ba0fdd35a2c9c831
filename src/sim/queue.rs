//! The queue of everything that will happen, ordered by (time, sequence).
//!
//! Keys of 16 bytes (time, sequence, slot) stand beside a slab of payloads, so that sorting never moves a payload. The
//! soonest few keys are a sorted list, the others a four-ary heap: most of what a cluster puts off is due within a
//! millisecond or two, before nearly all that waits already, and finds its place at the list's end in a few steps, while
//! timers of seconds lie in the heap untouched. Two entries of the same time leave in the order in which they came.

use super::time::Time;

const ARITY: usize = 4;
/// How many keys the sorted list takes.
const NEAR: usize = 32;
/// Bits of the key that name the payload's slot: sixteen million pending events.
const SLOT_BITS: u32 = 24;
/// Bits of the key that hold the sequence: a million million events in all.
const SEQUENCE_BITS: u32 = 40;

/// A queue of payloads by (time, sequence).
#[derive(Debug, Clone)]
pub struct EventQueue<T> {
    /// The soonest, in falling order: the next is the last. All of them come before all of the heap's.
    near: Vec<u128>,
    heap: Vec<u128>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    sequence: u64,
}

impl<T> Default for EventQueue<T> {
    fn default() -> Self {
        EventQueue {
            near: Vec::with_capacity(NEAR),
            heap: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            sequence: 0,
        }
    }
}

impl<T> EventQueue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.near.len() + self.heap.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.near.is_empty() && self.heap.is_empty()
    }

    /// Adds an entry.
    #[allow(
        clippy::inline_always,
        reason = "else a payload is written twice: by the caller, and to where it stays"
    )]
    #[inline(always)]
    pub fn push(&mut self, at: Time, payload: T) {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.new_slot(),
        };
        // A free slot holds nothing to drop, and not to ask saves code where every send and every timer is.
        std::mem::forget(self.slots[slot as usize].replace(payload));
        debug_assert!(slot < 1 << SLOT_BITS);
        self.sequence += 1;
        let key = (u128::from(at.0) << (SLOT_BITS + SEQUENCE_BITS))
            | (u128::from(self.sequence) << SLOT_BITS)
            | u128::from(slot);
        self.insert(key);
    }

    #[allow(
        clippy::inline_always,
        reason = "saving registers around a call costs as much as what is done here"
    )]
    #[inline(always)]
    fn insert(&mut self, key: u128) {
        if self.near.len() == NEAR {
            self.spill();
        }
        let is_near = match self.near.first() {
            Some(latest) => key < *latest || self.heap.is_empty(),
            None => self.heap.is_empty(),
        };
        if !is_near {
            return self.push_far(key);
        }
        self.near.push(key);
        let Some((mut hole, sooner)) = self.near.split_last_mut() else {
            return;
        };
        for known in sooner.iter_mut().rev() {
            if *known >= key {
                break;
            }
            *hole = *known;
            hole = known;
        }
        *hole = key;
    }

    /// A slot more; nothing is in it.
    #[cold]
    fn new_slot(&mut self) -> u32 {
        self.slots.push(None);
        (self.slots.len() - 1) as u32
    }

    /// Moves the later half of the list to the heap.
    #[cold]
    fn spill(&mut self) {
        for place in 0..NEAR / 2 {
            self.push_far(self.near[place]);
        }
        self.near.drain(..NEAR / 2);
    }

    /// Moves the soonest of the heap to the list, which is empty.
    #[cold]
    fn refill(&mut self) {
        while self.near.len() < NEAR / 2
            && let Some(key) = self.pop_far()
        {
            self.near.push(key);
        }
        self.near.reverse();
    }

    #[inline(never)]
    fn push_far(&mut self, key: u128) {
        let mut hole = self.heap.len();
        self.heap.push(key);
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if self.heap[parent] <= key {
                break;
            }
            self.heap[hole] = self.heap[parent];
            hole = parent;
        }
        self.heap[hole] = key;
    }

    fn pop_far(&mut self) -> Option<u128> {
        let last = self.heap.pop()?;
        let Some(first) = self.heap.first().copied() else {
            return Some(last);
        };
        self.sift_down(last);
        Some(first)
    }

    /// When the next entry is due.
    pub fn next_time(&self) -> Option<Time> {
        let next = self.near.last().or_else(|| self.heap.first());
        next.map(|key| Time((key >> (SLOT_BITS + SEQUENCE_BITS)) as u64))
    }

    /// Takes the next entry.
    #[allow(clippy::inline_always, reason = "as in `push`")]
    #[inline(always)]
    pub fn pop(&mut self) -> Option<(Time, T)> {
        if self.near.is_empty() {
            self.refill();
        }
        let first = self.near.pop()?;
        let slot = (first & ((1 << SLOT_BITS) - 1)) as usize;
        let payload = self.slots[slot].take()?;
        self.free.push(slot as u32);
        Some((Time((first >> (SLOT_BITS + SEQUENCE_BITS)) as u64), payload))
    }

    fn sift_down(&mut self, key: u128) {
        let heap = self.heap.as_mut_slice();
        let mut hole = 0;
        loop {
            let child = hole * ARITY + 1;
            if child >= heap.len() {
                break;
            }
            let end = (child + ARITY).min(heap.len());
            let mut least = child;
            for candidate in child + 1..end {
                if heap[candidate] < heap[least] {
                    least = candidate;
                }
            }
            if heap[least] >= key {
                break;
            }
            heap[hole] = heap[least];
            hole = least;
        }
        heap[hole] = key;
    }

    /// What waits, in no particular order, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().flatten()
    }

    /// What waits, in no particular order, with the time at which it is due.
    pub fn iter(&self) -> impl Iterator<Item = (Time, &T)> {
        self.near.iter().chain(&self.heap).filter_map(|key| {
            let slot = (key & ((1 << SLOT_BITS) - 1)) as usize;
            let at = Time((key >> (SLOT_BITS + SEQUENCE_BITS)) as u64);
            self.slots
                .get(slot)
                .and_then(Option::as_ref)
                .map(|payload| (at, payload))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn leaves_by_time_then_arrival(times in proptest::collection::vec(0u64..50, 0..300), taken in 0u64..4) {
            let mut queue = EventQueue::new();
            let mut expected = std::collections::BTreeSet::new();
            for (arrival, at) in times.iter().enumerate() {
                queue.push(Time(*at), arrival);
                expected.insert((Time(*at), arrival));
                if taken > 0 && *at % 4 < taken {
                    prop_assert_eq!(queue.next_time(), expected.first().map(|(at, _)| *at));
                    prop_assert_eq!(queue.pop(), expected.pop_first());
                }
                prop_assert_eq!((queue.len(), queue.iter().count()), (expected.len(), expected.len()));
            }
            let left: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
            prop_assert!(left.into_iter().eq(expected));
        }
    }

    #[test]
    fn slots_are_reused() {
        let mut queue = EventQueue::new();
        for round in 0..1000 {
            queue.push(Time(round), round);
            queue.push(Time(round), round);
            assert_eq!(queue.pop().map(|(at, _)| at), Some(Time(round / 2)));
        }
        assert!(queue.slots.len() <= 1001);
    }
}
