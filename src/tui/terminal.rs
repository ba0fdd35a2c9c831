//! Taking the terminal and giving it back: one guard that undoes everything, from wherever it must.
//!
//! [`Guard`] is undone by `Drop`, by the panic hook and before a suspend; undoing twice does nothing.
//! What it turns on is turned off in reverse, cursor included. Reading keys is the job of `input`.

use std::{
    fmt,
    io::{self, BufWriter, Stdout, Write},
    panic,
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    Command, QueueableCommand,
    cursor::{Hide, Show},
    event::{
        DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
        KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
    },
    style::{Attribute, SetAttribute},
    terminal::{
        BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
        LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};

/// Bytes gathered before they are written: a frame leaves in a few writes instead of dozens.
const BUFFER: usize = 64 * 1024;

/// What a terminal can be asked for beyond the alternate screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// Report clicks and the wheel. Takes text selection away from the reader (shift-drag gives it back).
    pub mouse: bool,
    /// Ask for keys that cannot be mistaken for one another. Never needed, only nicer.
    pub kitty: bool,
}

impl Modes {
    /// Whether the terminal is known to understand the kitty keyboard protocol.
    ///
    /// Asking it would cost up to two seconds where nobody answers, so the environment must do.
    pub fn knows_kitty(var: impl Fn(&str) -> Option<String>) -> bool {
        let term = var("TERM").unwrap_or_default();
        let program = var("TERM_PROGRAM").unwrap_or_default();
        var("TMUX").is_none()
            && (["kitty", "ghostty", "foot", "alacritty"]
                .iter()
                .any(|name| term.contains(name))
                || ["WezTerm", "ghostty", "iTerm.app"].contains(&program.as_str()))
    }
}

/// Whether the terminal is taken, and with which modes; read by the panic hook.
static TAKEN: AtomicBool = AtomicBool::new(false);
static MOUSE: AtomicBool = AtomicBool::new(false);
static KITTY: AtomicBool = AtomicBool::new(false);

/// Holds the terminal in raw mode on the alternate screen; gives it back when dropped.
#[derive(Debug)]
pub struct Guard {
    modes: Modes,
}

impl Guard {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be set up; what was set up by then is undone.
    pub fn take(modes: Modes) -> io::Result<Self> {
        let guard = Self { modes };
        guard.enter()?;
        Ok(guard)
    }

    /// Gives the terminal back for a while, runs `work`, and takes it again.
    ///
    /// # Errors
    /// When the terminal cannot be taken again.
    pub fn lend<T>(&mut self, work: impl FnOnce() -> T) -> io::Result<T> {
        undo();
        let out = work();
        self.enter()?;
        Ok(out)
    }

    /// Changes the modes of a terminal that is held.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn set_modes(&mut self, modes: Modes) -> io::Result<()> {
        let mut out = io::stdout();
        if modes.mouse != self.modes.mouse {
            if modes.mouse {
                out.queue(EnableMouseCapture)?;
            } else {
                out.queue(DisableMouseCapture)?;
            }
            MOUSE.store(modes.mouse, Ordering::SeqCst);
        }
        self.modes = Modes {
            kitty: self.modes.kitty,
            ..modes
        };
        out.flush()
    }

    fn enter(&self) -> io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        MOUSE.store(self.modes.mouse, Ordering::SeqCst);
        KITTY.store(self.modes.kitty, Ordering::SeqCst);
        let mut out = io::stdout();
        let mut set_up = || -> io::Result<()> {
            out.queue(EnterAlternateScreen)?
                .queue(Clear(ClearType::All))?
                .queue(Hide)?
                .queue(SetTitle("highwater"))?
                .queue(EnableBracketedPaste)?;
            if self.modes.mouse {
                out.queue(EnableMouseCapture)?;
            }
            if self.modes.kitty {
                out.queue(PushKeyboardEnhancementFlags(
                    KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES,
                ))?;
            }
            out.flush()
        };
        set_up().inspect_err(|_| undo())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        undo();
    }
}

/// Gives the terminal back, if it is taken. What cannot be written is passed over: there is nobody to tell.
pub fn undo() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut text = String::new();
    let add = |written: fmt::Result| debug_assert!(written.is_ok());
    if KITTY.load(Ordering::SeqCst) {
        add(PopKeyboardEnhancementFlags.write_ansi(&mut text));
    }
    if MOUSE.load(Ordering::SeqCst) {
        add(DisableMouseCapture.write_ansi(&mut text));
    }
    add(DisableBracketedPaste.write_ansi(&mut text));
    add(EndSynchronizedUpdate.write_ansi(&mut text));
    add(SetAttribute(Attribute::Reset).write_ansi(&mut text));
    add(SetTitle("").write_ansi(&mut text));
    add(LeaveAlternateScreen.write_ansi(&mut text));
    add(Show.write_ansi(&mut text));
    let mut out = io::stdout();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Makes a panic give the terminal back before its message is printed.
pub fn install_panic_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        undo();
        previous(info);
    }));
}

/// The screen that is drawn on.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// A screen whose first frame paints everything.
    ///
    /// # Errors
    /// When the size of the terminal cannot be read.
    pub fn new() -> io::Result<Self> {
        let out = BufWriter::with_capacity(BUFFER, io::stdout());
        Ok(Self {
            terminal: Terminal::new(CrosstermBackend::new(out))?,
        })
    }

    /// Draws one frame and sends what changed, between the marks of a synchronized update.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.backend_mut().queue(BeginSynchronizedUpdate)?;
        self.terminal.draw(render)?;
        self.terminal.backend_mut().queue(EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kitty_keys_are_asked_of_terminals_that_know_them() {
        let knows = |pairs: &'static [(&str, &str)]| {
            Modes::knows_kitty(|name| {
                pairs
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, v)| (*v).to_owned())
            })
        };
        assert!(knows(&[("TERM", "xterm-kitty")]));
        assert!(knows(&[
            ("TERM", "xterm-256color"),
            ("TERM_PROGRAM", "WezTerm")
        ]));
        assert!(!knows(&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")]));
        assert!(!knows(&[("TERM", "xterm-256color")]));
    }

    #[test]
    fn undoing_what_was_never_taken_does_nothing() {
        undo();
        assert!(!TAKEN.load(Ordering::SeqCst));
    }
}
