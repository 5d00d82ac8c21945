//! What apply would have to do with one object.
//!
//! ```text
//! wanted?  there?
//! no       no      nothing
//! no       yes     delete
//! yes      no      create
//! yes      yes     being deleted → replace; up to date → nothing; else ask the server, and believe its answer
//! ```
//!
//! Pure: the server's answers come in as the request's `observed` and `preview`.

mod notes;
mod previewed;
mod recorded;

use meshform_engine::diagnostic::Severity;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{
    Difference, DifferenceRequest, Observation, Observed, Preview, Problem, ProviderError, Verdict, keep_part,
};
use meshform_engine::types::Type;
use meshform_engine::value::{Path, PathStep, Value};
use serde_json::Value as Json;

use crate::MANAGER;
use crate::absent;
use crate::attributes::{attributes, opened};
use crate::declared::{self, Comparison};
use crate::diff;
use crate::lower::RESOURCE_POLICY;
use crate::manifest::normalise;
use crate::owned::{FieldSet, Owners};
use crate::patch;
use crate::policy;
use crate::schema::{ABSENT, PATCH};

pub(crate) use self::recorded::{is_trusted, owned_hash, without_trust};

/// What apply would have to do.
pub(crate) fn difference(request: &DifferenceRequest<'_>) -> Difference {
    match request.kind {
        ABSENT => return absent::difference(request),
        PATCH => return patched(request),
        _ => {}
    }
    match (request.desired, request.observed) {
        (None, Observed::Absent) => outcome(Verdict::NoOp, Value::null()),
        (None, Observed::Present(there)) if is_kept(&object_of(&there.attributes)) => {
            outcome(Verdict::NoOp, Value::null())
        }
        (None, Observed::Present(there)) => delete(there),
        (Some(desired), Observed::Absent) => create(desired, request.preview),
        (Some(desired), Observed::Present(there)) => change(request, desired, there),
    }
}

/// What apply would have to do with the fields of a patch.
fn patched(request: &DifferenceRequest<'_>) -> Difference {
    match (request.desired, request.observed) {
        (None, Observed::Absent) => outcome(Verdict::NoOp, Value::null()),
        (None, Observed::Present(there)) => {
            patch::given_back(there, &owners_of(&there.detail), outcome(Verdict::NoOp, Value::null()))
        }
        (Some(desired), Observed::Absent) => Difference {
            wants_preview: false,
            notes: vec![
                "There is no such object yet. Something must make it first, or the apply of this fails."
                    .to_owned(),
            ],
            ..create(desired, None)
        },
        (Some(desired), Observed::Present(there)) => {
            let mut difference = change(request, desired, there);
            if difference.verdict == Verdict::Replace {
                difference.verdict = Verdict::Update;
                let detail = "The object is being deleted, and whoever made it may make it anew. Plan again when it is gone.";
                difference.problems.push(Problem {
                    severity: Severity::Error,
                    summary: "The object is being deleted".to_owned(),
                    detail: detail.to_owned(),
                    path: Path::attribute("manifest"),
                });
            }
            if request.record.is_none() && difference.verdict == Verdict::Update {
                difference.verdict = Verdict::Create;
            }
            difference
        }
    }
}

fn outcome(verdict: Verdict, planned: Value) -> Difference {
    Difference {
        verdict,
        fields: Vec::new(),
        drift: Vec::new(),
        planned,
        wants_preview: false,
        notes: Vec::new(),
        problems: Vec::new(),
    }
}

/// Whether it says itself that it outlives what made it, as charts have it.
fn is_kept(object: &Value) -> bool {
    let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
    annotations.and_then(|annotations| annotations.get_str(RESOURCE_POLICY)) == Some("keep")
}

fn delete(there: &Observation) -> Difference {
    let object = object_of(&there.attributes);
    let fields = diff::changes(Some(&object), None, &FieldSet::default());
    Difference {
        fields: fields.into_iter().map(|change| change.into_field(None)).collect(),
        notes: notes::deletion(&object),
        ..outcome(Verdict::Delete, Value::null())
    }
}

