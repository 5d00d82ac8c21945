//! What differs between two objects of one type.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fieldset::FieldSet;
use super::form::{Form, common_form, fields, is_hollow, item_element, items, same};
use super::path::{Path, PathElement};
use crate::kube::types::TypeRef;

/// The paths that are on the right only, on the left only, and on both with different values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) added: FieldSet,
    pub(crate) removed: FieldSet,
    pub(crate) modified: FieldSet,
}

impl Comparison {
    /// Without the trees of a set.
    pub(crate) fn without(&self, ignored: &FieldSet) -> Self {
        Self {
            added: self.added.without_trees(ignored),
            removed: self.removed.without_trees(ignored),
            modified: self.modified.without_trees(ignored),
        }
    }
}

/// Compares two objects.
pub(crate) fn compare(ty: TypeRef<'_>, left: &Value, right: &Value) -> Comparison {
    let mut walk = Walk { at: Path::default(), found: Comparison::default() };
    walk.visit(ty, Some(left), Some(right));
    walk.found
}

struct Walk {
    at: Path,
    found: Comparison,
}

impl Walk {
    fn visit(&mut self, ty: TypeRef<'_>, left: Option<&Value>, right: Option<&Value>) {
        match common_form(ty, left, right) {
            Form::Leaf => return self.leaf(left, right),
            _ if is_hollow(left) && is_hollow(right) => return self.leaf(left, right),
            Form::Items => self.items(ty, left, right),
            Form::Fields => self.fields(ty, left, right),
        }
        if left.is_none() {
            self.found.added.insert(&self.at);
        } else if right.is_none() {
            self.found.removed.insert(&self.at);
        }
    }

    fn leaf(&mut self, left: Option<&Value>, right: Option<&Value>) {
        match (left, right) {
            (None, None) => {}
            (None, Some(_)) => self.found.added.insert(&self.at),
            (Some(_), None) => self.found.removed.insert(&self.at),
            (Some(left), Some(right)) if same(left, right) => {}
            (Some(_), Some(_)) => self.found.modified.insert(&self.at),
        }
    }

    fn fields(&mut self, ty: TypeRef<'_>, left: Option<&Value>, right: Option<&Value>) {
        let (left, right) = (fields(left), fields(right));
        for (name, value) in left {
            self.step(PathElement::field(name), ty.value_or_any(name), Some(value), right.get(name));
        }
        for (name, value) in right.iter().filter(|(name, _)| !left.contains_key(*name)) {
            self.step(PathElement::field(name), ty.value_or_any(name), None, Some(value));
        }
    }

    fn items(&mut self, ty: TypeRef<'_>, left: Option<&Value>, right: Option<&Value>) {
        let (left, right) = (by_element(ty, items(left)), by_element(ty, items(right)));
        for (element, value) in &left {
            self.step(element.clone(), ty.item(), Some(value), right.get(element).copied());
        }
        for (element, value) in right.iter().filter(|(element, _)| !left.contains_key(*element)) {
            self.step(element.clone(), ty.item(), None, Some(value));
        }
    }

    fn step(&mut self, element: PathElement, ty: TypeRef<'_>, left: Option<&Value>, right: Option<&Value>) {
        self.at.push(element);
        self.visit(ty, left, right);
        self.at.pop();
    }
}

fn by_element<'v>(ty: TypeRef<'_>, items: &'v [Value]) -> BTreeMap<PathElement, &'v Value> {
    let mut all = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Ok(element) = item_element(ty, index, item) {
            all.entry(element).or_insert(item);
        }
    }
    all
}
