//! What every second seed or so has on top: more groups and topics, other settings, settings changed while everything
//! runs, poisoned records, clients cut off, any kind of message dropped.

use super::Case;
use super::generate::{choose, random_client, random_group, words};
use crate::sim::command::Command;
use crate::sim::message::MessageKind;
use crate::sim::rng::Rng;
use crate::sim::spec::{ConsumerSpec, Spec};
use crate::sim::time::Time;

/// Chosen so that the seeds which broke something before there were wide cases stay what they were.
const SALT: u64 = 523;
/// The share of seeds that are wide.
const SHARE: f64 = 0.6;

/// Makes the case wide, if its seed is one of those.
pub(super) fn widen(case: &mut Case) {
    let mut rng = Rng::new(case.seed ^ SALT);
    if !rng.chance(SHARE) {
        return;
    }
    widen_spec(&mut rng, &mut case.spec);
    for _ in 0..rng.between(3, 20) {
        let at = Time::millis(rng.between(1_500, case.mended.as_millis() - 1));
        if let Some(command) = wide_command(&mut rng, &case.spec) {
            case.script.push((at, command));
        }
    }
    case.script.sort_by_key(|(at, _)| *at);
}

fn widen_spec(rng: &mut Rng, spec: &mut Spec) {
    for (name, values) in [
        ("controlled.shutdown.enable", ["true", "false"]),
        ("auto.leader.rebalance.enable", ["true", "false"]),
        ("replica.fetch.max.bytes", ["2000", "1048576"]),
        ("replica.fetch.wait.max.ms", ["100", "500"]),
        (
            "replica.high.watermark.checkpoint.interval.ms",
            ["1000", "5000"],
        ),
    ] {
        if rng.chance(0.3) {
            let value = choose(rng, &values).to_owned();
            spec.settings.extend(words(vec![(name, value)]));
        }
    }
    for producer in &mut spec.producers {
        if rng.chance(0.2) {
            let own = ("max.block.ms", "2000".to_owned());
            producer.settings.extend(words(vec![own]));
        }
    }
    let before = spec.groups.len();
    for name in ["search", "mail"].iter().take(rng.below(3) as usize) {
        let mut group = random_group(rng, spec);
        (*name).clone_into(&mut group.name);
        for member in &mut group.members {
            member.name = format!("{name}-{}", member.name);
            if let Some(instance) = &mut member.instance {
                *instance = format!("{name}-{instance}");
            }
        }
        spec.groups.push(group);
    }
    let topics: Vec<String> = spec.topics.iter().map(|topic| topic.name.clone()).collect();
    for (place, group) in spec.groups.iter_mut().enumerate() {
        if rng.chance(0.4) {
            group.topics.clone_from(&topics);
        }
        if place >= before && rng.chance(0.3) {
            let own = vec![
                ("fetch.min.bytes", choose(rng, &["500", "5000"]).to_owned()),
                ("max.partition.fetch.bytes", "3000".to_owned()),
            ];
            group.settings.extend(words(own));
        }
    }
}

fn consumer_of<'a>(rng: &mut Rng, spec: &'a Spec) -> Option<(&'a str, &'a ConsumerSpec)> {
    let group = rng.pick(&spec.groups)?;
    Some((&group.name, rng.pick(&group.members)?))
}

