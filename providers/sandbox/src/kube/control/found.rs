//! What a new world holds, and what an opened one needs to know again.

use serde_json::{Value, json};

use super::api::{Api, CONTROLLER_MANAGER};
use super::{definition, role};
use crate::kube::options::Options;
use crate::kube::registry::builtin;
use crate::kube::state::State;

/// The namespaces of every cluster. The UID of `kube-system` is the cluster's identity.
const NAMESPACES: [&str; 4] = ["kube-system", "default", "kube-public", "kube-node-lease"];
const ZONES: [&str; 3] = ["sandbox-a", "sandbox-b", "sandbox-c"];

/// Fills a new world; serves the custom kinds of an opened one.
pub(crate) fn found(state: &mut State, options: &Options) {
    definition::serve_all(state);
    found_cluster(state, options);
    if state.is_guarded() {
        role::establish(state, options.clock.now());
    }
}

fn found_cluster(state: &mut State, options: &Options) {
    if state.get("namespaces", "", "kube-system").is_some() {
        return;
    }
    let mut api = Api::new(state, options.clock.now(), CONTROLLER_MANAGER);
    for name in NAMESPACES {
        create(&mut api, &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }));
    }
    for (number, zone) in (1..).zip(ZONES) {
        create(&mut api, &node(&format!("{}-{number}", options.name), zone));
    }
}

/// A new world is empty and these objects are valid: what cannot be created is found missing by its users.
fn create(api: &mut Api<'_>, object: &Value) {
    let _ = api.create(object);
}

fn node(name: &str, zone: &str) -> Value {
    let version = builtin().map(|data| data.kubernetes_version.clone()).unwrap_or_default();
    let capacity = json!({ "cpu": "64", "memory": "256Gi", "pods": "4096", "ephemeral-storage": "1Ti" });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/region": "sandbox",
                "topology.kubernetes.io/zone": zone,
            },
        },
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "addresses": [
                { "type": "InternalIP", "address": "127.0.0.1" },
                { "type": "Hostname", "address": name },
            ],
            "nodeInfo": {
                "kubeletVersion": version,
                "operatingSystem": "linux",
                "architecture": "amd64",
                "containerRuntimeVersion": "sandbox://1",
                "kernelVersion": "",
                "osImage": "meshform sandbox",
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
                "kubeProxyVersion": "",
            },
        },
    })
}
