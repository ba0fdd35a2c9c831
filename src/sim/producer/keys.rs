//! Which key a record has: by the producer's distribution.

use std::sync::Arc;

use crate::sim::partitioner::{murmur2, to_positive};
use crate::sim::rng::Rng;
use crate::sim::spec::Keys;

/// How many keys share what a hot key leaves.
const COLD_KEYS: u32 = 100;

/// Draws keys. A key is `key-` and its number.
#[derive(Debug, Clone)]
pub(super) struct KeySource {
    keys: Keys,
    /// `toPositive(murmur2(key))` of each key.
    hashes: Arc<[u32]>,
    /// Running sums of the weights 1/n.
    sums: Arc<[f64]>,
}

impl KeySource {
    pub(super) fn new(keys: Keys) -> KeySource {
        let count = match keys {
            Keys::None => 0,
            Keys::Uniform(count) | Keys::Zipf(count) => count.max(1),
            Keys::Hot(_) => COLD_KEYS + 1,
        };
        let hashes = (0..count)
            .map(|key| to_positive(murmur2(format!("key-{key}").as_bytes())))
            .collect();
        let mut sum = 0.0;
        let weight = |key: u32| {
            sum += 1.0 / f64::from(key + 1);
            sum
        };
        let sums = if matches!(keys, Keys::Zipf(_)) {
            (0..count).map(weight).collect()
        } else {
            Arc::from([])
        };
        KeySource { keys, hashes, sums }
    }

    /// Whether records have keys.
    pub(super) fn has_keys(&self) -> bool {
        !matches!(self.keys, Keys::None)
    }

    /// The hash of the next record's key, if it has one.
    #[inline]
    pub(super) fn draw(&self, rng: &mut Rng) -> Option<u32> {
        let key = match self.keys {
            Keys::None => return None,
            Keys::Uniform(count) => rng.below(u64::from(count.max(1))) as usize,
            Keys::Zipf(_) => {
                let point = rng.unit() * self.sums.last().copied().unwrap_or(0.0);
                self.sums.partition_point(|sum| *sum <= point)
            }
            Keys::Hot(percent) => {
                if rng.below(100) < u64::from(percent) {
                    0
                } else {
                    1 + rng.below(u64::from(COLD_KEYS)) as usize
                }
            }
        };
        self.hashes.get(key).copied()
    }
}
