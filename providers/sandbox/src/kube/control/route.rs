//! Which change concerns which controller.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Context, account, budget, collector, daemon_set, definition, deployment, endpoints, job, kubelet,
    namespace, node, replica_set, service, stateful_set,
};
use crate::kube::object::{self, controller, list, text};
use crate::kube::state::State;
use crate::kube::store::{Change, Key};

/// One object that a controller looks at again. The order is that of importance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    Definition(Key),
    Node(Key),
    Namespace(Key),
    Account(Key),
    Deployment(Key),
    ReplicaSet(Key),
    StatefulSet(Key),
    DaemonSet(Key),
    Job(Key),
    Pod(Key),
    Claim(Key),
    Budget(Key),
    Service(Key),
    Endpoints(Key),
    /// Objects whose owner is gone or wants them gone.
    Collect(Arc<str>, Key),
    /// The dependents of an object that is gone.
    Orphans(String),
}

/// Makes due what a change concerns.
pub(super) fn route(change: &Change, state: &State, ready: &mut BTreeSet<Task>) {
    let key = Key::of(&change.object);
    let object = &change.object;
    match &*change.resource {
        "nodes" => node_changed(change, state, ready),
        "configmaps" | "secrets" => content_changed(change, state, ready),
        "pods" => pod_changed(change, state, ready),
        resource => ready.extend(own_tasks(resource, &key, change.removed)),
    }
    owner_changed(change, ready);
    if change.removed {
        ready.insert(Task::Orphans(object::uid(object).to_owned()));
        namespace_drained(change, state, ready);
    } else if !list(object, "/metadata/ownerReferences").is_empty() || object::is_terminating(object) {
        ready.insert(Task::Collect(Arc::clone(&change.resource), key));
    }
}

/// What the controllers of the changed object itself have to do.
fn own_tasks(resource: &str, key: &Key, removed: bool) -> Vec<Task> {
    let key = || key.clone();
    match resource {
        "customresourcedefinitions.apiextensions.k8s.io" => vec![Task::Definition(key())],
        "namespaces" => vec![Task::Namespace(key()), Task::Account(key())],
        "serviceaccounts" if removed => vec![Task::Account(Key::new("", &key().namespace))],
        "deployments.apps" => vec![Task::Deployment(key())],
        "replicasets.apps" => vec![Task::ReplicaSet(key())],
        "statefulsets.apps" => vec![Task::StatefulSet(key())],
        "daemonsets.apps" => vec![Task::DaemonSet(key())],
        "jobs.batch" => vec![Task::Job(key())],
        "poddisruptionbudgets.policy" => vec![Task::Budget(key())],
        "persistentvolumeclaims" => vec![Task::Claim(key())],
        "services" => vec![Task::Service(key()), Task::Endpoints(key())],
        _ => Vec::new(),
    }
}

/// The controller of a changed object may have to act.
fn owner_changed(change: &Change, ready: &mut BTreeSet<Task>) {
    let Some(owner) = controller(&change.object) else { return };
    let key = Key::new(object::namespace(&change.object), text(owner, "/name"));
    let task = match text(owner, "/kind") {
        "Deployment" => Task::Deployment(key),
        "ReplicaSet" => Task::ReplicaSet(key),
        "StatefulSet" => Task::StatefulSet(key),
        "DaemonSet" => Task::DaemonSet(key),
        "Job" => Task::Job(key),
        _ => return,
    };
    ready.insert(task);
}

/// A pod's change concerns the kubelet and the Services that select it.
fn pod_changed(change: &Change, state: &State, ready: &mut BTreeSet<Task>) {
    let key = Key::of(&change.object);
    for service in state.store.list("services", Some(&key.namespace)) {
        let selects = |pod: &serde_json::Value| endpoints::selects(service, pod);
        if selects(&change.object) || change.before.as_ref().is_some_and(|before| selects(before)) {
            ready.insert(Task::Endpoints(Key::of(service)));
        }
    }
    ready.extend(budget::of_pod(state, &change.object).into_iter().map(Task::Budget));
    ready.insert(Task::Pod(key));
}

/// Pods that wait for a ConfigMap or Secret may go on.
fn content_changed(change: &Change, state: &State, ready: &mut BTreeSet<Task>) {
    let namespace = object::namespace(&change.object);
    if change.before.is_some() && !change.removed {
        return;
    }
    let waiting =
        state.store.list("pods", Some(namespace)).filter(|pod| text(pod, "/status/phase") == "Pending");
    ready.extend(waiting.map(|pod| Task::Pod(Key::of(pod))));
    if change.removed && object::name(&change.object) == account::ROOT_CA {
        ready.insert(Task::Account(Key::new("", namespace)));
    }
}

fn node_changed(change: &Change, state: &State, ready: &mut BTreeSet<Task>) {
    ready.insert(Task::Node(Key::of(&change.object)));
    ready.extend(state.store.list("daemonsets.apps", None).map(|set| Task::DaemonSet(Key::of(set))));
    let unscheduled = state.store.list("pods", None).filter(|pod| text(pod, "/spec/nodeName").is_empty());
    ready.extend(unscheduled.map(|pod| Task::Pod(Key::of(pod))));
}

fn namespace_drained(change: &Change, state: &State, ready: &mut BTreeSet<Task>) {
    let namespace = object::namespace(&change.object);
    let ending = state.get("namespaces", "", namespace).is_some_and(|found| object::is_terminating(found));
    if ending {
        ready.insert(Task::Namespace(Key::new("", namespace)));
    }
}

/// Runs a task; when to run it again, if nothing changes before.
pub(super) fn reconcile(task: &Task, state: &mut State, context: &mut Context<'_>) -> Option<Duration> {
    match task {
        Task::Definition(key) => definition::reconcile(state, context, key),
        Task::Node(key) => node::reconcile(state, context, key),
        Task::Namespace(key) => namespace::reconcile(state, context, key),
        Task::Account(key) => account::reconcile(state, context, key),
        Task::Deployment(key) => deployment::reconcile(state, context, key),
        Task::ReplicaSet(key) => replica_set::reconcile(state, context, key),
        Task::StatefulSet(key) => stateful_set::reconcile(state, context, key),
        Task::DaemonSet(key) => daemon_set::reconcile(state, context, key),
        Task::Job(key) => job::reconcile(state, context, key),
        Task::Pod(key) => kubelet::reconcile(state, context, key),
        Task::Claim(key) => stateful_set::bind_claim(state, context, key),
        Task::Budget(key) => budget::reconcile(state, context, key),
        Task::Service(key) => service::reconcile(state, context, key),
        Task::Endpoints(key) => endpoints::reconcile(state, context, key),
        Task::Collect(resource, key) => collector::collect(state, context, resource, key),
        Task::Orphans(uid) => collector::abandon(state, context, uid),
    }
}
