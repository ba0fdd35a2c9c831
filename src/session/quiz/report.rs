//! What a quiz came to: marks, scores by topic and level, and what follows for the drill.
//!
//! A report is plain data that can be stored and compared with earlier ones; it names questions and
//! does not copy them.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Given, Mark, Quiz, Settings, Source, mark};
use crate::{bank::CardId, memory::Rating};

/// One question, marked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which question.
    pub source: Source,
    /// What it is counted under.
    pub topic: String,
    /// How hard it is, in the word of the bank.
    pub level: String,
    /// The answer.
    pub given: Given,
    /// Nothing was answered.
    pub unanswered: bool,
    /// Its mark.
    pub mark: Mark,
    /// Time spent on it.
    pub spent: Duration,
    /// It was marked for later and left so.
    pub flagged: bool,
}

/// Credit earned out of what could be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Credit earned.
    pub earned: f64,
    /// Questions asked.
    pub asked: usize,
}

impl Score {
    /// Earned per question, from 0 to 1.
    pub fn share(self) -> f64 {
        if self.asked == 0 {
            0.0
        } else {
            self.earned / self.asked as f64
        }
    }

    fn add(&mut self, credit: f64) {
        self.earned += credit;
        self.asked += 1;
    }
}

/// What a quiz came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How it was run.
    pub settings: Settings,
    /// All questions, in order.
    pub verdicts: Vec<Verdict>,
    /// The whole score.
    pub score: Score,
    /// By topic, in alphabetical order.
    pub by_topic: Vec<(String, Score)>,
    /// By level, easiest first.
    pub by_level: Vec<(String, Score)>,
    /// Time on the clock, pauses left out.
    pub elapsed: Duration,
    /// The clock ran out.
    pub out_of_time: bool,
    /// How often the clock was stopped.
    pub pauses: u32,
}

/// What a quiz means for the drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// A question about it was missed: the card comes back now.
    MakeDue(CardId),
    /// It was due and all its questions were answered rightly: that is a review.
    Review(CardId, Rating),
}

impl Report {
    /// The questions that earned less than everything, in order.
    pub fn misses(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts
            .iter()
            .filter(|verdict| !verdict.mark.is_right())
    }

    /// What follows for the drill, a line a card. A card with one miss is missed, whatever else
    /// was right about it.
    pub fn consequences(&self, is_due: impl Fn(&CardId) -> bool) -> Vec<Consequence> {
        let mut right: BTreeMap<&CardId, bool> = BTreeMap::new();
        for verdict in &self.verdicts {
            if let Some(card) = verdict.source.card() {
                let all = right.entry(card).or_insert(true);
                *all &= verdict.mark.is_right();
            }
        }
        right
            .into_iter()
            .filter_map(|(card, right)| match right {
                false => Some(Consequence::MakeDue(card.clone())),
                true if is_due(card) => Some(Consequence::Review(card.clone(), Rating::Good)),
                true => None,
            })
            .collect()
    }
}

/// Marks the question at `place` as answered so far.
pub(super) fn verdict(quiz: &Quiz, place: usize) -> Verdict {
    let candidate = &quiz.questions[place].candidate;
    let sheet = &quiz.sheets[place];
    Verdict {
        source: candidate.source.clone(),
        topic: candidate.topic.clone(),
        level: candidate.level.word().to_owned(),
        given: sheet.given.clone(),
        unanswered: sheet.given.is_nothing(),
        mark: mark(&candidate.check.answer, &sheet.given),
        spent: sheet.spent,
        flagged: sheet.flagged,
    }
}

/// Sums a quiz up as it stands.
pub(super) fn report(quiz: &Quiz) -> Report {
    let verdicts: Vec<Verdict> = (0..quiz.len()).map(|place| verdict(quiz, place)).collect();
    let mut score = Score::default();
    let mut by_topic: BTreeMap<String, Score> = BTreeMap::new();
    let mut by_level: BTreeMap<_, Score> = BTreeMap::new();
    for (verdict, question) in verdicts.iter().zip(&quiz.questions) {
        let credit = verdict.mark.credit;
        score.add(credit);
        by_topic
            .entry(verdict.topic.clone())
            .or_default()
            .add(credit);
        by_level
            .entry(question.candidate.level)
            .or_default()
            .add(credit);
    }
    Report {
        settings: quiz.settings.clone(),
        verdicts,
        score,
        by_topic: by_topic.into_iter().collect(),
        by_level: by_level
            .into_iter()
            .map(|(level, score)| (level.word().to_owned(), score))
            .collect(),
        elapsed: quiz.elapsed,
        out_of_time: quiz.left() == Some(Duration::ZERO),
        pauses: quiz.pauses,
    }
}
