//! The options that narrow a session to some of the cards; the same for every command that has them.

use crate::{bank::Level, memory::Filter};

/// Which cards.
#[derive(Debug, clap::Args)]
pub(super) struct FilterArgs {
    /// Only cards of this deck
    #[arg(long, value_name = "ID")]
    deck: Option<String>,
    /// Only cards of this track
    #[arg(long, value_name = "ID")]
    track: Option<String>,
    /// Only cards with this tag; given several times, with all of them
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only cards of this level; may be given several times
    #[arg(long, value_name = "LEVEL", value_parser = ["warm-up", "medium", "hard", "staff"])]
    level: Vec<String>,
    /// Only cards starred by the bank or by you
    #[arg(long)]
    starred: bool,
}

impl FilterArgs {
    /// The filter that was asked for; cards that the reader flagged are no part of it.
    pub(super) fn filter(&self) -> Filter {
        Filter {
            deck: self.deck.as_deref().map(Into::into),
            track: self.track.as_deref().map(Into::into),
            tags: self.tag.clone(),
            levels: self
                .level
                .iter()
                .filter_map(|word| Level::from_word(word))
                .collect(),
            starred: self.starred,
            flagged: false,
        }
    }
}
