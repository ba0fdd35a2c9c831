//! The exact ways to lose data in Kafka, and what keeps it: acks, minimum ISR, epochs, eligible leader replicas, clean
//! and unclean elections.

mod simulated;

use highwater::sim::cluster::Cluster;
use highwater::sim::query::Value;
use simulated::{ask, count, holds, number, play, run, start, story};

/// One partition on brokers 1, 2 and 3, led by 1; a producer that writes 500 records a second.
fn orders(topic: &str, producer: &str, brokers: &str) -> String {
    format!(
        "
settings: {{{brokers}}}
topics:
  - {{name: orders, assignments: [[1, 2, 3]], settings: {{{topic}}}}}
producers:
  - {{name: app, topic: orders, rate: 500, settings: {{{producer}}}}}
"
    )
}

/// All replicas of orders-0 that run have the same log end, and it is the leader's.
fn replicas_agree(cluster: &Cluster) {
    let end = number(cluster, "log end orders-0");
    for broker in 1..=3 {
        let own = number(cluster, &format!("log end orders-0 on {broker}"));
        assert!((own - end).abs() < 20, "broker {broker} has {own} of {end}");
    }
}

/// The leader is cut off from its followers, dies a second later and comes back after half a minute.
const LEADER_DIES_AHEAD: [(f64, &str); 6] = [
    (10.0, "cut broker 1 <-> broker 2"),
    (10.0, "cut broker 1 <-> broker 3"),
    (11.0, "crash broker 1"),
    (39.0, "heal all"),
    (40.0, "restart broker 1"),
    (60.0, "stop producer app"),
];

#[test]
fn acks_1_loses_what_the_leader_alone_had_though_the_election_is_clean() {
    let cluster = play(&orders("", "acks: 1", ""), &LEADER_DIES_AHEAD, 70.0);
    let lost = number(&cluster, "lost app");
    assert!(
        (400..=600).contains(&lost),
        "a second of 500 records: {lost}"
    );
    assert!(
        story(&cluster, "LeaderElected")
            .iter()
            .all(|event| !event.contains("unclean"))
    );
    // The old leader takes its records off when it comes back.
    let truncated = story(&cluster, "Truncated");
    assert!(
        truncated.iter().any(|event| event.contains("broker 1")),
        "{truncated:?}"
    );
    replicas_agree(&cluster);
}

#[test]
fn acks_all_loses_nothing_when_the_leader_dies_ahead() {
    let cluster = play(&orders("", "acks: all", ""), &LEADER_DIES_AHEAD, 70.0);
    holds(
        &cluster,
        "lost app = 0 and failed app = 0 and duplicated app = 0 and reordered app = 0",
    );
    holds(&cluster, "sent app = acknowledged app");
    replicas_agree(&cluster);
}

/// The followers die, the leader goes on alone and dies too; the followers come back without it.
const LAST_ONE_DIES: [(f64, &str); 5] = [
    (10.0, "crash broker 2"),
    (10.0, "crash broker 3"),
    (60.0, "crash broker 1"),
    (80.0, "restart broker 2"),
    (80.0, "restart broker 3"),
];

#[test]
fn acks_all_with_one_replica_in_sync_is_one_copy() {
    // Its ISR was {1} and the minimum 1: what it acknowledged alone goes with it when another must lead.
    let unclean = orders(
        "min.insync.replicas: 1, unclean.leader.election.enable: true",
        "",
        "",
    );
    let cluster = play(&unclean, &LAST_ONE_DIES, 130.0);
    let lost = number(&cluster, "lost app");
    assert!(lost > 3_000, "{lost}");
    assert!(
        story(&cluster, "RecordsLost")
            .iter()
            .any(|event| event.contains("acks"))
    );
    // Without unclean election nothing is lost, but nothing works until broker 1 is back.
    let mut clean = start(&orders("min.insync.replicas: 1", "", ""));
    run(&mut clean, &LAST_ONE_DIES, 130.0);
    holds(
        &clean,
        "leader orders-0 = none and isr orders-0 = {} and elr orders-0 = {1} and offline = 1 and lost app = 0",
    );
    run(&mut clean, &[(130.0, "restart broker 1")], 160.0);
    holds(
        &clean,
        "leader orders-0 = 1 and isr orders-0 = {1,2,3} and lost app = 0",
    );
}

