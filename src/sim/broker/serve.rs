//! Serving fetches of followers and consumers, with sessions and long polls.
//!
//! A session remembers each reader's positions, so that a request carries only what changed (KIP-227). A request
//! without enough data waits until data comes or its time is up. A follower whose position stands at the log end with
//! nothing new counts as caught up at each of its requests; that is noted when it next matters, not at each request.
//!
//! Source: `ReplicaManager.fetchMessages`, `DelayedFetch`, `FetchSession`; KIP-74, KIP-207, KIP-227, KIP-392, KIP-595.

use std::hint::cold_path;

use super::fetch_session::{Limits, Parked, Session};
use super::log::Log;
use super::partition_state::LeaderMoment;
use super::reconcile::{check_request_epoch, divergence};
use super::replica::{Replica, Role};
use super::{Broker, BrokerTimer};
use crate::sim::context::Context;
use crate::sim::message::{
    AlterReason, Batch, FetchPosition, FetchRequest, FetchResponse, FetchedPartition, Message,
};
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::settings::Setting;
use crate::sim::time::Time;
use crate::sim::types::{BrokerEpoch, BrokerId, ErrorCode, Offset};

impl Broker {
    pub(super) fn on_fetch(
        &mut self,
        from: NodeId,
        correlation: u32,
        request: Box<FetchRequest>,
        ctx: &mut Context,
    ) {
        let now = ctx.now();
        if request.session_epoch == 0 {
            self.sessions.open(from, &request);
        }
        let Some(place) = self.sessions.place(from) else {
            return Self::refuse_session(from, correlation, ctx);
        };
        let session = &mut self.sessions.all[place].1;
        if session.epoch != request.session_epoch {
            self.sessions.remove(from);
            return Self::refuse_session(from, correlation, ctx);
        }
        session.epoch += 1;
        session.replica = request.replica;
        session.last_fetch = now;
        if !request.forgotten.is_empty() {
            session.forget(&request.forgotten);
        }
        for position in &request.changed {
            session.stand(*position);
        }
        let supply = if let Some((follower, epoch)) = request.replica {
            self.note_follower(place, follower, epoch, ctx)
        } else {
            for position in &request.changed {
                if let Some(leading) = self
                    .replicas
                    .get_mut(position.partition)
                    .and_then(Replica::leading_mut)
                    && !leading.readers.contains(&from)
                {
                    cold_path();
                    leading.readers.push(from);
                }
            }
            self.supply(place)
        };
        let deadline = now + request.max_wait;
        ctx.world.spare.handled(request);
        let parked = Parked {
            correlation,
            deadline,
            cause: ctx.cause,
        };
        let session = &mut self.sessions.all[place].1;
        session.parked = Some(parked);
        if supply.is_enough(session.min_bytes) {
            self.answer(place, ctx);
        }
        self.arm_purgatory(deadline, ctx);
    }

    #[cold]
    fn refuse_session(from: NodeId, correlation: u32, ctx: &mut Context) {
        let error = Some(ErrorCode::FetchSessionIdNotFound);
        let response = Box::new(FetchResponse {
            error,
            ..FetchResponse::default()
        });
        ctx.send(from, correlation, Message::FetchResponse(response));
    }

