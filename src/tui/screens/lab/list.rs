//! The lab's list: the scenarios, then clusters to break by hand.

use std::{collections::BTreeMap, sync::Arc};

use ratatui::{
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::Lab;
use crate::{
    bank::{Bank, Level, ScenarioId, ScenarioSource},
    lab::{
        presets,
        scenario::{self, Scenario},
    },
    sim::time::Time,
    tui::{
        canvas::Canvas,
        desk::Played,
        effect::{Cx, Effect},
        keymap::{Action, Context},
        screens::Screen,
        text::{fit, plain},
        widgets::List,
    },
};

/// Columns behind a title: its level, its minutes, and how many predictions were right.
const BEHIND: usize = 23;

/// One thing to begin with.
#[derive(Clone, Debug)]
struct Entry {
    source: ScenarioSource,
    level: String,
    minutes: String,
    sandbox: bool,
}

/// The screen.
#[derive(Debug)]
pub struct LabList {
    entries: Vec<Entry>,
    played: BTreeMap<ScenarioId, Played>,
    list: List,
}

/// The scenarios of a bank, the easy ones first.
pub fn by_level(bank: &Bank) -> Vec<&ScenarioSource> {
    let mut scenarios: Vec<&ScenarioSource> = bank.scenarios.iter().collect();
    scenarios.sort_by_key(|source| {
        Level::from_word(&head(source, "level")).map_or(u8::MAX, |level| level as u8)
    });
    scenarios
}

impl LabList {
    /// The list, at a scenario if one is named.
    pub fn new(at: Option<&str>, cx: &Cx<'_>) -> Self {
        let scenarios = by_level(cx.desk.bank()).into_iter().cloned();
        let sandboxes = presets::sources().map(|source| (source, true));
        let entries: Vec<Entry> = scenarios
            .map(|source| (source, false))
            .chain(sandboxes)
            .map(|(source, sandbox)| Entry {
                level: head(&source, "level"),
                minutes: head(&source, "minutes"),
                source,
                sandbox,
            })
            .collect();
        let mut list = List::default();
        let place = at.and_then(|id| {
            entries
                .iter()
                .position(|entry| entry.source.id.as_str() == id)
        });
        list.select(place.unwrap_or(0));
        Self {
            entries,
            played: cx.desk.played(),
            list,
        }
    }

    /// Something was predicted since.
    pub fn refresh(&mut self, cx: &Cx<'_>) {
        self.played = cx.desk.played();
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::LabList, Context::Moving]
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        match action {
            Action::Back => return vec![Effect::Back],
            Action::Open => {
                if let Some(entry) = self.entries.get(self.list.selected()) {
                    return vec![match find(&entry.source.id, None, None, cx.desk.bank()) {
                        Ok(lab) => Effect::Push(Screen::Lab(Box::new(lab))),
                        Err(problem) => Effect::Warn(problem),
                    }];
                }
            }
            other => {
                self.list.act(other, self.entries.len());
            }
        }
        Vec::new()
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize) {
        self.list.select(row);
    }

    /// Draws the screen.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let theme = canvas.theme;
        let [top, body, about] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(5),
        ])
        .areas(area);
        canvas.text(
            Rect {
                x: top.x + 1,
                ..top
            },
            0,
            "Predict, watch, find out why. Then go back and try the other setting.",
            theme.dim,
        );
        let rows = Rect {
            x: body.x + 1,
            width: body.width.saturating_sub(3),
            ..body
        };
        // the sign of the marked row and the bar take two columns each
        let columns = usize::from(rows.width).saturating_sub(BEHIND + 4);
        let (entries, played) = (&self.entries, &self.played);
        self.list
            .draw(canvas, rows, entries.len(), true, |place, _| {
                let entry = &entries[place];
                let kind = if entry.sandbox {
                    "sandbox"
                } else {
                    entry.level.as_str()
                };
                Line::from(vec![
                    Span::raw(fit(&plain(&entry.source.title), columns)),
                    Span::styled(
                        format!(" {} {:>3} min", fit(kind, 8), entry.minutes),
                        if entry.sandbox { theme.info } else { theme.dim },
                    ),
                    played
                        .get(&entry.source.id)
                        .map_or_else(Span::default, |played| {
                            let words = format!("{}/{}", played.right, played.of);
                            Span::styled(format!(" {words:>5}"), theme.share(played.share()))
                        }),
                ])
            });
        let inner = Rect {
            x: about.x + 2,
            y: about.y + 1,
            width: about.width.saturating_sub(4),
            height: about.height.saturating_sub(1),
        };
        if let Some(entry) = self.entries.get(self.list.selected()) {
            let mut text = entry.source.about.clone();
            if let Some(played) = self.played.get(&entry.source.id) {
                let day = played.last.date().strftime("%-d %b");
                let (right, of) = (played.right, played.of);
                text.push_str(&format!(
                    "\n\nPlayed on {day}: {right} of {of} predictions right."
                ));
            }
            let page = canvas.prose.page(&text, usize::from(inner.width), theme, 0);
            for (row, line) in page
                .lines
                .iter()
                .take(usize::from(inner.height))
                .enumerate()
            {
                canvas.line(inner, row as u16, line.clone());
            }
        }
    }
}

/// The value of a key at the top of a scenario, as it is written.
fn head(source: &ScenarioSource, key: &str) -> String {
    source
        .text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
        .map(|value| value.trim().to_owned())
        .unwrap_or_default()
}

/// The scenario or sandbox of this name, with a seed and at a moment if they are given.
///
/// # Errors
/// In words: there is none of that name, or it cannot be read.
pub fn find(
    id: &ScenarioId,
    seed: Option<u64>,
    at: Option<Time>,
    bank: &Bank,
) -> Result<Lab, String> {
    let (source, sandbox) = presets::source(id.as_str(), bank)?;
    let scenario = read(&source, sandbox, bank)?;
    let seed = seed.unwrap_or(scenario.seed);
    Lab::new(scenario, seed, at).map_err(|error| error.to_string())
}

/// A scenario or a sandbox.
fn read(source: &ScenarioSource, sandbox: bool, bank: &Bank) -> Result<Arc<Scenario>, String> {
    let (scenario, problems) = if sandbox {
        scenario::read_sandbox(source)
    } else {
        scenario::read(source, bank)
    };
    scenario.map(Arc::new).ok_or_else(|| {
        problems
            .iter()
            .find(|problem| problem.severity == crate::bank::Severity::Error)
            .map_or_else(
                || "this scenario cannot be read".to_owned(),
                ToString::to_string,
            )
    })
}
