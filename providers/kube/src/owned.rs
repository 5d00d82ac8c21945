//! Who owns which field: `metadata.managedFields`, read.
//!
//! The format is FieldsV1 of structured-merge-diff: `f:` names a field, `k:` the element of a keyed list, `v:` the element of a set,
//! `i:` a position, and `.` says that the place itself is owned. The way a list is owned also tells how it is merged, so no table of
//! types is needed: `k:` means keyed, `v:` a set, and a list that is owned as a whole is atomic.

use std::collections::BTreeMap;
use std::fmt;

use meshform_engine::value::{Kind, PathStep, Value};
use serde_json::Value as Json;

/// The keys of a list's element: names, each with the JSON text of its value.
pub(crate) type Keys = Vec<(String, String)>;

/// One step into an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    /// A field.
    Field(String),
    /// The element of a keyed list.
    Keys(Keys),
    /// The element of a set: the JSON text of its value.
    Value(String),
    /// A position.
    Index(usize),
}

/// A set of fields as a tree. A node without children is owned as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    children: BTreeMap<Element, FieldSet>,
    /// Whether the place itself is owned, beside what is in it.
    itself: bool,
}

impl FieldSet {
    /// From `fieldsV1`. What cannot be read is left out.
    pub(crate) fn parse(fields: &Json) -> Self {
        let Some(entries) = fields.as_object() else { return Self::default() };
        let children = entries.iter().filter_map(|(key, inside)| Some((element(key)?, Self::parse(inside))));
        Self { children: children.collect(), itself: entries.is_empty() || entries.contains_key(".") }
    }

    /// The part of the set below a step.
    pub(crate) fn child(&self, step: &Element) -> Option<&Self> {
        self.children.get(step)
    }

    /// The part of the set below a field.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        self.child(&Element::Field(name.to_owned()))
    }

    /// What is below, in order.
    pub(crate) fn children(&self) -> impl Iterator<Item = (&Element, &Self)> {
        self.children.iter()
    }

    /// Whether the place is owned as a whole: a scalar, something empty, or an atomic list or map.
    pub(crate) fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    /// Whether nothing is owned at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.children.is_empty() && !self.itself
    }

    /// The names of the keys of the list at this place, if it is a keyed one.
    pub(crate) fn key_names(&self) -> Option<Vec<&str>> {
        self.children.keys().find_map(|step| match step {
            Element::Keys(keys) => Some(keys.iter().map(|(name, _)| name.as_str()).collect()),
            _ => None,
        })
    }

    /// Whether the list at this place is a set.
    pub(crate) fn is_set(&self) -> bool {
        self.children.keys().any(|step| matches!(step, Element::Value(_)))
    }

    /// Adds all of another set.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.itself |= other.itself;
        for (step, inside) in &other.children {
            self.children.entry(step.clone()).or_default().extend(inside);
        }
    }

    /// Whether a path leads to something in the set, or into something that is owned as a whole.
    pub(crate) fn covers(&self, path: &[PathStep]) -> bool {
        let mut place = self;
        for step in path {
            if place.is_leaf() {
                return place.itself;
            }
            match place.step(step) {
                Some(inside) => place = inside,
                None => return false,
            }
        }
        !place.is_empty()
    }

    /// The part of the set that a path leads to.
    pub(crate) fn at(&self, path: &[PathStep]) -> Option<&Self> {
        path.iter().try_fold(self, |place, step| place.step(step))
    }

    fn step(&self, step: &PathStep) -> Option<&Self> {
        match step {
            PathStep::Attribute(name) => self.field(name),
            PathStep::Index(index) => self.child(&Element::Index(*index)),
            PathStep::Element(shown) => self.children.iter().find_map(|(element, inside)| match element {
                Element::Keys(keys) if shown_keys(keys) == *shown => Some(inside),
                _ => None,
            }),
        }
    }

    /// The places of the set that have nothing below them, each as a path; elements of sets end at their list.
    pub(crate) fn leaves(&self) -> Vec<Vec<PathStep>> {
        let mut found = Vec::new();
        if !self.is_empty() {
            self.collect_leaves(&mut Vec::new(), &mut found);
        }
        found
    }

    fn collect_leaves(&self, way: &mut Vec<PathStep>, found: &mut Vec<Vec<PathStep>>) {
        if self.is_leaf() || self.is_set() {
            found.push(way.clone());
            return;
        }
        for (step, inside) in &self.children {
            way.push(match step {
                Element::Field(name) => PathStep::Attribute(name.clone()),
                Element::Keys(keys) => PathStep::Element(shown_keys(keys)),
                Element::Index(index) => PathStep::Index(*index),
                Element::Value(_) => continue,
            });
            inside.collect_leaves(way, found);
            way.pop();
        }
    }
}

fn element(key: &str) -> Option<Element> {
    let (prefix, text) = key.split_once(':')?;
    match prefix {
        "f" => Some(Element::Field(text.to_owned())),
        "v" => Some(Element::Value(serde_json::from_str::<Json>(text).ok()?.to_string())),
        "i" => Some(Element::Index(text.parse().ok()?)),
        "k" => {
            let keys: BTreeMap<String, Json> = serde_json::from_str(text).ok()?;
            Some(Element::Keys(keys.into_iter().map(|(name, value)| (name, value.to_string())).collect()))
        }
        _ => None,
    }
}

/// Keys as paths show them: texts without quotes.
pub(crate) fn shown_keys(keys: &Keys) -> Vec<(String, String)> {
    let shown = |text: &String| serde_json::from_str::<String>(text).unwrap_or_else(|_| text.clone());
    keys.iter().map(|(name, value)| (name.clone(), shown(value))).collect()
}

