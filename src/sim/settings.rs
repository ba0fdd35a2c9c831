//! Kafka's settings: names, defaults, and which of them a cluster, broker, topic or client overrides.
//!
//! The table is `ConfigDef` of Kafka 4.x as far as the simulator has a use for it. Every value is held as one `i64`:
//! milliseconds, bytes, counts, 0/1 for booleans, the index of a choice, so that reading one is an array access.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

/// What kind of value a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Milliseconds, written `30000` or `30s`.
    Millis,
    /// A span kept in milliseconds whose setting is in seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A plain number.
    Count,
    /// `true` or `false`.
    Bool,
    /// One of these words; the value is its index minus `0`, or as `acks` maps it.
    Choice(&'static [&'static str]),
    /// `0`, `1` or `all` (−1).
    Acks,
    /// One or more of these words in order; the value holds them in base 16, first word lowest, each plus one.
    ChoiceList(&'static [&'static str]),
}

/// Where a setting may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// On the cluster or one broker.
    pub broker: bool,
    /// On a topic.
    pub topic: bool,
    /// On a producer.
    pub producer: bool,
    /// On a consumer or its group.
    pub consumer: bool,
}

const BROKER: Scope = Scope {
    broker: true,
    topic: false,
    producer: false,
    consumer: false,
};
const BROKER_TOPIC: Scope = Scope {
    broker: true,
    topic: true,
    producer: false,
    consumer: false,
};
const PRODUCER: Scope = Scope {
    broker: false,
    topic: false,
    producer: true,
    consumer: false,
};
const CONSUMER: Scope = Scope {
    broker: false,
    topic: false,
    producer: false,
    consumer: true,
};
const CLIENT: Scope = Scope {
    broker: false,
    topic: false,
    producer: true,
    consumer: true,
};

macro_rules! settings {
    ($($variant:ident $name:literal $scope:ident $kind:expr, $default:expr, $low:expr, $high:expr;)*) => {
        /// A setting.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "named after Kafka's settings")]
        #[repr(u8)]
        pub enum Setting { $($variant),* }

        impl Setting {
            /// Every setting.
            pub const ALL: &'static [Setting] = &[$(Setting::$variant),*];
            /// Kafka's name.
            pub const fn name(self) -> &'static str { match self { $(Setting::$variant => $name),* } }
            /// Where it may be given.
            pub const fn scope(self) -> Scope { match self { $(Setting::$variant => $scope),* } }
            /// What it takes.
            pub const fn kind(self) -> Kind { match self { $(Setting::$variant => $kind),* } }
            /// Kafka's default.
            pub const fn default_value(self) -> i64 { match self { $(Setting::$variant => $default),* } }
            /// Least and greatest value.
            pub const fn range(self) -> (i64, i64) { match self { $(Setting::$variant => ($low, $high)),* } }
        }
    };
}

/// The assignors of the classic protocol, by the index that `partition.assignment.strategy` holds.
pub const ASSIGNORS: &[&str] = &["range", "roundrobin", "sticky", "cooperative-sticky"];
const RESETS: &[&str] = &["latest", "earliest", "none"];
const ISOLATION: &[&str] = &["read_uncommitted"];
const MAX: i64 = i64::MAX;
const INT: i64 = i32::MAX as i64;

