//! Orders, limits and filters.

use jiff::{Timestamp, ToSpan};

use super::*;
use crate::{
    bank::{ChapterLink, Entry, Origin, Section, Target, Track},
    memory::{
        Memory, Parameters, Phase, Retention,
        fixtures::{bank, bank_of, card},
    },
};

fn now() -> Moment {
    Moment {
        at: Timestamp::UNIX_EPOCH + 2412.hours(),
        day: Day::from_number(100),
    }
}

fn scheduler() -> Scheduler {
    Scheduler::new(&Parameters::default(), Retention::default())
}

/// A card last rated ten days ago, due `due`.
fn seen(stability: f32, due: i32) -> CardState {
    CardState {
        phase: Phase::Review,
        memory: Some(Memory {
            stability,
            difficulty: 5.0,
        }),
        due: Some(Due::On(Day::from_number(due))),
        reviews: 1,
        first_day: Some(Day::from_number(90)),
        last_day: Some(Day::from_number(90)),
        last_at: Some(now().at - 240.hours()),
        ..CardState::default()
    }
}

fn states(entries: Vec<(&str, CardState)>) -> States {
    entries
        .into_iter()
        .map(|(id, state)| (id.into(), state))
        .collect()
}

fn names(queue: &Queue) -> Vec<&str> {
    queue.cards.iter().map(CardId::as_str).collect()
}

fn all(bank: &Bank, states: &States, limits: Limits) -> Queue {
    build(
        bank,
        states,
        &Filter::default(),
        limits,
        &scheduler(),
        now(),
    )
}

#[test]
fn the_least_remembered_comes_first_and_new_cards_are_dealt_in() {
    let bank = bank_of(8);
    let mut learning = seen(1.0, 100);
    learning.due = Some(Due::At(now().at + 3.minutes()));
    let states = states(vec![
        ("c0", seen(50.0, 99)),
        ("c1", seen(5.0, 99)),
        ("c2", seen(20.0, 100)),
        ("c3", seen(20.0, 101)), // not due
        ("c4", learning),
    ]);
    let queue = all(&bank, &states, Limits::NONE);
    assert_eq!(
        names(&queue),
        ["c4", "c1", "c5", "c2", "c6", "c0", "c7"].map(|n| n)
    );
    assert_eq!((queue.due, queue.new), (4, 3));
}

#[test]
fn limits_count_what_was_done_today_and_spare_what_is_being_learnt() {
    let bank = bank_of(10);
    let mut done_new = seen(2.0, 102);
    done_new.first_day = Some(now().day);
    done_new.last_day = Some(now().day);
    let mut done_due = seen(2.0, 102);
    done_due.last_day = Some(now().day);
    let mut learning = seen(2.0, 100);
    learning.due = Some(Due::At(now().at));
    let states = states(vec![
        ("c0", done_new),
        ("c1", done_due),
        ("c2", learning),
        ("c3", seen(5.0, 99)),
        ("c4", seen(6.0, 99)),
    ]);
    assert_eq!(Today::of(&states, now().day), Today { new: 1, due: 1 });
    let queue = all(&bank, &states, Limits { new: 3, due: 2 });
    assert_eq!((queue.due, queue.new), (2, 2), "{queue:?}");
    assert_eq!((queue.due_held_back, queue.new_held_back), (1, 3));
    assert!(names(&queue).contains(&"c2"));
    let queue = all(&bank, &states, Limits { new: 0, due: 0 });
    assert_eq!(names(&queue), ["c2"]);
}

#[test]
fn what_is_left_out_does_not_come() {
    let bank = bank_of(4);
    let mut suspended = seen(5.0, 99);
    suspended.suspended = true;
    let mut buried = seen(5.0, 99);
    buried.buried_until = Some(Day::from_number(101));
    let mut unburied = seen(5.0, 99);
    unburied.buried_until = Some(Day::from_number(100));
    let suspended_new = CardState {
        suspended: true,
        ..CardState::default()
    };
    let states = states(vec![
        ("c0", suspended),
        ("c1", buried),
        ("c2", unburied),
        ("c3", suspended_new),
    ]);
    assert_eq!(names(&all(&bank, &states, Limits::NONE)), ["c2"]);
}

#[test]
fn a_new_card_missed_elsewhere_is_due() {
    let bank = bank_of(2);
    let missed = CardState {
        due: Some(Due::On(now().day)),
        ..CardState::default()
    };
    let queue = all(
        &bank,
        &states(vec![("c1", missed)]),
        Limits { new: 0, due: 9 },
    );
    assert_eq!((names(&queue), queue.due), (vec!["c1"], 1));
}

