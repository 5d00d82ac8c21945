//! What a store or the way to it may do wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use meshform_state::{Storage, StorageError};
use meshform_state_s3::S3Storage;

use crate::server::{Fault, Server};
use crate::{create, replace, text};

const LATE: Fault = Fault::Late(Duration::from_millis(1500));

/// Writing and reading succeed whatever happens to these requests.
async fn passes(method: &Method, faults: &[Fault]) {
    let server = Server::start().await;
    let storage = server.hasty();
    let version = create(&storage, "a", "1").await.unwrap();
    server.fail(method.clone(), faults);
    let written = replace(&storage, "a", "2", &version).await;
    assert!(written.is_ok(), "{method} {faults:?}: {written:?}");
    assert_eq!(storage.read("a").await.unwrap().unwrap().version, written.unwrap(), "{method} {faults:?}");
    server.fail(method.clone(), faults);
    let length = storage.append("journal/1", 0, b"one").await;
    assert_eq!(length, Ok(3), "{method} {faults:?}");
    assert_eq!(storage.read_log("journal/1").await.unwrap(), b"one", "{method} {faults:?}");
    server.fail(method.clone(), faults);
    storage.remove("a").await.unwrap();
    assert_eq!(text(&storage, "a").await, None, "{method} {faults:?}");
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        for fault in
            [500, 503, 429, 409].map(Fault::Status).into_iter().chain([Fault::CutWithin, Fault::CutAfter])
        {
            passes(&method, &[fault]).await;
        }
        passes(&method, &[Fault::Status(503), Fault::Status(500), Fault::CutAfter]).await;
    }
}

#[tokio::test]
async fn what_is_late_is_not_waited_for() {
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        passes(&method, &[LATE]).await;
    }
}

#[tokio::test]
async fn a_lost_answer_does_not_make_anothers_write_ours() {
    let server = Server::start().await;
    let (a, b) = (server.storage(), server.storage());
    let version = create(&a, "lock", "free").await.unwrap();
    replace(&b, "lock", "of b", &version).await.unwrap();
    server.fail(Method::PUT, &[Fault::CutAfter]);
    assert_eq!(replace(&a, "lock", "of a", &version).await, Err(StorageError::Conflict));
    server.fail(Method::PUT, &[Fault::CutAfter]);
    assert_eq!(create(&a, "lock", "of a").await, Err(StorageError::Conflict));
    assert_eq!(text(&a, "lock").await.as_deref(), Some("of b"));
}

#[tokio::test]
async fn a_put_that_is_cut_leaves_what_was_there() {
    let server = Server::start().await;
    let storage = server.storage();
    let large = "x".repeat(1 << 20);
    let version = create(&storage, "state.json", &large).await.unwrap();
    server.fail(Method::PUT, &[Fault::CutWithin; 5]);
    let Err(StorageError::Failed { attempt, .. }) =
        replace(&storage, "state.json", &"y".repeat(1 << 20), &version).await
    else {
        panic!("it was not cut")
    };
    assert_eq!(attempt, "write state.json at s3://states/teams/web");
    assert_eq!(text(&storage, "state.json").await, Some(large));
}

#[tokio::test]
async fn what_stays_is_told_without_secrets() {
    let server = Server::start().await;
    let storage = server.storage();
    create(&storage, "a", "1").await.unwrap();
    let failed = |problem: &str| StorageError::Failed {
        attempt: "write b at s3://states/teams/web".to_owned(),
        problem: problem.to_owned(),
    };
    server.fail(Method::PUT, &[Fault::Status(500); 5]);
    let problem = "the server answered 500 Internal Server Error (Example)";
    assert_eq!(create(&storage, "b", "x").await, Err(failed(problem)));
    server.fail(Method::PUT, &[Fault::Status(403)]);
    assert_eq!(create(&storage, "b", "x").await, Err(failed("the server answered 403 Forbidden (Example)")));
    server.fail(Method::PUT, &[Fault::Status(501)]);
    let problem = "the server answered 501 Not Implemented (Example)";
    assert_eq!(create(&storage, "b", "x").await, Err(failed(problem)));
    assert_eq!(text(&storage, "b").await, None);
    assert_eq!(format!("{storage:?}"), r#"S3Storage { place: "s3://states/teams/web", .. }"#);
}

#[tokio::test]
async fn whom_the_server_does_not_know_is_told() {
    let server = Server::start().await;
    let check = async |setting: (&str, &str), expect: &str| {
        let mut settings = server.settings();
        settings.insert(setting.0.to_owned(), setting.1.to_owned());
        let storage = S3Storage::new(&settings, &BTreeMap::new()).unwrap();
        let Err(StorageError::Failed { attempt, problem }) = storage.list("a").await else {
            panic!("it was listed")
        };
        assert!(attempt.starts_with("list a at s3://"), "{attempt}");
        assert!(problem.contains(expect) && !problem.contains("hunter2"), "{problem}");
    };
    check(("secret_key", "hunter2"), "403 Forbidden (SignatureDoesNotMatch)").await;
    check(("access_key", "OTHER"), "403 Forbidden (").await;
    check(("bucket", "missing"), "404 Not Found (NoSuchBucket)").await;
    // Nothing listens on the discard port of a test machine.
    check(("endpoint", "http://127.0.0.1:9"), "refused").await;
}
