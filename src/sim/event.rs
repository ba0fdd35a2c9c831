//! What happened, why, and how to say it.
//!
//! Every change of state that a person would want to know of is an [`Event`]: typed, with the event that led to it.
//! [`What`]'s `Display` is the only place where the sentences are made. Steady work (a batch, a fetch) makes no event.

use std::fmt;
use std::sync::Arc;

use super::node::{NodeName, Tp};
use super::time::Time;
use super::types::{BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, Offset};

/// The number of an event; they grow by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u64);

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number.
    pub id: EventId,
    /// When.
    pub time: Time,
    /// The event that led to it.
    pub cause: Option<EventId>,
    /// What happened.
    pub what: What,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.time, self.what)
    }
}

/// Why an ISR shrinks.
#[derive(Debug, Clone, PartialEq)]
pub enum ShrinkReason {
    /// Members were not caught up for too long.
    Lagging {
        /// Who, and for how long.
        members: Vec<(BrokerId, Time)>,
        /// `replica.lag.time.max.ms` in milliseconds.
        lag_max_ms: i64,
    },
    /// The controller fenced a member.
    Fenced(BrokerId),
    /// A member shuts down in a controlled way.
    ShuttingDown(BrokerId),
    /// A member's broker came back after an unclean shutdown (KIP-966).
    UncleanShutdown(BrokerId),
    /// An election made the leader the only member.
    Election,
    /// A reassignment removed members.
    Reassigned,
}

/// Why a leader was elected or lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElectionReason {
    /// The partition was created.
    Created,
    /// The leader's broker was fenced.
    Fenced(BrokerId),
    /// The leader's broker shuts down in a controlled way.
    ShuttingDown(BrokerId),
    /// A broker that may lead came back.
    Unfenced(BrokerId),
    /// The preferred leader got its place back.
    Preferred,
    /// Unclean election was asked for or allowed.
    UncleanAllowed,
    /// A reassignment removed the leader.
    Reassigned,
    /// The leader's broker registered again after an unclean shutdown.
    UncleanShutdown(BrokerId),
}

/// Why a record is known to be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LossReason {
    /// The new leader's log ends before it, or holds something else there.
    NotOnNewLeader {
        /// The new leader.
        leader: BrokerId,
        /// Its log end when it took over.
        log_end: Offset,
    },
    /// It was acknowledged by a leader that had already been replaced.
    StaleLeader,
    /// Nothing ever wrote it: `acks=0` told the producer nothing.
    NeverWritten,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    missing_docs,
    reason = "the fields are what the sentence in `Display` says of them"
)]
pub enum What {
    // Faults and commands.
    Commanded {
        command: String,
    },
    BrokerCrashed {
        broker: BrokerId,
        lost_cache: bool,
        lost_disk: bool,
    },
    PageCacheLost {
        broker: BrokerId,
        tp: Tp,
        from: Offset,
        records: u64,
    },
    BrokerStarted {
        broker: BrokerId,
        clean: bool,
    },
    BrokerStopped {
        broker: BrokerId,
    },
    Cut {
        from: NodeName,
        to: NodeName,
    },
    Healed {
        from: NodeName,
        to: NodeName,
    },
    HealedAll,
    LinkSlowed {
        from: NodeName,
        to: NodeName,
        extra: Time,
    },
    DiskSlowed {
        broker: BrokerId,
        factor: u32,
    },
    MessageDropped {
        from: NodeName,
        to: NodeName,
        kind: &'static str,
        asked: bool,
    },

