//! What every state machine works with: the world around it, and the handle through which it acts on it.
//!
//! A node handles a message or a timer with `&mut self` and a [`Context`]. Through it the node sends, sets timers and
//! tells what happened; it reaches no other node in any other way.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chunks::Chunks;
use super::event::{Event, EventId, What};
use super::group::GroupEvent;
use super::group::event::Departure;
use super::ledger::Ledger;
use super::message::{Envelope, Message};
use super::network::{Fate, Network};
use super::node::{Names, NodeId, NodeName, Tp};
use super::queue::EventQueue;
use super::rng::Rng;
use super::spare::Spare;
use super::time::Time;
use super::types::BrokerId;

/// What a node asked to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// A broker's.
    Broker(super::broker::BrokerTimer),
    /// The controller quorum's.
    Controller(super::controller::ControllerTimer),
    /// A producer's.
    Producer(super::producer::ProducerTimer),
    /// A consumer's.
    Consumer(super::consumer::ConsumerTimer),
}

/// Something that waits in the queue.
#[derive(Debug, Clone)]
pub enum Occurrence {
    /// A message arrives. (In a box, so that the queue moves no messages.)
    Deliver(Box<Envelope>),
    /// A client starts by itself, unless it runs already.
    Start {
        /// Which.
        node: NodeId,
    },
    /// A timer fires, unless its node restarted in between. (In a box for the same reason.)
    Fire(Box<Alarm>),
}

/// A timer that is set.
#[derive(Debug, Clone, Copy)]
pub struct Alarm {
    /// Whose.
    pub node: NodeId,
    /// The incarnation that set it.
    pub incarnation: u32,
    /// What for.
    pub timer: Timer,
    /// The event that led to it.
    pub cause: Option<EventId>,
}

/// The events so far; snapshots share them.
#[derive(Debug, Clone, Default)]
pub struct EventLog(Chunks<Event>);

impl Occurrence {
    /// To whom it happens.
    pub fn node(&self) -> NodeId {
        match self {
            Occurrence::Deliver(envelope) => envelope.to,
            Occurrence::Fire(alarm) => alarm.node,
            Occurrence::Start { node } => *node,
        }
    }
}

impl EventLog {
    /// How many events there were; also the number of the next.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }
    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The event of this number.
    pub fn get(&self, id: EventId) -> Option<&Event> {
        self.0.get(id.0 as usize)
    }
    /// The events from this number on.
    pub fn since(&self, mark: EventId) -> impl DoubleEndedIterator<Item = &Event> {
        self.0.since(mark.0 as usize)
    }
    fn push(&mut self, event: Event) {
        self.0.push(event);
    }
}

/// What a node is to the network: whether its process runs, and which life of it this is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Life {
    /// Whether its process runs.
    pub up: bool,
    /// Grows with each start.
    pub incarnation: u32,
}

/// Everything that is not a state machine.
#[derive(Debug, Clone)]
pub struct World {
    /// The present.
    pub now: Time,
    /// What will happen.
    pub queue: EventQueue<Occurrence>,
    /// Chance.
    pub rng: Rng,
    /// The network.
    pub network: Network,
    /// Names of everything.
    pub names: Names,
    /// What happened.
    pub events: EventLog,
    /// What became of each record: an observer, which no state machine reads.
    pub ledger: Ledger,
    /// Emptied fetches, for the next ones.
    pub spare: Spare,
    /// The last fault that hit a node: why it fell silent. For explanations only.
    pub faults: BTreeMap<NodeId, EventId>,
    /// Brokers that the controller lets shut down; the cluster ends them.
    pub ready_to_stop: Vec<BrokerId>,
    lives: Vec<Life>,
    /// The last decision on a partition or a group. For explanations only.
    decisions: BTreeMap<Subject, EventId>,
}

/// What somebody decides about and others carry out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Partition(Tp),
    Group(Arc<str>),
}

impl Subject {
    /// What an event decides about or carries out, if it is one of that kind.
    fn of(what: &What) -> Option<Subject> {
        match what {
            What::LeaderElected { tp, .. }
            | What::LeaderLost { tp, .. }
            | What::BecameLeader { tp, .. }
            | What::BecameFollower { tp, .. } => Some(Subject::Partition(tp.clone())),
            What::Group(
                GroupEvent::RebalanceStarted { group, .. }
                | GroupEvent::GenerationBegan { group, .. },
            ) => Some(Subject::Group(Arc::clone(group))),
            _ => None,
        }
    }
}

