//! The first start: when is the interview, how many minutes a day, which track. Each can be skipped.

use crossterm::event::KeyEvent;
use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    bank::TrackId,
    config::Config,
    memory::Filter,
    session::{
        self,
        welcome::{interview_date, minutes_a_day},
    },
    tui::{
        canvas::Canvas,
        effect::{Cx, Effect},
        keymap::{Action, Context},
        markdown::{Run, wrap},
        text::{count, fit, plain},
        widgets::{Field, List},
    },
};

/// Which question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Date,
    Minutes,
    Track,
}

/// The screen.
#[derive(Debug)]
pub struct Welcome {
    step: Step,
    field: Field,
    /// What was written for date and minutes, for who comes back to them.
    written: [String; 2],
    list: List,
    tracks: Vec<TrackId>,
    problem: Option<String>,
}

impl Welcome {
    /// The first question.
    pub fn new(cx: &Cx<'_>) -> Self {
        Self {
            step: Step::Date,
            field: Field::default(),
            written: Default::default(),
            list: List::default(),
            tracks: cx
                .desk
                .bank()
                .tracks
                .iter()
                .map(|track| track.id.clone())
                .collect(),
            problem: None,
        }
    }

    /// Where keys work.
    pub fn contexts(&self) -> &'static [Context] {
        if self.typing() {
            &[Context::Welcome]
        } else {
            &[Context::Welcome, Context::Moving]
        }
    }

    /// Text is being typed.
    pub fn typing(&self) -> bool {
        self.step != Step::Track
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action) -> bool {
        action != Action::Back || self.step != Step::Date
    }

    /// Selects a track that was clicked.
    pub fn select(&mut self, row: usize) {
        if self.step == Step::Track {
            self.list.select(row);
        }
    }

    /// Takes a key as text.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        self.problem = None;
        self.step != Step::Track && self.field.key(key)
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if self.typing() {
            self.field.insert(text);
        }
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        match action {
            Action::Open => self.take(cx),
            Action::Pass => self.next(Vec::new(), None),
            Action::Back => match self.step {
                // There is nothing before the first question; tab skips it.
                Step::Date => Vec::new(),
                Step::Minutes => {
                    self.go(Step::Date);
                    Vec::new()
                }
                Step::Track => {
                    self.go(Step::Minutes);
                    Vec::new()
                }
            },
            other => {
                self.list.act(other, self.tracks.len() + 1);
                Vec::new()
            }
        }
    }

    fn go(&mut self, step: Step) {
        let slot = |step| match step {
            Step::Date => Some(0),
            Step::Minutes => Some(1),
            Step::Track => None,
        };
        if let Some(slot) = slot(self.step) {
            self.field.text().clone_into(&mut self.written[slot]);
        }
        self.step = step;
        self.field = Field::new(slot(step).map_or("", |slot| &self.written[slot]));
        self.problem = None;
    }

    fn take(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        let text = self.field.text().trim().to_owned();
        match self.step {
            // Empty takes back what was answered before.
            Step::Date if text.is_empty() => self.next(unset("interview", cx), None),
            Step::Minutes if text.is_empty() => self.next(unset("minutes", cx), None),
            Step::Date => match interview_date(&text, cx.now.day.date()) {
                Ok(date) => self.next(set("interview", date.map(|date| date.to_string())), None),
                Err(problem) => self.refuse(&problem),
            },
            Step::Minutes => match minutes_a_day(&text) {
                Ok(minutes) => self.next(
                    set("minutes", minutes.map(|minutes| minutes.to_string())),
                    None,
                ),
                Err(problem) => self.refuse(&problem),
            },
            Step::Track => {
                let track = self
                    .list
                    .selected()
                    .checked_sub(1)
                    .and_then(|i| self.tracks.get(i))
                    .cloned();
                self.next(set("track", track.as_ref().map(ToString::to_string)), track)
            }
        }
    }

    fn refuse(&mut self, problem: &session::welcome::AnswerError) -> Vec<Effect> {
        self.problem = Some(problem.to_string());
        Vec::new()
    }

    /// On to the next question, and after the last one into the drill.
    fn next(&mut self, mut effects: Vec<Effect>, track: Option<TrackId>) -> Vec<Effect> {
        match self.step {
            Step::Date => self.go(Step::Minutes),
            Step::Minutes if self.tracks.is_empty() => effects.extend(done(track)),
            Step::Minutes => self.go(Step::Track),
            Step::Track => effects.extend(done(track)),
        }
        effects
    }

    /// The tracks, and below them what the selected one is.
    fn draw_tracks(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let theme = canvas.theme;
        let bank = cx.desk.bank();
        let tracks = &self.tracks;
        // The mark in front, the number behind and the bar beside the list.
        let room = usize::from(area.width).saturating_sub(2 + 10 + 3);
        let rows = (tracks.len() as u16 + 1).min(area.height.saturating_sub(4).max(2));
        let list = Rect {
            height: rows,
            ..area
        };
        self.list
            .draw(canvas, list, tracks.len() + 1, true, |index, _| {
                let track = index.checked_sub(1).and_then(|i| bank.track(&tracks[i]));
                track.map_or_else(
                    || Line::from("Everything"),
                    |track| {
                        let cards = format!("{:>4} cards", track.cards().len());
                        Line::from(vec![
                            Span::raw(fit(&track.title, room)),
                            Span::styled(cards, theme.dim),
                        ])
                    },
                )
            });
        let chosen = self
            .list
            .selected()
            .checked_sub(1)
            .and_then(|i| bank.track(&tracks[i]));
        let about = chosen.map_or_else(
            || "All decks, one after the other.".to_owned(),
            |track| plain(&track.about),
        );
        let below = Rect {
            x: area.x + 2,
            y: area.y + rows + 1,
            width: area.width.saturating_sub(2),
            height: area.height.saturating_sub(rows + 1),
        };
        for (y, line) in wrap(&[Run::new(about, theme.dim)], usize::from(below.width))
            .into_iter()
            .enumerate()
        {
            canvas.line(below, y as u16, line);
        }
    }

    /// Draws the question.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let theme = canvas.theme;
        let width = area.width.saturating_sub(8).min(68);
        let body = Rect {
            x: area.x + (area.width - width) / 2,
            width,
            y: area.y + area.height / 8,
            height: area.height - area.height / 8,
        };
        let bank = cx.desk.bank();
        canvas.line(
            body,
            0,
            Span::styled("Welcome to highwater", theme.heading[0]),
        );
        let about = format!(
            "{} on Kafka and distributed systems, which come back just before you forget them. Three questions, then you drill.",
            count(bank.cards.len(), "card", "cards")
        );
        let mut row = 2;
        for line in wrap(&[Run::new(about, theme.dim)], usize::from(width)) {
            canvas.line(body, row, line);
            row += 1;
        }
        row += 1;
        let minutes = format!("such as 20 or 1 h; empty for {}", Config::default().minutes);
        let (number, question, hint) = match self.step {
            Step::Date => (
                1,
                "When is the interview?",
                "2026-12-10, 10 Dec, or in 19 days; empty for no date",
            ),
            Step::Minutes => (2, "How many minutes a day?", minutes.as_str()),
            Step::Track => (3, "Which track?", ""),
        };
        canvas.line(
            body,
            row,
            Line::from(vec![
                Span::styled(format!("{number} of 3   "), theme.dim),
                Span::styled(
                    question,
                    Style::new().add_modifier(ratatui::style::Modifier::BOLD),
                ),
            ]),
        );
        row += 2;
        if self.step == Step::Track {
            self.draw_tracks(
                canvas,
                Rect {
                    y: body.y + row,
                    height: body.height.saturating_sub(row),
                    ..body
                },
                cx,
            );
            return;
        }
        let field = Rect {
            x: body.x + 2,
            y: body.y + row,
            width: body.width.saturating_sub(2),
            height: 1,
        };
        canvas.text(Rect { x: body.x, ..field }, 0, "▸", theme.accent);
        self.field.draw(canvas, field, hint, Style::new());
        if let Some(problem) = &self.problem {
            for (y, line) in wrap(&[Run::new(problem, theme.bad)], usize::from(width))
                .into_iter()
                .enumerate()
            {
                canvas.line(body, row + 2 + y as u16, line);
            }
        }
    }
}

/// Takes back an answer that was given before; an empty one that is the first sets nothing.
fn unset(key: &'static str, cx: &Cx<'_>) -> Vec<Effect> {
    let value = match key {
        "interview" if cx.desk.config().interview.is_some() => String::new(),
        "minutes" if cx.desk.config().minutes != Config::default().minutes => {
            Config::default().minutes.to_string()
        }
        _ => return Vec::new(),
    };
    vec![Effect::Set(key, value)]
}

/// A setting that was answered; a skipped question sets nothing.
fn set(key: &'static str, value: Option<String>) -> Vec<Effect> {
    value
        .map(|value| Effect::Set(key, value))
        .into_iter()
        .collect()
}

fn done(track: Option<TrackId>) -> [Effect; 2] {
    [
        Effect::Welcomed,
        Effect::Drill(Filter {
            track,
            ..Filter::default()
        }),
    ]
}
