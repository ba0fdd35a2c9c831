//! A scenario being played: which step it is in, what comes next, what was predicted and how it came.
//!
//! A state machine around a [`Timeline`]. It does not ask for time by itself: whoever shows it calls [`Play::advance`]
//! with how much virtual time may pass. The headless [`super::runner`] drives the same machine, so that what is checked
//! is what is played.

use std::sync::Arc;

use crate::{
    bank::CardId,
    sim::{
        cluster::CommandError,
        command::Command,
        query::{Condition, Observe, Query},
        spec::SpecError,
        time::Time,
    },
};

use super::{
    prediction::{self, Reply, Truth, TruthError},
    scenario::{Run, Scenario, Step, Twin},
    timeline::{END_MAX, Given, SeekError, Timeline},
};

/// How often a step that runs until something is true looks whether it is.
const LOOK_EVERY: Time = Time::millis(50);

/// Where in a step the play is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// What to know before is shown.
    Reading,
    /// This prediction is asked for.
    Asking(usize),
    /// Time goes on.
    Running,
    /// It has come as it came: answers and explanation are shown.
    Told,
    /// The twin is shown beside it.
    Comparing,
    /// The scenario is over.
    Finished,
}

/// A prediction with how it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The step, from 0.
    pub step: usize,
    /// The prediction in the step, from 0.
    pub place: usize,
    /// The answer; none when it was passed over.
    pub reply: Option<Reply>,
    /// What is right.
    pub truth: Result<Truth, TruthError>,
    /// Whether the answer is right; false when it was passed over.
    pub right: bool,
}

/// A claim that failed, or something else that a scenario promised and did not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The step, from 0.
    pub step: usize,
    /// When.
    pub at: Time,
    /// What was claimed and what is.
    pub what: String,
}

/// A line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// What is compared.
    pub what: String,
    /// In the scenario.
    pub here: String,
    /// In the twin.
    pub there: String,
}

/// The step that runs.
#[derive(Clone, Debug)]
struct Target {
    from: Time,
    until: Time,
}

/// A scenario being played.
#[derive(Clone, Debug)]
pub struct Play {
    scenario: Arc<Scenario>,
    timeline: Timeline,
    twin: Option<Timeline>,
    step: usize,
    stage: Stage,
    target: Option<Target>,
    /// Where the step began, and what the script had given by then.
    began: (Time, Vec<Given>),
    /// The script's commands so far.
    script: Vec<Given>,
    /// Where the script stands.
    at: Time,
    replies: Vec<Option<Reply>>,
    early: Vec<Option<Result<Truth, TruthError>>>,
    outcomes: Vec<Outcome>,
    broken: Vec<Broken>,
    compared: Vec<Compared>,
    off_script: bool,
}

impl Play {
    /// A scenario at its first step.
    ///
    /// # Errors
    /// A cluster that cannot be.
    pub fn new(scenario: Arc<Scenario>, seed: u64) -> Result<Self, SpecError> {
        let timeline = Timeline::new(&scenario.cluster, seed)?;
        let mut play = Self {
            scenario,
            timeline,
            twin: None,
            step: 0,
            stage: Stage::Reading,
            target: None,
            began: (Time::ZERO, Vec::new()),
            script: Vec::new(),
            at: Time::ZERO,
            replies: Vec::new(),
            early: Vec::new(),
            outcomes: Vec::new(),
            broken: Vec::new(),
            compared: Vec::new(),
            off_script: false,
        };
        play.enter();
        Ok(play)
    }

    /// The scenario.
    pub fn scenario(&self) -> &Arc<Scenario> {
        &self.scenario
    }

    /// Its run.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The run, to walk in it. Commands go through [`Play::give`].
    pub fn timeline_mut(&mut self) -> &mut Timeline {
        &mut self.timeline
    }

    /// The twin's run, while it is shown.
    pub fn twin(&self) -> Option<&Timeline> {
        self.twin.as_ref()
    }

    /// The step, from 0.
    pub fn step_number(&self) -> usize {
        self.step
    }

    /// The step.
    pub fn step(&self) -> Option<&Step> {
        self.scenario.steps.get(self.step)
    }

    /// Where in the step it is.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Predictions so far, with how they came.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// What the scenario promised and did not keep, so far.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// The comparison with the twin, while it is shown.
    pub fn compared(&self) -> &[Compared] {
        &self.compared
    }

    /// Where the script stands: the moment at which run and twin were compared.
    pub fn script_at(&self) -> Time {
        self.at
    }

    /// Where the step that runs will stop at the latest.
    pub fn runs_until(&self) -> Option<Time> {
        self.target.as_ref().map(|target| target.until)
    }

