//! `highwater conformance`: Kafka's own test cases against the simulated
//! cluster's rules.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Outcome as Ending;
use crate::sim::conformance::{CaseReport, EMBEDDED, Outcome, run_file};

/// What can be given to `highwater conformance`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory of case files (*.json) instead of the cases that come with the program.
    #[arg(long, value_name = "DIR")]
    pub(super) cases: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// A file's reports, or why it could not be read.
type FileResult = (String, Result<Vec<CaseReport>, String>);

/// How many cases went which way.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    invalid: usize,
    skipped: usize,
    disputed: usize,
}

impl Counts {
    fn of(reports: &[CaseReport]) -> Self {
        let mut counts = Self::default();
        for report in reports {
            match report.outcome {
                Outcome::Passed => counts.passed += 1,
                Outcome::Failed(_) => counts.failed += 1,
                Outcome::Invalid(_) => counts.invalid += 1,
                Outcome::Skipped(_) => counts.skipped += 1,
                Outcome::Disputed(_) => counts.disputed += 1,
            }
        }
        counts
    }

    fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.invalid += other.invalid;
        self.skipped += other.skipped;
        self.disputed += other.disputed;
    }

    fn words(&self) -> String {
        format!(
            "{} passed, {} failed, {} skipped, {} disputed, {} invalid",
            self.passed, self.failed, self.skipped, self.disputed, self.invalid
        )
    }

    fn json(&self) -> Value {
        json!({
            "passed": self.passed, "failed": self.failed, "skipped": self.skipped,
            "disputed": self.disputed, "invalid": self.invalid,
        })
    }
}

/// Runs the cases and prints how each went that did not simply pass. The exit
/// code is 1 when a case failed or could not be read.
///
/// # Errors
/// When the directory cannot be read or the output cannot be written.
pub(super) fn run(args: &Args, mut out: &mut dyn Write) -> Result<Ending> {
    let results: Vec<FileResult> = read(args.cases.as_deref())?
        .into_iter()
        .map(|(file, text)| {
            let reports =
                text.and_then(|text| run_file(&file, &text).map_err(|error| error.to_string()));
            (file, reports)
        })
        .collect();
    let mut total = Counts::default();
    let mut unreadable = 0;
    for (_, reports) in &results {
        match reports {
            Ok(reports) => total.add(&Counts::of(reports)),
            Err(_) => unreadable += 1,
        }
    }
    if args.json {
        print_json(&results, &total, &mut out)?;
    } else {
        print_text(&results, &total, unreadable, &mut out)?;
    }
    let sound = total.failed + total.invalid + unreadable == 0;
    Ok(if sound {
        Ending::Done
    } else {
        Ending::Problems
    })
}

type FileText = (String, Result<String, String>);

fn read(directory: Option<&Path>) -> Result<Vec<FileText>> {
    let Some(directory) = directory else {
        return Ok(EMBEDDED
            .iter()
            .map(|&(file, text)| (file.to_owned(), Ok(text.to_owned())))
            .collect());
    };
    let entries = fs::read_dir(directory)
        .with_context(|| format!("cannot read the directory {}", directory.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot read the directory {}", directory.display()))?
            .path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        bail!("{} holds no *.json files", directory.display());
    }
    paths.sort();
    Ok(paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{}: cannot be read: {error}", path.display()));
            let name = path.file_name().unwrap_or(path.as_os_str());
            (name.to_string_lossy().into_owned(), text)
        })
        .collect())
}

/// The word for an outcome, and its explanation.
fn verdict(outcome: &Outcome) -> (&'static str, &str) {
    match outcome {
        Outcome::Passed => ("passed", ""),
        Outcome::Failed(why) => ("failed", why),
        Outcome::Invalid(why) => ("invalid", why),
        Outcome::Skipped(why) => ("skipped", why),
        Outcome::Disputed(why) => ("disputed", why),
    }
}

