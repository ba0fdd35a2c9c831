//! What stands above the lab: the command line with its completions, the moment to go to, the name to save under, the
//! chain of causes.

use crossterm::event::KeyEvent;
use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{Lab, events};
use crate::{
    lab::{
        commands::{self, Completion},
        moment, save,
        scenario::Scenario,
        timeline::END_MAX,
    },
    sim::{cluster::Cluster, event::EventId, time::Time},
    tui::{
        canvas::{Canvas, Hit},
        effect::Effect,
        keymap::Action,
        markdown::{Run, wrap},
        screens::lab::Steer,
        text::{clip, fit, width},
        widgets::{Field, Scroll, popup},
    },
};

/// Completions that are shown at once.
const ROWS: usize = 10;
/// So far beyond all that was played a moment is computed at once: what a frame at full speed takes.
const NEAR: Time = Time::secs(100);
/// Columns for the words of what is wrong with a command.
const PROBLEM_COLUMNS: usize = 70;

/// The box above the lab.
#[derive(Clone, Debug)]
pub(super) enum Over {
    /// A command is being written.
    Command {
        field: Field,
        completions: Vec<Completion>,
        marked: usize,
        problem: String,
    },
    /// A moment is being written.
    Seek { field: Field, problem: String },
    /// The name of a scenario is being written.
    Save { field: Field, problem: String },
    /// What led to an event.
    Why(EventId, Scroll),
}

impl Over {
    pub(super) fn command(cluster: &Cluster) -> Self {
        Self::Command {
            field: Field::default(),
            completions: commands::complete("", cluster),
            marked: 0,
            problem: String::new(),
        }
    }

    pub(super) fn seek() -> Self {
        Self::Seek {
            field: Field::default(),
            problem: String::new(),
        }
    }

    pub(super) fn save(scenario: &Scenario) -> Self {
        Self::Save {
            field: Field::new(format!("my-{}", scenario.id)),
            problem: String::new(),
        }
    }

    /// Takes a key as text.
    pub(super) fn key(&mut self, key: KeyEvent, cluster: &Cluster) -> bool {
        let taken = match self {
            Self::Command { field, .. } | Self::Seek { field, .. } | Self::Save { field, .. } => {
                field.key(key)
            }
            Self::Why(..) => false,
        };
        if taken {
            self.changed(cluster);
        }
        taken
    }

    /// Takes pasted text.
    pub(super) fn paste(&mut self, text: &str, cluster: &Cluster) {
        match self {
            Self::Command { field, .. } | Self::Seek { field, .. } | Self::Save { field, .. } => {
                field.insert(text);
            }
            Self::Why(..) => {}
        }
        self.changed(cluster);
    }

    fn changed(&mut self, cluster: &Cluster) {
        match self {
            Self::Command {
                field,
                completions,
                marked,
                problem,
            } => {
                *completions = commands::complete(field.text(), cluster);
                *marked = 0;
                problem.clear();
            }
            Self::Seek { problem, .. } | Self::Save { problem, .. } => problem.clear(),
            Self::Why(..) => {}
        }
    }

    /// Puts the marked completion into the command; false when there is none.
    fn take_completion(&mut self, cluster: &Cluster) -> bool {
        let Self::Command {
            field,
            completions,
            marked,
            ..
        } = self
        else {
            return false;
        };
        let Some(completion) = completions.get(*marked) else {
            return false;
        };
        *field = Field::new(completion.text.clone());
        self.changed(cluster);
        true
    }
}

