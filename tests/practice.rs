//! Interviews, the self-test and stories on the real program: line by line, killed and resumed, and wrongly asked for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod home;

use std::{collections::BTreeSet, fs};

use highwater::{
    bank::built_in::built_in,
    clock,
    config::Config,
    memory::{self, Filter, Limits, Retention, StudyDays},
    progress::Progress,
};
use jiff::{ToSpan, tz::TimeZone};
use serde_json::Value;

use home::{Home, finish, text};

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
    let untold = home.run(&["stories", "--drill"], "");
    assert_eq!(untold.status.code(), Some(2), "nothing is told yet");
    let shown: Value = serde_json::from_str(&home.prints(&["stories", "--json"], "")).unwrap();
    assert_eq!(shown["stories"][0]["id"], "my-first-story");
    assert_eq!(shown["stories"][0]["is_told"], false);

    let file = home.data().join("stories.yaml");
    let told = fs::read_to_string(&file).unwrap();
    fs::write(&file, told.replace("to be told", "2 of 3 brokers stood")).unwrap();
    let drilled = home.prints(&["stories", "--drill", "--seed", "1"], "1\n\n1\n\nq\n");
    assert!(drilled.contains("1 of 2 told"), "{drilled}");
    let arguments = ["stories", "--drill", "--seed", "1", "--json"];
    let lines: Value = serde_json::from_str(&home.prints(&arguments, "1\n\n1\n\nq\n")).unwrap();
    assert_eq!((&lines[0]["told"], &lines[0]["of"]), (&1.into(), &2.into()));

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

