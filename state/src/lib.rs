//! What meshform keeps between runs, and how: wire formats, the journal, the lock, and the store of a local folder.
//!
//! ```text
//!   engine's domain types            this crate                            the folder (.meshform)
//!
//!   Snapshot, Event, Plan  ──wire──▶  versioned, digested documents  ──▶   state.json, journal/*.jsonl, plan files
//!                                     secrets already fingerprints
//!                          ◀─upgrade─ validated, never trusted       ◀──
//!
//!   StateStore  = LocalStore: load, begin ──▶ Journal: append, finish      lock: Lease with heartbeat and token
//! ```
//!
//! `MemoryStore` is the same for a world that is made to be thrown away.
//!
//! [`encryption`] is a layer between a store and its storage.
//!
//! Nothing here knows HCL, providers or terminals. A secret cannot pass: the only constructor of a stored value
//! (`wire::value::Stored`) redacts it, and its serialiser refuses what was not redacted.

mod clock;
pub mod encryption;
mod fingerprint;
mod folder;
mod journal;
mod lease;
mod local;
mod memory;
mod process;
mod settings;
mod settle;
mod storage;
mod upgrade;
mod wire;
mod workspaces;

pub use self::clock::SystemClock;
pub use self::local::LocalStore;
pub use self::memory::MemoryStore;
pub use self::process::holder;
pub use self::settings::SettingsProblem;
pub use self::storage::{Blob, Condition, Storage, StorageError, Version};
pub use self::workspaces::LocalBackend;
