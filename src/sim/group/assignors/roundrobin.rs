//! All partitions of all topics, sorted, dealt in turn; a member that does not
//! subscribe to a topic is passed over.

use super::{
    Assignment, PartitionCounts, Subscriptions, TopicPartition, dealing_order, empty_assignment,
    subscribed_topics,
};

pub(super) fn assign(counts: &PartitionCounts, subscriptions: &Subscriptions) -> Assignment {
    let order = dealing_order(subscriptions);
    let mut assignment = empty_assignment(subscriptions);
    let mut turn = 0;
    for (topic, count) in subscribed_topics(counts, subscriptions) {
        for number in 0..count {
            // Somebody subscribes to it, so one round finds a member.
            for _ in 0..order.len() {
                let (id, member) = order[turn];
                turn = (turn + 1) % order.len();
                if member.topics.contains(topic) {
                    if let Some(mine) = assignment.get_mut(id) {
                        mine.push(TopicPartition::new(topic, number));
                    }
                    break;
                }
            }
        }
    }
    assignment
}
