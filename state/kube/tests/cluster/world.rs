//! A cluster to keep things in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use kube::config::{KubeConfigOptions, Kubeconfig};
use meshform_sandbox::kube::{Options, World as Embedded, kubeconfig, router};
use meshform_state_kube::KubeStorage;
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// What the API server does to a write.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// It is refused before it is begun, with a pause in seconds that is asked for.
    Refuse(StatusCode, u64),
    /// It is done, but something else is answered.
    Misreport(StatusCode),
}

type Faults = Arc<Mutex<VecDeque<Option<Fault>>>>;

/// A cluster.
pub(crate) struct World {
    /// How it is reached.
    pub(crate) kubeconfig: String,
    service: Option<Router>,
    faults: Faults,
    port: u16,
    /// Ends what it serves, connections too, when it ends.
    serving: Option<Runtime>,
}

impl World {
    /// An embedded cluster.
    pub(crate) fn new() -> Self {
        let options = Options { name: "test".to_owned(), network: false, ..Options::default() };
        let faults = Faults::default();
        let service = router(Embedded::in_memory(options).unwrap());
        let service = service.layer(from_fn_with_state(faults.clone(), misbehave));
        let mut world =
            Self { kubeconfig: String::new(), service: Some(service), faults, port: 0, serving: None };
        world.start();
        world.kubeconfig = kubeconfig("test", &format!("http://127.0.0.1:{}", world.port), None);
        world
    }

    /// A cluster that runs elsewhere.
    pub(crate) fn at(kubeconfig: String) -> Self {
        Self { kubeconfig, service: None, faults: Faults::default(), port: 0, serving: None }
    }

    /// Where the embedded one listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Has something happen to the next write.
    pub(crate) fn next(&self, fault: Fault) {
        self.after(0, fault);
    }

    /// The same to the one after so many.
    pub(crate) fn after(&self, writes: usize, fault: Fault) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.extend(std::iter::repeat_n(None, writes));
        faults.push_back(Some(fault));
    }

    /// Has the embedded one listen, where it did before.
    pub(crate) fn start(&mut self) {
        let listener = std::net::TcpListener::bind(("127.0.0.1", self.port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        self.port = listener.local_addr().unwrap().port();
        let service = self.service.clone().unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async { axum::serve(TcpListener::from_std(listener).unwrap(), service).await });
        self.serving = Some(runtime);
    }

    /// Has it end, and all connections with it.
    pub(crate) fn stop(&mut self) {
        if let Some(runtime) = self.serving.take() {
            runtime.shutdown_background();
        }
    }

    /// A storage in it, by more settings.
    pub(crate) fn storage(&self, more: &[(&str, &str)]) -> KubeStorage {
        storage(&self.kubeconfig, more)
    }

    /// The same behind another port.
    pub(crate) fn storage_behind(&self, port: u16, more: &[(&str, &str)]) -> KubeStorage {
        storage(&self.kubeconfig.replace(&self.port.to_string(), &port.to_string()), more)
    }

    /// What the API server says to a GET, by a client of its own.
    pub(crate) async fn get(&self, path: &str) -> Json {
        self.send(http::Request::get(path).body(Vec::new())).await
    }

    /// And to a PUT.
    pub(crate) async fn put(&self, path: &str, object: &Json) -> Json {
        let request = http::Request::put(path).header("content-type", "application/json");
        self.send(request.body(object.to_string().into_bytes())).await
    }

    async fn send(&self, request: http::Result<http::Request<Vec<u8>>>) -> Json {
        let config = Kubeconfig::from_yaml(&self.kubeconfig).unwrap();
        let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await;
        kube::Client::try_from(config.unwrap()).unwrap().request(request.unwrap()).await.unwrap()
    }

    /// The names of the Secrets with these labels.
    pub(crate) async fn secrets(&self, selector: &str) -> Vec<String> {
        let path = format!("/api/v1/namespaces/default/secrets?labelSelector={selector}");
        let list = self.get(&path).await;
        let name = |item: &Json| item["metadata"]["name"].as_str().unwrap().to_owned();
        list["items"].as_array().unwrap().iter().map(name).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

fn storage(kubeconfig: &str, more: &[(&str, &str)]) -> KubeStorage {
    let mut settings = BTreeMap::from([
        ("kubeconfig_content".to_owned(), kubeconfig.to_owned()),
        ("name".to_owned(), "web".to_owned()),
    ]);
    settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    KubeStorage::new(&settings, &BTreeMap::new()).unwrap()
}

async fn misbehave(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    let fault = match *request.method() {
        Method::GET => None,
        _ => faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front().flatten(),
    };
    match fault {
        None => next.run(request).await,
        Some(Fault::Refuse(code, seconds)) => (code, [("retry-after", seconds.to_string())]).into_response(),
        Some(Fault::Misreport(code)) => {
            next.run(request).await;
            code.into_response()
        }
    }
}
