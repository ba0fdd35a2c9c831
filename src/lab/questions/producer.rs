//! What happens to a record on its way in: its partition, its acknowledgement, its sequence number.

use super::{Draft, Reasoned, dice::Dice};
use crate::sim::{
    broker::{
        partition_state::{IsrConfig, LeaderPartition, LeaderStart, effective_min_isr},
        producer_state::{ProducerBatch, ProducerStates, Verdict},
    },
    partitioner::{murmur2, partition_for_key, to_positive},
};

/// A key and two numbers of partitions.
#[derive(Clone, Debug)]
pub(super) struct Keyed {
    pub(super) key: String,
    pub(super) partitions: u32,
    /// The topic is enlarged to this before the record is sent.
    pub(super) enlarged: Option<u32>,
}

impl Keyed {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let kind = *dice.pick(&["order", "customer", "cart", "device"]);
        let partitions = dice.between(3, 12) as u32;
        Self {
            key: format!("{kind}-{}", dice.between(1, 9999)),
            partitions,
            enlarged: dice
                .one_in(2)
                .then(|| partitions + dice.between(1, 6) as u32),
        }
    }
}

pub(super) fn key_partition(dice: &mut Dice) -> Draft {
    let Keyed {
        key,
        partitions,
        enlarged,
    } = Keyed::draw(dice);
    let hash = murmur2(key.as_bytes());
    let positive = to_positive(hash);
    let now = enlarged.unwrap_or(partitions);
    let right = partition_for_key(key.as_bytes(), now);
    let mut ask = format!(
        "The Java producer's default partitioner computes `murmur2(\"{key}\")` = {hash}; with the sign bit cleared \
         that is {positive}. The topic has {partitions} partitions"
    );
    if let Some(enlarged) = enlarged {
        ask.push_str(&format!(
            ", is enlarged to {enlarged}, and the producer has fetched the new metadata"
        ));
    }
    ask.push_str(". Which partition does a record with this key go to?");
    let mut wrong: Vec<Reasoned> = Vec::new();
    if enlarged.is_some() {
        wrong.push((
            partition_for_key(key.as_bytes(), partitions).to_string(),
            format!(
                "That is where it went with {partitions} partitions. Adding partitions moves keys, and with them the \
                 order per key."
            ),
        ));
    }
    wrong.push((
        (hash.unsigned_abs() % now).to_string(),
        "That takes the absolute value of the hash; Kafka clears the sign bit instead (`hash & 0x7fffffff`).".to_owned(),
    ));
    for off in [1, now - 1, 2] {
        wrong.push((
            ((right + off) % now).to_string(),
            format!("{positive} modulo {now} is {right}."),
        ));
    }
    wrong.push((
        format!("{now}"),
        format!("Partitions count from 0: the last one is {}.", now - 1),
    ));
    Draft {
        ask,
        right: (
            right.to_string(),
            format!("{positive} modulo {now} is {right}: all partitions count, available or not."),
        ),
        wrong,
        background: format!(
            "`partition = (murmur2(key) & 0x7fffffff) % number of partitions` = {positive} % {now} = {right}."
        ),
    }
}

/// A write and the state of its partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    /// 0, 1, or -1 for `all`.
    pub(super) acks: i8,
    pub(super) replicas: u32,
    pub(super) in_sync: u32,
    pub(super) min_insync: u32,
}

