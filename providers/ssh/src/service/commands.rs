//! The shell's part: the command that looks, and those that change.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshform_engine::ports::{PerformRequest, Precondition, ProviderError};
use meshform_engine::value::Value;

use super::{check_seconds, drop_ins, pairs, unit_name};
use crate::attributes::{given, sensitive, text};
use crate::confirm::Confirm;
use crate::managed::missing;
use crate::script::{self, quote};

const LIBRARY: &str = include_str!("change.sh");

/// The words of the command that looks.
pub(super) fn sight(subject: &Value) -> Vec<String> {
    let names = drop_ins(subject);
    let mut words = vec![
        "see_service".to_owned(),
        unit_name(subject),
        switch(is_secret(subject)).to_owned(),
        names.len().to_string(),
    ];
    words.extend(names.into_keys());
    let pairs = pairs::pairs(subject).into_iter();
    words.extend(pairs.flat_map(|pair| [pair.key, pair.path.unwrap_or_default()]));
    words
}

/// Commands that make a unit as wanted.
///
/// # Errors
/// When not all of it is known.
pub(super) fn make(request: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
    let wanted = drop_ins(desired);
    let recorded = request.record.as_ref().map(|record| &record.attributes);
    let leaving: Vec<_> = recorded
        .map(drop_ins)
        .unwrap_or_default()
        .into_keys()
        .filter(|name| !wanted.contains_key(name))
        .collect();
    let first = match (&request.record, &request.precondition) {
        (Some(_), _) => "0",
        (None, Precondition::Unproven) => "if_missing",
        (None, _) => "1",
    };
    let enabled = given(desired, "enabled").and_then(Value::as_bool).map_or("", switch);
    let seconds = check_seconds(desired).to_string();
    let change_seconds = super::seconds(desired).to_string();
    let had_unit = recorded.is_some_and(|recorded| given(recorded, "unit").is_some());
    let variables = [
        ("first", first),
        ("enabled", enabled),
        ("state", text(desired, "state").unwrap_or_default()),
        ("leaving", &leaving.join(" ")),
        ("had_unit", switch(had_unit)),
        ("mode", if is_secret(desired) { "0600" } else { "0644" }),
        ("quiet", switch(desired.has_sensitive())),
        ("has_check", switch(given(desired, "check").is_some())),
        ("check_seconds", &seconds),
        ("change_seconds", &change_seconds),
    ];
    let confirm = Confirm::of_unit(&unit_name(desired), desired);
    let triples: String = pairs::pairs(desired).into_iter().fold(String::new(), |triples, pair| {
        let path = quote(pair.path.as_deref().unwrap_or_default());
        format!("{triples} {} {} {path}", pair.due.word(), pair.key)
    });
    Ok(format!(
        "{}{}{LIBRARY}{}{}make_service{triples}\n",
        shared(desired) + &assigned(&variables),
        confirming(confirm),
        stage(desired, &wanted)?,
        checking(text(desired, "check").unwrap_or("true")),
    ))
}

/// Commands that take a unit away, or give it back.
pub(super) fn unmake(recorded: &Value, was_there: bool) -> String {
    let end = match text(recorded, "on_destroy") {
        Some("keep") => return String::new(),
        Some("restore") => "restore",
        _ => "remove",
    };
    // What was never started or enabled here is not stopped, whoever brought it.
    let is_touched = ["unit", "enabled", "state"].iter().any(|name| given(recorded, name).is_some());
    let stays = was_there || !is_touched;
    format!(
        "{}mode=0644 confirm_seconds=0\n{LIBRARY}unmake_service {end} {}\n",
        shared(recorded),
        switch(stays)
    )
}

fn shared(attributes: &Value) -> String {
    let own: Vec<_> = drop_ins(attributes).into_keys().collect();
    assigned(&[
        ("name", &unit_name(attributes)),
        ("has_unit", switch(given(attributes, "unit").is_some())),
        ("own", &own.join(" ")),
    ])
}

/// What keeps the files that a unit runs with is needed anyway.
fn confirming(confirm: Option<Confirm>) -> String {
    let (key, seconds) = confirm.map_or((String::new(), 0), |confirm| (confirm.key, confirm.seconds));
    script::confirming(&key, Some(seconds))
}

fn assigned(variables: &[(&str, &str)]) -> String {
    variables.iter().map(|(name, value)| format!("{name}={}\n", quote(value))).collect()
}

/// A function that puts all files of the unit into the folder $1.
fn stage(desired: &Value, drop_ins: &BTreeMap<String, Value>) -> Result<String, ProviderError> {
    let mut body = String::new();
    if given(desired, "unit").is_some() {
        let unit = text(desired, "unit").ok_or_else(|| missing("unit"))?;
        body.push_str(&decoded("unit", unit));
    }
    for (name, content) in drop_ins {
        let content = content.as_str().ok_or_else(|| missing("drop_ins"))?;
        body.push_str(&decoded(&format!("d/{name}"), content));
    }
    Ok(format!("stage() {{\n:\n{body}}}\n"))
}

/// In base64, nothing can end the here-document.
fn decoded(name: &str, content: &str) -> String {
    format!("base64 -d >\"$1/\"{} <<'END-' || return 1\n{}END-\n", quote(name), encoded(content))
}

/// A function that runs the check for at most $1 seconds. It goes in by standard input, as arguments can be seen by everyone, and runs
/// once it is whole.
fn checking(command: &str) -> String {
    let program = format!("main() {{\neval {}\n}}\nmain </dev/null\n", quote(command));
    format!("check() {{\nbase64 -d <<'END-' | timeout -k 1 \"$1\" /bin/sh\n{}END-\n}}\n", encoded(&program))
}

/// 57 bytes make a line of 76 characters, as every decoder takes it.
fn encoded(content: &str) -> String {
    content.as_bytes().chunks(57).map(|line| STANDARD.encode(line) + "\n").collect()
}

fn is_secret(attributes: &Value) -> bool {
    sensitive(attributes, "unit") || sensitive(attributes, "drop_ins")
}

fn switch(on: bool) -> &'static str {
    if on { "1" } else { "0" }
}
