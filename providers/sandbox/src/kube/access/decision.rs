//! Whether it is allowed.

use super::attributes::Attributes;
use super::grant::grants;
use super::rule::Rule;
use super::user::User;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult, Subject};
use crate::kube::write::Request;

/// Whether it is allowed, and what there is to say about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) allowed: bool,
    pub(crate) reason: String,
}

/// Decides. Nothing is refused to administrators, nor in a world that is not guarded.
pub(crate) fn decide(state: &State, user: &User, asked: &Attributes) -> Decision {
    if user.is_master() || !state.is_guarded() {
        return Decision { allowed: true, reason: String::new() };
    }
    let grants = grants(state, user, &asked.namespace);
    if let Some(grant) = grants.held.iter().find(|grant| Rule::read(grant.rule).allows(asked)) {
        return Decision { allowed: true, reason: format!("RBAC: allowed by {}", grant.describe()) };
    }
    let reason = match grants.missing.as_slice() {
        [] => String::new(),
        [only] => format!("RBAC: {only}"),
        many => format!("RBAC: [{}]", many.join(", ")),
    };
    Decision { allowed: false, reason }
}

/// What is said of what is not allowed.
pub(crate) fn refused(user: &User, asked: &Attributes, reason: &str) -> ApiError {
    let mut why = cannot(&user.name, asked);
    if !reason.is_empty() {
        why.push_str(&format!(": {reason}"));
    }
    if !asked.is_resource() {
        return ApiError::forbidden_path(&why);
    }
    let subject = Subject { group: &asked.group, resource: &asked.resource, kind: "", name: &asked.name };
    ApiError::forbidden(subject, &why)
}

fn cannot(user: &str, asked: &Attributes) -> String {
    let verb = &asked.verb;
    if !asked.is_resource() {
        return format!("User {user:?} cannot {verb} path {:?}", asked.path);
    }
    let (resource, group) = (asked.full_resource(), &asked.group);
    let place = match asked.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {namespace:?}"),
    };
    format!("User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}")
}

/// A write to a name that is not there creates it, which takes a right of its own.
///
/// # Errors
///
/// 403 where the writer does not have it.
pub(crate) fn may_create(state: &State, request: &Request) -> ApiResult<()> {
    let asked = Attributes { verb: "create".to_owned(), ..attributes_of(request) };
    let decision = decide(state, &request.author, &asked);
    if decision.allowed { Ok(()) } else { Err(refused(&request.author, &asked, &decision.reason)) }
}

/// What a write is about, without its verb.
pub(super) fn attributes_of(request: &Request) -> Attributes {
    Attributes {
        verb: String::new(),
        group: request.resource.group.clone(),
        resource: request.resource.plural.clone(),
        subresource: request.subresource.clone(),
        namespace: request.namespace.clone(),
        name: request.name.clone(),
        path: String::new(),
    }
}
