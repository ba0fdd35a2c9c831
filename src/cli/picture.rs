//! `highwater picture FILE`: a screen of the program as an SVG picture, for the documentation.
//!
//! Plays some evenings of a made-up reader over the built-in bank in memory, presses the keys that
//! lead to the screen, and writes the frame. The same bank always gives the same picture. Those of the README are
//!
//! ```bash
//! highwater picture docs/home.svg
//! highwater picture docs/drill.svg --size 100x30 --keys '/acks promise less<enter>d<enter>ab'
//! highwater picture docs/lab.svg --size 124x36 \
//!     --keys 'Ljjjjjj<enter><enter><enter><enter><enter>b1,2,3<enter><enter><enter><enter><enter>bb<enter>'
//! ```

use std::{fs, io::Write, path::PathBuf};

use anyhow::Context;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ratatui::{buffer::Buffer, layout::Rect};

use super::Outcome;
use crate::{
    bank,
    config::{self, ConfigFile},
    memory::{Rating, Retention, StudyDays},
    progress::{Activity, Progress, Review},
    tui::{
        app::{App, Start},
        depth::Depth,
        desk::{Desk, Own},
        look::Look,
        picture::svg,
    },
};

/// Options of `picture`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to write it
    file: PathBuf,
    /// Keys to press first: letters, and `<enter>`, `<esc>`, `<tab>`, `<ctrl-d>`
    #[arg(long, default_value = "")]
    keys: String,
    /// Columns and rows of the window
    #[arg(long, default_value = "104x28", value_parser = size)]
    size: (u16, u16),
}

fn size(text: &str) -> Result<(u16, u16), String> {
    text.split_once('x')
        .and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)))
        .filter(|(columns, rows)| (60..=300).contains(columns) && (16..=100).contains(rows))
        .ok_or_else(|| "columns and rows are wanted, such as 104x28".to_owned())
}

/// The evening on which the picture is taken.
const EVENING: &str = "2026-11-21T19:30:00Z";
/// Evenings before it.
const EVENINGS: i64 = 18;
/// Cards met on each of them.
const NEW: usize = 6;

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let now: Timestamp = EVENING.parse()?;
    let folder = std::env::temp_dir().join(format!("highwater-picture-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join(config::FILE),
        "interview: 2026-12-10\nminutes: 30\n",
    )?;
    let config = ConfigFile::open(&folder);
    fs::remove_dir_all(&folder)?;
    let config = config?;
    let bank = bank::built_in::built_in()?;
    let progress = practised(&bank, now)?;
    let env = |name: &str| (name == "LANG").then(|| "C.UTF-8".to_owned());
    let look = Look::new(env, Some(Depth::True), config.config());
    let read = Box::new(move || {
        Ok(Own {
            bank: bank.clone(),
            problems: Vec::new(),
        })
    });
    let desk = Desk::new(progress, config, read, TimeZone::UTC, now).map_err(anyhow::Error::msg)?;
    let mut app = App::new(desk, look, Start::Home, now);
    app.tick(now);
    for key in keys(&args.keys)? {
        app.handle(&Event::Key(key), now);
    }
    let mut buffer = Buffer::empty(Rect::new(0, 0, args.size.0, args.size.1));
    app.draw(&mut buffer, now);
    fs::write(&args.file, svg(&buffer, "highwater in a terminal"))
        .with_context(|| format!("{} cannot be written", args.file.display()))?;
    writeln!(out, "wrote {}", args.file.display())?;
    Ok(Outcome::Done)
}

/// A log of some evenings: what is due is rated, mostly well, and some new cards are met.
fn practised(bank: &bank::Bank, now: Timestamp) -> anyhow::Result<Progress> {
    let mut progress = Progress::in_memory(Retention::default())?;
    let days = StudyDays::new(TimeZone::UTC, 4);
    // Every fifth card in turn, so that all decks have been begun.
    let mut new = (0..5).flat_map(|from| bank.cards.iter().skip(from).step_by(5));
    let mut turn = 0_usize;
    for ago in (1..=EVENINGS).rev() {
        let evening = days.moment(now - SignedDuration::from_hours(24 * ago));
        let states = progress.states()?;
        let due = states
            .iter()
            .filter(|(_, state)| state.is_due_on(evening.day))
            .map(|(id, _)| id.clone());
        let cards: Vec<_> = due
            .chain(new.by_ref().take(NEW).map(|card| card.id.clone()))
            .collect();
        for card in cards {
            turn += 1;
            let rating = match turn % 9 {
                0 => Rating::Again,
                4 => Rating::Hard,
                7 => Rating::Easy,
                _ => Rating::Good,
            };
            let spent = std::time::Duration::from_secs(20 + (turn % 30) as u64);
            let review = Review {
                card,
                rating,
                spent,
                from: Activity::Drill,
                session: None,
            };
            progress.review(&review, evening)?;
        }
    }
    Ok(progress)
}

fn keys(script: &str) -> anyhow::Result<Vec<KeyEvent>> {
    let mut keys = Vec::new();
    let mut rest = script;
    while let Some(first) = rest.chars().next() {
        let mut modifiers = KeyModifiers::NONE;
        let (code, used) = match (first, rest.find('>')) {
            ('<', Some(end)) => {
                let code = match &rest[1..end] {
                    "enter" => KeyCode::Enter,
                    "esc" => KeyCode::Esc,
                    "tab" => KeyCode::Tab,
                    other => {
                        let letter = other
                            .strip_prefix("ctrl-")
                            .and_then(|key| key.chars().next());
                        modifiers = KeyModifiers::CONTROL;
                        KeyCode::Char(letter.with_context(|| {
                            format!(
                                "no key is called <{other}>; <enter>, <esc>, <tab> and <ctrl-d> are"
                            )
                        })?)
                    }
                };
                (code, end + 1)
            }
            _ => (KeyCode::Char(first), first.len_utf8()),
        };
        keys.push(KeyEvent::new(code, modifiers));
        rest = &rest[used..];
    }
    Ok(keys)
}
