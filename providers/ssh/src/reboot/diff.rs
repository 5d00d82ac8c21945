//! Whether the host has to reboot, and why: a pure function of what is recorded, there and wanted.

use meshform_engine::ports::{Difference, DifferenceRequest, Observed, Verdict};
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::Value;

use super::counts;
use crate::attributes::{change, given, present, unchanged, with};
use crate::managed::{has_unknown, remembered};

/// What would have to be done.
pub(super) fn difference(request: &DifferenceRequest<'_>) -> Difference {
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
        (None, _) if request.record.is_some() => {
            difference.verdict = Verdict::Delete;
            difference.notes.push("Nothing is done on the host.".to_owned());
        }
        (None, _) | (_, Observed::Absent) => {}
        (Some(desired), Observed::Present(there)) => {
            compare(request, desired, &there.detail, &mut difference)
        }
    }
    difference
}

fn compare(
    request: &DifferenceRequest<'_>,
    desired: &Value,
    detail: &serde_json::Value,
    difference: &mut Difference,
) {
    let boot = Value::string(word(detail, "boot").unwrap_or_default());
    let reasons = reasons(request.record, desired, detail);
    difference.notes.extend(asked_in_vain(request.record, detail));
    difference.planned = with(desired, [("boot_id", boot.clone())]);
    if let Some(record) = request.record {
        let names = ["when", "triggers"].into_iter();
        let changed = names
            .filter(|name| !unchanged(record.attributes.get(name), desired.get(name), request.fingerprinter));
        difference.fields = changed
            .map(|name| change(name, present(record.attributes.get(name)), present(desired.get(name))))
            .collect();
    }
    if reasons.is_empty() {
        if !difference.fields.is_empty() {
            difference.verdict = Verdict::Update;
            difference.notes.push("The host does not reboot: only what is recorded changes.".to_owned());
        }
        return;
    }
    difference.verdict = Verdict::Update;
    let unknown = Value::unknown(Type::String);
    difference.fields.push(change("boot_id", Some(boot), Some(unknown.clone())));
    difference.planned = with(desired, [("boot_id", unknown)]);
    difference.notes.extend(reasons);
}

/// Why the host reboots, in sentences; empty if it does not.
fn reasons(record: Option<&Record>, desired: &Value, detail: &serde_json::Value) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(packages) = word(detail, "required").filter(|_| counts(desired, "required")) {
        let packages = packages.trim();
        let by = if packages.is_empty() { String::new() } else { format!(", after changes of {packages}") };
        reasons.push(format!("The host reboots: its system asks for that{by}."));
    }
    if let (Some(running), Some(newest)) = (word(detail, "running"), word(detail, "newest"))
        && counts(desired, "kernel")
        && tried(record) != Some(newest)
    {
        reasons.push(format!("The host reboots: it runs the kernel {running}, and {newest} is installed."));
    }
    reasons.extend(triggered(record, desired, detail));
    reasons
}

fn triggered(record: Option<&Record>, desired: &Value, detail: &serde_json::Value) -> Option<String> {
    let triggers = given(desired, "triggers")?;
    if has_unknown(triggers) {
        return Some("The host reboots, if its triggers turn out to have changed.".to_owned());
    }
    if detail.get("over").and_then(serde_json::Value::as_bool) == Some(true) {
        return None;
    }
    let was = record.map(|record| record.attributes.get("triggers").is_some_and(|was| was.same(triggers)));
    match was {
        Some(true) => None,
        Some(false) => Some("The host reboots: its triggers have changed.".to_owned()),
        None => Some("The host reboots: its triggers are new.".to_owned()),
    }
}

/// The host was rebooted for a newer kernel, and did not start it.
fn asked_in_vain(record: Option<&Record>, detail: &serde_json::Value) -> Option<String> {
    let (running, newest) = (word(detail, "running")?, word(detail, "newest")?);
    (tried(record) == Some(newest)).then(|| {
        format!("The host was rebooted for the kernel {newest} and runs {running} again, so that no further reboot is planned: see its boot loader.")
    })
}

/// The kernel for which the host was rebooted last, though it did not start it.
fn tried(record: Option<&Record>) -> Option<&str> {
    remembered(record, "kernel_tried").and_then(serde_json::Value::as_str)
}

fn word<'a>(detail: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    detail.get(name).and_then(serde_json::Value::as_str)
}
