//! What `highwater check` tells of a bank: its problems, and how many there are of everything.
//!
//! The report on a reader's own files follows from the program and those files alone. [`Kept`] keeps it in the cache
//! under a digest of both, and finds it again, without reading a card, for as long as nothing has changed. Printing is
//! the business of `cli`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    cache,
    collection::Bank,
    problem::{Problem, Severity},
    user::{self, Own},
};

/// Problems and counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Everything that is wrong, in the order in which it is told.
    pub problems: Vec<Problem>,
    /// How many there are of everything that is sound.
    pub counts: Counts,
}

/// How many there are of everything, under the names that reports use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the number of what it is called")]
pub struct Counts {
    pub decks: usize,
    pub cards: usize,
    pub checks: usize,
    pub chapters: usize,
    pub tracks: usize,
    pub drills: usize,
    pub skills: usize,
    pub stories: usize,
    pub prompts: usize,
    pub scenarios: usize,
}

impl Report {
    /// How many of the problems are errors.
    pub fn errors(&self) -> usize {
        let problems = self.problems.iter();
        problems
            .filter(|problem| problem.severity == Severity::Error)
            .count()
    }
}

impl Counts {
    /// What a bank holds.
    pub fn of(bank: &Bank) -> Self {
        Self {
            decks: bank.decks.len(),
            cards: bank.cards.len(),
            checks: bank.cards.iter().map(|card| card.checks.len()).sum(),
            chapters: bank.chapters.len(),
            tracks: bank.tracks.len(),
            drills: bank.drills.len(),
            skills: bank.areas.iter().map(|area| area.skills.len()).sum(),
            stories: bank.stories.len(),
            prompts: bank.prompts.len(),
            scenarios: bank.scenarios.len(),
        }
    }
}

/// The place of the report on a reader's files as they are now.
pub struct Kept<'o> {
    own: &'o Own,
    path: PathBuf,
    digest: u128,
}

impl<'o> Kept<'o> {
    /// Reads all the files once, to know what state they are in; `None` without a cache.
    pub fn of(own: &'o Own) -> Option<Self> {
        let folder = own.cache.as_deref()?;
        Some(Self {
            own,
            path: cache::path(folder, "report", &own.paths),
            digest: user::digest(own),
        })
    }

    /// The report that was kept, if it was on the files in this state.
    pub fn recall(&self) -> Option<Report> {
        let bytes = cache::read(&self.path)?;
        let (digest, report) = cache::body(&bytes)?.split_first_chunk()?;
        if u128::from_le_bytes(*digest) != self.digest {
            return None;
        }
        postcard::from_bytes(report).ok()
    }

    /// Keeps a report that was made since, unless the files have changed meanwhile.
    pub fn keep(self, report: &Report) {
        let Ok(bytes) = postcard::to_extend(report, Vec::new()) else {
            return;
        };
        if user::digest(self.own) == self.digest {
            cache::write(&self.path, |put| {
                put(&self.digest.to_le_bytes())?;
                put(&bytes)
            });
        }
    }
}
