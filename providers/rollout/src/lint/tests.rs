use meshform_engine::value::from_json;
use serde_json::json;

use super::*;
use crate::decode::decode;
use crate::version::Version;

/// What is found in a world in which `change` has been done to what is well: the first lines of it all.
fn check(route: Json, change: impl FnOnce(&mut BTreeMap<Reference, Json>), expect: &[&str]) {
    let block = json!({
        "workload": { "selector": { "app": "web" }, "template": { "spec": { "containers": [{}] } } },
        "route": route,
    });
    let spec = decode(&from_json(&block)).unwrap().unwrap();
    let old = Version::adopted("web", "web-old", "abc");
    let new = Version::of_template("web", &spec.workload.template);
    let versions = Versions { rollout: "web".to_owned(), old: Some(old), new };
    let labels = json!({ "app": "web", "run": "old" });
    let backend = json!({ "service": { "name": "web", "port": { "number": 80 } } });
    let rule = json!({ "host": "web.example", "http": { "paths": [{ "path": "/", "backend": backend }] } });
    let mut objects: BTreeMap<_, _> = [
        (Reference::service("web"), json!({ "spec": { "selector": { "app": "web" } } })),
        (
            Reference::deployment("web-old"),
            json!({ "spec": { "template": { "metadata": { "labels": labels } } } }),
        ),
        (Reference::ingress("web"), json!({ "spec": { "rules": [rule] } })),
    ]
    .into();
    change(&mut objects);
    let live = Live { objects, ..Live::default() };
    let summaries: Vec<_> = findings(&spec, &versions, &live).iter().map(|finding| finding.summary).collect();
    assert_eq!(summaries, expect);
}

fn replicas() -> Json {
    json!({ "router": "replicas", "service": "web" })
}

fn gateway() -> Json {
    json!({ "router": "gateway_api", "http_route": "web", "service": "web" })
}

fn nginx() -> Json {
    json!({ "router": "ingress_nginx", "ingress": "web", "service": "web" })
}

#[test]
fn what_is_well_is_not_found() {
    check(replicas(), |_| {}, &[]);
    check(gateway(), |_| {}, &[]);
    check(nginx(), |_| {}, &["ingress-nginx is retired"]);
}

#[test]
fn a_service_that_misses_a_version_is_found() {
    let select = |selector: Json| {
        move |objects: &mut BTreeMap<Reference, Json>| {
            objects.insert(Reference::service("web"), json!({ "spec": { "selector": selector } }));
        }
    };
    check(replicas(), select(json!({ "app": "web", "run": "old" })), &["A Service misses a version"]);
    let none = ["A Service misses a version", "A Service misses a version"];
    check(replicas(), select(json!({ "app": "shop" })), &none);
    // The Services of these routers are made by the rollout.
    check(gateway(), select(json!({ "app": "shop" })), &[]);
}

#[test]
fn what_holds_clients_to_a_version_is_found() {
    check(
        replicas(),
        |objects| {
            objects.get_mut(&Reference::service("web")).unwrap()["spec"]["sessionAffinity"] =
                "ClientIP".into()
        },
        &["Clients stick to their pods"],
    );
    for name in PERSISTENCE {
        let persist = |value: &str| {
            let annotations = json!({ name: value });
            move |objects: &mut BTreeMap<Reference, Json>| {
                objects.get_mut(&Reference::service("web")).unwrap()["metadata"] =
                    json!({ "annotations": annotations });
            }
        };
        check(replicas(), persist("1800"), &["Clients stick to their pods"]);
        check(replicas(), persist("0"), &[]);
    }
}

#[test]
fn an_autoscaler_of_a_version_is_found() {
    let scaling = |name: &str| {
        let target = json!({ "kind": "Deployment", "name": name });
        move |objects: &mut BTreeMap<Reference, Json>| {
            objects.insert(Reference::autoscaler("hpa"), json!({ "spec": { "scaleTargetRef": target } }));
        }
    };
    check(gateway(), scaling("web-old"), &["An autoscaler works against the rollout"]);
    check(gateway(), scaling("other"), &[]);
}

#[test]
fn dead_annotations_and_other_canaries_are_found() {
    let annotated = |name: &str, value: &str| {
        let annotations = json!({ name: value });
        move |objects: &mut BTreeMap<Reference, Json>| {
            objects.get_mut(&Reference::ingress("web")).unwrap()["metadata"] =
                json!({ "annotations": annotations });
        }
    };
    let dead = ["ingress-nginx is retired", "A dead annotation"];
    check(nginx(), annotated("ingress.aliyun.weight/new-nginx", "50"), &dead);
    check(nginx(), annotated(SERVICE_WEIGHT, "new-nginx: 50,old-nginx: 50"), &dead);
    let canary = |host: &str| {
        let annotations = json!({ "nginx.ingress.kubernetes.io/canary": "true" });
        let ingress =
            json!({ "metadata": { "annotations": annotations }, "spec": { "rules": [{ "host": host }] } });
        move |objects: &mut BTreeMap<Reference, Json>| {
            objects.insert(Reference::ingress("other"), ingress);
        }
    };
    check(nginx(), canary("web.example"), &["ingress-nginx is retired", "Another canary of the same host"]);
    check(nginx(), canary("shop.example"), &["ingress-nginx is retired"]);
}
