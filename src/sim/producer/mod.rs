//! A producer client: it makes records, batches them, sends them and tries again.
//!
//! `maker` is the application that calls send(), `accumulator` the batches that wait, `sender` the requests and what
//! becomes of them, `sequences` the order an idempotent producer keeps. Each works on [`Producer`]; the network and all
//! other nodes are reached through [`Context`] only. What became of a record is told to the ledger, which observes.
//!
//! Source: `KafkaProducer`, `RecordAccumulator`, `Sender`, `TransactionManager`, `BuiltInPartitioner`; KIP-91, KIP-98,
//! KIP-360, KIP-480, KIP-580, KIP-679, KIP-794, KIP-951.

mod accumulator;
mod maker;
mod sender;
mod sequences;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::{Context, Timer};
use super::event::{EventId, What};
use super::message::{Message, PartitionLeader};
use super::node::{NodeId, PartitionId, TopicId};
use super::partitioner::StickyPartitioner;
use super::settings::{Place, Setting, Settings, WrittenSettings};
use super::spec::{Keys, ProducerSpec};
use super::time::Time;
use super::types::{BrokerId, ErrorCode, LeaderEpoch};

use accumulator::Queue;
use maker::Maker;
use sender::{InFlight, Link};
use sequences::Identity;

/// What a producer asks to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProducerTimer {
    /// Make the next records.
    Make,
    /// Look what can be sent or has waited too long.
    Send,
}

/// What a partition looks like from the client.
#[derive(Debug, Clone, Default)]
struct Lane {
    id: Option<PartitionId>,
    leader: Option<BrokerId>,
    epoch: LeaderEpoch,
    queue: Queue,
    /// Since when, by which error, and told as which event, writes to it fail.
    failing: Option<Failing>,
    sequences: sequences::PartitionSequences,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    since: Time,
    error: ErrorCode,
    event: EventId,
}

/// A producer.
#[derive(Debug, Clone)]
pub struct Producer {
    /// Its place in the names.
    place: u32,
    name: Arc<str>,
    topic: TopicId,
    settings: Settings,
    idempotent: bool,
    brokers: Vec<BrokerId>,
    maker: Maker,
    sticky: StickyPartitioner,
    lanes: Vec<Lane>,
    identity: Identity,
    links: BTreeMap<BrokerId, Link>,
    in_flight: BTreeMap<u32, InFlight>,
    next_correlation: u32,
    /// Bytes of `buffer.memory` in use.
    memory: u64,
    metadata: MetadataState,
    /// The earliest time a [`ProducerTimer::Send`] is set for.
    send_timer: Option<Time>,
    running: bool,
    /// Times are stretched by this: a slow machine.
    slowness: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct MetadataState {
    /// The request under way and when it is given up.
    asked: Option<(u32, BrokerId, Time)>,
    /// Not before this.
    not_before: Time,
    refreshed: Time,
    wanted: bool,
}

impl Producer {
    /// A producer that does not run yet. `topic` and `settings` are those of its spec, resolved.
    pub fn new(
        place: u32,
        spec: &ProducerSpec,
        topic: TopicId,
        settings: Settings,
        brokers: Vec<BrokerId>,
    ) -> Producer {
        Producer {
            place,
            name: spec.name.as_str().into(),
            topic,
            idempotent: is_idempotent(&settings),
            sticky: StickyPartitioner::new(settings.get(Setting::BatchSize).max(1) as u64),
            settings,
            brokers,
            maker: Maker::new(spec),
            lanes: Vec::new(),
            identity: Identity::default(),
            links: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            next_correlation: 0,
            memory: 0,
            metadata: MetadataState::default(),
            send_timer: None,
            running: false,
            slowness: 1,
        }
    }

    /// Starts a new life: the buffer is empty, the metadata unknown, and an idempotent producer asks for a new id. The
    /// numbers of its records go on.
    pub fn start(&mut self, ctx: &mut Context) {
        self.running = true;
        self.lanes.clear();
        self.links.clear();
        self.in_flight.clear();
        self.memory = 0;
        self.metadata = MetadataState {
            wanted: true,
            ..MetadataState::default()
        };
        self.identity = Identity::default();
        self.send_timer = None;
        ctx.emit_and_follow(What::ProducerStarted {
            producer: Arc::clone(&self.name),
            settings: self.describe(),
        });
        self.maker.begin(ctx.now());
        self.wake_maker(ctx);
        self.pump(ctx);
    }

    /// Stops making records; what is in the buffer is still sent (`close()`).
    pub fn stop(&mut self, ctx: &mut Context) {
        if self.maker.close() {
            let made = self.maker.made();
            ctx.emit_and_follow(What::ProducerStopped {
                producer: Arc::clone(&self.name),
                made,
            });
            self.pump(ctx);
        }
    }

