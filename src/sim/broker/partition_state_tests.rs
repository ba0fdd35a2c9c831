//! Rules of the leader's view, case by case.

use super::*;

const CONFIG: IsrConfig = IsrConfig {
    min_insync_replicas: 1,
    replica_lag_time_max: 30_000_000,
};

fn brokers() -> BTreeMap<BrokerId, BrokerView> {
    (0..4)
        .map(|id| {
            (
                id,
                BrokerView {
                    fenced: false,
                    in_controlled_shutdown: false,
                    epoch: 1,
                },
            )
        })
        .collect()
}

fn leader(replicas: &[BrokerId], isr: &[BrokerId], log_end: Offset) -> LeaderPartition {
    LeaderPartition::new(
        LeaderStart {
            local: 0,
            replicas: replicas.to_vec(),
            isr: isr.to_vec(),
            leader_epoch: 5,
            partition_epoch: 1,
        },
        log_end,
        0,
        0,
    )
}

fn at(log_end: Offset, now: Micros) -> LeaderMoment {
    LeaderMoment { log_end, now }
}

fn fetch(
    partition: &mut LeaderPartition,
    id: BrokerId,
    offset: Offset,
    moment: LeaderMoment,
) -> Outcome {
    partition
        .follower_fetch(id, offset, 1, moment, &brokers(), &CONFIG)
        .unwrap()
}

fn committed(isr: &[BrokerId], partition_epoch: PartitionEpoch) -> CommittedIsr {
    CommittedIsr {
        leader_epoch: 5,
        partition_epoch,
        isr: isr.to_vec(),
    }
}

#[test]
fn the_high_watermark_waits_for_a_joiner_before_the_controller_answers() {
    let mut partition = leader(&[0, 1, 2], &[0, 1], 10);
    fetch(&mut partition, 1, 10, at(10, 0));
    assert_eq!(partition.high_watermark(), 10);
    let outcome = fetch(&mut partition, 2, 10, at(12, 1));
    let request = outcome.alter.unwrap();
    assert_eq!(request.members(), [0, 1, 2]);
    assert_eq!(partition.isr(), [0, 1]);
    assert_eq!(partition.maximal_isr(), [0, 1, 2]);
    fetch(&mut partition, 1, 12, at(12, 2));
    assert_eq!(partition.high_watermark(), 10, "2 is in the maximal set");
    let answer = partition.alter_answered(
        request.id,
        Ok(committed(&[0, 1, 2], 2)),
        at(12, 3),
        &brokers(),
        &CONFIG,
    );
    assert_eq!(answer, AnswerOutcome::Committed(None));
    assert_eq!(
        fetch(&mut partition, 2, 12, at(12, 4))
            .high_watermark
            .unwrap()
            .to,
        12
    );
}

#[test]
fn a_replica_that_never_fetched_is_not_caught_up_however_early_it_is() {
    let mut partition = leader(&[0, 1], &[0], 0);
    assert_eq!(
        partition.appended(3, 1, &brokers(), &CONFIG).unwrap().to,
        3,
        "alone in sync, the leader decides"
    );
}

#[test]
fn a_caught_up_outsider_holds_the_high_watermark_back() {
    let mut partition = leader(&[0, 1], &[0], 5);
    let request = fetch(&mut partition, 1, 5, at(5, 0)).alter.unwrap();
    let answer = partition.alter_answered(
        request.id,
        Err(ErrorCode::IneligibleReplica),
        at(5, 1),
        &brokers(),
        &CONFIG,
    );
    assert_eq!(answer, AnswerOutcome::Reverted);
    assert_eq!(partition.maximal_isr(), [0]);
    partition.appended(9, 2, &brokers(), &CONFIG);
    assert_eq!(partition.high_watermark(), 5);
    partition.appended(9, 31_000_000, &brokers(), &CONFIG);
    assert_eq!(partition.high_watermark(), 9);
}

#[test]
fn under_the_minimum_the_high_watermark_stands_still() {
    let strict = IsrConfig {
        min_insync_replicas: 2,
        ..CONFIG
    };
    let mut partition = leader(&[0, 1, 2], &[0], 5);
    assert_eq!(partition.appended(8, 0, &brokers(), &strict), None);
    assert_eq!(
        partition.check_before_append_all(&strict),
        Err(ErrorCode::NotEnoughReplicas)
    );
    let alone = leader(&[0], &[0], 5);
    assert_eq!(alone.effective_min_isr(&strict), 1);
}

