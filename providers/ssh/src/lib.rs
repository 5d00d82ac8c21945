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
//! resource ─────────── what a resource type is to this provider  pure
//!    │
//!    ▼
//! file, command, directory and so on, each type in a folder of its own: observations, differences, outcomes  pure
//! file, command, directory and so on, each type in a folder of its own: observations, differences, outcomes  pure
//!    ╰── managed ───── what those have in common that are compared attribute by attribute
//! facts ───────────── what a host tells about itself           pure
//! ```
//!
//! A host needs nothing but `sh` and the base tools (coreutils or busybox). One generated script looks at everything that a plan asks
//! of a host, in one round trip; one script makes each change, and proves its precondition just before it does. Nothing that is
//! written ever stands in an argument list: scripts go in by standard input.
//!
//! This crate knows no state, no plan and no terminal.

mod account;
mod answer;
mod attributes;
mod check;
mod client;
mod command;
mod confirm;
mod container;
mod cron;
mod diagnosis;
mod directory;
mod env_file;
mod error;
mod facts;
mod file;
mod line;
mod managed;
mod mount;
mod package;
mod promise;
mod provider;
mod reboot;
mod resource;
mod restart;
mod schema;
mod script;
mod service;
mod settings;
mod sysctl;
mod target;
mod timer;
#[cfg(test)]
mod trial;

pub use self::provider::SshProvider;