    /// Its process has died: tells how many records it never heard of again. Timers and messages of that life are void.
    pub fn crashed(&mut self, ctx: &mut Context) {
        let waiting: u64 = self.lanes.iter().map(|lane| lane.queue.records()).sum();
        let under_way: u64 = self.in_flight.values().map(InFlight::records).sum();
        self.running = false;
        self.maker.close();
        self.lanes.clear();
        self.in_flight.clear();
        ctx.emit_and_follow(What::ProducerCrashed {
            producer: Arc::clone(&self.name),
            unfinished: waiting + under_way,
        });
    }

    /// Whether its process runs.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Whether it makes records.
    pub fn is_making(&self) -> bool {
        self.running && self.maker.is_open()
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes over changed settings; batches already made keep theirs.
    pub fn set_settings(&mut self, settings: Settings) {
        self.idempotent = is_idempotent(&settings);
        self.settings = settings;
    }

    /// Records a second from now on.
    pub fn set_rate(&mut self, rate: f64, ctx: &mut Context) {
        self.maker.set_rate(rate, ctx.now());
        self.wake_maker(ctx);
    }

    /// Bytes a record from now on.
    pub fn set_record_size(&mut self, bytes: u32) {
        self.maker.record_size = bytes;
    }

    /// How it picks keys from now on.
    pub fn set_keys(&mut self, keys: Keys) {
        self.maker.set_keys(keys);
    }

    /// Its machine is so many times slower: it makes and sends that much later; 1 is normal.
    pub fn set_slowness(&mut self, factor: u32) {
        self.slowness = factor.max(1);
    }

    /// Records a second, as asked for.
    pub fn rate(&self) -> f64 {
        self.maker.rate()
    }

    /// How many records it has made.
    pub fn made(&self) -> u64 {
        self.maker.made()
    }

    /// How many requests are under way, to all brokers.
    pub fn requests_in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// How many records wait in the buffer.
    pub fn records_waiting(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.queue.records()).sum()
    }

    /// Bytes of `buffer.memory` in use.
    pub fn memory_used(&self) -> u64 {
        self.memory
    }

    /// Whether send() is blocked at the moment.
    pub fn is_blocked(&self) -> bool {
        self.maker.blocked_since().is_some()
    }

    /// The error that writes to a partition fail with at the moment, and since when.
    pub fn failing(&self, partition: u32) -> Option<(ErrorCode, Time)> {
        let lane = self.lanes.get(partition as usize)?;
        lane.failing.map(|failing| (failing.error, failing.since))
    }

    fn describe(&self) -> String {
        let shown =
            |setting: Setting| format!("{setting} = {}", setting.show(self.settings.get(setting)));
        let mut words = vec![shown(Setting::Acks)];
        words.push(format!(
            "{} = {}",
            Setting::EnableIdempotence,
            self.idempotent
        ));
        words.push(shown(Setting::Linger));
        words.push(shown(Setting::MaxInFlight));
        words.join(", ")
    }

    /// A timer fired.
    pub fn on_timer(&mut self, timer: ProducerTimer, ctx: &mut Context) {
        if !self.running {
            return;
        }
        match timer {
            ProducerTimer::Make => {
                if self.maker.timer_fired(ctx.now()) {
                    self.make(ctx);
                    self.wake_maker(ctx);
                }
            }
            ProducerTimer::Send => {
                if self.send_timer.is_none_or(|at| at > ctx.now()) {
                    // An earlier look has made this one needless.
                    return;
                }
                self.send_timer = None;
            }
        }
        self.pump(ctx);
    }

    /// A message arrived.
    pub fn on_message(
        &mut self,
        from: NodeId,
        correlation: u32,
        message: Message,
        ctx: &mut Context,
    ) {
        let NodeId::Broker(broker) = from else {
            return;
        };
        if !self.running {
            return;
        }
        match message {
            Message::ProduceResponse { results } => {
                self.on_produce_response(correlation, &results, ctx)
            }
            Message::MetadataResponse { partitions, .. } => {
                self.on_metadata(correlation, &partitions, ctx)
            }
            Message::InitProducerIdResponse {
                error,
                producer_id,
                producer_epoch,
            } => {
                self.on_producer_id(correlation, error, (producer_id, producer_epoch), ctx);
            }
            Message::Disconnected => self.on_disconnect(broker, ctx),
            _ => return,
        }
        self.pump(ctx);
    }

    /// The topic has more partitions, or leaders moved.
    fn on_metadata(&mut self, correlation: u32, partitions: &[PartitionLeader], ctx: &mut Context) {
        if self
            .metadata
            .asked
            .is_none_or(|(asked, ..)| asked != correlation)
        {
            return;
        }
        self.metadata.asked = None;
        self.metadata.refreshed = ctx.now();
        self.metadata.wanted = false;
        let ids = ctx.world.names.partitions_of(self.topic).to_vec();
        for known in partitions {
            // Naming only: the number of the partition within its topic.
            let Some(index) = ids.iter().position(|id| *id == known.partition) else {
                continue;
            };
            if self.lanes.len() <= index {
                self.lanes.resize(index + 1, Lane::default());
            }
            let lane = &mut self.lanes[index];
            if lane.id.is_none() || known.epoch >= lane.epoch {
                lane.id = Some(known.partition);
                lane.leader = known.leader;
                lane.epoch = known.epoch;
            }
            if known.leader.is_none() {
                self.metadata.wanted = true;
            }
        }
        self.metadata.wanted |= self.lanes.is_empty();
        self.metadata.not_before = ctx.now() + self.settings.time(Setting::RetryBackoff);
        self.make(ctx);
    }

