//! Writes as values: what a plan shows and what an apply sends are the same.

use serde_json::{Map, Value as Json, json};

use crate::live::Reference;

/// One write to one object: it is made whole or not at all.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Makes the object, or brings the fields of this document into it, by server-side apply.
    Apply(Reference, Json),
    /// Changes an object that others own too, by a JSON merge patch (RFC 7386). One that bears a `resourceVersion` is refused by the server
    /// when the object has changed since it was read.
    Merge(Reference, Json),
    /// Removes the object, if it is there.
    Delete(Reference),
}

impl Write {
    /// An apply of a whole document, which gets its `apiVersion`, `kind` and name from the reference.
    pub(crate) fn apply(reference: Reference, mut document: Json) -> Self {
        document["apiVersion"] = reference.api_version.into();
        document["kind"] = reference.kind.into();
        document["metadata"]["name"] = reference.name.clone().into();
        Self::Apply(reference, document)
    }

    /// A merge patch of an object as it was read just now: only what is not so already.
    pub(crate) fn merge(reference: Reference, read: &Json, patch: Json) -> Self {
        let mut patch = changed(patch, Some(read)).unwrap_or_else(|| json!({}));
        if let Some(version) = read.pointer("/metadata/resourceVersion") {
            patch["metadata"]["resourceVersion"] = version.clone();
        }
        Self::Merge(reference, patch)
    }

    /// Another number of pods.
    pub(crate) fn scale(deployment: &str, replicas: u64) -> Self {
        Self::Merge(Reference::deployment(deployment), json!({ "spec": { "replicas": replicas } }))
    }

    /// The object that is written to.
    pub fn reference(&self) -> &Reference {
        match self {
            Self::Apply(reference, _) | Self::Merge(reference, _) | Self::Delete(reference) => reference,
        }
    }

    /// What the object is after this write. Of an apply that is as exact as a merge patch, which is enough for documents that are always
    /// applied with the same fields.
    pub fn onto(&self, object: Option<&Json>) -> Option<Json> {
        match self {
            Self::Apply(_, document) | Self::Merge(_, document) => {
                let mut merged = object.cloned().unwrap_or(Json::Null);
                merge(&mut merged, document);
                Some(merged)
            }
            Self::Delete(_) => None,
        }
    }
}

/// The part of a merge patch that changes anything.
fn changed(patch: Json, there: Option<&Json>) -> Option<Json> {
    match patch {
        Json::Null => there.map(|_| Json::Null),
        Json::Object(fields) => {
            let is_object = there.is_some_and(Json::is_object);
            let of_field = |name: &str| there.and_then(|there| there.get(name));
            let fields: Map<_, _> = fields
                .into_iter()
                .filter_map(|(name, value)| changed(value, of_field(&name)).map(|value| (name, value)))
                .collect();
            (!fields.is_empty() || !is_object).then_some(Json::Object(fields))
        }
        other => (there != Some(&other)).then_some(other),
    }
}

fn merge(object: &mut Json, patch: &Json) {
    let Some(patch) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Json::Object(Map::new());
    }
    let Some(fields) = object.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.as_str()).or_insert(Json::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_is_as_rfc_7386_has_it() {
        let check = |object: Json, patch: Json, expect: Json| {
            let write = Write::Merge(Reference::service("s"), patch);
            assert_eq!(write.onto(Some(&object)), Some(expect));
        };
        check(json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"}));
        check(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]}));
        check(json!({"a": "foo"}), json!({"b": {"c": {"d": null}}}), json!({"a": "foo", "b": {"c": {}}}));
        check(json!([1, 2]), json!({"a": "b"}), json!({"a": "b"}));
    }

    #[test]
    fn a_merge_bears_the_version_that_was_read_and_what_is_new() {
        let check = |patch: Json, expect: Json| {
            let read = json!({"metadata": {"resourceVersion": "7"}, "spec": {"a": 1, "b": {"c": [2]}}});
            let write = Write::merge(Reference::service("s"), &read, patch);
            assert_eq!(write, Write::Merge(Reference::service("s"), expect));
        };
        let version = json!({"resourceVersion": "7"});
        check(json!({"spec": {"a": 2}}), json!({"metadata": version, "spec": {"a": 2}}));
        // What is so already is not written.
        let patch = json!({"spec": {"a": 1, "b": {"c": [3], "d": null}, "e": {}}});
        check(patch, json!({"metadata": version, "spec": {"b": {"c": [3]}, "e": {}}}));
        check(json!({"spec": {"a": 1, "x": null}}), json!({"metadata": version}));
    }
}
