//! A leader's view of one partition: who is in sync, how far each follower
//! is, how far the high watermark may go, and which change of the in-sync
//! replicas is on its way to the controller.
//!
//! Pure: log ends, time and the state of other brokers come in as arguments,
//! requests to the controller go out as values. The broker sends them, feeds
//! the answers back and keeps the log.
//!
//! Source: `kafka.cluster.Partition`, `kafka.cluster.Replica`,
//! `AlterPartitionManager`; KIP-497, KIP-841, KIP-903, KIP-966.

use std::collections::BTreeMap;

use crate::sim::types::{
    BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, Micros, Offset, PartitionEpoch,
};

/// What the leader's metadata says of another broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerView {
    /// The controller has fenced it.
    pub fenced: bool,
    /// It is in controlled shutdown.
    pub in_controlled_shutdown: bool,
    /// Its registration.
    pub epoch: BrokerEpoch,
}

/// What the leader knows of the cluster's brokers.
pub trait BrokerDirectory {
    /// The broker's state, if the metadata knows it.
    fn broker(&self, id: BrokerId) -> Option<BrokerView>;
}

impl BrokerDirectory for BTreeMap<BrokerId, BrokerView> {
    fn broker(&self, id: BrokerId) -> Option<BrokerView> {
        self.get(&id).copied()
    }
}

/// The settings the rules depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsrConfig {
    /// `min.insync.replicas` of the topic.
    pub min_insync_replicas: u32,
    /// `replica.lag.time.max.ms` of the leader, in microseconds.
    pub replica_lag_time_max: Micros,
}

/// How far one follower is, as its fetches tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FollowerState {
    /// Its log end: the offset of its last fetch. Unknown before the first.
    pub log_end: Option<Offset>,
    /// When it last had everything. `None`: not since this leader took over.
    pub last_caught_up: Option<Micros>,
    /// When it last fetched.
    pub last_fetch: Option<Micros>,
    /// The leader's log end at that fetch.
    leader_log_end_at_last_fetch: Offset,
    /// The registration it fetches under; `None` before its first fetch.
    broker_epoch: Option<BrokerEpoch>,
}

impl FollowerState {
    /// Whether the follower counts as caught up: it has everything, or had
    /// everything no longer than `lag_max` ago
    /// (`ReplicaState.isCaughtUp`).
    pub fn is_caught_up(&self, leader_log_end: Offset, now: Micros, lag_max: Micros) -> bool {
        self.log_end == Some(leader_log_end)
            || self
                .last_caught_up
                .is_some_and(|at| now.saturating_sub(at) <= lag_max)
    }
}

/// Why a leader proposes another set of in-sync replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IsrChange {
    /// A follower reached the high watermark and joins.
    Expand {
        /// The follower.
        joiner: BrokerId,
    },
    /// Followers fell behind for longer than `replica.lag.time.max.ms`.
    Shrink {
        /// The followers, in the order of the replica list.
        removed: Vec<BrokerId>,
    },
}

/// A proposal to the controller (`AlterPartition`, KIP-497).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterPartition {
    /// Numbers the leader's proposals, to tell a late answer from a current one.
    pub id: u64,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// The version of the registration the proposal builds on.
    pub partition_epoch: PartitionEpoch,
    /// The proposed in-sync replicas with the registrations they fetch under
    /// (`-1` when unknown).
    pub new_isr: Vec<(BrokerId, BrokerEpoch)>,
    /// What changes and why.
    pub change: IsrChange,
}

impl AlterPartition {
    /// The proposed members.
    pub fn members(&self) -> Vec<BrokerId> {
        self.new_isr.iter().map(|&(id, _)| id).collect()
    }
}

/// The part of a controller's answer or of a metadata record that the leader
/// takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedIsr {
    /// The leader epoch it belongs to.
    pub leader_epoch: LeaderEpoch,
    /// The version of the registration.
    pub partition_epoch: PartitionEpoch,
    /// The in-sync replicas.
    pub isr: Vec<BrokerId>,
}

/// A movement of the high watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HighWatermarkMove {
    /// Where it was.
    pub from: Offset,
    /// Where it is.
    pub to: Offset,
}

/// What a step of the leader leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// A proposal to send to the controller.
    pub alter: Option<AlterPartition>,
    /// The high watermark moved.
    pub high_watermark: Option<HighWatermarkMove>,
}

