//! Questions made from a seed, whose answers the simulator's own rules compute.
//!
//! A family draws its parameters from the seed, asks the rule of `sim` for the answer, and takes the
//! wrong choices from mistakes that people make with that rule. The same seed gives the same question.
//! How questions are asked, timed and marked is the business of `session`.

mod consuming;
mod dice;
mod groups;
mod producer;
mod replication;

use dice::Dice;

use crate::bank::{Answer, Check, Choice, Level};

/// How often a family may draw again when its wrong choices happen to be right or alike.
const DRAWS_MAX: u32 = 64;
/// A question has at most this many choices.
const CHOICES_MAX: usize = 4;
/// And at least this many.
const CHOICES_MIN: usize = 3;

/// A question made from a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// The family.
    pub family: &'static str,
    /// The seed it came from.
    pub seed: u64,
    /// The topic it is counted under.
    pub topic: &'static str,
    /// How hard it is.
    pub level: Level,
    /// The question and its key.
    pub check: Check,
    /// How the answer comes about, step by step (Markdown).
    pub background: String,
}

/// A kind of question.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// What it is called on the command line and in the log.
    pub id: &'static str,
    /// For people: what its questions are about.
    pub title: &'static str,
    level: Level,
    draft: fn(&mut Dice) -> Draft,
}

/// A choice in the making: its text, and why it is right or wrong.
type Reasoned = (String, String);

/// A question in the making.
#[derive(Clone, Debug)]
struct Draft {
    ask: String,
    right: Reasoned,
    /// Best mistakes first; those that happen to be right or to repeat another are dropped.
    wrong: Vec<Reasoned>,
    background: String,
}

/// The topic of all generated questions in a quiz's score.
pub const TOPIC: &str = "Computed by the simulator";

/// All families.
pub const FAMILIES: &[Family] = &[
    Family {
        id: "assign-range",
        title: "Who owns what: range",
        level: Level::Medium,
        draft: groups::range,
    },
    Family {
        id: "assign-roundrobin",
        title: "Who owns what: round robin",
        level: Level::Medium,
        draft: groups::roundrobin,
    },
    Family {
        id: "assign-sticky",
        title: "Who owns what: sticky",
        level: Level::Hard,
        draft: groups::sticky,
    },
    Family {
        id: "assign-cooperative",
        title: "Cooperative rebalancing: the first round",
        level: Level::Staff,
        draft: groups::cooperative,
    },
    Family {
        id: "key-partition",
        title: "Which partition a key lands on",
        level: Level::Medium,
        draft: producer::key_partition,
    },
    Family {
        id: "produce-outcome",
        title: "What the producer sees",
        level: Level::Hard,
        draft: producer::outcome,
    },
    Family {
        id: "sequence",
        title: "Idempotence: append, duplicate or error",
        level: Level::Staff,
        draft: producer::sequence,
    },
    Family {
        id: "leader-election",
        title: "Who is elected",
        level: Level::Hard,
        draft: replication::election,
    },
    Family {
        id: "high-watermark",
        title: "Where the high watermark stands",
        level: Level::Hard,
        draft: replication::high_watermark,
    },
    Family {
        id: "failover-loss",
        title: "What survives a failover",
        level: Level::Hard,
        draft: replication::failover_loss,
    },
    Family {
        id: "truncation",
        title: "Where a returning follower cuts its log",
        level: Level::Staff,
        draft: replication::truncation,
    },
    Family {
        id: "consumer-lag",
        title: "How far a group is behind",
        level: Level::Medium,
        draft: consuming::lag,
    },
    Family {
        id: "crash-reread",
        title: "What is read again after a crash",
        level: Level::Hard,
        draft: consuming::reread,
    },
];

/// The family of that id.
pub fn family(id: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.id == id)
}

impl Family {
    /// How hard its questions are.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Makes the question of `seed`; `None` when no draw gave enough distinct choices, which no seed
    /// is known to do.
    pub fn make(&self, seed: u64) -> Option<Generated> {
        let mut dice = Dice::new(self.id, seed);
        (0..DRAWS_MAX).find_map(|_| {
            let draft = (self.draft)(&mut dice);
            let (check, background) = draft.finish()?;
            Some(Generated {
                family: self.id,
                seed,
                topic: TOPIC,
                level: self.level,
                check,
                background,
            })
        })
    }
}

impl Draft {
    fn finish(self) -> Option<(Check, String)> {
        let mut choices = vec![Choice {
            text: self.right.0,
            right: true,
            why: self.right.1,
        }];
        for (text, why) in self.wrong {
            let known = choices.iter().any(|choice| choice.text == text);
            if !known && choices.len() < CHOICES_MAX {
                choices.push(Choice {
                    text,
                    right: false,
                    why,
                });
            }
        }
        let enough = choices.len() >= CHOICES_MIN;
        enough.then(|| {
            let check = Check {
                ask: self.ask,
                answer: Answer::Choose { choices },
            };
            (check, self.background)
        })
    }
}

#[cfg(test)]
mod tests;
