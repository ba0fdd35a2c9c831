//! The rooms of the house and the arrows between them, held against the code.
//!
//! `docs/ARCHITECTURE.md` says which room may use which. This test reads the source as text: every
//! `crate::room` that a file names must be allowed to it, libraries stay in the rooms that own
//! them, and every file says in its first lines what it is for.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions that clippy knows as tests"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A room of `src/` and the rooms it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("bank", &[]),
    ("memory", &["bank"]),
    ("progress", &["bank", "memory"]),
    ("session", &["bank", "memory"]),
    ("sim", &[]),
    ("lab", &["sim", "bank"]),
    ("config", &["bank", "memory"]),
    (
        "tui",
        &[
            "bank", "memory", "progress", "session", "sim", "lab", "config", "clock",
        ],
    ),
    (
        "cli",
        &[
            "bank", "memory", "progress", "session", "sim", "lab", "tui", "config", "clock",
        ],
    ),
    ("clock", &[]),
    ("build", &["bank"]),
    ("lib", &[]),
    ("main", &[]),
];

/// What only some rooms or files (paths below `src/`) may name.
const OWNED: &[(&str, &[&str])] = &[
    ("ratatui", &["tui", "cli"]),
    ("crossterm", &["tui", "cli"]),
    ("rusqlite", &["progress"]),
    ("serde_yaml", &["bank/yaml/mod.rs", "bank/yaml/place.rs"]),
    ("fsrs", &["memory"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("directories", &["config", "cli"]),
    ("anyhow", &["cli", "tui", "main"]),
    ("syntect", &["tui"]),
    ("fuzzy_matcher", &["bank"]),
];

/// Ambient things that the pure rooms must not touch.
const AMBIENT: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant::now",
    "rand::rng(",
];
const PURE: &[&str] = &["memory", "session", "sim", "lab"];

const LINES_MAX: usize = 700;

struct Source {
    /// Path below `src/`, with `/`.
    path: String,
    room: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for entry in entries {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|e| e == "rs") {
                let path = entry.strip_prefix(&root).unwrap();
                let path = path.to_string_lossy().replace('\\', "/");
                found.push(Source {
                    room: path.split(['/', '.']).next().unwrap().to_owned(),
                    text: fs::read_to_string(&entry).unwrap(),
                    path,
                });
            }
        }
    }
    assert!(found.len() > 5, "the source tree was not found");
    found
}

/// The lines of a file that are code, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim()))
        .filter(|(_, line)| !line.starts_with("//"))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The names that follow `crate::` in a line, `crate::{a::b, c}` included.
fn rooms_named(line: &str) -> Vec<String> {
    let first_word =
        |text: &str| -> String { text.trim().chars().take_while(|c| is_word(*c)).collect() };
    let mut names = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        if line[..at].ends_with(|c: char| is_word(c) || c == '$') {
            continue;
        }
        let rest = &line[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(first_word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = 0;
        for (place, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    names.push(first_word(&group[start..place]));
                    start = place + 1;
                    if c == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The code lines, with a `use crate::{` over several lines joined into one.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in code(text) {
        if let Some((start, mut whole)) = open.take() {
            whole.push_str(line);
            if line.ends_with(';') {
                lines.push((start, whole));
            } else {
                open = Some((start, whole));
            }
        } else if line.contains("use crate::{") && !line.ends_with(';') {
            open = Some((number, line.to_owned()));
        } else {
            lines.push((number, line.to_owned()));
        }
    }
    lines
}

#[test]
fn arrows_are_those_of_the_plan() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| *room == source.room) else {
            wrong.push(format!(
                "src/{}: `{}` is no room of the plan",
                source.path, source.room
            ));
            continue;
        };
        for (number, line) in joined(&source.text) {
            for name in rooms_named(&line) {
                let is_room = ARROWS.iter().any(|(room, _)| *room == name);
                if is_room && name != source.room && !allowed.contains(&name.as_str()) {
                    wrong.push(format!(
                        "src/{}:{number}: `{}` may not use `{name}` (it may use: {allowed:?})",
                        source.path, source.room
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_table_in_the_docs_is_this_one() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ARCHITECTURE.md");
    let page = fs::read_to_string(page).unwrap();
    for (room, allowed) in ARROWS {
        if ["build", "lib", "main"].contains(room) {
            continue;
        }
        let row = page.lines().find(|line| {
            line.starts_with(&format!("| `src/{room}/`"))
                || line.starts_with(&format!("| `src/{room}.rs`"))
        });
        let row = row.unwrap_or_else(|| panic!("docs/ARCHITECTURE.md has no row for {room}"));
        let told = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let written = match allowed {
            [] => "–".to_owned(),
            _ if ["tui", "cli"].contains(room) => "all above".to_owned(),
            rooms => rooms.join(", "),
        };
        assert_eq!(told, written, "{row}");
    }
}

#[test]
fn libraries_stay_in_the_rooms_that_own_them() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in code(&source.text) {
            for (library, owners) in OWNED {
                let named = line
                    .match_indices(&format!("{library}::"))
                    .any(|(at, _)| !line[..at].ends_with(|c: char| is_word(c) || c == ':'));
                let owned = owners
                    .iter()
                    .any(|owner| *owner == source.room || *owner == source.path);
                if named && !owned {
                    wrong.push(format!(
                        "src/{}:{number}: `{library}` belongs to {owners:?}",
                        source.path
                    ));
                }
            }
            for thing in AMBIENT {
                if PURE.contains(&source.room.as_str()) && line.contains(thing) {
                    wrong.push(format!(
                        "src/{}:{number}: `{thing}` in `{}`, which takes time, seed and data as \
                         arguments",
                        source.path, source.room
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_stays_readable() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//!") {
            wrong.push(format!(
                "src/{}: does not open with `//!` and its job",
                source.path
            ));
        }
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!(
                "src/{}: {lines} lines, at most {LINES_MAX}: split it by job",
                source.path
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_form_of_use_is_seen() {
    assert_eq!(rooms_named("use crate::bank::Card;"), ["bank"]);
    assert_eq!(
        rooms_named("use crate::{bank::{Card, id}, memory};"),
        ["bank", "memory"]
    );
    assert_eq!(
        rooms_named("let x = crate::tui::run(crate::bank::a());"),
        ["tui", "bank"]
    );
    assert!(rooms_named("$crate::bank").is_empty());
    let split = joined("use crate::{\n    bank::Card,\n    tui,\n};\n");
    assert_eq!(rooms_named(&split[0].1), ["bank", "tui"]);
}
