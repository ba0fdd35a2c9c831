//! Breaking runs of text into lines at words, and long words where they must.

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};
use unicode_segmentation::UnicodeSegmentation;

use super::parse::Piece;
use crate::tui::{text::width, theme::Theme};

/// A run of text of one style.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The text.
    pub text: String,
    /// Its style.
    pub style: Style,
    /// The link it belongs to.
    pub link: Option<usize>,
}

impl Run {
    /// A run without a link.
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
            link: None,
        }
    }
}

/// A line of runs, not yet indented.
pub(super) type Row = Vec<Run>;

/// The runs of pieces in a theme, on top of `base`.
pub(super) fn runs(pieces: &[Piece], theme: &Theme, base: Style) -> Vec<Run> {
    pieces
        .iter()
        .map(|piece| {
            let mut style = base;
            if piece.look.code {
                style = style.patch(theme.code);
            }
            if piece.link.is_some() {
                style = style.patch(theme.link);
            }
            if piece.look.strong {
                style = style.add_modifier(Modifier::BOLD);
            }
            if piece.look.emphasis {
                style = style.add_modifier(Modifier::ITALIC);
            }
            if piece.look.struck {
                style = style.add_modifier(Modifier::CROSSED_OUT);
            }
            Run {
                text: piece.text.clone(),
                style,
                link: piece.link,
            }
        })
        .collect()
}

/// Breaks runs into rows of at most `columns`; `\n` breaks always. At least one row.
pub(super) fn rows(runs: &[Run], columns: usize) -> Vec<Row> {
    let mut breaker = Breaker {
        columns: columns.max(1),
        rows: vec![Row::new()],
        used: 0,
        word: Row::new(),
        space: None,
    };
    for run in runs {
        for part in split(&run.text) {
            match part {
                "\n" => {
                    breaker.end_word();
                    breaker.break_row();
                }
                " " => breaker.space(run),
                text => breaker.word.push(Run {
                    text: text.to_owned(),
                    ..run.clone()
                }),
            }
        }
    }
    breaker.end_word();
    breaker.rows
}

/// Breaks runs into lines of at most `columns`.
pub fn wrap(runs: &[Run], columns: usize) -> Vec<Line<'static>> {
    rows(runs, columns).into_iter().map(line).collect()
}

/// A row as a line.
pub(super) fn line(row: Row) -> Line<'static> {
    row.into_iter()
        .map(|run| Span::styled(run.text, run.style))
        .collect()
}

/// Columns of a row.
pub(super) fn row_width(row: &[Run]) -> usize {
    row.iter().map(|run| width(&run.text)).sum()
}

/// The words, single spaces and line feeds of a text.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = match first {
            '\n' | ' ' => 1,
            _ => rest.find(['\n', ' ']).unwrap_or(rest.len()),
        };
        let (part, tail) = rest.split_at(end);
        rest = tail;
        Some(part)
    })
}

struct Breaker {
    columns: usize,
    rows: Vec<Row>,
    used: usize,
    /// The word being gathered: it may consist of several runs (`` `acks`. ``).
    word: Row,
    /// A space waiting for the word after it.
    space: Option<Run>,
}

impl Breaker {
    fn space(&mut self, run: &Run) {
        self.end_word();
        if self.used > 0 {
            self.space = Some(Run {
                text: " ".to_owned(),
                ..run.clone()
            });
        }
    }

    fn break_row(&mut self) {
        self.rows.push(Row::new());
        self.used = 0;
        self.space = None;
    }

    fn push(&mut self, run: Run) {
        self.used += width(&run.text);
        if let Some(row) = self.rows.last_mut() {
            match row.last_mut() {
                Some(last) if last.style == run.style && last.link == run.link => {
                    last.text.push_str(&run.text);
                }
                _ => row.push(run),
            }
        }
    }

    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if word.is_empty() {
            return;
        }
        let wide = row_width(&word);
        let space = self.space.take();
        if self.used > 0 && self.used + usize::from(space.is_some()) + wide > self.columns {
            self.break_row();
        } else if let Some(space) = space {
            self.push(space);
        }
        if self.used + wide <= self.columns {
            for run in word {
                self.push(run);
            }
            return;
        }
        for run in word {
            for grapheme in run.text.graphemes(true) {
                if self.used > 0 && self.used + width(grapheme) > self.columns {
                    self.break_row();
                }
                self.push(Run {
                    text: grapheme.to_owned(),
                    ..run.clone()
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str, columns: usize) -> Vec<String> {
        rows(&[Run::new(text, Style::new())], columns)
            .into_iter()
            .map(|row| row.into_iter().map(|run| run.text).collect())
            .collect()
    }

    #[test]
    fn words_move_to_the_next_row_whole() {
        assert_eq!(
            texts("the high watermark moves", 10),
            ["the high", "watermark", "moves"]
        );
        assert_eq!(texts("a\nb", 10), ["a", "b"]);
        assert_eq!(texts("", 10), [""]);
        assert_eq!(
            texts("min.insync.replicas", 8),
            ["min.insy", "nc.repli", "cas"]
        );
        assert_eq!(texts("日本語", 4), ["日本", "語"]);
    }

    #[test]
    fn punctuation_stays_with_its_word_across_runs() {
        let code = Run::new("acks=all", Style::new().add_modifier(Modifier::BOLD));
        let rows = rows(
            &[
                Run::new("set ", Style::new()),
                code,
                Run::new(".", Style::new()),
            ],
            12,
        );
        let texts: Vec<String> = rows
            .iter()
            .map(|row| row.iter().map(|run| run.text.as_str()).collect())
            .collect();
        assert_eq!(texts, ["set", "acks=all."]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_sticks_out(text in "[a-zé日 \n`]{0,80}", columns in 2usize..40) {
            let rows = texts(&text, columns);
            prop_assert!(rows.iter().all(|row| width(row) <= columns));
            let squeeze = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(squeeze(&rows.concat()), squeeze(&text));
        }
    }
}
