//! `metadata.managedFields`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::apply::Owners;
use super::fieldset::FieldSet;
use super::path::Path;

/// Update managers beyond this number are folded into [`ANCIENT`], oldest first.
const UPDATE_MANAGERS_MAX: usize = 10;
const ANCIENT: &str = "ancient-changes";

/// How a manager got its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// What makes one manager differ from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ManagerKey {
    pub(crate) manager: String,
    pub(crate) operation: Operation,
    /// Part of the identity of updates only; empty for applies.
    pub(crate) api_version: String,
    pub(crate) subresource: String,
}

impl ManagerKey {
    /// As conflicts name it.
    pub(crate) fn describe(&self) -> String {
        let name = Value::from(self.manager.as_str());
        match (self.operation, self.subresource.as_str()) {
            (Operation::Apply, _) => name.to_string(),
            (Operation::Update, "") => format!("{name} using {}", self.api_version),
            (Operation::Update, subresource) => {
                format!("{name} with subresource {subresource:?} using {}", self.api_version)
            }
        }
    }
}

/// The entries of an object's `managedFields`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Managers {
    pub(crate) owners: Owners,
    stamps: BTreeMap<ManagerKey, Stamp>,
}

#[derive(Clone, Debug, Default)]
struct Stamp {
    api_version: String,
    time: Option<String>,
}

impl Managers {
    /// Reads an object's entries.
    pub(crate) fn of(object: &Value) -> Self {
        let mut all = Self::default();
        let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
        for entry in entries.into_iter().flatten() {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let Some(fields) = entry.get("fieldsV1") else { continue };
            let operation = match entry.get("operation").and_then(Value::as_str) {
                Some("Apply") => Operation::Apply,
                _ => Operation::Update,
            };
            let api_version = text("apiVersion");
            let key = key(text("manager"), operation, &api_version, text("subresource"));
            let time = entry.get("time").and_then(Value::as_str).map(str::to_owned);
            all.stamps.insert(key.clone(), Stamp { api_version, time });
            all.owners.insert(key, FieldSet::decode(fields));
        }
        all
    }

    /// Takes a field from whoever owns it; who owned nothing else is no manager any more.
    pub(crate) fn disown(object: &mut Value, path: &Path) {
        let mut managers = Self::of(object);
        let mut gone = FieldSet::default();
        gone.insert(path);
        for set in managers.owners.values_mut() {
            *set = set.without_trees(&gone);
        }
        managers.owners.retain(|_, set| !set.is_empty());
        let metadata = crate::kube::object::metadata(object);
        if managers.owners.is_empty() {
            crate::kube::object::remove(metadata, &["managedFields"]);
        } else {
            metadata["managedFields"] = managers.encode();
        }
    }

    /// Records that a manager has written at a time.
    pub(crate) fn stamp(&mut self, key: &ManagerKey, api_version: &str, time: &str) {
        let stamp = Stamp { api_version: api_version.to_owned(), time: Some(time.to_owned()) };
        self.stamps.insert(key.clone(), stamp);
    }

    /// Records the version that a manager writes in, and no time if it is new: what it wrote changed nothing.
    pub(crate) fn note(&mut self, key: &ManagerKey, api_version: &str) {
        api_version.clone_into(&mut self.stamps.entry(key.clone()).or_default().api_version);
    }

    /// Records the version that a manager writes in, without a time.
    pub(crate) fn unstamp(&mut self, key: &ManagerKey, api_version: &str) {
        self.stamps.insert(key.clone(), Stamp { api_version: api_version.to_owned(), time: None });
    }

    /// Writes the entries, ordered as the server does: applies first, then by time and name.
    pub(crate) fn encode(&self) -> Value {
        let mut entries: Vec<(&ManagerKey, &FieldSet, &Stamp)> = Vec::new();
        let unstamped = Stamp::default();
        for (key, set) in &self.owners {
            entries.push((key, set, self.stamps.get(key).unwrap_or(&unstamped)));
        }
        entries.sort_by(|(left, _, left_stamp), (right, _, right_stamp)| {
            (left.operation, &left_stamp.time, &left.manager, &left_stamp.api_version, &left.subresource).cmp(
                &(
                    right.operation,
                    &right_stamp.time,
                    &right.manager,
                    &right_stamp.api_version,
                    &right.subresource,
                ),
            )
        });
        Value::Array(entries.into_iter().map(|(key, set, stamp)| entry(key, set, stamp)).collect())
    }

    /// Folds the oldest updates together where there are too many.
    pub(crate) fn cap(&mut self) {
        let mut updates: Vec<ManagerKey> =
            self.owners.keys().filter(|key| key.operation == Operation::Update).cloned().collect();
        if updates.len() <= UPDATE_MANAGERS_MAX {
            return;
        }
        updates.sort_by_key(|key| self.stamps.get(key).and_then(|stamp| stamp.time.clone()));
        let surplus = updates.len() - UPDATE_MANAGERS_MAX + 1;
        for old in updates.into_iter().take(surplus) {
            self.fold(&old);
        }
    }

    fn fold(&mut self, old: &ManagerKey) {
        let (Some(set), stamp) = (self.owners.remove(old), self.stamps.remove(old).unwrap_or_default())
        else {
            return;
        };
        let ancient = key(ANCIENT.to_owned(), Operation::Update, &stamp.api_version, String::new());
        let merged = self.owners.get(&ancient).map_or_else(|| set.clone(), |own| own.union(&set));
        self.owners.insert(ancient.clone(), merged);
        self.stamps.insert(ancient, stamp);
    }
}

/// A manager's key; an apply's does not depend on the version.
pub(crate) fn key(
    manager: String,
    operation: Operation,
    api_version: &str,
    subresource: String,
) -> ManagerKey {
    let api_version = match operation {
        Operation::Apply => String::new(),
        Operation::Update => api_version.to_owned(),
    };
    ManagerKey { manager, operation, api_version, subresource }
}

fn entry(key: &ManagerKey, set: &FieldSet, stamp: &Stamp) -> Value {
    let mut entry = Map::new();
    let mut put = |name: &str, value: Value| entry.insert(name.to_owned(), value);
    put("manager", json!(key.manager));
    put("operation", json!(key.operation.name()));
    put("apiVersion", json!(stamp.api_version));
    put("fieldsType", json!("FieldsV1"));
    put("fieldsV1", set.encode());
    if let Some(time) = &stamp.time {
        put("time", json!(time));
    }
    if !key.subresource.is_empty() {
        put("subresource", json!(key.subresource));
    }
    Value::Object(entry)
}
