//! The lab: a cluster to watch and break, with or without a guide beside it.
//!
//! The screen holds a [`Play`], lets virtual time pass at the pace asked for, and draws what there is to see. What is
//! right, what comes next and what a command does is decided in [`crate::lab`].

mod clients;
mod cluster;
mod command;
mod draw;
mod events;
mod finish;
mod guide;
mod keys;
mod line;
pub mod list;
mod pace;
mod twins;

use std::{collections::BTreeSet, sync::Arc};

use crossterm::event::KeyEvent;
use jiff::Timestamp;

pub use self::keys::Steer;
use self::{command::Over, events::EventList, guide::Draft, pace::Pace};
use crate::{
    bank::{CardId, ScenarioId},
    lab::{
        play::{Play, Stage},
        prediction,
        scenario::{Answer, Scenario},
        timeline::Timeline,
        view::View,
    },
    sim::{spec::SpecError, time::Time},
    tui::{
        effect::{Cx, Effect},
        keymap::{Action, Context},
        widgets::Scroll,
    },
};

/// A prediction to be logged.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// The scenario.
    pub scenario: ScenarioId,
    /// Whether it was right.
    pub right: bool,
    /// Cards to make due.
    pub due: Vec<CardId>,
    /// The lab's own record: step, question, answer, what was right.
    pub detail: serde_json::Value,
}

/// The panels, in the order of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panel {
    Guide,
    Cluster,
    Clients,
    Events,
}

impl Panel {
    const ALL: [Self; 4] = [Self::Guide, Self::Cluster, Self::Clients, Self::Events];

    fn word(self) -> &'static str {
        match self {
            Self::Guide => "guide",
            Self::Cluster => "cluster",
            Self::Clients => "clients",
            Self::Events => "events",
        }
    }
}

/// What is looked at while there is a twin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sight {
    /// Both side by side.
    #[default]
    Both,
    /// The run alone.
    Here,
    /// The twin alone.
    There,
}

/// A part of the guide that is brought into sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bring {
    /// The question that is asked now.
    Question,
    /// The choice that is marked now.
    Marked,
}

/// How there is room for a run and its twin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Room {
    /// Line by line, behind the guide.
    #[default]
    Behind,
    /// Line by line, beside the guide.
    Lines,
    /// As two clusters beside the guide.
    Tables,
}

/// The screen.
#[derive(Debug)]
pub struct Lab {
    play: Play,
    view: View,
    /// The twin beside it, while both are looked at.
    beside: Option<View>,
    /// What `view` was made of: the moment, the events so far, the commands, and which run it is.
    seen: (Time, u64, usize, Sight),
    pace: Pace,
    panel: Panel,
    guide: Scroll,
    cluster: (usize, Scroll),
    clients: (usize, Scroll),
    events: EventList,
    /// The twin's events, while both are looked at.
    beside_events: EventList,
    /// How far down the lines of both are scrolled.
    lines: Scroll,
    /// How there was room for both when last drawn.
    room: Room,
    /// What the guide has to bring into sight when it is drawn next.
    bring: Option<Bring>,
    draft: Draft,
    over: Option<Over>,
    sight: Sight,
    /// Predictions that have been handed on.
    logged: BTreeSet<(usize, usize)>,
    pending: Vec<Effect>,
}