settings! {
    // Producers.
    Acks "acks" PRODUCER Kind::Acks, -1, -1, 1;
    EnableIdempotence "enable.idempotence" PRODUCER Kind::Bool, 1, 0, 1;
    Retries "retries" PRODUCER Kind::Count, INT, 0, INT;
    DeliveryTimeout "delivery.timeout.ms" PRODUCER Kind::Millis, 120_000, 0, INT;
    RequestTimeout "request.timeout.ms" CLIENT Kind::Millis, 30_000, 0, INT;
    Linger "linger.ms" PRODUCER Kind::Millis, 5, 0, INT;
    BatchSize "batch.size" PRODUCER Kind::Bytes, 16_384, 0, INT;
    BufferMemory "buffer.memory" PRODUCER Kind::Bytes, 33_554_432, 0, MAX;
    MaxBlock "max.block.ms" PRODUCER Kind::Millis, 60_000, 0, INT;
    MaxInFlight "max.in.flight.requests.per.connection" PRODUCER Kind::Count, 5, 1, INT;
    MaxRequestSize "max.request.size" PRODUCER Kind::Bytes, 1_048_576, 0, INT;
    RetryBackoff "retry.backoff.ms" CLIENT Kind::Millis, 100, 0, INT;
    RetryBackoffMax "retry.backoff.max.ms" CLIENT Kind::Millis, 1_000, 0, INT;
    MetadataMaxAge "metadata.max.age.ms" CLIENT Kind::Millis, 300_000, 0, INT;
    PartitionerAdaptive "partitioner.adaptive.partitioning.enable" PRODUCER Kind::Bool, 1, 0, 1;
    PartitionerIgnoreKeys "partitioner.ignore.keys" PRODUCER Kind::Bool, 0, 0, 1;

    // Consumers.
    AssignmentStrategy "partition.assignment.strategy" CONSUMER Kind::ChoiceList(ASSIGNORS), 0x41, 1, 0xffff;
    SessionTimeout "session.timeout.ms" CONSUMER Kind::Millis, 45_000, 1, INT;
    HeartbeatInterval "heartbeat.interval.ms" CONSUMER Kind::Millis, 3_000, 1, INT;
    MaxPollInterval "max.poll.interval.ms" CONSUMER Kind::Millis, 300_000, 1, INT;
    MaxPollRecords "max.poll.records" CONSUMER Kind::Count, 500, 1, INT;
    EnableAutoCommit "enable.auto.commit" CONSUMER Kind::Bool, 1, 0, 1;
    AutoCommitInterval "auto.commit.interval.ms" CONSUMER Kind::Millis, 5_000, 0, INT;
    AutoOffsetReset "auto.offset.reset" CONSUMER Kind::Choice(RESETS), 0, 0, 2;
    IsolationLevel "isolation.level" CONSUMER Kind::Choice(ISOLATION), 0, 0, 0;
    FetchMinBytes "fetch.min.bytes" CONSUMER Kind::Bytes, 1, 0, INT;
    FetchMaxWait "fetch.max.wait.ms" CONSUMER Kind::Millis, 500, 0, INT;
    MaxPartitionFetchBytes "max.partition.fetch.bytes" CONSUMER Kind::Bytes, 1_048_576, 0, INT;
    FetchMaxBytes "fetch.max.bytes" CONSUMER Kind::Bytes, 52_428_800, 0, INT;

    // Brokers and topics.
    DefaultReplicationFactor "default.replication.factor" BROKER Kind::Count, 1, 1, 32_767;
    NumPartitions "num.partitions" BROKER Kind::Count, 1, 1, 1_000_000;
    MinInsyncReplicas "min.insync.replicas" BROKER_TOPIC Kind::Count, 1, 1, 32_767;
    ReplicaLagTimeMax "replica.lag.time.max.ms" BROKER Kind::Millis, 30_000, 1, INT;
    ReplicaFetchWaitMax "replica.fetch.wait.max.ms" BROKER Kind::Millis, 500, 0, INT;
    ReplicaFetchMinBytes "replica.fetch.min.bytes" BROKER Kind::Bytes, 1, 0, INT;
    ReplicaFetchBackoff "replica.fetch.backoff.ms" BROKER Kind::Millis, 1_000, 0, INT;
    ReplicaFetchMaxBytes "replica.fetch.max.bytes" BROKER Kind::Bytes, 1_048_576, 0, INT;
    ReplicaSocketTimeout "replica.socket.timeout.ms" BROKER Kind::Millis, 30_000, 1, INT;
    HighWatermarkCheckpoint "replica.high.watermark.checkpoint.interval.ms" BROKER Kind::Millis, 5_000, 1, INT;
    UncleanElection "unclean.leader.election.enable" BROKER_TOPIC Kind::Bool, 0, 0, 1;
    UncleanElectionInterval "unclean.leader.election.interval.ms" BROKER Kind::Millis, 300_000, 1, INT;
    AutoLeaderRebalance "auto.leader.rebalance.enable" BROKER Kind::Bool, 1, 0, 1;
    ImbalanceCheckInterval "leader.imbalance.check.interval.seconds" BROKER Kind::Seconds, 300_000, 1_000, MAX;
    BrokerHeartbeatInterval "broker.heartbeat.interval.ms" BROKER Kind::Millis, 2_000, 1, INT;
    BrokerSessionTimeout "broker.session.timeout.ms" BROKER Kind::Millis, 9_000, 1, INT;
    QuorumElectionTimeout "controller.quorum.election.timeout.ms" BROKER Kind::Millis, 1_000, 1, INT;
    QuorumFetchTimeout "controller.quorum.fetch.timeout.ms" BROKER Kind::Millis, 2_000, 1, INT;
    ControlledShutdown "controlled.shutdown.enable" BROKER Kind::Bool, 1, 0, 1;
    EligibleLeaderReplicas "eligible.leader.replicas.version" BROKER Kind::Count, 1, 0, 1;
    ReplicaSelectorRackAware "replica.selector.rack.aware" BROKER Kind::Bool, 0, 0, 1;
    MessageMaxBytes "message.max.bytes" BROKER Kind::Bytes, 1_048_588, 0, INT;
    ProducerIdExpiration "producer.id.expiration.ms" BROKER Kind::Millis, 86_400_000, 1, INT;
    GroupInitialRebalanceDelay "group.initial.rebalance.delay.ms" BROKER Kind::Millis, 3_000, 0, INT;
    GroupMinSessionTimeout "group.min.session.timeout.ms" BROKER Kind::Millis, 6_000, 1, INT;
    GroupMaxSessionTimeout "group.max.session.timeout.ms" BROKER Kind::Millis, 1_800_000, 1, INT;
    OffsetsTopicPartitions "offsets.topic.num.partitions" BROKER Kind::Count, 50, 1, 10_000;
    OffsetsTopicReplication "offsets.topic.replication.factor" BROKER Kind::Count, 3, 1, 32_767;
}

