//! The database file: opening, checking, migrating, backing up.
//!
//! `events` is the log and only grows. `cards`, `aliases` and `days` follow from it and can be
//! thrown away; `open_sessions` and `seen` are this machine's own notes and not part of the log.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, backup::Backup};

use super::error::{Fault, ProgressError};
use crate::memory::Day;

/// How the format came to be, oldest first; `user_version` counts those applied.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE events (
        seq     INTEGER PRIMARY KEY,
        id      BLOB NOT NULL UNIQUE,
        at      INTEGER NOT NULL,
        day     INTEGER NOT NULL,
        session BLOB,
        kind    TEXT NOT NULL,
        card    TEXT,
        undoes  BLOB,
        data    TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_card ON events (card, at, id) WHERE card IS NOT NULL;
    CREATE INDEX events_undoes ON events (undoes) WHERE undoes IS NOT NULL;
    CREATE INDEX events_session ON events (session, at, id) WHERE session IS NOT NULL;
    CREATE INDEX events_kind ON events (kind, at, id);
    CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'the log is never changed'); END;
    CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'the log is never shortened'); END;

    CREATE TABLE cards (
        card         TEXT PRIMARY KEY,
        phase        INTEGER NOT NULL,
        stability    REAL,
        difficulty   REAL,
        due_day      INTEGER,
        due_at       INTEGER,
        reviews      INTEGER NOT NULL,
        lapses       INTEGER NOT NULL,
        first_day    INTEGER,
        last_day     INTEGER,
        last_at      INTEGER,
        suspended    INTEGER NOT NULL,
        buried_until INTEGER,
        starred      INTEGER NOT NULL,
        flagged      INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX cards_first_day ON cards (first_day) WHERE first_day IS NOT NULL;
    CREATE TABLE aliases (old TEXT PRIMARY KEY, new TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE days (
        day      INTEGER PRIMARY KEY,
        reviews  INTEGER NOT NULL,
        recalled INTEGER NOT NULL,
        ms       INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE projection (
        one       INTEGER PRIMARY KEY CHECK (one = 1),
        version   INTEGER NOT NULL,
        seq       INTEGER NOT NULL,
        weights   TEXT
    ) STRICT;

    CREATE TABLE open_sessions (
        session  BLOB PRIMARY KEY,
        activity TEXT NOT NULL,
        about    TEXT NOT NULL,
        at       INTEGER NOT NULL,
        day      INTEGER NOT NULL,
        start    TEXT NOT NULL,
        snapshot TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE seen (
        card     TEXT PRIMARY KEY,
        file     TEXT NOT NULL,
        place    INTEGER NOT NULL,
        question TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    ALTER TABLE cards ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
",
];

/// How long a process waits for another's transaction, which takes milliseconds.
const BUSY: Duration = Duration::from_secs(5);
/// Daily copies kept.
const BACKUPS_MAX: usize = 7;
/// Marks SQLite's files (`applicationID` of `file`(1)): "hwtr".
const APPLICATION_ID: i32 = 0x6877_7472;

/// Where everything lies below the data folder.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) folder: PathBuf,
}

impl Places {
    pub(super) fn database(&self) -> PathBuf {
        self.folder.join("progress.db")
    }

    pub(super) fn backups(&self) -> PathBuf {
        self.folder.join("backups")
    }

    pub(super) fn locks(&self) -> PathBuf {
        self.folder.join("sessions")
    }

    /// How to go on after damage.
    pub(super) fn restore_advice(&self) -> String {
        let file = self.database();
        let newest = backups(&self.backups()).pop();
        match newest {
            Some(copy) => format!(
                "The newest backup is {}. To go on from it, move the damaged file and its -wal and -shm \
                 away and copy the backup in their place:\n  mkdir damaged && mv {}* damaged/ && cp {} {}",
                copy.display(),
                file.display(),
                copy.display(),
                file.display()
            ),
            None => format!(
                "There is no backup in {}. Move {} away to begin anew; `highwater import` takes an \
                 earlier `highwater export`",
                self.backups().display(),
                file.display()
            ),
        }
    }
}

/// Copies in the backup folder, oldest first.
fn backups(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("progress-") && name.ends_with(".db")
        })
        .collect();
    found.sort();
    found
}

/// Opens the database in the folder, making both when they are not there.
///
/// # Errors
/// When the folder cannot be written, the file is damaged or written by a newer program.
pub(super) fn open(places: &Places, migrations: &[&str]) -> Result<Connection, ProgressError> {
    let path = places.database();
    let not_writable = |error: &io::Error, path: &Path| ProgressError::NotWritable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    fs::create_dir_all(&places.folder).map_err(|error| not_writable(&error, &places.folder))?;
    let known = migrations.len() as i64;
    look_before_opening(&path, places, known)?;
    let connect = || -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        configure(&connection)?;
        Ok(connection)
    };
    let fault = |fault: Fault| fault.at(&path, || places.restore_advice());
    let mut connection = connect().map_err(fault)?;
    let found = version(&connection).map_err(fault)?;
    if found > known {
        // The newer version may stand in the -wal file, beyond the header's reach.
        return Err(ProgressError::Newer { path, found, known });
    }
    if found < known {
        if found > 0 {
            let copy = places.backups().join(format!("progress-before-{known}.db"));
            copy_to(&connection, &copy).map_err(fault)?;
        }
        migrate(&mut connection, migrations).map_err(fault)?;
    }
    Ok(connection)
}

