//! The usual layout of a bank's YAML, read in one pass.
//!
//! Nearly every card is written the same way: keys and dashes in block style, texts on one line or below `|` and `>`,
//! short lists in brackets. The YAML crate looks at each byte of that several times, since it must be ready for
//! anything; [`read`] looks once and gives up (`None`) at the first thing that is out of the ordinary, and
//! [`super::parse`] then asks the crate. So the crate alone decides what YAML is and what is wrong with a text: this
//! reader reports no mistakes, and what it does read is what the crate would have read. The tests hold it to that on the
//! whole bank and on texts that were damaged at random.
//!
//! Left to the crate on purpose: anchors, tags, documents, tabs, comments behind a value, indentation indicators, quoted
//! keys, and whatever could be a number but for digits with a point or without.

use std::borrow::Cow;

use super::{Node, interned};

/// Deepest nesting that is read here.
const DEPTH_MAX: usize = 16;
/// Longest key that is read here, in bytes.
const KEY_BYTES_MAX: usize = 64;
/// Most digits of a number that is read here.
const DIGITS_MAX: usize = 18;

/// The tree of `text`, if it is laid out in the usual way throughout.
pub(super) fn read(text: &str) -> Option<Node> {
    // all bytes, without leaving early: vector instructions for compilers
    let odd = text.bytes().fold(false, |found, byte| found | odd(byte));
    if odd || !text.ends_with('\n') || !plain_letters(text) {
        return None;
    }
    let mut reader = Reader {
        text,
        after: 0,
        line: None,
    };
    reader.advance();
    let column = reader.line.as_ref()?.column;
    let node = reader.block(column, 0)?;
    reader.line.is_none().then_some(node)
}

/// Control characters, tabs and carriage returns among them.
fn odd(byte: u8) -> bool {
    (byte < b' ' && byte != b'\n') || byte == 0x7f
}

/// No letter beyond ASCII that breaks lines, or that YAML does not allow.
fn plain_letters(text: &str) -> bool {
    if text.is_ascii() {
        return true;
    }
    text.chars().all(|letter| {
        !matches!(
            letter,
            '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
    })
}

/// A line with something on it.
#[derive(Clone, Copy)]
struct Line<'t> {
    /// Spaces before it.
    column: usize,
    /// The line without the spaces around it.
    content: &'t str,
}

impl<'t> Line<'t> {
    /// What stands behind the dash of a list's item, as a line of its own.
    fn item(self) -> Option<Self> {
        let rest = self.content.strip_prefix('-')?;
        let content = rest.trim_start_matches(' ');
        (content.is_empty() || content.len() < rest.len()).then(|| Line {
            column: self.column + self.content.len() - content.len(),
            content,
        })
    }

    /// A key and what stands behind its colon.
    fn entry(self) -> Option<(&'t str, &'t str)> {
        let (key, rest) = key_of(self.content)?;
        (rest.is_empty() || rest.starts_with(' ')).then(|| (key, rest.trim_start_matches(' ')))
    }
}

/// Walks through the lines.
struct Reader<'t> {
    text: &'t str,
    /// Start of the line after `line`.
    after: usize,
    /// The line to be read next.
    line: Option<Line<'t>>,
}

