//! Predictions: what is right by the cluster's word, and whether an answer is it.

use crate::sim::{
    cluster::Cluster,
    query::{Observe, Query, Value},
};

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

/// A typed text as the answer it is: a number, or names of what there is.
///
/// # Errors
/// It cannot be an answer; what would do.
pub fn tidy(prediction: &Prediction, text: &str, cluster: &Cluster) -> Result<String, String> {
    let (of, kind) = match &prediction.answer {
        Answer::Number { .. } => return typed_number(text).map(|_| text.trim().to_owned()),
        Answer::Choices(_) => return Ok(text.to_owned()),
        Answer::Names { of, kind, .. } => (of, kind),
    };
    if text.trim().is_empty() {
        return Err(format!("write {kind}; none, if there is none"));
    }
    let known = known(of, cluster);
    let mut found = names(text);
    for name in &mut found {
        // `0` and `p0` will do where only one topic can be meant
        let number = name.strip_prefix('p').unwrap_or(name);
        let mut meant = known
            .iter()
            .filter(|known| known.rsplit_once('-').is_some_and(|(_, end)| end == number));
        if let (Some(one), None) = (meant.next(), meant.next()) {
            name.clone_from(one);
        }
        if !known.is_empty() && !known.contains(name) {
            let known = known.join(", ");
            return Err(format!("`{name}` is none of {known}"));
        }
    }
    Ok(if found.is_empty() {
        "none".to_owned()
    } else {
        found.join(", ")
    })
}

/// The names that an answer to a query can be made of; none where anything will do.
fn known(query: &Query, cluster: &Cluster) -> Vec<String> {
    let spec = cluster.spec();
    let numbers = |count: u32| (1..=count).map(|id| id.to_string()).collect();
    match query {
        Query::Leader(_)
        | Query::Replicas(_)
        | Query::Isr(_)
        | Query::Elr(_)
        | Query::BrokersUp
        | Query::Fenced
        | Query::Coordinator(_) => numbers(spec.brokers),
        Query::Controller => numbers(spec.controllers),
        Query::Members(_) | Query::Owner(..) => {
            let consumers = cluster.names().consumers.iter();
            consumers.map(|name| name.to_lowercase()).collect()
        }
        Query::Owned(_) => cluster
            .names()
            .topics
            .iter()
            .filter(|topic| !topic.name.starts_with("__"))
            .flat_map(|topic| {
                (0..topic.partitions.len())
                    .map(|number| format!("{}-{number}", topic.name).to_lowercase())
            })
            .collect(),
        _ => Vec::new(),
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
        .ok_or_else(|| match text.trim() {
            "" => "write a number, like 1200 or 30.5".to_owned(),
            text => format!("`{text}` is no number; write one like 1200 or 30.5"),
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
            // `1200 records`, but `0` where the unit says what is asked for: "the epoch"
            if unit.starts_with("the ") {
                return shown;
            }
            // `1 record`, `7 records`
            let one = unit.strip_suffix('s').filter(|_| shown == "1");
            format!("{shown} {}", one.unwrap_or(unit))
                .trim_end()
                .to_owned()
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
