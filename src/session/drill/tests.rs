//! Tables of what the reader does and what comes of it.

use jiff::ToSpan;
use proptest::prelude::*;

use super::*;
use crate::{
    bank::{ChapterLink, FollowUp},
    memory::{
        Day, Parameters, Retention, Scheduler,
        fixtures::{bank, bank_of, card},
    },
};

/// A drill with everything around it, and a scheduler in place of the log.
struct Desk {
    bank: Bank,
    states: States,
    drill: Drill,
    scheduler: Scheduler,
    now: Moment,
    /// What can be taken back, newest last.
    log: Vec<(CardId, Option<CardState>, Undone)>,
    finished: bool,
}

fn snapshot(bank: &Bank) -> Snapshot {
    Snapshot {
        about: "everything".to_owned(),
        cards: bank.cards.iter().map(|card| card.id.clone()).collect(),
    }
}

impl Desk {
    fn new(bank: Bank) -> Self {
        let now = Moment {
            at: Timestamp::UNIX_EPOCH + 2412.hours(),
            day: Day::from_number(100),
        };
        Self {
            drill: Drill::new(&snapshot(&bank), &bank, now.at),
            bank,
            states: States::new(),
            scheduler: Scheduler::new(&Parameters::default(), Retention::default()),
            now,
            log: Vec::new(),
            finished: false,
        }
    }

    fn pass(&mut self, seconds: i64) {
        self.now.at += seconds.seconds();
    }

    fn put(&mut self, input: Input) -> Option<Effect> {
        let effect = self.drill.handle(input, &self.bank, self.now.at);
        let next = match &effect {
            Some(Effect::Rate {
                card,
                rating,
                spent,
            }) => {
                let before = self.states.get(card).cloned();
                let state = before.clone().unwrap_or_default();
                let due = self.scheduler.due(card, &state, *rating, self.now);
                let state = self.scheduler.rated(&state, *rating, self.now, due);
                self.log.push((card.clone(), before, Undone::Rating));
                self.states.insert(card.clone(), state.clone());
                self.drill
                    .rated(card, *rating, *spent, &state, &self.bank, self.now.at)
            }
            Some(Effect::Mark { card, mark }) => {
                let before = self.states.get(card).cloned();
                let mut state = before.clone().unwrap_or_default();
                match mark {
                    Mark::Suspend => state.suspended = true,
                    Mark::Bury => state.buried_until = Some(self.now.day.plus(1)),
                    Mark::Flag => state.flagged = !state.flagged,
                    Mark::Star => state.starred = !state.starred,
                }
                let undone = match mark {
                    Mark::Suspend | Mark::Bury => Undone::LeftOut,
                    Mark::Flag | Mark::Star => Undone::Other,
                };
                self.log.push((card.clone(), before, undone));
                self.states.insert(card.clone(), state);
                self.drill.marked(card, *mark, &self.bank, self.now.at)
            }
            Some(Effect::Undo) => {
                if let Some((card, before, what)) = self.log.pop() {
                    match before {
                        Some(state) => self.states.insert(card.clone(), state),
                        None => self.states.remove(&card),
                    };
                    self.drill.undone(&card, what, &self.bank, self.now.at);
                    self.finished = false;
                }
                None
            }
            _ => None,
        };
        if next == Some(Effect::Finished) || effect == Some(Effect::Finished) {
            self.finished = true;
        }
        effect
    }

    fn rate(&mut self, rating: Rating) {
        self.put(Input::Reveal);
        self.put(Input::Rate(rating));
    }

    fn open(&self) -> &str {
        self.drill.open().map_or("", |open| open.card.as_str())
    }
}

