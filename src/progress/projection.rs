//! What follows from the log: the state of each card, ratings by day, renamed cards.
//!
//! The state of a card is a fold over its events in force, oldest first. It is worked out from the
//! log inside the very transaction that adds to the log, never from what a process remembers, so
//! that two processes cannot count anything twice. All tables here can be thrown away.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    error::Fault,
    event::{Activity, EventId, EventKind},
};
use crate::{
    bank::CardId,
    memory::{
        CardState, Day, Due, Memory, Moment, Parameters, Phase, Retention, Scheduler, States,
    },
};

/// Changes when the fold changes: older tables are thrown away.
const VERSION: i64 = 2;

/// Events of a card that no undo takes back, oldest first.
const IN_FORCE: &str = "SELECT id, at, day, kind, data FROM events AS e
    WHERE card = ?1 AND NOT EXISTS (SELECT 1 FROM events AS u WHERE u.undoes = e.id)
    ORDER BY at, id";

/// One event as the fold needs it.
struct Step {
    id: EventId,
    at: i64,
    day: Day,
    kind: EventKind,
}

/// The scheduler that the log asks for: its newest parameters, or the defaults.
pub(super) fn scheduler(db: &Connection, retention: Retention) -> Result<Scheduler, Fault> {
    let weights: Option<Option<String>> = db
        .prepare_cached("SELECT weights FROM projection WHERE one = 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let parameters = match weights.flatten() {
        Some(text) => serde_json::from_str(&text).unwrap_or_default(),
        None => Parameters::default(),
    };
    Ok(Scheduler::new(&parameters, retention))
}

/// The weights in force, as text; none for the defaults.
fn newest_weights(db: &Connection) -> Result<Option<String>, Fault> {
    let data: Option<String> = db
        .prepare_cached(
            "SELECT data FROM events AS e WHERE kind = 'parameters'
             AND NOT EXISTS (SELECT 1 FROM events AS u WHERE u.undoes = e.id)
             ORDER BY at DESC, id DESC LIMIT 1",
        )?
        .query_row([], |row| row.get(0))
        .optional()?;
    let weights = data
        .and_then(|data| serde_json::from_str::<serde_json::Value>(&data).ok())
        .and_then(|data| serde_json::from_value::<Parameters>(data["weights"].clone()).ok());
    Ok(weights.and_then(|weights| serde_json::to_string(&weights).ok()))
}

