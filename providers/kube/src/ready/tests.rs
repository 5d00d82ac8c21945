use super::*;
use serde_json::json;

fn run(kind: &str, spec: Json, status: Json) -> String {
    let (api_version, kind) = kind.rsplit_once('/').unwrap();
    let object = json!({
        "apiVersion": api_version, "kind": kind, "metadata": { "name": "x", "generation": 2 },
        "spec": spec, "status": status,
    });
    match readiness(&object, Surroundings::default()) {
        Readiness::Ready => "ready".into(),
        Readiness::Waiting(what) => what,
        Readiness::Failed(why) => format!("failed: {why}"),
    }
}

fn check(kind: &str, spec: Json, status: Json, expect: &str) {
    assert_eq!(run(kind, spec.clone(), status.clone()), expect, "{kind} {spec} {status}");
}

fn conditions(conditions: &[(&str, &str, &str)]) -> Json {
    conditions
        .iter()
        .map(|(name, status, reason)| json!({ "type": name, "status": status, "reason": reason, "message": "m" }))
        .collect()
}

#[test]
fn deployments() {
    let check = |spec, status, expect| check("apps/v1/Deployment", spec, status, expect);
    let status = |replicas: i64, updated: i64, ready: i64, available: i64| {
        json!({
            "observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated, "readyReplicas": ready,
            "availableReplicas": available,
        })
    };
    let three = || json!({ "replicas": 3 });
    check(three(), json!({}), "its controller has not seen it yet");
    check(three(), json!({ "observedGeneration": 1 }), "its controller has not seen the change yet");
    check(three(), status(3, 1, 3, 3), "1 of 3 replicas are updated");
    check(three(), status(3, 3, 2, 2), "2 of 3 replicas are ready");
    check(three(), status(4, 3, 3, 3), "1 old replicas are left");
    check(three(), status(3, 3, 3, 2), "2 of 3 replicas are available");
    check(three(), status(3, 3, 3, 3), "ready");
    check(json!({}), status(1, 1, 0, 0), "0 of 1 replicas are ready");
    check(json!({ "replicas": 0 }), status(0, 0, 0, 0), "ready");
    check(json!({ "replicas": 3, "paused": true }), status(3, 1, 3, 3), "ready");
    let mut stuck = status(3, 3, 2, 2);
    stuck["conditions"] = conditions(&[("Progressing", "False", "ProgressDeadlineExceeded")]);
    check(three(), stuck, "failed: ProgressDeadlineExceeded: m");
    let mut refused = status(0, 0, 0, 0);
    refused["conditions"] = conditions(&[("ReplicaFailure", "True", "FailedCreate")]);
    check(three(), refused, "0 of 3 replicas are updated: FailedCreate: m");
}

#[test]
fn stateful_sets() {
    let check = |spec, status, expect| check("apps/v1/StatefulSet", spec, status, expect);
    let status = |replicas: i64, updated: i64, ready: i64| json!({ "observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated, "readyReplicas": ready });
    let partition = |at: i64| json!({ "replicas": 3, "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": at } } });
    check(json!({ "replicas": 3 }), json!({}), "its controller has not seen it yet");
    check(json!({ "replicas": 3 }), status(3, 2, 3), "2 of 3 replicas are updated");
    check(json!({ "replicas": 3 }), status(3, 3, 2), "2 of 3 replicas are ready");
    check(json!({ "replicas": 3 }), status(4, 3, 3), "1 replicas are too many");
    check(json!({ "replicas": 3 }), status(3, 3, 3), "ready");
    check(partition(2), status(3, 1, 3), "ready");
    check(partition(2), status(3, 0, 3), "0 of 1 replicas are updated");
    check(partition(9), status(3, 0, 3), "ready");
    check(json!({ "replicas": 3, "updateStrategy": { "type": "OnDelete" } }), status(3, 0, 3), "ready");
    check(json!({ "replicas": 1, "minReadySeconds": 5 }), status(1, 1, 1), "0 of 1 replicas are available");
}

