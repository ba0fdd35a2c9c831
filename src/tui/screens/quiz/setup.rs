//! Choosing a quiz: from what, how many, how long, and when the answers are shown.

use std::{collections::BTreeMap, time::Duration};

use ratatui::layout::Rect;

use crate::{
    bank::{Bank, Level},
    memory::Filter,
    session::quiz::{Mode, Settings},
    tui::{
        canvas::Canvas,
        desk::practice::Pool,
        effect::{Cx, Effect},
        keymap::{Action, Context},
        text::plain,
        widgets::{List, choices, column},
    },
};

const COUNTS: [usize; 6] = [5, 10, 15, 20, 30, 50];
const MINUTES: [u64; 7] = [0, 5, 10, 15, 20, 30, 60];
const SECONDS: [u64; 6] = [0, 20, 30, 45, 60, 90];
const ROWS: usize = 7;
/// A tag with fewer questions than this is not offered here; the command line takes every tag.
const TAG_QUESTIONS_MIN: usize = 5;

/// The screen.
#[derive(Debug)]
pub struct QuizSetup {
    list: List,
    pools: Vec<Pool>,
    pool: usize,
    level: usize,
    /// Tags with the number of their questions, most of them first.
    tags: Vec<(String, usize)>,
    /// From 1; 0 is any.
    tag: usize,
    count: usize,
    minutes: usize,
    seconds: usize,
    exam: bool,
}

/// The tags that questions can be chosen by.
fn tags(bank: &Bank) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for card in &bank.cards {
        for tag in &card.tags {
            *counts.entry(tag).or_default() += card.checks.len();
        }
    }
    let mut tags: Vec<(String, usize)> = counts
        .into_iter()
        .filter(|(_, questions)| *questions >= TAG_QUESTIONS_MIN)
        .map(|(tag, questions)| (tag.to_owned(), questions))
        .collect();
    tags.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    tags
}

