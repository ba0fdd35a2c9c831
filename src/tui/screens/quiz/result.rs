//! How a quiz went: score by topic and level, every miss with its reasons, and the runs before.

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    super::report::{compared, dated},
    clock, marked, passed,
};
use crate::{
    bank::{Answer, CardId, Choice},
    session::quiz::{Candidate, Given, Report, Score, Verdict},
    tui::{
        canvas::Canvas,
        desk::practice::{find, misses},
        effect::{Cx, Effect},
        keymap::{Action, Context},
        text::{count, fit, percent, plain},
        theme::Theme,
        widgets::{Scroll, bar, column, flow},
    },
};

/// The screen.
#[derive(Debug)]
pub struct QuizResult {
    report: Report,
    /// Shares of earlier runs about the same, oldest first.
    earlier: Vec<f64>,
    scroll: Scroll,
    /// The day it is of, where it is looked at again.
    day: Option<String>,
}

impl QuizResult {
    /// The result of a quiz. `earlier` are reports about the same, newest first, this one left out; `day` is that of a
    /// quiz that is past.
    pub fn new(report: Report, earlier: &[Report], day: Option<String>) -> Self {
        Self {
            report,
            earlier: earlier
                .iter()
                .rev()
                .map(|report| report.score.share())
                .collect(),
            scroll: Scroll::default(),
            day,
        }
    }

    /// Its name in the top line.
    pub fn title(&self) -> String {
        dated("quiz › result", self.day.as_deref())
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::QuizResult, Context::Moving]
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action) -> bool {
        let missed = || self.report.misses().next().is_some();
        match action {
            Action::Retry => missed(),
            Action::Cards => !self.missed_cards().is_empty(),
            _ => true,
        }
    }

    fn missed_cards(&self) -> Vec<CardId> {
        let mut cards: Vec<CardId> = Vec::new();
        for card in self
            .report
            .misses()
            .filter_map(|verdict| verdict.source.card())
        {
            if !cards.contains(card) {
                cards.push(card.clone());
            }
        }
        cards
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Back => vec![Effect::Back],
            Action::Open => vec![Effect::Home],
            Action::Retry => {
                let again = misses(&self.report);
                let begin = again.map(|(pool, settings)| Effect::BeginQuiz(pool, settings));
                begin.into_iter().collect()
            }
            Action::Cards => {
                let cards = self.missed_cards();
                vec![Effect::BrowseCards("missed in the quiz".to_owned(), cards)]
            }
            other => {
                self.scroll.act(other);
                Vec::new()
            }
        }
    }

    /// Draws the result.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let body = column(area);
        let columns = usize::from(body.width);
        let mut lines = self.head(canvas, columns);
        self.scores(canvas, columns, &mut lines);
        let misses: Vec<Verdict> = self.report.misses().cloned().collect();
        if misses.is_empty() {
            lines.push(Line::default());
            lines.push(Line::from(Span::styled(
                "Nothing was missed.",
                canvas.theme.good,
            )));
        }
        for verdict in &misses {
            if let Some(candidate) = find(cx.desk.bank(), &verdict.source) {
                miss(canvas, verdict, &candidate, columns, &mut lines);
            }
        }
        self.times(canvas, columns, cx, &mut lines);
        self.scroll.draw(canvas, body, &lines);
    }

    fn head(&self, canvas: &mut Canvas<'_>, columns: usize) -> Vec<Line<'static>> {
        let theme = canvas.theme;
        let report = &self.report;
        let Score { earned, asked } = report.score;
        let unanswered = report.verdicts.iter().filter(|v| v.unanswered).count();
        let mut lines = vec![Line::default()];
        let mut first = vec![Span::styled(percent(report.score.share()), theme.title)];
        first.push(Span::raw(format!(
            "   {} of {asked} points",
            number(earned)
        )));
        if unanswered > 0 {
            first.push(Span::styled(
                format!("   {unanswered} unanswered"),
                theme.warn,
            ));
        }
        if report.out_of_time {
            first.push(Span::styled("   time ran out", theme.bad));
        }
        flow(&mut lines, first, columns);
        let each = report.elapsed / u32::try_from(asked.max(1)).unwrap_or(1);
        let mut words = format!(
            "{} on the clock, {} a question",
            passed(report.elapsed),
            clock(each)
        );
        if report.pauses > 0 {
            let times = count(report.pauses as usize, "time", "times");
            words.push_str(&format!(", stopped {times}"));
        }
        words.push_str(&format!(", seed {}", report.settings.seed));
        lines.extend(marked(canvas, Vec::new(), &words, columns, theme.dim));
        let before = count(self.earlier.len(), "run", "runs");
        let aside = format!(" since the last of {before} before");
        let now = report.score.share();
        compared(&mut lines, &self.earlier, now, aside, columns, theme);
        lines
    }

    /// Every question with the time it took.
    fn times(
        &self,
        canvas: &Canvas<'_>,
        columns: usize,
        cx: &Cx<'_>,
        lines: &mut Vec<Line<'static>>,
    ) {
        let theme = canvas.theme;
        lines.push(Line::default());
        lines.push(Line::from(Span::styled("Time by question", theme.title)));
        for (place, verdict) in self.report.verdicts.iter().enumerate() {
            let candidate = find(cx.desk.bank(), &verdict.source);
            let ask = candidate.map_or_else(|| "gone from the bank".to_owned(), |c| c.check.ask);
            let ask = ask.lines().next().unwrap_or_default().to_owned();
            lines.push(Line::from(vec![
                Span::styled(format!("  {:>2} ", place + 1), theme.dim),
                sign(verdict, theme),
                Span::styled(format!(" {:>5}  ", passed(verdict.spent)), theme.accent),
                Span::raw(fit(&plain(&ask), columns.saturating_sub(15))),
            ]));
        }
    }

    fn scores(&self, canvas: &Canvas<'_>, columns: usize, lines: &mut Vec<Line<'static>>) {
        let theme = canvas.theme;
        // The bar, and how many of how many.
        let room = columns.saturating_sub(3 + 10 + 13).min(40);
        for (title, scores) in [
            ("By topic", &self.report.by_topic),
            ("By level", &self.report.by_level),
        ] {
            lines.push(Line::default());
            lines.push(Line::from(Span::styled(title, theme.title)));
            for (name, score) in scores {
                let mut spans = vec![Span::raw(format!("  {} ", fit(&plain(name), room)))];
                spans.extend(bar(score.share(), 10, theme, theme.accent));
                spans.push(Span::raw(format!(
                    "  {} of {}",
                    number(score.earned),
                    score.asked
                )));
                lines.push(Line::from(spans));
            }
        }
    }
}

