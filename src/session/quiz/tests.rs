//! Tables of inputs under a fixed clock, and properties over any sequence of inputs.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::bank::{CardId, Check, Choice, Level};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn candidate(card: &str, index: usize, answer: Answer) -> Candidate {
    Candidate {
        source: Source::Check {
            card: CardId::from(card),
            index,
        },
        topic: "Topic".into(),
        level: Level::Medium,
        check: Check {
            ask: format!("{card}/{index}"),
            answer,
        },
        background: String::new(),
    }
}

fn choose(rights: &[bool]) -> Answer {
    Answer::Choose {
        choices: rights
            .iter()
            .enumerate()
            .map(|(place, &right)| Choice {
                text: place.to_string(),
                right,
                why: String::new(),
            })
            .collect(),
    }
}

fn settings(mode: Mode) -> Settings {
    Settings {
        about: "everything".into(),
        count: 20,
        mode,
        limit: Some(secs(100)),
        limit_each: None,
        seed: 7,
    }
}

fn all_kinds() -> Vec<Candidate> {
    vec![
        candidate("one", 0, choose(&[true, false, false, false])),
        candidate("several", 0, choose(&[true, true, false, false])),
        candidate(
            "order",
            0,
            Answer::Order {
                steps: vec!["a".into(), "b".into(), "c".into()],
                why: String::new(),
            },
        ),
        candidate(
            "type",
            0,
            Answer::Type {
                accept: vec!["linger.ms".into()],
                why: String::new(),
            },
        ),
        candidate(
            "number",
            0,
            Answer::Number {
                value: 9.0,
                unit: "s".into(),
                tolerance: 0.0,
                why: String::new(),
            },
        ),
    ]
}

/// Answers the open question rightly, whatever its kind.
fn answer_rightly(quiz: &mut Quiz, now: Duration) {
    let question = quiz.question().clone();
    match &question.candidate.check.answer {
        Answer::Choose { choices } => {
            for place in 0..choices.len() {
                if choices[question.shown[place]].right {
                    quiz.handle(Input::Pick(place), now);
                }
            }
        }
        Answer::Order { steps, .. } => {
            for step in 0..steps.len() {
                let from = quiz.order().iter().position(|s| *s == step).unwrap();
                quiz.handle(Input::Move { from, to: step }, now);
            }
        }
        Answer::Type { accept, .. } => {
            quiz.handle(Input::Type(accept[0].clone()), now);
        }
        Answer::Number { value, .. } => {
            quiz.handle(Input::Type(value.to_string()), now);
        }
    }
}

fn finished(effects: &[Effect]) -> Option<&Report> {
    effects.iter().find_map(|effect| match effect {
        Effect::Finished(report) => Some(&**report),
        _ => None,
    })
}

#[test]
fn every_kind_can_be_answered_in_practice() {
    let mut quiz = Quiz::new(all_kinds(), settings(Mode::Practice)).unwrap();
    quiz.handle(Input::Tick, secs(0));
    let mut end = None;
    for n in 1..=5 {
        answer_rightly(&mut quiz, secs(n));
        let effects = quiz.handle(Input::Submit, secs(n));
        assert!(matches!(&effects[0], Effect::Marked(verdict) if verdict.mark.is_right()));
        assert_eq!(quiz.phase(), Phase::Answered);
        end = finished(&quiz.handle(Input::Next, secs(n))).cloned();
    }
    let report = end.expect("the fifth answer ends the quiz");
    assert_eq!(
        report.score,
        Score {
            earned: 5.0,
            asked: 5
        }
    );
    assert_eq!(report.misses().count(), 0);
    assert_eq!(report.elapsed, secs(5));
}

#[test]
fn an_exam_shows_nothing_until_handed_in_and_lets_answers_change() {
    let mut quiz = Quiz::new(all_kinds(), settings(Mode::Exam)).unwrap();
    quiz.handle(Input::Tick, secs(0));
    for _ in 0..5 {
        let effects = quiz.handle(Input::Submit, secs(0));
        assert!(!effects.iter().any(|e| matches!(e, Effect::Marked(_))));
    }
    assert_eq!(
        quiz.at(),
        4,
        "the last question stays open until the exam is handed in"
    );
    for place in 0..5 {
        quiz.handle(Input::Go(place), secs(1));
        answer_rightly(&mut quiz, secs(1));
    }
    quiz.handle(Input::Go(1), secs(1));
    quiz.handle(Input::Back, secs(1));
    assert_eq!(quiz.at(), 0);
    let effects = quiz.handle(Input::HandIn, secs(2));
    assert_eq!(finished(&effects).unwrap().score.earned, 5.0);
    assert_eq!(quiz.phase(), Phase::Done);
    assert!(
        quiz.handle(Input::HandIn, secs(3)).is_empty(),
        "over is over"
    );
}