/// What became of an answer to a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerOutcome {
    /// The proposal took effect; the high watermark may have moved.
    Committed(Option<HighWatermarkMove>),
    /// The proposal is withdrawn; the old set holds.
    Reverted,
    /// Nothing to do until the next metadata record; the proposal stays
    /// pending, and the maximal set with it.
    AwaitMetadata,
    /// Send this again.
    Retry(AlterPartition),
    /// The answer came too late to matter.
    Ignored,
}

/// A leader's state of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderPartition {
    local: BrokerId,
    replicas: Vec<BrokerId>,
    leader_epoch: LeaderEpoch,
    partition_epoch: PartitionEpoch,
    epoch_start: Offset,
    isr: Vec<BrokerId>,
    /// The change that is proposed but not answered or not settled.
    pending: Option<AlterPartition>,
    /// The id of the one proposal under way. It outlives `pending` when a
    /// metadata record overtakes the answer: until then no other can be sent.
    in_flight: Option<u64>,
    next_id: u64,
    /// In order of their ids.
    followers: Vec<(BrokerId, FollowerState)>,
    high_watermark: Offset,
}

/// What a broker learns when it becomes leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderStart {
    /// The leader itself.
    pub local: BrokerId,
    /// The replica list, in order of preference.
    pub replicas: Vec<BrokerId>,
    /// The committed in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// The new leader epoch.
    pub leader_epoch: LeaderEpoch,
    /// The version of the registration.
    pub partition_epoch: PartitionEpoch,
}

impl LeaderPartition {
    /// Takes over at `now` with a log that ends at `log_end` and a high
    /// watermark that this replica knows, possibly a stale one. In-sync
    /// followers count as caught up now; others as never.
    pub fn new(start: LeaderStart, log_end: Offset, high_watermark: Offset, now: Micros) -> Self {
        let mut followers: Vec<_> = start
            .replicas
            .iter()
            .filter(|&&id| id != start.local)
            .map(|&id| (id, fresh_follower(start.isr.contains(&id), now)))
            .collect();
        followers.sort_unstable_by_key(|(id, _)| *id);
        Self {
            local: start.local,
            replicas: start.replicas,
            leader_epoch: start.leader_epoch,
            partition_epoch: start.partition_epoch,
            epoch_start: log_end,
            isr: start.isr,
            pending: None,
            in_flight: None,
            // A later leadership never reuses an id, so that an answer to an
            // earlier one cannot be taken for its own.
            next_id: u64::try_from(start.leader_epoch).unwrap_or(0) << 32,
            followers,
            high_watermark: high_watermark.min(log_end),
        }
    }

    /// The leader epoch.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// The version of the registration this view builds on.
    pub fn partition_epoch(&self) -> PartitionEpoch {
        self.partition_epoch
    }

    /// The log end when this leader epoch began
    /// (`leaderEpochStartOffset`).
    pub fn epoch_start(&self) -> Offset {
        self.epoch_start
    }

    /// The replica list, in order of preference.
    pub fn replicas(&self) -> &[BrokerId] {
        &self.replicas
    }

    /// The in-sync replicas the controller has confirmed.
    pub fn isr(&self) -> &[BrokerId] {
        &self.isr
    }

    /// The in-sync replicas plus the follower whose joining is under way. A
    /// shrink under way keeps the larger set.
    pub fn maximal_isr(&self) -> Vec<BrokerId> {
        let mut maximal = self.isr.clone();
        if let Some(AlterPartition {
            change: IsrChange::Expand { joiner },
            ..
        }) = &self.pending
            && !maximal.contains(joiner)
        {
            maximal.push(*joiner);
        }
        maximal
    }

    /// Whether `id` is in the maximal set.
    pub fn in_maximal_isr(&self, id: BrokerId) -> bool {
        self.isr.contains(&id)
            || matches!(&self.pending, Some(AlterPartition { change: IsrChange::Expand { joiner }, .. }) if *joiner == id)
    }

    /// The size of the maximal set.
    pub fn maximal_isr_len(&self) -> usize {
        match &self.pending {
            Some(AlterPartition {
                change: IsrChange::Expand { joiner },
                ..
            }) if !self.isr.contains(joiner) => self.isr.len() + 1,
            _ => self.isr.len(),
        }
    }

