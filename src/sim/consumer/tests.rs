//! Groups of consumers against a coordinator: what the classic protocol
//! promises and where it hurts.

use super::testbed::Bed;
use super::*;
use crate::sim::group::lag::group_lag;
use crate::sim::group::state::GroupState;
use crate::sim::spec::OnFailure;

fn cooperative(config: &mut ConsumerConfig) {
    config.assignors = vec![Assignor::CooperativeSticky];
}

fn eager(config: &mut ConsumerConfig) {
    config.assignors = vec![Assignor::Range];
}

#[test]
fn the_first_members_wait_for_each_other_and_share() {
    let mut bed = Bed::new(4, 0, 10.0);
    bed.add("c1", |_| {});
    bed.run_until(Time::secs(2));
    bed.add("c2", |_| {});
    assert_eq!(bed.generation(), 0);
    bed.run_until(Time::millis(5_900));
    assert_eq!(bed.generation(), 0, "a newcomer extends the wait by 3 s");
    bed.run_until(Time::secs(8));
    assert_eq!((bed.generation(), bed.sizes()), (1, vec![2, 2]));
    assert_eq!(
        bed.coordinator.group("g").unwrap().state,
        GroupState::Stable
    );
    bed.run_until(Time::secs(30));
    assert_eq!(bed.generation(), 1, "nothing disturbs a quiet group");
    assert!(bed.committed(0).is_some_and(|offset| offset > 200));
}

#[test]
fn members_beyond_the_partitions_are_idle() {
    let mut bed = Bed::new(2, 0, 10.0);
    for name in ["c1", "c2", "c3"] {
        bed.add(name, |_| {});
    }
    bed.run_until(Time::secs(20));
    let mut sizes = bed.sizes();
    sizes.sort_unstable();
    assert_eq!(sizes, [0, 1, 1]);
}

#[test]
fn slow_work_ends_in_a_rebalance_storm() {
    let mut bed = Bed::new(2, 100_000, 0.0);
    for name in ["c1", "c2"] {
        bed.add(name, |config| {
            config.max_poll_interval = Time::secs(60);
            config.processing = Time::millis(200);
        });
    }
    bed.run_until(Time::secs(1200));
    // 500 records take 100 s: every member leaves before it polls again.
    assert!(bed.count(|event| matches!(event, GroupEvent::PollIntervalExceeded { .. })) >= 10);
    assert!(bed.generation() >= 10);
    assert!(
        bed.progress.reprocessed() >= 5_000,
        "{}",
        bed.progress.reprocessed()
    );
    // Fewer records a poll, and the same work is quiet.
    let mut calm = Bed::new(2, 100_000, 0.0);
    for name in ["c1", "c2"] {
        calm.add(name, |config| {
            config.max_poll_interval = Time::secs(60);
            config.max_poll_records = 100;
            config.processing = Time::millis(200);
        });
    }
    calm.run_until(Time::secs(1200));
    assert_eq!((calm.generation(), calm.progress.reprocessed()), (1, 0));
}

/// Kills and restarts c1 and returns generations, and how long partitions had
/// no owner meanwhile.
fn restart(instance: Option<&str>) -> (i32, Time) {
    let mut bed = Bed::new(4, 0, 10.0);
    let first = bed.add("c1", |config| {
        config.group_instance_id = instance.map(Arc::from);
    });
    bed.add("c2", |config| {
        config.group_instance_id = instance.map(|name| format!("{name}-2").into());
    });
    bed.run_until(Time::secs(20));
    let before = (bed.generation(), bed.progress.idle_partition_time(bed.now));
    bed.act(first, Consumer::kill);
    bed.run_until(Time::secs(25));
    bed.act(first, Consumer::start);
    bed.run_until(Time::secs(120));
    assert_eq!(bed.sizes(), [2, 2]);
    (
        bed.generation() - before.0,
        bed.progress.idle_partition_time(bed.now) - before.1,
    )
}

#[test]
fn a_static_member_restarts_without_a_rebalance() {
    let (rebalances, idle) = restart(Some("i"));
    assert_eq!(rebalances, 0);
    assert!(idle < Time::secs(12), "{}", idle.span());
    let (rebalances, idle_dynamic) = restart(None);
    assert!(
        rebalances >= 1,
        "a new member joins and waits for the end of the dead one's session"
    );
    assert!(
        idle_dynamic > idle,
        "{} against {}",
        idle_dynamic.span(),
        idle.span()
    );
}

