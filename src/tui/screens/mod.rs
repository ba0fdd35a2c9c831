//! One screen a file, and the enum they stand in.
//!
//! To add a screen: a file here with `contexts`, `act` and `draw`; a variant of [`Screen`] and its arms
//! below; a [`Context`] and a section in `keymap`. Screens read through [`Cx`] and answer with effects.

pub mod browse;
pub mod card;
pub mod chapter;
pub mod contents;
pub mod design;
pub mod drill;
pub mod earlier;
pub mod help;
pub mod home;
pub mod interview;
pub mod lab;
pub mod quiz;
mod report;
pub mod selftest;
mod session_clock;
pub mod settings;
pub mod stats;
pub mod stories;
pub mod welcome;

use crossterm::event::KeyEvent;
use jiff::Timestamp;
use ratatui::layout::Rect;

use super::{
    canvas::Canvas,
    effect::{Cx, Effect},
    keymap::{Action, Context},
};
use crate::{
    bank::{Bank, Chapter},
    progress::Activity,
};

/// What fills the window.
#[derive(Debug)]
pub enum Screen {
    /// The questions of the first start.
    Welcome(Box<welcome::Welcome>),
    /// The first screen.
    Home(Box<home::Home>),
    /// Cards, one after the other.
    Drill(Box<drill::DrillScreen>),
    /// Search over all cards.
    Browse(Box<browse::Browse>),
    /// One card.
    Card(Box<card::CardScreen>),
    /// The table of contents.
    Contents(Box<contents::Contents>),
    /// A chapter.
    Reading(Box<chapter::Reading>),
    /// The list of scenarios and sandboxes.
    LabList(Box<lab::list::LabList>),
    /// A cluster to watch and break.
    Lab(Box<lab::Lab>),
    /// Figures.
    Stats(Box<stats::Stats>),
    /// The configuration.
    Settings(Box<settings::Settings>),
    /// Choosing a quiz.
    QuizSetup(Box<quiz::QuizSetup>),
    /// A timed quiz.
    Quiz(Box<quiz::QuizScreen>),
    /// How a quiz went.
    QuizResult(Box<quiz::QuizResult>),
    /// Choosing an interview.
    InterviewSetup(Box<interview::InterviewSetup>),
    /// A mock interview or a design drill.
    Interview(Box<interview::InterviewScreen>),
    /// How an interview went.
    InterviewReport(Box<interview::InterviewReport>),
    /// Choosing a design drill.
    DesignSetup(Box<design::DesignSetup>),
    /// Choosing an area of the self-test.
    SelfTestSetup(Box<selftest::SelfTestSetup>),
    /// The self-test.
    SelfTest(Box<selftest::SelfTestScreen>),
    /// What the self-test came to.
    SelfTestReport(Box<selftest::SelfTestReport>),
    /// The reader's own stories.
    Stories(Box<stories::StoriesScreen>),
    /// Sittings that are over.
    Earlier(Box<earlier::Earlier>),
}

impl Screen {
    /// A chapter, from the heading of that anchor on.
    pub fn reading(chapter: &Chapter, anchor: Option<&str>, bank: &Bank) -> Self {
        Self::Reading(Box::new(chapter::Reading::new(chapter, anchor, bank)))
    }

    /// The choice of an interview.
    pub fn interview(cx: &Cx<'_>) -> Self {
        Self::InterviewSetup(Box::new(interview::InterviewSetup::new(cx)))
    }

    /// The choice of an area to rate.
    pub fn self_test(cx: &Cx<'_>) -> Self {
        Self::SelfTestSetup(Box::new(selftest::SelfTestSetup::new(cx)))
    }