    /// Notes a follower's positions: all that are listed. Those that are not stand at the log end. Returns what
    /// [`Broker::supply`] would, as all that it looks at is at hand here.
    fn note_follower(
        &mut self,
        place: usize,
        follower: BrokerId,
        epoch: BrokerEpoch,
        ctx: &mut Context,
    ) -> Supply {
        let now = ctx.now();
        let mut supply = Supply::default();
        for index in 0..self.sessions.all[place].1.list.len() {
            let session = &self.sessions.all[place].1;
            let partition = session.list[index];
            let Some(position) = session
                .partitions
                .get(partition)
                .map(|reading| reading.position)
            else {
                cold_path();
                continue;
            };
            let limits = session.limits();
            let found = self.replicas.place(partition);
            let found = found.and_then(|slot| Some((slot, self.replicas.at_mut(slot)?)));
            let Some((slot, replica)) = found else {
                cold_path();
                supply.urgent = true;
                continue;
            };
            if check_epoch(replica, &position).is_err() || diverges(replica, &position).is_some() {
                cold_path();
                supply.urgent = true;
                continue;
            }
            let (log_end, config) = (replica.log.end(), replica.isr_config);
            let at = LeaderMoment {
                log_end,
                now: now.0,
            };
            let Role::Leader(leading) = &mut replica.role else {
                cold_path();
                supply.urgent = true;
                continue;
            };
            supply.add(bytes_between(
                &replica.log,
                position.offset,
                log_end,
                limits,
            ));
            let offset = position.offset;
            let noted =
                leading
                    .state
                    .follower_fetch(follower, offset, epoch, at, &self.image, &config);
            let Ok(outcome) = noted else { continue };
            let high_watermark = leading.state.high_watermark();
            if let Some(proposal) = outcome.alter {
                cold_path();
                let reason = AlterReason::Expand {
                    joiner: follower,
                    log_end,
                    high_watermark,
                };
                self.propose(partition, &proposal, reason, ctx);
            }
            if outcome.high_watermark.is_some() {
                self.high_watermark_moved(slot, ctx);
            }
        }
        supply
    }

    /// Before the log end of the replica at this place moves: followers that stood at it count as caught up at their
    /// last request.
    pub(super) fn settle_idle_followers(&mut self, place: usize, now: Time) {
        let Some(replica) = self.replicas.at_mut(place) else {
            return;
        };
        let partition = replica.partition();
        let log_end = replica.log.end();
        let Role::Leader(leading) = &mut replica.role else {
            return;
        };
        let sessions = &self.sessions;
        leading.state.stood_at_end(log_end, |follower| {
            let session = sessions.get(NodeId::Broker(follower))?;
            let (_, epoch) = session.replica?;
            session.partitions.place(partition)?;
            Some((epoch, session.last_fetch.0.min(now.0)))
        });
    }

    /// New data is in the log of the leader at this place: followers want it.
    pub(super) fn wake_followers(
        &mut self,
        place: usize,
        partition: PartitionId,
        ctx: &mut Context,
    ) {
        for index in 0.. {
            let replica = self.replicas.at(place);
            let Some(follower) = replica.and_then(|replica| replica.record.replicas.get(index))
            else {
                return;
            };
            if *follower != self.id {
                self.wake(NodeId::Broker(*follower), partition, ctx);
            }
        }
    }

    /// The high watermark of the partition led at this place moved: produce requests may be answered, consumers may
    /// read, and followers learn it with their next answer.
    pub(super) fn high_watermark_moved(&mut self, place: usize, ctx: &mut Context) {
        self.complete_produce(place, ctx);
        let Some(replica) = self.replicas.at_mut(place) else {
            return;
        };
        let partition = replica.partition();
        replica.note_high_watermark(&mut self.uncheckpointed);
        for follower in &replica.record.replicas {
            if let Some(session) = self.sessions.get_mut(NodeId::Broker(*follower)) {
                session.list(partition);
            }
        }
        self.wake_readers(place, partition, ctx);
        self.tell_thaw(place, ctx);
    }

    /// Wakes the consumers of a partition; forgets those that read elsewhere by now.
    fn wake_readers(&mut self, place: usize, partition: PartitionId, ctx: &mut Context) {
        let leading = self.replicas.at_mut(place).and_then(Replica::leading_mut);
        let Some(leading) = leading.filter(|leading| !leading.readers.is_empty()) else {
            return;
        };
        let mut readers = std::mem::take(&mut leading.readers);
        let sessions = &mut self.sessions;
        readers.retain(|reader| {
            sessions
                .get_mut(*reader)
                .is_some_and(|session| session.partitions.place(partition).is_some())
        });
        for reader in &readers {
            self.wake(*reader, partition, ctx);
        }
        let leading = self.replicas.at_mut(place).and_then(Replica::leading_mut);
        if let Some(leading) = leading {
            leading.readers = readers;
        }
    }

