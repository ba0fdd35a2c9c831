//! Carrying out commands. What cannot be done is an error, and then nothing has changed.

use std::sync::Arc;

use super::Cluster;
use super::clients::configure;
use crate::sim::broker::{Ending, Stage};
use crate::sim::command::{ClientAction, Command, ConsumerChange, ProducerChange, ResetTo, Target};
use crate::sim::consumer::Commits;
use crate::sim::context::Context;
use crate::sim::controller::election::Election;
use crate::sim::controller::{AdminError, Controller};
use crate::sim::event::{EventId, What};
use crate::sim::group::GroupRecord;
use crate::sim::network::Link;
use crate::sim::node::{NodeId, NodeName, PartitionId, Tp};
use crate::sim::producer;
use crate::sim::settings::{Place, Setting, SettingError};
use crate::sim::spec::{CommitMode, ConsumerSpec, SpecError, check_name};
use crate::sim::time::Time;
use crate::sim::types::{BrokerId, ErrorCode, Offset};

/// Why a command cannot be carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// It names something that is not there.
    #[error("there is no {kind} `{name}`{}", known_words(known))]
    Missing {
        /// Of what kind.
        kind: &'static str,
        /// By what name.
        name: String,
        /// What there is of that kind.
        known: Vec<String>,
    },
    /// The thing is not in the state for it.
    #[error("{node} {state}; {wanted}")]
    State {
        /// Which thing.
        node: String,
        /// How it is.
        state: &'static str,
        /// What would be right.
        wanted: &'static str,
    },
    /// A value that cannot be.
    #[error("{what} cannot be {value}: {wanted}")]
    Value {
        /// Of what.
        what: String,
        /// What was given.
        value: String,
        /// What would be right.
        wanted: String,
    },
    /// The controller does not do it.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A setting is wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A new client is wrong.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A coordinator does not do it.
    #[error("the coordinator of group `{group}` refuses: {error}")]
    Refused {
        /// Which group.
        group: String,
        /// Its answer.
        error: ErrorCode,
    },
}

fn known_words(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!("; there is {}", known.join(", "))
    }
}

type Outcome = Result<(), CommandError>;

fn state(node: &impl ToString, state: &'static str, wanted: &'static str) -> CommandError {
    CommandError::State {
        node: node.to_string(),
        state,
        wanted,
    }
}

impl Cluster {
    /// Carries a command out now.
    ///
    /// # Errors
    /// What cannot be done, and what would be right; the cluster is then as it was.
    pub fn apply(&mut self, command: Command) -> Outcome {
        let text = command.to_string();
        match command {
            Command::Crash {
                broker,
                lose_page_cache,
            } => self.crash(broker, lose_page_cache, text),
            Command::Restart { broker } => self.restart(broker, text),
            Command::ShutDown { broker } => self.shut_down(broker, text),
            Command::SlowDisk { broker, factor } => self.slow_disk(broker, factor, text),
            Command::SlowNetwork { node, factor } => self.slow_network(&node, factor, text),
            Command::Cut { from, to, both } => self.cut(&from, &to, both, text),
            Command::Isolate { node } => self.isolate(&node, text),
            Command::Heal { from, to, both } => self.heal(&from, &to, both, text),
            Command::HealAll => {
                let id = self.told(text);
                self.world.emit(Some(id), What::HealedAll);
                self.world.network.heal_all();
                self.world.network.set_loss(self.spec.network.loss);
                Ok(())
            }
            Command::SlowLink {
                from,
                to,
                both,
                delay,
            } => self.slow_link(&from, &to, both, delay, text),
            Command::LoseMessages { percent } => {
                if percent > 100 {
                    let what = "the share of messages to lose".to_owned();
                    let wanted = "write 0% to 100%".to_owned();
                    return Err(CommandError::Value {
                        what,
                        value: format!("{percent}%"),
                        wanted,
                    });
                }
                self.told(text);
                self.world.network.set_loss(f64::from(percent) / 100.0);
                Ok(())
            }
            Command::DropNext { kind, from, to } => {
                let (from, to) = (self.node(&from)?, self.node(&to)?);
                self.told(text);
                self.world.network.drop_next(kind, from, to);
                Ok(())
            }
            Command::CreateTopic {
                topic,
                partitions,
                replication,
            } => self.create_topic(&topic, partitions, replication, text),
            Command::AddPartitions { topic, to } => {
                let topic = self.topic(&topic)?;
                self.check_controller()?;
                self.as_admin(text, |controller, ctx| {
                    controller.add_partitions(topic, to, ctx)
                })
            }
            Command::Set {
                target,
                setting,
                value,
            } => self.set(&target, &setting, &value, text),
            Command::Reassign {
                partition,
                replicas,
            } => self.reassign(&partition, &replicas, text),
            Command::ElectPreferred { partition } => self.elect_preferred(partition.as_ref(), text),
            Command::ElectUnclean { partition } => {
                let id = self.partition_id(&partition)?;
                self.check_controller()?;
                self.as_admin(text, |controller, ctx| {
                    controller.elect(id, Election::Unclean, ctx)
                })
            }
            Command::Client { client, action } => self.client(&client, action, text),
            Command::Producer { name, change } => self.change_producer(&name, change, text),
            Command::Consumer { name, change } => self.change_consumer(&name, change, text),
            Command::Join {
                consumer,
                group,
                instance,
            } => self.join(&consumer, &group, instance, text),
            Command::ResetOffsets {
                group,
                partition,
                to,
            } => self.reset_offsets(&group, partition.as_ref(), to, text),
            Command::FailController => {
                let active = self
                    .controller
                    .quorum
                    .active()
                    .ok_or(AdminError::NoController)?;
                self.crash_controller(active, text)
            }
            Command::CrashController { controller } => self.crash_controller(controller, text),
            Command::RestartController { controller } => self.restart_controller(controller, text),
        }
    }

