//! Shares as bars and series as sparklines, in characters.

use ratatui::{style::Style, text::Span};

use crate::tui::theme::Theme;

const EIGHTHS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A share from 0 to 1 as a bar of `columns`: `██████░░░░`.
pub fn bar(share: f64, columns: usize, theme: &Theme, style: Style) -> Vec<Span<'static>> {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let full = (share * columns as f64).round() as usize;
    vec![
        Span::styled("█".repeat(full), style),
        Span::styled("░".repeat(columns - full.min(columns)), theme.line),
    ]
}

/// A series as one character a value, scaled from 0 to `most`; 0 is the lowest bar, no value a dot.
pub fn sparkline(values: impl IntoIterator<Item = Option<f64>>, most: f64) -> String {
    values
        .into_iter()
        .map(|value| match value {
            Some(value) if value.is_finite() && most > 0.0 => {
                let step = (value / most * 7.0).round().clamp(0.0, 7.0) as usize;
                EIGHTHS[step]
            }
            Some(_) => EIGHTHS[0],
            None => "·",
        })
        .collect()
}

/// Counts as columns of `height` rows, top row first, one character wide each with `gap` between.
pub fn stack(counts: &[f64], height: usize, wide: usize, gap: usize) -> Vec<String> {
    let most = counts.iter().copied().fold(0.0, f64::max);
    (0..height)
        .map(|row| {
            let floor = (height - 1 - row) * 8;
            let columns: Vec<String> = counts
                .iter()
                .map(|&count| {
                    let eighths = if most > 0.0 {
                        // What is there at all is seen.
                        let scaled = (count / most * (height * 8) as f64).round() as usize;
                        if count > 0.0 { scaled.max(1) } else { 0 }
                    } else {
                        0
                    };
                    match eighths.saturating_sub(floor) {
                        0 => " ".repeat(wide),
                        n => EIGHTHS[n.min(8) - 1].repeat(wide),
                    }
                })
                .collect();
            columns.join(&" ".repeat(gap))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{depth::Depth, theme::Name};

    #[test]
    fn bars_are_always_as_long_as_asked() {
        let theme = Theme::new(Name::Dark, Depth::True);
        for share in [-1.0, 0.0, 0.33, 1.0, 7.0, f64::NAN] {
            let spans = bar(share, 10, &theme, theme.good);
            assert_eq!(spans.iter().map(Span::width).sum::<usize>(), 10, "{share}");
        }
        assert_eq!(bar(0.5, 10, &theme, theme.good)[0].content, "█████");
    }

    #[test]
    fn series_are_scaled() {
        assert_eq!(
            sparkline([Some(0.0), Some(0.5), None, Some(1.0)], 1.0),
            "▁▅·█"
        );
        assert_eq!(sparkline([Some(3.0)], 0.0), "▁");
        assert_eq!(stack(&[0.0, 1.0, 16.0], 2, 1, 1), ["    █", "  ▁ █"]);
    }
}
