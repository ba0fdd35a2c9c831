//! What nodes say to each other.
//!
//! Requests carry no reply address: the [`Envelope`] names the sender, and a reply repeats the request's correlation
//! number. Field names follow Kafka's protocol messages; fields that nothing in the simulator reads are left out.

use std::fmt;
use std::sync::Arc;

use super::event::EventId;
use super::group::GroupRecord;
use super::node::{NodeId, PartitionId, TopicId};
use super::time::Time;
use super::types::{
    BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence,
};

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Who sent it.
    pub from: NodeId,
    /// Who shall get it.
    pub to: NodeId,
    /// The receiver's dense number, worked out once when it is sent.
    pub place: u32,
    /// The receiver's incarnation to which the sender was connected; a restarted receiver does not get it.
    pub incarnation: u32,
    /// When it leaves the sender; a sender that ends before does not send it.
    pub sent: Time,
    /// The sender's number of the request; a reply repeats it.
    pub correlation: u32,
    /// The event that led to it.
    pub cause: Option<EventId>,
    /// What it says.
    pub message: Message,
}

/// Which records of which producer a batch holds. A record is a producer and the number it gave the record, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// `count` records, numbered on from `first`.
    Run {
        /// The producer, by its place in the names.
        producer: u32,
        /// The first record's number.
        first: u64,
    },
    /// The records of these numbers, in this order.
    List {
        /// The producer, by its place in the names.
        producer: u32,
        /// Their numbers. (Behind a thin pointer, as most batches have none.)
        numbers: Arc<Vec<u64>>,
    },
    /// Records of an old, settled part of the log; only their count and size are still known.
    Summary,
    /// What a group coordinator wrote to `__consumer_offsets`: one record.
    Group(Arc<GroupRecord>),
}

impl Records {
    /// The number of the first one, 0 where it is not known.
    pub fn first_number(&self) -> u64 {
        match self {
            Records::Run { first, .. } => *first,
            Records::List { numbers, .. } => numbers.first().copied().unwrap_or(0),
            Records::Summary | Records::Group(_) => 0,
        }
    }

    /// So many of them, from the one at place `from` on.
    #[must_use]
    pub fn part(&self, from: u32, count: u32) -> Records {
        match self {
            Records::Run { producer, first } => Records::Run {
                producer: *producer,
                first: first + u64::from(from),
            },
            Records::List { producer, numbers } => {
                let end = (from + count) as usize;
                let part = numbers.get(from as usize..end).unwrap_or(&[]);
                let numbers = Arc::new(part.to_vec());
                Records::List {
                    producer: *producer,
                    numbers,
                }
            }
            other => other.clone(),
        }
    }
}

/// A batch in a log or on its way to one. Small, so that copies are cheap; what is large in it is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// How many records.
    pub count: u32,
    /// Their size in bytes.
    pub bytes: u32,
    /// The leader epoch under which it was first appended.
    pub leader_epoch: LeaderEpoch,
    /// The id of an idempotent producer's session, or −1.
    pub producer_id: ProducerId,
    /// Epoch of the producer id, or −1.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of its first record, or −1.
    pub first_sequence: Sequence,
    /// When the producer made it.
    pub created: Time,
    /// What it holds.
    pub records: Records,
}

impl Batch {
    /// The offset after its last record.
    pub fn next_offset(&self) -> Offset {
        self.base_offset + Offset::from(self.count)
    }
}

impl Batch {
    /// The part of the batch from this offset on.
    #[must_use]
    pub fn starting_at(&self, offset: Offset) -> Batch {
        let skipped = offset
            .saturating_sub(self.base_offset)
            .min(Offset::from(self.count)) as u32;
        let mut rest = self.part(skipped, self.count - skipped);
        if self.first_sequence >= 0 {
            rest.first_sequence =
                super::broker::producer_state::advance_sequence(self.first_sequence, skipped);
        }
        rest
    }

    /// The part of the batch before this offset.
    #[must_use]
    pub fn ending_at(&self, offset: Offset) -> Batch {
        let kept = offset
            .saturating_sub(self.base_offset)
            .min(Offset::from(self.count)) as u32;
        self.part(0, kept)
    }

