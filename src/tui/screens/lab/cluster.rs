//! The cluster: partitions down, brokers across, and in each cell a copy of a log with its role, its end and its place
//! in or out of the ISR. Below it what is selected, in words.

use std::fmt::Write;

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    lab::{
        compare::set,
        glossary::{self, Term},
        view::{BrokerState, BrokerView, LinkView, PartitionView, ReplicaView, TopicView, View},
    },
    sim::types::{LeaderEpoch, Offset},
    tui::{
        canvas::{Canvas, Hit},
        markdown::{Run, wrap},
        text::{count, fit, right, width},
        theme::Theme,
        widgets::Scroll,
    },
};

/// Columns before the first broker: number, epoch, high watermark.
pub(super) const HEAD: usize = 20;
/// Narrowest column of a broker.
const CELL_MIN: usize = 7;
/// Rows below the partitions: the quorum, what is selected, the term to know.
const BELOW: u16 = 4;
/// Columns of the longest word for a role.
const WORD: usize = 11;
/// Behind a value that is another in the cluster beside this one.
const DIFFERS: &str = "*";
/// Widest column of a broker.
const CELL_MAX: usize = 30;

/// A row of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A topic's heading, by place.
    Topic(usize),
    /// A partition, by topic and place.
    Partition(usize, usize),
}

/// The rows that there are.
pub(super) fn rows(view: &View) -> Vec<Row> {
    let mut rows = Vec::new();
    for (place, topic) in view.topics.iter().enumerate() {
        rows.push(Row::Topic(place));
        rows.extend((0..topic.partitions.len()).map(|partition| Row::Partition(place, partition)));
    }
    rows
}

/// What a copy is, as a sign, a word, and a style.
fn role(
    partition: &PartitionView,
    replica: &ReplicaView,
    theme: &Theme,
) -> (&'static str, &'static str, Style, Term) {
    let leader = partition.leader == Some(replica.broker);
    if !replica.up {
        return ("†", "down", theme.bad, glossary::BROKER);
    }
    if leader {
        return ("L", "leads", theme.accent, glossary::LEADER);
    }
    if replica.leads {
        return ("Z", "stale lead", theme.bad, glossary::ZOMBIE);
    }
    if partition.isr.contains(&replica.broker) {
        return ("=", "in sync", theme.good, glossary::FOLLOWER);
    }
    if partition.elr.contains(&replica.broker) {
        return ("e", "eligible", theme.warn, glossary::ELR);
    }
    ("≠", "out of sync", theme.warn, glossary::OUT_OF_SYNC)
}

/// How wide a broker's column is.
pub(super) fn cell_width(width: usize, brokers: usize) -> usize {
    (width.saturating_sub(HEAD) / brokers.max(1)).clamp(CELL_MIN, CELL_MAX)
}

