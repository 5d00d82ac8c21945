//! JSON patch (RFC 6902), JSON merge patch (RFC 7386) and strategic merge patch.

use serde_json::{Map, Value};

use super::admit::{check_namespace, decode_or, refuse_other_uid};
use super::apply::in_version;
use super::request::{Outcome, Request};
use super::strategic;
use super::update::check_revision;
use crate::kube::object;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult, FieldError, Subject};

/// A patch that changes what is there.
#[derive(Clone, Debug)]
pub(crate) enum Patch {
    Json(Vec<Value>),
    Merge(Value),
    Strategic(Value),
}

impl State {
    /// Patches an object.
    ///
    /// # Errors
    ///
    /// What the real server refuses a PATCH with.
    pub(crate) fn patch(&mut self, request: &Request, patch: &Patch) -> ApiResult<Outcome> {
        if request.subresource == "scale" {
            return self.patch_scale(request, patch);
        }
        let live = self.find(request)?;
        let shown = in_version(request, &live);
        let patched = patched(request, &shown, patch)?;
        let (api_version, kind) = (object::text(&patched, "/apiVersion"), object::text(&patched, "/kind"));
        if api_version != request.api_version() || kind != request.resource.kind {
            let own = &request.resource.kind;
            let why = format!(
                "converting ({api_version}.{kind}) to ({}.{own}): unknown conversion",
                request.version
            );
            return Err(unpatchable(patch, &patched, &why));
        }
        let (new, warnings) = decode_or(request, &patched, |why| unpatchable(patch, &patched, why))?;
        check_same(request, &live, &new)?;
        let version = object::text(&new, "/metadata/resourceVersion");
        if version.is_empty() || version == object::text(&live, "/metadata/resourceVersion") {
            return self.overwrite(request, &live, new, warnings);
        }
        check_revision(request, &live, &new)?;
        Err(ApiError::stale(request.subject()))
    }
}

/// A patch may not make one object into another.
fn check_same(request: &Request, live: &Value, new: &Value) -> ApiResult<()> {
    if object::name(new) != request.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            object::name(new),
            request.name
        )));
    }
    check_namespace(request, object::namespace(new))?;
    refuse_other_uid(request, live, new)
}

/// What a patch makes is not of its type. The server names a strategic patch itself, and otherwise the whole result.
fn unpatchable(patch: &Patch, patched: &Value, why: &str) -> ApiError {
    let dump = match patch {
        Patch::Strategic(patch) => strategic::go_text(patch),
        Patch::Json(_) | Patch::Merge(_) => patched.to_string(),
    };
    let nameless = Subject { group: "", resource: "", kind: "", name: "" };
    ApiError::invalid(nameless, &[FieldError::invalid("patch", &Value::from(dump), why)])
}

/// The document after a patch.
pub(super) fn patched(request: &Request, document: &Value, patch: &Patch) -> ApiResult<Value> {
    match patch {
        Patch::Json(operations) => json_patch(document.clone(), operations),
        Patch::Merge(patch) => {
            let mut merged = document.clone();
            merge_patch(&mut merged, patch);
            Ok(merged)
        }
        Patch::Strategic(patch) if request.resource.builtin => {
            strategic::merge(request.served()?.root(), document, patch)
        }
        Patch::Strategic(_) => Err(ApiError::status(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: \
             application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        )),
    }
}

fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge_patch(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

fn json_patch(mut document: Value, operations: &[Value]) -> ApiResult<Value> {
    for operation in operations {
        let done = match object::text(operation, "/op") {
            "add" => {
                operation.get("value").and_then(|value| add(&mut document, path(operation), value.clone()))
            }
            "replace" => operation
                .get("value")
                .and_then(|value| replace(&mut document, path(operation), value.clone())),
            "remove" => take(&mut document, path(operation)).map(drop),
            "test" => (document.pointer(path(operation)) == operation.get("value")).then_some(()),
            "copy" => document
                .pointer(object::text(operation, "/from"))
                .cloned()
                .and_then(|value| add(&mut document, path(operation), value)),
            "move" => take(&mut document, object::text(operation, "/from"))
                .and_then(|value| add(&mut document, path(operation), value)),
            _ => None,
        };
        if done.is_none() {
            let message = "the server rejected our request due to an error in our request";
            return Err(ApiError::status(422, "Invalid", message));
        }
    }
    Ok(document)
}

fn path(operation: &Value) -> &str {
    object::text(operation, "/path")
}

/// The parent of a JSON pointer's target, and the last step unescaped.
fn parent<'d>(document: &'d mut Value, pointer: &str) -> Option<(&'d mut Value, String)> {
    let (parent, last) = pointer.rsplit_once('/')?;
    let last = last.replace("~1", "/").replace("~0", "~");
    Some((document.pointer_mut(parent)?, last))
}

