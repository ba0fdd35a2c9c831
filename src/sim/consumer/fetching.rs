//! Where a consumer reads: metadata, positions, fetches.
//!
//! Source: `Fetcher`, `OffsetFetcher`, `SubscriptionState`; KIP-320, KIP-392.

use std::collections::BTreeMap;
use std::hint::cold_path;
use std::sync::Arc;

use super::super::group::event::{GroupEvent, ResetReason};
use super::super::message::{
    FetchPosition, FetchRequest, FetchResponse, FetchedPartition, Message, MetadataResponse,
    OffsetSpec, PartitionLeader,
};
use super::super::node::{PartitionId, TopicId};
use super::super::spec::OnFailure;
use super::super::time::Time;
use super::super::types::{BrokerId, ErrorCode, LeaderEpoch, Offset};
use super::{About, Assigned, Chunk, Consumer, Env, Membership, Note, Position, ResetPolicy};

/// Where a partition's epoch ends, as its leader answers.
type EpochEnd = (PartitionId, Result<(LeaderEpoch, Offset), ErrorCode>);

/// What there is of a consumer's partitions that is not as it mostly is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outlook {
    /// One has no position, and nobody was asked for it.
    pub(super) unsettled: bool,
    /// Fetched records wait for poll().
    pub(super) buffered: bool,
}

impl Consumer {
    pub(super) fn refresh_metadata(&mut self, env: &mut Env) {
        if !self.metadata_wanted
            || self.waits_for(|about| *about == About::Metadata)
            || self.retry_at.is_some_and(|at| at > env.now)
        {
            return;
        }
        let topics: Vec<TopicId> = self
            .config
            .topics
            .iter()
            .chain(&self.group_topics)
            .map(|name| &**name)
            .chain(self.other_topic())
            .filter_map(|name| env.names.topic(name))
            .collect();
        if let Some(broker) = self.any_broker() {
            self.metadata_wanted = false;
            self.send(
                broker,
                About::Metadata,
                Message::MetadataRequest { topics },
                env,
            );
        }
    }

    #[cold]
    pub(super) fn got_metadata(&mut self, answer: MetadataResponse, env: &mut Env) {
        let MetadataResponse {
            brokers,
            partitions,
            counts,
        } = answer;
        self.metadata_at = Some(env.now);
        if !brokers.is_empty() {
            self.brokers = brokers;
        }
        for leader in &partitions {
            self.learn_leader(*leader);
        }
        let leaderless = partitions.iter().any(|leader| leader.leader.is_none());
        // A broker that has just started may not know the topic yet.
        let expected = self.config.topics.len() + self.group_topics.len();
        let unknown = counts.len() < expected || counts.iter().any(|(_, count)| *count == 0);
        if leaderless || unknown {
            self.metadata_wanted = true;
            self.retry_later(env);
        }
        let other = self.other_topic().and_then(|name| env.names.topic(name));
        let subscribed = |(topic, count): &(TopicId, u32)| {
            *count > 0 && (Some(*topic) != other || self.reads(*topic, env))
        };
        let sizes: Vec<(TopicId, u32)> = counts.iter().copied().filter(subscribed).collect();
        self.topic_sizes.extend(sizes);
        if !unknown
            && self.membership == Membership::Syncing
            && let Some(answer) = self.electing.take()
        {
            self.lead(&answer, env);
        }
        // The group's leader notices new topics and partitions for all.
        if !self.assigned_sizes.is_empty() && self.assigned_sizes != self.topic_sizes {
            self.rejoin = true;
        }
    }

    /// The topic it writes failed records to, if it does.
    fn other_topic(&self) -> Option<&str> {
        match &self.config.on_failure {
            OnFailure::SendTo { topic, .. } => Some(topic),
            _ => None,
        }
    }

    fn reads(&self, topic: TopicId, env: &Env) -> bool {
        let same = |name: &Arc<str>| env.names.topic(name) == Some(topic);
        let group = self.group_topics.iter();
        self.config.topics.iter().chain(group).any(same)
    }

