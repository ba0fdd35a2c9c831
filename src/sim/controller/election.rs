//! What becomes of a partition's registration when the controller changes it:
//! a new set of in-sync replicas, a lost broker, a reassignment, an election.
//!
//! [`PartitionChange`] takes the registration as it is, the wishes, and who
//! may lead, and builds the registration as it will be. Whether a wish is
//! allowed is checked elsewhere ([`super::alter_partition`]); the controller
//! writes the result to the metadata log.
//!
//! Source: `PartitionChangeBuilder`, `PartitionReassignmentReplicas`,
//! `PartitionRegistration`; KIP-631, KIP-966 part 1. The reassignment rule is
//! that of KAFKA-15665 (4.0): every target replica must be in sync.

use crate::sim::types::{BrokerId, LeaderEpoch, PartitionEpoch};

/// Whether the leader's log may lack committed records (KIP-704).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecoveryState {
    /// The log is complete as far as anybody knows.
    #[default]
    Recovered,
    /// The leader came from an unclean election.
    Recovering,
}

/// A partition as the controller has registered it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartitionRegistration {
    /// Replicas in order of preference; the first is the preferred leader.
    pub replicas: Vec<BrokerId>,
    /// The in-sync replicas. Empty only with eligible leader replicas on.
    pub isr: Vec<BrokerId>,
    /// Replicas leaving in a reassignment.
    pub removing: Vec<BrokerId>,
    /// Replicas arriving in a reassignment.
    pub adding: Vec<BrokerId>,
    /// Replicas that left the in-sync set while the high watermark was frozen
    /// and so have every committed record.
    pub elr: Vec<BrokerId>,
    /// The last leader, while there is none (a single entry), or with
    /// `keep_last_known_leader` off the replicas that fell out of the ELR.
    pub last_known_elr: Vec<BrokerId>,
    /// The leader, if there is one.
    pub leader: Option<BrokerId>,
    /// Whether the leader came from an unclean election.
    pub recovery: RecoveryState,
    /// Counts leaders.
    pub leader_epoch: LeaderEpoch,
    /// Counts changes of the registration.
    pub partition_epoch: PartitionEpoch,
}

impl PartitionRegistration {
    /// A new partition: all replicas in sync, the first one leads.
    pub fn new(replicas: Vec<BrokerId>) -> Self {
        Self {
            leader: replicas.first().copied(),
            isr: replicas.clone(),
            replicas,
            ..Self::default()
        }
    }

    /// Whether the preferred replica leads.
    pub fn has_preferred_leader(&self) -> bool {
        self.leader.is_some() && self.leader == self.replicas.first().copied()
    }

    /// Whether replicas are being moved.
    pub fn is_reassigning(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }
}

/// How a leader is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Election {
    /// Move leadership back to the preferred replica if that can be.
    Preferred,
    /// Keep the leader if it is healthy, else the first in-sync replica.
    #[default]
    Online,
    /// Like `Online`, but rather a leader that lacks records than none.
    Unclean,
}

/// How the leader of the new registration was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElectedFrom {
    /// The leader stays.
    Unchanged,
    /// An in-sync replica.
    InSync,
    /// An eligible leader replica; no committed record is lost.
    EligibleLeaderReplicas,
    /// The last known leader came back although nobody vouches for its log.
    LastKnownLeader,
    /// A live replica outside the in-sync set: committed records may be lost.
    Unclean,
    /// Nobody; the partition has no leader now.
    Nobody,
}

/// A changed registration and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The registration to write to the metadata log.
    pub registration: PartitionRegistration,
    /// Whether and how the leader changed.
    pub elected: ElectedFrom,
    /// A reassignment was completed by this change.
    pub reassignment_completed: bool,
}

/// The cluster-wide settings a change depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElectionConfig {
    /// `min(min.insync.replicas, replicas)`.
    pub effective_min_isr: usize,
    /// `eligible.leader.replicas.version` is 1.
    pub elr_enabled: bool,
    /// Remember the last leader of a leaderless partition and elect it when it
    /// returns ("balanced recovery"; Kafka's default).
    pub keep_last_known_leader: bool,
}

/// A change of one registration, collected and then built.
pub struct PartitionChange<'a, F: Fn(BrokerId) -> bool> {
    before: &'a PartitionRegistration,
    config: ElectionConfig,
    acceptable: F,
    election: Election,
    isr: Vec<BrokerId>,
    replicas: Vec<BrokerId>,
    removing: Vec<BrokerId>,
    adding: Vec<BrokerId>,
    elr: Vec<BrokerId>,
    last_known_elr: Vec<BrokerId>,
    recovery: RecoveryState,
    unclean_shutdown: Vec<BrokerId>,
}

