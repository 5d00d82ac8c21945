//! VirtualServices in YAML, requests in short, and where they go.

use super::super::tables::{request, short, store};
use super::*;

const WORLD: &str = "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  subsets:
  - { name: v1, labels: { version: v1 } }
  - { name: v2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*.shop.io', other/exact.io] }]
";

fn virtual_service(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{ name: {name} }}\nspec:\n{spec}"
    )
}

fn world(services: &[String]) -> Store {
    store(&format!("{}\n---\n{}", WORLD.trim(), services.join("\n---\n")))
}

fn in_mesh(spec: &str, cases: &[(&str, &str)]) {
    let store = world(&[virtual_service("reviews", spec)]);
    for (asked, expect) in cases {
        let parts = request(asked);
        let verdict = decide_in_mesh(Asked::of(&parts), &store, &Key::new("default", "reviews"), 9080);
        let got = verdict.as_ref().map_or_else(|| "not routed".to_owned(), short);
        assert_eq!(got, *expect, "{asked}");
    }
}

#[test]
fn subsets_by_weight() {
    in_mesh(
        "  hosts: [reviews]\n  http: [{ route: [{ destination: { host: reviews, subset: v1 }, weight: 80 }, \
         { destination: { host: reviews.default.svc.cluster.local, subset: v2, port: { number: 9080 } }, weight: 20 }, \
         { destination: { host: reviews, subset: v3 } }] }]",
        &[("reviews/", "reviews[version=v1]*80 reviews:9080[version=v2]*20 503*0")],
    );
    in_mesh(
        "  hosts: [reviews]\n  http: [{ route: [{ destination: { host: ratings.other } }] }]",
        &[("reviews/", "other/ratings*1")],
    );
}

#[test]
fn hosts_and_gateways_of_the_mesh() {
    let route = "\n  http: [{ route: [{ destination: { host: reviews } }] }]";
    for (hosts, expect) in [
        ("hosts: [reviews]", "reviews*1"),
        ("hosts: [reviews.default]", "reviews*1"),
        ("hosts: [reviews.default.svc.cluster.local]", "reviews*1"),
        ("hosts: ['*.default.svc.cluster.local']", "reviews*1"),
        ("hosts: ['*']", "reviews*1"),
        ("hosts: [reviews]\n  gateways: [front, mesh]", "reviews*1"),
        ("hosts: [reviews]\n  gateways: [front]", "not routed"),
        ("hosts: [ratings]", "not routed"),
        ("hosts: [reviews.other]", "not routed"),
    ] {
        in_mesh(&format!("  {hosts}{route}"), &[("reviews/", expect)]);
    }
}

#[test]
fn the_first_match_wins() {
    let route = |conditions: &str, subset: &str| {
        format!(
            "{{ match: [{conditions}], route: [{{ destination: {{ host: reviews, subset: {subset} }} }}] }}"
        )
    };
    let routes = [
        route("{ headers: { end-user: { exact: jason } } }", "v2"),
        route("{ headers: { cookie: { regex: '^(.*?;)?(user=new)(;.*)?$' } } }", "v2"),
        route("{ uri: { prefix: /beta }, method: { exact: GET } }", "v2"),
        route("{ queryParams: { v: { exact: '2' } } }, { uri: { exact: /UP }, ignoreUriCase: true }", "v2"),
        route("{ port: 9999 }, { sourceLabels: { app: x } }, { gateways: [front] }", "v2"),
        route("{ withoutHeaders: { x-old: {} } }", "v1"),
    ];
    let spec = format!("  hosts: [reviews]\n  http: [{}]", routes.join(", "));
    in_mesh(
        &spec,
        &[
            ("reviews/ end-user=jason", "reviews[version=v2]*1"),
            ("reviews/ end-user=jasons", "reviews[version=v1]*1"),
            ("reviews/ cookie=a=b;user=new", "reviews[version=v2]*1"),
            ("reviews/ cookie=user=newer", "reviews[version=v1]*1"),
            ("reviews/beta/x", "reviews[version=v2]*1"),
            ("POST reviews/beta/x", "reviews[version=v1]*1"),
            ("reviews/?v=2", "reviews[version=v2]*1"),
            ("reviews/up", "reviews[version=v2]*1"),
            ("reviews/ x-old=1", "404"),
        ],
    );
}

#[test]
fn what_routes_do() {
    let check = |rest: &str, asked: &str, expect: &str| {
        let spec =
            format!("  hosts: [reviews]\n  http: [{{ match: [{{ uri: {{ prefix: /app }} }}], {rest} }}]");
        in_mesh(&spec, &[(asked, expect)]);
    };
    let route = "route: [{ destination: { host: reviews } }]";
    check(
        &format!("rewrite: {{ uri: /new, authority: h }}, {route}"),
        "reviews/app/x?q=1",
        "reviews*1 ->/new/x?q=1 @h",
    );
    check("redirect: { authority: b.io, uri: /y, redirectCode: 302 }", "reviews/app", "302 http://b.io/y");
    check("directResponse: { status: 418 }", "reviews/app", "418");
    check(
        &format!("headers: {{ request: {{ set: {{ x: z }} }}, response: {{ set: {{ a: b }} }} }}, {route}"),
        "reviews/app",
        "reviews*1 +x:z <a:b",
    );
    check(
        &format!("mirror: {{ host: reviews, subset: v2 }}, mirrorPercentage: {{ value: 5 }}, {route}"),
        "reviews/app",
        "reviews*1 ~reviews[version=v2]*5",
    );
    check(
        &format!(
            "fault: {{ delay: {{ percentage: {{ value: 10 }}, fixedDelay: 2s }}, abort: {{ httpStatus: 503 }} }}, timeout: 1s, {route}"
        ),
        "reviews/app",
        "reviews*1 delay10:2s abort100:503 within:1s",
    );
}

#[test]
fn gateways_admit_and_the_most_specific_host_wins() {
    let route = |subset: &str| {
        format!(
            "\n  gateways: [front]\n  http: [{{ route: [{{ destination: {{ host: reviews, subset: {subset} }} }}] }}]"
        )
    };
    let store = world(&[
        virtual_service("wild", &format!("  hosts: ['*.shop.io', exact.io, hidden.io]{}", route("v1"))),
        virtual_service("exact", &format!("  hosts: [a.shop.io]{}", route("v2"))),
        virtual_service("younger", &format!("  hosts: [a.shop.io]{}", route("v1"))),
    ]);
    let gateway: Value = serde_json::json!({ "metadata": { "labels": { "istio": "ingressgateway" } } });
    let pod: Value = serde_json::json!({ "metadata": { "labels": { "app": "web" } } });
    for (pod, port, asked, expect) in [
        (&gateway, 80, "a.shop.io/", "reviews[version=v2]*1"),
        (&gateway, 80, "b.shop.io/", "reviews[version=v1]*1"),
        (&gateway, 80, "exact.io/", "reviews[version=v1]*1"),
        (&gateway, 80, "hidden.io/", "404"),
        (&gateway, 443, "a.shop.io/", "not routed"),
        (&pod, 80, "a.shop.io/", "not routed"),
    ] {
        let parts = request(asked);
        let verdict = decide_at_gateway(Asked::of(&parts), &store, pod, &[8080, port]);
        let got = verdict.as_ref().map_or_else(|| "not routed".to_owned(), short);
        assert_eq!(got, expect, "{asked} {port}");
    }
}
