//! What a running unit was started with, and what it should run with: its own files, and what `restart_on` and `reload_on` name.

use std::collections::BTreeMap;

use meshform_engine::plan::FieldChange;
use meshform_engine::ports::Observation;
use meshform_engine::types::Type;
use meshform_engine::value::{Path, PathStep, Value};

use super::{drop_ins, files};
use crate::attributes::{given, sensitive};
use crate::managed::has_unknown;
use crate::script::sha256;

/// What a unit that runs on something older needs, the stronger one last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// It is told to read its configuration again.
    Reload,
    /// It is stopped and started.
    Restart,
}

/// One thing that a unit runs with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    /// What it takes to run with a new one.
    pub(super) due: Due,
    /// What it is called in a plan.
    pub(super) label: String,
    /// Under what it is noted on the host.
    pub(super) key: String,
    /// Where it lies on the host; a version lies nowhere.
    pub(super) path: Option<String>,
    /// The version, or the hash of what a file is going to hold, where the configuration tells; it may be unknown.
    pub(super) said: Option<Value>,
}

impl Due {
    /// As the host's program takes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::Restart => "restart",
        }
    }
}

/// All that is known by now of what a unit with these attributes runs with.
pub(super) fn pairs(attributes: &Value) -> Vec<Pair> {
    let mut pairs = own(attributes);
    for (name, due) in [("restart_on", Due::Restart), ("reload_on", Due::Reload)] {
        let secret = sensitive(attributes, name);
        let said = attributes.get(name).and_then(Value::as_list).unwrap_or_default();
        let pair = |(position, said): (usize, &Value)| named(name, due, secret, position, said);
        pairs.extend(said.iter().enumerate().filter_map(pair));
    }
    pairs
}

/// The unit's own files.
fn own(attributes: &Value) -> Vec<Pair> {
    let files = files(attributes);
    let unit = given(attributes, "unit").map(|_| ("unit".to_owned(), files.unit.clone()));
    let drop_ins = drop_ins(attributes)
        .into_keys()
        .map(|name| (format!("drop_ins[{name:?}]"), format!("{}/{name}", files.folder)));
    let pair = |(label, path): (String, String)| Pair {
        due: Due::Restart,
        label,
        key: key(&path),
        path: Some(path),
        said: None,
    };
    unit.into_iter().chain(drop_ins).map(pair).collect()
}

fn named(list: &str, due: Due, secret: bool, position: usize, said: &Value) -> Option<Pair> {
    // A file is its path and its hash.
    let text = said.as_str().or_else(|| said.get_str("path"))?;
    let path = text.starts_with('/').then(|| text.to_owned());
    let said = if path.is_some() { said.get("sha256") } else { Some(said) };
    let label = match &path {
        Some(path) if !secret => path.clone(),
        _ => format!("{list}[{position}]"),
    };
    let key = key(path.as_deref().unwrap_or(&format!("version:{text}")));
    Some(Pair { due, label, key, path, said: said.cloned() })
}

/// Under what a path, or a version, is noted on the host.
pub(super) fn key(text: &str) -> String {
    sha256(text.as_bytes())
}

/// What the host tells about what a running unit was started with, and what this plan will have made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Weights {
    /// By key: what it was started with, and what is there.
    pub(super) on_host: BTreeMap<String, (String, String)>,
    /// By path: the hash of what will be there, as far as that was known when it was looked at.
    pub(super) promised: BTreeMap<String, String>,
}

impl Weights {
    /// What an observation knows.
    pub(super) fn of(there: &Observation) -> Self {
        let part = |name: &str| there.detail.get(name).cloned().unwrap_or_default();
        Self {
            on_host: serde_json::from_value(part("with")).unwrap_or_default(),
            promised: serde_json::from_value(part("promised")).unwrap_or_default(),
        }
    }

    /// Whether the host was asked about all of this.
    pub(super) fn know(&self, attributes: &Value) -> bool {
        pairs(attributes).iter().all(|pair| self.on_host.contains_key(&pair.key))
    }

    /// How a pair differs, as a plan shows it: what the unit runs with, and what it should run with.
    fn difference(&self, pair: &Pair) -> Option<(Value, Value)> {
        let (running, there) = self.on_host.get(&pair.key)?;
        let will_be = match (&pair.path, &pair.said) {
            (Some(_), Some(said)) if has_unknown(said) => {
                return Some((older(), Value::unknown(Type::String)));
            }
            (Some(_), Some(said)) => said.as_str(),
            (Some(path), None) => self.promised.get(path).map(String::as_str),
            (None, _) => None,
        };
        let wanted = will_be.unwrap_or(there);
        if running == wanted {
            return None;
        }
        let wanted = match &pair.said {
            Some(version) if pair.path.is_none() => version.clone(),
            _ if wanted == there => Value::string("the version on the host"),
            _ => Value::string("the version of this plan"),
        };
        let running = match running.as_str() {
            "unknown" => Value::string("a version that is not known"),
            "other" => Value::string("another version"),
            _ => older(),
        };
        Some((running, wanted))
    }
}

fn older() -> Value {
    Value::string("an older version")
}

