//! The end of a namespace: its content goes first.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

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
    let held: Vec<&str> = left
        .iter()
        .flat_map(|object| object::list(object, "/metadata/finalizers"))
        .filter_map(Value::as_str)
        .collect();
    if held.is_empty() {
        return;
    }
    let now = api.time();
    let mut told = namespace.clone();
    let kinds: Vec<&str> = left.iter().map(|object| object::text(object, "/kind")).collect();
    let remaining =
        format!("Some resources are remaining: {} has {} resource instances", kinds.join(", "), left.len());
    let finalizers = format!("Some content in the namespace has finalizers remaining: {}", held.join(", "));
    condition::set(&mut told, "NamespaceContentRemaining", "True", "SomeResourcesRemain", &remaining, &now);
    condition::set(
        &mut told,
        "NamespaceFinalizersRemaining",
        "True",
        "SomeFinalizersRemain",
        &finalizers,
        &now,
    );
    if told != *namespace {
        told["apiVersion"] = json!("v1");
        // A conflict makes the namespace change again, and with it this task due.
        let _ = api.update_status(&told);
    }
}