#[test]
fn a_minimum_of_two_refuses_instead() {
    let safe = orders(
        "min.insync.replicas: 2, unclean.leader.election.enable: true",
        "",
        "",
    );
    let mut cluster = start(&safe);
    run(&mut cluster, &LAST_ONE_DIES[..2], 59.0);
    holds(
        &cluster,
        "last error app = NOT_ENOUGH_REPLICAS and under min isr = 1",
    );
    run(&mut cluster, &LAST_ONE_DIES[2..], 130.0);
    holds(&cluster, "lost app = 0 and isr orders-0 = {2,3}");
}

/// The followers stop in an orderly way; then the leader's machine dies with what it had not flushed; it is the first to be back.
const LAST_REPLICA_STANDING: [(f64, &str); 6] = [
    (15.0, "stop producer app"),
    (20.0, "shut down broker 2"),
    (20.0, "shut down broker 3"),
    (40.0, "crash broker 1 losing page cache"),
    (60.0, "restart broker 1"),
    (80.0, "restart broker 2"),
];

fn last_replica_standing(elr: u8) -> Cluster {
    let spec = orders(
        "min.insync.replicas: 2",
        "acks: all",
        &format!("eligible.leader.replicas.version: {elr}"),
    ) + "disk: {flush: 1h}\n";
    play(&spec, &LAST_REPLICA_STANDING, 120.0)
}

#[test]
fn the_last_replica_standing_loses_what_everybody_had() {
    let cluster = last_replica_standing(0);
    // Broker 1 was the only one in the ISR, so it leads with its empty log, and broker 2 cuts its own.
    holds(
        &cluster,
        "leader orders-0 = 1 and log end orders-0 = 0 and log end orders-0 on 2 = 0",
    );
    assert_eq!(
        number(&cluster, "lost app"),
        number(&cluster, "acknowledged app")
    );
}

#[test]
fn eligible_leader_replicas_save_the_last_replica_standing() {
    let cluster = last_replica_standing(1);
    holds(&cluster, "leader orders-0 = 2 and lost app = 0");
    assert_eq!(
        number(&cluster, "high watermark orders-0"),
        number(&cluster, "acknowledged app")
    );
    assert!(count(&cluster, "ElrChanged") > 0);
}

#[test]
fn an_unclean_leader_lagged_and_offsets_are_used_again() {
    let spec = orders(
        "unclean.leader.election.enable: true",
        "acks: 1",
        "offsets.topic.replication.factor: 3",
    ) + "
groups:
  - name: billing
    topics: [orders]
    settings: {auto.offset.reset: earliest}
    members: [{name: c1}]
";
    let script = [
        (10.0, "cut broker 1 <-> broker 2"),
        (10.0, "cut broker 1 <-> broker 3"),
        // The followers fall out of the ISR after 30 to 45 s; the leader goes on alone.
        (60.0, "crash broker 1"),
        (60.0, "heal all"),
    ];
    let mut cluster = start(&spec);
    run(&mut cluster, &script[..2], 59.0);
    holds(&cluster, "isr orders-0 = {1}");
    let read = number(&cluster, "position c1 orders-0");
    run(&mut cluster, &script[2..], 120.0);
    let lost = number(&cluster, "lost app");
    assert!(lost > 20_000, "{lost}");
    // The consumer had read further than the new leader's log went, and is told by the epoch (KIP-320).
    let noticed = story(&cluster, "LogTruncated");
    assert!(!noticed.is_empty());
    assert!(
        read > 20_000 && number(&cluster, "log end orders-0") > read,
        "offsets are used again"
    );
    // Other records at known offsets are not the same records processed again.
    holds(&cluster, "reprocessed billing = 0 and skipped billing = 0");
}

/// The leader reaches neither the controllers nor the other brokers, but the producer reaches it.
const ZOMBIE: [(f64, &str); 7] = [
    (10.0, "cut broker 1 <-> broker 2"),
    (10.0, "cut broker 1 <-> broker 3"),
    (10.0, "cut broker 1 <-> controller 1"),
    (10.0, "cut broker 1 <-> controller 2"),
    (10.0, "cut broker 1 <-> controller 3"),
    (50.0, "heal all"),
    (80.0, "stop producer app"),
];

