//! How fast a rating is on disk, and how fast a session starts over a long history.
//!
//! `cargo bench --bench progress`; the numbers and how to read them stand in `docs/PERFORMANCE.md`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    io::{Seek, SeekFrom, Write},
    time::Duration,
};

use criterion::{Criterion, criterion_group, criterion_main};
use highwater::{
    bank::CardId,
    memory::{
        CardState, Day, Limits, Moment, Plan, Rating, Retention, StudyDays, forecast, readiness,
    },
    progress::{Activity, Progress, Review},
};
use jiff::{Timestamp, ToSpan, tz::TimeZone};

const CARDS: usize = 10_000;
const REVIEWS_EACH: usize = 5;
const TODAY: i32 = 20_500;

fn now() -> Moment {
    let at = Timestamp::UNIX_EPOCH + (i64::from(TODAY) * 24 + 12).hours();
    Moment {
        at,
        day: Day::from_number(TODAY),
    }
}

/// A log of 50,000 ratings of 10,000 cards over the last 200 days, as an export has it.
fn history() -> String {
    let mut log = String::from("{\"file\":\"highwater log\",\"version\":1}\n");
    for review in 0..REVIEWS_EACH {
        for card in 0..CARDS {
            let day = Day::from_number(TODAY - 200 + (review * 40 + card % 40) as i32);
            let rating = if (card + review) % 7 == 0 { 1 } else { 3 };
            writeln!(
                log,
                "{{\"id\":\"{:032x}\",\"at\":\"{day}T12:00:00Z\",\"day\":\"{day}\",\"kind\":\"review\",\
                 \"data\":{{\"card\":\"card-{card}\",\"rating\":{rating},\"ms\":9000,\
                 \"due\":{{\"on\":\"{}\"}},\"from\":\"drill\"}}}}",
                review * CARDS + card + 1,
                day.plus(30),
            )
            .unwrap();
        }
    }
    log
}

fn review(card: usize) -> Review {
    Review {
        card: format!("card-{card}").into(),
        rating: Rating::Good,
        spent: Duration::from_secs(9),
        from: Activity::Drill,
        session: None,
    }
}

fn rate(c: &mut Criterion) {
    let mut group = c.benchmark_group("one rating, on disk");
    let folder = tempfile::tempdir().unwrap();
    let mut file = fs::File::create(folder.path().join("floor")).unwrap();
    // What SQLite's write-ahead log asks of the disk for one rating: nine pages behind the last ones,
    // an fsync, and after 4 MB again from the beginning.
    let pages = vec![0x5A_u8; 9 * 4120];
    let mut at = 0;
    group.bench_function("floor: write 37 kB and fsync", |b| {
        b.iter(|| {
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(&pages).unwrap();
            file.sync_all().unwrap();
            at = (at + pages.len() as u64) % 4_000_000;
        });
    });
    let mut card = 0;
    let mut fresh = Progress::open(&folder.path().join("fresh"), Retention::default()).unwrap();
    group.bench_function("a new log", |b| {
        b.iter(|| {
            card = (card + 1) % CARDS;
            fresh.review(&review(card), now()).unwrap()
        });
    });
    let mut long = Progress::open(&folder.path().join("long"), Retention::default()).unwrap();
    long.import(&mut history().as_bytes()).unwrap();
    group.bench_function("after 50,000 ratings", |b| {
        b.iter(|| {
            card = (card + 1) % CARDS;
            long.review(&review(card), now()).unwrap()
        });
    });
    group.finish();
    let mut memory = Progress::in_memory(Retention::default()).unwrap();
    memory.import(&mut history().as_bytes()).unwrap();
    c.bench_function("one rating without the disk", |b| {
        b.iter(|| {
            card = (card + 1) % CARDS;
            memory.review(&review(card), now()).unwrap()
        });
    });
}

fn start(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut progress = Progress::open(folder.path(), Retention::default()).unwrap();
    progress.import(&mut history().as_bytes()).unwrap();
    progress.look_after(now()).unwrap();
    let mut group = c.benchmark_group("10,000 cards, 50,000 ratings");
    group.sample_size(20);
    group.bench_function("open the log and read all states", |b| {
        b.iter(|| {
            let progress = Progress::open(folder.path(), Retention::default()).unwrap();
            black_box(progress.states().unwrap())
        });
    });
    group.bench_function("look over every page", |b| {
        b.iter(|| progress.look_after(now()).unwrap());
    });
    group.bench_function("counts of 120 days and the streak", |b| {
        b.iter(|| {
            let days = progress.days(now().day.minus(120)).unwrap();
            black_box((days, progress.streak(now().day).unwrap()))
        });
    });
    let states = progress.states().unwrap();
    let scheduler = progress.scheduler().clone();
    group.bench_function("readiness on a date", |b| {
        b.iter(|| {
            readiness(
                &scheduler,
                states.values().map(Some),
                now().at + 480.hours(),
            )
        });
    });
    let days = StudyDays::new(TimeZone::UTC, 4);
    let plan = Plan {
        first: now().day,
        until: now().day.plus(30),
        limits: Limits { new: 15, due: 200 },
        ratings: 60,
    };
    let cards: Vec<(&CardId, Option<&CardState>)> =
        states.iter().map(|(id, state)| (id, Some(state))).collect();
    group.bench_function("a plan of 30 days", |b| {
        b.iter(|| black_box(forecast(&scheduler, cards.iter().copied(), &plan, &days)));
    });
    group.sample_size(10);
    let log = history();
    group.bench_function("import and work everything out", |b| {
        b.iter(|| {
            let mut progress = Progress::in_memory(Retention::default()).unwrap();
            progress.import(&mut log.as_bytes()).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, rate, start);
criterion_main!(benches);
