//! What a seed makes: a cluster, its clients, and commands.

use crate::sim::command::Command;
use crate::sim::rng::Rng;
use crate::sim::settings::{Written, WrittenSettings};
use crate::sim::spec::{CommitMode, ConsumerSpec, GroupSpec, Keys, ProducerSpec, Spec, TopicSpec};
use crate::sim::time::Time;
use crate::sim::types::BrokerId;

pub(super) fn words(pairs: Vec<(&str, String)>) -> WrittenSettings {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Written(value)))
        .collect()
}

pub(super) fn choose<'a>(rng: &mut Rng, items: &[&'a str]) -> &'a str {
    rng.pick(items).copied().unwrap_or("")
}

/// A random cluster with clients.
pub(super) fn random_spec(rng: &mut Rng) -> Spec {
    let brokers = rng.between(1, 5) as u32;
    let mut settings = vec![
        ("offsets.topic.num.partitions", "2".to_owned()),
        (
            "group.initial.rebalance.delay.ms",
            rng.between(0, 3000).to_string(),
        ),
        (
            "replica.lag.time.max.ms",
            choose(rng, &["2000", "5000", "10000", "30000"]).to_owned(),
        ),
        (
            "broker.session.timeout.ms",
            choose(rng, &["3000", "6000", "9000"]).to_owned(),
        ),
        ("eligible.leader.replicas.version", rng.below(2).to_string()),
        (
            "leader.imbalance.check.interval.seconds",
            choose(rng, &["10", "300"]).to_owned(),
        ),
        ("unclean.leader.election.interval.ms", "5000".to_owned()),
    ];
    settings.push((
        "broker.heartbeat.interval.ms",
        choose(rng, &["500", "1000", "2000"]).to_owned(),
    ));
    let mut spec = Spec {
        brokers,
        controllers: choose(rng, &["1", "3", "3", "5"]).parse().unwrap_or(3),
        settings: words(settings),
        ..Spec::default()
    };
    spec.network.latency = Time::micros(rng.between(100, 5_000));
    spec.network.jitter = Time::micros(rng.between(0, 5_000));
    spec.network.loss = if rng.chance(0.2) { 0.01 } else { 0.0 };
    spec.disk.flush = Time::millis(rng.between(500, 20_000));
    if rng.chance(0.2) {
        let rack = |id| (id, if id % 2 == 0 { "a" } else { "b" }.to_owned());
        spec.racks = (1..=brokers).map(rack).collect();
        let own = Written("true".to_owned());
        spec.settings
            .insert("replica.selector.rack.aware".to_owned(), own);
    }
    for name in ["orders", "audit"].iter().take(rng.between(1, 2) as usize) {
        let replication = rng.between(1, u64::from(brokers)) as u32;
        let min = rng.between(1, u64::from(replication));
        let mut own = vec![("min.insync.replicas", min.to_string())];
        if rng.chance(0.15) {
            own.push(("unclean.leader.election.enable", "true".to_owned()));
        }
        spec.topics.push(TopicSpec {
            name: (*name).to_owned(),
            partitions: Some(rng.between(1, 4) as u32),
            replication: Some(replication),
            assignments: Vec::new(),
            settings: words(own),
        });
    }
    for name in ["app", "web"].iter().take(rng.between(1, 2) as usize) {
        let topic = choose_topic(rng, &spec);
        spec.producers.push(random_producer(rng, name, topic));
    }
    if rng.chance(0.6) {
        spec.groups.push(random_group(rng, &spec));
    }
    spec
}

fn choose_topic(rng: &mut Rng, spec: &Spec) -> String {
    rng.pick(&spec.topics)
        .map_or_else(String::new, |topic| topic.name.clone())
}

