//! Endpoints: the pods behind a Service, as EndpointSlice and as Endpoints.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use super::api::{Api, CONTROLLER_MANAGER};
use crate::kube::object::{self, flag, integer, list, map, text};
use crate::kube::selector::map_matches;
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::world::is_ready;

const SLICES: &str = "endpointslices.discovery.k8s.io";

/// Whether a Service selects a pod.
pub(super) fn selects(service: &Value, pod: &Value) -> bool {
    let selector = map(service, "/spec/selector");
    !selector.is_empty() && map_matches(selector, map(pod, "/metadata/labels"))
}

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    // A Service that is gone takes its endpoints with it: it owns them.
    let service = Arc::clone(state.store.get("services", key)?);
    if object::is_terminating(&service) {
        return None;
    }
    if map(&service, "/spec/selector").is_empty() {
        mirror(state, context, key);
        return None;
    }
    let pods: Vec<Arc<Value>> = state
        .store
        .list("pods", Some(&key.namespace))
        .filter(|pod| selects(&service, pod) && !text(pod, "/status/podIP").is_empty())
        .filter(|pod| !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed"))
        .cloned()
        .collect();
    let slice = slice(state, &service, &pods);
    let endpoints = endpoints(&service, &pods);
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    write(&mut api, SLICES, &slice);
    write(&mut api, "endpoints", &endpoints);
    None
}

/// The Endpoints that somebody keeps for a Service without a selector, as EndpointSlices.
fn mirror(state: &mut State, context: &Context<'_>, key: &Key) {
    let Some(endpoints) = state.store.get("endpoints", key).cloned() else { return };
    if text(&endpoints, "/metadata/labels/endpointslice.kubernetes.io~1skip-mirror") == "true" {
        return;
    }
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    for (number, subset) in list(&endpoints, "/subsets").iter().enumerate() {
        write(&mut api, SLICES, &mirrored(&endpoints, subset, number));
    }
}

fn mirrored(endpoints: &Value, subset: &Value, number: usize) -> Value {
    let entry = |address: &Value, ready: bool| {
        let mut entry = json!({ "addresses": [text(address, "/ip")], "conditions": { "ready": ready } });
        for field in ["nodeName", "hostname", "targetRef"] {
            if let Some(value) = address.get(field) {
                entry[field] = value.clone();
            }
        }
        entry
    };
    let ready = list(subset, "/addresses").iter().map(|address| entry(address, true));
    let unready = list(subset, "/notReadyAddresses").iter().map(|address| entry(address, false));
    let ports = list(subset, "/ports").iter().map(|port| {
        let protocol = Some(text(port, "/protocol")).filter(|protocol| !protocol.is_empty()).unwrap_or("TCP");
        json!({ "name": text(port, "/name"), "protocol": protocol, "port": port["port"] })
    });
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": format!("{}-{}{number}", object::name(endpoints), suffix(endpoints)),
            "generateName": format!("{}-", object::name(endpoints)),
            "namespace": object::namespace(endpoints),
            "labels": {
                "kubernetes.io/service-name": object::name(endpoints),
                "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
            },
            "ownerReferences": [object::controller_reference(endpoints)],
        },
        "addressType": "IPv4",
        "endpoints": ready.chain(unready).collect::<Vec<_>>(),
        "ports": ports.collect::<Vec<_>>(),
    })
}

fn write(api: &mut Api<'_>, resource: &str, wanted: &Value) {
    let known = api.state.store.get(resource, &Key::of(wanted)).cloned();
    // On a conflict, or where the namespace ends, the next change brings it in order.
    let _ = match known {
        None => api.create(wanted),
        Some(known) => {
            let mut new = Value::clone(&known);
            for field in ["endpoints", "ports", "subsets", "addressType"] {
                match wanted.get(field) {
                    Some(value) => new[field] = value.clone(),
                    None => drop(object::remove(&mut new, &[field])),
                }
            }
            if new == *known {
                return;
            }
            api.update(&new)
        }
    };
}