impl<'t> Reader<'t> {
    /// The next line as it stands, without its end.
    fn row(&mut self) -> Option<&'t str> {
        let rest = &self.text[self.after..];
        let length = rest.find('\n')?;
        self.after += length + 1;
        Some(&rest[..length])
    }

    /// Goes to the next line that is neither empty nor a comment.
    fn advance(&mut self) {
        self.line = None;
        while let Some(row) = self.row() {
            let content = row.trim_start_matches(' ');
            if !content.is_empty() && !content.starts_with('#') {
                self.line = Some(Line {
                    column: row.len() - content.len(),
                    content: content.trim_end_matches(' '),
                });
                return;
            }
        }
    }

    /// A list or a map whose lines start at `column`.
    fn block(&mut self, column: usize, depth: usize) -> Option<Node> {
        if depth > DEPTH_MAX {
            return None;
        }
        let node = if self.line?.item().is_some() {
            self.list(column, depth)?
        } else {
            self.map(column, depth)?
        };
        // further in than this block: nothing that belongs here
        let beyond = self.line.is_some_and(|line| line.column > column);
        (!beyond).then_some(node)
    }

    fn list(&mut self, column: usize, depth: usize) -> Option<Node> {
        let mut items = Vec::new();
        while let Some(line) = self.line
            && line.column == column
            && let Some(item) = line.item()
        {
            if item.item().is_some() {
                return None;
            }
            items.push(if item.entry().is_some() {
                self.line = Some(item);
                self.block(item.column, depth + 1)?
            } else {
                self.value(item.content, column, false, depth)?
            });
        }
        Some(Node::List(items))
    }

    fn map(&mut self, column: usize, depth: usize) -> Option<Node> {
        let mut entries = Vec::new();
        while let Some(line) = self.line
            && line.column == column
        {
            let (key, value) = line.entry()?;
            entries.push((interned(key), self.value(value, column, true, depth)?));
        }
        Some(Node::Map(entries))
    }

    /// What stands behind a dash or a colon of a block at `column`; afterwards the next line is the one behind it. The
    /// dashes of a list may stand right below the key it belongs to (`below_key`).
    fn value(
        &mut self,
        content: &'t str,
        column: usize,
        below_key: bool,
        depth: usize,
    ) -> Option<Node> {
        if content.is_empty() {
            self.advance();
            return match self.line {
                Some(next) if next.column > column => self.block(next.column, depth + 1),
                Some(next) if next.column == column && below_key && next.item().is_some() => {
                    self.list(column, depth + 1)
                }
                _ => Some(Node::Null),
            };
        }
        let node = match content.as_bytes()[0] {
            b'|' | b'>' => Node::Text(self.lines(content, column)?),
            _ => inline(&self.joined(content, column)?)?,
        };
        self.advance();
        Some(node)
    }

    /// A value of a block at `column` with the lines on which it goes on: a line break counts as a space, or as the empty
    /// lines behind it.
    fn joined(&mut self, content: &'t str, column: usize) -> Option<Cow<'t, str>> {
        let mut text = Cow::Borrowed(content);
        let mut breaks = 1;
        loop {
            let start = self.after;
            let Some(row) = self.row() else { break };
            let line = row.trim_start_matches(' ');
            if line.is_empty() {
                breaks += 1;
                continue;
            }
            if row.len() - line.len() <= column {
                self.after = start;
                break;
            }
            // within quotes it would be text, behind other values a comment
            if line.starts_with('#') {
                return None;
            }
            join(text.to_mut(), breaks);
            text.to_mut().push_str(line.trim_end_matches(' '));
            breaks = 1;
        }
        Some(text)
    }

    /// The text below `|` (line by line) or `>` (lines joined to paragraphs) in a block at `column`.
    fn lines(&mut self, header: &str, column: usize) -> Option<String> {
        let (folded, stripped) = match header {
            "|" => (false, false),
            "|-" => (false, true),
            ">" => (true, false),
            ">-" => (true, true),
            _ => return None,
        };
        let first = &self.text[self.after..];
        let indent = first.len() - first.trim_start_matches(' ').len();
        if indent <= column || first[indent..].starts_with('\n') {
            return None;
        }
        let mut text = String::new();
        // line breaks between the last line with something on it and the next
        let mut breaks = 0;
        loop {
            let start = self.after;
            let Some(row) = self.row() else { break };
            let spaces = row.len() - row.trim_start_matches(' ').len();
            if spaces == row.len() {
                // spaces beyond the indentation would be text
                if spaces > indent {
                    return None;
                }
                breaks += 1;
                continue;
            }
            if spaces < indent {
                self.after = start;
                break;
            }
            if folded && spaces > indent {
                return None;
            }
            if folded {
                join(&mut text, breaks);
            } else {
                text.extend((0..breaks).map(|_| '\n'));
            }
            text.push_str(&row[indent..]);
            breaks = 1;
        }
        if !stripped {
            text.push('\n');
        }
        Some(text)
    }
}

/// Ends a line of a text whose lines are joined, `breaks` lines before the next.
fn join(text: &mut String, breaks: usize) {
    if breaks == 1 {
        text.push(' ');
    }
    text.extend((1..breaks).map(|_| '\n'));
}

/// The key at the start of `text` and what follows its colon.
fn key_of(text: &str) -> Option<(&str, &str)> {
    let known = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
    let length = text.bytes().take_while(known).count();
    let (key, rest) = text.split_at(length);
    let first = key.bytes().next()?;
    // these are values even where a key stands
    let value = matches!(key, "true" | "false" | "null");
    if !first.is_ascii_lowercase() || value || length > KEY_BYTES_MAX {
        return None;
    }
    Some((key, rest.strip_prefix(':')?))
}

