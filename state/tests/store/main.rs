//! The store through its public door: what survives crashes, contention, damage and curiosity.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its parts as well")]

mod crash;
mod damage;
mod faults;
mod files;
mod history;
mod lease;
mod secrets;
mod world;
