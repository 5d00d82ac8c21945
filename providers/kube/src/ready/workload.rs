//! Rules for what runs pods.

use serde_json::Value as Json;

use super::{Readiness, condition, count, not_observed, text, waiting};
use crate::trouble::pod_trouble;

/// A Deployment: all replicas are of the newest template, ready and available, and no old one is left.
pub(super) fn deployment(object: &Json) -> Readiness {
    if let Some(progressing) = condition(object, "Progressing")
        && progressing.is_false()
        && progressing.reason == "ProgressDeadlineExceeded"
    {
        return Readiness::Failed(progressing.why());
    }
    if !is_observed(object) {
        return not_observed();
    }
    if object.pointer("/spec/paused").and_then(Json::as_bool) == Some(true) {
        return Readiness::Ready;
    }
    let wanted = wanted(object);
    let updated = count(object, "/status/updatedReplicas");
    let left = count(object, "/status/replicas") - updated;
    let waits = missing(updated, wanted, "updated")
        .or_else(|| missing(count(object, "/status/readyReplicas"), wanted, "ready"))
        .or_else(|| (left > 0).then(|| format!("{left} old replicas are left")))
        .or_else(|| missing(count(object, "/status/availableReplicas"), wanted, "available"));
    match (waits, replica_failure(object)) {
        (None, _) => Readiness::Ready,
        (Some(waits), Some(why)) => waiting(format!("{waits}: {why}")),
        (Some(waits), None) => waiting(waits),
    }
}

/// A StatefulSet: as many replicas as wanted are ready, those above the partition of the newest template.
pub(super) fn stateful_set(object: &Json) -> Readiness {
    if !is_observed(object) {
        return not_observed();
    }
    let wanted = wanted(object);
    let partition = count(object, "/spec/updateStrategy/rollingUpdate/partition");
    let to_update = if updates_on_delete(object) { 0 } else { (wanted - partition).max(0) };
    let surplus = count(object, "/status/replicas") - wanted;
    let waits = missing(count(object, "/status/updatedReplicas"), to_update, "updated")
        .or_else(|| missing(count(object, "/status/readyReplicas"), wanted, "ready"))
        .or_else(|| (surplus > 0).then(|| format!("{surplus} replicas are too many")))
        .or_else(|| {
            let delayed = count(object, "/spec/minReadySeconds") > 0;
            delayed
                .then(|| missing(count(object, "/status/availableReplicas"), wanted, "available"))
                .flatten()
        });
    waits.map_or(Readiness::Ready, waiting)
}

/// A DaemonSet: every node that should have a pod has one of the newest template, ready and available.
pub(super) fn daemon_set(object: &Json) -> Readiness {
    if !is_observed(object) {
        return not_observed();
    }
    let wanted = count(object, "/status/desiredNumberScheduled");
    let to_update = if updates_on_delete(object) { 0 } else { wanted };
    let waits = missing(count(object, "/status/updatedNumberScheduled"), to_update, "updated")
        .or_else(|| missing(count(object, "/status/numberReady"), wanted, "ready"))
        .or_else(|| missing(count(object, "/status/numberAvailable"), wanted, "available"));
    waits.map_or(Readiness::Ready, waiting)
}

/// A ReplicaSet or ReplicationController: just as many replicas as wanted, all ready and available.
pub(super) fn replica_set(object: &Json) -> Readiness {
    if !is_observed(object) {
        return not_observed();
    }
    let wanted = wanted(object);
    let surplus = count(object, "/status/replicas") - wanted;
    let waits = missing(count(object, "/status/readyReplicas"), wanted, "ready")
        .or_else(|| (surplus > 0).then(|| format!("{surplus} replicas are too many")))
        .or_else(|| missing(count(object, "/status/availableReplicas"), wanted, "available"));
    match (waits, replica_failure(object)) {
        (None, _) => Readiness::Ready,
        (Some(waits), Some(why)) => waiting(format!("{waits}: {why}")),
        (Some(waits), None) => waiting(waits),
    }
}

/// A Job: complete. A suspended one is what was asked for.
pub(super) fn job(object: &Json) -> Readiness {
    if condition(object, "Complete").is_some_and(|complete| complete.is_true()) {
        return Readiness::Ready;
    }
    if let Some(failed) = condition(object, "Failed").filter(super::Condition::is_true) {
        return Readiness::Failed(failed.why());
    }
    if object.pointer("/spec/suspend").and_then(Json::as_bool) == Some(true) {
        return Readiness::Ready;
    }
    if let Some(failing) = condition(object, "FailureTarget").filter(super::Condition::is_true) {
        return waiting(format!("it is being ended: {}", failing.why()));
    }
    let wanted = object.pointer("/spec/completions").and_then(Json::as_i64).unwrap_or(1);
    let failed = count(object, "/status/failed");
    let so_far = format!("{} of {wanted} completions are done", count(object, "/status/succeeded"));
    waiting(if failed > 0 { format!("{so_far}, {failed} pods have failed") } else { so_far })
}

/// A Pod: ready, or done.
pub(super) fn pod(object: &Json) -> Readiness {
    match text(object, "/status/phase") {
        "Succeeded" => Readiness::Ready,
        "Failed" => {
            let trouble = pod_trouble(object).map(|trouble| trouble.text);
            let said = [text(object, "/status/reason"), text(object, "/status/message")];
            let said: Vec<_> = said.into_iter().filter(|part| !part.is_empty()).collect();
            let why = trouble.or_else(|| (!said.is_empty()).then(|| said.join(": ")));
            Readiness::Failed(why.unwrap_or_else(|| "its containers have failed".into()))
        }
        _ if condition(object, "Ready").is_some_and(|ready| ready.is_true()) => Readiness::Ready,
        phase => {
            let trouble = pod_trouble(object).map(|trouble| trouble.text);
            waiting(trouble.unwrap_or_else(|| match phase {
                "" => "it has not been seen by the scheduler yet".into(),
                "Running" => "it runs, but is not ready".into(),
                phase => format!("its phase is {phase}"),
            }))
        }
    }
}

fn wanted(object: &Json) -> i64 {
    object.pointer("/spec/replicas").and_then(Json::as_i64).unwrap_or(1)
}

/// Whether pods of an older template stay until someone deletes them, so that nobody waits for the newest.
fn updates_on_delete(object: &Json) -> bool {
    text(object, "/spec/updateStrategy/type") == "OnDelete"
}

fn missing(there: i64, wanted: i64, what: &str) -> Option<String> {
    (there < wanted).then(|| format!("{there} of {wanted} replicas are {what}"))
}

fn is_observed(object: &Json) -> bool {
    object.pointer("/status/observedGeneration").is_some()
}

fn replica_failure(object: &Json) -> Option<String> {
    condition(object, "ReplicaFailure").filter(super::Condition::is_true).map(|failure| failure.why())
}
