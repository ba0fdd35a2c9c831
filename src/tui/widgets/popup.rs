//! A box above the screen.

use ratatui::layout::Rect;

use crate::tui::canvas::Canvas;

/// A rectangle of that size in the middle of an area, as far as it fits.
pub fn centred(area: Rect, columns: u16, rows: u16) -> Rect {
    let width = columns.min(area.width);
    let height = rows.min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// Draws an empty box with a title in the middle of an area and returns what is inside it.
pub fn popup(canvas: &mut Canvas<'_>, area: Rect, title: &str, columns: u16, rows: u16) -> Rect {
    let place = centred(area, columns, rows);
    canvas.clear(place);
    canvas.frame(place, title, true)
}
