//! Cuts a YAML file into pieces at its top-level keys and the items of their lists.
//!
//! Each piece is parsed on its own: a syntax error in one card leaves the others readable, the line
//! of every card is known, and memory holds one piece's events at a time. Files that are not laid out
//! in the usual block style are parsed whole. A cut is right whenever every piece parses, since a
//! quote or bracket left open would spoil the piece it stands in.

use std::{mem, ops::Range};

use super::super::yaml::{self, Key, Node, Step, YamlError};

/// Largest file that is tried as a whole when its pieces do not parse.
const WHOLE_BYTES_MAX: usize = yaml::PIECE_BYTES_MAX;
/// Items in an unusual layout are parsed together up to this many bytes.
const GROUP_BYTES: usize = 48 * 1024;
/// Syntax errors after which the rest of a file is not looked at.
const SYNTAX_ERRORS_MAX: usize = 20;

/// A file as a tree, with what could not be parsed left out of it.
pub(super) struct Document {
    /// The keys at the top; items that did not parse are [`Node::Broken`].
    pub(super) root: Vec<(Key, Node)>,
    /// For each top-level key whose list was cut: the line (from 1) of each item.
    pub(super) items: Vec<(String, Vec<u32>)>,
    /// What could not be parsed, with lines of the file.
    pub(super) errors: Vec<YamlError>,
}

/// A top-level key and the text that belongs to it.
struct Top<'t> {
    key: &'t str,
    /// From the key's line to the next key's.
    text: Range<usize>,
    /// The items of its list, when it has one in block style.
    items: Vec<Range<usize>>,
}

/// Parses a file piece by piece, or as a whole where that does not work.
pub(super) fn read(text: &str) -> Document {
    let Some(tops) = outline(text) else {
        return whole(text);
    };
    let mut document = Document {
        root: Vec::new(),
        items: Vec::new(),
        errors: Vec::new(),
    };
    let mut lines = Lines {
        text,
        at: 0,
        line: 1,
    };
    for top in &tops {
        if top.items.is_empty() {
            let line = lines.of(top.text.start);
            match yaml::parse(&text[top.text.clone()]) {
                Ok(Node::Map(entries)) => document.root.extend(entries),
                Ok(_) => return whole(text),
                Err(error) => document.errors.push(below(error, line)),
            }
            continue;
        }
        let starts = top.items.iter().map(|item| lines.of(item.start)).collect();
        document.items.push((top.key.to_owned(), starts));
        let mut nodes = Vec::with_capacity(top.items.len());
        if !items(text, top, &mut nodes, &mut document) {
            return whole(text);
        }
        if document.errors.len() >= SYNTAX_ERRORS_MAX {
            return document;
        }
        document
            .root
            .push((top.key.to_owned().into(), Node::List(nodes)));
    }
    if !document.errors.is_empty() && text.len() <= WHOLE_BYTES_MAX {
        let tried = whole(text);
        // aliases lead from piece to piece: only the whole can tell what is wrong with them
        let by_alias = document
            .errors
            .iter()
            .any(|error| error.message == "unknown anchor");
        if tried.errors.is_empty() || by_alias {
            return tried;
        }
    }
    document
}

/// Parses the items of a list; false when they are not items after all. Those in the usual layout are read one by
/// one; the others the YAML crate gets in runs of neighbours, as setting it up costs more than an item.
fn items(text: &str, top: &Top<'_>, nodes: &mut Vec<Node>, document: &mut Document) -> bool {
    let mut run = 0..0;
    for (place, item) in top.items.iter().enumerate() {
        let usual = yaml::parse_usual(&text[item.clone()]);
        let full = item.end - top.items[run.start].start > GROUP_BYTES;
        if usual.is_some() || full {
            let before = mem::replace(&mut run, place..place);
            if !unusual(text, top, before, nodes, document) {
                return false;
            }
        }
        match usual {
            Some(Node::List(mut list)) if list.len() == 1 => {
                nodes.append(&mut list);
                run = place + 1..place + 1;
            }
            Some(_) => return false,
            None => run.end = place + 1,
        }
    }
    unusual(text, top, run, nodes, document)
}

