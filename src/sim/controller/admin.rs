//! What an administrator asks of the controller: topics, partitions, settings, reassignments, elections.
//!
//! Source: `ReplicationControlManager`, `ConfigurationControlManager`; KIP-183, KIP-195, KIP-455.

use std::sync::Arc;

use super::election::{Election, PartitionRegistration};
use super::partitions::Reasons;
use super::{BrokerState, Controller, TopicState, to_record};
use crate::sim::context::Context;
use crate::sim::event::{ElectionReason, ShrinkReason, What};
use crate::sim::message::MetadataRecord;
use crate::sim::node::{PartitionId, TopicId};
use crate::sim::settings::{Setting, SettingError};
use crate::sim::types::BrokerId;

/// Why the controller does not do what an administrator asks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// Nobody decides at the moment.
    #[error(
        "there is no active controller: wait for an election, or bring back a majority of its voters"
    )]
    NoController,
    /// A topic of that name exists.
    #[error("topic `{0}` exists already")]
    TopicExists(String),
    /// No such partition.
    #[error("there is no partition {0}")]
    NoPartition(String),
    /// Not so many.
    #[error("{what} is {found}; it must be between {least} and {most}")]
    Count {
        /// Of what.
        what: String,
        /// How many are asked for.
        found: u64,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A broker named twice.
    #[error("broker {0} is named twice; each replica needs a broker of its own")]
    Twice(BrokerId),
    /// A wrong setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The election changes nothing.
    #[error("the election would change nothing: {0}")]
    ElectionNotNeeded(String),
}

/// The brokers that new replicas may be placed on.
#[derive(Debug, Clone, Default)]
pub struct Placeable {
    /// Those that live.
    pub live: Vec<BrokerId>,
    /// Those held for dead, which may come back.
    pub fenced: Vec<BrokerId>,
}

impl Placeable {
    /// The most replicas that a new partition can have; none without a broker that lives.
    pub fn most_replicas(&self) -> usize {
        if self.live.is_empty() {
            return 0;
        }
        self.live.len() + self.fenced.len()
    }
}

impl Controller {
    /// Creates a topic. Without assignments its partitions are spread over the brokers in turn.
    ///
    /// # Errors
    /// A replication factor above the number of brokers.
    pub fn create_topic(
        &mut self,
        name: &str,
        assignments: Vec<Vec<BrokerId>>,
        overrides: Vec<(Setting, i64)>,
        ctx: &mut Context,
    ) -> TopicId {
        let topic = ctx.world.names.add_topic(name);
        let (partitions, replication) = (
            assignments.len() as u32,
            assignments.first().map_or(0, Vec::len) as u32,
        );
        ctx.emit_and_follow(What::TopicCreated {
            topic: name.into(),
            partitions,
            replication,
        });
        self.write(MetadataRecord::Topic {
            topic,
            overrides: overrides.clone().into(),
        });
        self.topics.insert(topic, TopicState { overrides });
        for replicas in assignments {
            self.create_partition(topic, replicas, ctx);
        }
        self.publish(ctx);
        topic
    }

    fn create_partition(&mut self, topic: TopicId, replicas: Vec<BrokerId>, ctx: &mut Context) {
        let id = ctx.world.names.add_partition(topic);
        // Only live brokers are in the first ISR; before any has registered, all are taken to come.
        let live: Vec<BrokerId> = replicas
            .iter()
            .copied()
            .filter(|broker| self.is_acceptable(*broker))
            .collect();
        let mut registration = PartitionRegistration::new(replicas);
        if !self.brokers.is_empty() {
            registration.leader = live.first().copied();
            if !live.is_empty() {
                registration.isr = live;
            }
        }
        self.write(MetadataRecord::Partition(to_record(id, &registration)));
        self.partitions.push(registration);
    }

    /// Spreads partitions over brokers in turn, starting where the partition's number says; the last replica of one is
    /// the first of another. A fenced broker gets a replica only where there are not enough others, and never the
    /// first, which is to lead. Source: `StripedReplicaPlacer`, without its chance.
    pub fn spread(
        first: u32,
        partitions: u32,
        replication: u32,
        brokers: &Placeable,
    ) -> Vec<Vec<BrokerId>> {
        let of = |list: &[BrokerId], turn: usize| list.get(turn % list.len().max(1)).copied();
        let place = |partition: u32, replica: u32| {
            let (partition, replica) = (partition as usize, replica as usize);
            let live = brokers.live.len();
            if replica < live {
                of(&brokers.live, partition + replica)
            } else {
                of(&brokers.fenced, partition + replica - live)
            }
            .unwrap_or(1)
        };
        (first..first + partitions)
            .map(|partition| {
                (0..replication)
                    .map(|replica| place(partition, replica))
                    .collect()
            })
            .collect()
    }

    /// The brokers that new replicas may be placed on: all that have registered, but for those that are shutting down.
    /// Source: `BrokerHeartbeatManager.UsableBrokerIterator`.
    pub fn placeable(&self) -> Placeable {
        let of = |wanted: fn(&BrokerState) -> bool| {
            let brokers = self.brokers.iter();
            brokers
                .filter(|(_, state)| wanted(state))
                .map(|(id, _)| *id)
                .collect()
        };
        Placeable {
            live: of(|state| !state.fenced && !state.in_controlled_shutdown),
            fenced: of(|state| state.fenced),
        }
    }

