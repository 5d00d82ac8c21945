//! The endpoints behind a Service's port, as its EndpointSlices have them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::entrance::Way;
use super::route::{Backend, Port};
use crate::kube::object::{self, flag, integer, list, map, text};
use crate::kube::selector::map_matches;
use crate::kube::store::{Key, Store};
use crate::kube::world::is_ready;

const SLICES: &str = "endpointslices.discovery.k8s.io";
/// How many ExternalNames are followed one after the other.
const ALIASES_MAX: usize = 4;
const BALANCER_PREFIXES: [&str; 2] = [
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-backend-label",
    "service.beta.kubernetes.io/alicloud-loadbalancer-backend-label",
];
const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    /// The pod, unless the endpoint is somewhere else.
    pub(super) pod: Option<Key>,
    node: String,
}

/// The endpoints of a backend that may be used now: the ready ones; if there are none, those that still serve while
/// they terminate (KEP-1669).
pub(super) fn of(store: &Store, backend: &Backend) -> Vec<Endpoint> {
    let Some((service, port)) = resolve(store, backend) else { return Vec::new() };
    let key = Key::of(service);
    let slices: Vec<&Arc<Value>> = store
        .list(SLICES, Some(&key.namespace))
        .filter(|slice| text(slice, "/metadata/labels/kubernetes.io~1service-name") == key.name)
        .collect();
    let usable = |condition: fn(&Value) -> bool| {
        let mut found: Vec<Endpoint> = slices
            .iter()
            .flat_map(|slice| in_slice(slice, &port, condition))
            .filter(|endpoint| has_labels(store, endpoint, &backend.labels))
            .collect();
        found.sort();
        found.dedup();
        found
    };
    let ready = usable(|endpoint| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false)));
    if ready.is_empty() { usable(|endpoint| flag(endpoint, "/conditions/serving")) } else { ready }
}

/// Those endpoints of a Service that can be reached on this way.
pub(super) fn on_way(store: &Store, service: &Value, way: Way, endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    if way != Way::LoadBalancer {
        return endpoints;
    }
    let nodes: Vec<&str> = store
        .list("nodes", None)
        .filter(|node| is_attached(service, node))
        .map(|node| object::name(node))
        .collect();
    if text(service, "/spec/externalTrafficPolicy") == "Local" {
        return endpoints.into_iter().filter(|endpoint| nodes.contains(&endpoint.node.as_str())).collect();
    }
    if nodes.is_empty() { Vec::new() } else { endpoints }
}

/// Whether a load balancer has a node behind it: it's ready, not excluded, and has the labels that the Service asks for.
fn is_attached(service: &Value, node: &Value) -> bool {
    let labels = map(node, "/metadata/labels");
    let annotations = map(service, "/metadata/annotations");
    let asked =
        BALANCER_PREFIXES.iter().find_map(|name| annotations.get(*name)?.as_str()).unwrap_or_default();
    let mut pairs = asked.split(',').filter_map(|pair| pair.trim().split_once('='));
    is_ready(node)
        && !labels.contains_key(EXCLUDED)
        && pairs.all(|(key, value)| labels.get(key).is_some_and(|own| own == value))
}

/// The Service's port as its slices name it; ExternalNames within the cluster are followed.
fn resolve<'s>(store: &'s Store, backend: &Backend) -> Option<(&'s Arc<Value>, String)> {
    let mut key = Key::new(&backend.namespace, &backend.service);
    for _ in 0..ALIASES_MAX {
        let service = store.get("services", &key)?;
        if text(service, "/spec/type") != "ExternalName" {
            return port_name(service, &backend.port).map(|port| (service, port));
        }
        let alias = text(service, "/spec/externalName").split_once(".svc")?.0;
        let (name, namespace) = alias.split_once('.')?;
        key = Key::new(namespace, name);
    }
    None
}

fn port_name(service: &Value, port: &Port) -> Option<String> {
    let mut ports = list(service, "/spec/ports").iter();
    let found = match port {
        Port::Number(number) => ports.find(|own| integer(own, "/port") == Some(i64::from(*number))),
        Port::Name(name) => ports.find(|own| text(own, "/name") == name),
        Port::Only => ports.next(),
    }?;
    Some(text(found, "/name").to_owned())
}

fn in_slice(slice: &Value, port: &str, usable: fn(&Value) -> bool) -> Vec<Endpoint> {
    let found = list(slice, "/ports").iter().find(|own| text(own, "/name") == port);
    let number = found.and_then(|own| integer(own, "/port")).and_then(|number| u16::try_from(number).ok());
    let Some(number) = number else { return Vec::new() };
    let endpoints = list(slice, "/endpoints").iter().filter(|endpoint| usable(endpoint));
    let endpoint = |endpoint: &Value| {
        let address: IpAddr = text(endpoint, "/addresses/0").parse().ok()?;
        let is_pod = text(endpoint, "/targetRef/kind") == "Pod";
        Some(Endpoint {
            address: SocketAddr::new(address, number),
            pod: is_pod.then(|| Key::new(object::namespace(slice), text(endpoint, "/targetRef/name"))),
            node: text(endpoint, "/nodeName").to_owned(),
        })
    };
    endpoints.filter_map(endpoint).collect()
}

fn has_labels(store: &Store, endpoint: &Endpoint, labels: &Map<String, Value>) -> bool {
    labels.is_empty()
        || endpoint
            .pod
            .as_ref()
            .and_then(|pod| store.get("pods", pod))
            .is_some_and(|pod| map_matches(labels, map(pod, "/metadata/labels")))
}
