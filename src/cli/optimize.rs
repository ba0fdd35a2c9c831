//! `highwater optimize`: fits the model of forgetting to the reader's own ratings.

use std::io::Write;

use serde_json::json;

use super::{Global, Outcome, setup::Setup};
use crate::{
    memory::{self, Parameters, TrainingError},
    progress::EventKind,
};

/// Options of `optimize`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
New parameters are taken only if they predict the latest fifth of your ratings, which they were not \
fitted to, better than those in use. They then hold for all your cards; days that were promised stay.")]
pub(super) struct Args {
    /// Tell what would come of it, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let mut setup = Setup::open(global)?;
    let reviews = setup.progress.past_reviews()?;
    let current = setup.progress.scheduler().parameters().clone();
    let in_use = if current == Parameters::default() {
        "the defaults"
    } else {
        "those in use"
    };
    let training = match memory::train(&reviews, &current) {
        Ok(training) => training,
        Err(error @ TrainingError::TooFew { .. }) => {
            if args.json {
                let report = json!({"adopted": false, "reason": error.to_string()});
                writeln!(out, "{report}")?;
            } else {
                writeln!(out, "{error}")?;
            }
            return Ok(Outcome::Done);
        }
        Err(error) => return Err(error.into()),
    };
    let adopt = training.better.is_some() && !args.dry_run;
    if args.json {
        let report = json!({
            "adopted": adopt,
            "ratings": training.predicted,
            "held_back": training.held_back,
            "log_loss_before": training.loss_before,
            "log_loss_after": training.loss_after,
            "parameters": training.better,
        });
        writeln!(out, "{report}")?;
    } else {
        writeln!(
            out,
            "log loss on the latest {} of {} ratings: {:.4} with {in_use}, {:.4} when fitted to the rest",
            training.held_back, training.predicted, training.loss_before, training.loss_after
        )?;
        writeln!(
            out,
            "{}",
            match (&training.better, args.dry_run) {
                (None, _) => format!("that is no better: {in_use} stay"),
                (Some(_), true) => "better: without --dry-run they would be taken".to_owned(),
                (Some(_), false) => "better: taken, from now on and for all your cards".to_owned(),
            }
        )?;
    }
    if let (true, Some(weights)) = (adopt, training.better) {
        let now = setup.now();
        let kind = EventKind::Parameters {
            weights,
            ratings: training.predicted as u64,
        };
        setup.progress.look_after(now)?;
        setup.progress.append(kind, None, now)?;
    }
    Ok(Outcome::Done)
}
