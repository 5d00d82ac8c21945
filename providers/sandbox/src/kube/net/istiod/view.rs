//! The debug endpoints' documents, from snapshots of clusters.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Cluster, has_proxy};
use crate::kube::object::{self, flag, integer, list, map, text};
use crate::kube::selector::map_matches;
use crate::kube::store::Store;

/// What proxies are sent, and what it is made of.
const TYPES: [(&str, &str); 4] = [
    ("cluster", "type.googleapis.com/envoy.config.cluster.v3.Cluster"),
    ("listener", "type.googleapis.com/envoy.config.listener.v3.Listener"),
    ("route", "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"),
    ("endpoint", "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"),
];

fn host(service: &Value) -> String {
    format!("{}.{}.svc.cluster.local", object::name(service), object::namespace(service))
}

/// The Services of all clusters, each once with its addresses by cluster.
pub(super) fn registry(clusters: &[&Cluster]) -> Value {
    let mut services: BTreeMap<String, Value> = BTreeMap::new();
    for cluster in clusters {
        for service in &cluster.services {
            let shown = services.entry(host(service)).or_insert_with(|| of_service(service));
            let address = text(service, "/spec/clusterIP");
            shown["clusterVIPs"]["Addresses"][cluster.id.as_str()] = json!([address]);
        }
    }
    services.into_values().collect()
}

fn of_service(service: &Value) -> Value {
    let ports = list(service, "/spec/ports").iter().map(|port| {
        let protocol = protocol_of(port);
        json!({ "name": text(port, "/name"), "port": port["port"], "protocol": protocol })
    });
    json!({
        "Attributes": {
            "ServiceRegistry": "Kubernetes",
            "Name": object::name(service),
            "Namespace": object::namespace(service),
            "Labels": map(service, "/metadata/labels"),
            "LabelSelectors": map(service, "/spec/selector"),
        },
        "ports": ports.collect::<Vec<_>>(),
        "creationTime": text(service, "/metadata/creationTimestamp"),
        "hostname": host(service),
        "clusterVIPs": { "Addresses": {} },
        "defaultAddress": text(service, "/spec/clusterIP"),
        "Resolution": i32::from(text(service, "/spec/clusterIP") == "None"),
        "MeshExternal": false,
        "ResourceVersion": text(service, "/metadata/resourceVersion"),
    })
}

/// A port's protocol by its name's prefix or its `appProtocol`; TCP if neither says.
fn protocol_of(port: &Value) -> String {
    let told = Some(text(port, "/appProtocol")).filter(|told| !told.is_empty());
    let word = told.unwrap_or_else(|| text(port, "/name").split('-').next().unwrap_or_default());
    match word.to_uppercase().as_str() {
        known @ ("HTTP" | "HTTP2" | "HTTPS" | "GRPC" | "TLS" | "MONGO" | "MYSQL" | "REDIS") => {
            known.to_owned()
        }
        _ => "TCP".to_owned(),
    }
}

/// The endpoints of all Services, by host, namespace and cluster.
pub(super) fn shards(clusters: &[&Cluster]) -> Value {
    let mut hosts = Map::new();
    for cluster in clusters {
        for service in &cluster.services {
            let endpoints = endpoints_of(cluster, service);
            let shard = format!("Kubernetes/{}", cluster.id);
            let place = hosts.entry(host(service)).or_insert_with(|| json!({}));
            let place = object::child(place, object::namespace(service));
            object::child(place, "Shards")[shard] = Value::Array(endpoints);
        }
    }
    Value::Object(hosts)
}

fn endpoints_of(cluster: &Cluster, service: &Value) -> Vec<Value> {
    let of_service = cluster.slices.iter().filter(|slice| {
        object::namespace(slice) == object::namespace(service)
            && text(slice, "/metadata/labels/kubernetes.io~1service-name") == object::name(service)
    });
    let mut found: Vec<Value> = of_service.flat_map(|slice| of_slice(cluster, slice)).collect();
    found.extend(of_entries(cluster, service));
    found
}

fn of_slice(cluster: &Cluster, slice: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for endpoint in list(slice, "/endpoints").iter().filter(|own| flag(own, "/conditions/ready")) {
        let pod = cluster.pods.iter().find(|pod| {
            object::namespace(pod) == object::namespace(slice)
                && object::name(pod) == text(endpoint, "/targetRef/name")
        });
        for port in list(slice, "/ports") {
            found.push(entry(cluster, pod.map_or(&Value::Null, |pod| pod), endpoint, port));
        }
    }
    found
}

