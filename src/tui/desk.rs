//! What the screens read from and the app records to: bank, memory, history, configuration.
//!
//! The one place of the terminal that knows where these come from.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{
    bank::{Bank, CardId},
    memory::{
        self, CardState, Day, Due, Filter, Forecast, Limits, Moment, Overview, Parameters, Plan,
        Queue, Rating, Retention, Scheduler, States, StudyDays,
    },
    session::drill::{Drill, Mark, Snapshot, Undone},
};

/// A card that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place in the bank.
    pub place: usize,
    /// Places of the matched characters in its question.
    pub letters: Vec<usize>,
}

/// What was rated on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCount {
    /// Ratings.
    pub rated: u32,
    /// Those of them where the card was remembered.
    pub recalled: u32,
}

/// A value of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its key in the file.
    pub key: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it means.
    pub about: &'static str,
    /// As text; empty for none.
    pub value: String,
    /// What it is measured in.
    pub unit: &'static str,
    /// What can be chosen; empty when it is typed.
    pub choices: Vec<String>,
}

/// A rating of a session, as the journal has it.
pub type Rated = (CardId, Rating, Duration);

/// A session that was left before its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// What it started with.
    pub snapshot: Snapshot,
    /// What was rated in it.
    pub rated: Vec<Rated>,
    /// When the last of it was.
    pub at: Timestamp,
}

/// Where ratings go and come from. Every method that records has it safe when it returns.
///
/// Problems are words for the reader: what could not be written, where, and what to do.
pub trait Journal {
    /// What is known of each card.
    fn states(&self) -> &States;
    /// Records a rating and gives the card's new state.
    ///
    /// # Errors
    /// When it could not be written; then nothing is recorded.
    fn rate(
        &mut self,
        card: &CardId,
        rating: Rating,
        spent: Duration,
        now: Moment,
    ) -> Result<CardState, String>;
    /// Records a mark.
    ///
    /// # Errors
    /// When it could not be written; then nothing is recorded.
    fn mark(&mut self, card: &CardId, mark: Mark, on: bool, now: Moment) -> Result<(), String>;
    /// Takes the last record back, and says of which card it was; none when there is nothing left.
    ///
    /// # Errors
    /// When it could not be written; then nothing is taken back.
    fn undo(&mut self, now: Moment) -> Result<Option<(CardId, Undone)>, String>;
    /// Whether there is something to take back.
    fn can_undo(&self) -> bool;
    /// Records that a session begins.
    ///
    /// # Errors
    /// When it could not be written.
    fn begin(&mut self, snapshot: &Snapshot, now: Moment) -> Result<(), String>;
    /// Records that the session is over.
    ///
    /// # Errors
    /// When it could not be written.
    fn end(&mut self, now: Moment) -> Result<(), String>;
    /// The session that was left before its end.
    fn left(&self) -> Option<Left>;
    /// What was rated on each of the last `days` days, today last.
    fn days(&self, today: Day, days: usize) -> Vec<DayCount>;
    /// Days in a row with a rating, up to today or yesterday.
    fn streak(&self, today: Day) -> u32;
    /// Median seconds a card takes, once there are enough to tell.
    fn seconds_a_card(&self) -> Option<u64>;
}

/// What the reader has set.
pub trait Preferences {
    /// Every value, in the order it is shown.
    fn items(&self, bank: &Bank) -> Vec<Item>;
    /// Whether a text would do as the value of a key.
    ///
    /// # Errors
    /// In words, when it would not.
    fn check(&self, key: &str, text: &str, today: Day) -> Result<(), String>;
    /// Sets a value and keeps it.
    ///
    /// # Errors
    /// In words, when it would not do or could not be kept.
    fn set(&mut self, key: &str, text: &str, today: Day) -> Result<(), String>;
    /// The day of the interview.
    fn interview(&self) -> Option<Day>;
    /// Minutes a day.
    fn minutes(&self) -> u32;
    /// The track that is followed.
    fn track(&self) -> Option<crate::bank::TrackId>;
    /// The chance of recall at which a card comes back.
    fn retention(&self) -> Retention;
    /// Daily limits.
    fn limits(&self) -> Limits;
    /// The hour a study day begins.
    fn day_start(&self) -> u8;
    /// The theme; none goes by the terminal.
    fn theme(&self) -> Option<super::theme::Name>;
    /// Clicks and the wheel are wanted.
    fn mouse(&self) -> bool;
    /// There is no configuration yet: nothing was ever set.
    fn is_new(&self) -> bool;
}

/// Reads the bank again.
pub type Reload = Box<dyn Fn() -> Result<Bank, String>>;

/// Everything the screens read from.
pub struct Desk {
    bank: Arc<Bank>,
    journal: Box<dyn Journal>,
    preferences: Box<dyn Preferences>,
    reload: Reload,
    scheduler: Scheduler,
    days: StudyDays,
    /// Problems of the reader's own cards, told once.
    problems: usize,
}

