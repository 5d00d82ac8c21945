//! How a `cluster` block says to connect: exactly one way.

use meshform_engine::ports::{ErrorCode, ProviderError};
use meshform_engine::value::{Path, Value};

/// One way to reach a cluster.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// The stack's embedded cluster.
    Sandbox,
    /// A kubeconfig file, as written.
    File(String),
    /// The text of a kubeconfig.
    Content(String),
    /// The server itself.
    Server {
        /// Its URL.
        url: String,
        /// The certificate authority, PEM.
        ca: Option<String>,
        /// The bearer token.
        token: Option<String>,
    },
    /// The service account of the pod that this runs in.
    InCluster,
    /// What `kubectl` would use: `$KUBECONFIG`, or `~/.kube/config`.
    Ambient,
}

/// Reads the attributes of a `cluster` block.
pub(crate) fn access(attributes: &Value) -> Result<Access, ProviderError> {
    let text = |name: &str| attributes.get_str(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let is_set = |name: &str| attributes.get(name).and_then(Value::as_bool) == Some(true);
    let server = text("server").map(|url| Access::Server { url, ca: text("ca"), token: text("token") });
    let ways = [
        ("sandbox", is_set("sandbox").then_some(Access::Sandbox)),
        ("kubeconfig", text("kubeconfig").map(Access::File)),
        ("kubeconfig_content", text("kubeconfig_content").map(Access::Content)),
        ("server", server),
        ("in_cluster", is_set("in_cluster").then_some(Access::InCluster)),
    ];
    let mut given = ways.into_iter().filter_map(|(name, way)| Some((name, way?)));
    let (first, second) = (given.next(), given.next());
    if let (Some((first, _)), Some((second, _))) = (&first, &second) {
        let detail = format!("`{first}` and `{second}` are two ways to connect. Keep one of them.");
        return Err(wrong("More than one way to connect", detail, second));
    }
    let way = first.map_or(Access::Ambient, |(_, way)| way);
    for name in ["ca", "token"] {
        if text(name).is_some() && !matches!(way, Access::Server { .. }) {
            let detail = format!(
                "`{name}` goes with `server`. Set `server` to the API server's URL, or remove `{name}`."
            );
            return Err(wrong("There is no server", detail, name));
        }
    }
    let has_contexts = matches!(way, Access::File(_) | Access::Content(_) | Access::Ambient);
    if text("context").is_some() && !has_contexts {
        let detail =
            "`context` names one of a kubeconfig's contexts, and there is no kubeconfig here. Remove it.";
        return Err(wrong("There are no contexts", detail.to_owned(), "context"));
    }
    Ok(way)
}

fn wrong(summary: &str, detail: String, attribute: &str) -> ProviderError {
    ProviderError {
        code: ErrorCode::Invalid,
        summary: summary.to_owned(),
        detail,
        path: Some(Path::attribute(attribute)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::value::from_json;
    use serde_json::{Value as Json, json};

    fn check(attributes: Json, expect: &str) {
        let shown = match access(&from_json(&attributes)) {
            Ok(Access::Sandbox) => "sandbox".to_owned(),
            Ok(Access::File(path)) => path,
            Ok(Access::Content(_)) => "content".to_owned(),
            Ok(Access::Server { url, ca, token }) => format!("{url} {} {}", ca.is_some(), token.is_some()),
            Ok(Access::InCluster) => "in cluster".to_owned(),
            Ok(Access::Ambient) => "ambient".to_owned(),
            Err(error) => format!("{}: {}", error.path.unwrap_or_default(), error.summary),
        };
        assert_eq!(shown, expect, "{attributes}");
    }

    #[test]
    fn there_is_exactly_one_way() {
        check(json!({}), "ambient");
        check(
            json!({ "sandbox": false, "in_cluster": false, "kubeconfig": null, "context": "x" }),
            "ambient",
        );
        check(json!({ "sandbox": true }), "sandbox");
        check(json!({ "kubeconfig": "~/x", "context": "prod" }), "~/x");
        check(json!({ "kubeconfig_content": "x" }), "content");
        check(json!({ "server": "https://x", "token": "t" }), "https://x false true");
        check(json!({ "in_cluster": true }), "in cluster");
        check(json!({ "sandbox": true, "kubeconfig": "x" }), "kubeconfig: More than one way to connect");
        check(json!({ "token": "t" }), "token: There is no server");
        check(json!({ "kubeconfig": "x", "ca": "t" }), "ca: There is no server");
        check(json!({ "sandbox": true, "context": "x" }), "context: There are no contexts");
    }
}