    /// Something about the partition changed that every reader must hear, as an error if need be.
    #[cold]
    pub(super) fn wake_sessions_of(&mut self, partition: PartitionId, ctx: &mut Context) {
        let nodes: Vec<_> = self.sessions.all.iter().map(|(node, _)| *node).collect();
        for node in nodes {
            self.wake(node, partition, ctx);
        }
    }

    fn wake(&mut self, node: NodeId, partition: PartitionId, ctx: &mut Context) {
        if let Some(place) = self.sessions.place(node) {
            let session = &mut self.sessions.all[place].1;
            let found = session.list(partition);
            let min_bytes = session.min_bytes;
            if session.parked.is_none() {
                return;
            }
            // What this partition has to give is nearly always enough, or all that there is.
            let session = &self.sessions.all[place].1;
            let mut supply = Supply::default();
            if let Some(reading) = found.and_then(|slot| session.partitions.at(slot)) {
                supply.add(self.available(&reading.position, session));
            }
            let is_all = found.is_some() && session.list.len() == 1;
            if !supply.is_enough(min_bytes) && !is_all {
                supply = self.supply(place);
            }
            if supply.is_enough(min_bytes) {
                self.answer(place, ctx);
            }
        }
    }

    /// What a session's waiting fetch could be given now.
    fn supply(&self, place: usize) -> Supply {
        let mut supply = Supply::default();
        let session = &self.sessions.all[place].1;
        for partition in &session.list {
            if let Some(reading) = session.partitions.get(*partition) {
                supply.add(self.available(&reading.position, session));
            }
        }
        supply
    }

    /// How many bytes a position could be given now; `Err` if it must hear something else at once.
    fn available(&self, position: &FetchPosition, session: &Session) -> Result<u32, ()> {
        let Some(replica) = self.replicas.get(position.partition) else {
            cold_path();
            return Err(());
        };
        check_access(
            replica,
            position,
            session.replica.is_some(),
            session.rack.is_some(),
        )
        .map_err(drop)?;
        if session.replica.is_some() && diverges(replica, position).is_some() {
            return Err(());
        }
        let bound = if session.replica.is_some() {
            replica.log.end()
        } else {
            replica.high_watermark()
        };
        bytes_between(&replica.log, position.offset, bound, session.limits())
    }

