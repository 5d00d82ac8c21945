//! The storage on a real PostgreSQL server, which the tests start and end.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod contract;
mod faults;
mod privileges;
mod proxy;
#[path = "../../../tests/storage/races.rs"]
mod races;
mod server;
#[path = "../../../tests/storage/suite.rs"]
mod suite;
mod tls;
