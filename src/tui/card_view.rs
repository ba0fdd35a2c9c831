//! A card as lines: its question, and its answer section by section.
//!
//! The drill and the search show the same card through this. What is ticked or revealed is an
//! argument; where the lines stand on screen is the screens' business.

use std::ops::Range;

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::{
    prose::Prose,
    text::{clean, clip, plain},
    theme::Theme,
    widgets::{checklist, heading},
};
use crate::bank::{Bank, Card, Kind};

/// What of a card is shown.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The points the reader made; empty where there is nothing to tick.
    pub ticked: Vec<bool>,
    /// Follow-up questions shown.
    pub follow_ups: usize,
    /// Answers to them shown.
    pub answers: usize,
    /// Columns by which listings are moved to the left.
    pub shift: usize,
    /// The link that is selected, by its place in [`links`].
    pub link: Option<usize>,
}

/// Where the links under a card lead, in the order they are shown: `chapter:…`, `card:…`, `scenario:…`.
pub fn links(card: &Card) -> Vec<String> {
    let mut links = Vec::new();
    if let Some(link) = &card.see.chapter {
        links.push(match &link.anchor {
            Some(anchor) => format!("chapter:{}#{anchor}", link.chapter),
            None => format!("chapter:{}", link.chapter),
        });
    }
    links.extend(card.see.cards.iter().map(|id| format!("card:{id}")));
    links.extend(card.see.scenario.iter().map(|id| format!("scenario:{id}")));
    links
}

/// The line under a question: deck, level, what it is.
pub fn label(
    card: &Card,
    bank: &Bank,
    theme: &Theme,
    starred: bool,
    flagged: bool,
) -> Line<'static> {
    let deck = bank.deck(&card.deck).map_or_else(
        || card.deck.to_string(),
        |deck| clean(&deck.title).into_owned(),
    );
    let mut spans = vec![
        Span::styled(deck, theme.info),
        Span::styled(format!("  ·  {}", card.level.word()), theme.dim),
    ];
    match card.kind {
        Kind::Open => {}
        Kind::Flash => spans.push(Span::styled("  ·  in one sentence", theme.dim)),
        Kind::Bug => spans.push(Span::styled("  ·  find the bug", theme.warn)),
    }
    if card.starred || starred {
        spans.push(Span::styled("  ·  ★", theme.warn));
    }
    if flagged {
        spans.push(Span::styled("  ·  ! flagged", theme.bad));
    }
    Line::from(spans)
}

/// The question in bold, and the listing of a bug card.
pub fn question(
    card: &Card,
    columns: usize,
    theme: &Theme,
    shift: usize,
    prose: &mut Prose,
) -> Vec<Line<'static>> {
    let mut lines = bold(&card.ask, columns, theme, prose);
    if let Some(code) = &card.code {
        lines.push(Line::default());
        let fence = format!("```{}\n{}\n```", code.lang, code.text);
        lines.extend(
            prose
                .page(&fence, columns, theme, shift)
                .lines
                .iter()
                .cloned(),
        );
    }
    lines
}

fn bold(text: &str, columns: usize, theme: &Theme, prose: &mut Prose) -> Vec<Line<'static>> {
    let page = prose.page(text, columns, theme, 0);
    page.lines
        .iter()
        .map(|line| {
            line.clone()
                .patch_style(Style::new().add_modifier(Modifier::BOLD))
        })
        .collect()
}

/// Adds what to say first and the points to tick; gives the lines that each point takes.
pub fn spoken(
    lines: &mut Vec<Line<'static>>,
    card: &Card,
    shown: &Shown,
    columns: usize,
    theme: &Theme,
    prose: &mut Prose,
) -> Vec<Range<usize>> {
    heading(lines, "Say first", "", theme);
    for line in &prose
        .page(&card.say, columns.saturating_sub(2), theme, 0)
        .lines
    {
        let mut spans = vec![Span::styled("▎ ", theme.good)];
        spans.extend(line.spans.iter().cloned());
        lines.push(Line::from(spans));
    }
    if card.points.is_empty() {
        return Vec::new();
    }
    if shown.ticked.is_empty() {
        heading(lines, "Points to make", "", theme);
        for point in &card.points {
            let page = prose.page(point, columns.saturating_sub(2), theme, 0);
            hang(lines, &page.lines, "• ", theme.accent);
        }
        return Vec::new();
    }
    let made = shown.ticked.iter().filter(|ticked| **ticked).count();
    let count = format!("{made} of {}", card.points.len());
    heading(lines, "Points to make", &count, theme);
    checklist(
        lines,
        &card.points,
        &shown.ticked,
        columns,
        theme,
        &mut prose.code,
    )
}

