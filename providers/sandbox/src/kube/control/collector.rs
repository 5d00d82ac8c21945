//! The garbage collector: what happens to objects whose owners go.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Context;
use super::api::{Api, CONTROLLER_MANAGER};
use crate::kube::merge::{Managers, Path, PathElement};
use crate::kube::object::{self, flag, list, text};
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::write::{FOREGROUND, ORPHAN};

/// Looks at an object that has owners, or that is to go.
pub(super) fn collect(
    state: &mut State,
    context: &mut Context<'_>,
    resource: &str,
    key: &Key,
) -> Option<Duration> {
    let object = Arc::clone(state.store.get(resource, key)?);
    if object::is_terminating(&object) {
        let finalizers = list(&object, "/metadata/finalizers");
        if finalizers.iter().any(|own| own == ORPHAN) {
            orphan_dependents(state, context, resource, &object);
        } else if finalizers.iter().any(|own| own == FOREGROUND) {
            delete_dependents_first(state, context, resource, &object);
        }
        return None;
    }
    let owners = list(&object, "/metadata/ownerReferences");
    let lost = |owner: &Value| context.owners.find(text(owner, "/uid")).is_none();
    if !owners.is_empty() && owners.iter().all(lost) {
        let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
        // An object that changed or went meanwhile is looked at again, or need not be.
        let _ = api.delete(&object);
    }
    None
}

/// Looks at the dependents of an object that is gone, and at owners that wait for it to go.
pub(super) fn abandon(state: &mut State, context: &mut Context<'_>, uid: &str) -> Option<Duration> {
    for (resource, keys) in context.owners.of(uid) {
        for key in keys {
            collect(state, context, &resource, &key);
        }
    }
    waiting_owners(state, context);
    None
}

/// Owners that wait for their dependents to go first.
fn waiting_owners(state: &mut State, context: &mut Context<'_>) {
    let waiting: Vec<(Arc<str>, Arc<Value>)> = state
        .store
        .all()
        .filter(|(_, object)| object::is_terminating(object))
        .filter(|(_, object)| list(object, "/metadata/finalizers").iter().any(|own| own == FOREGROUND))
        .map(|(resource, object)| (Arc::clone(resource), Arc::clone(object)))
        .collect();
    for (resource, object) in waiting {
        delete_dependents_first(state, context, &resource, &object);
    }
}

fn orphan_dependents(state: &mut State, context: &mut Context<'_>, resource: &str, owner: &Arc<Value>) {
    let uid = object::uid(owner);
    for (resource, keys) in context.owners.of(uid) {
        for key in keys {
            let Some(dependent) = state.store.get(&resource, &key).map(|found| Value::clone(found)) else {
                continue;
            };
            let mut free = dependent;
            let kept: Vec<Value> = list(&free, "/metadata/ownerReferences")
                .iter()
                .filter(|own| text(own, "/uid") != uid)
                .cloned()
                .collect();
            if kept.is_empty() {
                object::remove(&mut free, &["metadata", "ownerReferences"]);
            } else {
                object::metadata(&mut free)["ownerReferences"] = Value::Array(kept);
            }
            Managers::disown(&mut free, &owner_references());
            state.store.put(&resource, free);
        }
    }
    state.finalize(resource, owner, ORPHAN);
}

fn owner_references() -> Path {
    Path(["metadata", "ownerReferences"].map(PathElement::field).to_vec())
}

fn delete_dependents_first(state: &mut State, context: &mut Context<'_>, resource: &str, owner: &Arc<Value>) {
    let uid = object::uid(owner).to_owned();
    let mut blocked = false;
    for (resource, keys) in context.owners.of(&uid) {
        for key in keys {
            let Some(dependent) = state.store.get(&resource, &key).cloned() else { continue };
            let reference = list(&dependent, "/metadata/ownerReferences");
            blocked |=
                reference.iter().any(|own| text(own, "/uid") == uid && flag(own, "/blockOwnerDeletion"));
            if !object::is_terminating(&dependent) {
                let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
                // What cannot be deleted stays, and holds its owner.
                let _ = api.delete(&dependent);
            }
        }
    }
    if !blocked {
        state.finalize(resource, owner, FOREGROUND);
    }
}
