//! A mock interview: open questions answered aloud, points ticked honestly, follow-ups, and a verdict.
//!
//! A pure state machine. A question runs: speak against the clock, tick the points made and say
//! whether the trap was fallen into, answer the follow-ups one by one, next. A design drill
//! ([`super::design`]) may follow. The level reached is worked out from all of it, with its reasons.

use std::{collections::BTreeSet, time::Duration};

use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde::{Deserialize, Serialize};

use super::{SAVE_EVERY, design};
use crate::{
    bank::{Card, CardId, Drill, Kind, Level},
    memory::Rating,
};

/// A level counts as reached when its answers earn this share.
pub const REACHED: f64 = 0.65;
/// What falling into the trap costs an answer.
const TRAP_COST: f64 = 0.25;
/// The weight of the follow-ups where there are any.
const FOLLOW_UPS: f64 = 0.3;

/// A question as it is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The card.
    pub card: Card,
    /// The title of its deck.
    pub topic: String,
}

/// What the reader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Done speaking, done ticking, show the follow-up's answer: the next thing.
    Next,
    /// Tick or untick a point, by its place.
    Tick(usize),
    /// Say or unsay that the trap was fallen into.
    Trap,
    /// A shown follow-up was answered well or not; goes on.
    Judge(bool),
    /// Leave this question unanswered.
    Skip,
    /// Stop the clock.
    Pause,
    /// Let the clock run again.
    Resume,
    /// End here; what was not reached does not count.
    End,
    /// Nothing but time has passed.
    Wait,
    /// For the design drill.
    Design(design::Input),
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Keep this, so that the interview can be resumed.
    Save(Box<Snapshot>),
    /// The interview is over.
    Finished(Box<Report>),
}

/// Where the interview stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The question is out; the clock runs.
    Speaking,
    /// The same, with the clock stopped.
    Paused,
    /// Ticking points.
    Points,
    /// A follow-up is out.
    FollowUp {
        /// Which one.
        place: usize,
        /// Its answer is shown.
        shown: bool,
    },
    /// The design drill runs.
    Design,
    /// Over.
    Done,
}

/// What was said to one question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// Points made, by place.
    pub ticked: BTreeSet<usize>,
    /// The trap was fallen into.
    pub trapped: bool,
    /// How each follow-up went, in order.
    pub follow_ups: Vec<bool>,
    /// Time spoken.
    pub spent: Duration,
    /// It was answered rather than skipped.
    pub answered: bool,
}

/// Everything needed to go on after an interruption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The cards, in order.
    pub cards: Vec<CardId>,
    /// What was said to each.
    pub sheets: Vec<Sheet>,
    /// The open question.
    pub at: usize,
    /// Where the interview stands.
    pub phase: Phase,
    /// The design drill, once it has begun or where one is to come.
    pub design: Option<design::Snapshot>,
}

/// One answer, summed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The card.
    pub card: CardId,
    /// The title of its deck.
    pub topic: String,
    /// Its level, in the word of the bank.
    pub level: String,
    /// Points made.
    pub made: Vec<String>,
    /// Points missed.
    pub missed: Vec<String>,
    /// The trap, where it was fallen into.
    pub trap: Option<String>,
    /// Follow-ups answered well, of how many asked.
    pub follow_ups: (usize, usize),
    /// Time spoken.
    pub spent: Duration,
    /// What it is worth, from 0 to 1.
    pub worth: f64,
}

/// Less than it takes; what is only lost in rounding does not count.
fn short(worth: f64) -> bool {
    worth + 1e-9 < REACHED
}

impl Answer {
    /// It earned too little, or the trap was fallen into.
    pub fn fell_short(&self) -> bool {
        short(self.worth) || self.trap.is_some()
    }
}

/// What an interview came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The answers, in order; questions not reached are left out.
    pub answers: Vec<Answer>,
    /// The design drill, where one was done.
    pub design: Option<design::Report>,
    /// The level reached, in the word of the bank; none when not even the lowest was.
    pub level: Option<String>,
    /// How that came about, a sentence a level.
    pub reasons: Vec<String>,
}

/// What an interview means for the drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The answer was poor: the card comes back now.
    MakeDue(CardId),
    /// It was due and was answered well: that is a review.
    Review(CardId, Rating),
}

impl Report {
    /// What follows for the drill.
    pub fn consequences(&self, is_due: impl Fn(&CardId) -> bool) -> Vec<Consequence> {
        let answers = self.answers.iter().filter_map(|answer| {
            let card = answer.card.clone();
            if answer.fell_short() {
                return Some(Consequence::MakeDue(card));
            }
            let rating = if answer.worth >= 0.85 {
                Rating::Good
            } else {
                Rating::Hard
            };
            let due = is_due(&card);
            due.then_some(Consequence::Review(card, rating))
        });
        answers.collect()
    }

