//! What planned changes do to pods, traffic and data: a pure function of the changes and of what lies around them.
//!
//! | change | told |
//! | --- | --- |
//! | a workload's template | how many pods are replaced, how many at a time, and which budgets that goes beyond |
//! | fewer replicas, a workload removed or made anew | how many pods end |
//! | a Service, or the pods behind it | that nothing is behind it any more |
//! | a claim, a volume, a StatefulSet's claims | which data is lost, and which stays |
//! | a namespace, a definition | what else goes along |

mod data;
mod rollout;
mod traffic;

use std::collections::BTreeMap;

use meshform_engine::ports::{Impact, ImpactItem};
use meshform_engine::value::{Value, to_json};
use serde_json::Value as Json;

use crate::difference::object_of;
use crate::identity::ObjectName;
use crate::schema::OBJECT;

/// One change of an object.
pub(crate) struct Deed {
    /// Which object.
    pub(crate) name: ObjectName,
    /// The object as it is; null if there is none.
    pub(crate) before: Json,
    /// The object as it will be, as far as that is known; null if it goes.
    pub(crate) after: Json,
    /// Whether it is removed and made anew.
    pub(crate) replaced: bool,
}

/// What lies around the changes.
#[derive(Default)]
pub(crate) struct Around {
    /// Pods by namespace.
    pub(crate) pods: BTreeMap<String, Vec<Json>>,
    /// Services by namespace.
    pub(crate) services: BTreeMap<String, Vec<Json>>,
    /// PodDisruptionBudgets by namespace.
    pub(crate) budgets: BTreeMap<String, Vec<Json>>,
    /// Claims by namespace.
    pub(crate) claims: BTreeMap<String, Vec<Json>>,
    /// Volumes by name.
    pub(crate) volumes: BTreeMap<String, Json>,
    /// How many objects of which kind go along with a namespace or a definition, by its name.
    pub(crate) along: BTreeMap<ObjectName, BTreeMap<String, u64>>,
}

/// What has to be looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Namespaces whose pods, Services and budgets matter.
    pub(crate) traffic: Vec<String>,
    /// Namespaces whose claims matter.
    pub(crate) claims: Vec<String>,
    /// Whether volumes matter.
    pub(crate) volumes: bool,
    /// Namespaces that go.
    pub(crate) namespaces: Vec<String>,
    /// Definitions that go, with group and kind.
    pub(crate) definitions: Vec<(ObjectName, String, String)>,
}

impl Deed {
    /// The change of an item, if it is one of an object whose name is known.
    pub(crate) fn of(item: &ImpactItem) -> Option<Self> {
        let name = ObjectName::parse(&item.identity).filter(|_| item.kind == OBJECT)?;
        let object =
            |attributes: &Option<Value>| attributes.as_ref().map_or(Json::Null, |it| known(&object_of(it)));
        Some(Self { name, before: object(&item.before), after: object(&item.after), replaced: item.replaced })
    }

    fn is(&self, group: &str, kind: &str) -> bool {
        self.name.group == group && self.name.kind == kind
    }

    /// Whether pods of its own template run for it.
    fn is_workload(&self) -> bool {
        ["Deployment", "StatefulSet", "DaemonSet"].iter().any(|kind| self.is("apps", kind))
            || self.is("apps", "ReplicaSet")
    }

    /// Whether what is there goes away, for good or to be made anew.
    fn removes(&self) -> bool {
        !self.before.is_null() && (self.after.is_null() || self.replaced)
    }

    /// Whether it stays, and pods of its are another template's from now on.
    fn rolls(&self) -> bool {
        let template = |object: &Json| object.pointer("/spec/template").cloned().unwrap_or_default();
        let (before, after) = (template(&self.before), template(&self.after));
        // What no server has completed is compared as far as it goes.
        let is_complete = self.after.pointer("/metadata/uid").is_some();
        let is_same = if is_complete { before == after } else { has(&before, &after) };
        !self.removes() && !self.before.is_null() && !is_same
    }

