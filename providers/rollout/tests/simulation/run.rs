//! One seed.

use std::collections::BTreeMap;

use meshform_engine::value::from_json;
use meshform_provider_rollout::decode::decode;
use meshform_provider_rollout::gate::{Measured, Tally};
use meshform_provider_rollout::live::Reference;
use meshform_provider_rollout::machine::{Action, Stop, Wanted, next};
use meshform_provider_rollout::record::{Outcome, Record};
use meshform_provider_rollout::spec::Spec;
use meshform_provider_rollout::version::Version;
use serde_json::{Value as Json, json};

use crate::cluster::Cluster;
use crate::random::Random;
use crate::rules::Observer;
use crate::traffic::{share, traffic};

/// Far more than any rollout needs.
const LOOKS_MAX: u64 = 6_000;
/// From this look on nothing new goes wrong.
const FAULTS_END: u64 = 400;

/// Runs a random rollout to its end, and tells how it has ended.
pub(crate) fn run(router: &str, seed: u64) -> &'static str {
    let mut random = Random::new(seed);
    let specs = [spec(router, "web:2", &mut random), spec(router, "web:3", &mut random)];
    let mut run = Run {
        router,
        seed,
        cluster: Cluster::new(world(router, &specs[0])),
        tallies: BTreeMap::new(),
        is_gate_closed: random.one_in(6),
        is_calm: random.one_in(4),
        edits: 0,
        random,
    };
    if run.random.one_in(5) {
        let broken = Version::of_template("web", &specs[0].workload.template);
        run.cluster.broken.insert(broken.deployment);
    }
    let switch = run.random.one_in(6).then(|| run.random.below(FAULTS_END));
    // Most go back from the beginning, or not at all.
    let abort = run.random.one_in(3).then(|| run.random.below(40));
    let first = || Some(Version::adopted("web", "web-old", "abc123"));
    let wants = [0, 1].map(|index| Wanted::new("web", &specs[index], first()));
    for look in 0..LOOKS_MAX {
        let wanted = &wants[usize::from(switch.is_some_and(|switch| look >= switch))];
        if !run.is_calm && look < FAULTS_END {
            run.disturb();
        }
        if abort == Some(look) {
            run.abort();
        }
        let outcome = run.look(wanted).filter(|_| switch.is_none_or(|switch| look >= switch));
        if let Some(outcome) = outcome {
            return run.ending(wanted, &outcome);
        }
        run.cluster.pass(&mut run.random);
    }
    panic!("{router}, seed {seed}: no end, at {:?}", run.cluster.live.record)
}

struct Run<'a> {
    router: &'a str,
    seed: u64,
    cluster: Cluster,
    tallies: BTreeMap<String, Tally>,
    is_gate_closed: bool,
    is_calm: bool,
    edits: u64,
    random: Random,
}

