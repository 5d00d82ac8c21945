//! PodDisruptionBudgets: how many pods may be missing now.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api::{Api, CONTROLLER_MANAGER};
use super::rollout::resolve;
use super::template::is_active;
use super::{Context, condition};
use crate::kube::object::{self, child, list, map};
use crate::kube::selector::label_selector_matches;
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::world::is_ready;

const BUDGETS: &str = "poddisruptionbudgets.policy";
/// A pod that has not gone this long after its eviction was allowed is counted again.
const LEAVING_MAX: SignedDuration = SignedDuration::from_mins(2);

/// Whether a budget counts a pod.
pub(super) fn selects(budget: &Value, pod: &Value) -> bool {
    label_selector_matches(&budget["spec"]["selector"], map(pod, "/metadata/labels"))
}

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let budget = Arc::clone(state.store.get(BUDGETS, key)?);
    let pods = state.store.list("pods", Some(&key.namespace));
    let pods: Vec<&Arc<Value>> = pods.filter(|pod| is_active(pod) && selects(&budget, pod)).collect();
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let expected = count(pods.len());
    let leaving: Vec<(String, Value)> = leaving(&budget, &pods, context.now);
    let leaves = |pod: &Value| leaving.iter().any(|(name, _)| name == object::name(pod));
    let healthy = count(pods.iter().filter(|pod| is_ready(pod) && !leaves(pod)).count());
    let spec = &budget["spec"];
    let desired = match (&spec["maxUnavailable"], &spec["minAvailable"]) {
        (Value::Null, least) => resolve(least, expected, true),
        (most, _) => (expected - resolve(most, expected, true)).max(0),
    };
    let allowed = if expected == 0 { 0 } else { (healthy - desired).max(0) };
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    let mut told = Value::clone(&budget);
    let status = child(&mut told, "status");
    for (field, value) in [
        ("expectedPods", expected),
        ("currentHealthy", healthy),
        ("desiredHealthy", desired),
        ("disruptionsAllowed", allowed),
    ] {
        status[field] = json!(value);
    }
    if leaving.is_empty() {
        object::remove(status, &["disruptedPods"]);
    } else {
        status["disruptedPods"] = Value::Object(leaving.into_iter().collect());
    }
    status["observedGeneration"] = budget["metadata"]["generation"].clone();
    let (holds, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let now = api.time();
    condition::set(&mut told, "DisruptionAllowed", holds, reason, "", &now);
    let generation = object::integer(&budget, "/metadata/generation");
    let conditions = told.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    for own in conditions.into_iter().flatten() {
        own["observedGeneration"] = json!(generation);
    }
    if told != *budget {
        // A conflict makes the budget change again, and with it this task due.
        let _ = api.update_status(&told);
    }
    None
}

/// The pods whose eviction has been allowed and is still to be seen, with when that was.
fn leaving(budget: &Value, pods: &[&Arc<Value>], now: Timestamp) -> Vec<(String, Value)> {
    let is_recent = |since: &Value| {
        let since = since.as_str().and_then(|since| since.parse::<Timestamp>().ok());
        since.is_some_and(|since| now.duration_since(since) < LEAVING_MAX)
    };
    let allowed = map(budget, "/status/disruptedPods").iter();
    let still = allowed.filter(|(name, since)| {
        is_recent(since) && pods.iter().any(|pod| object::name(pod) == name.as_str())
    });
    still.map(|(name, since)| (name.clone(), since.clone())).collect()
}

/// The budgets that count a pod.
pub(super) fn of_pod(state: &State, pod: &Value) -> Vec<Key> {
    let budgets = state.store.list(BUDGETS, Some(object::namespace(pod)));
    budgets
        .filter(|budget| selects(budget, pod) && !list(pod, "/spec/containers").is_empty())
        .map(|budget| Key::of(budget))
        .collect()
}
