//! A drawn frame as an SVG picture, for the documentation.
//!
//! Runs of one style become one text element that is as wide as its cells, so that columns stay
//! columns whatever font the viewer has. Nothing here knows which screen it is.

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use super::text::width;

/// Size of a cell, in pixels.
const CELL: (f64, f64) = (8.4, 18.0);
/// Air around the cells, in pixels.
const MARGIN: f64 = 14.0;
const PAPER: &str = "#181a1f";
const INK: &str = "#d7dae0";

/// The picture of a frame, on a dark background.
pub fn svg(buffer: &Buffer, title: &str) -> String {
    let area = buffer.area;
    let (wide, high) = (
        f64::from(area.width) * CELL.0 + 2.0 * MARGIN,
        f64::from(area.height) * CELL.1 + 2.0 * MARGIN,
    );
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.0} {high:.0}\" width=\"{wide:.0}\" \
         height=\"{high:.0}\" role=\"img\">"
    );
    let _ = writeln!(out, "<title>{}</title>", escape(title));
    let _ = writeln!(
        out,
        "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{PAPER}\"/>"
    );
    let _ = writeln!(
        out,
        "<g font-family=\"ui-monospace, 'JetBrains Mono', Menlo, 'DejaVu Sans Mono', Consolas, monospace\" \
         font-size=\"14\" fill=\"{INK}\" xml:space=\"preserve\">"
    );
    for y in 0..area.height {
        row(&mut out, buffer, y);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// A run of cells of one style.
struct Run {
    from: u16,
    cells: u16,
    text: String,
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

fn row(out: &mut String, buffer: &Buffer, y: u16) {
    let mut runs: Vec<Run> = Vec::new();
    let mut x = 0;
    while x < buffer.area.width {
        let cell: &Cell = &buffer[(x, y)];
        let cells = (width(cell.symbol()) as u16).max(1);
        let (mut fg, mut bg) = (cell.fg, cell.bg);
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut fg, &mut bg);
        }
        match runs.last_mut() {
            Some(run) if run.fg == fg && run.bg == bg && run.modifier == cell.modifier => {
                run.text.push_str(cell.symbol());
                run.cells += cells;
            }
            _ => runs.push(Run {
                from: x,
                cells,
                text: cell.symbol().to_owned(),
                fg,
                bg,
                modifier: cell.modifier,
            }),
        }
        x += cells;
    }
    for run in runs {
        draw(out, &run, y);
    }
}

fn draw(out: &mut String, run: &Run, y: u16) {
    let left = MARGIN + f64::from(run.from) * CELL.0;
    let top = MARGIN + f64::from(y) * CELL.1;
    let wide = f64::from(run.cells) * CELL.0;
    if let Some(paper) = hex(run.bg) {
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{}\" fill=\"{paper}\"/>",
            CELL.1
        );
    }
    if run.text.trim().is_empty() {
        return;
    }
    let mut marks = String::new();
    if let Some(ink) = hex(run.fg) {
        let _ = write!(marks, " fill=\"{ink}\"");
    }
    if run.modifier.contains(Modifier::BOLD) {
        marks.push_str(" font-weight=\"bold\"");
    }
    if run.modifier.contains(Modifier::ITALIC) {
        marks.push_str(" font-style=\"italic\"");
    }
    if run.modifier.contains(Modifier::UNDERLINED) {
        marks.push_str(" text-decoration=\"underline\"");
    }
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\"{marks}>{}</text>",
        top + 13.5,
        escape(&run.text)
    );
}

fn hex(colour: Color) -> Option<String> {
    match colour {
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        _ => None,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn runs_keep_their_columns_and_text_is_escaped() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 1));
        buffer.set_string(0, 0, "a<b", Style::new());
        buffer.set_string(4, 0, "日x", Style::new().fg(Color::Rgb(1, 2, 3)));
        let svg = svg(&buffer, "a & b");
        assert!(svg.contains("<title>a &amp; b</title>"));
        assert!(svg.contains(">a&lt;b <"), "{svg}");
        assert!(
            svg.contains("x=\"47.6\" y=\"27.5\" textLength=\"25.2\""),
            "{svg}"
        );
        assert!(svg.contains("fill=\"#010203\">日x<"), "{svg}");
    }
}
