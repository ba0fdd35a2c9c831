//! A producer client: it makes records, batches them, sends them and tries again.
//!
//! Records come at a fixed rate, each with a number of its own. The client is Kafka's: an accumulator with a queue of
//! batches per partition (`accumulator`) and a sender with requests in flight (`sender`). Records are made when
//! the client next has something to decide, each with the time at which it was due, so that a record costs no event.
//!
//! Source: `KafkaProducer`, `RecordAccumulator`, `Sender`, `TransactionManager`; KIP-91, KIP-360, KIP-480, KIP-580,
//! KIP-679, KIP-794, KIP-951.

mod accumulator;
mod keys;
mod pace;
mod sender;
mod session;

use std::sync::Arc;

use super::context::{Context, Timer};
use super::event::What;
use super::message::Message;
use super::node::{NodeId, TopicId};
use super::settings::{Place, Setting, Settings, WrittenSettings};
use super::spare::Pool;
use super::spec::{Keys, ProducerSpec};
use super::time::Time;
use super::types::{BrokerId, ErrorCode, ProducerEpoch, ProducerId};
use accumulator::{Draft, Queue};
use keys::KeySource;
use pace::Pace;
use sender::InFlight;

use super::partitioner::StickyPartitioner;

/// What a producer asks to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProducerTimer {
    /// Something may be due: a record, a batch, a request that nobody answered.
    Wake,
}

/// What a producer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Not started, or killed.
    Down,
    /// It makes records.
    Making,
    /// It makes none, but still sends what it has.
    Stopped,
}

/// What it takes to know what to send, read from the settings once.
#[derive(Debug, Clone)]
struct Config {
    acks: i64,
    idempotent: bool,
    linger: Time,
    batch_size: u64,
    buffer_memory: u64,
    max_block: Time,
    max_in_flight: usize,
    request_timeout: Time,
    delivery_timeout: Time,
    retries: i64,
    backoff: u64,
    backoff_max: u64,
    metadata_max_age: Time,
    max_request_size: u64,
    adaptive: bool,
    ignore_keys: bool,
}

/// A producer.
#[derive(Debug, Clone)]
pub struct Producer {
    index: u32,
    /// Its name.
    pub name: Arc<str>,
    /// The topic it writes to.
    pub topic: TopicId,
    /// Its settings.
    pub settings: Settings,
    config: Config,
    /// When its records are due.
    pace: Pace,
    /// Whether a batch may fill before it has lingered.
    may_fill: bool,
    /// Bytes a record.
    pub record_size: u32,
    /// How it picks keys.
    pub keys: Keys,
    key_source: KeySource,
    partition: Option<u32>,
    limit: Option<u64>,
    /// What it is doing.
    pub activity: Activity,
    /// How many records it has made.
    pub made: u64,
    blocked: Option<Time>,
    told_blocked: bool,
    /// The partition of a record that waits for memory.
    pending_partition: Option<usize>,
    drawn_unkeyed: bool,
    /// The sticky partition, and what went there since it was chosen.
    sticky_now: Option<usize>,
    sticky_bytes: u64,
    uncounted: u64,
    buffered: u64,
    queues: Vec<Queue>,
    /// Partitions with something in their queue, in order.
    filled: Vec<usize>,
    sticky: StickyPartitioner,
    in_flight: Vec<InFlight>,
    /// How many requests were sent on each broker's connection, by the broker's id.
    sent: Vec<u64>,
    correlation: u32,
    brokers: Vec<BrokerId>,
    /// `bootstrap.servers`: asked again when the known brokers do not answer (KIP-899).
    bootstrap: Vec<BrokerId>,
    /// The metadata request under way: its number and when it was sent.
    metadata_asked: Option<(u32, Time)>,
    metadata_wanted: bool,
    metadata_at: Time,
    metadata_tries: u32,
    metadata_not_before: Time,
    /// The producer session.
    pub session: Option<(ProducerId, ProducerEpoch)>,
    session_asked: Option<(u32, Time)>,
    session_not_before: Time,
    /// The sequences of a partition have a gap: the next epoch begins.
    bump: bool,
    /// A partition has a batch in doubt.
    in_doubt: bool,
    timer: Option<Time>,
    /// No request and no batch is over before this, and some may be for long after.
    quiet_until: Time,
    /// Lists of brokers and of drafts, to be used again.
    ready: Pool<Vec<BrokerId>>,
    drafts: Pool<Vec<(usize, Draft)>>,
}

