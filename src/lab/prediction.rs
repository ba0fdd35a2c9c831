//! Predictions: what is right by the cluster's word, and whether an answer is it.

use crate::sim::query::{Observe, Query, Value};

use super::scenario::{Answer, Prediction};

/// What somebody answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// This choice.
    Choice(usize),
    /// This text: a number or names.
    Typed(String),
}

/// What the cluster says is right.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// This choice.
    Choice(usize),
    /// This number.
    Number(f64),
    /// These names, in order; none at all is an answer too.
    Names(Vec<String>),
}

/// Why a prediction has no right answer: the scenario is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TruthError {
    /// None of the choices holds.
    #[error("none of the choices holds")]
    NoChoice,
    /// Several of the choices hold.
    #[error("the choices {} hold at once; exactly one must", numbers(.0))]
    ManyChoices(Vec<usize>),
    /// The query gives something else.
    #[error("`{query}` is {found}, where a number is needed")]
    NoNumber {
        /// What was asked.
        query: String,
        /// What it gave.
        found: String,
    },
    /// The query or a condition cannot be evaluated.
    #[error("{0}")]
    Query(String),
}

fn numbers(places: &[usize]) -> String {
    let shown: Vec<String> = places
        .iter()
        .map(|place| letter(*place).to_string())
        .collect();
    shown.join(" and ")
}

/// The letter that a choice goes by.
pub fn letter(place: usize) -> char {
    char::from(b'a' + u8::try_from(place).unwrap_or(25).min(25))
}

/// What is right by the cluster's state.
///
/// # Errors
/// When nothing is, or more than one thing.
pub fn truth(prediction: &Prediction, cluster: &impl Observe) -> Result<Truth, TruthError> {
    match &prediction.answer {
        Answer::Choices(choices) => {
            let mut right = Vec::new();
            for (place, choice) in choices.iter().enumerate() {
                let mut holds = true;
                for condition in &choice.when {
                    holds &= condition
                        .holds(cluster)
                        .map_err(|error| TruthError::Query(error.to_string()))?;
                }
                if holds {
                    right.push(place);
                }
            }
            match right[..] {
                [] => Err(TruthError::NoChoice),
                [one] => Ok(Truth::Choice(one)),
                _ => Err(TruthError::ManyChoices(right)),
            }
        }
        Answer::Number { of, .. } => match asked(of, cluster)? {
            Value::Number(number) => Ok(Truth::Number(number as f64)),
            value => Err(TruthError::NoNumber {
                query: of.to_string(),
                found: value.to_string(),
            }),
        },
        Answer::Names { of, .. } => Ok(Truth::Names(names(&asked(of, cluster)?.to_string()))),
    }
}

fn asked(query: &Query, cluster: &impl Observe) -> Result<Value, TruthError> {
    cluster
        .observe(query)
        .map_err(|error| TruthError::Query(error.to_string()))
}

/// The names in a text, in order, each once: `{1,3}`, `3 and 1`, `c2, c1`, `broker 2`, `none`.
fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '{' | '}' | '[' | ']'))
        .map(str::to_lowercase)
        .filter(|word| {
            !word.is_empty()
                && !matches!(
                    word.as_str(),
                    "and"
                        | "none"
                        | "nobody"
                        | "nothing"
                        | "broker"
                        | "brokers"
                        | "partition"
                        | "partitions"
                        | "-"
                )
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Whether an answer is right.
///
/// # Errors
/// A typed text in which the answer cannot be read, with what would do.
pub fn is_right(prediction: &Prediction, reply: &Reply, truth: &Truth) -> Result<bool, String> {
    Ok(match (reply, truth) {
        (Reply::Choice(given), Truth::Choice(right)) => given == right,
        (Reply::Typed(text), Truth::Number(right)) => {
            let tolerance = match &prediction.answer {
                Answer::Number { tolerance, .. } => *tolerance,
                _ => 0.0,
            };
            (typed_number(text)? - right).abs() <= tolerance + 1e-9
        }
        (Reply::Typed(text), Truth::Names(right)) => names(text) == *right,
        _ => false,
    })
}

/// Whether a typed text can be an answer at all.
///
/// # Errors
/// What would do.
pub fn check(prediction: &Prediction, text: &str) -> Result<(), String> {
    match &prediction.answer {
        Answer::Number { .. } => typed_number(text).map(drop),
        Answer::Names { kind, .. } if text.trim().is_empty() => Err(format!(
            "write {kind}, several with commas between, or none"
        )),
        _ => Ok(()),
    }
}

/// A number as people type it: `1200`, `1,200`, `1 200`, `30.5`, with a unit behind it or not.
fn typed_number(text: &str) -> Result<f64, String> {
    let end = text
        .char_indices()
        .find(|(_, c)| c.is_alphabetic() || *c == '%')
        .map_or(text.len(), |(at, _)| at);
    let digits: String = text[..end]
        .chars()
        .filter(|c| !matches!(c, ',' | '_' | ' '))
        .collect();
    digits
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| {
            format!(
                "`{}` is no number; write one like 1200 or 30.5",
                text.trim()
            )
        })
}

/// The right answer in words.
pub fn in_words(prediction: &Prediction, truth: &Truth) -> String {
    match (truth, &prediction.answer) {
        (Truth::Choice(place), Answer::Choices(choices)) => {
            let text = choices
                .get(*place)
                .map_or("", |choice| choice.text.as_str());
            format!("{}) {text}", letter(*place))
        }
        (Truth::Number(number), Answer::Number { unit, .. }) => {
            let shown = if number.fract().abs() < 1e-9 {
                format!("{number:.0}")
            } else {
                format!("{number:.1}")
            };
            format!("{shown} {unit}").trim_end().to_owned()
        }
        (Truth::Names(names), _) if names.is_empty() => "none".to_owned(),
        (Truth::Names(names), _) => names.join(", "),
        _ => String::new(),
    }
}

/// An answer in words.
pub fn reply_in_words(prediction: &Prediction, reply: &Reply) -> String {
    match (reply, &prediction.answer) {
        (Reply::Choice(place), Answer::Choices(choices)) => {
            let text = choices
                .get(*place)
                .map_or("", |choice| choice.text.as_str());
            format!("{}) {text}", letter(*place))
        }
        (Reply::Choice(place), _) => letter(*place).to_string(),
        (Reply::Typed(text), _) => text.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        assert_eq!(names("brokers 3 and 1"), names("{1,3}"));
        assert_eq!(names("c2, c1,c2"), ["c1", "c2"]);
        assert_eq!(names("none"), names("{}"));
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, number) in [
            ("1,200", 1200.0),
            (" 30.5 s", 30.5),
            ("1 200 records", 1200.0),
        ] {
            assert_eq!(typed_number(text), Ok(number));
        }
        assert!(typed_number("many").unwrap_err().contains("`many`"));
    }
}
