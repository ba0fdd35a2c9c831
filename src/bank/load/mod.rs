//! Reads the files of a bank strictly, and keeps what is sound.
//!
//! [`read`] takes one file's bytes to a part of a bank and the list of its problems; [`read_all`] does
//! so for many files on all cores. What needs more than one file, such as links and duplicates, is
//! the business of `check`.

mod card;
mod chapter;
mod content;
pub(crate) mod decoder;
pub mod files;
mod outline;
pub mod own_stories;

#[cfg_attr(
    not(test),
    allow(unused_imports, reason = "the build script has no lab")
)]
pub(crate) use card::{chapter_link, see};

use std::{
    num::NonZero,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde::{Deserialize, Serialize};

use self::{
    decoder::{Decoder, Found},
    files::{FileKind, Source},
};
use super::{
    card::Origin,
    collection::Bank,
    content::Deck,
    id::DeckId,
    problem::{Problem, Severity},
    yaml::{Node, Step},
};

/// Problems reported in one file; after that many, one line says how many more there are.
const PROBLEMS_MAX: usize = 100;
/// Longest list of cards in one file.
const CARDS_MAX: usize = 20_000;

/// A part of a bank, and what was wrong on the way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    /// What is sound.
    pub bank: Bank,
    /// What is not.
    pub problems: Vec<Problem>,
}

/// Reads one file.
pub fn read(source: &Source, bytes: Vec<u8>) -> Loaded {
    let (text, problems) = match files::text(bytes, &source.shown) {
        Ok(read) => read,
        Err(problem) => {
            return Loaded {
                bank: Bank::default(),
                problems: vec![problem],
            };
        }
    };
    let mut loaded = if source.kind == FileKind::Chapter {
        let (chapter, problems) = chapter::chapter(&source.chapter, &text, &source.origin(1, 0));
        let mut bank = Bank::default();
        bank.chapters.extend(chapter);
        Loaded { bank, problems }
    } else {
        yaml_file(source, &text)
    };
    loaded.problems.splice(0..0, problems);
    loaded
        .problems
        .sort_by_key(|problem| (problem.line, problem.column));
    if loaded.problems.len() > PROBLEMS_MAX {
        let more = loaded.problems.len() - PROBLEMS_MAX;
        loaded.problems.truncate(PROBLEMS_MAX);
        let message = format!("{more} more problems in this file");
        loaded
            .problems
            .push(Problem::whole_file(&source.shown, message));
    }
    loaded
}

impl Source {
    fn origin(&self, line: u32, item: usize) -> Origin {
        Origin {
            file: Arc::clone(&self.shown),
            line,
            item: item as u32,
            built_in: self.built_in,
        }
    }
}

fn yaml_file(source: &Source, text: &str) -> Loaded {
    let document = outline::read(text);
    let mut d = Decoder::new(source.built_in);
    let mut bank = Bank::default();
    let mut problems: Vec<Problem> = document
        .errors
        .into_iter()
        .map(|error| Problem {
            line: error.line,
            column: error.column,
            ..Problem::whole_file(&source.shown, error.message)
        })
        .collect();
    let lines = document.items;
    let origin = |key: &str, place: usize| {
        let cut = lines.iter().find(|(name, _)| name == key);
        let line = cut.and_then(|(_, lines)| lines.get(place)).copied();
        source.origin(line.unwrap_or(1), place)
    };
    let whole = source.origin(1, 0);
    let unreadable = !problems.is_empty() && document.root.is_empty();
    let root = Node::Map(document.root);
    match source.kind {
        // nothing was read: what is missing is not worth telling
        _ if unreadable => {}
        FileKind::Deck => deck(&mut d, root, whole, &origin, &mut bank),
        FileKind::Track => bank.tracks.extend(content::track(&mut d, root, whole)),
        FileKind::Drill => bank.drills.extend(content::drill(&mut d, root, whole)),
        FileKind::Area => bank.areas.extend(content::area(&mut d, root, whole)),
        FileKind::Stories => (bank.stories, bank.prompts) = content::stories(&mut d, root, origin),
        FileKind::Scenario => {
            if let Node::Map(root) = root {
                let found = content::scenario(&mut d, root, text.to_owned(), whole);
                bank.scenarios.extend(found);
            }
        }
        FileKind::Chapter => {}
    }
    problems.extend(located(&d.found, text, &source.shown));
    Loaded { bank, problems }
}

/// Reads a text whose keys another room knows, with the decoder of the bank: the value that `read` made of it, and
/// what is wrong with the text. What `read` gets is the whole file as one map.
pub(crate) fn decode<T>(
    text: &str,
    origin: &Origin,
    read: impl FnOnce(&mut Decoder, Node) -> Option<T>,
) -> (Option<T>, Vec<Problem>) {
    let document = outline::read(text);
    let mut d = Decoder::new(origin.built_in);
    let mut problems: Vec<Problem> = document
        .errors
        .into_iter()
        .map(|error| Problem {
            line: error.line,
            column: error.column,
            ..Problem::whole_file(&origin.file, error.message)
        })
        .collect();
    let unreadable = !problems.is_empty() && document.root.is_empty();
    let value = (!unreadable)
        .then(|| read(&mut d, Node::Map(document.root)))
        .flatten();
    problems.extend(located(&d.found, text, &origin.file));
    problems.sort_by_key(|problem| (problem.line, problem.column));
    let sound = problems
        .iter()
        .all(|problem| problem.severity != Severity::Error);
    (value.filter(|_| sound), problems)
}