    /// Whether a change is proposed and not settled.
    pub fn is_change_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether a proposal is on its way to the controller.
    pub fn is_request_in_flight(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The high watermark: consumers see records below it.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// How far a follower is.
    pub fn follower(&self, id: BrokerId) -> Option<&FollowerState> {
        let known = self.followers.iter().find(|(known, _)| *known == id);
        known.map(|(_, state)| state)
    }

    /// `min.insync.replicas`, at most the number of replicas.
    pub fn effective_min_isr(&self, config: &IsrConfig) -> usize {
        effective_min_isr(config.min_insync_replicas, self.replicas.len())
    }

    /// Whether fewer replicas are in sync than the minimum: then acks=all
    /// writes are refused and the high watermark stands still (KIP-966).
    pub fn is_under_min_isr(&self, config: &IsrConfig) -> bool {
        self.isr.len() < self.effective_min_isr(config)
    }

    /// The check before an append with acks=all.
    ///
    /// # Errors
    /// `NOT_ENOUGH_REPLICAS` under the minimum; nothing must be appended then.
    pub fn check_before_append_all(&self, config: &IsrConfig) -> Result<(), ErrorCode> {
        if self.is_under_min_isr(config) {
            Err(ErrorCode::NotEnoughReplicas)
        } else {
            Ok(())
        }
    }

    /// Whether an acks=all write that needs everything below `required` can be
    /// answered, and how: `None` not yet, `Some(Ok)` success,
    /// `Some(Err(NOT_ENOUGH_REPLICAS_AFTER_APPEND))` when the set shrank below
    /// the minimum after the append (`checkEnoughReplicasReachOffset`).
    pub fn check_replicated(
        &self,
        required: Offset,
        config: &IsrConfig,
    ) -> Option<Result<(), ErrorCode>> {
        if self.high_watermark < required {
            return None;
        }
        if self.maximal_isr_len() < self.effective_min_isr(config) {
            return Some(Err(ErrorCode::NotEnoughReplicasAfterAppend));
        }
        Some(Ok(()))
    }

    /// The leader appended: with itself alone in sync the high watermark
    /// follows at once.
    pub fn appended(
        &mut self,
        log_end: Offset,
        now: Micros,
        brokers: &impl BrokerDirectory,
        config: &IsrConfig,
    ) -> Option<HighWatermarkMove> {
        self.maybe_advance(log_end, now, brokers, config)
    }

    /// A follower fetches from `offset`, which is its log end. Its epoch is
    /// that of its registration, `-1` if its fetch carries none.
    ///
    /// # Errors
    /// `NOT_LEADER_OR_FOLLOWER` from a broker that is no replica or fetches
    /// under a registration older than one seen before.
    pub fn follower_fetch(
        &mut self,
        id: BrokerId,
        offset: Offset,
        broker_epoch: BrokerEpoch,
        at: LeaderMoment,
        brokers: &impl BrokerDirectory,
        config: &IsrConfig,
    ) -> Result<Outcome, ErrorCode> {
        let follower = self
            .followers
            .iter_mut()
            .find_map(|(known, state)| (*known == id).then_some(state))
            .ok_or(ErrorCode::NotLeaderOrFollower)?;
        if broker_epoch != -1
            && follower
                .broker_epoch
                .is_some_and(|known| known > broker_epoch)
        {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let LeaderMoment { log_end, now } = at;
        // Compared against the end at the previous fetch, a follower that is
        // always one batch behind still counts as caught up.
        if offset >= log_end {
            follower.last_caught_up = follower.last_caught_up.max(Some(now));
        } else if offset >= follower.leader_log_end_at_last_fetch
            && let Some(previous) = follower.last_fetch
        {
            follower.last_caught_up = follower.last_caught_up.max(Some(previous));
        }
        let moved = follower.log_end != Some(offset);
        follower.log_end = Some(offset);
        follower.last_fetch = Some(now);
        follower.leader_log_end_at_last_fetch = log_end;
        follower.broker_epoch = Some(broker_epoch);
        let alter = if self.isr.contains(&id) {
            None
        } else {
            self.maybe_expand(id, brokers)
        };
        let high_watermark = if moved {
            self.maybe_advance(log_end, now, brokers, config)
        } else {
            None
        };
        Ok(Outcome {
            alter,
            high_watermark,
        })
    }

    /// In-sync followers that stand at the log end have fetched from there since: `last_fetch` says under which
    /// registration and when. Nothing moves and nothing is proposed, so this is all of [`Self::follower_fetch`] that is
    /// left.
    pub fn stood_at_end(
        &mut self,
        log_end: Offset,
        mut last_fetch: impl FnMut(BrokerId) -> Option<(BrokerEpoch, Micros)>,
    ) {
        for (id, follower) in &mut self.followers {
            if follower.log_end == Some(log_end)
                && self.isr.contains(id)
                && let Some((broker_epoch, at)) = last_fetch(*id)
                && (broker_epoch == -1 || follower.broker_epoch <= Some(broker_epoch))
            {
                follower.last_caught_up = follower.last_caught_up.max(Some(at));
                follower.last_fetch = Some(at);
                follower.leader_log_end_at_last_fetch = log_end;
                follower.broker_epoch = Some(broker_epoch);
            }
        }
    }

    /// The regular check, every half `replica.lag.time.max.ms`: proposes a set
    /// without the followers that are not caught up. Nothing while another
    /// change is pending (`maybeShrinkIsr`).
    pub fn shrink_check(
        &mut self,
        log_end: Offset,
        now: Micros,
        config: &IsrConfig,
    ) -> Option<AlterPartition> {
        if self.pending.is_some() {
            return None;
        }
        let removed = self.lagging(log_end, now, config.replica_lag_time_max);
        if removed.is_empty() {
            return None;
        }
        let members = self
            .isr
            .iter()
            .copied()
            .filter(|id| !removed.contains(id))
            .collect();
        self.propose(members, IsrChange::Shrink { removed })
    }

    /// In-sync followers that are not caught up, in replica-list order.
    pub fn lagging(&self, log_end: Offset, now: Micros, lag_max: Micros) -> Vec<BrokerId> {
        self.replicas
            .iter()
            .copied()
            .filter(|id| self.isr.contains(id))
            .filter(|id| {
                self.follower(*id)
                    .is_some_and(|follower| !follower.is_caught_up(log_end, now, lag_max))
            })
            .collect()
    }

    /// The controller answered the proposal `id`.
    pub fn alter_answered(
        &mut self,
        id: u64,
        answer: Result<CommittedIsr, ErrorCode>,
        at: LeaderMoment,
        brokers: &impl BrokerDirectory,
        config: &IsrConfig,
    ) -> AnswerOutcome {
        if self.in_flight == Some(id) {
            self.in_flight = None;
        }
        if self.pending.as_ref().is_none_or(|pending| pending.id != id) {
            return AnswerOutcome::Ignored;
        }
        match answer {
            Ok(committed) => {
                if committed.leader_epoch != self.leader_epoch
                    || committed.partition_epoch < self.partition_epoch
                {
                    return AnswerOutcome::Ignored;
                }
                self.pending = None;
                self.isr = committed.isr;
                self.partition_epoch = committed.partition_epoch;
                AnswerOutcome::Committed(self.maybe_advance(at.log_end, at.now, brokers, config))
            }
            Err(ErrorCode::OperationNotAttempted | ErrorCode::IneligibleReplica) => {
                self.pending = None;
                AnswerOutcome::Reverted
            }
            Err(
                ErrorCode::UnknownTopicOrPartition
                | ErrorCode::UnknownTopicId
                | ErrorCode::FencedLeaderEpoch
                | ErrorCode::InvalidUpdateVersion
                | ErrorCode::InvalidRequest
                | ErrorCode::NewLeaderElected,
            ) => AnswerOutcome::AwaitMetadata,
            Err(_) => match self.pending.clone() {
                Some(request) => {
                    self.in_flight = Some(id);
                    AnswerOutcome::Retry(request)
                }
                None => AnswerOutcome::Ignored,
            },
        }
    }

    /// A metadata record confirms this leader in the same leader epoch with a
    /// newer registration. It overrides any pending change. Returns whether it
    /// was news.
    pub fn metadata_update(
        &mut self,
        replicas: Vec<BrokerId>,
        committed: CommittedIsr,
        now: Micros,
    ) -> bool {
        if committed.leader_epoch != self.leader_epoch
            || committed.partition_epoch <= self.partition_epoch
        {
            return false;
        }
        self.partition_epoch = committed.partition_epoch;
        self.isr = committed.isr;
        self.pending = None;
        self.set_replicas(replicas, now);
        true
    }

    /// A metadata record makes this broker leader again in a newer epoch while
    /// it was leader before: positions of followers are kept, but they count
    /// as caught up only if they are in sync.
    pub fn re_elected(&mut self, start: LeaderStart, log_end: Offset, now: Micros) {
        self.leader_epoch = start.leader_epoch;
        self.partition_epoch = start.partition_epoch;
        self.epoch_start = log_end;
        self.isr = start.isr;
        self.pending = None;
        self.set_replicas(start.replicas, now);
        for (id, follower) in &mut self.followers {
            let in_sync_since = self.isr.contains(id).then_some(now);
            follower.last_caught_up = in_sync_since;
            follower.last_fetch = in_sync_since;
            follower.leader_log_end_at_last_fetch = log_end;
        }
    }

    /// Tries to move the high watermark; called after the broker's metadata of
    /// other brokers changed or a log was cut.
    pub fn maybe_advance(
        &mut self,
        log_end: Offset,
        now: Micros,
        brokers: &impl BrokerDirectory,
        config: &IsrConfig,
    ) -> Option<HighWatermarkMove> {
        if log_end <= self.high_watermark || self.is_under_min_isr(config) {
            return None;
        }
        let mut target = log_end;
        for &(id, ref follower) in &self.followers {
            // One that has all that the others have holds nothing back, in sync or not.
            if follower.log_end.is_some_and(|end| end >= target) {
                continue;
            }
            let holds_back = self.in_maximal_isr(id)
                || (follower.is_caught_up(log_end, now, config.replica_lag_time_max)
                    && self.is_eligible(id, brokers));
            if holds_back {
                // An in-sync follower that has not fetched yet: nothing is
                // known to be replicated to it.
                target = follower.log_end?;
                if target <= self.high_watermark {
                    return None;
                }
            }
        }
        let moved = HighWatermarkMove {
            from: self.high_watermark,
            to: target,
        };
        self.high_watermark = target;
        Some(moved)
    }

    fn set_replicas(&mut self, replicas: Vec<BrokerId>, now: Micros) {
        self.followers.retain(|(id, _)| replicas.contains(id));
        for &id in &replicas {
            if id != self.local && self.follower(id).is_none() {
                let fresh = fresh_follower(self.isr.contains(&id), now);
                self.followers.push((id, fresh));
            }
        }
        self.followers.sort_unstable_by_key(|(id, _)| *id);
        self.replicas = replicas;
    }

    /// KIP-841 and KIP-903: unfenced, not shutting down, and fetching under
    /// the registration the controller knows.
    fn is_eligible(&self, id: BrokerId, brokers: &impl BrokerDirectory) -> bool {
        let Some(view) = brokers.broker(id) else {
            return false;
        };
        let epoch = self.follower(id).and_then(|state| state.broker_epoch);
        !view.fenced
            && !view.in_controlled_shutdown
            && epoch.is_some_and(|epoch| epoch == -1 || epoch == view.epoch)
    }

    /// A follower joins once it has reached the high watermark and the start
    /// of this leader epoch; it need not have reached the log end.
    #[cold]
    fn maybe_expand(
        &mut self,
        id: BrokerId,
        brokers: &impl BrokerDirectory,
    ) -> Option<AlterPartition> {
        if self.pending.is_some() || self.isr.contains(&id) || !self.is_eligible(id, brokers) {
            return None;
        }
        let log_end = self.follower(id)?.log_end?;
        if log_end < self.high_watermark || log_end < self.epoch_start {
            return None;
        }
        let mut members = self.isr.clone();
        members.push(id);
        self.propose(members, IsrChange::Expand { joiner: id })
    }

    #[cold]
    fn propose(&mut self, members: Vec<BrokerId>, change: IsrChange) -> Option<AlterPartition> {
        // The broker sends one proposal per partition at a time. While an
        // overtaken one is unanswered a new one is refused at once
        // (OPERATION_NOT_ATTEMPTED), which leaves everything as it was.
        if self.in_flight.is_some() {
            return None;
        }
        let new_isr = members
            .into_iter()
            .map(|id| {
                let epoch = self.follower(id).and_then(|state| state.broker_epoch);
                (id, epoch.unwrap_or(-1))
            })
            .collect();
        let request = AlterPartition {
            id: self.next_id,
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
            new_isr,
            change,
        };
        self.next_id += 1;
        self.in_flight = Some(request.id);
        self.pending = Some(request.clone());
        Some(request)
    }
}

/// A moment as the leader sees it: its log end and the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaderMoment {
    /// The leader's log end.
    pub log_end: Offset,
    /// Virtual time.
    pub now: Micros,
}

/// `min(min.insync.replicas, replicas)`: a minimum above the number of
/// replicas would block every write (KIP-966).
pub fn effective_min_isr(min_insync_replicas: u32, replicas: usize) -> usize {
    (min_insync_replicas as usize).min(replicas)
}

fn fresh_follower(in_sync: bool, now: Micros) -> FollowerState {
    FollowerState {
        last_caught_up: in_sync.then_some(now),
        ..FollowerState::default()
    }
}

#[cfg(test)]
#[path = "partition_state_tests.rs"]
mod tests;
