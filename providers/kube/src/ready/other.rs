//! Rules for what does not run pods.

use serde_json::Value as Json;

use super::{Condition, Readiness, Surroundings, condition, not_observed, text, waiting};

/// A Namespace: active.
pub(super) fn namespace(object: &Json) -> Readiness {
    match text(object, "/status/phase") {
        "Active" => Readiness::Ready,
        _ => waiting("it is not active yet"),
    }
}

/// A claim: bound, unless only its first pod can bind it.
pub(super) fn claim(object: &Json, surroundings: Surroundings) -> Readiness {
    match text(object, "/status/phase") {
        "Bound" => Readiness::Ready,
        "Lost" => Readiness::Failed("its volume is gone".into()),
        _ if surroundings.binds_when_used => Readiness::Ready,
        _ => waiting("it is not bound to a volume yet"),
    }
}

/// A volume: anything but failed.
pub(super) fn volume(object: &Json) -> Readiness {
    match text(object, "/status/phase") {
        "Failed" => Readiness::Failed(format!("it has failed: {}", text(object, "/status/message"))),
        _ => Readiness::Ready,
    }
}

/// A CustomResourceDefinition: its names are accepted and the server serves it.
pub(super) fn definition(object: &Json) -> Readiness {
    if let Some(names) = condition(object, "NamesAccepted").filter(Condition::is_false) {
        return Readiness::Failed(format!("its names are not accepted: {}", names.why()));
    }
    match condition(object, "Established") {
        Some(established) if established.is_true() => Readiness::Ready,
        _ => waiting("the server does not serve it yet"),
    }
}

/// An APIService: available.
pub(super) fn api_service(object: &Json) -> Readiness {
    match condition(object, "Available") {
        Some(available) if available.is_true() => Readiness::Ready,
        Some(available) => waiting(format!("it is not available: {}", available.why())),
        None => waiting("it is not known yet whether it is available"),
    }
}

/// A budget: its controller has counted.
pub(super) fn budget(object: &Json) -> Readiness {
    if object.pointer("/status/observedGeneration").is_none() {
        return not_observed();
    }
    Readiness::Ready
}

/// An autoscaler: it can read and write the scale of what it is for. That there are no metrics yet is no reason to wait.
pub(super) fn autoscaler(object: &Json) -> Readiness {
    match condition(object, "AbleToScale").filter(Condition::is_false) {
        Some(unable) => waiting(format!("it cannot scale: {}", unable.why())),
        None => Readiness::Ready,
    }
}

/// Any other kind: by the conditions that kstatus knows.
pub(super) fn by_conditions(object: &Json, surroundings: Surroundings) -> Readiness {
    if let Some(stalled) = condition(object, "Stalled").filter(Condition::is_true) {
        return Readiness::Failed(format!("it is stalled: {}", stalled.why()));
    }
    if let Some(reconciling) = condition(object, "Reconciling").filter(Condition::is_true) {
        return waiting(format!("it is being reconciled: {}", reconciling.why()));
    }
    match condition(object, "Ready") {
        Some(ready) if ready.is_true() => Readiness::Ready,
        Some(ready) => waiting(format!("it is not ready: {}", ready.why())),
        None if has_condition(object, "Ready") => waiting("its readiness is of an older generation"),
        None if surroundings.expects_status && !has_status(object) => {
            waiting("its controller has not written a status yet")
        }
        None => Readiness::Ready,
    }
}

fn has_condition(object: &Json, name: &str) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Json::as_array);
    conditions.into_iter().flatten().any(|condition| text(condition, "/type") == name)
}

/// Whether a controller has said anything at all.
fn has_status(object: &Json) -> bool {
    object.pointer("/status").and_then(Json::as_object).is_some_and(|status| !status.is_empty())
}
