//! Lines in a window, with a bar at its right side that tells where it stands.

use std::ops::Range;

use ratatui::{layout::Rect, text::Line};

use crate::tui::{
    canvas::{Canvas, Hit},
    keymap::Action,
};

/// How far down a text is scrolled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    offset: usize,
    /// Rows of the window and lines of the text when last drawn.
    rows: usize,
    lines: usize,
}

impl Scroll {
    /// The first line shown.
    pub fn offset(self) -> usize {
        self.offset
    }

    /// Rows of the window when last drawn.
    pub fn rows(self) -> usize {
        self.rows
    }

    /// Everything is on screen at once.
    pub fn fits(self) -> bool {
        self.lines <= self.rows
    }

    /// Moves as an action says; false when it is no movement.
    pub fn act(&mut self, action: Action) -> bool {
        let page = self.rows.saturating_sub(2).max(1);
        let to = match action {
            Action::Up => self.offset.saturating_sub(1),
            Action::Down => self.offset + 1,
            Action::PageUp => self.offset.saturating_sub(page),
            Action::PageDown => self.offset + page,
            Action::Top => 0,
            Action::Bottom => usize::MAX,
            _ => return false,
        };
        self.to(to);
        true
    }

    /// Makes a line the first one shown, as far as there are lines.
    pub fn to(&mut self, line: usize) {
        self.offset = line.min(self.furthest());
    }

    /// Makes a line the first one shown before it is known how many there are.
    pub fn start_at(&mut self, line: usize) {
        self.offset = line;
    }

    /// Brings a line into the window, with some of what stands around it.
    pub fn show(&mut self, line: usize) {
        let around = 2.min(self.rows / 3);
        if line < self.offset + around {
            self.to(line.saturating_sub(around));
        } else if line + around >= self.offset + self.rows {
            self.to((line + around + 1).saturating_sub(self.rows));
        }
    }

    /// Brings lines that belong together into the window; the first of them where it cannot hold all.
    pub fn show_all(&mut self, lines: &Range<usize>) {
        self.show(lines.end.saturating_sub(1));
        self.show(lines.start);
    }

    fn furthest(self) -> usize {
        self.lines.saturating_sub(self.rows)
    }

    /// Fits the offset to a text and a window, as drawing does.
    pub fn fit(&mut self, lines: usize, rows: usize) {
        self.lines = lines;
        self.rows = rows;
        self.offset = self.offset.min(self.furthest());
    }

    /// Draws the lines that the window shows; the bar takes the column right of the area.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, lines: &[Line<'static>]) {
        self.fit(lines.len(), usize::from(area.height));
        for (row, line) in lines.iter().skip(self.offset).take(self.rows).enumerate() {
            canvas.line(area, row as u16, line.clone());
        }
        self.draw_bar(
            canvas,
            Rect {
                x: area.right(),
                width: 1,
                ..area
            },
        );
    }

    /// Makes a click on lines of the text do what a key does, as far as the window shows them.
    pub fn hit(self, canvas: &mut Canvas<'_>, area: Rect, lines: &Range<usize>, action: Action) {
        let first = lines.start.max(self.offset);
        let end = lines.end.min(self.offset + self.rows);
        if first < end {
            let place = Rect {
                y: area.y + (first - self.offset) as u16,
                height: (end - first) as u16,
                ..area
            };
            canvas.hit(place, Hit::Act(action));
        }
    }

    /// Draws the bar alone.
    pub fn draw_bar(self, canvas: &mut Canvas<'_>, area: Rect) {
        if self.fits() || area.height == 0 {
            return;
        }
        let height = usize::from(area.height);
        let thumb = (height * self.rows / self.lines.max(1)).clamp(1, height);
        let at = (height - thumb) * self.offset / self.furthest().max(1);
        for row in 0..height {
            let (sign, style) = if (at..at + thumb).contains(&row) {
                ("┃", canvas.theme.accent)
            } else {
                ("│", canvas.theme.line)
            };
            canvas.text(area, row as u16, sign, style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolling_stops_at_both_ends() {
        let mut scroll = Scroll::default();
        scroll.fit(30, 10);
        scroll.act(Action::Up);
        assert_eq!(scroll.offset(), 0);
        scroll.act(Action::PageDown);
        assert_eq!(scroll.offset(), 8);
        scroll.act(Action::Bottom);
        assert_eq!(scroll.offset(), 20);
        scroll.fit(5, 10);
        assert_eq!(scroll.offset(), 0);
        assert!(!scroll.act(Action::Open));
    }

    #[test]
    fn a_line_is_brought_into_the_window_with_its_surroundings() {
        let mut scroll = Scroll::default();
        scroll.fit(100, 10);
        scroll.show(50);
        assert_eq!(scroll.offset(), 43);
        scroll.show(44);
        assert_eq!(scroll.offset(), 42);
        scroll.show(99);
        assert_eq!(scroll.offset(), 90);
        scroll.show_all(&(20..23));
        assert_eq!(scroll.offset(), 18);
        scroll.show_all(&(30..60));
        assert_eq!(scroll.offset(), 28, "too long for the window");
    }
}
