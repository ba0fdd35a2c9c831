//! Markdown into blocks, once per document.
//!
//! CommonMark with tables, strikethrough and task lists, read by pulldown-cmark. Text is cleaned of
//! control characters here, so that nothing later needs to think of them.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag};

use crate::tui::text::clean;

/// A document and where its links lead.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// In order.
    pub blocks: Vec<Block>,
    /// Targets of the links, in order; pieces name them by place.
    pub links: Vec<String>,
}

/// A block of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A heading: depth from 1, anchor, words.
    Heading(u8, String, Inline),
    /// A paragraph.
    Paragraph(Inline),
    /// A list; with a number it counts from there.
    List(Option<u64>, Vec<Item>),
    /// A quotation.
    Quote(Vec<Block>),
    /// A listing: language and lines.
    Code(String, Vec<String>),
    /// A table.
    Table(Table),
    /// A rule across.
    Rule,
}

/// One item of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// Ticked or not, in a task list.
    pub task: Option<bool>,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Of each column.
    pub align: Vec<Align>,
    /// The first row.
    pub head: Vec<Inline>,
    /// The others.
    pub rows: Vec<Vec<Inline>>,
}

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// Flush left.
    #[default]
    Left,
    /// In the middle.
    Centre,
    /// Flush right.
    Right,
}

/// Running text: pieces of one look each; `\n` in a piece is a hard break.
pub type Inline = Vec<Piece>;

/// A run of text of one look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// How it looks.
    pub look: Look,
    /// Place of its target in [`Document::links`].
    pub link: Option<usize>,
}

/// How a piece looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a separate mark of Markdown"
)]
pub struct Look {
    /// `**strong**`
    pub strong: bool,
    /// `*emphasis*`
    pub emphasis: bool,
    /// `~~struck~~`
    pub struck: bool,
    /// `` `code` ``
    pub code: bool,
}

impl Document {
    /// Reads Markdown. Everything is Markdown, so nothing can fail.
    pub fn parse(text: &str) -> Self {
        let text = clean(text);
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_HEADING_ATTRIBUTES;
        let mut reader = Reader {
            links: Vec::new(),
            events: Parser::new_ext(&text, options),
        };
        let blocks = reader.blocks();
        Self {
            blocks,
            links: reader.links,
        }
    }
}

/// The anchor of a heading without one of its own: its words in lower case, joined by hyphens.
pub fn anchor(words: &str) -> String {
    let mut out = String::new();
    for c in words.chars() {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}

/// The text of pieces without their looks.
pub fn words(inline: &[Piece]) -> String {
    inline.iter().map(|piece| piece.text.as_str()).collect()
}

struct Reader<'a> {
    events: Parser<'a>,
    links: Vec<String>,
}

impl Reader<'_> {
    /// Blocks until the end of what encloses them. Text without a paragraph (tight lists) makes one.
    fn blocks(&mut self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut loose = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::Start(tag) if is_inline(&tag) => {
                    self.inline_tag(tag, Look::default(), None, &mut loose);
                }
                Event::Start(tag) => {
                    flush(&mut loose, &mut blocks);
                    self.block(tag, &mut blocks);
                }
                Event::End(_) => break,
                Event::Rule => {
                    flush(&mut loose, &mut blocks);
                    blocks.push(Block::Rule);
                }
                other => leaf(other, Look::default(), None, &mut loose),
            }
        }
        flush(&mut loose, &mut blocks);
        blocks
    }

    fn block(&mut self, tag: Tag<'_>, blocks: &mut Vec<Block>) {
        match tag {
            Tag::Paragraph => {
                let inline = self.inline();
                blocks.push(Block::Paragraph(inline));
            }
            Tag::Heading { level, id, .. } => {
                let inline = self.inline();
                let anchor = id.map_or_else(|| anchor(&words(&inline)), |id| id.to_string());
                blocks.push(Block::Heading(depth(level), anchor, inline));
            }
            Tag::BlockQuote(_) => {
                let inner = self.blocks();
                blocks.push(Block::Quote(inner));
            }
            Tag::CodeBlock(kind) => {
                let lang = match kind {
                    CodeBlockKind::Fenced(info) => info
                        .split([' ', ','])
                        .next()
                        .unwrap_or_default()
                        .to_lowercase(),
                    CodeBlockKind::Indented => String::new(),
                };
                let code = words(&self.inline());
                let lines = code
                    .trim_end_matches('\n')
                    .split('\n')
                    .map(str::to_owned)
                    .collect();
                blocks.push(Block::Code(lang, lines));
            }
            Tag::List(start) => {
                let mut items = Vec::new();
                while let Some(event) = self.events.next() {
                    match event {
                        Event::Start(Tag::Item) => items.push(self.item()),
                        _ => break,
                    }
                }
                blocks.push(Block::List(start, items));
            }
            Tag::Table(align) => {
                let table = self.table(&align);
                blocks.push(Block::Table(table));
            }
            // Raw HTML and whatever else encloses blocks is read through.
            _ => {
                let inner = self.blocks();
                blocks.extend(inner);
            }
        }
    }

    fn item(&mut self) -> Item {
        let mut item = Item {
            task: None,
            blocks: self.blocks(),
        };
        if let Some(Block::Paragraph(inline)) = item.blocks.first_mut()
            && let Some(mark) = inline.first().map(|piece| piece.text.as_str())
            && (mark == TICKED || mark == OPEN)
        {
            item.task = Some(mark == TICKED);
            inline.remove(0);
        }
        item
    }

    fn table(&mut self, align: &[Alignment]) -> Table {
        let mut table = Table {
            align: align
                .iter()
                .map(|align| match align {
                    Alignment::Center => Align::Centre,
                    Alignment::Right => Align::Right,
                    Alignment::None | Alignment::Left => Align::Left,
                })
                .collect(),
            ..Table::default()
        };
        while let Some(event) = self.events.next() {
            match event {
                Event::Start(Tag::TableHead) => table.head = self.row(),
                Event::Start(Tag::TableRow) => {
                    let row = self.row();
                    table.rows.push(row);
                }
                _ => break,
            }
        }
        table
    }

    fn row(&mut self) -> Vec<Inline> {
        let mut cells = Vec::new();
        while let Some(Event::Start(Tag::TableCell)) = self.events.next() {
            cells.push(self.inline());
        }
        cells
    }

    /// Running text until the end of what encloses it.
    fn inline(&mut self) -> Inline {
        let mut out = Vec::new();
        self.inline_in(Look::default(), None, &mut out);
        out
    }

    fn inline_in(&mut self, look: Look, link: Option<usize>, out: &mut Inline) {
        while let Some(event) = self.events.next() {
            match event {
                Event::Start(tag) => self.inline_tag(tag, look, link, out),
                Event::End(_) => return,
                other => leaf(other, look, link, out),
            }
        }
    }

    fn inline_tag(&mut self, tag: Tag<'_>, look: Look, link: Option<usize>, out: &mut Inline) {
        match tag {
            Tag::Strong => self.inline_in(
                Look {
                    strong: true,
                    ..look
                },
                link,
                out,
            ),
            Tag::Emphasis => self.inline_in(
                Look {
                    emphasis: true,
                    ..look
                },
                link,
                out,
            ),
            Tag::Strikethrough => self.inline_in(
                Look {
                    struck: true,
                    ..look
                },
                link,
                out,
            ),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push(dest_url.to_string());
                let place = self.links.len() - 1;
                self.inline_in(look, Some(place), out);
            }
            _ => self.inline_in(look, link, out),
        }
    }
}

