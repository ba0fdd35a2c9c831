//! How fast the lab is: a frame of a large cluster, a leap through a long run, a run beside its twin.
//!
//! `cargo bench --bench lab`; the numbers and how to read them stand in `docs/PERFORMANCE.md`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use crossterm::event::{Event, KeyCode};
use highwater::{
    bank::built_in,
    config::ConfigFile,
    lab::{
        play::{Play, Stage},
        presets, scenario,
        timeline::Timeline,
    },
    memory::Retention,
    progress::Progress,
    sim::time::Time,
    tui::{
        app::{App, Start},
        depth::Depth,
        desk::{Desk, Own},
        look::Look,
    },
};
use jiff::{Timestamp, tz::TimeZone};
use ratatui::{buffer::Buffer, layout::Rect};

fn app(scenario: &str, at: Time) -> (App, Timestamp, tempfile::TempDir) {
    let now: Timestamp = "2026-11-21T18:00:00Z".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = ConfigFile::open(folder.path()).unwrap();
    let progress = Progress::in_memory(Retention::default()).unwrap();
    let env = |name: &str| (name == "LANG").then(|| "C.UTF-8".to_owned());
    let look = Look::new(env, Some(Depth::True), config.config());
    let bank = built_in().unwrap();
    let read = Box::new(move || {
        Ok(Own {
            bank: bank.clone(),
            problems: Vec::new(),
        })
    });
    let desk = Desk::new(progress, config, read, TimeZone::UTC, now).unwrap();
    let start = Start::Lab(Some(scenario.into()), None, Some(at));
    (App::new(desk, look, start, now), now, folder)
}

/// A frame at 200×60 of ten brokers and sixty partitions.
fn frame(c: &mut Criterion) {
    let (mut app, now, _folder) = app("ten-brokers", Time::secs(60));
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    c.bench_function("frame of 10 brokers, 60 partitions at 200x60", |b| {
        b.iter(|| black_box(app.draw(&mut buffer, now)));
    });
}

/// A frame at 200×60 of a run and its twin side by side.
fn frame_of_twins(c: &mut Criterion) {
    let (mut app, now, _folder) = app("hot-key", Time::ZERO);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    let beside = (0..400).any(|_| {
        app.draw(&mut buffer, now);
        let shown: String = buffer
            .content()
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        let key = match () {
            () if shown.contains("the twin, ") => return true,
            () if shown.contains("esc passes") => KeyCode::Esc,
            () if shown.contains("n passes") => KeyCode::Char('n'),
            () => KeyCode::Enter,
        };
        app.handle(&Event::Key(key.into()), now);
        false
    });
    assert!(beside, "no twin comes");
    c.bench_function("frame of hot-key beside its twin at 200x60", |b| {
        b.iter(|| black_box(app.draw(&mut buffer, now)));
    });
}

fn ten_minutes(preset: &str) -> Timeline {
    let preset = presets::preset(preset).unwrap();
    let mut run = Timeline::new(&preset.cluster, 1).unwrap();
    run.run_until(Time::secs(60));
    run.give("crash broker 2".parse().unwrap()).unwrap();
    run.run_until(Time::secs(120));
    run.give("restart broker 2".parse().unwrap()).unwrap();
    run.run_until(Time::secs(600));
    run
}

/// From anywhere to anywhere in a run of ten minutes.
fn seek(c: &mut Criterion) {
    for preset in ["three-brokers", "ten-brokers"] {
        let mut run = ten_minutes(preset);
        let mut place = 0_u64;
        c.bench_function(&format!("seek in ten minutes of {preset}"), |b| {
            b.iter(|| {
                place = (place * 7919 + 104_729) % 600_000;
                run.seek(Time::millis(place)).unwrap();
                black_box(run.now())
            });
        });
    }
}

/// A tenth of a second at ×1000, of a run and its twin, for every scenario that has one.
fn twin(c: &mut Criterion) {
    let bank = built_in().unwrap();
    for source in &bank.scenarios {
        let scenario = Arc::new(scenario::read(source, &bank).0.unwrap());
        let seed = scenario.seed;
        let mut play = Play::new(scenario, seed).unwrap();
        while !matches!(play.stage(), Stage::Comparing | Stage::Finished) {
            play.go_on();
        }
        if play.twin().is_none() {
            continue;
        }
        c.bench_function(&format!("100 s of {} and its twin", source.id), |b| {
            b.iter_batched(
                || play.clone(),
                |mut play| {
                    play.advance(Time::secs(100));
                    black_box(play.timeline().now())
                },
                BatchSize::LargeInput,
            );
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = frame, frame_of_twins, seek, twin
}
criterion_main!(benches);
