//! A scenario without anybody watching: every step run, every prediction's answer computed, every claim checked.

use std::sync::Arc;

use crate::sim::{
    event::{Event, EventId},
    spec::SpecError,
    time::Time,
};

use super::{
    play::{Broken, Compared, Play, Stage},
    prediction,
    scenario::Scenario,
};

/// How a step went.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Its heading.
    pub title: String,
    /// When it began.
    pub began: Time,
    /// When it was over.
    pub ended: Time,
    /// Its predictions with the right answers in words.
    pub predictions: Vec<(String, String)>,
    /// What its twin showed.
    pub compared: Vec<Compared>,
    /// What it promised and did not keep.
    pub broken: Vec<Broken>,
}

/// How a scenario went.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its steps; fewer than the scenario has when a time limit came before.
    pub steps: Vec<StepReport>,
    /// The run at its end.
    pub play: Play,
}

impl Report {
    /// Whether every promise was kept.
    pub fn kept(&self) -> bool {
        self.play.broken().is_empty()
    }

    /// Everything that happened, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.play.timeline().cluster().events_since(EventId(0))
    }
}

/// Runs a scenario from beginning to end, or until a moment of it.
///
/// # Errors
/// A cluster that cannot be.
pub fn run(scenario: &Arc<Scenario>, seed: u64, until: Option<Time>) -> Result<Report, SpecError> {
    let mut play = Play::new(Arc::clone(scenario), seed)?;
    let mut steps = Vec::new();
    let limit = until.unwrap_or(Time::MAX);
    while play.stage() != Stage::Finished && play.timeline().now() < limit {
        let (number, began) = (play.step_number(), play.timeline().now());
        let mut compared = Vec::new();
        while play.step_number() == number && play.stage() != Stage::Finished {
            if play.stage() == Stage::Running {
                let now = play.timeline().now();
                play.advance(limit.since(now));
                if play.stage() == Stage::Running && play.timeline().now() >= limit {
                    break;
                }
                continue;
            }
            if play.stage() == Stage::Comparing {
                compared = play.compared().to_vec();
            }
            play.go_on();
        }
        steps.push(report(&play, number, began, compared));
        if play.stage() == Stage::Running {
            break;
        }
    }
    if let Some(until) = until
        && play.stage() == Stage::Finished
    {
        play.timeline_mut().run_until(until);
    }
    Ok(Report { steps, play })
}

fn report(play: &Play, number: usize, began: Time, compared: Vec<Compared>) -> StepReport {
    let step = play.scenario().steps.get(number);
    let predictions = play
        .outcomes()
        .iter()
        .filter(|outcome| outcome.step == number)
        .filter_map(|outcome| {
            let prediction = step?.predict.get(outcome.place)?;
            let answer = match &outcome.truth {
                Ok(truth) => prediction::in_words(prediction, truth),
                Err(error) => error.to_string(),
            };
            Some((prediction.ask.trim().to_owned(), answer))
        })
        .collect();
    StepReport {
        title: step.map_or_else(String::new, |step| step.title.clone()),
        began,
        ended: play.timeline().now(),
        predictions,
        compared,
        broken: play
            .broken()
            .iter()
            .filter(|broken| broken.step == number)
            .cloned()
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bank::built_in, lab::scenario};

    #[test]
    fn every_scenario_keeps_what_it_promises() {
        let bank = built_in().unwrap();
        let mut broken = Vec::new();
        for source in &bank.scenarios {
            let scenario = Arc::new(scenario::read(source, &bank).0.unwrap());
            let report = run(&scenario, scenario.seed, None).unwrap();
            assert_eq!(report.steps.len(), scenario.steps.len(), "{}", source.id);
            broken.extend(
                report
                    .play
                    .broken()
                    .iter()
                    .map(|b| format!("{} step {} at {}: {}", source.id, b.step + 1, b.at, b.what)),
            );
        }
        assert!(broken.is_empty(), "{broken:#?}");
    }

    #[test]
    fn a_run_is_the_same_however_it_is_cut_into_pieces() {
        let bank = built_in().unwrap();
        let source = bank.scenario(&"isr-falls-behind".into()).unwrap();
        let scenario = Arc::new(scenario::read(source, &bank).0.unwrap());
        let whole = run(&scenario, 42, None).unwrap();
        let mut play = Play::new(Arc::clone(&scenario), 42).unwrap();
        while play.stage() != Stage::Finished {
            if play.stage() == Stage::Running {
                play.advance(Time::millis(137));
            } else {
                play.go_on();
            }
        }
        let events = |play: &Play| -> Vec<String> {
            let cluster = play.timeline().cluster();
            cluster
                .events_since(EventId(0))
                .map(ToString::to_string)
                .collect()
        };
        assert_eq!(events(&whole.play), events(&play));
        assert_eq!(whole.play.timeline().view(), play.timeline().view());
    }
}
