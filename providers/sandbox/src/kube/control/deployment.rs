//! Deployments: one ReplicaSet per template, rolled from the old ones to the new one.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Context;
use super::api::{Api, CONTROLLER_MANAGER};
use super::rollout::{Count, Limits, new_replicas, old_replicas};
use super::template::{TEMPLATE_HASH, hash, is_active, labelled, pods_of, unlabelled};
use crate::kube::object::{self, child, flag, integer, list, map, text};
use crate::kube::state::State;
use crate::kube::store::Key;

const SETS: &str = "replicasets.apps";
const COMPONENT: &str = "deployment-controller";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let deployment = Arc::clone(state.store.get("deployments.apps", key)?);
    if object::is_terminating(&deployment) {
        return None;
    }
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    let mut rollout = Rollout::of(&mut api, context, &deployment);
    if !flag(&deployment, "/spec/paused") {
        rollout.ensure_new(&mut api);
    }
    rollout.scale(&mut api);
    rollout.forget_old(&mut api);
    rollout.tell(&mut api)
}

/// A Deployment with its ReplicaSets.
struct Rollout {
    deployment: Arc<Value>,
    new: Option<Arc<Value>>,
    /// Older sets, by revision.
    old: Vec<Arc<Value>>,
    limits: Limits,
    created: bool,
    now: Timestamp,
}

impl Rollout {
    fn of(api: &mut Api<'_>, context: &Context<'_>, deployment: &Arc<Value>) -> Self {
        let keys = context.owners.of_in(object::uid(deployment), SETS);
        let mut sets: Vec<Arc<Value>> =
            keys.iter().filter_map(|key| api.state.store.get(SETS, key).cloned()).collect();
        sets.sort_by_key(|set| revision(set));
        let template = &deployment["spec"]["template"];
        let at = sets.iter().position(|set| same_template(&set["spec"]["template"], template));
        let new = at.map(|at| sets.remove(at));
        Self {
            deployment: Arc::clone(deployment),
            new,
            old: sets,
            limits: Limits::of(deployment),
            created: false,
            now: context.now,
        }
    }

    /// Makes the set of the present template, or gives it the newest revision.
    fn ensure_new(&mut self, api: &mut Api<'_>) {
        let newest_old = self.old.iter().map(|set| revision(set)).max().unwrap_or(0);
        let wanted = newest_old + 1;
        if let Some(new) = self.new.clone() {
            let revision = revision(&new).max(wanted);
            self.new = Some(self.annotate(api, &new, revision));
            self.annotate_deployment(api, revision);
            return;
        }
        self.new = self.create(api, wanted);
        self.created = self.new.is_some();
        self.annotate_deployment(api, wanted);
    }

    fn create(&self, api: &mut Api<'_>, revision: i64) -> Option<Arc<Value>> {
        let template = &self.deployment["spec"]["template"];
        for collisions in 0..8 {
            let hash = hash(template, collisions);
            let set = self.new_set(&hash, revision);
            match api.create(&set) {
                Ok(set) => return Some(set),
                Err(error) if error.code() == 409 => {}
                Err(error) => {
                    let message = format!("Failed to create new replica set: {}", error.message());
                    api.event(&self.deployment, COMPONENT, "Warning", "ReplicaSetCreateError", &message);
                    return None;
                }
            }
        }
        None
    }

