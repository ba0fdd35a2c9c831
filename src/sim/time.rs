//! Virtual time: microseconds since the cluster was made.
//!
//! Nothing in here reads a clock; [`Time`] only moves when the cluster takes an event from its queue.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A point in virtual time, or a span of it, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

impl Time {
    /// The moment at which the cluster starts.
    pub const ZERO: Time = Time(0);
    /// Later than everything that happens.
    pub const MAX: Time = Time(u64::MAX);

    /// So many microseconds.
    pub const fn micros(micros: u64) -> Time {
        Time(micros)
    }
    /// So many milliseconds.
    pub const fn millis(millis: u64) -> Time {
        Time(millis.saturating_mul(1_000))
    }
    /// So many seconds.
    pub const fn secs(secs: u64) -> Time {
        Time(secs.saturating_mul(1_000_000))
    }
    /// A setting in milliseconds; negative values count as zero.
    pub fn from_setting_ms(millis: i64) -> Time {
        Time::millis(u64::try_from(millis).unwrap_or(0))
    }
    /// Whole milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }
    /// Seconds with their fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// `self - earlier`, or zero.
    #[must_use]
    pub const fn since(self, earlier: Time) -> Time {
        Time(self.0.saturating_sub(earlier.0))
    }
    /// This span written as a span: `30.4 s`, `12 ms`, `500 us`.
    pub fn span(self) -> String {
        match self.0 {
            0 => "0 s".to_owned(),
            micros if micros < 1_000 => format!("{micros} us"),
            micros if micros < 1_000_000 && micros % 1_000 == 0 => format!("{} ms", micros / 1_000),
            micros if micros < 1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
            micros if micros % 1_000_000 == 0 => format!("{} s", micros / 1_000_000),
            micros => format!("{:.1} s", micros as f64 / 1e6),
        }
    }
}

impl Add for Time {
    type Output = Time;
    fn add(self, other: Time) -> Time {
        Time(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Time {
    fn add_assign(&mut self, other: Time) {
        *self = *self + other;
    }
}

impl Sub for Time {
    type Output = Time;
    fn sub(self, other: Time) -> Time {
        self.since(other)
    }
}

impl fmt::Display for Time {
    /// As a clock: `00:41.2`, `1:02:03.4`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0 / 100_000;
        let (hours, minutes, seconds) = (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60);
        if hours > 0 {
            write!(f, "{hours}:")?;
        }
        write!(f, "{minutes:02}:{seconds:02}.{}", tenths % 10)
    }
}

/// What is wrong with a written span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no span of time; write a number and us, ms, s, m or h, like 500ms or 2m")]
pub struct TimeError(pub String);

impl FromStr for Time {
    type Err = TimeError;

    /// Reads `500us`, `20ms`, `1.5s`, `2m`, `1h`; spaces between number and unit are allowed.
    fn from_str(text: &str) -> Result<Time, TimeError> {
        let wrong = || TimeError(text.to_owned());
        let trimmed = text.trim();
        if trimmed == "0" {
            return Ok(Time::ZERO);
        }
        let split = trimmed
            .find(|c: char| c.is_ascii_alphabetic())
            .ok_or_else(wrong)?;
        let (number, unit) = trimmed.split_at(split);
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let scale = match unit {
            "us" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            "m" | "min" => 6e7,
            "h" => 3.6e9,
            _ => return Err(wrong()),
        };
        let micros = number * scale;
        if !(0.0..=1e15).contains(&micros) {
            return Err(wrong());
        }
        Ok(Time(micros.round() as u64))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(0.0) => Ok(Time::ZERO),
            Written::Number(number) => Err(serde::de::Error::custom(TimeError(number.to_string()))),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_spans() {
        assert_eq!("500us".parse(), Ok(Time::micros(500)));
        assert_eq!("1.5s".parse(), Ok(Time::millis(1500)));
        assert_eq!("2m".parse(), Ok(Time::secs(120)));
        assert!("-2s".parse::<Time>().is_err());
        assert!("soon".parse::<Time>().is_err());
        assert_eq!(Time::millis(30_400).span(), "30.4 s");
        assert_eq!(Time::millis(41_250).to_string(), "00:41.2");
        assert_eq!(
            (Time::secs(3723) + Time::millis(400)).to_string(),
            "1:02:03.4"
        );
    }
}
