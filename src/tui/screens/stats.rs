//! Figures: recall by deck, reviews a day, what comes back when, readiness until the date.

use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use crate::{
    memory::{Day, Forecast, Overview},
    progress::DayCount,
    tui::{
        canvas::Canvas,
        effect::{Cx, Effect},
        keymap::{Action, Context},
        text::{fit, percent, plain, right},
        widgets::{Scroll, bar, stack},
    },
};

/// The figures, in order.
const PAGES: [&str; 4] = [
    "Recall by deck",
    "Reviews a day",
    "Coming back",
    "Ready on the day",
];

/// Days of the figure of reviews.
const DAYS: u32 = 90;

/// The screen.
#[derive(Debug)]
pub struct Stats {
    page: usize,
    overview: Overview,
    days: Vec<DayCount>,
    forecast: Vec<Forecast>,
    scroll: Scroll,
}

impl Stats {
    /// The figures as they stand now.
    pub fn new(cx: &Cx<'_>) -> Self {
        let mut stats = Self {
            page: 0,
            overview: Overview::default(),
            days: Vec::new(),
            forecast: Vec::new(),
            scroll: Scroll::default(),
        };
        stats.refresh(cx);
        stats
    }

    /// Works the figures out anew.
    pub fn refresh(&mut self, cx: &Cx<'_>) {
        self.overview = cx.desk.overview(cx.now);
        self.days = with_gaps(cx.desk.days_rated(), cx.now.day);
        self.forecast = cx.desk.forecast(cx.now);
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::Stats, Context::Moving]
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, _cx: &Cx<'_>) -> Vec<Effect> {
        match action {
            Action::Back => return vec![Effect::Back],
            Action::Next => self.page = (self.page + 1) % PAGES.len(),
            Action::Previous => self.page = (self.page + PAGES.len() - 1) % PAGES.len(),
            other => {
                self.scroll.act(other);
            }
        }
        Vec::new()
    }

    /// Draws the screen: on a wide one all figures, else one of them.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        if area.width >= 116 && area.height >= 26 {
            let [left, side] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)])
                .spacing(1)
                .areas(area);
            let halves = |area| {
                Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas::<2>(area)
            };
            let [a, b] = halves(left);
            let [c, d] = halves(side);
            for (page, place) in [a, b, c, d].into_iter().enumerate() {
                let inner = canvas.frame(place, PAGES[page], false);
                self.draw_page(canvas, inner, page, cx);
            }
            return;
        }
        let mut spans = vec![Span::raw(" ")];
        for (page, name) in PAGES.iter().enumerate() {
            let chosen = page == self.page;
            let style = if chosen {
                canvas.theme.selected.patch(canvas.theme.title)
            } else {
                canvas.theme.dim
            };
            spans.push(Span::styled(
                if chosen {
                    format!("▸{name} ")
                } else {
                    format!(" {name} ")
                },
                style,
            ));
        }
        canvas.line(area, 0, Line::from(spans));
        let inner = Rect {
            x: area.x + 2,
            y: area.y + 2,
            width: area.width.saturating_sub(4),
            height: area.height.saturating_sub(2),
        };
        self.draw_page(canvas, inner, self.page, cx);
    }

    fn draw_page(&mut self, canvas: &mut Canvas<'_>, area: Rect, page: usize, cx: &Cx<'_>) {
        match page {
            0 => self.recall(canvas, area),
            1 => self.reviews(canvas, area),
            2 => coming(canvas, area, cx),
            _ => self.ready(canvas, area, cx),
        }
    }

    fn recall(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let theme = canvas.theme;
        let title = usize::from(area.width).saturating_sub(38).min(40);
        let lines: Vec<Line<'static>> = self
            .overview
            .decks
            .iter()
            .map(|deck| {
                let share = deck.ready.share;
                let mut spans = vec![Span::raw(fit(&plain(&deck.title), title)), Span::raw("  ")];
                spans.extend(bar(share, 16, theme, theme.share(share)));
                spans.push(Span::styled(right(&percent(share), 6), Style::new()));
                spans.push(Span::styled(
                    right(&format!("{}/{} met", deck.ready.seen, deck.ready.cards), 13),
                    theme.dim,
                ));
                Line::from(spans)
            })
            .collect();
        if lines.is_empty() {
            canvas.text(area, 0, "No decks yet.", theme.dim);
        }
        self.scroll.draw(canvas, area, &lines);
    }

    fn reviews(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let theme = canvas.theme;
        if self.days.iter().all(|day| day.reviews == 0) {
            canvas.text(
                area,
                0,
                "No reviews yet. The first drill starts this figure.",
                theme.dim,
            );
            return;
        }
        let columns = usize::from(area.width / 2).clamp(1, self.days.len());
        let days = &self.days[self.days.len() - columns..];
        let counts: Vec<f64> = days.iter().map(|day| day.reviews as f64).collect();
        let height = usize::from(area.height.saturating_sub(4)).clamp(1, 8);
        for (row, line) in stack(&counts, height, 1, 1).into_iter().enumerate() {
            canvas.text(area, row as u16, &line, theme.accent);
        }
        let most = days.iter().map(|day| day.reviews).max().unwrap_or(0);
        let (rated, recalled) = days
            .iter()
            .fold((0, 0), |(a, b), day| (a + day.reviews, b + day.recalled));
        let share = recalled as f64 / rated.max(1) as f64;
        let line = height as u16;
        canvas.text(
            area,
            line,
            &fit(
                &format!("{} days ago", columns - 1),
                (columns * 2).saturating_sub(6),
            ),
            theme.dim,
        );
        if columns > 10 {
            canvas.text(
                Rect {
                    x: area.x + (columns * 2 - 6) as u16,
                    ..area
                },
                line,
                "today",
                theme.dim,
            );
        }
        canvas.text(
            area,
            line + 2,
            &format!(
                "most on a day {most}   together {rated}   remembered {:.0} %",
                share * 100.0
            ),
            Style::new(),
        );
    }

    fn ready(&self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let theme = canvas.theme;
        if cx.desk.days_left(cx.now).is_none() {
            canvas.text(
                area,
                0,
                "Set the date of the interview (key , at home) to aim at it.",
                theme.dim,
            );
        }
        let shares: Vec<f64> = self.forecast.iter().map(|day| day.share).collect();
        let Some(last) = self.forecast.last() else {
            // The interview is today.
            let words = format!("{} today", percent(self.overview.ready.share));
            canvas.text(area, 1, &words, Style::new());
            return;
        };
        let height = usize::from(area.height.saturating_sub(4)).clamp(1, 8);
        let scale = Rect { width: 6, ..area };
        canvas.text(scale, 1, "100 %", theme.dim);
        canvas.text(scale, height as u16, "  0 %", theme.dim);
        let chart = Rect {
            x: area.x + 6,
            width: area.width.saturating_sub(6),
            y: area.y + 1,
            height: area.height.saturating_sub(1),
        };
        // Thinned or widened to the room there is.
        let n = shares.len().min(usize::from(chart.width));
        let wide = (usize::from(chart.width) / n.max(1)).clamp(1, 3);
        let thin: Vec<f64> = (0..n)
            .map(|i| shares[(i + 1) * shares.len() / n - 1])
            .collect();
        for (row, line) in absolute(&thin, height, wide).into_iter().enumerate() {
            canvas.text(chart, row as u16, &line, theme.share(last.share));
        }
        let words = format!(
            "{:.0} % on {} if you keep to the plan, {:.0} % if you stop now",
            last.share * 100.0,
            last.day.plus(1).date().strftime("%-d %b"),
            self.overview.ready.share * 100.0
        );
        canvas.text(chart, height as u16 + 1, &words, Style::new());
    }
}