    fn new_set(&self, hash: &str, revision: i64) -> Value {
        let deployment = &self.deployment;
        let template = labelled(&deployment["spec"]["template"], TEMPLATE_HASH, hash);
        let mut selector = deployment["spec"]["selector"].clone();
        child(&mut selector, "matchLabels")[TEMPLATE_HASH] = json!(hash);
        let mut set = json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": format!("{}-{hash}", object::name(deployment)),
                "namespace": object::namespace(deployment),
                "labels": template["metadata"]["labels"],
                "annotations": {},
                "ownerReferences": [object::controller_reference(deployment)],
            },
            "spec": { "replicas": 0, "selector": selector, "template": template },
        });
        if let Some(seconds) = integer(deployment, "/spec/minReadySeconds") {
            set["spec"]["minReadySeconds"] = json!(seconds);
        }
        self.set_annotations(&mut set, revision);
        set
    }

    fn set_annotations(&self, set: &mut Value, revision: i64) {
        let copied = map(&self.deployment, "/metadata/annotations").iter();
        let copied = copied.filter(|(key, _)| *key != LAST_APPLIED && *key != REVISION);
        let annotations = child(object::metadata(set), "annotations");
        for (key, value) in copied {
            annotations[key.as_str()] = value.clone();
        }
        annotations[REVISION] = json!(revision.to_string());
        annotations[DESIRED] = json!(self.limits.replicas.to_string());
        annotations[MAXIMUM] = json!(self.limits.total_max().to_string());
    }

    fn annotate(&self, api: &mut Api<'_>, set: &Arc<Value>, revision: i64) -> Arc<Value> {
        let mut annotated = Value::clone(set);
        self.set_annotations(&mut annotated, revision);
        if annotated == **set {
            return Arc::clone(set);
        }
        // On a conflict the set changes again, and with it this Deployment is due.
        api.update(&annotated).unwrap_or_else(|_| Arc::clone(set))
    }

    fn annotate_deployment(&mut self, api: &mut Api<'_>, revision: i64) {
        let mut annotated = Value::clone(&self.deployment);
        child(object::metadata(&mut annotated), "annotations")[REVISION] = json!(revision.to_string());
        if annotated != *self.deployment
            && let Ok(stored) = api.update_status(&annotated)
        {
            self.deployment = stored;
        }
    }

    /// Scales the sets as far as the strategy allows now.
    fn scale(&mut self, api: &mut Api<'_>) {
        let Some(new) = self.new.clone() else { return };
        if text(&self.deployment, "/spec/strategy/type") == "Recreate" {
            return self.recreate(api, &new);
        }
        if flag(&self.deployment, "/spec/paused") {
            return self.scale_paused(api, &new);
        }
        let old: Vec<Count> = self.old.iter().map(|set| count(set)).collect();
        let wanted = new_replicas(self.limits, count(&new), &old);
        let new = self.set_replicas(api, &new, wanted);
        self.new = Some(Arc::clone(&new));
        let kept = old_replicas(self.limits, count(&new), &old);
        for (index, kept) in kept.into_iter().enumerate() {
            self.scale_old(api, index, kept);
        }
    }

    /// The old pods end before the new ones start.
    fn recreate(&mut self, api: &mut Api<'_>, new: &Arc<Value>) {
        for index in 0..self.old.len() {
            self.scale_old(api, index, 0);
        }
        let old_pods = self.old.iter().flat_map(|set| pods_of(api.state, set));
        let lingering =
            old_pods.filter(|pod| !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")).count();
        if lingering == 0 {
            self.new = Some(self.set_replicas(api, new, self.limits.replicas));
        }
    }

    /// A paused Deployment is scaled, but not rolled: if only one set has pods, it takes the change.
    fn scale_paused(&mut self, api: &mut Api<'_>, new: &Arc<Value>) {
        let active: Vec<usize> = (0..self.old.len())
            .filter(|at| self.old.get(*at).is_some_and(|set| count(set).wanted > 0))
            .collect();
        match active.as_slice() {
            [] => self.new = Some(self.set_replicas(api, new, self.limits.replicas)),
            [only] if count(new).wanted == 0 => self.scale_old(api, *only, self.limits.replicas),
            _ => {}
        }
    }

    fn scale_old(&mut self, api: &mut Api<'_>, index: usize, replicas: i64) {
        let Some(set) = self.old.get(index).cloned() else { return };
        let scaled = self.set_replicas(api, &set, replicas);
        if let Some(slot) = self.old.get_mut(index) {
            *slot = scaled;
        }
    }

    fn set_replicas(&self, api: &mut Api<'_>, set: &Arc<Value>, replicas: i64) -> Arc<Value> {
        let before = count(set).wanted;
        if before == replicas {
            return Arc::clone(set);
        }
        let mut scaled = Value::clone(set);
        scaled["spec"]["replicas"] = json!(replicas);
        let annotations = child(object::metadata(&mut scaled), "annotations");
        annotations[DESIRED] = json!(self.limits.replicas.to_string());
        annotations[MAXIMUM] = json!(self.limits.total_max().to_string());
        // On a conflict the set changes again, and with it this Deployment is due.
        let Ok(stored) = api.update(&scaled) else { return Arc::clone(set) };
        let way = if replicas > before { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {before} to {replicas}", object::name(set));
        api.event(&self.deployment, COMPONENT, "Normal", "ScalingReplicaSet", &message);
        stored
    }

    /// Deletes old sets beyond the history's limit.
    fn forget_old(&mut self, api: &mut Api<'_>) {
        let limit = integer(&self.deployment, "/spec/revisionHistoryLimit").unwrap_or(10);
        let limit = usize::try_from(limit).unwrap_or(0);
        let idle: Vec<Arc<Value>> = self
            .old
            .iter()
            .filter(|set| count(set).wanted == 0 && integer(set, "/status/replicas").unwrap_or(0) == 0)
            .filter(|set| !object::is_terminating(set))
            .cloned()
            .collect();
        for set in idle.iter().take(idle.len().saturating_sub(limit)) {
            // What cannot be deleted now is tried again with the next change.
            let _ = api.delete(set);
        }
    }

    /// Writes the status; when the progress deadline is to be looked at.
    fn tell(&self, api: &mut Api<'_>) -> Option<Duration> {
        let mut told = Value::clone(&self.deployment);
        self.counts(api, &mut told);
        let again = self.conditions(&mut told);
        if told != *self.deployment {
            // On a conflict the Deployment changes again, and this task is due.
            let _ = api.update_status(&told);
        }
        again
    }

    fn counts(&self, api: &Api<'_>, told: &mut Value) {
        let sets: Vec<&Arc<Value>> = self.old.iter().chain(&self.new).collect();
        let sum = |field: &str| -> i64 {
            sets.iter().filter_map(|set| integer(set, &format!("/status/{field}"))).sum()
        };
        let updated = self.new.as_ref().and_then(|new| integer(new, "/status/replicas")).unwrap_or(0);
        let (total, available) = (sum("replicas"), sum("availableReplicas"));
        let wanted = sets.iter().map(|set| count(set).wanted).sum::<i64>();
        let terminating: usize = sets
            .iter()
            .map(|set| {
                pods_of(api.state, set)
                    .iter()
                    .filter(|pod| !is_active(pod) && object::is_terminating(pod))
                    .count()
            })
            .sum();
        let status = child(told, "status");
        status["observedGeneration"] = self.deployment["metadata"]["generation"].clone();
        for (field, value) in [
            ("replicas", total),
            ("updatedReplicas", updated),
            ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", available),
            ("unavailableReplicas", (wanted - available).max(0)),
        ] {
            if value == 0 {
                object::remove(status, &[field]);
            } else {
                status[field] = json!(value);
            }
        }
        status["terminatingReplicas"] = json!(terminating);
    }

    fn conditions(&self, told: &mut Value) -> Option<Duration> {
        let available = integer(told, "/status/availableReplicas").unwrap_or(0);
        if available >= self.limits.replicas - self.limits.unavailable {
            let message = "Deployment has minimum availability.";
            self.set_condition(told, "Available", "True", "MinimumReplicasAvailable", message);
        } else {
            let message = "Deployment does not have minimum availability.";
            self.set_condition(told, "Available", "False", "MinimumReplicasUnavailable", message);
        }
        self.progress(told)
    }

    fn progress(&self, told: &mut Value) -> Option<Duration> {
        if flag(told, "/spec/paused") {
            self.set_condition(told, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused");
            return None;
        }
        let Some(new) = &self.new else { return None };
        let name = object::name(new);
        if self.is_complete(told) {
            let message = format!("ReplicaSet {name:?} has successfully progressed.");
            self.set_condition(told, "Progressing", "True", "NewReplicaSetAvailable", &message);
            return None;
        }
        let known =
            list(&self.deployment, "/status/conditions").iter().find(|own| own["type"] == "Progressing");
        let was_complete = known.is_some_and(|known| known["reason"] == "NewReplicaSetAvailable");
        if self.created {
            let message = format!("Created new replica set {name:?}");
            self.set_condition(told, "Progressing", "True", "NewReplicaSetCreated", &message);
        } else if self.has_progressed(told) || known.is_none() {
            let message = format!("ReplicaSet {name:?} is progressing.");
            self.renew_condition(told, "ReplicaSetUpdated", &message);
        } else if was_complete && !self.rolls() {
            // A pod of a finished rollout that is not ready is no new rollout: the deadline does not run.
            return None;
        }
        self.deadline(told, name)
    }

    /// Whether a rollout is under way, rather than a finished one with a pod that is not ready.
    fn rolls(&self) -> bool {
        self.old.iter().any(|set| count(set).wanted > 0)
            || self.new.as_ref().is_some_and(|new| {
                integer(new, "/status/observedGeneration") != integer(new, "/metadata/generation")
            })
    }

    fn deadline(&self, told: &mut Value, name: &str) -> Option<Duration> {
        let seconds = integer(told, "/spec/progressDeadlineSeconds")
            .filter(|seconds| *seconds < i64::from(i32::MAX))?;
        let known = list(told, "/status/conditions").iter().find(|own| own["type"] == "Progressing")?;
        if known["reason"] == "ProgressDeadlineExceeded" {
            return None;
        }
        let since: Timestamp = text(known, "/lastUpdateTime").parse().ok()?;
        let left = seconds - (self.now.as_second() - since.as_second());
        if left > 0 {
            return Some(Duration::from_secs(left.unsigned_abs()));
        }
        let message = format!("ReplicaSet {name:?} has timed out progressing.");
        self.set_condition(told, "Progressing", "False", "ProgressDeadlineExceeded", &message);
        None
    }

    fn is_complete(&self, told: &Value) -> bool {
        let status = |field: &str| integer(told, &format!("/status/{field}")).unwrap_or(0);
        let wanted = self.limits.replicas;
        status("updatedReplicas") == wanted
            && status("replicas") == wanted
            && status("availableReplicas") == wanted
    }

    fn has_progressed(&self, told: &Value) -> bool {
        let of = |object: &Value, field: &str| integer(object, &format!("/status/{field}")).unwrap_or(0);
        let before = &*self.deployment;
        let grown = ["updatedReplicas", "readyReplicas", "availableReplicas"]
            .iter()
            .any(|field| of(told, field) > of(before, field));
        let old = |object: &Value| of(object, "replicas") - of(object, "updatedReplicas");
        grown || old(told) < old(before)
    }

    fn set_condition(&self, told: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
        let known = list(told, "/status/conditions").iter().find(|own| own["type"] == kind);
        let same = known.is_some_and(|known| known["status"] == status && known["reason"] == reason);
        if !same {
            self.put_condition(told, kind, status, reason, message);
        }
    }

    fn renew_condition(&self, told: &mut Value, reason: &str, message: &str) {
        self.put_condition(told, "Progressing", "True", reason, message);
    }

    fn put_condition(&self, told: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
        let now = crate::kube::clock::rfc3339(self.now);
        let mut conditions = list(told, "/status/conditions").to_vec();
        let known = conditions.iter().find(|own| own["type"] == kind);
        let since =
            known.filter(|known| known["status"] == status).map(|known| known["lastTransitionTime"].clone());
        conditions.retain(|own| own["type"] != kind);
        conditions.push(json!({
            "type": kind,
            "status": status,
            "lastUpdateTime": now,
            "lastTransitionTime": since.unwrap_or_else(|| json!(now)),
            "reason": reason,
            "message": message,
        }));
        child(told, "status")["conditions"] = Value::Array(conditions);
    }
}

fn revision(set: &Value) -> i64 {
    set["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn count(set: &Value) -> Count {
    Count {
        wanted: integer(set, "/spec/replicas").unwrap_or(1),
        available: integer(set, "/status/availableReplicas").unwrap_or(0),
    }
}

fn same_template(set: &Value, deployment: &Value) -> bool {
    unlabelled(set, TEMPLATE_HASH) == unlabelled(deployment, TEMPLATE_HASH)
}
