//! A run that can be walked forward and back.
//!
//! A run is its seed, its spec and the commands that were given, each at its time; any moment of it is the nearest
//! snapshot before it plus replay. A command given in the past starts a branch: what came after it is forgotten, and
//! [`Timeline::branch`] says so. Along the way signs are collected for the time line and samples for the courses of lag
//! and rate.

use crate::sim::{
    cluster::{Cluster, CommandError},
    command::Command,
    event::EventId,
    spec::{Spec, SpecError},
    time::Time,
};

use super::{
    kinds::{Sign, is_interesting},
    look,
    view::View,
};

/// Snapshots kept; when there are more, every second one goes and the distance doubles.
const SNAPSHOTS_MAX: usize = 192;
/// First distance between snapshots.
const SNAPSHOT_EVERY: Time = Time::secs(5);
/// Distance between samples.
pub const SAMPLE_EVERY: Time = Time::secs(1);
/// How far [`Timeline::next_interesting`] looks ahead.
pub const LOOK_AHEAD: Time = Time::secs(600);
/// Least distance between two moments that are worth a look.
const STOPS_APART: Time = Time::millis(50);
/// Furthest moment that can be sought.
pub const END_MAX: Time = Time::secs(24 * 3600);

/// A sign on the time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// Which.
    pub sign: Sign,
    /// The event.
    pub event: EventId,
}

/// A command with its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// When it was given.
    pub at: Time,
    /// The command.
    pub command: Command,
}

/// What was measured at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Time,
    /// The lag of each member of each group, by name of the member.
    pub lags: Vec<(String, Option<u64>)>,
    /// Records acknowledged so far, by producer.
    pub acknowledged: Vec<(String, u64)>,
}

/// Samples over which a rate is taken.
const RATE_OVER: usize = 6;

/// Records acknowledged a second, over the last few samples; unknown before the second of them.
pub fn rate_of(samples: &[Sample], producer: &str) -> Option<f64> {
    let of = |sample: &Sample| {
        let mut all = sample.acknowledged.iter();
        all.find(|(name, _)| name == producer)
            .map(|(_, number)| *number)
    };
    let last = samples.last()?;
    let before = &samples[samples.len().saturating_sub(RATE_OVER)];
    let span = last.at.since(before.at).as_secs_f64();
    (span > 0.0).then(|| Some(of(last)?.saturating_sub(of(before)?) as f64 / span))?
}

/// A part of a run that was left for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Where the branch starts.
    pub at: Time,
    /// How far the forgotten run had come.
    pub forgotten_to: Time,
    /// How many commands went with it.
    pub forgotten_commands: usize,
}

/// Why a moment cannot be sought.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeekError {
    /// Too far away.
    #[error("{} is too far; a run goes to {END_MAX} at most", .0)]
    TooFar(Time),
}

