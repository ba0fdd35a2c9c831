//! `highwater read [CHAPTER]`: the guide, on screen in a terminal and as plain text into a pipe.

use std::io::{self, IsTerminal, Write};

use serde_json::json;

use super::{Folders, Global, Outcome, numbers::whole, output::Usage, screens};
use crate::{
    bank::{Bank, Chapter, problem::nearest},
    tui::{
        depth::Depth,
        markdown::{Document, Highlighter, layout},
        theme::{Name, Theme},
    },
};

/// Widest text, in columns: longer lines are tiring to read.
const COLUMNS_MAX: u16 = 80;

/// Options of `read`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The chapter, such as kafka/replication or kafka/replication#isr; without it, the table of contents
    chapter: Option<String>,
    /// Print JSON: the chapter with its Markdown, or the list of all chapters
    #[arg(long)]
    json: bool,
    /// Print plain text in a terminal too
    #[arg(long)]
    plain: bool,
    /// Lines of at most this many columns
    #[arg(long, value_name = "COLUMNS", default_value_t = COLUMNS_MAX, value_parser = whole::<u16>(40..=200), allow_negative_numbers = true)]
    width: u16,
}

pub(super) fn run(args: Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let screen = io::stdin().is_terminal() && io::stdout().is_terminal();
    if screen && !args.json && !args.plain {
        return screens::read(args.chapter, global);
    }
    let bank = Folders::of(global)?.bank(global)?;
    match &args.chapter {
        None if args.json => {
            let list: Vec<_> = bank
                .chapters
                .iter()
                .map(|chapter| summary(&bank, chapter))
                .collect();
            serde_json::to_writer_pretty(&mut *out, &list)?;
            writeln!(out)?;
        }
        None => contents(&bank, out)?,
        Some(id) => {
            // an anchor is for the screen, which can scroll to it; here it has to exist
            let (id, anchor) = id.split_once('#').unwrap_or((id, ""));
            let chapter = find(&bank, id)?;
            check_anchor(chapter, anchor)?;
            if args.json {
                let mut whole = summary(&bank, chapter);
                whole["text"] = json!(chapter.text);
                serde_json::to_writer_pretty(&mut *out, &whole)?;
                writeln!(out)?;
            } else {
                print(&bank, chapter, args.width.into(), out)?;
            }
        }
    }
    Ok(Outcome::Done)
}

/// The chapter of that id, or the only one whose id ends in it.
fn find<'b>(bank: &'b Bank, id: &str) -> Result<&'b Chapter, Usage> {
    if let Some(chapter) = bank.chapter(&id.into()) {
        return Ok(chapter);
    }
    let last = |chapter: &'b Chapter| chapter.id.as_str().rsplit('/').next().unwrap_or_default();
    let ending: Vec<&Chapter> = bank
        .chapters
        .iter()
        .filter(|chapter| last(chapter) == id)
        .collect();
    let hint = match ending[..] {
        [only] => return Ok(only),
        [] => {
            let ids = bank.chapters.iter().map(|chapter| chapter.id.as_str());
            let near = nearest(id, ids).or_else(|| {
                let word = nearest(id, bank.chapters.iter().map(last))?;
                Some(
                    bank.chapters
                        .iter()
                        .find(|chapter| last(chapter) == word)?
                        .id
                        .as_str(),
                )
            });
            near.map_or_else(
                || "; `highwater read` lists them".to_owned(),
                |near| format!("; did you mean `{near}`?"),
            )
        }
        _ => {
            let ids: Vec<&str> = ending.iter().map(|chapter| chapter.id.as_str()).collect();
            format!(" alone, but {}", ids.join(" and "))
        }
    };
    Err(Usage(format!("there is no chapter `{id}`{hint}")))
}

fn check_anchor(chapter: &Chapter, anchor: &str) -> Result<(), Usage> {
    let anchors = || chapter.headings.iter().map(|h| h.anchor.as_str());
    if anchor.is_empty() || anchors().any(|known| known == anchor) {
        return Ok(());
    }
    let hint = nearest(anchor, anchors()).map_or_else(
        || format!("; it has: {}", anchors().collect::<Vec<_>>().join(" ")),
        |near| format!("; did you mean `{near}`?"),
    );
    Err(Usage(format!(
        "the chapter `{}` has no heading `{anchor}`{hint}",
        chapter.id
    )))
}

fn summary(bank: &Bank, chapter: &Chapter) -> serde_json::Value {
    let headings: Vec<_> = chapter
        .headings
        .iter()
        .map(|heading| json!({"anchor": heading.anchor, "title": heading.title, "depth": heading.depth}))
        .collect();
    let cards: Vec<_> = bank
        .cards_of_chapter(&chapter.id)
        .map(|card| &card.id)
        .collect();
    json!({
        "id": chapter.id,
        "title": chapter.title,
        "about": chapter.about,
        "part": chapter.part,
        "headings": headings,
        "cards": cards,
    })
}

fn contents(bank: &Bank, out: &mut dyn Write) -> io::Result<()> {
    let mut part = "";
    for chapter in &bank.chapters {
        if chapter.part != part {
            let gap = if part.is_empty() { "" } else { "\n" };
            part = &chapter.part;
            writeln!(out, "{gap}{part}")?;
        }
        writeln!(out, "  {:32} {}", chapter.id, chapter.title)?;
    }
    Ok(())
}

fn print(bank: &Bank, chapter: &Chapter, columns: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{}\n{}\n",
        chapter.title,
        "=".repeat(chapter.title.chars().count().min(columns))
    )?;
    let theme = Theme::new(Name::Dark, Depth::None);
    let document = Document::parse(&chapter.text);
    let page = layout(&document, columns, &theme, 0, &mut Highlighter::default());
    for line in 0..page.lines.len() {
        writeln!(out, "{}", page.text(line).trim_end())?;
    }
    let mut cards = bank.cards_of_chapter(&chapter.id).peekable();
    if cards.peek().is_some() {
        writeln!(out, "\nCards")?;
    }
    for card in cards {
        writeln!(out, "  {:32} {}", card.id, card.ask)?;
    }
    Ok(())
}
