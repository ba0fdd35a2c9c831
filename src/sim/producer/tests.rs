//! A producer against scripted brokers: what it sends when, and what it makes of the answers.

use std::collections::BTreeMap;

use super::*;
use crate::sim::broker::producer_state::{ProducerBatch, ProducerStates, Verdict};
use crate::sim::context::{Occurrence, World};
use crate::sim::event::EventId;
use crate::sim::message::{
    Batch, Envelope, MetadataResponse, PartitionLeader, ProduceResult, Records,
};
use crate::sim::network::{Network, NodeIndex};
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::settings::Written;
use crate::sim::spec::NetworkSpec;
use crate::sim::types::ErrorCode;

/// What a scripted broker does with a produce request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reply {
    Ok,
    Error(ErrorCode),
    Silence,
    /// Appends, but the answer gets lost.
    AppendInSilence,
}

struct Bed {
    world: World,
    producer: Producer,
    /// Answers for coming produce requests; after the last one all is well.
    script: Vec<Reply>,
    /// Every batch that arrived, with the time.
    arrived: Vec<(Time, BrokerId, Batch)>,
    /// Record numbers by partition, as appended.
    logs: BTreeMap<PartitionId, Vec<u64>>,
    states: BTreeMap<PartitionId, ProducerStates>,
    leader: BrokerId,
}

fn spec(settings: &[(&str, &str)]) -> ProducerSpec {
    let written = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Written((*value).to_owned())));
    ProducerSpec {
        name: "app".into(),
        topic: "orders".into(),
        rate: 100.0,
        record_size: 100,
        keys: Keys::None,
        partition: None,
        start: Time::ZERO,
        limit: None,
        settings: written.collect(),
    }
}

impl Bed {
    fn new(spec: &ProducerSpec, partitions: u32) -> Bed {
        let nodes = NodeIndex::new(2, 1);
        let network = NetworkSpec {
            latency: Time::millis(1),
            jitter: Time::ZERO,
            loss: 0.0,
        };
        let mut world = World::new(7, Network::new(network, nodes));
        let topic = world.names.add_topic("orders");
        (0..partitions).for_each(|_| {
            world.names.add_partition(topic);
        });
        world.names.producers.push("app".into());
        let settings = Settings::default()
            .with(&spec.settings, Place::Producer)
            .unwrap();
        let producer = Producer::new(0, spec, topic, settings, 2);
        let mut bed = Bed {
            world,
            producer,
            script: Vec::new(),
            arrived: Vec::new(),
            logs: BTreeMap::new(),
            states: BTreeMap::new(),
            leader: 1,
        };
        for node in [NodeId::Broker(1), NodeId::Broker(2), NodeId::Producer(0)] {
            bed.world.begin_life(node);
        }
        let mut ctx = bed.world.context(NodeId::Producer(0), None);
        bed.producer.start(&mut ctx);
        bed
    }

    fn run(&mut self, until: Time) {
        while self.world.queue.next_time().is_some_and(|at| at <= until) {
            let (at, occurrence) = self.world.queue.pop().unwrap();
            self.world.now = at;
            match occurrence {
                Occurrence::Fire(alarm) => {
                    if let Timer::Producer(timer) = alarm.timer {
                        let mut ctx = self.world.context(NodeId::Producer(0), alarm.cause);
                        self.producer.on_timer(timer, &mut ctx);
                    }
                }
                Occurrence::Deliver(envelope) => match envelope.to {
                    NodeId::Producer(_) => {
                        let Envelope {
                            from, correlation, ..
                        } = *envelope;
                        let mut ctx = self.world.context(envelope.to, envelope.cause);
                        let message = envelope.message;
                        self.producer
                            .on_message(from, correlation, message, &mut ctx);
                    }
                    NodeId::Broker(broker) => {
                        self.broker(broker, envelope.correlation, envelope.message)
                    }
                    _ => {}
                },
                Occurrence::Start { .. } => {}
            }
        }
        self.world.now = until;
    }

