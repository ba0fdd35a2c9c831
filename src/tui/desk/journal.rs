//! The reader's progress as the screens need it: what every frame asks for is kept at hand.
//!
//! Whatever is recorded is on disk before the call returns; then what is kept at hand follows.

use std::{collections::BTreeMap, time::Duration};

use super::{
    interviewing::{self, LeftInterview},
    played::{self, Played},
    practice::{self, LeftQuiz},
    rating,
};
use crate::{
    bank::{Bank, CardId, ScenarioId, identity::Relink},
    memory::{CardState, Day, Moment, Rating, Retention, Scheduler, States},
    progress::{
        self, Activity, DayCount, EventId, EventKind, Progress, ProgressError, Review, SPEED_DAYS,
    },
    session::drill::{Mark, Snapshot, Undone},
    tui::screens::lab::Predicted,
};

/// A drill that was left before its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    session: EventId,
    /// What it started with.
    pub snapshot: Snapshot,
    /// What was rated in it.
    pub rated: Vec<(CardId, Rating, Duration)>,
}

impl Left {
    /// Cards rated in it.
    pub fn done(&self) -> usize {
        let cards: std::collections::BTreeSet<&CardId> =
            self.rated.iter().map(|(card, ..)| card).collect();
        cards.len()
    }
}

/// The log, and what is known from it.
#[derive(Debug)]
pub struct Journal {
    progress: Progress,
    states: States,
    /// The drill that is running.
    session: Option<EventId>,
    left: Option<Left>,
    left_quiz: Option<LeftQuiz>,
    /// The quiz that this process runs, as it was last kept.
    own_quiz: Option<LeftQuiz>,
    left_interview: Option<LeftInterview>,
    days: Vec<DayCount>,
    streak: u32,
    today: u64,
}