#[test]
fn a_card_is_rated_only_once_its_answer_is_shown() {
    let mut desk = Desk::new(bank_of(2));
    assert_eq!(desk.put(Input::Rate(Rating::Good)), None);
    assert_eq!(desk.put(Input::Tick(0)), None);
    assert_eq!(desk.drill.open().unwrap().ticked, [false; 3]);
    desk.put(Input::Reveal);
    desk.put(Input::Tick(0));
    desk.put(Input::Tick(2));
    desk.put(Input::Tick(9));
    let open = desk.drill.open().unwrap();
    assert_eq!(open.ticked, [true, false, true]);
    assert_eq!(open.suggestion(), Some(Rating::Hard));
    desk.pass(12);
    let effect = desk.put(Input::Rate(Rating::Good));
    assert_eq!(
        effect,
        Some(Effect::Rate {
            card: "c0".into(),
            rating: Rating::Good,
            spent: Duration::from_secs(12)
        })
    );
    assert_eq!(desk.open(), "c1");
}

#[test]
fn what_the_log_did_not_take_stays_on_screen() {
    let bank = bank_of(2);
    let now = Timestamp::UNIX_EPOCH;
    let mut drill = Drill::new(&snapshot(&bank), &bank, now);
    drill.handle(Input::Reveal, &bank, now);
    let before = drill.clone();
    for _ in 0..2 {
        let effect = drill.handle(Input::Rate(Rating::Easy), &bank, now);
        assert!(matches!(effect, Some(Effect::Rate { .. })));
        assert_eq!(drill, before, "nothing moves before `rated` is called");
    }
}

#[test]
fn time_on_a_card_is_capped_and_never_negative() {
    for (passed, spent) in [(0, 0), (61, 61), (86_400, 300), (-50, 0)] {
        let mut desk = Desk::new(bank_of(1));
        desk.pass(passed);
        desk.put(Input::Reveal);
        let effect = desk.put(Input::Rate(Rating::Good));
        assert!(
            matches!(effect, Some(Effect::Rate { spent: s, .. }) if s.as_secs() == spent),
            "{passed}: {effect:?}"
        );
    }
}

#[test]
fn a_missed_card_comes_back_after_minutes_or_when_nothing_else_is_left() {
    let mut desk = Desk::new(bank_of(4));
    desk.rate(Rating::Again); // c0, back in 5 minutes
    assert_eq!(desk.open(), "c1");
    desk.pass(4 * 60);
    desk.rate(Rating::Good);
    assert_eq!(desk.open(), "c2");
    desk.pass(2 * 60);
    desk.rate(Rating::Good);
    assert_eq!(desk.open(), "c0", "its time has come");
    assert!(desk.drill.open().unwrap().again);
    desk.rate(Rating::Again);
    desk.rate(Rating::Good); // c3
    assert_eq!(desk.open(), "c0", "nothing else is left");
    desk.rate(Rating::Good);
    assert!(desk.finished);
    assert_eq!(desk.open(), "");
}

#[test]
fn follow_ups_come_question_by_question() {
    let mut one = card("d", "a");
    one.follow_ups = (0..2)
        .map(|n| FollowUp {
            ask: format!("q{n}"),
            say: format!("a{n}"),
        })
        .collect();
    let mut desk = Desk::new(bank(vec![one]));
    desk.put(Input::FollowUp);
    assert_eq!(
        desk.drill.open().unwrap().follow_ups,
        0,
        "not before the answer"
    );
    desk.put(Input::Reveal);
    let expected = [(1, 0), (1, 1), (2, 1), (2, 2), (2, 2)];
    for step in expected {
        desk.put(Input::FollowUp);
        let open = desk.drill.open().unwrap();
        assert_eq!((open.follow_ups, open.follow_up_answers), step);
    }
}

#[test]
fn leaving_out_goes_on_and_marks_stay() {
    let mut desk = Desk::new(bank_of(5));
    desk.put(Input::Flag);
    assert!(desk.states[&CardId::from("c0")].flagged);
    assert_eq!(desk.open(), "c0");
    desk.put(Input::Star);
    assert!(desk.states[&CardId::from("c0")].starred);
    desk.put(Input::Suspend);
    assert_eq!(desk.open(), "c1");
    desk.put(Input::Bury);
    assert_eq!(desk.open(), "c2");
    desk.put(Input::Skip);
    assert_eq!(desk.open(), "c3");
    assert_eq!(desk.drill.skipped(), ["c2".into()]);
    assert_eq!(desk.drill.left(), 2);
    desk.put(Input::Skip);
    desk.put(Input::Skip);
    assert!(desk.drill.open().is_none());
}

