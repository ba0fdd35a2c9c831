//! The simulated cluster: a Kafka cluster inside one process, deterministic
//! and faithful to Apache Kafka 4.x.
//!
//! Pure: it knows neither clock nor disk nor terminal; time and seed come in
//! as arguments.

pub mod broker;
pub mod controller;
pub mod group;
pub mod partitioner;
pub mod types;
