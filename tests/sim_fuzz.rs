//! Random clusters and random faults break no invariant, and every run plays again the same way.
//!
//! The quick run of every build; `highwater sim fuzz --seeds 1000000` is the same with more seeds.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions that clippy knows as tests"
)]

use highwater::sim::cluster::Cluster;
use highwater::sim::command::Command;
use highwater::sim::event::EventId;
use highwater::sim::fuzz::Case;
use highwater::sim::time::Time;
use proptest::prelude::*;
use xxhash_rust::xxh3::Xxh3;

/// Seeds of the quick run.
const SEEDS: u64 = 60;

#[test]
fn random_faults_break_no_invariant() {
    for seed in 0..SEEDS {
        let case = Case::new(seed);
        let (_, report) = case.play().unwrap();
        assert_eq!(report.broken, [], "{case}");
    }
}

/// One number for everything that happened and was said.
fn hash(cluster: &Cluster) -> u64 {
    let mut hash = Xxh3::new();
    for event in cluster.events_since(EventId(0)) {
        hash.update(&event.time.0.to_le_bytes());
        hash.update(&event.cause.map_or(0, |cause| cause.0 + 1).to_le_bytes());
        hash.update(event.to_string().as_bytes());
        hash.update(b"\n");
    }
    hash.digest()
}

/// Plays commands that were written down as lines.
fn play_lines(case: &Case, lines: &[(Time, String)]) -> Cluster {
    let mut cluster = Cluster::new(&case.spec, case.seed).unwrap();
    for (at, line) in lines {
        cluster.run_until(*at);
        let command: Command = line.parse().unwrap();
        let _ = cluster.apply(command);
    }
    cluster.run_until(case.mended);
    cluster
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_and_its_replay_give_the_same_events(seed in any::<u64>(), share in 0.0..1.0_f64) {
        let case = Case::new(seed);
        let moment = Time((case.mended.0 as f64 * share) as u64);
        prop_assert_eq!(case.play_twice(moment).unwrap(), None, "{}", case);
    }

    #[test]
    fn the_same_seed_and_written_commands_give_the_same_events(seed in any::<u64>()) {
        let case = Case::new(seed);
        let lines: Vec<(Time, String)> =
            case.script.iter().map(|(at, command)| (*at, command.to_string())).collect();
        for ((_, command), (_, line)) in case.script.iter().zip(&lines) {
            prop_assert_eq!(line.parse::<Command>(), Ok(command.clone()));
        }
        let first = hash(&play_lines(&case, &lines));
        prop_assert_eq!(first, hash(&play_lines(&case, &lines)));
    }
}