impl Lab {
    /// A scenario at its beginning, or at a moment of it.
    ///
    /// # Errors
    /// A cluster that cannot be.
    pub fn new(scenario: Arc<Scenario>, seed: u64, at: Option<Time>) -> Result<Self, SpecError> {
        let sandbox = scenario.steps.is_empty();
        let mut play = Play::new(scenario, seed)?;
        if let Some(at) = at {
            // a moment of a scenario is one of its script: walk the steps until it is reached
            while play.stage() != Stage::Finished && play.timeline().now() < at {
                play.go_on();
            }
        }
        let mut lab = Self {
            view: play.timeline().view(),
            beside: None,
            seen: (Time::MAX, 0, 0, Sight::Here),
            play,
            pace: Pace::default(),
            panel: if sandbox {
                Panel::Cluster
            } else {
                Panel::Guide
            },
            guide: Scroll::default(),
            cluster: (1, Scroll::default()),
            clients: (0, Scroll::default()),
            events: EventList::default(),
            beside_events: EventList::default(),
            lines: Scroll::default(),
            room: Room::default(),
            bring: None,
            draft: Draft::default(),
            over: None,
            sight: Sight::default(),
            logged: BTreeSet::new(),
            pending: Vec::new(),
        };
        lab.look();
        if let Some(at) = at
            && let Err(problem) = lab.set_out_for(at)
        {
            lab.pending.push(Effect::Warn(problem));
        }
        Ok(lab)
    }

    fn is_sandbox(&self) -> bool {
        self.play.scenario().steps.is_empty()
    }

    /// Its name in the top line.
    pub fn title(&self) -> String {
        let scenario = self.play.scenario();
        if self.is_sandbox() {
            return format!("lab › sandbox: {}", scenario.title);
        }
        let of = scenario.steps.len();
        let step = (self.play.step_number() + 1).min(of);
        format!("lab › {} {step}/{of}", scenario.title)
    }