    fn told(&mut self, command: String) -> EventId {
        self.world.emit(None, What::Commanded { command })
    }

    // What commands name.

    fn node(&self, name: &NodeName) -> Result<NodeId, CommandError> {
        let there = |node: &NodeId| match *node {
            NodeId::Broker(id) => (1..=self.spec.brokers).contains(&id),
            NodeId::Controller(id) => (1..=self.spec.controllers).contains(&id),
            NodeId::Producer(_) | NodeId::Consumer(_) => true,
        };
        if let Some(node) = self.world.names.resolve(name).filter(there) {
            return Ok(node);
        }
        let numbers = |count: u32| (1..=count).map(|id| id.to_string()).collect();
        let words = |names: &[Arc<str>]| names.iter().map(ToString::to_string).collect();
        let (kind, name, known) = match name {
            NodeName::Broker(id) => ("broker", id.to_string(), numbers(self.spec.brokers)),
            NodeName::Controller(id) => {
                ("controller", id.to_string(), numbers(self.spec.controllers))
            }
            NodeName::Producer(name) => (
                "producer",
                name.to_string(),
                words(&self.world.names.producers),
            ),
            NodeName::Consumer(name) => (
                "consumer",
                name.to_string(),
                words(&self.world.names.consumers),
            ),
        };
        Err(CommandError::Missing { kind, name, known })
    }

    fn topic(&self, name: &str) -> Result<crate::sim::node::TopicId, CommandError> {
        let known = || {
            self.world
                .names
                .topics
                .iter()
                .map(|topic| topic.name.to_string())
                .collect()
        };
        let missing = || CommandError::Missing {
            kind: "topic",
            name: name.to_owned(),
            known: known(),
        };
        self.world.names.topic(name).ok_or_else(missing)
    }

    fn partition_id(&self, tp: &Tp) -> Result<PartitionId, CommandError> {
        let topic = self.topic(&tp.topic)?;
        let partitions = self.world.names.partitions_of(topic);
        partitions
            .get(tp.partition as usize)
            .copied()
            .ok_or_else(|| CommandError::Missing {
                kind: "partition",
                name: tp.to_string(),
                known: vec![format!(
                    "{}-0 to {}-{}",
                    tp.topic,
                    tp.topic,
                    partitions.len().saturating_sub(1)
                )],
            })
    }

    fn up(&self, broker: BrokerId) -> Result<NodeId, CommandError> {
        let node = self.node(&NodeName::Broker(broker))?;
        if self.is_up(node) {
            return Ok(node);
        }
        Err(state(
            &NodeName::Broker(broker),
            "does not run",
            "`restart broker` starts it",
        ))
    }

    fn check_controller(&self) -> Result<u32, CommandError> {
        Ok(self
            .controller
            .quorum
            .active()
            .ok_or(AdminError::NoController)?)
    }

