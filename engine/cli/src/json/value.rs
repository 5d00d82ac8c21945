//! Values: `{ "value", "sensitive", "unknown" }`.

use std::collections::BTreeMap;

use meshform_engine::value::{Kind, Value, to_json};
use serde_json::{Map, Value as Json, json};

/// A value in place, with the pointers of what could not be written.
pub(crate) fn redacted(value: &Value) -> Json {
    let mut hidden = Hidden::default();
    let written = write(value, "", &mut hidden);
    json!({ "value": written, "sensitive": hidden.sensitive, "unknown": hidden.unknown })
}

/// The same, or `null` if there is none.
pub(crate) fn optional(value: Option<&Value>) -> Json {
    value.map_or(Json::Null, redacted)
}

/// Each under its name.
pub(crate) fn by_name(values: &BTreeMap<String, Value>) -> Json {
    Json::Object(values.iter().map(|(name, value)| (name.clone(), redacted(value))).collect())
}

#[derive(Default)]
struct Hidden {
    sensitive: Vec<String>,
    unknown: Vec<String>,
}

fn write(value: &Value, pointer: &str, hidden: &mut Hidden) -> Json {
    if value.is_sensitive() {
        hidden.sensitive.push(pointer.to_owned());
        return Json::Null;
    }
    match value.kind() {
        Kind::List(elements) | Kind::Set(elements) => {
            let elements = elements.iter().enumerate();
            elements.map(|(at, element)| write(element, &format!("{pointer}/{at}"), hidden)).collect()
        }
        Kind::Map(entries) => write_entries(entries, pointer, hidden),
        Kind::Object(object) => {
            if object.open {
                hidden.unknown.push(pointer.to_owned());
            }
            write_entries(&object.fields, pointer, hidden)
        }
        Kind::Unknown(_) => {
            hidden.unknown.push(pointer.to_owned());
            Json::Null
        }
        Kind::Fingerprint(_) => {
            hidden.sensitive.push(pointer.to_owned());
            Json::Null
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {
            to_json(value).unwrap_or(Json::Null)
        }
    }
}

fn write_entries(entries: &BTreeMap<String, Value>, pointer: &str, hidden: &mut Hidden) -> Json {
    let mut written = Map::new();
    for (name, value) in entries {
        let step = name.replace('~', "~0").replace('/', "~1");
        written.insert(name.clone(), write(value, &format!("{pointer}/{step}"), hidden));
    }
    Json::Object(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::types::Type;

    #[test]
    fn what_is_not_written_is_pointed_at() {
        let value = Value::object([
            ("a/b".into(), Value::list([1.into(), Value::string("hunter2").sensitive()])),
            ("ip".into(), Value::unknown(Type::String)),
        ]);
        let expect = json!({
            "value": { "a/b": [1, null], "ip": null },
            "sensitive": ["/a~1b/1"],
            "unknown": ["/ip"],
        });
        assert_eq!(redacted(&value), expect);
        assert_eq!(
            redacted(&Value::unknown(Type::Any)),
            json!({ "value": null, "sensitive": [], "unknown": [""] })
        );
    }
}
