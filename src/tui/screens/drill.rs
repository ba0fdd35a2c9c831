//! The drill on screen: question, answer, points, follow-ups, rating, and the summary at its end.
//!
//! What happens is decided by [`session::drill`](crate::session::drill); this draws it and turns keys
//! into its inputs. A rating is on its way to the log when it leaves here as an effect, and the next
//! card comes only when the log has it.

mod summary;

use std::ops::Range;

use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::Modifier,
    text::{Line, Span},
};

use crate::{
    bank::Card,
    memory::{Preview, Rating},
    session::drill::{Drill, Input, Open, Phase, Summary},
    tui::{
        canvas::{Canvas, Hit},
        card_view::{self, Shown},
        effect::{Cx, Effect},
        keymap::{Action, Context},
        text::plain,
        widgets::{Scroll, bar, column},
    },
};

/// From here on question and explanation stand side by side.
const WIDE: u16 = 120;

/// The screen.
#[derive(Debug)]
pub struct DrillScreen {
    drill: Drill,
    summary: Option<Summary>,
    scroll: Scroll,
    /// The right side, where there is one.
    side: Scroll,
    shift: usize,
    /// Bring the follow-up that was just shown into the window.
    to_follow_up: bool,
    /// Bring this point into the window: it was ticked, perhaps out of sight.
    to_point: Option<usize>,
}

impl DrillScreen {
    /// A drill at its first card.
    pub fn new(drill: Drill, cx: &Cx<'_>) -> Self {
        let summary = drill
            .open()
            .is_none()
            .then(|| drill.summary(cx.desk.bank(), cx.now));
        Self {
            drill,
            summary,
            scroll: Scroll::default(),
            side: Scroll::default(),
            shift: 0,
            to_follow_up: false,
            to_point: None,
        }
    }

    /// The drill itself, to be told what the log has.
    pub fn drill(&mut self) -> &mut Drill {
        &mut self.drill
    }

    /// After the drill was told an outcome: back to the top, and to the summary when it is over.
    pub fn turned(&mut self, cx: &Cx<'_>) {
        self.scroll = Scroll::default();
        self.side = Scroll::default();
        self.shift = 0;
        self.summary = self
            .drill
            .open()
            .is_none()
            .then(|| self.drill.summary(cx.desk.bank(), cx.now));
    }

    /// The bank was read again.
    pub fn refresh(&mut self, cx: &Cx<'_>) {
        self.drill.refresh(cx.desk.bank());
    }

    /// Its name in the top line.
    pub fn title(&self) -> String {
        format!("drill › {}", plain(self.drill.about()))
    }

    fn phase(&self) -> Option<Phase> {
        self.drill.open().map(|open| open.phase)
    }

