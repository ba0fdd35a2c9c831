//! Following: one fetcher per leader broker, which asks for everything it follows there.
//!
//! Source: `AbstractFetcherThread`, `ReplicaFetcherThread`; KIP-101, KIP-227, KIP-279, KIP-595.

use std::hint::cold_path;

use super::reconcile::truncation_point;
use super::replica::Role;
use super::{Broker, BrokerTimer};
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::message::{
    Batch, FetchPosition, FetchResponse, FetchedPartition, Message, PartitionRecord,
};
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::settings::Setting;
use crate::sim::time::Time;
use crate::sim::types::{BrokerId, ErrorCode, LeaderEpoch, Offset};

/// The fetcher of one leader.
#[derive(Debug, Clone)]
pub(super) struct Fetcher {
    leader: BrokerId,
    /// 0: the next request opens a session.
    session_epoch: u32,
    /// The request under way, or 0.
    correlation: u32,
    asked: Time,
    partitions: Vec<PartitionId>,
    /// Partitions whose position the leader's session does not know yet.
    changed: Vec<PartitionId>,
    forgotten: Vec<PartitionId>,
    /// Partitions that wait after an error.
    resting: Vec<(Time, PartitionId)>,
    /// When the fetcher looks again by itself.
    timer: Option<Time>,
    /// After an error nothing is asked before this.
    not_before: Time,
}

impl Broker {
    fn fetcher(&mut self, leader: BrokerId) -> Option<&mut Fetcher> {
        let place = self.fetcher_place(leader)?;
        self.fetchers.get_mut(place)
    }

    fn fetcher_place(&self, leader: BrokerId) -> Option<usize> {
        let mut fetchers = self.fetchers.iter();
        fetchers.position(|fetcher| fetcher.leader == leader)
    }

    /// Whether the partition is already fetched from the leader of this record.
    pub(super) fn follows(&self, partition: PartitionId, record: &PartitionRecord) -> bool {
        let from = self
            .fetchers
            .iter()
            .find(|fetcher| fetcher.partitions.contains(&partition));
        match record.leader {
            None => from.is_none(),
            Some(leader) => from.is_some_and(|fetcher| fetcher.leader == leader),
        }
    }

    /// Stops fetching a partition.
    pub(super) fn unfollow(&mut self, partition: PartitionId) {
        for fetcher in &mut self.fetchers {
            if let Some(place) = fetcher
                .partitions
                .iter()
                .position(|known| *known == partition)
            {
                fetcher.partitions.remove(place);
                fetcher.changed.retain(|known| *known != partition);
                fetcher.resting.retain(|(_, known)| *known != partition);
                fetcher.forgotten.push(partition);
            }
        }
    }

    /// Starts fetching a partition from a leader.
    pub(super) fn follow_from(
        &mut self,
        partition: PartitionId,
        leader: BrokerId,
        epoch: LeaderEpoch,
        ctx: &mut Context,
    ) {
        if self.fetcher(leader).is_none() {
            let fetcher = Fetcher {
                leader,
                session_epoch: 0,
                correlation: 0,
                asked: Time::ZERO,
                partitions: Vec::new(),
                changed: Vec::new(),
                forgotten: Vec::new(),
                resting: Vec::new(),
                timer: None,
                not_before: Time::ZERO,
            };
            self.fetchers.push(fetcher);
            self.fetchers.sort_by_key(|fetcher| fetcher.leader);
        }
        if let Some(fetcher) = self.fetcher(leader) {
            fetcher.partitions.push(partition);
            fetcher.changed.push(partition);
            fetcher.forgotten.retain(|known| *known != partition);
        }
        if let Some(log_end) = self
            .replicas
            .get(partition)
            .map(|replica| replica.log.end())
        {
            let tp = ctx.world.names.tp(partition);
            ctx.emit(What::BecameFollower {
                tp,
                broker: self.id,
                leader: Some(leader),
                epoch,
                log_end,
            });
        }
        let at = ctx.now();
        self.look_again(leader, at, ctx);
    }

    /// Has the fetcher look again at a time, unless it will sooner.
    fn look_again(&mut self, leader: BrokerId, at: Time, ctx: &mut Context) {
        let Some(fetcher) = self.fetcher(leader) else {
            return;
        };
        if fetcher.timer.is_none_or(|set| at < set) {
            fetcher.timer = Some(at);
            Self::timer(ctx, at, BrokerTimer::Fetch { leader });
        }
    }

