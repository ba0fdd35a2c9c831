//! Commands: what can be done to a running cluster, and how it is written in plain words.
//!
//! [`Command`] is data; carrying it out is the business of the cluster. The written form is the same in scenario files,
//! on the lab's command line and in replays: [`Command`]'s `FromStr` and `Display` are inverse to each other. The forms
//! stand in one table ([`FORMS`], in `grammar`), from which parsing, completion and help are made.

mod grammar;
mod words;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

pub use grammar::{FORMS, Form, Slot, completions};

use super::message::MessageKind;
use super::node::{NodeName, Tp};
use super::spec::{CommitMode, Keys};
use super::time::Time;
use super::types::{BrokerId, Offset};

/// Something done to the cluster from outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A broker's process dies at once.
    Crash {
        /// Which broker.
        broker: BrokerId,
        /// Its machine dies too: what was not yet on the platter is gone.
        lose_page_cache: bool,
    },
    /// A broker that is down starts.
    Restart {
        /// Which broker.
        broker: BrokerId,
    },
    /// A broker is asked to stop in a controlled way.
    ShutDown {
        /// Which broker.
        broker: BrokerId,
    },
    /// A broker's disk takes so many times as long as its spec says; 1 is normal.
    SlowDisk {
        /// Which broker.
        broker: BrokerId,
        /// How many times as long.
        factor: u32,
    },
    /// All messages from and to a node take so many times as long; 1 is normal.
    SlowNetwork {
        /// Which node.
        node: NodeName,
        /// How many times as long.
        factor: u32,
    },
    /// Messages from one node to another are lost.
    Cut {
        /// The sender.
        from: NodeName,
        /// The receiver.
        to: NodeName,
        /// The other way too.
        both: bool,
    },
    /// A node is cut off from all others, both ways.
    Isolate {
        /// Which node.
        node: NodeName,
    },
    /// A cut or slow link is as before.
    Heal {
        /// The sender.
        from: NodeName,
        /// The receiver.
        to: NodeName,
        /// The other way too.
        both: bool,
    },
    /// All links and nodes of the network are as before.
    HealAll,
    /// Messages from one node to another take this much longer.
    SlowLink {
        /// The sender.
        from: NodeName,
        /// The receiver.
        to: NodeName,
        /// The other way too.
        both: bool,
        /// How much longer.
        delay: Time,
    },
    /// A share of all messages is lost from now on.
    LoseMessages {
        /// In percent, 0 to 100.
        percent: u8,
    },
    /// The next message of a kind between two nodes is lost.
    DropNext {
        /// Of which kind.
        kind: MessageKind,
        /// The sender.
        from: NodeName,
        /// The receiver.
        to: NodeName,
    },
    /// A topic is created.
    CreateTopic {
        /// Its name.
        topic: Arc<str>,
        /// How many partitions.
        partitions: u32,
        /// How many replicas.
        replication: u32,
    },
    /// A topic gets more partitions.
    AddPartitions {
        /// Which topic.
        topic: Arc<str>,
        /// How many it has then.
        to: u32,
    },
    /// A setting is changed while everything runs.
    Set {
        /// Whose.
        target: Target,
        /// Kafka's name of the setting.
        setting: Arc<str>,
        /// The value as written.
        value: Arc<str>,
    },
    /// A partition's replicas move.
    Reassign {
        /// Which partition.
        partition: Tp,
        /// The replicas it shall have, the preferred leader first.
        replicas: Vec<BrokerId>,
    },
    /// Preferred leaders get their place back.
    ElectPreferred {
        /// One partition, or all.
        partition: Option<Tp>,
    },
    /// A leader is elected even if it lacks records.
    ElectUnclean {
        /// Which partition.
        partition: Tp,
    },
    /// A client does something else.
    Client {
        /// Which client: a producer or a consumer.
        client: NodeName,
        /// What.
        action: ClientAction,
    },
    /// A producer changes how it works.
    Producer {
        /// Its name.
        name: Arc<str>,
        /// What changes.
        change: ProducerChange,
    },
    /// A consumer changes how it works.
    Consumer {
        /// Its name.
        name: Arc<str>,
        /// What changes.
        change: ConsumerChange,
    },
    /// A new consumer joins a group.
    Join {
        /// The consumer's name.
        consumer: Arc<str>,
        /// The group.
        group: Arc<str>,
        /// `group.instance.id`, for a static member.
        instance: Option<Arc<str>>,
    },
    /// A group's committed offsets are set; the group must be empty.
    ResetOffsets {
        /// The group.
        group: Arc<str>,
        /// One partition, or all it has commits for or its topics have.
        partition: Option<Tp>,
        /// Where to.
        to: ResetTo,
    },
    /// The active controller's process dies; the quorum elects another.
    FailController,
    /// One voter of the controller quorum dies.
    CrashController {
        /// Which.
        controller: u32,
    },
    /// A voter of the controller quorum that is down starts.
    RestartController {
        /// Which.
        controller: u32,
    },
}