/// Looks at the file's header without SQLite, which would touch it
/// (<https://sqlite.org/fileformat.html#the_database_header>).
fn look_before_opening(path: &Path, places: &Places, known: i64) -> Result<(), ProgressError> {
    let header = match read_header(path) {
        Ok(header) => header,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(ProgressError::NotWritable {
                path: path.to_owned(),
                reason: error.to_string(),
            });
        }
    };
    if header.is_empty() {
        return Ok(());
    }
    let damaged = |damage: &str| ProgressError::Damaged {
        path: path.to_owned(),
        damage: damage.to_owned(),
        restore: places.restore_advice(),
    };
    if header.len() < 100 || !header.starts_with(b"SQLite format 3\0") {
        return Err(damaged("it does not begin as an SQLite database does"));
    }
    let number = |at: usize| {
        let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        i64::from(i32::from_be_bytes(bytes))
    };
    let found = number(60);
    if found > known {
        return Err(ProgressError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(())
}

/// The first 100 bytes, or as many as there are.
fn read_header(path: &Path) -> io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(100);
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, 100), &mut header)?;
    Ok(header)
}

/// A database in memory, for tests and for looking without keeping.
pub(super) fn open_in_memory() -> Result<Connection, Fault> {
    let mut connection = Connection::open_in_memory()?;
    migrate(&mut connection, MIGRATIONS)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> Result<(), Fault> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // WAL with FULL: one fsync a transaction, and what is committed survives a power cut.
    patiently(|| connection.pragma_update(None, "journal_mode", "WAL"))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

/// Does again, for as long as [`BUSY`], what another process stands in the way of. SQLite does not wait by itself where a
/// read lock would have to grow (<https://sqlite.org/c3ref/busy_handler.html>), as when two processes meet over a new file
/// and both turn its log on.
fn patiently<T>(mut act: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    const PAUSE: Duration = Duration::from_millis(5);
    let mut left = BUSY.as_millis() / PAUSE.as_millis();
    loop {
        match act() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && left > 0 =>
            {
                left -= 1;
                thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

fn version(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Brings the database forward in one transaction. Another process may have been faster.
fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = usize::try_from(version(&transaction)?).unwrap_or(0);
    for migration in migrations.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", migrations.len() as i64)?;
    transaction.commit()?;
    Ok(())
}

/// Reads every page.
///
/// # Errors
/// Names the damage and how to go on.
pub(super) fn check(connection: &Connection, places: &Places) -> Result<(), ProgressError> {
    let read = || -> Result<Vec<String>, Fault> {
        let mut statement = connection.prepare("PRAGMA quick_check(5)")?;
        let lines = statement.query_map([], |row| row.get(0))?;
        Ok(lines.collect::<Result<_, _>>()?)
    };
    let path = places.database();
    let lines = read().map_err(|fault| fault.at(&path, || places.restore_advice()))?;
    if lines == ["ok"] {
        return Ok(());
    }
    Err(ProgressError::Damaged {
        path,
        damage: lines.join("; ").replace('\n', " "),
        restore: places.restore_advice(),
    })
}

/// Keeps a copy of this study day, unless there is one, and drops all but the last few.
pub(super) fn back_up(connection: &Connection, places: &Places, day: Day) -> Result<(), Fault> {
    let folder = places.backups();
    let copy = folder.join(format!("progress-{day}.db"));
    let is_empty: bool =
        connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM events)", [], |row| {
            row.get(0)
        })?;
    if is_empty || copy.exists() {
        return Ok(());
    }
    copy_to(connection, &copy)?;
    let daily: Vec<PathBuf> = backups(&folder)
        .into_iter()
        .filter(|path| !path.to_string_lossy().contains("progress-before-"))
        .collect();
    for old in &daily[..daily.len().saturating_sub(BACKUPS_MAX)] {
        fs::remove_file(old)?;
    }
    Ok(())
}

/// Copies by SQLite's own means to another name first, so that a copy is whole or not there.
fn copy_to(connection: &Connection, copy: &Path) -> Result<(), Fault> {
    if let Some(folder) = copy.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = copy.with_extension(format!("part-{}", std::process::id()));
    let result = (|| -> Result<(), Fault> {
        let mut target = Connection::open(&part)?;
        Backup::new(connection, &mut target)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
        target.close().map_err(|(_, error)| Fault::from(error))?;
        fs::rename(&part, copy)?;
        Ok(())
    })();
    if result.is_err() && part.exists() {
        fs::remove_file(&part)?;
    }
    result
}

#[cfg(test)]
mod tests;
