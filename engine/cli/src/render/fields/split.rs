//! A change of a whole map or list into the changes of what differs inside it.

use std::collections::BTreeSet;

use meshform_engine::plan::FieldChange;
use meshform_engine::value::{Kind, PathStep, Value};

/// Attributes by which the objects of a list are told apart, the first that serves.
const ELEMENT_KEYS: [&str; 5] = ["name", "key", "id", "path", "address"];

/// The changes inside `change`, or itself if nothing inside can be told apart.
pub(crate) fn split(change: &FieldChange) -> Vec<FieldChange> {
    let mut leaves = Vec::new();
    collect(change, &mut leaves);
    leaves
}

fn collect(change: &FieldChange, leaves: &mut Vec<FieldChange>) {
    match parts(change) {
        Some(parts) => parts.iter().for_each(|part| collect(part, leaves)),
        None => leaves.push(change.clone()),
    }
}

fn parts(change: &FieldChange) -> Option<Vec<FieldChange>> {
    let (before, after) = (change.before.as_ref()?, change.after.as_ref()?);
    if before.is_sensitive() || after.is_sensitive() {
        return None;
    }
    match (before.as_map(), after.as_map(), before.kind(), after.kind()) {
        (Some(_), Some(_), _, Kind::Object(object)) if object.open => None,
        (Some(old), Some(new), _, _) => {
            let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
            let step = |name: &&String| PathStep::Attribute((*name).clone());
            parts_of(change, names.iter().map(|name| (step(name), old.get(*name), new.get(*name))))
        }
        (_, _, Kind::List(old), Kind::List(new)) => elements(change, old, new),
        _ => None,
    }
}

fn elements(change: &FieldChange, old: &[Value], new: &[Value]) -> Option<Vec<FieldChange>> {
    let objects =
        |list: &[Value]| list.iter().all(|element| element.as_map().is_some() && !element.is_sensitive());
    if !objects(old) || !objects(new) {
        return None;
    }
    if let Some((old, new)) =
        ELEMENT_KEYS.iter().find_map(|name| Some((keyed(old, name)?, keyed(new, name)?)))
    {
        let removed = old.iter().filter(|(key, _)| !new.iter().any(|(other, _)| other == key));
        let there = new.iter().map(|(key, element)| (key, find(&old, key), Some(*element)));
        let all = removed.map(|(key, element)| (key, Some(*element), None)).chain(there);
        return parts_of(change, all.map(|(key, old, new)| (key.clone(), old, new)));
    }
    if old.len() != new.len() {
        return None;
    }
    let pairs = old.iter().zip(new).enumerate();
    parts_of(change, pairs.map(|(at, (old, new))| (PathStep::Index(at), Some(old), Some(new))))
}

fn find<'a>(elements: &[(PathStep, &'a Value)], key: &PathStep) -> Option<&'a Value> {
    elements.iter().find(|(other, _)| other == key).map(|(_, element)| *element)
}

/// Each element under the step that names it; `None` unless all have that attribute and no two share its value.
fn keyed<'a>(elements: &'a [Value], name: &str) -> Option<Vec<(PathStep, &'a Value)>> {
    let mut seen = BTreeSet::new();
    let all = elements.iter().map(|element| {
        let text = element.get(name).filter(|value| !value.is_sensitive())?.as_str()?;
        seen.insert(text).then(|| (PathStep::Element(vec![(name.to_owned(), text.to_owned())]), element))
    });
    all.collect()
}

/// Only what differs; `None` when nothing does, for then the difference lies elsewhere (a mark, an order).
fn parts_of<'a>(
    change: &FieldChange,
    parts: impl Iterator<Item = (PathStep, Option<&'a Value>, Option<&'a Value>)>,
) -> Option<Vec<FieldChange>> {
    let differ = |old: Option<&Value>, new: Option<&Value>| match (old, new) {
        (Some(old), Some(new)) => !old.same(new) || new.has_sensitive() != old.has_sensitive(),
        _ => true,
    };
    let parts: Vec<_> = parts
        .filter(|(_, old, new)| differ(*old, *new))
        .map(|(step, old, new)| FieldChange {
            path: change.path.join(step),
            before: old.cloned(),
            after: new.cloned(),
            ..change.clone()
        })
        .collect();
    (!parts.is_empty()).then_some(parts)
}
