//! What tells whether an object is still the one that was reviewed.
//!
//! A version is `UID/RULE-VALUE`. The rule says how much of the object counts:
//!
//! - `content`: a hash of everything but `status` and what changes by itself, so that status writes do not void a saved plan;
//! - `generation`: the server's own count of edits, for an object that holds sensitive values (a hash of them could be guessed
//!   from);
//! - `revision`: any write at all, for such an object whose edits the server does not count, like a Secret.

use meshform_engine::value::Value;
use serde_json::Value as Json;

use crate::identity::TypeName;
use crate::manifest::SERVER_SET;

/// Written by the Deployment controller on every roll-out.
const ROLLOUT_REVISION: &str = "deployment.kubernetes.io/revision";

/// The version of a live object of which `guides` (what is wanted, what is recorded) tell whether it holds sensitive values.
pub(crate) fn version(object: &Json, guides: &[&Value]) -> String {
    let of_type = TypeName::new(text(object, "/apiVersion"), text(object, "/kind"));
    let hides = of_type.is_secret() || guides.iter().any(|guide| guide.has_sensitive());
    let hidden_metadata = guides.iter().any(|guide| guide.get("metadata").is_some_and(Value::has_sensitive));
    let counts = object.pointer("/metadata/generation").is_some();
    match (hides, counts && !hidden_metadata) {
        (false, _) => content(object),
        (true, true) => generation(object),
        (true, false) => revision(object),
    }
}

/// Whether an object still has a version that was taken before.
pub(crate) fn is_unchanged(object: &Json, reviewed: &str) -> bool {
    [content, generation, revision].iter().any(|rule| rule(object) == reviewed)
}

fn content(object: &Json) -> String {
    let mut counted = object.clone();
    if let Some(fields) = counted.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = counted.get_mut("metadata").and_then(Json::as_object_mut) {
        let own_sake = |name: &str| name != "deletionTimestamp" && SERVER_SET.contains(&name);
        metadata.retain(|name, _| !own_sake(name));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Json::as_object_mut) {
            annotations.remove(ROLLOUT_REVISION);
        }
        metadata.retain(|name, value| {
            name != "annotations" || value.as_object().is_none_or(|map| !map.is_empty())
        });
    }
    format!("{}/content-{}", uid(object), blake3::hash(counted.to_string().as_bytes()).to_hex())
}

fn generation(object: &Json) -> String {
    let count = object.pointer("/metadata/generation").and_then(Json::as_i64).unwrap_or_default();
    format!("{}/generation-{count}", uid(object))
}

fn revision(object: &Json) -> String {
    format!("{}/revision-{}", uid(object), text(object, "/metadata/resourceVersion"))
}

fn uid(object: &Json) -> &str {
    text(object, "/metadata/uid")
}

fn text<'a>(object: &'a Json, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: &str, replicas: u8, revision: &str, status: u8) -> Json {
        json!({
            "apiVersion": "v1", "kind": kind, "spec": { "replicas": replicas }, "status": { "x": status },
            "metadata": { "uid": "u", "resourceVersion": revision, "generation": replicas },
        })
    }

    fn check(reviewed: &Json, guides: &[&Value], now: &Json, expect: bool) {
        let reviewed = version(reviewed, guides);
        assert_eq!(is_unchanged(now, &reviewed), expect, "{reviewed}");
    }

    #[test]
    fn edits_count_and_status_writes_do_not() {
        let before = object("Foo", 1, "5", 1);
        check(&before, &[], &object("Foo", 1, "6", 2), true);
        check(&before, &[], &object("Foo", 2, "6", 1), false);
    }

    #[test]
    fn sensitive_content_is_never_hashed() {
        let before = object("Foo", 1, "5", 1);
        let secret = Value::object([("spec".into(), Value::string("x").sensitive())]);
        check(&before, &[&secret], &object("Foo", 1, "6", 2), true);
        check(&before, &[&secret], &object("Foo", 2, "6", 1), false);
        let mut plain = object("Secret", 1, "5", 1);
        plain["metadata"]["generation"].take();
        assert_eq!(version(&object("Secret", 1, "5", 1), &[]), "u/generation-1");
        plain["metadata"].as_object_mut().unwrap().remove("generation");
        assert_eq!(version(&plain, &[]), "u/revision-5");
    }

    #[test]
    fn another_object_of_the_name_is_not_the_same() {
        let mut after = object("Foo", 1, "5", 1);
        after["metadata"]["uid"] = json!("other");
        check(&object("Foo", 1, "5", 1), &[], &after, false);
    }

    #[test]
    fn the_roll_out_revision_does_not_count() {
        let mut after = object("Foo", 1, "5", 1);
        after["metadata"]["annotations"] = json!({ ROLLOUT_REVISION: "1" });
        check(&object("Foo", 1, "5", 1), &[], &after, true);
    }
}
