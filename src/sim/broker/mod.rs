//! What one broker keeps and decides: its logs, its view as a leader, what it remembers of producers.
//!
//! [`Broker`] handles every message and timer of one broker process. Producing, serving fetches, following other
//! leaders and replaying metadata are in the files beside it; the rules of replication are pure state machines in
//! [`partition_state`], [`epoch_cache`] and [`producer_state`].

pub mod epoch_cache;
mod fetch_session;
mod fetcher;
pub mod groups;
mod image;
mod lifecycle;
pub mod log;
mod metadata;
mod offsets;
pub mod partition_state;
mod produce;
pub mod producer_state;
pub mod reading;
pub mod reconcile;
mod replica;
mod serve;
mod watermark;

pub use groups::OFFSETS_TOPIC;
pub use image::Image;
pub use lifecycle::Ending;
pub use replica::{Leading, Replica, Role};

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::{Context, Timer};
use super::group::coordinator::Coordinator;
use super::message::Message;
use super::node::{NodeId, PartitionId, PartitionMap};
use super::settings::{Setting, Settings};
use super::spec::DiskSpec;
use super::time::Time;
use super::types::{BrokerEpoch, BrokerId, ErrorCode};
use fetch_session::Sessions;
use fetcher::Fetcher;
use produce::Purgatory;

/// How often silent producers are looked for: `producer.id.expiration.check.interval.ms`, an internal setting.
const PRODUCER_EXPIRATION_CHECK: Time = Time::secs(600);

/// What a broker asks to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerTimer {
    /// Register with the controller, or send the next heartbeat.
    Heartbeat,
    /// Look whether the controller answered the metadata fetch.
    MetadataFetch,
    /// Look for ISR members that are not caught up.
    ShrinkIsr,
    /// Write the high watermarks to disk.
    Checkpoint,
    /// Forget idempotent producers that have been silent too long.
    ExpireProducers,
    /// Bring dirty pages to disk.
    Flush,
    /// Send a fetch to this leader again.
    Fetch {
        /// The leader.
        leader: BrokerId,
    },
    /// Answer fetches and produce requests whose time is up.
    Purgatory,
    /// Ask the controller for unanswered ISR changes again.
    AlterPartition,
    /// Stop without the controller's leave.
    GiveUpLeave,
    /// A group coordinator's own.
    Group {
        /// Which coordinator: its partition of `__consumer_offsets`.
        partition: PartitionId,
        /// What for.
        timer: super::group::coordinator::GroupTimer,
    },
}

/// How far a broker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its process does not run.
    Down,
    /// It asks the controller to register it.
    Registering,
    /// It is registered, and fenced until it has caught up with the metadata (`STARTING` and `RECOVERY` in Kafka).
    Starting,
    /// It has been unfenced and serves.
    Running,
    /// It has asked to shut down in a controlled way.
    ShuttingDown,
}

/// The broker's disk.
#[derive(Debug, Clone)]
struct Disk {
    spec: DiskSpec,
    factor: u32,
    busy_until: Time,
}

impl Disk {
    /// When an append of so many batches and bytes that starts now is done.
    fn write(&mut self, now: Time, batches: u32, bytes: u64) -> Time {
        let transfer = bytes * 1_000_000 / self.spec.bytes_per_second.max(1);
        let cost = (self.spec.append.0 * u64::from(batches) + transfer) * u64::from(self.factor);
        self.busy_until = self.busy_until.max(now) + Time(cost);
        self.busy_until
    }
}

