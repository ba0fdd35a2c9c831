//! What the log promises: nothing lost, nothing counted twice, everything can be taken back.

use std::time::Duration;

use jiff::ToSpan;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::memory::{Day, Parameters, Phase, Today};

fn moment(minutes: i64) -> Moment {
    let at = Timestamp::UNIX_EPOCH + (20_000 * 24 * 60 + minutes).minutes();
    Moment {
        at,
        day: Day::from_number(20_000 + (minutes / (24 * 60)) as i32),
    }
}

fn days(count: i64) -> i64 {
    count * 24 * 60
}

fn memory() -> Progress {
    Progress::in_memory(Retention::default()).unwrap()
}

fn review(card: &str, rating: Rating) -> Review {
    Review {
        card: card.into(),
        rating,
        spent: Duration::from_millis(1500),
        from: Activity::Drill,
        session: None,
    }
}

fn rate(progress: &mut Progress, card: &str, rating: Rating, minutes: i64) -> CardState {
    progress
        .review(&review(card, rating), moment(minutes))
        .unwrap()
}

/// Everything that follows from the log, after working it out anew.
fn rebuilt(progress: &mut Progress) -> (States, Vec<DayCount>) {
    progress.write(|db, _| projection::rebuild(db)).unwrap();
    (
        progress.states().unwrap(),
        progress.days(Day::from_number(0)).unwrap(),
    )
}

