//! Hosts over SSH: files and commands, with an exact plan before and a way back after.
//!
//! ```text
//! settings ── what a `host` block says                          pure
//!    │
//!    ▼
//! client ──── one multiplexed `ssh` per host                    the only module with IO
//!    ▲   │
//!    │   ▼
//! script    answer ── one POSIX sh program out, records back    pure
//!    ▲   │
//!    │   ▼
//! file, command ───── observations, differences, outcomes       pure
//! facts ───────────── what a host tells about itself           pure
//! ```
//!
//! A host needs nothing but `sh` and the base tools (coreutils or busybox). One generated script looks at everything that a plan asks
//! of a host, in one round trip; one script makes each change, and proves its precondition just before it does. Nothing that is
//! written ever stands in an argument list: scripts go in by standard input.
//!
//! This crate knows no state, no plan and no terminal.

mod answer;
mod attributes;
mod check;
mod client;
mod command;
mod diagnosis;
mod error;
mod facts;
mod file;
mod provider;
mod schema;
mod script;
mod settings;
mod target;

pub use self::provider::SshProvider;
