//! The types of values, and the one type that several of them have in common.

use std::collections::BTreeMap;

use crate::types::{Field, Type};
use crate::value::{Kind, Value};

/// As much as can be said about the type of a value. A list gives a tuple, since each element has a type of its own; `null`
/// and open objects give [`Type::Any`].
pub fn type_of_value(value: &Value) -> Type {
    match value.kind() {
        Kind::Null | Kind::Fingerprint(_) => Type::Any,
        Kind::Bool(_) => Type::Bool,
        Kind::Number(_) => Type::Number,
        Kind::String(_) => Type::String,
        Kind::List(elements) => Type::Tuple(elements.iter().map(type_of_value).collect()),
        Kind::Set(elements) => Type::Set(Box::new(common(elements.iter()))),
        Kind::Map(entries) => Type::Map(Box::new(common(entries.values()))),
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

/// The type that all values have in common, or any.
fn common<'a>(values: impl Iterator<Item = &'a Value>) -> Type {
    unify_values(values).unwrap_or(Type::Any)
}

/// The type that all values have in common; `null` fits with everything.
pub(super) fn unify_values<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Type> {
    let types: Vec<Type> = values.filter(|value| !value.is_null()).map(type_of_value).collect();
    unify(&types)
}

/// The type to which values of all these types convert without loss, as Terraform finds it. `None` if there is none;
/// [`Type::Any`] when it cannot be told yet.
pub(super) fn unify(types: &[Type]) -> Option<Type> {
    let Some((first, rest)) = types.split_first() else { return Some(Type::Any) };
    if rest.iter().all(|ty| ty == first) {
        return Some(first.clone());
    }
    if types.contains(&Type::Any) {
        return Some(Type::Any);
    }
    match first {
        Type::Bool | Type::Number | Type::String => unify_primitives(types),
        Type::Object(_) | Type::Map(_) => unify_keyed(types),
        Type::Tuple(_) | Type::List(_) | Type::Set(_) => unify_sequences(types),
        Type::Any => Some(Type::Any),
    }
}

/// A number and a bool have nothing in common, unless a string is among them.
fn unify_primitives(types: &[Type]) -> Option<Type> {
    let primitive = |ty: &Type| matches!(ty, Type::Bool | Type::Number | Type::String);
    (types.iter().all(primitive) && types.contains(&Type::String)).then_some(Type::String)
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

/// Tuples of one length stay tuples; else they are lists, or sets when a set is among them but no list.
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
    let mut elements = Vec::new();
    for ty in types {
        match ty {
            Type::List(element) | Type::Set(element) => elements.push((**element).clone()),
            Type::Tuple(own) => elements.extend(own.iter().cloned()),
            _ => return None,
        }
    }
    let element = unify(&elements)?;
    let has = |wanted: fn(&Type) -> bool| types.iter().any(wanted);
    match has(|ty| matches!(ty, Type::Set(_))) && !has(|ty| matches!(ty, Type::List(_))) {
        true => Some(Type::Set(Box::new(element))),
        false => Some(element.list()),
    }
}
