//! What is there.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

use crate::record::Record;

/// Which object, in the namespace of the rollout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Such as `apps/v1`.
    pub api_version: &'static str,
    /// Such as `Deployment`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

impl Reference {
    /// A Deployment.
    pub fn deployment(name: impl Into<String>) -> Self {
        Self { api_version: "apps/v1", kind: "Deployment", name: name.into() }
    }

    /// A Service.
    pub fn service(name: impl Into<String>) -> Self {
        Self { api_version: "v1", kind: "Service", name: name.into() }
    }

    /// An Ingress.
    pub fn ingress(name: impl Into<String>) -> Self {
        Self { api_version: "networking.k8s.io/v1", kind: "Ingress", name: name.into() }
    }

    /// An HTTPRoute.
    pub fn http_route(name: impl Into<String>) -> Self {
        Self { api_version: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", name: name.into() }
    }

    /// A VirtualService.
    pub fn virtual_service(name: impl Into<String>) -> Self {
        Self { api_version: "networking.istio.io/v1", kind: "VirtualService", name: name.into() }
    }

    /// A DestinationRule.
    pub fn destination_rule(name: impl Into<String>) -> Self {
        Self { api_version: "networking.istio.io/v1", kind: "DestinationRule", name: name.into() }
    }

    /// A HorizontalPodAutoscaler.
    pub fn autoscaler(name: impl Into<String>) -> Self {
        Self { api_version: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: name.into() }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// All that a look at the cluster shows, at one instant.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The objects by what they are.
    pub objects: BTreeMap<Reference, Json>,
    /// How many ready endpoints each Service has, by its name.
    pub endpoints: BTreeMap<String, u64>,
    /// Whether every proxy of the mesh has taken over the routes as they are; `None` if the mesh does not tell.
    pub is_mesh_synced: Option<bool>,
    /// What the rollout has noted, once it has begun.
    pub record: Option<Record>,
}

/// How many pods a Deployment has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// How many it is to have.
    pub wanted: u64,
    /// How many are ready.
    pub ready: u64,
}

impl Live {
    /// The object, if it is there.
    pub fn get(&self, reference: &Reference) -> Option<&Json> {
        self.objects.get(reference)
    }

    /// The pods of the Deployment of that name; `None` if there is no such Deployment.
    pub fn pods(&self, deployment: &str) -> Option<Pods> {
        let object = self.get(&Reference::deployment(deployment))?;
        let count = |pointer: &str| object.pointer(pointer).and_then(Json::as_u64);
        let wanted = count("/spec/replicas").unwrap_or(1);
        Some(Pods { wanted, ready: count("/status/readyReplicas").unwrap_or(0) })
    }

    /// How many pods of that Deployment are ready and are to stay: none if it is not there.
    pub fn lasting(&self, deployment: &str) -> u64 {
        self.pods(deployment).map_or(0, |pods| pods.ready.min(pods.wanted))
    }
}

/// The text at a JSON pointer.
pub(crate) fn text<'a>(object: &'a Json, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Json::as_str)
}

/// An annotation.
pub(crate) fn annotation<'a>(object: &'a Json, name: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(name)?.as_str()
}

/// The elements of the list at a JSON pointer; none if there is no list.
pub(crate) fn list<'a>(object: &'a Json, pointer: &str) -> &'a [Json] {
    object.pointer(pointer).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}
