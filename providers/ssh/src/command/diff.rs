//! What would have to be done with a command: a pure function of what is recorded, there and wanted.

use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Difference, DifferenceRequest, Observation, Observed, Verdict};
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Kind, Value};

use super::{guards, is_done, runs_again, says_secrets};
use crate::attributes::{change, created, given, sensitive, unchanged, with};
use crate::confirm::Confirm;

const GIVEN: [&str; 10] = [
    "run",
    "unless",
    "onlyif",
    "creates",
    "triggers",
    "on_destroy",
    "environment",
    "working_directory",
    "revert",
    "sensitive",
];

/// What would have to be done.
pub(crate) fn difference(request: &DifferenceRequest<'_>) -> Difference {
    let mut difference = Difference {
        verdict: Verdict::NoOp,
        fields: Vec::new(),
        drift: Vec::new(),
        planned: Value::null(),
        wants_preview: false,
        notes: Vec::new(),
        problems: Vec::new(),
    };
    match (request.desired, request.observed) {
        (None, Observed::Absent) => {}
        (None, Observed::Present(_)) => remove(request, &mut difference),
        (Some(desired), Observed::Absent) => create(request, desired, &mut difference),
        (Some(desired), Observed::Present(there)) => update(request, desired, there, &mut difference),
    }
    if let Some(desired) = request.desired.filter(|_| difference.verdict != Verdict::NoOp) {
        let confirm = Confirm::of_command("", desired).filter(|_| given(desired, "revert").is_some());
        difference.notes.extend(confirm.map(|confirm| confirm.note()));
    }
    difference
}

fn remove(request: &DifferenceRequest<'_>, difference: &mut Difference) {
    difference.verdict = Verdict::Delete;
    let Some(attributes) = request.record.map(|record| &record.attributes) else { return };
    let note = match given(attributes, "on_destroy").and_then(Value::as_str) {
        Some(command) => format!("Runs on the host: {command}"),
        None => "Nothing is run on the host: there is no on_destroy.".to_owned(),
    };
    difference.notes.push(note);
    if sensitive(attributes, "environment") && given(attributes, "on_destroy").is_some() {
        let note =
            "Sensitive environment variables are not set for on_destroy: the state does not hold them.";
        difference.notes.push(note.to_owned());
    }
}

fn create(request: &DifferenceRequest<'_>, desired: &Value, difference: &mut Difference) {
    difference.verdict = Verdict::Create;
    difference.planned = to_run(desired);
    difference.fields = created(desired, &GIVEN[..9]);
    if is_done(request.record) {
        difference.notes.push("Its guards say that it has to run again.".to_owned());
    }
}

fn update(
    request: &DifferenceRequest<'_>,
    desired: &Value,
    there: &Observation,
    difference: &mut Difference,
) {
    let Some(record) = request.record else {
        difference.planned = with(desired, [("stdout", Value::null()), ("exit_code", Value::null())]);
        difference
            .notes
            .push("Its guards say that there is nothing to do: it is recorded as it is.".to_owned());
        return;
    };
    let was = &record.attributes;
    // A step that was cut off has left no output, only the promise of one.
    let known = |value: &&Value| !matches!(value.kind(), Kind::Unknown(_));
    let result = ["stdout", "exit_code"]
        .map(|name| (name, there.attributes.get(name).filter(known).cloned().unwrap_or_else(Value::null)));
    difference.planned = with(desired, result);
    difference.fields = changed(was, desired, request.fingerprinter);
    if difference.fields.is_empty() {
        return;
    }
    difference.verdict = Verdict::Update;
    if runs_again(was, desired) {
        difference.planned = to_run(desired);
        difference.notes.push("The command runs again.".to_owned());
    } else if guards(desired).is_empty() {
        difference.notes.push("The command does not run again: only what is recorded changes.".to_owned());
    } else {
        difference
            .notes
            .push("The command does not run again: its guards say that there is nothing to do.".to_owned());
    }
}

