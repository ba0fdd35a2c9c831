//! Marking one answer against its key.
//!
//! Credit runs from 0 to 1. Where several choices are right, each right pick earns its share and each
//! wrong pick loses one; everything else is right or not. Small typing errors are forgiven, and
//! said.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::bank::Answer;

/// What a reader answered. Choices and steps are named by their places in the file, so that an
/// answer means the same whatever order they were shown in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// Nothing yet.
    #[default]
    Nothing,
    /// The choices picked.
    Picked(BTreeSet<usize>),
    /// The steps, first to last.
    Ordered(Vec<usize>),
    /// What was typed.
    Typed(String),
}

impl Given {
    /// Whether there is anything to mark.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Picked(picked) => picked.is_empty(),
            Self::Ordered(_) => false,
            Self::Typed(text) => text.trim().is_empty(),
        }
    }
}

/// The mark of one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// From 0 to 1.
    pub credit: f64,
    /// The spelling that was meant, where a typing error was forgiven.
    pub forgiven: Option<String>,
}

impl Mark {
    /// Whether the answer earned everything there was.
    pub fn is_right(&self) -> bool {
        self.credit >= 1.0
    }

    fn of(right: bool) -> Self {
        Self {
            credit: if right { 1.0 } else { 0.0 },
            forgiven: None,
        }
    }
}

/// Marks `given` against `answer`. An answer of another kind than the key earns nothing.
pub fn mark(answer: &Answer, given: &Given) -> Mark {
    match (answer, given) {
        (Answer::Choose { choices }, Given::Picked(picked)) => {
            let right: BTreeSet<usize> = (0..choices.len()).filter(|i| choices[*i].right).collect();
            if right.len() <= 1 {
                return Mark::of(!right.is_empty() && *picked == right);
            }
            let hits = picked.intersection(&right).count() as f64;
            let misses = picked.difference(&right).count() as f64;
            Mark {
                credit: ((hits - misses) / right.len() as f64).max(0.0),
                forgiven: None,
            }
        }
        (Answer::Order { steps, .. }, Given::Ordered(order)) => {
            Mark::of(order.iter().copied().eq(0..steps.len()))
        }
        (Answer::Type { accept, .. }, Given::Typed(text)) => mark_word(accept, text),
        (
            Answer::Number {
                value,
                unit,
                tolerance,
                ..
            },
            Given::Typed(text),
        ) => Mark::of(read_number(text, unit).is_some_and(|given| {
            // Half a millionth of the value absorbs what converting units costs in precision.
            (given - value).abs() <= tolerance.abs() + value.abs() * 5e-7
        })),
        _ => Mark::of(false),
    }
}

fn mark_word(accept: &[String], text: &str) -> Mark {
    let typed = normal(text);
    if typed.is_empty() {
        return Mark::of(false);
    }
    if accept.iter().any(|spelling| normal(spelling) == typed) {
        return Mark::of(true);
    }
    let meant = accept
        .iter()
        .find(|spelling| is_slip(&normal(spelling), &typed));
    Mark {
        credit: if meant.is_some() { 1.0 } else { 0.0 },
        forgiven: meant.cloned(),
    }
}

/// Case, quoting and spacing carry no meaning in a typed word or setting.
fn normal(text: &str) -> String {
    text.to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .trim_matches(['`', '"', '\'', '.'])
        .to_owned()
}

/// Whether `typed` is `meant` with a slip of the fingers. Each word may be off by one letter from
/// four letters on and by two from nine, two in all, so that `max` is never taken for `min`. Digits
/// are never a slip, for `acks=1` and `acks=0` are different answers; nor is a negation.
fn is_slip(meant: &str, typed: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let parts = text.split(|c: char| !c.is_alphanumeric());
        parts
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (meant, typed) = (words(meant), words(typed));
    if meant.len() != typed.len() {
        return false;
    }
    let mut slips = 0;
    for (meant, typed) in meant.iter().zip(&typed) {
        let distance = strsim::osa_distance(meant, typed);
        let allowed = match meant.chars().count() {
            0..4 => 0,
            4..9 => 1,
            _ => 2,
        };
        let digits = |text: &str| text.chars().any(|c| c.is_ascii_digit());
        if distance > allowed || (distance > 0 && (digits(meant) || digits(typed))) {
            return false;
        }
        slips += distance;
    }
    slips <= 2
}

