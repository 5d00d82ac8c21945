//! Reviews: who am I, and may I? Everyone who is let in may do everything.

use std::sync::Arc;

use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Call, body, reply};
use crate::kube::registry::Resource;
use crate::kube::status::{ApiError, ApiResult};

/// Whether the kind is a question rather than an object.
pub(super) fn is_review(resource: &Resource) -> bool {
    matches!(resource.group.as_str(), "authentication.k8s.io" | "authorization.k8s.io")
}

/// Answers a review.
pub(super) fn create(call: &Call, resource: &Arc<Resource>, version: &str) -> ApiResult<Response> {
    if call.method != Method::POST {
        let message = "the server does not allow this method on the requested resource";
        return Err(ApiError::status(405, "MethodNotAllowed", message));
    }
    let mut review = body::object(&call.headers, &call.body, &resource.kind)?;
    let user = json!({ "username": "sandbox", "groups": ["system:masters", "system:authenticated"] });
    let rules = json!([{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }]);
    let status: Value = match resource.kind.as_str() {
        "SelfSubjectReview" => json!({ "userInfo": user }),
        // A client is let in by its path: no token authenticates anyone.
        "TokenReview" => json!({ "user": {} }),
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
