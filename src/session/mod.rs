//! Ways to practise, as pure state machines: what the reader does goes in, what is to be recorded comes out.
//!
//! Time and seed are arguments; nothing here touches the disk, the clock or the terminal.

pub mod design;
pub mod drill;
pub mod interview;
pub mod quiz;
pub mod selftest;
pub mod stories;
pub mod welcome;

/// A running clock is kept this often, so that a kill costs no more.
const SAVE_EVERY: std::time::Duration = std::time::Duration::from_secs(5);
