//! The command line: one file per subcommand, which parses its arguments,
//! calls the rooms and prints.
//!
//! Exit codes: 0 done, 1 problems found, 2 wrong usage.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod conformance;

/// Prepare for back-end interviews on Kafka and distributed systems, in the terminal.
#[derive(Debug, Parser)]
#[command(name = "highwater", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run Kafka's own test cases against the simulated cluster.
    Conformance(conformance::Args),
}

/// Parses the process's arguments and runs what they ask for.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Conformance(args) => conformance::run(&args, &mut io::stdout().lock()),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("highwater: {error:#}");
            ExitCode::from(1)
        }
    }
}

/// Whether the reader of our output has gone, which is its right.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
