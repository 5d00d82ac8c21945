//! The file that lets `kubectl` and other clients in.

use serde_json::{Value, json};

/// A kubeconfig (JSON, which is YAML) whose cluster, user and only context are called `name`.
#[must_use]
pub fn kubeconfig(name: &str, url: &str, token: Option<&str>) -> String {
    let user = token.map_or_else(|| json!({}), |token| json!({ "token": token }));
    let document: Value = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": name, "cluster": { "server": url } }],
        "users": [{ "name": name, "user": user }],
        "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
        "current-context": name,
    });
    format!("{document:#}\n")
}
