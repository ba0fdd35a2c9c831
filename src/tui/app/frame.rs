//! A frame: top line, screen, bottom line, box, and the pass that keeps to the terminal's colours.

use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{App, MIN_COLUMNS, MIN_ROWS, Popup};
use crate::tui::{
    canvas::{Canvas, Hit},
    effect::Cx,
    keymap::{self, Action, Context},
    markdown::{Run, wrap},
    text::{self, plain},
    widgets::popup,
};

impl App {
    /// Draws a frame into a buffer; returns where the cursor stands, if it is shown.
    pub fn draw(&mut self, buffer: &mut Buffer, now: Timestamp) -> Option<Position> {
        let area = buffer.area;
        let contexts = self.contexts();
        let mut canvas = Canvas::new(buffer, &self.theme, &mut self.prose);
        if area.width < MIN_COLUMNS || area.height < MIN_ROWS {
            let words = format!(
                "highwater needs {MIN_COLUMNS}×{MIN_ROWS}, this window is {}×{}.",
                area.width, area.height
            );
            for (row, line) in wrap(&[Run::new(words, self.theme.warn)], usize::from(area.width))
                .into_iter()
                .enumerate()
            {
                canvas.line(area, row as u16, line);
            }
        } else {
            let cx = Cx::at(&self.desk, now);
            let head = Rect { height: 1, ..area };
            let body = Rect {
                y: area.y + 1,
                height: area.height - 2,
                ..area
            };
            let foot = Rect {
                y: area.bottom() - 1,
                height: 1,
                ..area
            };
            if let Some(screen) = self.stack.last_mut() {
                header(&mut canvas, head, &screen.title(&cx), &cx);
                screen.draw(&mut canvas, body, &cx);
                if let Some(toast) = &self.toast {
                    tell(&mut canvas, area, &toast.text, toast.bad);
                } else {
                    let enabled = |action| screen.enabled(action, &cx);
                    footer(&mut canvas, foot, &contexts, self.popup.is_some(), enabled);
                }
            }
            match &mut self.popup {
                Some(Popup::Help(help)) => help.draw(&mut canvas, body),
                Some(Popup::Ask(question, _)) => ask(&mut canvas, body, question),
                None => {}
            }
        }
        let (hits, cursor) = (std::mem::take(&mut canvas.hits), canvas.cursor);
        self.hits = hits;
        self.pass.apply(buffer);
        cursor.filter(|at| area.contains(*at))
    }
}

/// The top line: where one is, and how the day stands.
fn header(canvas: &mut Canvas<'_>, area: Rect, title: &str, cx: &Cx<'_>) {
    let theme = canvas.theme;
    let mut facts = Vec::new();
    if let Some(days) = cx.desk.days_left(cx.now) {
        facts.push(match days {
            0 => "interview today".to_owned(),
            1 => "interview tomorrow".to_owned(),
            days => format!("interview in {days} days"),
        });
    }
    let streak = cx.desk.streak();
    if streak > 1 {
        facts.push(format!("streak {streak}"));
    }
    let today = cx.desk.rated_today();
    if today > 0 {
        facts.push(format!("today {today}"));
    }
    let mut right = format!("{} ", facts.join("   "));
    // A long name is cut; only where little of it would be left do facts give way.
    let room = |right: &str| usize::from(area.width).saturating_sub(13 + text::width(right));
    while !facts.is_empty() && room(&right) < text::width(title).min(24) + 3 {
        facts.remove(0);
        right = format!("{} ", facts.join("   "));
    }
    let name = if title.is_empty() {
        String::new()
    } else {
        let (name, count) = counted(title);
        let rest = room(&right).saturating_sub(text::width(count));
        format!("{}{count}", text::clip(&format!(" › {name}"), rest))
    };
    canvas.line(
        area,
        0,
        Line::from(vec![
            Span::styled(" highwater", theme.title),
            Span::styled(name, theme.dim),
        ]),
    );
    canvas.right(area, 0, Span::styled(right, theme.dim));
}

/// A title and the count at its end, as in `A follower falls behind` and ` 3/7`: where there is little room the name is
/// cut, and not how far one is.
fn counted(title: &str) -> (&str, &str) {
    let place = title.rfind(' ').unwrap_or(title.len());
    let (name, last) = title.split_at(place);
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match last.trim_start().split_once('/') {
        Some((at, of)) if number(at) && number(of) => (name, last),
        _ => (title, ""),
    }
}

