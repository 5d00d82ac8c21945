//! Single looks at a rollout that stands in its first step, with half of the traffic at the new version.

use meshform_engine::value::from_json;
use serde_json::{Value as Json, json};

use super::*;
use crate::decode::decode;
use crate::gate::Measured;
use crate::live::Reference;

const NOW_MS: i64 = 10_000_000;

struct Scene {
    spec: Spec,
    live: Live,
    tallies: BTreeMap<String, Tally>,
}

fn scene(step: Json, on_failure: &str) -> Scene {
    let block = json!({
        "workload": {
            "replicas": 4,
            "selector": { "app": "web" },
            "template": { "spec": { "containers": [{}] } },
        },
        "route": { "router": "ingress_nginx", "ingress": "web", "service": "web" },
        "step": [step],
        "gate": [
            { "kind": "http", "name": "works", "url": "http://web", "delay": "1m" },
            { "kind": "manual", "name": "approved" },
        ],
        "on_failure": on_failure,
    });
    let spec = decode(&from_json(&block)).unwrap().unwrap();
    let mut scene = Scene { spec, live: Live::default(), tallies: BTreeMap::new() };
    let record = scene.record();
    let (old, new) = (record.versions.old.clone().unwrap(), record.versions.new.clone());
    let deployment = |ready: u64, wanted: u64| json!({ "spec": { "replicas": wanted }, "status": { "readyReplicas": ready } });
    let service = |version: &Version| json!({ "spec": { "selector": version.pin } });
    let rules = |service: &str| {
        let backend = json!({ "service": { "name": service, "port": { "number": 80 } } });
        json!([{ "http": { "paths": [{ "path": "/", "backend": backend }] } }])
    };
    let canary = json!({
        "metadata": {
            "labels": { "meshform.io/rollout": "web" },
            "annotations": { "nginx.ingress.kubernetes.io/canary": "true", "nginx.ingress.kubernetes.io/canary-weight": "50" },
        },
        "spec": { "rules": rules(&new.service) },
    });
    scene.live.objects = [
        (Reference::deployment(&old.deployment), deployment(4, 4)),
        (Reference::deployment(&new.deployment), deployment(2, 2)),
        (Reference::service(&old.service), service(&old)),
        (Reference::service(&new.service), service(&new)),
        (Reference::ingress("web"), json!({ "spec": { "rules": rules(&old.service) } })),
        (Reference::ingress("web-canary"), canary),
    ]
    .into();
    scene.live.endpoints = [(old.service, 4), (new.service, 2)].into();
    scene.live.record = Some(record);
    scene
}

