//! The queue of everything that will happen, ordered by (time, sequence).
//!
//! A four-ary heap of 16-byte keys (time, sequence, slot) beside a slab of payloads, so that sifting never moves a
//! payload. Two entries of the same time leave in the order in which they came.

use super::time::Time;

const ARITY: usize = 4;
/// Bits of the key that name the payload's slot: sixteen million pending events.
const SLOT_BITS: u32 = 24;
/// Bits of the key that hold the sequence: a million million events in all.
const SEQUENCE_BITS: u32 = 40;

/// A queue of payloads by (time, sequence).
#[derive(Debug, Clone)]
pub struct EventQueue<T> {
    heap: Vec<u128>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    sequence: u64,
}

impl<T> Default for EventQueue<T> {
    fn default() -> Self {
        EventQueue {
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
        self.heap.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Adds an entry.
    pub fn push(&mut self, at: Time, payload: T) {
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(payload);
            slot
        } else {
            self.slots.push(Some(payload));
            (self.slots.len() - 1) as u32
        };
        debug_assert!(slot < 1 << SLOT_BITS);
        self.sequence += 1;
        let key = (u128::from(at.0) << (SLOT_BITS + SEQUENCE_BITS))
            | (u128::from(self.sequence) << SLOT_BITS)
            | u128::from(slot);
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

    /// When the next entry is due.
    pub fn next_time(&self) -> Option<Time> {
        self.heap
            .first()
            .map(|key| Time((key >> (SLOT_BITS + SEQUENCE_BITS)) as u64))
    }

    /// Takes the next entry.
    pub fn pop(&mut self) -> Option<(Time, T)> {
        let last = self.heap.pop()?;
        let first = if let Some(first) = self.heap.first().copied() {
            self.sift_down(last);
            first
        } else {
            last
        };
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
        self.heap.iter().filter_map(|key| {
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
        fn leaves_by_time_then_arrival(times in proptest::collection::vec(0u64..50, 0..300)) {
            let mut queue = EventQueue::new();
            let mut expected = Vec::new();
            for (arrival, at) in times.iter().enumerate() {
                queue.push(Time(*at), arrival);
                expected.push((Time(*at), arrival));
            }
            expected.sort_unstable();
            let left: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
            prop_assert_eq!(left, expected);
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