    fn broker(&mut self, broker: BrokerId, correlation: u32, message: Message) {
        let answer = match message {
            Message::MetadataRequest { .. } => {
                Some(Message::MetadataResponse(Box::new(MetadataResponse {
                    brokers: vec![1, 2],
                    partitions: (0..self.world.names.partitions.len() as u32)
                        .map(|id| PartitionLeader {
                            partition: PartitionId(id),
                            leader: Some(self.leader),
                            epoch: self.leader as i32,
                        })
                        .collect(),
                    counts: Vec::new(),
                })))
            }
            Message::InitProducerIdRequest => Some(Message::InitProducerIdResponse {
                error: None,
                producer_id: 9,
                producer_epoch: 0,
            }),
            Message::ProduceRequest { acks, batches, .. } => {
                let reply = if self.script.is_empty() {
                    Reply::Ok
                } else {
                    self.script.remove(0)
                };
                let mut results = Vec::new();
                for produced in batches {
                    self.arrived
                        .push((self.world.now, broker, produced.batch.clone()));
                    let wrong = broker != self.leader;
                    let batch = &produced.batch;
                    let states = self.states.entry(produced.partition).or_default();
                    let sequenced = ProducerBatch::of(
                        batch.producer_id,
                        batch.producer_epoch,
                        batch.first_sequence,
                        batch.count,
                    );
                    let verdict = match batch.producer_id {
                        -1 => Ok(Verdict::Append),
                        _ => states.check(&sequenced),
                    };
                    let error = match reply {
                        _ if wrong => Some(ErrorCode::NotLeaderOrFollower),
                        Reply::Error(error) => Some(error),
                        _ => verdict.err().map(|error| error.code()),
                    };
                    let log = self.logs.entry(produced.partition).or_default();
                    let base_offset = log.len() as u64;
                    let append = verdict == Ok(Verdict::Append) && reply != Reply::Silence;
                    if error.is_none() && append {
                        log.extend(numbers(batch));
                        states.record(
                            &sequenced,
                            base_offset,
                            log.len() as u64 - 1,
                            self.world.now.0,
                        );
                        let appended = Batch {
                            base_offset,
                            leader_epoch: 1,
                            ..batch.clone()
                        };
                        self.world.ledger.appended(
                            produced.partition,
                            &appended,
                            1,
                            &self.world.names,
                        );
                    }
                    results.push(ProduceResult {
                        partition: produced.partition,
                        error,
                        base_offset,
                        leader_epoch: 1,
                        leader_hint: wrong.then_some((self.leader, self.leader as i32)),
                    });
                }
                let silent = acks == 0 || matches!(reply, Reply::Silence | Reply::AppendInSilence);
                (!silent).then_some(Message::ProduceResponse { results })
            }
            _ => None,
        };
        if let Some(answer) = answer {
            let mut ctx = self.world.context(NodeId::Broker(broker), None);
            ctx.send(NodeId::Producer(0), correlation, answer);
        }
    }

    fn told(&self) -> Vec<String> {
        self.world
            .events
            .since(EventId(0))
            .map(|event| event.what.to_string())
            .collect()
    }

    fn log(&self, partition: u32) -> &[u64] {
        self.logs
            .get(&PartitionId(partition))
            .map_or(&[], Vec::as_slice)
    }

    fn acknowledged(&self) -> u64 {
        self.world
            .ledger
            .producer(0)
            .map_or(0, |fates| fates.acknowledged.len())
    }
}

fn numbers(batch: &Batch) -> Vec<u64> {
    match &batch.records {
        Records::Run { first, .. } => (*first..first + u64::from(batch.count)).collect(),
        Records::List { numbers, .. } => numbers.to_vec(),
        _ => Vec::new(),
    }
}

const SECOND: Time = Time::secs(1);

