//! What must always hold, checked after every step while somebody watches.
//!
//! Where a configuration allows loss (an unclean election, a lost page cache or disk), loss is not a broken invariant;
//! such a partition is *marked*, and what its history promised before no longer counts.

use std::collections::{BTreeMap, BTreeSet};

use super::broker::{Replica, Stage};
use super::cluster::Cluster;
use super::controller::election::PartitionRegistration;
use super::event::{Event, EventId, What};
use super::node::{NodeId, NodeName, PartitionId, Tp};
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

/// Groups are looked at every so many steps.
const GROUPS_EVERY: u64 = 16;

/// A replica at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Glance {
    end: Offset,
    high_watermark: Offset,
    partition_epoch: i32,
    leads: bool,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    leader_epoch: LeaderEpoch,
    partition_epoch: i32,
    /// The high watermark of each broker in the epoch in which it leads.
    high_watermarks: BTreeMap<BrokerId, (LeaderEpoch, Offset)>,
    /// The highest high watermark that any leader had: what is below was promised to readers.
    promised: Offset,
    /// Each broker's replica as it was last looked at.
    glances: BTreeMap<BrokerId, Glance>,
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
    /// Brokers that the controller has let in at least once.
    unfenced: BTreeSet<BrokerId>,
    /// What was told already: an invariant that stays broken is told once.
    told: BTreeSet<(&'static str, PartitionId)>,
    broken: Vec<Broken>,
}

