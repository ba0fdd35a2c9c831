//! Consumer groups on a whole simulated cluster: brokers, controller, network, `__consumer_offsets` and all.

mod simulated;

use highwater::sim::cluster::Cluster;
use highwater::sim::query::Value;
use highwater::sim::time::Time;
use simulated::{ask, count, holds, number, play, run, start, story};

/// A keyed producer and a group on a topic with min.insync.replicas = 2.
fn billing(partitions: u32, rate: u32, settings: &str, members: &[&str]) -> String {
    let members: String = members
        .iter()
        .map(|member| format!("      - {{{member}}}\n"))
        .collect();
    format!(
        "
topics:
  - {{name: orders, partitions: {partitions}, replication: 3, settings: {{min.insync.replicas: 2}}}}
producers:
  - {{name: shop, topic: orders, rate: {rate}, keys: {{uniform: 1000}}}}
groups:
  - name: billing
    topics: [orders]
    settings: {{auto.offset.reset: earliest, {settings}}}
    members:
{members}"
    )
}

fn sizes(cluster: &Cluster) -> Vec<usize> {
    let consumers = cluster.consumers().iter();
    consumers
        .map(|member| member.consumer.assignment().count())
        .collect()
}

/// How long partitions were without an owner, added up.
fn idle(cluster: &Cluster) -> Time {
    cluster.groups()[0]
        .progress
        .idle_partition_time(cluster.now())
}

fn finished(cluster: &Cluster) -> u64 {
    let consumers = cluster.consumers().iter();
    consumers.map(|member| member.consumer.finished()).sum()
}

#[test]
fn a_group_forms_reads_and_commits() {
    let cluster = play(&billing(4, 100, "", &["name: c1", "name: c2"]), &[], 60.0);
    holds(
        &cluster,
        "state billing = Stable and generation billing = 1",
    );
    assert_eq!(sizes(&cluster), [2, 2]);
    for partition in 0..4 {
        holds(
            &cluster,
            &format!("committed billing orders-{partition} > 300"),
        );
        holds(&cluster, &format!("lag billing orders-{partition} < 400"));
    }
    assert!(finished(&cluster) > 5_000);
    holds(&cluster, "reprocessed billing = 0 and skipped billing = 0");
}

#[test]
fn lag_is_unknown_without_a_commit() {
    let cluster = play(
        &billing(4, 100, "", &["name: c1, commit: never"]),
        &[],
        30.0,
    );
    assert!(finished(&cluster) > 1_000);
    for partition in 0..4 {
        let lag = ask(&cluster, &format!("lag billing orders-{partition}"));
        assert_eq!(lag, Value::Unknown);
    }
    assert_eq!(ask(&cluster, "lag billing"), Value::Unknown);
}

#[test]
fn members_beyond_the_partitions_are_idle() {
    let cluster = play(
        &billing(2, 50, "", &["name: c1", "name: c2", "name: c3"]),
        &[],
        40.0,
    );
    let mut sizes = sizes(&cluster);
    sizes.sort_unstable();
    assert_eq!(sizes, [0, 1, 1]);
}

#[test]
fn slow_work_ends_in_a_rebalance_storm() {
    let slow = |records: u32| {
        let settings = format!("max.poll.interval.ms: 10000, max.poll.records: {records}");
        let members = ["name: c1, processing: 40ms", "name: c2, processing: 40ms"];
        play(&billing(2, 200, &settings, &members), &[], 200.0)
    };
    // 500 records of 40 ms are 20 s between two polls: each leaves, joins again, and does the same records again.
    let storm = slow(500);
    assert!(count(&storm, "PollIntervalExceeded") >= 5);
    assert!(count(&storm, "CommitFailed") >= 1 || count(&storm, "Lost") >= 5);
    holds(
        &storm,
        "generation billing >= 5 and reprocessed billing > 500",
    );
    // With 100 records it polls every 4 s.
    let calm = slow(100);
    holds(
        &calm,
        "generation billing = 1 and reprocessed billing = 0 and events PollIntervalExceeded = 0",
    );
    assert!(finished(&calm) > finished(&storm) - number(&storm, "reprocessed billing") as u64);
}

