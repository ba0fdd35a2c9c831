//! The first screen: how ready the reader will be on the day, what to do next, how the decks stand.
//!
//! What it shows is worked out when the screen is entered, not on every frame; the forecast, which
//! plays all days until the interview through, comes right after the first frame.

use jiff::Timestamp;
use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use crate::{
    bank::{ChapterId, ScenarioId},
    memory::{Filter, Forecast, Overview},
    tui::{
        canvas::Canvas,
        desk::Played,
        effect::{Cx, Effect, Practise},
        keymap::{Action, Context},
        screens::{Screen, lab::list::by_level},
        text::{count, fit, percent, plain, right, width},
        widgets::{List, bar, sparkline},
    },
};

/// From here on panels stand side by side.
const WIDE: u16 = 96;

/// Something to do next.
#[derive(Clone, Debug, PartialEq)]
enum Next {
    Resume,
    ResumeQuiz,
    ResumeInterview,
    Drill,
    Quiz,
    Interview,
    SelfTest,
    Weakest(usize),
    Read(ChapterId),
    Lab(ScenarioId),
    Browse,
    SetDate,
}

/// The screen.
#[derive(Debug)]
pub struct Home {
    overview: Overview,
    next: Vec<Next>,
    /// What is drilled today within the limits.
    today: (usize, usize),
    /// Days until the interview played through, once that has been done.
    forecast: Option<Vec<Forecast>>,
    /// The forecast does not yet follow from what is shown.
    stale: bool,
    /// What is next and the decks, one after the other, are one list for the keys.
    selected: usize,
    decks: List,
    doing: List,
}

