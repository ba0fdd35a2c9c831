//! A guided failure scenario: what a scenario file says, read and checked.
//!
//! The format is described in `docs/SCENARIOS.md`. [`read()`] is strict: every mistake is told with file, line and column,
//! several per file, and a file with an error gives no scenario.

mod cluster;
mod names;
mod read;
mod steps;

pub use read::{read, read_sandbox};

use std::borrow::Cow;

use crate::{
    bank::{CardId, ChapterLink, Level, Origin, ScenarioId, See},
    sim::{
        command::Command,
        query::{Condition, Query},
        settings::Setting,
        spec::Spec,
        time::Time,
    },
};

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub id: ScenarioId,
    /// For people.
    pub title: String,
    /// One sentence about it (Markdown).
    pub about: String,
    /// How hard it is.
    pub level: Level,
    /// How long it takes a reader.
    pub minutes: u32,
    /// The seed that it was written with.
    pub seed: u64,
    /// The cluster.
    pub cluster: Spec,
    /// The cluster as the file writes it: the key and what stands below it.
    pub cluster_text: String,
    /// Where to read more.
    pub see: See,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// Where it was read from.
    pub origin: Origin,
}

impl Scenario {
    /// How many predictions it asks for.
    pub fn predictions(&self) -> usize {
        self.steps.iter().map(|step| step.predict.len()).sum()
    }

    /// How many claims it makes, those of its twins included.
    pub fn claims(&self) -> usize {
        let of = |step: &Step| step.claims.len() + step.twin.as_ref().map_or(0, |t| t.claims.len());
        self.steps.iter().map(of).sum()
    }
}

/// A step. Its parts happen in this order: say, predict, commands, run, claims, reveal, twin.
#[derive(Clone, Debug)]
pub struct Step {
    /// A heading.
    pub title: String,
    /// What to know before (Markdown); may be empty.
    pub say: String,
    /// What to predict before anything happens.
    pub predict: Vec<Prediction>,
    /// What is done to the cluster.
    pub commands: Vec<Command>,
    /// How far time goes on.
    pub run: Option<Run>,
    /// What must then be true.
    pub claims: Vec<Condition>,
    /// Why it came as it came.
    pub reveal: Option<Reveal>,
    /// The same with one thing changed.
    pub twin: Option<Twin>,
}

/// How far a step lets time go on.
#[derive(Clone, Debug)]
pub enum Run {
    /// So long.
    For(Time),
    /// Until something is true, at most so long; not getting there is a failed claim.
    Until {
        /// What must become true.
        condition: Condition,
        /// How long at most.
        limit: Time,
    },
}

/// A question whose answer the cluster gives.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The question (Markdown).
    pub ask: String,
    /// What can be answered, and what is right.
    pub answer: Answer,
    /// Whether the state before the step's commands decides, instead of the one after its run.
    pub at_once: bool,
    /// Why the right answer is right (Markdown); choices have a reason each besides.
    pub why: String,
    /// Cards that a wrong answer makes due; without any, those of the scenario.
    pub cards: Vec<CardId>,
}

/// How a prediction is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Pick one.
    Choices(Vec<Choice>),
    /// Type a number.
    Number {
        /// What gives the right one.
        of: Query,
        /// Its unit, shown beside the field; may be empty.
        unit: String,
        /// How far off still counts as right.
        tolerance: f64,
    },
    /// Type names: one broker, or a set of brokers, partitions, records or members.
    Names {
        /// What gives the right ones.
        of: Query,
        /// What kind of thing is asked for, shown beside the field.
        kind: String,
    },
}

/// A choice of a prediction. It is right when all its conditions hold.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What it says (Markdown).
    pub text: String,
    /// What makes it right.
    pub when: Vec<Condition>,
    /// Why it is right or wrong (Markdown).
    pub why: String,
}

/// Why something came as it came.
#[derive(Clone, Debug)]
pub struct Reveal {
    /// The explanation (Markdown).
    pub text: String,
    /// The rule behind it: a KIP, a class, a page; may be empty.
    pub rule: String,
    /// The settings that decide it; shown with the value they have here.
    pub settings: Vec<Setting>,
    /// The chapter that teaches it.
    pub chapter: Option<ChapterLink>,
    /// The cards on it.
    pub cards: Vec<CardId>,
}

/// The same scenario up to the same moment with one thing changed.
#[derive(Clone, Debug)]
pub struct Twin {
    /// What is different and why it matters (Markdown).
    pub about: String,
    /// What is not the same, as Kafka or the command line calls it: `replica.lag.time.max.ms`; may be empty.
    pub setting: String,
    /// A word for this side, such as `acks=all`; the other side is called [`Twin::here`].
    pub there: String,
    /// A word for the scenario's own side.
    pub here: String,
    /// The changed cluster.
    pub cluster: Spec,
    /// Commands that are replaced, or left out when there is nothing in their place.
    pub instead: Vec<(Command, Option<Command>)>,
    /// What is compared, in words and as a query.
    pub compare: Vec<(String, Query)>,
    /// What must be true there.
    pub claims: Vec<Condition>,
    /// What the comparison shows (Markdown).
    pub reveal: String,
}

impl Twin {
    /// What to call a side: the setting with its value there, or the word for the side alone.
    pub fn name<'t>(&'t self, side: &'t str) -> Cow<'t, str> {
        if self.setting.is_empty() {
            Cow::Borrowed(side)
        } else {
            Cow::Owned(format!("{}: {side}", self.setting))
        }
    }

    /// What is done there for a command of the scenario.
    pub fn command(&self, command: &Command) -> Option<Command> {
        match self.instead.iter().find(|(from, _)| from == command) {
            Some((_, to)) => to.clone(),
            None => Some(command.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
