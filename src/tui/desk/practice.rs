//! The other ways to practise, as bank and log have them: what a quiz may ask, and what becomes of its answers.
//!
//! Used by the screens and by the command line. What is right, how a clock runs and what follows from
//! a result is decided in `session`; here its effects become events of the log, each group of them
//! one transaction.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    bank::{Bank, CardId},
    lab::questions,
    memory::{Filter, Moment, Rating, Scheduler, States},
    progress::{Activity, EventId, EventKind, Progress, ProgressError, Review},
    session::quiz::{
        self, Candidate, Consequence, Quiz, Report, Settings, Snapshot, Source, Verdict,
    },
};

/// Below this chance of recall a card that was met counts as a weak spot; so does one that was missed before it was met.
const WEAK: f64 = 0.75;
/// One question in so many is made by the simulator, when nothing narrower is asked for.
const ENGINE_SHARE: usize = 5;
/// Quizzes that are looked back at.
const EARLIER: usize = 50;

/// What a quiz may ask.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pool {
    /// Cards whose checks may be asked.
    pub filter: Filter,
    /// Of those, only the ones that are weak.
    pub weak: bool,
    /// Only questions that the simulator makes.
    pub engine: bool,
    /// Only these, where there are any.
    pub only: Vec<Source>,
}

impl Pool {
    /// The pool in words.
    pub fn words(&self, bank: &Bank) -> String {
        let from = self.filter.words(bank);
        match (self.engine, self.weak) {
            (true, _) => questions::TOPIC.to_lowercase(),
            (false, true) if self.filter == Filter::default() => "my weak spots".to_owned(),
            (false, true) => format!("my weak spots of {from}"),
            (false, false) => from,
        }
    }

    /// What may be asked, `count` questions being wanted. `seed` is that of the quiz.
    pub fn candidates(
        &self,
        bank: &Bank,
        states: &States,
        scheduler: &Scheduler,
        at: Timestamp,
        count: usize,
        seed: u64,
    ) -> Vec<Candidate> {
        if !self.only.is_empty() {
            return self
                .only
                .iter()
                .filter_map(|source| find(bank, source))
                .collect();
        }
        if self.engine {
            return engine(count, seed);
        }
        let weak = |id: &CardId| {
            states.get(id).is_some_and(|state| {
                if state.is_new() {
                    state.due.is_some()
                } else {
                    scheduler.recall(state, at) < WEAK
                }
            })
        };
        let cards = self.filter.cards(bank, states);
        let checks: Vec<Candidate> = cards
            .into_iter()
            .filter(|card| !self.weak || weak(&card.id))
            .flat_map(|card| (0..card.checks.len()).map(|index| (card.id.clone(), index)))
            .filter_map(|(card, index)| find(bank, &Source::Check { card, index }))
            .collect();
        if self.weak || self.filter != Filter::default() {
            return checks;
        }
        let made = engine(count / ENGINE_SHARE, seed);
        let mut drawn = quiz::draw(checks, count.saturating_sub(made.len()), seed);
        drawn.extend(made);
        drawn
    }
}

/// `count` questions that the simulator makes, the families in turn.
fn engine(count: usize, seed: u64) -> Vec<Candidate> {
    let families = questions::FAMILIES.len();
    // A quiz of few questions begins at another family for another seed.
    let first = (seed % families as u64) as usize;
    (0..count)
        .filter_map(|n| {
            let family = &questions::FAMILIES[(first + n) % families];
            made(family.id, seed.wrapping_add(n as u64))
        })
        .collect()
}

fn made(family: &str, seed: u64) -> Option<Candidate> {
    let generated = questions::family(family)?.make(seed)?;
    Some(Candidate {
        source: Source::Engine {
            family: family.to_owned(),
            seed,
        },
        topic: questions::TOPIC.to_owned(),
        level: generated.level,
        check: generated.check,
        background: generated.background,
    })
}

/// Looks a question up again.
pub fn find(bank: &Bank, source: &Source) -> Option<Candidate> {
    match source {
        Source::Engine { family, seed } => made(family, *seed),
        Source::Check { card, index } => {
            let card = bank.card(card)?;
            let deck = bank.deck(&card.deck);
            Some(Candidate {
                source: source.clone(),
                topic: deck.map_or_else(|| card.deck.to_string(), |deck| deck.title.clone()),
                level: card.level,
                check: card.checks.get(*index)?.clone(),
                background: card.say.to_string(),
            })
        }
    }
}

/// A quiz that was left before its end.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftQuiz {
    /// Its session.
    pub session: EventId,
    /// Where it stood.
    pub snapshot: Snapshot,
}

impl LeftQuiz {
    /// Where it stands, in words.
    pub fn words(&self) -> String {
        format!(
            "{} of {} answered",
            self.answered(),
            self.snapshot.sources.len()
        )
    }

    /// Questions answered so far.
    pub fn answered(&self) -> usize {
        let answers = self.snapshot.answers.iter();
        answers.filter(|sheet| !sheet.given.is_nothing()).count()
    }
}

