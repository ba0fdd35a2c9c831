//! Turns trees into typed values by hand, noting every mistake with its place and going on.
//!
//! A decoder never stops at a mistake: it notes it and yields an empty value, so that the next key is
//! looked at too. Whoever builds the value asks [`Decoder::errors`] whether to keep it.

use super::super::{
    card::Level,
    clean::cleaned,
    id::is_valid,
    markdown,
    problem::{Rule, Severity, did_you_mean},
    yaml::{Key, Node, Step},
};

/// A mistake whose place is not yet a line and column.
pub(crate) struct Found {
    pub(crate) path: Vec<Step>,
    /// Line within the text at `path`, from 0, where that matters.
    pub(crate) line: Option<u32>,
    pub(crate) severity: Severity,
    pub(crate) rule: Rule,
    pub(crate) message: String,
}

/// Where a decoder is in a file, and what it found so far.
pub(crate) struct Decoder {
    built_in: bool,
    path: Vec<Step>,
    pub(crate) found: Vec<Found>,
    errors: usize,
}

/// The keys of a map that have not been read yet.
pub(crate) struct Fields {
    entries: Vec<(Key, Option<Node>)>,
    /// What the map describes, for messages: "a card".
    what: &'static str,
    /// False when there was no map, which has been reported.
    present: bool,
}

impl Fields {
    fn take(&mut self, key: &str) -> Option<Node> {
        self.entries
            .iter_mut()
            .find(|(name, _)| name == key)
            .and_then(|(_, node)| node.take())
    }

    /// Whether the key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name == key)
    }
}

impl Decoder {
    pub(crate) fn new(built_in: bool) -> Self {
        Self {
            built_in,
            path: Vec::new(),
            found: Vec::new(),
            errors: 0,
        }
    }

