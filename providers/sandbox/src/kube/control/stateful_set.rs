//! StatefulSets: pods with names that stay, one after the other; and the claims that they use.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use super::api::{Api, CONTROLLER_MANAGER};
use super::template::{hash, is_active, labelled, pod, pods_of};
use crate::kube::object::{self, child, integer, list, text};
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::world::is_ready;

const COMPONENT: &str = "statefulset-controller";
const REVISION_LABEL: &str = "controller-revision-hash";

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let set = Arc::clone(state.store.get("statefulsets.apps", key)?);
    if object::is_terminating(&set) {
        return None;
    }
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    let revision = format!("{}-{}", object::name(&set), hash(&set["spec"]["template"], 0));
    record_revision(&mut api, &set, &revision);
    step(&mut api, &set, &revision);
    status(&mut api, &set, &revision);
    None
}

/// The template as a ControllerRevision, so that it can be found again.
fn record_revision(api: &mut Api<'_>, set: &Value, name: &str) {
    let namespace = object::namespace(set);
    if api.state.get("controllerrevisions.apps", namespace, name).is_some() {
        return;
    }
    let revisions = api.state.store.list("controllerrevisions.apps", Some(namespace));
    let own = revisions.filter(|revision| {
        object::controller(revision).is_some_and(|controller| controller["uid"] == object::uid(set))
    });
    let number = own.filter_map(|revision| integer(revision, "/revision")).max().unwrap_or(0) + 1;
    // A revision that is there already is the one that is wanted.
    let _ = api.create(&json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": set["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": [object::controller_reference(set)],
        },
        "data": { "spec": { "template": set["spec"]["template"] } },
        "revision": number,
    }));
}

/// Makes the next change that the order of pods allows; its effect makes the set due again.
fn step(api: &mut Api<'_>, set: &Value, revision: &str) {
    let wanted = integer(set, "/spec/replicas").unwrap_or(1).max(0);
    let first = integer(set, "/spec/ordinals/start").unwrap_or(0).max(0);
    let parallel = text(set, "/spec/podManagementPolicy") == "Parallel";
    let pods = pods_of(api.state, set);
    let at = |ordinal: i64| {
        let name = format!("{}-{ordinal}", object::name(set));
        pods.iter().find(move |pod| object::name(pod) == name)
    };
    for ordinal in first..first + wanted {
        match at(ordinal) {
            None => {
                create(api, set, ordinal, revision);
                if !parallel {
                    return;
                }
            }
            Some(pod) if object::is_terminating(pod) || !is_ready(pod) => {
                if !parallel {
                    return replace_if_broken(api, pod, revision);
                }
            }
            Some(_) => {}
        }
    }
    let surplus = pods.iter().filter(|pod| !(first..first + wanted).contains(&ordinal(set, pod)));
    let mut surplus: Vec<&Arc<Value>> = surplus.filter(|pod| !object::is_terminating(pod)).collect();
    surplus.sort_by_key(|pod| std::cmp::Reverse(ordinal(set, pod)));
    if !surplus.is_empty() {
        for pod in surplus.iter().take(if parallel { surplus.len() } else { 1 }) {
            end(api, set, pod);
        }
        return;
    }
    update(api, set, &pods, revision);
}

/// A pod of an older template that does not work must not hold up the newer one.
fn replace_if_broken(api: &mut Api<'_>, pod: &Value, revision: &str) {
    let outdated = pod["metadata"]["labels"][REVISION_LABEL] != revision;
    if outdated && !object::is_terminating(pod) {
        // What cannot be deleted now is tried again with the next change.
        let _ = api.delete(pod);
    }
}

