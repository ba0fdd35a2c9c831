//! The application's side: records handed over by poll(), the work on them,
//! failures, and commits.
//!
//! Source: `ConsumerCoordinator` (commits), the Kafka documentation on
//! delivery semantics and dead-letter topics for the patterns.

use std::collections::VecDeque;
use std::hint::cold_path;
use std::sync::Arc;

use super::super::group::event::GroupEvent;
use super::super::message::{Batch, Message, ProducedBatch, Records};
use super::super::node::PartitionId;
use super::super::spec::OnFailure;
use super::super::time::Time;
use super::super::types::{ErrorCode, LeaderEpoch, Offset};
use super::{
    About, App, CommitKind, Commits, Consumer, ConsumerTimer, Env, Membership, Note, Position,
};

/// Consecutive records of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    partition: PartitionId,
    first: Offset,
    count: u64,
}

/// What a poll returned and the application works on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Work {
    items: VecDeque<Item>,
    started: Time,
    /// When what is under way is done.
    ends: Time,
    per_record: Time,
    /// Each record on its own, because some may fail.
    stepwise: bool,
    /// Attempts at the current record so far.
    attempt: u32,
}

impl Work {
    fn remaining(&self) -> u64 {
        self.items.iter().map(|item| item.count).sum()
    }
}

impl Consumer {
    /// poll() returns fetched records, if any may be handed over; whether it did.
    pub(super) fn hand_over(&mut self, env: &mut Env) -> bool {
        if self.revokes_all() {
            return false;
        }
        let mut room = u64::from(self.config.max_poll_records);
        let mut line = self.spare.lines.list();
        line.extend(
            self.assigned
                .iter()
                .filter(|(_, assigned)| !assigned.paused && !assigned.buffered.is_empty())
                .map(|(partition, assigned)| (assigned.line, partition)),
        );
        if line.is_empty() {
            cold_path();
            self.spare.lines.give(line);
            return false;
        }
        line.sort_unstable();
        let mut work = self.spare.work.take().unwrap_or_else(|| {
            cold_path();
            Box::default()
        });
        let items = &mut work.items;
        for (_, partition) in &line {
            let Some(assigned) = self.assigned.get_mut(*partition) else {
                cold_path();
                continue;
            };
            while room > 0
                && let Some(chunk) = assigned.buffered.front_mut()
            {
                let count = chunk.count.min(room);
                match items.back_mut() {
                    // What several fetches brought is one stretch to the application.
                    Some(Item {
                        partition: last,
                        first,
                        count: known,
                    }) if last == partition && *first + *known == chunk.first => *known += count,
                    _ => items.push_back(Item {
                        partition: *partition,
                        first: chunk.first,
                        count,
                    }),
                }
                assigned.handed = Some((chunk.first + count, chunk.epoch));
                room -= count;
                chunk.first += count;
                chunk.count -= count;
                if chunk.count == 0 {
                    assigned.buffered.pop_front();
                }
            }
        }
        self.spare.lines.done(line);
        if work.items.is_empty() {
            cold_path();
            self.spare.work.give(work);
            return false; // poll() may return no record at all (`max.poll.records`)
        }
        // The next fetches are under way while the application works.
        self.fetch(true, env);
        let risky = self.config.failure_rate > 0.0 || self.any_poison(&work.items);
        work.started = env.now;
        work.per_record = self.config.processing;
        work.stepwise = risky;
        work.attempt = 0;
        if self.config.commits == Commits::BeforeProcessing {
            self.app = App::Committing { then: Some(work) };
            self.commit(env, CommitKind::Sync);
        } else {
            self.begin(work, env);
        }
        true
    }

    fn any_poison(&self, items: &VecDeque<Item>) -> bool {
        let known = !self.config.poison.is_empty() || self.config.poison_every.is_some();
        known && items.iter().any(|item| self.has_poison(item))
    }

    fn has_poison(&self, item: &Item) -> bool {
        let (first, end) = (
            (item.partition, item.first),
            (item.partition, item.first + item.count),
        );
        let named = self.config.poison.range(first..end).next().is_some();
        named
            || self.config.poison_every.is_some_and(|every| {
                every > 0
                    && (item.first.max(1)..item.first + item.count)
                        .any(|offset| offset.is_multiple_of(every))
            })
    }

    fn is_poison(&self, partition: PartitionId, offset: Offset) -> bool {
        let every = self.config.poison_every;
        self.config.poison.contains(&(partition, offset))
            || every.is_some_and(|every| every > 0 && offset > 0 && offset.is_multiple_of(every))
    }

