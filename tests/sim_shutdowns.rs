//! How brokers register, shut down and come back, above all when the controller's answers do not reach them.
//!
//! Sources: `BrokerLifecycleManager`, `BrokerServer.shutdown`, `LogManager`, `ClusterControlManager.registerBroker`.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions that clippy knows as tests"
)]

mod simulated;

use highwater::sim::broker::Stage;
use highwater::sim::cluster::Cluster;
use simulated::{count, holds, play, run, start, story, tell};

const ORDERS: &str = "
topics:
  - {name: orders, assignments: [[1, 2, 3]], settings: {min.insync.replicas: 2}}
producers:
  - {name: app, topic: orders, rate: 100, limit: 2000}
";

fn stage(cluster: &Cluster, broker: u32) -> Stage {
    cluster.broker(broker).unwrap().stage
}

/// The registrations of a broker, in the words that tell of its last shutdown, and the broker epochs.
fn registrations(cluster: &Cluster, broker: u32) -> Vec<(bool, i64)> {
    let of = format!("broker {broker} registers");
    let told = story(cluster, "BrokerRegistered");
    let own = told.iter().filter(|event| event.contains(&of));
    own.map(|event| {
        let epoch = event.split("broker epoch ").nth(1).unwrap();
        let epoch = epoch.split(';').next().unwrap().parse().unwrap();
        (event.contains("after a clean shutdown"), epoch)
    })
    .collect()
}

#[test]
fn a_shutdown_waits_five_minutes_for_leave_and_then_goes_on() {
    // When the links are whole again, and when the broker stops: soon after that, or five minutes after it was told to.
    let cases: [(&str, Option<f64>, f64, f64); 4] = [
        ("never cut off", Some(0.0), 30.0, 35.0),
        ("healed soon", Some(60.0), 60.0, 65.0),
        ("healed at the last moment", Some(325.0), 325.0, 329.9),
        ("never healed", None, 330.0, 330.1),
    ];
    for (name, healed, from, until) in cases {
        let mut cluster = start(ORDERS);
        if healed != Some(0.0) {
            run(&mut cluster, &[(29.0, "isolate broker 1")], 29.0);
        }
        run(&mut cluster, &[(30.0, "shut down broker 1")], 30.0);
        assert_eq!(stage(&cluster, 1), Stage::ShuttingDown, "{name}");
        if let Some(healed) = healed.filter(|healed| *healed > 0.0) {
            run(&mut cluster, &[(healed, "heal all")], healed);
        }
        run(&mut cluster, &[], from - 0.1);
        let early = stage(&cluster, 1) == Stage::Down;
        assert!(!early, "{name}: it stops before {from} s");
        run(&mut cluster, &[], until);
        assert_eq!(stage(&cluster, 1), Stage::Down, "{name}: at {until} s");
        let alone = usize::from(healed.is_none());
        assert_eq!(count(&cluster, "ControlledShutdownTimedOut"), alone);
        // Either way its logs are closed.
        let back = [(400.0, "heal all"), (400.0, "restart broker 1")];
        run(&mut cluster, &back, 430.0);
        let last = registrations(&cluster, 1);
        assert_eq!(last.len(), 2, "{name}: {last:?}");
        assert!(last[1].0, "{name}: {last:?}");
        holds(&cluster, "isr orders-0 = {1,2,3} and lost app = 0");
    }
}

#[test]
fn who_has_never_been_unfenced_cannot_shut_down_in_a_controlled_way() {
    let cut = [
        ("isolate broker 1", Stage::Registering),
        ("cut controller 1 -> broker 1", Stage::Registering),
        ("", Stage::Starting),
    ];
    for (command, expected) in cut {
        let mut cluster = start("topics: [{name: orders, assignments: [[1, 2, 3]]}]");
        if !command.is_empty() {
            run(&mut cluster, &[(0.0, command)], 5.0);
        }
        while stage(&cluster, 1) != expected {
            cluster.step().unwrap();
        }
        let refused = cluster.apply("shut down broker 1".parse().unwrap());
        let told = refused.unwrap_err().to_string();
        assert!(
            told.contains("wait until the controller has unfenced it"),
            "{told}"
        );
    }
}

