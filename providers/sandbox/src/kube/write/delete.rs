//! Deletes: preconditions, finalizers, propagation.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::request::Request;
use super::update::is_released;
use crate::kube::clock::rfc3339;
use crate::kube::object;
use crate::kube::selector::Selector;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult, Subject};

/// The finalizers by which the garbage collector is told what to do with dependents.
pub(crate) const ORPHAN: &str = "orphan";
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

/// The finalizer by which a definition waits for the objects of its kind.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Kinds that are answered with when they are deleted at once; of the others there is but a `Status`.
const SHOWN: [(&str, &str); 7] = [
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("", "Pod"),
    ("", "PodTemplate"),
    ("", "ResourceQuota"),
    ("", "Service"),
    ("", "ServiceAccount"),
];

/// `metav1.DeleteOptions`, from a body or from parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_seconds: Option<i64>,
    pub(crate) propagation: Option<String>,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) dry_run: bool,
}

impl State {
    /// Deletes an object; answers with it, or with a `Status` where nothing of it is left to see.
    ///
    /// # Errors
    ///
    /// What the real server refuses a DELETE with.
    pub(crate) fn delete(&mut self, request: &Request, options: &DeleteOptions) -> ApiResult<Value> {
        let live = self.find(request)?;
        check_preconditions(request, &live, options)?;
        let namespace = request.resource.is("", "Namespace");
        if namespace {
            return Ok(self.end_namespace(request, &live));
        }
        if request.resource.is("apiextensions.k8s.io", "CustomResourceDefinition") {
            return Ok(self.end_definition(request, &live));
        }
        let finalizers = finalizers(request, &live, options);
        let grace = grace(request, &live, options);
        if object::is_terminating(&live) && (grace > 0 || !finalizers.is_empty()) {
            let had = object::list(&live, "/metadata/finalizers");
            if finalizers == had {
                return Ok(Value::clone(&live));
            }
        }
        if finalizers.is_empty() && grace == 0 {
            return Ok(self.vanish(request, &live));
        }
        Ok(self.mark(request, &live, finalizers, grace))
    }

    /// Deletes the objects of a resource (in a namespace) that a selector wants; answers with them.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete).
    pub(crate) fn delete_collection(
        &mut self,
        request: &Request,
        selector: &Selector,
        options: &DeleteOptions,
    ) -> ApiResult<Vec<Arc<Value>>> {
        let namespace =
            request.resource.namespaced.then_some(request.namespace.as_str()).filter(|n| !n.is_empty());
        let id = request.resource.id();
        let found: Vec<Arc<Value>> =
            self.store.list(&id, namespace).filter(|object| selector.matches(object)).cloned().collect();
        for object in &found {
            let mut one = request.clone();
            object::name(object).clone_into(&mut one.name);
            object::namespace(object).clone_into(&mut one.namespace);
            self.delete(&one, options)?;
        }
        Ok(found)
    }

    fn vanish(&mut self, request: &Request, live: &Arc<Value>) -> Value {
        let last =
            if request.dry_run { None } else { self.store.remove(&request.resource.id(), &request.key()) };
        if request.resource.builtin && SHOWN.contains(&(&*request.resource.group, &*request.resource.kind)) {
            let mut shown = Value::clone(&last.unwrap_or_else(|| Arc::clone(live)));
            if request.resource.is("", "Pod") && !object::is_terminating(&shown) {
                mark_terminating(request, &mut shown, 0);
            }
            return shown;
        }
        let mut details =
            json!({ "name": request.name, "kind": request.resource.plural, "uid": object::uid(live) });
        if !request.resource.group.is_empty() {
            details["group"] = json!(request.resource.group);
        }
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
    }

    /// Marks an object as terminating; who holds its finalizers ends it.
    fn mark(&mut self, request: &Request, live: &Arc<Value>, finalizers: Vec<Value>, grace: i64) -> Value {
        let mut new = Value::clone(live);
        mark_terminating(request, &mut new, grace);
        let metadata = object::metadata(&mut new);
        if finalizers.is_empty() {
            object::remove(metadata, &["finalizers"]);
        } else {
            metadata["finalizers"] = Value::Array(finalizers);
        }
        if request.dry_run {
            return new;
        }
        Value::clone(&self.store.put(&request.resource.id(), new))
    }

    fn end_namespace(&mut self, request: &Request, live: &Arc<Value>) -> Value {
        if object::is_terminating(live) {
            return Value::clone(live);
        }
        let mut new = Value::clone(live);
        object::metadata(&mut new)["deletionTimestamp"] = json!(request.time());
        object::set(&mut new, &["status", "phase"], json!("Terminating"));
        if request.dry_run {
            return new;
        }
        Value::clone(&self.store.put(&request.resource.id(), new))
    }

