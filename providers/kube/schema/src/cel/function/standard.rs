//! Conversions, sizes, truth and what may be absent.

use std::sync::Arc;

use crate::cel::duration;
use crate::cel::evaluate::{Failure, Outcome};
use crate::cel::operator::count;
use crate::cel::value::Value;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Outcome> {
    Some(match (name, arguments) {
        ("size", [of]) => size(of),
        ("type", [of]) => Ok(Value::Type(Arc::from(of.type_name()))),
        ("dyn", [given]) => Ok(given.clone()),
        ("bool", [given]) => truth(given),
        ("int", [given]) => whole(given),
        ("uint", [given]) => unsigned(given),
        ("double", [given]) => double(given),
        ("string", [given]) => {
            given.as_text().map(|text| Value::text(&text)).ok_or_else(Failure::no_overload)
        }
        ("bytes", [Value::Text(text)]) => Ok(Value::Bytes(Arc::from(text.as_bytes()))),
        ("bytes", [Value::Bytes(given)]) => Ok(Value::Bytes(Arc::clone(given))),
        ("timestamp", [given]) => timestamp(given),
        ("duration", [Value::Text(text)]) => {
            let parsed = duration::parse(text).map(Value::Duration);
            parsed.ok_or_else(|| Failure::new(format!("time: invalid duration {text:?}")))
        }
        ("duration", [Value::Duration(given)]) => Ok(Value::Duration(*given)),
        ("optional.of", [given]) => Ok(Value::Optional(Some(Arc::new(given.clone())))),
        ("optional.none", []) => Ok(Value::Optional(None)),
        ("optional.ofNonZeroValue", [given]) => {
            Ok(Value::Optional((!is_zero(given)).then(|| Arc::new(given.clone()))))
        }
        ("hasValue", [Value::Optional(given)]) => Ok(Value::Bool(given.is_some())),
        ("value", [Value::Optional(given)]) => {
            let given = given.as_deref().cloned();
            given.ok_or_else(|| Failure::new("optional.none() dereference"))
        }
        _ => return None,
    })
}

fn size(of: &Value) -> Outcome {
    match of {
        Value::Text(text) => Ok(count(text.chars().count())),
        Value::Bytes(bytes) => Ok(count(bytes.len())),
        Value::List(list) => Ok(count(list.items.len())),
        Value::Map(entries) => Ok(count(entries.len())),
        _ => Err(Failure::no_overload()),
    }
}

fn truth(given: &Value) -> Outcome {
    match given {
        Value::Bool(_) => Ok(given.clone()),
        Value::Text(text) => match &**text {
            "true" | "True" | "TRUE" | "t" | "1" => Ok(Value::Bool(true)),
            "false" | "False" | "FALSE" | "f" | "0" => Ok(Value::Bool(false)),
            _ => Err(conversion("string", "bool")),
        },
        _ => Err(Failure::no_overload()),
    }
}

fn conversion(from: &str, to: &str) -> Failure {
    Failure::new(format!("type conversion error from '{from}' to '{to}'"))
}

fn out_of_range() -> Failure {
    Failure::new("integer overflow")
}

fn whole(given: &Value) -> Outcome {
    match given {
        Value::Int(_) => Ok(given.clone()),
        Value::Uint(number) => i64::try_from(*number).map(Value::Int).map_err(|_| out_of_range()),
        Value::Double(number) if number.abs() < 9.2e18 => Ok(Value::Int(number.trunc() as i64)),
        Value::Double(_) => Err(out_of_range()),
        Value::Text(text) => text.parse().map(Value::Int).map_err(|_| conversion("string", "int")),
        Value::Timestamp(time) => Ok(Value::Int(time.as_second())),
        Value::Duration(nanoseconds) => Ok(Value::Int(*nanoseconds)),
        _ => Err(Failure::no_overload()),
    }
}

fn unsigned(given: &Value) -> Outcome {
    match given {
        Value::Uint(_) => Ok(given.clone()),
        Value::Int(number) => u64::try_from(*number).map(Value::Uint).map_err(|_| out_of_range()),
        Value::Double(number) if (0.0..1.8e19).contains(number) => Ok(Value::Uint(number.trunc() as u64)),
        Value::Double(_) => Err(out_of_range()),
        Value::Text(text) => text.parse().map(Value::Uint).map_err(|_| conversion("string", "uint")),
        _ => Err(Failure::no_overload()),
    }
}

fn double(given: &Value) -> Outcome {
    match given {
        Value::Double(_) => Ok(given.clone()),
        Value::Int(number) => Ok(Value::Double(*number as f64)),
        Value::Uint(number) => Ok(Value::Double(*number as f64)),
        Value::Text(text) => text.parse().map(Value::Double).map_err(|_| conversion("string", "double")),
        _ => Err(Failure::no_overload()),
    }
}

fn timestamp(given: &Value) -> Outcome {
    match given {
        Value::Timestamp(_) => Ok(given.clone()),
        Value::Text(text) => text.parse().map(Value::Timestamp).map_err(|_| {
            Failure::new(format!("invalid timestamp {text:?}: it must be written as in 2006-01-02T15:04:05Z"))
        }),
        Value::Int(seconds) => jiff::Timestamp::from_second(*seconds)
            .map(Value::Timestamp)
            .map_err(|_| Failure::new("timestamp overflow")),
        _ => Err(Failure::no_overload()),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Duration(0) => true,
        Value::Optional(given) => given.is_none(),
        Value::Double(number) => *number == 0.0,
        Value::Text(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(list) => list.items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    }
}
