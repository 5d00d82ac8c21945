//! The roles of a guarded world: those that every cluster has, and the rules of those that gather others' by their labels.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::{API_SERVER, Api};
use crate::kube::access::{CLUSTER_BINDINGS, CLUSTER_ROLES};
use crate::kube::object::{self, list, map, text};
use crate::kube::selector::label_selector_matches;
use crate::kube::state::State;

const AGGREGATOR: &str = "clusterrole-aggregation-controller";

/// Roles and bindings as a server makes them for itself, read once per process; `Null` if they cannot be read.
static DEFAULTS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../data/roles.json")).unwrap_or_default());

/// Makes the roles that are missing, if the world is guarded, and gathers rules.
pub(super) fn establish(state: &mut State, now: Timestamp) {
    if state.is_guarded() {
        let mut api = Api::new(state, now, API_SERVER);
        for object in list(&DEFAULTS, "") {
            let resource = match text(object, "/kind") {
                "ClusterRole" => CLUSTER_ROLES,
                _ => CLUSTER_BINDINGS,
            };
            if api.state.get(resource, "", object::name(object)).is_none() {
                // They are valid; one that cannot be made is found missing by its users.
                let _ = api.create(object);
            }
        }
    }
    aggregate(state, now);
}

/// Roles may gather from roles that gather: in as many rounds as it takes, but no more than there are.
fn aggregate(state: &mut State, now: Timestamp) {
    let rounds = state.store.list(CLUSTER_ROLES, None).filter(|role| gathers(role)).count();
    for _ in 0..rounds {
        let roles: Vec<Arc<Value>> = state.store.list(CLUSTER_ROLES, None).cloned().collect();
        let stale: Vec<(&Value, Vec<Value>)> = roles
            .iter()
            .filter(|role| gathers(role) && !object::is_terminating(role))
            .map(|role| (&**role, gathered(role, &roles)))
            .filter(|(role, rules)| list(role, "/rules") != rules.as_slice())
            .collect();
        if stale.is_empty() {
            return;
        }
        for (role, rules) in stale {
            let mut api = Api::new(state, now, AGGREGATOR);
            // What cannot be written now is due again when a role changes.
            let _ = api.apply(&json!({
                "apiVersion": role["apiVersion"],
                "kind": role["kind"],
                "metadata": { "name": role["metadata"]["name"] },
                "rules": rules,
            }));
        }
    }
}

fn gathers(role: &Value) -> bool {
    !list(role, "/aggregationRule/clusterRoleSelectors").is_empty()
}

/// The rules of the roles that a role selects, each once.
fn gathered(role: &Value, roles: &[Arc<Value>]) -> Vec<Value> {
    let mut rules = Vec::new();
    for selector in list(role, "/aggregationRule/clusterRoleSelectors") {
        let selected = roles.iter().filter(|other| {
            object::name(other) != object::name(role)
                && label_selector_matches(selector, map(other, "/metadata/labels"))
        });
        for rule in selected.flat_map(|other| list(other, "/rules")) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
    }
    rules
}
