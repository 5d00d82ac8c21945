//! A storage that ends with the process: for worlds that are made to be thrown away.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use meshform_engine::ports::BoxFuture;

use crate::storage::{Blob, Condition, Storage, StorageError, Version};

/// Keeps blobs in memory; its logs are blobs, as in any storage that knows nothing else.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    blobs: BTreeMap<String, Blob>,
    writes: u64,
}

impl MemoryStorage {
    /// An empty storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing panics while it is held, so nothing is left half-changed.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for MemoryStorage {
    fn place(&self) -> String {
        "memory".into()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        let blob = self.kept().blobs.get(name).cloned();
        Box::pin(async { Ok(blob) })
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        let written = self.kept().write(name, content, &condition);
        Box::pin(async { written })
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        self.kept().blobs.remove(name);
        Box::pin(async { Ok(()) })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        let kept = self.kept();
        let from_prefix = kept.blobs.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let names =
            from_prefix.map(|(name, _)| name).take_while(|name| name.starts_with(prefix)).cloned().collect();
        Box::pin(async { Ok(names) })
    }
}

impl Kept {
    fn write(&mut self, name: &str, content: &[u8], condition: &Condition) -> Result<Version, StorageError> {
        let holds = match (condition, self.blobs.get(name)) {
            (Condition::Absent, current) => current.is_none(),
            (Condition::Unchanged(version), current) => current.is_some_and(|blob| blob.version == *version),
        };
        if !holds {
            return Err(StorageError::Conflict);
        }
        self.writes += 1;
        let version = Version(self.writes.to_string());
        self.blobs.insert(name.to_owned(), Blob { content: content.to_vec(), version: version.clone() });
        Ok(version)
    }
}
