//! A reader's own bank: their folders, merged behind the built-in bank.

use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::{
    cache::{self, Cache},
    check,
    collection::Bank,
    load::{
        self, Loaded,
        files::{self, Layout, Source},
    },
    problem::Problem,
};

/// Where a reader's own files are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Folders of the shape of a bank, or single files; those that do not exist are problems.
    pub paths: Vec<PathBuf>,
    /// The folder for the cache; none means that everything is parsed.
    pub cache: Option<PathBuf>,
}

/// The built-in bank with the reader's own behind it, and everything that is wrong with the latter.
///
/// Never fails: what cannot be read is left out and reported.
pub fn load(built_in: Bank, own: &Own) -> Loaded {
    let (sources, problems) = list_all(own);
    if sources.is_empty() {
        return Loaded {
            bank: built_in,
            problems,
        };
    }
    let cache = own
        .cache
        .as_deref()
        .map(|folder| Cache::open(folder, &own.paths));
    let parts = load::read_all(&sources, cache.as_ref());
    if let Some(cache) = cache {
        cache.save();
    }
    let mut loaded = check::assemble(built_in, parts, &sources);
    loaded.problems.splice(0..0, problems);
    loaded
}

/// Stands for everything that [`load()`] finds on disk, and so, for one program, for all that follows from it.
pub fn digest(own: &Own) -> u128 {
    let (sources, problems) = list_all(own);
    let mut hash = Xxh3::new();
    let mut put = |what: &[u8]| {
        hash.update(&what.len().to_le_bytes());
        hash.update(what);
    };
    for problem in problems {
        put(problem.to_string().as_bytes());
    }
    for source in sources {
        match source.bytes() {
            Ok(bytes) => put(&cache::key(&source, &bytes).to_le_bytes()),
            Err(message) => put(Problem::whole_file(&source.shown, message)
                .to_string()
                .as_bytes()),
        }
    }
    hash.digest128()
}

/// The files at all paths, and what could not be read.
fn list_all(own: &Own) -> (Vec<Source>, Vec<Problem>) {
    let mut sources = Vec::new();
    let mut problems = Vec::new();
    for path in &own.paths {
        let (found, unreadable) = list(path);
        sources.extend(found);
        problems.extend(unreadable);
    }
    (sources, problems)
}

/// The files of a folder or a single file.
fn list(path: &Path) -> (Vec<Source>, Vec<Problem>) {
    let shown = path.to_string_lossy();
    if path.is_dir() {
        let prefix = if shown == "." { "" } else { &*shown };
        return files::list(path, Layout::Own, prefix);
    }
    if !path.exists() {
        let problem = Problem::whole_file(&(*shown).into(), "no such file or folder");
        return (Vec::new(), vec![problem]);
    }
    match Source::single(path) {
        Ok(source) => (vec![source], Vec::new()),
        Err(problem) => (Vec::new(), vec![problem]),
    }
}