impl Config {
    fn of(settings: &Settings) -> Config {
        let size = |setting| settings.get(setting).max(0) as u64;
        Config {
            acks: settings.get(Setting::Acks),
            idempotent: is_idempotent(settings),
            linger: settings.time(Setting::Linger),
            batch_size: size(Setting::BatchSize),
            buffer_memory: size(Setting::BufferMemory),
            max_block: settings.time(Setting::MaxBlock),
            max_in_flight: size(Setting::MaxInFlight) as usize,
            request_timeout: settings.time(Setting::RequestTimeout),
            delivery_timeout: settings.time(Setting::DeliveryTimeout),
            retries: settings.get(Setting::Retries),
            backoff: size(Setting::RetryBackoff),
            backoff_max: size(Setting::RetryBackoffMax),
            metadata_max_age: settings.time(Setting::MetadataMaxAge),
            max_request_size: size(Setting::MaxRequestSize),
            adaptive: settings.is_on(Setting::PartitionerAdaptive),
            ignore_keys: settings.is_on(Setting::PartitionerIgnoreKeys),
        }
    }
}

impl Producer {
    /// A producer that does not run yet.
    pub fn new(
        index: u32,
        spec: &ProducerSpec,
        topic: TopicId,
        settings: Settings,
        brokers: u32,
    ) -> Producer {
        let config = Config::of(&settings);
        Producer {
            index,
            name: spec.name.as_str().into(),
            topic,
            pace: Pace::new(spec.rate),
            may_fill: true,
            record_size: spec.record_size,
            keys: spec.keys,
            key_source: KeySource::new(spec.keys),
            partition: spec.partition,
            limit: spec.limit,
            activity: Activity::Down,
            made: 0,
            blocked: None,
            told_blocked: false,
            pending_partition: None,
            drawn_unkeyed: false,
            sticky_now: None,
            sticky_bytes: 0,
            uncounted: 0,
            buffered: 0,
            queues: Vec::new(),
            filled: Vec::new(),
            sticky: StickyPartitioner::new(config.batch_size),
            in_flight: Vec::new(),
            sent: vec![0; brokers as usize + 1],
            correlation: 0,
            brokers: (1..=brokers).collect(),
            bootstrap: (1..=brokers).collect(),
            metadata_asked: None,
            metadata_wanted: true,
            metadata_at: Time::ZERO,
            metadata_tries: 0,
            metadata_not_before: Time::ZERO,
            session: None,
            session_asked: None,
            session_not_before: Time::ZERO,
            bump: false,
            in_doubt: false,
            timer: None,
            quiet_until: Time::ZERO,
            ready: Pool::default(),
            drafts: Pool::default(),
            settings,
            config,
        }
    }

    /// The process starts, or makes records again after a stop.
    pub fn start(&mut self, ctx: &mut Context) {
        let fresh = self.activity == Activity::Down;
        self.activity = Activity::Making;
        self.pace.begin(self.made, ctx.now());
        self.look_at_pace();
        if fresh {
            self.metadata_wanted = true;
            let quote = |setting| self.settings.quote(setting);
            let mut settings = format!("{}, {}", quote(Setting::Acks), quote(Setting::Linger));
            if self.settings.is_on(Setting::EnableIdempotence) && !self.config.idempotent {
                settings.push_str(
                    ", enable.idempotence switched off by a setting that conflicts, with no more than a line in the log",
                );
            } else {
                settings = format!(
                    "{settings}, enable.idempotence = {}",
                    self.config.idempotent
                );
            }
            let producer = Arc::clone(&self.name);
            ctx.emit_and_follow(What::ProducerStarted { producer, settings });
        }
        self.work(ctx);
    }

