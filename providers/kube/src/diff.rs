//! One value against another, field by field.
//!
//! Maps are compared by key. A list is compared element by element where the field sets say by which keys its elements are known,
//! and as a whole otherwise: a position means nothing to whoever reads that element 3 has become element 2.

use std::collections::BTreeSet;

use meshform_engine::plan::FieldChange;
use meshform_engine::value::{Kind, Path, PathStep, Value};

use crate::owned::{FieldSet, scalar_text};

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// Where.
    pub(crate) path: Path,
    /// What is on the left; `None` if nothing is.
    pub(crate) before: Option<Value>,
    /// What is on the right; `None` if nothing is.
    pub(crate) after: Option<Value>,
}

impl Change {
    /// As the plan has it.
    pub(crate) fn into_field(self, owner: Option<String>) -> FieldChange {
        FieldChange { path: self.path, before: self.before, after: self.after, forces_replace: false, owner }
    }
}

/// All differences between two values, in order. `hints` is how anyone owns the lists inside.
pub(crate) fn changes(before: Option<&Value>, after: Option<&Value>, hints: &FieldSet) -> Vec<Change> {
    let mut found = Vec::new();
    Sides { before, after }.walk(Path::default(), Some(hints), &mut found);
    found
}

/// The two sides of one place.
#[derive(Clone, Copy)]
struct Sides<'a> {
    before: Option<&'a Value>,
    after: Option<&'a Value>,
}

impl<'a> Sides<'a> {
    fn walk(self, path: Path, hints: Option<&FieldSet>, found: &mut Vec<Change>) {
        match (self.before, self.after) {
            (None, None) => {}
            (Some(before), Some(after)) if before.same(after) => {}
            _ if self.is_hidden() => found.push(self.change(path)),
            (before, after) if is_map_or_none(before) && is_map_or_none(after) && self.has_entries() => {
                self.walk_entries(&path, hints, found);
            }
            (Some(before), Some(after)) => match (before.as_list(), after.as_list(), hints) {
                (Some(left), Some(right), Some(hints)) => self.walk_lists(left, right, path, hints, found),
                _ => found.push(self.change(path)),
            },
            _ => found.push(self.change(path)),
        }
    }

    fn walk_entries(self, path: &Path, hints: Option<&FieldSet>, found: &mut Vec<Change>) {
        let sides = [self.before, self.after].into_iter().flatten().filter_map(Value::as_map);
        let names: BTreeSet<&String> = sides.flat_map(|entries| entries.keys()).collect();
        for name in names {
            let part = |side: Option<&'a Value>| side.and_then(|side| side.get(name));
            let part = Self { before: part(self.before), after: part(self.after) };
            let hints = hints.and_then(|hints| hints.field(name));
            part.walk(path.join(PathStep::Attribute(name.clone())), hints, found);
        }
    }

    fn walk_lists(
        self,
        left: &'a [Value],
        right: &'a [Value],
        path: Path,
        hints: &FieldSet,
        found: &mut Vec<Change>,
    ) {
        let names = hints.key_names().unwrap_or_default();
        if hints.is_set() && same_set(left, right) {
            return;
        }
        if names.is_empty() || !are_distinct(left, &names) || !are_distinct(right, &names) {
            found.push(self.change(path));
            return;
        }
        let mut seen = BTreeSet::new();
        for element in left.iter().chain(right) {
            let keys = shown_keys_of(element, &names);
            if !seen.insert(keys.clone()) {
                continue;
            }
            let of = |side: &'a [Value]| side.iter().find(|other| shown_keys_of(other, &names) == keys);
            let part = Self { before: of(left), after: of(right) };
            let step = PathStep::Element(keys);
            let inside = hints.at(std::slice::from_ref(&step));
            part.walk(path.join(step), inside, found);
        }
    }

    fn has_entries(self) -> bool {
        let has = |side: Option<&Value>| side.and_then(Value::as_map).is_some_and(|map| !map.is_empty());
        has(self.before) || has(self.after)
    }

    fn is_hidden(self) -> bool {
        [self.before, self.after].into_iter().flatten().any(Value::is_sensitive)
    }

