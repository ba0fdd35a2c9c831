//! A play walked through in every way: runs, single events, jumps, and what each leaves on screen.

use super::*;
use crate::{bank::built_in, lab::scenario};

/// A scenario of the built-in bank, at the run of its second step.
fn running(id: &str) -> Play {
    let bank = built_in().unwrap();
    let source = bank.scenario(&id.into()).unwrap();
    let scenario = Arc::new(scenario::read(source, &bank).0.unwrap());
    let mut play = Play::new(Arc::clone(&scenario), scenario.seed).unwrap();
    while play.step_number() == 0 || play.stage() != Stage::Running {
        play.go_on();
    }
    play
}

#[test]
fn no_way_of_walking_goes_past_the_end_of_the_step_that_runs() {
    let mut straight = running("acks-1-loss");
    let end = straight.runs_until().unwrap();
    straight.advance(Time::secs(60));
    assert_eq!((straight.stage(), straight.script_at()), (Stage::Told, end));
    let ways: [fn(&mut Play); 3] = [
        |play| assert!(play.next_event(Time::secs(600))),
        |play| assert!(play.next_interesting()),
        |play| play.seek(play.timeline().now() + Time::secs(7)).unwrap(),
    ];
    for (place, walk) in ways.into_iter().enumerate() {
        let mut play = running("acks-1-loss");
        let mut walked = 0;
        while play.stage() == Stage::Running {
            walk(&mut play);
            walked += 1;
            assert!(walked < 100, "way {place} does not come to an end");
        }
        assert_eq!(play.stage(), Stage::Told, "way {place}");
        assert_eq!(play.script_at(), end, "way {place}");
        assert_eq!(play.outcomes(), straight.outcomes(), "way {place}");
        assert!(play.broken().is_empty(), "way {place}");
    }
}

#[test]
fn a_step_that_waits_for_something_does_not_find_it_before_it_began() {
    let bank = built_in().unwrap();
    let source = bank.scenario(&"acks-1-loss".into()).unwrap();
    let mut scenario = scenario::read(source, &bank).0.unwrap();
    let until = "isr orders-0 = {1,2,3}".parse().unwrap();
    scenario.steps[2].run = Some(Run::Until {
        condition: until,
        limit: Time::secs(60),
    });
    let mut play = Play::new(Arc::new(scenario), 11).unwrap();
    while play.step_number() < 2 || play.stage() != Stage::Running {
        play.go_on();
    }
    let began = play.timeline().now();
    // all three were in sync before one died
    play.seek(Time::secs(5)).unwrap();
    play.advance(Time::secs(1));
    assert_eq!(play.stage(), Stage::Running);
    play.advance(Time::secs(60));
    assert_eq!(play.stage(), Stage::Told);
    assert!(play.script_at() > began);
}

#[test]
fn where_nothing_is_to_come_one_stays() {
    let mut play = running("acks-1-loss");
    play.advance(Time::secs(60));
    let here = play.timeline().now();
    assert!(!play.next_event(Time::secs(600)));
    assert!(!play.next_interesting());
    assert_eq!((play.timeline().now(), play.timeline().end()), (here, here));
}

#[test]
fn to_look_ahead_and_go_on_is_no_branch() {
    let mut play = running("acks-1-loss");
    play.advance(Time::secs(60));
    play.seek(play.timeline().now() + Time::secs(30)).unwrap();
    while play.stage() != Stage::Running {
        play.go_on();
    }
    assert_eq!(play.timeline().branch(), None);
}