/// A broker.
#[derive(Debug, Clone)]
pub struct Broker {
    /// `node.id`
    pub id: BrokerId,
    /// Its settings.
    pub settings: Settings,
    /// `broker.rack`
    pub rack: Option<Arc<str>>,
    /// Every broker's rack.
    racks: Arc<BTreeMap<BrokerId, Arc<str>>>,
    /// How far it is.
    pub stage: Stage,
    /// Its registration.
    pub epoch: BrokerEpoch,
    /// What it knows of the cluster.
    pub image: Image,
    /// Whether it acts on what it knows: not before it has replayed its own registration.
    published: bool,
    /// Its replicas.
    pub replicas: PartitionMap<Replica>,
    /// Replicas that took records since the last flush. (Most partitions of a large cluster are idle, and to look through
    /// all of them at each flush and checkpoint would cost as much as all other work.)
    unflushed: Vec<PartitionId>,
    /// Replicas whose high watermark moved since the last checkpoint.
    uncheckpointed: Vec<PartitionId>,
    controllers: u32,
    /// The controller it believes to be active.
    controller: u32,
    heartbeat_unanswered: Option<u32>,
    /// The metadata fetch under way, or 0.
    metadata_correlation: u32,
    metadata_asked: Time,
    metadata_timer: Option<Time>,
    clean_shutdown: bool,
    correlation: u32,
    /// The correlation id before the first of this life.
    earlier: u32,
    producer_ids: u64,
    disk: Disk,
    fetchers: Vec<Fetcher>,
    sessions: Sessions,
    purgatory: Purgatory,
    alter: lifecycle::AlterQueue,
    /// Writes of group coordinators that are decided: whose, its ticket, and what went wrong.
    coordinator_appends: Vec<(PartitionId, u64, Option<ErrorCode>)>,
    /// The group coordinators that this broker hosts, by partition of `__consumer_offsets`.
    coordinators: PartitionMap<Coordinator>,
}

impl Broker {
    /// A broker that does not run yet.
    pub fn new(
        id: BrokerId,
        settings: Settings,
        racks: Arc<BTreeMap<BrokerId, Arc<str>>>,
        disk: DiskSpec,
        controllers: u32,
    ) -> Broker {
        Broker {
            id,
            settings,
            rack: racks.get(&id).cloned(),
            racks,
            stage: Stage::Down,
            epoch: -1,
            image: Image::default(),
            published: false,
            replicas: PartitionMap::default(),
            unflushed: Vec::new(),
            uncheckpointed: Vec::new(),
            controllers,
            controller: 1,
            heartbeat_unanswered: None,
            metadata_correlation: 0,
            metadata_asked: Time::ZERO,
            metadata_timer: None,
            clean_shutdown: true,
            correlation: 0,
            earlier: 0,
            producer_ids: 0,
            disk: Disk {
                spec: disk,
                factor: 1,
                busy_until: Time::ZERO,
            },
            fetchers: Vec::new(),
            sessions: Sessions::default(),
            purgatory: Purgatory::default(),
            alter: lifecycle::AlterQueue::default(),
            coordinator_appends: Vec::new(),
            coordinators: PartitionMap::default(),
        }
    }

    /// Whether its logs were closed in a controlled way when they were last open.
    pub fn stopped_cleanly(&self) -> bool {
        self.clean_shutdown
    }

    /// How many times slower than usual its disk is.
    pub fn disk_factor(&self) -> u32 {
        self.disk.factor
    }

    /// Slows the disk, or with 1 makes it as fast as ever.
    pub fn set_disk_factor(&mut self, factor: u32, now: Time) {
        self.disk.factor = factor;
        if factor == 1 {
            self.disk.busy_until = self.disk.busy_until.min(now);
        }
    }

    fn next_correlation(&mut self) -> u32 {
        self.correlation = self.correlation.wrapping_add(1);
        self.correlation
    }

    /// Whether an earlier life of this broker asked: the answer would have gone to a connection that is closed.
    fn asked_earlier(&self, correlation: u32) -> bool {
        let behind = self.correlation.wrapping_sub(correlation);
        behind >= self.correlation.wrapping_sub(self.earlier)
    }

    fn timer(ctx: &mut Context, at: Time, timer: BrokerTimer) {
        ctx.set_timer(at, Timer::Broker(timer));
    }

    /// A message arrives.
    pub fn on_message(
        &mut self,
        from: NodeId,
        correlation: u32,
        message: Message,
        ctx: &mut Context,
    ) {
        match message {
            Message::ProduceRequest {
                acks,
                timeout,
                batches,
            } => {
                self.on_produce(from, correlation, acks, timeout, batches, ctx);
            }
            Message::FetchRequest(request) => self.on_fetch(from, correlation, request, ctx),
            Message::FetchResponse(response) => {
                if let NodeId::Broker(leader) = from {
                    self.on_fetch_response(leader, correlation, response, ctx);
                }
            }
            message => self.on_rare_message(from, correlation, message, ctx),
        }
        if !self.coordinator_appends.is_empty() {
            self.settle_coordinators(ctx);
        }
    }

