//! Each router's way there and back, write by write, as a file under `walks/`; run with `UPDATE` set to write them anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::*;
use crate::machine::written;

fn versions() -> Versions {
    let version = |id: &str| Version {
        id: id.to_owned(),
        deployment: format!("web-{id}"),
        service: format!("web-{id}"),
        pin: [("meshform.io/version".to_owned(), id.to_owned())].into(),
    };
    Versions { rollout: "web".to_owned(), old: Some(version("old")), new: version("new") }
}

fn live(objects: impl IntoIterator<Item = (Reference, Json)>) -> Live {
    Live { objects: objects.into_iter().collect(), ..Live::default() }
}

fn ingress() -> Live {
    let path = |path: &str, service: &str| json!({ "path": path, "pathType": "Prefix", "backend": { "service": { "name": service, "port": { "number": 80 } } } });
    let paths = [path("/", "web"), path("/admin", "admin")];
    let spec = json!({
        "ingressClassName": "public",
        "tls": [{ "hosts": ["web.example"], "secretName": "web-tls" }],
        "rules": [{ "host": "web.example", "http": { "paths": paths } }],
    });
    live([(Reference::ingress("web"), json!({ "metadata": { "resourceVersion": "7" }, "spec": spec }))])
}

/// Every write towards each of the goals in turn.
fn walk(router: &dyn Router, mut live: Live) -> String {
    let header = Match::Header("x-canary".to_owned(), "yes".to_owned());
    let matching = router.abilities().header.then_some(&header);
    let up = [
        ("prepare", Goal::Split(0, None)),
        ("20 %", Goal::Split(20, None)),
        ("50 % and what matches", Goal::Split(50, matching)),
        ("100 %", Goal::Split(100, None)),
    ];
    let mut text = String::new();
    for (title, goal) in up {
        toward(router, title, &goal, &mut live, &mut text);
        if title.starts_with("50") {
            toward(router, "back from 50 %", &Goal::Withdrawn, &mut live.clone(), &mut text);
        }
    }
    toward(router, "promote", &Goal::Promoted, &mut live, &mut text);
    toward(router, "back from there", &Goal::Withdrawn, &mut live, &mut text);
    text
}

fn toward(router: &dyn Router, title: &str, goal: &Goal<'_>, live: &mut Live, text: &mut String) {
    writeln!(text, "== {title}").unwrap();
    // No goal is more than a few writes away, and when it is reached there is nothing to write.
    for _ in 0..6 {
        let Some(write) = router.toward(goal, &versions(), live).unwrap() else { break };
        *live = written(live, &write);
        let (verb, document) = match &write {
            Write::Apply(_, document) => ("apply", document.to_string()),
            Write::Merge(_, patch) => ("merge", patch.to_string()),
            Write::Delete(_) => ("delete", String::new()),
        };
        writeln!(text, "{verb} {} {document}", write.reference()).unwrap();
    }
    assert_eq!(router.toward(goal, &versions(), live), Ok(None), "{title}");
    let reading = router.read(&versions(), live).unwrap();
    writeln!(
        text,
        "-- {} %{}: {}",
        reading.share,
        if reading.has_match { " and a match" } else { "" },
        reading.form
    )
    .unwrap();
}

fn check(router: &dyn Router, live: Live) {
    let file: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "src/router/walks", &format!("{}.txt", router.name())].iter().collect();
    let text = walk(router, live);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap(), "{}", router.name());
}

fn web() -> String {
    "web".to_owned()
}

#[test]
fn ingress_nginx_walks() {
    check(&IngressNginx { ingress: web(), service: web(), port: 80, target_port: 8080 }, ingress());
}

#[test]
fn alb_ingress_walks() {
    check(&AlbIngress { ingress: web(), service: web(), port: 80, target_port: 8080 }, ingress());
}

#[test]
fn ack_ingress_walks() {
    check(&AckIngress { ingress: web(), service: web(), port: 80, target_port: 8080 }, ingress());
}

#[test]
fn ack_ingress_legacy_walks() {
    check(&AckIngressLegacy { ingress: web(), service: web(), port: 80, target_port: 8080 }, ingress());
}