    fn learn_leader(&mut self, leader: PartitionLeader) {
        let known = self
            .leaders
            .get(leader.partition)
            .map_or(-1, |known| known.epoch);
        if leader.epoch < known {
            return;
        }
        self.leaders.insert(leader.partition, leader);
        if let Some(assigned) = self.assigned.get_mut(leader.partition)
            && assigned.checked_epoch != leader.epoch
            && matches!(assigned.position, Position::At { .. })
        {
            assigned.checked_epoch = leader.epoch;
            // The position is what poll() returns next; what is fetched beyond it is fetched again.
            if let Some((offset, epoch)) = assigned.handed
                && epoch >= 0
                && epoch != leader.epoch
            {
                assigned.move_to(Position::Validate { offset, epoch });
            }
        }
    }

    fn leader_of(&self, partition: PartitionId) -> Option<(BrokerId, LeaderEpoch)> {
        let known = self.leaders.get(partition)?;
        Some((known.leader?, known.epoch))
    }

    /// The broker to read a partition from, its leader or a replica in the reader's rack, and the leader's epoch.
    fn source_of(
        &self,
        partition: PartitionId,
        assigned: &Assigned,
        now: Time,
    ) -> Option<(BrokerId, LeaderEpoch)> {
        let (leader, epoch) = self.leader_of(partition)?;
        let preferred = assigned.preferred.filter(|(_, until)| *until > now);
        Some((preferred.map_or(leader, |(replica, _)| replica), epoch))
    }

    // Positions.

    /// What there is of its partitions that is not as it mostly is.
    pub(super) fn look_over(&self) -> Outlook {
        let mut outlook = Outlook::default();
        for assigned in self.assigned.values() {
            let is_settled = matches!(assigned.position, Position::At { .. } | Position::Failed);
            outlook.unsettled |= !is_settled && !assigned.asking;
            outlook.buffered |= !assigned.buffered.is_empty();
        }
        outlook
    }

    #[cold]
    pub(super) fn find_positions(&mut self, env: &mut Env) {
        let mut unknown = Vec::new();
        let mut resets: BTreeMap<BrokerId, Vec<(PartitionId, OffsetSpec, LeaderEpoch)>> =
            BTreeMap::new();
        let mut checks: BTreeMap<BrokerId, Vec<(PartitionId, LeaderEpoch, LeaderEpoch)>> =
            BTreeMap::new();
        let mut homeless = false;
        let policy = self.config.auto_offset_reset;
        let ids = self.assigned.keys().to_vec();
        for id in ids {
            let leader = self.leader_of(id);
            let Some(assigned) = self.assigned.get_mut(id) else {
                continue;
            };
            if assigned.asking {
                continue;
            }
            let needs_leader = matches!(
                assigned.position,
                Position::Reset { .. } | Position::Validate { .. }
            );
            match (assigned.position, leader) {
                (Position::Unknown, _) => unknown.push(id),
                (Position::Reset { .. }, Some((broker, epoch))) => {
                    let spec = match policy {
                        ResetPolicy::Earliest => OffsetSpec::Earliest,
                        _ => OffsetSpec::Latest,
                    };
                    assigned.asking = true;
                    resets.entry(broker).or_default().push((id, spec, epoch));
                }
                (Position::Validate { epoch, .. }, Some((broker, current))) => {
                    assigned.asking = true;
                    checks.entry(broker).or_default().push((id, current, epoch));
                }
                _ => homeless |= needs_leader,
            }
        }
        if homeless {
            self.metadata_wanted = true;
            self.retry_later(env);
        }
        self.ask_committed(unknown, env);
        for (broker, partitions) in resets {
            let ids = partitions.iter().map(|(id, ..)| *id).collect();
            self.send(
                broker,
                About::Offsets(ids),
                Message::ListOffsetsRequest { partitions },
                env,
            );
        }
        for (broker, partitions) in checks {
            let ids = partitions.iter().map(|(id, ..)| *id).collect();
            self.send(
                broker,
                About::Epochs(ids),
                Message::OffsetForLeaderEpochRequest { partitions },
                env,
            );
        }
    }