/// The newest quiz that was left before its end.
///
/// # Errors
/// When the log cannot be read.
pub fn left_quiz(progress: &Progress) -> Result<Option<LeftQuiz>, ProgressError> {
    let left = progress.interrupted()?.into_iter();
    Ok(left
        .filter(|session| session.activity == Activity::Quiz)
        .find_map(|session| {
            let kept = session.snapshot.unwrap_or(session.start);
            let snapshot = serde_json::from_value(kept).ok()?;
            Some(LeftQuiz {
                session: session.session,
                snapshot,
            })
        }))
}

/// Records that a quiz begins.
///
/// # Errors
/// When it could not be written.
pub fn begin_quiz(
    progress: &mut Progress,
    quiz: &Quiz,
    now: Moment,
) -> Result<EventId, ProgressError> {
    let start = to_json(&quiz.snapshot());
    progress.start_session(Activity::Quiz, &quiz.settings().about, &start, now)
}

/// Records what a quiz asks to be recorded, and gives the report once it is over.
///
/// A miss in practice is due at once; an exam says nothing before its end. A card that was due and
/// whose questions were all answered rightly counts as reviewed.
///
/// # Errors
/// When it could not be written; what was recorded before stays.
pub fn record_quiz(
    progress: &mut Progress,
    session: EventId,
    effects: Vec<quiz::Effect>,
    now: Moment,
) -> Result<Option<Report>, ProgressError> {
    let mut over = None;
    for effect in effects {
        match effect {
            quiz::Effect::Save(snapshot) => progress.save_session(session, &to_json(&*snapshot))?,
            quiz::Effect::Marked(verdict) => {
                let mut kinds = vec![answer(&verdict)];
                kinds.extend(miss(&verdict));
                progress.append_all(kinds, Some(session), now)?;
            }
            quiz::Effect::Finished(report) => {
                finish_quiz(progress, session, &report, now)?;
                over = Some(*report);
            }
        }
    }
    Ok(over)
}

fn finish_quiz(
    progress: &mut Progress,
    session: EventId,
    report: &Report,
    now: Moment,
) -> Result<(), ProgressError> {
    let known: Vec<Value> = progress
        .session_events(session)?
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::QuizAnswer { detail, .. } => Some(detail["source"].clone()),
            _ => None,
        })
        .collect();
    // In practice most answers are in the log already; unanswered ones never are.
    let unrecorded = report
        .verdicts
        .iter()
        .filter(|verdict| !known.contains(&to_json(&verdict.source)));
    let mut kinds: Vec<EventKind> = Vec::new();
    for verdict in unrecorded {
        kinds.push(answer(verdict));
        kinds.extend(miss(verdict));
    }
    if !kinds.is_empty() {
        progress.append_all(kinds, Some(session), now)?;
    }
    let states = progress.states()?;
    let is_due = |card: &CardId| states.get(card).is_some_and(|state| state.is_due(now));
    for consequence in report.consequences(is_due) {
        if let Consequence::Review(card, rating) = consequence {
            review(progress, session, card, rating, report, now)?;
        }
    }
    progress.end_session(session, Activity::Quiz, true, to_json(report), now)
}

fn review(
    progress: &mut Progress,
    session: EventId,
    card: CardId,
    rating: Rating,
    report: &Report,
    now: Moment,
) -> Result<(), ProgressError> {
    let of_card = |verdict: &&Verdict| verdict.source.card() == Some(&card);
    let spent = report
        .verdicts
        .iter()
        .filter(of_card)
        .map(|v| v.spent)
        .sum();
    let review = Review {
        card,
        rating,
        spent,
        from: Activity::Quiz,
        session: Some(session),
    };
    progress.review(&review, now).map(drop)
}

fn answer(verdict: &Verdict) -> EventKind {
    EventKind::QuizAnswer {
        card: verdict.source.card().cloned(),
        credit: verdict.mark.credit,
        ms: verdict.spent.as_millis() as u64,
        detail: json!({ "source": verdict.source, "given": verdict.given }),
    }
}

fn miss(verdict: &Verdict) -> Option<EventKind> {
    let card = verdict.source.card()?.clone();
    (!verdict.mark.is_right()).then_some(EventKind::MakeDue {
        card,
        from: Activity::Quiz,
    })
}

/// Gives a quiz up.
///
/// # Errors
/// When it could not be written.
pub fn give_up(
    progress: &mut Progress,
    session: EventId,
    now: Moment,
) -> Result<(), ProgressError> {
    progress.end_session(session, Activity::Quiz, false, Value::Null, now)
}

/// Reports of earlier quizzes about the same, newest first.
///
/// # Errors
/// When the log cannot be read.
pub fn earlier_quizzes(
    progress: &Progress,
    settings: &Settings,
) -> Result<Vec<Report>, ProgressError> {
    let reports = progress.reports(&[Activity::Quiz], EARLIER)?.into_iter();
    Ok(reports
        .filter(|report| report.finished)
        .filter_map(|report| serde_json::from_value::<Report>(report.report).ok())
        .filter(|report| alike(report, settings))
        .collect())
}

