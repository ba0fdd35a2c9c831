//! Search over all cards as one types, with matched letters, filters and a preview.

use crossterm::event::KeyEvent;
use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    Screen,
    card::{CardScreen, whole},
};
use crate::{
    bank::{CardId, DeckId, Level, search::Passage},
    memory::CardState,
    tui::{
        canvas::Canvas,
        card_view::Shown,
        desk::Found,
        effect::{Cx, Effect},
        keymap::{Action, Context},
        markdown::{Run, wrap},
        text::{clean, clip, count, plain},
        theme::Theme,
        widgets::{Field, List},
    },
};

/// From here on the preview stands beside the list.
const WIDE: u16 = 110;
/// From here on it stands below it.
const TALL: u16 = 20;

/// Which cards by what is known of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    All,
    Due,
    New,
    Starred,
    Flagged,
    Suspended,
}

impl State {
    const ALL: [Self; 6] = [
        Self::All,
        Self::Due,
        Self::New,
        Self::Starred,
        Self::Flagged,
        Self::Suspended,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Due => "due",
            Self::New => "new",
            Self::Starred => "starred",
            Self::Flagged => "flagged",
            Self::Suspended => "suspended",
        }
    }

    fn next(self) -> Self {
        let place = Self::ALL
            .iter()
            .position(|state| *state == self)
            .unwrap_or(0);
        Self::ALL[(place + 1) % Self::ALL.len()]
    }

    fn takes(self, starred: bool, state: Option<&CardState>, cx: &Cx<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Due => state.is_some_and(|state| state.is_due_on(cx.now.day)),
            Self::New => state.is_none_or(CardState::is_new),
            Self::Starred => starred || state.is_some_and(|state| state.starred),
            Self::Flagged => state.is_some_and(|state| state.flagged),
            Self::Suspended => state.is_some_and(|state| state.suspended),
        }
    }
}

/// The screen.
#[derive(Debug)]
pub struct Browse {
    field: Field,
    /// Only these cards, under that title.
    scope: Option<(String, Vec<CardId>)>,
    deck: Option<DeckId>,
    level: Option<Level>,
    state: State,
    found: Vec<Found>,
    list: List,
}

impl Browse {
    /// Search over all cards, beginning with these words.
    pub fn new(words: &str, cx: &Cx<'_>) -> Self {
        Self::scoped(words, None, cx)
    }

    /// Search over some cards.
    pub fn among(title: String, cards: Vec<CardId>, cx: &Cx<'_>) -> Self {
        Self::scoped("", Some((title, cards)), cx)
    }

    fn scoped(words: &str, scope: Option<(String, Vec<CardId>)>, cx: &Cx<'_>) -> Self {
        let mut browse = Self {
            field: Field::new(words),
            scope,
            deck: None,
            level: None,
            state: State::All,
            found: Vec::new(),
            list: List::default(),
        };
        browse.refresh(cx);
        browse
    }

