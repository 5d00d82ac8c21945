//! Nodes are ready, unless they are annotated otherwise: then their pods are unready, and leave when they may.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::{Api, CONTROLLER_MANAGER, KUBELET};
use super::{Context, condition, pod_status};
use crate::kube::clock::rfc3339;
use crate::kube::net::is_lost;
use crate::kube::object::{self, integer, list, text};
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::world::is_ready;

/// What keeps pods off a node that doesn't answer.
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const EFFECTS: [&str; 2] = ["NoSchedule", "NoExecute"];

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let node = Arc::clone(state.store.get("nodes", key)?);
    let lost = is_lost(&node);
    tell(state, context, &node, lost);
    taint(state, context, key, lost);
    None
}

fn tell(state: &mut State, context: &Context<'_>, node: &Value, lost: bool) {
    let mut told = node.clone();
    let (status, reason, message) = match lost {
        true => ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."),
        false => ("True", "KubeletReady", "kubelet is posting ready status"),
    };
    let mut api = Api::new(state, context.now, if lost { CONTROLLER_MANAGER } else { KUBELET });
    let now = api.time();
    if condition::set(&mut told, "Ready", status, reason, message, &now) {
        // A conflict makes the node change again, and with it this task due.
        let _ = api.update_status(&told);
    }
}

/// Taints a lost node, and takes the taints from one that is back.
fn taint(state: &mut State, context: &Context<'_>, key: &Key, lost: bool) {
    let Some(node) = state.store.get("nodes", key).cloned() else { return };
    let mut taints = list(&node, "/spec/taints").to_vec();
    if lost {
        for effect in EFFECTS {
            if !taints.iter().any(|own| own["key"] == UNREACHABLE && own["effect"] == effect) {
                let since = rfc3339(context.now);
                taints.push(json!({ "key": UNREACHABLE, "effect": effect, "timeAdded": since }));
            }
        }
    } else {
        taints.retain(|own| own["key"] != UNREACHABLE);
    }
    if taints == list(&node, "/spec/taints") {
        return;
    }
    let mut new = Value::clone(&node);
    if taints.is_empty() {
        object::remove(&mut new, &["spec", "taints"]);
    } else {
        object::set(&mut new, &["spec", "taints"], Value::Array(taints));
    }
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    // A conflict makes the node change again, and with it this task due.
    let _ = api.update(&new);
}

/// A pod on a lost node is unready; nobody there ends it when it is told to end.
pub(super) fn lose_pod(state: &mut State, context: &Context<'_>, key: &Key, pod: &Value) {
    context.plane.close_pod(key);
    if is_ready(pod) {
        let mut told = pod.clone();
        pod_status::lost(&mut told, &rfc3339(context.now));
        let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
        // On a conflict the pod changes again, and with it this task is due.
        let _ = api.update_status(&told);
    }
}

/// Ends a pod that no longer tolerates its node's taints; when that will be, if it's not yet.
pub(super) fn evict(state: &mut State, context: &Context<'_>, pod: &Value, node: &Value) -> Option<Duration> {
    let taints = list(node, "/spec/taints").iter().filter(|taint| text(taint, "/effect") == "NoExecute");
    let left = { taints }.filter_map(|taint| time_left(pod, taint, context.now)).min()?;
    if !left.is_zero() {
        return Some(left);
    }
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    let name = format!("{}/{}", object::namespace(pod), object::name(pod));
    let message = format!("Marking for deletion Pod {name}");
    api.event(pod, "taint-eviction-controller", "Normal", "TaintManagerEviction", &message);
    // What cannot be deleted now is tried again with the next change.
    let _ = api.delete(pod);
    None
}

/// How much longer a pod tolerates a taint; nothing if for ever.
fn time_left(pod: &Value, taint: &Value, now: Timestamp) -> Option<Duration> {
    let tolerations = list(pod, "/spec/tolerations").iter().filter(|own| tolerates(own, taint));
    let limits: Vec<Option<i64>> = tolerations.map(|own| integer(own, "/tolerationSeconds")).collect();
    let Some(shortest) = limits.iter().flatten().min() else {
        return limits.is_empty().then_some(Duration::ZERO);
    };
    let since = text(taint, "/timeAdded").parse::<Timestamp>().unwrap_or(now);
    let left = shortest - (now.as_second() - since.as_second());
    Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
}

/// Whether a toleration is one for a taint.
pub(super) fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let (key, effect) = (text(toleration, "/key"), text(toleration, "/effect"));
    let exists = text(toleration, "/operator") == "Exists";
    (key.is_empty() || key == text(taint, "/key"))
        && (effect.is_empty() || effect == text(taint, "/effect"))
        && (exists || (!key.is_empty() && text(toleration, "/value") == text(taint, "/value")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerations() {
        let check = |toleration: Value, expect: Option<u64>| {
            let pod = json!({ "spec": { "tolerations": [toleration] } });
            let taint = json!({ "key": "k", "value": "v", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z" });
            let now = "2026-01-01T00:00:10Z".parse().unwrap();
            assert_eq!(time_left(&pod, &taint, now).map(|left| left.as_secs()), expect, "{pod}");
        };
        check(json!({ "key": "k", "operator": "Exists" }), None);
        check(json!({ "operator": "Exists" }), None);
        check(json!({ "key": "k", "value": "v", "effect": "NoExecute", "tolerationSeconds": 30 }), Some(20));
        check(json!({ "key": "k", "value": "v", "tolerationSeconds": 5 }), Some(0));
        check(json!({ "key": "k", "value": "w" }), Some(0));
        check(json!({ "key": "other", "operator": "Exists" }), Some(0));
        check(json!({ "key": "k", "operator": "Exists", "effect": "NoSchedule" }), Some(0));
    }
}