fn random_producer(rng: &mut Rng, name: &str, topic: String) -> ProducerSpec {
    let acks = choose(rng, &["all", "all", "all", "1", "0"]);
    let mut settings = vec![
        ("acks", acks.to_owned()),
        ("linger.ms", choose(rng, &["0", "5", "50"]).to_owned()),
        (
            "delivery.timeout.ms",
            choose(rng, &["8000", "30000", "120000"]).to_owned(),
        ),
        (
            "request.timeout.ms",
            choose(rng, &["1000", "3000", "5000"]).to_owned(),
        ),
        (
            "max.in.flight.requests.per.connection",
            rng.between(1, 5).to_string(),
        ),
        ("batch.size", choose(rng, &["200", "16384"]).to_owned()),
    ];
    if rng.chance(0.2) {
        settings.push(("enable.idempotence", "false".to_owned()));
    }
    if rng.chance(0.1) {
        settings.push(("buffer.memory", "40000".to_owned()));
    }
    let keys = match rng.below(4) {
        0 => Keys::Uniform(50),
        1 => Keys::Zipf(50),
        2 => Keys::Hot(80),
        _ => Keys::None,
    };
    ProducerSpec {
        name: name.to_owned(),
        topic,
        rate: rng.between(2, 60) as f64,
        record_size: rng.between(10, 300) as u32,
        keys,
        partition: None,
        start: Time::millis(rng.below(3000)),
        limit: None,
        settings: words(settings),
    }
}

pub(super) fn random_group(rng: &mut Rng, spec: &Spec) -> GroupSpec {
    let strategy = choose(
        rng,
        &[
            "range",
            "roundrobin",
            "sticky",
            "cooperative-sticky",
            "range,cooperative-sticky",
        ],
    );
    let settings = words(vec![
        ("partition.assignment.strategy", strategy.to_owned()),
        ("session.timeout.ms", "6000".to_owned()),
        ("heartbeat.interval.ms", "1000".to_owned()),
        (
            "max.poll.interval.ms",
            choose(rng, &["5000", "15000"]).to_owned(),
        ),
        (
            "auto.offset.reset",
            choose(rng, &["earliest", "latest"]).to_owned(),
        ),
        ("request.timeout.ms", "3000".to_owned()),
        // What it is busy with when everything is mended must be done before the end.
        ("max.poll.records", "50".to_owned()),
    ]);
    let member = |(name, rng): (&str, &mut Rng)| ConsumerSpec {
        name: name.to_owned(),
        instance: rng.chance(0.3).then(|| format!("{name}-static")),
        rack: rng.chance(0.3).then(|| "a".to_owned()),
        processing: Time::millis(rng.below(20)),
        failure_rate: if rng.chance(0.2) { 0.1 } else { 0.0 },
        retry_pause: Time::millis(rng.below(200)),
        commit: match rng.below(3) {
            0 => CommitMode::AfterProcessing,
            1 => CommitMode::BeforeProcessing,
            _ => CommitMode::Auto,
        },
        start: Time::millis(rng.below(5000)),
        ..ConsumerSpec::default()
    };
    let count = rng.between(1, 3) as usize;
    let mut members = Vec::new();
    for name in ["c1", "c2", "c3"].iter().take(count) {
        members.push(member((name, rng)));
    }
    GroupSpec {
        name: "billing".to_owned(),
        topics: vec![choose_topic(rng, spec)],
        settings,
        members,
    }
}

fn random_node(rng: &mut Rng, spec: &Spec) -> String {
    match rng.below(10) {
        0 => format!("controller {}", rng.between(1, u64::from(spec.controllers))),
        1 => rng
            .pick(&spec.producers)
            .map_or_else(String::new, |producer| {
                format!("producer {}", producer.name)
            }),
        _ => format!("broker {}", rng.between(1, u64::from(spec.brokers))),
    }
}

pub(super) fn random_client(rng: &mut Rng, spec: &Spec) -> String {
    let consumers: Vec<&ConsumerSpec> = spec
        .groups
        .iter()
        .flat_map(|group| &group.members)
        .collect();
    if rng.chance(0.5)
        && let Some(consumer) = rng.pick(&consumers)
    {
        return format!("consumer {}", consumer.name);
    }
    rng.pick(&spec.producers)
        .map_or_else(String::new, |producer| {
            format!("producer {}", producer.name)
        })
}

