//! The reader's progress: an append-only log in SQLite, and what follows from it.
//!
//! `event` says what the log is made of, `schema` opens, checks and backs up the file, `projection`
//! works out the state of each card, `sessions` keeps what was interrupted, `history` reads the log
//! back, `transfer` exports and imports it. [`Progress`] is the one door to all of them. Each change
//! is one transaction that is on disk before the call returns; two processes may work at once.
//! When cards come back is decided by `memory`; what is asked, by `session`.

mod error;
mod event;
mod history;
mod projection;
mod schema;
mod sessions;
mod transfer;

use std::{collections::BTreeMap, fs::File, path::Path};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

pub use error::ProgressError;
pub use event::{Activity, Event, EventId, EventKind};
pub use history::{DayCount, SPEED_DAYS, SelfRated, SessionReport, seconds_a_card};
pub use sessions::Interrupted;
pub use transfer::Imported;

use self::{
    error::Fault,
    schema::{MIGRATIONS, Places},
};
use crate::{
    bank::{
        Bank, CardId,
        identity::{self, Known, Relink},
    },
    memory::{CardState, Moment, PastReview, Rating, Retention, Scheduler, States},
};

/// A rating to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// The card.
    pub card: CardId,
    /// How well it was remembered.
    pub rating: Rating,
    /// Time from question to rating.
    pub spent: std::time::Duration,
    /// Where it was rated.
    pub from: Activity,
    /// The session it belongs to.
    pub session: Option<EventId>,
}

/// What was taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Undone {
    /// The event, with what it was.
    pub event: Event,
    /// The card it concerned, by its name now.
    pub card: Option<CardId>,
    /// The state of that card now.
    pub state: CardState,
}

/// The log and what follows from it.
#[derive(Debug)]
pub struct Progress {
    db: Connection,
    /// None for one in memory.
    places: Option<Places>,
    retention: Retention,
    scheduler: Scheduler,
    /// The last id given out, so that two of one millisecond keep their order.
    last: Option<EventId>,
    /// Sessions that this process runs, with the lock that says so.
    running: BTreeMap<EventId, Option<File>>,
}

impl Progress {
    /// Opens the log in the data folder, making both when they are not there.
    ///
    /// # Errors
    /// When the folder cannot be written, the file is damaged or written by a newer program.
    pub fn open(folder: &Path, retention: Retention) -> Result<Self, ProgressError> {
        let places = Places {
            folder: folder.to_owned(),
        };
        let db = schema::open(&places, MIGRATIONS)?;
        let mut progress = Self::around(db, Some(places), retention);
        progress.prepare().map_err(|fault| progress.error(fault))?;
        Ok(progress)
    }

