//! Whether the store honours conditions is found out before anything is written.

use meshform_state::StorageError;

use crate::create;
use crate::server::Server;

#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused() {
    for (header, name) in [("if-none-match", "If-None-Match"), ("if-match", "If-Match")] {
        let server = Server::ignoring(header).await;
        let storage = server.storage();
        for _ in 0..2 {
            let failed = StorageError::Failed {
                attempt: "prepare conditional writes at s3://states/teams/web".into(),
                problem: format!(
                    "the store ignores {name}, so that nothing could be locked: it cannot hold a state"
                ),
            };
            assert_eq!(create(&storage, "lock", "x").await, Err(failed));
        }
        assert!(!server.is_there("teams/web/lock"));
    }
}

#[tokio::test]
async fn it_costs_two_requests_of_a_run() {
    let server = Server::start().await;
    create(&server.storage(), "a", "1").await.unwrap();
    server.requests();
    let storage = server.storage();
    create(&storage, "b", "2").await.unwrap();
    create(&storage, "c", "3").await.unwrap();
    let put = |name: &str| format!("PUT /states/teams/web/{name}");
    let probe = put("conditions.probe");
    assert_eq!(server.requests(), [probe.clone(), probe, put("b"), put("c")]);
}
