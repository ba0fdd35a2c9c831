//! Finds the files of a bank and reads them within bounds.
//!
//! Only regular files are opened: a pipe, a device or a folder with the name of a deck is reported and
//! left alone. Links to files are followed, links to folders are not, so loops cannot happen.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::super::{
    clean::{is_control, may_hide},
    problem::{Problem, Severity},
    yaml::position,
};

/// Largest deck that is read, in bytes.
pub const DECK_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest of all other files, in bytes.
pub const OTHER_BYTES_MAX: usize = 1024 * 1024;
/// Most files in one bank.
pub const FILES_MAX: usize = 5_000;
/// Folders in folders.
const FOLDER_DEPTH_MAX: usize = 8;
/// Control characters reported in one file.
const CONTROLS_REPORTED_MAX: usize = 10;

/// Which folders of a tree hold what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A checkout of the project: `decks/` and `content/`.
    Project,
    /// A reader's folder: `decks/`, `guide/`, …; a YAML file at its top is a deck.
    Own,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A deck.
    Deck,
    /// A chapter.
    Chapter,
    /// A track.
    Track,
    /// A design drill.
    Drill,
    /// An area of skills.
    Area,
    /// Stories and prompts.
    Stories,
    /// A scenario.
    Scenario,
}

/// A file of a bank.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// As messages name it.
    pub shown: Arc<str>,
    /// What it holds.
    pub kind: FileKind,
    /// The id of a chapter, from its path.
    pub chapter: String,
    /// Part of the built-in bank.
    pub built_in: bool,
}

const FOLDERS: [(&str, FileKind); 7] = [
    ("decks", FileKind::Deck),
    ("guide", FileKind::Chapter),
    ("tracks", FileKind::Track),
    ("drills", FileKind::Drill),
    ("skills", FileKind::Area),
    ("stories", FileKind::Stories),
    ("scenarios", FileKind::Scenario),
];

/// The files of a bank in a fixed order, and what of the tree could not be read.
///
/// `prefix` stands before the paths in messages; empty for the project itself.
pub fn list(root: &Path, layout: Layout, prefix: &str) -> (Vec<Source>, Vec<Problem>) {
    let mut walk = Walk {
        prefix,
        built_in: layout == Layout::Project,
        sources: Vec::new(),
        problems: Vec::new(),
    };
    for (name, kind) in FOLDERS {
        let below = match layout {
            Layout::Project if kind != FileKind::Deck => format!("content/{name}"),
            _ => name.to_owned(),
        };
        let folder = root.join(&below);
        if folder.is_dir() {
            walk.folder(&folder, &below, "", kind, 0);
        }
    }
    if layout == Layout::Own {
        walk.top(root);
    }
    (walk.sources, walk.problems)
}

struct Walk<'p> {
    prefix: &'p str,
    built_in: bool,
    sources: Vec<Source>,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn shown(&self, below: &str) -> Arc<str> {
        if self.prefix.is_empty() {
            below.into()
        } else {
            format!("{}/{below}", self.prefix.trim_end_matches('/')).into()
        }
    }

    fn refuse(&mut self, below: &str, message: String) {
        let file = self.shown(below);
        self.problems.push(Problem::whole_file(&file, message));
    }

    /// Names in a folder, sorted, without hidden ones.
    fn names(&mut self, folder: &Path, below: &str) -> Vec<String> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.refuse(below, format!("cannot read the folder: {error}"));
                return Vec::new();
            }
        };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    fn folder(&mut self, folder: &Path, below: &str, inner: &str, kind: FileKind, depth: usize) {
        for name in self.names(folder, below) {
            let path = folder.join(&name);
            let below = if below.is_empty() {
                name.clone()
            } else {
                format!("{below}/{name}")
            };
            if path.is_dir() {
                if path.is_symlink() {
                    self.refuse(
                        &below,
                        "a link to a folder, which is not followed; put the folder itself here"
                            .into(),
                    );
                } else if depth >= FOLDER_DEPTH_MAX {
                    self.refuse(
                        &below,
                        format!("folders nested more than {FOLDER_DEPTH_MAX} deep"),
                    );
                } else {
                    self.folder(&path, &below, &format!("{inner}{name}/"), kind, depth + 1);
                }
                continue;
            }
            let wanted: &[&str] = if kind == FileKind::Chapter {
                &["md"]
            } else {
                &["yaml", "yml"]
            };
            let extension = Path::new(&name)
                .extension()
                .and_then(|e| e.to_str())
                .unwrap_or_default();
            if wanted.contains(&extension) {
                let stem = name.trim_end_matches(".md");
                self.file(path, &below, kind, format!("{inner}{stem}"));
            } else if ["yaml", "yml", "md"].contains(&extension) {
                self.refuse(
                    &below,
                    format!(
                        "a `.{extension}` file in a folder of `.{}` files",
                        wanted[0]
                    ),
                );
            }
        }
    }

    /// Decks at the top of a reader's folder. A folder that is named like one of a bank's folders may hold what that
    /// does, as in `check content/scenarios`: there each file is taken for what stands in it.
    fn top(&mut self, root: &Path) {
        let called = root.file_name().and_then(|name| name.to_str());
        let kind = FOLDERS.iter().find(|(name, _)| Some(*name) == called);
        if let Some((_, FileKind::Chapter)) = kind {
            return self.folder(root, "", "", FileKind::Chapter, 0);
        }
        for name in self.names(root, "") {
            let path = root.join(&name);
            let is_yaml = [".yaml", ".yml"]
                .iter()
                .any(|ending| name.ends_with(ending));
            if is_yaml && !path.is_dir() {
                let found = kind.and_then(|_| Source::single(&path).ok());
                let kind = found.map_or(FileKind::Deck, |source| source.kind);
                self.file(path, &name, kind, String::new());
            }
        }
    }

    fn file(&mut self, path: PathBuf, below: &str, kind: FileKind, chapter: String) {
        if self.sources.len() >= FILES_MAX {
            if self.sources.len() == FILES_MAX
                && !self
                    .problems
                    .iter()
                    .any(|p| p.message.starts_with("more than"))
            {
                self.refuse(below, format!("more than {FILES_MAX} files in one bank; this one and those after it are left out"));
            }
            return;
        }
        self.sources.push(Source {
            path,
            shown: self.shown(below),
            kind,
            chapter,
            built_in: self.built_in,
        });
    }
}

