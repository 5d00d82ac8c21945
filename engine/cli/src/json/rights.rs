//! The rights that a stack needs.

use meshform_engine::rights::Rights;
use meshform_engine::value::to_json;
use serde_json::{Value, json};

use super::FORMAT_VERSION;

/// The documents of each target, which hold nothing unknown.
pub(crate) fn document(rights: &Rights) -> Value {
    let targets = rights.documents.iter().map(|(target, documents)| {
        let documents: Vec<_> = documents.iter().filter_map(|document| to_json(document).ok()).collect();
        (target.to_string(), Value::Array(documents))
    });
    let untold: Vec<_> = rights.untold.iter().map(ToString::to_string).collect();
    json!({
        "format_version": FORMAT_VERSION,
        "targets": Value::Object(targets.collect()),
        "untold": untold,
    })
}
