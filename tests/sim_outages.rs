//! What an outage costs: a crash against a controlled shutdown, a lost controller, a lost controller majority, slow
//! followers.

mod simulated;

use highwater::sim::cluster::Cluster;
use highwater::sim::event::{EventId, What};
use highwater::sim::time::Time;
use simulated::{count, holds, number, play, run, start, story};

const ORDERS: &str = "
topics:
  - {name: orders, assignments: [[1, 2, 3], [2, 3, 1], [3, 1, 2]], settings: {min.insync.replicas: 2}}
producers:
  - {name: one, topic: orders, rate: 200, partition: 0}
  - {name: two, topic: orders, rate: 200, partition: 1}
  - {name: three, topic: orders, rate: 200, partition: 2}
";

/// How many records of a producer were acknowledged between two times.
fn acknowledged_between(cluster: &mut Cluster, producer: &str, from: f64, to: f64) -> i64 {
    run(cluster, &[], from);
    let before = number(cluster, &format!("acknowledged {producer}"));
    run(cluster, &[], to);
    number(cluster, &format!("acknowledged {producer}")) - before
}

#[test]
fn a_crash_costs_the_session_and_a_controlled_shutdown_next_to_nothing() {
    let during = |command: &str| {
        let mut cluster = start(ORDERS);
        run(&mut cluster, &[(20.0, command)], 20.0);
        let done = acknowledged_between(&mut cluster, "one", 20.0, 28.0);
        run(&mut cluster, &[(60.0, "stop producer one")], 90.0);
        holds(&cluster, "leader orders-0 = 2 and isr orders-0 = {2,3}");
        holds(
            &cluster,
            "lost one = 0 and duplicated one = 0 and failed one = 0 and sent one = acknowledged one",
        );
        (done, cluster)
    };
    let (crash, cluster) = during("crash broker 1");
    assert!(
        crash < 100,
        "nobody leads orders-0 until broker 1 is fenced: {crash}"
    );
    let fenced = story(&cluster, "BrokerFenced");
    assert!(
        fenced[0].contains("broker.session.timeout.ms = 9000"),
        "{fenced:?}"
    );
    let (shutdown, cluster) = during("shut down broker 1");
    assert!(shutdown > 1_500, "{shutdown}");
    assert_eq!(count(&cluster, "BrokerFenced"), 0);
    assert_eq!(count(&cluster, "ControlledShutdownGranted"), 1);
    assert_eq!(count(&cluster, "LeaderLost"), 0);
}

#[test]
fn a_broker_that_dies_before_it_has_started_is_missed_too() {
    let cluster = play(ORDERS, &[(0.0, "crash broker 1")], 30.0);
    holds(&cluster, "leader orders-0 = 2 and isr orders-0 = {2,3}");
    holds(&cluster, "acknowledged one > 0 and failed one = 0");
    assert_eq!(count(&cluster, "BrokerFenced"), 1);
}

#[test]
fn other_partitions_go_on_when_a_broker_dies() {
    let mut cluster = start(ORDERS);
    run(&mut cluster, &[(20.0, "crash broker 1")], 20.0);
    // Writes with acks=all to the partitions of brokers 2 and 3 wait for broker 1 too, until it is out of their ISR.
    let waiting = acknowledged_between(&mut cluster, "two", 21.0, 27.0);
    assert!(waiting < 200, "{waiting}");
    let after = acknowledged_between(&mut cluster, "two", 35.0, 45.0);
    assert!(after > 1_900, "{after}");
    holds(&cluster, "isr orders-1 = {2,3} and lost two = 0");
}

#[test]
fn without_a_controller_majority_leaders_serve_and_nobody_is_elected() {
    let mut cluster = start(ORDERS);
    run(
        &mut cluster,
        &[(20.0, "crash controller 1"), (20.0, "crash controller 2")],
        30.0,
    );
    holds(&cluster, "controller = none and events QuorumLost = 1");
    for producer in ["one", "two", "three"] {
        let done = acknowledged_between(&mut cluster, producer, 31.0, 41.0);
        run(&mut cluster, &[], 41.0);
        assert!(done >= 1_900 || producer != "one", "{producer}: {done}");
    }
    let elected = count(&cluster, "LeaderElected");
    run(&mut cluster, &[(50.0, "crash broker 1")], 90.0);
    // Broker 1 is dead, and nobody can say who leads after it, or take it out of an ISR.
    assert_eq!(count(&cluster, "LeaderElected"), elected);
    assert_eq!(count(&cluster, "BrokerFenced"), 0);
    holds(&cluster, "leader orders-0 = 1 and isr orders-0 = {1,2,3}");
    run(
        &mut cluster,
        &[(90.0, "restart controller 1"), (150.0, "stop producer one")],
        200.0,
    );
    holds(
        &cluster,
        "leader orders-0 = 2 and isr orders-0 = {2,3} and lost one = 0",
    );
    assert!(count(&cluster, "BrokerFenced") >= 1);
}

#[test]
fn a_controller_that_fails_is_replaced_and_producers_notice_nothing() {
    let mut cluster = start(ORDERS);
    run(&mut cluster, &[(20.0, "fail controller")], 20.0);
    let done = acknowledged_between(&mut cluster, "one", 20.0, 30.0);
    assert!(done > 1_900, "{done}");
    run(&mut cluster, &[], 40.0);
    assert!(number(&cluster, "controller") > 1);
    holds(
        &cluster,
        "fenced = {} and isr orders-0 = {1,2,3} and failed one = 0",
    );
    // The new one works.
    run(&mut cluster, &[(40.0, "crash broker 1")], 60.0);
    holds(&cluster, "leader orders-0 = 2");
}