    /// A log that is gone when it is dropped.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory(retention: Retention) -> Result<Self, ProgressError> {
        let nowhere = Path::new(":memory:");
        let db = schema::open_in_memory().map_err(|fault| fault.at(nowhere, String::new))?;
        let mut progress = Self::around(db, None, retention);
        progress.prepare().map_err(|fault| progress.error(fault))?;
        Ok(progress)
    }

    fn around(db: Connection, places: Option<Places>, retention: Retention) -> Self {
        Self {
            db,
            places,
            retention,
            scheduler: Scheduler::new(&crate::memory::Parameters::default(), retention),
            last: None,
            running: BTreeMap::new(),
        }
    }

    /// Makes sure that what follows from the log is there, and reads the parameters in force.
    fn prepare(&mut self) -> Result<(), Fault> {
        if !projection::is_current(&self.db)? {
            self.write(|db, _| {
                // Another process may have done it meanwhile.
                if projection::is_current(db)? {
                    Ok(())
                } else {
                    projection::rebuild(db)
                }
            })?;
        }
        self.scheduler = projection::scheduler(&self.db, self.retention)?;
        Ok(())
    }

    fn error(&self, fault: Fault) -> ProgressError {
        match &self.places {
            Some(places) => fault.at(&places.database(), || places.restore_advice()),
            None => fault.at(Path::new(":memory:"), String::new),
        }
    }

    /// One transaction; all of it happens or nothing.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection, &Scheduler) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have fitted the model; its parameters hold for everybody.
        let scheduler = projection::scheduler(&transaction, self.retention)?;
        let result = work(&transaction, &scheduler)?;
        transaction.commit()?;
        self.scheduler = scheduler;
        Ok(result)
    }

    /// Looks every page over and keeps a copy of the day. To be called once at start, when nobody
    /// waits for it: it reads the whole file.
    ///
    /// # Errors
    /// When the file is damaged, or the copy cannot be written.
    pub fn look_after(&mut self, now: Moment) -> Result<(), ProgressError> {
        let Some(places) = &self.places else {
            return Ok(());
        };
        schema::check(&self.db, places)?;
        schema::back_up(&self.db, places, now.day).map_err(|fault| self.error(fault))
    }

    /// FSRS with the parameters of the log and the retention wanted.
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// Aims at another retention from now on.
    pub fn set_retention(&mut self, retention: Retention) {
        self.retention = retention;
        self.scheduler = Scheduler::new(self.scheduler.parameters(), retention);
    }

    /// The state of one card; the default when it has no history.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn state(&self, card: &CardId) -> Result<CardState, ProgressError> {
        projection::state(&self.db, card).map_err(|fault| self.error(fault))
    }

    /// The states of all cards that have one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn states(&self) -> Result<States, ProgressError> {
        projection::states(&self.db).map_err(|fault| self.error(fault))
    }

    /// Records a rating: on disk when this returns. Tells the card's new state.
    ///
    /// # Errors
    /// When it could not be written; then nothing has changed.
    pub fn review(&mut self, review: &Review, now: Moment) -> Result<CardState, ProgressError> {
        let now = to_millis(now);
        let id = self.next_id(now.at)?;
        let result = self.write(|db, scheduler| {
            let card = projection::canonical(db, &review.card)?;
            let before = projection::state(db, &card)?;
            let kind = EventKind::Review {
                due: scheduler.due(&card, &before, review.rating, now),
                card,
                rating: review.rating,
                ms: u64::try_from(review.spent.as_millis()).unwrap_or(u64::MAX),
                from: review.from,
            };
            let event = Event {
                id,
                at: now.at,
                day: now.day,
                session: review.session,
                kind,
            };
            insert(db, &event)?;
            let state = projection::follow(db, scheduler, event.day, &event.kind)?;
            Ok(state.map(|(_, state)| state).unwrap_or_default())
        });
        result.map_err(|fault| self.error(fault))
    }

    /// Records anything else.
    ///
    /// # Errors
    /// When it could not be written; then nothing has changed.
    pub fn append(
        &mut self,
        kind: EventKind,
        session: Option<EventId>,
        now: Moment,
    ) -> Result<EventId, ProgressError> {
        let ids = self.append_all(vec![kind], session, now)?;
        ids.first()
            .copied()
            .ok_or_else(|| ProgressError::NoUndo("nothing was recorded".to_owned()))
    }

    /// Records several things in one transaction, such as the misses of a quiz.
    ///
    /// # Errors
    /// When they could not be written; then nothing has changed.
    pub fn append_all(
        &mut self,
        kinds: Vec<EventKind>,
        session: Option<EventId>,
        now: Moment,
    ) -> Result<Vec<EventId>, ProgressError> {
        let now = to_millis(now);
        let mut events = Vec::with_capacity(kinds.len());
        for kind in kinds {
            events.push(Event {
                id: self.next_id(now.at)?,
                at: now.at,
                day: now.day,
                session,
                kind,
            });
        }
        let result = self.write(|db, scheduler| {
            for event in &events {
                insert(db, event)?;
                projection::follow(db, scheduler, event.day, &event.kind)?;
            }
            Ok(())
        });
        result.map_err(|fault| self.error(fault))?;
        if events
            .iter()
            .any(|event| matches!(event.kind, EventKind::Parameters { .. }))
        {
            self.prepare().map_err(|fault| self.error(fault))?;
        }
        Ok(events.into_iter().map(|event| event.id).collect())
    }

    /// Takes back the last rating, suspension, burial, star or flag: of this session if there is
    /// one left, else the last before it, however long ago, but never one of a session that
    /// another process is running. None when there is nothing to take back.
    ///
    /// # Errors
    /// When it could not be written; then nothing has changed.
    pub fn undo_last(
        &mut self,
        session: Option<EventId>,
        now: Moment,
    ) -> Result<Option<Undone>, ProgressError> {
        let elsewhere = self.running_elsewhere()?;
        let target = history::last_undoable(&self.db, session, &elsewhere)
            .map_err(|fault| self.error(fault))?;
        match target {
            Some(target) => self.undo(target, session, now).map(Some),
            None => Ok(None),
        }
    }

    /// Takes back one event of the log.
    ///
    /// # Errors
    /// When it is not in the log, is taken back already or is itself an undo; or when the undo
    /// could not be written. Then nothing has changed.
    pub fn undo(
        &mut self,
        target: EventId,
        session: Option<EventId>,
        now: Moment,
    ) -> Result<Undone, ProgressError> {
        let now = to_millis(now);
        let id = self.next_id(now.at)?;
        let result = self.write(|db, scheduler| {
            let event = history::event(db, target)?
                .ok_or_else(|| Fault::NoUndo(format!("event {target} is not in the log")))?;
            if matches!(event.kind, EventKind::Undo { .. }) {
                return Err(Fault::NoUndo(
                    "an undo is not taken back; do again what was undone".to_owned(),
                ));
            }
            if history::is_undone(db, target)? {
                return Err(Fault::NoUndo(format!(
                    "the {} of {} is taken back already",
                    event.kind.name(),
                    event.day
                )));
            }
            insert(
                db,
                &Event {
                    id,
                    at: now.at,
                    day: now.day,
                    session,
                    kind: EventKind::Undo { of: target },
                },
            )?;
            let (card, state) = projection::unfollow(db, scheduler, event.day, &event.kind)?
                .map_or((None, CardState::default()), |(card, state)| {
                    (Some(card), state)
                });
            Ok(Undone { event, card, state })
        });
        let undone = result.map_err(|fault| self.error(fault))?;
        if matches!(undone.event.kind, EventKind::Parameters { .. }) {
            self.prepare().map_err(|fault| self.error(fault))?;
        }
        Ok(undone)
    }

    /// Moves the history of renamed cards (`was:`) to their present names, and that of edited ones
    /// as `links` say. Links without history, or done before, are passed over. Tells what was moved.
    ///
    /// # Errors
    /// When it could not be written; then nothing has changed.
    pub fn relink(&mut self, links: &[Relink], now: Moment) -> Result<Vec<Relink>, ProgressError> {
        let mut moved = Vec::new();
        for link in links {
            let has_history = self
                .has_history(&link.old)
                .map_err(|fault| self.error(fault))?;
            if has_history && link.old != link.new {
                moved.push(link.clone());
            }
        }
        if moved.is_empty() {
            return Ok(moved);
        }
        let kinds = moved.iter().map(|link| EventKind::Relink {
            old: link.old.clone(),
            new: link.new.clone(),
        });
        self.append_all(kinds.collect(), None, now)?;
        Ok(moved)
    }

    /// Cards without ids of their own, as they were when last seen.
    fn seen(&self) -> Result<Vec<Known>, ProgressError> {
        sessions::seen(&self.db).map_err(|fault| self.error(fault))
    }

    /// Moves the history of cards that were renamed (`was:`) or, without an id of their own, edited
    /// to their present names, and remembers what stands in the bank now. Tells what was moved.
    ///
    /// # Errors
    /// When the log cannot be read or written.
    pub fn follow_cards(&mut self, bank: &Bank, now: Moment) -> Result<Vec<Relink>, ProgressError> {
        let seen = self.seen()?;
        let edited = identity::relink(&seen, &bank.cards);
        let renamed = bank.cards.iter().flat_map(|card| {
            card.was.iter().map(|old| Relink {
                old: old.clone(),
                new: card.id.clone(),
            })
        });
        let links: Vec<Relink> = edited.iter().cloned().chain(renamed).collect();
        let moved = self.relink(&links, now)?;
        // Cards that are not there just now are remembered: their file may come back.
        let gone = |known: &&Known| {
            bank.card(&known.id).is_none() && !edited.iter().any(|link| link.old == known.id)
        };
        let mut known: Vec<Known> = seen.iter().filter(gone).cloned().collect();
        known.extend(bank.cards.iter().filter_map(|card| Known::of(card)));
        known.sort_by(|a, b| a.id.cmp(&b.id));
        if known != seen {
            self.write(|db, _| sessions::remember(db, &known))
                .map_err(|fault| self.error(fault))?;
        }
        Ok(moved)
    }

    /// Whether there are states kept under this very name.
    fn has_history(&self, card: &CardId) -> Result<bool, Fault> {
        let found: Option<i64> = self
            .db
            .prepare_cached("SELECT 1 FROM cards WHERE card = ?1")?
            .query_row([card.as_str()], |row| row.get(0))
            .optional()?;
        Ok(found.is_some())
    }

    /// All ratings in force, oldest first, for fitting the model.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn past_reviews(&self) -> Result<Vec<PastReview>, ProgressError> {
        history::past_reviews(&self.db).map_err(|fault| self.error(fault))
    }

    /// A fresh id; chance comes from SQLite, which asks the system for it.
    fn next_id(&mut self, at: Timestamp) -> Result<EventId, ProgressError> {
        let chance: Result<[u8; 16], rusqlite::Error> = self
            .db
            .prepare_cached("SELECT randomblob(16)")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)));
        let chance = chance.map_err(|error| self.error(error.into()))?;
        let mut id = EventId::new(at, u128::from_be_bytes(chance));
        if let Some(last) = self.last {
            id = id.after(last);
        }
        self.last = Some(id);
        Ok(id)
    }
}

