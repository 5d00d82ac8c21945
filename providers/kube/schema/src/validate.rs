//! The values of custom resources against their schemas.

use serde_json::{Value, json};

use crate::field_error::{FieldError, NOWHERE};
use crate::rule::counterpart;
use crate::types::{Limits, ListKind, Scalar, Shape, TypeId, TypeRef};
use crate::{format, pattern};

/// Everything in which a value breaks its schema. What was the same before has been accepted once, and is so again.
pub fn validate(ty: TypeRef<'_>, value: &Value, old: Option<&Value>, at: &str, errors: &mut Vec<FieldError>) {
    if old == Some(value) {
        return;
    }
    if let Some(expected) = wrong_type(ty, value) {
        if expected == "integer" && value.is_f64() {
            let detail = format!("Checked value must be of type integer (default format) in {at}");
            errors.push(FieldError::invalid(NOWHERE, &json!(""), &detail));
            if let Some(limits) = &ty.node().limits {
                check_limits(limits, value, at, errors);
            }
        }
        let got = type_name(value);
        let detail = format!("{at} in body must be of type {expected}: {got:?}");
        errors.push(FieldError::type_invalid(at, &format!("{got:?}"), &detail));
        return;
    }
    if let Some(limits) = &ty.node().limits {
        check_limits(limits, value, at, errors);
    }
    check_combined(ty, value, at, errors);
    match value {
        Value::Object(fields) => {
            // Nothing is no value of a field that cannot be nothing.
            let missing = |name: &String| match fields.get(name) {
                None => true,
                Some(value) => value.is_null() && !ty.value_or_any(name).node().nullable,
            };
            let required: Vec<&String> = ty.node().required.iter().filter(|name| missing(name)).collect();
            errors.extend(required.iter().map(|name| FieldError::required(join(at, name), "")));
            for (name, field) in fields.iter().filter(|(name, _)| !required.contains(name)) {
                if let Some(below) = ty.value(name) {
                    let old = old.and_then(|old| old.get(name));
                    validate(below, field, old, &join(at, name), errors);
                }
            }
        }
        Value::Array(items) => {
            check_unique(ty, items, at, errors);
            for (index, item) in items.iter().enumerate() {
                let old = old.and_then(|old| match ty.shape() {
                    Shape::List { kind, .. } => counterpart(kind, item, old),
                    _ => None,
                });
                validate(ty.item(), item, old, &format!("{at}[{index}]"), errors);
            }
        }
        _ => {}
    }
}

/// Items of sets and maps differ.
fn check_unique(ty: TypeRef<'_>, items: &[Value], at: &str, errors: &mut Vec<FieldError>) {
    let Shape::List { kind, .. } = ty.shape() else { return };
    let id = |item: &Value| match kind {
        ListKind::Atomic => Value::Null,
        ListKind::Set => item.clone(),
        ListKind::Map(keys) => {
            keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect()
        }
    };
    if *kind == ListKind::Atomic {
        return;
    }
    let mut seen = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let id = id(item);
        if seen.contains(&id) {
            errors.push(FieldError::duplicate(format!("{at}[{index}]"), &id));
        } else {
            seen.push(id);
        }
    }
}

