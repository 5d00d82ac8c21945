//! Istio and Gateway API in the sandbox: what is installed, injected, routed and told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod lab;

use std::sync::Arc;

use lab::{Lab, condition, deployment, options, path, service};
use meshform_sandbox::kube::{Options, kubeconfig, serve};
use serde_json::Value;
use tokio::net::TcpListener;

fn namespace(name: &str, install: &str, labels: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{ name: {name}, annotations: {{ sandbox.meshform.dev/install: '{install}' }}, labels: {{ {labels} }} }}"
    )
}

async fn istio(name: &str) -> Lab {
    let lab = Lab::new(Options { name: name.to_owned(), ..options() });
    lab.apply(&namespace("istio-system", "istio", "")).await;
    let istiod = "/apis/apps/v1/namespaces/istio-system/deployments/istiod";
    lab.until(istiod, |found| condition(&found["status"], "Available")["status"] == "True").await;
    lab
}

/// What istiod tells on a debug endpoint.
async fn debug(lab: &Lab, name: &str) -> Value {
    let istiod = lab.get("/api/v1/namespaces/istio-system/services/istiod").await;
    let address = format!("{}:15014", istiod["spec"]["clusterIP"].as_str().unwrap());
    let (status, told) = lab.call(&address, &format!("istiod/debug/{name}")).await;
    assert_eq!(status, 200, "{told}");
    serde_json::from_str(&told).unwrap()
}

#[tokio::test]
async fn gateway_api_is_there_if_asked_for() {
    let lab = Lab::new(options());
    lab.apply(&namespace("gateways", "gateway-api", "")).await;
    let class = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/sandbox";
    lab.until(class, |found| condition(&found["status"], "Accepted")["status"] == "True").await;
    lab.apply(&deployment("old", 1, "v1")).await;
    lab.apply(&service("old", "run: old")).await;
    lab.until_endpoints("old", 1).await;
    lab.apply(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: web }\n\
         spec: { gatewayClassName: sandbox, listeners: [{ name: http, port: 80, protocol: HTTP }] }\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: echo }\n\
         spec: { parentRefs: [{ name: web }], rules: [{ backendRefs: [{ name: old, port: 18481 }] }] }",
    )
    .await;
    let of = path("Gateway", "gateway.networking.k8s.io/v1", "web");
    let gateway = lab.until(&of, |found| condition(&found["status"], "Programmed")["status"] == "True").await;
    let address = format!("{}:80", gateway["status"]["addresses"][0]["value"].as_str().unwrap());
    assert_eq!(lab.call(&address, "a.io/").await, (200, "v1".to_owned()));
    let of = path("HTTPRoute", "gateway.networking.k8s.io/v1", "echo");
    lab.until(&of, |found| condition(&found["status"]["parents"][0], "ResolvedRefs")["status"] == "True")
        .await;
}

#[tokio::test]
async fn the_ingress_gateway_serves_a_published_schema() {
    let lab = istio("main").await;
    lab.apply(&deployment("old", 1, "v1")).await;
    lab.apply(&service("old", "run: old")).await;
    lab.until_endpoints("old", 1).await;
    lab.apply(
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: front }\n\
         spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }\n---\n\
         apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: echo }\n\
         spec: { hosts: ['*'], gateways: [front], http: [{ match: [{ uri: { prefix: /app } }], rewrite: { uri: / }, \
         route: [{ destination: { host: old } }] }] }",
    )
    .await;
    let front = "/api/v1/namespaces/istio-system/services/istio-ingressgateway";
    let pointer = "/status/loadBalancer/ingress/0/ip";
    let found = lab.until(front, |found| found.pointer(pointer).is_some()).await;
    let address = format!("{}:80", found.pointer(pointer).unwrap().as_str().unwrap());
    lab.until("/api/v1/namespaces/istio-system/pods", |pods| {
        pods["items"]
            .as_array()
            .is_some_and(|all| all.len() == 2 && all.iter().all(|pod| pod["status"]["phase"] == "Running"))
    })
    .await;
    assert_eq!(lab.call(&address, "any.io/app").await, (200, "v1".to_owned()));
    assert_eq!(lab.call(&address, "any.io/").await.0, 404);
    let wrong: Value = serde_json::json!({
        "apiVersion": "networking.istio.io/v1", "kind": "Gateway",
        "metadata": { "name": "wrong" }, "spec": { "servers": [{ "hosts": ["*"] }] },
    });
    let (status, answer) =
        lab.ask("PATCH", &path("Gateway", "networking.istio.io/v1", "wrong"), Some(&wrong)).await;
    assert_eq!(status, 422, "{answer}");
}