/// The rest: mechanism, fix, trap, follow-ups, the reader's story, where to go on. Beside the lines
/// comes the last one of the follow-ups shown.
pub fn taught(
    card: &Card,
    bank: &Bank,
    shown: &Shown,
    columns: usize,
    theme: &Theme,
    prose: &mut Prose,
) -> (Vec<Line<'static>>, Option<usize>) {
    let mut lines = Vec::new();
    if let Some(fix) = &card.fix {
        heading(&mut lines, "The fix", "", theme);
        lines.extend(
            prose
                .page(fix, columns, theme, shown.shift)
                .lines
                .iter()
                .cloned(),
        );
    }
    if !card.explain.trim().is_empty() {
        heading(&mut lines, "How it works", "", theme);
        lines.extend(
            prose
                .page(&card.explain, columns, theme, shown.shift)
                .lines
                .iter()
                .cloned(),
        );
    }
    if let Some(trap) = &card.trap {
        marked(
            &mut lines, "Trap", "✗ ", theme.bad, trap, columns, theme, prose,
        );
    }
    let last = follow_ups(&mut lines, card, shown, columns, theme, prose);
    if let Some(hook) = &card.hook {
        marked(
            &mut lines,
            "Your own story",
            "▸ ",
            theme.info,
            hook,
            columns,
            theme,
            prose,
        );
    }
    see(&mut lines, card, bank, shown, columns, theme);
    (lines, last)
}

/// Lines behind a mark, the others indented by its two columns.
fn hang(lines: &mut Vec<Line<'static>>, page: &[Line<'static>], mark: &'static str, style: Style) {
    for (y, line) in page.iter().enumerate() {
        let mut spans = vec![Span::styled(if y == 0 { mark } else { "  " }, style)];
        spans.extend(line.spans.iter().cloned());
        lines.push(Line::from(spans));
    }
}

#[expect(clippy::too_many_arguments, reason = "one section drawn in one place")]
fn marked(
    lines: &mut Vec<Line<'static>>,
    title: &str,
    mark: &'static str,
    style: Style,
    text: &str,
    columns: usize,
    theme: &Theme,
    prose: &mut Prose,
) {
    heading(lines, title, "", theme);
    let page = prose.page(text, columns.saturating_sub(2), theme, 0);
    hang(lines, &page.lines, mark, style);
}

fn follow_ups(
    lines: &mut Vec<Line<'static>>,
    card: &Card,
    shown: &Shown,
    columns: usize,
    theme: &Theme,
    prose: &mut Prose,
) -> Option<usize> {
    if card.follow_ups.is_empty() {
        return None;
    }
    let all = card.follow_ups.len();
    let asked = shown.follow_ups.min(all);
    let count = if shown.answers < all {
        format!("{asked} of {all}, enter goes on")
    } else {
        String::new()
    };
    heading(lines, "They ask next", &count, theme);
    let mut last = None;
    for (i, follow_up) in card.follow_ups.iter().take(asked).enumerate() {
        let ask = prose.page(&follow_up.ask, columns.saturating_sub(2), theme, 0);
        hang(lines, &ask.lines, "? ", theme.accent);
        if i < shown.answers {
            let page = prose.page(&follow_up.say, columns.saturating_sub(4), theme, 0);
            for line in &page.lines {
                let mut spans = vec![Span::styled("  ▎ ", theme.good)];
                spans.extend(line.spans.iter().cloned());
                lines.push(Line::from(spans));
            }
        }
        last = Some(lines.len() - 1);
    }
    last
}

fn see(
    lines: &mut Vec<Line<'static>>,
    card: &Card,
    bank: &Bank,
    shown: &Shown,
    columns: usize,
    theme: &Theme,
) {
    let links = links(card);
    if !links.is_empty() {
        heading(lines, "Go on", "", theme);
    }
    for (i, link) in links.iter().enumerate() {
        let words = clip(&link_words(link, bank), columns.saturating_sub(2)).into_owned();
        let chosen = shown.link == Some(i);
        let style = if chosen {
            theme.link.patch(theme.selected)
        } else {
            theme.link
        };
        lines.push(Line::from(vec![
            Span::styled(if chosen { "▸ " } else { "→ " }, theme.accent),
            Span::styled(words, style),
        ]));
    }
    let mut notes = Vec::new();
    if let Some(version) = &card.as_of {
        notes.push(format!("holds for {}", clean(version)));
    }
    if !card.sources.is_empty() {
        notes.push(format!("from {}", clean(&card.sources.join(", "))));
    }
    if !notes.is_empty() {
        lines.push(Line::default());
        lines.push(Line::from(Span::styled(notes.join("  ·  "), theme.dim)));
    }
}

/// What a link of the bank is called by people.
pub fn link_words(link: &str, bank: &Bank) -> String {
    if let Some(id) = link.strip_prefix("card:") {
        return bank
            .card(&id.into())
            .map_or_else(|| id.to_owned(), |card| plain(&card.ask));
    }
    if let Some(id) = link.strip_prefix("scenario:") {
        return bank.scenario(&id.into()).map_or_else(
            || id.to_owned(),
            |scenario| format!("Lab: {}", plain(&scenario.title)),
        );
    }
    if let Some(target) = link.strip_prefix("chapter:") {
        let (id, anchor) = target.split_once('#').unwrap_or((target, ""));
        if let Some(chapter) = bank.chapter(&id.into()) {
            let title = plain(&chapter.title);
            let heading = chapter
                .headings
                .iter()
                .find(|heading| heading.anchor == anchor);
            return heading.map_or(title.clone(), |heading| {
                format!("{title}: {}", plain(&heading.title))
            });
        }
    }
    link.to_owned()
}
