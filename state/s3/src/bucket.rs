//! A bucket's objects: what `object_store` does, again when what failed may pass, with outcomes that say what they mean.

use std::error::Error;
use std::future::Future;

use futures::TryStreamExt as _;
use meshform_state::{Blob, Condition, Version};
use meshform_state_http::client::Client;
use meshform_state_http::patience::Patience;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    ObjectMeta, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, RetryConfig,
    UpdateVersion,
};

use crate::settings::Settings;
use crate::transport::{Failure, Transport};

/// The objects of one bucket.
pub(crate) struct Bucket {
    store: AmazonS3,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The condition does not hold.
    Conflict,
    /// There is no such object.
    Absent,
    /// Anything else: a fragment that reads after a colon. Holds no secrets.
    Failed(String),
}

/// What became of one request.
enum Outcome {
    Refused(Refusal),
    Passing(String),
    Contended,
}

impl Bucket {
    pub(crate) fn new(settings: &Settings, client: Client) -> object_store::Result<Self> {
        // How long all is tried is ours to say.
        let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let builder = AmazonS3Builder::new()
            .with_http_connector(Transport::new(client))
            .with_retry(once)
            .with_bucket_name(&settings.bucket)
            .with_region(&settings.region)
            .with_virtual_hosted_style_request(!settings.is_path_style)
            .with_access_key_id(&settings.key.id)
            .with_secret_access_key(&settings.key.secret)
            // Not every store knows how to delete several at once.
            .with_disable_bulk_delete(true);
        let builder = match &settings.endpoint {
            Some(endpoint) => builder.with_endpoint(endpoint).with_allow_http(!settings.is_secure),
            None => builder,
        };
        let builder = match &settings.key.token {
            Some(token) => builder.with_token(token),
            None => builder,
        };
        Ok(Self { store: builder.build()? })
    }

    pub(crate) async fn get(&self, path: &Path) -> Result<Blob, Refusal> {
        retried(|| async {
            let object = self.store.get(path).await?;
            let version = object.meta.e_tag.clone();
            Ok((object.bytes().await?, version))
        })
        .await
        .and_then(|(bytes, tag)| Ok(Blob { content: bytes.into(), version: version(tag)? }))
    }

    /// Creates an object; says whether it was not there. Unlike [`put`](Self::put), what an own lost request has written counts as there.
    pub(crate) async fn create(&self, path: &Path, content: &[u8]) -> Result<bool, Refusal> {
        let put = || async {
            match self.put_once(path, content, &Condition::Absent).await {
                Err(Outcome::Refused(Refusal::Conflict)) => Ok(false),
                created => created.map(|_| true),
            }
        };
        retried(put).await
    }

    /// Writes an object if the condition holds. An answer that was lost is made up for by looking.
    pub(crate) async fn put(
        &self,
        path: &Path,
        content: &[u8],
        condition: &Condition,
    ) -> Result<Version, Refusal> {
        let mut patience = Patience::default();
        let mut is_unsure = false;
        loop {
            let refusal = match self.put_once(path, content, condition).await {
                Ok(written) => return version(written),
                Err(Outcome::Passing(problem)) => {
                    is_unsure = true;
                    Refusal::Failed(problem)
                }
                Err(Outcome::Contended) => Refusal::Conflict,
                Err(Outcome::Refused(Refusal::Conflict)) if is_unsure => {
                    return self.found(path, content).await;
                }
                Err(Outcome::Refused(refusal)) => return Err(refusal),
            };
            if !patience.pause().await {
                return Err(refusal);
            }
        }
    }

    pub(crate) async fn delete(&self, path: &Path) -> Result<(), Refusal> {
        match retried(|| async { Ok(self.store.delete(path).await?) }).await {
            Err(Refusal::Absent) => Ok(()),
            deleted => deleted,
        }
    }

    /// All objects below a path, in ascending order of their paths.
    pub(crate) async fn list(&self, path: &Path) -> Result<Vec<ObjectMeta>, Refusal> {
        let listed =
            retried(|| async { Ok(self.store.list(Some(path)).try_collect::<Vec<_>>().await?) }).await;
        let mut objects = listed?;
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(objects)
    }

    async fn put_once(
        &self,
        path: &Path,
        content: &[u8],
        condition: &Condition,
    ) -> Result<Option<String>, Outcome> {
        let mode = match condition {
            Condition::Absent => PutMode::Create,
            Condition::Unchanged(version) => {
                PutMode::Update(UpdateVersion { e_tag: Some(version.0.clone()), version: None })
            }
        };
        let payload = PutPayload::from(content.to_vec());
        let put = self.store.put_opts(path, payload, PutOptions::from(mode)).await;
        put.map(|result| result.e_tag).map_err(Outcome::from)
    }

    /// The object, if it is what was to be written: then the refusal is of our own earlier success.
    async fn found(&self, path: &Path, content: &[u8]) -> Result<Version, Refusal> {
        match self.get(path).await {
            Ok(blob) if blob.content == content => Ok(blob.version),
            Ok(_) | Err(Refusal::Absent) => Err(Refusal::Conflict),
            Err(refusal) => Err(refusal),
        }
    }
}

/// Tries what changes nothing by being done twice.
async fn retried<T, F: Future<Output = Result<T, Outcome>>>(attempt: impl Fn() -> F) -> Result<T, Refusal> {
    let mut patience = Patience::default();
    loop {
        let refusal = match attempt().await {
            Ok(done) => return Ok(done),
            Err(Outcome::Refused(refusal)) => return Err(refusal),
            Err(Outcome::Passing(problem)) => Refusal::Failed(problem),
            Err(Outcome::Contended) => Refusal::Failed(Failure::Contended.to_string()),
        };
        if !patience.pause().await {
            return Err(refusal);
        }
    }
}

fn version(tag: Option<String>) -> Result<Version, Refusal> {
    let tag = tag.ok_or_else(|| Refusal::Failed("the server gave it no entity tag".to_owned()));
    tag.map(Version)
}

impl From<object_store::Error> for Outcome {
    fn from(error: object_store::Error) -> Self {
        match &error {
            object_store::Error::AlreadyExists { .. }
            | object_store::Error::Precondition { .. }
            | object_store::Error::NotModified { .. } => Outcome::Refused(Refusal::Conflict),
            object_store::Error::NotFound { .. } => Outcome::Refused(Refusal::Absent),
            error => match cause(error) {
                Some(Failure::Passing(problem)) => Outcome::Passing(problem.clone()),
                Some(Failure::Lasting(problem)) => Outcome::Refused(Refusal::Failed(problem.clone())),
                Some(Failure::Contended) => Outcome::Contended,
                None => Outcome::Refused(Refusal::Failed("the server's answer makes no sense".to_owned())),
            },
        }
    }
}

/// The failure of ours that an error stems from.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Failure> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(failure);
        }
        next = error.source();
    }
    None
}