/// How what a unit runs with differs from what it should run with, each with what is due for it.
pub(super) fn debts(attributes: &Value, weights: &Weights) -> Vec<(Due, FieldChange)> {
    let differing = |pair: &Pair| {
        let (running, wanted) = weights.difference(pair)?;
        Some((pair.due, at(&pair.label, running, wanted)))
    };
    let mut debts: Vec<_> = pairs(attributes).iter().filter_map(differing).collect();
    debts.extend(unknown(attributes));
    debts
}

/// Versions and paths that only apply tells.
fn unknown(attributes: &Value) -> Vec<(Due, FieldChange)> {
    let mut open = Vec::new();
    for (name, due) in [("restart_on", Due::Restart), ("reload_on", Due::Reload)] {
        let Some(list) = attributes.get(name) else { continue };
        let unknown = || Value::unknown(Type::String);
        match list.as_list() {
            None if has_unknown(list) => open.push((due, at(name, older(), unknown()))),
            None => {}
            Some(said) => {
                let is_open = |(_, said): &(usize, &Value)| said.as_map().is_none() && has_unknown(said);
                let positions = said.iter().enumerate().filter(is_open).map(|(position, _)| position);
                open.extend(
                    positions.map(|position| (due, at(&format!("{name}[{position}]"), older(), unknown()))),
                );
            }
        }
    }
    open
}

fn at(label: &str, running: Value, wanted: Value) -> FieldChange {
    let path = Path::attribute("running_with").join(PathStep::Attribute(label.to_owned()));
    FieldChange { path, before: Some(running), after: Some(wanted), forces_replace: false, owner: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(restart_on: &[Value]) -> Value {
        Value::object([
            ("name".to_owned(), "app".into()),
            ("unit".to_owned(), "[Service]".into()),
            ("restart_on".to_owned(), Value::list(restart_on.iter().cloned())),
        ])
    }

    /// `with`: what runs and what is there, of the unit and of each of the list, in order.
    fn check(restart_on: &[Value], with: &[(&str, &str)], promised: serde_json::Value, expect: &str) {
        let attributes = service(restart_on);
        let with = pairs(&attributes)
            .into_iter()
            .zip(with)
            .map(|(pair, (running, there))| (pair.key, json!([running, there])));
        let with: serde_json::Map<_, _> = with.collect();
        let there = Observation {
            attributes: Value::null(),
            version: String::new(),
            detail: json!({ "with": with, "promised": promised }),
        };
        let show = |value: &Option<Value>| {
            value.as_ref().map(|value| value.as_str().unwrap_or("?").to_owned()).unwrap_or_default()
        };
        let found: Vec<_> = debts(&attributes, &Weights::of(&there))
            .iter()
            .map(|(_, field)| format!("{}: {} > {}", field.path, show(&field.before), show(&field.after)))
            .collect();
        assert_eq!(found.join("; "), expect);
    }

    #[test]
    fn a_unit_runs_with_what_it_was_started_with() {
        let conf: &[Value] = &["/etc/app.conf".into()];
        check(conf, &[("a", "a"), ("b", "b")], json!({}), "");
        check(
            conf,
            &[("a", "b"), ("b", "b")],
            json!({}),
            "running_with.unit: an older version > the version on the host",
        );
        let there = "running_with[\"/etc/app.conf\"]: an older version > the version on the host";
        check(conf, &[("a", "a"), ("a", "b")], json!({}), there);
        check(conf, &[("a", "a"), ("older", "b")], json!({}), there);
        // What this plan brings counts, not what it takes the place of.
        let planned = "running_with[\"/etc/app.conf\"]: an older version > the version of this plan";
        check(conf, &[("a", "a"), ("a", "a")], json!({ "/etc/app.conf": "c" }), planned);
        check(conf, &[("a", "a"), ("a", "b")], json!({ "/etc/app.conf": "a" }), "");
        let file = |hash: Value| {
            Value::object([("path".to_owned(), "/etc/app.conf".into()), ("sha256".to_owned(), hash)])
        };
        check(&[file("c".into())], &[("a", "a"), ("a", "a")], json!({}), planned);
        check(&[file("a".into())], &[("a", "a"), ("a", "b")], json!({}), "");
        let unknown = file(Value::unknown(Type::String));
        check(
            &[unknown],
            &[("a", "a"), ("a", "a")],
            json!({}),
            "running_with[\"/etc/app.conf\"]: an older version > ?",
        );
        // What does not run is not in debt.
        check(conf, &[], json!({ "/etc/app.conf": "c" }), "");
    }

    #[test]
    fn versions_are_known_by_notes_only() {
        check(&["1.2".into()], &[("a", "a"), ("-", "-")], json!({}), "");
        check(
            &["1.2".into()],
            &[("a", "a"), ("unknown", "-")],
            json!({}),
            "running_with[\"restart_on[0]\"]: a version that is not known > 1.2",
        );
        check(
            &[Value::unknown(Type::String)],
            &[("a", "a")],
            json!({}),
            "running_with[\"restart_on[0]\"]: an older version > ?",
        );
    }

    #[test]
    fn secrets_are_no_labels() {
        let secret = Value::string("/etc/secret").sensitive();
        check(
            &[secret],
            &[("a", "a"), ("a", "b")],
            json!({}),
            "running_with[\"restart_on[0]\"]: an older version > the version on the host",
        );
    }
}