    fn ask_committed(&mut self, partitions: Vec<PartitionId>, env: &mut Env) {
        if partitions.is_empty()
            || self.retry_at.is_some_and(|at| at > env.now)
            || !self.find_coordinator(env)
        {
            return;
        }
        let Some(coordinator) = self.coordinator else {
            return;
        };
        for id in &partitions {
            if let Some(assigned) = self.assigned.get_mut(*id) {
                assigned.asking = true;
            }
        }
        let group = Arc::clone(&self.config.group);
        let request = Message::OffsetFetchRequest {
            group,
            partitions: partitions.as_slice().into(),
        };
        self.send(coordinator, About::Committed(partitions), request, env);
    }

    #[cold]
    pub(super) fn got_committed(
        &mut self,
        asked: &[PartitionId],
        error: Option<ErrorCode>,
        offsets: &[(PartitionId, Option<(Offset, LeaderEpoch)>)],
        env: &mut Env,
    ) {
        self.stop_asking(asked);
        if error.is_some() {
            self.coordinator = None;
            return self.retry_later(env);
        }
        for &(id, committed) in offsets {
            let current = self.leader_of(id).map_or(-1, |(_, epoch)| epoch);
            let Some(assigned) = self.assigned.get_mut(id) else {
                continue;
            };
            if assigned.position != Position::Unknown {
                continue;
            }
            match committed {
                Some((offset, epoch)) => {
                    env.note(Note::Started {
                        partition: id,
                        offset,
                        committed: true,
                    });
                    assigned.handed = Some((offset, epoch));
                    assigned.checked_epoch = current;
                    assigned.position = if epoch >= 0 && epoch != current {
                        Position::Validate { offset, epoch }
                    } else {
                        Position::At { offset, epoch }
                    };
                }
                None => self.reset_position(id, ResetReason::NoCommit, env),
            }
        }
    }

    /// Follows `auto.offset.reset`.
    fn reset_position(&mut self, id: PartitionId, why: ResetReason, env: &mut Env) {
        let Some(assigned) = self.assigned.get_mut(id) else {
            return;
        };
        if self.config.auto_offset_reset == ResetPolicy::None {
            assigned.move_to(Position::Failed);
            let consumer = Arc::clone(&self.config.name);
            let partition = env.names.tp(id).to_string();
            env.tell(GroupEvent::ResetFailed {
                consumer,
                partition,
            });
        } else {
            assigned.move_to(Position::Reset { why });
        }
    }

    #[cold]
    pub(super) fn got_offsets(
        &mut self,
        answers: &[(PartitionId, Result<Offset, ErrorCode>)],
        env: &mut Env,
    ) {
        for &(id, answer) in answers {
            let current = self.leader_of(id).map_or(-1, |(_, epoch)| epoch);
            let Some(assigned) = self.assigned.get_mut(id) else {
                continue;
            };
            assigned.asking = false;
            let Position::Reset { why } = assigned.position else {
                continue;
            };
            let Ok(offset) = answer else {
                self.metadata_wanted = true;
                self.retry_later(env);
                continue;
            };
            assigned.position = Position::At { offset, epoch: -1 };
            assigned.handed = Some((offset, -1));
            assigned.checked_epoch = current;
            env.note(Note::Started {
                partition: id,
                offset,
                committed: false,
            });
            let event = GroupEvent::OffsetReset {
                consumer: Arc::clone(&self.config.name),
                partition: env.names.tp(id).to_string(),
                to: offset,
                policy: self.config.auto_offset_reset.name(),
                why,
            };
            env.tell(event);
        }
    }

    #[cold]
    pub(super) fn got_epochs(&mut self, answers: &[EpochEnd], env: &mut Env) {
        for &(id, answer) in answers {
            let Some(assigned) = self.assigned.get_mut(id) else {
                continue;
            };
            assigned.asking = false;
            let Position::Validate { offset, epoch } = assigned.position else {
                continue;
            };
            match answer {
                Ok((_, end)) if end < offset => self.truncated(id, offset, answer, env),
                Ok(_) => assigned.position = Position::At { offset, epoch },
                Err(_) => {
                    self.metadata_wanted = true;
                    self.retry_later(env);
                }
            }
        }
    }

