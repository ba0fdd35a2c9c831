//! The self-test: skills by area, each rated 0 (can't), 1 (can stumble through) or 2 (can teach it).
//!
//! A pure state machine. It orders the skills (those not rated lately come first), records ratings,
//! and sums up change since last time beside what the reviews say, so that a reader who overrates
//! themselves sees it. Earlier ratings and predicted recall come in as data.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bank::{AreaId, CardId, DrillId, Skill, SkillId};

/// A rating older than this is asked again first.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How well a skill is mastered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mastery {
    /// 0: can't.
    Cannot,
    /// 1: can stumble through.
    Stumbles,
    /// 2: can teach it.
    Teaches,
}

impl Mastery {
    /// The number on the key and in the log.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The mastery of that number.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Cannot, Self::Stumbles, Self::Teaches]
            .into_iter()
            .find(|mastery| mastery.number() == number)
    }
}

impl fmt::Display for Mastery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cannot => "can't",
            Self::Stumbles => "can stumble through",
            Self::Teaches => "can teach it",
        })
    }
}

/// A skill with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The area it stands in.
    pub area: AreaId,
    /// The title of the area.
    pub area_title: String,
    /// The skill.
    pub skill: Skill,
    /// Earlier ratings, oldest first.
    pub history: Vec<(Timestamp, Mastery)>,
    /// Mean predicted recall of those of its cards that were met, from 0 to 1; none when none was.
    pub recall: Option<f64>,
}

impl Item {
    fn last(&self) -> Option<(Timestamp, Mastery)> {
        self.history.last().copied()
    }

    /// Whether it was not rated within [`STALE_AFTER`].
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.last()
            .is_none_or(|(at, _)| now.duration_since(at) > STALE_AFTER)
    }
}

/// What the reader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Rate the open skill.
    Rate(Mastery),
    /// Leave it for another day.
    Skip,
    /// Back to the skill before, to rate it anew.
    Back,
    /// Enough.
    End,
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Record this rating.
    Rated {
        /// The skill.
        skill: SkillId,
        /// How well.
        mastery: Mastery,
        /// What comes back in the drill because of it; empty for [`Mastery::Teaches`].
        make_due: Vec<CardId>,
    },
    /// The self-test is over.
    Finished(Box<Report>),
}

/// A rating given now beside what is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The skill.
    pub skill: SkillId,
    /// What it is to be able to do.
    pub ask: String,
    /// The title of its area.
    pub area: String,
    /// What the reader says now.
    pub says: Mastery,
    /// What the reader said last time.
    pub said: Option<Mastery>,
    /// What the reviews of its cards say: mean predicted recall from 0 to 1.
    pub recall: Option<f64>,
    /// Design drills that train it.
    pub drills: Vec<DrillId>,
}

impl Report {
    /// Mean of the ratings, from 0 to 2; none without ratings.
    pub fn mean(&self) -> Option<f64> {
        let sum: f64 = self
            .lines
            .iter()
            .map(|line| f64::from(line.says.number()))
            .sum();
        (!self.lines.is_empty()).then(|| sum / self.lines.len() as f64)
    }
}

impl Line {
    /// The reader claims more than their reviews bear out, or less.
    pub fn verdict(&self) -> Verdict {
        match (self.says, self.recall) {
            (Mastery::Teaches, Some(recall)) if recall < 0.6 => Verdict::Overrated,
            (Mastery::Cannot, Some(recall)) if recall > 0.8 => Verdict::Underrated,
            (Mastery::Stumbles, Some(recall)) if recall < 0.3 => Verdict::Overrated,
            _ => Verdict::Fits,
        }
    }
}

/// How a self-rating compares with the reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They agree, or there is nothing to compare with.
    Fits,
    /// The reviews are worse than the rating.
    Overrated,
    /// The reviews are better than the rating.
    Underrated,
}

/// What a self-test came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The skills rated, in the order asked.
    pub lines: Vec<Line>,
    /// By area, in the order asked: title, mean rating now and, over skills rated before too, last time.
    pub areas: Vec<AreaScore>,
}

