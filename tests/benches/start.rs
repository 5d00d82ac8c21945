//! How long the shortest commands take: what a person waits for at every key stroke, and an editor at every save.
//!
//! `cargo bench --bench start` prints the medians. A process that does nothing is the machine's own share.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and fails by panicking")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 50;

fn main() {
    let program = env!("CARGO_BIN_EXE_meshform");
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart");
    let quickstart = quickstart.to_str().unwrap();
    show("true", &median("true", &[]));
    show("meshform --version", &median(program, &["--version"]));
    show("meshform validate examples/quickstart", &median(program, &["validate", quickstart]));
}

fn show(what: &str, took: &Duration) {
    println!("{:8.2} ms  {what}", took.as_secs_f64() * 1e3);
}

fn median(program: &str, arguments: &[&str]) -> Duration {
    run(program, arguments);
    let mut took: Vec<_> = (0..RUNS).map(|_| run(program, arguments)).collect();
    took.sort();
    took[RUNS / 2]
}

fn run(program: &str, arguments: &[&str]) -> Duration {
    let started = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status().unwrap();
    let took = started.elapsed();
    assert!(status.success(), "{program} {arguments:?} failed");
    took
}
