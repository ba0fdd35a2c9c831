//! Fitting the model to the reader's own ratings.
//!
//! New parameters are adopted only when they predict ratings they were not trained on better than
//! those in use; the crate itself returns the defaults without a word when there is too little to
//! learn from, so that the count is checked here first.

use std::collections::BTreeMap;

use fsrs::{ComputeParametersInput, FSRS, FSRSItem, FSRSReview, compute_parameters};

use super::{day::Day, rating::Rating, scheduler::Parameters};
use crate::bank::CardId;

/// Fewer ratings of a later day than this teach nothing (the crate's outlier filter leaves none).
const RATINGS_MIN: usize = 200;
/// Every fifth of them, the latest, is held back for the comparison.
const HELD_BACK: usize = 5;
/// Longer histories of one card are cut to their first ratings, as the crate does.
const HISTORY_MAX: usize = 256;

/// One rating of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastReview {
    /// The card.
    pub card: CardId,
    /// The study day.
    pub day: Day,
    /// The rating.
    pub rating: Rating,
}

/// What came of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// Ratings of a later day than the one before, which are what can be predicted.
    pub predicted: usize,
    /// How many of them were held back to compare on.
    pub held_back: usize,
    /// Log loss of the parameters in use on those held back; smaller is better.
    pub loss_before: f64,
    /// Log loss of the new ones on the same.
    pub loss_after: f64,
    /// The new parameters, trained on all ratings; none when they would not predict better.
    pub better: Option<Parameters>,
}

/// Why nothing was trained.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainingError {
    /// Too little to learn from.
    #[error(
        "{found} ratings of cards that came back on a later day; {RATINGS_MIN} are needed before \
         the model can be fitted to you. The defaults, fitted to many people, stay in use."
    )]
    TooFew {
        /// How many there are.
        found: usize,
    },
    /// The model failed.
    #[error("the model could not be fitted to these ratings ({0}); the parameters in use stay")]
    Failed(String),
}

/// One prediction to make: the history of a card up to a rating of a later day.
struct Item {
    day: Day,
    card: i64,
    history: FSRSItem,
}

/// Trains on `reviews`, given in the order they happened, and compares with `current`.
///
/// # Errors
/// With too few ratings, or when the model fails.
pub fn train(reviews: &[PastReview], current: &Parameters) -> Result<Training, TrainingError> {
    let mut items = items(reviews);
    if items.len() < RATINGS_MIN {
        return Err(TrainingError::TooFew { found: items.len() });
    }
    items.sort_by_key(|item| item.day);
    let held_back = items.len() / HELD_BACK;
    let (past, recent) = items.split_at(items.len() - held_back);
    let loss = |parameters: &Parameters| {
        let fsrs = FSRS::new(parameters.weights()).map_err(failed)?;
        let recent = recent.iter().map(|item| item.history.clone()).collect();
        let loss = fsrs.evaluate(recent, |_| true).map_err(failed)?.log_loss;
        Ok(f64::from(loss))
    };
    let loss_before = loss(current)?;
    let trial = fit(past)?;
    let loss_after = loss(&trial)?;
    let better = if loss_after < loss_before && trial != *current {
        Some(fit(&items)?)
    } else {
        None
    };
    Ok(Training {
        predicted: items.len(),
        held_back,
        loss_before,
        loss_after,
        better,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn failed(error: fsrs::FSRSError) -> TrainingError {
    TrainingError::Failed(error.to_string())
}

fn fit(items: &[Item]) -> Result<Parameters, TrainingError> {
    let weights = compute_parameters(ComputeParametersInput {
        train_set: items.iter().map(|item| item.history.clone()).collect(),
        card_ids: Some(items.iter().map(|item| item.card).collect()),
        ..ComputeParametersInput::default()
    })
    .map_err(failed)?;
    Parameters::try_from(weights).map_err(|error| TrainingError::Failed(error.to_string()))
}

/// One item for each rating of a later day than the card's rating before.
fn items(reviews: &[PastReview]) -> Vec<Item> {
    let mut histories: BTreeMap<&CardId, (i64, Day, Vec<FSRSReview>)> = BTreeMap::new();
    let mut items = Vec::new();
    for review in reviews {
        let number = histories.len() as i64;
        let (card, last, history) = histories
            .entry(&review.card)
            .or_insert_with(|| (number, review.day, Vec::new()));
        let delta_t = review.day.since(*last);
        *last = review.day;
        if history.len() >= HISTORY_MAX {
            continue;
        }
        history.push(FSRSReview {
            rating: u32::from(review.rating.number()),
            delta_t,
        });
        if delta_t > 0 {
            items.push(Item {
                day: review.day,
                card: *card,
                history: FSRSItem {
                    reviews: history.clone(),
                },
            });
        }
    }
    items
}

#[cfg(test)]
mod tests;
