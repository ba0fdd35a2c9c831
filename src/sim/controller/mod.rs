//! The controller quorum: which brokers live, who leads what, and the metadata log that says so.
//!
//! The quorum is modelled, not played: its voters share one state, and what the active one writes counts as committed
//! when a message has gone to a voter and back. It needs a majority that reach each other; without one nothing is
//! decided. What the rules decide about one partition is in [`election`] and [`alter_partition`].
//!
//! Source: `QuorumController`, `ReplicationControlManager`, `ClusterControlManager`, `BrokerHeartbeatManager`;
//! KIP-500, KIP-595, KIP-631, KIP-841, KIP-966.

mod admin;
pub mod alter_partition;
pub mod broker_change;
mod brokers;
pub mod election;
mod partitions;
mod quorum;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use admin::{AdminError, Placeable};
pub use brokers::BrokerState;
pub use quorum::Quorum;

use super::context::{Context, Timer};
use super::message::{Message, MetadataRecord};
use super::node::{NodeId, TopicId};
use super::settings::{Setting, Settings};
use super::time::Time;
use super::types::{BrokerId, ErrorCode};
use election::PartitionRegistration;

/// What the controller quorum asks to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerTimer {
    /// Look for brokers whose session ran out.
    Sessions,
    /// Look whether the active controller lives and reaches a majority.
    Quorum,
    /// Give preferred leaders their places back.
    Balance,
    /// Elect uncleanly where that is allowed and no leader is left.
    Unclean,
    /// Answer metadata fetches that have waited long enough.
    MetadataWait,
}

/// How long a metadata fetch waits for news.
const METADATA_WAIT: Time = Time::millis(500);

#[derive(Debug, Clone)]
struct MetadataFetch {
    from: NodeId,
    correlation: u32,
    offset: u64,
    deadline: Time,
}

/// A topic as the controller has it.
#[derive(Debug, Clone, Default)]
pub struct TopicState {
    /// Its own settings.
    pub overrides: Vec<(Setting, i64)>,
}

/// The controller quorum.
#[derive(Debug, Clone)]
pub struct Controller {
    /// The voters.
    pub quorum: Quorum,
    settings: Settings,
    /// Settings changed at run time for all brokers.
    dynamic: Vec<(Setting, i64)>,
    /// Registered brokers.
    pub brokers: BTreeMap<BrokerId, BrokerState>,
    topics: BTreeMap<TopicId, TopicState>,
    /// Every partition's registration, by its number.
    pub partitions: Vec<PartitionRegistration>,
    /// The metadata log.
    log: Vec<MetadataRecord>,
    waiting: Vec<MetadataFetch>,
    wait_timer: bool,
    next_broker_epoch: i64,
}

impl Controller {
    /// A quorum of so many voters, none of which is active yet.
    pub fn new(voters: u32, settings: Settings) -> Controller {
        Controller {
            quorum: Quorum::new(voters),
            settings,
            dynamic: Vec::new(),
            brokers: BTreeMap::new(),
            topics: BTreeMap::new(),
            partitions: Vec::new(),
            log: Vec::new(),
            waiting: Vec::new(),
            wait_timer: false,
            next_broker_epoch: 1,
        }
    }

    /// A setting as it holds for the whole cluster.
    pub fn setting(&self, setting: Setting) -> i64 {
        let changed = self.dynamic.iter().find(|(known, _)| *known == setting);
        changed.map_or_else(|| self.settings.get(setting), |(_, value)| *value)
    }

    /// A setting as it holds for a topic.
    pub fn topic_setting(&self, topic: TopicId, setting: Setting) -> i64 {
        let own = self
            .topics
            .get(&topic)
            .and_then(|topic| topic.overrides.iter().find(|(known, _)| *known == setting));
        own.map_or_else(|| self.setting(setting), |(_, value)| *value)
    }

