//! The file that lets `kubectl` and other clients in.

use serde_json::{Value, json};

/// A kubeconfig (JSON, which is YAML) whose cluster, user and only context are called `name`.
///
/// The token is the path below which the API lies, and not the user's: `kubectl` shows a user's token over TLS only.
#[must_use]
pub fn kubeconfig(name: &str, url: &str, token: Option<&str>) -> String {
    let server = token.map_or_else(|| url.to_owned(), |token| format!("{url}/{token}"));
    let document: Value = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": name, "cluster": { "server": server } }],
        "users": [{ "name": name, "user": {} }],
        "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
        "current-context": name,
    });
    format!("{document:#}\n")
}