#[test]
fn gateway_api_walks() {
    let rules = json!([
        { "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }], "backendRefs": [{ "name": "web", "port": 80 }] },
        { "matches": [{ "path": { "type": "PathPrefix", "value": "/admin" } }], "backendRefs": [{ "name": "admin", "port": 80 }] },
    ]);
    let route = (Reference::http_route("web"), json!({ "spec": { "rules": rules } }));
    check(&GatewayApi { route: web(), service: web(), port: 80, target_port: 8080 }, live([route]));
}

#[test]
fn istio_walks() {
    let route = |host: &str| json!([{ "destination": { "host": host } }]);
    let http = json!([
        { "match": [{ "uri": { "prefix": "/admin" } }], "route": route("admin") },
        { "match": [{ "uri": { "prefix": "/" } }], "route": route("web"), "timeout": "5s" },
    ]);
    let service = (Reference::virtual_service("web"), json!({ "spec": { "hosts": ["web"], "http": http } }));
    check(&Istio { virtual_service: web(), host: web() }, live([service]));
}

#[test]
fn clb_vgroup_walks() {
    let (load_balancer, group) = ("lb-1".to_owned(), "rsp-1".to_owned());
    check(&ClbVgroup { load_balancer, group, port: 80, target_port: 8080 }, live([]));
}

#[test]
fn replicas_reads_the_share_of_ready_pods() {
    let deployment = |ready: u64| json!({ "spec": { "replicas": 9 }, "status": { "readyReplicas": ready } });
    let check = |old: u64, new: u64, expect: u8| {
        let service = (Reference::service("web"), json!({ "spec": { "selector": { "app": "web" } } }));
        let live = live([
            service,
            (Reference::deployment("web-old"), deployment(old)),
            (Reference::deployment("web-new"), deployment(new)),
        ]);
        let reading = Replicas { service: web() }.read(&versions(), &live).unwrap();
        assert_eq!(reading.share, expect, "{old} and {new}");
    };
    check(1, 1, 50);
    check(1, 4, 80);
    check(0, 3, 100);
    check(3, 0, 0);
    check(0, 0, 0);
    check(999, 1, 1);
    check(1, 999, 99);
}

#[test]
fn what_is_none_of_ours_is_not_touched() {
    let nginx = |service: &str| IngressNginx {
        ingress: web(),
        service: service.to_owned(),
        port: 80,
        target_port: 80,
    };
    let refused = nginx("shop").toward(&Goal::Withdrawn, &versions(), &ingress()).unwrap_err();
    assert!(matches!(refused, Refusal::Foreign { .. }), "{refused}");
    let missing = nginx("web").read(&versions(), &live([])).unwrap_err();
    assert_eq!(missing, Refusal::Missing(Reference::ingress("web")));
}

#[test]
fn a_route_is_confirmed_by_every_gateway_of_this_generation() {
    let router = GatewayApi { route: web(), service: web(), port: 80, target_port: 80 };
    let condition = |kind: &str, status: &str, seen: u64| json!({ "type": kind, "status": status, "observedGeneration": seen });
    let parent = |accepted: Json, resolved: Json| json!({ "conditions": [accepted, resolved] });
    let well = || parent(condition("Accepted", "True", 3), condition("ResolvedRefs", "True", 3));
    let check = |parents: Json, is_confirmed: bool| {
        let route = json!({ "metadata": { "generation": 3 }, "status": { "parents": parents } });
        let live = live([(Reference::http_route("web"), route)]);
        let awaited = router.unconfirmed(&versions(), &live);
        assert_eq!(awaited.is_none(), is_confirmed, "{awaited:?}");
    };
    check(json!([]), false);
    check(json!([well()]), true);
    check(
        json!([well(), parent(condition("Accepted", "True", 3), condition("ResolvedRefs", "False", 3))]),
        false,
    );
    check(json!([parent(condition("Accepted", "True", 2), condition("ResolvedRefs", "True", 3))]), false);
    check(json!([parent(condition("Accepted", "True", 3), json!({}))]), false);
}
