//! The settings: `config.yaml` in the configuration folder, a flat list of keys.
//!
//! [`SETTINGS`] is the one table of what can be set, used for reading, for writing and for showing.
//! Strict: an unknown key is a mistake with its line. Changing a value touches only its line, so that
//! remarks in the file stay, and replaces the file as a whole or not at all. Where the folder is,
//! `cli` knows; friendlier ways to write a date, `session::welcome`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{
    bank::{
        TrackId, id,
        problem::nearest,
        yaml::{self, Node, Step},
    },
    memory::{Day, Limits, Plan, Retention},
};

/// The name of the file.
pub const FILE: &str = "config.yaml";
/// No file of settings is longer.
const BYTES_MAX: u64 = 64 * 1024;
/// Days ahead that are aimed at without a date.
const WITHOUT_DATE: u32 = 7;
/// Days ahead that a plan plays through at most.
const AHEAD: u32 = 120;
/// Seconds a card takes before there is a history to tell from.
pub const SECONDS_A_CARD: u64 = 35;

/// What the reader has set.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The day of the interview.
    pub interview: Option<Day>,
    /// Minutes a day.
    pub minutes: u32,
    /// The track that is followed.
    pub track: Option<TrackId>,
    /// The chance of recall at which a card comes back.
    pub retention: Retention,
    /// Cards a day.
    pub limits: Limits,
    /// The hour at which a study day begins.
    pub day_start: u8,
    /// The theme, by its word; none goes by the terminal.
    pub theme: Option<String>,
    /// How many colours, by the word of `--color`; none goes by the terminal.
    pub color: Option<String>,
    /// Only ASCII signs; none goes by the locale.
    pub ascii: Option<bool>,
    /// Clicks and the wheel are wanted.
    pub mouse: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interview: None,
            minutes: 30,
            track: None,
            retention: Retention::default(),
            limits: Limits { new: 15, due: 200 },
            day_start: 4,
            theme: None,
            color: None,
            ascii: None,
            mouse: true,
        }
    }
}

impl Config {
    /// The day of the interview, if it has not passed.
    pub fn interview_to_come(&self, today: Day) -> Option<Day> {
        self.interview.filter(|day| *day >= today)
    }

    /// The day aimed at: of the interview, or a week ahead without one to come.
    pub fn aim(&self, today: Day) -> Day {
        self.interview_to_come(today)
            .unwrap_or(today.plus(WITHOUT_DATE))
    }

    /// What is to be done a day until then, at so many seconds a card.
    pub fn plan(&self, today: Day, seconds_a_card: u64) -> Plan {
        let ratings = u64::from(self.minutes) * 60 / seconds_a_card.max(1);
        Plan {
            first: today,
            until: self.aim(today).min(today.plus(AHEAD)),
            limits: self.limits,
            ratings: u32::try_from(ratings).unwrap_or(u32::MAX),
        }
    }
}

/// One thing that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key in the file.
    pub key: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it means.
    pub about: &'static str,
    /// What it is measured in.
    pub unit: &'static str,
    /// What can be chosen; empty when it is typed.
    pub choices: &'static [&'static str],
    read: fn(&Config) -> String,
    write: fn(&mut Config, &str) -> Result<(), String>,
}

impl Setting {
    /// Its value as text; empty for none.
    pub fn value(&self, config: &Config) -> String {
        (self.read)(config)
    }

    /// The setting of that key.
    ///
    /// # Errors
    /// Names the nearest known key.
    pub fn of(key: &str) -> Result<&'static Self, String> {
        SETTINGS
            .iter()
            .find(|setting| setting.key == key)
            .ok_or_else(|| {
                let keys = SETTINGS.iter().map(|setting| setting.key);
                match nearest(key, keys.clone()) {
                    Some(near) => format!("unknown key `{key}`; did you mean `{near}`?"),
                    None => format!(
                        "unknown key `{key}`; known are {}",
                        keys.collect::<Vec<_>>().join(", ")
                    ),
                }
            })
    }
}

const AUTO: &str = "auto";
const YES_NO: &[&str] = &["yes", "no"];
const AUTO_YES_NO: &[&str] = &[AUTO, "yes", "no"];
const THEMES: &[&str] = &[AUTO, "dark", "light", "colour-blind"];
const COLORS: &[&str] = &[AUTO, "never", "16", "256", "true"];

