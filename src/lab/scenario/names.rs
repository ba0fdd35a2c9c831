//! Looks up every name in the commands, conditions and questions of a scenario, so that a misspelt one is told with its
//! place instead of failing while it is played.
//!
//! Topics, partitions and consumers that commands of the scenario make count as known from the beginning.

use std::collections::BTreeSet;

use crate::{
    bank::{load::decoder::Decoder, yaml::Step as Place},
    sim::{
        command::{Command, ConsumerChange, Target},
        node::{NodeName, Tp},
        query::{Condition, Operand, Query},
        settings::{Place as Owner, Setting},
        spec::Spec,
    },
};

use super::{Answer, Run, Scenario, Step, read::meant};

/// What there is, by name.
#[derive(Default)]
struct Known {
    brokers: u32,
    controllers: u32,
    /// Topics with how many partitions they have at most.
    topics: Vec<(String, u32)>,
    producers: BTreeSet<String>,
    consumers: BTreeSet<String>,
    groups: BTreeSet<String>,
}

/// Notes every name that is not there.
pub(super) fn check(d: &mut Decoder, scenario: &Scenario) {
    let mut known = Known::of(&scenario.cluster);
    let given = scenario.steps.iter().flat_map(|step| {
        let replaced = step.twin.iter().flat_map(|twin| &twin.instead);
        step.commands
            .iter()
            .chain(replaced.filter_map(|(_, to)| to.as_ref()))
    });
    given.for_each(|command| known.make(command));
    d.at(Place::Key("steps".into()), |d| {
        for (place, step) in scenario.steps.iter().enumerate() {
            d.at(Place::Item(place), |d| known.step(d, step, scenario));
        }
    });
}

fn key(d: &mut Decoder, name: &'static str, read: impl FnOnce(&mut Decoder)) {
    d.at(Place::Key(name.into()), read);
}

fn each<T>(
    d: &mut Decoder,
    name: &'static str,
    items: &[T],
    mut look: impl FnMut(&mut Decoder, &T),
) {
    key(d, name, |d| {
        for (place, item) in items.iter().enumerate() {
            d.at(Place::Item(place), |d| look(d, item));
        }
    });
}

impl Known {
    fn of(spec: &Spec) -> Self {
        let partitions = |topic: &crate::sim::spec::TopicSpec| {
            let count = topic.partitions.unwrap_or(1);
            count.max(topic.assignments.len() as u32)
        };
        Self {
            brokers: spec.brokers,
            controllers: spec.controllers,
            topics: spec
                .topics
                .iter()
                .map(|topic| (topic.name.clone(), partitions(topic)))
                .collect(),
            producers: spec.producers.iter().map(|p| p.name.clone()).collect(),
            consumers: spec
                .groups
                .iter()
                .flat_map(|group| &group.members)
                .map(|member| member.name.clone())
                .collect(),
            groups: spec.groups.iter().map(|group| group.name.clone()).collect(),
        }
    }

    /// Takes up what a command makes.
    fn make(&mut self, command: &Command) {
        match command {
            Command::CreateTopic {
                topic, partitions, ..
            } => self.topics.push((topic.to_string(), *partitions)),
            Command::AddPartitions { topic, to } => {
                for (name, partitions) in &mut self.topics {
                    if **topic == **name {
                        *partitions = (*partitions).max(*to);
                    }
                }
            }
            Command::Join { consumer, .. } => {
                self.consumers.insert(consumer.to_string());
            }
            _ => {}
        }
    }