fn exported(progress: &Progress) -> String {
    let mut out = Vec::new();
    progress.export(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_rating_changes_the_card_and_counts_for_its_day() {
    let mut progress = memory();
    let state = rate(&mut progress, "c", Rating::Good, 0);
    assert_eq!((state.phase, state.reviews), (Phase::Review, 1));
    assert_eq!(progress.state(&"c".into()).unwrap(), state);
    assert_eq!(
        progress.state(&"other".into()).unwrap(),
        CardState::default()
    );
    rate(&mut progress, "c", Rating::Again, days(2));
    rate(&mut progress, "d", Rating::Good, days(2));
    let counted = progress.days(Day::from_number(0)).unwrap();
    let line = |day, reviews, recalled, new| DayCount {
        day: Day::from_number(day),
        reviews,
        recalled,
        new,
        ms: reviews * 1500,
    };
    assert_eq!(counted, [line(20_000, 1, 1, 1), line(20_002, 2, 1, 1)]);
    let today = Today::of(&progress.states().unwrap(), Day::from_number(20_002));
    assert_eq!((today.new, today.due), (1, 1));
}

#[test]
fn undo_goes_back_as_far_as_the_log() {
    let mut progress = memory();
    let first = rate(&mut progress, "c", Rating::Good, 0);
    rate(&mut progress, "c", Rating::Again, days(2));
    let suspend = EventKind::Suspend { card: "c".into() };
    progress.append(suspend, None, moment(days(2) + 1)).unwrap();
    let names: Vec<String> = std::iter::from_fn(|| {
        let undone = progress.undo_last(None, moment(days(3))).unwrap()?;
        if undone.event.kind.name() == "review" && undone.state.reviews == 1 {
            assert_eq!(undone.state, first);
        }
        Some(undone.event.kind.name().to_owned())
    })
    .collect();
    assert_eq!(names, ["suspend", "review", "review"]);
    assert!(progress.states().unwrap().is_empty());
    assert!(progress.days(Day::from_number(0)).unwrap().is_empty());
    assert_eq!(
        progress.event_count().unwrap(),
        6,
        "the log itself only grows"
    );
}

#[test]
fn undo_takes_the_own_sessions_last_thing_first() {
    let mut progress = memory();
    let session = progress
        .start_session(Activity::Drill, "all", &json!({}), moment(0))
        .unwrap();
    let mut own = review("own", Rating::Good);
    own.session = Some(session);
    progress.review(&own, moment(1)).unwrap();
    rate(&mut progress, "other", Rating::Good, 2);
    let undone = progress
        .undo_last(Some(session), moment(3))
        .unwrap()
        .unwrap();
    assert_eq!(undone.card, Some("own".into()));
    let undone = progress
        .undo_last(Some(session), moment(4))
        .unwrap()
        .unwrap();
    assert_eq!(undone.card, Some("other".into()));
    assert_eq!(progress.undo_last(Some(session), moment(5)).unwrap(), None);
}

#[test]
fn what_is_undone_twice_or_not_there_is_refused() {
    let mut progress = memory();
    let star = EventKind::Star {
        card: "c".into(),
        on: true,
    };
    let id = progress.append(star, None, moment(0)).unwrap();
    progress.undo(id, None, moment(1)).unwrap();
    let error = progress.undo(id, None, moment(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the star of 2024-10-04 is taken back already"
    );
    let strange = EventId::new(moment(0).at, 1);
    assert!(progress.undo(strange, None, moment(2)).is_err());
    let undo = progress.events_of_kind("undo").unwrap()[0].id;
    assert!(progress.undo(undo, None, moment(2)).is_err());
    assert_eq!(progress.event_count().unwrap(), 2);
}

#[test]
fn marks_change_the_card_and_nothing_else() {
    let mut progress = memory();
    let before = rate(&mut progress, "c", Rating::Good, 0);
    let card = || CardId::from("c");
    let tomorrow = Day::from_number(20_001);
    let kinds = vec![
        EventKind::Star {
            card: card(),
            on: true,
        },
        EventKind::Flag {
            card: card(),
            on: true,
        },
        EventKind::Bury {
            card: card(),
            until: tomorrow,
        },
        EventKind::Suspend { card: card() },
    ];
    progress.append_all(kinds, None, moment(1)).unwrap();
    let expected = CardState {
        starred: true,
        flagged: true,
        suspended: true,
        buried_until: Some(tomorrow),
        ..before.clone()
    };
    assert_eq!(progress.state(&card()).unwrap(), expected);
    let kinds = vec![
        EventKind::Unsuspend { card: card() },
        EventKind::Star {
            card: card(),
            on: false,
        },
        EventKind::Flag {
            card: card(),
            on: false,
        },
    ];
    progress.append_all(kinds, None, moment(2)).unwrap();
    assert_eq!(progress.state(&card()).unwrap(), before);
}

#[test]
fn a_miss_elsewhere_makes_a_card_due_but_never_later() {
    let mut progress = memory();
    let due = |progress: &Progress, card: &str| progress.state(&card.into()).unwrap().due;
    let miss = |card: &str| EventKind::MakeDue {
        card: card.into(),
        from: Activity::Quiz,
    };
    rate(&mut progress, "known", Rating::Easy, 0);
    rate(&mut progress, "learning", Rating::Again, 0);
    let learning = due(&progress, "learning");
    for card in ["known", "learning", "new"] {
        progress.append(miss(card), None, moment(days(1))).unwrap();
    }
    let today = Some(crate::memory::Due::On(Day::from_number(20_001)));
    assert_eq!(due(&progress, "known"), today);
    assert_eq!(due(&progress, "learning"), learning);
    assert_eq!(due(&progress, "new"), today);
    assert!(progress.state(&"new".into()).unwrap().is_new());
    for card in ["known", "learning", "new"] {
        assert!(progress.state(&card.into()).unwrap().missed, "{card}");
    }
    assert!(!rate(&mut progress, "learning", Rating::Good, days(1) + 1).missed);
    let said = EventKind::MakeDue {
        card: "said".into(),
        from: Activity::SelfTest,
    };
    progress.append(said, None, moment(days(1))).unwrap();
    let state = progress.state(&"said".into()).unwrap();
    assert!(
        state.due == today && !state.missed,
        "rated by oneself, not missed"
    );
    progress
        .append(miss("known"), None, moment(days(3)))
        .unwrap();
    assert_eq!(due(&progress, "known"), today);
}

#[test]
fn history_follows_a_card_to_its_new_name() {
    let mut progress = memory();
    let before = rate(&mut progress, "old", Rating::Good, 0);
    let link = |old: &str, new: &str| Relink {
        old: old.into(),
        new: new.into(),
    };
    let links = [link("old", "new"), link("nobody", "x"), link("old", "old")];
    let moved = progress.relink(&links, moment(1)).unwrap();
    assert_eq!(moved, [link("old", "new")]);
    assert!(progress.relink(&links, moment(2)).unwrap().is_empty());
    assert_eq!(progress.state(&"new".into()).unwrap(), before);
    assert_eq!(
        progress.states().unwrap().keys().collect::<Vec<_>>(),
        [&"new".into()]
    );
    // What is recorded under either name counts for the one card.
    rate(&mut progress, "new", Rating::Good, days(2));
    rate(&mut progress, "old", Rating::Good, days(9));
    assert_eq!(progress.state(&"new".into()).unwrap().reviews, 3);
    progress
        .relink(&[link("new", "newer")], moment(days(10)))
        .unwrap();
    assert_eq!(progress.state(&"newer".into()).unwrap().reviews, 3);
    // And back to a name it had: no ring.
    progress
        .relink(&[link("newer", "old")], moment(days(11)))
        .unwrap();
    assert_eq!(progress.state(&"old".into()).unwrap().reviews, 3);
    let running = (
        progress.states().unwrap(),
        progress.days(Day::from_number(0)).unwrap(),
    );
    assert_eq!(rebuilt(&mut progress), running);
}

#[test]
fn a_wrong_link_can_be_taken_back() {
    let mut progress = memory();
    rate(&mut progress, "a", Rating::Good, 0);
    let link = Relink {
        old: "a".into(),
        new: "b".into(),
    };
    progress.relink(&[link], moment(1)).unwrap();
    let event = progress.events_of_kind("relink").unwrap()[0].id;
    progress.undo(event, None, moment(2)).unwrap();
    assert_eq!(progress.state(&"a".into()).unwrap().reviews, 1);
    assert_eq!(progress.state(&"b".into()).unwrap(), CardState::default());
}

#[test]
fn fitted_parameters_hold_for_all_past_ratings_until_taken_back() {
    let mut progress = memory();
    let before = rate(&mut progress, "c", Rating::Good, 0);
    let mut weights = Parameters::default().weights().to_vec();
    weights[2] = 10.0;
    let kind = EventKind::Parameters {
        weights: weights.try_into().unwrap(),
        ratings: 500,
    };
    let id = progress.append(kind, None, moment(1)).unwrap();
    let after = progress.state(&"c".into()).unwrap();
    assert!((after.memory.unwrap().stability - 10.0).abs() < 1e-6);
    assert_eq!(after.due, before.due, "what was promised stays");
    assert!((progress.scheduler().parameters().weights()[2] - 10.0).abs() < 1e-6);
    progress.undo(id, None, moment(2)).unwrap();
    assert_eq!(progress.state(&"c".into()).unwrap(), before);
    assert_eq!(*progress.scheduler().parameters(), Parameters::default());
}

#[test]
fn export_and_import_go_round_and_import_twice_changes_nothing() {
    let mut progress = memory();
    rate(&mut progress, "c", Rating::Good, 0);
    rate(&mut progress, "c", Rating::Again, days(2));
    progress.undo_last(None, moment(days(2) + 1)).unwrap();
    let text = exported(&progress);
    let mut other = memory();
    let done = other.import(&mut text.as_bytes()).unwrap();
    assert_eq!(done, Imported { added: 3, known: 0 });
    assert_eq!(other.states().unwrap(), progress.states().unwrap());
    assert_eq!(exported(&other), text);
    let done = other.import(&mut text.as_bytes()).unwrap();
    assert_eq!(done, Imported { added: 0, known: 3 });
    assert_eq!(exported(&other), text);
    assert_eq!(other.states().unwrap(), progress.states().unwrap());
}

#[test]
fn two_machines_logs_merge_in_either_order() {
    let mut ours = memory();
    let mut theirs = memory();
    rate(&mut ours, "c", Rating::Good, 0);
    rate(&mut theirs, "c", Rating::Hard, 5);
    rate(&mut ours, "c", Rating::Good, days(3));
    rate(&mut theirs, "d", Rating::Easy, days(1));
    let (our_text, their_text) = (exported(&ours), exported(&theirs));
    ours.import(&mut their_text.as_bytes()).unwrap();
    theirs.import(&mut our_text.as_bytes()).unwrap();
    assert_eq!(exported(&ours), exported(&theirs));
    assert_eq!(ours.states().unwrap(), theirs.states().unwrap());
    assert_eq!(ours.state(&"c".into()).unwrap().reviews, 3);
}

#[test]
fn events_of_a_newer_program_pass_through() {
    let text = concat!(
        "{\"file\":\"highwater log\",\"version\":1}\n",
        r#"{"id":"00000000000000000000000000000001","at":"2026-11-21T06:00:00Z","day":"2026-11-21","kind":"cartwheel","data":{"turns":2}}"#,
        "\n",
        r#"{"id":"00000000000000000000000000000002","at":"2026-11-21T06:00:01Z","day":"2026-11-21","kind":"star","data":{"card":"c","on":true,"why":"new key"}}"#,
        "\n"
    );
    let mut progress = memory();
    progress.import(&mut text.as_bytes()).unwrap();
    assert_eq!(exported(&progress), text);
    assert!(progress.state(&"c".into()).unwrap().starred);
}

#[test]
fn a_wrong_line_is_named_and_nothing_is_imported() {
    let header = r#"{"file":"highwater log","version":1}"#;
    let good = r#"{"id":"00000000000000000000000000000001","at":"2026-11-21T06:00:00Z","day":"2026-11-21","kind":"star","data":{"card":"c","on":true}}"#;
    let cases = [
        (String::new(), 1, "empty"),
        ("[]".to_owned(), 1, "not a JSON object"),
        (good.to_owned(), 1, "expected"),
        (
            r#"{"file":"highwater log","version":2}"#.to_owned(),
            1,
            "newer",
        ),
        (format!("{header}\n{good}\n{{"), 3, "not a JSON object"),
        (
            format!("{header}\n{}", good.replace("0001", "001")),
            2,
            "32 hexadecimal",
        ),
        (
            format!("{header}\n{}", good.replace("T06:00:00Z", "")),
            2,
            "point in time",
        ),
        (
            format!("{header}\n{}", good.replace(",\"kind\":\"star\"", "")),
            2,
            "`kind` is missing",
        ),
        (
            format!("{header}\n{}", good.replace("true", "7")),
            2,
            "invalid type",
        ),
        (
            format!("{header}\n{}", good.replace("\"day\"", "\"dya\"")),
            2,
            "`day` is missing",
        ),
        (
            format!("{header}\n{good}\n{}", good.replace("true", "false")),
            3,
            "other content",
        ),
    ];
    for (text, line, message) in cases {
        let mut progress = memory();
        let error = progress
            .import(&mut text.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(&format!("line {line}: ")), "{error}");
        assert!(error.contains(message), "{error}");
        assert_eq!(progress.event_count().unwrap(), 0);
    }
}

#[test]
fn sessions_can_be_taken_up_until_they_end() {
    let mut progress = memory();
    let start = json!({"cards": ["a", "b"]});
    let session = progress
        .start_session(Activity::Drill, "everything", &start, moment(0))
        .unwrap();
    assert!(progress.interrupted().unwrap().is_empty(), "it runs here");
    progress.running.clear();
    let found = progress.interrupted().unwrap();
    assert_eq!((found.len(), &found[0].start), (1, &start));
    assert_eq!(found[0].snapshot, None);
    assert!(progress.take_up(session).unwrap());
    progress.save_session(session, &json!({"at": 1})).unwrap();
    progress.save_session(session, &json!({"at": 2})).unwrap();
    progress.running.clear();
    assert_eq!(
        progress.interrupted().unwrap()[0].snapshot,
        Some(json!({"at": 2}))
    );
    let mut rated = review("a", Rating::Good);
    rated.session = Some(session);
    progress.review(&rated, moment(1)).unwrap();
    progress
        .end_session(
            session,
            Activity::Drill,
            true,
            json!({"cards": 1}),
            moment(2),
        )
        .unwrap();
    assert!(progress.interrupted().unwrap().is_empty());
    let names: Vec<String> = progress
        .session_events(session)
        .unwrap()
        .iter()
        .map(|event| event.kind.name().to_owned())
        .collect();
    assert_eq!(names, ["session-start", "review", "session-end"]);
    let reports = progress.reports(&[Activity::Drill], 5).unwrap();
    assert_eq!(
        (reports.len(), &reports[0].report),
        (1, &json!({"cards": 1}))
    );
    assert!(progress.reports(&[Activity::Quiz], 5).unwrap().is_empty());
}

#[test]
fn streaks_count_days_in_a_row_and_forgive_today() {
    let mut progress = memory();
    for day in [0, 1, 3, 4, 5] {
        rate(&mut progress, "c", Rating::Good, days(day));
    }
    let day = |n| Day::from_number(20_000 + n);
    let streak = |n| progress.streak(day(n)).unwrap();
    assert_eq!(
        [streak(5), streak(6), streak(7), streak(3), streak(1)],
        [3, 3, 0, 1, 2]
    );
}

#[test]
fn the_log_cannot_be_changed_behind_its_back() {
    let mut progress = memory();
    rate(&mut progress, "c", Rating::Good, 0);
    for statement in ["DELETE FROM events", "UPDATE events SET day = 1"] {
        assert!(progress.db.execute(statement, []).is_err(), "{statement}");
    }
}

#[test]
fn a_projection_that_missed_something_is_worked_out_again() {
    let mut progress = memory();
    rate(&mut progress, "c", Rating::Good, 0);
    let states = progress.states().unwrap();
    progress
        .db
        .execute_batch("DELETE FROM cards; UPDATE projection SET seq = 0")
        .unwrap();
    progress.prepare().unwrap();
    assert_eq!(progress.states().unwrap(), states);
}

/// One thing a reader may do.
#[derive(Clone, Debug)]
enum Deed {
    Rate(u8, Rating),
    Undo,
    Suspend(u8),
    Unsuspend(u8),
    Bury(u8),
    Star(u8, bool),
    Miss(u8),
    Relink(u8, u8),
}

fn deed() -> impl Strategy<Value = (Deed, i64)> {
    let deed = prop_oneof![
        8 => (0_u8..4, 1_u8..=4).prop_map(|(card, n)| Deed::Rate(card, Rating::from_number(n).unwrap())),
        4 => Just(Deed::Undo),
        1 => (0_u8..4).prop_map(Deed::Suspend),
        1 => (0_u8..4).prop_map(Deed::Unsuspend),
        1 => (0_u8..4).prop_map(Deed::Bury),
        1 => (0_u8..4, any::<bool>()).prop_map(|(card, on)| Deed::Star(card, on)),
        1 => (0_u8..4).prop_map(Deed::Miss),
        1 => (0_u8..4, 0_u8..4).prop_map(|(old, new)| Deed::Relink(old, new)),
    ];
    // Clocks may stand still and be set back.
    (deed, prop_oneof![Just(0_i64), -90_i64..4000])
}

fn name(card: u8) -> CardId {
    format!("card-{card}").into()
}

fn perform(progress: &mut Progress, deed: &Deed, now: Moment) {
    let kind = match deed.clone() {
        Deed::Rate(card, rating) => {
            let review = review(name(card).as_str(), rating);
            let state = progress.review(&review, now).unwrap();
            assert_eq!(progress.state(&name(card)).unwrap(), state);
            return;
        }
        Deed::Undo => {
            progress.undo_last(None, now).unwrap();
            return;
        }
        Deed::Relink(old, new) => {
            let link = Relink {
                old: name(old),
                new: name(new),
            };
            progress.relink(&[link], now).unwrap();
            return;
        }
        Deed::Suspend(card) => EventKind::Suspend { card: name(card) },
        Deed::Unsuspend(card) => EventKind::Unsuspend { card: name(card) },
        Deed::Bury(card) => EventKind::Bury {
            card: name(card),
            until: now.day.plus(1),
        },
        Deed::Star(card, on) => EventKind::Star {
            card: name(card),
            on,
        },
        Deed::Miss(card) => EventKind::MakeDue {
            card: name(card),
            from: Activity::Quiz,
        },
    };
    progress.append(kind, None, now).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever the reader does, what follows from the log as it grows is what follows from the
    /// whole log at once, here and after a journey through an export.
    #[test]
    fn running_state_is_what_the_log_says(deeds in prop::collection::vec(deed(), 0..40)) {
        let mut progress = memory();
        let mut minutes = 1000;
        for (deed, wait) in &deeds {
            minutes = (minutes + wait).max(0);
            perform(&mut progress, deed, moment(minutes));
        }
        let running = (progress.states().unwrap(), progress.days(Day::from_number(0)).unwrap());
        let mut other = memory();
        other.import(&mut exported(&progress).as_bytes()).unwrap();
        prop_assert_eq!(&rebuilt(&mut progress), &running);
        prop_assert_eq!(&rebuilt(&mut other), &running);
    }

    /// A rating and its undo leave no trace in the state of any card, wherever they come.
    #[test]
    fn undo_leaves_no_trace(
        deeds in prop::collection::vec(deed(), 0..20),
        card in 0_u8..4,
        number in 1_u8..=4,
    ) {
        let mut progress = memory();
        let mut minutes = 1000;
        for (deed, wait) in &deeds {
            minutes += wait.abs();
            perform(&mut progress, deed, moment(minutes));
        }
        let before = progress.states().unwrap();
        let rating = Rating::from_number(number).unwrap();
        perform(&mut progress, &Deed::Rate(card, rating), moment(minutes + 1));
        progress.undo_last(None, moment(minutes + 2)).unwrap();
        prop_assert_eq!(progress.states().unwrap(), before);
    }
}