    pub(super) fn create_internal_topic(&mut self, name: &str, ctx: &mut Context) {
        let brokers = self.placeable();
        if ctx.world.names.topic(name).is_some() || brokers.most_replicas() == 0 {
            return;
        }
        let partitions = self.setting(Setting::OffsetsTopicPartitions) as u32;
        let replication = (self.setting(Setting::OffsetsTopicReplication) as usize)
            .min(brokers.most_replicas()) as u32;
        let assignments = Self::spread(0, partitions, replication, &brokers);
        self.create_topic(name, assignments, Vec::new(), ctx);
    }

    /// Adds partitions to a topic, up to `total`.
    ///
    /// # Errors
    /// A total that is not above the present number, or too few brokers for the replicas of one.
    pub fn add_partitions(
        &mut self,
        topic: TopicId,
        total: u32,
        ctx: &mut Context,
    ) -> Result<(), AdminError> {
        let name = ctx.world.names.topics[topic.0 as usize].name.clone();
        let existing = ctx.world.names.partitions_of(topic).to_vec();
        let from = existing.len() as u32;
        if total <= from || total > 100_000 {
            let what = format!("the new number of partitions of {name}");
            return Err(AdminError::Count {
                what,
                found: total.into(),
                least: u64::from(from) + 1,
                most: 100_000,
            });
        }
        let replication = existing
            .first()
            .and_then(|id| self.partitions.get(id.0 as usize));
        let brokers = self.placeable();
        let replication = replication.map_or(1, |found| found.replicas.len());
        if replication > brokers.most_replicas() {
            return Err(AdminError::Count {
                what: format!("the replication factor of {name}"),
                found: replication as u64,
                least: 1,
                most: brokers.most_replicas() as u64,
            });
        }
        ctx.emit_and_follow(What::PartitionsAdded {
            topic: name,
            from,
            to: total,
        });
        for replicas in Self::spread(from, total - from, replication as u32, &brokers) {
            self.create_partition(topic, replicas, ctx);
        }
        self.publish(ctx);
        Ok(())
    }

    /// Changes a topic's setting at run time.
    pub fn set_topic(&mut self, topic: TopicId, setting: Setting, value: i64, ctx: &mut Context) {
        let before = self.topic_setting(topic, setting);
        let state = self.topics.entry(topic).or_default();
        state.overrides.retain(|(known, _)| *known != setting);
        state.overrides.push((setting, value));
        let overrides: Arc<[(Setting, i64)]> = state.overrides.clone().into();
        let owner = format!("topic {}", ctx.world.names.topics[topic.0 as usize].name);
        self.setting_changed(owner, setting, before, value, ctx);
        self.write(MetadataRecord::Topic { topic, overrides });
        let partitions = ctx.world.names.partitions_of(topic).to_vec();
        self.after_setting(setting, &partitions, ctx);
    }

    /// Changes a setting of all brokers at run time.
    pub fn set_cluster(&mut self, setting: Setting, value: i64, ctx: &mut Context) {
        let before = self.setting(setting);
        self.dynamic.retain(|(known, _)| *known != setting);
        self.dynamic.push((setting, value));
        self.setting_changed("the cluster".to_owned(), setting, before, value, ctx);
        self.write(MetadataRecord::Cluster { setting, value });
        let partitions: Vec<PartitionId> =
            (0..self.partitions.len() as u32).map(PartitionId).collect();
        self.after_setting(setting, &partitions, ctx);
    }

    fn setting_changed(
        &self,
        owner: String,
        setting: Setting,
        from: i64,
        to: i64,
        ctx: &mut Context,
    ) {
        let (from, to) = (setting.show(from), setting.show(to));
        ctx.emit_and_follow(What::SettingChanged {
            owner,
            setting: setting.name(),
            from,
            to,
        });
    }

    /// Changing the minimum ISR clears ELR state, whose meaning hangs on it (4.1 and later).
    fn after_setting(&mut self, setting: Setting, partitions: &[PartitionId], ctx: &mut Context) {
        if setting == Setting::MinInsyncReplicas && self.elr_enabled() {
            for partition in partitions {
                let Some(registration) = self.partitions.get_mut(partition.0 as usize) else {
                    continue;
                };
                if registration.elr.is_empty() && registration.last_known_elr.is_empty() {
                    continue;
                }
                let from = std::mem::take(&mut registration.elr);
                registration.last_known_elr.clear();
                registration.partition_epoch += 1;
                let record = to_record(*partition, registration);
                let tp = ctx.world.names.tp(*partition);
                ctx.emit(What::ElrChanged {
                    tp,
                    from,
                    to: Vec::new(),
                });
                self.write(MetadataRecord::Partition(record));
            }
        }
        self.publish(ctx);
    }

