//! What every screen looks like, at several sizes.

use std::collections::BTreeSet;

use crossterm::event::Event;

use super::{Stage, stage::named};
use crate::tui::{app::Start, depth::Depth, keymap};

/// A snapshot of symbols and styles at 80×24, and of symbols at other sizes.
fn snap(name: &str, stage: &mut Stage) {
    insta::assert_snapshot!(format!("{name}_80x24"), stage.resize(80, 24).look());
    insta::assert_snapshot!(format!("{name}_120x40"), stage.resize(120, 40).text());
}

#[test]
fn first_start() {
    let mut stage = Stage::first_start();
    snap("welcome", &mut stage);
    insta::assert_snapshot!(
        "welcome_track",
        stage
            .resize(80, 24)
            .keys("in 19 days<enter>20<enter>")
            .look()
    );
}

#[test]
fn home() {
    let mut stage = Stage::at_home();
    snap("home_new", &mut stage);
    stage
        .keys("d")
        .keys("<enter>3<enter>2<enter>1<esc>")
        .keys("<enter>");
    snap("home_left", &mut stage);
    insta::assert_snapshot!("home_200x60", stage.resize(200, 60).text());
    insta::assert_snapshot!("home_60x16", stage.resize(60, 16).text());
    insta::assert_snapshot!("too_small", stage.resize(59, 15).text());
}

#[test]
fn home_without_cards() {
    insta::assert_snapshot!("home_without_cards", Stage::without_cards().text());
}

#[test]
fn drill() {
    let mut stage = Stage::at_home();
    stage.keys("d");
    snap("drill_question", &mut stage);
    stage.keys("<enter>");
    snap("drill_answer", &mut stage);
    stage.keys("ac<enter><enter>");
    snap("drill_ticked", &mut stage);
    insta::assert_snapshot!("drill_60x16", stage.resize(60, 16).text());
    insta::assert_snapshot!("drill_200x60", stage.resize(200, 60).text());
}

#[test]
fn drill_bug_card() {
    let mut stage = Stage::at_home();
    stage.keys("dsss").keys("<enter>");
    snap("drill_third", &mut stage);
}

#[test]
fn drill_summary() {
    let mut stage = Stage::at_home();
    stage.keys("d<enter>3<enter>1<enter>2<esc>");
    snap("drill_summary", &mut stage);
}

#[test]
fn browse() {
    let mut stage = Stage::at_home();
    stage.keys("b");
    snap("browse", &mut stage);
    insta::assert_snapshot!("browse_found", stage.resize(80, 24).keys("high").look());
    // found by a word of what explains the answer: what stands around it leads the preview
    insta::assert_snapshot!(
        "browse_passage",
        stage.resize(120, 40).keys("<down>").look()
    );
    insta::assert_snapshot!("browse_none", stage.resize(80, 24).keys("qqqq").text());
    insta::assert_snapshot!("browse_60x16", stage.keys("<esc>").resize(60, 16).text());
}

#[test]
fn one_card() {
    let mut stage = Stage::at_home();
    stage.keys("b<enter>");
    snap("card", &mut stage);
}

#[test]
fn guide() {
    let mut stage = Stage::at_home();
    stage.keys("r");
    snap("contents", &mut stage);
    stage.keys("<enter>");
    snap("chapter", &mut stage);
    insta::assert_snapshot!("chapter_link", stage.resize(80, 24).keys("<tab>").look());
    insta::assert_snapshot!("chapter_end", stage.keys("G").text());
    insta::assert_snapshot!("chapter_60x16", stage.keys("g").resize(60, 16).text());
    insta::assert_snapshot!(
        "chapter_search",
        stage.resize(80, 24).keys("/watermark<enter>").look()
    );
}

#[test]
fn stats() {
    let mut stage = Stage::at_home();
    stage.keys("t");
    insta::assert_snapshot!("stats_new", stage.text());
    stage.keys("<esc>d<enter>3<enter>4<enter>2<esc><enter>t");
    snap("stats", &mut stage);
    for page in ["reviews", "coming", "ready"] {
        insta::assert_snapshot!(
            format!("stats_{page}"),
            stage.resize(80, 24).keys("<tab>").text()
        );
    }
}

#[test]
fn settings() {
    let mut stage = Stage::at_home();
    stage.keys(",");
    snap("settings", &mut stage);
    insta::assert_snapshot!(
        "settings_wrong",
        stage
            .resize(80, 24)
            .keys("<enter><ctrl-u>soon<enter>")
            .look()
    );
}