impl Scene {
    /// Of a step that has held for a second.
    fn record(&self) -> Record {
        let wanted = self.wanted();
        let record = Record::begin("web", wanted.first.clone(), wanted.target);
        let form = "Ingress web leads to the old version, canary at 50".to_owned();
        Record {
            seen: Some(Seen { form, since_ms: NOW_MS - 60_000 }),
            held_since_ms: Some(NOW_MS - 1_000),
            ..record.in_stage(Stage::Step(0))
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted::new("web", &self.spec, Some(Version::adopted("web", "web-old", "abc")))
    }

    fn next(&self) -> Action {
        next(&self.wanted(), &self.live, NOW_MS, &self.tallies)
    }

    fn with(mut self, change: impl FnOnce(&mut Record)) -> Self {
        change(self.live.record.as_mut().unwrap());
        self
    }

    fn ready(mut self, deployment: &str, ready: u64) -> Self {
        let found =
            self.live.objects.iter_mut().find(|(reference, _)| {
                reference.kind == "Deployment" && reference.name.starts_with(deployment)
            });
        found.unwrap().1["status"]["readyReplicas"] = ready.into();
        self
    }

    fn measured(mut self, gate: &str, measured: Measured) -> Self {
        self.tallies.entry(gate.to_owned()).or_default().add(NOW_MS - 500, measured);
        self
    }

    /// The stage and the reason that the next action notes.
    fn notes(&self) -> (Stage, Option<i64>) {
        match self.next() {
            Action::Note(record) => (record.stage, record.lacking_since_ms),
            other => panic!("{other:?}"),
        }
    }
}

fn step() -> Json {
    json!({ "weight": 50 })
}

#[test]
fn a_step_that_holds_goes_on() {
    assert_eq!(scene(step(), "rollback").notes(), (Stage::Step(1), None));
}

#[test]
fn a_route_that_somebody_has_edited_is_left_alone() {
    let edited = || {
        scene(step(), "rollback").with(|record| record.seen.as_mut().unwrap().form = "as it was".to_owned())
    };
    let found = "Ingress web leads to the old version, canary at 50".to_owned();
    let left = "as it was".to_owned();
    assert_eq!(edited().next(), Action::Refused(Stop::Edited { left, found: found.clone() }));
    // The write that was under way made it so, or the way back starts from whatever is there.
    let expected = edited().with(|record| record.expected = Some(found));
    let back = edited().with(|record| record.stage = Stage::Aborting(String::new()));
    for scene in [expected, back] {
        let Action::Note(record) = scene.next() else { panic!("{:?}", scene.next()) };
        assert_eq!(record.seen.map(|seen| seen.since_ms), Some(NOW_MS));
    }
}

#[test]
fn what_is_missing_for_too_long_ends_it() {
    let lacking = |on_failure, since_ms| {
        scene(step(), on_failure)
            .ready("web-", 4)
            .ready("web-old", 4)
            .with(|record| record.lacking_since_ms = since_ms)
    };
    // The new version's Deployment comes before `web-old`: one of its two pods is missing.
    let short = |on_failure, since_ms| lacking(on_failure, since_ms).ready("web-", 1);
    assert_eq!(short("rollback", None).notes(), (Stage::Step(0), Some(NOW_MS)));
    let deadline_ms = 600_000;
    let waits = short("rollback", Some(NOW_MS - deadline_ms + 1)).next();
    assert!(
        matches!(waits, Action::Wait { until_ms: Some(until_ms), .. } if until_ms == NOW_MS + 1),
        "{waits:?}"
    );
    let (stage, _) = short("rollback", Some(NOW_MS - deadline_ms)).notes();
    assert!(matches!(&stage, Stage::Aborting(reason) if reason.contains("1 of 2 pods")), "{stage:?}");
    let paused = short("pause", Some(NOW_MS - deadline_ms)).next();
    assert!(matches!(paused, Action::Paused(_)), "{paused:?}");
    // What is there again is not counted on later.
    assert_eq!(lacking("rollback", Some(NOW_MS - deadline_ms)).notes(), (Stage::Step(0), None));
}

#[test]
fn traffic_to_no_pod_at_all_goes_back_at_once() {
    let (stage, _) = scene(step(), "rollback").ready("web-", 0).notes();
    assert!(matches!(&stage, Stage::Aborting(reason) if reason.contains("no ready pod")), "{stage:?}");
}

#[test]
fn another_version_that_is_wanted_meanwhile_goes_back_first() {
    let (stage, _) =
        scene(step(), "rollback").with(|record| record.versions.new.id = "another".to_owned()).notes();
    assert!(matches!(stage, Stage::Aborting(_)), "{stage:?}");
}

#[test]
fn a_gate_is_measured_and_judged() {
    let gated = || scene(json!({ "weight": 50, "gates": ["works"] }), "rollback");
    let waits = gated().next();
    assert!(
        matches!(waits, Action::Wait { until_ms: Some(until_ms), .. } if until_ms == NOW_MS + 59_000),
        "{waits:?}"
    );
    let due = gated().with(|record| record.held_since_ms = Some(NOW_MS - 60_000));
    assert_eq!(due.next(), Action::Measure("works".to_owned()));
    assert_eq!(gated().measured("works", Measured::Passed).notes().0, Stage::Step(1));
    let reason = "it does not answer".to_owned();
    let (stage, _) = gated().measured("works", Measured::Failed(reason.clone())).notes();
    assert!(matches!(&stage, Stage::Aborting(why) if why.contains(&reason)), "{stage:?}");
    let unclear = || gated().measured("works", Measured::Inconclusive(reason.clone()));
    assert!(matches!(unclear().next(), Action::Paused(_)));
    assert_eq!(unclear().with(|record| record.is_resumed = true).notes().0, Stage::Step(1));
}

#[test]
fn a_person_ends_pauses_and_manual_gates() {
    for waiting in
        [json!({ "weight": 50, "pause": "manual" }), json!({ "weight": 50, "gates": ["approved"] })]
    {
        let paused = scene(waiting.clone(), "rollback");
        assert!(matches!(paused.next(), Action::Paused(_)), "{waiting}");
        let resumed = paused.live.record.as_ref().unwrap().resumed().unwrap();
        assert_eq!(paused.with(|record| *record = resumed).notes().0, Stage::Step(1), "{waiting}");
    }
    let timed = scene(json!({ "weight": 50, "pause": "5m" }), "rollback").next();
    assert!(
        matches!(timed, Action::Wait { until_ms: Some(until_ms), .. } if until_ms == NOW_MS + 299_000),
        "{timed:?}"
    );
}

#[test]
fn what_has_ended_well_is_kept_so() {
    let promoted = || {
        let mut scene =
            scene(step(), "rollback").with(|record| record.stage = Stage::Ended(Outcome::Promoted));
        let name = scene.wanted().target.service;
        scene.live.objects.remove(&Reference::ingress("web-canary"));
        let backend = json!({ "service": { "name": name, "port": { "number": 80 } } });
        let rules = json!([{ "http": { "paths": [{ "path": "/", "backend": backend }] } }]);
        scene.live.objects.insert(Reference::ingress("web"), json!({ "spec": { "rules": rules } }));
        scene.live.objects.insert(
            Reference::deployment(&name),
            json!({ "spec": { "replicas": 4 }, "status": { "readyReplicas": 4 } }),
        );
        (scene, name)
    };
    let check = |change: fn(&mut Live, &str), expect: fn(&str) -> Reference| {
        let (mut scene, name) = promoted();
        change(&mut scene.live, &name);
        let Action::Write(write) = scene.next() else { panic!("{:?}", scene.next()) };
        assert_eq!(*write.reference(), expect(&name));
        // That was all.
        scene.live = written(&scene.live, &write);
        assert_eq!(scene.next(), Action::Ended(Outcome::Promoted));
    };
    assert_eq!(promoted().0.next(), Action::Ended(Outcome::Promoted));
    check(
        |live, name| {
            live.objects.get_mut(&Reference::deployment(name)).unwrap()["spec"]["replicas"] = 9.into()
        },
        |name| Reference::deployment(name),
    );
    check(
        |live, name| _ = live.objects.remove(&Reference::deployment(name)),
        |name| Reference::deployment(name),
    );
    check(|live, name| _ = live.objects.remove(&Reference::service(name)), |name| Reference::service(name));
    check(
        |live, _| {
            let ingress = live.objects.get_mut(&Reference::ingress("web")).unwrap();
            ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = "web".into();
        },
        |_| Reference::ingress("web"),
    );
}

#[test]
fn without_its_record_nothing_is_guessed() {
    let mut scene = scene(step(), "rollback");
    scene.live.record = None;
    assert!(matches!(scene.next(), Action::Note(_)));
    let name = scene.wanted().target.deployment;
    let deployment = scene.live.objects.get_mut(&Reference::deployment(&name)).unwrap();
    deployment["metadata"] = json!({ "labels": { "meshform.io/rollout": "web" } });
    assert_eq!(scene.next(), Action::Refused(Stop::Forgotten(Reference::deployment(name))));
}

#[test]
fn a_version_that_a_rollout_went_back_to_is_kept() {
    let back = scene(step(), "rollback").with(|record| {
        record.versions.old = Some(record.versions.new.clone());
        record.versions.new.id = "another".to_owned();
        record.stage = Stage::Ended(Outcome::RolledBack(String::new()));
    });
    let Action::Note(record) = back.next() else { panic!("{:?}", back.next()) };
    assert_eq!((record.versions.new, record.stage), (back.wanted().target, Stage::Ended(Outcome::Promoted)));
}

#[test]
fn a_person_steers_only_what_can_be_steered() {
    let record = |stage: Stage| Record { stage, ..scene(step(), "rollback").record() };
    let ended = || Stage::Ended(Outcome::Promoted);
    assert!(
        record(Stage::Step(0)).aborted("by hand").is_some() && record(Stage::Retiring).aborted("").is_none()
    );
    assert!(record(Stage::Step(0)).promoted(1).is_some() && record(Stage::Step(1)).promoted(1).is_none());
    assert!(record(ended()).retried().is_none() && record(ended()).resumed().is_none());
    let retried = record(Stage::Ended(Outcome::RolledBack(String::new()))).retried().unwrap();
    assert_eq!((retried.stage, retried.seen), (Stage::Preparing, None));
    // After promotion the way back is a rollout to the previous version.
    assert!(record(Stage::Step(0)).undone().is_none());
    let undone = record(ended()).undone().unwrap();
    assert_eq!(undone.versions.new.deployment, "web-old");
    assert_eq!(undone.versions.old, Some(record(ended()).versions.new));
}
