//! The self-test on screen: choosing an area, rating skill after skill, and what the ratings come to.
//!
//! What happens is decided by [`session::selftest`](crate::session::selftest).

use jiff::Timestamp;
use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{interview::strong, quiz::marked, report::dated};
use crate::{
    bank::{AreaId, Bank, CardId},
    progress::EventId,
    session::selftest::{self, Input, Item, Mastery, Report, SelfTest, Verdict},
    tui::{
        canvas::Canvas,
        desk::rating,
        effect::{Cx, Effect, Practise},
        keymap::{Action, Context},
        text::{count, fit, percent, plain, right, width},
        theme::Theme,
        widgets::{List, Scroll, bar, column, heading},
    },
};

/// Earlier ratings of a skill that are shown.
const SHOWN: usize = 8;

/// The areas to choose from.
#[derive(Debug)]
pub struct SelfTestSetup {
    list: List,
    rows: Vec<Row>,
}

/// An area, or all of them.
#[derive(Debug)]
struct Row {
    area: Option<AreaId>,
    title: String,
    skills: usize,
    stale: usize,
    /// Mean of the last ratings, from 0 to 2, and of how many skills.
    said: Option<(f64, usize)>,
}

impl Row {
    fn new(area: Option<AreaId>, title: &str, items: &[Item], now: Timestamp) -> Self {
        let said: Vec<u8> = items
            .iter()
            .filter_map(|item| item.history.last())
            .map(|(_, mastery)| mastery.number())
            .collect();
        let sum: f64 = said.iter().map(|number| f64::from(*number)).sum();
        Self {
            area,
            title: plain(title),
            skills: items.len(),
            stale: items.iter().filter(|item| item.is_stale(now)).count(),
            said: (!said.is_empty()).then(|| (sum / said.len() as f64, said.len())),
        }
    }
}

impl SelfTestSetup {
    /// The areas as they stand.
    pub fn new(cx: &Cx<'_>) -> Self {
        let mut setup = Self {
            list: List::default(),
            rows: Vec::new(),
        };
        setup.refresh(cx);
        setup
    }

    /// Counts anew.
    pub fn refresh(&mut self, cx: &Cx<'_>) {
        let bank = cx.desk.bank();
        let ratings = cx.desk.self_ratings();
        let items = |area| {
            let (states, scheduler) = (cx.desk.states(), cx.desk.scheduler());
            rating::items(bank, states, scheduler, &ratings, area, cx.now.at)
        };
        self.rows = vec![Row::new(None, "All areas", &items(None), cx.now.at)];
        self.rows.extend(bank.areas.iter().map(|area| {
            let of_area = items(Some(&area.id));
            Row::new(Some(area.id.clone()), &area.title, &of_area, cx.now.at)
        }));
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::SelfTestSetup, Context::Moving]
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize) {
        self.list.select(row);
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Back => vec![Effect::Back],
            Action::Open => {
                let row = self.rows.get(self.list.selected());
                let row = row.filter(|row| row.skills > 0);
                let area = row.map(|row| row.area.clone());
                area.map(|area| Effect::Practise(Practise::SelfTest(area)))
                    .into_iter()
                    .collect()
            }
            other => {
                self.list.act(other, self.rows.len());
                Vec::new()
            }
        }
    }

    /// Draws the areas.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let theme = canvas.theme;
        let body = column(area);
        canvas.text(body, 1, "What can you do without help?", theme.title);
        if self.rows.iter().all(|row| row.skills == 0) {
            canvas.text(body, 3, "The bank has no skills to rate.", theme.warn);
            return;
        }
        let room = usize::from(body.width).saturating_sub(2 + 8 + 8 + 8 + 14);
        let head = Rect {
            x: body.x + 2,
            width: body.width.saturating_sub(2),
            ..body
        };
        let words = format!(
            "{}{}{}  you said",
            fit("", room),
            right("skills", 8),
            right("to rate", 8)
        );
        canvas.text(head, 3, &words, theme.dim);
        let place = Rect {
            y: body.y + 4,
            height: (self.rows.len() as u16).min(body.height.saturating_sub(4)),
            ..body
        };
        let rows = &self.rows;
        self.list.draw(canvas, place, rows.len(), true, |index, _| {
            let row = &rows[index];
            let stale = if row.stale == 0 {
                theme.dim
            } else {
                theme.warn
            };
            let mut spans = vec![
                Span::raw(fit(&row.title, room)),
                Span::raw(right(&row.skills.to_string(), 8)),
                Span::styled(right(&row.stale.to_string(), 8), stale),
                Span::raw("  "),
            ];
            match row.said {
                Some((mean, _)) => {
                    spans.extend(bar(mean / 2.0, 8, theme, theme.share(mean / 2.0)));
                    spans.push(Span::raw(format!(" {mean:.1} of 2")));
                }
                None => spans.push(Span::styled("never rated", theme.dim)),
            }
            Line::from(spans)
        });
    }
}