    /// Its name in the top line.
    pub fn title(&self, cx: &Cx<'_>) -> String {
        match self {
            Self::Welcome(_) => "welcome".to_owned(),
            Self::Home(_) => String::new(),
            Self::Drill(screen) => screen.title(),
            Self::Browse(screen) => screen.title(),
            Self::Card(_) => "card".to_owned(),
            Self::Contents(_) => "guide".to_owned(),
            Self::Reading(screen) => format!("guide › {}", screen.title(cx.desk.bank())),
            Self::LabList(_) => "lab".to_owned(),
            Self::Lab(screen) => screen.title(),
            Self::Stats(_) => "stats".to_owned(),
            Self::Settings(_) => "settings".to_owned(),
            Self::QuizSetup(_) => "quiz".to_owned(),
            Self::Quiz(screen) => screen.title(),
            Self::QuizResult(screen) => screen.title(),
            Self::InterviewSetup(_) => "interview".to_owned(),
            Self::Interview(screen) => screen.title(),
            Self::InterviewReport(screen) => screen.title(),
            Self::DesignSetup(_) => "design".to_owned(),
            Self::SelfTestSetup(_) | Self::SelfTest(_) => "self-test".to_owned(),
            Self::SelfTestReport(screen) => screen.title(),
            Self::Stories(screen) => screen.title(),
            Self::Earlier(_) => "earlier sittings".to_owned(),
        }
    }

