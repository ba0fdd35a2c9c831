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

fn shows(stage: &Stage, words: &str) {
    let text = stage.text();
    assert!(text.contains(words), "no `{words}` in:\n{text}");
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
    shows(&stage, "promise less than people think?");
    assert!(!stage.text().contains("Points you made"));
    stage.wait(61);
    shows(&stage, "1:0");
    stage.keys("<space>");
    shows(&stage, "Points you made  0 of 3");
    shows(&stage, "t [ ]");
    stage.keys("at");
    shows(&stage, "a [x]");
    shows(&stage, "t [x]");
    stage.keys("<space>");
    shows(&stage, "They ask next  1 of 2");
    assert!(!stage.text().contains("retriable"));
    stage.keys("y");
    shows(&stage, "1 of 2");
    stage.keys("<space>y<space>");
    while !stage.text().contains("report") {
        stage.keys("<space>n");
    }
    shows(&stage, "Level");
    shows(&stage, "missed");
    assert!(count(&mut stage, "interview-answer") >= 1);
    assert!(count(&mut stage, "make-due") >= 1);
    assert_eq!(count(&mut stage, "session-end"), 1);
    stage.keys("d");
    shows(&stage, "› drill");
}

#[test]
fn what_is_ticked_is_brought_into_the_window() {
    let mut stage = interview();
    stage.resize(60, 16).keys("<space>G");
    assert!(!stage.text().contains("a [ ]"), "{}", stage.text());
    stage.keys("a");
    shows(&stage, "a [x]");
    stage.keys("Gt");
    shows(&stage, "t [x]");
    let mut stage = design();
    stage.resize(60, 16).keys("<space>Gb");
    shows(&stage, "b [x]");
}

#[test]
fn ctrl_z_stops_the_clock() {
    for mut stage in [interview(), design()] {
        stage.wait(10).stop_for(20);
        shows(&stage, "0:12");
        stage.wait(5);
        shows(&stage, "0:17");
    }
}

#[test]
fn earlier_sittings_are_looked_at_again() {
    let mut stage = Stage::at_home();
    stage.keys("v");
    shows(&stage, "None yet.");
    stage.keys("<esc>s<enter>012<enter>");
    stage.keys("id<enter>i<space>ab<ctrl-e>y<enter>");
    stage.keys("i<right><right><right><right><down><down><left><left><enter>");
    stage.keys("<space>at<ctrl-e>y<enter>");
    // Left before anything was said: nothing to look at.
    stage.keys("id<enter><ctrl-e>y<enter>s<enter><esc>");
    snap("earlier", stage.keys("v"));
    stage.keys("<enter>");
    shows(&stage, "interview › report of 21 Nov");
    shows(&stage, "Answer by answer");
    stage.keys("<esc><down><enter>");
    shows(&stage, "design › report of 21 Nov");
    shows(&stage, "2 of 3");
    stage.keys("<esc><down><enter>");
    shows(&stage, "self-test › report of 21 Nov");
    shows(&stage, "3 skills rated");
    stage.keys("<esc><esc>");
    shows(&stage, "Next");
    for (keys, opened) in [("sv", "self-test"), ("idv", "design"), ("iv", "interview")] {
        stage.keys(keys).keys("<enter>");
        shows(&stage, &format!("{opened} › report"));
        stage.keys("<enter>");
    }
}

#[test]
fn a_machine_that_slept_stops_the_clock() {
    for mut stage in [interview(), design()] {
        stage.wait(10);
        stage.now += 3.hours();
        stage.keys("<space>");
        shows(&stage, "The clock stands");
        shows(&stage, "slept for 3 hours");
        assert_eq!(stage.app.deadline(), None);
        stage.keys("<space>");
        shows(&stage, "0:1");
        assert!(!stage.text().contains("180:"), "{}", stage.text());
    }
}

#[test]
fn the_clock_stands_while_paused_and_the_question_is_hidden() {
    let mut stage = interview();
    stage.wait(10).keys("P");
    assert_eq!(stage.app.deadline(), None);
    shows(&stage, "The clock stands");
    assert!(!stage.text().contains("promise less"));
    stage.wait(3600).keys("<space>");
    assert!(stage.app.deadline().is_some());
    shows(&stage, "0:1");
    assert!(!stage.text().contains("60:"), "{}", stage.text());
}

#[test]
fn an_interview_that_was_left_is_offered_and_gone_on_with() {
    let mut stage = interview();
    stage.keys("<space>a<esc>");
    shows(&stage, "Resume");
    shows(&stage, "question 1 of 1");
    stage.keys("<enter>");
    shows(&stage, "Points you made  1 of 3");
    stage.keys("<ctrl-e>");
    shows(&stage, "End here?");
    stage.keys("y");
    shows(&stage, "Level");
    stage.keys("<enter>");
    assert!(!stage.text().contains("Resume"), "{}", stage.text());
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
    shows(&stage, "at least one question");
    stage.keys("<left><enter>");
    shows(&stage, "they are all asked");
    let mut stage = Stage::at_home();
    stage.keys("i<right><right><right><right><down><left><enter>");
    shows(&stage, "no open question matches");
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
    shows(&stage, "since the last of");
}

