//! What only pods have: logs, evictions, connections.

use std::sync::Arc;

use axum::response::Response;
use serde_json::json;

use super::path::Target;
use super::{App, Call, body, connect, reply, verb};
use crate::kube::net::annotation;
use crate::kube::object::{self, list, text};
use crate::kube::registry::Resource;
use crate::kube::status::{ApiError, ApiResult};

/// Whether the subresource is one of these.
pub(super) fn is_pod_verb(resource: &Resource, subresource: &str) -> bool {
    resource.is("", "Pod") && !matches!(subresource, "" | "status" | "ephemeralcontainers" | "resize")
}

/// Answers a request for one.
pub(super) fn serve(
    app: &App,
    call: &Call,
    target: &Target,
    resource: &Arc<Resource>,
) -> ApiResult<Response> {
    match target.subresource.as_str() {
        "log" => log(app, call, target, resource),
        "eviction" => evict(app, call, target, resource),
        name if connect::is_connection(name) => connect::serve(app, call, target, resource),
        other => {
            let message = format!("the sandbox does not serve pods/{other}");
            Err(ApiError::status(501, "NotImplemented", message))
        }
    }
}

/// What the pod's container would have written: what its annotation says, or that it started.
fn log(app: &App, call: &Call, target: &Target, resource: &Arc<Resource>) -> ApiResult<Response> {
    let request = verb::request(app, call, target, resource, "GetOptions")?;
    let pod = app.world.lock().find(&request)?;
    let wanted = call.params.text("container");
    let statuses = list(&pod, "/status/containerStatuses");
    let status = statuses.iter().find(|status| wanted.is_empty() || text(status, "/name") == wanted);
    let Some(status) = status else {
        let message = format!("container {wanted} is not valid for pod {}", object::name(&pod));
        return Err(ApiError::bad_request(message));
    };
    let (container, pod_name) = (text(status, "/name"), object::name(&pod));
    let is_previous = call.params.flag("previous");
    if is_previous && status.pointer("/lastState/terminated").is_none() {
        let why = format!("previous terminated container {container:?} in pod {pod_name:?} not found");
        return Err(ApiError::bad_request(why));
    }
    let waiting = text(status, "/state/waiting/reason");
    if !waiting.is_empty() && !is_previous {
        let why = format!("container {container:?} in pod {pod_name:?} is waiting to start: {waiting}");
        return Err(ApiError::bad_request(why));
    }
    let written = match annotation(&pod, "log") {
        "" => format!("sandbox: container {container} runs in place of {}", text(status, "/image")),
        written => written.to_owned(),
    };
    let lines: Vec<_> = written.lines().collect();
    let tail = call.params.text("tailLines").parse().unwrap_or(lines.len());
    let told = lines[lines.len().saturating_sub(tail)..].iter().map(|line| format!("{line}\n"));
    Ok(reply::text(&told.collect::<String>()))
}

fn evict(app: &App, call: &Call, target: &Target, resource: &Arc<Resource>) -> ApiResult<Response> {
    let mut request = verb::request(app, call, target, resource, "CreateOptions")?;
    request.subresource.clear();
    let eviction = body::object(&call.headers, &call.body, "Eviction")?;
    if object::name(&eviction) != target.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let options = eviction.get("deleteOptions").map(ToString::to_string).unwrap_or_default();
    let options = body::delete_options(options.as_bytes())?;
    request.dry_run |= options.dry_run;
    app.world.lock().evict(&request, &options)?;
    let body =
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Ok(reply::object(201, &call.accepts, &body))
}