#[test]
fn a_fenced_leader_acknowledges_acks_1_and_takes_it_back() {
    let mut cluster = start(&orders("min.insync.replicas: 2", "acks: 1", ""));
    run(&mut cluster, &ZOMBIE[..5], 49.0);
    holds(&cluster, "leader orders-0 = 2 and fenced = {1}");
    assert!(
        number(&cluster, "acknowledged app") > 23_000,
        "the zombie takes everything"
    );
    run(&mut cluster, &ZOMBIE[5..], 90.0);
    let lost = number(&cluster, "lost app");
    assert!(lost > 18_000, "40 s of 500 records: {lost}");
    replicas_agree(&cluster);
}

#[test]
fn acks_0_to_a_fenced_leader_is_lost_in_silence() {
    let mut cluster = start(&orders("min.insync.replicas: 2", "acks: 0", ""));
    run(&mut cluster, &ZOMBIE[..5], 49.0);
    let lost = number(&cluster, "lost app");
    assert!(lost > 19_000, "39 s of 500 records: {lost}");
    // Once broker 1 knows that it leads no more, it closes the connection, and the producer asks who leads.
    run(&mut cluster, &ZOMBIE[5..], 90.0);
    let lost = number(&cluster, "lost app");
    assert!((20_000..21_000).contains(&lost), "{lost}");
    holds(
        &cluster,
        "failed app = 0 and last error app = none and sent app = acknowledged app",
    );
}

#[test]
fn acks_all_to_a_fenced_leader_is_never_acknowledged() {
    let mut cluster = start(&orders("min.insync.replicas: 2", "acks: all", ""));
    run(&mut cluster, &ZOMBIE[..5], 11.0);
    let before = number(&cluster, "acknowledged app");
    // Until request.timeout.ms sends the producer to another broker, which knows the new leader.
    run(&mut cluster, &[], 39.0);
    let after = number(&cluster, "acknowledged app");
    assert!(after - before < 50, "{before} {after}");
    run(&mut cluster, &ZOMBIE[5..], 120.0);
    holds(
        &cluster,
        "lost app = 0 and duplicated app = 0 and failed app = 0 and sent app = acknowledged app",
    );
    replicas_agree(&cluster);
}

#[test]
fn acks_0_to_a_dead_broker_fails_nothing_and_loses_everything() {
    let spec = orders("", "acks: 0", "");
    let cluster = play(
        &spec,
        &[(10.0, "crash broker 1"), (18.0, "stop producer app")],
        40.0,
    );
    assert!(number(&cluster, "lost app") > 0);
    holds(&cluster, "failed app = 0");
}

#[test]
fn a_restarted_follower_keeps_records_above_its_high_watermark() {
    // KIP-101, first case. Its checkpointed high watermark is 0: before epochs it would have cut its log to that and,
    // elected, taken committed records with it.
    let spec = orders(
        "",
        "acks: all",
        "replica.high.watermark.checkpoint.interval.ms: 1h",
    )
    .replace("[[1, 2, 3]]", "[[1, 2]]");
    let script = [
        (10.0, "crash broker 2"),
        (12.0, "restart broker 2"),
        (30.0, "stop producer app"),
        (31.0, "crash broker 1"),
    ];
    let mut cluster = start(&spec);
    run(&mut cluster, &script[..2], 12.1);
    assert!(number(&cluster, "log end orders-0 on 2") > 4_500);
    run(&mut cluster, &script[2..], 60.0);
    holds(&cluster, "leader orders-0 = 2 and lost app = 0");
    assert_eq!(
        number(&cluster, "high watermark orders-0"),
        number(&cluster, "acknowledged app")
    );
    assert_eq!(count(&cluster, "Truncated"), 0);
}

