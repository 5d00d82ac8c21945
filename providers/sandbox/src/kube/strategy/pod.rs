//! Pods and pod templates.

use serde_json::{Value, json};

use crate::kube::object::{self, child, put_default};
use meshform_kube_schema::quantity;

/// What a pod gets at its admission and keeps in updates.
const ADMITTED: [&str; 6] = [
    "serviceAccountName",
    "serviceAccount",
    "priority",
    "enableServiceLinks",
    "preemptionPolicy",
    "tolerations",
];

/// The defaults of a pod template.
pub(crate) fn template(template: &mut Value) {
    put_default(template, "metadata", json!({}));
    spec(child(template, "spec"));
}

/// The defaults of a pod spec.
pub(crate) fn spec(spec: &mut Value) {
    put_default(spec, "restartPolicy", "Always");
    put_default(spec, "terminationGracePeriodSeconds", 30);
    put_default(spec, "dnsPolicy", "ClusterFirst");
    put_default(spec, "securityContext", json!({}));
    put_default(spec, "schedulerName", "default-scheduler");
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        put_default(spec, "serviceAccount", account);
    }
    for list in ["initContainers", "containers"] {
        for item in items(spec, list) {
            container(item);
        }
    }
    for item in items(spec, "volumes") {
        volume(item);
    }
    if object::flag(spec, "/hostNetwork") {
        host_ports(spec);
    }
}

fn items<'v>(parent: &'v mut Value, key: &str) -> impl Iterator<Item = &'v mut Value> {
    parent.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

fn container(container: &mut Value) {
    if !container.is_object() {
        return;
    }
    put_default(container, "resources", json!({}));
    put_default(container, "terminationMessagePath", "/dev/termination-log");
    put_default(container, "terminationMessagePolicy", "File");
    let policy = pull_policy(object::text(container, "/image"));
    put_default(container, "imagePullPolicy", policy);
    for port in items(container, "ports") {
        put_default(port, "protocol", "TCP");
    }
    for variable in items(container, "env") {
        if let Some(reference) = variable.pointer_mut("/valueFrom/fieldRef") {
            put_default(reference, "apiVersion", "v1");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(value) = container.get_mut(name) {
            probe(value);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(value) = container.get_mut("lifecycle").and_then(|lifecycle| lifecycle.get_mut(hook)) {
            handler(value);
        }
    }
}

/// `Always` for images without a tag or with `latest`.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or_default();
    let tagged = image.contains('@') || name.split_once(':').is_some_and(|(_, tag)| tag != "latest");
    if tagged { "IfNotPresent" } else { "Always" }
}

fn probe(probe: &mut Value) {
    handler(probe);
    put_default(probe, "timeoutSeconds", 1);
    put_default(probe, "periodSeconds", 10);
    put_default(probe, "successThreshold", 1);
    put_default(probe, "failureThreshold", 3);
}

fn handler(handler: &mut Value) {
    if let Some(get) = handler.get_mut("httpGet") {
        put_default(get, "path", "/");
        put_default(get, "scheme", "HTTP");
    }
    if let Some(grpc) = handler.get_mut("grpc") {
        put_default(grpc, "service", "");
    }
}

fn volume(volume: &mut Value) {
    const SOURCES: [&str; 1] = ["name"];
    let sourceless =
        volume.as_object().is_some_and(|fields| fields.keys().all(|key| SOURCES.contains(&key.as_str())));
    if sourceless {
        put_default(volume, "emptyDir", json!({}));
    }
    for source in ["configMap", "secret", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(source) {
            put_default(source, "defaultMode", 0o644);
        }
    }
    if let Some(path) = volume.get_mut("hostPath") {
        put_default(path, "type", "");
    }
    let Some(projected) = volume.get_mut("projected") else { return };
    for source in items(projected, "sources") {
        if let Some(token) = source.get_mut("serviceAccountToken") {
            put_default(token, "expirationSeconds", 3600);
        }
    }
}

fn host_ports(spec: &mut Value) {
    for container in items(spec, "containers") {
        for port in items(container, "ports") {
            if let Some(number) = port.get("containerPort").cloned() {
                put_default(port, "hostPort", number);
            }
        }
    }
}

/// A pod requests what it is limited to, where it does not say.
pub(crate) fn requests_from_limits(spec: &mut Value) {
    for list in ["initContainers", "containers"] {
        for container in items(spec, list) {
            let limits = object::map(container, "/resources/limits").clone();
            for (name, limit) in limits {
                let requests = child(child(container, "resources"), "requests");
                put_default(requests, &name, limit);
            }
        }
    }
}

/// The status of a new pod. A gated one says at once that it waits.
pub(crate) fn initial_status(pod: &Value) -> Value {
    let mut status = json!({ "phase": "Pending", "qosClass": quality_of_service(pod) });
    if is_gated(pod) {
        status["conditions"] = json!([{
            "type": "PodScheduled",
            "status": "False",
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": null,
            "lastTransitionTime": pod["metadata"]["creationTimestamp"],
        }]);
    }
    status
}

/// Whether something is yet to let the pod be placed.
pub(crate) fn is_gated(pod: &Value) -> bool {
    !object::list(pod, "/spec/schedulingGates").is_empty()
}

/// What admission adds to a new pod.
pub(crate) fn admit_pod(pod: &mut Value, suffix: &str) {
    let spec = child(pod, "spec");
    if spec.get("automountServiceAccountToken") != Some(&json!(false)) {
        mount_token(spec, suffix);
    }
    put_default(spec, "serviceAccountName", "default");
    let account = spec["serviceAccountName"].clone();
    put_default(spec, "serviceAccount", account);
    put_default(spec, "priority", 0);
    put_default(spec, "preemptionPolicy", "PreemptLowerPriority");
    let mut tolerations = object::list(spec, "/tolerations").to_vec();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        if !tolerations.iter().any(|own| own["key"] == key) {
            tolerations.push(json!({
                "key": key,
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }));
        }
    }
    spec["tolerations"] = Value::Array(tolerations);
}

