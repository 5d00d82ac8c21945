//! What a file is to hold: a text, or any bytes in base64.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshform_engine::ports::Problem;
use meshform_engine::schema::Attribute;
use meshform_engine::types::Type;
use meshform_engine::value::Value;

use crate::attributes::{given, sensitive, text};
use crate::check::wrong;
use crate::script::sha256;

const TEXT: &str = "content";
const BASE64: &str = "content_base64";

/// The attributes that tell it.
pub(super) fn attributes() -> [Attribute; 2] {
    [
        Attribute::optional(
            TEXT,
            Type::String,
            "What it holds: a local file's text by `file(\"…\")`, a template's by `templatefile(\"…\", {…})`.",
        ),
        Attribute::optional(
            BASE64,
            Type::String,
            "What it holds, in base64, where that is no text: a local file's by `filebase64(\"…\")`.",
        ),
    ]
}

/// What is wrong with them.
pub(crate) fn check(attributes: &Value) -> Vec<Problem> {
    let has = |name| given(attributes, name).is_some();
    let detail = match (has(TEXT), has(BASE64)) {
        (true, true) => format!("Only one of {TEXT} and {BASE64} can say what the file holds."),
        (false, false) => format!("Nothing says what the file holds: write that as {TEXT} or {BASE64}."),
        _ => {
            let encoded = text(attributes, BASE64).filter(|encoded| STANDARD.decode(encoded).is_err());
            let detail = "It is not base64, such as `filebase64(\"…\")` gives.";
            return encoded.map(|_| wrong(BASE64, detail.to_owned())).into_iter().collect();
        }
    };
    vec![wrong(TEXT, detail)]
}

/// The attribute that tells it.
pub(super) fn name(attributes: &Value) -> &'static str {
    if given(attributes, BASE64).is_some() { BASE64 } else { TEXT }
}

/// What is wanted, known or not.
pub(super) fn wanted(attributes: &Value) -> Option<&Value> {
    given(attributes, name(attributes))
}

/// Whether it is a text, which may be shown.
pub(super) fn is_text(attributes: &Value) -> bool {
    name(attributes) == TEXT
}

/// Whether it is sensitive.
pub(super) fn is_secret(attributes: &Value) -> bool {
    sensitive(attributes, TEXT) || sensitive(attributes, BASE64)
}

/// The bytes, if they are known.
pub(crate) fn bytes(attributes: &Value) -> Option<Cow<'_, [u8]>> {
    let content = wanted(attributes)?.as_str()?;
    match is_text(attributes) {
        true => Some(Cow::Borrowed(content.as_bytes())),
        false => STANDARD.decode(content).ok().map(Cow::Owned),
    }
}

/// The `sha256` attribute. That of a sensitive content is as sensitive as the content: a short secret is soon guessed from it.
pub(super) fn checksum(attributes: &Value) -> Option<Value> {
    Some(Value::string(sha256(&bytes(attributes)?)).marked(is_secret(attributes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(&str, Value)]) -> Value {
        Value::object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
    }

    #[test]
    fn one_attribute_tells_it() {
        let check = |fields: &[(&str, Value)], expect: &[&str]| {
            let problems: Vec<_> =
                check(&of(fields)).iter().map(|problem| problem.path.to_string()).collect();
            assert_eq!(problems, expect, "{fields:?}");
        };
        let unknown = || Value::unknown(Type::String);
        check(&[("content", "".into())], &[]);
        check(&[("content", Value::null()), ("content_base64", "AP8=".into())], &[]);
        check(&[("content", unknown()), ("content_base64", Value::null())], &[]);
        check(&[("content_base64", unknown())], &[]);
        check(&[("content_base64", "no base64".into())], &["content_base64"]);
        check(&[("content", Value::null())], &["content"]);
        check(&[("content", "x".into()), ("content_base64", unknown())], &["content"]);
    }

    #[test]
    fn bytes_are_what_they_stand_for() {
        let check = |name: &str, value: &str, expect: &[u8]| {
            assert_eq!(bytes(&of(&[(name, value.into())])).as_deref(), Some(expect));
        };
        check("content", "AP8=", b"AP8=");
        check("content_base64", "AP8=", b"\0\xff");
        check("content_base64", "", b"");
    }
}
