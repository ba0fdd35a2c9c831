//! Failure scenarios on the simulated cluster, and questions that its rules answer.

pub mod questions;
