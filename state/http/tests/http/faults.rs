//! What a server or the way to it may do wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use meshform_state::{Storage, StorageError};
use meshform_state_http::HttpStorage;

use crate::server::{Fault, GITLAB, Server, TERRAFORM};
use crate::{create, replace, text};

const LATE: Fault = Fault::Late(Duration::from_millis(1500));

/// A write succeeds, is there once, and leaves nothing locked, whatever happens to these requests.
async fn passes(method: &str, faults: &[Fault]) {
    let server = Server::start(TERRAFORM).await;
    let storage = server.hasty();
    let version = create(&storage, "a", "1").await.unwrap();
    server.fail(method, faults);
    let written = replace(&storage, "a", "2", &version).await;
    assert!(written.is_ok(), "{method} {faults:?}: {written:?}");
    assert_eq!(text(&storage, "a").await.as_deref(), Some("2"), "{method} {faults:?}");
    assert_eq!(storage.read("a").await.unwrap().unwrap().version, written.unwrap());
    // What was left locked is given back with the next change.
    create(&storage, "b", "").await.unwrap();
    assert_eq!(server.lock(), None, "{method} {faults:?}");
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for method in ["GET", "LOCK", "POST", "UNLOCK"] {
        for fault in [Fault::Status(500), Fault::Status(429), Fault::CutWithin, Fault::CutAfter] {
            passes(method, &[fault]).await;
        }
        passes(method, &[Fault::Status(503), Fault::Status(502), Fault::CutWithin]).await;
    }
}

#[tokio::test]
async fn what_is_late_is_not_waited_for() {
    for method in ["GET", "LOCK", "POST"] {
        passes(method, &[LATE]).await;
    }
}

#[tokio::test]
async fn a_document_that_arrives_late_overwrites_nothing() {
    let server = Server::start(GITLAB).await;
    let storage = server.hasty();
    // GitLab locks by POST, too: the second one is the document's.
    server.fail("POST", &[Fault::Late(Duration::ZERO), LATE]);
    create(&storage, "a", "1").await.unwrap();
    create(&storage, "b", "2").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        (text(&storage, "a").await.as_deref(), text(&storage, "b").await.as_deref()),
        (Some("1"), Some("2"))
    );
    assert_eq!(server.document().unwrap()["serial"], 2);
}

#[tokio::test]
async fn what_stays_is_told_without_secrets() {
    let server = Server::start(TERRAFORM).await;
    server.require("Basic YW5uOmh1bnRlcjI=");
    let mut settings = server.settings();
    settings.insert("address".into(), format!("{}/state?token=hunter2", server.url));
    let storage = HttpStorage::new(&settings, &BTreeMap::new()).unwrap();
    let place = format!("{}/state", server.url);
    let failed = |problem: &str| StorageError::Failed {
        attempt: format!("write a at {place}"),
        problem: problem.to_owned(),
    };
    assert_eq!(create(&storage, "a", "hunter2").await, Err(failed("the server answered 401 Unauthorized")));
    assert_eq!(storage.place(), place);

    settings.insert("address".into(), format!("{}/state", server.url));
    settings.extend([("username", "ann"), ("password", "hunter2")].map(|(a, b)| (a.into(), b.into())));
    let storage = HttpStorage::new(&settings, &BTreeMap::new()).unwrap();
    server.fail("POST", &[Fault::Status(500); 5]);
    let problem = "the server answered 500 Internal Server Error";
    assert_eq!(create(&storage, "a", "hunter2").await, Err(failed(problem)));
    server.fail("POST", &[Fault::Status(413)]);
    assert_eq!(create(&storage, "a", "").await, Err(failed("the server answered 413 Payload Too Large")));
    assert_eq!(server.document(), None);
    assert_eq!(server.lock(), None);
    assert!(create(&storage, "a", "").await.is_ok());
    assert_eq!(format!("{storage:?}"), format!("HttpStorage {{ place: {place:?}, .. }}"));
}

#[tokio::test]
async fn nobody_there_is_told() {
    let server = Server::start(TERRAFORM).await;
    let mut settings = server.settings();
    // Nothing listens on the discard port of a test machine.
    settings.insert("address".into(), "http://127.0.0.1:9/state".into());
    let storage = HttpStorage::new(&settings, &BTreeMap::new()).unwrap();
    let Err(StorageError::Failed { attempt, problem }) = storage.read("a").await else {
        panic!("somebody was there")
    };
    assert_eq!(attempt, "read a at http://127.0.0.1:9/state");
    assert!(problem.contains("refused"), "{problem}");
}
