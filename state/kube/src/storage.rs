//! The storage, by what the API server is asked.

mod blob;
mod lock;
mod log;

use std::collections::BTreeMap;
use std::fmt;

use meshform_engine::ports::BoxFuture;
use meshform_state::{Blob, Condition, SettingsProblem, Storage, StorageError, Version};
use serde_json::Value as Json;

use crate::api::{Api, Failure};
use crate::names::{self, MARK, NAME};
use crate::request::{self, ApiRequest, Extent, Kind};
use crate::secret::{annotation, metadata};
use crate::settings::Settings;

/// Keeps the documents of one stack in a namespace of a Kubernetes cluster. Its futures need a tokio runtime.
pub struct KubeStorage {
    settings: Settings,
    api: Api,
}

/// Why an operation has not done what was asked.
enum Stop {
    /// The condition does not hold.
    Conflict,
    /// This went wrong.
    Failed(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.told())
    }
}

impl From<String> for Stop {
    fn from(problem: String) -> Self {
        Self::Failed(problem)
    }
}

impl KubeStorage {
    /// A storage, by its [settings](crate#settings). It connects when it is first used.
    ///
    /// # Errors
    /// When a setting is missing or makes no sense.
    pub fn new(
        settings: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsProblem> {
        Ok(Self { settings: Settings::new(settings, environment)?, api: Api::new() })
    }

    async fn operation<T>(
        &self,
        verb: &str,
        name: &str,
        work: impl Future<Output = Result<T, Stop>>,
    ) -> Result<T, StorageError> {
        work.await.map_err(|stop| match stop {
            Stop::Conflict => StorageError::Conflict,
            Stop::Failed(problem) => {
                StorageError::Failed { attempt: format!("{verb} {name:?} in {}", self.place()), problem }
            }
        })
    }

    async fn ask(&self, request: Result<ApiRequest, http::Error>) -> Result<Json, Failure> {
        self.api.ask(&self.settings, request).await
    }

    /// An object, or `None` if there is none of that name.
    async fn get(&self, kind: Kind, object: &str) -> Result<Option<Json>, Stop> {
        match self.ask(request::get(kind, &self.settings.namespace, object)).await {
            Ok(object) => Ok(Some(object)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Creates an object, or replaces it if it names a resource version.
    async fn put(&self, kind: Kind, object: &Json) -> Result<Version, Stop> {
        let (namespace, name) = (&self.settings.namespace, metadata(object, "name"));
        let is_new = metadata(object, "resourceVersion").is_empty();
        let sent = match is_new {
            true => self.ask(request::create(kind, namespace, object)).await,
            false => self.ask(request::replace(kind, namespace, name, object)).await,
        };
        match sent {
            Ok(object) => Ok(version(&object)),
            Err(failure) if failure.is_not_found() && is_new => Err(Stop::Failed(format!(
                "there is no namespace {namespace:?}: create it, or set `namespace` to another one"
            ))),
            Err(failure) if failure.is_conflict() || failure.is_not_found() => match failure.again() {
                // It may be this very write that it conflicts with.
                true => self.written(kind, object).await,
                false => Err(Stop::Conflict),
            },
            Err(failure) => Err(failure.into()),
        }
    }

    async fn written(&self, kind: Kind, object: &Json) -> Result<Version, Stop> {
        let there = self.get(kind, metadata(object, "name")).await?;
        let is_ours = |there: &Json| annotation(there, MARK) == annotation(object, MARK);
        there.filter(is_ours).map(|there| version(&there)).ok_or(Stop::Conflict)
    }

    /// Deletes an object that was read. It may be gone already, and another one be there.
    async fn delete(&self, kind: Kind, object: &Json) -> Result<(), Stop> {
        let (name, uid) = (metadata(object, "name"), metadata(object, "uid"));
        match self.ask(request::delete(kind, &self.settings.namespace, name, uid)).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_not_found() || failure.is_conflict() => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// All objects with these labels, from page to page.
    async fn all(&self, kind: Kind, selector: &str, extent: Extent) -> Result<Vec<Json>, Stop> {
        let (mut items, mut go_on) = (Vec::new(), String::new());
        loop {
            let page = request::list(kind, &self.settings.namespace, selector, extent, &go_on);
            let mut page = match self.ask(page).await {
                Ok(page) => page,
                // Too much has changed since the first page: from the beginning, with what is there now.
                Err(failure) if failure.is_expired() && !go_on.is_empty() => {
                    items.clear();
                    go_on.clear();
                    continue;
                }
                Err(failure) => return Err(failure.into()),
            };
            match page["items"].take() {
                Json::Array(more) => items.extend(more),
                // What a server says for none, where only metadata is asked for.
                Json::Null if page["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) => {}
                _ => return Err(Stop::Failed("the answer is not a list".into())),
            }
            metadata(&page, "continue").clone_into(&mut go_on);
            if go_on.is_empty() {
                return Ok(items);
            }
        }
    }

    async fn names(&self, prefix: &str) -> Result<Vec<String>, Stop> {
        let selector = names::blobs_of(&self.settings.name);
        let mut names = Vec::new();
        for kind in [Kind::Secret, Kind::Lease] {
            let objects = self.all(kind, &selector, Extent::Metadata).await?;
            names.extend(objects.iter().map(|object| annotation(object, NAME).to_owned()));
        }
        names.retain(|name| !name.is_empty() && name.starts_with(prefix));
        names.sort();
        Ok(names)
    }
}

impl Storage for KubeStorage {
    fn place(&self) -> String {
        self.settings.place()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        Box::pin(self.operation("read", name, async move {
            match names::is_lock(name) {
                true => self.read_lock(name).await,
                false => self.read_blob(name).await,
            }
        }))
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        Box::pin(self.operation("write", name, async move {
            match names::is_lock(name) {
                true => self.write_lock(name, content, &condition).await,
                false => self.write_blob(name, content, &condition).await,
            }
        }))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.operation("remove", name, async move {
            match names::is_lock(name) {
                true => self.remove_lock(name).await,
                false => self.remove_blob(name).await,
            }
        }))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(self.operation("list", prefix, self.names(prefix)))
    }

    fn read_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(self.operation("read", log, self.log(log)))
    }

    fn remove_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.operation("remove", log, self.clear_log(log)))
    }
}

impl fmt::Debug for KubeStorage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("KubeStorage").field(&self.place()).finish()
    }
}

fn version(object: &Json) -> Version {
    Version(metadata(object, "resourceVersion").to_owned())
}

/// The version that a write is to replace; empty if there is to be none.
fn base(condition: &Condition) -> Result<&str, Stop> {
    match condition {
        Condition::Absent => Ok(""),
        Condition::Unchanged(Version(version)) if is_version(version) => Ok(version),
        Condition::Unchanged(_) => Err(Stop::Conflict),
    }
}

/// Whether an object can have that version. Zero would mean any, and what is no number is of another storage.
fn is_version(text: &str) -> bool {
    text.parse::<u128>().is_ok_and(|version| version > 0)
}

/// Tells a write from all others.
fn mark() -> String {
    format!("{:016x}", rand::random::<u64>())
}
