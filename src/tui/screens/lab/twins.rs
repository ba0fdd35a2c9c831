//! A run and its twin side by side at the same moment: two clusters where there is room, else line by line.
//!
//! What is compared and whether it differs is decided in [`crate::lab::compare`]; here it is laid out. A `*` stands at
//! what is not the same.

use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::{Lab, Panel, Steer, cluster};
use crate::{
    lab::{
        compare::{Fact, Part, Side, Subject, subjects},
        scenario::Twin,
        view::{TopicView, View},
    },
    tui::{
        canvas::{Canvas, Hit},
        keymap::Action,
        text::{clip, fit},
        theme::Theme,
        widgets::Scroll,
    },
};

/// Rows of what is selected, in words, below two clusters.
const WORDS: u16 = 4;
/// Fewest rows in which events are worth a frame.
const EVENTS_LEAST: u16 = 5;

/// The rows of two clusters, so that the same stands in the same row: a topic's heading, or a partition by number.
pub(super) fn rows(here: &View, there: &View) -> Vec<(String, Option<usize>)> {
    let mut rows = Vec::new();
    let new = there
        .topics
        .iter()
        .filter(|topic| here.topics.iter().all(|known| known.name != topic.name));
    for topic in here.topics.iter().chain(new) {
        let partitions =
            |view: &View| topic_of(view, &topic.name).map_or(0, |t| t.partitions.len());
        rows.push((topic.name.clone(), None));
        let all = 0..partitions(here).max(partitions(there));
        rows.extend(all.map(|partition| (topic.name.clone(), Some(partition))));
    }
    rows
}

fn topic_of<'v>(view: &'v View, name: &str) -> Option<&'v TopicView> {
    view.topics.iter().find(|topic| topic.name == name)
}

impl Lab {
    fn twin_step(&self) -> Option<&Twin> {
        self.play.step()?.twin.as_ref()
    }

    /// What the run alone or the twin alone is called.
    pub(super) fn side_name(&self, there: bool) -> String {
        self.twin_step().map_or_else(String::new, |twin| {
            let side = if there { &twin.there } else { &twin.here };
            twin.name(side).into_owned()
        })
    }

    /// What is compared at this moment, line by line.
    fn subjects(&self) -> Vec<Subject> {
        let (Some(beside), Some(twin)) = (&self.beside, self.play.twin()) else {
            return Vec::new();
        };
        subjects(
            Side {
                view: &self.view,
                samples: self.play.timeline().samples(),
            },
            Side {
                view: beside,
                samples: twin.samples(),
            },
        )
    }

    /// Draws both line by line.
    pub(super) fn draw_lines(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let theme = canvas.theme;
        let only_clients = self.panel == Panel::Clients;
        let columns = Columns::of(usize::from(area.width.saturating_sub(1)));
        let mut lines = Vec::new();
        for subject in self.subjects() {
            if !only_clients || subject.part == Part::Clients {
                of_both(&mut lines, &subject, columns, theme);
            }
        }
        if let Some(twin) = self.twin_step() {
            let head = Line::from(vec![
                Span::styled(fit(&twin.setting, columns.label), theme.key),
                Span::raw("  "),
                Span::styled(fit(&twin.here, columns.value), theme.title),
                Span::styled(fit(&twin.there, columns.value), theme.title),
            ]);
            canvas.line(area, 0, head);
        }
        let body = Rect {
            y: area.y + 1,
            width: area.width.saturating_sub(1),
            height: area.height.saturating_sub(1),
            ..area
        };
        self.lines.draw(canvas, body, &lines);
    }