impl Home {
    /// The screen as things stand now.
    pub fn new(cx: &Cx<'_>) -> Self {
        let mut home = Self {
            overview: Overview::default(),
            next: Vec::new(),
            today: (0, 0),
            forecast: None,
            stale: true,
            selected: 0,
            decks: List::default(),
            doing: List::default(),
        };
        home.look(cx);
        home
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::Home, Context::Moving]
    }

    /// Works out anew what is shown: on the first call what is cheap, and on the one after, when that
    /// has been drawn, the forecast.
    pub fn refresh(&mut self, cx: &Cx<'_>) {
        self.look(cx);
        self.stale = true;
    }

    /// Time has passed: the forecast that is still to be made, or everything anew.
    pub fn tick(&mut self, cx: &Cx<'_>) {
        if self.stale {
            self.forecast = Some(cx.desk.forecast(cx.now));
            self.stale = false;
        } else {
            self.refresh(cx);
        }
    }

    /// At once, if the forecast is still to be made.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.stale.then_some(Timestamp::UNIX_EPOCH)
    }

    fn look(&mut self, cx: &Cx<'_>) {
        self.overview = cx.desk.overview(cx.now);
        let queue = cx.desk.queue(&Filter::default(), cx.now);
        self.today = (queue.due, queue.new);
        self.next.clear();
        if cx.desk.resumable().is_some() {
            self.next.push(Next::Resume);
        }
        if cx.desk.left_quiz().is_some() {
            self.next.push(Next::ResumeQuiz);
        }
        if cx.desk.left_interview().is_some() {
            self.next.push(Next::ResumeInterview);
        }
        self.next.push(Next::Drill);
        let weakest = (0..self.overview.decks.len())
            .filter(|&i| self.overview.decks[i].ready.seen > 0)
            .min_by(|&a, &b| {
                self.overview.decks[a]
                    .ready
                    .share
                    .total_cmp(&self.overview.decks[b].ready.share)
            });
        if !cx.desk.bank().cards.is_empty() {
            self.next.push(Next::Quiz);
        }
        self.next.extend(self.to_play(weakest, cx).map(Next::Lab));
        if !cx.desk.bank().cards.is_empty() {
            self.next.push(Next::Interview);
        }
        if !cx.desk.bank().areas.is_empty() {
            self.next.push(Next::SelfTest);
        }
        self.next.extend(weakest.map(Next::Weakest));
        self.next.extend(self.to_read(weakest, cx).map(Next::Read));
        if !cx.desk.bank().cards.is_empty() {
            self.next.push(Next::Browse);
        }
        if cx.desk.days_left(cx.now).is_none() {
            self.next.push(Next::SetDate);
        }
        self.selected = self.selected.min(self.len().saturating_sub(1));
    }

    /// The chapter that most cards of the weakest deck point at, or the first of the guide.
    fn to_read(&self, weakest: Option<usize>, cx: &Cx<'_>) -> Option<ChapterId> {
        let bank = cx.desk.bank();
        let deck = weakest.map(|i| &self.overview.decks[i].deck);
        let mut counts: Vec<(usize, &ChapterId)> = Vec::new();
        for card in bank.cards.iter().filter(|card| Some(&card.deck) == deck) {
            if let Some(link) = &card.see.chapter {
                match counts.iter_mut().find(|(_, id)| **id == link.chapter) {
                    Some((n, _)) => *n += 1,
                    None => counts.push((1, &link.chapter)),
                }
            }
        }
        counts
            .into_iter()
            .max_by_key(|(n, _)| *n)
            .map(|(_, id)| id.clone())
            .or_else(|| bank.chapters.first().map(|chapter| chapter.id.clone()))
    }

    /// A scenario that was not played yet: one to which a card of the weakest deck leads, or the easiest. When all were
    /// played, the one whose predictions were least often right.
    fn to_play(&self, weakest: Option<usize>, cx: &Cx<'_>) -> Option<ScenarioId> {
        let bank = cx.desk.bank();
        let played = cx.desk.played();
        let deck = weakest.map(|i| &self.overview.decks[i].deck);
        let weak = bank
            .cards
            .iter()
            .filter(|card| Some(&card.deck) == deck)
            .filter_map(|card| card.see.scenario.as_ref());
        let all = by_level(bank).into_iter().map(|source| &source.id);
        weak.chain(all.clone())
            .find(|id| !played.contains_key(*id))
            .or_else(|| {
                let share = |id: &ScenarioId| played.get(id).map_or(0.0, Played::share);
                all.min_by(|a, b| share(a).total_cmp(&share(b)))
            })
            .cloned()
    }

    fn len(&self) -> usize {
        self.next.len() + self.overview.decks.len()
    }

    /// Selects a row that was clicked: decks are drawn after what is next.
    pub fn select(&mut self, row: usize, _cx: &Cx<'_>) {
        self.selected = row.min(self.len().saturating_sub(1));
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        let len = self.len();
        match action {
            Action::Up => self.selected = self.selected.saturating_sub(1),
            Action::Down => self.selected = (self.selected + 1).min(len.saturating_sub(1)),
            Action::PageUp | Action::Top => self.selected = 0,
            Action::PageDown | Action::Bottom => self.selected = len.saturating_sub(1),
            Action::Next => {
                self.selected = if self.selected < self.next.len() && len > self.next.len() {
                    self.next.len()
                } else {
                    0
                };
            }
            Action::Undo => return vec![Effect::Undo],
            Action::Back => {
                return vec![Effect::Ask(
                    "Leave highwater?".to_owned(),
                    Box::new(Effect::Quit),
                )];
            }
            Action::Open => return self.open(cx),
            _ => {}
        }
        Vec::new()
    }

    fn open(&self, cx: &Cx<'_>) -> Vec<Effect> {
        let deck = |i: usize| Filter {
            deck: Some(self.overview.decks[i].deck.clone()),
            ..Filter::default()
        };
        match self.next.get(self.selected) {
            Some(Next::Resume) => vec![Effect::Resume],
            Some(Next::ResumeQuiz) => vec![Effect::ResumeQuiz],
            Some(Next::Quiz) => vec![Effect::OpenQuiz],
            Some(Next::ResumeInterview) => vec![Effect::Practise(Practise::ResumeInterview)],
            Some(Next::Interview) => vec![Effect::Push(Screen::interview(cx))],
            Some(Next::SelfTest) => vec![Effect::Push(Screen::self_test(cx))],
            Some(Next::Drill) => vec![Effect::Drill(Filter::default())],
            Some(Next::Weakest(i)) => vec![Effect::Drill(deck(*i))],
            Some(Next::Read(chapter)) => vec![Effect::Follow(format!("chapter:{chapter}"))],
            Some(Next::Lab(scenario)) => vec![Effect::Follow(format!("scenario:{scenario}"))],
            Some(Next::Browse) => vec![Effect::BrowseCards(String::new(), Vec::new())],
            Some(Next::SetDate) => vec![Effect::OpenSettings],
            None => {
                let i = self.selected - self.next.len();
                if i < self.overview.decks.len() {
                    vec![Effect::Drill(deck(i))]
                } else {
                    Vec::new()
                }
            }
        }
    }

    /// Draws the screen.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        if cx.desk.bank().cards.is_empty() {
            canvas.text(area, 1, " There are no cards.", canvas.theme.warn);
            canvas.text(
                area,
                2,
                " Put decks into the bank folder; `highwater check` tells what is wrong with them.",
                canvas.theme.dim,
            );
            return;
        }
        let doing = self.next.len() as u16 + 2;
        if area.width >= WIDE {
            let [left, side] = Layout::horizontal([Constraint::Fill(6), Constraint::Fill(5)])
                .spacing(1)
                .areas(area);
            let [ready, decks] =
                Layout::vertical([Constraint::Length(5), Constraint::Fill(1)]).areas(left);
            self.draw_ready(canvas, ready, cx);
            let rows = (self.overview.decks.len() as u16 + 3).clamp(6, decks.height.max(6));
            self.draw_decks(
                canvas,
                Rect {
                    height: rows.min(decks.height),
                    ..decks
                },
            );
            let [next, rest] =
                Layout::vertical([Constraint::Length(doing), Constraint::Fill(1)]).areas(side);
            self.draw_next(canvas, next, cx);
            Self::draw_weeks(
                canvas,
                Rect {
                    height: rest.height.min(11),
                    ..rest
                },
                cx,
            );
        } else {
            let tall = area.height >= 20;
            let ready = if tall { 4 } else { 3 };
            // what to do stands whole before the decks do: they have the rest, three of them at least
            let doing = doing.min(if tall { area.height - ready - 6 } else { 5 });
            let [top, next, decks] = Layout::vertical([
                Constraint::Length(ready),
                Constraint::Length(doing),
                Constraint::Fill(1),
            ])
            .areas(area);
            self.draw_ready(canvas, top, cx);
            self.draw_next(canvas, next, cx);
            self.draw_decks(canvas, decks);
        }
    }

    fn draw_ready(&self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let theme = canvas.theme;
        let title = match (cx.desk.days_left(cx.now), cx.desk.interview()) {
            (Some(0), _) => "Ready today".to_owned(),
            (Some(_), Some(day)) => format!("Ready on {}", day.date().strftime("%-d %b")),
            _ => "Ready in a week".to_owned(),
        };
        let inner = canvas.frame(area, &title, false);
        let stop = self.overview.ready.share;
        let plan = self
            .forecast
            .as_ref()
            .and_then(|days| days.last())
            .map_or(stop, |day| day.share);
        let curve: Vec<f64> = self
            .forecast
            .iter()
            .flatten()
            .map(|day| day.share)
            .collect();
        let mut spans = vec![Span::styled(
            format!("{:>3.0} %  ", plan * 100.0),
            theme
                .share(plan)
                .add_modifier(ratatui::style::Modifier::BOLD),
        )];
        if curve.len() > 1 {
            spans.push(Span::styled(
                sparkline(sampled(&curve, 16).into_iter().map(Some), 1.0),
                theme.share(plan),
            ));
            spans.push(Span::styled(
                format!("   {} if you stop now", percent(stop)),
                theme.dim,
            ));
        } else {
            spans.extend(bar(stop, 16, theme, theme.share(stop)));
        }
        canvas.line(inner, 0, Line::from(spans));
        let seen = self.overview.ready.seen;
        let words = if seen == 0 {
            format!(
                "Nothing met yet of {}. Drill, and this begins to move.",
                count(self.overview.ready.cards, "card", "cards")
            )
        } else {
            let mut weak: Vec<&crate::memory::DeckOverview> = self
                .overview
                .decks
                .iter()
                .filter(|deck| deck.ready.seen > 0)
                .collect();
            weak.sort_by(|a, b| a.ready.share.total_cmp(&b.ready.share));
            // As many as fit, and one at least.
            let mut words = String::from("weakest: ");
            for (i, deck) in weak.iter().take(3).enumerate() {
                let one = format!("{} {}", plain(&deck.title), percent(deck.ready.share));
                if i > 0 && width(&words) + width(&one) + 2 > usize::from(inner.width) {
                    break;
                }
                if i > 0 {
                    words.push_str(", ");
                }
                words.push_str(&one);
            }
            words
        };
        canvas.text(inner, 1, &words, theme.dim);
        if inner.height > 2 {
            canvas.text(
                inner,
                2,
                &format!(
                    "{seen} of {} met",
                    count(self.overview.ready.cards, "card", "cards")
                ),
                theme.dim,
            );
        }
    }

    fn draw_next(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let focused = self.selected < self.next.len();
        let inner = canvas.frame(area, "Next", focused);
        let theme = canvas.theme;
        // The bar of a list that is scrolled takes a column.
        let scrolled = u16::from(self.next.len() > usize::from(inner.height));
        let room = usize::from(inner.width.saturating_sub(2 + scrolled));
        self.doing
            .select(self.selected.min(self.next.len().saturating_sub(1)));
        let (overview, today, next) = (&self.overview, self.today, &self.next);
        let row = |index: usize, _: &mut Canvas<'_>| {
            let (name, what, aside) = row_words(&next[index], overview, today, cx);
            let middle = room.saturating_sub(10 + width(&aside) + 1);
            Line::from(vec![
                Span::raw(fit(name, 10)),
                Span::styled(fit(&what, middle), Style::new()),
                Span::styled(format!(" {aside}"), theme.dim),
            ])
        };
        let len = self.next.len();
        self.doing.draw(canvas, inner, len, focused, row);
        if !focused {
            hide_pointer(canvas, inner);
        }
    }

    fn draw_decks(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let before = self.next.len();
        let focused = self.selected >= before;
        let inner = canvas.frame(area, "Decks", focused);
        let theme = canvas.theme;
        let table = Rect {
            x: inner.x + 2,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        let room = usize::from(table.width).saturating_sub(COLUMNS);
        let heads = format!(
            "{}{}{}{}  {}",
            fit("", room),
            right("due", 5),
            right("new", 5),
            right("ready", 8),
            "level"
        );
        canvas.text(table, 0, &heads, theme.dim);
        let body = Rect {
            y: inner.y + 1,
            height: inner.height.saturating_sub(1),
            ..inner
        };
        self.decks.select(self.selected.saturating_sub(before));
        let decks = &self.overview.decks;
        let first_hit = canvas.hits.len();
        self.decks
            .draw(canvas, body, decks.len(), focused, |index, _| {
                let deck = &decks[index];
                let share = deck.ready.share;
                let levels = sparkline(deck.levels.iter().map(|level| level.share), 1.0);
                let faint = |n: usize| if n == 0 { theme.dim } else { Style::new() };
                let ready = if deck.ready.seen == 0 {
                    "–".to_owned()
                } else {
                    percent(share)
                };
                Line::from(vec![
                    Span::raw(fit(&plain(&deck.title), room)),
                    Span::styled(right(&deck.due.to_string(), 5), faint(deck.due)),
                    Span::styled(right(&deck.new.to_string(), 5), theme.dim),
                    Span::styled(
                        right(&ready, 8),
                        if deck.ready.seen == 0 {
                            theme.dim
                        } else {
                            theme.share(share)
                        },
                    ),
                    Span::styled(format!("  {levels}"), theme.info),
                ])
            });
        if !focused {
            hide_pointer(canvas, body);
        }
        for (_, hit) in &mut canvas.hits[first_hit..] {
            if let crate::tui::canvas::Hit::Row(row) = hit {
                *row += before;
            }
        }
    }

    /// What the coming days hold, where there is room for it.
    fn draw_weeks(canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        if area.height < 6 {
            return;
        }
        let inner = canvas.frame(area, "Coming back", false);
        super::stats::coming(canvas, inner, cx);
    }
}

