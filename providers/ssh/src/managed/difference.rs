//! What would have to be done: a pure function of what is recorded, there and wanted.

use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Difference, DifferenceRequest, Observation, Observed, Preview, Verdict};
use meshform_engine::state::{Record, RecordStatus};
use meshform_engine::value::Value;

use super::Managed;
use crate::attributes::{change, created, present, unchanged, with};

/// What would have to be done.
pub(super) fn difference(managed: &dyn Managed, request: &DifferenceRequest<'_>) -> Difference {
    if let (Some(Preview::Would(there)), Observed::Present(_)) = (request.preview, request.observed) {
        let observed = Observed::Present(there.clone());
        return difference(managed, &DifferenceRequest { observed: &observed, preview: None, ..*request });
    }
    let mut difference = Difference {
        verdict: Verdict::NoOp,
        fields: Vec::new(),
        drift: drift(managed, request),
        planned: Value::null(),
        wants_preview: false,
        notes: Vec::new(),
        problems: Vec::new(),
    };
    match (request.desired, request.observed) {
        (None, Observed::Absent) => {}
        (None, Observed::Present(there)) => {
            difference.verdict = Verdict::Delete;
            difference.notes = request.record.map(|record| managed.ends(record, there)).unwrap_or_default();
        }
        (Some(desired), Observed::Absent) => {
            difference.verdict = Verdict::Create;
            difference.fields = created(desired, managed.fields());
            difference.notes = managed.made(desired);
            difference.planned = with(desired, managed.computed(None));
        }
        (Some(desired), Observed::Present(there)) => {
            update(managed, request, desired, there, &mut difference);
        }
    }
    difference
}

fn update(
    managed: &dyn Managed,
    request: &DifferenceRequest<'_>,
    desired: &Value,
    there: &Observation,
    difference: &mut Difference,
) {
    let mut fields = managed.changes(desired, there, request.fingerprinter);
    fields.extend(request.record.into_iter().flat_map(|record| managed.leaving(record, desired, there)));
    let touched = !fields.is_empty();
    let kept = Some(there).filter(|_| managed.keeps(&fields));
    difference.wants_preview = managed.is_unseen(desired, there);
    difference.problems = managed.problems(desired, there);
    difference.notes = managed.remarks(desired, there, &fields);
    match request.record {
        Some(record) => {
            fields.extend(recorded(managed, record, desired, request, touched));
            if !touched && !fields.is_empty() {
                let note = "The host is as wanted already: only what is recorded changes.";
                difference.notes.push(note.to_owned());
            }
        }
        None => difference.notes.extend(managed.taken_over(desired, there)),
    }
    if !fields.is_empty() {
        difference.verdict = Verdict::Update;
    }
    difference.planned = with(desired, managed.computed(kept));
    difference.fields = fields;
}

/// What changes in the record alone: settings that the host does not know of, or what is there as wanted but was not recorded so.
fn recorded(
    managed: &dyn Managed,
    record: &Record,
    desired: &Value,
    request: &DifferenceRequest<'_>,
    touched: bool,
) -> Vec<FieldChange> {
    let names = managed.settings().iter().chain(managed.fields().iter().filter(|_| !touched));
    let changed = |name: &&&str| {
        let (was, wanted) = (record.attributes.get(name), desired.get(name));
        let marked = |value: Option<&Value>| value.is_some_and(Value::has_sensitive);
        !unchanged(was, wanted, request.fingerprinter) || marked(was) != marked(wanted)
    };
    let show = |name: &&str| change(name, present(record.attributes.get(name)), present(desired.get(name)));
    names.filter(changed).map(show).collect()
}

/// What is no longer as recorded.
fn drift(managed: &dyn Managed, request: &DifferenceRequest<'_>) -> Vec<FieldChange> {
    let Some(record) = request.record.filter(|record| record.status == RecordStatus::Complete) else {
        return Vec::new();
    };
    let swap = |change: FieldChange| FieldChange { before: change.after, after: change.before, ..change };
    match (request.observed, managed.fields().first()) {
        (Observed::Present(there), _) => {
            let changes = managed.drifted(&record.attributes, there, request.fingerprinter);
            changes.into_iter().map(swap).collect()
        }
        (Observed::Absent, Some(whole)) => {
            vec![change(whole, present(record.attributes.get(whole)), None)]
        }
        (Observed::Absent, None) => Vec::new(),
    }
}