fn wide_command(rng: &mut Rng, spec: &Spec) -> Option<Command> {
    let topic = rng.pick(&spec.topics)?.name.clone();
    let partition = format!("{topic}-{}", rng.below(4));
    let brokers = u64::from(spec.brokers);
    let text = match rng.below(20) {
        0..=4 => changed_setting(rng, spec, &topic)?,
        5 | 6 => {
            let (_, consumer) = consumer_of(rng, spec)?;
            format!(
                "poison {partition} at {} for consumer {}",
                rng.below(200),
                consumer.name
            )
        }
        7 | 8 => {
            let (_, consumer) = consumer_of(rng, spec)?;
            let word = choose(rng, &["pause", "pause", "resume"]);
            format!("{word} partition {partition} of consumer {}", consumer.name)
        }
        9 => {
            let (group, _) = consumer_of(rng, spec)?;
            let to = choose(rng, &["earliest", "latest", "20"]);
            format!("reset offsets {group} {partition} to {to}")
        }
        10 => {
            let (group, _) = consumer_of(rng, spec)?;
            let name = choose(rng, &["extra", "other"]);
            match rng.below(2) {
                0 => format!("join {group}-{name} to {group}"),
                _ => format!("join {group}-{name} to {group} as {group}-{name}"),
            }
        }
        11..=13 => {
            let kind = rng.pick(MessageKind::ALL)?.name();
            let (one, other) = (any_node(rng, spec), any_node(rng, spec));
            format!("drop next {kind} from {one} to {other}")
        }
        14 => {
            let arrow = choose(rng, &["->", "<->"]);
            let broker = rng.between(1, brokers);
            format!("cut {} {arrow} broker {broker}", random_client(rng, spec))
        }
        15 => format!("isolate {}", random_client(rng, spec)),
        16 => "elect preferred".to_owned(),
        17 => format!("crash broker {} losing page cache", rng.between(1, brokers)),
        18 => format!("shut down broker {}", rng.between(1, brokers)),
        _ => {
            let word = choose(rng, &["pause", "pause", "resume"]);
            format!("{word} {}", random_client(rng, spec))
        }
    };
    text.parse().ok()
}

fn any_node(rng: &mut Rng, spec: &Spec) -> String {
    match rng.below(6) {
        0 => random_client(rng, spec),
        1 => format!("controller {}", rng.between(1, u64::from(spec.controllers))),
        _ => format!("broker {}", rng.between(1, u64::from(spec.brokers))),
    }
}

/// A setting that is changed while everything runs.
fn changed_setting(rng: &mut Rng, spec: &Spec, topic: &str) -> Option<String> {
    let broker = rng.between(1, u64::from(spec.brokers));
    let of_brokers = [
        "min.insync.replicas=1",
        "min.insync.replicas=2",
        "unclean.leader.election.enable=true",
        "unclean.leader.election.enable=false",
        "replica.lag.time.max.ms=1000",
        "replica.lag.time.max.ms=20000",
        "replica.fetch.max.bytes=1000",
        "replica.fetch.wait.max.ms=2000",
        "auto.leader.rebalance.enable=false",
        "broker.heartbeat.interval.ms=1500",
    ];
    let of_topics = [
        "min.insync.replicas=1",
        "min.insync.replicas=2",
        "min.insync.replicas=4",
        "unclean.leader.election.enable=false",
    ];
    let of_producers = [
        "linger.ms=0",
        "linger.ms=200",
        "batch.size=0",
        "batch.size=1000",
        "request.timeout.ms=700",
        "max.in.flight.requests.per.connection=1",
        "delivery.timeout.ms=5000",
        "retry.backoff.ms=10",
    ];
    let of_consumers = [
        "max.poll.records=1",
        "max.poll.interval.ms=4000",
        "fetch.min.bytes=3000",
        "max.partition.fetch.bytes=500",
        "heartbeat.interval.ms=2500",
        "auto.commit.interval.ms=100",
    ];
    Some(match rng.below(5) {
        0 => format!("set brokers {}", choose(rng, &of_brokers)),
        1 => format!("set broker {broker} {}", choose(rng, &of_brokers)),
        2 => format!("set topic {topic} {}", choose(rng, &of_topics)),
        3 => {
            let producer = rng.pick(&spec.producers)?.name.clone();
            format!("set producer {producer} {}", choose(rng, &of_producers))
        }
        _ => {
            let consumer = consumer_of(rng, spec)?.1.name.clone();
            format!("set consumer {consumer} {}", choose(rng, &of_consumers))
        }
    })
}
