//! Groups with their members, and producers.

use std::{collections::BTreeMap, fmt::Write};

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::cluster::gloss;
use crate::{
    lab::{
        glossary::{self, Term},
        look,
        timeline::{Sample, rate_of},
        view::{GroupView, MemberView, ProducerView, View},
    },
    tui::{
        canvas::{Canvas, Hit},
        text::{clip, count, fit, right, width},
        theme::Theme,
        widgets::{Scroll, sparkline},
    },
};

/// Seconds of a course that are shown.
const COURSE: usize = 20;

/// Draws groups and producers as one list.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &View,
    samples: &[Sample],
    selected: usize,
    scroll: &mut Scroll,
    focused: bool,
) {
    let theme = canvas.theme;
    let columns = usize::from(area.width);
    let recent = &samples[samples.len().saturating_sub(COURSE + 1)..];
    let courses = lag_courses(recent);
    let mut lines = Vec::new();
    let mut terms = Vec::new();
    for group in &view.groups {
        lines.push(group_line(group, theme));
        terms.push(group_term(group));
        for member in &group.members {
            lines.push(member_line(
                member,
                courses.get(member.name.as_str()),
                columns,
                theme,
            ));
            terms.push(member_term(member));
        }
    }
    for producer in &view.producers {
        lines.push(producer_line(
            producer,
            rate_of(recent, &producer.name),
            columns,
            theme,
        ));
        terms.push(producer_term(producer));
    }
    if lines.is_empty() {
        canvas.text(area, 0, "no producers and no groups", theme.dim);
        return;
    }
    let mut gloss = match terms.get(selected) {
        Some(term) if focused || usize::from(area.height) > lines.len() => {
            gloss(*term, columns, theme)
        }
        _ => Vec::new(),
    };
    gloss.truncate(2);
    let rows = area.height.saturating_sub(gloss.len() as u16);
    scroll.fit(lines.len(), usize::from(rows));
    scroll.show(selected);
    for (y, (place, line)) in lines
        .into_iter()
        .enumerate()
        .skip(scroll.offset())
        .take(usize::from(rows))
        .enumerate()
    {
        let whole = Rect {
            y: area.y + y as u16,
            height: 1,
            ..area
        };
        canvas.line(whole, 0, line);
        if place == selected && focused {
            canvas.tint(whole, theme.selected);
        }
        canvas.hit(whole, Hit::Row(place));
    }
    for (y, line) in gloss.into_iter().enumerate() {
        canvas.line(area, rows + y as u16, line);
    }
}

/// How many rows there are.
pub(super) fn rows(view: &View) -> usize {
    let groups: usize = view
        .groups
        .iter()
        .map(|group| 1 + group.members.len())
        .sum();
    groups + view.producers.len()
}

fn lag_courses(samples: &[Sample]) -> BTreeMap<&str, Vec<Option<u64>>> {
    let mut courses: BTreeMap<&str, Vec<Option<u64>>> = BTreeMap::new();
    // no course is longer than that
    for sample in &samples[samples.len().saturating_sub(COURSE)..] {
        for (member, lag) in &sample.lags {
            courses.entry(member).or_default().push(*lag);
        }
    }
    courses
}

/// `1204`, `12.3k`, `4.5M`: short enough for a column.
pub(super) fn short(number: u64) -> String {
    match number {
        0..100_000 => number.to_string(),
        100_000..10_000_000 => format!("{:.1}k", number as f64 / 1e3),
        _ => format!("{:.1}M", number as f64 / 1e6),
    }
}

fn lag_words(lag: Option<u64>) -> String {
    lag.map_or_else(|| "-".to_owned(), short)
}

fn group_line(group: &GroupView, theme: &Theme) -> Line<'static> {
    let (sign, style) = match group.state.as_str() {
        "Stable" => ("●", theme.good),
        "Empty" | "Dead" => ("◌", theme.dim),
        look::NO_COORDINATOR => ("◌", theme.warn),
        _ => ("↻", theme.warn),
    };
    let mut text = format!(
        " · lag {} · generation {} · {}",
        lag_words(group.lag()),
        group.generation,
        count(group.joined, "member", "members")
    );
    if !group.assignor.is_empty() {
        let _ = write!(text, " · {}", group.assignor);
    }
    if let Some(broker) = group.coordinator {
        let _ = write!(text, " · coordinator {broker}");
    }
    Line::from(vec![
        Span::styled(format!("{sign} "), style),
        Span::styled(group.name.clone(), theme.title),
        Span::styled(format!(" {}", group.state), style),
        Span::styled(text, theme.dim),
    ])
}

/// `orders-0,1,5`: partitions by topic.
fn owned_words(owned: &[String]) -> String {
    let mut words = String::new();
    let mut before = "";
    for partition in owned {
        let (topic, number) = partition.rsplit_once('-').unwrap_or(("", partition));
        if topic == before && !words.is_empty() {
            let _ = write!(words, ",{number}");
        } else {
            let gap = if words.is_empty() { "" } else { " " };
            let _ = write!(words, "{gap}{partition}");
        }
        before = topic;
    }
    words
}

