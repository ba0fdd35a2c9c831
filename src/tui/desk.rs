//! What the screens read from and the app records to: bank, memory, history, configuration.
//!
//! The one place of the terminal that knows where these come from.

pub mod interviewing;
mod journal;
mod played;
pub mod practice;
pub mod rating;
pub mod sittings;

use std::{
    cell::OnceCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    bank::{
        Bank, CardId, Problem, ScenarioId,
        identity::Relink,
        search::{Index, Passage},
        stories::OwnStories,
    },
    config::{Config, ConfigFile, SECONDS_A_CARD, SETTINGS},
    memory::{
        self, Day, Due, Filter, Forecast, Limits, Moment, Overview, Queue, Scheduler, States,
        StudyDays,
    },
    progress::{DayCount, Progress, ProgressError},
    session::{
        drill::{Drill, Snapshot},
        welcome,
    },
};

pub use played::Played;

/// A card that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place in the bank.
    pub place: usize,
    /// Places of the matched characters in its question.
    pub letters: Vec<usize>,
    /// Places of its tags that matched.
    pub tags: Vec<usize>,
    /// Where a word stands that is only in what explains the answer.
    pub passage: Option<Passage>,
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
    /// As people read it.
    pub shown: String,
    /// What it is measured in.
    pub unit: &'static str,
    /// What can be chosen; empty when it is typed.
    pub choices: Vec<String>,
}

pub use journal::{Journal, Left};

/// A bank, and what of the reader's own cards was left out of it.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// What is sound.
    pub bank: Bank,
    /// What is not.
    pub problems: Vec<Problem>,
}

/// Reads the bank.
pub type Read = Box<dyn Fn() -> Result<Own, String>>;

/// Everything the screens read from.
pub struct Desk {
    bank: Arc<Bank>,
    journal: Journal,
    config: ConfigFile,
    read: Read,
    problems: Vec<Problem>,
    index: OnceCell<Index>,
    days: StudyDays,
    stories: Option<PathBuf>,
    /// Where scenarios of the reader's own are kept.
    scenarios: Option<PathBuf>,
}

/// Cards that a search over all of them finds at most: nobody scrolls further.
const FOUND_MAX: usize = 500;

impl Desk {
    /// A desk over these sources.
    ///
    /// # Errors
    /// In words, when the bank or the log cannot be read.
    pub fn new(
        progress: Progress,
        config: ConfigFile,
        read: Read,
        zone: jiff::tz::TimeZone,
        now: Timestamp,
    ) -> Result<Self, String> {
        let days = StudyDays::new(zone, config.config().day_start);
        let own = read()?;
        Ok(Self {
            journal: Journal::new(progress, days.day(now)).map_err(|error| error.to_string())?,
            days,
            bank: Arc::new(own.bank),
            problems: own.problems,
            index: OnceCell::new(),
            config,
            read,
            stories: None,
            scenarios: None,
        })
    }

    /// The same desk, with the reader's own stories in that file.
    #[must_use]
    pub fn with_stories(mut self, file: PathBuf) -> Self {
        self.stories = Some(file);
        self
    }

    /// The file of the reader's own stories.
    pub fn stories_file(&self) -> Option<&Path> {
        self.stories.as_deref()
    }

    /// The reader's own stories, as their file has them now.
    pub fn stories(&self) -> OwnStories {
        let read = |file: &PathBuf| OwnStories::read(file, &self.bank);
        self.stories.as_ref().map(read).unwrap_or_default()
    }

    /// Earlier ratings of the self-test. Without a log to read there are none: beginning tells why.
    pub fn self_ratings(&self) -> rating::Ratings {
        self.journal.self_ratings().unwrap_or_default()
    }

    /// How the scenarios of the lab went.
    pub fn played(&self) -> BTreeMap<ScenarioId, Played> {
        self.journal.played().unwrap_or_default()
    }

    /// Everything that is asked and taught, to be held while the desk changes.
    pub fn bank_shared(&self) -> Arc<Bank> {
        Arc::clone(&self.bank)
    }

    /// Says in which folder scenarios of the reader's own are kept.
    pub fn keep_scenarios_in(&mut self, folder: PathBuf) {
        self.scenarios = Some(folder);
    }

