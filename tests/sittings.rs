//! Quizzes, interviews, self-tests and stories on the real screen: to the end, out of time, killed and gone on with.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod pty;

use std::{fs, process::Command, time::Duration};

use highwater::{
    memory::Retention,
    progress::{Activity, Progress},
    tui::desk::practice::{LeftQuiz, left_quiz},
};
use portable_pty::CommandBuilder;
use pty::{Session, highwater, settled};
use tempfile::TempDir;

/// The keys that answer a question of a quiz, whatever its kind, and go on.
const QUIZ: &[(&str, &str)] = &[
    ("enter go on", "\r"),
    ("Hand the quiz in?", "y"),
    ("( )", "a\r"),
    ("[x]", "\r"),
    ("[ ]", "a\r"),
    ("step down", "J\r"),
    ("ctrl-t mark", "42\r"),
];

fn with(home: &TempDir, arguments: &[&str]) -> CommandBuilder {
    let mut command = highwater(home);
    command.args(arguments);
    command
}

fn log(home: &TempDir) -> Progress {
    Progress::open(&home.path().join("data"), Retention::default()).unwrap()
}

/// Goes home from a result and leaves.
fn leave(session: &mut Session) {
    session.press("\r");
    session.wait_for("Next");
    session.press("Q");
    assert_eq!(session.finish(), 0);
    session.assert_restored();
}

#[test]
fn a_timed_quiz_is_sat_to_the_end() {
    for mode in [&[][..], &["--exam"]] {
        let home = settled();
        let quiz = ["quiz", "-n", "6", "--minutes", "10", "--seed", "3"];
        let mut session = Session::start(with(&home, &[&quiz, mode].concat()));
        session.wait_for("1 of 6");
        session.wait_for(" left");
        session.play(QUIZ, "By topic");
        session.wait_for("of 6 points");
        session.wait_for("on the clock");
        let missed = log(&home).states().unwrap();
        assert!(missed.values().all(|state| state.missed));
        session.press("G");
        session.wait_for("Time by question");
        leave(&mut session);
    }
}

