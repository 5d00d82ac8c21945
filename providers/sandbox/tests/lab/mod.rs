//! A cluster to try things in: objects in YAML, requests to its API and to what it serves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "each test file needs other parts of it")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use meshform_sandbox::kube::{Options, World, router};
use serde_json::{Value, json};
use tower::ServiceExt;

const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster.
pub(crate) struct Lab {
    pub(crate) world: Arc<World>,
    api: Router,
}

/// Quick pods and no sockets.
pub(crate) fn options() -> Options {
    Options {
        name: "test".to_owned(),
        pod_start: Duration::from_millis(5),
        network: false,
        ..Options::default()
    }
}

impl Lab {
    pub(crate) fn new(options: Options) -> Self {
        let world = World::in_memory(options).unwrap();
        Self { api: router(Arc::clone(&world)), world }
    }

    /// One request to the API; a body makes a GET a server-side apply.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let apply = method == "PATCH";
        let path = if apply { format!("{path}?fieldManager=test&force=true") } else { path.to_owned() };
        let media = if apply { "application/apply-patch+yaml" } else { "application/json" };
        let request = Request::builder().method(method).uri(path).header("content-type", media);
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.api.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        (status, serde_json::from_str(&text(response).await).unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None).await.1
    }

    pub(crate) async fn delete(&self, path: &str) {
        let (status, answer) = self.ask("DELETE", path, None).await;
        assert!(status.is_success(), "{path}: {answer}");
    }

    /// Applies objects, a YAML document each.
    pub(crate) async fn apply(&self, yaml: &str) {
        for document in yaml.split("\n---\n") {
            let object: Value = serde_saphyr::from_str(document).unwrap();
            let path = path_of(&object);
            let (status, answer) = self.ask("PATCH", &path, Some(&object)).await;
            assert!(status.is_success(), "{path}: {answer}");
        }
    }

    /// Asks again until the object is as wanted.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let asked = async {
            loop {
                let answer = self.get(path).await;
                if wanted(&answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer,
            Err(_) => panic!("{path} did not become as wanted: {:#}", self.get(path).await),
        }
    }

    /// Waits until so many endpoints of a Service in `default` are ready.
    pub(crate) async fn until_endpoints(&self, service: &str, wanted: usize) {
        let path = format!(
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name={service}"
        );
        let ready = |slices: &Value| {
            let all = slices["items"][0]["endpoints"].as_array().cloned().unwrap_or_default();
            all.iter().filter(|endpoint| endpoint["conditions"]["ready"] == true).count()
        };
        self.until(&path, |slices| ready(slices) == wanted).await;
    }

    /// One request to what the cluster serves: `GET host/path header=value …` to an address, without a socket.
    pub(crate) async fn call(&self, address: &str, asked: &str) -> (u16, String) {
        let response = self.response(address, asked).await;
        (response.status().as_u16(), text(response).await)
    }

    pub(crate) async fn response(&self, address: &str, asked: &str) -> Response<Body> {
        let mut words = asked.split(' ');
        let place = words.next().unwrap();
        let (host, path) = place.split_once('/').unwrap();
        let mut request = Request::builder().uri(format!("/{path}")).header("host", host);
        for (name, value) in words.map(|word| word.split_once('=').unwrap()) {
            request = request.header(name, value);
        }
        let address: SocketAddr = address.parse().unwrap();
        self.world.answer(address, request.body(Body::empty()).unwrap()).await
    }

    /// How the bodies of so many answers are distributed.
    pub(crate) async fn shares(
        &self,
        address: &str,
        asked: &str,
        requests: usize,
    ) -> BTreeMap<String, usize> {
        let mut shares = BTreeMap::new();
        for _ in 0..requests {
            *shares.entry(self.call(address, asked).await.1).or_default() += 1;
        }
        shares
    }
}

async fn text(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where an object lies in the API.
fn path_of(object: &Value) -> String {
    let field = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let version = field("/apiVersion").unwrap();
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let kind = field("/kind").unwrap().to_lowercase();
    let plural = match kind.as_str() {
        "ingress" | "gatewayclass" | "ingressclass" => format!("{kind}es"),
        "endpoints" => kind.clone(),
        _ => format!("{kind}s"),
    };
    let is_global = matches!(
        kind.as_str(),
        "namespace" | "node" | "ingressclass" | "gatewayclass" | "customresourcedefinition"
    );
    let namespace = field("/metadata/namespace").unwrap_or("default");
    let place = if is_global { String::new() } else { format!("/namespaces/{namespace}") };
    format!("{root}{place}/{plural}/{}", field("/metadata/name").unwrap())
}

/// A Deployment whose pods answer their version.
pub(crate) fn deployment(name: &str, replicas: usize, answer: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: {name} }}\n\
         spec:\n  replicas: {replicas}\n  selector: {{ matchLabels: {{ run: {name} }} }}\n  template:\n    \
         metadata: {{ labels: {{ run: {name}, app: nginx, version: {answer} }}, \
         annotations: {{ sandbox.meshform.dev/answer: {answer} }} }}\n    \
         spec: {{ containers: [{{ name: web, image: nginx, ports: [{{ containerPort: 18480 }}] }}] }}"
    )
}

/// A Service that selects by a label.
pub(crate) fn service(name: &str, label: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{ name: {name} }}\n\
         spec: {{ type: LoadBalancer, selector: {{ {label} }}, ports: [{{ port: 18481, targetPort: 18480 }}] }}"
    )
}

/// A custom kind of any shape, with a status of its own. It may be of a group of Kubernetes' own, which takes an approval.
pub(crate) fn definition(group: &str, version: &str, plural: &str, kind: &str, scope: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: {plural}.{group}\n  \
         annotations: {{ api-approved.kubernetes.io: unapproved }}\n\
         spec:\n  group: {group}\n  scope: {scope}\n  \
         names: {{ plural: {plural}, singular: {}, kind: {kind}, listKind: {kind}List }}\n  \
         versions: [{{ name: {version}, served: true, storage: true, subresources: {{ status: {{}} }}, \
         schema: {{ openAPIV3Schema: {{ type: object, x-kubernetes-preserve-unknown-fields: true }} }} }}]",
        kind.to_lowercase()
    )
}

/// The condition of a type.
pub(crate) fn condition<'o>(holder: &'o Value, kind: &str) -> &'o Value {
    let conditions = holder["conditions"].as_array();
    conditions.and_then(|all| all.iter().find(|own| own["type"] == kind)).unwrap_or(&Value::Null)
}

/// The path of an object in `default`.
pub(crate) fn path(yaml_kind: &str, api_version: &str, name: &str) -> String {
    path_of(&json!({ "apiVersion": api_version, "kind": yaml_kind, "metadata": { "name": name } }))
}
