//! Conditions in a status.

use serde_json::{Value, json};

use crate::kube::object::{child, list};

/// Sets a condition; its transition time moves only when its status does. Whether anything changed.
pub(crate) fn set(
    object: &mut Value,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
    now: &str,
) -> bool {
    let mut conditions = list(object, "/status/conditions").to_vec();
    let at = conditions.iter().position(|condition| condition["type"] == kind);
    let known = at.and_then(|at| conditions.get(at)).cloned();
    let same = |field: &str, value: &str| known.as_ref().is_some_and(|known| known[field] == value);
    if same("status", status) && same("reason", reason) && same("message", message) {
        return false;
    }
    let mut condition = json!({ "type": kind, "status": status, "reason": reason, "message": message });
    let unmoved = known.as_ref().filter(|known| known["status"] == status);
    condition["lastTransitionTime"] =
        unmoved.map_or_else(|| json!(now), |known| known["lastTransitionTime"].clone());
    match at.and_then(|at| conditions.get_mut(at)) {
        Some(slot) => *slot = condition,
        None => conditions.push(condition),
    }
    child(object, "status")["conditions"] = Value::Array(conditions);
    true
}

/// The condition of a type.
pub(super) fn find<'o>(object: &'o Value, kind: &str) -> Option<&'o Value> {
    list(object, "/status/conditions").iter().find(|condition| condition["type"] == kind)
}
