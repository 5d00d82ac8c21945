//! CustomResourceDefinitions: from a definition to a served kind.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::{API_SERVER, Api, CONTROLLER_MANAGER};
use super::{Context, condition};
use crate::kube::object::{self, flag, list, text};
use crate::kube::registry::{
    Resource, ScalePaths, SchemaSource, Subresource, Version, builtin, priority, strings,
};
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::types::Compiler;
use crate::kube::write::CLEANUP;

pub(super) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";
/// How long until names that are in use are asked for again.
const NAMES_AGAIN: Duration = Duration::from_secs(1);
const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/// Serves every custom kind that the state defines.
pub(super) fn serve_all(state: &mut State) {
    let definitions: Vec<Arc<Value>> = state.store.list(DEFINITIONS, None).cloned().collect();
    for definition in definitions.iter().filter(|definition| !is_refused(definition)) {
        state.registry.put(resource(definition));
    }
}

/// Serves the kind of a definition.
pub(super) fn serve(state: &mut State, definition: &Value) {
    state.registry.put(resource(definition));
}

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let Some(definition) = state.store.get(DEFINITIONS, key).cloned() else {
        state.registry.remove(&key.name);
        return None;
    };
    if object::is_terminating(&definition) {
        return clean_up(state, context, &definition);
    }
    let names = accepted_names(state, &definition);
    let is_served = names.conflict.is_none() || is_established(&definition);
    if is_served {
        state.registry.put(resource(&definition));
    }
    establish(state, context, &definition, &names);
    // Whoever has the names may let them go.
    names.conflict.map(|_| NAMES_AGAIN)
}

