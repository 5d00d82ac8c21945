//! Documents in a storage, and what is said when one cannot be used.

use meshform_engine::ports::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::storage::{Condition, Storage, StorageError, Version};
use crate::upgrade::Format;
use crate::wire::document::{self, Layout};

/// The snapshot.
pub(crate) const STATE: &str = "state.json";
/// The lease.
pub(crate) const LOCK: &str = "lock";
/// The key of the fingerprints.
pub(crate) const FINGERPRINT_KEY: &str = "fingerprint.key";
/// What the names of former snapshots begin with.
pub(crate) const HISTORY: &str = "history/";
/// What the names of journals begin with.
pub(crate) const JOURNALS: &str = "journal/";

/// A document that was read.
pub(crate) struct Found<B> {
    /// What it says.
    pub(crate) body: B,
    /// Under which it can be replaced.
    pub(crate) version: Version,
}

/// Reads a document, or `None` if there is none of that name.
///
/// # Errors
/// When it cannot be read, or is not what it should be.
pub(crate) async fn read<B: DeserializeOwned>(
    storage: &dyn Storage,
    name: &str,
    format: &Format,
) -> Result<Option<Found<B>>, StoreError> {
    let Some(blob) = storage.read(name).await.map_err(refused)? else { return Ok(None) };
    let document = document::open::<B>(format, &blob.content);
    let body = document.map_err(|problem| invalid(storage, name, problem))?.body;
    Ok(Some(Found { body, version: blob.version }))
}

/// Writes a document, if the condition holds; `None` when it does not, and nothing was written. Nobody else ever writes the same: every
/// document names the lease under which it was written.
///
/// # Errors
/// When it cannot be written, or could not be read again.
pub(crate) async fn write<B: Serialize>(
    storage: &dyn Storage,
    name: &str,
    format: &Format,
    body: &B,
    condition: Condition,
) -> Result<Option<Version>, StoreError> {
    let text = document::seal(format, body, Layout::Pretty);
    let text = text.map_err(|problem| invalid(storage, name, problem))?;
    match storage.write(name, text.as_bytes(), condition).await {
        Err(StorageError::Conflict) => {}
        written => return written.map(Some).map_err(refused),
    }
    // Refused may also be what was written already, with the answer lost, and then sent again.
    let there = storage.read(name).await.map_err(refused)?;
    Ok(there.filter(|blob| blob.content == text.as_bytes()).map(|blob| blob.version))
}

/// So often in a row someone else may come between reading and writing: more often, and the storage does not tell the truth.
pub(crate) const ATTEMPTS_MAX: usize = 100;

/// What is said after [`ATTEMPTS_MAX`] attempts.
pub(crate) fn contended(storage: &dyn Storage, name: &str) -> StoreError {
    StoreError::Io {
        attempt: format!("write {}/{name}", storage.place()),
        problem: format!("someone else has written it meanwhile, {ATTEMPTS_MAX} times in a row"),
    }
}

/// What is wrong with a blob or log.
pub(crate) fn invalid(storage: &dyn Storage, name: &str, problem: impl ToString) -> StoreError {
    StoreError::Invalid { what: format!("{}/{name}", storage.place()), problem: problem.to_string() }
}

/// What a storage said, to whoever is alone in writing there: if someone else has, the lease is lost.
pub(crate) fn refused(error: StorageError) -> StoreError {
    match error {
        StorageError::Conflict => StoreError::Fenced,
        StorageError::Failed { attempt, problem } => StoreError::Io { attempt, problem },
    }
}
