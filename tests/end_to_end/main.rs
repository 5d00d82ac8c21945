//! The program as its users have it: real commands on real input, in folders of their own.
//!
//! ```text
//! program, stack    run the binary in a folder, whose sandbox ends with it
//! quickstart        the life of the first stack
//! kubectl           the sandbox by another's eyes
//! real_host         a real sshd in the sandbox's place
//! real_cluster      a real kube-apiserver in its place, if there is one: see control_plane
//! imports           what is there already
//! killed, locks     what interrupts a run, and who else wants to run
//! secrets, secrets_in_clusters  what must not be seen, in any of its spellings
//! bad_input         what is wrong is told, and changes nothing
//! fmt               the layout of files
//! modules           parts of a stack: local ones, and those of a git repository or of a registry
//! policies, budget  what must hold of a plan, and how much it may remove
//! restrictions      plans of a part of a stack
//! unreachable       plans without the hosts and clusters that do not answer
//! refresh           what a plan looks at, and what only the records follow
//! console           expressions and their values
//! data              what is looked up
//! charts            what helm and kustomize render
//! workspaces        several states of one stack
//! state, backends   what is recorded, changed by hand; where it is kept
//! testing           what comes of test files
//! graph, validate   what depends on what; what is wrong, for machines
//! readme            what the documentation says, done as it says
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

mod backends;
mod bad_input;
mod budget;
mod charts;
mod console;
mod control_plane;
mod data;
mod fmt;
mod git_modules;
mod graph;
mod host_resources;
mod imports;
mod killed;
mod kubectl;
mod language;
mod locks;
mod modules;
mod oci_modules;
mod policies;
#[expect(dead_code, reason = "the storage's own tests use more of it")]
#[path = "../../state/postgres/tests/database/server.rs"]
mod postgres;
mod program;
mod quickstart;
mod rbac;
mod readme;
mod real_cluster;
mod real_host;
mod refresh;
mod refusals;
mod registry;
mod repository;
mod restrictions;
mod rounds;
mod sandbox;
mod secrets;
mod secrets_in_clusters;
mod spellings;
#[expect(dead_code, reason = "the provider's own tests use more of it")]
#[path = "../../providers/ssh/tests/sshd/server.rs"]
mod sshd;
mod stack;
mod state;
mod testing;
mod unreachable;
mod validate;
mod variables;
mod workspaces;
