//! Every resource of hosts on real ones: Debian with systemd and sshd, each with an address of its own.
//!
//! ```text
//! boot      builds and boots the hosts: a script, whose first lines say how to use it by hand
//! lab       boots them once for all tests, and lends them out
//! host      one of them, by the eyes of who stands beside it
//! changes   all that differs from the system that they started from
//! stack     a stack for them, planned and applied from where they can be reached
//! life      what each resource makes of a host, from the first plan to the last
//! connection  the ways to a host, and to root on it
//! faults    what goes wrong between us and a host, and on it
//! proxy     what cuts a connection
//! quoting   names and contents that upset a shell
//! mounts, crons, containers, reboots: the same of those that take more than a look at files
//! services  units, and changes that lock us out
//! commands  one suite of commands for these hosts and for the sandbox's: what they say, and how they end
//! ```
//!
//! That takes root, and namespaces. Where there are none, each of these tests says so, whatever cargo does with the output of tests that
//! pass; what `tests/end_to_end` does on the sandbox's host then stands in for them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod changes;
mod commands;
mod connection;
mod containers;
mod crons;
mod faults;
#[expect(dead_code, reason = "the program's own tests use more of it")]
#[path = "../end_to_end/stack.rs"]
mod folder;
mod host;
mod lab;
mod life;
mod mounts;
#[expect(dead_code, reason = "the program's own tests use more of it")]
#[path = "../end_to_end/program.rs"]
mod program;
mod proxy;
mod quoting;
mod reboots;
mod services;
mod stack;
mod suite;
