//! The stage the tests play on.

use std::{fmt::Write, path::PathBuf, sync::OnceLock};

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier},
};

use crate::{
    bank::{Bank, stories, user},
    config::{self, ConfigFile},
    memory::Retention,
    progress::Progress,
    tui::{
        app::{App, Request, Start},
        depth::Depth,
        desk::{Desk, Own},
        look::Look,
    },
};

pub(super) fn small_bank() -> Bank {
    static BANK: OnceLock<Bank> = OnceLock::new();
    BANK.get_or_init(read_small_bank).clone()
}

fn read_small_bank() -> Bank {
    let paths = vec![PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/bank"
    ))];
    let loaded = user::load(Bank::default(), &user::Own { paths, cache: None });
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    loaded.bank
}

/// An app, its clock and its window.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    pub(super) app: App,
    pub(super) now: Timestamp,
    pub(super) size: (u16, u16),
    buffer: Buffer,
    cursor: Option<(u16, u16)>,
}

impl Stage {
    /// The very first start.
    pub(super) fn first_start() -> Self {
        Self::with(small_bank(), None, Start::Home, Depth::True)
    }

    /// A reader with an interview in 19 days.
    pub(super) fn at_home() -> Self {
        Self::starting(Start::Home)
    }

    pub(super) fn starting(start: Start) -> Self {
        Self::with(
            small_bank(),
            Some("interview: 2026-12-10\n"),
            start,
            Depth::True,
        )
    }

    pub(super) fn in_colours(depth: Depth) -> Self {
        Self::with(
            small_bank(),
            Some("interview: 2026-12-10\n"),
            Start::Home,
            depth,
        )
    }

    pub(super) fn without_cards() -> Self {
        Self::with(
            Bank::default(),
            Some("interview: 2026-12-10\n"),
            Start::Home,
            Depth::True,
        )
    }

    pub(super) fn with(bank: Bank, settings: Option<&str>, start: Start, depth: Depth) -> Self {
        let now: Timestamp = "2026-11-21T18:00:00Z".parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = settings {
            std::fs::write(folder.path().join(config::FILE), text).unwrap();
        }
        let config = ConfigFile::open(folder.path()).unwrap();
        let progress = Progress::in_memory(Retention::default()).unwrap();
        let read = Box::new(move || {
            Ok(Own {
                bank: bank.clone(),
                problems: Vec::new(),
            })
        });
        let env = |name: &str| (name == "LANG").then(|| "C.UTF-8".to_owned());
        let look = Look::new(env, Some(depth), config.config());
        let desk = Desk::new(progress, config, read, TimeZone::UTC, now)
            .unwrap()
            .with_stories(folder.path().join(stories::FILE));
        let app = App::new(desk, look, start, now);
        let mut stage = Self {
            folder,
            app,
            now,
            size: (80, 24),
            buffer: Buffer::default(),
            cursor: None,
        };
        stage.settle();
        stage
    }

    /// Writes the reader's own stories.
    pub(super) fn write_stories(&mut self, text: &str) -> &mut Self {
        std::fs::write(self.folder.path().join(stories::FILE), text).unwrap();
        self
    }