fn member_line(
    member: &MemberView,
    course: Option<&Vec<Option<u64>>>,
    columns: usize,
    theme: &Theme,
) -> Line<'static> {
    let idle = member.owned.is_empty();
    let style = match member.state.as_str() {
        "stopped" | "frozen" | "failed" | "out" => theme.bad,
        "joining" | "syncing" => theme.warn,
        _ => Style::new(),
    };
    let course_columns = if columns >= 70 { COURSE } else { 10 };
    let course = course.map_or_else(String::new, |values| {
        let values = &values[values.len().saturating_sub(course_columns)..];
        let most = values.iter().flatten().copied().max().unwrap_or(0).max(1);
        sparkline(values.iter().map(|v| v.map(|v| v as f64)), most as f64)
    });
    let name = match &member.instance {
        Some(instance) => format!("{} ({instance})", member.name),
        None => member.name.clone(),
    };
    let owned = match owned_words(&member.owned) {
        _ if idle => "idle".to_owned(),
        owned if member.out => format!("({owned})"),
        owned => owned,
    };
    let fixed = 4 + 16 + 11 + 12 + course_columns + 2;
    let room = columns.saturating_sub(fixed).max(8);
    Line::from(vec![
        Span::raw(format!("    {}", fit(&name, 16))),
        Span::styled(fit(&member.state, 11), style),
        Span::styled("lag ", theme.dim),
        Span::raw(format!("{} ", right(&lag_words(member.lag), 7))),
        Span::styled(fit(&course, course_columns), theme.info),
        Span::raw("  "),
        Span::styled(
            clip(&owned, room).into_owned(),
            if idle || member.out {
                theme.dim
            } else {
                Style::new()
            },
        ),
    ])
}

fn producer_line(
    producer: &ProducerView,
    rate: Option<f64>,
    columns: usize,
    theme: &Theme,
) -> Line<'static> {
    let (sign, style) = match producer.state.as_str() {
        "running" if producer.error.is_some() => ("✗", theme.bad),
        "running" => ("▸", theme.good),
        "blocked" => ("‖", theme.bad),
        _ => ("◌", theme.dim),
    };
    let measured = rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
    let mut spans = vec![
        Span::styled(format!("{sign} "), style),
        Span::styled(producer.name.clone(), theme.title),
        Span::styled(
            format!(
                " → {} · acks={}{} · {measured} of {:.0}/s · {} in flight · {} acknowledged",
                producer.topic,
                producer.acks,
                if producer.idempotent {
                    " idempotent"
                } else {
                    ""
                },
                producer.rate,
                producer.in_flight,
                short(producer.acknowledged),
            ),
            theme.dim,
        ),
    ];
    for (number, word) in [
        (producer.failed, "failed"),
        (producer.lost, "LOST"),
        (producer.duplicated, "duplicated"),
        (producer.reordered, "reordered"),
    ] {
        if number > 0 {
            spans.push(Span::styled(
                format!(" · {} {word}", short(number)),
                theme.bad,
            ));
        }
    }
    if let Some(error) = &producer.error {
        spans.push(Span::styled(format!(" · {error}"), theme.bad));
    }
    let line = Line::from(spans);
    if line.width() <= columns {
        return line;
    }
    // where there is little room the troubles come first
    let mut spans = vec![
        Span::styled(format!("{sign} "), style),
        Span::styled(producer.name.clone(), theme.title),
        Span::styled(
            format!(
                " acks={} {measured}/s {} in flight {} acknowledged",
                producer.acks,
                producer.in_flight,
                short(producer.acknowledged)
            ),
            theme.dim,
        ),
    ];
    for (number, word) in [
        (producer.lost, "LOST"),
        (producer.failed, "failed"),
        (producer.duplicated, "twice"),
        (producer.reordered, "reordered"),
    ] {
        if number > 0 {
            spans.push(Span::styled(
                format!(" {} {word}", short(number)),
                theme.bad,
            ));
        }
    }
    let used: usize = spans.iter().map(|span| width(&span.content)).sum();
    if let Some(error) = &producer.error {
        let room = columns.saturating_sub(used + 1);
        spans.push(Span::styled(format!(" {}", clip(error, room)), theme.bad));
    }
    Line::from(spans)
}

fn group_term(group: &GroupView) -> Term {
    match group.state.as_str() {
        "Stable" => glossary::GROUP,
        "PreparingRebalance" | "CompletingRebalance" => glossary::REBALANCING,
        _ => glossary::GENERATION,
    }
}

fn member_term(member: &MemberView) -> Term {
    match () {
        () if member.out => glossary::LEFT,
        () if member.owned.is_empty() => glossary::IDLE,
        () if member.lag.is_none_or(|lag| lag > 0) => glossary::LAG,
        () => glossary::MEMBER,
    }
}

fn producer_term(producer: &ProducerView) -> Term {
    match () {
        () if producer.lost > 0 => glossary::LOST,
        () if producer.in_flight > 0 => glossary::IN_FLIGHT,
        () => glossary::PRODUCER,
    }
}
