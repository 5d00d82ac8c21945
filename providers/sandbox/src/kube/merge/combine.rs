//! Two objects put together: the right one wins.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::form::{Form, common_form, fields, is_hollow, item_element, items};
use super::path::PathElement;
use crate::kube::types::TypeRef;

/// `left` with everything that `right` sets.
pub(crate) fn combine(ty: TypeRef<'_>, left: &Value, right: &Value) -> Value {
    both(ty, Some(left), Some(right))
}

fn both(ty: TypeRef<'_>, left: Option<&Value>, right: Option<&Value>) -> Value {
    let whole = || right.or(left).cloned().unwrap_or(Value::Null);
    match common_form(ty, left, right) {
        Form::Leaf => whole(),
        _ if is_hollow(left) && is_hollow(right) => whole(),
        Form::Fields => both_fields(ty, fields(left), fields(right)),
        Form::Items => both_items(ty, items(left), items(right)),
    }
}

fn both_fields(ty: TypeRef<'_>, left: &Map<String, Value>, right: &Map<String, Value>) -> Value {
    let mut all = left.clone();
    for (name, value) in right {
        let merged = both(ty.value_or_any(name), left.get(name), Some(value));
        all.insert(name.clone(), merged);
    }
    Value::Object(all)
}

/// The items of both sides. The order is the right side's; what is only on the left stays behind the item that it followed.
fn both_items(ty: TypeRef<'_>, left: &[Value], right: &[Value]) -> Value {
    let (left, right) = (elements(ty, left), elements(ty, right));
    let index: BTreeMap<&PathElement, &Value> =
        left.iter().rev().map(|(element, item)| (element, *item)).collect();
    let on_right: BTreeSet<&PathElement> = right.iter().map(|(element, _)| element).collect();
    let mut shared: VecDeque<&PathElement> =
        right.iter().map(|(element, _)| element).filter(|element| index.contains_key(element)).collect();
    let mut merged = BTreeSet::new();
    let mut all = Vec::with_capacity(left.len().max(right.len()));
    let (mut lefts, mut rights) = (left.iter().peekable(), right.iter().peekable());
    loop {
        if let (Some((left, _)), Some((right, _))) = (lefts.peek(), rights.peek()) {
            let awaits_another = shared.front().is_some_and(|next| *next != left);
            if left != right && on_right.contains(left) && awaits_another {
                lefts.next();
                continue;
            }
        }
        match (lefts.peek(), rights.peek()) {
            (Some((left, item)), next) if !on_right.contains(left) => {
                let _ = next;
                all.push((*item).clone());
                lefts.next();
            }
            (Some((left, _)), None) => {
                let _ = left;
                lefts.next();
            }
            (left, Some((element, item))) => {
                let also_left = left.is_some_and(|(left, _)| left == element || merged.contains(left));
                all.push(both(ty.item(), index.get(element).copied(), Some(item)));
                merged.insert(element);
                shared.retain(|next| *next != element);
                rights.next();
                if also_left {
                    lefts.next();
                }
            }
            (None, None) => return Value::Array(all),
        }
    }
}

fn elements<'v>(ty: TypeRef<'_>, items: &'v [Value]) -> Vec<(PathElement, &'v Value)> {
    items
        .iter()
        .enumerate()
        .map(|(index, item)| (item_element(ty, index, item).unwrap_or(PathElement::Index(index)), item))
        .collect()
}
