//! The storage against a server that speaks the protocol.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod locking;
#[path = "../../../tests/storage/races.rs"]
mod races;
mod server;
#[path = "../../../tests/storage/suite.rs"]
mod suite;
mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;

use meshform_state::{Condition, Storage, StorageError, Version};
use meshform_state_http::HttpStorage;

use crate::server::{GITLAB, Server, TERRAFORM};

impl Server {
    fn settings(&self) -> BTreeMap<String, String> {
        let settings = [
            ("address", format!("{}/state", self.url)),
            ("lock_address", format!("{}/lock", self.url)),
            ("lock_method", self.kind.lock.to_owned()),
            ("unlock_method", self.kind.unlock.to_owned()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The storage as one process has it.
    fn storage(&self) -> HttpStorage {
        HttpStorage::new(&self.settings(), &BTreeMap::new()).unwrap()
    }

    /// One that waits for no request longer than a second.
    fn hasty(&self) -> HttpStorage {
        let mut settings = self.settings();
        settings.insert("timeout_seconds".to_owned(), "1".to_owned());
        HttpStorage::new(&settings, &BTreeMap::new()).unwrap()
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
async fn terraforms_conforms() {
    let server = Server::start(TERRAFORM).await;
    suite::conforms(&server.pair()).await;
    assert_eq!(server.lock(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlabs_conforms() {
    let server = Server::start(GITLAB).await;
    suite::conforms(&server.pair()).await;
    assert_eq!(server.lock(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_terraforms_one_of_two_runs() {
    races::one_runs(&Server::start(TERRAFORM).await.pair()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_gitlabs_one_of_two_runs() {
    races::one_runs(&Server::start(GITLAB).await.pair()).await;
}

#[tokio::test]
async fn of_all_who_write_at_once_one_succeeds() {
    let server = Server::start(TERRAFORM).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let storage = server.storage();
        writers.spawn(async move { create(&storage, "a", &writer.to_string()).await });
    }
    let outcomes = writers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(StorageError::Conflict)).count(), 7);
}

#[tokio::test]
async fn what_is_of_others_is_left_alone() {
    let server = Server::start(TERRAFORM).await;
    let terraform = r#"{"version":4,"serial":3,"lineage":"x"}"#;
    server.put(terraform);
    let storage = server.storage();
    let expect = |verb: &str| StorageError::Failed {
        attempt: format!("{verb} state.json at {}/state", server.url),
        problem: "what lies there is not of meshform: give it an address of its own".into(),
    };
    assert_eq!(storage.read("state.json").await, Err(expect("read")));
    assert_eq!(create(&storage, "state.json", "x").await, Err(expect("write")));
    assert_eq!(server.document().unwrap().to_string(), r#"{"lineage":"x","serial":3,"version":4}"#);
}
