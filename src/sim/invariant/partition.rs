//! What must hold of a partition: its registration, who leads it, its high watermark, its replicas' logs.

use std::collections::BTreeSet;

use super::{Found, Seen};
use crate::sim::broker::{Leading, Replica, Stage};
use crate::sim::cluster::Cluster;
use crate::sim::controller::election::PartitionRegistration;
use crate::sim::node::PartitionId;
use crate::sim::types::{BrokerId, LeaderEpoch, Offset};

/// Checks all of it, the cheap first. `unfenced` are the brokers that the controller has let in at least once.
pub(super) fn check(
    cluster: &Cluster,
    id: PartitionId,
    registration: &PartitionRegistration,
    seen: &mut Seen,
    unfenced: &BTreeSet<BrokerId>,
) -> Found {
    excuse(cluster, registration, seen);
    check_members(registration)?;
    check_fencing(cluster, registration, unfenced)?;
    check_epochs(registration, seen)?;
    check_leaders(cluster, id, registration, seen)?;
    if seen.marked {
        return Ok(());
    }
    check_agreement(cluster, id)
}

/// Notes of whom and of what nothing can be asked.
fn excuse(cluster: &Cluster, registration: &PartitionRegistration, seen: &mut Seen) {
    // Until it has registered anew, a proposal on its way may still bring it into the ISR.
    let comes_back = |id: BrokerId| {
        let stage = cluster.broker(id).map(|broker| broker.stage);
        matches!(stage, Some(Stage::Down | Stage::Registering))
    };
    seen.excused
        .retain(|broker| registration.isr.contains(broker) || comes_back(*broker));
    // A replica that a move took away stays eligible (`PartitionChangeBuilder.maybePopulateTargetElr` looks at the
    // ISR alone). Moved back, it may lead "cleanly" though its log was deleted.
    let replicas = &registration.replicas;
    seen.marked |= registration.elr.iter().any(|id| !replicas.contains(id));
}

/// Leader, ISR, replicas and eligible leader replicas fit together.
fn check_members(registration: &PartitionRegistration) -> Found {
    let PartitionRegistration {
        isr, replicas, elr, ..
    } = registration;
    if let Some(leader) = registration.leader.filter(|leader| !isr.contains(leader)) {
        let detail = format!("leader {leader}, ISR {isr:?}");
        return Err(("the leader is in the ISR", detail));
    }
    if let Some(stranger) = isr.iter().find(|member| !replicas.contains(member)) {
        let detail = format!("{stranger} of {isr:?} is not");
        return Err(("the ISR is among the replicas", detail));
    }
    if let Some(other) = elr.iter().find(|id| isr.contains(id)) {
        let detail = format!("{other} of {elr:?}, ISR {isr:?}");
        return Err(("eligible leader replicas are outside the ISR", detail));
    }
    Ok(())
}

fn check_fencing(
    cluster: &Cluster,
    registration: &PartitionRegistration,
    unfenced: &BTreeSet<BrokerId>,
) -> Found {
    // A cluster begins with its topics made and its brokers still registering.
    let fenced = |id: &BrokerId| {
        let state = cluster.controller().brokers.get(id);
        unfenced.contains(id) && state.is_none_or(|state| state.fenced)
    };
    match registration.leader.filter(fenced) {
        Some(leader) => Err(("a fenced broker leads nothing", format!("broker {leader}"))),
        None => Ok(()),
    }
}

fn check_epochs(registration: &PartitionRegistration, seen: &mut Seen) -> Found {
    let epochs = (registration.leader_epoch, registration.partition_epoch);
    let before = (seen.leader_epoch, seen.partition_epoch);
    if epochs.0 < before.0 || epochs.1 < before.1 {
        return Err(("epochs only grow", format!("{before:?} became {epochs:?}")));
    }
    (seen.leader_epoch, seen.partition_epoch) = epochs;
    Ok(())
}

/// Everybody who believes to lead, each in an epoch of its own.
fn check_leaders(
    cluster: &Cluster,
    id: PartitionId,
    registration: &PartitionRegistration,
    seen: &mut Seen,
) -> Found {
    let mut leaders: Vec<(LeaderEpoch, BrokerId)> = Vec::new();
    let brokers = cluster.brokers().iter();
    for broker in brokers.filter(|broker| broker.stage != Stage::Down) {
        let Some(replica) = broker.replicas.get(id) else {
            continue;
        };
        let Some(leading) = replica.leading() else {
            continue;
        };
        let epoch = leading.state.leader_epoch();
        if let Some((_, other)) = leaders.iter().find(|(known, _)| *known == epoch) {
            let detail = format!("brokers {other} and {} in epoch {epoch}", broker.id);
            return Err(("at most one leader in an epoch", detail));
        }
        leaders.push((epoch, broker.id));
        let leader = Leader {
            broker: broker.id,
            epoch,
            replica,
            leading,
        };
        leader.check_high_watermark(registration, seen)?;
        leader.check_isr(cluster, id, registration, seen)?;
    }
    Ok(())
}