fn random_brokers(rng: &mut Rng, spec: &Spec) -> String {
    let mut all: Vec<BrokerId> = (1..=spec.brokers).collect();
    for place in (1..all.len()).rev() {
        all.swap(place, rng.below(place as u64 + 1) as usize);
    }
    all.truncate(rng.between(1, u64::from(spec.brokers)) as usize);
    all.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

/// A random command; `None` when what came up cannot be written for this cluster.
pub(super) fn random_command(rng: &mut Rng, spec: &Spec) -> Option<Command> {
    let broker = rng.between(1, u64::from(spec.brokers));
    let topic = choose_topic(rng, spec);
    let partition = format!("{topic}-{}", rng.below(3));
    let arrow = choose(rng, &["->", "<->"]);
    let text = match rng.below(46) {
        0..=3 => format!("crash broker {broker}"),
        4 => format!("crash broker {broker} losing page cache"),
        5..=9 => format!("restart broker {broker}"),
        10 => format!("shut down broker {broker}"),
        11 => format!(
            "slow disk of broker {broker} by {}",
            choose(rng, &["1", "50", "400"])
        ),
        12..=14 => format!(
            "cut {} {arrow} {}",
            random_node(rng, spec),
            random_node(rng, spec)
        ),
        15 => format!("isolate {}", random_node(rng, spec)),
        16..=17 => "heal all".to_owned(),
        18 => format!(
            "slow link {} {arrow} {} by {}ms",
            random_node(rng, spec),
            random_node(rng, spec),
            rng.between(1, 3000)
        ),
        19 => {
            let kind = choose(
                rng,
                &[
                    "ProduceResponse",
                    "FetchResponse",
                    "AlterPartitionResponse",
                    "OffsetCommitResponse",
                ],
            );
            format!(
                "drop next {kind} from broker {broker} to {}",
                random_node(rng, spec)
            )
        }
        20 => format!("lose {}% of messages", choose(rng, &["0", "1", "5"])),
        21 => format!("add partitions {topic} to {}", rng.between(2, 6)),
        22 => format!(
            "set topic {topic} min.insync.replicas={}",
            rng.between(1, 3)
        ),
        23 => format!("reassign {partition} to {}", random_brokers(rng, spec)),
        24 => format!("elect preferred {partition}"),
        25 if rng.chance(0.2) => format!("elect unclean {partition}"),
        26 => "fail controller".to_owned(),
        31 => format!(
            "crash controller {}",
            rng.between(1, u64::from(spec.controllers))
        ),
        32 => format!(
            "slow network of {} by {}",
            random_node(rng, spec),
            choose(rng, &["1", "20", "400"])
        ),
        33 => format!(
            "heal {} {arrow} {}",
            random_node(rng, spec),
            random_node(rng, spec)
        ),
        34 if rng.chance(0.3) => format!("set topic {topic} unclean.leader.election.enable=true"),
        35 => format!(
            "create topic {} partitions {} replication {}",
            choose(rng, &["later", "more"]),
            rng.between(1, 3),
            rng.between(1, u64::from(spec.brokers))
        ),
        36 => format!(
            "slow {} by {}",
            random_client(rng, spec),
            choose(rng, &["1", "2", "3"])
        ),
        37..=39 => random_change(rng, spec, &partition)?,
        27 => format!(
            "restart controller {}",
            rng.between(1, u64::from(spec.controllers))
        ),
        28 => format!("kill {}", random_client(rng, spec)),
        29 => format!("start {}", random_client(rng, spec)),
        30 => format!(
            "{} {}",
            choose(rng, &["pause", "pause", "resume", "stop"]),
            random_client(rng, spec)
        ),
        _ => format!("restart {}", random_client(rng, spec)),
    };
    text.parse().ok()
}

/// A change of how a client works.
fn random_change(rng: &mut Rng, spec: &Spec, partition: &str) -> Option<String> {
    let client = random_client(rng, spec);
    Some(match client.split_once(' ')? {
        ("producer", name) => match rng.below(5) {
            0 => format!("rate of producer {name} {}", rng.below(100)),
            1 => format!("record size of producer {name} {}", rng.between(1, 2000)),
            2 => format!("keys of producer {name} zipf {}", rng.between(1, 100)),
            3 => format!("set producer {name} linger.ms={}", rng.below(100)),
            _ => format!("keys of producer {name} none"),
        },
        (_, name) => match rng.below(8) {
            0 => format!("processing time of consumer {name} {}ms", rng.below(200)),
            1 => format!("failure rate of consumer {name} {}%", rng.below(30)),
            2 => format!(
                "commit of consumer {name} {}",
                choose(rng, &["auto", "never"])
            ),
            3 => format!(
                "commit of consumer {name} {} processing",
                choose(rng, &["after", "before"])
            ),
            4 => format!("pause partition {partition} of consumer {name}"),
            5 => format!("resume partition {partition} of consumer {name}"),
            6 => format!("join {name}-b to billing"),
            _ => format!(
                "reset offsets billing to {}",
                choose(rng, &["earliest", "latest", "5"])
            ),
        },
    })
}
