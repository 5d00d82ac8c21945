//! Reading and writing the parts of an object that every kind has.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

/// A text at a JSON pointer; empty if there is none.
pub(crate) fn text<'v>(object: &'v Value, pointer: &str) -> &'v str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// An integer at a JSON pointer.
pub(crate) fn integer(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// A boolean at a JSON pointer; false if there is none.
pub(crate) fn flag(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// The items of a list at a JSON pointer.
pub(crate) fn list<'v>(object: &'v Value, pointer: &str) -> &'v [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

static NO_FIELDS: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// The fields of a map at a JSON pointer.
pub(crate) fn map<'v>(object: &'v Value, pointer: &str) -> &'v Map<String, Value> {
    object.pointer(pointer).and_then(Value::as_object).unwrap_or(&NO_FIELDS)
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub(crate) fn is_terminating(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null())
}

/// The resource version as a number; 0 if there is none.
pub(crate) fn revision(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion").parse().unwrap_or(0)
}

/// The map under a key, made if it is not there (or is something else). Always an object.
pub(crate) fn child<'v>(object: &'v mut Value, key: &str) -> &'v mut Value {
    if !object.is_object() {
        *object = json!({});
    }
    let slot = &mut object[key];
    if !slot.is_object() {
        *slot = json!({});
    }
    slot
}

/// The object's metadata, made if there is none. Always an object.
pub(crate) fn metadata(object: &mut Value) -> &mut Value {
    child(object, "metadata")
}

/// Sets a field below a path of map keys, making the maps on the way.
pub(crate) fn set(object: &mut Value, path: &[&str], value: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut at = object;
    for parent in parents {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[*parent];
    }
    if !at.is_object() {
        *at = json!({});
    }
    at[*last] = value;
}

/// Removes a field below a path of map keys.
pub(crate) fn remove(object: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    let mut at = object;
    for parent in parents {
        at = at.get_mut(parent)?;
    }
    at.as_object_mut()?.remove(*last)
}

/// Puts a field where there is none (or `null`).
pub(crate) fn put_default(fields: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(fields) = fields.as_object_mut()
        && fields.get(key).is_none_or(Value::is_null)
    {
        fields.insert(key.to_owned(), value.into());
    }
}

/// The owner reference with `controller: true`.
pub(crate) fn controller(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|owner| flag(owner, "/controller"))
}

/// An owner reference to `owner`, as controllers set it.
pub(crate) fn controller_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    })
}
