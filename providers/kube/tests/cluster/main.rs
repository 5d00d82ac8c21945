//! The provider against a real API: plan, apply, look again.
//!
//! By default each test has an embedded cluster of its own. With `MESHFORM_TEST_KUBECONFIG` set to the path of a kubeconfig, the
//! same tests run against that cluster, each in namespaces of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "says which cluster it ran against, and what that cannot show")]

mod absent;
mod conflicts;
mod connections;
mod kinds;
mod life;
mod lookups;
mod patches;
mod preconditions;
mod readiness;
mod secrets;
mod world;
