//! Queries: what can be asked of a running cluster, and how it is written in plain words.
//!
//! A [`Query`] has a [`Value`] at any moment; a [`Condition`] compares values. Both read and write the same text, which
//! scenario files use for `until`, claims and predictions. What the answer to a query is, the cluster knows: it
//! implements [`Observe`].

mod parse;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

pub use parse::{FORMS, Form};

use super::node::Tp;
use super::types::BrokerId;

/// Something to ask of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Who leads a partition; none when nobody does.
    Leader(Tp),
    /// A partition's replicas, in order of preference.
    Replicas(Tp),
    /// Its in-sync replicas, as the controller has them.
    Isr(Tp),
    /// Its eligible leader replicas (KIP-966).
    Elr(Tp),
    /// Its leader epoch.
    Epoch(Tp),
    /// The version of its registration.
    PartitionEpoch(Tp),
    /// Its leader's high watermark.
    HighWatermark(Tp),
    /// The high watermark one replica knows.
    HighWatermarkOn(Tp, BrokerId),
    /// Its leader's log end.
    LogEnd(Tp),
    /// The log end of one replica.
    LogEndOn(Tp, BrokerId),
    /// How many partitions a topic has.
    Partitions(Arc<str>),
    /// How many partitions have fewer in-sync replicas than replicas.
    UnderReplicated,
    /// How many partitions have fewer in-sync replicas than the minimum.
    UnderMinIsr,
    /// How many partitions have no leader.
    Offline,
    /// Which brokers run.
    BrokersUp,
    /// Which brokers the controller has fenced.
    Fenced,
    /// Which voter is the active controller; none during an election.
    Controller,
    /// A group's state: Empty, PreparingRebalance, CompletingRebalance, Stable, Dead.
    State(Arc<str>),
    /// A group's generation.
    Generation(Arc<str>),
    /// The consumers in a group, by name.
    Members(Arc<str>),
    /// Which broker coordinates a group.
    Coordinator(Arc<str>),
    /// Who owns a partition in a group; none when nobody does.
    Owner(Arc<str>, Tp),
    /// The partitions a consumer owns.
    Owned(Arc<str>),
    /// A group's lag on a partition; unknown without a commit.
    Lag(Arc<str>, Tp),
    /// A group's lag over all partitions it has committed for; unknown without a commit.
    TotalLag(Arc<str>),
    /// A group's committed offset on a partition; unknown without a commit.
    Committed(Arc<str>, Tp),
    /// A consumer's position on a partition: the next offset its poll returns.
    Position(Arc<str>, Tp),
    /// How many records a consumer has processed.
    Processed(Arc<str>),
    /// How many records a group has processed more than once.
    Reprocessed(Arc<str>),
    /// How many records a group has committed past without processing them.
    Skipped(Arc<str>),
    /// How many records a producer has handed over to its client.
    Sent(Arc<str>),
    /// How many of them were acknowledged.
    Acknowledged(Arc<str>),
    /// How many of them failed for good.
    Failed(Arc<str>),
    /// The last error a producer was answered with; none when there was none.
    LastError(Arc<str>),
    /// How many acknowledged records of a producer are in no live log any more.
    Lost(Arc<str>),
    /// Which they are: `partition@offset`, in order.
    LostRecords(Arc<str>),
    /// How many records of a producer stand in a log more than once.
    Duplicated(Arc<str>),
    /// How many records of a producer stand in a log behind one that was sent later.
    Reordered(Arc<str>),
    /// How often something of a kind happened: the name of an event, like `IsrShrunk`.
    Events(Arc<str>),
}

/// What the answer to a query can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// There is nothing or nobody.
    None,
    /// It cannot be known: a lag without a commit.
    Unknown,
    /// A number: offset, epoch, count, broker.
    Number(i64),
    /// Brokers as a set.
    Set(BTreeSet<BrokerId>),
    /// Brokers in an order that matters.
    List(Vec<BrokerId>),
    /// A word: a state, an error, a consumer's name.
    Word(Arc<str>),
    /// Words as a set: consumers, partitions, records.
    Words(BTreeSet<Arc<str>>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn joined<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
            let words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
            words.join(",")
        }
        match self {
            Value::None => f.write_str("none"),
            Value::Unknown => f.write_str("unknown"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Set(ids) => write!(f, "{{{}}}", joined(ids)),
            Value::List(ids) => write!(f, "[{}]", joined(ids)),
            Value::Word(word) => f.write_str(word),
            Value::Words(words) => write!(f, "{{{}}}", joined(words)),
        }
    }
}