/// Restarts c1 within its session; rebalances, idle partition time and what was processed again.
fn restart(members: &[&str], down: &str) -> (i64, Time) {
    let mut cluster = start(&billing(4, 100, "", members));
    run(&mut cluster, &[], 30.0);
    let (generation, before) = (number(&cluster, "generation billing"), idle(&cluster));
    run(
        &mut cluster,
        &[(30.0, down), (40.0, "start consumer c1")],
        120.0,
    );
    assert_eq!(sizes(&cluster), [2, 2]);
    let after = idle(&cluster);
    (
        number(&cluster, "generation billing") - generation,
        after.since(before),
    )
}

#[test]
fn a_static_member_restarts_within_its_session_without_a_rebalance() {
    let fixed = ["name: c1, instance: i1", "name: c2, instance: i2"];
    let (rebalances, pause) = restart(&fixed, "kill consumer c1");
    assert_eq!(rebalances, 0);
    // Nobody reads its two partitions while it is away, and no others stop.
    assert!(
        (20.0..22.0).contains(&pause.as_secs_f64()),
        "{}",
        pause.span()
    );
    // An orderly stop is the same: a static member does not leave.
    let (rebalances, _) = restart(&fixed, "stop consumer c1");
    assert_eq!(rebalances, 0);
}

#[test]
fn a_dynamic_member_restarts_with_rebalances() {
    let dynamic = ["name: c1", "name: c2"];
    // Stopped in an orderly way: one rebalance when it leaves, one when it joins.
    let (rebalances, pause) = restart(&dynamic, "stop consumer c1");
    assert_eq!(rebalances, 2);
    assert!(
        pause < Time::secs(20),
        "the other one takes over: {}",
        pause.span()
    );
    // Killed: the group waits for its session of 45 s, or until it joins under a new name and does not answer.
    let (rebalances, _) = restart(&dynamic, "kill consumer c1");
    assert!(rebalances >= 1);
}

#[test]
fn a_static_member_away_longer_than_its_session_costs_two_rebalances() {
    let members = ["name: c1, instance: i1", "name: c2, instance: i2"];
    let mut cluster = start(&billing(4, 100, "session.timeout.ms: 20000", &members));
    run(&mut cluster, &[(30.0, "kill consumer c1")], 48.0);
    assert_eq!(sizes(&cluster), [0, 2], "its partitions wait for it");
    run(&mut cluster, &[(60.0, "start consumer c1")], 59.0);
    run(&mut cluster, &[], 90.0);
    assert_eq!(sizes(&cluster), [2, 2]);
    holds(&cluster, "generation billing = 3");
    assert!(
        story(&cluster, "MemberGone")
            .iter()
            .any(|event| event.contains("session.timeout.ms = 20000"))
    );
}

#[test]
fn a_second_instance_with_the_same_static_id_fences_the_first() {
    let mut cluster = start(&billing(4, 100, "", &["name: c1, instance: i1"]));
    run(&mut cluster, &[(30.0, "join c2 to billing as i1")], 60.0);
    assert_eq!(count(&cluster, "Fenced"), 1);
    assert_eq!(sizes(&cluster), [0, 4]);
    holds(
        &cluster,
        "generation billing = 1 and members billing = {c2}",
    );
}

/// A third member joins a quick and a slow one: idle partition time, and what the quick one finished in the 8 s after.
/// They commit by themselves: an auto-commit before each join would keep a cooperative member for one more poll.
fn joining(strategy: &str, at: f64) -> (Time, i64) {
    let settings = format!("partition.assignment.strategy: {strategy}");
    let members = [
        "name: c1, processing: 1ms, commit: after-processing",
        "name: c2, processing: 20ms, commit: after-processing",
        "name: c3, processing: 1ms, commit: after-processing, stopped: true",
    ];
    let mut cluster = start(&billing(6, 300, &settings, &members));
    run(&mut cluster, &[], at);
    let (before, done) = (idle(&cluster), number(&cluster, "processed c1"));
    run(&mut cluster, &[(at, "start consumer c3")], at + 8.0);
    let done = number(&cluster, "processed c1") - done;
    run(&mut cluster, &[], at + 40.0);
    assert_eq!(sizes(&cluster), [2, 2, 2], "{strategy}");
    (idle(&cluster).since(before), done)
}

