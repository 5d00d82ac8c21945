//! What the embedded API takes: to start, to apply 10,000 ConfigMaps over a socket, to list them, and to hold them.
//!
//! `cargo bench -p meshform-sandbox` prints the figures. Server and client share the process, and so the two processors that they
//! get. On a machine that has more to do, times are longer than they would be; what a step takes of the processors is told besides.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and fails by panicking")]

use std::fs;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use meshform_sandbox::kube::{Options, World, serve};
use tokio::net::TcpListener;

const OBJECTS: usize = 10_000;
const CONNECTIONS: usize = 16;
const STARTS: usize = 20;
const LISTS: usize = 10;
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[derive(Clone)]
struct Api {
    authority: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Api {
    /// Opens a world, and serves it.
    async fn start() -> Self {
        let options = Options { network: false, routers: false, ..Options::default() };
        let world = World::in_memory(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        tokio::spawn(serve(Arc::clone(&world), listener, pending()));
        Self { authority, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    async fn send(&self, method: Method, path: &str, body: String) -> Bytes {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.authority))
            .header("content-type", "application/apply-patch+yaml")
            .body(Full::from(body));
        let response = self.client.request(request.unwrap()).await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.into_body().collect().await.unwrap().to_bytes()
    }

    async fn apply(&self, number: usize) {
        let body = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"bench-{number}","labels":{{"app":"bench"}}}},"data":{{"key":"{}"}}}}"#,
            "value ".repeat(20)
        );
        let path = format!("{CONFIG_MAPS}/bench-{number}?fieldManager=bench");
        self.send(Method::PATCH, &path, body).await;
    }

    /// Applies all objects, over several connections at once.
    async fn apply_all(&self) {
        let next = Arc::new(AtomicUsize::new(0));
        let connections = (0..CONNECTIONS).map(|_| {
            let (api, next) = (self.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= OBJECTS {
                        return;
                    }
                    api.apply(number).await;
                }
            })
        });
        for connection in connections.collect::<Vec<_>>() {
            connection.await.unwrap();
        }
    }
}

/// What the process holds, in bytes.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// How much processor time the process has taken, client and server; in steps of ten milliseconds.
fn processor() -> Duration {
    const TICKS: u64 = 100;
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The program's name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().map(|at| fields[*at].parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

/// How long something took, and how much of the processors.
async fn measured<T>(work: impl Future<Output = T>) -> (Duration, Duration) {
    let (started, before) = (Instant::now(), processor());
    work.await;
    (started.elapsed(), processor().saturating_sub(before))
}

fn tell_applies(what: &str, (took, worked): (Duration, Duration)) {
    let rate = OBJECTS as f64 / took.as_secs_f64();
    let each = worked.as_secs_f64() * 1e6 / OBJECTS as f64;
    println!(
        "{rate:8.0} /s  server-side applies that {what} ({each:.0} µs of a processor each, asking included)"
    );
}

fn median(mut took: Vec<Duration>) -> f64 {
    took.sort();
    took[took.len() / 2].as_secs_f64() * 1e3
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let api = Api::start().await;
        api.send(Method::GET, "/api/v1/namespaces/default", String::new()).await;
        starts.push(started.elapsed());
    }
    println!(
        "{:8.2} ms  from nothing to the first answer (median of {STARTS}; the first {:.2})",
        median(starts.clone()),
        starts[0].as_secs_f64() * 1e3
    );

    let api = Api::start().await;
    let before = resident();
    let created = measured(api.apply_all()).await;
    let held = resident().saturating_sub(before);
    tell_applies("create", created);
    println!("{:8} B   memory per object", held / OBJECTS);
    tell_applies("change nothing", measured(api.apply_all()).await);

    let mut lists = Vec::new();
    let mut bytes = 0;
    for _ in 0..LISTS {
        let started = Instant::now();
        bytes = api.send(Method::GET, CONFIG_MAPS, String::new()).await.len();
        lists.push(started.elapsed());
    }
    println!("{:8.2} ms  LIST of {OBJECTS} ConfigMaps, {bytes} bytes (median of {LISTS})", median(lists));
}
