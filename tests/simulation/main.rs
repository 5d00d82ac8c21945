//! Random stacks, edits, drift, faults, crashes and races under a seed; what must always hold is checked after every run.
//!
//! `MESHFORM_SEEDS=0..1000000 cargo test --release --test simulation what_must_hold` runs other seeds. A seed that fails tells the
//! command that runs it again, and its trace.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says why"
)]

mod books;
mod disk;
mod edits;
mod executor;
mod found;
mod invariants;
mod lab;
mod place;
mod planted;
mod prefixes;
mod random;
mod reality;
mod scenario;
mod seeds;
mod stack;
mod things;
mod watched;
