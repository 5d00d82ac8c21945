//! Nobody grants what they do not hold, unless they may `escalate` the role or `bind` it.

use serde_json::Value;

use super::attributes::Attributes;
use super::decision::{attributes_of, decide};
use super::grant::{GROUP, grants, rules_of};
use super::rule::{Rule, compact, quoted};
use crate::kube::object::{self, list, text};
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult};
use crate::kube::write::Request;

/// Refuses roles and bindings by which their writer would grant more than they hold.
///
/// # Errors
///
/// 403 with the rights that are missing; 404 for a binding of a role that is not there.
pub(crate) fn check(state: &State, request: &Request, new: &Value, live: Option<&Value>) -> ApiResult<()> {
    if request.resource.group != GROUP || request.author.is_master() || !state.is_guarded() {
        return Ok(());
    }
    if live.is_some_and(|live| is_bookkeeping(live, new)) {
        return Ok(());
    }
    match request.resource.kind.as_str() {
        "Role" | "ClusterRole" => check_role(state, request, new, live),
        "RoleBinding" | "ClusterRoleBinding" => check_binding(state, request, new),
        _ => Ok(()),
    }
}

/// Whether nothing changes but what garbage collection changes.
fn is_bookkeeping(live: &Value, new: &Value) -> bool {
    let stripped = |object: &Value| {
        let mut object = object.clone();
        for field in ["ownerReferences", "finalizers", "managedFields", "resourceVersion"] {
            object::remove(&mut object, &["metadata", field]);
        }
        object
    };
    stripped(live) == stripped(new)
}

fn check_role(state: &State, request: &Request, new: &Value, live: Option<&Value>) -> ApiResult<()> {
    let escalate = Attributes { verb: "escalate".to_owned(), ..attributes_of(request) };
    if decide(state, &request.author, &escalate).allowed {
        return Ok(());
    }
    let rules: Vec<Rule<'_>> = list(new, "/rules").iter().map(Rule::read).collect();
    confirm(state, request, &rules, object::name(new), None)?;
    let aggregates = |role: &Value| !list(role, "/aggregationRule/clusterRoleSelectors").is_empty();
    if aggregates(new) || live.is_some_and(aggregates) {
        // It may gather anything.
        let why = "must have cluster-admin privileges to use the aggregationRule";
        confirm(state, request, &Rule::everything(), object::name(new), Some(why))?;
    }
    Ok(())
}

fn check_binding(state: &State, request: &Request, new: &Value) -> ApiResult<()> {
    let resource = match text(new, "/roleRef/kind") {
        "Role" => "roles",
        "ClusterRole" => "clusterroles",
        _ => "",
    };
    let bind = Attributes {
        verb: "bind".to_owned(),
        group: text(new, "/roleRef/apiGroup").to_owned(),
        resource: resource.to_owned(),
        namespace: request.namespace.clone(),
        name: text(new, "/roleRef/name").to_owned(),
        ..Attributes::default()
    };
    if !resource.is_empty() && decide(state, &request.author, &bind).allowed {
        return Ok(());
    }
    let rules = rules_of(state, new, &request.namespace).map_err(|why| match resource {
        "" => ApiError::status(500, "", why),
        _ => missing_role(request, new),
    })?;
    let rules: Vec<Rule<'_>> = rules.iter().map(Rule::read).collect();
    confirm(state, request, &rules, object::name(new), None)
}

/// The server takes the role for what was asked for.
fn missing_role(request: &Request, binding: &Value) -> ApiError {
    ApiError::not_found(request.resource.subject(text(binding, "/roleRef/name")))
}

/// Refuses rules that the writer does not hold; `instead` is said rather than which.
fn confirm(
    state: &State,
    request: &Request,
    rules: &[Rule<'_>],
    name: &str,
    instead: Option<&str>,
) -> ApiResult<()> {
    let author = &request.author;
    let grants = grants(state, author, &request.namespace);
    let held: Vec<Rule<'_>> = grants.held.iter().map(|grant| Rule::read(grant.rule)).collect();
    let pieces = rules.iter().flat_map(Rule::pieces);
    let missing: Vec<Rule<'_>> = pieces.filter(|piece| !held.iter().any(|own| own.covers(piece))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut shown: Vec<String> = compact(&missing).iter().map(ToString::to_string).collect();
    shown.sort();
    shown.dedup();
    let mut why = format!(
        "user {:?} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
        author.name,
        quoted(&author.groups),
        shown.join("\n")
    );
    if !grants.missing.is_empty() {
        why.push_str(&format!("; resolution errors: [{}]", grants.missing.join(" ")));
    }
    Err(ApiError::forbidden(request.resource.subject(name), instead.unwrap_or(&why)))
}
