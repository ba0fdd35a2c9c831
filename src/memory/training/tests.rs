//! When training speaks and when it stays silent.

use super::*;
use crate::memory::{CardState, Due, Moment, Retention, Scheduler};
use jiff::Timestamp;

/// Ratings of a reader who follows the model with `truth`, each card rated `times` on its due days.
fn history(truth: &Parameters, cards: usize, times: usize) -> Vec<PastReview> {
    let scheduler = Scheduler::new(truth, Retention::default());
    let mut reviews = Vec::new();
    let mut draw = 88_172_645_463_325_252_u64;
    for n in 0..cards {
        let card: CardId = format!("card-{n}").into();
        let mut state = CardState::default();
        let mut day = Day::from_number(20_000 + n as i32 / 10);
        for _ in 0..times {
            // Marsaglia's xorshift: no more randomness than a test needs.
            draw ^= draw << 13;
            draw ^= draw >> 7;
            draw ^= draw << 17;
            let chance = (draw >> 11) as f64 / (1_u64 << 53) as f64;
            let elapsed = state.last_day.map_or(0, |last| day.since(last));
            let recall = state
                .memory
                .map_or(0.8, |memory| scheduler.recall_after(memory, elapsed as f32));
            let rating = if chance < recall {
                Rating::Good
            } else {
                Rating::Again
            };
            reviews.push(PastReview {
                card: card.clone(),
                day,
                rating,
            });
            let now = Moment {
                at: Timestamp::UNIX_EPOCH,
                day,
            };
            let due = Due::On(day);
            state = scheduler.rated(&state, rating, now, due);
            let wait = state.memory.map_or(1.0, |memory| memory.stability);
            day = day.plus((wait.round() as u32).clamp(1, 60));
        }
    }
    reviews.sort_by_key(|review| review.day);
    reviews
}

#[test]
fn too_few_ratings_are_said_to_be_too_few() {
    let reviews = history(&Parameters::default(), 20, 4);
    let error = train(&reviews, &Parameters::default()).unwrap_err();
    assert_eq!(error, TrainingError::TooFew { found: 60 });
    assert!(error.to_string().contains("defaults"));
}

#[test]
fn a_reader_who_forgets_faster_is_learnt_from() {
    let mut weights = Parameters::default().weights().to_vec();
    for weight in &mut weights[..4] {
        *weight /= 3.0;
    }
    weights[8] = 1.2;
    let truth = Parameters::try_from(weights).unwrap();
    let reviews = history(&truth, 300, 6);
    let training = train(&reviews, &Parameters::default()).unwrap();
    assert_eq!(training.predicted, 1500);
    assert_eq!(training.held_back, 300);
    assert!(training.loss_after < training.loss_before, "{training:?}");
    let better = training.better.unwrap();
    assert!(better.weights()[2] < Parameters::default().weights()[2]);
    // And what is already in use is not replaced by something worse.
    let again = train(&reviews, &better).unwrap();
    assert!(again.better.is_none() || again.loss_after < again.loss_before);
}
