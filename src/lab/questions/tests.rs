//! Ten thousand seeds of every family: one right answer, distinct choices, and the answer worked out
//! a second time by other means.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    consuming::{Aftermath, Behind, Commit, Crash, Reading, twice_and_never},
    groups::Change,
    producer::{Keyed, Sequenced, Write},
    replication::{Failover, Histories, Logs, Vacancy},
    *,
};
use crate::sim::{
    cluster::Cluster,
    settings::Written,
    spec::{CommitMode, ConsumerSpec, GroupSpec, Keys, ProducerSpec, Spec, TopicSpec},
    time::Time,
};

const SEEDS: u64 = 10_000;

/// Runs `check` on what was drawn for each seed and on the question that came of it.
fn each<P>(id: &str, draw: fn(&mut Dice) -> P, check: impl Fn(P, &Generated, &str)) {
    let family = family(id).unwrap();
    for seed in 0..SEEDS {
        let made = family
            .make(seed)
            .unwrap_or_else(|| panic!("{id}: no question for seed {seed}"));
        assert_eq!(Some(&made), family.make(seed).as_ref());
        let Answer::Choose { choices } = &made.check.answer else {
            panic!("{id}: a question to choose from");
        };
        let texts: BTreeSet<&str> = choices.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts.len(), choices.len(), "{id} {seed}: {texts:?}");
        assert!(
            (CHOICES_MIN..=CHOICES_MAX).contains(&choices.len()),
            "{id} {seed}"
        );
        assert!(
            choices
                .iter()
                .all(|c| !c.why.is_empty() && !c.text.is_empty())
        );
        let right: Vec<_> = choices.iter().filter(|c| c.right).collect();
        assert_eq!(right.len(), 1, "{id} {seed}");
        // The draw that the question came of is the first one that makes a question.
        let mut dice = Dice::new(id, seed);
        let params = loop {
            let params = draw(&mut dice.clone());
            if (family.draft)(&mut dice).finish().is_some() {
                break params;
            }
        };
        check(params, &made, &right[0].text);
    }
}

/// The rows of the last table of a text: first cell to second.
fn last_table(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let table = text.rsplit("|---|---|\n").next().unwrap();
    table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let member = cells.next().unwrap().trim_matches('`').to_owned();
            let owned = cells.next().unwrap();
            let names = owned.split(", ").filter(|name| *name != "nothing");
            (member, names.map(str::to_owned).collect())
        })
        .collect()
}

fn all_partitions(change: &Change) -> Vec<(String, u32, String)> {
    let mut all = Vec::new();
    for (topic, count) in &change.counts {
        all.extend((0..*count).map(|p| (topic.to_string(), p, format!("{topic}-{p}"))));
    }
    all
}

fn joined(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().collect();
    if names.is_empty() {
        "nothing".into()
    } else {
        names.join(", ")
    }
}

#[test]
fn range_cuts_each_topic_into_runs() {
    each("assign-range", Change::draw, |change, _, right| {
        let place = change
            .after
            .iter()
            .position(|m| *m == change.asked)
            .unwrap() as u32;
        let members = change.after.len() as u32;
        let mine = all_partitions(&change)
            .into_iter()
            .filter(|(topic, partition, _)| {
                let count = change.counts[topic.as_str()];
                let (each, extra) = (count / members, count % members);
                let start = place * each + place.min(extra);
                let len = each + u32::from(place < extra);
                (start..start + len).contains(partition)
            });
        assert_eq!(right, joined(mine.map(|(_, _, name)| name)));
    });
}

#[test]
fn round_robin_deals_in_turn() {
    each("assign-roundrobin", Change::draw, |change, _, right| {
        let place = change
            .after
            .iter()
            .position(|m| *m == change.asked)
            .unwrap();
        let all = all_partitions(&change).into_iter().enumerate();
        let mine = all.filter(|(turn, _)| turn % change.after.len() == place);
        assert_eq!(right, joined(mine.map(|(_, (_, _, name))| name)));
    });
}

/// Complete, each partition once, balanced to within one.
fn assert_fair(change: &Change, table: &BTreeMap<String, BTreeSet<String>>) {
    let sizes: Vec<usize> = table.values().map(BTreeSet::len).collect();
    assert!(
        sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1,
        "{table:?}"
    );
    let all: BTreeSet<String> = all_partitions(change)
        .into_iter()
        .map(|(_, _, n)| n)
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), all.len());
    assert_eq!(
        table.values().flatten().cloned().collect::<BTreeSet<_>>(),
        all
    );
}

