//! The terminal: what is on screen and what keys do.
//!
//! `tui` draws state and turns keys into actions; what is due, what counts as right and what is kept
//! is decided in `memory`, `session` and `progress`.

pub mod app;
pub mod canvas;
pub mod card_view;
pub mod depth;
pub mod desk;
pub mod editor;
pub mod effect;
pub mod input;
pub mod keymap;
pub mod look;
pub mod markdown;
pub mod picture;
pub mod prose;
pub mod run;
pub mod screens;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod widgets;

#[cfg(test)]
mod tests;
