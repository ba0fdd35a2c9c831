//! `highwater man`: the manual page, in roff.

use std::io::Write;

use super::Outcome;

pub(super) fn run(mut command: clap::Command, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    // gives the subcommands their full names
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for subcommand in command.get_subcommands() {
        clap_mangen::Man::new(subcommand.clone()).render(&mut page)?;
    }
    out.write_all(&page)?;
    Ok(Outcome::Done)
}
