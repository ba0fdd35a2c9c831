//! The sentences that a person reads, made from typed events. Nothing else in the simulator makes any.

use std::fmt;

use super::{ElectionReason, LossReason, ShrinkReason, What};
use crate::sim::time::Time;
use crate::sim::types::BrokerId;

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
            ElectionReason::LastKnownLeader => f.write_str(
                "it led last, and neither the ISR nor the eligible leader replicas name anybody \
                 since its unclean shutdown",
            ),
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
            What::ControlledShutdownTimedOut { broker, after } => write!(
                f,
                "broker {broker} has asked for {} and stops without the controller's leave (BrokerServer.shutdown)",
                after.span()
            ),
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
