//! The fuzz targets of `tests/fuzz` as an ordinary test: every text of their corpus, and texts made of those by chance, always the same.
//! `MESHFORM_FUZZ_RUNS` says how many of each; `MESHFORM_FUZZ_SEED` gives others.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests read files, measure time, and fail by panicking"
)]

#[path = "../../../tests/fuzz/entries.rs"]
mod entries;
mod mutate;

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::mutate::Mutator;

const RUNS: usize = 1_000;

/// No text as short as these takes longer, not even unoptimised on a busy machine.
const TIME_MAX: Duration = Duration::from_secs(60);

fn corpus(name: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

fn number(name: &str) -> Option<usize> {
    env::var(name).ok()?.parse().ok()
}

/// A text that is being tried; it is shown if that fails.
struct Tried<'a>(&'a str, &'a str);

impl Drop for Tried<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}({:?})", self.0, self.1);
        }
    }
}

fn run(name: &str, entry: entries::Entry, text: &str) {
    let tried = Tried(name, text);
    let started = Instant::now();
    entry(text);
    assert!(started.elapsed() < TIME_MAX, "it took {:?}", started.elapsed());
    drop(tried);
}

fn check(name: &str) {
    let (_, entry) = entries::ENTRIES.into_iter().find(|(own, _)| *own == name).unwrap();
    let texts = corpus(name);
    assert!(!texts.is_empty());
    texts.iter().for_each(|text| run(name, entry, text));
    let mut mutator = Mutator::new(number("MESHFORM_FUZZ_SEED").unwrap_or(1), entries::dictionary());
    for _ in 0..number("MESHFORM_FUZZ_RUNS").unwrap_or(RUNS) {
        run(name, entry, &mutator.text(&texts));
    }
}

#[test]
fn stacks_by_chance() {
    check("stack");
}

#[test]
fn expressions_by_chance() {
    check("console");
}

#[test]
fn files_to_format_by_chance() {
    check("format");
}

#[test]
fn texts_to_decode_by_chance() {
    check("decode");
}