#[test]
fn records_flow_at_the_rate_and_are_acknowledged() {
    let mut bed = Bed::new(&spec(&[]), 1);
    bed.run(Time::secs(10));
    let made = bed.producer.made;
    assert!((985..=1000).contains(&made), "{made}");
    assert!(made - bed.acknowledged() <= 5);
    assert!(bed.log(0).iter().copied().eq(0..bed.log(0).len() as u64));
    assert!(
        bed.told()
            .iter()
            .any(|text| text.contains("gets producer id 9"))
    );
}

#[test]
fn linger_gathers_records_and_a_full_batch_goes_at_once() {
    let mut bed = Bed::new(&spec(&[("linger.ms", "100")]), 1);
    bed.run(SECOND);
    let sizes: Vec<u32> = bed
        .arrived
        .iter()
        .map(|(_, _, batch)| batch.count)
        .collect();
    assert!(
        sizes.iter().all(|count| (9..=12).contains(count)),
        "{sizes:?}"
    );
    let mut bed = Bed::new(&spec(&[("linger.ms", "1000"), ("batch.size", "250")]), 1);
    bed.run(SECOND);
    assert!(
        bed.arrived
            .iter()
            .all(|(_, _, batch)| batch.count == 2 && batch.bytes == 200)
    );
    assert!(
        bed.arrived.len() > 40,
        "full batches do not wait for the linger"
    );
}

#[test]
fn a_limit_ends_it_and_flushes() {
    let limited = ProducerSpec {
        limit: Some(7),
        ..spec(&[("linger.ms", "5000")])
    };
    let mut bed = Bed::new(&limited, 1);
    bed.run(Time::secs(3));
    assert_eq!((bed.producer.made, bed.acknowledged()), (7, 7));
    assert!(
        bed.told()
            .iter()
            .any(|text| text == "producer app stops making records after 7")
    );
}

#[test]
fn keys_go_where_murmur2_sends_them() {
    let keyed = ProducerSpec {
        keys: Keys::Uniform(20),
        ..spec(&[])
    };
    let mut bed = Bed::new(&keyed, 4);
    bed.run(Time::secs(5));
    assert!((0..4).all(|partition| !bed.log(partition).is_empty()));
    let hot = ProducerSpec {
        keys: Keys::Hot(90),
        ..spec(&[])
    };
    let mut bed = Bed::new(&hot, 4);
    bed.run(Time::secs(5));
    let home = crate::sim::partitioner::partition_for_key(b"key-0", 4);
    assert!(bed.log(home).len() * 10 > bed.acknowledged() as usize * 8);
}

#[test]
fn without_keys_it_stays_with_a_partition_for_a_batch_worth_of_bytes() {
    let mut bed = Bed::new(&spec(&[("batch.size", "1000"), ("linger.ms", "0")]), 3);
    bed.run(Time::secs(10));
    let mut homes = vec![None; bed.producer.made as usize];
    for partition in 0..3 {
        bed.log(partition)
            .iter()
            .for_each(|number| homes[*number as usize] = Some(partition));
    }
    let switches = homes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    // 1000 records of 100 bytes: a new choice every ten to twenty records, some of them for the same partition.
    assert!((20..=100).contains(&switches), "{switches}");
}

