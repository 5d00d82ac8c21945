//! Where an answer is not as expected.

use serde_json::{Value, json};

use crate::script::Answer;

/// The places in which they differ, a line each.
pub(crate) fn between(expected: &Answer, actual: &Answer) -> Vec<String> {
    if expected.status != actual.status {
        return vec![format!("/status: {} is {}: {}", expected.status, actual.status, message(&actual.body))];
    }
    let whole = |answer: &Answer| json!({ "warnings": answer.warnings, "body": answer.body });
    let mut found = Vec::new();
    compare("", &whole(expected), &whole(actual), &mut found);
    found
}

/// What an answer says, if it says something.
fn message(body: &Value) -> &str {
    body["message"].as_str().or(body.as_str()).unwrap_or("an object")
}

fn compare(at: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for key in expected.keys().chain(actual.keys().filter(|key| !expected.contains_key(*key))) {
                let at = format!("{at}/{key}");
                match (expected.get(key), actual.get(key)) {
                    (Some(expected), Some(actual)) => compare(&at, expected, actual, found),
                    (Some(expected), None) => found.push(format!("{at}: missing {expected}")),
                    (None, Some(actual)) => found.push(format!("{at}: unexpected {actual}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(&format!("{at}/{index}"), expected, actual, found);
            }
        }
        (expected, actual) if expected == actual => {}
        (expected, actual) => found.push(format!("{at}: {expected} is {actual}")),
    }
}
