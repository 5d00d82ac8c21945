//! Who the cluster is, and what is said when it cannot be reached.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};

use meshform_engine::ports::{ErrorCode, Provider};
use serde_json::{Value as Json, json};

use crate::world::{World, target};

async fn check(world: &World, attributes: Json, code: ErrorCode, says: &[&str]) {
    let shown = attributes.to_string();
    let Err(error) = world.provider().connect(&target(attributes)).await else { panic!("{shown} connects") };
    assert_eq!(error.code, code, "{shown}: {error}");
    for text in says {
        assert!(error.to_string().contains(text), "{shown}: {error}");
    }
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

/// A server that knows no TLS.
fn stranger() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let _ = connection.and_then(|mut it| it.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_say_where_and_what_to_do() {
    let world = World::new("connect").await;
    assert!(!world.identity().is_empty());
    let dead = "http://127.0.0.1:1";
    check(
        &world,
        json!({ "server": dead, "token": "hunter2" }),
        ErrorCode::Unreachable,
        &["127.0.0.1:1", "refused", "Check that the cluster runs"],
    )
    .await;
    // Who answers otherwise than the server is reached, and not trusted.
    let stranger = json!({ "server": format!("https://{}", stranger()), "token": "hunter2" });
    check(&world, stranger, ErrorCode::Other, &["Not the cluster that is meant", "certificate authority"])
        .await;
    check(
        &world,
        json!({ "kubeconfig": "no/such/file" }),
        ErrorCode::Invalid,
        &["cluster.test", "no/such/file"],
    )
    .await;
    check(&world, json!({ "kubeconfig_content": "a: [hunter2" }), ErrorCode::Invalid, &["not valid YAML"])
        .await;
    let context = json!({ "kubeconfig_content": "{}", "context": "nowhere" });
    check(&world, context, ErrorCode::Invalid, &["nowhere"]).await;
    check(&world, json!({ "sandbox": true }), ErrorCode::Unreachable, &["there is no sandbox here"]).await;
    check(&world, json!({ "sandbox": true, "server": dead }), ErrorCode::Invalid, &["two ways to connect"])
        .await;
    let exec = |command: &str| {
        json!({
            "clusters": [{ "name": "x", "cluster": { "server": dead } }],
            "users": [{ "name": "x", "user": { "exec": {
                "apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": ["-c", "echo hunter2; exit 3"],
            } } }],
            "contexts": [{ "name": "x", "context": { "cluster": "x", "user": "x" } }],
            "current-context": "x",
        })
        .to_string()
    };
    check(
        &world,
        json!({ "kubeconfig_content": exec("sh") }),
        ErrorCode::Denied,
        &["plugin", "exit status: 3"],
    )
    .await;
    check(
        &world,
        json!({ "kubeconfig_content": exec("no-such-plugin") }),
        ErrorCode::Denied,
        &["cannot be started"],
    )
    .await;
}
