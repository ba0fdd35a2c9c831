//! What the tests of the simulated cluster share: clusters in few words, scripts, questions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "helpers of tests, outside the functions that clippy knows as tests; no test needs all of them"
)]

use highwater::sim::cluster::Cluster;
use highwater::sim::event::EventId;
use highwater::sim::query::{Condition, Observe, Query, Value};
use highwater::sim::settings::Written;
use highwater::sim::spec::Spec;
use highwater::sim::time::Time;

/// A cluster as a scenario file writes it.
pub(crate) fn spec(yaml: &str) -> Spec {
    let value: serde_json::Value = serde_yaml::from_str(yaml).unwrap();
    let mut spec: Spec =
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{error} in\n{yaml}"));
    // Fifty partitions of __consumer_offsets take time and show nothing more.
    let few = (
        "offsets.topic.num.partitions".to_owned(),
        Written("4".to_owned()),
    );
    spec.settings.entry(few.0).or_insert(few.1);
    spec
}

/// Starts a cluster and runs a script of times in seconds and commands; the cluster at `until` seconds. No invariant
/// may break meanwhile.
pub(crate) fn play(yaml: &str, script: &[(f64, &str)], until: f64) -> Cluster {
    let mut cluster = start(yaml);
    run(&mut cluster, script, until);
    cluster
}

/// A watched cluster at its beginning.
pub(crate) fn start(yaml: &str) -> Cluster {
    let mut cluster = Cluster::new(&spec(yaml), 42).unwrap();
    cluster.watch();
    cluster
}

/// Runs a script of times in seconds and commands on.
pub(crate) fn run(cluster: &mut Cluster, script: &[(f64, &str)], until: f64) {
    for (at, command) in script {
        cluster.run_until(seconds(*at));
        tell(cluster, command);
    }
    cluster.run_until(seconds(until));
    if std::env::var_os("TRACE").is_some() {
        story(cluster, "")
            .iter()
            .for_each(|event| println!("{event}"));
    }
    assert_eq!(cluster.broken(), []);
}

pub(crate) fn seconds(span: f64) -> Time {
    Time((span * 1e6) as u64)
}

/// Gives a command.
pub(crate) fn tell(cluster: &mut Cluster, command: &str) {
    cluster
        .apply(command.parse().unwrap())
        .unwrap_or_else(|error| panic!("{command}: {error}"));
}

/// The events of a kind so far, with their times; all of them for an empty name.
pub(crate) fn story(cluster: &Cluster, name: &str) -> Vec<String> {
    cluster
        .events_since(EventId(0))
        .filter(|event| name.is_empty() || event.what.name() == name)
        .map(ToString::to_string)
        .collect()
}

/// How many events of a kind there were.
pub(crate) fn count(cluster: &Cluster, name: &str) -> usize {
    story(cluster, name).len()
}

/// The answer to a query.
pub(crate) fn ask(cluster: &Cluster, query: &str) -> Value {
    let query: Query = query.parse().unwrap();
    cluster.observe(&query).unwrap()
}

/// The answer to a query, as a number.
pub(crate) fn number(cluster: &Cluster, query: &str) -> i64 {
    match ask(cluster, query) {
        Value::Number(number) => number,
        other => panic!("{query}: {other}"),
    }
}

/// Asserts that a condition holds.
pub(crate) fn holds(cluster: &Cluster, condition: &str) {
    let parsed: Condition = condition.parse().unwrap();
    assert!(
        parsed.holds(cluster).unwrap(),
        "{condition}: {:?}",
        parsed.findings(cluster)
    );
}