/// Why a query has no answer in this cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It names something that is not there.
    #[error("there is no {kind} `{name}`{}", known_words(known))]
    Missing {
        /// Of what kind.
        kind: &'static str,
        /// By what name.
        name: String,
        /// What there is of that kind.
        known: Vec<String>,
    },
    /// Its values cannot be compared like that.
    #[error("`{left}` {op} `{right}`: only numbers have an order")]
    Order {
        /// The one side.
        left: String,
        /// How they are compared.
        op: Comparison,
        /// The other side.
        right: String,
    },
}

fn known_words(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!("; there is {}", known.join(", "))
    }
}

/// Something that queries can be asked of.
pub trait Observe {
    /// The value of a query now.
    ///
    /// # Errors
    /// [`QueryError::Missing`] when it names what is not there.
    fn observe(&self, query: &Query) -> Result<Value, QueryError>;
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Is,
    /// `!=`
    IsNot,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `has`: a set or list holds a member.
    Has,
}

impl Comparison {
    const ALL: [Comparison; 7] = [
        Comparison::Is,
        Comparison::IsNot,
        Comparison::Less,
        Comparison::AtMost,
        Comparison::More,
        Comparison::AtLeast,
        Comparison::Has,
    ];

    fn word(self) -> &'static str {
        match self {
            Comparison::Is => "=",
            Comparison::IsNot => "!=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::More => ">",
            Comparison::AtLeast => ">=",
            Comparison::Has => "has",
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A value as written.
    Value(Value),
    /// The value of another query.
    Query(Query),
}

/// Something that holds in a cluster or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// All of these hold.
    pub all: Vec<Test>,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// The left side.
    pub query: Query,
    /// How it is compared.
    pub comparison: Comparison,
    /// The right side.
    pub with: Operand,
}

/// How one comparison came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The comparison as written.
    pub test: String,
    /// The value found on its left side.
    pub found: Value,
    /// Whether it holds.
    pub holds: bool,
}

