//! Mock interviews and design drills, as bank and log have them: what is asked, and what becomes of it.
//!
//! Used by the screens and by the command line. How an interview runs and what an answer is worth is
//! decided in `session`; here its outcome becomes events of the log. A design drill alone is an
//! interview without questions, recorded as the activity it is.

use serde_json::{Value, json};

use crate::{
    bank::{Bank, CardId, Drill, DrillId, Kind, StageKind, problem::instead},
    memory::{Filter, Moment, States},
    progress::{Activity, EventId, EventKind, Progress, ProgressError, Review},
    session::interview::{
        self, Answer, Consequence, Effect, Input, Interview, Phase, Question, Report, Snapshot,
    },
};

/// Minutes that an open question takes with its points and follow-ups.
pub const MINUTES_A_QUESTION: usize = 5;
/// Interviews that are looked back at.
const EARLIER: usize = 50;

/// Whether a design drill follows the questions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Design {
    /// None.
    #[default]
    Without,
    /// One that the seed draws.
    Drawn,
    /// This one.
    Named(DrillId),
}

/// What an interview is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Cards that may be asked.
    pub filter: Filter,
    /// How many questions at most.
    pub questions: usize,
    /// The drill after them.
    pub design: Design,
    /// What draws questions and drill.
    pub seed: u64,
}

/// A wish that cannot be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// Neither questions nor a drill.
    #[error("an interview of nothing; ask for at least one question, or for a design drill")]
    Nothing,
    /// No card fits.
    #[error("no open question matches: {0}; take in more decks, levels or tags")]
    NoneMatch(String),
    /// A drill that is not there.
    #[error("there is no design drill `{found}`{instead}")]
    NoDrill {
        /// What was asked for.
        found: String,
        /// What there is, or the nearest of it.
        instead: String,
    },
    /// The bank has none at all.
    #[error("the bank has no design drills")]
    NoDrills,
}

impl Wish {
    /// The interview that the wish makes.
    ///
    /// # Errors
    /// When nothing would be asked, or the drill is not there.
    pub fn interview(&self, bank: &Bank, states: &States) -> Result<Interview, WishError> {
        let drill = self.drill(bank)?.cloned();
        if self.questions == 0 && drill.is_none() {
            return Err(WishError::Nothing);
        }
        let open: Vec<Question> = self
            .filter
            .cards(bank, states)
            .into_iter()
            .filter(|card| card.kind == Kind::Open)
            .filter_map(|card| question(bank, &card.id))
            .collect();
        if self.questions > 0 && open.is_empty() {
            return Err(WishError::NoneMatch(self.filter.words(bank)));
        }
        let questions = interview::draw(open, self.questions, self.seed);
        Ok(Interview::new(questions, drill))
    }

    fn drill<'b>(&self, bank: &'b Bank) -> Result<Option<&'b Drill>, WishError> {
        match &self.design {
            Design::Without => Ok(None),
            Design::Drawn => {
                let drills = bank.drills.len() as u64;
                let place = self.seed.checked_rem(drills).ok_or(WishError::NoDrills)?;
                Ok(bank.drills.get(place as usize))
            }
            Design::Named(id) => match bank.drill(id) {
                Some(drill) => Ok(Some(drill)),
                None => Err(WishError::NoDrill {
                    found: id.to_string(),
                    instead: instead(
                        id.as_str(),
                        bank.drills.iter().map(|drill| drill.id.as_str()),
                        "design drills",
                    ),
                }),
            },
        }
    }

    /// The wish in words, as the log and the top line name it.
    pub fn words(&self, bank: &Bank) -> String {
        let drill = self.drill(bank).ok().flatten();
        match (self.questions, drill) {
            (0, Some(drill)) => drill.title.clone(),
            (_, Some(drill)) => format!("{}, {}", self.filter.words(bank), drill.title),
            (_, None) => self.filter.words(bank),
        }
    }
}

/// A card as an interview asks it.
pub fn question(bank: &Bank, id: &CardId) -> Option<Question> {
    let card = bank.card(id)?;
    let deck = bank.deck(&card.deck);
    Some(Question {
        card: card.clone(),
        topic: deck.map_or_else(|| card.deck.to_string(), |deck| deck.title.clone()),
    })
}

/// What an interview is in the log.
pub fn activity(interview: &Interview) -> Activity {
    if interview.questions().is_empty() {
        Activity::Design
    } else {
        Activity::Interview
    }
}