    /// Answers a session's waiting fetch with whatever there is.
    fn answer(&mut self, place: usize, ctx: &mut Context) {
        let (node, session) = &mut self.sessions.all[place];
        let node = *node;
        let Some(parked) = session.parked.take() else {
            return;
        };
        let mut list = std::mem::take(&mut session.list);
        let follower = session.replica.map(|(id, _)| id);
        let max_bytes = session.partition_max_bytes;
        let (mut left, mut passed_over) = (session.max_bytes, false);
        let mut response = ctx.world.spare.answer();
        let mut kept = 0;
        for index in 0..list.len() {
            let partition = list[index];
            let session = &self.sessions.all[place].1;
            let found = session.partitions.place(partition);
            let found = found.and_then(|slot| Some((slot, session.partitions.at(slot)?)));
            let Some((slot, reading)) = found else {
                cold_path();
                continue;
            };
            let (position, sent) = (reading.position, reading.sent_high_watermark);
            let before = response.batches.len();
            let replica = self.replicas.get(partition);
            if before > 0 && left < u32::MAX && !has_room(replica, &position, left) {
                cold_path();
                passed_over = true;
                list[kept] = partition;
                kept += 1;
                continue;
            }
            let reader = Reader {
                follower,
                rack: session.rack.as_deref(),
                max_bytes: max_bytes.min(left),
            };
            let (part, high_watermark) = match replica {
                Some(replica) => (
                    self.read(replica, &position, reader, &mut response.batches),
                    replica.high_watermark(),
                ),
                None => (
                    Err(self.refusal(&position, 0, ErrorCode::NotLeaderOrFollower)),
                    0,
                ),
            };
            let batches = match part {
                Ok(batches) => batches,
                Err(part) => {
                    let waits = follower.is_some_and(|id| is_outside_isr(replica, id));
                    if self.note_unread(place, slot, &part, waits) {
                        list[kept] = partition;
                        kept += 1;
                    }
                    response.partitions.push(*part);
                    continue;
                }
            };
            if left < u32::MAX {
                for batch in &response.batches[before..] {
                    left = left.saturating_sub(batch.bytes);
                }
            }
            // A reader that has more to read, or waits to join the ISR, stays on the list.
            let stays =
                batches > 0 || follower.is_some_and(|follower| is_outside_isr(replica, follower));
            if let Some(reading) = self.sessions.all[place].1.partitions.at_mut(slot) {
                reading.sent_high_watermark = high_watermark;
                reading.listed = stays;
            }
            if batches > 0 || high_watermark != sent {
                let read = of_partition(partition, high_watermark, batches);
                response.partitions.push(read);
            }
            if stays {
                list[kept] = partition;
                kept += 1;
            }
        }
        list.truncate(kept);
        if passed_over {
            cold_path();
            // Who got nothing comes first next time (`FetchSession.IncrementalFetchContext`).
            let served = |id: &PartitionId| {
                let mut answered = response.partitions.iter();
                answered.any(|part| part.partition == *id && part.batches > 0)
            };
            list.sort_by_key(served);
        }
        let session = &mut self.sessions.all[place].1;
        session.list = list;
        response.session_epoch = session.epoch;
        let before = ctx.cause;
        ctx.cause = before.or(parked.cause);
        ctx.send(node, parked.correlation, Message::FetchResponse(response));
        ctx.cause = before;
    }

    /// Notes an answer that gives no records. Returns whether the partition stays on the list.
    #[cold]
    fn note_unread(
        &mut self,
        place: usize,
        slot: usize,
        part: &FetchedPartition,
        waits: bool,
    ) -> bool {
        let readings = &mut self.sessions.all[place].1.partitions;
        if part.error.is_some() {
            // The reader asks for it anew when it is ready to.
            readings.remove(part.partition);
            return false;
        }
        if let Some(reading) = readings.at_mut(slot) {
            reading.sent_high_watermark = part.high_watermark;
            reading.listed = waits;
        }
        waits
    }

    /// Reads what a reader at this position gets of a partition. Returns how many batches it is.
    ///
    /// # Errors
    /// What the reader is to hear instead.
    fn read(
        &self,
        replica: &Replica,
        position: &FetchPosition,
        reader: Reader,
        batches: &mut Vec<Batch>,
    ) -> Result<u32, Box<FetchedPartition>> {
        let is_follower = reader.follower.is_some();
        let (log_end, high_watermark) = (replica.log.end(), replica.high_watermark());
        if let Err(error) = check_access(replica, position, is_follower, reader.rack.is_some()) {
            return Err(self.refusal(position, high_watermark, error));
        }
        if is_follower && let Some(diverging) = diverges(replica, position) {
            let mut part = unread(position.partition, high_watermark);
            part.diverging = Some(diverging);
            return Err(part);
        }
        if position.offset > log_end {
            let known = if is_follower { log_end } else { high_watermark };
            let mut part = unread(position.partition, known);
            part.error = Some(ErrorCode::OffsetOutOfRange);
            return Err(part);
        }
        if let (false, Some(rack)) = (is_follower, reader.rack) {
            let preferred = self.replica_in_rack(replica, position, rack);
            if preferred.is_some() {
                let mut part = unread(position.partition, high_watermark);
                part.preferred_replica = preferred;
                return Err(part);
            }
        }
        let bound = if is_follower { log_end } else { high_watermark };
        let before = batches.len();
        let log = &replica.log;
        log.read(position.offset, bound, reader.max_bytes, batches);
        Ok((batches.len() - before) as u32)
    }

