//! The least that a client can do: LIST, and server-side apply, one request an object.

use std::path::Path;

use futures::stream::{self, StreamExt as _};
use http::Request;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// How many lines an object's data has, and what stands in each.
pub(crate) const LINES: usize = 10;
pub(crate) const LINE: &str = "a somewhat longer text, that makes the object as large as those that people write by hand are, more or less";

/// A client that does nothing but send.
pub(crate) struct Raw {
    runtime: Runtime,
    client: Client,
}

impl Raw {
    pub(crate) fn connect(kubeconfig: &Path) -> Self {
        let runtime = Runtime::new().unwrap();
        let client = runtime.block_on(async {
            let config = Kubeconfig::read_from(kubeconfig).unwrap();
            let config =
                kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
            Client::try_from(config).unwrap()
        });
        Self { runtime, client }
    }

    /// Makes a namespace.
    pub(crate) fn namespace(&self, name: &str) {
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.runtime.block_on(patch(self.client.clone(), format!("/api/v1/namespaces/{name}"), object));
    }

    /// Applies so many objects, so many at once.
    pub(crate) fn apply_all(&self, namespace: &str, count: usize, concurrency: usize) {
        let all = (0..count).map(|at| {
            let path = format!("/api/v1/namespaces/{namespace}/configmaps/map-{at}");
            patch(self.client.clone(), path, object(namespace, at))
        });
        self.runtime.block_on(stream::iter(all).buffer_unordered(concurrency).for_each(|()| async {}));
    }

    /// All objects of a namespace, in one answer.
    pub(crate) fn list(&self, namespace: &str) -> Vec<u8> {
        let request =
            Request::get(format!("/api/v1/namespaces/{namespace}/configmaps")).body(Body::empty()).unwrap();
        self.runtime.block_on(async {
            let response = self.client.send(request).await.unwrap();
            assert!(response.status().is_success());
            response.into_body().collect().await.unwrap().to_bytes().to_vec()
        })
    }
}

async fn patch(client: Client, path: String, object: Value) {
    let request = Request::patch(format!("{path}?fieldManager=bench&force=true"))
        .header("content-type", "application/apply-patch+yaml")
        .body(Body::from(object.to_string().into_bytes()))
        .unwrap();
    let response = client.send(request).await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    response.into_body().collect().await.unwrap();
}

/// An object as the stack has it.
pub(crate) fn object(namespace: &str, at: usize) -> Value {
    let data = (0..LINES).map(|line| (format!("setting-{line}"), json!(format!("{at}-{LINE}"))));
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": format!("map-{at}"), "namespace": namespace, "labels": { "app": "bench" } },
        "data": data.collect::<serde_json::Map<_, _>>(),
    })
}

/// How many of them a LIST has found, kube-root-ca.crt apart.
pub(crate) fn count(list: &[u8]) -> usize {
    let list: Value = serde_json::from_slice(list).unwrap();
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["metadata"]["labels"]["app"] == "bench")
        .count()
}