#[test]
fn cooperative_rebalancing_stops_less_of_the_world() {
    // The slow member polls every 10 s, and much depends on when it does.
    let all = |strategy: &str| {
        [41.0, 44.0, 47.0]
            .map(|at| joining(strategy, at))
            .into_iter()
            .fold((Time::ZERO, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    let (eager, eager_done) = all("range");
    let (cooperative, cooperative_done) = all("cooperative-sticky");
    assert!(
        cooperative < eager,
        "idle: cooperative {}, eager {}",
        cooperative.span(),
        eager.span()
    );
    // While the slow member works off its poll, the eager group stands still and the cooperative one goes on.
    assert!(
        cooperative_done > eager_done,
        "done: cooperative {cooperative_done}, eager {eager_done}"
    );
}

#[test]
fn eager_members_give_up_everything_and_cooperative_ones_what_moves() {
    let revoked = |strategy: &str| {
        let settings = format!("partition.assignment.strategy: {strategy}");
        let members = ["name: c1", "name: c2, stopped: true"];
        let mut cluster = start(&billing(4, 100, &settings, &members));
        run(&mut cluster, &[], 20.0);
        let generation = number(&cluster, "generation billing");
        run(&mut cluster, &[(20.0, "start consumer c2")], 40.0);
        let told = story(&cluster, "Revoked");
        (number(&cluster, "generation billing") - generation, told)
    };
    let (rounds, told) = revoked("range");
    assert_eq!(rounds, 1);
    assert!(
        told[0].contains("orders-0, orders-1, orders-2, orders-3"),
        "{told:?}"
    );
    let (rounds, told) = revoked("cooperative-sticky");
    assert_eq!(rounds, 2);
    assert_eq!(told[0].matches("orders-").count(), 2, "{told:?}");
}

#[test]
fn commits_decide_between_loss_and_repetition() {
    let of = |commit: &str| {
        let members = [
            format!("name: c1, commit: {commit}, processing: 30ms"),
            format!("name: c2, commit: {commit}, processing: 30ms, stopped: true"),
        ];
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        let mut cluster = start(&billing(1, 30, "", &members));
        run(
            &mut cluster,
            &[(30.0, "kill consumer c1"), (30.0, "start consumer c2")],
            150.0,
        );
        (
            number(&cluster, "skipped billing"),
            number(&cluster, "reprocessed billing"),
            count(&cluster, "NeverProcessed"),
        )
    };
    let (lost, again, told) = of("before-processing");
    assert!(
        lost > 0 && again == 0 && told == 1,
        "before: {lost} lost, {again} again, {told} told"
    );
    let (lost, again, told) = of("after-processing");
    assert!(
        lost == 0 && again > 0 && told == 0,
        "after: {lost} lost, {again} again, {told} told"
    );
    let (lost, again, told) = of("auto");
    assert!(
        lost == 0 && again > 0 && told == 0,
        "auto: {lost} lost, {again} again, {told} told"
    );
}

#[test]
fn auto_commit_repeats_what_was_done_since_the_last_commit() {
    let members = [
        "name: c1, processing: 1ms",
        "name: c2, processing: 1ms, stopped: true",
    ];
    let mut cluster = start(&billing(1, 100, "auto.commit.interval.ms: 20000", &members));
    // It began after about 3 s and committed at 20 s.
    run(
        &mut cluster,
        &[(35.0, "kill consumer c1"), (35.0, "start consumer c2")],
        150.0,
    );
    let again = number(&cluster, "reprocessed billing");
    assert!(
        (1_000..=1_700).contains(&again),
        "about 15 s of 100 records: {again}"
    );
    holds(&cluster, "skipped billing = 0");
}

#[test]
fn closing_in_the_middle_of_the_work_loses_with_auto_commit() {
    let mut cluster = start(&billing(1, 100, "", &["name: c1, processing: 30ms"]));
    run(&mut cluster, &[(30.0, "stop consumer c1")], 33.0);
    holds(&cluster, "skipped billing > 0 and state billing = Empty");
}

#[test]
fn a_coordinator_that_fails_over_keeps_commits_and_members() {
    let mut cluster = start(&billing(4, 100, "", &["name: c1", "name: c2"]));
    run(&mut cluster, &[], 30.0);
    let old = number(&cluster, "coordinator billing");
    let committed: Vec<i64> = (0..4)
        .map(|id| number(&cluster, &format!("committed billing orders-{id}")))
        .collect();
    run(
        &mut cluster,
        &[(30.0, &format!("crash broker {old}"))],
        90.0,
    );
    assert_ne!(number(&cluster, "coordinator billing"), old);
    for (id, before) in committed.into_iter().enumerate() {
        assert!(number(&cluster, &format!("committed billing orders-{id}")) > before);
    }
    assert!(count(&cluster, "CoordinatorLoaded") >= 1);
    // The members are read from __consumer_offsets too: their heartbeats go on within the session, nobody joins anew.
    holds(
        &cluster,
        "state billing = Stable and generation billing = 1",
    );
    assert_eq!(sizes(&cluster), [2, 2]);
    assert_eq!(count(&cluster, "OffsetReset"), 4, "only at the beginning");
    holds(&cluster, "members billing = {c1,c2}");
}

#[test]
fn a_coordinator_that_does_not_know_of_its_successor_decides_for_itself_alone() {
    let mut cluster = start(&billing(4, 100, "", &["name: c1", "name: c2"]));
    run(&mut cluster, &[], 30.0);
    let old = number(&cluster, "coordinator billing");
    run(
        &mut cluster,
        &[(30.0, &format!("isolate broker {old}"))],
        120.0,
    );
    assert_ne!(number(&cluster, "coordinator billing"), old);
    holds(
        &cluster,
        "state billing = Stable and generation billing = 1 and members billing = {c1,c2}",
    );
    // There both sessions end and the group is empty; here nobody left and nothing was rebalanced.
    assert_eq!(count(&cluster, "MemberGone"), 0);
    assert_eq!(count(&cluster, "Emptied"), 0);
    assert!(count(&cluster, "OldCoordinator") >= 3);
    let says = format!(
        "broker {old}, which was replaced as coordinator and does not know it: c1 is no member of group billing"
    );
    let told = story(&cluster, "OldCoordinator");
    assert!(told.iter().any(|line| line.contains(&says)), "{told:#?}");
}

#[test]
fn more_partitions_break_the_order_of_keys() {
    use highwater::sim::partitioner::partition_for_key;
    let home = |partitions| partition_for_key(b"key-0", partitions);
    let old = home(2);
    let size = (3..9).find(|size| home(*size) != old).unwrap();
    let new = home(size);
    let spec = billing(2, 100, "", &["name: c1"])
        .replace("uniform: 1000", "hot: 90")
        .replace("keys:", "settings: {metadata.max.age.ms: 5s}, keys:");
    let mut cluster = start(&spec);
    let command = format!("add partitions orders to {size}");
    run(&mut cluster, &[(30.0, &command)], 40.0);
    let before = number(&cluster, &format!("log end orders-{old}"));
    run(&mut cluster, &[], 60.0);
    let grown = number(&cluster, &format!("log end orders-{old}")) - before;
    assert!(grown < 200, "the hot key goes elsewhere: {grown}");
    assert!(number(&cluster, &format!("log end orders-{new}")) > 1_500);
}

#[test]
fn the_groups_leader_notices_new_partitions() {
    let spec = billing(
        2,
        100,
        "metadata.max.age.ms: 10s",
        &["name: c1", "name: c2"],
    );
    let mut cluster = start(&spec);
    run(&mut cluster, &[(30.0, "add partitions orders to 4")], 60.0);
    holds(&cluster, "generation billing = 2");
    assert_eq!(sizes(&cluster), [2, 2]);
}

#[test]
fn one_log_is_gone_and_the_position_is_out_of_range() {
    // The group's offset was set by hand, so it carries no epoch; the topic's only replica then loses its machine.
    let of = |policy: &str| {
        let spec = format!(
            "
brokers: 4
disk: {{flush: 1h}}
topics: [{{name: orders, assignments: [[4]]}}]
producers: [{{name: shop, topic: orders, rate: 100}}]
groups:
  - name: billing
    topics: [orders]
    settings: {{auto.offset.reset: {policy}}}
    members: [{{name: c0}}, {{name: c1, stopped: true}}]
"
        );
        let script = [
            (10.0, "stop consumer c0"),
            (20.0, "reset offsets billing to 1500"),
            (21.0, "crash broker 4 losing page cache"),
            (22.0, "rate of producer shop 10"),
            (35.0, "restart broker 4"),
            (40.0, "start consumer c1"),
        ];
        play(&spec, &script, 60.0)
    };
    let cluster = of("earliest");
    let told: Vec<String> = story(&cluster, "OffsetReset")
        .into_iter()
        .filter(|event| event.contains("consumer c1"))
        .collect();
    assert!(
        told[0].contains("its position 1500 is outside the log") && told[0].contains("at offset 0"),
        "{told:?}"
    );
    let cluster = of("latest");
    let told: Vec<String> = story(&cluster, "OffsetReset")
        .into_iter()
        .filter(|event| event.contains("consumer c1"))
        .collect();
    assert!(
        told[0].contains("its position 1500 is outside the log")
            && !told[0].contains("at offset 0"),
        "{told:?}"
    );
    let cluster = of("none");
    let failed = story(&cluster, "ResetFailed");
    assert!(
        failed.iter().any(|event| event.contains("consumer c1")),
        "{failed:?}"
    );
    holds(&cluster, "processed c1 = 0");
}

#[test]
fn without_a_commit_the_reset_policy_decides_where_to_begin() {
    let of = |policy: &str| {
        let members = ["name: c1, start: 30s"];
        let spec =
            billing(1, 100, "", &members).replace("reset: earliest", &format!("reset: {policy}"));
        play(&spec, &[(40.0, "stop producer shop")], 50.0)
    };
    let cluster = of("earliest");
    assert_eq!(
        number(&cluster, "processed c1"),
        number(&cluster, "acknowledged shop")
    );
    let cluster = of("latest");
    assert!((500..=1000).contains(&number(&cluster, "processed c1")));
    let cluster = of("none");
    holds(&cluster, "processed c1 = 0 and events ResetFailed = 1");
}

#[test]
fn a_frozen_member_is_dropped_by_its_session_and_its_commit_refused() {
    let members = [
        "name: c1, commit: after-processing",
        "name: c2, commit: after-processing",
    ];
    let mut cluster = start(&billing(2, 100, "session.timeout.ms: 10000", &members));
    run(
        &mut cluster,
        &[(30.0, "pause consumer c1"), (60.0, "resume consumer c1")],
        59.0,
    );
    run(&mut cluster, &[], 90.0);
    assert!(
        story(&cluster, "MemberGone")
            .iter()
            .any(|event| event.contains("session.timeout.ms = 10000"))
    );
    holds(&cluster, "generation billing = 3");
    assert_eq!(sizes(&cluster), [1, 1]);
}

#[test]
fn a_frozen_consumer_does_no_work_meanwhile() {
    // each batch of 400 takes 40 s
    let members = ["name: c1, commit: after-processing, processing: 100ms"];
    let mut straight = start(&billing(1, 100, "max.poll.records: 400", &members));
    run(&mut straight, &[], 60.0);
    let (mut cluster, before) = (straight.clone(), finished(&straight));
    run(&mut straight, &[], 90.0);
    let after = finished(&straight);
    assert!(after > before);
    let frozen = [(60.0, "pause consumer c1"), (100.0, "resume consumer c1")];
    run(&mut cluster, &frozen, 110.0);
    assert_eq!(finished(&cluster), before);
    run(&mut cluster, &[], 130.0);
    assert_eq!(finished(&cluster), after);

    // one that is killed while it stands still has done no more than before
    let mut killed = straight.clone();
    run(&mut killed, &[(90.0, "kill consumer c1")], 91.0);
    let frozen = [(90.0, "pause consumer c1"), (120.0, "kill consumer c1")];
    run(&mut straight, &frozen, 121.0);
    assert_eq!(finished(&straight), finished(&killed));
}

#[test]
fn a_consumer_reads_from_the_replica_in_its_rack() {
    let of = |aware: bool| {
        let spec = format!(
            "
settings: {{replica.selector.rack.aware: {aware}}}
racks: {{\"1\": a, \"2\": b, \"3\": c}}
topics: [{{name: orders, assignments: [[1, 2, 3]]}}]
producers: [{{name: shop, topic: orders, rate: 100}}]
groups:
  - name: billing
    topics: [orders]
    settings: {{auto.offset.reset: earliest}}
    members: [{{name: c1, rack: b}}]
"
        );
        let mut cluster = start(&spec);
        // It needs the leader to learn of the nearer replica, and no more.
        run(
            &mut cluster,
            &[(20.0, "cut consumer c1 <-> broker 1")],
            40.0,
        );
        (
            number(&cluster, "position c1 orders-0"),
            number(&cluster, "high watermark orders-0"),
        )
    };
    let (read, end) = of(true);
    assert!(read > end - 150, "{read} of {end}");
    let (read, end) = of(false);
    assert!(read < end - 1_500, "{read} of {end}");
}

#[test]
fn a_snapshot_runs_on_like_the_original() {
    let text = |cluster: &Cluster| story(cluster, "").join("\n");
    let spec = billing(4, 100, "", &["name: c1, failure_rate: 0.01", "name: c2"]);
    let mut straight = start(&spec);
    run(&mut straight, &[], 20.0);
    let mut snapshot = straight.clone();
    for cluster in [&mut straight, &mut snapshot] {
        run(cluster, &[(21.0, "kill consumer c2")], 80.0);
    }
    assert_eq!(text(&straight), text(&snapshot));
    assert_eq!(
        text(&straight),
        text(&play(&spec, &[(21.0, "kill consumer c2")], 80.0))
    );
}

/// Records of 1000 bytes for a consumer of these settings.
fn large(limit: &str, settings: &str, member: &str) -> String {
    format!(
        "
topics:
  - {{name: orders, assignments: [[1, 2], [1, 2]]}}
producers:
  - {{name: shop, topic: orders, rate: 200, record_size: 1000, keys: {{uniform: 100}}, {limit}}}
groups:
  - name: billing
    topics: [orders]
    settings: {{auto.offset.reset: earliest, {settings}}}
    members:
      - {{name: c1, {member}}}
"
    )
}

#[test]
fn a_fetch_waits_for_its_minimum_of_bytes_and_no_longer() {
    // Source: `DelayedFetch.tryComplete`: what all batches together hold counts.
    let settings = "fetch.min.bytes: 40000, fetch.max.wait.ms: 10s";
    let yaml = large("start: 0s", settings, "commit: after-processing");
    let mut cluster = start(&yaml);
    for step in 0..20 {
        // 200 records a second are 40 000 bytes in 0.2 s.
        run(&mut cluster, &[], 20.0 + 0.7 * f64::from(step));
        holds(&cluster, "lag billing < 100");
    }
}

#[test]
fn a_fetch_brings_no_more_than_its_maximum_of_bytes() {
    // Source: `ReplicaManager.readFromLog`, `FetchSession`: the limit of the whole answer, and whose turn it is next.
    let member = "processing: 100ms, commit: never, stopped: true";
    let yaml = large("limit: 4000", "fetch.max.bytes: 20000", member);
    let mut cluster = start(&yaml);
    run(&mut cluster, &[(30.0, "start consumer c1")], 35.0);
    let first = story(&cluster, "OffsetReset").len();
    assert_eq!(first, 2);
    run(&mut cluster, &[(35.0, "kill consumer c1")], 36.0);
    let killed = story(&cluster, "ConsumerKilled").join(" ");
    let held: u32 = killed
        .split(' ')
        .find_map(|word| word.parse().ok())
        .unwrap_or(0);
    assert!((1..=20).contains(&held), "{killed}");
    // One partition after the other has its turn.
    let mut cluster = start(&yaml.replace("100ms", "1ms"));
    run(&mut cluster, &[(30.0, "start consumer c1")], 35.0);
    let member = &cluster.consumers()[0].consumer;
    let at: Vec<u64> = member
        .assignment()
        .map(|id| member.position(id).unwrap_or(0))
        .collect();
    assert!(at.iter().all(|at| *at > 300), "{at:?}");
}
