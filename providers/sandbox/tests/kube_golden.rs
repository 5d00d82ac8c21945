//! The embedded API against recordings of a real kube-apiserver (1.36.3 with its controllers).
//!
//! Each file of `data/golden` is a script: requests in order, with the answers of the real server. They are replayed against
//! a world of ours, and the answers compared, with what differs from run to run (UIDs, times, versions, addresses) evened out.
//! `GOLDEN_SHOW=1` prints every difference instead of failing at the first script.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use meshform_sandbox::kube::{Options, World, router};

use serde_json::{Value, json};
use tower::ServiceExt;

/// Scripts in the order in which they were recorded: later ones build on earlier ones.
const SCRIPTS: [(&str, &str); 11] = [
    ("discovery", include_str!("../data/golden/discovery.json")),
    ("configmap", include_str!("../data/golden/configmap.json")),
    ("finalizer", include_str!("../data/golden/finalizer.json")),
    ("namespace", include_str!("../data/golden/namespace.json")),
    ("deployment", include_str!("../data/golden/deployment.json")),
    ("service", include_str!("../data/golden/service.json")),
    ("other-kinds", include_str!("../data/golden/other-kinds.json")),
    ("errors", include_str!("../data/golden/errors.json")),
    ("other-writes", include_str!("../data/golden/other-writes.json")),
    ("list", include_str!("../data/golden/list.json")),
    ("crd", include_str!("../data/golden/crd.json")),
];

/// What is known to differ: calls by the beginnings of their names, places by what they contain, and why.
const KNOWN: [(&str, &str, &str); 21] = [
    ("discovery/01", "/body/", "the build is another one"),
    ("discovery/07", "serverAddress", "the recorded server's port"),
    ("discovery/", "storageVersionHash", "storage has no versions here"),
    ("crd/07", "storageVersionHash", "storage has no versions here"),
    ("service/", "fakekubelet", "who gives the recorded load balancer its address"),
    ("service/", "loadBalancer/ingress/0/ip", "addresses are loopback ones"),
    ("other-kinds/10", "Replicas", "the recorded pod had not become ready"),
    ("other-kinds/10", "Revision", "hashes of templates are our own"),
    ("other-kinds/12", "/body/status/", "three nodes, not one"),
    ("other-kinds/22", "/body/", "claims are bound at once"),
    ("other-kinds/28", "/body/", "the recorded kubelet did not mind a missing ConfigMap"),
    ("other-kinds/36", "/body/", "the recorded kubelet did not mind a missing ConfigMap"),
    ("other-kinds/30", "/message", "a dump of the server's Go structs"),
    ("other-kinds/35", "/message", "a diff of the server's Go structs"),
    ("errors/07", "/message", "fields in the order of the body"),
    ("list/09", "/message", "the words of Go's JSON parser"),
    ("list/12", "/message", "names the newest resource version"),
    ("list/15", "cells/2", "ages"),
    ("list/15", "description", "columns are described by the API's prose"),
    ("crd/1", "<nil>", "CEL rules are not run, so none is left unchecked"),
    ("crd/24", "description", "columns are described by the API's prose"),
];

fn is_known(call: &str, difference: &str) -> bool {
    KNOWN.iter().any(|(calls, place, _)| call.starts_with(calls) && difference.contains(place))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_as_the_real_server() {
    let options = Options {
        network: false,
        routers: false,
        seed: Some(1),
        pod_start: Duration::from_millis(1),
        ..Options::default()
    };
    let world = World::in_memory(options).unwrap();
    let service = router(Arc::clone(&world));
    prepare(&service).await;
    let mut differences = Vec::new();
    for (script, text) in SCRIPTS {
        let calls: Vec<Value> = serde_json::from_str(text).unwrap();
        for call in calls {
            let name = format!("{script}/{}", call["name"].as_str().unwrap());
            settle(&world).await;
            let answer = send(&service, &call["request"]).await;
            let Some(real) = call.get("response") else { continue };
            let mut found = Vec::new();
            compare("", &even(real), &even(&answer), &mut found);
            found.retain(|difference| !is_known(&name, difference));
            differences.extend(found.into_iter().map(|difference| format!("{name}: {difference}")));
        }
    }
    for difference in &differences {
        eprintln!("{difference}");
    }
    assert!(differences.is_empty(), "{} differences", differences.len());
}

/// What the recorder had made before.
async fn prepare(service: &Router) {
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "golden" } });
    let request = json!({
        "method": "PATCH",
        "path": "/api/v1/namespaces/golden?fieldManager=golden",
        "headers": { "Content-Type": "application/apply-patch+yaml" },
        "body": namespace,
    });
    assert_eq!(send(service, &request).await["status"], 201);
}

