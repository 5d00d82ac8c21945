//! How a value is taken apart: as a whole, item by item, or field by field.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::path::{KeyValue, PathElement};
use crate::kube::types::{ListKind, Shape, TypeRef};

/// How ownership goes into a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Owned as a whole: scalars, atomic lists and maps.
    Leaf,
    /// Owned item by item.
    Items,
    /// Owned field by field.
    Fields,
}

/// The form of a value of a type. `null` takes the type's form; a value that is not of its type is a leaf.
pub(crate) fn form(ty: TypeRef<'_>, value: &Value) -> Form {
    match (ty.shape(), value) {
        (Shape::Any, Value::Object(_)) => Form::Fields,
        (Shape::List { kind, .. }, Value::Array(_) | Value::Null) if *kind != ListKind::Atomic => Form::Items,
        (Shape::Map(map), Value::Object(_) | Value::Null) if !map.atomic => Form::Fields,
        _ => Form::Leaf,
    }
}

/// The one form of what is on either side; a leaf if they disagree.
pub(crate) fn common_form(ty: TypeRef<'_>, left: Option<&Value>, right: Option<&Value>) -> Form {
    match (left.map(|value| form(ty, value)), right.map(|value| form(ty, value))) {
        (Some(left), Some(right)) if left != right => Form::Leaf,
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => Form::Leaf,
    }
}

/// Whether there is nothing inside.
pub(crate) fn is_hollow(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(_) => false,
    }
}

pub(crate) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

static NO_FIELDS: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

pub(crate) fn fields(value: Option<&Value>) -> &Map<String, Value> {
    value.and_then(Value::as_object).unwrap_or(&NO_FIELDS)
}

/// How the item of a list is addressed; the reason if it cannot be.
pub(crate) fn item_element(list: TypeRef<'_>, index: usize, item: &Value) -> Result<PathElement, String> {
    match list.shape() {
        Shape::List { kind: ListKind::Set, .. } => Ok(PathElement::Value(KeyValue(item.clone()))),
        Shape::List { kind: ListKind::Map(keys), .. } => keyed(list, keys, item),
        _ => Ok(PathElement::Index(index)),
    }
}

fn keyed(list: TypeRef<'_>, keys: &[String], item: &Value) -> Result<PathElement, String> {
    let Some(item) = item.as_object() else {
        return Err(format!("associative list with keys may not have non-map elements, got {item}"));
    };
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let default = || list.item().field(key).and_then(|field| field.default.as_ref());
        if let Some(value) = item.get(key).or_else(default) {
            found.push((key.clone(), KeyValue(value.clone())));
        }
    }
    found.sort();
    if found.is_empty() {
        let names = keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(", ");
        return Err(format!(
            "associative list with keys has an element that omits key field {names} (and doesn't have default value)"
        ));
    }
    Ok(PathElement::Key(found))
}

/// Equality of values, where `1` and `1.0` are one number.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|theirs| same(value, theirs)))
        }
        _ => left == right,
    }
}
