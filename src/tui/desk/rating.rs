//! The self-test, as bank and log have it: which skills are asked, and what becomes of the ratings.
//!
//! Used by the screens and by the command line. Order, change and comparison are worked out in
//! `session`; here each rating becomes an event of the log together with what it makes due.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    bank::{AreaId, Bank, SkillId},
    memory::{Moment, Scheduler, States},
    progress::{Activity, EventId, EventKind, Progress, ProgressError},
    session::selftest::{Effect, Item, Mastery, Report, SelfTest},
};

/// Earlier ratings by skill, oldest first.
pub type Ratings = BTreeMap<SkillId, Vec<(Timestamp, Mastery)>>;

/// All earlier ratings.
///
/// # Errors
/// When the log cannot be read.
pub fn ratings(progress: &Progress) -> Result<Ratings, ProgressError> {
    let mut ratings = Ratings::new();
    for rated in progress.self_ratings()? {
        if let Some(mastery) = Mastery::from_number(rated.mastery) {
            let of_skill = ratings.entry(rated.skill).or_default();
            of_skill.push((rated.at, mastery));
        }
    }
    Ok(ratings)
}

/// The skills of an area, or of all, with what is known of each. What the reviews say is the mean
/// predicted recall of those linked cards that were met.
pub fn items(
    bank: &Bank,
    states: &States,
    scheduler: &Scheduler,
    ratings: &Ratings,
    area: Option<&AreaId>,
    at: Timestamp,
) -> Vec<Item> {
    let wanted = bank.areas.iter();
    wanted
        .filter(|found| area.is_none_or(|area| found.id == *area))
        .flat_map(|area| area.skills.iter().map(move |skill| (area, skill)))
        .map(|(area, skill)| {
            let met: Vec<f64> = skill
                .cards
                .iter()
                .filter_map(|card| states.get(card))
                .filter(|state| !state.is_new())
                .map(|state| scheduler.recall(state, at))
                .collect();
            Item {
                area: area.id.clone(),
                area_title: area.title.clone(),
                skill: skill.clone(),
                history: ratings.get(&skill.id).cloned().unwrap_or_default(),
                recall: (!met.is_empty()).then(|| met.iter().sum::<f64>() / met.len() as f64),
            }
        })
        .collect()
}

/// Records that a self-test begins. Ratings are kept one by one, so one that was left just ends.
///
/// # Errors
/// When the log cannot be read or written.
pub fn begin_self_test(
    progress: &mut Progress,
    bank: &Bank,
    area: Option<&AreaId>,
    now: Moment,
) -> Result<(EventId, SelfTest), ProgressError> {
    for left in progress.interrupted()? {
        if left.activity == Activity::SelfTest {
            progress.end_session(left.session, left.activity, false, Value::Null, now)?;
        }
    }
    let (ratings, states) = (ratings(progress)?, progress.states()?);
    let items = items(bank, &states, progress.scheduler(), &ratings, area, now.at);
    let test = SelfTest::new(items, now.at);
    let found = area.and_then(|id| bank.areas.iter().find(|area| area.id == *id));
    let about = found.map_or("all areas", |area| area.title.as_str());
    let start = json!({ "area": area });
    let session = progress.start_session(Activity::SelfTest, about, &start, now)?;
    Ok((session, test))
}

/// Records what a self-test asks to be recorded, and gives the report once it is over.
///
/// # Errors
/// When it could not be written; what was recorded before stays.
pub fn record_self_test(
    progress: &mut Progress,
    session: EventId,
    effects: Vec<Effect>,
    now: Moment,
) -> Result<Option<Report>, ProgressError> {
    let mut over = None;
    for effect in effects {
        match effect {
            Effect::Rated {
                skill,
                mastery,
                make_due,
            } => {
                let mut kinds = vec![EventKind::SelfRating {
                    skill,
                    mastery: mastery.number(),
                }];
                kinds.extend(make_due.into_iter().map(|card| EventKind::MakeDue {
                    card,
                    from: Activity::SelfTest,
                }));
                progress.append_all(kinds, Some(session), now)?;
            }
            Effect::Finished(report) => {
                let kept = serde_json::to_value(&*report).unwrap_or(Value::Null);
                progress.end_session(session, Activity::SelfTest, true, kept, now)?;
                over = Some(*report);
            }
        }
    }
    Ok(over)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bank::built_in::built_in,
        memory::{Retention, StudyDays},
        session::selftest::Input,
    };

    fn moment(days: i64) -> Moment {
        let start: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        StudyDays::new(jiff::tz::TimeZone::UTC, 4)
            .moment(start + jiff::SignedDuration::from_hours(24 * days))
    }

    #[test]
    fn weak_skills_make_their_cards_due_and_are_history_next_time() {
        let bank = built_in().unwrap();
        let mut log = Progress::in_memory(Retention::default()).unwrap();
        let area = bank.areas[0].id.clone();
        let (session, mut test) = begin_self_test(&mut log, &bank, Some(&area), moment(0)).unwrap();
        let skills = test.items().len();
        assert_eq!(skills, bank.areas[0].skills.len());
        let weak = test.item().unwrap().skill.clone();
        let effects = test.handle(Input::Rate(Mastery::Cannot));
        assert!(
            record_self_test(&mut log, session, effects, moment(0))
                .unwrap()
                .is_none()
        );
        let effects = test.handle(Input::Rate(Mastery::Teaches));
        record_self_test(&mut log, session, effects, moment(0)).unwrap();
        let states = log.states().unwrap();
        assert!(!weak.cards.is_empty());
        for card in &weak.cards {
            assert!(states[card].is_due(moment(0)), "{card}");
        }
        // It was left; a new one asks first what was not rated.
        log.let_go(session);
        let (session, mut test) = begin_self_test(&mut log, &bank, Some(&area), moment(1)).unwrap();
        let rated: Vec<bool> = test.items().iter().map(|i| !i.history.is_empty()).collect();
        assert_eq!(rated.iter().filter(|rated| **rated).count(), 2);
        assert!(rated[skills - 1] && rated[skills - 2] && !rated[0]);
        let effects = test.handle(Input::End);
        let report = record_self_test(&mut log, session, effects, moment(1)).unwrap();
        assert!(report.unwrap().lines.is_empty());
        assert!(log.interrupted().unwrap().is_empty());
    }
}