    /// Asks the active controller for something; the command is told of only if it is done.
    fn as_admin(
        &mut self,
        text: String,
        ask: impl FnOnce(&mut Controller, &mut Context) -> Result<(), AdminError>,
    ) -> Outcome {
        let active = self.check_controller()?;
        // An error must leave no trace, so the state is put back.
        let (controller, world) = (self.controller.clone(), self.world.clone());
        let cause = self.told(text);
        let mut ctx = self.world.context(NodeId::Controller(active), Some(cause));
        if let Err(error) = ask(&mut self.controller, &mut ctx) {
            (self.controller, self.world) = (controller, world);
            return Err(error.into());
        }
        Ok(())
    }

    // Brokers and controllers.

    fn crash(&mut self, broker: BrokerId, lose_page_cache: bool, text: String) -> Outcome {
        let node = self.up(broker)?;
        let cause = Some(self.told(text));
        let crashed = What::BrokerCrashed {
            broker,
            lost_cache: lose_page_cache,
            lost_disk: false,
        };
        let id = self.world.emit(cause, crashed);
        self.world.faults.insert(node, id);
        self.frozen.remove(&node);
        let how = Ending {
            clean: false,
            loses_cache: lose_page_cache,
            loses_disk: false,
        };
        self.end_broker(broker, how, Some(id));
        Ok(())
    }

    fn restart(&mut self, broker: BrokerId, text: String) -> Outcome {
        let node = self.node(&NodeName::Broker(broker))?;
        if self.is_up(node) {
            return Err(state(
                &NodeName::Broker(broker),
                "runs",
                "crash it or shut it down first",
            ));
        }
        let cause = Some(self.told(text));
        let Some(found) = self.brokers.get_mut(broker as usize - 1) else {
            return Ok(());
        };
        let clean = found.stopped_cleanly();
        let id = self
            .world
            .emit(cause, What::BrokerStarted { broker, clean });
        self.world.faults.remove(&node);
        self.world.begin_life(node);
        found.start(&mut self.world.context(node, Some(id)));
        Ok(())
    }

    fn shut_down(&mut self, broker: BrokerId, text: String) -> Outcome {
        let node = self.up(broker)?;
        if self
            .brokers
            .get(broker as usize - 1)
            .is_some_and(|found| found.stage != Stage::Running)
        {
            let wanted = "wait until it is registered, or crash it";
            return Err(state(
                &NodeName::Broker(broker),
                "is starting or already shutting down",
                wanted,
            ));
        }
        let id = self.told(text);
        self.world.faults.insert(node, id);
        let how = Ending {
            clean: true,
            loses_cache: false,
            loses_disk: false,
        };
        let Some(found) = self.brokers.get_mut(broker as usize - 1) else {
            return Ok(());
        };
        if found.settings.is_on(Setting::ControlledShutdown) {
            found.begin_shutdown(&mut self.world.context(node, Some(id)));
        } else {
            let id = self.world.emit(Some(id), What::BrokerStopped { broker });
            self.end_broker(broker, how, Some(id));
        }
        Ok(())
    }

    fn slow_disk(&mut self, broker: BrokerId, factor: u32, text: String) -> Outcome {
        let node = self.node(&NodeName::Broker(broker))?;
        check_factor(factor)?;
        let cause = Some(self.told(text));
        let id = self.world.emit(cause, What::DiskSlowed { broker, factor });
        self.note(node, id, factor > 1);
        let now = self.world.now;
        if let Some(found) = self.brokers.get_mut(broker as usize - 1) {
            found.set_disk_factor(factor, now);
        }
        Ok(())
    }

    /// Remembers, or forgets, what is wrong with a node that runs.
    fn note(&mut self, node: NodeId, id: EventId, wrong: bool) {
        if wrong {
            self.world.faults.insert(node, id);
        } else if self.is_up(node) {
            self.world.faults.remove(&node);
        }
    }

    fn crash_controller(&mut self, controller: u32, text: String) -> Outcome {
        let node = self.node(&NodeName::Controller(controller))?;
        if !self.is_up(node) {
            let wanted = "`restart controller` starts it";
            return Err(state(
                &NodeName::Controller(controller),
                "does not run",
                wanted,
            ));
        }
        let cause = Some(self.told(text));
        let id = self
            .world
            .emit(cause, What::ControllerFailed { controller });
        self.world.faults.insert(node, id);
        self.end_process(node, Some(id));
        Ok(())
    }

