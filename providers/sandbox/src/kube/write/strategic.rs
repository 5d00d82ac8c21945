//! Strategic merge patches: merge patches that match list items by the merge keys of the type.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::kube::status::{ApiError, ApiResult};
use crate::kube::types::{Scalar, Shape, TypeRef};

/// What the server's decoder says of a patch that is something else.
const NOT_A_MAP: &str = "json: cannot unmarshal array into Go value of type map[string]interface {}";
const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// `document` with the patch merged in.
///
/// # Errors
///
/// 400 for directives that do not exist, and list items without their merge key.
pub(super) fn merge(ty: TypeRef<'_>, document: &Value, patch: &Value) -> ApiResult<Value> {
    let Value::Object(patch) = patch else {
        return Err(ApiError::bad_request(NOT_A_MAP));
    };
    let document = document.as_object().cloned().unwrap_or_default();
    merge_fields(ty, document, patch).map(Value::Object)
}

fn merge_fields(
    ty: TypeRef<'_>,
    mut target: Map<String, Value>,
    patch: &Map<String, Value>,
) -> ApiResult<Map<String, Value>> {
    match patch.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => return Ok(without_directives(patch)),
        Some("delete") => return Ok(Map::new()),
        Some("merge") | None => {}
        Some(other) => return Err(unknown_directive(other)),
    }
    if let Some(Value::Array(kept)) = patch.get(RETAIN_KEYS) {
        target.retain(|key, _| kept.iter().any(|kept| kept == key));
    }
    for (key, value) in patch {
        if let Some(field) = key.strip_prefix(DELETE_FROM) {
            delete_values(&mut target, field, value);
        } else if let Some(field) = key.strip_prefix(ORDER) {
            if !patch.contains_key(field) {
                reorder(ty.value_or_any(field), target.get_mut(field), value);
            }
        } else if key == DIRECTIVE || key == RETAIN_KEYS {
        } else if value.is_null() {
            target.remove(key);
        } else {
            let order = patch.get(&format!("{ORDER}{key}"));
            let merged = merge_value(ty.value_or_any(key), target.get(key), value, order)?;
            target.insert(key.clone(), merged);
        }
    }
    Ok(target)
}

fn merge_value(
    ty: TypeRef<'_>,
    target: Option<&Value>,
    patch: &Value,
    order: Option<&Value>,
) -> ApiResult<Value> {
    match patch {
        Value::Object(patch) if !matches!(ty.shape(), Shape::Scalar(Scalar::Quantity)) => {
            let target = target.and_then(Value::as_object).cloned().unwrap_or_default();
            merge_fields(ty, target, patch).map(Value::Object)
        }
        Value::Array(patch) => {
            let target = target.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            merge_items(ty, target, patch, order).map(Value::Array)
        }
        scalar => Ok(scalar.clone()),
    }
}

fn merge_items(
    ty: TypeRef<'_>,
    target: &[Value],
    patch: &[Value],
    order: Option<&Value>,
) -> ApiResult<Vec<Value>> {
    let replaces = patch.iter().any(|item| directive(item) == Some("replace"));
    let Some(key) = ty.node().patch_key.as_deref().filter(|_| !replaces) else {
        let items = patch.iter().filter(|item| directive(item) != Some("replace"));
        return Ok(items.cloned().collect());
    };
    let mut merged = target.to_vec();
    for item in patch {
        if key.is_empty() {
            if !merged.contains(item) {
                merged.push(item.clone());
            }
            continue;
        }
        let Some(id) = item.get(key) else {
            let item = go_text(item);
            return Err(failed(format!("map: {item} does not contain declared merge key: {key}")));
        };
        let at = merged.iter().position(|own| own.get(key) == Some(id));
        match (directive(item), at) {
            (Some("delete"), Some(_)) => merged.retain(|own| own.get(key) != Some(id)),
            (Some("delete"), None) => {}
            (Some(other), _) if other != "merge" => {
                let item = go_text(item);
                return Err(failed(format!("unknown patch type: {other} in map: {item}")));
            }
            (_, Some(at)) => {
                if let Some(own) = merged.get_mut(at) {
                    *own = merge_value(ty.item(), Some(own), item, None)?;
                }
            }
            (_, None) => merged.push(merge_value(ty.item(), None, item, None)?),
        }
    }
    let order = order.and_then(Value::as_array).map_or(patch, Vec::as_slice);
    Ok(in_order(key, merged, order, target))
}

/// Puts a list that the patch only orders in that order.
fn reorder(ty: TypeRef<'_>, list: Option<&mut Value>, order: &Value) {
    let (Some(Value::Array(items)), Value::Array(order)) = (list, order) else { return };
    let before = items.clone();
    let key = ty.node().patch_key.as_deref().unwrap_or_default();
    *items = in_order(key, std::mem::take(items), order, &before);
}

/// Items in the order of the patch; what it does not name stands among them as it did before. What was not there before comes first.
fn in_order(key: &str, items: Vec<Value>, order: &[Value], before: &[Value]) -> Vec<Value> {
    let id = |item: &Value| if key.is_empty() { item.clone() } else { item[key].clone() };
    let place = |list: &[Value], item: &Value| list.iter().position(|other| id(other) == id(item));
    let (mut named, rest): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| place(order, item).is_some());
    named.sort_by_key(|item| place(order, item));
    let mut rest = rest.into_iter().peekable();
    let mut ordered = Vec::new();
    for item in named {
        let at = place(before, &item);
        while let Some(other) = rest.next_if(|other| at.is_some() && place(before, other) < at) {
            ordered.push(other);
        }
        ordered.push(item);
    }
    ordered.extend(rest);
    ordered
}

fn delete_values(target: &mut Map<String, Value>, field: &str, gone: &Value) {
    let gone: BTreeSet<String> = gone.as_array().into_iter().flatten().map(Value::to_string).collect();
    if let Some(Value::Array(items)) = target.get_mut(field) {
        items.retain(|item| !gone.contains(&item.to_string()));
    }
}

fn directive(item: &Value) -> Option<&str> {
    item.get(DIRECTIVE).and_then(Value::as_str)
}

fn without_directives(patch: &Map<String, Value>) -> Map<String, Value> {
    let kept = patch.iter().filter(|(key, _)| *key != DIRECTIVE && *key != RETAIN_KEYS);
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn unknown_directive(directive: &str) -> ApiError {
    failed(format!("unknown patch type: {directive}"))
}

/// The server does not call a bad patch a bad request.
fn failed(message: String) -> ApiError {
    ApiError::status(500, "", message)
}

/// A value as Go prints it, which is how the server tells of parts of a patch.
pub(super) fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{key}:{}", go_text(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
