//! What a quiz asks: candidates, the draw, and the order in which choices are shown.
//!
//! Everything here follows from the seed, so that `--seed` repeats a quiz exactly. The generator is
//! ChaCha with eight rounds, whose stream is the same on every platform and in every version.

use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde::{Deserialize, Serialize};

use crate::bank::{Answer, CardId, Check, Level};

/// Where a question comes from; enough to find or make it again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The check at `index` of a card.
    Check {
        /// The card.
        card: CardId,
        /// Place among the card's checks.
        index: usize,
    },
    /// A question whose answer the simulated cluster computes.
    Engine {
        /// Which family of questions.
        family: String,
        /// What its parameters are drawn from.
        seed: u64,
    },
}

impl Source {
    /// The card that a miss sends back to the drill, where there is one.
    pub fn card(&self) -> Option<&CardId> {
        match self {
            Self::Check { card, .. } => Some(card),
            Self::Engine { .. } => None,
        }
    }
}

/// A question that may be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Where it comes from.
    pub source: Source,
    /// What its score is counted under: the title of a deck or of a family.
    pub topic: String,
    /// How hard it is.
    pub level: Level,
    /// The question and its key.
    pub check: Check,
    /// How it comes about, beyond the `why` of the choices (Markdown; may be empty).
    pub background: String,
}

/// A question of a running quiz: a candidate and the order its parts are shown in.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What is asked.
    pub candidate: Candidate,
    /// For choices and steps: the place in the file of what is shown at each place.
    pub shown: Vec<usize>,
}

impl Question {
    /// Makes a question of `candidate`, its parts shuffled by `seed`.
    pub(super) fn new(candidate: Candidate, seed: u64) -> Self {
        let parts = match &candidate.check.answer {
            Answer::Choose { choices } => choices.len(),
            Answer::Order { steps, .. } => steps.len(),
            Answer::Type { .. } | Answer::Number { .. } => 0,
        };
        let mut shown: Vec<usize> = (0..parts).collect();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        shuffle(&mut shown, &mut random);
        // Steps shown in their right order would give the answer away.
        let ordered = shown.windows(2).all(|pair| pair[0] < pair[1]);
        if ordered && matches!(candidate.check.answer, Answer::Order { .. }) {
            shown.rotate_left(1);
        }
        Self { candidate, shown }
    }
}

/// Draws up to `count` candidates by `seed`. No card gives a second question before every card
/// has given its first.
pub fn draw(candidates: Vec<Candidate>, count: usize, seed: u64) -> Vec<Candidate> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut pool = candidates;
    shuffle(&mut pool, &mut random);
    let mut asked: std::collections::BTreeMap<CardId, usize> = std::collections::BTreeMap::new();
    let mut rounds: Vec<(usize, Candidate)> = pool
        .into_iter()
        .map(|candidate| {
            let round = candidate.source.card().map_or(0, |card| {
                let seen = asked.entry(card.clone()).or_default();
                *seen += 1;
                *seen - 1
            });
            (round, candidate)
        })
        .collect();
    rounds.sort_by_key(|(round, _)| *round);
    let mut drawn: Vec<Candidate> = rounds
        .into_iter()
        .take(count)
        .map(|(_, candidate)| candidate)
        .collect();
    shuffle(&mut drawn, &mut random);
    drawn
}

/// Fisher–Yates. The slight bias of the remainder is below one in 2^50 for lists this short.
fn shuffle<T>(items: &mut [T], random: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        let place = (random.next_u64() % (last as u64 + 1)) as usize;
        items.swap(last, place);
    }
}
