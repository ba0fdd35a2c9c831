//! Failure scenarios on the simulated cluster, and questions that its rules answer.
//!
//! [`scenario`] reads the files, [`prediction`] says what is right by a cluster's word. [`view`] holds in plain values
//! what there is to see of a cluster, [`kinds`] sorts its events, [`glossary`] explains its words. The lab knows neither
//! terminal nor disk nor clock.

pub mod glossary;
pub mod kinds;
pub mod moment;
pub mod prediction;
pub mod questions;
pub mod scenario;
pub mod values;
pub mod view;
