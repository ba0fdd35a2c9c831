//! Replaying the metadata log: how a broker learns what it leads and whom it follows.
//!
//! A broker is an observer of the metadata log (KIP-595): it fetches from the active controller with a long poll and
//! applies records in order, in its own time. Source: `BrokerMetadataPublisher`, `ReplicaManager.applyDelta`,
//! `Partition.makeLeader` and `makeFollower`.

use std::collections::VecDeque;
use std::sync::Arc;

use super::partition_state::{BrokerView, CommittedIsr, IsrConfig, LeaderPartition, LeaderStart};
use super::replica::{Leading, Replica, Role};
use super::{Broker, BrokerTimer, Stage};
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::message::{Message, MetadataRecord, PartitionRecord};
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::settings::Setting;
use crate::sim::time::Time;
use crate::sim::types::{BrokerId, ErrorCode};

/// After how long an unanswered metadata fetch goes to the next controller.
const ANSWER_WITHIN: Time = Time::millis(2_000);
/// How long a broker waits before it asks again after an error.
const BACKOFF: Time = Time::millis(50);

impl Broker {
    /// Asks the controller for what comes next in the metadata log.
    pub(super) fn fetch_metadata(&mut self, ctx: &mut Context) {
        self.metadata_correlation = self.next_correlation();
        let to = NodeId::Controller(self.controller);
        let offset = self.image.offset;
        ctx.send(
            to,
            self.metadata_correlation,
            Message::MetadataFetchRequest { offset },
        );
        self.metadata_asked = ctx.now();
        self.watch_metadata(ctx.now() + ANSWER_WITHIN, ctx);
    }

    /// Keeps at most one timer for the metadata fetch.
    fn watch_metadata(&mut self, at: Time, ctx: &mut Context) {
        if self.metadata_timer.is_none_or(|set| at < set) {
            self.metadata_timer = Some(at);
            Self::timer(ctx, at, BrokerTimer::MetadataFetch);
        }
    }

    /// The timer of the metadata fetch: asks again if no answer came, or if an error asked for patience.
    pub(super) fn check_metadata_fetch(&mut self, ctx: &mut Context) {
        if self.metadata_timer.is_none_or(|set| set > ctx.now()) {
            return; // an earlier timer took its place
        }
        self.metadata_timer = None;
        if self.metadata_correlation == 0 {
            self.fetch_metadata(ctx);
        } else if ctx.now() >= self.metadata_asked + ANSWER_WITHIN {
            self.controller = self.controller % self.controllers + 1;
            self.fetch_metadata(ctx);
        } else {
            self.watch_metadata(self.metadata_asked + ANSWER_WITHIN, ctx);
        }
    }

    /// The metadata fetch failed: the next try goes elsewhere, after a moment.
    pub(super) fn metadata_failed(&mut self, ctx: &mut Context) {
        self.metadata_correlation = 0;
        self.controller = self.controller % self.controllers + 1;
        self.watch_metadata(ctx.now() + BACKOFF, ctx);
    }

    pub(super) fn on_metadata(
        &mut self,
        from: NodeId,
        correlation: u32,
        error: Option<ErrorCode>,
        first: u64,
        records: &[MetadataRecord],
        ctx: &mut Context,
    ) {
        if correlation != self.metadata_correlation {
            return;
        }
        if error.is_some() {
            self.metadata_failed(ctx);
            return;
        }
        if let NodeId::Controller(controller) = from {
            self.controller = controller;
        }
        if first == self.image.offset && !records.is_empty() {
            let mut changed = Vec::new();
            for record in records {
                self.image.offset += 1;
                self.replay(record, &mut changed);
            }
            if self.published {
                // Several records of a partition in one answer count as the last of them, as in a metadata delta.
                changed.sort_unstable();
                changed.dedup();
                for partition in changed {
                    self.apply_partition(partition, ctx);
                }
            }
            self.publish(ctx);
            // Caught up with its registration: the controller may unfence it.
            if self.own_registration().is_some_and(|own| own.fenced) {
                self.send_heartbeat(ctx);
            }
        }
        self.fetch_metadata(ctx);
    }

    /// Its registration, if it is this life's and this broker has replayed it.
    fn own_registration(&self) -> Option<BrokerView> {
        let own = self.image.brokers.get(&self.id).copied();
        own.filter(|own| self.stage != Stage::Registering && own.epoch == self.epoch)
    }

