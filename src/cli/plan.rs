//! `highwater plan`: what to do each day until the interview, and how ready that makes.

use std::io::Write;

use serde_json::json;

use super::{Global, Outcome, setup::Setup};
use crate::memory;

/// Options of `plan`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The plan goes by the settings: the date of the interview, minutes a day, daily limits and the track. \
Without a date it looks a week ahead. How many cards fit into a day follows from how long your ratings \
have taken so far.")]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let setup = Setup::open(global)?;
    let now = setup.now();
    let states = setup.progress.states()?;
    let scheduler = setup.progress.scheduler();
    let filter = setup.scope();
    setup.check(&filter)?;
    let (aim, has_date) = setup.aim(now);
    let plan = setup.plan(now)?;
    let cards = setup.cards(&filter, &states);
    let scoped = || cards.iter().map(|id| (id, states.get(id)));
    let stop = memory::readiness(scheduler, scoped().map(|(_, state)| state), aim.at);
    let lines = memory::forecast(scheduler, scoped(), &plan, &setup.days);
    let keep = lines.last().map_or(stop.share, |line| line.share);
    let met: u32 = lines.iter().map(|line| line.new).sum();
    let unmet = (stop.cards - stop.seen).saturating_sub(met as usize);
    if args.json {
        let days: Vec<_> = lines
            .iter()
            .map(|line| {
                json!({
                    "day": line.day,
                    "due": line.due,
                    "new": line.new,
                    "left_over": line.left_over,
                    "ready": line.share,
                })
            })
            .collect();
        let report = json!({
            "until": aim.day,
            "is_interview": has_date,
            "of": filter.words(&setup.bank),
            "cards": stop.cards,
            "cards_a_day": plan.ratings,
            "if_you_stop_now": stop.share,
            "if_you_keep_the_plan": keep,
            "never_met": unmet,
            "days": days,
        });
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
        return Ok(Outcome::Done);
    }
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    writeln!(
        out,
        "{} days until {}: {}, {} cards, about {} ratings a day",
        aim.day.since(now.day),
        match setup.config.config().interview {
            Some(_) if has_date => format!("the interview on {}", aim.day),
            Some(past) => format!("{} (the interview was on {past})", aim.day),
            None => format!("{} (no date is set)", aim.day),
        },
        filter.words(&setup.bank),
        stop.cards,
        plan.ratings,
    )?;
    writeln!(
        out,
        "ready then: {} if you keep this plan, {} if you stop now",
        percent(keep),
        percent(stop.share)
    )?;
    if unmet > 0 {
        writeln!(
            out,
            "{unmet} cards would never be met: more minutes or new-per-day would reach them"
        )?;
    }
    writeln!(out, "\nday          back  new  left over  ready")?;
    for line in &lines {
        writeln!(
            out,
            "{}  {:>5} {:>4}  {:>9}  {:>5}",
            line.day,
            line.due,
            line.new,
            line.left_over,
            percent(line.share)
        )?;
    }
    Ok(Outcome::Done)
}
