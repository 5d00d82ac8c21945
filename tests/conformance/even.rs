//! What differs from run to run is made the same: UIDs and versions by the order in which they are seen, times, addresses.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::script::{Answer, body_of};

/// Values that a server chooses.
const FLEETING: [&str; 19] = [
    "clusterIP",
    "clusterIPs",
    "nodePort",
    "healthCheckNodePort",
    "podIP",
    "podIPs",
    "hostIP",
    "hostIPs",
    "continue",
    "nodeName",
    "imageID",
    "ca.crt",
    "token",
    "pod-template-hash",
    "controller-revision-hash",
    "currentRevision",
    "updateRevision",
    "storageVersionHash",
    "serverAddress",
];

/// Names that end in what is generated, as messages have them.
const GENERATED: [&str; 2] = ["ReplicaSet \"", "kube-api-access-"];

/// Evens the answers of one script: what is the same in two of them stays the same.
#[derive(Debug, Default)]
pub(crate) struct Evener {
    uids: Vec<String>,
    /// The versions of each object, by its UID.
    revisions: BTreeMap<String, Vec<String>>,
}

impl Evener {
    pub(crate) fn answer(&mut self, status: u16, warnings: &[String], text: &str) -> Answer {
        let body = self.value(&body_of(&with_ownership_as_text(text)));
        Answer { status, warnings: warnings.iter().map(|warning| self.text(warning)).collect(), body }
    }

    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => self.object(fields),
            Value::Array(items) => {
                let mut items: Vec<Value> = items.iter().map(|item| self.value(item)).collect();
                if items.iter().any(is_of_a_set) {
                    items.sort_by_key(Value::to_string);
                }
                Value::Array(items)
            }
            Value::String(text) => Value::String(self.text(text)),
            other => other.clone(),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>) -> Value {
        let mut evened = Map::new();
        for (key, value) in fields {
            let value = match (key.as_str(), value) {
                ("resourceVersion", Value::String(text)) => json!(self.revision(text, fields)),
                ("cells", Value::Array(cells)) => cells.iter().map(|cell| self.cell(cell)).collect(),
                // The server lists them in no order; the causes have the same.
                ("message", Value::String(text))
                    if fields.get("reason").is_some_and(|why| why == "Invalid") =>
                {
                    json!(self.text(text.split("is invalid: [").next().unwrap_or_default()))
                }
                ("name", Value::String(name)) => json!(self.name(name, fields)),
                (key, Value::String(text)) if text == "None" || text.is_empty() || !is_fleeting(key) => {
                    self.value(value)
                }
                (key, value) if is_fleeting(key) && !value.is_object() && !value.is_null() => {
                    even_shape(value)
                }
                _ => self.value(value),
            };
            evened.insert(self.text(key), value);
        }
        Value::Object(evened)
    }

    /// Which version of its object it is. That of a list, or of what has no UID, depends on what else goes on.
    fn revision(&mut self, text: &str, metadata: &Map<String, Value>) -> String {
        match metadata.get("uid").and_then(Value::as_str) {
            Some(uid) => {
                format!("version {}", ordinal(self.revisions.entry(uid.to_owned()).or_default(), text))
            }
            None if text.is_empty() => String::new(),
            None => "*".to_owned(),
        }
    }

    fn cell(&mut self, cell: &Value) -> Value {
        let age = |text: &str| {
            text.strip_suffix('s').is_some_and(|seconds| seconds.bytes().all(|byte| byte.is_ascii_digit()))
        };
        match cell {
            Value::String(text) if age(text) => json!("age"),
            _ => self.value(cell),
        }
    }

    fn name(&mut self, name: &str, fields: &Map<String, Value>) -> String {
        match fields.get("generateName").and_then(Value::as_str) {
            Some(prefix) if name.starts_with(prefix) => format!("{prefix}*"),
            _ => self.text(name),
        }
    }

    fn text(&mut self, text: &str) -> String {
        if text.parse::<jiff::Timestamp>().is_ok() {
            return "time".to_owned();
        }
        let mut evened = String::new();
        let mut rest = text;
        while let Some(at) = (0..rest.len()).find(|at| rest.is_char_boundary(*at) && is_uuid(&rest[*at..])) {
            let (before, found) = rest.split_at(at);
            let (uid, after) = found.split_at(36);
            evened.push_str(before);
            evened.push_str(&format!("uid-{}", ordinal(&mut self.uids, uid)));
            rest = after;
        }
        evened.push_str(rest);
        even_name(&even_dump(&evened))
    }
}

/// Which of the known ones it is, counted from 1.
fn ordinal(known: &mut Vec<String>, text: &str) -> usize {
    let at = known.iter().position(|known| known == text).unwrap_or_else(|| {
        known.push(text.to_owned());
        known.len() - 1
    });
    at + 1
}

fn is_fleeting(key: &str) -> bool {
    FLEETING.contains(&key)
}

fn even_shape(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.iter().all(|item| item == "None") => value.clone(),
        Value::Array(items) => items.iter().map(|_| json!("*")).collect(),
        _ => json!("*"),
    }
}

/// Whether items of its list come in no order.
fn is_of_a_set(item: &Value) -> bool {
    ["manager", "lastTransitionTime"].iter().any(|field| item.get(field).is_some())
        || item.get("reason").is_some() && item.get("field").is_some()
}

/// Evens the times and versions of an object that a message quotes.
fn even_dump(text: &str) -> String {
    static FLEETING: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|(resourceVersion\\*":\\*"|in record \(|current: )\d+"#)
            .unwrap()
    });
    FLEETING.replace_all(text, "$1*").into_owned()
}

fn even_name(text: &str) -> String {
    let Some(start) = GENERATED.iter().find(|start| text.starts_with(*start)) else { return text.to_owned() };
    let rest = text[start.len()..].split_once("\" ").map_or("", |(_, rest)| rest);
    format!("{start}* {rest}")
}

fn is_uuid(text: &str) -> bool {
    text.len() >= 36
        && text.bytes().take(36).enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The text with every `fieldsV1` as a string of its own bytes, so that these are compared byte for byte.
fn with_ownership_as_text(text: &str) -> String {
    const FIELD: &str = "\"fieldsV1\":";
    let mut parts = text.split(FIELD);
    let mut replaced = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let part = part.trim_start();
        let (fields, rest) = part.split_at(object_length(part));
        replaced.push_str(&format!("{FIELD}{}{rest}", Value::from(fields)));
    }
    replaced
}

/// How long the JSON object is with which a text begins; 0 where it begins with none.
fn object_length(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return if byte == b'}' { at + 1 } else { 0 };
        }
    }
    0
}
