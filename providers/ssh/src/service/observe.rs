//! What the host's records say about a unit.

use std::collections::BTreeMap;

use meshform_engine::ports::{ErrorCode, ProviderError};
use meshform_engine::value::Value;
use serde_json::json;

use super::{drop_ins, pairs, unit_name};
use crate::answer::Record;
use crate::attributes::given;
use crate::error::{blame, error};
use crate::managed::There;
use crate::promise::Promises;

/// What is there; `None` if there is no such unit.
///
/// # Errors
/// When the host has no systemd, does not let us look, or lacks a unit that nothing is going to bring.
pub(super) fn there(
    subject: &Value,
    records: &[Record],
    promises: &Promises,
) -> Result<Option<There>, ProviderError> {
    let also = |kind: &'static str| {
        records.iter().filter(move |record| record.kind == "also" && record.field(0) == kind)
    };
    if also("no_systemd").next().is_some() {
        return Err(no_systemd());
    }
    if also("no_root").next().is_some() {
        return Err(no_root());
    }
    let Some(state) = also("state").next() else { return Err(unanswered()) };
    let files: BTreeMap<String, Option<String>> = also("file").filter_map(file).collect();
    let unit = unit_name(subject);
    if state.field(1) == "not-found" && files.is_empty() {
        let is_missing = given(subject, "unit").is_none() && promises.wants_unit(&unit);
        return if is_missing && !promises.may_bring(&unit) { Err(missing(&unit)) } else { Ok(None) };
    }
    let attributes = [
        ("name", subject.get("name").cloned().unwrap_or_else(Value::null)),
        ("unit", files.get("").map_or_else(Value::null, content)),
        ("drop_ins", own_drop_ins(subject, &files)),
        ("enabled", Value::bool(is_enabled(state.field(4)))),
        ("state", Value::string(run_state(state.field(2), state.field(3)))),
    ];
    let with: serde_json::Map<_, _> = also("with")
        .map(|record| (record.field(1).to_owned(), json!([record.field(2), record.field(3)])))
        .collect();
    let failure = also("failure").next();
    let weighed = |path: &str| with.contains_key(&pairs::key(path));
    let promised = promises.hashes().filter(|(path, _)| weighed(path));
    let promised: serde_json::Map<_, _> =
        promised.map(|(path, hash)| (path.to_owned(), json!(hash))).collect();
    let names: Vec<_> = files.keys().filter(|name| !name.is_empty()).collect();
    let detail = json!({
        "load": state.field(1),
        "enablement": state.field(4),
        "stale": state.field(5) == "yes",
        "can_reload": state.field(6) == "yes",
        "failure": failure.map(|record| format!("{} {}", record.field(1), record.field(3))),
        "link": also("link").next().is_some(),
        "files": names,
        "with": with,
        "promised": promised,
    });
    let attributes = Value::object(attributes.map(|(name, value)| (name.to_owned(), value)));
    Ok(Some(There { attributes, detail }))
}

/// A file of the unit: its name, empty for the unit's own, and what it holds if that is text.
fn file(record: &Record) -> Option<(String, Option<String>)> {
    let name = String::from_utf8(record.bytes(1)?).ok()?;
    Some((name, String::from_utf8(record.bytes(2)?).ok()))
}

fn content(content: &Option<String>) -> Value {
    content.as_ref().map_or_else(|| Value::string("(not text)"), |text| Value::string(text.as_str()))
}

/// Of the drop-ins, those that are ours; others are left alone.
fn own_drop_ins(subject: &Value, files: &BTreeMap<String, Option<String>>) -> Value {
    let wanted = drop_ins(subject);
    let own = files.iter().filter(|(name, _)| wanted.contains_key(*name));
    let own: BTreeMap<_, _> = own.map(|(name, there)| (name.clone(), content(there))).collect();
    if own.is_empty() { Value::null() } else { Value::map(own) }
}

fn is_enabled(enablement: &str) -> bool {
    matches!(enablement, "enabled" | "enabled-runtime" | "alias" | "generated")
}

/// In what state a unit is, in words of ours where there are some.
fn run_state<'a>(active: &'a str, sub: &str) -> &'a str {
    match active {
        "activating" if sub == "auto-restart" => "failed",
        "active" | "reloading" | "refreshing" | "activating" => "running",
        "inactive" | "deactivating" => "stopped",
        other => other,
    }
}

/// What is told of a unit that is not there.
pub(super) fn missing(unit: &str) -> ProviderError {
    let detail = format!(
        "The host has no unit {unit}. Check the name, say what it is by `unit`, or let this depend on the host_package that brings it."
    );
    blame(error(ErrorCode::Invalid, "Unit missing", detail), "name")
}

fn no_systemd() -> ProviderError {
    error(
        ErrorCode::Invalid,
        "No systemd",
        "The host does not run systemd, so that no units can be managed there.",
    )
}

fn no_root() -> ProviderError {
    let detail = "Units can be managed by root only. Log in as root, or set become = \"sudo\" on the host.";
    error(ErrorCode::Denied, "Not root", detail)
}

fn unanswered() -> ProviderError {
    error(ErrorCode::Other, "Not answered", "The host's answer does not tell about a unit.")
}
