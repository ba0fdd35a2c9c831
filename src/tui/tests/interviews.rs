//! Interviews, design drills, the self-test and stories, by keys.

use jiff::ToSpan;

use super::Stage;
use crate::{
    bank::stories,
    progress::{Activity, EventKind},
    tui::app::Request,
};

/// A snapshot of symbols and styles at 80×24, and of symbols at 120×40.
fn snap(name: &str, stage: &mut Stage) {
    insta::assert_snapshot!(format!("{name}_80x24"), stage.resize(80, 24).look());
    insta::assert_snapshot!(format!("{name}_120x40"), stage.resize(120, 40).text());
    stage.resize(80, 24);
}

/// An interview of two questions on one deck, which has one open question.
fn interview() -> Stage {
    let mut stage = Stage::at_home();
    stage.keys("i<right><right><right><right><down><down><left><left><enter>");
    stage
}

/// The design drill alone.
fn design() -> Stage {
    let mut stage = Stage::at_home();
    stage.keys("id<enter>");
    stage
}

const STORIES: &str = "stories:\n  - id: lag\n    title: The lag at month-end\n    template: incident\n    parts: {situation: A topic fell behind.}\n    facts: [One hot key., We split it.]\n    numbers: [40 minutes of lag]\n  - id: bare\n    title: A story without a figure\n    prompts: [disagreement]\n    parts: {situation: We disagreed.}\n";

fn count(stage: &mut Stage, kind: &str) -> usize {
    let events = stage.log(|log| log.events_of_kind(kind).unwrap());
    events.len()
}

#[test]
fn an_interview_from_the_first_question_to_its_report() {
    let mut stage = interview();
    stage.shows("promise less than people think?");
    stage.hides("Points you made");
    stage.wait(61);
    stage.shows("1:0");
    stage.keys("<space>");
    stage.shows("Points you made  0 of 3");
    stage.shows("t [ ]");
    stage.keys("at");
    stage.shows("a [x]");
    stage.shows("t [x]");
    stage.keys("<space>");
    stage.shows("They ask next  1 of 2");
    stage.hides("retriable");
    stage.keys("y");
    stage.shows("1 of 2");
    stage.keys("<space>y<space>");
    while !stage.text().contains("report") {
        stage.keys("<space>n");
    }
    stage.shows("Level");
    stage.shows("missed");
    stage.resize(60, 60).hides("…").shows("spoken");
    assert!(count(&mut stage, "interview-answer") >= 1);
    assert!(count(&mut stage, "make-due") >= 1);
    assert_eq!(count(&mut stage, "session-end"), 1);
    stage.keys("d");
    stage.shows("› drill");
}

#[test]
fn what_is_ticked_is_brought_into_the_window() {
    let mut stage = interview();
    stage.resize(60, 16).keys("<space>G");
    stage.hides("a [ ]");
    stage.keys("a");
    stage.shows("a [x]");
    stage.keys("Gt");
    stage.shows("t [x]");
    let mut stage = design();
    stage.resize(60, 16).keys("<space>Gb");
    stage.shows("b [x]");
}

#[test]
fn a_click_ticks_a_point() {
    let mut stage = interview();
    stage.keys("<space>").click("b [ ]").shows("b [x]");
    stage.click("t [ ]").shows("t [x]");
    let mut stage = design();
    stage.resize(120, 40).keys("<space>").click("a [ ]");
    stage.shows("a [x]");
    let mut stage = Stage::at_home();
    stage.keys("s<enter>").click("can stumble through");
    stage.shows("2 of 3");
}

#[test]
fn an_interview_that_was_left_is_not_ended_unasked() {
    let mut stage = interview();
    stage.keys("<space>a<esc>id<enter>");
    stage.shows("End the interview that was left at question 1 of 1?");
    stage.keys("n<esc><esc>").shows("Resume");
    stage.keys("id<enter>y").shows("Stage 1 of 8");
    assert_eq!(count(&mut stage, "interview-answer"), 1, "it counts");
}

#[test]
fn ctrl_z_stops_the_clock() {
    for mut stage in [interview(), design()] {
        stage.wait(10).stop_for(20);
        stage.shows("0:12");
        stage.wait(5);
        stage.shows("0:17");
    }
}

