//! Exit codes, and errors on standard error.

use std::{
    error::Error,
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use serde_json::{Map, Value};

use crate::progress::ProgressError;

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is done: exit code 0.
    Done,
    /// Problems were found and printed: exit code 1.
    Problems,
}

/// A mistake in what was asked for, such as a deck that does not exist: exit code 2.
#[derive(Debug)]
pub(super) struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Usage {}

/// Prints a report as JSON, spans of time as whole milliseconds: `elapsed` becomes `elapsed_ms`.
pub(super) fn print_json(
    report: &impl serde::Serialize,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &in_milliseconds(serde_json::to_value(report)?))?;
    writeln!(out)?;
    Ok(())
}

fn in_milliseconds(value: Value) -> Value {
    let span = |value: &Value| {
        let parts = value.as_object().filter(|parts| parts.len() == 2)?;
        let (secs, nanos) = (parts.get("secs")?.as_u64()?, parts.get("nanos")?.as_u64()?);
        Some(secs * 1000 + nanos / 1_000_000)
    };
    match value {
        Value::Array(items) => items.into_iter().map(in_milliseconds).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| match span(&value) {
                Some(ms) => (format!("{name}_ms"), ms.into()),
                // A clock that there is not has the name of one that there is.
                None if value.is_null() && name.starts_with("limit") => {
                    (format!("{name}_ms"), Value::Null)
                }
                None => (name, in_milliseconds(value)),
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        plain => plain,
    }
}

/// Prints an error with what led to it, and gives the exit code.
///
/// A closed pipe is no error: whoever read the output has had enough of it.
pub(super) fn exit_code(result: anyhow::Result<Outcome>) -> ExitCode {
    let error = match result {
        Ok(Outcome::Done) => return ExitCode::SUCCESS,
        Ok(Outcome::Problems) => return ExitCode::FAILURE,
        Err(error) => error,
    };
    let closed = |cause: &(dyn Error + 'static)| {
        let plain = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        // Both of these pass the cause of an input or output error over.
        let json = cause.downcast_ref::<serde_json::Error>();
        let log = match cause.downcast_ref::<ProgressError>() {
            Some(ProgressError::Io(error)) => Some(error.kind()),
            _ => None,
        };
        plain
            .or(json.and_then(serde_json::Error::io_error_kind))
            .or(log)
            == Some(io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed) {
        return ExitCode::SUCCESS;
    }
    let mut text = format!("highwater: {error}\n");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Some errors say in one sentence what led to them.
        if !text.contains(&cause) {
            text = format!("{text}  because: {cause}\n");
        }
    }
    // standard error may be closed too
    let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
    ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
}
