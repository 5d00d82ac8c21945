//! Where the files of modules come from: folders beside the stack, git repositories and OCI registries.
//!
//! ```text
//! source ──▶ Source ─┬─ local ────────────────────────────────────────────▶ a folder
//!                    └─ package ─▶ lock file: commit or digest, and a hash ─▶ cache ─▶ a folder in the package
//!                                      ▲ init: git / oci resolve              ▲ git / oci fetch, tree hashes
//! ```
//!
//! `init` chooses versions and writes them into the lock file. Every other command takes what the lock file names, to the last byte: from
//! the cache in `.meshform/modules`, or fetched anew where the cache lacks it, as in a fresh checkout.

mod address;
mod cache;
mod git;
mod lock;
mod oci;
mod problem;
mod secret;
mod source;
mod store;
mod tree;
mod unpack;
mod version;

pub(crate) use self::lock::{Content, FILE as LOCK_FILE};
pub(crate) use self::secret::masked;
pub(crate) use self::store::{Action, Fetching, Found, LockChange, ModuleCall, ModuleStore, Remote};
