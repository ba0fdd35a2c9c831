//! Text on its way to the screen: control characters made visible, widths, clipping, spans on a line.
//!
//! Decks come from strangers, so whatever is loaded passes [`clean`] before it is drawn: an escape
//! sequence is shown as `␛[2J`, never sent. Widths are those ratatui counts.

use std::{borrow::Cow, fmt::Write};

use ratatui::{
    style::Style,
    text::{Line, Span},
};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that a tab stands for.
const TAB: &str = "    ";

/// `text` with control characters replaced by visible signs and tabs by spaces; line feeds stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || !is_hidden(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => out.push_str(TAB),
            '\n' => out.push('\n'),
            '\r' => {}
            '\u{7f}' => out.push('␡'),
            c if (c as u32) < 0x20 => {
                out.push(char::from_u32(0x2400 + c as u32).unwrap_or('?'));
            }
            c if is_hidden(c) => {
                let _ = write!(out, "<U+{:04X}>", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Controls, and the marks that turn the direction of text around and so make it lie.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The part of `text` that fits into `columns`, with `…` for what does not.
pub fn clip(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = width(grapheme);
        if used + wide > columns - 1 {
            break;
        }
        used += wide;
        out.push_str(grapheme);
    }
    out.push('…');
    Cow::Owned(out)
}

/// `text` clipped or filled with spaces to exactly `columns`.
pub fn fit(text: &str, columns: usize) -> String {
    let mut out = clip(text, columns).into_owned();
    let used = width(&out);
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(used)));
    out
}

/// `text` set flush right in `columns`.
pub fn right(text: &str, columns: usize) -> String {
    let clipped = clip(text, columns);
    let pad = columns.saturating_sub(width(&clipped));
    format!("{}{clipped}", " ".repeat(pad))
}

/// The first line of Markdown prose without its marks, for lists and titles.
pub fn plain(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let cleaned = clean(markdown);
    for word in cleaned.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().filter(|c| !matches!(c, '`' | '*')));
    }
    out
}

/// Columns of a line up to its last sign that is no space.
pub fn inked(line: &Line<'_>) -> usize {
    let all = line.width();
    let mut blank = 0;
    for span in line.spans.iter().rev() {
        let signs = span.content.trim_end_matches(' ');
        blank += span.content.len() - signs.len();
        if !signs.is_empty() {
            break;
        }
    }
    all - blank
}

/// The columns `shift..shift + columns` of a line, with `…` where something is cut off on either side.
pub fn window<'a>(line: &Line<'a>, shift: usize, columns: usize) -> Line<'a> {
    let total = line.width();
    if shift == 0 && total <= columns {
        return line.clone();
    }
    let cut_left = shift > 0 && total > 0;
    let cut_right = total > shift + columns;
    let from = shift + usize::from(cut_left);
    let to = (shift + columns).saturating_sub(usize::from(cut_right));
    let mark = line.spans.first().map_or(Style::new(), |span| span.style);
    let mut spans = Vec::new();
    if cut_left {
        spans.push(Span::styled("…", mark));
    }
    let mut at = 0;
    for span in &line.spans {
        let mut piece = String::new();
        for grapheme in span.content.graphemes(true) {
            let wide = width(grapheme);
            if at >= from && at + wide <= to {
                piece.push_str(grapheme);
            }
            at += wide;
        }
        if !piece.is_empty() {
            spans.push(Span::styled(piece, span.style));
        }
    }
    if cut_right && columns > 0 {
        let mark = spans.last().map_or(mark, |span| span.style);
        spans.push(Span::styled("…", mark));
    }
    Line::from(spans).style(line.style)
}

/// `3 cards`, `1 card`.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// A share of one, for people: `64 %`.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// How long something took, as people say it: `under a minute`, `12 min`.
pub fn lasted(time: std::time::Duration) -> String {
    match time.as_secs() {
        0..60 => "under a minute".to_owned(),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_shown_not_sent() {
        assert_eq!(
            clean("a\x1b[2Jb\u{9b}31m\u{202e}c\td"),
            "a␛[2Jb<U+009B>31m<U+202E>c    d"
        );
        assert!(matches!(clean("plain\ntext"), Cow::Borrowed(_)));
    }

    #[test]
    fn clipping_counts_columns_not_letters() {
        assert_eq!(clip("broker", 6), "broker");
        assert_eq!(clip("brokers", 6), "broke…");
        assert_eq!(clip("日本語", 4), "日…");
        assert_eq!(clip("x", 0), "");
        assert_eq!(fit("ab", 4), "ab  ");
        assert_eq!(right("7", 3), "  7");
    }

    #[test]
    fn a_window_shows_what_is_cut_off() {
        let line = Line::from(vec![Span::raw("0123"), Span::raw("456789")]);
        let text = |shift, columns| {
            window(&line, shift, columns)
                .spans
                .iter()
                .map(|s| s.content.to_string())
                .collect::<String>()
        };
        assert_eq!(text(0, 10), "0123456789");
        assert_eq!(text(0, 6), "01234…");
        assert_eq!(text(4, 6), "…56789");
        assert_eq!(text(2, 4), "…34…");
        assert_eq!(inked(&line), 10);
        assert_eq!(
            inked(&Line::from(vec![Span::raw("ab  "), Span::raw("  ")])),
            2
        );
        assert_eq!(inked(&Line::from("   ")), 0);
    }
}