/// Whose setting is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// All brokers.
    Brokers,
    /// One broker.
    Broker(BrokerId),
    /// A topic.
    Topic(Arc<str>),
    /// A producer.
    Producer(Arc<str>),
    /// A consumer.
    Consumer(Arc<str>),
}

/// What a client is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAction {
    /// Start.
    Start,
    /// Close in an orderly way: flush, or commit and leave the group.
    Stop,
    /// The process stands still (a long garbage collection): it neither sends nor handles anything.
    Pause,
    /// It goes on.
    Resume,
    /// The process dies: nothing is flushed, committed or left.
    Kill,
    /// Close and start again.
    Restart,
    /// Its machine is so many times slower; 1 is normal.
    Slow(u32),
}

/// How a producer changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProducerChange {
    /// Records a second.
    Rate(f64),
    /// Bytes a record.
    RecordSize(u32),
    /// How it picks keys.
    Keys(Keys),
}

/// How a consumer changes.
#[derive(Debug, Clone, PartialEq)]
pub enum ConsumerChange {
    /// How long it works on a record.
    Processing(Time),
    /// In percent, how many records fail at first.
    FailurePercent(u8),
    /// When it commits.
    Commit(CommitMode),
    /// It fetches nothing from a partition (`Consumer.pause`).
    PausePartition(Tp),
    /// It fetches from it again.
    ResumePartition(Tp),
    /// This record fails each time it is processed.
    Poison {
        /// Its partition.
        partition: Tp,
        /// Its offset.
        offset: Offset,
    },
}

/// Where a group's offset is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetTo {
    /// The log's start.
    Earliest,
    /// The high watermark.
    Latest,
    /// This offset.
    Offset(Offset),
}

/// What is wrong with a written command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing was written.
    #[error("no command; for example `crash broker 2`")]
    Empty,
    /// No form begins like this.
    #[error("`{text}` is no command{}", nearest.map_or(String::new(), |form| format!("; the nearest form is `{form}`")))]
    Unknown {
        /// What was written.
        text: String,
        /// The form that comes nearest.
        nearest: Option<&'static str>,
    },
    /// A form fits up to a word.
    #[error("`{found}` where `{form}` has {wanted}")]
    Slot {
        /// What was written there.
        found: String,
        /// The form.
        form: &'static str,
        /// What belongs there.
        wanted: String,
    },
    /// A form fits, but ends later.
    #[error("`{text}` stops short: the form is `{form}`")]
    Short {
        /// What was written.
        text: String,
        /// The form.
        form: &'static str,
    },
    /// A form fits, but ends earlier.
    #[error("`{rest}` is too much: the form is `{form}`")]
    Long {
        /// What is too much.
        rest: String,
        /// The form.
        form: &'static str,
    },
}

impl FromStr for Command {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Command, ParseError> {
        grammar::parse(text)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words::write(self, f)
    }
}

#[cfg(test)]
mod tests;