#[test]
fn an_error_is_retried_with_backoff_and_told_once() {
    let mut bed = Bed::new(&spec(&[("max.in.flight.requests.per.connection", "1")]), 1);
    bed.script = vec![Reply::Error(ErrorCode::NotEnoughReplicas); 6];
    bed.run(Time::secs(10));
    let told = bed.told();
    assert_eq!(
        told.iter()
            .filter(|text| text.contains("gets NOT_ENOUGH_REPLICAS"))
            .count(),
        1,
        "{told:#?}"
    );
    assert_eq!(
        told.iter()
            .filter(|text| text.contains("gets through to orders-0 again"))
            .count(),
        1
    );
    let first: Vec<Time> = bed
        .arrived
        .iter()
        .filter(|(_, _, batch)| numbers(batch).contains(&0))
        .map(|(at, ..)| *at)
        .collect();
    assert_eq!(first.len(), 7);
    let waits: Vec<u64> = first
        .windows(2)
        .map(|pair| pair[1].since(pair[0]).as_millis())
        .collect();
    for (wait, base) in waits.iter().zip([100, 200, 400, 800, 1000, 1000]) {
        assert!(
            (base * 8 / 10..=(base * 12 / 10).min(1000) + 3).contains(wait),
            "{waits:?}"
        );
    }
    assert!(bed.log(0).iter().copied().eq(0..bed.log(0).len() as u64));
}

#[test]
fn a_new_leader_is_found_without_waiting() {
    let mut bed = Bed::new(&spec(&[]), 1);
    bed.run(SECOND);
    bed.leader = 2;
    bed.run(Time::secs(2));
    let first = bed
        .arrived
        .iter()
        .find(|(_, broker, _)| *broker == 2)
        .unwrap()
        .0;
    assert!(
        first.since(SECOND) < Time::millis(30),
        "KIP-951: the answer names the leader ({first})"
    );
    assert!(bed.log(0).iter().copied().eq(0..bed.log(0).len() as u64));
}

#[test]
fn a_lost_answer_duplicates_nothing_with_idempotence() {
    let mut bed = Bed::new(&spec(&[("request.timeout.ms", "1000")]), 1);
    bed.script = vec![Reply::AppendInSilence];
    bed.run(Time::secs(5));
    assert_eq!(bed.world.ledger.producer(0).unwrap().duplicated.len(), 0);
    assert!(bed.log(0).iter().copied().eq(0..bed.log(0).len() as u64));
}

#[test]
fn a_lost_answer_duplicates_without_idempotence() {
    let plain = &[
        ("enable.idempotence", "false"),
        ("request.timeout.ms", "1000"),
        ("max.in.flight.requests.per.connection", "1"),
    ];
    let mut bed = Bed::new(&spec(plain), 1);
    bed.script = vec![Reply::AppendInSilence];
    bed.run(Time::secs(5));
    let twice = bed.world.ledger.producer(0).unwrap().duplicated.len();
    assert!(twice > 0);
    assert_eq!(bed.log(0).len() as u64, bed.acknowledged() + twice);
}

#[test]
fn several_in_flight_reorder_without_idempotence() {
    let plain = &[("enable.idempotence", "false"), ("linger.ms", "0")];
    let mut bed = Bed::new(
        &ProducerSpec {
            rate: 2000.0,
            ..spec(plain)
        },
        1,
    );
    bed.script = vec![Reply::Error(ErrorCode::NotEnoughReplicas)];
    bed.run(SECOND);
    assert!(!bed.world.ledger.producer(0).unwrap().reordered.is_empty());
}

#[test]
fn sequences_number_the_records_of_a_partition() {
    let mut bed = Bed::new(&spec(&[]), 1);
    bed.run(SECOND);
    let mut next = 0;
    for (_, _, batch) in &bed.arrived {
        assert_eq!(
            (
                batch.producer_id,
                batch.producer_epoch,
                batch.first_sequence
            ),
            (9, 0, next)
        );
        next += batch.count as i32;
    }
}

#[test]
fn a_retry_keeps_its_sequence_and_nothing_new_overtakes_it() {
    let mut bed = Bed::new(
        &ProducerSpec {
            rate: 2000.0,
            ..spec(&[("linger.ms", "0")])
        },
        1,
    );
    // The first attempt fails; those in flight behind it are out of order for the broker.
    bed.run(Time::millis(500));
    bed.script = vec![Reply::Error(ErrorCode::NotEnoughReplicas)];
    bed.run(SECOND);
    assert!(
        bed.log(0).iter().copied().eq(0..bed.log(0).len() as u64),
        "{:?}",
        &bed.log(0)[..20]
    );
    assert!(
        bed.arrived
            .iter()
            .all(|(_, _, batch)| batch.producer_epoch == 0),
        "no epoch was spent"
    );
    assert_eq!(bed.world.ledger.producer(0).unwrap().reordered.len(), 0);
}

