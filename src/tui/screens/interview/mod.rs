//! A mock interview on screen: `setup` chooses it, this asks it, `whiteboard` draws its design drill,
//! `report` tells how it went.
//!
//! What happens is decided by [`session::interview`](crate::session::interview); this draws it, runs
//! its clock by the loop's deadlines and turns keys into its inputs. A design drill alone is an
//! interview without questions.

mod report;
mod setup;
mod whiteboard;

use std::{ops::Range, time::Duration};

use jiff::{SignedDuration, Timestamp};
use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

pub use report::InterviewReport;
pub use setup::{InterviewSetup, begin};

use super::{
    quiz::{marked, passed},
    session_clock::{Read, SessionClock},
};
use crate::{
    progress::EventId,
    session::{
        design,
        interview::{Input, Interview, Phase, Question},
    },
    tui::{
        canvas::Canvas,
        effect::{Cx, Effect, Practise},
        keymap::{Action, Context},
        text::plain,
        theme::Theme,
        widgets::{Scroll, bar, checklist, column, heading},
    },
};

/// From here on what is ticked and what it is held against stand side by side.
const WIDE: u16 = 120;
/// From here on an answer counts as long.
const LONG: Duration = Duration::from_mins(4);

/// The screen.
#[derive(Debug)]
pub struct InterviewScreen {
    interview: Interview,
    session: EventId,
    about: String,
    scroll: Scroll,
    /// The right side, where there is one.
    side: Scroll,
    /// Columns by which diagrams are moved to the left.
    shift: usize,
    /// Bring what this ticked into the window, where it may be out of sight.
    ticked: Option<Action>,
    clock: SessionClock,
}

/// What can be ticked, and the lines that it takes.
type Checks = Vec<(Action, Range<usize>)>;

/// The points of a checklist with the lines they take.
fn ticks(places: Vec<Range<usize>>) -> Checks {
    let numbered = places.into_iter().zip(0..);
    numbered
        .map(|(place, point)| (Action::Tick(point), place))
        .collect()
}

