//! Cases on the client-side assignors: the exact answer, or where several are
//! right the properties every right answer has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{Bad, Checks, Outcome, parse};
use crate::sim::group::assignors::{
    Assignment, Assignor, MemberSubscription, PartitionCounts, Subscriptions, TopicPartition,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct Case {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    assignor: String,
    partitions_per_topic: BTreeMap<String, i64>,
    members: BTreeMap<String, Member>,
    subscriptions_equal: Option<bool>,
    compare: Compare,
    withheld_for_revocation: Option<usize>,
    #[serde(default)]
    properties: Vec<String>,
    kept_partitions: Option<BTreeMap<String, Vec<String>>>,
    kafka_result: Option<BTreeMap<String, Vec<String>>>,
    kafka_result_lexical_member_order: Option<BTreeMap<String, Vec<String>>>,
    expect_error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    topics: Vec<String>,
    #[serde(default)]
    owned: Vec<String>,
    generation: Option<i32>,
    group_instance_id: Option<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Compare {
    ExactSets,
    ExactSetsEither,
    PropertiesOnly,
}

type Sets = BTreeMap<String, BTreeSet<String>>;

pub(super) fn run(value: &Value) -> Result<Outcome, Bad> {
    let name = value
        .get("assignor")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if name.starts_with("server-") {
        return Ok(Outcome::Skipped(
            "needs the KIP-848 consumer group protocol (server-side assignors)".to_owned(),
        ));
    }
    let case: Case = parse(value)?;
    let assignor = Assignor::from_name(&case.assignor)
        .ok_or_else(|| Bad(format!("unknown assignor `{}`", case.assignor)))?;
    let counts = counts(&case)?;
    let subscriptions = subscriptions(&case)?;
    let result = assignor.assign(&counts, &subscriptions);
    let mut checks = Checks::default();
    compare(&case, &result, &mut checks)?;
    let mut group = Group {
        assignor,
        counts,
        subscriptions,
        result,
    };
    group.check_all(&case.properties, &mut checks)?;
    if !checks.problems.is_empty()
        && let Some(wanted) = &case.kafka_result
    {
        group.result = assignment(wanted)?;
        let mut kafkas = Checks::default();
        group.check_all(&case.properties, &mut kafkas)?;
        if let Some(broken) = kafkas.problems.first() {
            return Ok(Outcome::Disputed(format!(
                "Kafka's own answer, the case's kafka_result, breaks a property the case lists: {broken}"
            )));
        }
    }
    Ok(checks.outcome())
}

fn assignment(from: &BTreeMap<String, Vec<String>>) -> Result<Assignment, Bad> {
    from.iter()
        .map(|(member, held)| {
            let held: Result<Vec<_>, Bad> = held.iter().map(|name| partition(name)).collect();
            Ok((Arc::from(member.as_str()), held?))
        })
        .collect()
}

fn compare(case: &Case, result: &Assignment, checks: &mut Checks) -> Result<(), Bad> {
    if case.compare == Compare::PropertiesOnly {
        return Ok(());
    }
    let wanted = case
        .kafka_result
        .as_ref()
        .ok_or_else(|| Bad("an exact comparison needs `kafka_result`".to_owned()))?;
    let (wanted, found) = (sets(wanted), show(result));
    if case.compare == Compare::ExactSetsEither
        && let Some(lexical) = &case.kafka_result_lexical_member_order
        && sets(lexical) == found
    {
        return Ok(());
    }
    checks.same("assignment", &wanted, &found);
    Ok(())
}

fn counts(case: &Case) -> Result<PartitionCounts, Bad> {
    case.partitions_per_topic
        .iter()
        .map(|(topic, &count)| {
            let count = u32::try_from(count)
                .map_err(|_| Bad(format!("topic {topic} cannot have {count} partitions")))?;
            Ok((Arc::from(topic.as_str()), count))
        })
        .collect()
}

fn subscriptions(case: &Case) -> Result<Subscriptions, Bad> {
    case.members
        .iter()
        .map(|(id, member)| {
            let owned: Result<Vec<_>, Bad> =
                member.owned.iter().map(|name| partition(name)).collect();
            let subscription = MemberSubscription {
                topics: member
                    .topics
                    .iter()
                    .map(|topic| Arc::from(topic.as_str()))
                    .collect(),
                owned: owned?,
                generation: member.generation,
                group_instance_id: member.group_instance_id.as_deref().map(Arc::from),
            };
            Ok((Arc::from(id.as_str()), subscription))
        })
        .collect()
}

fn partition(name: &str) -> Result<TopicPartition, Bad> {
    name.rsplit_once('-')
        .and_then(|(topic, number)| {
            Some(TopicPartition {
                topic: Arc::from(topic),
                partition: number.parse().ok()?,
            })
        })
        .ok_or_else(|| Bad(format!("`{name}` is no partition (topic-number)")))
}

fn sets(from: &BTreeMap<String, Vec<String>>) -> Sets {
    from.iter()
        .map(|(member, held)| (member.clone(), held.iter().cloned().collect()))
        .collect()
}

fn show(assignment: &Assignment) -> Sets {
    assignment
        .iter()
        .map(|(member, held)| {
            (
                member.to_string(),
                held.iter().map(ToString::to_string).collect(),
            )
        })
        .collect()
}

struct Group {
    assignor: Assignor,
    counts: PartitionCounts,
    subscriptions: Subscriptions,
    result: Assignment,
}

impl Group {
    fn check_all(&self, properties: &[String], checks: &mut Checks) -> Result<(), Bad> {
        properties
            .iter()
            .try_for_each(|property| self.check(property, checks))
    }

    fn check(&self, property: &str, checks: &mut Checks) -> Result<(), Bad> {
        let name = property.split(':').next().unwrap_or(property);
        let holds = match name {
            "no_duplicates" => Self::no_duplicates(&self.result),
            "subscribed_only" => self.subscribed_only(),
            "complete" => self.complete(&self.result),
            "complete_after_followup_rebalance" => self.complete(&self.settled()),
            "sizes_differ_by_at_most_1_after_all_rebalances" => {
                let settled = self.settled();
                let sizes = settled.values().map(Vec::len);
                sizes.clone().max().unwrap_or(0) <= sizes.min().unwrap_or(0) + 1
            }
            "never_assign_partition_still_claimed_by_another_current_generation_member" => {
                self.nothing_taken_from_a_current_owner()
            }
            "no_pair_can_improve_balance" => self.no_pair_can_improve(&self.settled()),
            other => return Err(Bad(format!("unknown property `{other}`"))),
        };
        checks.holds(property, holds);
        Ok(())
    }

    /// The assignment once every member has given up what it must and joined
    /// again, as often as it takes.
    fn settled(&self) -> Assignment {
        let mut result = self.result.clone();
        let mut subscriptions = self.subscriptions.clone();
        let newest = subscriptions
            .values()
            .filter_map(|member| member.generation)
            .max();
        for round in 1..=10 {
            for (id, member) in &mut subscriptions {
                member.owned = result.get(id).cloned().unwrap_or_default();
                member.generation = Some(newest.unwrap_or(0) + round);
            }
            let next = self.assignor.assign(&self.counts, &subscriptions);
            if show(&next) == show(&result) {
                break;
            }
            result = next;
        }
        result
    }

    fn no_duplicates(assignment: &Assignment) -> bool {
        let mut seen = BTreeSet::new();
        assignment
            .values()
            .flatten()
            .all(|partition| seen.insert(partition))
    }

    fn subscribed_only(&self) -> bool {
        self.result.iter().all(|(id, held)| {
            held.iter().all(|partition| {
                let exists = self
                    .counts
                    .get(&partition.topic)
                    .is_some_and(|&count| partition.partition < count);
                exists
                    && self
                        .subscriptions
                        .get(id)
                        .is_some_and(|member| member.topics.contains(&partition.topic))
            })
        })
    }

    fn complete(&self, assignment: &Assignment) -> bool {
        let held: BTreeSet<&TopicPartition> = assignment.values().flatten().collect();
        self.counts.iter().all(|(topic, &count)| {
            let wanted = self
                .subscriptions
                .values()
                .any(|member| member.topics.contains(topic));
            !wanted || (0..count).all(|number| held.contains(&TopicPartition::new(topic, number)))
        })
    }

    /// Nobody is newly given a partition that another member of the current
    /// generation still has. (A member that itself claims the partition keeps
    /// it: then nothing is handed over, and Kafka does so too.)
    fn nothing_taken_from_a_current_owner(&self) -> bool {
        let generation = |member: &MemberSubscription| member.generation.unwrap_or(-1);
        let newest = self
            .subscriptions
            .values()
            .map(generation)
            .max()
            .unwrap_or(-1);
        self.result.iter().all(|(id, held)| {
            let claimed = self
                .subscriptions
                .get(id)
                .map_or(&[][..], |member| &member.owned);
            held.iter()
                .filter(|partition| !claimed.contains(partition))
                .all(|partition| {
                    !self
                        .subscriptions
                        .values()
                        .any(|other| generation(other) == newest && other.owned.contains(partition))
                })
        })
    }

    fn no_pair_can_improve(&self, assignment: &Assignment) -> bool {
        assignment.values().all(|more| {
            assignment.iter().all(|(id, fewer)| {
                more.len() <= fewer.len() + 1
                    || self.subscriptions.get(id).is_some_and(|member| {
                        !more
                            .iter()
                            .any(|partition| member.topics.contains(&partition.topic))
                    })
            })
        })
    }
}