#[test]
fn earlier_sittings_are_looked_at_again() {
    let mut stage = Stage::at_home();
    stage.keys("v");
    stage.shows("None yet.");
    stage.keys("<esc>s<enter>012<enter>");
    stage.keys("id<enter>i<space>ab<ctrl-e>y<enter>");
    stage.keys("i<right><right><right><right><down><down><left><left><enter>");
    stage.keys("<space>at<ctrl-e>y<enter>");
    // Left before anything was said: nothing to look at.
    stage.keys("id<enter><ctrl-e>y<enter>s<enter><esc>");
    snap("earlier", stage.keys("v"));
    stage.keys("<enter>");
    stage.shows("interview › report of 21 Nov");
    stage.shows("Answer by answer");
    stage.keys("<esc><down><enter>");
    stage.shows("design › report of 21 Nov");
    stage.shows("2 of 3");
    stage.keys("<esc><down><enter>");
    stage.shows("self-test › report of 21 Nov");
    stage.shows("3 skills rated");
    stage.keys("<esc><esc>");
    stage.shows("Next");
    for (keys, opened) in [("sv", "self-test"), ("idv", "design"), ("iv", "interview")] {
        stage.keys(keys).keys("<enter>");
        stage.shows(&format!("{opened} › report"));
        stage.keys("<enter>");
    }
}

#[test]
fn a_machine_that_slept_stops_the_clock() {
    for mut stage in [interview(), design()] {
        stage.wait(10);
        stage.now += 3.hours();
        stage.keys("<space>");
        stage.shows("The clock stands");
        stage.shows("slept for 3 hours");
        assert_eq!(stage.app.deadline(), None);
        stage.keys("<space>");
        stage.shows("0:1");
        stage.hides("180:");
    }
}

#[test]
fn the_clock_stands_while_paused_and_the_question_is_hidden() {
    let mut stage = interview();
    stage.wait(10).keys("P");
    assert_eq!(stage.app.deadline(), None);
    stage.shows("The clock stands");
    stage.hides("promise less");
    stage.wait(3600).keys("<space>");
    assert!(stage.app.deadline().is_some());
    stage.shows("0:1");
    stage.hides("60:");
}

#[test]
fn an_interview_that_was_left_is_offered_and_gone_on_with() {
    let mut stage = interview();
    stage.keys("<space>a<esc>");
    stage.shows("Resume");
    stage.shows("question 1 of 1");
    stage.keys("<enter>");
    stage.shows("Points you made  1 of 3");
    stage.keys("<ctrl-e>");
    stage.shows("End here?");
    stage.keys("y");
    stage.shows("Level");
    stage.keys("<enter>");
    stage.hides("Resume");
}

#[test]
fn a_running_clock_is_kept_every_few_seconds() {
    let mut stage = interview();
    stage.wait(42);
    let left = stage.log(|log| {
        let events = log.events_of_kind("session-start").unwrap();
        let session = events.last().unwrap().id;
        log.let_go(session);
        log.interrupted().unwrap().remove(0)
    });
    let kept = left.snapshot.unwrap();
    let seconds = kept["sheets"][0]["spent"]["secs"].as_u64().unwrap();
    assert!((38..=44).contains(&seconds), "{seconds}");
}

#[test]
fn asking_for_nothing_and_for_more_than_there_is() {
    let mut stage = Stage::at_home();
    stage.keys("i<down><down><left><left><left><enter>");
    stage.shows("at least one question");
    stage.keys("<left><enter>");
    stage.shows("they are all asked");
    let mut stage = Stage::at_home();
    stage.keys("i<right><right><right><right><down><left><enter>");
    stage.shows("no open question matches");
}

#[test]
fn a_second_interview_is_compared_with_the_first() {
    let mut stage = interview();
    for _ in 0..2 {
        stage.keys("<space>abc<space>");
        while !stage.text().contains("report") {
            stage.keys("<space>abcy");
        }
        stage.keys("<enter>i<right><right><right><right><down><down><left><left><enter>");
    }
    stage.keys("<ctrl-e>y");
    assert!(
        !stage.text().contains("since the last"),
        "nothing was answered"
    );
    stage.keys("<enter>i<right><right><right><right><down><down><left><left><enter><space>a");
    stage.keys("<ctrl-e>y");
    stage.shows("since the last of");
}

