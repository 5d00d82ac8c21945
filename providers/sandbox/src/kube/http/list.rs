//! Lists: selected, in pages.

use std::sync::Arc;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

use super::list_options::{self, ListOptions};
use super::path::Target;
use super::reply::{self, Form};
use super::table::Include;
use super::view::View;
use super::{App, Call, table, verb};
use crate::kube::object;
use crate::kube::registry::Resource;
use crate::kube::status::{ApiError, ApiResult};
use crate::kube::write::Request;

/// Answers a LIST.
pub(super) fn serve(
    app: &App,
    call: &Call,
    target: &Target,
    resource: &Arc<Resource>,
) -> ApiResult<Response> {
    let request = verb::request(app, call, target, resource, "ListOptions")?;
    let selector = call.params.selector(&resource.kind)?;
    let options = list_options::of_list(call)?;
    let start = start(call, target)?;
    let state = app.world.lock();
    check_revision(&options, state.store.revision())?;
    let wanted = match &start {
        Some(start) => Some(start.revision),
        None => options.revision.filter(|_| options.exact),
    };
    let revision = wanted.unwrap_or_else(|| state.store.revision());
    let namespace = Some(target.namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let objects = state.store.list_at(&resource.id(), namespace, revision);
    drop(state);
    let mut found: Vec<Arc<Value>> = objects.map_err(|_| expired(start.is_some()))?;
    found.retain(|object| start.as_ref().is_none_or(|start| place(object) > start.place));
    found.retain(|object| selector.matches(object));
    let mut metadata = json!({ "resourceVersion": revision.to_string() });
    if !resource.builtin && call.accepts.form == Form::Object {
        metadata["continue"] = json!("");
    }
    let limit = options.limit;
    if limit > 0 && found.len() > limit {
        let rest = found.split_off(limit);
        if call.params.text("labelSelector").is_empty() && call.params.text("fieldSelector").is_empty() {
            metadata["remainingItemCount"] = json!(rest.len());
        }
        if let Some(last) = found.last() {
            metadata["continue"] = json!(token(revision, last, !target.namespace.is_empty()));
        }
    }
    Ok(page(call, &request, &found, &metadata))
}

/// A list of objects in the form that the client wants.
pub(super) fn page(call: &Call, request: &Request, objects: &[Arc<Value>], metadata: &Value) -> Response {
    match call.accepts.form {
        Form::Object => {
            let api_version = request.api_version();
            let bare = request.resource.builtin;
            let schema = request.resource.seen_in(&request.version);
            let views = objects.iter().map(|object| View { object, api_version: &api_version, schema, bare });
            let list = List {
                kind: &request.resource.list_kind,
                api_version: &api_version,
                metadata,
                items: views.collect(),
            };
            reply::object(200, &call.accepts, &list)
        }
        Form::Metadata => {
            let items: Vec<Value> = objects.iter().map(|object| table::partial(object)).collect();
            let list = json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata,
                "items": items,
            });
            reply::object(200, &call.accepts, &list)
        }
        Form::Table => {
            let objects = objects.iter().map(|object| &**object);
            let include = Include::of(call);
            let mut rows = table::of(&request.resource, &request.version, objects, request.now, include);
            rows["metadata"] = metadata.clone();
            reply::object(200, &call.accepts, &rows)
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'l> {
    kind: &'l str,
    api_version: &'l str,
    metadata: &'l Value,
    items: Vec<View<'l>>,
}

/// A list cannot be newer than what there is.
fn check_revision(options: &ListOptions, current: u64) -> ApiResult<()> {
    let Some(wanted) = options.revision.filter(|wanted| *wanted > current) else { return Ok(()) };
    let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
    let mut error = ApiError::status(504, "Timeout", message);
    if let ApiError::Status(status) = &mut error {
        let causes =
            json!([{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }]);
        status.details.insert("causes".to_owned(), causes);
        status.details.insert("retryAfterSeconds".to_owned(), json!(1));
    }
    Err(error)
}

/// What a list from a version that is no longer kept fails with.
fn expired(continued: bool) -> ApiError {
    ApiError::expired(if continued {
        "The provided continue parameter is too old to display a consistent list result. You must start a new list \
         without the continue parameter."
    } else {
        "The resourceVersion for the provided list is too old."
    })
}

fn place(object: &Value) -> (String, String) {
    (object::namespace(object).to_owned(), object::name(object).to_owned())
}

/// The token after an object: its place below what is listed.
fn token(revision: u64, last: &Value, in_namespace: bool) -> String {
    let namespace = if in_namespace { "" } else { object::namespace(last) };
    let start = format!("{namespace}/{}\u{0}", object::name(last));
    let token = json!({ "v": "meta.k8s.io/v1", "rv": revision, "start": start });
    URL_SAFE_NO_PAD.encode(token.to_string())
}

/// Where a page starts: the version that the first page showed, and the last place that has been told.
struct Start {
    revision: u64,
    place: (String, String),
}

fn start(call: &Call, target: &Target) -> ApiResult<Option<Start>> {
    let token = call.params.text("continue");
    if token.is_empty() {
        return Ok(None);
    }
    let unreadable = || ApiError::bad_request("invalid continue token: continue key is not valid");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| unreadable())?;
    let token: Value = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
    let start = object::text(&token, "/start").trim_end_matches('\u{0}');
    let (namespace, name) = start.split_once('/').ok_or_else(unreadable)?;
    let namespace = if namespace.is_empty() { target.namespace.as_str() } else { namespace };
    let revision = token.get("rv").and_then(Value::as_u64).ok_or_else(unreadable)?;
    Ok(Some(Start { revision, place: (namespace.to_owned(), name.to_owned()) }))
}
