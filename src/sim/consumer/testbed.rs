//! A bench for consumers and coordinators without brokers: one node that
//! holds the records, coordinates the groups and answers after a fixed delay.

use super::*;
use crate::sim::group::GroupRecord;
use crate::sim::group::coordinator::{
    Coordinator, CoordinatorConfig, Effect as CoordinatorEffect, GroupTimer,
};
use crate::sim::group::progress::GroupProgress;
use crate::sim::group::state::Peer;
use crate::sim::message::{
    Batch, FetchResponse, FetchedPartition, Message, MetadataResponse, OffsetSpec, ProduceResult,
    Records,
};
use crate::sim::node::{Names, NodeId};
use crate::sim::rng::Rng;
use crate::sim::spare::Spare;

const LATENCY: Time = Time::millis(1);

#[derive(Debug, Clone)]
enum Happens {
    Request {
        from: usize,
        correlation: u32,
        message: Message,
    },
    Answer {
        to: usize,
        correlation: u32,
        message: Message,
    },
    Consumer {
        which: usize,
        timer: ConsumerTimer,
    },
    Coordinator {
        life: u32,
        timer: GroupTimer,
    },
    Written {
        life: u32,
        ticket: u64,
    },
    Fetch {
        from: usize,
        correlation: u32,
        positions: Vec<(PartitionId, Offset)>,
    },
}

pub(super) struct Bed {
    pub(super) now: Time,
    pub(super) names: Names,
    rng: Rng,
    spare: Spare,
    queue: BTreeMap<(Time, u64), Happens>,
    sequence: u64,
    pub(super) consumers: Vec<Consumer>,
    pub(super) coordinator: Coordinator,
    config: CoordinatorConfig,
    life: u32,
    records: Vec<Arc<GroupRecord>>,
    /// Records per second and partition, and how many are there at first.
    pub(super) rate: f64,
    pub(super) preloaded: u64,
    pub(super) log_start: Offset,
    pub(super) progress: GroupProgress,
    pub(super) events: Vec<(Time, GroupEvent)>,
    pub(super) produced: u64,
    /// How many heartbeats arrived.
    pub(super) heartbeats: u64,
}

impl Bed {
    pub(super) fn new(partitions: u32, preloaded: u64, rate: f64) -> Self {
        let mut names = Names::default();
        let topic = names.add_topic("orders");
        for _ in 0..partitions {
            names.add_partition(topic);
        }
        let dead = names.add_topic("orders-dead");
        names.add_partition(dead);
        let config = CoordinatorConfig {
            initial_rebalance_delay: Time::secs(3),
            min_session_timeout: Time::secs(6),
            max_session_timeout: Time::secs(1800),
        };
        Self {
            now: Time::ZERO,
            names,
            rng: Rng::new(7),
            spare: Spare::default(),
            queue: BTreeMap::new(),
            sequence: 0,
            consumers: Vec::new(),
            coordinator: Coordinator::new(config),
            config,
            life: 0,
            records: Vec::new(),
            rate,
            preloaded,
            log_start: 0,
            progress: GroupProgress::default(),
            events: Vec::new(),
            produced: 0,
            heartbeats: 0,
        }
    }

    pub(super) fn partition(&self, number: u32) -> PartitionId {
        self.names.partition("orders", number).unwrap()
    }

    pub(super) fn end(&self) -> Offset {
        self.preloaded + (self.now.as_secs_f64() * self.rate) as u64
    }

