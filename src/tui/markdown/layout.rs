//! Blocks into lines of a width, with hanging indents, and where headings and links came to stand.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{
    code::Highlighter,
    parse::{Block, Document, Item, Piece},
    table::table,
    wrap::{Row, Run, line, rows, runs},
};
use crate::tui::{
    text::{width, window},
    theme::Theme,
};

/// A document laid out.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The lines.
    pub lines: Vec<Line<'static>>,
    /// The headings, in order.
    pub anchors: Vec<Anchor>,
    /// The links, in order; one that is broken over lines has several spots.
    pub links: Vec<Spot>,
    /// Columns by which the widest listing sticks out.
    pub overhang: usize,
}

/// A heading and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// What links name.
    pub name: String,
    /// Its line.
    pub line: usize,
    /// 1 for `#`, 2 for `##`, …
    pub depth: u8,
}

/// Where a piece of a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its line.
    pub line: usize,
    /// Its first column.
    pub from: usize,
    /// The column behind its last.
    pub to: usize,
    /// Place in [`Document::links`].
    pub link: usize,
}

/// Lays out a document in `columns`; listings are moved `shift` columns to the left.
pub fn layout(
    document: &Document,
    columns: usize,
    theme: &Theme,
    shift: usize,
    code: &mut Highlighter,
) -> Page {
    let mut writer = Writer {
        columns: columns.max(4),
        theme,
        shift,
        code,
        page: Page::default(),
        indent: Vec::new(),
        marker: None,
        base: Style::new(),
    };
    writer.blocks(&document.blocks, false);
    writer.page
}

struct Writer<'a> {
    columns: usize,
    theme: &'a Theme,
    shift: usize,
    code: &'a mut Highlighter,
    page: Page,
    /// What stands before every line: indents and bars of quotations.
    indent: Vec<Run>,
    /// What stands before the next line instead of the innermost indent: a bullet or number.
    marker: Option<Run>,
    base: Style,
}

impl Writer<'_> {
    fn blocks(&mut self, blocks: &[Block], tight: bool) {
        for (i, block) in blocks.iter().enumerate() {
            if i > 0 && !(tight && matches!(block, Block::List(..) | Block::Paragraph(_))) {
                self.blank();
            }
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(depth, anchor, inline) => self.heading(*depth, anchor, inline),
            Block::Paragraph(inline) => {
                let runs = runs(inline, self.theme, self.base);
                for row in rows(&runs, self.room()) {
                    self.push(row);
                }
            }
            Block::List(start, items) => self.list(*start, items),
            Block::Quote(blocks) => {
                self.indent.push(Run::new("▎ ", self.theme.line));
                let base = std::mem::replace(&mut self.base, self.theme.quote);
                self.blocks(blocks, false);
                self.base = base;
                self.indent.pop();
            }
            Block::Code(lang, lines) => self.listing(lang, lines),
            Block::Table(it) => {
                for row in table(it, self.room(), self.theme) {
                    self.push(row);
                }
            }
            Block::Rule => {
                let rule = "─".repeat(self.room().min(24));
                self.push(vec![Run::new(rule, self.theme.line)]);
            }
        }
    }

    fn heading(&mut self, depth: u8, anchor: &str, inline: &[Piece]) {
        let style = self.theme.heading[usize::from(depth.clamp(1, 3)) - 1];
        self.page.anchors.push(Anchor {
            name: anchor.to_owned(),
            line: self.page.lines.len(),
            depth,
        });
        for row in rows(&runs(inline, self.theme, style), self.room()) {
            self.push(row);
        }
    }

    fn list(&mut self, start: Option<u64>, items: &[Item]) {
        let loose = items.iter().any(|item| {
            item.blocks
                .iter()
                .filter(|block| !matches!(block, Block::List(..)))
                .count()
                > 1
        });
        let digits = start.map_or(0, |n| (n + items.len() as u64).to_string().len());
        for (i, item) in items.iter().enumerate() {
            if loose && i > 0 {
                self.blank();
            }
            let marker = match (item.task, start) {
                (Some(true), _) => Run::new("[x] ", self.theme.good),
                (Some(false), _) => Run::new("[ ] ", self.theme.dim),
                (None, Some(n)) => {
                    Run::new(format!("{:>digits$}. ", n + i as u64), self.theme.accent)
                }
                (None, None) => Run::new("• ", self.theme.accent),
            };
            self.indent
                .push(Run::new(" ".repeat(width(&marker.text)), Style::new()));
            self.marker = Some(marker);
            if item.blocks.is_empty() {
                self.push(Row::new());
            }
            self.blocks(&item.blocks, !loose);
            self.indent.pop();
            self.marker = None;
        }
    }

    fn listing(&mut self, lang: &str, lines: &[String]) {
        // Listings may use the last column, which prose leaves as air: diagrams are up to 76 wide.
        let room = self.room();
        let widest = lines.iter().map(|line| width(line)).max().unwrap_or(0);
        self.page.overhang = self.page.overhang.max(widest.saturating_sub(room));
        let shift = self.shift.min(widest.saturating_sub(room));
        for line in self.code.lines(lang, lines, self.theme) {
            let mut row = vec![Run::new("▏", self.theme.line)];
            row.extend(
                window(&line, shift, room)
                    .spans
                    .into_iter()
                    .map(|span| Run::new(span.content, span.style)),
            );
            self.push(row);
        }
    }

    /// Columns that the indents leave to prose: all but the last.
    fn room(&self) -> usize {
        let indent: usize = self.indent.iter().map(|run| width(&run.text)).sum();
        self.columns.saturating_sub(indent + 1).max(1)
    }

    fn blank(&mut self) {
        if self.page.lines.last().is_none_or(|line| line.width() > 0) && !self.page.lines.is_empty()
        {
            let bars: Row = self.indent.clone();
            let text: String = bars.iter().map(|run| run.text.as_str()).collect();
            self.page.lines.push(if text.trim().is_empty() {
                Line::default()
            } else {
                line(bars)
            });
        }
    }

    fn push(&mut self, row: Row) {
        let mut full: Row = self.indent.clone();
        if let (Some(marker), Some(last)) = (self.marker.take(), full.last_mut()) {
            *last = marker;
        }
        full.extend(row);
        let mut at = 0;
        for run in &full {
            let end = at + width(&run.text);
            if let Some(link) = run.link {
                let here = self.page.lines.len();
                match self.page.links.last_mut() {
                    Some(last) if last.link == link && last.line == here && last.to == at => {
                        last.to = end;
                    }
                    _ => self.page.links.push(Spot {
                        line: here,
                        from: at,
                        to: end,
                        link,
                    }),
                }
            }
            at = end;
        }
        self.page.lines.push(line(full));
    }
}