const COUNT: usize = Setting::ALL.len();

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No setting is called this.
    #[error("no setting is called `{name}`{}", nearest.map_or(String::new(), |nearest| format!("; did you mean `{nearest}`?")))]
    Unknown {
        /// What was written.
        name: String,
        /// The closest name.
        nearest: Option<&'static str>,
    },
    /// The setting exists but does not belong here.
    #[error("`{name}` is no setting of a {place}; it belongs to a {belongs}")]
    Misplaced {
        /// The setting.
        name: &'static str,
        /// Where it was given.
        place: &'static str,
        /// Where it belongs.
        belongs: &'static str,
    },
    /// The value cannot be.
    #[error("`{value}` cannot be the value of `{name}`: {wanted}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What was written.
        value: String,
        /// What would be right.
        wanted: String,
    },
}

/// Where a setting was given, for errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the cluster or a broker.
    Broker,
    /// On a topic.
    Topic,
    /// On a producer.
    Producer,
    /// On a consumer or a group.
    Consumer,
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Place::Broker => "broker",
            Place::Topic => "topic",
            Place::Producer => "producer",
            Place::Consumer => "consumer",
        }
    }
}

impl Setting {
    /// The setting of this name, if it may be given at this place.
    ///
    /// # Errors
    /// An unknown name, with the nearest known one; a known name at the wrong place.
    pub fn find(name: &str, place: Place) -> Result<Setting, SettingError> {
        let Some(setting) = Setting::ALL
            .iter()
            .copied()
            .find(|setting| setting.name() == name)
        else {
            let nearest = Setting::ALL
                .iter()
                .filter(|setting| setting.allowed(place))
                .map(|setting| {
                    (
                        strsim::damerau_levenshtein(setting.name(), name),
                        setting.name(),
                    )
                })
                .min()
                .filter(|(distance, known)| *distance <= known.len() / 2)
                .map(|(_, known)| known);
            return Err(SettingError::Unknown {
                name: name.to_owned(),
                nearest,
            });
        };
        if setting.allowed(place) {
            return Ok(setting);
        }
        let scope = setting.scope();
        let belongs = match () {
            () if scope.broker => "broker",
            () if scope.producer => "producer",
            () => "consumer",
        };
        Err(SettingError::Misplaced {
            name: setting.name(),
            place: place.word(),
            belongs,
        })
    }

