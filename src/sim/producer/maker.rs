//! The application: it calls send() at its rate, with keys, and is blocked while the buffer is full.

use std::sync::Arc;

use super::accumulator::Place as Room;
use super::{Producer, ProducerTimer};
use crate::sim::context::{Context, Timer};
use crate::sim::event::What;
use crate::sim::partitioner::{LoadTable, PartitionLoad, murmur2, to_positive};
use crate::sim::settings::Setting;
use crate::sim::spec::{Keys, ProducerSpec};
use crate::sim::time::Time;

/// Records are made in bunches at least this far apart, unless the linger or the rate asks for less.
const BUNCH: Time = Time::millis(10);
/// How many keys share what a hot key leaves over.
const COLD_KEYS: u64 = 100;

/// The application's side of a producer.
#[derive(Debug, Clone)]
pub(super) struct Maker {
    /// Bytes a record.
    pub(super) record_size: u32,
    partition: Option<u32>,
    limit: Option<u64>,
    rate: f64,
    keys: KeyTable,
    /// When the rate began to count, and how many records it has counted since.
    since: Time,
    counted: u64,
    made: u64,
    open: bool,
    blocked: Option<Time>,
    timer: Option<Time>,
}

/// Hashes of the keys, and how likely each is.
#[derive(Debug, Clone)]
struct KeyTable {
    keys: Keys,
    hashes: Arc<[u32]>,
    /// Running sums of weights, for a Zipf distribution.
    sums: Arc<[f64]>,
}

impl KeyTable {
    fn new(keys: Keys) -> KeyTable {
        let count = match keys {
            Keys::None => 0,
            Keys::Uniform(count) | Keys::Zipf(count) => u64::from(count.max(1)),
            Keys::Hot(_) => COLD_KEYS + 1,
        };
        let hash = |key: u64| to_positive(murmur2(format!("key-{key}").as_bytes()));
        let mut sum = 0.0;
        let sums = (0..count).map(|key| {
            sum += 1.0 / (key + 1) as f64;
            sum
        });
        KeyTable {
            keys,
            sums: if matches!(keys, Keys::Zipf(_)) {
                sums.collect()
            } else {
                Arc::from([])
            },
            hashes: (0..count).map(hash).collect(),
        }
    }

    /// The hash of the next record's key; `None` for a record without one.
    fn draw(&self, rng: &mut crate::sim::rng::Rng) -> Option<u32> {
        let place = match self.keys {
            Keys::None => return None,
            Keys::Uniform(_) => rng.below(self.hashes.len() as u64) as usize,
            Keys::Zipf(_) => {
                let point = rng.unit() * self.sums.last().copied().unwrap_or(0.0);
                self.sums.partition_point(|sum| *sum <= point)
            }
            Keys::Hot(percent) if rng.below(100) < u64::from(percent) => 0,
            Keys::Hot(_) => 1 + rng.below(COLD_KEYS) as usize,
        };
        self.hashes.get(place).copied()
    }
}

impl Maker {
    pub(super) fn new(spec: &ProducerSpec) -> Maker {
        Maker {
            record_size: spec.record_size.max(1),
            partition: spec.partition,
            limit: spec.limit,
            rate: spec.rate,
            keys: KeyTable::new(spec.keys),
            since: Time::ZERO,
            counted: 0,
            made: 0,
            open: false,
            blocked: None,
            timer: None,
        }
    }

    pub(super) fn begin(&mut self, now: Time) {
        self.open = true;
        self.blocked = None;
        self.timer = None;
        self.restart(now);
    }

    fn restart(&mut self, now: Time) {
        self.since = now;
        self.counted = 0;
    }

