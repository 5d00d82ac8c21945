//! The provider against a real API: plan, apply, look again.
//!
//! By default each test has an embedded cluster of its own, and all run once more against a real control plane where
//! `KUBEBUILDER_ASSETS` names a folder with its programs. With `MESHFORM_TEST_KUBECONFIG` set to the path of a kubeconfig, they run
//! against that cluster, each in namespaces of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "says which cluster it ran against, and what that cannot show")]

mod absent;
mod conflicts;
mod connections;
#[path = "../../../../tests/end_to_end/control_plane.rs"]
mod control_plane;
mod impact;
mod instance;
mod kinds;
mod life;
mod lookups;
mod patches;
mod preconditions;
mod readiness;
mod real;
mod rights;
mod secrets;
mod traps;
mod wait_for;
mod world;
