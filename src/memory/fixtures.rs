//! A small bank for the tests of this room and those that use it.

use std::sync::Arc;

use crate::bank::{Answer, Bank, Card, Check, Choice, Deck, Kind, Level, Origin, See};

fn origin() -> Origin {
    Origin {
        file: "decks/test.yaml".into(),
        line: 1,
        item: 0,
        built_in: true,
    }
}

/// An open card with three points.
pub(crate) fn card(deck: &str, id: &str) -> Card {
    Card {
        id: id.into(),
        derived_id: false,
        was: Vec::new(),
        deck: deck.into(),
        kind: Kind::Open,
        ask: format!("What is {id}?").into(),
        level: Level::Medium,
        starred: false,
        tags: Vec::new(),
        say: format!("It is {id}.").into(),
        explain: "Because.".into(),
        points: ["one", "two", "three"].map(str::to_owned).to_vec(),
        follow_ups: Vec::new(),
        trap: None,
        hook: None,
        checks: vec![Check {
            ask: "Is it?".to_owned(),
            answer: Answer::Choose {
                choices: vec![Choice {
                    text: "yes".to_owned(),
                    right: true,
                    why: "it is".to_owned(),
                }],
            },
        }],
        code: None,
        fix: None,
        see: See::default(),
        sources: Vec::new(),
        as_of: None,
        origin: origin(),
    }
}

/// A bank of these cards, a deck each by the name they carry.
pub(crate) fn bank(cards: Vec<Card>) -> Bank {
    let mut decks: Vec<Deck> = Vec::new();
    for card in &cards {
        match decks.iter_mut().find(|deck| deck.id == card.deck) {
            Some(deck) => deck.cards.push(card.id.clone()),
            None => decks.push(Deck {
                id: card.deck.clone(),
                title: format!("Deck {}", card.deck),
                about: String::new(),
                order: None,
                cards: vec![card.id.clone()],
                origin: origin(),
            }),
        }
    }
    let mut bank = Bank::default();
    bank.cards = cards.into_iter().map(Arc::new).collect();
    bank.decks = decks;
    bank.index();
    bank
}

/// A bank of `count` cards `c0`, `c1`, … in the deck `d`.
pub(crate) fn bank_of(count: usize) -> Bank {
    bank((0..count).map(|n| card("d", &format!("c{n}"))).collect())
}
