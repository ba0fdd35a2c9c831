//! What producers promise and what they do not: duplicates, order, timeouts, a full buffer.

mod simulated;

use simulated::{count, holds, number, play, run, start, story};

fn app(rate: u32, settings: &str) -> String {
    format!(
        "
topics:
  - {{name: orders, assignments: [[1, 2, 3]], settings: {{min.insync.replicas: 2}}}}
producers:
  - {{name: app, topic: orders, rate: {rate}, settings: {{{settings}}}}}
"
    )
}

/// Five answers of the leader get lost.
const LOST_ANSWERS: [(f64, &str); 5] = [
    (
        10.0,
        "drop next ProduceResponse from broker 1 to producer app",
    ),
    (
        11.0,
        "drop next ProduceResponse from broker 1 to producer app",
    ),
    (
        12.0,
        "drop next ProduceResponse from broker 1 to producer app",
    ),
    (
        13.0,
        "drop next ProduceResponse from broker 1 to producer app",
    ),
    (60.0, "stop producer app"),
];

#[test]
fn a_lost_answer_is_retried_and_duplicates_without_idempotence() {
    let cluster = play(
        &app(100, "enable.idempotence: false, request.timeout.ms: 5000"),
        &LOST_ANSWERS,
        80.0,
    );
    assert!(number(&cluster, "duplicated app") > 0);
    holds(
        &cluster,
        "failed app = 0 and lost app = 0 and sent app = acknowledged app",
    );
    assert!(number(&cluster, "log end orders-0") > number(&cluster, "sent app"));
}

#[test]
fn a_lost_answer_is_retried_and_recognised_with_idempotence() {
    let cluster = play(&app(100, "request.timeout.ms: 5000"), &LOST_ANSWERS, 80.0);
    assert!(count(&cluster, "DuplicateDropped") > 0);
    holds(
        &cluster,
        "duplicated app = 0 and reordered app = 0 and failed app = 0 and sent app = acknowledged app",
    );
    assert_eq!(
        number(&cluster, "log end orders-0"),
        number(&cluster, "sent app")
    );
}

/// One request gets lost on its way, while others are under way behind it.
const LOST_REQUEST: [(f64, &str); 2] = [
    (
        10.0,
        "drop next ProduceRequest from producer app to broker 1",
    ),
    (30.0, "stop producer app"),
];

#[test]
fn several_requests_in_flight_reorder_on_retry_without_idempotence() {
    let fast = "linger.ms: 0, max.in.flight.requests.per.connection: 5, request.timeout.ms: 5000";
    let cluster = play(
        &app(2_000, &format!("{fast}, enable.idempotence: false")),
        &LOST_REQUEST,
        60.0,
    );
    assert!(number(&cluster, "reordered app") > 0);
    holds(&cluster, "failed app = 0");
    // One in flight keeps the order, with all else the same.
    let slow = fast.replace("connection: 5", "connection: 1");
    let cluster = play(
        &app(2_000, &format!("{slow}, enable.idempotence: false")),
        &LOST_REQUEST,
        60.0,
    );
    holds(&cluster, "reordered app = 0 and failed app = 0");
    // So does idempotence with five.
    let cluster = play(&app(2_000, fast), &LOST_REQUEST, 60.0);
    holds(
        &cluster,
        "reordered app = 0 and duplicated app = 0 and failed app = 0 and sent app = acknowledged app",
    );
}

#[test]
fn a_batch_behind_a_lost_one_is_out_of_order_for_the_broker_and_comes_again() {
    // The first request gets lost on its way; those behind it arrive and are refused until it comes again.
    let spec = app(2_000, "linger.ms: 0, request.timeout.ms: 2000");
    let cluster = play(&spec, &LOST_REQUEST, 60.0);
    assert!(
        story(&cluster, "SequenceRefused")
            .iter()
            .any(|event| event.contains("OUT_OF_ORDER_SEQUENCE_NUMBER")),
        "{:?}",
        story(&cluster, "SequenceRefused")
    );
    holds(
        &cluster,
        "reordered app = 0 and duplicated app = 0 and failed app = 0 and sent app = acknowledged app",
    );
}

#[test]
fn delivery_timeout_ends_the_retries_and_the_application_is_told() {
    let spec = app(100, "delivery.timeout.ms: 20000, request.timeout.ms: 5000");
    let script = [
        (10.0, "crash broker 2"),
        (10.0, "crash broker 3"),
        (60.0, "restart broker 2"),
    ];
    let mut cluster = start(&spec);
    run(&mut cluster, &script[..2], 59.0);
    let failed = number(&cluster, "failed app");
    assert!(failed > 2_000, "{failed}");
    assert!(story(&cluster, "RecordsFailed")[0].contains("delivery.timeout.ms = 20000"));
    run(&mut cluster, &script[2..], 100.0);
    assert!(number(&cluster, "acknowledged app") > 3_000);
    holds(&cluster, "lost app = 0");
}

#[test]
fn a_failed_record_may_stand_in_the_log_all_the_same() {
    // It was appended before the followers died; only the answer never came.
    let spec = app(100, "delivery.timeout.ms: 20000, request.timeout.ms: 5000");
    let script = [
        (10.0, "crash broker 2"),
        (10.0, "crash broker 3"),
        (15.0, "stop producer app"),
        (60.0, "restart broker 2"),
    ];
    let cluster = play(&spec, &script, 100.0);
    assert!(number(&cluster, "failed app") > 0);
    assert!(number(&cluster, "high watermark orders-0") > number(&cluster, "acknowledged app"));
}

