//! Evictions: deletes of pods that their disruption budgets may refuse.

use std::sync::Arc;

use serde_json::{Value, json};

use super::delete::{DeleteOptions, check_preconditions};
use super::request::Request;
use crate::kube::control::condition;
use crate::kube::object::{self, child, integer, list, map, text};
use crate::kube::selector::label_selector_matches;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult};
use crate::kube::world::is_ready;

const BUDGETS: &str = "poddisruptionbudgets.policy";
/// Under this name the server writes of itself.
const API_SERVER: &str = "kube-apiserver";
/// When a client may try again while a budget is not counted yet, in seconds.
const RETRY_SECONDS: u64 = 10;

impl State {
    /// Evicts a pod.
    ///
    /// # Errors
    ///
    /// 429 when its budget does not allow that, 500 when it has more than one, and what a DELETE is refused with.
    pub(crate) fn evict(&mut self, request: &Request, options: &DeleteOptions) -> ApiResult<()> {
        let pod = self.find(request)?;
        if is_guarded(&pod)
            && let Some(budget) = self.budget_of(&pod)?
            && !may_go_unready(&pod, &budget)
        {
            self.spend(request, &budget)?;
        }
        let mut options = options.clone();
        if !request.dry_run {
            check_preconditions(request, &pod, &options)?;
            // It has held, and the condition makes a new revision.
            options.revision = None;
            self.mark_target(request, &pod);
        }
        self.delete(request, &options).map(drop)
    }

    /// The budget that counts a pod.
    fn budget_of(&self, pod: &Value) -> ApiResult<Option<Arc<Value>>> {
        let budgets = self.store.list(BUDGETS, Some(object::namespace(pod)));
        let labels = map(pod, "/metadata/labels");
        let mut counting = budgets.filter(|own| label_selector_matches(&own["spec"]["selector"], labels));
        let first = counting.next().cloned();
        if counting.next().is_some() {
            let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(ApiError::status(500, "", message));
        }
        Ok(first)
    }

    /// Takes one disruption off a budget.
    fn spend(&mut self, request: &Request, budget: &Arc<Value>) -> ApiResult<()> {
        let name = object::name(budget);
        let number = |field: &str| integer(budget, &format!("/status/{field}")).unwrap_or(0);
        if number("observedGeneration") < integer(budget, "/metadata/generation").unwrap_or(0) {
            let why = format!("The disruption budget {name} is still being processed by the server.");
            return Err(refused(&why, RETRY_SECONDS));
        }
        let allowed = number("disruptionsAllowed");
        if allowed <= 0 {
            return Err(refused(&shortage(budget), 0));
        }
        if request.dry_run {
            return Ok(());
        }
        let mut told = Value::clone(budget);
        let status = child(&mut told, "status");
        status["disruptionsAllowed"] = json!(allowed - 1);
        child(status, "disruptedPods")[request.name.as_str()] = json!(request.time());
        if allowed == 1 {
            condition::set(&mut told, "DisruptionAllowed", "False", "InsufficientPods", "", &request.time());
        }
        let resource = self.registry.by_kind("policy/v1", "PodDisruptionBudget").map(Arc::clone);
        let write = Request {
            resource: resource.ok_or_else(ApiError::no_such_resource)?,
            version: "v1".to_owned(),
            namespace: object::namespace(budget).to_owned(),
            name: name.to_owned(),
            subresource: "status".to_owned(),
            manager: API_SERVER.to_owned(),
            ..request.clone()
        };
        self.replace(&write, &told).map(drop)
    }

    /// Says in a pod why it ends.
    fn mark_target(&mut self, request: &Request, pod: &Value) {
        let mut marked = pod.clone();
        let (reason, message) = ("EvictionByEvictionAPI", "Eviction API: evicting");
        if condition::set(&mut marked, "DisruptionTarget", "True", reason, message, &request.time()) {
            let conditions = marked.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
            let target = conditions.into_iter().flatten().find(|own| own["type"] == "DisruptionTarget");
            if let Some(target) = target {
                target["lastProbeTime"] = Value::Null;
            }
            self.store.put("pods", marked);
        }
    }
}

/// Whether budgets are asked at all: a pod that does not run, or ends anyway, disrupts nothing more.
fn is_guarded(pod: &Value) -> bool {
    !object::is_terminating(pod) && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed" | "Pending")
}

/// Whether a pod that is not ready may go without being counted.
fn may_go_unready(pod: &Value, budget: &Value) -> bool {
    let number = |field: &str| integer(budget, &format!("/status/{field}")).unwrap_or(0);
    let desired = number("desiredHealthy");
    let enough = desired > 0 && number("currentHealthy") >= desired;
    !is_ready(pod) && (text(budget, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow" || enough)
}

/// Why a budget allows nothing.
fn shortage(budget: &Value) -> String {
    let name = object::name(budget);
    let number = |field: &str| integer(budget, &format!("/status/{field}")).unwrap_or(0);
    let (healthy, desired) = (number("currentHealthy"), number("desiredHealthy"));
    if healthy <= desired {
        return format!(
            "The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
        );
    }
    let refusal = list(budget, "/status/conditions").iter().find(|own| {
        own["type"] == "DisruptionAllowed" && own["status"] == "False" && !text(own, "/message").is_empty()
    });
    let why = refusal.map(|own| format!(" ({}): {}", text(own, "/reason"), text(own, "/message")));
    format!("The disruption budget {name} does not allow evicting pods currently{}", why.unwrap_or_default())
}

fn refused(why: &str, retry_seconds: u64) -> ApiError {
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    ApiError::too_many_requests(
        message,
        &json!([{ "reason": "DisruptionBudget", "message": why }]),
        retry_seconds,
    )
}