/// A value that fills `content`.
fn inline(content: &str) -> Option<Node> {
    match content.as_bytes()[0] {
        b'\'' | b'"' | b'[' | b'{' => {
            let (node, rest) = enclosed(content, 0)?;
            rest.is_empty().then_some(node)
        }
        _ => {
            let bytes = content.as_bytes();
            let ends = bytes.iter().enumerate().any(|(at, byte)| match byte {
                b':' => bytes
                    .get(at + 1)
                    .is_none_or(|next| matches!(next, b' ' | b'\n')),
                b'#' => at == 0 || bytes[at - 1] == b' ',
                _ => false,
            });
            if ends { None } else { bare(content) }
        }
    }
}

/// A value in quotes or brackets, and what follows it on its line.
fn enclosed(text: &str, depth: usize) -> Option<(Node, &str)> {
    let rest = &text[1..];
    match text.as_bytes()[0] {
        b'\'' => single_quoted(rest).map(|(text, rest)| (Node::Text(text), rest)),
        b'"' => double_quoted(rest).map(|(text, rest)| (Node::Text(text), rest)),
        _ if depth > DEPTH_MAX => None,
        b'[' => members(rest, ']', |rest| flow(rest, depth + 1))
            .map(|(items, rest)| (Node::List(items), rest)),
        b'{' => members(rest, '}', |rest| {
            let (key, rest) = key_of(rest)?;
            let (value, rest) = flow(rest.strip_prefix(' ')?.trim_start_matches(' '), depth + 1)?;
            Some(((interned(key), value), rest))
        })
        .map(|(entries, rest)| (Node::Map(entries), rest)),
        _ => None,
    }
}

/// What stands between brackets, divided by commas.
fn members<'t, T>(
    text: &'t str,
    close: char,
    read: impl Fn(&'t str) -> Option<(T, &'t str)>,
) -> Option<(Vec<T>, &'t str)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(' ');
    if let Some(rest) = rest.strip_prefix(close) {
        return Some((found, rest));
    }
    loop {
        let (one, behind) = read(rest)?;
        found.push(one);
        rest = behind.trim_start_matches(' ');
        if let Some(rest) = rest.strip_prefix(close) {
            return Some((found, rest));
        }
        rest = rest.strip_prefix(',')?.trim_start_matches(' ');
    }
}

/// One value within brackets.
fn flow(text: &str, depth: usize) -> Option<(Node, &str)> {
    if matches!(text.as_bytes().first()?, b'\'' | b'"' | b'[' | b'{') {
        return enclosed(text, depth);
    }
    let end = text.find([',', ']', '}'])?;
    let (word, rest) = text.split_at(end);
    let word = word.trim_end_matches(' ');
    if word.is_empty() || word.contains([':', '[', '{', '?', '\n']) || word.contains(" #") {
        return None;
    }
    Some((bare(word)?, rest))
}

fn single_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, behind) = rest.split_once('\'')?;
        value.push_str(part);
        // two of them stand for one
        let Some(more) = behind.strip_prefix('\'') else {
            return Some((value, behind));
        };
        value.push('\'');
        rest = more;
    }
}

fn double_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let end = rest.find(['"', '\\'])?;
        value.push_str(&rest[..end]);
        if rest[end..].starts_with('"') {
            return Some((value, &rest[end + 1..]));
        }
        value.push(match rest.as_bytes().get(end + 1)? {
            b'"' => '"',
            b'\\' => '\\',
            b'n' => '\n',
            _ => return None,
        });
        rest = &rest[end + 2..];
    }
}

/// A value without quotes: text, a whole number, or a word with a meaning.
fn bare(word: &str) -> Option<Node> {
    let first = word.as_bytes()[0];
    if first.is_ascii_digit() {
        // no number has a space in it
        return if word.contains(' ') {
            Some(Node::Text(word.to_owned()))
        } else {
            number(word)
        };
    }
    if !(first.is_ascii_alphabetic() || first >= 0x80 || matches!(first, b'(' | b'/' | b'_' | b'$'))
    {
        return None;
    }
    match word {
        "true" => Some(Node::Bool(true)),
        "false" => Some(Node::Bool(false)),
        "null" => Some(Node::Null),
        _ if ["true", "false", "null"]
            .iter()
            .any(|other| word.eq_ignore_ascii_case(other)) =>
        {
            None
        }
        _ => Some(Node::Text(word.to_owned())),
    }
}

/// A number without a sign, an exponent or a zero too many before it.
fn number(word: &str) -> Option<Node> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match word.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (word, None),
    };
    let led = whole.len() > 1 && whole.starts_with('0');
    if led || !digits(whole) || !fraction.is_none_or(digits) || word.len() > DIGITS_MAX {
        return None;
    }
    if fraction.is_some() {
        word.parse().ok().map(Node::Float)
    } else {
        word.parse().ok().map(Node::Int)
    }
}

#[cfg(test)]
mod tests;
