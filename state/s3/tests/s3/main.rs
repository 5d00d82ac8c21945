//! The storage against a real S3 server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod probe;
#[path = "../../../tests/storage/races.rs"]
mod races;
mod server;
#[path = "../../../tests/storage/suite.rs"]
mod suite;

use std::collections::BTreeMap;
use std::sync::Arc;

use meshform_state::{Condition, Storage, StorageError, Version};
use meshform_state_s3::S3Storage;

use crate::server::{ACCESS_KEY, BUCKET, SECRET_KEY, Server};

impl Server {
    fn settings(&self) -> BTreeMap<String, String> {
        let settings = [
            ("bucket", BUCKET),
            ("prefix", "teams/web"),
            ("endpoint", &self.url),
            ("access_key", ACCESS_KEY),
            ("secret_key", SECRET_KEY),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// The storage as one process has it.
    fn storage(&self) -> S3Storage {
        S3Storage::new(&self.settings(), &BTreeMap::new()).unwrap()
    }

    /// One that waits for no request longer than a second.
    fn hasty(&self) -> S3Storage {
        let mut settings = self.settings();
        settings.insert("timeout_seconds".to_owned(), "1".to_owned());
        S3Storage::new(&settings, &BTreeMap::new()).unwrap()
    }

    fn pair(&self) -> [Arc<dyn Storage>; 2] {
        [Arc::new(self.storage()), Arc::new(self.storage())]
    }
}

async fn create(storage: &dyn Storage, name: &str, content: &str) -> Result<Version, StorageError> {
    storage.write(name, content.as_bytes(), Condition::Absent).await
}

async fn replace(
    storage: &dyn Storage,
    name: &str,
    content: &str,
    version: &Version,
) -> Result<Version, StorageError> {
    storage.write(name, content.as_bytes(), Condition::Unchanged(version.clone())).await
}

async fn text(storage: &dyn Storage, name: &str) -> Option<String> {
    storage.read(name).await.unwrap().map(|blob| String::from_utf8(blob.content).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms() {
    suite::conforms(&Server::start().await.pair()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_runs() {
    races::one_runs(&Server::start().await.pair()).await;
}

#[tokio::test]
async fn what_lies_beside_the_prefix_is_of_others() {
    let server = Server::start().await;
    let storage = server.storage();
    for prefix in ["teams/web2", "teams", "teams/web/inner"] {
        let mut settings = server.settings();
        settings.insert("prefix".to_owned(), prefix.to_owned());
        let other = S3Storage::new(&settings, &BTreeMap::new()).unwrap();
        create(&other, "history/1", prefix).await.unwrap();
    }
    create(&storage, "history/2", "2").await.unwrap();
    assert_eq!(storage.list("history/").await.unwrap(), ["history/2"]);
    assert_eq!(storage.list("hist").await.unwrap(), ["history/2"]);
    assert_eq!(text(&storage, "history/1").await, None);
    assert!(server.is_there("teams/web/history/2"));
}

#[tokio::test]
async fn of_all_who_write_at_once_one_succeeds() {
    let server = Server::start().await;
    let first = create(&server.storage(), "lock", "dead").await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let (storage, first) = (server.storage(), first.clone());
        writers.spawn(async move { replace(&storage, "lock", &writer.to_string(), &first).await });
    }
    let outcomes = writers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(StorageError::Conflict)).count(), 7);
}
