//! A cluster into the plain values of a view.
//!
//! Kafka's own topics (`__consumer_offsets`) are left out: nobody writes to them by hand.

use crate::sim::{
    broker::{Role, Stage},
    cluster::{Cluster, GroupInfo, Member},
    consumer::Membership,
    ledger::Fates,
    node::{NodeId, NodeName, PartitionId, TopicNames},
    producer::{Activity, is_idempotent},
    settings::Setting,
    types::BrokerId,
};

use super::{
    timeline::Sample,
    view::{
        BrokerState, BrokerView, GroupPartitionView, GroupView, LinkView, MemberView,
        PartitionView, ProducerView, QuorumView, ReplicaView, TopicView, View,
    },
};

/// The state of a group that nobody has asked for yet, or whose coordinator is gone.
pub const NO_COORDINATOR: &str = "no coordinator";

/// What there is to see of a cluster.
pub fn view(cluster: &Cluster) -> View {
    View {
        now: cluster.now(),
        quorum: quorum(cluster),
        brokers: brokers(cluster),
        topics: cluster
            .names()
            .topics
            .iter()
            .filter(|topic| !topic.name.starts_with("__"))
            .map(|names| topic(cluster, names))
            .collect(),
        groups: groups(cluster),
        producers: producers(cluster),
        links: links(cluster),
    }
}

/// What is measured once a second.
pub fn sample(cluster: &Cluster) -> Sample {
    Sample {
        at: cluster.now(),
        lags: groups(cluster)
            .into_iter()
            .flat_map(|group| group.members)
            .map(|member| (member.name, member.lag))
            .collect(),
        acknowledged: producers(cluster)
            .into_iter()
            .map(|producer| (producer.name, producer.acknowledged))
            .collect(),
    }
}

fn quorum(cluster: &Cluster) -> QuorumView {
    let quorum = &cluster.controller().quorum;
    let up = (1..=quorum.voters())
        .filter(|voter| cluster.is_up(NodeId::Controller(*voter)))
        .count();
    QuorumView {
        active: quorum.active(),
        epoch: quorum.epoch(),
        up: up as u32,
        voters: quorum.voters(),
    }
}

fn is_down(cluster: &Cluster, id: BrokerId) -> bool {
    cluster
        .broker(id)
        .is_none_or(|broker| broker.stage == Stage::Down)
}

fn brokers(cluster: &Cluster) -> Vec<BrokerView> {
    let of = |broker: &crate::sim::broker::Broker| {
        let registered = cluster.controller().brokers.get(&broker.id);
        let state = match broker.stage {
            Stage::Down => BrokerState::Down,
            Stage::ShuttingDown => BrokerState::ShuttingDown,
            Stage::Registering | Stage::Starting | Stage::Running
                if registered.is_none_or(|registered| registered.fenced) =>
            {
                BrokerState::Fenced
            }
            Stage::Registering | Stage::Starting | Stage::Running => BrokerState::Up,
        };
        let me = NodeId::Broker(broker.id);
        BrokerView {
            id: broker.id,
            state,
            disk: broker.disk_factor(),
            troubled_link: cluster
                .network()
                .links()
                .any(|(from, to, _)| from == me || to == me),
        }
    };
    cluster.brokers().iter().map(of).collect()
}

fn topic(cluster: &Cluster, names: &TopicNames) -> TopicView {
    let partitions: Vec<PartitionView> = (0..names.partitions.len() as u32)
        .map(|number| partition(cluster, &names.name, number))
        .collect();
    let replication = partitions.first().map_or(0, |p| p.replicas.len() as u32);
    let min_isr = cluster.names().topic(&names.name).map_or(1, |topic| {
        cluster
            .controller()
            .topic_setting(topic, Setting::MinInsyncReplicas)
    });
    TopicView {
        name: names.name.to_string(),
        replication,
        // what is above the number of replicas counts as that number
        min_isr: (min_isr as u32).min(replication),
        partitions,
    }
}

fn partition(cluster: &Cluster, topic: &str, number: u32) -> PartitionView {
    let Some(seen) = cluster.partition(topic, number) else {
        return PartitionView::default();
    };
    let registration = seen.registration();
    let replicas = registration.map_or(&[][..], |registration| &registration.replicas);
    let of = |broker: &BrokerId| {
        let up = !is_down(cluster, *broker);
        let (log_end, high_watermark, leads) =
            seen.replica(*broker).map_or((0, 0, false), |copy| {
                let leads = up && matches!(copy.role, Role::Leader(_));
                (copy.log.end(), copy.high_watermark(), leads)
            });
        ReplicaView {
            broker: *broker,
            log_end,
            high_watermark,
            leads,
            up,
        }
    };
    PartitionView {
        partition: number,
        leader: seen.leader(),
        epoch: seen.leader_epoch(),
        isr: seen.isr(),
        elr: registration.map_or_else(Vec::new, |registration| registration.elr.clone()),
        high_watermark: seen.high_watermark(),
        replicas: replicas.iter().map(of).collect(),
    }
}

