//! `highwater selftest`: on the screen, or line by line for screen readers and pipes.

use std::io::{self, IsTerminal, Write};

use serde_json::json;

use super::{Global, Outcome, lines::Lines, output::Usage, setup::Setup};
use crate::{
    bank::{AreaId, Bank, problem::instead},
    session::selftest::{Input, Item, Mastery, Report, SelfTest, Verdict},
    tui::{app::Start, desk::rating, text::percent},
};

/// Options of `selftest`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Line by line: 0 can't, 1 can stumble through, 2 can teach it; s skips, b goes back, q ends with the report. Every \
rating is kept at once; a 0 or a 1 makes the cards of the skill due.")]
pub(super) struct Args {
    /// Skills of this area; without it all, those not rated lately first
    #[arg(long, value_name = "ID")]
    area: Option<String>,
    /// Line by line, for screen readers and pipes; so it is without a terminal, too
    #[arg(long)]
    plain: bool,
    /// Print the report as JSON; skills go to standard error
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let mut setup = Setup::open(global)?;
    let area = args
        .area
        .as_deref()
        .map(|id| find(&setup.bank, id))
        .transpose()?;
    let screen = io::stdin().is_terminal() && io::stdout().is_terminal();
    if screen && !args.plain && !args.json {
        drop(setup);
        let start = area.map_or(Start::SelfTest, Start::BeginSelfTest);
        return super::screens::show(global, start);
    }
    let now = setup.now();
    setup.progress.look_after(now)?;
    if setup.bank.areas.iter().all(|area| area.skills.is_empty()) {
        writeln!(out, "The bank has no skills to rate.")?;
        return Ok(Outcome::Done);
    }
    let input = &mut io::stdin().lock();
    let mut lines = Lines::of(input);
    if args.json {
        let report = sit(&mut setup, area.as_ref(), &mut lines, &mut io::stderr())?;
        serde_json::to_writer_pretty(&mut *out, &as_json(&report))?;
        writeln!(out)?;
    } else {
        let report = sit(&mut setup, area.as_ref(), &mut lines, out)?;
        print(&report, &setup.bank, out)?;
    }
    Ok(Outcome::Done)
}

/// The area of that id, or the message that names the nearest.
fn find(bank: &Bank, id: &str) -> Result<AreaId, Usage> {
    let ids = || bank.areas.iter().map(|area| area.id.as_str());
    if ids().any(|known| known == id) {
        return Ok(id.into());
    }
    let meant = instead(id, ids(), "areas");
    Err(Usage(format!("there is no area of skills `{id}`{meant}")))
}

fn sit(
    setup: &mut Setup,
    area: Option<&AreaId>,
    lines: &mut Lines<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<Report> {
    let now = setup.now();
    let (session, mut test) = rating::begin_self_test(&mut setup.progress, &setup.bank, area, now)?;
    writeln!(
        out,
        "{} skills, those not rated lately first. 0 can't, 1 can stumble through, 2 can teach it.",
        test.items().len()
    )?;
    while let Some(item) = test.item() {
        print_item(&test, item, setup, out)?;
        let line = lines.ask(out)?;
        let input = match line.as_deref() {
            Some("0") => Input::Rate(Mastery::Cannot),
            Some("1") => Input::Rate(Mastery::Stumbles),
            Some("2") => Input::Rate(Mastery::Teaches),
            Some("s") => Input::Skip,
            Some("b") => Input::Back,
            None | Some("q" | "quit") => Input::End,
            Some(_) => {
                writeln!(out, "0, 1 or 2; s skips, b goes back, q ends")?;
                continue;
            }
        };
        let effects = test.handle(input);
        let now = setup.now();
        if let Some(report) = rating::record_self_test(&mut setup.progress, session, effects, now)?
        {
            return Ok(report);
        }
    }
    Ok(test.report())
}

fn print_item(test: &SelfTest, item: &Item, setup: &Setup, out: &mut dyn Write) -> io::Result<()> {
    let (at, of) = (test.at() + 1, test.items().len());
    let level = item.skill.level.word();
    writeln!(out, "\n[{at} of {of}] {}, {level}", item.area_title)?;
    writeln!(out, "{}", item.skill.ask)?;
    if let Some((when, said)) = item.history.last() {
        let day = setup.days.moment(*when).day;
        writeln!(out, "You said {} on {day}.", said.number())?;
    }
    Ok(())
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fits => "",
        Verdict::Overrated => ", you overrate it",
        Verdict::Underrated => ", better than you say",
    }
}

fn print(report: &Report, bank: &Bank, out: &mut dyn Write) -> io::Result<()> {
    if report.lines.is_empty() {
        return writeln!(out, "\nNo skill was rated; nothing has changed.");
    }
    writeln!(out, "\nBy area:")?;
    for area in &report.areas {
        let change = area
            .before
            .map(|before| format!(", {:+.1} since last time", area.now - before));
        let change = change.unwrap_or_default();
        writeln!(out, "  {}: {:.1} of 2{change}", area.title, area.now)?;
    }
    writeln!(out, "\nYou say, and your reviews say:")?;
    for line in &report.lines {
        let reviews = line
            .recall
            .map_or_else(|| "no reviews yet".to_owned(), percent);
        let words = verdict(line.verdict());
        writeln!(
            out,
            "  {}  {reviews}{words}: {}",
            line.says.number(),
            line.ask
        )?;
    }
    let weak = report
        .lines
        .iter()
        .filter(|line| line.says != Mastery::Teaches);
    let mut drills: Vec<&str> = weak
        .flat_map(|line| &line.drills)
        .filter_map(|id| bank.drill(id))
        .map(|drill| drill.id.as_str())
        .collect();
    drills.dedup();
    for id in drills {
        writeln!(
            out,
            "  train it: highwater interview --questions 0 --design {id}"
        )?;
    }
    Ok(())
}

fn as_json(report: &Report) -> serde_json::Value {
    let lines = report.lines.iter().map(|line| {
        let mut value = json!(line);
        value["says"] = json!(line.says.number());
        value["said"] = json!(line.said.map(Mastery::number));
        value["verdict"] = json!(line.verdict());
        value
    });
    json!({ "lines": lines.collect::<Vec<_>>(), "areas": report.areas })
}
