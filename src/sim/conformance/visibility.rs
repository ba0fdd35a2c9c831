//! Cases on what consumers see: high watermark, reads at the edges of the log,
//! acknowledgements under the minimum of in-sync replicas, lag.

use serde::Deserialize;
use serde_json::Value;

use super::{Bad, Checks, Outcome, parse};
use crate::sim::broker::partition_state::{
    BrokerView, IsrConfig, LeaderMoment, LeaderPartition, LeaderStart,
};
use crate::sim::broker::reading::{ReadPlace, locate};
use crate::sim::group::lag::{commit_after, consumer_lag, group_lag};
use crate::sim::types::{BrokerId, ErrorCode, Offset};

use std::collections::BTreeMap;

const NEEDS_TRANSACTIONS: &str = "needs transactions";

pub(super) fn run(case: &Value) -> Result<Outcome, Bad> {
    let has = |field: &str| case.get(field).is_some();
    if has("commit_markers") || case.get("rule").is_some_and(mentions_transactions) {
        Ok(Outcome::Skipped(NEEDS_TRANSACTIONS.to_owned()))
    } else if has("rule") {
        Err(Bad("a rule in words cannot be run".to_owned()))
    } else if has("reads") {
        Ok(run_reads(&parse(case)?))
    } else if has("min_insync_replicas") {
        run_acks(&parse(case)?)
    } else if has("steps") {
        run_steps(&parse(case)?)
    } else {
        run_lag(case)
    }
}