    /// Makes no more records; what is buffered is still sent.
    pub fn stop(&mut self, ctx: &mut Context) {
        self.make(ctx);
        self.activity = Activity::Stopped;
        ctx.emit_and_follow(What::ProducerStopped {
            producer: Arc::clone(&self.name),
            made: self.made,
        });
        self.work(ctx);
    }

    /// The process dies: what was not acknowledged to it stays so.
    pub fn kill(&mut self, ctx: &mut Context) {
        self.make(ctx);
        let waiting = self.queues.iter().map(Queue::records).sum::<u64>();
        let flying = self.in_flight.iter().map(InFlight::records).sum::<u64>();
        let unfinished = waiting + flying;
        ctx.emit_and_follow(What::ProducerCrashed {
            producer: Arc::clone(&self.name),
            unfinished,
        });
        self.activity = Activity::Down;
        self.queues.clear();
        self.filled.clear();
        self.in_flight.clear();
        self.buffered = 0;
        self.blocked = None;
        (self.session, self.session_asked) = (None, None);
        (self.bump, self.in_doubt) = (false, false);
        (self.metadata_asked, self.timer) = (None, None);
    }

    /// Records a second, on a machine of the usual speed.
    pub fn rate(&self) -> f64 {
        self.pace.rate()
    }

    /// Changes the rate from now on.
    pub fn set_rate(&mut self, rate: f64, ctx: &mut Context) {
        self.make(ctx);
        self.pace.set_rate(rate, self.made, ctx.now());
        self.look_at_pace();
        self.work(ctx);
    }

    /// Makes its machine so many times slower: it makes so many fewer records a second.
    pub fn set_slow(&mut self, factor: u32, ctx: &mut Context) {
        self.make(ctx);
        self.pace.set_slow(factor, self.made, ctx.now());
        self.look_at_pace();
        self.work(ctx);
    }

    /// Changes how keys are picked from now on.
    pub fn set_keys(&mut self, keys: Keys, ctx: &mut Context) {
        self.make(ctx);
        self.keys = keys;
        self.key_source = KeySource::new(keys);
    }

    /// Changes the size of records from now on.
    pub fn set_record_size(&mut self, bytes: u32, ctx: &mut Context) {
        self.make(ctx);
        self.record_size = bytes;
        self.look_at_pace();
    }

    /// Changes a setting from now on, as a restart of the client with the same session would.
    pub fn set(&mut self, setting: Setting, value: i64, ctx: &mut Context) {
        self.make(ctx);
        self.settings.set(setting, value);
        self.config = Config::of(&self.settings);
        self.look_at_pace();
        self.quiet_until = Time::ZERO;
        self.work(ctx);
    }

    /// Bytes in batches that are not acknowledged yet.
    pub fn buffered(&self) -> u64 {
        self.buffered
    }

    /// Whether `send()` blocks at the moment.
    pub fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// The error it goes on getting, of the partition that has been failing longest.
    pub fn failing(&self) -> Option<ErrorCode> {
        let failing = self.queues.iter().filter_map(|queue| queue.failing);
        failing
            .min_by_key(|(since, _)| *since)
            .map(|(_, error)| error)
    }

    /// Requests without an answer yet.
    pub fn requests_in_flight(&self) -> usize {
        self.in_flight.len()
    }