impl<'a, F: Fn(BrokerId) -> bool> PartitionChange<'a, F> {
    /// Starts from `before`. `acceptable` says who may lead: registered,
    /// unfenced, not shutting down.
    pub fn new(before: &'a PartitionRegistration, config: ElectionConfig, acceptable: F) -> Self {
        Self {
            before,
            config,
            acceptable,
            election: Election::Online,
            isr: before.isr.clone(),
            replicas: before.replicas.clone(),
            removing: before.removing.clone(),
            adding: before.adding.clone(),
            elr: before.elr.clone(),
            last_known_elr: before.last_known_elr.clone(),
            recovery: before.recovery,
            unclean_shutdown: Vec::new(),
        }
    }

    /// Asks for another way to elect.
    #[must_use]
    pub fn election(mut self, election: Election) -> Self {
        self.election = election;
        self
    }

    /// Asks for another in-sync set.
    #[must_use]
    pub fn isr(mut self, isr: Vec<BrokerId>) -> Self {
        self.isr = isr;
        self
    }

    /// Asks for other replicas.
    #[must_use]
    pub fn replicas(mut self, replicas: Vec<BrokerId>) -> Self {
        self.replicas = replicas;
        self
    }

    /// Asks for other leaving replicas.
    #[must_use]
    pub fn removing(mut self, removing: Vec<BrokerId>) -> Self {
        self.removing = removing;
        self
    }

    /// Asks for other arriving replicas.
    #[must_use]
    pub fn adding(mut self, adding: Vec<BrokerId>) -> Self {
        self.adding = adding;
        self
    }

    /// Asks for another recovery state.
    #[must_use]
    pub fn recovery(mut self, recovery: RecoveryState) -> Self {
        self.recovery = recovery;
        self
    }

    /// Brokers that came back from an unclean shutdown and may have lost
    /// records they once had: no eligible leaders any more.
    #[must_use]
    pub fn unclean_shutdown(mut self, brokers: Vec<BrokerId>) -> Self {
        self.unclean_shutdown = brokers;
        self
    }

    /// Builds the new registration; `None` when nothing changes.
    pub fn build(mut self) -> Option<Changed> {
        let reassignment_completed = self.complete_reassignment();
        self.populate_elr();
        let (leader, elected) = self.elect();

        let mut after = self.before.clone();
        after.leader = leader;
        let mut leader_set = elected != ElectedFrom::Unchanged;
        if leader_set {
            self.apply_election(leader, elected, &mut after);
        }
        let isr_forced = matches!(elected, ElectedFrom::LastKnownLeader | ElectedFrom::Unclean);
        // Taking a replica out of the list bumps the leader epoch even if the
        // leader stays, so that the removed replica's fetches are refused.
        if !leader_set && !contains_all(&self.replicas, &self.before.replicas) {
            leader_set = true;
        }
        self.settle_elr(isr_forced, &mut after);
        let isr_set = isr_forced
            || ((!self.isr.is_empty() || self.config.elr_enabled) && self.isr != self.before.isr);
        if isr_set && !isr_forced {
            after.isr.clone_from(&self.isr);
        }
        self.settle_last_known_leader(isr_set, leader_set, &mut after);
        self.settle_assignment(&mut after);
        if self.recovery != self.before.recovery {
            after.recovery = self.recovery;
        }
        if after == *self.before && !leader_set {
            return None;
        }
        if leader_set {
            after.leader_epoch += 1;
        }
        after.partition_epoch += 1;
        Some(Changed {
            registration: after,
            elected,
            reassignment_completed,
        })
    }

    fn complete_reassignment(&mut self) -> bool {
        if self.removing.is_empty() && self.adding.is_empty() {
            return false;
        }
        let keep = |ids: &[BrokerId]| -> Vec<BrokerId> {
            ids.iter()
                .copied()
                .filter(|id| !self.removing.contains(id))
                .collect()
        };
        let isr = keep(&self.isr);
        let replicas = keep(&self.replicas);
        let nothing_left = !self.removing.is_empty() && (isr.is_empty() || replicas.is_empty());
        if nothing_left || !contains_all(&isr, &replicas) {
            return false;
        }
        self.isr = isr;
        self.replicas = replicas;
        self.removing.clear();
        self.adding.clear();
        true
    }

    /// At or above the minimum nobody outside the in-sync set is eligible;
    /// below it those who leave stay eligible, because from then on the high
    /// watermark stands still.
    fn populate_elr(&mut self) {
        if !self.config.elr_enabled {
            return;
        }
        if self.isr.len() >= self.config.effective_min_isr {
            self.elr.clear();
            self.last_known_elr.clear();
            return;
        }
        let candidates = sorted_union(&self.elr, &self.before.isr);
        self.elr = candidates
            .iter()
            .copied()
            .filter(|id| !self.isr.contains(id) && !self.unclean_shutdown.contains(id))
            .collect();
        self.last_known_elr = sorted_union(&candidates, &self.last_known_elr)
            .into_iter()
            .filter(|id| !self.isr.contains(id) && !self.elr.contains(id))
            .collect();
    }