    // Controller and brokers.
    ControllerFailed {
        controller: u32,
    },
    ControllerRestarted {
        controller: u32,
    },
    ControllerElected {
        controller: u32,
        epoch: i32,
        after: Time,
    },
    QuorumLost {
        reachable: u32,
        voters: u32,
    },
    BrokerRegistered {
        broker: BrokerId,
        epoch: BrokerEpoch,
        clean: bool,
    },
    BrokerFenced {
        broker: BrokerId,
        silent: Time,
        session_timeout_ms: i64,
    },
    BrokerUnfenced {
        broker: BrokerId,
        epoch: BrokerEpoch,
    },
    ControlledShutdownStarted {
        broker: BrokerId,
    },
    ControlledShutdownGranted {
        broker: BrokerId,
    },
    TopicCreated {
        topic: Arc<str>,
        partitions: u32,
        replication: u32,
    },
    PartitionsAdded {
        topic: Arc<str>,
        from: u32,
        to: u32,
    },
    SettingChanged {
        owner: String,
        setting: &'static str,
        from: String,
        to: String,
    },
    LeaderElected {
        tp: Tp,
        from: Option<BrokerId>,
        to: BrokerId,
        epoch: LeaderEpoch,
        isr: Vec<BrokerId>,
        clean: bool,
        from_elr: bool,
        reason: ElectionReason,
    },
    LeaderLost {
        tp: Tp,
        from: BrokerId,
        epoch: LeaderEpoch,
        isr: Vec<BrokerId>,
        elr: Vec<BrokerId>,
        reason: ElectionReason,
    },
    IsrShrunk {
        tp: Tp,
        from: Vec<BrokerId>,
        to: Vec<BrokerId>,
        reason: ShrinkReason,
        min_isr: u32,
    },
    IsrExpanded {
        tp: Tp,
        from: Vec<BrokerId>,
        to: Vec<BrokerId>,
        joined: Vec<BrokerId>,
        log_end: Offset,
        high_watermark: Offset,
    },
    ElrChanged {
        tp: Tp,
        from: Vec<BrokerId>,
        to: Vec<BrokerId>,
    },
    ReassignmentStarted {
        tp: Tp,
        from: Vec<BrokerId>,
        to: Vec<BrokerId>,
    },
    ReassignmentCompleted {
        tp: Tp,
        replicas: Vec<BrokerId>,
    },
    AlterPartitionRefused {
        tp: Tp,
        leader: BrokerId,
        isr: Vec<BrokerId>,
        error: ErrorCode,
    },

    // Replicas.
    BecameLeader {
        tp: Tp,
        broker: BrokerId,
        epoch: LeaderEpoch,
        log_end: Offset,
        high_watermark: Offset,
    },
    BecameFollower {
        tp: Tp,
        broker: BrokerId,
        leader: Option<BrokerId>,
        epoch: LeaderEpoch,
        log_end: Offset,
    },
    ZombieLeader {
        tp: Tp,
        broker: BrokerId,
        epoch: LeaderEpoch,
        current: LeaderEpoch,
    },
    Truncated {
        tp: Tp,
        broker: BrokerId,
        from: Offset,
        to: Offset,
        epoch: LeaderEpoch,
        leader_epoch_end: Offset,
    },
    FollowerBehind {
        tp: Tp,
        leader: BrokerId,
        follower: BrokerId,
        follower_end: Offset,
        log_end: Offset,
        behind: Time,
    },
    HighWatermarkFrozen {
        tp: Tp,
        leader: BrokerId,
        high_watermark: Offset,
        log_end: Offset,
        isr: Vec<BrokerId>,
        min_isr: u32,
    },
    HighWatermarkMoves {
        tp: Tp,
        leader: BrokerId,
        high_watermark: Offset,
        isr: Vec<BrokerId>,
        min_isr: u32,
    },