/// Replaces the highest outdated pod, if all others work.
fn update(api: &mut Api<'_>, set: &Value, pods: &[Arc<Value>], revision: &str) {
    if text(set, "/spec/updateStrategy/type") == "OnDelete" || !pods.iter().all(|pod| is_ready(pod)) {
        return;
    }
    let partition = integer(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let outdated = pods
        .iter()
        .filter(|pod| pod["metadata"]["labels"][REVISION_LABEL] != revision)
        .filter(|pod| ordinal(set, pod) >= partition && is_active(pod))
        .max_by_key(|pod| ordinal(set, pod));
    if let Some(pod) = outdated {
        end(api, set, pod);
    }
}

fn ordinal(set: &Value, pod: &Value) -> i64 {
    let suffix = object::name(pod).strip_prefix(object::name(set)).and_then(|rest| rest.strip_prefix('-'));
    suffix.and_then(|suffix| suffix.parse().ok()).unwrap_or(-1)
}

fn create(api: &mut Api<'_>, set: &Value, ordinal: i64, revision: &str) {
    let name = format!("{}-{ordinal}", object::name(set));
    let template = labelled(&set["spec"]["template"], REVISION_LABEL, revision);
    let template = labelled(&template, "statefulset.kubernetes.io/pod-name", &name);
    let template = labelled(&template, "apps.kubernetes.io/pod-index", &ordinal.to_string());
    let mut pod = pod(set, &template);
    pod["metadata"]["name"] = json!(name);
    pod["spec"]["hostname"] = json!(name);
    if !text(set, "/spec/serviceName").is_empty() {
        pod["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
    }
    let mut volumes = list(&pod, "/spec/volumes").to_vec();
    for claim in list(set, "/spec/volumeClaimTemplates") {
        let claim_name = format!("{}-{name}", object::name(claim));
        ensure_claim(api, set, claim, &claim_name);
        volumes.retain(|volume| volume["name"] != claim["metadata"]["name"]);
        volumes.push(json!({
            "name": claim["metadata"]["name"],
            "persistentVolumeClaim": { "claimName": claim_name },
        }));
    }
    if !volumes.is_empty() {
        pod["spec"]["volumes"] = Value::Array(volumes);
    }
    match api.create(&pod) {
        Ok(_) => {
            let message = format!("create Pod {name} in StatefulSet {} successful", object::name(set));
            api.event(set, COMPONENT, "Normal", "SuccessfulCreate", &message);
        }
        Err(error) => {
            let why = error.message();
            let message =
                format!("create Pod {name} in StatefulSet {} failed error: {why}", object::name(set));
            api.event(set, COMPONENT, "Warning", "FailedCreate", &message);
        }
    }
}

fn ensure_claim(api: &mut Api<'_>, set: &Value, template: &Value, name: &str) {
    let namespace = object::namespace(set);
    if api.state.get("persistentvolumeclaims", namespace, name).is_some() {
        return;
    }
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": template["metadata"],
        "spec": template["spec"],
    });
    let metadata = object::metadata(&mut claim);
    metadata["name"] = json!(name);
    metadata["namespace"] = json!(namespace);
    let labels = child(metadata, "labels");
    for (key, value) in object::map(set, "/spec/selector/matchLabels") {
        labels[key.as_str()] = value.clone();
    }
    if let Err(error) = api.create(&claim) {
        let message = format!("create Claim {name} failed error: {}", error.message());
        api.event(set, COMPONENT, "Warning", "FailedCreate", &message);
    }
}

fn end(api: &mut Api<'_>, set: &Value, pod: &Value) {
    if api.delete(pod).is_ok() {
        let (pod, set_name) = (object::name(pod), object::name(set));
        let message = format!("delete Pod {pod} in StatefulSet {set_name} successful");
        api.event(set, COMPONENT, "Normal", "SuccessfulDelete", &message);
    }
}

fn status(api: &mut Api<'_>, set: &Value, revision: &str) {
    let pods: Vec<Arc<Value>> = pods_of(api.state, set).into_iter().filter(|pod| is_active(pod)).collect();
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let of_revision =
        |wanted: &str| pods.iter().filter(|pod| pod["metadata"]["labels"][REVISION_LABEL] == wanted).count();
    let updated = of_revision(revision);
    let wanted = usize::try_from(integer(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let known = text(set, "/status/currentRevision");
    let complete = updated == wanted && pods.len() == wanted && ready == wanted;
    let current = if complete || known.is_empty() { revision } else { known };
    let mut told = set.clone();
    let status = child(&mut told, "status");
    status["observedGeneration"] = set["metadata"]["generation"].clone();
    status["currentRevision"] = json!(current);
    status["updateRevision"] = json!(revision);
    status["collisionCount"] = json!(0);
    for (field, count) in [
        ("replicas", pods.len()),
        ("readyReplicas", ready),
        ("availableReplicas", ready),
        ("currentReplicas", of_revision(current)),
        ("updatedReplicas", updated),
    ] {
        status[field] = json!(count);
    }
    // On a conflict the set changes again, and with it this task is due.
    let _ = api.update_status(&told);
}

/// Claims are bound as soon as they are made: the sandbox has room.
pub(super) fn bind_claim(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let claim = Arc::clone(state.store.get("persistentvolumeclaims", key)?);
    if object::is_terminating(&claim) {
        return release_claim(state, key, &claim);
    }
    if text(&claim, "/status/phase") == "Bound" {
        return None;
    }
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    let mut bound = Value::clone(&claim);
    bound["status"] = json!({
        "phase": "Bound",
        "accessModes": claim["spec"]["accessModes"],
        "capacity": claim["spec"]["resources"]["requests"],
    });
    // On a conflict the claim changes again, and with it this task is due.
    let _ = api.update_status(&bound);
    None
}

/// A claim goes when no pod uses it any longer.
fn release_claim(state: &mut State, key: &Key, claim: &Value) -> Option<Duration> {
    const AGAIN: Duration = Duration::from_millis(100);
    let used = state.store.list("pods", Some(&key.namespace)).any(|pod| {
        list(pod, "/spec/volumes")
            .iter()
            .any(|volume| text(volume, "/persistentVolumeClaim/claimName") == key.name)
    });
    if used {
        return Some(AGAIN);
    }
    state.finalize("persistentvolumeclaims", claim, "kubernetes.io/pvc-protection");
    None
}
