//! Conversion of values to types, by Terraform's rules.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use super::number;
use super::unify::unify_values;
use crate::types::{Field, Type};
use crate::value::{Kind, Marks, Object, Path, PathStep, Value};

/// Why a value does not fit a type. Never shows what is sensitive.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct ConvertError {
    /// The part that does not fit.
    pub path: Path,
    /// What is wrong with it: a fragment that reads after the part's name, such as "a number is required, not a list".
    pub message: String,
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.0.is_empty() {
            true => f.write_str(&self.message),
            false => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

/// The value as a value of a type.
///
/// # Errors
/// When it has no such form; the error names the innermost part to blame.
pub fn convert(value: &Value, ty: &Type) -> Result<Value, ConvertError> {
    match convert_kind(value, ty) {
        Ok(converted) => Ok(converted.marked(value.marks())),
        // The keys of something sensitive are sensitive, too.
        Err(error) if value.is_sensitive() => Err(ConvertError { path: Path::default(), ..error }),
        Err(error) => Err(error),
    }
}

fn convert_kind(value: &Value, ty: &Type) -> Result<Value, ConvertError> {
    match (value.kind(), ty) {
        (_, Type::Any) | (Kind::Fingerprint(_), _) => Ok(value.clone()),
        (Kind::Null, _) => Ok(Value::null().stating(ty.settled())),
        (Kind::Unknown(known), _) if known == ty => Ok(value.clone()),
        (Kind::Unknown(known), _) => convert_unknown(known, ty),
        (_, Type::Bool) => to_bool(value),
        (_, Type::Number) => to_number(value),
        (_, Type::String) => to_text(value),
        (_, Type::List(element)) => match value.kind() {
            Kind::List(_) if states(value, element) => Ok(value.clone()),
            Kind::List(elements) | Kind::Set(elements) => {
                let (elements, element) = convert_all(elements, &told(value, element))?;
                Ok(Value::list(elements).stating(element))
            }
            _ => Err(mismatch(value, ty)),
        },
        (_, Type::Set(element)) => match value.kind() {
            Kind::Set(_) if states(value, element) => Ok(value.clone()),
            Kind::List(elements) | Kind::Set(elements) => {
                let (elements, element) = convert_all(elements, &told(value, element))?;
                Ok(set_of(elements).stating(element))
            }
            _ => Err(mismatch(value, ty)),
        },
        (_, Type::Map(element)) => match value.kind() {
            Kind::Map(_) if states(value, element) => Ok(value.clone()),
            _ => to_map(value, &told(value, element)),
        },
        (_, Type::Tuple(elements)) => to_tuple(value, elements),
        (_, Type::Object(fields)) => to_object(value, fields),
    }
}

/// Whether the elements are known to be of just that type.
fn states(value: &Value, element: &Type) -> bool {
    value.stated() == Some(element)
}

/// The type that elements are to have: for "any", the one that they have already, if it is stated.
fn told(value: &Value, element: &Type) -> Type {
    match (element, value.stated()) {
        (Type::Any, Some(stated)) => stated.clone(),
        _ => element.clone(),
    }
}

/// A set. Sensitive elements make it sensitive as a whole, since the order of its elements tells about them.
pub(super) fn set_of(elements: Vec<Value>) -> Value {
    let marks = Marks::of(&elements);
    let mut elements = match marks.is_any() {
        true => elements.iter().map(Value::unmarked).collect(),
        false => elements,
    };
    elements.sort_by(Value::compare);
    elements.dedup_by(|a, b| a.same(b) && a.is_wholly_known());
    Value::new(Kind::Set(elements.into())).marked(marks)
}

fn convert_unknown(known: &Type, ty: &Type) -> Result<Value, ConvertError> {
    match fits(known, ty) {
        true => Ok(Value::unknown(narrower(known, ty))),
        // The words may be the same where the types are not.
        false if known.name() == ty.name() => Err(wrong(format!("{ty} is required, not {known}"))),
        false => Err(required(ty, &article(known.name()))),
    }
}

/// What remains unknown keeps the more telling of the two types.
fn narrower(known: &Type, ty: &Type) -> Type {
    match (known, ty) {
        (known, Type::Any) => known.clone(),
        (Type::List(known) | Type::Set(known), Type::List(ty)) => narrower(known, ty).list(),
        (Type::Map(known), Type::Map(ty)) => narrower(known, ty).map(),
        _ => ty.clone(),
    }
}

/// Whether some value of the first type converts to the second.
pub(super) fn fits(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::Bool | Type::Number | Type::String, Type::String) => true,
        (Type::String, Type::Bool | Type::Number) => true,
        (Type::List(from) | Type::Set(from), Type::List(to) | Type::Set(to)) => fits(from, to),
        (Type::Tuple(from), Type::List(to) | Type::Set(to)) => from.iter().all(|from| fits(from, to)),
        (Type::Tuple(from), Type::Tuple(to)) => {
            from.len() == to.len() && from.iter().zip(to).all(|(from, to)| fits(from, to))
        }
        (Type::List(from) | Type::Set(from), Type::Tuple(to)) => to.iter().all(|to| fits(from, to)),
        (Type::Map(from), Type::Map(to)) => fits(from, to),
        (Type::Object(from), Type::Map(to)) => from.values().all(|from| fits(&from.ty, to)),
        (Type::Map(from), Type::Object(to)) => to.values().all(|to| fits(from, &to.ty)),
        (Type::Object(from), Type::Object(to)) => to.iter().all(|(name, to)| match from.get(name) {
            Some(from) => fits(&from.ty, &to.ty),
            None => to.optional,
        }),
        _ => from == to,
    }
}

