//! Choosing an interview: from what, how many questions, and which design drill after them.

use ratatui::layout::Rect;

use super::super::{Screen, stories::StoriesScreen};
use crate::{
    bank::Level,
    memory::Filter,
    tui::{
        canvas::Canvas,
        desk::interviewing::{Design, MINUTES_A_QUESTION, Wish},
        effect::{Cx, Effect, Practise},
        keymap::{Action, Context},
        text::plain,
        widgets::{List, choices, column},
    },
};

const COUNTS: [usize; 8] = [0, 2, 3, 4, 5, 6, 8, 10];
const ROWS: usize = 4;

/// The screen.
#[derive(Debug)]
pub struct InterviewSetup {
    list: List,
    filters: Vec<Filter>,
    filter: usize,
    level: usize,
    count: usize,
    /// Without, drawn, then each drill of the bank.
    design: usize,
}

/// Begins what is wished; an interview that was left is given up for it, if the reader wants that.
pub fn begin(wish: Wish, cx: &Cx<'_>) -> Effect {
    let begin = Effect::Practise(Practise::Interview(Box::new(wish)));
    match cx.desk.left_interview() {
        Some(left) => {
            let (kind, stands) = (left.activity.word(), left.words());
            let ask = format!("End the {kind} that was left at {stands}? What was said counts.");
            Effect::Ask(ask, Box::new(begin))
        }
        None => begin,
    }
}

impl InterviewSetup {
    /// The usual: four questions from what the reader studies.
    pub fn new(cx: &Cx<'_>) -> Self {
        let bank = cx.desk.bank();
        let starred = Filter {
            starred: true,
            ..Filter::default()
        };
        let mut filters = vec![Filter::default(), starred];
        filters.extend(bank.tracks.iter().map(|track| Filter {
            track: Some(track.id.clone()),
            ..Filter::default()
        }));
        filters.extend(bank.decks.iter().map(|deck| Filter {
            deck: Some(deck.id.clone()),
            ..Filter::default()
        }));
        let followed = &cx.desk.config().track;
        let filter = filters
            .iter()
            .position(|filter| followed.is_some() && filter.track == *followed);
        Self {
            list: List::default(),
            filters,
            filter: filter.unwrap_or(0),
            level: 0,
            count: 3,
            design: 0,
        }
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::InterviewSetup, Context::Moving]
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
                return vec![begin(self.wish(cx), cx)];
            }
            Action::GoDesign => {
                return vec![Effect::Push(Screen::DesignSetup(Box::default()))];
            }
            Action::GoStories => {
                let screen = StoriesScreen::new(cx);
                return vec![Effect::Push(Screen::Stories(Box::new(screen)))];
            }
            Action::Left | Action::Right => self.turn(action == Action::Right, cx),
            other => {
                self.list.act(other, ROWS);
            }
        }
        Vec::new()
    }

    fn turn(&mut self, forward: bool, cx: &Cx<'_>) {
        let step = |at: &mut usize, len: usize| {
            *at = (*at + if forward { 1 } else { len - 1 }) % len;
        };
        match self.list.selected() {
            0 => step(&mut self.filter, self.filters.len()),
            1 => step(&mut self.level, Level::ALL.len() + 1),
            2 => step(&mut self.count, COUNTS.len()),
            _ => step(&mut self.design, cx.desk.bank().drills.len() + 2),
        }
    }

    fn wish(&self, cx: &Cx<'_>) -> Wish {
        let mut filter = self.filters[self.filter].clone();
        if let Some(level) = self.level.checked_sub(1) {
            filter.levels = vec![Level::ALL[level]];
        }
        let drills = &cx.desk.bank().drills;
        Wish {
            filter,
            questions: COUNTS[self.count],
            design: match self.design {
                0 => Design::Without,
                1 => Design::Drawn,
                n => drills
                    .get(n - 2)
                    .map_or(Design::Drawn, |drill| Design::Named(drill.id.clone())),
            },
            // The draw differs from interview to interview.
            seed: cx.now.at.as_millisecond().unsigned_abs() % 1_000_000,
        }
    }

    /// Draws the rows, and below them what the selected one means.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let theme = canvas.theme;
        let bank = cx.desk.bank();
        let body = column(area);
        let minutes = self.minutes(cx);
        canvas.text(
            body,
            1,
            &format!("A mock interview of about {minutes} minutes"),
            theme.title,
        );
        let level = self.level.checked_sub(1).map(|level| Level::ALL[level]);
        let rows: [(&str, String); ROWS] = [
            ("From", plain(&self.filters[self.filter].words(bank))),
            ("Level", level.map_or("all", Level::word).to_owned()),
            ("Questions", COUNTS[self.count].to_string()),
            (
                "Design drill",
                match self.design {
                    0 => "none".to_owned(),
                    1 => "one, by chance".to_owned(),
                    n => bank
                        .drills
                        .get(n - 2)
                        .map(|drill| plain(&drill.title))
                        .unwrap_or_default(),
                },
            ),
        ];
        let about = match self.list.selected() {
            0 => "Open questions only; what is asked most comes first.",
            1 => {
                "All mixes the levels in rising order, so that the verdict can tell how far you reach."
            }
            2 => {
                "Each is answered aloud against a clock, then held against its points and follow-ups."
            }
            _ => "A system to design in eight stages, each with its share of the time.",
        };
        let below = Rect {
            y: body.y + 3,
            height: body.height.saturating_sub(3),
            ..body
        };
        choices(canvas, below, &mut self.list, &rows, about);
    }

    fn minutes(&self, cx: &Cx<'_>) -> usize {
        let drills = &cx.desk.bank().drills;
        let design = match self.design {
            0 => 0,
            1 => drills.first().map_or(0, crate::bank::Drill::minutes),
            n => drills.get(n - 2).map_or(0, crate::bank::Drill::minutes),
        };
        COUNTS[self.count] * MINUTES_A_QUESTION + design as usize
    }
}
