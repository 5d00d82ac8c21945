//! What a namespace's annotation `sandbox.meshform.dev/install` brings along, as if somebody had installed it before:
//! `gateway-api` its definitions and a class, `istio` its definitions, a control plane and an ingress gateway.

use std::io::Read;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::Context;
use super::api::Api;
use crate::kube::net::annotation;
use crate::kube::object::{self, list, text};
use crate::kube::state::State;
use crate::kube::store::Key;

static DATA: &[u8] = include_bytes!("../../../data/definitions.json.gz");

/// The definitions of Istio and Gateway API, read once per process; `Null` if they cannot be read.
static DEFINITIONS: LazyLock<Value> = LazyLock::new(|| {
    let mut text = String::new();
    match GzDecoder::new(DATA).read_to_string(&mut text) {
        Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
        Err(_) => Value::Null,
    }
});

const MANAGER: &str = "sandbox-installer";

/// Installs what a namespace's annotation names, separated by commas.
pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let namespace = Arc::clone(state.store.get("namespaces", key)?);
    if object::is_terminating(&namespace) {
        return None;
    }
    let name = context.options.name.clone();
    for wanted in annotation(&namespace, "install").split(',').map(str::trim) {
        let mut api = Api::new(state, context.now, MANAGER);
        match wanted {
            "gateway-api" => {
                define(&mut api, "gateway-api");
                install(&mut api, &[gateway_class()]);
            }
            "istio" => {
                define(&mut api, "istio");
                install(&mut api, &control_plane(&key.name, &name, version("istio")));
            }
            _ => {}
        }
    }
    None
}

fn version(bundle: &str) -> &'static str {
    text(&DEFINITIONS, &format!("/{bundle}/version"))
}

fn define(api: &mut Api<'_>, bundle: &str) {
    let definitions = list(&DEFINITIONS, &format!("/{bundle}/definitions"));
    install(api, definitions);
    for definition in definitions {
        if let Some(known) =
            api.state.get(super::definition::DEFINITIONS, "", object::name(definition)).cloned()
        {
            // What follows may be of this kind.
            super::definition::serve(api.state, &known);
        }
    }
}

/// Creates what is not there; what is there stays as it is.
fn install(api: &mut Api<'_>, objects: &[Value]) {
    for object in objects {
        // Somebody else's object of that name, or a kind that is not served, is found by whoever needs it.
        let _ = api.create(object);
    }
}

fn gateway_class() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": { "name": "sandbox" },
        "spec": { "controllerName": "meshform.dev/sandbox" },
    })
}

/// Istio's control plane and an ingress gateway, by the names that its charts give them.
fn control_plane(namespace: &str, cluster: &str, version: &str) -> Vec<Value> {
    let mesh = "accessLogFile: /dev/stdout\ndefaultConfig:\n  discoveryAddress: istiod.istio-system.svc:15012\n\
                rootNamespace: istio-system\ntrustDomain: cluster.local\n";
    let values =
        json!({ "global": { "multiCluster": { "clusterName": cluster }, "meshID": "", "network": "" } });
    let named = |api_version: &str, kind: &str, name: &str| json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": namespace } });
    let config = |name: &str, key: &str, value: &str| {
        let mut config = named("v1", "ConfigMap", name);
        config["data"] = json!({ key: value });
        config
    };
    let mut role =
        named("rbac.authorization.k8s.io/v1", "ClusterRole", "istio-reader-clusterrole-istio-system");
    object::remove(&mut role, &["metadata", "namespace"]);
    role["rules"] = json!([{
        "apiGroups": ["", "discovery.k8s.io", "apiextensions.k8s.io", "networking.istio.io", "security.istio.io"],
        "resources": ["*"],
        "verbs": ["get", "list", "watch"],
    }]);
    let ports = |ports: &[(&str, u16, u16)]| -> Value {
        let port = |(name, port, target): &(&str, u16, u16)| json!({ "name": name, "port": port, "targetPort": target });
        ports.iter().map(port).collect()
    };
    let service = |name: &str, kind: &str, app: &str, ports: Value| {
        let mut service = named("v1", "Service", name);
        service["spec"] = json!({ "type": kind, "selector": { "app": app }, "ports": ports });
        service
    };
    let discovery = [
        ("grpc-xds", 15010, 15010),
        ("https-dns", 15012, 15012),
        ("https-webhook", 443, 15017),
        ("http-monitoring", 15014, 15014),
    ];
    let front = [("status-port", 15021, 15021), ("http2", 80, 8080)];
    vec![
        named("v1", "ServiceAccount", "istiod"),
        named("v1", "ServiceAccount", "istio-reader-service-account"),
        named("v1", "ServiceAccount", "istio-ingressgateway"),
        role,
        config("istio", "mesh", mesh),
        config("istio-sidecar-injector", "values", &format!("{values:#}")),
        service("istiod", "ClusterIP", "istiod", ports(&discovery)),
        service("istio-ingressgateway", "LoadBalancer", "istio-ingressgateway", ports(&front)),
        workload(
            namespace,
            "istiod",
            json!({ "app": "istiod", "istio": "pilot" }),
            json!([{
                "name": "discovery",
                "image": format!("docker.io/istio/pilot:{version}"),
                "env": [{ "name": "CLUSTER_ID", "value": cluster }, { "name": "REVISION", "value": "default" }],
                "ports": [{ "containerPort": 8080 }, { "containerPort": 15010 }, { "containerPort": 15014 }],
            }]),
        ),
        workload(
            namespace,
            "istio-ingressgateway",
            json!({ "app": "istio-ingressgateway", "istio": "ingressgateway" }),
            json!([{ "name": "istio-proxy", "image": format!("docker.io/istio/proxyv2:{version}") }]),
        ),
    ]
}

fn workload(namespace: &str, name: &str, labels: Value, containers: Value) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "namespace": namespace, "labels": labels },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "serviceAccountName": name, "containers": containers },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use meshform_kube_schema::check_definition;

    use super::*;
    use crate::kube::strategy;

    #[test]
    fn what_is_installed_is_accepted() {
        for bundle in ["gateway-api", "istio"] {
            let definitions = list(&DEFINITIONS, &format!("/{bundle}/definitions"));
            assert!(!definitions.is_empty(), "{bundle}");
            for definition in definitions {
                let mut whole = definition.clone();
                strategy::default("apiextensions.k8s.io", "CustomResourceDefinition", &mut whole);
                let stored =
                    list(&whole, "/spec/versions").iter().filter(|version| object::flag(version, "/storage"));
                whole["status"]["storedVersions"] = stored.map(|version| version["name"].clone()).collect();
                assert_eq!(check_definition(&whole, None), [], "{}", object::name(definition));
            }
        }
    }
}