impl World {
    /// A world in which nothing runs yet.
    pub fn new(seed: u64, network: Network) -> World {
        World {
            now: Time::ZERO,
            queue: EventQueue::new(),
            rng: Rng::new(seed),
            network,
            names: Names::default(),
            events: EventLog::default(),
            ledger: Ledger::default(),
            spare: Spare::default(),
            faults: BTreeMap::new(),
            ready_to_stop: Vec::new(),
            lives: Vec::new(),
            decisions: BTreeMap::new(),
        }
    }

    /// Whether a node runs, and its incarnation.
    pub fn life(&self, node: NodeId) -> Life {
        self.life_at(self.network.nodes().of(node))
    }

    /// The same by the node's dense number.
    pub fn life_at(&self, place: usize) -> Life {
        self.lives.get(place).copied().unwrap_or_default()
    }

    /// Starts a node's next life.
    pub fn begin_life(&mut self, node: NodeId) {
        let index = self.network.nodes().of(node);
        if self.lives.len() <= index {
            self.lives.resize(index + 1, Life::default());
        }
        self.lives[index] = Life {
            up: true,
            incarnation: self.lives[index].incarnation + 1,
        };
    }

    /// Ends a node's life: its timers and what is under way to it are void.
    pub fn end_life(&mut self, node: NodeId) {
        if let Some(life) = self.lives.get_mut(self.network.nodes().of(node)) {
            life.up = false;
        }
    }

    /// Records an event. Where somebody else decided what a node carries out, or a fault made it fall silent, that is
    /// the cause, and not the message or timer that the node happens to handle.
    #[cold]
    pub fn emit(&mut self, cause: Option<EventId>, what: What) -> EventId {
        let id = EventId(self.events.len());
        let subject = Subject::of(&what);
        let decides = matches!(
            what,
            What::LeaderElected { .. }
                | What::LeaderLost { .. }
                | What::Group(GroupEvent::RebalanceStarted { .. })
        );
        let cause = match (&what, &subject) {
            (What::Group(GroupEvent::MemberGone { member, why, .. }), _)
                if *why != Departure::Left =>
            {
                let node = self.names.resolve(&NodeName::Consumer(Arc::clone(member)));
                node.and_then(|node| self.faults.get(&node).copied())
                    .or(cause)
            }
            (_, Some(subject)) if !decides => self.decisions.get(subject).copied().or(cause),
            _ => cause,
        };
        if let (true, Some(subject)) = (decides, subject) {
            self.decisions.insert(subject, id);
        }
        self.events.push(Event {
            id,
            time: self.now,
            cause,
            what,
        });
        id
    }

    /// The handle with which a node acts now.
    pub fn context(&mut self, me: NodeId, cause: Option<EventId>) -> Context<'_> {
        let place = self.network.nodes().of(me);
        self.context_at(me, place, cause)
    }

    /// The same where the node's dense number is known.
    pub fn context_at(&mut self, me: NodeId, place: usize, cause: Option<EventId>) -> Context<'_> {
        Context {
            world: self,
            me,
            place,
            cause,
        }
    }

    /// Hands a message to the network; `sender` is the dense number of who sends it.
    #[inline]
    fn send(&mut self, mut envelope: Box<Envelope>, sender: usize) {
        let place = self.network.nodes().of(envelope.to);
        let life = self.life_at(place);
        if !life.up {
            self.bounce(&envelope);
            return;
        }
        envelope.place = place as u32;
        envelope.incarnation = life.incarnation;
        let fate = self.network.send(&envelope, sender, &mut self.rng);
        match fate {
            Fate::Arrives(arrival) => self.queue.push(arrival, Occurrence::Deliver(envelope)),
            fate => self.not_sent(fate, &envelope),
        }
    }

    /// Takes out what an envelope says; its memory is used again.
    #[inline]
    pub fn open(&mut self, mut envelope: Box<Envelope>) -> Message {
        let message = std::mem::replace(&mut envelope.message, Message::Disconnected);
        self.spare.envelopes.give(envelope);
        message
    }

    /// A message that will not arrive.
    #[cold]
    fn not_sent(&mut self, fate: Fate, envelope: &Envelope) {
        let asked = match fate {
            Fate::Arrives(_) | Fate::Cut => None,
            Fate::Lost => Some(false),
            Fate::Dropped => Some(true),
        };
        self.ledger.message_lost(&envelope.message);
        if let Some(asked) = asked {
            let (from, to) = (self.names.node(envelope.from), self.names.node(envelope.to));
            self.emit(
                envelope.cause,
                What::MessageDropped {
                    from,
                    to,
                    kind: envelope.message.kind().name(),
                    asked,
                },
            );
        }
    }

    /// A message to a life that is over.
    #[cold]
    pub fn came_too_late(&mut self, envelope: &Envelope) {
        if self.life_at(envelope.place as usize).up {
            self.ledger.message_lost(&envelope.message);
        } else {
            self.bounce(envelope);
        }
    }

    /// A message to a process that does not run: its host refuses the connection, if it can be reached.
    #[cold]
    pub fn bounce(&mut self, envelope: &Envelope) {
        self.ledger.message_lost(&envelope.message);
        let back = self.life(envelope.from);
        if matches!(envelope.message, Message::Disconnected) || !back.up {
            return;
        }
        if !self.network.reaches(envelope.from, envelope.to)
            || !self.network.reaches(envelope.to, envelope.from)
        {
            return;
        }
        let notice = Envelope {
            from: envelope.to,
            to: envelope.from,
            place: self.network.nodes().of(envelope.from) as u32,
            incarnation: back.incarnation,
            sent: self.now,
            correlation: envelope.correlation,
            cause: envelope.cause,
            message: Message::Disconnected,
        };
        let arrival = self.now + self.network.latency() + self.network.latency();
        let notice = Occurrence::Deliver(Box::new(notice));
        self.queue.push(arrival, notice);
    }
}