impl Journal {
    /// Over a log, as it stands today.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn new(progress: Progress, today: Day) -> Result<Self, ProgressError> {
        let mut journal = Self {
            progress,
            states: States::new(),
            session: None,
            left: None,
            left_quiz: None,
            own_quiz: None,
            left_interview: None,
            days: Vec::new(),
            streak: 0,
            today: 0,
        };
        journal.refresh(today)?;
        Ok(journal)
    }

    /// Reads everything again.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn refresh(&mut self, today: Day) -> Result<(), ProgressError> {
        self.states = self.progress.states()?;
        self.left = self.find_left()?;
        self.left_quiz = practice::left_quiz(&self.progress)?;
        self.left_interview = interviewing::left_interview(&self.progress)?;
        self.count(today)
    }

    /// The quiz that was left before its end.
    pub fn left_quiz(&self) -> Option<&LeftQuiz> {
        self.own_quiz.as_ref().or(self.left_quiz.as_ref())
    }

    /// Whether this process runs the quiz of that session.
    pub fn runs_quiz(&self, session: EventId) -> bool {
        self.own_quiz
            .as_ref()
            .is_some_and(|own| own.session == session)
    }

    /// Notes where the quiz that this process runs stands; none when it is over.
    pub fn note_quiz(&mut self, quiz: Option<LeftQuiz>) {
        self.own_quiz = quiz;
    }

    /// The interview or design drill that was left before its end.
    pub fn left_interview(&self) -> Option<&LeftInterview> {
        self.left_interview.as_ref()
    }

    /// Earlier ratings of the self-test.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn self_ratings(&self) -> Result<rating::Ratings, ProgressError> {
        rating::ratings(&self.progress)
    }

    /// How the scenarios of the lab went.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn played(&self) -> Result<BTreeMap<ScenarioId, Played>, ProgressError> {
        played::played(&self.progress)
    }

    /// Does something to the log that changes nothing of what is kept at hand.
    ///
    /// # Errors
    /// Whatever `act` fails with.
    pub fn quietly<T>(
        &mut self,
        act: impl FnOnce(&mut Progress) -> Result<T, ProgressError>,
    ) -> Result<T, ProgressError> {
        act(&mut self.progress)
    }

    /// Does something to the log, and reads again what is kept at hand.
    ///
    /// # Errors
    /// Whatever `act` fails with, or when the log cannot be read.
    pub fn with<T>(
        &mut self,
        now: Moment,
        act: impl FnOnce(&mut Progress) -> Result<T, ProgressError>,
    ) -> Result<T, ProgressError> {
        let done = act(&mut self.progress)?;
        self.refresh(now.day)?;
        Ok(done)
    }

    fn count(&mut self, today: Day) -> Result<(), ProgressError> {
        self.days = self.progress.days(today.minus(SPEED_DAYS))?;
        self.streak = self.progress.streak(today)?;
        self.today = self
            .days
            .iter()
            .rfind(|count| count.day == today)
            .map_or(0, |count| count.reviews);
        Ok(())
    }

    /// Counts one more rating without reading all days again: this is on the way to the next card.
    fn count_one(
        &mut self,
        rating: Rating,
        spent: Duration,
        met: bool,
        today: Day,
    ) -> Result<(), ProgressError> {
        let Some(day) = self.days.last_mut().filter(|last| last.day == today) else {
            return self.count(today);
        };
        day.reviews += 1;
        day.recalled += u64::from(rating.recalled());
        day.new += u64::from(met);
        day.ms += u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
        self.today = day.reviews;
        Ok(())
    }

    /// The drill to go on with: of this process, or the newest that another left.
    fn find_left(&self) -> Result<Option<Left>, ProgressError> {
        if let (Some(session), Some(left)) = (self.session, &self.left)
            && left.session == session
        {
            return Ok(Some(Left {
                rated: self.rated(session)?,
                ..left.clone()
            }));
        }
        for session in self.progress.interrupted()? {
            if session.activity == Activity::Drill
                && let Ok(snapshot) = serde_json::from_value::<Snapshot>(session.start)
            {
                let rated = self.rated(session.session)?;
                return Ok(Some(Left {
                    session: session.session,
                    snapshot,
                    rated,
                }));
            }
        }
        Ok(None)
    }

    fn rated(&self, session: EventId) -> Result<Vec<(CardId, Rating, Duration)>, ProgressError> {
        let events = self.progress.session_events(session)?;
        Ok(events
            .into_iter()
            .filter_map(|event| match event.kind {
                EventKind::Review {
                    card, rating, ms, ..
                } => Some((card, rating, Duration::from_millis(ms))),
                _ => None,
            })
            .collect())
    }

    /// What is known of each card.
    pub fn states(&self) -> &States {
        &self.states
    }

    /// When cards come back.
    pub fn scheduler(&self) -> &Scheduler {
        self.progress.scheduler()
    }

    /// Aims at another retention from now on.
    pub fn set_retention(&mut self, retention: Retention) {
        self.progress.set_retention(retention);
    }

    /// The drill that was left before its end.
    pub fn left(&self) -> Option<&Left> {
        self.left.as_ref()
    }

    /// Days in a row with a rating.
    pub fn streak(&self) -> u32 {
        self.streak
    }

    /// Ratings today.
    pub fn today(&self) -> u64 {
        self.today
    }

    /// What was rated by day; days without a rating are left out.
    pub fn days(&self) -> &[DayCount] {
        &self.days
    }

    /// Seconds a card takes, once there are enough ratings to tell.
    pub fn seconds_a_card(&self) -> Option<u64> {
        progress::seconds_a_card(&self.days)
    }

    /// Looks every page of the log over and keeps a copy of the day.
    ///
    /// # Errors
    /// When the file is damaged, or the copy cannot be written.
    pub fn look_after(&mut self, now: Moment) -> Result<(), ProgressError> {
        self.progress.look_after(now)
    }

    /// Moves the history of renamed and edited cards to their present names.
    ///
    /// # Errors
    /// When the log cannot be read or written.
    pub fn follow_cards(&mut self, bank: &Bank, now: Moment) -> Result<Vec<Relink>, ProgressError> {
        let moved = self.progress.follow_cards(bank, now)?;
        if !moved.is_empty() {
            self.states = self.progress.states()?;
        }
        Ok(moved)
    }

    /// Begins a drill; one that was left is given up.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn begin(&mut self, snapshot: &Snapshot, now: Moment) -> Result<(), ProgressError> {
        if let Some(left) = self.left.take() {
            self.close(left.session, false, now)?;
        }
        let start = serde_json::to_value(snapshot).map_err(std::io::Error::other)?;
        let session = self
            .progress
            .start_session(Activity::Drill, &snapshot.about, &start, now)?;
        self.session = Some(session);
        self.left = Some(Left {
            session,
            snapshot: snapshot.clone(),
            rated: Vec::new(),
        });
        Ok(())
    }

    /// Goes on with the drill that was left; none when another process was faster.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn take_up(&mut self) -> Result<Option<Left>, ProgressError> {
        let Some(left) = self.left.clone() else {
            return Ok(None);
        };
        if self.session != Some(left.session) && !self.progress.take_up(left.session)? {
            self.left = None;
            return Ok(None);
        }
        self.session = Some(left.session);
        self.left = self.find_left()?;
        Ok(self.left.clone())
    }

    /// The drill that is running came to its end.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn end(&mut self, now: Moment) -> Result<(), ProgressError> {
        match self.session {
            Some(session) => self.close(session, true, now),
            None => Ok(()),
        }
    }

    fn close(
        &mut self,
        session: EventId,
        finished: bool,
        now: Moment,
    ) -> Result<(), ProgressError> {
        self.progress.end_session(
            session,
            Activity::Drill,
            finished,
            serde_json::Value::Null,
            now,
        )?;
        self.session.take_if(|running| *running == session);
        self.left.take_if(|left| left.session == session);
        Ok(())
    }

    /// Records a rating and gives the card's new state.
    ///
    /// # Errors
    /// When it could not be written; then nothing is recorded.
    pub fn rate(
        &mut self,
        card: &CardId,
        rating: Rating,
        spent: Duration,
        now: Moment,
    ) -> Result<CardState, ProgressError> {
        let review = Review {
            card: card.clone(),
            rating,
            spent,
            from: Activity::Drill,
            session: self.session,
        };
        let state = self.progress.review(&review, now)?;
        let met = self.states.get(card).is_none_or(CardState::is_new);
        self.states.insert(card.clone(), state.clone());
        if let Some(left) = &mut self.left
            && Some(left.session) == self.session
        {
            left.rated.push((card.clone(), rating, spent));
        }
        self.count_one(rating, spent, met, now.day)?;
        Ok(state)
    }

    /// Records a mark.
    ///
    /// # Errors
    /// When it could not be written; then nothing is recorded.
    pub fn mark(
        &mut self,
        card: &CardId,
        mark: Mark,
        on: bool,
        now: Moment,
    ) -> Result<(), ProgressError> {
        let card = card.clone();
        let kind = match (mark, on) {
            (Mark::Suspend, true) => EventKind::Suspend { card: card.clone() },
            (Mark::Suspend, false) => EventKind::Unsuspend { card: card.clone() },
            (Mark::Bury, _) => EventKind::Bury {
                card: card.clone(),
                until: now.day.plus(1),
            },
            (Mark::Flag, on) => EventKind::Flag {
                card: card.clone(),
                on,
            },
            (Mark::Star, on) => EventKind::Star {
                card: card.clone(),
                on,
            },
        };
        self.progress.append(kind, self.session, now)?;
        let state = self.progress.state(&card)?;
        self.states.insert(card, state);
        Ok(())
    }

    /// Records a prediction made in the lab, and that cards are due because it was wrong.
    ///
    /// # Errors
    /// When it could not be written; then nothing is recorded.
    pub fn predicted(&mut self, predicted: &Predicted, now: Moment) -> Result<(), ProgressError> {
        let mut kinds = vec![EventKind::Prediction {
            scenario: predicted.scenario.clone(),
            right: predicted.right,
            detail: predicted.detail.clone(),
        }];
        kinds.extend(predicted.due.iter().map(|card| EventKind::MakeDue {
            card: card.clone(),
            from: Activity::Lab,
        }));
        self.progress.append_all(kinds, None, now)?;
        for card in &predicted.due {
            let state = self.progress.state(card)?;
            self.states.insert(card.clone(), state);
        }
        Ok(())
    }

    /// Takes the last record back, and says of which card it was; none when there is nothing left.
    ///
    /// # Errors
    /// When it could not be written; then nothing is taken back.
    pub fn undo(&mut self, now: Moment) -> Result<Option<(CardId, Undone)>, ProgressError> {
        let Some(undone) = self.progress.undo_last(self.session, now)? else {
            return Ok(None);
        };
        let what = match undone.event.kind {
            EventKind::Review { .. } => Undone::Rating,
            EventKind::Suspend { .. } | EventKind::Bury { .. } => Undone::LeftOut,
            _ => Undone::Other,
        };
        self.count(now.day)?;
        self.left = self.find_left()?;
        let Some(card) = undone.card else {
            return Ok(None);
        };
        self.states.insert(card.clone(), undone.state);
        Ok(Some((card, what)))
    }
}