    /// What it read is no longer there: with a reset policy it goes back to
    /// where the histories part; without one it fails.
    fn truncated(
        &mut self,
        id: PartitionId,
        position: Offset,
        answer: Result<(LeaderEpoch, Offset), ErrorCode>,
        env: &mut Env,
    ) {
        let Ok((epoch, end)) = answer else { return };
        let event = GroupEvent::LogTruncated {
            consumer: Arc::clone(&self.config.name),
            partition: env.names.tp(id).to_string(),
            position,
            end,
        };
        env.tell(event);
        env.note(Note::Truncated { partition: id, end });
        if self.config.auto_offset_reset == ResetPolicy::None {
            return self.reset_position(id, ResetReason::Truncated { position }, env);
        }
        if let Some(assigned) = self.assigned.get_mut(id) {
            assigned.move_to(Position::At { offset: end, epoch });
            assigned.handed = Some((end, epoch));
        }
    }

    // Fetches.

    /// Sends a fetch to every broker that leads (or serves) partitions it
    /// wants records of and that it is not asking already; `buffered` says whether fetched records may wait for poll().
    pub(super) fn fetch(&mut self, buffered: bool, env: &mut Env) {
        if self.revokes_all() {
            return;
        }
        let mut wanted = self.spare.fetches.list();
        let full = if buffered {
            self.brokers_to_wait_for(env.now)
        } else {
            Vec::new()
        };
        let mut homeless = false;
        for (id, assigned) in self.assigned.iter() {
            if assigned.fetching.is_some() || assigned.paused || !assigned.buffered.is_empty() {
                continue;
            }
            let Position::At { offset, .. } = assigned.position else {
                continue;
            };
            let Some((from, epoch)) = self.source_of(id, assigned, env.now) else {
                cold_path();
                homeless = true;
                continue;
            };
            if full.contains(&from) {
                continue;
            }
            let position = FetchPosition {
                partition: id,
                offset,
                current_leader_epoch: epoch,
                last_fetched_epoch: -1,
            };
            match wanted.iter_mut().find(|(broker, _)| *broker == from) {
                Some((_, request)) => request.changed.push(position),
                None if self.is_fetching_from(from) => {}
                None => {
                    let mut request = env.spare.request();
                    self.begin_fetch(&mut request);
                    request.changed.push(position);
                    wanted.push((from, request));
                }
            }
        }
        if homeless {
            self.metadata_wanted = true;
            self.retry_later(env);
        }
        if self.retry_at.is_some_and(|at| at > env.now) && homeless {
            return;
        }
        wanted.sort_unstable_by_key(|(broker, _)| *broker);
        for (broker, mut request) in wanted.drain(..) {
            let most = u64::from(request.partition_max_bytes) * request.changed.len() as u64;
            if most > u64::from(request.max_bytes) {
                cold_path();
                // Not all may fit into the answer: who came last time goes last.
                let line = |id| self.assigned.get(id).map_or(0, |assigned| assigned.line);
                request
                    .changed
                    .sort_by_key(|position| line(position.partition));
            }
            let asked = request.changed.iter();
            let mut ids = env.spare.partitions.list();
            ids.extend(asked.map(|position| position.partition));
            for id in &ids {
                if let Some(assigned) = self.assigned.get_mut(*id) {
                    assigned.fetching = Some(broker);
                }
            }
            self.send(
                broker,
                About::Fetch(ids),
                Message::FetchRequest(request),
                env,
            );
        }
        self.spare.fetches.give(wanted);
    }

