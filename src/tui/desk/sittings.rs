//! Sittings that are over, as the log keeps their reports: quizzes, interviews, design drills, self-tests.
//!
//! One that was left without an answer is none. The reports are the sessions' own.

use serde_json::Value;

use super::{interviewing, practice};
use crate::{
    memory::Day,
    progress::{Activity, Progress, ProgressError, SessionReport},
    session::{interview, quiz, selftest},
    tui::text::{count, percent},
};

/// Sittings that are looked back at.
const SITTINGS_MAX: usize = 200;
/// What leaves a report.
const REPORTED: [Activity; 4] = [
    Activity::Quiz,
    Activity::Interview,
    Activity::Design,
    Activity::SelfTest,
];

/// What was sat.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A quiz.
    Quiz(quiz::Report),
    /// An interview, or a design drill alone.
    Interview(interview::Report),
    /// A self-test.
    SelfTest(selftest::Report),
}

/// A sitting and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sitting {
    /// The study day on which it ended.
    pub day: Day,
    /// What it was.
    pub activity: Activity,
    /// What it was about, in words.
    pub about: String,
    /// It came to its end; otherwise it was given up.
    pub finished: bool,
    /// Its report.
    pub outcome: Outcome,
}

/// All sittings, newest first.
///
/// # Errors
/// When the log cannot be read.
pub fn sittings(progress: &Progress) -> Result<Vec<Sitting>, ProgressError> {
    let mut sittings = Vec::new();
    for found in progress.reports(&REPORTED, SITTINGS_MAX)? {
        let about = found.session.map(|session| progress.about(session));
        let about = about.transpose()?.unwrap_or_default();
        sittings.extend(Sitting::read(found, about));
    }
    Ok(sittings)
}

impl Sitting {
    fn read(found: SessionReport, about: String) -> Option<Self> {
        fn from<T: serde::de::DeserializeOwned>(report: Value) -> Option<T> {
            serde_json::from_value(report).ok()
        }
        let outcome = match found.activity {
            Activity::Quiz => Outcome::Quiz(from(found.report)?),
            Activity::Interview | Activity::Design => Outcome::Interview(from(found.report)?),
            Activity::SelfTest => Outcome::SelfTest(from(found.report)?),
            Activity::Drill | Activity::Lab => return None,
        };
        let sitting = Self {
            day: found.day,
            activity: found.activity,
            about,
            finished: found.finished,
            outcome,
        };
        sitting.says_something().then_some(sitting)
    }

    fn says_something(&self) -> bool {
        match &self.outcome {
            Outcome::Quiz(report) => !report.verdicts.is_empty(),
            Outcome::Interview(report) => {
                let stages = report.design.iter().flat_map(|design| &design.stages);
                !report.answers.is_empty() || stages.into_iter().any(|stage| stage.finished)
            }
            Outcome::SelfTest(report) => !report.lines.is_empty(),
        }
    }

    /// What came of it, in a few words: `64 % of 20`, `medium, 58 %`, `1.3 of 2`.
    pub fn words(&self) -> String {
        let words = match &self.outcome {
            Outcome::Quiz(report) => {
                format!(
                    "{} of {}",
                    percent(report.score.share()),
                    report.score.asked
                )
            }
            Outcome::Interview(report) => match (report.share(), &report.design) {
                (Some(share), _) => format!("{}, {}", report.reached(), percent(share)),
                (None, Some(design)) => {
                    let stages = design.stages.iter().filter(|stage| stage.finished);
                    let stages = count(stages.count(), "stage", "stages");
                    format!("{stages}, {}", percent(design.share()))
                }
                (None, None) => String::new(),
            },
            Outcome::SelfTest(report) => {
                let skills = count(report.lines.len(), "skill", "skills");
                format!("{skills}, {:.1} of 2", report.mean().unwrap_or_default())
            }
        };
        if self.finished {
            words
        } else {
            format!("given up, {words}")
        }
    }
}

/// The quizzes among `sittings` that compare with this one, in their order.
pub fn quizzes_like(report: &quiz::Report, sittings: &[Sitting]) -> Vec<quiz::Report> {
    let finished = sittings.iter().filter(|sitting| sitting.finished);
    finished
        .filter_map(|sitting| match &sitting.outcome {
            Outcome::Quiz(other) if practice::alike(other, &report.settings) => Some(other.clone()),
            _ => None,
        })
        .collect()
}

/// The interviews or design drills among `sittings` that compare with this one, in their order.
pub fn interviews_like(report: &interview::Report, sittings: &[Sitting]) -> Vec<interview::Report> {
    let finished = sittings.iter().filter(|sitting| sitting.finished);
    finished
        .filter_map(|sitting| match &sitting.outcome {
            Outcome::Interview(other) if interviewing::alike(other, report) => Some(other.clone()),
            _ => None,
        })
        .collect()
}