    fn part(&self, from: u32, count: u32) -> Batch {
        let bytes = u64::from(self.bytes) * u64::from(count) / u64::from(self.count.max(1));
        Batch {
            base_offset: self.base_offset + Offset::from(from),
            count,
            bytes: bytes as u32,
            records: self.records.part(from, count),
            ..self.clone()
        }
    }
}

/// One partition's position in a fetch request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchPosition {
    /// Which partition.
    pub partition: PartitionId,
    /// From where to read; for a follower this is its log end.
    pub offset: Offset,
    /// The leader epoch that the reader knows, or −1.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch of the last batch that the reader has, or −1 (KIP-595; followers only).
    pub last_fetched_epoch: LeaderEpoch,
}

/// A fetch, of a follower or a consumer. Only positions that changed since the session's last request are sent (KIP-227).
#[derive(Debug, Clone, Default)]
pub struct FetchRequest {
    /// The follower's id and broker epoch; `None` for a consumer.
    pub replica: Option<(BrokerId, BrokerEpoch)>,
    /// 0 opens a new session with all positions; otherwise the number after the last answer's.
    pub session_epoch: u32,
    /// How long the answer may wait for data.
    pub max_wait: Time,
    /// How much data is worth an answer before that.
    pub min_bytes: u32,
    /// `max.partition.fetch.bytes`
    pub partition_max_bytes: u32,
    /// `fetch.max.bytes`; `u32::MAX` for no limit.
    pub max_bytes: u32,
    /// Positions that are new or changed.
    pub changed: Vec<FetchPosition>,
    /// Partitions that the reader no longer wants.
    pub forgotten: Vec<PartitionId>,
    /// The consumer's rack (`client.rack`), when it has one (KIP-392).
    pub rack: Option<Arc<str>>,
}

/// One partition of a fetch response.
#[derive(Debug, Clone)]
pub struct FetchedPartition {
    /// Which partition.
    pub partition: PartitionId,
    /// How it went. After an error the session holds the partition no more; the reader sends its position anew.
    pub error: Option<ErrorCode>,
    /// The leader's high watermark.
    pub high_watermark: Offset,
    /// Where the reader's log parted from the leader's: (epoch, end offset of that epoch) (KIP-595).
    pub diverging: Option<(LeaderEpoch, Offset)>,
    /// The leader that the answering broker believes in, when it is not it (KIP-951).
    pub leader_hint: Option<(BrokerId, LeaderEpoch)>,
    /// A replica in the reader's rack that it should ask instead (KIP-392).
    pub preferred_replica: Option<BrokerId>,
    /// How many of the response's batches are this partition's.
    pub batches: u32,
}

/// The answer to a fetch; partitions about which there is nothing new are left out.
#[derive(Debug, Clone, Default)]
pub struct FetchResponse {
    /// A fault of the whole request.
    pub error: Option<ErrorCode>,
    /// The session's number to continue with.
    pub session_epoch: u32,
    /// Partitions with news.
    pub partitions: Vec<FetchedPartition>,
    /// The batches of all of them, in order.
    pub batches: Vec<Batch>,
}

/// A batch in a produce request: a [`Batch`] without offset and leader epoch (they hold −1).
#[derive(Debug, Clone)]
pub struct ProducedBatch {
    /// To which partition.
    pub partition: PartitionId,
    /// The batch.
    pub batch: Batch,
}

/// The outcome for one batch of a produce request.
#[derive(Debug, Clone, Copy)]
pub struct ProduceResult {
    /// Which partition.
    pub partition: PartitionId,
    /// How it went.
    pub error: Option<ErrorCode>,
    /// Where it was put; 0 after an error or without idempotent knowledge of it.
    pub base_offset: Offset,
    /// The leader epoch under which it was put, or −1 (not in Kafka's protocol; only the ledger of fates reads it).
    pub leader_epoch: LeaderEpoch,
    /// The leader that the answering broker believes in, when it is not it (KIP-951).
    pub leader_hint: Option<(BrokerId, LeaderEpoch)>,
}

/// What a client learns about a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionLeader {
    /// Which partition.
    pub partition: PartitionId,
    /// Its leader.
    pub leader: Option<BrokerId>,
    /// Its leader epoch.
    pub epoch: LeaderEpoch,
}