#[test]
fn help() {
    let mut stage = Stage::at_home();
    stage.keys("?");
    snap("help_home", &mut stage);
    insta::assert_snapshot!(
        "help_answer",
        stage.resize(80, 24).keys("<esc>d<enter>?").text()
    );
}

#[test]
fn fewer_colours() {
    for (name, depth) in [
        ("none", Depth::None),
        ("16", Depth::Sixteen),
        ("256", Depth::Indexed),
    ] {
        let mut stage = Stage::in_colours(depth);
        insta::assert_snapshot!(format!("colours_{name}"), stage.keys("d<enter>a").look());
    }
}

/// Every screen that can be reached, by the keys that lead there.
const PLACES: &[&str] = &[
    "",
    "?",
    "d",
    "d<enter>",
    "d<enter>abc<enter><enter>",
    "d<enter>3<enter>1<esc>",
    "d?",
    "b",
    "backs",
    "bzzzz",
    "b<enter>",
    "b<enter><tab>",
    "r",
    "r<enter>",
    "r<enter>G",
    "r<enter>/acks<enter>n",
    "t",
    "t<tab>",
    "t<tab><tab>",
    "t<tab><tab><tab>",
    ",",
    ",<enter>",
    "r<enter>c",
    "<esc>",
    "i",
    "id",
    "i<enter>",
    "i<enter>P",
    "i<enter><space>abt",
    "i<enter><space><space>",
    "i<enter><space><space><space>",
    "i<enter><space><ctrl-e>y",
    "id<enter>",
    "id<enter>i",
    "id<enter><space>ab",
    "id<enter><space>ab<space><space><ctrl-e>y",
    "s",
    "s<enter>",
    "s<enter>0",
    "s<enter>012<esc>",
    "is",
    "v",
    "s<enter>012<enter>v",
    "s<enter>012<enter>v<enter>",
];

#[test]
fn every_screen_at_every_size() {
    for place in PLACES {
        let mut stage = Stage::at_home();
        stage.keys(place);
        for (columns, rows) in [
            (0, 0),
            (1, 1),
            (10, 3),
            (59, 15),
            (60, 16),
            (61, 17),
            (79, 20),
            (80, 24),
            (96, 24),
            (100, 30),
            (119, 40),
            (120, 16),
            (200, 60),
            (60, 60),
            (300, 16),
        ] {
            stage.resize(columns, rows);
            if columns >= 60 && rows >= 16 {
                let text = stage.text();
                let lines: Vec<&str> = text.lines().collect();
                assert!(
                    lines[0].contains("highwater"),
                    "{place} at {columns}×{rows}:\n{text}"
                );
                assert!(
                    lines[1..].iter().any(|line| !line.trim().is_empty()),
                    "{place} at {columns}×{rows}"
                );
            }
        }
    }
}

/// One place for every context.
const CONTEXTS: &[&str] = &[
    "",
    "?",
    "d",
    "d<enter>",
    "d<enter>3<enter>1<esc>",
    "b",
    "b<enter>",
    "r",
    "r<enter>",
    "t",
    ",",
    ",<enter>",
    "<esc>",
    "q",
    "i",
    "i<enter>",
    "i<enter><space>",
    "id<enter><space>",
    "s<enter>",
    "s<enter>2<esc><enter>v",
];

#[test]
fn every_key_of_the_table_can_be_pressed() {
    for binding in keymap::TABLE {
        for key in binding.keys {
            assert_eq!(keymap::name(named(key)).as_deref(), Some(*key));
        }
    }
}

#[test]
fn every_key_everywhere_leaves_a_screen_that_can_be_drawn() {
    let keys: BTreeSet<&str> = keymap::TABLE
        .iter()
        .flat_map(|binding| binding.keys.iter().copied())
        .collect();
    for place in CONTEXTS {
        for key in &keys {
            let mut stage = Stage::at_home();
            stage.keys(place).resize(60, 16);
            stage.event(&Event::Key(named(key)));
            assert!(stage.text().contains("highwater"), "{place} then {key}");
        }
    }
}

#[test]
fn starting_places() {
    for (start, words) in [
        (Start::Drill(crate::memory::Filter::default()), "drill"),
        (Start::Read(None), "guide"),
        (
            Start::Read(Some("kafka/replication#acks".to_owned())),
            "What acks=all waits for",
        ),
        (Start::Quiz, "A quiz"),
        (Start::Interview, "A mock interview"),
        (Start::SelfTest, "self-test"),
        (Start::Stories(false), "stories"),
        (Start::Lab(None, None, None), "lab"),
    ] {
        let stage = Stage::starting(start);
        assert!(stage.text().contains(words), "{words}:\n{}", stage.text());
    }
}
