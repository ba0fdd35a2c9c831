//! A timed quiz: questions drawn by seed, a clock, marks.
//!
//! A pure state machine. It is told what the reader does and how much time a clock says has
//! passed, and returns what is to be recorded; it draws nothing, stores nothing and reads no
//! clock. `question` draws, `grade` marks, `report` sums up. Which event of the log an [`Effect`]
//! becomes is decided by the caller.

mod grade;
mod question;
mod report;

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

pub use grade::{Given, Mark, mark, read_number};
pub use question::{Candidate, Question, Source, draw};
pub use report::{Consequence, Report, Score, Verdict};

use super::SAVE_EVERY;
use crate::bank::Answer;

/// When answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// After each question.
    Practice,
    /// At the end; until then the reader may go back and change them.
    Exam,
}

/// How a quiz is to be run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Where the questions come from, in words, for the report and for comparing runs.
    pub about: String,
    /// How many questions are wanted.
    pub count: usize,
    /// When answers are shown.
    pub mode: Mode,
    /// The clock of the whole quiz.
    pub limit: Option<Duration>,
    /// The clock of each question.
    pub limit_each: Option<Duration>,
    /// Repeats the draw and all shuffles.
    pub seed: u64,
}

/// Why a quiz cannot begin or go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuizError {
    /// The filters leave nothing.
    #[error("no question matches {about}: choose another deck, tag, track or level")]
    NothingMatches {
        /// The settings' words.
        about: String,
    },
    /// A quiz of no questions.
    #[error("a quiz has at least one question, found 0")]
    NoQuestions,
    /// A clock of no time.
    #[error("{clock} must be longer than zero")]
    NoTime {
        /// Which clock.
        clock: &'static str,
    },
    /// Every question of an interrupted quiz has left the bank.
    #[error("none of the interrupted quiz's questions is in the bank any more")]
    Gone,
}

/// What the reader does. Places are those shown on screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Pick the choice at this place; in a question with one right choice it replaces the last pick.
    Pick(usize),
    /// Move the step at one place to another.
    Move {
        /// From this place.
        from: usize,
        /// To this place.
        to: usize,
    },
    /// The text field now holds this.
    Type(String),
    /// Done with this question: practice shows the answer, an exam goes on.
    Submit,
    /// Go on from a shown answer, or skip an exam question for now.
    Next,
    /// Go back (exam).
    Back,
    /// Go to a question by its number from 0 (exam).
    Go(usize),
    /// Mark or unmark the question for later.
    Flag,
    /// Stop the clock.
    Pause,
    /// Let the clock run again.
    Resume,
    /// End the quiz.
    HandIn,
    /// Nothing but time has passed.
    Tick,
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Keep this, so that the quiz can be resumed.
    Save(Box<Snapshot>),
    /// Practice: one question has been marked.
    Marked(Verdict),
    /// The quiz is over.
    Finished(Box<Report>),
}

/// Where a quiz stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// A question is open.
    Asking,
    /// Its answer is shown (practice).
    Answered,
    /// The clock stands.
    Paused,
    /// Over.
    Done,
}

/// Everything needed to go on after an interruption. Questions are named, not copied: they are
/// looked up in the bank again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// How the quiz is run.
    pub settings: Settings,
    /// What is asked, in order.
    pub sources: Vec<Source>,
    /// What was answered.
    pub answers: Vec<Sheet>,
    /// The open question.
    pub at: usize,
    /// Time on the clock so far, pauses left out.
    pub elapsed: Duration,
    /// How often the clock was stopped.
    pub pauses: u32,
}

/// One question's line on the answer sheet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// The answer.
    pub given: Given,
    /// Time spent on it.
    pub spent: Duration,
    /// No longer to be changed.
    pub locked: bool,
    /// Marked for later.
    pub flagged: bool,
}