    /// Whether the reader has given commands of their own, so that the script waits.
    pub fn is_off_script(&self) -> bool {
        self.off_script
    }

    /// The cards that an outcome makes due, when it is wrong.
    pub fn cards(&self, outcome: &Outcome) -> Vec<CardId> {
        let own = self
            .scenario
            .steps
            .get(outcome.step)
            .and_then(|step| step.predict.get(outcome.place))
            .map(|prediction| prediction.cards.clone())
            .unwrap_or_default();
        if own.is_empty() {
            self.scenario.see.cards.clone()
        } else {
            own
        }
    }

    /// Goes to the beginning of the present step's stages.
    fn enter(&mut self) {
        let Some(step) = self.scenario.steps.get(self.step) else {
            self.stage = Stage::Finished;
            return;
        };
        self.replies = vec![None; step.predict.len()];
        self.early = vec![None; step.predict.len()];
        self.began = (self.at, self.script.clone());
        self.compared.clear();
        self.twin = None;
        self.target = None;
        self.stage = if step.say.trim().is_empty() && !step.predict.is_empty() {
            Stage::Asking(0)
        } else {
            Stage::Reading
        };
    }

    /// Goes on: from reading to the first prediction, past a prediction without an answer, to the end of a run, from
    /// the explanation to the twin or the next step.
    pub fn go_on(&mut self) {
        match self.stage {
            Stage::Reading => self.ask_from(0),
            Stage::Asking(place) => {
                self.early_truth(place);
                self.ask_from(place + 1);
            }
            Stage::Running => {
                self.return_to_script();
                while self.stage == Stage::Running {
                    self.advance(Time::secs(3600));
                }
            }
            Stage::Told => {
                self.return_to_script();
                if self.step().is_some_and(|step| step.twin.is_some()) {
                    self.compare();
                } else {
                    self.next_step();
                }
            }
            Stage::Comparing => {
                self.return_to_script();
                self.next_step();
            }
            Stage::Finished => {}
        }
    }

    /// Answers the prediction that is asked for, and goes on.
    ///
    /// # Errors
    /// A text that cannot be an answer, with what would do; then nothing changes.
    pub fn answer(&mut self, reply: Reply) -> Result<(), String> {
        let Stage::Asking(place) = self.stage else {
            return Ok(());
        };
        let reply = match (reply, self.step().and_then(|step| step.predict.get(place))) {
            (Reply::Typed(text), Some(prediction)) => {
                let cluster = self.timeline.cluster();
                Reply::Typed(prediction::tidy(prediction, &text, cluster)?)
            }
            (reply, _) => reply,
        };
        if let Some(slot) = self.replies.get_mut(place) {
            *slot = Some(reply);
        }
        self.go_on();
        Ok(())
    }

    fn early_truth(&mut self, place: usize) {
        let truth = self
            .scenario
            .steps
            .get(self.step)
            .and_then(|step| step.predict.get(place))
            .filter(|prediction| prediction.at_once)
            .map(|prediction| prediction::truth(prediction, self.timeline.cluster()));
        if let Some(slot) = self.early.get_mut(place) {
            *slot = truth;
        }
    }

    fn ask_from(&mut self, place: usize) {
        // what is predicted is the script's future
        self.return_to_script();
        if self.step().is_some_and(|step| place < step.predict.len()) {
            self.stage = Stage::Asking(place);
        } else {
            self.begin();
        }
    }

    /// Gives the step's commands and starts its run.
    fn begin(&mut self) {
        let scenario = Arc::clone(&self.scenario);
        let Some(step) = scenario.steps.get(self.step) else {
            return;
        };
        for command in &step.commands {
            if let Err(error) = self.timeline.give(command.clone()) {
                self.fail(format!("`{command}`: {error}"));
            }
        }
        // to go on with the script is no branch, however far ahead the reader has looked
        self.timeline.forget_branch();
        self.script = self.timeline.given().to_vec();
        self.at = self.timeline.now();
        let length = match &step.run {
            None => Time::ZERO,
            Some(Run::For(length) | Run::Until { limit: length, .. }) => *length,
        };
        self.target = Some(Target {
            from: self.at,
            until: self.at + length,
        });
        self.stage = Stage::Running;
        if length == Time::ZERO {
            self.settle();
        }
    }

