//! The answers to queries.

use std::sync::Arc;

use super::{Cluster, PartitionView};
use crate::sim::broker::OFFSETS_TOPIC;
use crate::sim::controller::election::PartitionRegistration;
use crate::sim::event::{EventId, What};
use crate::sim::ledger::Fates;
use crate::sim::node::{NodeId, PartitionId, Tp};
use crate::sim::query::{Observe, Query, QueryError, Value};
use crate::sim::ranges::Ranges;
use crate::sim::settings::Setting;
use crate::sim::types::BrokerId;

/// How many lost records a query names one by one.
const NAMED: usize = 1000;

fn number(value: Option<u64>) -> Value {
    value.map_or(Value::None, |value| Value::Number(value as i64))
}

fn unknown(value: Option<u64>) -> Value {
    value.map_or(Value::Unknown, |value| Value::Number(value as i64))
}

fn count(ranges: &Ranges) -> Value {
    Value::Number(ranges.len() as i64)
}

impl Cluster {
    fn view(&self, tp: &Tp) -> Result<PartitionView<'_>, QueryError> {
        self.partition(&tp.topic, tp.partition).ok_or_else(|| {
            let topic = self.names().topic(&tp.topic);
            let partitions = topic.map(|topic| self.names().partitions_of(topic));
            let known = match partitions {
                Some(ids) => ids
                    .iter()
                    .map(|id| self.names().tp(*id).to_string())
                    .collect(),
                None => self
                    .names()
                    .topics
                    .iter()
                    .map(|topic| format!("{}-0", topic.name))
                    .collect(),
            };
            QueryError::Missing {
                kind: "partition",
                name: tp.to_string(),
                known,
            }
        })
    }

    fn registration(&self, tp: &Tp) -> Result<PartitionRegistration, QueryError> {
        Ok(self.view(tp)?.registration().cloned().unwrap_or_default())
    }

    fn on(
        &self,
        tp: &Tp,
        broker: BrokerId,
    ) -> Result<Option<&crate::sim::broker::Replica>, QueryError> {
        let view = self.view(tp)?;
        if self.broker(broker).is_none() {
            let known = self
                .brokers()
                .iter()
                .map(|broker| broker.id.to_string())
                .collect();
            return Err(QueryError::Missing {
                kind: "broker",
                name: broker.to_string(),
                known,
            });
        }
        Ok(view.replica(broker))
    }

    fn fates(&self, name: &str) -> Result<(&Fates, u32), QueryError> {
        let index = self
            .producers()
            .iter()
            .position(|producer| &*producer.name == name);
        let found =
            index.and_then(|index| Some((self.ledger().producer(index as u32)?, index as u32)));
        found.ok_or_else(|| QueryError::Missing {
            kind: "producer",
            name: name.to_owned(),
            known: self
                .producers()
                .iter()
                .map(|producer| producer.name.to_string())
                .collect(),
        })
    }

    fn member(&self, name: &str) -> Result<&super::Member, QueryError> {
        self.consumers()
            .iter()
            .find(|member| &*member.consumer.config().name == name)
            .ok_or_else(|| {
                let known = self
                    .names()
                    .consumers
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                QueryError::Missing {
                    kind: "consumer",
                    name: name.to_owned(),
                    known,
                }
            })
    }

    fn info(&self, name: &str) -> Result<&super::GroupInfo, QueryError> {
        self.groups()
            .iter()
            .find(|info| &*info.name == name)
            .ok_or_else(|| QueryError::Missing {
                kind: "group",
                name: name.to_owned(),
                known: self
                    .groups()
                    .iter()
                    .map(|info| info.name.to_string())
                    .collect(),
            })
    }

    /// How many partitions of the users' topics fit.
    fn count_partitions(
        &self,
        fits: impl Fn(PartitionId, &PartitionRegistration) -> bool,
    ) -> Value {
        let all = (0u32..).map(PartitionId).zip(&self.controller().partitions);
        let own = |id: &PartitionId| {
            let topic = self
                .names()
                .partitions
                .get(id.0 as usize)
                .map(|(topic, _)| topic.0 as usize);
            topic
                .and_then(|topic| self.names().topics.get(topic))
                .is_some_and(|topic| &*topic.name != OFFSETS_TOPIC)
        };
        Value::Number(
            all.filter(|(id, found)| own(id) && fits(*id, found))
                .count() as i64,
        )
    }

    fn under_min_isr(&self, id: PartitionId, found: &PartitionRegistration) -> bool {
        let topic = self
            .names()
            .partitions
            .get(id.0 as usize)
            .map(|(topic, _)| *topic);
        let min = topic.map_or(1, |topic| {
            self.controller()
                .topic_setting(topic, Setting::MinInsyncReplicas)
        });
        found.isr.len()
            < crate::sim::broker::partition_state::effective_min_isr(
                min as u32,
                found.replicas.len(),
            )
    }

    fn lost_records(&self, name: &str) -> Result<Value, QueryError> {
        let (fates, index) = self.fates(name)?;
        let place = |record: u64| -> Arc<str> {
            match self.ledger().place_of_loss(index, record) {
                Some((partition, offset)) => {
                    format!("{}@{offset}", self.names().tp(partition)).into()
                }
                None => format!("{name}#{record}").into(),
            }
        };
        Ok(Value::Words(
            fates.lost.iter().take(NAMED).map(place).collect(),
        ))
    }

    fn observe_group(&self, query: &Query) -> Result<Value, QueryError> {
        Ok(match query {
            Query::State(name) => {
                self.info(name)?;
                self.group(name).map_or(Value::None, |(group, _)| {
                    Value::Word(group.state.to_string().into())
                })
            }
            Query::Generation(name) => {
                self.info(name)?;
                self.group(name).map_or(Value::None, |(group, _)| {
                    Value::Number(group.generation.into())
                })
            }
            Query::Members(name) => {
                self.info(name)?;
                let members = |(group, _): (&crate::sim::group::state::Group, _)| {
                    group
                        .members
                        .values()
                        .map(|member| Arc::clone(&member.client))
                        .collect()
                };
                Value::Words(self.group(name).map(members).unwrap_or_default())
            }
            Query::Coordinator(name) => {
                self.info(name)?;
                let partition = crate::sim::broker::groups::group_partition(name, self.names());
                number(
                    partition
                        .and_then(|id| self.partition_by_id(id).leader())
                        .map(u64::from),
                )
            }
            Query::Owner(name, tp) => {
                let id = self.view(tp)?.id;
                let owner = self
                    .info(name)?
                    .progress
                    .partition(id)
                    .and_then(|progress| progress.owner.as_ref());
                owner.map_or(Value::None, |owner| {
                    Value::Word(Arc::clone(&owner.consumer))
                })
            }
            Query::Lag(name, tp) => {
                self.info(name)?;
                unknown(self.lag(name, self.view(tp)?.id))
            }
            Query::TotalLag(name) => {
                self.info(name)?;
                let lags = self
                    .partitions_of_group(name)
                    .into_iter()
                    .filter_map(|id| self.lag(name, id));
                unknown(lags.reduce(|sum, lag| sum + lag))
            }
            Query::Committed(name, tp) => {
                self.info(name)?;
                unknown(self.committed(name, self.view(tp)?.id))
            }
            Query::Reprocessed(name) => {
                Value::Number(self.info(name)?.progress.reprocessed() as i64)
            }
            Query::Skipped(name) => {
                self.info(name)?;
                Value::Number(self.skipped(name) as i64)
            }
            Query::Owned(name) => {
                let owned = self.member(name)?.consumer.assignment();
                Value::Words(
                    owned
                        .map(|id| self.names().tp(id).to_string().into())
                        .collect(),
                )
            }
            Query::Position(name, tp) => {
                let id = self.view(tp)?.id;
                number(self.member(name)?.consumer.position(id))
            }
            Query::Processed(name) => Value::Number(self.member(name)?.consumer.finished() as i64),
            _ => Value::None,
        })
    }

    fn observe_producer(&self, query: &Query) -> Result<Value, QueryError> {
        Ok(match query {
            Query::Sent(name) => Value::Number(self.fates(name)?.0.made as i64),
            Query::Acknowledged(name) => count(&self.fates(name)?.0.acknowledged),
            Query::Failed(name) => count(&self.fates(name)?.0.failed),
            Query::LastError(name) => {
                let error = self.fates(name)?.0.last_error;
                error.map_or(Value::None, |error| Value::Word(error.name().into()))
            }
            Query::Lost(name) => count(&self.fates(name)?.0.lost),
            Query::LostRecords(name) => self.lost_records(name)?,
            Query::Duplicated(name) => count(&self.fates(name)?.0.duplicated),
            Query::Reordered(name) => count(&self.fates(name)?.0.reordered),
            _ => return self.observe_group(query),
        })
    }
}

