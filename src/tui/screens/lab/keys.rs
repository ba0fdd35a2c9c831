//! What keys do in the lab: in the guide, in the panels, with time, and which box they open.
//!
//! What comes of it is decided in [`crate::lab::play`]; what a box does with keys stands in `command`.

use jiff::Timestamp;

use super::{Bring, Lab, Panel, Room, Sight, clients, command::Over};
use crate::{
    lab::{play::Stage, prediction::Reply, scenario::Answer},
    sim::time::Time,
    tui::{
        effect::{Cx, Effect},
        keymap::Action,
        widgets::Scroll,
    },
};

/// What only the lab does with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Steer {
    /// Let time go on, or stop it.
    RunOrPause,
    /// To the next event.
    NextEvent,
    /// To the next event worth a look.
    NextInteresting,
    /// To the last event worth a look.
    PreviousInteresting,
    /// So many seconds back or forward.
    Seconds(i8),
    /// Faster.
    Faster,
    /// Slower.
    Slower,
    /// Show this panel.
    Panel(u8),
    /// What led to the selected event.
    Why,
    /// Turn the filter of the events.
    Filter,
    /// Give a command.
    Command,
    /// Go to a moment.
    Seek,
    /// Keep this run as a scenario file.
    Save,
    /// Look at both, at the run alone, at its twin alone.
    Twin,
    /// Begin the step again.
    Restart,
    /// Complete what is typed.
    Complete,
}