    /// How many pods it is to have fewer.
    fn fewer(&self) -> u64 {
        if self.before.is_null() || self.removes() {
            return 0;
        }
        replicas(&self.before).saturating_sub(replicas(&self.after))
    }
}

/// Whether all of a part is in the whole.
fn has(whole: &Json, part: &Json) -> bool {
    match (whole, part) {
        (Json::Object(whole), Json::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| has(whole, part)))
        }
        (Json::Array(whole), Json::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| has(whole, part))
        }
        _ => whole == part,
    }
}

/// The known part of a value: what is unknown is left out.
fn known(value: &Value) -> Json {
    if let Ok(json) = to_json(value) {
        return json;
    }
    match (value.as_map(), value.as_list()) {
        (Some(fields), _) => Json::Object(
            fields
                .iter()
                .filter(|(_, part)| part.is_known())
                .map(|(name, part)| (name.clone(), known(part)))
                .collect(),
        ),
        (_, Some(parts)) => parts.iter().filter(|part| part.is_known()).map(known).collect(),
        _ => Json::Null,
    }
}

/// What has to be looked at to tell what the changes do.
pub(crate) fn needs(deeds: &[Deed]) -> Needs {
    let mut needs = Needs::default();
    for deed in deeds {
        let namespace = &deed.name.namespace;
        let shifts = deed.is_workload() && (deed.removes() || deed.rolls() || deed.fewer() > 0);
        let redirects = deed.is("", "Service") && !deed.before.is_null() && !deed.after.is_null();
        if shifts || (redirects && traffic::redirects(deed)) {
            needs.traffic.push(namespace.clone());
        }
        if deed.is("apps", "StatefulSet") && (deed.removes() || deed.fewer() > 0) {
            needs.claims.push(namespace.clone());
            needs.volumes = true;
        }
        if deed.is("", "PersistentVolumeClaim") && deed.removes() {
            needs.volumes = true;
        }
        if deed.is("", "Namespace") && deed.removes() {
            needs.namespaces.push(deed.name.name.clone());
            needs.claims.push(deed.name.name.clone());
            needs.volumes = true;
        }
        if deed.is("apiextensions.k8s.io", "CustomResourceDefinition") && deed.removes() {
            let text = |pointer: &str| text(&deed.before, pointer).to_owned();
            needs.definitions.push((deed.name.clone(), text("/spec/group"), text("/spec/names/kind")));
        }
    }
    for list in [&mut needs.traffic, &mut needs.claims, &mut needs.namespaces] {
        list.sort();
        list.dedup();
    }
    needs
}

/// What each change brings about.
pub(crate) fn impacts(deeds: &[Deed], around: &Around) -> Vec<Impact> {
    let lost = traffic::lost(deeds, around);
    let each = deeds.iter().enumerate().map(|(at, deed)| {
        let mut impact = rollout::impact(deed, around);
        impact.extend(lost.get(&at).into_iter().flatten().cloned());
        impact.extend(data::impact(deed, around));
        impact
    });
    each.collect()
}

/// `1 pod`, `2 pods`.
fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// How many pods a workload is to have.
fn replicas(object: &Json) -> u64 {
    object.pointer("/spec/replicas").and_then(Json::as_u64).unwrap_or(1)
}

fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

fn count(json: &Json, pointer: &str) -> u64 {
    json.pointer(pointer).and_then(Json::as_u64).unwrap_or_default()
}

/// Whether a pod has the labels that a selector asks for. An empty one finds nothing, as that of a Service.
fn selects(selector: &Json, labels: &Json) -> bool {
    let equal = selector.get("matchLabels").unwrap_or(selector);
    let Some(equal) = equal.as_object().filter(|equal| !equal.is_empty()) else { return false };
    equal.iter().all(|(name, value)| labels.get(name) == Some(value))
}

#[cfg(test)]
mod tests;
