//! Server-side apply, and what a plain update does to ownership.

use std::collections::BTreeMap;

use serde_json::Value;

use super::combine::combine;
use super::compare::{Comparison, compare};
use super::fieldset::FieldSet;
use super::form::same;
use super::managers::ManagerKey;
use super::path::Path;
use super::prune::without;
use super::typed::field_set;
use crate::kube::types::TypeRef;

/// Who owns which fields.
pub(crate) type Owners = BTreeMap<ManagerKey, FieldSet>;

/// What an apply or update comes to.
#[derive(Debug)]
pub(crate) struct Ownership {
    /// The merged object; `None` if it is the live one.
    pub(crate) object: Option<Value>,
    pub(crate) owners: Owners,
}

/// A field that the apply would change and another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) manager: ManagerKey,
    pub(crate) path: Path,
}

/// Merges `config` into `live` as `manager`. What the manager applied before and now does not is removed,
/// unless another one owns it. `ignored` fields are neither taken nor owned.
///
/// # Errors
///
/// Without `force`: the fields that others own with other values.
pub(crate) fn apply(
    ty: TypeRef<'_>,
    live: &Value,
    config: &Value,
    owners: &Owners,
    manager: &ManagerKey,
    ignored: &FieldSet,
    force: bool,
) -> Result<Ownership, Vec<Conflict>> {
    let last = owners.get(manager).cloned().unwrap_or_default();
    let mut owners = owners.clone();
    owners.insert(manager.clone(), field_set(ty, config).without_trees(ignored));
    let merged = combine(ty, live, config);
    let merged = drop_abandoned(ty, merged, &owners, &last);
    let changes = compare(ty, live, &merged).without(ignored);
    let owners = settle(owners, &changes, manager, force)?;
    let object = (!same(live, &merged)).then_some(merged);
    Ok(Ownership { object, owners })
}

/// Who owns what after `manager` has replaced `live` by `new`; and whether it took anything.
pub(crate) fn update(
    ty: TypeRef<'_>,
    live: &Value,
    new: &Value,
    owners: &Owners,
    manager: &ManagerKey,
    ignored: &FieldSet,
) -> (Owners, bool) {
    let changes = compare(ty, live, new).without(ignored);
    let mut owners = transfer(owners.clone(), &changes, None);
    let taken = changes.modified.union(&changes.added);
    if !taken.is_empty() {
        let own = owners.get(manager).map_or_else(|| taken.clone(), |own| own.union(&taken));
        owners.insert(manager.clone(), own);
    }
    (owners, !taken.is_empty())
}

/// Takes from the others what the changes touch, or says what they would lose.
fn settle(
    owners: Owners,
    changes: &Comparison,
    manager: &ManagerKey,
    force: bool,
) -> Result<Owners, Vec<Conflict>> {
    let touched = changes.modified.union(&changes.added);
    let conflicts: Vec<Conflict> = owners
        .iter()
        .filter(|(other, _)| *other != manager)
        .flat_map(|(other, set)| {
            let paths = set.intersection(&touched).paths();
            paths.into_iter().map(|path| Conflict { manager: other.clone(), path })
        })
        .collect();
    if !force && !conflicts.is_empty() {
        return Err(conflicts);
    }
    Ok(transfer(owners, changes, Some(manager)))
}

/// Without what was changed or removed, except for the manager that did it.
fn transfer(owners: Owners, changes: &Comparison, manager: Option<&ManagerKey>) -> Owners {
    let lost = changes.modified.union(&changes.added).union(&changes.removed);
    owners
        .into_iter()
        .map(|(other, set)| {
            let left = if Some(&other) == manager { set } else { set.difference(&lost) };
            (other, left)
        })
        .filter(|(_, set)| !set.is_empty())
        .collect()
}

/// Removes what the manager owned in its last apply and no one owns now.
fn drop_abandoned(ty: TypeRef<'_>, merged: Value, owners: &Owners, last: &FieldSet) -> Value {
    if last.is_empty() {
        return merged;
    }
    let last = last.with_named_parents(ty);
    let merged_set = field_set(ty, &merged).with_named_parents(ty);
    let pruned = without(ty, &merged, &last);
    let pruned_set = field_set(ty, &pruned).with_named_parents(ty);
    let owned = owners.values().fold(FieldSet::default(), |all, set| all.union(set)).with_named_parents(ty);
    let pruned = without(ty, &merged, &merged_set.difference(&pruned_set.union(&owned)));
    let pruned_set = field_set(ty, &pruned).with_named_parents(ty);
    without(ty, &merged, &merged_set.difference(&pruned_set).intersection(&last))
}
