//! What differs between kinds: defaults, what a create or update resets, what is refused.

mod batch;
mod crd;
mod default;
mod names;
mod pod;
mod service;
mod validate;
mod workload;

pub(crate) use default::default;
pub(crate) use meshform_kube_schema::name::is_label_value;
pub(crate) use pod::is_gated;
pub(crate) use service::{Addresses, allocate_service};
pub(crate) use validate::{LABEL_VALUE, validate, validate_status};

use serde_json::{Value, json};

use super::object;
use super::registry::Resource;

/// Built-in kinds that count their generations.
const WITH_GENERATION: [(&str, &str); 21] = [
    ("", "Pod"),
    ("", "PodTemplate"),
    ("", "ReplicationController"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
];

/// Whether objects of the resource have a generation.
pub(crate) fn has_generation(resource: &Resource) -> bool {
    !resource.builtin || WITH_GENERATION.contains(&(&resource.group, &resource.kind))
}

/// The status that a new object of a built-in kind has, whatever was sent.
pub(crate) fn initial_status(resource: &Resource, object: &Value) -> Option<Value> {
    let status = match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Namespace") => json!({ "phase": "Active" }),
        ("", "Pod") => pod::initial_status(object),
        ("", "PersistentVolumeClaim") => json!({ "phase": "Pending" }),
        ("", "PersistentVolume") => json!({ "phase": "Pending" }),
        ("", "Service") | ("networking.k8s.io", "Ingress") => json!({ "loadBalancer": {} }),
        ("apps", "StatefulSet") => json!({ "replicas": 0, "availableReplicas": 0 }),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => json!({ "replicas": 0 }),
        ("apps", "DaemonSet") => json!({
            "currentNumberScheduled": 0,
            "numberMisscheduled": 0,
            "desiredNumberScheduled": 0,
            "numberReady": 0,
        }),
        ("autoscaling", "HorizontalPodAutoscaler") => json!({ "desiredReplicas": 0, "currentMetrics": null }),
        ("policy", "PodDisruptionBudget") => json!({
            "disruptionsAllowed": 0,
            "currentHealthy": 0,
            "desiredHealthy": 0,
            "expectedPods": 0,
        }),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => json!({
            "conditions": null,
            "acceptedNames": { "plural": "", "kind": "" },
            "storedVersions": crd::stored_versions(object),
        }),
        ("", "Node") => return object.get("status").cloned(),
        ("certificates.k8s.io" | "authentication.k8s.io" | "authorization.k8s.io", _) => return None,
        _ => json!({}),
    };
    Some(status)
}

/// What the server itself adds to a new object, after ownership has been settled; generated names get the suffix.
pub(crate) fn prepare_create(resource: &Resource, object: &mut Value, suffix: &str) {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Namespace") => object::set(object, &["spec", "finalizers"], json!(["kubernetes"])),
        ("", "PersistentVolumeClaim") => add_finalizer(object, "kubernetes.io/pvc-protection"),
        ("", "PersistentVolume") => add_finalizer(object, "kubernetes.io/pv-protection"),
        ("", "Pod") => pod::admit_pod(object, suffix),
        ("apps", "DaemonSet") => workload::stamp_template_generation(object),
        ("batch", "Job") => batch::prepare_job(object),
        _ => {}
    }
    if resource.is("", "Secret") {
        merge_string_data(object);
    }
}

/// What the server itself changes in a body before it is asked who owns what. Of an apply it is asked first.
pub(crate) fn prepare_body(resource: &Resource, object: &mut Value) {
    if resource.is("", "Secret") {
        merge_string_data(object);
    }
}

/// What the server itself changes in an updated object, after ownership has been settled.
pub(crate) fn prepare_update(resource: &Resource, live: &Value, object: &mut Value) {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Secret") => merge_string_data(object),
        ("apps", "DaemonSet") => workload::carry_template_generation(live, object),
        ("batch", "Job") => batch::carry_selector(live, object),
        ("", "Namespace") => {
            let finalizers = live.pointer("/spec/finalizers").cloned();
            match finalizers {
                Some(finalizers) => object::set(object, &["spec", "finalizers"], finalizers),
                None => drop(object::remove(object, &["spec", "finalizers"])),
            }
        }
        ("", "Pod") => pod::carry_admitted(live, object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crd::keep_stored_versions(object),
        _ => {}
    }
}

/// `stringData` is written, never read: it goes into `data`.
fn merge_string_data(object: &mut Value) {
    use base64::Engine as _;
    let Some(Value::Object(texts)) = object.as_object_mut().and_then(|secret| secret.remove("stringData"))
    else {
        return;
    };
    for (key, text) in texts {
        let bytes = text.as_str().unwrap_or_default().as_bytes();
        object::child(object, "data")[key.as_str()] =
            json!(base64::engine::general_purpose::STANDARD.encode(bytes));
    }
}

fn add_finalizer(object: &mut Value, finalizer: &str) {
    let mut finalizers = object::list(object, "/metadata/finalizers").to_vec();
    if !finalizers.iter().any(|own| own == finalizer) {
        finalizers.push(json!(finalizer));
        object::metadata(object)["finalizers"] = Value::Array(finalizers);
    }
}
