//! Parts that several screens draw: lists, scrolled text, checklists, bars, text fields, boxes.
//!
//! Each keeps only what it needs to be drawn (an offset, a cursor); what it shows comes as an argument.

mod bars;
mod checklist;
mod field;
mod list;
mod popup;
mod scroll;

pub use bars::{bar, sparkline, stack};
pub use checklist::checklist;
pub use field::Field;
pub use list::List;
pub use popup::{centred, popup};
pub use scroll::Scroll;
