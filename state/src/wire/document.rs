//! The envelope: `{"format": …, "version": …, "digest": …, "body": …}`. The digest is that of the body's very bytes.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::WireError;
use crate::upgrade::Format;

/// How deep a document may be nested: JSON's reader stops at 128, and nothing may be written that it would refuse.
pub(crate) const DEPTH_MAX: usize = 120;

/// How a document is laid out.
#[derive(Clone, Copy)]
pub(crate) enum Layout {
    /// For people and their diffs.
    Pretty,
    /// On one line.
    Line,
}

/// A document's text, ended by a line feed.
pub(crate) fn seal<B: Serialize>(format: &Format, body: &B, layout: Layout) -> Result<String, WireError> {
    let body = match layout {
        Layout::Pretty => pretty(body)?,
        Layout::Line => line(body)?,
    };
    let (name, version, digest) = (format.name, format.version(), digest(&body));
    Ok(match layout {
        Layout::Pretty => format!(
            "{{\n  \"format\": \"{name}\",\n  \"version\": {version},\n  \"digest\": \"{digest}\",\n  \"body\": {body}\n}}\n"
        ),
        Layout::Line => format!(
            "{{\"format\":\"{name}\",\"version\":{version},\"digest\":\"{digest}\",\"body\":{body}}}\n"
        ),
    })
}

/// One value on one line, if it is not nested too deep to be read again.
pub(crate) fn line<B: Serialize>(body: &B) -> Result<String, WireError> {
    shallow(serde_json::to_string(body).map_err(WireError::content)?)
}

/// A document that has been checked.
pub(crate) struct Document<B> {
    /// The version that it was written in.
    pub(crate) version: u64,
    /// The digest of its body.
    pub(crate) digest: String,
    /// Its content, as of today's version.
    pub(crate) body: B,
}

/// Reads a document.
///
/// # Errors
/// When it is of another format or a newer version, or is not what was written.
pub(crate) fn open<B: DeserializeOwned>(format: &Format, bytes: &[u8]) -> Result<Document<B>, WireError> {
    let foreign = |problem: String| WireError::Foreign { noun: format.noun, problem };
    let envelope: Envelope<'_> = serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof if !bytes.is_empty() => WireError::CutOff,
        _ => foreign(error.to_string()),
    })?;
    match envelope.format {
        Some(name) if name == format.name => {}
        Some(name) => return Err(foreign(format!("its format is {name:?}"))),
        None => return Err(foreign("it names no format".into())),
    }
    let version = envelope.version.ok_or_else(|| foreign("it names no version".into()))?;
    if version > format.version() {
        return Err(WireError::Newer { version, known: format.version() });
    }
    let body = envelope.body.ok_or_else(|| foreign("it has no body".into()))?;
    let digest = digest(body.get());
    if envelope.digest.as_deref() != Some(digest.as_str()) {
        return Err(WireError::Altered);
    }
    Ok(Document { version, digest, body: format.read(version, body)? })
}

/// Everything optional, so that a newer version is recognised as such whatever else it contains.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    format: Option<Cow<'a, str>>,
    version: Option<u64>,
    #[serde(borrow)]
    digest: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

fn digest(body: &str) -> String {
    format!("blake3:{}", blake3::hash(body.as_bytes()).to_hex())
}

/// The body indented as it stands in the envelope.
fn pretty<B: Serialize>(body: &B) -> Result<String, WireError> {
    #[derive(Serialize)]
    struct Wrapped<'a, B> {
        body: &'a B,
    }
    let text = serde_json::to_string_pretty(&Wrapped { body }).map_err(WireError::content)?;
    let inner = text.strip_prefix("{\n  \"body\": ").and_then(|text| text.strip_suffix("\n}"));
    shallow(inner.unwrap_or(&text).to_owned())
}

fn shallow(text: String) -> Result<String, WireError> {
    match depth(&text) > DEPTH_MAX {
        true => Err(WireError::TooDeep { limit: DEPTH_MAX }),
        false => Ok(text),
    }
}

/// How deep arrays and objects are nested in a JSON text.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::{PLAN, STATE};

    type Body = std::collections::BTreeMap<String, Vec<u64>>;

    fn body() -> Body {
        Body::from([("a".into(), vec![1, 2])])
    }

    fn check(text: &str, expect: Result<Body, &str>) {
        let read = open::<Body>(&PLAN, text.as_bytes()).map(|document| document.body);
        let read = read.map_err(|error| error.to_string());
        assert_eq!(read.as_ref().map_err(String::as_str), expect.as_ref().map_err(|text| *text), "{text}");
    }

    #[test]
    fn documents_round_trip() {
        for layout in [Layout::Pretty, Layout::Line] {
            check(&seal(&PLAN, &body(), layout).unwrap(), Ok(body()));
        }
    }

    #[test]
    fn what_is_not_a_document_is_named() {
        let plan = seal(&PLAN, &body(), Layout::Line).unwrap();
        check("", Err("it is not a meshform plan: EOF while parsing a value at line 1 column 0"));
        check("PK\u{3}\u{4}", Err("it is not a meshform plan: expected value at line 1 column 1"));
        check("{}", Err("it is not a meshform plan: it names no format"));
        check(
            &seal(&STATE, &body(), Layout::Pretty).unwrap(),
            Err("it is not a meshform plan: its format is \"meshform.state\""),
        );
        check(
            &plan.replace("\"version\":1", "\"version\":2"),
            Err("it is of version 2, and this meshform reads up to version 1: use a newer meshform"),
        );
        check(
            &plan.replace("[1,2]", "[1,3]"),
            Err("it is damaged or was edited: its digest is that of other content"),
        );
        check(&plan[..plan.len() - 3], Err("it is cut off"));
        check(
            &seal(&PLAN, &[1], Layout::Line).unwrap(),
            Err("invalid type: sequence, expected a map at line 1 column 0"),
        );
    }

    #[test]
    fn depth_counts_brackets_outside_of_texts() {
        assert_eq!(depth(r#"{"a":[1,{"b":"[[[\"{{"}]}"#), 3);
        let deep = (0..DEPTH_MAX).fold(serde_json::Value::Null, |inner, _| serde_json::json!([inner]));
        assert!(line(&deep).is_ok());
        assert_eq!(line(&[deep]), Err(WireError::TooDeep { limit: DEPTH_MAX }));
    }
}
