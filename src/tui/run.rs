//! The loop: sleeps until something happens, hands it to the app, draws when something changed.
//!
//! No threads and no ticking: an idle program writes no byte and wakes for nothing. Time is read here
//! and handed on. What needs the real terminal (stopping, the editor) is done here too.

use std::{
    env,
    io::{self, IsTerminal},
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::{
    app::{App, Request, Start},
    desk::Desk,
    input::{Inputs, Woken},
    look::Look,
    terminal::{Guard, Modes, Screen, install_panic_hook},
};
use crate::{bank::CardId, clock};

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
            }
            Some(Request::Edit(card)) => {
                let app = &*self.app;
                let outcome = self.guard.lend(|| edit(app, &card))?;
                self.app.edited(outcome, clock::now());
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
    let origin = &app
        .desk()
        .bank()
        .card(card)
        .ok_or("the card is gone")?
        .origin;
    let editor = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.trim().is_empty()))
        .unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let mut command = Command::new(program);
    command
        .args(words)
        .args(place(program, &origin.file, origin.line));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(
            "{program} ended with {status}; the card was not read again"
        )),
        Err(error) => Err(format!(
            "{program} cannot be started ({error}); set EDITOR to your editor"
        )),
    }
}

/// File and line as an editor wants them.
fn place(program: &str, file: &str, line: u32) -> Vec<String> {
    let name = Path::new(program)
        .file_stem()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    match name {
        "code" | "codium" => vec![
            "--wait".to_owned(),
            "--goto".to_owned(),
            format!("{file}:{line}"),
        ],
        "hx" | "helix" | "subl" | "zed" => vec![format!("{file}:{line}")],
        "vi" | "vim" | "nvim" | "nano" | "emacs" | "emacsclient" | "kak" | "micro" | "joe" => {
            vec![format!("+{line}"), file.to_owned()]
        }
        _ => vec![file.to_owned()],
    }
}

/// For the test of panics: builds for development panic when the environment asks for it.
fn panic_if_asked() {
    #[cfg(debug_assertions)]
    {
        let asked = env::var_os("HIGHWATER_PANIC").is_some();
        assert!(!asked, "asked to panic by HIGHWATER_PANIC");
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn editors_get_the_line_in_their_own_way() {
        assert_eq!(place("/usr/bin/vim", "a.yaml", 7), ["+7", "a.yaml"]);
        assert_eq!(place("hx", "a.yaml", 7), ["a.yaml:7"]);
        assert_eq!(place("code", "a.yaml", 7), ["--wait", "--goto", "a.yaml:7"]);
        assert_eq!(place("ed", "a.yaml", 7), ["a.yaml"]);
    }
}
