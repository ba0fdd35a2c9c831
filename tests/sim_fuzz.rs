//! Random clusters and random faults break no invariant, and play again the same way.
//!
//! The quick run of every build; `highwater sim fuzz --seeds 1000000` is the same with more seeds.

use highwater::sim::fuzz::Case;

/// Seeds of the quick run.
const SEEDS: u64 = 40;

#[test]
fn random_faults_break_no_invariant() {
    for seed in 0..SEEDS {
        let case = Case::new(seed);
        let (_, report) = case.play().unwrap();
        assert_eq!(report.broken, [], "{case}");
    }
}

#[test]
fn a_snapshot_and_its_replay_give_the_same_events() {
    for seed in 1000..1006 {
        let case = Case::new(seed);
        assert_eq!(case.play_twice().unwrap(), None, "{case}");
    }
}
