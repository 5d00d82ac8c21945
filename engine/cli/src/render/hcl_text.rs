//! Values as HCL, the way one would write them.
//!
//! What is sensitive shows as `(sensitive)`, what only apply tells as `(known after apply)`, and what nobody would read by its size and hash.

use std::collections::BTreeMap;

use meshform_engine::address::is_identifier;
use meshform_engine::value::{Kind, Value};

use super::measured::{is_shown, measured};
use super::text::{indented, steers};

/// Shown in place of a sensitive value.
pub(crate) const SENSITIVE: &str = "(sensitive)";
/// Shown in place of a value that only apply tells.
pub(crate) const UNKNOWN: &str = "(known after apply)";

/// Lists no wider than this stay on one line.
const LIST_WIDTH: usize = 72;

/// The value over as many lines as are good for reading.
pub(crate) fn lines(value: &Value) -> Vec<String> {
    if value.is_sensitive() {
        return vec![SENSITIVE.to_owned()];
    }
    match value.kind() {
        Kind::String(text) if is_shown(text) => heredoc(text).unwrap_or_else(|| vec![quoted(text)]),
        Kind::List(elements) => list_lines("[", elements, "]"),
        Kind::Set(elements) => list_lines("toset([", elements, "])"),
        Kind::Map(entries) => map_lines(entries, false),
        Kind::Object(object) => map_lines(&object.fields, object.open),
        _ => vec![inline(value)],
    }
}

/// The value on one line.
pub(crate) fn inline(value: &Value) -> String {
    if value.is_sensitive() {
        return SENSITIVE.to_owned();
    }
    let all = |elements: &[Value]| elements.iter().map(inline).collect::<Vec<_>>().join(", ");
    match value.kind() {
        Kind::Null => "null".to_owned(),
        Kind::Bool(truth) => truth.to_string(),
        Kind::Number(number) => number.normalized().to_plain_string(),
        Kind::String(text) => measured(text).unwrap_or_else(|| quoted(text)),
        Kind::List(elements) => format!("[{}]", all(elements)),
        Kind::Set(elements) => format!("toset([{}])", all(elements)),
        Kind::Map(entries) => inline_map(entries, false),
        Kind::Object(object) => inline_map(&object.fields, object.open),
        Kind::Unknown(_) => UNKNOWN.to_owned(),
        Kind::Fingerprint(_) => SENSITIVE.to_owned(),
    }
}

/// An attribute's name: quoted if it is not an identifier.
pub(crate) fn key(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { quoted(name) }
}

