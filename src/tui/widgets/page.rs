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

/// Adds spans one after the other, going on in a new line, indented, before one that does not fit.
pub fn flow(lines: &mut Vec<Line<'static>>, spans: Vec<Span<'static>>, columns: usize) {
    let mut line = Line::default();
    for span in spans {
        let signs = span.content.trim_end().len();
        let blank = span.content.len() - signs;
        if !line.spans.is_empty() && line.width() + span.width() - blank > columns {
            lines.push(std::mem::take(&mut line));
            let rest = span.content.trim_start().to_owned();
            line.push_span(Span::raw("  "));
            line.push_span(Span::styled(rest, span.style));
        } else {
            line.push_span(span);
        }
    }
    lines.push(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_on_in_the_next_line_where_they_do_not_fit() {
        let spans = || ["Level  ", "medium", "   2 questions", "   worth 60 %"].map(Span::raw);
        let flown = |columns| {
            let mut lines = Vec::new();
            flow(&mut lines, spans().to_vec(), columns);
            lines.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(flown(60), ["Level  medium   2 questions   worth 60 %"]);
        assert_eq!(flown(30), ["Level  medium   2 questions", "  worth 60 %"]);
        assert_eq!(
            flown(8),
            ["Level  ", "  medium", "  2 questions", "  worth 60 %"]
        );
    }
}