/// Waits until the controllers have nothing to do, or are at it for too long.
async fn settle(world: &World) {
    for _ in 0..100 {
        let before = world.status().revision;
        tokio::time::sleep(Duration::from_millis(12)).await;
        if world.status().revision == before {
            return;
        }
    }
}

async fn send(service: &Router, call: &Value) -> Value {
    let mut request =
        Request::builder().method(call["method"].as_str().unwrap()).uri(call["path"].as_str().unwrap());
    for (name, value) in call["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap());
    }
    let body = match (call.get("body"), call.get("bodyText")) {
        (_, Some(text)) => text.as_str().unwrap().to_owned(),
        (Some(body), None) if !body.is_null() => body.to_string(),
        _ => String::new(),
    };
    let response = service.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let warning = response.headers().get("warning").map(|value| value.to_str().unwrap().to_owned());
    let bytes = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap();
    let mut answer = json!({ "status": status });
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(body) => answer["body"] = body,
        Err(_) => answer["bodyText"] = json!(String::from_utf8_lossy(&bytes)),
    }
    if let Some(warning) = warning {
        answer["warning"] = json!(warning);
    }
    answer
}

/// Replaces what differs from run to run.
fn even(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let evened = fields.iter().map(|(key, value)| {
                let value = if is_fleeting(key) && !value.is_object() { json!("*") } else { even(value) };
                (even_text(key), value)
            });
            Value::Object(evened.collect())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(even).collect();
            let unordered = |item: &Value| {
                item.get("manager").is_some()
                    || item.get("lastTransitionTime").is_some()
                    || item.get("reason").is_some()
            };
            if items.iter().any(unordered) {
                items.sort_by_key(Value::to_string);
            }
            Value::Array(items)
        }
        Value::String(text) => Value::String(even_name(&even_text(text))),
        other => other.clone(),
    }
}

fn is_fleeting(key: &str) -> bool {
    const FLEETING: [&str; 19] = [
        "uid",
        "resourceVersion",
        "time",
        "clusterIP",
        "clusterIPs",
        "nodePort",
        "podIP",
        "podIPs",
        "hostIP",
        "hostIPs",
        "continue",
        "startTime",
        "completionTime",
        "startedAt",
        "lastUpdateTime",
        "lastProbeTime",
        "nodeName",
        "imageID",
        "ca.crt",
    ];
    key.ends_with("Timestamp") || key.ends_with("TransitionTime") || FLEETING.contains(&key)
}

/// Replaces what is generated into names: hashes of templates, random ends.
fn even_name(text: &str) -> String {
    let generated = ["ReplicaSet \"", "kube-api-access-", "some-"];
    let known = generated.iter().find(|start| text.starts_with(*start));
    let Some(start) = known else { return text.to_owned() };
    let rest = text[start.len()..].split_once("\" ").map_or("", |(_, rest)| rest);
    format!("{start}* {rest}")
}

/// Replaces UUIDs.
fn even_text(text: &str) -> String {
    let mut evened = String::new();
    let mut rest = text;
    while let Some(at) = (0..rest.len()).find(|at| rest.is_char_boundary(*at) && is_uuid(&rest[*at..])) {
        evened.push_str(&rest[..at]);
        evened.push_str("UUID");
        rest = &rest[at + 36..];
    }
    evened.push_str(rest);
    evened
}

fn is_uuid(text: &str) -> bool {
    text.len() >= 36
        && text.bytes().take(36).enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn compare(at: &str, real: &Value, ours: &Value, found: &mut Vec<String>) {
    match (real, ours) {
        (Value::Object(real), Value::Object(ours)) => {
            for key in real.keys().chain(ours.keys().filter(|key| !real.contains_key(*key))) {
                let at = format!("{at}/{key}");
                match (real.get(key), ours.get(key)) {
                    (Some(real), Some(ours)) => compare(&at, real, ours, found),
                    (Some(real), None) => found.push(format!("{at}: missing {real}")),
                    (None, Some(ours)) => found.push(format!("{at}: unexpected {ours}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(real), Value::Array(ours)) if real.len() == ours.len() => {
            for (index, (real, ours)) in real.iter().zip(ours).enumerate() {
                compare(&format!("{at}/{index}"), real, ours, found);
            }
        }
        (real, ours) if real == ours => {}
        (real, ours) => found.push(format!("{at}: {real} is {ours}")),
    }
}
