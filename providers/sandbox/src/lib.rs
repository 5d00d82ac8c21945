//! An embedded Kubernetes API and SSH host: the default target, the tests' world, the simulator's world.
//!
//! ```text
//! access   `Sandbox`, the engine's port: asks the background process of a stack, starts it if need be
//!   ↓
//! daemon   that process: one per stack, for all of its clusters and hosts
//!   ↓            ↓
//! kube     host
//! ```
//!
//! `scratch` is the same without a process of its own, for one use.
//!
//! It knows nothing of configuration, plans or state: it's asked for a cluster or a host by name, and says how to
//! reach it. It listens on loopback only.

mod access;
mod daemon;
pub mod host;
pub mod kube;
mod layout;
mod private_file;
mod scratch;

pub use access::Sandbox;
pub use scratch::ScratchSandbox;