    /// The fetcher's timer: gives up on an unanswered request, wakes resting partitions, asks.
    pub(super) fn fetch_again(&mut self, leader: BrokerId, ctx: &mut Context) {
        let now = ctx.now();
        let patience = self.settings.time(Setting::ReplicaSocketTimeout);
        let Some(place) = self.fetcher_place(leader) else {
            return;
        };
        let fetcher = &mut self.fetchers[place];
        if fetcher.timer.is_none_or(|set| set > now) {
            return; // an earlier timer took its place
        }
        fetcher.timer = None;
        if fetcher.correlation != 0 && now >= fetcher.asked + patience {
            fetcher.fail();
        }
        let awake = fetcher
            .resting
            .iter()
            .filter(|(at, _)| *at <= now)
            .map(|(_, partition)| *partition);
        let awake: Vec<_> = awake.collect();
        fetcher.resting.retain(|(at, _)| *at > now);
        fetcher.changed.extend(awake);
        if fetcher.correlation != 0 {
            let at = fetcher.asked + patience;
            self.look_again(leader, at, ctx);
        } else if fetcher.not_before > now {
            let at = fetcher.not_before;
            self.look_again(leader, at, ctx);
        } else {
            self.send_fetch(place, now, ctx);
        }
        let next = self
            .fetcher(leader)
            .and_then(|fetcher| fetcher.resting.iter().map(|(at, _)| *at).min());
        if let Some(at) = next {
            self.look_again(leader, at, ctx);
        }
    }

    /// Sends the next fetch to a leader at a time: the disk may be at work until then.
    fn send_fetch(&mut self, place: usize, at: Time, ctx: &mut Context) {
        let correlation = self.next_correlation();
        let (id, epoch) = (self.id, self.epoch);
        let max_wait = self.settings.time(Setting::ReplicaFetchWaitMax);
        let min_bytes = self.settings.get(Setting::ReplicaFetchMinBytes) as u32;
        let partition_max_bytes = self.settings.get(Setting::ReplicaFetchMaxBytes) as u32;
        let fetcher = &mut self.fetchers[place];
        let leader = fetcher.leader;
        if fetcher.partitions.is_empty() && fetcher.forgotten.is_empty() {
            fetcher.session_epoch = 0;
            return;
        }
        if fetcher.session_epoch == 0 {
            cold_path();
            fetcher.changed.clear();
            let resting = &fetcher.resting;
            let awake = |partition: &&PartitionId| {
                !resting.iter().any(|(_, resting)| resting == *partition)
            };
            fetcher
                .changed
                .extend(fetcher.partitions.iter().filter(awake));
            fetcher.forgotten.clear();
        }
        fetcher.correlation = correlation;
        fetcher.asked = at;
        let mut request = ctx.world.spare.request();
        request.replica = Some((id, epoch));
        request.session_epoch = fetcher.session_epoch;
        request.max_wait = max_wait;
        request.min_bytes = min_bytes;
        request.partition_max_bytes = partition_max_bytes;
        request.max_bytes = u32::MAX;
        for partition in fetcher.changed.drain(..) {
            if let Some(replica) = self.replicas.get_mut(partition) {
                replica.asked = (replica.log.end(), replica.record.leader_epoch);
                request.changed.push(FetchPosition {
                    partition,
                    offset: replica.asked.0,
                    current_leader_epoch: replica.asked.1,
                    last_fetched_epoch: replica.log.last_epoch(),
                });
            }
        }
        request.forgotten.append(&mut fetcher.forgotten);
        ctx.send_at(
            at,
            NodeId::Broker(leader),
            correlation,
            Message::FetchRequest(request),
        );
        if fetcher.timer.is_none() {
            cold_path();
            let at = at + self.settings.time(Setting::ReplicaSocketTimeout);
            self.look_again(leader, at, ctx);
        }
    }

    pub(super) fn on_fetch_response(
        &mut self,
        leader: BrokerId,
        correlation: u32,
        mut response: Box<FetchResponse>,
        ctx: &mut Context,
    ) {
        let Some(place) = self.fetcher_place(leader) else {
            return;
        };
        let fetcher = &mut self.fetchers[place];
        if fetcher.correlation != correlation {
            return;
        }
        fetcher.correlation = 0;
        fetcher.session_epoch = response.session_epoch;
        let now = ctx.now();
        if response.error.is_some() {
            cold_path();
            fetcher.session_epoch = 0;
            self.send_fetch(place, now, ctx);
            return;
        }
        let (written, bytes) = self.take_answer(place, &mut response, ctx);
        ctx.world.spare.read(response);
        let at = if written > 0 {
            self.disk.write(now, written, bytes)
        } else {
            now
        };
        self.send_fetch(place, at, ctx);
    }

    /// Takes what a fetch brought. Returns how many batches and bytes were written.
    fn take_answer(
        &mut self,
        place: usize,
        answer: &mut FetchResponse,
        ctx: &mut Context,
    ) -> (u32, u64) {
        let mut batches = answer.batches.drain(..);
        let (mut written, mut bytes) = (0, 0);
        for fetched in &answer.partitions {
            let count = fetched.batches as usize;
            let mut mine = batches.by_ref().take(count);
            if !self.fetchers[place].partitions.contains(&fetched.partition) {
                cold_path();
                mine.by_ref().for_each(drop);
                continue;
            }
            let (new_batches, new_bytes) = self.take_partition(place, fetched, &mut mine, ctx);
            if mine.len() > 0 {
                cold_path();
                mine.for_each(drop);
            }
            written += new_batches;
            bytes += new_bytes;
        }
        (written, bytes)
    }

