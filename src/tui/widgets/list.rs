//! A list with one selected row.

use ratatui::{layout::Rect, text::Line};

use super::scroll::Scroll;
use crate::tui::{
    canvas::{Canvas, Hit},
    keymap::Action,
};

/// Which row is selected, and how far the list is scrolled.
#[derive(Clone, Copy, Debug, Default)]
pub struct List {
    selected: usize,
    scroll: Scroll,
}

impl List {
    /// The selected row.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Selects a row.
    pub fn select(&mut self, row: usize) {
        self.selected = row;
    }

    /// Moves as an action says in a list of `len`; false when it is no movement.
    pub fn act(&mut self, action: Action, len: usize) -> bool {
        let page = self.scroll.rows().max(1);
        let last = len.saturating_sub(1);
        self.selected = match action {
            Action::Up => self.selected.saturating_sub(1),
            Action::Down => (self.selected + 1).min(last),
            Action::PageUp => self.selected.saturating_sub(page),
            Action::PageDown => (self.selected + page).min(last),
            Action::Top => 0,
            Action::Bottom => last,
            _ => return false,
        };
        true
    }

    /// Draws the rows that fit; `row` makes the line of each. The selected one starts with `▸`.
    pub fn draw<'a>(
        &mut self,
        canvas: &mut Canvas<'a>,
        area: Rect,
        len: usize,
        focused: bool,
        mut row: impl FnMut(usize, &mut Canvas<'a>) -> Line<'a>,
    ) {
        self.selected = self.selected.min(len.saturating_sub(1));
        self.scroll.fit(len, usize::from(area.height));
        let (first, rows) = (self.scroll.offset(), self.scroll.rows());
        if self.selected < first {
            self.scroll.to(self.selected);
        } else if self.selected >= first + rows && rows > 0 {
            self.scroll.to(self.selected + 1 - rows);
        }
        let first = self.scroll.offset();
        let inner = Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(2 + u16::from(len > rows)),
            ..area
        };
        for (y, index) in (first..len).take(rows).enumerate() {
            let y = y as u16;
            let whole = Rect {
                y: area.y + y,
                height: 1,
                ..area
            };
            let line = row(index, canvas);
            canvas.line(inner, y, line);
            if index == self.selected {
                let style = if focused {
                    canvas.theme.accent
                } else {
                    canvas.theme.dim
                };
                canvas.text(area, y, "▸", style);
                if focused {
                    canvas.tint(whole, canvas.theme.selected);
                }
            }
            canvas.hit(whole, Hit::Row(index));
        }
        self.scroll.draw_bar(
            canvas,
            Rect {
                x: area.right(),
                width: 1,
                ..area
            },
        );
    }
}
