//! How fast the screens are: a frame, a key with its rating on disk, the first frame of the program.
//!
//! `cargo bench --bench tui`; the numbers and how to read them stand in `docs/PERFORMANCE.md`.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod support;

use std::{
    cell::Cell,
    fs,
    hint::black_box,
    io::{self, Read, Write},
    path::Path,
    process::Command,
    rc::Rc,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use highwater::{
    bank::{Bank, built_in, user},
    config::ConfigFile,
    memory::Retention,
    progress::Progress,
    tui::{
        app::{App, Start},
        depth::Depth,
        desk::{Desk, Own},
        look::Look,
    },
};
use jiff::{Timestamp, tz::TimeZone};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};

const CARDS: usize = 10_000;
const STARTS: usize = 21;

/// Counts what would be sent to the terminal.
#[derive(Clone, Default)]
struct Sink(Rc<Cell<usize>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An app over a bank and a log on disk, on a terminal that goes nowhere.
struct Stage {
    app: App,
    terminal: Terminal<CrosstermBackend<Sink>>,
    sent: Rc<Cell<usize>>,
    now: Timestamp,
}

impl Stage {
    fn new(bank: Bank, folder: &Path, (columns, rows): (u16, u16)) -> Self {
        let now: Timestamp = "2026-11-21T18:00:00Z".parse().unwrap();
        fs::write(
            folder.join("config.yaml"),
            "interview: 2026-12-10\nnew-per-day: 9999\n",
        )
        .unwrap();
        let config = ConfigFile::open(folder).unwrap();
        let progress = Progress::open(folder, Retention::default()).unwrap();
        let env = |name: &str| (name == "LANG").then(|| "C.UTF-8".to_owned());
        let look = Look::new(env, Some(Depth::True), config.config());
        let read = Box::new(move || {
            Ok(Own {
                bank: bank.clone(),
                problems: Vec::new(),
            })
        });
        let desk = Desk::new(progress, config, read, TimeZone::UTC, now).unwrap();
        let app = App::new(desk, look, Start::Home, now);
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let sink = Sink::default();
        let sent = Rc::clone(&sink.0);
        let terminal =
            Terminal::with_options(CrosstermBackend::new(sink), TerminalOptions { viewport })
                .unwrap();
        Self {
            app,
            terminal,
            sent,
            now,
        }
    }

    fn draw(&mut self) {
        let (app, now) = (&mut self.app, self.now);
        self.terminal
            .draw(|frame| {
                app.draw(frame.buffer_mut(), now);
            })
            .unwrap();
    }

    fn keys(&mut self, keys: &str) {
        for letter in keys.chars() {
            let (code, modifiers) = match letter {
                '\x1b' => (KeyCode::Esc, KeyModifiers::NONE),
                '\n' => (KeyCode::Enter, KeyModifiers::NONE),
                '\x04' => (KeyCode::Char('d'), KeyModifiers::CONTROL),
                letter => (KeyCode::Char(letter), KeyModifiers::NONE),
            };
            self.app
                .handle(&Event::Key(KeyEvent::new(code, modifiers)), self.now);
        }
    }
}

fn frames(c: &mut Criterion) {
    let bank = built_in::built_in().unwrap();
    let mut group = c.benchmark_group("whole frame");
    for (name, keys) in [
        ("home", ""),
        ("question", "d"),
        ("answer", "d\n"),
        ("browse", "bleader"),
        ("chapter", "r\n"),
        ("stats", "t"),
        ("settings", ","),
        ("help", "?"),
    ] {
        for size in [(80, 24), (200, 60)] {
            let folder = tempfile::tempdir().unwrap();
            let mut stage = Stage::new(bank.clone(), folder.path(), size);
            stage.app.tick(stage.now);
            stage.keys(keys);
            group.bench_function(format!("{name} {}×{}", size.0, size.1), |b| {
                b.iter(|| {
                    // Everything is sent, not only what changed.
                    stage.terminal.swap_buffers();
                    stage.draw();
                });
            });
        }
    }
    group.finish();
}

fn keys(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    support::write(&folder.path().join("bank"), CARDS, support::Shape::Mixed).unwrap();
    let own = user::Own {
        paths: vec![folder.path().join("bank")],
        cache: None,
    };
    let bank = user::load(Bank::default(), &own).bank;
    let mut group = c.benchmark_group("key to repaint, 10,000 cards");
    let mut stage = Stage::new(bank, folder.path(), (120, 40));
    stage.keys("d");
    stage.draw();
    // Reveals outside of the clock, then rates: the rating is on disk before the next card is drawn.
    group.bench_function("rating, durable", |b| {
        b.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                stage.keys("\n");
                stage.draw();
                let begun = Instant::now();
                stage.keys("4");
                stage.draw();
                spent += begun.elapsed();
            }
            spent
        });
    });
    let mut shown = 0;
    group.bench_function("answer shown", |b| {
        b.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                shown += 1;
                if shown % 1000 == 0 {
                    // Before the cards run out: leave, and go on with them anew.
                    stage.keys("\x1b\nd");
                    stage.draw();
                }
                let begun = Instant::now();
                stage.keys("\n");
                stage.draw();
                spent += begun.elapsed();
                stage.keys("s");
                stage.draw();
            }
            spent
        });
    });
    // What the first screen works out when it is seen again: overview, queue, forecast of 19 days.
    stage.keys("\x1b\n");
    group.bench_function("home seen again", |b| {
        b.iter(|| {
            stage.app.tick(stage.now);
            stage.app.tick(stage.now);
        });
    });
    group.finish();
    let before = stage.sent.get();
    stage.draw();
    println!(
        "an unchanged frame sends {} bytes",
        stage.sent.get() - before
    );
}