/// Parses a run of items that are not in the usual layout; false when they are not items after all.
fn unusual(
    text: &str,
    top: &Top<'_>,
    run: Range<usize>,
    nodes: &mut Vec<Node>,
    document: &mut Document,
) -> bool {
    if run.is_empty() || document.errors.len() >= SYNTAX_ERRORS_MAX {
        return true;
    }
    let from = top.items[run.start].start;
    let to = top.items[run.end - 1].end;
    match yaml::parse(&text[from..to]) {
        Ok(Node::List(mut list)) if list.len() == run.len() => {
            nodes.append(&mut list);
            true
        }
        // something in it is wrong: one by one
        _ => one_by_one(text, top, run, nodes, document),
    }
}

/// Parses the items of a run each on its own; false when they are not items after all.
fn one_by_one(
    text: &str,
    top: &Top<'_>,
    run: Range<usize>,
    nodes: &mut Vec<Node>,
    document: &mut Document,
) -> bool {
    for place in run {
        let item = &top.items[place];
        match yaml::parse(&text[item.clone()]) {
            Ok(Node::List(mut list)) if list.len() == 1 => nodes.append(&mut list),
            Ok(_) => return false,
            Err(error) => {
                nodes.push(Node::Broken);
                let lines = document.items.last().map_or(&[][..], |(_, lines)| lines);
                let line = lines.get(place).copied().unwrap_or(1);
                document.errors.push(below(error, line));
            }
        }
    }
    true
}

fn whole(text: &str) -> Document {
    let (root, errors) = match yaml::parse(text) {
        Ok(Node::Map(entries)) => (entries, Vec::new()),
        Ok(Node::Null) => (Vec::new(), vec![at_start("the file is empty".into())]),
        Ok(other) => {
            let message = format!(
                "{} at the top; expected keys such as `title:`",
                other.describe()
            );
            (Vec::new(), vec![at_start(message)])
        }
        Err(error) => (Vec::new(), vec![error]),
    };
    Document {
        root,
        items: Vec::new(),
        errors,
    }
}

fn at_start(message: String) -> YamlError {
    YamlError {
        message,
        line: 1,
        column: 1,
    }
}

/// The error of a piece that starts on `line`, in lines of the file.
fn below(mut error: YamlError, line: u32) -> YamlError {
    error.line += line - 1;
    error
}

/// Line and column of the place that `path` leads to in a file.
pub(super) fn locate(text: &str, path: &[Step]) -> Option<(u32, u32)> {
    let cut = outline(text).and_then(|tops| {
        let Some(Step::Key(key)) = path.first() else {
            return None;
        };
        let top = tops.into_iter().rev().find(|top| top.key == key.as_ref())?;
        let (range, steps) = match path {
            [_, Step::Item(place), rest @ ..] if !top.items.is_empty() => {
                let mut steps = vec![Step::Item(0)];
                steps.extend_from_slice(rest);
                (top.items.get(*place)?.clone(), steps)
            }
            // the list itself: its key is near enough
            [_] if !top.items.is_empty() => (top.text.clone(), vec![Step::Entry(0)]),
            _ => (top.text.clone(), path.to_vec()),
        };
        let (line, column) = yaml::locate(&text[range.clone()], &steps)?;
        let before = Lines {
            text,
            at: 0,
            line: 1,
        }
        .of(range.start)
            - 1;
        Some((line + before, column))
    });
    cut.or_else(|| match path {
        // the n-th key at the top: counted over the whole file
        [Step::Entry(place)] => {
            let tops = outline(text)?;
            let top = tops.get(*place)?;
            Some((
                Lines {
                    text,
                    at: 0,
                    line: 1,
                }
                .of(top.text.start),
                1,
            ))
        }
        _ => None,
    })
    .or_else(|| yaml::locate(text, path))
}

/// Counts lines forward through a text.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    /// Line, from 1, of a byte at or behind the last one asked for.
    fn of(&mut self, at: usize) -> u32 {
        let between = self.text[self.at..at].bytes();
        self.line += between.filter(|byte| *byte == b'\n').count() as u32;
        self.at = at;
        self.line
    }
}

