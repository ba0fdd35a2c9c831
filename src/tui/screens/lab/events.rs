//! The events in words: filtered, followed or walked, each with its chain of causes.

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    lab::kinds::{Kind, Sign, is_internal},
    sim::{
        context::EventLog,
        event::{Event, EventId},
    },
    tui::{
        canvas::{Canvas, Hit},
        markdown::{Run, wrap},
        text::{clip, plain, width},
        theme::Theme,
    },
};

/// What is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Filter {
    /// All but what concerns Kafka's own topics.
    #[default]
    All,
    /// Of that, one kind.
    Kind(Kind),
    /// What concerns Kafka's own topics.
    Internal,
}

impl Filter {
    fn next(self) -> Self {
        let after = |place: usize| {
            Kind::ALL
                .get(place)
                .copied()
                .map_or(Self::Internal, Self::Kind)
        };
        match self {
            Self::All => after(0),
            Self::Kind(kind) => {
                let place = Kind::ALL.iter().position(|known| *known == kind);
                after(place.map_or(0, |place| place + 1))
            }
            Self::Internal => Self::All,
        }
    }
}

/// The list.
#[derive(Clone, Debug, Default)]
pub(super) struct EventList {
    /// The events that the filter lets through, by number, in order.
    shown: Vec<EventId>,
    /// Events looked at.
    looked: u64,
    filter: Filter,
    /// The place of the selected one; none follows the newest.
    selected: Option<usize>,
    rows: usize,
}

impl EventList {
    /// Takes up what has happened since, or forgets what has not happened any more.
    pub(super) fn refresh(&mut self, log: &EventLog) {
        if log.len() < self.looked {
            let kept = self.shown.partition_point(|id| id.0 < log.len());
            self.shown.truncate(kept);
            self.looked = log.len();
            self.selected = None;
        }
        for event in log.since(EventId(self.looked)) {
            if self.lets_through(event) {
                self.shown.push(event.id);
            }
        }
        self.looked = log.len();
    }

    fn lets_through(&self, event: &Event) -> bool {
        match self.filter {
            Filter::All => !is_internal(&event.what),
            Filter::Kind(kind) => Kind::of(&event.what) == kind && !is_internal(&event.what),
            Filter::Internal => is_internal(&event.what),
        }
    }

    /// Turns the filter to the next kind; what it lets through is there after the next refresh.
    pub(super) fn turn_filter(&mut self) {
        let filter = self.filter.next();
        *self = Self {
            filter,
            ..self.emptied()
        };
    }

    /// The same filter, and no event looked at yet.
    pub(super) fn emptied(&self) -> Self {
        Self {
            filter: self.filter,
            rows: self.rows,
            ..Self::default()
        }
    }

    /// The words of the filter.
    pub(super) fn filter_words(&self) -> &'static str {
        match self.filter {
            Filter::All => "all",
            Filter::Kind(kind) => kind.word(),
            Filter::Internal => "Kafka's own topics",
        }
    }

    /// Moves the selection by so many; past the newest it follows again.
    pub(super) fn walk(&mut self, by: isize) {
        let Some(last) = self.shown.len().checked_sub(1) else {
            return;
        };
        let to = self.selected.unwrap_or(last).saturating_add_signed(by);
        self.selected = (to < last || by < 0).then_some(to.min(last));
    }

    /// Rows of a page.
    pub(super) fn page(&self) -> isize {
        self.rows.max(2) as isize - 1
    }

    /// Selects the oldest, or follows the newest again.
    pub(super) fn select_end(&mut self, newest: bool) {
        self.selected = (!newest && !self.shown.is_empty()).then_some(0);
    }

    /// Selects the event at this place.
    pub(super) fn select(&mut self, place: usize) {
        self.selected = (place < self.shown.len()).then_some(place);
    }

    /// The selected event, or the newest.
    pub(super) fn current(&self) -> Option<EventId> {
        match self.selected {
            Some(place) => self.shown.get(place),
            None => self.shown.last(),
        }
        .copied()
    }

    /// Draws the list, newest at the bottom.
    pub(super) fn draw(
        &mut self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        log: &EventLog,
        focused: bool,
    ) {
        let theme = canvas.theme;
        let rows = usize::from(area.height);
        self.rows = rows;
        if self.shown.is_empty() {
            canvas.text(area, 0, "nothing yet", theme.dim);
            return;
        }
        let columns = usize::from(area.width);
        let last = self.shown.len() - 1;
        let current = self.selected.unwrap_or(last);
        // from the newest that must be in sight upwards, until the rows are full
        let mut bottom = last.min(current + rows / 2);
        if self.selected.is_none() {
            bottom = last;
        }
        let mut blocks: Vec<(usize, Vec<Line<'static>>)> = Vec::new();
        let mut used = 0;
        for place in (0..=bottom).rev() {
            let Some(event) = log.get(self.shown[place]) else {
                continue;
            };
            let open = place == current && (focused || self.selected.is_some());
            let lines = lines(event, columns, open, theme);
            used += lines.len();
            blocks.push((place, lines));
            if used >= rows {
                break;
            }
        }
        blocks.reverse();
        let mut y = rows.saturating_sub(used) as isize - used.saturating_sub(rows) as isize;
        if used < rows {
            y = 0;
        }
        for (place, lines) in blocks {
            for line in lines {
                if (0..rows as isize).contains(&y) {
                    let whole = Rect {
                        y: area.y + y as u16,
                        height: 1,
                        ..area
                    };
                    canvas.line(whole, 0, line);
                    if place == current && focused {
                        canvas.tint(whole, theme.selected);
                    }
                    canvas.hit(whole, Hit::Row(place));
                }
                y += 1;
            }
        }
    }
}

