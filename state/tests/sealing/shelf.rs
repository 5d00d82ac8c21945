//! A storage whose every byte the tests can see and change. A log is one text, as in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use meshform_engine::ports::BoxFuture;
use meshform_state::{Blob, Condition, Storage, StorageError, Version};

#[derive(Default)]
pub(crate) struct Shelf(Mutex<Kept>);

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    pub(crate) logs: BTreeMap<String, Vec<u8>>,
    pub(crate) sealed: BTreeSet<String>,
    writes: BTreeMap<String, u64>,
    /// What it was told of leases.
    pub(crate) told: Vec<&'static str>,
    /// How many bytes of the next chunk are added, before the append fails.
    pub(crate) breaks_after: Option<usize>,
}

impl Shelf {
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    pub(crate) fn blob(&self, name: &str) -> Vec<u8> {
        self.kept().blobs[name].clone()
    }

    pub(crate) fn put(&self, name: &str, content: Vec<u8>) {
        self.kept().blobs.insert(name.to_owned(), content);
    }

    pub(crate) fn log(&self, name: &str) -> Vec<u8> {
        self.kept().logs[name].clone()
    }

    pub(crate) fn put_log(&self, name: &str, content: Vec<u8>) {
        self.kept().logs.insert(name.to_owned(), content);
    }

    /// Everything that is stored, in one text.
    pub(crate) fn all(&self) -> Vec<u8> {
        let kept = self.kept();
        kept.blobs.values().chain(kept.logs.values()).flatten().copied().collect()
    }
}

impl Kept {
    fn version(&self, name: &str) -> Version {
        Version(self.writes.get(name).copied().unwrap_or_default().to_string())
    }

    fn write(&mut self, name: &str, content: &[u8], condition: &Condition) -> Result<Version, StorageError> {
        let holds = match condition {
            Condition::Absent => !self.blobs.contains_key(name),
            Condition::Unchanged(version) => self.blobs.contains_key(name) && self.version(name) == *version,
        };
        if !holds {
            return Err(StorageError::Conflict);
        }
        *self.writes.entry(name.to_owned()).or_default() += 1;
        self.blobs.insert(name.to_owned(), content.to_vec());
        Ok(self.version(name))
    }

    fn append(&mut self, log: &str, at: u64, chunk: &[u8]) -> Result<u64, StorageError> {
        let length = self.logs.get(log).map_or(0, |content| content.len() as u64);
        if self.sealed.contains(log) || length != at {
            return Err(StorageError::Conflict);
        }
        let written = self.breaks_after.map_or(chunk.len(), |after| after.min(chunk.len()));
        self.logs.entry(log.to_owned()).or_default().extend(&chunk[..written]);
        match self.breaks_after.take() {
            Some(_) => {
                Err(StorageError::Failed { attempt: "write".into(), problem: "the answer was lost".into() })
            }
            None => Ok(at + chunk.len() as u64),
        }
    }

    fn seal(&mut self, log: &str, at: u64) -> Result<(), StorageError> {
        if self.logs.get(log).map_or(0, |content| content.len() as u64) != at {
            return Err(StorageError::Conflict);
        }
        self.sealed.insert(log.to_owned());
        Ok(())
    }
}

fn beginning_with<T>(names: &BTreeMap<String, T>, prefix: &str) -> Vec<String> {
    names.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
}

fn done<'a, T: Send + 'a>(result: T) -> BoxFuture<'a, T> {
    Box::pin(async { result })
}

impl Storage for Shelf {
    fn place(&self) -> String {
        "the shelf".into()
    }

    fn lease_taken(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.kept().told.push("taken");
        done(Ok(()))
    }

    fn lease_ended(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.kept().told.push("ended");
        done(Ok(()))
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        let kept = self.kept();
        let blob = kept
            .blobs
            .get(name)
            .map(|content| Blob { content: content.clone(), version: kept.version(name) });
        done(Ok(blob))
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        done(self.kept().write(name, content, &condition))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        self.kept().blobs.remove(name);
        done(Ok(()))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        done(Ok(beginning_with(&self.kept().blobs, prefix)))
    }

    fn logs<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        done(Ok(beginning_with(&self.kept().logs, prefix)))
    }

    fn read_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<u8>, StorageError>> {
        done(Ok(self.kept().logs.get(log).cloned().unwrap_or_default()))
    }

    fn append<'a>(
        &'a self,
        log: &'a str,
        at: u64,
        chunk: &'a [u8],
    ) -> BoxFuture<'a, Result<u64, StorageError>> {
        done(self.kept().append(log, at, chunk))
    }

    fn seal_log<'a>(&'a self, log: &'a str, at: u64) -> BoxFuture<'a, Result<(), StorageError>> {
        done(self.kept().seal(log, at))
    }

    fn remove_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        self.kept().logs.remove(log);
        done(Ok(()))
    }
}
