//! Values as YAML, the way manifests are read: `apiVersion`, `kind`, `metadata` and names first.

use std::collections::BTreeMap;

use meshform_engine::address::TargetAddress;
use meshform_engine::value::{Kind, Value};

use super::hcl_text::{self, SENSITIVE, UNKNOWN};
use super::measured::{is_shown, measured};
use super::text::{indented, steers};

/// Keys that say what a thing is come before the others, in this order.
const LEADING_KEYS: [&str; 5] = ["apiVersion", "kind", "metadata", "name", "namespace"];

/// The value as YAML lines.
pub(crate) fn lines(value: &Value) -> Vec<String> {
    if value.is_sensitive() {
        return vec![SENSITIVE.to_owned()];
    }
    match value.kind() {
        Kind::String(text) if is_shown(text) => literal(text).unwrap_or_else(|| vec![scalar(text)]),
        Kind::List(elements) | Kind::Set(elements) if !elements.is_empty() => {
            elements.iter().flat_map(element_lines).collect()
        }
        Kind::Map(entries) if !entries.is_empty() => map_lines(entries, false),
        Kind::Object(object) if !object.fields.is_empty() => map_lines(&object.fields, object.open),
        _ => vec![leaf(value)],
    }
}

/// The documents of several targets, one after another, as one text for `kubectl apply`.
pub(crate) fn documents(of: &BTreeMap<TargetAddress, Vec<Value>>) -> String {
    let mut text = String::new();
    for (target, documents) in of {
        for document in documents {
            text.push_str(&format!("---\n# {target}\n{}\n", lines(document).join("\n")));
        }
    }
    text
}

/// A value that needs one line.
fn leaf(value: &Value) -> String {
    match value.kind() {
        Kind::String(text) => measured(text).unwrap_or_else(|| scalar(text)),
        Kind::List(_) | Kind::Set(_) => "[]".to_owned(),
        Kind::Object(object) if object.open => UNKNOWN.to_owned(),
        _ => hcl_text::inline(value),
    }
}

fn element_lines(element: &Value) -> Vec<String> {
    lines(element)
        .into_iter()
        .enumerate()
        .map(|(row, line)| format!("{}{line}", if row == 0 { "- " } else { "  " }))
        .collect()
}

fn map_lines(entries: &BTreeMap<String, Value>, open: bool) -> Vec<String> {
    let leading = LEADING_KEYS.iter().filter_map(|name| entries.get_key_value(*name));
    let rest = entries.iter().filter(|(name, _)| !LEADING_KEYS.contains(&name.as_str()));
    let mut all: Vec<_> = leading.chain(rest).flat_map(|(name, value)| entry_lines(name, value)).collect();
    if open {
        all.push(format!("# more {UNKNOWN}"));
    }
    all
}

fn entry_lines(name: &str, value: &Value) -> Vec<String> {
    let name = scalar(name);
    let mut below = lines(value);
    let nests = is_block(value);
    if let (1, false) = (below.len(), nests) {
        return vec![format!("{name}: {}", below.remove(0))];
    }
    // A block scalar's header stands behind the key; a list is not indented, as manifests have it.
    let is_text = value.as_str().is_some();
    let header = if is_text { format!("{name}: {}", below.remove(0)) } else { format!("{name}:") };
    let indent = if value.as_list().is_some() || is_text { 0 } else { 2 };
    std::iter::once(header).chain(indented(below, indent)).collect()
}

/// Whether a value goes below its key even when it is one line long.
fn is_block(value: &Value) -> bool {
    !value.is_sensitive()
        && (value.as_list().is_some_and(|list| !list.is_empty())
            || value.as_map().is_some_and(|map| !map.is_empty()))
}