fn changed(was: &Value, desired: &Value, keyed: &dyn Fingerprinter) -> Vec<FieldChange> {
    let names = GIVEN.iter().filter(|name| !unchanged(was.get(name), desired.get(name), keyed));
    let show = |name: &&str| change(name, given(was, name).cloned(), given(desired, name).cloned());
    names.map(show).collect()
}

/// The attributes of a command that is going to run.
fn to_run(desired: &Value) -> Value {
    let stdout = Value::unknown(Type::String).marked(says_secrets(desired));
    with(desired, [("stdout", stdout), ("exit_code", Value::unknown(Type::Number))])
}

#[cfg(test)]
mod tests {
    use meshform_engine::address::Address;
    use meshform_engine::state::{Record, RecordStatus};

    use super::*;

    struct Keyed;

    impl Fingerprinter for Keyed {
        fn fingerprint(&self, value: &Value) -> String {
            format!("k{}", value.as_str().unwrap_or_default().len())
        }
    }

    fn object(fields: &[(&'static str, Value)]) -> Value {
        with(&Value::object([]), fields.iter().cloned())
    }

    /// Verdict, changed fields and the first note; and whether the output is known already.
    fn check(
        recorded: Option<&Value>,
        there: bool,
        desired: Option<&Value>,
        expect: &str,
        output_known: bool,
    ) {
        let record = recorded.map(|attributes| Record {
            target: None,
            identity: "command:x".into(),
            attributes: with(attributes, [("stdout", "out".into())]).redacted(&Keyed),
            private: serde_json::Value::Null,
            depends_on: Vec::new(),
            status: RecordStatus::Complete,
        });
        let attributes = record.as_ref().map_or_else(Value::null, |record| record.attributes.clone());
        let observation = Observation { attributes, version: "done".into(), detail: serde_json::Value::Null };
        let difference = difference(&DifferenceRequest {
            address: &Address::new("host_command", "x"),
            kind: "host_command",
            record: record.as_ref(),
            observed: &if there { Observed::Present(observation) } else { Observed::Absent },
            desired,
            preview: None,
            fingerprinter: &Keyed,
        });
        let fields: String = difference.fields.iter().map(|field| format!(" {}", field.path)).collect();
        let note = difference.notes.first().map(|note| format!(" | {note}")).unwrap_or_default();
        let found = format!("{:?}{fields}{note}", difference.verdict);
        assert!(found.starts_with(expect), "{found:?}, not {expect:?}");
        let stdout = difference.planned.get("stdout");
        assert_eq!(stdout.is_some_and(Value::is_known), output_known, "{found:?}");
    }

    #[test]
    fn commands() {
        let a = object(&[("run", "a".into())]);
        let guarded = object(&[("run", "b".into()), ("creates", "/x".into())]);
        let secret =
            |text: &str| object(&[("run", "a".into()), ("triggers", Value::string(text).sensitive())]);
        check(None, false, Some(&a), "Create run", false);
        check(None, true, Some(&guarded), "NoOp | Its guards say", true);
        check(Some(&a), true, Some(&a), "NoOp", true);
        check(
            Some(&a),
            true,
            Some(&guarded),
            "Update run creates | The command does not run again: its guards",
            true,
        );
        check(
            Some(&guarded),
            false,
            Some(&guarded),
            "Create run creates | Its guards say that it has to run",
            false,
        );
        check(Some(&guarded), true, Some(&a), "Update run creates | The command runs again", false);
        let end = object(&[("run", "a".into()), ("on_destroy", "b".into())]);
        check(Some(&a), true, Some(&end), "Update on_destroy | The command does not run again: only", true);
        check(Some(&secret("one")), true, Some(&secret("two")), "NoOp", true);
        check(
            Some(&secret("one")),
            true,
            Some(&secret("three")),
            "Update triggers | The command runs again",
            false,
        );
        check(Some(&end), true, None, "Delete | Runs on the host: b", false);
        check(Some(&a), true, None, "Delete | Nothing is run", false);
        check(None, false, None, "NoOp", false);
    }
}
