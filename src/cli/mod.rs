//! The command line: parses it, calls one subcommand, prints errors, gives the exit code.
//!
//! One file per subcommand, each with its `Args` and its `run`. Exit codes: 0 done, 1 problems were
//! found or something failed, 2 wrong usage.

mod check;
mod completions;
mod conformance;
mod drill;
mod filter;
mod folders;
mod interview;
mod lab;
mod lines;
mod man;
mod numbers;
mod optimize;
mod output;

mod picture;
mod plan;
mod quiz;
mod read;
mod screens;
mod search;
mod selftest;
mod setup;
mod sim;
mod stats;
mod stops;
mod stories;
mod transfer;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use folders::Folders;
pub use output::Outcome;

const AFTER: &str = "\
Exit codes: 0 done, 1 problems were found or something failed, 2 wrong usage.
Without a command the home screen opens.";

/// Prepare for back-end interviews on Kafka and distributed systems, in the terminal.
#[derive(Debug, Parser)]
#[command(name = "highwater", version, after_help = AFTER, max_term_width = 100, disable_help_subcommand = true)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options of every command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Keep progress, own cards and stories in this folder [env: HIGHWATER_DATA_DIR]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Read settings from this folder [env: HIGHWATER_CONFIG_DIR]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub config_dir: Option<PathBuf>,
    /// Add the cards of a folder or file of your own; may be given several times
    #[arg(long, global = true, value_name = "PATH")]
    pub bank: Vec<PathBuf>,
    /// How many colours to use
    #[arg(long, global = true, value_name = "DEPTH", default_value = "auto")]
    pub color: Color,
}

/// How many colours to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// As many as the terminal says it has.
    #[default]
    Auto,
    /// As many as the terminal says it has, into a pipe too.
    Always,
    /// None.
    Never,
    /// The sixteen of the terminal's own palette.
    #[value(name = "16")]
    Sixteen,
    /// The palette of 256.
    #[value(name = "256")]
    Palette,
    /// 24 bits.
    #[value(name = "true")]
    True,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Drill the cards that are due and new
    Drill(drill::Args),
    /// Sit a timed quiz
    Quiz(quiz::Args),
    /// Sit a mock interview, or a system-design drill
    Interview(interview::Args),
    /// Rate what you can do without help
    Selftest(selftest::Args),
    /// List, edit, check and drill your own project stories
    Stories(stories::Args),
    /// Read the guide: on screen in a terminal, as plain text into a pipe
    Read(read::Args),
    /// Show what is due, what was done and how ready you are
    Stats(stats::Args),
    /// Show what to do each day until the interview
    Plan(plan::Args),
    /// Write everything that was ever recorded as JSON lines
    Export(transfer::ExportArgs),
    /// Read what `export` wrote
    Import(transfer::ImportArgs),
    /// Fit the model of forgetting to your own ratings
    Optimize(optimize::Args),
    /// Watch and break a simulated cluster, with or without a guide
    Lab(lab::Args),
    /// Run scenarios on the simulated cluster with nobody watching, or break clusters at random
    Sim(sim::Args),
    /// Find mistakes in the bank and in cards of your own
    Check(check::Args),
    /// Run Kafka's own test cases against the simulated cluster
    Conformance(conformance::Args),
    /// Print a script that completes commands in your shell
    Completions(completions::Args),
    /// Print the manual page
    Man,
    /// Draw a screen of the program as an SVG picture
    #[command(hide = true)]
    Picture(picture::Args),
    /// Find cards by question, tags and answers
    Search(search::Args),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // help goes to standard output and succeeds; neither may panic on a closed pipe
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = run(arguments, &mut out).and_then(|outcome| {
        out.flush()?;
        Ok(outcome)
    });
    output::exit_code(result)
}

fn run(arguments: Arguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let global = &arguments.global;
    match arguments.command {
        None => screens::home(global),
        Some(Command::Drill(args)) => drill::run(&args, global, out),
        Some(Command::Quiz(args)) => quiz::run(&args, global, out),
        Some(Command::Interview(args)) => interview::run(&args, global, out),
        Some(Command::Selftest(args)) => selftest::run(&args, global, out),
        Some(Command::Stories(args)) => stories::run(&args, global, out),
        Some(Command::Read(args)) => read::run(args, global, out),
        Some(Command::Stats(args)) => stats::run(&args, global, out),
        Some(Command::Plan(args)) => plan::run(&args, global, out),
        Some(Command::Export(args)) => transfer::export(&args, global, out),
        Some(Command::Import(args)) => transfer::import(&args, global, out),
        Some(Command::Optimize(args)) => optimize::run(&args, global, out),
        Some(Command::Lab(args)) => lab::run(&args, global, out),
        Some(Command::Sim(args)) => sim::run(&args, global, out),
        Some(Command::Check(args)) => check::run(&args, global, out),
        Some(Command::Conformance(args)) => conformance::run(&args, out),
        Some(Command::Completions(args)) => completions::run(&args, &mut Arguments::command(), out),
        Some(Command::Man) => man::run(Arguments::command(), out),
        Some(Command::Picture(args)) => picture::run(&args, out),
        Some(Command::Search(args)) => search::run(&args, global, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_commands_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_is_the_one_agreed() {
        let help = Arguments::command()
            .term_width(100)
            .render_long_help()
            .to_string();
        insta::assert_snapshot!(help);
    }
}