    /// Lets time pass, deadline by deadline, as the loop does.
    pub(super) fn wait(&mut self, seconds: i64) -> &mut Self {
        let end = self.now + seconds.seconds();
        while let Some(deadline) = self.app.deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.app.tick(self.now);
        }
        self.now = end;
        self.settle();
        self
    }

    /// Stops the process with ctrl-z for a while, as the loop does it.
    pub(super) fn stop_for(&mut self, seconds: i64) -> &mut Self {
        self.keys("<ctrl-z>");
        assert_eq!(self.app.take_request(), Some(Request::Stop));
        self.now += seconds.seconds();
        self.app.continued(self.now);
        self.settle();
        self
    }

    /// Clicks on the first row with these words, there where they begin.
    pub(super) fn click(&mut self, words: &str) -> &mut Self {
        let text = self.text();
        let mut lines = text.lines().enumerate();
        let place = lines.find_map(|(row, line)| {
            let before = &line[..line.find(words)?];
            Some((row, crate::tui::text::width(before)))
        });
        let (row, column) = place.unwrap_or_else(|| panic!("no `{words}` in:\n{text}"));
        self.event(&Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: column as u16,
            row: row as u16,
            modifiers: KeyModifiers::NONE,
        }))
    }

    /// Lets deadlines come that have come, and draws.
    fn settle(&mut self) {
        self.draw();
        if self
            .app
            .deadline()
            .is_some_and(|deadline| deadline <= self.now)
        {
            self.app.tick(self.now);
        }
        self.draw();
    }

    pub(super) fn draw(&mut self) {
        self.buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        self.cursor = self
            .app
            .draw(&mut self.buffer, self.now)
            .map(|at| (at.x, at.y));
    }

    /// Presses keys: letters as they are, others as `<enter>`, `<ctrl-d>`. Each takes two seconds.
    pub(super) fn keys(&mut self, script: &str) -> &mut Self {
        let mut rest = script;
        while let Some(first) = rest.chars().next() {
            let (key, tail) = match (first, rest.find('>')) {
                ('<', Some(end)) => (named(&rest[1..end]), &rest[end + 1..]),
                _ => (
                    KeyEvent::new(KeyCode::Char(first), KeyModifiers::NONE),
                    &rest[first.len_utf8()..],
                ),
            };
            self.now += 2.seconds();
            self.app.handle(&Event::Key(key), self.now);
            self.settle();
            rest = tail;
        }
        self
    }

    pub(super) fn event(&mut self, event: &Event) -> &mut Self {
        self.app.handle(event, self.now);
        self.settle();
        self
    }

    pub(super) fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        self.size = (columns, rows);
        self.settle();
        self
    }

    /// Reads the log, or does something to it.
    pub(super) fn log<T>(&mut self, act: impl FnOnce(&mut Progress) -> T) -> T {
        self.app.read_log(act)
    }

    pub(super) fn request(&mut self) -> Option<Request> {
        self.app.take_request()
    }

    pub(super) fn cursor(&self) -> Option<(u16, u16)> {
        self.cursor
    }

    /// What is on screen.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for y in 0..self.size.1 {
            let mut line = String::new();
            let mut skip = 0;
            for x in 0..self.size.0 {
                let symbol = self.buffer[(x, y)].symbol();
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                skip = crate::tui::text::width(symbol).saturating_sub(1);
                line.push_str(symbol);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// These words are on screen.
    #[track_caller]
    pub(super) fn shows(&self, words: &str) -> &Self {
        let text = self.text();
        assert!(text.contains(words), "no `{words}` in:\n{text}");
        self
    }

    /// These words are not on screen.
    #[track_caller]
    pub(super) fn hides(&self, words: &str) -> &Self {
        let text = self.text();
        assert!(!text.contains(words), "`{words}` in:\n{text}");
        self
    }

    /// Symbols, then styles as letters with a legend.
    pub(super) fn look(&self) -> String {
        let mut legend: Vec<(String, char)> = Vec::new();
        let mut map = String::new();
        for y in 0..self.size.1 {
            let mut line = String::new();
            for x in 0..self.size.0 {
                let cell = &self.buffer[(x, y)];
                let blank = cell.symbol() == " "
                    && cell.bg == Color::Reset
                    && !cell.modifier.contains(Modifier::REVERSED);
                let style = describe(cell.fg, cell.bg, cell.modifier);
                let letter = if blank {
                    ' '
                } else if style.is_empty() {
                    '.'
                } else if let Some((_, letter)) = legend.iter().find(|(known, _)| *known == style) {
                    *letter
                } else {
                    let letter = char::from(b'a' + legend.len() as u8);
                    legend.push((style, letter));
                    letter
                };
                line.push(letter);
            }
            map.push_str(line.trim_end());
            map.push('\n');
        }
        let mut out = self.text();
        let _ = writeln!(out, "--- styles");
        out.push_str(&map);
        for (style, letter) in legend {
            let _ = writeln!(out, "{letter} {style}");
        }
        out
    }
}

/// The key that the table of keys calls this.
pub(super) fn named(name: &str) -> KeyEvent {
    let (modifiers, plain) = match name.split_once('-') {
        Some(("ctrl", plain)) => (KeyModifiers::CONTROL, plain),
        Some(("alt", plain)) => (KeyModifiers::ALT, plain),
        Some(("shift", "tab")) => (KeyModifiers::SHIFT, name),
        Some(("shift", plain)) => (KeyModifiers::SHIFT, plain),
        _ => (KeyModifiers::NONE, name),
    };
    let code = match plain {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "shift-tab" => KeyCode::BackTab,
        "space" => KeyCode::Char(' '),
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "f1" => KeyCode::F(1),
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        one if one.chars().count() == 1 => KeyCode::Char(one.chars().next().unwrap()),
        other => panic!("no key is called {other}"),
    };
    KeyEvent::new(code, modifiers)
}

fn describe(fg: Color, bg: Color, modifier: Modifier) -> String {
    let mut words = Vec::new();
    for (name, colour) in [("fg", fg), ("bg", bg)] {
        match colour {
            Color::Reset => {}
            Color::Rgb(r, g, b) => words.push(format!("{name} #{r:02x}{g:02x}{b:02x}")),
            other => words.push(format!("{name} {other}")),
        }
    }
    words.extend(modifier.iter_names().map(|(name, _)| name.to_lowercase()));
    words.join(" ")
}
