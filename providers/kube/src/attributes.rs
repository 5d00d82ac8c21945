//! The attributes of a `kube_object` as values, marked where they hide something.

use std::collections::BTreeMap;
use std::sync::Arc;

use meshform_engine::value::{Kind, Object, Value, from_json};
use serde_json::Value as Json;

use crate::MANAGER;
use crate::diff::shown_keys_of;
use crate::manifest::with_secrets_marked;
use crate::owned::{FieldSet, Owners};

/// kubectl's copy of what it applied: noise at best, a Secret's data at worst.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A live object as a value: without managed fields, marked where `guides` (the manifest, the recorded object) are, and in a
/// Secret's data always.
pub(crate) fn live_object(object: &Json, guides: &[&Value]) -> Value {
    let owners = Owners::parse(object.pointer("/metadata/managedFields").unwrap_or(&Json::Null), MANAGER);
    let mut shown = object.clone();
    if let Some(metadata) = shown.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Json::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    let marked = guides
        .iter()
        .filter(|guide| guide.has_sensitive())
        .fold(from_json(&shown), |value, guide| marked_like(&value, guide, Some(owners.all())));
    with_secrets_marked(&marked)
}

/// The attributes by the resource type's schema: what is given, with the object that is there.
pub(crate) fn attributes(source: Option<&Value>, object: Value) -> Value {
    let mut fields = source.and_then(Value::as_map).cloned().unwrap_or_default();
    if let Some(manifest) = fields.get_mut("manifest") {
        *manifest = with_secrets_marked(manifest);
    }
    fields.insert("object".to_owned(), object);
    Value::object(fields)
}

/// The value with the marks of another of its shape. In a list without keys nothing tells which element is which: it is marked as
/// a whole.
fn marked_like(value: &Value, guide: &Value, hints: Option<&FieldSet>) -> Value {
    if guide.is_sensitive() {
        return value.clone().sensitive();
    }
    if !guide.has_sensitive() {
        return value.clone();
    }
    match (value.kind(), guide.as_map(), guide.as_list()) {
        (Kind::Object(object), Some(entries), _) => entries_marked_like(object, entries, hints),
        (Kind::List(elements), _, Some(guides)) => match hints.and_then(FieldSet::key_names) {
            Some(names) => Value::list(elements.iter().map(|element| {
                let keys = shown_keys_of(element, &names);
                let guide = guides.iter().find(|guide| {
                    let own = shown_keys_of(guide, &names);
                    own.iter().all(|key| keys.contains(key))
                });
                guide.map_or_else(|| element.clone(), |guide| marked_like(element, guide, None))
            })),
            None => value.clone().sensitive(),
        },
        _ => value.clone().sensitive(),
    }
}

fn entries_marked_like(object: &Object, guides: &BTreeMap<String, Value>, hints: Option<&FieldSet>) -> Value {
    let fields = object.fields.iter().map(|(name, value)| {
        let inside = hints.and_then(|hints| hints.field(name));
        let marked =
            guides.get(name).map_or_else(|| value.clone(), |guide| marked_like(value, guide, inside));
        (name.clone(), marked)
    });
    Value::object(fields)
}

/// The value with every object in it open: apply may add to any of them.
pub(crate) fn opened(value: &Value) -> Value {
    let entries = |entries: &BTreeMap<String, Value>| {
        entries.iter().map(|(name, value)| (name.clone(), opened(value))).collect::<BTreeMap<_, _>>()
    };
    let kind = match value.kind() {
        Kind::Map(map) => Kind::Object(Arc::new(Object { fields: entries(map), open: true })),
        Kind::Object(object) => {
            Kind::Object(Arc::new(Object { fields: entries(&object.fields), open: true }))
        }
        Kind::List(elements) => Kind::List(Arc::new(elements.iter().map(opened).collect())),
        other => other.clone(),
    };
    Value::new(kind).marked(value.is_sensitive())
}

/// The object without what changes with every write or is only known when it has been made.
pub(crate) fn without_volatile(object: &Value) -> Value {
    const VOLATILE: [&str; 4] = ["generation", "managedFields", "resourceVersion", "selfLink"];
    let Some(fields) = object.as_map() else { return object.clone() };
    let kept = fields.iter().filter(|(name, _)| *name != "status").map(|(name, value)| {
        let metadata = value.as_map().filter(|_| name == "metadata");
        let value = metadata.map_or_else(
            || value.clone(),
            |metadata| {
                let kept = metadata.iter().filter(|(name, _)| !VOLATILE.contains(&name.as_str()));
                Value::object(kept.map(|(name, value)| (name.clone(), value.clone())))
                    .marked(value.is_sensitive())
            },
        );
        (name.clone(), value)
    });
    Value::object(kept).marked(object.is_sensitive())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(object: Json, guide: &Value, hidden: &str, shown: &str) {
        let text = format!("{:?}", live_object(&object, &[guide]));
        assert!(!text.contains(hidden), "{text}");
        assert!(text.contains(shown), "{text}");
    }

    fn field(name: &str, value: Value) -> Value {
        Value::object([(name.to_owned(), value)])
    }

    #[test]
    fn what_the_manifest_hides_the_object_hides() {
        let env = |text: &str| json!([{ "name": "A", "value": "plain" }, { "name": "P", "value": text }]);
        let managed =
            json!([{ "manager": "x", "fieldsV1": { "f:env": { "k:{\"name\":\"P\"}": { "f:value": {} } } } }]);
        let secret = Value::object([
            ("name".into(), "P".into()),
            ("value".into(), Value::string("hunter2").sensitive()),
        ]);
        let guide = field("env", Value::list([secret]));
        check(
            json!({ "env": env("hunter3"), "metadata": { "managedFields": managed } }),
            &guide,
            "hunter3",
            "plain",
        );
        check(json!({ "env": env("hunter3"), "x": "seen" }), &guide, "hunter3", "seen");
        check(json!({ "spec": "hunter3", "x": "seen" }), &field("spec", secret_text()), "hunter3", "seen");
    }

    fn secret_text() -> Value {
        Value::string("hunter2").sensitive()
    }

    #[test]
    fn the_data_of_a_secret_is_hidden_without_any_guide() {
        let annotations = json!({ LAST_APPLIED: "{\"data\":{\"a\":\"aHVudGVyMg==\"}}" });
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": { "name": "x", "annotations": annotations }, "data": { "a": "aHVudGVyMg==" },
        });
        check(secret, &Value::null(), "aHVudGVyMg", "Opaque");
    }
}
