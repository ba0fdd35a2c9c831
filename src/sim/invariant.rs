//! What must always hold, checked after every step while somebody watches.
//!
//! Where a configuration allows loss (an unclean election, a lost page cache or disk), loss is not a broken invariant;
//! such a partition is *marked*, and what its history promised before no longer counts.

use std::collections::{BTreeMap, BTreeSet};

use super::broker::{Replica, Stage};
use super::cluster::Cluster;
use super::controller::election::PartitionRegistration;
use super::event::{Event, EventId, What};
use super::node::{NodeName, PartitionId, Tp};
use super::time::Time;
use super::types::{BrokerId, LeaderEpoch, Offset};

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// When.
    pub time: Time,
    /// Which.
    pub invariant: &'static str,
    /// What was found.
    pub detail: String,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    leader_epoch: LeaderEpoch,
    partition_epoch: i32,
    /// The high watermark of each broker in the epoch in which it leads.
    high_watermarks: BTreeMap<BrokerId, (LeaderEpoch, Offset)>,
    /// Loss was allowed here.
    marked: bool,
    /// Brokers that lost data which the ISR still counts on them for.
    excused: BTreeSet<BrokerId>,
}

/// The watch: what it saw and what it found.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    partitions: Vec<Seen>,
    next_event: u64,
    /// What was told already: an invariant that stays broken is told once.
    told: BTreeSet<(&'static str, PartitionId)>,
    broken: Vec<Broken>,
}

impl Watch {
    /// What broke.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// Looks at the whole cluster.
    pub fn check(&mut self, cluster: &mut Cluster) {
        let before = self.broken.len();
        self.read_events(cluster);
        for (index, registration) in cluster.controller().partitions.iter().enumerate() {
            let id = PartitionId(index as u32);
            if self.partitions.len() <= index {
                self.partitions.resize(
                    index + 1,
                    Seen {
                        leader_epoch: -1,
                        partition_epoch: -1,
                        ..Seen::default()
                    },
                );
            }
            if let Err((invariant, detail)) = self.check_partition(cluster, id, registration)
                && self.told.insert((invariant, id))
            {
                let tp = cluster.names().tp(id);
                self.broken.push(Broken {
                    time: cluster.now(),
                    invariant,
                    detail: format!("{tp}: {detail}"),
                });
            }
        }
        for broken in &self.broken[before..] {
            let what = What::InvariantBroken {
                invariant: broken.invariant,
                detail: broken.detail.clone(),
            };
            cluster.world.emit(None, what);
        }
    }

    fn read_events(&mut self, cluster: &Cluster) {
        let events: Vec<Event> = cluster
            .events_since(EventId(self.next_event))
            .cloned()
            .collect();
        self.next_event += events.len() as u64;
        for event in events {
            match &event.what {
                What::LeaderElected {
                    tp, clean: false, ..
                } => self.mark(cluster, tp, None),
                What::PageCacheLost { tp, broker, .. } => self.mark(cluster, tp, Some(*broker)),
                What::RecordsLost {
                    tp,
                    producer,
                    count,
                    first,
                    ..
                } => {
                    let detail = format!(
                        "{count} records of {producer} from record {first} on were acknowledged"
                    );
                    self.judge(
                        cluster,
                        &event,
                        tp,
                        producer,
                        "an acks=all record survives clean elections",
                        detail,
                    );
                }
                What::RecordsDuplicated {
                    tp,
                    producer,
                    first,
                    ..
                } => {
                    let detail = format!("record {first} of {producer} stands twice");
                    self.judge(
                        cluster,
                        &event,
                        tp,
                        producer,
                        "an idempotent producer makes no duplicates",
                        detail,
                    );
                }
                What::RecordsReordered {
                    tp,
                    producer,
                    first,
                    after,
                    ..
                } => {
                    let detail = format!("record {first} of {producer} stands after {after}");
                    self.judge(
                        cluster,
                        &event,
                        tp,
                        producer,
                        "an idempotent producer keeps its order",
                        detail,
                    );
                }
                _ => {}
            }
        }
    }

    fn mark(&mut self, cluster: &Cluster, tp: &Tp, broker: Option<BrokerId>) {
        let Some(id) = cluster.names().partition(&tp.topic, tp.partition) else {
            return;
        };
        let index = id.0 as usize;
        if self.partitions.len() <= index {
            self.partitions.resize(
                index + 1,
                Seen {
                    leader_epoch: -1,
                    partition_epoch: -1,
                    ..Seen::default()
                },
            );
        }
        self.partitions[index].marked = true;
        self.partitions[index].excused.extend(broker);
    }

    /// Loss, duplicates and reordering break an invariant only where the producer was promised none.
    fn judge(
        &mut self,
        cluster: &Cluster,
        event: &Event,
        tp: &Tp,
        producer: &std::sync::Arc<str>,
        invariant: &'static str,
        detail: String,
    ) {
        use super::settings::Setting;
        let name = NodeName::Producer(std::sync::Arc::clone(producer));
        let Some(super::node::NodeId::Producer(index)) = cluster.names().resolve(&name) else {
            return;
        };
        let Some(client) = cluster.producers().get(index as usize) else {
            return;
        };
        let lossless = client.settings.get(Setting::Acks) == -1;
        // A new epoch is how a producer goes on after it gave records up: its promise ended there.
        let one_session = client.session.is_some_and(|(_, epoch)| epoch == 0);
        let promised = match event.what {
            What::RecordsLost { .. } => lossless,
            _ => super::producer::is_idempotent(&client.settings) && one_session,
        };
        let marked = cluster
            .names()
            .partition(&tp.topic, tp.partition)
            .and_then(|id| self.partitions.get(id.0 as usize))
            .is_some_and(|seen| seen.marked);
        if promised && !marked {
            let detail = format!("{tp}: {detail}");
            self.broken.push(Broken {
                time: event.time,
                invariant,
                detail,
            });
        }
    }

