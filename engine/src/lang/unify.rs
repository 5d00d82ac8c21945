//! The types of values, and the one type that several of them have in common.

use std::collections::BTreeMap;

use super::convert::fits;
use crate::types::{Field, Type};
use crate::value::{Kind, Value};

/// As much as can be said about the type of a value; null and open objects may be anything.
pub fn type_of_value(value: &Value) -> Type {
    match value.kind() {
        Kind::Null => value.stated().cloned().unwrap_or(Type::Any),
        Kind::Fingerprint(_) => Type::Any,
        Kind::Bool(_) => Type::Bool,
        Kind::Number(_) => Type::Number,
        Kind::String(_) => Type::String,
        Kind::List(elements) => match value.stated() {
            Some(element) => element.clone().list(),
            None => Type::Tuple(elements.iter().map(type_of_value).collect()),
        },
        Kind::Set(_) => Type::Set(Box::new(element_type_of(value).unwrap_or(Type::Any))),
        Kind::Map(_) => element_type_of(value).unwrap_or(Type::Any).map(),
        Kind::Object(object) if object.open => Type::Any,
        Kind::Object(object) => Type::Object(
            object
                .fields
                .iter()
                .map(|(name, value)| (name.clone(), Field { ty: type_of_value(value), optional: false }))
                .collect(),
        ),
        Kind::Unknown(ty) => ty.clone(),
    }
}

/// The type of all elements of a list, set or map, whether any are there or not. Those of a tuple or an object have none in common.
pub(super) fn element_type_of(value: &Value) -> Option<Type> {
    match (value.kind(), value.stated()) {
        (Kind::List(_), stated) => stated.cloned(),
        (Kind::Set(_) | Kind::Map(_), Some(stated)) => Some(stated.clone()),
        (Kind::Set(elements), None) => Some(common(elements.iter())),
        (Kind::Map(entries), None) => Some(common(entries.values())),
        _ => None,
    }
}

/// The type that all values have in common, or any.
pub(super) fn common<'a>(values: impl Iterator<Item = &'a Value>) -> Type {
    unify_values(values).unwrap_or(Type::Any)
}

/// The type that all values have in common; a `null` of no type fits with everything.
pub(super) fn unify_values<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Type> {
    let is_typed = |value: &&Value| !value.is_null() || value.stated().is_some();
    let mut types: Vec<Type> = Vec::new();
    for value in values.filter(is_typed) {
        let ty = type_of_value(value);
        // Elements mostly are of one type; what is the same as its neighbour adds nothing.
        if types.last() != Some(&ty) {
            types.push(ty);
        }
    }
    unify(&types)
}

/// The type to which values of all these types convert, as Terraform finds it. `None` if there is none; [`Type::Any`] when it
/// cannot be told yet.
pub(super) fn unify(types: &[Type]) -> Option<Type> {
    let Some((first, rest)) = types.split_first() else { return Some(Type::Any) };
    if rest.iter().all(|ty| ty == first) {
        return Some(first.clone());
    }
    if types.contains(&Type::Any) {
        // What is not known yet will be converted, if it stands beside texts, numbers or bools only.
        let told: Vec<Type> = types.iter().filter(|ty| **ty != Type::Any).cloned().collect();
        return match told.iter().all(is_primitive) {
            true => unify(&told),
            false => Some(Type::Any),
        };
    }
    match first {
        Type::Bool | Type::Number | Type::String => unify_primitives(types),
        Type::Object(_) | Type::Map(_) => unify_keyed(types),
        Type::Tuple(_) | Type::List(_) | Type::Set(_) => unify_sequences(types),
        Type::Any => Some(Type::Any),
    }
}

fn is_primitive(ty: &Type) -> bool {
    matches!(ty, Type::Bool | Type::Number | Type::String)
}

/// A number and a bool have nothing in common, unless a string is among them.
fn unify_primitives(types: &[Type]) -> Option<Type> {
    (types.iter().all(is_primitive) && types.contains(&Type::String)).then_some(Type::String)
}

/// Objects of the same attributes stay objects; else they are maps, if their values have a type in common.
fn unify_keyed(types: &[Type]) -> Option<Type> {
    if let Some(objects) = all_objects(types)
        && let Some((first, rest)) = objects.split_first()
        && rest.iter().all(|object| object.keys().eq(first.keys()))
    {
        let fields = first.keys().map(|name| {
            let parts: Vec<Type> =
                objects.iter().filter_map(|object| object.get(name)).map(|f| f.ty.clone()).collect();
            let optional = objects.iter().any(|object| object.get(name).is_some_and(|field| field.optional));
            Some((name.clone(), Field { ty: unify(&parts)?, optional }))
        });
        return fields.collect::<Option<_>>().map(Type::Object);
    }
    let mut values = Vec::new();
    for ty in types {
        match ty {
            Type::Map(value) => values.push((**value).clone()),
            Type::Object(fields) => values.extend(fields.values().map(|field| field.ty.clone())),
            _ => return None,
        }
    }
    unify(&values).map(Type::map)
}

fn all_objects(types: &[Type]) -> Option<Vec<&BTreeMap<String, Field>>> {
    types
        .iter()
        .map(|ty| match ty {
            Type::Object(fields) => Some(fields),
            _ => None,
        })
        .collect()
}

/// Tuples of one length stay tuples; else they are lists, also with lists among them. Beside sets, one of the types must be fit for
/// all: a list if there is one, else a set.
fn unify_sequences(types: &[Type]) -> Option<Type> {
    let tuples: Option<Vec<&Vec<Type>>> = types
        .iter()
        .map(|ty| match ty {
            Type::Tuple(elements) => Some(elements),
            _ => None,
        })
        .collect();
    if let Some(tuples) = tuples
        && let Some((first, rest)) = tuples.split_first()
        && rest.iter().all(|tuple| tuple.len() == first.len())
    {
        let columns = (0..first.len()).map(|at| {
            let column: Vec<Type> = tuples.iter().filter_map(|tuple| tuple.get(at)).cloned().collect();
            unify(&column)
        });
        return columns.collect::<Option<_>>().map(Type::Tuple);
    }
    if let Some(set) = types.iter().find(|ty| matches!(ty, Type::Set(_))) {
        let list = types.iter().find(|ty| matches!(ty, Type::List(_)));
        let all_sets = types.iter().all(|ty| matches!(ty, Type::Set(_)));
        return match all_sets {
            true => unify_elements(types).map(|element| Type::Set(Box::new(element))),
            false => {
                Some(list.unwrap_or(set)).filter(|wanted| types.iter().all(|ty| fits(ty, wanted))).cloned()
            }
        };
    }
    unify_elements(types).map(Type::list)
}

fn unify_elements(types: &[Type]) -> Option<Type> {
    let mut elements = Vec::new();
    for ty in types {
        match ty {
            Type::List(element) | Type::Set(element) => elements.push((**element).clone()),
            Type::Tuple(own) => elements.extend(own.iter().cloned()),
            _ => return None,
        }
    }
    unify(&elements)
}