/// A text of several lines as a block scalar, its lines already indented under it.
fn literal(text: &str) -> Option<Vec<String>> {
    let body = text.trim_end_matches('\n');
    if !body.contains('\n') || body.starts_with([' ', '\t', '\n']) || text.contains(steers) {
        return None;
    }
    let header = match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    };
    let trailing = text.len() - body.len();
    let mut lines = vec![header.to_owned()];
    lines.extend(indented(body.split('\n').map(str::to_owned), 2));
    lines.extend(std::iter::repeat_n(String::new(), trailing.saturating_sub(1)));
    Some(lines)
}

/// A text as a plain scalar if YAML would read it back as that text, quoted otherwise.
fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    // JSON's strings are YAML's; it leaves some invisible characters as they are.
    let json = serde_json::Value::from(text).to_string();
    json.chars()
        .map(|letter| if steers(letter) { format!("\\u{:04x}", u32::from(letter)) } else { letter.into() })
        .collect()
}

fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"];
    let Some(first) = text.chars().next() else { return false };
    let starts_well = first.is_alphanumeric() || "/_.+$(<".contains(first) || is_flag(text);
    let confusing = text.contains(": ") || text.contains(" #") || text.ends_with([':', ' ']);
    starts_well
        && !is_numeric(text)
        && !confusing
        && !text.contains(['\n', '\t'])
        && !text.contains(steers)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether some reader of YAML takes it for a number, a date or a time.
fn is_numeric(text: &str) -> bool {
    let numeral = |letter: char| letter.is_ascii_digit() || "+-.:_eE".contains(letter);
    let plain = text.starts_with(|first: char| first.is_ascii_digit() || "+.".contains(first))
        && text.chars().all(numeral)
        && text.matches('.').count() < 2;
    plain || ["0x", "0o", "0b"].iter().any(|prefix| text.starts_with(prefix))
}

/// `--name`, as programs' arguments are written.
fn is_flag(text: &str) -> bool {
    text.strip_prefix("--").is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::types::Type;
    use meshform_engine::value::from_json;
    use serde_json::json;

    fn check(value: &Value, expect: &str) {
        assert_eq!(lines(value).join("\n"), expect);
    }

    #[test]
    fn a_manifest_reads_as_usual() {
        let manifest = from_json(&json!({
            "kind": "Deployment", "apiVersion": "apps/v1",
            "metadata": {"labels": {"app": "web"}, "name": "web"},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [
                {"image": "nginx:1.27", "name": "web", "ports": [{"containerPort": 80}], "args": []},
            ]}}},
            "data": {"page": "a\n b\n", "one": "x\n", "empty": {}},
        }));
        check(
            &manifest,
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels:\n    app: web\ndata:\n  empty: {}\n  \
             one: \"x\\n\"\n  page: |\n    a\n     b\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n      \
             - name: web\n        args: []\n        image: nginx:1.27\n        ports:\n        - containerPort: 80",
        );
    }

    #[test]
    fn scalars_are_quoted_when_yaml_would_read_them_otherwise() {
        let quoted = [
            "",
            "8080",
            "0x1f",
            "1e3",
            "12:30",
            "2026-11-01",
            "Yes",
            "null",
            "a: b",
            "- x",
            "*x",
            "{",
            "a #b",
            "\u{1b}",
        ];
        for text in quoted {
            assert!(scalar(text).starts_with('"'), "{text}");
        }
        for text in
            ["web", "nginx:1.27", "/etc/motd", "10.0.0.1", "a b", "500m", "1.2.3", "v1", "beef", "14adc28"]
        {
            assert_eq!(scalar(text), text);
        }
    }

    #[test]
    fn what_cannot_be_shown_is_named() {
        let fields = [
            ("a".to_owned(), Value::string("hunter2").sensitive()),
            ("b".to_owned(), Value::unknown(Type::String)),
            ("c".to_owned(), Value::list([Value::string("x")]).sensitive()),
        ];
        check(&Value::object(fields), "a: (sensitive)\nb: (known after apply)\nc: (sensitive)");
    }
}
