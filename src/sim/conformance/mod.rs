//! Kafka's own test cases, run against the rules of this cluster.
//!
//! A case is an input and what Kafka answered to it, in the field names of
//! `tests/golden/`. This module finds out from a case's fields which rule it
//! is for, runs it and says how it went; reading directories and printing is
//! the caller's.

use serde_json::Value;
use thiserror::Error;

mod assignors;
mod controller;
mod election;
mod epochs;
mod hashing;
mod leader;
mod producers;
mod visibility;

#[cfg(test)]
mod tests;

/// The cases that come with the program: file name and content.
pub const EMBEDDED: [(&str, &str); 10] = [
    (
        "assignors_client.json",
        include_str!("../../../tests/golden/assignors_client.json"),
    ),
    (
        "assignors_server.json",
        include_str!("../../../tests/golden/assignors_server.json"),
    ),
    (
        "compaction_retention.json",
        include_str!("../../../tests/golden/compaction_retention.json"),
    ),
    (
        "isr_election.json",
        include_str!("../../../tests/golden/isr_election.json"),
    ),
    (
        "kip848_reconciliation.json",
        include_str!("../../../tests/golden/kip848_reconciliation.json"),
    ),
    (
        "lag_hw_lso.json",
        include_str!("../../../tests/golden/lag_hw_lso.json"),
    ),
    (
        "leader_epoch_truncation.json",
        include_str!("../../../tests/golden/leader_epoch_truncation.json"),
    ),
    (
        "murmur2_partitioner.json",
        include_str!("../../../tests/golden/murmur2_partitioner.json"),
    ),
    (
        "partition_isr_hw.json",
        include_str!("../../../tests/golden/partition_isr_hw.json"),
    ),
    (
        "producer_idempotence.json",
        include_str!("../../../tests/golden/producer_idempotence.json"),
    ),
];

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As Kafka answered.
    Passed,
    /// Otherwise; what differs.
    Failed(String),
    /// Not run, and why.
    Skipped(String),
    /// The case contradicts Kafka's source or documentation; the proof.
    Disputed(String),
    /// The case cannot be read; what is wrong in it.
    Invalid(String),
}

/// One case and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseReport {
    /// The case's `id`.
    pub id: String,
    /// Kafka's test, or where else the fact comes from.
    pub source_test: String,
    /// How it went.
    pub outcome: Outcome,
}

/// Why a file holds no cases that can be run.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FileError {
    /// Not JSON.
    #[error("{file}: not JSON: {problem}")]
    NotJson {
        /// The file.
        file: String,
        /// The parser's words, with line and column.
        problem: String,
    },
    /// JSON, but not a file of cases.
    #[error("{file}: expected an object with a list `cases`, found {found}")]
    NoCases {
        /// The file.
        file: String,
        /// What is there instead.
        found: String,
    },
}

/// Runs every case of a file.
///
/// # Errors
/// [`FileError`] when `text` is not a file of cases. A single bad case is
/// reported as [`Outcome::Invalid`], so that the others still run.
pub fn run_file(file: &str, text: &str) -> Result<Vec<CaseReport>, FileError> {
    let root: Value = serde_json::from_str(text).map_err(|error| FileError::NotJson {
        file: file.to_owned(),
        problem: error.to_string(),
    })?;
    let cases = root
        .get("cases")
        .and_then(Value::as_array)
        .ok_or_else(|| FileError::NoCases {
            file: file.to_owned(),
            found: shape(&root),
        })?;
    Ok(cases
        .iter()
        .enumerate()
        .map(|(index, case)| run_case(index, case))
        .collect())
}

fn shape(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let keys: Vec<&str> = map.keys().take(5).map(String::as_str).collect();
            format!("an object with the fields {}", keys.join(", "))
        }
        Value::Array(_) => "a list".to_owned(),
        other => format!("`{other}`"),
    }
}

fn run_case(index: usize, case: &Value) -> CaseReport {
    let text = |field: &str| case.get(field).and_then(Value::as_str).map(str::to_owned);
    let outcome = if case.get("id").and_then(Value::as_str).is_none() {
        Outcome::Invalid("it has no `id`".to_owned())
    } else if case.get("exclude_for_4_1_plus") == Some(&Value::Bool(true)) {
        Outcome::Skipped("describes behaviour before Kafka 4.1 (exclude_for_4_1_plus)".to_owned())
    } else {
        dispatch(case).unwrap_or_else(|Bad(problem)| Outcome::Invalid(problem))
    };
    CaseReport {
        id: text("id").unwrap_or_else(|| format!("case {}", index + 1)),
        source_test: text("source_test").unwrap_or_default(),
        outcome,
    }
}

/// Finds the rule a case is for from the fields only its kind has.
fn dispatch(case: &Value) -> Result<Outcome, Bad> {
    let has = |field: &str| case.get(field).is_some();
    let id = case.get("id").and_then(Value::as_str).unwrap_or_default();
    if has("murmur2_i32") || has("coordinator_key") {
        hashing::run(case)
    } else if has("assignor") {
        assignors::run(case)
    } else if has("before") && has("event") {
        election::run(case)
    } else if has("member") && has("target_epoch") {
        Ok(Outcome::Skipped(
            "needs the KIP-848 consumer group protocol (reconciliation)".to_owned(),
        ))
    } else if id.starts_with("compact-") || id.starts_with("retain-") {
        Ok(Outcome::Skipped(
            "needs log retention and compaction".to_owned(),
        ))
    } else if has("ops") || has("kind") {
        epochs::run(case)
    } else if id.starts_with("isr-") {
        leader::run(case)
    } else if id.starts_with("ctl-") {
        controller::run(case)
    } else if id.starts_with("idem-") {
        producers::run(case)
    } else if ["hw-", "lso-", "read-", "ack-", "lag-"]
        .iter()
        .any(|prefix| id.starts_with(prefix))
    {
        visibility::run(case)
    } else {
        Err(Bad(format!(
            "unknown kind of case: {} belong to no rule known here",
            shape(case)
        )))
    }
}

/// What is wrong in a case.
struct Bad(String);

fn parse<'de, T: serde::Deserialize<'de>>(value: &'de Value) -> Result<T, Bad> {
    T::deserialize(value).map_err(|error| Bad(error.to_string()))
}

/// Collects what differs from the expectation.
#[derive(Default)]
struct Checks {
    problems: Vec<String>,
}

impl Checks {
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, expected: &T, found: &T) {
        if expected != found {
            self.problems
                .push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    }

    fn holds(&mut self, what: &str, holds: bool) {
        if !holds {
            self.problems.push(format!("does not hold: {what}"));
        }
    }

    fn outcome(self) -> Outcome {
        if self.problems.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed(self.problems.join("; "))
        }
    }
}

fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items
}
