//! Whatever happens to the connection or the server, a write is done or not, and it is known which.

use std::process::Stdio;
use std::time::Duration;

use meshform_state::{Condition, Storage, StorageError};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::proxy::{Fault, Proxy};
use crate::server::{PASSWORD, Server, storage};

fn failed(error: &StorageError) -> (&str, &str) {
    match error {
        StorageError::Failed { attempt, problem } => (attempt, problem),
        StorageError::Conflict => panic!("no conflict was to be found"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_is_sent_again_and_what_was_done_is_not_done_twice() {
    let server = Server::shared();
    let proxy = Proxy::before(server.port()).await;
    let storage = storage(proxy.port(), &[("schema", "cuts")]);
    let mut version = storage.write("state.json", b"0", Condition::Absent).await.unwrap();
    for (number, fault) in [Fault::CutRequest, Fault::LoseAnswer, Fault::LoseAnswer].into_iter().enumerate() {
        proxy.next(Some(fault));
        let content = format!("{number}").repeat(50_000);
        let condition = Condition::Unchanged(version);
        version = storage.write("state.json", content.as_bytes(), condition).await.unwrap();
        let blob = storage.read("state.json").await.unwrap().unwrap();
        assert!(blob.content == content.as_bytes() && blob.version == version);
    }
    proxy.next(Some(Fault::LoseAnswer));
    assert_eq!(storage.append("journal/1", 0, b"line\n").await, Ok(5));
    proxy.next(Some(Fault::CutRequest));
    assert_eq!(storage.append("journal/1", 5, b"line\n").await, Ok(10));
    assert_eq!(storage.read_log("journal/1").await.unwrap(), b"line\nline\n");
    proxy.next(Some(Fault::LoseAnswer));
    assert_eq!(storage.append("journal/1", 0, b"line\n").await, Err(StorageError::Conflict));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_waited_for() {
    let server = Server::start();
    let storage = server.storage(&[]);
    let version = storage.write("state.json", b"one", Condition::Absent).await.unwrap();
    server.crash();
    let condition = Condition::Unchanged(version);
    let (written, ()) = tokio::join!(storage.write("state.json", b"two", condition), async {
        sleep(Duration::from_millis(300)).await;
        server.start_again();
    });
    let blob = storage.read("state.json").await.unwrap().unwrap();
    assert_eq!((blob.content.as_slice(), Ok(blob.version)), (b"two".as_slice(), written));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let storage = storage(free, &[("timeout_seconds", "1")]);
    let error = storage.read("state.json").await.unwrap_err();
    let place = format!("postgres://127.0.0.1:{free}/postgres?schema=meshform&stack=web");
    assert_eq!(
        failed(&error),
        (format!("read \"state.json\" in {place}").as_str(), "no answer within 1 seconds")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stays_silent_is_waited_for_only_so_long() {
    let server = Server::shared();
    let proxy = Proxy::before(server.port()).await;
    let storage = storage(proxy.port(), &[("schema", "silence"), ("timeout_seconds", "1")]);
    let version = storage.write("state.json", b"one", Condition::Absent).await.unwrap();
    proxy.next(Some(Fault::Silence));
    let error = storage.write("state.json", b"two", Condition::Unchanged(version.clone())).await.unwrap_err();
    assert_eq!(failed(&error).1, "no answer within 1 seconds");
    proxy.next(None);
    // It was done, wholly, and so is not done again.
    let error = storage.write("state.json", b"three", Condition::Unchanged(version)).await.unwrap_err();
    assert_eq!(error, StorageError::Conflict);
    assert_eq!(storage.read("state.json").await.unwrap().unwrap().content, b"two");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_server_too_long_is_not_done() {
    let server = Server::shared();
    let storage = server.storage(&[("schema", "slow"), ("timeout_seconds", "1")]);
    let version = storage.write("state.json", b"one", Condition::Absent).await.unwrap();
    let mut holder = server
        .psql("BEGIN; LOCK TABLE slow.blobs; SELECT pg_sleep(4)")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'slow.blobs'::regclass";
    while server.sql(held) != "1" {
        sleep(Duration::from_millis(20)).await;
    }
    let error = storage.write("state.json", b"two", Condition::Unchanged(version.clone())).await.unwrap_err();
    assert_eq!(failed(&error).1, "canceling statement due to statement timeout (SQLSTATE 57014)");
    holder.wait().unwrap();
    let blob = storage.read("state.json").await.unwrap().unwrap();
    assert_eq!((blob.content.as_slice(), blob.version), (b"one".as_slice(), version));
}

#[tokio::test]
async fn no_message_holds_the_password() {
    let server = Server::shared();
    let wrong = format!("postgres://admin:{PASSWORD}x@127.0.0.1:{}/postgres", server.port());
    let storage = server.storage(&[("connection", &wrong)]);
    let error = storage.read("state.json").await.unwrap_err();
    let told = format!("{error} {error:?} {storage:?} {}", storage.place());
    assert!(!told.contains("hunter2"), "{told}");
    let denied = "password authentication failed for user \"admin\" (SQLSTATE 28P01)";
    assert!(error.to_string().ends_with(denied), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_ends_with_the_storage() {
    let server = Server::start();
    let before = Handle::current().metrics().num_alive_tasks();
    let storage = server.storage(&[(
        "connection",
        &format!("host=127.0.0.1 port={} user=admin dbname=postgres application_name=ours", server.port()),
    )]);
    storage.write("state.json", b"one", Condition::Absent).await.unwrap();
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ours'";
    assert_eq!(server.sql(ours), "1");
    drop(storage);
    for _ in 0..500 {
        if server.sql(ours) == "0" && Handle::current().metrics().num_alive_tasks() == before {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the connection, or what keeps it, is still there");
}
