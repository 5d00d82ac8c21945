//! What becomes of an object of a custom kind before it is looked at: undeclared fields go, defaults come.

use serde_json::{Map, Value};

use crate::types::{Shape, TypeRef};

/// An object without the fields that its schema does not declare.
#[derive(Clone, Debug, PartialEq)]
pub struct Pruned {
    /// What is left.
    pub object: Value,
    /// The paths of what is gone.
    pub unknown: Vec<String>,
}

/// The object without what its schema does not declare.
pub fn prune(ty: TypeRef<'_>, object: &Value) -> Pruned {
    let mut unknown = Vec::new();
    let object = pruned(ty, object, "", &mut unknown);
    Pruned { object, unknown }
}

fn pruned(ty: TypeRef<'_>, value: &Value, at: &str, unknown: &mut Vec<String>) -> Value {
    match (ty.shape(), value) {
        (Shape::Map(_), Value::Object(fields)) => {
            let mut kept = Map::new();
            for (name, field) in fields {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                match ty.value(name) {
                    Some(below) => drop(kept.insert(name.clone(), pruned(below, field, &at, unknown))),
                    None => unknown.push(at),
                }
            }
            Value::Object(kept)
        }
        (Shape::List { .. }, Value::Array(items)) => {
            let items = items.iter().enumerate();
            items.map(|(index, item)| pruned(ty.item(), item, &format!("{at}[{index}]"), unknown)).collect()
        }
        (_, value) => value.clone(),
    }
}

/// Puts the defaults that the schema declares where there is nothing.
pub fn fill_defaults(ty: TypeRef<'_>, value: &mut Value) {
    match (ty.shape(), value) {
        (Shape::Map(map), Value::Object(fields)) => {
            for (name, field) in &map.fields {
                let is_missing = match fields.get(name) {
                    None => true,
                    Some(value) => value.is_null() && !ty.value_or_any(name).node().nullable,
                };
                if let Some(default) = field.default.as_ref().filter(|_| is_missing) {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in fields {
                fill_defaults(ty.value_or_any(name), value);
            }
        }
        (Shape::List { .. }, Value::Array(items)) => {
            items.iter_mut().for_each(|item| fill_defaults(ty.item(), item));
        }
        _ => {}
    }
}
