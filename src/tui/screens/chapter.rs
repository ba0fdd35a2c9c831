//! A chapter of the guide: scrolled, searched, its links followed.
//!
//! Under each section stand the cards that point at it. Where a link leads is opened by the app.

use std::rc::Rc;

use crossterm::event::KeyEvent;
use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    bank::{Bank, CardId, Chapter, ChapterId},
    tui::{
        canvas::Canvas,
        effect::{Cx, Effect},
        keymap::{Action, Context},
        markdown::Page,
        text::{clean, plain},
        widgets::{Field, Scroll, column_of},
    },
};

/// Widest column of text that is still easy to read for long.
const MEASURE: u16 = 92;

/// The screen.
#[derive(Debug)]
pub struct Reading {
    chapter: ChapterId,
    /// Heading to begin at, until it has been gone to.
    anchor: Option<String>,
    text: String,
    scroll: Scroll,
    shift: usize,
    /// Selected link, by its place in the text.
    link: Option<usize>,
    links: Vec<String>,
    search: Option<Field>,
    query: String,
    page: Rc<Page>,
}

impl Reading {
    /// A chapter, from the heading of that anchor on.
    pub fn new(chapter: &Chapter, anchor: Option<&str>, bank: &Bank) -> Self {
        Self {
            chapter: chapter.id.clone(),
            anchor: anchor.map(str::to_owned),
            text: with_cards(chapter, bank),
            scroll: Scroll::default(),
            shift: 0,
            link: None,
            links: Vec::new(),
            search: None,
            query: String::new(),
            page: Rc::default(),
        }
    }

    /// The chapter being read.
    pub fn chapter(&self) -> &ChapterId {
        &self.chapter
    }

    /// Where keys work.
    pub fn contexts(&self) -> &'static [Context] {
        if self.search.is_some() {
            &[Context::Typing]
        } else {
            &[Context::Chapter, Context::Moving]
        }
    }

    /// Text is being typed.
    pub fn typing(&self) -> bool {
        self.search.is_some()
    }

    /// Takes a key as text.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        self.search.as_mut().is_some_and(|field| field.key(key))
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if let Some(field) = &mut self.search {
            field.insert(text);
        }
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        if let Some(field) = &self.search {
            match action {
                Action::Open => {
                    self.query = field.text().trim().to_lowercase();
                    self.search = None;
                    return self.find(true, true);
                }
                Action::Back => self.search = None,
                _ => {}
            }
            return Vec::new();
        }
        match action {
            Action::Back if !self.query.is_empty() => self.query.clear(),
            Action::Back => return vec![Effect::Back],
            Action::Search => self.search = Some(Field::new(self.query.clone())),
            Action::NextMatch => return self.find(true, false),
            Action::PreviousMatch => return self.find(false, false),
            Action::Left => self.shift = self.shift.saturating_sub(8),
            Action::Right => {
                self.shift = (self.shift + 8).min(self.page.overhang.next_multiple_of(8));
            }
            Action::NextHeading | Action::PreviousHeading => {
                self.heading(action == Action::NextHeading);
            }
            Action::Next | Action::Previous => self.next_link(action == Action::Next),
            Action::Open => {
                if let Some(target) = self.link.and_then(|link| self.links.get(link)) {
                    return vec![Effect::Follow(target.clone())];
                }
                self.scroll.act(Action::PageDown);
            }
            Action::Cards => {
                let cards = self.cards(cx.desk.bank());
                return vec![Effect::BrowseCards(self.title(cx.desk.bank()), cards)];
            }
            Action::DrillThese => {
                let cards = self.cards(cx.desk.bank());
                return vec![Effect::DrillCards(cards)];
            }
            other => {
                self.scroll.act(other);
            }
        }
        Vec::new()
    }

    fn cards(&self, bank: &Bank) -> Vec<CardId> {
        cards_of(&self.chapter, bank)
            .map(|(id, _, _)| id.clone())
            .collect()
    }

    /// Its title.
    pub fn title(&self, bank: &Bank) -> String {
        bank.chapter(&self.chapter)
            .map_or_else(|| self.chapter.to_string(), |chapter| plain(&chapter.title))
    }

    fn heading(&mut self, forward: bool) {
        let at = self.scroll.offset();
        let mut lines = self.page.anchors.iter().map(|anchor| anchor.line);
        let to = if forward {
            lines.find(|line| *line > at)
        } else {
            lines.rfind(|line| *line < at)
        };
        if let Some(line) = to {
            self.scroll.to(line);
        } else if !forward {
            self.scroll.to(0);
        }
    }

    /// Selects the next link, beginning with what is on screen.
    fn next_link(&mut self, forward: bool) {
        let top = self.scroll.offset();
        let shown = top..top + self.scroll.rows();
        let current = self.link.filter(|link| {
            self.page
                .links
                .iter()
                .any(|spot| spot.link == *link && shown.contains(&spot.line))
        });
        let mut spots = self.page.links.iter();
        let spot = match (current, forward) {
            (Some(link), true) => spots.find(|spot| spot.link > link),
            (Some(link), false) => spots.rfind(|spot| spot.link < link),
            (None, true) => spots.find(|spot| spot.line >= top),
            (None, false) => spots.rfind(|spot| spot.line < shown.end),
        };
        if let Some(spot) = spot.copied() {
            self.link = Some(spot.link);
            self.scroll.show(spot.line);
        }
    }

    /// Goes to the next line with the words sought, round the end if need be.
    fn find(&mut self, forward: bool, from_here: bool) -> Vec<Effect> {
        if self.query.is_empty() {
            return Vec::new();
        }
        let at = self.scroll.offset() + 2;
        let found: Vec<usize> = (0..self.page.lines.len())
            .filter(|line| self.page.text(*line).to_lowercase().contains(&self.query))
            .collect();
        let to = if forward {
            let from = if from_here {
                self.scroll.offset()
            } else {
                at + 1
            };
            found.iter().find(|line| **line >= from).or(found.first())
        } else {
            found.iter().rfind(|line| **line < at).or(found.last())
        };
        match to {
            Some(line) => {
                self.scroll.to(line.saturating_sub(2));
                Vec::new()
            }
            None => vec![Effect::Tell(format!(
                "“{}” is not in this chapter",
                self.query
            ))],
        }
    }

    /// Draws the chapter.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let Some(chapter) = cx.desk.bank().chapter(&self.chapter) else {
            canvas.text(
                area,
                0,
                "This chapter is not in the bank any more.",
                canvas.theme.warn,
            );
            return;
        };
        let text = column_of(area, MEASURE);
        let heading = Line::from(vec![
            Span::styled(plain(&chapter.title), canvas.theme.heading[0]),
            Span::styled(format!("   {}", plain(&chapter.part)), canvas.theme.dim),
        ]);
        canvas.line(text, 0, heading);
        let searching = u16::from(self.search.is_some());
        let body = Rect {
            y: text.y + 2,
            height: text.height.saturating_sub(2 + searching),
            ..text
        };
        self.page = canvas.prose.page(
            &self.text,
            usize::from(text.width),
            canvas.theme,
            self.shift,
        );
        self.links = canvas.prose.links(&self.text);
        if let Some(anchor) = self.anchor.take()
            && let Some(found) = self.page.anchors.iter().find(|found| found.name == anchor)
        {
            self.scroll.start_at(found.line);
        }
        let page = Rc::clone(&self.page);
        self.scroll.draw(canvas, body, &page.lines);
        self.draw_marks(canvas, body);
        if let Some(field) = &self.search {
            let row = Rect {
                y: body.bottom(),
                height: 1,
                ..text
            };
            canvas.line(row, 0, Span::styled("search ", canvas.theme.key));
            let typed = Rect {
                x: row.x + 7,
                width: row.width.saturating_sub(7),
                ..row
            };
            field.draw(
                canvas,
                typed,
                "words in this chapter",
                ratatui::style::Style::new(),
            );
        }
    }

    /// The selected link and the words found.
    fn draw_marks(&self, canvas: &mut Canvas<'_>, body: Rect) {
        let top = self.scroll.offset();
        let shown = |line: usize| line >= top && line < top + usize::from(body.height);
        for spot in self
            .page
            .links
            .iter()
            .filter(|spot| Some(spot.link) == self.link && shown(spot.line))
        {
            let place = Rect {
                x: body.x + spot.from as u16,
                y: body.y + (spot.line - top) as u16,
                width: (spot.to - spot.from) as u16,
                height: 1,
            };
            canvas.tint(place.intersection(body), canvas.theme.selected);
        }
        if self.query.is_empty() {
            return;
        }
        for row in 0..usize::from(body.height) {
            let text = self.page.text(top + row).to_lowercase();
            for (at, found) in text.match_indices(&self.query) {
                let place = Rect {
                    x: body.x + crate::tui::text::width(&text[..at]) as u16,
                    y: body.y + row as u16,
                    width: crate::tui::text::width(found) as u16,
                    height: 1,
                };
                canvas.tint(place.intersection(body), canvas.theme.matched);
            }
        }
    }
}

