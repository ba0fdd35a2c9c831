//! What a consumer has asked brokers and not heard of yet, and who gets the answers.
//!
//! The parts of the consumer beside this one know what to ask, and what follows from an answer.

use super::super::message::Message;
use super::super::node::{NodeId, PartitionId};
use super::super::time::Time;
use super::super::types::BrokerId;
use super::{Consumer, Effect, Env};

/// A request without an answer yet.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) to: BrokerId,
    pub(super) sent: Time,
    pub(super) about: About,
}

/// What a request asks for, and what must be known of it when the answer comes or does not.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum About {
    Metadata,
    Coordinator,
    Join,
    Sync,
    Heartbeat,
    Leave,
    Commit { kind: CommitKind },
    Committed(Vec<PartitionId>),
    Offsets(Vec<PartitionId>),
    Epochs(Vec<PartitionId>),
    Fetch(Vec<PartitionId>),
    Produce,
}

/// Who waits for a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommitKind {
    /// Inside poll(); nobody waits.
    Auto,
    /// Before joining; the join waits.
    BeforeJoin,
    /// commitSync(); the application waits.
    Sync,
}

impl Consumer {
    /// A broker answered.
    pub fn receive(&mut self, correlation: u32, message: Message, env: &mut Env) {
        let Some(request) = self.answered(correlation) else {
            return;
        };
        if !self.is_on() {
            return;
        }
        match message {
            Message::FetchResponse(answer) => {
                if let About::Fetch(asked) = request.about {
                    self.fetched(request.to, &asked, answer, env);
                    env.spare.partitions.done(asked);
                }
            }
            Message::Disconnected => {
                // Nobody listens there: it tries again after a moment, not at once (`reconnect.backoff.ms`).
                self.failed(request, env);
                return;
            }
            message => self.receive_rare(request, message, env),
        }
        self.go_on(env);
    }

    /// An answer that is no fetched records.
    #[cold]
    fn receive_rare(&mut self, request: Request, message: Message, env: &mut Env) {
        match message {
            Message::MetadataResponse(answer) => self.got_metadata(*answer, env),
            Message::FindCoordinatorResponse {
                error, coordinator, ..
            } => {
                self.got_coordinator(error, coordinator, env);
            }
            Message::JoinGroupResponse(answer) => self.joined(*answer, env),
            Message::SyncGroupResponse { error, assignment } => {
                self.synced(error, &assignment, env);
            }
            Message::HeartbeatResponse { error } => self.heart_answered(error, env),
            Message::OffsetCommitResponse { partitions } => {
                if let About::Commit { kind } = request.about {
                    let error = partitions.iter().find_map(|(_, error)| *error);
                    self.committed(kind, error, env);
                }
            }
            Message::OffsetFetchResponse { error, offsets } => {
                if let About::Committed(asked) = request.about {
                    self.got_committed(&asked, error, &offsets, env);
                }
            }
            Message::ListOffsetsResponse { partitions } => self.got_offsets(&partitions, env),
            Message::OffsetForLeaderEpochResponse { partitions } => {
                self.got_epochs(&partitions, env);
            }
            Message::ProduceResponse { results } => {
                let error = results.first().and_then(|result| result.error);
                self.sent_on(error, env);
            }
            _ => {}
        }
    }

    /// A broker's sockets closed: nothing asked of it gets an answer.
    #[cold]
    pub fn disconnected(&mut self, broker: BrokerId, env: &mut Env) {
        let gone: Vec<u32> = self
            .requests
            .iter()
            .filter(|(_, request)| request.to == broker)
            .map(|(number, _)| *number)
            .collect();
        for number in gone {
            if let Some(request) = self.answered(number) {
                self.failed(request, env);
            }
        }
        if self.coordinator == Some(broker) {
            self.coordinator = None;
        }
        self.go_on(env);
    }

    /// The request of this number waits no longer.
    pub(super) fn answered(&mut self, correlation: u32) -> Option<Request> {
        let place = self
            .requests
            .iter()
            .position(|(number, _)| *number == correlation)?;
        Some(self.requests.remove(place).1)
    }

    pub(super) fn send(&mut self, to: BrokerId, about: About, message: Message, env: &mut Env) {
        self.next_correlation = self.next_correlation.wrapping_add(1);
        let correlation = self.next_correlation;
        let request = Request {
            to,
            sent: env.now,
            about,
        };
        self.requests.push((correlation, request));
        env.out.push(Effect::Send {
            to: NodeId::Broker(to),
            correlation,
            message,
        });
    }

    pub(super) fn waits_for(&self, wanted: impl Fn(&About) -> bool) -> bool {
        self.requests
            .iter()
            .any(|(_, request)| wanted(&request.about))
    }
}
