//! Tables: columns as wide as they need, narrower when they must, records when nothing else fits.

use ratatui::style::{Modifier, Style};

use super::{
    parse::{Align, Inline, Table},
    wrap::{Row, Run, row_width, rows, runs},
};
use crate::tui::{text::width, theme::Theme};

/// Between two columns.
const GAP: &str = " │ ";
/// Narrowest a column may get before the table becomes records.
const NARROWEST: usize = 6;

/// The rows of a table in `columns`.
pub(super) fn table(table: &Table, columns: usize, theme: &Theme) -> Vec<Row> {
    let count = table
        .head
        .len()
        .max(table.rows.iter().map(Vec::len).max().unwrap_or(0));
    if count == 0 {
        return Vec::new();
    }
    match widths(table, count, columns) {
        Some(widths) => grid(table, &widths, theme),
        None => records(table, columns, theme),
    }
}

/// How wide each column gets, if the table fits at all.
fn widths(table: &Table, count: usize, columns: usize) -> Option<Vec<usize>> {
    let all = || std::iter::once(&table.head).chain(&table.rows);
    let cell = |row: &Vec<Inline>, i: usize| -> String {
        row.get(i)
            .map(|inline| super::parse::words(inline))
            .unwrap_or_default()
    };
    let mut widths = vec![0; count];
    let mut least = vec![0; count];
    for row in all() {
        for i in 0..count {
            let text = cell(row, i);
            widths[i] = widths[i].max(text.lines().map(width).max().unwrap_or(0));
            let longest = text.split_whitespace().map(width).max().unwrap_or(0);
            least[i] = least[i].max(longest.min(24));
        }
    }
    let available = columns.checked_sub(width(GAP) * (count - 1))?;
    if widths.iter().sum::<usize>() <= available {
        return Some(widths);
    }
    for least in &mut least {
        *least = (*least).max(NARROWEST);
    }
    if least.iter().sum::<usize>() > available {
        // Break words rather than give up, as long as columns stay readable.
        least.fill(NARROWEST * 2);
        if least.iter().sum::<usize>() > available {
            return None;
        }
    }
    // The widest column gives way first, a column at a time.
    while widths.iter().sum::<usize>() > available {
        let widest = (0..count)
            .filter(|&i| widths[i] > least[i])
            .max_by_key(|&i| (widths[i], count - i))?;
        widths[widest] -= 1;
    }
    Some(widths)
}

fn grid(table: &Table, widths: &[usize], theme: &Theme) -> Vec<Row> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut out = grid_row(table, &table.head, widths, theme, bold);
    out.push(rule(widths, "─┼─", "─", theme));
    let rows: Vec<Vec<Row>> = table
        .rows
        .iter()
        .map(|row| grid_row(table, row, widths, theme, Style::new()))
        .collect();
    let apart = rows.iter().any(|lines| lines.len() > 1);
    for (i, lines) in rows.into_iter().enumerate() {
        if apart && i > 0 {
            out.push(rule(widths, "╌┼╌", "╌", theme));
        }
        out.extend(lines);
    }
    out
}

fn rule(widths: &[usize], joint: &str, dash: &str, theme: &Theme) -> Row {
    let text: Vec<String> = widths.iter().map(|&w| dash.repeat(w)).collect();
    vec![Run::new(text.join(joint), theme.line)]
}

fn grid_row(
    table: &Table,
    cells: &[Inline],
    widths: &[usize],
    theme: &Theme,
    base: Style,
) -> Vec<Row> {
    let columns: Vec<Vec<Row>> = widths
        .iter()
        .enumerate()
        .map(|(i, &w)| {
            let inline = cells.get(i).map_or(&[][..], Vec::as_slice);
            rows(&runs(inline, theme, base), w)
        })
        .collect();
    let height = columns.iter().map(Vec::len).max().unwrap_or(1);
    (0..height)
        .map(|y| {
            let mut out = Row::new();
            for (i, &w) in widths.iter().enumerate() {
                if i > 0 {
                    out.push(Run::new(GAP, theme.line));
                }
                let row = columns[i].get(y).cloned().unwrap_or_default();
                let spare = w.saturating_sub(row_width(&row));
                let before = match table.align.get(i).copied().unwrap_or_default() {
                    Align::Left => 0,
                    Align::Centre => spare / 2,
                    Align::Right => spare,
                };
                let last = i + 1 == widths.len();
                pad(&mut out, before);
                out.extend(row);
                pad(&mut out, if last { 0 } else { spare - before });
            }
            out
        })
        .collect()
}

fn pad(row: &mut Row, columns: usize) {
    if columns > 0 {
        row.push(Run::new(" ".repeat(columns), Style::new()));
    }
}

/// Each row as `Header: value` lines.
fn records(table: &Table, columns: usize, theme: &Theme) -> Vec<Row> {
    let mut out = Vec::new();
    for (n, row) in table.rows.iter().enumerate() {
        if n > 0 {
            out.push(vec![Run::new("╌".repeat(columns.min(12)), theme.line)]);
        }
        for (i, cell) in row.iter().enumerate() {
            let mut line = table.head.get(i).map_or_else(Vec::new, |head| {
                runs(head, theme, theme.dim.add_modifier(Modifier::BOLD))
            });
            if !line.is_empty() {
                line.push(Run::new(": ", theme.dim));
            }
            line.extend(runs(cell, theme, Style::new()));
            for (y, row) in rows(&line, columns.saturating_sub(2))
                .into_iter()
                .enumerate()
            {
                let mut indented = Row::new();
                if y > 0 {
                    pad(&mut indented, 2.min(columns));
                }
                indented.extend(row);
                out.push(indented);
            }
        }
    }
    out
}
