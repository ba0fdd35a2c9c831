//! `highwater check [PATH]`: every mistake in a bank, with its file, line and column.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{Folders, Global, Outcome, output::Usage};
use crate::bank::{
    self, Bank, Problem, Severity, check,
    load::{
        self, Loaded,
        files::{self, Layout, Source},
    },
    user,
};
use crate::lab::scenario;

/// Options of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
PATH is a folder of your own cards, which is checked together with the built-in bank; a checkout of
the project (a folder with decks/ and content/), which is checked as a whole; or a single file, whose
links to other files are not followed. Without PATH your own bank is checked: bank/ in the data folder
and what --bank names. Exit code 0 if there are no errors, 1 if there are.")]
pub(super) struct Args {
    /// What to check
    path: Option<PathBuf>,
    /// Print JSON: problems, and how many of everything there are
    #[arg(long)]
    json: bool,
    /// Parse everything, even what has not changed since the last time
    #[arg(long)]
    fresh: bool,
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let mut loaded = match &args.path {
        Some(path) if !path.exists() => {
            return Err(Usage(format!("{} does not exist", path.display())).into());
        }
        Some(path) if path.join("decks").is_dir() && path.join("content").is_dir() => project(path),
        Some(path) if !path.is_dir() => single(path),
        path => own(path.as_deref(), args, global)?,
    };
    let whole = if loaded.bank.cards.is_empty() {
        // a scenario by itself: its links lead into the built-in bank
        Some(bank::built_in()?)
    } else {
        None
    };
    let scripts = scripts(&loaded.bank, whole.as_ref(), args.path.is_some());
    loaded.problems.extend(scripts);
    let errors = loaded
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    if args.json {
        print_json(&loaded, errors, out)?;
    } else {
        for problem in &loaded.problems {
            writeln!(out, "{problem}")?;
        }
        writeln!(
            out,
            "{}: {}",
            counts(&loaded.bank),
            verdict(errors, loaded.problems.len() - errors)
        )?;
    }
    Ok(if errors > 0 {
        Outcome::Problems
    } else {
        Outcome::Done
    })
}

/// What is wrong with the scripts of scenarios, which the bank keeps unread. Those that come with the program are
/// held by its tests.
fn scripts(bank: &Bank, whole: Option<&Bank>, all: bool) -> Vec<Problem> {
    bank.scenarios
        .iter()
        .filter(|source| all || !source.origin.built_in)
        .flat_map(|source| scenario::read(source, whole.unwrap_or(bank)).1)
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

/// A reader's own bank, behind the built-in one.
fn own(path: Option<&Path>, args: &Args, global: &Global) -> anyhow::Result<Loaded> {
    let folders = Folders::of(global)?;
    let mut own = folders.own_bank(global);
    if let Some(path) = path {
        own.paths = vec![path.to_owned()];
        own.paths.extend(global.bank.iter().cloned());
    }
    if args.fresh {
        own.cache = None;
    }
    Ok(user::load(bank::built_in()?, &own))
}

fn counts(bank: &Bank) -> String {
    let all = [
        (bank.decks.len(), "deck"),
        (bank.cards.len(), "card"),
        (
            bank.cards.iter().map(|card| card.checks.len()).sum(),
            "check",
        ),
        (bank.chapters.len(), "chapter"),
        (bank.tracks.len(), "track"),
        (bank.drills.len(), "drill"),
        (
            bank.areas.iter().map(|area| area.skills.len()).sum(),
            "skill",
        ),
        (bank.stories.len(), "story template"),
        (bank.prompts.len(), "prompt"),
        (bank.scenarios.len(), "scenario"),
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

fn print_json(loaded: &Loaded, errors: usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let problems: Vec<_> = loaded
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
    let bank = &loaded.bank;
    let report = json!({
        "problems": problems,
        "errors": errors,
        "warnings": loaded.problems.len() - errors,
        "counts": {
            "decks": bank.decks.len(),
            "cards": bank.cards.len(),
            "checks": bank.cards.iter().map(|card| card.checks.len()).sum::<usize>(),
            "chapters": bank.chapters.len(),
            "tracks": bank.tracks.len(),
            "drills": bank.drills.len(),
            "skills": bank.areas.iter().map(|area| area.skills.len()).sum::<usize>(),
            "stories": bank.stories.len(),
            "prompts": bank.prompts.len(),
            "scenarios": bank.scenarios.len(),
        },
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)?;
    Ok(())
}
