//! Pod templates: their hash, and pods from them.

use serde_json::{Map, Value, json};

use crate::kube::object::{self, child, list, map};
use crate::kube::selector::label_selector_matches;
use crate::kube::state::State;
use crate::kube::world::is_ready;

/// The label by which the pods of one template are told from those of another.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";

const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A short name for a value (FNV-1a over its canonical JSON), in letters that make no words.
pub(super) fn hash(value: &Value, collisions: i64) -> String {
    let mut text = value.to_string();
    if collisions > 0 {
        text.push_str(&collisions.to_string());
    }
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let digits = hash.to_string();
    digits
        .bytes()
        .map(|digit| ALPHABET.get(usize::from(digit) % ALPHABET.len()).map_or('x', |c| char::from(*c)))
        .collect()
}

/// A pod of a template, controlled by `owner`; without a name.
pub(super) fn pod(owner: &Value, template: &Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": object::namespace(owner),
            "ownerReferences": [object::controller_reference(owner)],
        },
        "spec": template["spec"],
    });
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template["metadata"].get(field) {
            pod["metadata"][field] = value.clone();
        }
    }
    pod
}

/// A template with one more label.
pub(super) fn labelled(template: &Value, label: &str, value: &str) -> Value {
    let mut template = template.clone();
    child(child(&mut template, "metadata"), "labels")[label] = json!(value);
    template
}

/// A template without a label.
pub(super) fn unlabelled(template: &Value, label: &str) -> Value {
    let mut template = template.clone();
    let labels = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut);
    if let Some(labels) = labels {
        labels.remove(label);
    }
    template
}

/// The pods that a workload controls, and those without a controller that it selects, by name.
pub(super) fn pods_of(state: &State, owner: &Value) -> Vec<std::sync::Arc<Value>> {
    let selector = &owner["spec"]["selector"];
    let uid = object::uid(owner);
    let pods = state.store.list("pods", Some(object::namespace(owner)));
    let own = pods.filter(|pod| match object::controller(pod) {
        Some(controller) => controller["uid"] == uid,
        None => label_selector_matches(selector, map(pod, "/metadata/labels")),
    });
    own.cloned().collect()
}

/// Whether a pod still counts: it has neither ended nor is it told to.
pub(super) fn is_active(pod: &Value) -> bool {
    !object::is_terminating(pod) && !matches!(object::text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Whether a pod has been ready for as long as its workload wants; if not, in how many seconds it will be.
pub(super) fn is_available(
    pod: &Value,
    ready_seconds_min: i64,
    now: jiff::Timestamp,
) -> Result<(), Option<i64>> {
    if !is_ready(pod) {
        return Err(None);
    }
    let ready = list(pod, "/status/conditions").iter().find(|condition| condition["type"] == "Ready");
    let since =
        ready.and_then(|ready| object::text(ready, "/lastTransitionTime").parse::<jiff::Timestamp>().ok());
    let elapsed = since.map_or(i64::MAX, |since| now.as_second() - since.as_second());
    if elapsed >= ready_seconds_min { Ok(()) } else { Err(Some(ready_seconds_min - elapsed)) }
}

/// The labels of a template.
pub(super) fn labels(template: &Value) -> &Map<String, Value> {
    map(template, "/metadata/labels")
}