/// Whether a quiz was about the same as one with these settings, so that their scores compare.
pub fn alike(report: &Report, settings: &Settings) -> bool {
    report.settings.about == settings.about
}

/// The newest finished quiz.
///
/// # Errors
/// When the log cannot be read.
pub fn last_quiz(progress: &Progress) -> Result<Option<Report>, ProgressError> {
    let reports = progress.reports(&[Activity::Quiz], EARLIER)?.into_iter();
    Ok(reports
        .filter(|report| report.finished)
        .find_map(|report| serde_json::from_value(report.report).ok()))
}

/// The questions that a quiz missed once more, under another shuffle; none when it missed none.
pub fn misses(report: &Report) -> Option<(Pool, Settings)> {
    let only: Vec<Source> = report.misses().map(|miss| miss.source.clone()).collect();
    let again = "misses of ";
    let about = &report.settings.about;
    let about = match about.strip_prefix(again) {
        Some(_) => about.clone(),
        None => format!("{again}{about}"),
    };
    let settings = Settings {
        about,
        count: only.len(),
        seed: report.settings.seed.wrapping_add(1),
        ..report.settings.clone()
    };
    let pool = Pool {
        only,
        ..Pool::default()
    };
    (settings.count > 0).then_some((pool, settings))
}

/// What is written here is plain data with text keys, which JSON always takes.
fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        bank::built_in::built_in,
        memory::{Retention, StudyDays},
        session::quiz::{Given, Input, Mode},
    };

    fn settings(mode: Mode, count: usize) -> Settings {
        Settings {
            about: "everything".into(),
            count,
            mode,
            limit: Some(Duration::from_mins(10)),
            limit_each: None,
            seed: 7,
        }
    }

    fn moment(minutes: i64) -> Moment {
        let days = StudyDays::new(jiff::tz::TimeZone::UTC, 4);
        let start: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        days.moment(start + jiff::SignedDuration::from_mins(minutes))
    }

    fn begin(progress: &mut Progress, bank: &Bank, mode: Mode, count: usize) -> (Quiz, EventId) {
        let states = progress.states().unwrap();
        let pool = Pool::default();
        let candidates =
            pool.candidates(bank, &states, progress.scheduler(), moment(0).at, count, 7);
        let quiz = Quiz::new(candidates, settings(mode, count)).unwrap();
        let session = begin_quiz(progress, &quiz, moment(0)).unwrap();
        (quiz, session)
    }

    #[test]
    fn a_fifth_is_made_by_the_simulator_when_everything_may_be_asked() {
        let bank = built_in().unwrap();
        let mut progress = Progress::in_memory(Retention::default()).unwrap();
        let (quiz, _) = begin(&mut progress, &bank, Mode::Exam, 20);
        let made = quiz
            .questions()
            .iter()
            .filter(|q| q.candidate.source.card().is_none());
        assert_eq!((quiz.len(), made.count()), (20, 4));
    }

    #[test]
    fn misses_are_due_and_the_report_is_kept() {
        let bank = built_in().unwrap();
        let mut progress = Progress::in_memory(Retention::default()).unwrap();
        let (mut quiz, session) = begin(&mut progress, &bank, Mode::Exam, 5);
        let effects = quiz.handle(Input::HandIn, Duration::from_secs(1));
        let report = record_quiz(&mut progress, session, effects, moment(1))
            .unwrap()
            .unwrap();
        assert_eq!(report.misses().count(), 5);
        let states = progress.states().unwrap();
        for verdict in &report.verdicts {
            if let Some(card) = verdict.source.card() {
                assert!(states[card].is_due(moment(2)), "{card}");
            }
        }
        let earlier = earlier_quizzes(&progress, quiz.settings()).unwrap();
        assert_eq!(earlier, [report]);
        assert!(left_quiz(&progress).unwrap().is_none());
    }

    #[test]
    fn practice_records_each_answer_once() {
        let bank = built_in().unwrap();
        let mut progress = Progress::in_memory(Retention::default()).unwrap();
        let (mut quiz, session) = begin(&mut progress, &bank, Mode::Practice, 3);
        for n in 0..3 {
            let now = Duration::from_secs(n);
            let mut effects = quiz.handle(Input::Submit, now);
            effects.extend(quiz.handle(Input::Next, now));
            record_quiz(&mut progress, session, effects, moment(1)).unwrap();
        }
        let events = progress.session_events(session).unwrap();
        let answers = events
            .iter()
            .filter(|e| matches!(e.kind, EventKind::QuizAnswer { .. }));
        assert_eq!(answers.count(), 3);
    }

    #[test]
    fn every_question_can_be_found_again() {
        let bank = built_in().unwrap();
        let mut progress = Progress::in_memory(Retention::default()).unwrap();
        let (quiz, _) = begin(&mut progress, &bank, Mode::Exam, 20);
        let again = Quiz::resume(quiz.snapshot(), |source| find(&bank, source)).unwrap();
        assert_eq!(again.questions(), quiz.questions());
        assert!(
            again
                .sheets()
                .iter()
                .all(|sheet| sheet.given == Given::Nothing)
        );
    }
}
