//! What happens in groups and to their members, in sentences for a learner.

use std::fmt;
use std::sync::Arc;

use crate::sim::time::Time;
use crate::sim::types::{BrokerId, ErrorCode, Offset};

/// Why a group rebalances.
#[derive(Debug, Clone, PartialEq)]
pub enum RebalanceReason {
    /// The group was empty.
    FirstMember(Arc<str>),
    /// A new member came.
    Joined(Arc<str>),
    /// A member asked to join again: it gave up partitions, or subscribes to something else.
    Rejoined(Arc<str>),
    /// The leader joined again: its metadata shows other topics or partitions, or it returned.
    LeaderRejoined(Arc<str>),
    /// A member left or was dropped.
    Gone(Arc<str>),
    /// A static member came back and the group's assignor changes with it.
    StaticReturned(Arc<str>),
    /// Members did not ask for their assignment in time.
    NotSynced,
}

impl fmt::Display for RebalanceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RebalanceReason::FirstMember(who) => write!(f, "{who} is its first member"),
            RebalanceReason::Joined(who) => write!(f, "{who} joins"),
            RebalanceReason::Rejoined(who) => {
                write!(
                    f,
                    "{who} joins again with another subscription or after it gave up partitions"
                )
            }
            RebalanceReason::LeaderRejoined(who) => {
                write!(
                    f,
                    "the group's leader {who} joins again: topics, partitions or its own place changed"
                )
            }
            RebalanceReason::Gone(who) => write!(f, "{who} is gone"),
            RebalanceReason::StaticReturned(who) => {
                write!(
                    f,
                    "static member {who} returns and the group's assignor changes with it"
                )
            }
            RebalanceReason::NotSynced => {
                f.write_str("members did not ask for their assignment in time")
            }
        }
    }
}

/// Why a member is no longer one.
#[derive(Debug, Clone, PartialEq)]
pub enum Departure {
    /// It said so.
    Left,
    /// Nothing was heard of it for too long.
    SessionTimeout {
        /// For how long.
        silent: Time,
        /// `session.timeout.ms` in milliseconds.
        session_timeout_ms: u64,
    },
    /// It did not join while the others waited.
    DidNotRejoin {
        /// The longest `max.poll.interval.ms` of the members, in milliseconds.
        rebalance_timeout_ms: u64,
    },
    /// It did not fetch its assignment.
    DidNotSync {
        /// The longest `max.poll.interval.ms` of the members, in milliseconds.
        rebalance_timeout_ms: u64,
    },
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Departure::Left => f.write_str("it sent LeaveGroup"),
            Departure::SessionTimeout {
                silent,
                session_timeout_ms,
            } => write!(
                f,
                "no heartbeat for {} (session.timeout.ms = {session_timeout_ms})",
                silent.span()
            ),
            Departure::DidNotRejoin {
                rebalance_timeout_ms,
            } => write!(
                f,
                "it did not rejoin within the rebalance timeout \
                 (the longest max.poll.interval.ms of the members = {rebalance_timeout_ms})"
            ),
            Departure::DidNotSync {
                rebalance_timeout_ms,
            } => write!(
                f,
                "it did not fetch its assignment within the rebalance timeout \
                 (the longest max.poll.interval.ms of the members = {rebalance_timeout_ms})"
            ),
        }
    }
}

/// What happened in a group, as part of the cluster's events.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    missing_docs,
    reason = "the fields are what the sentence in `Display` says of them"
)]
pub enum GroupEvent {
    // The coordinator's side.
    CoordinatorLoaded {
        group: Arc<str>,
        broker: BrokerId,
        generation: i32,
        members: u32,
    },
    RebalanceStarted {
        group: Arc<str>,
        generation: i32,
        reason: RebalanceReason,
        members: u32,
        wait: Time,
    },
    GenerationBegan {
        group: Arc<str>,
        generation: i32,
        members: u32,
        leader: Arc<str>,
        assignor: Arc<str>,
    },
    Stable {
        group: Arc<str>,
        generation: i32,
        assignment: Vec<(Arc<str>, Vec<String>)>,
    },
    Emptied {
        group: Arc<str>,
        generation: i32,
    },
    MemberGone {
        group: Arc<str>,
        member: Arc<str>,
        why: Departure,
    },
    StaticReplaced {
        group: Arc<str>,
        instance: Arc<str>,
        from: Arc<str>,
        to: Arc<str>,
        rebalance: bool,
    },
    CommitRefused {
        group: Arc<str>,
        member: Arc<str>,
        error: ErrorCode,
        generation: i32,
        current: i32,
    },
    OldCoordinator {
        broker: BrokerId,
        says: Box<GroupEvent>,
    },

