//! What the log is made of.
//!
//! An event says what happened and is never changed: what follows from it is worked out by
//! `projection`. Events of kinds that a newer program writes are kept as they are and passed on by
//! export. Results whose shape belongs to another room are carried as JSON that nobody here reads.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    bank::{CardId, DrillId, ScenarioId, SkillId},
    memory::{Day, Due, Parameters, Rating},
};

/// Names an event, the same on every machine: its milliseconds, then chance. 128 bits, written as
/// 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(u128);

impl EventId {
    /// An event at a point in time, told apart by 80 bits of chance.
    pub fn new(at: Timestamp, chance: u128) -> Self {
        let millis = at.as_millisecond().max(0) as u128;
        Self((millis << 80) | (chance & ((1 << 80) - 1)))
    }

    /// The id after `last`, for two events of one millisecond, so that order of arrival is kept.
    #[must_use]
    pub(super) fn after(self, last: Self) -> Self {
        if self.0 >> 80 == last.0 >> 80 && self <= last {
            Self(last.0.wrapping_add(1))
        } else {
            self
        }
    }

    /// As stored.
    pub(super) fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// From storage.
    pub(super) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for EventId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hexadecimal = text.len() == 32
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let number = hexadecimal
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten();
        number
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no event id: expected 32 hexadecimal digits"))
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What can be interrupted and taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// Flashcards.
    Drill,
    /// A timed quiz.
    Quiz,
    /// A mock interview.
    Interview,
    /// A system-design drill.
    Design,
    /// The self-test.
    SelfTest,
    /// A failure scenario.
    Lab,
}

impl Activity {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Drill,
        Self::Quiz,
        Self::Interview,
        Self::Design,
        Self::SelfTest,
        Self::Lab,
    ];

    /// The word used in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drill => "drill",
            Self::Quiz => "quiz",
            Self::Interview => "interview",
            Self::Design => "design",
            Self::SelfTest => "self-test",
            Self::Lab => "lab",
        }
    }

    /// The activity that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EventKind {
    /// A card was rated.
    Review {
        /// The card.
        card: CardId,
        /// How well it was remembered.
        rating: Rating,
        /// Milliseconds from question to rating.
        ms: u64,
        /// When it was said to come back.
        due: Due,
        /// Where it was rated.
        from: Activity,
    },
    /// Something is taken back. Not itself taken back: what was undone is done anew.
    Undo {
        /// What.
        of: EventId,
    },
    /// A card is left out until it is taken up.
    Suspend {
        /// The card.
        card: CardId,
    },
    /// A suspended card is taken up again.
    Unsuspend {
        /// The card.
        card: CardId,
    },
    /// A card is left out for some days.
    Bury {
        /// The card.
        card: CardId,
        /// The study day on which it is back.
        until: Day,
    },
    /// A card is marked as one to learn first, or no longer.
    Star {
        /// The card.
        card: CardId,
        /// Marked.
        on: bool,
    },
    /// A card is marked as one to look at, or no longer.
    Flag {
        /// The card.
        card: CardId,
        /// Marked.
        on: bool,
    },
    /// A card is due because of a miss elsewhere.
    MakeDue {
        /// The card.
        card: CardId,
        /// Where the miss was.
        from: Activity,
    },
    /// The history of one card is another's: it was renamed, or its question edited.
    Relink {
        /// Its former id.
        old: CardId,
        /// Its id from now on.
        new: CardId,
    },
    /// A remark of the reader's.
    Note {
        /// The card it is about.
        card: Option<CardId>,
        /// What it says.
        text: String,
    },
    /// A question of a quiz was answered.
    QuizAnswer {
        /// The card it belongs to.
        card: Option<CardId>,
        /// Credit from 0 to 1.
        credit: f64,
        /// Milliseconds.
        ms: u64,
        /// The quiz's own record of it.
        detail: Value,
    },
    /// What happens next in a scenario was predicted.
    Prediction {
        /// The scenario.
        scenario: ScenarioId,
        /// Rightly.
        right: bool,
        /// The lab's own record of it.
        detail: Value,
    },
    /// A question of an interview was answered.
    InterviewAnswer {
        /// The card it belongs to.
        card: Option<CardId>,
        /// Points made.
        points: u32,
        /// Points there were to make.
        of: u32,
        /// Milliseconds.
        ms: u64,
        /// The interview's own record of it.
        detail: Value,
    },
    /// A stage of a system-design drill is over.
    StageResult {
        /// The drill.
        drill: DrillId,
        /// The stage, in the word of the bank.
        stage: String,
        /// Lines of the rubric met.
        points: u32,
        /// Lines of the rubric.
        of: u32,
        /// Milliseconds.
        ms: u64,
        /// The drill's own record of it.
        detail: Value,
    },
    /// The reader rated a skill.
    SelfRating {
        /// The skill.
        skill: SkillId,
        /// 0 can't, 1 can stumble through, 2 can teach it.
        mastery: u8,
    },
    /// A session began; its id is this event's.
    SessionStart {
        /// What it is.
        activity: Activity,
        /// What it is about, in words.
        about: String,
        /// What it takes to begin it again.
        start: Value,
    },
    /// The session that this event belongs to ended.
    SessionEnd {
        /// What it was.
        activity: Activity,
        /// It came to its end; otherwise it was given up.
        finished: bool,
        /// Its own report.
        report: Value,
    },
    /// The model was fitted to the reader's ratings.
    Parameters {
        /// The weights from now on, and for all past ratings.
        weights: Parameters,
        /// How many ratings it was fitted to.
        ratings: u64,
    },
    /// A kind that a newer program writes: kept and passed on.
    #[serde(skip)]
    Unknown {
        /// Its name.
        kind: String,
        /// What it carries.
        data: Map<String, Value>,
    },
}

