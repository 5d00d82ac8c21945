//! Functions that convert, and those about the sensitive mark.

use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::lang::convert::{ConvertError, convert};
use crate::lang::unify::{type_of_value, unify};
use crate::types::Type;
use crate::value::{Kind, Value};

const VALUE: &[Parameter] = &[Parameter::any("value").nullable().in_parts()];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("ephemeralasnull", VALUE, Shape::Any, |call| Ok(call.value(0)?.without_ephemeral())).raw(),
    Function::new("issensitive", VALUE, Shape::Bool, is_sensitive).raw(),
    Function::new("nonsensitive", VALUE, Shape::Any, nonsensitive).raw(),
    Function::new("sensitive", VALUE, Shape::Any, |call| Ok(call.value(0)?.clone().sensitive())).raw(),
    Function::new("tobool", VALUE, Shape::Bool, |call| to(call, &Type::Bool)).raw(),
    Function::new("tolist", VALUE, Shape::Sequence, |call| to(call, &Type::Any.list())).raw(),
    Function::new("tomap", VALUE, Shape::Entries, |call| to(call, &Type::Any.map())).raw(),
    Function::new("tonumber", VALUE, Shape::Number, |call| to(call, &Type::Number)).raw(),
    Function::new("toset", VALUE, Shape::Set, |call| to(call, &Shape::Set.ty())).raw(),
    Function::new("tostring", VALUE, Shape::Text, |call| to(call, &Type::String)).raw(),
    Function::new("type", VALUE, Shape::Text, |call| Ok(type_of_value(call.value(0)?).to_string().into()))
        .raw(),
];

fn to(call: &Call<'_>, ty: &Type) -> Outcome {
    convert(call.value(0)?, ty).map_err(|ConvertError { path, message }| match path.0.is_empty() {
        true => Failure::at(0, message),
        false => Failure::at(0, message).showing(format!("at {path}")),
    })
}

/// What is not known yet may still turn out to be sensitive.
fn is_sensitive(call: &Call<'_>) -> Outcome {
    let value = call.value(0)?;
    Ok(match value.is_sensitive() || value.is_known() {
        true => Value::bool(value.is_sensitive()),
        false => Value::unknown(Type::Bool),
    })
}

/// Only the mark of the value itself is taken off; those of its parts stay.
fn nonsensitive(call: &Call<'_>) -> Outcome {
    let value = call.value(0)?;
    match value.kind() {
        // There is nothing but the fingerprint left to show.
        Kind::Fingerprint(_) => Ok(Value::unknown(Type::Any)),
        kind => {
            let plain = Value::new(kind.clone()).marked(value.marks().without_sensitive());
            Ok(match value.stated() {
                Some(ty) => plain.stating(ty.clone()),
                None => plain,
            })
        }
    }
}

/// All values converted to the type that they have in common, or as they are if they have none.
pub(super) fn unified(values: Vec<Value>) -> Vec<Value> {
    let types: Vec<Type> = values.iter().filter(|value| !value.is_null()).map(type_of_value).collect();
    match unify(&types) {
        Some(ty) => values.into_iter().map(|value| convert(&value, &ty).unwrap_or(value)).collect(),
        None => values,
    }
}
