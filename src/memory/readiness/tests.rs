//! What readiness counts, and that a plan is worth keeping.

use jiff::tz::TimeZone;

use super::*;
use crate::memory::{Parameters, Retention, States};

fn days() -> StudyDays {
    StudyDays::new(TimeZone::UTC, 4)
}

fn scheduler() -> Scheduler {
    Scheduler::new(&Parameters::default(), Retention::default())
}

fn ids(count: usize) -> Vec<CardId> {
    (0..count).map(|n| format!("card-{n}").into()).collect()
}

#[test]
fn cards_never_seen_count_as_not_known_and_suspended_ones_not_at_all() {
    let scheduler = scheduler();
    let day = Day::from_number(20_000);
    let now = days().moment(days().start(day));
    let known = learnt(
        &scheduler,
        &"a".into(),
        &CardState::default(),
        Rating::Good,
        now,
    );
    let out = CardState {
        suspended: true,
        ..known.clone()
    };
    let result = readiness(&scheduler, [Some(&known), None, Some(&out)], now.at);
    assert_eq!((result.cards, result.seen), (2, 1));
    assert!((result.share - 0.5).abs() < 1e-6);
    assert_eq!(readiness(&scheduler, [], now.at), Readiness::default());
}

#[test]
fn keeping_the_plan_beats_stopping_and_gives_the_same_answer_twice() {
    let scheduler = scheduler();
    let ids = ids(200);
    let first = Day::from_number(20_000);
    let now = days().moment(days().start(first));
    let mut states = States::new();
    for id in &ids[..50] {
        let state = learnt(&scheduler, id, &CardState::default(), Rating::Good, now);
        states.insert(id.clone(), state);
    }
    let plan = Plan {
        first: first.plus(1),
        until: first.plus(31),
        limits: Limits { new: 10, due: 100 },
        ratings: 60,
    };
    let cards = || ids.iter().map(|id| (id, states.get(id)));
    let lines = forecast(&scheduler, cards(), &plan, &days());
    assert_eq!(lines.len(), 30);
    assert_eq!(lines, forecast(&scheduler, cards(), &plan, &days()));
    assert_eq!(lines.iter().map(|line| line.new).sum::<u32>(), 150);
    assert!(lines.iter().all(|line| line.new + line.due <= 60));
    let stop = readiness(
        &scheduler,
        cards().map(|(_, state)| state),
        days().start(plan.until),
    );
    let keep = lines.last().unwrap().share;
    assert!(stop.share < 0.25, "{stop:?}");
    assert!(keep > 0.85, "{keep}");
}

#[test]
fn an_interview_today_leaves_nothing_to_plan() {
    let day = Day::from_number(20_000);
    let plan = Plan {
        first: day,
        until: day,
        limits: Limits::NONE,
        ratings: 10,
    };
    let ids = ids(3);
    let lines = forecast(
        &scheduler(),
        ids.iter().map(|id| (id, None)),
        &plan,
        &days(),
    );
    assert!(lines.is_empty());
}