/// The names that a definition may have, and why not all that it wants.
struct Names {
    accepted: Value,
    /// The reason and the message of its condition.
    conflict: Option<(&'static str, String)>,
}

/// Within a group, every name is one kind's alone.
fn accepted_names(state: &State, definition: &Value) -> Names {
    let group = &definition["spec"]["group"];
    let others = state.store.list(DEFINITIONS, None).filter(|other| other["spec"]["group"] == *group);
    let (mut resources, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for other in others.filter(|other| object::name(other) != object::name(definition)) {
        let names = &other["status"]["acceptedNames"];
        resources.extend(["/plural", "/singular"].map(|name| text(names, name).to_owned()));
        resources.extend(strings(names, "/shortNames"));
        kinds.extend(["/kind", "/listKind"].map(|name| text(names, name).to_owned()));
    }
    let wanted = &definition["spec"]["names"];
    let had = definition["status"]["acceptedNames"].clone();
    let mut names = Names { accepted: json!({ "kind": "", "plural": "" }), conflict: None };
    for (field, reason, used) in [
        ("plural", "PluralConflict", &resources),
        ("singular", "SingularConflict", &resources),
        ("shortNames", "ShortNamesConflict", &resources),
        ("kind", "KindConflict", &kinds),
        ("listKind", "ListKindConflict", &kinds),
        ("categories", "", &BTreeSet::new()),
    ] {
        let Some(value) = wanted.get(field) else { continue };
        let each = value.as_array().map_or_else(|| vec![value], |all| all.iter().collect());
        let taken = each.iter().filter_map(|name| name.as_str()).find(|name| used.contains(*name));
        match taken {
            Some(name) => names.conflict = Some((reason, format!("{name:?} is already in use"))),
            None => names.accepted[field] = value.clone(),
        }
        if let Some(had) = had.get(field).filter(|had| taken.is_some() && **had != "") {
            names.accepted[field] = had.clone();
        }
    }
    names
}

fn is_established(definition: &Value) -> bool {
    condition::find(definition, "Established").is_some_and(|condition| condition["status"] == "True")
}

fn is_refused(definition: &Value) -> bool {
    condition::find(definition, "NamesAccepted").is_some_and(|condition| condition["status"] == "False")
        && !is_established(definition)
}

/// Deletes the objects of the kind, then lets the definition go.
fn clean_up(state: &mut State, context: &mut Context<'_>, definition: &Value) -> Option<Duration> {
    const AGAIN: Duration = Duration::from_millis(50);
    let objects: Vec<Arc<Value>> = state.store.list(object::name(definition), None).cloned().collect();
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    for object in objects.iter().filter(|object| !object::is_terminating(object)) {
        // What cannot be deleted stays, and holds the definition.
        let _ = api.delete(object);
    }
    if state.store.list(object::name(definition), None).next().is_some() {
        return Some(AGAIN);
    }
    state.finalize(DEFINITIONS, definition, CLEANUP);
    None
}

fn establish(state: &mut State, context: &mut Context<'_>, definition: &Arc<Value>, names: &Names) {
    let now = context.now;
    let mut api = Api::new(state, now, API_SERVER);
    let mut told = Value::clone(definition);
    let at = api.time();
    match &names.conflict {
        None => {
            condition::set(&mut told, "NamesAccepted", "True", "NoConflicts", "no conflicts found", &at);
            let message = "the initial names have been accepted";
            condition::set(&mut told, "Established", "True", "InitialNamesAccepted", message, &at);
        }
        Some((reason, message)) => {
            condition::set(&mut told, "NamesAccepted", "False", reason, message, &at);
            if !is_established(definition) {
                let message = "not all names are accepted";
                condition::set(&mut told, "Established", "False", "NotAccepted", message, &at);
            }
        }
    }
    told["status"]["acceptedNames"] = names.accepted.clone();
    if told["status"]["storedVersions"].as_array().is_none_or(Vec::is_empty) {
        let stored = list(&told, "/spec/versions").iter().filter(|version| flag(version, "/storage"));
        let stored: Vec<Value> = stored.map(|version| version["name"].clone()).collect();
        told["status"]["storedVersions"] = Value::Array(stored);
    }
    if told["status"] != definition["status"] {
        // A conflict makes the definition change again, and with it this task due.
        let _ = api.update_status(&told);
    }
}

/// The resource that a definition serves.
fn resource(definition: &Value) -> Resource {
    let names = &definition["spec"]["names"];
    let name = |field: &str| text(names, field).to_owned();
    let mut versions: Vec<Version> = list(definition, "/spec/versions")
        .iter()
        .filter(|version| flag(version, "/served"))
        .map(|served| version(definition, served))
        .collect();
    versions.sort_by_key(|version| std::cmp::Reverse(priority(&version.name)));
    Resource {
        group: text(definition, "/spec/group").to_owned(),
        plural: name("/plural"),
        singular: name("/singular"),
        kind: name("/kind"),
        list_kind: name("/listKind"),
        short_names: strings(names, "/shortNames"),
        categories: strings(names, "/categories"),
        namespaced: text(definition, "/spec/scope") == "Namespaced",
        builtin: false,
        versions,
    }
}

fn version(definition: &Value, served: &Value) -> Version {
    let schema =
        served.pointer("/schema/openAPIV3Schema").cloned().unwrap_or_else(|| json!({ "type": "object" }));
    let empty = serde_json::Map::new();
    let named = builtin().map_or(&empty, |data| &data.schemas);
    let mut compiler = Compiler::new(named);
    let root = compiler.root(&schema);
    Version {
        name: text(served, "/name").to_owned(),
        types: Arc::new(compiler.finish()),
        root,
        verbs: VERBS.map(str::to_owned).into(),
        subresources: subresources(definition, served),
        schema: SchemaSource::Inline(schema),
        columns: list(served, "/additionalPrinterColumns").to_vec(),
        is_stored: flag(served, "/storage"),
        deprecation: deprecation(definition, served),
    }
}

/// What clients of a deprecated version are told.
fn deprecation(definition: &Value, served: &Value) -> Option<String> {
    if !flag(served, "/deprecated") {
        return None;
    }
    let given = text(served, "/deprecationWarning");
    if !given.is_empty() {
        return Some(given.to_owned());
    }
    let (group, kind) = (text(definition, "/spec/group"), text(definition, "/spec/names/kind"));
    let name = text(served, "/name");
    let others = list(definition, "/spec/versions").iter();
    let others = others.filter(|other| flag(other, "/served") && !flag(other, "/deprecated"));
    let newest = others.map(|other| text(other, "/name")).max_by_key(|other| priority(other));
    let newer = newest.filter(|newest| priority(newest) > priority(name));
    let instead = newer.map(|newer| format!("; use {group}/{newer} {kind}")).unwrap_or_default();
    Some(format!("{group}/{name} {kind} is deprecated{instead}"))
}

fn subresources(definition: &Value, served: &Value) -> Vec<Subresource> {
    let verbs: Vec<String> = ["get", "patch", "update"].map(str::to_owned).into();
    let mut all = Vec::new();
    if served.pointer("/subresources/status").is_some() {
        all.push(Subresource {
            name: "status".to_owned(),
            group: text(definition, "/spec/group").to_owned(),
            version: text(served, "/name").to_owned(),
            kind: text(definition, "/spec/names/kind").to_owned(),
            verbs: verbs.clone(),
            scale: None,
        });
    }
    if let Some(scale) = served.pointer("/subresources/scale") {
        let pointer = |field: &str| text(scale, field).replace('.', "/");
        let selector = pointer("/labelSelectorPath");
        all.push(Subresource {
            name: "scale".to_owned(),
            group: "autoscaling".to_owned(),
            version: "v1".to_owned(),
            kind: "Scale".to_owned(),
            verbs,
            scale: Some(ScalePaths {
                spec_replicas: pointer("/specReplicasPath"),
                status_replicas: pointer("/statusReplicasPath"),
                selector: Some(selector).filter(|selector| !selector.is_empty()),
            }),
        });
    }
    all
}