#[test]
fn a_second_instance_fences_the_first() {
    let mut bed = Bed::new(2, 0, 10.0);
    let first = bed.add("c1", |config| {
        config.group_instance_id = Some("same".into());
    });
    bed.run_until(Time::secs(10));
    bed.add("c2", |config| {
        config.group_instance_id = Some("same".into());
    });
    bed.run_until(Time::secs(20));
    assert_eq!(bed.consumers[first].membership(), Membership::Failed);
    assert_eq!(bed.sizes(), [0, 2]);
    assert_eq!(bed.generation(), 1);
}

/// A third member joins a quick and a slow one; how long partitions were
/// without an owner. The slow one polls every 10 s, and a rebalance waits for
/// its poll. They commit by themselves: an auto-commit before each join would
/// keep a cooperative member for one more poll.
fn joining(change: fn(&mut ConsumerConfig)) -> Time {
    let mut bed = Bed::new(12, 1_000_000, 0.0);
    for (name, millis) in [("c1", 2), ("c2", 20)] {
        bed.add(name, |config| {
            change(config);
            config.commits = Commits::AfterProcessing;
            config.processing = Time::millis(millis);
        });
    }
    bed.run_until(Time::secs(30));
    let before = bed.progress.idle_partition_time(bed.now);
    bed.add("c3", |config| {
        change(config);
        config.processing = Time::millis(2);
    });
    bed.run_until(Time::secs(120));
    assert_eq!(bed.sizes(), [4, 4, 4]);
    bed.progress.idle_partition_time(bed.now) - before
}

#[test]
fn cooperative_rebalancing_stops_less_of_the_world() {
    let (all, moved) = (joining(eager), joining(cooperative));
    assert!(all > Time::ZERO && moved > Time::ZERO);
    assert!(
        moved.0 * 3 < all.0 * 2,
        "eager {}, cooperative {}",
        all.span(),
        moved.span()
    );
}

#[test]
fn commits_decide_between_loss_and_repetition() {
    let run = |commits| {
        let mut bed = Bed::new(1, 10_000, 0.0);
        let first = bed.add("c1", |config| {
            config.commits = commits;
            config.processing = Time::millis(10);
        });
        bed.run_until(Time::secs(11));
        bed.act(first, Consumer::kill);
        bed.add("c2", |config| config.commits = commits);
        bed.run_until(Time::secs(120));
        let lost = bed.progress.skipped_below(bed.partition(0), 0, 10_000);
        (lost, bed.progress.reprocessed())
    };
    let (lost, again) = run(Commits::BeforeProcessing);
    assert!(
        lost > 0 && again == 0,
        "at most once: {lost} lost, {again} again"
    );
    let (lost, again) = run(Commits::AfterProcessing);
    assert!(
        lost == 0 && again > 0,
        "at least once: {lost} lost, {again} again"
    );
    let (lost, again) = run(Commits::Auto {
        interval: Time::secs(5),
    });
    assert!(
        lost == 0 && again > 0,
        "auto-commit in the poll loop: {lost} lost, {again} again"
    );
}

#[test]
fn closing_in_the_middle_of_the_work_loses_it_with_auto_commit() {
    let mut bed = Bed::new(1, 10_000, 0.0);
    let first = bed.add("c1", |config| config.processing = Time::millis(10));
    bed.run_until(Time::secs(11));
    bed.act(first, Consumer::close);
    bed.run_until(Time::secs(12));
    let committed = bed.committed(0).unwrap();
    assert!(bed.progress.skipped_below(bed.partition(0), 0, committed) > 0);
    assert_eq!(bed.coordinator.group("g").unwrap().state, GroupState::Empty);
}

#[test]
fn a_new_coordinator_knows_commits_and_members() {
    let mut bed = Bed::new(4, 0, 20.0);
    for name in ["c1", "c2"] {
        bed.add(name, |config| config.commits = Commits::AfterProcessing);
    }
    bed.run_until(Time::secs(20));
    let before = bed.committed(0).unwrap();
    bed.fail_over();
    assert_eq!(bed.committed(0), Some(before));
    bed.run_until(Time::secs(60));
    assert_eq!(
        (bed.generation(), bed.sizes()),
        (1, vec![2, 2]),
        "no rebalance"
    );
    assert!(bed.committed(0).unwrap() > before);
    assert_eq!(bed.progress.reprocessed(), 0);
}