    /// Its name in the top line.
    pub fn title(&self) -> String {
        match &self.scope {
            Some((title, _)) => format!("cards › {title}"),
            None => "cards".to_owned(),
        }
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::Browse]
    }

    /// Takes a key as text.
    pub fn key(&mut self, key: KeyEvent, cx: &Cx<'_>) -> bool {
        let before = self.field.text().to_owned();
        let taken = self.field.key(key);
        if self.field.text() != before {
            self.search(cx);
        }
        taken
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str, cx: &Cx<'_>) {
        self.field.insert(text);
        self.search(cx);
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize) {
        self.list.select(row);
    }

    /// Searches again and stays on the same row.
    pub fn refresh(&mut self, cx: &Cx<'_>) {
        let row = self.list.selected();
        self.search(cx);
        self.list
            .select(row.min(self.found.len().saturating_sub(1)));
    }

    fn search(&mut self, cx: &Cx<'_>) {
        let bank = cx.desk.bank();
        let (scope, deck, level, state) = (&self.scope, &self.deck, self.level, self.state);
        let takes = |place: usize| {
            let card = &bank.cards[place];
            scope
                .as_ref()
                .is_none_or(|(_, cards)| cards.contains(&card.id))
                && deck.as_ref().is_none_or(|deck| card.deck == *deck)
                && level.is_none_or(|level| card.level == level)
                && state.takes(card.starred, cx.desk.states().get(&card.id), cx)
        };
        let all = scope.is_none() && deck.is_none() && level.is_none() && state == State::All;
        let filter: Option<&dyn Fn(usize) -> bool> = if all { None } else { Some(&takes) };
        self.found = cx.desk.search(self.field.text(), filter);
        self.list.select(0);
    }

    fn ids(&self, cx: &Cx<'_>) -> Vec<CardId> {
        self.found
            .iter()
            .map(|found| cx.desk.bank().cards[found.place].id.clone())
            .collect()
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        match action {
            Action::Back if !self.field.text().is_empty() => {
                self.field.clear();
                self.search(cx);
            }
            Action::Back => return vec![Effect::Back],
            Action::Open if !self.found.is_empty() => {
                let screen = CardScreen::new(self.ids(cx), self.list.selected());
                return vec![Effect::Push(Screen::Card(Box::new(screen)))];
            }
            Action::DrillThese if !self.found.is_empty() => {
                return vec![Effect::DrillCards(self.ids(cx))];
            }
            Action::FilterDeck => {
                let decks = &cx.desk.bank().decks;
                let next = match &self.deck {
                    None => decks.first(),
                    Some(deck) => decks.iter().skip_while(|other| other.id != *deck).nth(1),
                };
                self.deck = next.map(|deck| deck.id.clone());
                self.search(cx);
            }
            Action::FilterLevel => {
                self.level = match self.level {
                    None => Some(Level::ALL[0]),
                    Some(level) => Level::ALL.into_iter().find(|other| *other > level),
                };
                self.search(cx);
            }
            Action::FilterState => {
                self.state = self.state.next();
                self.search(cx);
            }
            other => {
                self.list.act(other, self.found.len());
            }
        }
        Vec::new()
    }

    /// Draws the screen.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let [ask, filters, rest] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Fill(1),
        ])
        .areas(area);
        canvas.text(ask, 0, " search ", canvas.theme.key);
        let typed = Rect {
            x: ask.x + 8,
            width: ask.width.saturating_sub(9),
            ..ask
        };
        self.field.draw(
            canvas,
            typed,
            "words of question, tags or answer",
            Style::new(),
        );
        self.draw_filters(canvas, filters, cx);
        if area.width >= WIDE {
            let [list, preview] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)])
                .spacing(1)
                .areas(rest);
            self.draw_list(canvas, list, cx);
            self.draw_preview(canvas, preview, cx);
        } else if area.height >= TALL {
            let [list, preview] =
                Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(rest);
            self.draw_list(canvas, list, cx);
            self.draw_preview(canvas, preview, cx);
        } else {
            self.draw_list(canvas, rest, cx);
        }
    }

    fn draw_filters(&self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let theme = canvas.theme;
        let deck = self
            .deck
            .as_ref()
            .and_then(|deck| cx.desk.bank().deck(deck));
        let deck = deck.map_or_else(|| "all decks".to_owned(), |deck| plain(&deck.title));
        let level = self.level.map_or("all levels", Level::word);
        let style = |set: bool| if set { theme.accent } else { theme.dim };
        canvas.line(
            area,
            0,
            Line::from(vec![
                Span::raw(" "),
                Span::styled(count(self.found.len(), "card", "cards"), Style::new()),
                Span::styled("   ", theme.dim),
                Span::styled(deck, style(self.deck.is_some())),
                Span::styled("  ·  ", theme.dim),
                Span::styled(level, style(self.level.is_some())),
                Span::styled("  ·  ", theme.dim),
                Span::styled(self.state.word(), style(self.state != State::All)),
            ]),
        );
    }

    fn draw_list(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let inner = canvas.frame(area, "", true);
        if self.found.is_empty() {
            let words = if cx.desk.bank().cards.is_empty() {
                "There are no cards."
            } else {
                "Nothing found. Fewer letters find more; tab, shift-tab and ctrl-s change the filters."
            };
            let runs = [Run::new(words, canvas.theme.dim)];
            let lines = wrap(&runs, usize::from(inner.width));
            for (row, line) in lines.into_iter().enumerate() {
                canvas.line(inner, row as u16, line);
            }
            return;
        }
        let theme = canvas.theme;
        let found = &self.found;
        // Pointer, sign, and the bar of a list that is scrolled.
        let scrolled = usize::from(found.len() > usize::from(inner.height));
        let room = usize::from(inner.width).saturating_sub(2 + 2 + scrolled);
        self.list
            .draw(canvas, inner, found.len(), true, |index, _| {
                let hit = &found[index];
                let card = &cx.desk.bank().cards[hit.place];
                let state = cx.desk.states().get(&card.id);
                let (sign, style) = sign(state, cx, theme);
                let mut spans = vec![Span::styled(format!("{sign} "), style)];
                spans.extend(matched(&card.ask, &hit.letters, room, theme.matched));
                Line::from(spans)
            });
    }

    fn draw_preview(&self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let inner = canvas.frame(area, "", false);
        let Some(found) = self.found.get(self.list.selected()) else {
            return;
        };
        let card = &cx.desk.bank().cards[found.place];
        let columns = usize::from(inner.width);
        let mut lines = match &found.passage {
            Some(passage) => around(passage, columns, canvas.theme),
            None => Vec::new(),
        };
        lines.extend(whole(card, &Shown::default(), columns, canvas, cx));
        for (row, line) in lines
            .into_iter()
            .take(usize::from(inner.height))
            .enumerate()
        {
            canvas.line(inner, row as u16, line);
        }
    }
}

