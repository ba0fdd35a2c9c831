//! What the assignors promise, on small groups.

use super::*;

fn counts(topics: &[(&str, u32)]) -> PartitionCounts {
    topics
        .iter()
        .map(|&(topic, count)| (topic.into(), count))
        .collect()
}

fn group(members: &[(&str, &[&str])]) -> Subscriptions {
    members
        .iter()
        .map(|&(id, topics)| {
            let subscription = MemberSubscription {
                topics: topics.iter().map(|&topic| topic.into()).collect(),
                ..MemberSubscription::default()
            };
            (id.into(), subscription)
        })
        .collect()
}

fn show(assignment: &Assignment, member: &str) -> String {
    let names: Vec<String> = assignment[member].iter().map(ToString::to_string).collect();
    names.join(" ")
}

#[test]
fn range_skews_over_topics() {
    let result = Assignor::Range.assign(
        &counts(&[("a", 3), ("b", 3)]),
        &group(&[("m1", &["a", "b"]), ("m2", &["a", "b"])]),
    );
    assert_eq!(show(&result, "m1"), "a-0 a-1 b-0 b-1");
    assert_eq!(show(&result, "m2"), "a-2 b-2");
}

#[test]
fn round_robin_passes_over_members_without_the_topic() {
    let result = Assignor::RoundRobin.assign(
        &counts(&[("a", 2), ("b", 3)]),
        &group(&[("m1", &["a", "b"]), ("m2", &["b"])]),
    );
    assert_eq!(show(&result, "m1"), "a-0 a-1 b-1");
    assert_eq!(show(&result, "m2"), "b-0 b-2");
}

#[test]
fn static_members_come_first_and_keep_their_place() {
    let mut members = group(&[("m1", &["a"]), ("m2", &["a"])]);
    members.get_mut("m2").unwrap().group_instance_id = Some("instance".into());
    let result = Assignor::Range.assign(&counts(&[("a", 2)]), &members);
    assert_eq!(show(&result, "m2"), "a-0");
}

#[test]
fn cooperative_sticky_withholds_what_must_move() {
    let counts = counts(&[("a", 4)]);
    let mut members = group(&[("m1", &["a"]), ("m2", &["a"])]);
    let topic: Arc<str> = "a".into();
    let owner = members.get_mut("m1").unwrap();
    owner.owned = (0..4).map(|n| TopicPartition::new(&topic, n)).collect();
    owner.generation = Some(1);
    members.get_mut("m2").unwrap().generation = Some(1);
    let first = Assignor::CooperativeSticky.assign(&counts, &members);
    assert_eq!(show(&first, "m1"), "a-0 a-1");
    assert_eq!(show(&first, "m2"), "");
    members.get_mut("m1").unwrap().owned.truncate(2);
    let second = Assignor::CooperativeSticky.assign(&counts, &members);
    assert_eq!(show(&second, "m2"), "a-2 a-3");
    let eager = Assignor::Sticky.assign(&counts, &members);
    assert_eq!(eager, second);
}

#[test]
fn a_partition_claimed_twice_in_one_generation_is_owned_by_neither() {
    let counts = counts(&[("a", 3)]);
    let mut members = group(&[("m1", &["a"]), ("m2", &["a"]), ("m3", &["a"])]);
    let topic: Arc<str> = "a".into();
    for (id, claims) in [("m1", [0, 1]), ("m2", [0, 2])] {
        let member = members.get_mut(id).unwrap();
        member.owned = claims
            .iter()
            .map(|&n| TopicPartition::new(&topic, n))
            .collect();
        member.generation = Some(7);
    }
    let result = Assignor::Sticky.assign(&counts, &members);
    assert_eq!(show(&result, "m3"), "a-0");
    let cooperative = Assignor::CooperativeSticky.assign(&counts, &members);
    assert_eq!(show(&cooperative, "m3"), "");
}

#[test]
fn unequal_subscriptions_are_balanced_as_far_as_they_allow() {
    let result = Assignor::Sticky.assign(
        &counts(&[("a", 1), ("b", 2), ("c", 3)]),
        &group(&[
            ("m1", &["a"]),
            ("m2", &["a", "b"]),
            ("m3", &["a", "b", "c"]),
        ]),
    );
    assert_eq!(show(&result, "m1"), "a-0");
    assert_eq!(show(&result, "m2"), "b-0 b-1");
    assert_eq!(show(&result, "m3"), "c-0 c-1 c-2");
}

#[test]
fn a_member_is_cooperative_only_if_all_its_assignors_are() {
    assert_eq!(
        member_protocol(&[Assignor::Range, Assignor::CooperativeSticky]),
        RebalanceProtocol::Eager
    );
    assert_eq!(
        member_protocol(&[Assignor::CooperativeSticky]),
        RebalanceProtocol::Cooperative
    );
    assert_eq!(Assignor::from_name("sticky"), Some(Assignor::Sticky));
    assert_eq!(Assignor::from_name("uniform"), None);
}