/// A reader sits a quiz of twenty questions in ten minutes, a mock interview with a design drill and the self-test in one
/// evening; tomorrow's drill begins with what they got wrong, and holds what they said they cannot do.
#[test]
fn an_evening_of_practice_and_the_drill_of_the_next_day() {
    let home = Home::new();
    let json = |arguments: &[&str], input: &str| -> Value {
        serde_json::from_str(&home.prints(arguments, input)).unwrap()
    };
    // Every question takes one of these lines or both; some answers are right by chance.
    let quiz = json(&["quiz", "--json", "--seed", "7"], &"a\n\n".repeat(20));
    let verdicts = quiz["verdicts"].as_array().unwrap();
    assert_eq!(
        (verdicts.len(), &quiz["settings"]["limit_ms"]),
        (20, &600_000.into())
    );
    assert_eq!(quiz["settings"].get("limit_each_ms"), Some(&Value::Null));
    for (scores, name) in [("by_topic", "topic"), ("by_level", "level")] {
        let scores = quiz[scores].as_array().unwrap();
        let asked = scores.iter().map(|score| score["asked"].as_u64().unwrap());
        assert_eq!(asked.sum::<u64>(), 20);
        assert!(scores.iter().all(|score| score[name].is_string()));
    }
    let mut wrong: BTreeSet<String> = verdicts
        .iter()
        .filter(|verdict| verdict["mark"]["credit"].as_f64().unwrap() < 1.0)
        .filter_map(|verdict| Some(verdict["source"]["check"]["card"].as_str()?.to_owned()))
        .collect();
    assert!(wrong.len() >= 5, "{wrong:?}");

    // The first question is answered well, its points all ticked; at the others nothing is said.
    let interview = "\n1 2 3 4 5 6\n\n".to_owned() + &"\ny\n".repeat(4) + &"\nn\n".repeat(60);
    let arguments = [
        "interview",
        "--json",
        "-n",
        "4",
        "--design",
        "rate-limiter",
        "--seed",
        "7",
    ];
    let interview = json(&arguments, &interview);
    let answers = interview["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 4);
    let well = answers.iter().map(|answer| &answer["follow_ups"]);
    assert!(well.clone().all(|judged| judged["asked"].is_u64()));
    assert!(
        well.clone().any(|judged| judged["well"] != 0),
        "{interview}"
    );
    assert_eq!(interview["design"]["stages"].as_array().unwrap().len(), 8);
    let poor = answers
        .iter()
        .filter(|answer| answer["worth"].as_f64().unwrap() < 0.65);
    let poor: BTreeSet<String> = poor
        .map(|answer| answer["card"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(poor.len(), 3, "{interview}");
    wrong.extend(poor);

    let skills = json(&["selftest", "--json"], &"0\n2\n".repeat(200));
    let lines = skills["lines"].as_array().unwrap();
    assert!(lines.len() > 20);
    let bank = built_in().unwrap();
    let cannot = lines.iter().filter(|line| line["says"] == 0);
    let cannot: BTreeSet<&str> = cannot.map(|line| line["skill"].as_str().unwrap()).collect();
    let weak: BTreeSet<String> = bank
        .areas
        .iter()
        .flat_map(|area| &area.skills)
        .filter(|skill| cannot.contains(skill.id.as_str()))
        .flat_map(|skill| skill.cards.iter().map(ToString::to_string))
        .collect();
    assert!(weak.len() > 20, "{weak:?}");

    let log = Progress::open(&home.data(), Retention::default()).unwrap();
    let days = StudyDays::new(TimeZone::UTC, 4);
    let tomorrow = days.moment(clock::now() + 24.hours());
    let states = log.states().unwrap();
    let limits = Config::default().limits;
    let drill = memory::build(
        &bank,
        &states,
        &Filter::default(),
        limits,
        log.scheduler(),
        tomorrow,
    );
    let first: BTreeSet<String> = drill
        .cards
        .iter()
        .take(wrong.len())
        .map(ToString::to_string)
        .collect();
    assert_eq!(first, wrong, "what was got wrong comes first");
    let everything = memory::build(
        &bank,
        &states,
        &Filter::default(),
        Limits::NONE,
        log.scheduler(),
        tomorrow,
    );
    let due: BTreeSet<String> = everything.cards.iter().map(ToString::to_string).collect();
    assert!(weak.is_subset(&due), "what the reader cannot do comes back");

    // And the same evening already: the first card shown is one of those.
    let drilled = home.prints(&["drill", "--plain"], "q\n");
    let asked = |card: &str| {
        let ask = bank.card(&card.into()).unwrap().ask.clone();
        drilled.contains(ask.lines().next().unwrap())
    };
    assert!(wrong.iter().any(|card| asked(card)), "{drilled}");
    // What the quiz missed can be asked again.
    let again = json(&["quiz", "--misses", "--json"], &"a\n\n".repeat(20));
    let missed = verdicts
        .iter()
        .filter(|v| v["mark"]["credit"].as_f64().unwrap() < 1.0);
    assert_eq!(again["verdicts"].as_array().unwrap().len(), missed.count());
}

#[test]
fn a_quiz_line_by_line_is_left_gone_on_with_and_given_up() {
    let home = Home::new();
    let begun = home.prints(
        &["quiz", "--plain", "-n", "3", "--exam", "--seed", "5"],
        "a\n",
    );
    assert!(begun.contains("[1 of 3, 10:00 left]"), "{begun}");
    assert!(begun.contains("goes on with it"), "{begun}");
    let gone_on = home.prints(&["quiz", "--plain"], "h\n");
    assert!(gone_on.contains("Going on with the quiz"), "{gone_on}");
    assert!(gone_on.contains("stopped 1 time"), "{gone_on}");
    assert!(gone_on.contains("By question:"), "{gone_on}");
    let lines = "m\nm\nzz\ng 9\ng 2\n<\nh\n";
    let exam = home.prints(
        &[
            "quiz", "--plain", "-n", "3", "--exam", "--engine", "--seed", "5",
        ],
        lines,
    );
    for words in [
        "Marked for later.",
        "No longer marked.",
        "`z` is none of a to",
        "There is no question 9; they go from 1 to 3.",
        "[2 of 3, ",
        "3 unanswered",
    ] {
        assert!(exam.contains(words), "{words}: {exam}");
    }
    assert!(
        !exam.contains("hands the exam in"),
        "only after the last: {exam}"
    );
    let misses = home.prints(&["quiz", "--plain", "--misses"], "q\n");
    assert!(misses.contains(" left]"), "{misses}");
    let other = home.prints(
        &[
            "quiz",
            "--plain",
            "--deck",
            "kafka-replication",
            "-n",
            "999",
        ],
        "q\n",
    );
    assert!(other.contains("is given up"), "{other}");
    assert!(other.contains("they are all asked"), "{other}");
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
        (&["interview", "--questions", "99"], "from 0 to 50"),
        (&["interview", "--seed", "-1"], "`-1` is no whole number"),
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
        (&["quiz", "--count", "0"], "from 1 to 1000"),
        (&["quiz", "--count", "-3"], "`-3` is no whole number"),
        (
            &["quiz", "--count", "18446744073709551615"],
            "from 1 to 1000",
        ),
        (&["search", " "], "needs a word"),
        (
            &["search", "lag", "--limit", "-1"],
            "`-1` is no whole number",
        ),
        (&["drill", "--new", "-1"], "`-1` is no whole number"),
        (&["sim", "fuzz", "--seeds", "0"], "from 1"),
        (&["quiz", "--minutes", "0"], "leaves no time"),
        (&["quiz", "--seconds", "0"], "leaves no time"),
        (&["quiz", "--minutes", "soon"], "no number from 1 to 86400"),
        (&["quiz", "--minutes", "-3"], "no number from 1 to 86400"),
        (
            &["quiz", "--deck", "producer"],
            "did you mean `kafka-producers`?",
        ),
        (&["quiz", "--track", "zzzzzz"], "tracks: "),
        (&["stories", "--drill"], "--edit` makes one"),
        (&["quiz", "--weak"], "no question matches my weak spots"),
        (&["quiz", "--misses"], "no quiz has been finished yet"),
        (
            &["quiz", "--deck", "kafka-replicatio"],
            "did you mean `kafka-replication`?",
        ),
        (&["read", "kafka/replication#isrs"], "did you mean `isr`?"),
        (&["read", "kafka/replication#zzzzzzzz"], "; it has: "),
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
