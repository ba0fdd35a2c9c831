//! Failure scenarios on the simulated cluster, and questions that its rules answer.
//!
//! [`scenario`] reads the files, [`play`] is the state machine of one being played, [`timeline`] the run that can be
//! walked forward and back, [`runner`] plays one with nobody watching. [`look`] turns a cluster into the plain values of
//! [`view`], which is all that screens draw; [`compare`] lays two of them line by line. The lab knows neither terminal nor disk nor clock.

pub mod commands;
pub mod compare;
pub mod glossary;
pub mod kinds;
pub mod look;
pub mod moment;
pub mod play;
pub mod prediction;
pub mod presets;
pub mod questions;
pub mod runner;
pub mod save;
pub mod scenario;
pub mod timeline;
pub mod values;
pub mod view;
