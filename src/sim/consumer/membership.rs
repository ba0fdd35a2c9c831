//! A consumer's place in its group: finding the coordinator, joining,
//! syncing, heartbeats, leaving.
//!
//! Source: `AbstractCoordinator`, `ConsumerCoordinator`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::group::assignors::{
    Assignor, MemberSubscription, RebalanceProtocol, Subscriptions, TopicPartition, member_protocol,
};
use super::super::group::event::GroupEvent;
use super::super::message::{
    JoinGroupRequest, JoinGroupResponse, MemberIdentity, Message, Subscription,
};
use super::super::node::PartitionId;
use super::super::types::{BrokerId, ErrorCode};
use super::{
    About, App, Assigned, CommitKind, Commits, Consumer, ConsumerTimer, Env, Membership, Note,
};

impl Consumer {
    fn is_static(&self) -> bool {
        self.config.group_instance_id.is_some()
    }

    fn rebalance_protocol(&self) -> RebalanceProtocol {
        member_protocol(&self.config.assignors)
    }

    pub(super) fn identity(&self) -> MemberIdentity {
        MemberIdentity {
            group: Arc::clone(&self.config.group),
            member_id: Arc::clone(&self.member_id),
            instance_id: self.config.group_instance_id.clone(),
            generation: self.generation,
        }
    }

    /// The part of poll() that keeps the consumer in its group.
    pub(super) fn keep_membership(&mut self, env: &mut Env) {
        if let Some(error) = self.lost.take() {
            self.preparing = None;
            self.lose_partitions(error, env);
        }
        if let Some(assignment) = self.arrived.take() {
            self.take_assignment(&assignment, env);
        }
        let may_begin = matches!(self.membership, Membership::Unjoined | Membership::Stable);
        if !may_begin || !self.rejoin || !self.find_coordinator(env) {
            return;
        }
        let auto = matches!(self.config.commits, Commits::Auto { .. });
        if auto && self.membership == Membership::Stable && self.has_positions() {
            if self.preparing.is_some() && self.retry_at.is_some_and(|at| at > env.now) {
                return;
            }
            self.preparing.get_or_insert(env.now);
            self.membership = Membership::CommittingFirst;
            self.commit(env, CommitKind::BeforeJoin);
            return;
        }
        self.begin_join(env);
    }

    /// Whether its partitions are about to be revoked: an eager member that commits before it joins reads nothing
    /// meanwhile (`ConsumerCoordinator.maybeMarkPartitionsPendingRevocation`).
    pub(super) fn revokes_all(&self) -> bool {
        self.preparing.is_some() && self.rebalance_protocol() == RebalanceProtocol::Eager
    }

    /// Whether the coordinator is known; asks for it if not.
    #[cold]
    pub(super) fn find_coordinator(&mut self, env: &mut Env) -> bool {
        if self.coordinator.is_some() {
            return true;
        }
        if !self.waits_for(|about| *about == About::Coordinator)
            && self.retry_at.is_none_or(|at| at <= env.now)
            && let Some(broker) = self.any_broker()
        {
            let group = Arc::clone(&self.config.group);
            self.send(
                broker,
                About::Coordinator,
                Message::FindCoordinatorRequest { group },
                env,
            );
        }
        false
    }

    #[cold]
    pub(super) fn got_coordinator(
        &mut self,
        error: Option<ErrorCode>,
        coordinator: BrokerId,
        env: &mut Env,
    ) {
        if error.is_some() {
            self.retry_later(env);
        } else {
            self.coordinator = Some(coordinator);
            self.heard = env.now;
        }
    }

    /// Gives up what must be given up and asks to join.
    #[cold]
    fn begin_join(&mut self, env: &mut Env) {
        let Some(coordinator) = self.coordinator else {
            // lost between the coordinator's giving it a member id and its joining with that
            self.membership = Membership::Unjoined;
            self.rejoin = true;
            return;
        };
        if self.rebalance_protocol() == RebalanceProtocol::Eager {
            let all = self.assigned.keys().to_vec();
            self.revoke(&all, true, env);
        }
        self.membership = Membership::Joining;
        self.heartbeat_on = false;
        self.rejoin = false;
        self.preparing = None;
        self.electing = None;
        self.group_topics.clear();
        let protocols = self
            .config
            .assignors
            .iter()
            .map(|&assignor| {
                (
                    Arc::from(assignor.name()),
                    Arc::new(self.subscription(assignor)),
                )
            })
            .collect();
        let request = JoinGroupRequest {
            group: Arc::clone(&self.config.group),
            member_id: Arc::clone(&self.member_id),
            instance_id: self.config.group_instance_id.clone(),
            session_timeout: self.config.session_timeout,
            rebalance_timeout: self.config.max_poll_interval,
            protocols,
        };
        self.send(
            coordinator,
            About::Join,
            Message::JoinGroupRequest(Box::new(request)),
            env,
        );
    }

