//! The workspaces of a stack: the default one's state lies in the storage itself, each other's below `workspaces/NAME`.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use meshform_engine::ports::{Backend, BoxFuture, Clock, DEFAULT_WORKSPACE, StateStore, StoreError};

use crate::folder::{Folder, blocking, io};
use crate::local::LocalStore;

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
        Arc::new(LocalStore::new(self.folder(workspace), Arc::clone(&self.clock)))
    }

    fn workspaces(&self) -> BoxFuture<'_, Result<Vec<String>, StoreError>> {
        let folder = self.folder.join(WORKSPACES);
        Box::pin(blocking(move || {
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries.map_err(io("list the workspaces"))?,
            };
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(io("list the workspaces"))?;
            let mut names: Vec<_> =
                entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect();
            names.sort();
            Ok(names)
        }))
    }

    fn add<'a>(&'a self, workspace: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let folders = [self.folder.clone(), self.folder(workspace)];
        Box::pin(blocking(move || folders.into_iter().try_for_each(|folder| Folder::new(folder).make())))
    }

    fn remove<'a>(&'a self, workspace: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let folder = self.folder.join(WORKSPACES).join(workspace);
        Box::pin(blocking(move || match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(io("remove the workspace")),
        }))
    }
}
