//! Whom the database lets do little.

use meshform_state::{Condition, Storage};

use crate::server::Server;

#[tokio::test]
async fn who_may_not_make_schemas_uses_the_one_that_is_there() {
    let server = Server::shared();
    server.sql("CREATE ROLE deployer LOGIN PASSWORD 'deployer'; CREATE SCHEMA given; GRANT ALL ON SCHEMA given TO deployer");
    let connection = format!("postgres://deployer@127.0.0.1:{}/postgres", server.port());
    let storage =
        |schema| server.storage(&[("connection", &connection), ("password", "deployer"), ("schema", schema)]);
    storage("given").write("state.json", b"one", Condition::Absent).await.unwrap();
    let error = storage("other").write("state.json", b"one", Condition::Absent).await.unwrap_err();
    assert!(
        error.to_string().ends_with("permission denied for database postgres (SQLSTATE 42501)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_table_of_others_is_not_taken_for_ours() {
    let server = Server::shared();
    server.sql("CREATE SCHEMA theirs; CREATE TABLE theirs.blobs (id int)");
    let error = server.storage(&[("schema", "theirs")]).read("state.json").await.unwrap_err();
    assert!(error.to_string().ends_with("column \"content\" does not exist (SQLSTATE 42703)"), "{error}");
}