    fn step(&self, d: &mut Decoder, step: &Step, scenario: &Scenario) {
        each(d, "do", &step.commands, |d, command| {
            self.command(d, command);
        });
        each(d, "claim", &step.claims, |d, claim| {
            self.condition(d, claim);
        });
        if let Some(Run::Until { condition, .. }) = &step.run {
            key(d, "run", |d| {
                key(d, "until", |d| self.condition(d, condition));
            });
        }
        each(
            d,
            "predict",
            &step.predict,
            |d, prediction| match &prediction.answer {
                Answer::Choices(choices) => each(d, "choices", choices, |d, choice| {
                    key(d, "when", |d| {
                        choice
                            .when
                            .iter()
                            .for_each(|condition| self.condition(d, condition));
                    });
                }),
                Answer::Number { of, .. } => key(d, "number", |d| self.query(d, of)),
                Answer::Names { of, .. } => key(d, "names", |d| self.query(d, of)),
            },
        );
        let Some(twin) = &step.twin else { return };
        key(d, "twin", |d| {
            each(d, "claim", &twin.claims, |d, claim| {
                self.condition(d, claim);
            });
            each(d, "compare", &twin.compare, |d, (_, query)| {
                key(d, "query", |d| self.query(d, query));
            });
            each(d, "instead", &twin.instead, |d, (of, to)| {
                key(d, "of", |d| {
                    if !scenario.steps.iter().any(|step| step.commands.contains(of)) {
                        d.error(format!("no step of the scenario gives the command `{of}`"));
                    }
                });
                if let Some(to) = to {
                    key(d, "do", |d| self.command(d, to));
                }
            });
        });
    }

    fn one_of(d: &mut Decoder, kind: &str, name: &str, known: &BTreeSet<String>) {
        if !known.contains(name) {
            let near = meant(name, known.iter().map(String::as_str));
            let all: Vec<&str> = known.iter().map(String::as_str).collect();
            let all = match (near.is_empty(), all.is_empty()) {
                (true, true) => "; there is none".to_owned(),
                (true, false) => format!("; there is {}", all.join(", ")),
                (false, _) => near,
            };
            d.error(format!("there is no {kind} `{name}`{all}"));
        }
    }

    fn number(d: &mut Decoder, kind: &str, number: u32, most: u32) {
        if !(1..=most).contains(&number) {
            d.error(format!(
                "there is no {kind} {number}; they are numbered 1 to {most}"
            ));
        }
    }

    fn broker(&self, d: &mut Decoder, id: u32) {
        Self::number(d, "broker", id, self.brokers);
    }

    fn topic(&self, d: &mut Decoder, name: &str) {
        let known: BTreeSet<String> = self.topics.iter().map(|(name, _)| name.clone()).collect();
        Self::one_of(d, "topic", name, &known);
    }

    fn partition(&self, d: &mut Decoder, tp: &Tp) {
        match self.topics.iter().find(|(name, _)| **name == *tp.topic) {
            None => self.topic(d, &tp.topic),
            Some((_, partitions)) if tp.partition >= *partitions => d.error(format!(
                "there is no partition `{tp}`; {} has {partitions}, numbered from 0",
                tp.topic
            )),
            Some(_) => {}
        }
    }

    fn node(&self, d: &mut Decoder, node: &NodeName) {
        match node {
            NodeName::Broker(id) => self.broker(d, *id),
            NodeName::Controller(id) => Self::number(d, "controller", *id, self.controllers),
            NodeName::Producer(name) => Self::one_of(d, "producer", name, &self.producers),
            NodeName::Consumer(name) => Self::one_of(d, "consumer", name, &self.consumers),
        }
    }

    fn setting(d: &mut Decoder, name: &str, value: &str, owner: Owner) {
        let found = Setting::find(name, owner).and_then(|setting| setting.parse(value));
        if let Err(error) = found {
            d.error(error.to_string());
        }
    }