    // Producers.
    ProducerStarted {
        producer: Arc<str>,
        settings: String,
    },
    ProducerStopped {
        producer: Arc<str>,
        made: u64,
    },
    ProducerCrashed {
        producer: Arc<str>,
        unfinished: u64,
    },
    ProducerIdAssigned {
        producer: Arc<str>,
        producer_id: i64,
        epoch: i16,
    },
    ProduceFailing {
        producer: Arc<str>,
        tp: Tp,
        error: ErrorCode,
        broker: BrokerId,
        retry_after: Option<Time>,
        detail: String,
    },
    ProduceRecovered {
        producer: Arc<str>,
        tp: Tp,
        after: Time,
    },
    RecordsFailed {
        producer: Arc<str>,
        tp: Tp,
        first: u64,
        count: u64,
        error: String,
    },
    ProducerBlocked {
        producer: Arc<str>,
        used: u64,
        buffer_memory: i64,
    },
    ProducerUnblocked {
        producer: Arc<str>,
        after: Time,
    },
    RecordsRefused {
        producer: Arc<str>,
        first: u64,
        count: u64,
        error: String,
    },
    DuplicateDropped {
        tp: Tp,
        broker: BrokerId,
        producer: Arc<str>,
        first: u64,
        count: u64,
        offset: Offset,
    },
    SequenceRefused {
        tp: Tp,
        broker: BrokerId,
        producer: Arc<str>,
        error: ErrorCode,
        expected: String,
        found: i32,
    },

    // Fates.
    RecordsLost {
        tp: Tp,
        producer: Arc<str>,
        count: u64,
        first: u64,
        last: u64,
        offset: Offset,
        acks: &'static str,
        reason: LossReason,
    },
    RecordsReturned {
        tp: Tp,
        producer: Arc<str>,
        count: u64,
        first: u64,
        last: u64,
    },
    RecordsDuplicated {
        tp: Tp,
        producer: Arc<str>,
        count: u64,
        first: u64,
        last: u64,
        offset: Offset,
    },
    RecordsReordered {
        tp: Tp,
        producer: Arc<str>,
        first: u64,
        last: u64,
        after: u64,
        offset: Offset,
    },

    // Groups and consumers: see the group module for the sentences.
    Group(super::group::GroupEvent),

    // The watch.
    InvariantBroken {
        invariant: &'static str,
        detail: String,
    },
}

/// A set of brokers as events show it: `{1,2,3}`.
pub struct Set<'a>(pub &'a [BrokerId]);

impl fmt::Display for Set<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (place, broker) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            write!(f, "{broker}")?;
        }
        f.write_str("}")
    }
}

/// `record 7` or `records 7 to 12`.
struct Span(u64, u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 {
            write!(f, "record {}", self.0)
        } else {
            write!(f, "records {} to {}", self.0, self.1)
        }
    }
}

fn plural(count: u64, thing: &str) -> String {
    if count == 1 {
        format!("1 {thing}")
    } else {
        format!("{count} {thing}s")
    }
}

impl fmt::Display for ShrinkReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShrinkReason::Lagging {
                members,
                lag_max_ms,
            } => {
                for (place, (broker, ago)) in members.iter().enumerate() {
                    let joint = if place > 0 { ", " } else { "" };
                    write!(
                        f,
                        "{joint}broker {broker} was last caught up {} ago",
                        ago.span()
                    )?;
                }
                write!(f, " (replica.lag.time.max.ms = {lag_max_ms})")
            }
            ShrinkReason::Fenced(broker) => write!(f, "the controller fenced broker {broker}"),
            ShrinkReason::ShuttingDown(broker) => write!(f, "broker {broker} is shutting down"),
            ShrinkReason::UncleanShutdown(broker) => {
                write!(
                    f,
                    "broker {broker} came back from an unclean shutdown and may have lost what it had"
                )
            }
            ShrinkReason::Election => f.write_str("an unclean election leaves only the new leader"),
            ShrinkReason::Reassigned => f.write_str("the reassignment removed the others"),
        }
    }
}