fn print_text(
    results: &[FileResult],
    total: &Counts,
    unreadable: usize,
    out: &mut impl Write,
) -> Result<()> {
    for (file, reports) in results {
        match reports {
            Err(problem) => writeln!(out, "{problem}")?,
            Ok(reports) => {
                writeln!(out, "{file}: {}", Counts::of(reports).words())?;
                for report in reports {
                    let (word, why) = verdict(&report.outcome);
                    if report.outcome != Outcome::Passed {
                        let (id, test) = (&report.id, &report.source_test);
                        writeln!(out, "  {word:8} {id}  {test}")?;
                        writeln!(out, "           {}", shown(why))?;
                    }
                }
            }
        }
    }
    write!(out, "in all: {}", total.words())?;
    if unreadable > 0 {
        write!(out, "; {unreadable} files could not be read")?;
    }
    writeln!(out)?;
    Ok(())
}

/// Control characters of a foreign file are shown, not sent to the terminal.
fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|letter| {
            let escaped = letter.is_control();
            let plain = (!escaped).then_some(letter);
            let code = escaped.then(|| letter.escape_default());
            plain.into_iter().chain(code.into_iter().flatten())
        })
        .collect()
}

fn print_json(results: &[FileResult], total: &Counts, out: &mut impl Write) -> Result<()> {
    let files: Vec<Value> = results
        .iter()
        .map(|(file, reports)| match reports {
            Err(problem) => json!({ "file": file, "error": problem }),
            Ok(reports) => {
                let cases: Vec<Value> = reports
                    .iter()
                    .map(|report| {
                        let (word, why) = verdict(&report.outcome);
                        let mut case = json!({
                            "id": report.id, "source_test": report.source_test, "outcome": word,
                        });
                        if let (Some(fields), false) = (case.as_object_mut(), why.is_empty()) {
                            fields.insert("reason".to_owned(), Value::from(why));
                        }
                        case
                    })
                    .collect();
                json!({ "file": file, "counts": Counts::of(reports).json(), "cases": cases })
            }
        })
        .collect();
    let document = json!({ "total": total.json(), "files": files });
    serde_json::to_writer_pretty(&mut *out, &document).context("cannot write the report")?;
    writeln!(out)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(args: &Args) -> (String, Ending) {
        let mut out = Vec::new();
        let code = run(args, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), code)
    }

    #[test]
    fn the_cases_that_come_with_the_program_pass() {
        let (text, code) = output(&Args {
            cases: None,
            json: false,
        });
        assert_eq!(code, Ending::Done, "{text}");
        assert!(text.contains("isr_election.json: "), "{text}");
        assert!(text.lines().last().unwrap().contains(" 0 failed"), "{text}");
    }

    #[test]
    fn a_directory_is_read_and_a_failure_shows_in_the_exit_code() {
        let folder = tempfile::tempdir().unwrap();
        let case = r#"{"cases":[{"id":"coord-1","source_test":"T#t","coordinator_key":"g1",
            "java_string_hash":7}]}"#;
        fs::write(folder.path().join("one.json"), case).unwrap();
        fs::write(folder.path().join("two.json"), "no").unwrap();
        let (text, code) = output(&Args {
            cases: Some(folder.path().to_owned()),
            json: true,
        });
        assert_eq!(code, Ending::Problems);
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["total"]["failed"], 1);
        assert_eq!(report["files"][0]["cases"][0]["source_test"], "T#t");
        let error = report["files"][1]["error"].as_str().unwrap();
        assert!(error.starts_with("two.json: not JSON"), "{error}");
    }

    #[test]
    fn an_empty_or_missing_directory_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let empty = Args {
            cases: Some(folder.path().to_owned()),
            json: false,
        };
        assert!(run(&empty, &mut Vec::new()).is_err());
        let missing = Args {
            cases: Some(folder.path().join("none")),
            json: false,
        };
        assert!(run(&missing, &mut Vec::new()).is_err());
    }
}