    fn allowed(self, place: Place) -> bool {
        let scope = self.scope();
        match place {
            Place::Broker => scope.broker,
            Place::Topic => scope.topic,
            Place::Producer => scope.producer,
            Place::Consumer => scope.consumer,
        }
    }

    /// Reads a value as written in a scenario or command.
    ///
    /// # Errors
    /// A value of the wrong kind or out of range.
    pub fn parse(self, text: &str) -> Result<i64, SettingError> {
        let text = text.trim();
        let wrong = |wanted: String| SettingError::Value {
            name: self.name(),
            value: text.to_owned(),
            wanted,
        };
        let span = |scale: i64, unit: &str| {
            let plain = text
                .parse::<i64>()
                .ok()
                .map(|number| number.saturating_mul(scale));
            plain
                .or_else(|| {
                    text.parse::<super::time::Time>()
                        .ok()
                        .map(|span| span.as_millis() as i64)
                })
                .ok_or_else(|| wrong(format!("write {unit}, or a span like 30s")))
        };
        let value = match self.kind() {
            Kind::Millis => span(1, "milliseconds")?,
            Kind::Seconds => span(1000, "seconds")?,
            Kind::Bytes | Kind::Count => text
                .parse()
                .map_err(|_| wrong("write a whole number".to_owned()))?,
            Kind::Bool => match text {
                "true" => 1,
                "false" => 0,
                _ => return Err(wrong("write true or false".to_owned())),
            },
            Kind::Acks => match text {
                "all" | "-1" => -1,
                "0" => 0,
                "1" => 1,
                _ => return Err(wrong("write 0, 1 or all".to_owned())),
            },
            Kind::Choice(words) => words
                .iter()
                .position(|word| *word == text)
                .map(|index| index as i64)
                .ok_or_else(|| wrong(format!("write one of {}", words.join(", "))))?,
            Kind::ChoiceList(words) => {
                let mut value = 0;
                for (place, part) in text.trim_matches(['[', ']']).split(',').enumerate() {
                    let index = words
                        .iter()
                        .position(|word| *word == part.trim())
                        .filter(|_| place < 4);
                    let index = index
                        .ok_or_else(|| wrong(format!("write some of {}", words.join(", "))))?;
                    value |= (index as i64 + 1) << (4 * place);
                }
                value
            }
        };
        let (low, high) = self.range();
        if !(low..=high).contains(&value) {
            return Err(wrong(format!("the least is {low} and the greatest {high}")));
        }
        Ok(value)
    }