/// The answer to a client's question for metadata.
#[derive(Debug, Clone)]
pub struct MetadataResponse {
    /// Brokers that can be asked.
    pub brokers: Vec<BrokerId>,
    /// Who leads.
    pub partitions: Vec<PartitionLeader>,
    /// How many partitions each topic has.
    pub counts: Vec<(TopicId, u32)>,
}

/// Where to start reading, asked by a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The log's start.
    Earliest,
    /// The high watermark.
    Latest,
}

/// The state of a partition, as the controller records it and brokers learn it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionRecord {
    /// Which partition.
    pub partition: PartitionId,
    /// Replicas in order of preference.
    pub replicas: Vec<BrokerId>,
    /// In-sync replicas.
    pub isr: Vec<BrokerId>,
    /// Eligible leader replicas (KIP-966).
    pub elr: Vec<BrokerId>,
    /// The last known leader when ISR and ELR are empty (KIP-966).
    pub last_known_elr: Vec<BrokerId>,
    /// Replicas being added by a reassignment.
    pub adding: Vec<BrokerId>,
    /// Replicas being removed by a reassignment.
    pub removing: Vec<BrokerId>,
    /// The leader.
    pub leader: Option<BrokerId>,
    /// Grows with every change of leader.
    pub leader_epoch: LeaderEpoch,
    /// Grows with every change.
    pub partition_epoch: i32,
    /// Whether the leader was elected uncleanly and has not confirmed yet (`LeaderRecoveryState.RECOVERING`).
    pub recovering: bool,
}

/// What a broker's registration is worth at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerRecord {
    /// Which broker.
    pub broker: BrokerId,
    /// Grows with every registration.
    pub epoch: BrokerEpoch,
    /// Whether the controller holds it for dead.
    pub fenced: bool,
    /// Whether it is shutting down in a controlled way.
    pub in_controlled_shutdown: bool,
}

/// An entry of the metadata log, which brokers replay in order.
#[derive(Debug, Clone)]
pub enum MetadataRecord {
    /// A broker registered, or was fenced or unfenced.
    Broker(BrokerRecord),
    /// A topic was created, or its settings changed.
    Topic {
        /// Which topic.
        topic: TopicId,
        /// Its own settings, over those of the brokers.
        overrides: Arc<[(super::settings::Setting, i64)]>,
    },
    /// A setting of all brokers was changed at run time.
    Cluster {
        /// Which.
        setting: super::settings::Setting,
        /// Its value.
        value: i64,
    },
    /// A partition was created or changed.
    Partition(Arc<PartitionRecord>),
}

/// What a member of a classic group brings to a JoinGroup.
#[derive(Debug, Clone)]
pub struct JoinGroupRequest {
    /// Which group.
    pub group: Arc<str>,
    /// The member's id; empty at first.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// `session.timeout.ms`
    pub session_timeout: Time,
    /// `max.poll.interval.ms`
    pub rebalance_timeout: Time,
    /// Assignors by preference, each with the member's subscription and what it owns.
    pub protocols: Arc<[(Arc<str>, Arc<Subscription>)]>,
}

/// What a member subscribes to and owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Topics, by name.
    pub topics: Vec<Arc<str>>,
    /// What it owned when it joined (cooperative and sticky assignors).
    pub owned: Vec<PartitionId>,
    /// The generation in which it owned that, or −1.
    pub generation: i32,
    /// The generation it was last in, or −1. Assignors do not look at it, but with it a member that asks to join again
    /// says something new, and the group rebalances (`ConsumerProtocolSubscription`, version 2).
    pub member_generation: i32,
    /// `client.rack`
    pub rack: Option<Arc<str>>,
}

/// The coordinator's answer to a JoinGroup.
#[derive(Debug, Clone)]
pub struct JoinGroupResponse {
    /// How it went.
    pub error: Option<ErrorCode>,
    /// The new generation, or −1.
    pub generation: i32,
    /// The chosen assignor.
    pub protocol: Arc<str>,
    /// Who computes the assignment.
    pub leader: Arc<str>,
    /// The member's id.
    pub member_id: Arc<str>,
    /// All members, for the leader only: member id, instance id, subscription.
    pub members: Vec<(Arc<str>, Option<Arc<str>>, Arc<Subscription>)>,
    /// The leader need not compute: the coordinator keeps the assignment (static leader that came back, KIP-814).
    pub skip_assignment: bool,
}