impl fmt::Display for ElectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ElectionReason::Created => f.write_str("the partition was created"),
            ElectionReason::Fenced(broker) => write!(f, "broker {broker} was fenced"),
            ElectionReason::ShuttingDown(broker) => write!(f, "broker {broker} is shutting down"),
            ElectionReason::Unfenced(broker) => write!(f, "broker {broker} came back"),
            ElectionReason::Preferred => f.write_str("the preferred leader takes its place back"),
            ElectionReason::UncleanAllowed => {
                f.write_str("no clean candidate is left and unclean election is allowed")
            }
            ElectionReason::Reassigned => f.write_str("the reassignment removed the leader"),
            ElectionReason::UncleanShutdown(broker) => {
                write!(f, "broker {broker} came back from an unclean shutdown")
            }
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Commanded { command } => write!(f, "› {command}"),
            What::Group(event) => event.fmt(f),
            What::InvariantBroken { invariant, detail } => {
                write!(f, "INVARIANT BROKEN: {invariant}: {detail}")
            }
            _ => self
                .fault(f)
                .or_else(|| self.controller(f))
                .or_else(|| self.replica(f))
                .or_else(|| self.client(f))
                .unwrap_or(Ok(())),
        }
    }
}

/// `None`: the event belongs to another group of sentences.
type Sentence = Option<fmt::Result>;

impl What {
    fn fault(&self, f: &mut fmt::Formatter<'_>) -> Sentence {
        Some(match self {
            What::BrokerCrashed {
                broker,
                lost_cache,
                lost_disk,
            } => {
                let how = match (lost_disk, lost_cache) {
                    (true, _) => " and its disk is lost",
                    (_, true) => {
                        " and its page cache is lost: what was not yet flushed to disk is gone"
                    }
                    _ => ": its process ends, what it wrote stays in the page cache",
                };
                write!(f, "broker {broker} crashes{how}")
            }
            What::PageCacheLost {
                broker,
                tp,
                from,
                records,
            } => write!(
                f,
                "broker {broker} lost {} of {tp} from offset {from} on: they were in the page cache and not on disk \
                 (Kafka does not fsync each write)",
                plural(*records, "record")
            ),
            What::BrokerStarted {
                broker,
                clean: true,
            } => write!(f, "broker {broker} starts after a clean shutdown"),
            What::BrokerStarted {
                broker,
                clean: false,
            } => {
                write!(f, "broker {broker} starts after an unclean shutdown")
            }
            What::BrokerStopped { broker } => write!(f, "broker {broker} has shut down"),
            What::Cut { from, to } => write!(f, "messages from {from} to {to} no longer arrive"),
            What::Healed { from, to } => write!(
                f,
                "messages from {from} to {to} arrive again, and as fast as ever"
            ),
            What::HealedAll => f.write_str("every link is whole and fast again"),
            What::LinkSlowed { from, to, extra } => {
                write!(
                    f,
                    "messages from {from} to {to} take {} longer",
                    extra.span()
                )
            }
            What::DiskSlowed { broker, factor: 1 } => {
                write!(f, "the disk of broker {broker} is as fast as ever")
            }
            What::DiskSlowed { broker, factor } => {
                write!(
                    f,
                    "the disk of broker {broker} becomes {factor} times slower"
                )
            }
            What::MessageDropped {
                from,
                to,
                kind,
                asked: true,
            } => {
                write!(f, "the {kind} from {from} to {to} is dropped, as asked")
            }
            What::MessageDropped {
                from,
                to,
                kind,
                asked: false,
            } => {
                write!(f, "the {kind} from {from} to {to} gets lost")
            }
            _ => return None,
        })
    }

