//! An object without the fields of a set.

use serde_json::{Map, Value};

use super::fieldset::FieldSet;
use super::form::{Form, form, item_element};
use super::path::PathElement;
use crate::kube::types::TypeRef;

/// `value` without what the set names. What is left empty by it is gone, too.
pub(crate) fn without(ty: TypeRef<'_>, value: &Value, set: &FieldSet) -> Value {
    pruned(ty, value, set).unwrap_or(Value::Object(Map::new()))
}

fn pruned(ty: TypeRef<'_>, value: &Value, set: &FieldSet) -> Option<Value> {
    match (form(ty, value), value) {
        (Form::Fields, Value::Object(fields)) => {
            let kept: Map<String, Value> = fields
                .iter()
                .filter_map(|(name, field)| {
                    let kept = step(&PathElement::field(name), ty.value_or_any(name), field, set)?;
                    Some((name.clone(), kept))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        (Form::Items, Value::Array(items)) => {
            let kept: Vec<Value> = items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| match item_element(ty, index, item) {
                    Ok(element) => step(&element, ty.item(), item, set),
                    Err(_) => Some(item.clone()),
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

fn step(element: &PathElement, ty: TypeRef<'_>, value: &Value, set: &FieldSet) -> Option<Value> {
    if set.has(element) {
        return None;
    }
    match set.below(element) {
        Some(below) => pruned(ty, value, below),
        None => Some(value.clone()),
    }
}
