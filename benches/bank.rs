//! How fast a bank is read, unpacked and searched.
//!
//! `cargo bench --bench bank`; the numbers and how to read them stand in `docs/PERFORMANCE.md`.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{hint::black_box, path::PathBuf};

use criterion::{Criterion, criterion_group};
use highwater::bank::{
    Bank, built_in, pack,
    search::Index,
    user::{self, Own},
};

const CARDS: usize = 10_000;

fn load(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    support::write(folder.path(), CARDS, support::Shape::Mixed).unwrap();
    let own = |cache: Option<PathBuf>| Own {
        paths: vec![folder.path().to_owned()],
        cache,
    };
    let mut group = c.benchmark_group("own bank of 10,000 cards");
    group.sample_size(20);
    group.bench_function("cold: parse everything", |b| {
        b.iter(|| black_box(user::load(Bank::default(), &own(None))));
    });
    let cached = own(Some(folder.path().join("cache")));
    let loaded = user::load(Bank::default(), &cached);
    assert_eq!(
        (loaded.bank.cards.len(), loaded.problems),
        (CARDS, Vec::new())
    );
    group.bench_function("warm: nothing changed", |b| {
        b.iter(|| black_box(user::load(Bank::default(), &cached)));
    });
    group.finish();
}

fn unpack(c: &mut Criterion) {
    c.bench_function("unpack the built-in bank", |b| {
        b.iter(|| black_box(built_in().unwrap()));
    });
    let bank = built_in().unwrap();
    c.bench_function("pack the built-in bank", |b| {
        b.iter(|| black_box(pack::pack(&bank).unwrap()));
    });
}

fn search(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    support::write(folder.path(), CARDS, support::Shape::Mixed).unwrap();
    let own = Own {
        paths: vec![folder.path().to_owned()],
        cache: None,
    };
    let bank = user::load(Bank::default(), &own).bank;
    let mut group = c.benchmark_group("search 10,000 cards");
    group.sample_size(20);
    group.bench_function("prepare", |b| b.iter(|| black_box(Index::new(&bank))));
    let index = Index::new(&bank);
    // every state of a query while it is typed
    for query in [
        "l",
        "le",
        "reb",
        "leader",
        "leader elect",
        "ldr elect rack",
        "only what",
        "zzz",
    ] {
        group.bench_function(format!("`{query}`"), |b| {
            b.iter(|| black_box(index.search(&bank, query, 100)));
        });
    }
    group.finish();
}

criterion_group!(benches, load, unpack, search);

fn main() {
    if let Some(folder) = std::env::var_os("BIG_BANK") {
        let mut short = folder.clone();
        short.push("-short");
        for (folder, shape) in [
            (folder, support::Shape::Mixed),
            (short, support::Shape::Short),
        ] {
            support::write(folder.as_ref(), CARDS, shape).unwrap();
            println!("{CARDS} cards in {}", folder.display());
        }
        return;
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
