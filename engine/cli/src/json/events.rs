//! The events of an apply, one JSON document on each line.
//!
//! Each has the time, `at_ms`, in milliseconds since the epoch, and a `type`: `version` comes first, then `plan` (with the plan's `summary`, whether it is `partial`, `policies` and whether they make it `forbidden`), `connecting`, `observing`, `previewing`,
//! `apply_started` (with the number of `steps`), `step_started`, `step_report` (what a step waits for), `step_succeeded`, `step_failed`
//! (with `code`, `summary`, `detail` and what has `moved` since the review: `path`, `reviewed`, `now`, `wanted`), `step_skipped` (with what it is `because` of), `note`, `diagnostic`, and at the end `applied` with its
//! `summary`, `failed`, `skipped`, `deferred`, `unreachable` (as in the plan), `stopped` and `outputs`.

use std::collections::BTreeMap;

use meshform_engine::apply::Applied;
use meshform_engine::diagnostic::{Diagnostic, Sources};
use meshform_engine::observer::Progress;
use meshform_engine::plan::Plan;
use meshform_engine::ports::ErrorCode;
use meshform_engine::value::Value;
use serde_json::{Value as Json, json};

use super::{FORMAT_VERSION, diagnostics, plan, value};
use crate::counts::Counts;

/// The first line.
pub(crate) fn version(program: &str) -> Json {
    json!({ "type": "version", "format_version": FORMAT_VERSION, "meshform": program })
}

/// What happened in a run.
pub(crate) fn progress(event: &Progress) -> Json {
    match event {
        Progress::Connecting { target } => json!({ "type": "connecting", "target": target.to_string() }),
        Progress::Observing { target, count } => {
            json!({ "type": "observing", "target": target.as_ref().map(ToString::to_string), "count": count })
        }
        Progress::Previewing { target, count } => {
            json!({ "type": "previewing", "target": target.as_ref().map(ToString::to_string), "count": count })
        }
        Progress::ApplyStarted { steps } => json!({ "type": "apply_started", "steps": steps }),
        Progress::StepStarted { address, operation } => json!({
            "type": "step_started", "address": address.to_string(), "operation": plan::operation(*operation),
        }),
        Progress::StepReport { address, message } => {
            json!({ "type": "step_report", "address": address.to_string(), "message": message })
        }
        Progress::StepSucceeded { address, operation, elapsed_ms } => json!({
            "type": "step_succeeded", "address": address.to_string(), "operation": plan::operation(*operation),
            "elapsed_ms": elapsed_ms,
        }),
        Progress::StepFailed { address, operation, error, moved, elapsed_ms } => json!({
            "type": "step_failed", "address": address.to_string(), "operation": plan::operation(*operation),
            "elapsed_ms": elapsed_ms, "code": code(error.code), "summary": error.summary, "detail": error.detail,
            "moved": moved.iter().map(plan::moved).collect::<Vec<_>>(),
        }),
        Progress::StepSkipped { address, operation, because } => json!({
            "type": "step_skipped", "address": address.to_string(), "operation": plan::operation(*operation),
            "because": because.as_ref().map(ToString::to_string),
        }),
    }
}

fn code(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Unreachable => "unreachable",
        ErrorCode::Denied => "denied",
        ErrorCode::Changed => "changed",
        ErrorCode::Condition => "condition",
        ErrorCode::Conflict => "conflict",
        ErrorCode::Invalid => "invalid",
        ErrorCode::TimedOut => "timed_out",
        ErrorCode::Failed => "failed",
        ErrorCode::Other => "other",
    }
}

/// A warning or an error.
pub(crate) fn diagnostic(diagnostic: &Diagnostic, sources: &Sources) -> Json {
    json!({ "type": "diagnostic", "diagnostic": diagnostics::one(diagnostic, sources) })
}

/// The plan that is about to be applied, in numbers.
pub(crate) fn planned(plan: &Plan) -> Json {
    json!({
        "type": "plan",
        "empty": plan.is_empty(),
        "partial": plan.partial.as_ref().map(plan::partial),
        "summary": plan::summary(&Counts::of(plan)),
        "policies": plan::policies(plan),
        "forbidden": plan.is_forbidden(),
    })
}

/// Something that is said besides.
pub(crate) fn note(text: &str) -> Json {
    json!({ "type": "note", "message": text })
}

/// The end of an apply: what was done, and the outputs.
pub(crate) fn applied(counts: &Counts, plan: &Plan, applied: &Applied) -> Json {
    json!({
        "type": "applied",
        "summary": plan::summary(counts),
        "failed": applied.failed.len(),
        "skipped": applied.skipped.len(),
        "deferred": applied.deferred.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "unreachable": plan::unreachable(plan),
        "stopped": applied.stopped,
        "outputs": value::by_name(&applied.snapshot.outputs),
    })
}

/// The end of a run that found nothing to do.
pub(crate) fn unchanged(plan: &Plan, outputs: &BTreeMap<String, Value>) -> Json {
    json!({
        "type": "applied",
        "summary": plan::summary(&Counts::default()),
        "failed": 0,
        "skipped": 0,
        "deferred": [],
        "unreachable": plan::unreachable(plan),
        "stopped": false,
        "outputs": value::by_name(outputs),
    })
}
