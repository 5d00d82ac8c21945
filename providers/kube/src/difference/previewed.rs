//! The difference once the server has said what it would make of it.

use std::collections::BTreeSet;

use meshform_engine::diagnostic::Severity;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Difference, Observation, Problem, Verdict};
use meshform_engine::value::{Kind, Path, PathStep, Value};
use serde_json::Value as Json;

use super::{Present, notes, object_of, outcome, owners_of};
use crate::attributes::{opened, without_volatile};
use crate::diff;
use crate::owned::Owners;
use crate::refusal::field_path;

/// What changes between the live object and the server's answer.
pub(super) fn difference(present: &Present<'_>, would: &Observation) -> Difference {
    let warnings = notes::warnings(&would.detail);
    let immutable: Vec<_> =
        texts(&would.detail, "immutable").map(|field| field_path(field, &present.live)).collect();
    if !immutable.is_empty() {
        return Difference {
            fields: present.replaced_fields(&immutable),
            notes: warnings,
            ..outcome(Verdict::Replace, present.planned(opened(&present.manifest)))
        };
    }
    let after = object_of(&would.attributes);
    let fields = fields(present, &after, &owners_of(&would.detail));
    let problems = conflicts(&would.detail, &present.manifest, &present.owners);
    if fields.is_empty() && problems.is_empty() {
        return Difference { notes: warnings, ..present.nothing() };
    }
    let planned = present.planned(opened(&without_volatile(&after)));
    Difference { fields, problems, notes: warnings, ..outcome(Verdict::Update, planned) }
}

fn fields(present: &Present<'_>, after: &Value, owners_after: &Owners) -> Vec<FieldChange> {
    let mut hints = present.owners.all().clone();
    hints.extend(owners_after.all());
    let (before, after) = (without_volatile(&present.live), without_volatile(after));
    let changes = diff::changes(Some(&before), Some(&after), &hints);
    let mut fields: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let owner = present.owners.others_at(&change.path.0);
            change.into_field(owner)
        })
        .collect();
    let ownership = ownership_changes(present, owners_after);
    let touched = |path: &Path| {
        fields.iter().any(|field| path.starts_with(&field.path) || field.path.starts_with(path))
    };
    let only_ownership: Vec<_> = ownership.into_iter().filter(|field| !touched(&field.path)).collect();
    fields.extend(only_ownership);
    fields
}

/// Fields that become ours or cease to be.
fn ownership_changes(present: &Present<'_>, owners_after: &Owners) -> Vec<FieldChange> {
    let before: BTreeSet<_> = present.owners.own().leaves().into_iter().collect();
    let after: BTreeSet<_> = owners_after.own().leaves().into_iter().collect();
    let taken = after.difference(&before).map(|way| present.ownership(&Path(way.clone())));
    let left = before.difference(&after).map(|way| {
        let owner = present.owners.others_at(way).unwrap_or_else(|| "no one from now on".to_owned());
        FieldChange { owner: Some(owner), ..present.ownership(&Path(way.clone())) }
    });
    let mut all: Vec<_> = taken.chain(left).collect();
    // A set whose elements change hands is one leaf on both sides.
    let is_set = |way: &[PathStep]| {
        let (was, is) = (present.owners.own().at(way), owners_after.own().at(way));
        was.is_some_and(|set| set.is_set()) && was != is
    };
    all.extend(
        before
            .intersection(&after)
            .filter(|way| is_set(way))
            .map(|way| present.ownership(&Path(way.clone()))),
    );
    all
}

/// A problem for each field that another manager holds.
pub(super) fn conflicts(detail: &Json, manifest: &Value, owners: &Owners) -> Vec<Problem> {
    let conflicts = detail.get("conflicts").and_then(Json::as_array).into_iter().flatten();
    conflicts
        .map(|conflict| {
            let text = |name: &str| conflict.get(name).and_then(Json::as_str).unwrap_or_default();
            conflict_problem(&field_path(text("field"), manifest), text("message"), owners)
        })
        .collect()
}

fn conflict_problem(field: &Path, message: &str, owners: &Owners) -> Problem {
    let owner = owners.others_at(&field.0).unwrap_or_else(|| message.to_owned());
    let mut path = Path::attribute("manifest");
    path.0.extend(field.0.iter().cloned());
    Problem {
        severity: Severity::Error,
        summary: "Another manager owns the field".to_owned(),
        detail: format!(
            "`{field}` is owned by {owner}, with another value. Leave it out of the manifest to let them have it, or set \
             `force_conflicts = true` to take it over."
        ),
        path,
    }
}

/// What the server's answer has at the declared places: what a create surely leaves as it is.
///
/// The rest of a dry-run's answer to a create is made up on the spot (uid, clusterIP, nodePort).
pub(super) fn kept(declared: &Value, answer: &Value) -> Value {
    let hidden = declared.is_sensitive();
    match (declared.as_map(), answer.as_map()) {
        (Some(declared), Some(answer)) => {
            let kept = declared
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), kept(value, answer.get(name)?))));
            Value::object(kept).marked(hidden)
        }
        _ => match (declared.as_list(), answer.kind()) {
            (Some(declared), Kind::List(answer)) if declared.len() == answer.len() => Value::list(
                declared.iter().zip(answer.iter()).map(|(declared, answer)| kept(declared, answer)),
            )
            .marked(hidden),
            _ => answer.clone().marked(hidden),
        },
    }
}

fn texts<'a>(detail: &'a Json, name: &str) -> impl Iterator<Item = &'a str> {
    detail.get(name).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}