impl Page {
    /// The plain text of a line.
    pub fn text(&self, line: usize) -> String {
        self.lines.get(line).map(plain).unwrap_or_default()
    }
}

fn plain(line: &Line<'_>) -> String {
    line.spans
        .iter()
        .map(|span: &Span<'_>| span.content.as_ref())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{depth::Depth, theme::Name};

    fn page(markdown: &str, columns: usize) -> Page {
        let theme = Theme::new(Name::Dark, Depth::True);
        layout(
            &Document::parse(markdown),
            columns,
            &theme,
            0,
            &mut Highlighter::default(),
        )
    }

    fn text(markdown: &str, columns: usize) -> String {
        let page = page(markdown, columns + 1);
        let lines: Vec<String> = (0..page.lines.len())
            .map(|i| page.text(i).trim_end().to_owned())
            .collect();
        lines.join("\n")
    }

    #[test]
    fn lists_hang() {
        let md = "Steps:\n\n1. The leader appends the record and answers nothing yet.\n   - a follower \
                  fetches\n   - [x] the high watermark moves on when all have it\n2. Then it \
                  answers.\n\n- loose\n\n- items\n";
        insta::assert_snapshot!("lists", text(md, 34));
    }

    #[test]
    fn tables_shrink_wrap_and_become_records() {
        let md = "| setting | default | what it does |\n|---|--:|---|\n| `acks` | all | how many replicas \
                  must have a record before the producer is answered |\n| `linger.ms` | 5 | waits for more |\n";
        insta::assert_snapshot!("table_at_90", text(md, 90));
        insta::assert_snapshot!("table_at_46", text(md, 46));
        insta::assert_snapshot!("table_at_26", text(md, 26));
    }

    #[test]
    fn listings_are_clipped_not_wrapped() {
        let code = "```java\nproducer.send(record, callback);\n```\n";
        assert_eq!(text(code, 20), "▏producer.send(recor…");
        let theme = Theme::new(Name::Dark, Depth::True);
        let page = layout(
            &Document::parse(code),
            20,
            &theme,
            100,
            &mut Highlighter::default(),
        );
        assert_eq!(page.text(0), "▏…record, callback);");
        assert_eq!(page.overhang, 13);
    }

    #[test]
    fn quotes_keep_their_bar_and_links_their_place() {
        let md = "> The [high watermark](card:hw) is what consumers may read, and nothing above it.\n>\n> Remember.\n";
        insta::assert_snapshot!("quote", text(md, 30));
        assert_eq!(
            page(md, 30).links,
            [Spot {
                line: 0,
                from: 6,
                to: 20,
                link: 0
            }]
        );
    }

    #[test]
    fn any_width_will_do() {
        let md = "# A\n\ntext `code` [l](x)\n\n- a\n  - b\n    - c\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> - q\n\n```rust\nfn main() {}\n```\n";
        for columns in 0..60 {
            let page = page(md, columns);
            assert!(
                page.lines.iter().all(|line| line.width() <= columns.max(8)),
                "{columns}"
            );
        }
    }
}