/// How the marks of a task list travel from the parser to the item.
const TICKED: &str = "\u{1}x";
const OPEN: &str = "\u{1} ";

fn is_inline(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Strong | Tag::Emphasis | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. }
    )
}

fn leaf(event: Event<'_>, look: Look, link: Option<usize>, out: &mut Inline) {
    let (text, look) = match event {
        Event::Text(text) | Event::InlineHtml(text) | Event::Html(text) => (text.to_string(), look),
        Event::Code(text) => (text.to_string(), Look { code: true, ..look }),
        Event::SoftBreak => (" ".to_owned(), look),
        Event::HardBreak => ("\n".to_owned(), look),
        Event::TaskListMarker(done) => (if done { TICKED } else { OPEN }.to_owned(), look),
        _ => return,
    };
    match out.last_mut() {
        Some(last) if last.look == look && last.link == link && !last.text.starts_with('\u{1}') => {
            last.text.push_str(&text);
        }
        _ => out.push(Piece { text, look, link }),
    }
}

fn flush(loose: &mut Inline, blocks: &mut Vec<Block>) {
    if !loose.is_empty() {
        blocks.push(Block::Paragraph(std::mem::take(loose)));
    }
}

fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_carry_their_anchor() {
        let document =
            Document::parse("## Who is in sync {#isr}\n\n### The `acks` setting, again\n");
        let anchors: Vec<_> = document
            .blocks
            .iter()
            .map(|block| match block {
                Block::Heading(depth, anchor, _) => (*depth, anchor.as_str()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(anchors, [(2, "isr"), (3, "the-acks-setting-again")]);
    }

    #[test]
    fn lists_nest_and_tasks_are_ticked() {
        let document = Document::parse("1. one\n   - [x] done\n   - [ ] open\n2. two\n");
        let Block::List(Some(1), items) = &document.blocks[0] else {
            panic!()
        };
        assert_eq!(items.len(), 2);
        let Block::List(None, tasks) = &items[0].blocks[1] else {
            panic!("{items:?}")
        };
        assert_eq!(
            tasks.iter().map(|item| item.task).collect::<Vec<_>>(),
            [Some(true), Some(false)]
        );
        assert_eq!(
            tasks[0].blocks,
            [Block::Paragraph(vec![Piece {
                text: "done".into(),
                ..Piece::default()
            }])]
        );
    }

    #[test]
    fn links_are_collected() {
        let document = Document::parse(
            "See [the ISR](chapter:kafka/replication#isr) and [a **card**](card:x).",
        );
        assert_eq!(document.links, ["chapter:kafka/replication#isr", "card:x"]);
        let Block::Paragraph(inline) = &document.blocks[0] else {
            panic!()
        };
        let linked: Vec<_> = inline
            .iter()
            .filter(|p| p.link == Some(1))
            .map(|p| p.text.as_str())
            .collect();
        assert_eq!(linked, ["a ", "card"]);
    }

    #[test]
    fn escape_sequences_in_prose_and_code_are_shown() {
        let document = Document::parse("a\x1b]0;x\x07\n\n```text\n\x1b[2J\n```\n");
        let Block::Paragraph(inline) = &document.blocks[0] else {
            panic!()
        };
        assert_eq!(words(inline), "a␛]0;x␇");
        assert_eq!(
            document.blocks[1],
            Block::Code("text".into(), vec!["␛[2J".into()])
        );
    }
}
