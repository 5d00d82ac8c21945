//! What a reviewer should know besides the fields: sentences.

use meshform_engine::value::Value;
use serde_json::Value as Json;

use crate::owned::Owners;

/// About something that is to be removed.
pub(super) fn deletion(object: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(since) = object.get("metadata").and_then(|metadata| metadata.get_str("deletionTimestamp")) {
        notes.push(format!("It has been being deleted since {since}; apply waits until it is gone."));
    }
    notes.extend(finalizers(object).map(|names| {
        format!("It stays until its finalizers are done: {names}. Whoever serves them must be running.")
    }));
    notes
}

/// About something that is wanted but on its way out.
pub(super) fn terminating(since: &str, object: &Value) -> String {
    let held =
        finalizers(object).map(|names| format!(", held by its finalizers {names}")).unwrap_or_default();
    format!(
        "It has been being deleted since {since}{held}: apply waits until it is gone, then makes it anew."
    )
}

fn finalizers(object: &Value) -> Option<String> {
    let finalizers = object.get("metadata")?.get("finalizers")?.as_list()?;
    let names: Vec<_> = finalizers.iter().filter_map(Value::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// About something that is there without a record of it.
pub(super) fn adoption(owners: &Owners) -> String {
    let others: Vec<_> = owners.others().map(ToString::to_string).collect();
    match others.is_empty() {
        true => "It is there already and becomes part of this stack.".to_owned(),
        false => format!(
            "It is there already, with fields of {}, and becomes part of this stack.",
            others.join(", ")
        ),
    }
}

/// About `spec.replicas` that a scaler sets.
pub(super) fn scaled_by_others(manifest: &Value, owners: &Owners) -> Option<String> {
    manifest.get("spec")?.get("replicas")?;
    let scaler = owners.others().find(|manager| {
        manager.subresource == "scale"
            && manager.fields.field("spec").is_some_and(|spec| spec.field("replicas").is_some())
    })?;
    Some(format!("{scaler} scales it: leave out spec.replicas, or the two will fight over it."))
}

/// What the server warned about.
pub(super) fn warnings(detail: &Json) -> Vec<String> {
    let warnings = detail.get("warnings").and_then(Json::as_array).into_iter().flatten();
    warnings.filter_map(Json::as_str).map(|text| format!("The server warns: {text}")).collect()
}