#[test]
fn a_gap_for_good_costs_an_epoch() {
    let mut bed = Bed::new(&spec(&[("max.in.flight.requests.per.connection", "1")]), 1);
    bed.run(SECOND);
    bed.script = vec![Reply::Error(ErrorCode::OutOfOrderSequenceNumber)];
    bed.run(Time::secs(3));
    let (_, _, last) = bed.arrived.last().unwrap();
    assert_eq!(last.producer_epoch, 1);
    let first_new = bed
        .arrived
        .iter()
        .find(|(_, _, batch)| batch.producer_epoch == 1)
        .unwrap();
    assert_eq!(first_new.2.first_sequence, 0);
    assert!(bed.log(0).iter().copied().eq(0..bed.log(0).len() as u64));
}

#[test]
fn delivery_timeout_ends_it_and_says_so() {
    let short = &[
        ("delivery.timeout.ms", "3000"),
        ("request.timeout.ms", "1000"),
        ("linger.ms", "5"),
    ];
    let mut bed = Bed::new(&spec(short), 1);
    bed.script = vec![Reply::Silence; 200];
    bed.run(Time::secs(8));
    let fates = bed.world.ledger.producer(0).unwrap();
    assert!(fates.failed.len() > 300 && fates.acknowledged.is_empty());
    let told = bed.told();
    assert!(
        told.iter()
            .any(|text| text.contains("delivery.timeout.ms = 3000 is over")),
        "{told:#?}"
    );
    let late = "gets REQUEST_TIMED_OUT for orders-0 from broker 1 (no answer came within request.timeout.ms)";
    assert!(told.iter().any(|text| text.contains(late)), "{told:#?}");
}

#[test]
fn a_try_that_nobody_took_does_not_count_for_retries() {
    let few = [("retries", "1"), ("delivery.timeout.ms", "60000")];
    for is_up in [true, false] {
        let mut bed = Bed::new(&spec(&few), 1);
        bed.run(Time::secs(1));
        if is_up {
            bed.script = vec![Reply::Error(ErrorCode::NotEnoughReplicas); 8];
        } else {
            bed.world.end_life(NodeId::Broker(1));
        }
        bed.run(Time::secs(8));
        bed.world.begin_life(NodeId::Broker(1));
        bed.run(Time::secs(20));
        let fates = bed.world.ledger.producer(0).unwrap();
        assert_eq!(fates.failed.is_empty(), !is_up, "{fates:?}");
        assert!(fates.acknowledged.len() > 100, "{fates:?}");
    }
}

#[test]
fn a_full_buffer_blocks_send_and_then_refuses() {
    let small = &[("buffer.memory", "32768"), ("max.block.ms", "2000")];
    let mut bed = Bed::new(
        &ProducerSpec {
            rate: 1000.0,
            ..spec(small)
        },
        1,
    );
    bed.script = vec![Reply::Silence; 100];
    bed.run(Time::secs(10));
    let told = bed.told();
    assert!(
        told.iter()
            .any(|text| text.contains("blocks: 32768 bytes wait (buffer.memory = 32768)")),
        "{told:#?}"
    );
    assert!(
        told.iter().any(|text| text.contains("max.block.ms = 2000")),
        "{told:#?}"
    );
    assert!(bed.producer.is_blocked() && bed.producer.buffered() <= 32768);
    let waiting = bed.producer.made;
    assert!(
        waiting < 400,
        "a blocked application makes nothing ({waiting})"
    );
    bed.script.clear();
    bed.run(Time::secs(60));
    assert!(!bed.producer.is_blocked());
    assert!(bed.acknowledged() > 10_000);
}

