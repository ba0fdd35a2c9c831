//! The lab: what keys lead to, and what it looks like.

use super::Stage;
use crate::{
    bank::{CardId, built_in},
    sim::time::Time,
    tui::{app::Start, depth::Depth},
};

fn lab(scenario: &str, at: Option<Time>) -> Stage {
    let start = Start::Lab(Some(scenario.into()), None, at);
    let bank = built_in().unwrap();
    Stage::with(bank, Some("interview: 2026-12-10\n"), start, Depth::True)
}

/// The letter of the choice that begins with these words.
fn letter(stage: &Stage, words: &str) -> String {
    let text = stage.text();
    let line = text.lines().find(|line| line.contains(words)).unwrap();
    let before = line.split(words).next().unwrap();
    before.trim_end().chars().last().unwrap().to_string()
}

#[test]
fn a_scenario_is_predicted_watched_and_explained() {
    let mut stage = lab("isr-falls-behind", None);
    stage.shows("Three copies, one leader");
    // through the first step, to the questions of the second
    stage.keys("<enter><enter><enter><enter>");
    stage.shows("Predict, 1 of 2");
    let wrong = letter(&stage, "Nothing new");
    stage.keys(&wrong);
    stage.shows("Predict, 2 of 2");
    stage.keys("1, 2 and 3<enter>");
    stage.shows("running");
    stage.keys("<enter>");
    let text = stage.text();
    let wrong = format!("✗ {wrong}) Nothing new.");
    assert!(text.contains(&wrong), "{text}");
    assert!(text.contains(") No acknowledgements"), "{text}");
    assert!(text.contains("✓ 1, 2, 3"), "{text}");
    assert!(!text.contains("Not as this scenario says"), "{text}");
}

#[test]
fn a_wrong_prediction_makes_its_cards_due() {
    let mut stage = lab("isr-falls-behind", None);
    let due = |stage: &Stage| {
        let states = stage.app.desk().states();
        let cards = "high-watermark acks-all-alone isr-membership isr-shrinks min-isr-meaning";
        cards
            .split(' ')
            .filter(|card| states.get(&CardId::from(*card)).is_some())
            .count()
    };
    assert_eq!(due(&stage), 0);
    stage.keys("<enter><enter><enter><enter>");
    let wrong = letter(&stage, "Nothing new");
    stage.keys(&wrong).keys("1<enter><enter>");
    assert_eq!(due(&stage), 4, "two cards for each of the two");
}

#[test]
fn the_list_and_home_know_what_was_played() {
    let bank = built_in().unwrap();
    let mut stage = Stage::with(
        bank,
        Some("interview: 2026-12-10\n"),
        Start::Home,
        Depth::True,
    );
    let offered = |stage: &Stage| {
        let text = stage.text();
        text.lines()
            .find(|line| line.contains("Lab "))
            .map(str::to_owned)
            .unwrap_or_default()
    };
    let first = offered(&stage);
    assert!(first.contains("More consumers than partitions"), "{first}");
    stage.keys("L<enter>");
    for _ in 0..20 {
        if stage.text().contains("Predict, 1 of") {
            break;
        }
        stage.keys("<enter>");
    }
    stage.keys("a");
    // on to the answers, then out; a field takes the first escape for itself
    for _ in 0..12 {
        let text = stage.text();
        if text.contains("Predict, watch") {
            break;
        }
        stage.keys(match () {
            () if text.contains("n passes") => "n",
            () if text.contains("running") => "<enter>",
            () if text.contains("Leave the scenario?") => "y",
            () => "<esc>",
        });
    }
    stage.shows("predictions right.");
    stage.keys("<esc>");
    assert_ne!(offered(&stage), first, "{}", stage.text());
}

#[test]
fn answers_can_be_passed_over_and_the_end_says_so() {
    let mut stage = lab("acks-1-loss", None);
    for _ in 0..40 {
        if stage.text().contains("Over. You made no predictions") {
            return;
        }
        if stage.text().contains("enter takes it, esc passes") {
            stage.keys("<esc>");
        } else if stage.text().contains("n passes") {
            stage.keys("n");
        } else {
            stage.keys("<enter>");
        }
    }
    panic!("no end: {}", stage.text());
}

#[test]
fn what_counts_stays_in_sight_where_there_is_little_room() {
    let mut stage = lab("runbook-under-replicated", None);
    let line = |stage: &Stage, with: &str| -> String {
        let text = stage.text();
        let line = text.lines().find(|line| line.contains(with));
        line.unwrap_or_else(|| panic!("{with}: {text}")).to_owned()
    };
    stage.resize(80, 24);
    assert!(line(&stage, "Runbook").contains("… 1/4"));
    // the broker is down
    while !stage.text().contains("Why") {
        let passes = stage.text().contains("esc passes");
        stage.keys(if passes { "<esc>" } else { "<enter>" });
    }
    stage.keys("2");
    let heading = line(&stage, "scratch ");
    assert!(
        heading.contains("1 offline · 1 under min ISR · 1 under-repl"),
        "{heading}"
    );
    // `c` is the third choice there
    stage.keys("1");
    while !stage.text().contains("n passes") {
        stage.keys("<enter>");
    }
    assert!(line(&stage, " pass ").contains(": command"));
}