    /// In the in-sync set, or eligible while that is empty; and acceptable.
    fn is_valid_leader(&self, id: BrokerId) -> bool {
        (self.isr.contains(&id) || (self.isr.is_empty() && self.elr.contains(&id)))
            && (self.acceptable)(id)
    }

    fn elect(&self) -> (Option<BrokerId>, ElectedFrom) {
        let (node, unclean) = self.find_leader();
        if node == self.before.leader {
            return (node, ElectedFrom::Unchanged);
        }
        let from = match (node, unclean) {
            (None, _) => ElectedFrom::Nobody,
            (Some(_), Some(unclean)) => unclean,
            (Some(id), None) if self.elr.contains(&id) => ElectedFrom::EligibleLeaderReplicas,
            (Some(_), None) => ElectedFrom::InSync,
        };
        (node, from)
    }

    /// The leader to be, and how if not cleanly. Order of preference is the
    /// replica list, not the in-sync set.
    fn find_leader(&self) -> (Option<BrokerId>, Option<ElectedFrom>) {
        if self.election == Election::Preferred
            && let Some(&preferred) = self.replicas.first()
            && self.is_valid_leader(preferred)
        {
            return (Some(preferred), None);
        }
        if let Some(current) = self.before.leader
            && self.is_valid_leader(current)
        {
            return (Some(current), None);
        }
        if let Some(&first) = self.replicas.iter().find(|&&id| self.is_valid_leader(id)) {
            return (Some(first), None);
        }
        if let Some(last) = self.returning_last_leader() {
            return (Some(last), Some(ElectedFrom::LastKnownLeader));
        }
        if self.election == Election::Unclean
            && let Some(&any) = self.replicas.iter().find(|&&id| (self.acceptable)(id))
        {
            return (Some(any), Some(ElectedFrom::Unclean));
        }
        (None, None)
    }

    /// The last known leader, if it alone is remembered, nobody is in sync or
    /// eligible, and it is back. (4.0 elected it even when it was not back:
    /// KAFKA-19522, fixed in 4.1.)
    fn returning_last_leader(&self) -> Option<BrokerId> {
        let balanced = self.config.elr_enabled && self.config.keep_last_known_leader;
        if !balanced || !self.elr.is_empty() || !self.isr.is_empty() {
            return None;
        }
        match self.before.last_known_elr.as_slice() {
            &[last] if (self.acceptable)(last) => Some(last),
            _ => None,
        }
    }

    fn apply_election(
        &mut self,
        leader: Option<BrokerId>,
        elected: ElectedFrom,
        after: &mut PartitionRegistration,
    ) {
        let Some(id) = leader else { return };
        match elected {
            ElectedFrom::EligibleLeaderReplicas => {
                self.isr = vec![id];
                self.elr.retain(|&other| other != id);
            }
            ElectedFrom::LastKnownLeader | ElectedFrom::Unclean => {
                after.isr = vec![id];
                after.recovery = RecoveryState::Recovering;
            }
            _ => {}
        }
    }

    fn settle_elr(&mut self, isr_forced: bool, after: &mut PartitionRegistration) {
        if isr_forced || !self.config.elr_enabled {
            self.elr.clear();
            self.last_known_elr.clear();
        }
        after.elr.clone_from(&self.elr);
        if !self.config.keep_last_known_leader {
            after.last_known_elr.clone_from(&self.last_known_elr);
        }
    }

    fn settle_last_known_leader(
        &self,
        isr_set: bool,
        leader_set: bool,
        after: &mut PartitionRegistration,
    ) {
        if !self.config.keep_last_known_leader || !self.config.elr_enabled {
            return;
        }
        let known = self.before.last_known_elr.as_slice();
        if isr_set
            && after.isr.is_empty()
            && (known.len() != 1 || known.first().copied() != self.before.leader)
        {
            after.last_known_elr = self.before.leader.into_iter().collect();
        } else if (leader_set && after.leader.is_some())
            || (self.before.leader.is_some() && (!leader_set || after.leader.is_some()))
        {
            after.last_known_elr.clear();
        }
    }

    fn settle_assignment(&self, after: &mut PartitionRegistration) {
        if !self.replicas.is_empty() {
            after.replicas.clone_from(&self.replicas);
        }
        after.removing.clone_from(&self.removing);
        after.adding.clone_from(&self.adding);
    }
}

fn contains_all(set: &[BrokerId], wanted: &[BrokerId]) -> bool {
    wanted.iter().all(|id| set.contains(id))
}

