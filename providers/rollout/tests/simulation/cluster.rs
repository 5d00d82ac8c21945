//! A cluster: objects, pods and time.

use std::collections::BTreeSet;

use meshform_provider_rollout::live::{Live, Reference};
use meshform_provider_rollout::write::Write;
use serde_json::{Value as Json, json};

use crate::random::Random;

pub(crate) struct Cluster {
    pub(crate) live: Live,
    pub(crate) now_ms: i64,
    /// Deployments whose pods never get ready.
    pub(crate) broken: BTreeSet<String>,
    /// When a route was last written.
    pub(crate) routed_ms: i64,
    /// When every proxy has the routes as they are.
    synced_ms: i64,
    version: u64,
}

impl Cluster {
    pub(crate) fn new(objects: Vec<(Reference, Json)>) -> Self {
        let mut cluster = Self {
            live: Live::default(),
            now_ms: 1_000_000,
            broken: BTreeSet::new(),
            routed_ms: 0,
            synced_ms: 0,
            version: 0,
        };
        for (reference, object) in objects {
            cluster.put(reference, object);
        }
        cluster
    }

    /// What is there now.
    pub(crate) fn look(&mut self) -> &Live {
        let services = self.live.objects.iter().filter(|(reference, _)| reference.kind == "Service");
        let endpoints = services.map(|(reference, service)| {
            let ready = self.selected(service).into_iter().map(|name| self.ready(name)).sum();
            (reference.name.clone(), ready)
        });
        self.live.endpoints = endpoints.collect();
        self.live.is_mesh_synced = Some(self.now_ms >= self.synced_ms);
        &self.live
    }

    /// The Deployments whose pods a Service selects.
    pub(crate) fn selected(&self, service: &Json) -> Vec<&str> {
        self.selected_by(&service["spec"]["selector"])
    }

    pub(crate) fn selected_by(&self, selector: &Json) -> Vec<&str> {
        let selector = selector.as_object().unwrap();
        let deployments = self.live.objects.iter().filter(|(reference, _)| reference.kind == "Deployment");
        let selected = deployments.filter(|(_, object)| {
            let labels = &object["spec"]["template"]["metadata"]["labels"];
            selector.iter().all(|(name, value)| labels.get(name) == Some(value))
        });
        selected.map(|(reference, _)| reference.name.as_str()).collect()
    }

    pub(crate) fn wanted(&self, deployment: &str) -> u64 {
        self.number(deployment, "/spec/replicas")
    }

    pub(crate) fn ready(&self, deployment: &str) -> u64 {
        self.number(deployment, "/status/readyReplicas")
    }

    fn number(&self, deployment: &str, pointer: &str) -> u64 {
        let object = self.live.objects.get(&Reference::deployment(deployment));
        object.and_then(|object| object.pointer(pointer)).and_then(Json::as_u64).unwrap_or(0)
    }

    /// Does the write; false if the object has changed since it was read.
    pub(crate) fn write(&mut self, write: &Write, random: &mut Random) -> bool {
        let reference = write.reference().clone();
        let there = self.live.objects.get(&reference);
        if let Write::Merge(_, patch) = write {
            let read = patch.pointer("/metadata/resourceVersion");
            let is_stale = |there: &Json| {
                read.is_some_and(|read| there.pointer("/metadata/resourceVersion") != Some(read))
            };
            if there.is_none_or(is_stale) {
                return false;
            }
        }
        let after = write.onto(there);
        if reference.kind != "Deployment" {
            self.synced_ms = self.now_ms + i64::try_from(random.below(20_000)).unwrap();
        }
        match after {
            Some(object) => self.put(reference, object),
            None => {
                self.live.objects.remove(&reference);
            }
        }
        true
    }

    pub(crate) fn put(&mut self, reference: Reference, mut object: Json) {
        self.version += 1;
        let before = self.live.objects.get(&reference).cloned().unwrap_or(Json::Null);
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        if before["spec"] != object["spec"] {
            let generation = before["metadata"]["generation"].as_u64().unwrap_or(0) + 1;
            object["metadata"]["generation"] = generation.into();
        }
        self.live.objects.insert(reference, object);
    }

    /// Some time passes, and the controllers do some of their work.
    pub(crate) fn pass(&mut self, random: &mut Random) {
        self.now_ms += i64::try_from(random.below(8_000)).unwrap();
        let broken = self.broken.clone();
        for (reference, object) in &mut self.live.objects {
            match reference.kind {
                "Deployment" => move_pods(object, broken.contains(&reference.name), random),
                "HTTPRoute" if !random.one_in(4) => accept(object),
                _ => {}
            }
        }
    }

    /// Some pods of a version are lost.
    pub(crate) fn lose_pods(&mut self, random: &mut Random) {
        let deployments: Vec<_> =
            self.live.objects.keys().filter(|reference| reference.kind == "Deployment").cloned().collect();
        let Some(object) = self.live.objects.get_mut(random.of(&deployments)) else { return };
        let ready = object["status"]["readyReplicas"].as_u64().unwrap_or(0);
        object["status"]["readyReplicas"] = random.below(ready + 1).into();
    }
}

/// Ready pods come one by one, in no certain time; what is too much goes, and what is not ready goes first.
fn move_pods(object: &mut Json, is_broken: bool, random: &mut Random) {
    let wanted = object["spec"]["replicas"].as_u64().unwrap_or(0);
    let ready = object["status"]["readyReplicas"].as_u64().unwrap_or(0);
    let next = match ready.cmp(&wanted) {
        std::cmp::Ordering::Less if is_broken => ready,
        std::cmp::Ordering::Less => ready + random.below(3).min(wanted - ready),
        std::cmp::Ordering::Equal => ready,
        std::cmp::Ordering::Greater => ready - random.below(3).min(ready - wanted),
    };
    object["status"]["readyReplicas"] = next.into();
}

fn accept(object: &mut Json) {
    let generation = object["metadata"]["generation"].clone();
    let holds = |kind: &str| json!({ "type": kind, "status": "True", "observedGeneration": generation });
    let conditions = [holds("Accepted"), holds("ResolvedRefs")];
    object["status"] = json!({ "parents": [{ "conditions": conditions }] });
}
