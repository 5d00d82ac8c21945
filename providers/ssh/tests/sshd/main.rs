//! Files and commands on a real sshd: what plan shows, what apply does, and what is refused.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod command;
mod connection;
mod file;
mod sandbox;
mod server;
mod stack;