    fn controller(&self, f: &mut fmt::Formatter<'_>) -> Sentence {
        Some(match self {
            What::ControllerFailed { controller } => write!(f, "controller {controller} fails"),
            What::ControllerRestarted { controller } => {
                write!(f, "controller {controller} is back")
            }
            What::ControllerElected {
                controller,
                epoch,
                after,
            } if *after == Time::ZERO => {
                write!(
                    f,
                    "controller {controller} is the active controller (epoch {epoch})"
                )
            }
            What::ControllerElected {
                controller,
                epoch,
                after,
            } => write!(
                f,
                "controller {controller} becomes the active controller (epoch {epoch}) after {} without one",
                after.span()
            ),
            What::QuorumLost { reachable, voters } => write!(
                f,
                "the controller quorum is lost: {reachable} of {voters} voters can reach each other, a majority is {}; \
                 running leaders go on, elections and ISR changes wait",
                voters / 2 + 1
            ),
            What::BrokerRegistered {
                broker,
                epoch,
                clean,
            } => write!(
                f,
                "broker {broker} registers with the controller after {} shutdown and gets broker epoch {epoch}; \
                 it stays fenced until it has caught up with the metadata",
                if *clean { "a clean" } else { "an unclean" }
            ),
            What::BrokerFenced {
                broker,
                silent,
                session_timeout_ms,
            } => write!(
                f,
                "the controller fences broker {broker}: no heartbeat for {} \
                 (broker.session.timeout.ms = {session_timeout_ms})",
                silent.span()
            ),
            What::BrokerUnfenced { broker, epoch } => {
                write!(
                    f,
                    "the controller unfences broker {broker} (broker epoch {epoch})"
                )
            }
            What::ControlledShutdownStarted { broker } => {
                write!(
                    f,
                    "broker {broker} asks to shut down; the controller moves its leaderships away first"
                )
            }
            What::ControlledShutdownGranted { broker } => {
                write!(
                    f,
                    "the controller lets broker {broker} shut down: it leads nothing any more"
                )
            }
            What::TopicCreated {
                topic,
                partitions,
                replication,
            } => write!(
                f,
                "topic {topic} is created: {}, replication factor {replication}",
                plural(u64::from(*partitions), "partition")
            ),
            What::PartitionsAdded { topic, from, to } => {
                write!(
                    f,
                    "topic {topic} grows from {from} to {to} partitions: keys now hash to other partitions"
                )
            }
            What::SettingChanged {
                owner,
                setting,
                from,
                to,
            } => {
                write!(f, "{setting} of {owner} changes from {from} to {to}")
            }
            _ => return self.partition(f),
        })
    }

    fn partition(&self, f: &mut fmt::Formatter<'_>) -> Sentence {
        Some(match self {
            What::LeaderElected { tp, from, to, epoch, isr, clean, from_elr, reason } => {
                let from = from.map_or_else(|| "none".to_owned(), |from| format!("broker {from}"));
                let how = match (clean, from_elr) {
                    (true, true) => " — from the eligible leader replicas: it has everything below the high watermark",
                    (true, false) => "",
                    (false, _) => " — UNCLEAN: what it does not have is lost",
                };
                let isr = Set(isr);
                write!(f, "leader of {tp}: {from} → broker {to} (leader epoch {epoch}, ISR {isr}): {reason}{how}")
            }
            What::LeaderLost { tp, from, epoch, isr, elr, reason } => {
                write!(f, "{tp} has no leader any more (was broker {from}, leader epoch {epoch}): {reason}; ")
                    .and_then(|()| match (isr.is_empty(), elr.is_empty()) {
                        (false, _) => write!(f, "only {} of the ISR may lead and none is up", Set(isr)),
                        (true, false) => write!(f, "ISR {{}}, any of the eligible leader replicas {} may lead", Set(elr)),
                        (true, true) => f.write_str("ISR {} and no eligible leader replica is left"),
                    })
            }
            What::IsrShrunk { tp, from, to, reason, min_isr } => {
                write!(f, "ISR of {tp} shrinks {} → {}: {reason}", Set(from), Set(to)).and_then(|()| {
                    let (before, after) = (from.len() as u32, to.len() as u32);
                    if after < *min_isr && before >= *min_isr {
                        write!(
                            f,
                            "; below min.insync.replicas = {min_isr}: acks=all is refused and the high watermark stands"
                        )
                    } else {
                        Ok(())
                    }
                })
            }
            What::IsrExpanded { tp, from, to, joined, log_end, high_watermark } => {
                let who = joined.first().copied().unwrap_or_default();
                let (from, to) = (Set(from), Set(to));
                write!(
                    f,
                    "ISR of {tp} grows {from} → {to}: broker {who} reached the high watermark {high_watermark} \
                     (log end {log_end})"
                )
            }
            What::ElrChanged { tp, from, to } => {
                write!(f, "eligible leader replicas of {tp}: {} → {}", Set(from), Set(to))
            }
            What::ReassignmentStarted { tp, from, to } => {
                write!(f, "{tp} is being moved from replicas {} to {}", Set(from), Set(to))
            }
            What::ReassignmentCompleted { tp, replicas } => {
                write!(f, "{tp} has moved to replicas {}: all new ones are in sync", Set(replicas))
            }
            What::AlterPartitionRefused { tp, leader, isr, error } => {
                write!(f, "the controller refuses ISR {} of {tp} asked for by broker {leader}: {error}", Set(isr))
            }
            _ => return None,
        })
    }

