//! The guide beside the cluster: what the step says, what it asks, how it came and why.

use ratatui::{
    style::Modifier,
    text::{Line, Span},
};

use crate::{
    bank::Bank,
    lab::{
        glossary,
        play::{Outcome, Play, Stage},
        prediction::{in_words, letter, reply_in_words},
        scenario::{Answer, Choice, Prediction, Reveal, Step},
        values,
    },
    tui::{
        canvas::Canvas,
        markdown::{Run, wrap},
        text::{count, fit, plain, width},
        theme::Theme,
    },
};

/// What is written in the guide's field, and which choice is marked.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// The marked choice.
    pub(super) choice: usize,
    /// The typed answer.
    pub(super) text: crate::tui::widgets::Field,
    /// What was wrong with it.
    pub(super) problem: String,
}

/// The lines of the guide, and the rows that are looked for in them.
#[derive(Default)]
pub(super) struct Page {
    pub(super) lines: Vec<Line<'static>>,
    /// The field where text is typed.
    pub(super) field: Option<usize>,
    /// The heading of the question.
    pub(super) question: Option<usize>,
    /// The last row of the marked choice.
    pub(super) marked: Option<usize>,
}

/// Builds lines of a width.
struct Writer<'c, 'a> {
    canvas: &'c mut Canvas<'a>,
    columns: usize,
    lines: Vec<Line<'static>>,
}

impl Writer<'_, '_> {
    fn theme(&self) -> &Theme {
        self.canvas.theme
    }

    fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| line.width() > 0) {
            self.lines.push(Line::default());
        }
    }

    fn markdown(&mut self, text: &str) {
        let theme = self.canvas.theme;
        let page = self.canvas.prose.page(text.trim(), self.columns, theme, 0);
        self.lines.extend(page.lines.iter().cloned());
    }

    /// Markdown behind a sign, with a hanging indent.
    fn item(&mut self, sign: &str, style: ratatui::style::Style, text: &str) {
        let indent = width(sign) + 1;
        let theme = self.canvas.theme;
        let page = self.canvas.prose.page(
            text.trim(),
            self.columns.saturating_sub(indent).max(12),
            theme,
            0,
        );
        for (row, line) in page.lines.iter().enumerate() {
            let head = if row == 0 {
                Span::styled(format!("{sign} "), style)
            } else {
                Span::raw(" ".repeat(indent))
            };
            let mut spans = vec![head];
            spans.extend(line.spans.iter().cloned());
            self.lines.push(Line::from(spans));
        }
    }

    fn words(&mut self, text: &str, style: ratatui::style::Style) {
        self.lines
            .extend(wrap(&[Run::new(text, style)], self.columns));
    }

    fn heading(&mut self, text: &str) {
        self.gap();
        let style = self.theme().title;
        self.words(text, style);
    }
}

/// What the guide shows at this stage.
pub(super) fn page(
    canvas: &mut Canvas<'_>,
    columns: usize,
    play: &Play,
    draft: &Draft,
    bank: &Bank,
) -> Page {
    let mut w = Writer {
        canvas,
        columns,
        lines: Vec::new(),
    };
    if play.stage() == Stage::Finished {
        super::finish::write(&mut w.lines, columns, play, bank, w.canvas);
    }
    let Some(step) = play.step() else {
        return Page {
            lines: w.lines,
            ..Page::default()
        };
    };
    let mut page = Page::default();
    let theme = w.canvas.theme;
    w.lines.push(Line::styled(plain(&step.title), theme.title));
    if play.is_off_script() {
        let words = "You have left the script. enter goes back to it, R begins the step again.";
        w.gap();
        w.words(words, theme.warn);
    }
    match play.stage() {
        Stage::Reading => {
            w.gap();
            w.markdown(&step.say);
        }
        Stage::Asking(place) => {
            if let Some(prediction) = step.predict.get(place) {
                page = ask(&mut w, step, place, prediction, draft);
            }
        }
        Stage::Running => running(&mut w, step, play),
        Stage::Told => told(&mut w, step, play, bank),
        Stage::Comparing => comparing(&mut w, step, play),
        Stage::Finished => {}
    }
    w.gap();
    let hint = match play.stage() {
        Stage::Asking(_) => "",
        Stage::Running => "space pauses, enter goes to the end of this step",
        _ => "enter goes on",
    };
    if !hint.is_empty() {
        w.words(hint, theme.dim);
    }
    new_words(&mut w, play);
    Page {
        lines: w.lines,
        ..page
    }
}

