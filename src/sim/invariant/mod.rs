//! What must always hold, checked after every step while somebody watches: what is looked at and when (here), partitions
//! (`partition`), groups (`groups`).
//!
//! Where a configuration allows loss (an unclean election, a lost page cache or disk), loss is not a broken invariant;
//! such a partition is *marked*, and what its history promised before no longer counts.

mod groups;
mod partition;

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::Cluster;
use super::event::{Event, EventId, What};
use super::node::{NodeId, NodeName, PartitionId, Tp};
use super::time::Time;
use super::types::{BrokerId, LeaderEpoch, Offset};

/// The invariant that a look found broken, and what it found.
type Found = Result<(), (&'static str, String)>;

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
    #[cold]
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
            let seen = &mut self.partitions[id.0 as usize];
            let found = partition::check(cluster, id, registration, seen, &self.unfenced);
            if let Err((invariant, detail)) = found
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