    /// Begins to act on the metadata once this life's registration is replayed. Until then a restarted broker would
    /// believe what was true of its earlier life (`BrokerServer.startup`: publishers are installed after the catch-up).
    pub(super) fn publish(&mut self, ctx: &mut Context) {
        if self.published || self.own_registration().is_none() {
            return;
        }
        self.published = true;
        let named = self.image.partitions();
        let mut mine: Vec<PartitionId> = named
            .filter(|record| record.replicas.contains(&self.id))
            .map(|record| record.partition)
            .chain(self.replicas.keys().iter().copied())
            .collect();
        mine.sort_unstable();
        mine.dedup();
        for partition in mine {
            self.apply_partition(partition, ctx);
        }
    }

    fn replay(&mut self, record: &MetadataRecord, changed: &mut Vec<PartitionId>) {
        match record {
            MetadataRecord::Broker(broker) => {
                let view = BrokerView {
                    fenced: broker.fenced,
                    in_controlled_shutdown: broker.in_controlled_shutdown,
                    epoch: broker.epoch,
                };
                self.image.brokers.insert(broker.broker, view);
                let hosts = |replica: &&Replica| replica.record.replicas.contains(&broker.broker);
                changed.extend(
                    self.replicas
                        .iter()
                        .map(|(_, replica)| replica)
                        .filter(hosts)
                        .map(Replica::partition),
                );
            }
            MetadataRecord::Topic { topic, overrides } => {
                self.image.set_topic(*topic, Arc::clone(overrides));
                changed.extend_from_slice(self.replicas.keys());
            }
            MetadataRecord::Cluster { setting, value } => {
                self.image.set_cluster(*setting, *value);
                changed.extend_from_slice(self.replicas.keys());
            }
            MetadataRecord::Partition(record) => {
                self.image.set_partition(Arc::clone(record));
                changed.push(record.partition);
            }
        }
    }

    fn isr_config(&self, partition: PartitionId, ctx: &Context) -> IsrConfig {
        let topic = ctx
            .world
            .names
            .partitions
            .get(partition.0 as usize)
            .map(|(topic, _)| *topic);
        let min = topic.map_or(1, |topic| {
            self.image
                .topic_setting(topic, Setting::MinInsyncReplicas, &self.settings)
        });
        IsrConfig {
            min_insync_replicas: min as u32,
            replica_lag_time_max: self.settings.time(Setting::ReplicaLagTimeMax).0,
        }
    }

    /// Takes over what the image says of one partition.
    #[cold]
    fn apply_partition(&mut self, partition: PartitionId, ctx: &mut Context) {
        let Some(record) = self.image.partition(partition).cloned() else {
            return;
        };
        let here = record.replicas.contains(&self.id);
        if !here {
            if self.replicas.get(partition).is_some() {
                self.stop_leading(partition, ErrorCode::NotLeaderOrFollower, ctx);
                self.unfollow(partition);
                self.replicas.remove(partition);
            }
            return;
        }
        let config = self.isr_config(partition, ctx);
        let replica = self
            .replicas
            .entry(partition, || Replica::new(Arc::clone(&record), config));
        let config_changed = replica.isr_config != config;
        replica.isr_config = config;
        let new_epoch = replica.record.leader_epoch != record.leader_epoch;
        replica.record = Arc::clone(&record);
        if record.leader == Some(self.id) {
            self.lead(partition, &record, ctx);
        } else {
            self.follow(partition, &record, new_epoch, ctx);
        }
        // Fencing and settings decide who holds the high watermark back.
        if config_changed || record.leader == Some(self.id) {
            self.look_at_watermark(partition, ctx);
        }
    }

    fn look_at_watermark(&mut self, partition: PartitionId, ctx: &mut Context) {
        if let Some(place) = self.replicas.place(partition) {
            self.try_advance(place, ctx);
            self.after_isr_change(place, ctx);
        }
    }

