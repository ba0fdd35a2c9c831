//! highwater: preparing for back-end interviews on Kafka and distributed systems, in the terminal.
//!
//! The rooms, and what each may use, are described in `docs/ARCHITECTURE.md`.

pub mod bank;
pub mod cli;
pub mod clock;
pub mod config;
pub mod lab;
pub mod memory;
pub mod progress;
pub mod session;
pub mod sim;
pub mod tui;