#[test]
fn after_a_double_failure_no_offset_holds_two_records() {
    // KIP-101, second case. Broker 1 has records that 2 lacks; both die; 2 is back first, leads and writes others there.
    let spec = orders("", "acks: 1", "eligible.leader.replicas.version: 0")
        .replace("[[1, 2, 3]]", "[[1, 2]]");
    let script = [
        (10.0, "cut broker 1 <-> broker 2"),
        (11.0, "crash broker 1"),
        (11.0, "crash broker 2"),
        (11.0, "heal all"),
        (40.0, "restart broker 2"),
        (60.0, "restart broker 1"),
        (80.0, "stop producer app"),
    ];
    let mut cluster = start(&spec);
    run(&mut cluster, &script[..3], 12.0);
    let (one, two) = (
        number(&cluster, "log end orders-0 on 1"),
        number(&cluster, "log end orders-0 on 2"),
    );
    assert!(one > two + 300, "{one} {two}");
    run(&mut cluster, &script[3..], 90.0);
    let truncated = story(&cluster, "Truncated");
    assert!(
        truncated
            .iter()
            .any(|event| event.contains("broker 1") || event.contains("orders-0")),
        "{truncated:?}"
    );
    holds(&cluster, "leader orders-0 = 2 and isr orders-0 = {1,2}");
    // `broken` is empty: below the high watermark both logs hold the same records.
    assert_eq!(
        ask(&cluster, "log end orders-0 on 1"),
        ask(&cluster, "log end orders-0 on 2")
    );
}

#[test]
fn a_frozen_high_watermark_hides_what_acks_1_wrote() {
    for elr in [0, 1] {
        let spec = orders(
            "min.insync.replicas: 2",
            "acks: 1",
            &format!(
                "eligible.leader.replicas.version: {elr}, offsets.topic.replication.factor: 3"
            ),
        ) + "
groups:
  - name: billing
    topics: [orders]
    settings: {auto.offset.reset: earliest}
    members: [{name: c1}]
";
        let mut cluster = start(&spec);
        run(
            &mut cluster,
            &[(20.0, "crash broker 2"), (20.0, "crash broker 3")],
            35.0,
        );
        holds(&cluster, "isr orders-0 = {1}");
        let frozen = number(&cluster, "high watermark orders-0");
        let acknowledged = number(&cluster, "acknowledged app");
        run(&mut cluster, &[], 60.0);
        assert!(
            number(&cluster, "acknowledged app") > acknowledged + 12_000,
            "acks=1 goes on"
        );
        assert_eq!(number(&cluster, "high watermark orders-0"), frozen);
        assert!(number(&cluster, "position c1 orders-0") <= frozen);
        assert!(number(&cluster, "log end orders-0") > frozen + 12_000);
        assert_eq!(count(&cluster, "HighWatermarkFrozen"), 1);
        run(
            &mut cluster,
            &[(60.0, "restart broker 2"), (80.0, "stop producer app")],
            100.0,
        );
        holds(
            &cluster,
            "isr orders-0 = {1,2} and lost app = 0 and lag billing orders-0 = 0",
        );
        assert_eq!(
            number(&cluster, "processed c1"),
            number(&cluster, "acknowledged app")
        );
    }
}

#[test]
fn unclean_election_allowed_while_it_runs_elects_within_its_interval() {
    let spec = orders(
        "min.insync.replicas: 1",
        "",
        "unclean.leader.election.interval.ms: 60s, eligible.leader.replicas.version: 0",
    );
    let mut cluster = start(&spec);
    run(&mut cluster, &LAST_ONE_DIES, 130.0);
    holds(&cluster, "leader orders-0 = none");
    run(
        &mut cluster,
        &[(
            100.0,
            "set topic orders unclean.leader.election.enable=true",
        )],
        195.0,
    );
    let Value::Number(leader) = ask(&cluster, "leader orders-0") else {
        panic!("nobody leads")
    };
    assert_eq!(leader, 2, "the first in the list of replicas that runs");
    assert!(number(&cluster, "lost app") > 0);
    assert!(
        story(&cluster, "LeaderElected")
            .iter()
            .any(|event| event.contains("unclean"))
    );
}

#[test]
fn an_unclean_election_can_be_asked_for() {
    let mut cluster = start(&orders("min.insync.replicas: 1", "", ""));
    run(&mut cluster, &LAST_ONE_DIES, 130.0);
    holds(&cluster, "leader orders-0 = none and lost app = 0");
    run(&mut cluster, &[(130.0, "elect unclean orders-0")], 140.0);
    assert!(matches!(
        ask(&cluster, "leader orders-0"),
        Value::Number(2 | 3)
    ));
    assert!(number(&cluster, "lost app") > 0);
}
