//! Operators, fields and elements.

use std::cmp::Ordering;
use std::sync::Arc;

use super::evaluate::{Failure, Outcome};
use super::value::{Key, Value, any};

/// A number of things.
pub(super) fn count(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A truth that may not be known.
pub(super) fn truth(given: Option<bool>) -> Value {
    given.map_or(Value::Unknown, Value::Bool)
}

/// `of.field`.
pub(super) fn select(of: &Value, field: &str) -> Outcome {
    match of {
        Value::Unknown => Ok(Value::Unknown),
        Value::Map(entries) => {
            let found = entries.get(&Key::Text(Arc::from(field)));
            found.cloned().ok_or_else(|| Failure::new(format!("no such key: {field}")))
        }
        // A field of what may be absent may be absent.
        Value::Optional(Some(given)) => optional_select(given, field),
        Value::Optional(None) => Ok(Value::Optional(None)),
        _ => Err(Failure::no_overload()),
    }
}

/// Whether `of.field` is there.
pub(super) fn has(of: &Value, field: &str) -> Outcome {
    match of {
        Value::Unknown => Ok(Value::Unknown),
        Value::Map(entries) => Ok(Value::Bool(entries.contains_key(&Key::Text(Arc::from(field))))),
        Value::Optional(Some(given)) => has(given, field),
        Value::Optional(None) => Ok(Value::Bool(false)),
        _ => Err(Failure::no_overload()),
    }
}

fn optional_select(of: &Value, field: &str) -> Outcome {
    match has(of, field)? {
        Value::Bool(true) => Ok(Value::Optional(Some(Arc::new(select(of, field)?)))),
        Value::Bool(false) => Ok(Value::Optional(None)),
        other => Ok(other),
    }
}

/// The operator's result, if the name is one's.
pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Outcome> {
    Some(match (name, arguments) {
        ("_==_", [left, right]) => Ok(truth(left.equals(right))),
        ("_!=_", [left, right]) => Ok(truth(left.equals(right).map(|equal| !equal))),
        ("@in", [item, of]) => contains(item, of),
        ("_<_", [left, right]) => ordered(left, right, |order| order == Ordering::Less),
        ("_<=_", [left, right]) => ordered(left, right, |order| order != Ordering::Greater),
        ("_>_", [left, right]) => ordered(left, right, |order| order == Ordering::Greater),
        ("_>=_", [left, right]) => ordered(left, right, |order| order != Ordering::Less),
        (_, arguments) if arguments.iter().any(|value| matches!(value, Value::Unknown)) => {
            return is_operator(name).then_some(Ok(Value::Unknown));
        }
        ("_[_]", [of, index]) => element(of, index),
        ("_[?_]", [Value::Optional(None), _]) => Ok(Value::Optional(None)),
        ("_[?_]", [Value::Optional(Some(of)), index]) => Ok(optional_element(of, index)),
        ("_[?_]", [of, index]) => Ok(optional_element(of, index)),
        ("_?._", [Value::Optional(None), _]) => Ok(Value::Optional(None)),
        ("_?._", [Value::Optional(Some(of)), Value::Text(field)]) => optional_select(of, field),
        ("_?._", [of, Value::Text(field)]) => optional_select(of, field),
        ("!_", [Value::Bool(given)]) => Ok(Value::Bool(!given)),
        ("-_", [Value::Int(number)]) => whole(number.checked_neg()),
        ("-_", [Value::Double(number)]) => Ok(Value::Double(-number)),
        ("_+_", [left, right]) => add(left, right),
        ("_-_", [left, right]) => subtract(left, right),
        ("_*_" | "_/_" | "_%_", [left, right]) => multiply(name, left, right),
        (name, _) => return is_operator(name).then(|| Err(Failure::no_overload())),
    })
}

fn is_operator(name: &str) -> bool {
    name.starts_with(['_', '!', '-', '@'])
}

fn contains(item: &Value, of: &Value) -> Outcome {
    match (item, of) {
        (_, Value::Unknown) => Ok(Value::Unknown),
        (item, Value::List(list)) => Ok(truth(list.contains(item))),
        (Value::Unknown, Value::Map(_)) => Ok(Value::Unknown),
        (item, Value::Map(entries)) => Ok(truth(any(entries.keys().map(|key| key.to_value().equals(item))))),
        _ => Err(Failure::no_overload()),
    }
}

fn ordered(left: &Value, right: &Value, holds: impl Fn(Ordering) -> bool) -> Outcome {
    if matches!((left, right), (Value::Unknown, _) | (_, Value::Unknown)) {
        return Ok(Value::Unknown);
    }
    match (left.compares(right), left, right) {
        (Some(order), ..) => Ok(Value::Bool(holds(order))),
        // What is no number is neither less nor more.
        (None, Value::Double(_), Value::Double(_) | Value::Int(_) | Value::Uint(_)) => Ok(Value::Bool(false)),
        _ => Err(Failure::no_overload()),
    }
}

fn element(of: &Value, index: &Value) -> Outcome {
    match (of, index) {
        (Value::List(list), Value::Int(_) | Value::Uint(_) | Value::Double(_)) => {
            let found = place(index).and_then(|index| list.items.get(index));
            let shown = || index.as_text().unwrap_or_default();
            found.cloned().ok_or_else(|| Failure::new(format!("index out of bounds: {}", shown())))
        }
        (Value::Map(entries), key) => {
            let found = Key::of(key).and_then(|key| entries.get(&key));
            let shown = || key.as_text().unwrap_or_default();
            found.cloned().ok_or_else(|| Failure::new(format!("no such key: {}", shown())))
        }
        (Value::Optional(Some(of)), index) => Ok(optional_element(of, index)),
        (Value::Optional(None), _) => Ok(Value::Optional(None)),
        _ => Err(Failure::no_overload()),
    }
}

fn optional_element(of: &Value, index: &Value) -> Value {
    Value::Optional(element(of, index).ok().map(Arc::new))
}

/// The place in a list that a number names.
pub(super) fn place(index: &Value) -> Option<usize> {
    match index {
        Value::Int(number) => usize::try_from(*number).ok(),
        Value::Uint(number) => usize::try_from(*number).ok(),
        Value::Double(number) if number.fract() == 0.0 && (0.0..9.0e15).contains(number) => {
            Some(*number as usize)
        }
        _ => None,
    }
}

fn whole(number: Option<i64>) -> Outcome {
    number.map(Value::Int).ok_or_else(|| Failure::new("integer overflow"))
}

fn unsigned(number: Option<u64>) -> Outcome {
    number.map(Value::Uint).ok_or_else(|| Failure::new("unsigned integer overflow"))
}

fn span(nanoseconds: Option<i64>) -> Outcome {
    nanoseconds.map(Value::Duration).ok_or_else(|| Failure::new("integer overflow"))
}

fn moment(time: jiff::Timestamp, nanoseconds: Option<i64>) -> Outcome {
    let moved = nanoseconds.and_then(|by| time.checked_add(jiff::SignedDuration::from_nanos(by)).ok());
    moved.map(Value::Timestamp).ok_or_else(|| Failure::new("timestamp overflow"))
}

fn add(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => whole(left.checked_add(*right)),
        (Value::Uint(left), Value::Uint(right)) => unsigned(left.checked_add(*right)),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left + right)),
        (Value::Text(left), Value::Text(right)) => Ok(Value::text(&format!("{left}{right}"))),
        (Value::Bytes(left), Value::Bytes(right)) => Ok(Value::Bytes([&**left, &**right].concat().into())),
        (Value::List(left), Value::List(right)) => Ok(Value::List(left.join(right))),
        (Value::Duration(left), Value::Duration(right)) => span(left.checked_add(*right)),
        (Value::Timestamp(time), Value::Duration(by)) | (Value::Duration(by), Value::Timestamp(time)) => {
            moment(*time, Some(*by))
        }
        _ => Err(Failure::no_overload()),
    }
}

