//! Makes loaded text harmless to show: control characters become visible, tabs become spaces.
//!
//! Everything that reaches a screen passes through [`clean`] when it is loaded, so no screen needs to
//! think of escape sequences again.

use std::{borrow::Cow, fmt::Write};

/// Columns between tab stops.
const TAB: usize = 4;

/// Whether a terminal might act on `c` instead of showing it.
pub fn is_control(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        // line separators and the marks that reorder text
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether bytes may hold a control character: a quick look without decoding, wrong only on the safe side.
///
/// Looks at whole blocks without leaving early, which compilers turn into vector instructions.
pub(crate) fn may_hide(bytes: &[u8], tabs_allowed: bool) -> bool {
    // the first bytes of U+0080–U+00BF, of U+2000–U+2FFF and of U+F000–U+FFFF
    let hides = |byte: u8| {
        let control = byte < 0x20 && byte != b'\n' && !(tabs_allowed && byte == b'\t');
        control || matches!(byte, 0x7f | 0xc2 | 0xe2 | 0xef)
    };
    bytes
        .chunks(1024)
        .any(|block| block.iter().fold(false, |found, byte| found | hides(*byte)))
}

/// `text` with control characters shown as symbols (`␛`) or numbers (`<202e>`), tabs expanded and
/// line ends as `\n`.
pub fn clean(text: Cow<'_, str>) -> Cow<'_, str> {
    if !may_hide(text.as_bytes(), false) || !text.chars().any(|c| c == '\t' || is_control(c)) {
        return text;
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    let mut column = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => continue,
            '\n' => {
                column = 0;
                cleaned.push(c);
                continue;
            }
            '\t' => {
                let width = TAB - column % TAB;
                cleaned.extend(std::iter::repeat_n(' ', width));
                column += width;
                continue;
            }
            c if is_control(c) => show(c, &mut cleaned),
            c => cleaned.push(c),
        }
        column += 1;
    }
    Cow::Owned(cleaned)
}

/// [`clean`] for text that is kept.
pub fn cleaned(text: String) -> String {
    match clean(Cow::Borrowed(&text)) {
        Cow::Owned(changed) => changed,
        Cow::Borrowed(_) => text,
    }
}

/// Appends a visible stand-in for a control character.
fn show(c: char, out: &mut String) {
    match u32::from(c) {
        // the control pictures stand in the order of the characters they picture
        code @ 0..=0x1f => out.extend(char::from_u32(0x2400 + code)),
        0x7f => out.push('\u{2421}'),
        code => {
            // writing to a string cannot fail
            let _ = write!(out, "<{code:x}>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_visible() {
        let hostile = "\u{1b}[31mred\u{7} \u{9b}2J \u{202e}x\u{7f}";
        let shown = clean(hostile.into());
        assert_eq!(shown, "␛[31mred␇ <9b>2J <202e>x␡");
        assert!(!shown.chars().any(is_control));
    }

    #[test]
    fn tabs_reach_the_next_stop_and_lines_end_alike() {
        assert_eq!(clean("a\tb\r\n\tc".into()), "a   b\n    c");
    }

    #[test]
    fn ordinary_text_is_not_copied() {
        assert!(matches!(clean("naïve → ok\n".into()), Cow::Borrowed(_)));
    }
}