fn create(desired: &Value, preview: Option<&Preview>) -> Difference {
    let manifest = manifest_of(desired);
    let fields = diff::changes(None, Some(&manifest), &FieldSet::default());
    let mut difference = Difference {
        fields: fields.into_iter().map(|change| change.into_field(None)).collect(),
        wants_preview: preview.is_none() && desired.is_wholly_known(),
        ..outcome(Verdict::Create, attributes(Some(desired), opened(&manifest)))
    };
    match preview {
        Some(Preview::Would(would)) => {
            let kept = previewed::kept(&manifest, &object_of(&would.attributes));
            difference.planned = attributes(Some(desired), opened(&kept));
            difference.notes.extend(notes::warnings(&would.detail));
            difference.problems = previewed::conflicts(&would.detail, &manifest, &Owners::default());
        }
        Some(preview) => without_answer(&mut difference, preview),
        None => {}
    }
    difference
}

/// The object is there and wanted.
struct Present<'a> {
    request: &'a DifferenceRequest<'a>,
    desired: &'a Value,
    manifest: Value,
    /// Declared fields that are left to others.
    left: Vec<Path>,
    live: Value,
    owners: Owners,
}

fn change(request: &DifferenceRequest<'_>, desired: &Value, there: &Observation) -> Difference {
    let (live, owners) = (object_of(&there.attributes), owners_of(&there.detail));
    let settled = policy::settle(desired, manifest_of(desired), &live, &owners);
    let left = settled.left.clone();
    let present = Present { request, desired, manifest: settled.manifest, left, live, owners };
    let mut difference = present.difference();
    difference.drift = recorded::drift(&present);
    // What is left to others does not drift.
    difference.drift.retain(|field| !policy::is_within(&field.path, &settled.left));
    difference.notes.extend(settled.notes);
    if request.record.is_none() && difference.verdict != Verdict::Replace && request.kind != PATCH {
        difference.notes.push(notes::adoption(&present.owners));
    }
    difference.notes.extend(notes::scaled_by_others(&present.manifest, &present.owners));
    difference
}

impl Present<'_> {
    fn difference(&self) -> Difference {
        if let Some(since) =
            self.live.get("metadata").and_then(|metadata| metadata.get_str("deletionTimestamp"))
        {
            return Difference {
                fields: self.replaced_fields(&[]),
                notes: vec![notes::terminating(since, &self.live)],
                ..outcome(Verdict::Replace, self.planned(opened(&self.manifest)))
            };
        }
        if let Some(trigger) = recorded::trigger(self) {
            let mut fields = self.replaced_fields(&[]);
            fields.push(trigger);
            return Difference { fields, ..outcome(Verdict::Replace, self.planned(opened(&self.manifest))) };
        }
        let comparison = declared::compare(&self.manifest, &self.live, &self.owners);
        if comparison.is_up_to_date() || recorded::is_as_applied(self) {
            return self.nothing();
        }
        match self.request.preview {
            Some(Preview::Would(would)) => previewed::difference(self, would),
            preview => {
                let mut difference = self.declared_update(comparison);
                difference.wants_preview = preview.is_none() && self.desired.is_wholly_known();
                if let Some(preview) = preview {
                    without_answer(&mut difference, preview);
                }
                difference
            }
        }
    }

    fn nothing(&self) -> Difference {
        outcome(Verdict::NoOp, self.planned(self.live.clone()))
    }

    /// An update as far as the manifest alone tells.
    fn declared_update(&self, comparison: Comparison) -> Difference {
        let changed = comparison.changes.into_iter().map(|change| {
            let owner = self.owners.others_at(&change.path.0);
            change.into_field(owner)
        });
        let taken = comparison.not_ours.iter().map(|path| self.ownership(path));
        let mut fields: Vec<_> = changed.collect();
        for field in taken {
            if !fields.iter().any(|other| field.path.starts_with(&other.path)) {
                fields.push(field);
            }
        }
        Difference { fields, ..outcome(Verdict::Update, self.planned(opened(&self.manifest))) }
    }

    /// A change of nothing but the owner.
    fn ownership(&self, path: &Path) -> FieldChange {
        let value = self.live.at(path);
        FieldChange {
            path: path.clone(),
            before: value.clone(),
            after: value,
            forces_replace: false,
            owner: Some(self.owners.others_at(&path.0).unwrap_or_else(|| "no one until now".to_owned())),
        }
    }

    /// The declared changes, marked where they are why the object must be made anew.
    fn replaced_fields(&self, immutable: &[Path]) -> Vec<FieldChange> {
        let mut fields =
            self.declared_update(declared::compare(&self.manifest, &self.live, &self.owners)).fields;
        fields.retain(|field| field.before != field.after);
        let touches = |field: &Path, other: &Path| field.starts_with(other) || other.starts_with(field);
        mark(&mut fields, |path| immutable.iter().any(|other| touches(path, other)));
        if !fields.iter().any(|field| field.forces_replace) {
            // The server may name a twin of the declared field (`clusterIPs[0]` for `clusterIP`): its neighbours are meant.
            let near: Vec<_> = immutable.iter().map(neighbourhood).collect();
            mark(&mut fields, |path| near.iter().any(|other| path.starts_with(other)));
        }
        fields
    }

    fn planned(&self, object: Value) -> Value {
        attributes(Some(self.desired), object)
    }
}