    /// Moves a partition to other replicas. Of a move under way nothing is taken back: the replicas that it was adding
    /// count as present ones, and leave only when those wanted now are in sync. The ISR stays as it is.
    ///
    /// Source: `ReplicationControlManager.changePartitionReassignment`, `PartitionReassignmentReplicas`.
    pub fn reassign(&mut self, partition: PartitionId, target: &[BrokerId], ctx: &mut Context) {
        let Some(registration) = self.partitions.get(partition.0 as usize) else {
            return;
        };
        let current = &registration.replicas;
        let missing = |from: &[BrokerId], others: &[BrokerId]| -> Vec<BrokerId> {
            let mut missing: Vec<BrokerId> = from
                .iter()
                .copied()
                .filter(|id| !others.contains(id))
                .collect();
            missing.sort_unstable();
            missing
        };
        let removing = missing(current, target);
        let adding = missing(target, current);
        let from: Vec<BrokerId> = current
            .iter()
            .copied()
            .filter(|id| !registration.adding.contains(id))
            .collect();
        let replicas: Vec<BrokerId> = target.iter().chain(&removing).copied().collect();
        let tp = ctx.world.names.tp(partition);
        ctx.emit_and_follow(What::ReassignmentStarted {
            tp,
            from,
            to: target.to_vec(),
        });
        let reasons = Reasons::new(ShrinkReason::Reassigned, ElectionReason::Reassigned);
        self.change(partition, &reasons, None, ctx, |change| {
            let change = change.replicas(replicas);
            // Kafka, too, leaves what an earlier move set when this one adds or removes nobody.
            let change = if removing.is_empty() {
                change
            } else {
                change.removing(removing)
            };
            if adding.is_empty() {
                change
            } else {
                change.adding(adding)
            }
        });
        self.publish(ctx);
    }

    /// Gives every preferred leader its place back that can take it.
    pub fn elect_all_preferred(&mut self, ctx: &mut Context) {
        self.balance(ctx);
        self.publish(ctx);
    }

    /// Holds an election that an administrator asked for.
    ///
    /// # Errors
    /// When nothing would change, and why.
    pub fn elect(
        &mut self,
        partition: PartitionId,
        how: Election,
        ctx: &mut Context,
    ) -> Result<(), AdminError> {
        let Some(registration) = self.partitions.get(partition.0 as usize) else {
            return Err(AdminError::NoPartition(
                ctx.world.names.tp(partition).to_string(),
            ));
        };
        if how == Election::Unclean && registration.leader.is_some() {
            return Err(AdminError::ElectionNotNeeded(
                "the partition has a leader".to_owned(),
            ));
        }
        if how == Election::Preferred && registration.has_preferred_leader() {
            return Err(AdminError::ElectionNotNeeded(
                "the preferred leader leads".to_owned(),
            ));
        }
        let reason = match how {
            Election::Unclean => ElectionReason::UncleanAllowed,
            Election::Preferred | Election::Online => ElectionReason::Preferred,
        };
        let reasons = Reasons::new(ShrinkReason::Election, reason);
        let before = registration.leader;
        self.change(partition, &reasons, None, ctx, |change| {
            change.election(how)
        });
        self.publish(ctx);
        if self
            .partitions
            .get(partition.0 as usize)
            .is_some_and(|found| found.leader == before)
        {
            let why = if how == Election::Preferred {
                "the preferred leader is not in the ISR, or not up"
            } else {
                "no replica is up"
            };
            return Err(AdminError::ElectionNotNeeded(why.to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::sim::cluster::Cluster;
    use crate::sim::node::PartitionId;
    use crate::sim::time::Time;

    use super::PartitionRegistration;

    fn after(cluster: &mut Cluster, second: u64, command: &str) -> PartitionRegistration {
        cluster.run_until(Time::secs(second));
        cluster.apply(command.parse().unwrap()).unwrap();
        let view = cluster.partition_by_id(PartitionId(0));
        view.registration().unwrap().clone()
    }

    #[test]
    fn a_second_move_adds_to_the_first_and_leaves_the_isr_alone() {
        let spec = serde_json::json!({
            "brokers": 4,
            "topics": [{"name": "orders", "assignments": [[1, 2]]}],
        });
        let mut cluster = Cluster::new(&serde_json::from_value(spec).unwrap(), 1).unwrap();
        let _ = after(&mut cluster, 10, "crash broker 3");
        let first = after(&mut cluster, 25, "reassign orders-0 to 3,1");
        assert_eq!(first.replicas, [3, 1, 2]);
        assert_eq!((first.adding, first.removing), (vec![3], vec![2]));
        let _ = after(&mut cluster, 26, "crash broker 4");
        let second = after(&mut cluster, 40, "reassign orders-0 to 4");
        assert_eq!(second.replicas, [4, 1, 2, 3]);
        assert_eq!((second.adding, second.removing), (vec![4], vec![1, 2, 3]));
        assert_eq!((second.leader, second.isr), (Some(1), vec![1, 2]));
        // Those who are wanted are in sync: nothing to wait for.
        let back = after(&mut cluster, 41, "reassign orders-0 to 1,2");
        assert_eq!((&back.replicas, &back.isr), (&vec![1, 2], &vec![1, 2]));
        assert!(!back.is_reassigning());
    }
}
