//! `highwater check [PATH]`: every mistake in a bank, with its file, line and column.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{Folders, Global, Outcome, output::Usage};
use crate::bank::{
    self, Bank, Problem, ScenarioSource, check,
    load::{
        self, Loaded,
        files::{self, Layout, Source},
    },
    report::{Counts, Kept, Report},
    user,
};
use crate::lab::scenario;

/// Options of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
PATH is a folder of your own cards, which is checked together with the built-in bank; a checkout of \
the project (a folder with decks/ and content/), which is checked as a whole; or a single file, whose \
links to other files are not followed. Without PATH your own bank is checked: bank/ in the data folder \
and what --bank names. Exit code 0 if there are no errors, 1 if there are.")]
pub(super) struct Args {
    /// What to check
    path: Option<PathBuf>,
    /// Print JSON: problems, and how many of everything there are
    #[arg(long)]
    json: bool,
    /// Read everything anew, even if nothing has changed since the last time
    #[arg(long)]
    fresh: bool,
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let report = match &args.path {
        Some(path) if !path.exists() => {
            return Err(Usage(format!("{} does not exist", path.display())).into());
        }
        Some(path) if path.join("decks").is_dir() && path.join("content").is_dir() => {
            let loaded = project(path);
            let scripts = scripts(&loaded.bank.scenarios, &loaded.bank);
            report(loaded, scripts)
        }
        Some(path) if !path.is_dir() => {
            let loaded = single(path);
            let scripts = if loaded.bank.scenarios.is_empty() {
                Vec::new()
            } else {
                // a scenario by itself: its links lead into the built-in bank
                scripts(&loaded.bank.scenarios, &bank::built_in()?)
            };
            report(loaded, scripts)
        }
        path => own(path.as_deref(), args, global)?,
    };
    let errors = report.errors();
    if args.json {
        print_json(&report, errors, out)?;
    } else {
        for problem in &report.problems {
            writeln!(out, "{problem}")?;
        }
        writeln!(
            out,
            "{}: {}",
            counts(&report.counts),
            verdict(errors, report.problems.len() - errors)
        )?;
    }
    Ok(if errors > 0 {
        Outcome::Problems
    } else {
        Outcome::Done
    })
}

/// What there is to tell: what was wrong in the files, then in the scripts of scenarios.
fn report(mut loaded: Loaded, scripts: Vec<Problem>) -> Report {
    loaded.problems.extend(scripts);
    let counts = Counts::of(&loaded.bank);
    // the process ends with this report: to free a large bank card by card would take a tenth of the time
    std::mem::forget(loaded.bank);
    Report {
        problems: loaded.problems,
        counts,
    }
}

/// What is wrong with the scripts of scenarios, which the bank keeps unread.
fn scripts<'s>(
    scenarios: impl IntoIterator<Item = &'s ScenarioSource>,
    whole: &Bank,
) -> Vec<Problem> {
    scenarios
        .into_iter()
        .flat_map(|source| scenario::read(source, whole).1)
        .collect()
}

/// A checkout of the project, as the build sees it.
fn project(root: &Path) -> Loaded {
    let (sources, mut problems) = files::list(root, Layout::Project, "");
    let parts = load::read_all::<load::Forgetful>(&sources, None);
    let mut loaded = check::assemble(Bank::default(), parts, &sources);
    problems.append(&mut loaded.problems);
    loaded.problems = problems;
    loaded
}

/// One file by itself.
fn single(path: &Path) -> Loaded {
    let failed = |problem: Problem| Loaded {
        bank: Bank::default(),
        problems: vec![problem],
    };
    match Source::single(path) {
        Err(problem) => failed(problem),
        Ok(source) => match source.bytes() {
            Err(message) => failed(Problem::whole_file(&source.shown, message)),
            Ok(bytes) => load::read(&source, bytes),
        },
    }
}

/// A reader's own bank, behind the built-in one; read again only when something has changed since the last time.
fn own(path: Option<&Path>, args: &Args, global: &Global) -> anyhow::Result<Report> {
    let folders = Folders::of(global)?;
    let mut own = folders.own_bank(global);
    if let Some(path) = path {
        own.paths = vec![path.to_owned()];
        own.paths.extend(global.bank.iter().cloned());
    }
    if args.fresh {
        own.cache = None;
    }
    let kept = Kept::of(&own);
    if let Some(report) = kept.as_ref().and_then(Kept::recall) {
        return Ok(report);
    }
    let loaded = user::load(bank::built_in()?, &own);
    // those that come with the program are held by its tests
    let scenarios = &loaded.bank.scenarios;
    let theirs = scenarios.iter().filter(|source| !source.origin.built_in);
    let scripts = scripts(theirs, &loaded.bank);
    let report = report(loaded, scripts);
    if let Some(kept) = kept {
        kept.keep(&report);
    }
    Ok(report)
}

fn counts(counts: &Counts) -> String {
    let all = [
        (counts.decks, "deck"),
        (counts.cards, "card"),
        (counts.checks, "check"),
        (counts.chapters, "chapter"),
        (counts.tracks, "track"),
        (counts.drills, "drill"),
        (counts.skills, "skill"),
        (counts.stories, "story template"),
        (counts.prompts, "prompt"),
        (counts.scenarios, "scenario"),
    ];
    let counted: Vec<String> = all
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| many(n, what))
        .collect();
    if counted.is_empty() {
        "nothing".to_owned()
    } else {
        counted.join(", ")
    }
}

fn verdict(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, 0) => "no problems".to_owned(),
        (0, warnings) => many(warnings, "warning"),
        (errors, 0) => many(errors, "error"),
        (errors, warnings) => format!("{}, {}", many(errors, "error"), many(warnings, "warning")),
    }
}

fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn print_json(report: &Report, errors: usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let problems: Vec<_> = report
        .problems
        .iter()
        .map(|problem| {
            json!({
                "file": &*problem.file,
                "line": problem.line,
                "column": problem.column,
                "severity": problem.severity.word(),
                "rule": problem.rule.word(),
                "message": problem.message,
            })
        })
        .collect();
    let report = json!({
        "problems": problems,
        "errors": errors,
        "warnings": report.problems.len() - errors,
        "counts": report.counts,
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)?;
    Ok(())
}
