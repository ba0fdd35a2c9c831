//! `highwater completions SHELL`: a script for the shell to source.

use std::io::Write;

use super::Outcome;

/// Options of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(
    args: &Args,
    command: &mut clap::Command,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    // the generator cannot report a failed write: it writes to memory first
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "highwater", &mut script);
    out.write_all(&script)?;
    Ok(Outcome::Done)
}