/// Draws the panel.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &View,
    selected: usize,
    scroll: &mut Scroll,
    focused: bool,
) {
    let theme = canvas.theme;
    let width = usize::from(area.width);
    let cell = cell_width(width, view.brokers.len());
    let fitting = (width.saturating_sub(HEAD) / cell).max(1);
    // the column that holds the selected partition's leader stays in sight
    let rows = rows(view);
    let wanted = match rows.get(selected) {
        Some(Row::Partition(topic, partition)) => view.topics[*topic].partitions[*partition]
            .leader
            .and_then(|leader| view.brokers.iter().position(|broker| broker.id == leader))
            .unwrap_or(0),
        _ => 0,
    };
    let first = (wanted + 1).saturating_sub(fitting);
    let shown =
        &view.brokers[first.min(view.brokers.len())..(first + fitting).min(view.brokers.len())];
    canvas.line(
        area,
        0,
        heads(shown, cell, first, view.brokers.len(), None, theme),
    );
    let body = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1 + BELOW),
        ..area
    };
    scroll.fit(rows.len(), usize::from(body.height));
    scroll.show(selected);
    for (y, place) in (scroll.offset()..rows.len())
        .take(usize::from(body.height))
        .enumerate()
    {
        let line = match rows[place] {
            Row::Topic(topic) => topic_line(&view.topics[topic], None, width, theme),
            Row::Partition(topic, partition) => {
                partition_line(&view.topics[topic], partition, shown, cell, None, theme)
            }
        };
        let whole = Rect {
            y: body.y + y as u16,
            height: 1,
            ..body
        };
        canvas.line(whole, 0, line);
        if place == selected && focused {
            canvas.tint(whole, theme.selected);
        }
        canvas.hit(whole, Hit::Row(place));
    }
    let below = Rect {
        y: area.bottom().saturating_sub(BELOW),
        height: BELOW.min(area.height),
        ..area
    };
    let legend = "L leads  = in sync  ≠ out  Z stale  † down ";
    let legend_wide = legend.chars().count();
    let mut quorum = quorum_line(view, width, theme);
    if cell < 18 {
        quorum = quorum_line(view, width.saturating_sub(legend_wide + 1), theme);
        if quorum.width() + legend_wide < width {
            canvas.right(below, 0, Span::styled(legend, theme.dim));
        }
    }
    canvas.line(below, 0, quorum);
    for (y, line) in words(view, rows.get(selected).copied(), width, theme)
        .into_iter()
        .take(usize::from(BELOW) - 1)
        .enumerate()
    {
        canvas.line(below, 1 + y as u16, line);
    }
}

/// A broker's sign.
fn broker_sign(broker: &BrokerView, theme: &Theme) -> (&'static str, Style) {
    match broker.state {
        BrokerState::Down => ("†", theme.bad),
        BrokerState::Fenced => ("◌", theme.bad),
        BrokerState::ShuttingDown => ("◐", theme.warn),
        BrokerState::Up if broker.disk > 1 || broker.troubled_link => ("◐", theme.warn),
        BrokerState::Up => ("●", theme.good),
    }
}

/// The sign behind a value that is another in the cluster beside this one, or the space in its place.
pub(super) fn mark(differs: bool) -> &'static str {
    if differs { DIFFERS } else { " " }
}

pub(super) fn heads(
    shown: &[BrokerView],
    cell: usize,
    first: usize,
    all: usize,
    beside: Option<&View>,
    theme: &Theme,
) -> Line<'static> {
    let more = if shown.len() < all {
        format!("{}–{} of {all} ", first + 1, first + shown.len())
    } else {
        String::new()
    };
    let mut line = Line::from(vec![
        Span::styled(fit("    epoch", 10), theme.dim),
        Span::styled(fit(&format!("hw {more}"), HEAD - 10), theme.dim),
    ]);
    for broker in shown {
        let (sign, style) = broker_sign(broker, theme);
        let mut words = match broker.state {
            BrokerState::Up => String::new(),
            state => format!(" {}", state.word()),
        };
        if broker.disk > 1 && broker.state == BrokerState::Up {
            words = format!(" disk ×{}", broker.disk);
        } else if broker.troubled_link && broker.state == BrokerState::Up {
            " link".clone_into(&mut words);
        }
        let differs = beside.is_some_and(|beside| !beside.brokers.contains(broker));
        let sign = format!("{sign}{}", mark(differs).trim_end());
        // the longest that there is room for
        let (long, short) = (format!("broker {}", broker.id), format!("b{}", broker.id));
        let text = [(&long, &*words), (&short, &*words), (&long, "")]
            .into_iter()
            .map(|(name, words)| format!("{name} {sign}{words}"))
            .find(|text| width(text) < cell)
            .unwrap_or_else(|| format!("{short} {sign}"));
        line.push_span(Span::styled(fit(&text, cell), style));
    }
    line
}

/// A topic's heading, in fewer words where `room` columns are not enough: what is wrong is never cut.
pub(super) fn topic_line(
    topic: &TopicView,
    beside: Option<&View>,
    room: usize,
    theme: &Theme,
) -> Line<'static> {
    Some(topic_words_of(topic, beside, false, theme))
        .filter(|line| line.width() <= room)
        .unwrap_or_else(|| topic_words_of(topic, beside, true, theme))
}

