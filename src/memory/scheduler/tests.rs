//! What the guards promise, over wide ranges.

use jiff::ToSpan;
use proptest::prelude::*;

use super::*;

fn moment(day: i32) -> Moment {
    Moment {
        at: Timestamp::UNIX_EPOCH + (i64::from(day) * 24 + 12).hours(),
        day: Day::from_number(day),
    }
}

fn scheduler(retention: f64) -> Scheduler {
    Scheduler::new(&Parameters::default(), Retention::new(retention).unwrap())
}

fn rate(scheduler: &Scheduler, state: &CardState, rating: Rating, now: Moment) -> CardState {
    let due = scheduler.due(&"c".into(), state, rating, now);
    scheduler.rated(state, rating, now, due)
}

#[test]
fn a_new_card_gets_the_models_first_intervals() {
    // First stabilities of FSRS-6: 0.212, 1.2931, 2.3065, 8.2956 days; a retention of 0.9 makes
    // them the intervals. The last is fuzzed by at most a day.
    let previews = scheduler(0.9).previews(&"c".into(), &CardState::default(), moment(0));
    assert_eq!(previews[0].interval, Interval::Minutes(AGAIN_MINUTES));
    assert_eq!(previews[1].interval, Interval::Minutes(HARD_MINUTES));
    assert_eq!(previews[2].interval, Interval::Days(2));
    let Interval::Days(easy) = previews[3].interval else {
        panic!("easy stays in the session")
    };
    assert!((7..=9).contains(&easy), "{easy}");
}

#[test]
fn a_forgotten_card_comes_back_the_same_day_and_counts_one_lapse() {
    let scheduler = scheduler(0.9);
    let good = rate(&scheduler, &CardState::default(), Rating::Good, moment(0));
    assert_eq!(good.phase, Phase::Review);
    assert_eq!(good.due, Some(Due::On(Day::from_number(2))));
    let again = rate(&scheduler, &good, Rating::Again, moment(2));
    assert_eq!((again.phase, again.lapses), (Phase::Relearning, 1));
    assert!(matches!(again.due, Some(Due::At(at)) if at == moment(2).at + 5.minutes()));
    let twice = rate(&scheduler, &again, Rating::Again, moment(2));
    assert_eq!(
        twice.lapses, 1,
        "one lapse, however often it is missed that day"
    );
    let back = rate(&scheduler, &twice, Rating::Good, moment(2));
    assert_eq!(back.phase, Phase::Review);
    assert!(back.memory.unwrap().stability < good.memory.unwrap().stability);
    assert_eq!(back.reviews, 4);
}

#[test]
fn recall_falls_to_the_desired_retention_by_the_due_day() {
    for wanted in [0.8, 0.9, 0.95] {
        let scheduler = scheduler(wanted);
        let memory = Memory {
            stability: 40.0,
            difficulty: 5.0,
        };
        let exact = scheduler.fsrs.next_interval(Some(40.0), wanted as f32, 3);
        let recall = scheduler.recall_after(memory, exact);
        assert!((recall - wanted).abs() < 1e-3, "{wanted}: {recall}");
    }
}

#[test]
fn nothing_is_recalled_before_it_is_learnt() {
    let scheduler = scheduler(0.9);
    assert!(scheduler.recall(&CardState::default(), moment(9).at).abs() < f64::EPSILON);
    let state = rate(&scheduler, &CardState::default(), Rating::Good, moment(5));
    // A clock set back does not make anybody remember better than just now.
    assert!((scheduler.recall(&state, moment(1).at) - 1.0).abs() < 1e-6);
}

