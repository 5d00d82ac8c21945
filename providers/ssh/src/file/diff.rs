//! What would have to be done with a file: a pure function of what is recorded, there and wanted.

use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Difference, DifferenceRequest, Observation, Observed, Verdict};
use meshform_engine::state::{Record, RecordStatus};
use meshform_engine::types::Type;
use meshform_engine::value::{Kind, Value};

use super::observe::fits;
use super::{Mode, checksum, policy};
use crate::attributes::{change, created, given, sensitive, text, unchanged, unknown, with};
use crate::script::Policy;

/// What would have to be done.
pub(crate) fn difference(request: &DifferenceRequest<'_>) -> Difference {
    let mut difference = Difference {
        verdict: Verdict::NoOp,
        fields: Vec::new(),
        drift: drift(request),
        planned: Value::null(),
        wants_preview: false,
        notes: Vec::new(),
        problems: Vec::new(),
    };
    match (request.desired, request.observed) {
        (None, Observed::Absent) => {}
        (None, Observed::Present(_)) => remove(request, &mut difference),
        (Some(desired), observed) => {
            let sum = checksum(desired)
                .unwrap_or_else(|| Value::unknown(Type::String).marked(sensitive(desired, "content")));
            difference.planned = with(desired, [("sha256", sum)]);
            match observed {
                Observed::Absent => create(desired, &mut difference),
                Observed::Present(there) => update(request, desired, there, &mut difference),
            }
        }
    }
    difference
}

fn create(desired: &Value, difference: &mut Difference) {
    difference.verdict = Verdict::Create;
    difference.fields = created(desired, &["path", "content", "mode", "owner", "group"]);
}

fn remove(request: &DifferenceRequest<'_>, difference: &mut Difference) {
    difference.verdict = Verdict::Delete;
    let Some(record) = request.record else { return };
    let note = match (policy(&record.attributes), record.private.get("preimage").and_then(|was| was.as_str()))
    {
        (Policy::Keep, _) => "The file stays on the host (on_destroy = \"keep\").",
        (Policy::Restore, Some("kept")) => "What was there before comes back (on_destroy = \"restore\").",
        (Policy::Restore, Some("too_large")) => {
            "The file stays on the host: what was there before was larger than 1 MiB and could not be kept."
        }
        (Policy::Restore, None) => {
            "The file was there before as it is, so it stays (on_destroy = \"restore\")."
        }
        (Policy::Remove | Policy::Restore, _) => return,
    };
    difference.notes.push(note.to_owned());
}

fn update(
    request: &DifferenceRequest<'_>,
    desired: &Value,
    there: &Observation,
    difference: &mut Difference,
) {
    let mut fields = Vec::new();
    fields.extend(content(desired, there));
    fields.extend(mode(desired, there));
    fields.extend(account(desired, there, "owner", "uid"));
    fields.extend(account(desired, there, "group", "gid"));
    let touched = !fields.is_empty();
    if let Some(record) = request.record {
        fields.extend(recorded(record, desired, request, touched));
        if !touched && !fields.is_empty() {
            difference.notes.push("The file itself is as wanted: only what is recorded changes.".to_owned());
        }
    } else {
        difference.notes.push("The file is there already and is taken over.".to_owned());
        difference.notes.extend(way_back(desired, there));
    }
    if links(there) > 1 && touched {
        difference
            .notes
            .push("The file has several names (hard links): the others keep the old content.".to_owned());
    }
    if !fields.is_empty() {
        difference.verdict = Verdict::Update;
    }
    difference.fields = fields;
}

fn content(desired: &Value, there: &Observation) -> Option<FieldChange> {
    let wanted = desired.get("content")?;
    let sum = checksum(desired);
    if !unknown(desired, "content")
        && sum.is_some_and(|sum| text(&there.attributes, "sha256") == sum.as_str())
    {
        return None;
    }
    Some(change("content", before(there, "content"), Some(wanted.clone())))
}