#[test]
fn lag_is_unknown_until_the_first_commit() {
    let mut bed = Bed::new(1, 500, 0.0);
    bed.add("c1", |config| {
        config.commits = Commits::Auto {
            interval: Time::secs(5),
        }
    });
    bed.run_until(Time::secs(4));
    assert_eq!(group_lag(bed.end(), bed.committed(0)), None);
    assert_eq!(
        bed.consumers[0].lag(bed.partition(0)),
        Some(0),
        "it has read everything"
    );
    bed.run_until(Time::secs(12));
    assert_eq!(group_lag(bed.end(), bed.committed(0)), Some(0));
}

#[test]
fn a_silent_member_is_dropped_when_its_session_ends() {
    let mut bed = Bed::new(2, 0, 10.0);
    let first = bed.add("c1", |_| {});
    bed.add("c2", |_| {});
    bed.run_until(Time::secs(20));
    bed.act(first, Consumer::kill);
    bed.run_until(Time::secs(55));
    assert_eq!(
        bed.sizes()[1],
        1,
        "its partition waits for the session to end"
    );
    bed.run_until(Time::secs(75));
    assert_eq!(bed.sizes(), [0, 2]);
}

#[test]
fn reset_policies_decide_where_a_group_without_commits_begins() {
    for (policy, position) in [
        (ResetPolicy::Earliest, Some(100)),
        (ResetPolicy::Latest, Some(500)),
        (ResetPolicy::None, None),
    ] {
        let mut bed = Bed::new(1, 500, 0.0);
        bed.log_start = 100;
        let which = bed.add("c1", |config| {
            config.auto_offset_reset = policy;
            config.processing = Time::secs(100);
        });
        bed.run_until(Time::secs(4));
        let start = bed.events.iter().find_map(|(_, event)| match event {
            GroupEvent::OffsetReset { to, .. } => Some(*to),
            _ => None,
        });
        assert_eq!(start, position, "{policy:?}");
        assert_eq!(
            bed.consumers[which].position(bed.partition(0)).is_none(),
            position.is_none()
        );
    }
}

#[test]
fn a_position_outside_the_log_is_reset() {
    let mut bed = Bed::new(1, 500, 0.0);
    let first = bed.add("c1", |config| config.commits = Commits::AfterProcessing);
    bed.run_until(Time::secs(5));
    assert_eq!(bed.committed(0), Some(500));
    bed.act(first, Consumer::close);
    (bed.log_start, bed.preloaded) = (600, 700);
    bed.run_until(Time::secs(6));
    bed.act(first, Consumer::start);
    bed.run_until(Time::secs(12));
    let why = bed.count(|event| {
        matches!(
            event,
            GroupEvent::OffsetReset {
                why: crate::sim::group::event::ResetReason::OutOfRange { position: 500 },
                to: 600,
                ..
            }
        )
    });
    assert_eq!(why, 1);
    assert_eq!(bed.committed(0), Some(700));
}

#[test]
fn a_paused_partition_stands_still_and_keeps_its_owner() {
    let mut bed = Bed::new(2, 0, 10.0);
    let which = bed.add("c1", |_| {});
    bed.run_until(Time::secs(10));
    let paused = bed.partition(0);
    bed.act(which, |consumer, env| {
        consumer.set_paused(paused, true, env);
    });
    bed.run_until(Time::secs(11));
    let before = bed.consumers[which].position(paused);
    bed.run_until(Time::secs(400));
    assert_eq!(bed.consumers[which].position(paused), before);
    assert_eq!((bed.generation(), bed.sizes()), (1, vec![2]));
    bed.act(which, |consumer, env| {
        consumer.set_paused(paused, false, env);
    });
    bed.run_until(Time::secs(402));
    assert!(bed.consumers[which].position(paused) > before);
}

#[test]
fn poison_blocks_is_skipped_or_sent_on() {
    let run = |on_failure: OnFailure| {
        let mut bed = Bed::new(1, 100, 0.0);
        bed.add("c1", |config| {
            config.poison_every = Some(40);
            config.on_failure = on_failure;
            config.commits = Commits::AfterProcessing;
        });
        bed.run_until(Time::secs(30));
        (bed.consumers[0].finished(), bed.committed(0), bed.produced)
    };
    assert_eq!(run(OnFailure::Retry), (40, None, 0));
    assert_eq!(run(OnFailure::Skip { attempts: 3 }), (98, Some(100), 0));
    let to = OnFailure::SendTo {
        attempts: 3,
        topic: "orders-dead".into(),
    };
    assert_eq!(run(to), (100, Some(100), 2));
}

