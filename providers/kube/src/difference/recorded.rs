//! What the record tells: drift, and that nothing has changed since the server's answer to the very same manifest.

use meshform_engine::plan::FieldChange;
use meshform_engine::state::RecordStatus;
use meshform_engine::value::{Fingerprinter, Kind, Path, Value};
use serde_json::Value as Json;

use super::{Present, object_of};
use crate::attributes::without_volatile;
use crate::diff::{self, Change};
use crate::manifest::normalise;
use crate::owned::FieldSet;

/// Where a record remembers which fields the last apply of its manifest came to own.
const OWNED: &str = "owned";

/// Whether the recorded object is what the recorded manifest led to.
pub(crate) fn is_trusted(private: &Json) -> bool {
    private.get(OWNED).is_some_and(Json::is_string)
}

/// What is remembered of an object that is recorded as it was found: nothing of what its manifest led to.
pub(crate) fn without_trust(private: &Json) -> Json {
    let mut private = private.clone();
    if let Some(fields) = private.as_object_mut() {
        fields.remove(OWNED);
    }
    private
}

/// A hash of which fields are owned: names only, no values.
pub(crate) fn owned_hash(own: &FieldSet) -> String {
    blake3::hash(format!("{own:?}").as_bytes()).to_hex().to_string()
}

/// Whether the last apply of this very manifest led to just this object.
///
/// The server may write a value in another way (`1000m` becomes `1`) or drop something empty, so that the manifest alone never equals
/// the object. What it made of the manifest then, it would make of it now.
pub(super) fn is_as_applied(present: &Present<'_>) -> bool {
    let Some(record) = present.request.record else { return false };
    let keyed = present.request.fingerprinter;
    let owned = record.private.get(OWNED).and_then(Json::as_str);
    let (Some(wanted), Some(applied)) = (present.desired.get("manifest"), record.attributes.get("manifest"))
    else {
        return false;
    };
    let recorded = object_of(&record.attributes);
    record.status == RecordStatus::Complete
        && owned == Some(&owned_hash(present.owners.own()))
        && left(&record.private) == present.left.iter().map(ToString::to_string).collect::<Vec<_>>()
        && is_same(wanted, applied, keyed)
        && present.owners.own().leaves().into_iter().all(|way| {
            let path = Path(way);
            match (present.live.at(&path), recorded.at(&path)) {
                (Some(live), Some(recorded)) => is_same(&live, &recorded, keyed),
                (None, None) => true,
                _ => false,
            }
        })
}

/// The change of `triggers_replace`, if that is why the object is to be made anew.
pub(super) fn trigger(present: &Present<'_>) -> Option<FieldChange> {
    const NAME: &str = "triggers_replace";
    let record = present.request.record?;
    let given = |attributes: &Value| attributes.get(NAME).filter(|value| !value.is_null()).cloned();
    let (before, after) = (given(&record.attributes), given(present.desired));
    let is_same = match (&before, &after) {
        (Some(before), Some(after)) => is_same(after, before, present.request.fingerprinter),
        (None, None) => true,
        _ => false,
    };
    (!is_same).then(|| FieldChange {
        path: Path::attribute(NAME),
        before,
        after,
        forces_replace: true,
        owner: None,
    })
}

/// The fields that the last apply left to others.
fn left(private: &Json) -> Vec<&str> {
    let left = private.get("left").and_then(Json::as_array).into_iter().flatten();
    left.filter_map(Json::as_str).collect()
}

/// What is no longer as the last apply left it, in fields that are or were ours.
pub(super) fn drift(present: &Present<'_>) -> Vec<FieldChange> {
    let Some(record) = present.request.record else { return Vec::new() };
    let recorded = without_volatile(&object_of(&record.attributes));
    if recorded.as_map().is_none() {
        return Vec::new();
    }
    let declared = record.attributes.get("manifest").map(normalise).unwrap_or_else(Value::null);
    let is_ours = |path: &Path| present.owners.own().covers(&path.0) || declared.at(path).is_some();
    diff::changes(Some(&recorded), Some(&without_volatile(&present.live)), present.owners.all())
        .into_iter()
        .filter(|change| is_ours(&change.path) && !is_only_redacted(change, present.request.fingerprinter))
        .map(|change| {
            let owner = present.owners.others_at(&change.path.0);
            change.into_field(owner)
        })
        .collect()
}

fn is_only_redacted(change: &Change, keyed: &dyn Fingerprinter) -> bool {
    match (&change.after, &change.before) {
        (Some(live), Some(recorded)) => is_same(live, recorded, keyed),
        _ => false,
    }
}

/// Whether a value is what is recorded, fingerprints compared as such.
fn is_same(value: &Value, recorded: &Value, keyed: &dyn Fingerprinter) -> bool {
    if let Kind::Fingerprint(fingerprint) = recorded.kind() {
        return match value.kind() {
            Kind::Fingerprint(other) => other == fingerprint,
            _ => value.is_wholly_known() && keyed.fingerprint(value) == **fingerprint,
        };
    }
    if let (Some(entries), Some(recorded)) = (value.as_map(), recorded.as_map()) {
        return entries.len() == recorded.len()
            && entries.iter().all(|(name, value)| {
                recorded.get(name).is_some_and(|recorded| is_same(value, recorded, keyed))
            });
    }
    match (value.as_list(), recorded.as_list()) {
        (Some(elements), Some(recorded)) => {
            elements.len() == recorded.len()
                && elements.iter().zip(recorded).all(|(value, recorded)| is_same(value, recorded, keyed))
        }
        _ => value.same(recorded),
    }
}
