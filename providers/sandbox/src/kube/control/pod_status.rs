//! The statuses of pods, as kubelets write them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::kube::duration;
use crate::kube::net::annotation;
use crate::kube::object::{child, integer, list, text};

/// Images whose name contains this cannot be pulled.
const ABSENT_IMAGE: &str = "does-not-exist";

/// What becomes of a pod.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ready,
    /// It never gets beyond creating its containers.
    Hang,
    Crash,
    /// This image cannot be pulled.
    ImagePull(String),
}

impl Outcome {
    /// What a pod's annotation or images ask for.
    pub(super) fn of(pod: &Value) -> Self {
        let containers = list(pod, "/spec/containers");
        let images = || containers.iter().map(|container| text(container, "/image"));
        match annotation(pod, "outcome") {
            "hang" => Self::Hang,
            "crashloop" => Self::Crash,
            "imagepull" => Self::ImagePull(images().next().unwrap_or_default().to_owned()),
            _ => match images().find(|image| image.contains(ABSENT_IMAGE)) {
                Some(image) => Self::ImagePull(image.to_owned()),
                None => Self::Ready,
            },
        }
    }
}

/// How long the pod's annotation makes it take until it runs: `2s`, `150ms`, `1m`.
pub(super) fn delay(pod: &Value) -> Option<Duration> {
    duration::parse(annotation(pod, "delay"))
}

/// How long a running pod takes until it is ready; nothing if it never is.
pub(super) fn ready_after(pod: &Value) -> Option<Duration> {
    let never = annotation(pod, "outcome") == "unready";
    (!never).then(|| duration::parse(annotation(pod, "ready-after")).unwrap_or_default())
}

fn conditions(pod: &mut Value, wanted: &[(&str, bool, &str, &str)], now: &str) {
    let known = list(pod, "/status/conditions").to_vec();
    let mut all: Vec<Value> = Vec::new();
    for (kind, holds, reason, message) in wanted {
        let status = if *holds { "True" } else { "False" };
        let since = known
            .iter()
            .find(|own| own["type"] == *kind && own["status"] == status)
            .map_or_else(|| json!(now), |own| own["lastTransitionTime"].clone());
        let mut condition =
            json!({ "type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": since });
        if !reason.is_empty() {
            condition["reason"] = json!(reason);
            condition["message"] = json!(message);
        }
        all.push(condition);
    }
    child(pod, "status")["conditions"] = Value::Array(all);
}

/// The pod has a node.
pub(super) fn scheduled(pod: &mut Value, now: &str) {
    conditions(pod, &[("PodScheduled", true, "", "")], now);
}

const UNREADY: &str = "containers with unready status";

fn set_conditions(pod: &mut Value, ready: bool, now: &str) {
    let names = list(pod, "/spec/containers").iter().map(|container| text(container, "/name"));
    let message = format!("{UNREADY}: [{}]", names.collect::<Vec<_>>().join(" "));
    let (reason, message) = if ready { ("", "") } else { ("ContainersNotReady", message.as_str()) };
    let wanted = [
        ("PodReadyToStartContainers", true, "", ""),
        ("Initialized", true, "", ""),
        ("Ready", ready, reason, message),
        ("ContainersReady", ready, reason, message),
        ("PodScheduled", true, "", ""),
    ];
    conditions(pod, &wanted, now);
}

fn containers(pod: &mut Value, of: impl Fn(&Value) -> Value) {
    for (part, field) in [("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")] {
        let statuses: Vec<Value> = list(pod, &format!("/spec/{part}")).iter().map(&of).collect();
        if !statuses.is_empty() {
            child(pod, "status")[field] = Value::Array(statuses);
        }
    }
}

fn container(container: &Value, state: &Value, ready: bool, restarts: i64) -> Value {
    json!({
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": ready,
        "started": state.get("running").is_some(),
        "restartCount": restarts,
        "state": state,
        "lastState": {},
    })
}

fn place(pod: &mut Value, now: &str) {
    let status = child(pod, "status");
    status["hostIP"] = json!("127.0.0.1");
    status["hostIPs"] = json!([{ "ip": "127.0.0.1" }]);
    crate::kube::object::put_default(status, "startTime", now);
}

/// Its containers wait for something.
pub(super) fn waiting(pod: &mut Value, reason: &str, message: &str, now: &str) {
    place(pod, now);
    set_conditions(pod, false, now);
    let mut state = json!({ "waiting": { "reason": reason } });
    if !message.is_empty() {
        state["waiting"]["message"] = json!(message);
    }
    containers(pod, |own| container(own, &state, false, 0));
    child(pod, "status")["phase"] = json!("Pending");
}

/// How often its containers were started again.
pub(super) fn restarts(pod: &Value) -> i64 {
    integer(pod, "/status/containerStatuses/0/restartCount").unwrap_or(0)
}

