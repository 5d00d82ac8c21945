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

    /// Begins the journal of one apply on top of `prior`, which is the state as it was loaded. A storage that holds nothing yet takes over a
    /// prior of another one, with its lineage and serial.
    ///
    /// # Errors
    /// When the lease is lost, or the state is not `prior` any more.
    fn begin<'a>(
        &'a self,
        lease: &'a dyn Lease,
        prior: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Box<dyn Journal>, StoreError>>;

    /// Writes a plan as a self-contained, versioned, digested file without secrets.
    ///
    /// # Errors
    /// When the key of the fingerprints cannot be had.
    fn encode_plan<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Vec<u8>, StoreError>>;

    /// Reads what [`encode_plan`](Self::encode_plan) wrote. The bytes are input: validated, never trusted.
    ///
    /// # Errors
    /// When the file is not a plan, is damaged, or is of another version.
    fn decode_plan(&self, bytes: &[u8]) -> Result<Plan, StoreError>;

    /// Writes a snapshot as the document that the storage itself keeps, without secrets.
    ///
    /// # Errors
    /// When the key of the fingerprints cannot be had.
    fn encode_state<'a>(&'a self, snapshot: &'a Snapshot) -> BoxFuture<'a, Result<Vec<u8>, StoreError>>;

    /// Reads what [`encode_state`](Self::encode_state) wrote, here or anywhere. The bytes are input: validated, never trusted.
    ///
    /// # Errors
    /// When the file is not a state, is damaged, or is of a newer version.
    fn decode_state(&self, bytes: &[u8]) -> Result<Snapshot, StoreError>;

    /// The snapshots that are kept: the current one, then those before it, newest first.
    fn history(&self) -> BoxFuture<'_, Result<Vec<Kept>, StoreError>>;

    /// The snapshot of that serial, if it is still kept.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when it is not.
    fn recall(&self, serial: u64) -> BoxFuture<'_, Result<Snapshot, StoreError>>;

    /// Who holds the lease, dead or alive.
    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>, StoreError>>;

    /// Takes the lease away from the holder of exactly this token, who can write nothing from then on. Only a last resort: the lease of a run
    /// that has died expires by itself.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when nobody holds it under this token.
    fn unlock(&self, token: u64) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Settles what an earlier apply left behind, and writes every document of the state anew, as it would be written now: with the keys of today.
    /// Returns how many there are. What has failed half-way can be done again.
    ///
    /// # Errors
    /// When the lease is lost, or a document cannot be read or written.
    fn rewrite<'a>(&'a self, lease: &'a dyn Lease) -> BoxFuture<'a, Result<usize, StoreError>>;
}

/// What a store has loaded.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The state.
    pub snapshot: Snapshot,
    /// Whether an earlier apply was cut off, so that some records are incomplete.
    pub interrupted: bool,
}

/// A snapshot that is kept, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its serial.
    pub serial: u64,
    /// How it came about; unknown of one that was written before this was kept.
    pub made: Option<Made>,
    /// How many records it has.
    pub records: usize,
}

/// How a snapshot came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// When, RFC 3339.
    pub at: String,
    /// By whom: user and machine.
    pub by: String,
    /// By what: the operation that the lease was taken for.
    pub operation: String,
    /// What else is to be known about it, such as that the run was cut off.
    pub note: Option<String>,
}

/// Who holds the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who, and from where: user and machine.
    pub holder: String,
    /// The number of the process, on that machine.
    pub process: u32,
    /// For what.
    pub operation: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// How long ago it last showed that it is alive, in milliseconds.
    pub heartbeat_age_ms: u64,
    /// The token that it writes under.
    pub token: u64,
    /// Whether it counts as dead: the next who asks for the lease gets it.
    pub is_dead: bool,
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