#[test]
fn daemon_sets() {
    let check = |spec, status, expect| check("apps/v1/DaemonSet", spec, status, expect);
    let status = |wanted: i64, updated: i64, ready: i64, available: i64| {
        json!({
            "observedGeneration": 2, "desiredNumberScheduled": wanted, "updatedNumberScheduled": updated,
            "numberReady": ready, "numberAvailable": available,
        })
    };
    check(json!({}), json!({}), "its controller has not seen it yet");
    check(json!({}), status(2, 1, 2, 2), "1 of 2 replicas are updated");
    check(json!({}), status(2, 2, 1, 1), "1 of 2 replicas are ready");
    check(json!({}), status(2, 2, 2, 1), "1 of 2 replicas are available");
    check(json!({}), status(2, 2, 2, 2), "ready");
    check(json!({}), status(0, 0, 0, 0), "ready");
    check(json!({ "updateStrategy": { "type": "OnDelete" } }), status(2, 0, 2, 2), "ready");
}

#[test]
fn replica_sets() {
    let check = |spec, status, expect| check("apps/v1/ReplicaSet", spec, status, expect);
    let status = |replicas: i64, ready: i64| json!({ "observedGeneration": 2, "replicas": replicas, "readyReplicas": ready, "availableReplicas": ready });
    check(json!({ "replicas": 2 }), json!({}), "its controller has not seen it yet");
    check(json!({ "replicas": 2 }), status(2, 1), "1 of 2 replicas are ready");
    check(json!({ "replicas": 2 }), status(3, 2), "1 replicas are too many");
    check(json!({ "replicas": 2 }), status(2, 2), "ready");
}

#[test]
fn jobs() {
    let check = |spec, status, expect| check("batch/v1/Job", spec, status, expect);
    check(json!({}), json!({ "startTime": "2026-01-01T00:00:00Z" }), "0 of 1 completions are done");
    check(
        json!({ "completions": 3 }),
        json!({ "succeeded": 2, "failed": 1 }),
        "2 of 3 completions are done, 1 pods have failed",
    );
    check(json!({}), json!({ "conditions": conditions(&[("Complete", "True", "")]) }), "ready");
    check(
        json!({}),
        json!({ "conditions": conditions(&[("Failed", "True", "BackoffLimitExceeded")]) }),
        "failed: BackoffLimitExceeded: m",
    );
    check(json!({ "suspend": true }), json!({}), "ready");
}

#[test]
fn pods() {
    let check = |status, expect| check("v1/Pod", json!({}), status, expect);
    check(json!({}), "it has not been seen by the scheduler yet");
    check(json!({ "phase": "Pending" }), "its phase is Pending");
    check(json!({ "phase": "Running" }), "it runs, but is not ready");
    check(json!({ "phase": "Running", "conditions": conditions(&[("Ready", "True", "")]) }), "ready");
    check(json!({ "phase": "Succeeded" }), "ready");
    check(json!({ "phase": "Failed" }), "failed: its containers have failed");
    check(json!({ "phase": "Failed", "reason": "Evicted", "message": "disk" }), "failed: Evicted: disk");
    let pulling =
        json!([{ "name": "web", "state": { "waiting": { "reason": "ImagePullBackOff", "message": "no" } } }]);
    check(json!({ "phase": "Pending", "containerStatuses": pulling }), "container web: ImagePullBackOff: no");
    let unschedulable = conditions(&[("PodScheduled", "False", "Unschedulable")]);
    check(json!({ "phase": "Pending", "conditions": unschedulable }), "Unschedulable: m");
}

