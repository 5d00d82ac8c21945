//! DaemonSets: one pod on every node.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use super::api::{Api, CONTROLLER_MANAGER};
use super::rollout::Limits;
use super::schedule::fits;
use super::template::{hash, is_active, labelled, pod, pods_of};
use crate::kube::object::{self, child, list, text};
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::world::is_ready;

const COMPONENT: &str = "daemonset-controller";
/// What pods of DaemonSets tolerate of nodes (`node.kubernetes.io/…`), and for ever.
const TOLERATED: [(&str, &str); 6] = [
    ("not-ready", "NoExecute"),
    ("unreachable", "NoExecute"),
    ("disk-pressure", "NoSchedule"),
    ("memory-pressure", "NoSchedule"),
    ("pid-pressure", "NoSchedule"),
    ("unschedulable", "NoSchedule"),
];
const REVISION_LABEL: &str = "controller-revision-hash";

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let set = Arc::clone(state.store.get("daemonsets.apps", key)?);
    if object::is_terminating(&set) {
        return None;
    }
    let revision = hash(&set["spec"]["template"], 0);
    let tolerant = tolerant(&set["spec"]["template"]);
    let nodes: Vec<Arc<Value>> =
        state.store.list("nodes", None).filter(|node| fits(&tolerant, node)).cloned().collect();
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    let pods: Vec<Arc<Value>> = pods_of(api.state, &set).into_iter().filter(|pod| is_active(pod)).collect();
    for node in &nodes {
        if !pods.iter().any(|pod| text(pod, "/spec/nodeName") == object::name(node)) {
            create(&mut api, &set, node, &revision);
        }
    }
    let stray =
        |pod: &&Arc<Value>| !nodes.iter().any(|node| object::name(node) == text(pod, "/spec/nodeName"));
    for pod in pods.iter().filter(stray) {
        // What cannot be deleted now is tried again with the next change.
        let _ = api.delete(pod);
    }
    update(&mut api, &set, &pods, nodes.len(), &revision);
    status(&mut api, &set, nodes.len(), &revision);
    None
}

/// A template with the tolerations that pods of DaemonSets get: they stay where others leave.
fn tolerant(template: &Value) -> Value {
    let mut template = template.clone();
    let mut tolerations = list(&template, "/spec/tolerations").to_vec();
    for (key, effect) in TOLERATED {
        tolerations.push(
            json!({ "key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": effect }),
        );
    }
    object::set(&mut template, &["spec", "tolerations"], Value::Array(tolerations));
    template
}

fn create(api: &mut Api<'_>, set: &Value, node: &Value, revision: &str) {
    let template = labelled(&tolerant(&set["spec"]["template"]), REVISION_LABEL, revision);
    let mut pod = pod(set, &template);
    pod["metadata"]["generateName"] = json!(format!("{}-", object::name(set)));
    pod["spec"]["nodeName"] = json!(object::name(node));
    match api.create(&pod) {
        Ok(pod) => {
            let message = format!("Created pod: {}", object::name(&pod));
            api.event(set, COMPONENT, "Normal", "SuccessfulCreate", &message);
        }
        Err(error) => {
            let message = format!("Error creating: {}", error.message());
            api.event(set, COMPONENT, "Warning", "FailedCreate", &message);
        }
    }
}

/// Ends outdated pods, as many as may be unavailable; their nodes then get new ones.
fn update(api: &mut Api<'_>, set: &Value, pods: &[Arc<Value>], nodes: usize, revision: &str) {
    if text(set, "/spec/updateStrategy/type") == "OnDelete" {
        return;
    }
    let unavailable_max = Limits::of(&json!({ "spec": {
        "replicas": nodes,
        "strategy": { "rollingUpdate": {
            "maxSurge": 0,
            "maxUnavailable": set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"],
        } },
    } }));
    let available = pods.iter().filter(|pod| is_ready(pod)).count();
    let unavailable = nodes.saturating_sub(available);
    let mut spare = usize::try_from(unavailable_max.unavailable).unwrap_or(1).saturating_sub(unavailable);
    for pod in pods.iter().filter(|pod| pod["metadata"]["labels"][REVISION_LABEL] != revision) {
        let works = is_ready(pod);
        if works && spare == 0 {
            continue;
        }
        spare -= usize::from(works);
        // What cannot be deleted now is tried again with the next change.
        let _ = api.delete(pod);
    }
}

fn status(api: &mut Api<'_>, set: &Value, nodes: usize, revision: &str) {
    let pods: Vec<Arc<Value>> = pods_of(api.state, set).into_iter().filter(|pod| is_active(pod)).collect();
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let updated = pods.iter().filter(|pod| pod["metadata"]["labels"][REVISION_LABEL] == revision).count();
    let mut told = set.clone();
    let status = child(&mut told, "status");
    status["observedGeneration"] = set["metadata"]["generation"].clone();
    for (field, count) in [
        ("currentNumberScheduled", pods.len()),
        ("desiredNumberScheduled", nodes),
        ("numberMisscheduled", 0),
        ("numberReady", ready),
        ("numberAvailable", ready),
        ("numberUnavailable", nodes.saturating_sub(ready)),
        ("updatedNumberScheduled", updated),
    ] {
        status[field] = json!(count);
    }
    if nodes <= ready {
        object::remove(status, &["numberUnavailable"]);
    }
    // On a conflict the set changes again, and with it this task is due.
    let _ = api.update_status(&told);
}