fn entry(cluster: &Cluster, pod: &Value, endpoint: &Value, port: &Value) -> Value {
    let labels = map(pod, "/metadata/labels");
    let account = text(pod, "/spec/serviceAccountName");
    json!({
        "Addresses": endpoint["addresses"],
        "ServicePortName": text(port, "/name"),
        "EndpointPort": port["port"],
        "Labels": labels,
        "ServiceAccount": format!("spiffe://cluster.local/ns/{}/sa/{account}", object::namespace(pod)),
        "Network": labels.get("topology.istio.io/network").cloned().unwrap_or_else(|| json!("")),
        "Locality": { "Label": text(endpoint, "/zone"), "ClusterID": cluster.id },
        "TLSMode": if has_proxy(pod) { "istio" } else { "disabled" },
        "Namespace": object::namespace(pod),
        "HealthStatus": 1,
    })
}

/// WorkloadEntries that a Service selects, such as those of hosts outside of the cluster.
fn of_entries(cluster: &Cluster, service: &Value) -> Vec<Value> {
    let selector = map(service, "/spec/selector");
    let selected = cluster.entries.iter().filter(|entry| {
        object::namespace(entry) == object::namespace(service)
            && !selector.is_empty()
            && map_matches(selector, map(entry, "/spec/labels"))
    });
    let ports = list(service, "/spec/ports");
    selected.flat_map(|own| ports.iter().map(move |port| of_entry(cluster, own, port))).collect()
}

fn of_entry(cluster: &Cluster, entry: &Value, port: &Value) -> Value {
    let target = integer(port, "/targetPort").or_else(|| integer(port, "/port"));
    json!({
        "Addresses": [text(entry, "/spec/address")],
        "ServicePortName": text(port, "/name"),
        "EndpointPort": target,
        "Labels": map(entry, "/spec/labels"),
        "ServiceAccount": format!(
            "spiffe://cluster.local/ns/{}/sa/{}", object::namespace(entry), text(entry, "/spec/serviceAccount")
        ),
        "Network": text(entry, "/spec/network"),
        "Locality": { "Label": text(entry, "/spec/locality"), "ClusterID": cluster.id },
        "TLSMode": "istio",
        "Namespace": object::namespace(entry),
        "HealthStatus": 1,
    })
}

/// The state of every proxy. The sandbox's have always accepted the newest configuration: what they were sent is told
/// by the newest of the objects that it is made of.
pub(super) fn proxies(store: &Store, cluster: &Cluster) -> Vec<Value> {
    let sent: Vec<(&str, &str, u64, String)> =
        TYPES.iter().map(|(name, url)| of_type(store, name, url)).collect();
    let ready = cluster.pods.iter().filter(|pod| has_proxy(pod) && crate::kube::world::is_ready(pod));
    ready.map(|pod| proxy(cluster, pod, &sent)).collect()
}

fn proxy(cluster: &Cluster, pod: &Value, sent: &[(&str, &str, u64, String)]) -> Value {
    let image = list(pod, "/spec/containers").iter().find(|own| text(own, "/name") == "istio-proxy");
    let version = image.and_then(|own| text(own, "/image").rsplit_once(':')).map_or("", |(_, tag)| tag);
    let gateway = !map(pod, "/metadata/annotations").contains_key("sidecar.istio.io/status");
    let mut shown = json!({
        "cluster_id": cluster.id,
        "proxy": format!("{}.{}", object::name(pod), object::namespace(pod)),
        "proxy_type": if gateway { "router" } else { "sidecar" },
        "istio_version": version,
        "resources": {},
    });
    for (name, url, revision, time) in sent {
        let nonce = format!("{revision}");
        shown[format!("{name}_sent")] = json!(nonce);
        shown[format!("{name}_acked")] = json!(nonce);
        shown["resources"][*url] = json!({ "sent": nonce, "acked": nonce, "sentTime": time });
    }
    shown
}

/// What a type of configuration is made of: the newest revision and the latest time of those objects.
fn of_type<'n>(store: &Store, name: &'n str, url: &'n str) -> (&'n str, &'n str, u64, String) {
    let kinds: &[&str] = match name {
        "route" => &["services", "virtualservices.networking.istio.io", "gateways.networking.istio.io"],
        "endpoint" => &["endpointslices.discovery.k8s.io", "workloadentries.networking.istio.io"],
        "listener" => &["services", "gateways.networking.istio.io"],
        _ => &["services", "destinationrules.networking.istio.io"],
    };
    let objects: Vec<&Arc<Value>> = kinds.iter().flat_map(|kind| store.list(kind, None)).collect();
    let revision = objects.iter().map(|object| object::revision(object)).max().unwrap_or(0);
    let times = objects.iter().flat_map(|object| list(object, "/metadata/managedFields"));
    let time = times.map(|entry| text(entry, "/time")).max().unwrap_or_default();
    (name, url, revision, time.to_owned())
}