#[test]
fn acks_0_asks_for_no_answer() {
    let mut bed = Bed::new(&spec(&[("acks", "0")]), 1);
    bed.script = vec![Reply::Silence; 1000];
    bed.run(SECOND);
    assert_eq!(bed.producer.requests_in_flight(), 0);
    assert!(bed.acknowledged() > 80, "success without an answer");
    assert!(bed.log(0).is_empty());
}

#[test]
fn a_record_above_the_largest_request_fails_at_once() {
    let huge = ProducerSpec {
        record_size: 2_000_000,
        limit: Some(3),
        ..spec(&[])
    };
    let mut bed = Bed::new(&huge, 1);
    bed.run(SECOND);
    assert_eq!(bed.world.ledger.producer(0).unwrap().failed.len(), 3);
    assert!(
        bed.told()
            .iter()
            .any(|text| text.contains("RecordTooLargeException")
                && text.contains("max.request.size = 1048576"))
    );
}

#[test]
fn a_killed_producer_leaves_its_buffer_behind() {
    let mut bed = Bed::new(&spec(&[("linger.ms", "500")]), 1);
    bed.run(Time::millis(1300));
    let mut ctx = bed.world.context(NodeId::Producer(0), None);
    bed.producer.kill(&mut ctx);
    assert!(bed.told().last().unwrap().contains("is killed"));
    let before = bed.acknowledged();
    bed.run(Time::secs(3));
    assert_eq!(bed.acknowledged(), before);
    assert!(bed.producer.activity == Activity::Down);
}

#[test]
fn settings_that_contradict_are_refused_or_switch_idempotence_off() {
    let check = |settings: &[(&str, &str)]| check_settings(&spec(settings).settings);
    assert!(
        check(&[("enable.idempotence", "true"), ("acks", "1")])
            .unwrap_err()
            .contains("acks = all")
    );
    assert!(check(&[("acks", "1")]).is_ok());
    let many = ("max.in.flight.requests.per.connection", "6");
    for asked in [vec![many], vec![many, ("acks", "1")]] {
        assert!(check(&asked).unwrap_err().contains("at most 5"));
    }
    assert!(check(&[many, ("enable.idempotence", "false")]).is_ok());
    assert!(
        check(&[("delivery.timeout.ms", "100")])
            .unwrap_err()
            .contains("must be at least")
    );
    let settings = Settings::default()
        .with(&spec(&[("acks", "1")]).settings, Place::Producer)
        .unwrap();
    assert!(!is_idempotent(&settings));
    assert!(is_idempotent(&Settings::default()));
}

#[test]
fn a_new_leader_ends_the_backoff() {
    // Source: `RecordAccumulator.shouldBackoff` (KIP-951).
    let patient = [
        ("retry.backoff.ms", "1000"),
        ("retry.backoff.max.ms", "30000"),
        ("metadata.max.age.ms", "500"),
    ];
    for (leader, pause) in [(1, 6_000..10_000), (2, 0..4_000)] {
        let one = ProducerSpec {
            limit: Some(1),
            ..spec(&patient)
        };
        let mut bed = Bed::new(&one, 1);
        // After the fourth error it would wait for 8 s.
        bed.script = vec![Reply::Error(ErrorCode::NotEnoughReplicas); 4];
        while bed.arrived.len() < 4 {
            bed.run(bed.world.now + SECOND);
        }
        bed.leader = leader;
        bed.run(Time::secs(60));
        let times: Vec<u64> = bed.arrived.iter().map(|(at, ..)| at.as_millis()).collect();
        assert_eq!((times.len(), bed.acknowledged()), (5, 1));
        assert!(
            pause.contains(&(times[4] - times[3])),
            "{leader}: {times:?}"
        );
    }
}
