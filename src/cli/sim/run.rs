//! `highwater sim run`: a scenario with nobody watching. Events as lines, the state at the end, exit 1 when a claim fails.

use std::{io::Write, path::Path, sync::Arc};

use serde_json::{Value, json};

use crate::cli::{Folders, Global, Outcome, numbers, output::Usage};
use crate::{
    bank::{Bank, Origin, Problem, ScenarioId, ScenarioSource, load::files::Source},
    lab::{
        moment, presets,
        runner::{self, Report},
        scenario::{self, Scenario},
        view::View,
    },
    sim::time::Time,
    tui::text::clean,
};

/// Options of `sim run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario file, or the id of a scenario or sandbox
    scenario: String,
    /// The seed of all chance, instead of the scenario's own
    #[arg(long, value_name = "N", value_parser = numbers::seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// The moment at which to stop, such as 2m; without it at the scenario's end
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = moment::parse)]
    until: Option<Time>,
    /// Print one JSON document a line: events, steps, then the state at the end
    #[arg(long)]
    json: bool,
    /// Print no events
    #[arg(long)]
    quiet: bool,
}

/// Runs it.
pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let bank = Folders::of(global)?.bank(global)?;
    let (scenario, problems) = find(&args.scenario, &bank)?;
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    let Some(scenario) = scenario else {
        return Ok(Outcome::Problems);
    };
    let scenario = Arc::new(scenario);
    let seed = args.seed.unwrap_or(scenario.seed);
    let until = match args.until {
        // a sandbox has no end of its own
        None if scenario.steps.is_empty() => Some(Time::secs(60)),
        until => until,
    };
    let report = runner::run(&scenario, seed, until)?;
    if args.json {
        print_json(&report, args.quiet, out)?;
    } else {
        print_text(&scenario, &report, args.quiet, out)?;
    }
    Ok(if report.kept() {
        Outcome::Done
    } else {
        Outcome::Problems
    })
}

type Read = (Option<Scenario>, Vec<Problem>);

/// The scenario of this name, or in this file.
fn find(name: &str, bank: &Bank) -> anyhow::Result<Read> {
    let path = Path::new(name);
    if path.is_file() {
        let source = Source::single(path).map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let bytes = source.bytes().map_err(anyhow::Error::msg)?;
        let origin = Origin {
            file: Arc::from(name),
            line: 1,
            item: 0,
            built_in: false,
        };
        let text =
            String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{name} is not UTF-8 text"))?;
        let source = ScenarioSource {
            id: ScenarioId::from("file"),
            title: String::new(),
            about: String::new(),
            text,
            origin,
        };
        let sandbox = !source.text.lines().any(|line| line.starts_with("steps:"));
        return Ok(if sandbox {
            scenario::read_sandbox(&source)
        } else {
            scenario::read(&source, bank)
        });
    }
    let (source, sandbox) = presets::source(name, bank)
        .map_err(|problem| Usage(format!("{problem} (and no file of that name)")))?;
    Ok(if sandbox {
        scenario::read_sandbox(&source)
    } else {
        scenario::read(&source, bank)
    })
}