/// An interview that was left before its end.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftInterview {
    /// Its session.
    pub session: EventId,
    /// What it is.
    pub activity: Activity,
    /// What it is about.
    pub about: String,
    /// Where it stood.
    pub snapshot: Snapshot,
}

impl LeftInterview {
    /// Where it stands, in words.
    pub fn words(&self) -> String {
        let snapshot = &self.snapshot;
        match (&snapshot.design, snapshot.phase) {
            (Some(design), Phase::Design) => {
                format!("stage {} of {}", design.at + 1, design.stages.len())
            }
            _ => format!("question {} of {}", snapshot.at + 1, snapshot.cards.len()),
        }
    }

    /// The interview where it stood; questions that are gone from the bank are left out.
    pub fn interview(&self, bank: &Bank) -> Interview {
        let design = self.snapshot.design.as_ref();
        let drill = design.and_then(|design| bank.drill(&design.drill)).cloned();
        Interview::resume(self.snapshot.clone(), |id| question(bank, id), drill)
    }
}

/// The newest interview or design drill that was left before its end.
///
/// # Errors
/// When the log cannot be read.
pub fn left_interview(progress: &Progress) -> Result<Option<LeftInterview>, ProgressError> {
    let left = progress.interrupted()?.into_iter();
    Ok(left
        .filter(|session| matches!(session.activity, Activity::Interview | Activity::Design))
        .find_map(|session| {
            let kept = session.snapshot.unwrap_or(session.start);
            let snapshot = serde_json::from_value(kept).ok()?;
            Some(LeftInterview {
                session: session.session,
                activity: session.activity,
                about: session.about,
                snapshot,
            })
        }))
}

/// Records that an interview begins. One that was left is ended, with what was said in it.
///
/// # Errors
/// When it could not be written.
pub fn begin_interview(
    progress: &mut Progress,
    bank: &Bank,
    interview: &Interview,
    about: &str,
    now: Moment,
) -> Result<EventId, ProgressError> {
    if let Some(left) = left_interview(progress)? {
        give_up(progress, bank, &left, now)?;
    }
    let start = to_json(&interview.snapshot());
    progress.start_session(activity(interview), about, &start, now)
}

fn give_up(
    progress: &mut Progress,
    bank: &Bank,
    left: &LeftInterview,
    now: Moment,
) -> Result<(), ProgressError> {
    let effects = left
        .interview(bank)
        .handle(Input::End, std::time::Duration::ZERO);
    for effect in effects {
        if let Effect::Finished(report) = effect {
            finish(progress, left.session, left.activity, &report, false, now)?;
            return Ok(());
        }
    }
    progress.end_session(left.session, left.activity, false, Value::Null, now)
}

/// Records what an interview asks to be recorded, and gives the report once it is over.
///
/// # Errors
/// When it could not be written; what was recorded before stays.
pub fn record_interview(
    progress: &mut Progress,
    session: EventId,
    activity: Activity,
    effects: Vec<Effect>,
    now: Moment,
) -> Result<Option<Report>, ProgressError> {
    let mut over = None;
    for effect in effects {
        match effect {
            Effect::Save(snapshot) => progress.save_session(session, &to_json(&*snapshot))?,
            Effect::Finished(report) => {
                finish(progress, session, activity, &report, true, now)?;
                over = Some(*report);
            }
        }
    }
    Ok(over)
}

/// Answers and stages, what follows from them for the drill, and the end.
fn finish(
    progress: &mut Progress,
    session: EventId,
    activity: Activity,
    report: &Report,
    finished: bool,
    now: Moment,
) -> Result<(), ProgressError> {
    let mut kinds: Vec<EventKind> = report.answers.iter().map(answer).collect();
    kinds.extend(stages(report));
    let states = progress.states()?;
    let is_due = |card: &CardId| states.get(card).is_some_and(|state| state.is_due(now));
    let consequences = report.consequences(is_due);
    kinds.extend(consequences.iter().filter_map(|follows| match follows {
        Consequence::MakeDue(card) => Some(EventKind::MakeDue {
            card: card.clone(),
            from: activity,
        }),
        Consequence::Review(..) => None,
    }));
    if !kinds.is_empty() {
        progress.append_all(kinds, Some(session), now)?;
    }
    for follows in consequences {
        let Consequence::Review(card, rating) = follows else {
            continue;
        };
        let spent = report
            .answers
            .iter()
            .filter(|answer| answer.card == card)
            .map(|answer| answer.spent)
            .sum();
        let review = Review {
            card,
            rating,
            spent,
            from: activity,
            session: Some(session),
        };
        progress.review(&review, now)?;
    }
    progress.end_session(session, activity, finished, to_json(report), now)
}

