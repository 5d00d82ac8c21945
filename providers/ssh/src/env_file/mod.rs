//! `host_env_file`: `KEY=value` lines in a file that others also write.

mod text;

use std::collections::BTreeMap;

use meshform_engine::address::Address;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Observation, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Path, PathStep, Value};

use self::text::Format;
use crate::attributes::{change, text, unchanged, unknown};
use crate::check::{choice, is_variable, mode, place, wrong};
use crate::managed::{Managed, Subject, Text, end, has_unknown, missing, remembered, shared};

/// The resource type of variables in environment files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EnvFile;

impl Managed for EnvFile {
    fn name(&self) -> &'static str {
        "host_env_file"
    }

    fn attributes(&self) -> Vec<Attribute> {
        let mut attributes = shared();
        attributes.extend([
            Attribute::required("values", Type::String.map(), "The variables that are ours, by their names."),
            Attribute::default(
                "format",
                Type::String,
                "systemd",
                "Who reads it: systemd (as EnvironmentFile=, and any shell) or environment (as pam_env reads /etc/environment).",
            ),
        ]);
        attributes
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(text(desired, "path").and_then(|path| place("path", path)));
        problems.extend(mode(desired));
        problems.extend(choice(desired, "format", &Format::NAMES));
        problems.extend(end::check(desired, end::WITH_RESTORE));
        let values = desired.get("values").and_then(Value::as_map);
        if values.is_some_and(BTreeMap::is_empty) {
            problems.push(wrong("values", "There has to be one variable at least.".to_owned()));
        }
        for (name, value) in values.into_iter().flatten() {
            problems.extend(variable(name, value, format(desired)));
        }
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        &[(
            "path",
            "Files are known by their paths, in every plan and in the state. Let only values be sensitive.",
        )]
    }

    fn identity(&self, address: &Address, desired: &Value) -> Option<String> {
        // Several may share a file, each with variables of its own.
        text(desired, "path").map(|path| format!("env:{path}\n{address}"))
    }

    fn fields(&self) -> &'static [&'static str] {
        &["values"]
    }

    fn settings(&self) -> &'static [&'static str] {
        &["format", "mode", "create_parents", "on_destroy"]
    }

    fn changes(&self, desired: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> Vec<FieldChange> {
        if unknown(desired, "values") && desired.get("values").is_some_and(|values| values.as_map().is_none())
        {
            let before = there.attributes.get("values").cloned();
            return vec![change("values", before, desired.get("values").cloned())];
        }
        let (wanted, there_now) = (values(desired), values(&there.attributes));
        let names: std::collections::BTreeSet<_> = wanted.keys().chain(there_now.keys()).collect();
        let ours = |name: &str| {
            let owned = there.detail.as_array();
            owned.is_some_and(|owned| owned.iter().any(|one| one.as_str() == Some(name)))
        };
        let differs = |name: &&&String| match (wanted.get(**name), there_now.get(**name)) {
            (Some(wanted), there) => has_unknown(wanted) || !unchanged(there, Some(wanted), keyed),
            (None, _) => ours(name),
        };
        let show = |name: &String| FieldChange {
            path: at(name),
            ..change("values", there_now.get(name).cloned(), wanted.get(name).cloned())
        };
        names.iter().filter(differs).map(|name| show(name)).collect()
    }

    fn taken_over(&self, desired: &Value, there: &Observation) -> Vec<String> {
        let names: Vec<_> = values(&there.attributes).into_keys().collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let end = match text(desired, "on_destroy") {
            Some("restore") if desired.get("values").is_some_and(Value::has_sensitive) => {
                "former values of what is not sensitive come back at the end (on_destroy = \"restore\"); others go, as the state holds no secret"
            }
            Some("restore") => "former values come back at the end (on_destroy = \"restore\")",
            Some("keep") => "all stays at the end (on_destroy = \"keep\")",
            _ => "at the end they go (on_destroy = \"remove\")",
        };
        vec![format!("{} {verb} in the file already and taken over; {end}.", names.join(", "))]
    }

    fn ends(&self, record: &Record, _: &Observation) -> Vec<String> {
        match text(&record.attributes, "on_destroy") {
            Some("keep") => vec!["The variables stay in the file (on_destroy = \"keep\").".to_owned()],
            Some("restore") => {
                let former = remembered(Some(record), "former").and_then(|former| former.as_object());
                let back: Vec<_> = former
                    .into_iter()
                    .flatten()
                    .filter(|(_, raw)| raw.is_string())
                    .map(|(name, _)| name.as_str())
                    .collect();
                match back.is_empty() {
                    true => Vec::new(),
                    false => vec![format!(
                        "Former values come back: {} (on_destroy = \"restore\").",
                        back.join(", ")
                    )],
                }
            }
            _ => Vec::new(),
        }
    }
}

