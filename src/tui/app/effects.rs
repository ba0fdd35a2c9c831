//! Effects carried out: the stack of screens, the log, the configuration.
//!
//! Whatever a screen asked for happens here and nowhere else, after it has returned.

use jiff::Timestamp;

use super::{App, Popup, Request, Toast};
use crate::{
    bank::{CardId, ScenarioId},
    memory::{Filter, Moment},
    progress::ProgressError,
    session::drill::{self, Drill, Mark, Undone},
    sim::time::Time,
    tui::{
        effect::{Cx, Effect},
        screens::{
            Screen,
            browse::Browse,
            card::CardScreen,
            drill::DrillScreen,
            lab::{self, list::LabList},
            quiz::QuizSetup,
            settings::Settings,
        },
        text::{self, plain},
    },
};

impl App {
    pub(super) fn apply(&mut self, effect: Effect, now: Timestamp) {
        match effect {
            Effect::Push(screen) => self.stack.push(screen),
            Effect::Back => self.back(now),
            Effect::Home => {
                self.stack.truncate(1);
                self.seen_again(now);
            }
            Effect::Follow(link) => self.follow(&link, now),
            Effect::Tell(text) => self.toast = Some(Toast { text, bad: false }),
            Effect::Warn(text) => self.warn(text),
            Effect::Ask(question, effect) => self.popup = Some(Popup::Ask(question, effect)),
            Effect::Quit => self.request = Some(Request::Quit),
            Effect::Stop => {
                // A running clock counts up to here.
                self.tick(now);
                self.lend(Request::Stop, now);
            }
            Effect::Redraw => self.request = Some(Request::Redraw),
            Effect::Edit(card) => self.edit(card, now),
            other => self.apply_to_desk(other, now),
        }
    }

    fn back(&mut self, now: Timestamp) {
        if self.stack.len() > 1 {
            self.stack.pop();
            self.seen_again(now);
        } else {
            self.apply(Effect::Quit, now);
        }
    }

    /// A screen is seen again: what it shows may have changed, here or by another process.
    fn seen_again(&mut self, now: Timestamp) {
        if let Err(problem) = self.desk.look_again(self.desk.moment(now)) {
            self.warn(problem.to_string());
        }
        let cx = Cx::at(&self.desk, now);
        if let Some(screen) = self.stack.last_mut() {
            screen.refresh(&cx);
        }
    }

    /// Opens what a link of the bank names.
    fn follow(&mut self, link: &str, now: Timestamp) {
        let bank = self.desk.bank();
        if let Some(id) = link.strip_prefix("card:") {
            let id = CardId::from(id);
            if bank.card(&id).is_some() {
                self.stack
                    .push(Screen::Card(Box::new(CardScreen::new(vec![id], 0))));
                return;
            }
        }
        // A link without a scheme stays within the chapter.
        let within = match self.stack.last() {
            Some(Screen::Reading(reading)) if link.starts_with('#') => {
                Some(format!("{}{link}", reading.chapter()))
            }
            _ => None,
        };
        let target = within.as_deref().or_else(|| link.strip_prefix("chapter:"));
        if let Some(target) = target {
            let (id, anchor) = target
                .split_once('#')
                .map_or((target, None), |(id, anchor)| (id, Some(anchor)));
            if let Some(chapter) = bank.chapter(&id.into()) {
                let screen = Screen::reading(chapter, anchor, bank);
                self.stack.push(screen);
                return;
            }
            self.warn(format!("there is no chapter `{id}` in the bank"));
            return;
        }
        if let Some(id) = link.strip_prefix("scenario:") {
            let effect = self.lab(Some(&id.into()), None, None, now);
            return self.apply(effect, now);
        }
        // Nothing is ever fetched or started: a link out of the bank is shown to be copied.
        self.toast = Some(Toast {
            text: plain(link),
            bad: false,
        });
    }

    /// The lab's list, or a scenario of it.
    pub(super) fn lab(
        &self,
        scenario: Option<&ScenarioId>,
        seed: Option<u64>,
        at: Option<Time>,
        now: Timestamp,
    ) -> Effect {
        let cx = Cx::at(&self.desk, now);
        let Some(id) = scenario else {
            return Effect::Push(Screen::LabList(Box::new(LabList::new(None, &cx))));
        };
        match lab::list::find(id, seed, at, self.desk.bank()) {
            Ok(lab) => Effect::Push(Screen::Lab(Box::new(lab))),
            Err(problem) => Effect::Warn(problem),
        }
    }

