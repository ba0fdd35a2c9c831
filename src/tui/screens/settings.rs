//! The configuration, every value of it, changed in place.

use crossterm::event::KeyEvent;
use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::tui::{
    canvas::Canvas,
    desk::Item,
    effect::{Cx, Effect},
    keymap::{Action, Context},
    markdown::{Run, wrap},
    text::{fit, plain, width},
    widgets::{Field, List},
};

/// The screen.
#[derive(Debug)]
pub struct Settings {
    list: List,
    field: Option<Field>,
}

impl Settings {
    /// The configuration as it stands.
    pub fn new(_cx: &Cx<'_>) -> Self {
        Self {
            list: List::default(),
            field: None,
        }
    }

    /// Where keys work.
    pub fn contexts(&self) -> &'static [Context] {
        if self.field.is_some() {
            &[Context::Typing]
        } else {
            &[Context::Settings, Context::Moving]
        }
    }

    /// Text is being typed.
    pub fn typing(&self) -> bool {
        self.field.is_some()
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action, cx: &Cx<'_>) -> bool {
        let items = cx.desk.settings();
        let item = items.get(self.list.selected());
        let turns = |item: &Item| !item.choices.is_empty() || step(item.key).is_some();
        !matches!(action, Action::Left | Action::Right) || item.is_some_and(turns)
    }

    /// Takes a key as text.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        self.field.as_mut().is_some_and(|field| field.key(key))
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if let Some(field) = &mut self.field {
            field.insert(text);
        }
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize) {
        if self.field.is_none() {
            self.list.select(row);
        }
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        let items = cx.desk.settings();
        let Some(item) = items.get(self.list.selected()) else {
            return vec![Effect::Back];
        };
        if let Some(field) = &self.field {
            return match action {
                Action::Open => {
                    let text = field.text().trim().to_owned();
                    // What is wrong is told and stays to be mended.
                    match cx.desk.check(item.key, &text, cx.now) {
                        Ok(()) => {
                            self.field = None;
                            vec![Effect::Set(item.key, text)]
                        }
                        Err(problem) => vec![Effect::Warn(problem)],
                    }
                }
                Action::Back => {
                    self.field = None;
                    Vec::new()
                }
                _ => Vec::new(),
            };
        }
        match action {
            Action::Back => return vec![Effect::Back],
            Action::Left | Action::Right => return turn(item, action == Action::Right, cx),
            Action::Open if item.choices.is_empty() => {
                self.field = Some(Field::new(item.value.clone()));
            }
            Action::Open => return turn(item, true, cx),
            other => {
                self.list.act(other, items.len());
            }
        }
        Vec::new()
    }

    /// Draws the values, and below them what the selected one means.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let items = cx.desk.settings();
        let theme = canvas.theme;
        let wide = area.width.saturating_sub(4).min(92);
        let body = Rect {
            x: area.x + 1 + (area.width - 3 - wide) / 2,
            width: wide,
            ..area
        };
        let about = 3.min(body.height / 3);
        let rows = Rect {
            height: body.height.saturating_sub(about + 1),
            ..body
        };
        let titles = items
            .iter()
            .map(|item| width(item.title))
            .max()
            .unwrap_or(0);
        let editing = self.field.is_some();
        let selected = self.list.selected();
        self.list
            .draw(canvas, rows, items.len(), !editing, |index, _| {
                let item = &items[index];
                let value = if item.shown.is_empty() {
                    "–".to_owned()
                } else {
                    plain(&item.shown)
                };
                let mut spans = vec![Span::raw(fit(item.title, titles)), Span::raw("   ")];
                if editing && index == selected {
                    return Line::from(spans);
                }
                let style = if item.value.is_empty() {
                    theme.dim
                } else {
                    theme.accent
                };
                if index == selected && !item.choices.is_empty() {
                    spans.push(Span::styled("← ", theme.dim));
                    spans.push(Span::styled(value, style));
                    spans.push(Span::styled(" →", theme.dim));
                } else {
                    spans.push(Span::styled(value, style));
                }
                if !item.unit.is_empty() && !item.value.is_empty() {
                    spans.push(Span::styled(format!(" {}", item.unit), theme.dim));
                }
                Line::from(spans)
            });
        let Some(item) = items.get(self.list.selected()) else {
            return;
        };
        if let Some(field) = &self.field {
            let row = canvas.hits.iter().rev().find_map(|(place, hit)| {
                (*hit == crate::tui::canvas::Hit::Row(self.list.selected())).then_some(*place)
            });
            if let Some(place) = row {
                let x = place.x + 2 + titles as u16 + 3;
                let typed = Rect {
                    x,
                    width: place.right().saturating_sub(x),
                    ..place
                };
                field.draw(canvas, typed, "", theme.selected.patch(Style::new()));
            }
        }
        let lines = wrap(
            &[Run::new(item.about, theme.dim)],
            usize::from(body.width.saturating_sub(2)),
        );
        let place = Rect {
            x: body.x + 2,
            y: rows.bottom() + 1,
            height: about,
            width: body.width.saturating_sub(2),
        };
        for (row, line) in lines.into_iter().enumerate() {
            canvas.line(place, row as u16, line);
        }
    }
}

/// By how much the arrows change a number, and with how many digits behind the point it is written.
fn step(key: &str) -> Option<(f64, usize)> {
    match key {
        "minutes" => Some((5.0, 0)),
        "retention" => Some((0.01, 2)),
        "new-per-day" | "day-start" => Some((1.0, 0)),
        "due-per-day" => Some((10.0, 0)),
        _ => None,
    }
}

/// The choice beside the present one, or the number a step away; a number stays where its range ends.
fn turn(item: &Item, forward: bool, cx: &Cx<'_>) -> Vec<Effect> {
    if item.choices.is_empty() {
        let (Some((by, digits)), Ok(number)) = (step(item.key), item.value.parse::<f64>()) else {
            return Vec::new();
        };
        let next = if forward { number + by } else { number - by };
        let text = format!("{next:.digits$}");
        return match cx.desk.check(item.key, &text, cx.now) {
            Ok(()) => vec![Effect::Set(item.key, text)],
            Err(problem) => vec![Effect::Warn(problem)],
        };
    }
    let n = item.choices.len();
    let place = item.choices.iter().position(|choice| *choice == item.value);
    let next = match (place, forward) {
        (None, _) => 0,
        (Some(place), true) => (place + 1) % n,
        (Some(place), false) => (place + n - 1) % n,
    };
    vec![Effect::Set(item.key, item.choices[next].clone())]
}
