//! Every namespace has a default ServiceAccount and the cluster's root certificate.

use std::time::Duration;

use serde_json::json;

use super::Context;
use super::api::{Api, CONTROLLER_MANAGER};
use crate::kube::object;
use crate::kube::state::State;
use crate::kube::store::Key;

/// The ConfigMap with the root certificate.
pub(super) const ROOT_CA: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
                           endpoints such as the internal service IP or kubernetes.default.svc. No other usage is \
                           guaranteed across distributions of Kubernetes clusters.";

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let namespace = key.name.as_str();
    let found = state.store.get("namespaces", key)?;
    if object::is_terminating(found) {
        return None;
    }
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    // Losing a race against another creator, or against the end of the namespace, leaves nothing to do.
    if api.state.get("serviceaccounts", namespace, "default").is_none() {
        let _ = api.create(&json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": { "name": "default", "namespace": namespace },
        }));
    }
    if api.state.get("configmaps", namespace, ROOT_CA).is_none() {
        let _ = api.create(&json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": ROOT_CA,
                "namespace": namespace,
                "annotations": { "kubernetes.io/description": DESCRIPTION },
            },
            "data": { "ca.crt": "" },
        }));
    }
    None
}
