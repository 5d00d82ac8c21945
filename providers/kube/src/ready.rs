//! Whether an object does what it is for: rules per kind, after kstatus where kstatus is right.
//!
//! In this order: being deleted; a controller that has not seen the newest generation; the rule of its kind; and for kinds without
//! one the conditions by which kstatus goes (`Reconciling`, `Stalled`, `Ready`). An object that says nothing is ready.
//!
//! Where kstatus returns too early or never, these rules do not: a Job is ready when it is complete, a failed Pod has failed, a
//! LoadBalancer has an address, a DaemonSet that is updated on delete only does not hang, and a custom object whose controller has yet
//! to write its first status is given some time. Routes and gateways are ready when they are accepted, by the Gateway API's conditions.

mod network;
mod other;
mod workload;

use serde_json::Value as Json;

use crate::identity::TypeName;

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It does what it is for.
    Ready,
    /// Not yet; what is missing, in a few words.
    Waiting(String),
    /// It will not get there by itself; why.
    Failed(String),
}

/// What a rule cannot see in the object itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Surroundings {
    /// Whether the claim's storage class binds only when a pod uses it.
    pub(crate) binds_when_used: bool,
    /// Whether a controller is still expected to write the object's first status.
    pub(crate) expects_status: bool,
}

/// Groups whose definitions declare a status that nobody writes unless asked to: Istio's, see its `PILOT_ENABLE_STATUS`.
const SILENT_GROUPS: [&str; 4] =
    ["extensions.istio.io", "networking.istio.io", "security.istio.io", "telemetry.istio.io"];

/// Whether a controller writes a status of the objects that this CustomResourceDefinition defines at a version: it declares conditions
/// or the observed generation.
pub(crate) fn writes_status(definition: &Json, version: &str) -> bool {
    if SILENT_GROUPS.contains(&text(definition, "/spec/group")) {
        return false;
    }
    let versions = definition.pointer("/spec/versions").and_then(Json::as_array).into_iter().flatten();
    versions.filter(|one| text(one, "/name") == version).any(|one| {
        let status = one.pointer("/schema/openAPIV3Schema/properties/status/properties");
        one.pointer("/subresources/status").is_some()
            && ["conditions", "observedGeneration"]
                .iter()
                .any(|field| status.is_some_and(|it| it.get(field).is_some()))
    })
}

/// How far an object is.
pub(crate) fn readiness(object: &Json, surroundings: Surroundings) -> Readiness {
    match observed(object) {
        Readiness::Ready => of_kind(object, surroundings),
        other => other,
    }
}

/// How far any object is, whatever its kind: it stays, and its controller has seen the newest generation.
pub(crate) fn observed(object: &Json) -> Readiness {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Readiness::Failed("it is being deleted".into());
    }
    let generation = object.pointer("/metadata/generation").and_then(Json::as_i64);
    let observed = object.pointer("/status/observedGeneration").and_then(Json::as_i64);
    if observed.is_some_and(|observed| generation.is_some_and(|generation| observed < generation)) {
        return Readiness::Waiting("its controller has not seen the change yet".into());
    }
    Readiness::Ready
}

/// The status of a condition, and why it is so, unless it is about an older generation.
pub(crate) fn condition_status<'a>(object: &'a Json, name: &str) -> Option<(&'a str, String)> {
    condition(object, name).map(|found| (found.status, found.why()))
}

fn of_kind(object: &Json, surroundings: Surroundings) -> Readiness {
    let of_type = TypeName::new(text(object, "/apiVersion"), text(object, "/kind"));
    match (of_type.group.as_str(), of_type.kind.as_str()) {
        ("apps", "Deployment") => workload::deployment(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("apps", "DaemonSet") => workload::daemon_set(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => workload::replica_set(object),
        ("batch", "Job") => workload::job(object),
        ("", "Pod") => workload::pod(object),
        ("", "Service") => network::service(object),
        ("policy", "PodDisruptionBudget") => other::budget(object),
        ("autoscaling", "HorizontalPodAutoscaler") => other::autoscaler(object),
        ("gateway.networking.k8s.io", "GatewayClass") => network::gateway_class(object),
        ("gateway.networking.k8s.io", "Gateway") => network::gateway(object),
        ("gateway.networking.k8s.io", kind) if kind.ends_with("Route") => network::route(object),
        ("", "Namespace") => other::namespace(object),
        ("", "PersistentVolumeClaim") => other::claim(object, surroundings),
        ("", "PersistentVolume") => other::volume(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => other::definition(object),
        ("apiregistration.k8s.io", "APIService") => other::api_service(object),
        _ => other::by_conditions(object, surroundings),
    }
}

fn waiting(what: impl Into<String>) -> Readiness {
    Readiness::Waiting(what.into())
}

fn not_observed() -> Readiness {
    waiting("its controller has not seen it yet")
}

fn text<'a>(object: &'a Json, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

fn count(object: &Json, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Json::as_i64).unwrap_or_default()
}

/// A condition of `status.conditions`, and what it says.
struct Condition<'a> {
    status: &'a str,
    reason: &'a str,
    message: &'a str,
}

impl Condition<'_> {
    fn is_true(&self) -> bool {
        self.status == "True"
    }

    fn is_false(&self) -> bool {
        self.status == "False"
    }

    /// Reason and message, as far as there are any.
    fn why(&self) -> String {
        match (self.reason, self.message) {
            ("", "") => "it does not say why".into(),
            (only, "") | ("", only) => only.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}

/// The condition of that type, unless it is about an older generation.
fn condition<'a>(object: &'a Json, name: &str) -> Option<Condition<'a>> {
    condition_of(object.pointer("/status/conditions")?, name, count(object, "/metadata/generation"))
}

/// The condition of that type in a list of them, unless it is about an older generation.
fn condition_of<'a>(conditions: &'a Json, name: &str, generation: i64) -> Option<Condition<'a>> {
    let found = conditions.as_array()?.iter().find(|condition| text(condition, "/type") == name)?;
    let observed = found.get("observedGeneration").and_then(Json::as_i64);
    if observed.is_some_and(|observed| observed < generation) {
        return None;
    }
    Some(Condition {
        status: text(found, "/status"),
        reason: text(found, "/reason"),
        message: text(found, "/message"),
    })
}

#[cfg(test)]
mod tests;
