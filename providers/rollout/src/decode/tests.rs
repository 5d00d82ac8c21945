use meshform_engine::types::Type;
use meshform_engine::value::{Path, PathStep, Value, from_json};
use serde_json::{Value as Json, json};

use super::decode;
use crate::spec::{Match, Pause};

fn block() -> Json {
    json!({
        "namespace": "shop",
        "strategy": "canary",
        "workload": {
            "replicas": 10,
            "selector": { "app": "web" },
            "template": { "spec": { "containers": [{ "name": "web", "image": "web:2" }] } },
        },
        "route": { "router": "ingress_nginx", "ingress": "web", "service": "web" },
        "step": [
            { "weight": 20, "pause": "5m", "gates": ["works"] },
            { "weight": 50, "replicas": 7, "pause": "manual" },
            { "match": { "cookie": "canary" } },
        ],
        "gate": [{ "kind": "http", "name": "works", "url": "http://web" }],
    })
}

/// The block with another value at a JSON pointer.
fn with(pointer: &str, value: Json) -> Value {
    let mut block = block();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = block.pointer_mut(parent).unwrap();
    match parent.as_array_mut() {
        Some(list) => list[name.parse::<usize>().unwrap()] = value,
        None => parent[name] = value,
    }
    from_json(&block)
}

#[test]
fn a_block_is_decoded() {
    let spec = decode(&from_json(&block())).unwrap().unwrap();
    assert_eq!((spec.namespace.as_str(), spec.router.name()), ("shop", "ingress_nginx"));
    let weights: Vec<_> = spec.steps.iter().map(|step| step.weight).collect();
    // A step without a weight keeps that of the step before.
    assert_eq!(weights, [Some(20), Some(50), Some(50)]);
    assert_eq!(spec.steps[0].pause, Some(Pause::For(300_000)));
    assert_eq!(spec.steps[1].pause, Some(Pause::Manual));
    assert_eq!(spec.steps[2].matching, Some(Match::Cookie("canary".to_owned(), "always".to_owned())));
    assert_eq!((spec.progress_deadline_ms, spec.drain_ms, spec.keep_previous_ms), (600_000, 30_000, 0));
}

#[test]
fn what_is_wrong_is_told_with_its_path() {
    let check = |pointer: &str, value: Json, path: &str, summary: &str| {
        let problems = decode(&with(pointer, value.clone())).unwrap_err();
        let found: Vec<_> =
            problems.iter().map(|problem| (problem.path.to_string(), problem.summary.as_str())).collect();
        assert!(found.contains(&(path.to_owned(), summary)), "{pointer} = {value}: {found:?}");
        assert_eq!(problems.len(), 1, "{pointer} = {value}: {found:?}");
    };
    check("/strategy", json!("rolling"), "strategy", "An unknown word");
    check("/drain", json!("30"), "drain", "Not a duration");
    check("/adopt", json!(""), "adopt", "An empty text");
    check("/workload/replicas", json!(0), "workload.replicas", "Not such a number");
    check("/workload/replicas", json!(1.5), "workload.replicas", "Not such a number");
    check("/workload/selector", json!({}), "workload.selector", "An empty selector");
    check("/workload/template", json!({ "spec": {} }), "workload.template", "Not a pod template");
    check("/workload/template", json!("web:2"), "workload.template", "Not an object");
    let labelled = |labels: Json| json!({ "metadata": { "labels": labels }, "spec": { "containers": [{}] } });
    let other = labelled(json!({ "app": "shop" }));
    check("/workload/template", other, "workload.template", "The selector does not match the template");
    let own = labelled(json!({ "meshform.io/version": "1" }));
    check("/workload/template", own, "workload.template", "A label of the rollout's own");
    check("/route/router", json!("nginx"), "route.router", "An unknown router");
    check("/route/ingress", Json::Null, "route.ingress", "A missing attribute");
    check("/route/vgroup", json!("rsp-1"), "route.vgroup", "An attribute that is not read");
    check("/route/port", json!(70_000), "route.port", "Not such a number");
    check("/step/0/weight", json!(101), "step[0].weight", "Not such a number");
    check("/step/1/weight", json!(10), "step[1].weight", "A step down");
    check("/step/1/replicas", json!(4), "step[1].replicas", "Fewer pods than the weight needs");
    check("/step/0/pause", json!("a while"), "step[0].pause", "Not a duration");
    check("/step/0/gates", json!(["fast"]), "step[0].gates[0]", "An unknown gate");
    check("/step/2/match", json!({ "value": "x" }), "step[2].match", "No such match");
    check("/step/2", json!({ "pause": "1m" }), "step[2]", "A step that changes nothing");
    check("/gate/0/url", Json::Null, "gate[0].url", "A missing attribute");
    check("/gate/0/query", json!("up"), "gate[0].query", "An attribute that is not read");
    check("/gate/0/count", json!(0), "gate[0].count", "Not such a number");
    check("/gate/0/statuses", json!([99]), "gate[0].statuses[0]", "Not such a number");
    let open =
        json!({ "kind": "prometheus", "name": "works", "address": "http://prometheus", "query": "up" });
    check("/gate/0", open, "gate[0]", "A gate that nothing fails");
}

#[test]
fn a_router_that_counts_pods_takes_no_weights_apart() {
    let check = |steps: Json, strategy: &str, expect: &[&str]| {
        let mut block = block();
        block["route"] = json!({ "router": "replicas", "service": "web" });
        block["step"] = steps;
        block["strategy"] = strategy.into();
        let problems = decode(&from_json(&block)).err().unwrap_or_default();
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, expect, "{problems:?}");
    };
    check(json!([{ "weight": 50 }, { "replicas": 8 }]), "canary", &[]);
    check(json!([{ "weight": 50, "replicas": 8 }]), "canary", &["step[0]"]);
    check(json!([{}]), "canary", &["step[0]"]);
    check(json!([{ "weight": 50, "match": { "cookie": "c" } }]), "canary", &["step[0].match"]);
    check(json!([]), "blue_green", &["strategy"]);
}

#[test]
fn every_problem_is_told_at_once() {
    let mut block = block();
    block["strategy"] = json!("rolling");
    block["step"][0]["weight"] = json!(-1);
    block["gate"][0]["kind"] = json!("smoke");
    assert!(decode(&from_json(&block)).unwrap_err().len() >= 3);
}

#[test]
fn what_is_not_known_yet_is_no_problem_but_does_not_hide_one() {
    let image =
        Path(["workload", "template", "spec"].map(|name| PathStep::Attribute(name.to_owned())).to_vec());
    let unknown = |value: Value| value.with_part(&image, Some(Value::unknown(Type::Any)));
    let outcome = decode(&unknown(with("/workload/template", json!({ "spec": { "containers": [{}] } }))));
    assert!(matches!(outcome, Ok(None)), "{outcome:?}");
    assert!(decode(&unknown(with("/strategy", json!("rolling")))).is_err());
    let nothing = decode(&Value::unknown(Type::Any));
    assert!(matches!(nothing, Ok(None)), "{nothing:?}");
}
