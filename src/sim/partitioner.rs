//! Which partition a record goes to, and which partition of an internal topic
//! looks after a group.
//!
//! The producer asks; queues and the availability of partitions come in as
//! arguments, randomness as a number.
//!
//! Source: `BuiltInPartitioner`, `Utils.murmur2`,
//! `GroupMetadataManager.partitionFor`; KIP-480, KIP-794.

/// The 32-bit MurmurHash2 of the Java client (`Utils.murmur2`).
pub fn murmur2(data: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let mut hash = SEED ^ (data.len() as u32);
    let mut words = data.chunks_exact(4);
    for word in words.by_ref() {
        let mut k = word
            .iter()
            .rev()
            .fold(0_u32, |value, &byte| (value << 8) | u32::from(byte));
        k = k.wrapping_mul(M);
        k ^= k >> R;
        k = k.wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let tail = rest
            .iter()
            .rev()
            .fold(0_u32, |value, &byte| (value << 8) | u32::from(byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    (hash ^ (hash >> 15)).cast_signed()
}

/// `h & 0x7fffffff`: drops the sign bit, which is not the absolute value.
pub fn to_positive(hash: i32) -> u32 {
    hash.cast_unsigned() & 0x7fff_ffff
}

/// The partition of a keyed record: over all partitions, available or not.
/// Another number of partitions gives other answers. With no partitions, 0.
pub fn partition_for_key(key: &[u8], partitions: u32) -> u32 {
    to_positive(murmur2(key))
        .checked_rem(partitions)
        .unwrap_or(0)
}

/// `String.hashCode` of Java: over UTF-16 units, base 31.
pub fn java_string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// The partition of `__consumer_offsets` (or `__transaction_state`) whose
/// leader coordinates the group (or transactional id).
pub fn coordinator_partition(id: &str, partitions: u32) -> u32 {
    let hash = java_string_hash(id);
    // Kafka's Utils.abs maps the one value without a positive twin to 0.
    let positive = hash.checked_abs().unwrap_or(0).cast_unsigned();
    positive.checked_rem(partitions).unwrap_or(0)
}

/// How long the queue of one partition is, for the adaptive choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionLoad {
    /// The partition.
    pub partition: u32,
    /// Its batches waiting in the accumulator.
    pub queue: u32,
}

/// The weighted choice among partitions: the shorter the queue, the likelier
/// (`weight = max(queue) + 1 - queue`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadTable {
    /// Partition and the running sum of weights up to it.
    sums: Vec<(u32, u64)>,
}

impl LoadTable {
    /// Builds the table from the queues of partitions that can be written to,
    /// out of `all_partitions`. `None` means: choose uniformly, because there
    /// is nothing to weigh.
    pub fn new(loads: &[PartitionLoad], all_partitions: u32) -> Option<Self> {
        let max = loads.iter().map(|load| load.queue).max()?;
        let all_equal = loads.iter().all(|load| load.queue == max);
        let complete = loads.len() == all_partitions as usize;
        if all_partitions < 2 || (all_equal && complete) {
            return None;
        }
        let mut sum = 0;
        let sums = loads
            .iter()
            .map(|load| {
                sum += u64::from(max - load.queue) + 1;
                (load.partition, sum)
            })
            .collect();
        Some(Self { sums })
    }

    /// The partition that `random` falls on.
    pub fn pick(&self, random: u32) -> Option<u32> {
        let &(_, total) = self.sums.last()?;
        let point = u64::from(random) % total;
        let index = self.sums.partition_point(|&(_, sum)| sum <= point);
        self.sums.get(index).map(|&(partition, _)| partition)
    }
}

/// The partition an unkeyed record goes to: one partition until `batch.size`
/// bytes have gone there, then another (KIP-794).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickyPartitioner {
    sticky_bytes: u64,
    current: Option<u32>,
    produced: u64,
    loads: Option<LoadTable>,
}

impl StickyPartitioner {
    /// With `batch.size` in bytes.
    pub fn new(batch_size: u64) -> Self {
        Self {
            sticky_bytes: batch_size.max(1),
            current: None,
            produced: 0,
            loads: None,
        }
    }

    /// Takes over new queue lengths (`partitioner.adaptive.partitioning.enable`);
    /// `None` chooses uniformly.
    pub fn update_loads(&mut self, loads: Option<LoadTable>) {
        self.loads = loads;
    }

    /// The current partition, chosen now if there is none yet. `available` are
    /// the partitions with a leader; if there is none, all `partitions` are
    /// candidates.
    pub fn current(&mut self, available: &[u32], partitions: u32, random: u32) -> u32 {
        match self.current {
            Some(partition) => partition,
            None => self.switch(available, partitions, random),
        }
    }

