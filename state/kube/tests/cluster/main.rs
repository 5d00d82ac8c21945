//! The storage in a cluster: the embedded one, and a real one where `KUBEBUILDER_ASSETS` names a folder with its programs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod chunks;
mod contract;
#[path = "../../../../tests/end_to_end/control_plane.rs"]
mod control_plane;
mod faults;
mod lease;
#[path = "../../../postgres/tests/database/proxy.rs"]
mod proxy;
#[path = "../../../tests/storage/races.rs"]
mod races;
mod real;
#[path = "../../../tests/storage/suite.rs"]
mod suite;
mod world;
