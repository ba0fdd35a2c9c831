//! What a drill came to: what went well, what comes back when, what to read.

use std::{collections::BTreeMap, time::Duration};

use super::Drill;
use crate::{
    bank::{Bank, CardId, ChapterLink},
    memory::{Due, Moment, Rating},
};

/// A place in the guide and the cards that lead there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Where to read.
    pub link: ChapterLink,
    /// The missed or hard cards that it explains, in the order they were met.
    pub cards: Vec<CardId>,
}

/// What a drill came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Ratings given.
    pub ratings: usize,
    /// Different cards rated.
    pub cards: usize,
    /// Time from question to rating, summed.
    pub spent: Duration,
    /// Cards whose first rating was good or easy, in the order they were met.
    pub went_well: Vec<CardId>,
    /// Cards whose first rating was hard.
    pub hard: Vec<CardId>,
    /// Cards that were missed at least once.
    pub missed: Vec<CardId>,
    /// How many cards come back in how many study days, soonest first; 0 is today.
    pub comes_back: Vec<(u32, usize)>,
    /// What to read, the place that most cards lead to first.
    pub read: Vec<Reading>,
    /// Cards skipped.
    pub skipped: usize,
    /// Cards not met.
    pub left: usize,
}

pub(super) fn sum_up(drill: &Drill, bank: &Bank, now: Moment) -> Summary {
    let mut summary = Summary {
        ratings: drill.lines.len(),
        spent: drill.lines.iter().map(|line| line.spent).sum(),
        skipped: drill.skipped.len(),
        left: drill.left(),
        ..Summary::default()
    };
    let mut order: Vec<&CardId> = Vec::new();
    for line in &drill.lines {
        if !order.contains(&&line.card) {
            order.push(&line.card);
        }
    }
    summary.cards = order.len();
    let mut comes_back: BTreeMap<u32, usize> = BTreeMap::new();
    for card in order {
        let mut lines = drill.lines.iter().filter(|line| line.card == *card);
        let first = lines.clone().next().map(|line| line.rating);
        let group = if lines.clone().any(|line| line.rating == Rating::Again) {
            &mut summary.missed
        } else if first == Some(Rating::Hard) {
            &mut summary.hard
        } else {
            &mut summary.went_well
        };
        group.push(card.clone());
        let due = lines.next_back().and_then(|line| line.due);
        let days = match due {
            Some(Due::On(day)) => day.since(now.day),
            Some(Due::At(_)) => 0,
            None => continue,
        };
        *comes_back.entry(days).or_default() += 1;
    }
    summary.comes_back = comes_back.into_iter().collect();
    for card in summary.missed.iter().chain(&summary.hard) {
        let Some(link) = bank.card(card).and_then(|card| card.see.chapter.as_ref()) else {
            continue;
        };
        match summary.read.iter_mut().find(|place| place.link == *link) {
            Some(place) => place.cards.push(card.clone()),
            None => summary.read.push(Reading {
                link: link.clone(),
                cards: vec![card.clone()],
            }),
        }
    }
    // Stable: places of equal weight keep the order in which they were met.
    summary
        .read
        .sort_by_key(|place| std::cmp::Reverse(place.cards.len()));
    summary
}