/// Through this a node acts: it sends, sets timers, and tells what happened.
pub struct Context<'a> {
    /// The world. State machines read `names`, draw from `rng` and report to `ledger`; nothing else in it is theirs.
    pub world: &'a mut World,
    /// Who acts.
    pub me: NodeId,
    /// Its dense number.
    place: usize,
    /// The event that led to this moment; it becomes the cause of what is sent and set.
    pub cause: Option<EventId>,
}

impl Context<'_> {
    /// The present.
    pub fn now(&self) -> Time {
        self.world.now
    }

    /// Sends a message now.
    #[inline]
    pub fn send(&mut self, to: NodeId, correlation: u32, message: Message) {
        self.send_at(self.world.now, to, correlation, message);
    }

    /// Sends a message at a later time, unless this node's life ends before: the disk or the quorum is still at work.
    #[inline]
    pub fn send_at(&mut self, at: Time, to: NodeId, correlation: u32, message: Message) {
        let mut envelope = self.world.spare.envelope();
        envelope.from = self.me;
        envelope.to = to;
        envelope.sent = at.max(self.world.now);
        envelope.correlation = correlation;
        envelope.cause = self.cause;
        // An empty envelope holds nothing to drop, and not to ask lets the compiler make the message where it stays.
        std::mem::forget(std::mem::replace(&mut envelope.message, message));
        self.world.send(envelope, self.place);
    }

    /// Tells this node's process from its earlier and later ones.
    pub fn incarnation(&self) -> u32 {
        self.world.life_at(self.place).incarnation
    }

    /// Asks to be woken.
    #[inline]
    pub fn set_timer(&mut self, at: Time, timer: Timer) {
        let incarnation = self.incarnation();
        let alarm = self.world.spare.alarm(Alarm {
            node: self.me,
            incarnation,
            timer,
            cause: self.cause,
        });
        let at = at.max(self.world.now);
        self.world.queue.push(at, Occurrence::Fire(alarm));
    }

    /// Tells what happened; its cause is what led to this moment.
    #[cold]
    pub fn emit(&mut self, what: What) -> EventId {
        self.world.emit(self.cause, what)
    }

    /// Tells what happened, and makes it the cause of everything this node does until it handles something else.
    #[cold]
    pub fn emit_and_follow(&mut self, what: What) -> EventId {
        let id = self.world.emit(self.cause, what);
        self.cause = Some(id);
        id
    }

    /// Whether the controller has taken a partition from a broker that led it. The broker itself may not know: this is
    /// an observer's knowledge, for explanations only.
    pub fn is_replaced(&self, broker: BrokerId, tp: Tp) -> bool {
        let decision = self.world.decisions.get(&Subject::Partition(tp));
        let event = decision.and_then(|id| self.world.events.get(*id));
        event.is_some_and(|event| match event.what {
            What::LeaderElected { to, .. } => to != broker,
            What::LeaderLost { .. } => true,
            _ => false,
        })
    }

    /// The last fault that hit a node, as a cause for what follows from its silence.
    pub fn fault_of(&self, node: NodeId) -> Option<EventId> {
        self.world.faults.get(&node).copied()
    }
}