    /// What it tells the leader. The eager sticky assignor remembers what it
    /// had; the cooperative one says what it still has; others need neither.
    fn subscription(&self, assignor: Assignor) -> Subscription {
        let (owned, generation) = match assignor {
            Assignor::Sticky => self.remembered.clone(),
            Assignor::CooperativeSticky => (self.assigned.keys().to_vec(), self.generation),
            Assignor::Range | Assignor::RoundRobin => (Vec::new(), -1),
        };
        Subscription {
            topics: self.config.topics.clone(),
            owned,
            generation,
            member_generation: self.generation,
            rack: self.config.client_rack.clone(),
        }
    }

    fn next_heartbeat(&mut self, at: super::Time, env: &mut Env) {
        self.heartbeat_at = Some(at);
        env.wake(at, ConsumerTimer::Heartbeat);
    }

    #[cold]
    pub(super) fn joined(&mut self, answer: JoinGroupResponse, env: &mut Env) {
        if self.membership != Membership::Joining {
            return;
        }
        match answer.error {
            None => self.sync(&answer, env),
            Some(ErrorCode::MemberIdRequired) => {
                self.member_id = answer.member_id;
                self.begin_join(env);
            }
            Some(
                error @ (ErrorCode::FencedInstanceId
                | ErrorCode::InconsistentGroupProtocol
                | ErrorCode::InvalidSessionTimeout),
            ) => self.fail(error, env),
            Some(error) => self.rejoin_after(error, env),
        }
    }

    /// Joining or syncing failed in a way that passes.
    fn rejoin_after(&mut self, error: ErrorCode, env: &mut Env) {
        self.membership = Membership::Unjoined;
        self.rejoin = true;
        match error {
            ErrorCode::UnknownMemberId => self.member_id = Arc::default(),
            ErrorCode::IllegalGeneration | ErrorCode::RebalanceInProgress => {}
            _ => self.coordinator = None,
        }
        if error == ErrorCode::RebalanceInProgress {
            return;
        }
        if matches!(
            error,
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration
        ) {
            self.generation = -1;
            self.lost = Some(error);
        }
        self.retry_later(env);
    }

    fn sync(&mut self, answer: &JoinGroupResponse, env: &mut Env) {
        if self.coordinator.is_none() {
            return self.rejoin_after(ErrorCode::NotCoordinator, env);
        }
        self.generation = answer.generation;
        self.member_id = Arc::clone(&answer.member_id);
        self.protocol = Assignor::from_name(&answer.protocol);
        self.assigned_sizes.clear();
        self.membership = Membership::Syncing;
        self.heartbeat_on = true;
        self.heard = env.now;
        self.next_heartbeat(env.now + self.config.heartbeat_interval, env);
        if answer.leader != answer.member_id {
            return self.send_sync(Vec::new(), env);
        }
        // It watches the topics of all members, and looks what there is of those that are not its own.
        let members = answer.members.iter();
        let topics = members.flat_map(|(_, _, subscription)| &subscription.topics);
        let foreign = topics.filter(|topic| !self.config.topics.contains(topic));
        self.group_topics = foreign.cloned().collect();
        if self.group_topics.is_empty() {
            return self.lead(answer, env);
        }
        self.electing = Some(Box::new(answer.clone()));
        self.metadata_wanted = true;
        self.refresh_metadata(env);
    }

    /// `onLeaderElected`: computes the assignment, unless the coordinator keeps the one there is.
    pub(super) fn lead(&mut self, answer: &JoinGroupResponse, env: &mut Env) {
        self.assigned_sizes.clone_from(&self.topic_sizes);
        let assignments = if answer.skip_assignment {
            Vec::new()
        } else {
            self.compute(answer, env)
        };
        self.send_sync(assignments, env);
    }

    fn send_sync(&mut self, assignments: Vec<(Arc<str>, Arc<[PartitionId]>)>, env: &mut Env) {
        let Some(coordinator) = self.coordinator else {
            return self.rejoin_after(ErrorCode::NotCoordinator, env);
        };
        let member = Box::new(self.identity());
        self.send(
            coordinator,
            About::Sync,
            Message::SyncGroupRequest {
                member,
                assignments,
            },
            env,
        );
    }

