//! Values as `console` answers them: HCL that evaluates to the same again, one element on a line.
//!
//! Unlike in [`hcl_text`](super::hcl_text), every key is quoted and every list is written over several lines, as `terraform console` does.

use std::collections::BTreeMap;

use meshform_engine::types::Type;
use meshform_engine::value::{Kind, Value};

use super::hcl_text::{UNKNOWN, heredoc, inline, quoted, with_comma};
use super::text::indented;

/// Shown in place of a sensitive value.
const SENSITIVE: &str = "(sensitive value)";

/// Shown in place of a value that is not to be recorded, as what is printed may be.
const EPHEMERAL: &str = "(ephemeral value)";

/// The lines of a value.
pub(crate) fn lines(value: &Value) -> Vec<String> {
    match value.marks() {
        marks if marks.is_sensitive() => return vec![SENSITIVE.to_owned()],
        marks if marks.is_ephemeral() => return vec![EPHEMERAL.to_owned()],
        _ => {}
    }
    match value.kind() {
        Kind::String(text) => heredoc(text).unwrap_or_else(|| vec![quoted(text)]),
        Kind::List(elements) if value.is_list() => list("tolist([", elements, "])"),
        Kind::List(elements) => list("[", elements, "]"),
        Kind::Set(elements) => list("toset([", elements, "])"),
        Kind::Map(entries) => map("tomap({", entries, false, "})"),
        Kind::Object(object) => map("{", &object.fields, object.open, "}"),
        Kind::Fingerprint(_) => vec![SENSITIVE.to_owned()],
        Kind::Null => vec![null(value.stated())],
        Kind::Bool(_) | Kind::Number(_) | Kind::Unknown(_) => vec![inline(value)],
    }
}

/// A null, with its type if an expression can say that.
fn null(stated: Option<&Type>) -> String {
    match stated {
        Some(ty @ (Type::Bool | Type::Number | Type::String)) => format!("to{}(null)", ty.name()),
        _ => "null".to_owned(),
    }
}

fn list(open: &str, elements: &[Value], close: &str) -> Vec<String> {
    let inside = elements.iter().flat_map(|element| with_comma(lines(element)));
    around(open, inside.collect(), close)
}

fn map(open: &str, entries: &BTreeMap<String, Value>, more: bool, close: &str) -> Vec<String> {
    let mut inside: Vec<_> = entries.iter().flat_map(|(key, value)| entry(key, value)).collect();
    if more {
        inside.push(format!("# more {UNKNOWN}"));
    }
    around(open, inside, close)
}

fn entry(key: &str, value: &Value) -> Vec<String> {
    let mut lines = lines(value);
    if let Some(first) = lines.first_mut() {
        *first = format!("{} = {first}", quoted(key));
    }
    lines
}

fn around(open: &str, inside: Vec<String>, close: &str) -> Vec<String> {
    if inside.is_empty() {
        return vec![format!("{open}{close}")];
    }
    let mut all = vec![open.to_owned()];
    all.extend(indented(inside, 2));
    all.push(close.to_owned());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::value::Marks;

    fn check(value: Value, expect: &str) {
        assert_eq!(lines(&value).join("\n"), expect);
    }

    #[test]
    fn values_are_written_as_one_would_write_them() {
        check("a \"b\" ${c}".into(), r#""a \"b\" $${c}""#);
        check(Value::null(), "null");
        check(Value::null().stating(Type::String), "tostring(null)");
        check(Value::list([]), "[]");
        check(Value::list([]).stating(Type::Bool), "tolist([])");
        check(Value::map([]), "tomap({})");
        check(Value::set(["b".into(), "a".into()]), "toset([\n  \"a\",\n  \"b\",\n])");
        check(Value::list([1.into(), Value::list([2.into()])]), "[\n  1,\n  [\n    2,\n  ],\n]");
        check(Value::map([("a".into(), 1.into())]), "tomap({\n  \"a\" = 1\n})");
        let inner = Value::object([("b c".into(), "x\ny\n".into())]);
        check(
            Value::object([("a".into(), inner)]),
            "{\n  \"a\" = {\n    \"b c\" = <<-EOT\n      x\n      y\n    EOT\n  }\n}",
        );
        check(Value::list(["x\ny\n".into()]), "[\n  <<-EOT\n    x\n    y\n  EOT\n  ,\n]");
    }

    #[test]
    fn what_cannot_be_told_is_said() {
        let secret = Value::string("hunter2").sensitive();
        check(secret.clone(), "(sensitive value)");
        check(Value::new(Kind::Fingerprint("f".into())), "(sensitive value)");
        check(Value::string("token").marked(Marks::EPHEMERAL), "(ephemeral value)");
        check(Value::unknown(Type::Any), "(known after apply)");
        check(
            Value::open_object([("a".into(), secret)]),
            "{\n  \"a\" = (sensitive value)\n  # more (known after apply)\n}",
        );
    }
}
