use std::fmt::Write as _;

use meshform_engine::value::from_json;

use super::*;
use crate::decode::decode;
use crate::record::Outcome;
use crate::version::Version;

/// A rollout of `replicas` pods behind one Service or Ingress, from an adopted Deployment: what a plan of it shows.
fn shown(replicas: u64, route: Json, steps: Json) -> String {
    let block = json!({
        "workload": {
            "replicas": replicas,
            "selector": { "app": "web" },
            "template": { "spec": { "containers": [{ "name": "web", "image": "web:2" }] } },
        },
        "route": route,
        "step": steps,
    });
    let spec = decode(&from_json(&block)).unwrap().unwrap();
    let wanted = Wanted::new("web", &spec, Some(Version::adopted("web", "old-nginx", "abc")));
    let stages = rehearse(&wanted, &world(replicas)).unwrap();
    let mut text = String::new();
    for stage in &stages {
        let share = stage.level.as_ref().map(|level| format!(" {} %", level.share)).unwrap_or_default();
        writeln!(text, "{:?}{share}", stage.stage).unwrap();
        writes(&mut text, "  ", &stage.writes, &wanted.target);
        writes(&mut text, "  back: ", &stage.way_back, &wanted.target);
    }
    text
}

fn writes(text: &mut String, indent: &str, writes: &[Write], target: &Version) {
    for write in writes {
        let what = match write {
            Write::Apply(..) => "apply".to_owned(),
            Write::Merge(_, patch) => match patch.pointer("/spec/replicas") {
                Some(replicas) => format!("scale to {replicas}"),
                None => "change".to_owned(),
            },
            Write::Delete(_) => "delete".to_owned(),
        };
        let object = write.reference().to_string().replace(&target.deployment, "NEW");
        writeln!(text, "{indent}{what} {object}").unwrap();
    }
}

fn world(replicas: u64) -> Live {
    let deployment = json!({ "spec": { "replicas": replicas }, "status": { "readyReplicas": replicas } });
    let service = json!({ "spec": { "selector": { "app": "web" } } });
    let backend = json!({ "service": { "name": "web", "port": { "number": 80 } } });
    let rules = json!([{ "http": { "paths": [{ "path": "/", "backend": backend }] } }]);
    let objects = [
        (Reference::deployment("old-nginx"), deployment),
        (Reference::service("web"), service),
        (Reference::ingress("web"), json!({ "spec": { "rules": rules } })),
    ];
    Live { objects: objects.into(), ..Live::default() }
}

#[test]
fn the_split_by_pods_is_unrolled() {
    let route = json!({ "router": "replicas", "service": "web" });
    let steps = json!([{ "replicas": 1 }, { "replicas": 4 }]);
    let expect = "\
Preparing
  apply Deployment NEW
Step(0) 50 %
  scale to 1 Deployment NEW
  back: scale to 0 Deployment NEW
Step(1) 80 %
  scale to 4 Deployment NEW
  back: scale to 0 Deployment NEW
Step(2) 100 %
  scale to 0 Deployment old-nginx
  back: scale to 1 Deployment old-nginx
  back: scale to 0 Deployment NEW
Promoting
  back: scale to 1 Deployment old-nginx
  back: scale to 0 Deployment NEW
Retiring
  scale to 1 Deployment NEW
";
    assert_eq!(shown(1, route, steps), expect);
}

#[test]
fn the_split_by_a_canary_is_unrolled() {
    let route = json!({ "router": "ingress_nginx", "ingress": "web", "service": "web" });
    let expect = "\
Preparing
  apply Service web-abc
  apply Service NEW
  change Ingress web
  apply Ingress web-canary
  apply Deployment NEW
  back: delete Ingress web-canary
  back: delete Service NEW
Step(0) 50 %
  scale to 2 Deployment NEW
  change Ingress web-canary
  back: change Ingress web-canary
  back: delete Ingress web-canary
  back: scale to 0 Deployment NEW
  back: delete Service NEW
Step(1) 100 %
  scale to 4 Deployment NEW
  change Ingress web-canary
  back: change Ingress web-canary
  back: delete Ingress web-canary
  back: scale to 0 Deployment NEW
  back: delete Service NEW
Promoting
  change Ingress web
  change Ingress web-canary
  delete Ingress web-canary
  back: change Ingress web
  back: scale to 0 Deployment NEW
  back: delete Service NEW
Retiring
  scale to 0 Deployment old-nginx
  delete Service web-abc
";
    assert_eq!(shown(4, route, json!([{ "weight": 50, "pause": "manual" }])), expect);
}

