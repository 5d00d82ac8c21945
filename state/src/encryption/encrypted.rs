//! A storage whose content is encrypted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use meshform_engine::ports::BoxFuture;

use super::document::Binding;
use super::log::{End, Writer};
use super::{Encryption, EncryptionError};
use crate::storage::{Blob, Condition, Storage, StorageError, Version};

/// The blob that anyone may read: it says who works on the state, and since when.
const LOCK: &str = "lock";

/// Encrypts what is written to a storage, and decrypts what is read from it.
///
/// Names, versions and conditions are those of the storage below. Positions in a log are positions in its content.
pub struct Encrypted {
    inner: Arc<dyn Storage>,
    encryption: Arc<Encryption>,
    /// Those of the logs that this process adds to. While one is at work it is not here, so that a chunk that may or may not have been
    /// stored is the last one with its key.
    writers: Mutex<HashMap<String, Writer>>,
}

impl Encrypted {
    /// What is kept in the storage is encrypted so.
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>, encryption: Arc<Encryption>) -> Self {
        Self { inner, encryption, writers: Mutex::default() }
    }

    async fn read_blob(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        let Some(blob) = self.inner.read(name).await? else { return Ok(None) };
        if is_public(name) {
            return Ok(Some(blob));
        }
        let content = self.encryption.open(Binding::blob(name), blob.content).await;
        let content = content.map_err(|error| self.failed("read", name, &error))?;
        Ok(Some(Blob { content, version: blob.version }))
    }

    async fn write_blob(
        &self,
        name: &str,
        content: &[u8],
        condition: Condition,
    ) -> Result<Version, StorageError> {
        if is_public(name) {
            return self.inner.write(name, content, condition).await;
        }
        let sealed = self.encryption.seal(Binding::blob(name), content).await;
        let sealed = sealed.map_err(|error| self.failed("write", name, &error))?;
        self.inner.write(name, &sealed, condition).await
    }

    /// A log's content and end, as it is stored now.
    async fn open_log(&self, log: &str) -> Result<(Vec<u8>, End), StorageError> {
        let stored = self.inner.read_log(log).await?;
        let opened = self.encryption.open_log(log, stored).await;
        opened.map_err(|error| self.failed("read", log, &error))
    }

    /// Where a log ends, if its content is that long.
    async fn end(&self, log: &str, at: u64) -> Result<End, StorageError> {
        let (_, end) = self.open_log(log).await?;
        if end.content == at { Ok(end) } else { Err(StorageError::Conflict) }
    }

    async fn append_chunk(&self, log: &str, at: u64, chunk: &[u8]) -> Result<u64, StorageError> {
        if !self.encryption.encrypts() {
            // A log that is encrypted is never as long as its content: to it, this is refused.
            return self.inner.append(log, at, chunk).await;
        }
        let known = self.writers().remove(log).filter(|writer| writer.end().content == at);
        let mut writer = match known {
            Some(writer) => writer,
            None => self.begin(log, at).await?,
        };
        let stored_at = writer.end().stored;
        let stored = writer.add(chunk).map_err(|error| self.failed("write", log, &error))?;
        self.inner.append(log, stored_at, &stored).await?;
        self.writers().insert(log.to_owned(), writer);
        Ok(at.saturating_add(chunk.len() as u64))
    }

    async fn begin(&self, log: &str, at: u64) -> Result<Writer, StorageError> {
        let end = if at == 0 { End::default() } else { self.end(log, at).await? };
        let writer = self.encryption.begin_segment(log, end).await;
        writer.map_err(|error| self.failed("write", log, &error))
    }

    async fn seal_at(&self, log: &str, at: u64) -> Result<(), StorageError> {
        let known = self.writers().remove(log).map(|writer| writer.end().clone());
        let end = match known.filter(|end| end.content == at) {
            Some(end) => end,
            None => self.end(log, at).await?,
        };
        self.inner.seal_log(log, end.stored).await
    }

    fn failed(&self, verb: &str, name: &str, error: &EncryptionError) -> StorageError {
        let attempt = format!("{verb} {}/{name}", self.inner.place());
        StorageError::Failed { attempt, problem: error.to_string() }
    }

    /// Nothing panics while it is held.
    fn writers(&self) -> MutexGuard<'_, HashMap<String, Writer>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for Encrypted {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn lease_taken(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.inner.lease_taken()
    }

    fn lease_ended(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.inner.lease_ended()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        Box::pin(self.read_blob(name))
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        Box::pin(self.write_blob(name, content, condition))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        self.inner.remove(name)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.inner.list(prefix)
    }

    fn logs<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.inner.logs(prefix)
    }

    fn read_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(async { Ok(self.open_log(log).await?.0) })
    }

    fn append<'a>(
        &'a self,
        log: &'a str,
        at: u64,
        chunk: &'a [u8],
    ) -> BoxFuture<'a, Result<u64, StorageError>> {
        Box::pin(self.append_chunk(log, at, chunk))
    }

    fn seal_log<'a>(&'a self, log: &'a str, at: u64) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.seal_at(log, at))
    }

    fn remove_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        self.writers().remove(log);
        self.inner.remove_log(log)
    }
}

/// Whether a blob of that name is the lock, of whichever workspace.
fn is_public(name: &str) -> bool {
    name.rsplit('/').next() == Some(LOCK)
}
