//! Label and field selectors.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::object;
use super::status::{ApiError, ApiResult};
use super::strategy::{LABEL_VALUE, is_label_value};

/// Which objects a list or watch wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    Absent,
    Greater(i64),
    Less(i64),
}

/// The fields, beyond name and namespace, that a kind can be selected by.
fn selectable_fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "Event" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "Service" => &["spec.clusterIP", "spec.type"],
        "Node" => &["spec.unschedulable"],
        "Namespace" => &["status.phase"],
        "Secret" => &["type"],
        "ReplicaSet" | "ReplicationController" => &["status.replicas"],
        "Job" => &["status.successful"],
        _ => &[],
    }
}

impl Selector {
    /// Reads the `labelSelector` and `fieldSelector` parameters.
    ///
    /// # Errors
    ///
    /// 400 for what cannot be read, and for fields that the kind cannot be selected by.
    pub(crate) fn parse(labels: &str, fields: &str, kind: &str) -> ApiResult<Self> {
        Ok(Self { labels: parse_labels(labels)?, fields: parse_fields(fields, kind)? })
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = object::map(object, "/metadata/labels");
        self.labels.iter().all(|requirement| requirement.matches(labels))
            && self.fields.iter().all(|(path, equal, expected)| (field(object, path) == *expected) == *equal)
    }
}

/// Whether a `metav1.LabelSelector` selects these labels; an absent one selects nothing, an empty one everything.
pub(crate) fn label_selector_matches(selector: &Value, labels: &Map<String, Value>) -> bool {
    if !selector.is_object() {
        return false;
    }
    let equal = map_matches(object::map(selector, "/matchLabels"), labels);
    equal && object::list(selector, "/matchExpressions").iter().all(|entry| expression(entry).matches(labels))
}

/// Whether the labels have every pair of the map.
pub(crate) fn map_matches(wanted: &Map<String, Value>, labels: &Map<String, Value>) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// A `metav1.LabelSelector` in the syntax of the `labelSelector` parameter.
pub(crate) fn label_selector_text(selector: &Value) -> String {
    let mut parts: Vec<String> = object::map(selector, "/matchLabels")
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    for entry in object::list(selector, "/matchExpressions") {
        let requirement = expression(entry);
        let join = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(",");
        parts.push(match &requirement.test {
            Test::In(values) => format!("{} in ({})", requirement.key, join(values)),
            Test::NotIn(values) => format!("{} notin ({})", requirement.key, join(values)),
            Test::Exists => requirement.key.clone(),
            Test::Absent => format!("!{}", requirement.key),
            Test::Greater(bound) => format!("{}>{bound}", requirement.key),
            Test::Less(bound) => format!("{}<{bound}", requirement.key),
        });
    }
    parts.join(",")
}

impl Requirement {
    fn matches(&self, labels: &Map<String, Value>) -> bool {
        let value = labels.get(&self.key).and_then(Value::as_str);
        match &self.test {
            Test::In(values) => value.is_some_and(|value| values.contains(value)),
            Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Greater(bound) => number(value).is_some_and(|number| number > *bound),
            Test::Less(bound) => number(value).is_some_and(|number| number < *bound),
        }
    }
}

fn number(value: Option<&str>) -> Option<i64> {
    value?.parse().ok()
}

fn expression(entry: &Value) -> Requirement {
    let values =
        || object::list(entry, "/values").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let test = match object::text(entry, "/operator") {
        "In" => Test::In(values()),
        "NotIn" => Test::NotIn(values()),
        "Exists" => Test::Exists,
        _ => Test::Absent,
    };
    Requirement { key: object::text(entry, "/key").to_owned(), test }
}

fn parse_labels(text: &str) -> ApiResult<Vec<Requirement>> {
    split(text).into_iter().map(|part| parse_label(part.trim())).collect()
}

/// Splits at the commas that are not in parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn parse_label(part: &str) -> ApiResult<Requirement> {
    let one = |value: &str| BTreeSet::from([value.trim().to_owned()]);
    let (key, test) = if let Some((key, value)) = part.split_once("!=") {
        (key, Test::NotIn(one(value)))
    } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        (key, Test::In(one(value)))
    } else if let Some((key, values)) = part.split_once(" notin ") {
        (key, Test::NotIn(parse_values(part, values)?))
    } else if let Some((key, values)) = part.split_once(" in ") {
        (key, Test::In(parse_values(part, values)?))
    } else if let Some(key) = part.strip_prefix('!') {
        (key, Test::Absent)
    } else if let Some((key, bound)) = part.split_once('>') {
        (key, Test::Greater(parse_bound(key, bound)?))
    } else if let Some((key, bound)) = part.split_once('<') {
        (key, Test::Less(parse_bound(key, bound)?))
    } else {
        (part, Test::Exists)
    };
    let key = key.trim();
    if key.is_empty() || key.contains(|c: char| c.is_whitespace() || "()!=".contains(c)) {
        return Err(
            match part.strip_prefix("==").map(|_| "==").or_else(|| part.strip_prefix('=').map(|_| "=")) {
                Some(found) => {
                    let message = format!("found '{found}', expected: !, identifier, or 'end of string'");
                    ApiError::bad_request(message)
                }
                None => unreadable(part),
            },
        );
    }
    check_values(key, &test)?;
    Ok(Requirement { key: key.to_owned(), test })
}