/// Days ahead that are aimed at without a date.
const WITHOUT_DATE: u32 = 7;
/// Days ahead that a forecast plays through at most.
const AHEAD: u32 = 120;
/// Seconds a card takes before there is a history to tell from.
pub const SECONDS_A_CARD: u64 = 35;

impl Desk {
    /// A desk over these sources.
    pub fn new(
        bank: Bank,
        journal: Box<dyn Journal>,
        preferences: Box<dyn Preferences>,
        reload: Reload,
        zone: jiff::tz::TimeZone,
        problems: usize,
    ) -> Self {
        Self {
            scheduler: Scheduler::new(&Parameters::default(), preferences.retention()),
            days: StudyDays::new(zone, preferences.day_start()),
            bank: Arc::new(bank),
            journal,
            preferences,
            reload,
            problems,
        }
    }

    /// Everything that is asked and taught.
    pub fn bank(&self) -> &Bank {
        &self.bank
    }

    /// What is known of each card.
    pub fn states(&self) -> &States {
        self.journal.states()
    }

    /// When cards come back.
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// A point in time with its study day.
    pub fn moment(&self, at: Timestamp) -> Moment {
        self.days.moment(at)
    }

    /// Mistakes found in the reader's own cards.
    pub fn problems(&self) -> usize {
        self.problems
    }

    /// Nothing was set and nothing rated: the reader is new.
    pub fn is_first_start(&self) -> bool {
        self.preferences.is_new() && self.journal.states().is_empty()
    }

    /// The day of the interview.
    pub fn interview(&self) -> Option<Day> {
        self.preferences.interview()
    }

    /// Days until the interview; none without a date or after it.
    pub fn days_left(&self, now: Moment) -> Option<u32> {
        self.interview()
            .filter(|day| *day >= now.day)
            .map(|day| day.since(now.day))
    }

    /// Days in a row with a rating.
    pub fn streak(&self, now: Moment) -> u32 {
        self.journal.streak(now.day)
    }

    /// Ratings today.
    pub fn rated_today(&self, now: Moment) -> u32 {
        self.journal
            .days(now.day, 1)
            .first()
            .map_or(0, |day| day.rated)
    }

    /// Ratings of each of the last days, today last.
    pub fn days_rated(&self, now: Moment, days: usize) -> Vec<DayCount> {
        self.journal.days(now.day, days)
    }

    /// Seconds a card takes.
    pub fn seconds_a_card(&self) -> u64 {
        self.journal.seconds_a_card().unwrap_or(SECONDS_A_CARD)
    }

    /// The day aimed at: of the interview, or a week ahead.
    fn aim(&self, now: Moment) -> Day {
        self.interview()
            .filter(|day| *day > now.day)
            .unwrap_or(now.day.plus(WITHOUT_DATE))
    }

    /// The bank at a glance, with readiness at the day aimed at.
    pub fn overview(&self, now: Moment) -> Overview {
        let at = self.days.start(self.aim(now));
        memory::overview(
            &self.bank,
            self.states(),
            &self.scheduler,
            now,
            at.max(now.at),
        )
    }

    /// The days until the one aimed at, played through.
    pub fn forecast(&self, now: Moment) -> Vec<Forecast> {
        let until = self.aim(now).min(now.day.plus(AHEAD));
        let ratings = u64::from(self.preferences.minutes()) * 60 / self.seconds_a_card().max(1);
        let plan = Plan {
            first: now.day,
            until,
            limits: self.preferences.limits(),
            ratings: u32::try_from(ratings).unwrap_or(u32::MAX),
        };
        let cards = self.in_order();
        let states = self.states();
        memory::forecast(
            &self.scheduler,
            cards.into_iter().map(|id| (id, states.get(id))),
            &plan,
            &self.days,
        )
    }

    /// All cards, those of the track followed first.
    fn in_order(&self) -> Vec<&CardId> {
        let track = self
            .preferences
            .track()
            .and_then(|id| self.bank.track(&id).map(crate::bank::Track::cards));
        let mut cards = track.unwrap_or_default();
        let first: std::collections::BTreeSet<&CardId> = cards.iter().copied().collect();
        cards.extend(
            self.bank
                .cards
                .iter()
                .map(|card| &card.id)
                .filter(|id| !first.contains(id)),
        );
        cards
    }