#[test]
fn when_time_runs_out_the_rest_counts_as_unanswered() {
    for mode in [Mode::Practice, Mode::Exam] {
        let mut quiz = Quiz::new(all_kinds(), settings(mode)).unwrap();
        quiz.handle(Input::Tick, secs(0));
        answer_rightly(&mut quiz, secs(3));
        quiz.handle(Input::Submit, secs(3));
        quiz.handle(Input::Next, secs(3));
        assert_eq!(quiz.left(), Some(secs(97)));
        let report = finished(&quiz.handle(Input::Tick, secs(5000)))
            .unwrap()
            .clone();
        assert!(report.out_of_time);
        assert_eq!(report.elapsed, secs(100), "never more than the limit");
        assert_eq!(report.verdicts.iter().filter(|v| v.unanswered).count(), 4);
        assert_eq!(report.score.earned, 1.0);
    }
}

#[test]
fn a_question_with_its_own_clock_is_closed_when_it_runs_out() {
    let settings = Settings {
        limit_each: Some(secs(10)),
        ..settings(Mode::Exam)
    };
    let mut quiz = Quiz::new(all_kinds(), settings.clone()).unwrap();
    quiz.handle(Input::Tick, secs(0));
    quiz.handle(Input::Tick, secs(10));
    assert_eq!(quiz.at(), 1);
    quiz.handle(Input::Back, secs(11));
    assert_eq!(quiz.at(), 1, "a closed question is not opened again");
    let mut end = None;
    for n in 2..=5 {
        end = finished(&quiz.handle(Input::Tick, secs(10 * n)))
            .cloned()
            .or(end);
    }
    assert_eq!(end.unwrap().score.asked, 5);

    let mut quiz = Quiz::new(
        all_kinds(),
        Settings {
            mode: Mode::Practice,
            ..settings
        },
    )
    .unwrap();
    quiz.handle(Input::Tick, secs(0));
    let effects = quiz.handle(Input::Tick, secs(60));
    assert!(matches!(&effects[0], Effect::Marked(verdict) if verdict.unanswered));
    assert_eq!(quiz.elapsed(), secs(10));
}

#[test]
fn a_pause_stops_the_clock_and_is_noted() {
    let mut quiz = Quiz::new(all_kinds(), settings(Mode::Practice)).unwrap();
    quiz.handle(Input::Tick, secs(0));
    quiz.handle(Input::Pause, secs(5));
    quiz.handle(Input::Pick(0), secs(500));
    assert!(
        quiz.sheets()[0].given.is_nothing(),
        "nothing is answered in a pause"
    );
    quiz.handle(Input::Resume, secs(1000));
    quiz.handle(Input::Tick, secs(1001));
    assert_eq!(quiz.elapsed(), secs(6));
    let effects = quiz.handle(Input::HandIn, secs(1001));
    assert_eq!(finished(&effects).unwrap().pauses, 1);
}

#[test]
fn a_clock_set_back_neither_gives_nor_takes_time() {
    let mut quiz = Quiz::new(all_kinds(), settings(Mode::Practice)).unwrap();
    for (now, elapsed) in [(5000, 0), (5010, 10), (1410, 10), (1420, 20), (1420, 20)] {
        quiz.handle(Input::Tick, secs(now));
        assert_eq!(quiz.elapsed(), secs(elapsed), "at {now}");
    }
}

