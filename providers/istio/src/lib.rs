//! Istio meshes: `mesh` will lower into kube objects and host resources that the plan shows one by one.
//!
//! So far this crate only reserves the block, so that a stack that has one is told so instead of "no such block".

/// The block type of this crate that cannot be used yet, with a sentence that says so.
pub const RESERVED_BLOCK: (&str, &str) = (
    "mesh",
    "This version of meshform has no meshes yet. Istio's objects can be managed one by one as `kube_object`.",
);