    fn replica(&self, f: &mut fmt::Formatter<'_>) -> Sentence {
        Some(match self {
            What::BecameLeader {
                tp,
                broker,
                epoch,
                log_end,
                high_watermark,
            } => write!(
                f,
                "broker {broker} starts to lead {tp} (leader epoch {epoch}) at log end {log_end}, \
                 high watermark {high_watermark}"
            ),
            What::BecameFollower {
                tp,
                broker,
                leader: Some(leader),
                epoch,
                log_end,
            } => {
                write!(
                    f,
                    "broker {broker} follows broker {leader} for {tp} (leader epoch {epoch}) from offset {log_end}"
                )
            }
            What::BecameFollower {
                tp,
                broker,
                leader: None,
                epoch,
                log_end,
            } => {
                write!(
                    f,
                    "broker {broker} waits for a leader of {tp} (leader epoch {epoch}) at log end {log_end}"
                )
            }
            What::ZombieLeader {
                tp,
                broker,
                epoch,
                current,
            } => write!(
                f,
                "broker {broker} still believes that it leads {tp} (leader epoch {epoch}); the cluster is at epoch {current}"
            ),
            What::Truncated {
                tp,
                broker,
                from,
                to,
                epoch,
                leader_epoch_end,
            } => write!(
                f,
                "broker {broker} truncates {tp} from offset {from} to {to}, dropping {}: its epoch {epoch} ends at \
                 {leader_epoch_end} on the leader",
                plural(from - to, "record")
            ),
            What::FollowerBehind {
                tp,
                leader: _,
                follower,
                follower_end,
                log_end,
                behind,
            } => write!(
                f,
                "broker {follower} falls behind on {tp}: at offset {follower_end} of {log_end}, not caught up for {}",
                behind.span()
            ),
            What::HighWatermarkFrozen {
                tp,
                leader: _,
                high_watermark,
                log_end,
                isr,
                min_isr,
            } => write!(
                f,
                "the high watermark of {tp} stands at {high_watermark} while the log goes to {log_end}: ISR {} is \
                 smaller than min.insync.replicas = {min_isr}; consumers do not see what is above",
                Set(isr)
            ),
            What::HighWatermarkMoves {
                tp,
                leader: _,
                high_watermark,
                isr,
                min_isr,
            } => write!(
                f,
                "the high watermark of {tp} moves again, to {high_watermark}: ISR {} satisfies min.insync.replicas = \
                 {min_isr}",
                Set(isr)
            ),
            What::DuplicateDropped {
                tp,
                broker,
                producer,
                first,
                count,
                offset,
            } => write!(
                f,
                "broker {broker} recognises {} of {producer} by sequence and does not append again: already in {tp} \
                 at offset {offset}",
                Span(*first, first + count.saturating_sub(1))
            ),
            What::SequenceRefused {
                tp,
                broker,
                producer,
                error,
                expected,
                found,
            } => write!(
                f,
                "broker {broker} refuses a batch of {producer} for {tp}: {error}, sequence {found} where {expected}"
            ),
            _ => return None,
        })
    }