fn answer(answer: &Answer) -> EventKind {
    let (made, missed) = (answer.made.len() as u32, answer.missed.len() as u32);
    EventKind::InterviewAnswer {
        card: Some(answer.card.clone()),
        points: made,
        of: made + missed,
        ms: answer.spent.as_millis() as u64,
        detail: json!({
            "worth": answer.worth,
            "trapped": answer.trap.is_some(),
            "follow_ups": answer.follow_ups,
        }),
    }
}

/// The stages of the drill that were worked on.
fn stages(report: &Report) -> Vec<EventKind> {
    let Some(design) = &report.design else {
        return Vec::new();
    };
    let worked = design.stages.iter().filter(|stage| stage.finished);
    worked
        .map(|stage| EventKind::StageResult {
            drill: design.drill.clone(),
            stage: StageKind::ALL
                .into_iter()
                .find(|kind| kind.title() == stage.stage)
                .map_or_else(|| stage.stage.clone(), |kind| kind.word().to_owned()),
            points: stage.met as u32,
            of: stage.of as u32,
            ms: stage.spent.as_millis() as u64,
            detail: json!({ "hints": stage.hints, "share_ms": stage.share.as_millis() as u64 }),
        })
        .collect()
}

/// Reports of finished interviews, or of finished drills of the same design, newest first.
///
/// # Errors
/// When the log cannot be read.
pub fn earlier_interviews(
    progress: &Progress,
    like: &Report,
) -> Result<Vec<Report>, ProgressError> {
    let activity = if is_design(like) {
        Activity::Design
    } else {
        Activity::Interview
    };
    Ok(progress
        .reports(&[activity], EARLIER)?
        .into_iter()
        .filter(|report| report.finished)
        .filter_map(|report| serde_json::from_value::<Report>(report.report).ok())
        .filter(|report| alike(report, like))
        .collect())
}

/// Whether two reports compare: both of interviews, or of drills of the same design.
pub fn alike(one: &Report, other: &Report) -> bool {
    let drill = |report: &Report| report.design.as_ref().map(|design| design.drill.clone());
    match (is_design(one), is_design(other)) {
        (true, true) => drill(one) == drill(other),
        (one, other) => one == other,
    }
}

