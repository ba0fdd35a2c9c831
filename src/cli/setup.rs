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
    config::ConfigFile,
    memory::{Filter, Moment, Plan, States, StudyDays},
    progress::Progress,
};

/// Seconds a card takes before there is a history to tell from.
const SECONDS_A_CARD: u32 = 35;
/// Days ahead that are aimed at without a date.
const WITHOUT_DATE: u32 = 7;
/// Days ahead that a plan plays through at most.
const AHEAD: u32 = 120;

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
        let interview = self.config.config().interview;
        let day = interview.filter(|day| *day >= now.day);
        let aimed = day.unwrap_or(now.day.plus(WITHOUT_DATE));
        let at: Timestamp = self.days.start(aimed).max(now.at);
        (Moment { at, day: aimed }, day.is_some())
    }

    /// What is to be done a day until then.
    pub(super) fn plan(&self, now: Moment) -> anyhow::Result<Plan> {
        let config = self.config.config();
        let seconds = self.progress.seconds_a_card(now.day)?;
        Ok(Plan {
            first: now.day,
            until: self.aim(now).0.day.min(now.day.plus(AHEAD)),
            limits: config.limits,
            ratings: config.minutes * 60 / seconds.unwrap_or(SECONDS_A_CARD),
        })
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
        let ask = bank.card(&link.new).map_or("", |card| card.ask.as_str());
        writeln!(
            out,
            "The history of `{}` goes on with `{}`: {ask}",
            link.old, link.new
        )?;
    }
    Ok(())
}
