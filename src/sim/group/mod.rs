//! Consumer groups of the classic protocol.

pub mod assignors;
