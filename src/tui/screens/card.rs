//! One card out of the drill: everything about it at once, and the cards beside it in a list.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    bank::{Card, CardId},
    memory::{CardState, Due, Phase},
    tui::{
        canvas::Canvas,
        card_view::{self, Shown},
        effect::{Cx, Effect},
        keymap::{Action, Context},
        text,
        widgets::{Scroll, column},
    },
};

/// The screen.
#[derive(Debug)]
pub struct CardScreen {
    cards: Vec<CardId>,
    place: usize,
    scroll: Scroll,
    shown: Shown,
}

impl CardScreen {
    /// The card at that place of a list.
    pub fn new(cards: Vec<CardId>, place: usize) -> Self {
        Self {
            cards,
            place,
            scroll: Scroll::default(),
            shown: Shown::default(),
        }
    }

    /// Where keys work.
    pub fn contexts() -> &'static [Context] {
        &[Context::Card, Context::Moving]
    }

    fn id(&self) -> Option<&CardId> {
        self.cards.get(self.place)
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action, cx: &Cx<'_>) -> bool {
        let card = self.id().and_then(|id| cx.desk.bank().card(id));
        match action {
            Action::NextMatch => self.place + 1 < self.cards.len(),
            Action::PreviousMatch => self.place > 0,
            Action::Chapter => card.is_some_and(|card| card.see.chapter.is_some()),
            Action::Next => card.is_some_and(|card| !card_view::links(card).is_empty()),
            _ => true,
        }
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        let Some(id) = self.id().cloned() else {
            return vec![Effect::Back];
        };
        let Some(card) = cx.desk.bank().card(&id) else {
            return vec![Effect::Back];
        };
        let state = cx.desk.states().get(&id);
        let links = card_view::links(card);
        match action {
            Action::Back => return vec![Effect::Back],
            Action::NextMatch if self.place + 1 < self.cards.len() => self.go(self.place + 1),
            Action::PreviousMatch if self.place > 0 => self.go(self.place - 1),
            Action::NextMatch => self.shown.shift += 8,
            Action::PreviousMatch => self.shown.shift = self.shown.shift.saturating_sub(8),
            Action::Next if !links.is_empty() => {
                self.shown.link = Some(self.shown.link.map_or(0, |link| (link + 1) % links.len()));
                self.scroll.act(Action::Bottom);
            }
            Action::Previous if !links.is_empty() => {
                let last = links.len() - 1;
                self.shown.link = Some(
                    self.shown
                        .link
                        .map_or(last, |link| link.checked_sub(1).unwrap_or(last)),
                );
                self.scroll.act(Action::Bottom);
            }
            Action::Open => match self.shown.link.and_then(|link| links.get(link)) {
                Some(link) => return vec![Effect::Follow(link.clone())],
                None => {
                    self.scroll.act(Action::PageDown);
                }
            },
            Action::Chapter => {
                if let Some(link) = links.into_iter().find(|link| link.starts_with("chapter:")) {
                    return vec![Effect::Follow(link)];
                }
            }
            Action::DrillThese => return vec![Effect::DrillCards(vec![id])],
            Action::Suspend => {
                return vec![Effect::SetSuspended(
                    id,
                    !state.is_some_and(|s| s.suspended),
                )];
            }
            Action::Flag => return vec![Effect::SetFlagged(id, !state.is_some_and(|s| s.flagged))],
            Action::Star => return vec![Effect::SetStarred(id, !state.is_some_and(|s| s.starred))],
            Action::Edit => return vec![Effect::Edit(id)],
            other => {
                self.scroll.act(other);
            }
        }
        Vec::new()
    }

    fn go(&mut self, place: usize) {
        *self = Self::new(std::mem::take(&mut self.cards), place);
    }

    /// Draws the card.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let Some(card) = self.id().and_then(|id| cx.desk.bank().card(id)) else {
            canvas.text(
                area,
                1,
                " This card is not in the bank any more.",
                canvas.theme.warn,
            );
            return;
        };
        let body = column(area);
        let lines = whole(card, &self.shown, usize::from(body.width), canvas, cx);
        self.scroll.draw(canvas, body, &lines);
    }
}

/// Everything about a card: label, question, answer, history.
pub fn whole(
    card: &Card,
    shown: &Shown,
    columns: usize,
    canvas: &mut Canvas<'_>,
    cx: &Cx<'_>,
) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let bank = cx.desk.bank();
    let state = cx.desk.states().get(&card.id);
    let shown = Shown {
        follow_ups: usize::MAX,
        answers: usize::MAX,
        ..shown.clone()
    };
    let starred = state.is_some_and(|s| s.starred);
    let flagged = state.is_some_and(|s| s.flagged);
    let mut lines = vec![card_view::label(card, bank, theme, starred, flagged)];
    lines.push(Line::from(Span::styled(history(state, cx), theme.dim)));
    lines.push(Line::default());
    lines.extend(card_view::question(
        card,
        columns,
        theme,
        shown.shift,
        canvas.prose,
    ));
    card_view::spoken(&mut lines, card, &shown, columns, theme, canvas.prose);
    let (taught, _) = card_view::taught(card, bank, &shown, columns, theme, canvas.prose);
    if !taught.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(taught);
    lines
}

/// How well a card is known, in a line.
fn history(state: Option<&CardState>, cx: &Cx<'_>) -> String {
    let Some(state) = state.filter(|state| !state.is_new() || state.suspended) else {
        return "new: not met yet".to_owned();
    };
    let mut facts = Vec::new();
    if state.suspended {
        facts.push("suspended".to_owned());
    }
    if state.reviews > 0 {
        facts.push(format!(
            "{:.0} % likely remembered now",
            100.0 * cx.desk.scheduler().recall(state, cx.now.at)
        ));
        facts.push(text::count(state.reviews as usize, "rating", "ratings"));
    }
    if state.lapses > 0 {
        facts.push(format!(
            "forgotten {}",
            if state.lapses == 1 {
                "once".to_owned()
            } else {
                format!("{} times", state.lapses)
            }
        ));
    }
    match (state.due, state.phase) {
        (Some(due), _) if due.has_come(cx.now) => facts.push("due now".to_owned()),
        (Some(Due::On(day)), _) => facts.push(format!("back on {day}")),
        (Some(Due::At(_)), Phase::Learning | Phase::Relearning) => {
            facts.push("back within minutes".to_owned());
        }
        _ => {}
    }
    facts.join("  ·  ")
}
