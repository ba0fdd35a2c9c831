//! `highwater stats`: what is due, what was done, how ready each deck is, and where everything lies.

use std::io::Write;

use serde_json::json;

use super::{Global, Outcome, setup::Setup};
use crate::{
    bank::CardId,
    memory::{self, Moment, Overview, Readiness, States},
    progress::DayCount,
    tui::text::{fit, percent, plain},
};

/// Days that are printed.
const DAYS: u32 = 14;

/// Options of `stats`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

struct Figures {
    overview: Overview,
    scope: Readiness,
    aim: Moment,
    has_date: bool,
    days: Vec<DayCount>,
    streak: u32,
    seen: usize,
    events: u64,
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let setup = Setup::open(global)?;
    let now = setup.now();
    let states = setup.progress.states()?;
    let figures = figures(&setup, &states, now)?;
    if args.json {
        print_json(&setup, &figures, out)?;
    } else {
        print(&setup, &figures, out)?;
    }
    Ok(Outcome::Done)
}

fn figures(setup: &Setup, states: &States, now: Moment) -> anyhow::Result<Figures> {
    let scheduler = setup.progress.scheduler();
    let (aim, has_date) = setup.aim(now);
    let scope = setup.scope();
    setup.check(&scope)?;
    let cards = scope.cards(&setup.bank, states);
    let scoped = cards.iter().map(|card| states.get(&card.id));
    let reviewed = |id: &CardId| states.get(id).is_some_and(|state| state.reviews > 0);
    let seen = setup.bank.cards.iter().filter(|card| reviewed(&card.id));
    Ok(Figures {
        overview: memory::overview(&setup.bank, states, scheduler, now, aim.at),
        scope: memory::readiness(scheduler, scoped, aim.at),
        aim,
        has_date,
        days: setup.progress.days(now.day.minus(DAYS - 1))?,
        streak: setup.progress.streak(now.day)?,
        seen: seen.count(),
        events: setup.progress.event_count()?,
    })
}

fn print(setup: &Setup, figures: &Figures, out: &mut dyn Write) -> std::io::Result<()> {
    let overview = &figures.overview;
    writeln!(
        out,
        "{} due, {} new, {} of {} cards seen, streak {}",
        overview.due,
        overview.new,
        figures.seen,
        setup.bank.cards.len(),
        figures.streak
    )?;
    let date = if figures.has_date {
        format!("on {}", figures.aim.day)
    } else {
        format!("on {}, a week from now", figures.aim.day)
    };
    writeln!(
        out,
        "ready {date} if you stop now: {} of {}",
        percent(figures.scope.share),
        setup.scope().words(&setup.bank)
    )?;
    writeln!(
        out,
        "\ndeck                                      due   new  ready"
    )?;
    for deck in &overview.decks {
        writeln!(
            out,
            "{} {:>6} {:>5}  {:>5}",
            fit(&plain(&deck.title), 38),
            deck.due,
            deck.new,
            percent(deck.ready.share)
        )?;
    }
    if !figures.days.is_empty() {
        writeln!(out, "\nday         ratings  new  recalled  minutes")?;
    }
    for day in &figures.days {
        writeln!(
            out,
            "{}  {:>7} {:>4}  {:>8}  {:>7}",
            day.day,
            day.reviews,
            day.new,
            percent(day.recalled as f64 / day.reviews.max(1) as f64),
            (day.ms / 1000).div_ceil(60)
        )?;
    }
    let folders = &setup.folders;
    writeln!(
        out,
        "\nprogress   {}",
        folders.data.join("progress.db").display()
    )?;
    writeln!(out, "own cards  {}", folders.data.join("bank").display())?;
    writeln!(out, "settings   {}", setup.config.path().display())
}

fn print_json(setup: &Setup, figures: &Figures, out: &mut dyn Write) -> anyhow::Result<()> {
    let ready =
        |ready: &Readiness| json!({"share": ready.share, "cards": ready.cards, "seen": ready.seen});
    let decks: Vec<_> = figures
        .overview
        .decks
        .iter()
        .map(|deck| {
            let levels: serde_json::Map<String, serde_json::Value> = deck
                .levels
                .iter()
                .map(|level| (level.level.word().to_owned(), json!(level.share)))
                .collect();
            json!({
                "deck": deck.deck,
                "title": deck.title,
                "due": deck.due,
                "new": deck.new,
                "ready": ready(&deck.ready),
                "recall_now_by_level": levels,
            })
        })
        .collect();
    let days: Vec<_> = figures
        .days
        .iter()
        .map(|day| {
            json!({
                "day": day.day,
                "ratings": day.reviews,
                "recalled": day.recalled,
                "new": day.new,
                "ms": day.ms,
            })
        })
        .collect();
    let report = json!({
        "due": figures.overview.due,
        "new": figures.overview.new,
        "seen": figures.seen,
        "cards": setup.bank.cards.len(),
        "streak": figures.streak,
        "interview": setup.config.config().interview,
        "ready": {
            "day": figures.aim.day,
            "of": setup.scope().words(&setup.bank),
            "if_you_stop_now": ready(&figures.scope),
        },
        "decks": decks,
        "days": days,
        "events": figures.events,
        "places": {
            "progress": setup.folders.data.join("progress.db"),
            "own_cards": setup.folders.data.join("bank"),
            "settings": setup.config.path(),
        },
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)?;
    Ok(())
}
