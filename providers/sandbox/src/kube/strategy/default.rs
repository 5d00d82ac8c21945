//! The defaults of built-in kinds, as the API reference documents them.

use serde_json::{Value, json};

use super::pod::template;
use super::{batch, crd, pod, service, workload};
use crate::kube::object::{self, child, put_default};

/// Fills in the defaults of a built-in kind.
pub(crate) fn default(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("", "Pod") => {
            if !object["spec"].is_object() {
                object["spec"] = json!({});
            }
            pod::requests_from_limits(&mut object["spec"]);
            pod::spec(&mut object["spec"]);
            put_default(&mut object["spec"], "enableServiceLinks", true);
            condition_times(object);
        }
        ("", "PodTemplate") => template(child(object, "template")),
        ("", "Service") => service::default(object),
        ("", "Secret") => put_default(object, "type", "Opaque"),
        ("", "Namespace") => namespace(object),
        ("", "LimitRange") => limits(object),
        ("", "PersistentVolumeClaim") => put_default(child(object, "spec"), "volumeMode", "Filesystem"),
        ("", "PersistentVolume") => volume(object),
        ("", "ReplicationController") => workload::replica_set(object),
        ("apps", "Deployment") => workload::deployment(object),
        ("apps", "ReplicaSet") => workload::replica_set(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("apps", "DaemonSet") => workload::daemon_set(object),
        ("batch", "Job") => batch::job(child(object, "spec")),
        ("batch", "CronJob") => batch::cron_job(object),
        ("networking.k8s.io", "NetworkPolicy") => network_policy(object),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(object),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => role_binding(object),
        ("storage.k8s.io", "StorageClass") => {
            put_default(object, "reclaimPolicy", "Delete");
            put_default(object, "volumeBindingMode", "Immediate");
        }
        ("scheduling.k8s.io", "PriorityClass") => {
            put_default(object, "preemptionPolicy", "PreemptLowerPriority");
        }
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => webhooks(object, true),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => webhooks(object, false),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crd::default(object),
        _ => {}
    }
}

/// Times of conditions are written even where nobody has told them.
fn condition_times(pod: &mut Value) {
    let conditions = pod.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        put_default(condition, "lastProbeTime", Value::Null);
        put_default(condition, "lastTransitionTime", Value::Null);
    }
}

fn namespace(object: &mut Value) {
    let name = object::name(object).to_owned();
    if !name.is_empty() {
        child(object::metadata(object), "labels")["kubernetes.io/metadata.name"] = json!(name);
    }
    child(object, "spec");
}

/// What containers get by default follows from what they may have at most and at least.
fn limits(object: &mut Value) {
    let limits = object.pointer_mut("/spec/limits").and_then(Value::as_array_mut);
    for limit in limits.into_iter().flatten().filter(|limit| limit["type"] == "Container") {
        for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
            for (name, amount) in object::map(limit, &format!("/{from}")).clone() {
                put_default(child(limit, to), &name, amount);
            }
        }
    }
}

fn volume(object: &mut Value) {
    let spec = child(object, "spec");
    put_default(spec, "persistentVolumeReclaimPolicy", "Retain");
    put_default(spec, "volumeMode", "Filesystem");
}

fn network_policy(object: &mut Value) {
    let spec = child(object, "spec");
    for direction in ["ingress", "egress"] {
        for rule in spec.get_mut(direction).and_then(Value::as_array_mut).into_iter().flatten() {
            for port in rule.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                put_default(port, "protocol", "TCP");
            }
        }
    }
    let types = if spec.get("egress").is_some() { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    put_default(spec, "policyTypes", types);
}

fn autoscaler(object: &mut Value) {
    let spec = child(object, "spec");
    put_default(spec, "minReplicas", 1);
    let cpu = json!([{
        "type": "Resource",
        "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } },
    }]);
    put_default(spec, "metrics", cpu);
}

fn role_binding(object: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    put_default(child(object, "roleRef"), "apiGroup", GROUP);
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if matches!(object::text(subject, "/kind"), "User" | "Group") {
            put_default(subject, "apiGroup", GROUP);
        }
    }
}

fn webhooks(object: &mut Value, mutating: bool) {
    for webhook in object.get_mut("webhooks").and_then(Value::as_array_mut).into_iter().flatten() {
        put_default(webhook, "failurePolicy", "Fail");
        put_default(webhook, "matchPolicy", "Equivalent");
        put_default(webhook, "timeoutSeconds", 10);
        put_default(webhook, "namespaceSelector", json!({}));
        put_default(webhook, "objectSelector", json!({}));
        if mutating {
            put_default(webhook, "reinvocationPolicy", "Never");
        }
        if let Some(service) = webhook.pointer_mut("/clientConfig/service") {
            put_default(service, "port", 443);
        }
        for rule in webhook.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
            put_default(rule, "scope", "*");
        }
    }
}
