//! What a manifest declares against what is there and what is ours.
//!
//! Up to date means two things at once: every declared field has its value in the live object, and the fields that meshform owns are
//! just those that are declared. Both are read from the live object alone.

use std::collections::BTreeSet;

use meshform_engine::value::{Kind, Path, PathStep, Value};

use crate::diff::{self, Change, shown_keys_of};
use crate::owned::{Element, FieldSet, Owners, scalar_text};

/// What the comparison found.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Declared fields whose value is another, or is not known yet, and owned fields that are no longer declared.
    pub(crate) changes: Vec<Change>,
    /// Declared fields that are not ours.
    pub(crate) not_ours: Vec<Path>,
}

impl Comparison {
    /// Whether nothing is to be done.
    pub(crate) fn is_up_to_date(&self) -> bool {
        self.changes.is_empty() && self.not_ours.is_empty()
    }
}

/// Compares a normalised manifest with the live object.
pub(crate) fn compare(manifest: &Value, live: &Value, owners: &Owners) -> Comparison {
    let mut walk = Walk { found: Comparison::default() };
    let place = Place { live: Some(live), own: Some(owners.own()), hints: Some(owners.all()) };
    walk.map(manifest, place, &Path::default());
    walk.found
}

struct Walk {
    found: Comparison,
}

/// One place of the live object, and how it is owned.
#[derive(Clone, Copy)]
struct Place<'a> {
    live: Option<&'a Value>,
    own: Option<&'a FieldSet>,
    hints: Option<&'a FieldSet>,
}

impl<'a> Place<'a> {
    fn field(self, name: &str) -> Self {
        Self {
            live: self.live.and_then(|live| live.get(name)),
            own: self.own.and_then(|own| own.field(name)),
            hints: self.hints.and_then(|hints| hints.field(name)),
        }
    }

    /// Whether what is here is owned as a whole, so that it is to be just what is declared.
    fn is_whole(self) -> bool {
        self.own.is_some_and(FieldSet::is_leaf)
    }
}

impl Walk {
    fn value(&mut self, declared: &Value, place: Place<'_>, path: Path) {
        if !declared.is_known() {
            self.change(path, place.live, Some(declared));
            return;
        }
        match declared.kind() {
            Kind::Map(_) | Kind::Object(_) if !place.is_whole() && has_entries(declared) => {
                self.map(declared, place, &path);
            }
            Kind::List(elements) | Kind::Set(elements) if !place.is_whole() && !elements.is_empty() => {
                self.list(declared, elements, place, path);
            }
            _ => {
                if place.own.is_none() {
                    self.found.not_ours.push(path.clone());
                }
                self.leaf(declared, place, path);
            }
        }
    }

    /// A place that is owned as a whole.
    fn leaf(&mut self, declared: &Value, place: Place<'_>, path: Path) {
        let Some(live) = place.live else { return self.change(path, None, Some(declared)) };
        for inside in diff::changes(Some(live), Some(declared), &FieldSet::default()) {
            let path = Path(path.0.iter().chain(&inside.path.0).cloned().collect());
            self.found.changes.push(Change { path, ..inside });
        }
    }

    fn map(&mut self, declared: &Value, place: Place<'_>, path: &Path) {
        let entries = declared.as_map().into_iter().flatten();
        for (name, value) in entries {
            let path = path.join(PathStep::Attribute(name.clone()));
            if is_identity(&path) {
                continue;
            }
            self.value(value, place.field(name), path);
        }
        let children = place.own.into_iter().flat_map(FieldSet::children);
        for (step, _) in children {
            if let Element::Field(name) = step
                && declared.get(name).is_none()
            {
                let path = path.join(PathStep::Attribute(name.clone()));
                self.change(path, place.field(name).live, None);
            }
        }
    }

