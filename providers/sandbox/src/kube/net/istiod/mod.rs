//! What istiod tells on its debug endpoints, from the objects of its cluster and of those that its remote Secrets name.
//!
//! ```text
//! mod       which pods and paths; a snapshot of the cluster
//!   ↓
//! remote    the other clusters, asked by their own API
//!   ↓
//! view      registryz, endpointShardz, clusterz, syncz: pure
//! ```

mod remote;
mod view;

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::kube::object::{self, list, map, text};
use crate::kube::store::Store;

pub(crate) use remote::Remote;

/// What is told on these paths.
const PATHS: [&str; 5] = ["registryz", "endpointShardz", "endpointz", "clusterz", "syncz"];
/// The ports of the debug endpoints.
const PORTS: [u16; 2] = [15014, 8080];
/// What Istio calls a cluster that was given no name.
const DEFAULT_CLUSTER: &str = "Kubernetes";

/// A question to istiod, with all that the cluster itself knows about it.
pub(super) struct Inquiry {
    path: String,
    own: Cluster,
    remotes: Vec<Remote>,
    namespace: String,
    proxies: Vec<Value>,
}

/// What of a cluster's objects istiod reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    id: String,
    services: Vec<Arc<Value>>,
    slices: Vec<Arc<Value>>,
    pods: Vec<Arc<Value>>,
    entries: Vec<Arc<Value>>,
}

/// The question that a request to a pod is, if the pod is an istiod and the path one of its debug endpoints'.
pub(super) fn inquiry(store: &Store, pod: &Value, port: u16, path: &str) -> Option<Inquiry> {
    let name = path.strip_prefix("/debug/")?;
    if text(pod, "/metadata/labels/app") != "istiod" || !PORTS.contains(&port) || !PATHS.contains(&name) {
        return None;
    }
    let id = cluster_id(pod);
    let namespace = object::namespace(pod).to_owned();
    let all = |resource: &str| store.list(resource, None).cloned().collect();
    let own = Cluster {
        id: id.clone(),
        services: all("services"),
        slices: all("endpointslices.discovery.k8s.io"),
        pods: all("pods"),
        entries: all("workloadentries.networking.istio.io"),
    };
    let remotes = remote::of(store, &namespace, &id);
    let proxies = if name == "syncz" { view::proxies(store, &own) } else { Vec::new() };
    Some(Inquiry { path: name.to_owned(), own, remotes, namespace, proxies })
}

fn cluster_id(pod: &Value) -> String {
    let variables = list(pod, "/spec/containers").iter().flat_map(|container| list(container, "/env"));
    let id = variables.filter(|own| text(own, "/name") == "CLUSTER_ID").map(|own| text(own, "/value")).next();
    id.filter(|id| !id.is_empty()).unwrap_or(DEFAULT_CLUSTER).to_owned()
}

impl Inquiry {
    /// The answer, after asking the remote clusters.
    pub(super) async fn answer(self) -> Response<Body> {
        let mut clusters = Vec::new();
        let asked = futures::future::join_all(self.remotes.iter().map(Remote::read)).await;
        for (remote, found) in self.remotes.iter().zip(asked) {
            clusters.push((remote, found));
        }
        let known: Vec<&Cluster> = std::iter::once(&self.own)
            .chain(clusters.iter().filter_map(|(_, found)| found.as_ref()))
            .collect();
        let told = match self.path.as_str() {
            "registryz" => view::registry(&known),
            "clusterz" => self.clusters(&clusters),
            "syncz" => Value::Array(self.proxies.clone()),
            _ => view::shards(&known),
        };
        let mut response = Response::new(Body::from(format!("{told:#}\n")));
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn clusters(&self, remotes: &[(&Remote, Option<Cluster>)]) -> Value {
        let own = json!({ "id": self.own.id, "syncStatus": "synced" });
        let others = remotes.iter().map(|(remote, found)| {
            json!({
                "id": remote.id,
                "secretName": format!("{}/{}", self.namespace, remote.secret),
                "syncStatus": if found.is_some() { "synced" } else { "timeout" },
            })
        });
        std::iter::once(own).chain(others).collect()
    }
}

/// Whether a pod runs a proxy of the mesh.
fn has_proxy(pod: &Value) -> bool {
    let containers = list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers"));
    map(pod, "/metadata/annotations").contains_key("sidecar.istio.io/status") || { containers }
        .any(|container| text(container, "/name") == "istio-proxy")
}
