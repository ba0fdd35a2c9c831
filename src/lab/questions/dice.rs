//! Drawing parameters from a seed, the same on every platform and in every version.

use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A source of chance that follows from a family and a seed.
#[derive(Clone)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The dice of `family` for `seed`; families draw independently of each other.
    pub(super) fn new(family: &str, seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(xxh3_64_with_seed(
            family.as_bytes(),
            seed,
        )))
    }

    /// A number in `low..=high`.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.0.next_u64() % (high - low + 1)
    }

    /// One of `items`, which must not be empty.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.between(0, items.len() as u64 - 1) as usize]
    }

    /// True in one of `n` draws.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.between(1, n) == 1
    }

    /// `items` in another order.
    pub(super) fn shuffled<T>(&mut self, mut items: Vec<T>) -> Vec<T> {
        for last in (1..items.len()).rev() {
            items.swap(last, self.between(0, last as u64) as usize);
        }
        items
    }
}
