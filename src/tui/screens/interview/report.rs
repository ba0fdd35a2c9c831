//! How an interview went: the level with its reasons, what was covered and missed, and what to drill.

use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::{
    super::{
        quiz::marked,
        report::{compared, dated},
    },
    heading, passed,
};
use crate::{
    bank::Level,
    session::{
        design::{self, StageReport},
        interview::{Answer, Report},
    },
    tui::{
        canvas::Canvas,
        effect::{Cx, Effect},
        keymap::{Action, Context},
        text::{count, fit, percent, plain, right},
        widgets::{Scroll, bar, column, flow},
    },
};

/// The screen.
#[derive(Debug)]
pub struct InterviewReport {
    report: Report,
    /// Earlier ones, oldest first: share and level.
    earlier: Vec<(f64, Option<String>)>,
    scroll: Scroll,
    /// The day it is of, where it is looked at again.
    day: Option<String>,
}

/// What a report is compared by: the worth of its answers, or the rubric of its design.
fn share(report: &Report) -> Option<f64> {
    let design = || report.design.as_ref().map(design::Report::share);
    report.share().or_else(design)
}

impl InterviewReport {
    /// A report beside earlier ones, newest first; `day` is that of one that is past.
    pub fn new(report: Report, earlier: &[Report], day: Option<String>) -> Self {
        Self {
            report,
            earlier: earlier
                .iter()
                .rev()
                .filter_map(|report| Some((share(report)?, report.level.clone())))
                .collect(),
            scroll: Scroll::default(),
            day,
        }
    }

    /// Its name in the top line.
    pub fn title(&self) -> String {
        let kind = if self.report.answers.is_empty() && self.report.design.is_some() {
            "design › report"
        } else {
            "interview › report"
        };
        dated(kind, self.day.as_deref())
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::InterviewReport, Context::Moving]
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action) -> bool {
        match action {
            Action::DrillThese | Action::Cards => !self.report.to_drill().is_empty(),
            _ => true,
        }
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        let cards = self.report.to_drill();
        match action {
            Action::Back => vec![Effect::Back],
            Action::Open => vec![Effect::Home],
            Action::DrillThese if !cards.is_empty() => vec![Effect::DrillCards(cards)],
            Action::Cards if !cards.is_empty() => {
                let title = "fell short in the interview".to_owned();
                vec![Effect::BrowseCards(title, cards)]
            }
            other => {
                self.scroll.act(other);
                Vec::new()
            }
        }
    }

    /// Draws the report.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let body = column(area);
        let columns = usize::from(body.width);
        let mut lines = Vec::new();
        if self.report.answers.is_empty() && self.report.design.is_none() {
            let words = "Ended before the first answer: there is nothing to tell.";
            lines.push(Line::default());
            lines.push(Line::from(Span::styled(words, canvas.theme.dim)));
        }
        if !self.report.answers.is_empty() {
            lines.push(Line::default());
            self.verdict(canvas, columns, &mut lines);
        }
        self.compared(canvas, columns, &mut lines);
        if !self.report.answers.is_empty() {
            self.topics(canvas, columns, &mut lines);
            self.to_drill(canvas, cx, columns, &mut lines);
            heading(&mut lines, "Answer by answer", "", canvas.theme);
            for answer in &self.report.answers {
                spoken(canvas, answer, cx, columns, &mut lines);
            }
        }
        if let Some(design) = &self.report.design {
            stages(canvas, design, columns, &mut lines);
        }
        self.scroll.draw(canvas, body, &lines);
    }

    fn verdict(&self, canvas: &mut Canvas<'_>, columns: usize, lines: &mut Vec<Line<'static>>) {
        let theme = canvas.theme;
        let strong = Style::new().add_modifier(Modifier::BOLD);
        let level = match &self.report.level {
            Some(level) => Span::styled(level.clone(), theme.good.patch(strong)),
            None => Span::styled(self.report.reached(), theme.warn.patch(strong)),
        };
        let worth = self.report.share().unwrap_or_default() * 100.0;
        let spent = self.report.answers.iter().map(|answer| answer.spent).sum();
        let asked = count(self.report.answers.len(), "question", "questions");
        let facts = format!("   {asked}, worth {worth:.0} %, {} spoken", passed(spent));
        let spans = vec![
            Span::styled("Level  ", theme.title),
            level,
            Span::styled(facts, theme.dim),
        ];
        flow(lines, spans, columns);
        let indent = || vec![Span::raw("  ")];
        let missing = Level::ALL
            .into_iter()
            .filter(|level| self.report.answers.iter().all(|a| a.level != level.word()));
        for reason in &self.report.reasons {
            lines.extend(marked(canvas, indent(), reason, columns, Style::new()));
        }
        let missing: Vec<&str> = missing.map(Level::word).collect();
        if !missing.is_empty() {
            let words = format!("not asked about: {}", missing.join(", "));
            lines.extend(marked(canvas, indent(), &words, columns, theme.dim));
        }
    }

    fn compared(&self, canvas: &Canvas<'_>, columns: usize, lines: &mut Vec<Line<'static>>) {
        let (Some((_, level)), Some(now)) = (self.earlier.last(), share(&self.report)) else {
            return;
        };
        let mut aside = format!(" since the last of {}", self.earlier.len());
        if !self.report.answers.is_empty() {
            let level = level.as_deref().unwrap_or("no level");
            aside.push_str(&format!(", which reached {level}"));
        }
        let earlier: Vec<f64> = self.earlier.iter().map(|(share, _)| *share).collect();
        compared(lines, &earlier, now, aside, columns, canvas.theme);
    }

    fn topics(&self, canvas: &Canvas<'_>, columns: usize, lines: &mut Vec<Line<'static>>) {
        let theme = canvas.theme;
        // The bar, and how many of how many.
        let room = columns.saturating_sub(3 + 10 + 10).min(38);
        heading(lines, "Points by topic", "", theme);
        for (topic, made, of) in self.report.by_topic() {
            let share = made as f64 / of.max(1) as f64;
            let mut spans = vec![Span::raw(format!("  {} ", fit(&plain(&topic), room)))];
            spans.extend(bar(share, 10, theme, theme.share(share)));
            spans.push(Span::raw(format!("  {made} of {of}")));
            lines.push(Line::from(spans));
        }
    }

    fn to_drill(
        &self,
        canvas: &mut Canvas<'_>,
        cx: &Cx<'_>,
        columns: usize,
        lines: &mut Vec<Line<'static>>,
    ) {
        let theme = canvas.theme;
        let cards = self.report.to_drill();
        if cards.is_empty() {
            heading(lines, "Nothing to drill", "every answer held", theme);
            return;
        }
        heading(lines, "To drill", "due now; d begins", theme);
        for card in cards.iter().filter_map(|id| cx.desk.bank().card(id)) {
            let mark = vec![Span::styled("  → ", theme.accent)];
            lines.extend(marked(canvas, mark, &card.ask, columns, Style::new()));
        }
    }
}

