//! Sets of paths.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::path::{Path, PathElement};
use crate::kube::types::TypeRef;

/// A set of paths: those that end here, and those that go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    members: BTreeSet<PathElement>,
    children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// Reads `fieldsV1`; what is not a path is skipped, as the server does not write it.
    pub(crate) fn decode(fields: &Value) -> Self {
        let mut set = Self::default();
        for (key, below) in fields.as_object().into_iter().flatten() {
            let Some(element) = PathElement::decode(key) else { continue };
            let entries = below.as_object().map_or(0, Map::len);
            if entries == 0 || below.get(".").is_some() {
                set.members.insert(element.clone());
            }
            let child = Self::decode(below);
            if !child.is_empty() {
                set.children.insert(element, child);
            }
        }
        set
    }

    /// Writes `fieldsV1`.
    pub(crate) fn encode(&self) -> Value {
        let mut fields = Map::new();
        for member in &self.members {
            fields.insert(member.encode(), json!({}));
        }
        for (element, child) in &self.children {
            let mut below = child.encode();
            if let (true, Some(below)) = (self.members.contains(element), below.as_object_mut()) {
                below.insert(".".to_owned(), json!({}));
            }
            fields.insert(element.encode(), below);
        }
        Value::Object(fields)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Adds a path; the empty path is in no set.
    pub(crate) fn insert(&mut self, path: &Path) {
        let Some((last, parents)) = path.0.split_last() else { return };
        let mut set = self;
        for parent in parents {
            set = set.children.entry(parent.clone()).or_default();
        }
        set.members.insert(last.clone());
    }

    /// A set of dotted field paths, such as `metadata.name`.
    pub(crate) fn of_fields(paths: &[&str]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(&Path(path.split('.').map(PathElement::field).collect()));
        }
        set
    }

    /// Whether the path of this one element is in the set.
    pub(crate) fn has(&self, element: &PathElement) -> bool {
        self.members.contains(element)
    }

    /// What lies below an element.
    pub(crate) fn below(&self, element: &PathElement) -> Option<&Self> {
        self.children.get(element).filter(|child| !child.is_empty())
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            let merged = all.children.get(element).map_or_else(|| child.clone(), |own| own.union(child));
            all.children.insert(element.clone(), merged);
        }
        all
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let mut both = Self { members: &self.members & &other.members, ..Self::default() };
        for (element, child) in &self.children {
            let Some(theirs) = other.children.get(element) else { continue };
            let common = child.intersection(theirs);
            if !common.is_empty() {
                both.children.insert(element.clone(), common);
            }
        }
        both
    }

    pub(crate) fn difference(&self, other: &Self) -> Self {
        let mut rest = Self { members: &self.members - &other.members, ..Self::default() };
        for (element, child) in &self.children {
            let left =
                other.children.get(element).map_or_else(|| child.clone(), |theirs| child.difference(theirs));
            if !left.is_empty() {
                rest.children.insert(element.clone(), left);
            }
        }
        rest
    }

    /// Without the paths of `other` and everything below them.
    pub(crate) fn without_trees(&self, other: &Self) -> Self {
        let mut rest = Self { members: &self.members - &other.members, ..Self::default() };
        for (element, child) in &self.children {
            if other.members.contains(element) {
                continue;
            }
            let left = other
                .children
                .get(element)
                .map_or_else(|| child.clone(), |theirs| child.without_trees(theirs));
            if !left.is_empty() {
                rest.children.insert(element.clone(), left);
            }
        }
        rest
    }

    /// With the declared fields on the way to every path: `a.b` of a struct is also `a`, but not so of a map.
    pub(crate) fn with_named_parents(&self, ty: TypeRef<'_>) -> Self {
        let mut all = Self { members: self.members.clone(), ..Self::default() };
        for (element, child) in &self.children {
            let below = match element {
                PathElement::Field(name) => {
                    if ty.field(name).is_some() {
                        all.members.insert(element.clone());
                    }
                    ty.value_or_any(name)
                }
                _ => ty.item(),
            };
            all.children.insert(element.clone(), child.with_named_parents(below));
        }
        all
    }

    /// Every path, parents before children.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let mut all = Vec::new();
        self.collect(&mut Path::default(), &mut all);
        all
    }

    fn collect(&self, at: &mut Path, all: &mut Vec<Path>) {
        for member in &self.members {
            at.push(member.clone());
            all.push(at.clone());
            at.pop();
        }
        for (element, child) in &self.children {
            at.push(element.clone());
            child.collect(at, all);
            at.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> FieldSet {
        FieldSet::decode(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn round_trips() {
        for text in [
            r#"{"f:metadata":{"f:labels":{".":{},"f:app":{}}}}"#,
            r#"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}"#,
            r#"{"f:metadata":{"f:finalizers":{".":{},"v:\"a/b\"":{}}}}"#,
        ] {
            assert_eq!(set(text).encode().to_string(), text);
        }
    }

    #[test]
    fn algebra() {
        let check = |result: FieldSet, expect: &str| assert_eq!(result.encode().to_string(), expect);
        let left = set(r#"{"f:a":{".":{},"f:b":{},"f:c":{}},"f:d":{}}"#);
        let right = set(r#"{"f:a":{"f:b":{}},"f:e":{}}"#);
        check(left.union(&right), r#"{"f:a":{".":{},"f:b":{},"f:c":{}},"f:d":{},"f:e":{}}"#);
        check(left.intersection(&right), r#"{"f:a":{"f:b":{}}}"#);
        check(left.difference(&right), r#"{"f:a":{".":{},"f:c":{}},"f:d":{}}"#);
        check(left.without_trees(&set(r#"{"f:a":{}}"#)), r#"{"f:d":{}}"#);
    }
}
