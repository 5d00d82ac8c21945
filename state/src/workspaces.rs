//! The workspaces of a stack in one storage: the default one's state lies in the storage itself, each other's below `workspaces/NAME/`.
//!
//! That there is a workspace a note beside them says, `workspace-names/NAME`: the states need not be looked through to list them.

use std::sync::Arc;

use meshform_engine::ports::{
    Backend, BoxFuture, Clock, DEFAULT_WORKSPACE, Documents, Place, SettingProblem, StateStore, StoreError,
};

use crate::documents::{FINGERPRINT_KEY, HISTORY, LOCK, STATE, invalid, refused};
use crate::encryption::{Encrypted, Encryption, EncryptionError, Settings, SettingsProblem};
use crate::storage::{Blob, Condition, Storage, StorageError, Version};
use crate::store::Store;

/// Where it is noted which workspaces there are.
const NAMES: &str = "workspace-names/";
/// Below which the states lie.
const WORKSPACES: &str = "workspaces/";

/// The states of one stack in a storage. Its futures need a tokio runtime.
pub struct Workspaces {
    storage: Arc<dyn Storage>,
    encryption: Arc<Encryption>,
    clock: Arc<dyn Clock>,
}

impl Workspaces {
    /// The states in a storage, encrypted as an `encryption` block says by its [schema](crate::encryption::schema). Nothing is asked of the
    /// storage yet.
    ///
    /// # Errors
    /// When the block's keys are none.
    pub fn over(place: &Place, storage: Arc<dyn Storage>) -> Result<Self, SettingProblem> {
        let settings = place
            .encryption
            .as_ref()
            .map(Settings::from_block)
            .transpose()
            .map_err(unusable)?
            .unwrap_or_default();
        let encryption = Arc::new(Encryption::new(settings).map_err(unusable)?);
        let storage = Arc::new(Encrypted::new(storage, Arc::clone(&encryption)));
        Ok(Self { storage, encryption, clock: Arc::clone(&place.clock) })
    }

    fn storage(&self, workspace: &str) -> Arc<dyn Storage> {
        match workspace {
            DEFAULT_WORKSPACE => Arc::clone(&self.storage),
            name => {
                Arc::new(Below { outer: Arc::clone(&self.storage), prefix: format!("{WORKSPACES}{name}/") })
            }
        }
    }
}

impl Backend for Workspaces {
    fn name(&self) -> String {
        self.storage.place()
    }

    fn store(&self, workspace: &str) -> Arc<dyn StateStore> {
        Arc::new(Store::over(self.storage(workspace), Arc::clone(&self.clock)))
    }

    fn workspaces(&self) -> BoxFuture<'_, Result<Vec<String>, StoreError>> {
        Box::pin(async {
            let notes = self.storage.list(NAMES).await.map_err(refused)?;
            Ok(notes.iter().filter_map(|note| note.strip_prefix(NAMES)).map(str::to_owned).collect())
        })
    }

    fn add<'a>(&'a self, workspace: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let note = format!("{NAMES}{workspace}");
            match self.storage.write(&note, b"\n", Condition::Absent).await {
                Err(StorageError::Conflict) => Ok(()),
                added => added.map(drop).map_err(refused),
            }
        })
    }

    fn seal_plan(&self, plan: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        Box::pin(async move { self.encryption.seal_plan(&plan).await.map_err(unfit) })
    }

    fn open_plan(&self, plan: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        Box::pin(async move { self.encryption.open_plan(&plan).await.map_err(unfit) })
    }

    fn documents<'a>(&'a self, workspace: &'a str) -> BoxFuture<'a, Result<Documents, StoreError>> {
        Box::pin(async move { documents(&*self.storage(workspace)).await.map_err(refused) })
    }

    fn take_over<'a>(
        &'a self,
        workspace: &'a str,
        documents: &'a Documents,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let state = self.storage(workspace);
            if state.read(STATE).await.map_err(refused)?.is_some() {
                return Err(invalid(&*state, STATE, "there is a state already"));
            }
            take_over(&*state, documents).await.map_err(refused)
        })
    }

    fn remove<'a>(&'a self, workspace: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if workspace == DEFAULT_WORKSPACE {
                return Ok(());
            }
            let state = self.storage(workspace);
            empty(&*state).await.map_err(refused)?;
            // Nobody finds it from now on; and last of all, whoever holds its lease holds nothing any more.
            self.storage.remove(&format!("{NAMES}{workspace}")).await.map_err(refused)?;
            state.remove(LOCK).await.map_err(refused)
        })
    }
}

