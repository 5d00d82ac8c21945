//! The workspaces of a stack: the default one's state lies in the storage itself, each other's below `workspaces/NAME`.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use meshform_engine::ports::{Backend, BoxFuture, Clock, DEFAULT_WORKSPACE, StateStore, StoreError};

use crate::documents::refused;
use crate::folder::FolderStorage;
use crate::store::Store;

/// Below which all workspaces but the default one lie.
const WORKSPACES: &str = "workspaces";

/// The states of a stack in its `.meshform` folder.
pub struct LocalBackend {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
}

impl LocalBackend {
    /// The states in a folder, which need not exist yet.
    pub fn new(folder: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { folder, clock }
    }

    fn folder(&self, workspace: &str) -> PathBuf {
        match workspace {
            DEFAULT_WORKSPACE => self.folder.clone(),
            name => self.folder.join(WORKSPACES).join(name),
        }
    }
}

impl Backend for LocalBackend {
    fn name(&self) -> String {
        "local".to_owned()
    }

    fn store(&self, workspace: &str) -> Arc<dyn StateStore> {
        Arc::new(Store::local(self.folder(workspace), Arc::clone(&self.clock)))
    }

    fn workspaces(&self) -> BoxFuture<'_, Result<Vec<String>, StoreError>> {
        let folder = self.folder.join(WORKSPACES);
        Box::pin(async move { names(&folder).await.map_err(io("list the workspaces")) })
    }

    fn add<'a>(&'a self, workspace: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            for folder in [self.folder.clone(), self.folder(workspace)] {
                FolderStorage::new(folder).make().await.map_err(refused)?;
            }
            Ok(())
        })
    }

    fn remove<'a>(&'a self, workspace: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let folder = self.folder.join(WORKSPACES).join(workspace);
        Box::pin(async move {
            match tokio::fs::remove_dir_all(&folder).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                removed => removed.map_err(io("remove the workspace")),
            }
        })
    }
}

/// What lies in a folder, by name.
async fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut entries = match tokio::fs::read_dir(folder).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

fn io(attempt: &str) -> impl FnOnce(io::Error) -> StoreError + '_ {
    move |error| StoreError::Io { attempt: attempt.to_owned(), problem: error.to_string() }
}
