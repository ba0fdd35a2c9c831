//! The end of a drill: what was done, how it went, when it comes back, what to read.

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use crate::{
    bank::{Bank, CardId},
    session::drill::Summary,
    tui::{
        canvas::Canvas,
        card_view,
        effect::Cx,
        text::{clip, count, lasted, plain},
        theme::Theme,
        widgets::heading,
    },
};

/// Cards of a group that are named.
const NAMED: usize = 12;
/// Cards that went well that are named.
const WELL_NAMED: usize = 6;
/// Days on which cards come back that are told.
const DAYS: usize = 8;
/// Chapters to read that are told.
const CHAPTERS: usize = 5;

/// The summary as lines of so many columns.
pub(super) fn lines(
    summary: &Summary,
    columns: usize,
    canvas: &Canvas<'_>,
    cx: &Cx<'_>,
) -> Vec<Line<'static>> {
    let (theme, bank) = (canvas.theme, cx.desk.bank());
    let mut lines = head(summary, theme);
    for (name, sign, cards, most) in [
        (
            "Not remembered",
            Span::styled("✗ ", theme.bad),
            &summary.missed,
            NAMED,
        ),
        (
            "With gaps",
            Span::styled("~ ", theme.warn),
            &summary.hard,
            NAMED,
        ),
        (
            "Went well",
            Span::styled("✓ ", theme.good),
            &summary.went_well,
            WELL_NAMED,
        ),
    ] {
        if !cards.is_empty() {
            heading(&mut lines, name, &cards.len().to_string(), theme);
            group(&mut lines, &sign, cards, most, columns, bank, theme);
        }
    }
    comes_back(&mut lines, summary, theme);
    to_read(&mut lines, summary, bank, theme);
    lines
}

/// How much was done, and what is left.
fn head(summary: &Summary, theme: &Theme) -> Vec<Line<'static>> {
    let title = if summary.left == 0 { "Done" } else { "Paused" };
    let ratings = count(summary.ratings, "rating", "ratings");
    let mut lines = vec![
        Line::from(Span::styled(title, theme.heading[0])),
        Line::default(),
        Line::from(vec![
            Span::styled(
                count(summary.cards, "card", "cards"),
                Style::new().add_modifier(Modifier::BOLD),
            ),
            Span::styled(format!(", {ratings}, {}", lasted(summary.spent)), theme.dim),
        ]),
    ];
    if summary.left > 0 {
        let left = count(summary.left, "card", "cards");
        let words = format!("{left} still to come; home offers to go on");
        lines.push(Line::from(Span::styled(words, theme.dim)));
    }
    if summary.skipped > 0 {
        let words = count(
            summary.skipped,
            "card skipped; it stays for later",
            "cards skipped; they stay for later",
        );
        lines.push(Line::from(Span::styled(words, theme.dim)));
    }
    lines
}

/// Cards behind a sign, the first `most` of them.
fn group(
    lines: &mut Vec<Line<'static>>,
    sign: &Span<'static>,
    cards: &[CardId],
    most: usize,
    columns: usize,
    bank: &Bank,
    theme: &Theme,
) {
    let room = columns.saturating_sub(sign.width());
    for card in cards.iter().take(most).filter_map(|id| bank.card(id)) {
        lines.push(Line::from(vec![
            sign.clone(),
            Span::raw(clip(&plain(&card.ask), room).into_owned()),
        ]));
    }
    if cards.len() > most {
        let words = format!("  and {} more", cards.len() - most);
        lines.push(Line::from(Span::styled(words, theme.dim)));
    }
}

/// How many cards come back when.
fn comes_back(lines: &mut Vec<Line<'static>>, summary: &Summary, theme: &Theme) {
    if summary.comes_back.is_empty() {
        return;
    }
    heading(lines, "Comes back", "", theme);
    for (days, cards) in summary.comes_back.iter().take(DAYS) {
        let when = match days {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            days => format!("in {days} days"),
        };
        lines.push(Line::from(vec![
            Span::raw(format!("  {when:<12}")),
            Span::styled(count(*cards, "card", "cards"), theme.dim),
        ]));
    }
}

/// The chapters that teach what did not go well.
fn to_read(lines: &mut Vec<Line<'static>>, summary: &Summary, bank: &Bank, theme: &Theme) {
    if summary.read.is_empty() {
        return;
    }
    heading(lines, "Read", "", theme);
    for (i, reading) in summary.read.iter().take(CHAPTERS).enumerate() {
        let link = match &reading.link.anchor {
            Some(anchor) => format!("chapter:{}#{anchor}", reading.link.chapter),
            None => format!("chapter:{}", reading.link.chapter),
        };
        let hint = if i == 0 { "   o opens it" } else { "" };
        let cards = count(reading.cards.len(), "card", "cards");
        lines.push(Line::from(vec![
            Span::styled("→ ", theme.accent),
            Span::raw(card_view::link_words(&link, bank)),
            Span::styled(format!("   for {cards}{hint}"), theme.dim),
        ]));
    }
}
