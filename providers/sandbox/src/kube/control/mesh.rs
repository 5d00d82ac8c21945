//! What an istiod in the cluster does to other objects: sidecars in pods, and its root certificate in namespaces.

use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use super::Context;
use super::api::Api;
use crate::kube::object::{self, child, list, map, text};
use crate::kube::state::State;
use crate::kube::store::Key;

/// The root of a mesh that was given none.
static ROOT: &str = include_str!("../../../data/root-cert.pem");
pub(super) const ROOT_CONFIG: &str = "istio-ca-root-cert";
const MANAGER: &str = "pilot-discovery";

/// The istiod of a cluster: where it runs, which one it is and of which version.
pub(super) struct Istiod {
    namespace: String,
    revision: String,
    version: String,
}

impl Istiod {
    /// The istiods of the cluster, by what is deployed.
    fn all(state: &State) -> Vec<Self> {
        let is_istiod = |deployment: &&std::sync::Arc<Value>| {
            text(deployment, "/spec/template/metadata/labels/app") == "istiod"
        };
        let found = state.store.list("deployments.apps", None).filter(is_istiod);
        found.map(|deployment| Self::of(deployment)).collect()
    }

    fn of(deployment: &Value) -> Self {
        let container = deployment.pointer("/spec/template/spec/containers/0").unwrap_or(&Value::Null);
        let variables = list(container, "/env").iter();
        let revision =
            variables.filter(|own| text(own, "/name") == "REVISION").map(|own| text(own, "/value")).next();
        let image = text(container, "/image");
        let tag = image.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'));
        Self {
            namespace: object::namespace(deployment).to_owned(),
            revision: revision.unwrap_or("default").to_owned(),
            version: tag.unwrap_or_default().to_owned(),
        }
    }
}

/// Puts a sidecar into a new pod, if its namespace or its own labels ask for one and an istiod is there to do so.
pub(super) fn inject(state: &State, pod: &mut Value) {
    let Some(namespace) = state.get("namespaces", "", object::namespace(pod)) else { return };
    let Some(revision) = wanted_revision(map(namespace, "/metadata/labels"), map(pod, "/metadata/labels"))
    else {
        return;
    };
    let istiods = Istiod::all(state);
    let Some(istiod) = istiods.iter().find(|istiod| istiod.revision == revision) else { return };
    if list(pod, "/spec/containers").iter().any(|container| text(container, "/name") == "istio-proxy") {
        return;
    }
    add_sidecar(pod, istiod);
}

/// The revision that is to inject; nothing if none is. What a pod says counts more than what its namespace says.
fn wanted_revision(
    namespace: &serde_json::Map<String, Value>,
    pod: &serde_json::Map<String, Value>,
) -> Option<String> {
    let label = |labels: &serde_json::Map<String, Value>, name: &str| {
        labels.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    let own = label(pod, "sidecar.istio.io/inject");
    let of_namespace = label(namespace, "istio-injection");
    if own.as_deref() == Some("false") || of_namespace.as_deref() == Some("disabled") {
        return None;
    }
    if of_namespace.as_deref() == Some("enabled") {
        return Some("default".to_owned());
    }
    let revision = label(pod, "istio.io/rev").or_else(|| label(namespace, "istio.io/rev"));
    revision.or_else(|| (own.as_deref() == Some("true")).then(|| "default".to_owned()))
}

fn add_sidecar(pod: &mut Value, istiod: &Istiod) {
    let labels = map(pod, "/metadata/labels");
    let first =
        |names: [&str; 2]| names.iter().find_map(|name| labels.get(*name)?.as_str()).map(str::to_owned);
    let name = first(["app.kubernetes.io/name", "app"]).unwrap_or_default();
    let version = first(["app.kubernetes.io/version", "version"]).unwrap_or_else(|| "latest".to_owned());
    let metadata = object::metadata(pod);
    let labels = child(metadata, "labels");
    for (label, value) in [
        ("security.istio.io/tlsMode", "istio".to_owned()),
        ("service.istio.io/canonical-name", name),
        ("service.istio.io/canonical-revision", version),
    ] {
        object::put_default(labels, label, value);
    }
    let status = json!({
        "initContainers": ["istio-init"],
        "containers": ["istio-proxy"],
        "volumes": [],
        "imagePullSecrets": null,
        "revision": istiod.revision,
    });
    child(metadata, "annotations")["sidecar.istio.io/status"] = json!(status.to_string());
    let image = format!("docker.io/istio/proxyv2:{}", istiod.version);
    let container = |name: &str| json!({ "name": name, "image": image });
    for (field, name) in [("initContainers", "istio-init"), ("containers", "istio-proxy")] {
        let mut all = list(pod, &format!("/spec/{field}")).to_vec();
        all.push(container(name));
        pod["spec"][field] = Value::Array(all);
    }
}

/// Keeps the mesh's root certificate in every namespace, as istiod does.
pub(super) fn publish_root(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let namespace = state.store.get("namespaces", key)?;
    if object::is_terminating(namespace) || key.name.starts_with("kube-") {
        return None;
    }
    let istiod = Istiod::all(state).into_iter().next()?;
    let root = root(state, &istiod.namespace);
    let known = state.get("configmaps", &key.name, ROOT_CONFIG).cloned();
    let mut api = Api::new(state, context.now, MANAGER);
    // What cannot be written now is written with the next change.
    let _ = match known {
        Some(known) if known["data"]["root-cert.pem"] == root.as_str() => return None,
        Some(known) => {
            let mut new = Value::clone(&known);
            new["data"] = json!({ "root-cert.pem": root });
            api.update(&new)
        }
        None => api.create(&json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": ROOT_CONFIG, "namespace": key.name, "labels": { "istio.io/config": "true" } },
            "data": { "root-cert.pem": root },
        })),
    };
    None
}

/// The root certificate that the Secret `cacerts` plugs in, or istiod's own.
fn root(state: &State, namespace: &str) -> String {
    let plugged = state.get("secrets", namespace, "cacerts").and_then(|secret| {
        let encoded = text(secret, "/data/root-cert.pem");
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
        String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
    });
    plugged.unwrap_or_else(|| ROOT.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_injects() {
        let check = |namespace: Value, pod: Value, expect: Option<&str>| {
            let (namespace, pod) = (namespace.as_object().unwrap(), pod.as_object().unwrap());
            assert_eq!(wanted_revision(namespace, pod).as_deref(), expect, "{namespace:?} {pod:?}");
        };
        check(json!({}), json!({}), None);
        check(json!({ "istio-injection": "enabled" }), json!({}), Some("default"));
        check(json!({ "istio-injection": "enabled", "istio.io/rev": "canary" }), json!({}), Some("default"));
        check(json!({ "istio-injection": "enabled" }), json!({ "sidecar.istio.io/inject": "false" }), None);
        check(json!({ "istio-injection": "disabled" }), json!({ "sidecar.istio.io/inject": "true" }), None);
        check(json!({ "istio.io/rev": "canary" }), json!({}), Some("canary"));
        check(json!({ "istio.io/rev": "canary" }), json!({ "istio.io/rev": "old" }), Some("old"));
        check(json!({}), json!({ "sidecar.istio.io/inject": "true" }), Some("default"));
    }
}