    /// How many cards come back on each of the coming days, today first.
    pub fn due_by_day(&self, now: Moment, days: usize) -> Vec<usize> {
        let mut counts = vec![0; days];
        for (id, state) in self.states() {
            if state.suspended || self.bank.card(id).is_none() {
                continue;
            }
            let day = match state.due {
                Some(Due::On(day)) => day.since(now.day),
                Some(Due::At(at)) => self.days.day(at).since(now.day),
                None => continue,
            };
            if let Some(count) = counts.get_mut(day as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Today's cards within the limits. Without a filter of its own the track followed counts.
    pub fn queue(&self, filter: &Filter, now: Moment) -> Queue {
        memory::build(
            &self.bank,
            self.states(),
            &self.tracked(filter),
            self.preferences.limits(),
            &self.scheduler,
            now,
        )
    }

    /// The same without limits.
    pub fn queue_beyond(&self, filter: &Filter, now: Moment) -> Queue {
        memory::build(
            &self.bank,
            self.states(),
            &self.tracked(filter),
            Limits::NONE,
            &self.scheduler,
            now,
        )
    }

    fn tracked(&self, filter: &Filter) -> Filter {
        if *filter == Filter::default() {
            Filter {
                track: self.preferences.track(),
                ..Filter::default()
            }
        } else {
            filter.clone()
        }
    }

    /// A filter in words.
    pub fn about(&self, filter: &Filter) -> String {
        let filter = self.tracked(filter);
        let deck = filter.deck.as_ref().map(|id| {
            self.bank
                .deck(id)
                .map_or_else(|| id.to_string(), |deck| deck.title.clone())
        });
        let track = filter.track.as_ref().map(|id| {
            self.bank
                .track(id)
                .map_or_else(|| id.to_string(), |track| track.title.clone())
        });
        let levels: Vec<&str> = filter.levels.iter().map(|level| level.word()).collect();
        let words: Vec<String> = deck
            .into_iter()
            .chain(track)
            .chain(filter.tags.iter().map(|tag| format!("#{tag}")))
            .chain((!levels.is_empty()).then(|| levels.join(", ")))
            .chain(filter.starred.then(|| "starred".to_owned()))
            .chain(filter.flagged.then(|| "flagged".to_owned()))
            .collect();
        if words.is_empty() {
            "everything".to_owned()
        } else {
            words.join(", ")
        }
    }

    /// The cards whose words fit, best first; without words those that `takes` takes, in order.
    pub fn search(&self, words: &str, takes: impl Fn(usize) -> bool) -> Vec<Found> {
        let words = words.trim().to_lowercase();
        (0..self.bank.cards.len())
            .filter(|place| takes(*place))
            .filter(|place| {
                let card = &self.bank.cards[*place];
                words.is_empty()
                    || card.ask.to_lowercase().contains(&words)
                    || card.tags.iter().any(|tag| tag.contains(&words))
            })
            .map(|place| Found {
                place,
                letters: Vec::new(),
            })
            .collect()
    }

    /// The configuration.
    pub fn settings(&self) -> Vec<Item> {
        self.preferences.items(&self.bank)
    }

    /// What the reader has set.
    pub fn preferences(&self) -> &dyn Preferences {
        &*self.preferences
    }

    /// Whether a text would do as a value.
    ///
    /// # Errors
    /// In words, when it would not.
    pub fn check(&self, key: &str, text: &str, now: Moment) -> Result<(), String> {
        self.preferences.check(key, text, now.day)
    }

    /// Sets a value of the configuration.
    ///
    /// # Errors
    /// In words, when it would not do or could not be kept.
    pub fn set(&mut self, key: &str, text: &str, now: Moment) -> Result<(), String> {
        self.preferences.set(key, text, now.day)?;
        self.scheduler = Scheduler::new(&Parameters::default(), self.preferences.retention());
        self.days = StudyDays::new(self.days.zone().clone(), self.preferences.day_start());
        Ok(())
    }

    /// Begins a drill over these cards.
    ///
    /// # Errors
    /// When the beginning could not be recorded.
    pub fn begin(
        &mut self,
        about: String,
        cards: Vec<CardId>,
        now: Moment,
    ) -> Result<Drill, String> {
        let snapshot = Snapshot { about, cards };
        self.journal.begin(&snapshot, now)?;
        Ok(Drill::new(&snapshot, &self.bank, now.at))
    }

    /// The drill that was left, at the card it was left at.
    pub fn resume(&self, now: Moment) -> Option<Drill> {
        let left = self.journal.left()?;
        Some(Drill::resume(
            &left.snapshot,
            left.rated,
            &self.bank,
            self.states(),
            now,
        ))
    }

    /// The drill that was left, in words.
    pub fn resumable(&self) -> Option<String> {
        let left = self.journal.left()?;
        Some(format!(
            "{}: {} of {} done",
            left.snapshot.about,
            left.rated.len(),
            left.snapshot.cards.len()
        ))
    }

    /// Where records go.
    pub fn journal(&mut self) -> &mut dyn Journal {
        &mut *self.journal
    }

    /// Whether there is something to take back.
    pub fn can_undo(&self) -> bool {
        self.journal.can_undo()
    }

    /// Reads the bank again.
    ///
    /// # Errors
    /// In words, when a card cannot be read.
    pub fn reload(&mut self) -> Result<(), String> {
        self.bank = Arc::new((self.reload)()?);
        Ok(())
    }
}
