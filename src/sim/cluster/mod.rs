//! The cluster: all state machines, the queue that drives them, and the public face of the simulator.
//!
//! [`Cluster::step`] takes one occurrence from the queue and hands it to its node. The cluster is `Clone`: a clone is a
//! snapshot, and running it with the same commands gives the same events.

mod apply;
mod clients;
mod observe;

use std::collections::BTreeMap;
use std::hint::cold_path;
use std::sync::Arc;

pub use apply::CommandError;
pub use clients::{GroupInfo, Member};

use crate::sim::broker::{Broker, Ending, Role};
use crate::sim::consumer::Consumer;
use crate::sim::context::{Alarm, Occurrence, Timer, World};
use crate::sim::controller::{Controller, Placeable};
use crate::sim::event::{Event, EventId, What};
use crate::sim::invariant::Watch;
use crate::sim::message::{Envelope, Message};
use crate::sim::network::{Network, NodeIndex};
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::producer::Producer;
use crate::sim::settings::{Place, Setting, Settings};
use crate::sim::spec::{Spec, SpecError, TopicSpec};
use crate::sim::time::Time;
use crate::sim::types::{BrokerId, LeaderEpoch, Offset};

/// A simulated cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    spec: Arc<Spec>,
    seed: u64,
    pub(in crate::sim) world: World,
    pub(super) brokers: Vec<Broker>,
    pub(super) controller: Controller,
    pub(super) producers: Vec<Producer>,
    members: Vec<Member>,
    groups: Vec<GroupInfo>,
    /// Processes that stand still: since when, and what waits for them.
    frozen: BTreeMap<NodeId, (Time, Vec<Occurrence>)>,
    /// Room for what consumers want done, kept to save making it anew.
    effects: Vec<crate::sim::consumer::Effect>,
    watch: Option<Box<Watch>>,
    steps: u64,
}

impl Cluster {
    /// Builds a cluster and starts everything that is to run from the beginning.
    ///
    /// # Errors
    /// What is impossible in the spec.
    pub fn new(spec: &Spec, seed: u64) -> Result<Cluster, SpecError> {
        spec.check()?;
        let wrong = |owner: &str| {
            let owner = owner.to_owned();
            move |source| SpecError::Setting { owner, source }
        };
        let common = Settings::default()
            .with(&spec.settings, Place::Broker)
            .map_err(wrong("settings"))?;
        let nodes = NodeIndex::new(spec.brokers, spec.controllers);
        let world = World::new(seed, Network::new(spec.network.clone(), nodes));
        let racks: Arc<BTreeMap<BrokerId, Arc<str>>> = Arc::new(
            spec.racks
                .iter()
                .map(|(id, rack)| (*id, rack.as_str().into()))
                .collect(),
        );
        let mut brokers = Vec::new();
        for id in 1..=spec.brokers {
            let settings = match spec.broker_settings.get(&id) {
                Some(own) => common.with(own, Place::Broker).map_err(wrong("broker"))?,
                None => common.clone(),
            };
            brokers.push(Broker::new(
                id,
                settings,
                Arc::clone(&racks),
                spec.disk.clone(),
                spec.controllers,
            ));
        }
        let controller = Controller::new(spec.controllers, common);
        let mut cluster = Cluster {
            spec: Arc::new(spec.clone()),
            seed,
            world,
            brokers,
            controller,
            producers: Vec::new(),
            members: Vec::new(),
            groups: Vec::new(),
            frozen: BTreeMap::new(),
            effects: Vec::new(),
            watch: None,
            steps: 0,
        };
        cluster.begin()?;
        Ok(cluster)
    }

    fn begin(&mut self) -> Result<(), SpecError> {
        let spec = Arc::clone(&self.spec);
        for voter in 1..=spec.controllers {
            self.world.begin_life(NodeId::Controller(voter));
        }
        self.controller
            .start(&mut self.world.context(NodeId::Controller(1), None));
        for topic in &spec.topics {
            let assignments = self.assignments(topic);
            let overrides = crate::sim::settings::parse_all(&topic.settings, Place::Topic)
                .map_err(|source| SpecError::Setting {
                    owner: format!("topic {}", topic.name),
                    source,
                })?;
            let mut ctx = self.world.context(NodeId::Controller(1), None);
            self.controller
                .create_topic(&topic.name, assignments, overrides, &mut ctx);
        }
        for broker in &mut self.brokers {
            let node = NodeId::Broker(broker.id);
            self.world.begin_life(node);
            broker.start(&mut self.world.context(node, None));
        }
        for (index, producer) in (0u32..).zip(&spec.producers) {
            self.world
                .names
                .producers
                .push(producer.name.as_str().into());
            let settings = Settings::default().with(&producer.settings, Place::Producer);
            let owner = format!("producer {}", producer.name);
            let settings = settings.map_err(|source| SpecError::Setting {
                owner: owner.clone(),
                source,
            })?;
            let topic =
                self.world
                    .names
                    .topic(&producer.topic)
                    .ok_or_else(|| SpecError::Missing {
                        owner,
                        kind: "topic",
                        name: producer.topic.clone(),
                    })?;
            self.world.ledger.made(index, 0);
            self.producers.push(Producer::new(
                index,
                producer,
                topic,
                settings,
                spec.brokers,
            ));
            let start = Occurrence::Start {
                node: NodeId::Producer(index),
            };
            self.world.queue.push(producer.start, start);
        }
        self.begin_groups()
    }