#[test]
fn a_blocked_consumer_loses_its_partitions() {
    let mut bed = Bed::new(1, 100, 0.0);
    bed.add("c1", |config| config.poison_every = Some(40));
    bed.run_until(Time::secs(400));
    assert!(
        bed.count(|event| matches!(event, GroupEvent::PollIntervalExceeded { leaves: true, .. }))
            >= 1
    );
}

#[test]
fn random_failures_are_tried_again_in_order() {
    let mut bed = Bed::new(1, 1_000, 0.0);
    bed.add("c1", |config| {
        config.failure_rate = 0.3;
        config.processing = Time::millis(1);
    });
    bed.run_until(Time::secs(30));
    assert_eq!(
        (bed.consumers[0].finished(), bed.progress.reprocessed()),
        (1_000, 0)
    );
}

#[test]
fn runs_repeat_event_by_event() {
    let run = || {
        let mut bed = Bed::new(3, 0, 30.0);
        for name in ["c1", "c2"] {
            bed.add(name, |config| config.failure_rate = 0.01);
        }
        bed.run_until(Time::secs(20));
        bed.act(0, Consumer::kill);
        bed.run_until(Time::secs(100));
        bed.events
    };
    assert_eq!(run(), run());
}

/// How many heartbeats a consumer sends from now until `end`.
fn heartbeats(bed: &mut Bed, end: Time) -> u64 {
    let before = bed.heartbeats;
    bed.run_until(end);
    bed.heartbeats - before
}

#[test]
fn a_rebalance_does_not_speed_the_heartbeat_up() {
    // Source: `AbstractCoordinator.HeartbeatThread`: there is one, however often its member joins.
    let mut bed = Bed::new(6, 0, 10.0);
    bed.add("c1", cooperative);
    for (at, name) in [(10, "c2"), (11, "c3"), (12, "c4"), (13, "c5")] {
        bed.run_until(Time::secs(at));
        bed.add(name, cooperative);
    }
    bed.run_until(Time::secs(60));
    let sent = heartbeats(&mut bed, Time::secs(120));
    assert!((95..=105).contains(&sent), "5 members, 60 s, 3 s: {sent}");
}

#[test]
fn the_leader_assigns_topics_that_only_others_subscribe_to() {
    // Source: `ConsumerCoordinator.updateGroupSubscription`.
    let mut bed = Bed::new(2, 0, 10.0);
    bed.add("c1", |config| config.topics = vec!["orders-dead".into()]);
    bed.run_until(Time::secs(1));
    bed.add("c2", |_| {});
    bed.run_until(Time::secs(20));
    assert_eq!((bed.generation(), bed.sizes()), (1, vec![1, 2]));
}

#[test]
fn a_commit_before_joining_waits_for_the_coordinator_that_moved() {
    // Source: `ConsumerCoordinator.onJoinPrepare`: a commit that may yet succeed is tried again before it joins.
    let mut bed = Bed::new(2, 0, 100.0);
    bed.add("c1", |config| {
        eager(config);
        config.commits = Commits::Auto {
            interval: Time::secs(600),
        };
    });
    bed.run_until(Time::secs(60));
    bed.add("c2", eager);
    bed.run_until(Time::secs(61));
    bed.fail_over();
    bed.run_until(Time::secs(90));
    assert_eq!(bed.sizes(), [1, 1]);
    assert_eq!(bed.progress.reprocessed(), 0);
}

#[test]
fn an_auto_commit_that_failed_in_passing_is_tried_again_soon() {
    // Source: `ConsumerCoordinator.autoCommitOffsetsAsync`: after retry.backoff.ms, not after another interval.
    let mut bed = Bed::new(1, 0, 100.0);
    bed.add("c1", |_| {});
    bed.run_until(Time::secs(10));
    let old = bed.committed(0).unwrap();
    bed.fail_over();
    let due = bed.consumers[0].next_auto_commit;
    bed.run_until(due + Time::secs(1));
    assert!(bed.committed(0).unwrap() > old);
}

#[test]
fn positions_are_committed_again_though_nothing_came() {
    // Source: `SubscriptionState.allConsumed`: what a coordinator lost comes back with the next commit.
    let mut bed = Bed::new(1, 100, 0.0);
    bed.add("c1", |_| {});
    bed.run_until(Time::secs(12));
    assert_eq!(bed.committed(0), Some(100));
    bed.forget_commits();
    bed.run_until(Time::secs(13));
    bed.fail_over();
    bed.run_until(Time::secs(20));
    assert_eq!(bed.committed(0), Some(100));
}