    fn client(&self, f: &mut fmt::Formatter<'_>) -> Sentence {
        Some(match self {
            What::ProducerStarted { producer, settings } => {
                write!(f, "producer {producer} starts: {settings}")
            }
            What::ProducerStopped { producer, made } => {
                write!(f, "producer {producer} stops making records after {made}")
            }
            What::ProducerCrashed {
                producer,
                unfinished,
            } => write!(
                f,
                "producer {producer} is killed: {} never acknowledged to it",
                plural(*unfinished, "record")
            ),
            What::ProducerIdAssigned {
                producer,
                producer_id,
                epoch,
            } => write!(
                f,
                "producer {producer} gets producer id {producer_id}, epoch {epoch} (enable.idempotence = true)"
            ),
            What::ProduceFailing {
                producer,
                tp,
                error,
                broker,
                retry_after,
                detail,
            } => write!(
                f,
                "producer {producer} gets {error} for {tp} from broker {broker}{detail}"
            )
            .and_then(|()| match retry_after {
                Some(Time::ZERO) => f.write_str("; it sends again"),
                Some(backoff) => write!(f, "; it sends again in {}", backoff.span()),
                None => f.write_str("; it gives up on these records"),
            }),
            What::ProduceRecovered {
                producer,
                tp,
                after,
            } => {
                write!(
                    f,
                    "producer {producer} gets through to {tp} again, after {}",
                    after.span()
                )
            }
            What::RecordsFailed {
                producer,
                tp,
                first,
                count,
                error,
            } => write!(
                f,
                "producer {producer} reports {} for {tp} as failed: {error}",
                Span(*first, first + count.saturating_sub(1))
            ),
            What::ProducerBlocked {
                producer,
                used,
                buffer_memory,
            } => write!(
                f,
                "send() of producer {producer} blocks: {used} bytes wait (buffer.memory = {buffer_memory})"
            ),
            What::ProducerUnblocked { producer, after } => {
                write!(
                    f,
                    "send() of producer {producer} goes on after {}",
                    after.span()
                )
            }
            What::RecordsRefused {
                producer,
                first,
                count,
                error,
            } => write!(
                f,
                "send() of producer {producer} fails for {}: {error}",
                Span(*first, first + count.saturating_sub(1))
            ),
            _ => return self.fate(f),
        })
    }

    fn fate(&self, f: &mut fmt::Formatter<'_>) -> Sentence {
        Some(match self {
            What::RecordsLost { tp, producer, count, first, last, offset, acks, reason } => {
                write!(
                    f,
                    "LOST: {} of {producer} in {tp} ({} from offset {offset}, acknowledged with acks={acks}): ",
                    plural(*count, "acknowledged record"),
                    Span(*first, *last)
                )
                .and_then(|()| match reason {
                    LossReason::NotOnNewLeader { leader, log_end } => {
                        write!(f, "the new leader, broker {leader}, has a log that ends at {log_end} without them")
                    }
                    LossReason::StaleLeader => f.write_str(
                        "a leader that had already been replaced took them; it drops them when it hears of its successor",
                    ),
                    LossReason::NeverWritten => f.write_str("no leader ever wrote them"),
                })
            }
            What::RecordsReturned { tp, producer, count, first, last } => write!(
                f,
                "{} of {producer} are back in {tp} ({}): a replica that still had them leads again",
                plural(*count, "lost record"),
                Span(*first, *last)
            ),
            What::RecordsDuplicated { tp, producer, count, first, last, offset } => write!(
                f,
                "DUPLICATE: {} of {producer} in {tp} a second time ({}, again at offset {offset}): it sent again \
                 without idempotence, or in a new session",
                plural(*count, "record"),
                Span(*first, *last)
            ),
            What::RecordsReordered { tp, producer, first, last, after, offset } => write!(
                f,
                "REORDERED: {} of {producer} in {tp} at offset {offset}, after record {after}",
                Span(*first, *last)
            ),
            _ => return None,
        })
    }
}