    /// Asks a broker for metadata when that is due: when a leader is unknown or wrong, and every `metadata.max.age.ms`.
    fn refresh_metadata(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        if let Some((_, _, deadline)) = self.metadata.asked {
            if now < deadline {
                return;
            }
            self.metadata.asked = None;
        }
        let aged =
            now.since(self.metadata.refreshed) >= self.settings.time(Setting::MetadataMaxAge);
        if !(self.metadata.wanted || aged) || now < self.metadata.not_before {
            return;
        }
        let Some(&broker) = ctx.world.rng.pick(&self.brokers) else {
            return;
        };
        let correlation = self.correlation();
        let deadline = now + self.settings.time(Setting::RequestTimeout);
        self.metadata.asked = Some((correlation, broker, deadline));
        let topics = vec![self.topic];
        ctx.send(
            NodeId::Broker(broker),
            correlation,
            Message::MetadataRequest { topics },
        );
    }

    fn want_metadata(&mut self) {
        self.metadata.wanted = true;
    }

    fn correlation(&mut self) -> u32 {
        self.next_correlation = self.next_correlation.wrapping_add(1);
        self.next_correlation
    }

    /// Everything that can be done now, and a timer for what comes next (`Sender.runOnce`).
    fn pump(&mut self, ctx: &mut Context) {
        self.expire_requests(ctx);
        self.expire_batches(ctx);
        self.refresh_metadata(ctx);
        self.settle_identity(ctx);
        self.send_ready(ctx);
        self.arm(ctx);
    }

    /// Sets the timer for the next look, unless an earlier one is set.
    fn arm(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        let metadata = match self.metadata.asked {
            Some((.., deadline)) => deadline,
            None if self.metadata.wanted => self.metadata.not_before,
            None => self.metadata.refreshed + self.settings.time(Setting::MetadataMaxAge),
        };
        let requests = self.in_flight.values().map(|request| request.deadline);
        let batches = self
            .lanes
            .iter()
            .filter_map(|lane| self.next_look(lane, now));
        let identity = self.identity.next_look().filter(|_| self.idempotent);
        let blocked = self.blocked_until();
        let next = requests
            .chain(batches)
            .chain(identity)
            .chain(blocked)
            .chain([metadata])
            .min();
        let Some(next) = next.map(|at| at.max(now + Time::micros(1))) else {
            return;
        };
        if self.send_timer.is_none_or(|set| next < set) {
            self.send_timer = Some(next);
            ctx.set_timer(next, Timer::Producer(ProducerTimer::Send));
        }
    }
}

/// Refuses what Kafka's producer refuses: an `enable.idempotence` that was asked for and settings that contradict it,
/// and a `delivery.timeout.ms` below `linger.ms` + `request.timeout.ms`.
///
/// # Errors
/// What contradicts, and what would be right.
pub fn check_settings(written: &WrittenSettings) -> Result<(), String> {
    let Ok(settings) = Settings::default().with(written, Place::Producer) else {
        return Ok(());
    };
    let asked = written.contains_key(Setting::EnableIdempotence.name());
    if asked && settings.is_on(Setting::EnableIdempotence) {
        if settings.get(Setting::Acks) != -1 {
            return Err("enable.idempotence = true needs acks = all".to_owned());
        }
        if settings.get(Setting::MaxInFlight) > 5 {
            return Err("enable.idempotence = true needs max.in.flight.requests.per.connection of at most 5".to_owned());
        }
        if settings.get(Setting::Retries) == 0 {
            return Err("enable.idempotence = true needs retries above 0".to_owned());
        }
    }
    let needed = settings.get(Setting::Linger) + settings.get(Setting::RequestTimeout);
    let given = settings.get(Setting::DeliveryTimeout);
    if given < needed && written.contains_key(Setting::DeliveryTimeout.name()) {
        return Err(format!(
            "delivery.timeout.ms = {given} must be at least linger.ms + request.timeout.ms = {needed}"
        ));
    }
    Ok(())
}

/// Whether the producer is idempotent: conflicting settings switch it off without a word, unless it was asked for.
pub fn is_idempotent(settings: &Settings) -> bool {
    settings.is_on(Setting::EnableIdempotence)
        && settings.get(Setting::Acks) == -1
        && settings.get(Setting::MaxInFlight) <= 5
        && settings.get(Setting::Retries) > 0
}
