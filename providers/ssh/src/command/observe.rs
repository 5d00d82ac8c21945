//! What is asked about a command, and what the answer makes of it.

use meshform_engine::ports::{ErrorCode, Observation, ObserveItem, Observed, ProviderError};
use meshform_engine::value::Value;

use super::{guards, is_done, setting};
use crate::answer::Answer;
use crate::attributes::with;
use crate::error::error;
use crate::script::GuardLook;

/// What to ask about a command: its guards, if it has any and is wanted at all.
pub(crate) fn look(index: usize, item: &ObserveItem) -> Option<GuardLook<'_>> {
    let desired = item.desired.as_ref()?;
    let guards = guards(desired);
    (!guards.is_empty()).then(|| GuardLook { index, guards, setting: setting(desired) })
}

/// Whether the command's work is there: its guards say so, or without guards, the record does.
pub(crate) fn observed(index: usize, item: &ObserveItem, answer: &Answer) -> Result<Observed, ProviderError> {
    let record = item.record.as_deref();
    let there = match (&item.desired, look(index, item)) {
        (None, _) => record.is_some(),
        (Some(_), None) => is_done(record),
        (Some(_), Some(_)) => match answer.get("settled", index) {
            Some(settled) => settled.field(0) == "yes",
            None => return Err(unanswered()),
        },
    };
    Ok(if there { Observed::Present(observation(item)) } else { Observed::Absent })
}

fn observation(item: &ObserveItem) -> Observation {
    let attributes = match (&item.record, &item.desired) {
        (Some(record), _) => record.attributes.clone(),
        (None, Some(desired)) => with(desired, [("stdout", Value::null()), ("exit_code", Value::null())]),
        (None, None) => Value::null(),
    };
    Observation { attributes, version: "done".to_owned(), detail: serde_json::Value::Null }
}

fn unanswered() -> ProviderError {
    error(
        ErrorCode::Other,
        "Guards not answered",
        "The host's answer does not tell about the command's guards.",
    )
}
