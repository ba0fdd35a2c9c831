//! The table of contents of the guide.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::Screen;
use crate::{
    bank::{Bank, ChapterId},
    tui::{
        canvas::Canvas,
        effect::{Cx, Effect},
        keymap::{Action, Context},
        text::{fit, plain},
        widgets::List,
    },
};

/// The screen.
#[derive(Debug, Default)]
pub struct Contents {
    list: List,
}

/// A row: the heading of a part, or a chapter.
enum Row<'a> {
    Part(&'a str),
    Chapter(usize),
}

fn rows(bank: &Bank) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut part = None;
    for (place, chapter) in bank.chapters.iter().enumerate() {
        if part != Some(chapter.part.as_str()) {
            part = Some(chapter.part.as_str());
            rows.push(Row::Part(&chapter.part));
        }
        rows.push(Row::Chapter(place));
    }
    rows
}

impl Contents {
    /// The table, with that chapter selected.
    pub fn at(chapter: Option<&ChapterId>, bank: &Bank) -> Self {
        let mut list = List::default();
        let place = rows(bank).iter().position(|row| match row {
            Row::Chapter(place) => chapter.is_none_or(|id| bank.chapters[*place].id == *id),
            Row::Part(_) => false,
        });
        list.select(place.unwrap_or(0));
        Self { list }
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::Contents, Context::Moving]
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        let bank = cx.desk.bank();
        let rows = rows(bank);
        match action {
            Action::Back | Action::Left => return vec![Effect::Back],
            Action::Open => {
                if let Some(Row::Chapter(place)) = rows.get(self.list.selected()) {
                    let chapter = &bank.chapters[*place];
                    return vec![Effect::Push(Screen::reading(chapter, None, bank))];
                }
            }
            other => {
                let up = matches!(other, Action::Up | Action::PageUp | Action::Top);
                self.list.act(other, rows.len());
                self.off_headings(up, &rows);
            }
        }
        Vec::new()
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize) {
        self.list.select(row);
    }

    /// Headings cannot be selected: goes on to the chapter behind, or before.
    fn off_headings(&mut self, up: bool, rows: &[Row<'_>]) {
        let at = self.list.selected();
        if matches!(rows.get(at), Some(Row::Part(_))) {
            self.list.select(if up && at > 0 { at - 1 } else { at + 1 });
        }
    }

    /// Draws the table.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let bank = cx.desk.bank();
        if bank.chapters.is_empty() {
            canvas.text(area, 1, " The guide has no chapters yet.", canvas.theme.dim);
            canvas.text(
                area,
                2,
                " Put Markdown files into `guide/` of your bank folder; docs/BANK.md tells how.",
                canvas.theme.dim,
            );
            return;
        }
        let rows = rows(bank);
        let theme = canvas.theme;
        let title = rows
            .iter()
            .map(|row| match row {
                Row::Chapter(place) => {
                    crate::tui::text::width(&plain(&bank.chapters[*place].title))
                }
                Row::Part(_) => 0,
            })
            .max()
            .unwrap_or(0)
            .min(usize::from(area.width) / 2);
        let inner = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(3),
            ..area
        };
        self.list.draw(canvas, inner, rows.len(), true, |index, _| {
            match rows[index] {
                Row::Part(part) => Line::from(Span::styled(plain(part), theme.title)),
                Row::Chapter(place) => {
                    let chapter = &bank.chapters[place];
                    Line::from(vec![
                        Span::raw(format!("  {}", fit(&plain(&chapter.title), title))),
                        Span::styled(format!("   {}", plain(&chapter.about)), theme.dim),
                    ])
                }
            }
        });
    }
}
