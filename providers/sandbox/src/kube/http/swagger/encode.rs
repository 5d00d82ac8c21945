//! The document in protobuf, by gnostic's `openapiv2/OpenAPIv2.proto`.

use serde_json::{Map, Value};

use crate::kube::object::{flag, list, map, text};

/// A message: fields in the order in which they are added.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// A field that is a text, bytes or a message.
    fn put(mut self, field: u32, bytes: &[u8]) -> Self {
        const LENGTH_DELIMITED: u64 = 2;
        self.varint(u64::from(field) << 3 | LENGTH_DELIMITED);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// The same, if it says anything.
    fn put_some(self, field: u32, bytes: &[u8]) -> Self {
        if bytes.is_empty() { self } else { self.put(field, bytes) }
    }

    fn put_true(mut self, field: u32) -> Self {
        self.varint(u64::from(field) << 3);
        self.varint(1);
        self
    }

    fn put_all(self, field: u32, all: impl IntoIterator<Item = Vec<u8>>) -> Self {
        all.into_iter().fold(self, |message, bytes| message.put(field, &bytes))
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}

/// `Document`.
pub(super) fn document(document: &Value) -> Vec<u8> {
    let info = Message::default()
        .put(1, text(document, "/info/title").as_bytes())
        .put(2, text(document, "/info/version").as_bytes());
    let paths = map(document, "/paths").iter().map(|(path, item)| named(path, &path_item(item)));
    let paths = Message::default().put_all(2, paths);
    Message::default()
        .put(1, text(document, "/swagger").as_bytes())
        .put(2, &info.0)
        .put(8, &paths.0)
        .put(9, &schemas(map(document, "/definitions")))
        .0
}

/// `NamedPathItem`, `NamedSchema` and `NamedAny` alike.
fn named(name: &str, value: &[u8]) -> Vec<u8> {
    Message::default().put(1, name.as_bytes()).put(2, value).0
}

/// `Definitions` and `Properties` alike.
fn schemas(all: &Map<String, Value>) -> Vec<u8> {
    Message::default().put_all(1, all.iter().map(|(name, own)| named(name, &schema(own)))).0
}

/// `PathItem`.
fn path_item(item: &Value) -> Vec<u8> {
    const METHODS: [(&str, u32); 5] = [("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 8)];
    let operations = METHODS.iter().filter_map(|(method, field)| Some((*field, item.get(method)?)));
    operations.fold(Message::default(), |message, (field, own)| message.put(field, &operation(own))).0
}

/// `Operation`.
fn operation(operation: &Value) -> Vec<u8> {
    let parameters = list(operation, "/parameters").iter().map(query_parameter);
    Message::default().put_all(8, parameters).put_all(13, extensions(operation)).0
}

/// `ParametersItem`, and in it a parameter of the query.
fn query_parameter(parameter: &Value) -> Vec<u8> {
    let own = Message::default()
        .put(2, text(parameter, "/in").as_bytes())
        .put(4, text(parameter, "/name").as_bytes())
        .put(6, text(parameter, "/type").as_bytes());
    // `Parameter`, `NonBodyParameter`, `QueryParameterSubSchema`.
    [3, 2, 1].into_iter().fold(own, |inner, field| Message::default().put(field, &inner.0)).0
}

/// `Schema`.
fn schema(schema: &Value) -> Vec<u8> {
    let required = list(schema, "/required").iter().filter_map(Value::as_str);
    let mut message = Message::default()
        .put_some(1, text(schema, "/$ref").as_bytes())
        .put_some(2, text(schema, "/format").as_bytes())
        .put_some(4, text(schema, "/description").as_bytes())
        .put_all(19, required.map(|name| name.as_bytes().to_vec()));
    match schema.get("additionalProperties") {
        Some(values @ Value::Object(_)) => {
            let item = Message::default().put(1, &self::schema(values));
            message = message.put(21, &item.0);
        }
        Some(_) if flag(schema, "/additionalProperties") => {
            message = message.put(21, &Message::default().put_true(2).0);
        }
        _ => {}
    }
    if let Some(kind) = schema.get("type").and_then(Value::as_str) {
        message = message.put(22, &Message::default().put(1, kind.as_bytes()).0);
    }
    if let Some(items) = schema.get("items") {
        message = message.put(23, &Message::default().put(1, &self::schema(items)).0);
    }
    if let Some(Value::Object(properties)) = schema.get("properties") {
        message = message.put(25, &schemas(properties));
    }
    message.put_all(31, extensions(schema)).0
}

/// `NamedAny` of what the format does not know itself: values in YAML, which JSON is.
fn extensions(of: &Value) -> impl Iterator<Item = Vec<u8>> {
    let own = map(of, "").iter().filter(|(name, _)| name.starts_with("x-"));
    own.map(|(name, value)| named(name, &Message::default().put(2, value.to_string().as_bytes()).0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages() {
        let check = |value: Value, expect: &[u8]| assert_eq!(schema(&value), expect, "{value}");
        check(json!({ "$ref": "#/a" }), b"\x0a\x03#/a");
        check(json!({ "type": "string" }), b"\xb2\x01\x08\x0a\x06string");
        check(json!({ "required": ["a", "b"] }), b"\x9a\x01\x01a\x9a\x01\x01b");
        check(json!({ "additionalProperties": true }), b"\xaa\x01\x02\x10\x01");
        check(json!({ "items": { "format": "f" } }), b"\xba\x01\x05\x0a\x03\x12\x01f");
        check(json!({ "properties": { "p": {} } }), b"\xca\x01\x07\x0a\x05\x0a\x01p\x12\0");
        check(json!({ "x-a": true }), b"\xfa\x01\x0d\x0a\x03x-a\x12\x06\x12\x04true");
    }

    #[test]
    fn long_values_have_longer_lengths() {
        let message = Message::default().put(1, &[7; 300]);
        assert_eq!(message.0[..3], [0x0a, 0xac, 0x02]);
    }
}
