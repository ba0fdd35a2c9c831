//! Interviews, the self-test and stories on the real program: line by line, killed and resumed, and wrongly asked for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A home for one test.
struct Home {
    root: TempDir,
}

impl Home {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
        command
            .args(arguments)
            .env("HIGHWATER_DATA_DIR", self.data())
            .env("HIGHWATER_CONFIG_DIR", self.root.path().join("config"))
            .env("TZ", "UTC")
            .env("RUST_BACKTRACE", "0")
            .env_remove("VISUAL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs to the end with this on standard input.
    fn run(&self, arguments: &[&str], input: &str) -> Output {
        finish(&mut self.command(arguments), input)
    }

    /// The same; it must succeed, and what it printed comes back.
    fn prints(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        text(&output.stdout)
    }
}

fn finish(command: &mut Command, input: &str) -> Output {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that ends early closes its end; that is for the assertions to judge.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Numbers what is printed for the first question: enter, all points, enter.
const ALL: &str = "\n1 2 3 4 5 6\n\n";

#[test]
fn an_interview_line_by_line() {
    let home = Home::new();
    let input = format!("{ALL}e\n");
    let printed = home.prints(&["interview", "--plain", "-n", "1", "--seed", "4"], &input);
    assert!(printed.contains("[1 of 1]"), "{printed}");
    assert!(printed.contains("Which of these points"), "{printed}");
    assert!(printed.contains("Level: "), "{printed}");
    let again = home.prints(&["interview", "--plain", "-n", "1", "--seed", "4"], "q\n");
    let ask = |printed: &str| {
        let at = printed
            .lines()
            .position(|line| line.contains("[1 of 1]"))
            .unwrap();
        printed.lines().nth(at + 1).unwrap().to_owned()
    };
    assert_eq!(ask(&printed), ask(&again), "the seed repeats it");
    assert!(again.contains("goes on with it"), "{again}");
}

#[test]
fn an_interview_that_was_left_goes_on_where_it_stood() {
    let home = Home::new();
    let first = home.prints(&["interview", "--plain", "-n", "2", "--seed", "9"], "\n1\n");
    assert!(first.contains("ticked 1 of"), "{first}");
    let second = home.prints(&["interview", "--plain"], "\ne\n");
    assert!(second.contains("Going on with the interview"), "{second}");
    assert!(second.contains("Which of these points"), "{second}");
    assert!(second.contains(" 1 of "), "{second}");
    let drill = home.prints(&["drill", "--plain"], "q\n");
    assert!(drill.contains('[') && !drill.contains("Nothing to drill"));
}

#[test]
fn a_design_drill_as_json() {
    let home = Home::new();
    let arguments = ["interview", "-n", "0", "--design", "rate-limiter", "--json"];
    let input = "i\n\n1 2\n\n".to_owned() + &"\n\n".repeat(7);
    let report: Value = serde_json::from_str(&home.prints(&arguments, &input)).unwrap();
    let stages = report["design"]["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 8);
    assert_eq!(
        (&stages[0]["met"], &stages[0]["hints"]),
        (&2.into(), &1.into())
    );
    assert!(stages.iter().all(|stage| stage["finished"] == true));
    assert!(report["level"].is_null());
}

#[test]
fn the_self_test_makes_cards_due_and_remembers() {
    let home = Home::new();
    let arguments = ["selftest", "--plain", "--area", "replication"];
    let printed = home.prints(&arguments, "0\nx\n1\nb\n2\nq\n");
    assert!(printed.contains("0, 1 or 2"), "{printed}");
    assert!(
        printed.contains("You say, and your reviews say"),
        "{printed}"
    );
    let arguments = ["selftest", "--json", "--area", "replication"];
    let report: Value = serde_json::from_str(&home.prints(&arguments, &"2\n".repeat(40))).unwrap();
    let lines = report["lines"].as_array().unwrap();
    let said = lines.iter().filter(|line| !line["said"].is_null()).count();
    assert_eq!(said, 2, "two were rated before");
    let stats: Value = serde_json::from_str(&home.prints(&["stats", "--json"], "")).unwrap();
    let due = stats.to_string();
    assert!(due.contains("\"due\""), "{due}");
}

#[test]
fn stories_are_made_checked_and_drilled() {
    let home = Home::new();
    let nothing = home.prints(&["stories", "--plain"], "");
    assert!(nothing.contains("--edit"), "{nothing}");
    let mut edit = home.command(&["stories", "--edit"]);
    edit.env("EDITOR", "true");
    let made = finish(&mut edit, "");
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    assert!(text(&made.stdout).contains("no story serves the prompt"));
    let drilled = home.prints(&["stories", "--drill", "--seed", "1"], "1\n\n1\n\nq\n");
    assert!(drilled.contains("1 of 2 told"), "{drilled}");
    let shown: Value = serde_json::from_str(&home.prints(&["stories", "--json"], "")).unwrap();
    assert_eq!(shown["stories"][0]["id"], "my-first-story");

    fs::write(
        home.data().join("stories.yaml"),
        "stories:\n  - id: a\n    title: A\n    template: system-i-won\n    parts: {situation: s}\n",
    )
    .unwrap();
    let wrong = home.run(&["stories"], "");
    assert_eq!(wrong.status.code(), Some(1));
    let said = text(&wrong.stdout);
    assert!(said.contains("stories.yaml:4:15: error"), "{said}");
    assert!(said.contains("did you mean `system-i-own`?"), "{said}");
    let none = home.run(&["stories", "--drill", "--plain"], "");
    assert_eq!(none.status.code(), Some(2), "{none:?}");
}

#[test]
fn an_editor_that_fails_is_named() {
    let home = Home::new();
    for (editor, words) in [
        ("false", "false ended with"),
        ("/no/editor", "cannot be started"),
    ] {
        let mut edit = home.command(&["stories", "--edit"]);
        edit.env("EDITOR", editor);
        let output = finish(&mut edit, "");
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(words), "{output:?}");
    }
}

#[test]
fn wrong_usage_is_told_and_nothing_begins() {
    let home = Home::new();
    let cases: &[(&[&str], &str)] = &[
        (&["interview", "--questions", "0"], "at least one question"),
        (&["interview", "--questions", "99"], "at most 50"),
        (
            &["interview", "--deck", "kafka-replicatio"],
            "did you mean `kafka-replication`?",
        ),
        (
            &["interview", "--design", "rate-limitr"],
            "did you mean `rate-limiter`?",
        ),
        (&["interview", "--tag", "nonsense-tag"], "there is no tag"),
        (&["interview", "--level", "boss"], "possible values"),
        (
            &["selftest", "--area", "replicaton"],
            "did you mean `replication`?",
        ),
        (&["selftest", "--area", "zzzzzz"], "areas: "),
        (&["stories", "--seed", "1"], "--drill"),
        (&["stories", "--edit", "--drill"], "cannot be used with"),
    ];
    for (arguments, words) in cases {
        let output = home.run(arguments, "");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let none = home.prints(&["interview", "--plain", "-n", "1"], "q\n");
    assert!(!none.contains("Going on"), "{none}");
}

#[test]
fn a_level_that_a_deck_does_not_have_matches_nothing() {
    let home = Home::new();
    let output = home.run(
        &[
            "interview",
            "--tag",
            "kafka",
            "--tag",
            "resilience",
            "--tag",
            "sql",
        ],
        "",
    );
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