    /// What the answers are worth on average, from 0 to 1; none without answers.
    pub fn share(&self) -> Option<f64> {
        let worths: f64 = self.answers.iter().map(|answer| answer.worth).sum();
        (!self.answers.is_empty()).then(|| worths / self.answers.len() as f64)
    }

    /// The level reached in words, where questions were asked: `medium`, `below medium`.
    pub fn reached(&self) -> String {
        if let Some(level) = &self.level {
            return level.clone();
        }
        let asked = |level: &Level| self.answers.iter().any(|a| a.level == level.word());
        let lowest = Level::ALL.into_iter().find(asked).unwrap_or(Level::ALL[0]);
        format!("below {}", lowest.word())
    }

    /// The cards that answers fell short on, the poorest first.
    pub fn to_drill(&self) -> Vec<CardId> {
        let mut poor: Vec<&Answer> = self
            .answers
            .iter()
            .filter(|answer| answer.fell_short())
            .collect();
        poor.sort_by(|a, b| a.worth.total_cmp(&b.worth));
        poor.into_iter().map(|answer| answer.card.clone()).collect()
    }

    /// Points made and points asked for, by topic in alphabetical order.
    pub fn by_topic(&self) -> Vec<(String, usize, usize)> {
        let mut topics: std::collections::BTreeMap<&str, (usize, usize)> =
            std::collections::BTreeMap::new();
        for answer in &self.answers {
            let topic = topics.entry(&answer.topic).or_default();
            topic.0 += answer.made.len();
            topic.1 += answer.made.len() + answer.missed.len();
        }
        topics
            .into_iter()
            .map(|(topic, (made, of))| (topic.to_owned(), made, of))
            .collect()
    }
}

/// Draws `count` open questions, spread over the levels and asked in rising order; cards that are
/// asked most come first within a level.
pub fn draw(questions: Vec<Question>, count: usize, seed: u64) -> Vec<Question> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut levels: Vec<Vec<(bool, u64, Question)>> = vec![Vec::new(); Level::ALL.len()];
    for question in questions {
        if question.card.kind == Kind::Open {
            let place = question.card.level as usize;
            let key = (!question.card.starred, random.next_u64());
            levels[place].push((key.0, key.1, question));
        }
    }
    for level in &mut levels {
        // Popped from the end: starred last, then by chance.
        level.sort_by_key(|(plain, chance, _)| std::cmp::Reverse((*plain, *chance)));
    }
    let mut drawn = Vec::new();
    while drawn.len() < count && levels.iter().any(|level| !level.is_empty()) {
        // Harder levels first, for they tell more about a senior candidate.
        for level in levels.iter_mut().rev() {
            if drawn.len() < count
                && let Some((_, _, question)) = level.pop()
            {
                drawn.push(question);
            }
        }
    }
    drawn.sort_by_key(|question| question.card.level);
    drawn
}

/// A running interview.
#[derive(Clone, Debug, PartialEq)]
pub struct Interview {
    questions: Vec<Question>,
    sheets: Vec<Sheet>,
    at: usize,
    phase: Phase,
    design: Option<design::Design>,
    last: Option<Duration>,
}

impl Interview {
    /// Begins an interview. Without questions it goes straight to the design drill, and without
    /// either it is over at once.
    pub fn new(questions: Vec<Question>, drill: Option<Drill>) -> Self {
        let sheets = vec![Sheet::default(); questions.len()];
        let design = drill.map(design::Design::new);
        let phase = match (questions.is_empty(), &design) {
            (false, _) => Phase::Speaking,
            (true, Some(_)) => Phase::Design,
            (true, None) => Phase::Done,
        };
        Self {
            questions,
            sheets,
            at: 0,
            phase,
            design,
            last: None,
        }
    }