/// Who in which generation of which group sends this.
#[derive(Debug, Clone)]
pub struct MemberIdentity {
    /// Which group.
    pub group: Arc<str>,
    /// The member's id.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// The generation it believes in, or −1.
    pub generation: i32,
}

/// A reply's partitions with an error each.
pub type PartitionErrors = Vec<(PartitionId, Option<ErrorCode>)>;

/// Everything that can be said.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "requests and answers carry Kafka's names; fields repeat the structures above"
)]
pub enum Message {
    /// The peer's process ended and its sockets closed: whatever was asked of it gets no answer.
    Disconnected,

    // Producers.
    InitProducerIdRequest,
    InitProducerIdResponse {
        error: Option<ErrorCode>,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
    },
    ProduceRequest {
        acks: i8,
        timeout: Time,
        batches: Vec<ProducedBatch>,
    },
    ProduceResponse {
        results: Vec<ProduceResult>,
    },

    // Everyone who reads.
    FetchRequest(Box<FetchRequest>),
    FetchResponse(Box<FetchResponse>),
    ListOffsetsRequest {
        partitions: Vec<(PartitionId, OffsetSpec, LeaderEpoch)>,
    },
    ListOffsetsResponse {
        partitions: Vec<(PartitionId, Result<Offset, ErrorCode>)>,
    },
    OffsetForLeaderEpochRequest {
        partitions: Vec<(PartitionId, LeaderEpoch, LeaderEpoch)>,
    },
    OffsetForLeaderEpochResponse {
        partitions: Vec<(PartitionId, Result<(LeaderEpoch, Offset), ErrorCode>)>,
    },
    MetadataRequest {
        topics: Vec<TopicId>,
    },
    MetadataResponse(Box<MetadataResponse>),

    // Classic groups.
    FindCoordinatorRequest {
        group: Arc<str>,
    },
    FindCoordinatorResponse {
        group: Arc<str>,
        error: Option<ErrorCode>,
        coordinator: BrokerId,
    },
    JoinGroupRequest(Box<JoinGroupRequest>),
    JoinGroupResponse(Box<JoinGroupResponse>),
    SyncGroupRequest {
        member: Box<MemberIdentity>,
        assignments: Vec<(Arc<str>, Arc<[PartitionId]>)>,
    },
    SyncGroupResponse {
        error: Option<ErrorCode>,
        assignment: Arc<[PartitionId]>,
    },
    HeartbeatRequest(Box<MemberIdentity>),
    HeartbeatResponse {
        error: Option<ErrorCode>,
    },
    LeaveGroupRequest(Box<MemberIdentity>),
    LeaveGroupResponse {
        error: Option<ErrorCode>,
    },
    OffsetCommitRequest {
        member: Box<MemberIdentity>,
        offsets: Vec<(PartitionId, Offset, LeaderEpoch)>,
    },
    OffsetCommitResponse {
        partitions: PartitionErrors,
    },
    OffsetFetchRequest {
        group: Arc<str>,
        partitions: Box<[PartitionId]>,
    },
    OffsetFetchResponse {
        error: Option<ErrorCode>,
        offsets: Vec<(PartitionId, Option<(Offset, LeaderEpoch)>)>,
    },

    // Brokers and the controller.
    BrokerRegistrationRequest {
        broker: BrokerId,
        incarnation: u32,
        previous_epoch: BrokerEpoch,
    },
    BrokerRegistrationResponse {
        error: Option<ErrorCode>,
        epoch: BrokerEpoch,
    },
    BrokerHeartbeatRequest {
        broker: BrokerId,
        epoch: BrokerEpoch,
        metadata_offset: u64,
        want_shut_down: bool,
    },
    BrokerHeartbeatResponse {
        error: Option<ErrorCode>,
        fenced: bool,
        should_shut_down: bool,
    },
    AlterPartitionRequest(Box<AlterPartition>),
    AlterPartitionResponse {
        partition: PartitionId,
        proposal: u64,
        result: Result<Arc<PartitionRecord>, ErrorCode>,
    },
    MetadataFetchRequest {
        offset: u64,
    },
    MetadataFetchResponse {
        error: Option<ErrorCode>,
        first: u64,
        records: Vec<MetadataRecord>,
    },
    CreateInternalTopicRequest {
        topic: Arc<str>,
    },
}