    /// A message that is not one of the many that move records.
    #[cold]
    fn on_rare_message(
        &mut self,
        from: NodeId,
        correlation: u32,
        message: Message,
        ctx: &mut Context,
    ) {
        match message {
            Message::BrokerRegistrationResponse { .. }
            | Message::BrokerHeartbeatResponse { .. }
            | Message::AlterPartitionResponse { .. }
                if self.asked_earlier(correlation) => {}
            Message::Disconnected => self.on_disconnected(from, ctx),
            Message::BrokerRegistrationResponse { error, epoch } => {
                self.on_registered(from, error, epoch, ctx);
            }
            Message::BrokerHeartbeatResponse {
                error,
                fenced,
                should_shut_down,
            } => {
                let standing = lifecycle::Standing {
                    fenced,
                    should_shut_down,
                };
                self.on_heartbeat_answer(from, error, standing, ctx);
            }
            Message::MetadataFetchResponse {
                error,
                first,
                records,
            } => {
                self.on_metadata(from, correlation, error, first, &records, ctx);
            }
            Message::AlterPartitionResponse {
                partition,
                proposal,
                result,
            } => {
                self.on_alter_answer(from, partition, proposal, result, ctx);
            }
            Message::InitProducerIdRequest => {
                self.on_init_producer_id(from, correlation, ctx);
            }
            Message::MetadataRequest { topics } => {
                self.on_metadata_request(from, correlation, &topics, ctx);
            }
            Message::ListOffsetsRequest { partitions } => {
                self.on_list_offsets(from, correlation, &partitions, ctx);
            }
            Message::OffsetForLeaderEpochRequest { partitions } => {
                self.on_offset_for_epoch(from, correlation, &partitions, ctx);
            }
            Message::FindCoordinatorRequest { group } => {
                self.on_find_coordinator(from, correlation, group, ctx);
            }
            request => self.on_group_request(from, correlation, &request, ctx),
        }
    }

    /// A timer fires.
    #[inline(never)]
    pub fn on_timer(&mut self, timer: BrokerTimer, ctx: &mut Context) {
        match timer {
            BrokerTimer::Heartbeat => self.heartbeat(ctx),
            BrokerTimer::MetadataFetch => self.check_metadata_fetch(ctx),
            BrokerTimer::ShrinkIsr => {
                self.shrink_isrs(ctx);
                let lag = self.settings.time(Setting::ReplicaLagTimeMax);
                Self::timer(ctx, ctx.now() + Time(lag.0 / 2), timer);
            }
            BrokerTimer::Checkpoint => {
                for partition in self.uncheckpointed.drain(..) {
                    if let Some(replica) = self.replicas.get_mut(partition) {
                        replica.checkpoint = replica.high_watermark();
                        replica.unsaved.checkpoint = false;
                    }
                }
                debug_assert!(
                    self.replicas
                        .values()
                        .all(|replica| replica.checkpoint == replica.high_watermark())
                );
                Self::timer(
                    ctx,
                    ctx.now() + self.settings.time(Setting::HighWatermarkCheckpoint),
                    timer,
                );
            }
            BrokerTimer::ExpireProducers => {
                let expiration = self.settings.time(Setting::ProducerIdExpiration);
                for (_, replica) in self.replicas.iter_mut() {
                    replica.producers.expire(ctx.now().0, expiration.0);
                }
                Self::timer(ctx, ctx.now() + PRODUCER_EXPIRATION_CHECK, timer);
            }
            BrokerTimer::Flush => {
                for partition in self.unflushed.drain(..) {
                    if let Some(replica) = self.replicas.get_mut(partition) {
                        replica.flushed = replica.log.end();
                        replica.unsaved.flush = false;
                    }
                }
                debug_assert!(
                    self.replicas
                        .values()
                        .all(|replica| replica.flushed == replica.log.end())
                );
                Self::timer(ctx, ctx.now() + self.disk.spec.flush, timer);
            }
            BrokerTimer::Fetch { leader } => self.fetch_again(leader, ctx),
            BrokerTimer::Purgatory => self.expire(ctx),
            BrokerTimer::AlterPartition => self.resend_alters(ctx),
            BrokerTimer::GiveUpLeave => self.give_up_leave(ctx),
            BrokerTimer::Group { partition, timer } => self.on_group_timer(partition, timer, ctx),
        }
        if !self.coordinator_appends.is_empty() {
            self.settle_coordinators(ctx);
        }
    }
}
