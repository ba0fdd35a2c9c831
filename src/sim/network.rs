//! The network between all nodes: when a message arrives, and whether.
//!
//! A message takes the latency plus jitter plus what a slowed link adds. Between two nodes messages keep their order, as
//! on one TCP connection. A cut works in one direction; loss drops single messages.

use std::collections::BTreeMap;

use super::message::{Envelope, MessageKind};
use super::node::NodeId;
use super::rng::Rng;
use super::spec::NetworkSpec;
use super::time::Time;

/// What is out of the ordinary with the way from one node to another.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Link {
    /// Nothing arrives.
    pub cut: bool,
    /// Everything takes so much longer.
    pub extra: Time,
    /// This share gets lost, instead of the network's.
    pub loss: Option<f64>,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives at this time.
    Arrives(Time),
    /// The link is cut.
    Cut,
    /// It gets lost by chance.
    Lost,
    /// It is dropped because a command asked for it.
    Dropped,
}

/// The network.
#[derive(Debug, Clone)]
pub struct Network {
    spec: NetworkSpec,
    links: BTreeMap<(NodeId, NodeId), Link>,
    drops: Vec<(MessageKind, NodeId, NodeId)>,
    nodes: NodeIndex,
    /// When the last message arrives, by sender and receiver; zero where there was none.
    last_arrival: Vec<Vec<Time>>,
}

/// Numbers all nodes densely: brokers, controllers, then producers and consumers by turns.
#[derive(Debug, Clone, Copy)]
pub struct NodeIndex {
    /// By kind, the place of the node that would have the number 0.
    zero: [u32; 4],
}

impl NodeIndex {
    /// For so many brokers and controllers, both of which are counted from 1.
    pub fn new(brokers: u32, controllers: u32) -> NodeIndex {
        let clients = brokers + controllers;
        NodeIndex {
            zero: [u32::MAX, brokers.wrapping_sub(1), clients, clients + 1],
        }
    }

    /// The node's dense number. Worked out without a branch, because whose turn it is can never be foretold.
    #[inline]
    pub fn of(self, node: NodeId) -> usize {
        let kind = match node {
            NodeId::Broker(_) => 0,
            NodeId::Controller(_) => 1,
            NodeId::Producer(_) => 2,
            NodeId::Consumer(_) => 3,
        };
        let (NodeId::Broker(number)
        | NodeId::Controller(number)
        | NodeId::Producer(number)
        | NodeId::Consumer(number)) = node;
        self.zero[kind].wrapping_add(number << (kind / 2)) as usize
    }
}

impl Network {
    /// A whole network.
    pub fn new(spec: NetworkSpec, nodes: NodeIndex) -> Network {
        Network {
            spec,
            links: BTreeMap::new(),
            drops: Vec::new(),
            nodes,
            last_arrival: Vec::new(),
        }
    }

    /// What becomes of a message when it leaves its sender, of which the dense number is given. Draws chance only where
    /// chance matters.
    #[inline]
    pub fn send(&mut self, envelope: &Envelope, sender: usize, rng: &mut Rng) -> Fate {
        let mut extra = Time::ZERO;
        if !self.links.is_empty() || !self.drops.is_empty() || self.spec.loss > 0.0 {
            match self.trouble(envelope, rng) {
                Ok(longer) => extra = longer,
                Err(fate) => return fate,
            }
        }
        let jitter = if self.spec.jitter == Time::ZERO {
            0
        } else {
            rng.below(self.spec.jitter.0 + 1)
        };
        let arrival = envelope.sent + self.spec.latency + Time(jitter) + extra;
        Fate::Arrives(self.in_order(sender, envelope.place as usize, arrival))
    }

    /// What keeps a message from arriving, or how much longer it takes than usual.
    #[cold]
    fn trouble(&mut self, envelope: &Envelope, rng: &mut Rng) -> Result<Time, Fate> {
        let (from, to) = (envelope.from, envelope.to);
        let link = self.link(from, to);
        if link.cut {
            return Err(Fate::Cut);
        }
        let wanted = (envelope.message.kind(), from, to);
        if let Some(place) = self.drops.iter().position(|drop| *drop == wanted) {
            self.drops.remove(place);
            return Err(Fate::Dropped);
        }
        if rng.chance(link.loss.unwrap_or(self.spec.loss)) {
            return Err(Fate::Lost);
        }
        Ok(link.extra)
    }

    /// Keeps the order of one connection: no message overtakes an earlier one.
    #[inline]
    fn in_order(&mut self, from: usize, to: usize, arrival: Time) -> Time {
        let row = self.last_arrival.get_mut(from);
        if let Some(last) = row.and_then(|row| row.get_mut(to)) {
            *last = arrival.max(*last);
            return *last;
        }
        self.first_arrival(from, to, arrival)
    }

    /// The first message of a connection.
    #[cold]
    fn first_arrival(&mut self, from: usize, to: usize, arrival: Time) -> Time {
        if self.last_arrival.len() <= from {
            self.last_arrival.resize(from + 1, Vec::new());
        }
        let row = &mut self.last_arrival[from];
        if row.len() <= to {
            row.resize(to + 1, Time::ZERO);
        }
        row[to] = arrival;
        arrival
    }

