//! A short form: rows that are turned with the arrows, and what the selected one means.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::List;
use crate::tui::{
    canvas::Canvas,
    markdown::{Run, wrap},
    text::fit,
};

/// Columns of the names of the rows.
const NAMES: usize = 16;

/// Draws rows of name and value, and `about`, which is of the selected row, below them.
pub fn choices(
    canvas: &mut Canvas<'_>,
    area: Rect,
    list: &mut List,
    rows: &[(&str, String)],
    about: &str,
) {
    let theme = canvas.theme;
    let place = Rect {
        height: (rows.len() as u16).min(area.height),
        ..area
    };
    let selected = list.selected();
    list.draw(canvas, place, rows.len(), true, |index, _| {
        let (name, value) = &rows[index];
        let mut spans = vec![
            Span::raw(fit(name, NAMES)),
            Span::styled(value.clone(), theme.accent),
        ];
        if index == selected {
            spans.insert(1, Span::styled("← ", theme.dim));
            spans.push(Span::styled(" →", theme.dim));
        }
        Line::from(spans)
    });
    let text = Rect {
        y: place.bottom() + 1,
        height: area.bottom().saturating_sub(place.bottom() + 1),
        ..area
    };
    let lines = wrap(&[Run::new(about, theme.dim)], usize::from(text.width));
    for (row, line) in lines.into_iter().enumerate() {
        canvas.line(text, row as u16, line);
    }
}
