//! Consumers and groups in the cluster: setting them up, carrying out what they want, and noting what they did.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Cluster;
use crate::sim::broker::Broker;
use crate::sim::consumer::{Commits, Consumer, ConsumerConfig, Effect, Env, Note, ResetPolicy};
use crate::sim::context::{Occurrence, Timer};
use crate::sim::controller::Controller;
use crate::sim::event::{EventId, What};
use crate::sim::group::GroupEvent;
use crate::sim::group::assignors::Assignor;
use crate::sim::group::progress::GroupProgress;
use crate::sim::group::state::Group;
use crate::sim::message::Message;
use crate::sim::node::{NodeId, PartitionId, Tp};
use crate::sim::settings::{ASSIGNORS, Setting, Settings, WrittenSettings, choices};
use crate::sim::spec::{CommitMode, ConsumerSpec, SpecError};
use crate::sim::time::Time;
use crate::sim::types::{BrokerId, Offset};

/// A consumer group, seen from outside.
#[derive(Debug, Clone)]
pub struct GroupInfo {
    /// `group.id`
    pub name: Arc<str>,
    /// What its members subscribe to unless they say otherwise.
    pub topics: Vec<String>,
    pub(super) settings: WrittenSettings,
    /// What its members have really done.
    pub progress: GroupProgress,
}

/// A consumer with what the cluster keeps about it.
#[derive(Debug, Clone)]
pub struct Member {
    /// The client.
    pub consumer: Consumer,
    /// Its group, by place.
    pub group: usize,
    /// Its settings.
    pub settings: Settings,
    /// How long it works on a record when its machine is not slowed.
    pub(super) processing: Time,
    /// How many times slower its machine is.
    pub(super) slow: u32,
}

impl Member {
    /// Works as long on a record as its application and its machine take.
    pub(super) fn apply_processing(&mut self) {
        let time = Time(self.processing.0.saturating_mul(u64::from(self.slow)));
        self.consumer.reconfigure(|config| config.processing = time);
    }
}

/// Reads the settings that a consumer follows.
pub(super) fn configure(config: &mut ConsumerConfig, settings: &Settings, commit: CommitMode) {
    let count = |setting| settings.get(setting).clamp(0, i64::from(u32::MAX)) as u32;
    config.assignors = choices(settings.get(Setting::AssignmentStrategy), ASSIGNORS)
        .filter_map(Assignor::from_name)
        .collect();
    config.session_timeout = settings.time(Setting::SessionTimeout);
    config.heartbeat_interval = settings.time(Setting::HeartbeatInterval);
    config.max_poll_interval = settings.time(Setting::MaxPollInterval);
    config.max_poll_records = count(Setting::MaxPollRecords);
    config.auto_offset_reset = match settings.get(Setting::AutoOffsetReset) {
        0 => ResetPolicy::Latest,
        1 => ResetPolicy::Earliest,
        _ => ResetPolicy::None,
    };
    config.fetch_min_bytes = count(Setting::FetchMinBytes);
    config.fetch_max_wait = settings.time(Setting::FetchMaxWait);
    config.max_partition_fetch_bytes = count(Setting::MaxPartitionFetchBytes);
    config.fetch_max_bytes = count(Setting::FetchMaxBytes);
    config.request_timeout = settings.time(Setting::RequestTimeout);
    config.retry_backoff = settings.time(Setting::RetryBackoff);
    config.metadata_max_age = settings.time(Setting::MetadataMaxAge);
    config.commits = match commit {
        CommitMode::Auto if settings.is_on(Setting::EnableAutoCommit) => Commits::Auto {
            interval: settings.time(Setting::AutoCommitInterval),
        },
        CommitMode::Auto | CommitMode::Never => Commits::Never,
        CommitMode::AfterProcessing => Commits::AfterProcessing,
        CommitMode::BeforeProcessing => Commits::BeforeProcessing,
    };
}

