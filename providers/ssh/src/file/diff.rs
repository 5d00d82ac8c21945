//! What would have to be done with a file: a pure function of what is recorded, there and wanted.

use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Difference, DifferenceRequest, Observation, Observed, Verdict};
use meshform_engine::state::{Record, RecordStatus};
use meshform_engine::types::Type;
use meshform_engine::value::{Kind, Value};

use super::content::{self, checksum};
use super::observe::fits;
use super::{Mode, policy};
use crate::attributes::{change, created, given, present, text, unchanged, with};
use crate::confirm::Confirm;
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
    difference_of(request, &mut difference);
    let attributes = request.desired.or_else(|| request.record.map(|record| &record.attributes));
    if let Some(attributes) = attributes.filter(|_| difference.verdict != Verdict::NoOp) {
        let path = text(attributes, "path").unwrap_or_default();
        difference.notes.extend(Confirm::of_file(path, attributes).map(|confirm| confirm.note()));
    }
    difference
}

fn difference_of(request: &DifferenceRequest<'_>, difference: &mut Difference) {
    match (request.desired, request.observed) {
        (None, Observed::Absent) => {}
        (None, Observed::Present(_)) => remove(request, difference),
        (Some(desired), observed) => {
            let sum = checksum(desired)
                .or_else(|| kept(request).and_then(|record| record.attributes.get("sha256").cloned()))
                .unwrap_or_else(|| Value::unknown(Type::String).marked(content::is_secret(desired)));
            difference.planned = with(desired, [("sha256", sum)]);
            match observed {
                Observed::Absent => create(desired, difference),
                Observed::Present(there) => update(request, desired, there, difference),
            }
        }
    }
}

fn create(desired: &Value, difference: &mut Difference) {
    difference.verdict = Verdict::Create;
    let is_secret = content::is_secret(desired);
    // What is no text is told by its hash.
    let hidden = |name: &&str| *name != "content_base64" || is_secret;
    let names = ["path", "content", "content_base64", "mode", "owner", "group"].into_iter().filter(hidden);
    difference.fields = created(desired, &names.collect::<Vec<_>>());
    let bytes = content::bytes(desired).filter(|_| !content::is_text(desired) && !is_secret);
    let sum = difference.planned.get_str("sha256");
    difference.notes.extend(bytes.zip(sum).map(|(bytes, sum)| {
        format!(
            "What it is to hold is told by its hash, as it need be no text: {} bytes, SHA-256 {sum}.",
            bytes.len()
        )
    }));
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
    if kept(request).is_none() {
        let (field, note) = content(desired, there, difference.planned.get("sha256")).unzip();
        fields.extend(field);
        difference.notes.extend(note.flatten());
    }
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

/// The record of a file whose wanted content is known by its fingerprint only, if that is what was written and what is there.
fn kept<'a>(request: &DifferenceRequest<'a>) -> Option<&'a Record> {
    let name = content::name(request.desired?);
    let (record, wanted) = (request.record?, request.desired?.get(name)?);
    let Observed::Present(there) = request.observed else { return None };
    let is_fingerprint = matches!(wanted.kind(), Kind::Fingerprint(_));
    let as_written = is_fingerprint && record.attributes.get(name).is_some_and(|was| was.same(wanted));
    let sums = [&record.attributes, &there.attributes].map(|attributes| attributes.get("sha256"));
    (as_written && unchanged(sums[0], sums[1], request.fingerprinter)).then_some(record)
}

/// How the content changes, and what is to be known about that. `sum` is the hash of what is wanted.
fn content(
    desired: &Value,
    there: &Observation,
    sum: Option<&Value>,
) -> Option<(FieldChange, Option<String>)> {
    let wanted = content::wanted(desired)?;
    let sum = sum.cloned().unwrap_or_else(Value::null);
    if sum.as_str().is_some() && text(&there.attributes, "sha256") == sum.as_str() {
        return None;
    }
    let is_secret = content::is_secret(desired);
    if is_secret || (content::is_text(desired) && is_shown(there)) {
        return Some((change(content::name(desired), before(there, "content"), Some(wanted.clone())), None));
    }
    let length = content::bytes(desired).map(|wanted| format!(", and is to have {}", wanted.len()));
    let note = format!(
        "Its content is no text, or more than 1 MiB, and so told by its hash. It has {} bytes{}.",
        size(there),
        length.unwrap_or_default()
    );
    Some((change("sha256", before(there, "sha256"), Some(sum)), Some(note)))
}

