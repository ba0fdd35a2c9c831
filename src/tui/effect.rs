//! What a screen wants done that it cannot do itself.
//!
//! A screen turns an action into new state of its own and a list of effects; the app applies them after
//! the screen has returned, in order, before the next frame. So no screen reaches into another, the
//! log is written in one place, and what is on screen has happened.

use jiff::Timestamp;

use crate::{
    bank::{AreaId, CardId},
    memory::{Filter, Moment},
    progress::{Activity, EventId},
    session::{drill, interview, quiz, selftest},
};

use super::{
    desk::{Desk, interviewing::Wish, practice::Pool},
    screens::{Screen, lab::Predicted},
};

/// What screens read from.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// Bank, memory, configuration, history.
    pub desk: &'a Desk,
    /// Now.
    pub now: Moment,
}

impl<'a> Cx<'a> {
    /// The desk at a moment.
    pub fn new(desk: &'a Desk, now: Moment) -> Self {
        Self { desk, now }
    }

    /// The desk at a point in time, of which it knows the study day.
    pub fn at(desk: &'a Desk, now: Timestamp) -> Self {
        Self::new(desk, desk.moment(now))
    }
}

/// What is to be done.
#[derive(Debug)]
pub enum Effect {
    /// Show a screen above this one.
    Push(Screen),
    /// Go back to the screen below; from the last one, leave the program.
    Back,
    /// Go back to the home screen.
    Home,
    /// Follow a link of the bank: `card:ID`, `chapter:ID#anchor`, …
    Follow(String),
    /// Browse these cards, under that title.
    BrowseCards(String, Vec<CardId>),
    /// Drill what a filter lets through and is due or new.
    Drill(Filter),
    /// Drill these cards, due or not.
    DrillCards(Vec<CardId>),
    /// The same, in place of the drill that is running.
    DrillInstead(Vec<CardId>),
    /// Go on with the session that was left.
    Resume,
    /// Record what the drill on screen asks for, then tell it the outcome.
    Session(drill::Effect),
    /// Drill what a filter lets through, daily limits or not.
    DrillBeyond(Filter),
    /// Choose a quiz.
    OpenQuiz,
    /// Begin a quiz.
    BeginQuiz(Pool, quiz::Settings),
    /// Go on with the quiz that was left.
    ResumeQuiz,
    /// Record what the quiz on screen asks for.
    Quizzed(EventId, Vec<quiz::Effect>),
    /// End the quiz on screen.
    HandIn,
    /// Show the sittings that are over, at the newest of an activity if one is named.
    Earlier(Option<Activity>),
    /// Do what an interview, a self-test or the stories ask for.
    Practise(Practise),
    /// Take back the last rating in the log.
    Undo,
    /// Change a value of the configuration: key and text.
    Set(&'static str, String),
    /// The first start is over.
    Welcomed,
    /// Show the settings.
    OpenSettings,
    /// Leave a card out until it is taken up again, or take it up.
    SetSuspended(CardId, bool),
    /// Mark a card as one to look at, or not.
    SetFlagged(CardId, bool),
    /// Star a card, or not.
    SetStarred(CardId, bool),
    /// Open the file of a card in the reader's editor, and read it again afterwards.
    Edit(CardId),
    /// Record a prediction made in the lab; a wrong one makes cards due.
    Predicted(Box<Predicted>),
    /// Keep a scenario file of the reader's own: its name and its text.
    SaveScenario(String, String),
    /// Say something in the bottom line until the next key.
    Tell(String),
    /// Say that something went wrong, until the next key.
    Warn(String),
    /// Ask before doing.
    Ask(String, Box<Effect>),
    /// Leave the program.
    Quit,
    /// Stop the process until the shell continues it.
    Stop,
    /// Paint everything again.
    Redraw,
}

/// What interviews, self-tests and stories ask for.
#[derive(Debug)]
pub enum Practise {
    /// Begin an interview or a design drill.
    Interview(Box<Wish>),
    /// Go on with the one that was left.
    ResumeInterview,
    /// Record what the one on screen asks for.
    Interviewed(EventId, Activity, Vec<interview::Effect>),
    /// End what is on screen.
    End,
    /// Leave a session to be gone on with.
    LetGo(EventId),
    /// Begin a self-test of an area, or of all.
    SelfTest(Option<AreaId>),
    /// Record what the self-test on screen asks for.
    SelfRated(EventId, Vec<selftest::Effect>),
    /// Open the reader's own stories in their editor.
    EditStories,
}
