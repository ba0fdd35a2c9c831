//! What a consumer group has left to read, and what it reads again after one of its members has died.

use super::{Draft, Reasoned, dice::Dice};
use crate::sim::{
    group::{
        lag::{commit_after, consumer_lag, group_lag},
        progress::GroupProgress,
    },
    node::PartitionId,
    types::Offset,
};

/// One partition as its group stands in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// The leader's log end.
    pub(super) log_end: Offset,
    pub(super) high_watermark: Offset,
    /// What the group has committed, if anything.
    pub(super) committed: Option<Offset>,
    /// The next record that the consumer fetches.
    pub(super) position: Offset,
}

/// What is asked about a group's lag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reading {
    /// The LAG column of the command-line tool, for one partition.
    Column(usize),
    /// The consumer's own metric, for one partition.
    Metric(usize),
    /// The LAG column, added up.
    Total,
}

/// A topic's partitions and what is asked about them.
#[derive(Clone, Debug)]
pub(super) struct Behind {
    pub(super) partitions: Vec<Standing>,
    pub(super) reading: Reading,
}

impl Behind {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let partitions: Vec<Standing> = (0..dice.between(2, 4))
            .map(|_| {
                let committed = dice.between(200, 900);
                let position = committed + dice.between(0, 60);
                let high_watermark = position + dice.between(0, 150);
                Standing {
                    log_end: high_watermark + dice.between(0, 25),
                    high_watermark,
                    committed: (!dice.one_in(5)).then_some(committed),
                    position,
                }
            })
            .collect();
        let asked = dice.between(0, partitions.len() as u64 - 1) as usize;
        let reading = *dice.pick(&[
            Reading::Column(asked),
            Reading::Metric(asked),
            Reading::Total,
        ]);
        Self {
            partitions,
            reading,
        }
    }

    fn table(&self) -> String {
        let mut table = String::from(
            "| partition | committed | consumer's position | high watermark | leader's log end |\n|---|---|---|---|---|\n",
        );
        for (number, at) in self.partitions.iter().enumerate() {
            let committed = at.committed.map_or("none".to_owned(), |at| at.to_string());
            table.push_str(&format!(
                "| orders-{number} | {committed} | {} | {} | {} |\n",
                at.position, at.high_watermark, at.log_end
            ));
        }
        table
    }

    fn total(&self, lag: impl Fn(&Standing) -> u64) -> u64 {
        self.partitions.iter().map(lag).sum()
    }
}

const UNKNOWN: &str = "`-`: it is unknown";

pub(super) fn lag(dice: &mut Dice) -> Draft {
    let behind = Behind::draw(dice);
    let (question, right, why, wrong) = match behind.reading {
        Reading::Column(place) => column(place, behind.partitions[place]),
        Reading::Metric(place) => metric(place, behind.partitions[place]),
        Reading::Total => total(&behind),
    };
    Draft {
        ask: format!(
            "A consumer group reads `orders` with the default isolation level:\n\n{}\n{question}",
            behind.table()
        ),
        right: (right, why.clone()),
        wrong,
        background: why,
    }
}

type Parts = (String, String, String, Vec<Reasoned>);

const NEXT: &str =
    "A committed offset is that of the next record to read: nothing is to be added or taken off.";
const INVISIBLE: &str = "That counts up to the leader's log end. What lies above the high watermark no consumer can \
                         read, and although the column beside it is called LOG-END-OFFSET, the tool asks for the \
                         high watermark.";
const OWN: &str =
    "That is the consumer's own `records-lag`, by its position; the group's lag goes by commits.";

fn column(place: usize, at: Standing) -> Parts {
    let question =
        format!("Which LAG does `kafka-consumer-groups.sh --describe` show for `orders-{place}`?");
    let own = consumer_lag(at.high_watermark, at.position);
    let Some((lag, committed)) = group_lag(at.high_watermark, at.committed).zip(at.committed)
    else {
        let why = "Without a commit there is nothing to subtract: the tool shows `-`. An alert on the number sees nothing."
            .to_owned();
        let wrong = vec![
            (
                at.high_watermark.to_string(),
                "Nothing says that a group without a commit begins at 0; that is up to `auto.offset.reset`.".to_owned(),
            ),
            (own.to_string(), OWN.to_owned()),
            ("0".to_owned(), "Unknown is not nothing.".to_owned()),
            (
                (at.log_end - at.position).to_string(),
                "The tool knows nothing of a consumer's position.".to_owned(),
            ),
        ];
        return (question, UNKNOWN.to_owned(), why, wrong);
    };
    let why = format!(
        "High watermark minus committed offset: {} − {committed} = {lag}.",
        at.high_watermark
    );
    let wrong = vec![
        ((at.log_end - committed).to_string(), INVISIBLE.to_owned()),
        (own.to_string(), OWN.to_owned()),
        ((lag + 1).to_string(), NEXT.to_owned()),
        (
            (at.position - committed).to_string(),
            "That is what was read and is not committed yet.".to_owned(),
        ),
        (
            UNKNOWN.to_owned(),
            "There is a commit, so the lag is known.".to_owned(),
        ),
    ];
    (question, lag.to_string(), why, wrong)
}