/// A leader's request to change its partition's ISR (KIP-497).
#[derive(Debug, Clone)]
pub struct AlterPartition {
    /// Which partition.
    pub partition: PartitionId,
    /// Who asks.
    pub broker: BrokerId,
    /// Its broker epoch.
    pub broker_epoch: BrokerEpoch,
    /// Its leader epoch.
    pub leader_epoch: LeaderEpoch,
    /// The partition epoch it builds on.
    pub partition_epoch: i32,
    /// The ISR it wants, each member with the broker epoch the leader saw (KIP-903).
    pub new_isr: Vec<(BrokerId, BrokerEpoch)>,
    /// The leader's number of the proposal.
    pub proposal: u64,
    /// Why it asks; for explanations, not in Kafka's protocol.
    pub reason: AlterReason,
}

/// Why a leader wants to change its ISR.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterReason {
    /// Members are not caught up.
    Shrink(super::event::ShrinkReason),
    /// A follower reached the high watermark.
    Expand {
        /// The follower.
        joiner: BrokerId,
        /// The leader's log end.
        log_end: Offset,
        /// The leader's high watermark.
        high_watermark: Offset,
    },
}

impl Message {
    /// The kind's name, as commands name it: `ProduceResponse`.
    pub fn kind(&self) -> MessageKind {
        macro_rules! kinds {
            ($($name:ident $pattern:tt),* $(,)?) => {
                match self { $(Message::$name $pattern => MessageKind::$name,)* }
            };
        }
        kinds!(
            Disconnected {},
            InitProducerIdRequest {},
            InitProducerIdResponse { .. },
            ProduceRequest { .. },
            ProduceResponse { .. },
            FetchRequest(_),
            FetchResponse(_),
            ListOffsetsRequest { .. },
            ListOffsetsResponse { .. },
            OffsetForLeaderEpochRequest { .. },
            OffsetForLeaderEpochResponse { .. },
            MetadataRequest { .. },
            MetadataResponse(_),
            FindCoordinatorRequest { .. },
            FindCoordinatorResponse { .. },
            JoinGroupRequest(_),
            JoinGroupResponse(_),
            SyncGroupRequest { .. },
            SyncGroupResponse { .. },
            HeartbeatRequest(_),
            HeartbeatResponse { .. },
            LeaveGroupRequest(_),
            LeaveGroupResponse { .. },
            OffsetCommitRequest { .. },
            OffsetCommitResponse { .. },
            OffsetFetchRequest { .. },
            OffsetFetchResponse { .. },
            BrokerRegistrationRequest { .. },
            BrokerRegistrationResponse { .. },
            BrokerHeartbeatRequest { .. },
            BrokerHeartbeatResponse { .. },
            AlterPartitionRequest(_),
            AlterPartitionResponse { .. },
            MetadataFetchRequest { .. },
            MetadataFetchResponse { .. },
            CreateInternalTopicRequest { .. },
        )
    }
}

macro_rules! message_kinds {
    ($($name:ident),* $(,)?) => {
        /// The kind of a message, for faults that pick messages by kind.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "named after the messages")]
        pub enum MessageKind { $($name),* }

        impl MessageKind {
            /// Every kind.
            pub const ALL: &'static [MessageKind] = &[$(MessageKind::$name),*];
            /// The name, as in Kafka's protocol.
            pub fn name(self) -> &'static str {
                match self { $(MessageKind::$name => stringify!($name)),* }
            }
        }
    };
}

message_kinds!(
    Disconnected,
    InitProducerIdRequest,
    InitProducerIdResponse,
    ProduceRequest,
    ProduceResponse,
    FetchRequest,
    FetchResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    MetadataRequest,
    MetadataResponse,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
    JoinGroupRequest,
    JoinGroupResponse,
    SyncGroupRequest,
    SyncGroupResponse,
    HeartbeatRequest,
    HeartbeatResponse,
    LeaveGroupRequest,
    LeaveGroupResponse,
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetFetchRequest,
    OffsetFetchResponse,
    BrokerRegistrationRequest,
    BrokerRegistrationResponse,
    BrokerHeartbeatRequest,
    BrokerHeartbeatResponse,
    AlterPartitionRequest,
    AlterPartitionResponse,
    MetadataFetchRequest,
    MetadataFetchResponse,
    CreateInternalTopicRequest,
);

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