impl Condition {
    /// Whether it holds now.
    ///
    /// # Errors
    /// When a name in it is not there, or values that have no order are compared by order.
    pub fn holds(&self, cluster: &impl Observe) -> Result<bool, QueryError> {
        for test in &self.all {
            if !test.check(cluster)?.holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How each of its comparisons comes out now.
    ///
    /// # Errors
    /// As [`Condition::holds`].
    pub fn findings(&self, cluster: &impl Observe) -> Result<Vec<Finding>, QueryError> {
        self.all.iter().map(|test| test.check(cluster)).collect()
    }
}

impl Test {
    fn check(&self, cluster: &impl Observe) -> Result<Finding, QueryError> {
        let found = cluster.observe(&self.query)?;
        let with = match &self.with {
            Operand::Value(value) => value.clone(),
            Operand::Query(query) => cluster.observe(query)?,
        };
        let holds = compare(&found, self.comparison, &with)?;
        Ok(Finding {
            test: self.to_string(),
            found,
            holds,
        })
    }
}

/// Compares a value found with one that was written or found. Written values are looser than found ones: `{1,2}` may
/// stand for brokers or words, and a lone word for a number.
///
/// # Errors
/// [`QueryError::Order`] when an order is asked of what has none.
pub fn compare(found: &Value, comparison: Comparison, with: &Value) -> Result<bool, QueryError> {
    let order = |op: fn(&i64, &i64) -> bool| match (found, with) {
        (Value::Number(left), Value::Number(right)) => Ok(op(left, right)),
        // What is unknown or not there is neither above nor below anything.
        (Value::Unknown | Value::None, _) | (_, Value::Unknown | Value::None) => Ok(false),
        _ => Err(QueryError::Order {
            left: found.to_string(),
            op: comparison,
            right: with.to_string(),
        }),
    };
    match comparison {
        Comparison::Is => Ok(same(found, with)),
        Comparison::IsNot => Ok(!same(found, with)),
        Comparison::Less => order(i64::lt),
        Comparison::AtMost => order(i64::le),
        Comparison::More => order(i64::gt),
        Comparison::AtLeast => order(i64::ge),
        Comparison::Has => Ok(has(found, with)),
    }
}

fn same(found: &Value, with: &Value) -> bool {
    match (found, with) {
        (Value::Set(set), Value::List(list)) | (Value::List(list), Value::Set(set)) => {
            list.len() == set.len() && list.iter().all(|id| set.contains(id))
        }
        // An empty set is written alike, whatever it would hold.
        (Value::Words(words), Value::Set(set)) | (Value::Set(set), Value::Words(words)) => {
            words.is_empty() && set.is_empty()
        }
        _ => found == with,
    }
}

fn has(found: &Value, with: &Value) -> bool {
    match (found, with) {
        (Value::Set(set), Value::Number(id)) => {
            BrokerId::try_from(*id).is_ok_and(|id| set.contains(&id))
        }
        (Value::List(list), Value::Number(id)) => {
            BrokerId::try_from(*id).is_ok_and(|id| list.contains(&id))
        }
        (Value::Words(words), Value::Word(word)) => words.contains(word),
        _ => false,
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Query::Leader(tp) => write!(f, "leader {tp}"),
            Query::Replicas(tp) => write!(f, "replicas {tp}"),
            Query::Isr(tp) => write!(f, "isr {tp}"),
            Query::Elr(tp) => write!(f, "elr {tp}"),
            Query::Epoch(tp) => write!(f, "epoch {tp}"),
            Query::PartitionEpoch(tp) => write!(f, "partition epoch {tp}"),
            Query::HighWatermark(tp) => write!(f, "high watermark {tp}"),
            Query::HighWatermarkOn(tp, id) => write!(f, "high watermark {tp} on {id}"),
            Query::LogEnd(tp) => write!(f, "log end {tp}"),
            Query::LogEndOn(tp, id) => write!(f, "log end {tp} on {id}"),
            Query::Partitions(topic) => write!(f, "partitions {topic}"),
            Query::UnderReplicated => f.write_str("under replicated"),
            Query::UnderMinIsr => f.write_str("under min isr"),
            Query::Offline => f.write_str("offline"),
            Query::BrokersUp => f.write_str("brokers up"),
            Query::Fenced => f.write_str("fenced"),
            Query::Controller => f.write_str("controller"),
            Query::State(group) => write!(f, "state {group}"),
            Query::Generation(group) => write!(f, "generation {group}"),
            Query::Members(group) => write!(f, "members {group}"),
            Query::Coordinator(group) => write!(f, "coordinator {group}"),
            Query::Owner(group, tp) => write!(f, "owner {group} {tp}"),
            Query::Owned(consumer) => write!(f, "owned {consumer}"),
            Query::Lag(group, tp) => write!(f, "lag {group} {tp}"),
            Query::TotalLag(group) => write!(f, "lag {group}"),
            Query::Committed(group, tp) => write!(f, "committed {group} {tp}"),
            Query::Position(consumer, tp) => write!(f, "position {consumer} {tp}"),
            Query::Processed(consumer) => write!(f, "processed {consumer}"),
            Query::Reprocessed(group) => write!(f, "reprocessed {group}"),
            Query::Skipped(group) => write!(f, "skipped {group}"),
            Query::Sent(producer) => write!(f, "sent {producer}"),
            Query::Acknowledged(producer) => write!(f, "acknowledged {producer}"),
            Query::Failed(producer) => write!(f, "failed {producer}"),
            Query::LastError(producer) => write!(f, "last error {producer}"),
            Query::Lost(producer) => write!(f, "lost {producer}"),
            Query::LostRecords(producer) => write!(f, "lost records {producer}"),
            Query::Duplicated(producer) => write!(f, "duplicated {producer}"),
            Query::Reordered(producer) => write!(f, "reordered {producer}"),
            Query::Events(name) => write!(f, "events {name}"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.query, self.comparison)?;
        match &self.with {
            Operand::Value(value) => write!(f, "{value}"),
            Operand::Query(query) => write!(f, "{query}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, test) in self.all.iter().enumerate() {
            if place > 0 {
                f.write_str(" and ")?;
            }
            write!(f, "{test}")?;
        }
        Ok(())
    }
}

/// What is wrong with a written query or condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing was written.
    #[error("no query; for example `leader orders-0`")]
    Empty,
    /// No form fits.
    #[error("`{text}` is no query{}", nearest.map_or(String::new(), |form| format!("; the nearest form is `{form}`")))]
    Unknown {
        /// What was written.
        text: String,
        /// The form that comes nearest.
        nearest: Option<&'static str>,
    },
    /// A condition without a comparison.
    #[error(
        "`{text}` compares nothing; write = != < <= > >= or `has` behind the query, or `event NAME`"
    )]
    NoComparison {
        /// What was written.
        text: String,
    },
    /// The right side is nothing that can be compared with.
    #[error(
        "`{text}` is neither a value nor a query; write a number, a word, none, unknown, {{1,2}} or [1,2]"
    )]
    NoValue {
        /// What was written.
        text: String,
    },
}

impl FromStr for Query {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Query, ParseError> {
        parse::query(text)
    }
}

impl FromStr for Value {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Value, ParseError> {
        parse::value(text)
    }
}

impl FromStr for Condition {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Condition, ParseError> {
        parse::condition(text)
    }
}

#[cfg(test)]
mod tests;
