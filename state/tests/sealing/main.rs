//! Encryption, as a layer over a storage that the tests can look into and tamper with.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod age;
mod applies;
mod blobs;
mod chance;
mod commands;
mod conformance;
mod kept;
mod keys;
mod logs;
mod messages;
mod plans;
#[path = "../storage/races.rs"]
mod races;
mod rotation;
mod settings;
mod shelf;
mod stores;
#[path = "../storage/suite.rs"]
mod suite;
mod world;