    fn restart_controller(&mut self, controller: u32, text: String) -> Outcome {
        let node = self.node(&NodeName::Controller(controller))?;
        if self.is_up(node) {
            return Err(state(
                &NodeName::Controller(controller),
                "runs",
                "crash it first",
            ));
        }
        let cause = Some(self.told(text));
        self.world
            .emit(cause, What::ControllerRestarted { controller });
        self.world.faults.remove(&node);
        self.world.begin_life(node);
        Ok(())
    }

    // The network.

    fn change_link(&mut self, from: NodeId, to: NodeId, change: impl FnOnce(&mut Link)) {
        let mut link = self.world.network.link(from, to);
        change(&mut link);
        self.world.network.set_link(from, to, link);
    }

    fn directions(
        &self,
        from: &NodeName,
        to: &NodeName,
        both: bool,
    ) -> Result<Vec<(NodeId, NodeId)>, CommandError> {
        let (one, other) = (self.node(from)?, self.node(to)?);
        if one == other {
            let (what, value) = ("the other end of a link".to_owned(), to.to_string());
            return Err(CommandError::Value {
                what,
                value,
                wanted: "name two different nodes".to_owned(),
            });
        }
        let mut all = vec![(one, other)];
        if both {
            all.push((other, one));
        }
        Ok(all)
    }

    fn cut(&mut self, from: &NodeName, to: &NodeName, both: bool, text: String) -> Outcome {
        let directions = self.directions(from, to, both)?;
        let cause = Some(self.told(text));
        for (from, to) in directions {
            let names = (self.world.names.node(from), self.world.names.node(to));
            let id = self.world.emit(
                cause,
                What::Cut {
                    from: names.0,
                    to: names.1,
                },
            );
            self.world.faults.insert(from, id);
            self.world.faults.insert(to, id);
            self.change_link(from, to, |link| link.cut = true);
        }
        Ok(())
    }

    fn others(&self, node: NodeId) -> Vec<NodeId> {
        let controllers = (1..=self.spec.controllers).map(NodeId::Controller);
        self.peers()
            .into_iter()
            .chain(controllers)
            .filter(|other| *other != node)
            .collect()
    }

    fn isolate(&mut self, name: &NodeName, text: String) -> Outcome {
        let node = self.node(name)?;
        let id = self.told(text);
        self.world.faults.insert(node, id);
        for other in self.others(node) {
            self.change_link(node, other, |link| link.cut = true);
            self.change_link(other, node, |link| link.cut = true);
        }
        Ok(())
    }

    fn heal(&mut self, from: &NodeName, to: &NodeName, both: bool, text: String) -> Outcome {
        let directions = self.directions(from, to, both)?;
        let cause = Some(self.told(text));
        for (from, to) in directions {
            let names = (self.world.names.node(from), self.world.names.node(to));
            self.world.emit(
                cause,
                What::Healed {
                    from: names.0,
                    to: names.1,
                },
            );
            self.world.network.set_link(from, to, Link::default());
        }
        Ok(())
    }

    fn slow_link(
        &mut self,
        from: &NodeName,
        to: &NodeName,
        both: bool,
        delay: Time,
        text: String,
    ) -> Outcome {
        let directions = self.directions(from, to, both)?;
        let cause = Some(self.told(text));
        for (from, to) in directions {
            let names = (self.world.names.node(from), self.world.names.node(to));
            let id = self.world.emit(
                cause,
                What::LinkSlowed {
                    from: names.0,
                    to: names.1,
                    extra: delay,
                },
            );
            self.note(from, id, delay > Time::ZERO);
            self.change_link(from, to, |link| link.extra = delay);
        }
        Ok(())
    }

    fn slow_network(&mut self, name: &NodeName, factor: u32, text: String) -> Outcome {
        let node = self.node(name)?;
        check_factor(factor)?;
        let id = self.told(text);
        self.note(node, id, factor > 1);
        let extra = Time(
            self.world
                .network
                .latency()
                .0
                .saturating_mul(u64::from(factor - 1)),
        );
        for other in self.others(node) {
            self.change_link(node, other, |link| link.extra = extra);
            self.change_link(other, node, |link| link.extra = extra);
        }
        Ok(())
    }

    // What administrators do.