    /// How often it looks for silent brokers: eight times in a session, so that one is fenced after at most 112.5 % of it
    /// (`QuorumController`, the periodic task `maybeFenceStaleBroker`).
    fn session_check(&self) -> Time {
        let session = Time::from_setting_ms(self.setting(Setting::BrokerSessionTimeout));
        Time(session.0 / 8).max(Time::millis(1))
    }

    fn timer(ctx: &mut Context, at: Time, timer: ControllerTimer) {
        ctx.set_timer(at, Timer::Controller(timer));
    }

    /// When a decision of now is committed: a message has gone to a voter and back.
    fn committed(&self, ctx: &Context) -> Time {
        let latency = ctx.world.network.latency();
        if self.quorum.voters() == 1 {
            ctx.now()
        } else {
            ctx.now() + latency + latency
        }
    }

    /// The quorum's timers start, and the first voter becomes active.
    pub fn start(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        self.activate(1, Time::ZERO, ctx);
        Self::timer(ctx, now + Time::millis(500), ControllerTimer::Quorum);
        Self::timer(ctx, now + self.session_check(), ControllerTimer::Sessions);
        Self::timer(
            ctx,
            now + Time::from_setting_ms(self.setting(Setting::ImbalanceCheckInterval)),
            ControllerTimer::Balance,
        );
        Self::timer(
            ctx,
            now + Time::from_setting_ms(self.setting(Setting::UncleanElectionInterval)),
            ControllerTimer::Unclean,
        );
    }

    /// Writes to the metadata log.
    fn write(&mut self, record: MetadataRecord) {
        self.log.push(record);
    }

    /// The offset of the next record of the metadata log.
    pub fn metadata_end(&self) -> u64 {
        self.log.len() as u64
    }

    /// Answers the fetches that waited for what was just written.
    fn publish(&mut self, ctx: &mut Context) {
        let end = self.metadata_end();
        let ready = self.waiting.iter().any(|fetch| fetch.offset < end);
        if ready {
            let all = std::mem::take(&mut self.waiting);
            for fetch in all {
                if fetch.offset < end {
                    self.answer_fetch(&fetch, ctx);
                } else {
                    self.waiting.push(fetch);
                }
            }
        }
    }

    fn answer_fetch(&self, fetch: &MetadataFetch, ctx: &mut Context) {
        let first = fetch.offset;
        let records = self.log.get(first as usize..).unwrap_or(&[]).to_vec();
        let at = if records.is_empty() {
            ctx.now()
        } else {
            self.committed(ctx)
        };
        let answer = Message::MetadataFetchResponse {
            error: None,
            first,
            records,
        };
        ctx.send_at(at, fetch.from, fetch.correlation, answer);
    }

    fn on_metadata_fetch(
        &mut self,
        from: NodeId,
        correlation: u32,
        offset: u64,
        ctx: &mut Context,
    ) {
        self.waiting.retain(|fetch| fetch.from != from);
        let deadline = ctx.now() + METADATA_WAIT;
        let fetch = MetadataFetch {
            from,
            correlation,
            offset,
            deadline,
        };
        if offset < self.metadata_end() {
            self.answer_fetch(&fetch, ctx);
            return;
        }
        self.waiting.push(fetch);
        if !self.wait_timer {
            self.wait_timer = true;
            Self::timer(ctx, deadline, ControllerTimer::MetadataWait);
        }
    }

    fn answer_waiting(&mut self, ctx: &mut Context) {
        self.wait_timer = false;
        let now = ctx.now();
        let all = std::mem::take(&mut self.waiting);
        for fetch in all {
            if fetch.deadline <= now {
                self.answer_fetch(&fetch, ctx);
            } else {
                self.waiting.push(fetch);
            }
        }
        if let Some(deadline) = self.waiting.iter().map(|fetch| fetch.deadline).min() {
            self.wait_timer = true;
            Self::timer(ctx, deadline, ControllerTimer::MetadataWait);
        }
    }

