//! Replacing what is there: the end of PUT, PATCH and apply.

use std::sync::Arc;

use serde_json::{Value, json};

use super::admit::{check_namespace, decode_body, is_unchanged, owners_after_update, set_managers};
use super::request::{Outcome, Request};
use crate::kube::merge::{Managers, same};
use crate::kube::object;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult, FieldError, Subject};
use crate::kube::strategy;

impl State {
    /// The object that a request is about.
    ///
    /// # Errors
    ///
    /// 404 when it is not there.
    pub(crate) fn find(&self, request: &Request) -> ApiResult<Arc<Value>> {
        let found = self.store.get(&request.resource.id(), &request.key());
        found.map(Arc::clone).ok_or_else(|| ApiError::not_found(request.subject()))
    }

    /// Replaces an object by a body (PUT).
    ///
    /// # Errors
    ///
    /// What the real server refuses a PUT with.
    pub(crate) fn replace(&mut self, request: &Request, body: &Value) -> ApiResult<Outcome> {
        if request.subresource == "scale" {
            return self.replace_scale(request, body);
        }
        let name = object::name(body);
        if !name.is_empty() && name != request.name {
            let url = &request.name;
            return Err(ApiError::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({url})"
            )));
        }
        check_namespace(request, object::namespace(body))?;
        let live = self.find(request)?;
        self.check_uid(request, &live, body)?;
        check_revision(request, &live, body)?;
        let (new, warnings) = decode_body(request, body)?;
        self.overwrite(request, &live, new, warnings)
    }

    fn check_uid(&self, request: &Request, live: &Value, body: &Value) -> ApiResult<()> {
        let (given, own) = (object::uid(body), object::uid(live));
        if given.is_empty() || given == own {
            return Ok(());
        }
        let why = format!("Precondition failed: UID in precondition: {given}, UID in object meta: {own}");
        Err(ApiError::conflict(request.subject(), &why))
    }

    /// Stores a decoded new state that is not from an apply.
    pub(super) fn overwrite(
        &mut self,
        request: &Request,
        live: &Arc<Value>,
        mut new: Value,
        warnings: Vec<String>,
    ) -> ApiResult<Outcome> {
        carry_metadata(live, &mut new);
        let managers = owners_after_update(request, live, &new)?;
        self.settle(request, live, new, &managers, warnings)
    }

    /// Stores a decoded new state of an object, with its ownership settled.
    pub(super) fn settle(
        &mut self,
        request: &Request,
        live: &Arc<Value>,
        new: Value,
        managers: &Managers,
        warnings: Vec<String>,
    ) -> ApiResult<Outcome> {
        let mut new = self.within_endpoint(request, live, new);
        carry_metadata(live, &mut new);
        if request.subresource.is_empty() || request.subresource == "scale" {
            strategy::prepare_update(&request.resource, live, &mut new);
            self.allocate(request, &mut new, Some(live))?;
        }
        bump_generation(request, live, &mut new);
        set_managers(&mut new, managers);
        self.validate(request, &new, Some(live))?;
        let revision = live["metadata"]["resourceVersion"].clone();
        object::metadata(&mut new)["resourceVersion"] = revision;
        if is_unchanged(live, &new) {
            return Ok(Outcome { object: Arc::clone(live), created: false, warnings });
        }
        if is_released(&new) {
            return Ok(self.release(request, new, warnings));
        }
        Ok(self.commit(request, new, false, warnings))
    }

    /// What of a new state this endpoint writes: the object without its status, or its status alone.
    fn within_endpoint(&self, request: &Request, live: &Value, mut new: Value) -> Value {
        let has_status = request.served().is_ok_and(crate::kube::registry::Version::has_status);
        match request.subresource.as_str() {
            "status" => {
                let mut kept = live.clone();
                match new.get_mut("status").map(Value::take) {
                    Some(status) => kept["status"] = status,
                    None => drop(object::remove(&mut kept, &["status"])),
                }
                if request.resource.builtin {
                    kept["metadata"] = new["metadata"].take();
                }
                kept
            }
            _ if has_status => {
                match live.get("status") {
                    Some(status) => new["status"] = status.clone(),
                    None => drop(object::remove(&mut new, &["status"])),
                }
                new
            }
            _ => new,
        }
    }

    /// The last finalizer of a terminating object is gone: so is the object.
    fn release(&mut self, request: &Request, new: Value, warnings: Vec<String>) -> Outcome {
        if !request.dry_run {
            self.store.remove(&request.resource.id(), &request.key());
        }
        Outcome { object: Arc::new(new), created: false, warnings }
    }
}

/// Whether nothing holds a terminating object any longer.
pub(super) fn is_released(object: &Value) -> bool {
    object::is_terminating(object)
        && object::list(object, "/metadata/finalizers").is_empty()
        && object::list(object, "/spec/finalizers").is_empty()
        && object::integer(object, "/metadata/deletionGracePeriodSeconds").unwrap_or(0) == 0
}

/// Refuses a write that was made from another version of the object.
pub(super) fn check_revision(request: &Request, live: &Value, body: &Value) -> ApiResult<()> {
    let given = object::text(body, "/metadata/resourceVersion");
    if given.is_empty() && !request.resource.builtin {
        let value = json!(0);
        let error =
            FieldError::invalid("metadata.resourceVersion", &value, "must be specified for an update");
        // The server calls it by the name of the resource.
        let named =
            Subject { kind: &request.resource.plural, ..request.resource.subject(object::name(live)) };
        return Err(ApiError::invalid(named, &[error]));
    }
    if given.is_empty() || given == object::text(live, "/metadata/resourceVersion") {
        return Ok(());
    }
    Err(ApiError::stale(request.subject()))
}

/// What no write changes.
fn carry_metadata(live: &Value, new: &mut Value) {
    const SYSTEM: [&str; 7] = [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
    ];
    let metadata = object::metadata(new);
    object::remove(metadata, &["selfLink"]);
    for field in SYSTEM {
        match live["metadata"].get(field) {
            Some(value) => metadata[field] = value.clone(),
            None => drop(object::remove(metadata, &[field])),
        }
    }
}

/// Everything but metadata and status counts as a new generation.
fn bump_generation(request: &Request, live: &Value, new: &mut Value) {
    if !strategy::has_generation(&request.resource) {
        return;
    }
    let has_status = request.served().is_ok_and(crate::kube::registry::Version::has_status);
    let content = |object: &Value| {
        let mut content = object.as_object().cloned().unwrap_or_default();
        content.remove("metadata");
        if has_status {
            content.remove("status");
        }
        Value::Object(content)
    };
    if !same(&content(live), &content(new)) {
        let generation = object::integer(live, "/metadata/generation").unwrap_or(0) + 1;
        object::metadata(new)["generation"] = json!(generation);
    }
}