/// A running quiz.
#[derive(Clone, Debug, PartialEq)]
pub struct Quiz {
    settings: Settings,
    questions: Vec<Question>,
    sheets: Vec<Sheet>,
    at: usize,
    phase: Phase,
    elapsed: Duration,
    pauses: u32,
    /// The reading of the clock at the last input.
    last: Option<Duration>,
}

impl Quiz {
    /// Draws a quiz from `candidates`. When there are fewer than wanted, all are asked:
    /// [`Self::len`] against `settings.count` tells.
    ///
    /// # Errors
    /// When nothing is left to ask or a clock is zero.
    pub fn new(candidates: Vec<Candidate>, settings: Settings) -> Result<Self, QuizError> {
        if settings.count == 0 {
            return Err(QuizError::NoQuestions);
        }
        for (clock, limit) in [
            ("the time for the whole quiz", settings.limit),
            ("the time for a question", settings.limit_each),
        ] {
            if limit.is_some_and(|limit| limit.is_zero()) {
                return Err(QuizError::NoTime { clock });
            }
        }
        if candidates.is_empty() {
            return Err(QuizError::NothingMatches {
                about: settings.about,
            });
        }
        let drawn = question::draw(candidates, settings.count, settings.seed);
        let questions = shuffled(drawn, settings.seed);
        let sheets = vec![Sheet::default(); questions.len()];
        Ok(Self {
            settings,
            questions,
            sheets,
            at: 0,
            phase: Phase::Asking,
            elapsed: Duration::ZERO,
            pauses: 0,
            last: None,
        })
    }

    /// Takes up an interrupted quiz; `find` looks a question up again. Questions that are no longer
    /// to be found are left out. The quiz waits, paused, where it was left.
    ///
    /// # Errors
    /// When none of its questions is to be found.
    pub fn resume(
        snapshot: Snapshot,
        mut find: impl FnMut(&Source) -> Option<Candidate>,
    ) -> Result<Self, QuizError> {
        let mut questions = Vec::new();
        let mut sheets = Vec::new();
        let mut at = 0;
        let lines = snapshot.sources.iter().zip(snapshot.answers);
        for (place, (source, sheet)) in lines.enumerate() {
            let seed = seed_of(snapshot.settings.seed, place);
            let Some(candidate) = find(source) else {
                continue;
            };
            if place < snapshot.at {
                at += 1;
            }
            let question = Question::new(candidate, seed);
            sheets.push(if fits(&question.candidate.check.answer, &sheet.given) {
                sheet
            } else {
                Sheet {
                    given: Given::Nothing,
                    ..sheet
                }
            });
            questions.push(question);
        }
        if questions.is_empty() {
            return Err(QuizError::Gone);
        }
        Ok(Self {
            at: at.min(questions.len() - 1),
            settings: snapshot.settings,
            questions,
            sheets,
            phase: Phase::Paused,
            elapsed: snapshot.elapsed,
            pauses: snapshot.pauses,
            last: None,
        })
    }

    /// Takes one input. `now` is a reading of a clock; from one that was set back, time is counted on
    /// where it was set to. Inputs that make no sense where the quiz stands are ignored.
    pub fn handle(&mut self, input: Input, now: Duration) -> Vec<Effect> {
        let before = (self.at, self.phase);
        let mut effects = self.pass(now);
        // What was meant for a question whose time is over must not reach another.
        if self.phase == Phase::Done || before != (self.at, self.phase) {
            return effects;
        }
        match (self.phase, input) {
            (Phase::Paused, Input::Resume) => {
                self.phase = if self.is_shown() {
                    Phase::Answered
                } else {
                    Phase::Asking
                };
            }
            (Phase::Asking | Phase::Answered, Input::Pause) => {
                self.phase = Phase::Paused;
                self.pauses += 1;
                effects.push(self.save());
            }
            (_, Input::HandIn) => effects.extend(self.finish()),
            (_, Input::Flag) => {
                let sheet = &mut self.sheets[self.at];
                sheet.flagged = !sheet.flagged;
                effects.push(self.save());
            }
            (Phase::Asking, Input::Submit) => effects.extend(self.submit()),
            (Phase::Answered, Input::Next | Input::Submit) => effects.extend(self.advance()),
            (Phase::Asking, Input::Next) if self.settings.mode == Mode::Exam => {
                effects.extend(self.advance());
            }
            (Phase::Asking, Input::Back) => self.turn_to(self.at.checked_sub(1)),
            (Phase::Asking, Input::Go(place)) => self.turn_to(Some(place)),
            (Phase::Asking, Input::Pick(place)) => {
                self.pick(place);
                effects.push(self.save());
            }
            (Phase::Asking, Input::Move { from, to }) => {
                self.move_step(from, to);
                effects.push(self.save());
            }
            (Phase::Asking, Input::Type(text)) => self.type_text(text),
            _ => {}
        }
        effects
    }