/// How a question ended, as one sign.
fn sign(verdict: &Verdict, theme: &Theme) -> Span<'static> {
    match verdict.mark.credit {
        credit if credit >= 1.0 => Span::styled("✓", theme.good),
        credit if credit > 0.0 => Span::styled("~", theme.warn),
        _ if verdict.unanswered => Span::styled("–", theme.bad),
        _ => Span::styled("✗", theme.bad),
    }
}

/// What there is to say of a miss beside its reasons.
fn aside(verdict: &Verdict) -> String {
    let mut words = format!(
        "{} on it  ·  {}  ·  {}",
        passed(verdict.spent),
        plain(&verdict.topic),
        verdict.level
    );
    if verdict.unanswered {
        words.push_str("  ·  not answered");
    }
    if verdict.flagged {
        words.push_str("  ·  ⚑ for later");
    }
    words
}

/// Credit without needless decimals: `3`, `2.5`, `1.33`.
fn number(credit: f64) -> String {
    let text = format!("{credit:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One question that was missed: what was answered and why it is wrong, what is right and why.
fn miss(
    canvas: &mut Canvas<'_>,
    verdict: &Verdict,
    candidate: &Candidate,
    columns: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    lines.push(Line::default());
    let credit = if verdict.mark.credit > 0.0 {
        format!("~ {} of 1  ", number(verdict.mark.credit))
    } else {
        "✗ ".to_owned()
    };
    let mark = vec![Span::styled(credit, theme.bad)];
    lines.extend(marked(
        canvas,
        mark,
        &candidate.check.ask,
        columns,
        theme.title,
    ));
    lines.extend(marked(
        canvas,
        vec![Span::raw("    ")],
        &aside(verdict),
        columns,
        theme.dim,
    ));
    match &candidate.check.answer {
        Answer::Choose { choices } => chosen(canvas, verdict, choices, columns, lines),
        Answer::Order { steps, why } => ordered(canvas, verdict, steps, why, columns, lines),
        Answer::Type { accept, why } => {
            let right = accept.first().map_or("", String::as_str);
            typed(canvas, verdict, right, why, columns, lines);
        }
        Answer::Number {
            value, unit, why, ..
        } => {
            let right = format!("{value} {unit}");
            typed(canvas, verdict, right.trim(), why, columns, lines);
        }
    }
}

/// A reason, below what it is the reason of.
fn reason(canvas: &mut Canvas<'_>, why: &str, columns: usize, lines: &mut Vec<Line<'static>>) {
    let dim = canvas.theme.dim;
    lines.extend(marked(canvas, vec![Span::raw("      ")], why, columns, dim));
}

/// What is right, and what was taken of the rest, each with its reason.
fn chosen(
    canvas: &mut Canvas<'_>,
    verdict: &Verdict,
    choices: &[Choice],
    columns: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    for (place, choice) in choices.iter().enumerate() {
        let picked = matches!(&verdict.given, Given::Picked(picked) if picked.contains(&place));
        let mark = match (choice.right, picked) {
            (true, true) => Span::styled("    ✓ ", theme.good),
            (true, false) => Span::styled("    → ", theme.good),
            (false, true) => Span::styled("    ✗ ", theme.bad),
            (false, false) => continue,
        };
        lines.extend(marked(
            canvas,
            vec![mark],
            &choice.text,
            columns,
            Style::new(),
        ));
        reason(canvas, &choice.why, columns, lines);
    }
}

/// The order given, and the one that is right.
fn ordered(
    canvas: &mut Canvas<'_>,
    verdict: &Verdict,
    steps: &[String],
    why: &str,
    columns: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    if let Given::Ordered(order) = &verdict.given {
        let given = order.iter().filter_map(|step| steps.get(*step));
        let given: Vec<&str> = given.map(String::as_str).collect();
        let mark = vec![Span::styled("    ✗ ", theme.bad)];
        lines.extend(marked(canvas, mark, &given.join(" → "), columns, theme.dim));
    }
    for (place, step) in steps.iter().enumerate() {
        let mark = vec![Span::styled(format!("    {}. ", place + 1), theme.good)];
        lines.extend(marked(canvas, mark, step, columns, Style::new()));
    }
    reason(canvas, why, columns, lines);
}

/// What was typed, and what would have been right.
fn typed(
    canvas: &mut Canvas<'_>,
    verdict: &Verdict,
    right: &str,
    why: &str,
    columns: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    let text = match &verdict.given {
        Given::Typed(text) if !text.trim().is_empty() => plain(text),
        _ => "nothing".to_owned(),
    };
    lines.push(Line::from(vec![
        Span::styled("    ✗ ", theme.bad),
        Span::raw(text),
        Span::styled("    → ", theme.good),
        Span::raw(plain(right)),
    ]));
    reason(canvas, why, columns, lines);
}