/// Gives every mistake its line and column; beyond a limit only the count matters.
fn located(found: &[Found], text: &str, shown: &Arc<str>) -> Vec<Problem> {
    let mut problems = Vec::with_capacity(found.len());
    for (place, found) in found.iter().enumerate() {
        let (line, column) = if place < PROBLEMS_MAX {
            position(text, &found.path, found.line)
        } else {
            (u32::MAX, 1)
        };
        problems.push(Problem {
            file: Arc::clone(shown),
            line,
            column,
            severity: found.severity,
            rule: found.rule,
            message: found.message.clone(),
        });
    }
    problems
}

/// Line and column of the place that `path` leads to, or of its nearest parent; with `line`, of that
/// line in the text there.
pub fn position(text: &str, path: &[Step], line: Option<u32>) -> (u32, u32) {
    for length in (0..=path.len()).rev() {
        if let Some((found, column)) = outline::locate(text, &path[..length]) {
            if length < path.len() {
                return (found, column);
            }
            // only below a `|` the lines of the text are the lines of the file
            let literal = || {
                let row = text.lines().nth(found as usize - 1)?;
                row.chars().nth(column as usize - 1)
            };
            return match line {
                Some(line) if literal() == Some('|') => (found + 1 + line, 1),
                _ => (found, column),
            };
        }
    }
    (1, 1)
}

fn deck(
    d: &mut Decoder,
    root: Node,
    whole: Origin,
    origin: &dyn Fn(&str, usize) -> Origin,
    bank: &mut Bank,
) {
    let mut f = d.fields(
        root,
        "a deck",
        &["deck", "title", "about", "order", "cards"],
    );
    let id = DeckId::from(d.id(&mut f, "deck"));
    let title = d.text(&mut f, "title");
    let about = d.prose(&mut f, "about");
    let order = d.optional_whole(&mut f, "order", 0..=1_000_000);
    bank.cards = d.list_of_sound(&mut f, "cards", |d, place, node| {
        if place == CARDS_MAX {
            d.error(format!(
                "more than {CARDS_MAX} cards in one deck; this one and those after it are left out"
            ));
        }
        (place < CARDS_MAX)
            .then(|| card::card(d, node, &id, origin("cards", place)))
            .flatten()
            .map(Arc::new)
    });
    // a deck without a usable name has no place to put its cards
    if id.as_str().is_empty() {
        bank.cards.clear();
        return;
    }
    bank.decks.push(Deck {
        id,
        title,
        about,
        order,
        cards: bank.cards.iter().map(|card| card.id.clone()).collect(),
        origin: whole,
    });
}

/// Answers for files that were read before.
pub trait Remember: Sync {
    /// What stands for a file with these bytes.
    fn key(&self, source: &Source, bytes: &[u8]) -> u128;
    /// What was kept under a key.
    fn recall(&self, key: u128) -> Option<Loaded>;
    /// Keeps what was read.
    fn keep(&self, key: u128, loaded: &Loaded);
}

/// Reads many files, on as many threads as there are cores; parts come back in the order of the files.
pub fn read_all<M: Remember>(sources: &[Source], memory: Option<&M>) -> Vec<Loaded> {
    let one = |source: &Source| match source.bytes() {
        Ok(bytes) => {
            let Some(memory) = memory else {
                return read(source, bytes);
            };
            let key = memory.key(source, &bytes);
            memory.recall(key).unwrap_or_else(|| {
                let loaded = read(source, bytes);
                memory.keep(key, &loaded);
                loaded
            })
        }
        Err(message) => Loaded {
            bank: Bank::default(),
            problems: vec![Problem::whole_file(&source.shown, message)],
        },
    };
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(sources.len())
        .min(8);
    if threads <= 1 {
        return sources.iter().map(one).collect();
    }
    let next = AtomicUsize::new(0);
    let parts: Mutex<Vec<Option<Loaded>>> = Mutex::new(vec![None; sources.len()]);
    let work = || {
        while let Some((place, source)) = {
            let place = next.fetch_add(1, Ordering::Relaxed);
            sources.get(place).map(|source| (place, source))
        } {
            let loaded = one(source);
            parts.lock().unwrap_or_else(PoisonError::into_inner)[place] = Some(loaded);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
    parts.into_iter().flatten().collect()
}

/// Remembers nothing.
pub struct Forgetful;

impl Remember for Forgetful {
    fn key(&self, _: &Source, _: &[u8]) -> u128 {
        0
    }

    fn recall(&self, _: u128) -> Option<Loaded> {
        None
    }

    fn keep(&self, _: u128, _: &Loaded) {}
}

/// Whether any of the problems is an error.
pub fn has_errors(problems: &[Problem]) -> bool {
    problems
        .iter()
        .any(|problem| problem.severity == Severity::Error)
}

/// A bank from the text of one deck, for tests of other modules.
#[cfg(test)]
pub(crate) fn tests_only(text: &str) -> Bank {
    let source = Source {
        path: "test.yaml".into(),
        shown: "test.yaml".into(),
        kind: FileKind::Deck,
        chapter: String::new(),
        built_in: false,
    };
    let mut loaded = read(&source, text.as_bytes().to_vec());
    assert!(!has_errors(&loaded.problems), "{:?}", loaded.problems);
    loaded.bank.index();
    loaded.bank
}