impl Source {
    /// A single file outside any bank's folders, by what stands in it.
    ///
    /// # Errors
    /// A file that cannot be read, or whose first key is none that starts a file of a bank.
    pub fn single(path: &Path) -> Result<Self, Problem> {
        let shown: Arc<str> = path.to_string_lossy().into();
        let mut source = Self {
            path: path.to_owned(),
            shown: Arc::clone(&shown),
            kind: FileKind::Deck,
            chapter: String::new(),
            built_in: false,
        };
        if path.extension().is_some_and(|extension| extension == "md") {
            let whole = shown.trim_end_matches(".md").replace('\\', "/");
            let id = whole.rsplit_once("guide/").map_or_else(
                || whole.rsplit('/').next().unwrap_or_default().to_owned(),
                |(_, id)| id.to_owned(),
            );
            source.kind = FileKind::Chapter;
            source.chapter = id;
            return Ok(source);
        }
        let bytes = source
            .bytes()
            .map_err(|message| Problem::whole_file(&shown, message))?;
        let text = String::from_utf8_lossy(&bytes);
        let starts = |key: &str| {
            text.lines().any(|line| {
                line.strip_prefix(key)
                    .is_some_and(|rest| rest.starts_with(':'))
            })
        };
        let kinds = [
            ("deck", FileKind::Deck),
            ("track", FileKind::Track),
            ("drill", FileKind::Drill),
            ("area", FileKind::Area),
            ("stories", FileKind::Stories),
            ("prompts", FileKind::Stories),
            ("scenario", FileKind::Scenario),
        ];
        if let Some((_, kind)) = kinds.into_iter().find(|(key, _)| starts(key)) {
            source.kind = kind;
        }
        Ok(source)
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// Says why it is not read: not a regular file, too large, or what the system says.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        let limit = if self.kind == FileKind::Deck {
            DECK_BYTES_MAX
        } else {
            OTHER_BYTES_MAX
        };
        let cannot = |error: std::io::Error| format!("cannot read the file: {error}");
        let metadata = fs::metadata(&self.path).map_err(cannot)?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() {
                "a folder"
            } else {
                "a pipe, socket or device"
            };
            return Err(format!("{what} where a file is expected; it is not opened"));
        }
        let too_large = |size: u64| {
            format!(
                "{:.1} MiB; files of more than {} MiB are not read",
                size as f64 / 1_048_576.0,
                limit / 1_048_576
            )
        };
        if metadata.len() > limit as u64 {
            return Err(too_large(metadata.len()));
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
        File::open(&self.path)
            .and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes))
            .map_err(cannot)?;
        if bytes.len() > limit {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(bytes)
    }
}

/// The text of a file: without byte order mark, with `\n` line ends, and with control characters made
/// visible, each of which is a problem.
///
/// # Errors
/// Names the place of the first byte that is not UTF-8, or of a NUL.
pub fn text(bytes: Vec<u8>, shown: &Arc<str>) -> Result<(String, Vec<Problem>), Problem> {
    let at = |text: &str, at: usize, message: String| {
        let (line, column) = position(text, at);
        Problem {
            line,
            column,
            ..Problem::whole_file(shown, message)
        }
    };
    if bytes.contains(&0) {
        let nul = bytes.iter().position(|byte| *byte == 0).unwrap_or_default();
        let before = String::from_utf8_lossy(&bytes[..nul]).into_owned();
        return Err(at(
            &before,
            before.len(),
            "a NUL byte; this is not a text file".into(),
        ));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = String::from_utf8_lossy(&bytes[..good]);
        at(
            &before,
            good,
            format!(
                "the byte 0x{:02x} is not UTF-8; save the file as UTF-8",
                bytes[good]
            ),
        )
    })?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    let text = if text.contains('\r') {
        text.replace("\r\n", "\n")
    } else {
        text
    };
    if !may_hide(text.as_bytes(), true) || !text.chars().any(is_control) {
        return Ok((text, Vec::new()));
    }
    let problems = text
        .char_indices()
        .filter(|(_, c)| is_control(*c))
        .take(CONTROLS_REPORTED_MAX)
        .map(|(place, c)| {
            at(
                &text,
                place,
                format!(
                    "the control character U+{:04X}; it is shown, not sent",
                    u32::from(c)
                ),
            )
        })
        .map(|problem| Problem {
            severity: Severity::Error,
            ..problem
        })
        .collect();
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control(c) {
            visible.push_str(&super::super::clean::cleaned(c.to_string()));
        } else {
            visible.push(c);
        }
    }
    Ok((visible, problems))
}