fn topic_words_of(
    topic: &TopicView,
    beside: Option<&View>,
    few: bool,
    theme: &Theme,
) -> Line<'static> {
    let differs = beside.is_some_and(|beside| {
        let of = |topic: &TopicView| (topic.partitions.len(), topic.replication, topic.min_isr);
        let mut topics = beside.topics.iter();
        topics.all(|other| other.name != topic.name || of(other) != of(topic))
    });
    let offline = topic
        .partitions
        .iter()
        .filter(|p| p.leader.is_none())
        .count();
    let under = topic
        .partitions
        .iter()
        .filter(|p| p.out_of_sync() > 0)
        .count();
    let below = topic
        .partitions
        .iter()
        .filter(|p| p.isr.len() < topic.min_isr as usize)
        .count();
    let partitions = if few {
        String::new()
    } else {
        format!(
            " · {}",
            count(topic.partitions.len(), "partition", "partitions")
        )
    };
    let mut line = Line::from(vec![
        Span::styled(topic.name.clone(), theme.title),
        Span::styled(
            format!(
                "{partitions} · RF {} · min ISR {}{}",
                topic.replication,
                topic.min_isr,
                mark(differs).trim_end()
            ),
            theme.dim,
        ),
    ]);
    let short = if few {
        "under-repl."
    } else {
        "under-replicated"
    };
    for (number, word, style) in [
        (offline, "offline", theme.bad),
        (below, "under min ISR", theme.bad),
        (under, short, theme.warn),
    ] {
        if number > 0 {
            line.push_span(Span::styled(format!(" · {number} {word}"), style));
        }
    }
    line
}

pub(super) fn partition_line(
    topic: &TopicView,
    place: usize,
    shown: &[BrokerView],
    cell: usize,
    beside: Option<&View>,
    theme: &Theme,
) -> Line<'static> {
    let partition = &topic.partitions[place];
    // the same partition in the cluster beside this one
    let other = beside.and_then(|beside| {
        let topic = beside.topics.iter().find(|t| t.name == topic.name)?;
        topic.partitions.get(place)
    });
    let differs = |of: fn(&PartitionView) -> (LeaderEpoch, Option<Offset>)| {
        beside.is_some() && other.map(of) != Some(of(partition))
    };
    let end = partition.log_end();
    let watermark = partition
        .high_watermark
        .map_or_else(|| "-".to_owned(), |offset| offset.to_string());
    let frozen = partition.isr.len() < topic.min_isr as usize;
    let mut line = Line::from(vec![
        Span::raw(fit(&format!("p{}", partition.partition), 5)),
        Span::styled(
            fit(
                &format!("e{}{}", partition.epoch, mark(differs(|p| (p.epoch, None)))),
                5,
            ),
            theme.dim,
        ),
        Span::styled(
            fit(
                &format!(
                    "{}{}",
                    if partition.leader.is_none() {
                        "offline".to_owned()
                    } else if frozen {
                        format!("▪{watermark}")
                    } else {
                        watermark
                    },
                    mark(differs(|p| (0, p.high_watermark)))
                ),
                HEAD - 10,
            ),
            if partition.leader.is_none() || frozen {
                theme.bad
            } else {
                Style::new()
            },
        ),
    ]);
    for broker in shown {
        match partition
            .replicas
            .iter()
            .find(|replica| replica.broker == broker.id)
        {
            Some(replica) => {
                let (sign, ..) = role(partition, replica, theme);
                let same = |other: &PartitionView| {
                    let mut copies = other.replicas.iter();
                    copies.any(|copy| {
                        copy.broker == replica.broker
                            && copy.log_end == replica.log_end
                            && role(other, copy, theme).0 == sign
                    })
                };
                let differs = mark(beside.is_some() && !other.is_some_and(same));
                copy_cell(&mut line, partition, replica, end, (cell, differs), theme);
            }
            None => line.push_span(Span::styled(fit("·", cell), theme.line)),
        }
    }
    line
}

