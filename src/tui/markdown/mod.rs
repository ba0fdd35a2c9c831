//! Markdown on the screen: read once, laid out per width.
//!
//! `parse` makes blocks, `layout` makes lines (with `wrap`, `table` and `code`). ratatui's own
//! wrapping loses hanging indents and cannot say how many lines it makes, so it is not used.
//! What is selected or scrolled to is the caller's business.

mod code;
mod layout;
mod parse;
mod table;
mod wrap;

pub use code::Highlighter;
pub use layout::{Anchor, Page, Spot, layout};
pub use parse::{Block, Document, Inline, Item, Look, Piece, Table, anchor, words};
pub use wrap::{Run, wrap};
