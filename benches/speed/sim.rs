//! What one step of the simulated cluster costs, beside a bare loop over its queue, as releases are built.
//!
//! `cargo run --release --example sim-speed`. Cargo builds benches with code for unwinding, which releases go without, so
//! `benches/sim.rs` measures another program. Each row is the best of many short rounds, those of the bare queue and of the
//! cluster by turns, so that a busy machine finds a quiet moment for each.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::hint::black_box;
use std::time::Instant;

use highwater::sim::cluster::Cluster;
use highwater::sim::time::Time;

#[path = "../simulated/mod.rs"]
mod simulated;
use simulated::{bare, large, steady, warm};

const ROUNDS: usize = 64;
const STEPS: u64 = 50_000;

/// Nanoseconds for each of `STEPS`.
fn each(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e9 / STEPS as f64
}

fn steps(cluster: &mut Cluster) {
    for _ in 0..STEPS {
        cluster.step();
    }
}

fn main() {
    let mut small = warm(&steady());
    let mut big = warm(&large());
    let pending = small.pending().count();
    let (mut queue, mut step, mut wide) = (f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        queue = queue.min(each(|| {
            black_box(bare(pending, STEPS));
        }));
        step = step.min(each(|| steps(&mut small)));
        wide = wide.min(each(|| steps(&mut big)));
    }
    let hours = (0..3).map(|_| {
        let start = Instant::now();
        let mut cluster = Cluster::new(&steady(), 42).unwrap();
        cluster.run_until(Time::secs(3600));
        start.elapsed().as_secs_f64()
    });
    let hour = hours.fold(f64::MAX, f64::min);
    println!("bare queue, {pending} waiting          {queue:6.1} ns a push and a pop");
    println!(
        "steady cluster                 {step:6.1} ns a step, 1/{:.2} of its rate",
        step / queue
    );
    println!(
        "100 brokers, 10,000 partitions {wide:6.1} ns a step, {:.2} times that",
        wide / step
    );
    println!("one hour                       {hour:6.2} s");
}
