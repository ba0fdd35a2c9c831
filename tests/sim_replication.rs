//! The simulated cluster as a whole: what replication, elections and producers do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, outside the functions that clippy knows as tests"
)]

use highwater::sim::cluster::Cluster;
use highwater::sim::event::EventId;
use highwater::sim::query::{Condition, Observe, Query, Value};
use highwater::sim::settings::{Written, WrittenSettings};
use highwater::sim::spec::{ConsumerSpec, GroupSpec, Keys, ProducerSpec, Spec, TopicSpec};
use highwater::sim::time::Time;

fn settings(pairs: &[(&str, &str)]) -> WrittenSettings {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), Written((*value).to_owned()));
    pairs.iter().map(pair).collect()
}

fn topic(partitions: u32, pairs: &[(&str, &str)]) -> TopicSpec {
    TopicSpec {
        name: "orders".into(),
        partitions: Some(partitions),
        replication: Some(3),
        assignments: Vec::new(),
        settings: settings(pairs),
    }
}

fn producer(rate: f64, pairs: &[(&str, &str)]) -> ProducerSpec {
    ProducerSpec {
        name: "app".into(),
        topic: "orders".into(),
        rate,
        record_size: 100,
        keys: Keys::None,
        partition: None,
        start: Time::ZERO,
        limit: None,
        settings: settings(pairs),
    }
}

fn consumer(name: &str) -> ConsumerSpec {
    ConsumerSpec {
        name: name.into(),
        settings: settings(&[("auto.offset.reset", "earliest")]),
        ..ConsumerSpec::default()
    }
}

fn spec(topic: TopicSpec, producer: ProducerSpec) -> Spec {
    Spec {
        topics: vec![topic],
        producers: vec![producer],
        ..Spec::default()
    }
}

/// Runs a script of times in seconds and commands; returns the watched cluster at the end.
fn play(spec: &Spec, seed: u64, script: &[(f64, &str)], until: u64) -> Cluster {
    let mut cluster = Cluster::new(spec, seed).unwrap();
    cluster.watch();
    for (at, command) in script {
        cluster.run_until(Time((at * 1e6) as u64));
        cluster
            .apply(command.parse().unwrap())
            .unwrap_or_else(|error| panic!("{command}: {error}"));
    }
    cluster.run_until(Time::secs(until));
    if std::env::var_os("TRACE").is_some() {
        cluster
            .events_since(EventId(0))
            .for_each(|event| println!("{event}"));
    }
    assert_eq!(cluster.broken(), []);
    cluster
}

fn number(cluster: &Cluster, query: &str) -> i64 {
    match cluster.observe(&query.parse::<Query>().unwrap()).unwrap() {
        Value::Number(number) => number,
        other => panic!("{query}: {other}"),
    }
}

fn holds(cluster: &Cluster, condition: &str) {
    let parsed: Condition = condition.parse().unwrap();
    assert!(
        parsed.holds(cluster).unwrap(),
        "{condition}: {:?}",
        parsed.findings(cluster)
    );
}

#[test]
fn a_healthy_cluster_acknowledges_and_delivers_everything() {
    let mut spec = spec(topic(3, &[]), producer(1000.0, &[]));
    spec.groups.push(GroupSpec {
        name: "billing".into(),
        topics: vec!["orders".into()],
        settings: settings(&[]),
        members: vec![consumer("c1"), consumer("c2")],
    });
    let cluster = play(&spec, 42, &[(20.0, "stop producer app")], 30);
    holds(
        &cluster,
        "isr orders-0 = {1,2,3} and isr orders-1 = {1,2,3} and isr orders-2 = {1,2,3}",
    );
    holds(
        &cluster,
        "sent app = acknowledged app and lost app = 0 and failed app = 0",
    );
    holds(
        &cluster,
        "state billing = Stable and members billing = {c1,c2} and lag billing = 0",
    );
    let processed = number(&cluster, "processed c1") + number(&cluster, "processed c2");
    assert_eq!(processed, number(&cluster, "acknowledged app"));
    holds(&cluster, "reprocessed billing = 0 and skipped billing = 0");
}