    fn begin(&mut self, work: Box<Work>, env: &mut Env) {
        self.begin_after(Time::ZERO, work, env);
    }

    fn begin_after(&mut self, pause: Time, mut work: Box<Work>, env: &mut Env) {
        work.started = env.now;
        work.per_record = self.config.processing;
        let records = if work.stepwise { 1 } else { work.remaining() };
        let span = Time(work.per_record.0.saturating_mul(records));
        work.ends = env.now + pause + span;
        self.work_until_it_ends(work, env);
    }

    fn work_until_it_ends(&mut self, work: Box<Work>, env: &mut Env) {
        self.work_serial += 1;
        let serial = self.work_serial;
        env.wake(work.ends, ConsumerTimer::Work { serial });
        self.app = App::Working(work);
    }

    /// Its process has stood still for so long: the work that was under way ends as much later.
    pub fn stood_still(&mut self, long: Time, env: &mut Env) {
        match std::mem::replace(&mut self.app, App::Off) {
            App::Working(mut work) => {
                work.started += long;
                work.ends += long;
                self.work_until_it_ends(work, env);
            }
            app => self.app = app,
        }
    }

    pub(super) fn work_turn(&mut self, env: &mut Env) {
        let App::Working(mut work) = std::mem::replace(&mut self.app, App::Polling) else {
            return;
        };
        if work.stepwise {
            return self.step(work, env);
        }
        while let Some(item) = work.items.pop_front() {
            self.finish(item, env);
        }
        self.spare.work.give(work);
        self.work_done(env);
    }

    fn finish(&mut self, item: Item, env: &mut Env) {
        self.finished += item.count;
        let Item {
            partition,
            first,
            count,
        } = item;
        env.note(Note::Processed {
            partition,
            first,
            count,
        });
    }

    fn work_done(&mut self, env: &mut Env) {
        if self.config.commits == Commits::AfterProcessing {
            self.app = App::Committing { then: None };
            self.commit(env, CommitKind::Sync);
        } else {
            self.poll(env);
        }
    }

    /// One record's attempt is over.
    fn step(&mut self, mut work: Box<Work>, env: &mut Env) {
        let Some(item) = work.items.front().copied() else {
            return self.work_done(env);
        };
        let offset = item.first;
        let poison = self.is_poison(item.partition, offset);
        work.attempt += 1;
        if !poison && !env.rng.chance(self.config.failure_rate) {
            let done = Item { count: 1, ..item };
            self.finish(done, env);
            return self.next_record(work, env);
        }
        let partition = env.names.tp(item.partition).to_string();
        if work.attempt <= 3 {
            env.tell(GroupEvent::RecordFailed {
                consumer: Arc::clone(&self.config.name),
                partition: partition.clone(),
                offset,
                attempt: work.attempt,
                poison,
            });
        }
        match &self.config.on_failure {
            OnFailure::Skip { attempts } if work.attempt >= *attempts => {
                let consumer = Arc::clone(&self.config.name);
                env.tell(GroupEvent::RecordSkipped {
                    consumer,
                    partition,
                    offset,
                });
                env.note(Note::GaveUp {
                    partition: item.partition,
                    offset,
                });
                self.next_record(work, env);
            }
            OnFailure::SendTo { attempts, .. } if work.attempt >= *attempts => {
                self.app = App::SendingOn(work);
                self.send_on_again(env);
            }
            _ => {
                // Work that takes no time would be tried for ever at one moment.
                let pause = if self.config.processing == Time::ZERO {
                    self.config.retry_pause.max(self.config.retry_backoff)
                } else {
                    self.config.retry_pause
                };
                self.begin_after(pause, work, env);
            }
        }
    }

    fn next_record(&mut self, mut work: Box<Work>, env: &mut Env) {
        work.attempt = 0;
        if let Some(item) = work.items.front_mut() {
            item.first += 1;
            item.count -= 1;
            if item.count == 0 {
                work.items.pop_front();
            }
        }
        if work.items.is_empty() {
            self.work_done(env);
        } else {
            self.begin(work, env);
        }
    }