    /// Writes a value as Kafka would.
    pub fn show(self, value: i64) -> String {
        match self.kind() {
            Kind::Bool => (value != 0).to_string(),
            Kind::Acks if value == -1 => "all".to_owned(),
            Kind::Seconds => (value / 1000).to_string(),
            Kind::Choice(words) => words
                .get(value as usize)
                .map_or_else(|| value.to_string(), |word| (*word).into()),
            Kind::ChoiceList(words) => choices(value, words).collect::<Vec<_>>().join(","),
            Kind::Millis | Kind::Bytes | Kind::Count | Kind::Acks => value.to_string(),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The words that a [`Kind::ChoiceList`] value holds, in order.
pub fn choices(value: i64, words: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    (0..4).filter_map(move |place| {
        let index = (value >> (4 * place)) & 0xf;
        (index > 0)
            .then(|| words.get(index as usize - 1).copied())
            .flatten()
    })
}

/// A value as a scenario file may write it: a number, a truth value, or text.
#[derive(Debug, Clone, PartialEq)]
pub struct Written(pub String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Any {
            Bool(bool),
            Int(i64),
            Text(String),
            List(Vec<String>),
        }
        Ok(Written(match Any::deserialize(deserializer)? {
            Any::Bool(value) => value.to_string(),
            Any::Int(value) => value.to_string(),
            Any::Text(value) => value,
            Any::List(words) => words.join(","),
        }))
    }
}

/// Settings as written: name to value. Checked by [`Settings::with`].
pub type WrittenSettings = std::collections::BTreeMap<String, Written>;

/// The value of every setting for one node. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings(Arc<[i64; COUNT]>);

impl Default for Settings {
    fn default() -> Self {
        let mut values = [0; COUNT];
        for setting in Setting::ALL {
            values[*setting as usize] = setting.default_value();
        }
        Settings(Arc::new(values))
    }
}

/// Refuses heartbeats that are no shorter than the session they keep up, as Kafka's consumer does (`Heartbeat`).
///
/// # Errors
/// What contradicts, and what would be right.
pub fn check_heartbeat(settings: &Settings) -> Result<(), String> {
    let heartbeat = settings.get(Setting::HeartbeatInterval);
    let session = settings.get(Setting::SessionTimeout);
    if heartbeat < session {
        return Ok(());
    }
    Err(format!(
        "heartbeat.interval.ms = {heartbeat} must be lower than session.timeout.ms = {session}"
    ))
}

/// Refuses for one broker what only the whole cluster can have: the version of a feature and, while eligible leader
/// replicas are kept, `min.insync.replicas` (KIP-966).
///
/// # Errors
/// Why not, and what would be right.
pub fn check_for_one_broker(setting: Setting, keeps_elr: bool) -> Result<(), String> {
    match setting {
        Setting::EligibleLeaderReplicas => {
            Err("it is a feature of the whole cluster; set it for all brokers".to_owned())
        }
        Setting::MinInsyncReplicas if keeps_elr => Err(
            "no broker has its own while eligible leader replicas are kept; set it for a topic or for all brokers"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

impl Settings {
    /// What a consumer has: its own settings over those of its group over the defaults.
    ///
    /// # Errors
    /// The first setting that is none of a consumer, or cannot have its value.
    pub fn of_consumer(
        group: &WrittenSettings,
        own: &WrittenSettings,
    ) -> Result<Settings, SettingError> {
        let of_group = Settings::default().with(group, Place::Consumer)?;
        of_group.with(own, Place::Consumer)
    }

    /// The value of a setting.
    pub fn get(&self, setting: Setting) -> i64 {
        self.0[setting as usize]
    }

    /// The value of a span of time.
    pub fn time(&self, setting: Setting) -> super::time::Time {
        super::time::Time::from_setting_ms(self.get(setting))
    }

    /// The value of a truth value.
    pub fn is_on(&self, setting: Setting) -> bool {
        self.get(setting) != 0
    }

    /// The setting with its value, as events quote it: `replica.lag.time.max.ms = 30000`.
    pub fn quote(&self, setting: Setting) -> String {
        format!("{} = {}", setting.name(), setting.show(self.get(setting)))
    }

    /// Changes one value.
    pub fn set(&mut self, setting: Setting, value: i64) {
        Arc::make_mut(&mut self.0)[setting as usize] = value;
    }

    /// These settings, overridden by written ones.
    ///
    /// # Errors
    /// The first setting that is unknown, misplaced, or has an impossible value.
    pub fn with(&self, written: &WrittenSettings, place: Place) -> Result<Settings, SettingError> {
        let mut settings = self.clone();
        for (setting, value) in parse_all(written, place)? {
            settings.set(setting, value);
        }
        Ok(settings)
    }
}

/// Checks written settings and reads their values.
///
/// # Errors
/// The first setting that is unknown, misplaced, or has an impossible value.
pub fn parse_all(
    written: &WrittenSettings,
    place: Place,
) -> Result<Vec<(Setting, i64)>, SettingError> {
    let one = |(name, value): (&String, &Written)| {
        let setting = Setting::find(name, place)?;
        Ok((setting, setting.parse(&value.0)?))
    };
    written.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_get_the_nearest() {
        let error = Setting::find("min.insync.replica", Place::Topic).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no setting is called `min.insync.replica`; did you mean `min.insync.replicas`?"
        );
        let error = Setting::find("linger.ms", Place::Topic).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`linger.ms` is no setting of a topic; it belongs to a producer"
        );
    }

    #[test]
    fn every_default_reads_back() {
        for setting in Setting::ALL {
            let shown = setting.show(setting.default_value());
            assert_eq!(
                setting.parse(&shown),
                Ok(setting.default_value()),
                "{setting} = {shown}"
            );
        }
        assert_eq!(
            Setting::AssignmentStrategy.show(0x41),
            "range,cooperative-sticky"
        );
        assert!(Setting::Acks.parse("2").is_err());
        assert_eq!(Setting::MaxPollInterval.parse("5m"), Ok(300_000));
    }
}