fn parse_values(part: &str, values: &str) -> ApiResult<BTreeSet<String>> {
    let inner = values.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.ok_or_else(|| match values.trim() {
        values if values.starts_with('(') || values.is_empty() => unreadable(part),
        values => {
            let found = values.split_whitespace().next().unwrap_or_default();
            ApiError::bad_request(format!("unable to parse requirement: found '{found}' expected: '('"))
        }
    })?;
    Ok(inner.split(',').map(|value| value.trim().to_owned()).collect())
}

fn parse_bound(key: &str, bound: &str) -> ApiResult<i64> {
    let (key, bound) = (key.trim(), bound.trim());
    bound.parse().map_err(|_| {
        ApiError::bad_request(format!(
            "unable to parse requirement: values[0][{key}]: Invalid value: {bound:?}: for 'Gt', 'Lt' operators, the \
             value must be an integer"
        ))
    })
}

/// Refuses values that no label can have.
fn check_values(key: &str, test: &Test) -> ApiResult<()> {
    let (Test::In(values) | Test::NotIn(values)) = test else { return Ok(()) };
    match values.iter().enumerate().find(|(_, value)| !is_label_value(value)) {
        None => Ok(()),
        Some((at, value)) => Err(ApiError::bad_request(format!(
            "unable to parse requirement: values[{at}][{key}]: Invalid value: {value:?}: {LABEL_VALUE}"
        ))),
    }
}

fn unreadable(part: &str) -> ApiError {
    ApiError::bad_request(format!("unable to parse requirement: {part:?}"))
}

fn parse_fields(text: &str, kind: &str) -> ApiResult<Vec<(String, bool, String)>> {
    split(text)
        .into_iter()
        .map(|part| {
            let (path, equal, value) = match part.split_once("!=") {
                Some((path, value)) => (path, false, value),
                None => match part.split_once("==").or_else(|| part.split_once('=')) {
                    Some((path, value)) => (path, true, value),
                    None => {
                        return Err(ApiError::bad_request(format!(
                            "invalid selector: '{text}'; can't understand '{part}'"
                        )));
                    }
                },
            };
            let selectable = matches!(path, "metadata.name" | "metadata.namespace")
                || selectable_fields(kind).contains(&path);
            if selectable {
                Ok((path.to_owned(), equal, value.to_owned()))
            } else {
                Err(ApiError::bad_request(format!(
                    "{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                )))
            }
        })
        .collect()
}

fn field(object: &Value, path: &str) -> String {
    let path = if path == "source" { "source.component" } else { path };
    match object.pointer(&format!("/{}", path.replace('.', "/"))) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels() {
        let object = json!({ "metadata": { "name": "x", "labels": { "app": "web", "tier": "front" } } });
        let check = |selector: &str, expect: bool| {
            assert_eq!(Selector::parse(selector, "", "Pod").unwrap().matches(&object), expect, "{selector}");
        };
        for (selector, expect) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("app in (web, api)", true),
            ("app notin (web)", false),
            ("missing notin (web)", true),
            ("app", true),
            ("!app", false),
            ("!missing", true),
        ] {
            check(selector, expect);
        }
        for bad in ["=x", "a b", "app in web"] {
            assert_eq!(Selector::parse(bad, "", "Pod").unwrap_err().code(), 400, "{bad}");
        }
    }

    #[test]
    fn fields() {
        let object =
            json!({ "metadata": { "name": "x", "namespace": "n" }, "status": { "phase": "Running" } });
        for (selector, expect) in [
            ("metadata.name=x", true),
            ("metadata.name!=x", false),
            ("metadata.namespace=n,status.phase=Running", true),
            ("status.phase!=Running", false),
        ] {
            assert_eq!(Selector::parse("", selector, "Pod").unwrap().matches(&object), expect, "{selector}");
        }
        assert_eq!(Selector::parse("", "spec.foo=1", "Pod").unwrap_err().code(), 400);
    }
}
