//! Where documents are kept: named blobs that are written conditionally, and logs that are only ever added to.
//!
//! All that a store does (the lease, the journal, the snapshot and its history, fencing) is built on these few operations; each kind of
//! storage implements them and nothing else. Names are relative, made of lower-case letters, digits, `.`, `-` and `/`.
//!
//! A log's writer names the position at which it adds: whoever has been overtaken adds where something is already, and is refused.

use meshform_engine::ports::BoxFuture;
use thiserror::Error;

/// A place that keeps blobs and logs. Every write is durable, and seen by all readers, when its future completes.
pub trait Storage: Send + Sync {
    /// What it is, for messages, such as `s3://bucket/prefix`. Holds no secrets.
    fn place(&self) -> String;

    /// Told when the lease has been taken, by a write of the blob that it is in: what else keeps others away can be held as long.
    ///
    /// # Errors
    /// When it cannot be had: the lease is of no use, and ended.
    fn lease_taken(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async { Ok(()) })
    }

    /// Told when the lease has ended, by a write of the blob that it was in: what was held for it can be given back.
    ///
    /// # Errors
    /// When it cannot be given back; the lease has ended all the same.
    fn lease_ended(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async { Ok(()) })
    }

    /// A blob, or `None` if there is none of that name.
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>>;

    /// Writes a whole blob at once, if the condition holds. Returns its new version.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the condition does not hold: nothing was written.
    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>>;

    /// Removes a blob; it may be gone already.
    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>>;

    /// The names of all blobs that begin with `prefix`, in ascending order.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>>;

    /// The names of all logs that begin with `prefix`, in ascending order.
    fn logs<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(async move {
            let chunks = self.list(prefix).await?;
            let mut logs: Vec<_> = chunks
                .iter()
                .filter_map(|chunk| chunk.rsplit_once('/'))
                .map(|(log, _)| log.to_owned())
                .collect();
            logs.dedup();
            Ok(logs)
        })
    }

    /// All that was added to a log, from its beginning; empty if there is no such log.
    fn read_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(async move {
            let mut content = Vec::new();
            for chunk in self.list(&format!("{log}/")).await? {
                // A log without its beginning is being removed, or was: only its seal is left.
                if content.is_empty() && chunk != chunk_name(log, 0) {
                    break;
                }
                // What is gone meanwhile was removed with the whole log.
                let Some(blob) = self.read(&chunk).await? else { return Ok(Vec::new()) };
                content.extend(blob.content);
            }
            Ok(content)
        })
    }

    /// Adds a chunk, which is not empty, to a log that is `at` bytes long; 0 begins it. Returns how long it is then.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it is not, or when it was [sealed](Self::seal_log): nothing was added.
    fn append<'a>(
        &'a self,
        log: &'a str,
        at: u64,
        chunk: &'a [u8],
    ) -> BoxFuture<'a, Result<u64, StorageError>> {
        Box::pin(async move {
            self.write(&chunk_name(log, at), chunk, Condition::Absent).await?;
            Ok(at.saturating_add(chunk.len() as u64))
        })
    }

    /// Sees to it that nothing is ever added again to a log that is `at` bytes long.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when something was added meanwhile: read it again.
    fn seal_log<'a>(&'a self, log: &'a str, at: u64) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move {
            match self.append(log, at, b"").await {
                // Whoever took over before us may have sealed it, and come no further.
                Err(StorageError::Conflict) if is_sealed_at(self, log, at).await? => Ok(()),
                sealed => sealed.map(|_| ()),
            }
        })
    }

    /// Removes a log. One that was sealed stays sealed: whoever adds at its end is refused, and it reads as if it were empty.
    fn remove_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move {
            // The beginning first: without it there is no log, so an interruption never leaves a shorter one.
            for chunk in self.list(&format!("{log}/")).await? {
                let is_seal = self.read(&chunk).await?.is_some_and(|blob| blob.content.is_empty());
                if !is_seal {
                    self.remove(&chunk).await?;
                }
            }
            Ok(())
        })
    }
}

/// The blob of the chunk that was added at this position of a log.
fn chunk_name(log: &str, at: u64) -> String {
    format!("{log}/{at:020}")
}

/// Whether the chunk at that position is a seal: an empty one.
async fn is_sealed_at<S: Storage + ?Sized>(storage: &S, log: &str, at: u64) -> Result<bool, StorageError> {
    let chunk = storage.read(&chunk_name(log, at)).await?;
    Ok(chunk.is_some_and(|blob| blob.content.is_empty()))
}

/// A blob that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// All of it.
    pub content: Vec<u8>,
    /// Changes with the content, at least.
    pub version: Version,
}

/// A blob's version: an entity tag, a resource version, a digest. Only ever compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

/// Under what a blob is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is none of that name.
    Absent,
    /// It is still of this version.
    Unchanged(Version),
}

/// Why a storage did not do what was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StorageError {
    /// The condition does not hold.
    #[error("someone else has written it meanwhile")]
    Conflict,
    /// The storage failed, refused, or could not be reached.
    #[error("{attempt}: {problem}")]
    Failed {
        /// What was tried, such as "read s3://bucket/state.json".
        attempt: String,
        /// What the storage said. Holds no secrets.
        problem: String,
    },
}