    /// Stops making; false if it had stopped before.
    pub(super) fn close(&mut self) -> bool {
        self.blocked = None;
        std::mem::replace(&mut self.open, false)
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }
    pub(super) fn made(&self) -> u64 {
        self.made
    }
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }
    pub(super) fn blocked_since(&self) -> Option<Time> {
        self.blocked
    }
    pub(super) fn set_keys(&mut self, keys: Keys) {
        self.keys = KeyTable::new(keys);
    }
    pub(super) fn set_rate(&mut self, rate: f64, now: Time) {
        self.rate = rate;
        self.restart(now);
    }

    /// When the record after those counted so far is due.
    fn due(&self, slowness: u32) -> Option<Time> {
        if !self.open || self.rate <= 0.0 || self.limit.is_some_and(|limit| self.made >= limit) {
            return None;
        }
        let micros = (self.counted + 1) as f64 * 1e6 * f64::from(slowness) / self.rate;
        Some(self.since + Time::micros(micros as u64))
    }

    /// Whether this is the timer that was set last.
    pub(super) fn timer_fired(&mut self, now: Time) -> bool {
        let current = self.timer.is_some_and(|at| at <= now);
        if current {
            self.timer = None;
        }
        current
    }
}

impl Producer {
    /// Sets the timer for the next bunch of records.
    pub(super) fn wake_maker(&mut self, ctx: &mut Context) {
        if self.maker.blocked.is_some() {
            return;
        }
        let Some(due) = self.maker.due(self.slowness) else {
            return;
        };
        let bunch = self.settings.time(Setting::Linger).min(BUNCH);
        let at = due.max(ctx.now() + bunch);
        if self
            .maker
            .timer
            .is_none_or(|set| at < set || set <= ctx.now())
        {
            self.maker.timer = Some(at);
            ctx.set_timer(at, Timer::Producer(ProducerTimer::Make));
        }
    }

    /// Makes every record that is due, as far as the buffer holds them.
    pub(super) fn make(&mut self, ctx: &mut Context) {
        let before = self.maker.made;
        while self
            .maker
            .due(self.slowness)
            .is_some_and(|due| due <= ctx.now())
        {
            if !self.make_one(ctx) {
                break;
            }
        }
        if self.maker.made > before {
            ctx.world.ledger.made(self.place, self.maker.made);
        }
        if self
            .maker
            .limit
            .is_some_and(|limit| self.maker.made >= limit)
            && self.maker.close()
        {
            let made = self.maker.made;
            ctx.emit(What::ProducerStopped {
                producer: Arc::clone(&self.name),
                made,
            });
        }
    }

    /// One call of send(); false while it blocks.
    fn make_one(&mut self, ctx: &mut Context) -> bool {
        let size = self.maker.record_size;
        if self.lanes.is_empty() {
            return self.block(ctx, "no metadata of the topic");
        }
        let number = self.maker.made;
        if i64::from(size) > self.settings.get(Setting::MaxRequestSize) {
            self.count_made();
            let max = self.settings.get(Setting::MaxRequestSize);
            let error = format!("RecordTooLargeException, {size} bytes (max.request.size = {max})");
            self.refuse(number, &error, ctx);
            return true;
        }
        let lane = self.choose_lane(ctx);
        let (batch_size, limit) = (
            self.batch_size(),
            self.settings.get(Setting::BufferMemory) as u64,
        );
        let Some(target) = self.lanes.get_mut(lane as usize) else {
            return self.block(ctx, "no metadata of the partition");
        };
        let needed = match target.queue.room_for(size, batch_size) {
            Room::InBatch => 0,
            Room::NewBatch(bytes) => bytes,
        };
        if self.memory + needed > limit && self.memory > 0 {
            return self.block(ctx, "the buffer is full");
        }
        self.memory += needed;
        let switched = target
            .queue
            .append(number, size, batch_size, needed, ctx.now());
        self.count_made();
        self.unblock(ctx);
        if switched.is_some()
            && self.maker.partition.is_none()
            && matches!(self.maker.keys.keys, Keys::None)
        {
            self.stick(size, switched == Some(true), ctx);
        }
        true
    }

