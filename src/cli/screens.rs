//! `highwater`, `highwater drill`, `highwater read`: the screens, over everything the reader has.
//!
//! Opens settings, log and bank, and hands them to the terminal. What cannot be opened is said
//! before the terminal is taken.

use std::env;

use jiff::tz::TimeZone;

use super::{Color, Folders, Global, Outcome, output::Usage};
use crate::{
    bank::{self, stories, user},
    clock,
    config::ConfigFile,
    lab::presets,
    memory::Filter,
    progress::Progress,
    tui::{
        app::Start,
        depth::Depth,
        desk::{Desk, Own},
        look::Look,
        run,
    },
};

/// Opens the home screen.
pub(super) fn home(global: &Global) -> anyhow::Result<Outcome> {
    show(global, Start::Home)
}

/// Opens the drill.
pub(super) fn drill(filter: Filter, global: &Global) -> anyhow::Result<Outcome> {
    show(global, Start::Drill(filter))
}

/// Opens the guide.
pub(super) fn read(chapter: Option<String>, global: &Global) -> anyhow::Result<Outcome> {
    show(global, Start::Read(chapter))
}

/// Opens the screens at a place.
pub(super) fn show(global: &Global, start: Start) -> anyhow::Result<Outcome> {
    let folders = Folders::of(global)?;
    let config = ConfigFile::open(&folders.config)?;
    let progress = Progress::open(&folders.data, config.config().retention)?;
    let (places, options) = (folders.clone(), global.clone());
    let read = move || -> Result<Own, String> {
        let built_in = bank::built_in::built_in().map_err(|error| error.to_string())?;
        // asked for anew each time: the lab makes the folder when it keeps its first scenario
        let loaded = user::load(built_in, &places.own_bank(&options));
        Ok(Own {
            bank: loaded.bank,
            problems: loaded.problems,
        })
    };
    let look = Look::new(
        |name| env::var(name).ok(),
        global.color.depth(),
        config.config(),
    );
    let mut desk = Desk::new(
        progress,
        config,
        Box::new(read),
        TimeZone::system(),
        clock::now(),
    )
    .map_err(anyhow::Error::msg)?
    .with_stories(folders.data.join(stories::FILE));
    desk.follow_cards(desk.moment(clock::now()))
        .map_err(anyhow::Error::msg)?;
    if let Start::Drill(filter) = &start {
        filter
            .check(desk.bank())
            .map_err(|error| Usage(error.to_string()))?;
    }
    if let Start::Lab(Some(scenario), _, _) = &start {
        presets::source(scenario.as_str(), desk.bank()).map_err(Usage)?;
    }
    desk.keep_scenarios_in(folders.data.join("bank").join("scenarios"));
    run::run(desk, look, start)?;
    Ok(Outcome::Done)
}

impl Color {
    /// The depth asked for; none goes by the terminal.
    fn depth(self) -> Option<Depth> {
        match self {
            Self::Auto | Self::Always => None,
            Self::Never => Some(Depth::None),
            Self::Sixteen => Some(Depth::Sixteen),
            Self::Palette => Some(Depth::Indexed),
            Self::True => Some(Depth::True),
        }
    }
}