    /// Counts `bytes` that were appended to the current partition and switches
    /// when enough went there. `batch_full` says whether its last batch is
    /// full: switching in the middle of a batch would cut it short, so that is
    /// done only after twice the bytes.
    pub fn appended(
        &mut self,
        bytes: u64,
        batch_full: bool,
        available: &[u32],
        partitions: u32,
        random: u32,
    ) {
        let switches = self.switches_after(bytes, batch_full);
        self.produced += bytes;
        if switches {
            self.switch(available, partitions, random);
        }
    }

    /// Whether [`StickyPartitioner::appended`] with these would switch; only then what it chooses from matters.
    pub fn switches_after(&self, bytes: u64, batch_full: bool) -> bool {
        let produced = self.produced + bytes;
        (produced >= self.sticky_bytes && batch_full) || produced >= self.sticky_bytes * 2
    }

    /// How many more bytes may come, after so many that were not counted yet, before it switches even in the middle of a
    /// batch; none if another partition is the current one.
    pub fn stays_for(&self, partition: u32, uncounted: u64) -> u64 {
        if self.current != Some(partition) {
            return 0;
        }
        (self.sticky_bytes * 2).saturating_sub(self.produced + uncounted + 1)
    }

    /// Counts bytes after which it stays, as [`StickyPartitioner::stays_for`] says.
    pub fn stayed(&mut self, bytes: u64) {
        self.produced += bytes;
    }

    fn switch(&mut self, available: &[u32], partitions: u32, random: u32) -> u32 {
        let uniform = || match (available.len() as u32, available) {
            (0, _) => random.checked_rem(partitions).unwrap_or(0),
            (count, list) => list.get((random % count) as usize).copied().unwrap_or(0),
        };
        let next = self
            .loads
            .as_ref()
            .and_then(|table| table.pick(random))
            .unwrap_or_else(uniform);
        self.current = Some(next);
        self.produced = 0;
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_agrees_with_the_java_client() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("", 275_646_681),
            ("key", -1_079_937_367),
        ] {
            assert_eq!(murmur2(key.as_bytes()), hash, "{key}");
        }
        assert_eq!(partition_for_key(b"key", 12), 1);
        assert_eq!(partition_for_key(b"key", 0), 0);
    }

    #[test]
    fn groups_find_their_coordinator() {
        assert_eq!(coordinator_partition("group", 50), 47);
        assert_eq!(coordinator_partition("my-transactional-id", 50), 46);
        // hashCode is the smallest integer, which has no absolute value.
        assert_eq!(coordinator_partition("polygenelubricants", 50), 0);
    }

    #[test]
    fn it_stays_until_enough_bytes_went_to_one_partition() {
        let mut sticky = StickyPartitioner::new(100);
        assert_eq!(sticky.current(&[0, 1, 2], 3, 1), 1);
        sticky.appended(99, true, &[0, 1, 2], 3, 2);
        assert_eq!(sticky.current(&[0, 1, 2], 3, 0), 1);
        sticky.appended(1, false, &[0, 1, 2], 3, 2);
        assert_eq!(sticky.current(&[0, 1, 2], 3, 0), 1, "the batch is not full");
        sticky.appended(0, true, &[0, 1, 2], 3, 2);
        assert_eq!(sticky.current(&[0, 1, 2], 3, 0), 2);
        sticky.appended(200, false, &[0, 1, 2], 3, 0);
        assert_eq!(sticky.current(&[0, 1, 2], 3, 1), 0, "twice the bytes");
    }

    #[test]
    fn shorter_queues_are_likelier() {
        let loads: Vec<PartitionLoad> = [0, 3, 1]
            .into_iter()
            .enumerate()
            .map(|(partition, queue)| PartitionLoad {
                partition: partition as u32,
                queue,
            })
            .collect();
        let table = LoadTable::new(&loads, 3).unwrap();
        let picks: Vec<u32> = (0..8).filter_map(|random| table.pick(random)).collect();
        assert_eq!(picks, [0, 0, 0, 0, 1, 2, 2, 2]);
        let equal = [
            PartitionLoad {
                partition: 0,
                queue: 2,
            },
            PartitionLoad {
                partition: 1,
                queue: 2,
            },
        ];
        assert_eq!(LoadTable::new(&equal, 2), None);
        assert!(LoadTable::new(&equal, 3).is_some(), "one is unavailable");
    }

    #[test]
    fn unavailable_partitions_are_avoided_only_without_a_key() {
        let mut sticky = StickyPartitioner::new(1);
        assert_eq!(sticky.current(&[2], 3, 7), 2);
        let mut none = StickyPartitioner::new(1);
        assert_eq!(none.current(&[], 3, 7), 1);
    }
}