    /// Draws both as two clusters with their clients and events.
    pub(super) fn draw_tables(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(beside) = self.beside.clone() else {
            return;
        };
        let rows = rows(&self.view, &beside);
        let subjects = self.subjects();
        let clients: Vec<&Subject> = subjects
            .iter()
            .filter(|subject| subject.part == Part::Clients)
            .collect();
        let client_lines: usize = clients.iter().map(|it| 1 + it.facts.len()).sum();
        let tables = (rows.len() as u16 + 4).clamp(6, area.height / 2);
        let left = area.height.saturating_sub(tables + WORDS);
        let mut of_clients = (client_lines as u16 + 2).min(left);
        if left - of_clients < EVENTS_LEAST {
            // a list of clients that is scrolled leaves the events their place
            of_clients = if left >= 4 * EVENTS_LEAST {
                left - 2 * EVENTS_LEAST
            } else {
                left
            };
        }
        let [top, words, middle, bottom] = Layout::vertical([
            Constraint::Length(tables),
            Constraint::Length(WORDS),
            Constraint::Length(of_clients),
            Constraint::Fill(1),
        ])
        .areas(area);
        let halves = |area: Rect| -> [Rect; 2] {
            Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area)
        };
        let views = [(&self.view.clone(), &beside), (&beside, &self.view.clone())];
        for (place, (half, (view, other))) in halves(top).into_iter().zip(views).enumerate() {
            let name = self.side_name(place == 1);
            let title = if place == 0 {
                format!("2 cluster, {name}")
            } else {
                format!("the twin, {name}")
            };
            let inner = self.half(canvas, half, &title, Panel::Cluster);
            self.draw_table(canvas, inner, view, other, &rows);
        }
        self.draw_words(canvas, words, &rows);
        for (place, half) in halves(middle).into_iter().enumerate() {
            let title = format!("{} {}", ["3 clients,", "clients,"][place], self.side(place));
            let inner = self.half(canvas, half, &title, Panel::Clients);
            let mut lines = Vec::new();
            for subject in &clients {
                of_one(
                    &mut lines,
                    subject,
                    place,
                    usize::from(inner.width),
                    canvas.theme,
                );
            }
            let body = Rect {
                width: inner.width.saturating_sub(1),
                ..inner
            };
            self.lines.draw(canvas, body, &lines);
        }
        if bottom.height < EVENTS_LEAST {
            return;
        }
        for (place, half) in halves(bottom).into_iter().enumerate() {
            let words = self.events.filter_words();
            let title = format!(
                "{} {words}, {}",
                ["4 events:", "events:"][place],
                self.side(place)
            );
            let inner = self.half(canvas, half, &title, Panel::Events);
            let focused = self.panel == Panel::Events;
            let before = canvas.hits.len();
            match self.play.twin() {
                Some(twin) if place == 1 => {
                    let log = twin.cluster().events();
                    self.beside_events.draw(canvas, inner, log, false);
                    canvas.hits.truncate(before);
                }
                _ => {
                    let log = self.play.timeline().cluster().events();
                    self.events.draw(canvas, inner, log, focused);
                    if !focused {
                        canvas.hits.truncate(before);
                    }
                }
            }
        }
    }

    /// The word for a side, by its place.
    fn side(&self, place: usize) -> &str {
        self.twin_step()
            .map_or("", |twin| if place == 0 { &twin.here } else { &twin.there })
    }

    /// A frame of one of the two, which a click makes the panel with the keys.
    fn half(&self, canvas: &mut Canvas<'_>, area: Rect, title: &str, panel: Panel) -> Rect {
        let number = Panel::ALL.iter().position(|known| *known == panel);
        canvas.hit(
            area,
            Hit::Act(Action::Lab(Steer::Panel(number.unwrap_or(0) as u8))),
        );
        canvas.frame(area, title, self.panel == panel)
    }

    fn draw_table(
        &mut self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        view: &View,
        other: &View,
        rows: &[(String, Option<usize>)],
    ) {
        let theme = canvas.theme;
        let width = usize::from(area.width);
        let focused = self.panel == Panel::Cluster;
        let cell = cluster::cell_width(width, view.brokers.len());
        let fitting = (width.saturating_sub(cluster::HEAD) / cell).max(1);
        let shown = &view.brokers[..fitting.min(view.brokers.len())];
        let all = view.brokers.len();
        let heads = cluster::heads(shown, cell, 0, all, Some(other), theme);
        canvas.line(area, 0, heads);
        let body = Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(2),
            ..area
        };
        let scroll: &mut Scroll = &mut self.cluster.1;
        scroll.fit(rows.len(), usize::from(body.height));
        scroll.show(self.cluster.0);
        let first = self.cluster.1.offset();
        for (y, (place, (topic, partition))) in rows
            .iter()
            .enumerate()
            .skip(first)
            .take(usize::from(body.height))
            .enumerate()
        {
            let known = topic_of(view, topic);
            let line = match (known, partition) {
                (Some(topic), None) => cluster::topic_line(topic, Some(other), width, theme),
                (Some(topic), Some(partition)) if *partition < topic.partitions.len() => {
                    cluster::partition_line(topic, *partition, shown, cell, Some(other), theme)
                }
                (_, None) => Line::styled(format!("{topic}: not there *"), theme.dim),
                (_, Some(partition)) => {
                    Line::styled(format!("p{partition}   not there *"), theme.dim)
                }
            };
            let whole = Rect {
                y: body.y + y as u16,
                height: 1,
                ..body
            };
            canvas.line(whole, 0, line);
            if focused {
                if place == self.cluster.0 {
                    canvas.tint(whole, theme.selected);
                }
                canvas.hit(whole, Hit::Row(place));
            }
        }
        let quorum = cluster::quorum_line(view, width, theme);
        let last = area.height.saturating_sub(1);
        canvas.line(area, last, quorum);
    }

    /// The selected partition in both, in words, and the term to know.
    fn draw_words(&self, canvas: &mut Canvas<'_>, area: Rect, rows: &[(String, Option<usize>)]) {
        let theme = canvas.theme;
        let Some((name, partition)) = rows.get(self.cluster.0) else {
            return;
        };
        let area = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            ..area
        };
        let columns = usize::from(area.width);
        let side = |place| crate::tui::text::width(self.side(place)) + 2;
        let mut term = None;
        let views = [Some(&self.view), self.beside.as_ref()];
        for (place, view) in views.into_iter().flatten().enumerate() {
            let topic = topic_of(view, name);
            let room = columns.saturating_sub(side(place));
            let said = match (topic, partition) {
                (Some(topic), Some(partition)) => topic
                    .partitions
                    .get(*partition)
                    .map(|partition| cluster::partition_words(topic, partition, room)),
                (Some(topic), None) => Some(cluster::topic_words(view, topic)),
                (None, _) => None,
            };
            let (words, meant) = match said {
                Some((words, meant)) => (words, Some(meant)),
                None => ("not there".to_owned(), None),
            };
            let line = format!("{}: {words}", self.side(place));
            canvas.text(area, place as u16, &line, theme.info);
            term = term.or(meant);
        }
        if let Some(term) = term {
            let lines = cluster::gloss(term, columns, theme);
            for (y, line) in lines.into_iter().take(2).enumerate() {
                canvas.line(area, 2 + y as u16, line);
            }
        }
    }
}

