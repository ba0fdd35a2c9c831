//! Who there is: nodes, partitions, and their names.
//!
//! State machines work with small numbers; [`Names`] turns them into what a person reads.

use std::fmt;
use std::sync::Arc;

use super::types::BrokerId;

/// Anything that sends and receives messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeId {
    /// A broker, by its `node.id`.
    Broker(BrokerId),
    /// A voter of the controller quorum, counted from 1.
    Controller(u32),
    /// A producer, by its place in [`Names::producers`].
    Producer(u32),
    /// A consumer, by its place in [`Names::consumers`].
    Consumer(u32),
}

impl NodeId {
    /// Whether it is a producer or a consumer.
    pub fn is_client(self) -> bool {
        matches!(self, NodeId::Producer(_) | NodeId::Consumer(_))
    }
}

/// A partition of a topic, numbered densely over the whole cluster in order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u32);

/// A topic, numbered in order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub u32);

/// A partition by name, as events and errors show it: `orders-0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tp {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number in its topic.
    pub partition: u32,
}

impl fmt::Display for Tp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl Tp {
    /// Reads `orders-0`.
    pub fn read(text: &str) -> Option<Tp> {
        let (topic, partition) = text.rsplit_once('-')?;
        Some(Tp {
            topic: topic.into(),
            partition: partition.parse().ok()?,
        })
    }
}

/// A topic's name and its partitions, in order of their numbers.
#[derive(Debug, Clone)]
pub struct TopicNames {
    /// The name.
    pub name: Arc<str>,
    /// The cluster-wide number of each partition.
    pub partitions: Vec<PartitionId>,
}

/// The names of everything that has a number. Naming only: no state machine learns from here what it could not know.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Topics, by [`TopicId`].
    pub topics: Vec<TopicNames>,
    /// Topic and number of each partition, by [`PartitionId`].
    pub partitions: Vec<(TopicId, u32)>,
    /// Producers' names.
    pub producers: Vec<Arc<str>>,
    /// Consumers' names.
    pub consumers: Vec<Arc<str>>,
}

impl Names {
    /// Registers a topic; it has no partitions yet.
    pub fn add_topic(&mut self, name: &str) -> TopicId {
        self.topics.push(TopicNames {
            name: name.into(),
            partitions: Vec::new(),
        });
        TopicId((self.topics.len() - 1) as u32)
    }

    /// Registers the next partition of a topic.
    pub fn add_partition(&mut self, topic: TopicId) -> PartitionId {
        let id = PartitionId(self.partitions.len() as u32);
        if let Some(names) = self.topics.get_mut(topic.0 as usize) {
            self.partitions.push((topic, names.partitions.len() as u32));
            names.partitions.push(id);
        }
        id
    }

    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<TopicId> {
        self.topics
            .iter()
            .position(|topic| &*topic.name == name)
            .map(|index| TopicId(index as u32))
    }

    /// The partition of this name and number.
    pub fn partition(&self, topic: &str, partition: u32) -> Option<PartitionId> {
        let topic = self.topic(topic)?;
        self.topics[topic.0 as usize]
            .partitions
            .get(partition as usize)
            .copied()
    }

    /// The partitions of a topic.
    pub fn partitions_of(&self, topic: TopicId) -> &[PartitionId] {
        self.topics
            .get(topic.0 as usize)
            .map_or(&[], |topic| &topic.partitions)
    }

    /// The name of a partition.
    pub fn tp(&self, id: PartitionId) -> Tp {
        let (topic, partition) = self
            .partitions
            .get(id.0 as usize)
            .copied()
            .unwrap_or((TopicId(0), u32::MAX));
        let topic = self
            .topics
            .get(topic.0 as usize)
            .map_or_else(|| "?".into(), |topic| Arc::clone(&topic.name));
        Tp { topic, partition }
    }

    /// The name of a producer.
    pub fn producer(&self, producer: u32) -> Arc<str> {
        let name = self.producers.get(producer as usize);
        name.map_or_else(|| "?".into(), Arc::clone)
    }

