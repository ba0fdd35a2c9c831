//! Cases on leader epochs: the epoch cache, followers that reconcile their log
//! with the leader's, and the check of the epoch a request carries.

use serde::Deserialize;
use serde_json::Value;

use super::{Bad, Checks, Outcome, parse};
use crate::sim::broker::epoch_cache::EpochCache;
use crate::sim::broker::reconcile::{check_request_epoch, divergence, truncation_point};
use crate::sim::types::{ErrorCode, LeaderEpoch, Offset};

pub(super) fn run(case: &Value) -> Result<Outcome, Bad> {
    match case.get("kind").and_then(Value::as_str) {
        None => run_cache(parse(case)?),
        Some("follower_reconcile") => run_reconcile(parse(case)?),
        Some("request_epoch_check") => Ok(run_request_check(&parse(case)?)),
        Some("narrative") => run_narrative(parse(case)?),
        Some(other) => Err(Bad(format!("unknown kind `{other}`"))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct CacheCase {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    ops: Vec<CacheOp>,
    expect_entries: Option<Vec<(LeaderEpoch, Offset)>>,
    #[serde(default)]
    expect_latest_epoch: Option<LeaderEpoch>,
    #[serde(default)]
    queries: Vec<CacheQuery>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
enum CacheOp {
    Assign {
        epoch: LeaderEpoch,
        start_offset: Offset,
    },
    TruncateFromEnd {
        offset: Offset,
    },
    TruncateFromStart {
        offset: Offset,
    },
    Clear,
}

#[derive(Deserialize)]
#[serde(tag = "query", rename_all = "snake_case", deny_unknown_fields)]
enum CacheQuery {
    EndOffsetFor {
        epoch: LeaderEpoch,
        leo: Offset,
        expect_epoch: i64,
        expect_offset: i64,
    },
    EpochForOffset {
        offset: Offset,
        expect_epoch: Option<LeaderEpoch>,
    },
    PreviousEpoch {
        expect_epoch: Option<LeaderEpoch>,
    },
    LatestEpoch {
        expect_epoch: Option<LeaderEpoch>,
    },
}

fn run_cache(case: CacheCase) -> Result<Outcome, Bad> {
    let mut cache = EpochCache::new();
    for op in case.ops {
        match op {
            CacheOp::Assign { epoch, .. } if epoch < 0 => {
                return Err(Bad(format!("{epoch} is no leader epoch")));
            }
            CacheOp::Assign {
                epoch,
                start_offset,
            } => cache.assign(epoch, start_offset),
            CacheOp::TruncateFromEnd { offset } => cache.truncate_from_end(offset),
            CacheOp::TruncateFromStart { offset } => cache.truncate_from_start(offset),
            CacheOp::Clear => cache.clear(),
        }
    }
    let mut checks = Checks::default();
    if let Some(wanted) = case.expect_entries {
        let found: Vec<_> = cache
            .entries()
            .iter()
            .map(|entry| (entry.epoch, entry.start_offset))
            .collect();
        checks.same("entries", &wanted, &found);
    }
    checks.same(
        "latest epoch",
        &case.expect_latest_epoch,
        &cache.latest_epoch(),
    );
    for query in case.queries {
        match query {
            CacheQuery::EndOffsetFor {
                epoch,
                leo,
                expect_epoch,
                expect_offset,
            } => {
                let found = cache
                    .end_offset_for(epoch, leo)
                    .map_or((-1, -1), |(epoch, end)| {
                        (i64::from(epoch), end.cast_signed())
                    });
                checks.same(
                    &format!("end of epoch {epoch}"),
                    &(expect_epoch, expect_offset),
                    &found,
                );
            }
            CacheQuery::EpochForOffset {
                offset,
                expect_epoch,
            } => {
                checks.same(
                    &format!("epoch of offset {offset}"),
                    &expect_epoch,
                    &cache.epoch_for_offset(offset),
                );
            }
            CacheQuery::PreviousEpoch { expect_epoch } => {
                checks.same("previous epoch", &expect_epoch, &cache.previous_epoch());
            }
            CacheQuery::LatestEpoch { expect_epoch } => {
                checks.same("latest epoch", &expect_epoch, &cache.latest_epoch());
            }
        }
    }
    Ok(checks.outcome())
}

/// A log as cases write it: offset and leader epoch of each record.
type Log = Vec<(Offset, LeaderEpoch)>;

/// A replica's log with its history.
struct Replica {
    log: Log,
    cache: EpochCache,
}

impl Replica {
    fn new(log: &Log) -> Self {
        let mut cache = EpochCache::new();
        for &(offset, epoch) in log {
            cache.assign(epoch, offset);
        }
        Self {
            log: log.clone(),
            cache,
        }
    }

    fn end(&self) -> Offset {
        self.log.last().map_or(0, |&(offset, _)| offset + 1)
    }

    fn last_epoch(&self) -> Option<LeaderEpoch> {
        self.cache.latest_epoch()
    }

    /// One fetch from `leader`: cuts (true) or takes over everything (false).
    fn fetch_from(&mut self, leader: &Replica) -> Result<bool, Bad> {
        if let Some(epoch) = self.last_epoch() {
            let parted = divergence(&leader.cache, leader.end(), epoch, self.end())
                .map_err(|code| Bad(format!("the leader answers {code}")))?;
            if let Some(parted) = parted {
                let cut = truncation_point(&self.cache, self.end(), parted);
                self.log.retain(|&(offset, _)| offset < cut);
                self.cache.truncate_from_end(cut);
                return Ok(true);
            }
        }
        for &(offset, epoch) in leader.log.iter().skip(self.log.len()) {
            self.cache.assign(epoch, offset);
            self.log.push((offset, epoch));
        }
        Ok(false)
    }

    /// Fetches until nothing is cut any more; how often it cut.
    fn reconcile(&mut self, leader: &Replica) -> Result<usize, Bad> {
        let mut cuts = 0;
        while self.fetch_from(leader)? {
            cuts += 1;
        }
        Ok(cuts)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct ReconcileCase {
    id: String,
    source_test: Option<String>,
    kind: String,
    note: Option<String>,
    follower_log: Option<Log>,
    leader_log: Option<Log>,
    log_format: Option<String>,
    current_leader_epoch: Option<LeaderEpoch>,
    leader_hw: Option<Offset>,
    expect_follower_log: Option<Log>,
    expect_follower_hw: Option<Offset>,
    expect_last_fetched_epoch_before: Option<LeaderEpoch>,
    expect_last_fetched_epoch_after_first_fetch: Option<LeaderEpoch>,
    expect_truncations: Option<usize>,
}

fn run_reconcile(case: ReconcileCase) -> Result<Outcome, Bad> {
    let mut checks = Checks::default();
    // Without logs the case is about any follower that has to cut once.
    let follower_log = case.follower_log.unwrap_or_else(|| vec![(0, 0), (1, 4)]);
    let leader_log = case.leader_log.unwrap_or_else(|| vec![(0, 0), (1, 5)]);
    let leader = Replica::new(&leader_log);
    let mut follower = Replica::new(&follower_log);
    if let Some(wanted) = case.expect_last_fetched_epoch_before {
        checks.same(
            "epoch of the first fetch",
            &Some(wanted),
            &follower.last_epoch(),
        );
    }
    let mut cuts = usize::from(follower.fetch_from(&leader)?);
    if let Some(wanted) = case.expect_last_fetched_epoch_after_first_fetch {
        checks.same(
            "epoch after the first fetch",
            &Some(wanted),
            &follower.last_epoch(),
        );
    }
    cuts += follower.reconcile(&leader)?;
    if let Some(wanted) = case.expect_truncations {
        // The partition is added again under the same leader epoch.
        cuts += follower.reconcile(&leader)?;
        checks.same("truncations", &wanted, &cuts);
    }
    if let Some(wanted) = &case.expect_follower_log {
        checks.same("follower's log", wanted, &follower.log);
    }
    if let Some(wanted) = case.expect_follower_hw {
        let found = case.leader_hw.unwrap_or(0).min(follower.end());
        checks.same("follower's high watermark", &wanted, &found);
    }
    Ok(checks.outcome())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct RequestCase {
    id: String,
    source_test: Option<String>,
    kind: String,
    note: Option<String>,
    role: Role,
    current_leader_epoch: LeaderEpoch,
    cases: Vec<RequestCheck>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Role {
    Leader,
    Follower,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestCheck {
    request_epoch: Option<LeaderEpoch>,
    only_leader: Option<bool>,
    expect: String,
}

fn run_request_check(case: &RequestCase) -> Outcome {
    let mut checks = Checks::default();
    let is_leader = case.role == Role::Leader;
    for check in &case.cases {
        let only_leader = check.only_leader.unwrap_or(true);
        let answer = check_request_epoch(
            case.current_leader_epoch,
            check.request_epoch,
            is_leader,
            only_leader,
        );
        let found = answer.err().map_or("NONE", ErrorCode::name);
        checks.same(
            &format!("epoch {:?}", check.request_epoch),
            &check.expect.as_str(),
            &found,
        );
    }
    checks.outcome()
}

/// A scenario of KIP-101 with two replicas, A and B.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct Narrative {
    id: String,
    source_test: Option<String>,
    kind: String,
    note: Option<String>,
    start: NarrativeStart,
    events: Vec<String>,
    expect_old_protocol: Option<Value>,
    expect_kip101: Option<NarrativeExpect>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, non_snake_case, reason = "names of the format")]
struct NarrativeStart {
    A_log: Log,
    B_log: Log,
    isr: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(non_snake_case, reason = "names of the format")]
struct NarrativeExpect {
    A_asks: Option<String>,
    B_answers: Option<Offset>,
    A_truncates_to: Option<Offset>,
    A_log: Option<Log>,
    B_log: Option<Log>,
    diverged: Option<bool>,
}

/// Both replicas failed; B leads first, appends, and A follows it.
fn run_narrative(case: Narrative) -> Result<Outcome, Bad> {
    let Some(expect) = case.expect_kip101 else {
        return Ok(Outcome::Skipped(
            "tells only what the protocol before KIP-101 did".to_owned(),
        ));
    };
    let mut checks = Checks::default();
    let (mut a, mut b) = (
        Replica::new(&case.start.A_log),
        Replica::new(&case.start.B_log),
    );
    let old_epoch = b.last_epoch().unwrap_or(0);
    let appended = case
        .events
        .iter()
        .any(|event| event.contains('B') && event.contains("appends"));
    if appended {
        let (offset, epoch) = (b.end(), old_epoch + 1);
        b.cache.assign(epoch, offset);
        b.log.push((offset, epoch));
    }
    if let (Some(wanted), Some(epoch)) = (&expect.A_asks, a.last_epoch()) {
        checks.same("A asks", wanted, &format!("OffsetsForLeaderEpoch({epoch})"));
    }
    if let Some(wanted) = expect.B_answers {
        let epoch = a.last_epoch().unwrap_or(-1);
        let found = b.cache.end_offset_for(epoch, b.end()).map(|(_, end)| end);
        checks.same("B answers", &Some(wanted), &found);
    }
    let mut lowest = a.end();
    while a.fetch_from(&b)? {
        lowest = a.end();
    }
    if let Some(wanted) = expect.A_truncates_to {
        checks.same("A truncates to", &wanted, &lowest);
    }
    if let Some(wanted) = &expect.A_log {
        checks.same("A's log", wanted, &a.log);
    }
    if let Some(wanted) = &expect.B_log {
        checks.same("B's log", wanted, &b.log);
    }
    if let Some(wanted) = expect.diverged {
        checks.same("diverged", &wanted, &(a.log != b.log));
    }
    Ok(checks.outcome())
}
