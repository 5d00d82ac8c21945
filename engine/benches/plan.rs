//! The engine alone: plans and applies of `value` instances, with a store in memory. `cargo bench -p meshform-engine`
//!
//! Prints milliseconds of one run and the ratio of 100,000 to 10,000 instances, which says whether the cost is linear.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench takes the time, prints its figures, and ends when it cannot"
)]

use std::sync::{Arc, Mutex};
use std::time::Instant;

use meshform_engine::apply::{Event, apply, fold};
use meshform_engine::diagnostic::Sources;
use meshform_engine::files::{FileError, Files};
use meshform_engine::observer::{Observer, Progress, Stop};
use meshform_engine::pipeline::{Options, World, plan};
use meshform_engine::plan::Plan;
use meshform_engine::ports::{
    BoxFuture, Clock, Holder, Journal, Kept, Lease, Loaded, StateStore, StoreError,
};
use meshform_engine::state::Snapshot;
use meshform_engine::value::{Fingerprinter, Value};

fn main() {
    println!(
        "{:>10} {:>14} {:>14} {:>14} {:>10}",
        "instances", "create plan ms", "apply ms", "no-op plan ms", "peak MB"
    );
    let small = measure(10_000);
    let large = measure(100_000);
    println!("no-op plan, 100,000 to 10,000 instances: {:.1}×", large / small);
}

/// Returns the milliseconds of the no-op plan.
fn measure(count: usize) -> f64 {
    let store = Arc::new(Memory::default());
    let world = World::new([], [], store, Arc::new(NoFiles), Arc::new(Epoch));
    let text = format!(
        "resource \"value\" \"base\" {{ input = \"x\" }}\nresource \"value\" \"v\" {{\n  count = {count}\n  input = \"${{value.base.output}}-${{count.index}}\"\n}}\n"
    );
    let (planned, create_ms) = timed(|| planned(&text, &world));
    let options = Options::default();
    let (applied, apply_ms) =
        timed(|| futures::executor::block_on(apply(&planned, &world, &options, &Silent, &Stop::default())));
    assert!(applied.is_ok_and(|applied| applied.failed.is_empty()), "the apply failed");
    let (again, no_op_ms) = timed(|| self::planned(&text, &world));
    assert!(again.is_empty(), "the second plan is not empty");
    println!("{count:>10} {create_ms:>14.0} {apply_ms:>14.0} {no_op_ms:>14.0} {:>10}", peak_mb());
    no_op_ms
}

fn planned(text: &str, world: &World) -> Plan {
    let mut sources = Sources::default();
    sources.add("main.hcl", text);
    let options = Options::default();
    match futures::executor::block_on(plan(sources, world, &options, &Silent)) {
        Ok(planned) => planned.plan,
        Err(failure) => panic!("{failure:?}"),
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64() * 1_000.0)
}

/// The most memory that this process has had so far, where the system tells.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Progress) {}
}

struct Epoch;

impl Clock for Epoch {
    fn now_ms(&self) -> i64 {
        0
    }
    fn sleep_ms(&self, _: u64) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError::NotFound)
    }
    fn glob(&self, _: &str, _: &str) -> Result<Vec<String>, FileError> {
        Ok(Vec::new())
    }
    fn exists(&self, _: &str) -> bool {
        false
    }
}

struct Key;

impl Fingerprinter for Key {
    fn fingerprint(&self, _: &Value) -> String {
        String::new()
    }
}

#[derive(Default, Clone)]
struct Memory(Arc<Mutex<(Snapshot, Vec<Event>)>>);

impl Memory {
    fn with<T>(&self, change: impl FnOnce(&mut (Snapshot, Vec<Event>)) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl StateStore for Memory {
    fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let snapshot = self.with(|state| state.0.clone());
        Box::pin(async { Ok(Loaded { snapshot, interrupted: false }) })
    }

    fn fingerprinter(&self) -> BoxFuture<'_, Result<Arc<dyn Fingerprinter>, StoreError>> {
        let key: Arc<dyn Fingerprinter> = Arc::new(Key);
        Box::pin(async { Ok(key) })
    }

    fn lock<'a>(&'a self, _: &'a str, _: u64) -> BoxFuture<'a, Result<Box<dyn Lease>, StoreError>> {
        let lease: Box<dyn Lease> = Box::new(Free);
        Box::pin(async { Ok(lease) })
    }

    fn begin<'a>(
        &'a self,
        _: &'a dyn Lease,
        _: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Box<dyn Journal>, StoreError>> {
        let journal: Box<dyn Journal> = Box::new(self.clone());
        Box::pin(async { Ok(journal) })
    }

    fn encode_plan<'a>(&'a self, _: &'a Plan) -> BoxFuture<'a, Result<Vec<u8>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn decode_plan(&self, _: &[u8]) -> Result<Plan, StoreError> {
        Err(StoreError::Fenced)
    }

    fn encode_state<'a>(&'a self, _: &'a Snapshot) -> BoxFuture<'a, Result<Vec<u8>, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn decode_state(&self, _: &[u8]) -> Result<Snapshot, StoreError> {
        Err(StoreError::Fenced)
    }

    fn history(&self) -> BoxFuture<'_, Result<Vec<Kept>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn recall(&self, _: u64) -> BoxFuture<'_, Result<Snapshot, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn unlock(&self, _: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn rewrite<'a>(&'a self, _: &'a dyn Lease) -> BoxFuture<'a, Result<usize, StoreError>> {
        Box::pin(async { Ok(0) })
    }
}

impl Journal for Memory {
    fn append<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(|state| state.1.extend_from_slice(events));
        Box::pin(async { Ok(()) })
    }

    fn finish(self: Box<Self>, _: Snapshot) -> BoxFuture<'static, Result<(), StoreError>> {
        let folded = self.with(|state| {
            let events = std::mem::take(&mut state.1);
            fold(std::mem::take(&mut state.0), events).map(|snapshot| state.0 = snapshot)
        });
        Box::pin(async move {
            folded.map_err(|error| StoreError::Invalid { what: "journal".into(), problem: error.to_string() })
        })
    }
}

struct Free;

impl Lease for Free {
    fn token(&self) -> u64 {
        1
    }
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
