//! Interviews, self-tests and stories carried out: begun, recorded, taken up again, followed by their reports.

use super::{App, Request, effects::words};
use crate::{
    bank::AreaId,
    memory::Moment,
    progress::{Activity, EventId},
    session::{interview, selftest},
    tui::{
        desk::{
            interviewing::{self, Wish},
            rating, sittings,
        },
        effect::{Cx, Effect, Practise},
        screens::{
            Screen,
            earlier::Earlier,
            interview::{InterviewReport, InterviewScreen},
            selftest::{SelfTestReport, SelfTestScreen},
        },
        text,
    },
};

impl App {
    pub(super) fn practise(&mut self, what: Practise, now: Moment) -> Result<(), String> {
        match what {
            Practise::Interview(wish) => self.begin_interview(&wish, now),
            Practise::ResumeInterview => self.resume_interview(now),
            Practise::Interviewed(session, activity, effects) => {
                self.interviewed(session, activity, effects, now)
            }
            Practise::End => {
                let cx = Cx::new(&self.desk, now);
                let effects = match self.stack.last_mut() {
                    Some(Screen::Interview(screen)) => screen.end(&cx),
                    Some(Screen::SelfTest(screen)) => screen.end(),
                    _ => Vec::new(),
                };
                for effect in effects {
                    self.apply(effect, now.at);
                }
                Ok(())
            }
            Practise::LetGo(session) => {
                let let_go = |log: &mut crate::progress::Progress| {
                    log.let_go(session);
                    Ok(())
                };
                self.desk.journal().with(now, let_go).map_err(words)
            }
            Practise::SelfTest(area) => self.begin_self_test(area.as_ref(), now),
            Practise::SelfRated(session, effects) => self.self_rated(session, effects, now),
            Practise::EditStories => {
                self.request = Some(Request::EditStories);
                Ok(())
            }
        }
    }

    fn begin_interview(&mut self, wish: &Wish, now: Moment) -> Result<(), String> {
        let bank = self.desk.bank_shared();
        let interview = wish
            .interview(&bank, self.desk.states())
            .map_err(|error| error.to_string())?;
        let about = wish.words(&bank);
        let asked = interview.questions().len();
        let begin =
            |log: &mut _| interviewing::begin_interview(log, &bank, &interview, &about, now);
        let session = self.desk.journal().with(now, begin).map_err(words)?;
        self.put_interview(interview, session, about, now);
        if asked < wish.questions {
            let match_it = text::count(asked, "open question matches", "open questions match");
            self.tell(format!("only {match_it}; they are all asked"));
        }
        Ok(())
    }

    fn put_interview(
        &mut self,
        interview: interview::Interview,
        session: EventId,
        about: String,
        now: Moment,
    ) {
        self.stack.truncate(1);
        let screen = InterviewScreen::new(interview, session, about);
        self.stack.push(Screen::Interview(Box::new(screen)));
        // The clock begins to run.
        self.tick(now.at);
    }

    fn resume_interview(&mut self, now: Moment) -> Result<(), String> {
        let Some(left) = self.desk.left_interview().cloned() else {
            return Ok(());
        };
        let take_up = |log: &mut crate::progress::Progress| log.take_up(left.session);
        if !self.desk.journal().with(now, take_up).map_err(words)? {
            return Err("another process has taken it up".to_owned());
        }
        let interview = left.interview(self.desk.bank());
        if interview.phase() == interview::Phase::Done {
            let end = |log: &mut crate::progress::Progress| {
                log.end_session(
                    left.session,
                    left.activity,
                    false,
                    serde_json::Value::Null,
                    now,
                )
            };
            self.desk.journal().with(now, end).map_err(words)?;
            return Err("its questions are not in the bank any more".to_owned());
        }
        self.put_interview(interview, left.session, left.about, now);
        Ok(())
    }

    /// Records what the interview asks for, and shows its report once it is over.
    fn interviewed(
        &mut self,
        session: EventId,
        activity: Activity,
        effects: Vec<interview::Effect>,
        now: Moment,
    ) -> Result<(), String> {
        let only_saves = effects
            .iter()
            .all(|effect| matches!(effect, interview::Effect::Save(_)));
        let record =
            |log: &mut _| interviewing::record_interview(log, session, activity, effects, now);
        let over = if only_saves {
            self.desk.journal().quietly(record)
        } else {
            self.desk.journal().with(now, record)
        };
        let Some(report) = over.map_err(words)? else {
            return Ok(());
        };
        let earlier = self
            .desk
            .journal()
            .quietly(|log| interviewing::earlier_interviews(log, &report))
            .map_err(words)?;
        // The newest is this one.
        let before = earlier.get(1..).unwrap_or_default();
        let screen = InterviewReport::new(report, before, None);
        self.stack.truncate(1);
        self.stack.push(Screen::InterviewReport(Box::new(screen)));
        Ok(())
    }

    fn begin_self_test(&mut self, area: Option<&AreaId>, now: Moment) -> Result<(), String> {
        let bank = self.desk.bank_shared();
        let begin = |log: &mut _| rating::begin_self_test(log, &bank, area, now);
        let (session, test) = self.desk.journal().with(now, begin).map_err(words)?;
        self.stack.truncate(1);
        let screen = SelfTestScreen::new(test, session);
        self.stack.push(Screen::SelfTest(Box::new(screen)));
        Ok(())
    }

    /// Records ratings, and shows what they come to once it is over.
    fn self_rated(
        &mut self,
        session: EventId,
        effects: Vec<selftest::Effect>,
        now: Moment,
    ) -> Result<(), String> {
        let record = |log: &mut _| rating::record_self_test(log, session, effects, now);
        let over = self.desk.journal().with(now, record).map_err(words)?;
        match over {
            Some(report) if report.lines.is_empty() => {
                self.apply(Effect::Home, now.at);
                self.tell("no skill was rated; nothing has changed");
            }
            Some(report) => {
                let screen = SelfTestReport::new(report, self.desk.bank(), None);
                self.stack.truncate(1);
                self.stack.push(Screen::SelfTestReport(Box::new(screen)));
            }
            None => {}
        }
        Ok(())
    }

    /// The sittings that are over, at the newest of an activity if one is named.
    pub(super) fn show_earlier(&mut self, activity: Option<Activity>) -> Result<(), String> {
        let journal = self.desk.journal();
        let sittings = journal.quietly(|log| sittings::sittings(log));
        let screen = Earlier::new(sittings.map_err(words)?, activity);
        self.stack.push(Screen::Earlier(Box::new(screen)));
        Ok(())
    }
}