impl Observe for Cluster {
    fn observe(&self, query: &Query) -> Result<Value, QueryError> {
        Ok(match query {
            Query::Leader(tp) => number(self.view(tp)?.leader().map(u64::from)),
            Query::Replicas(tp) => Value::List(self.registration(tp)?.replicas),
            Query::Isr(tp) => Value::Set(self.registration(tp)?.isr.into_iter().collect()),
            Query::Elr(tp) => Value::Set(self.registration(tp)?.elr.into_iter().collect()),
            Query::Epoch(tp) => Value::Number(self.registration(tp)?.leader_epoch.into()),
            Query::PartitionEpoch(tp) => {
                Value::Number(self.registration(tp)?.partition_epoch.into())
            }
            Query::HighWatermark(tp) => number(self.view(tp)?.high_watermark()),
            Query::HighWatermarkOn(tp, id) => number(
                self.on(tp, *id)?
                    .map(crate::sim::broker::Replica::high_watermark),
            ),
            Query::LogEnd(tp) => number(self.view(tp)?.log_end()),
            Query::LogEndOn(tp, id) => number(self.on(tp, *id)?.map(|replica| replica.log.end())),
            Query::Partitions(name) => {
                let topic = self
                    .names()
                    .topic(name)
                    .ok_or_else(|| QueryError::Missing {
                        kind: "topic",
                        name: name.to_string(),
                        known: self
                            .names()
                            .topics
                            .iter()
                            .map(|topic| topic.name.to_string())
                            .collect(),
                    })?;
                Value::Number(self.names().partitions_of(topic).len() as i64)
            }
            Query::UnderReplicated => {
                self.count_partitions(|_, found| found.isr.len() < found.replicas.len())
            }
            Query::UnderMinIsr => self.count_partitions(|id, found| self.under_min_isr(id, found)),
            Query::Offline => self.count_partitions(|_, found| found.leader.is_none()),
            Query::BrokersUp => {
                let up = |id: &BrokerId| self.is_up(NodeId::Broker(*id));
                Value::Set(
                    self.brokers()
                        .iter()
                        .map(|broker| broker.id)
                        .filter(up)
                        .collect(),
                )
            }
            Query::Fenced => {
                let fenced = self
                    .controller()
                    .brokers
                    .iter()
                    .filter(|(_, state)| state.fenced);
                Value::Set(fenced.map(|(id, _)| *id).collect())
            }
            Query::Controller => number(self.controller().quorum.active().map(u64::from)),
            Query::Events(name) => {
                let named = |what: &What| what.name() == &**name;
                let count = self
                    .events_since(EventId(0))
                    .filter(|event| named(&event.what))
                    .count();
                Value::Number(count as i64)
            }
            _ => self.observe_producer(query)?,
        })
    }
}