/// The top-level keys of a file in block style; `None` for any other layout.
fn outline(text: &str) -> Option<Vec<Top<'_>>> {
    let mut tops: Vec<Top<'_>> = Vec::new();
    // column of the dashes of the list being read; `open` while the key's value has not begun
    let mut dashes: Option<usize> = None;
    let mut open = false;
    let mut at = 0;
    for row in text.split_inclusive('\n') {
        let start = at;
        at += row.len();
        let bare = row.trim_end_matches(['\n', '\r', ' ']);
        let content = bare.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            extend(&mut tops, at);
            continue;
        }
        let column = bare.len() - content.len();
        let dash = content == "-" || content.starts_with("- ");
        if column == 0 && !dash {
            if content == "---" && tops.is_empty() {
                continue;
            }
            let (key, value) = key_of(content)?;
            tops.push(Top {
                key,
                text: start..at,
                items: Vec::new(),
            });
            open = value.is_empty();
            dashes = None;
            continue;
        }
        let top = tops.last_mut()?;
        if dash && open {
            dashes = Some(column);
        }
        open = false;
        match dashes {
            Some(list) if dash && column == list => {
                if let Some(last) = top.items.last_mut() {
                    last.end = start;
                }
                top.items.push(start..at);
            }
            Some(list) if column <= list => return None,
            // a dash at the margin under a key that already has a value
            None if column == 0 => return None,
            _ => {}
        }
        extend(&mut tops, at);
    }
    (!tops.is_empty()).then_some(tops)
}

/// Makes the last piece reach to `end`.
fn extend(tops: &mut [Top<'_>], end: usize) {
    if let Some(top) = tops.last_mut() {
        top.text.end = end;
        if let Some(item) = top.items.last_mut() {
            item.end = end;
        }
    }
}

/// A plain key at the margin and what follows its colon, without a comment.
fn key_of(line: &str) -> Option<(&str, &str)> {
    let colon = line.find(':')?;
    let key = &line[..colon];
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if key.is_empty() || key == "-" || !key.chars().all(plain) {
        return None;
    }
    let rest = &line[colon + 1..];
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let value = rest.trim_start();
    Some((key, if value.starts_with('#') { "" } else { value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &'static str) -> Step {
        Step::Key(name.into())
    }

    const DECK: &str = "\
# a comment
deck: d
cards:
  - id: a
    say: |
      - not an item
  # between
  - id: b
    tags: [x,
      y]
about: last
";

    #[test]
    fn items_are_cut_and_know_their_lines() {
        let document = read(DECK);
        assert!(document.errors.is_empty());
        assert_eq!(document.items, [("cards".into(), vec![4, 8])]);
        let keys: Vec<_> = document.root.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["deck", "cards", "about"]);
        assert_eq!(
            locate(DECK, &[key("cards"), Step::Item(1), key("tags")]),
            Some((9, 11))
        );
        assert_eq!(locate(DECK, &[key("about")]), Some((11, 8)));
    }

    #[test]
    fn a_syntax_error_costs_one_item() {
        let broken =
            DECK.replace("tags: [x,\n      y]", "tags: [x,\n      y") + "cards2:\n- ok: 1\n";
        let document = read(&broken);
        assert_eq!(document.errors.len(), 1);
        assert!(
            (8..=11).contains(&document.errors[0].line),
            "{:?}",
            document.errors
        );
        assert_eq!(document.items[0].1, [4, 8]);
        assert_eq!(document.items[1].1, [13]);
        let (_, cards) = &document.root[1];
        assert!(matches!(cards, Node::List(cards) if cards[1] == Node::Broken));
    }

    #[test]
    fn unusual_layouts_are_read_whole() {
        for text in [
            "{deck: d, cards: [{id: a}]}",
            "deck: \"two\nlines: of text\"\ncards:\n- id: a\n",
            "defaults: &d [x]\ndeck: d\ncards:\n- id: a\n  tags: *d\n",
        ] {
            let document = read(text);
            assert!(document.errors.is_empty(), "{text}: {:?}", document.errors);
            assert!(
                document.root.iter().any(|(key, _)| key == "cards"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_a_map_is_named() {
        for text in ["", "# only a comment\n", "- a\n- b\n", "just words\n"] {
            let document = read(text);
            assert_eq!(document.errors.len(), 1, "{text:?}");
        }
    }
}
