//! How far the server is trusted.

use meshform_state::Storage;

use crate::server::Server;

const IS_ENCRYPTED: &str =
    "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = ";

/// Whether it connects, and if so whether encrypted.
async fn check(server: &Server, host: &str, mode: &str, ca: Option<&str>, expect: Result<bool, &str>) {
    let name = format!("{host}-{mode}-{}", ca.is_some());
    let port = server.port();
    let connection =
        format!("host={host} port={port} user=admin dbname=postgres application_name={name} sslmode={mode}");
    let mut settings = vec![("connection", connection.as_str())];
    settings.extend(ca.map(|ca| ("ca", ca)));
    let storage = server.storage(&settings);
    let read = storage.read("state.json").await;
    let found = match read {
        Ok(_) => Ok(server.sql(&format!("{IS_ENCRYPTED} '{name}'")) == "t"),
        Err(error) => Err(error.to_string()),
    };
    match (&found, expect) {
        (Ok(found), Ok(expect)) => assert_eq!(*found, expect, "{name}"),
        (Err(found), Err(expect)) => assert!(found.contains(expect), "{name}: {found}"),
        _ => panic!("{name}: {found:?}"),
    }
}

#[tokio::test]
async fn each_mode_trusts_as_far_as_libpq_does() {
    let server = Server::shared();
    let (own, other) = (server.ca(), Server::start().ca());
    let (own, other) = (Some(own.as_str()), Some(other.as_str()));
    check(&server, "127.0.0.1", "disable", None, Ok(false)).await;
    check(&server, "127.0.0.1", "prefer", None, Ok(true)).await;
    check(&server, "127.0.0.1", "require", None, Ok(true)).await;
    check(&server, "127.0.0.1", "require", other, Err("invalid peer certificate: BadSignature")).await;
    check(&server, "127.0.0.1", "verify-ca", own, Ok(true)).await;
    check(&server, "127.0.0.1", "verify-ca", other, Err("invalid peer certificate: BadSignature")).await;
    check(&server, "localhost", "verify-full", own, Ok(true)).await;
    check(&server, "127.0.0.1", "verify-full", own, Err("certificate not valid for name")).await;
    check(&server, "localhost", "verify-full", None, Err("invalid peer certificate: UnknownIssuer")).await;
    let socket = server.socket_folder().display().to_string();
    check(&server, &socket, "verify-full", own, Ok(false)).await;
}