/// Reads a number with an optional unit and converts it to `unit`. Accepts `1,000`, `1_000`,
/// `1 000`, `50 %`, `9s`, `1.5 min`, `1,5 min`, `16 KiB`.
pub fn read_number(text: &str, unit: &str) -> Option<f64> {
    let text = text.trim();
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '_' | ' ' | '-' | '+');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let digits: String = digits.chars().filter(|c| !matches!(c, '_' | ' ')).collect();
    let number: f64 = without_commas(&digits).parse().ok()?;
    let suffix = suffix.trim();
    if suffix.is_empty() || same_unit(suffix, unit) {
        return number.is_finite().then_some(number);
    }
    let (from, to) = (scale(suffix)?, scale(unit)?);
    (from.0 == to.0).then(|| number * from.1 / to.1)
}

/// A comma parts thousands when three digits follow it, and stands for the decimal point otherwise.
fn without_commas(digits: &str) -> String {
    let (whole, rest) = digits.split_once(',').unwrap_or((digits, ""));
    let thousands = |group: &str| {
        let group = group.split('.').next().unwrap_or(group);
        group.len() == 3
    };
    let leads = whole.trim_start_matches(['-', '+']);
    if rest.split(',').all(thousands) && !leads.starts_with('0') {
        return digits.replace(',', "");
    }
    digits.replacen(',', ".", 1)
}

fn same_unit(a: &str, b: &str) -> bool {
    let singular = |text: &str| text.to_lowercase().trim_end_matches('s').to_owned();
    a.eq_ignore_ascii_case(b) || (a.len() > 2 && b.len() > 2 && singular(a) == singular(b))
}