fn metric(place: usize, at: Standing) -> Parts {
    let question =
        format!("What does the consumer's metric `records-lag` say for `orders-{place}`?");
    let lag = consumer_lag(at.high_watermark, at.position);
    let why = format!(
        "The metric is the high watermark minus the consumer's position, whatever is committed: {} − {} = {lag}.",
        at.high_watermark, at.position
    );
    let by_commit = match group_lag(at.high_watermark, at.committed) {
        Some(lag) => lag.to_string(),
        None => UNKNOWN.to_owned(),
    };
    let wrong = vec![
        (
            by_commit,
            "That is the group's lag, by commits; the consumer counts from its own position."
                .to_owned(),
        ),
        (
            (at.log_end - at.position).to_string(),
            "What lies above the high watermark is not there for a consumer.".to_owned(),
        ),
        (
            (lag + 1).to_string(),
            "A position is the offset of the next record to fetch: nothing is to be added."
                .to_owned(),
        ),
        (
            at.committed
                .map_or(at.position, |committed| at.position - committed)
                .to_string(),
            "That does not say how far the end is.".to_owned(),
        ),
    ];
    (question, lag.to_string(), why, wrong)
}

fn total(behind: &Behind) -> Parts {
    let question =
        "What does the LAG column of `kafka-consumer-groups.sh --describe` add up to?".to_owned();
    let by_commit = |at: &Standing| group_lag(at.high_watermark, at.committed).unwrap_or(0);
    let lag = behind.total(by_commit);
    let unknown = behind.partitions.iter().any(|at| at.committed.is_none());
    let terms: Vec<String> = behind
        .partitions
        .iter()
        .filter_map(|at| group_lag(at.high_watermark, at.committed))
        .map(|lag| lag.to_string())
        .collect();
    let sum = if terms.is_empty() {
        "0".to_owned()
    } else {
        terms.join(" + ")
    };
    let mut why =
        format!("High watermark minus committed offset, partition by partition: {sum} = {lag}.");
    if unknown {
        why.push_str(" Where nothing is committed the column shows `-` and adds nothing.");
    }
    let beyond = behind.total(|at| at.committed.map_or(0, |committed| at.log_end - committed));
    let own = behind.total(|at| consumer_lag(at.high_watermark, at.position));
    let whole =
        behind.total(|at| group_lag(at.high_watermark, at.committed).unwrap_or(at.high_watermark));
    let known = terms.len() as u64;
    let wrong = vec![
        (
            whole.to_string(),
            "That takes the whole log for the lag where nothing is committed; the lag is unknown there.".to_owned(),
        ),
        (beyond.to_string(), INVISIBLE.to_owned()),
        (own.to_string(), OWN.to_owned()),
        ((lag + known).to_string(), NEXT.to_owned()),
        (
            (lag + known + 1).to_string(),
            "High watermark minus committed offset, and nothing besides.".to_owned(),
        ),
    ];
    (question, lag.to_string(), why, wrong)
}

/// When the consumer that dies commits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Commit {
    /// `commitSync()` after the work on what a poll returned.
    After,
    /// `commitSync()` before it.
    Before,
    /// Auto-commit, whose interval ran out during the work on this poll's records.
    Auto {
        /// Counted from 1.
        during: u64,
        /// It ran out again during the work on the last poll's records.
        again: bool,
    },
}

/// A consumer that is killed while it works on what a poll returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crash {
    /// Where the group's last commit stood at first.
    pub(super) start: Offset,
    /// `max.poll.records`; every poll returned as many.
    pub(super) per_poll: u64,
    /// Polls whose records were all finished.
    pub(super) polls: u64,
    /// Records of the next poll that were finished.
    pub(super) finished: u64,
    pub(super) commit: Commit,
    /// Asked is where the next owner begins, not what is done twice or never.
    pub(super) where_to: bool,
}

/// What a crash leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Aftermath {
    /// Where the next owner begins.
    pub(super) committed: Offset,
    /// Records that it processes again, from there on.
    pub(super) twice: u64,
    /// Records before it that nobody has processed.
    pub(super) never: u64,
}