/// Kinds that `u` takes back, newest first.
pub(super) const UNDOABLE: [&str; 6] = ["review", "suspend", "unsuspend", "bury", "star", "flag"];

/// All kinds known here.
pub(super) const KINDS: [&str; 18] = [
    "review",
    "undo",
    "suspend",
    "unsuspend",
    "bury",
    "star",
    "flag",
    "make-due",
    "relink",
    "note",
    "quiz-answer",
    "prediction",
    "interview-answer",
    "stage-result",
    "self-rating",
    "session-start",
    "session-end",
    "parameters",
];

impl EventKind {
    /// Its name in the log.
    pub fn name(&self) -> &str {
        match self {
            Self::Review { .. } => "review",
            Self::Undo { .. } => "undo",
            Self::Suspend { .. } => "suspend",
            Self::Unsuspend { .. } => "unsuspend",
            Self::Bury { .. } => "bury",
            Self::Star { .. } => "star",
            Self::Flag { .. } => "flag",
            Self::MakeDue { .. } => "make-due",
            Self::Relink { .. } => "relink",
            Self::Note { .. } => "note",
            Self::QuizAnswer { .. } => "quiz-answer",
            Self::Prediction { .. } => "prediction",
            Self::InterviewAnswer { .. } => "interview-answer",
            Self::StageResult { .. } => "stage-result",
            Self::SelfRating { .. } => "self-rating",
            Self::SessionStart { .. } => "session-start",
            Self::SessionEnd { .. } => "session-end",
            Self::Parameters { .. } => "parameters",
            Self::Unknown { kind, .. } => kind,
        }
    }

    /// The card whose state it changes.
    pub fn card(&self) -> Option<&CardId> {
        match self {
            Self::Review { card, .. }
            | Self::Suspend { card }
            | Self::Unsuspend { card }
            | Self::Bury { card, .. }
            | Self::Star { card, .. }
            | Self::Flag { card, .. }
            | Self::MakeDue { card, .. } => Some(card),
            _ => None,
        }
    }

    /// What is stored beside its name.
    pub(super) fn data(&self) -> Result<Map<String, Value>, serde_json::Error> {
        if let Self::Unknown { data, .. } = self {
            return Ok(data.clone());
        }
        match serde_json::to_value(self)? {
            Value::Object(mut map) => {
                map.remove("kind");
                Ok(map)
            }
            _ => Ok(Map::new()),
        }
    }

    /// Reads what [`Self::data`] wrote. A kind not known here is kept as it is.
    pub(super) fn read(kind: &str, mut data: Map<String, Value>) -> Result<Self, String> {
        if !KINDS.contains(&kind) {
            return Ok(Self::Unknown {
                kind: kind.to_owned(),
                data,
            });
        }
        data.insert("kind".to_owned(), kind.into());
        let event: Self =
            serde_json::from_value(Value::Object(data)).map_err(|error| error.to_string())?;
        event.check()?;
        Ok(event)
    }