fn style(event: &Event, theme: &Theme) -> Style {
    match (Sign::of(&event.what), Kind::of(&event.what)) {
        (Some(Sign::Loss), _) | (_, Kind::Fate) => theme.bad,
        (Some(Sign::Fault), _) => theme.accent,
        (Some(Sign::Election), _) => theme.info,
        (Some(Sign::Isr | Sign::Rebalance), _) => theme.warn,
        _ => Style::new(),
    }
}

/// An event as lines: one, or as many as it takes when it is open.
fn lines(event: &Event, columns: usize, open: bool, theme: &Theme) -> Vec<Line<'static>> {
    let words = plain(&event.what.to_string());
    let sign = Sign::of(&event.what).map_or("·", Sign::symbol);
    let style = style(event, theme);
    let time = format!("{} ", event.time);
    let head = width(&time) + 2;
    let room = columns.saturating_sub(head).max(20);
    let first = [
        Span::styled(time, theme.dim),
        Span::styled(format!("{sign} "), style),
    ];
    if !open {
        let mut spans = first.to_vec();
        spans.push(Span::styled(clip(&words, room).into_owned(), style));
        return vec![Line::from(spans)];
    }
    wrap(&[Run::new(words, style)], room)
        .into_iter()
        .enumerate()
        .map(|(row, line)| {
            let mut spans = if row == 0 {
                first.to_vec()
            } else {
                vec![Span::raw(" ".repeat(head))]
            };
            spans.extend(line.spans);
            Line::from(spans)
        })
        .collect()
}

/// An event with what led to it, the first cause first.
pub(super) fn causes(log: &EventLog, of: EventId) -> Vec<EventId> {
    let mut chain = vec![of];
    while let Some(cause) = chain
        .last()
        .and_then(|id| log.get(*id))
        .and_then(|event| event.cause)
    {
        if chain.contains(&cause) || chain.len() >= 64 {
            break;
        }
        chain.push(cause);
    }
    chain.reverse();
    chain
}

/// The chain of causes as lines, each step indented below the one that led to it.
pub(super) fn why(
    log: &EventLog,
    of: EventId,
    columns: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let chain = causes(log, of);
    let mut lines = Vec::new();
    for (depth, id) in chain.iter().enumerate() {
        let Some(event) = log.get(*id) else {
            continue;
        };
        let indent = (depth * 2).min(16);
        let lead = if depth == 0 { "" } else { "└ " };
        let run = Run::new(plain(&event.what.to_string()), style(event, theme));
        let room = columns.saturating_sub(indent + 12).max(20);
        for (row, line) in wrap(&[run], room).into_iter().enumerate() {
            let mut spans = vec![Span::raw(" ".repeat(indent))];
            if row == 0 {
                spans.push(Span::styled(format!("{lead}{}  ", event.time), theme.dim));
            } else {
                spans.push(Span::raw(" ".repeat(lead.chars().count() + 9)));
            }
            spans.extend(line.spans);
            lines.push(Line::from(spans));
        }
    }
    if chain.len() == 1 {
        lines.push(Line::default());
        lines.push(Line::styled(
            "This is where it began: nothing led to it.",
            theme.dim,
        ));
    }
    lines
}
