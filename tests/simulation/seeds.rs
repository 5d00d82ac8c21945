//! Which seeds are run, and what is said of one that fails.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::scenario::{Ending, Scenario};

/// The seeds of an ordinary run; not so many where nothing is optimised.
const SEEDS: Range<u64> = if cfg!(debug_assertions) { 0..1_000 } else { 0..10_000 };

#[test]
fn what_must_hold_holds_whatever_happens() {
    let seeds = asked("MESHFORM_SEEDS").map_or(SEEDS, |text| range(&text).unwrap());
    let failed = first_failure(seeds.clone(), &Scenario::run);
    if let Some((scenario, problem)) = failed {
        panic!("{}", report(&scenario, &problem));
    }
    eprintln!("{} seeds", seeds.end - seeds.start);
}

#[test]
fn a_seed_is_always_the_same_run() {
    for seed in 0..40 {
        let [first, second] = [0, 1].map(|_| Scenario::of(seed).run());
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.digest, second.digest, "seed {seed}");
    }
}

/// The first seed that fails, made as short as it can be, with what is wrong.
pub(crate) fn first_failure(
    seeds: Range<u64>,
    run: &(impl Fn(&Scenario) -> Ending + Sync),
) -> Option<(Scenario, String)> {
    let (next, found) = (AtomicU64::new(seeds.start), Mutex::new(None::<u64>));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || found.lock().unwrap().is_some() {
                        return;
                    }
                    if problem(&Scenario::of(seed), run).is_some() {
                        *found.lock().unwrap() = Some(seed);
                    }
                }
            });
        }
    });
    let scenario = shortened(Scenario::of(found.into_inner().unwrap()?), run);
    let problem = problem(&scenario, run).unwrap_or_else(|| "it fails only sometimes".to_owned());
    Some((scenario, problem))
}

/// What is wrong about a run, if anything.
fn problem(scenario: &Scenario, run: &impl Fn(&Scenario) -> Ending) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| run(scenario))) {
        Ok(ending) => ending.verdict.err().map(|problem| format!("{}\n\n{problem}", ending.trace)),
        Err(_) => Some("it panics".to_owned()),
    }
}

/// The same without the rounds that it fails without.
fn shortened(mut scenario: Scenario, run: &impl Fn(&Scenario) -> Ending) -> Scenario {
    for round in scenario.rounds.clone() {
        let mut shorter = scenario.clone();
        shorter.rounds.retain(|kept| *kept != round);
        if problem(&shorter, run).is_some() {
            scenario = shorter;
        }
    }
    scenario
}

fn report(scenario: &Scenario, problem: &str) -> String {
    let rounds: Vec<_> = scenario.rounds.iter().map(u64::to_string).collect();
    format!(
        "seed {seed}:\n{problem}\n\nRun it again by MESHFORM_SEEDS={seed}..{} MESHFORM_ROUNDS={} cargo test --test simulation what_must_hold",
        scenario.seed + 1,
        rounds.join(","),
        seed = scenario.seed,
    )
}

fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

pub(crate) fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