/// `allOf`, `anyOf`, `oneOf` and `not`: the failure as a whole, and what failed of those that should have held.
fn check_combined(ty: TypeRef<'_>, value: &Value, at: &str, errors: &mut Vec<FieldError>) {
    let Some(combined) = &ty.node().combined else { return };
    let fails = |id: &TypeId| {
        let mut found = Vec::new();
        validate(ty.types.at(*id), value, None, at, &mut found);
        found
    };
    let mut refuse = |detail: String, parts: Vec<FieldError>| {
        errors.push(FieldError::invalid(NOWHERE, &json!(""), &detail));
        errors.extend(parts);
    };
    let any: Vec<_> = combined.any.iter().map(fails).collect();
    if !any.is_empty() && !any.iter().any(Vec::is_empty) {
        let first = any.into_iter().next().unwrap_or_default();
        refuse(format!("{at:?} must validate at least one schema (anyOf)"), first);
    }
    let one: Vec<_> = combined.one.iter().map(fails).collect();
    match one.iter().filter(|failures| failures.is_empty()).count() {
        _ if one.is_empty() => {}
        1 => {}
        count => {
            let first = if count == 0 { one.into_iter().next().unwrap_or_default() } else { Vec::new() };
            let found =
                if count == 0 { "none valid".to_owned() } else { format!("{count} valid alternatives") };
            refuse(format!("{at:?} must validate one and only one schema (oneOf). Found {found}"), first);
        }
    }
    let all: Vec<FieldError> = combined.all.iter().flat_map(fails).collect();
    if !all.is_empty() {
        refuse(format!("{at:?} must validate all the schemas (allOf)"), all);
    }
    if combined.none.as_ref().is_some_and(|none| fails(none).is_empty()) {
        refuse(format!("{at:?} must not validate the schema (not)"), Vec::new());
    }
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn wrong_type(ty: TypeRef<'_>, value: &Value) -> Option<&'static str> {
    if value.is_null() {
        return (!ty.node().nullable && !matches!(ty.shape(), Shape::Any)).then(|| ty.shape().type_name());
    }
    let fits = match ty.shape() {
        Shape::Any => true,
        Shape::Map(_) => value.is_object(),
        Shape::List { .. } => value.is_array(),
        Shape::Scalar(Scalar::Integer) => value.is_i64() || value.is_u64(),
        Shape::Scalar(Scalar::Number) => value.is_number(),
        Shape::Scalar(Scalar::Boolean) => value.is_boolean(),
        Shape::Scalar(Scalar::IntOrString | Scalar::Quantity) => value.is_number() || value.is_string(),
        Shape::Scalar(_) => value.is_string(),
    };
    (!fits).then(|| ty.shape().type_name())
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn check_limits(limits: &Limits, value: &Value, at: &str, errors: &mut Vec<FieldError>) {
    if !limits.allowed.is_empty() && !limits.allowed.contains(value) {
        errors.push(FieldError::unsupported(at, value, &limits.allowed));
    }
    if let Some(number) = value.as_f64() {
        let mut refuse = |detail: String| errors.push(FieldError::invalid(at, value, &detail));
        check_number(limits, number, at, &mut refuse);
    }
    match value {
        Value::String(string) => {
            if let Some(format) = limits.format.as_deref().filter(|format| !format::is_of(format, string)) {
                let detail = format!("{at} in body must be of type {format}: {value}");
                errors.push(FieldError::type_invalid(at, &value.to_string(), &detail));
                return;
            }
            check_text(limits, value, string, at, errors);
        }
        Value::Array(items) => {
            let length = items.len() as u64;
            if let Some(least) = limits.min_items.filter(|least| length < *least) {
                let detail = format!("{at} in body should have at least {least} items");
                errors.push(FieldError::invalid(at, &json!(length), &detail));
            }
            if let Some(most) = limits.max_items.filter(|most| length > *most) {
                errors.push(FieldError::too_many(at, items.len(), most));
            }
        }
        Value::Object(fields) => {
            let length = fields.len() as u64;
            if let Some(least) = limits.min_properties.filter(|least| length < *least) {
                let detail = format!("{at} in body should have at least {least} properties");
                errors.push(FieldError::invalid(at, &json!(length), &detail));
            }
            if let Some(most) = limits.max_properties.filter(|most| length > *most) {
                errors.push(FieldError::too_many(at, fields.len(), most));
            }
        }
        _ => {}
    }
}

/// The first rule that a text breaks, as the server does not look further.
fn check_text(limits: &Limits, value: &Value, text: &str, at: &str, errors: &mut Vec<FieldError>) {
    let length = text.chars().count() as u64;
    if let Some(most) = limits.max_length.filter(|most| length > *most) {
        errors.push(FieldError::too_long(at, most));
    } else if let Some(least) = limits.min_length.filter(|least| length < *least) {
        let detail = format!("{at} in body should be at least {least} chars long");
        errors.push(FieldError::invalid(at, value, &detail));
    } else if let Some(regex) = limits.pattern.as_deref().filter(|regex| !pattern::matches(regex, text)) {
        errors.push(FieldError::invalid(at, value, &format!("{at} in body should match '{regex}'")));
    }
}

fn check_number(limits: &Limits, number: f64, at: &str, refuse: &mut impl FnMut(String)) {
    if let Some(least) = limits.minimum {
        match (limits.exclusive_minimum, number) {
            (true, number) if number <= least => {
                refuse(format!("{at} in body should be greater than {least}"))
            }
            (false, number) if number < least => {
                refuse(format!("{at} in body should be greater than or equal to {least}"));
            }
            _ => {}
        }
    }
    if let Some(most) = limits.maximum {
        match (limits.exclusive_maximum, number) {
            (true, number) if number >= most => refuse(format!("{at} in body should be less than {most}")),
            (false, number) if number > most => {
                refuse(format!("{at} in body should be less than or equal to {most}"));
            }
            _ => {}
        }
    }
    if let Some(step) = limits.multiple_of.filter(|step| *step > 0.0)
        && (number / step).fract().abs() > f64::EPSILON
    {
        refuse(format!("{at} in body should be a multiple of {step}"));
    }
}
