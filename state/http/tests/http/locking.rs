//! The protocol's lock: held as long as a lease, broken when its holder is dead, and nobody else's.

use meshform_state::{Storage, StorageError};
use serde_json::json;

use crate::server::{GITLAB, Kind, Server, TERRAFORM};
use crate::{create, replace, text};

#[tokio::test]
async fn it_is_held_as_long_as_the_lease() {
    let server = Server::start(TERRAFORM).await;
    let storage = server.storage();
    create(&storage, "fingerprint.key", "k").await.unwrap();
    assert_eq!(server.requests(), ["LOCK", "GET", "POST", "UNLOCK"]);
    let taken = create(&storage, "lock", "lease").await.unwrap();
    storage.lease_taken().await.unwrap();
    let lock = server.lock().unwrap();
    assert_eq!(server.document().unwrap()["kept"], json!({"lock": lock["ID"], "lease": "lock"}));
    assert_eq!(lock["Operation"], "meshform");
    assert!(lock["Who"].as_str().unwrap().contains('@'), "{lock}");
    server.requests();
    storage.append("journal/1", 0, b"x").await.unwrap();
    assert_eq!(server.lock(), Some(lock));
    assert_eq!(server.requests(), ["GET", "POST"]);
    replace(&storage, "lock", "none", &taken).await.unwrap();
    storage.lease_ended().await.unwrap();
    assert_eq!(server.lock(), None);
    assert_eq!(server.requests(), ["GET", "POST", "UNLOCK"]);
}

/// Another process takes over the lease of one that was killed; what that one still does comes to nothing.
async fn is_taken_over(kind: Kind) {
    let server = Server::start(kind).await;
    let (old, new) = (server.storage(), server.storage());
    let lease = create(&old, "lock", "old").await.unwrap();
    old.lease_taken().await.unwrap();
    let length = old.append("journal/1", 0, b"old").await.unwrap();
    let old_lock = server.lock().unwrap();

    replace(&new, "lock", "new", &lease).await.unwrap();
    new.lease_taken().await.unwrap();
    let lock = server.lock();
    assert_ne!(lock.as_ref().unwrap()["ID"], old_lock["ID"]);
    new.seal_log("journal/1", length).await.unwrap();
    let written = server.document();
    assert_eq!(replace(&old, "lock", "old", &lease).await, Err(StorageError::Conflict));
    assert_eq!(old.append("journal/1", length, b"x").await, Err(StorageError::Conflict));
    assert_eq!((server.document(), server.lock()), (written, lock));
    new.lease_ended().await.unwrap();
    // Free again: the old one is refused by what it finds, and keeps nothing locked.
    assert_eq!(old.append("journal/1", length, b"x").await, Err(StorageError::Conflict));
    assert_eq!(server.lock(), None);
}

#[tokio::test]
async fn terraforms_is_taken_over() {
    is_taken_over(TERRAFORM).await;
}

#[tokio::test]
async fn gitlabs_is_taken_over() {
    is_taken_over(GITLAB).await;
}

#[tokio::test]
async fn of_all_who_break_it_at_once_one_succeeds() {
    let server = Server::start(TERRAFORM).await;
    let killed = server.storage();
    let lease = create(&killed, "lock", "killed").await.unwrap();
    killed.lease_taken().await.unwrap();
    let mut takers = tokio::task::JoinSet::new();
    for taker in 0..6 {
        let (storage, lease) = (server.storage(), lease.clone());
        takers.spawn(async move {
            let taken = replace(&storage, "lock", &taker.to_string(), &lease).await;
            (taken.is_ok(), taken == Err(StorageError::Conflict))
        });
    }
    let outcomes = takers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.0).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| outcome.1).count(), 5, "{outcomes:?}");
}

#[tokio::test]
async fn whoever_was_killed_before_it_wrote_anything_is_dead_after_a_while() {
    let server = Server::start(TERRAFORM).await;
    let storage = server.storage();
    let old =
        json!({"ID": "1", "Operation": "meshform", "Who": "ann@host", "Created": "2026-01-01T00:00:00Z"});
    server.set_lock(Some(old));
    create(&storage, "a", "1").await.unwrap();
    assert_eq!((text(&storage, "a").await.as_deref(), server.lock()), (Some("1"), None));
}

#[tokio::test]
async fn others_locks_are_never_broken() {
    let server = Server::start(TERRAFORM).await;
    let storage = server.storage();
    let lock = json!({
        "ID": "1", "Operation": "OperationTypeApply", "Who": "ann@host", "Created": "2026-01-01T00:00:00Z",
    });
    server.set_lock(Some(lock.clone()));
    let failed = StorageError::Failed {
        attempt: format!("write lock at {}/state", server.url),
        problem:
            "the server says that it is locked by ann@host for OperationTypeApply since 2026-01-01T00:00:00Z"
                .into(),
    };
    assert_eq!(create(&storage, "lock", "lease").await, Err(failed));
    assert_eq!(server.lock(), Some(lock));
}

#[tokio::test]
async fn unlocked_by_force_it_is_taken_again() {
    let server = Server::start(GITLAB).await;
    let storage = server.storage();
    create(&storage, "lock", "lease").await.unwrap();
    storage.lease_taken().await.unwrap();
    server.set_lock(None);
    storage.append("journal/1", 0, b"x").await.unwrap();
    assert_eq!(storage.read_log("journal/1").await.unwrap(), b"x");
    storage.lease_ended().await.unwrap();
    assert_eq!(server.lock(), None);
}

#[tokio::test]
async fn a_lease_of_another_workspace_is_waited_for_while_its_heart_beats() {
    let server = Server::start(TERRAFORM).await;
    let (one, other) = (server.storage(), server.storage());
    create(&one, "workspaces/one/lock", "lease").await.unwrap();
    one.lease_taken().await.unwrap();
    let lock = server.lock().unwrap();
    let mut document = server.document().unwrap();
    assert_eq!(document["kept"], json!({"lock": lock["ID"], "lease": "workspaces/one/lock"}));
    let Err(StorageError::Failed { problem, .. }) = create(&other, "lock", "lease").await else {
        panic!("it was broken")
    };
    assert!(problem.starts_with("the server says that it is locked by "), "{problem}");
    assert_eq!(server.lock(), Some(lock));
    document["at_ms"] = json!(0);
    server.put(&document.to_string());
    create(&other, "lock", "lease").await.unwrap();
    assert_eq!(server.lock(), None);
}
