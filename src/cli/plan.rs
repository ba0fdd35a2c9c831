//! `highwater plan`: what to do each day until the interview, and how ready that makes.

use std::io::Write;

use serde_json::{Value, json};

use super::{Global, Outcome, output, setup::Setup};
use crate::{
    memory::{self, Forecast, Moment, Plan, Readiness},
    tui::text::{count, percent},
};

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

/// The days until then, played through.
struct Outlook {
    aim: Moment,
    has_date: bool,
    /// What is planned for, in words.
    of: String,
    plan: Plan,
    /// How ready who stops now would be.
    stop: Readiness,
    days: Vec<Forecast>,
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let setup = Setup::open(global)?;
    let now = setup.now();
    let outlook = outlook(&setup, now)?;
    if args.json {
        output::print_json(&outlook.as_json(), out)?;
    } else {
        outlook.print(&setup, now, out)?;
    }
    Ok(Outcome::Done)
}

fn outlook(setup: &Setup, now: Moment) -> anyhow::Result<Outlook> {
    let states = setup.progress.states()?;
    let scheduler = setup.progress.scheduler();
    let filter = setup.scope();
    setup.check(&filter)?;
    let (aim, has_date) = setup.aim(now);
    let plan = setup.plan(now)?;
    let cards = setup.cards(&filter, &states);
    let scoped = || cards.iter().map(|id| (id, states.get(id)));
    Ok(Outlook {
        aim,
        has_date,
        of: filter.words(&setup.bank),
        stop: memory::readiness(scheduler, scoped().map(|(_, state)| state), aim.at),
        days: memory::forecast(scheduler, scoped(), &plan, &setup.days),
        plan,
    })
}

impl Outlook {
    /// How ready who keeps the plan would be.
    fn keep(&self) -> f64 {
        self.days.last().map_or(self.stop.share, |day| day.share)
    }

    /// Cards that the plan never gets to.
    fn unmet(&self) -> usize {
        let met: u32 = self.days.iter().map(|day| day.new).sum();
        (self.stop.cards - self.stop.seen).saturating_sub(met as usize)
    }

    fn as_json(&self) -> Value {
        let days = self.days.iter().map(|day| {
            json!({
                "day": day.day,
                "due": day.due,
                "new": day.new,
                "left_over": day.left_over,
                "ready": day.share,
            })
        });
        json!({
            "until": self.aim.day,
            "is_interview": self.has_date,
            "of": self.of,
            "cards": self.stop.cards,
            "ratings_a_day": self.plan.ratings,
            "if_you_stop_now": self.stop.share,
            "if_you_keep_the_plan": self.keep(),
            "never_met": self.unmet(),
            "days": days.collect::<Vec<_>>(),
        })
    }

    fn print(&self, setup: &Setup, now: Moment, out: &mut dyn Write) -> anyhow::Result<()> {
        let until = self.aim.day;
        writeln!(
            out,
            "{} until {}: {}, {}, about {} ratings a day",
            count(until.since(now.day) as usize, "day", "days"),
            match setup.config.config().interview {
                Some(_) if self.has_date => format!("the interview on {until}"),
                Some(past) => format!("{until} (the interview was on {past})"),
                None => format!("{until} (no date is set)"),
            },
            self.of,
            count(self.stop.cards, "card", "cards"),
            self.plan.ratings,
        )?;
        writeln!(
            out,
            "ready then: {} if you keep this plan, {} if you stop now",
            percent(self.keep()),
            percent(self.stop.share)
        )?;
        let unmet = self.unmet();
        if unmet > 0 {
            writeln!(
                out,
                "{} would never be met: more minutes or new-per-day would reach them",
                count(unmet, "card", "cards")
            )?;
        }
        writeln!(out, "\nday          back  new  left over  ready")?;
        for day in &self.days {
            writeln!(
                out,
                "{}  {:>5} {:>4}  {:>9}  {:>5}",
                day.day,
                day.due,
                day.new,
                day.left_over,
                percent(day.share)
            )?;
        }
        Ok(())
    }
}