    /// A value that one side hides is hidden on the other, too: the other is most likely its former self.
    fn change(self, path: Path) -> Change {
        let hidden = [self.before, self.after].into_iter().flatten().any(Value::has_sensitive);
        let shown = |side: Option<&Value>| side.map(|value| value.clone().marked(hidden));
        Change { path, before: shown(self.before), after: shown(self.after) }
    }
}

fn are_distinct(elements: &[Value], names: &[&str]) -> bool {
    let mut seen = BTreeSet::new();
    elements.iter().all(|element| seen.insert(shown_keys_of(element, names)))
}

fn is_map_or_none(value: Option<&Value>) -> bool {
    value.is_none_or(|value| matches!(value.kind(), Kind::Map(_) | Kind::Object(_)))
}

fn same_set(left: &[Value], right: &[Value]) -> bool {
    Value::set(left.iter().cloned()).same(&Value::set(right.iter().cloned()))
}

/// What an element is known by; keys that it does not have are left out.
pub(crate) fn shown_keys_of(element: &Value, names: &[&str]) -> Vec<(String, String)> {
    let key = |name: &&str| Some(((*name).to_owned(), scalar_text(element.get(name)?)?));
    crate::owned::shown_keys(&names.iter().filter_map(key).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::value::from_json;
    use serde_json::{Value as Json, json};

    fn check(before: Json, after: Json, expect: &[&str]) {
        let hints = FieldSet::parse(&json!({
            "f:ports": { "k:{\"port\":80}": { "f:port": {}, "f:tags": { "k:{\"t\":1}": {} } } },
            "f:finalizers": { "v:\"a\"": {} },
        }));
        let changes = changes(Some(&from_json(&before)), Some(&from_json(&after)), &hints);
        let side =
            |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), |value| format!("{value:?}"));
        let shown: Vec<_> = changes
            .iter()
            .map(|change| format!("{}: {} → {}", change.path, side(&change.before), side(&change.after)))
            .collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn fields_are_compared_one_by_one() {
        check(json!({ "a": 1, "b": { "c": "x" } }), json!({ "a": 1, "b": { "c": "x" } }), &[]);
        check(json!({ "a": 1 }), json!({ "a": 1.0 }), &[]);
        check(
            json!({ "a": 1, "b": { "c": "x" } }),
            json!({ "a": "1", "b": { "d": "x" } }),
            &[r#"a: 1 → "1""#, r#"b.c: "x" → -"#, r#"b.d: - → "x""#],
        );
        check(json!({ "a": {} }), json!({}), &["a: {} → -"]);
        check(json!({ "a": [1, 2] }), json!({ "a": [2, 1] }), &["a: [1, 2] → [2, 1]"]);
    }

    #[test]
    fn lists_are_compared_as_they_are_merged() {
        let ports = |ports: Json| json!({ "ports": ports });
        check(
            ports(json!([{ "port": 80, "name": "a" }, { "port": 81 }])),
            ports(json!([{ "port": 82 }, { "port": 80, "name": "b" }])),
            &[r#"ports["80"].name: "a" → "b""#, r#"ports["81"].port: 81 → -"#, r#"ports["82"].port: - → 82"#],
        );
        check(json!({ "finalizers": ["a", "b"] }), json!({ "finalizers": ["b", "a"] }), &[]);
        check(
            json!({ "finalizers": ["a"] }),
            json!({ "finalizers": ["b", "a"] }),
            &[r#"finalizers: ["a"] → ["b", "a"]"#],
        );
    }

    #[test]
    fn what_one_side_hides_is_hidden_on_both() {
        let before = Value::object([("data".into(), Value::object([("a".into(), "old".into())]))]);
        let after = Value::object([("data".into(), Value::object([("a".into(), "new".into())]).sensitive())]);
        let changes = changes(Some(&before), Some(&after), &FieldSet::default());
        assert_eq!(format!("{:?}", changes[0].before), "Some((sensitive))");
        assert_eq!(format!("{:?}", changes[0].after), "Some((sensitive))");
    }
}
