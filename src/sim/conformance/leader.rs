//! Cases on a leader's in-sync replicas and high watermark: steps on one
//! partition, with what is expected after each.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Bad, Checks, Outcome, parse, sorted};
use crate::sim::broker::partition_state::{
    AlterPartition, AnswerOutcome, BrokerView, CommittedIsr, IsrConfig, LeaderMoment,
    LeaderPartition, LeaderStart,
};
use crate::sim::types::{BrokerEpoch, BrokerId, ErrorCode, MICROS_PER_MILLI, Micros, Offset};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct Case {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    leader: BrokerId,
    replicas: Vec<BrokerId>,
    isr: Vec<BrokerId>,
    #[serde(default)]
    leader_leo: Offset,
    #[serde(default)]
    leader_hw: Offset,
    #[serde(default)]
    leader_epoch: i32,
    #[serde(default)]
    partition_epoch: Option<i32>,
    #[serde(default)]
    config: Config,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    replica_lag_time_max_ms: u64,
    min_insync_replicas: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            replica_lag_time_max_ms: 30_000,
            min_insync_replicas: 1,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a step may have")]
struct Step {
    op: String,
    replica: Option<BrokerId>,
    fetch_offset: Option<Offset>,
    broker_epoch: Option<BrokerEpoch>,
    broker: Option<BrokerId>,
    state: Option<String>,
    error: Option<String>,
    ms: Option<u64>,
    count: Option<u64>,
    leader_epoch: Option<i32>,
    partition_epoch: Option<i32>,
    isr: Option<Vec<BrokerId>>,
    note: Option<String>,
    expect: Option<Expect>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field an expectation may have")]
struct Expect {
    isr: Option<Vec<BrokerId>>,
    maximal_isr: Option<Vec<BrokerId>>,
    hw: Option<Offset>,
    leo: Option<Offset>,
    retried: Option<bool>,
    inflight: Option<bool>,
    pending_requests: Option<u64>,
    /// A list of members, or `false`.
    alter_partition_sent: Option<Value>,
    last_caught_up_ms: Option<u64>,
    leader_epoch_start_offset: Option<Offset>,
    leader_epoch: Option<i32>,
    partition_epoch: Option<i32>,
    under_min_isr: Option<bool>,
    error: Option<String>,
    note: Option<String>,
}

/// The registration every broker starts with.
const EPOCH: BrokerEpoch = 1;

struct Run {
    local: BrokerId,
    replicas: Vec<BrokerId>,
    partition: LeaderPartition,
    brokers: BTreeMap<BrokerId, BrokerView>,
    config: IsrConfig,
    log_end: Offset,
    now: Micros,
    /// The last proposal sent and not answered.
    outstanding: Option<AlterPartition>,
    /// What the last step led to.
    sent: Option<AlterPartition>,
    retried: bool,
    error: Option<ErrorCode>,
}

pub(super) fn run(case: &Value) -> Result<Outcome, Bad> {
    let case: Case = parse(case)?;
    let mut run = Run::new(&case);
    let mut checks = Checks::default();
    for (index, step) in case.steps.iter().enumerate() {
        let place = format!("step {} ({})", index + 1, step.op);
        run.step(step)
            .map_err(|Bad(problem)| Bad(format!("{place}: {problem}")))?;
        if let Some(expect) = &step.expect {
            run.compare(&place, step, expect, &mut checks)?;
        }
    }
    Ok(checks.outcome())
}

impl Run {
    fn new(case: &Case) -> Self {
        let view = BrokerView {
            fenced: false,
            in_controlled_shutdown: false,
            epoch: EPOCH,
        };
        let start = LeaderStart {
            local: case.leader,
            replicas: case.replicas.clone(),
            isr: case.isr.clone(),
            leader_epoch: case.leader_epoch,
            partition_epoch: case.partition_epoch.unwrap_or(1),
        };
        Self {
            local: case.leader,
            replicas: case.replicas.clone(),
            partition: LeaderPartition::new(start, case.leader_leo, case.leader_hw, 0),
            brokers: case.replicas.iter().map(|&id| (id, view)).collect(),
            config: IsrConfig {
                min_insync_replicas: case.config.min_insync_replicas,
                replica_lag_time_max: case.config.replica_lag_time_max_ms * MICROS_PER_MILLI,
            },
            log_end: case.leader_leo,
            now: 0,
            outstanding: None,
            sent: None,
            retried: false,
            error: None,
        }
    }

    fn moment(&self) -> LeaderMoment {
        LeaderMoment {
            log_end: self.log_end,
            now: self.now,
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), Bad> {
        self.sent = None;
        self.retried = false;
        self.error = None;
        match step.op.as_str() {
            "follower_fetch" => self.fetch(step)?,
            "leader_append" => {
                self.log_end += step.count.unwrap_or(1);
                self.partition
                    .appended(self.log_end, self.now, &self.brokers, &self.config);
            }
            "advance_ms" => self.now += need(step.ms, "ms")? * MICROS_PER_MILLI,
            "isr_shrink_check" => {
                self.sent = self
                    .partition
                    .shrink_check(self.log_end, self.now, &self.config);
                self.outstanding = self.sent.clone().or(self.outstanding.take());
            }
            "alter_partition_ok" => self.answer_ok(step)?,
            "alter_partition_error" => {
                let name = need(step.error.as_deref(), "error")?;
                let code = ErrorCode::from_name(name).or_else(|| {
                    // Codes that only matter here as "another error".
                    (name == "UNKNOWN_SERVER_ERROR").then_some(ErrorCode::NetworkException)
                });
                let code = code.ok_or_else(|| Bad(format!("unknown error `{name}`")))?;
                self.answer(Err(code))?;
            }
            "controller_sets_isr" => {
                let committed = CommittedIsr {
                    leader_epoch: step.leader_epoch.unwrap_or(self.partition.leader_epoch()),
                    partition_epoch: step
                        .partition_epoch
                        .unwrap_or(self.partition.partition_epoch() + 1),
                    isr: need(step.isr.clone(), "isr")?,
                };
                self.partition
                    .metadata_update(self.replicas.clone(), committed, self.now);
                self.advance();
            }
            "set_broker_state" => self.set_state(step)?,
            // Nothing to keep: the next leadership starts from the log and the
            // high watermark.
            "become_follower" => {}
            "become_leader" => self.lead_again(step)?,
            other => return Err(Bad(format!("unknown op `{other}`"))),
        }
        Ok(())
    }

    fn fetch(&mut self, step: &Step) -> Result<(), Bad> {
        let replica = need(step.replica, "replica")?;
        let epoch = step
            .broker_epoch
            .or_else(|| self.brokers.get(&replica).map(|view| view.epoch))
            .unwrap_or(EPOCH);
        let fetched = self.partition.follower_fetch(
            replica,
            need(step.fetch_offset, "fetch_offset")?,
            epoch,
            self.moment(),
            &self.brokers,
            &self.config,
        );
        match fetched {
            Ok(outcome) => {
                self.sent = outcome.alter;
                self.outstanding = self.sent.clone().or(self.outstanding.take());
            }
            Err(code) => self.error = Some(code),
        }
        Ok(())
    }

    fn answer_ok(&mut self, step: &Step) -> Result<(), Bad> {
        let request = self
            .outstanding
            .as_ref()
            .ok_or_else(|| Bad("no proposal is under way".to_owned()))?;
        let committed = CommittedIsr {
            leader_epoch: step.leader_epoch.unwrap_or(request.leader_epoch),
            partition_epoch: step.partition_epoch.unwrap_or(request.partition_epoch + 1),
            isr: step.isr.clone().unwrap_or_else(|| request.members()),
        };
        self.answer(Ok(committed))
    }

    fn answer(&mut self, answer: Result<CommittedIsr, ErrorCode>) -> Result<(), Bad> {
        let request = self
            .outstanding
            .take()
            .ok_or_else(|| Bad("no proposal is under way".to_owned()))?;
        let moment = self.moment();
        let outcome =
            self.partition
                .alter_answered(request.id, answer, moment, &self.brokers, &self.config);
        if let AnswerOutcome::Retry(again) = outcome {
            self.retried = true;
            self.outstanding = Some(again);
        }
        Ok(())
    }

    fn set_state(&mut self, step: &Step) -> Result<(), Bad> {
        let id = need(step.broker, "broker")?;
        let view = self.brokers.entry(id).or_insert(BrokerView {
            fenced: false,
            in_controlled_shutdown: false,
            epoch: EPOCH,
        });
        let state = need(step.state.as_deref(), "state")?;
        (view.fenced, view.in_controlled_shutdown) = match state {
            "fenced" => (true, false),
            "unfenced" | "active" => (false, false),
            "shutting_down" | "in_controlled_shutdown" | "shutdown" => (false, true),
            other => return Err(Bad(format!("unknown broker state `{other}`"))),
        };
        if let Some(epoch) = step.broker_epoch {
            view.epoch = epoch;
        }
        Ok(())
    }

    fn lead_again(&mut self, step: &Step) -> Result<(), Bad> {
        let start = LeaderStart {
            local: self.local,
            replicas: self.replicas.clone(),
            isr: step
                .isr
                .clone()
                .unwrap_or_else(|| self.partition.isr().to_vec()),
            leader_epoch: need(step.leader_epoch, "leader_epoch")?,
            partition_epoch: step
                .partition_epoch
                .unwrap_or(self.partition.partition_epoch() + 1),
        };
        let high_watermark = self.partition.high_watermark();
        self.partition = LeaderPartition::new(start, self.log_end, high_watermark, self.now);
        self.advance();
        Ok(())
    }

    fn advance(&mut self) {
        self.partition
            .maybe_advance(self.log_end, self.now, &self.brokers, &self.config);
    }

    fn compare(
        &self,
        place: &str,
        step: &Step,
        expect: &Expect,
        checks: &mut Checks,
    ) -> Result<(), Bad> {
        let partition = &self.partition;
        let mut sets = |what: &str, wanted: &Option<Vec<BrokerId>>, found: &[BrokerId]| {
            if let Some(wanted) = wanted {
                checks.same(&format!("{place}: {what}"), &sorted(wanted), &sorted(found));
            }
        };
        sets("isr", &expect.isr, partition.isr());
        sets("maximal_isr", &expect.maximal_isr, &partition.maximal_isr());
        for (what, wanted, found) in [
            ("hw", expect.hw, partition.high_watermark()),
            ("leo", expect.leo, self.log_end),
            (
                "leader_epoch_start_offset",
                expect.leader_epoch_start_offset,
                partition.epoch_start(),
            ),
            (
                "pending_requests",
                expect.pending_requests,
                u64::from(partition.is_request_in_flight()),
            ),
        ] {
            same_if_wanted(checks, place, what, wanted.as_ref(), &found);
        }
        for (what, wanted, found) in [
            (
                "leader_epoch",
                expect.leader_epoch,
                partition.leader_epoch(),
            ),
            (
                "partition_epoch",
                expect.partition_epoch,
                partition.partition_epoch(),
            ),
        ] {
            same_if_wanted(checks, place, what, wanted.as_ref(), &found);
        }
        let under = partition.is_under_min_isr(&self.config);
        for (what, wanted, found) in [
            ("retried", expect.retried, self.retried),
            ("inflight", expect.inflight, partition.is_change_pending()),
            ("under_min_isr", expect.under_min_isr, under),
        ] {
            same_if_wanted(checks, place, what, wanted.as_ref(), &found);
        }
        if let Some(wanted) = &expect.error {
            let found = self.error.map_or("NONE", ErrorCode::name);
            checks.same(&format!("{place}: error"), &wanted.as_str(), &found);
        }
        if let Some(wanted) = expect.last_caught_up_ms {
            let follower = step.replica.and_then(|id| partition.follower(id));
            let found = follower
                .and_then(|state| state.last_caught_up)
                .map_or(0, |at| at / MICROS_PER_MILLI);
            checks.same(&format!("{place}: last_caught_up_ms"), &wanted, &found);
        }
        match &expect.alter_partition_sent {
            None => {}
            Some(Value::Bool(wanted)) => {
                checks.same(
                    &format!("{place}: alter_partition_sent"),
                    wanted,
                    &self.sent.is_some(),
                );
            }
            Some(list) => {
                let wanted: Vec<BrokerId> = parse(list)?;
                let found = self.sent.as_ref().map(AlterPartition::members);
                checks.same(
                    &format!("{place}: alter_partition_sent"),
                    &Some(sorted(&wanted)),
                    &found.map(|members| sorted(&members)),
                );
            }
        }
        Ok(())
    }
}

fn same_if_wanted<T: PartialEq + std::fmt::Debug>(
    checks: &mut Checks,
    place: &str,
    what: &str,
    wanted: Option<&T>,
    found: &T,
) {
    if let Some(wanted) = wanted {
        checks.same(&format!("{place}: {what}"), wanted, found);
    }
}

fn need<T>(value: Option<T>, field: &str) -> Result<T, Bad> {
    value.ok_or_else(|| Bad(format!("the field `{field}` is missing")))
}
