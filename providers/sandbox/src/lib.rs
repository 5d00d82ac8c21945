//! An embedded Kubernetes API and SSH host: the default target, the tests' world, the simulator's world.

pub mod host;
pub mod kube;
mod private_file;
