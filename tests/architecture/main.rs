//! What the workspace must look like, as tests: who may know whom, what lies where, how large things may grow.
//!
//! Each rule is a pure check over texts, proven able to fail beside the test that applies it to the workspace.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dependencies;
mod layout;
mod sizes;
mod sources;