    /// Takes what a fetch brought for one partition. Returns how many batches and bytes were written.
    fn take_partition(
        &mut self,
        place: usize,
        fetched: &FetchedPartition,
        batches: &mut impl Iterator<Item = Batch>,
        ctx: &mut Context,
    ) -> (u32, u64) {
        let now = ctx.now();
        let partition = fetched.partition;
        let leader = self.fetchers[place].leader;
        let Some(replica) = self.replicas.get(partition) else {
            return (0, 0);
        };
        // The partition may have been taken out and put back, or cut, while the request was under way: then the answer
        // is for a history that is no longer this one (`AbstractFetcherThread.processFetchRequest`, KAFKA-18723).
        if replica.asked != (replica.log.end(), replica.record.leader_epoch) {
            return (0, 0);
        }
        match fetched.error {
            None => {}
            Some(ErrorCode::OffsetOutOfRange) => {
                cold_path();
                // The leader's log ends before ours and shares no epoch with it.
                self.truncate_to(
                    partition,
                    fetched.high_watermark,
                    (-1, fetched.high_watermark),
                    ctx,
                );
                self.fetchers[place].changed.push(partition);
                return (0, 0);
            }
            Some(_) => {
                cold_path();
                let backoff = self.settings.time(Setting::ReplicaFetchBackoff);
                self.fetchers[place]
                    .resting
                    .push((now + backoff, partition));
                self.look_again(leader, now + backoff, ctx);
                return (0, 0);
            }
        }
        if let Some((epoch, end)) = fetched.diverging {
            cold_path();
            let own = self.replicas.get(partition).map(|replica| {
                truncation_point(replica.log.epochs(), replica.log.end(), (epoch, end))
            });
            self.truncate_to(partition, own.unwrap_or(end), (epoch, end), ctx);
            self.fetchers[place].changed.push(partition);
            return (0, 0);
        }
        let Some(replica) = self.replicas.get_mut(partition) else {
            return (0, 0);
        };
        if !matches!(replica.role, Role::Follower(Some(followed)) if followed == leader) {
            return (0, 0);
        }
        let (mut written, mut bytes) = (0, 0);
        for batch in batches {
            if batch.base_offset != replica.log.end() {
                break;
            }
            written += 1;
            bytes += u64::from(batch.bytes);
            replica.append(batch, now);
        }
        replica.follower_high_watermark = fetched.high_watermark.min(replica.log.end());
        replica.note_high_watermark(&mut self.uncheckpointed);
        if written > 0 {
            replica.note_append(&mut self.unflushed);
            self.fetchers[place].changed.push(partition);
        }
        (written, bytes)
    }

    #[cold]
    fn truncate_to(
        &mut self,
        partition: PartitionId,
        end: Offset,
        leaders: (LeaderEpoch, Offset),
        ctx: &mut Context,
    ) {
        let broker = self.id;
        let expiration = self.settings.time(Setting::ProducerIdExpiration);
        let Some(replica) = self.replicas.get_mut(partition) else {
            return;
        };
        let from = replica.log.end();
        if replica.truncate(end, ctx.now(), expiration) > 0 {
            let tp = ctx.world.names.tp(partition);
            let (epoch, leader_epoch_end) = leaders;
            ctx.emit(What::Truncated {
                tp,
                broker,
                from,
                to: end,
                epoch,
                leader_epoch_end,
            });
        }
    }

    /// A peer's sockets closed.
    pub(super) fn on_disconnected(&mut self, from: NodeId, ctx: &mut Context) {
        match from {
            NodeId::Broker(leader) => {
                let backoff = self.settings.time(Setting::ReplicaFetchBackoff);
                let at = ctx.now() + backoff;
                if let Some(fetcher) = self.fetcher(leader) {
                    fetcher.fail();
                    fetcher.not_before = at;
                    self.look_again(leader, at, ctx);
                }
                self.sessions.remove(from);
            }
            NodeId::Controller(controller) if controller == self.controller => {
                self.metadata_failed(ctx);
            }
            NodeId::Controller(_) => {}
            NodeId::Producer(_) | NodeId::Consumer(_) => self.sessions.remove(from),
        }
    }
}

impl Fetcher {
    /// The request under way will not be answered; the next one opens a new session.
    fn fail(&mut self) {
        self.correlation = 0;
        self.session_epoch = 0;
        self.forgotten.clear();
    }
}
