//! CustomResourceDefinitions.

use serde_json::{Value, json};

use crate::kube::object::{child, flag, list, put_default, text};

pub(crate) fn default(definition: &mut Value) {
    let kind = text(definition, "/spec/names/kind").to_owned();
    let spec = child(definition, "spec");
    let names = child(spec, "names");
    if !kind.is_empty() {
        put_default(names, "singular", kind.to_lowercase());
        put_default(names, "listKind", format!("{kind}List"));
    }
    put_default(child(spec, "conversion"), "strategy", "None");
}

/// The versions that objects of a new definition may be stored in.
pub(crate) fn stored_versions(definition: &Value) -> Value {
    storage_version(definition).into_iter().cloned().collect()
}

/// Objects may be stored in a version from when it is marked so, until someone says that none are any more.
pub(super) fn keep_stored_versions(definition: &mut Value) {
    let Some(version) = storage_version(definition).cloned() else { return };
    let status = child(definition, "status");
    match status.get_mut("storedVersions").and_then(Value::as_array_mut) {
        Some(stored) if stored.contains(&version) => {}
        Some(stored) => stored.push(version),
        None => status["storedVersions"] = json!([version]),
    }
}

fn storage_version(definition: &Value) -> Option<&Value> {
    let stored = list(definition, "/spec/versions").iter().find(|version| flag(version, "/storage"));
    stored.map(|version| &version["name"])
}