/// One answer: what it was worth, what it missed, the trap.
fn spoken(
    canvas: &mut Canvas<'_>,
    answer: &Answer,
    cx: &Cx<'_>,
    columns: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    let (sign, style) = if answer.fell_short() {
        ("✗ ", theme.bad)
    } else {
        ("✓ ", theme.good)
    };
    let ask = cx.desk.bank().card(&answer.card);
    let ask = ask.map_or_else(|| answer.card.to_string(), |card| card.ask.to_string());
    lines.push(Line::default());
    lines.extend(marked(
        canvas,
        vec![Span::styled(sign, style)],
        &ask,
        columns,
        theme.title,
    ));
    let mut facts = vec![
        percent(answer.worth),
        format!(
            "{} of {} points",
            answer.made.len(),
            answer.made.len() + answer.missed.len()
        ),
        passed(answer.spent),
        answer.level.clone(),
    ];
    if answer.follow_ups.1 > 0 {
        facts.insert(
            2,
            format!(
                "{} of {} follow-ups",
                answer.follow_ups.0, answer.follow_ups.1
            ),
        );
    }
    lines.push(Line::from(Span::styled(
        format!("  {}", facts.join(" · ")),
        theme.dim,
    )));
    for point in &answer.missed {
        let mark = vec![Span::styled("  missed  ", theme.warn)];
        lines.extend(marked(canvas, mark, point, columns, Style::new()));
    }
    if let Some(trap) = &answer.trap {
        let mark = vec![Span::styled("  trap    ", theme.bad)];
        lines.extend(marked(canvas, mark, trap, columns, Style::new()));
    }
}

/// The design drill by stage: rubric, time against its share, hints, then what was missed.
fn stages(
    canvas: &mut Canvas<'_>,
    design: &design::Report,
    columns: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    let title = format!("{}: {}", plain(&design.title), percent(design.share()));
    let aside = format!(
        "{} at the whiteboard; two hints cost a line",
        passed(design.spent())
    );
    heading(lines, &title, "", theme);
    lines.push(Line::from(Span::styled(aside, theme.dim)));
    for stage in &design.stages {
        let mut spans = vec![Span::raw(format!("  {} ", fit(&stage.stage, 20)))];
        if stage.finished {
            let share = stage.met as f64 / stage.of.max(1) as f64;
            spans.extend(bar(share, 10, theme, theme.share(share)));
            spans.push(Span::raw(format!("  {} of {}", stage.met, stage.of)));
            spans.push(Span::raw(right(&passed(stage.spent), 8)));
            spans.push(Span::styled(
                format!(" of {}", passed(stage.share)),
                theme.dim,
            ));
            if stage.spent > stage.share {
                spans.push(Span::styled("  over", theme.warn));
            }
            if stage.hints > 0 {
                let hints = count(stage.hints, "hint", "hints");
                spans.push(Span::styled(format!("  {hints}"), theme.dim));
            }
        } else {
            spans.push(Span::styled("not reached", theme.dim));
        }
        flow(lines, spans, columns);
    }
    let missed = |stage: &&StageReport| stage.finished && !stage.missed.is_empty();
    for stage in design.stages.iter().filter(missed) {
        heading(lines, &stage.stage, "missed", theme);
        for line in &stage.missed {
            let mark = vec![Span::styled("  ✗ ", theme.warn)];
            lines.extend(marked(canvas, mark, line, columns, Style::new()));
        }
    }
}
