//! What a cluster is made of: the description from which [`super::cluster::Cluster::new`] builds it.
//!
//! It is `Deserialize`, so that a scenario file can hold it; `sim` itself reads no files. [`Spec::check`] says what is
//! impossible in it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::node::Tp;
use super::settings::{
    Place, Setting, SettingError, Settings, WrittenSettings, check_for_one_broker, check_heartbeat,
    parse_all,
};
use super::time::Time;
use super::types::{BrokerId, Offset};

/// A cluster with its clients.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// How many brokers; they are numbered from 1.
    pub brokers: u32,
    /// How many voters the controller quorum has.
    pub controllers: u32,
    /// Racks of brokers (`broker.rack`).
    pub racks: BTreeMap<BrokerId, String>,
    /// Settings of all brokers.
    pub settings: WrittenSettings,
    /// Settings of single brokers.
    pub broker_settings: BTreeMap<BrokerId, WrittenSettings>,
    /// The network between all nodes.
    pub network: NetworkSpec,
    /// The brokers' disks.
    pub disk: DiskSpec,
    /// Topics that exist from the start.
    pub topics: Vec<TopicSpec>,
    /// Producers.
    pub producers: Vec<ProducerSpec>,
    /// Consumer groups.
    pub groups: Vec<GroupSpec>,
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            brokers: 3,
            controllers: 3,
            racks: BTreeMap::new(),
            settings: WrittenSettings::new(),
            broker_settings: BTreeMap::new(),
            network: NetworkSpec::default(),
            disk: DiskSpec::default(),
            topics: Vec::new(),
            producers: Vec::new(),
            groups: Vec::new(),
        }
    }
}

/// The network: a message takes `latency` plus up to `jitter`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkSpec {
    /// One way.
    pub latency: Time,
    /// Added at random, uniformly, up to this.
    pub jitter: Time,
    /// The share of messages that get lost, 0 to 1.
    pub loss: f64,
}

impl Default for NetworkSpec {
    fn default() -> Self {
        NetworkSpec {
            latency: Time::micros(300),
            jitter: Time::micros(200),
            loss: 0.0,
        }
    }
}

/// A disk: an append takes `append` plus its size at `bytes_per_second`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiskSpec {
    /// Time of an append to the page cache, before size counts.
    pub append: Time,
    /// How fast bytes are taken.
    pub bytes_per_second: u64,
    /// How often dirty pages reach the platter; a crash that loses the page cache loses what came after.
    pub flush: Time,
}

impl Default for DiskSpec {
    fn default() -> Self {
        DiskSpec {
            append: Time::micros(50),
            bytes_per_second: 200_000_000,
            flush: Time::secs(30),
        }
    }
}

/// A topic.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions; without it `num.partitions`.
    pub partitions: Option<u32>,
    /// How many replicas; without it `default.replication.factor`.
    pub replication: Option<u32>,
    /// Replicas of each partition in order of preference, instead of the two numbers above.
    #[serde(default)]
    pub assignments: Vec<Vec<BrokerId>>,
    /// Its own settings.
    #[serde(default)]
    pub settings: WrittenSettings,
}

/// How a producer picks keys.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Keys {
    /// Records without keys.
    #[default]
    None,
    /// So many keys, all as likely.
    Uniform(u32),
    /// So many keys, the n-th with weight 1/n.
    Zipf(u32),
    /// One key in this share of the records, in percent; a hundred others share the rest.
    Hot(u8),
}

/// A producer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProducerSpec {
    /// Its name.
    pub name: String,
    /// The topic it writes to.
    pub topic: String,
    /// Records a second.
    #[serde(default = "hundred")]
    pub rate: f64,
    /// Bytes a record.
    #[serde(default = "hundred_bytes")]
    pub record_size: u32,
    /// Keys.
    #[serde(default)]
    pub keys: Keys,
    /// Always to this partition, instead of by key or stickily.
    pub partition: Option<u32>,
    /// When it starts.
    #[serde(default)]
    pub start: Time,
    /// How many records it makes before it stops by itself.
    pub limit: Option<u64>,
    /// Its settings.
    #[serde(default)]
    pub settings: WrittenSettings,
}

fn hundred() -> f64 {
    100.0
}

fn hundred_bytes() -> u32 {
    100
}