/// The ratings of an area.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AreaScore {
    /// Its title.
    pub title: String,
    /// Mean rating now, from 0 to 2.
    pub now: f64,
    /// Mean rating last time over the skills that had one.
    pub before: Option<f64>,
    /// Skills rated.
    pub skills: usize,
}

/// A running self-test.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfTest {
    items: Vec<Item>,
    ratings: BTreeMap<usize, Mastery>,
    at: usize,
    done: bool,
}

impl SelfTest {
    /// Begins a self-test over `items`. Areas keep their order of need: the one with the most stale
    /// skills first; within an area, stale skills first, oldest rating first.
    pub fn new(mut items: Vec<Item>, now: Timestamp) -> Self {
        let mut stale: BTreeMap<AreaId, usize> = BTreeMap::new();
        for item in &items {
            *stale.entry(item.area.clone()).or_default() += usize::from(item.is_stale(now));
        }
        let mut places: BTreeMap<AreaId, usize> = BTreeMap::new();
        for item in &items {
            let next = places.len();
            places.entry(item.area.clone()).or_insert(next);
        }
        items.sort_by_key(|item| {
            (
                std::cmp::Reverse(stale[&item.area]),
                places[&item.area],
                !item.is_stale(now),
                item.last().map(|(at, _)| at),
            )
        });
        Self {
            done: items.is_empty(),
            items,
            ratings: BTreeMap::new(),
            at: 0,
        }
    }

    /// Takes one input; after the last skill or [`Input::End`] the report comes.
    pub fn handle(&mut self, input: Input) -> Vec<Effect> {
        if self.done {
            return Vec::new();
        }
        let mut effects = Vec::new();
        match input {
            Input::Rate(mastery) => {
                let skill = &self.items[self.at].skill;
                effects.push(Effect::Rated {
                    skill: skill.id.clone(),
                    mastery,
                    make_due: if mastery == Mastery::Teaches {
                        Vec::new()
                    } else {
                        skill.cards.clone()
                    },
                });
                self.ratings.insert(self.at, mastery);
                self.at += 1;
            }
            Input::Skip => self.at += 1,
            Input::Back => self.at = self.at.saturating_sub(1),
            Input::End => self.at = self.items.len(),
        }
        if self.at >= self.items.len() {
            self.done = true;
            effects.push(Effect::Finished(Box::new(self.report())));
        }
        effects
    }

    /// What the ratings so far come to.
    pub fn report(&self) -> Report {
        let rated = self
            .ratings
            .iter()
            .map(|(place, says)| (&self.items[*place], *says));
        let lines: Vec<Line> = rated
            .map(|(item, says)| Line {
                skill: item.skill.id.clone(),
                ask: item.skill.ask.clone(),
                area: item.area_title.clone(),
                says,
                said: item.last().map(|(_, mastery)| mastery),
                recall: item.recall,
                drills: item.skill.drills.clone(),
            })
            .collect();
        let mut areas: Vec<AreaScore> = Vec::new();
        for line in &lines {
            if areas.iter().any(|area| area.title == line.area) {
                continue;
            }
            let here: Vec<&Line> = lines.iter().filter(|l| l.area == line.area).collect();
            let before: Vec<Mastery> = here.iter().filter_map(|line| line.said).collect();
            areas.push(AreaScore {
                title: line.area.clone(),
                now: mean(here.iter().map(|line| line.says)),
                before: (!before.is_empty()).then(|| mean(before.iter().copied())),
                skills: here.len(),
            });
        }
        Report { lines, areas }
    }

    /// The open skill; none once it is over.
    pub fn item(&self) -> Option<&Item> {
        self.items.get(self.at).filter(|_| !self.done)
    }

    /// All skills, in the order asked.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The number of the open skill, from 0.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What was said of a skill in this run, by its number.
    pub fn rating(&self, place: usize) -> Option<Mastery> {
        self.ratings.get(&place).copied()
    }

