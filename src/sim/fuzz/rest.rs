//! Mending everything after the faults, and looking whether the cluster comes to rest.

use crate::sim::cluster::Cluster;
use crate::sim::command::Command;
use crate::sim::group::state::GroupState;
use crate::sim::invariant::Broken;
use crate::sim::node::{NodeId, PartitionId};
use crate::sim::settings::Setting;
use crate::sim::types::Offset;

/// Mends everything: links, disks, processes. Producers stop, so that the logs can come to rest.
pub(super) fn mend(cluster: &mut Cluster) {
    let mut give = |text: String| {
        if let Ok(command) = text.parse::<Command>() {
            let _ = cluster.apply(command);
        }
    };
    give("heal all".to_owned());
    give("lose 0% of messages".to_owned());
    keep_isr_still(cluster);
    start_all(cluster);
}

/// Followers must not wait longer for records than they may lag: of quiet partitions they would leave the ISR and come
/// back without end, as Kafka's documentation of `replica.fetch.wait.max.ms` warns.
fn keep_isr_still(cluster: &mut Cluster) {
    let all = |setting| {
        let brokers = cluster.brokers().iter();
        brokers.map(move |broker| broker.settings.get(setting))
    };
    let waits = all(Setting::ReplicaFetchWaitMax).max();
    let lags = all(Setting::ReplicaLagTimeMax).min();
    if waits < lags {
        return;
    }
    for setting in [
        "replica.fetch.wait.max.ms=500",
        "replica.lag.time.max.ms=5000",
    ] {
        if let Ok(command) = format!("set brokers {setting}").parse::<Command>() {
            let _ = cluster.apply(command);
        }
    }
}

/// A consumer that was fenced or failed does nothing more until somebody starts it anew.
fn failed(cluster: &Cluster) -> Vec<String> {
    cluster
        .consumers()
        .iter()
        .filter(|member| member.consumer.membership() == crate::sim::consumer::Membership::Failed)
        .map(|member| format!("restart consumer {}", member.consumer.config().name))
        .collect()
}

/// Starts the consumers that have failed meanwhile: a coordinator that an operator chose may know older members.
pub(super) fn restart_failed(cluster: &mut Cluster) {
    for text in failed(cluster) {
        if let Ok(command) = text.parse::<Command>() {
            let _ = cluster.apply(command);
        }
    }
}

/// Starts whatever does not run, but no producer makes records any more.
pub(super) fn start_all(cluster: &mut Cluster) {
    let spec = cluster.spec().clone();
    let consumers = cluster.names().consumers.clone();
    let brokers = (1..=spec.brokers).flat_map(|id| {
        [
            format!("slow disk of broker {id} by 1"),
            format!("restart broker {id}"),
        ]
    });
    let controllers = (1..=spec.controllers).map(|id| format!("restart controller {id}"));
    let producers = spec.producers.iter().flat_map(|producer| {
        [
            format!("resume producer {}", producer.name),
            format!("stop producer {}", producer.name),
        ]
    });
    let consumers = consumers.iter().flat_map(|name| {
        [
            format!("slow consumer {name} by 1"),
            format!("processing time of consumer {name} 1ms"),
            format!("failure rate of consumer {name} 0%"),
            format!("resume consumer {name}"),
            format!("start consumer {name}"),
        ]
    });
    let all: Vec<String> = brokers
        .chain(controllers)
        .chain(producers)
        .chain(consumers)
        .chain(failed(cluster))
        .collect();
    for text in all {
        if let Ok(command) = text.parse::<Command>() {
            let _ = cluster.apply(command);
        }
    }
}

/// Changing `min.insync.replicas` clears the eligible leader replicas, and moving a partition can leave only some that are
/// no replicas any more (`maybePopulateTargetElr` does not look); if nobody was in sync then, nobody is left that may
/// lead, and an operator must choose.
pub(super) fn choose_leaders(cluster: &mut Cluster) {
    for index in 0..cluster.controller().partitions.len() as u32 {
        let view = cluster.partition_by_id(PartitionId(index));
        let hopeless = view.registration().is_some_and(|found| {
            let mut may_lead = found.isr.iter().chain(&found.elr);
            let last = found.elr.is_empty() && !found.last_known_elr.is_empty();
            let nobody = !last && !may_lead.any(|id| found.replicas.contains(id));
            found.leader.is_none() && nobody
        });
        if hopeless {
            let partition = cluster.names().tp(view.id);
            let _ = cluster.apply(Command::ElectUnclean { partition });
        }
    }
}

/// Where each partition's log ends now.
pub(super) fn log_ends(cluster: &Cluster) -> Vec<Option<Offset>> {
    (0..cluster.controller().partitions.len() as u32)
        .map(|index| cluster.partition_by_id(PartitionId(index)).log_end())
        .collect()
}

/// What has not come to rest although everything is mended; the logs ended at `written` a moment ago.
pub(super) fn unrest(cluster: &Cluster, written: &[Option<Offset>]) -> Vec<Broken> {
    let mut found = Vec::new();
    let mut note = |detail: String| {
        found.push(Broken {
            time: cluster.now(),
            invariant: "a mended cluster comes to rest",
            detail,
        });
    };
    for broker in cluster
        .brokers()
        .iter()
        .filter(|broker| !cluster.is_up(NodeId::Broker(broker.id)))
    {
        // A broker that was shutting down when the rest was mended has only now stopped.
        note(format!("broker {} does not run", broker.id));
    }
    for index in 0..cluster.controller().partitions.len() as u32 {
        let view = cluster.partition_by_id(PartitionId(index));
        let Some(registration) = view.registration() else {
            continue;
        };
        let tp = cluster.names().tp(view.id);
        if registration.leader.is_none() {
            note(format!(
                "{tp} has no leader (ISR {:?}, ELR {:?})",
                registration.isr, registration.elr
            ));
        } else if registration.isr.len() != registration.replicas.len() {
            note(format!(
                "ISR of {tp} is {:?} of {:?}",
                registration.isr, registration.replicas
            ));
        } else if view.leading().is_none() {
            note(format!(
                "broker {:?} does not know that it leads {tp}",
                registration.leader
            ));
        } else if view.high_watermark() < written.get(index as usize).copied().flatten() {
            note(format!(
                "the high watermark of {tp} is {:?}, its log end {:?}",
                view.high_watermark(),
                view.log_end()
            ));
        }
    }
    for (place, group) in cluster.groups().iter().enumerate() {
        let state = cluster.group(&group.name).map(|(found, _)| found.state);
        let mut members = cluster
            .consumers()
            .iter()
            .filter(|member| member.group == place);
        // Who tries a poisoned record for ever never calls poll() again and leaves the group by
        // max.poll.interval.ms, as in Kafka.
        let poisoned = members
            .clone()
            .any(|member| !member.consumer.config().poison.is_empty());
        if state != Some(GroupState::Stable)
            && !poisoned
            && members.any(|member| member.consumer.is_on())
        {
            note(format!("group {} is {state:?}", group.name));
        }
    }
    found
}