/// Everything that can be set, in the order it is shown.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "interview",
        title: "Interview",
        about: "The day of the interview. The home screen says how ready you will be on it.",
        unit: "",
        choices: &[],
        read: |config| {
            config
                .interview
                .map_or_else(String::new, |day| day.to_string())
        },
        write: |config, text| {
            config.interview = optional(text, |text| {
                text.parse::<Day>().map_err(|error| error.to_string())
            })?;
            Ok(())
        },
    },
    Setting {
        key: "minutes",
        title: "Minutes a day",
        about: "How long you mean to drill each day. The plan and the forecast go by it.",
        unit: "min",
        choices: &[],
        read: |config| config.minutes.to_string(),
        write: |config, text| {
            config.minutes = number(text, 5, 600)?;
            Ok(())
        },
    },
    Setting {
        key: "track",
        title: "Track",
        about: "The path through the bank that new cards follow. Without one, deck after deck.",
        unit: "",
        choices: &[],
        read: |config| {
            config
                .track
                .as_ref()
                .map_or_else(String::new, TrackId::to_string)
        },
        write: |config, text| {
            config.track = optional(text, |text| {
                id::is_valid(text, false)
                    .then(|| TrackId::from(text))
                    .ok_or_else(|| {
                        format!("a track is lower-case words joined by hyphens, found `{text}`")
                    })
            })?;
            Ok(())
        },
    },
    Setting {
        key: "retention",
        title: "Desired retention",
        about: "The chance of recall at which a card comes back, 0.7 to 0.99. Higher means more \
                reviews: 0.95 asks for about twice as many as 0.9.",
        unit: "",
        choices: &[],
        read: |config| config.retention.share().to_string(),
        write: |config, text| {
            let share: f64 = text
                .parse()
                .map_err(|_| format!("a number from 0.7 to 0.99 is wanted, found `{text}`"))?;
            config.retention = Retention::new(share).map_err(|error| error.to_string())?;
            Ok(())
        },
    },
    Setting {
        key: "new-per-day",
        title: "New cards a day",
        about: "At most so many cards are met for the first time each day.",
        unit: "cards",
        choices: &[],
        read: |config| config.limits.new.to_string(),
        write: |config, text| {
            config.limits.new = number(text, 0, 9999)?;
            Ok(())
        },
    },
    Setting {
        key: "due-per-day",
        title: "Due cards a day",
        about: "At most so many cards come back each day; the least remembered first.",
        unit: "cards",
        choices: &[],
        read: |config| config.limits.due.to_string(),
        write: |config, text| {
            config.limits.due = number(text, 0, 9999)?;
            Ok(())
        },
    },
    Setting {
        key: "day-start",
        title: "A day begins at",
        about: "The hour at which a study day begins, so that midnight does not cut an evening.",
        unit: "o'clock",
        choices: &[],
        read: |config| config.day_start.to_string(),
        write: |config, text| {
            config.day_start = number(text, 0, 23)? as u8;
            Ok(())
        },
    },
    Setting {
        key: "theme",
        title: "Theme",
        about: "auto goes by the terminal's background; colour-blind is safe for everybody.",
        unit: "",
        choices: THEMES,
        read: |config| config.theme.clone().unwrap_or_else(|| AUTO.to_owned()),
        write: |config, text| {
            config.theme = choice(text, THEMES)?.map(str::to_owned);
            Ok(())
        },
    },
    Setting {
        key: "color",
        title: "Colours",
        about: "How many colours the terminal shows; auto asks it. NO_COLOR in the environment and \
                --color come before this.",
        unit: "",
        choices: COLORS,
        read: |config| config.color.clone().unwrap_or_else(|| AUTO.to_owned()),
        write: |config, text| {
            config.color = choice(text, COLORS)?.map(str::to_owned);
            Ok(())
        },
    },
    Setting {
        key: "ascii",
        title: "ASCII only",
        about: "Draw with plain letters and signs; auto goes by the locale.",
        unit: "",
        choices: AUTO_YES_NO,
        read: |config| config.ascii.map_or(AUTO, yes_no).to_owned(),
        write: |config, text| {
            config.ascii = choice(text, AUTO_YES_NO)?.map(|word| word == "yes");
            Ok(())
        },
    },
    Setting {
        key: "mouse",
        title: "Mouse",
        about: "Clicks and the wheel work; with no, the terminal selects text as usual.",
        unit: "",
        choices: YES_NO,
        read: |config| yes_no(config.mouse).to_owned(),
        write: |config, text| {
            config.mouse = choice(text, YES_NO)? == Some("yes");
            Ok(())
        },
    },
];

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn optional<T>(
    text: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    (!text.is_empty()).then(|| read(text)).transpose()
}

fn number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("a whole number from {least} to {most} is wanted, found `{text}`"))
}

/// The word chosen; none for `auto`.
fn choice<'c>(text: &str, choices: &[&'c str]) -> Result<Option<&'c str>, String> {
    let chosen = choices.iter().copied().find(|choice| *choice == text);
    let chosen = chosen.ok_or_else(|| {
        let near = nearest(text, choices.iter().copied());
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!(
            "one of {} is wanted, found `{text}`{near}",
            choices.join(", ")
        )
    })?;
    Ok((chosen != AUTO).then_some(chosen))
}

/// Why the settings could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A mistake in the file.
    #[error("{}:{line}:{column}: {message}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
        /// What was found and what is wanted.
        message: String,
    },
    /// A value that does not do.
    #[error("{key}: {message}")]
    Value {
        /// The key.
        key: String,
        /// What was found and what is wanted.
        message: String,
    },
    /// The file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The settings and the file they are in.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
    /// None while there is no file.
    text: Option<String>,
    config: Config,
}

