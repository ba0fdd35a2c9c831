//! Random clusters, random faults: looks for a broken invariant.
//!
//! Everything of a case follows from its seed: the cluster, its clients, and a script of commands. After the script
//! everything is mended, and the cluster must come to rest: every partition led, every replica in sync, nothing above
//! a high watermark, every group stable. Source of the method: the simulators of FoundationDB and TigerBeetle.

mod generate;
mod rest;
mod wide;

use std::fmt;

use crate::sim::cluster::Cluster;
use crate::sim::command::Command;
use crate::sim::event::{Event, EventId};
use crate::sim::invariant::Broken;
use crate::sim::rng::Rng;
use crate::sim::spec::{Spec, SpecError};
use crate::sim::time::Time;
use generate::{random_command, random_spec};
use rest::{choose_leaders, log_ends, mend, restart_failed, start_all, unrest};

/// What was written this long before the end must be replicated at the end: consumers never stop committing.
const LAST: Time = Time::secs(2);

/// A case: a cluster and what is done to it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The seed that all of it follows from.
    pub seed: u64,
    /// The cluster.
    pub spec: Spec,
    /// Commands and when they are given.
    pub script: Vec<(Time, Command)>,
    /// When everything is mended.
    pub mended: Time,
    /// When the cluster must have come to rest.
    pub end: Time,
}

/// How a case went.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Commands that could be carried out.
    pub faults: u64,
    /// Occurrences handled.
    pub steps: u64,
    /// What broke.
    pub broken: Vec<Broken>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = &self.spec;
        write!(
            f,
            "seed {}: {} brokers, {} controllers",
            self.seed, spec.brokers, spec.controllers
        )?;
        for topic in &spec.topics {
            let (partitions, replication) = (
                topic.partitions.unwrap_or(1),
                topic.replication.unwrap_or(1),
            );
            write!(f, ", topic {} {partitions}×{replication}", topic.name)?;
        }
        write!(f, ", settings {:?}", spec.settings)
    }
}

impl Case {
    /// The case of a seed.
    pub fn new(seed: u64) -> Case {
        let mut rng = Rng::new(seed ^ 0x5eed_5eed_5eed_5eed);
        let spec = random_spec(&mut rng);
        let mended = Time::secs(rng.between(20, 45));
        let count = rng.between(5, 30);
        let mut times: Vec<Time> = (0..count)
            .map(|_| Time::millis(rng.between(1_500, mended.as_millis() - 1)))
            .collect();
        times.sort_unstable();
        let command = |at| Some((at, random_command(&mut rng, &spec)?));
        let script = times.into_iter().filter_map(command).collect();
        // Enough for a quorum, sessions, ISR, a rebalance of all, and retries that have backed off.
        let mut case = Case {
            seed,
            spec,
            script,
            mended,
            end: mended + Time::secs(75),
        };
        wide::widen(&mut case);
        case
    }

    /// Plays the case and watches.
    ///
    /// # Errors
    /// When the spec is impossible, which would be a mistake of this generator.
    pub fn play(&self) -> Result<(Cluster, Report), SpecError> {
        let mut cluster = Cluster::new(&self.spec, self.seed)?;
        cluster.watch();
        let mut faults = 0;
        for (at, command) in &self.script {
            cluster.run_until(*at);
            faults += u64::from(cluster.apply(command.clone()).is_ok());
        }
        cluster.run_until(self.mended);
        self.settle(&mut cluster);
        let written = log_ends(&cluster);
        cluster.run_until(self.end);
        let mut broken = cluster.broken().to_vec();
        broken.extend(unrest(&cluster, &written));
        let steps = cluster.steps();
        Ok((
            cluster,
            Report {
                faults,
                steps,
                broken,
            },
        ))
    }