/// Points in time are kept to the millisecond.
fn to_millis(now: Moment) -> Moment {
    Moment {
        at: Timestamp::from_millisecond(now.at.as_millisecond()).unwrap_or(now.at),
        day: now.day,
    }
}

/// Adds an event to the log.
fn insert(db: &Connection, event: &Event) -> Result<(), Fault> {
    let data = event
        .kind
        .data()
        .and_then(|data| serde_json::to_string(&data))
        .map_err(|error| Fault::Event {
            id: event.id.to_string(),
            message: error.to_string(),
        })?;
    insert_raw(db, event, &data)?;
    Ok(())
}

/// Adds an event with its data as it came; tells whether it was new.
fn insert_raw(db: &Connection, event: &Event, data: &str) -> Result<bool, Fault> {
    let undoes = match event.kind {
        EventKind::Undo { of } => Some(of.bytes()),
        _ => None,
    };
    let added = db
        .prepare_cached(
            "INSERT INTO events (id, at, day, session, kind, card, undoes, data)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            event.id.bytes(),
            event.at.as_millisecond(),
            event.day.number(),
            event.session.map(EventId::bytes),
            event.kind.name(),
            event.kind.card().map(CardId::as_str),
            undoes,
            data,
        ])?;
    Ok(added == 1)
}

#[cfg(test)]
mod tests;
