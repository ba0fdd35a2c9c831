//! Points to tick, each with its letter and a hanging indent.

use std::ops::Range;

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use crate::tui::{
    markdown::{Document, Highlighter, layout},
    theme::Theme,
};

/// Adds lines of `a [x] point` for each point (Markdown) in `columns`; gives the lines that each takes.
pub fn checklist(
    lines: &mut Vec<Line<'static>>,
    points: &[String],
    ticked: &[bool],
    columns: usize,
    theme: &Theme,
    code: &mut Highlighter,
) -> Vec<Range<usize>> {
    let mut places = Vec::with_capacity(points.len());
    for (i, point) in points.iter().enumerate() {
        let done = ticked.get(i).copied().unwrap_or(false);
        let first = lines.len();
        let letter = char::from(b'a' + (i as u8).min(25));
        let page = layout(
            &Document::parse(point),
            columns.saturating_sub(6),
            theme,
            0,
            code,
        );
        for (y, line) in page.lines.into_iter().enumerate() {
            let mut spans = if y == 0 {
                vec![
                    Span::styled(letter.to_string(), theme.key),
                    Span::styled(
                        if done { " [x] " } else { " [ ] " },
                        if done { theme.good } else { theme.dim },
                    ),
                ]
            } else {
                vec![Span::styled("      ", Style::new())]
            };
            spans.extend(line.spans);
            lines.push(Line::from(spans));
        }
        places.push(first..lines.len());
    }
    places
}