    fn list(&mut self, declared: &Value, elements: &[Value], place: Place<'_>, path: Path) {
        let names = place.hints.and_then(FieldSet::key_names);
        let own = place.own.into_iter().flat_map(FieldSet::children).map(|(step, _)| step);
        match names {
            Some(names) => {
                let own: Vec<_> = own.filter(|step| matches!(step, Element::Keys(_))).collect();
                self.keyed(elements, &own, place, &path, &names);
            }
            None if place.hints.is_some_and(FieldSet::is_set) => {
                let own: BTreeSet<_> = own.cloned().collect();
                self.set(declared, elements, &own, place, path);
            }
            None => {
                self.found.not_ours.push(path.clone());
                self.leaf(declared, place, path);
            }
        }
    }

    fn set(
        &mut self,
        declared: &Value,
        elements: &[Value],
        own: &BTreeSet<Element>,
        place: Place<'_>,
        path: Path,
    ) {
        let wanted: BTreeSet<_> = elements.iter().filter_map(scalar_text).map(Element::Value).collect();
        let live = place.live.and_then(Value::as_list).unwrap_or_default();
        let there = elements.iter().all(|element| live.iter().any(|other| other.same(element)));
        if !there {
            self.change(path, place.live, Some(declared));
        } else if wanted != *own {
            self.found.not_ours.push(path);
        }
    }

    fn keyed(&mut self, elements: &[Value], own: &[&Element], place: Place<'_>, path: &Path, names: &[&str]) {
        let live = place.live.and_then(Value::as_list).unwrap_or_default();
        let mut matched = BTreeSet::new();
        for (element, there) in elements.iter().zip(partners(elements, live, names)) {
            let full = there.unwrap_or(element);
            let step = PathStep::Element(shown_keys_of(full, names));
            let inside =
                |set: Option<&'_ FieldSet>| set.and_then(|set| set.at(std::slice::from_ref(&step))).cloned();
            let (own, hints) = (inside(place.own), inside(place.hints));
            let part = Place { live: there, own: own.as_ref(), hints: hints.as_ref() };
            let PathStep::Element(keys) = &step else { continue };
            matched.insert(keys.clone());
            self.value(element, part, path.join(step));
        }
        for step in own {
            let Element::Keys(keys) = step else { continue };
            let shown = crate::owned::shown_keys(keys);
            if !matched.contains(&shown) {
                let before = live.iter().find(|element| shown_keys_of(element, names) == shown);
                self.change(path.join(PathStep::Element(shown)), before, None);
            }
        }
    }

    fn change(&mut self, path: Path, before: Option<&Value>, after: Option<&Value>) {
        let hidden = [before, after].into_iter().flatten().any(Value::has_sensitive);
        let shown = |side: Option<&Value>| side.map(|value| value.clone().marked(hidden));
        self.found.changes.push(Change { path, before: shown(before), after: shown(after) });
    }
}

/// For each declared element the live one that it means: a key that is not declared may have been defaulted.
///
/// Elements that declare all their keys choose first, so that none of the others takes what is theirs.
fn partners<'a>(declared: &[Value], live: &'a [Value], names: &[&str]) -> Vec<Option<&'a Value>> {
    let mut taken = BTreeSet::new();
    let mut partners = vec![None; declared.len()];
    for with_all_keys in [true, false] {
        for (element, partner) in declared.iter().zip(&mut partners) {
            if names.iter().all(|name| element.get(name).is_some()) != with_all_keys {
                continue;
            }
            let found = live.iter().enumerate().find(|(index, other)| {
                !taken.contains(index) && names.iter().all(|name| fits(element.get(name), other.get(name)))
            });
            if let Some((index, other)) = found {
                taken.insert(index);
                *partner = Some(other);
            }
        }
    }
    partners
}

