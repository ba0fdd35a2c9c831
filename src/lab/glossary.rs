//! One line for each thing that the lab shows, for whoever meets it for the first time.

/// A term with its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The word.
    pub word: &'static str,
    /// What it means, in one or two sentences.
    pub meaning: &'static str,
}

const fn term(word: &'static str, meaning: &'static str) -> Term {
    Term { word, meaning }
}

/// A broker.
pub const BROKER: Term = term(
    "broker",
    "A server process that keeps copies of partitions. It sends the controller a heartbeat every 2 s.",
);
/// A fenced broker.
pub const FENCED: Term = term(
    "fenced",
    "No heartbeat for broker.session.timeout.ms (9 s), or still catching up with the metadata: it leads nothing and is in no ISR.",
);
/// A leader.
pub const LEADER: Term = term(
    "leader",
    "The one replica of a partition that takes writes; the others fetch from it.",
);
/// A follower that is in sync.
pub const FOLLOWER: Term = term(
    "follower",
    "A replica that copies the leader's log by fetching from it, as a consumer does.",
);
/// The ISR.
pub const ISR: Term = term(
    "ISR",
    "The leader and every follower that was caught up within replica.lag.time.max.ms (30 s). acks=all waits for exactly these.",
);
/// A replica that is not in sync.
pub const OUT_OF_SYNC: Term = term(
    "out of sync",
    "A replica outside the ISR: nobody waits for it, and only an unclean election lets it lead. It is back when it reaches the high watermark.",
);
/// The high watermark.
pub const HIGH_WATERMARK: Term = term(
    "high watermark",
    "The offset up to which every in-sync replica has the log. Consumers read only below it; acks=all waits for it.",
);
/// The log end.
pub const LOG_END: Term = term(
    "log end",
    "The offset that the next record will get (log end offset, LEO). Each replica has its own.",
);
/// A leader epoch.
pub const EPOCH: Term = term(
    "leader epoch",
    "Counts the leaders of a partition. A request with an older epoch is refused, which is how a stale leader is found out.",
);
/// A leader that has been replaced and does not know it.
pub const ZOMBIE: Term = term(
    "zombie leader",
    "A broker that still believes it leads although the controller has elected another: the news cannot reach it.",
);
/// A partition without leader.
pub const OFFLINE: Term = term(
    "offline",
    "A partition without a leader: no in-sync replica is up, so nothing can be written or read.",
);
/// Eligible leader replicas.
pub const ELR: Term = term(
    "ELR",
    "Eligible leader replicas (KIP-966): out of the ISR, yet with everything below the high watermark; they may lead without loss.",
);
/// A group.
pub const GROUP: Term = term(
    "consumer group",
    "Consumers that share the partitions of their topics; each partition has at most one owner in the group.",
);
/// A group's generation.
pub const GENERATION: Term = term(
    "generation",
    "Counts the rebalances of a group. A member with an older generation can no longer commit.",
);
/// A group that rebalances.
pub const REBALANCING: Term = term(
    "rebalance",
    "The members join again and partitions are handed out anew. With an eager assignor everybody stops meanwhile.",
);
/// A member.
pub const MEMBER: Term = term(
    "member",
    "A consumer in a group. It must send heartbeats (session.timeout.ms) and call poll() (max.poll.interval.ms).",
);
/// A member with nothing to read.
pub const IDLE: Term = term(
    "idle member",
    "A member that owns no partition: a group has no use for more members than partitions.",
);
/// Lag.
pub const LAG: Term = term(
    "lag",
    "How far a group is behind: high watermark minus committed offset. Unknown (-) until something is committed.",
);
/// A producer.
pub const PRODUCER: Term = term(
    "producer",
    "A client that writes. It batches records for each partition and sends again when an answer fails to come.",
);
/// Requests in flight.
pub const IN_FLIGHT: Term = term(
    "in flight",
    "Produce requests that have been sent and not answered; at most max.in.flight.requests.per.connection for each broker.",
);
/// A lost record.
pub const LOST: Term = term(
    "lost",
    "Records whose producer was told that they are written, and that no leader has any more.",
);
/// A cut link.
pub const CUT: Term = term(
    "cut",
    "Messages in this direction no longer arrive. The other direction may still work.",
);
/// The controller quorum.
pub const QUORUM: Term = term(
    "controller",
    "The active one of the quorum decides who leads. Without a majority nothing is elected, but leaders that run go on.",
);

/// All of them.
pub const ALL: [Term; 23] = [
    BROKER,
    FENCED,
    LEADER,
    FOLLOWER,
    ISR,
    OUT_OF_SYNC,
    HIGH_WATERMARK,
    LOG_END,
    EPOCH,
    ZOMBIE,
    OFFLINE,
    ELR,
    GROUP,
    GENERATION,
    REBALANCING,
    MEMBER,
    IDLE,
    LAG,
    PRODUCER,
    IN_FLIGHT,
    LOST,
    CUT,
    QUORUM,
];
