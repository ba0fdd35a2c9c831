//! How the scenarios of the lab went, as the log has it; the predictions themselves are `lab`'s.

use std::collections::BTreeMap;

use crate::{
    bank::ScenarioId,
    memory::Day,
    progress::{EventKind, Progress, ProgressError},
};

/// How a scenario went: what counts of each prediction is the last time it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// Predictions that were right.
    pub right: usize,
    /// Predictions that were made.
    pub of: usize,
    /// The day of the last one.
    pub last: Day,
}

impl Played {
    /// The right ones of all, 0 to 1.
    pub fn share(&self) -> f64 {
        self.right as f64 / self.of.max(1) as f64
    }
}

/// Every scenario in which something was predicted.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn played(progress: &Progress) -> Result<BTreeMap<ScenarioId, Played>, ProgressError> {
    let mut latest = BTreeMap::new();
    for event in progress.events_of_kind("prediction")? {
        if let EventKind::Prediction {
            scenario,
            right,
            detail,
        } = event.kind
        {
            let which = (detail["step"].as_u64(), detail["prediction"].as_u64());
            latest.insert((scenario, which), (right, event.day));
        }
    }
    let mut all: BTreeMap<ScenarioId, Played> = BTreeMap::new();
    for ((scenario, _), (right, day)) in latest {
        let played = all.entry(scenario).or_insert(Played {
            right: 0,
            of: 0,
            last: day,
        });
        played.right += usize::from(right);
        played.of += 1;
        played.last = played.last.max(day);
    }
    Ok(all)
}
