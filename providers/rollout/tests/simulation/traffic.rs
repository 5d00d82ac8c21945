//! Where requests go: read from the objects alone, as a controller would read them.

use std::collections::BTreeMap;

use meshform_provider_rollout::live::Reference;
use serde_json::Value as Json;

use crate::cluster::Cluster;

/// The weight of each backend: a set of Deployments that its requests are spread over.
pub(crate) type Traffic = Vec<(Vec<String>, u64)>;

pub(crate) fn traffic(router: &str, cluster: &Cluster) -> Traffic {
    let mut traffic = all_backends(router, cluster);
    // One that is named, and gets nothing.
    if traffic.iter().any(|(_, weight)| *weight > 0) {
        traffic.retain(|(_, weight)| *weight > 0);
    }
    traffic
}

fn all_backends(router: &str, cluster: &Cluster) -> Traffic {
    match router {
        "replicas" => vec![(vec!["web".to_owned()], 1)],
        "clb_vgroup" => server_group(cluster),
        "ingress_nginx" => canary("nginx.ingress.kubernetes.io", cluster),
        "alb_ingress" => canary("alb.ingress.kubernetes.io", cluster),
        "ack_ingress" => annotated(cluster, |annotations, service| {
            let weights = annotations.get("nginx.ingress.kubernetes.io/service-weight")?.as_str()?;
            let pairs: BTreeMap<_, _> =
                weights.split(',').map(|pair| pair.split_once(": ").unwrap()).collect();
            // A Service that is not named has nothing.
            Some(pairs.get(service).and_then(|weight| weight.parse().ok()).unwrap_or(0))
        }),
        "ack_ingress_legacy" => annotated(cluster, |annotations, service| {
            let of = |service: &str| -> Option<u64> {
                annotations.get(&format!("ingress.aliyun.weight/{service}"))?.as_str()?.parse().ok()
            };
            // The one without a weight has the rest.
            of(service).or_else(|| {
                annotations
                    .keys()
                    .filter_map(|key| key.strip_prefix("ingress.aliyun.weight/"))
                    .find_map(of)
                    .map(|other| 100 - other)
            })
        }),
        "gateway_api" => {
            let route = &cluster.live.objects[&Reference::http_route("web")];
            let refs =
                route["spec"]["rules"].as_array().unwrap().last().unwrap()["backendRefs"].as_array().unwrap();
            refs.iter()
                .map(|backend| {
                    (behind(cluster, text(&backend["name"])), backend["weight"].as_u64().unwrap_or(1))
                })
                .collect()
        }
        _ => mesh(cluster),
    }
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap()
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// The Deployments behind a Service, which must be there.
fn behind(cluster: &Cluster, service: &str) -> Vec<String> {
    match cluster.live.objects.get(&Reference::service(service)) {
        Some(service) => owned(cluster.selected(service)),
        None => panic!("requests go to the Service {service}, which is not there"),
    }
}

fn server_group(cluster: &Cluster) -> Traffic {
    let key = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-weight";
    let services = cluster.live.objects.iter().filter(|(reference, _)| reference.kind == "Service");
    let weighed = services.filter_map(|(reference, service)| {
        let weight = service["metadata"]["annotations"][key].as_str()?.parse().unwrap();
        Some((behind(cluster, &reference.name), weight))
    });
    weighed.collect()
}

fn backends(ingress: &Json) -> Vec<&str> {
    let rules = ingress["spec"]["rules"].as_array().unwrap();
    let paths = rules.iter().flat_map(|rule| rule["http"]["paths"].as_array().unwrap());
    paths.map(|path| text(&path["backend"]["service"]["name"])).collect()
}

fn canary(prefix: &str, cluster: &Cluster) -> Traffic {
    let main = behind(cluster, backends(&cluster.live.objects[&Reference::ingress("web")])[0]);
    let Some(canary) = cluster.live.objects.get(&Reference::ingress("web-canary")) else {
        return vec![(main, 100)];
    };
    let weight = canary["metadata"]["annotations"][format!("{prefix}/canary-weight")].as_str().unwrap_or("0");
    let weight: u64 = weight.parse().unwrap_or(0);
    vec![(main, 100 - weight), (behind(cluster, backends(canary)[0]), weight)]
}

fn annotated(
    cluster: &Cluster,
    weight: impl Fn(&serde_json::Map<String, Json>, &str) -> Option<u64>,
) -> Traffic {
    let ingress = &cluster.live.objects[&Reference::ingress("web")];
    let none = serde_json::Map::new();
    let annotations = ingress["metadata"]["annotations"].as_object().unwrap_or(&none);
    let backends = backends(ingress);
    let weight = |service: &str| match backends.len() {
        1 => 100,
        _ => weight(annotations, service).unwrap_or_else(|| panic!("a path of two backends has no weights")),
    };
    backends.iter().map(|service| (behind(cluster, service), weight(service))).collect()
}

fn mesh(cluster: &Cluster) -> Traffic {
    let service = &cluster.live.objects[&Reference::virtual_service("web")];
    let routes = service["spec"]["http"].as_array().unwrap().last().unwrap()["route"].as_array().unwrap();
    let subset = |name: &str| -> Vec<String> {
        let rule = &cluster.live.objects[&Reference::destination_rule("web-versions")];
        let subsets = rule["spec"]["subsets"].as_array().unwrap();
        let found = subsets.iter().find(|subset| subset["name"] == name);
        owned(cluster.selected_by(&found.unwrap_or_else(|| panic!("no subset {name}"))["labels"]))
    };
    let led = |route: &Json| match route["destination"]["subset"].as_str() {
        Some(name) => subset(name),
        None => behind(cluster, "web"),
    };
    routes.iter().map(|route| (led(route), route["weight"].as_u64().unwrap_or(100))).collect()
}

/// The share of the requests that go to pods of this Deployment, in percent; all of a backend's if it has several.
pub(crate) fn share(traffic: &Traffic, deployment: &str) -> u64 {
    let whole: u64 = traffic.iter().map(|(_, weight)| weight).sum();
    let part = traffic.iter().filter(|(names, _)| names.iter().any(|name| name == deployment));
    (part.map(|(_, weight)| weight).sum::<u64>() * 100).div_ceil(whole.max(1))
}
