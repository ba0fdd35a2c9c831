//! What the reports of sittings have in common: the day they are of, and how they compare with earlier ones.
//!
//! Each report is a screen of its own beside its session; where earlier ones come from is the desk's business.

use ratatui::text::{Line, Span};

use crate::tui::{
    theme::Theme,
    widgets::{flow, sparkline},
};

/// Earlier ones whose shares are drawn beside the last.
const RUNS: usize = 16;

/// The name of a report, with the day it is of where that is past.
pub(super) fn dated(name: &str, day: Option<&str>) -> String {
    day.map_or_else(|| name.to_owned(), |day| format!("{name} of {day}"))
}

/// Adds the course of the shares, `earlier` (oldest first) and `now`, and the change since the last; `aside` says since
/// what. Nothing without earlier ones.
pub(super) fn compared(
    lines: &mut Vec<Line<'static>>,
    earlier: &[f64],
    now: f64,
    aside: String,
    columns: usize,
    theme: &Theme,
) {
    let Some(last) = earlier.last() else { return };
    let change = (now - last) * 100.0;
    let shown = earlier.len().saturating_sub(RUNS);
    let runs = earlier[shown..].iter().copied().chain([now]);
    let curve = format!("{}  ", sparkline(runs.map(Some), 1.0));
    let style = if change < 0.0 { theme.warn } else { theme.good };
    let spans = vec![
        Span::styled(curve, theme.accent),
        Span::styled(format!("{change:+.0} percentage points"), style),
        Span::styled(aside, theme.dim),
    ];
    flow(lines, spans, columns);
}