fn slice(state: &State, service: &Value, pods: &[Arc<Value>]) -> Value {
    let tolerant = flag(service, "/spec/publishNotReadyAddresses");
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|pod| {
            let ready = is_ready(pod);
            let terminating = object::is_terminating(pod);
            let node = text(pod, "/spec/nodeName");
            let mut endpoint = json!({
                "addresses": [text(pod, "/status/podIP")],
                "conditions": {
                    "ready": (ready && !terminating) || tolerant,
                    "serving": ready,
                    "terminating": terminating,
                },
                "nodeName": node,
                "targetRef": {
                    "kind": "Pod",
                    "name": object::name(pod),
                    "namespace": object::namespace(pod),
                    "uid": object::uid(pod),
                },
            });
            let zone = state.get("nodes", "", node);
            let zone = zone.map(|node| text(node, "/metadata/labels/topology.kubernetes.io~1zone"));
            if let Some(zone) = zone.filter(|zone| !zone.is_empty()) {
                endpoint["zone"] = json!(zone);
            }
            endpoint
        })
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": format!("{}-{}", object::name(service), suffix(service)),
            "generateName": format!("{}-", object::name(service)),
            "namespace": object::namespace(service),
            "labels": {
                "kubernetes.io/service-name": object::name(service),
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            "ownerReferences": [object::controller_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports(service, pods),
    })
}

/// A name that stays the same for a Service.
fn suffix(service: &Value) -> String {
    object::uid(service).chars().filter(char::is_ascii_alphanumeric).take(5).collect()
}

/// The ports that the pods answer on. A named target is what the first pod that has it says.
fn ports(service: &Value, pods: &[Arc<Value>]) -> Value {
    let ports = list(service, "/spec/ports").iter().filter_map(|port| {
        let number = target(port, pods)?;
        let mut shown =
            json!({ "name": text(port, "/name"), "protocol": text(port, "/protocol"), "port": number });
        if let Some(protocol) = port.get("appProtocol") {
            shown["appProtocol"] = protocol.clone();
        }
        Some(shown)
    });
    ports.collect()
}

fn target(port: &Value, pods: &[Arc<Value>]) -> Option<i64> {
    if let Some(name) = port["targetPort"].as_str() {
        return pods.iter().find_map(|pod| named_port(pod, name));
    }
    integer(port, "/targetPort").filter(|number| *number != 0).or_else(|| integer(port, "/port"))
}

/// The number of a pod's port with a name.
fn named_port(pod: &Value, name: &str) -> Option<i64> {
    let ports = list(pod, "/spec/containers").iter().flat_map(|container| list(container, "/ports"));
    ports.filter(|port| text(port, "/name") == name).find_map(|port| integer(port, "/containerPort"))
}

fn endpoints(service: &Value, pods: &[Arc<Value>]) -> Value {
    let address = |pod: &Value| {
        json!({
            "ip": text(pod, "/status/podIP"),
            "nodeName": text(pod, "/spec/nodeName"),
            "targetRef": {
                "kind": "Pod",
                "name": object::name(pod),
                "namespace": object::namespace(pod),
                "uid": object::uid(pod),
            },
        })
    };
    let tolerant = flag(service, "/spec/publishNotReadyAddresses");
    let living = pods.iter().filter(|pod| !object::is_terminating(pod));
    let (ready, unready): (Vec<&Arc<Value>>, Vec<&Arc<Value>>) =
        living.partition(|pod| tolerant || is_ready(pod));
    let mut subset = json!({ "ports": ports(service, pods) });
    for (field, pods) in [("addresses", ready), ("notReadyAddresses", unready)] {
        if !pods.is_empty() {
            subset[field] = pods.into_iter().map(|pod| address(pod)).collect();
        }
    }
    let hollow = subset.get("addresses").is_none() && subset.get("notReadyAddresses").is_none();
    let mut endpoints = json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": object::name(service),
            "namespace": object::namespace(service),
            "labels": service["metadata"].get("labels").cloned().unwrap_or_else(|| json!({})),
            "ownerReferences": [object::controller_reference(service)],
        },
    });
    if !hollow {
        endpoints["subsets"] = json!([subset]);
    }
    endpoints
}
