//! ReplicaSets: as many pods as wanted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use super::api::{Api, CONTROLLER_MANAGER};
use super::template::{is_active, is_available, labels, pod, pods_of};
use crate::kube::object::{self, integer, map};
use crate::kube::selector::map_matches;
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::world::is_ready;

const COMPONENT: &str = "replicaset-controller";
/// How many pods are made or ended at a time.
const BURST: usize = 500;

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let set = Arc::clone(state.store.get("replicasets.apps", key)?);
    let all = pods_of(state, &set);
    let mut active: Vec<Arc<Value>> = all.iter().filter(|pod| is_active(pod)).cloned().collect();
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    if !object::is_terminating(&set) {
        scale(&mut api, &set, &mut active);
    }
    let terminating = all.iter().filter(|pod| object::is_terminating(pod)).count();
    status(&mut api, context, &set, terminating)
}

fn scale(api: &mut Api<'_>, set: &Value, active: &mut [Arc<Value>]) {
    let wanted = usize::try_from(integer(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    if active.len() < wanted {
        for _ in 0..(wanted - active.len()).min(BURST) {
            create(api, set);
        }
        return;
    }
    // Those that are not ready go first, then the youngest.
    active.sort_by_key(|pod| (is_ready(pod), std::cmp::Reverse(object::revision(pod))));
    let surplus = active.len() - wanted;
    for pod in active.iter().take(surplus) {
        if api.delete(pod).is_ok() {
            let message = format!("Deleted pod: {}", object::name(pod));
            api.event(set, COMPONENT, "Normal", "SuccessfulDelete", &message);
        }
    }
}

fn create(api: &mut Api<'_>, set: &Value) {
    let mut pod = pod(set, &set["spec"]["template"]);
    pod["metadata"]["generateName"] = json!(format!("{}-", object::name(set)));
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

fn status(api: &mut Api<'_>, context: &Context<'_>, set: &Value, terminating: usize) -> Option<Duration> {
    let active: Vec<Arc<Value>> = pods_of(api.state, set).into_iter().filter(|pod| is_active(pod)).collect();
    let minimum = integer(set, "/spec/minReadySeconds").unwrap_or(0);
    let template = labels(&set["spec"]["template"]);
    let labelled = active.iter().filter(|pod| map_matches(template, map(pod, "/metadata/labels"))).count();
    let ready = active.iter().filter(|pod| is_ready(pod)).count();
    let availability: Vec<Result<(), Option<i64>>> =
        active.iter().map(|pod| is_available(pod, minimum, context.now)).collect();
    let available = availability.iter().filter(|available| available.is_ok()).count();
    let soonest = availability.iter().filter_map(|available| available.err().flatten()).min();
    let mut told = set.clone();
    let status = object::child(&mut told, "status");
    for (field, count) in [
        ("replicas", active.len()),
        ("fullyLabeledReplicas", labelled),
        ("readyReplicas", ready),
        ("availableReplicas", available),
        ("terminatingReplicas", terminating),
    ] {
        status[field] = json!(count);
    }
    status["observedGeneration"] = set["metadata"]["generation"].clone();
    // A conflict makes the set change again, and with it this task due.
    let _ = api.update_status(&told);
    soonest.map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
}
