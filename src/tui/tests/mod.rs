//! The screens, driven by keys and read as text.
//!
//! A [`Stage`] is an app over the small bank in `tests/bank`, a log in memory, a fixed clock and a
//! window of a fixed size. Snapshots hold symbols and, below them, styles: one letter a style.

mod chance;
mod flows;
mod interviews;
mod lab;
mod looks;
mod quizzes;
mod stage;

use stage::Stage;