    /// Where keys work.
    pub fn contexts(&self) -> &'static [Context] {
        match self.phase() {
            Some(Phase::Asking) => &[Context::Question, Context::Moving],
            Some(Phase::Revealed) => &[Context::Answer, Context::Moving],
            None => &[Context::Summary, Context::Moving],
        }
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action, cx: &Cx<'_>) -> bool {
        match action {
            Action::Undo => cx.desk.can_undo(),
            Action::Chapter => self.chapter(cx).is_some(),
            Action::GoDrill => self
                .summary
                .as_ref()
                .is_some_and(|summary| summary.left == 0),
            _ => true,
        }
    }

    /// The chapter to open: the card's, or the first the summary names.
    fn chapter(&self, cx: &Cx<'_>) -> Option<String> {
        let link = match (self.drill.open(), &self.summary) {
            (Some(open), _) => cx.desk.bank().card(&open.card)?.see.chapter.clone()?,
            (None, Some(summary)) => summary.read.first()?.link.clone(),
            (None, None) => return None,
        };
        Some(match link.anchor {
            Some(anchor) => format!("chapter:{}#{anchor}", link.chapter),
            None => format!("chapter:{}", link.chapter),
        })
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        match action {
            Action::Reveal => return self.put(Input::Reveal, cx),
            Action::Tick(place) => {
                let place = usize::from(place);
                self.to_point = Some(place);
                return self.put(Input::Tick(place), cx);
            }
            Action::Rate(number) => {
                return Rating::from_number(number)
                    .map_or_else(Vec::new, |rating| self.put(Input::Rate(rating), cx));
            }
            Action::Open => return self.go_on(cx),
            Action::Skip => return self.put(Input::Skip, cx),
            Action::Bury => return self.put(Input::Bury, cx),
            Action::Suspend => return self.put(Input::Suspend, cx),
            Action::Flag => return self.put(Input::Flag, cx),
            Action::Star => return self.put(Input::Star, cx),
            Action::Undo => return vec![Effect::Undo],
            Action::Search => return vec![Effect::BrowseCards(String::new(), Vec::new())],
            Action::Chapter => return self.chapter(cx).map(Effect::Follow).into_iter().collect(),
            Action::Edit => {
                return self
                    .drill
                    .open()
                    .map(|open| Effect::Edit(open.card.clone()))
                    .into_iter()
                    .collect();
            }
            Action::Back if self.summary.is_some() => return vec![Effect::Home],
            Action::Back => return self.put(Input::Finish, cx),
            Action::Left => self.shift = self.shift.saturating_sub(8),
            Action::Right => self.shift = (self.shift + 8).min(240),
            other => {
                if self.side.fits() {
                    self.scroll.act(other);
                } else {
                    self.side.act(other);
                }
            }
        }
        Vec::new()
    }

    /// Shows the next follow-up; when all are shown, rates as the ticks suggest.
    fn go_on(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        let Some(open) = self.drill.open() else {
            return vec![Effect::Home];
        };
        let all = cx
            .desk
            .bank()
            .card(&open.card)
            .map_or(0, |card| card.follow_ups.len());
        if open.follow_up_answers < all {
            self.to_follow_up = true;
            return self.put(Input::FollowUp, cx);
        }
        match open.suggestion() {
            Some(rating) => self.put(Input::Rate(rating), cx),
            None => vec![Effect::Tell(
                "rate with 1 to 4; ticking points a to f suggests one".to_owned(),
            )],
        }
    }

    /// Hands an input to the drill, and what it asks for to the app.
    fn put(&mut self, input: Input, cx: &Cx<'_>) -> Vec<Effect> {
        let before = self
            .drill
            .open()
            .map(|open| (open.card.clone(), open.phase));
        let effect = self.drill.handle(input, cx.desk.bank(), cx.now.at);
        if before.map(|(card, _)| card) != self.drill.open().map(|open| open.card.clone()) {
            self.turned(cx);
        }
        effect.map(Effect::Session).into_iter().collect()
    }

    /// Draws the screen.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        if let Some(summary) = self.summary.clone() {
            let body = column(area);
            let lines = summary::lines(&summary, usize::from(body.width), canvas, cx);
            self.scroll.draw(canvas, body, &lines);
            return;
        }
        let Some(open) = self.drill.open().cloned() else {
            return;
        };
        let Some(card) = cx.desk.bank().card(&open.card) else {
            canvas.text(
                area,
                1,
                " This card is not in the bank any more. s goes on to the next.",
                canvas.theme.warn,
            );
            return;
        };
        let [top, body, bottom] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Fill(1),
            Constraint::Length(2),
        ])
        .areas(area);
        self.draw_top(canvas, top, card, &open, cx);
        match open.phase {
            Phase::Asking => self.draw_question(canvas, body, card),
            Phase::Revealed => self.draw_answer(canvas, body, card, &open, cx),
        }
        match open.phase {
            Phase::Asking => {
                let words = "Say your answer aloud, then enter shows what a good one holds.";
                canvas.text(column(bottom), 1, words, canvas.theme.dim);
            }
            Phase::Revealed => draw_ratings(canvas, bottom, &open, cx),
        }
    }

    fn draw_top(&self, canvas: &mut Canvas<'_>, area: Rect, card: &Card, open: &Open, cx: &Cx<'_>) {
        let theme = canvas.theme;
        let state = cx.desk.states().get(&card.id);
        let mut line = card_view::label(
            card,
            cx.desk.bank(),
            theme,
            state.is_some_and(|s| s.starred),
            state.is_some_and(|s| s.flagged),
        );
        if open.again {
            line.push_span(Span::styled("  ·  again", theme.warn));
        } else if state.is_none_or(crate::memory::CardState::is_new) {
            line.push_span(Span::styled("  ·  new", theme.info));
        }
        let done = self.drill.lines().len();
        let left = self.drill.left();
        let share = done as f64 / (done + left).max(1) as f64;
        let mut progress = if area.width >= 72 {
            bar(share, 10, theme, theme.accent)
        } else {
            Vec::new()
        };
        progress.push(Span::styled(
            format!(" {done} done, {left} left"),
            theme.dim,
        ));
        let wide: usize = progress.iter().map(Span::width).sum();
        let inner = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            ..area
        };
        let words = Rect {
            width: inner.width.saturating_sub(wide as u16 + 2),
            ..inner
        };
        canvas.line(words, 0, line);
        canvas.right(inner, 0, Line::from(progress));
    }

    fn draw_question(&mut self, canvas: &mut Canvas<'_>, area: Rect, card: &Card) {
        let body = column(area);
        let lines = card_view::question(
            card,
            usize::from(body.width),
            canvas.theme,
            self.shift,
            canvas.prose,
        );
        self.side = Scroll::default();
        self.scroll.draw(canvas, body, &lines);
    }

    fn draw_answer(
        &mut self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        card: &Card,
        open: &Open,
        cx: &Cx<'_>,
    ) {
        let shown = Shown {
            ticked: open.ticked.clone(),
            follow_ups: open.follow_ups,
            answers: open.follow_up_answers,
            shift: self.shift,
            link: None,
        };
        let bank = cx.desk.bank();
        let theme = canvas.theme;
        let seek = std::mem::take(&mut self.to_follow_up);
        let ticked = self.to_point.take();
        if area.width >= WIDE {
            let [left, right] =
                Layout::horizontal([Constraint::Fill(9), Constraint::Fill(11)]).areas(area);
            let left = column(left);
            let columns = usize::from(left.width);
            let mut lines = card_view::question(card, columns, theme, self.shift, canvas.prose);
            let points = card_view::spoken(&mut lines, card, &shown, columns, theme, canvas.prose);
            self.scroll.fit(lines.len(), usize::from(left.height));
            if let Some(point) = ticked.and_then(|place| points.get(place)) {
                self.scroll.show_all(point);
            }
            self.scroll.draw(canvas, left, &lines);
            self.hit_points(canvas, left, &points);
            let inner = canvas.frame(right, "", false);
            let (lines, last) = card_view::taught(
                card,
                bank,
                &shown,
                usize::from(inner.width),
                theme,
                canvas.prose,
            );
            self.side.fit(lines.len(), usize::from(inner.height));
            if let (true, Some(line)) = (seek, last) {
                self.side.show(line);
            }
            self.side.draw(canvas, inner, &lines);
            return;
        }
        let body = column(area);
        let columns = usize::from(body.width);
        let mut lines = card_view::question(card, columns, theme, self.shift, canvas.prose);
        let points = card_view::spoken(&mut lines, card, &shown, columns, theme, canvas.prose);
        let (taught, last) = card_view::taught(card, bank, &shown, columns, theme, canvas.prose);
        if !taught.is_empty() {
            lines.push(Line::default());
        }
        let before = lines.len();
        lines.extend(taught);
        self.side = Scroll::default();
        self.scroll.fit(lines.len(), usize::from(body.height));
        if let (true, Some(line)) = (seek, last) {
            self.scroll.show(before + line);
        }
        if let Some(point) = ticked.and_then(|place| points.get(place)) {
            self.scroll.show_all(point);
        }
        self.scroll.draw(canvas, body, &lines);
        self.hit_points(canvas, body, &points);
    }

    /// Makes clicks on points tick them.
    fn hit_points(&self, canvas: &mut Canvas<'_>, area: Rect, points: &[Range<usize>]) {
        for (point, lines) in (0..).zip(points) {
            self.scroll.hit(canvas, area, lines, Action::Tick(point));
        }
    }
}

