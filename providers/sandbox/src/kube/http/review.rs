//! Reviews: who am I, and may I? Everyone who is let in may do everything.

use std::sync::Arc;

use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use super::{App, Call, body, reply};
use crate::kube::object;
use crate::kube::registry::Resource;
use crate::kube::status::{ApiError, ApiResult};
use crate::kube::token;

/// Whether the kind is a question rather than an object.
pub(super) fn is_review(resource: &Resource) -> bool {
    matches!(resource.group.as_str(), "authentication.k8s.io" | "authorization.k8s.io")
}

/// Answers a review.
pub(super) fn create(app: &App, call: &Call, resource: &Arc<Resource>, version: &str) -> ApiResult<Response> {
    if call.method != Method::POST {
        let message = "the server does not allow this method on the requested resource";
        return Err(ApiError::status(405, "MethodNotAllowed", message));
    }
    let mut review = body::object(&call.headers, &call.body, &resource.kind)?;
    let user = json!({ "username": "sandbox", "groups": ["system:masters", "system:authenticated"] });
    let rules = json!([{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }]);
    let status: Value = match resource.kind.as_str() {
        "SelfSubjectReview" => json!({ "userInfo": user }),
        "TokenReview" => token_review(app, object::text(&review, "/spec/token")),
        "SelfSubjectRulesReview" => json!({
            "resourceRules": rules,
            "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
            "incomplete": false,
        }),
        _ => json!({ "allowed": true }),
    };
    review["apiVersion"] = json!(resource.api_version(version));
    review["kind"] = json!(resource.kind);
    review["status"] = status;
    Ok(reply::object(201, &call.accepts, &review))
}

/// Whose token it is.
fn token_review(app: &App, given: &str) -> Value {
    let now = app.world.now();
    let state = app.world.lock();
    let account = token::account(state.token_key(), given, now).filter(|account| {
        let live = state.get("serviceaccounts", &account.namespace, &account.name);
        live.is_some_and(|live| object::uid(live) == account.uid)
    });
    match account {
        None => json!({ "user": {}, "error": "[invalid bearer token]" }),
        Some(account) => json!({
            "authenticated": true,
            "user": {
                "username": format!("system:serviceaccount:{}:{}", account.namespace, account.name),
                "uid": account.uid,
                "groups": [
                    "system:serviceaccounts",
                    format!("system:serviceaccounts:{}", account.namespace),
                    "system:authenticated",
                ],
            },
            "audiences": [token::ISSUER],
        }),
    }
}