/// The dimension of a unit and how many of the smallest it is.
fn scale(unit: &str) -> Option<(&'static str, f64)> {
    let unit = unit.to_lowercase();
    Some(match unit.as_str() {
        "us" | "µs" | "microseconds" => ("time", 1e-6),
        "ms" | "millisecond" | "milliseconds" => ("time", 1e-3),
        "s" | "sec" | "second" | "seconds" => ("time", 1.0),
        "m" | "min" | "minute" | "minutes" => ("time", 60.0),
        "h" | "hour" | "hours" => ("time", 3600.0),
        "d" | "day" | "days" => ("time", 86_400.0),
        "w" | "week" | "weeks" => ("time", 604_800.0),
        "b" | "byte" | "bytes" => ("bytes", 1.0),
        "kb" => ("bytes", 1e3),
        "mb" => ("bytes", 1e6),
        "gb" => ("bytes", 1e9),
        "kib" => ("bytes", 1024.0),
        "mib" => ("bytes", 1_048_576.0),
        "gib" => ("bytes", 1_073_741_824.0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::Choice;

    fn choose(rights: &[bool]) -> Answer {
        Answer::Choose {
            choices: rights
                .iter()
                .map(|&right| Choice {
                    text: String::new(),
                    right,
                    why: String::new(),
                })
                .collect(),
        }
    }

    fn picked(places: &[usize]) -> Given {
        Given::Picked(places.iter().copied().collect())
    }

    #[test]
    fn one_right_choice_is_all_or_nothing() {
        let key = choose(&[false, true, false]);
        for (places, credit) in [(&[1][..], 1.0), (&[0], 0.0), (&[0, 1], 0.0), (&[], 0.0)] {
            assert_eq!(mark(&key, &picked(places)).credit, credit, "{places:?}");
        }
    }

    #[test]
    fn several_right_choices_give_part_of_the_credit() {
        let key = choose(&[true, true, false, false]);
        for (places, credit) in [
            (&[0, 1][..], 1.0),
            (&[0], 0.5),
            (&[0, 2], 0.0),
            (&[0, 1, 2], 0.5),
            (&[0, 1, 2, 3], 0.0),
            (&[2, 3], 0.0),
        ] {
            assert_eq!(mark(&key, &picked(places)).credit, credit, "{places:?}");
        }
    }

    #[test]
    fn steps_must_all_be_in_place() {
        let key = Answer::Order {
            steps: vec!["a".into(), "b".into(), "c".into()],
            why: String::new(),
        };
        assert!(mark(&key, &Given::Ordered(vec![0, 1, 2])).is_right());
        assert!(!mark(&key, &Given::Ordered(vec![0, 2, 1])).is_right());
        assert!(!mark(&key, &Given::Ordered(vec![0, 1])).is_right());
        assert!(!mark(&key, &Given::Nothing).is_right());
    }

    #[test]
    fn slips_of_the_fingers_are_forgiven_and_said() {
        let key = |accept: &[&str]| Answer::Type {
            accept: accept.iter().map(|s| (*s).to_owned()).collect(),
            why: String::new(),
        };
        let typed = |text: &str| Given::Typed(text.into());
        let setting = key(&["min.insync.replicas"]);
        assert_eq!(
            mark(&setting, &typed(" `Min.Insync.Replicas` ")).forgiven,
            None
        );
        assert!(mark(&setting, &typed("min.insync.replicas")).is_right());
        let slip = mark(&setting, &typed("min.insinc.replica"));
        assert_eq!(slip.forgiven.as_deref(), Some("min.insync.replicas"));
        assert!(slip.is_right());
        assert!(!mark(&setting, &typed("max.insync.replicas")).is_right());
        assert!(!mark(&key(&["acks=1"]), &typed("acks=0")).is_right());
        assert!(!mark(&key(&["murmur2"]), &typed("murmur3")).is_right());
        assert!(!mark(&key(&["ISR"]), &typed("ISP")).is_right());
        assert!(!mark(&key(&["idempotent"]), &typed("not idempotent")).is_right());
        assert!(!mark(&setting, &typed("")).is_right());
    }

    #[test]
    fn numbers_are_read_with_their_units() {
        for (text, unit, value) in [
            ("9", "s", Some(9.0)),
            ("9 s", "s", Some(9.0)),
            ("9000ms", "s", Some(9.0)),
            ("1.5 min", "s", Some(90.0)),
            ("16 KiB", "bytes", Some(16384.0)),
            ("16,384", "bytes", Some(16384.0)),
            ("1 000", "", Some(1000.0)),
            ("1,000.5", "", Some(1000.5)),
            ("1,000,000", "", Some(1e6)),
            ("1,5", "", Some(1.5)),
            ("0,500", "", Some(0.5)),
            ("-2,25 s", "s", Some(-2.25)),
            ("1,2,3", "", None),
            ("50 %", "%", Some(50.0)),
            ("3 brokers", "broker", Some(3.0)),
            ("-1", "", Some(-1.0)),
            ("9 kg", "s", None),
            ("nine", "s", None),
            ("", "s", None),
        ] {
            assert_eq!(read_number(text, unit), value, "{text:?} as {unit:?}");
        }
    }

    #[test]
    fn a_number_within_the_tolerance_is_right() {
        let key = Answer::Number {
            value: 30.0,
            unit: "s".into(),
            tolerance: 2.0,
            why: String::new(),
        };
        for (text, right) in [
            ("30", true),
            ("32", true),
            ("28s", true),
            ("33", false),
            ("0.5 min", true),
        ] {
            assert_eq!(
                mark(&key, &Given::Typed(text.into())).is_right(),
                right,
                "{text}"
            );
        }
    }
}
