//! Parts that several screens draw: lists, scrolled text, checklists, bars, text fields, boxes, and how
//! a page of text is laid out.
//!
//! Each keeps only what it needs to be drawn (an offset, a cursor); what it shows comes as an argument.

mod bars;
mod checklist;
mod choices;
mod field;
mod list;
mod page;
mod popup;
mod scroll;

pub use bars::{bar, sparkline, stack};
pub use checklist::checklist;
pub use choices::choices;
pub use field::Field;
pub use list::List;
pub use page::{column, column_of, flow, heading};
pub use popup::{centred, popup};
pub use scroll::Scroll;
