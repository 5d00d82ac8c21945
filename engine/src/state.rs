//! What is recorded about a stack between runs: the snapshot and its records.
//!
//! Domain types only: how they are written is the business of the state store.

mod difference;
mod edit;
mod rewrite;
#[cfg(test)]
pub(crate) mod sample;

use std::collections::BTreeMap;

use crate::address::{Address, TargetAddress};
use crate::value::Value;

pub use self::difference::Difference;
pub use self::edit::{EditError, moved, not_recorded, removed, replaced};
pub use self::rewrite::{events, rewrite};

/// The state of a stack after folding its journals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// A random name given at the first apply; two states of one lineage are comparable by serial.
    pub lineage: String,
    /// Goes up by one with every snapshot whose content changed.
    pub serial: u64,
    /// Every instance that is there, or may be there.
    pub records: BTreeMap<Address, Record>,
    /// The identities of the targets, so that no stack is ever applied to the wrong one.
    pub targets: BTreeMap<TargetAddress, String>,
    /// The outputs after the last apply.
    pub outputs: BTreeMap<String, Value>,
}

/// What is recorded about one instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where it lives.
    pub target: Option<TargetAddress>,
    /// What it is on its target: an object's group, kind, namespace and name, a file's path.
    pub identity: String,
    /// Its attributes after the last apply; sensitive leaves may be fingerprints.
    pub attributes: Value,
    /// What the provider remembers beside the attributes. Holds no secrets.
    pub private: serde_json::Value,
    /// What it depended on when it was applied: the reverse is the order of deletion.
    pub depends_on: Vec<Address>,
    /// Whether its last step came to its end.
    pub status: RecordStatus,
}

/// Whether a record can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordStatus {
    /// The last step succeeded.
    Complete,
    /// The last step failed half-way or its outcome was lost: only a look tells what is there.
    Incomplete,
}