/// When a consumer commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum CommitMode {
    /// Inside poll(), every `auto.commit.interval.ms` (`enable.auto.commit = true`).
    #[default]
    Auto,
    /// After it processed what a poll returned: at least once.
    AfterProcessing,
    /// Before it processes what a poll returned: at most once.
    BeforeProcessing,
    /// Never.
    Never,
}

/// What a consumer does with a record whose processing fails.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum OnFailure {
    /// Tries again for ever; the partition stands still behind it.
    #[default]
    Retry,
    /// Goes on without it after so many attempts.
    Skip {
        /// Attempts in all.
        attempts: u32,
    },
    /// Writes it to another topic (a retry or a dead-letter topic) after so many attempts and goes on.
    SendTo {
        /// Attempts in all.
        attempts: u32,
        /// The topic.
        topic: String,
    },
}

/// A consumer group.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// `group.id`
    pub name: String,
    /// What its members subscribe to.
    pub topics: Vec<String>,
    /// Settings of all members.
    #[serde(default)]
    pub settings: WrittenSettings,
    /// Its members.
    #[serde(default)]
    pub members: Vec<ConsumerSpec>,
}

/// A consumer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerSpec {
    /// Its name.
    pub name: String,
    /// What it subscribes to, if not what its group does.
    #[serde(default)]
    pub topics: Vec<String>,
    /// `group.instance.id`: makes it a static member.
    pub instance: Option<String>,
    /// `client.rack`
    pub rack: Option<String>,
    /// How long it works on a record.
    #[serde(default)]
    pub processing: Time,
    /// The share of attempts at a record that fail, 0 to 1.
    #[serde(default)]
    pub failure_rate: f64,
    /// Every record whose offset is a multiple of this (and not 0) fails each time.
    pub poison_every: Option<u64>,
    /// Records that fail each time: offsets by partition (`orders-0`).
    #[serde(default)]
    pub poison: BTreeMap<String, Vec<Offset>>,
    /// What it does with a record that fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// How long it waits between two attempts at a record. It does not call poll() meanwhile.
    #[serde(default)]
    pub retry_pause: Time,
    /// When it commits.
    #[serde(default)]
    pub commit: CommitMode,
    /// When it starts.
    #[serde(default)]
    pub start: Time,
    /// Whether it waits for a command instead of starting by itself.
    #[serde(default)]
    pub stopped: bool,
    /// Its settings.
    #[serde(default)]
    pub settings: WrittenSettings,
}

/// What is impossible in a [`Spec`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SpecError {
    /// A setting is wrong.
    #[error("{owner}: {source}")]
    Setting {
        /// Whose setting.
        owner: String,
        /// What is wrong.
        source: SettingError,
    },
    /// Too few or too many of something.
    #[error("{what} is {found}; it must be between {least} and {most}")]
    Count {
        /// Of what.
        what: String,
        /// How many are asked for.
        found: u64,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// Two things of a name.
    #[error("two {kind}s are called `{name}`; names must differ")]
    Duplicate {
        /// Of what kind.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A name that cannot be.
    #[error("`{name}` cannot name a {kind}: use letters, digits, `.`, `_` and `-`")]
    Name {
        /// Of what kind.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Something refers to what is not there.
    #[error("{owner} names {kind} `{name}`, which is not in the spec")]
    Missing {
        /// Who refers.
        owner: String,
        /// To what kind of thing.
        kind: &'static str,
        /// By what name.
        name: String,
    },
    /// A share outside 0 to 1, or a rate that is no number.
    #[error("{what} is {found}; it must be between {least} and {most}")]
    Share {
        /// Of what.
        what: String,
        /// What was given.
        found: f64,
        /// The least.
        least: f64,
        /// The most.
        most: f64,
    },
    /// Settings that contradict each other, as Kafka's clients refuse them.
    #[error("{owner}: {problem}")]
    Conflict {
        /// Whose settings.
        owner: String,
        /// Which, and what would be right.
        problem: String,
    },
}

fn count(what: String, found: u64, least: u64, most: u64) -> Result<(), SpecError> {
    if (least..=most).contains(&found) {
        Ok(())
    } else {
        Err(SpecError::Count {
            what,
            found,
            least,
            most,
        })
    }
}

fn share(what: String, found: f64, least: f64, most: f64) -> Result<(), SpecError> {
    if (least..=most).contains(&found) {
        Ok(())
    } else {
        Err(SpecError::Share {
            what,
            found,
            least,
            most,
        })
    }
}

fn settings(owner: String, written: &WrittenSettings, place: Place) -> Result<(), SpecError> {
    parse_all(written, place)
        .map(drop)
        .map_err(|source| SpecError::Setting { owner, source })
}

/// Checks that names are names and differ.
fn names<'a>(kind: &'static str, all: impl Iterator<Item = &'a String>) -> Result<(), SpecError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in all {
        check_name(kind, name)?;
        if !seen.insert(name) {
            return Err(SpecError::Duplicate {
                kind,
                name: name.clone(),
            });
        }
    }
    Ok(())
}