impl Write {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let replicas = *dice.pick(&[2_u32, 3, 3, 3, 5]);
        Self {
            acks: *dice.pick(&[-1_i8, -1, -1, 1, 1, 0]),
            replicas,
            in_sync: dice.between(1, u64::from(replicas)) as u32,
            min_insync: dice.between(1, u64::from(replicas).min(3)) as u32,
        }
    }

    pub(super) fn is_refused(self) -> bool {
        let start = LeaderStart {
            local: 1,
            replicas: (1..=self.replicas).collect(),
            isr: (1..=self.in_sync).collect(),
            leader_epoch: 0,
            partition_epoch: 0,
        };
        let config = IsrConfig {
            min_insync_replicas: self.min_insync,
            replica_lag_time_max: 30_000_000,
        };
        let leader = LeaderPartition::new(start, 0, 0, 0);
        self.acks == -1 && leader.check_before_append_all(&config).is_err()
    }

    fn is_hidden(self) -> bool {
        (self.in_sync as usize) < effective_min_isr(self.min_insync, self.replicas as usize)
    }

    /// What the producer sees when all in sync are waited for.
    fn waits(self) -> String {
        format!(
            "success once {} appended it",
            match self.in_sync {
                1 => "the leader, alone in sync, has".to_owned(),
                n => format!("the {n} in-sync replicas have"),
            }
        )
    }

    /// What the producer sees, and why.
    fn truth(self) -> Reasoned {
        let (right, why) = match self.acks {
            -1 if self.is_refused() => (REFUSED.to_owned(), WHY_REFUSED),
            -1 => (
                self.waits(),
                "`acks=all` waits for the replicas in sync at that moment: not for the whole replica list, and not just \
                 for the minimum.",
            ),
            1 if self.is_hidden() => (
                HIDDEN.to_owned(),
                "`min.insync.replicas` does not refuse `acks=1`, but below it the high watermark stands still, and \
                 consumers read up to the high watermark only (KIP-966, Kafka 4.x).",
            ),
            1 => (
                ALONE.to_owned(),
                "`acks=1` asks for the leader's append and nothing more.",
            ),
            _ => (
                UNHEARD.to_owned(),
                "With `acks=0` the broker sends no answer; errors go unnoticed.",
            ),
        };
        (right, why.to_owned())
    }

    /// What people take for it, with what is wrong with that. A mistake that comes to the same as the truth is none.
    fn mistakes(self) -> Vec<Reasoned> {
        let alone = self.in_sync == 1 && self.acks != 0;
        let minimum = self.min_insync.max(2);
        let all = [
            (
                true,
                REFUSED.to_owned(),
                match self.acks {
                    -1 => "Enough replicas are in sync for the minimum.",
                    _ => "The check before the append is for `acks=all` only.",
                },
            ),
            (
                self.in_sync != self.replicas,
                format!(
                    "success once all {} replicas have appended it",
                    self.replicas
                ),
                "Replicas that are out of sync are never waited for.",
            ),
            (
                !alone || self.is_refused(),
                self.waits(),
                match self.acks {
                    -1 => WHY_REFUSED,
                    _ => "Only `acks=all` waits for followers.",
                },
            ),
            (
                !alone || self.is_hidden(),
                ALONE.to_owned(),
                match self.acks {
                    0 => "With `acks=0` no answer is sent at all.",
                    1 => {
                        "It is appended, but there is more to say: below the minimum nobody can read it yet."
                    }
                    _ => "That is `acks=1`.",
                },
            ),
            (
                self.in_sync != minimum,
                format!("success once {minimum} replicas have appended it, whichever they are"),
                "The minimum decides whether a write is admitted, not whom it waits for.",
            ),
            (
                true,
                HIDDEN.to_owned(),
                "With the minimum in sync the high watermark moves, and consumers follow.",
            ),
            (true, UNHEARD.to_owned(), "That is `acks=0`."),
        ];
        let wrong = all.into_iter().filter(|(is_wrong, ..)| *is_wrong);
        wrong.map(|(_, text, why)| (text, why.to_owned())).collect()
    }
}

const WHY_REFUSED: &str = "With `acks=all` the leader checks first: fewer in sync than the minimum, and the write is refused.";
const REFUSED: &str = "`NOT_ENOUGH_REPLICAS`; nothing was appended";
const HIDDEN: &str = "success from the leader, but consumers do not see the record yet";
const ALONE: &str =
    "success as soon as the leader has appended it, and consumers can read it in time";
const UNHEARD: &str = "nothing: it counts the record as sent without an answer";

pub(super) fn outcome(dice: &mut Dice) -> Draft {
    let write = Write::draw(dice);
    let acks = match write.acks {
        -1 => "all".to_owned(),
        n => n.to_string(),
    };
    let state = format!(
        "{} in sync, `min.insync.replicas` is {}",
        match write.in_sync {
            1 => "only the leader is".to_owned(),
            n => format!("{n} replicas are"),
        },
        write.min_insync
    );
    let (right, why) = write.truth();
    let wrong = write.mistakes();
    Draft {
        ask: format!(
            "A partition has {} replicas, {state}. A producer with `acks={acks}` sends a record to its leader. What does \
             the producer see?",
            write.replicas
        ),
        right: (right, why.clone()),
        wrong,
        background: format!(
            "{why} The effective minimum is min(`min.insync.replicas`, replicas) = {}.",
            effective_min_isr(write.min_insync, write.replicas as usize)
        ),
    }
}