impl ConfigFile {
    /// Reads the file in `folder`; without one everything has its default.
    ///
    /// # Errors
    /// Names the first mistake with its line, or what the system said.
    pub fn open(folder: &Path) -> Result<Self, ConfigError> {
        let path = folder.join(FILE);
        let text = match read(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(ConfigError::Io { path, source }),
        };
        let config = match &text {
            Some(text) => parse(text, &path)?,
            None => Config::default(),
        };
        Ok(Self { path, text, config })
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// There is no file: nothing was ever set.
    pub fn is_new(&self) -> bool {
        self.text.is_none()
    }

    /// Whether `text` would do as the value of a key.
    ///
    /// # Errors
    /// Says what is wanted.
    pub fn check(&self, key: &str, text: &str) -> Result<(), ConfigError> {
        changed(&self.config, key, text).map(|_| ())
    }

    /// Sets values and keeps them: all of them or none. Empty text takes a value back to its default
    /// where there can be none.
    ///
    /// # Errors
    /// Says what is wanted, or why the file could not be written; then nothing has changed.
    pub fn set(&mut self, values: &[(&str, &str)]) -> Result<(), ConfigError> {
        let mut config = self.config.clone();
        let mut text = self.text.clone().unwrap_or_default();
        for (key, value) in values {
            config = changed(&config, key, value)?;
            text = with_line(&text, key, value);
        }
        // A value over several lines cannot be replaced line by line: then the remarks go.
        if parse(&text, &self.path).ok().as_ref() != Some(&config) {
            text = written(&config);
        }
        replace(&self.path, &text).map_err(|source| ConfigError::Io {
            path: self.path.clone(),
            source,
        })?;
        self.text = Some(text);
        self.config = config;
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<String> {
    let file = fs::File::open(path)?;
    if file.metadata()?.len() > BYTES_MAX {
        return Err(io::Error::other(
            "longer than 64 KiB, which no settings are",
        ));
    }
    io::read_to_string(file)
}

fn changed(config: &Config, key: &str, text: &str) -> Result<Config, ConfigError> {
    let wrong = |message| ConfigError::Value {
        key: key.to_owned(),
        message,
    };
    let setting = Setting::of(key).map_err(wrong)?;
    let mut config = config.clone();
    (setting.write)(&mut config, text.trim()).map_err(wrong)?;
    Ok(config)
}

fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let wrong = |line, column, message| ConfigError::Wrong {
        path: path.to_owned(),
        line,
        column,
        message,
    };
    let node = yaml::parse(text).map_err(|error| wrong(error.line, error.column, error.message))?;
    let entries = match node {
        Node::Map(entries) => entries,
        Node::Null => Vec::new(),
        other => {
            let message = format!(
                "keys with values are wanted, such as `minutes: 20`; found {}",
                other.describe()
            );
            return Err(wrong(1, 1, message));
        }
    };
    let mut config = Config::default();
    let mut seen: Vec<&str> = Vec::new();
    for (place, (key, node)) in entries.iter().enumerate() {
        let at = |step, message| {
            let (line, column) = yaml::locate(text, &[step]).unwrap_or((1, 1));
            wrong(line, column, message)
        };
        let setting = Setting::of(key).map_err(|message| at(Step::Entry(place), message))?;
        if seen.contains(&setting.key) {
            let message = format!("`{key}` stands twice");
            return Err(at(Step::Entry(place), message));
        }
        seen.push(setting.key);
        let value = Step::Key(setting.key.into());
        let found = match node {
            Node::Null => continue,
            Node::Bool(yes) => yes_no(*yes).to_owned(),
            Node::Int(number) => number.to_string(),
            Node::Float(number) => number.to_string(),
            Node::Text(text) => text.clone(),
            other => {
                let message = format!("{key}: one value is wanted, found {}", other.describe());
                return Err(at(value, message));
            }
        };
        // `color: true` means 24 bits; YAML takes the word for a truth value.
        let found = match (setting.key, node) {
            ("color", Node::Bool(true)) => "true".to_owned(),
            _ => found,
        };
        (setting.write)(&mut config, found.trim())
            .map_err(|message| at(value, format!("{key}: {message}")))?;
    }
    Ok(config)
}

/// The text with the line of a key replaced, added or, for an empty value, taken out.
fn with_line(text: &str, key: &str, value: &str) -> String {
    let value = value.trim();
    let wanted = (!value.is_empty()).then(|| format!("{key}: {value}"));
    let is_line = |line: &str| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let mut found = false;
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        if is_line(line) {
            found = true;
            lines.extend(wanted.clone());
        } else {
            lines.push(line.to_owned());
        }
    }
    if !found {
        lines.extend(wanted);
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The whole file anew: what differs from its default.
fn written(config: &Config) -> String {
    let default = Config::default();
    let lines: Vec<String> = SETTINGS
        .iter()
        .filter(|setting| setting.value(config) != setting.value(&default))
        .map(|setting| format!("{}: {}\n", setting.key, setting.value(config)))
        .collect();
    lines.concat()
}

/// Puts a text in the place of the file in one stroke, on disk before this returns.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    let result = write();
    if result.is_err() && part.exists() {
        fs::remove_file(&part)?;
    }
    result
}

#[cfg(test)]
mod tests;