    /// The name of a node: `broker 2`, `producer app`.
    pub fn node(&self, node: NodeId) -> NodeName {
        let of = |names: &[Arc<str>], index: u32| {
            names
                .get(index as usize)
                .cloned()
                .unwrap_or_else(|| index.to_string().into())
        };
        match node {
            NodeId::Broker(id) => NodeName::Broker(id),
            NodeId::Controller(id) => NodeName::Controller(id),
            NodeId::Producer(index) => NodeName::Producer(of(&self.producers, index)),
            NodeId::Consumer(index) => NodeName::Consumer(of(&self.consumers, index)),
        }
    }

    /// The node of this name, if it is a client that exists, or any broker or controller.
    pub fn resolve(&self, name: &NodeName) -> Option<NodeId> {
        let find = |names: &[Arc<str>], name: &Arc<str>| {
            names
                .iter()
                .position(|known| known == name)
                .map(|index| index as u32)
        };
        match name {
            NodeName::Broker(id) => Some(NodeId::Broker(*id)),
            NodeName::Controller(id) => Some(NodeId::Controller(*id)),
            NodeName::Producer(name) => find(&self.producers, name).map(NodeId::Producer),
            NodeName::Consumer(name) => find(&self.consumers, name).map(NodeId::Consumer),
        }
    }
}

/// A node by name, as commands write it and events show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeName {
    /// `broker 2`
    Broker(BrokerId),
    /// `controller 1`
    Controller(u32),
    /// `producer app`
    Producer(Arc<str>),
    /// `consumer c1`
    Consumer(Arc<str>),
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeName::Broker(id) => write!(f, "broker {id}"),
            NodeName::Controller(id) => write!(f, "controller {id}"),
            NodeName::Producer(name) => write!(f, "producer {name}"),
            NodeName::Consumer(name) => write!(f, "consumer {name}"),
        }
    }
}

/// A map from partitions to what one node knows of them: sorted keys, walked in order.
///
/// Where the keys lie close together, as those of a small cluster do, a table tells each key's place; else it is looked
/// up by halving. (A table for every session of a hundred brokers with ten thousand partitions would take gigabytes.)
#[derive(Debug, Clone)]
pub struct PartitionMap<V> {
    keys: Vec<PartitionId>,
    values: Vec<V>,
    /// The place of each partition from the first key to the last, [`NOWHERE`] in the gaps; empty if too many are.
    places: Vec<u32>,
    /// The number of the first key, where there is a table.
    first: u32,
}

/// The place of a partition that a map does not have.
const NOWHERE: u32 = u32::MAX;

/// How many partitions a table of places may span for so many keys.
fn longest_table(keys: usize) -> usize {
    64 + 4 * keys
}

/// The place of a partition outside the table: nowhere, unless there is no table.
#[cold]
fn place_in(keys: &[PartitionId], places: &[u32], id: PartitionId) -> Option<usize> {
    if places.is_empty() {
        keys.binary_search(&id).ok()
    } else {
        None
    }
}

impl<V> Default for PartitionMap<V> {
    fn default() -> Self {
        PartitionMap {
            keys: Vec::new(),
            values: Vec::new(),
            places: Vec::new(),
            first: 0,
        }
    }
}

