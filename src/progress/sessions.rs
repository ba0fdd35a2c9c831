//! Sessions that are running or were interrupted, and this machine's memory of cards without ids.
//!
//! Start and end of a session are events of the log. What it takes to go on is not: a snapshot is
//! overwritten as the session proceeds and thrown away at its end. A running process holds a lock
//! on a file, which the system releases however the process ends; so a session without an end and
//! without a lock was interrupted.

use std::fs::{self, File, TryLockError};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::Value;

use super::{
    Progress, ProgressError,
    error::Fault,
    event::{Activity, EventId, EventKind},
};
use crate::{
    bank::identity::Known,
    memory::{Day, Moment},
};

/// A session that a process began and did not end.
#[derive(Clone, Debug, PartialEq)]
pub struct Interrupted {
    /// The session: the id of its start.
    pub session: EventId,
    /// What it is.
    pub activity: Activity,
    /// What it is about, in words.
    pub about: String,
    /// When it began.
    pub at: Timestamp,
    /// The study day it began on.
    pub day: Day,
    /// What it takes to begin it again.
    pub start: Value,
    /// Where it stood, if it was ever saved.
    pub snapshot: Option<Value>,
}

/// The lock on a session, when asked for.
enum Lock {
    /// Nobody runs it, and now nobody else can; no file for a log in memory.
    Ours(Option<File>),
    /// Another process runs it.
    Theirs,
}

