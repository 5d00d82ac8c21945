//! Random rollouts with faults and crashes, under a seed: the machine's rules hold after every action, and every rollout comes to an end.
//!
//! ```text
//! random     chance that can be had again
//! cluster    pods that come, go and never get ready; objects with versions and generations; a route that takes effect late
//! traffic    where requests go, read from the objects alone and by no code of the routers
//! rules      what must hold of each write
//! run        one seed: a rollout, its faults, and what it must come to
//! ```

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod cluster;
mod random;
mod rules;
mod run;
mod traffic;

use std::collections::BTreeMap;
use std::ops::Range;

/// The seeds that each of the eight routers gets; `MESHFORM_SEEDS=0..5000` asks for others.
const SEEDS: Range<u64> = if cfg!(debug_assertions) { 0..125 } else { 0..1_250 };

fn check(router: &str) {
    let seeds = asked().unwrap_or(SEEDS);
    let count = seeds.end - seeds.start;
    let mut endings = BTreeMap::new();
    for seed in seeds {
        *endings.entry(run::run(router, seed)).or_insert(0u64) += 1;
    }
    // A simulation in which everything goes well, or nothing does, shows nothing.
    let least = |ending: &str| endings.get(ending).copied().unwrap_or(0) * 20 > count;
    assert!(count < SEEDS.end || least("promoted") && least("rolled back"), "{router}: {endings:?}");
}

fn asked() -> Option<Range<u64>> {
    let text = std::env::var("MESHFORM_SEEDS").ok()?;
    let (start, end) = text.split_once("..").unwrap();
    Some(start.parse().unwrap()..end.parse().unwrap())
}

macro_rules! routers {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*
    };
}

routers!(
    replicas,
    clb_vgroup,
    ingress_nginx,
    ack_ingress,
    ack_ingress_legacy,
    alb_ingress,
    gateway_api,
    istio
);
