//! Ingresses in YAML, requests in short, and where they go.

use super::super::tables::{objects, request, short};
use super::*;

fn check(yaml: &str, flavour: Flavour, cases: &[(&str, &str)]) {
    let ingresses = objects(yaml);
    let ingresses: Vec<&Value> = ingresses.iter().collect();
    for (asked, expect) in cases {
        let parts = request(asked);
        assert_eq!(short(&decide(Asked::of(&parts), &ingresses, flavour)), *expect, "{asked}");
    }
}

/// An Ingress of one path with one backend.
fn ingress(name: &str, annotations: &str, service: &str) -> String {
    format!(
        "metadata: {{ name: {name}, annotations: {{ {annotations} }} }}\n\
         spec: {{ rules: [{{ host: mini-echo.io, http: {{ paths: [{{ path: /, pathType: Prefix, \
         backend: {{ service: {{ name: {service}, port: {{ number: 80 }} }} }} }}] }} }}] }}"
    )
}

fn with_canary(annotations: &str) -> String {
    let prefix = "nginx.ingress.kubernetes.io/";
    let annotations = annotations.replace('~', prefix);
    format!(
        "{}\n---\n{}",
        ingress("main", "", "old"),
        ingress("canary", &format!("{prefix}canary: 'true', {annotations}"), "new")
    )
}

#[test]
fn hosts_and_paths() {
    let yaml = "
metadata: { name: one }
spec:
  defaultBackend: { service: { name: default, port: { number: 80 } } }
  rules:
  - host: a.io
    http:
      paths:
      - { path: /, pathType: Prefix, backend: { service: { name: root, port: { number: 80 } } } }
      - { path: /api, pathType: Prefix, backend: { service: { name: api, port: { name: http } } } }
      - { path: /api/v2, pathType: Exact, backend: { service: { name: exact, port: { number: 80 } } } }
      - { path: /impl, pathType: ImplementationSpecific, backend: { service: { name: impl, port: { number: 80 } } } }
  - host: '*.a.io'
    http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: wild, port: { number: 80 } } } }] }
---
metadata: { name: younger }
spec:
  rules:
  - host: a.io
    http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: late, port: { number: 80 } } } }] }
---
metadata: { name: rewritten, annotations: { nginx.ingress.kubernetes.io/rewrite-target: /$2 } }
spec:
  rules:
  - host: rw.io
    http: { paths: [{ path: '/app(/|$)(.*)', pathType: ImplementationSpecific, backend: { service: { name: app, port: { number: 80 } } } }] }
";
    check(
        yaml.trim_start(),
        Flavour::Nginx,
        &[
            ("a.io/", "root:80*1"),
            ("a.io:8080/", "root:80*1"),
            ("A.IO/x", "root:80*1"),
            ("a.io/api", "api:http*1"),
            ("a.io/api/x", "api:http*1"),
            ("a.io/apix", "root:80*1"),
            ("a.io/api/v2", "exact:80*1"),
            ("a.io/implement", "impl:80*1"),
            ("x.a.io/", "wild:80*1"),
            ("y.x.a.io/", "default:80*1"),
            ("b.io/", "default:80*1"),
            ("rw.io/app/x/y?q=1", "app:80*1 ->/x/y?q=1"),
        ],
    );
    check(&ingress("main", "", "old"), Flavour::Nginx, &[("other.io/", "404")]);
}

#[test]
fn canaries_of_nginx() {
    let whole = "new:80*1 !old:80";
    check(
        &with_canary("~canary-weight: '20'"),
        Flavour::Nginx,
        &[("mini-echo.io/", "old:80*80 new:80*20 !old:80"), ("other.io/", "404")],
    );
    check(
        &with_canary("~canary-weight: '1', ~canary-weight-total: '1000'"),
        Flavour::Nginx,
        &[("mini-echo.io/", "old:80*999 new:80*1 !old:80")],
    );
    check(
        &with_canary("~canary-weight: '7', ~canary-weight-total: '10'"),
        Flavour::Nginx,
        &[("mini-echo.io/", "old:80*93 new:80*7 !old:80")],
    );
    check(
        &with_canary("~canary-weight: '0', ~canary-by-header: X-Canary, ~canary-by-cookie: canary"),
        Flavour::Nginx,
        &[
            ("mini-echo.io/", "old:80*100 new:80*0 !old:80"),
            ("mini-echo.io/ x-canary=always", whole),
            ("mini-echo.io/ x-canary=never cookie=canary=always", "old:80*1 !old:80"),
            ("mini-echo.io/ x-canary=else cookie=canary=always", whole),
            ("mini-echo.io/ cookie=a=b;+canary=always", whole),
            ("mini-echo.io/ cookie=canary=1", "old:80*100 new:80*0 !old:80"),
        ],
    );
    check(
        &with_canary("~canary-by-header: X-Canary, ~canary-by-header-value: beta"),
        Flavour::Nginx,
        &[
            ("mini-echo.io/ x-canary=beta", whole),
            ("mini-echo.io/ x-canary=always", "old:80*100 new:80*0 !old:80"),
        ],
    );
    check(
        &with_canary("~canary-by-header: X-Canary, ~canary-by-header-pattern: '^b.t'"),
        Flavour::Nginx,
        &[
            ("mini-echo.io/ x-canary=beta", whole),
            ("mini-echo.io/ x-canary=alpha", "old:80*100 new:80*0 !old:80"),
        ],
    );
}

#[test]
fn a_canary_needs_a_main_ingress() {
    let alone = ingress("canary", "nginx.ingress.kubernetes.io/canary: 'true'", "new");
    check(&alone, Flavour::Nginx, &[("mini-echo.io/", "404")]);
}

