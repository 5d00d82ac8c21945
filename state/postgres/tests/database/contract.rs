//! What every storage does.

use std::sync::Arc;

use meshform_state::{Condition, Storage, StorageError, Version};
use meshform_state_postgres::PostgresStorage;

use crate::server::Server;

#[tokio::test]
async fn nothing_is_there_before_the_first_write() {
    let server = Server::shared();
    let storage = server.storage(&[("schema", "unmade")]);
    assert_eq!(storage.read("state.json").await, Ok(None));
    assert_eq!(storage.list("").await, Ok(vec![]));
    assert_eq!(storage.read_log("journal/1").await, Ok(vec![]));
    assert_eq!(storage.remove("state.json").await, Ok(()));
    let old = Condition::Unchanged(Version("1".into()));
    assert_eq!(storage.write("state.json", b"x", old).await, Err(StorageError::Conflict));
}

#[tokio::test]
async fn blobs_are_written_conditionally() {
    let server = Server::shared();
    let storage = server.storage(&[("schema", "blobs")]);
    let first = storage.write("state.json", b"one", Condition::Absent).await.unwrap();
    assert_eq!(storage.write("state.json", b"two", Condition::Absent).await, Err(StorageError::Conflict));
    let second = storage.write("state.json", b"two", Condition::Unchanged(first.clone())).await.unwrap();
    let late = storage.write("state.json", b"three", Condition::Unchanged(first)).await;
    assert_eq!(late, Err(StorageError::Conflict));
    let foreign = Condition::Unchanged(Version("an entity tag".into()));
    assert_eq!(storage.write("state.json", b"three", foreign).await, Err(StorageError::Conflict));
    let blob = storage.read("state.json").await.unwrap().unwrap();
    assert_eq!((blob.content.as_slice(), &blob.version), (b"two".as_slice(), &second));
    storage.remove("state.json").await.unwrap();
    storage.remove("state.json").await.unwrap();
    assert_eq!(storage.read("state.json").await, Ok(None));
    let gone = storage.write("state.json", b"three", Condition::Unchanged(second)).await;
    assert_eq!(gone, Err(StorageError::Conflict));
}

#[tokio::test]
async fn every_byte_and_many_of_them_are_kept() {
    let server = Server::shared();
    let storage = server.storage(&[("schema", "bytes")]);
    let content: Vec<u8> = (0..=255).cycle().take(5_000_000).collect();
    storage.write("large", &content, Condition::Absent).await.unwrap();
    storage.write("empty", b"", Condition::Absent).await.unwrap();
    assert!(storage.read("large").await.unwrap().unwrap().content == content);
    assert_eq!(storage.read("empty").await.unwrap().unwrap().content, b"");
}

#[tokio::test]
async fn stacks_and_schemas_do_not_see_each_other() {
    let server = Server::shared();
    let (web, shop) =
        (server.storage(&[("schema", "Two \"of\" a.kind")]), [("schema", "stacks"), ("stack", "shop")]);
    let shop = server.storage(&shop);
    web.write("a/b", b"web", Condition::Absent).await.unwrap();
    shop.write("a/b", b"shop", Condition::Absent).await.unwrap();
    shop.write("a/c", b"shop", Condition::Absent).await.unwrap();
    assert_eq!(web.read("a/b").await.unwrap().unwrap().content, b"web");
    assert_eq!(web.list("").await.unwrap(), ["a/b"]);
    assert_eq!(shop.list("a/").await.unwrap(), ["a/b", "a/c"]);
    let other = server.storage(&[("schema", "stacks")]);
    assert_eq!(other.list("").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn logs_grow_at_their_end_only() {
    let server = Server::shared();
    let storage = server.storage(&[("schema", "logs")]);
    let log = "workspaces/prod/journal/00000001";
    assert_eq!(storage.append(log, 0, b"one\n").await, Ok(4));
    assert_eq!(storage.append(log, 0, b"other\n").await, Err(StorageError::Conflict));
    assert_eq!(storage.append(log, 4, b"two\n").await, Ok(8));
    assert_eq!(storage.append("workspaces/prod/journal/00000002", 0, b"x").await, Ok(1));
    assert_eq!(storage.read_log(log).await.unwrap(), b"one\ntwo\n");
    let logs = ["workspaces/prod/journal/00000001", "workspaces/prod/journal/00000002"];
    assert_eq!(storage.logs("workspaces/prod/").await.unwrap(), logs);
    storage.seal_log(log, 8).await.unwrap();
    storage.seal_log(log, 8).await.unwrap();
    assert_eq!(storage.append(log, 8, b"three\n").await, Err(StorageError::Conflict));
    assert_eq!(storage.read_log(log).await.unwrap(), b"one\ntwo\n");
    storage.remove_log(log).await.unwrap();
    assert_eq!(storage.read_log(log).await.unwrap(), b"");
    assert_eq!(storage.append(log, 8, b"three\n").await, Err(StorageError::Conflict));
    assert_eq!(storage.read_log("workspaces/prod/journal/00000002").await.unwrap(), b"x");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_that_write_at_once_one_does() {
    let server = Server::shared();
    let writers: Vec<_> = (0..8).map(|_| Arc::new(server.storage(&[("schema", "race")]))).collect();
    // The first writes make the schema and the table at the same time, too.
    let won = race(&writers, Condition::Absent).await;
    assert_eq!(won, 1);
    let there = writers[0].read("lock").await.unwrap().unwrap().version;
    assert_eq!(race(&writers, Condition::Unchanged(there)).await, 1);
}

async fn race(writers: &[Arc<PostgresStorage>], condition: Condition) -> usize {
    let write = |writer: Arc<PostgresStorage>, condition| async move {
        writer.write("lock", b"mine", condition).await
    };
    let tasks: Vec<_> =
        writers.iter().map(|writer| tokio::spawn(write(writer.clone(), condition.clone()))).collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(error) => assert_eq!(error, StorageError::Conflict),
        }
    }
    won
}