#[test]
fn a_broker_cut_off_before_it_is_registered_shuts_down_later() {
    // Its registration arrives, for it was sent at the very beginning, but the answer does not; or none arrives.
    for (first, registered) in [("isolate broker 1", 1), ("fail controller", 0)] {
        let mut cluster = start(ORDERS);
        tell(&mut cluster, first);
        if registered == 0 {
            tell(&mut cluster, "isolate broker 1");
        }
        run(&mut cluster, &[], 20.0);
        assert_eq!(stage(&cluster, 1), Stage::Registering, "{first}");
        assert_eq!(registrations(&cluster, 1).len(), registered, "{first}");
        run(&mut cluster, &[(20.0, "heal all")], 60.0);
        assert_eq!(stage(&cluster, 1), Stage::Running, "{first}");
        assert_eq!(registrations(&cluster, 1).len(), 1, "{first}");
        holds(&cluster, "isr orders-0 = {1,2,3}");
        let script = [(60.0, "isolate broker 1"), (61.0, "shut down broker 1")];
        run(&mut cluster, &script, 360.0);
        assert_eq!(stage(&cluster, 1), Stage::ShuttingDown, "{first}");
        run(&mut cluster, &[], 362.0);
        assert_eq!(stage(&cluster, 1), Stage::Down, "{first}");
        let script = [(400.0, "heal all"), (400.0, "restart broker 1")];
        run(&mut cluster, &script, 430.0);
        assert_eq!(stage(&cluster, 1), Stage::Running, "{first}");
        holds(&cluster, "isr orders-0 = {1,2,3} and lost app = 0");
    }
}

#[test]
fn a_process_that_registers_again_keeps_its_broker_epoch() {
    // The answers take longer than the broker waits: it asks again and again, and is one process all the same.
    // Source: KAFKA-16952.
    let script = [
        (20.0, "shut down broker 1"),
        (30.0, "slow link broker 1 <-> controller 1 by 900ms"),
        (31.0, "restart broker 1"),
    ];
    let mut cluster = play(ORDERS, &script, 60.0);
    assert_eq!(registrations(&cluster, 1).len(), 2);
    assert_eq!(stage(&cluster, 1), Stage::Running);
    holds(&cluster, "isr orders-0 = {1,2,3} and fenced = {}");
    let epoch = cluster.broker(1).unwrap().epoch;
    assert_eq!(registrations(&cluster, 1)[1].1, epoch);
    run(&mut cluster, &[(60.0, "shut down broker 1")], 75.0);
    assert_eq!(stage(&cluster, 1), Stage::Down);
    assert_eq!(count(&cluster, "ControlledShutdownTimedOut"), 0);
}

#[test]
fn a_clean_shutdown_counts_when_the_controller_knows_of_no_later_life() {
    // Broker 1 shuts down, starts, crashes before it hears that it is registered, and starts again.
    let cases = [
        ("cut broker 1 <-> controller 1", true),
        ("cut broker 1 -> controller 1", true),
        // Its registration arrives, the answer does not: the epoch it can prove is not the last any more.
        ("cut controller 1 -> broker 1", false),
    ];
    for (cut, clean) in cases {
        let script = [
            (20.0, "shut down broker 1"),
            (30.0, cut),
            (31.0, "restart broker 1"),
            (35.0, "crash broker 1"),
            (50.0, "heal all"),
            (51.0, "restart broker 1"),
        ];
        let cluster = play(ORDERS, &script, 80.0);
        let last = *registrations(&cluster, 1).last().unwrap();
        assert_eq!(last.0, clean, "{cut}");
        holds(&cluster, "isr orders-0 = {1,2,3} and lost app = 0");
    }
}

#[test]
fn what_an_earlier_process_asked_does_not_count_for_the_next() {
    // The answer to the first process comes to the second; the question of the first comes a millisecond after that of
    // the second.
    let cases = [
        ("1900ms", "restart broker 1", "heal all"),
        ("2001ms", "heal all", "restart broker 1"),
    ];
    for (slow, first, second) in cases {
        let slow = format!("slow link broker 1 <-> controller 1 by {slow}");
        let script = [
            (20.0, "shut down broker 1"),
            (30.0, &*slow),
            (31.0, "restart broker 1"),
            (32.7, "crash broker 1"),
            (32.8, first),
            (33.0, second),
        ];
        let cluster = play(&format!("controllers: 1\n{ORDERS}"), &script, 60.0);
        assert_eq!(stage(&cluster, 1), Stage::Running, "{slow}");
        let told = registrations(&cluster, 1);
        let last = told.last().unwrap().1;
        assert_eq!(cluster.broker(1).unwrap().epoch, last, "{slow}: {told:?}");
        holds(&cluster, "isr orders-0 = {1,2,3} and fenced = {}");
    }
}