/// A broker that believes to lead.
struct Leader<'a> {
    broker: BrokerId,
    epoch: LeaderEpoch,
    replica: &'a Replica,
    leading: &'a Leading,
}

impl Leader<'_> {
    /// The high watermark is within the log and only grows, and what was ever below one is there.
    fn check_high_watermark(&self, registration: &PartitionRegistration, seen: &mut Seen) -> Found {
        let (broker, epoch) = (self.broker, self.epoch);
        let (high_watermark, end) = (self.replica.high_watermark(), self.replica.log.end());
        if high_watermark > end {
            let detail = format!("{high_watermark} past {end} on broker {broker}");
            return Err(("the high watermark is within the log", detail));
        }
        let current = epoch == registration.leader_epoch;
        if current && !seen.marked && end < seen.promised {
            let promised = seen.promised;
            let detail =
                format!("{promised} was a high watermark, broker {broker} leads and ends at {end}");
            let rule = "what was below a high watermark survives clean elections";
            return Err((rule, detail));
        }
        seen.promised = seen.promised.max(high_watermark);
        if let Some((known, before)) = seen.high_watermarks.insert(broker, (epoch, high_watermark))
            && known == epoch
            && high_watermark < before
        {
            let detail = format!("from {before} to {high_watermark} on broker {broker}");
            return Err(("the high watermark never moves back on one leader", detail));
        }
        Ok(())
    }

    /// ISR members have everything below the leader's high watermark, and the same.
    fn check_isr(
        &self,
        cluster: &Cluster,
        id: PartitionId,
        registration: &PartitionRegistration,
        seen: &Seen,
    ) -> Found {
        // A leader that was replaced may count on members that have moved on with its successor.
        if self.replica.record.leader_epoch != seen.leader_epoch {
            return Ok(());
        }
        let own = self.broker;
        let high_watermark = self.replica.high_watermark();
        for member in self.leading.state.isr() {
            // Members that the controller has put out meanwhile no longer count.
            let counts = registration.isr.contains(member) && !seen.excused.contains(member);
            if *member == own || !counts {
                continue;
            }
            let broker = cluster.broker(*member);
            let Some(replica) = broker.and_then(|broker| broker.replicas.get(id)) else {
                continue;
            };
            let end = replica.log.end();
            if end < high_watermark {
                let detail =
                    format!("{high_watermark}, but broker {member} of the ISR ends at {end}");
                let rule = "the high watermark never passes an ISR member's log end";
                return Err((rule, detail));
            }
            if let Some(offset) = first_difference(self.replica, replica, high_watermark) {
                let detail = format!(
                    "brokers {own} and {member} differ at {offset}, high watermark {high_watermark}"
                );
                return Err(("logs agree below the high watermark", detail));
            }
        }
        Ok(())
    }
}

/// Where nothing was ever lost, any two replicas agree below both their high watermarks.
fn check_agreement(cluster: &Cluster, id: PartitionId) -> Found {
    let replicas: Vec<(BrokerId, &Replica)> = cluster
        .brokers()
        .iter()
        .filter_map(|broker| broker.replicas.get(id).map(|replica| (broker.id, replica)))
        .collect();
    for pair in replicas.windows(2) {
        let [(one, first), (other, second)] = pair else {
            continue;
        };
        let bound = first.high_watermark().min(second.high_watermark());
        if let Some(offset) = first_difference(first, second, bound) {
            let detail = format!("brokers {one} and {other} differ at {offset}");
            return Err(("logs agree below the high watermark", detail));
        }
    }
    Ok(())
}

/// The first offset below `bound` at which two logs hold records of different epochs. Within one epoch there was one
/// leader, so equal epochs mean equal records.
fn first_difference(one: &Replica, other: &Replica, bound: Offset) -> Option<Offset> {
    let starts = one
        .log
        .epochs()
        .entries()
        .iter()
        .chain(other.log.epochs().entries())
        .map(|entry| entry.start_offset);
    let differs = |offset: &Offset| {
        *offset < bound && one.log.epoch_at(*offset) != other.log.epoch_at(*offset)
    };
    starts.filter(differs).min()
}