/// No more partitions change hands than balance demands: everybody keeps what fits under the quota.
fn assert_kept(
    before: &BTreeMap<String, BTreeSet<String>>,
    after: &BTreeMap<String, BTreeSet<String>>,
) {
    let all: usize = after.values().map(BTreeSet::len).sum();
    let (floor, extra) = (all / after.len(), all % after.len());
    let kept: usize = after
        .iter()
        .map(|(member, owned)| {
            before
                .get(member)
                .map_or(0, |was| owned.intersection(was).count())
        })
        .sum();
    let over = before
        .iter()
        .filter(|(member, _)| after.contains_key(*member))
        .map(|(_, owned)| owned.len());
    let sizes: Vec<usize> = over.collect();
    let above = sizes
        .iter()
        .filter(|size| **size > floor)
        .count()
        .min(extra);
    let possible: usize = sizes.iter().map(|size| (*size).min(floor)).sum::<usize>() + above;
    assert_eq!(kept, possible, "{before:?} -> {after:?}");
}

#[test]
fn sticky_balances_and_keeps() {
    each("assign-sticky", Change::draw, |change, made, right| {
        let before = last_table(&made.check.ask);
        let after = last_table(&made.background);
        assert_fair(&change, &after);
        assert_kept(&before, &after);
        let mine = all_partitions(&change)
            .into_iter()
            .filter(|(_, _, name)| after[&*change.asked].contains(name));
        assert_eq!(right, joined(mine.map(|(_, _, name)| name)));
    });
}

#[test]
fn cooperative_withholds_what_moves_in_the_first_round() {
    each("assign-cooperative", Change::draw, |change, made, right| {
        let before = last_table(&made.check.ask);
        let settled = last_table(&made.background);
        assert_fair(&change, &settled);
        assert_kept(&before, &settled);
        let asked = made
            .check
            .ask
            .rsplit("assign to `")
            .next()
            .unwrap()
            .trim_end_matches("`?");
        let owned_by_others: BTreeSet<&String> = before
            .iter()
            .filter(|(member, _)| {
                *member != asked && change.after.iter().any(|m| &**m == member.as_str())
            })
            .flat_map(|(_, owned)| owned)
            .collect();
        let first = all_partitions(&change).into_iter().filter(|(_, _, name)| {
            settled[asked].contains(name) && !owned_by_others.contains(name)
        });
        assert_eq!(right, joined(first.map(|(_, _, name)| name)));
    });
}

#[test]
fn a_key_lands_where_the_hash_printed_says() {
    each("key-partition", Keyed::draw, |keyed, made, right| {
        let text = made.check.ask.split("that is ").nth(1).unwrap();
        let positive: u64 = text.split(['.', ' ']).next().unwrap().parse().unwrap();
        let printed = made.check.ask.split(" = ").nth(1).unwrap();
        let hash: i64 = printed.split(';').next().unwrap().parse().unwrap();
        // Clearing the sign bit of a negative number adds 2^31.
        assert_eq!(
            positive as i64,
            if hash < 0 { hash + (1 << 31) } else { hash }
        );
        let now = u64::from(keyed.enlarged.unwrap_or(keyed.partitions));
        assert_eq!(right, (positive % now).to_string());
    });
}

#[test]
fn what_the_producer_sees_follows_from_acks_and_the_minimum() {
    each("produce-outcome", Write::draw, |write, made, right| {
        let minimum = write.min_insync.min(write.replicas);
        let below = write.in_sync < minimum;
        let expected = match (write.acks, below) {
            (-1, true) => "`NOT_ENOUGH_REPLICAS`",
            (-1, false) => "success once the",
            (1, true) => "success from the leader, but consumers",
            (1, false) => "success as soon as",
            _ => "nothing:",
        };
        assert!(right.starts_with(expected), "{write:?}: {right}");
        let Answer::Choose { choices } = &made.check.answer else {
            unreachable!()
        };
        if write.acks == -1 && !below && write.in_sync == 1 {
            assert!(
                choices
                    .iter()
                    .all(|c| !c.text.starts_with("success as soon")),
                "{write:?}"
            );
        }
        if write.in_sync == write.replicas {
            assert!(
                choices.iter().all(|c| !c.text.contains("once all ")),
                "{write:?}"
            );
        }
    });
}

#[test]
fn a_batch_is_appended_known_or_refused() {
    each("sequence", Sequenced::draw, |sequenced, _, right| {
        let recent: Vec<_> = sequenced.appended.iter().rev().take(5).collect();
        let next = sequenced.appended.last().unwrap().1 + 1;
        let expected = if !sequenced.known {
            "appended, and"
        } else if recent.contains(&&sequenced.arrives) {
            "not appended again"
        } else if sequenced.arrives.0 == next {
            "appended, and"
        } else {
            "refused"
        };
        assert!(right.starts_with(expected), "{sequenced:?}: {right}");
    });
}

