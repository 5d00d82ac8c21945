//! Rights: how they are switched on, and by what a service account gets in. Who may do what is compared with a real server's
//! word by the conformance suite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use meshform_sandbox::kube::{Options, World, router};
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRETS: &str = "/api/v1/namespaces/default/secrets";
const SYSTEM: &str = "/right/api/v1/namespaces/kube-system";

fn options() -> Options {
    Options { token: Some("right".to_owned()), network: false, ..Options::default() }
}

async fn send(
    service: &Router,
    method: &str,
    path: &str,
    bearer: &str,
    body: Option<&Value>,
) -> (u16, Value) {
    let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let mut request = Request::builder().method(method).uri(path).header("content-type", media);
    if !bearer.is_empty() {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let response = service.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// A service account, and a token of it.
async fn token_of_account(service: &Router) -> String {
    let account = json!({ "metadata": { "name": "robot" } });
    let accounts = "/right/api/v1/namespaces/default/serviceaccounts";
    send(service, "POST", accounts, "", Some(&account)).await;
    let (code, answer) =
        send(service, "POST", &format!("{accounts}/robot/token"), "", Some(&json!({}))).await;
    assert_eq!(code, 201, "{answer}");
    answer["status"]["token"].as_str().unwrap().to_owned()
}

async fn switch(service: &Router, to: &Value) {
    let annotations = json!({ "sandbox.meshform.dev/authorization": to });
    let patch = json!({ "metadata": { "annotations": annotations } });
    assert_eq!(send(service, "PATCH", SYSTEM, "", Some(&patch)).await.0, 200);
}

/// What is answered to each of these, by how it is asked: path and bearer.
async fn check(service: &Router, token: &str, cases: &[(&str, &str, u16)]) {
    for (path, bearer, expect) in cases {
        let fill = |text: &str| text.replace("TOKEN", token);
        let (code, answer) = send(service, "GET", &fill(path), &fill(bearer), None).await;
        assert_eq!(code, *expect, "{path} {bearer}: {answer}");
    }
}

#[tokio::test]
async fn an_annotation_switches_rights_on_and_off() {
    let service = router(World::in_memory(options()).unwrap());
    let token = token_of_account(&service).await;
    let own = format!("/right{SECRETS}");
    let by_path = format!("/TOKEN{SECRETS}");
    check(
        &service,
        &token,
        &[
            (&own, "", 200),
            (&own, "TOKEN", 200),
            (&by_path, "", 200),
            (SECRETS, "TOKEN", 200),
            (SECRETS, "", 401),
            (SECRETS, "nobody", 401),
            // Nobody asks who it is.
            (&own, "nobody", 200),
        ],
    )
    .await;
    switch(&service, &json!("rbac")).await;
    // The controllers make the roles that every cluster has.
    while send(&service, "GET", "/api", &token, None).await.0 != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    check(
        &service,
        &token,
        &[
            (&own, "", 200),
            (&own, "right", 200),
            (&own, "TOKEN", 403),
            (&by_path, "", 403),
            (SECRETS, "TOKEN", 403),
            (SECRETS, "", 401),
            (&own, "nobody", 401),
            ("/TOKEN/version", "", 200),
            ("/version", "TOKEN", 200),
        ],
    )
    .await;
    switch(&service, &Value::Null).await;
    check(&service, &token, &[(&by_path, "", 200)]).await;
}

#[tokio::test]
async fn a_world_may_be_guarded_from_the_beginning() {
    let service = router(World::in_memory(Options { rbac: true, controllers: false, ..options() }).unwrap());
    let token = token_of_account(&service).await;
    check(&service, &token, &[("/api", "TOKEN", 200), (SECRETS, "TOKEN", 403)]).await;
    let binding = json!({
        "metadata": { "name": "robot" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit" },
        "subjects": [{ "kind": "ServiceAccount", "name": "robot", "namespace": "default" }],
    });
    let bindings = "/right/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
    assert_eq!(send(&service, "POST", bindings, "", Some(&binding)).await.0, 201);
    // What `edit` allows is gathered from other roles.
    check(&service, &token, &[(SECRETS, "TOKEN", 200), ("/api/v1/nodes", "TOKEN", 403)]).await;
}

#[tokio::test]
async fn tokens_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let open = |dir: &Path, token: &str| {
        let options = Options { rbac: true, token: Some(token.to_owned()), ..options() };
        router(World::open(dir, options).unwrap())
    };
    let token = token_of_account(&open(folder.path(), "right")).await;
    check(&open(folder.path(), "right"), &token, &[("/version", "TOKEN", 200)]).await;
    // Whoever knows the world's token could make them.
    check(&open(folder.path(), "other"), &token, &[("/version", "TOKEN", 401)]).await;
}
