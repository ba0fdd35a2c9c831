//! Each topic on its own, in contiguous ranges: with k members and n
//! partitions, n/k each and one more for the first n mod k. Over several
//! topics the same members get the extra ones: skew.

use std::sync::Arc;

use super::{
    Assignment, PartitionCounts, Subscriptions, TopicPartition, dealing_order, empty_assignment,
    subscribed_topics,
};

pub(super) fn assign(counts: &PartitionCounts, subscriptions: &Subscriptions) -> Assignment {
    let order = dealing_order(subscriptions);
    let mut assignment = empty_assignment(subscriptions);
    for (topic, count) in subscribed_topics(counts, subscriptions) {
        let members: Vec<&Arc<str>> = order
            .iter()
            .filter(|(_, member)| member.topics.contains(topic))
            .map(|&(id, _)| id)
            .collect();
        let size = members.len() as u32;
        let (each, extra) = (count / size.max(1), count % size.max(1));
        let mut next = 0;
        for (index, id) in members.into_iter().enumerate() {
            let share = each + u32::from((index as u32) < extra);
            if let Some(mine) = assignment.get_mut(id) {
                mine.extend((next..next + share).map(|number| TopicPartition::new(topic, number)));
            }
            next += share;
        }
    }
    assignment
}