#[test]
fn the_same_seed_gives_the_same_events() {
    let spec = spec(
        topic(3, &[("min.insync.replicas", "2")]),
        producer(200.0, &[]),
    );
    let script = [(5.0, "crash broker 1"), (40.0, "restart broker 1")];
    let text = |cluster: &Cluster| -> Vec<String> {
        cluster
            .events_since(EventId(0))
            .map(|event| format!("{event:?}"))
            .collect()
    };
    let straight = play(&spec, 7, &script, 80);
    assert_eq!(text(&straight), text(&play(&spec, 7, &script, 80)));
    assert_ne!(text(&straight), text(&play(&spec, 8, &script, 80)));
    // A snapshot in the middle, run on, is the same as the straight run.
    let mut front = play(&spec, 7, &script[..1], 20);
    let mut snapshot = front.clone();
    front.run_until(Time::secs(33));
    snapshot.run_until(Time::secs(40));
    snapshot.apply(script[1].1.parse().unwrap()).unwrap();
    snapshot.run_until(Time::secs(80));
    assert_eq!(text(&straight), text(&snapshot));
}

#[test]
fn a_restarted_broker_stays_with_the_living() {
    let spec = spec(topic(3, &[]), producer(50.0, &[]));
    let script = [(10.0, "crash broker 2"), (25.0, "restart broker 2")];
    for seed in 1..4 {
        let cluster = play(&spec, seed, &script, 90);
        holds(
            &cluster,
            "fenced = {} and under replicated = 0 and events BrokerFenced = 1",
        );
    }
}

#[test]
fn a_consumer_that_cannot_keep_up_reads_its_partitions_in_turn() {
    let group = GroupSpec {
        name: "billing".into(),
        topics: vec!["orders".into()],
        settings: settings(&[
            ("max.poll.records", "50"),
            ("max.partition.fetch.bytes", "10000"),
        ]),
        members: vec![ConsumerSpec {
            processing: Time::millis(5),
            ..consumer("c1")
        }],
    };
    let spec = Spec {
        groups: vec![group],
        ..spec(
            topic(3, &[]),
            ProducerSpec {
                keys: Keys::Uniform(100),
                ..producer(3000.0, &[])
            },
        )
    };
    let cluster = play(&spec, 1, &[], 30);
    for partition in 0..3 {
        let position = number(&cluster, &format!("position c1 orders-{partition}"));
        assert!(
            (1000..3000).contains(&position),
            "orders-{partition} at {position}"
        );
    }
}

/// A follower on a slow link takes the lead and gives it up again before the answer to its last fetch has come. The
/// answer belongs to the earlier epoch: appended behind the epoch in which it led, it would spoil the log's history
/// (`AbstractFetcherThread.processFetchRequest`, KAFKA-18723).
#[test]
fn an_answer_from_an_earlier_epoch_is_thrown_away() {
    let mut topic = topic(1, &[]);
    topic.assignments = vec![vec![1, 2]];
    (topic.partitions, topic.replication) = (None, None);
    let script = [
        (5.0, "crash broker 1"),
        (15.0, "restart broker 1"),
        (29.0, "slow link broker 2 -> broker 1 by 900ms"),
        (30.0, "elect preferred orders-0"),
        (30.2, "reassign orders-0 to 2,1"),
        (30.3, "elect preferred orders-0"),
        (40.0, "heal all"),
        (50.0, "stop producer app"),
    ];
    let cluster = play(
        &spec(topic, producer(50.0, &[("acks", "0")])),
        1,
        &script,
        60,
    );
    holds(&cluster, "leader orders-0 = 2 and isr orders-0 = {1,2}");
    let epochs = |broker| {
        let partition = cluster.partition("orders", 0).unwrap().id;
        let replica = cluster
            .broker(broker)
            .unwrap()
            .replicas
            .get(partition)
            .unwrap();
        (replica.log.end(), replica.log.epochs().clone())
    };
    assert_eq!(epochs(1), epochs(2));
}

/// A broker that shuts down no longer fetches what it was put out of the ISR of
/// (`ReplicaManager.applyLocalFollowersDelta`).
#[test]
fn a_broker_that_shuts_down_follows_nobody() {
    let script = [(10.0, "shut down broker 1")];
    let cluster = play(&spec(topic(3, &[]), producer(50.0, &[])), 1, &script, 20);
    let follows = cluster.events_since(EventId(0)).filter(|event| {
        let late = event.time > Time::secs(10) && event.what.name() == "BecameFollower";
        late && event.to_string().contains("broker 1 follows")
    });
    assert_eq!(follows.count(), 0);
}
