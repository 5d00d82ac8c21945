//! Where the states of a stack are kept, as its `meshform` block says: a kind of storage, and a place in it for each workspace.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::{BoxFuture, Clock, StateStore, StoreError};
use crate::schema::{Attribute, Body};
use crate::types::Type;
use crate::value::Value;

/// The workspace of a stack that has selected no other.
pub const DEFAULT_WORKSPACE: &str = "default";

/// What `backend` and `encryption` blocks may say.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// What each kind of backend is set by.
    pub backends: BTreeMap<&'static str, Body>,
    /// What the encryption is set by.
    pub encryption: Body,
}

impl Keeping {
    /// The same, with what an `encryption` block may say.
    #[must_use]
    pub fn encrypted(self, encryption: Body) -> Self {
        Self { encryption, ..self }
    }

    /// The same, with one more kind of backend, whose settings have these names and meanings; the last part says whether a value is secret.
    #[must_use]
    pub fn with(mut self, backend: &'static str, settings: &[(&'static str, &'static str, bool)]) -> Self {
        let settings = settings.iter().map(|(name, meaning, is_secret)| {
            let setting = Attribute::optional(name, Type::String, meaning);
            if *is_secret { setting.sensitive() } else { setting }
        });
        self.backends.insert(backend, settings.collect::<Vec<_>>().into());
        self
    }
}

/// A setting that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("use the setting `{setting}`: it {problem}")]
pub struct SettingProblem {
    /// Its name.
    pub setting: String,
    /// What is wrong with it, reading on after its name. Holds no secrets.
    pub problem: String,
}

/// All that is needed to reach the states of one stack.
#[derive(Clone)]
pub struct Place {
    /// The `.meshform` folder of the stack, for what is kept in files.
    pub folder: String,
    /// The kind of backend.
    pub backend: String,
    /// What its block says, in the clear, secrets too; what it leaves out is not there.
    pub settings: BTreeMap<String, String>,
    /// What the `encryption` block says, by its schema, if there is one.
    pub encryption: Option<Value>,
    /// The process's environment, in which credentials may be.
    pub environment: Arc<BTreeMap<String, String>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What is kept of a state, in the clear: its snapshots and the key of its fingerprints. What they say is the stores' business.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Documents {
    /// Blobs by name, in the order in which they are to be written.
    pub blobs: Vec<(String, Vec<u8>)>,
}

/// The states of one stack, one for each workspace.
pub trait Backend: Send + Sync {
    /// Where they are, for people: `local`, `s3://bucket/prefix`. Holds no secrets.
    fn name(&self) -> String;

    /// The store of a workspace's state. Making it does no work yet.
    fn store(&self, workspace: &str) -> Arc<dyn StateStore>;

    /// The names of all workspaces but the default one, in ascending order.
    fn workspaces(&self) -> BoxFuture<'_, Result<Vec<String>, StoreError>>;

    /// Notes that there is a workspace of that name, with or without a state. It may be there already.
    fn add<'a>(&'a self, workspace: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// A plan file as it may lie about: encrypted, if what is kept is.
    fn seal_plan(&self, plan: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>>;

    /// The plan in such a file.
    ///
    /// # Errors
    /// When it is encrypted for other keys, or not and should be.
    fn open_plan(&self, plan: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>>;

    /// All that is kept of a workspace's state, to be taken over elsewhere. Hold its lease meanwhile, and have its journals settled.
    fn documents<'a>(&'a self, workspace: &'a str) -> BoxFuture<'a, Result<Documents, StoreError>>;

    /// Keeps what was kept elsewhere as a workspace's state. Cut off, it can be done again. Hold its lease meanwhile.
    ///
    /// # Errors
    /// When there is a state already.
    fn take_over<'a>(
        &'a self,
        workspace: &'a str,
        documents: &'a Documents,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes a workspace with its state and its history, whatever they hold.
    fn remove<'a>(&'a self, workspace: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}