#[test]
fn a_typed_answer_that_is_none_is_refused_in_place() {
    let mut stage = lab("min-isr-refused", None);
    for _ in 0..30 {
        if stage.text().contains("Where does the high watermark") {
            break;
        }
        let passes = stage.text().contains("n passes");
        stage.keys(if passes { "n" } else { "<enter>" });
    }
    stage.keys("<enter>");
    stage.shows("write a number, like");
    stage.keys("many<enter>");
    stage.shows("`many` is no number");
    stage.keys("<ctrl-u>1000<enter><enter>");
    stage.shows("✓ 1000");
}

#[test]
fn a_command_is_chosen_or_written_and_starts_a_branch_in_the_past() {
    let mut stage = lab("three-brokers", None);
    stage.keys("]");
    stage.shows("00:10.0");
    stage.keys("[lll");
    stage.shows("in the past");
    stage.keys("ccra<enter>");
    stage.keys("<enter>2<enter>");
    let text = stage.text();
    assert!(text.contains("branch from 00:03.0"), "{text}");
    assert!(text.contains("† down") || text.contains("down"), "{text}");
    stage.keys("cnonsense<enter>");
    stage.shows("is no command");
    stage.keys("<esc>");
    stage.keys("ccrash broker 2<enter>");
    assert!(
        stage.text().contains("command"),
        "a dead broker cannot crash: {}",
        stage.text()
    );
}

#[test]
fn moments_are_sought_and_wrong_ones_refused_in_place() {
    let mut stage = lab("three-brokers", None);
    stage.keys("g1:30<enter>");
    stage.shows("01:30.0");
    stage.keys("g-3s<enter>");
    stage.shows("before the beginning");
    stage.keys("<ctrl-u>99h<enter>");
    stage.shows("is too far; a run goes to 24:00:00.0 at most");
    stage.shows("01:30.0");
    stage.keys("<ctrl-u>0s<enter>");
    stage.shows("paused 00:00.0");
}

#[test]
fn on_the_way_to_a_moment_far_ahead_keys_are_answered() {
    let mut stage = lab("three-brokers", None);
    stage.keys("g5:00<enter>");
    stage.shows("running 00:00.0");
    stage.shows("on the way to 05:00.0");
    stage.wait(2);
    stage.shows("paused 05:00.0");
    stage.keys("g20:00:00<enter>").wait(1);
    stage.shows("on the way to 20:00:00.0");
    stage.keys("<space>");
    stage.shows("paused");
    stage.hides("20:00:00");
}

#[test]
fn time_passes_only_while_it_is_let() {
    let mut stage = lab("three-brokers", None);
    assert_eq!(stage.app.deadline(), None);
    stage.keys("<space>");
    assert!(stage.app.deadline().is_some());
    stage.keys("2");
    stage.hides("paused");
    stage.keys("<space>");
    assert_eq!(stage.app.deadline(), None);
}

#[test]
fn an_event_tells_what_led_to_it() {
    let mut stage = lab("min-isr-refused", Some(Time::secs(24)));
    stage.keys("4w");
    stage.shows("why? the first cause first");
    stage.shows("› crash broker 3");
    stage.keys("<esc>f");
    stage.shows("4 events: faults");
}

#[test]
fn looks() {
    let mut stage = lab("isr-falls-behind", Some(Time::secs(50)));
    insta::assert_snapshot!("lab_told_80x24", stage.resize(80, 24).look());
    stage.keys("2");
    insta::assert_snapshot!("lab_cluster_80x24", stage.resize(80, 24).look());
    stage.keys("4");
    insta::assert_snapshot!("lab_events_80x24", stage.resize(80, 24).text());
    insta::assert_snapshot!("lab_200x60", stage.resize(200, 60).text());
    insta::assert_snapshot!("lab_60x16", stage.resize(60, 16).text());
    let mut stage = lab("ten-brokers", Some(Time::secs(3)));
    insta::assert_snapshot!("lab_ten_brokers_200x60", stage.resize(200, 60).text());
    insta::assert_snapshot!("lab_ten_brokers_80x24", stage.resize(80, 24).text());
}

#[test]
fn at_most_ten_frames_a_second_are_drawn_and_none_while_paused() {
    let mut stage = lab("three-brokers", None);
    stage.keys("<space>");
    for _ in 0..12 {
        stage.keys("+");
    }
    stage.shows("×1000");
    let (from, mut frames) = (stage.now, 0);
    // the loop of the terminal draws after each deadline, and otherwise only after a key
    while let Some(deadline) = stage.app.deadline() {
        stage.now = stage.now.max(deadline);
        if stage.now.duration_since(from).as_millis() >= 1_000 {
            break;
        }
        stage.app.tick(stage.now);
        frames += 1;
        assert!(frames <= 11, "a frame for every deadline");
    }
    assert!(frames >= 5, "{frames}");
    stage.keys("<space>");
    assert_eq!(stage.app.deadline(), None);
}

