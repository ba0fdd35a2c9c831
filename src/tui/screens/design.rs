//! Choosing a design drill. Running one is the business of the interview screen, at whose end it also stands.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{interview::begin, quiz::marked};
use crate::tui::{
    canvas::Canvas,
    desk::interviewing::{Design, Wish},
    effect::{Cx, Effect},
    keymap::{Action, Context},
    text::{fit, plain, right, width},
    widgets::{List, column},
};

/// Rows below the list that say what the selected drill asks for.
const ABOUT: u16 = 5;

/// The screen.
#[derive(Debug, Default)]
pub struct DesignSetup {
    list: List,
}

impl DesignSetup {
    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::DesignSetup, Context::Moving]
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize) {
        self.list.select(row);
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        let drills = &cx.desk.bank().drills;
        match action {
            Action::Back => vec![Effect::Back],
            Action::Open => {
                let Some(drill) = drills.get(self.list.selected()) else {
                    return Vec::new();
                };
                let wish = Wish {
                    design: Design::Named(drill.id.clone()),
                    ..Wish::default()
                };
                vec![begin(wish, cx)]
            }
            other => {
                self.list.act(other, drills.len());
                Vec::new()
            }
        }
    }

    /// Draws the drills, and below them what the selected one asks for.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let theme = canvas.theme;
        let body = column(area);
        let drills = &cx.desk.bank().drills;
        canvas.text(body, 1, "Design drills", theme.title);
        if drills.is_empty() {
            canvas.text(body, 3, "The bank has none.", theme.warn);
            return;
        }
        let room = body.height.saturating_sub(3 + ABOUT + 1);
        let place = Rect {
            y: body.y + 3,
            height: (drills.len() as u16).min(room.max(3)),
            ..body
        };
        let columns = usize::from(place.width).saturating_sub(2);
        self.list
            .draw(canvas, place, drills.len(), true, |index, _| {
                let drill = &drills[index];
                let aside = format!("{} min", drill.minutes());
                let title = columns.saturating_sub(10 + width(&aside));
                Line::from(vec![
                    Span::raw(fit(&plain(&drill.title), title)),
                    Span::styled(right(drill.level.word(), 8), theme.dim),
                    Span::styled(format!("  {aside}"), theme.dim),
                ])
            });
        let text = Rect {
            y: place.bottom() + 1,
            height: body.bottom().saturating_sub(place.bottom() + 1),
            ..body
        };
        if let Some(drill) = drills.get(self.list.selected()) {
            let columns = usize::from(text.width);
            let lines = marked(canvas, Vec::new(), &drill.ask, columns, theme.dim);
            for (row, line) in lines.into_iter().enumerate() {
                canvas.line(text, row as u16, line);
            }
        }
    }
}