    /// Where keys work, innermost first.
    pub fn contexts(&self) -> &'static [Context] {
        match self {
            Self::Welcome(screen) => screen.contexts(),
            Self::Home(_) => home::Home::contexts(),
            Self::Drill(screen) => screen.contexts(),
            Self::Browse(_) => browse::Browse::contexts(),
            Self::Card(_) => card::CardScreen::contexts(),
            Self::Contents(_) => contents::Contents::contexts(),
            Self::Reading(screen) => screen.contexts(),
            Self::LabList(_) => lab::list::LabList::contexts(),
            Self::Lab(screen) => screen.contexts(),
            Self::Stats(_) => stats::Stats::contexts(),
            Self::Settings(screen) => screen.contexts(),
            Self::QuizSetup(_) => quiz::QuizSetup::contexts(),
            Self::Quiz(screen) => screen.contexts(),
            Self::QuizResult(_) => quiz::QuizResult::contexts(),
            Self::InterviewSetup(_) => interview::InterviewSetup::contexts(),
            Self::Interview(screen) => screen.contexts(),
            Self::InterviewReport(_) => interview::InterviewReport::contexts(),
            Self::DesignSetup(_) => design::DesignSetup::contexts(),
            Self::SelfTestSetup(_) => selftest::SelfTestSetup::contexts(),
            Self::SelfTest(_) => selftest::SelfTestScreen::contexts(),
            Self::SelfTestReport(_) => selftest::SelfTestReport::contexts(),
            Self::Stories(screen) => screen.contexts(),
            Self::Earlier(_) => earlier::Earlier::contexts(),
        }
    }

    /// Text is being typed: letters are no commands.
    pub fn typing(&self) -> bool {
        match self {
            Self::Welcome(screen) => screen.typing(),
            Self::Browse(_) => true,
            Self::Reading(screen) => screen.typing(),
            Self::Settings(screen) => screen.typing(),
            Self::Lab(screen) => screen.typing(),
            Self::Quiz(screen) => screen.typing(),
            _ => false,
        }
    }

    /// Whether an action can do anything now; the footer leaves out what cannot.
    pub fn enabled(&self, action: Action, cx: &Cx<'_>) -> bool {
        match self {
            Self::Home(_) => action != Action::Back,
            Self::Welcome(screen) => screen.enabled(action),
            Self::Settings(screen) => screen.enabled(action, cx),
            Self::Drill(screen) => screen.enabled(action, cx),
            Self::Card(screen) => screen.enabled(action, cx),
            Self::QuizResult(screen) => screen.enabled(action),
            Self::Interview(screen) => screen.enabled(action),
            Self::InterviewReport(screen) => screen.enabled(action),
            Self::SelfTest(screen) => screen.enabled(action),
            Self::SelfTestReport(screen) => screen.enabled(action),
            Self::Stories(screen) => screen.enabled(action),
            Self::Earlier(screen) => screen.enabled(action),
            Self::Lab(screen) => screen.enabled(action),
            _ => true,
        }
    }

    /// Takes a key as text; false when it is none.
    pub fn key(&mut self, key: KeyEvent, cx: &Cx<'_>) -> bool {
        match self {
            Self::Welcome(screen) => screen.key(key),
            Self::Browse(screen) => screen.key(key, cx),
            Self::Reading(screen) => screen.key(key),
            Self::Settings(screen) => screen.key(key),
            Self::Lab(screen) => screen.key(key),
            Self::Quiz(screen) => screen.key(key),
            _ => false,
        }
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str, cx: &Cx<'_>) {
        match self {
            Self::Welcome(screen) => screen.paste(text),
            Self::Browse(screen) => screen.paste(text, cx),
            Self::Reading(screen) => screen.paste(text),
            Self::Settings(screen) => screen.paste(text),
            Self::Lab(screen) => screen.paste(text),
            Self::Quiz(screen) => screen.paste(text),
            _ => {}
        }
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        match self {
            Self::Welcome(screen) => screen.act(action, cx),
            Self::Home(screen) => screen.act(action, cx),
            Self::Drill(screen) => screen.act(action, cx),
            Self::Browse(screen) => screen.act(action, cx),
            Self::Card(screen) => screen.act(action, cx),
            Self::Contents(screen) => screen.act(action, cx),
            Self::Reading(screen) => screen.act(action, cx),
            Self::LabList(screen) => screen.act(action, cx),
            Self::Lab(screen) => screen.act(action, cx),
            Self::Stats(screen) => screen.act(action, cx),
            Self::Settings(screen) => screen.act(action, cx),
            Self::QuizSetup(screen) => screen.act(action, cx),
            Self::Quiz(screen) => screen.act(action, cx),
            Self::QuizResult(screen) => screen.act(action),
            Self::InterviewSetup(screen) => screen.act(action, cx),
            Self::Interview(screen) => screen.act(action, cx),
            Self::InterviewReport(screen) => screen.act(action),
            Self::DesignSetup(screen) => screen.act(action, cx),
            Self::SelfTestSetup(screen) => screen.act(action),
            Self::SelfTest(screen) => screen.act(action),
            Self::SelfTestReport(screen) => screen.act(action),
            Self::Stories(screen) => screen.act(action, cx),
            Self::Earlier(screen) => screen.act(action, cx),
        }
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize, cx: &Cx<'_>) -> Vec<Effect> {
        match self {
            Self::Home(screen) => screen.select(row, cx),
            Self::Welcome(screen) => screen.select(row),
            Self::Browse(screen) => screen.select(row),
            Self::Contents(screen) => screen.select(row),
            Self::LabList(screen) => screen.select(row),
            Self::Lab(screen) => screen.select(row),
            Self::Settings(screen) => screen.select(row),
            Self::QuizSetup(screen) => screen.select(row),
            Self::Quiz(screen) => return screen.select(row, cx),
            Self::InterviewSetup(screen) => screen.select(row),
            Self::DesignSetup(screen) => screen.select(row),
            Self::SelfTestSetup(screen) => screen.select(row),
            Self::Stories(screen) => screen.select(row),
            Self::Earlier(screen) => screen.select(row),
            _ => {}
        }
        Vec::new()
    }

    /// What a second click on a row does, if anything: it opens it, or turns its value.
    pub fn clicked_again(&self) -> Option<Action> {
        match self {
            Self::Home(_)
            | Self::Browse(_)
            | Self::Contents(_)
            | Self::LabList(_)
            | Self::DesignSetup(_)
            | Self::SelfTestSetup(_)
            | Self::Welcome(_)
            | Self::Earlier(_) => Some(Action::Open),
            Self::Settings(screen) => (!screen.typing()).then_some(Action::Open),
            Self::Stories(screen) => screen.is_naming().then_some(Action::Open),
            Self::QuizSetup(_) | Self::InterviewSetup(_) => Some(Action::Right),
            _ => None,
        }
    }

    /// What is sat from here: earlier sittings of it are looked at first.
    pub fn activity(&self) -> Option<Activity> {
        match self {
            Self::QuizSetup(_) => Some(Activity::Quiz),
            Self::InterviewSetup(_) => Some(Activity::Interview),
            Self::DesignSetup(_) => Some(Activity::Design),
            Self::SelfTestSetup(_) => Some(Activity::SelfTest),
            _ => None,
        }
    }

    /// The process stood still because the reader stopped it, since then or else since the clock was last
    /// read: that time counts nowhere.
    pub fn stood(&mut self, since: Option<Timestamp>, now: Timestamp) {
        match (self, since) {
            (Self::Quiz(screen), _) => screen.stood(now),
            (Self::Interview(screen), _) => screen.stood(now),
            (Self::Drill(screen), Some(since)) => screen.drill().stood(now.duration_since(since)),
            _ => {}
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        match self {
            Self::Quiz(screen) => return screen.tick(cx),
            Self::Interview(screen) => return screen.tick(cx),
            Self::Lab(screen) => return screen.tick(cx),
            Self::Home(screen) => screen.tick(cx),
            _ => self.refresh(cx),
        }
        Vec::new()
    }

    /// Something it read from has changed: a rating taken back, a card edited, the screen seen again.
    pub fn refresh(&mut self, cx: &Cx<'_>) {
        match self {
            Self::Home(screen) => screen.refresh(cx),
            Self::Browse(screen) => screen.refresh(cx),
            Self::Drill(screen) => screen.refresh(cx),
            Self::Stats(screen) => screen.refresh(cx),
            Self::SelfTestSetup(screen) => screen.refresh(cx),
            Self::Stories(screen) => screen.refresh(cx),
            Self::LabList(screen) => screen.refresh(cx),
            _ => {}
        }
    }

    /// When it wants to be drawn again without a key, if ever.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Home(screen) => screen.deadline(),
            Self::Quiz(screen) => screen.deadline(),
            Self::Interview(screen) => screen.deadline(),
            Self::Lab(screen) => screen.deadline(),
            _ => None,
        }
    }

    /// Draws it.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        match self {
            Self::Welcome(screen) => screen.draw(canvas, area, cx),
            Self::Home(screen) => screen.draw(canvas, area, cx),
            Self::Drill(screen) => screen.draw(canvas, area, cx),
            Self::Browse(screen) => screen.draw(canvas, area, cx),
            Self::Card(screen) => screen.draw(canvas, area, cx),
            Self::Contents(screen) => screen.draw(canvas, area, cx),
            Self::Reading(screen) => screen.draw(canvas, area, cx),
            Self::LabList(screen) => screen.draw(canvas, area),
            Self::Lab(screen) => screen.draw(canvas, area, cx),
            Self::Stats(screen) => screen.draw(canvas, area, cx),
            Self::Settings(screen) => screen.draw(canvas, area, cx),
            Self::QuizSetup(screen) => screen.draw(canvas, area, cx),
            Self::Quiz(screen) => screen.draw(canvas, area, cx),
            Self::QuizResult(screen) => screen.draw(canvas, area, cx),
            Self::InterviewSetup(screen) => screen.draw(canvas, area, cx),
            Self::Interview(screen) => screen.draw(canvas, area, cx),
            Self::InterviewReport(screen) => screen.draw(canvas, area, cx),
            Self::DesignSetup(screen) => screen.draw(canvas, area, cx),
            Self::SelfTestSetup(screen) => screen.draw(canvas, area),
            Self::SelfTest(screen) => screen.draw(canvas, area, cx),
            Self::SelfTestReport(screen) => screen.draw(canvas, area, cx),
            Self::Stories(screen) => screen.draw(canvas, area, cx),
            Self::Earlier(screen) => screen.draw(canvas, area, cx),
        }
    }
}
