//! A home for one test, and the real program run in it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// Folders of a reader's own, thrown away in the end.
pub(crate) struct Home {
    pub(crate) root: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
        self.place(command.args(arguments));
        command
    }

    /// Lets a command run in this home.
    pub(crate) fn place(&self, command: &mut Command) {
        command
            .env("HIGHWATER_DATA_DIR", self.data())
            .env("HIGHWATER_CONFIG_DIR", self.root.path().join("config"))
            .env("TZ", "UTC")
            .env("RUST_BACKTRACE", "0")
            .env_remove("VISUAL");
    }

    /// Runs to the end with this on standard input.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        finish(&mut self.command(arguments), input)
    }

    /// The same; it must succeed, and what it printed comes back.
    #[track_caller]
    pub(crate) fn prints(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        text(&output.stdout)
    }
}

/// Runs a command to its end with this on standard input.
pub(crate) fn finish(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that ends early closes its end; that is for the assertions to judge.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