    // The consumer's side.
    ConsumerStarted {
        consumer: Arc<str>,
        group: Arc<str>,
        settings: String,
    },
    ConsumerStopped {
        consumer: Arc<str>,
        group: Arc<str>,
    },
    ConsumerKilled {
        consumer: Arc<str>,
        group: Arc<str>,
        unfinished: u64,
    },
    Assigned {
        consumer: Arc<str>,
        generation: i32,
        partitions: Vec<String>,
        added: Vec<String>,
    },
    Revoked {
        consumer: Arc<str>,
        partitions: Vec<String>,
        eager: bool,
    },
    Lost {
        consumer: Arc<str>,
        partitions: Vec<String>,
        error: ErrorCode,
    },
    PollIntervalExceeded {
        consumer: Arc<str>,
        since_poll: Time,
        max_poll_interval_ms: u64,
        leaves: bool,
    },
    JoinRefused {
        consumer: Arc<str>,
        error: ErrorCode,
    },
    Fenced {
        consumer: Arc<str>,
        instance: Arc<str>,
    },
    OffsetReset {
        consumer: Arc<str>,
        partition: String,
        to: Offset,
        policy: &'static str,
        why: ResetReason,
    },
    ResetFailed {
        consumer: Arc<str>,
        partition: String,
    },
    LogTruncated {
        consumer: Arc<str>,
        partition: String,
        position: Offset,
        end: Offset,
    },
    CommitFailed {
        consumer: Arc<str>,
        /// What the coordinator answered; `None`: the client knows by itself that it is no member any more.
        error: Option<ErrorCode>,
    },
    RecordFailed {
        consumer: Arc<str>,
        partition: String,
        offset: Offset,
        attempt: u32,
        poison: bool,
    },
    RecordSkipped {
        consumer: Arc<str>,
        partition: String,
        offset: Offset,
    },
    RecordSentOn {
        consumer: Arc<str>,
        partition: String,
        offset: Offset,
        to: Arc<str>,
    },
    Reprocessed {
        group: Arc<str>,
        consumer: Arc<str>,
        partition: String,
        first: Offset,
        count: u64,
    },
    NeverProcessed {
        group: Arc<str>,
        partition: String,
        first: Offset,
        count: u64,
    },
}

/// Why a consumer's position is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetReason {
    /// The group has committed nothing for the partition.
    NoCommit,
    /// The position lies outside the log.
    OutOfRange {
        /// The position.
        position: Offset,
    },
    /// The log was truncated below the position.
    Truncated {
        /// The position.
        position: Offset,
    },
}

impl fmt::Display for ResetReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResetReason::NoCommit => f.write_str("the group has committed nothing for it"),
            ResetReason::OutOfRange { position } => {
                write!(f, "its position {position} is outside the log")
            }
            ResetReason::Truncated { position } => {
                write!(f, "the log was truncated below its position {position}")
            }
        }
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        "nothing".to_owned()
    } else {
        items.join(", ")
    }
}

/// `1 member`, `3 members`
fn count(members: u32) -> String {
    format!("{members} member{}", if members == 1 { "" } else { "s" })
}

