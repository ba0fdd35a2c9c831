//! A timed quiz on screen: `setup` chooses it, this asks it, `result` tells how it went.
//!
//! What happens is decided by [`session::quiz`](crate::session::quiz); this draws it, runs its clock
//! by the loop's deadlines and turns keys into its inputs.

mod parts;
mod result;
mod setup;

use std::time::Duration;

use crossterm::event::KeyEvent;
use jiff::{SignedDuration, Timestamp};
use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

pub use result::QuizResult;
pub use setup::QuizSetup;

use super::session_clock::{Read, SessionClock};
use crate::{
    bank::Answer,
    progress::EventId,
    session::quiz::{Given, Input, Mode, Phase, Quiz, Sheet, read_number},
    tui::{
        canvas::Canvas,
        effect::{Cx, Effect},
        keymap::{Action, Context},
        markdown::{Run, wrap},
        text::plain,
        theme::Theme,
        widgets::{Field, Scroll, bar, column},
    },
};

/// From here on the clock is shown as short.
const SHORT: Duration = Duration::from_mins(1);

/// The screen.
#[derive(Debug)]
pub struct QuizScreen {
    quiz: Quiz,
    session: EventId,
    /// The choice or step that the arrows are at; of choices none until they are used.
    cursor: Option<usize>,
    /// Enter was pressed with no answer given, and what it would do has been told.
    warned: bool,
    field: Field,
    scroll: Scroll,
    clock: SessionClock,
}

