//! A page of text: the column it stands in, and the headings of its parts.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use crate::tui::theme::Theme;

/// Widest column of text that is still easy to read.
const MEASURE: u16 = 96;

/// The middle of an area, as wide as text may be, with a column of air on the left and two on the right.
pub fn column(area: Rect) -> Rect {
    column_of(area, MEASURE)
}

/// The same, at most `measure` wide.
pub fn column_of(area: Rect, measure: u16) -> Rect {
    let room = area.width.saturating_sub(3);
    let width = room.min(measure);
    Rect {
        x: area.x + 1 + (room - width) / 2,
        width,
        ..area
    }
}

/// A heading with a word beside it, apart from what stands above it.
pub fn heading(lines: &mut Vec<Line<'static>>, title: &str, aside: &str, theme: &Theme) {
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    let mut spans = vec![Span::styled(title.to_owned(), theme.title)];
    if !aside.is_empty() {
        spans.push(Span::styled(format!("  {aside}"), theme.dim));
    }
    lines.push(Line::from(spans));
}
