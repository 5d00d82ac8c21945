//! Where the state, the journal and the lock live.

use std::sync::Arc;

use thiserror::Error;

use super::BoxFuture;
use crate::apply::Event;
use crate::plan::Plan;
use crate::state::Snapshot;
use crate::value::Fingerprinter;

/// Keeps the state of one stack.
pub trait StateStore: Send + Sync {
    /// The state with every unfinished journal folded in: what is known to be there, or may be.
    fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>>;

    /// The maker of this state's fingerprints.
    fn fingerprinter(&self) -> BoxFuture<'_, Result<Arc<dyn Fingerprinter>, StoreError>>;

    /// Takes the state's lease for `operation`, waiting for at most so many milliseconds. Its heartbeat runs until it is dropped.
    fn lock<'a>(
        &'a self,
        operation: &'a str,
        wait_ms: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Lease>, StoreError>>;

    /// Begins the journal of one apply on top of `prior`.
    fn begin<'a>(
        &'a self,
        lease: &'a dyn Lease,
        prior: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Box<dyn Journal>, StoreError>>;

    /// Writes a plan as a self-contained, versioned, digested file without secrets.
    ///
    /// # Errors
    /// When the key of the fingerprints cannot be had.
    fn encode_plan(&self, plan: &Plan) -> Result<Vec<u8>, StoreError>;

    /// Reads what [`encode_plan`](Self::encode_plan) wrote. The bytes are input: validated, never trusted.
    ///
    /// # Errors
    /// When the file is not a plan, is damaged, or is of another version.
    fn decode_plan(&self, bytes: &[u8]) -> Result<Plan, StoreError>;
}

/// What a store has loaded.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The state.
    pub snapshot: Snapshot,
    /// Whether an earlier apply was cut off, so that some records are incomplete.
    pub interrupted: bool,
}

/// A held lock: a lease with a heartbeat and a fencing token.
pub trait Lease: Send + Sync {
    /// Goes up with every lease taken; a write under an older token is refused.
    fn token(&self) -> u64;
    /// Gives the lease back.
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}

/// The append-only record of one apply.
pub trait Journal: Send {
    /// Appends events; they are durable when the future completes.
    fn append<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends the journal: `snapshot`, the fold of all its events, becomes the state.
    fn finish(self: Box<Self>, snapshot: Snapshot) -> BoxFuture<'static, Result<(), StoreError>>;
}

/// Why a store failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// Someone else holds the lock.
    #[error("lock the state: {holder} holds it for {operation:?} since {since}")]
    Locked {
        /// Who, as user, machine and process.
        holder: String,
        /// For what.
        operation: String,
        /// Since when, RFC 3339.
        since: String,
    },
    /// Another run has taken over the lease.
    #[error("write the state: another run has taken over its lock")]
    Fenced,
    /// A file is damaged or not what it should be.
    #[error("read {what}: {problem}")]
    Invalid {
        /// Which file.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The storage failed.
    #[error("{attempt}: {problem}")]
    Io {
        /// What was tried, such as "write the state".
        attempt: String,
        /// What the storage said.
        problem: String,
    },
}