    /// A message arrives at one of the voters.
    #[cold]
    pub fn on_message(
        &mut self,
        from: NodeId,
        correlation: u32,
        message: Message,
        ctx: &mut Context,
    ) {
        if !self.quorum.is_active(ctx.me) {
            refuse(from, correlation, &message, ctx);
            return;
        }
        match message {
            Message::BrokerRegistrationRequest {
                broker,
                incarnation,
                previous_epoch,
            } => {
                let process = brokers::Process {
                    broker,
                    incarnation,
                    previous_epoch,
                };
                self.on_registration(from, correlation, process, ctx);
            }
            Message::BrokerHeartbeatRequest {
                broker,
                epoch,
                metadata_offset,
                want_shut_down,
            } => {
                let beat = brokers::Heartbeat {
                    broker,
                    epoch,
                    metadata_offset,
                    want_shut_down,
                };
                self.on_heartbeat(from, correlation, beat, ctx);
            }
            Message::AlterPartitionRequest(request) => {
                self.on_alter_partition(from, correlation, &request, ctx);
            }
            Message::MetadataFetchRequest { offset } => {
                self.on_metadata_fetch(from, correlation, offset, ctx);
            }
            Message::CreateInternalTopicRequest { topic } => {
                self.create_internal_topic(&topic, ctx);
            }
            _ => {}
        }
        self.publish(ctx);
    }

    /// A timer fires.
    #[cold]
    pub fn on_timer(&mut self, timer: ControllerTimer, ctx: &mut Context) {
        let active = self.quorum.active().is_some();
        match timer {
            ControllerTimer::Quorum => self.check_quorum(ctx),
            ControllerTimer::Sessions => {
                if active {
                    self.fence_silent(ctx);
                }
                Self::timer(ctx, ctx.now() + self.session_check(), timer);
            }
            ControllerTimer::Balance => {
                if active && self.setting(Setting::AutoLeaderRebalance) != 0 {
                    self.balance(ctx);
                }
                let interval = Time::from_setting_ms(self.setting(Setting::ImbalanceCheckInterval));
                Self::timer(ctx, ctx.now() + interval, timer);
            }
            ControllerTimer::Unclean => {
                if active {
                    self.elect_unclean(ctx);
                }
                let interval =
                    Time::from_setting_ms(self.setting(Setting::UncleanElectionInterval));
                Self::timer(ctx, ctx.now() + interval, timer);
            }
            ControllerTimer::MetadataWait => self.answer_waiting(ctx),
        }
        self.publish(ctx);
    }
}

/// A voter that is not active says so.
fn refuse(from: NodeId, correlation: u32, message: &Message, ctx: &mut Context) {
    let error = Some(ErrorCode::NotController);
    let answer = match message {
        Message::BrokerRegistrationRequest { .. } => {
            Message::BrokerRegistrationResponse { error, epoch: -1 }
        }
        Message::BrokerHeartbeatRequest { .. } => Message::BrokerHeartbeatResponse {
            error,
            fenced: false,
            should_shut_down: false,
        },
        Message::AlterPartitionRequest(request) => Message::AlterPartitionResponse {
            partition: request.partition,
            proposal: request.proposal,
            result: Err(ErrorCode::NotController),
        },
        Message::MetadataFetchRequest { .. } => Message::MetadataFetchResponse {
            error,
            first: 0,
            records: Vec::<MetadataRecord>::new(),
        },
        _ => return,
    };
    ctx.send(from, correlation, answer);
}

/// A partition's registration as brokers learn it.
fn to_record(
    partition: super::node::PartitionId,
    registration: &PartitionRegistration,
) -> Arc<super::message::PartitionRecord> {
    Arc::new(super::message::PartitionRecord {
        partition,
        replicas: registration.replicas.clone(),
        isr: registration.isr.clone(),
        elr: registration.elr.clone(),
        last_known_elr: registration.last_known_elr.clone(),
        adding: registration.adding.clone(),
        removing: registration.removing.clone(),
        leader: registration.leader,
        leader_epoch: registration.leader_epoch,
        partition_epoch: registration.partition_epoch,
        recovering: registration.recovery == election::RecoveryState::Recovering,
    })
}