#[test]
fn what_was_missed_elsewhere_comes_first_and_before_anything_new() {
    let bank = bank_of(8);
    let mut well_known = seen(90.0, 100);
    well_known.missed = true;
    let never_met = CardState {
        due: Some(Due::On(now().day)),
        missed: true,
        ..CardState::default()
    };
    let mut learning = seen(1.0, 100);
    learning.due = Some(Due::At(now().at));
    let states = states(vec![
        ("c0", seen(5.0, 99)),
        ("c1", well_known),
        ("c2", never_met),
        ("c3", learning),
        ("c4", seen(6.0, 99)),
    ]);
    let queue = all(&bank, &states, Limits::NONE);
    assert_eq!(names(&queue)[..3], ["c3", "c2", "c1"]);
    assert_eq!((queue.due, queue.new), (5, 3));
    let few = all(&bank, &states, Limits { new: 1, due: 2 });
    assert_eq!(names(&few), ["c3", "c2", "c1", "c5"]);
    assert_eq!((few.due_held_back, few.new_held_back), (2, 2));
}

#[test]
fn related_cards_are_kept_apart() {
    let mut cards: Vec<Card> = (0..9).map(|n| card("d", &format!("c{n}"))).collect();
    cards[0].see.cards = vec!["c1".into()];
    for n in [2, 3] {
        cards[n].see.chapter = Some(ChapterLink {
            chapter: "kafka/replication".into(),
            anchor: Some("isr".to_owned()),
        });
    }
    let bank = bank(cards);
    let queue = all(&bank, &States::new(), Limits::NONE);
    let place = |name: &str| names(&queue).iter().position(|n| *n == name).unwrap();
    assert!(place("c1").abs_diff(place("c0")) > APART, "{queue:?}");
    assert!(place("c3").abs_diff(place("c2")) > APART, "{queue:?}");
    assert_eq!(queue.cards.len(), 9);
    // A chapter without an anchor says too little to keep its cards apart.
    let mut loose = [card("d", "a"), card("d", "b")];
    for card in &mut loose {
        card.see.chapter = Some(ChapterLink {
            chapter: "kafka/replication".into(),
            anchor: None,
        });
    }
    assert!(!related(&loose[0], &loose[1]));
}

#[test]
fn filters_narrow_and_a_track_orders() {
    let mut cards = vec![card("a", "one"), card("a", "two"), card("b", "three")];
    cards[1].tags = vec!["kafka".to_owned(), "isr".to_owned()];
    cards[1].level = Level::Staff;
    cards[2].tags = vec!["kafka".to_owned()];
    cards[2].starred = true;
    let mut bank = bank(cards);
    let entry = |id: &str| Entry {
        target: Target::Card(id.into()),
        most_asked: false,
    };
    bank.tracks.push(Track {
        id: "evening".into(),
        title: String::new(),
        about: String::new(),
        sections: vec![Section {
            title: String::new(),
            entries: vec![entry("three"), entry("gone"), entry("one")],
        }],
        origin: Origin {
            file: "t".into(),
            line: 1,
            item: 0,
            built_in: true,
        },
    });
    let starred = CardState {
        starred: true,
        flagged: true,
        ..CardState::default()
    };
    let states = states(vec![("one", starred)]);
    let filter = Filter::default;
    let cases = [
        (filter(), vec!["one", "two", "three"]),
        (
            Filter {
                deck: Some("a".into()),
                ..filter()
            },
            vec!["one", "two"],
        ),
        (
            Filter {
                track: Some("evening".into()),
                ..filter()
            },
            vec!["three", "one"],
        ),
        (
            Filter {
                tags: vec!["kafka".into()],
                ..filter()
            },
            vec!["two", "three"],
        ),
        (
            Filter {
                tags: vec!["kafka".into(), "isr".into()],
                ..filter()
            },
            vec!["two"],
        ),
        (
            Filter {
                levels: vec![Level::Staff],
                ..filter()
            },
            vec!["two"],
        ),
        (
            Filter {
                starred: true,
                ..filter()
            },
            vec!["one", "three"],
        ),
        (
            Filter {
                flagged: true,
                ..filter()
            },
            vec!["one"],
        ),
    ];
    for (filter, expected) in cases {
        filter.check(&bank).unwrap();
        let found: Vec<&str> = filter
            .cards(&bank, &states)
            .iter()
            .map(|card| card.id.as_str())
            .collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let several = Filter {
        deck: Some("a".into()),
        tags: vec!["isr".into()],
        levels: vec![Level::Hard, Level::Staff],
        starred: true,
        ..filter()
    };
    assert_eq!(several.words(&bank), "Deck a, #isr, hard, staff, starred");
    assert_eq!(filter().words(&bank), "everything");
    let wrong = Filter {
        tags: vec!["kafak".into()],
        ..filter()
    };
    let message = wrong.check(&bank).unwrap_err().to_string();
    assert_eq!(message, "there is no tag `kafak`; did you mean `kafka`?");
    let wrong = Filter {
        deck: Some("zzz".into()),
        ..filter()
    };
    assert_eq!(
        wrong.check(&bank).unwrap_err().to_string(),
        "there is no deck `zzz`; decks: a b"
    );
}