    /// The records of a partition that the application has and has not finished.
    pub fn holds(&self, partition: PartitionId) -> impl Iterator<Item = (Offset, Offset)> + '_ {
        let work = match &self.app {
            App::Working(work) | App::SendingOn(work) | App::Committing { then: Some(work) } => {
                Some(work)
            }
            _ => None,
        };
        let items = work.into_iter().flat_map(|work| &work.items);
        items
            .filter(move |item| item.partition == partition)
            .map(|item| (item.first, item.first + item.count))
    }

    /// Its process dies: what it had finished so far counts; the rest is
    /// returned as a number.
    pub(super) fn abandon_work(&mut self, env: &mut Env) -> u64 {
        match std::mem::replace(&mut self.app, App::Off) {
            App::Working(mut work) => {
                if !work.stepwise && work.per_record > Time::ZERO {
                    let mut done = env.now.since(work.started).0 / work.per_record.0;
                    while done > 0
                        && let Some(item) = work.items.front_mut()
                    {
                        let count = item.count.min(done);
                        let part = Item { count, ..*item };
                        item.first += count;
                        item.count -= count;
                        done -= count;
                        if item.count == 0 {
                            work.items.pop_front();
                        }
                        self.finish(part, env);
                    }
                }
                work.remaining()
            }
            App::SendingOn(work) | App::Committing { then: Some(work) } => work.remaining(),
            _ => 0,
        }
    }

    // Retry and dead-letter topics.

    /// Writes the current record to the other topic, if that is not under way.
    #[cold]
    pub(super) fn send_on_again(&mut self, env: &mut Env) {
        let App::SendingOn(work) = &self.app else {
            return;
        };
        let Some(source) = work.items.front().map(|item| item.partition) else {
            return;
        };
        if self.waits_for(|about| *about == About::Produce)
            || self.retry_at.is_some_and(|at| at > env.now)
        {
            return;
        }
        self.refresh_metadata(env);
        let Some(target) = self.target(source, env) else {
            return self.sent_on(Some(ErrorCode::UnknownTopicOrPartition), env);
        };
        let leader = self.leaders.get(target).and_then(|known| known.leader);
        let Some(broker) = leader.or_else(|| self.any_broker()) else {
            return;
        };
        let batch = Batch {
            base_offset: 0,
            count: 1,
            bytes: 100,
            leader_epoch: -1,
            producer_id: -1,
            producer_epoch: -1,
            first_sequence: -1,
            created: env.now,
            records: Records::Summary,
        };
        let batches = vec![ProducedBatch {
            partition: target,
            batch,
        }];
        let timeout = self.config.request_timeout;
        self.send(
            broker,
            About::Produce,
            Message::ProduceRequest {
                acks: -1,
                timeout,
                batches,
            },
            env,
        );
    }

    /// The partition of the other topic with the number that the record's own has, or the first if there are fewer.
    fn target(&self, source: PartitionId, env: &Env) -> Option<PartitionId> {
        let OnFailure::SendTo { topic, .. } = &self.config.on_failure else {
            return None;
        };
        let number = env.names.tp(source).partition;
        let same = env.names.partition(topic, number);
        same.or_else(|| env.names.partition(topic, 0))
    }

    #[cold]
    pub(super) fn sent_on(&mut self, error: Option<ErrorCode>, env: &mut Env) {
        if error.is_some() {
            // Another broker may lead the topic.
            self.metadata_wanted = true;
            return self.retry_later(env);
        }
        let App::SendingOn(work) = std::mem::replace(&mut self.app, App::Polling) else {
            return;
        };
        if let (Some(item), OnFailure::SendTo { topic, .. }) =
            (work.items.front(), &self.config.on_failure)
        {
            let event = GroupEvent::RecordSentOn {
                consumer: Arc::clone(&self.config.name),
                partition: env.names.tp(item.partition).to_string(),
                offset: item.first,
                to: topic.as_str().into(),
            };
            let done = Item { count: 1, ..*item };
            env.tell(event);
            self.finish(done, env);
        }
        self.next_record(work, env);
    }

    // Commits.

    /// Its positions in all its partitions, whether they have moved since the last commit or not
    /// (`SubscriptionState.allConsumed`).
    fn to_commit(&self) -> Vec<(PartitionId, Offset, LeaderEpoch)> {
        self.assigned
            .iter()
            .filter_map(|(partition, assigned)| {
                let (offset, epoch) = assigned.handed?;
                Some((partition, offset, epoch))
            })
            .collect()
    }

    pub(super) fn has_positions(&self) -> bool {
        self.assigned
            .iter()
            .any(|(_, assigned)| assigned.handed.is_some())
    }

    pub(super) fn auto_commit(&mut self, env: &mut Env) {
        if let Commits::Auto { interval } = self.config.commits
            && env.now >= self.next_auto_commit
        {
            self.next_auto_commit = env.now + interval;
            self.commit(env, CommitKind::Auto);
        }
    }

    /// Commits what poll() has returned. (Inside poll() that is what earlier
    /// polls returned, and the application is done with it.)
    #[cold]
    pub(super) fn commit(&mut self, env: &mut Env, kind: CommitKind) {
        let offsets = self.to_commit();
        if offsets.is_empty() {
            return self.committed(kind, None, env);
        }
        let valid = matches!(
            self.membership,
            Membership::Stable | Membership::CommittingFirst
        ) || (self.generation >= 0 && self.lost.is_none());
        if !valid {
            self.tell_commit_failed(None, env);
            self.no_member_any_more(ErrorCode::UnknownMemberId);
            return self.commit_over(kind, false, false, env);
        }
        if !self.find_coordinator(env) {
            if kind != CommitKind::Sync {
                self.committed(kind, Some(ErrorCode::CoordinatorNotAvailable), env);
            }
            return;
        }
        if let Some(coordinator) = self.coordinator {
            let member = Box::new(self.identity());
            self.send(
                coordinator,
                About::Commit { kind },
                Message::OffsetCommitRequest { member, offsets },
                env,
            );
        }
    }

    /// commitSync() still waits: tries again if nothing is under way.
    #[cold]
    pub(super) fn commit_again(&mut self, env: &mut Env) {
        let waiting = self.waits_for(|about| {
            matches!(
                about,
                About::Commit {
                    kind: CommitKind::Sync,
                    ..
                }
            )
        });
        if !waiting && self.retry_at.is_none_or(|at| at <= env.now) {
            self.commit(env, CommitKind::Sync);
        }
    }

    #[cold]
    pub(super) fn committed(&mut self, kind: CommitKind, error: Option<ErrorCode>, env: &mut Env) {
        let passing = matches!(
            error,
            Some(
                ErrorCode::NotCoordinator
                    | ErrorCode::CoordinatorNotAvailable
                    | ErrorCode::CoordinatorLoadInProgress
                    | ErrorCode::NetworkException
            )
        );
        if passing {
            self.coordinator = None;
            self.retry_later(env);
        } else if let Some(error) = error {
            self.commit_refused(error, env);
        }
        self.commit_over(kind, error.is_none(), passing, env);
    }

    /// A commit succeeded, failed, or failed for something that passes.
    fn commit_over(&mut self, kind: CommitKind, success: bool, passing: bool, env: &mut Env) {
        match kind {
            // It does not wait for a whole interval (`ConsumerCoordinator.autoCommitOffsetsAsync`).
            CommitKind::Auto if passing => {
                self.next_auto_commit = env.now + self.config.retry_backoff;
            }
            CommitKind::Auto => {}
            CommitKind::BeforeJoin => {
                if self.membership == Membership::CommittingFirst {
                    // What passes is tried again before it joins, as long as there is time.
                    let until = self
                        .preparing
                        .map(|since| since + self.config.max_poll_interval);
                    let again = passing && until.is_some_and(|until| env.now < until);
                    self.membership = if again {
                        Membership::Stable
                    } else {
                        Membership::Unjoined
                    };
                }
            }
            CommitKind::Sync if passing => {}
            CommitKind::Sync => self.commit_sync_done(success, env),
        }
    }

    fn commit_refused(&mut self, error: ErrorCode, env: &mut Env) {
        self.tell_commit_failed(Some(error), env);
        match error {
            ErrorCode::RebalanceInProgress => self.rejoin = true,
            ErrorCode::FencedInstanceId => self.fail(error, env),
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => {
                self.no_member_any_more(error);
            }
            _ => {}
        }
    }

    fn tell_commit_failed(&self, error: Option<ErrorCode>, env: &mut Env) {
        env.tell(GroupEvent::CommitFailed {
            consumer: Arc::clone(&self.config.name),
            error,
        });
    }

    fn no_member_any_more(&mut self, error: ErrorCode) {
        if !matches!(self.membership, Membership::Joining | Membership::Syncing) {
            self.lose_generation(error);
        }
    }

    /// commitSync() returned or threw. Records that were to be processed after
    /// a commit that failed are not processed: the consumer goes back to them.
    fn commit_sync_done(&mut self, success: bool, env: &mut Env) {
        let App::Committing { then } = std::mem::replace(&mut self.app, App::Polling) else {
            return;
        };
        match then {
            Some(work) if success => self.begin(work, env),
            Some(work) => {
                for item in work.items.iter().rev() {
                    if let Some(assigned) = self.assigned.get_mut(item.partition) {
                        assigned.move_to(Position::At {
                            offset: item.first,
                            epoch: -1,
                        });
                        assigned.handed = Some((item.first, -1));
                    }
                }
                self.poll(env);
            }
            None => self.poll(env),
        }
    }
}
