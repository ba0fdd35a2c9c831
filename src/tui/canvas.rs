//! What screens draw on: the buffer, the theme, where clicks lead, and where the cursor stands.
//!
//! The areas that a click or the wheel can act on are an outcome of drawing, kept beside the frame and
//! not in any screen's state.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Widget},
};

use super::{keymap::Action, prose::Prose, text, theme::Theme};

/// What a click leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// The same as a key.
    Act(Action),
    /// The row of the list that has the keys.
    Row(usize),
}

/// One frame being drawn.
pub struct Canvas<'a> {
    /// The cells.
    pub buffer: &'a mut Buffer,
    /// The styles.
    pub theme: &'a Theme,
    /// Markdown laid out.
    pub prose: &'a mut Prose,
    /// What clicks lead to; later ones lie on top.
    pub hits: Vec<(Rect, Hit)>,
    /// Where the cursor stands, if it is shown.
    pub cursor: Option<Position>,
}

impl<'a> Canvas<'a> {
    /// A frame on a buffer.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme, prose: &'a mut Prose) -> Self {
        Self {
            buffer,
            theme,
            prose,
            hits: Vec::new(),
            cursor: None,
        }
    }

    /// Draws a line at a row of an area, with `…` for what does not fit. Rows outside are passed over.
    pub fn line(&mut self, area: Rect, row: u16, line: impl Into<Line<'a>>) {
        if row < area.height {
            let place = Rect {
                y: area.y + row,
                height: 1,
                ..area
            }
            .intersection(self.buffer.area);
            let line = line.into();
            let columns = usize::from(place.width);
            if text::inked(&line) > columns {
                text::window(&line, 0, columns).render(place, self.buffer);
            } else {
                line.render(place, self.buffer);
            }
        }
    }

    /// Draws a line flush right at a row of an area.
    pub fn right(&mut self, area: Rect, row: u16, line: impl Into<Line<'a>>) {
        let line = line.into();
        let wide = (line.width() as u16).min(area.width);
        self.line(
            Rect {
                x: area.right() - wide,
                width: wide,
                ..area
            },
            row,
            line,
        );
    }

    /// Draws text in one style at a row of an area, with `…` for what does not fit.
    pub fn text(&mut self, area: Rect, row: u16, words: &str, style: Style) {
        let clipped = text::clip(words, usize::from(area.width)).into_owned();
        self.line(area, row, Span::styled(clipped, style));
    }

    /// Draws a frame with a title and returns what is inside it, with a column of air on each side.
    pub fn frame(&mut self, area: Rect, title: &str, focused: bool) -> Rect {
        let style = if focused {
            self.theme.focus
        } else {
            self.theme.line
        };
        let kind = if focused {
            BorderType::Thick
        } else {
            BorderType::Rounded
        };
        let mut block = Block::bordered().border_type(kind).border_style(style);
        if !title.is_empty() {
            let room = usize::from(area.width.saturating_sub(4));
            let title = format!(" {} ", text::clip(title, room.saturating_sub(2)));
            block = block.title(Span::styled(title, self.theme.title));
        }
        let inner = block.inner(area);
        block.render(area.intersection(self.buffer.area), self.buffer);
        Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        }
        .intersection(area)
    }

    /// Empties an area.
    pub fn clear(&mut self, area: Rect) {
        Clear.render(area.intersection(self.buffer.area), self.buffer);
    }

    /// Lays a style over an area.
    pub fn tint(&mut self, area: Rect, style: Style) {
        self.buffer
            .set_style(area.intersection(self.buffer.area), style);
    }

    /// Notes what a click on an area leads to.
    pub fn hit(&mut self, area: Rect, hit: Hit) {
        self.hits.push((area, hit));
    }
}