impl Lab {
    /// Does what a key means while the box is open.
    pub(super) fn act_over(&mut self, action: Action) -> Vec<Effect> {
        let Some(over) = &mut self.over else {
            return Vec::new();
        };
        match (over, action) {
            (_, Action::Back) | (Over::Why(..), Action::Open | Action::Lab(Steer::Why)) => {
                self.over = None;
            }
            (Over::Why(_, scroll), action) => {
                scroll.act(action);
            }
            (
                Over::Command {
                    marked,
                    completions,
                    ..
                },
                Action::Down,
            ) => {
                *marked = (*marked + 1).min(completions.len().saturating_sub(1));
            }
            (Over::Command { marked, .. }, Action::Up) => *marked = marked.saturating_sub(1),
            (over @ Over::Command { .. }, Action::Lab(Steer::Complete)) => {
                over.take_completion(self.play.timeline().cluster());
            }
            (Over::Command { .. }, Action::Open) => return self.give(),
            (Over::Seek { .. }, Action::Open) => return self.go_to_moment(),
            (Over::Save { .. }, Action::Open) => return self.save(),
            _ => {}
        }
        Vec::new()
    }

    /// Gives the command; while it is not complete, takes the marked completion.
    fn give(&mut self) -> Vec<Effect> {
        let Some(Over::Command { field, .. }) = &self.over else {
            return Vec::new();
        };
        let text = field.text().trim().to_owned();
        let outcome = commands::parse(&text).and_then(|command| {
            self.change(|lab| lab.play.give(command))
                .map_err(|error| error.to_string())
        });
        match outcome {
            Ok(refused) => {
                self.over = None;
                if let Some(error) = refused {
                    return vec![Effect::Warn(format!("only here; the twin says: {error}"))];
                }
                let branched = self
                    .play
                    .timeline()
                    .branch()
                    .filter(|b| b.at == self.play.timeline().now());
                match branched {
                    Some(branch) => vec![Effect::Tell(format!(
                        "a branch starts at {}: what came until {} is forgotten",
                        branch.at, branch.forgotten_to
                    ))],
                    None => Vec::new(),
                }
            }
            Err(found) => {
                let cluster = self.play.timeline().cluster();
                let unfinished = commands::parse(&text).is_err();
                if let Some(over) = &mut self.over
                    && !(unfinished && over.take_completion(cluster))
                    && let Over::Command { problem, .. } = over
                {
                    *problem = found;
                }
                Vec::new()
            }
        }
    }

    fn go_to_moment(&mut self) -> Vec<Effect> {
        let Some(Over::Seek { field, .. }) = &self.over else {
            return Vec::new();
        };
        let sought = moment::parse(field.text()).and_then(|to| self.set_out_for(to));
        match (sought, &mut self.over) {
            (Err(error), Some(Over::Seek { problem, .. })) => *problem = error,
            _ => self.over = None,
        }
        Vec::new()
    }

    /// Goes to a moment. One far beyond all that has been played is not computed before the next frame: time goes on
    /// to it, and the reader can stop it.
    pub(super) fn set_out_for(&mut self, to: Time) -> Result<(), String> {
        let end = self.play.timeline().end();
        let far = to <= END_MAX && to.since(end) > NEAR;
        self.change(|lab| lab.play.seek(if far { end } else { to }))
            .map_err(|error| error.to_string())?;
        if far {
            self.pace.go_to(to);
        }
        Ok(())
    }

    fn save(&mut self) -> Vec<Effect> {
        let Some(Over::Save { field, .. }) = &self.over else {
            return Vec::new();
        };
        let id = field.text().trim().to_owned();
        if crate::bank::id::is_valid(&id, false) {
            let text = save::scenario(&id, self.play.scenario(), self.play.timeline());
            self.over = None;
            return vec![Effect::SaveScenario(id, text)];
        }
        if let Some(Over::Save { problem, .. }) = &mut self.over {
            "lower-case words joined by hyphens, like my-first-scenario".clone_into(problem);
        }
        Vec::new()
    }

