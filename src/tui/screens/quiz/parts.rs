//! The parts of a question on screen: choices, steps, the typed answer, and the marks beside them.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{QuizScreen, marked};
use crate::{
    bank::Answer,
    session::quiz::{Given, Phase},
    tui::{canvas::Canvas, text::plain, theme::Theme},
};

impl QuizScreen {
    pub(super) fn choices(
        &self,
        canvas: &mut Canvas<'_>,
        columns: usize,
        lines: &mut Vec<Line<'static>>,
        rows: &mut Vec<usize>,
    ) {
        let theme = canvas.theme;
        let question = self.quiz.question();
        let Answer::Choose { choices } = &question.candidate.check.answer else {
            return;
        };
        let several = question.candidate.check.answer.several();
        let answered = self.quiz.phase() == Phase::Answered;
        for (place, choice) in question.shown.iter().enumerate() {
            let choice_at = *choice;
            let choice = &choices[choice_at];
            let picked =
                matches!(self.given(), Given::Picked(picked) if picked.contains(&choice_at));
            let here = !answered && self.cursor == Some(place);
            let sign = match (several, picked) {
                (true, true) => "[x] ",
                (true, false) => "[ ] ",
                (false, true) => "(•) ",
                (false, false) => "( ) ",
            };
            let letter = char::from(b'a' + (place as u8).min(25)).to_string();
            let mut mark = vec![
                Span::styled(if here { "▸ " } else { "  " }, theme.accent),
                Span::styled(letter, theme.key),
                Span::raw(" "),
                Span::styled(sign, if picked { theme.accent } else { theme.dim }),
            ];
            if answered {
                mark.insert(0, verdict_sign(choice.right, picked, theme));
            }
            rows.push(lines.len());
            let style = if here { theme.selected } else { Style::new() };
            lines.extend(marked(canvas, mark, &choice.text, columns, style));
            if answered {
                let indent = vec![Span::raw("           ")];
                lines.extend(marked(canvas, indent, &choice.why, columns, theme.dim));
                lines.push(Line::default());
            }
        }
        if several && !answered {
            lines.push(Line::default());
            lines.push(Line::from(Span::styled(
                "More than one is right; a wrong pick costs what a right one earns.",
                theme.dim,
            )));
        }
    }

    pub(super) fn steps(
        &self,
        canvas: &mut Canvas<'_>,
        columns: usize,
        lines: &mut Vec<Line<'static>>,
        rows: &mut Vec<usize>,
    ) {
        let theme = canvas.theme;
        let Answer::Order { steps, why } = self.answer().clone() else {
            return;
        };
        let answered = self.quiz.phase() == Phase::Answered;
        for (place, step) in self.quiz.order().iter().enumerate() {
            let here = !answered && self.cursor == Some(place);
            let mut mark = vec![
                Span::styled(if here { "▸ " } else { "  " }, theme.accent),
                Span::styled(format!("{}. ", place + 1), theme.key),
            ];
            if answered {
                mark.insert(0, verdict_sign(*step == place, true, theme));
            }
            rows.push(lines.len());
            let style = if here { theme.selected } else { Style::new() };
            lines.extend(marked(canvas, mark, &steps[*step], columns, style));
        }
        lines.push(Line::default());
        if answered {
            self.right_order(canvas, &steps, columns, lines);
            lines.extend(marked(canvas, Vec::new(), &why, columns, theme.dim));
        } else {
            let hint = "Arrows choose a step; J and K move it down and up.";
            lines.push(Line::from(Span::styled(hint, theme.dim)));
        }
    }

    fn right_order(
        &self,
        canvas: &mut Canvas<'_>,
        steps: &[String],
        columns: usize,
        lines: &mut Vec<Line<'static>>,
    ) {
        let theme = canvas.theme;
        let right = self
            .quiz
            .verdict(self.quiz.at())
            .is_some_and(|v| v.mark.is_right());
        if right {
            return;
        }
        lines.push(Line::from(Span::styled("In order", theme.title)));
        for (place, step) in steps.iter().enumerate() {
            let mark = vec![Span::styled(format!("  {}. ", place + 1), theme.good)];
            lines.extend(marked(canvas, mark, step, columns, Style::new()));
        }
        lines.push(Line::default());
    }

    pub(super) fn typed(
        &self,
        canvas: &mut Canvas<'_>,
        columns: usize,
        lines: &mut Vec<Line<'static>>,
    ) {
        let theme = canvas.theme;
        let (shown, unit, why) = match self.answer().clone() {
            Answer::Type { accept, why } => (
                accept.first().cloned().unwrap_or_default(),
                String::new(),
                why,
            ),
            Answer::Number {
                value, unit, why, ..
            } => (format!("{value} {unit}"), unit, why),
            Answer::Choose { .. } | Answer::Order { .. } => return,
        };
        if self.quiz.phase() != Phase::Answered {
            // The field itself is drawn over this line.
            lines.push(Line::default());
            lines.push(Line::default());
            let hint = match self.answer() {
                Answer::Number { .. } if unit.is_empty() => "A number".to_owned(),
                Answer::Number { .. } => format!("A number, in {}", plain(&unit)),
                _ => String::new(),
            };
            lines.push(Line::from(Span::styled(hint, theme.dim)));
            return;
        }
        let verdict = self.quiz.verdict(self.quiz.at());
        let right = verdict.as_ref().is_some_and(|v| v.mark.is_right());
        let text = match self.given() {
            Given::Typed(text) if !text.trim().is_empty() => plain(text),
            _ => "nothing".to_owned(),
        };
        lines.push(Line::from(vec![
            verdict_sign(right, true, theme),
            Span::raw("you typed "),
            Span::styled(text, if right { theme.good } else { theme.bad }),
        ]));
        let meant = verdict.and_then(|v| v.mark.forgiven);
        if let Some(meant) = &meant {
            let words = format!("  a slip of the fingers for {}, forgiven", plain(meant));
            lines.push(Line::from(Span::styled(words, theme.warn)));
        } else if !right {
            lines.push(Line::from(vec![
                Span::raw("  the answer is "),
                Span::styled(plain(shown.trim()), theme.good),
            ]));
        }
        lines.push(Line::default());
        lines.extend(marked(canvas, Vec::new(), &why, columns, theme.dim));
    }

    /// What an answer rests on, below it.
    pub(super) fn background(
        &self,
        canvas: &mut Canvas<'_>,
        columns: usize,
        lines: &mut Vec<Line<'static>>,
    ) {
        let text = self.quiz.question().candidate.background.clone();
        if text.trim().is_empty() {
            return;
        }
        if lines.last().is_some_and(|line| line.width() > 0) {
            lines.push(Line::default());
        }
        let rule = vec![Span::styled("▎ ", canvas.theme.accent)];
        for line in &marked(
            canvas,
            Vec::new(),
            &text,
            columns.saturating_sub(2),
            Style::new(),
        ) {
            let mut spans = rule.clone();
            spans.extend(line.spans.iter().cloned());
            lines.push(Line::from(spans));
        }
    }
}

/// What an answer shows in front of a choice: taken or not, right or not.
fn verdict_sign(right: bool, picked: bool, theme: &Theme) -> Span<'static> {
    match (right, picked) {
        (true, true) => Span::styled("✓ ", theme.good),
        (true, false) => Span::styled("→ ", theme.good),
        (false, true) => Span::styled("✗ ", theme.bad),
        (false, false) => Span::raw("  "),
    }
}