    /// Where keys work.
    pub fn contexts(&self) -> &'static [Context] {
        match &self.over {
            Some(Over::Why(..)) => return &[Context::LabWhy, Context::Moving],
            Some(_) => return &[Context::LabField],
            None => {}
        }
        match self.asked() {
            Some(Answer::Choices(_)) => &[Context::LabChoice, Context::Lab, Context::Moving],
            Some(_) if self.panel == Panel::Guide => &[Context::LabAnswer],
            None if self.play.stage() == Stage::Finished && !self.is_sandbox() => {
                &[Context::LabEnd, Context::Lab, Context::Moving]
            }
            _ => &[Context::Lab, Context::Moving],
        }
    }

    /// Text is being typed.
    pub fn typing(&self) -> bool {
        self.contexts()
            .iter()
            .any(|context| matches!(context, Context::LabField | Context::LabAnswer))
    }

    /// Whether an action can do anything now.
    pub fn enabled(&self, action: Action) -> bool {
        match action {
            Action::Lab(Steer::Twin) => self.play.twin().is_some(),
            Action::Open if self.over.is_some() => true,
            Action::Lab(Steer::Restart) | Action::Open => !self.is_sandbox(),
            _ => true,
        }
    }

    /// How the prediction that is asked for is answered.
    fn asked(&self) -> Option<&Answer> {
        let Stage::Asking(place) = self.play.stage() else {
            return None;
        };
        Some(&self.play.step()?.predict.get(place)?.answer)
    }

    /// When it wants to be drawn again without a key.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.pace.deadline()
    }

    /// Time has passed.
    pub fn tick(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        if let Some(budget) = self.pace.budget(cx.now.at) {
            let now = self.play.timeline().now();
            let left = self.pace.toward().map(|moment| moment.since(now));
            let budget = left.map_or(budget, |left| left.min(budget));
            self.change(|lab| {
                lab.play.advance(budget);
            });
            if left == Some(budget) {
                self.pace.stop();
            }
        }
        std::mem::take(&mut self.pending)
    }

    /// Does something to the run, and takes up what came of it.
    fn change<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = (self.play.step_number(), self.play.stage());
        let result = work(self);
        let after = (self.play.step_number(), self.play.stage());
        if before != after {
            self.turned(before.1 == Stage::Running);
        }
        self.look();
        result
    }

    /// The play is at another stage.
    fn turned(&mut self, ran: bool) {
        self.guide = Scroll::default();
        self.bring = Some(Bring::Question);
        self.draft = Draft::default();
        self.sight = Sight::default();
        self.lines = Scroll::default();
        if self.play.stage() == Stage::Running {
            self.panel = Panel::Cluster;
            self.pace.start();
        } else {
            if ran {
                self.pace.stop();
            }
            self.panel = Panel::Guide;
        }
        let new: Vec<_> = self
            .play
            .outcomes()
            .iter()
            .filter(|outcome| !self.logged.contains(&(outcome.step, outcome.place)))
            .cloned()
            .collect();
        for outcome in new {
            self.logged.insert((outcome.step, outcome.place));
            if let Some(predicted) = self.predicted(&outcome) {
                self.pending.push(Effect::Predicted(Box::new(predicted)));
            }
        }
    }

    fn predicted(&self, outcome: &crate::lab::play::Outcome) -> Option<Predicted> {
        let scenario = self.play.scenario();
        let prediction = scenario
            .steps
            .get(outcome.step)?
            .predict
            .get(outcome.place)?;
        let (reply, truth) = (outcome.reply.as_ref()?, outcome.truth.as_ref().ok()?);
        Some(Predicted {
            scenario: scenario.id.clone(),
            right: outcome.right,
            due: if outcome.right {
                Vec::new()
            } else {
                self.play.cards(outcome)
            },
            detail: serde_json::json!({
                "step": outcome.step,
                "prediction": outcome.place,
                "ask": prediction.ask,
                "reply": prediction::reply_in_words(prediction, reply),
                "right": prediction::in_words(prediction, truth),
                "seed": self.play.timeline().seed(),
            }),
        })
    }

    /// What is looked at: the run alone while there is no twin.
    fn sight(&self) -> Sight {
        match self.play.twin() {
            Some(_) => self.sight,
            None => Sight::Here,
        }
    }

    /// Takes up the state of the run, if it is another.
    fn look(&mut self) {
        let sight = self.sight();
        let timeline = self.shown();
        let events = timeline.cluster().events();
        let seen = (timeline.now(), events.len(), timeline.given().len(), sight);
        if seen == self.seen {
            return;
        }
        if self.seen.3 != sight {
            // one run's list is no use for another's events
            self.beside_events = self.events.emptied();
            if (self.seen.3 == Sight::There) != (sight == Sight::There) {
                self.events = self.events.emptied();
            }
        }
        self.view = self.shown().view();
        self.refresh_events();
        let beside = self.play.twin().filter(|_| sight == Sight::Both);
        self.beside = beside.map(Timeline::view);
        self.seen = seen;
        self.cluster.0 = self.cluster.0.min(self.cluster_rows().saturating_sub(1));
        self.clients.0 = self
            .clients
            .0
            .min(clients::rows(&self.view).saturating_sub(1));
    }

    fn cluster_rows(&self) -> usize {
        match &self.beside {
            Some(beside) => twins::rows(&self.view, beside).len(),
            None => cluster::rows(&self.view).len(),
        }
    }

    fn refresh_events(&mut self) {
        let shown = match (self.play.twin(), self.sight()) {
            (Some(twin), Sight::There) => twin,
            _ => self.play.timeline(),
        };
        self.events.refresh(shown.cluster().events());
        if let Some(twin) = self.play.twin()
            && self.sight() == Sight::Both
        {
            self.beside_events.refresh(twin.cluster().events());
        }
    }

    /// The run that is shown: the scenario's own, or its twin.
    fn shown(&self) -> &Timeline {
        match self.play.twin() {
            Some(twin) if self.sight == Sight::There => twin,
            _ => self.play.timeline(),
        }
    }

    /// Takes a key as text.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let typing = self.typing();
        match &mut self.over {
            Some(over) => over.key(key, self.play.timeline().cluster()),
            None if typing => {
                self.draft.problem.clear();
                self.draft.text.key(key)
            }
            None => false,
        }
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        let typing = self.typing();
        match &mut self.over {
            Some(over) => over.paste(text, self.play.timeline().cluster()),
            None if typing => self.draft.text.insert(text),
            None => {}
        }
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize) {
        match self.panel {
            Panel::Cluster => self.cluster.0 = row,
            Panel::Clients => self.clients.0 = row,
            Panel::Events => self.events.select(row),
            Panel::Guide => {}
        }
    }
}
