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
    "Outside the ISR until it reaches the high watermark: nobody waits for it, and only an unclean election lets it lead.",
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
/// A consumer that is out of its group.
pub const LEFT: Term = term(
    "out of the group",
    "It goes on with what it was handed, but the partitions in brackets are others' now, and commits are refused.",
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

/// A topic.
pub const TOPIC: Term = term(
    "topic",
    "A named stream of records, kept as one log or several, its partitions.",
);
/// A partition.
pub const PARTITION: Term = term(
    "partition",
    "One log of a topic: records in a fixed order, appended at the end. A record's key decides into which one it goes.",
);
/// An offset.
pub const OFFSET: Term = term(
    "offset",
    "The place of a record in its partition: 0, 1, 2, … It never changes.",
);
/// A replica.
pub const REPLICA: Term = term(
    "replica",
    "A copy of a partition on one broker. The replication factor says how many there are.",
);
/// What a producer waits for.
pub const ACKS: Term = term(
    "acks",
    "When a write counts as done: all = every in-sync replica has it, 1 = the leader has it, 0 = it has been sent.",
);
/// How small the ISR may get.
pub const MIN_ISR: Term = term(
    "min.insync.replicas",
    "The least size of the ISR at which writes with acks=all are taken. The default is 1.",
);
/// A committed offset.
pub const COMMIT: Term = term(
    "commit",
    "A group's note of the next offset to read in a partition. Whoever reads it next begins there.",
);
/// A heartbeat.
pub const HEARTBEAT: Term = term(
    "heartbeat",
    "A short message at regular times that says: I live. Too long without one, and the sender counts as dead.",
);
/// What a consumer calls to get records.
pub const POLL: Term = term(
    "poll()",
    "The call by which a consumer gets the next records, in a loop: poll, work, poll, …",
);
/// An idempotent producer.
pub const IDEMPOTENT: Term = term(
    "idempotence",
    "The producer numbers its batches, so the leader keeps one that is sent again only once (enable.idempotence).",
);
/// An unclean election.
pub const UNCLEAN: Term = term(
    "unclean",
    "An election of a leader from outside the ISR: the partition works again, and what the new leader lacks is lost.",
);
/// The preferred leader.
pub const PREFERRED: Term = term(
    "preferred",
    "The first replica in a partition's list. It leads when all is well, so that leaders are spread over the brokers.",
);
/// A batch.
pub const BATCH: Term = term(
    "batch",
    "Records for one partition that a producer sends together, or that one poll() returns.",
);
/// A record's key.
pub const KEY: Term = term(
    "key",
    "A part of a record. Records with the same key go to the same partition, as long as the number of partitions stays.",
);

/// All of them.
pub const ALL: [Term; 38] = [
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
    LEFT,
    CUT,
    QUORUM,
    TOPIC,
    PARTITION,
    OFFSET,
    REPLICA,
    ACKS,
    MIN_ISR,
    COMMIT,
    HEARTBEAT,
    POLL,
    IDEMPOTENT,
    UNCLEAN,
    PREFERRED,
    BATCH,
    KEY,
];

/// Other ways in which a term is written; its plural needs no entry.
const ALSO: &[(&str, &[&str])] = &[
    ("leader", &["lead", "leading"]),
    ("ISR", &["in-sync replica", "in sync"]),
    ("consumer group", &["group"]),
    ("rebalance", &["rebalances", "rebalancing"]),
    ("commit", &["commits", "committed"]),
    ("fenced", &["fence", "fences", "fencing"]),
    ("idempotence", &["idempotent"]),
    ("unclean", &["uncleanly"]),
    ("batch", &["batches"]),
    ("member", &["group.instance.id"]),
    ("zombie leader", &["zombie"]),
    ("cut", &["cuts"]),
];

/// Terms that are everyday words in a text more often than what they mean on the screen.
const EVERYDAY: [Term; 1] = [LOST];

/// The terms that a text uses and does not explain by itself, which is to say in bold, in the order of [`ALL`]. What
/// stands in `before` is known already, whether by bold or by having been met.
pub fn met(before: &str, text: &str) -> Vec<Term> {
    let bold: String = text
        .split("**")
        .skip(1)
        .step_by(2)
        .collect::<Vec<_>>()
        .join(" ");
    let (before, text, bold) = (words_of(before), words_of(text), words_of(&bold));
    ALL.into_iter()
        .filter(|term| {
            let uses = |words: &str| {
                let also = ALSO.iter().find(|(word, _)| *word == term.word);
                let also = also.map_or(&[][..], |(_, also)| also);
                std::iter::once(&term.word)
                    .chain(also)
                    .any(|written| has(words, &written.to_lowercase()))
            };
            !EVERYDAY.contains(term) && uses(&text) && !uses(&bold) && !uses(&before)
        })
        .collect()
}

/// A text in small letters, its words apart by one space, without the marks of Markdown.
fn words_of(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| {
            if matches!(c, '*' | '`' | ',' | ';' | ':' | '"') {
                ' '
            } else {
                c
            }
        })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    format!(" {} ", words.join(" ")).to_lowercase()
}

/// Whether these words stand in a text, in the singular or the plural, and not as a part of longer ones.
fn has(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let after = &text[at + words.len()..];
        let after = after.strip_prefix('s').unwrap_or(after);
        let parts = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let ends = |rest: &str| {
            let mut rest = rest.chars();
            match (rest.next(), rest.next()) {
                // a full stop ends a word, and does not where a setting goes on behind it
                (Some('.'), Some(c)) => !parts(c),
                (Some(c), _) => !parts(c),
                (None, _) => true,
            }
        };
        !text[..at].ends_with(|c: char| parts(c) || c == '.') && ends(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(before: &str, text: &str) -> Vec<&'static str> {
        met(before, text)
            .into_iter()
            .map(|term| term.word)
            .collect()
    }

    #[test]
    fn terms_are_found_as_they_are_written() {
        assert_eq!(
            words("", "Two followers leave the ISR."),
            ["follower", "ISR"]
        );
        assert_eq!(words("", "With `acks=all`, it **commits**."), ["acks"]);
        assert_eq!(
            words("", "The in-sync replicas shrink."),
            ["ISR", "replica"]
        );
        assert_eq!(
            words("", "`min.insync.replicas` is 2."),
            ["min.insync.replicas"]
        );
        assert_eq!(words("", "`auto.offset.reset` and a keyword"), [""; 0]);
        assert_eq!(words("The offset is 7.", "Offsets never change"), [""; 0]);
        assert_eq!(words("", "A lost answer, a lost majority"), [""; 0]);
    }
}
