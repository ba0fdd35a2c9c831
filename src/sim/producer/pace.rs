//! When each record of a producer is due: so many a second from a moment on.
//!
//! Part of the producer, which asks for every record. Dividing takes as long as all else that is asked, so what can be
//! told without an exact time is told by multiplying. Sends nothing and keeps no records.

use crate::sim::time::Time;

/// As late as this a record is never due, in microseconds: 31 years.
const NEVER: f64 = 1e15;
/// How far a product may be off the exact one, as a share of it; a thousand times what rounding can do.
const ROUNDING: f64 = 1e-12;

/// The pace at which records are made.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// Records a second.
    rate: f64,
    /// How many times slower the machine is.
    slow: u32,
    /// The number of a record and when it is due; the others follow at the rate.
    base: (u64, Time),
    /// Microseconds in which `rate` records are made.
    span: f64,
    /// Records in a microsecond.
    share: f64,
    /// The last record asked for, and when it is due.
    last: (u64, Time),
}

impl Pace {
    /// So many records a second, from the first one at the beginning of time.
    pub(super) fn new(rate: f64) -> Pace {
        let mut pace = Pace {
            rate,
            slow: 1,
            base: (0, Time::ZERO),
            span: 0.0,
            share: 0.0,
            last: (0, Time::ZERO),
        };
        pace.work_out();
        pace
    }

    fn work_out(&mut self) {
        self.span = 1e6 * f64::from(self.slow);
        self.share = self.rate / self.span;
        self.last = (self.base.0, self.exactly(self.base.0));
    }

    /// Records a second on a machine of the usual speed.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// Changes the rate from this record and time on.
    pub(super) fn set_rate(&mut self, rate: f64, number: u64, at: Time) {
        self.rate = rate;
        self.begin(number, at);
    }

    /// Makes the machine so many times slower, from this record and time on.
    pub(super) fn set_slow(&mut self, factor: u32, number: u64, at: Time) {
        self.slow = factor.max(1);
        self.begin(number, at);
    }

    /// This record is due at this time, and the others at the rate from there.
    pub(super) fn begin(&mut self, number: u64, at: Time) {
        self.base = (number, at);
        self.work_out();
    }

    /// The next record is this one, due when the last one would have been.
    pub(super) fn renumber(&mut self, number: u64) {
        self.begin(number, self.base.1);
    }

    /// When a record is due, which is none before the base.
    pub(super) fn due(&mut self, number: u64) -> Time {
        if self.last.0 != number {
            self.last = (number, self.exactly(number));
        }
        self.last.1
    }

    fn exactly(&self, number: u64) -> Time {
        if self.rate <= 0.0 {
            return Time::MAX;
        }
        let micros = self.scaled(number) / self.rate;
        if micros > NEVER {
            Time::MAX
        } else {
            self.base.1 + Time(micros as i64 as u64)
        }
    }

    /// The time from the base to a record, multiplied by the rate.
    fn scaled(&self, number: u64) -> f64 {
        // Signed numbers, because they turn into fractions and back in fewer steps.
        (number - self.base.0) as i64 as f64 * self.span
    }

    /// Whether a record is due by now.
    pub(super) fn is_due(&self, number: u64, now: Time) -> bool {
        if now < self.base.1 {
            return false;
        }
        let wanted = self.scaled(number);
        let reached = (now - self.base.1).0.saturating_add(1) as i64 as f64 * self.rate;
        if wanted < reached * (1.0 - ROUNDING) {
            return true;
        }
        wanted <= reached * (1.0 + ROUNDING) && self.exactly(number) <= now
    }

    /// How many of the next `most` records from this one on are due by now.
    pub(super) fn count_due(&self, number: u64, most: u64, now: Time) -> u64 {
        let is_due = |records: u64| self.is_due(number + records - 1, now);
        // The rate says about how many; rounding may be off by one.
        let (base, at) = self.base;
        let since = now.since(at).0 as i64 as f64 * self.share;
        let about = base + since as i64 as u64 + 1;
        let mut records = about.saturating_sub(number).min(most);
        while records > 0 && !is_due(records) {
            records -= 1;
        }
        while records < most && is_due(records + 1) {
            records += 1;
        }
        records
    }

    /// Whether so many records may come within a time; if they do, then yes.
    pub(super) fn may_come_within(&self, records: u64, time: Time) -> bool {
        // Two microseconds more, because the times of both ends are cut off.
        self.rate > 0.0
            && records as f64 * self.span <= (time.0 as f64 + 2.0) * self.rate * (1.0 + ROUNDING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule itself: record by record, with a division for each.
    fn plainly(rate: f64, slow: u32, (base, at): (u64, Time), number: u64) -> Time {
        let micros = (number - base) as f64 * 1e6 * f64::from(slow) / rate;
        if micros > NEVER {
            Time::MAX
        } else {
            at + Time(micros as u64)
        }
    }

    fn rates() -> impl Strategy<Value = f64> {
        prop_oneof![
            (1u32..5000).prop_map(f64::from),
            0.001f64..100_000.0,
            Just(1e7),
            Just(1000.0),
        ]
    }

    proptest! {
        #[test]
        fn tells_what_the_rule_says(
            rate in rates(),
            slow in 1u32..20,
            base in (0u64..1_000_000, 0u64..10_000_000_000),
            after in 0u64..100_000,
            near in -3i64..4,
            most in 0u64..300,
        ) {
            let base = (base.0, Time(base.1));
            let mut pace = Pace::new(rate);
            pace.set_slow(slow, 0, Time::ZERO);
            pace.begin(base.0, base.1);
            let number = base.0 + after;
            let due = plainly(rate, slow, base, number);
            prop_assert_eq!(pace.due(number), due);
            prop_assert_eq!(pace.due(number), due, "asked again");
            if due == Time::MAX {
                return Ok(());
            }
            // The moments around it are where rounding could tell otherwise.
            let now = Time(due.0.saturating_add_signed(near));
            prop_assert_eq!(pace.is_due(number, now), due <= now);
            let counted = (0..most).take_while(|more| plainly(rate, slow, base, number + more) <= now);
            prop_assert_eq!(pace.count_due(number, most, now), counted.count() as u64);
            let end = plainly(rate, slow, base, number + most);
            let span = Time(end.0 - due.0);
            prop_assert!(pace.may_come_within(most, span), "{most} within {span:?}");
        }

        #[test]
        fn what_cannot_come_in_time_does_not(rate in rates(), after in 0u64..10_000, records in 0u64..300, time in 0u64..1_000_000) {
            let mut pace = Pace::new(rate);
            if !pace.may_come_within(records, Time(time)) {
                let (first, last) = (pace.due(after), pace.due(after + records));
                prop_assert!(last == Time::MAX || last > first + Time(time));
            }
        }
    }

    #[test]
    fn without_a_rate_nothing_is_due() {
        let mut pace = Pace::new(0.0);
        assert_eq!(pace.due(0), Time::MAX);
        assert!(!pace.is_due(0, Time::secs(1_000_000)));
        assert_eq!(pace.count_due(0, 10, Time::secs(1_000_000)), 0);
    }
}