    /// Lets at most `budget` of virtual time pass. While a step runs it stops at the step's end.
    pub fn advance(&mut self, budget: Time) {
        let to = self.timeline.now() + budget;
        let Some(target) = self
            .target
            .clone()
            .filter(|_| self.stage == Stage::Running && !self.off_script)
        else {
            self.timeline.run_until(to);
            if let Some(twin) = &mut self.twin {
                twin.run_until(to);
            }
            return;
        };
        let condition = match self.step().and_then(|step| step.run.clone()) {
            Some(Run::Until { condition, .. }) => Some(condition),
            _ => None,
        };
        let Some(condition) = condition else {
            self.timeline.run_until(to.min(target.until));
            if self.timeline.now() >= target.until {
                self.settle();
            }
            return;
        };
        // the reader may have gone back to before the step
        self.timeline.run_until(to.min(target.from));
        while self.timeline.now() >= target.from {
            let now = self.timeline.now();
            match condition.holds(self.timeline.cluster()) {
                // looked at on a fixed grid, so that the moment does not depend on who shows it
                Ok(true) if on_grid(now, target.from) => return self.settle(),
                Ok(_) => {}
                Err(error) => {
                    self.fail(format!("`{condition}`: {error}"));
                    return self.settle();
                }
            }
            if now >= target.until {
                let waited = target.until.since(target.from).span();
                self.fail(format!("`{condition}` has not become true within {waited}"));
                return self.settle();
            }
            if now >= to {
                return;
            }
            let next =
                target.from + Time((now.since(target.from).0 / LOOK_EVERY.0 + 1) * LOOK_EVERY.0);
            self.timeline.run_until(next.min(target.until).min(to));
        }
    }

    fn fail(&mut self, what: String) {
        self.broken.push(Broken {
            step: self.step,
            at: self.timeline.now(),
            what,
        });
    }

    /// The run is over: grades the predictions and checks the claims.
    fn settle(&mut self) {
        self.target = None;
        self.at = self.timeline.now();
        self.stage = Stage::Told;
        let scenario = Arc::clone(&self.scenario);
        let Some(step) = scenario.steps.get(self.step) else {
            return;
        };
        for (place, prediction) in step.predict.iter().enumerate() {
            let early = self.early.get_mut(place).and_then(Option::take);
            let truth =
                early.unwrap_or_else(|| prediction::truth(prediction, self.timeline.cluster()));
            let reply = self.replies.get(place).cloned().flatten();
            let right = match (&reply, &truth) {
                (Some(reply), Ok(truth)) => {
                    prediction::is_right(prediction, reply, truth).unwrap_or(false)
                }
                _ => false,
            };
            if let Err(error) = &truth {
                self.fail(format!(
                    "the prediction \"{}\": {error}",
                    prediction.ask.trim()
                ));
            }
            self.outcomes.push(Outcome {
                step: self.step,
                place,
                reply,
                truth,
                right,
            });
        }
        for claim in &step.claims {
            if let Some(broken) = against(claim, &self.timeline) {
                self.fail(format!("claimed {broken}"));
            }
        }
        let kept = self.broken.iter().all(|broken| broken.step != self.step);
        let nothing_to_tell =
            step.predict.is_empty() && step.reveal.is_none() && step.twin.is_none() && kept;
        if nothing_to_tell {
            self.go_on();
        }
    }

    /// Runs the twin up to this moment and compares.
    fn compare(&mut self) {
        self.stage = Stage::Comparing;
        let scenario = Arc::clone(&self.scenario);
        let Some(twin) = scenario
            .steps
            .get(self.step)
            .and_then(|step| step.twin.as_ref())
        else {
            return;
        };
        match self.run_twin(twin) {
            Ok(there) => {
                self.compared = compared(twin, &self.timeline, &there);
                for claim in &twin.claims {
                    if let Some(broken) = against(claim, &there) {
                        self.fail(format!("claimed of the twin {broken}"));
                    }
                }
                self.twin = Some(there);
            }
            Err(error) => self.fail(format!("the twin: {error}")),
        }
    }

    fn run_twin(&mut self, twin: &Twin) -> Result<Timeline, SpecError> {
        let mut there = Timeline::new(&twin.cluster, self.timeline.seed())?;
        for given in self.script.clone() {
            there.run_until(given.at);
            if let Some(command) = twin.command(&given.command)
                && let Err(error) = there.give(command.clone())
            {
                self.fail(format!("in the twin `{command}`: {error}"));
            }
        }
        there.run_until(self.at);
        Ok(there)
    }

    fn next_step(&mut self) {
        self.step += 1;
        self.enter();
    }

    /// Gives a command of the reader's own, to the twin too while it is shown; the script waits from then on. What the
    /// twin says against it is returned: it can lack what the run has.
    ///
    /// # Errors
    /// What the cluster says against it; then nothing changes.
    pub fn give(&mut self, command: Command) -> Result<Option<CommandError>, CommandError> {
        self.timeline.give(command.clone())?;
        self.off_script = true;
        Ok(self.twin.as_mut().and_then(|twin| twin.give(command).err()))
    }