#[test]
fn the_first_live_replica_in_sync_leads() {
    each("leader-election", Vacancy::draw, |vacancy, _, right| {
        let alive = |id: &u32| *id != vacancy.leader && !vacancy.down.contains(id);
        let clean = vacancy
            .replicas
            .iter()
            .find(|id| alive(id) && vacancy.isr.contains(id));
        let any = vacancy
            .replicas
            .iter()
            .find(|id| alive(id))
            .filter(|_| vacancy.unclean);
        let expected = clean
            .or(any)
            .map_or("nobody: the partition is offline".into(), |id| {
                format!("broker {id}")
            });
        assert_eq!(right, expected, "{vacancy:?}");
    });
}

#[test]
fn the_high_watermark_is_the_smallest_log_end_in_sync() {
    each("high-watermark", Logs::draw, |logs, _, right| {
        let in_sync = logs.log_ends.iter().filter(|(id, _)| logs.isr.contains(id));
        let smallest = in_sync.map(|(_, end)| *end).min().unwrap();
        let minimum = (logs.min_insync as usize).min(logs.log_ends.len());
        let expected = if logs.isr.len() < minimum {
            logs.was
        } else {
            smallest
        };
        assert_eq!(right, expected.to_string(), "{logs:?}");
    });
}

#[test]
fn only_what_was_acknowledged_and_not_copied_is_lost() {
    each("failover-loss", Failover::draw, |failover, _, right| {
        let acknowledged = if failover.acks_all {
            failover.high_watermark
        } else {
            failover.old_end
        };
        let lost: Vec<u64> = (0..acknowledged)
            .filter(|offset| *offset >= failover.new_end)
            .collect();
        let expected = match &lost[..] {
            [] => "none".into(),
            [one] => format!("offset {one}"),
            [first, .., last] => format!("offsets {first} to {last}"),
        };
        assert_eq!(right, expected, "{failover:?}");
    });
}

#[test]
fn logs_are_cut_where_they_part() {
    each("truncation", Histories::draw, |histories, _, right| {
        let epochs = |entries: &[(i32, u64)], end: u64| -> Vec<i32> {
            (0..end)
                .map(|offset| {
                    entries
                        .iter()
                        .rev()
                        .find(|(_, start)| *start <= offset)
                        .unwrap()
                        .0
                })
                .collect()
        };
        let follower = epochs(&histories.follower, histories.follower_end);
        let leader = epochs(&histories.leader, histories.leader_end);
        let common = follower
            .iter()
            .zip(&leader)
            .take_while(|(a, b)| a == b)
            .count();
        assert_eq!(right, common.to_string(), "{histories:?}");
    });
}

#[test]
fn lag_counts_what_can_be_read_and_is_not_committed() {
    each("consumer-lag", Behind::draw, |behind, made, right| {
        // Records between two offsets, counted one by one.
        let between = |from: u64, to: u64| (from..to).count() as u64;
        let by_commit: Vec<Option<u64>> = behind
            .partitions
            .iter()
            .map(|at| Some(between(at.committed?, at.high_watermark)))
            .collect();
        let expected = match behind.reading {
            Reading::Column(place) => {
                by_commit[place].map_or("`-`: it is unknown".into(), |lag| lag.to_string())
            }
            Reading::Metric(place) => {
                let at = behind.partitions[place];
                between(at.position, at.high_watermark).to_string()
            }
            Reading::Total => by_commit.iter().flatten().sum::<u64>().to_string(),
        };
        assert_eq!(right, expected, "{behind:?}");
        for (number, at) in behind.partitions.iter().enumerate() {
            let row = format!(
                "| orders-{number} | {}",
                at.committed.map_or("none".into(), |n| n.to_string())
            );
            assert!(made.check.ask.contains(&row), "{}", made.check.ask);
        }
    });
}

/// How often each record from the first one on is processed, counted one by one; where the successor begins.
fn counted(crash: &Crash) -> (u64, Vec<u32>) {
    let end = crash.start + (crash.polls + 1) * crash.per_poll;
    let finished = crash.start + crash.polls * crash.per_poll + crash.finished;
    let begins = match crash.commit {
        Commit::After => crash.start + crash.polls * crash.per_poll,
        Commit::Before => end,
        Commit::Auto { during, .. } => crash.start + during * crash.per_poll,
    };
    let times = |offset| u32::from(offset < finished) + u32::from(offset >= begins);
    (begins, (crash.start..end).map(times).collect())
}