    /// Brokers of which fetched records still wait are not asked for others meanwhile (KAFKA-17182).
    fn brokers_to_wait_for(&self, now: Time) -> Vec<BrokerId> {
        let waiting = self.assigned.iter().filter(|(_, assigned)| {
            let fetchable = !assigned.paused && matches!(assigned.position, Position::At { .. });
            fetchable && !assigned.buffered.is_empty()
        });
        waiting
            .filter_map(|(id, assigned)| Some(self.source_of(id, assigned, now)?.0))
            .collect()
    }

    /// Says in a fetch what holds for all partitions. It opens a new session.
    fn begin_fetch(&self, request: &mut FetchRequest) {
        request.max_wait = self.config.fetch_max_wait;
        request.min_bytes = self.config.fetch_min_bytes;
        request.partition_max_bytes = self.config.max_partition_fetch_bytes;
        request.max_bytes = self.config.fetch_max_bytes;
        if let Some(rack) = &self.config.client_rack {
            request.rack = Some(Arc::clone(rack));
        }
    }

    fn is_fetching_from(&self, broker: BrokerId) -> bool {
        self.requests
            .iter()
            .any(|(_, request)| request.to == broker && matches!(request.about, About::Fetch(_)))
    }

    pub(super) fn fetched(
        &mut self,
        from: BrokerId,
        asked: &[PartitionId],
        answer: Box<FetchResponse>,
        env: &mut Env,
    ) {
        if answer.error.is_some() {
            self.stop_fetching(from, asked);
            return self.retry_later(env);
        }
        let mut batches = &answer.batches[..];
        for part in &answer.partitions {
            let mine;
            (mine, batches) = batches.split_at(batches.len().min(part.batches as usize));
            // An assignment that came and went meanwhile, or another position, makes it stale.
            let wanted = self.assigned.get(part.partition);
            if wanted.is_none_or(|assigned| assigned.fetching != Some(from)) {
                continue;
            }
            match part.error {
                Some(error) => self.fetch_failed(part, error, env),
                None => self.buffer(part, mine, env),
            }
        }
        self.stop_fetching(from, asked);
        env.spare.read(answer);
    }

    /// A fetch is no longer under way.
    fn stop_fetching(&mut self, from: BrokerId, asked: &[PartitionId]) {
        for id in asked {
            if let Some(assigned) = self.assigned.get_mut(*id)
                && assigned.fetching == Some(from)
            {
                assigned.fetching = None;
            }
        }
    }

    fn buffer(
        &mut self,
        part: &FetchedPartition,
        batches: &[super::super::message::Batch],
        env: &mut Env,
    ) {
        let until = env.now + self.config.metadata_max_age;
        self.line_end += 1;
        let Some(assigned) = self.assigned.get_mut(part.partition) else {
            return;
        };
        assigned.line = self.line_end;
        assigned.high_watermark = part.high_watermark;
        if let Some(replica) = part.preferred_replica {
            assigned.preferred = Some((replica, until));
        }
        for batch in batches {
            let Position::At { offset, .. } = assigned.position else {
                return;
            };
            let first = batch.base_offset.max(offset);
            let end = batch.next_offset();
            if end <= offset {
                continue;
            }
            assigned.buffered.push_back(Chunk {
                first,
                count: end - first,
                epoch: batch.leader_epoch,
            });
            assigned.position = Position::At {
                offset: end,
                epoch: batch.leader_epoch,
            };
        }
    }

    fn fetch_failed(&mut self, part: &FetchedPartition, error: ErrorCode, env: &mut Env) {
        let id = part.partition;
        if let Some((leader, epoch)) = part.leader_hint {
            self.learn_leader(PartitionLeader {
                partition: id,
                leader: Some(leader),
                epoch,
            });
        } else {
            self.metadata_wanted = true;
        }
        let Some(assigned) = self.assigned.get_mut(id) else {
            return;
        };
        let from_replica = assigned.preferred.take().is_some();
        if error == ErrorCode::OffsetOutOfRange {
            // A follower may simply not have it yet: the leader decides.
            if let (false, Position::At { offset, .. }) = (from_replica, assigned.position) {
                self.reset_position(id, ResetReason::OutOfRange { position: offset }, env);
            }
            return;
        }
        self.retry_later(env);
    }
}