impl Crash {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let per_poll = *dice.pick(&[10, 20, 50, 100]);
        let polls = dice.between(1, 5);
        let commit = match dice.between(0, 2) {
            0 => Commit::After,
            1 => Commit::Before,
            _ => Commit::Auto {
                during: dice.between(1, polls),
                again: dice.one_in(2),
            },
        };
        Self {
            start: dice.between(1, 90) * 10,
            per_poll,
            polls,
            finished: dice.between(0, per_poll - 1),
            commit,
            where_to: dice.one_in(3),
        }
    }

    /// Plays the consumer's life and its successor's first poll, with the simulator's account of what a group has
    /// done.
    pub(super) fn aftermath(self) -> Aftermath {
        let partition = PartitionId(0);
        let mut group = GroupProgress::default();
        let (mut handed, mut committed) = (self.start, self.start);
        for poll in 1..=self.polls + 1 {
            if matches!(self.commit, Commit::Auto { during, .. } if during + 1 == poll) {
                // Inside poll(): what earlier polls returned counts as done.
                committed = handed;
            }
            let first = handed;
            handed = commit_after(first + self.per_poll - 1);
            if self.commit == Commit::Before {
                committed = handed;
            }
            let last = poll > self.polls;
            let done = if last { self.finished } else { self.per_poll };
            if done > 0 {
                group.processed(partition, first, done);
            }
            if self.commit == Commit::After && !last {
                committed = handed;
            }
        }
        let never = group.skipped_below(partition, self.start, committed);
        let rest = handed.saturating_sub(committed);
        let again = if rest > 0 {
            group.processed(partition, committed, rest)
        } else {
            None
        };
        Aftermath {
            committed,
            twice: again.map_or(0, |(_, count)| count),
            never,
        }
    }

    fn with(self, commit: Commit) -> Self {
        Self { commit, ..self }
    }

    fn ask(self) -> String {
        let commits = match self.commit {
            Commit::After => "It calls `commitSync()` once it is done with what a poll returned.".to_owned(),
            Commit::Before => "It calls `commitSync()` as soon as a poll has returned, before it works on the records."
                .to_owned(),
            Commit::Auto { during, again } => {
                let more = if again {
                    format!(", and again while it worked on those of poll {}", self.polls + 1)
                } else {
                    String::new()
                };
                format!(
                    "It relies on auto-commit, whose interval ran out while it worked on the records of poll \
                     {during}{more}."
                )
            }
        };
        let polls = if self.polls == 1 {
            "one poll".to_owned()
        } else {
            format!("{} polls", self.polls)
        };
        let what = if self.where_to {
            "At which offset does the partition's next owner begin?"
        } else {
            "Once another member has taken over: which records are processed twice, and which never?"
        };
        format!(
            "A consumer begins a partition at offset {}, where its group's last commit stands; every poll returns \
             `max.poll.records` = {} records. {commits} It has finished the records of {polls} and {} of those of the \
             next one when its process is killed. {what}",
            self.start, self.per_poll, self.finished
        )
    }
}

/// Offsets from `from` on, in words.
fn offsets(from: Offset, count: u64) -> String {
    match count {
        0 => "none".to_owned(),
        1 => from.to_string(),
        _ => format!("{from} to {}", from + count - 1),
    }
}

/// What is done twice and what never, in words.
pub(super) fn twice_and_never(after: Aftermath) -> String {
    format!(
        "twice: {}; never: {}",
        offsets(after.committed, after.twice),
        offsets(after.committed - after.never, after.never)
    )
}

pub(super) fn reread(dice: &mut Dice) -> Draft {
    let crash = Crash::draw(dice);
    let after = crash.aftermath();
    let done = crash.start + crash.polls * crash.per_poll + crash.finished;
    let words = |after: Aftermath| {
        if crash.where_to {
            after.committed.to_string()
        } else {
            twice_and_never(after)
        }
    };
    let why = match crash.commit {
        Commit::After => {
            "The commit follows the work, so what the last poll returned is not committed: the next owner does all of it, \
             and what was finished of it a second time. At least once."
        }
        Commit::Before => {
            "The commit comes before the work, so all that the last poll returned counts as done: what was not finished is \
             skipped. At most once."
        }
        Commit::Auto { .. } => {
            "Auto-commit happens inside poll(), once the interval has run out, and commits what earlier polls returned. An \
             interval that runs out during the work commits nothing until the next poll, and a killed process does not \
             poll again."
        }
    };
    let per_record = Aftermath {
        committed: done,
        twice: 0,
        never: 0,
    };
    let from_start = Aftermath {
        committed: crash.start,
        twice: done - crash.start,
        never: 0,
    };
    let off_by_one = Aftermath {
        committed: after.committed.saturating_sub(1),
        twice: after.twice + 1,
        never: after.never,
    };
    let newest = Commit::Auto {
        during: crash.polls,
        again: false,
    };
    let mut wrong: Vec<Reasoned> = Vec::new();
    for (commit, mistake) in [
        (
            Commit::After,
            "That would be a commit after the work on each poll's records.",
        ),
        (
            Commit::Before,
            "That would be a commit before the work on each poll's records.",
        ),
        (newest, "That would be a commit by the last poll."),
    ] {
        wrong.push((words(crash.with(commit).aftermath()), mistake.to_owned()));
    }
    wrong.extend([
        (
            words(per_record),
            "That would take a commit after every record; commits go by polls here.".to_owned(),
        ),
        (
            words(from_start),
            "Nothing would have to be committed since the beginning for that.".to_owned(),
        ),
        (
            words(off_by_one),
            "A committed offset is that of the next record, not of the last one finished."
                .to_owned(),
        ),
    ]);
    Draft {
        ask: crash.ask(),
        right: (words(after), why.to_owned()),
        wrong,
        background: format!(
            "{why}\n\nHere the last commit stands at {}, and the records up to {} were finished.",
            after.committed,
            done.saturating_sub(1)
        ),
    }
}