#[test]
fn a_full_buffer_blocks_the_application_and_then_fails_its_records() {
    let spec = app(500, "buffer.memory: 65536, max.block.ms: 5000");
    let script = [(10.0, "crash broker 1")];
    let mut cluster = start(&spec);
    run(&mut cluster, &script, 18.0);
    assert_eq!(count(&cluster, "ProducerBlocked"), 1);
    assert!(story(&cluster, "ProducerBlocked")[0].contains("buffer.memory = 65536"));
    let made = number(&cluster, "sent app");
    assert!(
        made < 6_500,
        "an application that waits makes nothing: {made}"
    );
    run(&mut cluster, &[], 60.0);
    assert!(count(&cluster, "ProducerUnblocked") >= 1);
    assert!(number(&cluster, "acknowledged app") > 20_000);
    holds(&cluster, "lost app = 0 and leader orders-0 = 2");
}

#[test]
fn acks_0_loses_without_a_word_what_acks_1_fails_or_retries() {
    let during = |acks: &str| {
        let script = [
            (10.0, "cut producer app -> broker 1"),
            (12.0, "heal all"),
            (20.0, "stop producer app"),
        ];
        let spec = app(200, &format!("acks: {acks}, request.timeout.ms: 2000"));
        play(&spec, &script, 90.0)
    };
    let silent = during("0");
    holds(
        &silent,
        "lost app > 0 and failed app = 0 and sent app = acknowledged app",
    );
    let one = during("1");
    holds(
        &one,
        "lost app = 0 and failed app = 0 and sent app = acknowledged app",
    );
    let all = during("all");
    holds(
        &all,
        "lost app = 0 and failed app = 0 and duplicated app = 0 and reordered app = 0",
    );
}

#[test]
fn one_key_is_one_partition_and_its_order() {
    let spec = "
topics: [{name: orders, partitions: 6, replication: 3}]
producers: [{name: app, topic: orders, rate: 500, keys: {hot: 100}}]
";
    let cluster = play(spec, &[(10.0, "stop producer app")], 20.0);
    let used = (0..6).filter(|id| number(&cluster, &format!("log end orders-{id}")) > 0);
    assert_eq!(used.count(), 1);
    holds(&cluster, "reordered app = 0");
}

#[test]
fn a_gap_in_one_partition_does_not_stop_the_others() {
    // Source: `TransactionManager.bumpIdempotentProducerEpoch` (KIP-360): only the partition with the gap begins anew.
    let yaml = "
topics:
  - {name: orders, assignments: [[1, 3, 2], [2, 3, 1]]}
producers:
  - name: app
    topic: orders
    rate: 200
    keys: {uniform: 100}
    settings: {request.timeout.ms: 4s, delivery.timeout.ms: 8s}
";
    let mut cluster = start(yaml);
    run(
        &mut cluster,
        &[(5.0, "cut producer app <-> broker 1")],
        12.0,
    );
    let mut before = number(&cluster, "acknowledged app");
    for second in 13..40 {
        run(&mut cluster, &[], f64::from(second));
        let now = number(&cluster, "acknowledged app");
        assert!(now > before + 50, "{second} s: {before}, {now}");
        before = now;
    }
    assert!(number(&cluster, "failed app") > 1_000);
    run(&mut cluster, &[(40.0, "heal all")], 80.0);
    holds(&cluster, "duplicated app = 0 and reordered app = 0");
}

#[test]
fn without_acks_a_producer_learns_of_a_new_leader_by_its_closed_connection() {
    // Source: `KafkaApis.handleProduceRequest`: acks=0 and an error close the connection.
    let yaml = app(100, "acks: 0");
    let script = [(5.0, "crash broker 1"), (20.0, "restart broker 1")];
    let mut cluster = start(&yaml);
    run(&mut cluster, &script, 60.0);
    let before = number(&cluster, "lost app");
    run(&mut cluster, &[(60.0, "elect preferred")], 70.0);
    holds(&cluster, "leader orders-0 = 1");
    let lost = number(&cluster, "lost app") - before;
    assert!((0..50).contains(&lost), "{lost} lost by a clean election");
    assert!(number(&cluster, "log end orders-0") > 6_000 - before);
}

#[test]
fn a_silent_producer_is_forgotten() {
    // Source: `ProducerStateManager.removeExpiredProducers`, looked for every ten minutes.
    let yaml = "
settings: {producer.id.expiration.ms: 60s}
topics:
  - {name: orders, assignments: [[1, 2, 3]]}
producers:
  - {name: app, topic: orders, rate: 100, limit: 10}
";
    let known = |cluster: &highwater::sim::cluster::Cluster| {
        let broker = cluster.broker(1).unwrap();
        let replicas = broker.replicas.iter();
        replicas
            .map(|(_, replica)| replica.producers.len())
            .sum::<usize>()
    };
    let mut cluster = start(yaml);
    run(&mut cluster, &[], 590.0);
    assert_eq!(known(&cluster), 1);
    run(&mut cluster, &[], 610.0);
    assert_eq!(known(&cluster), 0);
}