impl Run<'_> {
    /// Something goes wrong, or somebody does something.
    fn disturb(&mut self) {
        if self.random.one_in(20) {
            self.cluster.lose_pods(&mut self.random);
        }
        if self.random.one_in(150) {
            self.edit();
        }
        if self.random.one_in(250) {
            self.abort();
        }
        if self.random.one_in(10) {
            // A crash: what was only remembered is gone.
            self.tallies.clear();
        }
    }

    /// A person goes back.
    fn abort(&mut self) {
        let record = self.cluster.live.record.as_ref();
        if let Some(aborted) = record.and_then(|record| record.aborted("by hand")) {
            self.note(aborted);
        }
    }

    /// Somebody else writes to the route.
    fn edit(&mut self) {
        let weight = self.random.below(100) + 1;
        let text = (*self.random.of(&["7", "33", "0", "many"])).to_owned();
        let annotation = |name: &str| format!("/metadata/annotations/{}", name.replace('/', "~1"));
        let service_weight = annotation("nginx.ingress.kubernetes.io/service-weight");
        let (reference, pointer, value) = match self.router {
            "gateway_api" => {
                (Reference::http_route("web"), "/spec/rules/0/backendRefs/0/weight".to_owned(), json!(weight))
            }
            "istio" => {
                (Reference::virtual_service("web"), "/spec/http/0/route/0/weight".to_owned(), json!(weight))
            }
            "ingress_nginx" => {
                let name = annotation("nginx.ingress.kubernetes.io/canary-weight");
                (Reference::ingress("web-canary"), name, json!(text))
            }
            "ack_ingress" => (Reference::ingress("web"), service_weight, json!(format!("web-x: {text}"))),
            _ => return,
        };
        let Some(mut object) = self.cluster.live.objects.get(&reference).cloned() else { return };
        let Some(there) = object.pointer_mut(&pointer).filter(|there| **there != value) else { return };
        *there = value;
        self.edits += 1;
        self.cluster.put(reference, object);
    }

    /// One look and one action; how it has ended, if it has.
    fn look(&mut self, wanted: &Wanted<'_>) -> Option<Outcome> {
        let now_ms = self.cluster.now_ms;
        match next(wanted, self.cluster.look(), now_ms, &self.tallies) {
            // A crash before the action.
            _ if !self.is_calm && self.random.one_in(15) => self.tallies.clear(),
            Action::Write(write) => {
                let record = self.cluster.live.record.clone().unwrap();
                let drain_ms = wanted.spec.drain_ms;
                let observer =
                    Observer { router: self.router, capacity: wanted.spec.workload.replicas, drain_ms };
                let before = observer.before(&write, &self.cluster);
                if self.cluster.write(&write, &mut self.random) {
                    if before.traffic != traffic(self.router, &self.cluster) {
                        self.cluster.routed_ms = self.cluster.now_ms;
                    }
                    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        // Of another's edit only the other is to blame.
                        if self.edits == 0 {
                            observer.after(&write, &before, &self.cluster, &record);
                        }
                    }));
                    assert!(checked.is_ok(), "{}, seed {}: {write:?} at {record:?}", self.router, self.seed);
                }
            }
            Action::Note(record) => self.note(*record),
            Action::Measure(gate) => {
                let measured = match self.is_gate_closed && !self.random.one_in(3) {
                    true => Measured::Failed("it does not answer".to_owned()),
                    false => Measured::Passed,
                };
                self.tallies.entry(gate).or_default().add(self.cluster.now_ms, measured);
            }
            Action::Wait { until_ms, .. } => {
                // Long waits are not looked at every few seconds.
                let left = until_ms.unwrap_or(0).saturating_sub(now_ms).max(1);
                self.cluster.now_ms += i64::try_from(self.random.below(left.unsigned_abs())).unwrap() / 2;
            }
            Action::Paused(_) => self.answer(Record::resumed),
            Action::Refused(Stop::Stuck(_)) => self.answer(Record::retried),
            Action::Refused(stop) => {
                assert!(self.edits > 0, "{}, seed {}: {stop:?}", self.router, self.seed);
                match self.random.one_in(2) {
                    true => self.answer(|record| record.aborted("edited").or_else(|| record.retried())),
                    false => self.answer(Record::retried),
                }
            }
            Action::Ended(outcome) => return Some(outcome),
        }
        None
    }

    /// What a person says to a rollout that does not go on by itself.
    fn answer(&mut self, say: impl Fn(&Record) -> Option<Record>) {
        let record = self.cluster.live.record.as_ref().unwrap();
        let said = say(record).filter(|said| said != record).or_else(|| record.aborted("no way on"));
        self.note(
            said.unwrap_or_else(|| panic!("{}, seed {}: no answer to {record:?}", self.router, self.seed)),
        );
    }

    fn note(&mut self, record: Record) {
        if self.cluster.live.record.as_ref().is_none_or(|before| before.stage != record.stage) {
            self.tallies.clear();
        }
        self.cluster.live.record = Some(record);
    }

    /// Everything is with one version, and the other one has nothing.
    fn ending(&mut self, wanted: &Wanted<'_>, outcome: &Outcome) -> &'static str {
        let (router, seed) = (self.router, self.seed);
        let record = self.cluster.live.record.clone().unwrap();
        let (has_all, has_none, word) = match outcome {
            Outcome::Promoted => (&record.versions.new, record.versions.old.as_ref(), "promoted"),
            Outcome::RolledBack(_) => {
                (record.versions.old.as_ref().unwrap(), Some(&record.versions.new), "rolled back")
            }
            Outcome::Failed(reason) => panic!("{router}, seed {seed}: {reason}, with an old version there"),
        };
        let traffic = traffic(router, &self.cluster);
        if router != "replicas" {
            assert_eq!(share(&traffic, &has_all.deployment), 100, "{router}, seed {seed}: {traffic:?}");
        }
        assert!(
            self.cluster.wanted(&has_all.deployment) >= wanted.spec.workload.replicas,
            "{router}, seed {seed}"
        );
        if let Some(has_none) = has_none {
            assert_eq!(self.cluster.wanted(&has_none.deployment), 0, "{router}, seed {seed}");
        }
        assert!(
            !self.cluster.live.objects.contains_key(&Reference::ingress("web-canary")),
            "{router}, seed {seed}"
        );
        // To look once more changes nothing.
        let now_ms = self.cluster.now_ms + 1;
        let again = next(wanted, self.cluster.look(), now_ms, &BTreeMap::new());
        assert_eq!(again, Action::Ended(outcome.clone()), "{router}, seed {seed}");
        word
    }
}