/// A text as a quoted template without interpolations.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in without_templates(text).chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other if steers(other) => quoted.push_str(&escape(other)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn escape(letter: char) -> String {
    match u32::from(letter) {
        code @ ..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

fn without_templates(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// A text of several lines as a heredoc, where a heredoc can say exactly that text.
pub(super) fn heredoc(text: &str) -> Option<Vec<String>> {
    let body = text.strip_suffix('\n')?;
    let flush_left = body.lines().any(|line| !line.is_empty() && !line.starts_with([' ', '\t']));
    if !body.contains('\n') || !flush_left || text.contains(steers) {
        return None;
    }
    let mut marker = "EOT".to_owned();
    while body.lines().any(|line| line.trim() == marker) {
        marker.push('_');
    }
    let content = body.split('\n').map(without_templates);
    let mut lines = vec![format!("<<-{marker}")];
    lines.extend(indented(content, 2));
    lines.push(marker);
    Some(lines)
}

fn list_lines(open: &str, elements: &[Value], close: &str) -> Vec<String> {
    let flat = elements.iter().all(|element| element.as_map().is_none() && element.as_list().is_none());
    if flat {
        let line = format!("{open}{}{close}", elements.iter().map(inline).collect::<Vec<_>>().join(", "));
        if elements.is_empty() || line.len() <= LIST_WIDTH {
            return vec![line];
        }
    }
    let mut all = vec![open.to_owned()];
    for element in elements {
        all.extend(indented(with_comma(lines(element)), 2));
    }
    all.push(close.to_owned());
    all
}

/// The lines of a list's element.
pub(super) fn with_comma(mut element: Vec<String>) -> Vec<String> {
    // A heredoc's end marker must stand alone on its line.
    if element.first().is_some_and(|first| first.starts_with("<<-")) {
        element.push(",".to_owned());
    } else if let Some(last) = element.last_mut() {
        last.push(',');
    }
    element
}

fn map_lines(entries: &BTreeMap<String, Value>, open: bool) -> Vec<String> {
    if entries.is_empty() {
        return vec![if open { UNKNOWN.to_owned() } else { "{}".to_owned() }];
    }
    let mut all = vec!["{".to_owned()];
    all.extend(indented(attributes(entries.iter().map(|(name, value)| (name.as_str(), value))), 2));
    if open {
        all.push(format!("  # more {UNKNOWN}"));
    }
    all.push("}".to_owned());
    all
}

/// `name = value` for each, the equals signs of neighbouring one-line values aligned.
pub(crate) fn attributes<'a>(entries: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Vec<String> {
    let mut all = Vec::new();
    let mut run: Vec<(String, String)> = Vec::new();
    for (name, value) in entries {
        let mut value = lines(value);
        if value.len() == 1 {
            run.push((key(name), value.remove(0)));
            continue;
        }
        all.append(&mut aligned(&mut run));
        let first = value.first_mut();
        first.into_iter().for_each(|first| *first = format!("{} = {first}", key(name)));
        all.append(&mut value);
    }
    all.append(&mut aligned(&mut run));
    all
}

fn aligned(run: &mut Vec<(String, String)>) -> Vec<String> {
    let width = run.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    run.drain(..).map(|(name, value)| format!("{name:width$} = {value}")).collect()
}

fn inline_map(entries: &BTreeMap<String, Value>, open: bool) -> String {
    let mut parts: Vec<_> =
        entries.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
    if open {
        parts.push(UNKNOWN.to_owned());
    }
    if parts.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::types::Type;

    fn check(value: Value, expect: &str) {
        assert_eq!(lines(&value).join("\n"), expect);
    }

    fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
        Value::object(fields.map(|(name, value)| (name.to_owned(), value)))
    }

    #[test]
    fn scalars() {
        check(Value::null(), "null");
        check(Value::number(12), "12");
        check("a \"b\" ${c} %{d} \\ \u{1b}".into(), r#""a \"b\" $${c} %%{d} \\ \u001b""#);
        check(Value::string("secret").sensitive(), "(sensitive)");
        check(Value::new(Kind::Fingerprint("f".into())), "(sensitive)");
        check(Value::unknown(Type::String), "(known after apply)");
    }

    #[test]
    fn texts_of_several_lines_are_heredocs_where_that_is_exact() {
        check("a\n  b\n".into(), "<<-EOT\n  a\n    b\nEOT");
        check("EOT\nx ${y}\n".into(), "<<-EOT_\n  EOT\n  x $${y}\nEOT_");
        check("a\nb".into(), r#""a\nb""#);
        check(" a\n b\n".into(), r#"" a\n b\n""#);
        check("a\n".into(), r#""a\n""#);
    }

    #[test]
    fn containers() {
        check(Value::list([1.into(), "a".into()]), r#"[1, "a"]"#);
        check(Value::set([2.into(), 1.into()]), "toset([1, 2])");
        check(object([]), "{}");
        check(
            object([
                ("a", 1.into()),
                ("long", "x".into()),
                ("nested", object([("b.c", Value::bool(true))])),
                ("z", Value::list([object([("port", 80.into())])])),
            ]),
            "{\n  a    = 1\n  long = \"x\"\n  nested = {\n    \"b.c\" = true\n  }\n  z = [\n    {\n      port = 80\n    },\n  ]\n}",
        );
        check(Value::open_object([]), "(known after apply)");
    }
}