/// Batches in the log and the one that arrives next.
#[derive(Clone, Debug)]
pub(super) struct Sequenced {
    /// First and last sequence of each batch appended, oldest first.
    pub(super) appended: Vec<(i32, i32)>,
    /// First and last sequence of the arriving batch.
    pub(super) arrives: (i32, i32),
    /// The broker has heard of this producer before.
    pub(super) known: bool,
}

impl Sequenced {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let mut next = 0;
        let mut appended = Vec::new();
        for _ in 0..dice.between(3, 8) {
            let count = dice.between(1, 4) as i32;
            appended.push((next, next + count - 1));
            next += count;
        }
        let arrives = match dice.between(0, 3) {
            0 => *dice.pick(&appended),
            1 => {
                let gap = next + dice.between(1, 5) as i32;
                (gap, gap + dice.between(0, 3) as i32)
            }
            2 => {
                let (first, last) = *dice.pick(&appended);
                (first, last + 1)
            }
            _ => (next, next + dice.between(0, 3) as i32),
        };
        Self {
            appended,
            arrives,
            known: !dice.one_in(8),
        }
    }

    pub(super) fn verdict(
        &self,
    ) -> Result<Verdict, crate::sim::broker::producer_state::SequenceError> {
        let batch =
            |(first, last): (i32, i32)| ProducerBatch::of(1, 0, first, (last - first + 1) as u32);
        let mut states = ProducerStates::new();
        if self.known {
            for range in &self.appended {
                states.record(&batch(*range), range.0 as u64, range.1 as u64, 0);
            }
        }
        states.check(&batch(self.arrives))
    }
}

const APPENDED: &str = "appended, and acknowledged with its new offsets";
const DUPLICATE: &str = "not appended again, but acknowledged with the original offsets";
const OUT_OF_ORDER: &str = "refused with `OUT_OF_ORDER_SEQUENCE_NUMBER`";
const TWICE: &str = "appended a second time under new offsets";

pub(super) fn sequence(dice: &mut Dice) -> Draft {
    let sequenced = Sequenced::draw(dice);
    let range = |(first, last): (i32, i32)| {
        if first == last {
            format!("{first}")
        } else {
            format!("{first}–{last}")
        }
    };
    let log: Vec<String> = sequenced.appended.iter().map(|r| range(*r)).collect();
    let arrives = range(sequenced.arrives);
    let (right, why) = match sequenced.verdict() {
        Ok(Verdict::Duplicate(_)) => (
            DUPLICATE,
            "It equals one of the last five batches in epoch, first and last sequence: the broker answers with the \
             offsets of the first attempt."
                .to_owned(),
        ),
        Ok(Verdict::Append) if sequenced.known => {
            (APPENDED, "It continues exactly where the last batch ended.".to_owned())
        }
        Ok(Verdict::Append) => (
            APPENDED,
            "Of a producer the broker knows nothing of, any first sequence is accepted: its state may have expired."
                .to_owned(),
        ),
        Err(error) => (OUT_OF_ORDER, format!("The broker says: {error}.")),
    };
    let known = if sequenced.known {
        format!(
            "An idempotent producer's batches with the sequences {} lie in a partition, oldest first.",
            log.join(", ")
        )
    } else {
        format!(
            "An idempotent producer wrote batches with the sequences {} long ago; the broker has since forgotten this \
             producer id.",
            log.join(", ")
        )
    };
    let wrong = [
        (
            DUPLICATE,
            "Only a batch equal to one of the last five is taken for a duplicate.",
        ),
        (
            OUT_OF_ORDER,
            "Nothing is missing before it, or it is a known duplicate.",
        ),
        (
            APPENDED,
            "Only a batch that continues at the last sequence plus one is appended.",
        ),
        (
            TWICE,
            "That is what happens without idempotence; here the sequence is checked.",
        ),
    ];
    Draft {
        ask: format!(
            "{known} Now a batch with the sequences {arrives} and the same producer epoch arrives. It is …"
        ),
        right: (right.to_owned(), why.clone()),
        wrong: wrong
            .into_iter()
            .map(|(text, why)| (text.to_owned(), why.to_owned()))
            .collect(),
        background: format!(
            "The leader remembers the last five batches of each producer in the partition. {why}"
        ),
    }
}