/// The bottom line: the keys that matter here, as many as there is room for; help and leaving always.
fn footer(
    canvas: &mut Canvas<'_>,
    area: Rect,
    contexts: &[Context],
    popup: bool,
    enabled: impl Fn(Action) -> bool,
) {
    let theme = canvas.theme;
    let typing = !contexts.contains(&Context::Everywhere);
    let hints: Vec<(&str, &str, Action)> = keymap::visible(contexts)
        .filter(|binding| !binding.hint.is_empty() && (popup || enabled(binding.action)))
        // The key of help that works while typing is named where the short one does not work.
        .filter(|binding| {
            typing || binding.context != Context::Always || binding.action != Action::Help
        })
        .map(|binding| {
            // the first key that no inner context takes
            let mut keys = binding.keys.iter();
            let works = |key: &&&str| keymap::lookup(contexts, key) == Some(binding.action);
            let key = keys.find(works).unwrap_or(&binding.keys[0]);
            (keymap::label(key), binding.hint, binding.action)
        })
        .collect();
    let wide = |(key, hint, _): &(&str, &str, Action)| text::width(key) + 1 + text::width(hint) + 2;
    // What stands everywhere is kept; the rest drops out from the end.
    let (fixed, mut free): (Vec<_>, Vec<_>) = hints
        .into_iter()
        .partition(|(_, _, action)| matches!(action, Action::Back | Action::Help | Action::Quit));
    let room = usize::from(area.width).saturating_sub(1);
    while free.iter().chain(&fixed).map(wide).sum::<usize>() > room && free.pop().is_some() {}
    let mut x = area.x + 1;
    for (key, hint, action) in free.into_iter().chain(fixed) {
        let columns = wide(&(key, hint, action)) as u16;
        let place = Rect {
            x,
            width: columns.min(area.right().saturating_sub(x)),
            ..area
        };
        canvas.line(
            place,
            0,
            Line::from(vec![
                Span::styled(key.to_owned(), theme.key),
                Span::styled(format!(" {hint}"), theme.dim),
            ]),
        );
        canvas.hit(
            Rect {
                width: place.width.saturating_sub(2),
                ..place
            },
            Hit::Act(action),
        );
        x += columns;
    }
}

/// A message at the bottom, on as many lines as it takes.
fn tell(canvas: &mut Canvas<'_>, area: Rect, words: &str, bad: bool) {
    let (mark, style) = if bad {
        ("✗ ", canvas.theme.bad)
    } else {
        ("✓ ", canvas.theme.good)
    };
    let room = usize::from(area.width.saturating_sub(4));
    let mut lines = wrap(&[Run::new(plain(words), style)], room);
    lines.truncate(usize::from(area.height / 2));
    let rows = lines.len() as u16;
    let place = Rect {
        y: area.bottom() - rows,
        height: rows,
        ..area
    };
    canvas.clear(place);
    canvas.text(
        Rect {
            x: area.x + 1,
            width: 2,
            ..place
        },
        0,
        mark,
        style,
    );
    let text = Rect {
        x: area.x + 3,
        width: area.width.saturating_sub(4),
        ..place
    };
    for (row, line) in lines.into_iter().enumerate() {
        canvas.line(text, row as u16, line);
    }
}

fn ask(canvas: &mut Canvas<'_>, area: Rect, question: &str) {
    let wide = text::width(question).clamp(20, 56);
    let runs = [Run::new(question, Style::new())];
    let lines = wrap(&runs, wide);
    let inner = popup(canvas, area, "", wide as u16 + 4, lines.len() as u16 + 4);
    let rows = lines.len() as u16;
    for (row, line) in lines.into_iter().enumerate() {
        canvas.line(inner, row as u16, line);
    }
    canvas.line(
        inner,
        rows + 1,
        Line::from(vec![
            Span::styled("y", canvas.theme.key),
            Span::styled(" yes   ", canvas.theme.dim),
            Span::styled("n", canvas.theme.key),
            Span::styled(" no", canvas.theme.dim),
        ]),
    );
}