    fn next_correlation(&mut self) -> u32 {
        self.correlation = self.correlation.wrapping_add(1).max(1);
        self.correlation
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
            Message::ProduceResponse { results } => {
                self.on_produce_answer(correlation, &results, ctx);
                ctx.world.spare.results.done(results);
            }
            message => {
                if !self.on_rare_message(from, correlation, message, ctx) {
                    return;
                }
            }
        }
        self.work(ctx);
    }

    /// A message that answers no batches. Returns whether it is one for a producer.
    #[cold]
    fn on_rare_message(
        &mut self,
        from: NodeId,
        correlation: u32,
        message: Message,
        ctx: &mut Context,
    ) -> bool {
        match message {
            Message::MetadataResponse(answer) => self.on_metadata(correlation, *answer, ctx),
            Message::InitProducerIdResponse {
                error: None,
                producer_id,
                producer_epoch,
            } => {
                self.on_session(correlation, producer_id, producer_epoch, ctx);
            }
            Message::Disconnected => self.on_disconnected(from, correlation, ctx),
            _ => return false,
        }
        true
    }

    /// A timer fires.
    pub fn on_timer(&mut self, ProducerTimer::Wake: ProducerTimer, ctx: &mut Context) {
        if self.timer.is_some_and(|set| set <= ctx.now()) {
            self.timer = None;
            self.work(ctx);
        }
    }

    /// Makes what is due, sends what can be sent, and sets the timer for what comes next.
    fn work(&mut self, ctx: &mut Context) {
        if self.activity == Activity::Down {
            return;
        }
        self.make(ctx);
        let now = ctx.now();
        let mut next = self.next_make();
        // As long as nothing ends before the next record is made, what ends when does not matter.
        if next.max(now) >= self.quiet_until {
            next = next.min(self.expire(ctx));
        }
        next = next.min(self.run_sender(ctx));
        if next < Time::MAX && self.timer.is_none_or(|set| next < set) {
            let at = next.max(now + Time(1));
            self.timer = Some(at);
            ctx.set_timer(at, Timer::Producer(ProducerTimer::Wake));
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
        if settings.get(Setting::Retries) == 0 {
            return Err("enable.idempotence = true needs retries above 0".to_owned());
        }
    }
    check_in_flight(&settings)?;
    if written.contains_key(Setting::DeliveryTimeout.name()) {
        check_timeouts(&settings)?;
    }
    Ok(())
}

/// Refuses more than five requests in flight unless `enable.idempotence` is off, which is the default no more; that other
/// settings switch it off does not help (`ProducerConfig.postProcessAndValidateIdempotenceConfigs`, 4.x).
///
/// # Errors
/// What contradicts, and what would be right.
pub fn check_in_flight(settings: &Settings) -> Result<(), String> {
    let given = settings.get(Setting::MaxInFlight);
    if given <= 5 || !settings.is_on(Setting::EnableIdempotence) {
        return Ok(());
    }
    Err(format!(
        "max.in.flight.requests.per.connection = {given} must be at most 5 unless enable.idempotence = false"
    ))
}

/// Refuses a `delivery.timeout.ms` below `linger.ms` + `request.timeout.ms`.
///
/// # Errors
/// What contradicts, and what would be right.
pub fn check_timeouts(settings: &Settings) -> Result<(), String> {
    let needed = settings.get(Setting::Linger) + settings.get(Setting::RequestTimeout);
    let given = settings.get(Setting::DeliveryTimeout);
    if given < needed {
        return Err(format!(
            "delivery.timeout.ms = {given} must be at least linger.ms + request.timeout.ms = {needed}"
        ));
    }
    Ok(())
}

/// Whether the producer is idempotent: conflicting settings switch it off with no more than a line in the log, unless it
/// was asked for.
pub fn is_idempotent(settings: &Settings) -> bool {
    settings.is_on(Setting::EnableIdempotence)
        && settings.get(Setting::Acks) == -1
        && settings.get(Setting::MaxInFlight) <= 5
        && settings.get(Setting::Retries) > 0
}

#[cfg(test)]
mod tests;