/// The JSON text of a scalar, as keys and sets hold it.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value.kind() {
        Kind::String(text) => Some(Json::from(&**text).to_string()),
        Kind::Number(number) => Some(number.normalized().to_plain_string()),
        Kind::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// One writer of an object, as `managedFields` has it.
#[derive(Clone, Debug)]
pub(crate) struct Manager {
    /// The manager's name.
    pub(crate) name: String,
    /// `Apply` or `Update`.
    pub(crate) operation: String,
    /// The subresource through which it wrote, if any.
    pub(crate) subresource: String,
    /// When it last wrote.
    pub(crate) time: String,
    /// What it owns.
    pub(crate) fields: FieldSet,
}

impl Manager {
    /// Whether it is what is applied under this name.
    fn applies_as(&self, name: &str) -> bool {
        self.name == name && self.operation == "Apply" && self.subresource.is_empty()
    }
}

/// `kubectl-edit (Update, 2026-11-01T10:00:00Z)`, for people.
impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subresource = match self.subresource.as_str() {
            "" => String::new(),
            name => format!("subresource {name}"),
        };
        let how = [&self.operation, &subresource, &self.time];
        let how: Vec<_> = how.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        write!(f, "{} ({})", self.name, how.join(", "))
    }
}

/// All writers of one object, as one of them sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    others: Vec<Manager>,
    own: FieldSet,
    all: FieldSet,
}

impl Owners {
    /// From `metadata.managedFields`, for who applies under this name.
    pub(crate) fn parse(managed_fields: &Json, own_name: &str) -> Self {
        let managers = managed_fields.as_array().into_iter().flatten().map(manager);
        let (own, others): (Vec<_>, Vec<_>) = managers.partition(|manager| manager.applies_as(own_name));
        let mut all = FieldSet::default();
        own.iter().chain(&others).for_each(|manager| all.extend(&manager.fields));
        let own = own.into_iter().next().map(|manager| manager.fields).unwrap_or_default();
        Self { others, own, all }
    }

    /// What we own.
    pub(crate) fn own(&self) -> &FieldSet {
        &self.own
    }

    /// What anyone owns: it tells how lists are merged.
    pub(crate) fn all(&self) -> &FieldSet {
        &self.all
    }

    /// The other writers.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Manager> {
        self.others.iter()
    }

    /// The other writers who own a place, for people; `None` if no one does.
    pub(crate) fn others_at(&self, path: &[PathStep]) -> Option<String> {
        let owners: Vec<_> =
            self.others().filter(|manager| manager.fields.covers(path)).map(ToString::to_string).collect();
        (!owners.is_empty()).then(|| owners.join(", "))
    }
}

fn manager(entry: &Json) -> Manager {
    let text = |name: &str| entry.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    Manager {
        name: text("manager"),
        operation: text("operation"),
        subresource: text("subresource"),
        time: text("time"),
        fields: entry.get("fieldsV1").map(FieldSet::parse).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::value::Path;
    use serde_json::json;

    fn owners() -> Owners {
        let ports = json!({ "k:{\"port\":80,\"protocol\":\"TCP\"}": { ".": {}, "f:port": {} } });
        Owners::parse(
            &json!([
                { "manager": "meshform", "operation": "Apply", "fieldsV1": { "f:spec": { "f:ports": ports, "f:selector": {} } } },
                {
                    "manager": "kubectl-edit", "operation": "Update", "time": "2026-11-01T10:00:00Z",
                    "fieldsV1": { "f:spec": { "f:replicas": {}, "f:finalizers": { "v:\"a\"": {} } } },
                },
                { "manager": "hpa", "operation": "Update", "subresource": "scale", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
            ]),
            crate::MANAGER,
        )
    }

    fn check(path: &[PathStep], expect: Option<&str>) {
        assert_eq!(owners().others_at(path).as_deref(), expect, "{}", Path(path.to_vec()));
    }

    fn attribute(name: &str) -> PathStep {
        PathStep::Attribute(name.into())
    }

    #[test]
    fn others_are_named_with_how_they_wrote() {
        let both = "kubectl-edit (Update, 2026-11-01T10:00:00Z), hpa (Update, subresource scale)";
        check(&[attribute("spec"), attribute("replicas")], Some(both));
        check(
            &[attribute("spec"), attribute("finalizers")],
            Some("kubectl-edit (Update, 2026-11-01T10:00:00Z)"),
        );
        check(&[attribute("spec"), attribute("selector")], None);
        check(&[attribute("status")], None);
    }

    #[test]
    fn what_is_owned_as_a_whole_covers_what_is_in_it() {
        let owners = owners();
        assert!(owners.own().covers(&[attribute("spec"), attribute("selector"), attribute("app")]));
        assert!(!owners.own().covers(&[attribute("spec"), attribute("replicas")]));
    }

    #[test]
    fn lists_tell_how_they_are_merged() {
        let owners = owners();
        let ports = owners.all().at(&[attribute("spec"), attribute("ports")]).unwrap();
        assert_eq!(ports.key_names(), Some(vec!["port", "protocol"]));
        assert!(owners.all().at(&[attribute("spec"), attribute("finalizers")]).unwrap().is_set());
    }

    #[test]
    fn leaves_are_paths() {
        let leaves: Vec<_> = owners().own().leaves().into_iter().map(|way| Path(way).to_string()).collect();
        assert_eq!(leaves, [r#"spec.ports["80","TCP"].port"#, "spec.selector"]);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let odd = FieldSet::parse(&json!({ "f:a": {}, "x:b": {}, "k:nonsense": {}, "plain": 1 }));
        assert_eq!(odd.leaves().len(), 1);
        let nothing = FieldSet::parse(&json!(null));
        assert!(nothing.is_empty() && nothing.leaves().is_empty());
    }
}