    /// Draws the box, if there is one.
    pub(super) fn draw_over(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(over) = self.over.clone() else {
            return;
        };
        match over {
            Over::Command {
                field,
                completions,
                marked,
                problem,
            } => {
                let problem = if problem.is_empty() {
                    Vec::new()
                } else {
                    wrap(&[Run::new(problem, canvas.theme.bad)], PROBLEM_COLUMNS)
                };
                let rows = completions.len().clamp(1, ROWS) + problem.len().max(1) + 4;
                let inner = popup(canvas, area, "command", 76, rows as u16);
                draw_command(canvas, inner, &field, &completions, marked, &problem);
            }
            Over::Seek { field, problem } => {
                let hint = "41.2s, 1:30 or 2m";
                draw_field(canvas, area, "go to a moment", &field, hint, &problem);
            }
            Over::Save { field, problem } => {
                let hint = "a name of lower-case words joined by hyphens";
                draw_field(canvas, area, "save as a scenario", &field, hint, &problem);
            }
            Over::Why(event, mut scroll) => {
                let columns = area.width.saturating_sub(4).min(110);
                let log = self.shown().cluster().events();
                let lines = events::why(
                    log,
                    event,
                    usize::from(columns).saturating_sub(6),
                    canvas.theme,
                );
                let rows = (lines.len() as u16 + 2).min(area.height);
                let inner = popup(canvas, area, "why? the first cause first", columns, rows);
                let body = Rect {
                    width: inner.width.saturating_sub(1),
                    ..inner
                };
                scroll.draw(canvas, body, &lines);
                self.over = Some(Over::Why(event, scroll));
            }
        }
    }
}

fn draw_command(
    canvas: &mut Canvas<'_>,
    area: Rect,
    field: &Field,
    completions: &[Completion],
    marked: usize,
    problem: &[Line<'static>],
) {
    let theme = canvas.theme;
    canvas.text(area, 0, "›", theme.accent);
    let place = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(2),
        height: 1,
        ..area
    };
    field.draw(
        canvas,
        place,
        "write, or choose below; tab completes",
        theme.accent,
    );
    for (row, line) in problem.iter().enumerate() {
        canvas.line(area, 1 + row as u16, line.clone());
    }
    let below = 1 + problem.len().max(1) as u16;
    let rows = ROWS.min(usize::from(area.height.saturating_sub(below)));
    let first = (marked + 1).saturating_sub(rows);
    let wide = completions
        .iter()
        .map(|completion| width(&completion.shown))
        .max()
        .unwrap_or(0)
        .min(40);
    for (row, (place, completion)) in completions
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .enumerate()
    {
        let chosen = place == marked;
        let line = Line::from(vec![
            Span::styled(if chosen { "▸ " } else { "  " }, theme.accent),
            Span::styled(fit(&completion.shown, wide), theme.key),
            Span::styled(
                format!(
                    "  {}",
                    clip(
                        &completion.about,
                        usize::from(area.width).saturating_sub(wide + 4)
                    )
                ),
                theme.dim,
            ),
        ]);
        let whole = Rect {
            y: area.y + below + row as u16,
            height: 1,
            ..area
        };
        canvas.line(whole, 0, line);
        if chosen {
            canvas.tint(whole, theme.selected);
        }
        canvas.hit(whole, Hit::Row(place));
    }
    if completions.is_empty() {
        let hint = match commands::parse(field.text()) {
            _ if !problem.is_empty() => "ctrl-u empties the line and lists all commands".to_owned(),
            Ok(_) => "enter gives the command".to_owned(),
            Err(wanting) => wanting,
        };
        let hint = clip(&hint, usize::from(area.width));
        canvas.text(area, below, &hint, theme.dim);
    }
}

fn draw_field(
    canvas: &mut Canvas<'_>,
    area: Rect,
    title: &str,
    field: &Field,
    hint: &str,
    problem: &str,
) {
    let inner = popup(canvas, area, title, 64, 4);
    let style = canvas.theme.accent;
    field.draw(canvas, Rect { height: 1, ..inner }, hint, style);
    let (words, style) = if problem.is_empty() {
        ("enter takes it, esc leaves", canvas.theme.dim)
    } else {
        (problem, canvas.theme.bad)
    };
    canvas.text(inner, 1, words, style);
}