    fn lead(&mut self, partition: PartitionId, record: &PartitionRecord, ctx: &mut Context) {
        let now = ctx.now();
        let Some(replica) = self.replicas.get_mut(partition) else {
            return;
        };
        let start = LeaderStart {
            local: self.id,
            replicas: record.replicas.clone(),
            isr: record.isr.clone(),
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
        };
        let log_end = replica.log.end();
        let high_watermark = replica.high_watermark();
        match &mut replica.role {
            Role::Leader(leading) if leading.state.leader_epoch() == record.leader_epoch => {
                let committed = CommittedIsr {
                    leader_epoch: record.leader_epoch,
                    partition_epoch: record.partition_epoch,
                    isr: record.isr.clone(),
                };
                // A proposal under way stays under way until its answer comes, though it no longer counts.
                leading
                    .state
                    .metadata_update(record.replicas.clone(), committed, now.0);
                return;
            }
            Role::Leader(leading) => {
                leading.state.re_elected(start, log_end, now.0);
                leading.told_frozen = false;
            }
            Role::Follower(_) => {
                let state = LeaderPartition::new(start, log_end, high_watermark, now.0);
                let leading = Leading {
                    state,
                    waiting: VecDeque::new(),
                    readers: Vec::new(),
                    told_frozen: false,
                };
                replica.role = Role::Leader(Box::new(leading));
            }
        }
        replica.log.begin_epoch(record.leader_epoch);
        self.unfollow(partition);
        self.announce_leadership(partition, ctx);
        self.load_coordinator(partition, ctx);
    }

    fn announce_leadership(&self, partition: PartitionId, ctx: &mut Context) {
        let Some(replica) = self.replicas.get(partition) else {
            return;
        };
        let (log, epoch) = (&replica.log, replica.record.leader_epoch);
        let (broker, log_end, high_watermark) = (self.id, log.end(), replica.high_watermark());
        let tp = ctx.world.names.tp(partition);
        ctx.emit_and_follow(What::BecameLeader {
            tp,
            broker,
            epoch,
            log_end,
            high_watermark,
        });
        let tail = |from| {
            let mut batches = Vec::new();
            log.read(from, log_end, u32::MAX, &mut batches);
            batches
        };
        let names = &ctx.world.names;
        let change = crate::sim::ledger::NewLeader {
            partition,
            leader: broker,
            epoch,
            log_end,
        };
        let told = ctx
            .world
            .ledger
            .new_leader(change, |offset| log.epoch_at(offset), tail, names);
        for what in told {
            ctx.emit(what);
        }
    }

    /// Steps down if it led, and fetches from the leader: anew in a new epoch (`Partition.makeFollower`). While it shuts
    /// down it fetches only what it is in sync of (`ReplicaManager.applyLocalFollowersDelta`).
    fn follow(
        &mut self,
        partition: PartitionId,
        record: &PartitionRecord,
        new_epoch: bool,
        ctx: &mut Context,
    ) {
        self.stop_leading(partition, ErrorCode::NotLeaderOrFollower, ctx);
        let Some(replica) = self.replicas.get_mut(partition) else {
            return;
        };
        let known = match &replica.role {
            Role::Follower(leader) => *leader == record.leader,
            Role::Leader(_) => false,
        };
        replica.role = Role::Follower(record.leader);
        if self.stage == Stage::ShuttingDown && !record.isr.contains(&self.id) {
            self.unfollow(partition);
            return;
        }
        let following = self.follows(partition, record);
        if known && following && !new_epoch {
            return;
        }
        self.unfollow(partition);
        if let Some(leader) = record.leader {
            self.follow_from(partition, leader, record.leader_epoch, ctx);
        }
    }

    /// Gives up a leadership: who waits is told so.
    fn stop_leading(&mut self, partition: PartitionId, error: ErrorCode, ctx: &mut Context) {
        let Some(replica) = self.replicas.get_mut(partition) else {
            return;
        };
        let high_watermark = replica.high_watermark();
        let Role::Leader(leading) = &mut replica.role else {
            return;
        };
        let waiting = std::mem::take(&mut leading.waiting);
        replica.follower_high_watermark = high_watermark;
        replica.role = Role::Follower(None);
        let log_end = replica.log.end();
        let (leader, epoch) = (replica.record.leader, replica.record.leader_epoch);
        if leader.is_none() {
            let tp = ctx.world.names.tp(partition);
            ctx.emit(What::BecameFollower {
                tp,
                broker: self.id,
                leader,
                epoch,
                log_end,
            });
        }
        self.forget_proposal(partition);
        self.unload_coordinator(partition, ctx);
        for waiting in waiting {
            self.purgatory_result(waiting.request, partition, Err(error), ctx);
        }
        self.wake_sessions_of(partition, ctx);
    }

    /// Whether another broker is one that a client can reach, as far as this broker knows.
    #[cold]
    pub(super) fn leader_hint(&self, partition: PartitionId) -> Option<(BrokerId, i32)> {
        let record = self.image.partition(partition)?;
        record
            .leader
            .filter(|leader| *leader != self.id)
            .map(|leader| (leader, record.leader_epoch))
    }
}
