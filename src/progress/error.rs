//! What can go wrong with the log, said so that a reader knows what to do.

use std::{io, path::PathBuf};

use rusqlite::ErrorCode;

/// Why the log could not be read or written. Nothing committed before is lost by any of them.
#[derive(Debug, thiserror::Error)]
pub enum ProgressError {
    /// No room for another page.
    #[error(
        "the disk is full: {} could not grow, and the last step was not recorded. Everything before \
         it is safe. Make room and do it again", .path.display()
    )]
    DiskFull {
        /// The database.
        path: PathBuf,
    },
    /// The folder or the file may not be written.
    #[error(
        "{} cannot be written ({reason}). highwater keeps your progress there; make it writable, or \
         name another folder with --data-dir or HIGHWATER_DATA_DIR", .path.display()
    )]
    NotWritable {
        /// The folder or the database.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Not sound.
    #[error("{} is damaged: {damage}. It was left as it is.\n{restore}", .path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        damage: String,
        /// How to go on.
        restore: String,
    },
    /// Written by a later version.
    #[error(
        "{} was written by a newer highwater (its format is {found}, this program knows up to \
         {known}). It was left untouched; use the newer program", .path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// Another process holds the lock for too long.
    #[error(
        "{} is in use by another process that does not let go; the last step was not recorded. Do \
         it again", .path.display()
    )]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// An event that cannot be taken back.
    #[error("{0}")]
    NoUndo(String),
    /// A line of an import.
    #[error("line {line}: {message}. Nothing was imported")]
    Import {
        /// From 1.
        line: usize,
        /// What was found and what was expected.
        message: String,
    },
    /// Reading an import or writing an export.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Anything else SQLite says.
    #[error("{}: {source}", .path.display())]
    Sql {
        /// The database.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
    /// An event in the log that this program cannot read although it knows its kind.
    #[error("event {id} in the log is not readable: {message}")]
    Event {
        /// The event.
        id: String,
        /// What is wrong with it.
        message: String,
    },
}

/// An error before it is known where the database lies.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error("{message}")]
    Event { id: String, message: String },
    #[error("{0}")]
    NoUndo(String),
    #[error("line {line}: {message}")]
    Import { line: usize, message: String },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Fault {
    /// Says what happened to the database at `path`; `restore` explains how to go on after damage.
    pub(super) fn at(
        self,
        path: &std::path::Path,
        restore: impl FnOnce() -> String,
    ) -> ProgressError {
        let path = path.to_owned();
        let error = match self {
            Self::Sql(error) => error,
            Self::Event { id, message } => return ProgressError::Event { id, message },
            Self::NoUndo(message) => return ProgressError::NoUndo(message),
            Self::Import { line, message } => return ProgressError::Import { line, message },
            Self::Io(error) => return ProgressError::Io(error),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => ProgressError::DiskFull { path },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                ProgressError::NotWritable {
                    path,
                    reason: error.to_string(),
                }
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ProgressError::Damaged {
                path,
                damage: error.to_string(),
                restore: restore(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                ProgressError::Busy { path }
            }
            // A write that a limit of the process or the quota cuts short arrives as an input/output error.
            Some(ErrorCode::SystemIoFailure) if is_write(&error) => {
                ProgressError::DiskFull { path }
            }
            _ => ProgressError::Sql {
                path,
                source: error,
            },
        }
    }
}

/// `SQLITE_IOERR_WRITE` and `SQLITE_IOERR_TRUNCATE` (<https://sqlite.org/rescode.html>).
fn is_write(error: &rusqlite::Error) -> bool {
    const WRITE: i32 = 0x0a | (3 << 8);
    const TRUNCATE: i32 = 0x0a | (6 << 8);
    matches!(error, rusqlite::Error::SqliteFailure(code, _)
        if [WRITE, TRUNCATE].contains(&code.extended_code))
}