    /// Takes up an interrupted interview; `find` looks a card up again and `drill` is the drill that
    /// the snapshot names. Questions no longer to be found are left out.
    pub fn resume(
        snapshot: Snapshot,
        find: impl Fn(&CardId) -> Option<Question>,
        drill: Option<Drill>,
    ) -> Self {
        let mut questions = Vec::new();
        let mut sheets = Vec::new();
        let mut at = 0;
        let mut open_is_gone = false;
        let lines = snapshot.cards.iter().zip(snapshot.sheets);
        for (place, (card, mut sheet)) in lines.enumerate() {
            match find(card) {
                Some(question) => {
                    sheet
                        .ticked
                        .retain(|point| *point < question.card.points.len());
                    questions.push(question);
                    sheets.push(sheet);
                    at += usize::from(place < snapshot.at);
                }
                None => open_is_gone |= place == snapshot.at,
            }
        }
        let mut interview = Self::new(questions, None);
        interview.sheets = sheets;
        interview.at = at.min(interview.questions.len().saturating_sub(1));
        interview.design = match (drill, snapshot.design) {
            (Some(drill), Some(snapshot)) => Some(design::Design::resume(drill, snapshot)),
            (drill, _) => drill.map(design::Design::new),
        };
        interview.phase = match snapshot.phase {
            Phase::Speaking => Phase::Paused,
            Phase::Done => Phase::Done,
            Phase::Design if interview.design.is_some() => Phase::Design,
            _ if interview.questions.is_empty() && interview.design.is_some() => Phase::Design,
            _ if interview.questions.is_empty() => Phase::Done,
            Phase::FollowUp { place, .. } if !interview.has_follow_up(place) || open_is_gone => {
                Phase::Paused
            }
            Phase::Design | Phase::Points | Phase::Paused if open_is_gone => Phase::Paused,
            Phase::Design => Phase::Points,
            other => other,
        };
        interview
    }

    /// Takes one input. `now` is a reading of a clock, which may be set back. Inputs that make no sense where the
    /// interview stands are ignored.
    pub fn handle(&mut self, input: Input, now: Duration) -> Vec<Effect> {
        let since = self
            .last
            .map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.last = Some(now);
        let mut to_keep = false;
        if self.phase == Phase::Speaking {
            let spent = &mut self.sheets[self.at].spent;
            let kept = spent.as_secs() / SAVE_EVERY.as_secs();
            *spent += since;
            to_keep = spent.as_secs() / SAVE_EVERY.as_secs() > kept;
        }
        match (self.phase, input) {
            (Phase::Done, _) => return Vec::new(),
            (_, Input::End) => return self.finish(),
            (Phase::Design, Input::Wait) => return self.pass_to_design(design::Input::Wait, now),
            (Phase::Design, Input::Design(input)) => return self.pass_to_design(input, now),
            (_, Input::Wait) if !to_keep => return Vec::new(),
            (_, Input::Wait) => {}
            (Phase::Speaking, Input::Next) => {
                self.sheets[self.at].answered = true;
                self.phase = Phase::Points;
            }
            (Phase::Speaking, Input::Pause) => self.phase = Phase::Paused,
            (Phase::Paused, Input::Resume | Input::Next) => self.phase = Phase::Speaking,
            (Phase::Speaking | Phase::Paused, Input::Skip) => return self.go_on(),
            (Phase::Points, Input::Tick(point)) => {
                if point < self.questions[self.at].card.points.len() {
                    let ticked = &mut self.sheets[self.at].ticked;
                    if !ticked.remove(&point) {
                        ticked.insert(point);
                    }
                }
            }
            (Phase::Points, Input::Trap) => {
                let has_trap = self.questions[self.at].card.trap.is_some();
                let sheet = &mut self.sheets[self.at];
                sheet.trapped = has_trap && !sheet.trapped;
            }
            (Phase::Points, Input::Next) => return self.open_follow_up(0),
            (Phase::FollowUp { place, .. }, Input::Next) => {
                self.phase = Phase::FollowUp { place, shown: true };
            }
            (Phase::FollowUp { place, shown: true }, Input::Judge(well)) => {
                let judged = &mut self.sheets[self.at].follow_ups;
                judged.truncate(place);
                judged.push(well);
                return self.open_follow_up(place + 1);
            }
            _ => return Vec::new(),
        }
        vec![self.save()]
    }

    fn has_follow_up(&self, place: usize) -> bool {
        let question = self.questions.get(self.at);
        question.is_some_and(|question| place < question.card.follow_ups.len())
    }

    fn open_follow_up(&mut self, place: usize) -> Vec<Effect> {
        if !self.has_follow_up(place) {
            return self.go_on();
        }
        self.phase = Phase::FollowUp {
            place,
            shown: false,
        };
        vec![self.save()]
    }

    /// The next question, the design drill, or the end.
    fn go_on(&mut self) -> Vec<Effect> {
        if self.at + 1 < self.questions.len() {
            self.at += 1;
            self.phase = Phase::Speaking;
        } else if self.design.is_some() {
            self.phase = Phase::Design;
        } else {
            return self.finish();
        }
        vec![self.save()]
    }