/// Time until `words` has arrived from a program in a pseudo-terminal, or until it ends.
fn until(command: CommandBuilder, words: &[u8]) -> Duration {
    let size = PtySize {
        rows: 24,
        cols: 80,
        pixel_width: 0,
        pixel_height: 0,
    };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut reader = pair.master.try_clone_reader().unwrap();
    let begun = Instant::now();
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut seen = Vec::new();
    let mut bytes = vec![0; 65536];
    while let Ok(read @ 1..) = reader.read(&mut bytes) {
        seen.extend_from_slice(&bytes[..read]);
        if seen.windows(words.len()).any(|window| window == words) {
            break;
        }
    }
    let spent = begun.elapsed();
    let _ = child.kill();
    let _ = child.wait();
    spent
}

fn median(mut once: impl FnMut() -> Duration) -> Duration {
    once();
    let mut all: Vec<Duration> = (0..STARTS).map(|_| once()).collect();
    all.sort();
    all[STARTS / 2]
}

fn starts() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("empty.rs");
    fs::write(&source, "fn main() { println!(\"Next\"); }").unwrap();
    let empty = folder.path().join("empty");
    let built = Command::new("rustc")
        .args(["-O", "-o"])
        .arg(&empty)
        .arg(&source)
        .status()
        .unwrap();
    assert!(built.success());
    let nothing = median(|| until(CommandBuilder::new(&empty), b"Next"));
    println!(
        "start of an empty program:                    {:>6.1} ms",
        ms(nothing)
    );
    let start = |data: &Path| {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_highwater"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("HIGHWATER_DATA_DIR", data);
        command.env("HIGHWATER_CONFIG_DIR", folder.path());
        until(command, b"Next")
    };
    fs::write(folder.path().join("config.yaml"), "interview: 2099-12-10\n").unwrap();
    let small = folder.path().join("small");
    let time = median(|| start(&small));
    println!(
        "start to first frame, built-in bank:          {:>6.1} ms, {:.1} beyond it",
        ms(time),
        ms(time.saturating_sub(nothing))
    );
    let big = folder.path().join("big");
    support::write(&big.join("bank"), CARDS, support::Shape::Mixed).unwrap();
    let time = median(|| start(&big));
    println!(
        "start to first frame, 10,000 cards of one's own: {:>3.1} ms, {:.1} beyond it",
        ms(time),
        ms(time.saturating_sub(nothing))
    );
}

fn ms(time: Duration) -> f64 {
    black_box(time.as_secs_f64() * 1000.0)
}

criterion_group!(benches, frames, keys);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    starts();
}
