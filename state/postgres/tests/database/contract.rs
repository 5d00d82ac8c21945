//! What every storage does, and what this one does besides.

use std::sync::Arc;

use meshform_state::{Condition, Storage, StorageError, Version};

use crate::server::Server;
use crate::{races, suite};

fn pair(server: &Server, schema: &str) -> [Arc<dyn Storage>; 2] {
    // The first writes of both make the schema and the table at the same time.
    [(); 2].map(|()| Arc::new(server.storage(&[("schema", schema)])) as Arc<dyn Storage>)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms() {
    suite::conforms(&pair(&Server::shared(), "suite")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_runs() {
    races::one_runs(&pair(&Server::shared(), "races")).await;
}

#[tokio::test]
async fn nothing_is_there_before_the_first_write() {
    let server = Server::shared();
    let storage = server.storage(&[("schema", "unmade")]);
    assert_eq!(storage.read("state.json").await, Ok(None));
    assert_eq!(storage.list("").await, Ok(vec![]));
    assert_eq!(storage.read_log("journal/1").await, Ok(vec![]));
    assert_eq!(storage.remove("state.json").await, Ok(()));
    assert_eq!(server.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'unmade'"), "0");
    for version in ["1", "an entity tag"] {
        let old = Condition::Unchanged(Version(version.into()));
        assert_eq!(storage.write("state.json", b"x", old).await, Err(StorageError::Conflict));
    }
}

#[tokio::test]
async fn stacks_and_schemas_do_not_see_each_other() {
    let server = Server::shared();
    let web = server.storage(&[("schema", "Two \"of\" a.kind")]);
    let shop = server.storage(&[("schema", "stacks"), ("stack", "shop")]);
    web.write("a/b", b"web", Condition::Absent).await.unwrap();
    shop.write("a/b", b"shop", Condition::Absent).await.unwrap();
    shop.write("a/c", b"shop", Condition::Absent).await.unwrap();
    assert_eq!(web.read("a/b").await.unwrap().unwrap().content, b"web");
    assert_eq!(web.list("").await.unwrap(), ["a/b"]);
    assert_eq!(shop.list("a/").await.unwrap(), ["a/b", "a/c"]);
    let other = server.storage(&[("schema", "stacks")]);
    assert_eq!(other.list("").await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_several_make_at_once_is_made_once() {
    let server = Server::shared();
    let writers: Vec<_> = (0..8).map(|_| server.storage(&[("schema", "unmade_by_many")])).collect();
    let tasks = writers.into_iter().enumerate().map(|(number, writer)| {
        tokio::spawn(async move { writer.write(&format!("{number}"), b"x", Condition::Absent).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
}