#[test]
fn a_running_clock_and_every_choice_are_kept() {
    let mut quiz = Quiz::new(all_kinds(), settings(Mode::Practice)).unwrap();
    quiz.handle(Input::Tick, secs(0));
    let mut kept = Vec::new();
    for now in 1..=12 {
        for effect in quiz.handle(Input::Tick, secs(now)) {
            let Effect::Save(snapshot) = effect else {
                panic!("nothing is marked or over");
            };
            kept.push(snapshot.elapsed.as_secs());
        }
    }
    assert_eq!(kept, [5, 10]);
    while !matches!(
        quiz.question().candidate.check.answer,
        Answer::Choose { .. }
    ) {
        quiz.handle(Input::Submit, secs(12));
        quiz.handle(Input::Next, secs(12));
    }
    let effects = quiz.handle(Input::Pick(0), secs(13));
    assert_eq!(effects, [Effect::Save(Box::new(quiz.snapshot()))]);
    quiz.handle(Input::Pause, secs(13));
    assert_eq!(quiz.handle(Input::Tick, secs(90)), []);
}

#[test]
fn steps_are_never_shown_in_their_right_order() {
    for seed in 0..500 {
        let settings = Settings {
            seed,
            ..settings(Mode::Exam)
        };
        let quiz = Quiz::new(vec![all_kinds().remove(2)], settings).unwrap();
        assert_ne!(quiz.order(), [0, 1, 2], "seed {seed}");
    }
}

#[test]
fn no_card_is_asked_twice_before_every_card_was_asked_once() {
    let mut candidates = Vec::new();
    for card in ["a", "b", "c", "d"] {
        for index in 0..5 {
            candidates.push(candidate(card, index, choose(&[true, false, false])));
        }
    }
    for seed in 0..50 {
        let settings = Settings {
            count: 4,
            seed,
            ..settings(Mode::Exam)
        };
        let quiz = Quiz::new(candidates.clone(), settings).unwrap();
        let cards: BTreeSet<_> = quiz
            .questions()
            .iter()
            .map(|q| q.candidate.source.card().cloned())
            .collect();
        assert_eq!(cards.len(), 4, "seed {seed}");
    }
}

#[test]
fn what_cannot_begin_says_why() {
    let start = |candidates, settings| Quiz::new(candidates, settings).unwrap_err().to_string();
    let exam = settings(Mode::Exam);
    assert!(start(Vec::new(), exam.clone()).contains("no question matches everything"));
    assert!(
        start(
            all_kinds(),
            Settings {
                count: 0,
                ..exam.clone()
            }
        )
        .contains("at least one")
    );
    let no_time = Settings {
        limit: Some(Duration::ZERO),
        ..exam
    };
    assert!(start(all_kinds(), no_time).contains("longer than zero"));
}

#[test]
fn one_miss_makes_the_card_due_and_only_a_due_card_is_reviewed() {
    let candidates = vec![
        candidate("mixed", 0, choose(&[true, false, false])),
        candidate("mixed", 1, choose(&[true, false, false])),
        candidate("due", 0, choose(&[true, false, false])),
        candidate("early", 0, choose(&[true, false, false])),
    ];
    let mut quiz = Quiz::new(candidates, settings(Mode::Exam)).unwrap();
    quiz.handle(Input::Tick, secs(0));
    for place in 0..4 {
        quiz.handle(Input::Go(place), secs(1));
        let Source::Check { card, index } = quiz.question().candidate.source.clone() else {
            unreachable!("only checks were given");
        };
        if (card.as_str(), index) != ("mixed", 1) {
            answer_rightly(&mut quiz, secs(1));
        }
    }
    let effects = quiz.handle(Input::HandIn, secs(2));
    let report = finished(&effects).unwrap();
    let due = CardId::from("due");
    assert_eq!(
        report.consequences(|card| *card == due),
        [
            Consequence::Review(due.clone(), crate::memory::Rating::Good),
            Consequence::MakeDue(CardId::from("mixed")),
        ]
    );
}

#[test]
fn an_interrupted_quiz_survives_a_changed_bank() {
    let mut quiz = Quiz::new(all_kinds(), settings(Mode::Practice)).unwrap();
    quiz.handle(Input::Tick, secs(0));
    quiz.handle(Input::Submit, secs(2));
    quiz.handle(Input::Next, secs(2));
    let snapshot = quiz.snapshot();
    let first = snapshot.sources[0].clone();
    let find = |source: &Source| {
        let known = all_kinds().into_iter().find(|c| c.source == *source);
        known.filter(|_| *source != first)
    };
    let resumed = Quiz::resume(snapshot.clone(), find).unwrap();
    assert_eq!((resumed.len(), resumed.at()), (4, 0));
    assert_eq!(resumed.phase(), Phase::Paused);
    assert_eq!(Quiz::resume(snapshot, |_| None), Err(QuizError::Gone));
}

