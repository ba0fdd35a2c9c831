//! A consumer: its poll loop, its membership in a group, its fetches, its work
//! on records and its commits.
//!
//! A state machine of two threads, as in the Java client: the application,
//! which polls and works, and the heartbeat thread. Messages and timers go in;
//! requests, timers and notes come out as [`Effect`]s, which the cluster
//! carries out. It knows of brokers and groups only what it is told.
//!
//! Source: `ClassicKafkaConsumer`, `ConsumerCoordinator`,
//! `AbstractCoordinator`, `Fetcher`, `SubscriptionState`; KIP-62, KIP-320,
//! KIP-345, KIP-392, KIP-429.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::group::assignors::Assignor;
use super::group::event::GroupEvent;
use super::message::{FetchRequest, JoinGroupResponse, PartitionLeader};
use super::node::{PartitionId, PartitionMap, TopicId};
use super::spare::Pool;
use super::time::Time;
use super::types::{BrokerId, ErrorCode, LeaderEpoch, Offset};

mod config;
mod effect;
mod fetching;
mod membership;
mod request;
mod work;

pub use config::{Commits, ConsumerConfig, ResetPolicy};
pub use effect::{ConsumerTimer, Effect, Env, Note};
pub use work::Work;

use request::{About, CommitKind, Request};

/// Where a consumer stands in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// Not a member.
    Unjoined,
    /// It commits what it has before it joins.
    CommittingFirst,
    /// JoinGroup is sent.
    Joining,
    /// SyncGroup is sent.
    Syncing,
    /// It has its assignment.
    Stable,
    /// Another one took its `group.instance.id`, or a setting makes going on
    /// impossible.
    Failed,
}

/// What the application does.
#[derive(Debug, Clone, PartialEq)]
enum App {
    /// Not started, or closed.
    Off,
    /// In poll(), waiting for records or a rebalance.
    Polling,
    /// commitSync() before or after work waits for its answer.
    Committing {
        /// Work that follows, if it commits before processing.
        then: Option<Box<Work>>,
    },
    /// Works on records.
    Working(Box<Work>),
    /// A record is being written to another topic.
    SendingOn(Box<Work>),
}

/// Where a consumer is in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// It must ask the group for its commit.
    Unknown,
    /// It must reset.
    Reset {
        why: super::group::event::ResetReason,
    },
    /// It must check that its history is still the leader's (KIP-320).
    Validate { offset: Offset, epoch: LeaderEpoch },
    /// It fetches from here.
    At { offset: Offset, epoch: LeaderEpoch },
    /// It cannot go on: `auto.offset.reset = none`.
    Failed,
}

/// Records that were fetched and not handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chunk {
    first: Offset,
    count: u64,
    epoch: LeaderEpoch,
}

/// A partition that this consumer has.
#[derive(Debug, Clone)]
struct Assigned {
    position: Position,
    /// The leader's epoch when the position was last checked.
    checked_epoch: LeaderEpoch,
    /// Fetched and not handed over, in order.
    buffered: std::collections::VecDeque<Chunk>,
    /// Its place in the line of fetched partitions: poll() hands over in the order in which fetches came.
    line: u64,
    /// The next record to hand over, and the epoch of the last handed over: what a commit says.
    handed: Option<(Offset, LeaderEpoch)>,
    /// A request for its position is under way.
    asking: bool,
    /// A fetch is under way, to this broker.
    fetching: Option<BrokerId>,
    /// `consumer.pause()`
    paused: bool,
    /// A replica in its rack, and until when to use it (KIP-392).
    preferred: Option<(BrokerId, Time)>,
    /// The high watermark as last seen.
    high_watermark: Offset,
}

impl Assigned {
    fn new() -> Self {
        Self {
            position: Position::Unknown,
            checked_epoch: -1,
            buffered: std::collections::VecDeque::new(),
            line: 0,
            handed: None,
            asking: false,
            fetching: None,
            paused: false,
            preferred: None,
            high_watermark: 0,
        }
    }

    /// Goes to another position. What was fetched from the old one, or is on its way, is of no use any more
    /// (`FetchCollector.fetchRecords`).
    fn move_to(&mut self, position: Position) {
        self.position = position;
        self.buffered.clear();
        self.fetching = None;
    }
}

