//! What there is to see of a cluster at one moment, as plain values.
//!
//! Screens draw a [`View`] and nothing else of the cluster, so that drawing needs no borrow of it and tests can make one
//! by hand.

use crate::sim::{
    time::Time,
    types::{BrokerId, LeaderEpoch, Offset},
};

/// A cluster at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// The moment.
    pub now: Time,
    /// The controller quorum.
    pub quorum: QuorumView,
    /// Brokers, by number.
    pub brokers: Vec<BrokerView>,
    /// Topics, in the order of their creation.
    pub topics: Vec<TopicView>,
    /// Consumer groups, in the order of the spec.
    pub groups: Vec<GroupView>,
    /// Producers, in the order of the spec.
    pub producers: Vec<ProducerView>,
    /// Links that are cut or slow.
    pub links: Vec<LinkView>,
}

/// The controller quorum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuorumView {
    /// The active controller, if there is one.
    pub active: Option<u32>,
    /// Its epoch.
    pub epoch: i32,
    /// How many voters run.
    pub up: u32,
    /// How many voters there are.
    pub voters: u32,
}

/// How a broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BrokerState {
    /// Its process runs and the controller counts on it.
    #[default]
    Up,
    /// Its process runs, but the controller does not count on it.
    Fenced,
    /// It is on its way down, in a controlled way.
    ShuttingDown,
    /// Its process does not run.
    Down,
}

impl BrokerState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Fenced => "fenced",
            Self::ShuttingDown => "stopping",
            Self::Down => "down",
        }
    }
}

/// A broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerView {
    /// `node.id`
    pub id: BrokerId,
    /// How it is.
    pub state: BrokerState,
    /// How many times slower than usual its disk is; 1 is as usual.
    pub disk: u32,
    /// Whether a link from or to it is cut or slow.
    pub troubled_link: bool,
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicView {
    /// Its name.
    pub name: String,
    /// Replicas of each partition.
    pub replication: u32,
    /// `min.insync.replicas` as it applies.
    pub min_isr: u32,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionView>,
}

/// A partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionView {
    /// Its number.
    pub partition: u32,
    /// The leader by the controller's word.
    pub leader: Option<BrokerId>,
    /// The leader epoch by the controller's word.
    pub epoch: LeaderEpoch,
    /// The in-sync replicas by the controller's word.
    pub isr: Vec<BrokerId>,
    /// The eligible leader replicas.
    pub elr: Vec<BrokerId>,
    /// The high watermark as the leader knows it.
    pub high_watermark: Option<Offset>,
    /// Its replicas in order of preference.
    pub replicas: Vec<ReplicaView>,
}

impl PartitionView {
    /// Replicas that are not in sync.
    pub fn out_of_sync(&self) -> usize {
        self.replicas
            .iter()
            .filter(|replica| !self.isr.contains(&replica.broker))
            .count()
    }

    /// The furthest log end.
    pub fn log_end(&self) -> Offset {
        self.replicas
            .iter()
            .map(|replica| replica.log_end)
            .max()
            .unwrap_or(0)
    }
}

/// A copy of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaView {
    /// On which broker.
    pub broker: BrokerId,
    /// Where its log ends.
    pub log_end: Offset,
    /// The high watermark as this copy knows it.
    pub high_watermark: Offset,
    /// Whether its broker believes that it leads.
    pub leads: bool,
    /// Whether its broker's process runs.
    pub up: bool,
}

/// A consumer group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupView {
    /// `group.id`
    pub name: String,
    /// Its state, by Kafka's word.
    pub state: String,
    /// Its generation.
    pub generation: i32,
    /// The assignor, while there is one.
    pub assignor: String,
    /// The broker that coordinates it.
    pub coordinator: Option<BrokerId>,
    /// How many members it has by the coordinator's word: one that was killed counts until its session is over.
    pub joined: usize,
    /// The consumers that are or want to be its members, and those that are stopped.
    pub members: Vec<MemberView>,
    /// For each partition it reads: its name, the committed offset, the lag, the member that owns it.
    pub partitions: Vec<GroupPartitionView>,
}

impl GroupView {
    /// The sum of the lags that are known.
    pub fn lag(&self) -> Option<u64> {
        let mut known = self.partitions.iter().filter_map(|p| p.lag).peekable();
        known.peek()?;
        Some(known.sum())
    }
}

/// A member of a group, or a consumer that wants to be one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberView {
    /// Its name.
    pub name: String,
    /// What it does, in a word: stopped, frozen, joining, reading, out, …
    pub state: String,
    /// `group.instance.id`
    pub instance: Option<String>,
    /// The partitions it owns, or believes to: `orders-0`.
    pub owned: Vec<String>,
    /// It has partitions and is no member of its group any more.
    pub out: bool,
    /// How far it is behind on those, by what the group has committed; none while nothing is known.
    pub lag: Option<u64>,
    /// Records it has worked on.
    pub processed: u64,
}

/// A partition as a group sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupPartitionView {
    /// Its name.
    pub name: String,
    /// The committed offset: the next to read.
    pub committed: Option<Offset>,
    /// High watermark minus committed offset; unknown without a commit.
    pub lag: Option<u64>,
}

/// A producer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProducerView {
    /// Its name.
    pub name: String,
    /// What it does, in a word: running, blocked, stopped, …
    pub state: String,
    /// Where it writes to.
    pub topic: String,
    /// `acks`, as Kafka writes it.
    pub acks: String,
    /// Whether it is idempotent.
    pub idempotent: bool,
    /// Records a second it is asked to make.
    pub rate: f64,
    /// Produce requests that wait for an answer.
    pub in_flight: u32,
    /// Records made.
    pub made: u64,
    /// Records it was told are written.
    pub acknowledged: u64,
    /// Records it was told have failed.
    pub failed: u64,
    /// Records that were acknowledged and are lost.
    pub lost: u64,
    /// Records that stand in the log more than once.
    pub duplicated: u64,
    /// Records that stand after later ones.
    pub reordered: u64,
    /// The error it got last, while it goes on getting it.
    pub error: Option<String>,
}

/// A link that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// From which node.
    pub from: String,
    /// To which node.
    pub to: String,
    /// How much longer messages take; nothing arrives at all without it.
    pub slower: Option<Time>,
}