/// All that makes a state whose journals are settled, but for its lock.
async fn documents(state: &dyn Storage) -> Result<Documents, StorageError> {
    let mut found = Documents::default();
    let former = state.list(HISTORY).await?;
    for name in [FINGERPRINT_KEY.to_owned()].into_iter().chain(former).chain([STATE.to_owned()]) {
        found.blobs.extend(state.read(&name).await?.map(|blob| (name, blob.content)));
    }
    Ok(found)
}

/// Writes them down, the state itself last: before that, nothing is there, and it can be tried again.
async fn take_over(state: &dyn Storage, documents: &Documents) -> Result<(), StorageError> {
    for (name, content) in &documents.blobs {
        let condition = match state.read(name).await? {
            Some(blob) if blob.content == *content => continue,
            Some(blob) => Condition::Unchanged(blob.version),
            None => Condition::Absent,
        };
        state.write(name, content, condition).await?;
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn unusable(problem: SettingsProblem) -> SettingProblem {
    SettingProblem { setting: "encryption".to_owned(), problem: format!("cannot be used: {problem}") }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn unfit(problem: EncryptionError) -> StoreError {
    StoreError::Invalid { what: "the plan file".to_owned(), problem: problem.to_string() }
}

/// Removes all but the lock.
async fn empty(state: &dyn Storage) -> Result<(), StorageError> {
    for log in state.logs("").await? {
        state.remove_log(&log).await?;
    }
    for blob in state.list("").await?.iter().filter(|blob| *blob != LOCK) {
        state.remove(blob).await?;
    }
    Ok(())
}

/// The part of a storage whose names begin in one way.
struct Below {
    outer: Arc<dyn Storage>,
    prefix: String,
}

impl Below {
    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn inner(&self, names: Vec<String>) -> Vec<String> {
        names.iter().filter_map(|name| name.strip_prefix(&self.prefix)).map(str::to_owned).collect()
    }
}

impl Storage for Below {
    fn place(&self) -> String {
        format!("{}/{}", self.outer.place(), self.prefix.trim_end_matches('/'))
    }

    fn lease_taken(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.outer.lease_taken()
    }

    fn lease_ended(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.outer.lease_ended()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        Box::pin(async move { self.outer.read(&self.name(name)).await })
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        Box::pin(async move { self.outer.write(&self.name(name), content, condition).await })
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move { self.outer.remove(&self.name(name)).await })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(async move { Ok(self.inner(self.outer.list(&self.name(prefix)).await?)) })
    }

    fn logs<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(async move { Ok(self.inner(self.outer.logs(&self.name(prefix)).await?)) })
    }

    fn read_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(async move { self.outer.read_log(&self.name(log)).await })
    }

    fn append<'a>(
        &'a self,
        log: &'a str,
        at: u64,
        chunk: &'a [u8],
    ) -> BoxFuture<'a, Result<u64, StorageError>> {
        Box::pin(async move { self.outer.append(&self.name(log), at, chunk).await })
    }

    fn seal_log<'a>(&'a self, log: &'a str, at: u64) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move { self.outer.seal_log(&self.name(log), at).await })
    }

    fn remove_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move { self.outer.remove_log(&self.name(log)).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStorage;

    #[tokio::test]
    async fn what_is_below_is_apart() {
        let outer: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let below = |name: &str| Below { outer: Arc::clone(&outer), prefix: format!("{WORKSPACES}{name}/") };
        let (a, ab) = (below("a"), below("ab"));
        a.write("state.json", b"a", Condition::Absent).await.unwrap();
        ab.write("state.json", b"ab", Condition::Absent).await.unwrap();
        a.append("journal/1", 0, b"x").await.unwrap();
        outer.write("state.json", b"outer", Condition::Absent).await.unwrap();
        assert_eq!(a.read("state.json").await.unwrap().unwrap().content, b"a");
        assert_eq!(a.logs("journal/").await.unwrap(), ["journal/1"]);
        assert_eq!(ab.list("").await.unwrap(), ["state.json"]);
        empty(&a).await.unwrap();
        assert_eq!((a.list("").await.unwrap(), a.logs("").await.unwrap()), (Vec::new(), Vec::new()));
        assert_eq!(ab.read("state.json").await.unwrap().unwrap().content, b"ab");
        assert_eq!(outer.read("state.json").await.unwrap().unwrap().content, b"outer");
    }
}