#[test]
fn a_design_drill_through_all_stages() {
    let mut stage = design();
    stage.shows("Stage 1 of 8  Clarify");
    stage.shows("of 5:00");
    stage.hides("Hints");
    stage.keys("i");
    stage.shows("Hints  1 of 2");
    stage.wait(400);
    stage.shows("over");
    stage.keys("<space>ac");
    stage.shows("Your answer had  2 of 3");
    stage.keys("G");
    stage.shows("Per customer key");
    for _ in 0..7 {
        stage.keys("<space><space>a");
    }
    stage.shows("Stage 8 of 8");
    stage.keys("<space>");
    stage.shows("A rate limiter: ");
    stage.shows("1 hint");
    stage.resize(60, 60).hides("…").shows("1 hint");
    assert_eq!(count(&mut stage, "stage-result"), 8);
    let starts = stage.log(|log| log.events_of_kind("session-start").unwrap());
    let designs = starts.iter().filter(|event| {
        matches!(
            &event.kind,
            EventKind::SessionStart {
                activity: Activity::Design,
                ..
            }
        )
    });
    assert_eq!(designs.count(), 1);
}

#[test]
fn a_design_drill_goes_back_and_on_and_is_resumed_at_its_stage() {
    let mut stage = design();
    stage.keys("<space>a<space>");
    stage.shows("Stage 2 of 8");
    stage.keys("p");
    stage.shows("Your answer had  1 of 3");
    stage.keys("<space><esc>");
    stage.shows("design, A rate limiter");
    stage.shows("stage 2 of 8");
    stage.keys("<enter>");
    stage.shows("The clock stands");
    stage.keys("<space>");
    stage.shows("Stage 2 of 8");
}

#[test]
fn a_diagram_is_moved_and_never_wrapped() {
    let mut stage = design();
    stage.resize(60, 24).keys("<space>G");
    let whole = "token bucket per customer";
    stage.shows("client -> gateway 1");
    stage.keys("<right><right><right>");
    stage.shows(whole);
}

#[test]
fn the_self_test_makes_cards_due_and_remembers() {
    let mut stage = Stage::at_home();
    stage.keys("s");
    stage.shows("never rated");
    stage.keys("<enter>");
    stage.shows("1 of 3");
    stage.keys("0p");
    stage.shows("▸ 0  I can't");
    stage.keys("12");
    stage.shows("3 of 3");
    stage.keys("1");
    stage.shows("3 skills rated");
    stage.shows("A rate limiter");
    assert_eq!(count(&mut stage, "self-rating"), 4);
    assert_eq!(count(&mut stage, "make-due"), 2, "once at 0 and once at 1");
    stage.keys("<enter>s<enter>");
    stage.shows("You said");
    stage.shows("last today");
    stage.keys("2<esc>");
    stage.shows("since last time");
    stage.keys("<enter>s");
    stage.shows("of 2");
}

#[test]
fn what_the_reader_says_stands_beside_what_the_reviews_say() {
    let mut stage = Stage::at_home();
    stage.keys("backs=all<ctrl-d><enter>1");
    stage.wait(30 * 24 * 3600).keys("<esc><esc><esc><esc>");
    while !stage.text().contains("self-test") {
        stage.keys("<esc>");
    }
    stage.keys("ns<enter>2<esc>");
    let text = stage.text();
    let line = text.lines().find(|line| line.contains("acks=all")).unwrap();
    assert!(line.contains(" %"), "{text}");
    stage.shows("overrate");
}

#[test]
fn a_self_test_left_at_once_says_nothing_was_changed() {
    let mut stage = Stage::at_home();
    stage.keys("s<enter><esc>");
    stage.shows("Next");
    stage.shows("no skill was rated; nothing has changed");
}

#[test]
fn a_chapter_is_read_in_the_midst_of_the_self_test() {
    let mut stage = Stage::at_home();
    stage.keys("s<enter>o");
    stage.shows("guide ›");
    stage.keys("<esc>");
    stage.shows("1 of 3");
}

