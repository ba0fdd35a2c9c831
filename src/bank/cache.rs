//! Remembers what files of a reader's bank said, so that only changed ones are parsed again.
//!
//! One file in the data folder holds the parsed parts of every file of one set of folders, each under
//! a hash of its bytes. The cache is never needed: when it is missing, damaged, from another version or
//! cannot be written, the files are parsed and nobody is told.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::load::{Loaded, Remember, files::Source};

/// Changes whenever the code that reads banks does.
const VERSION: &str = env!("HIGHWATER_BANK_CODE");
/// A cache beyond this size is left alone.
const BYTES_MAX: u64 = 512 * 1024 * 1024;

/// The parsed parts by the hash of their file, as they stand on disk.
#[derive(Default, Serialize, Deserialize)]
struct Parts<'b> {
    version: &'b str,
    #[serde(borrow)]
    parts: Vec<(u128, &'b [u8])>,
}

/// The cache of one set of folders.
pub struct Cache {
    path: PathBuf,
    /// Everything read from disk; parts are ranges of it.
    bytes: Vec<u8>,
    known: BTreeMap<u128, std::ops::Range<usize>>,
    used: Mutex<BTreeMap<u128, Option<Vec<u8>>>>,
}

impl Cache {
    /// The cache in `folder` for the banks at `roots`.
    pub fn open(folder: &Path, roots: &[PathBuf]) -> Self {
        let mut name = Xxh3::new();
        for root in roots {
            name.update(root.as_os_str().as_encoded_bytes());
            name.update(&[0]);
        }
        let path = folder.join(format!("bank-{:016x}.bin", name.digest()));
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
        let mut parts = Vec::with_capacity(used.len());
        for (key, part) in &used {
            let bytes = match part {
                Some(bytes) => bytes,
                None => match self.known.get(key) {
                    Some(range) => &self.bytes[range.clone()],
                    None => continue,
                },
            };
            parts.push((*key, bytes));
        }
        let parts = Parts {
            version: VERSION,
            parts,
        };
        let Ok(body) = postcard::to_extend(&parts, Vec::new()) else {
            return;
        };
        // a cache that cannot be written is a cache that is not there
        let _ = write(&self.path, &body);
    }
}

impl Remember for Cache {
    fn key(&self, source: &Source, bytes: &[u8]) -> u128 {
        let mut hash = Xxh3::new();
        hash.update(&[source.kind as u8]);
        for part in [source.shown.as_bytes(), source.chapter.as_bytes(), bytes] {
            hash.update(&part.len().to_le_bytes());
            hash.update(part);
        }
        hash.digest128()
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

/// The bytes behind a sound checksum.
fn read(path: &Path) -> Option<Vec<u8>> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    File::open(path).ok()?.read_to_end(&mut bytes).ok()?;
    let body = bytes.len().checked_sub(8)?;
    let sum = u64::from_le_bytes(bytes[body..].try_into().ok()?);
    bytes.truncate(body);
    (xxh3_64(&bytes) == sum).then_some(bytes)
}

/// Where each part stands in the bytes.
fn index(bytes: &[u8]) -> Option<BTreeMap<u128, std::ops::Range<usize>>> {
    let parts: Parts<'_> = postcard::from_bytes(bytes).ok()?;
    if parts.version != VERSION {
        return None;
    }
    let start = bytes.as_ptr().addr();
    let range = |part: &[u8]| {
        let at = part.as_ptr().addr() - start;
        at..at + part.len()
    };
    Some(
        parts
            .parts
            .into_iter()
            .map(|(key, part)| (key, range(part)))
            .collect(),
    )
}

/// Writes beside the file and renames, so that a reader never sees half of it.
fn write(path: &Path, body: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(body)?;
        file.write_all(&xxh3_64(body).to_le_bytes())
    });
    let renamed = written.and_then(|()| fs::rename(&beside, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    renamed
}
