//! Remembers what files of a reader's bank said, so that only changed ones are parsed again.
//!
//! One file in the data folder holds the parsed parts of every file of one set of folders, each under
//! a hash of its bytes; a second one what `check` found in them (`report`). The cache is never needed: when
//! it is missing, damaged, from another program or cannot be written, the files are parsed and nobody is told.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::load::{Loaded, Remember, files::Source};

/// Changes whenever the program does, or the bank that it carries.
const VERSION: &str = env!("HIGHWATER_PROGRAM");
/// A cache beyond this size is left alone.
const BYTES_MAX: u64 = 512 * 1024 * 1024;

/// The cache of one set of folders.
pub struct Cache {
    path: PathBuf,
    /// Everything read from disk; parts are ranges of it.
    bytes: Vec<u8>,
    known: BTreeMap<u128, Range<usize>>,
    used: Mutex<BTreeMap<u128, Option<Vec<u8>>>>,
}

impl Cache {
    /// The cache in `folder` for the banks at `roots`.
    pub fn open(folder: &Path, roots: &[PathBuf]) -> Self {
        let path = path(folder, "bank", roots);
        let bytes = read(&path).unwrap_or_default();
        let known = index(&bytes).unwrap_or_default();
        Self {
            path,
            bytes,
            known,
            used: Mutex::default(),
        }
    }

    /// Writes what this run used, if that differs from what stands on disk.
    pub fn save(self) {
        let used = self
            .used
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if used.keys().eq(self.known.keys()) && used.values().all(Option::is_none) {
            return;
        }
        let parts = used.iter().filter_map(|(key, part)| {
            let bytes = match part {
                Some(bytes) => bytes,
                None => self.bytes.get(self.known.get(key)?.clone())?,
            };
            Some((*key, bytes))
        });
        write(&self.path, |put| {
            for (key, bytes) in parts {
                put(&key.to_le_bytes())?;
                put(&(bytes.len() as u64).to_le_bytes())?;
                put(bytes)?;
            }
            Ok(())
        });
    }
}

impl Remember for Cache {
    fn key(&self, source: &Source, bytes: &[u8]) -> u128 {
        key(source, bytes)
    }

    fn recall(&self, key: u128) -> Option<Loaded> {
        let range = self.known.get(&key)?;
        let loaded = postcard::from_bytes(&self.bytes[range.clone()]).ok()?;
        self.used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, None);
        Some(loaded)
    }

    fn keep(&self, key: u128, loaded: &Loaded) {
        if let Ok(bytes) = postcard::to_extend(loaded, Vec::new()) {
            self.used
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(key, Some(bytes));
        }
    }
}

/// What stands for a file with these bytes.
pub(super) fn key(source: &Source, bytes: &[u8]) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&[source.kind as u8]);
    for part in [source.shown.as_bytes(), source.chapter.as_bytes(), bytes] {
        hash.update(&part.len().to_le_bytes());
        hash.update(part);
    }
    hash.digest128()
}

/// The file in `folder` that keeps something of the banks at `roots`.
pub(super) fn path(folder: &Path, what: &str, roots: &[PathBuf]) -> PathBuf {
    let mut name = Xxh3::new();
    for root in roots {
        name.update(root.as_os_str().as_encoded_bytes());
        name.update(&[0]);
    }
    folder.join(format!("{what}-{:016x}.bin", name.digest()))
}

/// The bytes that [`write()`] of the same program wrote, between its version and a sound checksum.
pub(super) fn read(path: &Path) -> Option<Vec<u8>> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    File::open(path).ok()?.read_to_end(&mut bytes).ok()?;
    let body = bytes.len().checked_sub(8)?;
    let sum = u64::from_le_bytes(bytes[body..].try_into().ok()?);
    bytes.truncate(body);
    (xxh3_64(&bytes) == sum && bytes.starts_with(VERSION.as_bytes())).then_some(bytes)
}

/// What stands behind the version.
pub(super) fn body(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(VERSION.len()..)
}

/// Where each part stands in the bytes: behind the version, key, length and bytes of every part.
fn index(bytes: &[u8]) -> Option<BTreeMap<u128, Range<usize>>> {
    let mut rest = body(bytes)?;
    let mut known = BTreeMap::new();
    while !rest.is_empty() {
        let (key, behind) = rest.split_first_chunk()?;
        let (length, behind) = behind.split_first_chunk()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let at = bytes.len() - behind.len();
        rest = behind.get(length..)?;
        known.insert(u128::from_le_bytes(*key), at..at + length);
    }
    Some(known)
}

/// Writes the version, what `parts` puts, and a checksum: beside the file and then renamed, so that a reader never sees
/// half of it. A cache that cannot be written is a cache that is not there.
pub(super) fn write(
    path: &Path,
    parts: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
) {
    if let Some(folder) = path.parent() {
        // a folder that cannot be made leaves no file to write
        let _ = fs::create_dir_all(folder);
    }
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = File::create(&beside).and_then(|file| {
        let mut file = BufWriter::new(file);
        let mut sum = Xxh3::new();
        let mut put = |bytes: &[u8]| {
            sum.update(bytes);
            file.write_all(bytes)
        };
        put(VERSION.as_bytes())?;
        parts(&mut put)?;
        file.write_all(&sum.digest().to_le_bytes())?;
        file.flush()
    });
    if written.and_then(|()| fs::rename(&beside, path)).is_err() {
        let _ = fs::remove_file(&beside);
    }
}
