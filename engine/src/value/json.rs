//! Values to JSON and back.

use bigdecimal::BigDecimal;
use serde_json::Value as Json;
use thiserror::Error;

use super::{Kind, Path, PathStep, Value};

/// Why a value has no JSON form.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("write {path} as JSON: its value {problem}")]
pub struct NotJson {
    /// The part that has none.
    pub path: Path,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The JSON form of a wholly known value. **Marks are lost**: only for what goes to a target, never for output.
///
/// # Errors
/// When any part is unknown.
pub fn to_json(value: &Value) -> Result<Json, NotJson> {
    write(value, &Path::default())
}

/// The value of a JSON document: objects become objects, arrays lists.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::null(),
        Json::Bool(truth) => Value::bool(*truth),
        Json::Number(number) => match number.to_string().parse::<BigDecimal>() {
            Ok(number) => Value::number(number),
            // A JSON number's text is always a decimal number.
            Err(_) => Value::null(),
        },
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(elements) => Value::list(elements.iter().map(from_json)),
        Json::Object(fields) => {
            Value::object(fields.iter().map(|(name, value)| (name.clone(), from_json(value))))
        }
    }
}

fn write(value: &Value, path: &Path) -> Result<Json, NotJson> {
    let unfit = |problem| NotJson { path: path.clone(), problem };
    Ok(match value.kind() {
        Kind::Null => Json::Null,
        Kind::Bool(truth) => Json::Bool(*truth),
        Kind::Number(number) => Json::Number(write_number(number)),
        Kind::String(text) => Json::String(text.to_string()),
        Kind::List(elements) | Kind::Set(elements) => Json::Array(
            elements
                .iter()
                .enumerate()
                .map(|(index, element)| write(element, &path.join(PathStep::Index(index))))
                .collect::<Result<_, _>>()?,
        ),
        Kind::Map(entries) => write_entries(entries, path)?,
        Kind::Object(object) => write_entries(&object.fields, path)?,
        Kind::Unknown(_) => return Err(unfit("is known only after apply")),
        Kind::Fingerprint(_) => return Err(unfit("is sensitive and was not stored")),
    })
}

fn write_entries(entries: &std::collections::BTreeMap<String, Value>, path: &Path) -> Result<Json, NotJson> {
    let entries = entries.iter().map(|(name, value)| {
        Ok((name.clone(), write(value, &path.join(PathStep::Attribute(name.clone())))?))
    });
    Ok(Json::Object(entries.collect::<Result<_, _>>()?))
}

/// Whole numbers stay whole; what no machine integer holds becomes the nearest double, as JSON readers see it.
fn write_number(number: &BigDecimal) -> serde_json::Number {
    let text = number.normalized().to_plain_string();
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    if let Ok(number) = text.parse::<u64>() {
        return number.into();
    }
    text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).unwrap_or_else(|| 0.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Type;

    #[test]
    fn json_round_trips() {
        let text = r#"{"a":[1,2.5,true,null,"x"],"b":{"c":18446744073709551615}}"#;
        let json: Json = serde_json::from_str(text).unwrap();
        assert_eq!(to_json(&from_json(&json)).unwrap().to_string(), text);
    }

    #[test]
    fn the_unknown_part_is_named() {
        let value = Value::object([("a".into(), Value::list([Value::unknown(Type::String)]))]);
        let error = to_json(&value).unwrap_err();
        assert_eq!(error.to_string(), "write a[0] as JSON: its value is known only after apply");
    }
}
