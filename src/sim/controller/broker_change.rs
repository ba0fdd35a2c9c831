//! What happens to a partition when a broker comes, goes or loses data.
//!
//! Source: `ReplicationControlManager.generateLeaderAndIsrUpdates` and its
//! callers `handleBrokerFenced`, `handleBrokerUnfenced`,
//! `handleBrokerInControlledShutdown`, `handleUncleanBrokerShutdown`.

use crate::sim::types::BrokerId;

use super::election::{Changed, Election, ElectionConfig, PartitionChange, PartitionRegistration};

/// What became of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerChange {
    /// Fenced, unregistered or in controlled shutdown: it may neither lead nor
    /// be in sync.
    Gone(BrokerId),
    /// Unfenced: it may lead again.
    Back(BrokerId),
    /// Registered after an unclean shutdown: nobody knows what it still has
    /// (KIP-966).
    UncleanShutdown(BrokerId),
}

impl BrokerChange {
    /// Whether a partition with this registration has to be looked at.
    pub fn concerns(self, partition: &PartitionRegistration) -> bool {
        match self {
            BrokerChange::Gone(id) => partition.isr.contains(&id),
            BrokerChange::Back(_) => partition.leader.is_none(),
            BrokerChange::UncleanShutdown(id) => {
                partition.isr.contains(&id) || partition.elr.contains(&id)
            }
        }
    }
}

/// The partition's new registration, if it changes. `active` says which
/// brokers are registered, unfenced and not shutting down;
/// `unclean_election` whether the topic allows it.
pub fn apply(
    change: BrokerChange,
    partition: &PartitionRegistration,
    config: ElectionConfig,
    unclean_election: bool,
    active: impl Fn(BrokerId) -> bool,
) -> Option<Changed> {
    if !change.concerns(partition) {
        return None;
    }
    let acceptable = |id: BrokerId| match change {
        BrokerChange::Gone(other) | BrokerChange::UncleanShutdown(other) => {
            id != other && active(id)
        }
        BrokerChange::Back(other) => id == other || active(id),
    };
    let mut builder = PartitionChange::new(partition, config, acceptable);
    if unclean_election {
        builder = builder.election(Election::Unclean);
    }
    let without = |gone: BrokerId| {
        partition
            .isr
            .iter()
            .copied()
            .filter(|&id| id != gone)
            .collect()
    };
    match change {
        BrokerChange::Gone(id) => builder.isr(without(id)),
        BrokerChange::UncleanShutdown(id) => builder.isr(without(id)).unclean_shutdown(vec![id]),
        BrokerChange::Back(_) => builder,
    }
    .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: ElectionConfig = ElectionConfig {
        effective_min_isr: 2,
        elr_enabled: true,
        keep_last_known_leader: true,
    };

    #[test]
    fn a_lost_follower_leaves_the_isr_and_the_leader_stays() {
        let partition = PartitionRegistration::new(vec![1, 2, 3]);
        let changed = apply(BrokerChange::Gone(3), &partition, CONFIG, false, |id| {
            id != 3
        })
        .unwrap();
        assert_eq!(changed.registration.isr, [1, 2]);
        assert_eq!(changed.registration.leader, Some(1));
        assert_eq!(
            apply(
                BrokerChange::Back(3),
                &changed.registration,
                CONFIG,
                false,
                |_| true
            ),
            None,
            "coming back does not restore the in-sync set"
        );
    }

    #[test]
    fn a_broker_that_lost_data_is_no_eligible_leader() {
        let partition = PartitionRegistration {
            isr: vec![1],
            elr: vec![2, 3],
            ..PartitionRegistration::new(vec![1, 2, 3])
        };
        let change = BrokerChange::UncleanShutdown(3);
        let changed = apply(change, &partition, CONFIG, false, |id| id == 1).unwrap();
        assert_eq!(changed.registration.elr, [2]);
        assert_eq!(changed.registration.leader, Some(1));
    }
}