/// Text behind a rule on its left.
pub(super) fn ruled(canvas: &mut Canvas<'_>, text: &str, columns: usize) -> Vec<Line<'static>> {
    let mark = Span::styled("▎ ", canvas.theme.good);
    marked(
        canvas,
        Vec::new(),
        text,
        columns.saturating_sub(2),
        Style::new(),
    )
    .into_iter()
    .map(|mut line| {
        line.spans.insert(0, mark.clone());
        line
    })
    .collect()
}

impl InterviewScreen {
    /// An interview where it stands.
    pub fn new(interview: Interview, session: EventId, about: String) -> Self {
        Self {
            interview,
            session,
            about,
            scroll: Scroll::default(),
            side: Scroll::default(),
            shift: 0,
            ticked: None,
            clock: SessionClock::default(),
        }
    }

    /// Its name in the top line.
    pub fn title(&self) -> String {
        let kind = if self.interview.questions().is_empty() {
            "design"
        } else {
            "interview"
        };
        format!("{kind} › {}", plain(&self.about))
    }

    fn board(&self) -> Option<&design::Design> {
        let design = self.interview.design();
        design.filter(|_| self.interview.phase() == Phase::Design)
    }

    /// Where keys work.
    pub fn contexts(&self) -> &'static [Context] {
        match (
            self.interview.phase(),
            self.board().map(design::Design::phase),
        ) {
            (Phase::Speaking, _) => &[Context::Speaking, Context::Moving],
            (Phase::Paused, _) | (_, Some(design::Phase::Paused)) => &[Context::Standing],
            (Phase::Points, _) => &[Context::Points, Context::Moving],
            (Phase::FollowUp { shown: false, .. }, _) => &[Context::FollowUp, Context::Moving],
            (Phase::FollowUp { .. }, _) => &[Context::FollowUpAnswer, Context::Moving],
            (_, Some(design::Phase::Working)) => &[Context::Whiteboard, Context::Moving],
            (_, Some(design::Phase::Comparing)) => &[Context::Comparing, Context::Moving],
            _ => &[Context::Moving],
        }
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action) -> bool {
        match action {
            Action::Trap => self.question().is_some_and(|q| q.card.trap.is_some()),
            Action::Hint => self.board().is_some_and(|board| {
                let shown = board
                    .sheets()
                    .get(board.at())
                    .map_or(0, |sheet| sheet.hints);
                board.stage().is_some_and(|stage| shown < stage.hints.len())
            }),
            Action::Previous => self.board().is_some_and(|board| board.at() > 0),
            _ => true,
        }
    }

    fn question(&self) -> Option<&Question> {
        self.interview.question()
    }

    /// Time on the clock that runs now.
    fn running(&self) -> Option<Duration> {
        match (self.interview.phase(), self.board()) {
            (Phase::Speaking, _) => self.spent(),
            (_, Some(board)) if board.phase() == design::Phase::Working => {
                board.sheets().get(board.at()).map(|sheet| sheet.spent)
            }
            _ => None,
        }
    }

    fn spent(&self) -> Option<Duration> {
        let sheets = self.interview.sheets();
        sheets.get(self.interview.at()).map(|sheet| sheet.spent)
    }

    /// When it wants to be drawn again: at the next second of a running clock.
    pub fn deadline(&self) -> Option<Timestamp> {
        let spent = self.running()?;
        let wait = 1000 - spent.subsec_millis();
        let wait = SignedDuration::from_millis(i64::from(wait));
        self.clock.last()?.checked_add(wait).ok()
    }

    /// The process stood still since the clock was last read, because the reader stopped it.
    pub fn stood(&mut self, now: Timestamp) {
        self.clock.stood(now);
    }

    /// Time has passed.
    pub fn tick(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        self.put(Input::Wait, cx)
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        if action == Action::Back {
            return self.leave(cx);
        }
        if action == Action::Finish {
            let words = "End here? What was not reached does not count.".to_owned();
            return vec![Effect::Ask(
                words,
                Box::new(Effect::Practise(Practise::End)),
            )];
        }
        if matches!(action, Action::Tick(_) | Action::Trap) {
            self.ticked = Some(action);
        }
        match self.meaning(action) {
            Some(input) => self.put(input, cx),
            None => {
                self.moved(action);
                Vec::new()
            }
        }
    }

    fn meaning(&self, action: Action) -> Option<Input> {
        if let Some(board) = self.board() {
            return Some(Input::Design(match action {
                Action::Open => design::Input::Next,
                Action::Tick(line) => design::Input::Tick(usize::from(line)),
                Action::Hint => design::Input::Hint,
                Action::Previous => design::Input::Back,
                Action::Pause if board.phase() == design::Phase::Paused => design::Input::Resume,
                Action::Pause => design::Input::Pause,
                _ => return None,
            }));
        }
        Some(match action {
            Action::Open => Input::Next,
            Action::Tick(point) => Input::Tick(usize::from(point)),
            Action::Trap => Input::Trap,
            Action::Skip => Input::Skip,
            Action::Yes => Input::Judge(true),
            Action::No => Input::Judge(false),
            Action::Pause if self.interview.phase() == Phase::Paused => Input::Resume,
            Action::Pause => Input::Pause,
            _ => return None,
        })
    }

    fn moved(&mut self, action: Action) {
        match action {
            Action::Left => self.shift = self.shift.saturating_sub(8),
            Action::Right => self.shift = (self.shift + 8).min(240),
            other if self.side.fits() => {
                self.scroll.act(other);
            }
            other => {
                self.side.act(other);
            }
        }
    }

    /// Stops the clock and goes home, where going on is offered.
    fn leave(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        let mut effects = self.put(self.pause(), cx);
        effects.push(Effect::Practise(Practise::LetGo(self.session)));
        effects.push(Effect::Home);
        let words = "kept as it stands; home offers to go on".to_owned();
        effects.push(Effect::Tell(words));
        effects
    }

    /// Ends the interview.
    pub fn end(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        self.put(Input::End, cx)
    }

    fn place(&self) -> (usize, Phase, Option<(usize, design::Phase)>) {
        let board = self.board().map(|board| (board.at(), board.phase()));
        (self.interview.at(), self.interview.phase(), board)
    }

    fn pause(&self) -> Input {
        if self.board().is_some() {
            Input::Design(design::Input::Pause)
        } else {
            Input::Pause
        }
    }

    /// Hands an input to the interview, and what it asks for to the app.
    fn put(&mut self, input: Input, cx: &Cx<'_>) -> Vec<Effect> {
        let running = self.running().is_some();
        let Read { now, slept, told } = self.clock.read(cx.now.at, running);
        let input = if slept { self.pause() } else { input };
        let before = self.place();
        let effects = self.interview.handle(input, now);
        if before != self.place() {
            self.scroll = Scroll::default();
            self.side = Scroll::default();
            self.shift = 0;
        }
        let activity = crate::tui::desk::interviewing::activity(&self.interview);
        let interviewed = (!effects.is_empty()).then_some(Effect::Practise(Practise::Interviewed(
            self.session,
            activity,
            effects,
        )));
        told.into_iter().chain(interviewed).collect()
    }

    /// Draws the screen.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, _cx: &Cx<'_>) {
        let [top, body] =
            Layout::vertical([Constraint::Length(2), Constraint::Fill(1)]).areas(area);
        let (left, right) = self.top(canvas.theme, area.width);
        let inner = Rect {
            x: top.x + 1,
            width: top.width.saturating_sub(2),
            ..top
        };
        let wide = right.width() as u16;
        let words = Rect {
            width: inner.width.saturating_sub(wide + 1),
            ..inner
        };
        canvas.line(words, 0, left);
        canvas.right(inner, 0, right);
        match (
            self.interview.phase(),
            self.board().map(design::Design::phase),
        ) {
            (Phase::Paused, _) | (_, Some(design::Phase::Paused)) => {
                self.side = Scroll::default();
                draw_pause(canvas, column(body));
            }
            (Phase::Speaking, _) => self.draw_question(canvas, column(body)),
            (Phase::Points, _) => self.draw_points(canvas, body),
            (Phase::FollowUp { place, shown }, _) => {
                self.draw_follow_up(canvas, column(body), place, shown);
            }
            (Phase::Design, _) => self.draw_board(canvas, body),
            (Phase::Done, _) => {}
        }
    }

    /// The top line: where the interview is, and its clock.
    fn top(&self, theme: &Theme, columns: u16) -> (Line<'static>, Line<'static>) {
        if let Some(board) = self.board() {
            return whiteboard::top(board, theme);
        }
        let count = self.interview.questions().len();
        let at = self.interview.at();
        let mut left = vec![Span::styled(format!("{} of {count}", at + 1), theme.title)];
        if let Some(question) = self.question() {
            let level = question.card.level.word();
            let words = format!("  {}  ·  {level}", plain(&question.topic));
            left.push(Span::styled(words, theme.dim));
        }
        let mut right = Vec::new();
        if columns >= 72 {
            let share = at as f64 / count.max(1) as f64;
            right.extend(bar(share, 10, theme, theme.accent));
            right.push(Span::raw("  "));
        }
        let spent = self.spent().unwrap_or_default();
        let style = if spent >= LONG {
            theme.warn
        } else {
            theme.accent
        };
        right.push(Span::styled(passed(spent), style));
        (Line::from(left), Line::from(right))
    }

    fn draw_question(&mut self, canvas: &mut Canvas<'_>, body: Rect) {
        let theme = canvas.theme;
        let Some(question) = self.question().cloned() else {
            return;
        };
        let columns = usize::from(body.width);
        let mut lines = strong(canvas, &question.card.ask, columns);
        lines.push(Line::default());
        let hint = "Answer aloud, as you would in the interview. Space when you are done; the points come then.";
        lines.extend(marked(canvas, Vec::new(), hint, columns, theme.dim));
        self.side = Scroll::default();
        self.scroll.draw(canvas, body, &lines);
    }

    fn draw_points(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(question) = self.question().cloned() else {
            return;
        };
        if area.width >= WIDE {
            let [left, right] =
                Layout::horizontal([Constraint::Fill(9), Constraint::Fill(11)]).areas(area);
            let left = column(left);
            let (lines, checks) = self.points(canvas, &question, usize::from(left.width));
            let inner = canvas.frame(right, "A good answer", false);
            let answer = self.answer(canvas, &question, usize::from(inner.width));
            self.draw_checks(canvas, left, &lines, &checks);
            self.side.draw(canvas, inner, &answer);
            return;
        }
        let body = column(area);
        let columns = usize::from(body.width);
        let (mut lines, checks) = self.points(canvas, &question, columns);
        lines.push(Line::default());
        lines.extend(self.answer(canvas, &question, columns));
        self.side = Scroll::default();
        self.draw_checks(canvas, body, &lines, &checks);
    }

    /// Draws lines with what can be ticked in them, by key or click; what was just ticked is brought into
    /// the window.
    fn draw_checks(
        &mut self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        lines: &[Line<'static>],
        checks: &[(Action, Range<usize>)],
    ) {
        self.scroll.fit(lines.len(), usize::from(area.height));
        let ticked = self.ticked.take();
        let place = checks.iter().find(|(action, _)| Some(*action) == ticked);
        if let Some((_, place)) = place {
            self.scroll.show_all(place);
        }
        self.scroll.draw(canvas, area, lines);
        for (action, place) in checks {
            self.scroll.hit(canvas, area, place, *action);
        }
    }

    /// The question, its points to tick, and its trap said plainly.
    fn points(
        &self,
        canvas: &mut Canvas<'_>,
        question: &Question,
        columns: usize,
    ) -> (Vec<Line<'static>>, Checks) {
        let theme = canvas.theme;
        let card = &question.card;
        let sheet = &self.interview.sheets()[self.interview.at()];
        let mut lines = strong(canvas, &card.ask, columns);
        let made = format!("{} of {}", sheet.ticked.len(), card.points.len());
        heading(&mut lines, "Points you made", &made, theme);
        let ticked: Vec<bool> = (0..card.points.len())
            .map(|point| sheet.ticked.contains(&point))
            .collect();
        let points = checklist(
            &mut lines,
            &card.points,
            &ticked,
            columns,
            theme,
            &mut canvas.prose.code,
        );
        let mut checks = ticks(points);
        if let Some(trap) = &card.trap {
            heading(&mut lines, "The trap", "did you say this?", theme);
            let (sign, style) = if sheet.trapped {
                (" [x] ", theme.bad)
            } else {
                (" [ ] ", theme.dim)
            };
            let mark = vec![Span::styled("t", theme.key), Span::styled(sign, style)];
            let first = lines.len();
            lines.extend(marked(canvas, mark, trap, columns, Style::new()));
            checks.push((Action::Trap, first..lines.len()));
        }
        (lines, checks)
    }

    /// What a good answer holds.
    fn answer(
        &self,
        canvas: &mut Canvas<'_>,
        question: &Question,
        columns: usize,
    ) -> Vec<Line<'static>> {
        let theme = canvas.theme;
        let card = &question.card;
        let mut lines = Vec::new();
        heading(&mut lines, "Say first", "", theme);
        lines.extend(ruled(canvas, &card.say, columns));
        if !card.explain.trim().is_empty() {
            heading(&mut lines, "How it works", "", theme);
            let page = canvas.prose.page(&card.explain, columns, theme, self.shift);
            lines.extend(page.lines.iter().cloned());
        }
        lines
    }

    fn draw_follow_up(&mut self, canvas: &mut Canvas<'_>, body: Rect, place: usize, shown: bool) {
        let theme = canvas.theme;
        let Some(question) = self.question().cloned() else {
            return;
        };
        let Some(follow_up) = question.card.follow_ups.get(place) else {
            return;
        };
        let columns = usize::from(body.width);
        let mut lines = marked(canvas, Vec::new(), &question.card.ask, columns, theme.dim);
        let of = format!("{} of {}", place + 1, question.card.follow_ups.len());
        heading(&mut lines, "They ask next", &of, theme);
        lines.extend(strong(canvas, &follow_up.ask, columns));
        lines.push(Line::default());
        if shown {
            lines.extend(ruled(canvas, &follow_up.say, columns));
            lines.push(Line::default());
            lines.push(Line::from(vec![
                Span::raw("Did it go well?  "),
                Span::styled("y", theme.key),
                Span::raw(" it did   "),
                Span::styled("n", theme.key),
                Span::raw(" it did not"),
            ]));
        } else {
            let hint = "Answer aloud, then space shows the answer.";
            lines.push(Line::from(Span::styled(hint, theme.dim)));
        }
        self.side = Scroll::default();
        self.scroll.draw(canvas, body, &lines);
    }
}

/// Text in bold.
pub(super) fn strong(canvas: &mut Canvas<'_>, text: &str, columns: usize) -> Vec<Line<'static>> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let lines = marked(canvas, Vec::new(), text, columns, Style::new());
    lines
        .into_iter()
        .map(|line| line.patch_style(bold))
        .collect()
}

fn draw_pause(canvas: &mut Canvas<'_>, body: Rect) {
    let theme = canvas.theme;
    canvas.text(body, 1, "The clock stands", theme.title);
    let words = "The question is hidden until you go on. Esc leaves; home offers to go on later.";
    let lines = marked(
        canvas,
        Vec::new(),
        words,
        usize::from(body.width),
        theme.dim,
    );
    for (row, line) in lines.into_iter().enumerate() {
        canvas.line(body, 3 + row as u16, line);
    }
}
