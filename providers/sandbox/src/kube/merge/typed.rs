//! An object's field set, and whether an applied object is of its type.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fieldset::FieldSet;
use super::form::{Form, fields, form, is_hollow, item_element, items};
use super::path::{Path, PathElement};
use crate::kube::types::{ListKind, Scalar, Shape, TypeRef};

/// Every path that an object sets.
pub(crate) fn field_set(ty: TypeRef<'_>, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    collect(ty, value, &mut Path::default(), &mut set);
    set
}

fn collect(ty: TypeRef<'_>, value: &Value, at: &mut Path, set: &mut FieldSet) {
    match form(ty, value) {
        Form::Leaf => set.insert(at),
        Form::Items => {
            for (index, item) in items(Some(value)).iter().enumerate() {
                let Ok(element) = item_element(ty, index, item) else { continue };
                at.push(element);
                collect(ty.item(), item, at, set);
                set.insert(at);
                at.pop();
            }
        }
        Form::Fields => {
            for (name, field) in fields(Some(value)) {
                at.push(PathElement::field(name));
                collect(ty.value_or_any(name), field, at, set);
                let hollow_map = field.is_null() || (field.is_object() && is_hollow(Some(field)));
                if hollow_map || ty.field(name).is_none() {
                    set.insert(at);
                }
                at.pop();
            }
        }
    }
}

/// What keeps a value from being of its type, as the server words it.
pub(crate) fn validate(ty: TypeRef<'_>, value: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    check(ty, value, &mut Path::default(), &mut problems);
    problems
}

fn check(ty: TypeRef<'_>, value: &Value, at: &mut Path, problems: &mut Vec<String>) {
    match (ty.shape(), value) {
        (Shape::Any, _) | (_, Value::Null) => {}
        (Shape::Scalar(scalar), value) => {
            if let Some(expected) = mismatch(*scalar, value) {
                let got = if expected.starts_with("numeric") {
                    described(value).to_owned()
                } else {
                    printed(value)
                };
                problems.push(format!("{at}: expected {expected}, got {got}"));
            }
        }
        (Shape::List { kind, .. }, Value::Array(list)) => check_items(ty, kind, list, at, problems),
        (Shape::List { .. }, other) => {
            problems.push(format!("{at}: expected list, got {}", printed(other)));
        }
        (Shape::Map(_), Value::Object(map)) => {
            for (name, field) in map {
                at.push(PathElement::field(name));
                match ty.value(name) {
                    Some(below) => check(below, field, at, problems),
                    None => problems.push(format!("{at}: field not declared in schema")),
                }
                at.pop();
            }
        }
        (Shape::Map(_), other) => problems.push(format!("{at}: expected map, got {}", printed(other))),
    }
}

fn check_items(ty: TypeRef<'_>, kind: &ListKind, list: &[Value], at: &mut Path, problems: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, item) in list.iter().enumerate() {
        let element = match item_element(ty, index, item) {
            Ok(element) => element,
            Err(problem) => {
                problems.push(format!("{at}: element {index}: {problem}"));
                continue;
            }
        };
        if *kind != ListKind::Atomic && !seen.insert(element.clone()) {
            problems.push(format!("{at}: duplicate entries for key {element}"));
        }
        at.push(element);
        check(ty.item(), item, at, problems);
        at.pop();
    }
}

/// What was expected, if the value is something else.
fn mismatch(scalar: Scalar, value: &Value) -> Option<&'static str> {
    match scalar {
        Scalar::String | Scalar::Time | Scalar::MicroTime | Scalar::Bytes => {
            (!value.is_string()).then_some("string")
        }
        Scalar::Integer | Scalar::Number => (!value.is_number()).then_some("numeric (int or float)"),
        Scalar::Boolean => (!value.is_boolean()).then_some("boolean"),
        Scalar::Quantity | Scalar::IntOrString => (value.is_object() || value.is_array()).then_some("scalar"),
    }
}

/// A value as the server prints the ones that it does not expect.
fn printed(value: &Value) -> String {
    format!("&value.valueUnstructured{{Value:{value}}}")
}

/// The name of a value's type, in Go's words.
fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