    fn command(&self, d: &mut Decoder, command: &Command) {
        match command {
            Command::Crash { broker, .. }
            | Command::Restart { broker }
            | Command::ShutDown { broker }
            | Command::SlowDisk { broker, .. } => self.broker(d, *broker),
            Command::SlowNetwork { node, .. } | Command::Isolate { node } => self.node(d, node),
            Command::Cut { from, to, .. }
            | Command::Heal { from, to, .. }
            | Command::SlowLink { from, to, .. }
            | Command::DropNext { from, to, .. } => {
                self.node(d, from);
                self.node(d, to);
            }
            Command::AddPartitions { topic, .. } => self.topic(d, topic),
            Command::Set {
                target,
                setting,
                value,
            } => {
                let owner = match target {
                    Target::Brokers => Owner::Broker,
                    Target::Broker(id) => {
                        self.broker(d, *id);
                        Owner::Broker
                    }
                    Target::Topic(name) => {
                        self.topic(d, name);
                        Owner::Topic
                    }
                    Target::Producer(name) => {
                        Self::one_of(d, "producer", name, &self.producers);
                        Owner::Producer
                    }
                    Target::Consumer(name) => {
                        Self::one_of(d, "consumer", name, &self.consumers);
                        Owner::Consumer
                    }
                };
                Self::setting(d, setting, value, owner);
            }
            Command::Reassign {
                partition,
                replicas,
            } => {
                self.partition(d, partition);
                for id in replicas {
                    self.broker(d, *id);
                }
            }
            Command::ElectPreferred {
                partition: Some(partition),
            }
            | Command::ElectUnclean { partition } => self.partition(d, partition),
            Command::Client { client, .. } => self.node(d, client),
            Command::Producer { name, .. } => Self::one_of(d, "producer", name, &self.producers),
            Command::Consumer { name, change } => {
                Self::one_of(d, "consumer", name, &self.consumers);
                match change {
                    ConsumerChange::PausePartition(tp)
                    | ConsumerChange::ResumePartition(tp)
                    | ConsumerChange::Poison { partition: tp, .. } => self.partition(d, tp),
                    _ => {}
                }
            }
            Command::Join { group, .. } | Command::ResetOffsets { group, .. } => {
                Self::one_of(d, "group", group, &self.groups);
            }
            Command::CrashController { controller } | Command::RestartController { controller } => {
                Self::number(d, "controller", *controller, self.controllers);
            }
            _ => {}
        }
    }

    fn condition(&self, d: &mut Decoder, condition: &Condition) {
        for test in &condition.all {
            self.query(d, &test.query);
            if let Operand::Query(query) = &test.with {
                self.query(d, query);
            }
        }
    }

    fn query(&self, d: &mut Decoder, query: &Query) {
        match query {
            Query::Leader(tp)
            | Query::Replicas(tp)
            | Query::Isr(tp)
            | Query::Elr(tp)
            | Query::Epoch(tp)
            | Query::PartitionEpoch(tp)
            | Query::HighWatermark(tp)
            | Query::LogEnd(tp) => self.partition(d, tp),
            Query::HighWatermarkOn(tp, id) | Query::LogEndOn(tp, id) => {
                self.partition(d, tp);
                self.broker(d, *id);
            }
            Query::Partitions(topic) => self.topic(d, topic),
            Query::State(group)
            | Query::Generation(group)
            | Query::Members(group)
            | Query::Coordinator(group)
            | Query::TotalLag(group)
            | Query::Reprocessed(group)
            | Query::Skipped(group) => Self::one_of(d, "group", group, &self.groups),
            Query::Owner(group, tp) | Query::Lag(group, tp) | Query::Committed(group, tp) => {
                Self::one_of(d, "group", group, &self.groups);
                self.partition(d, tp);
            }
            Query::Owned(name) | Query::Processed(name) => {
                Self::one_of(d, "consumer", name, &self.consumers);
            }
            Query::Position(name, tp) => {
                Self::one_of(d, "consumer", name, &self.consumers);
                self.partition(d, tp);
            }
            Query::Sent(name)
            | Query::Acknowledged(name)
            | Query::Failed(name)
            | Query::LastError(name)
            | Query::Lost(name)
            | Query::LostRecords(name)
            | Query::Duplicated(name)
            | Query::Reordered(name) => Self::one_of(d, "producer", name, &self.producers),
            _ => {}
        }
    }
}