/// Minutes and seconds: `9:05`.
pub(super) fn clock(time: Duration) -> String {
    // What is left is rounded up, so that it says 0:00 only when it is over.
    let seconds = time.as_millis().div_ceil(1000);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Whole minutes and seconds that have passed: `9:05`.
pub(super) fn passed(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// A Markdown text as lines with a hanging mark in front.
pub(super) fn marked(
    canvas: &mut Canvas<'_>,
    mark: Vec<Span<'static>>,
    text: &str,
    columns: usize,
    style: Style,
) -> Vec<Line<'static>> {
    let wide: usize = mark.iter().map(Span::width).sum();
    let page = canvas
        .prose
        .page(text, columns.saturating_sub(wide).max(8), canvas.theme, 0);
    let mut lines = Vec::new();
    for (row, line) in page.lines.iter().enumerate() {
        let mut spans = if row == 0 {
            mark.clone()
        } else {
            vec![Span::raw(" ".repeat(wide))]
        };
        spans.extend(line.spans.iter().map(|span| {
            let mut span = span.clone();
            span.style = style.patch(span.style);
            span
        }));
        lines.push(Line::from(spans));
    }
    lines
}

impl QuizScreen {
    /// A quiz where it stands.
    pub fn new(quiz: Quiz, session: EventId) -> Self {
        let mut screen = Self {
            quiz,
            session,
            cursor: None,
            warned: false,
            field: Field::new(""),
            scroll: Scroll::default(),
            clock: SessionClock::default(),
        };
        screen.turned();
        screen
    }

    /// The session it is recorded under.
    pub fn session(&self) -> EventId {
        self.session
    }

    /// Its name in the top line.
    pub fn title(&self) -> String {
        format!("quiz › {}", plain(&self.quiz.settings().about))
    }

    /// Text is being typed.
    pub fn typing(&self) -> bool {
        self.quiz.phase() == Phase::Asking && self.is_typed()
    }

    fn answer(&self) -> &Answer {
        &self.quiz.question().candidate.check.answer
    }

    fn is_typed(&self) -> bool {
        matches!(self.answer(), Answer::Type { .. } | Answer::Number { .. })
    }

    fn is_exam(&self) -> bool {
        self.quiz.settings().mode == Mode::Exam
    }

    /// Where keys work.
    pub fn contexts(&self) -> &'static [Context] {
        match (self.quiz.phase(), self.answer()) {
            (Phase::Paused, _) => &[Context::QuizPaused],
            (Phase::Asking, Answer::Choose { .. }) if self.is_exam() => {
                &[Context::QuizChoose, Context::QuizExam, Context::Quiz]
            }
            (Phase::Asking, Answer::Choose { .. }) => &[Context::QuizChoose, Context::Quiz],
            (Phase::Asking, Answer::Order { .. }) if self.is_exam() => {
                &[Context::QuizOrder, Context::QuizExam, Context::Quiz]
            }
            (Phase::Asking, Answer::Order { .. }) => &[Context::QuizOrder, Context::Quiz],
            (Phase::Asking, _) if self.is_exam() => &[Context::QuizTyping, Context::QuizTypingExam],
            (Phase::Asking, _) => &[Context::QuizTyping],
            (Phase::Answered | Phase::Done, _) => &[Context::QuizAnswered, Context::Moving],
        }
    }

    /// When it wants to be drawn again: at the next second of a running clock.
    pub fn deadline(&self) -> Option<Timestamp> {
        if self.quiz.phase() != Phase::Asking {
            return None;
        }
        let next = [self.quiz.left(), self.quiz.left_here()]
            .into_iter()
            .flatten()
            .map(|left| left.as_millis() % 1000)
            .max();
        // Without a clock that runs down, the time that has passed is shown.
        let next = next.unwrap_or(1000 - self.quiz.elapsed().as_millis() % 1000);
        let wait = if next > 0 { next } else { 1000 };
        let read = self.clock.last()?;
        read.checked_add(SignedDuration::from_millis(wait as i64))
            .ok()
    }

    /// The process stood still since the clock was last read, because the reader stopped it.
    pub fn stood(&mut self, now: Timestamp) {
        self.clock.stood(now);
    }

    /// Time has passed.
    pub fn tick(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        self.put(Input::Tick, cx)
    }

    /// Takes a key as text.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        self.warned = false;
        self.typing() && self.field.key(key)
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if self.typing() {
            self.field.insert(text);
        }
    }

    /// Selects a choice or step that was clicked.
    pub fn select(&mut self, row: usize, cx: &Cx<'_>) -> Vec<Effect> {
        self.cursor = Some(row);
        if matches!(self.answer(), Answer::Choose { .. }) {
            return self.put(Input::Pick(row), cx);
        }
        Vec::new()
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        let parts = self.quiz.question().shown.len();
        let last = parts.saturating_sub(1);
        if action != Action::Open {
            self.warned = false;
        }
        match action {
            Action::Up if self.quiz.phase() == Phase::Asking => {
                self.cursor = Some(self.cursor.map_or(last, |at| at.saturating_sub(1)));
            }
            Action::Down if self.quiz.phase() == Phase::Asking => {
                self.cursor = Some(self.cursor.map_or(0, |at| (at + 1).min(last)));
            }
            Action::Pick(place) => {
                let place = usize::from(place);
                if place < parts {
                    self.cursor = Some(place);
                    return self.put(Input::Pick(place), cx);
                }
            }
            Action::Toggle => match self.cursor {
                Some(place) => return self.put(Input::Pick(place), cx),
                None => self.cursor = Some(0),
            },
            Action::MoveUp => {
                if let Some(from) = self.cursor.filter(|from| *from > 0) {
                    self.cursor = Some(from - 1);
                    return self.put(Input::Move { from, to: from - 1 }, cx);
                }
            }
            Action::MoveDown => {
                if let Some(from) = self.cursor.filter(|from| *from < last) {
                    self.cursor = Some(from + 1);
                    return self.put(Input::Move { from, to: from + 1 }, cx);
                }
            }
            Action::Open => return self.submit(cx),
            Action::Next => return self.put(Input::Next, cx),
            Action::Previous => return self.put(Input::Back, cx),
            Action::Flag => return self.put(Input::Flag, cx),
            Action::Pause => {
                let input = if self.quiz.phase() == Phase::Paused {
                    Input::Resume
                } else {
                    Input::Pause
                };
                return self.put(input, cx);
            }
            Action::HandIn => return vec![self.ask_to_hand_in()],
            Action::NextMatch => {
                if let Some(place) = self.next_open() {
                    return self.put(Input::Go(place), cx);
                }
            }
            Action::Back => {
                let mut effects = self.put(Input::Pause, cx);
                effects.push(Effect::Home);
                effects.push(Effect::Tell(
                    "the clock stands; home offers to go on".to_owned(),
                ));
                return effects;
            }
            other => {
                self.scroll.act(other);
            }
        }
        Vec::new()
    }

    /// Ends the quiz.
    pub fn hand_in(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        self.put(Input::HandIn, cx)
    }

    /// Enter: takes what the arrows are at when nothing was picked, and is done with the question.
    fn submit(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.quiz.phase() == Phase::Asking {
            if let Some(words) = self.doubt().filter(|_| !self.warned) {
                effects.extend(self.put(Input::Tick, cx));
                self.warned = self.quiz.phase() == Phase::Asking;
                if self.warned {
                    effects.push(Effect::Warn(words));
                }
                return effects;
            }
            if self.given().is_nothing() {
                match (self.answer(), self.cursor) {
                    (Answer::Choose { .. }, Some(at)) => {
                        effects.extend(self.put(Input::Pick(at), cx));
                        if self.answer().several() {
                            return effects;
                        }
                    }
                    (Answer::Order { .. }, _) => {
                        // The order as shown is an answer too.
                        effects.extend(self.put(Input::Move { from: 0, to: 0 }, cx));
                    }
                    _ => {}
                }
            }
        }
        let last = self.is_exam() && self.quiz.at() + 1 == self.quiz.len();
        effects.extend(self.put(Input::Submit, cx));
        if last && self.quiz.phase() == Phase::Asking {
            effects.push(self.ask_to_hand_in());
        }
        effects
    }

    /// What speaks against taking the answer as it stands, said before it is taken: a second press of
    /// the enter before must not cost a question. An exam keeps an unanswered question open.
    fn doubt(&self) -> Option<String> {
        let text = self.field.text().trim();
        let practice = !self.is_exam() && self.given().is_nothing();
        match self.answer() {
            Answer::Choose { .. } if practice && self.cursor.is_none() => {
                Some("nothing is picked; enter again leaves the question unanswered".to_owned())
            }
            Answer::Order { .. } if practice => {
                Some("nothing was moved; enter again takes the order as it stands".to_owned())
            }
            Answer::Type { .. } | Answer::Number { .. } if practice && text.is_empty() => {
                Some("nothing is typed; enter again leaves the question unanswered".to_owned())
            }
            Answer::Number { unit, .. }
                if !text.is_empty() && read_number(text, unit).is_none() =>
            {
                let unit = if unit.is_empty() {
                    String::new()
                } else {
                    format!(" in {}", plain(unit))
                };
                Some(format!(
                    "{} is no number{unit}; enter again hands it in as it is",
                    plain(text)
                ))
            }
            _ => None,
        }
    }

    /// Asks before the quiz is ended, and says what is still to do.
    fn ask_to_hand_in(&self) -> Effect {
        let count = |wanted: fn(&Sheet) -> bool| {
            let sheets = self.quiz.sheets().iter();
            sheets.filter(|sheet| wanted(sheet)).count()
        };
        let open = count(|sheet| sheet.given.is_nothing());
        let marked = count(|sheet| sheet.flagged);
        let mut words = "Hand the quiz in?".to_owned();
        if open > 0 {
            words.push_str(&format!(" {open} of {} not answered.", self.quiz.len()));
        }
        if marked > 0 && self.is_exam() {
            words.push_str(&format!(" {marked} marked for later."));
        }
        Effect::Ask(words, Box::new(Effect::HandIn))
    }

    /// The next question of an exam that has no answer or is marked for later; after the last comes the first.
    fn next_open(&self) -> Option<usize> {
        let (at, len) = (self.quiz.at(), self.quiz.len());
        (1..len).map(|step| (at + step) % len).find(|place| {
            let sheet = &self.quiz.sheets()[*place];
            !sheet.locked && (sheet.given.is_nothing() || sheet.flagged)
        })
    }

    fn given(&self) -> &Given {
        &self.quiz.sheets()[self.quiz.at()].given
    }

    /// Hands an input to the quiz, after what was typed, and what it asks for to the app.
    fn put(&mut self, input: Input, cx: &Cx<'_>) -> Vec<Effect> {
        let running = self.quiz.phase() == Phase::Asking;
        let Read { now, slept, told } = self.clock.read(cx.now.at, running);
        let input = if slept { Input::Pause } else { input };
        let (at, phase) = (self.quiz.at(), self.quiz.phase());
        let mut effects = Vec::new();
        if self.typing() {
            let text = self.field.text().to_owned();
            let unchanged = matches!(self.given(), Given::Typed(known) if *known == text);
            let untouched = text.is_empty() && self.given().is_nothing();
            if !(unchanged || untouched) {
                effects.extend(self.quiz.handle(Input::Type(text), now));
            }
        }
        if (at, phase) == (self.quiz.at(), self.quiz.phase()) {
            effects.extend(self.quiz.handle(input, now));
        }
        if (at, phase) != (self.quiz.at(), self.quiz.phase()) {
            self.turned();
        }
        let quizzed = (!effects.is_empty()).then_some(Effect::Quizzed(self.session, effects));
        told.into_iter().chain(quizzed).collect()
    }

    /// Another question, or another view of it.
    fn turned(&mut self) {
        self.scroll = Scroll::default();
        self.warned = false;
        if self.quiz.phase() == Phase::Asking {
            self.cursor = matches!(self.answer(), Answer::Order { .. }).then_some(0);
            self.field = Field::new(match self.given() {
                Given::Typed(text) => text.clone(),
                _ => String::new(),
            });
        }
    }

    /// Draws the screen.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, _cx: &Cx<'_>) {
        let [top, body] = Layout::vertical([
            Constraint::Length(2 + u16::from(self.is_exam())),
            Constraint::Fill(1),
        ])
        .areas(area);
        self.draw_top(canvas, top);
        let body = column(body);
        if self.quiz.phase() == Phase::Paused {
            self.draw_pause(canvas, body);
            return;
        }
        let columns = usize::from(body.width);
        let question = self.quiz.question().clone();
        let mut lines = canvas
            .prose
            .page(&question.candidate.check.ask, columns, canvas.theme, 0)
            .lines
            .clone();
        lines.push(Line::default());
        let first = lines.len();
        let mut rows = Vec::new();
        match &question.candidate.check.answer {
            Answer::Choose { .. } => self.choices(canvas, columns, &mut lines, &mut rows),
            Answer::Order { .. } => self.steps(canvas, columns, &mut lines, &mut rows),
            Answer::Type { .. } | Answer::Number { .. } => self.typed(canvas, columns, &mut lines),
        }
        if self.quiz.phase() == Phase::Answered {
            self.background(canvas, columns, &mut lines);
        }
        self.scroll.fit(lines.len(), usize::from(body.height));
        if let Some(row) = self.cursor.and_then(|at| rows.get(at))
            && self.quiz.phase() == Phase::Asking
        {
            self.scroll.show(*row);
        }
        self.scroll.draw(canvas, body, &lines);
        self.place_rows(canvas, body, &rows, lines.len());
        if self.typing() {
            let row = first.saturating_sub(self.scroll.offset()) as u16;
            let place = Rect {
                x: body.x + 2,
                y: body.y + row.min(body.height.saturating_sub(1)),
                width: body.width.saturating_sub(4).min(48),
                height: 1,
            };
            self.field.draw(canvas, place, "", canvas.theme.selected);
        }
    }

    /// Where clicks on choices and steps lead.
    fn place_rows(&self, canvas: &mut Canvas<'_>, body: Rect, rows: &[usize], end: usize) {
        for (index, first) in rows.iter().enumerate() {
            let next = rows.get(index + 1).copied().unwrap_or(end);
            let top = first.saturating_sub(self.scroll.offset());
            let height = next.saturating_sub(*first);
            if *first >= self.scroll.offset() && top < usize::from(body.height) {
                let place = Rect {
                    y: body.y + top as u16,
                    height: (height as u16).min(body.height - top as u16),
                    ..body
                };
                canvas.hit(place, crate::tui::canvas::Hit::Row(index));
            }
        }
    }

    fn draw_top(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let theme = canvas.theme;
        let inner = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            ..area
        };
        let candidate = &self.quiz.question().candidate;
        let sheet = &self.quiz.sheets()[self.quiz.at()];
        let mut left = vec![Span::styled(
            format!("{} of {}", self.quiz.at() + 1, self.quiz.len()),
            theme.title,
        )];
        // Before the topic, which may be cut.
        if sheet.flagged {
            left.push(Span::styled("  ⚑ for later", theme.warn));
        }
        left.push(Span::styled(
            format!(
                "  {}  ·  {}",
                plain(&candidate.topic),
                candidate.level.word()
            ),
            theme.dim,
        ));
        let mut right = Vec::new();
        if area.width >= 72 {
            let done = self
                .quiz
                .sheets()
                .iter()
                .filter(|s| s.locked || !s.given.is_nothing())
                .count();
            right.extend(bar(
                done as f64 / self.quiz.len() as f64,
                10,
                theme,
                theme.accent,
            ));
            right.push(Span::raw("  "));
        }
        right.extend(self.clocks(theme));
        let wide: usize = right.iter().map(Span::width).sum();
        let words = Rect {
            width: inner.width.saturating_sub(wide as u16 + 1),
            ..inner
        };
        canvas.line(words, 0, Line::from(left));
        canvas.right(inner, 0, Line::from(right));
        if self.is_exam() && self.quiz.len() <= usize::from(inner.width) {
            canvas.line(inner, 1, self.places(theme));
        }
    }

    /// A sign for every question of an exam: answered, open, marked for later, and where the reader is.
    fn places(&self, theme: &Theme) -> Line<'static> {
        let sheets = self.quiz.sheets().iter().enumerate();
        let signs = sheets.map(|(place, sheet)| {
            let (sign, style) = match (sheet.flagged, sheet.given.is_nothing()) {
                (true, _) => ("⚑", theme.warn),
                (false, false) => ("●", theme.accent),
                (false, true) if sheet.locked => ("–", theme.bad),
                (false, true) => ("○", theme.dim),
            };
            let here = place == self.quiz.at();
            Span::styled(sign, if here { theme.selected } else { style })
        });
        Line::from(signs.collect::<Vec<_>>())
    }

    fn clocks(&self, theme: &Theme) -> Vec<Span<'static>> {
        let style = |left: Duration| {
            if left <= SHORT {
                theme.bad
            } else {
                theme.accent
            }
        };
        let mut spans = Vec::new();
        if let Some(left) = self.quiz.left_here() {
            spans.push(Span::styled(format!("{} here", clock(left)), style(left)));
            spans.push(Span::raw("  "));
        }
        match self.quiz.left() {
            Some(left) => spans.push(Span::styled(format!("{} left", clock(left)), style(left))),
            None => spans.push(Span::styled(passed(self.quiz.elapsed()), theme.dim)),
        }
        spans
    }

    fn draw_pause(&self, canvas: &mut Canvas<'_>, body: Rect) {
        let theme = canvas.theme;
        let answered = self
            .quiz
            .sheets()
            .iter()
            .filter(|s| !s.given.is_nothing())
            .count();
        canvas.text(body, 1, "The clock stands", theme.title);
        let words = format!(
            "{answered} of {} answered. The question is hidden until you go on.",
            self.quiz.len()
        );
        let lines = wrap(&[Run::new(&words, Style::new())], usize::from(body.width));
        for (row, line) in lines.into_iter().enumerate() {
            canvas.line(body, 3 + row as u16, line);
        }
    }
}
