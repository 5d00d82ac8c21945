//! Reviews: who am I, whose token is that, and who may do what?

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use super::path::Target;
use super::{App, Call, body, identity, reply, verb};
use crate::kube::access::{self, Attributes, User};
use crate::kube::object::{self, list, map, text};
use crate::kube::registry::{Resource, strings};
use crate::kube::status::{ApiError, ApiResult, FieldError, Subject};
use crate::kube::token;
use crate::kube::write::owners_of_new;

const BOTH_OR_NONE: &str = "exactly one of nonResourceAttributes or resourceAttributes must be specified";

/// Whether the kind is a question rather than an object.
pub(super) fn is_review(resource: &Resource) -> bool {
    matches!(resource.group.as_str(), "authentication.k8s.io" | "authorization.k8s.io")
}

/// Answers a review.
pub(super) fn create(
    app: &App,
    call: &Call,
    target: &Target,
    resource: &Arc<Resource>,
) -> ApiResult<Response> {
    if call.method != Method::POST {
        let message = "the server does not allow this method on the requested resource";
        return Err(ApiError::status(405, "MethodNotAllowed", message));
    }
    let mut review = body::object(&call.headers, &call.body, &resource.kind)?;
    review["apiVersion"] = json!(resource.api_version(&target.version));
    review["kind"] = json!(resource.kind);
    let request = verb::request(app, call, target, resource, "CreateOptions")?;
    let status = match resource.kind.as_str() {
        "SelfSubjectReview" => {
            // The server answers with one of its own.
            review["metadata"] = json!({ "creationTimestamp": request.time() });
            json!({ "userInfo": call.user.to_json() })
        }
        "SelfSubjectRulesReview" => {
            let rules = rules_review(app, &call.user, text(&review, "/spec/namespace"))?;
            review["metadata"] = json!({});
            review["spec"] = json!({});
            rules
        }
        kind => {
            let managers = owners_of_new(&request, &review)?.encode();
            object::metadata(&mut review)["managedFields"] = managers;
            if resource.namespaced {
                object::metadata(&mut review)["namespace"] = json!(target.namespace);
            }
            match kind {
                "TokenReview" => token_review(app, &review),
                _ => access_review(app, call, target, &resource.kind, &review)?,
            }
        }
    };
    review["status"] = status;
    Ok(reply::object(201, &call.accepts, &review))
}

/// Whose token it is.
fn token_review(app: &App, review: &Value) -> Value {
    const INVALID: &str = "invalid bearer token";
    let Some(account) = identity::account_of(app, text(review, "/spec/token")) else {
        return json!({ "user": {}, "error": INVALID });
    };
    let wanted = match strings(review, "/spec/audiences") {
        none if none.is_empty() => vec![token::ISSUER.to_owned()],
        wanted => wanted,
    };
    let shared: Vec<&String> =
        wanted.iter().filter(|audience| account.audiences.contains(audience)).collect();
    if shared.is_empty() {
        let list = |audiences: &[String]| {
            let quoted: Vec<String> = audiences.iter().map(|audience| format!("{audience:?}")).collect();
            format!("[{}]", quoted.join(" "))
        };
        let why = format!(
            "token audiences {} is invalid for the target audiences {}",
            list(&account.audiences),
            list(&wanted)
        );
        return json!({ "user": {}, "error": format!("[{INVALID}, {why}]") });
    }
    json!({ "authenticated": true, "user": User::of_account(&account).to_json(), "audiences": shared })
}

/// Whether somebody may do something.
fn access_review(app: &App, call: &Call, target: &Target, kind: &str, review: &Value) -> ApiResult<Value> {
    let spec = &review["spec"];
    check_access_review(kind, spec, target)?;
    let user = match kind {
        "SelfSubjectAccessReview" => User::clone(&call.user),
        _ => user_in(spec),
    };
    let decision = access::decide(&app.world.lock(), &user, &asked(spec));
    let mut status = json!({ "allowed": decision.allowed });
    if !decision.reason.is_empty() {
        status["reason"] = json!(decision.reason);
    }
    Ok(status)
}