/// How wide the columns are.
#[derive(Clone, Copy)]
struct Columns {
    label: usize,
    value: usize,
}

impl Columns {
    fn of(width: usize) -> Self {
        let label = (width * 3 / 10).clamp(14, 26);
        let value = width.saturating_sub(label + 2) / 2;
        Self { label, value }
    }

    fn all(self) -> usize {
        self.label + 2 + 2 * self.value
    }
}

/// How a value that differs is set off besides its sign.
fn differing(theme: &Theme) -> Style {
    theme.accent.add_modifier(Modifier::BOLD)
}

/// A subject with the values of both beside each other; one line for what is the same.
fn of_both(lines: &mut Vec<Line<'static>>, subject: &Subject, columns: Columns, theme: &Theme) {
    if !subject.differs() {
        let words = format!("= {}", subject.summary());
        let name = fit(
            &subject.name,
            columns.label.min(subject.name.chars().count() + 1),
        );
        let room = columns.all().saturating_sub(name.chars().count());
        lines.push(Line::from(vec![
            Span::styled(name, theme.title),
            Span::styled(clip(&words, room).into_owned(), theme.dim),
        ]));
        return;
    }
    lines.push(Line::styled(subject.name.clone(), theme.title));
    for fact in &subject.facts {
        let style = if fact.differs() {
            differing(theme)
        } else {
            Style::new()
        };
        let value = |value: &str| {
            let room = columns.value.saturating_sub(1);
            Span::styled(format!("{} ", fit(&clip(value, room), room)), style)
        };
        lines.push(Line::from(vec![
            Span::styled(fit(&format!("  {}", fact.what), columns.label), theme.dim),
            Span::styled(if fact.differs() { "* " } else { "  " }, theme.accent),
            value(&fact.here),
            value(&fact.there),
        ]));
    }
}

/// A subject with the values of one side.
fn of_one(
    lines: &mut Vec<Line<'static>>,
    subject: &Subject,
    place: usize,
    width: usize,
    theme: &Theme,
) {
    lines.push(Line::styled(subject.name.clone(), theme.title));
    let label = (width * 2 / 5).clamp(14, 20);
    for fact in &subject.facts {
        let Fact { what, here, there } = fact;
        let value = if place == 0 { here } else { there };
        let (sign, style) = if fact.differs() {
            (" *", differing(theme))
        } else {
            ("", Style::new())
        };
        let room = width.saturating_sub(label + 3);
        lines.push(Line::from(vec![
            Span::styled(fit(&format!("  {what}"), label), theme.dim),
            Span::styled(format!("{}{sign}", clip(value, room)), style),
        ]));
    }
}
