//! A manifest brought into the one form that is compared and sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use meshform_engine::types::Type;
use meshform_engine::value::{Kind, Object, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::identity::{ObjectName, TypeName};

/// What only the server sets in `metadata`.
pub(crate) const SERVER_SET: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The manifest as it is sent.
///
/// Nulls are left out, as is what only the server sets; `stringData` becomes `data` (whoever applies `stringData` never
/// notices an edit of `data`); an omitted namespace is said, where its kind is known to have one; and the data of a Secret is marked.
pub(crate) fn normalise(manifest: &Value) -> Value {
    let mut fields = fields_of(&without_nulls(manifest));
    fields.remove("status");
    let mut metadata = fields.get("metadata").map(fields_of).unwrap_or_default();
    metadata.retain(|name, _| !SERVER_SET.contains(&name.as_str()));
    if let (Some(of_type), Some(name)) = (TypeName::of(manifest), ObjectName::of(manifest)) {
        match of_type.is_namespaced() {
            Some(true) => metadata.insert("namespace".into(), name.namespace.into()),
            Some(false) => metadata.remove("namespace"),
            None => None,
        };
    }
    if let Some(given) = fields.get("metadata") {
        fields.insert("metadata".into(), Value::object(metadata).marked(given.is_sensitive()));
    }
    if TypeName::of(manifest).is_some_and(|of_type| of_type.is_secret()) {
        merge_string_data(&mut fields);
    }
    with_secrets_marked(&Value::object(fields).marked(manifest.is_sensitive()))
}

/// The same manifest or object; every value in a Secret's data is marked.
pub(crate) fn with_secrets_marked(object: &Value) -> Value {
    if !TypeName::of(object).is_some_and(|of_type| of_type.is_secret()) {
        return object.clone();
    }
    let fields = fields_of(object).into_iter().map(|(name, value)| {
        let hidden = name == "data" || name == "stringData";
        let value = if hidden { with_values_marked(&value) } else { value };
        (name, value)
    });
    with_fields(object, fields.collect())
}

fn with_values_marked(data: &Value) -> Value {
    if data.as_map().is_none() {
        return data.clone().sensitive();
    }
    let marked = fields_of(data).into_iter().map(|(key, value)| (key, value.sensitive()));
    with_fields(data, marked.collect())
}

fn merge_string_data(fields: &mut BTreeMap<String, Value>) {
    let Some(texts) = fields.get("stringData") else { return };
    if !texts.is_known() {
        let unknown = Value::unknown(Type::Any).sensitive();
        fields.insert("data".into(), unknown);
        fields.remove("stringData");
        return;
    }
    let texts = fields_of(texts);
    // What is not a text stays where it is, for the server to refuse.
    let (fit, unfit): (BTreeMap<_, _>, BTreeMap<_, _>) =
        texts.into_iter().partition(|(_, text)| text.as_str().is_some() || !text.is_known());
    let data = fields.get("data").cloned().unwrap_or_else(|| Value::object([]));
    if data.is_known() {
        let mut merged = fields_of(&data);
        merged.extend(fit.into_iter().map(|(key, text)| (key, encoded(&text))));
        fields.insert("data".into(), with_fields(&data, merged));
    }
    fields.remove("stringData");
    if !unfit.is_empty() {
        fields.insert("stringData".into(), Value::object(unfit));
    }
}

fn encoded(text: &Value) -> Value {
    match text.as_str() {
        Some(text) => Value::string(STANDARD.encode(text)).sensitive(),
        None => Value::unknown(Type::String).sensitive(),
    }
}

/// The value without the nulls of its maps: a field that is null is a field that is not there.
fn without_nulls(value: &Value) -> Value {
    let kept = |entries: &BTreeMap<String, Value>| -> BTreeMap<String, Value> {
        let there = entries.iter().filter(|(_, value)| !value.is_null());
        there.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
    };
    let kind = match value.kind() {
        Kind::Map(entries) => Kind::Map(Arc::new(kept(entries))),
        Kind::Object(object) => {
            Kind::Object(Arc::new(Object { fields: kept(&object.fields), open: object.open }))
        }
        Kind::List(elements) => Kind::List(Arc::new(elements.iter().map(without_nulls).collect())),
        Kind::Set(elements) => Kind::List(Arc::new(elements.iter().map(without_nulls).collect())),
        other => other.clone(),
    };
    Value::new(kind).marked(value.is_sensitive())
}

fn fields_of(value: &Value) -> BTreeMap<String, Value> {
    value.as_map().cloned().unwrap_or_default()
}

/// An object like `like`, its mark and openness included, with other fields.
fn with_fields(like: &Value, fields: BTreeMap<String, Value>) -> Value {
    let open = matches!(like.kind(), Kind::Object(object) if object.open);
    Value::new(Kind::Object(Arc::new(Object { fields, open }))).marked(like.is_sensitive())
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::value::{from_json, to_json};
    use serde_json::json;

    fn check(given: serde_json::Value, expect: serde_json::Value) {
        assert_eq!(to_json(&normalise(&from_json(&given))).unwrap(), expect, "{given}");
    }

    #[test]
    fn only_what_the_user_declares_is_left() {
        check(
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "status": {}, "data": { "a": "1", "b": null },
                "metadata": { "name": "x", "uid": "7", "creationTimestamp": null },
            }),
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": "1" },
                "metadata": { "name": "x", "namespace": "default" },
            }),
        );
        check(
            json!({ "apiVersion": "a.b/v1", "kind": "Foo", "metadata": { "name": "x" }, "list": [null, { "y": null }] }),
            json!({ "apiVersion": "a.b/v1", "kind": "Foo", "metadata": { "name": "x" }, "list": [null, {}] }),
        );
    }

    #[test]
    fn string_data_becomes_data_and_wins() {
        check(
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "x", "namespace": "y" },
                "data": { "a": "Zm9v", "b": "Zm9v" }, "stringData": { "a": "bar", "n": 1 },
            }),
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "x", "namespace": "y" },
                "data": { "a": "YmFy", "b": "Zm9v" }, "stringData": { "n": 1 },
            }),
        );
    }

    #[test]
    fn the_data_of_a_secret_is_marked() {
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "x" }, "stringData": { "a": "hunter2" } });
        let normal = normalise(&from_json(&secret));
        assert!(!format!("{normal:?}").contains("aHVudGVy"));
        assert!(!format!("{:?}", with_secrets_marked(&from_json(&secret))).contains("hunter2"));
        let data = normal.get("data").unwrap();
        assert!(data.get("a").unwrap().is_sensitive() && !data.is_sensitive());
    }
}