#[test]
fn undo_asks_the_card_again_even_after_the_end() {
    let mut desk = Desk::new(bank_of(2));
    desk.rate(Rating::Good);
    desk.rate(Rating::Good);
    assert!(desk.finished);
    desk.put(Input::Undo);
    assert_eq!((desk.open(), desk.finished), ("c1", false));
    assert_eq!(desk.drill.lines().len(), 1);
    desk.put(Input::Undo);
    assert_eq!(desk.open(), "c0");
    assert_eq!(desk.drill.left(), 2);
    desk.rate(Rating::Easy);
    assert_eq!(
        desk.open(),
        "c1",
        "the card that was on screen comes right after"
    );
    desk.put(Input::Suspend);
    assert!(desk.finished);
    desk.put(Input::Undo);
    assert_eq!(desk.open(), "c1");
}

#[test]
fn undo_reaches_cards_of_earlier_drills() {
    let mut desk = Desk::new(bank_of(3));
    desk.drill.forget(&"c2".into());
    desk.log.push(("c2".into(), None, Undone::Rating));
    desk.put(Input::Undo);
    assert_eq!(desk.open(), "c2");
    desk.rate(Rating::Good);
    assert_eq!(desk.open(), "c0");
    desk.log.push(("gone".into(), None, Undone::Rating));
    desk.put(Input::Undo);
    assert_eq!(
        desk.open(),
        "c0",
        "a card that left the bank cannot be asked"
    );
}

#[test]
fn a_drill_is_taken_up_where_it_was_left() {
    let mut desk = Desk::new(bank_of(6));
    desk.rate(Rating::Good); // c0
    desk.rate(Rating::Again); // c1
    desk.put(Input::Suspend); // c2
    desk.rate(Rating::Easy); // c3
    let ratings: Vec<_> = desk
        .drill
        .lines()
        .iter()
        .map(|line| (line.card.clone(), line.rating, line.spent))
        .collect();
    // c5 was rated by another process meanwhile.
    let due = desk
        .scheduler
        .due(&"c5".into(), &CardState::default(), Rating::Good, desk.now);
    let state = desk
        .scheduler
        .rated(&CardState::default(), Rating::Good, desk.now, due);
    desk.states.insert("c5".into(), state);
    let resumed = Drill::resume(
        &snapshot(&desk.bank),
        ratings,
        &desk.bank,
        &desk.states,
        desk.now,
    );
    assert_eq!(resumed.open().unwrap().card, "c4".into());
    assert_eq!(resumed.left(), 2, "c4 and, coming back, c1");
    assert_eq!(resumed.lines(), desk.drill.lines());
}

#[test]
fn the_summary_says_what_went_well_and_what_to_read() {
    let link = |anchor: &str| ChapterLink {
        chapter: "kafka/replication".into(),
        anchor: Some(anchor.to_owned()),
    };
    let mut cards: Vec<_> = (0..5).map(|n| card("d", &format!("c{n}"))).collect();
    for (place, anchor) in [(0, "acks"), (1, "isr"), (2, "isr"), (3, "acks")] {
        cards[place].see.chapter = Some(link(anchor));
    }
    let mut desk = Desk::new(bank(cards));
    for rating in [Rating::Hard, Rating::Again, Rating::Again, Rating::Good] {
        desk.pass(10);
        desk.rate(rating);
    }
    desk.put(Input::Skip); // c4
    desk.rate(Rating::Good); // c1, for the second time
    desk.put(Input::Finish);
    let summary = desk.drill.summary(&desk.bank, desk.now);
    let ids = |names: &[&str]| names.iter().map(|n| CardId::from(*n)).collect::<Vec<_>>();
    assert_eq!((summary.ratings, summary.cards), (5, 4));
    assert_eq!(summary.went_well, ids(&["c3"]));
    assert_eq!(summary.hard, ids(&["c0"]));
    assert_eq!(summary.missed, ids(&["c1", "c2"]));
    assert_eq!((summary.skipped, summary.left), (1, 2));
    assert_eq!(summary.spent, Duration::from_secs(40));
    let read: Vec<_> = summary
        .read
        .iter()
        .map(|place| (place.link.clone(), place.cards.len()))
        .collect();
    assert_eq!(read, [(link("isr"), 2), (link("acks"), 1)]);
    assert_eq!(summary.comes_back.iter().map(|(_, n)| n).sum::<usize>(), 4);
    assert_eq!(summary.comes_back[0], (0, 2), "c0 and c2 come back today");
}