    /// Plays the case straight and through a snapshot at a moment, and compares event by event.
    ///
    /// # Errors
    /// When the spec is impossible, which would be a mistake of this generator.
    pub fn play_twice(&self, moment: Time) -> Result<Option<Broken>, SpecError> {
        let mut straight = Cluster::new(&self.spec, self.seed)?;
        self.continue_from(&mut straight, None);
        let mut front = Cluster::new(&self.spec, self.seed)?;
        for (at, command) in self.script.iter().filter(|(at, _)| *at <= moment) {
            front.run_until(*at);
            let _ = front.apply(command.clone());
        }
        front.run_until(moment);
        let mut snapshot = front.clone();
        // What the original does afterwards must not reach the snapshot.
        front.run_until(moment + Time::secs(10));
        self.continue_from(&mut snapshot, Some(moment));
        let events = |cluster: &Cluster| -> Vec<Event> {
            cluster.events_since(EventId(0)).cloned().collect()
        };
        let (straight, replayed) = (events(&straight), events(&snapshot));
        let differs = straight
            .iter()
            .zip(&replayed)
            .position(|(one, other)| one != other);
        let differs = differs.or_else(|| {
            (straight.len() != replayed.len()).then(|| straight.len().min(replayed.len()))
        });
        Ok(differs.map(|place| {
            let show = |events: &[Event]| {
                events
                    .get(place)
                    .map_or_else(|| "nothing".to_owned(), ToString::to_string)
            };
            let detail = format!(
                "event {place}: straight `{}`, replayed `{}`",
                show(&straight),
                show(&replayed)
            );
            Broken {
                time: self.end,
                invariant: "a snapshot and its replay give the same events",
                detail,
            }
        }))
    }

    fn continue_from(&self, cluster: &mut Cluster, from: Option<Time>) {
        for (at, command) in self
            .script
            .iter()
            .filter(|(at, _)| from.is_none_or(|from| *at > from))
        {
            cluster.run_until(*at);
            let _ = cluster.apply(command.clone());
        }
        cluster.run_until(self.mended);
        self.settle(cluster);
        cluster.run_until(self.end);
    }

    /// Mends everything and waits until shortly before the end. A broker that was shutting down stops only now, so it is
    /// started later, and only when it has registered can an operator choose it.
    fn settle(&self, cluster: &mut Cluster) {
        mend(cluster);
        cluster.run_until(self.mended + Time::secs(15));
        start_all(cluster);
        choose_leaders(cluster);
        cluster.run_until(self.mended + Time::secs(30));
        choose_leaders(cluster);
        restart_failed(cluster);
        cluster.run_until(self.mended + Time::secs(45));
        restart_failed(cluster);
        cluster.run_until(self.end - LAST);
    }
}

#[cfg(test)]
mod tests {
    use super::Case;

    /// Seeds that once broke an invariant or did not come to rest, and why.
    const ONCE_FAILED: [(u64, &str); 17] = [
        (1_013_110, "a move is changed after an unclean election"),
        (1_015_458, "a move is changed while an added replica leads"),
        (12_004, "nobody is in sync, and the one replica starts late"),
        (
            1_010_478,
            "nobody is eligible, and the one replica starts late",
        ),
        (
            4_003_324,
            "the ISR counts on a broker whose page cache was lost",
        ),
        (
            3_009_747,
            "the ISR counts on a broker whose page cache was lost",
        ),
        (4_003_473, "an eligible replica moves away and, empty, back"),
        (1_036_593, "a leader answers a fetch of its earlier epoch"),
        (
            23_067,
            "the leader hears late of a higher min.insync.replicas",
        ),
        (
            36_969,
            "the leader hears late of a higher min.insync.replicas",
        ),
        (
            6_034_835,
            "a broker that registered twice asks for leave to stop",
        ),
        (9_001_772, "a consumer loses its coordinator while it joins"),
        (7_232_578, "an earlier process's registration arrives late"),
        (
            7_204_089,
            "the answer to an earlier process's registration does",
        ),
        (7_325_962, "followers may wait longer than they may lag"),
        (
            7_328_538,
            "a chosen coordinator fences a member it does not know",
        ),
        (
            7_427_132,
            "records of which only the count is known are lost",
        ),
    ];

    #[test]
    fn what_once_failed_does_not_fail_again() {
        for (seed, why) in ONCE_FAILED {
            let case = Case::new(seed);
            let (_, report) = case.play().unwrap();
            assert_eq!(report.broken, [], "{why}: {case}");
        }
    }
}
