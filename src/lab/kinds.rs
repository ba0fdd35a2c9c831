//! Events by kind: what the filter of the event list knows, and what marks the time line.

use crate::sim::{
    event::{Event, What},
    group::GroupEvent,
    time::Time,
};

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A fault or a command.
    Fault,
    /// Controller, registrations, elections.
    Election,
    /// ISR, high watermark, truncation.
    Replication,
    /// What producers see.
    Producer,
    /// Groups and their members.
    Group,
    /// Records lost, duplicated, reordered, processed twice or never.
    Fate,
}

impl Kind {
    /// All of them, in the order the filter turns through.
    pub const ALL: [Self; 6] = [
        Self::Fault,
        Self::Election,
        Self::Replication,
        Self::Producer,
        Self::Group,
        Self::Fate,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fault => "faults",
            Self::Election => "elections",
            Self::Replication => "replication",
            Self::Producer => "producers",
            Self::Group => "groups",
            Self::Fate => "losses and copies",
        }
    }

    /// The kind of an event.
    pub fn of(what: &What) -> Self {
        match what {
            What::Commanded { .. }
            | What::BrokerCrashed { .. }
            | What::PageCacheLost { .. }
            | What::BrokerStarted { .. }
            | What::BrokerStopped { .. }
            | What::Cut { .. }
            | What::Healed { .. }
            | What::HealedAll
            | What::LinkSlowed { .. }
            | What::DiskSlowed { .. }
            | What::MessageDropped { .. }
            | What::SettingChanged { .. }
            | What::InvariantBroken { .. } => Self::Fault,
            What::ControllerFailed { .. }
            | What::ControllerRestarted { .. }
            | What::ControllerElected { .. }
            | What::QuorumLost { .. }
            | What::BrokerRegistered { .. }
            | What::BrokerFenced { .. }
            | What::BrokerUnfenced { .. }
            | What::ControlledShutdownStarted { .. }
            | What::ControlledShutdownGranted { .. }
            | What::ControlledShutdownTimedOut { .. }
            | What::TopicCreated { .. }
            | What::PartitionsAdded { .. }
            | What::LeaderElected { .. }
            | What::LeaderLost { .. }
            | What::BecameLeader { .. }
            | What::BecameFollower { .. } => Self::Election,
            What::RecordsLost { .. }
            | What::RecordsReturned { .. }
            | What::RecordsDuplicated { .. }
            | What::RecordsReordered { .. } => Self::Fate,
            What::ProducerStarted { .. }
            | What::ProducerStopped { .. }
            | What::ProducerCrashed { .. }
            | What::ProducerIdAssigned { .. }
            | What::ProduceFailing { .. }
            | What::ProduceRecovered { .. }
            | What::RecordsFailed { .. }
            | What::ProducerBlocked { .. }
            | What::ProducerUnblocked { .. }
            | What::RecordsRefused { .. }
            | What::DuplicateDropped { .. }
            | What::SequenceRefused { .. } => Self::Producer,
            What::Group(event) => Self::of_group(event),
            _ => Self::Replication,
        }
    }

    fn of_group(event: &GroupEvent) -> Self {
        match event {
            GroupEvent::Reprocessed { .. }
            | GroupEvent::NeverProcessed { .. }
            | GroupEvent::RecordSkipped { .. } => Self::Fate,
            _ => Self::Group,
        }
    }
}

/// Whether an event is about a partition of one of Kafka's own topics, such as `__consumer_offsets`.
pub fn is_internal(what: &What) -> bool {
    match what {
        What::TopicCreated { topic, .. } | What::PartitionsAdded { topic, .. } => {
            topic.starts_with("__")
        }
        What::LeaderElected { tp, .. }
        | What::LeaderLost { tp, .. }
        | What::IsrShrunk { tp, .. }
        | What::IsrExpanded { tp, .. }
        | What::ElrChanged { tp, .. }
        | What::BecameLeader { tp, .. }
        | What::BecameFollower { tp, .. }
        | What::Truncated { tp, .. }
        | What::HighWatermarkFrozen { tp, .. }
        | What::HighWatermarkMoves { tp, .. } => tp.topic.starts_with("__"),
        _ => false,
    }
}

/// What stands on the time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sign {
    /// A group rebalances.
    Rebalance,
    /// An ISR changes.
    Isr,
    /// A leader or the active controller is elected or lost.
    Election,
    /// A fault or a command.
    Fault,
    /// Acknowledged records are lost, or an invariant breaks.
    Loss,
}

impl Sign {
    /// The sign itself.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Rebalance => "↻",
            Self::Isr => "≠",
            Self::Election => "◆",
            Self::Fault => "✗",
            Self::Loss => "!",
        }
    }

    /// What it means.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rebalance => "rebalance",
            Self::Isr => "ISR",
            Self::Election => "election",
            Self::Fault => "fault",
            Self::Loss => "loss",
        }
    }

    /// The sign of an event that has one.
    pub fn of(what: &What) -> Option<Self> {
        Some(match what {
            What::Group(GroupEvent::RebalanceStarted { .. }) => Self::Rebalance,
            What::IsrShrunk { .. } | What::IsrExpanded { .. } => Self::Isr,
            What::LeaderElected {
                from: None, reason, ..
            } if *reason == crate::sim::event::ElectionReason::Created => {
                return None;
            }
            What::ControllerElected { after, .. } if *after == Time::ZERO => return None,
            What::LeaderElected { .. }
            | What::LeaderLost { .. }
            | What::ControllerElected { .. } => Self::Election,
            What::Commanded { .. } => Self::Fault,
            What::RecordsLost { .. } | What::InvariantBroken { .. } => Self::Loss,
            _ => return None,
        })
    }
}

/// Whether an event is one to stop at: it has a sign, or it changes what a client sees.
///
/// Kafka's own topics are passed over.
pub fn is_interesting(event: &Event) -> bool {
    !is_internal(&event.what)
        && (Sign::of(&event.what).is_some() || changes_what_is_seen(&event.what))
}

fn changes_what_is_seen(what: &What) -> bool {
    matches!(
        what,
        What::BrokerFenced { .. }
            | What::BrokerUnfenced { .. }
            | What::QuorumLost { .. }
            | What::Truncated { .. }
            | What::HighWatermarkFrozen { .. }
            | What::HighWatermarkMoves { .. }
            | What::ProduceFailing { .. }
            | What::ProduceRecovered { .. }
            | What::RecordsFailed { .. }
            | What::ProducerBlocked { .. }
            | What::RecordsDuplicated { .. }
            | What::RecordsReordered { .. }
            | What::DuplicateDropped { .. }
            | What::Group(
                GroupEvent::MemberGone { .. }
                    | GroupEvent::Stable { .. }
                    | GroupEvent::PollIntervalExceeded { .. }
                    | GroupEvent::Reprocessed { .. }
                    | GroupEvent::NeverProcessed { .. }
                    | GroupEvent::Fenced { .. }
                    | GroupEvent::RecordSentOn { .. }
                    | GroupEvent::RecordSkipped { .. }
            )
    )
}
