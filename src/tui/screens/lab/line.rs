//! The time line: where the run is, how far it has been, and what happened along the way.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    lab::{kinds::Sign, timeline::Timeline},
    sim::time::Time,
    tui::{canvas::Canvas, text::width},
};

/// What the line shows beside the timeline's own.
pub(super) struct Facts<'f> {
    /// Whether time goes on.
    pub(super) running: bool,
    /// How fast, in words.
    pub(super) speed: &'f str,
    /// Where the step that runs will stop.
    pub(super) until: Option<Time>,
}

/// Draws two rows: the line with its signs, and position, speed, seed, branch below.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, timeline: &Timeline, facts: &Facts<'_>) {
    let theme = canvas.theme;
    let now = timeline.now();
    let far = timeline
        .end()
        .max(facts.until.unwrap_or(Time::ZERO))
        .max(Time::secs(10));
    let end = far.to_string();
    let columns = usize::from(area.width)
        .saturating_sub(width(&end) + 3)
        .max(10);
    let place = |at: Time| ((at.0 as f64 / far.0 as f64) * (columns - 1) as f64).round() as usize;
    let (here, reached) = (place(now), place(timeline.end()));
    let mut cells: Vec<(Option<Sign>, bool)> = (0..columns)
        .map(|column| (None, column <= reached))
        .collect();
    for mark in timeline.marks() {
        let cell = &mut cells[place(mark.at).min(columns - 1)];
        cell.0 = cell.0.max(Some(mark.sign));
    }
    let mut spans = vec![Span::raw(" ")];
    for (column, (sign, reached)) in cells.into_iter().enumerate() {
        let (text, style) = match sign {
            _ if column == here => ("●", theme.accent),
            Some(sign) => (
                sign.symbol(),
                match sign {
                    Sign::Loss | Sign::Fault => theme.bad,
                    Sign::Election => theme.info,
                    Sign::Isr | Sign::Rebalance => theme.warn,
                },
            ),
            None if reached => ("─", theme.line),
            None => ("·", theme.line),
        };
        spans.push(Span::styled(text, style));
    }
    spans.push(Span::styled(format!(" {end}"), theme.dim));
    canvas.line(area, 0, Line::from(spans));

    let state = if facts.running {
        "▶ running"
    } else {
        "‖ paused"
    };
    let mut line = Line::from(vec![
        Span::styled(
            format!(" {state} "),
            if facts.running {
                theme.good
            } else {
                theme.warn
            },
        ),
        Span::styled(now.to_string(), theme.title),
        Span::styled(
            format!("  {}  seed {}", facts.speed, timeline.seed()),
            theme.dim,
        ),
    ]);
    if let Some(branch) = timeline.branch() {
        line.push_span(Span::styled(
            format!(
                "  branch from {}, forgotten to {}",
                branch.at, branch.forgotten_to
            ),
            theme.warn,
        ));
    } else if now < timeline.end() {
        line.push_span(Span::styled(
            "  in the past: a command here starts a branch",
            theme.info,
        ));
    }
    if usize::from(area.width) >= line.width() + 52 {
        let legend: Vec<String> = [
            Sign::Fault,
            Sign::Election,
            Sign::Isr,
            Sign::Rebalance,
            Sign::Loss,
        ]
        .iter()
        .map(|sign| format!("{} {}", sign.symbol(), sign.word()))
        .collect();
        canvas.right(
            area,
            1,
            Span::styled(format!("{} ", legend.join("  ")), theme.dim),
        );
    }
    canvas.line(area, 1, line);
}