fn mark(fields: &mut [FieldChange], holds: impl Fn(&Path) -> bool) {
    fields.iter_mut().for_each(|field| field.forces_replace = holds(&field.path));
}

/// The field around the last name of a path.
fn neighbourhood(path: &Path) -> Path {
    let names =
        path.0.iter().take_while(|step| matches!(step, meshform_engine::value::PathStep::Attribute(_)));
    Path(path.0[..names.count().saturating_sub(1)].to_vec())
}

fn without_answer(difference: &mut Difference, preview: &Preview) {
    match preview {
        Preview::Refused(error) => difference.problems.push(refused(error)),
        Preview::Unverified(reason) => {
            difference.notes.push(format!("The server checks this only during apply: {reason}"));
        }
        Preview::Would(_) => {}
    }
}

fn refused(error: &ProviderError) -> Problem {
    Problem {
        severity: Severity::Error,
        summary: error.summary.clone(),
        detail: error.detail.clone(),
        path: error.path.clone().unwrap_or_else(|| Path::attribute("manifest")),
    }
}

fn manifest_of(desired: &Value) -> Value {
    match desired.get("manifest") {
        Some(manifest) if manifest.is_known() => normalise(manifest),
        _ => Value::unknown(Type::Any),
    }
}

/// The live object among the attributes.
pub(crate) fn object_of(attributes: &Value) -> Value {
    attributes.get("object").cloned().unwrap_or_else(Value::null)
}

/// What is wanted of an object when a part of its manifest is to stay as it is.
///
/// A field that is not ours any more is left out: to apply it again, even with the value that it has, would be to claim it.
pub(crate) fn keep(desired: &Value, path: &Path, there: &Observation) -> Value {
    match path.0.split_first() {
        Some((PathStep::Attribute(first), rest)) if first == "manifest" && !rest.is_empty() => {
            let live = object_of(&there.attributes).at(&Path(rest.to_vec()));
            let is_ours = owners_of(&there.detail).own().covers(rest);
            keep_part(desired, path, live.filter(|_| is_ours))
        }
        _ => keep_part(desired, path, there.attributes.at(path)),
    }
}

/// Who owns what, as an observation tells.
pub(crate) fn owners_of(detail: &Json) -> Owners {
    let manager = detail.get("manager").and_then(Json::as_str).unwrap_or(MANAGER);
    Owners::parse(detail.get("managedFields").unwrap_or(&Json::Null), manager)
}

#[cfg(test)]
mod tests {
    use meshform_engine::value::from_json;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_own_is_left_out_and_what_is_ours_stays_as_it_is() {
        let value = |json: Json| from_json(&json);
        let ours = json!({ "f:spec": { "f:replicas": {} } });
        let check = |owned: &Json, path: &[&str], expect: Json| {
            let managed = json!([{ "manager": "meshform", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": owned }]);
            let there = Observation {
                attributes: value(json!({ "object": { "spec": { "replicas": 4 } } })),
                version: "1".to_owned(),
                detail: json!({ "managedFields": managed }),
            };
            let desired = value(json!({ "manifest": { "spec": { "replicas": 2, "paused": false } } }));
            let path = Path(path.iter().map(|name| PathStep::Attribute((*name).to_owned())).collect());
            assert_eq!(
                keep(&desired, &path, &there),
                value(json!({ "manifest": { "spec": expect } })),
                "{path}"
            );
        };
        let replicas = ["manifest", "spec", "replicas"];
        check(&ours, &replicas, json!({ "replicas": 4, "paused": false }));
        check(&json!({ "f:metadata": { "f:labels": {} } }), &replicas, json!({ "paused": false }));
        check(&ours, &["manifest", "spec", "paused"], json!({ "replicas": 2 }));
    }
}