/// How many cards come back on each of the coming days.
pub(super) fn coming(canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
    let theme = canvas.theme;
    let days = usize::from(area.width / 5).clamp(1, 21);
    let due = cx.desk.due_by_day(cx.now, days);
    if due.iter().all(|n| *n == 0) {
        canvas.text(
            area,
            0,
            "Nothing is waiting to come back. New cards start this figure.",
            theme.dim,
        );
        return;
    }
    let counts: Vec<f64> = due.iter().map(|n| *n as f64).collect();
    let height = usize::from(area.height.saturating_sub(3)).clamp(1, 8);
    for (row, line) in stack(&counts, height, 3, 2).into_iter().enumerate() {
        canvas.text(area, row as u16, &line, theme.info);
    }
    let mut names = String::new();
    let mut numbers = String::new();
    for (i, n) in due.iter().enumerate() {
        names.push_str(&fit(
            &cx.now.day.plus(i as u32).date().strftime("%a").to_string(),
            5,
        ));
        numbers.push_str(&fit(&n.to_string(), 5));
    }
    canvas.text(area, height as u16, &numbers, Style::new());
    canvas.text(area, height as u16 + 1, &names, theme.dim);
}

/// Shares from 0 to 1 as columns on a fixed scale.
fn absolute(shares: &[f64], height: usize, wide: usize) -> Vec<String> {
    let mut scaled = shares.to_vec();
    scaled.push(1.0);
    stack(&scaled, height, wide, 0)
        .into_iter()
        .map(|line| line.chars().take(shares.len() * wide).collect())
        .collect()
}

/// The last days, each of them, today last.
fn with_gaps(counts: &[DayCount], today: Day) -> Vec<DayCount> {
    (0..DAYS)
        .rev()
        .map(|ago| {
            let day = today.minus(ago);
            let none = DayCount {
                day,
                reviews: 0,
                recalled: 0,
                new: 0,
                ms: 0,
            };
            counts
                .iter()
                .find(|count| count.day == day)
                .copied()
                .unwrap_or(none)
        })
        .collect()
}