fn ask(
    w: &mut Writer<'_, '_>,
    step: &Step,
    place: usize,
    prediction: &Prediction,
    draft: &Draft,
) -> Page {
    let mut page = Page::default();
    let theme = w.canvas.theme;
    if place == 0 && !step.say.is_empty() {
        w.gap();
        w.markdown(&step.say);
    }
    let of = step.predict.len();
    let head = if of > 1 {
        format!("Predict, {} of {of}", place + 1)
    } else {
        "Predict".to_owned()
    };
    w.heading(&head);
    page.question = Some(w.lines.len() - 1);
    w.markdown(&prediction.ask);
    w.gap();
    match &prediction.answer {
        Answer::Choices(choices) => {
            for (place, choice) in choices.iter().enumerate() {
                let marked = place == draft.choice;
                let sign = format!("{}{}", if marked { "▸" } else { " " }, letter(place));
                let style = if marked { theme.accent } else { theme.key };
                w.item(&sign, style, &choice.text);
                if marked {
                    page.marked = Some(w.lines.len() - 1);
                }
            }
            w.gap();
            w.words("a letter, or ↑ ↓ and enter; n passes", theme.dim);
        }
        Answer::Number { unit, .. } => {
            page.field = Some(w.lines.len());
            w.lines.push(Line::default());
            let unit = if unit.is_empty() { "a number" } else { unit };
            w.words(&format!("{unit}; enter takes it, esc passes"), theme.dim);
        }
        Answer::Names { kind, .. } => {
            page.field = Some(w.lines.len());
            w.lines.push(Line::default());
            w.words(
                &format!("{}; enter takes it, esc passes", wanted(kind)),
                theme.dim,
            );
        }
    }
    if !draft.problem.is_empty() {
        w.words(&draft.problem, theme.bad);
    }
    page
}

/// The terms that are met here for the first time, with their meaning.
fn new_words(w: &mut Writer<'_, '_>, play: &Play) {
    let place = play.step_number();
    let Some(step) = play.step() else { return };
    let mut before: String = play.scenario().steps[..place]
        .iter()
        .flat_map(|step| [asked(step), revealed(step), compared(step)])
        .collect();
    let text = match play.stage() {
        Stage::Reading => asked(step),
        Stage::Asking(_) if step.say.is_empty() => asked(step),
        Stage::Told => {
            before.push_str(&asked(step));
            revealed(step)
        }
        Stage::Comparing => {
            before.extend([asked(step), revealed(step)]);
            compared(step)
        }
        _ => return,
    };
    let terms = glossary::met(&before, &text);
    if terms.is_empty() {
        return;
    }
    w.heading("Words");
    for term in terms {
        let columns = w.columns;
        let lines = super::cluster::gloss(term, columns, w.canvas.theme);
        w.lines.extend(lines);
    }
}

/// What a step says and asks.
fn asked(step: &Step) -> String {
    joined(&step.say, step, |p| &p.ask, |choice| &choice.text)
}

/// What a step explains when it has come.
fn revealed(step: &Step) -> String {
    let text = step.reveal.as_ref().map_or("", |reveal| &reveal.text);
    joined(text, step, |p| &p.why, |choice| &choice.why)
}

/// What a step says of its twin.
fn compared(step: &Step) -> String {
    let twin = step.twin.as_ref();
    twin.map_or_else(String::new, |twin| {
        format!("{} {} ", twin.about, twin.reveal)
    })
}

/// A text, and a part of each prediction and of each of its choices.
fn joined(
    first: &str,
    step: &Step,
    of: fn(&Prediction) -> &str,
    of_choice: fn(&Choice) -> &str,
) -> String {
    let mut text = format!("{first} ");
    for prediction in &step.predict {
        let choices: &[Choice] = match &prediction.answer {
            Answer::Choices(choices) => choices,
            Answer::Number { .. } | Answer::Names { .. } => &[],
        };
        for part in std::iter::once(of(prediction)).chain(choices.iter().map(of_choice)) {
            text.push_str(part);
            text.push(' ');
        }
    }
    text
}

/// What to write where names are asked for.
fn wanted(kind: &str) -> String {
    if kind.contains("none") || kind.starts_with("a ") || kind.starts_with("an ") {
        kind.to_owned()
    } else {
        format!("{kind} with commas between, or none")
    }
}

fn running(w: &mut Writer<'_, '_>, step: &Step, play: &Play) {
    let theme = w.canvas.theme;
    w.gap();
    for command in &step.commands {
        w.words(&format!("› {command}"), theme.accent);
    }
    if let Some(until) = play.runs_until() {
        let words = match &step.run {
            Some(crate::lab::scenario::Run::Until { condition, .. }) => {
                format!("runs until {condition}, at most to {until}")
            }
            _ => format!("runs to {until}"),
        };
        w.words(&words, theme.dim);
    }
    if !step.say.is_empty() {
        w.gap();
        w.markdown(&step.say);
    }
    for prediction in &step.predict {
        w.heading("You predicted");
        w.markdown(&prediction.ask);
    }
}

