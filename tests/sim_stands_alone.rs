//! The simulated cluster compiles with nothing of the program around it.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "only that it compiles is tested"
)]

#[path = "../src/sim/mod.rs"]
mod sim;

#[test]
fn runs_without_the_rest_of_the_program() {
    let mut cluster = sim::cluster::Cluster::new(&sim::spec::Spec::default(), 1).unwrap();
    cluster.run_until(sim::time::Time::secs(10));
    assert!(
        cluster
            .controller()
            .brokers
            .values()
            .all(|broker| !broker.fenced)
    );
}