    /// Bounds that the types do not give.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::SelfRating { mastery: 3.., .. } => Err("a skill is rated 0, 1 or 2".to_owned()),
            Self::QuizAnswer { credit, .. } if !(0.0..=1.0).contains(credit) => {
                Err(format!("credit lies between 0 and 1, found {credit}"))
            }
            _ => Ok(()),
        }
    }
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name.
    pub id: EventId,
    /// When, to the millisecond.
    pub at: Timestamp,
    /// The study day.
    pub day: Day,
    /// The session it belongs to: the id of its start.
    pub session: Option<EventId>,
    /// What happened.
    pub kind: EventKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<EventKind> {
        let card = || CardId::from("c");
        let of = EventId::new(Timestamp::UNIX_EPOCH, 7);
        vec![
            EventKind::Review {
                card: card(),
                rating: Rating::Good,
                ms: 1200,
                due: Due::On(Day::from_number(20_000)),
                from: Activity::Drill,
            },
            EventKind::Undo { of },
            EventKind::Suspend { card: card() },
            EventKind::Unsuspend { card: card() },
            EventKind::Bury {
                card: card(),
                until: Day::from_number(20_000),
            },
            EventKind::Star {
                card: card(),
                on: true,
            },
            EventKind::Flag {
                card: card(),
                on: false,
            },
            EventKind::MakeDue {
                card: card(),
                from: Activity::Quiz,
            },
            EventKind::Relink {
                old: card(),
                new: "d".into(),
            },
            EventKind::Note {
                card: None,
                text: "ask about it".to_owned(),
            },
            EventKind::QuizAnswer {
                card: Some(card()),
                credit: 0.5,
                ms: 3,
                detail: Value::Null,
            },
            EventKind::Prediction {
                scenario: "s".into(),
                right: true,
                detail: Value::Null,
            },
            EventKind::InterviewAnswer {
                card: None,
                points: 2,
                of: 4,
                ms: 1,
                detail: Value::Null,
            },
            EventKind::StageResult {
                drill: "d".into(),
                stage: "clarify".to_owned(),
                points: 1,
                of: 2,
                ms: 4,
                detail: Value::Null,
            },
            EventKind::SelfRating {
                skill: "s".into(),
                mastery: 2,
            },
            EventKind::SessionStart {
                activity: Activity::Drill,
                about: String::new(),
                start: Value::Null,
            },
            EventKind::SessionEnd {
                activity: Activity::SelfTest,
                finished: true,
                report: Value::Null,
            },
            EventKind::Parameters {
                weights: Parameters::default(),
                ratings: 400,
            },
        ]
    }

    #[test]
    fn the_page_on_progress_names_every_kind() {
        let page = include_str!("../../docs/PROGRESS.md");
        let row = page.lines().find(|line| line.starts_with("| `kind` |"));
        let named: Vec<&str> = row.unwrap().split('`').skip(3).step_by(2).collect();
        assert_eq!(named, KINDS);
    }

    #[test]
    fn every_kind_is_read_back_as_written() {
        let samples = samples();
        let names: Vec<&str> = samples.iter().map(EventKind::name).collect();
        assert_eq!(names, KINDS);
        for event in samples {
            let data = event.data().unwrap();
            assert_eq!(EventKind::read(event.name(), data), Ok(event));
        }
    }

    #[test]
    fn a_kind_of_a_newer_program_is_kept() {
        let data = serde_json::json!({"x": [1, 2]})
            .as_object()
            .unwrap()
            .clone();
        let event = EventKind::read("cartwheel", data.clone()).unwrap();
        assert_eq!(event.name(), "cartwheel");
        assert_eq!(event.data().unwrap(), data);
    }

    #[test]
    fn nonsense_in_a_known_kind_is_refused() {
        let cases = [
            (
                "review",
                r#"{"card":"c","rating":5,"ms":1,"due":{"on":"2026-01-01"},"from":"drill"}"#,
            ),
            (
                "review",
                r#"{"card":"c","rating":3,"ms":-1,"due":{"on":"2026-01-01"},"from":"drill"}"#,
            ),
            ("undo", r#"{"of":"xyz"}"#),
            ("self-rating", r#"{"skill":"s","mastery":3}"#),
            (
                "quiz-answer",
                r#"{"card":null,"credit":1.5,"ms":1,"detail":null}"#,
            ),
            ("parameters", r#"{"weights":[1.0],"ratings":1}"#),
        ];
        for (kind, data) in cases {
            let data: Map<String, Value> = serde_json::from_str(data).unwrap();
            assert!(EventKind::read(kind, data).is_err(), "{kind}");
        }
    }

    #[test]
    fn ids_sort_by_time_and_then_by_arrival() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let first = EventId::new(at(5), u128::MAX);
        let second = EventId::new(at(5), 3).after(first);
        assert!(second > first);
        assert_eq!(EventId::new(at(6), 0).after(first), EventId::new(at(6), 0));
        assert_eq!(first.to_string().parse(), Ok(first));
        assert!("FF".repeat(16).parse::<EventId>().is_err());
    }
}
