//! `highwater sim`: commands on the simulated cluster.

mod fuzz;
mod run;

use std::io::Write;

use super::{Global, Outcome};

/// Commands on the simulated cluster.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run a scenario with nobody watching, and check its claims
    Run(run::Args),
    /// Break random clusters at random and look for a broken invariant
    Fuzz(fuzz::Args),
}

/// Does what the subcommand says.
pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    match &args.command {
        Command::Run(args) => run::run(args, global, out),
        Command::Fuzz(args) => fuzz::run(args, out),
    }
}
