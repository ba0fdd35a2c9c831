//! `highwater export` and `highwater import`: the whole log as JSON lines.

use std::{
    fs,
    io::{self, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{Folders, Global, Outcome};
use crate::{clock, config::ConfigFile, memory::StudyDays, progress::Progress};

/// Options of `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Everything that was ever recorded, one event a line, what was taken back included. `highwater import` \
reads it again, on this machine or another.")]
pub(super) struct ExportArgs {
    /// The file to write; standard output without one
    file: Option<PathBuf>,
}

/// Options of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Adds what is not in the log yet, all of it or, when a line is wrong, nothing. The same file twice changes \
nothing; logs of two machines merge.")]
pub(super) struct ImportArgs {
    /// The file to read; - for standard input
    file: PathBuf,
}

fn open(global: &Global) -> anyhow::Result<(Progress, StudyDays)> {
    let folders = Folders::of(global)?;
    let config = ConfigFile::open(&folders.config)?;
    let config = config.config();
    let zone = clock::local().time_zone().clone();
    let progress = Progress::open(&folders.data, config.retention)?;
    Ok((progress, StudyDays::new(zone, config.day_start)))
}

pub(super) fn export(
    args: &ExportArgs,
    global: &Global,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let (progress, _) = open(global)?;
    let Some(file) = &args.file else {
        progress.export(&mut BufWriter::new(out))?;
        return Ok(Outcome::Done);
    };
    let count = write_whole(file, |target| Ok(progress.export(target)?))
        .with_context(|| format!("cannot write {}", file.display()))?;
    writeln!(out, "{count} events in {}", file.display())?;
    Ok(Outcome::Done)
}

/// Writes another file first, so that the one asked for is whole or as it was.
fn write_whole(
    file: &Path,
    write: impl FnOnce(&mut BufWriter<fs::File>) -> anyhow::Result<u64>,
) -> anyhow::Result<u64> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    let part = PathBuf::from(name);
    let mut target = BufWriter::new(fs::File::create(&part)?);
    let result = write(&mut target).and_then(|count| {
        target.into_inner()?.sync_all()?;
        fs::rename(&part, file)?;
        Ok(count)
    });
    if result.is_err() && part.exists() {
        fs::remove_file(&part)?;
    }
    result
}

pub(super) fn import(
    args: &ImportArgs,
    global: &Global,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let (mut progress, days) = open(global)?;
    progress.look_after(days.moment(clock::now()))?;
    let imported = if args.file.as_os_str() == "-" {
        progress.import(&mut io::stdin().lock())
    } else {
        let file = fs::File::open(&args.file)
            .with_context(|| format!("cannot read {}", args.file.display()))?;
        progress.import(&mut BufReader::new(file))
    };
    let imported = imported.with_context(|| format!("cannot import {}", args.file.display()))?;
    writeln!(
        out,
        "{} events added, {} were there already",
        imported.added, imported.known
    )?;
    Ok(Outcome::Done)
}
