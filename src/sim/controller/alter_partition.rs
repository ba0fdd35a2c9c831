//! Whether the controller accepts a leader's proposal of another in-sync set.
//!
//! Pure checks, in Kafka's order. What an accepted proposal leads to is built
//! by [`super::election::PartitionChange`].
//!
//! Source: `ReplicationControlManager.alterPartition` and
//! `validateAlterPartitionData`; KIP-497, KIP-704, KIP-841, KIP-903.

use crate::sim::types::{BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, PartitionEpoch};

use super::election::{PartitionRegistration, RecoveryState};

/// What the controller knows of a registered broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerRegistration {
    /// The registration's number.
    pub epoch: BrokerEpoch,
    /// No heartbeats: it may neither lead nor be in sync.
    pub fenced: bool,
    /// It asked to shut down.
    pub in_controlled_shutdown: bool,
}

/// A leader's proposal as it reaches the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The broker that sent it.
    pub sender: BrokerId,
    /// The registration it sent it under.
    pub sender_epoch: BrokerEpoch,
    /// The leader epoch it believes in.
    pub leader_epoch: LeaderEpoch,
    /// The version of the registration it builds on.
    pub partition_epoch: PartitionEpoch,
    /// The members with the registrations they fetch under (`-1`: unknown).
    pub new_isr: Vec<(BrokerId, BrokerEpoch)>,
    /// The recovery state it wants.
    pub recovery: RecoveryState,
}

/// Checks a proposal against the registration.
///
/// # Errors
/// The code the leader gets; then nothing changes.
pub fn validate(
    proposal: &Proposal,
    partition: &PartitionRegistration,
    brokers: impl Fn(BrokerId) -> Option<BrokerRegistration>,
) -> Result<(), ErrorCode> {
    match brokers(proposal.sender) {
        Some(sender) if sender.epoch == proposal.sender_epoch => {}
        _ => return Err(ErrorCode::StaleBrokerEpoch),
    }
    // An epoch from the future: this controller is the stale one.
    if proposal.leader_epoch > partition.leader_epoch
        || proposal.partition_epoch > partition.partition_epoch
    {
        return Err(ErrorCode::NotController);
    }
    if proposal.leader_epoch < partition.leader_epoch {
        return Err(ErrorCode::FencedLeaderEpoch);
    }
    if partition.leader != Some(proposal.sender) {
        return Err(ErrorCode::InvalidRequest);
    }
    if proposal.partition_epoch < partition.partition_epoch {
        return Err(ErrorCode::InvalidUpdateVersion);
    }
    validate_members(proposal, partition)?;
    let ineligible = proposal.new_isr.iter().any(|&(id, epoch)| {
        brokers(id).is_none_or(|broker| {
            broker.fenced || broker.in_controlled_shutdown || (epoch != -1 && epoch != broker.epoch)
        })
    });
    if ineligible {
        return Err(ErrorCode::IneligibleReplica);
    }
    Ok(())
}

fn validate_members(
    proposal: &Proposal,
    partition: &PartitionRegistration,
) -> Result<(), ErrorCode> {
    let members: Vec<BrokerId> = proposal.new_isr.iter().map(|&(id, _)| id).collect();
    let duplicated = members
        .iter()
        .enumerate()
        .any(|(index, id)| members.iter().skip(index + 1).any(|other| other == id));
    let foreign = members.iter().any(|id| !partition.replicas.contains(id));
    let lacks_leader = !members.contains(&proposal.sender);
    let recovering = proposal.recovery == RecoveryState::Recovering;
    let crowded_recovery = recovering && members.len() > 1;
    let back_to_recovery = recovering && partition.recovery == RecoveryState::Recovered;
    if members.is_empty()
        || duplicated
        || foreign
        || lacks_leader
        || crowded_recovery
        || back_to_recovery
    {
        return Err(ErrorCode::InvalidRequest);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(isr: &[BrokerId]) -> Proposal {
        Proposal {
            sender: 0,
            sender_epoch: 100,
            leader_epoch: 3,
            partition_epoch: 7,
            new_isr: isr.iter().map(|&id| (id, 100)).collect(),
            recovery: RecoveryState::Recovered,
        }
    }

    fn judge(proposal: &Proposal, bad: Option<BrokerId>) -> Result<(), ErrorCode> {
        let partition = PartitionRegistration {
            leader_epoch: 3,
            partition_epoch: 7,
            ..PartitionRegistration::new(vec![0, 1, 2])
        };
        validate(proposal, &partition, |id| {
            Some(BrokerRegistration {
                epoch: 100,
                fenced: bad == Some(id),
                in_controlled_shutdown: false,
            })
        })
    }

    #[test]
    fn checks_come_in_kafkas_order() {
        assert_eq!(judge(&proposal(&[0, 1]), None), Ok(()));
        let late = Proposal {
            partition_epoch: 6,
            ..proposal(&[0, 1])
        };
        assert_eq!(judge(&late, None), Err(ErrorCode::InvalidUpdateVersion));
        let fenced = Proposal {
            leader_epoch: 2,
            ..late
        };
        assert_eq!(judge(&fenced, None), Err(ErrorCode::FencedLeaderEpoch));
        let future = Proposal {
            leader_epoch: 4,
            ..proposal(&[0, 1])
        };
        assert_eq!(judge(&future, None), Err(ErrorCode::NotController));
        let impostor = Proposal {
            sender: 1,
            ..proposal(&[0, 1])
        };
        assert_eq!(judge(&impostor, None), Err(ErrorCode::InvalidRequest));
    }

    #[test]
    fn members_must_be_live_replicas_under_their_registration() {
        assert_eq!(
            judge(&proposal(&[0, 1]), Some(1)),
            Err(ErrorCode::IneligibleReplica)
        );
        assert_eq!(
            judge(&proposal(&[0, 3]), None),
            Err(ErrorCode::InvalidRequest)
        );
        assert_eq!(
            judge(&proposal(&[1, 2]), None),
            Err(ErrorCode::InvalidRequest)
        );
        let mut stale = proposal(&[0, 1]);
        stale.new_isr = vec![(0, 100), (1, 99)];
        assert_eq!(judge(&stale, None), Err(ErrorCode::IneligibleReplica));
        stale.new_isr = vec![(0, 100), (1, -1)];
        assert_eq!(judge(&stale, None), Ok(()));
    }

    #[test]
    fn a_recovering_leader_stands_alone() {
        let pair = Proposal {
            recovery: RecoveryState::Recovering,
            ..proposal(&[0, 1])
        };
        assert_eq!(judge(&pair, None), Err(ErrorCode::InvalidRequest));
        let back = Proposal {
            recovery: RecoveryState::Recovering,
            ..proposal(&[0])
        };
        assert_eq!(judge(&back, None), Err(ErrorCode::InvalidRequest));
    }
}
