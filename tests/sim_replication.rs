//! The simulated cluster as a whole: what replication, elections and producers do.

use highwater::sim::cluster::Cluster;
use highwater::sim::spec::{ProducerSpec, Spec, TopicSpec};
use highwater::sim::time::Time;

fn spec() -> Spec {
    let topic = TopicSpec {
        name: "orders".into(),
        partitions: Some(3),
        replication: Some(3),
        assignments: Vec::new(),
        settings: Default::default(),
    };
    let producer = ProducerSpec {
        name: "app".into(),
        topic: "orders".into(),
        rate: 1000.0,
        record_size: 100,
        keys: Default::default(),
        partition: None,
        start: Time::ZERO,
        limit: None,
        settings: Default::default(),
    };
    Spec {
        topics: vec![topic],
        producers: vec![producer],
        ..Spec::default()
    }
}

#[test]
fn a_healthy_cluster_acknowledges_everything() {
    let mut cluster = Cluster::new(&spec(), 42).unwrap();
    cluster.watch();
    cluster.run_until(Time::secs(30));
    for partition in 0..3 {
        let view = cluster.partition("orders", partition).unwrap();
        assert_eq!(view.isr(), [1, 2, 3]);
        assert_eq!(view.high_watermark(), view.log_end());
    }
    let fates = cluster.ledger().producer(0).unwrap();
    assert!(fates.acknowledged.len() > 29_900);
    assert_eq!(fates.acknowledged.ranges().len(), 1);
    assert!(fates.lost.is_empty());
    assert_eq!(cluster.broken(), []);
}