/// Checks that a name is one: letters, digits, `.`, `_` and `-` (Kafka's rule for topics).
///
/// # Errors
/// [`SpecError::Name`]
pub fn check_name(kind: &'static str, name: &str) -> Result<(), SpecError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 249 || !name.chars().all(legal) {
        return Err(SpecError::Name {
            kind,
            name: name.to_owned(),
        });
    }
    Ok(())
}

/// What is wrong with a topic's name beside another; that one's name follows.
pub(in crate::sim) const COLLIDES: &str = "metrics write `.` as `_`, so it collides with topic";

/// The name among these with which a topic's name collides: the same but for `.` and `_`
/// (`Topic.hasCollision`).
pub(in crate::sim) fn colliding<'a>(
    name: &str,
    mut others: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |name: &str| name.replace('.', "_");
    others.find(|other| *other != name && plain(other) == plain(name))
}

impl Spec {
    /// Looks for what is impossible.
    ///
    /// # Errors
    /// The first impossible thing: its name, what was given and what would be right.
    pub fn check(&self) -> Result<(), SpecError> {
        count("the number of brokers".into(), self.brokers.into(), 1, 1000)?;
        count(
            "the number of controllers".into(),
            self.controllers.into(),
            1,
            9,
        )?;
        share("the network's loss".into(), self.network.loss, 0.0, 1.0)?;
        settings("settings".into(), &self.settings, Place::Broker)?;
        for (broker, written) in &self.broker_settings {
            self.broker_exists("broker_settings", *broker)?;
            settings(format!("broker {broker}"), written, Place::Broker)?;
            self.check_one_broker(*broker, written)?;
        }
        for broker in self.racks.keys() {
            self.broker_exists("racks", *broker)?;
        }
        names("topic", self.topics.iter().map(|topic| &topic.name))?;
        self.check_collisions()?;
        names(
            "producer",
            self.producers.iter().map(|producer| &producer.name),
        )?;
        names("group", self.groups.iter().map(|group| &group.name))?;
        names(
            "consumer",
            self.groups
                .iter()
                .flat_map(|group| &group.members)
                .map(|member| &member.name),
        )?;
        self.topics
            .iter()
            .try_for_each(|topic| self.check_topic(topic))?;
        self.producers
            .iter()
            .try_for_each(|producer| self.check_producer(producer))?;
        self.groups
            .iter()
            .try_for_each(|group| self.check_group(group))
    }

    fn check_one_broker(
        &self,
        broker: BrokerId,
        written: &WrittenSettings,
    ) -> Result<(), SpecError> {
        let common = Settings::default().with(&self.settings, Place::Broker);
        let keeps_elr = common.is_ok_and(|common| common.is_on(Setting::EligibleLeaderReplicas));
        for name in written.keys() {
            let Ok(setting) = Setting::find(name, Place::Broker) else {
                continue;
            };
            check_for_one_broker(setting, keeps_elr).map_err(|why| SpecError::Conflict {
                owner: format!("broker {broker}"),
                problem: format!("{name}: {why}"),
            })?;
        }
        Ok(())
    }

    fn check_collisions(&self) -> Result<(), SpecError> {
        for (place, topic) in self.topics.iter().enumerate() {
            let before = self.topics[..place].iter().map(|topic| topic.name.as_str());
            if let Some(other) = colliding(&topic.name, before) {
                return Err(SpecError::Conflict {
                    owner: format!("topic {}", topic.name),
                    problem: format!("{COLLIDES} {other}"),
                });
            }
        }
        Ok(())
    }

    fn broker_exists(&self, owner: &str, broker: BrokerId) -> Result<(), SpecError> {
        if (1..=self.brokers as BrokerId).contains(&broker) {
            return Ok(());
        }
        Err(SpecError::Missing {
            owner: owner.to_owned(),
            kind: "broker",
            name: broker.to_string(),
        })
    }

