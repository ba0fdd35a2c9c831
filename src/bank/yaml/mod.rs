//! YAML, bounded: the only user of the YAML crate (with `place` below it).
//!
//! [`parse`] turns a text into a [`Node`] tree that `load` decodes by hand, so that one mistake does not
//! hide the next; [`locate`] finds the line and column of a place in that tree, and is only called
//! when there is something to report. Settings, scenarios and a reader's stories are read the same way.
//!
//! Texts come from strangers. Before parsing, size and bracket nesting are bounded, because the
//! scanner's work grows with depth times length; while parsing, the tree may not outgrow its text,
//! which is what an alias bomb does. What is laid out in the usual way, `usual` reads before the crate is asked.

mod place;
mod usual;

pub use place::locate;

use std::{borrow::Cow, cell::Cell, fmt};

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// Longest text that is parsed in one piece, in bytes.
pub const PIECE_BYTES_MAX: usize = 128 * 1024;
/// Deepest nesting of brackets outside which nothing sensible is written.
pub const NESTING_MAX: usize = 100;

/// Most opening brackets in one piece: closing ones may stand in quotes, where they close nothing.
const BRACKETS_MAX: usize = 4_096;

/// Bytes that are looked at together for brackets.
const BRACKETS_BLOCK: usize = 64;

/// A key; the words that the formats of the bank use are not copied.
pub type Key = Cow<'static, str>;

/// The keys of the bank's formats, sorted.
const WORDS: [&str; 63] = [
    "about",
    "area",
    "as_of",
    "ask",
    "asked",
    "card",
    "cards",
    "chapter",
    "checks",
    "choose",
    "code",
    "context",
    "deck",
    "drill",
    "drills",
    "entries",
    "explain",
    "fix",
    "follow_ups",
    "hints",
    "hook",
    "id",
    "kind",
    "lang",
    "level",
    "looking_for",
    "minutes",
    "number",
    "numbers",
    "order",
    "part",
    "parts",
    "pitfalls",
    "points",
    "prompt",
    "prompts",
    "questions",
    "right",
    "rubric",
    "say",
    "scenario",
    "sections",
    "see",
    "skill",
    "skills",
    "sources",
    "stage",
    "stages",
    "starred",
    "stories",
    "story",
    "tags",
    "text",
    "title",
    "tolerance",
    "track",
    "trap",
    "type",
    "unit",
    "value",
    "was",
    "why",
    "worked",
];

fn interned(text: &str) -> Key {
    WORDS.binary_search(&text).map_or_else(
        |_| Cow::Owned(text.to_owned()),
        |place| Cow::Borrowed(WORDS[place]),
    )
}

/// A YAML value without its position.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Nothing after the colon, `~` or `null`.
    Null,
    /// `true` or `false`, unquoted.
    Bool(bool),
    /// A whole number, unquoted.
    Int(i64),
    /// Another number, unquoted.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values in the order of the file; a key may stand twice, which is for the reader to refuse.
    Map(Vec<(Key, Node)>),
    /// A piece that did not parse; reported where it was found.
    Broken,
}

impl Node {
    /// What it is, for messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".into(),
            Self::Bool(value) => format!("the unquoted word `{value}`"),
            Self::Int(value) => format!("the number {value}"),
            Self::Float(value) => format!("the number {value}"),
            Self::Text(text) => {
                let short: String = text.chars().take(40).collect();
                let more = if short.len() < text.len() { "…" } else { "" };
                format!("the text \"{}{more}\"", short.escape_debug())
            }
            Self::List(_) => "a list".into(),
            Self::Map(_) => "a group of keys".into(),
            Self::Broken => "something unreadable".into(),
        }
    }
}

/// What is wrong with a YAML text, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct YamlError {
    /// What was found or expected.
    pub message: String,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// One step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value of a key.
    Key(Cow<'static, str>),
    /// An element of a list, from 0.
    Item(usize),
    /// The n-th key itself, from 0.
    Entry(usize),
}

