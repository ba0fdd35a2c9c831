//! The end of a scenario: what was predicted right, what was not, and what to read.

use ratatui::text::{Line, Span};

use crate::{
    bank::{Bank, CardId},
    lab::{
        play::{Outcome, Play},
        prediction::in_words,
    },
    tui::{
        canvas::Canvas,
        markdown::{Run, wrap},
        text::{count, plain},
    },
};

/// The cards that wrong predictions made due, each once, in order.
pub(super) fn cards_due(play: &Play) -> Vec<CardId> {
    let mut cards: Vec<CardId> = Vec::new();
    for outcome in play.outcomes().iter().filter(|outcome| is_missed(outcome)) {
        for card in play.cards(outcome) {
            if !cards.contains(&card) {
                cards.push(card);
            }
        }
    }
    cards
}

/// Answered, and wrong.
pub(super) fn is_missed(outcome: &Outcome) -> bool {
    outcome.reply.is_some() && !outcome.right
}

/// Writes the page.
pub(super) fn write(
    lines: &mut Vec<Line<'static>>,
    columns: usize,
    play: &Play,
    bank: &Bank,
    canvas: &Canvas<'_>,
) {
    let theme = canvas.theme;
    let outcomes = play.outcomes();
    let made = outcomes.iter().filter(|o| o.reply.is_some()).count();
    let right = outcomes.iter().filter(|o| o.right).count();
    lines.push(Line::styled(plain(&play.scenario().title), theme.title));
    lines.push(Line::default());
    let words = if made == 0 {
        "Over. You made no predictions; they are what makes it stick.".to_owned()
    } else {
        format!(
            "Over: {right} of {} right.",
            count(made, "prediction", "predictions")
        )
    };
    lines.extend(wrap(&[Run::new(words, theme.accent)], columns));
    lines.push(Line::default());
    for outcome in outcomes {
        let Some(prediction) = play
            .scenario()
            .steps
            .get(outcome.step)
            .and_then(|step| step.predict.get(outcome.place))
        else {
            continue;
        };
        let (sign, style) = match (&outcome.reply, outcome.right) {
            (None, _) => ("–", theme.dim),
            (_, true) => ("✓", theme.good),
            (_, false) => ("✗", theme.bad),
        };
        let mut text = plain(&prediction.ask);
        if !outcome.right
            && let Ok(truth) = &outcome.truth
        {
            text.push_str(" → ");
            text.push_str(&plain(&in_words(prediction, truth)));
        }
        for (row, line) in wrap(
            &[Run::new(text, ratatui::style::Style::new())],
            columns.saturating_sub(2),
        )
        .into_iter()
        .enumerate()
        {
            let mut spans = vec![if row == 0 {
                Span::styled(format!("{sign} "), style)
            } else {
                Span::raw("  ")
            }];
            spans.extend(line.spans);
            lines.push(Line::from(spans));
        }
    }
    lines.push(Line::default());
    let due = cards_due(play);
    if !due.is_empty() {
        let words = format!(
            "{} will come back in the drill, because of what was wrong:",
            count(due.len(), "card", "cards")
        );
        lines.extend(wrap(&[Run::new(words, theme.warn)], columns));
        for card in due.iter().filter_map(|id| bank.card(id)) {
            let text = format!("· {}", plain(&card.ask));
            lines.extend(wrap(
                &[Run::new(text, ratatui::style::Style::new())],
                columns,
            ));
        }
        lines.push(Line::default());
    }
    if let Some(chapter) = play
        .scenario()
        .see
        .chapter
        .as_ref()
        .and_then(|link| bank.chapter(&link.chapter))
    {
        let words = format!("Read: {} (o opens it)", plain(&chapter.title));
        lines.extend(wrap(&[Run::new(words, theme.link)], columns));
    }
    let words = "d drills the cards of this scenario, enter leaves it, and the cluster is still yours to break";
    lines.extend(wrap(&[Run::new(words, theme.dim)], columns));
}