    /// What concerns the log or the configuration.
    fn apply_to_desk(&mut self, effect: Effect, now: Timestamp) {
        let moment = self.desk.moment(now);
        let outcome = match effect {
            Effect::Drill(filter) => self.drill(&filter, moment),
            Effect::DrillBeyond(filter) => {
                let queue = self.desk.queue_beyond(&filter, moment);
                self.begin_drill(self.desk.about(&filter), queue.cards, moment)
            }
            Effect::DrillCards(cards) if self.is_drilling() => {
                let question =
                    "A drill is running. End it and drill these cards? Its ratings are kept.";
                self.popup = Some(Popup::Ask(
                    question.to_owned(),
                    Box::new(Effect::DrillInstead(cards)),
                ));
                Ok(())
            }
            Effect::DrillCards(cards) | Effect::DrillInstead(cards) => {
                self.begin_drill(text::count(cards.len(), "card", "cards"), cards, moment)
            }
            Effect::Resume => self.resume(moment),
            Effect::BrowseCards(title, cards) => {
                let cx = Cx::new(&self.desk, moment);
                let browse = if title.is_empty() {
                    Browse::new("", &cx)
                } else {
                    Browse::among(title, cards, &cx)
                };
                self.stack.push(Screen::Browse(Box::new(browse)));
                Ok(())
            }
            Effect::OpenSettings => {
                let settings = Settings::new(&Cx::new(&self.desk, moment));
                self.stack.push(Screen::Settings(Box::new(settings)));
                Ok(())
            }
            Effect::OpenQuiz => {
                let setup = QuizSetup::new(&Cx::new(&self.desk, moment));
                self.stack.push(Screen::QuizSetup(Box::new(setup)));
                Ok(())
            }
            Effect::BeginQuiz(pool, settings) => self.begin_quiz(&pool, settings, moment),
            Effect::ResumeQuiz => self.resume_quiz(moment),
            Effect::Quizzed(session, effects) => self.quizzed(session, effects, moment),
            Effect::Earlier(activity) => self.show_earlier(activity),
            Effect::HandIn => {
                let cx = Cx::new(&self.desk, moment);
                let effects = match self.stack.last_mut() {
                    Some(Screen::Quiz(screen)) => screen.hand_in(&cx),
                    _ => Vec::new(),
                };
                effects
                    .into_iter()
                    .for_each(|effect| self.apply(effect, now));
                Ok(())
            }
            Effect::Practise(what) => self.practise(what, moment),
            Effect::Predicted(predicted) => self
                .desk
                .journal()
                .predicted(&predicted, moment)
                .map_err(|problem| problem.to_string()),
            Effect::SaveScenario(id, text) => return self.save_scenario(&id, &text, moment),
            Effect::Session(effect) => self.session(&effect, moment),
            Effect::Undo => self.undo(moment),
            Effect::SetSuspended(card, on) => self.mark(&card, Mark::Suspend, on, moment),
            Effect::SetFlagged(card, on) => self.mark(&card, Mark::Flag, on, moment),
            Effect::SetStarred(card, on) => self.mark(&card, Mark::Star, on, moment),
            Effect::Set(key, value) => self.set(key, &value, moment),
            Effect::Welcomed => {
                self.stack.truncate(1);
                Ok(())
            }
            other => {
                debug_assert!(false, "not for the desk: {other:?}");
                Ok(())
            }
        };
        if let Err(problem) = outcome {
            self.warn(problem);
        }
    }

    /// A drill with a card open is somewhere below.
    fn is_drilling(&mut self) -> bool {
        self.stack.iter_mut().any(|screen| match screen {
            Screen::Drill(screen) => screen.drill().open().is_some(),
            _ => false,
        })
    }

    fn save_scenario(&mut self, id: &str, text: &str, now: Moment) {
        match self.desk.save_scenario(id, text, now) {
            Ok(path) => {
                self.toast = Some(Toast {
                    text: format!("kept as {path}; the lab's list has it"),
                    bad: false,
                });
            }
            Err(problem) => self.warn(problem),
        }
    }

    fn drill(&mut self, filter: &Filter, now: Moment) -> Result<(), String> {
        let queue = self.desk.queue(filter, now);
        if !queue.cards.is_empty() {
            return self.begin_drill(self.desk.about(filter), queue.cards, now);
        }
        let held = queue.due_held_back + queue.new_held_back;
        if held > 0 {
            let question = format!(
                "Today's share is done. Drill on beyond it? {} wait.",
                text::count(held, "card", "cards")
            );
            self.popup = Some(Popup::Ask(
                question,
                Box::new(Effect::DrillBeyond(filter.clone())),
            ));
        } else {
            let text =
                "nothing is due here and nothing is new; browse (b) drills any card".to_owned();
            self.toast = Some(Toast { text, bad: false });
        }
        Ok(())
    }

    fn begin_drill(
        &mut self,
        about: String,
        cards: Vec<CardId>,
        now: Moment,
    ) -> Result<(), String> {
        let drill = self.desk.begin(about, cards, now).map_err(words)?;
        self.show_drill(drill, now);
        Ok(())
    }

    fn resume(&mut self, now: Moment) -> Result<(), String> {
        if let Some(drill) = self.desk.resume(now).map_err(words)? {
            self.show_drill(drill, now);
        }
        Ok(())
    }