impl Cluster {
    /// Sets up a consumer of a group; it does not run yet.
    pub(super) fn add_consumer(
        &mut self,
        group: usize,
        spec: &ConsumerSpec,
    ) -> Result<NodeId, SpecError> {
        let owner = || format!("consumer {}", spec.name);
        let Some(info) = self.groups.get(group) else {
            return Err(SpecError::Missing {
                owner: owner(),
                kind: "group",
                name: group.to_string(),
            });
        };
        let settings = Settings::of_consumer(&info.settings, &spec.settings).map_err(|source| {
            SpecError::Setting {
                owner: owner(),
                source,
            }
        })?;
        let topics = if spec.topics.is_empty() {
            &info.topics
        } else {
            &spec.topics
        };
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let mut config = ConsumerConfig::new(&spec.name, &info.name, &topics);
        configure(&mut config, &settings, spec.commit);
        config.group_instance_id = spec.instance.as_deref().map(Into::into);
        config.client_rack = spec.rack.as_deref().map(Into::into);
        config.processing = spec.processing;
        config.failure_rate = spec.failure_rate;
        config.poison_every = spec.poison_every;
        config.poison = self.poison(spec);
        config.on_failure = spec.on_failure.clone();
        config.retry_pause = spec.retry_pause;
        let index = self.members.len() as u32;
        self.world.names.consumers.push(spec.name.as_str().into());
        let bootstrap: Vec<BrokerId> = (1..=self.spec.brokers).collect();
        let consumer = Consumer::new(config, bootstrap);
        self.members.push(Member {
            consumer,
            group,
            settings,
            processing: spec.processing,
            slow: 1,
        });
        Ok(NodeId::Consumer(index))
    }

    fn poison(&self, spec: &ConsumerSpec) -> BTreeSet<(PartitionId, Offset)> {
        let mut all = BTreeSet::new();
        for (written, offsets) in &spec.poison {
            let id =
                Tp::read(written).and_then(|tp| self.names().partition(&tp.topic, tp.partition));
            all.extend(
                id.into_iter()
                    .flat_map(|id| offsets.iter().map(move |offset| (id, *offset))),
            );
        }
        all
    }

    pub(super) fn begin_groups(&mut self) -> Result<(), SpecError> {
        let spec = Arc::clone(&self.spec);
        for (place, group) in spec.groups.iter().enumerate() {
            self.groups.push(GroupInfo {
                name: group.name.as_str().into(),
                topics: group.topics.clone(),
                settings: group.settings.clone(),
                progress: GroupProgress::default(),
            });
            for member in &group.members {
                let node = self.add_consumer(place, member)?;
                if !member.stopped {
                    self.world
                        .queue
                        .push(member.start, Occurrence::Start { node });
                }
            }
        }
        Ok(())
    }

    /// Has a consumer do something and carries out what it wants done.
    pub(super) fn with_consumer(
        &mut self,
        index: u32,
        cause: Option<EventId>,
        act: impl FnOnce(&mut Consumer, &mut Env),
    ) {
        let Some(member) = self.members.get_mut(index as usize) else {
            return;
        };
        let mut out = std::mem::take(&mut self.effects);
        let world = &mut self.world;
        let mut env = Env {
            now: world.now,
            names: &world.names,
            rng: &mut world.rng,
            spare: &mut world.spare,
            out: &mut out,
        };
        act(&mut member.consumer, &mut env);
        let group = member.group;
        self.carry_out(index, group, cause, out);
    }

    /// Does what a consumer wants done.
    fn carry_out(
        &mut self,
        index: u32,
        group: usize,
        cause: Option<EventId>,
        mut out: Vec<Effect>,
    ) {
        let mut ctx = self.world.context(NodeId::Consumer(index), cause);
        for effect in out.drain(..) {
            match effect {
                Effect::Send {
                    to,
                    correlation,
                    message,
                } => ctx.send(to, correlation, message),
                Effect::Wake { at, timer } => ctx.set_timer(at, Timer::Consumer(timer)),
                Effect::Tell(event) => {
                    ctx.emit_and_follow(What::Group(event));
                }
                Effect::Note(note) => {
                    let observer = Observer {
                        members: &self.members,
                        brokers: &self.brokers,
                        controller: &self.controller,
                    };
                    let told = self
                        .groups
                        .get_mut(group)
                        .and_then(|info| observer.take_note(info, group, index, note, &ctx));
                    if let Some(event) = told {
                        ctx.emit(What::Group(event));
                    }
                }
            }
        }
        self.effects = out;
    }

    pub(super) fn deliver_to_consumer(
        &mut self,
        index: u32,
        from: NodeId,
        correlation: u32,
        cause: Option<EventId>,
        message: Message,
    ) {
        self.with_consumer(index, cause, |consumer, env| match (message, from) {
            // A peer's sockets close; a request that nobody took has a number.
            (Message::Disconnected, NodeId::Broker(broker)) if correlation == 0 => {
                consumer.disconnected(broker, env);
            }
            (message, _) => consumer.receive(correlation, message, env),
        });
    }

    /// The groups.
    pub fn groups(&self) -> &[GroupInfo] {
        &self.groups
    }

    /// The consumers, of all groups.
    pub fn consumers(&self) -> &[Member] {
        &self.members
    }

    /// A group as its coordinator has it, and the broker that coordinates it. `None` while nobody does.
    pub fn group(&self, name: &str) -> Option<(&Group, BrokerId)> {
        let partition = crate::sim::broker::groups::group_partition(name, self.names())?;
        let broker = self.partition_by_id(partition).leader()?;
        let found = self
            .broker(broker)?
            .coordinator_of(name, self.names())?
            .group(name)?;
        Some((found, broker))
    }

