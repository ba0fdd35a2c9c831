//! The whole log as JSON lines, out and in.
//!
//! The first line says what the file is; each other line is one event with its data as stored, so
//! that what a newer program wrote passes through unharmed. Importing adds the events that are not
//! there yet, by their ids: the same file twice changes nothing, and two machines' logs merge.

use std::io::{BufRead, Write};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Progress, ProgressError,
    error::Fault,
    event::{Event, EventId, EventKind},
    insert_raw, projection,
};
use crate::memory::Day;

/// What the first line says.
const WHAT: &str = "highwater log";
/// The newest shape of lines known here.
const VERSION: u64 = 1;
/// No event is longer.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Events added.
    pub added: u64,
    /// Events that were there already.
    pub known: u64,
}

/// One event, its keys in the order in which people read them.
#[derive(Serialize)]
struct Line {
    id: String,
    at: String,
    day: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    kind: String,
    data: Value,
}

impl Progress {
    /// Writes the whole log, in the order of time. Tells how many events there were.
    ///
    /// # Errors
    /// When the database cannot be read or `out` not written.
    pub fn export(&self, out: &mut impl Write) -> Result<u64, ProgressError> {
        let mut write = || -> Result<u64, Fault> {
            writeln!(out, r#"{{"file":"{WHAT}","version":{VERSION}}}"#)?;
            let mut statement = self
                .db
                .prepare("SELECT id, at, day, session, kind, data FROM events ORDER BY at, id")?;
            let mut rows = statement.query([])?;
            let mut count = 0;
            while let Some(row) = rows.next()? {
                let id = EventId::from_bytes(row.get(0)?);
                let at = Timestamp::from_millisecond(row.get(1)?).unwrap_or_default();
                let day = Day::from_number(row.get(2)?);
                let session: Option<[u8; 16]> = row.get(3)?;
                let (kind, data): (String, String) = (row.get(4)?, row.get(5)?);
                let line = Line {
                    id: id.to_string(),
                    at: at.to_string(),
                    day: day.to_string(),
                    session: session.map(|session| EventId::from_bytes(session).to_string()),
                    kind,
                    data: serde_json::from_str(&data).unwrap_or(Value::String(data)),
                };
                serde_json::to_writer(&mut *out, &line).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
                count += 1;
            }
            out.flush()?;
            Ok(count)
        };
        write().map_err(|fault| self.error(fault))
    }

    /// Adds the events of an export that are not in the log yet, all or none.
    ///
    /// # Errors
    /// Names the first line that is not what it should be; then nothing was imported.
    pub fn import(&mut self, input: &mut impl BufRead) -> Result<Imported, ProgressError> {
        let result = self.write(|db, _| {
            let imported = read_all(db, input)?;
            if imported.added > 0 {
                projection::rebuild(db)?;
            }
            Ok(imported)
        });
        let imported = result.map_err(|fault| self.error(fault))?;
        self.prepare().map_err(|fault| self.error(fault))?;
        Ok(imported)
    }
}

fn read_all(db: &Connection, input: &mut impl BufRead) -> Result<Imported, Fault> {
    let mut imported = Imported::default();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let mut bounded = std::io::Read::take(&mut *input, LINE_BYTES_MAX + 1);
        if bounded.read_until(b'\n', &mut text)? == 0 {
            if line == 1 {
                return Err(Fault::Import {
                    line,
                    message: "the file is empty; `highwater export` writes a first line that says \
                              what it is"
                        .to_owned(),
                });
            }
            break;
        }
        let wrong = |message: String| Fault::Import { line, message };
        if text.len() as u64 > LINE_BYTES_MAX {
            return Err(wrong("longer than 4 MiB, which no event is".to_owned()));
        }
        let trimmed = text.trim_ascii();
        if trimmed.is_empty() {
            continue;
        }
        let fields: Map<String, Value> = serde_json::from_slice(trimmed)
            .map_err(|error| wrong(format!("not a JSON object: {error}")))?;
        if line == 1 {
            header(&fields).map_err(wrong)?;
            continue;
        }
        let (event, data) = read_event(fields).map_err(wrong)?;
        if insert_raw(db, &event, &data)? {
            imported.added += 1;
        } else {
            same(db, &event, &data)?.then_some(()).ok_or_else(|| {
                wrong(format!(
                    "event {} is in the log with other content",
                    event.id
                ))
            })?;
            imported.known += 1;
        }
    }
    Ok(imported)
}

fn header(fields: &Map<String, Value>) -> Result<(), String> {
    if fields.get("file").and_then(Value::as_str) != Some(WHAT) {
        return Err(format!(
            "expected {{\"file\":\"{WHAT}\",\"version\":{VERSION}}}, as `highwater export` writes it"
        ));
    }
    match fields.get("version").and_then(Value::as_u64) {
        Some(1..=VERSION) => Ok(()),
        Some(version) => Err(format!(
            "written by a newer highwater (version {version}; this program knows up to {VERSION})"
        )),
        None => Err("`version` is missing".to_owned()),
    }
}

fn read_event(mut fields: Map<String, Value>) -> Result<(Event, String), String> {
    let mut text = |key: &str| match fields.remove(key) {
        Some(Value::String(text)) => Ok(Some(text)),
        None => Ok(None),
        Some(other) => Err(format!("`{key}` is a text, found {other}")),
    };
    let required = |key: &str, value: Option<String>| value.ok_or(format!("`{key}` is missing"));
    let id: EventId = required("id", text("id")?)?.parse()?;
    let at_text = required("at", text("at")?)?;
    let at: Timestamp = at_text.parse().map_err(|_| {
        format!("`at` is a point in time such as 2026-12-10T09:30:00Z, found `{at_text}`")
    })?;
    let day: Day = required("day", text("day")?)?
        .parse()
        .map_err(|error: crate::memory::DayError| error.to_string())?;
    let session = text("session")?
        .map(|session| session.parse())
        .transpose()?;
    let kind = required("kind", text("kind")?)?;
    let data = match fields.remove("data") {
        Some(Value::Object(data)) => data,
        Some(other) => return Err(format!("`data` is an object, found {other}")),
        None => return Err("`data` is missing".to_owned()),
    };
    if let Some(key) = fields.keys().next() {
        return Err(format!(
            "unknown key `{key}`; an event has id, at, day, session, kind and data"
        ));
    }
    let raw = serde_json::to_string(&data).map_err(|error| error.to_string())?;
    let kind = EventKind::read(&kind, data)?;
    Ok((
        Event {
            id,
            at,
            day,
            session,
            kind,
        },
        raw,
    ))
}

/// Whether the log has the event of that id with that content.
fn same(db: &Connection, event: &Event, data: &str) -> Result<bool, Fault> {
    let found: Option<(i64, String, String)> = db
        .prepare_cached("SELECT at, kind, data FROM events WHERE id = ?1")?
        .query_row([event.id.bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((at, kind, stored)) = found else {
        return Ok(false);
    };
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    Ok(at == event.at.as_millisecond()
        && kind == event.kind.name()
        && parsed(&stored) == parsed(data))
}
