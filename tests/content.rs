//! The built-in bank as a whole: what no single file can promise.
//!
//! Mistakes in a file stop the build, and `highwater check .` is part of the gate; here stands what is
//! true of the bank only on average or in sum.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use highwater::bank::{Answer, Bank, Check, Choice, Kind, Target, built_in};

fn bank() -> Bank {
    built_in().unwrap()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// All checks with exactly one right choice: the card's id, the choices, the place of the right one.
fn one_right(bank: &Bank) -> Vec<(&str, &[Choice], usize)> {
    let checks = bank.cards.iter().flat_map(|card| {
        card.checks
            .iter()
            .map(move |check| (card.id.as_str(), check))
    });
    checks
        .filter_map(|(id, Check { answer, .. })| match answer {
            Answer::Choose { choices } if !answer.several() => {
                let right = choices.iter().position(|choice| choice.right).unwrap();
                Some((id, &choices[..], right))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_reader_without_a_track_begins_with_kafka() {
    let bank = bank();
    assert_eq!(bank.decks[0].id.as_str(), "kafka-fundamentals");
    let late: Vec<&str> = bank
        .decks
        .iter()
        .map(|deck| deck.id.as_str())
        .skip_while(|id| id.starts_with("kafka-"))
        .filter(|id| id.starts_with("kafka-"))
        .collect();
    assert!(late.is_empty(), "these come after other decks: {late:?}");
    assert!(bank.decks.iter().all(|deck| deck.order.is_some()));
}

#[test]
fn every_card_can_be_tested_and_open_ones_are_complete() {
    let bank = bank();
    let mut wrong = Vec::new();
    for card in &bank.cards {
        let mut want = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!(
                    "{}:{}: {}: {what}",
                    card.origin.file, card.origin.line, card.id
                ));
            }
        };
        want(!card.checks.is_empty(), "no check");
        want(
            words(&card.say) <= 50,
            "`say` is longer than ten seconds aloud",
        );
        if card.kind == Kind::Open {
            let explained = words(&card.explain);
            want(
                (50..=450).contains(&explained),
                &format!("`explain` has {explained} words"),
            );
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn facts_have_sources() {
    // advice and arithmetic need none, so a few cards may go without
    let bank = bank();
    let without: Vec<_> = bank
        .cards
        .iter()
        .filter(|card| card.sources.is_empty())
        .map(|card| &card.id)
        .collect();
    assert!(
        without.len() * 20 <= bank.cards.len(),
        "no source: {without:?}"
    );
}

#[test]
fn the_right_choice_cannot_be_told_by_its_length() {
    let bank = bank();
    let checks = one_right(&bank);
    let length = |choice: &Choice| choice.text.chars().count();
    let longest = checks
        .iter()
        .filter(|(_, choices, right)| {
            let others = choices
                .iter()
                .enumerate()
                .filter(|(place, _)| place != right);
            others.map(|(_, choice)| length(choice)).max() < Some(length(&choices[*right]))
        })
        .count();
    assert!(
        longest * 3 <= checks.len(),
        "the right choice is the longest in {longest} of {} checks",
        checks.len()
    );
}

#[test]
fn the_right_choice_cannot_be_told_by_its_place() {
    let bank = bank();
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    let checks = one_right(&bank);
    for (_, _, right) in &checks {
        *places.entry(*right).or_default() += 1;
    }
    for place in 0..3 {
        let share = places.get(&place).copied().unwrap_or_default() * 100 / checks.len();
        assert!(
            (18..=45).contains(&share),
            "place {place} is right in {share} %: {places:?}"
        );
    }
}

#[test]
fn all_kinds_of_check_are_in_use() {
    let bank = bank();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for check in bank.cards.iter().flat_map(|card| &card.checks) {
        let kind = match &check.answer {
            answer @ Answer::Choose { .. } if answer.several() => "several",
            Answer::Choose { .. } => "one",
            Answer::Order { .. } => "order",
            Answer::Type { .. } => "type",
            Answer::Number { .. } => "number",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    let all: usize = kinds.values().sum();
    for kind in ["one", "several", "order", "type", "number"] {
        let share = kinds.get(kind).copied().unwrap_or_default() * 100 / all;
        assert!(share >= 2, "{kind}: {share} % of {kinds:?}");
    }
}

#[test]
fn chapters_and_cards_belong_together() {
    let bank = bank();
    for chapter in &bank.chapters {
        assert!(
            bank.cards_of_chapter(&chapter.id).next().is_some(),
            "no card leads to {}",
            chapter.id
        );
        assert!(words(&chapter.text) >= 300, "{} is a stub", chapter.id);
    }
}

/// The lists whose rows a track of the same name answers, one entry a row.
const LISTS: [&str; 6] = [
    "backend-150",
    "distributed-systems",
    "distributed-systems-chapters",
    "event-streaming-23",
    "kafka-137",
    "kafka-deep-dive",
];

#[test]
fn a_track_answers_every_row_of_its_list_in_order() {
    let bank = bank();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lists");
    let mut wrong = Vec::new();
    for list in LISTS {
        let text = fs::read_to_string(folder.join(format!("{list}.tsv"))).unwrap();
        let items: Vec<&str> = text.lines().skip(1).collect();
        assert!(items.len() > 20, "{list} has lost its rows");
        let Some(track) = bank.tracks.iter().find(|track| track.id.as_str() == list) else {
            continue;
        };
        let entries = track
            .sections
            .iter()
            .map(|section| section.entries.len())
            .sum::<usize>();
        if entries < items.len() {
            wrong.push(format!(
                "{list}: {entries} entries for {} rows; row {} is the first without one",
                items.len(),
                items[entries]
            ));
        } else if entries > items.len() {
            wrong.push(format!(
                "{list}: {entries} entries for {} rows",
                items.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn tracks_lead_through_what_exists() {
    let bank = bank();
    for track in &bank.tracks {
        for entry in track.sections.iter().flat_map(|section| &section.entries) {
            let exists = match &entry.target {
                Target::Card(id) => bank.card(id).is_some(),
                Target::Drill(id) => bank.drill(id).is_some(),
                Target::Skill(id) => bank.skill(id).is_some(),
                Target::Story(id) => bank.story(id).is_some(),
            };
            assert!(exists, "{}: {:?}", track.id, entry.target);
        }
    }
}

#[test]
fn no_two_cards_ask_the_same() {
    let bank = bank();
    let mut seen = BTreeSet::new();
    for card in &bank.cards {
        let question = highwater::bank::identity::normalised(&card.ask);
        assert!(seen.insert(question), "{}: {}", card.id, card.ask);
    }
}

#[test]
fn cards_and_scenarios_lead_to_each_other() {
    use highwater::lab::scenario;
    let bank = bank();
    let mut wrong = Vec::new();
    for source in &bank.scenarios {
        let scenario = scenario::read(source, &bank).0.unwrap();
        let named = |card: &highwater::bank::CardId| {
            let see = bank.card(card).and_then(|card| card.see.scenario.clone());
            (card.clone(), see)
        };
        let cards: Vec<_> = scenario.see.cards.iter().map(named).collect();
        wrong.extend(
            cards
                .iter()
                .filter(|(_, see)| see.is_none())
                .map(|(card, _)| format!("{card} names no scenario, {} names it", source.id)),
        );
        if cards
            .iter()
            .all(|(_, see)| see.as_ref() != Some(&source.id))
        {
            wrong.push(format!(
                "none of the cards of {} leads back to it",
                source.id
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // a reader who reads comes by the lab as well
    let linked = |id: &str| {
        let link = format!("(scenario:{id})");
        bank.chapters
            .iter()
            .any(|chapter| chapter.text.contains(&link))
    };
    let missing: Vec<_> = bank
        .scenarios
        .iter()
        .map(|source| source.id.as_str())
        .filter(|id| !linked(id))
        .collect();
    assert!(missing.is_empty(), "no chapter links to {missing:?}");
}