#[test]
fn the_way_back_after_promotion_is_a_rollout_of_its_own() {
    let block = json!({
        "workload": { "replicas": 4, "selector": { "app": "web" }, "template": { "spec": { "containers": [{}] } } },
        "route": { "router": "ingress_nginx", "ingress": "web", "service": "web" },
        "step": [{ "weight": 50 }],
    });
    let spec = decode(&from_json(&block)).unwrap().unwrap();
    let wanted = Wanted::new("web", &spec, Some(Version::adopted("web", "old-nginx", "abc")));
    let mut live = world(4);
    for write in rehearse(&wanted, &live).unwrap().iter().flat_map(|stage| &stage.writes) {
        live = written(&live, write);
    }
    let old = wanted.first.clone();
    let promoted = Record::begin("web", old, wanted.target.clone()).in_stage(Stage::Ended(Outcome::Promoted));
    let (back, undone) = Wanted::back("web", &spec, &promoted).unwrap();
    let back_from = |live: &Live| rehearse(&back, &Live { record: Some(undone.clone()), ..live.clone() });
    let stages: Vec<_> =
        back_from(&live).unwrap().into_iter().map(|stage| (stage.stage, stage.writes.len())).collect();
    // A Service and a canary at 0; pods and weight; the route and twice the canary; pods and a Service.
    let expect = [(Stage::Preparing, 2), (Stage::Step(0), 2), (Stage::Promoting, 3), (Stage::Retiring, 2)];
    assert_eq!(stages, expect);
    // What was in a Deployment that is gone is not guessed: the way back goes back itself.
    live.objects.remove(&Reference::deployment("old-nginx"));
    let stages: Vec<_> = back_from(&live).unwrap().into_iter().map(|stage| stage.stage).collect();
    assert!(matches!(stages.as_slice(), [Stage::Preparing, Stage::Aborting(_)]), "{stages:?}");
}

#[test]
fn a_route_that_is_not_there_cannot_be_rehearsed() {
    let block = json!({
        "workload": { "selector": { "app": "web" }, "template": { "spec": { "containers": [{}] } } },
        "route": { "router": "istio", "virtual_service": "web", "service": "web" },
    });
    let spec = decode(&from_json(&block)).unwrap().unwrap();
    let stopped = rehearse(&Wanted::new("web", &spec, None), &world(1)).unwrap_err();
    assert!(matches!(stopped, Stop::Unknown(_)), "{stopped:?}");
}

#[test]
fn a_first_version_is_simply_there() {
    let block = json!({
        "workload": { "replicas": 3, "selector": { "app": "web" }, "template": { "spec": { "containers": [{}] } } },
        "route": { "router": "ingress_nginx", "ingress": "web", "service": "web" },
        "step": [{ "weight": 50 }],
    });
    let spec = decode(&from_json(&block)).unwrap().unwrap();
    let stages = rehearse(&Wanted::new("web", &spec, None), &world(1)).unwrap();
    let words: Vec<_> = stages.iter().map(|stage| stage.stage.clone()).collect();
    assert_eq!(words, [Stage::Preparing, Stage::Step(1), Stage::Promoting, Stage::Retiring]);
    let kinds: Vec<_> =
        stages.iter().flat_map(|stage| &stage.writes).map(|write| write.reference().kind).collect();
    assert_eq!(kinds, ["Service", "Deployment", "Deployment", "Ingress"]);
}
