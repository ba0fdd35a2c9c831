//! Cases on what a partition remembers of idempotent producers.

use serde::Deserialize;
use serde_json::Value;

use super::{Bad, Checks, Outcome, parse};
use crate::sim::broker::producer_state::{
    PRODUCER_ID_EXPIRATION, ProducerBatch, ProducerEntry, ProducerStates, SequenceError, Verdict,
};
use crate::sim::types::{MICROS_PER_MILLI, Micros, Offset, ProducerEpoch, ProducerId, Sequence};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct Case {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    #[serde(default)]
    transaction_verification: bool,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a step may have")]
struct Step {
    op: String,
    topic: Option<String>,
    producer_id: Option<ProducerId>,
    producer_epoch: Option<ProducerEpoch>,
    first_sequence: Option<Sequence>,
    last_sequence: Option<Sequence>,
    record_count: Option<u32>,
    #[serde(default)]
    transactional: bool,
    origin: Option<Origin>,
    base_offset: Option<Offset>,
    #[serde(rename = "type")]
    marker: Option<String>,
    coordinator_epoch: Option<i32>,
    ms: Option<u64>,
    log_start: Option<Offset>,
    log_end: Option<Offset>,
    note: Option<String>,
    expect: Option<Expect>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
enum Origin {
    #[default]
    Client,
    Replication,
    Coordinator,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field an expectation may have")]
struct Expect {
    result: Option<String>,
    base_offset: Option<Offset>,
    last_offset: Option<Offset>,
    last_sequence: Option<Sequence>,
    first_unstable_offset_before_hw_moves: Option<Offset>,
    txn_first_offset: Option<Offset>,
    lso_after: Option<Offset>,
    late: Option<bool>,
    oldest_snapshot: Option<Offset>,
    latest_snapshot: Option<Offset>,
    note: Option<String>,
}

/// What a step led to.
struct Done {
    result: &'static str,
    offsets: Option<(Offset, Offset)>,
}

struct Run {
    states: ProducerStates,
    log_end: Offset,
    now: Micros,
}

pub(super) fn run(case: &Value) -> Result<Outcome, Bad> {
    let case: Case = parse(case)?;
    let transactional = case.transaction_verification
        || case.steps.iter().any(|step| {
            step.transactional
                || step.op == "txn_marker"
                || step.origin == Some(Origin::Coordinator)
        });
    if transactional {
        return Ok(Outcome::Skipped("needs transactions".to_owned()));
    }
    let mut run = Run {
        states: ProducerStates::new(),
        log_end: 0,
        now: 0,
    };
    if case
        .steps
        .iter()
        .any(|step| step.op == "truncate_and_reload")
    {
        run.take_snapshots(case.note.as_deref().unwrap_or_default());
    }
    let mut checks = Checks::default();
    for (index, step) in case.steps.iter().enumerate() {
        let place = format!("step {} ({})", index + 1, step.op);
        let done = run
            .step(step)
            .map_err(|Bad(problem)| Bad(format!("{place}: {problem}")))?;
        if let Some(expect) = &step.expect {
            run.compare(&place, step, expect, &done, &mut checks);
        }
    }
    Ok(checks.outcome())
}

impl Run {
    /// The snapshots a case presupposes: "snapshots at 1..5", one record each.
    fn take_snapshots(&mut self, note: &str) {
        let last = note
            .split_once("snapshots at 1..")
            .and_then(|(_, rest)| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().ok()
            })
            .unwrap_or(5);
        for sequence in 0..last {
            let batch = ProducerBatch::of(1, 0, sequence, 1);
            self.states
                .record(&batch, self.log_end, self.log_end, self.now);
            self.log_end += 1;
            self.states.take_snapshot();
        }
    }

    fn step(&mut self, step: &Step) -> Result<Done, Bad> {
        let missing = |field: &str| Bad(format!("the field `{field}` is missing"));
        match step.op.as_str() {
            "append" => self.append(step),
            "advance_time_ms" => {
                self.now += step.ms.ok_or_else(|| missing("ms"))? * MICROS_PER_MILLI;
                self.states.expire(self.now, PRODUCER_ID_EXPIRATION);
                Ok(Done {
                    result: "OK",
                    offsets: None,
                })
            }
            "truncate_and_reload" => {
                let start = step.log_start.ok_or_else(|| missing("log_start"))?;
                let end = step.log_end.ok_or_else(|| missing("log_end"))?;
                self.states
                    .truncate_and_reload(start, end, self.now, PRODUCER_ID_EXPIRATION);
                self.log_end = end;
                Ok(Done {
                    result: "OK",
                    offsets: None,
                })
            }
            other => Err(Bad(format!("unknown op `{other}`"))),
        }
    }

    fn append(&mut self, step: &Step) -> Result<Done, Bad> {
        let missing = |field: &str| Bad(format!("the field `{field}` is missing"));
        let id = step.producer_id.ok_or_else(|| missing("producer_id"))?;
        let epoch = step
            .producer_epoch
            .ok_or_else(|| missing("producer_epoch"))?;
        let first = step
            .first_sequence
            .ok_or_else(|| missing("first_sequence"))?;
        let count = match (step.record_count, step.last_sequence) {
            (Some(count), _) => count,
            (None, Some(last)) => sequence_distance(first, last)
                .ok_or_else(|| Bad(format!("no batch goes from sequence {first} to {last}")))?,
            (None, None) => 1,
        };
        if count == 0 {
            return Err(Bad("a batch has at least one record".to_owned()));
        }
        let batch = ProducerBatch::of(id, epoch, first, count);
        if step.origin.unwrap_or_default() == Origin::Client {
            match self.states.check(&batch) {
                Ok(Verdict::Append) => {}
                Ok(Verdict::Duplicate(known)) => {
                    return Ok(Done {
                        result: "DUPLICATE_ACK",
                        offsets: Some((known.first_offset, known.last_offset)),
                    });
                }
                Err(error) => {
                    let result = match error {
                        SequenceError::InvalidProducerEpoch { .. } => {
                            "InvalidProducerEpochException"
                        }
                        SequenceError::OutOfOrderSequence { .. } => "OutOfOrderSequenceException",
                    };
                    return Ok(Done {
                        result,
                        offsets: None,
                    });
                }
            }
        }
        let base = step.base_offset.unwrap_or(self.log_end);
        let last = base + u64::from(count) - 1;
        self.states.record(&batch, base, last, self.now);
        self.log_end = last + 1;
        Ok(Done {
            result: "APPENDED",
            offsets: Some((base, last)),
        })
    }

    fn compare(&self, place: &str, step: &Step, expect: &Expect, done: &Done, checks: &mut Checks) {
        if let Some(wanted) = &expect.result {
            checks.same(&format!("{place}: result"), &wanted.as_str(), &done.result);
        }
        if let Some(wanted) = expect.base_offset {
            let found = done.offsets.map(|(base, _)| base);
            checks.same(&format!("{place}: base_offset"), &Some(wanted), &found);
        }
        if let Some(wanted) = expect.last_offset {
            let found = done.offsets.map(|(_, last)| last);
            checks.same(&format!("{place}: last_offset"), &Some(wanted), &found);
        }
        if let Some(wanted) = expect.last_sequence {
            let found = step
                .producer_id
                .and_then(|id| self.states.producer(id))
                .and_then(ProducerEntry::last_sequence);
            checks.same(&format!("{place}: last_sequence"), &Some(wanted), &found);
        }
        // Without transactions nothing is ever unstable.
        checks.same(
            &format!("{place}: first unstable offset"),
            &expect.first_unstable_offset_before_hw_moves,
            &None,
        );
        let snapshots = self.states.snapshot_range();
        if let Some(wanted) = expect.oldest_snapshot {
            let found = snapshots.map(|(oldest, _)| oldest);
            checks.same(&format!("{place}: oldest snapshot"), &Some(wanted), &found);
        }
        if let Some(wanted) = expect.latest_snapshot {
            let found = snapshots.map(|(_, latest)| latest);
            checks.same(&format!("{place}: latest snapshot"), &Some(wanted), &found);
        }
    }
}

/// How many records lie between two sequences, counting both and the wrap.
fn sequence_distance(first: Sequence, last: Sequence) -> Option<u32> {
    let (first, last) = (i64::from(first), i64::from(last));
    let span = i64::from(i32::MAX) + 1;
    u32::try_from((last - first).rem_euclid(span) + 1).ok()
}