    /// The leader's work: runs the assignor the coordinator chose.
    fn compute(
        &self,
        answer: &JoinGroupResponse,
        env: &Env,
    ) -> Vec<(Arc<str>, Arc<[PartitionId]>)> {
        let counts = self
            .topic_sizes
            .iter()
            .filter_map(|(topic, &size)| {
                let names = env.names.topics.get(topic.0 as usize)?;
                Some((Arc::clone(&names.name), size))
            })
            .collect();
        let subscriptions: Subscriptions = answer
            .members
            .iter()
            .map(|(id, instance, subscription)| {
                let owned = subscription.owned.iter().map(|&partition| {
                    let tp = env.names.tp(partition);
                    TopicPartition {
                        topic: tp.topic,
                        partition: tp.partition,
                    }
                });
                let generation = subscription.generation;
                let member = MemberSubscription {
                    topics: subscription.topics.clone(),
                    owned: owned.collect(),
                    generation: (generation >= 0).then_some(generation),
                    group_instance_id: instance.clone(),
                };
                (Arc::clone(id), member)
            })
            .collect();
        let assignor = self.protocol.unwrap_or(Assignor::Range);
        assignor
            .assign(&counts, &subscriptions)
            .into_iter()
            .map(|(member, partitions)| {
                let mut ids: Vec<PartitionId> = partitions
                    .iter()
                    .filter_map(|tp| env.names.partition(&tp.topic, tp.partition))
                    .collect();
                ids.sort_unstable();
                (member, ids.into())
            })
            .collect()
    }

    #[cold]
    pub(super) fn synced(
        &mut self,
        error: Option<ErrorCode>,
        assignment: &Arc<[PartitionId]>,
        env: &mut Env,
    ) {
        if self.membership != Membership::Syncing {
            return;
        }
        match error {
            None => {
                self.membership = Membership::Stable;
                if self.app == App::Polling {
                    self.take_assignment(assignment, env);
                } else {
                    self.arrived = Some(Arc::clone(assignment));
                }
            }
            Some(ErrorCode::FencedInstanceId) => self.fail(ErrorCode::FencedInstanceId, env),
            Some(error) => self.rejoin_after(error, env),
        }
    }

    /// `onJoinComplete`: takes what is new, gives up what is no longer its own
    /// and, if that was something, joins again so that others can have it.
    #[cold]
    fn take_assignment(&mut self, assignment: &[PartitionId], env: &mut Env) {
        let wanted: BTreeSet<PartitionId> = assignment.iter().copied().collect();
        let surplus: Vec<PartitionId> = self
            .assigned
            .keys()
            .iter()
            .copied()
            .filter(|partition| !wanted.contains(partition))
            .collect();
        if !surplus.is_empty() {
            self.revoke(&surplus, false, env);
            self.rejoin = true;
        }
        let generation = self.generation;
        let mut added = Vec::new();
        for &partition in &wanted {
            if self.assigned.place(partition).is_some() {
                env.note(Note::Kept {
                    partition,
                    generation,
                });
                continue;
            }
            let mut fresh = Assigned::new();
            fresh.paused = self.paused.contains(&partition);
            self.assigned.insert(partition, fresh);
            env.note(Note::Owned {
                partition,
                generation,
            });
            added.push(partition);
        }
        self.remembered = (wanted.into_iter().collect(), generation);
        if let Commits::Auto { interval } = self.config.commits {
            self.next_auto_commit = env.now + interval;
        }
        let event = GroupEvent::Assigned {
            consumer: Arc::clone(&self.config.name),
            generation,
            partitions: env.show(self.assigned.keys().iter().copied()),
            added: env.show(added.into_iter()),
        };
        env.tell(event);
        self.metadata_wanted |= self
            .assigned
            .keys()
            .iter()
            .any(|&id| self.leaders.get(id).is_none());
    }

    fn revoke(&mut self, partitions: &[PartitionId], eager: bool, env: &mut Env) {
        if partitions.is_empty() {
            return;
        }
        for partition in partitions {
            self.assigned.remove(*partition);
            self.paused.remove(partition);
            env.note(Note::Released {
                partition: *partition,
            });
        }
        let event = GroupEvent::Revoked {
            consumer: Arc::clone(&self.config.name),
            partitions: env.show(partitions.iter().copied()),
            eager,
        };
        env.tell(event);
    }

    #[cold]
    fn lose_partitions(&mut self, error: ErrorCode, env: &mut Env) {
        self.arrived = None;
        if self.assigned.is_empty() {
            return;
        }
        let all = self.assigned.keys().to_vec();
        let event = GroupEvent::Lost {
            consumer: Arc::clone(&self.config.name),
            partitions: env.show(all.iter().copied()),
            error,
        };
        env.tell(event);
        for partition in all {
            self.assigned.remove(partition);
            self.paused.remove(&partition);
            env.note(Note::Released { partition });
        }
    }

    /// Its generation is not valid any more: it joins anew, and what it had is
    /// not its own.
    pub(super) fn lose_generation(&mut self, error: ErrorCode) {
        if error == ErrorCode::UnknownMemberId {
            self.member_id = Arc::default();
        }
        self.generation = -1;
        self.membership = Membership::Unjoined;
        self.rejoin = true;
        self.heartbeat_on = false;
        self.lost = Some(error);
    }