    fn pass_to_design(&mut self, input: design::Input, now: Duration) -> Vec<Effect> {
        let Some(design) = &mut self.design else {
            return self.finish();
        };
        let effects = design.handle(input, now);
        if design.phase() == design::Phase::Done {
            return self.finish();
        }
        if effects.is_empty() {
            Vec::new()
        } else {
            vec![self.save()]
        }
    }

    fn finish(&mut self) -> Vec<Effect> {
        let reached = match self.phase {
            Phase::Design => self.questions.len(),
            Phase::Speaking | Phase::Paused => self.at,
            _ => (self.at + 1).min(self.questions.len()),
        };
        let with_design = self.phase == Phase::Design;
        self.phase = Phase::Done;
        vec![Effect::Finished(Box::new(
            self.report(reached, with_design),
        ))]
    }

    fn save(&self) -> Effect {
        Effect::Save(Box::new(self.snapshot()))
    }

    /// What is needed to go on after an interruption.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            cards: self
                .questions
                .iter()
                .map(|question| question.card.id.clone())
                .collect(),
            sheets: self.sheets.clone(),
            at: self.at,
            phase: self.phase,
            design: self.design.as_ref().map(design::Design::snapshot),
        }
    }

    fn report(&self, reached: usize, with_design: bool) -> Report {
        let lines = self.questions.iter().zip(&self.sheets).take(reached);
        let answers: Vec<Answer> = lines
            .map(|(question, sheet)| sum_up(question, sheet))
            .collect();
        let (level, reasons) = verdict(&answers);
        Report {
            answers,
            design: self
                .design
                .as_ref()
                .filter(|_| with_design)
                .map(design::Design::report),
            level: level.map(|level| level.word().to_owned()),
            reasons,
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The number of the open question, from 0.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The open question; none in an interview of a design drill alone.
    pub fn question(&self) -> Option<&Question> {
        self.questions.get(self.at)
    }

    /// All questions, in order.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// What was said to each.
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// The design drill, where there is one.
    pub fn design(&self) -> Option<&design::Design> {
        self.design.as_ref()
    }
}

fn sum_up(question: &Question, sheet: &Sheet) -> Answer {
    let card = &question.card;
    let points = card.points.iter().enumerate();
    let (made, missed): (Vec<_>, Vec<_>) =
        points.partition(|(place, _)| sheet.ticked.contains(place));
    let texts = |points: Vec<(usize, &String)>| -> Vec<String> {
        points.into_iter().map(|(_, text)| text.clone()).collect()
    };
    let well = sheet.follow_ups.iter().filter(|well| **well).count();
    let asked = if sheet.answered {
        sheet.follow_ups.len()
    } else {
        0
    };
    let covered = if card.points.is_empty() {
        0.0
    } else {
        made.len() as f64 / card.points.len() as f64
    };
    let mut worth = covered;
    if asked > 0 {
        worth = covered * (1.0 - FOLLOW_UPS) + FOLLOW_UPS * well as f64 / asked as f64;
    }
    if sheet.trapped {
        worth -= TRAP_COST;
    }
    Answer {
        card: card.id.clone(),
        topic: question.topic.clone(),
        level: card.level.word().to_owned(),
        made: texts(made),
        missed: texts(missed),
        trap: card
            .trap
            .as_deref()
            .filter(|_| sheet.trapped)
            .map(str::to_owned),
        follow_ups: (well, asked),
        spent: sheet.spent,
        worth: worth.clamp(0.0, 1.0),
    }
}

/// The level reached: the highest whose answers earned [`REACHED`] on average, with no level below
/// it falling short. A level that was not asked about neither counts nor stops.
fn verdict(answers: &[Answer]) -> (Option<Level>, Vec<String>) {
    let mut reached = None;
    let mut stopped = false;
    let mut reasons = Vec::new();
    for level in Level::ALL {
        let worths: Vec<f64> = answers
            .iter()
            .filter(|answer| answer.level == level.word())
            .map(|answer| answer.worth)
            .collect();
        if worths.is_empty() {
            continue;
        }
        let mean = worths.iter().sum::<f64>() / worths.len() as f64;
        let noun = if worths.len() == 1 {
            "answer"
        } else {
            "answers"
        };
        let earned = format!(
            "{}: {} {noun} worth {:.0} %",
            level.word(),
            worths.len(),
            mean * 100.0
        );
        if short(mean) {
            stopped = true;
            reasons.push(format!(
                "{earned}, short of the {:.0} % it takes",
                REACHED * 100.0
            ));
        } else if stopped {
            reasons.push(format!("{earned}, but an easier level fell short"));
        } else {
            reached = Some(level);
            reasons.push(earned);
        }
    }
    (reached, reasons)
}

#[cfg(test)]
mod tests;