/// A consumer.
#[derive(Debug, Clone)]
pub struct Consumer {
    config: ConsumerConfig,
    // What it knows of the cluster.
    brokers: Vec<BrokerId>,
    leaders: PartitionMap<PartitionLeader>,
    topic_sizes: BTreeMap<TopicId, u32>,
    metadata_at: Option<Time>,
    metadata_wanted: bool,
    next_broker: usize,
    // Requests.
    /// Those without an answer yet, by number, in the order in which they were sent.
    requests: Vec<(u32, Request)>,
    next_correlation: u32,
    retry_at: Option<Time>,
    // Membership.
    membership: Membership,
    coordinator: Option<BrokerId>,
    member_id: Arc<str>,
    generation: i32,
    protocol: Option<Assignor>,
    rejoin: bool,
    /// Its partitions are no longer its own (generation lost).
    lost: Option<ErrorCode>,
    /// An assignment that came while the application worked; poll() takes it.
    arrived: Option<Arc<[PartitionId]>>,
    /// What a sticky assignor remembers of its last assignment.
    remembered: (Vec<PartitionId>, i32),
    assigned: PartitionMap<Assigned>,
    /// The leader's memory of partition counts, to notice changes.
    assigned_sizes: BTreeMap<TopicId, u32>,
    /// The leader's watch on what other members subscribe to and itself does not (`groupSubscription`).
    group_topics: BTreeSet<Arc<str>>,
    /// It leads and waits for the metadata of those before it computes the assignment.
    electing: Option<Box<JoinGroupResponse>>,
    /// Since when it has been getting ready to join: it tries to commit first, for at most `max.poll.interval.ms`.
    preparing: Option<Time>,
    // The application.
    app: App,
    last_poll: Time,
    next_auto_commit: Time,
    work_serial: u64,
    /// Counts partitions that a fetch brought records of.
    line_end: u64,
    heartbeat_on: bool,
    /// When the heartbeat thread's turn is; other wake-ups are of an earlier membership.
    heartbeat_at: Option<Time>,
    /// When a heartbeat was last answered well.
    heard: Time,
    paused: BTreeSet<PartitionId>,
    /// Counts finished records.
    finished: u64,
    /// Lists and finished work, to be used again.
    spare: Spares,
}

/// Emptied things that a consumer needs at each poll.
#[derive(Debug, Clone, Default)]
struct Spares {
    /// Fetched partitions in line.
    lines: Pool<Vec<(u64, PartitionId)>>,
    /// Fetches to send.
    fetches: Pool<Vec<(BrokerId, Box<FetchRequest>)>>,
    work: Pool<Box<Work>>,
}

impl Consumer {
    /// A consumer that has not started. `brokers` are its bootstrap servers.
    pub fn new(config: ConsumerConfig, brokers: Vec<BrokerId>) -> Self {
        Self {
            config,
            brokers,
            leaders: PartitionMap::default(),
            topic_sizes: BTreeMap::new(),
            metadata_at: None,
            metadata_wanted: true,
            next_broker: 0,
            requests: Vec::new(),
            next_correlation: 0,
            retry_at: None,
            membership: Membership::Unjoined,
            coordinator: None,
            member_id: Arc::default(),
            generation: -1,
            protocol: None,
            rejoin: true,
            lost: None,
            arrived: None,
            remembered: (Vec::new(), -1),
            assigned: PartitionMap::default(),
            assigned_sizes: BTreeMap::new(),
            group_topics: BTreeSet::new(),
            electing: None,
            preparing: None,
            app: App::Off,
            last_poll: Time::ZERO,
            next_auto_commit: Time::ZERO,
            work_serial: 0,
            line_end: 0,
            heartbeat_on: false,
            heartbeat_at: None,
            heard: Time::ZERO,
            paused: BTreeSet::new(),
            finished: 0,
            spare: Spares::default(),
        }
    }

    /// Its settings.
    pub fn config(&self) -> &ConsumerConfig {
        &self.config
    }

    /// Changes what its application does from the next record on.
    pub fn reconfigure(&mut self, change: impl FnOnce(&mut ConsumerConfig)) {
        change(&mut self.config);
    }

    /// Where it stands in its group.
    pub fn membership(&self) -> Membership {
        self.membership
    }

    /// Its generation, or −1.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// Its member id; empty before it has one.
    pub fn member_id(&self) -> &Arc<str> {
        &self.member_id
    }

    /// Whether it runs.
    pub fn is_on(&self) -> bool {
        self.app != App::Off
    }