    /// Lets the time since the last input pass, and ends what has run out.
    fn pass(&mut self, now: Duration) -> Vec<Effect> {
        let since = self
            .last
            .map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.last = Some(now);
        if self.phase != Phase::Asking {
            // A shown answer may be read for as long as it takes.
            return Vec::new();
        }
        let left = self.left().unwrap_or(Duration::MAX);
        let left_here = self.left_here().unwrap_or(Duration::MAX);
        let counted = since.min(left).min(left_here);
        let kept = self.elapsed.as_secs() / SAVE_EVERY.as_secs();
        self.elapsed += counted;
        self.sheets[self.at].spent += counted;
        if counted == left {
            return self.finish();
        }
        if counted == left_here {
            return self.submit();
        }
        if self.elapsed.as_secs() / SAVE_EVERY.as_secs() > kept {
            return vec![self.save()];
        }
        Vec::new()
    }

    fn submit(&mut self) -> Vec<Effect> {
        if self.settings.mode == Mode::Exam {
            if self.left_here() == Some(Duration::ZERO) {
                self.sheets[self.at].locked = true;
            }
            return self.advance();
        }
        self.sheets[self.at].locked = true;
        self.phase = Phase::Answered;
        vec![Effect::Marked(report::verdict(self, self.at)), self.save()]
    }

    /// Opens the next question that can still be answered; ends a practice after its last one, and
    /// an exam once none is left open.
    fn advance(&mut self) -> Vec<Effect> {
        let open = |place: &usize| !self.sheets[*place].locked;
        let next = match self.settings.mode {
            Mode::Practice => (self.at + 1..self.len()).find(open),
            Mode::Exam => {
                let after = (self.at + 1..self.len()).find(open);
                after.or_else(|| {
                    Some(self.at)
                        .filter(open)
                        .or_else(|| (0..self.at).find(open))
                })
            }
        };
        match next {
            Some(place) => {
                self.at = place;
                self.phase = Phase::Asking;
                vec![self.save()]
            }
            None => self.finish(),
        }
    }

    fn turn_to(&mut self, place: Option<usize>) {
        let Some(place) = place.filter(|place| *place < self.len()) else {
            return;
        };
        if self.settings.mode == Mode::Exam && !self.sheets[place].locked {
            self.at = place;
        }
    }

    fn pick(&mut self, place: usize) {
        let question = &self.questions[self.at];
        let answer = &question.candidate.check.answer;
        let Some(&choice) = question.shown.get(place) else {
            return;
        };
        if !matches!(answer, Answer::Choose { .. }) {
            return;
        }
        let mut picked = match &self.sheets[self.at].given {
            Given::Picked(picked) => picked.clone(),
            _ => BTreeSet::new(),
        };
        let was = picked.remove(&choice);
        if !answer.several() {
            picked.clear();
        }
        if !was {
            picked.insert(choice);
        }
        self.sheets[self.at].given = Given::Picked(picked);
    }