fn mode(desired: &Value, there: &Observation) -> Option<FieldChange> {
    let wanted = desired.get("mode")?;
    let same = wanted
        .as_str()
        .and_then(Mode::parse)
        .is_some_and(|mode| text(&there.attributes, "mode") == Some(mode.to_text().as_str()));
    (!same).then(|| change("mode", before(there, "mode"), Some(wanted.clone())))
}

/// A user or group may be given by name or by number.
fn account(desired: &Value, there: &Observation, name: &str, number: &str) -> Option<FieldChange> {
    let wanted = given(desired, name)?;
    let same = wanted.as_str().is_some_and(|wanted| {
        text(&there.attributes, name) == Some(wanted)
            || there.detail.get(number).and_then(|number| number.as_str()) == Some(wanted)
    });
    (!same).then(|| change(name, before(there, name), Some(wanted.clone())))
}

/// What changes in the record alone: settings that the host does not know of, or what is there as wanted but was not recorded so.
fn recorded(
    record: &Record,
    desired: &Value,
    request: &DifferenceRequest<'_>,
    touched: bool,
) -> Vec<FieldChange> {
    let settings = ["on_destroy", "create_parents"].into_iter();
    let names = settings.chain(["content", "mode", "owner", "group"].into_iter().filter(|_| !touched));
    let changed = |name: &&str| {
        let (was, wanted) = (record.attributes.get(name), desired.get(name));
        let marked = |value: Option<&Value>| value.is_some_and(Value::has_sensitive);
        !unchanged(was, wanted, request.fingerprinter) || marked(was) != marked(wanted)
    };
    let show = |name| change(name, present(record.attributes.get(name)), present(desired.get(name)));
    names.filter(changed).map(show).collect()
}

fn way_back(desired: &Value, there: &Observation) -> Option<String> {
    let size = there.detail.get("size").and_then(serde_json::Value::as_u64).unwrap_or(0);
    match policy(desired) {
        Policy::Restore if fits(size) => Some(
            "What it holds now is kept on the host for the way back (on_destroy = \"restore\").".to_owned(),
        ),
        Policy::Restore => Some(
            "It is larger than 1 MiB, so it cannot be kept for the way back: on destroy, the file will stay."
                .to_owned(),
        ),
        Policy::Remove | Policy::Keep => None,
    }
}

/// What is no longer as recorded.
fn drift(request: &DifferenceRequest<'_>) -> Vec<FieldChange> {
    let Some(record) = request.record.filter(|record| record.status == RecordStatus::Complete) else {
        return Vec::new();
    };
    let was = &record.attributes;
    let there = match request.observed {
        Observed::Present(there) => there,
        Observed::Absent => return vec![change("path", present(was.get("path")), None)],
    };
    let mut drift = Vec::new();
    let sum = |attributes: &Value| attributes.get("sha256").cloned();
    if !unchanged(sum(was).as_ref(), sum(&there.attributes).as_ref(), request.fingerprinter) {
        drift.push(change("content", present(was.get("content")), before(there, "content")));
    }
    let known = |value: &&Value| matches!(value.kind(), Kind::String(_));
    if was.get("mode").filter(known).is_some() {
        drift.extend(mode(was, there).map(swap));
    }
    for (name, number) in [("owner", "uid"), ("group", "gid")] {
        drift
            .extend(given(was, name).filter(known).and_then(|_| account(was, there, name, number)).map(swap));
    }
    drift
}

fn swap(change: FieldChange) -> FieldChange {
    FieldChange { before: change.after, after: change.before, ..change }
}

fn before(there: &Observation, name: &str) -> Option<Value> {
    let value = there.attributes.get(name)?;
    // A sensitive content is not fetched, but there is one.
    present(Some(value)).or_else(|| value.is_sensitive().then(|| value.clone()))
}

fn present(value: Option<&Value>) -> Option<Value> {
    value.filter(|value| !value.is_null()).cloned()
}

fn links(there: &Observation) -> u64 {
    there.detail.get("links").and_then(serde_json::Value::as_u64).unwrap_or(1)
}
