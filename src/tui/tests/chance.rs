//! Whatever is pressed, whatever the size of the window: a screen that can be drawn.
//!
//! A walk is a seed: where it begins, then keys (mostly those that mean something where it is), text
//! that is pasted, clicks, time that passes and windows from 1×1 to 250×80. A walk that fails prints
//! its seed and everything it did.

use std::sync::OnceLock;

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{Stage, stage::named};
use crate::{
    bank::{self, Bank},
    memory::Filter,
    tui::{
        app::{MIN_COLUMNS, MIN_ROWS, Request, Start},
        depth::Depth,
        keymap,
    },
};

const WALKS: u64 = 36;
const STEPS: usize = 60;

fn built_in() -> Bank {
    static BANK: OnceLock<Bank> = OnceLock::new();
    BANK.get_or_init(|| bank::built_in().unwrap()).clone()
}

/// Where a walk begins. Each third one has the whole bank, with its scenarios.
fn begin(seed: u64, chance: &mut ChaCha8Rng) -> Stage {
    let depth = [Depth::None, Depth::Sixteen, Depth::Indexed, Depth::True];
    let depth = *depth.choose(chance).unwrap();
    let settings = chance.random_bool(0.9).then_some("interview: 2026-12-10\n");
    if seed.is_multiple_of(3) {
        let scenarios = built_in().scenarios;
        let scenario = scenarios.choose(chance).unwrap().id.clone();
        return Stage::with(
            built_in(),
            settings,
            Start::Lab(Some(scenario), None, None),
            depth,
        );
    }
    let starts = [
        Start::Home,
        Start::Home,
        Start::Drill(Filter::default()),
        Start::Read(Some("kafka/replication".to_owned())),
        Start::Interview,
        Start::SelfTest,
        Start::Stories(true),
        Start::Quiz,
    ];
    let start = starts.choose(chance).unwrap().clone();
    Stage::with(super::stage::small_bank(), settings, start, depth)
}

/// One thing that may happen, and how it is told.
fn step(stage: &mut Stage, chance: &mut ChaCha8Rng) -> String {
    match chance.random_range(0..100) {
        0..70 => {
            let meant: Vec<_> = keymap::visible(&stage.app.contexts()).collect();
            let binding = meant.choose(chance).unwrap();
            let key = *binding.keys.choose(chance).unwrap();
            if matches!(binding.action, keymap::Action::Quit | keymap::Action::Back)
                && chance.random_bool(0.7)
            {
                return String::new();
            }
            stage.event(&Event::Key(named(key)));
            format!("<{key}>")
        }
        70..80 => {
            let letter = *b"abct0123456789 /?x\xE9\t".choose(chance).unwrap();
            let key = KeyEvent::new(KeyCode::Char(char::from(letter)), KeyModifiers::NONE);
            stage.event(&Event::Key(key));
            format!("{:?}", char::from(letter))
        }
        80..83 => {
            let texts = [
                "",
                "2026-13-45\n",
                "𝛿 ✅👩‍💻",
                "crash broker 2",
                "99999999999999999999",
                "-1",
                "\u{1b}[31m",
            ];
            let text = *texts.choose(chance).unwrap();
            stage.event(&Event::Paste(text.to_owned()));
            format!("paste {text:?}")
        }
        83..88 => {
            let at = (chance.random_range(0..260), chance.random_range(0..90));
            let kinds = [
                MouseEventKind::Down(MouseButton::Left),
                MouseEventKind::ScrollDown,
                MouseEventKind::ScrollUp,
            ];
            let kind = *kinds.choose(chance).unwrap();
            stage.event(&Event::Mouse(MouseEvent {
                kind,
                column: at.0 % stage.size.0,
                row: at.1 % stage.size.1,
                modifiers: KeyModifiers::NONE,
            }));
            format!("{kind:?} at {at:?}")
        }
        88..91 => {
            let seconds = *[1, 7, 700].choose(chance).unwrap();
            stage.wait(seconds.min(if stage.app.deadline().is_some() {
                7
            } else {
                700
            }));
            format!("wait {seconds}")
        }
        _ => {
            let (columns, rows) = match chance.random_range(0..4) {
                0 => (
                    chance.random_range(1..MIN_COLUMNS),
                    chance.random_range(1..80),
                ),
                1 => (MIN_COLUMNS, MIN_ROWS),
                _ => (
                    chance.random_range(MIN_COLUMNS..=250),
                    chance.random_range(MIN_ROWS..=80),
                ),
            };
            stage.resize(columns, rows);
            format!("{columns}×{rows}")
        }
    }
}

fn look_over(stage: &Stage) -> Result<(), String> {
    let text = stage.text();
    let large = stage.size.0 >= MIN_COLUMNS && stage.size.1 >= MIN_ROWS;
    if large
        && !text
            .lines()
            .next()
            .is_some_and(|line| line.contains("highwater"))
    {
        return Err("the top line is gone".to_owned());
    }
    if let Some(control) = text.chars().find(|c| c.is_control() && *c != '\n') {
        return Err(format!("{control:?} would reach the terminal"));
    }
    if let Some((x, y)) = stage.cursor()
        && (x >= stage.size.0 || y >= stage.size.1)
    {
        return Err(format!("the cursor stands at {x}, {y}, outside"));
    }
    Ok(())
}

/// Tells what was done when a walk panics.
struct Told(u64, Vec<String>);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("walk {}: {}", self.0, self.1.join(" "));
        }
    }
}

#[test]
fn no_walk_ends_in_a_screen_that_cannot_be_drawn() {
    for seed in 0..WALKS {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut told = Told(seed, Vec::new());
        let mut stage = begin(seed, &mut chance);
        for _ in 0..STEPS {
            told.1.push("…".to_owned());
            let done = step(&mut stage, &mut chance);
            told.1.pop();
            told.1.push(done);
            if let Err(wrong) = look_over(&stage) {
                panic!("{wrong}:\n{}", stage.text());
            }
            if stage.request() == Some(Request::Quit) {
                break;
            }
        }
    }
}