    fn count_made(&mut self) {
        self.maker.made += 1;
        self.maker.counted += 1;
    }

    /// Explicit partition, then the key's hash over all partitions, then the sticky one.
    fn choose_lane(&mut self, ctx: &mut Context) -> u32 {
        let count = self.lanes.len() as u32;
        if let Some(partition) = self.maker.partition {
            return partition;
        }
        let ignored = self.settings.is_on(Setting::PartitionerIgnoreKeys);
        if !ignored && let Some(hash) = self.maker.keys.draw(&mut ctx.world.rng) {
            return hash % count;
        }
        let random = ctx.world.rng.bits() as u32;
        let available = self.available();
        self.sticky.current(&available, count, random)
    }

    fn available(&self) -> Vec<u32> {
        let led = self
            .lanes
            .iter()
            .enumerate()
            .filter(|(_, lane)| lane.leader.is_some());
        led.map(|(index, _)| index as u32).collect()
    }

    /// Counts bytes towards the sticky partition's share; at a batch's end another may be chosen (KIP-794).
    fn stick(&mut self, bytes: u32, full: bool, ctx: &mut Context) {
        let available = self.available();
        let count = self.lanes.len() as u32;
        if self.settings.is_on(Setting::PartitionerAdaptive) {
            let loads: Vec<PartitionLoad> = available
                .iter()
                .map(|&partition| PartitionLoad {
                    partition,
                    queue: self.lanes[partition as usize].queue.batches() as u32,
                })
                .collect();
            self.sticky.update_loads(LoadTable::new(&loads, count));
        }
        let random = ctx.world.rng.bits() as u32;
        self.sticky
            .appended(u64::from(bytes), full, &available, count, random);
    }

    pub(super) fn batch_size(&self) -> u32 {
        self.settings.get(Setting::BatchSize).max(1) as u32
    }

    /// send() waits for memory or metadata, up to `max.block.ms`; then the record fails.
    fn block(&mut self, ctx: &mut Context, what: &str) -> bool {
        let now = ctx.now();
        let max = self.settings.time(Setting::MaxBlock);
        let since = *self.maker.blocked.get_or_insert(now);
        let full = what == "the buffer is full";
        if since == now && full {
            ctx.emit(What::ProducerBlocked {
                producer: Arc::clone(&self.name),
                used: self.memory,
                buffer_memory: self.settings.get(Setting::BufferMemory),
            });
        }
        if now.since(since) >= max {
            let number = self.maker.made;
            self.count_made();
            let error = format!(
                "TimeoutException, {what} (max.block.ms = {})",
                max.as_millis()
            );
            self.refuse(number, &error, ctx);
            // The next call of send() has a time of its own.
            self.maker.blocked = Some(now);
            self.maker.restart(now);
        }
        false
    }

    fn refuse(&mut self, number: u64, error: &str, ctx: &mut Context) {
        let records = crate::sim::message::Records::Run {
            producer: self.place,
            first: number,
        };
        ctx.world.ledger.made(self.place, self.maker.made);
        ctx.world.ledger.failed(self.place, &records, 1);
        ctx.emit(What::RecordsRefused {
            producer: Arc::clone(&self.name),
            first: number,
            count: 1,
            error: error.to_owned(),
        });
    }

    /// The application goes on; the records it could not make meanwhile are not made up for.
    fn unblock(&mut self, ctx: &mut Context) {
        let Some(since) = self.maker.blocked.take() else {
            return;
        };
        let now = ctx.now();
        self.maker.restart(now);
        if now > since && self.memory > 0 {
            ctx.emit(What::ProducerUnblocked {
                producer: Arc::clone(&self.name),
                after: now.since(since),
            });
        }
        self.wake_maker(ctx);
    }

    /// When a blocked send() gives up.
    pub(super) fn blocked_until(&self) -> Option<Time> {
        self.maker
            .blocked
            .map(|since| since + self.settings.time(Setting::MaxBlock))
    }
}