#[test]
fn retention_and_parameters_are_checked() {
    for bad in [0.0, 0.69, 0.995, 1.0, f64::NAN, f64::INFINITY, -1.0] {
        assert!(Retention::new(bad).is_err(), "{bad}");
    }
    assert_eq!(Retention::new(0.9).unwrap().share().to_string(), "0.9");
    assert_eq!(
        Parameters::try_from(vec![1.0; 17]),
        Err(ParametersError::Count(17))
    );
    let mut weights = DEFAULT_PARAMETERS.to_vec();
    weights[3] = f32::NAN;
    let error = Parameters::try_from(weights).unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter 3 is NaN, which is no finite number"
    );
}

#[test]
fn intervals_read_well() {
    let cases = [
        (Interval::Minutes(5), "5 min"),
        (Interval::Days(1), "1 d"),
        (Interval::Days(30), "30 d"),
        (Interval::Days(76), "2.5 mo"),
        (Interval::Days(365), "1.0 y"),
    ];
    for (interval, text) in cases {
        assert_eq!(interval.to_string(), text);
    }
}

proptest! {
    /// A better rating never brings a card back sooner, whatever the history.
    #[test]
    fn intervals_rise_with_the_rating(
        history in prop::collection::vec((1_u8..=4, 0_i32..400), 0..30),
        retention in 0.7_f64..=0.99,
        name in "[a-z]{1,12}",
    ) {
        let scheduler = scheduler(retention);
        let id: CardId = name.as_str().into();
        let mut state = CardState::default();
        let mut day = 0;
        for (rating, wait) in history {
            day += wait;
            let rating = Rating::from_number(rating).unwrap();
            let due = scheduler.due(&id, &state, rating, moment(day));
            state = scheduler.rated(&state, rating, moment(day), due);
        }
        let previews = scheduler.previews(&id, &state, moment(day + 1));
        for pair in previews.windows(2) {
            prop_assert!(pair[0].interval < pair[1].interval, "{previews:?}");
        }
        for preview in previews {
            if let Interval::Days(days) = preview.interval {
                prop_assert!((1..=MAX_INTERVAL_DAYS).contains(&days));
            }
        }
        prop_assert_eq!(previews, scheduler.previews(&id, &state, moment(day + 1)));
    }

    /// Whatever numbers a damaged projection holds, what comes out is within bounds.
    #[test]
    fn hostile_numbers_come_out_bounded(
        stability in prop::num::f32::ANY,
        difficulty in prop::num::f32::ANY,
        weights in prop::collection::vec(-1e6_f32..1e6, 21),
        wait in any::<u32>(),
    ) {
        let parameters = Parameters::try_from(weights).unwrap();
        let scheduler = Scheduler::new(&parameters, Retention::default());
        let state = CardState {
            phase: Phase::Review,
            memory: Some(Memory { stability, difficulty }),
            last_day: Some(Day::from_number(0)),
            last_at: Some(Timestamp::UNIX_EPOCH),
            ..CardState::default()
        };
        let now = Moment { at: Timestamp::UNIX_EPOCH, day: Day::from_number(0).plus(wait) };
        for memory in scheduler.next_memories(&state, now.day) {
            prop_assert!(memory.stability.is_finite() && memory.difficulty.is_finite());
        }
        let recall = scheduler.recall(&state, Timestamp::MAX);
        prop_assert!((0.0..=1.0).contains(&recall), "{recall}");
        for preview in scheduler.previews(&"c".into(), &state, now) {
            prop_assert!(preview.interval <= Interval::Days(MAX_INTERVAL_DAYS));
        }
    }

    /// Fuzz stays within a twentieth of the interval, or a day.
    #[test]
    fn fuzz_is_small(days in 1_u32..=MAX_INTERVAL_DAYS, reviews in 0_u32..50, name in "[a-z]{1,12}") {
        let moved = fuzzed(days, &name.as_str().into(), reviews);
        let reach = ((days as f32 * FUZZ_SHARE).round() as u32).max(1);
        prop_assert!(moved.abs_diff(days) <= reach);
        prop_assert!(moved >= 1);
        if days < FUZZ_FROM_DAYS {
            prop_assert_eq!(moved, days);
        }
    }
}
