//! `highwater lab`: the list of scenarios, or one of them on the screen.

use std::io::Write;

use serde_json::json;

use super::{Folders, Global, Outcome, numbers, screens};
use crate::{
    bank::{ScenarioId, ScenarioSource},
    lab::{moment, presets, scenario},
    sim::time::Time,
    tui::app::Start,
};

/// Options of `lab`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The scenario or sandbox to begin with, such as isr-falls-behind; without one the list of them
    scenario: Option<String>,
    /// Print the scenarios and sandboxes and leave
    #[arg(long, conflicts_with = "scenario")]
    list: bool,
    /// The seed of all chance, instead of the scenario's own
    #[arg(long, value_name = "N", requires = "scenario", value_parser = numbers::seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// The moment to begin at, such as 41.2s or 1:30
    #[arg(long, value_name = "TIME", requires = "scenario", allow_hyphen_values = true, value_parser = moment::parse)]
    at: Option<Time>,
    /// Print one JSON document; with --list
    #[arg(long, requires = "list")]
    json: bool,
}

/// Opens the lab, or prints what there is in it.
pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if args.list {
        return list(args, global, out);
    }
    let scenario = args.scenario.as_deref().map(ScenarioId::from);
    screens::show(global, Start::Lab(scenario, args.seed, args.at))
}

/// One line of the list.
struct Entry {
    id: String,
    title: String,
    about: String,
    level: &'static str,
    minutes: u32,
    predictions: usize,
    sandbox: bool,
}

fn entry(source: &ScenarioSource, read: Option<&scenario::Scenario>, sandbox: bool) -> Entry {
    Entry {
        id: source.id.to_string(),
        title: source.title.clone(),
        about: source.about.clone(),
        level: read.map_or("unreadable", |scenario| scenario.level.word()),
        minutes: read.map_or(0, |scenario| scenario.minutes),
        predictions: read.map_or(0, scenario::Scenario::predictions),
        sandbox,
    }
}

fn list(args: &Args, global: &Global, mut out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let bank = Folders::of(global)?.bank(global)?;
    let scenarios = bank
        .scenarios
        .iter()
        .map(|source| entry(source, scenario::read(source, &bank).0.as_ref(), false));
    let sandboxes = presets::sources()
        .map(|source| entry(&source, scenario::read_sandbox(&source).0.as_ref(), true));
    let entries: Vec<Entry> = scenarios.chain(sandboxes).collect();
    if args.json {
        let all: Vec<_> = entries
            .iter()
            .map(|e| {
                json!({
                    "id": e.id, "title": e.title, "about": e.about, "level": e.level,
                    "minutes": e.minutes, "predictions": e.predictions, "sandbox": e.sandbox,
                })
            })
            .collect();
        serde_json::to_writer_pretty(&mut out, &all)?;
        writeln!(out)?;
        return Ok(Outcome::Done);
    }
    let wide = entries.iter().map(|e| e.id.len()).max().unwrap_or(0);
    for e in &entries {
        let kind = if e.sandbox { "sandbox" } else { e.level };
        writeln!(
            out,
            "{:wide$}  {kind:<8}  {:>2} min  {}",
            e.id, e.minutes, e.title
        )?;
    }
    Ok(Outcome::Done)
}
