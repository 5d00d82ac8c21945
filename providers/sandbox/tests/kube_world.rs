//! A world's life: what it keeps, what it watches, what answers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use futures::StreamExt;
use http::{Request, StatusCode};
use meshform_sandbox::kube::{Error, Options, World, router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PATIENCE: Duration = Duration::from_secs(20);

fn options() -> Options {
    Options {
        name: "test".to_owned(),
        pod_start: Duration::from_millis(5),
        network: false,
        ..Options::default()
    }
}

async fn send(service: &Router, method: &str, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
    let apply = method == "PATCH";
    let path = if apply { format!("{path}?fieldManager=test&force=true") } else { path.to_owned() };
    let media = if apply { "application/apply-patch+yaml" } else { "application/json" };
    let request = Request::builder().method(method).uri(path).header("content-type", media);
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let response = service.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn config_map(name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": name, "labels": { "own": "yes" } },
        "data": { "index.html": value },
    })
}

/// Asks again until the answer is as wanted.
async fn until(service: &Router, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let asked = async {
        loop {
            let (_, answer) = send(service, "GET", path, None).await;
            if wanted(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{path} did not become as wanted"))
}

async fn identity(service: &Router) -> String {
    let (_, namespace) = send(service, "GET", "/api/v1/namespaces/kube-system", None).await;
    namespace["metadata"]["uid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn keeps_its_objects() {
    let dir = tempfile::tempdir().unwrap();
    let service = router(World::open(dir.path(), options()).unwrap());
    let before = identity(&service).await;
    send(&service, "POST", CONFIG_MAPS, Some(&config_map("kept", "1"))).await;
    send(&service, "POST", CONFIG_MAPS, Some(&config_map("gone", "1"))).await;
    send(&service, "DELETE", &format!("{CONFIG_MAPS}/gone"), None).await;
    let (_, kept) = send(&service, "GET", &format!("{CONFIG_MAPS}/kept"), None).await;
    drop(service);
    tear(dir.path());

    let service = router(World::open(dir.path(), options()).unwrap());
    assert_eq!(identity(&service).await, before);
    assert_eq!(
        send(&service, "GET", &format!("{CONFIG_MAPS}/kept"), None).await,
        (StatusCode::OK, kept.clone())
    );
    assert_eq!(send(&service, "GET", &format!("{CONFIG_MAPS}/gone"), None).await.0, StatusCode::NOT_FOUND);
    let (_, newer) =
        send(&service, "PATCH", &format!("{CONFIG_MAPS}/kept"), Some(&config_map("kept", "2"))).await;
    let version =
        |object: &Value| object["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(version(&newer) > version(&kept));
}

/// What a kill in the midst of a write leaves.
fn tear(dir: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().append(true).open(dir.join("world.jsonl")).unwrap();
    file.write_all(b"[\"put\",\"configmaps\",{\"metadata\":{\"na").unwrap();
}

#[tokio::test]
async fn refuses_a_corrupt_journal() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("world.jsonl"), "[\"revision\",1]\nnot json\n").unwrap();
    assert!(matches!(World::open(dir.path(), options()), Err(Error::Corrupt { line: 2, .. })));
}

#[test]
fn controllers_need_a_runtime() {
    assert!(matches!(World::in_memory(options()), Err(Error::NoRuntime)));
}

#[tokio::test]
async fn asks_for_the_token() {
    let service = router(World::in_memory(Options { token: Some("right".to_owned()), ..options() }).unwrap());
    let cases = [
        ("/version", 401),
        ("/wrong/version", 401),
        ("/right", 401),
        ("/righty/version", 401),
        ("//version", 401),
    ];
    for (path, expect) in
        cases.into_iter().chain([("/right/version", 200), ("/right/api/v1/namespaces", 200)])
    {
        let request = Request::builder().uri(path);
        let response = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), expect, "{path}");
    }
}

struct Events(BodyDataStream);

impl Events {
    async fn open(service: &Router, query: &str) -> Self {
        let request =
            Request::builder().uri(format!("{CONFIG_MAPS}?watch=1&labelSelector=own%3Dyes&{query}"));
        let response = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        Self(response.into_body().into_data_stream())
    }

    async fn next(&mut self) -> (String, Value) {
        let line = tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap();
        let event: Value = serde_json::from_slice(&line).unwrap();
        (event["type"].as_str().unwrap().to_owned(), event["object"].clone())
    }

    async fn expect(&mut self, kind: &str, name: &str) {
        let (got, object) = self.next().await;
        assert_eq!((got.as_str(), object["metadata"]["name"].as_str().unwrap_or_default()), (kind, name));
    }
}

#[tokio::test]
async fn watches() {
    let service = router(World::in_memory(options()).unwrap());
    send(&service, "POST", CONFIG_MAPS, Some(&config_map("a", "1"))).await;
    let mut events = Events::open(
        &service,
        "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan",
    )
    .await;
    events.expect("ADDED", "a").await;
    let (kind, bookmark) = events.next().await;
    assert_eq!(kind, "BOOKMARK");
    assert_eq!(bookmark["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    let from = bookmark["metadata"]["resourceVersion"].as_str().unwrap();

    send(&service, "POST", CONFIG_MAPS, Some(&config_map("b", "1"))).await;
    send(&service, "PATCH", &format!("{CONFIG_MAPS}/b"), Some(&config_map("b", "2"))).await;
    let unlabelled = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "labels": { "own": "no" } } });
    send(&service, "PUT", &format!("{CONFIG_MAPS}/a"), Some(&unlabelled)).await;
    send(&service, "DELETE", &format!("{CONFIG_MAPS}/b"), None).await;
    let mut resumed = Events::open(&service, &format!("resourceVersion={from}")).await;
    for events in [&mut events, &mut resumed] {
        events.expect("ADDED", "b").await;
        events.expect("MODIFIED", "b").await;
        events.expect("DELETED", "a").await;
        events.expect("DELETED", "b").await;
    }
}