/// Its containers started and ended at once; how often by now.
pub(super) fn crashed(pod: &mut Value, now: &str) -> i64 {
    place(pod, now);
    set_conditions(pod, false, now);
    let restarts = restarts(pod) + 1;
    let state = json!({ "waiting": {
        "reason": "CrashLoopBackOff",
        "message": "back-off 10s restarting failed container",
    } });
    let ended = json!({ "terminated": {
        "exitCode": 1,
        "reason": "Error",
        "startedAt": now,
        "finishedAt": now,
    } });
    containers(pod, |own| {
        let mut status = container(own, &state, false, restarts);
        status["lastState"] = ended.clone();
        status
    });
    child(pod, "status")["phase"] = json!("Running");
    restarts
}

/// It runs at an address, ready or not yet.
pub(super) fn running(pod: &mut Value, address: &str, ready: bool, now: &str) {
    place(pod, now);
    set_conditions(pod, ready, now);
    let state = json!({ "running": { "startedAt": now } });
    let restarts = restarts(pod);
    containers(pod, |own| container(own, &state, ready, restarts));
    complete_inits(pod, now);
    let status = child(pod, "status");
    status["phase"] = json!("Running");
    status["podIP"] = json!(address);
    status["podIPs"] = json!([{ "ip": address }]);
}

/// It runs on, and is ready or no longer.
pub(super) fn turned(pod: &mut Value, ready: bool, now: &str) {
    set_conditions(pod, ready, now);
    let statuses = pod.pointer_mut("/status/containerStatuses").and_then(Value::as_array_mut);
    for status in statuses.into_iter().flatten() {
        status["ready"] = json!(ready);
    }
}

/// Nobody on its node tells how it is.
pub(super) fn lost(pod: &mut Value, now: &str) {
    let conditions = pod.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    for own in conditions.into_iter().flatten().filter(|own| own["type"] == "Ready") {
        own["status"] = json!("False");
        own["lastTransitionTime"] = json!(now);
    }
}

fn complete_inits(pod: &mut Value, now: &str) {
    let inits = pod.pointer_mut("/status/initContainerStatuses").and_then(Value::as_array_mut);
    for status in inits.into_iter().flatten() {
        status["started"] = json!(false);
        status["state"] = terminated(now);
    }
}

fn terminated(now: &str) -> Value {
    json!({ "terminated": { "exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now } })
}

/// It failed, for good.
pub(super) fn failed(pod: &mut Value, now: &str) {
    place(pod, now);
    let failed = "PodFailed";
    let wanted = [
        ("PodReadyToStartContainers", false, "", ""),
        ("Initialized", true, "", ""),
        ("Ready", false, failed, ""),
        ("ContainersReady", false, failed, ""),
        ("PodScheduled", true, "", ""),
    ];
    conditions(pod, &wanted, now);
    let state = json!({ "terminated": {
        "exitCode": 1, "reason": "Error", "startedAt": now, "finishedAt": now,
    } });
    containers(pod, |own| container(own, &state, false, 0));
    child(pod, "status")["phase"] = json!("Failed");
}

/// It did its work.
pub(super) fn succeeded(pod: &mut Value, now: &str) {
    let done = "PodCompleted";
    let wanted = [
        ("PodReadyToStartContainers", false, "", ""),
        ("Initialized", true, done, ""),
        ("Ready", false, done, ""),
        ("ContainersReady", false, done, ""),
        ("PodScheduled", true, "", ""),
    ];
    conditions(pod, &wanted, now);
    let state = terminated(now);
    containers(pod, |own| container(own, &state, false, 0));
    child(pod, "status")["phase"] = json!("Succeeded");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes() {
        let check = |outcome: &str, image: &str, expect: Outcome| {
            let pod = json!({
                "metadata": { "annotations": { "sandbox.meshform.dev/outcome": outcome } },
                "spec": { "containers": [{ "name": "a", "image": image }] },
            });
            assert_eq!(Outcome::of(&pod), expect);
        };
        check("", "nginx", Outcome::Ready);
        check("hang", "nginx", Outcome::Hang);
        check("crashloop", "nginx", Outcome::Crash);
        check("imagepull", "nginx", Outcome::ImagePull("nginx".to_owned()));
        check("", "nginx:does-not-exist-1", Outcome::ImagePull("nginx:does-not-exist-1".to_owned()));
    }

    #[test]
    fn delays() {
        let check = |annotation: &str, value: &str, expect: (Option<u64>, Option<u64>)| {
            let pod = json!({ "metadata": { "annotations": { annotation: value } } });
            let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
            assert_eq!((seconds(delay(&pod)), seconds(ready_after(&pod))), expect, "{annotation}={value}");
        };
        check("sandbox.meshform.dev/delay", "2s", (Some(2), Some(0)));
        check("sandbox.meshform.dev/ready-after", "1m30s", (None, Some(90)));
        check("sandbox.meshform.dev/outcome", "unready", (None, None));
        check("sandbox.meshform.dev/delay", "soon", (None, Some(0)));
    }
}
