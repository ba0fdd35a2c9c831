//! The simulated cluster: Apache Kafka 4.x inside one process, deterministic and inspectable.
//!
//! Pure: it knows neither clock nor disk nor terminal; time is virtual and all chance comes from one seed. The same
//! [`spec::Spec`], seed and commands give the same [`event::Event`]s, byte for byte.
//!
//! Nodes (brokers, the controller quorum, producers, consumers) are state machines. Each handles messages and timers
//! through a [`context::Context`], and they meet only through the [`network`].

pub mod broker;
pub mod chunks;
pub mod cluster;
pub mod command;
pub mod conformance;
pub mod consumer;
pub mod context;
pub mod controller;
pub mod event;
pub mod fuzz;
pub mod group;
pub mod invariant;
pub mod ledger;
pub mod message;
pub mod network;
pub mod node;
pub mod partitioner;
pub mod producer;
pub mod query;
pub mod queue;
pub mod ranges;
pub mod rng;
pub mod settings;
pub mod spare;
pub mod spec;
pub mod time;
pub mod types;
