//! Study days: who learns past midnight is still in the same day.
//!
//! A study day begins at a configured hour of the reader's own time zone and carries the date it
//! began on. Intervals are counted in study days; the zone is an argument, so that a test can sit
//! anywhere.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A study day, as days since 1970-01-01. Written as an ISO date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

/// Not a date that can be a study day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no date: expected year-month-day such as 2026-12-10")]
pub struct DayError {
    found: String,
}

const EPOCH: Date = Date::constant(1970, 1, 1);

impl Day {
    /// The day that many days after 1970-01-01.
    pub fn from_number(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub fn number(self) -> i32 {
        self.0
    }

    /// The day with that date.
    pub fn from_date(date: Date) -> Self {
        Self(EPOCH.until(date).map_or(0, |span| span.get_days()))
    }

    /// Its date; days beyond the year 9999 count as its last.
    pub fn date(self) -> Date {
        EPOCH.saturating_add(self.0.days())
    }

    /// The day `days` later.
    #[must_use]
    pub fn plus(self, days: u32) -> Self {
        Self(self.0.saturating_add_unsigned(days))
    }

    /// The day `days` earlier.
    #[must_use]
    pub fn minus(self, days: u32) -> Self {
        Self(self.0.saturating_sub_unsigned(days))
    }

    /// Days from `earlier` to this one; 0 when it is not earlier.
    pub fn since(self, earlier: Self) -> u32 {
        u32::try_from(i64::from(self.0) - i64::from(earlier.0)).unwrap_or(0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date())
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        // jiff also takes a date with a time behind it; a day has none.
        let date = (text.len() == 10)
            .then(|| text.parse::<Date>().ok())
            .flatten();
        date.map(Self::from_date).ok_or_else(|| DayError {
            found: text.to_owned(),
        })
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A point in time and the study day it falls on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The point in time.
    pub at: Timestamp,
    /// Its study day.
    pub day: Day,
}

/// Where study days begin.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyDays {
    zone: TimeZone,
    /// The hour a day begins at, 0 to 23.
    start_hour: i8,
}

impl StudyDays {
    /// Days of `zone` that begin at `start_hour`; an hour above 23 counts as 23.
    pub fn new(zone: TimeZone, start_hour: u8) -> Self {
        Self {
            zone,
            start_hour: start_hour.min(23) as i8,
        }
    }

    /// The study day of a point in time.
    pub fn day(&self, at: Timestamp) -> Day {
        let local = self.zone.to_datetime(at);
        let date = local.date();
        // The wall clock decides, not elapsed hours: a change to summer time moves no boundary.
        let day = Day::from_date(date);
        if local.hour() < self.start_hour {
            day.minus(1)
        } else {
            day
        }
    }

    /// A point in time with its study day.
    pub fn moment(&self, at: Timestamp) -> Moment {
        Moment {
            at,
            day: self.day(at),
        }
    }

    /// When a study day begins. An hour that a change to summer time skips counts as the one after.
    pub fn start(&self, day: Day) -> Timestamp {
        day.date()
            .at(self.start_hour, 0, 0, 0)
            .to_zoned(self.zone.clone())
            .map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// The zone the days are counted in.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(start_hour: u8) -> StudyDays {
        StudyDays::new(TimeZone::get("Europe/Berlin").unwrap(), start_hour)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_lasts_until_its_start_hour_comes_round() {
        let days = berlin(4);
        let cases = [
            ("2026-12-10T02:59:59Z", "2026-12-09"), // 03:59 local
            ("2026-12-10T03:00:00Z", "2026-12-10"), // 04:00 local
            ("2026-12-10T23:30:00Z", "2026-12-10"), // 00:30 local, still the tenth
            ("2026-07-01T01:59:00Z", "2026-06-30"), // summer time: 03:59 local
            ("2026-07-01T02:00:00Z", "2026-07-01"),
        ];
        for (time, day) in cases {
            assert_eq!(days.day(at(time)).to_string(), day, "{time}");
        }
    }

    #[test]
    fn a_day_starts_on_itself_even_when_the_hour_is_skipped() {
        // 2026-03-29: 02:00 does not exist in Berlin.
        for (hour, day) in [(0, "2026-03-29"), (2, "2026-03-29"), (4, "2026-10-25")] {
            let days = berlin(hour);
            let day: Day = day.parse().unwrap();
            assert_eq!(days.day(days.start(day)), day, "{hour} {day}");
        }
    }

    #[test]
    fn days_are_read_strictly_and_written_as_dates() {
        assert_eq!("1970-01-02".parse::<Day>().unwrap().number(), 1);
        assert_eq!("1969-12-31".parse::<Day>().unwrap().number(), -1);
        for bad in ["", "2026-02-30", "10 Dec", "2026-12-10T10:00", "20261210"] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
        let day: Day = serde_json::from_str("\"2026-12-10\"").unwrap();
        assert_eq!(serde_json::to_string(&day).unwrap(), "\"2026-12-10\"");
        assert_eq!(
            Day::from_number(i32::MAX).since(Day::from_number(-5)),
            2_147_483_652
        );
        assert_eq!(Day::from_number(3).since(Day::from_number(5)), 0);
    }
}