    pub(super) fn fail(&mut self, error: ErrorCode, env: &mut Env) {
        let consumer = Arc::clone(&self.config.name);
        let event = match (&self.config.group_instance_id, error) {
            (Some(instance), ErrorCode::FencedInstanceId) => GroupEvent::Fenced {
                consumer,
                instance: Arc::clone(instance),
            },
            _ => GroupEvent::JoinRefused { consumer, error },
        };
        env.tell(event);
        self.lose_partitions(error, env);
        self.membership = Membership::Failed;
        self.heartbeat_on = false;
    }

    // The heartbeat thread.

    pub(super) fn heartbeat_turn(&mut self, env: &mut Env) {
        if !self.heartbeat_on {
            return;
        }
        if self.app == App::Polling {
            self.last_poll = env.now;
        }
        if !self.find_coordinator(env) {
            return self.next_heartbeat(env.now + self.config.retry_backoff, env);
        }
        if env.now.since(self.heard) > self.config.session_timeout {
            self.session_silent(env);
            return self.next_heartbeat(env.now + self.config.retry_backoff, env);
        }
        let deadline = self.last_poll + self.config.max_poll_interval;
        if env.now > deadline {
            return self.poll_interval_exceeded(env);
        }
        let member = matches!(
            self.membership,
            Membership::Syncing | Membership::Stable | Membership::CommittingFirst
        );
        if member
            && !self.waits_for(|about| *about == About::Heartbeat)
            && let Some(coordinator) = self.coordinator
        {
            let identity = Box::new(self.identity());
            self.send(
                coordinator,
                About::Heartbeat,
                Message::HeartbeatRequest(identity),
                env,
            );
        }
        let mut next = env.now + self.config.heartbeat_interval;
        let session_end = self.heard + self.config.session_timeout + super::Time::millis(1);
        if session_end > env.now {
            next = next.min(session_end);
        }
        if self.app != App::Polling {
            next = next.min(deadline + super::Time::millis(1));
        }
        self.next_heartbeat(next, env);
    }

    /// No heartbeat was answered for a whole session: it gives the coordinator up and looks for it anew, long before a
    /// request of its would time out.
    fn session_silent(&mut self, env: &mut Env) {
        let coordinator = self.coordinator.take();
        self.heard = env.now;
        let to_it = |request: &super::Request| {
            let fetches = matches!(request.about, About::Fetch(_) | About::Metadata);
            Some(request.to) == coordinator && !fetches
        };
        let pending = self.requests.iter();
        let gone: Vec<u32> = pending
            .filter(|(_, request)| to_it(request))
            .map(|(number, _)| *number)
            .collect();
        for number in gone {
            if let Some(request) = self.answered(number) {
                self.failed(request, env);
            }
        }
        self.go_on(env);
    }

    /// The application has not polled for too long: a dynamic member leaves; a
    /// static one only falls silent and is dropped when its session ends.
    fn poll_interval_exceeded(&mut self, env: &mut Env) {
        let event = GroupEvent::PollIntervalExceeded {
            consumer: Arc::clone(&self.config.name),
            since_poll: env.now.since(self.last_poll),
            max_poll_interval_ms: self.config.max_poll_interval.as_millis(),
            leaves: !self.is_static(),
        };
        env.tell(event);
        self.leave(env);
    }

    /// Leaves the group (dynamic members) and forgets its generation.
    #[cold]
    pub(super) fn leave(&mut self, env: &mut Env) {
        let joined = !self.member_id.is_empty() && self.membership != Membership::Unjoined;
        if joined
            && !self.is_static()
            && let Some(coordinator) = self.coordinator
        {
            let identity = Box::new(self.identity());
            self.send(
                coordinator,
                About::Leave,
                Message::LeaveGroupRequest(identity),
                env,
            );
        }
        self.lose_generation(ErrorCode::UnknownMemberId);
    }

    #[cold]
    pub(super) fn heart_answered(&mut self, error: Option<ErrorCode>, env: &mut Env) {
        let alive = matches!(error, None | Some(ErrorCode::RebalanceInProgress));
        if alive {
            self.heard = env.now;
        } else if self.heartbeat_on {
            self.next_heartbeat(env.now + self.config.retry_backoff, env);
        }
        match error {
            None => {}
            // While it joins already, neither is news.
            Some(
                ErrorCode::RebalanceInProgress
                | ErrorCode::UnknownMemberId
                | ErrorCode::IllegalGeneration,
            ) if self.membership != Membership::Stable => {}
            Some(ErrorCode::RebalanceInProgress) => self.rejoin = true,
            Some(ErrorCode::FencedInstanceId) => self.fail(ErrorCode::FencedInstanceId, env),
            Some(error @ (ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration)) => {
                self.lose_generation(error);
            }
            Some(_) => {
                self.coordinator = None;
            }
        }
    }
}
