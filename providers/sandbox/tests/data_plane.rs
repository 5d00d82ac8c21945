//! What the cluster serves: requests are split by pods, weights, headers and cookies.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod lab;

use std::net::SocketAddr;
use std::time::Duration;

use lab::{Lab, condition, definition, deployment, options, path, service};
use meshform_sandbox::kube::Options;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const REQUESTS: usize = 1000;

/// Two versions with a Service each and one before both.
async fn two_versions(lab: &Lab, old: usize, new: usize) {
    lab.apply(&deployment("old", old, "v1")).await;
    lab.apply(&deployment("new", new, "v2")).await;
    lab.apply(&service("both", "app: nginx")).await;
    lab.apply(&service("old", "run: old")).await;
    lab.apply(&service("new", "run: new")).await;
    lab.until_endpoints("both", old + new).await;
    lab.until_endpoints("old", old).await;
    lab.until_endpoints("new", new).await;
}

/// Asserts that `v2` gets a percentage of the requests, within three points.
#[track_caller]
fn assert_split(what: &str, shares: &std::collections::BTreeMap<String, usize>, percent: usize) {
    let total: usize = shares.values().sum();
    let new = shares.get("v2").copied().unwrap_or(0);
    let points = (100 * new).abs_diff(percent * total);
    assert!(points <= 3 * total, "{what}: {shares:?} is not {percent} %");
    assert!(shares.keys().all(|answer| answer == "v1" || answer == "v2"), "{what}: {shares:?}");
}

async fn cluster_address(lab: &Lab, name: &str) -> String {
    let service = lab.get(&path("Service", "v1", name)).await;
    format!("{}:18481", service["spec"]["clusterIP"].as_str().unwrap())
}

async fn balancer_address(lab: &Lab, name: &str) -> String {
    let pointer = "/status/loadBalancer/ingress/0/ip";
    let found = lab.until(&path("Service", "v1", name), |found| found.pointer(pointer).is_some()).await;
    format!("{}:18481", found.pointer(pointer).unwrap().as_str().unwrap())
}

async fn ingress_address(lab: &Lab, name: &str) -> String {
    let pointer = "/status/loadBalancer/ingress/0/ip";
    let path = path("Ingress", "networking.k8s.io/v1", name);
    let found = lab.until(&path, |found| found.pointer(pointer).is_some()).await;
    format!("{}:80", found.pointer(pointer).unwrap().as_str().unwrap())
}

fn ingress(name: &str, class: &str, service: &str, annotations: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{ name: {name}, annotations: {{ {annotations} }} }}\n\
         spec:\n  ingressClassName: {class}\n  rules: [{{ host: mini-echo.io, http: {{ paths: [{{ path: /, pathType: Prefix, \
         backend: {{ service: {{ name: {service}, port: {{ number: 18481 }} }} }} }}] }} }}]"
    )
}

async fn gateway_api(lab: &Lab) {
    let group = "gateway.networking.k8s.io";
    lab.apply(&definition(group, "v1", "gatewayclasses", "GatewayClass", "Cluster")).await;
    lab.apply(&definition(group, "v1", "gateways", "Gateway", "Namespaced")).await;
    lab.apply(&definition(group, "v1", "httproutes", "HTTPRoute", "Namespaced")).await;
    lab.until("/apis/gateway.networking.k8s.io/v1", |group| {
        group["resources"].as_array().is_some_and(|all| all.len() > 5)
    })
    .await;
    lab.apply(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: any }\nspec: { controllerName: example.com/any }\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: web }\n\
         spec: { gatewayClassName: any, listeners: [{ name: http, port: 18482, protocol: HTTP }] }",
    )
    .await;
}

async fn istio(lab: &Lab) {
    for (plural, kind) in [
        ("virtualservices", "VirtualService"),
        ("destinationrules", "DestinationRule"),
        ("gateways", "Gateway"),
    ] {
        lab.apply(&definition("networking.istio.io", "v1", plural, kind, "Namespaced")).await;
    }
    lab.until("/apis/networking.istio.io/v1", |group| {
        group["resources"].as_array().is_some_and(|all| all.len() > 5)
    })
    .await;
}

const SUBSETS: &str = "apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: both }
spec: { host: both, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: both }
spec:
  hosts: [both]
  http:
  - match: [{ headers: { cookie: { regex: '^(.*;)?canary=1(;.*)?$' } } }]
    route: [{ destination: { host: both, subset: v2 } }]
  - route:
    - { destination: { host: both, subset: v1 }, weight: 80 }
    - { destination: { host: both, subset: v2 }, weight: 20 }";

