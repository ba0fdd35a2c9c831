//! Random clusters, random faults: looks for a broken invariant.
//!
//! Everything of a case follows from its seed: the cluster, its clients, and a script of commands. After the script
//! everything is mended, and the cluster must come to rest: every partition led, every replica in sync, nothing above
//! a high watermark, every group stable. Source of the method: the simulators of FoundationDB and TigerBeetle.

use std::fmt;

use super::cluster::Cluster;
use super::command::Command;
use super::event::{Event, EventId};
use super::invariant::Broken;
use super::node::NodeId;
use super::rng::Rng;
use super::settings::{Written, WrittenSettings};
use super::spec::{
    CommitMode, ConsumerSpec, GroupSpec, Keys, ProducerSpec, Spec, SpecError, TopicSpec,
};
use super::time::Time;
use super::types::BrokerId;

/// A case: a cluster and what is done to it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The seed that all of it follows from.
    pub seed: u64,
    /// The cluster.
    pub spec: Spec,
    /// Commands and when they are given.
    pub script: Vec<(Time, Command)>,
    /// When everything is mended.
    pub mended: Time,
    /// When the cluster must have come to rest.
    pub end: Time,
}

/// How a case went.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Commands that could be carried out.
    pub faults: u64,
    /// Occurrences handled.
    pub steps: u64,
    /// What broke.
    pub broken: Vec<Broken>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = &self.spec;
        write!(
            f,
            "seed {}: {} brokers, {} controllers",
            self.seed, spec.brokers, spec.controllers
        )?;
        for topic in &spec.topics {
            let (partitions, replication) = (
                topic.partitions.unwrap_or(1),
                topic.replication.unwrap_or(1),
            );
            write!(f, ", topic {} {partitions}×{replication}", topic.name)?;
        }
        write!(f, ", settings {:?}", spec.settings)
    }
}

fn words(pairs: Vec<(&str, String)>) -> WrittenSettings {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Written(value)))
        .collect()
}

fn choose<'a>(rng: &mut Rng, items: &[&'a str]) -> &'a str {
    rng.pick(items).copied().unwrap_or("")
}

impl Case {
    /// The case of a seed.
    pub fn new(seed: u64) -> Case {
        let mut rng = Rng::new(seed ^ 0x5eed_5eed_5eed_5eed);
        let spec = random_spec(&mut rng);
        let mended = Time::secs(rng.between(20, 45));
        let count = rng.between(5, 30);
        let mut times: Vec<Time> = (0..count)
            .map(|_| Time::millis(rng.between(1_500, mended.as_millis() - 1)))
            .collect();
        times.sort_unstable();
        let command = |at| Some((at, random_command(&mut rng, &spec)?));
        let script = times.into_iter().filter_map(command).collect();
        // Enough for a quorum, sessions, ISR, a rebalance of all, and retries that have backed off.
        Case {
            seed,
            spec,
            script,
            mended,
            end: mended + Time::secs(75),
        }
    }

    /// Plays the case and watches.
    ///
    /// # Errors
    /// When the spec is impossible, which would be a mistake of this generator.
    pub fn play(&self) -> Result<(Cluster, Report), SpecError> {
        let mut cluster = Cluster::new(&self.spec, self.seed)?;
        cluster.watch();
        let mut faults = 0;
        for (at, command) in &self.script {
            cluster.run_until(*at);
            faults += u64::from(cluster.apply(command.clone()).is_ok());
        }
        cluster.run_until(self.mended);
        self.settle(&mut cluster);
        let mut broken = cluster.broken().to_vec();
        broken.extend(unrest(&cluster));
        let steps = cluster.steps();
        Ok((
            cluster,
            Report {
                faults,
                steps,
                broken,
            },
        ))
    }