    /// A process ended, and its connections with it: what it still had to send delays nothing that its next life sends.
    pub fn disconnect(&mut self, node: NodeId) {
        let index = self.nodes.of(node);
        if let Some(row) = self.last_arrival.get_mut(index) {
            row.clear();
        }
        for row in &mut self.last_arrival {
            if let Some(last) = row.get_mut(index) {
                *last = Time::ZERO;
            }
        }
    }

    /// What is out of the ordinary on the way from one node to another.
    pub fn link(&self, from: NodeId, to: NodeId) -> Link {
        self.links.get(&(from, to)).copied().unwrap_or_default()
    }

    /// Whether messages get from one node to another.
    pub fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        !self.link(from, to).cut
    }

    /// Every link that is out of the ordinary.
    pub fn links(&self) -> impl Iterator<Item = (NodeId, NodeId, Link)> {
        self.links
            .iter()
            .map(|((from, to), link)| (*from, *to, *link))
    }

    /// Changes a link; an ordinary one is forgotten.
    pub fn set_link(&mut self, from: NodeId, to: NodeId, link: Link) {
        if link == Link::default() {
            self.links.remove(&(from, to));
        } else {
            self.links.insert((from, to), link);
        }
    }

    /// Makes every link ordinary again and forgets messages that were to be dropped.
    pub fn heal_all(&mut self) {
        self.links.clear();
        self.drops.clear();
    }

    /// Drops the next message of this kind on its way.
    pub fn drop_next(&mut self, kind: MessageKind, from: NodeId, to: NodeId) {
        self.drops.push((kind, from, to));
    }

    /// How long a message takes without jitter on an ordinary link.
    pub fn latency(&self) -> Time {
        self.spec.latency
    }

    /// Changes the share of messages that get lost everywhere.
    pub fn set_loss(&mut self, loss: f64) {
        self.spec.loss = loss;
    }

    /// The dense numbers of nodes.
    pub fn nodes(&self) -> NodeIndex {
        self.nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::message::Message;

    fn network(loss: f64) -> Network {
        let spec = NetworkSpec {
            latency: Time::millis(1),
            jitter: Time::millis(5),
            loss,
        };
        Network::new(spec, NodeIndex::new(3, 1))
    }
    fn send(
        network: &mut Network,
        (from, to): (NodeId, NodeId),
        message: Message,
        sent: Time,
        rng: &mut Rng,
    ) -> Fate {
        let envelope = Envelope {
            from,
            to,
            place: network.nodes.of(to) as u32,
            incarnation: 1,
            sent,
            correlation: 0,
            cause: None,
            message,
        };
        network.send(&envelope, network.nodes.of(from), rng)
    }
    fn request() -> Message {
        Message::FetchRequest(Box::default())
    }
    fn answer() -> Message {
        Message::ProduceResponse {
            results: Vec::new(),
        }
    }
    const A: NodeId = NodeId::Broker(1);
    const B: NodeId = NodeId::Broker(2);

    #[test]
    fn nodes_are_numbered_densely() {
        let nodes = NodeIndex::new(2, 1);
        let all = [
            A,
            B,
            NodeId::Controller(1),
            NodeId::Producer(0),
            NodeId::Consumer(0),
            NodeId::Producer(1),
            NodeId::Consumer(1),
        ];
        assert!(all.iter().map(|node| nodes.of(*node)).eq(0..7));
    }

    #[test]
    fn messages_keep_their_order() {
        let (mut network, mut rng) = (network(0.0), Rng::new(1));
        let mut last = Time::ZERO;
        for now in 0..500 {
            let fate = send(&mut network, (A, B), request(), Time(now), &mut rng);
            let Fate::Arrives(at) = fate else {
                panic!("{fate:?}")
            };
            assert!(at >= last);
            last = at;
        }
    }

    #[test]
    fn a_new_life_waits_for_nothing_of_the_one_before() {
        let (mut network, mut rng) = (network(0.0), Rng::new(1));
        let late = Time::secs(100);
        send(&mut network, (A, B), request(), late, &mut rng);
        network.disconnect(A);
        let fate = send(&mut network, (A, B), request(), Time(0), &mut rng);
        assert!(matches!(fate, Fate::Arrives(at) if at < Time::secs(1)));
    }

    #[test]
    fn a_cut_has_a_direction() {
        let (mut network, mut rng) = (network(0.0), Rng::new(1));
        network.set_link(
            A,
            B,
            Link {
                cut: true,
                ..Link::default()
            },
        );
        assert_eq!(
            send(&mut network, (A, B), request(), Time(0), &mut rng),
            Fate::Cut
        );
        assert!(matches!(
            send(&mut network, (B, A), request(), Time(0), &mut rng),
            Fate::Arrives(_)
        ));
    }

    #[test]
    fn drops_one_message_of_the_kind() {
        let (mut network, mut rng) = (network(0.0), Rng::new(1));
        network.drop_next(MessageKind::ProduceResponse, A, B);
        assert!(matches!(
            send(&mut network, (A, B), request(), Time(0), &mut rng),
            Fate::Arrives(_)
        ));
        assert_eq!(
            send(&mut network, (A, B), answer(), Time(0), &mut rng),
            Fate::Dropped
        );
        assert!(matches!(
            send(&mut network, (A, B), answer(), Time(0), &mut rng),
            Fate::Arrives(_)
        ));
    }
}
