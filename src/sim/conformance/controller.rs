//! Cases on the controller: brokers that come and go, eligible leader
//! replicas, unclean elections, and which proposals of leaders it accepts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::election::{Recovery, leader};
use super::{Bad, Checks, Outcome, parse, sorted};
use crate::sim::broker::partition_state::effective_min_isr;
use crate::sim::controller::alter_partition::{BrokerRegistration, Proposal, validate};
use crate::sim::controller::broker_change::{BrokerChange, apply};
use crate::sim::controller::election::{
    Election, ElectionConfig, PartitionChange, PartitionRegistration,
};
use crate::sim::types::{BrokerEpoch, BrokerId, ErrorCode};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct Case {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    #[serde(default)]
    elr_enabled: bool,
    unclean_leader_election_enable: Option<String>,
    #[serde(default)]
    brokers: Vec<BrokerId>,
    #[serde(default)]
    partitions: Vec<Vec<BrokerId>>,
    #[serde(default)]
    config: Config,
    replication_factor: Option<usize>,
    leader: Option<BrokerId>,
    request: Option<Request>,
    #[serde(default)]
    steps: Vec<Step>,
    expect: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Config {
    min_insync_replicas: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    sender: BrokerId,
    /// A number, or `current-1`.
    broker_epoch: Option<Value>,
    leader_epoch: Option<i32>,
    partition_epoch: Option<i32>,
    new_isr: Vec<BrokerId>,
    recovery: Option<Recovery>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a step may have")]
struct Step {
    op: String,
    #[serde(default)]
    brokers: Vec<BrokerId>,
    note: Option<String>,
    expect: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field an expectation may have")]
struct Expect {
    #[serde(default)]
    partition: usize,
    isr: Option<Vec<BrokerId>>,
    elr: Option<Vec<BrokerId>>,
    last_known_elr: Option<Vec<BrokerId>>,
    leader: Option<i64>,
    leader_epoch: Option<i32>,
    partition_epoch: Option<i32>,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field an expectation may have")]
struct ExpectError {
    error: Option<String>,
    older_request_versions: Option<String>,
    effective_min_isr: Option<usize>,
    note: Option<String>,
}

/// The registration every broker starts with.
const EPOCH: BrokerEpoch = 100;

pub(super) fn run(case: &Value) -> Result<Outcome, Bad> {
    let case: Case = parse(case)?;
    if !case.steps.is_empty() {
        return run_steps(&case);
    }
    let expect: ExpectError = match &case.expect {
        Some(value) => parse(value)?,
        None => return Err(Bad("it has neither steps nor an expectation".to_owned())),
    };
    let mut checks = Checks::default();
    if let Some(wanted) = expect.effective_min_isr {
        let replicas = case
            .replication_factor
            .ok_or_else(|| Bad("the field `replication_factor` is missing".to_owned()))?;
        let min = case.config.min_insync_replicas.unwrap_or(1);
        checks.same(
            "effective_min_isr",
            &wanted,
            &effective_min_isr(min, replicas),
        );
        return Ok(checks.outcome());
    }
    let wanted = expect
        .error
        .ok_or_else(|| Bad("the expectation names no error".to_owned()))?;
    let answer = match &case.request {
        Some(request) => judge(&case, request)?,
        None => judge_member_in_bad_state(&case)?,
    };
    let found = answer.err().map_or("NONE", ErrorCode::name);
    checks.same("error", &wanted.as_str(), &found);
    Ok(checks.outcome())
}

fn first_partition(case: &Case) -> PartitionRegistration {
    let replicas = case
        .partitions
        .first()
        .cloned()
        .unwrap_or_else(|| vec![0, 1, 2]);
    PartitionRegistration {
        leader: case.leader.or(replicas.first().copied()),
        ..PartitionRegistration::new(replicas)
    }
}

fn judge(case: &Case, request: &Request) -> Result<Result<(), ErrorCode>, Bad> {
    let partition = first_partition(case);
    let sender_epoch = match &request.broker_epoch {
        None => EPOCH,
        Some(Value::String(text)) if text == "current-1" => EPOCH - 1,
        Some(Value::String(text)) if text == "current" => EPOCH,
        Some(value) => value.as_i64().ok_or_else(|| {
            Bad(format!(
                "broker_epoch {value} is neither a number nor `current-1`"
            ))
        })?,
    };
    let proposal = Proposal {
        sender: request.sender,
        sender_epoch,
        leader_epoch: request.leader_epoch.unwrap_or(partition.leader_epoch),
        partition_epoch: request.partition_epoch.unwrap_or(partition.partition_epoch),
        new_isr: request.new_isr.iter().map(|&id| (id, EPOCH)).collect(),
        recovery: request.recovery.map_or(partition.recovery, Into::into),
    };
    let registered: BTreeSet<BrokerId> = case.brokers.iter().copied().collect();
    Ok(validate(&proposal, &partition, |id| {
        registered.contains(&id).then_some(BrokerRegistration {
            epoch: EPOCH,
            fenced: false,
            in_controlled_shutdown: false,
        })
    }))
}

/// Cases that only say in what state a proposed member is.
fn judge_member_in_bad_state(case: &Case) -> Result<Result<(), ErrorCode>, Bad> {
    let note = case.note.as_deref().unwrap_or_default();
    let fenced = note.contains("fenced");
    let in_controlled_shutdown = note.contains("shutdown") || note.contains("shutting down");
    let stale = note.contains("epoch");
    if !(fenced || in_controlled_shutdown || stale) {
        return Err(Bad(
            "neither a request nor a note on the state of a proposed member".to_owned(),
        ));
    }
    let mut partition = first_partition(case);
    partition.isr.pop();
    let members = partition.replicas.clone();
    let newcomer = members.last().copied();
    let proposal = Proposal {
        sender: partition.leader.unwrap_or_default(),
        sender_epoch: EPOCH,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        new_isr: members
            .iter()
            .map(|&id| {
                (
                    id,
                    if stale && Some(id) == newcomer {
                        EPOCH - 1
                    } else {
                        EPOCH
                    },
                )
            })
            .collect(),
        recovery: partition.recovery,
    };
    Ok(validate(&proposal, &partition, |id| {
        let bad = Some(id) == newcomer;
        Some(BrokerRegistration {
            epoch: EPOCH,
            fenced: bad && fenced,
            in_controlled_shutdown: bad && in_controlled_shutdown,
        })
    }))
}

/// How the topic allows unclean elections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unclean {
    Never,
    /// From the start: an election may use it at once.
    Static,
    /// Set after the cluster's first troubles: the periodic check uses it.
    Dynamic,
}

struct Run {
    config: BTreeMap<usize, ElectionConfig>,
    unclean: Unclean,
    active: BTreeSet<BrokerId>,
    partitions: Vec<PartitionRegistration>,
}

fn run_steps(case: &Case) -> Result<Outcome, Bad> {
    let min = case.config.min_insync_replicas.unwrap_or(1);
    let unclean = match case.unclean_leader_election_enable.as_deref() {
        None | Some("none" | "false") => Unclean::Never,
        Some("static" | "true") => Unclean::Static,
        Some(other) if other.starts_with("dynamic") => Unclean::Dynamic,
        Some(other) => return Err(Bad(format!("unclean_leader_election_enable is `{other}`"))),
    };
    let mut run = Run {
        config: case
            .partitions
            .iter()
            .enumerate()
            .map(|(index, replicas)| {
                let config = ElectionConfig {
                    effective_min_isr: effective_min_isr(min, replicas.len()),
                    elr_enabled: case.elr_enabled,
                    keep_last_known_leader: true,
                };
                (index, config)
            })
            .collect(),
        unclean,
        active: case.brokers.iter().copied().collect(),
        partitions: case
            .partitions
            .iter()
            .cloned()
            .map(PartitionRegistration::new)
            .collect(),
    };
    let mut checks = Checks::default();
    for (index, step) in case.steps.iter().enumerate() {
        let place = format!("step {} ({})", index + 1, step.op);
        let before = run.partitions.clone();
        run.step(step)
            .map_err(|Bad(problem)| Bad(format!("{place}: {problem}")))?;
        if let Some(expect) = &step.expect {
            run.compare(&place, expect, &before, &mut checks)?;
        }
    }
    Ok(checks.outcome())
}

impl Run {
    fn step(&mut self, step: &Step) -> Result<(), Bad> {
        match step.op.as_str() {
            "fence" | "fence_in_order" | "controlled_shutdown" => {
                for &id in &step.brokers {
                    self.active.remove(&id);
                    self.broker_changed(BrokerChange::Gone(id));
                }
            }
            "unfence" => {
                for &id in &step.brokers {
                    self.active.insert(id);
                    self.broker_changed(BrokerChange::Back(id));
                }
            }
            "unclean_shutdown" => {
                for &id in &step.brokers {
                    self.active.remove(&id);
                    self.broker_changed(BrokerChange::UncleanShutdown(id));
                }
            }
            "periodic_unclean_check" => self.elect_unclean(),
            other => return Err(Bad(format!("unknown op `{other}`"))),
        }
        Ok(())
    }

    fn broker_changed(&mut self, change: BrokerChange) {
        for (index, partition) in self.partitions.iter_mut().enumerate() {
            let Some(&config) = self.config.get(&index) else {
                continue;
            };
            let active = |id: BrokerId| self.active.contains(&id);
            let unclean = self.unclean == Unclean::Static;
            if let Some(changed) = apply(change, partition, config, unclean, active) {
                *partition = changed.registration;
            }
        }
    }

    fn elect_unclean(&mut self) {
        if self.unclean == Unclean::Never {
            return;
        }
        for (index, partition) in self.partitions.iter_mut().enumerate() {
            let Some(&config) = self.config.get(&index) else {
                continue;
            };
            if partition.leader.is_some() {
                continue;
            }
            let change = PartitionChange::new(partition, config, |id| self.active.contains(&id));
            if let Some(changed) = change.election(Election::Unclean).build() {
                *partition = changed.registration;
            }
        }
    }

    fn compare(
        &self,
        place: &str,
        expect: &Value,
        before: &[PartitionRegistration],
        checks: &mut Checks,
    ) -> Result<(), Bad> {
        let wanted: Vec<Expect> = match expect {
            Value::String(text) if text == "no change" => {
                checks.holds(&format!("{place}: no change"), before == self.partitions);
                return Ok(());
            }
            Value::Array(_) => parse(expect)?,
            _ => vec![parse(expect)?],
        };
        for expect in wanted {
            let partition = self
                .partitions
                .get(expect.partition)
                .ok_or_else(|| Bad(format!("there is no partition {}", expect.partition)))?;
            let place = format!("{place}, partition {}", expect.partition);
            let mut sets = |what: &str, wanted: &Option<Vec<BrokerId>>, found: &[BrokerId]| {
                if let Some(wanted) = wanted {
                    checks.same(&format!("{place}: {what}"), &sorted(wanted), &sorted(found));
                }
            };
            sets("isr", &expect.isr, &partition.isr);
            sets("elr", &expect.elr, &partition.elr);
            sets(
                "last_known_elr",
                &expect.last_known_elr,
                &partition.last_known_elr,
            );
            if let Some(wanted) = expect.leader {
                checks.same(
                    &format!("{place}: leader"),
                    &leader(wanted)?,
                    &partition.leader,
                );
            }
            if let Some(wanted) = expect.leader_epoch {
                checks.same(
                    &format!("{place}: leader_epoch"),
                    &wanted,
                    &partition.leader_epoch,
                );
            }
            if let Some(wanted) = expect.partition_epoch {
                checks.same(
                    &format!("{place}: partition_epoch"),
                    &wanted,
                    &partition.partition_epoch,
                );
            }
        }
        Ok(())
    }
}