    fn create_topic(
        &mut self,
        name: &str,
        partitions: u32,
        replication: u32,
        text: String,
    ) -> Outcome {
        check_name("topic", name)?;
        if self.world.names.topic(name).is_some() {
            return Err(AdminError::TopicExists(name.to_owned()).into());
        }
        self.check_controller()?;
        let brokers = self.controller.placeable();
        let count = |what: String, found: u32, most: u64| {
            let range = 1..=most;
            let error = AdminError::Count {
                what,
                found: found.into(),
                least: 1,
                most,
            };
            if range.contains(&u64::from(found)) {
                Ok(())
            } else {
                Err(error)
            }
        };
        count(
            format!("the number of partitions of {name}"),
            partitions,
            100_000,
        )?;
        count(
            format!("the replication factor of {name}"),
            replication,
            brokers.len() as u64,
        )?;
        let assignments = Controller::spread(0, partitions, replication, &brokers);
        self.as_admin(text, |controller, ctx| {
            controller.create_topic(name, assignments, Vec::new(), ctx);
            Ok(())
        })
    }

    fn reassign(&mut self, tp: &Tp, replicas: &[BrokerId], text: String) -> Outcome {
        let id = self.partition_id(tp)?;
        self.check_controller()?;
        for (place, broker) in replicas.iter().enumerate() {
            self.node(&NodeName::Broker(*broker))?;
            if replicas[..place].contains(broker) {
                return Err(AdminError::Twice(*broker).into());
            }
        }
        if replicas.is_empty() {
            let (what, value) = (format!("the replicas of {tp}"), "none".to_owned());
            return Err(CommandError::Value {
                what,
                value,
                wanted: "name at least one broker".to_owned(),
            });
        }
        self.as_admin(text, |controller, ctx| {
            controller.reassign(id, replicas, ctx);
            Ok(())
        })
    }

    fn elect_preferred(&mut self, tp: Option<&Tp>, text: String) -> Outcome {
        self.check_controller()?;
        let Some(tp) = tp else {
            return self.as_admin(text, |controller, ctx| {
                controller.elect_all_preferred(ctx);
                Ok(())
            });
        };
        let id = self.partition_id(tp)?;
        self.as_admin(text, |controller, ctx| {
            controller.elect(id, Election::Preferred, ctx)
        })
    }

    fn set(&mut self, target: &Target, name: &str, value: &str, text: String) -> Outcome {
        match target {
            Target::Brokers => {
                let setting = Setting::find(name, Place::Broker)?;
                let value = setting.parse(value)?;
                self.check_controller()?;
                for broker in &mut self.brokers {
                    broker.settings.set(setting, value);
                }
                self.as_admin(text, |controller, ctx| {
                    controller.set_cluster(setting, value, ctx);
                    Ok(())
                })
            }
            Target::Broker(id) => {
                self.node(&NodeName::Broker(*id))?;
                let setting = Setting::find(name, Place::Broker)?;
                let value = setting.parse(value)?;
                let cause = Some(self.told(text));
                let Some(broker) = self.brokers.get_mut(*id as usize - 1) else {
                    return Ok(());
                };
                let from = setting.show(broker.settings.get(setting));
                broker.settings.set(setting, value);
                self.setting_changed(cause, format!("broker {id}"), setting, from, value);
                Ok(())
            }
            Target::Topic(topic) => {
                let topic = self.topic(topic)?;
                let setting = Setting::find(name, Place::Topic)?;
                let value = setting.parse(value)?;
                self.as_admin(text, |controller, ctx| {
                    controller.set_topic(topic, setting, value, ctx);
                    Ok(())
                })
            }
            Target::Producer(producer) => self.set_producer(producer, name, value, text),
            Target::Consumer(consumer) => self.set_consumer(consumer, name, value, text),
        }
    }

    fn setting_changed(
        &mut self,
        cause: Option<EventId>,
        owner: String,
        setting: Setting,
        from: String,
        to: i64,
    ) -> EventId {
        let to = setting.show(to);
        self.world.emit(
            cause,
            What::SettingChanged {
                owner,
                setting: setting.name(),
                from,
                to,
            },
        )
    }

    // Clients.