impl<V> PartitionMap<V> {
    /// How many partitions it knows.
    pub fn len(&self) -> usize {
        self.keys.len()
    }
    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
    /// Where the table would tell a partition's place.
    #[inline]
    fn index(&self, id: PartitionId) -> usize {
        id.0.wrapping_sub(self.first) as usize
    }
    /// The place of a partition, for by-place access; valid until something is inserted or removed.
    #[inline]
    pub fn place(&self, id: PartitionId) -> Option<usize> {
        match self.places.get(self.index(id)) {
            Some(&NOWHERE) => None,
            Some(place) => Some(*place as usize),
            None => place_in(&self.keys, &self.places, id),
        }
    }
    /// What is known of the partition at a place.
    #[inline]
    pub fn at(&self, place: usize) -> Option<&V> {
        self.values.get(place)
    }
    /// What is known of the partition at a place, to change it.
    #[inline]
    pub fn at_mut(&mut self, place: usize) -> Option<&mut V> {
        self.values.get_mut(place)
    }
    /// What is known of all of them, in order of partition.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter()
    }
    /// What is known of a partition.
    #[inline]
    pub fn get(&self, id: PartitionId) -> Option<&V> {
        match self.places.get(self.index(id)) {
            // There is no value at a place that is nowhere.
            Some(place) => self.values.get(*place as usize),
            None => place_in(&self.keys, &self.places, id).and_then(|place| self.values.get(place)),
        }
    }
    /// What is known of a partition, to change it.
    #[inline]
    pub fn get_mut(&mut self, id: PartitionId) -> Option<&mut V> {
        match self.places.get(self.index(id)) {
            Some(place) => self.values.get_mut(*place as usize),
            None => {
                let place = place_in(&self.keys, &self.places, id)?;
                self.values.get_mut(place)
            }
        }
    }
    /// Inserts or replaces; gives back what was there.
    pub fn insert(&mut self, id: PartitionId, value: V) -> Option<V> {
        if let Some(known) = self.get_mut(id) {
            return Some(std::mem::replace(known, value));
        }
        self.add(id, value);
        None
    }
    /// What is known of a partition, made first if need be.
    #[inline]
    pub fn entry(&mut self, id: PartitionId, make: impl FnOnce() -> V) -> &mut V {
        let place = match self.place(id) {
            Some(place) => place,
            None => self.add(id, make()),
        };
        &mut self.values[place]
    }
    /// Inserts a partition that is not there yet. Returns its place.
    #[cold]
    fn add(&mut self, id: PartitionId, value: V) -> usize {
        let place = match self.keys.last() {
            Some(last) if *last > id => self.keys.partition_point(|known| *known < id),
            _ => self.keys.len(),
        };
        let at_end = place == self.keys.len();
        self.keys.insert(place, id);
        self.values.insert(place, value);
        let span = (id.0 - self.keys[0].0) as usize + 1;
        let has_table = place == 0 || !self.places.is_empty();
        if at_end && has_table && span <= longest_table(place) {
            self.first = self.keys[0].0;
            self.places.resize(span - 1, NOWHERE);
            self.places.push(place as u32);
        } else {
            self.tabulate();
        }
        place
    }
    /// Forgets a partition.
    #[cold]
    pub fn remove(&mut self, id: PartitionId) -> Option<V> {
        let place = self.place(id)?;
        self.keys.remove(place);
        let value = self.values.remove(place);
        self.tabulate();
        Some(value)
    }
    /// Notes anew where each partition is.
    #[cold]
    fn tabulate(&mut self) {
        self.places.clear();
        let (Some(first), Some(last)) = (self.keys.first(), self.keys.last()) else {
            return;
        };
        let span = (last.0 - first.0) as usize + 1;
        if span > longest_table(self.keys.len()) {
            return;
        }
        self.first = first.0;
        self.places.resize(span, NOWHERE);
        for (place, key) in (0u32..).zip(&self.keys) {
            self.places[(key.0 - first.0) as usize] = place;
        }
    }
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
        self.places.clear();
    }
    /// In order of partition.
    pub fn iter(&self) -> impl Iterator<Item = (PartitionId, &V)> {
        self.keys.iter().copied().zip(self.values.iter())
    }
    /// In order of partition, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (PartitionId, &mut V)> {
        self.keys.iter().copied().zip(self.values.iter_mut())
    }
    /// The partitions, in order.
    pub fn keys(&self) -> &[PartitionId] {
        &self.keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Near numbers and far ones, so that tables of places come and go.
        #[test]
        fn behaves_like_a_map(steps in proptest::collection::vec((0u8..4, 0u32..40, any::<bool>()), 0..80)) {
            let (mut map, mut model) = (PartitionMap::default(), BTreeMap::new());
            for (round, (what, number, far)) in steps.into_iter().enumerate() {
                let id = PartitionId(if far { number * 1000 } else { number });
                match what {
                    0 => prop_assert_eq!(map.remove(id), model.remove(&id)),
                    1 => prop_assert_eq!(*map.entry(id, || round), *model.entry(id).or_insert(round)),
                    _ => prop_assert_eq!(map.insert(id, round), model.insert(id, round)),
                }
                prop_assert!(map.iter().eq(model.iter().map(|(id, value)| (*id, value))));
                for other in (0..40).chain((0..40).map(|number| number * 1000)).map(PartitionId) {
                    prop_assert_eq!(map.get(other), model.get(&other));
                }
            }
        }
    }
}
