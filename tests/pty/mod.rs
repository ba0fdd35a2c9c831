//! A program in a pseudo-terminal, for the tests that drive the real binary.
//!
//! A reader thread feeds a terminal emulator; tests wait for what is on its screen and never sleep.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    io::{Read, Write},
    num::NonZero,
    process::Command,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

/// Longest wait for something to appear. Reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const ROWS: u16 = 24;
pub(crate) const COLUMNS: u16 = 80;

pub(crate) fn some(n: u16) -> NonZero<u16> {
    NonZero::new(n).unwrap()
}

/// A program in a pseudo-terminal, and what is on its screen.
pub(crate) struct Session {
    pub(crate) master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    pub(crate) child: Box<dyn Child + Send + Sync>,
    pub(crate) output: Receiver<Vec<u8>>,
    pub(crate) screen: vt100::Parser,
}

pub(crate) fn highwater(home: &TempDir) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_highwater"));
    at_home(&mut command, home);
    command
}

pub(crate) fn at_home(command: &mut CommandBuilder, home: &TempDir) {
    command.env_clear();
    command.env("PATH", std::env::var("PATH").unwrap_or_default());
    command.env("HOME", home.path());
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.env("RUST_BACKTRACE", "0");
    command.env("HIGHWATER_DATA_DIR", home.path().join("data"));
    command.env("HIGHWATER_CONFIG_DIR", home.path().join("config"));
}

impl Session {
    pub(crate) fn start(command: CommandBuilder) -> Self {
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            keyboard: pair.master.take_writer().unwrap(),
            master: pair.master,
            child,
            output,
            screen: vt100::Parser::new(some(ROWS), some(COLUMNS), 0),
        }
    }

    pub(crate) fn text(&self) -> String {
        self.screen.screen().contents()
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits until the screen is as wanted.
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let mut chunks = 0;
        while !wanted(self.screen.screen()) {
            // A running clock writes every second: that alone must not keep a test waiting for ever.
            chunks += 1;
            assert!(
                chunks < 60,
                "waited for {what}; on screen:\n{}",
                self.text()
            );
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(error) => panic!("waited for {what}: {error}; on screen:\n{}", self.text()),
            }
        }
    }

    pub(crate) fn wait_for(&mut self, words: &str) {
        self.until(words, |screen| screen.contents().contains(words));
    }

    /// Takes in all that is still written, until the program has let go of the terminal.
    pub(crate) fn finish(&mut self) -> u32 {
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end; on screen:\n{}", self.text())
                }
            }
        }
        self.child.wait().unwrap().exit_code()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// The terminal is as it was: normal screen, cursor, no mouse, no paste marks, lines and echo.
    pub(crate) fn assert_restored(&self) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "paste is still bracketed");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        let modes = format!("{:?}", self.master.get_termios().unwrap().local_flags);
        for mode in ["ICANON", "ECHO", "ISIG"] {
            assert!(
                modes.split(" | ").any(|found| found.contains(mode)),
                "{mode} is off: {modes}"
            );
        }
    }
}

/// A home where the three questions are answered.
pub(crate) fn settled() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("config")).unwrap();
    std::fs::write(home.path().join("config/config.yaml"), "minutes: 20\n").unwrap();
    home
}

impl Session {
    /// Takes in what is still on its way, so that no frame is looked at half drawn.
    pub(crate) fn settle(&mut self) {
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(40)) {
            self.screen.process(&bytes);
        }
    }

    /// Presses for each view the key that goes on from it, until one of the views is the last; `views` are words on
    /// the screen with the keys to press there, the first that is found counting.
    pub(crate) fn play(&mut self, views: &[(&str, &str)], last: &str) {
        for _ in 0..400 {
            let known = |text: &str| {
                let keys = views.iter().find(|(words, _)| text.contains(words));
                keys.map(|(_, keys)| (*keys).to_owned())
            };
            self.until("a view that is known", |screen| {
                let text = screen.contents();
                text.contains(last) || known(&text).is_some()
            });
            let before = self.text();
            if before.contains(last) {
                return;
            }
            let keys = known(&before).unwrap();
            self.press(&keys);
            self.until("another view", |screen| screen.contents() != before);
            self.settle();
        }
        panic!("`{last}` does not come; on screen:\n{}", self.text());
    }
}