/// Leaves a quiz of one minute with this much of it gone.
fn left_with(home: &TempDir, gone: Duration) -> LeftQuiz {
    let begun = Command::new(env!("CARGO_BIN_EXE_highwater"))
        .args([
            "quiz",
            "--plain",
            "-n",
            "4",
            "--minutes",
            "1",
            "--seed",
            "3",
        ])
        .env("HIGHWATER_DATA_DIR", home.path().join("data"))
        .env("HIGHWATER_CONFIG_DIR", home.path().join("config"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(begun.status.success(), "{begun:?}");
    let mut log = log(home);
    let mut left = left_quiz(&log).unwrap().unwrap();
    left.snapshot.elapsed = gone;
    left.snapshot.answers[0].spent = gone;
    let kept = serde_json::to_value(&left.snapshot).unwrap();
    log.save_session(left.session, &kept).unwrap();
    left
}

#[test]
fn a_quiz_that_runs_out_of_time_ends_by_itself_and_loses_nothing() {
    let home = settled();
    let left = left_with(&home, Duration::from_millis(59_300));
    let mut session = Session::start(highwater(&home));
    session.wait_for("0 of 4 answered");
    session.press("\r");
    session.wait_for("The clock stands");
    session.press("\r");
    session.wait_for("time ran out");
    session.wait_for("4 unanswered");
    session.wait_for("1:00 on the clock");
    let states = log(&home).states().unwrap();
    for source in &left.snapshot.sources {
        if let Some(card) = source.card() {
            assert!(states[card].missed, "{card}");
        }
    }
    leave(&mut session);
}

#[test]
fn a_quiz_that_was_killed_goes_on_with_its_answers_and_its_clock() {
    let home = settled();
    let arguments = [
        "quiz",
        "-n",
        "5",
        "--exam",
        "--minutes",
        "10",
        "--seed",
        "8",
    ];
    let mut first = Session::start(with(&home, &arguments));
    for place in 1..=2 {
        first.wait_for(&format!("{place} of 5"));
        first.settle();
        let text = first.text();
        let (_, keys) = QUIZ.iter().find(|(words, _)| text.contains(words)).unwrap();
        first.press(keys);
    }
    first.wait_for("3 of 5");
    first.signal("KILL");
    first.finish();
    let left = left_quiz(&log(&home)).unwrap().unwrap();
    assert_eq!(left.answered(), 2);

    let mut second = Session::start(highwater(&home));
    second.wait_for("2 of 5 answered");
    second.press("\r");
    second.wait_for("The clock stands");
    second.press("\r");
    second.until("the question", |screen| {
        let text = screen.contents();
        text.contains("●●○○○") && !text.contains("The clock stands")
    });
    second.play(QUIZ, "By topic");
    second.wait_for("of 5 points");
    assert!(!second.text().contains("unanswered"), "{}", second.text());
    leave(&mut second);
}

/// The keys that lead through an interview: every point is made, every follow-up goes well.
const INTERVIEW: &[(&str, &str)] = &[
    ("Points you made  0 of", "a"),
    ("Your answer had  0 of", "a"),
    ("y went well", "y"),
    ("space", " "),
];

#[test]
fn a_mock_interview_with_a_design_drill_is_sat_to_the_end() {
    let home = settled();
    let arguments = [
        "interview",
        "-n",
        "2",
        "--design",
        "rate-limiter",
        "--seed",
        "5",
    ];
    let mut session = Session::start(with(&home, &arguments));
    session.wait_for("1 of 2");
    session.play(INTERVIEW, "› report");
    session.wait_for("Points by topic");
    let report = log(&home)
        .reports(&[Activity::Interview], 1)
        .unwrap()
        .remove(0);
    assert!(report.finished);
    assert_eq!(report.report["answers"].as_array().unwrap().len(), 2);
    let stages = report.report["design"]["stages"].as_array().unwrap();
    assert!(stages.len() == 8 && stages.iter().all(|stage| stage["met"] == 1));
    leave(&mut session);
}

#[test]
fn an_interview_survives_a_kill_and_goes_on_where_it_stood() {
    let home = settled();
    let mut command = highwater(&home);
    command.args(["interview", "--questions", "2", "--seed", "5"]);
    let mut first = Session::start(command);
    first.wait_for("1 of 2");
    first.wait_for("0:0");
    first.press(" ");
    first.wait_for("Points you made  0 of");
    first.press("a");
    first.wait_for("Points you made  1 of");
    first.signal("KILL");
    first.finish();

    let mut second = Session::start(highwater(&home));
    second.wait_for("Resume");
    second.wait_for("question 1 of 2");
    second.press("\r");
    second.wait_for("Points you made  1 of");
    second.press("\x05");
    second.wait_for("End here?");
    second.press("y");
    second.wait_for("Answer by answer");
    second.press("\r");
    second.until("home without an offer", |screen| {
        let text = screen.contents();
        text.contains("Next") && !text.contains("Resume")
    });
    second.press("Q");
    assert_eq!(second.finish(), 0);
    second.assert_restored();
}

#[test]
fn a_self_test_is_sat_to_the_end_and_makes_cards_due() {
    let home = settled();
    let mut session = Session::start(with(&home, &["selftest", "--area", "replication"]));
    session.play(&[("I can't", "1")], "made due by a 0 or a 1");
    assert!(!log(&home).states().unwrap().is_empty());
    leave(&mut session);
}

#[test]
fn stories_are_written_in_the_editor_and_drilled() {
    let home = settled();
    let editor = home.path().join("editor.sh");
    fs::write(
        &editor,
        "#!/bin/sh\nsed -i.old -e 's/What it is about, in a few words/The lag at month-end/' -e 's/: to be told/: We split the hot key./' \"$1\"\n",
    )
    .unwrap();
    let marked = Command::new("chmod")
        .arg("+x")
        .arg(&editor)
        .status()
        .unwrap();
    assert!(marked.success());
    let mut command = with(&home, &["stories"]);
    command.env("EDITOR", &editor);
    let mut session = Session::start(command);
    session.wait_for("Prompts");
    session.press("E");
    session.wait_for("The lag at month-end");
    session.press("\r");
    session.wait_for("1 of ");
    let views = [
        ("enter next", "\r"),
        ("space done", " "),
        ("enter this one", "\r"),
    ];
    session.play(&views, "enter stories");
    session.press("\x1b");
    session.wait_for("Prompts");
    session.press("Q");
    assert_eq!(session.finish(), 0);
    session.assert_restored();
}
