//! Where the reader's files are: flags first, then the environment, then what the system uses.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
};

use directories::ProjectDirs;

use super::Global;
use crate::bank::{
    Bank, built_in,
    user::{self, Own},
};

/// The folders of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// Progress, own cards, stories, backups.
    pub data: PathBuf,
    /// Settings.
    pub config: PathBuf,
}

impl Folders {
    /// The folders that the options, the environment and the system give.
    ///
    /// # Errors
    /// When no flag names them and the system knows no home folder.
    pub fn of(global: &Global) -> anyhow::Result<Self> {
        let project = || {
            ProjectDirs::from("", "", "highwater").ok_or_else(|| {
                anyhow::anyhow!("no home folder is known; name a folder with --data-dir")
            })
        };
        let named = |flag: &Option<PathBuf>, variable: &str| {
            let set = env::var_os(variable).filter(|value| !value.is_empty());
            flag.clone().or_else(|| set.map(PathBuf::from))
        };
        Ok(Self {
            data: match named(&global.data_dir, "HIGHWATER_DATA_DIR") {
                Some(folder) => folder,
                None => project()?.data_dir().to_owned(),
            },
            config: match named(&global.config_dir, "HIGHWATER_CONFIG_DIR") {
                Some(folder) => folder,
                None => project()?.config_dir().to_owned(),
            },
        })
    }

    /// Where cards of the reader's own are: `bank/` in the data folder, if it is there, and what
    /// `--bank` names.
    pub fn own_bank(&self, global: &Global) -> Own {
        let mut paths = Vec::new();
        let folder = self.data.join("bank");
        if folder.exists() {
            paths.push(folder);
        }
        paths.extend(global.bank.iter().cloned());
        Own {
            paths,
            cache: Some(self.data.join("cache")),
        }
    }

    /// The built-in bank with the reader's own behind it; mistakes in the latter are counted on
    /// standard error.
    ///
    /// # Errors
    /// When the program does not hold its own bank.
    pub fn bank(&self, global: &Global) -> anyhow::Result<Bank> {
        let loaded = user::load(built_in()?, &self.own_bank(global));
        if !loaded.problems.is_empty() {
            let note = format!(
                "highwater: {} problems in cards of your own; `highwater check` names them\n",
                loaded.problems.len()
            );
            // standard error may be closed
            let _ = io::stderr().write_all(note.as_bytes());
        }
        Ok(loaded.bank)
    }
}