#[tokio::test]
async fn a_thousand_requests_are_split_as_told() {
    let lab = Lab::new(options());
    two_versions(&lab, 1, 4).await;
    let cluster = cluster_address(&lab, "both").await;
    assert_split("4:1 pods", &lab.shares(&cluster, "both/", REQUESTS).await, 80);
    let balancer = balancer_address(&lab, "both").await;
    assert_split("4:1 pods behind a load balancer", &lab.shares(&balancer, "both/", REQUESTS).await, 80);

    lab.apply(&ingress("main", "nginx", "old", "")).await;
    let canary = "nginx.ingress.kubernetes.io/canary: 'true', nginx.ingress.kubernetes.io/canary-weight: '20', \
                  nginx.ingress.kubernetes.io/canary-by-header: X-Canary";
    lab.apply(&ingress("canary", "nginx", "new", canary)).await;
    let nginx = ingress_address(&lab, "canary").await;
    assert_eq!(nginx, ingress_address(&lab, "main").await, "one controller serves a class");
    assert_split("canary Ingress", &lab.shares(&nginx, "mini-echo.io/", REQUESTS).await, 20);
    assert_split("canary header", &lab.shares(&nginx, "mini-echo.io/ x-canary=always", 100).await, 100);

    gateway_api(&lab).await;
    lab.apply(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: echo }\n\
         spec:\n  parentRefs: [{ name: web }]\n  rules: [{ backendRefs: [\
         { name: old, port: 18481, weight: 80 }, { name: new, port: 18481, weight: 20 }] }]",
    )
    .await;
    let gateway = gateway_address(&lab).await;
    assert_split("HTTPRoute", &lab.shares(&gateway, "mini-echo.io/", REQUESTS).await, 20);

    istio(&lab).await;
    lab.apply(SUBSETS).await;
    assert_split("VirtualService", &lab.shares(&cluster, "both/", REQUESTS).await, 20);
    assert_split("VirtualService by cookie", &lab.shares(&cluster, "both/ cookie=canary=1", 100).await, 100);
    assert_split("what is not behind a sidecar", &lab.shares(&balancer, "both/", REQUESTS).await, 80);
}

async fn gateway_address(lab: &Lab) -> String {
    let path = path("Gateway", "gateway.networking.k8s.io/v1", "web");
    let found = lab.until(&path, |found| condition(&found["status"], "Programmed")["status"] == "True").await;
    format!("{}:18482", found["status"]["addresses"][0]["value"].as_str().unwrap())
}

/// As `curl` sees it: a connection of its own for each request, by real sockets.
async fn curl(address: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.rsplit("\r\n\r\n").next().unwrap().to_owned()
}

#[tokio::test]
async fn sockets_answer_the_same() {
    let lab = Lab::new(Options { network: true, ..options() });
    two_versions(&lab, 1, 4).await;
    gateway_api(&lab).await;
    lab.apply(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: echo }\n\
         spec:\n  parentRefs: [{ name: web }]\n  rules: [{ backendRefs: [\
         { name: old, port: 18481, weight: 80 }, { name: new, port: 18481, weight: 20 }] }]",
    )
    .await;
    for (address, percent) in [
        (cluster_address(&lab, "both").await, 80),
        (balancer_address(&lab, "both").await, 80),
        (gateway_address(&lab).await, 20),
    ] {
        let mut shares = std::collections::BTreeMap::new();
        for _ in 0..100 {
            *shares.entry(curl(&address, "mini-echo.io").await).or_default() += 1;
        }
        assert_split(&address, &shares, percent);
    }
}

#[tokio::test]
async fn the_mesh_is_routed_on_sockets_too() {
    let lab = Lab::new(Options { network: true, ..options() });
    two_versions(&lab, 1, 1).await;
    istio(&lab).await;
    lab.apply(SUBSETS).await;
    let address = cluster_address(&lab, "both").await;
    let mut shares = std::collections::BTreeMap::new();
    // One connection for all: a sidecar routes requests.
    let mut stream = TcpStream::connect(&address).await.unwrap();
    for _ in 0..100 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: both\r\n\r\n").await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let mut body = [0; 2];
        stream.read_exact(&mut body).await.unwrap();
        *shares.entry(String::from_utf8_lossy(&body).into_owned()).or_default() += 1;
    }
    assert_split("one connection", &shares, 20);
}

