//! A quiz by keys: chosen, asked in practice and exam, paused, left and gone on with, out of time, retried.

use std::time::Duration;

use jiff::ToSpan;

use super::Stage;
use crate::{
    memory::Filter,
    session::quiz::{Mode, Settings},
    tui::{app::Start, desk::practice::Pool},
};

fn settings(mode: Mode) -> Settings {
    Settings {
        about: "Replication and the ISR".into(),
        count: 10,
        mode,
        limit: Some(Duration::from_mins(10)),
        limit_each: None,
        seed: 3,
    }
}

/// The three checks of the deck on replication.
fn quiz(settings: Settings) -> Stage {
    let pool = Pool {
        filter: Filter {
            deck: Some("replication".into()),
            ..Filter::default()
        },
        ..Pool::default()
    };
    Stage::starting(Start::BeginQuiz(Box::new((pool, settings))))
}

/// Answers the question on screen, rightly or not.
fn answer(stage: &mut Stage, rightly: bool) {
    let text = stage.text();
    if text.contains("The write is") {
        let line = |words: &str| {
            let line = text.lines().find(|line| line.contains(words)).unwrap();
            line.trim_start_matches(['▸', ' '])
                .chars()
                .next()
                .unwrap()
                .to_string()
        };
        let letter = if rightly {
            line("acknowledged")
        } else {
            line("refused")
        };
        stage.keys(&letter);
    } else if text.contains("Consumers read up to") {
        stage.keys(if rightly { "high watermark" } else { "log end" });
    } else {
        assert!(text.contains("Which delivery is this?"), "{text}");
        stage.keys(if rightly { "at most once" } else { "twice" });
    }
}

#[test]
fn it_is_chosen_with_the_arrows_and_started() {
    let mut stage = Stage::at_home();
    stage.keys("q");
    stage.shows("everything");
    insta::assert_snapshot!("quiz_setup_80x24", stage.look());
    stage.keys("<down><down><down><left><left><left><enter>");
    stage.shows("1 of 5");
}

#[test]
fn practice_shows_each_answer_and_ends_with_the_result() {
    let mut stage = quiz(settings(Mode::Practice));
    insta::assert_snapshot!("quiz_question_80x24", stage.look());
    for n in 0..3 {
        answer(&mut stage, n != 0);
        stage.keys("<enter>");
        assert!(
            stage.text().contains(if n == 0 { "✗" } else { "✓" }),
            "{}",
            stage.text()
        );
        if n == 0 {
            insta::assert_snapshot!("quiz_answered_80x24", stage.look());
        }
        stage.keys("<enter>");
    }
    stage.shows("67 %");
    stage.shows("2 of 3 points");
    insta::assert_snapshot!("quiz_result_80x24", stage.look());
    insta::assert_snapshot!("quiz_result_120x40", stage.resize(120, 40).text());
    stage.resize(80, 24).keys("<enter>");
    assert!(
        stage.text().contains("1 due"),
        "the miss comes back: {}",
        stage.text()
    );
    stage.keys("qv");
    let text = stage.text();
    assert!(text.contains("Replication and the ISR"), "{text}");
    assert!(text.contains("67 % of 3"), "{text}");
    stage.keys("<enter>");
    stage.shows("2 of 3 points");
    stage.keys("<esc><esc>");
    stage.shows("A quiz");
}

#[test]
fn ctrl_z_stops_the_clock() {
    let left = |stage: &Stage| {
        let text = stage.text();
        let line = text.lines().find(|line| line.contains(" left")).unwrap();
        let clock = line[..line.find(" left").unwrap()].rsplit(' ').next();
        clock.unwrap().to_owned()
    };
    let mut stage = quiz(settings(Mode::Practice));
    stage.wait(10);
    let before = left(&stage);
    // The key itself takes two seconds.
    stage.stop_for(25);
    assert_eq!((before.as_str(), left(&stage).as_str()), ("9:50", "9:48"));
    stage.stop_for(4000);
    assert_eq!(left(&stage), "9:46", "and it runs on");
    stage.wait(6);
    assert_eq!(left(&stage), "9:40");
}