/// Every container can read the token of the pod's service account.
fn mount_token(spec: &mut Value, suffix: &str) {
    const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let name = format!("kube-api-access-{suffix}");
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in items(spec, list) {
            let mut mounts = object::list(container, "/volumeMounts").to_vec();
            if mounts.iter().any(|mount| mount["mountPath"] == PATH) {
                continue;
            }
            mounts.push(json!({ "name": name, "readOnly": true, "mountPath": PATH }));
            container["volumeMounts"] = Value::Array(mounts);
            mounted = true;
        }
    }
    if !mounted {
        return;
    }
    let mut volumes = object::list(spec, "/volumes").to_vec();
    volumes.push(json!({
        "name": name,
        "projected": {
            "defaultMode": 0o644,
            "sources": [
                { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
                {
                    "configMap": {
                        "name": "kube-root-ca.crt",
                        "items": [{ "key": "ca.crt", "path": "ca.crt" }],
                    },
                },
                {
                    "downwardAPI": {
                        "items": [{
                            "path": "namespace",
                            "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" },
                        }],
                    },
                },
            ],
        },
    }));
    spec["volumes"] = Value::Array(volumes);
}

/// An update that leaves out what admission added keeps it.
pub(crate) fn carry_admitted(live: &Value, pod: &mut Value) {
    for field in ADMITTED.iter().chain(&["nodeName"]) {
        if let Some(value) = live["spec"].get(field) {
            put_default(child(pod, "spec"), field, value.clone());
        }
    }
}

/// The quality-of-service class that follows from requests and limits.
pub(crate) fn quality_of_service(pod: &Value) -> &'static str {
    let containers = object::list(pod, "/spec/containers");
    let amount = |container: &Value, of: &str, resource: &str| {
        let text = object::text(container, &format!("/resources/{of}/{resource}"));
        quantity::milli(text).filter(|amount| *amount > 0)
    };
    let mut any = false;
    let mut guaranteed = true;
    for container in containers {
        for resource in ["cpu", "memory"] {
            let (request, limit) =
                (amount(container, "requests", resource), amount(container, "limits", resource));
            any |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