#[tokio::test]
async fn routes_are_told_what_they_come_to() {
    let lab = Lab::new(options());
    two_versions(&lab, 1, 1).await;
    gateway_api(&lab).await;
    let route = |name: &str, spec: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{ name: {name} }}\nspec: {spec}"
        )
    };
    let told = async |name: &str, wanted: [(&str, &str); 2]| {
        let path = path("HTTPRoute", "gateway.networking.k8s.io/v1", name);
        let holds = |found: &Value| {
            let parent = &found["status"]["parents"][0];
            parent["controllerName"] == "example.com/any"
                && wanted.iter().all(|(kind, reason)| {
                    let own = condition(parent, kind);
                    own["reason"] == *reason && own["observedGeneration"] == found["metadata"]["generation"]
                })
        };
        lab.until(&path, holds).await;
    };
    let fine = [("Accepted", "Accepted"), ("ResolvedRefs", "ResolvedRefs")];
    let gone = [("Accepted", "Accepted"), ("ResolvedRefs", "BackendNotFound")];
    let to = |service: &str| {
        format!(
            "{{ parentRefs: [{{ name: web }}], rules: [{{ backendRefs: [{{ name: {service}, port: 18481 }}] }}] }}"
        )
    };
    lab.apply(&route("echo", &to("old"))).await;
    told("echo", fine).await;
    lab.apply(&route("echo", &to("later"))).await;
    told("echo", gone).await;
    lab.apply(&service("later", "run: new")).await;
    told("echo", fine).await;
    lab.delete(&path("Service", "v1", "later")).await;
    told("echo", gone).await;
    lab.apply(&route("echo", "{ parentRefs: [{ name: web, sectionName: https }], rules: [] }")).await;
    told("echo", [("Accepted", "NoMatchingParent"), ("ResolvedRefs", "ResolvedRefs")]).await;
    lab.apply(&route("echo", &to("old"))).await;
    let gateway = path("Gateway", "gateway.networking.k8s.io/v1", "web");
    lab.until(&gateway, |found| found["status"]["listeners"][0]["attachedRoutes"] == 1).await;
}

#[tokio::test]
async fn a_gateway_of_istio_routes_by_host() {
    let lab = Lab::new(options());
    two_versions(&lab, 1, 1).await;
    istio(&lab).await;
    lab.apply(
        &deployment("front", 1, "gateway").replace("run: front,", "run: front, istio: ingressgateway,"),
    )
    .await;
    lab.apply(&service("front", "istio: ingressgateway")).await;
    lab.until_endpoints("front", 1).await;
    lab.apply(
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: front }\n\
         spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 18481, name: http, protocol: HTTP }, hosts: ['*'] }] }\n---\n\
         apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: echo }\n\
         spec: { hosts: [mini-echo.io], gateways: [front], http: [{ route: [\
         { destination: { host: old }, weight: 50 }, { destination: { host: new }, weight: 50 }] }] }",
    )
    .await;
    let address = balancer_address(&lab, "front").await;
    assert_split("gateway", &lab.shares(&address, "mini-echo.io/", 100).await, 50);
    assert_eq!(lab.call(&address, "other.io/").await.0, 404);
}

#[tokio::test]
async fn nginx_needs_its_stable_service() {
    let lab = Lab::new(options());
    two_versions(&lab, 1, 1).await;
    lab.apply(&ingress("main", "nginx", "old", "")).await;
    let canary =
        "nginx.ingress.kubernetes.io/canary: 'true', nginx.ingress.kubernetes.io/canary-weight: '100'";
    lab.apply(&ingress("canary", "nginx", "new", canary)).await;
    let address = ingress_address(&lab, "canary").await;
    assert_eq!(lab.call(&address, "mini-echo.io/").await, (200, "v2".to_owned()));
    lab.apply(&deployment("old", 0, "v1")).await;
    lab.until_endpoints("old", 0).await;
    assert_eq!(lab.call(&address, "mini-echo.io/").await.0, 503);
}

#[tokio::test]
async fn answers_are_injected() {
    let lab = Lab::new(options());
    let annotations = "sandbox.meshform.dev/answer: v1, sandbox.meshform.dev/error-rate: 20%, sandbox.meshform.dev/error-status: '503'";
    lab.apply(&deployment("old", 1, "v1").replace("sandbox.meshform.dev/answer: v1", annotations)).await;
    lab.apply(&service("old", "run: old")).await;
    lab.until_endpoints("old", 1).await;
    let address = cluster_address(&lab, "old").await;
    let shares = lab.shares(&address, "old/", REQUESTS).await;
    assert_eq!((shares["v1"], shares["an injected error\n"]), (800, 200));
}

#[tokio::test(start_paused = true)]
async fn latency_is_injected_and_cut_off() {
    let lab = Lab::new(options());
    let annotations = "sandbox.meshform.dev/answer: v1, sandbox.meshform.dev/latency: 3s";
    lab.apply(&deployment("old", 1, "v1").replace("sandbox.meshform.dev/answer: v1", annotations)).await;
    lab.apply(&service("old", "run: old")).await;
    lab.until_endpoints("old", 1).await;
    let address = cluster_address(&lab, "old").await;
    let timed = async |expect: (u16, u64)| {
        let begun = tokio::time::Instant::now();
        let status = lab.call(&address, "old/").await.0;
        assert_eq!((status, begun.elapsed().as_secs()), expect);
    };
    timed((200, 3)).await;
    istio(&lab).await;
    lab.apply(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: old }\n\
         spec: { hosts: [old], http: [{ timeout: 1s, route: [{ destination: { host: old } }] }] }",
    )
    .await;
    timed((504, 1)).await;
}

