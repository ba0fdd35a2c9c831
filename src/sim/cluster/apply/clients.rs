//! Commands to clients and groups: starting and stopping them, changing how they work, joining, setting offsets.

use super::*;
use crate::sim::context::Occurrence;

impl Cluster {
    pub(super) fn client(
        &mut self,
        name: &NodeName,
        action: ClientAction,
        text: String,
    ) -> Outcome {
        let node = self.node(name)?;
        if !node.is_client() {
            return Err(wrong("a client", name, "name a producer or a consumer"));
        }
        let (up, frozen) = (self.is_running(node), self.frozen.contains_key(&node));
        match action {
            ClientAction::Start if up => return Err(state(name, "runs", "stop or kill it first")),
            ClientAction::Stop
            | ClientAction::Kill
            | ClientAction::Restart
            | ClientAction::Pause
                if !up =>
            {
                return Err(state(name, "does not run", "`start` starts it"));
            }
            ClientAction::Stop | ClientAction::Restart | ClientAction::Pause if frozen => {
                return Err(state(name, "stands still", "resume or kill it first"));
            }
            ClientAction::Resume if !frozen => {
                return Err(state(name, "does not stand still", "pause it first"));
            }
            ClientAction::Slow(factor) => check_factor(factor)?,
            _ => {}
        }
        let cause = Some(self.told(text));
        match action {
            ClientAction::Start => self.start_client(node, cause),
            ClientAction::Stop => self.stop_client(node, cause),
            ClientAction::Kill => self.kill_client(node, cause),
            ClientAction::Restart => {
                self.stop_client(node, cause);
                self.start_client(node, cause);
            }
            ClientAction::Pause => {
                self.frozen.insert(node, (self.world.now, Vec::new()));
            }
            ClientAction::Resume => {
                let now = self.world.now;
                for kept in self.thaw(node, cause) {
                    self.world.queue.push(now, kept);
                }
            }
            ClientAction::Slow(factor) => self.slow_client(node, factor, cause),
        }
        Ok(())
    }

    /// Whether a client runs and does its work; a producer that was stopped only sends what it has.
    fn is_running(&self, node: NodeId) -> bool {
        match node {
            NodeId::Producer(index) => self
                .producers
                .get(index as usize)
                .is_some_and(|producer| producer.activity == producer::Activity::Making),
            NodeId::Consumer(index) => self
                .members
                .get(index as usize)
                .is_some_and(|member| member.consumer.is_on()),
            NodeId::Broker(_) | NodeId::Controller(_) => self.is_up(node),
        }
    }

    /// Ends a client's standstill; what has waited for it meanwhile.
    fn thaw(&mut self, node: NodeId, cause: Option<EventId>) -> Vec<Occurrence> {
        let Some((since, kept)) = self.frozen.remove(&node) else {
            return Vec::new();
        };
        if let NodeId::Consumer(index) = node {
            let long = self.world.now.since(since);
            self.with_consumer(index, cause, |consumer, env| {
                consumer.stood_still(long, env)
            });
        }
        kept
    }

    fn stop_client(&mut self, node: NodeId, cause: Option<EventId>) {
        match node {
            NodeId::Producer(index) => {
                let mut ctx = self.world.context(node, cause);
                if let Some(producer) = self.producers.get_mut(index as usize) {
                    producer.stop(&mut ctx);
                }
            }
            NodeId::Consumer(index) => {
                self.with_consumer(index, cause, crate::sim::consumer::Consumer::close);
            }
            NodeId::Broker(_) | NodeId::Controller(_) => {}
        }
    }

    fn kill_client(&mut self, node: NodeId, cause: Option<EventId>) {
        match node {
            NodeId::Producer(index) => {
                let mut ctx = self.world.context(node, cause);
                if let Some(producer) = self.producers.get_mut(index as usize) {
                    producer.kill(&mut ctx);
                }
            }
            NodeId::Consumer(index) => {
                // it has done no more than it had before it stood still
                self.thaw(node, cause);
                self.with_consumer(index, cause, crate::sim::consumer::Consumer::kill);
            }
            NodeId::Broker(_) | NodeId::Controller(_) => {}
        }
        self.frozen.remove(&node);
        self.end_process(node, cause);
    }

    fn slow_client(&mut self, node: NodeId, factor: u32, cause: Option<EventId>) {
        match node {
            NodeId::Producer(index) => {
                let mut ctx = self.world.context(node, cause);
                if let Some(producer) = self.producers.get_mut(index as usize) {
                    producer.set_slow(factor, &mut ctx);
                }
            }
            NodeId::Consumer(index) => {
                if let Some(member) = self.members.get_mut(index as usize) {
                    member.slow = factor;
                    member.apply_processing();
                }
            }
            NodeId::Broker(_) | NodeId::Controller(_) => {}
        }
    }

    pub(super) fn change_producer(
        &mut self,
        name: &Arc<str>,
        change: ProducerChange,
        text: String,
    ) -> Outcome {
        let NodeId::Producer(index) = self.node(&NodeName::Producer(Arc::clone(name)))? else {
            return Ok(());
        };
        let refuse = |what: &str, value: String, wanted: &str| {
            Err(wrong(format!("{what} of producer {name}"), value, wanted))
        };
        match change {
            ProducerChange::Rate(rate) if !(0.0..=1e7).contains(&rate) => {
                return refuse(
                    "the rate",
                    rate.to_string(),
                    "write 0 to 10000000 records a second",
                );
            }
            ProducerChange::RecordSize(bytes) if !(1..=1 << 30).contains(&bytes) => {
                return refuse(
                    "the record size",
                    bytes.to_string(),
                    "write 1 byte to 1 GiB",
                );
            }
            _ => {}
        }
        let cause = Some(self.told(text));
        let mut ctx = self.world.context(NodeId::Producer(index), cause);
        if let Some(producer) = self.producers.get_mut(index as usize) {
            match change {
                ProducerChange::Rate(rate) => producer.set_rate(rate, &mut ctx),
                ProducerChange::RecordSize(bytes) => producer.set_record_size(bytes, &mut ctx),
                ProducerChange::Keys(keys) => producer.set_keys(keys, &mut ctx),
            }
        }
        Ok(())
    }

