//! The loads that the simulator is measured with, and the bare queue beside them.

use highwater::sim::cluster::Cluster;
use highwater::sim::queue::EventQueue;
use highwater::sim::rng::Rng;
use highwater::sim::spec::{ConsumerSpec, GroupSpec, Keys, ProducerSpec, Spec, TopicSpec};
use highwater::sim::time::Time;

fn topic(name: &str, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: name.into(),
        partitions: Some(partitions),
        replication: Some(3),
        assignments: Vec::new(),
        settings: Default::default(),
    }
}

fn producer(rate: f64) -> ProducerSpec {
    ProducerSpec {
        name: "app".into(),
        topic: "orders".into(),
        rate,
        record_size: 100,
        keys: Keys::None,
        partition: None,
        start: Time::ZERO,
        limit: None,
        settings: Default::default(),
    }
}

fn consumer(name: String) -> ConsumerSpec {
    ConsumerSpec {
        name,
        ..ConsumerSpec::default()
    }
}

/// 3 brokers, 12 partitions, one producer of 1,000 records a second, a group of 4.
pub(crate) fn steady() -> Spec {
    let group = GroupSpec {
        name: "billing".into(),
        topics: vec!["orders".into()],
        settings: Default::default(),
        members: (1..=4)
            .map(|number| consumer(format!("c{number}")))
            .collect(),
    };
    Spec {
        topics: vec![topic("orders", 12)],
        producers: vec![producer(1000.0)],
        groups: vec![group],
        ..Spec::default()
    }
}

/// The same load on 100 brokers and 10,000 partitions.
pub(crate) fn large() -> Spec {
    let mut spec = steady();
    spec.brokers = 100;
    spec.topics = vec![topic("orders", 12), topic("others", 9_988)];
    spec
}

/// Past the start: groups are stable, offsets are committed.
pub(crate) fn warm(spec: &Spec) -> Cluster {
    let mut cluster = Cluster::new(spec, 42).unwrap();
    cluster.run_until(Time::secs(30));
    cluster
}

/// Pushes and pops as many (time, sequence) pairs through the same queue, kept as full as the cluster's.
pub(crate) fn bare(pending: usize, steps: u64) -> u64 {
    let mut queue = EventQueue::new();
    let mut rng = Rng::new(1);
    for _ in 0..pending {
        queue.push(Time(rng.below(1_000_000)), ());
    }
    let mut last = 0;
    for _ in 0..steps {
        if let Some((at, ())) = queue.pop() {
            last = at.0;
            queue.push(Time(at.0 + 500 + rng.below(1_000)), ());
        }
    }
    last
}