    /// The time left of the step that runs; none when none does, or the reader has left the script.
    fn left(&self) -> Option<Time> {
        let target = self.target.as_ref().filter(|_| !self.off_script)?;
        Some(target.until.since(self.timeline.now()))
    }

    /// Goes to the next event that there is, of the twin too while it is shown; a step that runs stops at its end. When
    /// none comes within `limit` it is false, and nothing changes.
    pub fn next_event(&mut self, limit: Time) -> bool {
        let left = self.left();
        let limit = left.map_or(limit, |left| left.min(limit));
        let ahead = |run: &Timeline| {
            let mut run = run.clone();
            run.next_event(limit).then_some(run)
        };
        let here = ahead(&self.timeline);
        if let Some(left) = left {
            let by = here.map_or(left, |run| run.now().since(self.timeline.now()));
            self.advance(by);
            return true;
        }
        let Some(twin) = &self.twin else {
            let Some(here) = here else { return false };
            self.timeline = here;
            return true;
        };
        let to = [here, ahead(twin)].into_iter().flatten();
        let to = to.map(|run| run.now()).min();
        to.is_some_and(|to| self.seek(to).is_ok())
    }

    /// Goes to the next moment worth a look, of the twin too while it is shown; a step that runs stops at its end. When
    /// none comes within [`super::timeline::LOOK_AHEAD`] it is false, and nothing changes.
    pub fn next_interesting(&mut self) -> bool {
        let runs = std::iter::once(&self.timeline).chain(&self.twin);
        let ahead = runs.map(|run| {
            let mut run = run.clone();
            (!run.next_interesting(), run.now())
        });
        // what is found comes before what is not
        let Some((missed, to)) = ahead.min() else {
            return false;
        };
        if let Some(left) = self.left() {
            let by = to.since(self.timeline.now());
            self.advance(if missed { left } else { by });
            return true;
        }
        !missed && self.seek(to).is_ok()
    }

    /// Goes back to the last moment worth a look, of the twin too while it is shown.
    pub fn previous_interesting(&mut self) {
        let runs = std::iter::once(&self.timeline).chain(&self.twin);
        let back = runs.map(|run| {
            let mut run = run.clone();
            run.previous_interesting();
            run.now()
        });
        if let Some(to) = back.max() {
            let _ = self.seek(to);
        }
    }

    /// Goes to a moment, the twin too; a step that runs stops at its end.
    ///
    /// # Errors
    /// A moment that is too far away; then nothing changes.
    pub fn seek(&mut self, to: Time) -> Result<(), SeekError> {
        let ahead = to.since(self.timeline.now());
        if self.left().is_some() && ahead > Time::ZERO && to <= END_MAX {
            self.advance(ahead);
            return Ok(());
        }
        self.timeline.seek(to)?;
        if let Some(twin) = &mut self.twin {
            twin.seek(to)?;
        }
        Ok(())
    }

    /// Forgets the reader's own commands and goes to where the script stands.
    pub fn return_to_script(&mut self) {
        if self.off_script {
            self.timeline.follow(self.script.clone(), self.at);
            self.off_script = false;
        } else if self.stage != Stage::Running && self.timeline.now() != self.at {
            let _ = self.timeline.seek(self.at);
        }
    }

    /// Goes back to the beginning of the step; its predictions can be made again, and count as they were first made.
    pub fn restart_step(&mut self) {
        let step = self.step;
        let (at, script) = self.began.clone();
        self.timeline.follow(script.clone(), at);
        self.off_script = false;
        self.at = at;
        self.script = script;
        self.outcomes.retain(|outcome| outcome.step != step);
        self.broken.retain(|broken| broken.step != step);
        self.enter();
    }
}

/// What speaks against a claim, if anything.
fn against(claim: &Condition, run: &Timeline) -> Option<String> {
    match claim.findings(run.cluster()) {
        Ok(findings) => {
            let broken = findings.into_iter().find(|finding| !finding.holds)?;
            Some(format!("`{}`, but it is {}", broken.test, broken.found))
        }
        Err(error) => Some(format!("`{claim}`: {error}")),
    }
}

fn on_grid(now: Time, from: Time) -> bool {
    now.since(from).0.is_multiple_of(LOOK_EVERY.0)
}

/// The queries of a comparison, here and there.
fn compared(twin: &Twin, here: &Timeline, there: &Timeline) -> Vec<Compared> {
    let value = |query: &Query, timeline: &Timeline| match timeline.cluster().observe(query) {
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    };
    twin.compare
        .iter()
        .map(|(what, query)| Compared {
            what: what.clone(),
            here: value(query, here),
            there: value(query, there),
        })
        .collect()
}

#[cfg(test)]
mod tests;