    /// Keeps a scenario of the reader's own, reads the bank again, and gives the path of the file.
    ///
    /// # Errors
    /// In words, when there is no folder, the name is taken, or the file cannot be written.
    pub fn save_scenario(&mut self, id: &str, text: &str, now: Moment) -> Result<String, String> {
        let folder = self
            .scenarios
            .clone()
            .ok_or("there is no folder for scenarios of your own")?;
        if self.bank.scenario(&id.into()).is_some() {
            return Err(format!(
                "there is a scenario `{id}` already; choose another name"
            ));
        }
        let path = folder.join(format!("{id}.yaml"));
        let shown = path.display().to_string();
        let failed = |error: std::io::Error| format!("{shown} cannot be written: {error}");
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let mut file = std::fs::File::create_new(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!("there is a file {shown} already; choose another name")
            }
            _ => failed(error),
        })?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
        self.reload(now)?;
        Ok(shown)
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
        self.journal.scheduler()
    }

    /// A point in time with its study day.
    pub fn moment(&self, at: Timestamp) -> Moment {
        self.days.moment(at)
    }

    /// Mistakes in the reader's own cards, which were left out.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Nothing was set and nothing rated: the reader is new.
    pub fn is_first_start(&self) -> bool {
        self.config.is_new() && self.journal.states().is_empty()
    }

    /// The day of the interview.
    pub fn interview(&self) -> Option<Day> {
        self.config().interview
    }

    /// Days until the interview; none without a date or after it.
    pub fn days_left(&self, now: Moment) -> Option<u32> {
        self.config()
            .interview_to_come(now.day)
            .map(|day| day.since(now.day))
    }

    /// Days in a row with a rating.
    pub fn streak(&self) -> u32 {
        self.journal.streak()
    }

    /// Ratings today.
    pub fn rated_today(&self) -> u64 {
        self.journal.today()
    }

    /// Ratings of each of the last days on which there were any.
    pub fn days_rated(&self) -> &[DayCount] {
        self.journal.days()
    }

    /// Seconds a card takes.
    pub fn seconds_a_card(&self) -> u64 {
        self.journal.seconds_a_card().unwrap_or(SECONDS_A_CARD)
    }

    /// The bank at a glance, with readiness at the day aimed at.
    pub fn overview(&self, now: Moment) -> Overview {
        let at = self.days.start(self.config().aim(now.day));
        memory::overview(
            &self.bank,
            self.states(),
            self.scheduler(),
            now,
            at.max(now.at),
        )
    }

    /// The days until the one aimed at, played through.
    pub fn forecast(&self, now: Moment) -> Vec<Forecast> {
        let plan = self.config().plan(now.day, self.seconds_a_card());
        let cards = self.in_order();
        let states = self.states();
        memory::forecast(
            self.scheduler(),
            cards.into_iter().map(|id| (id, states.get(id))),
            &plan,
            &self.days,
        )
    }

    /// All cards, those of the track followed first.
    fn in_order(&self) -> Vec<&CardId> {
        let track = self
            .config()
            .track
            .clone()
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
            self.config().limits,
            self.scheduler(),
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
            self.scheduler(),
            now,
        )
    }

    fn tracked(&self, filter: &Filter) -> Filter {
        if *filter == Filter::default() {
            Filter {
                track: self.config().track.clone(),
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
    pub fn search(&self, words: &str, takes: Option<&dyn Fn(usize) -> bool>) -> Vec<Found> {
        let taken = |place: usize| takes.is_none_or(|takes| takes(place));
        if words.trim().is_empty() {
            let found = |place| Found {
                place,
                letters: Vec::new(),
                tags: Vec::new(),
                passage: None,
            };
            return (0..self.bank.cards.len())
                .filter(|place| taken(*place))
                .map(found)
                .collect();
        }
        // Made when it is first asked: the first frame does not wait for it.
        let index = self.index.get_or_init(|| Index::new(&self.bank));
        let limit = if takes.is_some() {
            self.bank.cards.len()
        } else {
            FOUND_MAX
        };
        index
            .search(&self.bank, words, limit)
            .into_iter()
            .filter(|hit| taken(hit.place))
            .map(|hit| Found {
                place: hit.place,
                letters: hit.ask,
                tags: hit.tags,
                passage: hit.passage,
            })
            .collect()
    }

    /// What the reader has set.
    pub fn config(&self) -> &Config {
        self.config.config()
    }

    /// The settings, in the order they are shown.
    pub fn settings(&self) -> Vec<Item> {
        SETTINGS
            .iter()
            .map(|setting| {
                let value = setting.value(self.config());
                let mut choices: Vec<String> = setting
                    .choices
                    .iter()
                    .map(|choice| (*choice).to_owned())
                    .collect();
                let mut shown = value.clone();
                if setting.key == "track" {
                    choices.push(String::new());
                    choices.extend(self.bank.tracks.iter().map(|track| track.id.to_string()));
                    shown = self
                        .bank
                        .track(&value.as_str().into())
                        .map_or(value.clone(), |track| track.title.clone());
                    if shown.is_empty() {
                        "none".clone_into(&mut shown);
                    }
                }
                Item {
                    key: setting.key,
                    title: setting.title,
                    about: setting.about,
                    unit: setting.unit,
                    value,
                    shown,
                    choices,
                }
            })
            .collect()
    }

    /// Whether a text would do as a value.
    ///
    /// # Errors
    /// In words, when it would not.
    pub fn check(&self, key: &str, text: &str, now: Moment) -> Result<(), String> {
        let text = normal(key, text, now)?;
        self.config
            .check(key, &text)
            .map_err(|error| error.to_string())
    }

    /// Sets a value and keeps it.
    ///
    /// # Errors
    /// In words, when it would not do or could not be kept.
    pub fn set(&mut self, key: &str, text: &str, now: Moment) -> Result<(), String> {
        let text = normal(key, text, now)?;
        self.config
            .set(&[(key, &text)])
            .map_err(|error| error.to_string())?;
        self.journal.set_retention(self.config.config().retention);
        self.days = StudyDays::new(self.days.zone().clone(), self.config.config().day_start);
        Ok(())
    }

    /// Begins a drill over these cards. One that was left is given up.
    ///
    /// # Errors
    /// When the beginning could not be recorded.
    pub fn begin(
        &mut self,
        about: String,
        cards: Vec<CardId>,
        now: Moment,
    ) -> Result<Drill, ProgressError> {
        let snapshot = Snapshot { about, cards };
        self.journal.begin(&snapshot, now)?;
        Ok(Drill::new(&snapshot, &self.bank, now.at))
    }

    /// The drill that was left, at the card it was left at.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn resume(&mut self, now: Moment) -> Result<Option<Drill>, ProgressError> {
        let Some(left) = self.journal.take_up()? else {
            return Ok(None);
        };
        Ok(Some(Drill::resume(
            &left.snapshot,
            left.rated,
            &self.bank,
            self.journal.states(),
            now,
        )))
    }

    /// The drill that was left: what it is about, cards done, cards in all.
    pub fn resumable(&self) -> Option<(String, usize, usize)> {
        let left = self.journal.left()?;
        Some((
            left.snapshot.about.clone(),
            left.done(),
            left.snapshot.cards.len(),
        ))
    }

    /// The quiz that was left before its end.
    pub fn left_quiz(&self) -> Option<&practice::LeftQuiz> {
        self.journal.left_quiz()
    }

    /// The interview or design drill that was left before its end.
    pub fn left_interview(&self) -> Option<&interviewing::LeftInterview> {
        self.journal.left_interview()
    }

    /// Where records go.
    pub fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// Whether there may be something to take back.
    pub fn can_undo(&self) -> bool {
        !self.journal.states().is_empty()
    }

    /// Reads the log again: another process may have written to it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn look_again(&mut self, now: Moment) -> Result<(), ProgressError> {
        self.journal.refresh(now.day)
    }

    /// Moves the history of renamed and edited cards to their present names; says which moved.
    ///
    /// # Errors
    /// In words, when the log cannot be read or written.
    pub fn follow_cards(&mut self, now: Moment) -> Result<Vec<Relink>, String> {
        self.journal
            .follow_cards(&self.bank, now)
            .map_err(|error| error.to_string())
    }

    /// Reads the bank again.
    ///
    /// # Errors
    /// In words, when a card cannot be read.
    pub fn reload(&mut self, now: Moment) -> Result<Vec<Relink>, String> {
        let own = (self.read)()?;
        self.bank = Arc::new(own.bank);
        self.problems = own.problems;
        self.index = OnceCell::new();
        self.follow_cards(now)
    }
}

/// A value as the file has it: dates and minutes are taken as people write them.
fn normal(key: &str, text: &str, now: Moment) -> Result<String, String> {
    match key {
        "interview" => welcome::interview_date(text, now.day.date())
            .map(|date| date.map(|date| date.to_string()).unwrap_or_default())
            .map_err(|error| error.to_string()),
        "minutes" => welcome::minutes_a_day(text)
            .map(|minutes| {
                minutes
                    .map(|minutes| minutes.to_string())
                    .unwrap_or_default()
            })
            .map_err(|error| error.to_string()),
        _ => Ok(text.to_owned()),
    }
}