impl GroupEvent {
    /// The event's name, for conditions.
    pub fn name(&self) -> &'static str {
        match self {
            GroupEvent::CoordinatorLoaded { .. } => "CoordinatorLoaded",
            GroupEvent::RebalanceStarted { .. } => "RebalanceStarted",
            GroupEvent::GenerationBegan { .. } => "GenerationBegan",
            GroupEvent::Stable { .. } => "Stable",
            GroupEvent::Emptied { .. } => "Emptied",
            GroupEvent::MemberGone { .. } => "MemberGone",
            GroupEvent::StaticReplaced { .. } => "StaticReplaced",
            GroupEvent::CommitRefused { .. } => "CommitRefused",
            GroupEvent::OldCoordinator { .. } => "OldCoordinator",
            GroupEvent::ConsumerStarted { .. } => "ConsumerStarted",
            GroupEvent::ConsumerStopped { .. } => "ConsumerStopped",
            GroupEvent::ConsumerKilled { .. } => "ConsumerKilled",
            GroupEvent::Assigned { .. } => "Assigned",
            GroupEvent::Revoked { .. } => "Revoked",
            GroupEvent::Lost { .. } => "Lost",
            GroupEvent::PollIntervalExceeded { .. } => "PollIntervalExceeded",
            GroupEvent::JoinRefused { .. } => "JoinRefused",
            GroupEvent::Fenced { .. } => "Fenced",
            GroupEvent::OffsetReset { .. } => "OffsetReset",
            GroupEvent::ResetFailed { .. } => "ResetFailed",
            GroupEvent::LogTruncated { .. } => "LogTruncated",
            GroupEvent::CommitFailed { .. } => "CommitFailed",
            GroupEvent::RecordFailed { .. } => "RecordFailed",
            GroupEvent::RecordSkipped { .. } => "RecordSkipped",
            GroupEvent::RecordSentOn { .. } => "RecordSentOn",
            GroupEvent::Reprocessed { .. } => "Reprocessed",
            GroupEvent::NeverProcessed { .. } => "NeverProcessed",
        }
    }
}

impl fmt::Display for GroupEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.coordinator(f)
            .or_else(|| self.membership(f))
            .or_else(|| self.reading(f))
            .unwrap_or(Ok(()))
    }
}

/// `None`: the event belongs to another set of sentences.
type Sentence = Option<fmt::Result>;

impl GroupEvent {
    fn coordinator(&self, f: &mut fmt::Formatter<'_>) -> Sentence {
        Some(match self {
            GroupEvent::CoordinatorLoaded {
                group,
                broker,
                generation,
                members,
            } => write!(
                f,
                "broker {broker} coordinates group {group}: it read generation {generation} with {} from \
                 __consumer_offsets",
                count(*members)
            ),
            GroupEvent::RebalanceStarted {
                group,
                generation,
                reason,
                members,
                wait,
            } => write!(
                f,
                "group {group} rebalances (generation {generation}, {}): {reason}; it waits up to {} for the members \
                 to join",
                count(*members),
                wait.span()
            ),
            GroupEvent::GenerationBegan {
                group,
                generation,
                members,
                leader,
                assignor,
            } => write!(
                f,
                "group {group} begins generation {generation} with {}; {leader} computes the assignment ({assignor})",
                count(*members)
            ),
            GroupEvent::Stable {
                group,
                generation,
                assignment,
            } => {
                let shares: Vec<String> = assignment
                    .iter()
                    .map(|(member, partitions)| format!("{member} has {}", list(partitions)))
                    .collect();
                write!(
                    f,
                    "group {group} is Stable in generation {generation}: {}",
                    shares.join("; ")
                )
            }
            GroupEvent::Emptied { group, generation } => {
                write!(
                    f,
                    "group {group} has no members any more (generation {generation}); its offsets stay"
                )
            }
            GroupEvent::MemberGone { group, member, why } => {
                write!(f, "{member} is no member of group {group} any more: {why}")
            }
            GroupEvent::StaticReplaced {
                group,
                instance,
                from,
                to,
                rebalance: false,
            } => write!(
                f,
                "static member {instance} of group {group} is back as {to} (was {from}) and gets its partitions again: \
                 no rebalance (group.instance.id, KIP-345)"
            ),
            GroupEvent::StaticReplaced {
                group,
                instance,
                from,
                to,
                rebalance: true,
            } => write!(
                f,
                "static member {instance} of group {group} is back as {to} (was {from})"
            ),
            GroupEvent::CommitRefused {
                group,
                member,
                error,
                generation,
                current,
            } => write!(
                f,
                "group {group} refuses a commit of {member}: {error} (its generation {generation}, the group's {current})"
            ),
            GroupEvent::OldCoordinator { broker, says } => write!(
                f,
                "broker {broker}, which was replaced as coordinator and does not know it: {says}"
            ),
            _ => return None,
        })
    }