fn fits(declared: Option<&Value>, live: Option<&Value>) -> bool {
    match (declared, live) {
        (Some(declared), Some(live)) => declared.same(live),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

fn has_entries(value: &Value) -> bool {
    value.as_map().is_some_and(|entries| !entries.is_empty())
}

/// What says which object it is has no owner.
fn is_identity(path: &Path) -> bool {
    let names: Vec<_> = path
        .0
        .iter()
        .map(|step| match step {
            PathStep::Attribute(name) => name.as_str(),
            _ => "",
        })
        .collect();
    matches!(names[..], ["apiVersion" | "kind"] | ["metadata", "name" | "namespace"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::types::Type;
    use meshform_engine::value::from_json;
    use serde_json::{Value as Json, json};

    fn run(manifest: &Value, live: Json, own: Json) -> String {
        let owners = Owners::parse(
            &json!([{ "manager": "meshform", "operation": "Apply", "fieldsV1": own }]),
            crate::MANAGER,
        );
        let found = compare(manifest, &from_json(&live), &owners);
        let changes = found.changes.iter().map(|change| change.path.to_string());
        let not_ours = found.not_ours.iter().map(|path| format!("{path} not ours"));
        changes.chain(not_ours).collect::<Vec<_>>().join("; ")
    }

    fn check(manifest: Json, live: Json, own: Json, expect: &str) {
        assert_eq!(run(&from_json(&manifest), live, own), expect, "{manifest}");
    }

    #[test]
    fn values_and_ownership_both_count() {
        let declared = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x" }, "data": { "a": "1" } });
        let live = |data: Json| json!({ "metadata": { "name": "x", "uid": "7" }, "data": data });
        let own = json!({ "f:data": { "f:a": {} } });
        check(declared.clone(), live(json!({ "a": "1", "other": "2" })), own.clone(), "");
        check(declared.clone(), live(json!({ "a": "2" })), own.clone(), "data.a");
        check(declared.clone(), live(json!({ "a": "1" })), json!({}), "data.a not ours");
        check(
            declared,
            live(json!({ "a": "1", "b": "2" })),
            json!({ "f:data": { "f:a": {}, "f:b": {} } }),
            "data.b",
        );
    }

    #[test]
    fn keyed_lists_allow_defaulted_keys() {
        let own = json!({ "f:ports": {
            "k:{\"port\":53,\"protocol\":\"TCP\"}": { ".": {}, "f:port": {} },
            "k:{\"port\":53,\"protocol\":\"UDP\"}": { ".": {}, "f:port": {}, "f:protocol": {} },
        } });
        let live = json!({ "ports": [
            { "port": 53, "protocol": "TCP", "targetPort": 53 }, { "port": 53, "protocol": "UDP" },
        ] });
        let udp = json!({ "port": 53, "protocol": "UDP" });
        check(json!({ "ports": [{ "port": 53 }, udp] }), live.clone(), own.clone(), "");
        check(json!({ "ports": [udp, { "port": 53 }] }), live.clone(), own.clone(), "");
        check(json!({ "ports": [udp] }), live.clone(), own.clone(), r#"ports["53","TCP"]"#);
        check(
            json!({ "ports": [udp, { "port": 53 }, { "port": 80 }] }),
            live,
            own,
            r#"ports["80"].port; ports["80"].port not ours"#,
        );
    }

    #[test]
    fn sets_and_atomic_lists() {
        let set = json!({ "f:finalizers": { "v:\"a\"": {} } });
        check(json!({ "finalizers": ["a"] }), json!({ "finalizers": ["b", "a"] }), set.clone(), "");
        check(
            json!({ "finalizers": ["a", "b"] }),
            json!({ "finalizers": ["b", "a"] }),
            set,
            "finalizers not ours",
        );
        let atomic = json!({ "f:args": {}, "f:selector": {} });
        check(
            json!({ "args": ["a"], "selector": {} }),
            json!({ "args": ["a"], "selector": {} }),
            atomic.clone(),
            "",
        );
        check(
            json!({ "args": ["a"], "selector": { "x": "y" } }),
            json!({ "args": ["b", "a"], "selector": { "x": "y", "z": "z" } }),
            atomic,
            "args; selector.z",
        );
    }

    #[test]
    fn what_is_not_known_yet_is_a_change() {
        let manifest =
            Value::object([("data".into(), Value::object([("a".into(), Value::unknown(Type::String))]))]);
        let own = json!({ "f:data": { "f:a": {} } });
        assert_eq!(run(&manifest, json!({ "data": { "a": "1" } }), own), "data.a");
    }
}
