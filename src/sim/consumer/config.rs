//! How a consumer is set up, and what its application does with records.

use std::sync::Arc;

use crate::sim::group::assignors::Assignor;
use crate::sim::spec::OnFailure;
use crate::sim::time::Time;

/// `auto.offset.reset`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetPolicy {
    /// The high watermark.
    #[default]
    Latest,
    /// The log start.
    Earliest,
    /// Fail.
    None,
}

impl ResetPolicy {
    /// Kafka's word.
    pub fn name(self) -> &'static str {
        match self {
            ResetPolicy::Latest => "latest",
            ResetPolicy::Earliest => "earliest",
            ResetPolicy::None => "none",
        }
    }
}

/// When a consumer commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Commits {
    /// Inside poll(), for what earlier polls returned, every so often.
    Auto {
        /// `auto.commit.interval.ms`
        interval: Time,
    },
    /// commitSync() after the work on what a poll returned: at least once.
    AfterProcessing,
    /// commitSync() before it: at most once.
    BeforeProcessing,
    /// Never.
    #[default]
    Never,
}

/// A consumer's settings, under their Kafka names in snake case, and what its
/// application does.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "named after Kafka's settings")]
pub struct ConsumerConfig {
    pub name: Arc<str>,
    pub group: Arc<str>,
    pub topics: Vec<Arc<str>>,
    pub group_instance_id: Option<Arc<str>>,
    pub client_rack: Option<Arc<str>>,
    pub assignors: Vec<Assignor>,
    pub session_timeout: Time,
    pub heartbeat_interval: Time,
    pub max_poll_interval: Time,
    pub max_poll_records: u32,
    pub auto_offset_reset: ResetPolicy,
    pub fetch_min_bytes: u32,
    pub fetch_max_wait: Time,
    pub max_partition_fetch_bytes: u32,
    pub fetch_max_bytes: u32,
    pub request_timeout: Time,
    pub retry_backoff: Time,
    pub metadata_max_age: Time,
    pub commits: Commits,
    /// How long the application works on a record.
    pub processing: Time,
    /// The share of attempts that fail and are tried again, 0 to 1.
    pub failure_rate: f64,
    /// Every record whose offset is a multiple of this (and not 0) is poison.
    pub poison_every: Option<u64>,
    /// Records that are poison beside those.
    pub poison:
        std::collections::BTreeSet<(crate::sim::node::PartitionId, crate::sim::types::Offset)>,
    /// What is done with a record that fails.
    pub on_failure: OnFailure,
    /// How long the application waits between two attempts at a record.
    pub retry_pause: Time,
}

impl ConsumerConfig {
    /// Kafka's defaults.
    pub fn new(name: &str, group: &str, topics: &[&str]) -> Self {
        Self {
            name: name.into(),
            group: group.into(),
            topics: topics.iter().map(|&topic| topic.into()).collect(),
            group_instance_id: None,
            client_rack: None,
            assignors: vec![Assignor::Range, Assignor::CooperativeSticky],
            session_timeout: Time::secs(45),
            heartbeat_interval: Time::secs(3),
            max_poll_interval: Time::secs(300),
            max_poll_records: 500,
            auto_offset_reset: ResetPolicy::Latest,
            fetch_min_bytes: 1,
            fetch_max_wait: Time::millis(500),
            max_partition_fetch_bytes: 1_048_576,
            fetch_max_bytes: 52_428_800,
            request_timeout: Time::secs(30),
            retry_backoff: Time::millis(100),
            metadata_max_age: Time::secs(300),
            commits: Commits::Auto {
                interval: Time::secs(5),
            },
            processing: Time::ZERO,
            failure_rate: 0.0,
            poison_every: None,
            poison: std::collections::BTreeSet::new(),
            on_failure: OnFailure::Retry,
            retry_pause: Time::ZERO,
        }
    }
}
