//! Things that go at the end only if they were made here: the record remembers whether they were there before.

use meshform_engine::ports::PerformRequest;
use meshform_engine::state::Record;
use meshform_engine::value::Value;
use serde_json::json;

use super::{There, remembered};
use crate::attributes::text;

/// What is remembered: whether it was there before we came.
pub(crate) fn remember(request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
    match &request.record {
        Some(record) => record.private.clone(),
        None => json!({ "was_there": before.is_some() }),
    }
}

/// Whether it goes at the end.
pub(crate) fn goes(record: Option<&Record>, recorded: &Value) -> bool {
    text(recorded, "on_destroy") != Some("keep") && !was_there(record)
}

/// What becomes of it at the end, in sentences, if that is not just that it goes.
pub(crate) fn ends(record: &Record, what: &str) -> Vec<String> {
    let note = match (text(&record.attributes, "on_destroy"), was_there(Some(record))) {
        (Some("keep"), _) => format!("The {what} stays on the host (on_destroy = \"keep\")."),
        (_, true) => format!("The {what} was there before, so it stays."),
        (_, false) => return Vec::new(),
    };
    vec![note]
}

fn was_there(record: Option<&Record>) -> bool {
    remembered(record, "was_there").and_then(serde_json::Value::as_bool) == Some(true)
}