/// Limits that are checked on the bare text, before any parsing.
///
/// # Errors
/// Names the first place where the text is too long or too deeply nested.
fn bounds(text: &str) -> Result<(), YamlError> {
    if text.len() > PIECE_BYTES_MAX {
        return Err(YamlError {
            message: format!(
                "{} KiB in one piece; at most {} KiB are read",
                text.len() / 1024,
                PIECE_BYTES_MAX / 1024
            ),
            line: 1,
            column: 1,
        });
    }
    let refuse = |at: usize, message: String| {
        let (line, column) = position(text, at);
        Err(YamlError {
            message,
            line,
            column,
        })
    };
    // blocks without a bracket, which are most, are found without leaving early: vector instructions for compilers
    let bracket = |byte: u8| matches!(byte, b'[' | b']' | b'{' | b'}');
    let (mut depth, mut opened) = (0_usize, 0_usize);
    for (block, bytes) in text.as_bytes().chunks(BRACKETS_BLOCK).enumerate() {
        if !bytes
            .iter()
            .fold(false, |found, byte| found | bracket(*byte))
        {
            continue;
        }
        for (at, byte) in (block * BRACKETS_BLOCK..).zip(bytes) {
            match byte {
                b'[' | b'{' => {
                    depth += 1;
                    opened += 1;
                    if depth > NESTING_MAX {
                        return refuse(at, format!("brackets nested more than {NESTING_MAX} deep"));
                    }
                    if opened > BRACKETS_MAX {
                        return refuse(
                            at,
                            format!("more than {BRACKETS_MAX} brackets in one piece"),
                        );
                    }
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Line and column (in characters), from 1, of a byte of `text`.
pub fn position(text: &str, at: usize) -> (u32, u32) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line as u32, before[start..].chars().count() as u32 + 1)
}

/// The tree of `text`.
///
/// # Errors
/// The first thing that is not YAML, goes beyond the bounds, or uses tags (`!word`).
pub fn parse(text: &str) -> Result<Node, YamlError> {
    bounds(text)?;
    usual::read(text).map_or_else(|| parse_any(text), Ok)
}

/// The tree of a text of one kind of layout only, far sooner than [`parse`] has it; `None` for any other text, good or
/// bad.
pub fn parse_usual(text: &str) -> Option<Node> {
    bounds(text).ok()?;
    usual::read(text)
}

/// The tree of a text that is within bounds, as the crate reads it.
fn parse_any(text: &str) -> Result<Node, YamlError> {
    let budget = Budget {
        nodes: Cell::new(text.len() + 16),
        bytes: Cell::new(2 * text.len() + 1024),
        refused: Cell::new(None),
    };
    let deserializer = serde_yaml::Deserializer::from_str(text);
    NodeSeed(&budget)
        .deserialize(deserializer)
        .map_err(|error| yaml_error(&error, budget.refused.get()))
}

fn yaml_error(error: &serde_yaml::Error, refused: Option<&'static str>) -> YamlError {
    let (line, column) = error
        .location()
        .map_or((1, 1), |place| (place.line() as u32, place.column() as u32));
    let message = if let Some(refused) = refused {
        refused.to_owned()
    } else {
        let text = error.to_string();
        let end = text.find(" at line ").unwrap_or(text.len());
        match &text[..end] {
            "repetition limit exceeded" => ALIASES.to_owned(),
            "recursion limit exceeded" => format!("nested more than {NESTING_MAX} deep"),
            message => message.to_owned(),
        }
    };
    YamlError {
        message,
        line,
        column,
    }
}

const ALIASES: &str = "aliases (`*name`) unfold to more than the file itself holds";

/// What a tree may still take.
struct Budget {
    nodes: Cell<usize>,
    bytes: Cell<usize>,
    refused: Cell<Option<&'static str>>,
}

impl Budget {
    fn refuse<E: de::Error>(&self, why: &'static str) -> E {
        self.refused.set(Some(why));
        E::custom(why)
    }

    fn spend<E: de::Error>(&self, bytes: usize) -> Result<(), E> {
        match (
            self.nodes.get().checked_sub(1),
            self.bytes.get().checked_sub(bytes),
        ) {
            (Some(nodes), Some(bytes)) => {
                self.nodes.set(nodes);
                self.bytes.set(bytes);
                Ok(())
            }
            _ => Err(self.refuse(ALIASES)),
        }
    }
}

#[derive(Clone, Copy)]
struct NodeSeed<'b>(&'b Budget);

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        self.0.spend(0)?;
        Ok(Node::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        self.0.spend(0)?;
        Ok(Node::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        self.0.spend(0)?;
        Ok(Node::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        self.0.spend(0)?;
        Ok(i64::try_from(value).map_or(Node::Float(value as f64), Node::Int))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Node, E> {
        self.0.spend(0)?;
        Ok(Node::Float(value as f64))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Node, E> {
        self.0.spend(0)?;
        Ok(Node::Float(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        self.0.spend(0)?;
        Ok(Node::Float(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        self.0.spend(text.len())?;
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Node, E> {
        self.0.spend(text.len())?;
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        self.0.spend(0)?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        self.0.spend(0)?;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(KeySeed(self.0))? {
            self.0.spend(key.len())?;
            entries.push((key, map.next_value_seed(self)?));
        }
        Ok(Node::Map(entries))
    }

    fn visit_enum<A: de::EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(self
            .0
            .refuse("tags (`!word`) are not used here; quote the text if it starts with `!`"))
    }
}

/// A key, as text.
struct KeySeed<'b>(&'b Budget);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Key, E> {
        Ok("null".into())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Key, E> {
        Ok(value.to_string().into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Key, E> {
        Ok(value.to_string().into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Key, E> {
        Ok(value.to_string().into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Key, E> {
        Ok(value.to_string().into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Key, E> {
        Ok(interned(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Key, A::Error> {
        Err(self
            .0
            .refuse("a list stands where a key is expected; quote text that starts with `[`"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Key, A::Error> {
        Err(self.0.refuse(
            "a group of keys stands where a key is expected; quote text that starts with `{`",
        ))
    }

    fn visit_enum<A: de::EnumAccess<'de>>(self, _: A) -> Result<Key, A::Error> {
        Err(self.0.refuse("tags (`!word`) are not used here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_sorted() {
        assert!(WORDS.is_sorted());
        assert!(matches!(interned("explain"), Cow::Borrowed("explain")));
        assert_eq!(interned("other"), "other");
    }

    fn key(name: &'static str) -> Step {
        Step::Key(name.into())
    }

    #[test]
    fn a_tree_keeps_order_types_and_repeated_keys() {
        let node = parse("a: 1\nb: [x, '2', no, 007, 1.5, ~]\na: true\n").unwrap();
        let list = Node::List(vec![
            Node::Text("x".into()),
            Node::Text("2".into()),
            Node::Text("no".into()),
            Node::Text("007".into()),
            Node::Float(1.5),
            Node::Null,
        ]);
        assert_eq!(
            node,
            Node::Map(vec![
                ("a".into(), Node::Int(1)),
                ("b".into(), list),
                ("a".into(), Node::Bool(true)),
            ])
        );
    }

    #[test]
    fn places_are_found_by_path() {
        let text = "deck: d\ncards:\n  - id: a\n    say: >-\n      x\n  - {id: b, leval: hard}\n";
        let at = |path: &[Step]| locate(text, path);
        assert_eq!(
            at(&[key("cards"), Step::Item(1), key("leval")]),
            Some((6, 20))
        );
        assert_eq!(
            at(&[key("cards"), Step::Item(1), Step::Entry(1)]),
            Some((6, 13))
        );
        assert_eq!(
            at(&[key("cards"), Step::Item(0), key("say")]),
            Some((4, 10))
        );
        assert_eq!(at(&[key("cards"), Step::Item(0)]), Some((3, 5)));
        assert_eq!(at(&[key("nothing")]), None);
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            bomb = format!("{bomb}a{level}: &a{level} [{below}]\n");
        }
        let error = parse(&bomb).unwrap_err();
        assert_eq!(error.message, ALIASES);
    }

    #[test]
    fn deep_nesting_is_refused_before_parsing() {
        let error = parse(&"[".repeat(100_000)).unwrap_err();
        assert_eq!((error.line, error.column), (1, NESTING_MAX as u32 + 1));
        let blocks = parse(&"- ".repeat(10_000)).unwrap_err();
        assert!(blocks.message.contains("deep"), "{blocks}");
    }

    #[test]
    fn tags_and_odd_keys_are_refused_with_their_place() {
        for (text, line) in [("a: 1\nb: !x y\n", 2), ("a: 1\n? [k]\n: v\n", 2)] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text}");
        }
    }
}