/// A random block.
fn spec(router: &str, image: &str, random: &mut Random) -> Spec {
    let mut steps = Vec::new();
    let (mut weight, weighs) = (0, router != "replicas");
    for _ in 0..random.below(4) {
        weight = (weight + random.below(50)).min(100);
        let mut step = json!({ "weight": weight });
        if random.one_in(3) {
            step["pause"] = (*random.of(&["20s", "manual"])).into();
        }
        if random.one_in(2) {
            step["gates"] = json!(["works"]);
        }
        if weighs && !["clb_vgroup", "ack_ingress_legacy"].contains(&router) && random.one_in(4) {
            step["match"] = json!({ "header": "x-canary", "value": "yes" });
        }
        steps.push(step);
    }
    let gate = json!({
        "kind": "http", "name": "works", "url": "http://web", "count": random.below(3) + 1, "interval": "5s",
        "failures_max": random.below(2),
    });
    let strategy = if weighs { *random.of(&["canary", "blue_green"]) } else { "canary" };
    let block = json!({
        "strategy": strategy,
        "workload": {
            "replicas": random.below(12) + 1,
            "selector": { "app": "web" },
            "template": { "spec": { "containers": [{ "name": "web", "image": image }] } },
        },
        "route": route(router),
        "step": steps,
        "gate": [gate],
        "on_failure": *random.of(&["rollback", "rollback", "pause"]),
        "progress_deadline": "5m",
        "drain": "15s",
        "keep_previous": *random.of(&["0s", "1m"]),
    });
    match decode(&from_json(&block)) {
        Ok(Some(spec)) => spec,
        other => panic!("{router}: {other:?} of {block}"),
    }
}

fn route(router: &str) -> Json {
    match router {
        "replicas" => json!({ "router": router, "service": "web" }),
        "clb_vgroup" => json!({ "router": router, "load_balancer": "lb-1", "vgroup": "rsp-1" }),
        "gateway_api" => json!({ "router": router, "http_route": "web", "service": "web" }),
        "istio" => json!({ "router": router, "virtual_service": "web", "service": "web" }),
        _ => json!({ "router": router, "ingress": "web", "service": "web" }),
    }
}

/// What is there before: one Deployment behind one Service, and the route to it.
fn world(router: &str, spec: &Spec) -> Vec<(Reference, Json)> {
    let labels = json!({ "app": "web", "pod-template-hash": "abc123" });
    let replicas = spec.workload.replicas;
    let deployment = json!({
        "spec": { "replicas": replicas, "template": { "metadata": { "labels": labels } } },
        "status": { "readyReplicas": replicas },
    });
    let service = json!({ "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] } });
    let backend = json!({ "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "web", "port": { "number": 80 } } } });
    let ingress = json!({ "spec": { "ingressClassName": "nginx", "rules": [{ "host": "web.example", "http": { "paths": [backend] } }] } });
    let mut objects =
        vec![(Reference::deployment("web-old"), deployment), (Reference::service("web"), service)];
    objects.push(match router {
        "gateway_api" => {
            let rule = json!({ "backendRefs": [{ "name": "web", "port": 80, "weight": 100 }] });
            (Reference::http_route("web"), json!({ "spec": { "rules": [rule] } }))
        }
        "istio" => {
            let route = json!({ "route": [{ "destination": { "host": "web" } }] });
            (Reference::virtual_service("web"), json!({ "spec": { "http": [route] } }))
        }
        _ => (Reference::ingress("web"), ingress),
    });
    objects
}
