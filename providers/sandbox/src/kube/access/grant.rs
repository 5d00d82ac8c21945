//! Which rules bindings give a user.

use serde_json::Value;

use super::user::User;
use crate::kube::object::{self, list, text};
use crate::kube::state::State;

pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";
pub(crate) const ROLES: &str = "roles.rbac.authorization.k8s.io";
pub(crate) const CLUSTER_ROLES: &str = "clusterroles.rbac.authorization.k8s.io";
pub(crate) const BINDINGS: &str = "rolebindings.rbac.authorization.k8s.io";
pub(crate) const CLUSTER_BINDINGS: &str = "clusterrolebindings.rbac.authorization.k8s.io";

/// A rule, and why it is the user's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant<'s> {
    pub(crate) rule: &'s Value,
    binding: &'s Value,
    subject: &'s Value,
}

/// What a user holds, and which roles could not be found.
#[derive(Debug, Default)]
pub(crate) struct Grants<'s> {
    pub(crate) held: Vec<Grant<'s>>,
    pub(crate) missing: Vec<String>,
}

/// What a user holds in a namespace, or (without one) in the whole cluster.
pub(crate) fn grants<'s>(state: &'s State, user: &User, namespace: &'s str) -> Grants<'s> {
    let mut grants = Grants::default();
    for binding in state.store.list(CLUSTER_BINDINGS, None) {
        grants.add(state, binding, user, "");
    }
    if !namespace.is_empty() {
        for binding in state.store.list(BINDINGS, Some(namespace)) {
            grants.add(state, binding, user, namespace);
        }
    }
    grants
}

impl<'s> Grants<'s> {
    fn add(&mut self, state: &'s State, binding: &'s Value, user: &User, namespace: &str) {
        let subject = list(binding, "/subjects").iter().find(|subject| is_of(subject, user, namespace));
        let Some(subject) = subject else { return };
        match rules_of(state, binding, namespace) {
            Ok(rules) => self.held.extend(rules.iter().map(|rule| Grant { rule, binding, subject })),
            Err(missing) => self.missing.push(missing),
        }
    }
}

/// The rules of the role that a binding refers to.
///
/// # Errors
///
/// That it is not there, in the server's words.
pub(crate) fn rules_of<'s>(
    state: &'s State,
    binding: &Value,
    namespace: &str,
) -> Result<&'s [Value], String> {
    let (kind, name) = (text(binding, "/roleRef/kind"), text(binding, "/roleRef/name"));
    let (found, singular) = match kind {
        "Role" => (state.get(ROLES, namespace, name), "role"),
        "ClusterRole" => (state.get(CLUSTER_ROLES, "", name), "clusterrole"),
        other => return Err(format!("unsupported role reference kind: {other:?}")),
    };
    let role = found.ok_or_else(|| format!("{singular}.{GROUP} {name:?} not found"))?;
    Ok(list(role, "/rules"))
}

/// Whether a binding's subject is this user.
fn is_of(subject: &Value, user: &User, namespace: &str) -> bool {
    let name = text(subject, "/name");
    match text(subject, "/kind") {
        "User" => user.name == name,
        "Group" => user.is_in(name),
        "ServiceAccount" => {
            let own = match text(subject, "/namespace") {
                "" => namespace,
                own => own,
            };
            !own.is_empty() && user.name == User::name_of_account(own, name)
        }
        _ => false,
    }
}

impl Grant<'_> {
    /// `RoleBinding "b/n" of Role "r" to ServiceAccount "a/n"`.
    pub(crate) fn describe(&self) -> String {
        let (namespace, name) = (object::namespace(self.binding), object::name(self.binding));
        let (kind, binding) = match namespace {
            "" => ("ClusterRoleBinding", name.to_owned()),
            namespace => ("RoleBinding", format!("{name}/{namespace}")),
        };
        let (role_kind, role) = (text(self.binding, "/roleRef/kind"), text(self.binding, "/roleRef/name"));
        format!("{kind} {binding:?} of {role_kind} {role:?} to {}", self.described_subject(namespace))
    }

    fn described_subject(&self, namespace: &str) -> String {
        let (kind, name) = (text(self.subject, "/kind"), text(self.subject, "/name"));
        match (kind, text(self.subject, "/namespace")) {
            ("ServiceAccount", "") => format!("{kind} {:?}", format!("{name}/{namespace}")),
            ("ServiceAccount", own) => format!("{kind} {:?}", format!("{name}/{own}")),
            _ => format!("{kind} {name:?}"),
        }
    }
}