fn add(document: &mut Value, pointer: &str, value: Value) -> Option<()> {
    if pointer.is_empty() {
        *document = value;
        return Some(());
    }
    match parent(document, pointer)? {
        (Value::Object(fields), last) => drop(fields.insert(last, value)),
        (Value::Array(items), last) if last == "-" => items.push(value),
        (Value::Array(items), last) => {
            let index: usize = last.parse().ok()?;
            if index > items.len() {
                return None;
            }
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

/// The server's JSON patches put what is not there, where it would be a member of an object.
fn replace(document: &mut Value, pointer: &str, value: Value) -> Option<()> {
    match document.pointer_mut(pointer) {
        Some(slot) => *slot = value,
        None => match parent(document, pointer)? {
            (Value::Object(fields), last) => drop(fields.insert(last, value)),
            _ => return None,
        },
    }
    Some(())
}

fn take(document: &mut Value, pointer: &str) -> Option<Value> {
    match parent(document, pointer)? {
        (Value::Object(fields), last) => fields.remove(&last),
        (Value::Array(items), last) => {
            let index: usize = last.parse().ok()?;
            (index < items.len()).then(|| items.remove(index))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_patches() {
        let check = |operations: Value, expect: Option<Value>| {
            let operations = operations.as_array().unwrap().clone();
            assert_eq!(
                json_patch(json!({ "a": [1, 2], "b/c": "x" }), &operations).ok(),
                expect,
                "{operations:?}"
            );
        };
        for (operations, expect) in [
            (
                json!([{ "op": "add", "path": "/a/-", "value": 3 }]),
                Some(json!({ "a": [1, 2, 3], "b/c": "x" })),
            ),
            (
                json!([{ "op": "add", "path": "/a/0", "value": 0 }]),
                Some(json!({ "a": [0, 1, 2], "b/c": "x" })),
            ),
            (json!([{ "op": "remove", "path": "/b~1c" }]), Some(json!({ "a": [1, 2] }))),
            (
                json!([{ "op": "move", "from": "/b~1c", "path": "/d" }]),
                Some(json!({ "a": [1, 2], "d": "x" })),
            ),
            (
                json!([{ "op": "copy", "from": "/a/1", "path": "/a/0" }]),
                Some(json!({ "a": [2, 1, 2], "b/c": "x" })),
            ),
            (json!([{ "op": "test", "path": "/a/0", "value": 1 }]), Some(json!({ "a": [1, 2], "b/c": "x" }))),
            (json!([{ "op": "test", "path": "/a/0", "value": 2 }]), None),
            (
                json!([{ "op": "replace", "path": "/z", "value": 2 }]),
                Some(json!({ "a": [1, 2], "b/c": "x", "z": 2 })),
            ),
            (json!([{ "op": "replace", "path": "/a/7", "value": 2 }]), None),
            (json!([{ "op": "merge", "path": "/a" }]), None),
            (json!([{ "op": "remove", "path": "/a/7" }]), None),
            (json!([{ "op": "add", "path": "/a/7", "value": 1 }]), None),
        ] {
            check(operations, expect);
        }
    }

    #[test]
    fn merge_patches() {
        let mut document = json!({ "a": { "b": 1, "c": 2 }, "d": [1] });
        merge_patch(&mut document, &json!({ "a": { "b": null, "e": { "f": null, "g": 1 } }, "d": [2, 3] }));
        assert_eq!(document, json!({ "a": { "c": 2, "e": { "g": 1 } }, "d": [2, 3] }));
    }
}
