//! The loop: sleeps until something happens, hands it to the app, draws when something changed.
//!
//! No threads and no ticking: an idle program writes no byte and wakes for nothing. Time is read here
//! and handed on. What needs the real terminal (stopping, the editor) is done here too.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::{
    app::{App, Request, Start},
    desk::Desk,
    editor,
    input::{Inputs, Woken},
    look::Look,
    terminal::{Guard, Modes, Screen, install_panic_hook},
};
use crate::{
    bank::{CardId, stories},
    clock,
};

/// Runs the program on the terminal until the reader leaves it.
///
/// # Errors
/// When there is no terminal, or it fails.
pub fn run(desk: Desk, look: Look, start: Start) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        bail!(
            "the screens need a terminal on standard input and output; `highwater --help` lists commands that do not"
        );
    }
    install_panic_hook();
    let modes = look.modes();
    let mut app = App::new(desk, look, start, clock::now());
    // Before the terminal is taken: a signal in between leaves it as it was.
    let mut inputs = Inputs::new().context("signals cannot be handled")?;
    let mut guard = Guard::take(modes).context("the terminal cannot be set up")?;
    let outcome = Loop {
        app: &mut app,
        inputs: &mut inputs,
        guard: &mut guard,
        modes,
    }
    .run();
    drop(guard);
    outcome
}

struct Loop<'a> {
    app: &'a mut App,
    inputs: &'a mut Inputs,
    guard: &'a mut Guard,
    modes: Modes,
}

impl Loop<'_> {
    fn run(mut self) -> anyhow::Result<()> {
        let mut screen = Screen::new()?;
        draw(&mut screen, self.app)?;
        panic_if_asked();
        // What would hold up the first frame and nobody waits for.
        self.app.look_after(clock::now());
        let mut dirty = true;
        loop {
            if dirty {
                draw(&mut screen, self.app)?;
                dirty = false;
            }
            let timeout = self.app.deadline().map(|at| until(at, clock::now()));
            match self.inputs.wait(timeout)? {
                Woken::Events(events) => {
                    for event in events {
                        dirty |= self.app.handle(&event, clock::now());
                        if self.serve(&mut screen)? {
                            return Ok(());
                        }
                    }
                }
                Woken::Timeout => {
                    self.app.tick(clock::now());
                    dirty = true;
                }
                Woken::Continued => {
                    self.app.continued(clock::now());
                    self.guard.lend(|| ())?;
                    screen = Screen::new()?;
                    dirty = true;
                }
                Woken::Ended | Woken::Gone => return Ok(()),
            }
        }
    }

    /// Does what the app cannot; true when it is to end.
    fn serve(&mut self, screen: &mut Screen) -> anyhow::Result<bool> {
        let modes = self.app.modes();
        if modes != self.modes {
            self.guard.set_modes(modes)?;
            self.modes = modes;
        }
        match self.app.take_request() {
            None => return Ok(false),
            Some(Request::Quit) => return Ok(true),
            Some(Request::Redraw) => {}
            Some(Request::Stop) => {
                let inputs = &*self.inputs;
                self.guard.lend(|| inputs.suspend())??;
                self.app.continued(clock::now());
            }
            Some(Request::Edit(card)) => {
                let app = &*self.app;
                let outcome = self.guard.lend(|| edit(app, &card))?;
                self.app.continued(clock::now());
                self.app.edited(outcome, clock::now());
            }
            Some(Request::EditStories) => {
                let app = &*self.app;
                let outcome = self.guard.lend(|| edit_stories(app))?;
                self.app.stories_edited(outcome, clock::now());
            }
        }
        *screen = Screen::new()?;
        draw(screen, self.app)?;
        Ok(false)
    }
}

fn draw(screen: &mut Screen, app: &mut App) -> io::Result<()> {
    let now = clock::now();
    screen.draw(|frame| {
        if let Some(cursor) = app.draw(frame.buffer_mut(), now) {
            frame.set_cursor_position(cursor);
        }
    })
}

/// How long until a deadline; nothing when it has come.
fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}

/// Opens the file of a card in the reader's editor, at its line, and waits.
fn edit(app: &App, card: &CardId) -> Result<(), String> {
    let card = app.desk().bank().card(card).ok_or("the card is gone")?;
    let origin = &card.origin;
    editor::open(&origin.file, origin.line)
        .map_err(|problem| format!("{problem}; the card was not read again"))
}

/// Opens the reader's own stories in their editor, and waits; the file is made when there is none.
fn edit_stories(app: &App) -> Result<(), String> {
    let file = app.desk().stories_file().ok_or("there is no data folder")?;
    let shown = file.to_string_lossy();
    editor::make(file, &stories::example(app.desk().bank()))
        .map_err(|error| format!("{shown} cannot be made: {error}"))?;
    editor::open(&shown, 1)
}

/// For the test of panics: builds for development panic when the environment asks for it.
fn panic_if_asked() {
    #[cfg(debug_assertions)]
    {
        let asked = std::env::var_os("HIGHWATER_PANIC").is_some();
        assert!(!asked, "asked to panic by HIGHWATER_PANIC");
    }
}