    #[cold]
    #[allow(
        clippy::unnecessary_box_returns,
        reason = "`read` fails with it as it is"
    )]
    fn refusal(
        &self,
        position: &FetchPosition,
        high_watermark: Offset,
        error: ErrorCode,
    ) -> Box<FetchedPartition> {
        let mut part = unread(position.partition, high_watermark);
        part.error = Some(error);
        part.leader_hint = self.leader_hint(position.partition);
        part
    }

    /// A follower in the consumer's rack that is in sync and has the position (KIP-392).
    #[cold]
    fn replica_in_rack(
        &self,
        replica: &Replica,
        position: &FetchPosition,
        rack: &str,
    ) -> Option<BrokerId> {
        if !self.settings.is_on(Setting::ReplicaSelectorRackAware)
            || self.rack.as_deref() == Some(rack)
        {
            return None;
        }
        let leading = replica.leading()?;
        let usable = |id: &&BrokerId| {
            **id != self.id
                && self.racks.get(id).is_some_and(|of| &**of == rack)
                && self.image.brokers.get(id).is_some_and(|view| !view.fenced)
                && leading.state.follower(**id).and_then(|state| state.log_end)
                    >= Some(position.offset)
        };
        leading.state.isr().iter().find(usable).copied()
    }

    /// Sets the timer for what waits, unless one is set for sooner.
    pub(super) fn arm_purgatory(&mut self, deadline: Time, ctx: &mut Context) {
        if self.purgatory.timer.is_none_or(|set| deadline < set) {
            self.purgatory.timer = Some(deadline);
            Self::timer(ctx, deadline, BrokerTimer::Purgatory);
        }
    }

    /// Answers everything whose time is up.
    pub(super) fn expire(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        if self.purgatory.timer.is_none_or(|set| set > now) {
            return; // an earlier timer took its place
        }
        self.purgatory.timer = None;
        for place in 0..self.sessions.all.len() {
            let due = |(_, session): &(NodeId, Session)| {
                session
                    .parked
                    .as_ref()
                    .is_some_and(|parked| parked.deadline <= now)
            };
            if self.sessions.all.get(place).is_some_and(due) {
                self.answer(place, ctx);
            }
        }
        self.expire_produce(ctx);
        let next = [
            self.sessions.next_deadline(),
            self.purgatory.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min();
        if let Some(deadline) = next {
            self.arm_purgatory(deadline, ctx);
        }
    }
}

/// What a waiting fetch could be given.
#[derive(Debug, Clone, Copy, Default)]
struct Supply {
    bytes: u32,
    /// There is something that it must hear at once.
    urgent: bool,
}

impl Supply {
    fn add(&mut self, available: Result<u32, ()>) {
        match available {
            Ok(bytes) => self.bytes += bytes,
            Err(()) => self.urgent = true,
        }
    }

    fn is_enough(self, min_bytes: u32) -> bool {
        self.urgent || (self.bytes > 0 && self.bytes >= min_bytes)
    }
}

/// Who reads, and how much of one partition.
#[derive(Debug, Clone, Copy)]
struct Reader<'a> {
    follower: Option<BrokerId>,
    rack: Option<&'a str>,
    max_bytes: u32,
}

/// An answer for one partition without error, with so many batches.
#[inline]
fn of_partition(partition: PartitionId, high_watermark: Offset, batches: u32) -> FetchedPartition {
    FetchedPartition {
        partition,
        error: None,
        high_watermark,
        diverging: None,
        leader_hint: None,
        preferred_replica: None,
        batches,
    }
}