    /// Whether it is over.
    pub fn is_done(&self) -> bool {
        self.done
    }
}

fn mean(ratings: impl ExactSizeIterator<Item = Mastery>) -> f64 {
    let count = ratings.len().max(1) as f64;
    ratings
        .map(|mastery| f64::from(mastery.number()))
        .sum::<f64>()
        / count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::Level;

    fn at(days: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days)
    }

    fn item(area: &str, id: &str, history: &[(i64, u8)], recall: Option<f64>) -> Item {
        Item {
            area: area.into(),
            area_title: area.to_uppercase(),
            skill: Skill {
                id: id.into(),
                ask: id.into(),
                level: Level::Medium,
                cards: vec![format!("card-{id}").as_str().into()],
                drills: Vec::new(),
                chapter: None,
            },
            history: history
                .iter()
                .map(|(day, n)| (at(*day), Mastery::from_number(*n).unwrap()))
                .collect(),
            recall,
        }
    }

    fn order(test: &SelfTest) -> Vec<&str> {
        test.items()
            .iter()
            .map(|item| item.skill.id.as_str())
            .collect()
    }

    #[test]
    fn what_was_not_rated_lately_comes_first() {
        let items = vec![
            item("a", "fresh", &[(99, 2)], None),
            item("a", "old", &[(50, 2)], None),
            item("b", "never", &[], None),
            item("b", "older", &[(40, 1), (45, 1)], None),
            item("b", "new", &[(98, 0)], None),
        ];
        let test = SelfTest::new(items, at(100));
        assert_eq!(order(&test), ["never", "older", "new", "old", "fresh"]);
    }

    #[test]
    fn a_weak_rating_brings_its_cards_back() {
        let mut test = SelfTest::new(
            vec![item("a", "x", &[], None), item("a", "y", &[], None)],
            at(0),
        );
        let weak = test.handle(Input::Rate(Mastery::Stumbles));
        assert!(
            matches!(&weak[..], [Effect::Rated { make_due, .. }] if make_due[0].as_str() == "card-x")
        );
        let strong = test.handle(Input::Rate(Mastery::Teaches));
        assert!(matches!(&strong[0], Effect::Rated { make_due, .. } if make_due.is_empty()));
        assert!(matches!(&strong[1], Effect::Finished(report) if report.lines.len() == 2));
        assert!(test.is_done() && test.handle(Input::Skip).is_empty());
    }

    #[test]
    fn change_and_reviews_stand_beside_the_rating() {
        let mut test = SelfTest::new(
            vec![
                item("a", "x", &[(1, 0)], Some(0.4)),
                item("a", "y", &[(1, 1)], Some(0.95)),
                item("a", "z", &[], None),
            ],
            at(100),
        );
        let say = |test: &mut SelfTest, mastery| test.handle(Input::Rate(mastery));
        assert_eq!(order(&test), ["z", "x", "y"]);
        say(&mut test, Mastery::Stumbles);
        say(&mut test, Mastery::Cannot);
        test.handle(Input::Back);
        say(&mut test, Mastery::Teaches);
        say(&mut test, Mastery::Cannot);
        let report = test.report();
        let verdicts: Vec<_> = report.lines.iter().map(Line::verdict).collect();
        assert_eq!(
            verdicts,
            [Verdict::Fits, Verdict::Overrated, Verdict::Underrated]
        );
        let area = &report.areas[0];
        assert_eq!((area.now, area.before, area.skills), (1.0, Some(0.5), 3));
    }

    #[test]
    fn skipping_everything_reports_nothing() {
        let mut test = SelfTest::new(vec![item("a", "x", &[], None)], at(0));
        let effects = test.handle(Input::Skip);
        assert!(
            matches!(&effects[..], [Effect::Finished(report)] if report.lines.is_empty() && report.areas.is_empty())
        );
        assert!(SelfTest::new(Vec::new(), at(0)).is_done());
    }
}