fn mentions_transactions(rule: &Value) -> bool {
    rule.as_str()
        .is_some_and(|text| text.contains("transaction") || text.contains("read_committed"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct ReadCase {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    log_start: Offset,
    leo: Offset,
    reads: Vec<Read>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    at: Offset,
    /// `empty`, an error, or the first offset returned.
    expect: Value,
}

fn run_reads(case: &ReadCase) -> Outcome {
    let mut checks = Checks::default();
    for read in &case.reads {
        let found = match locate(case.log_start, case.leo, read.at) {
            Err(code) => Value::from(code.name()),
            Ok(ReadPlace::End) => Value::from("empty"),
            Ok(ReadPlace::Within) => match &read.expect {
                Value::Number(_) => Value::from(read.at),
                _ => Value::from("data"),
            },
        };
        checks.same(&format!("read at {}", read.at), &read.expect, &found);
    }
    checks.outcome()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct AckCase {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    replication_factor: u32,
    min_insync_replicas: u32,
    isr: Option<Vec<BrokerId>>,
    #[serde(default)]
    cases: Vec<AckCheck>,
    isr_at_append: Option<Vec<BrokerId>>,
    isr_when_hw_reached: Option<Vec<BrokerId>>,
    acks: Option<String>,
    expect: Option<String>,
    appended: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AckCheck {
    acks: String,
    expect: String,
    appended: bool,
    visible_to_consumers: Option<bool>,
}

fn leader(isr: &[BrokerId], replication_factor: u32) -> LeaderPartition {
    let start = LeaderStart {
        local: isr.first().copied().unwrap_or(0),
        replicas: (0..replication_factor).collect(),
        isr: isr.to_vec(),
        leader_epoch: 0,
        partition_epoch: 0,
    };
    LeaderPartition::new(start, 0, 0, 0)
}

fn run_acks(case: &AckCase) -> Result<Outcome, Bad> {
    let config = IsrConfig {
        min_insync_replicas: case.min_insync_replicas,
        replica_lag_time_max: 30_000_000,
    };
    let mut checks = Checks::default();
    if let Some(isr) = &case.isr {
        for check in &case.cases {
            check_ack(case, isr, check, &config, &mut checks)?;
        }
    } else if let (Some(before), Some(after)) = (&case.isr_at_append, &case.isr_when_hw_reached) {
        let found = after_append(case, before, after, &config);
        if let Some(wanted) = &case.expect {
            checks.same("answer", &wanted.as_str(), &found);
        }
        if let Some(wanted) = case.appended {
            let admitted = leader(before, case.replication_factor).check_before_append_all(&config);
            checks.same("appended", &wanted, &admitted.is_ok());
        }
    } else {
        return Err(Bad(
            "neither `isr` nor `isr_at_append` with `isr_when_hw_reached`".to_owned(),
        ));
    }
    Ok(checks.outcome())
}

fn check_ack(
    case: &AckCase,
    isr: &[BrokerId],
    check: &AckCheck,
    config: &IsrConfig,
    checks: &mut Checks,
) -> Result<(), Bad> {
    let mut partition = leader(isr, case.replication_factor);
    let admission = partition.check_before_append_all(config);
    let (answer, appended) = match check.acks.as_str() {
        "all" | "-1" => (
            admission.err().map_or("NONE", ErrorCode::name),
            admission.is_ok(),
        ),
        "1" => ("NONE", true),
        "0" => ("no response", true),
        other => return Err(Bad(format!("acks={other} does not exist"))),
    };
    let place = format!("acks={}", check.acks);
    checks.same(&format!("{place}: answer"), &check.expect.as_str(), &answer);
    checks.same(&format!("{place}: appended"), &check.appended, &appended);
    if let Some(wanted) = check.visible_to_consumers {
        if appended {
            catch_up(&mut partition, isr, case.replication_factor, config);
        }
        checks.same(
            &format!("{place}: visible"),
            &wanted,
            &(partition.high_watermark() > 0),
        );
    }
    Ok(())
}

/// The in-sync followers fetch the one record that was appended.
fn catch_up(partition: &mut LeaderPartition, isr: &[BrokerId], replicas: u32, config: &IsrConfig) {
    let view = BrokerView {
        fenced: false,
        in_controlled_shutdown: false,
        epoch: 1,
    };
    let brokers: BTreeMap<BrokerId, BrokerView> = (0..replicas).map(|id| (id, view)).collect();
    let moment = LeaderMoment { log_end: 1, now: 1 };
    partition.appended(1, 1, &brokers, config);
    for &id in isr.iter().skip(1) {
        // A fetch of a replica under its registration is never refused.
        let _ = partition.follower_fetch(id, 1, 1, moment, &brokers, config);
    }
}

/// The set shrinks after the append: once the high watermark had passed the
/// record, the answer is an error; if it had not, it never will.
fn after_append(
    case: &AckCase,
    before: &[BrokerId],
    after: &[BrokerId],
    config: &IsrConfig,
) -> &'static str {
    use crate::sim::broker::partition_state::CommittedIsr;
    let mut partition = leader(before, case.replication_factor);
    if let Err(code) = partition.check_before_append_all(config) {
        return code.name();
    }
    catch_up(&mut partition, before, case.replication_factor, config);
    let committed = CommittedIsr {
        leader_epoch: 0,
        partition_epoch: 1,
        isr: after.to_vec(),
    };
    partition.metadata_update((0..case.replication_factor).collect(), committed, 2);
    match partition.check_replicated(1, config) {
        None => ErrorCode::RequestTimedOut.name(),
        Some(Ok(())) => "NONE",
        Some(Err(code)) => code.name(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct StepCase {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    #[serde(default)]
    log_start: Offset,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a step may have")]
struct Step {
    op: String,
    producer: Option<i64>,
    count: Option<u64>,
    to: Option<Offset>,
    note: Option<String>,
    expect: Option<StepExpect>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field an expectation may have")]
struct StepExpect {
    first_unstable: Option<Offset>,
    latest_replica: Option<Offset>,
    latest_read_uncommitted: Option<Offset>,
    latest_read_committed: Option<Offset>,
    earliest: Option<Offset>,
    hw: Option<Offset>,
    leo: Option<Offset>,
    note: Option<String>,
}

fn run_steps(case: &StepCase) -> Result<Outcome, Bad> {
    let mut checks = Checks::default();
    let (mut log_end, mut high_watermark) = (case.log_start, case.log_start);
    for (index, step) in case.steps.iter().enumerate() {
        let place = format!("step {} ({})", index + 1, step.op);
        match step.op.as_str() {
            "append" => log_end += step.count.unwrap_or(1),
            "hw" => {
                let to = step
                    .to
                    .ok_or_else(|| Bad(format!("{place}: the field `to` is missing")))?;
                high_watermark = to.min(log_end);
            }
            "append_txn" | "append_transactional_open" | "abort_marker" | "commit_marker" => {
                return Ok(Outcome::Skipped(NEEDS_TRANSACTIONS.to_owned()));
            }
            other => return Err(Bad(format!("{place}: unknown op `{other}`"))),
        }
        let Some(expect) = &step.expect else { continue };
        // Without transactions nothing is unstable and readers of committed
        // records see as far as others.
        checks.same(
            &format!("{place}: first_unstable"),
            &expect.first_unstable,
            &None,
        );
        for (what, wanted, found) in [
            ("latest_replica", expect.latest_replica, log_end),
            ("leo", expect.leo, log_end),
            (
                "latest_read_uncommitted",
                expect.latest_read_uncommitted,
                high_watermark,
            ),
            (
                "latest_read_committed",
                expect.latest_read_committed,
                high_watermark,
            ),
            ("hw", expect.hw, high_watermark),
            ("earliest", expect.earliest, case.log_start),
        ] {
            if let Some(wanted) = wanted {
                checks.same(&format!("{place}: {what}"), &wanted, &found);
            }
        }
    }
    Ok(checks.outcome())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct LagCase {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    log_start: Option<Offset>,
    end_offset: Option<Offset>,
    hw: Option<Offset>,
    position: Option<Offset>,
    committed: Option<Offset>,
    /// Unknown if it is `null`.
    expect_lag: Option<u64>,
    expect_consumer_metric_lag: Option<u64>,
    expect_group_lag: Option<u64>,
    last_processed_offset: Option<Offset>,
    expect_committed: Option<Offset>,
}

fn run_lag(value: &Value) -> Result<Outcome, Bad> {
    let case: LagCase = parse(value)?;
    let mut checks = Checks::default();
    let mut compared = false;
    let end = case.end_offset.or(case.hw);
    let needs_end = || Bad("neither `end_offset` nor `hw`".to_owned());
    if value.get("expect_lag").is_some() || case.expect_group_lag.is_some() {
        let wanted = case.expect_lag.or(case.expect_group_lag);
        let found = group_lag(end.ok_or_else(needs_end)?, case.committed);
        checks.same("group lag", &wanted, &found);
        compared = true;
    }
    if let (Some(wanted), Some(position)) = (case.expect_consumer_metric_lag, case.position) {
        let found = consumer_lag(end.ok_or_else(needs_end)?, position);
        checks.same("consumer lag", &wanted, &found);
        compared = true;
    }
    if let (Some(wanted), Some(last)) = (case.expect_committed, case.last_processed_offset) {
        checks.same("committed", &wanted, &commit_after(last));
        compared = true;
    }
    if compared {
        Ok(checks.outcome())
    } else {
        Err(Bad("it expects nothing that can be checked".to_owned()))
    }
}