#[derive(Clone, Debug)]
struct Snapshot {
    at: Time,
    /// How many of the commands have been applied.
    given: usize,
    cluster: Cluster,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Timeline {
    seed: u64,
    cluster: Cluster,
    /// How many of `given` have been applied to `cluster`.
    applied: usize,
    given: Vec<Given>,
    snapshots: Vec<Snapshot>,
    every: Time,
    end: Time,
    marks: Vec<Mark>,
    stops: Vec<(Time, EventId)>,
    /// Events looked at for marks.
    looked: u64,
    samples: Vec<Sample>,
    branch: Option<Branch>,
}

impl Timeline {
    /// A run at its beginning.
    ///
    /// # Errors
    /// A spec that cannot be.
    pub fn new(spec: &Spec, seed: u64) -> Result<Self, SpecError> {
        let cluster = Cluster::new(spec, seed)?;
        let first = Snapshot {
            at: Time::ZERO,
            given: 0,
            cluster: cluster.clone(),
        };
        let mut timeline = Self {
            seed,
            cluster,
            applied: 0,
            given: Vec::new(),
            snapshots: vec![first],
            every: SNAPSHOT_EVERY,
            end: Time::ZERO,
            marks: Vec::new(),
            stops: Vec::new(),
            looked: 0,
            samples: Vec::new(),
            branch: None,
        };
        timeline.observe();
        Ok(timeline)
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The moment.
    pub fn now(&self) -> Time {
        self.cluster.now()
    }

    /// How far the run has been.
    pub fn end(&self) -> Time {
        self.end
    }

    /// The cluster at this moment.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// What there is to see at this moment.
    pub fn view(&self) -> View {
        look::view(&self.cluster)
    }

    /// The signs of the whole run, in order.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The commands given so far on this branch, in order; those after this moment included.
    pub fn given(&self) -> &[Given] {
        &self.given
    }

    /// The samples up to this moment, oldest first.
    pub fn samples(&self) -> &[Sample] {
        let upto = self
            .samples
            .partition_point(|sample| sample.at <= self.now());
        &self.samples[..upto]
    }

    /// The last branch, if there is one.
    pub fn branch(&self) -> Option<Branch> {
        self.branch
    }

    /// Says no more of the last branch.
    pub fn forget_branch(&mut self) {
        self.branch = None;
    }

    /// Lets time go on to `to`, replaying the commands on the way. Does nothing when `to` has passed.
    pub fn run_until(&mut self, to: Time) {
        let to = to.min(END_MAX);
        while self.now() < to {
            let mut stop = to;
            if let Some(given) = self.given.get(self.applied) {
                stop = stop.min(given.at);
            }
            let fresh = stop.min(next_multiple(self.end, SAMPLE_EVERY));
            if self.now() >= self.end {
                stop = fresh;
            } else if stop > self.end {
                stop = self.end;
            }
            self.cluster.run_until(stop);
            self.replay_commands();
            if self.now() > self.end {
                self.end = self.now();
                self.observe();
            }
        }
    }

    /// Applies the commands whose time has come.
    fn replay_commands(&mut self) {
        while let Some(given) = self
            .given
            .get(self.applied)
            .filter(|given| given.at <= self.now())
        {
            // it went through when it was given, and the run is the same
            let _ = self.cluster.apply(given.command.clone());
            self.applied += 1;
            self.cluster.run_until(self.cluster.now());
        }
    }

    /// Collects what is new at the furthest moment: signs, samples, a snapshot.
    fn observe(&mut self) {
        let now = self.now();
        for event in self.cluster.events_since(EventId(self.looked)) {
            if let Some(sign) = Sign::of(&event.what) {
                self.marks.push(Mark {
                    at: event.time,
                    sign,
                    event: event.id,
                });
            }
            // what follows at once belongs to the same stop
            let apart = |(at, _): &(Time, EventId)| event.time.since(*at) >= STOPS_APART;
            if is_interesting(event) && self.stops.last().is_none_or(apart) {
                self.stops.push((event.time, event.id));
            }
        }
        self.looked = self.cluster.events().len();
        if now.0.is_multiple_of(SAMPLE_EVERY.0)
            && self.samples.last().is_none_or(|last| last.at < now)
        {
            self.samples.push(look::sample(&self.cluster));
        }
        let due = self.snapshots.last().map_or(Time::ZERO, |last| last.at) + self.every;
        if now >= due {
            self.snapshots.push(Snapshot {
                at: now,
                given: self.applied,
                cluster: self.cluster.clone(),
            });
            if self.snapshots.len() > SNAPSHOTS_MAX {
                let mut place = 0;
                self.snapshots.retain(|_| {
                    place += 1;
                    place % 2 == 1
                });
                self.every = self.every + self.every;
            }
        }
    }

    /// Goes to a moment, forward or back.
    ///
    /// # Errors
    /// A moment beyond [`END_MAX`]; then nothing changes.
    pub fn seek(&mut self, to: Time) -> Result<(), SeekError> {
        if to > END_MAX {
            return Err(SeekError::TooFar(to));
        }
        let place = self.snapshots.partition_point(|snapshot| snapshot.at <= to);
        if let Some(nearest) = self.snapshots.get(place.saturating_sub(1))
            && (to < self.now() || nearest.at > self.now())
        {
            self.cluster = nearest.cluster.clone();
            self.applied = nearest.given;
        }
        self.run_until(to);
        Ok(())
    }

    /// Handles one occurrence; false when nothing is left to happen.
    pub fn step(&mut self) -> bool {
        let Some(next) = self.cluster.next_time() else {
            return false;
        };
        if let Some(given) = self.given.get(self.applied)
            && given.at <= next
        {
            self.run_until(given.at);
            return true;
        }
        let more = self.cluster.step().is_some();
        if self.now() > self.end || (self.now() == self.end && self.applied == self.given.len()) {
            self.end = self.now();
            self.observe();
        }
        more
    }

    /// Goes to the next event that there is; false when none comes within `limit`.
    pub fn next_event(&mut self, limit: Time) -> bool {
        let (before, to) = (self.cluster.events().len(), self.now() + limit);
        while self.cluster.events().len() == before {
            if self.cluster.next_time().is_none_or(|next| next > to) || !self.step() {
                return false;
            }
        }
        true
    }

    /// Goes to the next moment at which something worth a look happens; false when none comes within [`LOOK_AHEAD`].
    pub fn next_interesting(&mut self) -> bool {
        let (now, to) = (self.now(), (self.now() + LOOK_AHEAD).min(END_MAX));
        loop {
            let place = self.stops.partition_point(|(at, _)| *at <= now);
            if let Some((at, _)) = self.stops.get(place).copied() {
                return self.seek(at).is_ok();
            }
            if self.end >= to {
                let _ = self.seek(to);
                return false;
            }
            let next = (self.end.max(now) + SAMPLE_EVERY).min(to);
            let _ = self.seek(next);
        }
    }

    /// Goes back to the last moment at which something worth a look happened; to the beginning when there is none.
    pub fn previous_interesting(&mut self) {
        let now = self.now();
        let place = self.stops.partition_point(|(at, _)| *at < now);
        let to = place
            .checked_sub(1)
            .map_or(Time::ZERO, |place| self.stops[place].0);
        let _ = self.seek(to);
    }

    /// Gives a command at this moment. In the past that starts a branch.
    ///
    /// # Errors
    /// What the cluster says against it; then nothing changes.
    pub fn give(&mut self, command: Command) -> Result<(), CommandError> {
        let now = self.now();
        let mut changed = self.cluster.clone();
        changed.run_until(now);
        changed.apply(command.clone())?;
        changed.run_until(now);
        if now < self.end || self.applied < self.given.len() {
            self.branch = Some(Branch {
                at: now,
                forgotten_to: self.end,
                forgotten_commands: self.given.len() - self.applied,
            });
        }
        self.cut_at(now);
        self.cluster = changed;
        self.given.push(Given { at: now, command });
        self.applied = self.given.len();
        self.observe();
        Ok(())
    }

    /// Forgets what comes after this moment, commands included.
    fn cut_at(&mut self, now: Time) {
        self.given.truncate(self.applied);
        self.forget_after(now);
    }

    /// Forgets what was seen after this moment.
    fn forget_after(&mut self, now: Time) {
        let events = self.cluster.events().len();
        self.snapshots
            .retain(|snapshot| snapshot.at <= now && snapshot.given <= self.applied);
        self.marks.retain(|mark| mark.event.0 < events);
        self.stops.retain(|(_, event)| event.0 < events);
        self.samples.retain(|sample| sample.at <= now);
        self.looked = self.looked.min(events);
        self.end = now;
    }

    /// Makes these the commands of the run, and goes to a moment of it. Snapshots that hold no other commands are kept.
    pub fn follow(&mut self, given: Vec<Given>, to: Time) {
        let same = self
            .given
            .iter()
            .zip(&given)
            .take_while(|(a, b)| a == b)
            .count();
        let differs = |list: &[Given]| list.get(same).map_or(Time::MAX, |given| given.at);
        let from = differs(&self.given).min(differs(&given));
        self.snapshots.retain(|snapshot| {
            snapshot.at == Time::ZERO && snapshot.given == 0 || snapshot.at < from
        });
        if let Some(last) = self.snapshots.last() {
            self.cluster = last.cluster.clone();
            self.applied = last.given;
        }
        self.given = given;
        self.forget_after(self.now());
        self.branch = None;
        // the last snapshot that is kept can be later than the moment
        let _ = self.seek(to);
    }
}

/// The first multiple of `step` after `at`.
fn next_multiple(at: Time, step: Time) -> Time {
    Time((at.0 / step.0 + 1) * step.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::presets;

    fn run() -> Timeline {
        let preset = presets::preset("three-brokers").unwrap();
        Timeline::new(&preset.cluster, 7).unwrap()
    }

    fn command(text: &str) -> Command {
        text.parse().unwrap()
    }

    #[test]
    fn every_moment_is_the_same_whichever_way_one_comes_to_it() {
        let mut run = run();
        run.run_until(Time::secs(7));
        run.give(command("crash broker 2")).unwrap();
        run.run_until(Time::secs(40));
        let (there, marks) = (run.view(), run.marks().to_vec());
        for at in [39, 3, 7, 20, 0, 40] {
            run.seek(Time::secs(at)).unwrap();
            assert_eq!(run.now(), Time::secs(at));
        }
        assert_eq!(run.view(), there);
        assert_eq!(run.marks(), marks);
        let mut straight = self::run();
        straight.run_until(Time::secs(7));
        straight.give(command("crash broker 2")).unwrap();
        straight.seek(Time::secs(40)).unwrap();
        assert_eq!(straight.view(), there);
    }

    #[test]
    fn a_command_in_the_past_starts_a_branch() {
        let mut run = run();
        run.run_until(Time::secs(5));
        run.give(command("crash broker 2")).unwrap();
        run.run_until(Time::secs(30));
        run.seek(Time::secs(3)).unwrap();
        assert_eq!(run.branch(), None);
        run.give(command("crash broker 3")).unwrap();
        let branch = run.branch().unwrap();
        assert_eq!(
            (branch.at, branch.forgotten_to),
            (Time::secs(3), Time::secs(30))
        );
        assert_eq!(branch.forgotten_commands, 1);
        run.run_until(Time::secs(30));
        assert_eq!(run.given().len(), 1);
        let down: Vec<_> = run
            .view()
            .brokers
            .into_iter()
            .filter(|broker| broker.state == crate::lab::view::BrokerState::Down)
            .map(|broker| broker.id)
            .collect();
        assert_eq!(down, [3], "the crash of broker 2 is forgotten");
    }

    #[test]
    fn what_was_tried_is_forgotten_and_the_run_is_where_it_was() {
        let mut run = run();
        run.run_until(Time::secs(7));
        run.give(command("crash broker 2")).unwrap();
        run.run_until(Time::secs(12));
        let (script, there) = (run.given().to_vec(), run.view());
        run.run_until(Time::secs(60));
        run.give(command("crash broker 3")).unwrap();
        run.run_until(Time::secs(70));
        run.follow(script.clone(), Time::secs(12));
        assert_eq!(run.now(), Time::secs(12));
        assert_eq!((run.view(), run.given()), (there, &script[..]));
        run.seek(Time::secs(65)).unwrap();
        let down = |broker: &crate::lab::view::BrokerView| {
            broker.state == crate::lab::view::BrokerState::Down
        };
        assert_eq!(
            run.view()
                .brokers
                .iter()
                .filter(|broker| down(broker))
                .count(),
            1
        );
    }

    #[test]
    fn a_command_that_cannot_be_changes_nothing() {
        let mut run = run();
        run.run_until(Time::secs(5));
        run.give(command("crash broker 2")).unwrap();
        let before = run.given().to_vec();
        assert!(run.give(command("crash broker 2")).is_err());
        assert_eq!(run.given(), before);
    }

    #[test]
    fn interesting_moments_are_found_forward_and_back() {
        let mut run = run();
        run.run_until(Time::secs(5));
        run.give(command("crash broker 1")).unwrap();
        assert!(run.next_interesting());
        let first = run.now();
        assert!(first > Time::secs(5));
        assert!(run.next_interesting());
        run.previous_interesting();
        assert_eq!(run.now(), first);
        run.previous_interesting();
        assert_eq!(run.now(), Time::secs(5), "the command itself");
    }

    #[test]
    fn what_is_too_far_is_refused() {
        let mut run = run();
        let error = run.seek(END_MAX + Time::secs(1)).unwrap_err();
        assert!(error.to_string().contains("a run goes to"), "{error}");
        assert_eq!(run.now(), Time::ZERO);
    }

    #[test]
    fn snapshots_stay_few() {
        let preset = presets::preset("one-broker").unwrap();
        let mut run = Timeline::new(&preset.cluster, 7).unwrap();
        run.run_until(Time::secs(1_100));
        assert!(
            run.snapshots.len() <= SNAPSHOTS_MAX,
            "{}",
            run.snapshots.len()
        );
        run.seek(Time::secs(500)).unwrap();
        assert_eq!(run.now(), Time::secs(500));
    }
}
