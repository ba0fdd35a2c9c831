//! Earlier sittings, newest first: quizzes, interviews, design drills and self-tests, each with its report.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{
    Screen,
    interview::InterviewReport,
    quiz::{QuizResult, marked},
    selftest::SelfTestReport,
};
use crate::{
    memory::Day,
    progress::Activity,
    tui::{
        canvas::Canvas,
        desk::sittings::{Outcome, Sitting, interviews_like, quizzes_like},
        effect::{Cx, Effect},
        keymap::{Action, Context},
        text::{fit, plain, right, width},
        widgets::{List, column},
    },
};

/// Columns of the day: `30 Nov`, or `Nov 2025`.
const DAY: usize = 10;
/// Columns of what it was.
const KIND: usize = 11;

/// The screen.
#[derive(Debug)]
pub struct Earlier {
    sittings: Vec<Sitting>,
    list: List,
}

impl Earlier {
    /// The sittings, newest first; the newest of that activity is selected.
    pub fn new(sittings: Vec<Sitting>, activity: Option<Activity>) -> Self {
        let mut list = List::default();
        let newest = sittings
            .iter()
            .position(|sitting| activity.is_none_or(|activity| sitting.activity == activity));
        list.select(newest.unwrap_or(0));
        Self { sittings, list }
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::Earlier, Context::Moving]
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action) -> bool {
        action != Action::Open || !self.sittings.is_empty()
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize) {
        self.list.select(row);
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        match action {
            Action::Back => return vec![Effect::Back],
            Action::Open => {
                let report = self.report(cx).map(Effect::Push);
                return report.into_iter().collect();
            }
            other => {
                self.list.act(other, self.sittings.len());
            }
        }
        Vec::new()
    }

    /// The report of the selected sitting, beside those before it.
    fn report(&self, cx: &Cx<'_>) -> Option<Screen> {
        let (sitting, before) = self.sittings.get(self.list.selected()..)?.split_first()?;
        let day = Some(day(sitting.day, cx.now.day));
        Some(match &sitting.outcome {
            Outcome::Quiz(report) => {
                let before = quizzes_like(report, before);
                let result = QuizResult::new(report.clone(), &before, day);
                Screen::QuizResult(Box::new(result))
            }
            Outcome::Interview(report) => {
                let before = interviews_like(report, before);
                let report = InterviewReport::new(report.clone(), &before, day);
                Screen::InterviewReport(Box::new(report))
            }
            Outcome::SelfTest(report) => {
                let report = SelfTestReport::new(report.clone(), cx.desk.bank(), day);
                Screen::SelfTestReport(Box::new(report))
            }
        })
    }

    /// Draws the sittings.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let theme = canvas.theme;
        let body = column(area);
        canvas.text(body, 1, "Earlier sittings", theme.title);
        let place = Rect {
            y: body.y + 3,
            height: body.height.saturating_sub(3),
            ..body
        };
        if self.sittings.is_empty() {
            let words = "None yet. The reports of quizzes, interviews, design drills and self-tests \
                         are kept here.";
            let columns = usize::from(place.width);
            let lines = marked(canvas, Vec::new(), words, columns, theme.dim);
            for (row, line) in lines.into_iter().enumerate() {
                canvas.line(place, row as u16, line);
            }
            return;
        }
        let sittings = &self.sittings;
        let scrolled = usize::from(sittings.len() > usize::from(place.height));
        let columns = usize::from(place.width).saturating_sub(2 + scrolled);
        self.list
            .draw(canvas, place, sittings.len(), true, |index, _| {
                let sitting = &sittings[index];
                let outcome = sitting.words();
                let about = columns.saturating_sub(DAY + KIND + width(&outcome) + 2);
                Line::from(vec![
                    Span::styled(fit(&day(sitting.day, cx.now.day), DAY), theme.dim),
                    Span::styled(fit(sitting.activity.word(), KIND), theme.info),
                    Span::raw(fit(&plain(&sitting.about), about)),
                    Span::raw(right(&outcome, width(&outcome) + 2)),
                ])
            });
    }
}

/// A day as one says it: of this year with its day, of others with the year.
fn day(day: Day, today: Day) -> String {
    let form = if day.date().year() == today.date().year() {
        "%-d %b"
    } else {
        "%b %Y"
    };
    day.date().strftime(form).to_string()
}
