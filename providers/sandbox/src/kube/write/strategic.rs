//! Strategic merge patches: merge patches that match list items by the merge keys of the type.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::kube::status::{ApiError, ApiResult};
use crate::kube::types::{Scalar, Shape, TypeRef};

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
        return Err(ApiError::bad_request("the patch is not an object"));
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
            // Order directives come beside the list that they order, and are applied after it.
            let _ = field;
        } else if key == DIRECTIVE || key == RETAIN_KEYS {
        } else if value.is_null() {
            target.remove(key);
        } else {
            let merged = merge_value(ty.value_or_any(key), target.get(key), value)?;
            target.insert(key.clone(), merged);
        }
    }
    for (key, order) in patch {
        if let Some(field) = key.strip_prefix(ORDER) {
            reorder(ty.value_or_any(field), target.get_mut(field), order);
        }
    }
    Ok(target)
}

fn merge_value(ty: TypeRef<'_>, target: Option<&Value>, patch: &Value) -> ApiResult<Value> {
    match patch {
        Value::Object(patch) if !matches!(ty.shape(), Shape::Scalar(Scalar::Quantity)) => {
            let target = target.and_then(Value::as_object).cloned().unwrap_or_default();
            merge_fields(ty, target, patch).map(Value::Object)
        }
        Value::Array(patch) => {
            let target = target.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            merge_items(ty, target, patch).map(Value::Array)
        }
        scalar => Ok(scalar.clone()),
    }
}

fn merge_items(ty: TypeRef<'_>, target: &[Value], patch: &[Value]) -> ApiResult<Vec<Value>> {
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
            return Err(ApiError::bad_request(format!(
                "map: {item} does not contain declared merge key: {key}"
            )));
        };
        let at = merged.iter().position(|own| own.get(key) == Some(id));
        match (directive(item), at) {
            (Some("delete"), Some(_)) => merged.retain(|own| own.get(key) != Some(id)),
            (Some("delete"), None) => {}
            (Some(other), _) if other != "merge" => return Err(unknown_directive(other)),
            (_, Some(at)) => {
                if let Some(own) = merged.get_mut(at) {
                    *own = merge_value(ty.item(), Some(own), item)?;
                }
            }
            (_, None) => merged.push(merge_value(ty.item(), None, item)?),
        }
    }
    Ok(merged)
}

/// Puts items in the order that the client has them; what it does not name keeps its place behind its predecessor.
fn reorder(ty: TypeRef<'_>, list: Option<&mut Value>, order: &Value) {
    let (Some(Value::Array(items)), Value::Array(order)) = (list, order) else { return };
    let key = ty.node().patch_key.as_deref().unwrap_or_default();
    let rank = |item: &Value| {
        order.iter().position(|entry| {
            if key.is_empty() {
                entry == item
            } else {
                entry.get(key).is_some() && entry.get(key) == item.get(key)
            }
        })
    };
    let mut ranked: Vec<(usize, Value)> = Vec::with_capacity(items.len());
    let mut last = 0;
    for item in items.drain(..) {
        last = rank(&item).map_or(last, |rank| rank + 1);
        ranked.push((last, item));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    items.extend(ranked.into_iter().map(|(_, item)| item));
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
    ApiError::bad_request(format!("unknown patch type found: {directive}"))
}