    /// Plays the case twice, once through a snapshot in the middle, and compares event by event.
    ///
    /// # Errors
    /// When the spec is impossible, which would be a mistake of this generator.
    pub fn play_twice(&self) -> Result<Option<Broken>, SpecError> {
        let straight = {
            let mut cluster = Cluster::new(&self.spec, self.seed)?;
            self.continue_from(&mut cluster, Time::ZERO);
            cluster
        };
        let middle = Time(self.mended.0 / 2);
        let mut front = Cluster::new(&self.spec, self.seed)?;
        for (at, command) in self.script.iter().filter(|(at, _)| *at <= middle) {
            front.run_until(*at);
            let _ = front.apply(command.clone());
        }
        front.run_until(middle);
        let mut snapshot = front.clone();
        // What the original does afterwards must not reach the snapshot.
        front.run_until(self.mended);
        self.continue_from(&mut snapshot, middle);
        let events = |cluster: &Cluster| -> Vec<Event> {
            cluster.events_since(EventId(0)).cloned().collect()
        };
        let (straight, replayed) = (events(&straight), events(&snapshot));
        let differs = straight
            .iter()
            .zip(&replayed)
            .position(|(one, other)| one != other);
        let differs = differs.or_else(|| {
            (straight.len() != replayed.len()).then(|| straight.len().min(replayed.len()))
        });
        Ok(differs.map(|place| {
            let show = |events: &[Event]| {
                events
                    .get(place)
                    .map_or_else(|| "nothing".to_owned(), ToString::to_string)
            };
            let detail = format!(
                "event {place}: straight `{}`, replayed `{}`",
                show(&straight),
                show(&replayed)
            );
            Broken {
                time: self.end,
                invariant: "a snapshot and its replay give the same events",
                detail,
            }
        }))
    }

    fn continue_from(&self, cluster: &mut Cluster, from: Time) {
        for (at, command) in self
            .script
            .iter()
            .filter(|(at, _)| *at > from || from == Time::ZERO)
        {
            cluster.run_until(*at);
            let _ = cluster.apply(command.clone());
        }
        cluster.run_until(self.mended);
        self.settle(cluster);
    }

    /// Mends everything and waits for the end. A broker that was shutting down stops only now, so it is started later.
    fn settle(&self, cluster: &mut Cluster) {
        mend(cluster);
        cluster.run_until(self.mended + Time::secs(15));
        give_all(cluster);
        // Changing `min.insync.replicas` clears the eligible leader replicas; if nobody was in sync then, nobody is
        // left that may lead, and an operator must choose.
        for index in 0..cluster.controller().partitions.len() as u32 {
            let view = cluster.partition_by_id(super::node::PartitionId(index));
            let hopeless = view.registration().is_some_and(|found| {
                found.leader.is_none()
                    && found.isr.is_empty()
                    && found.elr.is_empty()
                    && found.last_known_elr.is_empty()
            });
            if hopeless {
                let partition = cluster.names().tp(view.id);
                let _ = cluster.apply(Command::ElectUnclean { partition });
            }
        }
        cluster.run_until(self.end);
    }
}