/// A running self-test.
#[derive(Debug)]
pub struct SelfTestScreen {
    test: SelfTest,
    session: EventId,
    scroll: Scroll,
}

impl SelfTestScreen {
    /// A self-test at its first skill.
    pub fn new(test: SelfTest, session: EventId) -> Self {
        Self {
            test,
            session,
            scroll: Scroll::default(),
        }
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::SelfTest, Context::Moving]
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action) -> bool {
        match action {
            Action::Chapter => self.chapter().is_some(),
            Action::Previous => self.test.at() > 0,
            _ => true,
        }
    }

    fn chapter(&self) -> Option<String> {
        let link = self.test.item()?.skill.chapter.as_ref()?;
        Some(match &link.anchor {
            Some(anchor) => format!("chapter:{}#{anchor}", link.chapter),
            None => format!("chapter:{}", link.chapter),
        })
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        let input = match action {
            Action::Rate(number) => Mastery::from_number(number).map(Input::Rate),
            Action::Skip => Some(Input::Skip),
            Action::Previous => Some(Input::Back),
            Action::Back | Action::Finish => return self.end(),
            Action::Chapter => {
                return self.chapter().map(Effect::Follow).into_iter().collect();
            }
            other => {
                self.scroll.act(other);
                None
            }
        };
        input.map_or_else(Vec::new, |input| self.put(input))
    }

    /// Ends it: what was rated is kept.
    pub fn end(&mut self) -> Vec<Effect> {
        self.put(Input::End)
    }

    fn put(&mut self, input: Input) -> Vec<Effect> {
        self.scroll = Scroll::default();
        let effects = self.test.handle(input);
        if effects.is_empty() {
            return Vec::new();
        }
        vec![Effect::Practise(Practise::SelfRated(self.session, effects))]
    }

    /// Draws the open skill.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let Some(item) = self.test.item().cloned() else {
            return;
        };
        let theme = canvas.theme;
        let (at, of) = (self.test.at(), self.test.items().len());
        let top = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            height: 1,
            ..area
        };
        let share = bar(at as f64 / of.max(1) as f64, 10, theme, theme.accent);
        let words = Rect {
            width: top.width.saturating_sub(11),
            ..top
        };
        let left = vec![
            Span::styled(format!("{} of {of}", at + 1), theme.title),
            Span::styled(
                format!(
                    "  {}  ·  {}",
                    plain(&item.area_title),
                    item.skill.level.word()
                ),
                theme.dim,
            ),
        ];
        canvas.line(words, 0, Line::from(left));
        canvas.right(top, 0, Line::from(share));
        let body = column(Rect {
            y: area.y + 2,
            height: area.height.saturating_sub(2),
            ..area
        });
        let columns = usize::from(body.width);
        let mut lines = strong(canvas, &item.skill.ask, columns);
        lines.push(Line::default());
        let first_choice = lines.len();
        let chosen = self.test.rating(at);
        for mastery in [Mastery::Cannot, Mastery::Stumbles, Mastery::Teaches] {
            let here = chosen == Some(mastery);
            lines.push(Line::from(vec![
                Span::styled(if here { "▸ " } else { "  " }, theme.accent),
                Span::styled(mastery.number().to_string(), theme.key),
                Span::raw(format!("  I {mastery}")),
            ]));
        }
        lines.push(Line::default());
        lines.extend(history(&item, cx, theme));
        self.scroll.draw(canvas, body, &lines);
        for number in 0..3 {
            let line = first_choice + usize::from(number);
            let choice = line..line + 1;
            self.scroll.hit(canvas, body, &choice, Action::Rate(number));
        }
    }
}