/// What a row says: its name, what there is to do, and how much of it.
fn row_words(
    next: &Next,
    overview: &Overview,
    today: (usize, usize),
    cx: &Cx<'_>,
) -> (&'static str, String, String) {
    let bank = cx.desk.bank();
    match next {
        Next::Resume => {
            let (about, done, all) = cx.desk.resumable().unwrap_or_default();
            ("Resume", plain(&about), format!("{done} of {all} done"))
        }
        Next::ResumeQuiz => {
            let left = cx.desk.left_quiz();
            let (about, done, all) = left.map_or_else(Default::default, |left| {
                let all = left.snapshot.sources.len();
                (left.snapshot.settings.about.clone(), left.answered(), all)
            });
            (
                "Resume",
                format!("quiz, {}", plain(&about)),
                format!("{done} of {all} answered"),
            )
        }
        Next::ResumeInterview => {
            let left = cx.desk.left_interview();
            let (about, stands) = left.map_or_else(Default::default, |left| {
                let kind = left.activity.word();
                (format!("{kind}, {}", plain(&left.about)), left.words())
            });
            ("Resume", about, stands)
        }
        Next::Interview => (
            "Interview",
            "open questions aloud, a design drill".to_owned(),
            String::new(),
        ),
        Next::SelfTest => (
            "Self-test",
            "what you can do without help".to_owned(),
            count(bank.areas.len(), "area", "areas"),
        ),
        Next::Quiz => (
            "Quiz",
            "twenty questions, or as you like".to_owned(),
            "10 min".to_owned(),
        ),
        Next::Drill if today == (0, 0) => {
            ("Drill", "nothing left for today".to_owned(), String::new())
        }
        Next::Drill => {
            let seconds = cx.desk.seconds_a_card() * (today.0 + today.1) as u64;
            (
                "Drill",
                format!("{} due · {} new", today.0, today.1),
                format!("about {} min", seconds.div_ceil(60)),
            )
        }
        Next::Weakest(i) => {
            let deck = &overview.decks[*i];
            (
                "Weakest",
                plain(&deck.title),
                format!("{} ready", percent(deck.ready.share)),
            )
        }
        Next::Read(id) => (
            "Read",
            bank.chapter(id)
                .map(|chapter| plain(&chapter.title))
                .unwrap_or_default(),
            String::new(),
        ),
        Next::Lab(id) => (
            "Lab",
            bank.scenario(id)
                .map(|scenario| plain(&scenario.title))
                .unwrap_or_default(),
            count(bank.scenarios.len(), "scenario", "scenarios"),
        ),
        Next::Browse => (
            "Browse",
            "all cards".to_owned(),
            count(bank.cards.len(), "card", "cards"),
        ),
        Next::SetDate => (
            "Settings",
            "set the date of the interview".to_owned(),
            String::new(),
        ),
    }
}

/// Columns behind the title of a deck.
const COLUMNS: usize = 5 + 5 + 8 + 2 + 5;

/// At most `n` of the values, evenly spread, the last among them.
fn sampled(values: &[f64], n: usize) -> Vec<f64> {
    if values.len() <= n {
        return values.to_vec();
    }
    (0..n)
        .map(|i| values[(i + 1) * values.len() / n - 1])
        .collect()
}

/// A list without the keys shows no pointer: there is one on the screen.
fn hide_pointer(canvas: &mut Canvas<'_>, area: Rect) {
    for row in 0..area.height {
        canvas.text(Rect { width: 1, ..area }, row, " ", Style::new());
    }
}

#[cfg(test)]
mod tests {
    use super::sampled;

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_end() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let thin = sampled(&values, 10);
        assert_eq!(thin.len(), 10);
        assert_eq!(thin[9], 99.0);
        assert_eq!(sampled(&values[..3], 10), [0.0, 1.0, 2.0]);
    }
}