fn random_spec(rng: &mut Rng) -> Spec {
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
    for name in ["orders", "audit"].iter().take(rng.between(1, 2) as usize) {
        let replication = rng.between(1, u64::from(brokers)) as u32;
        let mut own = vec![(
            "min.insync.replicas",
            rng.between(1, u64::from(replication)).to_string(),
        )];
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

fn random_group(rng: &mut Rng, spec: &Spec) -> GroupSpec {
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
    ]);
    let member = |(name, rng): (&str, &mut Rng)| ConsumerSpec {
        name: name.to_owned(),
        instance: rng.chance(0.3).then(|| format!("{name}-static")),
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

fn random_client(rng: &mut Rng, spec: &Spec) -> String {
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

fn random_command(rng: &mut Rng, spec: &Spec) -> Option<Command> {
    let broker = rng.between(1, u64::from(spec.brokers));
    let topic = choose_topic(rng, spec);
    let partition = format!("{topic}-{}", rng.below(3));
    let arrow = choose(rng, &["->", "<->"]);
    let text = match rng.below(32) {
        0..=3 => format!("crash broker {broker}"),
        4 => format!("crash broker {broker} losing page cache"),
        5..=9 => format!("restart broker {broker}"),
        10 => format!("shut down broker {broker}"),
        11 => format!(
            "slow disk of broker {broker} by {}",
            choose(rng, &["1", "50", "5000"])
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
        27 => format!(
            "restart controller {}",
            rng.between(1, u64::from(spec.controllers))
        ),
        28 => format!("kill {}", random_client(rng, spec)),
        29 => format!("start {}", random_client(rng, spec)),
        30 => format!(
            "{} {}",
            choose(rng, &["pause", "resume", "stop"]),
            random_client(rng, spec)
        ),
        _ => format!("restart {}", random_client(rng, spec)),
    };
    text.parse().ok()
}

/// Mends everything: links, disks, processes. Producers stop, so that the logs can come to rest.
fn mend(cluster: &mut Cluster) {
    let mut give = |text: String| {
        if let Ok(command) = text.parse::<Command>() {
            let _ = cluster.apply(command);
        }
    };
    give("heal all".to_owned());
    give("lose 0% of messages".to_owned());
    give_all(cluster);
}

fn give_all(cluster: &mut Cluster) {
    let spec = cluster.spec().clone();
    let consumers = cluster.names().consumers.clone();
    let brokers = (1..=spec.brokers).flat_map(|id| {
        [
            format!("slow disk of broker {id} by 1"),
            format!("restart broker {id}"),
        ]
    });
    let controllers = (1..=spec.controllers).map(|id| format!("restart controller {id}"));
    let producers = spec.producers.iter().flat_map(|producer| {
        [
            format!("resume producer {}", producer.name),
            format!("stop producer {}", producer.name),
        ]
    });
    let consumers = consumers.iter().flat_map(|name| {
        [
            format!("resume consumer {name}"),
            format!("start consumer {name}"),
        ]
    });
    let all: Vec<String> = brokers
        .chain(controllers)
        .chain(producers)
        .chain(consumers)
        .collect();
    for text in all {
        if let Ok(command) = text.parse::<Command>() {
            let _ = cluster.apply(command);
        }
    }
}

/// What has not come to rest although everything is mended.
fn unrest(cluster: &Cluster) -> Vec<Broken> {
    let mut found = Vec::new();
    let mut note = |detail: String| {
        found.push(Broken {
            time: cluster.now(),
            invariant: "a mended cluster comes to rest",
            detail,
        });
    };
    for broker in cluster
        .brokers()
        .iter()
        .filter(|broker| !cluster.is_up(NodeId::Broker(broker.id)))
    {
        // A broker that was shutting down when the rest was mended has only now stopped.
        note(format!("broker {} does not run", broker.id));
    }
    for index in 0..cluster.controller().partitions.len() as u32 {
        let view = cluster.partition_by_id(super::node::PartitionId(index));
        let Some(registration) = view.registration() else {
            continue;
        };
        let tp = cluster.names().tp(view.id);
        if registration.leader.is_none() {
            note(format!(
                "{tp} has no leader (ISR {:?}, ELR {:?})",
                registration.isr, registration.elr
            ));
        } else if registration.isr.len() != registration.replicas.len() {
            note(format!(
                "ISR of {tp} is {:?} of {:?}",
                registration.isr, registration.replicas
            ));
        } else if view.leading().is_none() {
            note(format!(
                "broker {:?} does not know that it leads {tp}",
                registration.leader
            ));
        } else if view.high_watermark() != view.log_end() {
            note(format!(
                "the high watermark of {tp} is {:?}, its log end {:?}",
                view.high_watermark(),
                view.log_end()
            ));
        }
    }
    for group in cluster.groups() {
        let state = cluster.group(&group.name).map(|(found, _)| found.state);
        let stable = crate::sim::group::state::GroupState::Stable;
        if state != Some(stable)
            && cluster
                .consumers()
                .iter()
                .any(|member| member.consumer.is_on())
        {
            note(format!("group {} is {state:?}", group.name));
        }
    }
    found
}