    fn membership(&self, f: &mut fmt::Formatter<'_>) -> Sentence {
        Some(match self {
            GroupEvent::ConsumerStarted {
                consumer,
                group,
                settings,
            } => {
                write!(f, "consumer {consumer} starts in group {group}: {settings}")
            }
            GroupEvent::ConsumerStopped { consumer, group } => {
                write!(f, "consumer {consumer} of group {group} closes")
            }
            GroupEvent::ConsumerKilled {
                consumer,
                group,
                unfinished,
            } => write!(
                f,
                "consumer {consumer} of group {group} is killed with {unfinished} records handed over and not finished"
            ),
            GroupEvent::Assigned {
                consumer,
                generation,
                partitions,
                added,
            } => write!(
                f,
                "consumer {consumer} has {} in generation {generation} (new: {})",
                list(partitions),
                list(added)
            ),
            GroupEvent::Revoked {
                consumer,
                partitions,
                eager: true,
            } => write!(
                f,
                "consumer {consumer} gives up {} before it joins: eager rebalancing revokes everything",
                list(partitions)
            ),
            GroupEvent::Revoked {
                consumer,
                partitions,
                eager: false,
            } => write!(
                f,
                "consumer {consumer} gives up {}, keeps the rest and joins again (cooperative, KIP-429)",
                list(partitions)
            ),
            GroupEvent::Lost {
                consumer,
                partitions,
                error,
            } => write!(
                f,
                "consumer {consumer} has lost {}: {error}; it can no longer commit for them",
                list(partitions)
            ),
            GroupEvent::PollIntervalExceeded {
                consumer,
                since_poll,
                max_poll_interval_ms,
                leaves,
            } => write!(
                f,
                "consumer {consumer} has not called poll() for {} (max.poll.interval.ms = {max_poll_interval_ms}): {}",
                since_poll.span(),
                if *leaves {
                    "it leaves the group"
                } else {
                    "a static member stops its heartbeats and does not leave"
                }
            ),
            GroupEvent::Fenced { consumer, instance } => write!(
                f,
                "consumer {consumer} is fenced: another one took over group.instance.id {instance}; it ends"
            ),
            GroupEvent::JoinRefused { consumer, error } => {
                write!(
                    f,
                    "consumer {consumer} may not join its group: {error}; it ends"
                )
            }
            GroupEvent::CommitFailed {
                consumer,
                error: Some(error),
            } => {
                write!(
                    f,
                    "a commit of consumer {consumer} is refused: {error}; what it processed will be read again"
                )
            }
            GroupEvent::CommitFailed {
                consumer,
                error: None,
            } => {
                write!(
                    f,
                    "a commit of consumer {consumer} fails with CommitFailedException, as it is no member any more; what it processed will be read again"
                )
            }
            _ => return None,
        })
    }

    fn reading(&self, f: &mut fmt::Formatter<'_>) -> Sentence {
        Some(match self {
            GroupEvent::OffsetReset {
                consumer,
                partition,
                to,
                policy,
                why,
            } => write!(
                f,
                "consumer {consumer} starts {partition} at offset {to}: {why} (auto.offset.reset = {policy})"
            ),
            GroupEvent::ResetFailed {
                consumer,
                partition,
            } => write!(
                f,
                "consumer {consumer} fails on {partition}: no valid position and auto.offset.reset = none"
            ),
            GroupEvent::LogTruncated {
                consumer,
                partition,
                position,
                end,
            } => write!(
                f,
                "consumer {consumer} notices that {partition} was truncated: it had read to {position}, \
                 that epoch now ends at {end} (KIP-320)"
            ),
            GroupEvent::RecordFailed {
                consumer,
                partition,
                offset,
                attempt,
                poison,
            } => write!(
                f,
                "consumer {consumer} fails on the record at offset {offset} of {partition} (attempt {attempt}{})",
                if *poison {
                    ", a poison record: it will fail every time"
                } else {
                    ""
                }
            ),
            GroupEvent::RecordSkipped {
                consumer,
                partition,
                offset,
            } => {
                write!(
                    f,
                    "consumer {consumer} skips the record at offset {offset} of {partition}: it is lost to it"
                )
            }
            GroupEvent::RecordSentOn {
                consumer,
                partition,
                offset,
                to,
            } => write!(
                f,
                "consumer {consumer} sends the record at offset {offset} of {partition} on to topic {to} and goes on"
            ),
            GroupEvent::Reprocessed {
                group,
                consumer,
                partition,
                first,
                count,
            } => write!(
                f,
                "consumer {consumer} processes {count} records of {partition} from offset {first} \
                 that group {group} had processed already"
            ),
            GroupEvent::NeverProcessed {
                group,
                partition,
                first,
                count,
            } => write!(
                f,
                "group {group} committed past {count} records of {partition} from offset {first} \
                 that nobody finished processing: lost to it"
            ),
            _ => return None,
        })
    }
}
