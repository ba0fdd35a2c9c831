//! Tables of inputs under a fixed clock, and properties over any sequence of inputs.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    bank::{FollowUp, Origin, See},
    session::design::tests::drill,
};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn question(id: &str, level: Level) -> Question {
    let text = |n: usize| (0..n).map(|i| format!("{id}{i}")).collect::<Vec<_>>();
    Question {
        topic: "Topic".into(),
        card: Card {
            id: id.into(),
            derived_id: false,
            was: Vec::new(),
            deck: "deck".into(),
            kind: Kind::Open,
            ask: id.into(),
            level,
            starred: false,
            tags: Vec::new(),
            say: Box::default(),
            explain: Box::default(),
            points: text(4),
            follow_ups: vec![
                FollowUp {
                    ask: "f".into(),
                    say: "g".into(),
                };
                2
            ],
            trap: Some("trap".into()),
            hook: None,
            checks: Vec::new(),
            code: None,
            fix: None,
            see: See::default(),
            sources: Vec::new(),
            as_of: None,
            origin: Origin {
                file: "t".into(),
                line: 1,
                item: 0,
                built_in: true,
            },
        },
    }
}

fn play(interview: &mut Interview, inputs: &[(Input, u64)]) -> Option<Report> {
    let mut end = None;
    for (input, now) in inputs {
        for effect in interview.handle(*input, secs(*now)) {
            if let Effect::Finished(report) = effect {
                end = Some(*report);
            }
        }
    }
    end
}

/// Answers the open question: which points are ticked, whether trapped, how follow-ups go.
fn answer(points: &[usize], trapped: bool, follow_ups: [bool; 2]) -> Vec<(Input, u64)> {
    let mut inputs = vec![(Input::Next, 0)];
    inputs.extend(points.iter().map(|point| (Input::Tick(*point), 0)));
    if trapped {
        inputs.push((Input::Trap, 0));
    }
    inputs.push((Input::Next, 0));
    for well in follow_ups {
        inputs.extend([(Input::Next, 0), (Input::Judge(well), 0)]);
    }
    inputs
}

#[test]
fn one_question_from_speaking_to_report() {
    let mut interview = Interview::new(vec![question("q", Level::Hard)], None);
    let report = play(
        &mut interview,
        &[
            (Input::Wait, 0),
            (Input::Pause, 30),
            (Input::Resume, 500),
            (Input::Next, 560),
            (Input::Tick(0), 600),
            (Input::Tick(1), 600),
            (Input::Tick(3), 600),
            (Input::Tick(7), 600),
            (Input::Next, 600),
            (Input::Judge(true), 600),
            (Input::Next, 600),
            (Input::Judge(true), 600),
            (Input::Next, 600),
            (Input::Judge(false), 600),
        ],
    )
    .expect("the last follow-up ends it");
    let answer = &report.answers[0];
    assert_eq!(answer.spent, secs(90), "pauses and ticking cost no time");
    assert_eq!(answer.made, ["q0", "q1", "q3"]);
    assert_eq!(answer.missed, ["q2"]);
    assert_eq!(
        answer.follow_ups,
        (1, 2),
        "an answer not yet shown is not judged"
    );
    assert!((answer.worth - (0.75 * 0.7 + 0.5 * 0.3)).abs() < 1e-9);
    assert_eq!(report.level.as_deref(), Some("hard"));
}

#[test]
fn the_level_stops_where_an_answer_falls_short() {
    let all = [0, 1, 2, 3];
    let cases: &[(&[(Level, bool)], Option<&str>)] = &[
        (
            &[
                (Level::WarmUp, true),
                (Level::Medium, true),
                (Level::Hard, false),
            ],
            Some("medium"),
        ),
        (&[(Level::WarmUp, false), (Level::Medium, true)], None),
        (
            &[(Level::Medium, true), (Level::Staff, true)],
            Some("staff"),
        ),
        (
            &[
                (Level::Hard, true),
                (Level::Hard, false),
                (Level::Staff, true),
            ],
            None,
        ),
    ];
    for (asked, level) in cases {
        let questions = asked
            .iter()
            .map(|(level, _)| question("q", *level))
            .collect();
        let mut interview = Interview::new(questions, None);
        let mut end = None;
        for (_, well) in *asked {
            let points = if *well { &all[..] } else { &[] };
            end = play(&mut interview, &answer(points, false, [*well; 2]));
        }
        let report = end.unwrap();
        assert_eq!(
            report.level.as_deref(),
            *level,
            "{asked:?}: {:?}",
            report.reasons
        );
    }
}

