//! What the commands that look at progress begin with: folders, settings, bank, log.
//!
//! Opening moves the history of cards that were renamed or edited, which is said on standard error
//! together with mistakes in the reader's own cards.

use std::io::{self, Write};

use anyhow::Context as _;
use jiff::Timestamp;

use super::{Folders, Global};
use crate::{
    bank::{self, Bank, CardId, Problem, Severity, identity::Relink, user},
    clock,
    config::{ConfigFile, SECONDS_A_CARD},
    memory::{Filter, Moment, Plan, States, StudyDays},
    progress::{self, Progress, SPEED_DAYS},
};

/// Everything that is open.
pub(super) struct Setup {
    pub(super) folders: Folders,
    pub(super) config: ConfigFile,
    pub(super) bank: Bank,
    pub(super) progress: Progress,
    pub(super) days: StudyDays,
}

impl Setup {
    /// Opens everything. The log is made when there is none.
    pub(super) fn open(global: &Global) -> anyhow::Result<Self> {
        let folders = Folders::of(global)?;
        let config = ConfigFile::open(&folders.config)?;
        let loaded = user::load(bank::built_in()?, &folders.own_bank(global));
        let zone = clock::local().time_zone().clone();
        let days = StudyDays::new(zone, config.config().day_start);
        let progress = Progress::open(&folders.data, config.config().retention)?;
        let mut setup = Self {
            folders,
            config,
            bank: loaded.bank,
            progress,
            days,
        };
        let now = setup.now();
        let moved = setup.progress.follow_cards(&setup.bank, now)?;
        tell(&loaded.problems, &moved, &setup.bank)?;
        Ok(setup)
    }

    /// Now, with its study day.
    pub(super) fn now(&self) -> Moment {
        self.days.moment(clock::now())
    }

    /// What is learnt when nothing else is asked for: the track followed, or everything.
    pub(super) fn scope(&self) -> Filter {
        Filter {
            track: self.config.config().track.clone(),
            ..Filter::default()
        }
    }

    /// Checks a filter against the bank, the one that the settings give included.
    pub(super) fn check(&self, filter: &Filter) -> anyhow::Result<()> {
        let checked = filter.check(&self.bank);
        if *filter == self.scope() {
            return checked.with_context(|| format!("in {}", self.config.path().display()));
        }
        checked.map_err(|error| super::output::Usage(error.to_string()).into())
    }

    /// The point in time that readiness is told for, and the day it belongs to: the interview, or a
    /// week ahead.
    pub(super) fn aim(&self, now: Moment) -> (Moment, bool) {
        let config = self.config.config();
        let day = config.aim(now.day);
        let at: Timestamp = self.days.start(day).max(now.at);
        (
            Moment { at, day },
            config.interview_to_come(now.day).is_some(),
        )
    }

    /// What is to be done a day until then.
    pub(super) fn plan(&self, now: Moment) -> anyhow::Result<Plan> {
        let days = self.progress.days(now.day.minus(SPEED_DAYS))?;
        let seconds = progress::seconds_a_card(&days).unwrap_or(SECONDS_A_CARD);
        Ok(self.config.config().plan(now.day, seconds))
    }

    /// The cards of the scope in the order in which new ones are met.
    pub(super) fn cards(&self, filter: &Filter, states: &States) -> Vec<CardId> {
        let cards = filter.cards(&self.bank, states);
        cards.into_iter().map(|card| card.id.clone()).collect()
    }
}

fn tell(problems: &[Problem], moved: &[Relink], bank: &Bank) -> io::Result<()> {
    let mut out = io::stderr().lock();
    let errors: Vec<&Problem> = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .collect();
    for problem in errors.iter().take(3) {
        writeln!(out, "{problem}")?;
    }
    if errors.len() > 3 {
        writeln!(
            out,
            "and {} more: `highwater check` prints them all",
            errors.len() - 3
        )?;
    }
    for link in moved {
        let ask = bank.card(&link.new).map_or("", |card| &*card.ask);
        writeln!(
            out,
            "The history of `{}` goes on with `{}`: {ask}",
            link.old, link.new
        )?;
    }
    Ok(())
}
