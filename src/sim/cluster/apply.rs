//! Carrying out commands. What cannot be done is an error, and then nothing has changed.

mod clients;
mod network;

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
use crate::sim::settings::{Place, Setting, SettingError, check_for_one_broker, check_heartbeat};
use crate::sim::spec::{COLLIDES, CommitMode, ConsumerSpec, SpecError, check_name, colliding};
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

fn wrong(what: impl Into<String>, value: impl ToString, wanted: impl Into<String>) -> CommandError {
    CommandError::Value {
        what: what.into(),
        value: value.to_string(),
        wanted: wanted.into(),
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
                    let value = format!("{percent}%");
                    return Err(wrong(
                        "the share of messages to lose",
                        value,
                        "write 0% to 100%",
                    ));
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
            // To stop a process that starts is to end it at once, its logs not closed (`BrokerServer.maybeChangeStatus`).
            let wanted = "wait until the controller has unfenced it, or crash it";
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
        let topics = self.world.names.topics.iter();
        if let Some(other) = colliding(name, topics.map(|topic| &*topic.name)) {
            return Err(wrong("a topic's name", name, format!("{COLLIDES} {other}")));
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
            brokers.most_replicas() as u64,
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
            let what = format!("the replicas of {tp}");
            return Err(wrong(what, "none", "name at least one broker"));
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
                check_for_one_broker(setting, self.controller.elr_enabled())
                    .map_err(|wanted| wrong(name, value, wanted))?;
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
            producer::check_timeouts(&changed).map_err(|wanted| wrong(name, value, wanted))?;
        }
        producer::check_in_flight(&changed).map_err(|wanted| wrong(name, value, wanted))?;
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
        let Some(member) = self.members.get(index as usize) else {
            return Ok(());
        };
        let from = setting.show(member.settings.get(setting));
        let mut settings = member.settings.clone();
        settings.set(setting, value);
        check_heartbeat(&settings).map_err(|wanted| wrong(name, setting.show(value), wanted))?;
        let cause = Some(self.told(text));
        if let Some(member) = self.members.get_mut(index as usize) {
            let commit = match setting {
                Setting::EnableAutoCommit => CommitMode::Auto,
                _ => commit_mode(&member.consumer.config().commits),
            };
            let consumer = &mut member.consumer;
            consumer.reconfigure(|config| configure(config, &settings, commit));
            member.settings = settings;
        }
        self.setting_changed(cause, node.to_string(), setting, from, value);
        Ok(())
    }
}

fn check_factor(factor: u32) -> Outcome {
    if factor >= 1 {
        return Ok(());
    }
    Err(wrong(
        "a factor of slowness",
        "0",
        "1 is normal, 2 twice as slow",
    ))
}

fn commit_mode(commits: &Commits) -> CommitMode {
    match commits {
        Commits::Auto { .. } => CommitMode::Auto,
        Commits::AfterProcessing => CommitMode::AfterProcessing,
        Commits::BeforeProcessing => CommitMode::BeforeProcessing,
        Commits::Never => CommitMode::Never,
    }
}
