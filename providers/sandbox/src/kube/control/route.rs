//! Which change concerns which controller.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Context, account, budget, collector, daemon_set, definition, deployment, endpoints, gateway, ingress,
    install, job, kubelet, mesh, namespace, node, replica_set, role, service, stateful_set,
};
use crate::kube::access;
use crate::kube::net::route::gateway as gateway_api;
use crate::kube::net::route::ingress::class;
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
    Install(Key),
    /// The roles that every guarded world has, and those that gather others.
    Roles,
    /// A namespace that needs the mesh's root certificate.
    MeshRoot(Key),
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
    Ingress(Key),
    /// The controller of a class that may not be needed any more.
    IngressClass(String),
    GatewayClass(Key),
    Gateway(Key),
    Route(Key),
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
        "ingresses.networking.k8s.io" => ingress_changed(change, ready),
        resource if resource == "services" || resource.ends_with(gateway_api::GROUP) => {
            ready.extend(own_tasks(resource, &key, change.removed));
            gateways_concerned(change, state, ready);
        }
        resource => ready.extend(own_tasks(resource, &key, change.removed)),
    }
    owner_changed(change, ready);
    mesh_changed(change, state, ready);
    if change.removed {
        ready.insert(Task::Orphans(object::uid(object).to_owned()));
        namespace_drained(change, state, ready);
    } else if !list(object, "/metadata/ownerReferences").is_empty() || object::is_terminating(object) {
        ready.insert(Task::Collect(Arc::clone(&change.resource), key));
    }
}

/// What the controllers of the changed object itself have to do.
fn own_tasks(resource: &str, key: &Key, removed: bool) -> Vec<Task> {
    let own = key;
    let key = || key.clone();
    match resource {
        "customresourcedefinitions.apiextensions.k8s.io" => vec![Task::Definition(key())],
        access::CLUSTER_ROLES => vec![Task::Roles],
        "namespaces" if own.name == "kube-system" => {
            let mut tasks = namespace_tasks(own);
            tasks.push(Task::Roles);
            tasks
        }
        "namespaces" => namespace_tasks(own),
        "serviceaccounts" if removed => vec![Task::Account(Key::new("", &key().namespace))],
        "deployments.apps" => vec![Task::Deployment(key())],
        "replicasets.apps" => vec![Task::ReplicaSet(key())],
        "statefulsets.apps" => vec![Task::StatefulSet(key())],
        "daemonsets.apps" => vec![Task::DaemonSet(key())],
        "jobs.batch" => vec![Task::Job(key())],
        "poddisruptionbudgets.policy" => vec![Task::Budget(key())],
        "endpoints" => vec![Task::Endpoints(key())],
        "persistentvolumeclaims" => vec![Task::Claim(key())],
        "services" => vec![Task::Service(key()), Task::Endpoints(key())],
        gateway::CLASSES => vec![Task::GatewayClass(key())],
        gateway_api::GATEWAYS => vec![Task::Gateway(key())],
        gateway_api::ROUTES => vec![Task::Route(key())],
        _ => Vec::new(),
    }
}

fn namespace_tasks(key: &Key) -> Vec<Task> {
    let key = || key.clone();
    vec![Task::Namespace(key()), Task::Account(key()), Task::Install(key()), Task::MeshRoot(key())]
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
    if change.removed || matches!(text(&change.object, "/status/phase"), "Succeeded" | "Failed") {
        // It makes room for pods that it was in the way of.
        let unscheduled = state.store.list("pods", None).filter(|pod| text(pod, "/spec/nodeName").is_empty());
        ready.extend(unscheduled.map(|pod| Task::Pod(Key::of(pod))));
    }
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

/// A new istiod, or another root of trust, concerns every namespace; a lost root one.
fn mesh_changed(change: &Change, state: &State, ready: &mut BTreeSet<Task>) {
    let object = &change.object;
    let everywhere = match (&*change.resource, object::name(object)) {
        ("secrets", "cacerts") => true,
        ("deployments.apps", _) => {
            change.before.is_none() && text(object, "/spec/template/metadata/labels/app") == "istiod"
        }
        ("configmaps", mesh::ROOT_CONFIG) => {
            ready.insert(Task::MeshRoot(Key::new("", object::namespace(object))));
            false
        }
        _ => false,
    };
    if everywhere {
        ready.extend(state.store.list("namespaces", None).map(|own| Task::MeshRoot(Key::of(own))));
    }
}

fn node_changed(change: &Change, state: &State, ready: &mut BTreeSet<Task>) {
    ready.insert(Task::Node(Key::of(&change.object)));
    ready.extend(state.store.list("daemonsets.apps", None).map(|set| Task::DaemonSet(Key::of(set))));
    let name = object::name(&change.object);
    let concerned = |pod: &&Arc<serde_json::Value>| {
        matches!(text(pod, "/spec/nodeName"), "") || text(pod, "/spec/nodeName") == name
    };
    ready.extend(state.store.list("pods", None).filter(concerned).map(|pod| Task::Pod(Key::of(pod))));
}

/// An Ingress's change concerns its class; a former one may not be needed any more.
fn ingress_changed(change: &Change, ready: &mut BTreeSet<Task>) {
    ready.insert(Task::Ingress(Key::of(&change.object)));
    let former = change.before.as_ref().map(|before| class(before).to_owned());
    let left = former.filter(|former| change.removed || former != class(&change.object));
    ready.extend(left.map(Task::IngressClass));
}

/// Routes refer to Services and Gateways, and Gateways count their routes.
fn gateways_concerned(change: &Change, state: &State, ready: &mut BTreeSet<Task>) {
    let all = |resource: &str| -> Vec<Key> {
        state.store.list(resource, None).map(|object| Key::of(object)).collect()
    };
    if &*change.resource != gateway_api::ROUTES
        && (change.before.is_none() || change.removed || spec_changed(change))
    {
        ready.extend(all(gateway_api::ROUTES).into_iter().map(Task::Route));
    }
    if &*change.resource != "services" && &*change.resource != gateway_api::GATEWAYS {
        ready.extend(all(gateway_api::GATEWAYS).into_iter().map(Task::Gateway));
    }
}

fn spec_changed(change: &Change) -> bool {
    change.before.as_ref().is_some_and(|before| before["spec"] != change.object["spec"])
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
        Task::Install(key) => install::reconcile(state, context, key),
        Task::Roles => {
            role::establish(state, context.now);
            None
        }
        Task::MeshRoot(key) => mesh::publish_root(state, context, key),
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
        Task::Ingress(_) | Task::GatewayClass(_) | Task::Gateway(_) | Task::Route(_)
            if !context.options.routers =>
        {
            None
        }
        Task::Ingress(key) => ingress::reconcile(state, context, key),
        Task::IngressClass(class) => {
            ingress::close_unused(state, context, class);
            None
        }
        Task::GatewayClass(key) => gateway::reconcile_class(state, context, key),
        Task::Gateway(key) => gateway::reconcile(state, context, key),
        Task::Route(key) => gateway::reconcile_route(state, context, key),
        Task::Collect(resource, key) => collector::collect(state, context, resource, key),
        Task::Orphans(uid) => collector::abandon(state, context, uid),
    }
}