impl Progress {
    /// Records that a session begins. `start` is what it takes to begin it again.
    ///
    /// # Errors
    /// When it could not be written; then nothing has changed.
    pub fn start_session(
        &mut self,
        activity: Activity,
        about: &str,
        start: &Value,
        now: Moment,
    ) -> Result<EventId, ProgressError> {
        let now = super::to_millis(now);
        let id = self.next_id(now.at)?;
        let lock = self.lock(id).map_err(|fault| self.error(fault))?;
        let event = super::Event {
            id,
            at: now.at,
            day: now.day,
            session: Some(id),
            kind: EventKind::SessionStart {
                activity,
                about: about.to_owned(),
                start: start.clone(),
            },
        };
        let result = self.write(|db, scheduler| {
            super::insert(db, &event)?;
            super::projection::follow(db, scheduler, now.day, &event.kind)?;
            db.execute(
                "INSERT INTO open_sessions (session, activity, about, at, day, start)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    id.bytes(),
                    activity.word(),
                    about,
                    now.at.as_millisecond(),
                    now.day.number(),
                    start.to_string()
                ],
            )?;
            Ok(())
        });
        result.map_err(|fault| self.error(fault))?;
        self.running.insert(id, lock);
        Ok(id)
    }

    /// Keeps where a session stands, over what was kept before.
    ///
    /// # Errors
    /// When it could not be written; then nothing has changed.
    pub fn save_session(
        &mut self,
        session: EventId,
        snapshot: &Value,
    ) -> Result<(), ProgressError> {
        self.write(|db, _| {
            db.prepare_cached("UPDATE open_sessions SET snapshot = ?2 WHERE session = ?1")?
                .execute(params![session.bytes(), snapshot.to_string()])?;
            Ok(())
        })
        .map_err(|fault| self.error(fault))
    }

    /// Records that a session ended: finished, or given up.
    ///
    /// # Errors
    /// When it could not be written; then nothing has changed.
    pub fn end_session(
        &mut self,
        session: EventId,
        activity: Activity,
        finished: bool,
        report: Value,
        now: Moment,
    ) -> Result<(), ProgressError> {
        let now = super::to_millis(now);
        let id = self.next_id(now.at)?;
        let event = super::Event {
            id,
            at: now.at,
            day: now.day,
            session: Some(session),
            kind: EventKind::SessionEnd {
                activity,
                finished,
                report,
            },
        };
        let result = self.write(|db, scheduler| {
            super::insert(db, &event)?;
            super::projection::follow(db, scheduler, now.day, &event.kind)?;
            db.prepare_cached("DELETE FROM open_sessions WHERE session = ?1")?
                .execute([session.bytes()])?;
            Ok(())
        });
        result.map_err(|fault| self.error(fault))?;
        self.running.remove(&session);
        if let Some(path) = self.lock_path(session)
            && path.exists()
        {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// Sessions that were begun and not ended, newest first, without those that run now. Taking
    /// one up: [`Self::take_up`]; giving it up: [`Self::end_session`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn interrupted(&self) -> Result<Vec<Interrupted>, ProgressError> {
        let sessions = open_sessions(&self.db).map_err(|fault| self.error(fault))?;
        let mut interrupted = Vec::new();
        for session in sessions {
            let runs_here = self.running.contains_key(&session.session);
            if !runs_here && matches!(self.try_lock(session.session)?, Lock::Ours(_)) {
                interrupted.push(session);
            }
        }
        Ok(interrupted)
    }

    /// Goes on with an interrupted session. False when another process was faster.
    ///
    /// # Errors
    /// When its lock cannot be written.
    pub fn take_up(&mut self, session: EventId) -> Result<bool, ProgressError> {
        match self.try_lock(session)? {
            Lock::Ours(lock) => {
                self.running.insert(session, lock);
                Ok(true)
            }
            Lock::Theirs => Ok(false),
        }
    }

    /// Stops running a session without ending it: from now on it counts as interrupted.
    pub fn let_go(&mut self, session: EventId) {
        // Dropping its file gives the lock back.
        self.running.remove(&session);
    }

    /// Sessions without an end that other processes are running.
    pub(super) fn running_elsewhere(&self) -> Result<Vec<EventId>, ProgressError> {
        let mut elsewhere = Vec::new();
        for session in open_sessions(&self.db).map_err(|fault| self.error(fault))? {
            let runs_here = self.running.contains_key(&session.session);
            if !runs_here && matches!(self.try_lock(session.session)?, Lock::Theirs) {
                elsewhere.push(session.session);
            }
        }
        Ok(elsewhere)
    }

    fn lock_path(&self, session: EventId) -> Option<std::path::PathBuf> {
        let places = self.places.as_ref()?;
        Some(places.locks().join(format!("{session}.lock")))
    }

    fn try_lock(&self, session: EventId) -> Result<Lock, ProgressError> {
        let Some(path) = self.lock_path(session) else {
            return Ok(Lock::Ours(None));
        };
        if !path.exists() {
            // Its process ended between lock and row, or the folder was cleared.
            let lock = self.lock(session).map_err(|fault| self.error(fault))?;
            return Ok(Lock::Ours(lock));
        }
        let file = File::options().write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock::Ours(Some(file))),
            Err(TryLockError::WouldBlock) => Ok(Lock::Theirs),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    fn lock(&self, session: EventId) -> Result<Option<File>, Fault> {
        let Some(path) = self.lock_path(session) else {
            return Ok(None);
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::create(&path)?;
        match file.try_lock() {
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(Some(file)),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

fn open_sessions(db: &Connection) -> Result<Vec<Interrupted>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT session, activity, about, at, day, start, snapshot FROM open_sessions
         ORDER BY at DESC, session DESC",
    )?;
    let mut rows = statement.query([])?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(activity) = Activity::from_word(row.get_ref(1)?.as_str().unwrap_or_default())
        else {
            continue;
        };
        let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        sessions.push(Interrupted {
            session: EventId::from_bytes(row.get(0)?),
            activity,
            about: row.get(2)?,
            at: Timestamp::from_millisecond(row.get(3)?).unwrap_or_default(),
            day: Day::from_number(row.get(4)?),
            start: json(&row.get::<_, String>(5)?),
            snapshot: row.get::<_, Option<String>>(6)?.map(|text| json(&text)),
        });
    }
    Ok(sessions)
}

pub(super) fn seen(db: &Connection) -> Result<Vec<Known>, Fault> {
    let mut statement =
        db.prepare_cached("SELECT card, file, place, question FROM seen ORDER BY card")?;
    let known = statement.query_map([], |row| {
        Ok(Known {
            id: row.get::<_, String>(0)?.into(),
            file: row.get(1)?,
            place: row.get(2)?,
            question: row.get(3)?,
        })
    })?;
    Ok(known.collect::<Result<_, _>>()?)
}

pub(super) fn remember(db: &Connection, known: &[Known]) -> Result<(), Fault> {
    db.execute("DELETE FROM seen", [])?;
    let mut statement = db.prepare_cached(
        "INSERT OR REPLACE INTO seen (card, file, place, question) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for card in known {
        statement.execute(params![
            card.id.as_str(),
            card.file,
            card.place,
            card.question
        ])?;
    }
    Ok(())
}
