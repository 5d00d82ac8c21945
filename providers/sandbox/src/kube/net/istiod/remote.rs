//! Remote clusters: which Secrets name them, and what their API says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use http::{Request, StatusCode};
use serde_json::Value;

use super::Cluster;
use crate::kube::net::abroad;
use crate::kube::object::{self, list, map, text};
use crate::kube::store::Store;

/// How long a cluster may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
const BODY_BYTES_MAX: usize = 64 << 20;

/// A cluster that a Secret names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(super) id: String,
    pub(super) secret: String,
    server: String,
    token: String,
}

/// The clusters that the Secrets of istiod's namespace name: the key of the data is the cluster's name. A name that is
/// istiod's own cluster's, or that was seen before, is ignored, as is a kubeconfig that istiod would reject.
pub(super) fn of(store: &Store, namespace: &str, own: &str) -> Vec<Remote> {
    let mut found: Vec<Remote> = Vec::new();
    let secrets = store.list("secrets", Some(namespace));
    for secret in { secrets }.filter(|secret| text(secret, "/metadata/labels/istio~1multiCluster") == "true")
    {
        for (id, encoded) in map(secret, "/data") {
            if id == own || found.iter().any(|known| known.id == *id) {
                continue;
            }
            let decoded =
                base64::engine::general_purpose::STANDARD.decode(encoded.as_str().unwrap_or_default());
            let kubeconfig = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
            if let Some((server, token)) = kubeconfig.as_deref().and_then(credentials) {
                found.push(Remote { id: id.clone(), secret: object::name(secret).to_owned(), server, token });
            }
        }
    }
    found
}

/// The server and the token of a kubeconfig's current context. Credentials must be inline: programs and files are
/// rejected.
fn credentials(kubeconfig: &str) -> Option<(String, String)> {
    let config: Value = serde_saphyr::from_str(kubeconfig).ok()?;
    let named = |part: &str, name: &str| list(&config, part).iter().find(|own| text(own, "/name") == name);
    let context = named("/contexts", text(&config, "/current-context"))?;
    let cluster = named("/clusters", text(context, "/context/cluster"))?;
    let user = named("/users", text(context, "/context/user"))?;
    let rejected = ["exec", "auth-provider", "tokenFile", "client-certificate", "client-key"];
    if rejected.iter().any(|field| user["user"].get(field).is_some()) {
        return None;
    }
    let server = text(cluster, "/cluster/server");
    (!server.is_empty()).then(|| (server.to_owned(), text(user, "/user/token").to_owned()))
}

impl Remote {
    /// What istiod reads of the cluster; nothing if it doesn't answer.
    pub(super) async fn read(&self) -> Option<Cluster> {
        let asked = async {
            Some(Cluster {
                id: self.id.clone(),
                services: self.list("/api/v1/services").await?,
                slices: self.list("/apis/discovery.k8s.io/v1/endpointslices").await?,
                pods: self.list("/api/v1/pods").await?,
                entries: Vec::new(),
            })
        };
        tokio::time::timeout(ANSWER_MAX, asked).await.ok().flatten()
    }

    async fn list(&self, path: &str) -> Option<Vec<Arc<Value>>> {
        let rest = self.server.strip_prefix("http://")?;
        let (host, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let address: SocketAddr = host.parse().ok()?;
        let prefix = Some(prefix.trim_end_matches('/')).filter(|prefix| !prefix.is_empty());
        let uri = prefix.map_or_else(|| path.to_owned(), |prefix| format!("/{prefix}{path}"));
        let mut request =
            Request::builder().uri(uri).header("host", host).header("accept", "application/json");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let (parts, body) = request.body(Body::empty()).ok()?.into_parts();
        let response = abroad::ask(address, parts, body).await;
        if response.status() != StatusCode::OK {
            return None;
        }
        let bytes = axum::body::to_bytes(response.into_body(), BODY_BYTES_MAX).await.ok()?;
        let mut answer: Value = serde_json::from_slice(&bytes).ok()?;
        match answer["items"].take() {
            Value::Array(items) => Some(items.into_iter().map(Arc::new).collect()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubeconfigs() {
        let check = |user: &str, expect: Option<(&str, &str)>| {
            let text = format!(
                "clusters: [{{ name: c, cluster: {{ server: 'http://127.0.0.1:1/x' }} }}]\nusers: [{{ name: u, user: {user} }}]\n\
                 contexts: [{{ name: k, context: {{ cluster: c, user: u }} }}]\ncurrent-context: k\n"
            );
            let expect = expect.map(|(server, token)| (server.to_owned(), token.to_owned()));
            assert_eq!(credentials(&text), expect, "{user}");
        };
        check("{ token: t }", Some(("http://127.0.0.1:1/x", "t")));
        check("{}", Some(("http://127.0.0.1:1/x", "")));
        check("{ exec: { command: aws } }", None);
        check("{ tokenFile: /x }", None);
        check("{ client-certificate: /x }", None);
        assert_eq!(credentials("not: [a"), None);
        assert_eq!(credentials("current-context: gone"), None);
    }
}