/// `L ██████ 1204 leads`, `≠ 611` where there is less room.
fn copy_cell(
    line: &mut Line<'static>,
    partition: &PartitionView,
    replica: &ReplicaView,
    end: u64,
    (cell, differs): (usize, &'static str),
    theme: &Theme,
) {
    let (sign, word, style, _) = role(partition, replica, theme);
    let number = replica.log_end.to_string();
    let inner = cell - 1;
    if inner < 16 {
        line.push_span(Span::styled(format!("{sign} "), style));
        line.push_span(Span::styled(
            fit(&format!("{number}{differs}"), cell.saturating_sub(2)),
            if replica.up { Style::new() } else { theme.dim },
        ));
        return;
    }
    // role in a word before the bar: the word is what is read
    let digits = number.len().max(5);
    let fixed = 2 + digits + 1 + WORD;
    let word = if inner >= fixed { word } else { "" };
    let bar = if word.is_empty() {
        inner.saturating_sub(2 + digits + 1)
    } else {
        inner - fixed
    }
    .min(12);
    let bar = if bar < 4 { 0 } else { bar - 1 };
    let full = if end == 0 {
        bar
    } else {
        // at least one cell short of full when anything is missing
        let exact = (replica.log_end as f64 / end as f64 * bar as f64) as usize;
        if replica.log_end < end {
            exact.min(bar.saturating_sub(1))
        } else {
            bar
        }
    };
    line.push_span(Span::styled(format!("{sign} "), style));
    if bar > 0 {
        line.push_span(Span::styled("█".repeat(full), style));
        line.push_span(Span::styled("░".repeat(bar - full), theme.line));
        line.push_span(Span::raw(" "));
    }
    line.push_span(Span::raw(format!("{}{differs}", right(&number, digits))));
    let mut used = 2 + bar + usize::from(bar > 0) + digits + 1;
    if !word.is_empty() {
        line.push_span(Span::styled(fit(word, WORD), style));
        used += WORD;
    }
    line.push_span(Span::raw(" ".repeat(cell.saturating_sub(used))));
}

/// The controllers and the links that are not as they should be; in few words where there is little room.
pub(super) fn quorum_line(view: &View, room: usize, theme: &Theme) -> Line<'static> {
    let quorum = &view.quorum;
    let line = |few: bool| match quorum.active {
        Some(active) if few => Line::styled(
            format!("controller {active}, {} of {} up", quorum.up, quorum.voters),
            theme.dim,
        ),
        Some(active) => Line::styled(
            format!(
                "controller {active} active (epoch {}), {} of {} voters up",
                quorum.epoch, quorum.up, quorum.voters
            ),
            theme.dim,
        ),
        None => Line::styled(
            format!(
                "! no active controller: {} of {} voters up; nothing can be elected",
                quorum.up, quorum.voters
            ),
            theme.bad,
        ),
    };
    let links = link_spans(view, theme);
    let wide: usize = links.iter().map(|span| width(&span.content)).sum();
    let mut line = Some(line(false))
        .filter(|line| line.width() + wide <= room)
        .unwrap_or_else(|| line(true));
    line.spans.extend(links);
    line
}

/// Links that are cut or slow, both directions as one where they are alike. What is cut comes first: there is not
/// always room for all.
fn link_spans(view: &View, theme: &Theme) -> Vec<Span<'static>> {
    let (mut cut, mut slow) = (Vec::new(), Vec::new());
    for (place, link) in view.links.iter().enumerate() {
        let reverse = |other: &&LinkView| {
            (&other.from, &other.to, other.slower) == (&link.to, &link.from, link.slower)
        };
        let pair = view.links.iter().position(|other| reverse(&other));
        if pair.is_some_and(|pair| pair < place) {
            continue;
        }
        let arrow = if pair.is_some() { "↔" } else { "→" };
        let how = link
            .slower
            .map_or_else(|| "✗ cut".to_owned(), |extra| format!("+{}", extra.span()));
        let spans = if link.slower.is_none() {
            &mut cut
        } else {
            &mut slow
        };
        spans.push(Span::styled(
            format!("  {} {arrow} {} {how}", link.from, link.to),
            theme.warn,
        ));
    }
    cut.append(&mut slow);
    cut
}

