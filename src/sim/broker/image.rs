//! What a broker knows of the cluster: the metadata log as far as it has replayed it.
//!
//! A broker that is cut off keeps an old image; that is how a leader can be the last to hear of its successor.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::partition_state::{BrokerDirectory, BrokerView};
use crate::sim::message::PartitionRecord;
use crate::sim::node::{PartitionId, TopicId};
use crate::sim::settings::{Setting, Settings};
use crate::sim::types::BrokerId;

/// The metadata as replayed up to an offset.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// The offset of the next record to replay.
    pub offset: u64,
    /// Registered brokers.
    pub brokers: BTreeMap<BrokerId, BrokerView>,
    partitions: Arc<Vec<Option<Arc<PartitionRecord>>>>,
    topics: Arc<BTreeMap<TopicId, Arc<[(Setting, i64)]>>>,
    cluster: BTreeMap<Setting, i64>,
}

impl BrokerDirectory for Image {
    fn broker(&self, id: BrokerId) -> Option<BrokerView> {
        self.brokers.get(&id).copied()
    }
}

impl Image {
    /// A partition's state, if it is known.
    pub fn partition(&self, id: PartitionId) -> Option<&Arc<PartitionRecord>> {
        self.partitions.get(id.0 as usize).and_then(Option::as_ref)
    }

    /// Every known partition.
    pub fn partitions(&self) -> impl Iterator<Item = &Arc<PartitionRecord>> {
        self.partitions.iter().flatten()
    }

    /// Takes a partition's new state.
    pub fn set_partition(&mut self, record: Arc<PartitionRecord>) {
        let index = record.partition.0 as usize;
        let partitions = Arc::make_mut(&mut self.partitions);
        if partitions.len() <= index {
            partitions.resize(index + 1, None);
        }
        partitions[index] = Some(record);
    }

    /// Takes a topic's own settings.
    pub fn set_topic(&mut self, topic: TopicId, overrides: Arc<[(Setting, i64)]>) {
        Arc::make_mut(&mut self.topics).insert(topic, overrides);
    }

    /// Takes a setting changed at run time for all brokers.
    pub fn set_cluster(&mut self, setting: Setting, value: i64) {
        self.cluster.insert(setting, value);
    }

    /// A setting of a topic: its own, or the one changed at run time, or the broker's.
    pub fn topic_setting(&self, topic: TopicId, setting: Setting, broker: &Settings) -> i64 {
        let own = self
            .topics
            .get(&topic)
            .and_then(|own| own.iter().find(|(known, _)| *known == setting));
        own.map(|(_, value)| *value)
            .or_else(|| self.cluster.get(&setting).copied())
            .unwrap_or_else(|| broker.get(setting))
    }

    /// The brokers that a client may connect to.
    pub fn live_brokers(&self) -> Vec<BrokerId> {
        self.brokers
            .iter()
            .filter(|(_, view)| !view.fenced)
            .map(|(id, _)| *id)
            .collect()
    }
}