    /// How many records it finished.
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// The partitions it has.
    pub fn assignment(&self) -> impl Iterator<Item = PartitionId> + '_ {
        self.assigned.keys().iter().copied()
    }

    /// Its position in a partition: the next record poll() returns.
    pub fn position(&self, partition: PartitionId) -> Option<Offset> {
        self.assigned
            .get(partition)?
            .handed
            .map(|(offset, _)| offset)
    }

    /// `records-lag`: how far its position is behind the high watermark it
    /// last saw.
    pub fn lag(&self, partition: PartitionId) -> Option<u64> {
        let assigned = self.assigned.get(partition)?;
        let (offset, _) = assigned.handed?;
        Some(super::group::lag::consumer_lag(
            assigned.high_watermark,
            offset,
        ))
    }

    /// Starts polling.
    pub fn start(&mut self, env: &mut Env) {
        if self.is_on() {
            return;
        }
        env.tell(GroupEvent::ConsumerStarted {
            consumer: Arc::clone(&self.config.name),
            group: Arc::clone(&self.config.group),
            settings: self.describe(),
        });
        env.wake(env.now + Time::secs(1), ConsumerTimer::Tick);
        self.next_auto_commit = env.now;
        if let Commits::Auto { interval } = self.config.commits {
            self.next_auto_commit += interval;
        }
        self.poll(env);
    }

    fn describe(&self) -> String {
        let names: Vec<&str> = self
            .config
            .assignors
            .iter()
            .map(|assignor| assignor.name())
            .collect();
        let commits = match self.config.commits {
            Commits::Auto { interval } => format!("auto-commit every {}", interval.span()),
            Commits::AfterProcessing => "commits after processing".to_owned(),
            Commits::BeforeProcessing => "commits before processing".to_owned(),
            Commits::Never => "never commits".to_owned(),
        };
        let member = match &self.config.group_instance_id {
            Some(instance) => format!("static member {instance}"),
            None => "dynamic member".to_owned(),
        };
        format!("{member}, {}, {commits}", names.join(" or "))
    }

    /// Closes: commits if it auto-commits, gives its partitions up and, if
    /// dynamic, leaves the group. Records that poll() returned count as done
    /// for the commit, finished or not: closing in the middle of the work
    /// with auto-commit on loses them.
    pub fn close(&mut self, env: &mut Env) {
        if !self.is_on() {
            return;
        }
        self.abandon_work(env);
        if matches!(self.config.commits, Commits::Auto { .. })
            && self.membership == Membership::Stable
        {
            self.commit(env, CommitKind::Auto);
        }
        self.leave(env);
        self.release_all(env);
        env.tell(GroupEvent::ConsumerStopped {
            consumer: Arc::clone(&self.config.name),
            group: Arc::clone(&self.config.group),
        });
        self.reset();
    }

    /// Its process dies: nothing is committed, nobody is told.
    pub fn kill(&mut self, env: &mut Env) {
        if !self.is_on() {
            return;
        }
        let unfinished = self.abandon_work(env);
        self.release_all(env);
        env.tell(GroupEvent::ConsumerKilled {
            consumer: Arc::clone(&self.config.name),
            group: Arc::clone(&self.config.group),
            unfinished,
        });
        self.reset();
    }

    fn release_all(&mut self, env: &mut Env) {
        for partition in self.assigned.keys() {
            env.note(Note::Released {
                partition: *partition,
            });
        }
        self.assigned.clear();
    }

    fn reset(&mut self) {
        let serial = self.work_serial + 1;
        let correlation = self.next_correlation;
        let finished = self.finished;
        *self = Self::new(self.config.clone(), std::mem::take(&mut self.brokers));
        self.work_serial = serial;
        self.next_correlation = correlation;
        self.finished = finished;
    }

    /// `consumer.pause()` and `resume()` for a partition: poll() goes on, but
    /// returns none of its records. A rebalance that takes it away ends it.
    pub fn set_paused(&mut self, partition: PartitionId, paused: bool, env: &mut Env) {
        if paused {
            self.paused.insert(partition);
        } else {
            self.paused.remove(&partition);
        }
        if let Some(assigned) = self.assigned.get_mut(partition) {
            assigned.paused = paused;
        }
        if self.app == App::Polling {
            self.drive(env);
        }
    }

    /// A timer fired.
    pub fn wake(&mut self, timer: ConsumerTimer, env: &mut Env) {
        if !self.is_on() {
            return;
        }
        match timer {
            ConsumerTimer::Work { serial } if serial == self.work_serial => self.work_turn(env),
            ConsumerTimer::Work { .. } => {}
            timer => self.wake_rare(timer, env),
        }
    }

    /// A timer fired that does not end work.
    #[cold]
    fn wake_rare(&mut self, timer: ConsumerTimer, env: &mut Env) {
        match timer {
            ConsumerTimer::Heartbeat if self.heartbeat_at.is_some_and(|at| at <= env.now) => {
                self.heartbeat_at = None;
                self.heartbeat_turn(env);
            }
            ConsumerTimer::Heartbeat => {}
            ConsumerTimer::Tick => self.tick(env),
            ConsumerTimer::Retry => {
                if self.retry_at.is_some_and(|at| at <= env.now) {
                    self.retry_at = None;
                    self.go_on(env);
                }
            }
            ConsumerTimer::Work { .. } => {}
        }
    }

    /// Continues what waits: poll(), a commitSync(), a record on its way to
    /// another topic.
    fn go_on(&mut self, env: &mut Env) {
        match self.app {
            App::Polling => self.drive(env),
            App::Committing { .. } => self.commit_again(env),
            App::SendingOn(_) => self.send_on_again(env),
            App::Off | App::Working(_) => {}
        }
    }

    /// A request got no answer.
    #[cold]
    fn failed(&mut self, request: Request, env: &mut Env) {
        self.metadata_wanted = true;
        match request.about {
            About::Metadata | About::Coordinator | About::Leave => {}
            About::Join | About::Sync => {
                self.coordinator = None;
                self.membership = Membership::Unjoined;
                self.rejoin = true;
            }
            About::Heartbeat => self.coordinator = None,
            About::Commit { kind } => {
                self.coordinator = None;
                self.committed(kind, Some(ErrorCode::NetworkException), env);
            }
            About::Committed(asked) => {
                self.coordinator = None;
                self.stop_asking(&asked);
            }
            About::Offsets(asked) | About::Epochs(asked) => self.stop_asking(&asked),
            About::Fetch(asked) => {
                for partition in asked {
                    if let Some(assigned) = self.assigned.get_mut(partition) {
                        assigned.fetching = None;
                        assigned.preferred = None;
                    }
                }
            }
            About::Produce => self.sent_on(Some(ErrorCode::NetworkException), env),
        }
        self.retry_later(env);
    }

    fn stop_asking(&mut self, partitions: &[PartitionId]) {
        for partition in partitions {
            if let Some(assigned) = self.assigned.get_mut(*partition) {
                assigned.asking = false;
            }
        }
    }

    fn tick(&mut self, env: &mut Env) {
        env.wake(env.now + Time::secs(1), ConsumerTimer::Tick);
        let timeout = self.config.request_timeout;
        let late: Vec<u32> = self
            .requests
            .iter()
            .filter(|(_, request)| {
                // JoinGroup may wait for a whole rebalance.
                let patience = match request.about {
                    About::Join => timeout.max(self.config.max_poll_interval + Time::secs(5)),
                    _ => timeout,
                };
                env.now.since(request.sent) > patience
            })
            .map(|(number, _)| *number)
            .collect();
        for number in late {
            if let Some(request) = self.answered(number) {
                self.failed(request, env);
            }
        }
        if self.electing.is_some() {
            self.refresh_metadata(env);
        }
        let age = self.metadata_at.map(|at| env.now.since(at));
        if age.is_none_or(|age| age >= self.config.metadata_max_age) {
            self.metadata_wanted = true;
        }
        self.go_on(env);
    }

    fn retry_later(&mut self, env: &mut Env) {
        let at = env.now + self.config.retry_backoff;
        if self
            .retry_at
            .is_none_or(|planned| planned < env.now || planned > at)
        {
            self.retry_at = Some(at);
            env.wake(at, ConsumerTimer::Retry);
        }
    }

    fn any_broker(&mut self) -> Option<BrokerId> {
        self.next_broker = self.next_broker.wrapping_add(1);
        let count = self.brokers.len();
        self.brokers
            .get(self.next_broker.checked_rem(count)?)
            .copied()
    }

    /// poll() is called.
    fn poll(&mut self, env: &mut Env) {
        self.last_poll = env.now;
        self.app = App::Polling;
        self.drive(env);
    }

    /// Everything poll() does, as far as it gets without waiting.
    fn drive(&mut self, env: &mut Env) {
        if self.app != App::Polling || self.membership == Membership::Failed {
            return;
        }
        // As long as it waits inside poll(), it polls.
        self.last_poll = env.now;
        self.refresh_metadata(env);
        self.keep_membership(env);
        let outlook = self.look_over();
        if self.membership == Membership::Stable && self.preparing.is_none() {
            self.auto_commit(env);
            if outlook.unsettled {
                self.find_positions(env);
            }
        }
        if outlook.buffered && self.hand_over(env) {
            return;
        }
        if self.membership != Membership::Failed {
            self.fetch(outlook.buffered, env);
        }
    }
}

#[cfg(test)]
mod testbed;
#[cfg(test)]
mod tests;
