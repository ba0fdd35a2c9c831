//! Reading the log back: by day, by session, for undo and for fitting the model.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use super::{
    Progress, ProgressError,
    error::Fault,
    event::{Activity, Event, EventId, EventKind, UNDOABLE},
    projection::{canonical, read_kind},
};
use crate::{
    bank::SkillId,
    memory::{Day, PastReview, Rating},
};

/// What was done on one study day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCount {
    /// The day.
    pub day: Day,
    /// Ratings.
    pub reviews: u64,
    /// Ratings that were not `again`.
    pub recalled: u64,
    /// Cards met for the first time.
    pub new: u64,
    /// Time from question to rating, summed, in milliseconds.
    pub ms: u64,
}

/// A session that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionReport {
    /// The session: the id of its start.
    pub session: Option<EventId>,
    /// What it was.
    pub activity: Activity,
    /// When it ended.
    pub at: Timestamp,
    /// The study day.
    pub day: Day,
    /// It came to its end; otherwise it was given up.
    pub finished: bool,
    /// Its own report.
    pub report: Value,
}

/// A skill as the reader rated it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfRated {
    /// The skill.
    pub skill: SkillId,
    /// 0 can't, 1 can stumble through, 2 can teach it.
    pub mastery: u8,
    /// When.
    pub at: Timestamp,
    /// The study day.
    pub day: Day,
}

/// Days that tell how fast somebody answers.
pub const SPEED_DAYS: u32 = 120;
/// Ratings from which on they tell it.
const SPEED_RATINGS_MIN: u64 = 20;

/// Seconds a rating takes, by the [`SPEED_DAYS`] before today; none before there are enough to tell.
pub fn seconds_a_card(days: &[DayCount]) -> Option<u64> {
    let reviews: u64 = days.iter().map(|day| day.reviews).sum();
    let ms: u64 = days.iter().map(|day| day.ms).sum();
    (reviews >= SPEED_RATINGS_MIN).then(|| (ms / reviews / 1000).max(1))
}

const NOT_UNDONE: &str = "NOT EXISTS (SELECT 1 FROM events AS u WHERE u.undoes = e.id)";
const COLUMNS: &str = "id, at, day, session, kind, data";

pub(super) fn read_event(row: &Row<'_>) -> Result<Event, Fault> {
    let id = EventId::from_bytes(row.get(0)?);
    let (kind, data): (String, String) = (row.get(4)?, row.get(5)?);
    Ok(Event {
        id,
        at: Timestamp::from_millisecond(row.get(1)?).unwrap_or_default(),
        day: Day::from_number(row.get(2)?),
        session: row.get::<_, Option<[u8; 16]>>(3)?.map(EventId::from_bytes),
        kind: read_kind(id, &kind, &data)?,
    })
}

pub(super) fn event(db: &Connection, id: EventId) -> Result<Option<Event>, Fault> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM events WHERE id = ?1"))?;
    let mut rows = statement.query([id.bytes()])?;
    rows.next()?.map(read_event).transpose()
}

pub(super) fn is_undone(db: &Connection, id: EventId) -> Result<bool, Fault> {
    let found: Option<i64> = db
        .prepare_cached("SELECT 1 FROM events WHERE undoes = ?1")?
        .query_row([id.bytes()], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}

/// The event that `u` takes back: the last of the session, or else the last of all but those of
/// the sessions `elsewhere`.
pub(super) fn last_undoable(
    db: &Connection,
    session: Option<EventId>,
    elsewhere: &[EventId],
) -> Result<Option<EventId>, Fault> {
    if let Some(session) = session {
        let mut statement = db.prepare_cached(&format!(
            "SELECT id, kind FROM events AS e WHERE session = ?1 AND {NOT_UNDONE}
             ORDER BY at DESC, id DESC"
        ))?;
        let mut rows = statement.query([session.bytes()])?;
        while let Some(row) = rows.next()? {
            if UNDOABLE.contains(&row.get_ref(1)?.as_str().unwrap_or_default()) {
                return Ok(Some(EventId::from_bytes(row.get(0)?)));
            }
        }
    }
    let mut newest: Option<(i64, EventId)> = None;
    for kind in UNDOABLE {
        let mut statement = db.prepare_cached(&format!(
            "SELECT id, at, session FROM events AS e WHERE kind = ?1 AND {NOT_UNDONE}
             ORDER BY at DESC, id DESC"
        ))?;
        let mut rows = statement.query([kind])?;
        while let Some(row) = rows.next()? {
            let session = row.get::<_, Option<[u8; 16]>>(2)?.map(EventId::from_bytes);
            if session.is_some_and(|session| elsewhere.contains(&session)) {
                continue;
            }
            let found = (row.get(1)?, EventId::from_bytes(row.get(0)?));
            newest = newest.max(Some(found));
            break;
        }
    }
    Ok(newest.map(|(_, id)| id))
}

pub(super) fn past_reviews(db: &Connection) -> Result<Vec<PastReview>, Fault> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT card, day, data ->> 'rating' FROM events AS e
         WHERE kind = 'review' AND {NOT_UNDONE} ORDER BY at, id"
    ))?;
    let mut rows = statement.query([])?;
    let mut reviews = Vec::new();
    while let Some(row) = rows.next()? {
        let card: String = row.get(0)?;
        let Some(rating) = Rating::from_number(row.get(2)?) else {
            continue;
        };
        reviews.push(PastReview {
            card: canonical(db, &card.into())?,
            day: Day::from_number(row.get(1)?),
            rating,
        });
    }
    Ok(reviews)
}

