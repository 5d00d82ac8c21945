//! What a refusal means for the plan: which fields conflict, which cannot be changed, and what to do about it.

use std::fmt::Display;

use meshform_engine::ports::{ErrorCode, ProviderError};
use meshform_engine::value::{Path, PathStep, Value};

use crate::status::Status;

/// The path of a field in the server's notation, read along a value that has it.
///
/// The notation does not quote names, so `.data.a.b` may be two steps or three: the value decides. Knows `.name`, `[0]`,
/// `[name="web",port=80]`, `[="x"]` and `[plain/key]`. Where the value does not have the place, the rest is taken literally.
pub(crate) fn field_path(field: &str, along: &Value) -> Path {
    let mut steps = Vec::new();
    let mut place = Some(along.clone());
    let mut rest = field;
    while !rest.is_empty() {
        let (step, remainder) = match rest.strip_prefix('[') {
            Some(inside) => bracket(inside),
            None => name(rest.strip_prefix('.').unwrap_or(rest), place.as_ref()),
        };
        rest = remainder;
        let Some(step) = step else { break };
        place = place.and_then(|place| place.at(&Path(vec![step.clone()])));
        steps.push(step);
    }
    Path(steps)
}

fn bracket(inside: &str) -> (Option<PathStep>, &str) {
    let (text, rest) = inside.split_at(closing(inside));
    let rest = rest.strip_prefix(']').unwrap_or_default();
    let step = match text.parse() {
        Ok(index) => Some(PathStep::Index(index)),
        // The element of a set: its list is as near as a path comes.
        Err(_) if text.is_empty() || text.starts_with('=') => None,
        Err(_) if text.contains('=') => Some(PathStep::Element(keys(text))),
        Err(_) => Some(PathStep::Attribute(text.trim_matches('"').to_owned())),
    };
    (step, rest)
}

/// Where the bracket ends, brackets within quotes apart.
fn closing(inside: &str) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, letter) in inside.char_indices() {
        match letter {
            '\\' if quoted => {
                escaped = !escaped;
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            ']' if !quoted => return at,
            _ => {}
        }
        escaped = false;
    }
    inside.len()
}

fn keys(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| {
            let shown = serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned());
            (name.to_owned(), shown)
        })
        .collect()
}

/// The longest name that the place has and the text begins with; up to the next separator where it has none.
fn name<'a>(text: &'a str, place: Option<&Value>) -> (Option<PathStep>, &'a str) {
    let ends_here = |name: &str| {
        text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let names = place.and_then(Value::as_map).into_iter().flat_map(|entries| entries.keys());
    let known = names.filter(|name| ends_here(name)).map(String::len).max();
    let end = known.unwrap_or_else(|| text.find(['.', '[']).unwrap_or(text.len()));
    let (name, rest) = text.split_at(end);
    ((!name.is_empty()).then(|| PathStep::Attribute(name.to_owned())), rest)
}

/// A refusal as an error. The server's words may hold values, so that they are left out when `hides` says that some are secret.
pub(crate) fn explain(action: &str, object: &impl Display, status: &Status, hides: bool) -> ProviderError {
    let fields: Vec<_> =
        status.causes.iter().map(|cause| cause.field.as_str()).filter(|field| !field.is_empty()).collect();
    let words = match (hides, fields.is_empty()) {
        (false, _) => format!("The server said: {}", status.message),
        (true, _) if status.code == 403 => format!("Its user may not {}.", rights(action)),
        (true, false) => format!("The server does not accept {}.", fields.join(", ")),
        (true, true) => "What the server said is left out, as it may hold sensitive values.".to_owned(),
    };
    let (code, summary, advice) = meaning(status);
    ProviderError {
        code,
        summary: summary.to_owned(),
        detail: format!("Could not {action} {object} (HTTP {}). {words}{advice}", status.code),
        path: None,
    }
}

/// The rights that an action takes, for where the server's words cannot be told.
fn rights(action: &str) -> &str {
    match action {
        "apply" | "dry-run" => "`patch` it, or not `create` what is not there yet",
        "read" => "`get` it",
        other => other,
    }
}

fn meaning(status: &Status) -> (ErrorCode, &'static str, &'static str) {
    match (status.code, status.reason.as_str()) {
        (401, _) => (
            ErrorCode::Denied,
            "The cluster does not know who is asking",
            "\nRenew the credentials of this cluster and try again.",
        ),
        (403, _) => (
            ErrorCode::Denied,
            "The cluster does not allow this",
            "\nGive the user of this cluster the permission that is named, or use another user. `meshform rbac` prints all that this stack takes.",
        ),
        (409, _) if status.is_ownership_conflict() => (
            ErrorCode::Conflict,
            "Another manager owns declared fields",
            "\nSet `force_conflicts = true` to take them over, or leave the fields out.",
        ),
        (409, _) => (ErrorCode::Changed, "The object was changed meanwhile", "\nPlan again."),
        (413, _) => (ErrorCode::Invalid, "The object is too large", "\nSplit it."),
        // Without a reason it is the merge itself that could not read the object.
        (400 | 405 | 415 | 422, _) | (500, "") => {
            (ErrorCode::Invalid, "The cluster does not accept the object", "")
        }
        (404, _) => (ErrorCode::Invalid, "What the object needs is not there", ""),
        (429 | 500..=599, _) => (ErrorCode::Other, "The cluster failed to answer", "\nTry again."),
        _ => (ErrorCode::Other, "The cluster refused", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::ObjectName;
    use meshform_engine::value::from_json;
    use serde_json::json;

    fn check(field: &str, expect: &str) {
        let value = from_json(&json!({
            "data": { "a.b": "1", "a": { "b": 1 } },
            "spec": { "ports": [{ "port": 80, "protocol": "TCP", "name": "x" }], "clusterIPs": ["a"] },
            "metadata": { "annotations": { "x.io/y": "z" } },
        }));
        assert_eq!(field_path(field, &value).to_string(), expect, "{field}");
    }

    #[test]
    fn fields_are_read_along_the_object() {
        check(".spec.replicas", "spec.replicas");
        check("spec.clusterIPs[0]", "spec.clusterIPs[0]");
        check(".spec.ports[port=80,protocol=\"TCP\"].name", r#"spec.ports["80","TCP"].name"#);
        check(".data.a.b", r#"data["a.b"]"#);
        check(".data.c.d", "data.c.d");
        check("metadata.annotations[x.io/y]", r#"metadata.annotations["x.io/y"]"#);
        check(".metadata.annotations.x.io/y", r#"metadata.annotations["x.io/y"]"#);
        check(".metadata.finalizers[=\"a]b\"]", "metadata.finalizers");
        check("", "");
        check("[", "");
        check("..", "");
    }

    #[test]
    fn secrets_are_not_repeated() {
        let object = ObjectName::parse("core/Secret/web/x").unwrap();
        let body = r#"{"kind":"Status","reason":"Invalid","message":"hunter2","details":{"causes":[{"field":"data[a]","message":"hunter2"}]}}"#;
        let error = explain("apply", &object, &Status::parse(422, body.as_bytes()), true);
        assert_eq!(error.code, ErrorCode::Invalid);
        assert!(!error.detail.contains("hunter2") && error.detail.contains("data[a]"), "{error}");
        let body = r#"{"kind":"Status","reason":"Forbidden","message":"hunter2"}"#;
        let error = explain("apply", &object, &Status::parse(403, body.as_bytes()), true);
        assert_eq!(error.code, ErrorCode::Denied);
        assert!(!error.detail.contains("hunter2") && error.detail.contains("`patch`"), "{error}");
    }
}