#[test]
fn after_a_crash_the_work_begins_at_the_commit() {
    each("crash-reread", Crash::draw, |crash, _, right| {
        let (begins, times) = counted(&crash);
        let words = |wanted: u32| {
            let offsets: Vec<u64> = (crash.start..)
                .zip(&times)
                .filter(|(_, times)| **times == wanted)
                .map(|(offset, _)| offset)
                .collect();
            match &offsets[..] {
                [] => "none".into(),
                [one] => one.to_string(),
                [first, .., last] => {
                    assert_eq!(last - first + 1, offsets.len() as u64, "{crash:?}");
                    format!("{first} to {last}")
                }
            }
        };
        let expected = if crash.where_to {
            begins.to_string()
        } else {
            format!("twice: {}; never: {}", words(2), words(0))
        };
        assert_eq!(right, expected, "{crash:?}");
    });
}

#[test]
fn a_crash_in_the_simulated_cluster_ends_as_the_question_says() {
    for seed in 0..9 {
        let mut crash = Crash::draw(&mut Dice::new("crash-reread", seed));
        (crash.start, crash.per_poll) = (0, 20);
        crash.finished %= 20;
        crash.commit = [
            Commit::After,
            Commit::Before,
            Commit::Auto {
                during: 0,
                again: false,
            },
        ][seed as usize % 3];
        let seen = played(&mut crash);
        assert_eq!(
            seen,
            crash.aftermath(),
            "{crash:?}: {}",
            twice_and_never(seen)
        );
    }
}

/// Plays a crash in a cluster: one partition, a consumer that takes a tenth of a second for a record and is
/// killed, and its successor. For auto-commit, notes which poll made the last commit.
fn played(crash: &mut Crash) -> Aftermath {
    let each = Time::millis(100);
    let mut cluster = Cluster::new(&crash_spec(crash.commit, each), 7).unwrap();
    let partition = cluster.partition("orders", 0).unwrap().id;
    let finished = |cluster: &Cluster| cluster.consumers()[0].consumer.finished();
    while finished(&cluster) < crash.polls * crash.per_poll {
        cluster.step().unwrap();
    }
    let middle = Time(each.0 * crash.finished + each.0 / 2);
    cluster.run_until(cluster.now() + middle);
    cluster.apply("kill consumer c1".parse().unwrap()).unwrap();
    cluster.run_until(cluster.now() + Time::millis(50));
    let committed = cluster.committed("g", partition).unwrap_or(0);
    if let Commit::Auto { during, .. } = &mut crash.commit {
        *during = committed / crash.per_poll;
        assert_eq!(committed % crash.per_poll, 0);
    }
    let never = cluster.skipped("g");
    cluster.apply("start consumer c2".parse().unwrap()).unwrap();
    cluster.run_until(cluster.now() + Time::secs(120));
    Aftermath {
        committed,
        twice: cluster.groups()[0].progress.reprocessed(),
        never,
    }
}

fn crash_spec(commit: Commit, each: Time) -> Spec {
    let written = |pairs: &[(&str, &str)]| {
        let pair =
            |(name, value): &(&str, &str)| ((*name).to_owned(), Written((*value).to_owned()));
        pairs.iter().map(pair).collect()
    };
    let member = |name: &str, stopped| ConsumerSpec {
        name: name.into(),
        processing: each,
        commit: match commit {
            Commit::After => CommitMode::AfterProcessing,
            Commit::Before => CommitMode::BeforeProcessing,
            Commit::Auto { .. } => CommitMode::Auto,
        },
        start: Time::secs(5),
        stopped,
        settings: written(&[
            ("auto.offset.reset", "earliest"),
            ("max.poll.records", "20"),
        ]),
        ..ConsumerSpec::default()
    };
    Spec {
        topics: vec![TopicSpec {
            name: "orders".into(),
            partitions: Some(1),
            replication: Some(3),
            assignments: Vec::new(),
            settings: written(&[]),
        }],
        producers: vec![ProducerSpec {
            name: "app".into(),
            topic: "orders".into(),
            rate: 1000.0,
            record_size: 100,
            keys: Keys::None,
            partition: None,
            start: Time::ZERO,
            limit: Some(400),
            settings: written(&[]),
        }],
        groups: vec![GroupSpec {
            name: "g".into(),
            topics: vec!["orders".into()],
            settings: written(&[]),
            members: vec![member("c1", false), member("c2", true)],
        }],
        ..Spec::default()
    }
}

#[test]
fn every_family_has_a_test_of_its_own_and_a_name_of_its_own() {
    let ids: BTreeSet<&str> = FAMILIES.iter().map(|family| family.id).collect();
    assert_eq!(ids.len(), FAMILIES.len());
    assert!(FAMILIES.len() >= 8);
    let tests = include_str!("tests.rs");
    for id in ids {
        assert!(tests.contains(&format!("each(\"{id}\"")), "{id}");
    }
}
