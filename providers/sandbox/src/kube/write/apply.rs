//! Server-side apply.

use std::sync::Arc;

use meshform_kube_schema::object::prune;
use serde_json::{Value, json};

use super::admit::{blank, check_target, decode_as, refuse_other_uid};
use super::request::{Outcome, Request};
use super::update::check_revision;
use crate::kube::merge::{self, Managers, Operation, Ownership, validate};
use crate::kube::object;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult};

impl State {
    /// Applies a configuration.
    ///
    /// # Errors
    ///
    /// What the real server refuses an apply patch with; among it 409 with the fields that others own.
    pub(crate) fn apply(&mut self, request: &Request, config: &Value) -> ApiResult<Outcome> {
        if request.subresource == "scale" {
            return self.apply_scale(request, config);
        }
        check_target(request, config)?;
        if config.pointer("/metadata/managedFields").is_some_and(|fields| !fields.is_null()) {
            return Err(ApiError::bad_request("metadata.managedFields must be nil"));
        }
        check_typed(request, config)?;
        match self.find(request) {
            Ok(live) => self.apply_over(request, &live, config),
            Err(error) if request.subresource.is_empty() => self.apply_new(request, config, &error),
            Err(error) => Err(error),
        }
    }

    fn apply_new(&mut self, request: &Request, config: &Value, missing: &ApiError) -> ApiResult<Outcome> {
        debug_assert!(missing.is_not_found());
        let uid = object::uid(config);
        if !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(ApiError::conflict(request.subject(), &why));
        }
        let empty = json!({ "apiVersion": request.api_version(), "kind": request.resource.kind });
        let (merged, managers) = merged(request, &empty, config)?;
        let mut new = decoded(request, &merged.unwrap_or(empty))?;
        if request.resource.namespaced {
            object::metadata(&mut new)["namespace"] = json!(request.namespace);
        }
        self.insert(request, new, &managers, Vec::new())
    }

    fn apply_over(&mut self, request: &Request, live: &Arc<Value>, config: &Value) -> ApiResult<Outcome> {
        if config.pointer("/metadata/resourceVersion").is_some() {
            check_revision(request, live, config)?;
        }
        refuse_other_uid(request, live, config)?;
        let live_here = in_version(request, live);
        let (merged, managers) = merged(request, &live_here, config)?;
        let new = match merged {
            Some(merged) => decoded(request, &merged)?,
            None => Value::clone(&live_here),
        };
        self.settle(request, live, new, &managers, Vec::new())
    }
}

/// A stored object as a version of its kind shows it.
pub(super) fn in_version(request: &Request, live: &Arc<Value>) -> Value {
    let schema = request.resource.seen_in(&request.version);
    let mut shown = schema.map_or_else(|| Value::clone(live), |schema| prune(schema, live).object);
    shown["apiVersion"] = json!(request.api_version());
    shown
}

/// Merges a configuration; the merged object is `None` if it is the live one.
fn merged(request: &Request, live: &Value, config: &Value) -> ApiResult<(Option<Value>, Managers)> {
    let version = request.served()?;
    let mut managers = known_managers(request, live);
    let key = request.manager_key(Operation::Apply);
    let mut live = live.clone();
    object::remove(&mut live, &["metadata", "managedFields"]);
    let ignored = request.ignored(version);
    let Ownership { object, owners } =
        merge::apply(version.root(), &live, config, &managers.owners, &key, &ignored, request.force)
            .map_err(|conflicts| ApiError::field_conflicts(&conflicts))?;
    managers.owners = owners;
    if object.is_some() {
        managers.stamp(&key, &request.api_version(), &request.time());
    } else {
        managers.note(&key, &request.api_version());
    }
    Ok((object, managers))
}

/// The owners of the live object. Fields from before anyone was recorded belong to `before-first-apply`.
fn known_managers(request: &Request, live: &Value) -> Managers {
    let mut managers = Managers::of(live);
    if managers.owners.is_empty() && object::revision(live) > 0 {
        let mut before = request.clone();
        "before-first-apply".clone_into(&mut before.manager);
        let key = before.manager_key(Operation::Update);
        if let Ok(version) = request.served() {
            let blank = blank(request).unwrap_or(Value::Null);
            let none = merge::Owners::default();
            (managers.owners, _) =
                merge::update(version.root(), &blank, live, &none, &key, &request.ignored(version));
            managers.stamp(&key, &request.api_version(), &request.time());
        }
    }
    managers
}

fn decoded(request: &Request, merged: &Value) -> ApiResult<Value> {
    let decoded = decode_as(request, merged)?;
    match decoded.mismatch {
        None => Ok(decoded.object),
        Some(why) => Err(untyped_error(format!(
            "failed to convert new object ({}; {}) to proper version: unable to convert unstructured object to {}: {why}",
            place_of(&request.namespace, &request.name),
            request.group_version_kind(),
            request.group_version_kind(),
        ))),
    }
}

/// Refuses a configuration that is not of its type.
fn check_typed(request: &Request, config: &Value) -> ApiResult<()> {
    let problems = validate(request.served()?.root(), config);
    let listed = match problems.as_slice() {
        [] => return Ok(()),
        [only] => only.clone(),
        many => format!("errors:\n  {}", many.join("\n  ")),
    };
    Err(untyped_error(format!(
        "failed to create typed patch object ({}; {}): {listed}",
        place_of(object::namespace(config), object::name(config)),
        request.group_version_kind()
    )))
}

/// The server does not give these failures a reason.
fn untyped_error(message: String) -> ApiError {
    ApiError::status(500, "", message)
}

fn place_of(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}
