//! Quizzes carried out: begun, recorded, taken up again, and followed by their result.

use super::{App, effects::words};
use crate::{
    memory::Moment,
    progress::EventId,
    session::quiz::{self, Candidate, Quiz, Settings, Source},
    tui::{
        desk::practice::{self, LeftQuiz, Pool},
        screens::{
            Screen,
            quiz::{QuizResult, QuizScreen},
        },
        text::count,
    },
};

impl App {
    pub(super) fn begin_quiz(
        &mut self,
        pool: &Pool,
        settings: Settings,
        now: Moment,
    ) -> Result<(), String> {
        let candidates = pool.candidates(
            self.desk.bank(),
            self.desk.states(),
            self.desk.scheduler(),
            now.at,
            settings.count,
            settings.seed,
        );
        self.show_quiz(candidates, settings, now)
    }

    fn show_quiz(
        &mut self,
        candidates: Vec<Candidate>,
        settings: Settings,
        now: Moment,
    ) -> Result<(), String> {
        let wanted = settings.count;
        let quiz = Quiz::new(candidates, settings).map_err(|error| error.to_string())?;
        let fewer = quiz.len() < wanted;
        let asked = quiz.len();
        let own = self.desk.left_quiz().cloned();
        let own = own.filter(|left| self.desk.journal().runs_quiz(left.session));
        let session = self
            .desk
            .journal()
            .with(now, |log| {
                // One quiz at a time: one that was left is given up for a new one.
                for left in own.into_iter().chain(practice::left_quiz(log)?) {
                    practice::give_up(log, left.session, now)?;
                }
                practice::begin_quiz(log, &quiz, now)
            })
            .map_err(|error| error.to_string())?;
        self.put_quiz(quiz, session, now);
        if fewer {
            let match_it = count(asked, "question matches", "questions match");
            self.tell(format!("only {match_it}; they are all asked"));
        }
        Ok(())
    }

    fn put_quiz(&mut self, quiz: Quiz, session: EventId, now: Moment) {
        let snapshot = quiz.snapshot();
        let own = LeftQuiz { session, snapshot };
        self.desk.journal().note_quiz(Some(own));
        self.stack.truncate(1);
        let screen = QuizScreen::new(quiz, session);
        self.stack.push(Screen::Quiz(Box::new(screen)));
        self.tick(now.at);
    }

    pub(super) fn resume_quiz(&mut self, now: Moment) -> Result<(), String> {
        let Some(left) = self.desk.left_quiz().cloned() else {
            return Ok(());
        };
        let own = self.desk.journal().runs_quiz(left.session);
        let taken = own
            || self
                .desk
                .journal()
                .with(now, |log| log.take_up(left.session))
                .map_err(|error| error.to_string())?;
        if !taken {
            return Err("another process has taken the quiz up".to_owned());
        }
        let bank = self.desk.bank();
        let find = |source: &Source| practice::find(bank, source);
        match Quiz::resume(left.snapshot, find) {
            Ok(quiz) => {
                self.put_quiz(quiz, left.session, now);
                Ok(())
            }
            Err(error) => {
                let give_up = |log: &mut _| practice::give_up(log, left.session, now);
                let given_up = self.desk.journal().with(now, give_up);
                given_up.map_err(|error| error.to_string())?;
                Err(error.to_string())
            }
        }
    }

    /// Records what the quiz asks for, and shows its result once it is over.
    pub(super) fn quizzed(
        &mut self,
        session: EventId,
        effects: Vec<quiz::Effect>,
        now: Moment,
    ) -> Result<(), String> {
        for effect in &effects {
            if let quiz::Effect::Save(snapshot) = effect {
                let snapshot = (**snapshot).clone();
                let own = LeftQuiz { session, snapshot };
                self.desk.journal().note_quiz(Some(own));
            }
        }
        let only_saves = effects
            .iter()
            .all(|effect| matches!(effect, quiz::Effect::Save(_)));
        let record = |log: &mut _| practice::record_quiz(log, session, effects, now);
        let over = if only_saves {
            self.desk.journal().quietly(record)
        } else {
            self.desk.journal().with(now, record)
        };
        let Some(report) = over.map_err(words)? else {
            return Ok(());
        };
        self.desk.journal().note_quiz(None);
        let earlier = self
            .desk
            .journal()
            .quietly(|log| practice::earlier_quizzes(log, &report.settings))
            .map_err(words)?;
        // The newest is this one.
        let before = earlier.get(1..).unwrap_or_default();
        let result = QuizResult::new(report, before, None);
        self.stack.truncate(1);
        self.stack.push(Screen::QuizResult(Box::new(result)));
        Ok(())
    }
}