impl QuizSetup {
    /// The usual: twenty questions in ten minutes from what the reader studies.
    pub fn new(cx: &Cx<'_>) -> Self {
        let bank = cx.desk.bank();
        let of = |filter: Filter| Pool {
            filter,
            ..Pool::default()
        };
        let mut pools = vec![
            of(Filter::default()),
            Pool {
                weak: true,
                ..Pool::default()
            },
            of(Filter {
                starred: true,
                ..Filter::default()
            }),
            Pool {
                engine: true,
                ..Pool::default()
            },
        ];
        pools.extend(bank.tracks.iter().map(|track| {
            of(Filter {
                track: Some(track.id.clone()),
                ..Filter::default()
            })
        }));
        pools.extend(bank.decks.iter().map(|deck| {
            of(Filter {
                deck: Some(deck.id.clone()),
                ..Filter::default()
            })
        }));
        let followed = cx.desk.config().track.clone();
        let pool = pools
            .iter()
            .position(|pool| followed.is_some() && pool.filter.track == followed);
        Self {
            list: List::default(),
            pools,
            pool: pool.unwrap_or(0),
            level: 0,
            tags: tags(bank),
            tag: 0,
            count: 3,
            minutes: 2,
            seconds: 0,
            exam: false,
        }
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::QuizSetup, Context::Moving]
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize) {
        self.list.select(row);
    }

    fn pool(&self) -> Pool {
        let mut pool = self.pools[self.pool].clone();
        if self.level > 0 {
            pool.filter.levels = vec![Level::ALL[self.level - 1]];
        }
        if let Some((tag, _)) = self.tag() {
            pool.filter.tags = vec![tag.clone()];
        }
        pool
    }

    fn tag(&self) -> Option<&(String, usize)> {
        self.tag
            .checked_sub(1)
            .and_then(|place| self.tags.get(place))
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        match action {
            Action::Back => return vec![Effect::Back],
            Action::Open => return self.start(cx),
            Action::Left | Action::Right => self.turn(action == Action::Right),
            other => {
                self.list.act(other, ROWS);
            }
        }
        Vec::new()
    }

    fn turn(&mut self, forward: bool) {
        let step = |at: &mut usize, len: usize| {
            *at = if forward {
                (*at + 1) % len
            } else {
                (*at + len - 1) % len
            };
        };
        match self.list.selected() {
            0 => step(&mut self.pool, self.pools.len()),
            1 => step(&mut self.level, Level::ALL.len() + 1),
            2 => step(&mut self.tag, self.tags.len() + 1),
            3 => step(&mut self.count, COUNTS.len()),
            4 => step(&mut self.minutes, MINUTES.len()),
            5 => step(&mut self.seconds, SECONDS.len()),
            _ => self.exam = !self.exam,
        }
    }

    fn start(&self, cx: &Cx<'_>) -> Vec<Effect> {
        let pool = self.pool();
        let some = |seconds: u64| (seconds > 0).then(|| Duration::from_secs(seconds));
        let settings = Settings {
            about: pool.words(cx.desk.bank()),
            count: COUNTS[self.count],
            mode: if self.exam {
                Mode::Exam
            } else {
                Mode::Practice
            },
            limit: some(MINUTES[self.minutes] * 60),
            limit_each: some(SECONDS[self.seconds]),
            // The draw differs from quiz to quiz; the seed is kept with the result.
            seed: cx.now.at.as_millisecond().unsigned_abs() % 1_000_000,
        };
        let begin = Effect::BeginQuiz(pool, settings);
        match cx.desk.left_quiz() {
            Some(left) => vec![Effect::Ask(
                format!("Give up the quiz that was left, {}?", left.words()),
                Box::new(begin),
            )],
            None => vec![begin],
        }
    }

    /// Draws the rows, and below them what the selected one means.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let theme = canvas.theme;
        let body = column(area);
        canvas.text(body, 1, "A quiz", theme.title);
        let none = |n: u64, unit: &str| match n {
            0 => "no clock".to_owned(),
            n => format!("{n} {unit}"),
        };
        let rows: [(&str, String); ROWS] = [
            ("From", plain(&self.pools[self.pool].words(cx.desk.bank()))),
            (
                "Level",
                self.level
                    .checked_sub(1)
                    .map_or("all", |level| Level::ALL[level].word())
                    .to_owned(),
            ),
            (
                "Tag",
                self.tag().map_or("any".to_owned(), |(tag, questions)| {
                    format!("#{}  {questions} questions", plain(tag))
                }),
            ),
            ("Questions", COUNTS[self.count].to_string()),
            ("Time", none(MINUTES[self.minutes], "minutes")),
            ("Each question", none(SECONDS[self.seconds], "seconds")),
            (
                "Answers",
                if self.exam {
                    "at the end (exam)"
                } else {
                    "at once (practice)"
                }
                .to_owned(),
            ),
        ];
        let about = match self.list.selected() {
            0 => {
                "Everything mixes in questions that the simulator makes and answers; \
                  weak spots are cards that you missed, or would now likely miss."
            }
            1 => "Only questions of one level, or of all.",
            2 => "Only questions on cards with one tag, or with any.",
            3 => "When there are fewer, all of them are asked.",
            4 => "When it is over, what is unanswered counts as such.",
            5 => "A clock of its own for every question.",
            _ => "An exam lets you go back and change answers until you hand it in.",
        };
        let below = Rect {
            y: body.y + 3,
            height: body.height.saturating_sub(3),
            ..body
        };
        choices(canvas, below, &mut self.list, &rows, about);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::built_in::built_in;

    #[test]
    fn tags_are_offered_by_their_questions_and_rare_ones_are_not() {
        let bank = built_in().unwrap();
        let tags = tags(&bank);
        assert_eq!(tags[0].0, "kafka");
        assert!(tags.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        for (tag, questions) in &tags {
            let cards = bank.cards.iter().filter(|card| card.tags.contains(tag));
            let counted: usize = cards.map(|card| card.checks.len()).sum();
            assert!(
                counted == *questions && counted >= TAG_QUESTIONS_MIN,
                "{tag}"
            );
        }
    }
}