    pub(super) fn change_consumer(
        &mut self,
        name: &Arc<str>,
        change: ConsumerChange,
        text: String,
    ) -> Outcome {
        let NodeId::Consumer(index) = self.node(&NodeName::Consumer(Arc::clone(name)))? else {
            return Ok(());
        };
        let partition = match &change {
            ConsumerChange::PausePartition(tp) | ConsumerChange::ResumePartition(tp) => {
                Some(self.partition_id(tp)?)
            }
            ConsumerChange::Poison { partition, .. } => Some(self.partition_id(partition)?),
            _ => None,
        };
        let cause = Some(self.told(text));
        let Some(member) = self.members.get_mut(index as usize) else {
            return Ok(());
        };
        match (change, partition) {
            (ConsumerChange::Processing(time), _) => {
                member.processing = time;
                member.apply_processing();
            }
            (ConsumerChange::FailurePercent(percent), _) => {
                member.consumer.reconfigure(|config| {
                    config.failure_rate = f64::from(percent.min(100)) / 100.0
                });
            }
            (ConsumerChange::Commit(mode), _) => {
                let settings = member.settings.clone();
                member
                    .consumer
                    .reconfigure(|config| configure(config, &settings, mode));
            }
            (ConsumerChange::Poison { offset, .. }, Some(id)) => {
                member.consumer.reconfigure(|config| {
                    config.poison.insert((id, offset));
                });
            }
            (ConsumerChange::PausePartition(_), Some(id)) => {
                self.with_consumer(index, cause, |consumer, env| {
                    consumer.set_paused(id, true, env)
                });
            }
            (ConsumerChange::ResumePartition(_), Some(id)) => {
                self.with_consumer(index, cause, |consumer, env| {
                    consumer.set_paused(id, false, env)
                });
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn join(
        &mut self,
        consumer: &str,
        group: &str,
        instance: Option<Arc<str>>,
        text: String,
    ) -> Outcome {
        check_name("consumer", consumer)?;
        if self
            .world
            .names
            .consumers
            .iter()
            .any(|known| &**known == consumer)
        {
            return Err(SpecError::Duplicate {
                kind: "consumer",
                name: consumer.to_owned(),
            }
            .into());
        }
        let place = self.group_place(group)?;
        let cause = Some(self.told(text));
        // One more instance of the application that the group's first member runs.
        let groups = &self.spec.groups;
        let first = groups.get(place).and_then(|group| group.members.first());
        let spec = ConsumerSpec {
            name: consumer.to_owned(),
            instance: instance.map(|instance| instance.to_string()),
            rack: None,
            start: Time::ZERO,
            stopped: false,
            ..first.cloned().unwrap_or_default()
        };
        let node = self.add_consumer(place, &spec)?;
        self.start_client(node, cause);
        Ok(())
    }

    fn group_place(&self, group: &str) -> Result<usize, CommandError> {
        self.groups
            .iter()
            .position(|info| &*info.name == group)
            .ok_or_else(|| CommandError::Missing {
                kind: "group",
                name: group.to_owned(),
                known: self
                    .groups
                    .iter()
                    .map(|info| info.name.to_string())
                    .collect(),
            })
    }

    pub(super) fn reset_offsets(
        &mut self,
        group: &str,
        tp: Option<&Tp>,
        to: ResetTo,
        text: String,
    ) -> Outcome {
        self.group_place(group)?;
        let partitions = match tp {
            Some(tp) => vec![self.partition_id(tp)?],
            None => self.partitions_of_group(group),
        };
        let refused = |error| CommandError::Refused {
            group: group.to_owned(),
            error,
        };
        if self
            .group(group)
            .is_some_and(|(found, _)| !found.members.is_empty())
        {
            return Err(CommandError::State {
                node: format!("group {group}"),
                state: "has members",
                wanted: "stop its consumers first: offsets can be reset only while the group is empty",
            });
        }
        let target = crate::sim::broker::groups::group_partition(group, self.names());
        let target = target.ok_or_else(|| refused(ErrorCode::CoordinatorNotAvailable))?;
        let leader = self
            .partition_by_id(target)
            .leader()
            .filter(|leader| self.is_up(NodeId::Broker(*leader)));
        let leader = leader.ok_or_else(|| refused(ErrorCode::CoordinatorNotAvailable))?;
        let mut offsets = Vec::new();
        for id in partitions {
            let view = self.partition_by_id(id);
            let end = view.high_watermark().unwrap_or(0);
            let offset: Offset = match to {
                ResetTo::Earliest => 0,
                ResetTo::Latest => end,
                ResetTo::Offset(offset) => offset.min(end),
            };
            offsets.push((id, offset, -1));
        }
        let record = GroupRecord::Commit {
            group: group.into(),
            offsets,
            at: self.world.now,
        };
        let node = NodeId::Broker(leader);
        let cause = self.told(text);
        let mut ctx = self.world.context(node, Some(cause));
        if let Some(broker) = self.brokers.get_mut(leader as usize - 1) {
            broker
                .commit_for_admin(target, &Arc::new(record), &mut ctx)
                .map_err(refused)?;
        }
        Ok(())
    }
}