#[test]
fn a_design_drill_through_all_stages() {
    let mut stage = design();
    shows(&stage, "Stage 1 of 8  Clarify");
    shows(&stage, "of 5:00");
    assert!(!stage.text().contains("Hints"));
    stage.keys("i");
    shows(&stage, "Hints  1 of 2");
    stage.wait(400);
    shows(&stage, "over");
    stage.keys("<space>ac");
    shows(&stage, "Your answer had  2 of 3");
    stage.keys("G");
    shows(&stage, "Per customer key");
    for _ in 0..7 {
        stage.keys("<space><space>a");
    }
    shows(&stage, "Stage 8 of 8");
    stage.keys("<space>");
    shows(&stage, "A rate limiter: ");
    shows(&stage, "1 hint");
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
    shows(&stage, "Stage 2 of 8");
    stage.keys("p");
    shows(&stage, "Your answer had  1 of 3");
    stage.keys("<space><esc>");
    shows(&stage, "design, A rate limiter");
    shows(&stage, "stage 2 of 8");
    stage.keys("<enter>");
    shows(&stage, "The clock stands");
    stage.keys("<space>");
    shows(&stage, "Stage 2 of 8");
}

#[test]
fn a_diagram_is_moved_and_never_wrapped() {
    let mut stage = design();
    stage.resize(60, 24).keys("<space>G");
    let whole = "token bucket per customer";
    assert!(
        stage.text().contains("client -> gateway 1"),
        "{}",
        stage.text()
    );
    stage.keys("<right><right><right>");
    shows(&stage, whole);
}

#[test]
fn the_self_test_makes_cards_due_and_remembers() {
    let mut stage = Stage::at_home();
    stage.keys("s");
    shows(&stage, "never rated");
    stage.keys("<enter>");
    shows(&stage, "1 of 3");
    stage.keys("0p");
    shows(&stage, "▸ 0  I can't");
    stage.keys("12");
    shows(&stage, "3 of 3");
    stage.keys("1");
    shows(&stage, "3 skills rated");
    shows(&stage, "A rate limiter");
    assert_eq!(count(&mut stage, "self-rating"), 4);
    assert_eq!(count(&mut stage, "make-due"), 2, "once at 0 and once at 1");
    stage.keys("<enter>s<enter>");
    shows(&stage, "You said");
    shows(&stage, "last today");
    stage.keys("2<esc>");
    shows(&stage, "since last time");
    stage.keys("<enter>s");
    shows(&stage, "of 2");
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
    shows(&stage, "overrate");
}

#[test]
fn a_self_test_left_at_once_says_nothing_was_changed() {
    let mut stage = Stage::at_home();
    stage.keys("s<enter><esc>");
    shows(&stage, "Next");
    shows(&stage, "no skill was rated; nothing has changed");
}

#[test]
fn a_chapter_is_read_in_the_midst_of_the_self_test() {
    let mut stage = Stage::at_home();
    stage.keys("s<enter>o");
    shows(&stage, "guide ›");
    stage.keys("<esc>");
    shows(&stage, "1 of 3");
}

#[test]
fn stories_without_a_file() {
    let mut stage = Stage::at_home();
    stage.keys("is");
    shows(&stage, "There is no file yet");
    shows(&stage, "hardest bug");
    stage.keys("<enter>");
    shows(&stage, "no story that serves");
    stage.keys("E");
    assert_eq!(stage.request(), Some(Request::EditStories));
}

#[test]
fn a_first_file_is_not_drilled_before_a_story_is_told() {
    let mut stage = Stage::at_home();
    let example = stories::example(stage.app.desk().bank());
    stage.write_stories(&example).keys("is");
    shows(&stage, "not told yet");
    shows(&stage, "Prompts without a story");
    stage.keys("<enter>");
    shows(&stage, "no story that serves a prompt yet");
    stage.keys("<esc>");
    let told = example.replacen(": to be told", ": A topic fell behind.", 1);
    stage.write_stories(&told).keys("s");
    assert!(!stage.text().contains("not told yet"), "{}", stage.text());
    stage.keys("<enter>");
    shows(&stage, "Which of your stories");
}

#[test]
fn stories_are_drilled_and_looked_over() {
    let mut stage = Stage::at_home();
    stage.write_stories(STORIES).keys("is");
    shows(&stage, "no number in it");
    shows(&stage, "Prompts with a story");
    stage.keys("<enter>");
    shows(&stage, "Which of your stories");
    stage.keys("<enter>");
    shows(&stage, "Tell it aloud");
    stage.keys("<space>");
    shows(&stage, "[ ] One hot key.");
    stage.keys("<space><down><down><space>");
    shows(&stage, "[x] 40 minutes of lag");
    stage.keys("<enter>");
    shows(&stage, "Prompt 2 of 2");
    stage.keys("<down><enter><space><enter>");
    shows(&stage, "2 prompts answered");
    shows(&stage, "2 of 3 facts told");
    shows(&stage, "left out");
    stage.keys("<enter>");
    shows(&stage, "Your stories");
}

#[test]
fn mistakes_in_the_stories_are_shown_with_their_place() {
    let mut stage = Stage::at_home();
    stage.write_stories(&STORIES.replace("template: incident", "template: incidnt"));
    stage.keys("is");
    shows(&stage, "line 4, column");
    shows(&stage, "did you mean");
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
