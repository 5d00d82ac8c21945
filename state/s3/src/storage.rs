//! The storage: a blob is an object, and so is every chunk of a log.

use std::collections::BTreeMap;
use std::fmt;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use meshform_engine::ports::BoxFuture;
use meshform_state::{Blob, Condition, SettingsProblem, Storage, StorageError, Version};
use meshform_state_http::client::Client;
use meshform_state_http::tls;
use object_store::ObjectMeta;
use object_store::path::Path;
use tokio::sync::OnceCell;

use crate::bucket::{Bucket, Refusal};
use crate::probe;
use crate::settings::Settings;

/// How many chunks of a log are asked for at once.
const CHUNKS_AT_ONCE: usize = 16;

/// A storage in a bucket. Its futures need a tokio runtime.
pub struct S3Storage {
    bucket: Bucket,
    prefix: Path,
    place: String,
    /// Whether the store was seen to honour conditions.
    proven: OnceCell<()>,
}

impl S3Storage {
    /// The storage that the settings name. Asks the server nothing yet.
    ///
    /// # Errors
    /// When a setting is missing or makes no sense.
    pub fn new(
        settings: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsProblem> {
        let settings = Settings::new(settings, environment)?;
        let ca = settings.ca.as_deref().map(|text| ("ca", text));
        let client = Client::new(
            tls::config("endpoint", ca, None, settings.is_secure)?,
            environment,
            settings.timeout,
        );
        let place = settings.place();
        let bucket = Bucket::new(&settings, client)
            .map_err(|_| SettingsProblem::new("endpoint", "makes no address together with the bucket"))?;
        Ok(Self { bucket, prefix: settings.prefix, place, proven: OnceCell::new() })
    }

    fn path(&self, name: &str) -> Path {
        name.split('/')
            .filter(|part| !part.is_empty())
            .fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// The objects whose names begin so, with their names, in ascending order.
    async fn objects(&self, prefix: &str) -> Result<Vec<(String, ObjectMeta)>, StorageError> {
        // A store lists by whole parts of names.
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let listed = self.bucket.list(&self.path(folder)).await;
        let objects = listed.map_err(|refusal| self.failed("list", prefix, refusal))?.into_iter();
        let base = format!("{}/", self.prefix);
        let named = objects.filter_map(|object| {
            let name = object.location.as_ref().strip_prefix(&base)?.to_owned();
            (name.starts_with(prefix) && name != probe::NAME).then_some((name, object))
        });
        Ok(named.collect())
    }

    async fn get(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        match self.bucket.get(&self.path(name)).await {
            Ok(blob) => Ok(Some(blob)),
            Err(Refusal::Absent) => Ok(None),
            Err(refusal) => Err(self.failed("read", name, refusal)),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), StorageError> {
        let deleted = self.bucket.delete(&self.path(name)).await;
        deleted.map_err(|refusal| self.failed("remove", name, refusal))
    }

    fn failed(&self, verb: &str, name: &str, refusal: Refusal) -> StorageError {
        let problem = match refusal {
            Refusal::Conflict => return StorageError::Conflict,
            Refusal::Absent => "it is not there".to_owned(),
            Refusal::Failed(problem) => problem,
        };
        StorageError::Failed { attempt: format!("{verb} {name} at {}", self.place), problem }
    }
}

impl Storage for S3Storage {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        Box::pin(self.get(name))
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        Box::pin(async move {
            let proof = || probe::prove(&self.bucket, self.path(probe::NAME));
            let proven = self.proven.get_or_try_init(proof).await;
            proven.map_err(|refusal| self.failed("prepare", "conditional writes", refusal))?;
            let written = self.bucket.put(&self.path(name), content, &condition).await;
            written.map_err(|refusal| self.failed("write", name, refusal))
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.delete(name))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(async move {
            let objects = self.objects(prefix).await?;
            Ok(objects.into_iter().map(|(name, _)| name).collect())
        })
    }

    /// Several chunks at once: a journal has hundreds.
    fn read_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(async move {
            let objects = self.objects(&format!("{log}/")).await?;
            let names: Vec<_> = objects.into_iter().map(|(name, _)| name).collect();
            // A log without its beginning is being removed, or was: only its seal is left.
            if names.first().is_none_or(|first| *first != beginning(log)) {
                return Ok(Vec::new());
            }
            let reads: Vec<BoxFuture<'_, _>> =
                names.iter().map(|name| Box::pin(self.get(name)) as BoxFuture<'_, _>).collect();
            let chunks: Vec<Option<Blob>> =
                stream::iter(reads).buffered(CHUNKS_AT_ONCE).try_collect().await?;
            // What is gone meanwhile was removed with the whole log.
            let chunks: Option<Vec<_>> =
                chunks.into_iter().map(|chunk| chunk.map(|blob| blob.content)).collect();
            Ok(chunks.unwrap_or_default().concat())
        })
    }

    /// The beginning first: without it there is no log, so that an interruption never leaves a shorter one. Then the rest, in any order.
    fn remove_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move {
            let objects = self.objects(&format!("{log}/")).await?;
            // What is empty is the log's seal, which stays.
            let names: Vec<_> =
                objects.into_iter().filter(|(_, object)| object.size > 0).map(|(name, _)| name).collect();
            let Some((first, rest)) = names.split_first() else { return Ok(()) };
            self.delete(first).await?;
            let deletions: Vec<BoxFuture<'_, _>> =
                rest.iter().map(|name| Box::pin(self.delete(name)) as BoxFuture<'_, _>).collect();
            stream::iter(deletions).buffer_unordered(CHUNKS_AT_ONCE).try_collect().await
        })
    }
}

/// The name of a log's first chunk.
fn beginning(log: &str) -> String {
    format!("{log}/{:020}", 0)
}

impl fmt::Debug for S3Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Storage").field("place", &self.place).finish_non_exhaustive()
    }
}
