//! The end of a namespace: its content goes first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::api::{Api, CONTROLLER_MANAGER};
use super::{Context, condition};
use crate::kube::object;
use crate::kube::state::State;
use crate::kube::store::Key;

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let namespace = Arc::clone(state.store.get("namespaces", key)?);
    if !object::is_terminating(&namespace) {
        return None;
    }
    let content: Vec<Arc<Value>> = contents(state, &key.name);
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    for object in content.iter().filter(|object| !object::is_terminating(object)) {
        // What cannot be deleted now stays, and holds the namespace.
        let _ = api.delete(object);
    }
    let left = contents(api.state, &key.name);
    if left.is_empty() {
        end(api.state, &namespace);
    } else {
        tell_what_remains(&mut api, &namespace, &left);
    }
    None
}

fn contents(state: &State, namespace: &str) -> Vec<Arc<Value>> {
    let all = state.store.all().map(|(_, object)| object);
    all.filter(|object| object::namespace(object) == namespace).cloned().collect()
}

fn end(state: &mut State, namespace: &Value) {
    let mut empty = namespace.clone();
    object::remove(&mut empty, &["spec", "finalizers"]);
    if object::list(&empty, "/metadata/finalizers").is_empty() {
        state.store.remove("namespaces", &Key::of(namespace));
    } else if empty != *namespace {
        state.store.put("namespaces", empty);
    }
}

fn tell_what_remains(api: &mut Api<'_>, namespace: &Value, left: &[Arc<Value>]) {
    let finalizers = tally(
        left.iter().flat_map(|object| object::list(object, "/metadata/finalizers")).filter_map(Value::as_str),
    );
    if finalizers.is_empty() {
        return;
    }
    let plurals = tally(left.iter().map(|object| {
        let kind =
            api.state.registry.by_kind(object::text(object, "/apiVersion"), object::text(object, "/kind"));
        kind.map_or("", |resource| resource.plural.as_str())
    }));
    let list = |counts: &BTreeMap<String, usize>, join: &str| {
        let parts = counts.iter().map(|(name, count)| format!("{name}{join}{count} resource instances"));
        parts.collect::<Vec<_>>().join(", ")
    };
    let remaining = format!("Some resources are remaining: {}", list(&plurals, ". has "));
    let held =
        format!("Some content in the namespace has finalizers remaining: {}", list(&finalizers, " in "));
    let now = api.time();
    let mut told = namespace.clone();
    let done = "All content successfully deleted, may be waiting on finalization";
    for (kind, status, reason, message) in [
        ("DeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
        (
            "DeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        ("DeletionContentFailure", "False", "ContentDeleted", done),
        ("ContentRemaining", "True", "SomeResourcesRemain", &remaining),
        ("FinalizersRemaining", "True", "SomeFinalizersRemain", &held),
    ] {
        condition::set(&mut told, &format!("Namespace{kind}"), status, reason, message, &now);
    }
    if told != *namespace {
        // A conflict makes the namespace change again, and with it this task due.
        let _ = api.update_status(&told);
    }
}

/// How often each name occurs.
fn tally<'n>(names: impl Iterator<Item = &'n str>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name.to_owned()).or_insert(0) += 1;
    }
    counts
}