/// What is selected, in words, and the term to know.
fn words(view: &View, row: Option<Row>, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some((text, term)) = selected_words(view, row, width) else {
        return Vec::new();
    };
    let mut lines = vec![Line::styled(fit(&text, width), theme.info)];
    lines.extend(gloss(term, width, theme));
    lines
}

/// An entry of the glossary, on as many lines as it takes.
pub(super) fn gloss(term: Term, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let runs = [
        Run::new(term.word, theme.key),
        Run::new(format!(": {}", term.meaning), theme.dim),
    ];
    wrap(&runs, width)
}

fn selected_words(view: &View, row: Option<Row>, room: usize) -> Option<(String, Term)> {
    match row? {
        Row::Topic(place) => {
            let topic = view.topics.get(place)?;
            Some(topic_words(view, topic))
        }
        Row::Partition(place, partition) => {
            let topic = view.topics.get(place)?;
            let partition = topic.partitions.get(partition)?;
            Some(partition_words(topic, partition, room))
        }
    }
}

pub(super) fn topic_words(view: &View, topic: &TopicView) -> (String, Term) {
    let mut brokers = view.brokers.iter();
    let troubled = brokers.any(|broker| broker.state == BrokerState::Fenced);
    let text = format!(
        "{}: with fewer than {} of {} copies in sync, acks=all is refused",
        topic.name, topic.min_isr, topic.replication
    );
    let term = if troubled {
        glossary::FENCED
    } else {
        glossary::ISR
    };
    (text, term)
}

/// A partition in words, in fewer where `room` columns are not enough, and the term to know.
pub(super) fn partition_words(
    topic: &TopicView,
    partition: &PartitionView,
    room: usize,
) -> (String, Term) {
    let long = state_of(topic, partition, false);
    let text = if width(&long) <= room {
        long
    } else {
        state_of(topic, partition, true)
    };
    (text, term_of(topic, partition))
}

fn state_of(topic: &TopicView, partition: &PartitionView, few: bool) -> String {
    let name = format!("{}-{}", topic.name, partition.partition);
    let mut text = match partition.leader {
        Some(leader) => format!("{name}: broker {leader} leads (epoch {})", partition.epoch),
        None => format!("{name}: no leader (epoch {})", partition.epoch),
    };
    let _ = write!(text, ", ISR {}", set(&partition.isr));
    if !partition.elr.is_empty() {
        let _ = write!(text, ", ELR {}", set(&partition.elr));
    }
    let Some(watermark) = partition.high_watermark else {
        return text;
    };
    let (name, standing) = if few {
        ("hw", "standing")
    } else {
        (
            "high watermark",
            "standing: fewer in sync than min.insync.replicas",
        )
    };
    let _ = write!(text, ", {name} {watermark} of {}", partition.log_end());
    if partition.isr.len() < topic.min_isr as usize {
        let _ = write!(text, ", {standing}");
    }
    text
}

fn term_of(topic: &TopicView, partition: &PartitionView) -> Term {
    let stale = partition
        .replicas
        .iter()
        .any(|replica| replica.leads && partition.leader != Some(replica.broker));
    match () {
        () if partition.leader.is_none() => glossary::OFFLINE,
        () if stale => glossary::ZOMBIE,
        () if partition.isr.len() < topic.min_isr as usize => glossary::HIGH_WATERMARK,
        () if !partition.elr.is_empty() => glossary::ELR,
        () if partition.out_of_sync() > 0 => glossary::OUT_OF_SYNC,
        () => glossary::HIGH_WATERMARK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{depth::Depth, theme::Name};

    #[test]
    fn an_entry_of_the_glossary_fits_the_two_lines_below_the_cluster() {
        let theme = Theme::new(Name::Dark, Depth::True);
        for term in glossary::ALL {
            // the narrowest it gets, beside the guide
            let lines = gloss(term, 66, &theme).len();
            assert!(
                lines <= usize::from(BELOW) - 2,
                "{}: {lines} lines",
                term.word
            );
        }
    }
}
