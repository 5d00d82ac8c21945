//! Bodies in protobuf, as `kubectl create` sends them, read as the JSON that they stand for.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::kube::clock::{rfc3339, rfc3339_micro};

/// The media type of such a body.
pub(super) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

const MAGIC: &[u8] = b"k8s\0";
const DEPTH_MAX: usize = 64;
static DATA: &[u8] = include_bytes!("../../../data/protobuf.json.gz");

/// The messages, read once per process.
static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| {
    let mut text = String::new();
    let read = GzDecoder::new(DATA).read_to_string(&mut text);
    read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default()
});

/// What the compiled-in data says (see `generate_protobuf.py`).
#[derive(Debug, Default, Deserialize)]
struct Definitions {
    kinds: BTreeMap<String, String>,
    messages: BTreeMap<String, BTreeMap<u64, String>>,
}

/// A field as it is sent.
enum Wire<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

/// Reads a body; `None` if it is not of a known kind, or torn.
pub(super) fn object(body: &[u8]) -> Option<Value> {
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for (number, field) in fields(body.strip_prefix(MAGIC)?)? {
        match (number, field) {
            (1, Wire::Bytes(types)) => {
                for (number, field) in fields(types)? {
                    match (number, field) {
                        (1, Wire::Bytes(bytes)) => api_version = text(bytes)?,
                        (2, Wire::Bytes(bytes)) => kind = text(bytes)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let name = DEFINITIONS.kinds.get(&format!("{api_version} {kind}"))?;
    let mut object = message(name, raw, 0)?;
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    Some(object)
}

fn message(name: &str, bytes: &[u8], depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    if let Some(special) = special(name, bytes)? {
        return Some(special);
    }
    let definition = DEFINITIONS.messages.get(name)?;
    let mut object = Map::new();
    for (number, wire) in fields(bytes)? {
        // A field that is not known is from a newer client.
        let Some(field) = definition.get(&number) else { continue };
        let mut parts = field.split(' ');
        let (label, form, kind) = (parts.next()?, parts.next()?, parts.next()?);
        match form {
            "list" => push(object.entry(label).or_insert_with(|| json!([])), value(kind, &wire, depth)?),
            "map" => {
                let (key, value) = entry(kind, &wire, depth)?;
                object.entry(label).or_insert_with(|| json!({}))[key.as_str()] = value;
            }
            "inline" => object.extend(value(kind, &wire, depth)?.as_object().cloned()?),
            _ => drop(object.insert(label.to_owned(), value(kind, &wire, depth)?)),
        }
    }
    Some(bare_list(definition, &mut object).unwrap_or(Value::Object(object)))
}

/// Messages that are but a list in JSON: they have nothing else.
fn bare_list(definition: &BTreeMap<u64, String>, object: &mut Map<String, Value>) -> Option<Value> {
    let only = definition.get(&1).filter(|field| definition.len() == 1 && field.starts_with("items list "));
    only.map(|_| object.remove("items").unwrap_or_else(|| json!([])))
}

/// Messages that JSON has as something else; `Some(None)` for those that are as they are.
fn special(name: &str, bytes: &[u8]) -> Option<Option<Value>> {
    let value = match name.rsplit('.').next().unwrap_or_default() {
        "Time" | "MicroTime" if bytes.is_empty() => Value::Null,
        kind @ ("Time" | "MicroTime") => {
            let (seconds, nanos) = (number(bytes, 1)?.cast_signed(), number(bytes, 2)?);
            let at = Timestamp::new(seconds, i32::try_from(nanos).ok()?).ok()?;
            json!(if kind == "Time" { rfc3339(at) } else { rfc3339_micro(at) })
        }
        "Quantity" => json!(text(payload(bytes, 1)?)?),
        "IntOrString" if number(bytes, 1)? == 0 => signed(number(bytes, 2)?),
        "IntOrString" => json!(text(payload(bytes, 3)?)?),
        "FieldsV1" | "RawExtension" => serde_json::from_slice(payload(bytes, 1)?).ok()?,
        _ => return Some(None),
    };
    Some(Some(value))
}

fn value(kind: &str, wire: &Wire<'_>, depth: usize) -> Option<Value> {
    Some(match (kind, wire) {
        ("bool", Wire::Number(number)) => json!(*number != 0),
        ("int32" | "int64", Wire::Number(number)) => signed(*number),
        ("double", Wire::Number(bits)) => json!(f64::from_bits(*bits)),
        ("string", Wire::Bytes(bytes)) => json!(text(bytes)?),
        ("bytes", Wire::Bytes(bytes)) => json!(STANDARD.encode(bytes)),
        (name, Wire::Bytes(bytes)) => message(name, bytes, depth + 1)?,
        _ => return None,
    })
}

/// An entry of a map: a message of its key and its value, of which either may be left out if it is empty.
fn entry(kind: &str, wire: &Wire<'_>, depth: usize) -> Option<(String, Value)> {
    let Wire::Bytes(bytes) = wire else { return None };
    let (mut key, mut found) = (String::new(), None);
    for (number, wire) in fields(bytes)? {
        match (number, &wire) {
            (1, Wire::Bytes(bytes)) => key = text(bytes)?,
            (2, wire) => found = Some(value(kind, wire, depth)?),
            _ => {}
        }
    }
    let found = match found {
        Some(found) => found,
        None => value(kind, &Wire::Bytes(&[]), depth)?,
    };
    Some((key, found))
}

fn push(list: &mut Value, item: Value) {
    if let Value::Array(items) = list {
        items.push(item);
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

/// Negative numbers are sent as their two's complement.
fn signed(number: u64) -> Value {
    json!(number.cast_signed())
}

/// A field's bytes; none where it is not sent.
fn payload(bytes: &[u8], wanted: u64) -> Option<&[u8]> {
    let found = fields(bytes)?.into_iter().rev().find(|(number, _)| *number == wanted);
    match found {
        None => Some(&[]),
        Some((_, Wire::Bytes(bytes))) => Some(bytes),
        Some((_, Wire::Number(_))) => None,
    }
}

/// A field's number; 0 where it is not sent.
fn number(bytes: &[u8], wanted: u64) -> Option<u64> {
    let found = fields(bytes)?.into_iter().rev().find(|(number, _)| *number == wanted);
    match found {
        None => Some(0),
        Some((_, Wire::Number(number))) => Some(number),
        Some((_, Wire::Bytes(_))) => None,
    }
}

/// The fields of a message in their order.
fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Wire<'_>)>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let wire = match tag & 7 {
            0 => Wire::Number(varint(&mut bytes)?),
            1 => Wire::Number(u64::from_le_bytes(take(&mut bytes, 8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Wire::Bytes(take(&mut bytes, length)?)
            }
            5 => Wire::Number(u32::from_le_bytes(take(&mut bytes, 4)?.try_into().ok()?).into()),
            _ => return None,
        };
        all.push((tag >> 3, wire));
    }
    Some(all)
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *take(bytes, 1)?.first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    fn sent(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let types = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &types), &field(2, raw)].concat()
    }

    #[test]
    fn objects() {
        let check = |body: &[u8], expect: Option<Value>| assert_eq!(object(body), expect, "{body:?}");
        let metadata = field(1, &[field(1, b"a"), field(8, &[])].concat());
        let entry = field(2, &[field(1, b"k"), field(2, b"v")].concat());
        let map = sent("v1", "ConfigMap", &[metadata.clone(), entry].concat());
        check(
            &map,
            Some(json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "name": "a", "creationTimestamp": null },
                "data": { "k": "v" },
            })),
        );
        let port = field(
            1,
            &[&[3 << 3, 80][..], &field(4, &[&[1 << 3, 1][..], &field(3, b"http")].concat())].concat(),
        );
        let service = sent("v1", "Service", &[metadata, field(2, &port)].concat());
        let ports = json!([{ "port": 80, "targetPort": "http" }]);
        assert_eq!(object(&service).unwrap()["spec"]["ports"], ports);
        check(&sent("v1", "Nothing", &[]), None);
        check(b"{}", None);
        for length in 0..map.len() {
            // Torn bodies are refused, or lack what is at their end.
            let _ = object(map.get(..length).unwrap());
        }
    }
}
