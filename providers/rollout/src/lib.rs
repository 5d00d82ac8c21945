//! Progressive rollouts: `rollout` will lower into steps, each with its weights, its gate and its way back.
//!
//! So far this crate only reserves the block, so that a stack that has one is told so instead of "no such block".

/// The block type of this crate that cannot be used yet, with a sentence that says so.
pub const RESERVED_BLOCK: (&str, &str) = (
    "rollout",
    "This version of meshform has no rollouts yet. A Deployment managed as `kube_object` rolls by its own strategy.",
);