impl Lab {
    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        let mut effects = if self.over.is_some() {
            self.act_over(action)
        } else {
            self.act_here(action, cx)
        };
        effects.append(&mut self.pending);
        effects
    }

    fn act_here(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        match action {
            Action::Back if self.play.stage() != Stage::Finished && self.play.step_number() > 0 => {
                let question = "Leave the scenario? It begins anew next time.".to_owned();
                return vec![Effect::Ask(question, Box::new(Effect::Back))];
            }
            Action::Back if self.is_sandbox() && !self.play.timeline().given().is_empty() => {
                let question = "Leave this run? S would keep it as a scenario.".to_owned();
                return vec![Effect::Ask(question, Box::new(Effect::Back))];
            }
            Action::Back => return vec![Effect::Back],
            Action::Pass => self.change(|lab| lab.play.go_on()),
            Action::Open => return self.go_on(),
            Action::Tick(place) => self.choose(usize::from(place)),
            Action::Next => self.turn_panel(1),
            Action::Previous => self.turn_panel(Panel::ALL.len() - 1),
            Action::Chapter => return self.chapter(),
            Action::DrillThese => return self.drill(cx),
            Action::Lab(steer) => return self.steer(steer, cx.now.at),
            other => self.walk(other),
        }
        Vec::new()
    }

    fn turn_panel(&mut self, by: usize) {
        let place = Panel::ALL
            .iter()
            .position(|panel| *panel == self.panel)
            .unwrap_or(0);
        self.panel = Panel::ALL[(place + by) % Panel::ALL.len()];
    }

    /// Answers, or goes on to what comes next.
    fn go_on(&mut self) -> Vec<Effect> {
        if self.is_sandbox() {
            return Vec::new();
        }
        match self.asked() {
            Some(Answer::Choices(_)) => {
                let choice = self.draft.choice;
                self.choose(choice);
            }
            Some(_) => {
                let reply = Reply::Typed(self.draft.text.text().to_owned());
                if let Err(problem) = self.change(|lab| lab.play.answer(reply)) {
                    self.draft.problem = problem;
                }
            }
            None if self.play.stage() == Stage::Finished => return vec![Effect::Back],
            None => self.change(|lab| lab.play.go_on()),
        }
        Vec::new()
    }

    fn choose(&mut self, place: usize) {
        if let Some(Answer::Choices(choices)) = self.asked()
            && place < choices.len()
        {
            // a choice can always be an answer
            let _ = self.change(|lab| lab.play.answer(Reply::Choice(place)));
        }
    }

    fn chapter(&self) -> Vec<Effect> {
        let reveal = self.play.step().and_then(|step| step.reveal.as_ref());
        let link = reveal
            .and_then(|reveal| reveal.chapter.clone())
            .or_else(|| self.play.scenario().see.chapter.clone());
        match link {
            Some(link) => vec![Effect::Follow(match &link.anchor {
                Some(anchor) => format!("chapter:{}#{anchor}", link.chapter),
                None => format!("chapter:{}", link.chapter),
            })],
            None => vec![Effect::Tell("no chapter belongs to this".to_owned())],
        }
    }

    fn drill(&self, cx: &Cx<'_>) -> Vec<Effect> {
        let reveal = self.play.step().and_then(|step| step.reveal.as_ref());
        let mut cards = reveal
            .map(|reveal| reveal.cards.clone())
            .unwrap_or_default();
        if cards.is_empty() {
            cards.clone_from(&self.play.scenario().see.cards);
        }
        cards.retain(|card| cx.desk.bank().card(card).is_some());
        if cards.is_empty() {
            return vec![Effect::Tell("no cards belong to this".to_owned())];
        }
        vec![Effect::BrowseCards(
            self.play.scenario().title.clone(),
            cards,
        )]
    }

    /// Moves in the panel that has the keys.
    fn walk(&mut self, action: Action) {
        let by: isize = match action {
            Action::Up => -1,
            Action::Down => 1,
            Action::PageUp => -10,
            Action::PageDown => 10,
            Action::Top => isize::MIN,
            Action::Bottom => isize::MAX,
            _ => return,
        };
        let moved =
            |place: usize, rows: usize| place.saturating_add_signed(by).min(rows.saturating_sub(1));
        let both = self.sight() == Sight::Both;
        match self.panel {
            Panel::Cluster if both && self.room != Room::Tables => {
                self.lines.act(action);
            }
            Panel::Clients if both => {
                self.lines.act(action);
            }
            Panel::Guide => {
                if let Some(Answer::Choices(choices)) = self.asked()
                    && matches!(action, Action::Up | Action::Down)
                {
                    self.draft.choice = moved(self.draft.choice, choices.len());
                    self.bring = Some(Bring::Marked);
                } else {
                    self.guide.act(action);
                }
            }
            Panel::Cluster => {
                self.cluster.0 = moved(self.cluster.0, self.cluster_rows());
            }
            Panel::Clients => self.clients.0 = moved(self.clients.0, clients::rows(&self.view)),
            Panel::Events => match action {
                Action::Top => self.events.select_end(false),
                Action::Bottom => self.events.select_end(true),
                Action::PageUp => self.events.walk(-self.events.page()),
                Action::PageDown => self.events.walk(self.events.page()),
                _ => self.events.walk(by),
            },
        }
    }

    fn steer(&mut self, steer: Steer, now: Timestamp) -> Vec<Effect> {
        match steer {
            Steer::RunOrPause => self.pace.toggle(now),
            Steer::Faster => self.pace.turn(1),
            Steer::Slower => self.pace.turn(-1),
            Steer::NextEvent => {
                self.pace.stop();
                if !self.change(|lab| lab.play.next_event(Time::secs(600))) {
                    return vec![Effect::Tell("no event within ten minutes".to_owned())];
                }
            }
            Steer::NextInteresting => {
                self.pace.stop();
                if !self.change(|lab| lab.play.next_interesting()) {
                    return vec![Effect::Tell(
                        "nothing worth a look within ten minutes".to_owned(),
                    )];
                }
            }
            Steer::PreviousInteresting => {
                self.pace.stop();
                self.change(|lab| lab.play.previous_interesting());
            }
            Steer::Seconds(by) => {
                let far = Time::secs(u64::from(by.unsigned_abs()));
                let at = self.play.timeline().now();
                let to = if by < 0 { at - far } else { at + far };
                return self.seek(to);
            }
            Steer::Panel(number) => {
                self.panel = Panel::ALL[usize::from(number).min(Panel::ALL.len() - 1)];
            }
            Steer::Why => {
                if let Some(event) = self.events.current() {
                    self.over = Some(Over::Why(event, Scroll::default()));
                }
            }
            Steer::Filter => {
                self.panel = Panel::Events;
                self.events.turn_filter();
                self.beside_events.turn_filter();
                self.refresh_events();
            }
            Steer::Command => {
                self.pace.stop();
                self.over = Some(Over::command(self.play.timeline().cluster()));
            }
            Steer::Seek => {
                self.pace.stop();
                self.over = Some(Over::seek());
            }
            Steer::Save => {
                self.pace.stop();
                self.over = Some(Over::save(self.play.scenario()));
            }
            Steer::Twin if self.play.twin().is_some() => {
                self.turn_sight();
            }
            Steer::Restart if !self.is_sandbox() => self.change(|lab| {
                lab.pace.stop();
                lab.play.restart_step();
                lab.turned(true);
            }),
            Steer::Twin | Steer::Restart | Steer::Complete => {}
        }
        Vec::new()
    }

    /// From the guide to both runs; from there to the one, to the other, and to both again.
    fn turn_sight(&mut self) {
        if self.panel == Panel::Guide && self.room == Room::Behind {
            self.panel = Panel::Cluster;
            self.sight = Sight::Both;
        } else {
            self.sight = match self.sight {
                Sight::Both => Sight::Here,
                Sight::Here => Sight::There,
                Sight::There => Sight::Both,
            };
        }
        self.look();
    }

    fn seek(&mut self, to: Time) -> Vec<Effect> {
        self.pace.stop();
        match self.change(|lab| lab.play.seek(to)) {
            Ok(()) => Vec::new(),
            Err(error) => vec![Effect::Warn(error.to_string())],
        }
    }
}