    /// How many errors there were so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Runs `read` one step further down.
    pub(crate) fn at<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let value = read(self);
        self.path.pop();
        value
    }

    fn note(&mut self, severity: Severity, rule: Rule, line: Option<u32>, message: String) {
        if severity == Severity::Error {
            self.errors += 1;
        }
        self.found.push(Found {
            path: self.path.clone(),
            line,
            severity,
            rule,
            message,
        });
    }

    /// Notes a mistake at the current place.
    pub(crate) fn error(&mut self, message: impl Into<String>) {
        self.note(Severity::Error, Rule::Format, None, message.into());
    }

    /// Notes a mistake at a place below the current one.
    pub(crate) fn error_below(&mut self, path: Vec<Step>, message: impl Into<String>) {
        let depth = self.path.len();
        self.path.extend(path);
        self.error(message);
        self.path.truncate(depth);
    }

    /// A node read into a serde type; a mistake is noted at its place.
    pub(crate) fn serde<T: serde::de::DeserializeOwned>(&mut self, node: &Node) -> Option<T> {
        match super::super::node::decode(node) {
            Ok(value) => Some(value),
            Err(error) => {
                self.error_below(error.path, error.message);
                None
            }
        }
    }

    /// Notes something that the built-in bank must not have, but that is no reason to leave a
    /// reader's own card out.
    pub(crate) fn style(&mut self, line: Option<u32>, message: impl Into<String>) {
        let severity = if self.built_in {
            Severity::Error
        } else {
            Severity::Warning
        };
        self.note(severity, Rule::Style, line, message.into());
    }

    /// The keys of a map, after refusing unknown and repeated ones.
    pub(crate) fn fields(
        &mut self,
        node: Node,
        what: &'static str,
        known: &'static [&'static str],
    ) -> Fields {
        let mut fields = Fields {
            entries: Vec::new(),
            what,
            present: false,
        };
        match node {
            Node::Map(entries) => {
                fields.present = true;
                self.keys(entries, &mut fields, known);
            }
            Node::Broken => self.errors += 1,
            other => {
                let message = format!(
                    "{} where {what} is expected, a group of keys such as `{}`",
                    other.describe(),
                    known.first().unwrap_or(&"")
                );
                self.error(message);
            }
        }
        fields
    }

    fn keys(
        &mut self,
        entries: Vec<(Key, Node)>,
        fields: &mut Fields,
        known: &'static [&'static str],
    ) {
        for (place, (key, node)) in entries.into_iter().enumerate() {
            if !known.contains(&&*key) {
                let meant = did_you_mean(&key, known.iter().copied());
                let known = if meant.is_empty() {
                    format!("; known keys: {}", known.join(" "))
                } else {
                    meant
                };
                let message = format!(
                    "unknown key `{}` in {}{known}",
                    cleaned(key.into_owned()),
                    fields.what
                );
                self.at(Step::Entry(place), |d| d.error(message));
            } else if fields.has(&key) {
                let message = format!("the key `{key}` stands twice in {}", fields.what);
                self.at(Step::Entry(place), |d| d.error(message));
            } else {
                fields.entries.push((key, Some(node)));
            }
        }
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&mut self, fields: &mut Fields, key: &'static str) -> Option<Node> {
        let node = self.optional(fields, key);
        if node.is_none() && fields.present && !fields.has(key) {
            self.error(format!("missing key `{key}` in {}", fields.what));
        }
        node
    }

    /// The value of a key that may be left out.
    pub(crate) fn optional(&mut self, fields: &mut Fields, key: &'static str) -> Option<Node> {
        match fields.take(key) {
            Some(Node::Null) => {
                let what = fields.what;
                self.at(Step::Key(key.into()), |d| {
                    d.error(format!(
                        "nothing behind `{key}:` in {what}; give it a value or remove the key"
                    ));
                });
                None
            }
            other => other,
        }
    }

    /// A node as text that is not empty.
    pub(crate) fn as_text(&mut self, node: Node) -> String {
        match node {
            Node::Text(text) => {
                let text = cleaned(text);
                let trimmed = text.trim_end();
                if trimmed.trim_start().is_empty() {
                    self.error("an empty text; say something or remove the key");
                }
                if trimmed.len() == text.len() {
                    text
                } else {
                    trimmed.to_owned()
                }
            }
            Node::Int(_) | Node::Float(_) | Node::Bool(_) => {
                let message = format!(
                    "{} where text is expected; put quotes around it",
                    node.describe()
                );
                self.error(message);
                String::new()
            }
            Node::Broken => {
                self.errors += 1;
                String::new()
            }
            other => {
                let message = format!(
                    "{} where text is expected{}",
                    other.describe(),
                    hint(&other)
                );
                self.error(message);
                String::new()
            }
        }
    }

    /// A node as Markdown, held against the rules for prose.
    pub(crate) fn as_prose(&mut self, node: Node) -> String {
        let text = self.as_text(node);
        for finding in markdown::examine(&text) {
            self.style(Some(finding.line), finding.message);
        }
        text
    }

    /// A required text.
    pub(crate) fn text(&mut self, fields: &mut Fields, key: &'static str) -> String {
        match self.required(fields, key) {
            Some(node) => self.at(Step::Key(key.into()), |d| d.as_text(node)),
            None => String::new(),
        }
    }

    /// A required Markdown text.
    pub(crate) fn prose(&mut self, fields: &mut Fields, key: &'static str) -> String {
        match self.required(fields, key) {
            Some(node) => self.at(Step::Key(key.into()), |d| d.as_prose(node)),
            None => String::new(),
        }
    }

    /// A Markdown text that may be left out.
    pub(crate) fn optional_prose(
        &mut self,
        fields: &mut Fields,
        key: &'static str,
    ) -> Option<String> {
        let node = self.optional(fields, key)?;
        Some(self.at(Step::Key(key.into()), |d| d.as_prose(node)))
    }

    /// A node as an id.
    pub(crate) fn as_id(&mut self, node: Node, paths: bool) -> String {
        let before = self.errors;
        let text = self.as_text(node);
        if self.errors == before && !is_valid(&text, paths) {
            let joined = if paths { ", and such words by `/`" } else { "" };
            self.error(format!(
                "`{}` is no id; expected lower-case words and digits joined by hyphens{joined}, at most 80 characters",
                text.chars().take(60).collect::<String>()
            ));
        }
        text
    }

    /// A required id.
    pub(crate) fn id(&mut self, fields: &mut Fields, key: &'static str) -> String {
        match self.required(fields, key) {
            Some(node) => self.at(Step::Key(key.into()), |d| d.as_id(node, false)),
            None => String::new(),
        }
    }

    /// A node as a list, item by item.
    pub(crate) fn as_list<T>(
        &mut self,
        node: Node,
        mut read: impl FnMut(&mut Self, usize, Node) -> T,
    ) -> Vec<T> {
        match node {
            Node::List(items) => {
                // collecting would keep the room that the nodes took
                let mut list = Vec::with_capacity(items.len());
                for (place, item) in items.into_iter().enumerate() {
                    list.push(self.at(Step::Item(place), |d| read(d, place, item)));
                }
                list
            }
            other => {
                let message = format!("{} where a list is expected", other.describe());
                self.error(message);
                Vec::new()
            }
        }
    }

    /// [`Self::list`] of what may turn out unusable, without those items.
    pub(crate) fn list_of_sound<T>(
        &mut self,
        fields: &mut Fields,
        key: &'static str,
        mut read: impl FnMut(&mut Self, usize, Node) -> Option<T>,
    ) -> Vec<T> {
        let mut sound = Vec::new();
        self.list(fields, key, |d, place, node| {
            sound.extend(read(d, place, node));
        });
        sound.shrink_to_fit();
        sound
    }

    /// A required list with at least one item.
    pub(crate) fn list<T>(
        &mut self,
        fields: &mut Fields,
        key: &'static str,
        read: impl FnMut(&mut Self, usize, Node) -> T,
    ) -> Vec<T> {
        let Some(node) = self.required(fields, key) else {
            return Vec::new();
        };
        self.at(Step::Key(key.into()), |d| {
            if matches!(&node, Node::List(items) if items.is_empty()) {
                d.error(format!(
                    "an empty list behind `{key}:`; expected at least one item"
                ));
            }
            d.as_list(node, read)
        })
    }

    /// A list that may be left out or empty.
    pub(crate) fn optional_list<T>(
        &mut self,
        fields: &mut Fields,
        key: &'static str,
        read: impl FnMut(&mut Self, usize, Node) -> T,
    ) -> Vec<T> {
        match self.optional(fields, key) {
            Some(node) => self.at(Step::Key(key.into()), |d| d.as_list(node, read)),
            None => Vec::new(),
        }
    }

    /// `true` or `false`; false when left out.
    pub(crate) fn flag(&mut self, fields: &mut Fields, key: &'static str) -> bool {
        match self.optional(fields, key) {
            None => false,
            Some(Node::Bool(value)) => value,
            Some(other) => {
                let message = format!("{} where `true` or `false` is expected", other.describe());
                self.at(Step::Key(key.into()), |d| d.error(message));
                false
            }
        }
    }

    /// A whole number from `range`.
    pub(crate) fn whole(
        &mut self,
        fields: &mut Fields,
        key: &'static str,
        range: std::ops::RangeInclusive<u32>,
    ) -> u32 {
        match self.required(fields, key) {
            Some(node) => self.as_whole(&node, key, range),
            None => *range.start(),
        }
    }

    /// A whole number from `range` that may be left out.
    pub(crate) fn optional_whole(
        &mut self,
        fields: &mut Fields,
        key: &'static str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let node = self.optional(fields, key)?;
        Some(self.as_whole(&node, key, range))
    }

    fn as_whole(
        &mut self,
        node: &Node,
        key: &'static str,
        range: std::ops::RangeInclusive<u32>,
    ) -> u32 {
        if let Node::Int(value) = node
            && let Ok(value) = u32::try_from(*value)
            && range.contains(&value)
        {
            return value;
        }
        let message = format!(
            "{} where a whole number from {} to {} is expected",
            node.describe(),
            range.start(),
            range.end()
        );
        self.at(Step::Key(key.into()), |d| d.error(message));
        *range.start()
    }

    /// A required word out of a fixed set: its place in the set.
    pub(crate) fn word(
        &mut self,
        fields: &mut Fields,
        key: &'static str,
        words: &[&'static str],
    ) -> Option<usize> {
        let node = self.required(fields, key)?;
        self.at(Step::Key(key.into()), |d| {
            let before = d.errors;
            let text = d.as_text(node);
            let place = words.iter().position(|word| *word == text);
            if place.is_none() && d.errors == before {
                let meant = did_you_mean(&text, words.iter().copied());
                d.error(format!(
                    "`{text}` is no known {key}; expected one of {}{meant}",
                    words.join(" ")
                ));
            }
            place
        })
    }

    /// The required key `level`.
    pub(crate) fn level(&mut self, fields: &mut Fields) -> Level {
        let words = Level::ALL.map(Level::word);
        self.word(fields, "level", &words)
            .map_or(Level::Medium, |place| Level::ALL[place])
    }

    /// The required key `tags`: words to filter by.
    pub(crate) fn tags(&mut self, fields: &mut Fields) -> Vec<String> {
        let mut tags: Vec<String> = self.list(fields, "tags", |d, _, node| d.as_id(node, false));
        let mut seen = std::collections::BTreeSet::new();
        let first: Vec<bool> = tags.iter().map(|tag| seen.insert(tag.as_str())).collect();
        let mut first = first.into_iter();
        tags.retain(|_| first.next() == Some(true));
        tags
    }
}

/// How text came to be something else: an unquoted bracket, brace or colon.
fn hint(node: &Node) -> &'static str {
    match node {
        Node::List(_) => "; quote text that starts with `[` or `- `",
        Node::Map(_) => "; quote text that holds `: ` or starts with `{`",
        _ => "",
    }
}