fn print_text(
    scenario: &Scenario,
    report: &Report,
    quiet: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if !quiet {
        for event in report.events() {
            writeln!(out, "{}", clean(&event.to_string()))?;
        }
        writeln!(out)?;
    }
    for (number, step) in report.steps.iter().enumerate() {
        writeln!(
            out,
            "{} to {}  {}. {}",
            step.began,
            step.ended,
            number + 1,
            step.title
        )?;
        for (ask, answer) in &step.predictions {
            writeln!(out, "    {}\n      → {answer}", one_line(ask))?;
        }
        for line in &step.compared {
            writeln!(
                out,
                "    {}: {} here, {} in the twin",
                line.what, line.here, line.there
            )?;
        }
        for broken in &step.broken {
            writeln!(out, "    FAILED at {}: {}", broken.at, broken.what)?;
        }
    }
    state(&report.play.timeline().view(), out)?;
    let unnamed = report.play.timeline().cluster().ledger().lost_unnamed();
    if unnamed > 0 {
        writeln!(
            out,
            "lost besides, far behind every reader: {unnamed} records with keys"
        )?;
    }
    let broken = report.play.broken().len();
    if broken == 0 {
        writeln!(out, "every one of {} claims holds", scenario.claims())?;
    } else {
        writeln!(out, "{broken} failed")?;
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    clean(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

fn state(view: &View, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "\nat {}", view.now)?;
    for broker in &view.brokers {
        writeln!(out, "broker {}: {}", broker.id, broker.state.word())?;
    }
    for topic in &view.topics {
        for partition in &topic.partitions {
            let leader = partition
                .leader
                .map_or_else(|| "none".to_owned(), |leader| leader.to_string());
            let ends: Vec<String> = partition
                .replicas
                .iter()
                .map(|replica| format!("{}:{}", replica.broker, replica.log_end))
                .collect();
            let watermark = partition
                .high_watermark
                .map_or_else(|| "-".to_owned(), |offset| offset.to_string());
            writeln!(
                out,
                "{}-{}: leader {leader}, epoch {}, ISR {:?}, high watermark {watermark}, log ends {}",
                topic.name,
                partition.partition,
                partition.epoch,
                partition.isr,
                ends.join(" "),
            )?;
        }
    }
    for group in &view.groups {
        let lag = group
            .lag()
            .map_or_else(|| "unknown".to_owned(), |lag| lag.to_string());
        writeln!(
            out,
            "group {}: {}, generation {}, lag {lag}",
            group.name, group.state, group.generation
        )?;
        for member in &group.members {
            writeln!(
                out,
                "  {}: {}, {}",
                member.name,
                member.state,
                member.owned.join(" ")
            )?;
        }
    }
    for producer in &view.producers {
        writeln!(
            out,
            "producer {}: {} made, {} acknowledged, {} failed, {} lost, {} duplicated, {} reordered",
            producer.name,
            producer.made,
            producer.acknowledged,
            producer.failed,
            producer.lost,
            producer.duplicated,
            producer.reordered,
        )?;
    }
    Ok(())
}

fn print_json(report: &Report, quiet: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if !quiet {
        for event in report.events() {
            let line = json!({
                "event": event.id.0,
                "at_us": event.time.0,
                "cause": event.cause.map(|cause| cause.0),
                "text": event.what.to_string(),
            });
            writeln!(out, "{line}")?;
        }
    }
    for (number, step) in report.steps.iter().enumerate() {
        let broken: Vec<Value> = step
            .broken
            .iter()
            .map(|broken| json!({"at_us": broken.at.0, "what": broken.what}))
            .collect();
        let predictions: Vec<Value> = step
            .predictions
            .iter()
            .map(|(ask, answer)| json!({"ask": ask, "answer": answer}))
            .collect();
        let compared: Vec<Value> = step
            .compared
            .iter()
            .map(|line| json!({"what": line.what, "here": line.here, "there": line.there}))
            .collect();
        let line = json!({
            "step": number + 1, "title": step.title, "began_us": step.began.0, "ended_us": step.ended.0,
            "predictions": predictions, "compared": compared, "failed": broken,
        });
        writeln!(out, "{line}")?;
    }
    let view = report.play.timeline().view();
    let partitions: Vec<Value> = view
        .topics
        .iter()
        .flat_map(|topic| {
            topic.partitions.iter().map(|partition| {
                json!({
                    "partition": format!("{}-{}", topic.name, partition.partition),
                    "leader": partition.leader, "epoch": partition.epoch, "isr": partition.isr,
                    "elr": partition.elr, "high_watermark": partition.high_watermark,
                    "log_ends": partition.replicas.iter().map(|r| json!({"broker": r.broker, "log_end": r.log_end}))
                        .collect::<Vec<_>>(),
                })
            })
        })
        .collect();
    let producers: Vec<Value> = view
        .producers
        .iter()
        .map(|p| {
            json!({
                "producer": p.name, "made": p.made, "acknowledged": p.acknowledged, "failed": p.failed,
                "lost": p.lost, "duplicated": p.duplicated, "reordered": p.reordered,
            })
        })
        .collect();
    let groups: Vec<Value> = view
        .groups
        .iter()
        .map(|g| json!({"group": g.name, "state": g.state, "generation": g.generation, "lag": g.lag()}))
        .collect();
    let line = json!({
        "end_us": view.now.0, "seed": report.play.timeline().seed(), "kept": report.kept(),
        "partitions": partitions, "producers": producers, "groups": groups,
        "lost_unnamed": report.play.timeline().cluster().ledger().lost_unnamed(),
    });
    writeln!(out, "{line}")?;
    Ok(())
}
