//! How fast the simulated cluster runs, beside a bare loop over its queue.
//!
//! `cargo bench --bench sim`; the numbers and how to read them stand in `docs/PERFORMANCE.md`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater::sim::cluster::Cluster;
use highwater::sim::time::Time;

mod simulated;
use simulated::{bare, large, steady, warm};

const STEPS: u64 = 100_000;

fn run(cluster: &mut Cluster, steps: u64) {
    for _ in 0..steps {
        cluster.step();
    }
}

fn steps(c: &mut Criterion) {
    let steady = warm(&steady());
    let mut group = c.benchmark_group("sim");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(STEPS));
    let pending = steady.pending().count();
    group.bench_function("bare queue", |b| b.iter(|| black_box(bare(pending, STEPS))));
    let mut cluster = steady.clone();
    group.bench_function("steady", |b| b.iter(|| run(&mut cluster, STEPS)));
    let large = warm(&large());
    let mut cluster = large;
    group.bench_function("100 brokers, 10,000 partitions", |b| {
        b.iter(|| run(&mut cluster, STEPS))
    });
    group.finish();
}

fn hour(c: &mut Criterion) {
    let mut group = c.benchmark_group("sim");
    group.sample_size(10);
    let steady = steady();
    group.bench_function("one hour, 1,000 records a second", |b| {
        b.iter(|| {
            let mut cluster = Cluster::new(&steady, 42).unwrap();
            cluster.run_until(Time::secs(3600));
            cluster.steps()
        });
    });
    let cluster = warm(&steady);
    group.bench_function("snapshot", |b| b.iter(|| black_box(cluster.clone())));
    group.finish();
}

criterion_group!(benches, steps, hour);
criterion_main!(benches);
