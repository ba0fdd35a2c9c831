//! `highwater sim fuzz`: random clusters and faults, seed by seed, until an invariant breaks.

use std::io::Write;
use std::time::Duration;

use crate::cli::Outcome;
use crate::cli::numbers::{self, whole};
use crate::clock;
use crate::sim::event::EventId;
use crate::sim::fuzz::Case;
use crate::sim::time::Time;
use crate::tui::text::count;

/// How many seeds there are to one that is also played through a snapshot and compared event by event.
const REPLAYED: u64 = 16;
/// How often the progress is shown.
const PROGRESS: Duration = Duration::from_millis(500);

/// Options of `sim fuzz`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many seeds to try
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = whole::<u64>(1..=u64::MAX), allow_negative_numbers = true)]
    seeds: u64,
    /// Stop after this many seconds even if seeds are left
    #[arg(long, value_name = "S", value_parser = whole::<u64>(1..=u64::MAX), allow_negative_numbers = true)]
    seconds: Option<u64>,
    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = numbers::seed, allow_negative_numbers = true)]
    first: u64,
    /// Print the cluster, the commands and the events of each seed
    #[arg(long)]
    trace: bool,
}

/// Tries seed after seed.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let began = clock::instant();
    let mut shown = began;
    let (mut tried, mut faults, mut steps) = (0, 0, 0);
    // The last seed there is ends it, too.
    for seed in args.first..=args.first.saturating_add(args.seeds - 1) {
        let case = Case::new(seed);
        let (cluster, mut report) = case.play()?;
        if seed % REPLAYED == 0 {
            let middle = Time(case.mended.0 / 2);
            report.broken.extend(case.play_twice(middle)?);
        }
        (tried, faults, steps) = (tried + 1, faults + report.faults, steps + report.steps);
        if args.trace {
            trace(&case, &cluster, out)?;
        }
        if !report.broken.is_empty() {
            clear_progress();
            writeln!(out, "{case}")?;
            for broken in report.broken.iter().take(10) {
                writeln!(
                    out,
                    "  {}  {}: {}",
                    broken.time, broken.invariant, broken.detail
                )?;
            }
            writeln!(
                out,
                "play it again: highwater sim fuzz --first {seed} --seeds 1 --trace"
            )?;
            return Ok(Outcome::Problems);
        }
        let now = clock::instant();
        if now.duration_since(shown) >= PROGRESS {
            shown = now;
            show_progress(tried, args.seeds, faults);
        }
        if args
            .seconds
            .is_some_and(|seconds| now.duration_since(began).as_secs() >= seconds)
        {
            break;
        }
    }
    clear_progress();
    let seconds = clock::instant().duration_since(began).as_secs_f64();
    writeln!(
        out,
        "{}, {faults} commands, {steps} steps in {seconds:.1} s: no invariant broke",
        count(tried as usize, "seed", "seeds"),
    )?;
    Ok(Outcome::Done)
}

fn trace(
    case: &Case,
    cluster: &crate::sim::cluster::Cluster,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    writeln!(out, "{case}")?;
    for (at, command) in &case.script {
        writeln!(out, "  {at}  {command}")?;
    }
    for event in cluster.events_since(EventId(0)) {
        writeln!(out, "{event}")?;
    }
    Ok(())
}

/// Shows how far it is, on standard error if that is a terminal.
fn show_progress(tried: u64, seeds: u64, faults: u64) {
    use std::io::IsTerminal;
    let mut error = std::io::stderr();
    if error.is_terminal() {
        let filled = (tried * 30 / seeds.max(1)) as usize;
        let bar: String = (0..30)
            .map(|place| if place < filled { '#' } else { '.' })
            .collect();
        let _ = write!(error, "\r[{bar}] {tried}/{seeds} seeds, {faults} commands");
    }
}

fn clear_progress() {
    use std::io::IsTerminal;
    let mut error = std::io::stderr();
    if error.is_terminal() {
        let _ = write!(error, "\r{:70}\r", "");
    }
}