fn producers(cluster: &Cluster) -> Vec<ProducerView> {
    let mut views = Vec::new();
    for (index, producer) in (0u32..).zip(cluster.producers()) {
        let nothing = Fates::default();
        let fates = cluster.ledger().producer(index).unwrap_or(&nothing);
        let state = match producer.activity {
            _ if producer.is_blocked() => "blocked",
            Activity::Making => "running",
            Activity::Stopped => "stopped",
            Activity::Down => "down",
        };
        let topic = cluster.names().topics.get(producer.topic.0 as usize);
        let acks = producer.settings.get(Setting::Acks);
        views.push(ProducerView {
            name: producer.name.to_string(),
            state: state.to_owned(),
            topic: topic.map_or_else(String::new, |topic| topic.name.to_string()),
            acks: Setting::Acks.show(acks),
            idempotent: is_idempotent(&producer.settings),
            rate: producer.rate(),
            in_flight: producer.requests_in_flight() as u32,
            made: producer.made,
            acknowledged: fates.acknowledged.len(),
            failed: fates.failed.len(),
            lost: fates.lost.len(),
            duplicated: fates.duplicated.len(),
            reordered: fates.reordered.len(),
            error: producer.failing().map(|error| error.name().to_owned()),
        });
    }
    views
}

fn groups(cluster: &Cluster) -> Vec<GroupView> {
    let of = |(place, info): (usize, &GroupInfo)| {
        let known = cluster.group(&info.name);
        let name = |partition: &PartitionId| cluster.names().tp(*partition).to_string();
        let members = cluster
            .consumers()
            .iter()
            .zip(0u32..)
            .filter(|(member, _)| member.group == place)
            .map(|(member, index)| self::member(cluster, &info.name, member, index))
            .collect();
        GroupView {
            name: info.name.to_string(),
            state: known.map_or_else(
                || NO_COORDINATOR.to_owned(),
                |(group, _)| group.state.to_string(),
            ),
            generation: known.map_or(0, |(group, _)| group.generation),
            assignor: known
                .and_then(|(group, _)| group.protocol.as_deref())
                .unwrap_or_default()
                .to_owned(),
            coordinator: known.map(|(_, broker)| broker),
            joined: known.map_or(0, |(group, _)| group.members.len()),
            members,
            partitions: cluster
                .partitions_of_group(&info.name)
                .iter()
                .map(|partition| GroupPartitionView {
                    name: name(partition),
                    committed: cluster.committed(&info.name, *partition),
                    lag: cluster.lag(&info.name, *partition),
                })
                .collect(),
        }
    };
    cluster.groups().iter().enumerate().map(of).collect()
}

fn member(cluster: &Cluster, group: &str, member: &Member, index: u32) -> MemberView {
    let consumer = &member.consumer;
    let owned: Vec<PartitionId> = consumer.assignment().collect();
    let known = cluster.group(group);
    let thrown_out =
        known.is_some_and(|(group, _)| !group.members.contains_key(consumer.member_id()));
    let out = thrown_out && !owned.is_empty();
    // the lag of what another owns is not its own
    let lags: Vec<u64> = owned
        .iter()
        .filter(|_| !out)
        .filter_map(|partition| cluster.lag(group, *partition))
        .collect();
    let node = NodeId::Consumer(index);
    let state = match consumer.membership() {
        _ if !cluster.is_up(node) || !consumer.is_on() => "stopped",
        _ if cluster.is_frozen(node) => "frozen",
        _ if out => "out",
        Membership::Failed => "failed",
        Membership::Unjoined | Membership::CommittingFirst | Membership::Joining => "joining",
        Membership::Syncing => "syncing",
        Membership::Stable => "reading",
    };
    MemberView {
        name: consumer.config().name.to_string(),
        state: state.to_owned(),
        instance: consumer
            .config()
            .group_instance_id
            .as_ref()
            .map(ToString::to_string),
        lag: (!lags.is_empty()).then(|| lags.iter().sum()),
        out,
        owned: owned
            .iter()
            .map(|partition| cluster.names().tp(*partition).to_string())
            .collect(),
        processed: consumer.finished(),
    }
}

fn links(cluster: &Cluster) -> Vec<LinkView> {
    let name = |node: NodeId| match cluster.names().node(node) {
        NodeName::Producer(name) | NodeName::Consumer(name) => name.to_string(),
        NodeName::Broker(id) => format!("b{id}"),
        NodeName::Controller(id) => format!("controller {id}"),
    };
    cluster
        .network()
        .links()
        .map(|(from, to, link)| LinkView {
            from: name(from),
            to: name(to),
            slower: (!link.cut).then_some(link.extra),
        })
        .collect()
}