    /// The partitions that a group reads or has committed.
    pub fn partitions_of_group(&self, name: &str) -> Vec<PartitionId> {
        let mut all: Vec<PartitionId> = Vec::new();
        for topic in self
            .groups
            .iter()
            .filter(|group| &*group.name == name)
            .flat_map(|group| &group.topics)
        {
            if let Some(topic) = self.names().topic(topic) {
                all.extend_from_slice(self.names().partitions_of(topic));
            }
        }
        if let Some((group, _)) = self.group(name) {
            all.extend(group.offsets.keys());
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What a group has committed for a partition.
    pub fn committed(&self, group: &str, partition: PartitionId) -> Option<Offset> {
        let (group, _) = self.group(group)?;
        group
            .offsets
            .get(&partition)
            .map(|committed| committed.offset)
    }

    /// A group's lag on a partition: high watermark less committed offset; unknown without a commit.
    pub fn lag(&self, group: &str, partition: PartitionId) -> Option<u64> {
        let end = self.partition_by_id(partition).high_watermark()?;
        crate::sim::group::lag::group_lag(end, self.committed(group, partition))
    }

    /// Records that a group has committed past and that nobody has processed or still works on.
    pub fn skipped(&self, group: &str) -> u64 {
        let Some(info) = self.groups.iter().find(|info| &*info.name == group) else {
            return 0;
        };
        let one = |id: PartitionId| {
            let committed = self.committed(group, id)?;
            let progress = info.progress.partition(id)?;
            let first = progress.begun?;
            let last = progress
                .processed
                .ranges()
                .last()
                .map_or(first, |(_, end)| *end);
            // What its owner has not come to yet is not skipped.
            let bound = if progress.owner.is_some() {
                committed.min(last)
            } else {
                committed
            };
            Some(info.progress.skipped_below(id, first, bound.max(first)))
        };
        self.partitions_of_group(group)
            .into_iter()
            .filter_map(one)
            .sum()
    }
}

/// What is needed to judge what consumers note.
struct Observer<'a> {
    members: &'a [Member],
    brokers: &'a [Broker],
    controller: &'a Controller,
}

impl Observer<'_> {
    /// Where the leader's log ends, if there is a leader.
    fn log_end(&self, partition: PartitionId) -> Option<Offset> {
        let leader = self
            .controller
            .partitions
            .get(partition.0 as usize)?
            .leader?;
        let broker = self.brokers.get((leader as usize).checked_sub(1)?)?;
        Some(broker.replicas.get(partition)?.log.end())
    }

    /// Notes what a consumer did. Tells of records that were processed again, or that nobody will process.
    fn take_note(
        &self,
        info: &mut GroupInfo,
        group: usize,
        index: u32,
        note: Note,
        ctx: &crate::sim::context::Context,
    ) -> Option<GroupEvent> {
        let config = self.members.get(index as usize)?.consumer.config();
        let progress = &mut info.progress;
        match note {
            Note::Owned {
                partition,
                generation,
            } => {
                let instance = config.group_instance_id.clone();
                progress.owned(partition, &config.name, instance, generation, ctx.now());
                None
            }
            Note::Kept {
                partition,
                generation,
            } => {
                progress.kept(partition, &config.name, generation);
                None
            }
            Note::Released { partition } => {
                progress.released(partition, &config.name, ctx.now());
                None
            }
            Note::Processed {
                partition,
                first,
                count,
            } => {
                let (first, count) = progress.processed(partition, first, count)?;
                Some(GroupEvent::Reprocessed {
                    consumer: Arc::clone(&config.name),
                    group: Arc::clone(&info.name),
                    partition: ctx.world.names.tp(partition).to_string(),
                    first,
                    count,
                })
            }
            Note::GaveUp { partition, offset } => {
                progress.gave_up(partition, offset);
                None
            }
            Note::Truncated { partition, end } => {
                progress.truncated(partition, end);
                None
            }
            Note::Started {
                partition,
                offset,
                committed,
            } => {
                if let Some(end) = self.log_end(partition) {
                    progress.truncated(partition, end);
                }
                let of_group = self.members.iter().filter(|member| member.group == group);
                let held = of_group.flat_map(|member| member.consumer.holds(partition));
                let (first, count) = progress.started(partition, offset, committed, held)?;
                Some(GroupEvent::NeverProcessed {
                    group: Arc::clone(&info.name),
                    partition: ctx.world.names.tp(partition).to_string(),
                    first,
                    count,
                })
            }
        }
    }
}
