//! The only reader of wall time.
//!
//! Everything else takes time as an argument, so that it can be tested and replayed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, Zoned};

/// Now, as a point in time.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Now, in the system's time zone.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn local() -> Zoned {
    Zoned::now()
}

/// Now, for measuring how long something takes.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn instant() -> Instant {
    Instant::now()
}

/// What is told when the system's clock was set back while a session's clock runs.
const SET_BACK: &str =
    "the system's clock was set back; the session's own goes on from where it stood";

/// Whether the clock was set back since it was read before, by more than a correction of the drift.
pub fn was_set_back(before: Option<Timestamp>, now: Timestamp) -> bool {
    before.is_some_and(|before| before.duration_since(now) > SignedDuration::from_secs(2))
}

/// A clock that is read at least every second and was not for longer than this stood still: the lid was
/// closed, the process was stopped, or the system's clock was set forward.
const STILL: SignedDuration = SignedDuration::from_secs(30);

/// How long nothing read the clock between two readings of one that is read every second; none when it
/// was read as it should be.
pub fn stood_still(before: Option<Timestamp>, now: Timestamp) -> Option<SignedDuration> {
    let passed = now.duration_since(before?);
    (passed > STILL).then_some(passed)
}

/// What is told when a session's clock was stopped because nothing had read it.
fn stood_still_words(passed: SignedDuration) -> String {
    let minutes = (passed.as_secs() + 30) / 60;
    let long = match minutes {
        0 | 1 => "for a minute".to_owned(),
        minutes if minutes < 120 => format!("for {minutes} minutes"),
        minutes => format!("for {} hours", (minutes + 30) / 60),
    };
    format!("the machine or the program slept {long}; the clock was stopped for it")
}

/// What the reader is told of a session's clock: that it was stopped while nothing read it, or else that the system's was
/// set back.
pub fn told(slept: Option<SignedDuration>, set_back: bool) -> Option<String> {
    let slept = slept.map(stood_still_words);
    slept.or_else(|| set_back.then(|| SET_BACK.to_owned()))
}

/// How long the reader has stopped the process, all times together: counted by one, taken off by a
/// [`Watch`].
#[derive(Clone, Debug, Default)]
pub struct Stopped(Arc<AtomicU64>);

impl Stopped {
    /// Counts how long it takes to come back from a stop.
    pub fn during<T>(&self, stop: impl FnOnce() -> T) -> T {
        let began = instant();
        let back = stop();
        self.add(instant().saturating_duration_since(began));
        back
    }

    fn add(&self, passed: Duration) {
        let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    fn total(&self) -> SignedDuration {
        SignedDuration::from_millis(self.0.load(Ordering::SeqCst).cast_signed())
    }
}

/// A clock for one who waits on a line of input, during which nothing else reads it: it tells the time
/// that the machine slept from the time that was taken.
///
/// It goes by the difference between wall time and the system's steady clock, which stands while the
/// machine sleeps (on Linux and macOS; elsewhere no sleep is noticed).
#[derive(Debug)]
pub struct Watch {
    wall: Timestamp,
    steady: Instant,
    slept: SignedDuration,
    stopped: Stopped,
}

/// A reading of a [`Watch`].
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Wall time.
    pub at: Timestamp,
    /// Wall time since 1970 without what the machine slept or the process was stopped since the watch was
    /// started.
    pub awake: Duration,
    /// What it slept since the reading before, if it did.
    pub slept: Option<SignedDuration>,
    /// Wall time was set back since then.
    pub set_back: bool,
}

impl Reading {
    /// What the reader is told of it.
    pub fn told(&self) -> Option<String> {
        told(self.slept, self.set_back)
    }
}

impl Watch {
    /// A watch that is read for the first time now.
    pub fn start() -> Self {
        Self::beside(Stopped::default())
    }

    /// The same beside a count of stops, which it takes off.
    pub fn beside(stopped: Stopped) -> Self {
        Self {
            wall: now(),
            steady: instant(),
            slept: SignedDuration::ZERO,
            stopped,
        }
    }

    /// The time now, and what of it since the last reading was slept.
    pub fn read(&mut self) -> Reading {
        self.note(now(), instant())
    }

    fn note(&mut self, wall: Timestamp, steady: Instant) -> Reading {
        let passed = wall.duration_since(self.wall);
        let awake = SignedDuration::try_from(steady.saturating_duration_since(self.steady));
        let over = awake.map_or(SignedDuration::ZERO, |awake| passed.saturating_sub(awake));
        let slept = (over > STILL).then_some(over);
        let set_back = was_set_back(Some(self.wall), wall);
        self.wall = wall;
        self.steady = steady;
        self.slept = self.slept.saturating_add(slept.unwrap_or_default());
        let since = SignedDuration::from_millis(wall.as_millisecond());
        Reading {
            at: wall,
            awake: Duration::try_from(
                since
                    .saturating_sub(self.slept)
                    .saturating_sub(self.stopped.total()),
            )
            .unwrap_or_default(),
            slept,
            set_back,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_clock_that_nobody_read_stood_still() {
        assert_eq!(stood_still(None, at(0)), None);
        assert_eq!(stood_still(Some(at(0)), at(1)), None);
        assert_eq!(stood_still(Some(at(0)), at(30)), None);
        assert_eq!(stood_still(Some(at(10)), at(0)), None, "set back");
        let slept = stood_still(Some(at(0)), at(2000)).unwrap();
        assert_eq!(slept.as_secs(), 2000);
        for (seconds, words) in [
            (31, "for a minute"),
            (2000, "33 minutes"),
            (9000, "3 hours"),
        ] {
            let told = stood_still_words(SignedDuration::from_secs(seconds));
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn a_watch_takes_sleep_and_stops_off_and_thinking_not() {
        let begin = instant();
        let mut watch = Watch {
            wall: at(0),
            steady: begin,
            slept: SignedDuration::ZERO,
            stopped: Stopped::default(),
        };
        let first = watch.note(at(1), begin + Duration::from_secs(1));
        let thought = watch.note(at(301), begin + Duration::from_secs(301));
        assert_eq!(
            thought.slept, None,
            "five minutes at the prompt are the reader's"
        );
        assert_eq!(thought.awake.as_secs() - first.awake.as_secs(), 300);
        let woken = watch.note(at(3961), begin + Duration::from_secs(361));
        assert_eq!(woken.slept.map(|slept| slept.as_secs()), Some(3600));
        assert_eq!(woken.awake.as_secs() - thought.awake.as_secs(), 60);
        watch.stopped.add(Duration::from_secs(15));
        let continued = watch.note(at(3981), begin + Duration::from_secs(381));
        assert_eq!(continued.slept, None);
        assert_eq!(continued.awake.as_secs() - woken.awake.as_secs(), 5);
        let back = watch.note(at(361), begin + Duration::from_secs(382));
        assert_eq!(back.slept, None, "a clock set back is no sleep");
    }
}