/// Whether the tables are of this version and have seen every event.
pub(super) fn is_current(db: &Connection) -> Result<bool, Fault> {
    let found: Option<(i64, i64)> = db
        .query_row("SELECT version, seq FROM projection", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(found == Some((VERSION, last_seq(db)?)))
}

fn last_seq(db: &Connection) -> Result<i64, Fault> {
    Ok(db
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM events")?
        .query_row([], |row| row.get(0))?)
}

/// Notes that the tables have seen every event.
pub(super) fn mark_current(db: &Connection) -> Result<(), Fault> {
    let seq = last_seq(db)?;
    db.prepare_cached("UPDATE projection SET seq = ?1 WHERE one = 1")?
        .execute([seq])?;
    Ok(())
}

/// Throws everything away and works it out again.
pub(super) fn rebuild(db: &Connection) -> Result<(), Fault> {
    db.execute_batch(
        "DELETE FROM cards; DELETE FROM aliases; DELETE FROM days; DELETE FROM projection;",
    )?;
    db.execute(
        "INSERT INTO projection (one, version, seq, weights) VALUES (1, ?1, ?2, ?3)",
        params![VERSION, last_seq(db)?, newest_weights(db)?],
    )?;
    rebuild_aliases(db)?;
    db.execute(
        "INSERT INTO days (day, reviews, recalled, ms)
         SELECT day, count(*), total(data ->> 'rating' > 1), total(data ->> 'ms')
         FROM events AS e WHERE kind = 'review'
         AND NOT EXISTS (SELECT 1 FROM events AS u WHERE u.undoes = e.id) GROUP BY day",
        [],
    )?;
    let cards: BTreeSet<CardId> = db
        .prepare("SELECT DISTINCT card FROM events WHERE card IS NOT NULL")?
        .query_map([], |row| row.get::<_, String>(0))?
        .map(|card| card.map(CardId::from))
        .collect::<Result<_, _>>()?;
    let scheduler = scheduler(db, Retention::default())?;
    let mut current = BTreeSet::new();
    for card in cards {
        current.insert(canonical(db, &card)?);
    }
    for card in current {
        refold(db, &scheduler, &card)?;
    }
    Ok(())
}

fn rebuild_aliases(db: &Connection) -> Result<(), Fault> {
    db.execute("DELETE FROM aliases", [])?;
    let mut statement = db.prepare(
        "SELECT data ->> 'old', data ->> 'new' FROM events AS e WHERE kind = 'relink'
         AND NOT EXISTS (SELECT 1 FROM events AS u WHERE u.undoes = e.id) ORDER BY at, id",
    )?;
    let links: Vec<(String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (old, new) in links {
        alias(db, &old.into(), &new.into())?;
    }
    Ok(())
}

/// Notes that the history of `old` is that of `new`; the newest link wins where two would make a ring.
fn alias(db: &Connection, old: &CardId, new: &CardId) -> Result<(), Fault> {
    if old == new {
        return Ok(());
    }
    // A card that gets its former name back is itself again.
    db.execute("DELETE FROM aliases WHERE old = ?1", [new.as_str()])?;
    db.execute(
        "INSERT OR REPLACE INTO aliases (old, new) VALUES (?1, ?2)",
        [old.as_str(), new.as_str()],
    )?;
    Ok(())
}

/// The name under which the state of `card` is kept now.
pub(super) fn canonical(db: &Connection, card: &CardId) -> Result<CardId, Fault> {
    let mut name = card.clone();
    let mut passed = BTreeSet::new();
    let mut statement = db.prepare_cached("SELECT new FROM aliases WHERE old = ?1")?;
    while passed.insert(name.clone()) {
        match statement
            .query_row([name.as_str()], |row| row.get::<_, String>(0))
            .optional()?
        {
            Some(next) => name = next.into(),
            None => break,
        }
    }
    Ok(name)
}

/// All names that lead to `card`, itself included.
fn names(db: &Connection, card: &CardId) -> Result<BTreeSet<CardId>, Fault> {
    let mut names = BTreeSet::from([card.clone()]);
    let mut open = vec![card.clone()];
    let mut statement = db.prepare_cached("SELECT old FROM aliases WHERE new = ?1")?;
    while let Some(name) = open.pop() {
        let olds: Vec<String> = statement
            .query_map([name.as_str()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for old in olds.into_iter().map(CardId::from) {
            if names.insert(old.clone()) {
                open.push(old);
            }
        }
    }
    Ok(names)
}

/// Brings the tables up to date with one event that was just added, and tells the state of the
/// card it concerns.
pub(super) fn follow(
    db: &Connection,
    scheduler: &Scheduler,
    day: Day,
    kind: &EventKind,
) -> Result<Option<(CardId, CardState)>, Fault> {
    match kind {
        EventKind::Relink { .. } | EventKind::Parameters { .. } => {
            rebuild(db)?;
            return Ok(None);
        }
        EventKind::Review { rating, ms, .. } => {
            count(db, day, 1, i64::from(rating.recalled()), *ms as i64)?;
        }
        _ => {}
    }
    let state = match kind.card() {
        Some(card) => {
            let card = canonical(db, card)?;
            let state = refold(db, scheduler, &card)?;
            Some((card, state))
        }
        None => None,
    };
    mark_current(db)?;
    Ok(state)
}

/// The same for an event that was just taken back.
pub(super) fn unfollow(
    db: &Connection,
    scheduler: &Scheduler,
    day: Day,
    kind: &EventKind,
) -> Result<Option<(CardId, CardState)>, Fault> {
    if let EventKind::Review { rating, ms, .. } = kind {
        count(db, day, -1, -i64::from(rating.recalled()), -(*ms as i64))?;
    }
    match kind {
        // Counted above; the fold needs no more than for any other event of the card.
        EventKind::Review { card, .. } => {
            let card = canonical(db, card)?;
            let state = refold(db, scheduler, &card)?;
            mark_current(db)?;
            Ok(Some((card, state)))
        }
        other => follow(db, scheduler, day, other),
    }
}

fn count(db: &Connection, day: Day, reviews: i64, recalled: i64, ms: i64) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO days (day, reviews, recalled, ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (day) DO UPDATE SET reviews = reviews + excluded.reviews,
         recalled = recalled + excluded.recalled, ms = ms + excluded.ms",
    )?
    .execute(params![day.number(), reviews, recalled, ms])?;
    if reviews < 0 {
        db.prepare_cached("DELETE FROM days WHERE day = ?1 AND reviews = 0")?
            .execute([day.number()])?;
    }
    Ok(())
}

/// Works the state of a card out from the log and stores it.
fn refold(db: &Connection, scheduler: &Scheduler, card: &CardId) -> Result<CardState, Fault> {
    let mut steps = Vec::new();
    for name in names(db, card)? {
        steps.extend(steps_of(db, &name)?);
    }
    steps.sort_by_key(|step| (step.at, step.id));
    let state = steps.iter().fold(CardState::default(), |state, step| {
        fold(scheduler, state, step)
    });
    if state == CardState::default() {
        db.prepare_cached("DELETE FROM cards WHERE card = ?1")?
            .execute([card.as_str()])?;
    } else {
        store(db, card, &state)?;
    }
    Ok(state)
}

fn steps_of(db: &Connection, card: &CardId) -> Result<Vec<Step>, Fault> {
    let mut statement = db.prepare_cached(IN_FORCE)?;
    let mut rows = statement.query([card.as_str()])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let id = EventId::from_bytes(row.get(0)?);
        let (kind, data): (String, String) = (row.get(3)?, row.get(4)?);
        steps.push(Step {
            id,
            at: row.get(1)?,
            day: Day::from_number(row.get(2)?),
            kind: read_kind(id, &kind, &data)?,
        });
    }
    Ok(steps)
}

/// Reads an event's kind from its two columns.
pub(super) fn read_kind(id: EventId, kind: &str, data: &str) -> Result<EventKind, Fault> {
    serde_json::from_str(data)
        .map_err(|error| error.to_string())
        .and_then(|data| EventKind::read(kind, data))
        .map_err(|message| Fault::Event {
            id: id.to_string(),
            message,
        })
}

fn fold(scheduler: &Scheduler, mut state: CardState, step: &Step) -> CardState {
    match &step.kind {
        EventKind::Review { rating, due, .. } => {
            let now = Moment {
                at: Timestamp::from_millisecond(step.at).unwrap_or_default(),
                day: step.day,
            };
            return scheduler.rated(&state, *rating, now, *due);
        }
        EventKind::Suspend { .. } => state.suspended = true,
        EventKind::Unsuspend { .. } => {
            state.suspended = false;
            state.buried_until = None;
        }
        EventKind::Bury { until, .. } => state.buried_until = Some(*until),
        EventKind::Star { on, .. } => state.starred = *on,
        EventKind::Flag { on, .. } => state.flagged = *on,
        EventKind::MakeDue { from, .. } => {
            // Saying that one cannot do something is no miss.
            state.missed |= *from != Activity::SelfTest;
            let sooner = match state.due {
                Some(Due::On(day)) => day > step.day,
                Some(Due::At(_)) => false,
                None => true,
            };
            if sooner {
                state.due = Some(Due::On(step.day));
            }
        }
        _ => {}
    }
    state
}

const PHASES: [Phase; 4] = [
    Phase::New,
    Phase::Learning,
    Phase::Review,
    Phase::Relearning,
];

fn store(db: &Connection, card: &CardId, state: &CardState) -> Result<(), Fault> {
    let phase = PHASES.iter().position(|phase| *phase == state.phase);
    let (due_day, due_at) = match state.due {
        Some(Due::On(day)) => (Some(day.number()), None),
        Some(Due::At(at)) => (None, Some(at.as_millisecond())),
        None => (None, None),
    };
    db.prepare_cached(
        "INSERT OR REPLACE INTO cards (card, phase, stability, difficulty, due_day, due_at, reviews,
         lapses, first_day, last_day, last_at, suspended, buried_until, starred, flagged, missed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?
    .execute(params![
        card.as_str(),
        phase.unwrap_or(0) as i64,
        state.memory.map(|memory| f64::from(memory.stability)),
        state.memory.map(|memory| f64::from(memory.difficulty)),
        due_day,
        due_at,
        state.reviews,
        state.lapses,
        state.first_day.map(Day::number),
        state.last_day.map(Day::number),
        state.last_at.map(Timestamp::as_millisecond),
        state.suspended,
        state.buried_until.map(Day::number),
        state.starred,
        state.flagged,
        state.missed,
    ])?;
    Ok(())
}

const COLUMNS: &str = "phase, stability, difficulty, due_day, due_at, reviews, lapses, first_day,
    last_day, last_at, suspended, buried_until, starred, flagged, missed, card";

fn read_state(row: &Row<'_>) -> Result<CardState, rusqlite::Error> {
    let phase: u8 = row.get(0)?;
    let day = |place| -> Result<Option<Day>, rusqlite::Error> {
        Ok(row.get::<_, Option<i32>>(place)?.map(Day::from_number))
    };
    let time = |place| -> Result<Option<Timestamp>, rusqlite::Error> {
        let millis: Option<i64> = row.get(place)?;
        Ok(millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
    };
    let memory = match (row.get::<_, Option<f64>>(1)?, row.get::<_, Option<f64>>(2)?) {
        (Some(stability), Some(difficulty)) => Some(Memory {
            stability: stability as f32,
            difficulty: difficulty as f32,
        }),
        _ => None,
    };
    Ok(CardState {
        phase: PHASES.get(usize::from(phase)).copied().unwrap_or_default(),
        memory,
        due: match (day(3)?, time(4)?) {
            (_, Some(at)) => Some(Due::At(at)),
            (day, None) => day.map(Due::On),
        },
        reviews: row.get(5)?,
        lapses: row.get(6)?,
        first_day: day(7)?,
        last_day: day(8)?,
        last_at: time(9)?,
        suspended: row.get(10)?,
        buried_until: day(11)?,
        starred: row.get(12)?,
        flagged: row.get(13)?,
        missed: row.get(14)?,
    })
}

/// The state of one card; the default when it has none.
pub(super) fn state(db: &Connection, card: &CardId) -> Result<CardState, Fault> {
    let card = canonical(db, card)?;
    let state = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM cards WHERE card = ?1"))?
        .query_row([card.as_str()], read_state)
        .optional()?;
    Ok(state.unwrap_or_default())
}

/// The states of all cards that have one.
pub(super) fn states(db: &Connection) -> Result<States, Fault> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM cards ORDER BY card"))?;
    let mut rows = statement.query([])?;
    let mut states = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let card: CardId = row.get_ref(15)?.as_str().unwrap_or_default().into();
        states.insert(card, read_state(row)?);
    }
    Ok(states)
}
