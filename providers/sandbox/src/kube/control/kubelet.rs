//! The kubelet: pods start after a moment, answer, and end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::api::{Api, KUBELET};
use super::pod_status::{self, Outcome};
use super::{Context, node, schedule};
use crate::kube::net::is_lost;
use crate::kube::object::{self, flag, list, text};
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::strategy::is_gated;
use crate::kube::world::is_ready;

/// A pod ends in this part of the time that it takes to start.
const END_PART: u32 = 3;
/// How long after its first end a container is started again.
const RESTART_AFTER: Duration = Duration::from_secs(10);
const RESTART_AFTER_MAX: Duration = Duration::from_secs(300);
/// When to try again to listen on a port that is in use.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let Some(pod) = state.store.get("pods", key).cloned() else {
        context.plane.close_pod(key);
        return None;
    };
    let mut stays = None;
    let node = state.get("nodes", "", text(&pod, "/spec/nodeName")).cloned();
    if let Some(node) = &node
        && !object::is_terminating(&pod)
        && let Some(left) = node::evict(state, context, &pod, node)
    {
        stays = Some(left);
    }
    if node.is_some_and(|node| is_lost(&node)) {
        node::lose_pod(state, context, key, &pod);
        return stays;
    }
    if object::is_terminating(&pod) {
        return end(state, context, key, &pod);
    }
    stays.into_iter().chain(live(state, context, key, &pod)).min()
}

/// What a pod on a node that works does next.
fn live(state: &mut State, context: &mut Context<'_>, key: &Key, pod: &Arc<Value>) -> Option<Duration> {
    match text(pod, "/status/phase") {
        "Succeeded" | "Failed" => {
            context.plane.close_pod(key);
            None
        }
        _ if is_gated(pod) => None,
        _ if text(pod, "/spec/nodeName").is_empty() => schedule::reconcile(state, context, pod),
        "Running" => run(state, context, key, pod),
        _ => start(state, context, key, pod),
    }
}

fn end(state: &mut State, context: &mut Context<'_>, key: &Key, pod: &Value) -> Option<Duration> {
    // It answers to the end: whoever still has it for ready must not be turned away.
    let left = remaining(context, &format!("end/{}", object::uid(pod)), context.options.pod_start / END_PART);
    if left.is_some() {
        return left;
    }
    context.plane.close_pod(key);
    context.begun.retain(|begun, _| !begun.ends_with(object::uid(pod)));
    let mut api = Api::new(state, context.now, KUBELET);
    // What cannot be deleted now (a finalizer holds it) goes when its holder lets it.
    let _ = api.delete_now(pod);
    None
}

/// How much of a delay is left since it was first asked for.
fn remaining(context: &mut Context<'_>, what: &str, delay: Duration) -> Option<Duration> {
    let begun = *context.begun.entry(what.to_owned()).or_insert_with(Instant::now);
    delay.checked_sub(begun.elapsed()).filter(|left| !left.is_zero())
}

fn start(state: &mut State, context: &mut Context<'_>, key: &Key, pod: &Arc<Value>) -> Option<Duration> {
    let delay = pod_status::delay(pod).unwrap_or(context.options.pod_start);
    if let Some(left) = remaining(context, &format!("start/{}", object::uid(pod)), delay) {
        return Some(left);
    }
    if let Some((reason, message)) = missing_content(state, pod) {
        wait(state, context, pod, reason, &message);
        return None;
    }
    match Outcome::of(pod) {
        Outcome::Hang => wait(state, context, pod, "ContainerCreating", ""),
        Outcome::ImagePull(image) => fail_to_pull(state, context, pod, &image),
        Outcome::Crash if text(pod, "/spec/restartPolicy") == "Never" => fail(state, context, pod),
        Outcome::Crash => return crash(state, context, pod),
        Outcome::Ready => return go(state, context, key, pod),
    }
    None
}