#[test]
fn an_answer_that_comes_too_late_reaches_no_other_question() {
    for mode in [Mode::Practice, Mode::Exam] {
        let settings = Settings {
            limit_each: Some(secs(10)),
            ..settings(mode)
        };
        let one = || candidate("one", 0, choose(&[true, false]));
        let two = || candidate("two", 0, choose(&[true, false]));
        let mut quiz = Quiz::new(vec![one(), two()], settings).unwrap();
        quiz.handle(Input::Tick, secs(0));
        quiz.handle(Input::Pick(0), secs(11));
        assert!(quiz.sheets().iter().all(|sheet| sheet.given.is_nothing()));
        assert!(quiz.sheets()[0].locked);
        let shown = (quiz.at(), quiz.phase());
        let expected = match mode {
            Mode::Practice => (0, Phase::Answered),
            Mode::Exam => (1, Phase::Asking),
        };
        assert_eq!(shown, expected);
    }
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        (0..6usize).prop_map(Input::Pick),
        (0..4usize, 0..4usize).prop_map(|(from, to)| Input::Move { from, to }),
        prop_oneof![Just("9"), Just("linger.ms"), Just("x")].prop_map(|t| Input::Type(t.into())),
        Just(Input::Submit),
        Just(Input::Next),
        Just(Input::Back),
        (0..6usize).prop_map(Input::Go),
        Just(Input::Flag),
        Just(Input::Pause),
        Just(Input::Resume),
        Just(Input::Tick),
    ]
}

proptest! {
    #[test]
    fn any_keys_keep_the_books(
        inputs in prop::collection::vec((any_input(), 0..30u64), 0..80),
        exam in any::<bool>(),
        each in prop::option::of(1..20u64),
        seed in any::<u64>(),
        cut in 0..80usize,
    ) {
        let settings = Settings {
            limit_each: each.map(secs),
            seed,
            ..settings(if exam { Mode::Exam } else { Mode::Practice })
        };
        let mut quiz = Quiz::new(all_kinds(), settings).unwrap();
        let mut now = Duration::ZERO;
        quiz.handle(Input::Tick, now);
        let mut end = None;
        for (step, (input, wait)) in inputs.into_iter().enumerate() {
            if step == cut && quiz.phase() == Phase::Asking {
                // Taking it up again is the same as a pause.
                let find = |source: &Source| all_kinds().into_iter().find(|c| c.source == *source);
                let mut resumed = Quiz::resume(quiz.snapshot(), find).unwrap();
                resumed.handle(Input::Tick, now);
                resumed.handle(Input::Resume, now);
                prop_assert_eq!(&resumed, &quiz);
                quiz = resumed;
            }
            now += secs(wait);
            if let Some(report) = finished(&quiz.handle(input, now)) {
                prop_assert!(end.is_none(), "finished once");
                end = Some(report.clone());
            }
            prop_assert!(quiz.left().unwrap() <= secs(100));
            let spent: Duration = quiz.sheets().iter().map(|sheet| sheet.spent).sum();
            prop_assert_eq!(spent, quiz.elapsed());
        }
        let report = end.unwrap_or_else(|| finished(&quiz.handle(Input::HandIn, now)).unwrap().clone());
        let sum: f64 = report.verdicts.iter().map(|verdict| verdict.mark.credit).sum();
        prop_assert!((sum - report.score.earned).abs() < 1e-9);
        prop_assert_eq!(report.score.asked, 5);
        let topics: usize = report.by_topic.iter().map(|(_, score)| score.asked).sum();
        let levels: f64 = report.by_level.iter().map(|(_, score)| score.earned).sum();
        prop_assert_eq!(topics, 5);
        prop_assert!((levels - sum).abs() < 1e-9);
    }

    #[test]
    fn the_seed_repeats_a_quiz(seed in any::<u64>()) {
        let make = || Quiz::new(all_kinds(), Settings { seed, ..settings(Mode::Exam) }).unwrap();
        prop_assert_eq!(make(), make());
    }
}
