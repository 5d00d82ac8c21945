//! Files and commands on a real sshd: what plan shows, what apply does, and what is refused.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod account;
mod command;
mod connection;
mod data;
mod directory;
mod file;
mod package;
mod sandbox;
mod server;
mod stack;
mod text;
