//! `highwater search WORDS`: cards by question, tags and answers, with the passage where a word is only in the explanation.

use std::io::Write;

use serde_json::json;

use super::{
    Folders, Global, Outcome,
    numbers::{CARDS_MAX, whole},
    output::Usage,
};
use crate::bank::search::{Index, Passage};

/// Options of `search`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Words that the card must hold, all of them; letters may be left out
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// At most this many cards
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole::<usize>(1..=CARDS_MAX), allow_negative_numbers = true)]
    limit: usize,
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let words = args.words.join(" ");
    if words.trim().is_empty() {
        return Err(Usage("a search needs a word to look for".to_owned()).into());
    }
    let bank = Folders::of(global)?.bank(global)?;
    let hits = Index::new(&bank).search(&bank, &words, args.limit);
    let cards = hits
        .iter()
        .filter_map(|hit| Some((hit, bank.cards.get(hit.place)?)));
    if args.json {
        let found: Vec<_> = cards
            .map(|(hit, card)| {
                json!({
                    "id": card.id,
                    "deck": card.deck,
                    "ask": card.ask,
                    "say": card.say,
                    "level": card.level.word(),
                    "tags": card.tags,
                    "file": &*card.origin.file,
                    "line": card.origin.line,
                    "score": hit.score,
                    "passage": hit.passage.as_ref().map(Passage::to_string),
                    "matched": {"ask": hit.ask, "tags": hit.tags, "say": hit.say},
                })
            })
            .collect();
        serde_json::to_writer_pretty(&mut *out, &found)?;
        writeln!(out)?;
    } else {
        for (hit, card) in cards {
            writeln!(out, "{}  [{}, {}]", card.id, card.deck, card.level.word())?;
            writeln!(out, "    {}", card.ask.replace('\n', "\n    "))?;
            if let Some(passage) = &hit.passage {
                writeln!(out, "    > {passage}")?;
            }
        }
        if hits.is_empty() {
            writeln!(out, "no card has all of: {words}")?;
        }
    }
    Ok(if hits.is_empty() {
        Outcome::Problems
    } else {
        Outcome::Done
    })
}