fn to_bool(value: &Value) -> Result<Value, ConvertError> {
    match value.kind() {
        Kind::Bool(_) => Ok(value.clone()),
        Kind::String(text) => match &**text {
            "true" | "1" => Ok(Value::bool(true)),
            "false" | "0" => Ok(Value::bool(false)),
            other => {
                let hint = match other.to_ascii_lowercase().as_str() {
                    "true" | "false" => " in lower case",
                    _ => "",
                };
                Err(wrong(format!("a bool is required: the text must be \"true\" or \"false\"{hint}")))
            }
        },
        _ => Err(mismatch(value, &Type::Bool)),
    }
}

fn to_number(value: &Value) -> Result<Value, ConvertError> {
    match value.kind() {
        Kind::Number(_) => Ok(value.clone()),
        Kind::String(text) => number::parse(text)
            .map(Value::number)
            .ok_or_else(|| wrong("a number is required: the text is not a decimal number".into())),
        _ => Err(mismatch(value, &Type::Number)),
    }
}

fn to_text(value: &Value) -> Result<Value, ConvertError> {
    match value.kind() {
        Kind::String(_) => Ok(value.clone()),
        Kind::Number(number) => Ok(Value::string(number::text(number))),
        Kind::Bool(truth) => Ok(Value::string(if *truth { "true" } else { "false" })),
        _ => Err(mismatch(value, &Type::String)),
    }
}

fn to_map(value: &Value, element: &Type) -> Result<Value, ConvertError> {
    let entries = match value.kind() {
        Kind::Map(entries) => entries,
        Kind::Object(object) if object.open => {
            return Ok(Value::unknown(element.clone().map()).marked(value.all_marks()));
        }
        Kind::Object(object) => &object.fields,
        _ => return Err(mismatch(value, &element.clone().map())),
    };
    let (mut converted, element) =
        convert_parts(entries.iter().map(|(key, value)| (PathStep::Attribute(key.clone()), value)), element)?;
    let entries = entries.keys().cloned().zip(converted.drain(..));
    Ok(Value::map(entries).stating(element))
}

fn to_tuple(value: &Value, types: &[Type]) -> Result<Value, ConvertError> {
    let (Kind::List(elements) | Kind::Set(elements)) = value.kind() else {
        return Err(mismatch(value, &Type::Tuple(types.to_vec())));
    };
    if elements.len() != types.len() {
        return Err(wrong(format!("{} elements are required, not {}", types.len(), elements.len())));
    }
    let converted = elements.iter().zip(types).enumerate().map(|(index, (element, ty))| {
        convert(element, ty).map_err(|error| error.inside(PathStep::Index(index)))
    });
    Ok(Value::list(converted.collect::<Result<Vec<_>, _>>()?))
}

fn to_object(value: &Value, fields: &BTreeMap<String, Field>) -> Result<Value, ConvertError> {
    let Some(given) = value.as_map() else { return Err(mismatch(value, &Type::Object(fields.clone()))) };
    let open = matches!(value.kind(), Kind::Object(object) if object.open);
    let mut converted = BTreeMap::new();
    for (name, field) in fields {
        let part = match given.get(name) {
            Some(part) => {
                convert(part, &field.ty).map_err(|error| error.inside(PathStep::Attribute(name.clone())))?
            }
            None if open => Value::unknown(field.ty.clone()),
            None if field.optional => convert(&Value::null(), &field.ty)?,
            None => return Err(wrong(format!("attribute {name:?} is required"))),
        };
        converted.insert(name.clone(), part);
    }
    Ok(Value::new(Kind::Object(Object { fields: converted, open: false }.into())))
}

fn convert_all(elements: &[Value], ty: &Type) -> Result<(Vec<Value>, Type), ConvertError> {
    convert_parts(elements.iter().enumerate().map(|(index, element)| (PathStep::Index(index), element)), ty)
}

/// The elements of a list, set or map as values of a type, and that type in full: elements of a type with "any" in it must have one in
/// common.
fn convert_parts<'a>(
    parts: impl Iterator<Item = (PathStep, &'a Value)> + Clone,
    ty: &Type,
) -> Result<(Vec<Value>, Type), ConvertError> {
    let all_as = |ty: &Type| {
        let converted =
            parts.clone().map(|(step, part)| convert(part, ty).map_err(|error| error.inside(step)));
        converted.collect::<Result<Vec<_>, _>>()
    };
    if !ty.has_any() {
        return Ok((all_as(ty)?, ty.settled()));
    }
    let first = if *ty == Type::Any { None } else { Some(all_as(ty)?) };
    let common = match &first {
        Some(converted) => unify_values(converted.iter()),
        None => unify_values(parts.clone().map(|(_, part)| part)),
    };
    let common = common.ok_or_else(|| wrong("all elements must be of one type".into()))?;
    match (first, common == Type::Any) {
        (Some(converted), true) => Ok((converted, ty.settled())),
        _ => Ok((all_as(&common)?, common)),
    }
}

fn mismatch(value: &Value, ty: &Type) -> ConvertError {
    required(ty, &article(value.type_name()))
}

fn required(ty: &Type, found: &str) -> ConvertError {
    wrong(format!("{} is required, not {found}", article(ty.name())))
}

fn wrong(message: String) -> ConvertError {
    ConvertError { path: Path::default(), message }
}

/// The word with its article, as messages use it.
pub(crate) fn article(word: &str) -> String {
    match word {
        "null" => "null".into(),
        "object" => "an object".into(),
        _ => format!("a {word}"),
    }
}

impl ConvertError {
    fn inside(mut self, step: PathStep) -> Self {
        self.path.0.insert(0, step);
        self
    }
}
