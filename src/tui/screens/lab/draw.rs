//! The screen's parts on the window: side by side where there is room, else one behind the other.

use ratatui::{
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::{Bring, Lab, Panel, Room, Sight, clients, cluster, guide, line};
use crate::tui::{
    canvas::{Canvas, Hit},
    effect::Cx,
    keymap::Action,
    screens::lab::Steer,
};

/// From here on all panels stand side by side.
const WIDE: (u16, u16) = (120, 30);
/// From here on a run and its twin are two clusters.
const TABLES: (u16, u16) = (150, 30);
/// Rows of events below what is compared line by line.
const EVENTS_BELOW: u16 = 8;

impl Lab {
    /// Draws the screen.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let [body, bottom] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(2)]).areas(area);
        let at_least = |size: (u16, u16)| area.width >= size.0 && area.height >= size.1;
        self.room = match () {
            () if at_least(TABLES) => Room::Tables,
            () if at_least(WIDE) => Room::Lines,
            () => Room::Behind,
        };
        if self.room == Room::Behind {
            self.draw_narrow(canvas, body, cx);
        } else {
            self.draw_wide(canvas, body, cx);
        }
        let speed = self.pace.words();
        let facts = line::Facts {
            running: self.pace.is_running(),
            speed: &speed,
            until: self.play.runs_until().or(self.pace.toward()),
        };
        line::draw(canvas, bottom, self.shown(), &facts);
        self.draw_over(canvas, body);
    }

    fn draw_wide(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let guide = if self.room == Room::Tables && self.sight() == Sight::Both {
            (area.width * 3 / 10).clamp(48, 60)
        } else {
            (area.width * 2 / 5).clamp(48, 76)
        };
        let [left, right] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(guide)]).areas(area);
        if self.sight() == Sight::Both {
            let inner = canvas.frame(
                right,
                &self.heading(Panel::Guide),
                self.panel == Panel::Guide,
            );
            self.draw_panel(canvas, inner, Panel::Guide, cx);
            if self.room == Room::Tables {
                self.draw_tables(canvas, left);
            } else {
                self.draw_lines_and_events(canvas, left, cx);
            }
            return;
        }
        let partitions = cluster::rows(&self.view).len() as u16;
        let clients = clients::rows(&self.view) as u16;
        let cluster_rows = (partitions + 7).clamp(9, left.height / 2);
        let client_rows = (clients + 4).clamp(5, left.height / 3);
        let [top, middle, below] = Layout::vertical([
            Constraint::Length(cluster_rows),
            Constraint::Length(client_rows),
            Constraint::Fill(1),
        ])
        .areas(left);
        for (panel, place) in [
            (Panel::Cluster, top),
            (Panel::Clients, middle),
            (Panel::Events, below),
            (Panel::Guide, right),
        ] {
            let inner = canvas.frame(place, &self.heading(panel), self.panel == panel);
            self.draw_panel(canvas, inner, panel, cx);
        }
    }

    fn heading(&self, panel: Panel) -> String {
        match panel {
            Panel::Events => format!("4 events: {}", self.events.filter_words()),
            Panel::Cluster if self.play.twin().is_some() => match self.sight() {
                Sight::Both => "2 both".to_owned(),
                Sight::Here => format!("2 cluster, {}", self.side_name(false)),
                Sight::There => format!("2 the twin, {}", self.side_name(true)),
            },
            Panel::Cluster => "2 cluster".to_owned(),
            Panel::Clients => "3 clients".to_owned(),
            Panel::Guide => "1 guide".to_owned(),
        }
    }

    fn draw_narrow(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let mut x = area.x + 1;
        for (place, panel) in Panel::ALL.into_iter().enumerate() {
            let chosen = panel == self.panel;
            let text = match panel {
                Panel::Events if chosen => format!(
                    "{} {}: {}",
                    place + 1,
                    panel.word(),
                    self.events.filter_words()
                ),
                Panel::Cluster if self.play.twin().is_some() => match self.sight() {
                    Sight::Both => "2 both".to_owned(),
                    Sight::Here => "2 cluster".to_owned(),
                    Sight::There => "2 twin".to_owned(),
                },
                _ => format!("{} {}", place + 1, panel.word()),
            };
            let text = if chosen {
                format!("▸{text} ")
            } else {
                format!(" {text} ")
            };
            let style = if chosen {
                canvas.theme.selected.patch(canvas.theme.title)
            } else {
                canvas.theme.dim
            };
            let columns = crate::tui::text::width(&text) as u16;
            let tab = Rect {
                x,
                width: columns.min(area.right().saturating_sub(x)),
                height: 1,
                ..area
            };
            canvas.line(tab, 0, Line::from(Span::styled(text, style)));
            canvas.hit(tab, Hit::Act(Action::Lab(Steer::Panel(place as u8))));
            x += columns + 1;
        }
        if self.play.twin().is_some() {
            let both = self.sight() == Sight::Both;
            let tag = match (both, self.panel) {
                (_, Panel::Guide) => String::new(),
                (true, Panel::Cluster | Panel::Clients) => "* differs ".to_owned(),
                (_, _) => format!("{} ", self.side_name(self.sight() == Sight::There)),
            };
            let rest = Rect {
                x: x.min(area.right()),
                width: area.right().saturating_sub(x),
                ..area
            };
            let tag = crate::tui::text::clip(&tag, usize::from(rest.width)).into_owned();
            canvas.right(rest, 0, Span::styled(tag, canvas.theme.warn));
        }
        let inner = Rect {
            x: area.x + 1,
            y: area.y + 1,
            width: area.width.saturating_sub(2),
            height: area.height.saturating_sub(1),
        };
        let both = self.sight() == Sight::Both;
        if both && matches!(self.panel, Panel::Cluster | Panel::Clients) {
            self.draw_lines(canvas, inner);
        } else if self.panel == Panel::Cluster {
            self.draw_stacked(canvas, inner, cx);
        } else {
            self.draw_panel(canvas, inner, self.panel, cx);
        }
    }

    /// Both line by line, with the events of the run below.
    fn draw_lines_and_events(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let [top, bottom] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(EVENTS_BELOW)]).areas(area);
        let focused = matches!(self.panel, Panel::Cluster | Panel::Clients);
        canvas.hit(top, Hit::Act(Action::Lab(Steer::Panel(1))));
        let inner = canvas.frame(top, "2 both, line by line; * differs", focused);
        self.draw_lines(canvas, inner);
        let heading = format!("{}, {}", self.heading(Panel::Events), self.side_name(false));
        let inner = canvas.frame(bottom, &heading, self.panel == Panel::Events);
        self.draw_panel(canvas, inner, Panel::Events, cx);
    }

    /// The cluster, with clients and events below it where it leaves room.
    fn draw_stacked(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let cluster = (cluster::rows(&self.view).len() as u16 + 5).min(area.height);
        let clients = clients::rows(&self.view) as u16;
        let left = area.height - cluster;
        let clients = if left > clients { clients } else { 0 };
        let [top, middle, bottom] = Layout::vertical([
            Constraint::Length(cluster),
            Constraint::Length(clients),
            Constraint::Fill(1),
        ])
        .areas(area);
        self.draw_panel(canvas, top, Panel::Cluster, cx);
        if clients > 0 {
            self.draw_panel(canvas, middle, Panel::Clients, cx);
        }
        if bottom.height > 2 {
            let rule = "─".repeat(usize::from(bottom.width));
            canvas.text(bottom, 0, &rule, canvas.theme.line);
            let rest = Rect {
                y: bottom.y + 1,
                height: bottom.height - 1,
                ..bottom
            };
            self.draw_panel(canvas, rest, Panel::Events, cx);
        }
    }

    fn draw_panel(&mut self, canvas: &mut Canvas<'_>, area: Rect, panel: Panel, cx: &Cx<'_>) {
        let focused = self.panel == panel;
        let before = canvas.hits.len();
        match panel {
            Panel::Cluster => cluster::draw(
                canvas,
                area,
                &self.view,
                self.cluster.0,
                &mut self.cluster.1,
                focused,
            ),
            Panel::Clients => {
                let samples = match self.play.twin() {
                    Some(twin) if self.sight == Sight::There => twin.samples(),
                    _ => self.play.timeline().samples(),
                };
                clients::draw(
                    canvas,
                    area,
                    &self.view,
                    samples,
                    self.clients.0,
                    &mut self.clients.1,
                    focused,
                );
            }
            Panel::Events => {
                let timeline = match self.play.twin() {
                    Some(twin) if self.sight == Sight::There => twin,
                    _ => self.play.timeline(),
                };
                self.events
                    .draw(canvas, area, timeline.cluster().events(), focused);
            }
            Panel::Guide => self.draw_guide(canvas, area, cx),
        }
        if !focused {
            // a row of a panel without the keys cannot be told from one of the panel that has them
            canvas.hits.truncate(before);
            let number = Panel::ALL
                .iter()
                .position(|known| *known == panel)
                .unwrap_or(0);
            canvas.hit(area, Hit::Act(Action::Lab(Steer::Panel(number as u8))));
        }
    }

    fn draw_guide(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let columns = usize::from(area.width.saturating_sub(1));
        if self.is_sandbox() {
            let text = crate::lab::presets::HELP;
            let page = canvas.prose.page(text, columns, canvas.theme, 0);
            self.guide.draw(
                canvas,
                Rect {
                    width: area.width.saturating_sub(1),
                    ..area
                },
                &page.lines,
            );
            return;
        }
        let page = guide::page(canvas, columns, &self.play, &self.draft, cx.desk.bank());
        let body = Rect {
            width: area.width.saturating_sub(1),
            ..area
        };
        self.guide.fit(page.lines.len(), usize::from(body.height));
        match self.bring.take() {
            // with what it is about above it, as far as there is room for both
            Some(Bring::Question) if !self.guide.fits() => {
                self.guide.to(page.question.unwrap_or(0));
            }
            Some(Bring::Marked) => self.guide.show(page.marked.unwrap_or(0)),
            Some(Bring::Question) | None => {}
        }
        if let Some(row) = page.field {
            self.guide.show(row);
        }
        self.guide.draw(canvas, body, &page.lines);
        if let Some(row) = page.field
            && let Some(y) = row.checked_sub(self.guide.offset())
            && y < usize::from(body.height)
        {
            let place = Rect {
                x: body.x + 2,
                y: body.y + y as u16,
                width: body.width.saturating_sub(2),
                height: 1,
            };
            let style = canvas.theme.accent;
            canvas.text(
                Rect {
                    width: 2,
                    x: body.x,
                    ..place
                },
                0,
                "›",
                style,
            );
            if self.panel == Panel::Guide && self.over.is_none() {
                self.draft
                    .text
                    .draw(canvas, place, "type your answer", style);
            }
        }
    }
}