#[test]
fn stories_without_a_file() {
    let mut stage = Stage::at_home();
    stage.keys("is");
    stage.shows("There is no file yet");
    stage.shows("hardest bug");
    stage.keys("<enter>");
    stage.shows("no story that serves");
    stage.keys("E");
    assert_eq!(stage.request(), Some(Request::EditStories));
}

#[test]
fn a_first_file_is_not_drilled_before_a_story_is_told() {
    let mut stage = Stage::at_home();
    let example = stories::example(stage.app.desk().bank());
    stage.write_stories(&example).keys("is");
    stage.shows("not told yet");
    stage.shows("Prompts without a story");
    stage.keys("<enter>");
    stage.shows("no story that serves a prompt yet");
    stage.keys("<esc>");
    let told = example.replacen(": to be told", ": A topic fell behind.", 1);
    stage.write_stories(&told).keys("s");
    stage.hides("not told yet");
    stage.keys("<enter>");
    stage.shows("Which of your stories");
}

#[test]
fn stories_are_drilled_and_looked_over() {
    let mut stage = Stage::at_home();
    stage.write_stories(STORIES).keys("is");
    stage.shows("no number in it");
    stage.shows("Prompts with a story");
    stage.keys("<enter>");
    stage.shows("Which of your stories");
    stage.keys("<enter>");
    stage.shows("Tell it aloud");
    stage.keys("<space>");
    stage.shows("[ ] One hot key.");
    stage.keys("<space><down><down><space>");
    stage.shows("[x] 40 minutes of lag");
    stage.keys("<enter>");
    stage.shows("Prompt 2 of 2");
    stage.keys("<down><enter><space><enter>");
    stage.shows("2 prompts answered");
    stage.shows("2 of 3 facts told");
    stage.shows("left out");
    stage.keys("<enter>");
    stage.shows("Your stories");
}

#[test]
fn a_long_fact_is_shown_whole_while_it_is_selected() {
    let mut stage = Stage::at_home();
    let long = "One hot key held 40 % of all records, and its owner had warned of it for months";
    stage.write_stories(&STORIES.replace("One hot key.", &format!("\"{long}\"")));
    stage.resize(60, 16).keys("is<enter><enter><space>");
    stage
        .shows("[ ] One hot key")
        .shows("owner had")
        .shows("for months");
    stage.keys("<down>").hides("for months");
}

#[test]
fn mistakes_in_the_stories_are_shown_with_their_place() {
    let mut stage = Stage::at_home();
    stage.write_stories(&STORIES.replace("template: incident", "template: incidnt"));
    stage.keys("is");
    stage.shows("line 4, column");
    stage.shows("did you mean");
}

#[test]
fn looks() {
    let mut stage = Stage::at_home();
    stage.keys("i");
    snap("interview_setup", &mut stage);
    let mut stage = interview();
    snap("interview_question", &mut stage);
    stage.keys("<space>at");
    snap("interview_points", &mut stage);
    stage.keys("<space><space>");
    snap("interview_follow_up", &mut stage);
    stage.keys("yc<space>n");
    stage.keys("<ctrl-e>y");
    snap("interview_report", &mut stage);
    let mut stage = Stage::at_home();
    stage.keys("id");
    snap("design_setup", &mut stage);
    stage.keys("<enter>i");
    snap("design_whiteboard", &mut stage);
    stage.keys("<space>a");
    snap("design_rubric", &mut stage);
    stage.keys("<ctrl-e>y");
    snap("design_report", &mut stage);
    let mut stage = Stage::at_home();
    stage.keys("s");
    snap("self_test_setup", &mut stage);
    stage.keys("<enter>0");
    snap("self_test", &mut stage);
    stage.keys("2<esc>");
    snap("self_test_report", &mut stage);
    let mut stage = Stage::at_home();
    stage.write_stories(STORIES).keys("is");
    snap("stories", &mut stage);
    stage.keys("<enter>");
    snap("stories_naming", &mut stage);
    stage.keys("<enter><space><space>");
    snap("stories_ticking", &mut stage);
    insta::assert_snapshot!("stories_too_small", stage.resize(50, 12).text());
}
