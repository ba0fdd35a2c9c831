//! The keys of where one is, from the table of keys.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use crate::tui::{
    canvas::Canvas,
    keymap::{self, Action, Context},
    text::fit,
    widgets::{Scroll, popup},
};

/// Help over a screen.
#[derive(Debug)]
pub struct Help {
    contexts: Vec<Context>,
    scroll: Scroll,
}

impl Help {
    /// Help for these contexts, innermost first.
    pub fn new(contexts: Vec<Context>) -> Self {
        Self {
            contexts,
            scroll: Scroll::default(),
        }
    }

    /// Takes a key's meaning; true when help is to be closed.
    pub fn act(&mut self, action: Action) -> bool {
        !self.scroll.act(action) && matches!(action, Action::Back | Action::Help | Action::Open)
    }

    /// Draws the box.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let lines = self.lines(canvas);
        let rows = (lines.len() as u16 + 2).min(area.height);
        let inner = popup(canvas, area, "Keys", 76, rows);
        self.scroll.draw(canvas, inner, &lines);
    }

    fn lines(&self, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
        let theme = canvas.theme;
        let mut lines = Vec::new();
        let mut title = "";
        for binding in keymap::visible(&self.contexts) {
            if binding.context.title() != title {
                title = binding.context.title();
                if !lines.is_empty() {
                    lines.push(Line::default());
                }
                lines.push(Line::from(Span::styled(title, theme.title)));
            }
            let keys: Vec<&str> = binding.keys.iter().map(|key| keymap::label(key)).collect();
            lines.push(Line::from(vec![
                Span::styled(fit(&format!("  {}", keys.join("  ")), 20), theme.key),
                Span::raw(binding.words),
            ]));
        }
        lines
    }
}