/// Whether the content was fetched, or is none that is ever shown.
fn is_shown(there: &Observation) -> bool {
    there.attributes.get("content").is_some_and(|content| !content.is_null() || content.is_sensitive())
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
    let names = settings
        .chain(["content", "content_base64", "mode", "owner", "group"].into_iter().filter(|_| !touched));
    let changed = |name: &&str| {
        let (was, wanted) = (record.attributes.get(name), desired.get(name));
        let marked = |value: Option<&Value>| value.is_some_and(Value::has_sensitive);
        !unchanged(was, wanted, request.fingerprinter) || marked(was) != marked(wanted)
    };
    let show = |name| change(name, present(record.attributes.get(name)), present(desired.get(name)));
    names.filter(changed).map(show).collect()
}

fn way_back(desired: &Value, there: &Observation) -> Option<String> {
    match policy(desired) {
        Policy::Restore if fits(size(there)) => Some(
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
        let is_shown = content::is_text(was) && is_shown(there);
        let name = if is_shown || content::is_secret(was) { content::name(was) } else { "sha256" };
        drift.push(change(name, present(was.get(name)), before(there, name)));
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

fn size(there: &Observation) -> u64 {
    there.detail.get("size").and_then(serde_json::Value::as_u64).unwrap_or(0)
}

fn links(there: &Observation) -> u64 {
    there.detail.get("links").and_then(serde_json::Value::as_u64).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use meshform_engine::address::Address;
    use meshform_engine::value::Fingerprinter;
    use serde_json::json;

    use super::*;
    use crate::script::sha256;

    struct Keyed;

    impl Fingerprinter for Keyed {
        fn fingerprint(&self, value: &Value) -> String {
            format!("k{}", sha256(value.as_str().unwrap_or_default().as_bytes()))
        }
    }

    fn wanted(content: Value, more: &[(&'static str, &str)]) -> Value {
        let base = Value::object([
            ("path".to_owned(), "/f".into()),
            ("content".to_owned(), content),
            ("mode".to_owned(), "0644".into()),
            ("owner".to_owned(), Value::null()),
            ("group".to_owned(), Value::null()),
            ("create_parents".to_owned(), false.into()),
            ("on_destroy".to_owned(), "remove".into()),
        ]);
        with(&base, more.iter().map(|(name, value)| (*name, Value::from(*value))))
    }

    fn record(attributes: &Value, preimage: Option<&str>) -> Record {
        let sum = checksum(attributes).unwrap_or_else(Value::null);
        Record {
            target: None,
            identity: "/f".into(),
            attributes: with(attributes, [("sha256", sum)]).redacted(&Keyed),
            private: json!({ "preimage": preimage }),
            depends_on: Vec::new(),
            status: RecordStatus::Complete,
        }
    }

    /// A file of root's with mode 0644.
    fn there(content: &str, secret: bool) -> Observed {
        let shown = if secret { Value::null() } else { Value::from(content) };
        let attributes = Value::object([
            ("content".to_owned(), shown.marked(secret)),
            ("mode".to_owned(), "0644".into()),
            ("owner".to_owned(), "root".into()),
            ("group".to_owned(), "root".into()),
            ("sha256".to_owned(), Value::string(sha256(content.as_bytes())).marked(secret)),
        ]);
        let detail = json!({ "uid": "0", "gid": "0", "size": content.len(), "links": 2 });
        Observed::Present(Observation { attributes, version: "v".into(), detail })
    }

    /// Verdict, changed fields, then drifted ones, then notes, each after its own sign.
    fn check(record: Option<&Record>, observed: &Observed, desired: Option<&Value>, expect: &str) {
        let difference = difference(&DifferenceRequest {
            address: &Address::new("host_file", "f"),
            kind: "host_file",
            record,
            observed,
            desired,
            preview: None,
            fingerprinter: &Keyed,
        });
        let mut found = format!("{:?}", difference.verdict);
        difference.fields.iter().for_each(|field| _ = write!(found, " {}", field.path));
        difference.drift.iter().for_each(|field| _ = write!(found, " ~{}", field.path));
        difference.notes.iter().for_each(|note| _ = write!(found, " | {note}"));
        assert!(found.starts_with(expect), "{found:?}, not {expect:?}");
        assert!(expect.contains('|') || !found.contains('|'), "{found:?}");
    }

    #[test]
    fn files_without_a_record() {
        let (one, restore) = (wanted("1".into(), &[]), wanted("1".into(), &[("on_destroy", "restore")]));
        check(None, &Observed::Absent, Some(&one), "Create path content mode");
        check(None, &there("1", false), Some(&one), "NoOp | The file is there already");
        check(
            None,
            &there("2", false),
            Some(&restore),
            "Update content | The file is there already and is taken over. | What it",
        );
        let large = there(&"2".repeat(1024 * 1024 + 1), false);
        check(
            None,
            &large,
            Some(&restore),
            "Update content | The file is there already and is taken over. | It is larger",
        );
        let mut binary = there("2", false);
        if let Observed::Present(there) = &mut binary {
            there.attributes = with(&there.attributes, [("content", Value::null())]);
        }
        check(
            None,
            &binary,
            Some(&one),
            "Update sha256 | Its content is no text, or more than 1 MiB, and so told by its hash. It has 1 bytes, and is to have 1.",
        );
        check(None, &there("1", false), Some(&wanted("1".into(), &[("owner", "0")])), "NoOp |");
        check(None, &there("1", false), Some(&wanted("1".into(), &[("owner", "www")])), "Update owner |");
        check(None, &there("1", false), Some(&wanted("1".into(), &[("mode", "644")])), "NoOp |");
        check(None, &there("1", false), Some(&wanted("1".into(), &[("mode", "4644")])), "Update mode |");
        check(None, &there("1", false), Some(&wanted(Value::unknown(Type::String), &[])), "Update content |");
    }

    #[test]
    fn recorded_files() {
        let (one, two) = (wanted("1".into(), &[]), wanted("2".into(), &[]));
        let recorded = record(&one, None);
        check(Some(&recorded), &there("1", false), Some(&one), "NoOp");
        check(Some(&recorded), &there("1", false), Some(&two), "Update content | The file has several names");
        check(Some(&recorded), &there("3", false), Some(&one), "Update content ~content |");
        check(
            Some(&recorded),
            &there("2", false),
            Some(&two),
            "Update content ~content | The file itself is as wanted",
        );
        check(Some(&recorded), &Observed::Absent, Some(&one), "Create path content mode ~path");
        let keep = wanted("1".into(), &[("on_destroy", "keep")]);
        check(Some(&recorded), &there("1", false), Some(&keep), "Update on_destroy | The file itself");
        let incomplete = Record { status: RecordStatus::Incomplete, ..recorded };
        check(Some(&incomplete), &there("3", false), Some(&one), "Update content |");
    }

    #[test]
    fn secrets_are_compared_by_fingerprint() {
        let secret = |content: &str| wanted(Value::string(content).sensitive(), &[]);
        let recorded = record(&secret("1"), None);
        check(Some(&recorded), &there("1", true), Some(&secret("1")), "NoOp");
        check(Some(&recorded), &there("2", true), Some(&secret("1")), "Update content ~content |");
        check(Some(&recorded), &there("1", true), Some(&secret("2")), "Update content |");
        check(
            Some(&recorded),
            &there("1", true),
            Some(&wanted("1".into(), &[])),
            "Update content | The file itself",
        );
        // What comes from something that cannot be read again is known by its fingerprint only.
        let written = recorded.attributes.get("content").cloned().unwrap_or_else(Value::null);
        let same = wanted(written, &[]);
        let other = wanted(Value::new(Kind::Fingerprint("other".into())).sensitive(), &[]);
        check(Some(&recorded), &there("1", true), Some(&same), "NoOp");
        check(Some(&recorded), &there("2", true), Some(&same), "Update content ~content |");
        check(Some(&recorded), &there("1", true), Some(&other), "Update content |");
        check(None, &there("1", true), Some(&same), "Update content |");
        let open = record(&wanted("1".into(), &[]), None);
        check(Some(&open), &there("1", true), Some(&secret("1")), "Update content | The file itself");
    }

    #[test]
    fn ends() {
        let ending = |policy, preimage| record(&wanted("1".into(), &[("on_destroy", policy)]), preimage);
        let check = |record: &Record, expect| check(Some(record), &there("1", false), None, expect);
        check(&ending("remove", None), "Delete");
        check(&ending("keep", None), "Delete | The file stays");
        check(&ending("restore", Some("kept")), "Delete | What was there before comes back");
        check(&ending("restore", Some("absent")), "Delete");
        check(&ending("restore", Some("too_large")), "Delete | The file stays on the host: what was");
        check(&ending("restore", None), "Delete | The file was there before as it is");
        super::tests::check(None, &Observed::Absent, None, "NoOp");
    }
}