#[tokio::test]
async fn only_ready_pods_get_requests() {
    let lab = Lab::new(options());
    two_versions(&lab, 1, 1).await;
    let address = cluster_address(&lab, "both").await;
    let unready = "sandbox.meshform.dev/answer: v2, sandbox.meshform.dev/outcome: unready";
    lab.apply(&deployment("new", 1, "v2").replace("sandbox.meshform.dev/answer: v2", unready)).await;
    // The new pod is not ready, so the old one of this Deployment stays.
    assert_split("rolling", &lab.shares(&address, "both/", 100).await, 50);
    lab.apply(&deployment("new", 0, "v2")).await;
    lab.until_endpoints("both", 1).await;
    assert_eq!(lab.shares(&address, "both/", 10).await.into_keys().collect::<Vec<_>>(), ["v1"]);
    lab.apply(&deployment("old", 0, "v1")).await;
    lab.until_endpoints("both", 0).await;
    assert_eq!(lab.call(&address, "both/").await.0, 503);
}

#[tokio::test]
async fn sessions_stick_if_the_service_says_so() {
    let lab = Lab::new(options());
    two_versions(&lab, 2, 2).await;
    lab.apply(&service("both", "app: nginx").replace("spec: {", "spec: { sessionAffinity: ClientIP,")).await;
    let address = cluster_address(&lab, "both").await;
    let shares = lab.shares(&address, "both/", 20).await;
    assert_eq!(shares.len(), 1, "{shares:?}");
}

/// A request that is under way when its pod goes is answered, and then the connection ends.
#[tokio::test]
async fn connections_drain() {
    let lab = Lab::new(Options { network: true, pod_start: Duration::from_millis(300), ..options() });
    let slow = "sandbox.meshform.dev/answer: v1, sandbox.meshform.dev/latency: 500ms";
    lab.apply(&deployment("old", 1, "v1").replace("sandbox.meshform.dev/answer: v1", slow)).await;
    lab.apply(&service("old", "run: old")).await;
    lab.until_endpoints("old", 1).await;
    let address: SocketAddr = cluster_address(&lab, "old").await.parse().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: old\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    lab.apply(&deployment("old", 0, "v1")).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("v1"), "{answer}");
    lab.until("/api/v1/namespaces/default/pods", |pods| pods["items"].as_array().is_some_and(Vec::is_empty))
        .await;
}

#[tokio::test]
async fn an_ingress_controller_on_its_own_nodes_survives_one() {
    let lab = Lab::new(options());
    two_versions(&lab, 2, 0).await;
    lab.apply(&ingress("main", "nginx", "old", "")).await;
    for node in ["test-1", "test-2"] {
        lab.apply(&format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{ name: {node}, labels: {{ node-role.kubernetes.io/ingress: 'true' }} }}"
        ))
        .await;
    }
    lab.apply(
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: ingress }\n\
         spec:\n  selector: { matchLabels: { app: ingress-nginx } }\n  template:\n    metadata: { labels: { app: ingress-nginx } }\n    \
         spec: { nodeSelector: { node-role.kubernetes.io/ingress: 'true' }, containers: [{ name: c, \
         image: 'registry.k8s.io/ingress-nginx/controller:v1.15.1', ports: [{ containerPort: 18483 }] }] }\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: { name: front, annotations: { \
         service.beta.kubernetes.io/alibaba-cloud-loadbalancer-backend-label: node-role.kubernetes.io/ingress=true } }\n\
         spec: { type: LoadBalancer, externalTrafficPolicy: Local, selector: { app: ingress-nginx }, \
         ports: [{ port: 18481, targetPort: 18483 }] }",
    )
    .await;
    lab.until_endpoints("front", 2).await;
    let address = balancer_address(&lab, "front").await;
    assert_eq!(lab.call(&address, "mini-echo.io/").await, (200, "v1".to_owned()));
    lab.apply("apiVersion: v1\nkind: Node\nmetadata: { name: test-1, annotations: { sandbox.meshform.dev/outcome: lost }, labels: { node-role.kubernetes.io/ingress: 'true' } }").await;
    lab.until("/api/v1/nodes/test-1", |node| condition(&node["status"], "Ready")["status"] == "Unknown")
        .await;
    lab.until_endpoints("front", 1).await;
    lab.until_endpoints("old", 1).await;
    let shares = lab.shares(&address, "mini-echo.io/", 10).await;
    assert_eq!(shares.get("v1"), Some(&10), "{shares:?}");
}