/// The four ratings with what each would do; the suggested one is marked.
fn draw_ratings(canvas: &mut Canvas<'_>, area: Rect, open: &Open, cx: &Cx<'_>) {
    let theme = canvas.theme;
    let rule = "─".repeat(usize::from(area.width));
    canvas.text(area, 0, &rule, theme.line);
    let state = cx
        .desk
        .states()
        .get(&open.card)
        .cloned()
        .unwrap_or_default();
    let previews: [Preview; 4] = cx.desk.scheduler().previews(&open.card, &state, cx.now);
    let suggested = open.suggestion();
    let each = (area.width.saturating_sub(2) / 4).min(26);
    let start = area.x + 1 + (area.width.saturating_sub(2) - each * 4) / 2;
    for (i, preview) in previews.iter().enumerate() {
        let place = Rect {
            x: start + each * i as u16,
            y: area.y + 1,
            width: each,
            height: 1,
        };
        let chosen = suggested == Some(preview.rating);
        let style = match preview.rating {
            Rating::Again => theme.bad,
            Rating::Hard => theme.warn,
            Rating::Good => theme.good,
            Rating::Easy => theme.info,
        };
        let style = if chosen {
            style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        } else {
            style
        };
        canvas.line(
            place,
            0,
            Line::from(vec![
                Span::styled(if chosen { "▸" } else { " " }, theme.accent),
                Span::styled(preview.rating.number().to_string(), theme.key),
                Span::raw(" "),
                Span::styled(preview.rating.word(), style),
                Span::styled(format!(" {}", preview.interval), theme.dim),
            ]),
        );
        canvas.hit(place, Hit::Act(Action::Rate(preview.rating.number())));
    }
}
