//! Lists, and lists as sets.

use std::cmp::Ordering;

use crate::cel::evaluate::{Failure, Outcome};
use crate::cel::operator::{self, count, place};
use crate::cel::value::{List, Value};

/// The longest list that `lists.range` makes.
const RANGE_MAX: i64 = 100_000;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Outcome> {
    if let ("lists.range", [Value::Int(length)]) = (name, arguments) {
        return Some(if *length > RANGE_MAX {
            Err(Failure::new("operation cancelled: actual cost limit exceeded"))
        } else {
            Ok(Value::list((0..*length).map(Value::Int).collect()))
        });
    }
    let [Value::List(list), rest @ ..] = arguments else { return None };
    Some(match (name, rest) {
        ("isSorted", []) => is_sorted(list),
        ("sum", []) => sum(list),
        ("min", []) => extreme(list, Ordering::Less),
        ("max", []) => extreme(list, Ordering::Greater),
        ("indexOf", [item]) => Ok(index(list.items.iter().position(|own| own.equals(item) == Some(true)))),
        ("lastIndexOf", [item]) => {
            Ok(index(list.items.iter().rposition(|own| own.equals(item) == Some(true))))
        }
        ("distinct", []) => Ok(distinct(list)),
        ("reverse", []) => Ok(Value::list(list.items.iter().rev().cloned().collect())),
        ("flatten", []) => Ok(flatten(list)),
        ("slice", [start, end]) => slice(list, start, end),
        ("sort", []) => sorted(list),
        ("sets.contains", [Value::List(other)]) => Ok(Value::Bool(holds_all(list, other))),
        ("sets.equivalent", [Value::List(other)]) => {
            Ok(Value::Bool(holds_all(list, other) && holds_all(other, list)))
        }
        ("sets.intersects", [Value::List(other)]) => {
            Ok(Value::Bool(other.items.iter().any(|item| list.contains(item) == Some(true))))
        }
        _ => return None,
    })
}

fn index(found: Option<usize>) -> Value {
    found.map_or(Value::Int(-1), count)
}

fn holds_all(list: &List, other: &List) -> bool {
    other.items.iter().all(|item| list.contains(item) == Some(true))
}

fn is_sorted(list: &List) -> Outcome {
    for pair in list.items.windows(2) {
        if let [first, second] = pair {
            let order = first.compares(second).ok_or_else(Failure::no_overload)?;
            if order == Ordering::Greater {
                return Ok(Value::Bool(false));
            }
        }
    }
    Ok(Value::Bool(true))
}

fn sum(list: &List) -> Outcome {
    let mut items = list.items.iter();
    let Some(first) = items.next() else { return Ok(Value::Int(0)) };
    items.try_fold(first.clone(), |sum, item| {
        operator::call("_+_", &[sum, item.clone()]).unwrap_or_else(|| Err(Failure::no_overload()))
    })
}

fn extreme(list: &List, wanted: Ordering) -> Outcome {
    let mut items = list.items.iter();
    let name = if wanted == Ordering::Less { "min" } else { "max" };
    let first = items.next().ok_or_else(|| Failure::new(format!("{name} called on empty list")))?;
    let best = items.try_fold(first, |best, item| {
        let order = item.compares(best).ok_or_else(Failure::no_overload)?;
        Ok::<_, Failure>(if order == wanted { item } else { best })
    });
    best.cloned()
}

fn distinct(list: &List) -> Value {
    let mut kept: Vec<Value> = Vec::new();
    for item in list.items.iter() {
        if !kept.iter().any(|own| own.equals(item) == Some(true)) {
            kept.push(item.clone());
        }
    }
    Value::list(kept)
}

fn flatten(list: &List) -> Value {
    let mut items = Vec::new();
    for item in list.items.iter() {
        match item {
            Value::List(inner) => items.extend(inner.items.iter().cloned()),
            other => items.push(other.clone()),
        }
    }
    Value::list(items)
}

fn slice(list: &List, start: &Value, end: &Value) -> Outcome {
    let found = place(start).zip(place(end)).and_then(|(start, end)| list.items.get(start..end));
    found
        .map(|items| Value::list(items.to_vec()))
        .ok_or_else(|| Failure::new("cannot slice: index out of range"))
}

fn sorted(list: &List) -> Outcome {
    let comparable = list.items.windows(2).all(|pair| matches!(pair, [a, b] if a.compares(b).is_some()));
    if !comparable {
        return Err(Failure::no_overload());
    }
    let mut items = Vec::clone(&list.items);
    items.sort_by(|first, second| first.compares(second).unwrap_or(Ordering::Equal));
    Ok(Value::list(items))
}