    fn move_step(&mut self, from: usize, to: usize) {
        let question = &self.questions[self.at];
        if !matches!(question.candidate.check.answer, Answer::Order { .. }) {
            return;
        }
        let mut order = match &self.sheets[self.at].given {
            Given::Ordered(order) => order.clone(),
            _ => question.shown.clone(),
        };
        if from < order.len() && to < order.len() {
            let step = order.remove(from);
            order.insert(to, step);
            self.sheets[self.at].given = Given::Ordered(order);
        }
    }

    fn type_text(&mut self, text: String) {
        let answer = &self.questions[self.at].candidate.check.answer;
        if matches!(answer, Answer::Type { .. } | Answer::Number { .. }) {
            self.sheets[self.at].given = Given::Typed(text);
        }
    }

    fn finish(&mut self) -> Vec<Effect> {
        self.phase = Phase::Done;
        vec![Effect::Finished(Box::new(report::report(self)))]
    }

    fn save(&self) -> Effect {
        Effect::Save(Box::new(self.snapshot()))
    }

    /// What is needed to go on after an interruption.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            settings: self.settings.clone(),
            sources: self
                .questions
                .iter()
                .map(|question| question.candidate.source.clone())
                .collect(),
            answers: self.sheets.clone(),
            at: self.at,
            elapsed: self.elapsed,
            pauses: self.pauses,
        }
    }

    fn is_shown(&self) -> bool {
        self.settings.mode == Mode::Practice && self.sheets[self.at].locked
    }

    /// How the quiz is run.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// How many questions it has.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a quiz has at least one question"
    )]
    pub fn len(&self) -> usize {
        self.questions.len()
    }

    /// The number of the open question, from 0.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The open question.
    pub fn question(&self) -> &Question {
        &self.questions[self.at]
    }

    /// All questions, in order.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The answer sheet, a line a question.
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// The steps as they stand now, for a question that asks for an order.
    pub fn order(&self) -> &[usize] {
        match &self.sheets[self.at].given {
            Given::Ordered(order) => order,
            _ => &self.questions[self.at].shown,
        }
    }

    /// The mark of a question as answered so far.
    pub fn verdict(&self, place: usize) -> Option<Verdict> {
        (place < self.len()).then(|| report::verdict(self, place))
    }

    /// Time on the clock so far, pauses and shown answers left out.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// How often the clock was stopped.
    pub fn pauses(&self) -> u32 {
        self.pauses
    }

    /// What is left on the clock of the whole quiz.
    pub fn left(&self) -> Option<Duration> {
        let limit = self.settings.limit?;
        Some(limit.saturating_sub(self.elapsed))
    }

    /// What is left on the clock of the open question.
    pub fn left_here(&self) -> Option<Duration> {
        let limit = self.settings.limit_each?;
        Some(limit.saturating_sub(self.sheets[self.at].spent))
    }
}

fn shuffled(drawn: Vec<Candidate>, seed: u64) -> Vec<Question> {
    drawn
        .into_iter()
        .enumerate()
        .map(|(place, candidate)| Question::new(candidate, seed_of(seed, place)))
        .collect()
}

/// The seed of the shuffle at `place`: the golden ratio in 64 bits keeps neighbours apart.
fn seed_of(seed: u64, place: usize) -> u64 {
    seed ^ (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Whether `given` can be an answer to `answer`: a check may have been edited meanwhile.
fn fits(answer: &Answer, given: &Given) -> bool {
    match (answer, given) {
        (_, Given::Nothing) => true,
        (Answer::Choose { choices }, Given::Picked(picked)) => {
            picked.iter().all(|choice| *choice < choices.len())
        }
        (Answer::Order { steps, .. }, Given::Ordered(order)) => {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            sorted.into_iter().eq(0..steps.len())
        }
        (Answer::Type { .. } | Answer::Number { .. }, Given::Typed(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