impl Progress {
    /// What was done by day, from `first` on, oldest first; days on which nothing was done are
    /// left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn days(&self, first: Day) -> Result<Vec<DayCount>, ProgressError> {
        let read = || -> Result<Vec<DayCount>, Fault> {
            let mut statement = self.db.prepare_cached(
                "SELECT d.day, reviews, recalled, ms, coalesce(n.new, 0) FROM days AS d
                 LEFT JOIN (SELECT first_day AS day, count(*) AS new FROM cards
                            WHERE first_day >= ?1 GROUP BY first_day) AS n ON n.day = d.day
                 WHERE d.day >= ?1 ORDER BY d.day",
            )?;
            let mut rows = statement.query([first.number()])?;
            let mut days = Vec::new();
            while let Some(row) = rows.next()? {
                let count = |place| -> Result<u64, rusqlite::Error> {
                    Ok(u64::try_from(row.get::<_, i64>(place)?).unwrap_or(0))
                };
                days.push(DayCount {
                    day: Day::from_number(row.get(0)?),
                    reviews: count(1)?,
                    recalled: count(2)?,
                    ms: count(3)?,
                    new: count(4)?,
                });
            }
            Ok(days)
        };
        read().map_err(|fault| self.error(fault))
    }

    /// Study days in a row on which something was rated, up to `today`; a day that is not over yet
    /// breaks nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn streak(&self, today: Day) -> Result<u32, ProgressError> {
        let read = || -> Result<u32, Fault> {
            let mut statement = self
                .db
                .prepare_cached("SELECT day FROM days WHERE day <= ?1 ORDER BY day DESC")?;
            let mut rows = statement.query([today.number()])?;
            let mut streak = 0;
            let mut wanted = today;
            while let Some(row) = rows.next()? {
                let day = Day::from_number(row.get(0)?);
                if streak == 0 && day == today.minus(1) {
                    wanted = day;
                }
                if day != wanted {
                    break;
                }
                streak += 1;
                wanted = wanted.minus(1);
            }
            Ok(streak)
        };
        read().map_err(|fault| self.error(fault))
    }

    /// The events of one session, oldest first, without those taken back.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn session_events(&self, session: EventId) -> Result<Vec<Event>, ProgressError> {
        self.events(
            &format!("session = ?1 AND {NOT_UNDONE} ORDER BY at, id"),
            [session.bytes()],
        )
    }

    /// The reports of sessions of these activities, newest first, at most `count`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reports(
        &self,
        activities: &[Activity],
        count: usize,
    ) -> Result<Vec<SessionReport>, ProgressError> {
        let words: Vec<&str> = activities.iter().map(|activity| activity.word()).collect();
        let events = self.events(
            &format!(
                "kind = 'session-end' AND {NOT_UNDONE}
                 AND data ->> 'activity' IN (SELECT value FROM json_each(?1))
                 ORDER BY at DESC, id DESC LIMIT ?2"
            ),
            (
                Value::from(words).to_string(),
                i64::try_from(count).unwrap_or(i64::MAX),
            ),
        )?;
        let reports = events.into_iter().filter_map(|ended| match ended.kind {
            EventKind::SessionEnd {
                activity,
                finished,
                report,
            } => Some(SessionReport {
                session: ended.session,
                activity,
                at: ended.at,
                day: ended.day,
                finished,
                report,
            }),
            _ => None,
        });
        Ok(reports.collect())
    }

    /// What a session was begun about, in words; nothing when its start is not in the log.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn about(&self, session: EventId) -> Result<String, ProgressError> {
        let begun = event(&self.db, session).map_err(|fault| self.error(fault))?;
        Ok(match begun.map(|begun| begun.kind) {
            Some(EventKind::SessionStart { about, .. }) => about,
            _ => String::new(),
        })
    }

    /// All self-ratings, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn self_ratings(&self) -> Result<Vec<SelfRated>, ProgressError> {
        let events = self.events(
            &format!("kind = 'self-rating' AND {NOT_UNDONE} ORDER BY at, id"),
            [],
        )?;
        let ratings = events.into_iter().filter_map(|event| match event.kind {
            EventKind::SelfRating { skill, mastery } => Some(SelfRated {
                skill,
                mastery,
                at: event.at,
                day: event.day,
            }),
            _ => None,
        });
        Ok(ratings.collect())
    }

    /// The events of one kind, by its name in the log, oldest first, without those taken back:
    /// predictions, notes, stages.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn events_of_kind(&self, kind: &str) -> Result<Vec<Event>, ProgressError> {
        self.events(
            &format!("kind = ?1 AND {NOT_UNDONE} ORDER BY at, id"),
            [kind],
        )
    }

    /// How many events the log holds.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn event_count(&self) -> Result<u64, ProgressError> {
        let count: Result<i64, rusqlite::Error> =
            self.db
                .query_row("SELECT count(*) FROM events", [], |row| row.get(0));
        let count = count.map_err(|error| self.error(error.into()))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn events(
        &self,
        condition: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<Event>, ProgressError> {
        let read = || -> Result<Vec<Event>, Fault> {
            let mut statement = self.db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM events AS e WHERE {condition}"
            ))?;
            let mut rows = statement.query(values)?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(read_event(row)?);
            }
            Ok(events)
        };
        read().map_err(|fault| self.error(fault))
    }
}