    fn assignments(&self, topic: &TopicSpec) -> Vec<Vec<BrokerId>> {
        if !topic.assignments.is_empty() {
            return topic.assignments.clone();
        }
        let partitions = topic
            .partitions
            .unwrap_or(self.controller.setting(Setting::NumPartitions) as u32);
        let wanted = topic
            .replication
            .unwrap_or(self.controller.setting(Setting::DefaultReplicationFactor) as u32);
        let brokers = Placeable {
            live: (1..=self.spec.brokers).collect(),
            fenced: Vec::new(),
        };
        Controller::spread(0, partitions, wanted.min(self.spec.brokers), &brokers)
    }

    /// What the cluster was built from.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The seed of all chance in it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.world.now
    }

    /// How many occurrences it has handled.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// When the next thing happens.
    pub fn next_time(&self) -> Option<Time> {
        self.world.queue.next_time()
    }

    /// Handles the next occurrence. Returns its time; `None` when nothing will ever happen again.
    pub fn step(&mut self) -> Option<Time> {
        let (at, occurrence) = self.world.queue.pop()?;
        self.world.now = at;
        self.steps += 1;
        if self.watch.is_some() || !self.frozen.is_empty() {
            cold_path();
            self.happen_watched(occurrence);
        } else {
            self.happen(occurrence);
        }
        Some(at)
    }

    #[allow(
        clippy::inline_always,
        reason = "every step comes through here, and it is short"
    )]
    #[inline(always)]
    fn happen(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::Deliver(envelope) => self.deliver(envelope),
            Occurrence::Fire(alarm) => {
                let Alarm {
                    node,
                    incarnation,
                    timer,
                    cause,
                } = *alarm;
                self.world.spare.alarms.give(alarm);
                let place = self.world.network.nodes().of(node);
                let life = self.world.life_at(place);
                let quorum = matches!(timer, Timer::Controller(_));
                if quorum || (life.up && life.incarnation == incarnation) {
                    self.fire(node, place, timer, cause);
                }
            }
            Occurrence::Start { node } => {
                // A command may have started it before its time.
                if !self.world.life(node).up {
                    self.start_client(node, None);
                }
            }
        }
        if !self.world.ready_to_stop.is_empty() {
            self.stop_ready();
        }
    }

    /// The same while processes stand still or somebody watches.
    #[inline(never)]
    fn happen_watched(&mut self, occurrence: Occurrence) {
        let actor = occurrence.node();
        if let Some((_, kept)) = self.frozen.get_mut(&actor) {
            kept.push(occurrence);
            return;
        }
        self.happen(occurrence);
        if let Some(mut watch) = self.watch.take() {
            watch.check(self, actor);
            self.watch = Some(watch);
        }
    }

    /// Ends the brokers whose shutdown the controller has allowed.
    #[cold]
    fn stop_ready(&mut self) {
        for broker in std::mem::take(&mut self.world.ready_to_stop) {
            let how = Ending {
                clean: true,
                loses_cache: false,
            };
            let cause = self.world.faults.get(&NodeId::Broker(broker)).copied();
            let id = self.world.emit(cause, What::BrokerStopped { broker });
            self.world.faults.insert(NodeId::Broker(broker), id);
            self.end_broker(broker, how, Some(id));
        }
    }

    fn deliver(&mut self, envelope: Box<Envelope>) {
        let to = envelope.to;
        let place = envelope.place as usize;
        let life = self.world.life_at(place);
        if !life.up || life.incarnation != envelope.incarnation {
            self.world.came_too_late(&envelope);
            return;
        }
        let Envelope {
            from,
            correlation,
            cause,
            ..
        } = *envelope;
        let message = self.world.open(envelope);
        let mut ctx = self.world.context_at(to, place, cause);
        match to {
            NodeId::Broker(id) => {
                if let Some(broker) = self.brokers.get_mut(id as usize - 1) {
                    broker.on_message(from, correlation, message, &mut ctx);
                }
            }
            NodeId::Controller(_) => {
                self.controller
                    .on_message(from, correlation, message, &mut ctx);
            }
            NodeId::Producer(index) => {
                if let Some(producer) = self.producers.get_mut(index as usize) {
                    producer.on_message(from, correlation, message, &mut ctx);
                }
            }
            NodeId::Consumer(index) => {
                self.deliver_to_consumer(index, from, correlation, cause, message);
            }
        }
    }

    fn fire(&mut self, node: NodeId, place: usize, timer: Timer, cause: Option<EventId>) {
        let mut ctx = self.world.context_at(node, place, cause);
        match (node, timer) {
            (NodeId::Broker(id), Timer::Broker(timer)) => {
                if let Some(broker) = self.brokers.get_mut(id as usize - 1) {
                    broker.on_timer(timer, &mut ctx);
                }
            }
            (_, Timer::Controller(timer)) => {
                let active = self.controller.quorum.active().unwrap_or(1);
                // Timers that re-arm themselves would else keep the first cause for ever.
                ctx = self.world.context(NodeId::Controller(active), None);
                self.controller.on_timer(timer, &mut ctx);
            }
            (NodeId::Producer(index), Timer::Producer(timer)) => {
                if let Some(producer) = self.producers.get_mut(index as usize) {
                    producer.on_timer(timer, &mut ctx);
                }
            }
            (NodeId::Consumer(index), Timer::Consumer(timer)) => {
                self.with_consumer(index, cause, |consumer, env| consumer.wake(timer, env));
            }
            _ => {}
        }
    }

    #[cold]
    pub(super) fn start_client(&mut self, node: NodeId, cause: Option<EventId>) {
        if !self.world.life(node).up {
            self.world.begin_life(node);
        }
        let mut ctx = self.world.context(node, cause);
        match node {
            NodeId::Producer(index) => {
                if let Some(producer) = self.producers.get_mut(index as usize) {
                    producer.start(&mut ctx);
                }
            }
            NodeId::Consumer(index) => self.with_consumer(index, cause, Consumer::start),
            NodeId::Broker(_) | NodeId::Controller(_) => {}
        }
    }

    /// A node's process is over: what was under way from it is not sent, and its peers' sockets close.
    #[cold]
    pub(super) fn end_process(&mut self, node: NodeId, cause: Option<EventId>) {
        self.world.end_life(node);
        self.world.network.disconnect(node);
        let now = self.world.now;
        for occurrence in self.world.queue.iter_mut() {
            if let Occurrence::Deliver(envelope) = occurrence
                && envelope.from == node
                && envelope.sent > now
            {
                envelope.incarnation = 0; // nobody's: it will not arrive
            }
        }
        for peer in self.peers() {
            let network = &self.world.network;
            if peer != node && self.world.life(peer).up && network.reaches(node, peer) {
                let incarnation = self.world.life(peer).incarnation;
                let arrival = now + network.latency();
                let (message, correlation) = (Message::Disconnected, 0);
                let notice = Envelope {
                    from: node,
                    to: peer,
                    place: network.nodes().of(peer) as u32,
                    incarnation,
                    sent: now,
                    correlation,
                    cause,
                    message,
                };
                let notice = Occurrence::Deliver(Box::new(notice));
                self.world.queue.push(arrival, notice);
            }
        }
    }

    fn peers(&self) -> Vec<NodeId> {
        let brokers = (1..=self.spec.brokers).map(NodeId::Broker);
        let producers = (0..self.producers.len() as u32).map(NodeId::Producer);
        let consumers = (0..self.world.names.consumers.len() as u32).map(NodeId::Consumer);
        brokers.chain(producers).chain(consumers).collect()
    }

    #[cold]
    pub(super) fn end_broker(&mut self, id: BrokerId, how: Ending, cause: Option<EventId>) {
        let now = self.world.now;
        let Some(broker) = self.brokers.get_mut(id as usize - 1) else {
            return;
        };
        let lost = broker.end(how, now);
        for (partition, from, records) in lost {
            let tp = self.world.names.tp(partition);
            self.world.emit(
                cause,
                What::PageCacheLost {
                    broker: id,
                    tp,
                    from,
                    records,
                },
            );
        }
        self.end_process(NodeId::Broker(id), cause);
    }

    /// Runs until this time: everything due until then has happened.
    pub fn run_until(&mut self, until: Time) {
        while self
            .world
            .queue
            .next_time()
            .is_some_and(|next| next <= until)
        {
            self.step();
        }
        self.world.now = self.world.now.max(until);
    }

    /// Checks the invariants after every step from now on. What breaks one becomes an event.
    pub fn watch(&mut self) {
        self.watch = Some(Box::default());
    }

    /// What broke an invariant so far; empty when nothing did, or nobody watches.
    pub fn broken(&self) -> &[crate::sim::invariant::Broken] {
        self.watch.as_ref().map_or(&[], |watch| watch.broken())
    }

    /// Everything that happened.
    pub fn events(&self) -> &crate::sim::context::EventLog {
        &self.world.events
    }

    /// What happened from the event of this number on.
    pub fn events_since(&self, mark: EventId) -> impl DoubleEndedIterator<Item = &Event> {
        self.world.events.since(mark)
    }

    /// A mark for [`Cluster::events_since`]: the number of the next event.
    pub fn mark(&self) -> EventId {
        EventId(self.world.events.len())
    }

    /// Names of topics, partitions and clients.
    pub fn names(&self) -> &crate::sim::node::Names {
        &self.world.names
    }

    /// What became of each record.
    pub fn ledger(&self) -> &crate::sim::ledger::Ledger {
        &self.world.ledger
    }

    /// The network between all nodes.
    pub fn network(&self) -> &Network {
        &self.world.network
    }

    /// Whether a node's process runs.
    pub fn is_up(&self, node: NodeId) -> bool {
        self.world.life(node).up
    }

    /// Whether a node's process stands still.
    pub fn is_frozen(&self, node: NodeId) -> bool {
        self.frozen.contains_key(&node)
    }

    /// The brokers, in order of their ids.
    pub fn brokers(&self) -> &[Broker] {
        &self.brokers
    }

    /// A broker by its id.
    pub fn broker(&self, id: BrokerId) -> Option<&Broker> {
        self.brokers.get((id as usize).checked_sub(1)?)
    }

    /// The controller quorum.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// The producers.
    pub fn producers(&self) -> &[Producer] {
        &self.producers
    }

    /// Messages under way and timers that are set, with the time at which they are due, in no particular order.
    pub fn pending(&self) -> impl Iterator<Item = (Time, &Occurrence)> {
        self.world.queue.iter()
    }

    /// A partition as the controller and its replicas have it.
    pub fn partition(&self, topic: &str, partition: u32) -> Option<PartitionView<'_>> {
        let id = self.world.names.partition(topic, partition)?;
        Some(PartitionView { cluster: self, id })
    }

    /// A partition by its number.
    pub fn partition_by_id(&self, id: PartitionId) -> PartitionView<'_> {
        PartitionView { cluster: self, id }
    }
}