impl Watch {
    /// What broke.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// Looks at what may have changed when a node acted.
    pub fn check(&mut self, cluster: &mut Cluster, node: NodeId) {
        let before = self.broken.len();
        self.read_events(cluster);
        let changed = match node {
            NodeId::Broker(id) => self.changed_on(cluster, id),
            NodeId::Controller(_) => self.changed_at_controller(cluster),
            NodeId::Producer(_) | NodeId::Consumer(_) => Vec::new(),
        };
        for id in changed {
            let Some(registration) = cluster.controller().partitions.get(id.0 as usize) else {
                continue;
            };
            self.know(id);
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
        // What groups commit stays, so that looking now and then finds it too.
        if cluster.steps().is_multiple_of(GROUPS_EVERY) {
            self.check_groups(cluster);
        }
        for broken in &self.broken[before..] {
            let what = What::InvariantBroken {
                invariant: broken.invariant,
                detail: broken.detail.clone(),
            };
            cluster.world.emit(None, what);
        }
    }

    fn know(&mut self, id: PartitionId) -> &mut Seen {
        let index = id.0 as usize;
        if self.partitions.len() <= index {
            let unknown = Seen {
                leader_epoch: -1,
                partition_epoch: -1,
                ..Seen::default()
            };
            self.partitions.resize(index + 1, unknown);
        }
        &mut self.partitions[index]
    }

    /// Partitions whose replica on a broker is not what it was when it was last looked at.
    fn changed_on(&mut self, cluster: &Cluster, id: BrokerId) -> Vec<PartitionId> {
        let Some(broker) = cluster.broker(id) else {
            return Vec::new();
        };
        let mut changed = Vec::new();
        for (partition, replica) in broker.replicas.iter() {
            let now = Glance {
                end: replica.log.end(),
                high_watermark: replica.high_watermark(),
                partition_epoch: replica.record.partition_epoch,
                leads: replica.leading().is_some(),
            };
            let glances = &mut self.know(partition).glances;
            if glances.insert(id, now) != Some(now) {
                changed.push(partition);
            }
        }
        changed
    }

    /// Partitions of which the controller's registration is new.
    fn changed_at_controller(&mut self, cluster: &Cluster) -> Vec<PartitionId> {
        let brokers = cluster.controller().brokers.iter();
        let live = brokers
            .filter(|(_, state)| !state.fenced)
            .map(|(id, _)| *id);
        self.unfenced.extend(live);
        let all = (0u32..)
            .map(PartitionId)
            .zip(&cluster.controller().partitions);
        all.filter(|(id, found)| {
            let seen = self.partitions.get(id.0 as usize);
            seen.is_none_or(|seen| seen.partition_epoch != found.partition_epoch)
        })
        .map(|(id, _)| id)
        .collect()
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
                What::IsrShrunk { tp, min_isr, .. } if knows_less(cluster, tp, *min_isr) => {
                    self.mark(cluster, tp, None);
                }
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
        let seen = self.know(id);
        seen.marked = true;
        seen.excused.extend(broker);
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
        let Some(NodeId::Producer(index)) = cluster.names().resolve(&name) else {
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

    /// One owner of a partition in a generation; nobody reads or commits past what was below a high watermark.
    fn check_groups(&mut self, cluster: &Cluster) {
        let mut found: Vec<(&'static str, PartitionId, String)> = Vec::new();
        let promised = |id: PartitionId| {
            let seen = self.partitions.get(id.0 as usize)?;
            (!seen.marked).then_some(seen.promised)
        };
        for info in cluster.groups() {
            // A coordinator that lost its log counts generations from the beginning again.
            let coordinates =
                crate::sim::broker::groups::group_partition(&info.name, cluster.names());
            let whole = coordinates.is_some_and(|id| promised(id).is_some());
            if let Some(detail) = info.progress.broken.as_ref().filter(|_| whole) {
                let rule = "a partition has one owner in a generation of its group";
                found.push((rule, PartitionId(u32::MAX), detail.clone()));
            }
            let Some((group, coordinator)) = cluster.group(&info.name) else {
                continue;
            };
            for (id, committed) in &group.offsets {
                let offset = committed.offset;
                if let Some(promised) = promised(*id).filter(|promised| offset > *promised) {
                    let detail = format!(
                        "group {} has {offset} of {} (coordinator {coordinator}), the high watermark was never above {promised}",
                        info.name,
                        cluster.names().tp(*id)
                    );
                    let rule = "committed offsets never pass the high watermark";
                    found.push((rule, *id, detail));
                }
            }
        }
        for member in cluster.consumers() {
            for id in member.consumer.assignment() {
                let position = member.consumer.position(id);
                let past =
                    promised(id).filter(|promised| position.is_some_and(|at| at > *promised));
                if let Some(promised) = past {
                    let detail = format!(
                        "{} reads {} at {position:?}, the high watermark was never above {promised}",
                        member.consumer.config().name,
                        cluster.names().tp(id)
                    );
                    found.push(("consumers read only below the high watermark", id, detail));
                }
            }
        }
        for (invariant, id, detail) in found {
            if self.told.insert((invariant, id)) {
                self.broken.push(Broken {
                    time: cluster.now(),
                    invariant,
                    detail,
                });
            }
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
        // Until it has registered anew, a proposal on its way may still bring it into the ISR.
        let comes_back = |id: BrokerId| {
            let stage = cluster.broker(id).map(|broker| broker.stage);
            matches!(stage, Some(Stage::Down | Stage::Registering))
        };
        seen.excused
            .retain(|broker| isr.contains(broker) || comes_back(*broker));
        // A replica that a move took away stays eligible (`PartitionChangeBuilder.maybePopulateTargetElr` looks at the
        // ISR alone). Moved back, it may lead "cleanly" though its log was deleted.
        let replicas = &registration.replicas;
        seen.marked |= registration.elr.iter().any(|id| !replicas.contains(id));
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
        if let Some(other) = registration.elr.iter().find(|id| isr.contains(id)) {
            let detail = format!("{other} of {:?}, ISR {isr:?}", registration.elr);
            return Err(("eligible leader replicas are outside the ISR", detail));
        }
        // A cluster begins with its topics made and its brokers still registering.
        let fenced = |id: &BrokerId| {
            let state = cluster.controller().brokers.get(id);
            self.unfenced.contains(id) && state.is_none_or(|state| state.fenced)
        };
        if let Some(leader) = registration.leader.filter(fenced) {
            return Err(("a fenced broker leads nothing", format!("broker {leader}")));
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
            let current = epoch == registration.leader_epoch;
            if current && !seen.marked && replica.log.end() < seen.promised {
                let detail = format!(
                    "{} was a high watermark, broker {} leads and ends at {}",
                    seen.promised,
                    broker.id,
                    replica.log.end()
                );
                return Err((
                    "what was below a high watermark survives clean elections",
                    detail,
                ));
            }
            seen.promised = seen.promised.max(high_watermark);
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

/// Whether a leader has not heard yet of the minimum that the controller goes by: it lets the high watermark go on with
/// fewer in-sync replicas, so that who is eligible may lack what is below it.
fn knows_less(cluster: &Cluster, tp: &Tp, min_isr: u32) -> bool {
    let Some(id) = cluster.names().partition(&tp.topic, tp.partition) else {
        return false;
    };
    cluster.brokers().iter().any(|broker| {
        let replica = broker.replicas.get(id);
        let known = replica.and_then(|replica| {
            let leading = replica.leading()?;
            Some(leading.state.effective_min_isr(&replica.isr_config))
        });
        known.is_some_and(|known| (known as u32) < min_isr)
    })
}
