//! One line of text being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{
    layout::{Position, Rect},
    style::Style,
    text::Span,
};
use unicode_segmentation::UnicodeSegmentation;

use crate::tui::{
    canvas::Canvas,
    text::{clean, width},
};

/// Longest text that can be typed, in bytes.
const LONGEST: usize = 1000;

/// A text field: the text and where the cursor stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    text: String,
    /// In bytes, at the edge of a grapheme.
    cursor: usize,
}

impl Field {
    /// A field with a text, the cursor behind it.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            cursor: text.len(),
            text,
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Empties the field.
    pub fn clear(&mut self) {
        self.text.clear();
        self.cursor = 0;
    }

    /// Puts text in at the cursor: a key or a paste. Line ends become spaces.
    pub fn insert(&mut self, text: &str) {
        let text = clean(text).replace('\n', " ");
        if self.text.len() + text.len() <= LONGEST {
            self.text.insert_str(self.cursor, &text);
            self.cursor += text.len();
        }
    }

    /// Takes an editing key; false when it is none.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if control => self
                .text
                .drain(..std::mem::take(&mut self.cursor))
                .for_each(drop),
            KeyCode::Char('k') if control => self.text.truncate(self.cursor),
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.len(),
            KeyCode::Char('w') if control => self.delete_to(self.word_before()),
            KeyCode::Char('h') if control => self.delete_to(self.before()),
            KeyCode::Char(c)
                if !key
                    .modifiers
                    .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) =>
            {
                self.insert(c.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Backspace => self.delete_to(self.before()),
            KeyCode::Delete => {
                let to = self.after();
                self.text.drain(self.cursor..to);
            }
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    fn before(&self) -> usize {
        self.text[..self.cursor]
            .grapheme_indices(true)
            .next_back()
            .map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..]
            .graphemes(true)
            .next()
            .map_or(self.cursor, |g| self.cursor + g.len())
    }

    fn word_before(&self) -> usize {
        let head = self.text[..self.cursor].trim_end();
        head.rfind(' ').map_or(0, |at| at + 1)
    }

    fn delete_to(&mut self, from: usize) {
        self.text.drain(from..self.cursor);
        self.cursor = from;
    }

    /// Draws the text in one row and puts the cursor there; `hint` stands where nothing is typed yet.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, hint: &str, style: Style) {
        if area.width == 0 || area.height == 0 {
            return;
        }
        let room = usize::from(area.width).saturating_sub(1);
        // The text is moved so far to the left that the cursor is inside.
        let mut from = 0;
        while width(&self.text[from..self.cursor]) > room {
            from += self.text[from..].graphemes(true).next().map_or(1, str::len);
        }
        if self.text.is_empty() {
            canvas.text(area, 0, hint, canvas.theme.dim);
        } else {
            canvas.line(area, 0, Span::styled(self.text[from..].to_owned(), style));
        }
        let column = width(&self.text[from..self.cursor]) as u16;
        canvas.cursor = Some(Position::new(area.x + column, area.y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(field: &mut Field, code: KeyCode, modifiers: KeyModifiers) {
        field.key(KeyEvent::new(code, modifiers));
    }

    #[test]
    fn editing_keeps_to_graphemes() {
        let mut field = Field::new("e\u{301}日");
        press(&mut field, KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(field.text(), "e\u{301}");
        press(&mut field, KeyCode::Left, KeyModifiers::NONE);
        field.insert("a\nb\x1b");
        assert_eq!(field.text(), "a b␛e\u{301}");
        press(&mut field, KeyCode::Delete, KeyModifiers::NONE);
        assert_eq!(field.text(), "a b␛");
        press(&mut field, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!(field.text(), "a ");
        press(&mut field, KeyCode::Char('u'), KeyModifiers::CONTROL);
        assert_eq!(field.text(), "");
    }
}