#[tokio::test]
async fn a_watch_from_too_far_back_has_expired() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), options()).unwrap();
    send(&router(world), "POST", CONFIG_MAPS, Some(&config_map("a", "1"))).await;
    // The history does not outlive the process.
    let service = router(World::open(dir.path(), options()).unwrap());
    let mut events = Events::open(&service, "resourceVersion=1").await;
    let (kind, status) = events.next().await;
    assert_eq!(
        (kind.as_str(), &status["code"], &status["reason"]),
        ("ERROR", &json!(410), &json!("Expired"))
    );
}

fn deployment(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "web" },
        "spec": {
            "replicas": 2,
            "progressDeadlineSeconds": 1,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": {
                    "containers": [{
                        "name": "web",
                        "image": image,
                        "ports": [{ "name": "http", "containerPort": 18080 }],
                        "env": [
                            { "name": "MODE", "value": "plain" },
                            { "name": "KEY", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "key" } } },
                        ],
                        "volumeMounts": [{ "name": "html", "mountPath": "/usr/share/nginx/html" }],
                    }],
                    "volumes": [{ "name": "html", "configMap": { "name": "html" } }],
                },
            },
        },
    })
}

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn condition<'o>(object: &'o Value, kind: &str) -> &'o Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.and_then(|all| all.iter().find(|own| own["type"] == kind)).unwrap_or(&Value::Null)
}

async fn try_get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn get(address: &str, path: &str) -> String {
    try_get(address, path).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_answer_through_their_service() {
    let dir = tempfile::tempdir().unwrap();
    let open = || World::open(dir.path(), Options { network: true, ..options() }).unwrap();
    let world = open();
    let service = router(Arc::clone(&world));
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys" }, "stringData": { "key": "hush" } });
    send(&service, "POST", "/api/v1/namespaces/default/secrets", Some(&secret)).await;
    send(&service, "POST", CONFIG_MAPS, Some(&config_map("html", "<h1>one</h1>"))).await;
    send(&service, "POST", DEPLOYMENTS, Some(&deployment("nginx:1"))).await;
    let web = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "web" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "port": 18081, "targetPort": "http" }] },
    });
    let (_, created) = send(&service, "POST", "/api/v1/namespaces/default/services", Some(&web)).await;
    let address = format!("{}:18081", created["spec"]["clusterIP"].as_str().unwrap());
    until(&service, &format!("{DEPLOYMENTS}/web"), |found| condition(found, "Available")["status"] == "True")
        .await;
    let ready = |found: &Value| {
        found["items"][0]["endpoints"].as_array().is_some_and(|all| {
            all.len() == 2 && all.iter().all(|endpoint| endpoint["conditions"]["ready"] == true)
        })
    };
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    until(&service, slices, ready).await;

    assert!(get(&address, "/").await.ends_with("<h1>one</h1>"));
    send(&service, "PATCH", &format!("{CONFIG_MAPS}/html"), Some(&config_map("html", "<h1>two</h1>"))).await;
    assert!(get(&address, "/").await.ends_with("<h1>two</h1>"));
    let told = get(&address, "/about").await;
    assert!(told.contains("MODE=plain") && told.contains("KEY=(secret)") && !told.contains("hush"), "{told}");
    let mut pods = std::collections::BTreeSet::new();
    for _ in 0..4 {
        let told = get(&address, "/about").await;
        pods.insert(told.lines().find(|line| line.starts_with("pod:")).unwrap().to_owned());
    }
    assert_eq!(pods.len(), 2, "connections go to the pods in turn");

    drop((service, world));
    let service = router(open());
    until(&service, slices, ready).await;
    // Until then the connection may be refused, or be the last one to what went down.
    let again = async {
        while !try_get(&address, "/").await.is_ok_and(|answer| answer.ends_with("<h1>two</h1>")) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn a_rollout_of_an_absent_image_fails_and_the_old_pods_stay() {
    let service = router(World::in_memory(options()).unwrap());
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys" } });
    send(&service, "POST", "/api/v1/namespaces/default/secrets", Some(&secret)).await;
    send(&service, "POST", CONFIG_MAPS, Some(&config_map("html", ""))).await;
    let path = format!("{DEPLOYMENTS}/web");
    send(&service, "PATCH", &path, Some(&deployment("nginx:1"))).await;
    until(&service, &path, |found| condition(found, "Progressing")["reason"] == "NewReplicaSetAvailable")
        .await;
    send(&service, "PATCH", &path, Some(&deployment("nginx:does-not-exist"))).await;
    let failed = until(&service, &path, |found| {
        condition(found, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    })
    .await;
    assert_eq!(failed["status"]["availableReplicas"], 2);
    let (_, pods) = send(&service, "GET", "/api/v1/namespaces/default/pods", None).await;
    let waiting: Vec<&Value> = pods["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pod| &pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"])
        .filter(|reason| !reason.is_null())
        .collect();
    assert_eq!(waiting, ["ImagePullBackOff"]);
    send(&service, "PATCH", &path, Some(&deployment("nginx:2"))).await;
    until(&service, &path, |found| condition(found, "Progressing")["reason"] == "NewReplicaSetAvailable")
        .await;
}
