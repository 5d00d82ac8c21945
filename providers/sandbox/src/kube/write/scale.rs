//! The `scale` subresource: a workload's replicas, seen as a `Scale`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::admit::owners_after_update;
use super::patch::{Patch, patched};
use super::request::{Outcome, Request};
use crate::kube::merge::{self, Managers, Operation, Ownership};
use crate::kube::object;
use crate::kube::registry::ScalePaths;
use crate::kube::selector::label_selector_text;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult, FieldError, Subject};

/// An object's `Scale`.
pub(crate) fn scale_of(paths: &ScalePaths, object: &Value) -> Value {
    let mut metadata = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object["metadata"].get(field) {
            metadata[field] = value.clone();
        }
    }
    let replicas = object.pointer(&paths.spec_replicas).filter(|replicas| **replicas != 0);
    let mut status =
        json!({ "replicas": object.pointer(&paths.status_replicas).cloned().unwrap_or_else(|| json!(0)) });
    let selector = match &paths.selector {
        Some(pointer) => object::text(object, pointer).to_owned(),
        None => label_selector_text(&object["spec"]["selector"]),
    };
    if !selector.is_empty() {
        status["selector"] = json!(selector);
    }
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        // No replicas are not written.
        "spec": replicas.map_or_else(|| json!({}), |replicas| json!({ "replicas": replicas })),
        "status": status,
    })
}

impl State {
    pub(super) fn replace_scale(&mut self, request: &Request, body: &Value) -> ApiResult<Outcome> {
        check_scale(request, body)?;
        let live = self.find(request)?;
        let given = object::text(body, "/metadata/resourceVersion");
        if !given.is_empty() && given != object::text(&live, "/metadata/resourceVersion") {
            return Err(ApiError::stale(request.subject()));
        }
        self.write_scale(request, &live, body)
    }

    pub(super) fn patch_scale(&mut self, request: &Request, patch: &Patch) -> ApiResult<Outcome> {
        let live = self.find(request)?;
        let scale = scale_of(&paths(request)?, &live);
        let patch = match patch {
            Patch::Strategic(patch) => Patch::Merge(patch.clone()),
            other => other.clone(),
        };
        let scale = patched(request, &scale, &patch)?;
        self.write_scale(request, &live, &scale)
    }

    fn write_scale(&mut self, request: &Request, live: &Arc<Value>, scale: &Value) -> ApiResult<Outcome> {
        let paths = paths(request)?;
        let mut new = Value::clone(live);
        set_replicas(&paths, &mut new, replicas(request, scale)?);
        // Where nobody owns the replicas, scaling leaves no owner either: a Scale shows only those who do.
        let managers = if owns_replicas(&paths, live) {
            let mut managers = owners_after_update(request, live, &new)?;
            managers.unstamp(&request.manager_key(Operation::Update), &request.api_version());
            managers
        } else {
            Managers::of(live)
        };
        let outcome = self.settle(request, live, new, &managers, Vec::new())?;
        Ok(as_scale(&paths, outcome))
    }

    /// Applies a `Scale`: ownership of the replicas alone.
    pub(super) fn apply_scale(&mut self, request: &Request, config: &Value) -> ApiResult<Outcome> {
        let live = self.find(request)?;
        let paths = paths(request)?;
        let mut parent = json!({ "apiVersion": request.api_version(), "kind": request.resource.kind });
        if object::integer(config, "/spec/replicas").is_some() {
            set_replicas(&paths, &mut parent, replicas(request, config)?);
        }
        let version = request.served()?;
        let mut managers = Managers::of(&live);
        let key = request.manager_key(Operation::Apply);
        let mut bare = Value::clone(&live);
        object::remove(&mut bare, &["metadata", "managedFields"]);
        // A Scale does not write that there are no replicas: to say so changes it.
        if bare.pointer(&paths.spec_replicas).is_some_and(|replicas| *replicas == 0) {
            let steps: Vec<&str> = paths.spec_replicas.trim_start_matches('/').split('/').collect();
            object::remove(&mut bare, &steps);
        }
        let ignored = request.ignored(version);
        let Ownership { object, owners } =
            merge::apply(version.root(), &bare, &parent, &managers.owners, &key, &ignored, request.force)
                .map_err(|conflicts| ApiError::field_conflicts(&conflicts))?;
        managers.owners = owners;
        match &object {
            Some(_) => managers.stamp(&key, &request.api_version(), &request.time()),
            None => managers.note(&key, &request.api_version()),
        }
        let outcome = self.settle(request, &live, object.unwrap_or(bare), &managers, Vec::new())?;
        Ok(as_scale(&paths, outcome))
    }
}

fn paths(request: &Request) -> ApiResult<ScalePaths> {
    let scale = request.served()?.subresource("scale").and_then(|scale| scale.scale.clone());
    scale.ok_or_else(ApiError::no_such_resource)
}

/// Refuses what is not this object's `Scale`.
fn check_scale(request: &Request, body: &Value) -> ApiResult<()> {
    let (api_version, kind) = (object::text(body, "/apiVersion"), object::text(body, "/kind"));
    if !matches!(kind, "" | "Scale") {
        return Err(ApiError::bad_request(format!(
            "{kind} in version {api_version:?} cannot be handled as a Scale: converting ({api_version}.{kind}) to \
             (autoscaling.Scale): unknown conversion"
        )));
    }
    let name = object::name(body);
    if !name.is_empty() && name != request.name {
        let url = &request.name;
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({url})"
        )));
    }
    Ok(())
}

fn replicas(request: &Request, scale: &Value) -> ApiResult<i64> {
    let replicas = object::integer(scale, "/spec/replicas").unwrap_or(0);
    if replicas < 0 {
        let detail = "must be greater than or equal to 0";
        let error = FieldError::invalid("spec.replicas", &json!(replicas), detail);
        let name = request.name.as_str();
        let subject = Subject { group: "autoscaling", resource: "", kind: "Scale", name };
        return Err(ApiError::invalid(subject, &[error]));
    }
    Ok(replicas)
}

fn set_replicas(paths: &ScalePaths, object: &mut Value, replicas: i64) {
    let steps: Vec<&str> = paths.spec_replicas.trim_start_matches('/').split('/').collect();
    object::set(object, &steps, json!(replicas));
}

fn owns_replicas(paths: &ScalePaths, live: &Value) -> bool {
    let path = merge::Path(
        paths.spec_replicas.trim_start_matches('/').split('/').map(merge::PathElement::field).collect(),
    );
    let mut wanted = merge::FieldSet::default();
    wanted.insert(&path);
    Managers::of(live).owners.values().any(|set| !set.intersection(&wanted).is_empty())
}

fn as_scale(paths: &ScalePaths, outcome: Outcome) -> Outcome {
    Outcome { object: Arc::new(scale_of(paths, &outcome.object)), ..outcome }
}
