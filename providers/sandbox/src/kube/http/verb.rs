//! A verb on a resource.

use std::sync::Arc;

use axum::http::{Method, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::params::invalid_options;
use super::path::Target;
use super::reply::{self, Form};
use super::table::Include;
use super::view::View;
use super::{App, Call, body, list, pod, review, table, token, watch};
use crate::kube::registry::Resource;
use crate::kube::status::{ApiError, ApiResult, FieldError};
use crate::kube::write::{DeleteOptions, Outcome, Patch, Request, Validation, scale_of};

const JOB_ORPHANS: &str = "child pods are preserved by default when jobs are deleted; set \
                           propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress \
                           this warning";

/// A field manager's name may not be longer.
const MANAGER_BYTES_MAX: usize = 128;

/// Answers a request for a resource.
pub(super) async fn serve(app: &App, call: &Call, target: &Target) -> ApiResult<Response> {
    let resource = find(app, target)?;
    let deprecation = resource.version(&target.version).and_then(|version| version.deprecation.clone());
    let answer = answer(app, call, target, resource).await;
    let Some(deprecation) = deprecation else { return answer };
    let mut response = answer.unwrap_or_else(|error| reply::error(&call.accepts, &error));
    reply::warn(&mut response, &[deprecation]);
    Ok(response)
}

async fn answer(app: &App, call: &Call, target: &Target, resource: Arc<Resource>) -> ApiResult<Response> {
    if review::is_review(&resource) {
        return review::create(app, call, target, &resource);
    }
    check_verb(call, target, &resource)?;
    if resource.is("", "ServiceAccount") && target.subresource == "token" {
        return token::create(app, call, target, &resource);
    }
    if pod::is_pod_verb(&resource, &target.subresource) {
        return pod::serve(app, call, target, &resource);
    }
    call.accepts.check()?;
    match (&call.method, target.name.is_empty()) {
        (&Method::GET, _) if is_watch(call, target) => watch::serve(app, call, target, &resource),
        (&Method::GET, true) => list::serve(app, call, target, &resource),
        (&Method::GET, false) => get(app, call, target, &resource),
        (&Method::POST, _) => create(app, call, target, &resource),
        (&Method::PUT, false) => replace(app, call, target, &resource),
        (&Method::PATCH, false) => patch(app, call, target, &resource),
        (&Method::DELETE, false) => delete(app, call, target, &resource),
        (&Method::DELETE, true) => delete_collection(app, call, target, &resource),
        _ => Err(not_allowed()),
    }
}

fn find(app: &App, target: &Target) -> ApiResult<Arc<Resource>> {
    let state = app.world.lock();
    let served = state.registry.by_plural(&target.group, &target.version, &target.plural);
    let Some(resource) = served else {
        // Custom kinds are behind a door of their own, which sends everyone away alike.
        let known = state.registry.all().any(|resource| resource.builtin && resource.group == target.group);
        return Err(if known { ApiError::no_such_resource() } else { ApiError::UnknownPath });
    };
    let misplaced = match (resource.namespaced, target.namespace.is_empty()) {
        (true, true) => !target.name.is_empty(),
        (false, in_cluster) => !in_cluster,
        (true, false) => false,
    };
    match misplaced {
        false => Ok(Arc::clone(resource)),
        true if resource.builtin => Err(ApiError::no_such_resource()),
        true => Err(ApiError::UnknownPath),
    }
}

fn check_verb(call: &Call, target: &Target, resource: &Resource) -> ApiResult<()> {
    let version = resource.version(&target.version).ok_or_else(ApiError::no_such_resource)?;
    let collection = target.name.is_empty();
    let verb = match (&call.method, collection) {
        (&Method::GET, _) if is_watch(call, target) => "watch",
        (&Method::GET, true) => "list",
        (&Method::GET, false) => "get",
        (&Method::POST, _) => "create",
        (&Method::PUT, false) => "update",
        (&Method::PATCH, false) => "patch",
        (&Method::DELETE, true) => "deletecollection",
        (&Method::DELETE, false) => "delete",
        _ => return Err(not_allowed()),
    };
    let verbs = match target.subresource.as_str() {
        "" => &version.verbs,
        name => &version.subresource(name).ok_or_else(ApiError::no_such_resource)?.verbs,
    };
    if verbs.iter().any(|served| served == verb) { Ok(()) } else { Err(not_allowed()) }
}

fn is_watch(call: &Call, target: &Target) -> bool {
    target.watch || (target.name.is_empty() && call.params.flag("watch"))
}

fn not_allowed() -> ApiError {
    ApiError::status(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )
}

/// The write that a call asks for.
pub(super) fn request(
    app: &App,
    call: &Call,
    target: &Target,
    resource: &Arc<Resource>,
    options: &str,
) -> ApiResult<Request> {
    let apply = body::media_type(&call.headers).starts_with("application/apply-patch");
    let default = if apply { Validation::Ignore } else { Validation::Warn };
    Ok(Request {
        resource: Arc::clone(resource),
        version: target.version.clone(),
        namespace: target.namespace.clone(),
        name: target.name.clone(),
        subresource: target.subresource.clone(),
        manager: manager(call, options)?,
        author: Arc::clone(&call.user),
        dry_run: call.params.dry_run(options)?,
        validation: call.params.validation(options, default)?,
        force: call.params.flag("force"),
        now: app.world.now(),
    })
}

/// The field manager: as told, or the first part of the user agent.
///
/// # Errors
///
/// 422 for what is too long, or cannot be printed.
fn manager(call: &Call, options: &str) -> ApiResult<String> {
    let told = call.params.text("fieldManager");
    if told.len() > MANAGER_BYTES_MAX {
        let error = FieldError::too_long("fieldManager", MANAGER_BYTES_MAX as u64);
        return Err(invalid_options(options, &error));
    }
    if let Some((at, bad)) = told.char_indices().find(|(_, letter)| letter.is_control()) {
        let detail = format!("invalid character U+{:04X} (at position {at})", u32::from(bad));
        return Err(invalid_options(options, &FieldError::invalid("fieldManager", &json!(told), &detail)));
    }
    if !told.is_empty() {
        return Ok(told.to_owned());
    }
    let agent =
        call.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = agent.split('/').next().unwrap_or_default();
    Ok(if name.is_empty() { "unknown".to_owned() } else { name.to_owned() })
}

fn get(app: &App, call: &Call, target: &Target, resource: &Arc<Resource>) -> ApiResult<Response> {
    let request = request(app, call, target, resource, "GetOptions")?;
    let found = app.world.lock().find(&request)?;
    if target.subresource == "scale" {
        let version = request.served()?;
        let paths = version.subresource("scale").and_then(|scale| scale.scale.as_ref());
        let paths = paths.ok_or_else(ApiError::no_such_resource)?;
        if !resource.builtin && found.pointer(&paths.spec_replicas).is_none() {
            let field = paths.spec_replicas.replace('/', ".");
            return Err(ApiError::internal(format!("the spec replicas field {field:?} does not exist")));
        }
        return Ok(reply::object(200, &call.accepts, &scale_of(paths, &found)));
    }
    Ok(shown(call, &request, 200, &found))
}

/// An object in the form that the client wants.
fn shown(call: &Call, request: &Request, status: u16, object: &Value) -> Response {
    let api_version = request.api_version();
    match call.accepts.form {
        Form::Object if object["kind"] == json!(request.resource.kind) => {
            let schema = request.resource.seen_in(&request.version);
            let view = View { object, api_version: &api_version, schema, bare: false };
            reply::object(status, &call.accepts, &view)
        }
        Form::Object => reply::object(status, &call.accepts, object),
        Form::Metadata => reply::object(status, &call.accepts, &table::partial(object)),
        Form::Table => {
            let include = Include::of(call);
            let rows = table::of_one(&request.resource, &request.version, object, request.now, include);
            reply::object(status, &call.accepts, &rows)
        }
    }
}

fn finished(call: &Call, request: &Request, outcome: &Outcome) -> Response {
    let status = if outcome.created { 201 } else { 200 };
    let mut response = shown(call, request, status, &outcome.object);
    reply::warn(&mut response, &outcome.warnings);
    response
}

fn create(app: &App, call: &Call, target: &Target, resource: &Arc<Resource>) -> ApiResult<Response> {
    let request = request(app, call, target, resource, "CreateOptions")?;
    let body = body::object(&call.headers, &call.body, &resource.kind)?;
    let outcome = app.world.lock().create(&request, &body)?;
    Ok(finished(call, &request, &outcome))
}

fn replace(app: &App, call: &Call, target: &Target, resource: &Arc<Resource>) -> ApiResult<Response> {
    let request = request(app, call, target, resource, "UpdateOptions")?;
    let body = body::object(&call.headers, &call.body, &resource.kind)?;
    let outcome = app.world.lock().replace(&request, &body)?;
    Ok(finished(call, &request, &outcome))
}

fn patch(app: &App, call: &Call, target: &Target, resource: &Arc<Resource>) -> ApiResult<Response> {
    let request = request(app, call, target, resource, "PatchOptions")?;
    let media = body::media_type(&call.headers);
    if media.starts_with("application/apply-patch") {
        return apply(app, call, &request);
    }
    if call.params.has("force") {
        let error = FieldError::forbidden("force", "may not be specified for non-apply patch");
        return Err(invalid_options("PatchOptions", &error));
    }
    let patch = match media {
        "application/json-patch+json" => match body::json(&call.body)? {
            Value::Array(operations) => Patch::Json(operations),
            other => return Err(body::of_another_type(&other, "[]handlers.jsonPatchOp")),
        },
        "application/merge-patch+json" => match body::json(&call.body)? {
            patch @ Value::Object(_) => Patch::Merge(patch),
            other => return Err(body::of_another_type(&other, "map[string]interface {}")),
        },
        "application/strategic-merge-patch+json" => Patch::Strategic(body::json(&call.body)?),
        _ => return Err(body::unsupported_media_type()),
    };
    let outcome = app.world.lock().patch(&request, &patch)?;
    Ok(finished(call, &request, &outcome))
}

fn apply(app: &App, call: &Call, request: &Request) -> ApiResult<Response> {
    if call.params.text("fieldManager").is_empty() {
        let error = FieldError::required("fieldManager", "is required for apply patch");
        return Err(invalid_options("PatchOptions", &error));
    }
    let config = body::yaml(&call.body)?;
    let outcome = app.world.lock().apply(request, &config)?;
    Ok(finished(call, request, &outcome))
}

fn delete_options(call: &Call, request: &mut Request) -> ApiResult<DeleteOptions> {
    let mut options = body::delete_options(&call.body)?;
    let propagation = call.params.text("propagationPolicy");
    if !propagation.is_empty() {
        options.propagation = Some(propagation.to_owned());
    }
    if let Ok(seconds) = call.params.text("gracePeriodSeconds").parse() {
        options.grace_seconds = Some(seconds);
    }
    request.dry_run |= options.dry_run;
    Ok(options)
}

fn delete(app: &App, call: &Call, target: &Target, resource: &Arc<Resource>) -> ApiResult<Response> {
    let mut request = request(app, call, target, resource, "DeleteOptions")?;
    let options = delete_options(call, &mut request)?;
    let answer = app.world.lock().delete(&request, &options)?;
    let mut response = shown(call, &request, 200, &answer);
    if resource.is("batch", "Job") && options.propagation.is_none() {
        reply::warn(&mut response, &[JOB_ORPHANS.to_owned()]);
    }
    Ok(response)
}

fn delete_collection(
    app: &App,
    call: &Call,
    target: &Target,
    resource: &Arc<Resource>,
) -> ApiResult<Response> {
    let mut request = request(app, call, target, resource, "DeleteOptions")?;
    let options = delete_options(call, &mut request)?;
    let selector = call.params.selector(&resource.kind)?;
    let mut state = app.world.lock();
    let deleted = state.delete_collection(&request, &selector, &options)?;
    let revision = state.store.revision();
    drop(state);
    Ok(list::page(call, &request, &deleted, &json!({ "resourceVersion": revision.to_string() })))
}