/// A design drill alone.
fn is_design(report: &Report) -> bool {
    report.answers.is_empty() && report.design.is_some()
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
        memory::{Rating, Retention, StudyDays},
    };

    fn moment(minutes: i64) -> Moment {
        let days = StudyDays::new(jiff::tz::TimeZone::UTC, 4);
        let start: jiff::Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        days.moment(start + jiff::SignedDuration::from_mins(minutes))
    }

    fn log() -> Progress {
        Progress::in_memory(Retention::default()).unwrap()
    }

    fn wish(questions: usize, design: Design) -> Wish {
        Wish {
            questions,
            design,
            seed: 3,
            ..Wish::default()
        }
    }

    /// Plays an interview: every point ticked where `well`, nothing else.
    fn play(
        interview: &mut Interview,
        log: &mut Progress,
        session: EventId,
        well: impl Fn(usize) -> bool,
    ) -> Report {
        let kind = activity(interview);
        for second in 0..1000 {
            let input = match interview.phase() {
                Phase::FollowUp { shown: true, .. } => Input::Judge(well(interview.at())),
                Phase::Design => Input::Design(crate::session::design::Input::Next),
                _ => Input::Next,
            };
            let now = Duration::from_secs(second);
            let mut effects = Vec::new();
            if interview.phase() == Phase::Points && well(interview.at()) {
                for point in 0..9 {
                    effects.extend(interview.handle(Input::Tick(point), now));
                }
            }
            effects.extend(interview.handle(input, now));
            let at = moment(second as i64);
            if let Some(report) = record_interview(log, session, kind, effects, at).unwrap() {
                return report;
            }
        }
        panic!("it does not end");
    }

    #[test]
    fn poor_answers_are_due_and_good_ones_count_where_they_were_due() {
        let bank = built_in().unwrap();
        let mut log = log();
        let mut interview = wish(4, Design::Drawn)
            .interview(&bank, &log.states().unwrap())
            .unwrap();
        let cards: Vec<CardId> = interview
            .questions()
            .iter()
            .map(|q| q.card.id.clone())
            .collect();
        // The first is known and due.
        let review = Review {
            card: cards[0].clone(),
            rating: Rating::Again,
            spent: Duration::ZERO,
            from: Activity::Drill,
            session: None,
        };
        log.review(&review, moment(-60)).unwrap();
        let session =
            begin_interview(&mut log, &bank, &interview, "everything", moment(0)).unwrap();
        let report = play(&mut interview, &mut log, session, |at| at < 2);
        let states = log.states().unwrap();
        let reviews = |card: &CardId| states.get(card).map_or(0, |state| state.reviews);
        assert_eq!(reviews(&cards[0]), 2, "due and answered well");
        assert!(!states.contains_key(&cards[1]), "not due and answered well");
        assert_eq!(report.to_drill(), &cards[2..]);
        for card in &cards[2..] {
            assert!(states[card].is_due(moment(61)), "{card}");
        }
        let events = log.session_events(session).unwrap();
        let of = |name: &str| events.iter().filter(|e| e.kind.name() == name).count();
        assert_eq!((of("interview-answer"), of("stage-result")), (4, 8));
        assert_eq!(earlier_interviews(&log, &report).unwrap(), [report]);
        assert!(left_interview(&log).unwrap().is_none());
    }

    #[test]
    fn a_drill_alone_is_kept_apart_from_interviews() {
        let bank = built_in().unwrap();
        let mut log = log();
        let id = bank.drills[0].id.clone();
        let mut interview = wish(0, Design::Named(id))
            .interview(&bank, &log.states().unwrap())
            .unwrap();
        assert_eq!(activity(&interview), Activity::Design);
        let session = begin_interview(&mut log, &bank, &interview, "a drill", moment(0)).unwrap();
        let report = play(&mut interview, &mut log, session, |_| true);
        assert!(report.answers.is_empty() && report.level.is_none());
        assert_eq!(log.reports(&[Activity::Interview], 9).unwrap(), []);
        assert_eq!(earlier_interviews(&log, &report).unwrap().len(), 1);
    }

    #[test]
    fn a_wish_that_cannot_be_met_says_why() {
        let bank = built_in().unwrap();
        let states = States::new();
        let error = |wish: Wish| wish.interview(&bank, &states).unwrap_err().to_string();
        assert!(error(wish(0, Design::Without)).contains("at least one question"));
        let near = error(wish(3, Design::Named("rate-limitr".into())));
        assert!(near.contains("did you mean `rate-limiter`?"), "{near}");
        let mut none = wish(3, Design::Without);
        none.filter.tags = vec!["no-such-tag".into()];
        assert!(error(none).contains("#no-such-tag"));
        let empty = wish(0, Design::Drawn).interview(&Bank::default(), &states);
        assert_eq!(empty, Err(WishError::NoDrills));
    }

    #[test]
    fn what_was_said_before_a_new_interview_is_kept() {
        let bank = built_in().unwrap();
        let mut log = log();
        let states = log.states().unwrap();
        let mut first = wish(3, Design::Without).interview(&bank, &states).unwrap();
        let start = to_json(&first.snapshot());
        let session = log
            .start_session(Activity::Interview, "all", &start, moment(0))
            .unwrap();
        let second = Duration::from_secs(1);
        let mut effects = first.handle(Input::Next, second);
        effects.extend(first.handle(Input::Next, second));
        record_interview(&mut log, session, Activity::Interview, effects, moment(1)).unwrap();
        let left = LeftInterview {
            session,
            activity: Activity::Interview,
            about: "all".into(),
            snapshot: first.snapshot(),
        };
        assert_eq!(left.words(), "question 1 of 3");
        give_up(&mut log, &bank, &left, moment(2)).unwrap();
        let reports = log.reports(&[Activity::Interview], 9).unwrap();
        assert!(!reports[0].finished);
        let report: Report = serde_json::from_value(reports[0].report.clone()).unwrap();
        assert_eq!(report.answers.len(), 1, "those not reached are left out");
        assert!(log.states().unwrap().contains_key(&report.answers[0].card));
    }
}
