//! Progressive rollouts: a versioned workload is moved from one version to the next step by step.
//!
//! ```text
//! schema, decode → spec     what a `rollout` block says, or what is wrong with it and where
//! version                   what a version is called: a hash of its pod template
//! live, write               what is there, and the exact writes that change it
//! router                    who splits the traffic: one file each; reads the live split, and makes the next write towards a wanted one
//! pods                      how many pods of each version a step has, and the share that this comes to
//! gate                      measurements → a judgement
//! record                    the little that cannot be read from live objects
//! machine                   wanted, live, time, measurements → the next action
//! rehearsal                 the same machine before a world in which all goes well: what a plan shows
//! lint                      what would spoil a rollout, found before it begins
//! ```
//!
//! Nothing here does IO. [`machine::next`] looks at what is live and names one action, which may be done twice; whoever carries it out
//! may die at any instant, and the next one, on any machine, goes on by looking again.
//!
//! So far the block is reserved: nothing drives the machine yet, and a stack that has a `rollout` is told so.

pub mod decode;
pub mod gate;
pub mod lint;
pub mod live;
pub mod machine;
pub mod pods;
pub mod record;
pub mod rehearsal;
pub mod router;
pub mod schema;
pub mod spec;
pub mod version;
pub mod write;

/// The block type of this crate that cannot be used yet, with a sentence that says so.
pub const RESERVED_BLOCK: (&str, &str) = (
    "rollout",
    "This version of meshform has no rollouts yet. A Deployment managed as `kube_object` rolls by its own strategy.",
);
