//! Reading queries, values and conditions.
//!
//! The forms of queries stand in one table, in the order in which they are tried; help and completion read it too.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Comparison, Condition, Operand, ParseError, Query, Test, Value};
use crate::sim::node::Tp;
use crate::sim::types::BrokerId;

/// One way to write a query.
#[derive(Clone, Copy)]
pub struct Form {
    /// Words and `<slots>`.
    pub words: &'static str,
    /// What it asks, in a line.
    pub about: &'static str,
    build: fn(&[&str]) -> Option<Query>,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.words)
    }
}

macro_rules! forms {
    ($($words:literal $about:literal $build:expr;)*) => {
        /// Every form, in the order of the help.
        pub const FORMS: &[Form] = &[$(Form { words: $words, about: $about, build: $build }),*];
    };
}

// Each closure gets the words that stand in the form's slots.
forms! {
    "leader <partition>" "who leads" |w| Some(Query::Leader(tp(w[0])?));
    "replicas <partition>" "the replicas, the preferred leader first" |w| Some(Query::Replicas(tp(w[0])?));
    "isr <partition>" "the in-sync replicas" |w| Some(Query::Isr(tp(w[0])?));
    "elr <partition>" "the eligible leader replicas" |w| Some(Query::Elr(tp(w[0])?));
    "epoch <partition>" "the leader epoch" |w| Some(Query::Epoch(tp(w[0])?));
    "partition epoch <partition>" "the version of the registration" |w| Some(Query::PartitionEpoch(tp(w[0])?));
    "high watermark <partition>" "up to where consumers read" |w| Some(Query::HighWatermark(tp(w[0])?));
    "high watermark <partition> on <broker>" "what one replica knows of it" |w| Some(Query::HighWatermarkOn(tp(w[0])?, id(w[1])?));
    "log end <partition>" "the leader's next offset" |w| Some(Query::LogEnd(tp(w[0])?));
    "log end <partition> on <broker>" "one replica's next offset" |w| Some(Query::LogEndOn(tp(w[0])?, id(w[1])?));
    "partitions <topic>" "how many partitions" |w| Some(Query::Partitions(name(w[0])?));
    "under replicated" "partitions with fewer in sync than replicas" |_| Some(Query::UnderReplicated);
    "under min isr" "partitions with fewer in sync than the minimum" |_| Some(Query::UnderMinIsr);
    "offline" "partitions without a leader" |_| Some(Query::Offline);
    "brokers up" "which brokers run" |_| Some(Query::BrokersUp);
    "fenced" "which brokers are fenced" |_| Some(Query::Fenced);
    "controller" "which voter is the active controller" |_| Some(Query::Controller);
    "state <group>" "a group's state" |w| Some(Query::State(name(w[0])?));
    "generation <group>" "a group's generation" |w| Some(Query::Generation(name(w[0])?));
    "members <group>" "a group's consumers" |w| Some(Query::Members(name(w[0])?));
    "coordinator <group>" "the broker that coordinates a group" |w| Some(Query::Coordinator(name(w[0])?));
    "owner <group> <partition>" "who reads a partition" |w| Some(Query::Owner(name(w[0])?, tp(w[1])?));
    "owned <consumer>" "what a consumer reads" |w| Some(Query::Owned(name(w[0])?));
    "lag <group> <partition>" "lag; unknown without a commit" |w| Some(Query::Lag(name(w[0])?, tp(w[1])?));
    "lag <group>" "lag over all partitions with a commit" |w| Some(Query::TotalLag(name(w[0])?));
    "committed <group> <partition>" "the committed offset" |w| Some(Query::Committed(name(w[0])?, tp(w[1])?));
    "position <consumer> <partition>" "the next offset a poll returns" |w| Some(Query::Position(name(w[0])?, tp(w[1])?));
    "processed <consumer>" "records processed" |w| Some(Query::Processed(name(w[0])?));
    "reprocessed <group>" "records processed more than once" |w| Some(Query::Reprocessed(name(w[0])?));
    "skipped <group>" "records committed but never processed" |w| Some(Query::Skipped(name(w[0])?));
    "sent <producer>" "records handed to the client" |w| Some(Query::Sent(name(w[0])?));
    "acknowledged <producer>" "records acknowledged" |w| Some(Query::Acknowledged(name(w[0])?));
    "failed <producer>" "records that failed for good" |w| Some(Query::Failed(name(w[0])?));
    "last error <producer>" "the last error it was answered with" |w| Some(Query::LastError(name(w[0])?));
    "lost <producer>" "acknowledged records that are gone" |w| Some(Query::Lost(name(w[0])?));
    "lost records <producer>" "which they are" |w| Some(Query::LostRecords(name(w[0])?));
    "duplicated <producer>" "records that stand in a log twice" |w| Some(Query::Duplicated(name(w[0])?));
    "reordered <producer>" "records behind one that was sent later" |w| Some(Query::Reordered(name(w[0])?));
    "events <event>" "how often something happened, like IsrShrunk" |w| Some(Query::Events(name(w[0])?));
}

