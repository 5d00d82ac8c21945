//! The program as its users have it: real commands on real input, in folders of their own.
//!
//! ```text
//! program     runs the binary                     quickstart  the life of the first stack
//! stack       a folder, its sandbox, its world    killed, locks, secrets, bad_input
//! kubectl     the sandbox by another's eyes       real_host, real_cluster
//! control_plane, kubelet, sshd   what is real     readme      what the documentation says
//! ```
//!
//! Nothing here needs root. What is started ends with the test that started it, also with one that fails.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says on what it ran"
)]

mod kubectl;
mod program;
mod quickstart;
mod stack;
