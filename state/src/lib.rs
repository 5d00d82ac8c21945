//! What meshform keeps between runs, and how: wire formats, the journal, the lock, and the store over whatever they lie in.
//!
//! ```text
//!   engine's domain types            this crate                            a storage
//!
//!   Snapshot, Event, Plan  ──wire──▶  versioned, digested documents  ──▶   state.json, history/, journal/, plan files
//!                                     secrets already fingerprints
//!                          ◀─upgrade─ validated, never trusted       ◀──
//!
//!   StateStore  = Store: load, begin ──▶ Journal: append, finish           lock: Lease with heartbeat and token
//! ```
//!
//! There is one [`Store`] over any [`Storage`]: a folder, memory, or whatever keeps blobs that are written conditionally.
//!
//! [`encryption`] is a layer between a store and its storage.
//!
//! Nothing here knows HCL, providers or terminals. A secret cannot pass: the only constructor of a stored value
//! (`wire::value::Stored`) redacts it, and its serialiser refuses what was not redacted.

mod background;
mod clock;
mod disk;
mod documents;
pub mod encryption;
mod fingerprint;
mod folder;
mod history;
mod journal;
mod kinds;
mod lease;
mod memory;
mod process;
mod rewrite;
mod settings;
mod settle;
mod storage;
mod store;
mod upgrade;
mod wire;
mod workspaces;

pub use self::background::Background;
pub use self::clock::SystemClock;
pub use self::disk::{Disk, DiskFile, Entry, Open, RealDisk};
pub use self::folder::FolderStorage;
pub use self::kinds::{Kind, backend, keeping};
pub use self::memory::MemoryStorage;
pub use self::process::holder;
pub use self::settings::SettingsProblem;
pub use self::storage::{Blob, Condition, Storage, StorageError, Version};
pub use self::store::Store;
pub use self::workspaces::Workspaces;