#[test]
fn an_exam_goes_back_and_forth_and_says_nothing_before_its_end() {
    let mut stage = quiz(settings(Mode::Exam));
    for _ in 0..3 {
        answer(&mut stage, false);
        stage.keys("<enter>");
        assert!(!stage.text().contains('✗'), "{}", stage.text());
    }
    let asked = stage.text();
    assert!(asked.contains("Hand the quiz in?"), "{asked}");
    assert!(asked.contains("●●●"), "all are answered: {asked}");
    stage.keys("n");
    assert!(
        stage.text().contains("3 of 3"),
        "the last question stays open"
    );
    let mut back = 0;
    while !stage.text().contains("The write is") && back < 3 {
        let typing = !stage.text().contains("( )");
        stage.keys(if typing { "<shift-tab>" } else { "p" });
        back += 1;
    }
    answer(&mut stage, true);
    stage.keys("H");
    stage.shows("Hand the quiz in?");
    stage.keys("y");
    stage.shows("33 %");
}

#[test]
fn an_exam_finds_what_is_open_or_marked() {
    let mut stage = quiz(settings(Mode::Exam));
    let typing = |stage: &Stage| !stage.text().contains("( )");
    let mark = if typing(&stage) { "<ctrl-t>" } else { "m" };
    stage.keys(mark);
    answer(&mut stage, true);
    stage.keys("<enter>");
    answer(&mut stage, true);
    stage.keys("<enter>");
    stage.shows("⚑●○");
    insta::assert_snapshot!("quiz_exam_80x24", stage.look());
    let open = if typing(&stage) { "<ctrl-o>" } else { "o" };
    stage.keys(open);
    assert!(stage.text().contains("1 of 3"), "marked: {}", stage.text());
    stage.shows("for later");
    let open = if typing(&stage) { "<ctrl-o>" } else { "o" };
    stage.keys(open);
    assert!(stage.text().contains("3 of 3"), "open: {}", stage.text());
    stage.keys("<ctrl-e>");
    let asked = stage.text();
    assert!(asked.contains("1 of 3 not answered. 1 marked"), "{asked}");
}

#[test]
fn the_clock_runs_down_by_itself_and_the_rest_counts_as_unanswered() {
    let mut stage = quiz(settings(Mode::Practice));
    stage.shows("10:00 left");
    let deadline = stage.app.deadline().expect("the clock wants to be drawn");
    assert!(deadline <= stage.now + 1.seconds());
    stage.wait(601);
    stage.shows("time ran out");
    stage.shows("3 unanswered");
}

#[test]
fn a_pause_hides_the_question_and_needs_no_drawing() {
    let mut stage = quiz(settings(Mode::Practice));
    while !stage.text().contains("The write is") {
        stage.keys("<enter><enter><enter>");
    }
    stage.keys("P");
    stage.shows("The clock stands");
    stage.hides("The write is");
    assert_eq!(stage.app.deadline(), None);
    let before = stage.text();
    stage.now += 1.hours();
    stage.app.tick(stage.now);
    stage.draw();
    assert_eq!(stage.text(), before);
    stage.keys("<enter>");
    stage.shows("The write is");
    assert!(
        stage.text().contains("9:5"),
        "an hour cost nothing: {}",
        stage.text()
    );
}

#[test]
fn a_quiz_that_was_left_is_offered_with_its_clock() {
    let mut stage = quiz(settings(Mode::Practice));
    answer(&mut stage, true);
    stage.keys("<enter><enter><esc>");
    stage.shows("1 of 3 answered");
    stage.now += 3.hours();
    stage.keys("<enter>");
    stage.shows("The clock stands");
    stage.keys("<enter>");
    stage.shows("2 of 3");
    stage.shows("9:");
}

#[test]
fn another_quiz_is_asked_about_before_one_that_was_left_is_given_up() {
    let mut stage = quiz(settings(Mode::Exam));
    answer(&mut stage, true);
    stage.keys("<enter><esc>");
    if stage.text().contains("The clock stands") {
        stage.keys("<esc>");
    }
    stage.keys("q<enter>");
    let asked = stage.text();
    assert!(
        asked.contains("Give up the quiz that was left, 1 of 3 answered?"),
        "{asked}"
    );
    stage.keys("n<esc>");
    stage.shows("1 of 3 answered");
    stage.keys("q<enter>y");
    stage.shows("10:00 left");
}