fn sorted_union(a: &[BrokerId], b: &[BrokerId]) -> Vec<BrokerId> {
    let mut all: Vec<BrokerId> = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const ELR: ElectionConfig = ElectionConfig {
        effective_min_isr: 2,
        elr_enabled: true,
        keep_last_known_leader: true,
    };
    const PLAIN: ElectionConfig = ElectionConfig {
        elr_enabled: false,
        ..ELR
    };

    fn registration(
        replicas: &[BrokerId],
        isr: &[BrokerId],
        leader: Option<BrokerId>,
    ) -> PartitionRegistration {
        PartitionRegistration {
            isr: isr.to_vec(),
            leader,
            ..PartitionRegistration::new(replicas.to_vec())
        }
    }

    #[test]
    fn a_shrink_does_not_bump_the_leader_epoch() {
        let before = registration(&[1, 2, 3], &[1, 2, 3], Some(1));
        let after = PartitionChange::new(&before, PLAIN, |_| true)
            .isr(vec![1, 2])
            .build()
            .unwrap()
            .registration;
        assert_eq!((after.leader_epoch, after.partition_epoch), (0, 1));
        assert_eq!(after.isr, [1, 2]);
    }

    #[test]
    fn failover_follows_the_replica_list_not_the_isr_order() {
        let before = registration(&[1, 2, 3], &[3, 2, 1], Some(1));
        let changed = PartitionChange::new(&before, PLAIN, |id| id != 1)
            .isr(vec![3, 2])
            .build()
            .unwrap();
        assert_eq!(changed.registration.leader, Some(2));
        assert_eq!(changed.elected, ElectedFrom::InSync);
        assert_eq!(changed.registration.leader_epoch, 1);
    }

    #[test]
    fn without_elr_the_last_member_stays_in_the_isr() {
        let before = registration(&[1, 2], &[1], Some(1));
        let after = PartitionChange::new(&before, PLAIN, |_| false)
            .isr(vec![])
            .build()
            .unwrap()
            .registration;
        assert_eq!((after.leader, after.isr), (None, vec![1]));
    }

    #[test]
    fn with_elr_members_become_eligible_and_lead_cleanly() {
        let before = registration(&[1, 2, 3], &[1, 2], Some(1));
        let one = PartitionChange::new(&before, ELR, |id| id != 2)
            .isr(vec![1])
            .build()
            .unwrap()
            .registration;
        assert_eq!(one.elr, [2]);
        let changed = PartitionChange::new(&one, ELR, |id| id == 2)
            .isr(vec![])
            .build()
            .unwrap();
        assert_eq!(changed.elected, ElectedFrom::EligibleLeaderReplicas);
        assert_eq!(changed.registration.isr, [2]);
        assert_eq!(changed.registration.elr, [1]);
        assert_eq!(changed.registration.recovery, RecoveryState::Recovered);
    }

    #[test]
    fn the_last_known_leader_is_elected_only_when_it_is_back() {
        let before = PartitionRegistration {
            last_known_elr: vec![1],
            ..registration(&[1, 2], &[], None)
        };
        assert_eq!(
            PartitionChange::new(&before, ELR, |id| id == 2).build(),
            None
        );
        let changed = PartitionChange::new(&before, ELR, |_| true)
            .build()
            .unwrap();
        assert_eq!(changed.elected, ElectedFrom::LastKnownLeader);
        assert_eq!(changed.registration.recovery, RecoveryState::Recovering);
        assert!(changed.registration.last_known_elr.is_empty());
    }

    #[test]
    fn an_unclean_election_forces_the_isr_to_the_new_leader() {
        let before = registration(&[1, 2, 3], &[3], None);
        let changed = PartitionChange::new(&before, PLAIN, |id| id != 3)
            .election(Election::Unclean)
            .build()
            .unwrap();
        assert_eq!(changed.elected, ElectedFrom::Unclean);
        assert_eq!(changed.registration.isr, [1]);
        assert_eq!(changed.registration.recovery, RecoveryState::Recovering);
    }

    #[test]
    fn a_reassignment_waits_for_every_target_replica() {
        let before = PartitionRegistration {
            adding: vec![4],
            removing: vec![1],
            ..registration(&[2, 3, 4, 1], &[1, 2], Some(1))
        };
        let waiting = PartitionChange::new(&before, PLAIN, |_| true)
            .isr(vec![1, 2, 4])
            .build()
            .unwrap();
        assert!(!waiting.reassignment_completed);
        let done = PartitionChange::new(&before, PLAIN, |_| true)
            .isr(vec![1, 2, 3, 4])
            .build()
            .unwrap();
        assert!(done.reassignment_completed);
        assert_eq!(done.registration.replicas, [2, 3, 4]);
        assert_eq!(done.registration.leader, Some(2));
    }
}