    fn push(&mut self, at: Time, what: Happens) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), what);
    }

    /// Adds a consumer of group `g` that reads from the start, and starts it.
    pub(super) fn add(&mut self, name: &str, change: impl FnOnce(&mut ConsumerConfig)) -> usize {
        let mut config = ConsumerConfig::new(name, "g", &["orders"]);
        config.auto_offset_reset = ResetPolicy::Earliest;
        change(&mut config);
        self.consumers.push(Consumer::new(config, vec![1]));
        let which = self.consumers.len() - 1;
        self.act(which, Consumer::start);
        which
    }

    pub(super) fn act(&mut self, which: usize, what: impl FnOnce(&mut Consumer, &mut Env)) {
        let mut out = Vec::new();
        let mut env = Env {
            now: self.now,
            names: &self.names,
            rng: &mut self.rng,
            spare: &mut self.spare,
            out: &mut out,
        };
        what(&mut self.consumers[which], &mut env);
        let name = Arc::clone(&self.consumers[which].config().name);
        for effect in out {
            match effect {
                Effect::Send {
                    correlation,
                    message,
                    ..
                } => {
                    self.push(
                        self.now + LATENCY,
                        Happens::Request {
                            from: which,
                            correlation,
                            message,
                        },
                    );
                }
                Effect::Wake { at, timer } => self.push(at, Happens::Consumer { which, timer }),
                Effect::Tell(event) => self.events.push((self.now, event)),
                Effect::Note(note) => self.note(which, &name, note),
            }
        }
    }

    fn note(&mut self, which: usize, name: &Arc<str>, note: Note) {
        match note {
            Note::Owned {
                partition,
                generation,
            } => {
                let instance = self.consumers[which].config().group_instance_id.clone();
                self.progress
                    .owned(partition, name, instance, generation, self.now);
            }
            Note::Kept {
                partition,
                generation,
            } => self.progress.kept(partition, name, generation),
            Note::Released { partition } => self.progress.released(partition, name, self.now),
            Note::Processed {
                partition,
                first,
                count,
            } => {
                self.progress.processed(partition, first, count);
            }
            Note::GaveUp { partition, offset } => self.progress.gave_up(partition, offset),
            Note::Truncated { partition, end } => self.progress.truncated(partition, end),
            Note::Started {
                partition,
                offset,
                committed,
            } => {
                let held = self
                    .consumers
                    .iter()
                    .flat_map(|other| other.holds(partition));
                let _ = self.progress.started(partition, offset, committed, held);
            }
        }
        assert_eq!(self.progress.broken, None);
    }

    fn coordinate(
        &mut self,
        what: impl FnOnce(&mut Coordinator, Time, &mut Vec<CoordinatorEffect>),
    ) {
        let mut out = Vec::new();
        what(&mut self.coordinator, self.now, &mut out);
        self.carry_out(out);
    }

    fn carry_out(&mut self, out: Vec<CoordinatorEffect>) {
        for effect in out {
            match effect {
                CoordinatorEffect::Reply { to, message } => {
                    let NodeId::Consumer(which) = to.node else {
                        continue;
                    };
                    let answer = Happens::Answer {
                        to: which as usize,
                        correlation: to.correlation,
                        message,
                    };
                    self.push(self.now + LATENCY, answer);
                }
                CoordinatorEffect::Write { ticket, record } => {
                    self.records.push(record);
                    self.push(
                        self.now + LATENCY,
                        Happens::Written {
                            life: self.life,
                            ticket,
                        },
                    );
                }
                CoordinatorEffect::Wake { at, timer } => {
                    self.push(
                        at,
                        Happens::Coordinator {
                            life: self.life,
                            timer,
                        },
                    );
                }
                CoordinatorEffect::Tell(event) => self.events.push((self.now, event)),
                CoordinatorEffect::TellStable { .. } => {}
            }
        }
    }

    /// Another broker takes over the coordination.
    pub(super) fn fail_over(&mut self) {
        self.coordinate(|coordinator, _, out| coordinator.resign(out));
        self.life += 1;
        let mut out = Vec::new();
        let records: Vec<Arc<GroupRecord>> = self.records.clone();
        let read = records.iter().map(|record| &**record);
        self.coordinator = Coordinator::load(self.config, read, 2, self.now, &mut out);
        self.carry_out(out);
    }

    /// What was committed so far is lost, as by an unclean election of the partition that holds it.
    pub(super) fn forget_commits(&mut self) {
        let commit = |record: &Arc<GroupRecord>| matches!(**record, GroupRecord::Commit { .. });
        self.records.retain(|record| !commit(record));
    }

    pub(super) fn run_until(&mut self, end: Time) {
        while let Some((&(at, sequence), _)) = self.queue.first_key_value()
            && at <= end
        {
            let what = self.queue.remove(&(at, sequence)).unwrap();
            self.now = at;
            self.happen(what);
        }
        self.now = end;
    }

    fn happen(&mut self, what: Happens) {
        match what {
            Happens::Consumer { which, timer } => {
                self.act(which, |consumer, env| consumer.wake(timer, env));
            }
            Happens::Answer {
                to,
                correlation,
                message,
            } => {
                self.act(to, |consumer, env| {
                    consumer.receive(correlation, message, env);
                });
            }
            Happens::Coordinator { life, timer } if life == self.life => {
                self.coordinate(|coordinator, now, out| coordinator.wake(now, timer, out));
            }
            Happens::Written { life, ticket } if life == self.life => {
                self.coordinate(|coordinator, now, out| {
                    coordinator.written(now, ticket, Ok(()), out);
                });
            }
            Happens::Fetch {
                from,
                correlation,
                positions,
            } => {
                let message = self.read(&positions);
                self.push(
                    self.now + LATENCY,
                    Happens::Answer {
                        to: from,
                        correlation,
                        message,
                    },
                );
            }
            Happens::Request {
                from,
                correlation,
                message,
            } => self.serve(from, correlation, message),
            Happens::Coordinator { .. } | Happens::Written { .. } => {}
        }
    }

    fn serve(&mut self, from: usize, correlation: u32, message: Message) {
        let answer = match message {
            Message::MetadataRequest { topics } => self.metadata(&topics),
            Message::FindCoordinatorRequest { group } => Message::FindCoordinatorResponse {
                group,
                error: None,
                coordinator: 1,
            },
            Message::ListOffsetsRequest { partitions } => {
                let of = |spec| {
                    if matches!(spec, OffsetSpec::Earliest) {
                        self.log_start
                    } else {
                        self.end()
                    }
                };
                let partitions = partitions
                    .iter()
                    .map(|(id, spec, _)| (*id, Ok(of(*spec))))
                    .collect();
                Message::ListOffsetsResponse { partitions }
            }
            Message::FetchRequest(request) => {
                let positions: Vec<(PartitionId, Offset)> = request
                    .changed
                    .iter()
                    .map(|position| (position.partition, position.offset))
                    .collect();
                let ready = positions.iter().any(|(_, offset)| *offset != self.end());
                let at = if ready {
                    self.now
                } else {
                    self.now + request.max_wait
                };
                return self.push(
                    at,
                    Happens::Fetch {
                        from,
                        correlation,
                        positions,
                    },
                );
            }
            Message::ProduceRequest { batches, .. } => {
                self.produced += 1;
                let results = batches
                    .iter()
                    .map(|batch| ProduceResult {
                        partition: batch.partition,
                        error: None,
                        base_offset: 0,
                        leader_epoch: 0,
                        leader_hint: None,
                    })
                    .collect();
                Message::ProduceResponse { results }
            }
            other => {
                self.heartbeats += u64::from(matches!(other, Message::HeartbeatRequest(_)));
                let client = Arc::clone(&self.consumers[from].config().name);
                let peer = Peer {
                    node: NodeId::Consumer(from as u32),
                    correlation,
                };
                return self.coordinate(|coordinator, now, out| {
                    coordinator.handle(now, &client, peer, &other, out);
                });
            }
        };
        self.push(
            self.now + LATENCY,
            Happens::Answer {
                to: from,
                correlation,
                message: answer,
            },
        );
    }

    fn metadata(&self, topics: &[TopicId]) -> Message {
        let ids = topics
            .iter()
            .flat_map(|&topic| self.names.partitions_of(topic));
        Message::MetadataResponse(Box::new(MetadataResponse {
            brokers: vec![1],
            partitions: ids
                .map(|&partition| PartitionLeader {
                    partition,
                    leader: Some(1),
                    epoch: 0,
                })
                .collect(),
            counts: topics
                .iter()
                .map(|&topic| (topic, self.names.partitions_of(topic).len() as u32))
                .collect(),
        }))
    }

    fn read(&self, positions: &[(PartitionId, Offset)]) -> Message {
        let (mut partitions, mut batches) = (Vec::new(), Vec::new());
        for &(partition, offset) in positions {
            let outside = offset < self.log_start || offset > self.end();
            let count = if outside {
                0
            } else {
                (self.end() - offset).min(1000) as u32
            };
            if count > 0 {
                batches.push(Batch {
                    base_offset: offset,
                    count,
                    bytes: count * 100,
                    leader_epoch: 0,
                    producer_id: -1,
                    producer_epoch: -1,
                    first_sequence: -1,
                    created: self.now,
                    records: Records::Summary,
                });
            }
            partitions.push(FetchedPartition {
                partition,
                error: outside.then_some(ErrorCode::OffsetOutOfRange),
                high_watermark: self.end(),
                diverging: None,
                leader_hint: outside.then_some((1, 0)),
                preferred_replica: None,
                batches: u32::from(count > 0),
            });
        }
        Message::FetchResponse(Box::new(FetchResponse {
            error: None,
            session_epoch: 1,
            partitions,
            batches,
        }))
    }

    pub(super) fn generation(&self) -> i32 {
        self.coordinator
            .group("g")
            .map_or(0, |group| group.generation)
    }

    pub(super) fn committed(&self, number: u32) -> Option<Offset> {
        let group = self.coordinator.group("g")?;
        group
            .offsets
            .get(&self.partition(number))
            .map(|committed| committed.offset)
    }

    pub(super) fn count(&self, wanted: impl Fn(&GroupEvent) -> bool) -> usize {
        self.events
            .iter()
            .filter(|(_, event)| wanted(event))
            .count()
    }

    pub(super) fn sizes(&self) -> Vec<usize> {
        self.consumers
            .iter()
            .map(|consumer| consumer.assignment().count())
            .collect()
    }
}