/// What was said before, oldest first, and when last.
fn history(item: &Item, cx: &Cx<'_>, theme: &Theme) -> Vec<Line<'static>> {
    let Some((at, _)) = item.history.last() else {
        let words = "Never rated. 0 and 1 make its cards due.";
        return vec![Line::from(Span::styled(words, theme.dim))];
    };
    let days = cx.now.day.since(cx.desk.moment(*at).day);
    let when = match days {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    };
    let from = item.history.len().saturating_sub(SHOWN);
    let said: Vec<String> = item.history[from..]
        .iter()
        .map(|(_, mastery)| mastery.number().to_string())
        .collect();
    vec![Line::from(vec![
        Span::styled("You said  ", theme.dim),
        Span::raw(said.join(" → ")),
        Span::styled(format!("   last {when}"), theme.dim),
    ])]
}

/// What the ratings come to, beside what the reviews say.
#[derive(Debug)]
pub struct SelfTestReport {
    report: Report,
    weak: Vec<CardId>,
    scroll: Scroll,
    /// The day it is of, where it is looked at again.
    day: Option<String>,
}

impl SelfTestReport {
    /// A report; `day` is that of one that is past.
    pub fn new(report: Report, bank: &Bank, day: Option<String>) -> Self {
        let mut weak: Vec<CardId> = Vec::new();
        let lines = report.lines.iter();
        for line in lines.filter(|line| line.says != Mastery::Teaches) {
            let skill = bank.skill(&line.skill);
            for card in skill.iter().flat_map(|skill| &skill.cards) {
                if bank.card(card).is_some() && !weak.contains(card) {
                    weak.push(card.clone());
                }
            }
        }
        Self {
            report,
            weak,
            scroll: Scroll::default(),
            day,
        }
    }

    /// Its name in the top line.
    pub fn title(&self) -> String {
        dated("self-test › report", self.day.as_deref())
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::SelfTestReport, Context::Moving]
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action) -> bool {
        action != Action::DrillThese || !self.weak.is_empty()
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Back => vec![Effect::Back],
            Action::Open => vec![Effect::Home],
            Action::DrillThese if !self.weak.is_empty() => {
                vec![Effect::DrillCards(self.weak.clone())]
            }
            other => {
                self.scroll.act(other);
                Vec::new()
            }
        }
    }

    /// Draws the report.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let theme = canvas.theme;
        let body = column(area);
        let columns = usize::from(body.width);
        let mut lines = vec![Line::default()];
        let skills = count(self.report.lines.len(), "skill", "skills");
        let due = count(self.weak.len(), "card", "cards");
        lines.push(Line::from(vec![
            Span::styled(format!("{skills} rated"), theme.title),
            Span::styled(format!("   {due} made due by a 0 or a 1"), theme.dim),
        ]));
        areas(&self.report, columns, theme, &mut lines);
        self.skills(canvas, columns, &mut lines);
        self.drills(canvas, cx, columns, &mut lines);
        self.scroll.draw(canvas, body, &lines);
    }

    /// Skill by skill: what the reader says, what the reviews say, and whether that fits.
    fn skills(&self, canvas: &mut Canvas<'_>, columns: usize, lines: &mut Vec<Line<'static>>) {
        let theme = canvas.theme;
        heading(lines, "You say, and your reviews say", "", theme);
        for line in &self.report.lines {
            let change = match line.said {
                Some(said) if said != line.says => {
                    format!("{}→{}", said.number(), line.says.number())
                }
                _ => line.says.number().to_string(),
            };
            let style = theme.share(f64::from(line.says.number()) / 2.0);
            let reviews = line.recall.map_or_else(|| "–".to_owned(), percent);
            let (words, verdict) = match line.verdict() {
                Verdict::Fits => ("", theme.dim),
                Verdict::Overrated => (" you overrate it", theme.warn),
                Verdict::Underrated => (" better than you say", theme.good),
            };
            let mark = vec![
                Span::styled(right(&change, 5), style),
                Span::styled(format!("{}  ", right(&reviews, 7)), theme.info),
            ];
            let mut shown = marked(canvas, mark, &line.ask, columns, Style::new());
            if let Some(last) = shown.last_mut()
                && !words.is_empty()
            {
                let words = words.to_owned();
                if last.width() + width(&words) <= columns {
                    last.push_span(Span::styled(words, verdict));
                } else {
                    let indent = format!("{:14}{}", "", words.trim_start());
                    shown.push(Line::from(Span::styled(indent, verdict)));
                }
            }
            lines.extend(shown);
        }
    }

    /// Design drills that train what is weak.
    fn drills(
        &self,
        canvas: &Canvas<'_>,
        cx: &Cx<'_>,
        columns: usize,
        lines: &mut Vec<Line<'static>>,
    ) {
        let weak = self.report.lines.iter();
        let mut titles: Vec<String> = Vec::new();
        for id in weak
            .filter(|line| line.says != Mastery::Teaches)
            .flat_map(|line| &line.drills)
        {
            if let Some(drill) = cx.desk.bank().drill(id) {
                let title = plain(&drill.title);
                if !titles.contains(&title) {
                    titles.push(title);
                }
            }
        }
        if titles.is_empty() {
            return;
        }
        heading(lines, "Design drills that train it", "", canvas.theme);
        for title in titles {
            let text = fit(&title, columns.saturating_sub(4));
            lines.push(Line::from(vec![
                Span::styled("  → ", canvas.theme.accent),
                Span::raw(text.trim_end().to_owned()),
            ]));
        }
    }
}

fn areas(report: &Report, columns: usize, theme: &Theme, lines: &mut Vec<Line<'static>>) {
    heading(lines, "By area", "", theme);
    let room = columns.saturating_sub(43).min(44);
    for selftest::AreaScore {
        title, now, before, ..
    } in &report.areas
    {
        let mut spans = vec![Span::raw(format!("  {} ", fit(&plain(title), room)))];
        spans.extend(bar(now / 2.0, 8, theme, theme.share(now / 2.0)));
        spans.push(Span::raw(format!(" {now:.1} of 2")));
        if let Some(before) = before {
            let change = now - before;
            let style = if change < 0.0 { theme.warn } else { theme.good };
            spans.push(Span::styled(format!("  {change:+.1}"), style));
            spans.push(Span::styled(" since last time", theme.dim));
        }
        lines.push(Line::from(spans));
    }
}