impl Text for EnvFile {
    fn find(&self, text: &str, subject: &Subject<'_>) -> Option<Value> {
        let first = subject.first()?;
        let names: Vec<String> = [subject.desired, subject.recorded]
            .into_iter()
            .flatten()
            .flat_map(|one| values(one).into_keys())
            .collect();
        let there = text::read(text, format(first));
        let found: BTreeMap<_, _> = names
            .into_iter()
            .filter_map(|name| there.get(&name).map(|value| (name.clone(), Value::string(value.as_str()))))
            .collect();
        let path = first.get("path").cloned().unwrap_or_else(Value::null);
        (!found.is_empty())
            .then(|| Value::object([("path".to_owned(), path), ("values".to_owned(), Value::map(found))]))
    }

    /// What was recorded and is not wanted any more.
    fn detail(&self, subject: &Subject<'_>) -> serde_json::Value {
        let recorded = subject.recorded.map(values).unwrap_or_default();
        recorded.into_keys().collect::<Vec<_>>().into()
    }

    fn put(&self, text: &str, desired: &Value, record: Option<&Record>) -> Result<String, ProviderError> {
        let (format, wanted) = (format(desired), values(desired));
        let mut edited = text.to_owned();
        if let Some(record) = record {
            let gone = values(&record.attributes).into_keys().filter(|name| !wanted.contains_key(name));
            for name in gone {
                edited = take(&edited, format, &name, desired, &record.private);
            }
        }
        for (name, value) in &wanted {
            let value = value.as_str().ok_or_else(|| missing("values"))?;
            let quoted = format.quoted(value).ok_or_else(|| missing("values"))?;
            edited = text::set(&edited, format, name, value, &quoted);
        }
        Ok(edited)
    }

    fn take(&self, text: &str, recorded: &Value, private: &serde_json::Value) -> String {
        let format = format(recorded);
        let names = values(recorded).into_keys();
        names.fold(text.to_owned(), |text, name| take(&text, format, &name, recorded, private))
    }

    /// What a secret takes the place of is not remembered, as it is likely a secret, too.
    fn former(&self, text: &str, desired: &Value, known: Option<&serde_json::Value>) -> serde_json::Value {
        let format = format(desired);
        let wanted = values(desired);
        let secret = desired.get("values").is_some_and(Value::is_sensitive);
        let former = |(name, value): (&String, &Value)| {
            let known = known.and_then(|known| known.get(name)).cloned();
            let is_secret = secret || value.has_sensitive();
            let found = || match is_secret {
                true => serde_json::Value::Null,
                false => text::raw(text, format, name).into(),
            };
            (name.clone(), known.unwrap_or_else(found))
        };
        serde_json::Value::Object(wanted.iter().map(former).collect())
    }
}

/// The text without a variable, or with the line that it had before if that is to come back.
fn take(text: &str, format: Format, name: &str, policy: &Value, private: &serde_json::Value) -> String {
    let restores = crate::attributes::text(policy, "on_destroy") == Some("restore");
    let former = private.get("former").and_then(|former| former.get(name)?.as_str()).filter(|_| restores);
    text::replace(text, format, name, former)
}

/// A file of these variables as systemd reads it; `None` if one of them cannot be in it.
pub(crate) fn systemd_file(variables: &BTreeMap<&str, &str>) -> Option<String> {
    let line = |(name, value): (&&str, &&str)| Some(format!("{name}={}\n", Format::Systemd.quoted(value)?));
    variables.iter().map(line).collect()
}

/// The variables that a file sets as systemd reads it.
pub(crate) fn systemd_variables(text: &str) -> BTreeMap<String, String> {
    text::read(text, Format::Systemd)
}

fn values(attributes: &Value) -> BTreeMap<String, Value> {
    attributes.get("values").and_then(Value::as_map).cloned().unwrap_or_default()
}

fn format(attributes: &Value) -> Format {
    Format::named(text(attributes, "format").unwrap_or_default())
}

fn at(name: &str) -> Path {
    Path::attribute("values").join(PathStep::Attribute(name.to_owned()))
}

fn variable(name: &str, value: &Value, format: Format) -> Option<Problem> {
    if !is_variable(name) {
        let detail = format!(
            "{name:?} is not the name of an environment variable: letters, digits and _, no digit first."
        );
        return Some(Problem { path: at(name), ..wrong("values", detail) });
    }
    let reason = match value.as_str() {
        None if value.is_null() => "It is null: leave the variable out instead.",
        Some(text) if format.quoted(text).is_none() => format.limits(),
        _ => return None,
    };
    Some(Problem { path: at(name), ..wrong("values", reason.to_owned()) })
}
