//! Impossible clusters and commands that cannot apply: the message names the thing, the value and what would be right,
//! and nothing has changed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside the functions that clippy knows as tests"
)]

use highwater::sim::cluster::Cluster;
use highwater::sim::command::Command;
use highwater::sim::event::EventId;
use highwater::sim::spec::Spec;
use highwater::sim::time::Time;

const GOOD: &str = "
brokers: 3
topics: [{name: orders, partitions: 2, replication: 3}]
producers: [{name: app, topic: orders, rate: 10}]
groups: [{name: billing, topics: [orders], members: [{name: c1}]}]
";

fn read(yaml: &str) -> Result<Spec, String> {
    let value: serde_json::Value = serde_yaml::from_str(yaml).unwrap();
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
fn an_impossible_cluster_is_refused() {
    let cases = [
        (
            "brokers: 0",
            "the number of brokers is 0; it must be between 1 and 1000",
        ),
        (
            "brokers: 2\ntopics: [{name: orders, replication: 3}]",
            "replication of topic orders is 3; it must be between 1 and 2",
        ),
        ("topics: [{name: orders}, {name: orders}]", "two"),
        ("topics: [{name: 'or ders'}]", "or ders"),
        (
            "topics: [{name: __mine}]",
            "topic __mine: names that begin with __ are Kafka's own",
        ),
        (
            "topics: [{name: orders, settings: {min.insink.replicas: 2}}]",
            "no setting is called `min.insink.replicas`; did you mean `min.insync.replicas`?",
        ),
        (
            "topics: [{name: orders, settings: {acks: all}}]",
            "`acks` is no setting of a topic; it belongs to a producer",
        ),
        (
            "settings: {replica.lag.time.max.ms: -5}",
            "`-5` cannot be the value of `replica.lag.time.max.ms`",
        ),
        ("producers: [{name: app, topic: orders, rate: 1}]", "orders"),
        (
            "topics: [{name: orders}]\nproducers: [{name: app, topic: orders, rate: -1}]",
            "rate of producer app is -1",
        ),
        (
            "topics: [{name: orders}]\nproducers: [{name: app, topic: orders, rate: 1, settings: {acks: 2}}]",
            "`2` cannot be the value of `acks`",
        ),
        (
            "topics: [{name: orders}]\nproducers: [{name: app, topic: orders, rate: 1, \
             settings: {enable.idempotence: true, acks: 1}}]",
            "producer app: enable.idempotence = true needs acks = all",
        ),
        (
            "topics: [{name: orders}]\nproducers: [{name: app, topic: orders, rate: 1, \
             settings: {max.in.flight.requests.per.connection: 6, acks: 1}}]",
            "producer app: max.in.flight.requests.per.connection = 6 must be at most 5 unless enable.idempotence = false",
        ),
        (
            "topics: [{name: a.b}, {name: a_b}]",
            "topic a_b: metrics write `.` as `_`, so it collides with topic a.b",
        ),
        (
            "topics: [{name: orders}]\ngroups: [{name: billing, topics: [orders], settings: {session.timeout.ms: 10000}, \
             members: [{name: c1, settings: {heartbeat.interval.ms: 12000}}]}]",
            "consumer c1: heartbeat.interval.ms = 12000 must be lower than session.timeout.ms = 10000",
        ),
        (
            "broker_settings: {2: {min.insync.replicas: 2}}",
            "broker 2: min.insync.replicas: no broker has its own while eligible leader replicas are kept; \
             set it for a topic or for all brokers",
        ),
        (
            "broker_settings: {2: {eligible.leader.replicas.version: 0}}",
            "broker 2: eligible.leader.replicas.version: it is a feature of the whole cluster",
        ),
        ("network: {loss: 1.5}", "the network's loss is 1.5"),
        ("racks: {7: a}", "7"),
        ("network: {latency: -3ms}", "-3ms"),
    ];
    for (yaml, message) in cases {
        let told = match read(yaml) {
            Ok(spec) => Cluster::new(&spec, 1)
                .err()
                .map_or_else(|| panic!("accepted: {yaml}"), |error| error.to_string()),
            Err(told) => told,
        };
        assert!(told.contains(message), "{yaml}\n  {told}\n  {message}");
    }
}

/// Everything of a cluster that anybody can see.
fn state(cluster: &Cluster) -> String {
    format!("{cluster:?}")
}

#[test]
fn a_command_that_cannot_apply_changes_nothing() {
    let mut cluster = Cluster::new(&read(GOOD).unwrap(), 1).unwrap();
    cluster.run_until(Time::secs(10));
    cluster.apply("crash broker 3".parse().unwrap()).unwrap();
    cluster
        .apply("pause producer app".parse().unwrap())
        .unwrap();
    cluster.run_until(Time::secs(12));
    let cases = [
        (
            "crash broker 3",
            "broker 3 does not run; `restart broker` starts it",
        ),
        ("crash broker 9", "there is no broker `9`; there is 1, 2, 3"),
        (
            "restart broker 1",
            "broker 1 runs; crash it or shut it down first",
        ),
        ("shut down broker 3", "broker 3 does not run"),
        ("slow disk of broker 1 by 0", "0"),
        ("cut broker 1 -> broker 1", "name two different nodes"),
        (
            "cut broker 1 -> controller 8",
            "there is no controller `8`; there is 1, 2, 3",
        ),
        (
            "start consumer c1",
            "consumer c1 runs; stop or kill it first",
        ),
        (
            "start consumer c9",
            "there is no consumer `c9`; there is c1",
        ),
        (
            "resume consumer c1",
            "consumer c1 does not stand still; pause it first",
        ),
        (
            "stop producer app",
            "producer app stands still; resume or kill it first",
        ),
        (
            "rate of producer web 5",
            "there is no producer `web`; there is app",
        ),
        (
            "create topic orders partitions 1 replication 1",
            "topic `orders` exists already",
        ),
        (
            "create topic audit partitions 1 replication 4",
            "the replication factor of audit is 4; it must be between 1 and ",
        ),
        (
            "create topic audit partitions 0 replication 1",
            "the number of partitions of audit is 0",
        ),
        (
            "set broker 1 min.insync.replicas=2",
            "min.insync.replicas cannot be 2: no broker has its own while eligible leader replicas are kept",
        ),
        (
            "set consumer c1 heartbeat.interval.ms=60s",
            "heartbeat.interval.ms cannot be 60000: heartbeat.interval.ms = 60000 must be lower than session.timeout.ms = 45000",
        ),
        (
            "set producer app max.in.flight.requests.per.connection=9",
            "must be at most 5 unless enable.idempotence = false",
        ),
        ("add partitions orders to 2", "2"),
        ("add partitions orders to 1", "1"),
        (
            "add partitions audit to 3",
            "there is no topic `audit`; there is orders",
        ),
        (
            "set topic orders min.insink.replicas=2",
            "no setting is called `min.insink.replicas`; did you mean `min.insync.replicas`?",
        ),
        (
            "set topic orders min.insync.replicas=many",
            "`many` cannot be the value of `min.insync.replicas`",
        ),
        ("reassign orders-0 to 1,1", "broker 1 is named twice"),
        (
            "reassign orders-0 to 1,7",
            "there is no broker `7`; there is 1, 2, 3",
        ),
        (
            "reassign orders-5 to 1",
            "there is no partition `orders-5`; there is orders-0 to orders-1",
        ),
        (
            "elect unclean orders-0",
            "the election would change nothing",
        ),
        ("join c1 to billing", "c1"),
        (
            "join c2 to shipping",
            "there is no group `shipping`; there is billing",
        ),
        (
            "reset offsets billing to earliest",
            "group billing has members; stop its consumers first",
        ),
        ("restart controller 1", "controller 1 runs; crash it first"),
    ];
    for (command, message) in cases {
        let before = state(&cluster);
        let events = cluster.mark();
        let told = match cluster.apply(command.parse::<Command>().unwrap()) {
            Err(error) => error.to_string(),
            Ok(()) => panic!("accepted: {command}"),
        };
        assert!(told.contains(message), "{command}\n  {told}\n  {message}");
        assert_eq!(cluster.mark(), events, "{command}");
        assert_eq!(state(&cluster), before, "{command}");
    }
    assert!(cluster.events_since(EventId(0)).count() > 0);
}