/// A partition, seen from outside.
#[derive(Clone, Copy)]
pub struct PartitionView<'a> {
    cluster: &'a Cluster,
    /// Its number.
    pub id: PartitionId,
}

impl<'a> PartitionView<'a> {
    /// What the controller has registered.
    pub fn registration(
        &self,
    ) -> Option<&'a crate::sim::controller::election::PartitionRegistration> {
        self.cluster.controller.partitions.get(self.id.0 as usize)
    }

    /// The leader, as the controller has it.
    pub fn leader(&self) -> Option<BrokerId> {
        self.registration()
            .and_then(|registration| registration.leader)
    }

    /// The leader epoch, as the controller has it.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.registration()
            .map_or(-1, |registration| registration.leader_epoch)
    }

    /// The in-sync replicas, as the controller has them, in order of id.
    pub fn isr(&self) -> Vec<BrokerId> {
        let mut isr = self
            .registration()
            .map(|registration| registration.isr.clone())
            .unwrap_or_default();
        isr.sort_unstable();
        isr
    }

    /// The replica on a broker.
    pub fn replica(&self, broker: BrokerId) -> Option<&'a crate::sim::broker::Replica> {
        self.cluster.broker(broker)?.replicas.get(self.id)
    }

    /// The high watermark: that of the leader, if it runs and leads by its own account.
    pub fn high_watermark(&self) -> Option<Offset> {
        self.leading()
            .map(crate::sim::broker::Replica::high_watermark)
    }

    /// The leader's log end.
    pub fn log_end(&self) -> Option<Offset> {
        self.leading().map(|replica| replica.log.end())
    }

    /// The leader's replica, if the controller's leader leads by its own account too.
    pub fn leading(&self) -> Option<&'a crate::sim::broker::Replica> {
        let replica = self.replica(self.leader()?)?;
        matches!(replica.role, Role::Leader(_)).then_some(replica)
    }
}