fn check_access_review(kind: &str, spec: &Value, target: &Target) -> ApiResult<()> {
    let mut errors = Vec::new();
    let on_resource = spec["resourceAttributes"].is_object();
    let on_path = spec["nonResourceAttributes"].is_object();
    if on_resource == on_path {
        let place = if on_path { "spec.nonResourceAttributes" } else { "spec.resourceAttributes" };
        let value = if on_path { path_asked(spec) } else { Value::Null };
        let detail =
            if on_path { "cannot be specified in combination with resourceAttributes" } else { BOTH_OR_NONE };
        errors.push(FieldError::invalid(place, &value, detail));
    }
    if kind != "SelfSubjectAccessReview" && text(spec, "/user").is_empty() && list(spec, "/groups").is_empty()
    {
        let detail = "at least one of user or group must be specified";
        errors.push(FieldError::invalid("spec.user", &json!(""), detail));
    }
    if kind == "LocalSubjectAccessReview" {
        errors.extend(misplaced(spec, target));
    }
    if errors.is_empty() {
        return Ok(());
    }
    let subject = Subject { group: "authorization.k8s.io", resource: "", kind: "", name: "" };
    Err(ApiError::invalid(subject, &errors))
}

/// What is wrong with a question about one namespace.
fn misplaced(spec: &Value, target: &Target) -> Option<FieldError> {
    if spec["nonResourceAttributes"].is_object() {
        let place = "spec.nonResourceAttributes";
        return Some(FieldError::invalid(place, &path_asked(spec), "disallowed on this kind of request"));
    }
    let namespace = text(spec, "/resourceAttributes/namespace");
    (namespace != target.namespace).then(|| {
        let place = "spec.resourceAttributes.namespace";
        FieldError::invalid(place, &json!(namespace), "must match metadata.namespace")
    })
}

/// What is asked of a path, as messages have it.
fn path_asked(spec: &Value) -> Value {
    let at = |field: &str| text(spec, &format!("/nonResourceAttributes/{field}"));
    json!({ "Path": at("path"), "Verb": at("verb") })
}

/// The user that a review is about.
fn user_in(spec: &Value) -> User {
    let extra = map(spec, "/extra").keys();
    let extra: BTreeMap<String, Vec<String>> = extra
        .map(|key| {
            let pointer = format!("/extra/{}", key.replace('~', "~0").replace('/', "~1"));
            (key.clone(), strings(spec, &pointer))
        })
        .collect();
    User {
        name: text(spec, "/user").to_owned(),
        uid: text(spec, "/uid").to_owned(),
        groups: strings(spec, "/groups"),
        extra,
    }
}

fn asked(spec: &Value) -> Attributes {
    let at = |place: &str, field: &str| text(spec, &format!("/{place}/{field}")).to_owned();
    if spec["nonResourceAttributes"].is_object() {
        let place = "nonResourceAttributes";
        return Attributes { verb: at(place, "verb"), path: at(place, "path"), ..Attributes::default() };
    }
    let place = "resourceAttributes";
    Attributes {
        verb: at(place, "verb"),
        group: at(place, "group"),
        resource: at(place, "resource"),
        subresource: at(place, "subresource"),
        namespace: at(place, "namespace"),
        name: at(place, "name"),
        path: String::new(),
    }
}

/// The rules that a user holds in a namespace.
fn rules_review(app: &App, user: &User, namespace: &str) -> ApiResult<Value> {
    if namespace.is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    let state = app.world.lock();
    let everything = [
        json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }),
        json!({ "verbs": ["*"], "nonResourceURLs": ["*"] }),
    ];
    let grants = access::grants(&state, user, namespace);
    let held: Vec<&Value> = match state.is_guarded() {
        true => grants.held.iter().map(|grant| grant.rule).collect(),
        false => everything.iter().collect(),
    };
    let with = |field: &str, fields: &[&str]| -> Vec<Value> {
        let rules = held.iter().filter(|rule| !list(rule, &format!("/{field}")).is_empty());
        let kept = |rule: &&&Value| {
            let fields =
                fields.iter().filter_map(|field| Some(((*field).to_owned(), rule.get(*field)?.clone())));
            Value::Object(fields.collect())
        };
        rules.map(|rule| kept(&rule)).collect()
    };
    let mut status = json!({
        "resourceRules": with("resources", &["verbs", "apiGroups", "resources", "resourceNames"]),
        "nonResourceRules": with("nonResourceURLs", &["verbs", "nonResourceURLs"]),
        "incomplete": !grants.missing.is_empty(),
    });
    if !grants.missing.is_empty() {
        status["evaluationError"] = json!(grants.missing.join(", "));
    }
    Ok(status)
}