    /// A definition goes after the objects of its kind.
    fn end_definition(&mut self, request: &Request, live: &Arc<Value>) -> Value {
        if object::is_terminating(live) {
            return Value::clone(live);
        }
        let mut new = Value::clone(live);
        let mut finalizers = object::list(live, "/metadata/finalizers").to_vec();
        finalizers.push(json!(CLEANUP));
        let metadata = object::metadata(&mut new);
        metadata["deletionTimestamp"] = json!(request.time());
        metadata["finalizers"] = Value::Array(finalizers);
        let mut conditions = object::list(live, "/status/conditions").to_vec();
        conditions.push(json!({
            "type": "Terminating",
            "status": "True",
            "lastTransitionTime": request.time(),
            "reason": "InstanceDeletionPending",
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        }));
        object::child(&mut new, "status")["conditions"] = Value::Array(conditions);
        if request.dry_run {
            return new;
        }
        Value::clone(&self.store.put(&request.resource.id(), new))
    }

    /// Takes a finalizer off an object, and with the last one the object itself.
    pub(crate) fn finalize(&mut self, resource: &str, live: &Value, finalizer: &str) {
        let mut new = live.clone();
        let left: Vec<Value> = object::list(live, "/metadata/finalizers")
            .iter()
            .filter(|own| *own != finalizer)
            .cloned()
            .collect();
        if left.is_empty() {
            object::remove(&mut new, &["metadata", "finalizers"]);
        } else {
            object::metadata(&mut new)["finalizers"] = Value::Array(left);
        }
        if is_released(&new) {
            self.store.remove(resource, &crate::kube::store::Key::of(live));
        } else {
            self.store.put(resource, new);
        }
    }
}

/// Says in an object that it ends, after a time in seconds.
fn mark_terminating(request: &Request, object: &mut Value, grace: i64) {
    let metadata = object::metadata(object);
    if metadata.get("deletionTimestamp").is_none_or(Value::is_null) {
        let wait = Duration::from_secs(grace.unsigned_abs());
        let at = request.now.checked_add(wait).unwrap_or(request.now);
        metadata["deletionTimestamp"] = json!(rfc3339(at));
        if let Some(generation) = metadata.get("generation").and_then(Value::as_i64) {
            metadata["generation"] = json!(generation + 1);
        }
    }
    metadata["deletionGracePeriodSeconds"] = json!(grace);
}

pub(super) fn check_preconditions(request: &Request, live: &Value, options: &DeleteOptions) -> ApiResult<()> {
    let kind = Subject { resource: &request.resource.kind, ..request.subject() };
    let (uid, revision) = (object::uid(live), object::text(live, "/metadata/resourceVersion"));
    if let Some(given) = options.uid.as_deref().filter(|given| *given != uid) {
        return Err(ApiError::conflict(
            kind,
            &format!(
                "the UID in the precondition ({given}) does not match the UID in record ({uid}). The object might \
                 have been deleted and then recreated"
            ),
        ));
    }
    if let Some(given) = options.revision.as_deref().filter(|given| *given != revision) {
        return Err(ApiError::conflict(
            kind,
            &format!(
                "the ResourceVersion in the precondition ({given}) does not match the ResourceVersion in record \
                 ({revision}). The object might have been modified"
            ),
        ));
    }
    Ok(())
}

/// The finalizers of the object once the wish for its dependents is written into them.
fn finalizers(request: &Request, live: &Value, options: &DeleteOptions) -> Vec<Value> {
    let mut finalizers = object::list(live, "/metadata/finalizers").to_vec();
    let default = if request.resource.is("batch", "Job") { "Orphan" } else { "Background" };
    let wish = options.propagation.as_deref().unwrap_or(default);
    finalizers.retain(|own| options.propagation.is_none() || (own != ORPHAN && own != FOREGROUND));
    let added = match wish {
        "Orphan" => ORPHAN,
        "Foreground" => FOREGROUND,
        _ => return finalizers,
    };
    if !finalizers.iter().any(|own| own == added) {
        finalizers.push(json!(added));
    }
    finalizers
}

/// Only pods are given time to end, and only those that run somewhere.
fn grace(request: &Request, live: &Value, options: &DeleteOptions) -> i64 {
    let scheduled = !object::text(live, "/spec/nodeName").is_empty();
    let done = matches!(object::text(live, "/status/phase"), "Succeeded" | "Failed");
    if !request.resource.is("", "Pod") || !scheduled || done {
        return 0;
    }
    let own = object::integer(live, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
    options.grace_seconds.unwrap_or(own).max(0)
}
