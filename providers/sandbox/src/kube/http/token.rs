//! Tokens of service accounts (`serviceaccounts/NAME/token`).

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use serde_json::{Value, json};

use super::path::Target;
use super::{App, Call, body, reply, verb};
use crate::kube::clock::rfc3339;
use crate::kube::merge::{FieldSet, Managers, Operation};
use crate::kube::object::{self, integer, list};
use crate::kube::registry::Resource;
use crate::kube::status::{ApiError, ApiResult, FieldError, Subject};
use crate::kube::token;

const API_VERSION: &str = "authentication.k8s.io/v1";
const KIND: &str = "TokenRequest";
const SECONDS_DEFAULT: i64 = 3600;
const SECONDS_MIN: i64 = 600;
const SECONDS_MAX: i64 = 1 << 32;

/// Answers with a token for a service account.
pub(super) fn create(
    app: &App,
    call: &Call,
    target: &Target,
    resource: &Arc<Resource>,
) -> ApiResult<Response> {
    let request = verb::request(app, call, target, resource, "CreateOptions")?;
    let asked = body::object(&call.headers, &call.body, KIND)?;
    let mut state = app.world.lock();
    let account = state.find(&request)?;
    let seconds = seconds(&asked)?;
    let audiences = match list(&asked, "/spec/audiences") {
        [] => json!([token::ISSUER]),
        given => json!(given),
    };
    let expires = request.now.checked_add(Duration::from_secs(seconds.unsigned_abs())).unwrap_or(request.now);
    let credential = state.uuid();
    let claims = token::Claims {
        namespace: object::namespace(&account),
        name: object::name(&account),
        uid: object::uid(&account),
        credential: &credential,
        audiences: &audiences,
        issued: request.now,
        expires,
    };
    let token = token::issue(state.token_key(), &claims);
    drop(state);
    let mut owned = vec!["spec.expirationSeconds"];
    if !list(&asked, "/spec/audiences").is_empty() {
        owned.push("spec.audiences");
    }
    let mut managers = Managers::default();
    let mut key = request.manager_key(Operation::Update);
    API_VERSION.clone_into(&mut key.api_version);
    managers.owners.insert(key.clone(), FieldSet::of_fields(&owned));
    managers.stamp(&key, API_VERSION, &request.time());
    let answer = json!({
        "kind": KIND,
        "apiVersion": API_VERSION,
        "metadata": {
            "name": account["metadata"]["name"],
            "namespace": account["metadata"]["namespace"],
            "uid": account["metadata"]["uid"],
            "creationTimestamp": request.time(),
            "managedFields": managers.encode(),
        },
        "spec": {
            "audiences": audiences,
            "expirationSeconds": seconds,
            "boundObjectRef": asked.pointer("/spec/boundObjectRef").cloned().unwrap_or(Value::Null),
        },
        "status": { "token": token, "expirationTimestamp": rfc3339(expires) },
    });
    Ok(reply::object(201, &call.accepts, &answer))
}

fn seconds(asked: &Value) -> ApiResult<i64> {
    let seconds = integer(asked, "/spec/expirationSeconds").unwrap_or(SECONDS_DEFAULT);
    let detail = match seconds {
        ..SECONDS_MIN => "may not specify a duration less than 10 minutes",
        SECONDS_MAX.. => "may not specify a duration larger than 2^32 seconds",
        _ => return Ok(seconds),
    };
    let subject = Subject { group: "authentication.k8s.io", resource: "", kind: KIND, name: "" };
    Err(ApiError::invalid(subject, &[FieldError::invalid("spec.expirationSeconds", &json!(seconds), detail)]))
}