#[test]
fn services() {
    let check = |spec, status, expect| check("v1/Service", spec, status, expect);
    let balancer = || json!({ "type": "LoadBalancer" });
    check(json!({ "type": "ClusterIP" }), json!({}), "ready");
    check(json!({ "type": "ExternalName" }), json!({}), "ready");
    check(balancer(), json!({ "loadBalancer": {} }), "its load balancer has no address yet");
    check(balancer(), json!({ "loadBalancer": { "ingress": [{ "ip": "203.0.113.1" }] } }), "ready");
    check(json!({ "type": "LoadBalancer", "externalIPs": ["203.0.113.1"] }), json!({}), "ready");
}

#[test]
fn storage_and_namespaces() {
    check("v1/Namespace", json!({}), json!({}), "it is not active yet");
    check("v1/Namespace", json!({}), json!({ "phase": "Active" }), "ready");
    check(
        "v1/PersistentVolumeClaim",
        json!({}),
        json!({ "phase": "Pending" }),
        "it is not bound to a volume yet",
    );
    check("v1/PersistentVolumeClaim", json!({}), json!({ "phase": "Lost" }), "failed: its volume is gone");
    check("v1/PersistentVolumeClaim", json!({}), json!({ "phase": "Bound" }), "ready");
    check(
        "v1/PersistentVolume",
        json!({}),
        json!({ "phase": "Failed", "message": "m" }),
        "failed: it has failed: m",
    );
    check("v1/PersistentVolume", json!({}), json!({ "phase": "Available" }), "ready");
    let claim =
        json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": { "phase": "Pending" } });
    assert_eq!(readiness(&claim, Surroundings { binds_when_used: true }), Readiness::Ready);
}

#[test]
fn definitions_and_api_services() {
    let check = |kind: &str, conditions: Json, expect: &str| {
        check(kind, json!({}), json!({ "conditions": conditions }), expect);
    };
    let crd = "apiextensions.k8s.io/v1/CustomResourceDefinition";
    check(crd, json!([]), "the server does not serve it yet");
    check(crd, conditions(&[("Established", "False", "Installing")]), "the server does not serve it yet");
    check(crd, conditions(&[("NamesAccepted", "True", ""), ("Established", "True", "")]), "ready");
    check(
        crd,
        conditions(&[("NamesAccepted", "False", "MultipleNamesAccepted")]),
        "failed: its names are not accepted: MultipleNamesAccepted: m",
    );
    let api = "apiregistration.k8s.io/v1/APIService";
    check(api, json!([]), "it is not known yet whether it is available");
    check(
        api,
        conditions(&[("Available", "False", "MissingEndpoints")]),
        "it is not available: MissingEndpoints: m",
    );
    check(api, conditions(&[("Available", "True", "Passed")]), "ready");
}

#[test]
fn other_kinds_go_by_their_conditions() {
    let check = |status, expect| check("x.io/v1/Foo", json!({}), status, expect);
    check(json!({}), "ready");
    check(json!({ "observedGeneration": 1 }), "its controller has not seen the change yet");
    check(json!({ "conditions": conditions(&[("Ready", "True", "")]) }), "ready");
    check(json!({ "conditions": conditions(&[("Ready", "False", "Broken")]) }), "it is not ready: Broken: m");
    check(json!({ "conditions": conditions(&[("Ready", "Unknown", "")]) }), "it is not ready: m");
    check(
        json!({ "conditions": conditions(&[("Reconciling", "True", "Busy")]) }),
        "it is being reconciled: Busy: m",
    );
    check(
        json!({ "conditions": conditions(&[("Stalled", "True", "Quota")]) }),
        "failed: it is stalled: Quota: m",
    );
    let old = json!([{ "type": "Ready", "status": "True", "observedGeneration": 1 }]);
    check(json!({ "conditions": old }), "its readiness is of an older generation");
}

#[test]
fn what_is_being_deleted_is_not_ready() {
    let object = json!({ "kind": "Foo", "apiVersion": "v1", "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } });
    assert_eq!(readiness(&object, Surroundings::default()), Readiness::Failed("it is being deleted".into()));
}
