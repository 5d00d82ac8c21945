//! Quantities and versions.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::cel::evaluate::{Failure, Outcome};
use crate::cel::value::Value;
use crate::quantity::Amount;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Outcome> {
    Some(match (name, arguments) {
        ("isQuantity", [Value::Text(text)]) => Ok(Value::Bool(Amount::parse(text).is_some())),
        ("quantity", [Value::Text(text)]) => Amount::parse(text).map(Value::Quantity).ok_or_else(|| {
            Failure::new(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            )
        }),
        ("isSemver", [Value::Text(text)]) => Ok(Value::Bool(version(text, false).is_some())),
        ("isSemver", [Value::Text(text), Value::Bool(lenient)]) => {
            Ok(Value::Bool(version(text, *lenient).is_some()))
        }
        ("semver", [Value::Text(text)]) => parsed(text, false),
        ("semver", [Value::Text(text), Value::Bool(lenient)]) => parsed(text, *lenient),
        ("isLessThan", [own, other]) => order(own, other)?.map(|order| Value::Bool(order == Ordering::Less)),
        ("isGreaterThan", [own, other]) => {
            order(own, other)?.map(|order| Value::Bool(order == Ordering::Greater))
        }
        ("compareTo", [own, other]) => order(own, other)?.map(|order| Value::Int(order as i64)),
        (_, [Value::Quantity(amount), rest @ ..]) => return of_quantity(name, *amount, rest),
        (_, [Value::Version(version)]) => return of_version(name, version),
        _ => return None,
    })
}

fn order(own: &Value, other: &Value) -> Option<Result<Ordering, Failure>> {
    match (own, other) {
        (Value::Quantity(own), Value::Quantity(other)) => Some(Ok(own.cmp(other))),
        (Value::Version(own), Value::Version(other)) => Some(Ok(own.cmp_precedence(other))),
        _ => None,
    }
}

fn of_quantity(name: &str, amount: Amount, rest: &[Value]) -> Option<Outcome> {
    let overflow = || Failure::new("quantity overflow");
    Some(match (name, rest) {
        ("sign", []) => Ok(Value::Int(amount.nano().signum() as i64)),
        ("isInteger", []) => Ok(Value::Bool(amount.whole().is_some())),
        ("asInteger", []) => {
            amount.whole().map(Value::Int).ok_or_else(|| Failure::new("cannot convert value to integer"))
        }
        ("asApproximateFloat", []) => Ok(Value::Double(amount.nano() as f64 / 1e9)),
        ("add", [Value::Quantity(other)]) => amount.plus(*other).map(Value::Quantity).ok_or_else(overflow),
        ("sub", [Value::Quantity(other)]) => amount.minus(*other).map(Value::Quantity).ok_or_else(overflow),
        ("add", [Value::Int(other)]) => {
            amount.plus(Amount::of_whole(*other)).map(Value::Quantity).ok_or_else(overflow)
        }
        ("sub", [Value::Int(other)]) => {
            amount.minus(Amount::of_whole(*other)).map(Value::Quantity).ok_or_else(overflow)
        }
        _ => return None,
    })
}

fn of_version(name: &str, version: &semver::Version) -> Option<Outcome> {
    let part = match name {
        "major" => version.major,
        "minor" => version.minor,
        "patch" => version.patch,
        _ => return None,
    };
    Some(i64::try_from(part).map(Value::Int).map_err(|_| Failure::new("integer overflow")))
}

fn parsed(text: &str, lenient: bool) -> Outcome {
    let found = version(text, lenient).map(|version| Value::Version(Arc::new(version)));
    found.ok_or_else(|| Failure::new("No Major.Minor.Patch elements found"))
}

/// A version; leniently one with a leading `v`, leading zeros or fewer than three parts.
fn version(text: &str, lenient: bool) -> Option<semver::Version> {
    if !lenient {
        return semver::Version::parse(text).ok();
    }
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let mut parts: Vec<&str> = core.split('.').collect();
    while parts.len() < 3 {
        parts.push("0");
    }
    let stripped = parts.iter().map(|part| match part.trim_start_matches('0') {
        "" if !part.is_empty() => "0",
        stripped => stripped,
    });
    semver::Version::parse(&format!("{}{rest}", stripped.collect::<Vec<_>>().join("."))).ok()
}
