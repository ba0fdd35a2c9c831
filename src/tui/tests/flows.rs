//! What keys lead to.

use crossterm::event::Event;

use super::Stage;
use crate::{progress::EventKind, tui::app::Request};

#[test]
fn three_questions_then_the_drill() {
    let mut stage = Stage::first_start();
    stage.shows("When is the interview?");
    stage.keys("tomorrow<enter>");
    stage.shows("How many minutes a day?");
    stage.keys("20<enter>");
    stage.shows("Which track?");
    stage.keys("<down><enter>");
    stage.shows("What is the high watermark?");
    stage.shows("interview tomorrow");
    stage.shows("Kafka in one evening");
}

#[test]
fn every_question_can_be_skipped() {
    let mut stage = Stage::first_start();
    stage.keys("<tab><tab><tab>");
    stage.shows("› drill");
}

#[test]
fn a_wrong_date_is_refused_and_stays_to_be_mended() {
    let mut stage = Stage::first_start();
    stage.keys("soon<enter>");
    stage.shows("is no date");
    stage.keys("<ctrl-u>in 3 weeks<enter>");
    stage.shows("How many minutes");
}

#[test]
fn going_back_keeps_what_was_written() {
    let mut stage = Stage::first_start();
    stage.keys("<esc>");
    assert!(stage.text().contains("1 of 3"), "nothing lies before it");
    stage.shows("f1 help");
    stage.keys("in 3 weeks<enter>");
    stage.shows("empty for 30");
    stage.keys("45<esc>");
    stage.shows("in 3 weeks");
    stage.keys("<enter>");
    stage.shows("▸ 45");
    stage.keys("<enter>");
    // No text is asked for here: letters are keys again.
    stage.keys("?");
    stage.shows("First start");
    stage.keys("<esc>j");
    stage.shows("▸ Kafka in one evening");
    stage.keys("k<esc><ctrl-u><enter><enter>");
    stage.shows("› drill");
    stage.shows("in 21 days");
    assert_eq!(stage.app.desk().config().minutes, 30, "taken back");
}

#[test]
fn on_the_day_itself_readiness_is_told_for_today() {
    let mut stage = Stage::first_start();
    stage.keys("today<enter><enter><enter><esc><enter>");
    let home = stage.text();
    assert!(home.contains("Ready today"), "{home}");
    assert!(home.contains("interview today"), "{home}");
    assert!(!home.contains("if you stop now"), "no plan is left: {home}");
    stage.keys("t<tab><tab><tab>");
    stage.shows("0 % today");
}

#[test]
fn arrows_change_numbers_within_their_range() {
    let mut stage = Stage::at_home();
    stage.keys(",");
    assert!(!stage.text().contains("→ choose"), "a date is typed");
    stage.keys("<down><right><right><left>");
    assert_eq!(stage.app.desk().config().minutes, 35);
    stage.shows("→ choose");
    for _ in 0..12 {
        stage.keys("<left>");
    }
    assert_eq!(stage.app.desk().config().minutes, 5, "it stays at its end");
}

#[test]
fn a_rating_is_recorded_before_the_next_card() {
    let mut stage = Stage::at_home();
    stage.keys("d<enter>");
    assert_eq!(stage.app.desk().rated_today(), 0);
    stage.keys("3");
    assert_eq!(stage.app.desk().rated_today(), 1);
    stage.shows("1 done, ");
    stage.shows("enter shows what a good one holds");
}

#[test]
fn a_tick_out_of_sight_brings_the_points_into_it() {
    let mut stage = Stage::at_home();
    stage.resize(60, 16).keys("d<enter>G");
    // Some answers are short enough to show their points in the last window.
    for _ in 0..4 {
        if stage.text().contains("a [ ]") {
            stage.keys("s<enter>G");
        }
    }
    stage.hides("a [ ]");
    stage.keys("a");
    stage.shows("a [x]");
}

#[test]
fn ratings_wait_for_the_answer() {
    let mut stage = Stage::at_home();
    stage.keys("d3");
    assert_eq!(stage.app.desk().rated_today(), 0);
}

#[test]
fn ticks_suggest_and_enter_takes_the_suggestion() {
    let mut stage = Stage::at_home();
    stage.keys("backs=all<ctrl-d><enter>abc");
    stage.shows("▸3 good");
    stage.keys("<enter><enter><enter><enter>");
    assert_eq!(stage.app.desk().rated_today(), 0);
    stage.keys("<enter>");
    assert_eq!(stage.app.desk().rated_today(), 1);
}

#[test]
fn undo_brings_the_card_back() {
    let mut stage = Stage::at_home();
    stage.keys("d");
    let before = stage.text();
    stage.keys("<enter>2u");
    assert_eq!(stage.app.desk().rated_today(), 0);
    let line = |text: &str| text.lines().nth(3).map(str::to_owned);
    assert_eq!(line(&stage.text()), line(&before));
    stage.shows("taken back");
}

#[test]
fn suspended_cards_do_not_come_and_can_be_taken_up_again() {
    let mut stage = Stage::at_home();
    stage.keys("dx");
    stage.shows("suspended");
    stage.keys("<esc><enter>b<ctrl-s><ctrl-s><ctrl-s><ctrl-s><ctrl-s>");
    stage.shows("1 card ");
    stage.keys("<enter>x");
    stage.shows("taken up again");
}

#[test]
fn a_drill_that_was_left_is_offered_and_gone_on_with() {
    let mut stage = Stage::at_home();
    stage.keys("d<enter>3<esc>");
    stage.shows("Paused");
    stage.keys("<enter>");
    stage.shows("Resume");
    stage.keys("<enter>");
    stage.shows("1 done, ");
}