#[test]
fn a_stalled_follower_leaves_after_the_lag_time_but_an_idle_one_stays() {
    let mut partition = leader(&[0, 1, 2], &[0, 1, 2], 10);
    fetch(&mut partition, 1, 10, at(10, 0));
    assert_eq!(partition.shrink_check(10, 30_000_000, &CONFIG), None);
    let request = partition.shrink_check(10, 30_000_001, &CONFIG).unwrap();
    assert_eq!(request.members(), [0, 1]);
    assert_eq!(partition.maximal_isr(), [0, 1, 2]);
    assert_eq!(
        partition.shrink_check(10, 60_000_000, &CONFIG),
        None,
        "one change at a time"
    );
}

#[test]
fn a_follower_one_batch_behind_counts_from_its_previous_fetch() {
    let mut partition = leader(&[0, 1], &[0, 1], 10);
    fetch(&mut partition, 1, 5, at(10, 5_000_000));
    assert_eq!(partition.follower(1).unwrap().last_caught_up, Some(0));
    fetch(&mut partition, 1, 10, at(15, 10_000_000));
    assert_eq!(
        partition.follower(1).unwrap().last_caught_up,
        Some(5_000_000)
    );
}

#[test]
fn an_unusable_answer_keeps_the_proposal_pending_until_metadata_arrives() {
    let mut partition = leader(&[0, 1], &[0], 10);
    let request = fetch(&mut partition, 1, 10, at(10, 0)).alter.unwrap();
    let answer = partition.alter_answered(
        request.id,
        Err(ErrorCode::InvalidUpdateVersion),
        at(10, 1),
        &brokers(),
        &CONFIG,
    );
    assert_eq!(answer, AnswerOutcome::AwaitMetadata);
    assert_eq!(partition.maximal_isr(), [0, 1]);
    assert!(!partition.is_request_in_flight());
    assert!(partition.metadata_update(vec![0, 1], committed(&[0], 3), 2));
    assert_eq!(partition.maximal_isr(), [0]);
}

#[test]
fn an_overtaken_proposal_blocks_the_next_until_it_is_answered() {
    let mut partition = leader(&[0, 1], &[0, 1], 10);
    let request = partition.shrink_check(10, 30_000_001, &CONFIG).unwrap();
    assert!(partition.metadata_update(vec![0, 1], committed(&[0, 1], 2), 30_000_002));
    assert_eq!(partition.shrink_check(10, 60_000_002, &CONFIG), None);
    assert!(!partition.is_change_pending());
    let late = partition.alter_answered(
        request.id,
        Ok(committed(&[0], 10)),
        at(10, 60_000_003),
        &brokers(),
        &CONFIG,
    );
    assert_eq!(late, AnswerOutcome::Ignored);
    assert!(partition.shrink_check(10, 60_000_004, &CONFIG).is_some());
}

#[test]
fn other_errors_are_sent_again() {
    let mut partition = leader(&[0, 1], &[0], 10);
    let request = fetch(&mut partition, 1, 10, at(10, 0)).alter.unwrap();
    let answer = partition.alter_answered(
        request.id,
        Err(ErrorCode::NotController),
        at(10, 1),
        &brokers(),
        &CONFIG,
    );
    assert_eq!(answer, AnswerOutcome::Retry(request));
    assert!(partition.is_request_in_flight());
}

#[test]
fn a_fenced_or_stale_follower_does_not_join() {
    let mut directory = brokers();
    directory.get_mut(&1).unwrap().fenced = true;
    let mut partition = leader(&[0, 1], &[0], 10);
    let outcome = partition
        .follower_fetch(1, 10, 1, at(10, 0), &directory, &CONFIG)
        .unwrap();
    assert_eq!(outcome.alter, None);
    directory.get_mut(&1).unwrap().fenced = false;
    directory.get_mut(&1).unwrap().epoch = 2;
    let stale = partition
        .follower_fetch(1, 10, 1, at(10, 1), &directory, &CONFIG)
        .unwrap();
    assert_eq!(stale.alter, None);
    let fresh = partition
        .follower_fetch(1, 10, 2, at(10, 2), &directory, &CONFIG)
        .unwrap();
    assert!(fresh.alter.is_some());
    assert_eq!(
        partition.follower_fetch(1, 10, 1, at(10, 3), &directory, &CONFIG),
        Err(ErrorCode::NotLeaderOrFollower)
    );
}

#[test]
fn a_joiner_needs_the_start_of_this_epoch() {
    let mut partition = leader(&[0, 1, 2], &[0, 2], 5);
    assert_eq!(fetch(&mut partition, 1, 4, at(7, 0)).alter, None);
    assert!(fetch(&mut partition, 1, 5, at(7, 1)).alter.is_some());
}