/// The cards that point at a chapter: id, question, heading.
fn cards_of<'a>(
    chapter: &'a ChapterId,
    bank: &'a Bank,
) -> impl Iterator<Item = (&'a CardId, &'a str, Option<&'a str>)> {
    bank.cards.iter().filter_map(move |card| {
        let link = card.see.chapter.as_ref()?;
        (link.chapter == *chapter).then_some((&card.id, &*card.ask, link.anchor.as_deref()))
    })
}

/// The chapter's text with the cards of each section behind it.
fn with_cards(chapter: &Chapter, bank: &Bank) -> String {
    let cards: Vec<_> = cards_of(&chapter.id, bank).collect();
    let list = |anchor: Option<&str>| -> String {
        let lines: Vec<String> = cards
            .iter()
            .filter(|(_, _, at)| *at == anchor)
            .map(|(id, ask, _)| {
                let words = clean(ask).split_whitespace().collect::<Vec<_>>().join(" ");
                format!(
                    "> - [{}](card:{id})",
                    words.replace('[', "\\[").replace(']', "\\]")
                )
            })
            .collect();
        if lines.is_empty() {
            String::new()
        } else {
            format!("\n> Asked about this:\n{}\n\n", lines.join("\n"))
        }
    };
    let mut out = String::with_capacity(chapter.text.len() + cards.len() * 120);
    let mut section: Option<&str> = None;
    let mut headings = chapter.headings.iter();
    let mut fenced = false;
    for line in chapter.text.lines() {
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            fenced = !fenced;
        }
        if !fenced && line.starts_with("##") {
            out.push_str(&list(section));
            section = headings.next().map(|heading| heading.anchor.as_str());
        }
        out.push_str(line);
        out.push('\n');
    }
    out.push_str(&list(section));
    if section.is_some() {
        out.push_str(&list(None));
    }
    out
}
