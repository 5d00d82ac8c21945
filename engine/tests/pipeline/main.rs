//! The pipeline from HCL text to a recorded apply, against a provider, a target and a store in memory.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod crashes;
mod create_first;
mod data;
mod data_later;
mod diagnostics;
mod ephemeral;
mod extremes;
mod imports;
mod lifecycle;
mod modules;
mod moved;
mod nested;
mod plans;
mod policies;
mod refactoring;
mod refresh;
mod rules;
mod rules_changes;
mod rules_runs;
mod store;
mod targeting;
mod testing;
mod unreachable;
mod world;