    /// Shows a drill above home: there is one at a time.
    fn show_drill(&mut self, drill: Drill, now: Moment) {
        self.stack.truncate(1);
        let screen = DrillScreen::new(drill, &Cx::new(&self.desk, now));
        self.stack.push(Screen::Drill(Box::new(screen)));
    }

    /// Records what the drill asks for, and tells it when the log has it.
    fn session(&mut self, effect: &drill::Effect, now: Moment) -> Result<(), String> {
        let Some(Screen::Drill(screen)) = self.stack.last_mut() else {
            return Ok(());
        };
        let next = match effect {
            drill::Effect::Rate {
                card,
                rating,
                spent,
            } => {
                let state = self
                    .desk
                    .journal()
                    .rate(card, *rating, *spent, now)
                    .map_err(words)?;
                screen
                    .drill()
                    .rated(card, *rating, *spent, &state, self.desk.bank(), now.at)
            }
            drill::Effect::Mark { card, mark } => {
                let state = self.desk.states().get(card);
                let on = match mark {
                    Mark::Flag => !state.is_some_and(|state| state.flagged),
                    Mark::Star => !state.is_some_and(|state| state.starred),
                    Mark::Suspend | Mark::Bury => true,
                };
                self.desk
                    .journal()
                    .mark(card, *mark, on, now)
                    .map_err(words)?;
                self.toast = Some(Toast {
                    text: told(*mark, on).to_owned(),
                    bad: false,
                });
                screen.drill().marked(card, *mark, self.desk.bank(), now.at)
            }
            drill::Effect::Undo => return self.undo(now),
            drill::Effect::Finished => {
                // What is left is offered again at home.
                if screen.drill().left() == 0 {
                    self.desk.journal().end(now).map_err(words)?;
                }
                None
            }
        };
        screen.turned(&Cx::new(&self.desk, now));
        match next {
            Some(next) => self.session(&next, now),
            None => Ok(()),
        }
    }

    fn undo(&mut self, now: Moment) -> Result<(), String> {
        let Some((card, what)) = self.desk.journal().undo(now).map_err(words)? else {
            self.toast = Some(Toast {
                text: "there is nothing to take back".to_owned(),
                bad: false,
            });
            return Ok(());
        };
        let ask = self
            .desk
            .bank()
            .card(&card)
            .map_or_else(|| card.to_string(), |card| plain(&card.ask));
        let what_words = match what {
            Undone::Rating => "rating taken back",
            Undone::LeftOut => "card taken up again",
            Undone::Other => "mark taken back",
        };
        self.toast = Some(Toast {
            text: format!("{what_words}: {ask}"),
            bad: false,
        });
        let cx = Cx::new(&self.desk, now);
        if let Some(Screen::Drill(screen)) = self.stack.last_mut() {
            screen.drill().undone(&card, what, cx.desk.bank(), now.at);
            screen.turned(&cx);
        } else if let Some(screen) = self.stack.last_mut() {
            screen.refresh(&cx);
        }
        Ok(())
    }

    fn mark(&mut self, card: &CardId, mark: Mark, on: bool, now: Moment) -> Result<(), String> {
        self.desk
            .journal()
            .mark(card, mark, on, now)
            .map_err(words)?;
        self.toast = Some(Toast {
            text: told(mark, on).to_owned(),
            bad: false,
        });
        Ok(())
    }

    fn set(&mut self, key: &str, value: &str, now: Moment) -> Result<(), String> {
        self.desk.set(key, value, now)?;
        self.look.follow(self.desk.config());
        self.theme = self.look.theme();
        self.pass = self.look.pass();
        Ok(())
    }

    /// Asks the loop for what takes the terminal away for a while.
    fn lend(&mut self, request: Request, now: Timestamp) {
        self.lent = Some(now);
        self.request = Some(request);
    }

    fn edit(&mut self, card: CardId, now: Timestamp) {
        let Some(found) = self.desk.bank().card(&card) else {
            return;
        };
        if found.origin.built_in {
            self.warn("this card is built in; copy it into your own bank folder to change it");
        } else {
            self.lend(Request::Edit(card), now);
        }
    }
}

/// What a mark did, in words.
fn told(mark: Mark, on: bool) -> &'static str {
    match (mark, on) {
        (Mark::Suspend, true) => "suspended; it does not come until you take it up again",
        (Mark::Suspend, false) => "taken up again",
        (Mark::Bury, _) => "buried until tomorrow",
        (Mark::Flag, true) => "flagged; browse with ctrl-s lists what is flagged",
        (Mark::Flag, false) => "flag taken off",
        (Mark::Star, true) => "starred",
        (Mark::Star, false) => "star taken off",
    }
}

/// A problem in the words of the reader.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
pub(super) fn words(problem: ProgressError) -> String {
    problem.to_string()
}