#[test]
fn an_edited_card_keeps_its_place() {
    let mut desk = Desk::new(bank_of(2));
    desk.put(Input::Reveal);
    let mut edited = (*desk.bank.cards[0]).clone();
    edited.id = "q-new".into();
    edited.points.push("four".to_owned());
    desk.bank = bank(vec![edited, (*desk.bank.cards[1]).clone()]);
    desk.drill
        .renamed(&"c0".into(), &"q-new".into(), &desk.bank);
    let open = desk.drill.open().unwrap();
    assert_eq!((open.card.as_str(), open.ticked.len()), ("q-new", 4));
    assert_eq!(open.phase, Phase::Revealed);
}

fn any_input() -> impl Strategy<Value = (Input, i64)> {
    let input = prop_oneof![
        4 => Just(Input::Reveal),
        6 => (1_u8..=4).prop_map(|n| Input::Rate(Rating::from_number(n).unwrap())),
        1 => (0_usize..4).prop_map(Input::Tick),
        1 => Just(Input::FollowUp),
        2 => Just(Input::Undo),
        1 => prop_oneof![
            Just(Input::Suspend), Just(Input::Bury), Just(Input::Flag),
            Just(Input::Star), Just(Input::Skip), Just(Input::Finish)
        ],
    ];
    (input, 0_i64..400)
}

proptest! {
    /// No card is lost or shown twice, whatever the reader does; and a drill taken up from its
    /// start and the ratings in force is the same drill, skips apart.
    #[test]
    fn cards_are_neither_lost_nor_doubled(inputs in prop::collection::vec(any_input(), 0..80)) {
        let mut desk = Desk::new(bank_of(6));
        for (input, wait) in inputs {
            desk.pass(wait);
            desk.put(input);
            let mut there: Vec<&CardId> = desk.drill.queue.iter().collect();
            there.extend(desk.drill.learning.iter().map(|(_, card)| card));
            there.extend(desk.drill.open().map(|open| &open.card));
            there.extend(desk.drill.skipped());
            let count = there.len();
            there.sort();
            there.dedup();
            prop_assert_eq!(there.len(), count, "a card stands twice");
            for card in &desk.bank.cards {
                let state = desk.states.get(&card.id);
                let done = state.is_some_and(|s| s.is_out(desk.now.day)
                    || matches!(s.due, Some(Due::On(day)) if day > desk.now.day));
                prop_assert_eq!(!done, there.contains(&&card.id), "{}", card.id);
            }
            let ratings = desk.log.iter().filter(|(_, _, what)| *what == Undone::Rating).count();
            prop_assert_eq!(ratings, desk.drill.lines().len());
        }
        let ratings: Vec<_> = desk.drill.lines().iter()
            .map(|line| (line.card.clone(), line.rating, line.spent)).collect();
        let resumed = Drill::resume(&snapshot(&desk.bank), ratings, &desk.bank, &desk.states, desk.now);
        prop_assert_eq!(resumed.left(), desk.drill.left() + desk.drill.skipped().len());
    }
}