/// One sign for how a card stands.
fn sign(
    state: Option<&CardState>,
    cx: &Cx<'_>,
    theme: &crate::tui::theme::Theme,
) -> (&'static str, Style) {
    match state {
        Some(state) if state.suspended => ("‖", theme.dim),
        Some(state) if state.flagged => ("!", theme.bad),
        Some(state) if state.is_new() => ("○", theme.dim),
        Some(state) if state.is_due_on(cx.now.day) => ("◐", theme.warn),
        Some(_) => ("●", theme.good),
        None => ("○", theme.dim),
    }
}

/// What stands around a word that is further down in the card, and a line below it.
fn around(passage: &Passage, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let runs = [
        Run::new(clean(&passage.before), theme.dim),
        Run::new(clean(&passage.word), theme.matched),
        Run::new(clean(&passage.behind), theme.dim),
    ];
    let mut lines = wrap(&runs, columns);
    lines.push(Line::default());
    lines
}

/// A question in one line with the matched letters marked; `letters` are places of characters in it.
fn matched(ask: &str, letters: &[usize], columns: usize, style: Style) -> Vec<Span<'static>> {
    if letters.is_empty() {
        return vec![Span::raw(clip(&plain(ask), columns).into_owned())];
    }
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for (place, letter) in ask.chars().enumerate() {
        let letter = if letter.is_whitespace() { ' ' } else { letter };
        let marked = letters.contains(&place);
        let text = crate::tui::text::clean(letter.encode_utf8(&mut [0; 4])).into_owned();
        used += crate::tui::text::width(&text);
        if used > columns {
            break;
        }
        let style = if marked { style } else { Style::new() };
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(&text),
            _ => spans.push(Span::styled(text, style)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matched_letters_are_marked_where_they_stand() {
        let mark = Style::new().add_modifier(ratatui::style::Modifier::BOLD);
        let spans = matched("What is lag?", &[8, 9, 10], 40, mark);
        let texts: Vec<(&str, bool)> = spans
            .iter()
            .map(|s| (s.content.as_ref(), s.style == mark))
            .collect();
        assert_eq!(texts, [("What is ", false), ("lag", true), ("?", false)]);
        assert_eq!(
            matched("What is lag?", &[0], 4, mark)
                .iter()
                .map(Span::width)
                .sum::<usize>(),
            4
        );
    }
}
