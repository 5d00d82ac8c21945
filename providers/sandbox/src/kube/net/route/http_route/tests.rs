//! HTTPRoutes in YAML, requests in short, and where they go.

use super::super::tables::{request, short, store};
use super::*;

const WORLD: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web }
spec:
  listeners:
  - { name: http, port: 80, protocol: HTTP }
  - { name: only, port: 81, protocol: HTTP, hostname: '*.only.io', allowedRoutes: { namespaces: { from: All } } }
---
apiVersion: v1
kind: Service
metadata: { name: old }
spec: { ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: new }
spec: { ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: far, namespace: other }
spec: { ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: shut, namespace: other }
spec: { ports: [{ port: 80 }] }
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: grant, namespace: other }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default }]
  to: [{ group: '', kind: Service, name: far }]
";

fn check(routes: &str, port: u16, cases: &[(&str, &str)]) {
    let store = store(&format!("{}\n---\n{}", WORLD.trim(), routes.trim()));
    let gateway = store.list(gateway::GATEWAYS, None).next().unwrap().clone();
    for (asked, expect) in cases {
        let parts = request(asked);
        assert_eq!(short(&decide(Asked::of(&parts), &store, &gateway, port)), *expect, "{asked}");
    }
}

fn route(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{ name: {name} }}\n\
         spec:\n  parentRefs: [{{ name: web }}]\n{spec}"
    )
}

#[test]
fn weights() {
    check(
        &route(
            "r",
            "  rules: [{ backendRefs: [{ name: old, port: 80, weight: 80 }, { name: new, port: 80, weight: 20 }] }]",
        ),
        80,
        &[("a.io/", "old:80*80 new:80*20")],
    );
    check(
        &route(
            "r",
            "  rules: [{ backendRefs: [{ name: old, port: 80 }, { name: new, port: 80, weight: 0 }] }]",
        ),
        80,
        &[("a.io/", "old:80*1 new:80*0")],
    );
    check(
        &route("r", "  rules: [{ backendRefs: [{ name: old, port: 80, weight: 0 }] }]"),
        80,
        &[("a.io/", "500")],
    );
}

#[test]
fn broken_backends_keep_their_share() {
    check(
        &route(
            "r",
            "  rules: [{ backendRefs: [{ name: old, port: 80 }, { name: gone, port: 80 }, { name: old, port: 81 }, \
             { name: far, namespace: other, port: 80 }, { name: shut, namespace: other, port: 80 }, \
             { kind: ConfigMap, name: old, port: 80 }] }]",
        ),
        80,
        &[("a.io/", "old:80*1 500*1 500*1 other/far:80*1 500*1 500*1")],
    );
}

#[test]
fn the_most_specific_match_wins() {
    let spec = "  hostnames: [a.io, '*.b.io']
  rules:
  - { backendRefs: [{ name: old, port: 80, weight: 1 }] }
  - { matches: [{ path: { type: PathPrefix, value: /app } }], backendRefs: [{ name: old, port: 80, weight: 2 }] }
  - { matches: [{ path: { type: Exact, value: /app } }], backendRefs: [{ name: old, port: 80, weight: 3 }] }
  - { matches: [{ path: { value: /app }, headers: [{ name: X-Canary, value: 'yes' }] }], backendRefs: [{ name: old, port: 80, weight: 4 }] }
  - { matches: [{ headers: [{ name: cookie, type: RegularExpression, value: '.*canary=1.*' }] }], backendRefs: [{ name: old, port: 80, weight: 5 }] }
  - { matches: [{ method: POST }, { queryParams: [{ name: v, value: '2' }] }], backendRefs: [{ name: old, port: 80, weight: 6 }] }";
    let exact =
        route("younger", "  hostnames: [x.b.io]\n  rules: [{ backendRefs: [{ name: new, port: 80 }] }]");
    check(
        &format!("{}\n---\n{exact}", route("r", spec)),
        80,
        &[
            ("a.io/", "old:80*1"),
            ("a.io/app/x", "old:80*2"),
            ("a.io/app", "old:80*3"),
            ("a.io/apple", "old:80*1"),
            ("a.io/app/x x-canary=yes", "old:80*4"),
            ("a.io/ x-canary=yes", "old:80*1"),
            ("a.io/ cookie=canary=1", "old:80*5"),
            ("POST a.io/", "old:80*6"),
            ("a.io/?v=2", "old:80*6"),
            ("y.b.io/", "old:80*1"),
            ("x.b.io/", "new:80*1"),
            ("c.io/", "404"),
        ],
    );
}

#[test]
fn listeners_admit() {
    let spec = "  hostnames: [a.io, x.only.io]\n  rules: [{ backendRefs: [{ name: old, port: 80 }] }]";
    check(&route("r", spec), 81, &[("x.only.io/", "old:80*1"), ("a.io/", "404")]);
    check(
        &route("r", "  hostnames: [a.io]\n  rules: [{ backendRefs: [{ name: old, port: 80 }] }]"),
        81,
        &[("a.io/", "404")],
    );
    let stranger = route("r", "  rules: [{ backendRefs: [{ name: far, port: 80 }] }]")
        .replace("name: r }", "name: r, namespace: other }")
        .replace("name: web }", "name: web, namespace: default }");
    check(&stranger, 80, &[("a.io/", "404")]);
    check(&stranger, 81, &[("x.only.io/", "other/far:80*1")]);
}

#[test]
fn filters() {
    let check = |filters: &str, asked: &str, expect: &str| {
        let spec = format!(
            "  rules: [{{ matches: [{{ path: {{ value: /app }} }}], filters: [{filters}], \
             backendRefs: [{{ name: old, port: 80 }}] }}]"
        );
        check(&route("r", &spec), 80, &[(asked, expect)]);
    };
    check(
        "{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x, value: z }] } }",
        "a.io/app",
        "old:80*1 +x:z",
    );
    check(
        "{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x, value: z }] } }",
        "a.io/app",
        "old:80*1 <x:z",
    );
    check(
        "{ type: URLRewrite, urlRewrite: { hostname: h.io, path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } } }",
        "a.io/app/x?q=1",
        "old:80*1 ->/new/x?q=1 @h.io",
    );
    check(
        "{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: /all } } }",
        "a.io/app/x",
        "old:80*1 ->/all",
    );
    check(
        "{ type: RequestRedirect, requestRedirect: { scheme: https, statusCode: 301 } }",
        "a.io/app?q=1",
        "301 https://a.io/app?q=1",
    );
    check(
        "{ type: RequestRedirect, requestRedirect: { hostname: b.io, port: 8080 } }",
        "a.io/app",
        "302 http://b.io:8080/app",
    );
    check(
        "{ type: RequestMirror, requestMirror: { backendRef: { name: new, port: 80 }, percent: 10 } }",
        "a.io/app",
        "old:80*1 ~new:80*10",
    );
    check("{ type: ExtensionRef, extensionRef: { group: g, kind: K, name: n } }", "a.io/app", "500");
}