#[test]
fn a_follower_that_cannot_fetch_leaves_the_isr_after_30_to_45_seconds() {
    let mut cluster = start(ORDERS);
    run(&mut cluster, &[(20.0, "cut broker 1 <-> broker 3")], 20.0);
    let stuck = acknowledged_between(&mut cluster, "one", 25.0, 45.0);
    assert!(stuck < 300, "acks=all waits for all in the ISR: {stuck}");
    run(&mut cluster, &[], 49.0);
    holds(&cluster, "isr orders-0 = {1,2,3}");
    run(&mut cluster, &[], 66.0);
    holds(&cluster, "isr orders-0 = {1,2} and fenced = {}");
    let again = acknowledged_between(&mut cluster, "one", 70.0, 80.0);
    assert!(again > 1_900, "{again}");
    run(&mut cluster, &[(80.0, "heal all")], 140.0);
    holds(&cluster, "isr orders-0 = {1,2,3}");
}

#[test]
fn an_idle_partition_keeps_its_isr_when_followers_are_cut_off() {
    let spec = "topics: [{name: orders, assignments: [[1, 2, 3]]}]";
    let cluster = play(spec, &[(20.0, "cut broker 1 <-> broker 3")], 120.0);
    holds(&cluster, "isr orders-0 = {1,2,3}");
    assert_eq!(count(&cluster, "IsrShrunk"), 0);
}

#[test]
fn a_preferred_leader_gets_its_place_back() {
    let mut cluster = start(ORDERS);
    let script = [(20.0, "crash broker 1"), (40.0, "restart broker 1")];
    run(&mut cluster, &script, 60.0);
    holds(&cluster, "leader orders-0 = 2 and isr orders-0 = {1,2,3}");
    run(&mut cluster, &[(60.0, "elect preferred")], 62.0);
    holds(&cluster, "leader orders-0 = 1 and lost one = 0");
    // By itself within leader.imbalance.check.interval.seconds.
    let mut cluster = start(ORDERS);
    run(&mut cluster, &script, 300.0);
    run(&mut cluster, &[], 420.0);
    holds(&cluster, "leader orders-0 = 1");
}

#[test]
fn a_broker_that_shuts_down_leads_nothing_any_more_when_it_may_stop() {
    // Source: `ReplicationControlManager.handleBrokerInControlledShutdown`, `BrokerHeartbeatManager.calculateNextBrokerState`.
    let yaml = "
topics:
  - {name: orders, assignments: [[1, 2, 3]]}
  - {name: alone, assignments: [[1]]}
";
    let cluster = play(yaml, &[(10.0, "shut down broker 1")], 20.0);
    let told = story(&cluster, "");
    let place = |part: &str| told.iter().position(|event| event.contains(part)).unwrap();
    assert!(
        place("alone-0 has no leader") < place("lets broker 1 shut down"),
        "{told:?}"
    );
    // Broker 3 leads nothing: it need not wait for the others.
    let cluster = play(yaml, &[(10.0, "shut down broker 3")], 10.1);
    assert_eq!(count(&cluster, "ControlledShutdownStarted"), 0);
    assert_eq!(count(&cluster, "ControlledShutdownGranted"), 1);
}

#[test]
fn new_partitions_get_replicas_on_dead_brokers_where_there_are_no_others() {
    // Source: `StripedReplicaPlacer`: fenced brokers come last, and never first in a replica list.
    let mut cluster = start(ORDERS);
    let script = [
        (10.0, "crash broker 2"),
        (30.0, "add partitions orders to 5"),
        (30.0, "create topic audit partitions 1 replication 3"),
    ];
    run(&mut cluster, &script, 31.0);
    holds(
        &cluster,
        "replicas orders-3 = [3,1,2] and leader orders-3 = 3 and isr orders-3 = {1,3}",
    );
    holds(
        &cluster,
        "replicas orders-4 = [1,3,2] and leader orders-4 = 1",
    );
    holds(&cluster, "isr audit-0 = {1,3} and under replicated = 6");
    run(&mut cluster, &[(31.0, "restart broker 2")], 90.0);
    holds(&cluster, "under replicated = 0 and isr audit-0 = {1,2,3}");
    // Two that live do for two replicas.
    run(
        &mut cluster,
        &[
            (90.0, "crash broker 2"),
            (110.0, "create topic pair partitions 1 replication 2"),
        ],
        111.0,
    );
    holds(&cluster, "replicas pair-0 = [1,3]");
}

#[test]
fn silent_brokers_are_looked_for_eight_times_in_a_session() {
    // Source: `QuorumController.maybeFenceStaleBrokerPeriodNs`.
    for session_ms in [3_000, 9_000, 18_000] {
        let yaml = format!("{ORDERS}\nsettings: {{broker.session.timeout.ms: {session_ms}}}");
        let cluster = play(&yaml, &[(20.0, "crash broker 1")], 60.0);
        let session = Time::millis(session_ms);
        let fenced: Vec<(Time, Time)> = cluster
            .events_since(EventId(0))
            .filter_map(|event| match event.what {
                What::BrokerFenced { silent, .. } => Some((event.time, silent)),
                _ => None,
            })
            .collect();
        let [(time, silent)] = fenced[..] else {
            panic!("{fenced:?}");
        };
        assert!(
            silent >= session && silent <= Time(session.0 / 8 * 9),
            "{silent:?}"
        );
        assert_eq!(time.0 % (session.0 / 8), 0, "{time:?}");
    }
}
