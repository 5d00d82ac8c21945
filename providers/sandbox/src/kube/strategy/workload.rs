//! Deployments, ReplicaSets, StatefulSets and DaemonSets.

use serde_json::{Value, json};

use super::pod::template;
use crate::kube::object::{self, child, put_default};

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

pub(crate) fn deployment(object: &mut Value) {
    let spec = child(object, "spec");
    put_default(spec, "replicas", 1);
    let strategy = child(spec, "strategy");
    put_default(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let rolling = child(strategy, "rollingUpdate");
        put_default(rolling, "maxUnavailable", "25%");
        put_default(rolling, "maxSurge", "25%");
    }
    put_default(spec, "revisionHistoryLimit", 10);
    put_default(spec, "progressDeadlineSeconds", 600);
    template(child(spec, "template"));
}

pub(crate) fn replica_set(object: &mut Value) {
    let spec = child(object, "spec");
    put_default(spec, "replicas", 1);
    template(child(spec, "template"));
}

pub(crate) fn stateful_set(object: &mut Value) {
    let spec = child(object, "spec");
    put_default(spec, "podManagementPolicy", "OrderedReady");
    put_default(spec, "replicas", 1);
    put_default(spec, "revisionHistoryLimit", 10);
    let strategy = child(spec, "updateStrategy");
    put_default(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        put_default(child(strategy, "rollingUpdate"), "partition", 0);
    }
    let retention = child(spec, "persistentVolumeClaimRetentionPolicy");
    put_default(retention, "whenDeleted", "Retain");
    put_default(retention, "whenScaled", "Retain");
    for claim in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten() {
        put_default(claim, "kind", "PersistentVolumeClaim");
        put_default(claim, "apiVersion", "v1");
        put_default(child(claim, "spec"), "volumeMode", "Filesystem");
        put_default(child(claim, "status"), "phase", "Pending");
    }
    template(child(spec, "template"));
}

pub(crate) fn daemon_set(object: &mut Value) {
    let spec = child(object, "spec");
    put_default(spec, "revisionHistoryLimit", 10);
    let strategy = child(spec, "updateStrategy");
    put_default(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let rolling = child(strategy, "rollingUpdate");
        put_default(rolling, "maxUnavailable", 1);
        put_default(rolling, "maxSurge", 0);
    }
    template(child(spec, "template"));
}

/// A DaemonSet counts the generations of its template in an annotation.
pub(crate) fn stamp_template_generation(object: &mut Value) {
    child(object::metadata(object), "annotations")[TEMPLATE_GENERATION] = json!("1");
}

pub(crate) fn carry_template_generation(live: &Value, object: &mut Value) {
    let count: u64 = live["metadata"]["annotations"][TEMPLATE_GENERATION]
        .as_str()
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    let changed = live["spec"]["template"] != object["spec"]["template"];
    let count = count + u64::from(changed);
    child(object::metadata(object), "annotations")[TEMPLATE_GENERATION] = json!(count.to_string());
}