fn tp(word: &str) -> Option<Tp> {
    let (topic, number) = word.rsplit_once('-')?;
    Some(Tp {
        topic: name(topic)?,
        partition: number.parse().ok()?,
    })
}

fn id(word: &str) -> Option<BrokerId> {
    word.parse().ok()
}

fn name(word: &str) -> Option<Arc<str>> {
    crate::sim::spec::check_name("thing", word).ok()?;
    Some(word.into())
}

/// The words in a form's slots, if its other words fit.
fn slots<'a>(form: &Form, words: &[&'a str]) -> Option<Vec<&'a str>> {
    let wanted: Vec<&str> = form.words.split(' ').collect();
    if wanted.len() != words.len() {
        return None;
    }
    let mut found = Vec::new();
    for (wanted, word) in wanted.iter().zip(words) {
        if wanted.starts_with('<') {
            found.push(*word);
        } else if wanted != word {
            return None;
        }
    }
    Some(found)
}

pub(super) fn query(text: &str) -> Result<Query, ParseError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return Err(ParseError::Empty);
    }
    let fits = FORMS
        .iter()
        .find_map(|form| slots(form, &words).and_then(|found| (form.build)(&found)));
    fits.ok_or_else(|| {
        let shared = |form: &&Form| {
            let wanted = form.words.split(' ');
            wanted.zip(&words).take_while(|(a, b)| a == *b).count()
        };
        let distance = |form: &&Form| {
            let first = form.words.split(' ').next().unwrap_or_default();
            strsim::damerau_levenshtein(first, words[0])
        };
        // Earlier forms are tried first, so the first of equals is named.
        let alike = FORMS
            .iter()
            .rev()
            .max_by_key(|form| (shared(form), std::cmp::Reverse(distance(form))));
        ParseError::Unknown {
            text: text.trim().to_owned(),
            nearest: alike
                .filter(|form| shared(form) > 0 || distance(form) <= 2)
                .map(|form| form.words),
        }
    })
}

pub(super) fn value(text: &str) -> Result<Value, ParseError> {
    let text = text.trim();
    let wrong = || ParseError::NoValue {
        text: text.to_owned(),
    };
    let within = |open: char, close: char| text.strip_prefix(open)?.strip_suffix(close);
    let members = |inner: &str| -> Vec<String> {
        let parts = inner.split(',').map(|part| part.trim().to_owned());
        parts.filter(|part| !part.is_empty()).collect()
    };
    if let Some(inner) = within('[', ']') {
        let ids: Option<Vec<BrokerId>> = members(inner).iter().map(|word| id(word)).collect();
        return ids.map(Value::List).ok_or_else(wrong);
    }
    if let Some(inner) = within('{', '}') {
        let words = members(inner);
        let ids: Option<BTreeSet<BrokerId>> = words.iter().map(|word| id(word)).collect();
        return Ok(match ids {
            Some(ids) => Value::Set(ids),
            None => Value::Words(words.iter().map(|word| word.as_str().into()).collect()),
        });
    }
    match text {
        "" => Err(wrong()),
        "none" | "nobody" => Ok(Value::None),
        "unknown" => Ok(Value::Unknown),
        word if word.contains(char::is_whitespace) => Err(wrong()),
        word => Ok(match word.parse() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::Word(word.into()),
        }),
    }
}

pub(super) fn condition(text: &str) -> Result<Condition, ParseError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return Err(ParseError::Empty);
    }
    let parts = words.split(|word| *word == "and");
    let all: Result<Vec<Test>, ParseError> = parts.map(|part| test(&part.join(" "))).collect();
    Ok(Condition { all: all? })
}

fn test(text: &str) -> Result<Test, ParseError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let ["event", event] = words[..] {
        return Ok(Test {
            query: query(&format!("events {event}"))?,
            comparison: Comparison::More,
            with: Operand::Value(Value::Number(0)),
        });
    }
    let found = words.iter().enumerate().find_map(|(place, word)| {
        let comparison = Comparison::ALL.into_iter().find(|op| op.word() == *word);
        comparison.map(|comparison| (place, comparison))
    });
    let Some((place, comparison)) = found else {
        return Err(ParseError::NoComparison {
            text: text.to_owned(),
        });
    };
    let left = query(&words[..place].join(" "))?;
    let right = words[place + 1..].join(" ");
    let with = match value(&right) {
        // One word may be a query too, such as `controller`; a state or a name is far more likely.
        Ok(value) => Operand::Value(value),
        Err(no_value) => Operand::Query(query(&right).map_err(|_| no_value)?),
    };
    Ok(Test {
        query: left,
        comparison,
        with,
    })
}