    fn set_producer(
        &mut self,
        producer: &Arc<str>,
        name: &str,
        value: &str,
        text: String,
    ) -> Outcome {
        let node = NodeName::Producer(Arc::clone(producer));
        let NodeId::Producer(index) = self.node(&node)? else {
            return Ok(());
        };
        let setting = Setting::find(name, Place::Producer)?;
        let value = setting.parse(value)?;
        let Some(client) = self.producers.get(index as usize) else {
            return Ok(());
        };
        let from = setting.show(client.settings.get(setting));
        let mut changed = client.settings.clone();
        changed.set(setting, value);
        if setting == Setting::DeliveryTimeout {
            producer::check_timeouts(&changed).map_err(|wanted| CommandError::Value {
                what: setting.name().to_owned(),
                value: value.to_string(),
                wanted,
            })?;
        }
        let cause = Some(self.told(text));
        let id = self.setting_changed(cause, node.to_string(), setting, from, value);
        let mut ctx = self.world.context(NodeId::Producer(index), Some(id));
        if let Some(client) = self.producers.get_mut(index as usize) {
            client.set(setting, value, &mut ctx);
        }
        Ok(())
    }

    fn set_consumer(
        &mut self,
        consumer: &Arc<str>,
        name: &str,
        value: &str,
        text: String,
    ) -> Outcome {
        let node = NodeName::Consumer(Arc::clone(consumer));
        let NodeId::Consumer(index) = self.node(&node)? else {
            return Ok(());
        };
        let setting = Setting::find(name, Place::Consumer)?;
        let value = setting.parse(value)?;
        let cause = Some(self.told(text));
        let Some(member) = self.members.get_mut(index as usize) else {
            return Ok(());
        };
        let from = setting.show(member.settings.get(setting));
        member.settings.set(setting, value);
        let commit = commit_mode(&member.consumer.config().commits);
        let settings = member.settings.clone();
        let auto = matches!(setting, Setting::EnableAutoCommit);
        let commit = if auto { CommitMode::Auto } else { commit };
        member
            .consumer
            .reconfigure(|config| configure(config, &settings, commit));
        self.setting_changed(cause, node.to_string(), setting, from, value);
        Ok(())
    }

    fn client(&mut self, name: &NodeName, action: ClientAction, text: String) -> Outcome {
        let node = self.node(name)?;
        if !node.is_client() {
            let wanted = "name a producer or a consumer".to_owned();
            return Err(CommandError::Value {
                what: "a client".to_owned(),
                value: name.to_string(),
                wanted,
            });
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
                self.frozen.insert(node, Vec::new());
            }
            ClientAction::Resume => {
                let now = self.world.now;
                for kept in self.frozen.remove(&node).unwrap_or_default() {
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

    fn change_producer(
        &mut self,
        name: &Arc<str>,
        change: ProducerChange,
        text: String,
    ) -> Outcome {
        let NodeId::Producer(index) = self.node(&NodeName::Producer(Arc::clone(name)))? else {
            return Ok(());
        };
        let wrong = |what: &str, value: String, wanted: &str| {
            let what = format!("{what} of producer {name}");
            Err(CommandError::Value {
                what,
                value,
                wanted: wanted.to_owned(),
            })
        };
        match change {
            ProducerChange::Rate(rate) if !(0.0..=1e7).contains(&rate) => {
                return wrong(
                    "the rate",
                    rate.to_string(),
                    "write 0 to 10000000 records a second",
                );
            }
            ProducerChange::RecordSize(bytes) if !(1..=1 << 30).contains(&bytes) => {
                return wrong(
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

    fn change_consumer(
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

    fn join(
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
        let spec = ConsumerSpec {
            name: consumer.to_owned(),
            topics: Vec::new(),
            instance: instance.map(|instance| instance.to_string()),
            rack: None,
            processing: Time::ZERO,
            failure_rate: 0.0,
            commit: CommitMode::Auto,
            start: Time::ZERO,
            stopped: false,
            settings: std::collections::BTreeMap::new(),
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

    fn reset_offsets(
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

fn check_factor(factor: u32) -> Outcome {
    if factor >= 1 {
        return Ok(());
    }
    let (what, value) = ("a factor of slowness".to_owned(), "0".to_owned());
    Err(CommandError::Value {
        what,
        value,
        wanted: "1 is normal, 2 twice as slow".to_owned(),
    })
}

fn commit_mode(commits: &Commits) -> CommitMode {
    match commits {
        Commits::Auto { .. } => CommitMode::Auto,
        Commits::AfterProcessing => CommitMode::AfterProcessing,
        Commits::BeforeProcessing => CommitMode::BeforeProcessing,
        Commits::Never => CommitMode::Never,
    }
}