fn write_status(state: &mut State, context: &Context<'_>, pod: &Value) {
    let mut api = Api::new(state, context.now, KUBELET);
    // On a conflict the pod changes again, and with it this task is due.
    let _ = api.update_status(pod);
}

fn wait(state: &mut State, context: &Context<'_>, pod: &Value, reason: &str, message: &str) {
    let mut told = pod.clone();
    let now = crate::kube::clock::rfc3339(context.now);
    pod_status::waiting(&mut told, reason, message, &now);
    if told == *pod {
        return;
    }
    write_status(state, context, &told);
    if !message.is_empty() {
        let mut api = Api::new(state, context.now, KUBELET);
        api.event(
            pod,
            KUBELET,
            "Warning",
            if reason == "ContainerCreating" { "FailedMount" } else { "Failed" },
            message,
        );
    }
}

fn fail_to_pull(state: &mut State, context: &Context<'_>, pod: &Value, image: &str) {
    let message = format!("Back-off pulling image {image:?}");
    wait(state, context, pod, "ImagePullBackOff", &message);
}

/// Its containers end at once, and are started again after a while that doubles.
fn crash(state: &mut State, context: &Context<'_>, pod: &Value) -> Option<Duration> {
    let mut told = pod.clone();
    let now = crate::kube::clock::rfc3339(context.now);
    let restarts = pod_status::crashed(&mut told, &now);
    write_status(state, context, &told);
    let mut api = Api::new(state, context.now, KUBELET);
    api.event(pod, KUBELET, "Warning", "BackOff", "Back-off restarting failed container");
    Some(pause_before_restart(restarts))
}

/// Ten seconds, doubled with each restart, five minutes at most.
fn pause_before_restart(restarts: i64) -> Duration {
    let doublings = u32::try_from(restarts - 1).unwrap_or(0).min(5);
    RESTART_AFTER.saturating_mul(1 << doublings).min(RESTART_AFTER_MAX)
}

/// Its containers ended at once, and are not started again.
fn fail(state: &mut State, context: &Context<'_>, pod: &Value) {
    let mut told = pod.clone();
    pod_status::failed(&mut told, &crate::kube::clock::rfc3339(context.now));
    write_status(state, context, &told);
}

/// The pod runs: it gets an address and answers there.
fn go(state: &mut State, context: &mut Context<'_>, key: &Key, pod: &Arc<Value>) -> Option<Duration> {
    let taken: BTreeSet<String> =
        state.store.list("pods", None).map(|other| text(other, "/status/podIP").to_owned()).collect();
    let mut told = Value::clone(pod);
    let now = crate::kube::clock::rfc3339(context.now);
    let Some(address) = context.plane.pod_address(context.options, pod, &taken) else {
        let message = "no loopback address is free for this pod's ports";
        wait(state, context, pod, "CreateContainerError", message);
        return Some(LISTEN_AGAIN);
    };
    let ready = pod_status::ready_after(pod) == Some(Duration::ZERO);
    pod_status::running(&mut told, &address.to_string(), ready, &now);
    write_status(state, context, &told);
    listen(state, context, key, &told)
}

/// Listens on the pod's ports; when to try again, if some are in use.
fn listen(state: &mut State, context: &mut Context<'_>, key: &Key, pod: &Value) -> Option<Duration> {
    let opened = context.plane.open_pod(context.options, key, pod);
    let mut api = Api::new(state, context.now, KUBELET);
    for problem in &opened.problems {
        api.event(pod, KUBELET, "Warning", "SandboxPort", problem);
    }
    (!opened.complete).then_some(LISTEN_AGAIN)
}

