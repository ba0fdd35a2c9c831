//! How fast virtual time passes on screen.

use std::time::Duration;

use jiff::Timestamp;

use crate::sim::time::Time;

/// Times as fast as on a real cluster.
const SPEEDS: [f64; 13] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0,
];
/// ×5: a fencing after 9 s can be watched, an ISR that shrinks after 30 s need not be waited for.
const FIRST: usize = 5;
/// At most ten frames a second.
const FRAME: Duration = Duration::from_millis(100);
/// From here on a frame is late; it catches up on no more than that.
const LATE: Duration = Duration::from_millis(200);
/// The least part of a speed.
const SHARE_LEAST: f64 = 0.005;
/// Times as fast as on a real cluster, on the way to a moment far ahead.
const JOURNEY: f64 = 1000.0;

/// Whether time goes on, and how fast.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    speed: usize,
    running: bool,
    /// The last frame; none before the first.
    last: Option<Timestamp>,
    /// Which part of the speed this machine keeps up with.
    share: f64,
    /// The moment to which time goes on by itself, as fast as it can.
    toward: Option<Time>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            speed: FIRST,
            running: false,
            last: None,
            share: 1.0,
            toward: None,
        }
    }
}

impl Pace {
    /// Whether time goes on.
    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    /// Lets time go on.
    pub(super) fn start(&mut self) {
        self.running = true;
        self.last = None;
        self.toward = None;
    }

    /// Stops time.
    pub(super) fn stop(&mut self) {
        self.running = false;
        self.last = None;
        self.toward = None;
    }

    /// Lets time go on from now, or stops it.
    pub(super) fn toggle(&mut self, now: Timestamp) {
        self.running = !self.running;
        self.last = self.running.then_some(now);
        self.toward = None;
    }

    /// Lets time go on to a moment far ahead, as fast as it can: keys are answered on the way, and stop it.
    pub(super) fn go_to(&mut self, moment: Time) {
        self.start();
        self.toward = Some(moment);
    }

    /// Where time goes on to, if it is on its way to a moment.
    pub(super) fn toward(&self) -> Option<Time> {
        self.toward
    }

    /// Goes so many speeds up or down.
    pub(super) fn turn(&mut self, by: isize) {
        self.toward = None;
        self.share = 1.0;
        self.speed = self.speed.saturating_add_signed(by).min(SPEEDS.len() - 1);
    }

    /// The speed in words.
    pub(super) fn words(&self) -> String {
        let speed = SPEEDS[self.speed];
        if let Some(moment) = self.toward {
            return format!("on the way to {moment}");
        }
        if self.running && self.share < 0.7 {
            format!("×{speed}, as fast as it goes")
        } else {
            format!("×{speed}")
        }
    }

    /// When the next frame is due.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        if !self.running {
            return None;
        }
        Some(match self.last {
            Some(last) => last.checked_add(FRAME).unwrap_or(last),
            None => Timestamp::UNIX_EPOCH,
        })
    }

    /// How much virtual time may pass by now; none while it is too early or nothing runs.
    pub(super) fn budget(&mut self, now: Timestamp) -> Option<Time> {
        if !self.running {
            return None;
        }
        let Some(last) = self.last else {
            self.last = Some(now);
            return None;
        };
        let passed = Duration::try_from(now.duration_since(last)).unwrap_or_default();
        if passed < FRAME {
            return None;
        }
        self.last = Some(now);
        // a frame that comes late is one that took too much upon itself: keys must not wait for it
        self.share = if passed > LATE {
            (self.share / 2.0).max(SHARE_LEAST)
        } else {
            (self.share * 1.1).min(1.0)
        };
        let real = passed.min(LATE).as_secs_f64();
        let speed = self.toward.map_or(SPEEDS[self.speed], |_| JOURNEY);
        Some(Time((real * speed * self.share * 1e6) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    #[test]
    fn time_passes_ten_times_a_second_and_not_while_paused() {
        let mut pace = Pace::default();
        assert_eq!(pace.deadline(), None);
        pace.toggle(at(0));
        assert_eq!(pace.deadline(), Some(at(100)));
        assert_eq!(pace.budget(at(50)), None);
        assert_eq!(pace.budget(at(100)), Some(Time::millis(500)));
        pace.turn(100);
        assert_eq!(pace.words(), "×1000");
        assert_eq!(
            pace.budget(at(5000)),
            Some(Time::secs(100)),
            "late frames do not pile up"
        );
        assert_eq!(pace.words(), "×1000, as fast as it goes");
        for frame in 1..=20 {
            assert!(pace.budget(at(5000 + 100 * frame)).is_some());
        }
        assert_eq!(pace.words(), "×1000", "frames come in time again");
        pace.toggle(at(7000));
        assert_eq!(pace.budget(at(9000)), None);
    }
}