#[test]
fn a_trap_costs_and_brings_the_card_back() {
    let questions = vec![
        question("a", Level::Medium),
        question("b", Level::Medium),
        question("c", Level::Medium),
    ];
    let mut interview = Interview::new(questions, None);
    play(&mut interview, &answer(&[0, 1, 2, 3], true, [true, true]));
    play(&mut interview, &answer(&[0, 1, 2, 3], false, [true, true]));
    let report = play(&mut interview, &answer(&[0, 1, 2], false, [true, true])).unwrap();
    assert!((report.answers[0].worth - 0.75).abs() < 1e-9);
    assert_eq!(report.answers[0].trap.as_deref(), Some("trap"));
    assert_eq!(
        report.consequences(|_| true),
        [
            Consequence::MakeDue("a".into()),
            Consequence::Review("b".into(), Rating::Good),
            Consequence::Review("c".into(), Rating::Hard),
        ]
    );
    assert_eq!(
        report.consequences(|_| false),
        [Consequence::MakeDue("a".into())]
    );
    assert_eq!(report.by_topic(), [("Topic".to_owned(), 11, 12)]);
}

#[test]
fn a_design_drill_follows_the_questions() {
    let mut interview = Interview::new(vec![question("q", Level::Hard)], Some(drill()));
    assert!(play(&mut interview, &[(Input::Skip, 0)]).is_none());
    assert_eq!(interview.phase(), Phase::Design);
    let report = play(
        &mut interview,
        &[
            (Input::Design(design::Input::Next), 60),
            (Input::Design(design::Input::Tick(0)), 60),
            (Input::End, 61),
        ],
    )
    .unwrap();
    assert_eq!(
        report.answers[0].worth, 0.0,
        "a skipped question is worth nothing"
    );
    assert_eq!(report.design.unwrap().stages[0].met, 1);
}

#[test]
fn what_was_not_reached_does_not_count() {
    let questions = vec![question("a", Level::Hard), question("b", Level::Hard)];
    let mut interview = Interview::new(questions, Some(drill()));
    play(&mut interview, &answer(&[0], false, [true, false]));
    let report = play(&mut interview, &[(Input::End, 1)]).unwrap();
    assert_eq!(report.answers.len(), 1);
    assert_eq!(report.design, None);
}

#[test]
fn questions_rise_in_level_and_spread_over_them() {
    let mut pool = Vec::new();
    for level in Level::ALL {
        for n in 0..5 {
            pool.push(question(&format!("{}-{n}", level.word()), level));
        }
    }
    pool[7].card.starred = true;
    for seed in 0..50 {
        let drawn = draw(pool.clone(), 4, seed);
        let levels: Vec<_> = drawn.iter().map(|q| q.card.level).collect();
        assert_eq!(levels, Level::ALL, "seed {seed}");
        assert_eq!(
            drawn[1].card.id.as_str(),
            "medium-2",
            "asked most comes first"
        );
        assert_eq!(drawn, draw(pool.clone(), 4, seed));
    }
    assert_eq!(draw(pool.clone(), 100, 1).len(), 20);
    assert!(draw(Vec::new(), 4, 1).is_empty());
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        Just(Input::Next),
        Just(Input::Next),
        Just(Input::Next),
        (0..6usize).prop_map(Input::Tick),
        Just(Input::Trap),
        any::<bool>().prop_map(Input::Judge),
        Just(Input::Skip),
        Just(Input::Pause),
        Just(Input::Resume),
        Just(Input::Wait),
        Just(Input::Design(design::Input::Next)),
        (0..6usize).prop_map(|line| Input::Design(design::Input::Tick(line))),
    ]
}

proptest! {
    #[test]
    fn any_keys_resume_where_they_were(
        inputs in prop::collection::vec((any_input(), 0..30u64), 0..120),
        cut in 0..120usize,
    ) {
        let questions = vec![question("a", Level::Medium), question("b", Level::Staff)];
        let find = |id: &CardId| questions.iter().find(|q| q.card.id == *id).cloned();
        let mut interview = Interview::new(questions.clone(), Some(drill()));
        let mut now = Duration::ZERO;
        let mut ends = 0;
        for (step, (input, wait)) in inputs.into_iter().enumerate() {
            if step == cut {
                let before = interview.snapshot();
                let was = interview.phase();
                interview = Interview::resume(before.clone(), find, Some(drill()));
                if was == Phase::Speaking {
                    prop_assert_eq!(interview.phase(), Phase::Paused);
                    interview.handle(Input::Resume, now);
                }
                prop_assert_eq!(interview.snapshot().sheets, before.sheets);
                prop_assert_eq!(interview.phase(), was);
                prop_assert_eq!(interview.at(), before.at);
            }
            now += secs(wait);
            let effects = interview.handle(input, now);
            ends += effects.iter().filter(|e| matches!(e, Effect::Finished(_))).count();
        }
        ends += interview.handle(Input::End, now).len();
        prop_assert_eq!(ends, 1);
        let spent: Duration = interview.sheets().iter().map(|sheet| sheet.spent).sum();
        prop_assert!(spent <= now);
    }
}