/// A running pod answers and is ready in time; one that is made to end, ends.
fn run(state: &mut State, context: &mut Context<'_>, key: &Key, pod: &Arc<Value>) -> Option<Duration> {
    let crashed = list(pod, "/status/containerStatuses")
        .iter()
        .any(|status| status.pointer("/state/waiting").is_some());
    if crashed {
        return restart(state, context, key, pod);
    }
    let listens = listen(state, context, key, pod);
    let turns = turn(state, context, pod);
    if text(pod, "/spec/restartPolicy") == "Always" {
        return listens.into_iter().chain(turns).min();
    }
    let run = pod_status::delay(pod).unwrap_or(context.options.pod_start);
    if let Some(left) = remaining(context, &format!("run/{}", object::uid(pod)), run) {
        return Some(left);
    }
    let mut told = Value::clone(pod);
    pod_status::succeeded(&mut told, &crate::kube::clock::rfc3339(context.now));
    write_status(state, context, &told);
    None
}

/// Starts the containers of a pod that crashed once more, when it is time.
fn restart(state: &mut State, context: &mut Context<'_>, key: &Key, pod: &Arc<Value>) -> Option<Duration> {
    let restarts = pod_status::restarts(pod);
    let pause = pause_before_restart(restarts);
    if let Some(left) = remaining(context, &format!("restart{restarts}/{}", object::uid(pod)), pause) {
        return Some(left);
    }
    match Outcome::of(pod) {
        Outcome::Crash => crash(state, context, pod),
        _ => go(state, context, key, pod),
    }
}

/// Makes a running pod ready, or unready, as it is told to be; when to look again.
fn turn(state: &mut State, context: &mut Context<'_>, pod: &Arc<Value>) -> Option<Duration> {
    let left = pod_status::ready_after(pod)
        .map(|delay| remaining(context, &format!("ready/{}", object::uid(pod)), delay).unwrap_or_default());
    let ready = left == Some(Duration::ZERO);
    if ready != is_ready(pod) {
        let mut told = Value::clone(pod);
        pod_status::turned(&mut told, ready, &crate::kube::clock::rfc3339(context.now));
        write_status(state, context, &told);
    }
    left.filter(|left| !left.is_zero())
}

/// What a pod needs and is not there.
fn missing_content(state: &State, pod: &Value) -> Option<(&'static str, String)> {
    let namespace = object::namespace(pod);
    let missing =
        |resource: &str, name: &str| !name.is_empty() && state.get(resource, namespace, name).is_none();
    for volume in list(pod, "/spec/volumes") {
        let name = text(volume, "/name");
        for (source, field, resource) in
            [("configMap", "name", "configmaps"), ("secret", "secretName", "secrets")]
        {
            let wanted = text(volume, &format!("/{source}/{field}"));
            if missing(resource, wanted) && !flag(volume, &format!("/{source}/optional")) {
                let kind = source.to_lowercase();
                let message =
                    format!("MountVolume.SetUp failed for volume {name:?} : {kind} {wanted:?} not found");
                return Some(("ContainerCreating", message));
            }
        }
    }
    for container in list(pod, "/spec/containers") {
        for reference in references(container) {
            let (resource, kind) =
                if reference.secret { ("secrets", "secret") } else { ("configmaps", "configmap") };
            if missing(resource, &reference.name) && !reference.optional {
                let message = format!("Error: {kind} {:?} not found", reference.name);
                return Some(("CreateContainerConfigError", message));
            }
        }
    }
    None
}

struct Reference {
    name: String,
    secret: bool,
    optional: bool,
}

fn references(container: &Value) -> Vec<Reference> {
    let mut all = Vec::new();
    let mut take = |value: &Value, pointer: &str, secret: bool| {
        if let Some(found) = value.pointer(pointer) {
            let name = text(found, "/name").to_owned();
            all.push(Reference { name, secret, optional: flag(found, "/optional") });
        }
    };
    for variable in list(container, "/env") {
        take(variable, "/valueFrom/configMapKeyRef", false);
        take(variable, "/valueFrom/secretKeyRef", true);
    }
    for source in list(container, "/envFrom") {
        take(source, "/configMapRef", false);
        take(source, "/secretRef", true);
    }
    all
}
