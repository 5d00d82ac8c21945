//! The storage against a server that speaks the protocol.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod locking;
mod server;

use std::collections::BTreeMap;

use meshform_state::{Condition, Storage, StorageError, Version};
use meshform_state_http::HttpStorage;

use crate::server::{GITLAB, Kind, Server, TERRAFORM};

impl Server {
    fn settings(&self) -> BTreeMap<String, String> {
        let settings = [
            ("address", format!("{}/state", self.url)),
            ("lock_address", format!("{}/lock", self.url)),
            ("lock_method", self.kind.lock.to_owned()),
            ("unlock_method", self.kind.unlock.to_owned()),
            ("timeout_seconds", "1".to_owned()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The storage as one process has it.
    fn storage(&self) -> HttpStorage {
        HttpStorage::new(&self.settings(), &BTreeMap::new()).unwrap()
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

async fn keeps_blobs_and_logs(kind: Kind) {
    let server = Server::start(kind).await;
    let (a, b) = (server.storage(), server.storage());
    assert_eq!(text(&a, "state.json").await, None);
    let first = create(&a, "state.json", "1").await.unwrap();
    assert_eq!(create(&b, "state.json", "x").await, Err(StorageError::Conflict));
    let second = replace(&b, "state.json", "2", &first).await.unwrap();
    assert_eq!(replace(&a, "state.json", "x", &first).await, Err(StorageError::Conflict));
    assert_eq!(a.read("state.json").await.unwrap().unwrap().version, second);
    a.remove("state.json").await.unwrap();
    a.remove("state.json").await.unwrap();
    assert_eq!(text(&b, "state.json").await, None);
    assert_eq!(replace(&a, "state.json", "x", &second).await, Err(StorageError::Conflict));

    let length = a.append("journal/1", 0, b"one\n").await.unwrap();
    let length = a.append("journal/1", length, b"two\n").await.unwrap();
    assert_eq!(b.append("journal/1", 4, b"x").await, Err(StorageError::Conflict));
    b.append("journal/10", 0, b"other").await.unwrap();
    assert_eq!(b.read_log("journal/1").await.unwrap(), b"one\ntwo\n");
    b.seal_log("journal/1", length).await.unwrap();
    b.seal_log("journal/1", length).await.unwrap();
    b.remove_log("journal/1").await.unwrap();
    assert_eq!(a.append("journal/1", length, b"x").await, Err(StorageError::Conflict));
    assert_eq!(a.read_log("journal/1").await.unwrap(), b"");
    assert_eq!(a.read_log("journal/10").await.unwrap(), b"other");
    assert_eq!(server.lock(), None);
}

#[tokio::test]
async fn terraform_keeps_blobs_and_logs() {
    keeps_blobs_and_logs(TERRAFORM).await;
}

#[tokio::test]
async fn gitlab_keeps_blobs_and_logs() {
    keeps_blobs_and_logs(GITLAB).await;
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