fn two_backends(annotations: &str) -> String {
    format!(
        "metadata: {{ name: echo, annotations: {{ {annotations} }} }}\n\
         spec: {{ rules: [{{ host: mini-echo.io, http: {{ paths: [\
         {{ path: /, backend: {{ service: {{ name: old-nginx, port: {{ number: 80 }} }} }} }}, \
         {{ path: /, backend: {{ service: {{ name: new-nginx, port: {{ number: 80 }} }} }} }}] }} }}] }}"
    )
}

#[test]
fn weights_of_ack() {
    let check = |annotations: &str, cases: &[(&str, &str)]| {
        check(&two_backends(annotations), Flavour::Nginx, cases);
    };
    let prefix = "nginx.ingress.kubernetes.io";
    check("", &[("mini-echo.io/", "old-nginx:80*1")]);
    for (weight, expect) in [
        ("50", "old-nginx:80*50 new-nginx:80*50"),
        ("0", "old-nginx:80*100 new-nginx:80*0"),
        ("100", "old-nginx:80*0 new-nginx:80*100"),
    ] {
        check(&format!("ingress.aliyun.weight/new-nginx: '{weight}'"), &[("mini-echo.io/", expect)]);
    }
    let weighed = format!("{prefix}/service-weight: 'new-nginx: 20, old-nginx: 80'");
    check(&weighed, &[("mini-echo.io/", "old-nginx:80*80 new-nginx:80*20")]);
    let matched = format!("{prefix}/service-match: 'new-nginx: header(\"foo\", /^bar$/)'");
    check(
        &matched,
        &[
            ("mini-echo.io/", "old-nginx:80*100 new-nginx:80*0"),
            ("mini-echo.io/ foo=bar", "old-nginx:80*0 new-nginx:80*100"),
            ("mini-echo.io/ foo=barn", "old-nginx:80*100 new-nginx:80*0"),
        ],
    );
    check(
        &format!("{matched}, {weighed}"),
        &[
            ("mini-echo.io/", "old-nginx:80*80 new-nginx:80*0"),
            ("mini-echo.io/ foo=bar", "old-nginx:80*80 new-nginx:80*20"),
        ],
    );
    for (rule, asked) in
        [("cookie(\"u\", \"me\")", "mini-echo.io/ cookie=u=me"), ("query(\"u\", /m./)", "mini-echo.io/?u=me")]
    {
        check(
            &format!("{prefix}/service-match: 'new-nginx: {rule}'"),
            &[
                ("mini-echo.io/", "old-nginx:80*100 new-nginx:80*0"),
                (asked, "old-nginx:80*0 new-nginx:80*100"),
            ],
        );
    }
}

#[test]
fn canaries_of_alb() {
    let prefix = "alb.ingress.kubernetes.io";
    let header = format!(
        "{prefix}/canary: 'true', {prefix}/order: '1', {prefix}/canary-by-header: foo, {prefix}/canary-by-header-value: bar"
    );
    let weight = format!("{prefix}/canary: 'true', {prefix}/order: '2', {prefix}/canary-weight: '30'");
    let yaml =
        [ingress("main", "", "old"), ingress("header", &header, "beta"), ingress("weight", &weight, "new")];
    check(
        &yaml.join("\n---\n"),
        Flavour::Alb,
        &[("mini-echo.io/", "old:80*7000 beta:80*0 new:80*3000"), ("mini-echo.io/ foo=bar", "beta:80*1")],
    );
}

#[test]
fn actions_of_alb() {
    let action = |annotations: &str| {
        format!(
            "metadata: {{ name: main, annotations: {{ {annotations} }} }}\n\
             spec: {{ rules: [{{ http: {{ paths: [{{ path: /, pathType: Prefix, \
             backend: {{ service: {{ name: act, port: {{ name: use-annotation }} }} }} }}] }} }}] }}"
        )
    };
    let check = |annotations: &str, asked: &str, expect: &str| {
        check(&action(annotations), Flavour::Alb, &[(asked, expect)]);
    };
    let of = |json: &str| format!("alb.ingress.kubernetes.io/actions.act: '{json}'");
    let forward = of(
        r#"[{"type":"ForwardGroup","ForwardConfig":{"ServerGroups":[{"ServiceName":"a","ServicePort":80,"Weight":80},{"ServiceName":"b","ServicePort":80,"Weight":20}]}}]"#,
    );
    check(&forward, "x.io/", "a:80*80 b:80*20");
    let fixed =
        of(r#"[{"type":"FixedResponse","FixedResponseConfig":{"httpCode":"503","content":"later"}}]"#);
    check(&fixed, "x.io/", "503");
    let redirect = of(r#"[{"type":"Redirect","RedirectConfig":{"host":"new.io","httpCode":"302"}}]"#);
    check(&redirect, "x.io/a?b=c", "302 https://new.io/a?b=c");
    let bound =
        |condition: &str| format!("{fixed}, alb.ingress.kubernetes.io/conditions.act: '[{condition}]'");
    let header = bound(r#"{"type":"Header","headerConfig":{"key":"gray","values":["1","2"]}}"#);
    check(&header, "x.io/ gray=2", "503");
    check(&header, "x.io/", "404");
    let cookie = bound(r#"{"type":"Cookie","cookieConfig":{"values":[{"key":"gray","value":"1"}]}}"#);
    check(&cookie, "x.io/ cookie=gray=1", "503");
    check(&cookie, "x.io/ cookie=gray=2", "404");
    check(&bound(r#"{"type":"Unheard"}"#), "x.io/", "404");
}