    fn topic_exists(&self, owner: String, name: &str) -> Result<(), SpecError> {
        if self.topics.iter().any(|topic| topic.name == name) {
            return Ok(());
        }
        Err(SpecError::Missing {
            owner,
            kind: "topic",
            name: name.to_owned(),
        })
    }

    fn check_topic(&self, topic: &TopicSpec) -> Result<(), SpecError> {
        let owner = format!("topic {}", topic.name);
        if topic.name.starts_with("__") {
            return Err(SpecError::Conflict {
                owner,
                problem: "names that begin with __ are Kafka's own".into(),
            });
        }
        settings(owner.clone(), &topic.settings, Place::Topic)?;
        let brokers = u64::from(self.brokers);
        if let Some(partitions) = topic.partitions {
            count(
                format!("partitions of {owner}"),
                partitions.into(),
                1,
                100_000,
            )?;
        }
        if let Some(replication) = topic.replication {
            count(
                format!("replication of {owner}"),
                replication.into(),
                1,
                brokers,
            )?;
        }
        for replicas in &topic.assignments {
            count(
                format!("replicas of a partition of {owner}"),
                replicas.len() as u64,
                1,
                brokers,
            )?;
            for (place, broker) in replicas.iter().enumerate() {
                self.broker_exists(&owner, *broker)?;
                if replicas[..place].contains(broker) {
                    return Err(SpecError::Duplicate {
                        kind: "replica",
                        name: broker.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    fn check_producer(&self, producer: &ProducerSpec) -> Result<(), SpecError> {
        let owner = format!("producer {}", producer.name);
        self.topic_exists(owner.clone(), &producer.topic)?;
        share(format!("rate of {owner}"), producer.rate, 0.0, 1e7)?;
        count(
            format!("record_size of {owner}"),
            producer.record_size.into(),
            1,
            1 << 30,
        )?;
        settings(owner.clone(), &producer.settings, Place::Producer)?;
        super::producer::check_settings(&producer.settings)
            .map_err(|problem| SpecError::Conflict { owner, problem })
    }

    fn check_group(&self, group: &GroupSpec) -> Result<(), SpecError> {
        let owner = format!("group {}", group.name);
        settings(owner.clone(), &group.settings, Place::Consumer)?;
        group
            .topics
            .iter()
            .try_for_each(|topic| self.topic_exists(owner.clone(), topic))?;
        for member in &group.members {
            let owner = format!("consumer {}", member.name);
            member
                .topics
                .iter()
                .try_for_each(|topic| self.topic_exists(owner.clone(), topic))?;
            self.check_failures(&owner, member)?;
            settings(owner.clone(), &member.settings, Place::Consumer)?;
            if let Ok(both) = Settings::of_consumer(&group.settings, &member.settings) {
                check_heartbeat(&both).map_err(|problem| SpecError::Conflict { owner, problem })?;
            }
        }
        Ok(())
    }

    fn check_failures(&self, owner: &str, member: &ConsumerSpec) -> Result<(), SpecError> {
        share(
            format!("failure_rate of {owner}"),
            member.failure_rate,
            0.0,
            1.0,
        )?;
        if let Some(every) = member.poison_every {
            count(format!("poison_every of {owner}"), every, 1, u64::MAX)?;
        }
        for written in member.poison.keys() {
            let missing = || SpecError::Missing {
                owner: format!("poison of {owner}"),
                kind: "partition",
                name: written.clone(),
            };
            let tp = Tp::read(written).ok_or_else(missing)?;
            let topic = self.topics.iter().find(|topic| topic.name == *tp.topic);
            let topic = topic.ok_or_else(missing)?;
            let size = match topic.assignments.len() {
                0 => topic.partitions,
                size => Some(size as u32),
            };
            if size.is_some_and(|size| tp.partition >= size) {
                return Err(missing());
            }
        }
        match &member.on_failure {
            OnFailure::Retry => Ok(()),
            OnFailure::Skip { attempts } | OnFailure::SendTo { attempts, .. } if *attempts == 0 => {
                count(format!("attempts of {owner}"), 0, 1, u64::from(u32::MAX))
            }
            OnFailure::Skip { .. } => Ok(()),
            OnFailure::SendTo { topic, .. } => self.topic_exists(owner.to_owned(), topic),
        }
    }
}