#[test]
fn after_commands_of_ones_own_the_script_goes_on_where_it_was() {
    let mut stage = lab("isr-falls-behind", None);
    stage.keys("<enter><enter><enter><enter>");
    let right = letter(&stage, "No acknowledgements");
    stage.keys(&right).keys("1,2,3<enter><enter>");
    assert!(
        stage
            .text()
            .contains(&format!("✓ {right}) No acknowledgements")),
        "{}",
        stage.text()
    );
    // two minutes on, with another acks: then back, to the twin
    stage.keys("g2:30<enter>cset producer app acks=1<enter>1");
    stage.shows("You have left the script");
    stage.keys("<enter>");
    let text = stage.text();
    assert!(text.contains("replica.lag.time.max.ms"), "{text}");
    assert!(text.contains("paused 00:30.0"), "{text}");
}

#[test]
fn a_run_of_ones_own_is_not_left_by_mistake() {
    let mut stage = lab("three-brokers", None);
    stage.keys("]ccrash broker 2<enter><esc>");
    stage.shows("Leave this run?");
    stage.keys("n");
    stage.shows("sandbox");
}

/// The second step of a follower that falls behind, beside its twin.
fn beside_its_twin() -> Stage {
    let mut stage = lab("isr-falls-behind", Some(Time::secs(30)));
    stage.keys("<enter>");
    stage.shows("t twin");
    stage
}

#[test]
fn a_run_and_its_twin_look() {
    let mut stage = beside_its_twin();
    insta::assert_snapshot!("lab_compared_80x24", stage.look());
    stage.keys("t");
    insta::assert_snapshot!("lab_both_80x24", stage.look());
    insta::assert_snapshot!("lab_both_120x40", stage.resize(120, 40).look());
    insta::assert_snapshot!("lab_both_200x60", stage.resize(200, 60).look());
    insta::assert_snapshot!("lab_both_150x40", stage.resize(150, 40).text());
    insta::assert_snapshot!("lab_both_60x16", stage.resize(60, 16).text());
}

#[test]
fn one_of_both_can_be_looked_at_alone() {
    let mut stage = beside_its_twin();
    stage.keys("t");
    let both = stage.text();
    assert!(both.contains("30 s") && both.contains("10 s"), "{both}");
    assert!(both.contains("* "), "what differs has a sign: {both}");
    let alone = |stage: &mut Stage| stage.keys("t").text().lines().nth(1).unwrap().to_owned();
    let here = alone(&mut stage);
    assert!(here.contains("replica.lag.time.max.ms: 30 s"), "{here}");
    let there = alone(&mut stage);
    assert!(
        there.contains("▸2 twin") && there.contains("replica.lag.time.max.ms: 10 s"),
        "{there}"
    );
    assert_eq!(stage.keys("t").text(), both, "and both again");
}

#[test]
fn both_go_through_time_together_and_take_the_same_commands() {
    let mut stage = beside_its_twin();
    stage.keys("t");
    // the acknowledged records of both, as their line tells them: one number where they are the same
    let acknowledged = |stage: &Stage| -> (u64, u64) {
        let text = stage.text();
        let after = text.split("acknowledged").nth(1).unwrap();
        let line = after.lines().next().unwrap();
        let words = line.split('·').next().unwrap().split_whitespace();
        let numbers: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
        (numbers[0], numbers.get(1).copied().unwrap_or(numbers[0]))
    };
    let (here, there) = acknowledged(&stage);
    assert!(here < there, "{here} {there}");
    stage.keys("]");
    let later = acknowledged(&stage);
    assert!(later.1 > there + 150, "{later:?}");
    stage.keys("g12s<enter>");
    let early = acknowledged(&stage);
    assert_eq!(early.0, early.1, "before the settings could tell");
    // the next event of either is an event of both
    let moment = |stage: &Stage| {
        let text = stage.text();
        text.split("paused ").nth(1).unwrap()[..7].to_owned()
    };
    stage.keys("n");
    let at = moment(&stage);
    assert_ne!(at, "00:12.0");
    stage.keys("cstop producer app<enter>");
    let stopped = acknowledged(&stage);
    stage.keys("]]]]]]");
    let text = stage.text();
    assert!(!text.contains("running"), "{text}");
    let end = acknowledged(&stage);
    stage.keys("]");
    assert_eq!(acknowledged(&stage), end, "nobody writes in either");
    assert!(end.0 >= stopped.0 && end.1 >= stopped.1);
}

#[test]
fn time_that_runs_runs_for_both() {
    let mut stage = beside_its_twin();
    stage.resize(200, 60);
    let acknowledged = |stage: &Stage| -> Vec<u64> {
        let text = stage.text();
        let line = text.lines().find(|l| l.contains("  acknowledged")).unwrap();
        let words = line.split_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let before = acknowledged(&stage);
    stage.keys("<space>").wait(2);
    stage.keys("<space>");
    let after = acknowledged(&stage);
    assert!(
        after[0] == before[0] && after[1] > before[1] + 150,
        "{}",
        stage.text()
    );
}