/// An answer for one partition that gives no records.
#[cold]
#[allow(clippy::unnecessary_box_returns, reason = "as above")]
fn unread(partition: PartitionId, high_watermark: Offset) -> Box<FetchedPartition> {
    Box::new(of_partition(partition, high_watermark, 0))
}

/// Whether an answer with so many bytes left takes more of a partition (`fetch.max.bytes`); the first one that has data
/// gives a batch however large it is (KIP-74).
fn has_room(replica: Option<&Replica>, position: &FetchPosition, left: u32) -> bool {
    let first = replica.and_then(|replica| replica.log.first_from(position.offset));
    first.is_none_or(|batch| batch.bytes <= left)
}

fn is_outside_isr(replica: Option<&Replica>, follower: BrokerId) -> bool {
    let leading = replica.and_then(Replica::leading);
    leading.is_some_and(|leading| !leading.state.isr().contains(&follower))
}

/// How many bytes lie from an offset up to `bound`, as far as it matters to a fetch with these limits; `Err` if the
/// offset is not in the log.
#[inline]
fn bytes_between(log: &Log, from: Offset, bound: Offset, limits: Limits) -> Result<u32, ()> {
    if from >= bound {
        return if from > log.end() { Err(()) } else { Ok(0) };
    }
    let first = log.first_from(from);
    let bytes = first
        .filter(|batch| batch.next_offset() <= bound)
        .map_or(0, |batch| batch.bytes.max(1));
    if bytes == 0 || bytes >= limits.min_bytes {
        return Ok(bytes);
    }
    // All that there is counts, as far as it would be given (`DelayedFetch.tryComplete`).
    let mut all = 0u32;
    for batch in log.batches_from(from) {
        if batch.next_offset() > bound || all >= limits.min_bytes {
            break;
        }
        all = all.saturating_add(batch.bytes.max(1));
    }
    Ok(all.min(limits.partition_max_bytes.max(bytes)))
}

/// Whether a reader may read here: leadership and epoch (KIP-320); a consumer that asks a follower names its rack.
fn check_access(
    replica: &Replica,
    position: &FetchPosition,
    is_follower: bool,
    reads_followers: bool,
) -> Result<(), ErrorCode> {
    if !matches!(replica.role, Role::Leader(_)) && (is_follower || !reads_followers) {
        return Err(ErrorCode::NotLeaderOrFollower);
    }
    check_epoch(replica, position)
}

/// Whether the reader's epoch is this leader's (KIP-320).
#[inline]
fn check_epoch(replica: &Replica, position: &FetchPosition) -> Result<(), ErrorCode> {
    if position.current_leader_epoch == replica.record.leader_epoch {
        return Ok(());
    }
    check_other_epoch(replica, position)
}

#[cold]
fn check_other_epoch(replica: &Replica, position: &FetchPosition) -> Result<(), ErrorCode> {
    let asked = Some(position.current_leader_epoch).filter(|epoch| *epoch >= 0);
    check_request_epoch(replica.record.leader_epoch, asked, true, false)
}

/// Where a follower's log parts from this one, if it does before the position.
#[inline]
fn diverges(replica: &Replica, position: &FetchPosition) -> Option<(i32, Offset)> {
    let (epoch, log_end) = (position.last_fetched_epoch, replica.log.end());
    let same = epoch == replica.log.last_epoch() && position.offset <= log_end;
    if epoch < 0 || same {
        return None;
    }
    parts(replica, position)
}

#[cold]
fn parts(replica: &Replica, position: &FetchPosition) -> Option<(i32, Offset)> {
    let (epoch, log_end) = (position.last_fetched_epoch, replica.log.end());
    // A history that is not known here at all shows as an offset out of range when the follower reads.
    divergence(replica.log.epochs(), log_end, epoch, position.offset)
        .ok()
        .flatten()
}