fn told(w: &mut Writer<'_, '_>, step: &Step, play: &Play, bank: &Bank) {
    let theme = w.canvas.theme;
    for command in &step.commands {
        w.words(&format!("› {command}"), theme.accent);
    }
    for outcome in play
        .outcomes()
        .iter()
        .filter(|o| o.step == play.step_number())
    {
        if let Some(prediction) = step.predict.get(outcome.place) {
            answered(w, prediction, outcome);
        }
    }
    for broken in play
        .broken()
        .iter()
        .filter(|b| b.step == play.step_number())
    {
        w.gap();
        w.item(
            "!",
            theme.bad,
            &format!("Not as this scenario says: {}", broken.what),
        );
    }
    if let Some(reveal) = &step.reveal {
        w.heading("Why");
        explained(w, reveal, play, bank);
    }
    if step.twin.is_some() {
        w.gap();
        w.words(
            "enter shows the same run with one thing changed",
            theme.info,
        );
    }
}

fn answered(w: &mut Writer<'_, '_>, prediction: &Prediction, outcome: &Outcome) {
    let theme = w.canvas.theme;
    w.gap();
    w.markdown(&prediction.ask);
    let Ok(truth) = &outcome.truth else { return };
    let right = in_words(prediction, truth);
    match &outcome.reply {
        Some(reply) if outcome.right => {
            w.item("✓", theme.good, &reply_in_words(prediction, reply));
        }
        Some(reply) => {
            w.item("✗", theme.bad, &reply_in_words(prediction, reply));
            if let Some(why) = chosen(prediction, reply).map(|choice| &choice.why) {
                w.item(" ", theme.dim, why);
            }
            w.item("→", theme.accent, &right);
        }
        None => w.item("→", theme.accent, &format!("{right} (not predicted)")),
    }
    if let (crate::lab::prediction::Truth::Choice(place), Answer::Choices(choices)) =
        (truth, &prediction.answer)
        && let Some(choice) = choices.get(*place)
    {
        w.item(" ", theme.dim, &choice.why);
    }
    if !prediction.why.is_empty() {
        w.item(" ", theme.dim, &prediction.why);
    }
}

fn chosen<'p>(
    prediction: &'p Prediction,
    reply: &crate::lab::prediction::Reply,
) -> Option<&'p Choice> {
    match (reply, &prediction.answer) {
        (crate::lab::prediction::Reply::Choice(place), Answer::Choices(choices)) => {
            choices.get(*place)
        }
        _ => None,
    }
}

fn explained(w: &mut Writer<'_, '_>, reveal: &Reveal, play: &Play, bank: &Bank) {
    let theme = w.canvas.theme;
    w.markdown(&reveal.text);
    w.gap();
    for setting in &reveal.settings {
        let words = values::in_effect(&play.scenario().cluster, *setting);
        w.item("·", theme.code, &format!("`{words}`"));
    }
    if !reveal.rule.is_empty() {
        w.item("·", theme.dim, &format!("Rule: {}", reveal.rule));
    }
    let chapter = reveal
        .chapter
        .as_ref()
        .and_then(|link| bank.chapter(&link.chapter));
    if let Some(chapter) = chapter {
        w.item(
            "·",
            theme.link,
            &format!("Read: {} (o opens it)", chapter.title),
        );
    }
    if !reveal.cards.is_empty() {
        let words = count(reveal.cards.len(), "card", "cards");
        w.item("·", theme.link, &format!("{words} on this (d shows them)"));
    }
}

fn comparing(w: &mut Writer<'_, '_>, step: &Step, play: &Play) {
    let theme = w.canvas.theme;
    let Some(twin) = &step.twin else { return };
    w.gap();
    w.markdown(&twin.about);
    w.gap();
    let compared = play.compared();
    let room = w.columns.saturating_sub(4);
    let wide = |part: fn(&crate::lab::play::Compared) -> &str, head: &str| {
        compared
            .iter()
            .map(|line| width(part(line)))
            .chain([width(head)])
            .max()
            .unwrap_or(0)
            .min(room / 3)
    };
    let here = wide(|line| &line.here, &twin.here);
    let there = wide(|line| &line.there, &twin.there);
    let what = room.saturating_sub(here + there).max(10);
    if !twin.setting.is_empty() {
        w.lines.push(Line::styled(twin.setting.clone(), theme.key));
    }
    let at = format!("at {}", play.script_at());
    w.lines.push(Line::from(vec![
        Span::styled(fit(&at, what), theme.dim),
        Span::styled(format!("  {}", fit(&twin.here, here)), theme.title),
        Span::styled(format!("  {}", fit(&twin.there, there)), theme.title),
    ]));
    for line in compared {
        let differs = line.here != line.there;
        let style = if differs {
            theme.accent.add_modifier(Modifier::BOLD)
        } else {
            theme.dim
        };
        w.lines.push(Line::from(vec![
            Span::raw(fit(&line.what, what)),
            Span::styled(if differs { "* " } else { "  " }, theme.accent),
            Span::styled(fit(&line.here, here), style),
            Span::styled(format!("  {}", fit(&line.there, there)), style),
        ]));
    }
    w.gap();
    w.markdown(&twin.reveal);
    w.gap();
    w.words(
        "t shows both clusters side by side, then one alone; time and commands go to both",
        theme.info,
    );
}