#[test]
fn a_finished_drill_is_not_offered() {
    let mut stage = Stage::at_home();
    stage.keys("d");
    for _ in 0..5 {
        stage.keys("<enter>4");
    }
    stage.shows("Done");
    stage.keys("<enter>");
    stage.hides("Resume");
    stage.keys("d");
    stage.shows("nothing is due");
}

#[test]
fn links_lead_to_cards_and_chapters_and_back() {
    let mut stage = Stage::at_home();
    stage.keys("r<enter><tab><tab><enter>");
    stage.shows("guide › Consumer groups");
    stage.keys("<esc>");
    stage.shows("Who is in sync");
    stage.keys("<tab><enter>");
    stage.shows("What is the high watermark?");
    stage.keys("o");
    stage.shows("Who is in sync");
}

#[test]
fn a_chapter_offers_its_cards() {
    let mut stage = Stage::at_home();
    stage.keys("r<enter>c");
    stage.shows("2 cards");
    stage.keys("<esc>d");
    stage.shows("2 left");
}

#[test]
fn found_cards_can_be_drilled() {
    let mut stage = Stage::at_home();
    stage.keys("bwatermark<ctrl-d>");
    stage.shows("2 left");
}

#[test]
fn a_running_drill_is_not_ended_without_asking() {
    let mut stage = Stage::at_home();
    stage.keys("d/watermark<ctrl-d>");
    stage.shows("A drill is running");
    stage.keys("n<esc><esc>");
    stage.shows("5 left");
    stage.keys("/watermark<ctrl-d>y");
    stage.shows("2 left");
}

#[test]
fn a_card_of_the_readers_own_opens_the_editor() {
    let mut stage = Stage::at_home();
    stage.keys("dE");
    assert!(matches!(stage.request(), Some(Request::Edit(_))));
}

#[test]
fn settings_take_effect_at_once() {
    let mut stage = Stage::at_home();
    stage.keys(",<enter><ctrl-u>2026-11-22<enter>");
    stage.shows("interview tomorrow");
    let before = stage.app.theme().name;
    stage.keys("jjjjjjj<right><right>");
    assert_ne!(stage.app.theme().name, before);
}

#[test]
fn quitting_from_anywhere() {
    for keys in [
        "Q",
        "dQ",
        "b<ctrl-c>",
        "d<enter><ctrl-c>",
        "?Q",
        ",<enter><ctrl-c>",
    ] {
        let mut stage = Stage::at_home();
        stage.keys(keys);
        assert_eq!(stage.request(), Some(Request::Quit), "{keys}");
    }
    let mut stage = Stage::at_home();
    stage.keys("<esc>n");
    assert_eq!(stage.request(), None);
    stage.keys("<esc>y");
    assert_eq!(stage.request(), Some(Request::Quit));
}

#[test]
fn a_click_does_what_the_key_does() {
    let mut stage = Stage::at_home();
    stage.keys("d<enter>").click("a [ ]").shows("a [x]");
    stage.click("3 good");
    assert_eq!(stage.app.desk().rated_today(), 1);
}

#[test]
fn a_second_click_opens_what_the_first_has_selected() {
    for (keys, words, opened) in [
        ("", "Replication and the ISR", "guide › Replication"),
        ("b", "What is the high watermark", "› card "),
        ("r", "  Replication and the ISR", "guide › Replication"),
        ("L", "sandbox", "events"),
        ("id", "A rate limiter", "Stage 1 of 8"),
        ("s", "Replication", "1 of 3"),
        ("q", "Level", "← warm-up →"),
        ("i", "Level", "← warm-up →"),
        (",", "Theme", "← dark →"),
    ] {
        let mut stage = Stage::at_home();
        stage.keys(keys).click(words);
        stage.hides(opened);
        stage.click(words);
        stage.shows(opened);
    }
    let mut stage = Stage::at_home();
    stage.keys("b").click("What is the high watermark");
    stage.keys("<down><up>").click("What is the high watermark");
    let text = stage.text();
    assert!(text.contains("search"), "keys came between: {text}");
}

#[test]
fn what_an_editor_takes_is_no_time_spent_on_a_card() {
    let spent = |stage: &mut Stage| {
        let events = stage.log(|log| log.events_of_kind("review").unwrap());
        match &events.last().unwrap().kind {
            EventKind::Review { ms, .. } => *ms,
            other => panic!("{other:?}"),
        }
    };
    let mut stage = Stage::at_home();
    stage.keys("d").stop_for(200).keys("<enter>3");
    assert_eq!(spent(&mut stage), 6000, "three keys of two seconds");
}

#[test]
fn pasted_text_goes_into_the_field_and_nowhere_else() {
    let mut stage = Stage::at_home();
    stage.event(&Event::Paste("dQ3".to_owned()));
    assert_eq!(stage.request(), None);
    stage
        .keys("b")
        .event(&Event::Paste("water\x1b[2Jmark".to_owned()));
    stage.shows("water␛[2Jmark");
    assert!(stage.cursor().is_some());
}

#[test]
fn the_footer_tells_only_what_works() {
    let mut stage = Stage::at_home();
    stage.keys("d");
    let footer = |stage: &Stage| stage.text().lines().last().unwrap().to_owned();
    assert!(!footer(&stage).contains("undo"), "{}", footer(&stage));
    stage.keys("<enter>3");
    assert!(footer(&stage).contains("u undo"), "{}", footer(&stage));
}