#[tokio::test]
async fn pods_of_injected_namespaces_get_a_sidecar() {
    let lab = istio("main").await;
    lab.apply(&namespace("default", "", "istio-injection: enabled")).await;
    lab.apply(&deployment("old", 1, "v1")).await;
    lab.apply(&service("old", "run: old")).await;
    lab.until_endpoints("old", 1).await;
    let pods = lab.get("/api/v1/namespaces/default/pods").await;
    let pod = &pods["items"][0];
    let status: Value =
        serde_json::from_str(pod["metadata"]["annotations"]["sidecar.istio.io/status"].as_str().unwrap())
            .unwrap();
    assert_eq!(status["revision"], "default");
    assert_eq!(pod["spec"]["containers"][1]["name"], "istio-proxy");
    let deployed = lab.get(&path("Deployment", "apps/v1", "old")).await;
    assert_eq!(deployed["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(), 1);
    let root = "/api/v1/namespaces/default/configmaps/istio-ca-root-cert";
    let found = lab.until(root, |found| found["kind"] == "ConfigMap").await;
    assert!(found["data"]["root-cert.pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    lab.apply("apiVersion: v1\nkind: Secret\nmetadata: { name: cacerts, namespace: istio-system }\nstringData: { root-cert.pem: ours }").await;
    lab.until(root, |found| found["data"]["root-cert.pem"] == "ours").await;

    let proxies = debug(&lab, "syncz").await;
    let name = format!("{}.default", pod["metadata"]["name"].as_str().unwrap());
    let own = proxies.as_array().unwrap().iter().find(|proxy| proxy["proxy"] == name.as_str()).unwrap();
    let routes = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
    let before = own["resources"][routes]["sent"].clone();
    assert_eq!(before, own["resources"][routes]["acked"]);
    lab.apply("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: old }\nspec: { hosts: [old], http: [{ route: [{ destination: { host: old } }] }] }").await;
    let after = debug(&lab, "syncz").await;
    let own = after.as_array().unwrap().iter().find(|proxy| proxy["proxy"] == name.as_str()).unwrap();
    assert_ne!(own["resources"][routes]["sent"], before, "a new route was sent");
}

/// A remote cluster's kubeconfig in a Secret, as `istioctl create-remote-secret` makes it.
async fn join(primary: &Lab, name: &str, url: &str) {
    let config = kubeconfig(name, url, None).replace('\n', " ").replace('\'', "''");
    primary
        .apply(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{ name: istio-remote-secret-{name}, namespace: istio-system, \
             labels: {{ istio/multiCluster: 'true' }}, annotations: {{ networking.istio.io/cluster: {name} }} }}\nstringData: {{ {name}: '{config}' }}"
        ))
        .await;
}

#[tokio::test]
async fn remote_clusters_are_read() {
    let primary = istio("main").await;
    let remote = Lab::new(Options { name: "far".to_owned(), ..options() });
    remote.apply(&deployment("details", 2, "v1")).await;
    remote.apply(&service("details", "run: details").replace("ports: [{", "ports: [{ name: http,")).await;
    remote.until_endpoints("details", 2).await;
    primary.apply(&service("details", "run: details").replace("ports: [{", "ports: [{ name: http,")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(Arc::clone(&remote.world), listener, std::future::pending()));
    join(&primary, "far", &url).await;
    join(&primary, "gone", "http://127.0.0.1:1").await;
    join(&primary, "main", &url).await;

    let clusters = debug(&primary, "clusterz").await;
    let told: Vec<(&str, &str)> = clusters
        .as_array()
        .unwrap()
        .iter()
        .map(|own| (own["id"].as_str().unwrap(), own["syncStatus"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("main", "synced"), ("far", "synced"), ("gone", "timeout")]);
    assert_eq!(clusters[1]["secretName"], "istio-system/istio-remote-secret-far");

    let shards = debug(&primary, "endpointShardz").await;
    let of_host = &shards["details.default.svc.cluster.local"]["default"]["Shards"];
    assert_eq!(of_host["Kubernetes/far"].as_array().unwrap().len(), 2);
    assert_eq!(of_host["Kubernetes/main"].as_array().unwrap().len(), 0);
    assert_eq!(of_host["Kubernetes/far"][0]["ServicePortName"], "http");

    let registry = debug(&primary, "registryz").await;
    let details = registry
        .as_array()
        .unwrap()
        .iter()
        .find(|own| own["hostname"] == "details.default.svc.cluster.local");
    let details = details.unwrap();
    assert_eq!(details["clusterVIPs"]["Addresses"].as_object().unwrap().len(), 2);
    assert_eq!(details["ports"][0]["protocol"], "HTTP");
}