#[test]
fn enter_twice_does_not_cost_the_next_question() {
    let mut stage = quiz(settings(Mode::Practice));
    for _ in 0..3 {
        let asked = stage.text();
        assert!(!asked.contains('▸'), "no arrow before the arrows are used");
        stage.keys("<enter>");
        let told = stage.text();
        assert!(told.contains("enter again leaves"), "{told}");
        assert!(!told.contains("you typed") && !told.contains('→'), "{told}");
        answer(&mut stage, true);
        stage.keys("<enter>");
        assert!(stage.text().contains('✓'), "{}", stage.text());
        stage.keys("<enter>");
    }
    stage.shows("3 of 3 points");
}

#[test]
fn enter_again_leaves_a_question_and_the_arrow_takes_a_choice() {
    let mut stage = quiz(settings(Mode::Practice));
    while !stage.text().contains("The write is") {
        stage.keys("<enter><enter>");
        stage.shows("you typed nothing");
        stage.keys("<enter>");
    }
    stage.keys("<enter><down>");
    stage.shows("▸ a ( )");
    stage.keys("<enter>");
    let text = stage.text();
    assert!(text.contains("a (•)"), "taken and shown: {text}");
}

#[test]
fn what_is_no_number_is_asked_back() {
    let pool = Pool {
        filter: Filter {
            deck: Some("groups".into()),
            ..Filter::default()
        },
        ..Pool::default()
    };
    let start = Start::BeginQuiz(Box::new((pool, settings(Mode::Practice))));
    let mut stage = Stage::starting(start);
    while !stage.text().contains("How many consumers idle?") {
        stage.keys("<enter><enter><enter>");
    }
    stage.shows("A number");
    stage.keys("m<enter>");
    stage.shows("m is no number");
    stage.keys("<backspace>2<enter>");
    stage.shows("✓ you typed 2");
}

#[test]
fn a_machine_that_slept_stops_the_clock() {
    let mut stage = quiz(settings(Mode::Practice));
    stage.wait(10);
    stage.shows("9:50 left");
    // The lid is closed over lunch; the first key afterwards is not an answer.
    stage.now += 40.minutes();
    stage.keys("<enter>");
    let woken = stage.text();
    assert!(woken.contains("The clock stands"), "{woken}");
    assert!(woken.contains("slept for 40 minutes"), "{woken}");
    assert!(woken.contains("9:50 left"), "{woken}");
    stage.keys("<enter>");
    for _ in 0..3 {
        answer(&mut stage, true);
        stage.keys("<enter><enter>");
    }
    let result = stage.text();
    assert!(result.contains("3 of 3 points"), "{result}");
    assert!(result.contains("stopped 1 time"), "{result}");
}

#[test]
fn a_clock_set_back_is_told_and_the_quiz_goes_on() {
    let mut stage = quiz(settings(Mode::Practice));
    stage.now += 10.seconds();
    stage.app.tick(stage.now);
    stage.now -= 1.hours();
    stage.app.tick(stage.now);
    stage.draw();
    stage.shows("9:50 left");
    stage.shows("was set back");
    stage.now += 10.seconds();
    stage.app.tick(stage.now);
    stage.draw();
    stage.shows("9:40 left");
}

#[test]
fn misses_are_asked_again() {
    let mut stage = quiz(settings(Mode::Practice));
    for n in 0..3 {
        answer(&mut stage, n > 0);
        stage.keys("<enter><enter>");
    }
    stage.keys("r");
    stage.shows("1 of 1");
    stage.shows("misses of");
    answer(&mut stage, true);
    stage.keys("<enter><enter>");
    stage.shows("100 %");
    stage.shows("Nothing was missed");
}

#[test]
fn no_size_loses_the_question() {
    for (columns, rows) in [(60, 16), (80, 24), (100, 30), (200, 60)] {
        let mut stage = quiz(settings(Mode::Practice));
        stage.resize(columns, rows);
        assert!(
            stage.text().contains("1 of 3"),
            "{columns}×{rows}: {}",
            stage.text()
        );
        stage.keys("<enter>").keys("<enter>");
        stage.keys("q<esc>");
    }
}