    fn check_partition(
        &mut self,
        cluster: &Cluster,
        id: PartitionId,
        registration: &PartitionRegistration,
    ) -> Result<(), (&'static str, String)> {
        let seen = &mut self.partitions[id.0 as usize];
        let isr = &registration.isr;
        seen.excused.retain(|broker| isr.contains(broker));
        if let Some(leader) = registration.leader.filter(|leader| !isr.contains(leader)) {
            return Err((
                "the leader is in the ISR",
                format!("leader {leader}, ISR {isr:?}"),
            ));
        }
        if let Some(stranger) = isr
            .iter()
            .find(|member| !registration.replicas.contains(member))
        {
            return Err((
                "the ISR is among the replicas",
                format!("{stranger} of {isr:?} is not"),
            ));
        }
        let epochs = (registration.leader_epoch, registration.partition_epoch);
        if epochs.0 < seen.leader_epoch || epochs.1 < seen.partition_epoch {
            let before = (seen.leader_epoch, seen.partition_epoch);
            return Err(("epochs only grow", format!("{before:?} became {epochs:?}")));
        }
        (seen.leader_epoch, seen.partition_epoch) = epochs;
        let mut leaders: Vec<(LeaderEpoch, BrokerId)> = Vec::new();
        for broker in cluster
            .brokers()
            .iter()
            .filter(|broker| broker.stage != Stage::Down)
        {
            let Some(replica) = broker.replicas.get(id) else {
                continue;
            };
            let Some(leading) = replica.leading() else {
                continue;
            };
            let epoch = leading.state.leader_epoch();
            if let Some((_, other)) = leaders.iter().find(|(known, _)| *known == epoch) {
                let detail = format!("brokers {other} and {} in epoch {epoch}", broker.id);
                return Err(("at most one leader in an epoch", detail));
            }
            leaders.push((epoch, broker.id));
            let high_watermark = replica.high_watermark();
            if high_watermark > replica.log.end() {
                let detail = format!(
                    "{high_watermark} past {} on broker {}",
                    replica.log.end(),
                    broker.id
                );
                return Err(("the high watermark is within the log", detail));
            }
            if let Some((known, before)) = seen
                .high_watermarks
                .insert(broker.id, (epoch, high_watermark))
                && known == epoch
                && high_watermark < before
            {
                let detail = format!("from {before} to {high_watermark} on broker {}", broker.id);
                return Err(("the high watermark never moves back on one leader", detail));
            }
            // Members that the controller has put out meanwhile no longer count.
            let members: Vec<BrokerId> = leading
                .state
                .isr()
                .iter()
                .copied()
                .filter(|id| isr.contains(id))
                .collect();
            check_members(cluster, id, replica, &members, seen, broker.id)?;
        }
        if !seen.marked {
            check_agreement(cluster, id)?;
        }
        Ok(())
    }
}

/// ISR members have everything below the leader's high watermark, and the same.
fn check_members(
    cluster: &Cluster,
    id: PartitionId,
    leader: &Replica,
    isr: &[BrokerId],
    seen: &Seen,
    own: BrokerId,
) -> Result<(), (&'static str, String)> {
    let high_watermark = leader.high_watermark();
    // A leader that was replaced may count on members that have moved on with its successor.
    let current = leader.record.leader_epoch == seen.leader_epoch;
    for member in isr
        .iter()
        .filter(|member| **member != own && current && !seen.excused.contains(member))
    {
        let Some(replica) = cluster
            .broker(*member)
            .and_then(|broker| broker.replicas.get(id))
        else {
            continue;
        };
        if replica.log.end() < high_watermark {
            let detail = format!(
                "{high_watermark}, but broker {member} of the ISR ends at {}",
                replica.log.end()
            );
            return Err((
                "the high watermark never passes an ISR member's log end",
                detail,
            ));
        }
        if let Some(offset) = first_difference(leader, replica, high_watermark) {
            let detail = format!(
                "brokers {own} and {member} differ at {offset}, high watermark {high_watermark}"
            );
            return Err(("logs agree below the high watermark", detail));
        }
    }
    Ok(())
}

/// Where nothing was ever lost, any two replicas agree below both their high watermarks.
fn check_agreement(cluster: &Cluster, id: PartitionId) -> Result<(), (&'static str, String)> {
    let replicas: Vec<(BrokerId, &Replica)> = cluster
        .brokers()
        .iter()
        .filter_map(|broker| broker.replicas.get(id).map(|replica| (broker.id, replica)))
        .collect();
    for pair in replicas.windows(2) {
        let [(one, first), (other, second)] = pair else {
            continue;
        };
        let bound = first.high_watermark().min(second.high_watermark());
        if let Some(offset) = first_difference(first, second, bound) {
            let detail = format!("brokers {one} and {other} differ at {offset}");
            return Err(("logs agree below the high watermark", detail));
        }
    }
    Ok(())
}

/// The first offset below `bound` at which two logs hold records of different epochs. Within one epoch there was one
/// leader, so equal epochs mean equal records.
fn first_difference(one: &Replica, other: &Replica, bound: Offset) -> Option<Offset> {
    let starts = one
        .log
        .epochs()
        .entries()
        .iter()
        .chain(other.log.epochs().entries())
        .map(|entry| entry.start_offset);
    let differs = |offset: &Offset| {
        *offset < bound && one.log.epoch_at(*offset) != other.log.epoch_at(*offset)
    };
    starts.filter(differs).min()
}