fn subtract(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => whole(left.checked_sub(*right)),
        (Value::Uint(left), Value::Uint(right)) => unsigned(left.checked_sub(*right)),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left - right)),
        (Value::Duration(left), Value::Duration(right)) => span(left.checked_sub(*right)),
        (Value::Timestamp(time), Value::Duration(by)) => moment(*time, by.checked_neg()),
        (Value::Timestamp(left), Value::Timestamp(right)) => {
            span(i64::try_from(left.duration_since(*right).as_nanos()).ok())
        }
        _ => Err(Failure::no_overload()),
    }
}

fn multiply(name: &str, left: &Value, right: &Value) -> Outcome {
    match (name, left, right) {
        ("_*_", Value::Int(left), Value::Int(right)) => whole(left.checked_mul(*right)),
        ("_*_", Value::Uint(left), Value::Uint(right)) => unsigned(left.checked_mul(*right)),
        ("_*_", Value::Double(left), Value::Double(right)) => Ok(Value::Double(left * right)),
        ("_/_", Value::Double(left), Value::Double(right)) => Ok(Value::Double(left / right)),
        ("_/_", Value::Int(_), Value::Int(0)) | ("_/_", Value::Uint(_), Value::Uint(0)) => {
            Err(Failure::new("division by zero"))
        }
        ("_%_", Value::Int(_), Value::Int(0)) | ("_%_", Value::Uint(_), Value::Uint(0)) => {
            Err(Failure::new("modulus by zero"))
        }
        ("_/_", Value::Int(left), Value::Int(right)) => whole(left.checked_div(*right)),
        ("_/_", Value::Uint(left), Value::Uint(right)) => unsigned(left.checked_div(*right)),
        ("_%_", Value::Int(left), Value::Int(right)) => whole(left.checked_rem(*right)),
        ("_%_", Value::Uint(left), Value::Uint(right)) => unsigned(left.checked_rem(*right)),
        _ => Err(Failure::no_overload()),
    }
}
